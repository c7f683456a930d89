/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of the descriptor that an event makes, uses or ends. Without a descriptor, or without a
 * known process, all of them are absent.
 */
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>

#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"
#include "sensor/path.h"
#include "sensor/sources/look.h"
#include "sensor/state/domains.h"

/* More names of rules than this lead to no one address. */
#define DOMAINS_OF_ADDRESS 16

struct fd_type_row {
	enum fd_type type;
	char letter;
	const char *name;
};

static const struct fd_type_row fd_type_rows[] = {
	{ FD_FILE, 'f', "file" },
	{ FD_DIRECTORY, 'd', "directory" },
	{ FD_IPV4, '4', "ipv4" },
	{ FD_IPV6, '6', "ipv6" },
	{ FD_UNIX, 'u', "unix" },
	{ FD_PIPE, 'p', "pipe" },
	{ FD_EVENT, 'e', "event" },
	{ FD_SIGNAL, 's', "signalfd" },
	{ FD_TIMER, 't', "timerfd" },
	{ FD_INOTIFY, 'i', "inotify" },
	{ FD_EPOLL, 'l', "eventpoll" },
	{ FD_BPF, 'b', "bpf" },
	{ FD_USERFAULT, 'u', "userfaultfd" },
	{ FD_URING, 'r', "io_uring" },
	{ FD_MEMFD, 'm', "memfd" },
	{ FD_PIDFD, 'P', "pidfd" },
	{ FD_NETLINK, 'n', "netlink" },
	{ FD_UNSUPPORTED, 'X', "<NA>" },
	{ FD_OTHER, 'o', "<NA>" },
};

/* What a descriptor is taken for when only its call is known. */
static const struct {
	const char *call;
	char letter;
} guesses[] = {
	{ "socket", '4' },
	{ "accept", '4' },
	{ "accept4", '4' },
	{ "pipe", 'p' },
	{ "pipe2", 'p' },
	{ "eventfd", 'e' },
	{ "eventfd2", 'e' },
	{ "signalfd", 's' },
	{ "signalfd4", 's' },
	{ "timerfd_create", 't' },
	{ "inotify_init", 'i' },
	{ "inotify_init1", 'i' },
};

static const struct fd_type_row *row_of(enum fd_type type)
{
	for (size_t i = 0; i < COUNT_OF(fd_type_rows); i++)
		if (fd_type_rows[i].type == type)
			return &fd_type_rows[i];
	return NULL;
}

char event_fd_letter(const struct event *event)
{
	const struct fd_type_row *row = row_of(event->fd.type);

	if (row)
		return row->letter;
	if (event->type->is_open)
		return 'f';
	for (size_t i = 0; i < COUNT_OF(guesses); i++)
		if (text_is(text_of(guesses[i].call), event->type->name))
			return guesses[i].letter;
	return 'o';
}

struct text event_fd_name(const struct event *event)
{
	if (!event->fd.is_known)
		return (struct text){};
	event_name_fd(event);
	if (event->view == VIEW_REAL && event->fd.real_name.data)
		return event->fd.real_name;
	return event->fd.name;
}

static const struct event_fd *fd_of(const struct event *event)
{
	return event->fd.is_known && event->process ? &event->fd : NULL;
}

READER(fd_num)
{
	return fd_of(event) ? give_signed(ret_value, event->fd.number) : ABSENT;
}

struct text fd_type_text(const struct event_fd *fd)
{
	const struct fd_type_row *row = row_of(fd->type);

	return row ? text_of(row->name) : UNKNOWN_TEXT;
}

READER(fd_type)
{
	return fd_of(event) ? give_text(ret_value, fd_type_text(&event->fd)) : ABSENT;
}

static void add_once(struct value *items, size_t *count, struct text text)
{
	for (size_t i = 0; i < *count; i++)
		if (text_equal(items[i].text, text))
			return;
	items[(*count)++] = value_text(text);
}

