/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog over TCP or UDP: a line an alert, with the header of RFC 5424 or the old one that
 * Falcosidekick writes (its time is RFC 3339's), and JSON or ArcSight's CEF behind it. Lines end
 * with LF (RFC 6587, 3.4.2), which neither form has inside.
 *
 * Syslog has no acknowledgement. Over TCP an alert counts as sent when the other machine has it.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"
#include "forwarder/socket.h"

struct syslog {
	struct output_settings common;
	char *host;
	int64_t port;
	int protocol, format, header, facility;
};

enum { PROTOCOL_TCP, PROTOCOL_UDP };
enum { FORMAT_JSON, FORMAT_CEF };
enum { HEADER_OLD, HEADER_RFC5424 };

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(syslog, host, "host", NULL, "The receiver; switches the output on"),
	OUTPUT_ROW_INTEGER(syslog, port, "port", "514", 1, 65535, "The receiver's port"),
	OUTPUT_ROW_CHOICE(syslog, protocol, "protocol", "tcp udp", "tcp",
		"How lines travel; over udp they may be lost, and longer ones than 64 KB are "
		"refused"),
	OUTPUT_ROW_CHOICE(syslog, format, "format", "json cef", "json", "What a line says"),
	OUTPUT_ROW_CHOICE(syslog, header, "header", "rfc3164 rfc5424", "rfc3164",
		"The header of a line: the old one, or RFC 5424's"),
	OUTPUT_ROW_CHOICE(syslog, facility, "facility",
		"kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert "
		"clock local0 local1 local2 local3 local4 local5 local6 local7",
		"kern", "The facility of a line; kern is Falcosidekick's"),
	OUTPUT_ROW_PRIORITY,
};

static const int cef_severities[] = {
	[PRIORITY_EMERGENCY] = 10,
	[PRIORITY_ALERT] = 9,
	[PRIORITY_CRITICAL] = 8,
	[PRIORITY_ERROR] = 7,
	[PRIORITY_WARNING] = 6,
	[PRIORITY_NOTICE] = 4,
	[PRIORITY_INFORMATIONAL] = 3,
	[PRIORITY_DEBUG] = 0,
	[PRIORITY_NONE] = 0,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct syslog *)settings)->host);
}

static size_t batch(const void *settings)
{
	return ((const struct syslog *)settings)->protocol == PROTOCOL_TCP ? 256 : 1;
}

/* A hostname that cannot end its place in the header; "-" for none, as RFC 5424 has it. */
static void write_hostname(struct buffer *out, const char *hostname)
{
	size_t start = out->length;

	for (const char *c = hostname ? hostname : ""; *c && out->length - start < 255; c++)
		buffer_add_char(out, *c > ' ' && *c < 0x7f ? *c : '_');
	if (out->length == start)
		buffer_add_char(out, '-');
}

/* Six digits of fraction: the most that RFC 5424 allows, and rsyslog misreads fewer. */
static void write_time(struct buffer *out, int64_t time_ns)
{
	int64_t seconds = time_ns / 1000000000;
	char whole[sizeof("2021-05-29T17:18:29")];
	struct tm tm;

	gmtime_r(&(time_t){ seconds }, &tm);
	if (!strftime(whole, sizeof(whole), "%FT%T", &tm))
		whole[0] = '\0'; /* a year of five digits */
	buffer_printf(out, "%s.%06lldZ", *whole ? whole : "9999-12-31T23:59:59",
		(long long)(time_ns - seconds * 1000000000) / 1000);
}

static void write_header(struct buffer *out, const struct syslog *syslog, const struct alert *alert)
{
	bool is_new = syslog->header == HEADER_RFC5424;

	buffer_printf(out, "<%d>%s", syslog->facility * 8 + MIN_OF((int)alert->priority, 7),
		is_new ? "1 " : "");
	write_time(out, alert->time_ns);
	buffer_add_char(out, ' ');
	write_hostname(out, alert->hostname);
	buffer_add_string(out, is_new ? " falco - - - " : " falco: ");
}

/*
 * CEF (ArcSight, "Common Event Format", 2.2): a backslash before what would end a value, a line
 * break as \n in the extension, a blank in the header; no other control characters.
 */
