/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloudEvents 1.0 over HTTP in binary mode, which Knative and others take: the raw event as the
 * body, what it is in headers.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

struct cloudevents {
	struct output_settings common;
	char *address;
	struct text_map extensions;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(cloudevents, address, "address", NULL,
		"Address of the consumer; switches the output on"),
	OUTPUT_ROW_MAP(cloudevents, extensions, "extensions", "Extension attributes to add"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct cloudevents *)settings)->address);
}

static int check(const void *settings, struct error *err)
{
	return check_url(
		"cloudevents.address", ((const struct cloudevents *)settings)->address, err);
}

/* HTTP Protocol Binding 1.0.2, 3.1.3.2: all but printable ASCII without blank, " and % as %XX. */
static void add_attribute(struct request *request, const char *name, struct text value)
{
	_cleanup_(freep) char *header = string_printf("ce-%s", name);
	struct buffer escaped;

	buffer_init(&escaped, REQUEST_HEADER_MAX);
	for (size_t i = 0; i < value.length; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (c > ' ' && c < 0x7f && c != '"' && c != '%')
			buffer_add_char(&escaped, (char)c);
		else
			buffer_printf(&escaped, "%%%02X", c);
	}
	request_header(request, header, buffer_text(&escaped));
	buffer_done(&escaped);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct cloudevents *cloudevents = settings;
	const struct alert *alert = messages->items[0].alert;
	struct buffer time;

	buffer_init(&time, 64);
	time_write(&time, alert->time_ns);
	buffer_add_string(&request->url, cloudevents->address);
	request_header(request, "Content-Type", TEXT("application/json"));
	add_attribute(request, "specversion", TEXT("1.0"));
	add_attribute(request, "id", text_of(alert->uuid));
	add_attribute(request, "time", buffer_text(&time));
	add_attribute(request, "source", TEXT("https://falco.org"));
	add_attribute(request, "type", TEXT("falco.rule.output.v1"));
	add_attribute(request, "priority", text_of(priority_name(alert->priority)));
	add_attribute(request, "rule", text_of(alert->rule));
	add_attribute(request, "eventsource", text_of(alert->source));
	if (is_set(alert->hostname))
		add_attribute(request, "hostname", text_of(alert->hostname));
	for (size_t i = 0; i < cloudevents->extensions.count; i++)
		add_attribute(request, cloudevents->extensions.keys[i],
			text_of(cloudevents->extensions.values[i]));
	buffer_add_text(&request->body, messages->items[0].raw);
	buffer_done(&time);
}

const struct output output_cloudevents = {
	.name = "cloudevents",
	.title = "CloudEvents",
	.about = "Posts each alert as a CloudEvent, such as to Knative",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct cloudevents),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