/* The kinds of all descriptors of the process, each once, or the kind of one. */
READER(fd_types)
{
	const struct descriptors *all = look_descriptors(event->look, LOOK_DESCRIPTORS);
	struct value *items;
	size_t count = 0;

	if (!event->process || !all)
		return ABSENT;
	if (use->has_argument) {
		const struct event_fd *fd =
			look_descriptor(event->look, LOOK_DESCRIPTORS, use->index);

		return fd ? give_text(ret_value, fd_type_text(fd)) : ABSENT;
	}
	items = ARENA_NEW(event->arena, struct value, COUNT_OF(fd_type_rows) + 1);
	for (size_t i = 0; i < all->count; i++)
		add_once(items, &count, fd_type_text(&all->items[i]));
	*ret_value = (struct value){ .kind = VALUE_LIST, .list = { items, count } };
	return PRESENT;
}

READER(fd_typechar)
{
	char letter = event_fd_letter(event);

	if (!fd_of(event))
		return ABSENT;
	return give_text(ret_value, arena_copy(event->arena, (struct text){ &letter, 1 }));
}

READER(fd_name)
{
	return fd_of(event) ? give_text(ret_value, event_fd_name(event)) : ABSENT;
}

READER(fd_realname)
{
	event_name_fd(event);
	return fd_of(event) ? give_text(ret_value, event->fd.real_name) : ABSENT;
}

READER(fd_nameraw)
{
	event_name_fd(event);
	return fd_of(event) ? give_text(ret_value, event->fd.raw_name) : ABSENT;
}

static bool is_path(const struct event *event)
{
	char letter = event_fd_letter(event);

	return fd_of(event) && (letter == 'f' || letter == 'd') && event_fd_name(event).data;
}

READER(fd_directory)
{
	struct text name = event_fd_name(event);

	if (!is_path(event))
		return ABSENT;
	return give_text(ret_value, event->fd.type == FD_DIRECTORY ? name : path_directory(name));
}

READER(fd_filename)
{
	if (!is_path(event) || event->fd.type == FD_DIRECTORY)
		return ABSENT;
	return give_text(ret_value, path_file(event_fd_name(event)));
}

/*
 * A connected socket has all four roles; one that only listens, or is bound, has a server and
 * local end.
 */
struct end fd_end(const struct event_fd *fd, enum role role)
{
	struct end local = {}, remote = {};

	if (!fd || (fd->type != FD_IPV4 && fd->type != FD_IPV6))
		return (struct end){};
	local = (struct end){ fd->local, fd->local_port };
	if (!fd->has_peer)
		return role == SERVER || role == LOCAL ? local : remote;
	remote = (struct end){ fd->remote, fd->remote_port };
	if (role == LOCAL || (role == SERVER && fd->is_server) ||
		(role == CLIENT && !fd->is_server))
		return local;
	return remote;
}

static struct end end_of(const struct event *event, enum role role)
{
	return fd_end(fd_of(event), role);
}

static enum presence give_address(
	const struct event *event, enum role role, struct value *ret_value)
{
	struct end end = end_of(event, role);

	if (!end.address.family)
		return ABSENT;
	*ret_value = (struct value){ .kind = VALUE_ADDRESS, .address = end.address };
	return PRESENT;
}

static enum presence give_port(const struct event *event, enum role role, struct value *ret_value)
{
	struct end end = end_of(event, role);

	return end.address.family ? give_unsigned(ret_value, end.port) : ABSENT;
}

/* Both ends, the client's first, as a list of which one may satisfy a check. */
static enum presence give_both(const struct event *event, struct value *ret_value,
	enum presence (*give)(const struct event *, enum role, struct value *))
{
	struct value *items = ARENA_NEW(event->arena, struct value, 2);
	size_t count = 0;

	count += give(event, CLIENT, &items[count]) == PRESENT;
	count += give(event, SERVER, &items[count]) == PRESENT;
	*ret_value = (struct value){ .kind = VALUE_LIST, .list = { items, count } };
	return count ? PRESENT : ABSENT;
}

READER(fd_ip)
{
	return give_both(event, ret_value, give_address);
}

READER(fd_port)
{
	return give_both(event, ret_value, give_port);
}

READER(fd_cip)
{
	return give_address(event, CLIENT, ret_value);
}

READER(fd_sip)
{
	return give_address(event, SERVER, ret_value);
}

READER(fd_lip)
{
	return give_address(event, LOCAL, ret_value);
}

READER(fd_rip)
{
	return give_address(event, REMOTE, ret_value);
}

