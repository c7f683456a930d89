/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters as StatsD's lines, under the names that Falcosidekick gives them
 * (spec/forwarder.md 4.4).
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/counters.h"
#include "forwarder/outputs/statsd.h"
#include "forwarder/socket.h"

#define LABEL_MAX    256
#define DATAGRAM_MAX 1432 /* fits an Ethernet frame, as Datadog and StatsD advise */

/* A counter of ours, its name there, and the label that is a part of that name. */
static const struct {
	const char *counter, *name, *part;
	const char *labels[2], *tags[2];
} names[] = {
	{ "falcosecurity_falcosidekick_inputs_total", "inputs.requests.", "status", { NULL },
		{ NULL } },
	{ "falcosecurity_falcosidekick_falco_events_total", "falco.accepted", NULL,
		{ "priority_raw" }, { "priority" } },
	{ "falcosecurity_falcosidekick_outputs_total", "outputs", NULL, { "destination", "status" },
		{ "output", "status" } },
};

bool statsd_is_enabled(const void *settings)
{
	return is_set(((const struct statsd *)settings)->address);
}

int statsd_check(const char *key, const void *settings, struct error *err)
{
	const char *address = ((const struct statsd *)settings)->address;
	const char *colon = strrchr(address, ':');
	int64_t port;

	if (colon && colon > address && !text_to_i64(text_of(colon + 1), &port) && port > 0 &&
		port < 65536)
		return 0;
	return error_set(
		err, -EINVAL, "%s must be HOST:PORT such as statsd:8125, not \"%s\"", key, address);
}

int64_t statsd_interval_ms(const void *settings)
{
	return MAX_OF(((const struct statsd *)settings)->interval_ms, 100);
}

/* What ends a name, a value or a tag becomes _; the priority has a capital, as Falcosidekick's. */
static void write_clean(struct buffer *out, struct text text, bool is_name)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.data[i];
		bool is_bad = c <= ' ' || c == 0x7f || strchr(is_name ? ":|@#,." : "|@#,", c);

		buffer_add_char(out, is_bad ? '_' : (char)c);
	}
}

static void write_label(struct buffer *out, const struct counter *counter, const char *label,
	const char *tag, bool is_name)
{
	struct buffer value;

	buffer_init(&value, LABEL_MAX);
	counter_label(counter, label, &value);
	if (value.length && !strcmp(tag, "priority"))
		value.data[0] = (char)toupper((unsigned char)value.data[0]);
	write_clean(out, buffer_text(&value), is_name);
	buffer_done(&value);
}

static void write_tags(struct buffer *out, const struct counter *counter, size_t name,
	const struct text_list *also)
{
	const char *before = "|#";

	for (size_t i = 0; i < COUNT_OF(names[name].labels) && names[name].labels[i]; i++) {
		buffer_printf(out, "%s%s:", before, names[name].tags[i]);
		write_label(out, counter, names[name].labels[i], names[name].tags[i], false);
		before = ",";
	}
	for (size_t i = 0; i < also->count; i++) {
		buffer_add_string(out, before);
		write_clean(out, text_of(also->items[i]), false);
		before = ",";
	}
}

static void write_line(struct buffer *out, const struct counter *counter, size_t name,
	const struct statsd *statsd, enum statsd_form form)
{
	buffer_printf(out, "%s%s", statsd->prefix ? statsd->prefix : "", names[name].name);
	if (names[name].part)
		write_label(out, counter, names[name].part, "", true);
	for (size_t i = 0;
		form == STATSD_PLAIN && i < COUNT_OF(names[name].labels) && names[name].labels[i];
		i++) {
		buffer_add_char(out, '.');
		write_label(out, counter, names[name].labels[i], names[name].tags[i], true);
	}
	buffer_printf(out, ":%lld|c", (long long)counter->change);
	if (form == STATSD_DOG)
		write_tags(out, counter, name, &statsd->tags);
	buffer_add_char(out, '\n');
}

void statsd_tell(const struct counters *counters, const struct statsd *statsd,
	enum statsd_form form, struct request *request)
{
	request->method = "UDP";
	buffer_add_string(&request->url, statsd->address);
	for (size_t i = 0; i < counters->count; i++)
		for (size_t name = 0; counters->items[i].change > 0 && name < COUNT_OF(names);
			name++)
			if (text_is(counters->items[i].name, names[name].counter))
				write_line(&request->body, &counters->items[i], name, statsd, form);
}

struct statsd_socket {
	int fd;
};

int statsd_open(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	const struct statsd *statsd = settings;
	const char *colon = strrchr(statsd->address, ':');
	_cleanup_(freep) char *host =
		string_printf("%.*s", (int)(colon - statsd->address), statsd->address);
	struct statsd_socket *opened;
	int fd, r = socket_open(host, colon + 1, SOCK_DGRAM, timeout_ms, &fd, err);

	(void)trust;
	if (r < 0)
		return r;
	opened = NEW(struct statsd_socket);
	opened->fd = fd;
	*ret_connection = opened;
	return 0;
}

/* Cuts whole lines off, as many as a datagram holds, and one at least. */
static struct text next_datagram(struct text *rest)
{
	size_t end = 0;

	while (end < rest->length) {
		struct text more = text_slice(*rest, end, rest->length);
		size_t next = end + (size_t)text_find(more, TEXT("\n")) + 1;

		if (end && next > DATAGRAM_MAX)
			break;
		end = next;
	}
	struct text datagram = text_slice(*rest, 0, end);

	*rest = text_slice(*rest, end, rest->length);
	return datagram;
}

enum verdict statsd_send(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	const struct statsd_socket *opened = connection;
	struct text rest = buffer_text(&requests[0].body);
	int r = 0;

	(void)count;
	(void)timeout_ms;
	while (rest.length && !r)
		r = socket_send_datagram(opened->fd, next_datagram(&rest), err);
	return r < 0 ? VERDICT_OUTPUT_REFUSED : VERDICT_SENT;
}

void statsd_close(void *connection)
{
	struct statsd_socket *opened = connection;

	close(opened->fd);
	free(opened);
}
