/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors. What a descriptor is comes from the kernel's own object. What a caller only asked
 * for (the text of a path, the address of a failed connect) fills in where there is no object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/memory.h"
#include "sensor/path.h"
#include "sensor/sources/decode-fd.h"

/* include/uapi/linux/magic.h */
#define MAGIC_PIPE	  0x50495045
#define MAGIC_ANONYMOUS	  0x09041934
#define MAGIC_PIDFD	  0x50494446
#define STATE_ESTABLISHED 1 /* TCP_ESTABLISHED; connected datagram sockets say the same */
#define UNIX_CONNECTED	  STATE_ESTABLISHED
#define END_LENGTH_MAX	  (INET6_ADDRSTRLEN + sizeof(":65535"))
#define EPHEMERAL_PORT	  32768 /* the default first one of ip_local_port_range */

struct text path_of_walk(struct arena *arena, struct text walk, bool is_detached)
{
	size_t size = walk.length + 1, at = size;
	char *out = arena_take(arena, size + 1);
	const char *name = walk.data, *end = name + walk.length;

	out[at] = '\0';
	while (name < end) {
		const char *slash = memchr(name, '/', (size_t)(end - name));
		size_t length = (size_t)((slash ? slash : end) - name);

		at -= length;
		memcpy(out + at, name, length);
		out[--at] = '/';
		name += length + 1;
	}
	if (is_detached && out[at] == '/')
		at++;
	return (struct text){ out + at, size - at };
}

uint64_t device_of_kernel(uint32_t device)
{
	uint32_t major = device >> 20, minor = device & 0xfffff;

	return (minor & 0xff) | (major << 8) | ((uint64_t)(minor & ~0xffu) << 12);
}

/* ---- what kind of thing it is ---- */

struct anonymous_kind {
	const char *name; /* of the anonymous inode, as it begins */
	enum fd_type type;
};

static const struct anonymous_kind anonymous_kinds[] = {
	{ "[eventfd", FD_EVENT },
	{ "[eventpoll]", FD_EPOLL },
	{ "[signalfd]", FD_SIGNAL },
	{ "[timerfd]", FD_TIMER },
	{ "inotify", FD_INOTIFY },
	{ "bpf-", FD_BPF },
	{ "[userfaultfd]", FD_USERFAULT },
	{ "[io_uring]", FD_URING },
	{ "[pidfd]", FD_PIDFD },
};

enum fd_type fd_type_of_anonymous(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(anonymous_kinds); i++)
		if (text_starts_with(name, text_of(anonymous_kinds[i].name)))
			return anonymous_kinds[i].type;
	return FD_OTHER;
}

static enum fd_type type_of_socket(unsigned family)
{
	switch (family) {
	case AF_INET:
		return FD_IPV4;
	case AF_INET6:
		return FD_IPV6;
	case AF_UNIX:
		return FD_UNIX;
	case AF_NETLINK:
		return FD_NETLINK;
	default:
		return FD_UNSUPPORTED;
	}
}

static enum fd_type type_of_file(const struct call_record *record, struct text path)
{
	const struct file_info *file = &record->file;
	bool is_detached = record->flags & CALL_REAL_PATH_DETACHED;

	if (S_ISSOCK(file->mode))
		return type_of_socket(record->socket.family);
	if (file->magic == MAGIC_PIPE)
		return FD_PIPE;
	if (file->magic == MAGIC_PIDFD)
		return FD_PIDFD;
	if (file->magic == MAGIC_ANONYMOUS || (is_detached && !file->mode))
		return fd_type_of_anonymous(path);
	if (is_detached && text_starts_with(path, TEXT("memfd:")))
		return FD_MEMFD;
	return S_ISDIR(file->mode) ? FD_DIRECTORY : FD_FILE;
}

/*
 * The type when there is no descriptor, as Falco guesses it from the call (spec 3.8); but a failed
 * open(2) is a file too, which Falco forgot.
 */
static enum fd_type type_of_failed(const struct event *event)
{
	if (event->type->is_open)
		return event->fd.open_flags & O_DIRECTORY ? FD_DIRECTORY : FD_FILE;
	switch (event->type->id) {
	case EVENT_socket:
	case EVENT_accept:
	case EVENT_accept4:
		return FD_IPV4;
	default:
		return FD_OTHER;
	}
}

