/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wavefront: a point of a metric for each alert, with its fields as point tags, over HTTP to the
 * service or to its proxy, which takes the same on its port for metrics (docs.wavefront.com,
 * "Wavefront Data Format"). Ours: the time is in milliseconds, where Falcosidekick writes
 * nanoseconds that the service takes for a far future.
 */
#include <ctype.h>
#include <errno.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define TAG_MAX                                                                          \
	254 /* characters of key and value together; a point with longer ones is dropped \
	     */

struct wavefront {
	struct output_settings common;
	char *host, *token, *metric;
	int type;
	int64_t port, batch;
};

enum { TYPE_NONE, TYPE_DIRECT, TYPE_PROXY };

static const struct setting rows[] = {
	OUTPUT_ROW_CHOICE(wavefront, type, "endpointtype", "none direct proxy", "none",
		"To the service itself, or to its proxy; with endpointhost it switches the output "
		"on"),
	OUTPUT_ROW_TEXT(wavefront, host, "endpointhost", NULL, "Host of the service or the proxy"),
	OUTPUT_ROW_SECRET(wavefront, token, "endpointtoken", "Token, for the service itself"),
	OUTPUT_ROW_INTEGER(wavefront, port, "endpointmetricport", "2878", 1, 65535,
		"Port of the proxy for metrics"),
	OUTPUT_ROW_TEXT(wavefront, metric, "metricname", "falco.alert", "Name of the metric"),
	OUTPUT_ROW_INTEGER(
		wavefront, batch, "batchsize", "10000", 1, 40000, "Alerts in a request, at most"),
	OUTPUT_ROW_IGNORED("flushintervalseconds", "1", "nothing waits for others to come"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct wavefront *wavefront = settings;

	return is_set(wavefront->host) && wavefront->type != TYPE_NONE;
}

static int check(const void *settings, struct error *err)
{
	const struct wavefront *wavefront = settings;

	if (wavefront->type == TYPE_DIRECT && !is_set(wavefront->token))
		return error_set(err, -EINVAL,
			"wavefront.endpointtoken must be set when endpointtype is direct");
	return 0;
}

static size_t batch(const void *settings)
{
	return (size_t)((const struct wavefront *)settings)->batch;
}

/* Keys are letters, digits, _ - . and /; others become -. */
static void write_key(struct buffer *out, struct text key)
{
	buffer_add_char(out, '"');
	for (size_t i = 0; i < key.length; i++) {
		char c = key.data[i];

		buffer_add_char(
			out, isalnum((unsigned char)c) || (c && strchr("_-./", c)) ? c : '-');
	}
	buffer_add_char(out, '"');
}

/* On one line, with quotes and backslashes escaped. */
static void write_value(struct buffer *out, struct text value, size_t characters)
{
	struct buffer cut;

	buffer_init(&cut, ALERT_MAX);
	text_write_cut(&cut, value, characters);
	buffer_add_char(out, '"');
	for (size_t i = 0; i < cut.length; i++) {
		unsigned char c = (unsigned char)cut.data[i];

		if (c == '"' || c == '\\')
			buffer_add_char(out, '\\');
		buffer_add_char(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
	}
	buffer_add_char(out, '"');
	buffer_done(&cut);
}

static void write_tag(struct buffer *out, struct text key, struct text value)
{
	key = text_slice(key, 0, TAG_MAX / 2);
	if (!text_trim(value).length || !key.length)
		return;
	buffer_add_char(out, ' ');
	write_key(out, key);
	buffer_add_char(out, '=');
	write_value(out, value, TAG_MAX - key.length);
}

static void write_point(
	struct buffer *out, const struct alert *alert, const struct wavefront *wavefront)
{
	static const enum fact_kind order[] = { FACT_RULE, FACT_SOURCE, FACT_HOSTNAME,
		FACT_STRING_FIELDS, FACT_TAGS, FACTS_END };
	struct facts facts;

	write_key(out, text_of(wavefront->metric));
	buffer_printf(
		out, " 1 %lld source=\"falco-exporter\"", (long long)(alert->time_ns / NS_PER_MS));
	write_tag(out, TEXT("severity"), text_of(priority_name(alert->priority)));
	facts_init(&facts, alert, order, ", ");
	for (size_t i = 0; i < facts.count; i++)
		write_tag(out, facts.items[i].name, facts.items[i].value);
	facts_done(&facts);
	buffer_add_char(out, '\n');
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct wavefront *wavefront = settings;
	bool is_direct = wavefront->type == TYPE_DIRECT;

	if (strstr(wavefront->host, "://"))
		request_url(request, wavefront->host, "");
	else if (is_direct)
		buffer_printf(&request->url, "https://%s", wavefront->host);
	else
		buffer_printf(&request->url, "http://%s:%lld", wavefront->host,
			(long long)wavefront->port);
	buffer_add_string(&request->url, "/report?f=wavefront");
	request_header(request, "Content-Type", TEXT("text/plain; charset=utf-8"));
	if (is_direct)
		request_header_printf(request, "Authorization", "Bearer %s", wavefront->token);
	for (size_t i = 0; i < messages->count; i++)
		write_point(&request->body, messages->items[i].alert, wavefront);
}

const struct output output_wavefront = {
	.name = "wavefront",
	.title = "Wavefront",
	.about = "Sends a point for each alert to Wavefront",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct wavefront),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
};
