/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID tells at a moment. A descriptor's link says what it is; of a socket only its
 * inode, by which it is found in the tables of its network namespace.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "sensor/sources/decode-fd.h"
#include "sensor/sources/look-read.h"
#include "sensor/state/process-files.h"

#define FILE_MAX	  16384
#define STAT_FIELDS	  52 /* proc(5), from the state on */
#define COLUMNS_MAX	  10
#define TICK_NS		  UINT64_C(10000000)
#define STATE_LISTENS	  0x0a
#define STATE_ESTABLISHED 1

/* ---- usage ---- */

/* Numbers of a stat file by their place in proc(5): pid is 1, the state 3. */
static bool parse_stat(struct text stat, uint64_t ret_numbers[STAT_FIELDS + 1])
{
	size_t end = stat.length;
	struct text rest, part;

	while (end && stat.data[end - 1] != ')')
		end--;
	if (!end)
		return false;
	rest = text_trim(text_slice(stat, end, SIZE_MAX));
	memset(ret_numbers, 0, (STAT_FIELDS + 1) * sizeof(*ret_numbers));
	for (int i = 3; i <= STAT_FIELDS && text_split(&rest, ' ', &part); i++)
		(void)text_to_u64(part, &ret_numbers[i]);
	return ret_numbers[22];
}

uint64_t read_start_tick(int folder, struct arena *arena)
{
	uint64_t numbers[STAT_FIELDS + 1];

	return parse_stat(process_file(arena, folder, "stat", 1024), numbers) ? numbers[22] : 0;
}

/* "VmSwap:\t    12 kB" */
static uint64_t status_kb(struct text status, const char *name)
{
	struct text line, number;
	uint64_t kb = 0;

	while (text_split(&status, '\n', &line)) {
		if (!text_starts_with(line, text_of(name)))
			continue;
		line = text_trim(text_slice(line, strlen(name), SIZE_MAX));
		(void)text_split(&line, ' ', &number);
		(void)text_to_u64(number, &kb);
		break;
	}
	return kb;
}

/* "Max open files            1024                 524288               files" */
static uint64_t soft_limit(struct text limits)
{
	static const char name[] = "Max open files";
	struct text line, number;
	uint64_t limit = 0;

	while (text_split(&limits, '\n', &line)) {
		if (!text_starts_with(line, TEXT("Max open files")))
			continue;
		line = text_trim(text_slice(line, sizeof(name) - 1, SIZE_MAX));
		(void)text_split(&line, ' ', &number);
		(void)text_to_u64(number, &limit);
	}
	return limit;
}

static uint64_t first_number(struct text text)
{
	struct text part;
	uint64_t number = 0;

	if (text_split(&text, ' ', &part))
		(void)text_to_u64(part, &number);
	return number;
}

int read_usage(int folder, int64_t tid, struct arena *arena, struct usage *ret_usage,
	struct processor_time *ret_time)
{
	uint64_t of_process[STAT_FIELDS + 1], of_thread[STAT_FIELDS + 1];
	char name[64];
	struct text status;

	snprintf(name, sizeof(name), "task/%" PRId64 "/stat", tid);
	if (!parse_stat(process_file(arena, folder, "stat", 1024), of_process) ||
		!parse_stat(process_file(arena, folder, name, 1024), of_thread))
		return -ESRCH;
	status = process_file(arena, folder, "status", FILE_MAX);
	snprintf(name, sizeof(name), "task/%" PRId64 "/schedstat", tid);
	*ret_usage = (struct usage){
		.threads = of_process[20],
		.vm_size_kb = status_kb(status, "VmSize:"),
		.vm_rss_kb = status_kb(status, "VmRSS:"),
		.vm_swap_kb = status_kb(status, "VmSwap:"),
		.fd_limit = soft_limit(process_file(arena, folder, "limits", FILE_MAX)),
		.minor_faults = of_thread[10],
		.major_faults = of_thread[12],
		.run_ns = first_number(process_file(arena, folder, name, 128)),
	};
	*ret_time = (struct processor_time){
		.user = of_thread[14],
		.system = of_thread[15],
		.at_ns = (uint64_t)clock_ns(CLOCK_BOOTTIME),
		.start_ns = of_thread[22] * TICK_NS,
	};
	return 0;
}