/* ---- files ---- */

static bool is_path_kind(enum fd_type type)
{
	return type == FD_FILE || type == FD_DIRECTORY || type == FD_MEMFD;
}

bool has_real_name(const struct event_fd *fd, const struct call_record *record)
{
	return record->flags & CALL_HAS_FILE && !(record->flags & CALL_REAL_PATH_CUT) &&
	       is_path_kind(fd->type);
}

static void describe_file(struct event *event, const struct call_view *view)
{
	const struct call_record *record = view->record;
	bool is_detached = record->flags & CALL_REAL_PATH_DETACHED;
	struct event_fd *fd = &event->fd;
	struct text path = { NULL, 0 };

	/* Of what is in no file system its name says what it is. */
	if (is_detached)
		path = path_of_walk(event->arena, view->parts[CALL_REAL_PATH], true);
	fd->type = type_of_file(record, path);
	fd->inode = record->file.inode;
	fd->device = device_of_kernel(record->file.device);
}

static void name_file(struct event *event, const struct call_view *view)
{
	const struct call_record *record = view->record;
	bool is_detached = record->flags & CALL_REAL_PATH_DETACHED;
	struct event_fd *fd = &event->fd;
	struct text path;

	if (!is_path_kind(fd->type))
		return;
	path = path_of_walk(event->arena, view->parts[CALL_REAL_PATH], is_detached);
	if (!path.length && !is_detached)
		path = TEXT("/");
	fd->name = path;
	if (has_real_name(fd, record))
		fd->real_name = path;
}

/* An open is named by what the caller wrote. */
static void name_path(struct event *event, const struct call_view *view)
{
	struct event_fd *fd = &event->fd;
	struct text base = { NULL, 0 };

	if (view->record->flags & CALL_TEXT_0_FAILED) {
		/* Its page was not there any more. What was opened is known, if it was. */
		fd->name = fd->raw_name = fd->real_name.data ? fd->real_name : TEXT("");
		return;
	}
	if (!text_starts_with(view->parts[CALL_TEXT_0], TEXT("/")))
		base = path_of_walk(event->arena, view->parts[CALL_BASE_0], false);
	fd->raw_name = path_collapsed(event->arena, view->parts[CALL_TEXT_0]);
	fd->name = path_absolute(event->arena, base, view->parts[CALL_TEXT_0]);
}

/* ---- sockets ---- */

static bool is_mapped(const uint8_t *bytes)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(bytes, prefix, sizeof(prefix));
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static struct address address_of(unsigned family, const uint8_t *bytes)
{
	struct address address = { .family = family == AF_INET ? 4 : 6 };

	memcpy(address.bytes, bytes, address.family == 4 ? 4 : 16);
	return address;
}

void fd_unmap(struct event_fd *fd)
{
	bool local = is_mapped(fd->local.bytes) || is_zero(fd->local.bytes, 16);
	bool remote = is_mapped(fd->remote.bytes) || is_zero(fd->remote.bytes, 16);

	if (fd->type != FD_IPV6 || !local || !remote ||
		(!is_mapped(fd->local.bytes) && !is_mapped(fd->remote.bytes)))
		return;
	fd->type = FD_IPV4;
	memmove(fd->local.bytes, fd->local.bytes + 12, 4);
	memmove(fd->remote.bytes, fd->remote.bytes + 12, 4);
	memset(fd->local.bytes + 4, 0, 12);
	memset(fd->remote.bytes + 4, 0, 12);
	fd->local.family = fd->remote.family = 4;
}

/* The other end as the caller gave it: of an unconnected send, of a connect that failed. */
static bool set_remote(struct event_fd *fd, struct text given)
{
	struct sockaddr_storage storage = { 0 };
	const struct sockaddr_in *v4 = (const void *)&storage;
	const struct sockaddr_in6 *v6 = (const void *)&storage;

	if (given.length < sizeof(sa_family_t))
		return false;
	memcpy(&storage, given.data, MIN_OF(given.length, sizeof(storage)));
	if (storage.ss_family == AF_INET && given.length >= sizeof(*v4)) {
		if (fd->type == FD_IPV6) {
			fd->type = FD_IPV4;
			fd->local = (struct address){ .family = 4 };
		}
		fd->remote = address_of(AF_INET, (const uint8_t *)&v4->sin_addr);
		fd->remote_port = ntohs(v4->sin_port);
		return true;
	}
	if (storage.ss_family == AF_INET6 &&
		given.length >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		fd->remote = address_of(AF_INET6, (const uint8_t *)&v6->sin6_addr);
		fd->remote_port = ntohs(v6->sin6_port);
		return true;
	}
	return false;
}