READER(fd_cport)
{
	return give_port(event, CLIENT, ret_value);
}

READER(fd_sport)
{
	return give_port(event, SERVER, ret_value);
}

READER(fd_lport)
{
	return give_port(event, LOCAL, ret_value);
}

READER(fd_rport)
{
	return give_port(event, REMOTE, ret_value);
}

static const char *protocol_name(unsigned protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	case IPPROTO_RAW:
		return "raw";
	default:
		return "<NA>";
	}
}

READER(fd_l4proto)
{
	if (!fd_of(event))
		return ABSENT;
	return give_text(ret_value, text_of(protocol_name(event->fd.protocol)));
}

READER(fd_sockfamily)
{
	if (!fd_of(event))
		return ABSENT;
	if (event->fd.type == FD_IPV4 || event->fd.type == FD_IPV6)
		return give_text(ret_value, TEXT("ip"));
	return event->fd.type == FD_UNIX ? give_text(ret_value, TEXT("unix")) : ABSENT;
}

READER(fd_is_server)
{
	return fd_of(event) ? give_bool(ret_value, event->fd.is_server) : ABSENT;
}

READER(fd_uid)
{
	if (!fd_of(event))
		return ABSENT;
	return give_text(ret_value, arena_printf(event->arena, "%" PRId64 "%" PRId64,
					    event->thread_id, event->fd.number));
}

static enum presence give_with_container(
	const struct event *event, struct text text, struct value *ret_value)
{
	if (!event->container)
		return ABSENT;
	return give_text(ret_value, arena_printf(event->arena, TEXT_FORMAT ":" TEXT_FORMAT,
					    TEXT_PRINT(event->container->id), TEXT_PRINT(text)));
}

READER(fd_containername)
{
	if (fd_name(event, use, ret_value) != PRESENT)
		return ABSENT;
	return give_with_container(event, ret_value->text, ret_value);
}

READER(fd_containerdirectory)
{
	if (fd_directory(event, use, ret_value) != PRESENT)
		return ABSENT;
	return give_with_container(event, ret_value->text, ret_value);
}

/* The name of a port's service in /etc/services, or its number. */
static enum presence give_service(
	const struct event *event, enum role role, struct value *ret_value)
{
	struct servent service, *found = NULL;
	struct end end = end_of(event, role);
	char names[1024];

	if (!end.address.family)
		return ABSENT;
	(void)getservbyport_r(htons(end.port), event->fd.protocol == IPPROTO_UDP ? "udp" : "tcp",
		&service, names, sizeof(names), &found);
	return give_text(ret_value, found ? arena_copy(event->arena, text_of(found->s_name))
					  : arena_printf(event->arena, "%u", end.port));
}

READER(fd_cproto)
{
	return give_service(event, CLIENT, ret_value);
}

READER(fd_sproto)
{
	return give_service(event, SERVER, ret_value);
}

READER(fd_lproto)
{
	return give_service(event, LOCAL, ret_value);
}

READER(fd_rproto)
{
	return give_service(event, REMOTE, ret_value);
}

READER(fd_connected)
{
	return fd_of(event) ? give_bool(ret_value, event->fd.is_connected) : ABSENT;
}

/*
 * A socket's name is its two ends: they change when it connects, and when an unconnected one sends
 * to somebody else than before.
 */
READER(fd_name_changed)
{
	if (!fd_of(event))
		return ABSENT;
	return give_bool(ret_value, event->fd.is_name_changed || event->type->id == EVENT_connect ||
					    event->type->is_new_fd);
}

READER(fd_dev)
{
	if (!fd_of(event) || !event->fd.inode)
		return ABSENT;
	return give_signed(ret_value, (int32_t)event->fd.device);
}

/* The kernel's new_encode_dev(): minor's low 8 bits, 12 bits of major, the rest of minor. */
READER(fd_dev_major)
{
	if (!fd_of(event) || !event->fd.inode)
		return ABSENT;
	return give_signed(ret_value, (int64_t)(event->fd.device >> 8 & 0xfff));
}

READER(fd_dev_minor)
{
	if (!fd_of(event) || !event->fd.inode)
		return ABSENT;
	return give_signed(ret_value,
		(int64_t)((event->fd.device & 0xff) | (event->fd.device >> 12 & 0xfff00)));
}

