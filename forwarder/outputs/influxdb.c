/* SPDX-License-Identifier: Apache-2.0 */
/*
 * InfluxDB, by line protocol, many lines in a request. Ours: everything is escaped, fields are in
 * order, and a line has the alert's time, so that alerts of the same tags do not replace each
 * other and one that is sent again replaces itself.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define BATCH 1000

struct influxdb {
	struct output_settings common;
	char *host, *database, *organization, *bucket, *user, *password, *token;
	int precision;
};

static const struct {
	const char *v1, *v2; /* how the two APIs call it */
	int64_t ns;
} precisions[] = {
	/* in the order of the setting's choices */
	{ "ns", "ns", 1 },
	{ "u", "us", 1000 },
	{ "ms", "ms", 1000000 },
	{ "s", "s", 1000000000 },
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(influxdb, host, "hostport", NULL,
		"Address, such as http://influxdb:8086; switches the output on"),
	OUTPUT_ROW_TEXT(influxdb, database, "database", "falco", "Database (version 1)"),
	OUTPUT_ROW_TEXT(influxdb, organization, "organization", NULL,
		"Organization; switches to the API of version 2"),
	OUTPUT_ROW_TEXT(influxdb, bucket, "bucket", "falco", "Bucket (version 2)"),
	OUTPUT_ROW_CHOICE(
		influxdb, precision, "precision", "ns us ms s", "ns", "Precision of the times"),
	OUTPUT_ROW_TEXT(influxdb, user, "user", NULL, "User"),
	OUTPUT_ROW_SECRET(influxdb, password, "password", "Its password"),
	OUTPUT_ROW_SECRET(influxdb, token, "token", "API token, before user and password"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static const enum fact_kind order[] = { FACT_RULE, FACT_PRIORITY, FACT_SOURCE, FACT_STRING_FIELDS,
	FACT_HOSTNAME, FACT_TAGS, FACTS_END };

static bool is_enabled(const void *settings)
{
	return is_set(((const struct influxdb *)settings)->host);
}

static int check(const void *settings, struct error *err)
{
	return check_url("influxdb.hostport", ((const struct influxdb *)settings)->host, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

/*
 * A name or value of a tag. Blanks become _ as in Falcosidekick; so do line breaks, which the
 * protocol cannot say. A backslash would escape what follows it, and cannot be escaped itself.
 */
static void write_tag_text(struct buffer *line, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.data[i];

		if ((unsigned char)c <= ' ')
			buffer_add_char(line, '_');
		else if (c == '\\')
			buffer_add_char(line, '/');
		else if (c == ',' || c == '=')
			buffer_printf(line, "\\%c", c);
		else
			buffer_add_char(line, c);
	}
}

static void write_tags(struct buffer *line, const struct alert *alert)
{
	struct facts facts;

	facts_init(&facts, alert, order, "_");
	for (size_t i = 0; i < facts.count; i++) {
		const struct fact *fact = &facts.items[i];

		if (!fact->name.length || !fact->value.length)
			continue; /* an empty tag is an error */
		buffer_add_char(line, ',');
		write_tag_text(line, fact->name);
		buffer_add_char(line, '=');
		write_tag_text(line, fact->value);
	}
	facts_done(&facts);
}

static void write_line(struct buffer *out, const struct alert *alert, int precision)
{
	buffer_add_string(out, "events");
	write_tags(out, alert);
	buffer_add_string(out, " value=\"");
	text_write_escaped(out, text_of(alert->output), "\"\\");
	buffer_printf(out, "\" %lld\n", (long long)(alert->time_ns / precisions[precision].ns));
}

static void add_parameter(struct buffer *url, const char *name, const char *value)
{
	buffer_add_string(url, name);
	url_escape(url, text_of(value));
}

static void add_address(struct request *request, const struct influxdb *influxdb)
{
	bool is_v2 = is_set(influxdb->organization) && is_set(influxdb->bucket);

	request_url(request, influxdb->host, is_v2 ? "/api/v2/write" : "/write");
	if (is_v2) {
		add_parameter(&request->url, "?org=", influxdb->organization);
		add_parameter(&request->url, "&bucket=", influxdb->bucket);
	} else {
		add_parameter(&request->url, "?db=", influxdb->database);
	}
	buffer_printf(&request->url, "&precision=%s",
		is_v2 ? precisions[influxdb->precision].v2 : precisions[influxdb->precision].v1);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct influxdb *influxdb = settings;

	add_address(request, influxdb);
	request_header(request, "Content-Type", TEXT("text/plain; charset=utf-8"));
	request_header(request, "Accept", TEXT("application/json"));
	if (is_set(influxdb->token))
		request_header_printf(request, "Authorization", "Token %s", influxdb->token);
	else
		request_basic(request, influxdb->user, influxdb->password);
	for (size_t i = 0; i < messages->count; i++)
		write_line(&request->body, messages->items[i].alert, influxdb->precision);
}

const struct output output_influxdb = {
	.name = "influxdb",
	.title = "Influxdb",
	.about = "Writes alerts as points to InfluxDB",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct influxdb),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
};