/* Whether our end is the server, when no connect or accept of it was seen. */
static bool looks_like_server(const struct event_fd *fd)
{
	return fd->local_port && fd->local_port < EPHEMERAL_PORT &&
	       fd->remote_port >= EPHEMERAL_PORT;
}

/*
 * Every event of a socket has a name, so these write it without printf. Each gives the place behind
 * what it wrote.
 */
static char *put_number(char *at, uint64_t number, unsigned base)
{
	char digits[20];
	size_t count = 0;

	do
		digits[count++] = "0123456789abcdef"[number % base];
	while (number /= base);
	while (count)
		*at++ = digits[--count];
	return at;
}

static char *put_text(char *at, struct text text)
{
	if (text.length)
		memcpy(at, text.data, text.length);
	return at + text.length;
}

static char *put_address(char *at, const struct address *address)
{
	if (address->family != 4) {
		inet_ntop(AF_INET6, address->bytes, at, INET6_ADDRSTRLEN);
		return at + strlen(at);
	}
	for (int i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		at = put_number(at, address->bytes[i], 10);
	}
	return at;
}

static char *put_end(char *at, const struct address *address, uint16_t port)
{
	at = put_address(at, address);
	*at++ = ':';
	return put_number(at, port, 10);
}

static struct text ended(char *begin, char *end)
{
	*end = '\0';
	return (struct text){ begin, (size_t)(end - begin) };
}

static struct text end_text(struct arena *arena, const struct address *address, uint16_t port)
{
	char *begin = arena_take(arena, END_LENGTH_MAX + 1);

	return ended(begin, put_end(begin, address, port));
}

static struct text connection_text(struct arena *arena, const struct event_fd *fd)
{
	char *begin = arena_take(arena, 2 * END_LENGTH_MAX + sizeof("->")), *at = begin;

	at = fd->is_server ? put_end(at, &fd->remote, fd->remote_port)
			   : put_end(at, &fd->local, fd->local_port);
	at = put_text(at, TEXT("->"));
	at = fd->is_server ? put_end(at, &fd->local, fd->local_port)
			   : put_end(at, &fd->remote, fd->remote_port);
	return ended(begin, at);
}

void fd_name_ends(struct arena *arena, struct event_fd *fd)
{
	if (fd->has_peer)
		fd->name = connection_text(arena, fd);
	else if (fd->local_port)
		fd->name = end_text(arena, &fd->local, fd->local_port);
}

static void describe_inet(struct event *event, const struct call_view *view)
{
	const struct socket_info *socket = &view->record->socket;
	struct event_fd *fd = &event->fd;
	bool was_given;

	fd->local = address_of(socket->family, socket->local);
	fd->remote = address_of(socket->family, socket->remote);
	fd->local_port = socket->local_port;
	fd->remote_port = socket->remote_port;
	fd->protocol = socket->protocol;
	fd->is_connected = socket->state == STATE_ESTABLISHED;
	was_given = event->type->id != EVENT_bind && !fd->remote_port &&
		    set_remote(fd, view->parts[CALL_ADDRESS]);
	fd->is_given = was_given;
	fd_unmap(fd);
	fd->has_peer = was_given || fd->remote_port || !is_zero(fd->remote.bytes, 16);
	fd->is_server = socket->flags & SOCKET_SERVER ||
			(!(socket->flags & SOCKET_CLIENT) && event->type->id != EVENT_connect &&
				fd->has_peer && looks_like_server(fd));
}

static void name_inet(struct event *event)
{
	fd_name_ends(event->arena, &event->fd);
}

static struct text unix_path(struct arena *arena, struct text path)
{
	size_t length = 0;

	if (path.length && !path.data[0]) /* abstract */
		return arena_printf(
			arena, "@" TEXT_FORMAT, TEXT_PRINT(text_slice(path, 1, SIZE_MAX)));
	while (length < path.length && path.data[length])
		length++;
	return arena_copy(arena, text_slice(path, 0, length));
}

