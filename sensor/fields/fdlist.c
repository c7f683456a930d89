/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of the descriptors that poll and ppoll wait for. Which they are is read from the caller's
 * memory after the call, so the caller may have changed it.
 */
#include <inttypes.h>

#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"
#include "sensor/sources/look.h"

#define LIST_MAX 65536

/* What one descriptor has; false: nothing, and it is left out. */
typedef bool write_one(const struct event_fd *fd, struct buffer *out);

static bool write_number(const struct event_fd *fd, struct buffer *out)
{
	buffer_printf(out, "%" PRId64, fd->number);
	return true;
}

static bool write_name(const struct event_fd *fd, struct buffer *out)
{
	buffer_add_text(out, fd->name.length ? fd->name : UNKNOWN_TEXT);
	return true;
}

static bool write_address(const struct event_fd *fd, enum role role, struct buffer *out)
{
	struct end end = fd_end(fd, role);

	address_print(&end.address, out);
	return end.address.family;
}

static bool write_port(const struct event_fd *fd, enum role role, struct buffer *out)
{
	struct end end = fd_end(fd, role);

	if (end.address.family)
		buffer_printf(out, "%u", end.port);
	return end.address.family;
}

static bool write_client_address(const struct event_fd *fd, struct buffer *out)
{
	return write_address(fd, CLIENT, out);
}

static bool write_server_address(const struct event_fd *fd, struct buffer *out)
{
	return write_address(fd, SERVER, out);
}

static bool write_client_port(const struct event_fd *fd, struct buffer *out)
{
	return write_port(fd, CLIENT, out);
}

static bool write_server_port(const struct event_fd *fd, struct buffer *out)
{
	return write_port(fd, SERVER, out);
}

/* Joined by commas; absent when no descriptor has any. */
static enum presence give_polled(
	const struct event *event, write_one *write, struct value *ret_value)
{
	const struct descriptors *polled =
		event->process ? look_descriptors(event->look, LOOK_POLLED) : NULL;
	struct buffer line;
	struct text text;

	buffer_init(&line, LIST_MAX);
	for (size_t i = 0; polled && i < polled->count; i++) {
		size_t before = line.length;

		buffer_add_string(&line, before ? "," : "");
		if (!write(&polled->items[i], &line))
			line.length = before;
	}
	text = line.length ? arena_copy(event->arena, buffer_text(&line)) : (struct text){};
	buffer_done(&line);
	return give_text(ret_value, text);
}

#define POLLED(name, write)                                  \
	READER(name)                                         \
	{                                                    \
		return give_polled(event, write, ret_value); \
	}

POLLED(fdlist_nums, write_number)
POLLED(fdlist_names, write_name)
POLLED(fdlist_cips, write_client_address)
POLLED(fdlist_sips, write_server_address)
POLLED(fdlist_cports, write_client_port)
POLLED(fdlist_sports, write_server_port)

static const struct field fields[] = {
	{ "fdlist.nums", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK,
		"Numbers of the descriptors that poll or ppoll waits for, as the caller's memory has "
		"them after the call",
		fdlist_nums },
	{ "fdlist.names", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK, "Their names", fdlist_names },
	{ "fdlist.cips", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK, "Addresses of their clients",
		fdlist_cips },
	{ "fdlist.sips", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK, "Addresses of their servers",
		fdlist_sips },
	{ "fdlist.cports", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK, "Ports of their clients",
		fdlist_cports },
	{ "fdlist.sports", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK, "Ports of their servers",
		fdlist_sports },
};

const struct field_family family_fdlist = { "fdlist", "Descriptors that a call waits for", fields,
	COUNT_OF(fields) };
