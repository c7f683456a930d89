/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event's arguments as text: each has a raw form and, where there is something to tell, a
 * readable one. evt.arg prefers the readable form, evt.args prints both.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "sensor/fields/reader.h"

/* The longest argument that is bytes is 4096 of them; in base64 a third more. */
#define BYTES_TEXT_MAX 8192
#include "sensor/path.h"

#define ARGUMENT_TEXT_MAX 8192
#define FLAG_NAME_MAX	  60

int argument_index(const struct event *event, struct text name)
{
	for (int i = 0; i < event->type->argument_count; i++)
		if (!strncmp(event->type->arguments[i].name, name.data, name.length) &&
			!event->type->arguments[i].name[name.length])
			return i;
	return -1;
}

static bool is_present(const struct event *event, int index)
{
	if (index < 0 || index >= event->type->argument_count)
		return false;
	event_fill_argument(event, index);
	return event->arguments_present >> index & 1;
}

bool argument_get(const struct event *event, const char *name, struct value *ret_value)
{
	int index = argument_index(event, text_of(name));

	if (!is_present(event, index))
		return false;
	*ret_value = event->arguments[index];
	return true;
}

bool argument_has_flag(const struct event *event, const char *name, const char *flag)
{
	int index = argument_index(event, text_of(name));
	const struct flag_name *names;

	if (!is_present(event, index) || !event->type->arguments[index].names)
		return false;
	for (names = event->type->arguments[index].names; names->name; names++)
		if (!strcmp(names->name, flag))
			return names->bits &&
			       (event->arguments[index].size & names->bits) == names->bits;
	return false;
}

static size_t add_name(char *out, bool is_next, const char *name)
{
	size_t length = strnlen(name, FLAG_NAME_MAX);

	if (is_next)
		*out++ = '|';
	memcpy(out, name, length);
	return length + is_next;
}

struct text flag_names_text(struct arena *arena, const struct flag_name *names, uint64_t bits)
{
	uint64_t rest = bits;
	char line[1024];
	size_t length = 0;

	for (; names && names->name && length < sizeof(line) - FLAG_NAME_MAX - 1; names++) {
		bool is_all = names->bits == bits;

		if (!is_all && (!names->bits || (rest & names->bits) != names->bits))
			continue;
		length += add_name(line + length, length > 0, names->name);
		rest &= ~names->bits;
		if (is_all)
			break;
	}
	return length ? arena_copy(arena, (struct text){ line, length }) : (struct text){};
}

/* Enumerations have one name. */
static struct text enum_name_text(const struct flag_name *names, uint64_t value)
{
	for (; names && names->name; names++)
		if (names->bits == value)
			return text_of(names->name);
	return (struct text){};
}

struct text errno_text(struct arena *arena, int64_t code)
{
	const char *name = code < 0 && code > -4096 ? strerrorname_np((int)-code) : NULL;

	return name ? text_of(name) : arena_printf(arena, "E%" PRId64, -code);
}

/* Letter of the transport behind a socket's: t, u, i, r. */
static const char *transport_letter(const struct event *event)
{
	char type = event_fd_letter(event);

	if (type != FD_IPV4 && type != FD_IPV6)
		return "";
	switch (event->fd.protocol) {
	case 6:
		return "t";
	case 17:
		return "u";
	case 1:
	case 58:
		return "i";
	case 255:
		return "r";
	default:
		return "";
	}
}

static struct text fd_text(const struct event *event, int64_t number)
{
	struct text name;

	if (number == AT_FDCWD)
		return TEXT("AT_FDCWD");
	if (number < 0)
		return errno_text(event->arena, number);
	if (!event->fd.is_known || event->fd.number != number)
		return (struct text){};
	name = event_fd_name(event);
	return arena_printf(event->arena, "<%c%s>" TEXT_FORMAT, event_fd_letter(event),
		transport_letter(event), TEXT_PRINT(name));
}

/* The command name of a process that we can name: the event's own or an ancestor. */
static struct text pid_text(const struct event *event, int64_t pid)
{
	const struct process *process = event->process;

	for (unsigned n = 0; process && n < 100; n++) {
		if (process->pid == pid)
			return process->comm;
		process = process_ancestor(process, 1);
	}
	return (struct text){};
}

/* The path that an open really reached stands in its own arguments too (architecture 6). */
static bool is_opened_path(const struct event *event, int index)
{
	const char *name = event->type->arguments[index].name;

	return event->type->is_open && (!strcmp(name, "name") || !strcmp(name, "path"));
}

/* The source made it absolute where the caller's folder was known; then it only wants tidying. */
static struct text path_text(const struct event *event, int index)
{
	struct text path =
		event->absolute[index].data ? event->absolute[index] : event->arguments[index].text;