struct text unix_text(struct arena *arena, uint64_t from, uint64_t to, struct text path)
{
	char *begin = arena_take(arena, 2 * 16 + sizeof("-> ") + path.length), *at = begin;

	at = put_text(put_number(at, from, 16), TEXT("->"));
	at = put_text(put_number(at, to, 16), TEXT(" "));
	return ended(begin, put_text(at, path));
}

static void describe_unix(struct event *event, const struct call_view *view)
{
	const struct socket_info *socket = &view->record->socket;
	struct event_fd *fd = &event->fd;

	fd->is_given = !view->parts[CALL_UNIX_PATH].length &&
		       view->parts[CALL_ADDRESS].length > sizeof(sa_family_t);
	fd->is_connected = socket->state == UNIX_CONNECTED;
	fd->is_server = socket->flags & SOCKET_SERVER;
}

static void name_unix(struct event *event, const struct call_view *view)
{
	const struct socket_info *socket = &view->record->socket;
	struct text path = view->parts[CALL_UNIX_PATH];
	struct event_fd *fd = &event->fd;

	if (fd->is_given)
		path = text_slice(view->parts[CALL_ADDRESS], sizeof(sa_family_t), SIZE_MAX);
	path = unix_path(event->arena, path);
	fd->name = unix_text(event->arena, fd->is_server ? socket->peer_address : socket->address,
		fd->is_server ? socket->address : socket->peer_address, path);
}

static bool is_inet(const struct socket_info *socket)
{
	return socket->family == AF_INET || socket->family == AF_INET6;
}

static void describe_socket(struct event *event, const struct call_view *view)
{
	const struct socket_info *socket = &view->record->socket;

	event->fd.is_name_changed = socket->flags & SOCKET_NAME_CHANGED;
	if (is_inet(socket))
		describe_inet(event, view);
	else if (socket->family == AF_UNIX)
		describe_unix(event, view);
}

static void name_socket(struct event *event, const struct call_view *view)
{
	const struct socket_info *socket = &view->record->socket;

	if (is_inet(socket))
		name_inet(event);
	else if (socket->family == AF_UNIX)
		name_unix(event, view);
}

struct text address_text(struct arena *arena, const struct event *event, struct text address)
{
	bool is_proven = event->type->id == EVENT_connect && event->fd.remote_port;
	struct event_fd fd = { 0 };
	sa_family_t family;

	if (is_proven && !event->fd.is_given)
		return end_text(arena, &event->fd.remote, event->fd.remote_port);

	if (address.length < sizeof(family))
		return (struct text){ NULL, 0 };
	memcpy(&family, address.data, sizeof(family));
	if (family == AF_UNIX)
		return unix_path(arena, text_slice(address, sizeof(family), SIZE_MAX));
	if (!set_remote(&fd, address))
		return (struct text){ NULL, 0 };
	return end_text(arena, &fd.remote, fd.remote_port);
}

/* ---- all of it ---- */

static int64_t descriptor_number(const struct call_record *record, const struct call *call)
{
	if (call->fd == CALL_RESULT)
		return record->result;
	if (call->fd == CALL_PAIR)
		return record->result ? -1 : (int32_t)record->how[0];
	return (int32_t)record->arguments[call->fd];
}

void describe_fd(struct event *event, const struct call_view *view, const struct call *call)
{
	const struct call_record *record = view->record;
	struct event_fd *fd = &event->fd;

	if (call->fd == CALL_NOTHING)
		return;
	fd->is_known = true;
	fd->number = descriptor_number(record, call);
	if (record->flags & CALL_HAS_FILE) {
		describe_file(event, view);
		if (S_ISSOCK(record->file.mode))
			describe_socket(event, view);
	} else {
		fd->type = type_of_failed(event);
	}
}

void name_fd(struct event *event, const struct call_view *view, const struct call *call)
{
	const struct call_record *record = view->record;

	if (call->fd == CALL_NOTHING)
		return;
	if (record->flags & CALL_HAS_FILE) {
		name_file(event, view);
		if (S_ISSOCK(record->file.mode))
			name_socket(event, view);
	}
	if (event->type->is_open && call->texts[0] != CALL_NOTHING)
		name_path(event, view);
}