int read_cgroups(int folder, struct arena *arena, struct text *ret_cgroups)
{
	struct text file = process_file(arena, folder, "cgroup", FILE_MAX);

	if (!file.length)
		return -ESRCH;
	*ret_cgroups = file;
	return 0;
}

/* ---- sockets ---- */

/* The sockets of a process by their inodes, and what the tables say while they are read. */
struct sockets {
	struct event_fd **items;
	size_t count;
	struct arena *arena;
	uint8_t listens[65536 / 8]; /* ports; listening sockets come first in a table */
};

static int compare_inodes(const void *a, const void *b)
{
	uint64_t one = (*(struct event_fd *const *)a)->inode;
	uint64_t other = (*(struct event_fd *const *)b)->inode;

	return one < other ? -1 : one > other;
}

static size_t first_with(const struct sockets *sockets, uint64_t inode)
{
	size_t low = 0, high = sockets->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sockets->items[middle]->inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* "0100007F:1F90": the kernel's words of four bytes as numbers, and the port. */
static void parse_end(const char *text, struct address *ret_address, uint16_t *ret_port)
{
	const char *colon = strchr(text, ':');
	size_t digits = colon ? (size_t)(colon - text) : 0;

	*ret_address = (struct address){ .family = digits == 32 ? 6 : 4 };
	for (size_t i = 0; i + 8 <= digits && i < 32; i += 8) {
		char word[9] = { 0 };
		uint32_t number;

		memcpy(word, text + i, 8);
		number = (uint32_t)strtoul(word, NULL, 16);
		memcpy(ret_address->bytes + i / 2, &number, sizeof(number));
	}
	*ret_port = colon ? (uint16_t)strtoul(colon + 1, NULL, 16) : 0;
}

static bool is_any(const struct address *address)
{
	static const uint8_t zeros[16];

	return !memcmp(address->bytes, zeros, sizeof(zeros));
}

static void take_inet(
	struct sockets *sockets, struct event_fd *fd, char **columns, unsigned protocol)
{
	unsigned long state = strtoul(columns[3], NULL, 16);

	parse_end(columns[1], &fd->local, &fd->local_port);
	parse_end(columns[2], &fd->remote, &fd->remote_port);
	fd->type = fd->local.family == 6 ? FD_IPV6 : FD_IPV4;
	fd->protocol = (uint8_t)protocol;
	fd->is_connected = state == STATE_ESTABLISHED;
	fd_unmap(fd);
	fd->has_peer = fd->remote_port || !is_any(&fd->remote);
	fd->is_server = fd->has_peer && protocol == IPPROTO_TCP &&
			sockets->listens[fd->local_port / 8] >> fd->local_port % 8 & 1;
	fd_name_ends(sockets->arena, fd);
}

static void take_unix(struct sockets *sockets, struct event_fd *fd, char **columns, unsigned unused)
{
	(void)unused;
	fd->type = FD_UNIX;
	fd->name = unix_text(sockets->arena, strtoull(columns[0], NULL, 16), 0,
		text_of(columns[7] ? columns[7] : ""));
}

static void take_netlink(
	struct sockets *sockets, struct event_fd *fd, char **columns, unsigned unused)
{
	(void)sockets;
	(void)columns;
	(void)unused;
	fd->type = FD_NETLINK;
}

static const struct table {
	const char *path;
	unsigned inode; /* the column that it stands in */
	unsigned protocol;
	bool has_ports;
	void (*take)(struct sockets *, struct event_fd *, char **columns, unsigned protocol);
} tables[] = {
	{ "net/tcp", 9, IPPROTO_TCP, true, take_inet },
	{ "net/tcp6", 9, IPPROTO_TCP, true, take_inet },
	{ "net/udp", 9, IPPROTO_UDP, false, take_inet },
	{ "net/udp6", 9, IPPROTO_UDP, false, take_inet },
	{ "net/raw", 9, IPPROTO_RAW, false, take_inet },
	{ "net/raw6", 9, IPPROTO_RAW, false, take_inet },
	{ "net/icmp", 9, IPPROTO_ICMP, false, take_inet },
	{ "net/icmp6", 9, IPPROTO_ICMP, false, take_inet },
	{ "net/unix", 6, 0, false, take_unix },
	{ "net/netlink", 9, 0, false, take_netlink },
};

static void take_row(struct sockets *sockets, const struct table *table, char *line)
{
	char *columns[COLUMNS_MAX] = { NULL }, *state = NULL;
	uint64_t inode;

	columns[0] = strtok_r(line, " \n", &state);
	for (size_t i = 1; i < COLUMNS_MAX && columns[i - 1]; i++)
		columns[i] = strtok_r(NULL, " \n", &state);
	if (!columns[table->inode])
		return;
	if (table->has_ports && strtoul(columns[3], NULL, 16) == STATE_LISTENS) {
		struct address address;
		uint16_t port;

		parse_end(columns[1], &address, &port);
		sockets->listens[port / 8] |= (uint8_t)(1 << port % 8);
	}
	inode = strtoull(columns[table->inode], NULL, 10);
	for (size_t i = first_with(sockets, inode);
		i < sockets->count && sockets->items[i]->inode == inode; i++)
		table->take(sockets, sockets->items[i], columns, table->protocol);
}

static void read_table(struct sockets *sockets, int folder, const struct table *table)
{
	int fd = openat(folder, table->path, O_RDONLY | O_CLOEXEC);
	_cleanup_(fclosep) FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	_cleanup_(freep) char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		take_row(sockets, table, line);
}

static void describe_sockets(int folder, struct arena *arena, struct event_fd *items, size_t count)
{
	struct sockets *sockets = NEW(struct sockets);

	sockets->arena = arena;
	sockets->items = NEW_ARRAY(struct event_fd *, count + 1);
	for (size_t i = 0; i < count; i++)
		if (items[i].type == FD_UNSUPPORTED)
			sockets->items[sockets->count++] = &items[i];
	if (sockets->count)
		qsort(sockets->items, sockets->count, sizeof(*sockets->items), compare_inodes);
	for (size_t i = 0; sockets->count && i < COUNT_OF(tables); i++)
		read_table(sockets, folder, &tables[i]);
	free(sockets->items);
	free(sockets);
}

DEFINE_CLEANUP(DIR *, closedir)

/* ---- descriptors ---- */

/* "socket:[123]" → 123 */
static uint64_t number_in_brackets(struct text link)
{
	ptrdiff_t at = text_find(link, TEXT("["));
	uint64_t number = 0;

	if (at >= 0)
		(void)text_to_u64(
			text_slice(link, (size_t)at + 1, link.length - (size_t)at - 2), &number);
	return number;
}

static enum fd_type type_of_path(int fds, const char *number)
{
	struct stat status;

	return !fstatat(fds, number, &status, 0) && S_ISDIR(status.st_mode) ? FD_DIRECTORY
									    : FD_FILE;
}

/* A socket is of no supported kind until a table says what it is. */
static void describe_link(struct event_fd *fd, int fds, const char *number, struct text link)
{
	static const struct text anonymous = { "anon_inode:", 11 };

	fd->name = link;
	if (text_starts_with(link, TEXT("socket:["))) {
		fd->type = FD_UNSUPPORTED;
		fd->inode = number_in_brackets(link);
	} else if (text_starts_with(link, TEXT("pipe:["))) {
		fd->type = FD_PIPE;
	} else if (text_starts_with(link, TEXT("pidfd:"))) {
		fd->type = FD_PIDFD;
	} else if (text_starts_with(link, anonymous)) {
		fd->type = fd_type_of_anonymous(text_slice(link, anonymous.length, SIZE_MAX));
	} else if (text_starts_with(link, TEXT("/memfd:"))) {
		fd->type = FD_MEMFD;
		fd->name = text_slice(link, 1, SIZE_MAX);
	} else {
		fd->type = type_of_path(fds, number);
	}
}

/* False when it was closed meanwhile. */
static bool read_descriptor(
	int fds, const char *number, struct arena *arena, struct event_fd *ret_fd)
{
	char buffer[PATH_MAX];
	ssize_t got = readlinkat(fds, number, buffer, sizeof(buffer));
	struct text link = { buffer, got > 0 ? (size_t)got : 0 };

	*ret_fd = (struct event_fd){ .is_known = true };
	if (!link.length || text_to_i64(text_of(number), &ret_fd->number) < 0)
		return false;
	if (text_ends_with(link, TEXT(" (deleted)")))
		link.length -= strlen(" (deleted)");
	describe_link(ret_fd, fds, number, arena_copy(arena, link));
	return true;
}

static int compare_numbers(const void *a, const void *b)
{
	int64_t one = ((const struct event_fd *)a)->number;
	int64_t other = ((const struct event_fd *)b)->number;

	return one < other ? -1 : one > other;
}

static size_t read_first(int fds, int64_t limit, struct arena *arena, struct event_fd *items)
{
	size_t count = 0;

	for (int64_t i = 0; i < limit; i++) {
		char number[24];

		snprintf(number, sizeof(number), "%" PRId64, i);
		count += read_descriptor(fds, number, arena, &items[count]);
	}
	return count;
}

static size_t read_all(int fds, struct arena *arena, struct event_fd *items)
{
	_cleanup_(closedirp) DIR *folder = fdopendir(dup(fds));
	const struct dirent *entry;
	size_t count = 0;

	while (folder && count < LOOK_DESCRIPTORS_MAX && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			count += read_descriptor(fds, entry->d_name, arena, &items[count]);
	if (count)
		qsort(items, count, sizeof(*items), compare_numbers);
	return count;
}

int read_descriptors(
	int folder, int64_t limit, struct arena *arena, struct descriptors *ret_descriptors)
{
	_cleanup_(closep) int fds = openat(folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t most = (size_t)MIN_OF(limit, LOOK_DESCRIPTORS_MAX), count;
	struct event_fd *items;

	if (fds < 0)
		return -ESRCH;
	items = ARENA_NEW(arena, struct event_fd, most);
	count = limit < LOOK_DESCRIPTORS_MAX ? read_first(fds, limit, arena, items)
					     : read_all(fds, arena, items);
	describe_sockets(folder, arena, items, count);
	*ret_descriptors = (struct descriptors){ items, count };
	return 0;
}

/* In the order of the caller's array, twice what is there twice. */
int read_polled(int folder, uint64_t address, uint64_t count, struct arena *arena,
	struct descriptors *ret_descriptors)
{
	_cleanup_(closep) int fds = openat(folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closep) int memory = openat(folder, "mem", O_RDONLY | O_CLOEXEC);
	size_t most = (size_t)MIN_OF(count, LOOK_DESCRIPTORS_MAX);
	struct pollfd *polled = ARENA_NEW(arena, struct pollfd, most);
	struct event_fd *items = ARENA_NEW(arena, struct event_fd, most);
	ssize_t got = fds < 0 || memory < 0
			      ? -1
			      : pread(memory, polled, most * sizeof(*polled), (off_t)address);
	size_t found = got > 0 ? (size_t)got / sizeof(*polled) : 0;

	if (!found)
		return -ESRCH;
	for (size_t i = 0; i < found; i++) {
		char number[24];

		snprintf(number, sizeof(number), "%d", polled[i].fd);
		if (!read_descriptor(fds, number, arena, &items[i]))
			items[i].number = polled[i].fd;
	}
	describe_sockets(folder, arena, items, found);
	*ret_descriptors = (struct descriptors){ items, found };
	return 0;
}