	if (is_opened_path(event, index) && event->fd.is_known && event_fd_name(event).length)
		return event_fd_name(event);
	if (!path.length || path.data[0] != '/')
		return path;
	return path_absolute(event->arena, TEXT("/"), path);
}

static struct text bytes_text(const struct event *event, struct text bytes)
{
	struct buffer out;
	struct text text;

	buffer_init(&out, BYTES_TEXT_MAX);
	print_bytes(event, bytes, &out);
	text = arena_copy(event->arena, buffer_text(&out));
	buffer_done(&out);
	return text;
}

static struct text address_text(struct arena *arena, const struct address *address)
{
	struct buffer line;
	struct text text;

	buffer_init(&line, 64);
	address_print(address, &line);
	text = arena_copy(arena, buffer_text(&line));
	buffer_done(&line);
	return text;
}

static struct text raw_number_text(
	struct arena *arena, enum value_type type, const struct value *value)
{
	if (type == TYPE_MODE)
		return arena_printf(arena, "0%" PRIo64, value->size);
	if ((type == TYPE_UID || type == TYPE_GID) && value->size >= UINT32_MAX)
		return TEXT("-1");
	if (value->kind == VALUE_SIGNED)
		return arena_printf(arena, "%" PRId64, value->number);
	return arena_printf(arena, "%" PRIu64, value->size);
}

enum presence argument_raw_text(const struct event *event, int index, struct text *ret_text)
{
	const struct value *value;

	if (!is_present(event, index))
		return ABSENT;
	value = &event->arguments[index];
	switch (value->kind) {
	case VALUE_TEXT:
		*ret_text = value->text.data ? value->text : TEXT("");
		break;
	case VALUE_BYTES:
		*ret_text = bytes_text(event, value->text);
		break;
	case VALUE_BOOL:
		*ret_text = value->flag ? TEXT("true") : TEXT("false");
		break;
	case VALUE_ADDRESS:
		*ret_text = address_text(event->arena, &value->address);
		break;
	case VALUE_LIST:
		return ABSENT;
	default:
		*ret_text =
			raw_number_text(event->arena, event->type->arguments[index].type, value);
	}
	return PRESENT;
}

/* The readable form; no data when the raw one says it all. */
static struct text readable_text(const struct event *event, int index)
{
	const struct event_argument *argument = &event->type->arguments[index];
	const struct value *value = &event->arguments[index];
	struct text text = {};

	switch (argument->type) {
	case TYPE_FD:
		return fd_text(event, value->number);
	case TYPE_PID:
		return pid_text(event, value->number);
	case TYPE_ERRNO:
		return value->number < 0 ? errno_text(event->arena, value->number) : text;
	case TYPE_ENUMFLAGS8:
	case TYPE_ENUMFLAGS16:
	case TYPE_ENUMFLAGS32:
		return enum_name_text(argument->names, value->size);
	case TYPE_FLAGS8:
	case TYPE_FLAGS16:
	case TYPE_FLAGS32:
	case TYPE_MODE:
		return flag_names_text(event->arena, argument->names, value->size);
	case TYPE_UID:
		if (value->size >= UINT32_MAX)
			return TEXT("<NONE>");
		(void)name_of_id(event, NAME_OF_USER, (int64_t)value->size, &text);
		return text;
	case TYPE_GID:
		if (value->size >= UINT32_MAX)
			return TEXT("<NONE>");
		(void)name_of_id(event, NAME_OF_GROUP, (int64_t)value->size, &text);
		return text;
	case TYPE_FSPATH:
	case TYPE_FSRELPATH:
		return path_text(event, index);
	default:
		return text;
	}
}

enum presence argument_text(const struct event *event, int index, struct text *ret_text)
{
	struct text readable;

	if (!is_present(event, index))
		return ABSENT;
	readable = readable_text(event, index);
	if (!readable.data)
		return argument_raw_text(event, index, ret_text);
	*ret_text = readable;
	return PRESENT;
}

struct text arguments_text(const struct event *event)
{
	struct buffer line;
	struct text text;

	buffer_init(&line, ARGUMENT_TEXT_MAX);
	for (int i = 0; i < event->type->argument_count; i++) {
		struct text raw = UNKNOWN_TEXT, readable = {};

		if (argument_raw_text(event, i, &raw) == PRESENT)
			readable = readable_text(event, i);
		buffer_printf(&line, "%s%s=", i ? " " : "", event->type->arguments[i].name);
		buffer_add_text(&line, raw);
		if (!readable.data || text_equal(readable, raw))
			continue;
		buffer_add_char(&line, '(');
		buffer_add_text(&line, readable);
		buffer_add_char(&line, ')');
	}
	text = arena_copy(event->arena, buffer_text(&line));
	buffer_done(&line);
	return text.data ? text : TEXT("");
}
