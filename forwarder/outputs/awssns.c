/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS SNS: the alert's text with its parts as attributes, or the raw event, by the query protocol.
 */
#include <ctype.h>
#include <json-c/linkhash.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/aws.h"

struct awssns {
	struct output_settings common;
	const struct aws_settings *aws;
	char *topic;
	bool sends_raw;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(
		awssns, topic, "topicarn", NULL, "ARN of the topic; switches the output on"),
	OUTPUT_ROW_BOOL(
		awssns, sends_raw, "rawjson", "false", "Whether the message is the alert as JSON"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct awssns *)settings)->topic);
}

static int check(const void *settings, struct error *err)
{
	return aws_check(((const struct awssns *)settings)->aws, err);
}

static void add_parameter(struct buffer *form, const char *name, struct text value)
{
	buffer_printf(form, "&%s=", name);
	url_escape(form, value);
}

struct attributes {
	struct buffer *form;
	int count;
};

/* A value may not be empty, a name only have letters, digits, hyphen, dot and underscore. */
static void add_attribute(
	struct attributes *to, struct text name, const char *type, struct text value)
{
	static const char entry[] = "MessageAttributes.entry";

	if (!value.length || !name.length)
		return;
	to->count++;
	buffer_printf(to->form, "&%s.%d.Name=", entry, to->count);
	url_escape(to->form, name);
	buffer_printf(to->form, "&%s.%d.Value.DataType=%s", entry, to->count, type);
	buffer_printf(to->form, "&%s.%d.Value.StringValue=", entry, to->count);
	url_escape(to->form, value);
}

/* proc.aname[2] becomes proc.aname.2 */
static void add_field(struct attributes *to, const char *field, struct json_object *value)
{
	bool is_number = json_object_is_type(value, json_type_int) ||
			 json_object_is_type(value, json_type_double);
	struct buffer name;

	if (!is_number && !json_object_is_type(value, json_type_string))
		return;
	buffer_init(&name, ALERT_MAX);
	for (const char *c = field; *c; c++) {
		bool is_good = isalnum((unsigned char)*c) || *c == '-' || *c == '.' || *c == '_';

		if (*c != ']')
			buffer_add_char(&name, *c == '[' ? '.' : is_good ? *c : '_');
	}
	add_attribute(to, buffer_text(&name), is_number ? "Number" : "String", field_text(value));
	buffer_done(&name);
}

static void add_attributes(struct buffer *form, const struct alert *alert)
{
	static const enum fact_kind order[] = { FACT_PRIORITY, FACT_RULE, FACT_SOURCE, FACT_TAGS,
		FACT_HOSTNAME, FACTS_END };
	struct attributes to = { form, 0 };
	struct facts facts;

	facts_init(&facts, alert, order, ",");
	for (size_t i = 0; i < facts.count; i++)
		add_attribute(&to, facts.items[i].name, "String", facts.items[i].value);
	facts_done(&facts);
	if (!alert->fields)
		return;
	json_object_object_foreach(alert->fields, name, value)
	{
		add_field(&to, name, value);
	}
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct awssns *awssns = settings;
	const struct message *message = &messages->items[0];

	buffer_printf(&request->url, "https://sns.%s.amazonaws.com/", awssns->aws->region);
	request_header(
		request, "Content-Type", TEXT("application/x-www-form-urlencoded; charset=utf-8"));
	buffer_add_string(&request->body, "Action=Publish&Version=2010-03-31");
	add_parameter(&request->body, "TopicArn", text_of(awssns->topic));
	add_parameter(&request->body, "Message",
		awssns->sends_raw ? message->raw : text_of(message->alert->output));
	if (!awssns->sends_raw)
		add_attributes(&request->body, message->alert);
}

static int sign(struct request *request, const struct preparing *at, struct error *err)
{
	return aws_sign(request, at, "sns", err);
}

const struct output output_awssns = {
	.name = "awssns",
	.key = "aws.sns",
	.title = "AWSSNS",
	.about = "Publishes each alert to a topic of AWS SNS",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct awssns),
	.group = &aws_group,
	.group_at = offsetof(struct awssns, aws),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.sign = sign,
	.verdict = aws_verdict,
	AWS_IDENTITY,
};