READER(fd_ino)
{
	if (!fd_of(event) || !event->fd.inode)
		return ABSENT;
	return give_signed(ret_value, (int64_t)event->fd.inode);
}

static enum presence give_layer(const struct event *event, const char *flag, const char *creat_flag,
	struct value *ret_value)
{
	if (!fd_of(event))
		return ABSENT;
	return give_bool(ret_value, argument_has_flag(event, "flags", flag) ||
					    argument_has_flag(event, "creat_flags", creat_flag));
}

READER(fd_is_upper_layer)
{
	return give_layer(event, "FD_UPPER_LAYER", "FD_UPPER_LAYER_CREAT", ret_value);
}

READER(fd_is_lower_layer)
{
	return give_layer(event, "FD_LOWER_LAYER", "FD_LOWER_LAYER_CREAT", ret_value);
}

#define EITHER (FIELD_EITHER_END | FIELD_FILTER_ONLY | ALONE)
#define RANGE  (FIELD_FILTER_ONLY | ALONE)
#define DOMAIN (FIELD_EITHER_END | FIELD_DOMAIN_NAMES | ALONE)

/* All names of rules that lead to the end's address; none when no rule's name does. */
static enum presence give_domains(
	const struct event *event, enum role role, struct value *ret_value)
{
	struct end end = end_of(event, role);
	struct text names[DOMAINS_OF_ADDRESS];
	struct value *items;
	size_t count;

	if (!end.address.family)
		return ABSENT;
	count = domains_of(event->domains, &end.address, names, COUNT_OF(names));
	items = ARENA_NEW(event->arena, struct value, count + 1);
	for (size_t i = 0; i < count; i++)
		items[i] = value_text(names[i]);
	*ret_value = (struct value){ .kind = VALUE_LIST, .list = { items, count } };
	return PRESENT;
}

READER(fd_cip_name)
{
	return give_domains(event, CLIENT, ret_value);
}

READER(fd_sip_name)
{
	return give_domains(event, SERVER, ret_value);
}

READER(fd_lip_name)
{
	return give_domains(event, LOCAL, ret_value);
}

READER(fd_rip_name)
{
	return give_domains(event, REMOTE, ret_value);
}