static void write_cef(struct buffer *out, struct text text, const char *special, bool is_header)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (strchr(special, c) && c)
			buffer_printf(out, "\\%c", c);
		else if ((c == '\n' || c == '\r') && !is_header)
			buffer_printf(out, "\\%c", c == '\n' ? 'n' : 'r');
		else
			buffer_add_char(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
	}
}

static void write_extension(struct buffer *out, const char *key, struct text value)
{
	buffer_printf(out, "%s=", key);
	write_cef(out, value, "\\=", false);
}

static void write_fields(struct buffer *out, const struct alert *alert)
{
	static const enum fact_kind order[] = { FACT_FIELDS, FACTS_END };
	struct facts facts;

	buffer_add_string(out, " outputfields=");
	facts_init(&facts, alert, order, ",");
	for (size_t i = 0; i < facts.count; i++) {
		if (i)
			buffer_add_char(out, ' ');
		write_cef(out, facts.items[i].name, "\\=", false);
		buffer_add_char(out, ':');
		write_cef(out, facts.items[i].value, "\\=", false);
	}
	facts_done(&facts);
}

static void write_cef_alert(struct buffer *out, const struct alert *alert)
{
	struct buffer words;

	buffer_add_string(out, "CEF:0|Falcosecurity|Falco|1.0|Falco Event|");
	write_cef(out, text_of(alert->rule), "\\|", true);
	buffer_printf(out, "|%d|uuid=%s start=", cef_severities[alert->priority], alert->uuid);
	time_write(out, alert->time_ns);
	write_extension(out, " msg", text_of(alert->output));
	write_extension(out, " source", text_of(alert->source));
	if (is_set(alert->hostname))
		write_extension(out, " hostname", text_of(alert->hostname));
	write_fields(out, alert);
	buffer_init(&words, ALERT_MAX);
	alert_tags_text(&words, alert, ",");
	write_extension(out, " tags", buffer_text(&words));
	buffer_done(&words);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct syslog *syslog = settings;
	const struct message *message = &messages->items[0];

	request->method = syslog->protocol == PROTOCOL_UDP ? "UDP" : "TCP";
	buffer_printf(&request->url, "%s:%lld", syslog->host, (long long)syslog->port);
	write_header(&request->body, syslog, message->alert);
	if (syslog->format == FORMAT_CEF)
		write_cef_alert(&request->body, message->alert);
	else
		buffer_add_text(&request->body, message->raw);
	buffer_add_char(&request->body, '\n');
}

struct line {
	int fd;
	bool is_datagram;
};

static int open_line(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	const struct syslog *syslog = settings;
	bool is_datagram = syslog->protocol == PROTOCOL_UDP;
	_cleanup_(freep) char *port = string_printf("%lld", (long long)syslog->port);
	struct line *line;
	int fd, r = socket_open(syslog->host, port, is_datagram ? SOCK_DGRAM : SOCK_STREAM,
			timeout_ms, &fd, err);

	(void)trust;
	if (r < 0)
		return r;
	line = NEW(struct line);
	*line = (struct line){ fd, is_datagram };
	*ret_connection = line;
	return 0;
}

static void close_line(void *connection)
{
	struct line *line = connection;

	close(line->fd);
	free(line);
}

static enum verdict verdict_of(int r)
{
	switch (r) {
	case 0:
		return VERDICT_SENT;
	case -EMSGSIZE:
		return VERDICT_ALERT_REFUSED;
	default: /* a peer that is gone says nothing about an alert */
		return VERDICT_OUTPUT_REFUSED;
	}
}

static enum verdict send_lines(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	const struct line *line = connection;
	struct buffer all;
	int r = 0;

	if (line->is_datagram)
		return verdict_of(
			socket_send_datagram(line->fd, buffer_text(&requests[0].body), err));
	buffer_init(&all, (size_t)2 * REQUEST_BODY_MAX);
	for (size_t i = 0; i < count; i++)
		buffer_add_text(&all, buffer_text(&requests[i].body));
	r = socket_send(line->fd, buffer_text(&all), timeout_ms, err);
	buffer_done(&all);
	return verdict_of(r);
}

const struct output output_syslog = {
	.name = "syslog",
	.title = "Syslog",
	.about = "Writes a line an alert to a syslog server, as JSON or CEF",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct syslog),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.batch = batch,
	.compose = compose,
	.open = open_line,
	.send = send_lines,
	.close = close_line,
};