static const struct field fields[] = {
	{ "fd.num", TYPE_INT64, ARGUMENT_NONE, FIELD_SMALL_OF_CALL, "Number of the descriptor",
		fd_num },
	{ "fd.type", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_CALL,
		"What it is: file, directory, ipv4, ipv6, unix, pipe …", fd_type },
	{ "fd.typechar", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_CALL,
		"The same as one letter: f d 4 6 u p …", fd_typechar },
	{ "fd.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_PATH_VIEW,
		"Absolute path as the caller wrote it, or the socket's two ends", fd_name },
	{ "fd.realname", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"Path of the file that was really opened, past links and races (Tercel's own)",
		fd_realname },
	{ "fd.directory", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_PATH_VIEW, "Directory of the file",
		fd_directory },
	{ "fd.filename", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_PATH_VIEW,
		"Name of the file without its directory", fd_filename },
	{ "fd.ip", TYPE_IPADDR, ARGUMENT_NONE, EITHER, "Address of either end", fd_ip },
	{ "fd.cip", TYPE_IPADDR, ARGUMENT_NONE, 0, "Address of the client", fd_cip },
	{ "fd.sip", TYPE_IPADDR, ARGUMENT_NONE, 0, "Address of the server", fd_sip },
	{ "fd.lip", TYPE_IPADDR, ARGUMENT_NONE, 0, "Address on this side", fd_lip },
	{ "fd.rip", TYPE_IPADDR, ARGUMENT_NONE, 0, "Address on the other side", fd_rip },
	{ "fd.port", TYPE_PORT, ARGUMENT_NONE, EITHER, "Port of either end", fd_port },
	{ "fd.cport", TYPE_PORT, ARGUMENT_NONE, 0, "Port of the client", fd_cport },
	{ "fd.sport", TYPE_PORT, ARGUMENT_NONE, 0, "Port of the server", fd_sport },
	{ "fd.lport", TYPE_PORT, ARGUMENT_NONE, 0, "Port on this side", fd_lport },
	{ "fd.rport", TYPE_PORT, ARGUMENT_NONE, 0, "Port on the other side", fd_rport },
	{ "fd.l4proto", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_CALL,
		"Transport: tcp, udp, icmp, raw; <NA> for what is no such socket", fd_l4proto },
	{ "fd.sockfamily", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_CALL, "Kind of socket: ip or unix",
		fd_sockfamily },
	{ "fd.is_server", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL,
		"Whether this side is the server", fd_is_server },
	{ "fd.uid", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Thread id and descriptor in one", fd_uid },
	{ "fd.containername", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_PATH_VIEW,
		"container.id and fd.name with a colon between", fd_containername },
	{ "fd.containerdirectory", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_PATH_VIEW,
		"container.id and fd.directory with a colon between", fd_containerdirectory },
	{ "fd.proto", TYPE_PORT, ARGUMENT_NONE, EITHER, "Service of either end's port", fd_port },
	{ "fd.cproto", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Service of the client's port", fd_cproto },
	{ "fd.sproto", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Service of the server's port", fd_sproto },
	{ "fd.lproto", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Service of the port on this side",
		fd_lproto },
	{ "fd.rproto", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Service of the port on the other side",
		fd_rproto },
	{ "fd.net", TYPE_IPNET, ARGUMENT_NONE, EITHER, "Network that either end lies in", fd_ip },
	{ "fd.cnet", TYPE_IPNET, ARGUMENT_NONE, RANGE, "Network that the client lies in", fd_cip },
	{ "fd.snet", TYPE_IPNET, ARGUMENT_NONE, RANGE, "Network that the server lies in", fd_sip },
	{ "fd.lnet", TYPE_IPNET, ARGUMENT_NONE, RANGE, "Network that this side lies in", fd_lip },
	{ "fd.rnet", TYPE_IPNET, ARGUMENT_NONE, RANGE, "Network that the other side lies in",
		fd_rip },
	{ "fd.connected", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL,
		"Whether the socket is connected", fd_connected },
	{ "fd.name_changed", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL,
		"Whether this event gave the descriptor another name", fd_name_changed },
	{ "fd.cip.name", TYPE_CHARBUF, ARGUMENT_NONE, DOMAIN,
		"Domain name that leads to the client's address", fd_cip_name },
	{ "fd.sip.name", TYPE_CHARBUF, ARGUMENT_NONE, DOMAIN,
		"Domain name that leads to the server's address", fd_sip_name },
	{ "fd.lip.name", TYPE_CHARBUF, ARGUMENT_NONE, DOMAIN,
		"Domain name that leads to the address on this side", fd_lip_name },
	{ "fd.rip.name", TYPE_CHARBUF, ARGUMENT_NONE, DOMAIN,
		"Domain name that leads to the address on the other side", fd_rip_name },
	{ "fd.dev", TYPE_INT32, ARGUMENT_NONE, FIELD_HEX, "Number of the file's device", fd_dev },
	{ "fd.dev.major", TYPE_INT32, ARGUMENT_NONE, 0, "Major part of the device's number",
		fd_dev_major },
	{ "fd.dev.minor", TYPE_INT32, ARGUMENT_NONE, 0, "Minor part of the device's number",
		fd_dev_minor },
	{ "fd.ino", TYPE_INT64, ARGUMENT_NONE, 0, "Inode of the file", fd_ino },
	{ "fd.nameraw", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"Path as the caller wrote it, only doubled slashes made one", fd_nameraw },
	{ "fd.types", TYPE_CHARBUF, ARGUMENT_INDEX_OPTIONAL,
		FIELD_LIST | FIELD_NO_VALUE | FIELD_LOOK,
		"Kinds of all the process' descriptors, or of one", fd_types },
	{ "fd.is_upper_layer", TYPE_BOOL, ARGUMENT_NONE, 0,
		"Whether the file was added to or changed in the container", fd_is_upper_layer },
	{ "fd.is_lower_layer", TYPE_BOOL, ARGUMENT_NONE, 0, "Whether the file is the image's",
		fd_is_lower_layer },
};

const struct field_family family_fd = { "fd", "The descriptor that the event is about", fields,
	COUNT_OF(fields) };
