/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users and groups. The table belongs to the hot thread; a thread of our own opens and
 * parses the files of containers, because they may be anything: huge, slow, a pipe, a link out of
 * the container. Requests and answers go through two queues.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/queue.h"
#include "sensor/state/users.h"

#define FILE_MAX	(1 << 20)
#define NAMES_MAX	65536
#define NAME_MAX_	256
#define CONTAINERS_KEPT 4096
#define QUEUE_MAX	256
#define WAIT_NS		20000000 /* an event waits for names no longer than this */
#define REFRESH_NS	UINT64_C(5000000000)
#define RETRY_NS	UINT64_C(50000000) /* after a process that was gone already */
#define HOST_REFRESH_NS UINT64_C(1000000000)

enum { PASSWD, GROUP, FILE_COUNT };

static const char *const file_names[FILE_COUNT] = { "etc/passwd", "etc/group" };

struct name {
	uint32_t id;
	struct text text; /* in the content */
};

struct names {
	struct name *items; /* by id; of equal ids the file's first comes first */
	size_t count;
	char *content;
	struct stat seen;
};

struct request {
	uint64_t container; /* its serial: the container may be gone when the answer comes */
	int64_t pid;
	struct names before[FILE_COUNT]; /* only `seen`: what is known need not be read again */
};

struct answer {
	uint64_t container;
	struct names *names[FILE_COUNT]; /* NULL: not readable, or as before */
	bool has_root;			 /* the process was still there */
};

struct known {
	uint64_t container;
	bool is_host;
	struct names *names[FILE_COUNT];
	uint64_t asked_ns, next_ns; /* when the first and the next question is asked */
	bool is_answered, is_asked;
	UT_hash_handle handle;
};

struct users {
	const char *host_root;
	struct known *known;
	struct queue *requests, *answers;
	pthread_t reader;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- files ---- */

static void names_free(struct names *names)
{
	if (!names)
		return;
	free(names->items);
	free(names->content);
	free(names);
}

/* Stable by place in the file: the content's addresses grow with it. */
static int compare_names(const void *a, const void *b)
{
	const struct name *one = a, *other = b;

	if (one->id != other->id)
		return one->id < other->id ? -1 : 1;
	return one->text.data < other->text.data ? -1 : one->text.data > other->text.data;
}

/* A line of passwd(5) or group(5): NAME:PASSWORD:ID:… */
static bool parse_line(struct text line, struct name *ret_name)
{
	struct text name, password, id;
	uint64_t number;

	if (!text_split(&line, ':', &name) || !text_split(&line, ':', &password) ||
		!text_split(&line, ':', &id))
		return false;
	if (!name.length || name.length > NAME_MAX_ || text_to_u64(id, &number) ||
		number > UINT32_MAX)
		return false;
	*ret_name = (struct name){ (uint32_t)number, name };
	return true;
}

static void parse_names(struct names *names, size_t length)
{
	struct text rest = { names->content, length }, line;
	size_t capacity = 0;
	struct name name;

	while (names->count < NAMES_MAX && text_split(&rest, '\n', &line))
		if (parse_line(line, &name))
			*ARRAY_ADD(names->items, names->count, capacity) = name;
	if (names->count)
		qsort(names->items, names->count, sizeof(*names->items), compare_names);
}

static int open_inside(int root, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static bool is_same_file(const struct stat *one, const struct stat *other)
{
	return one->st_ino == other->st_ino && one->st_dev == other->st_dev &&
	       one->st_size == other->st_size && one->st_ctim.tv_sec == other->st_ctim.tv_sec &&
	       one->st_ctim.tv_nsec == other->st_ctim.tv_nsec;
}

/* The names of a file below `root`; NULL when it is no sane file, or the one already seen. */
static struct names *read_names(int root, const char *path, const struct stat *seen)
{
	_cleanup_(closep) int fd = open_inside(root, path);
	struct names *names;
	size_t length = 0;
	struct stat now;

	if (fd < 0 || fstat(fd, &now) || !S_ISREG(now.st_mode) || now.st_size > FILE_MAX)
		return NULL;
	if (seen && is_same_file(seen, &now))
		return NULL;
	names = NEW(struct names);
	names->seen = now;
	names->content = memory_new(1, FILE_MAX + 1);
	while (length < FILE_MAX) {
		ssize_t got = read(fd, names->content + length, FILE_MAX - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	names->content = memory_resize(names->content, 1, length + 1);
	parse_names(names, length);
	return names;
}

static int open_root(const char *host_root, int64_t pid)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/proc/%lld/root", host_root, (long long)pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* ---- the thread that reads containers' files ---- */

static struct answer *answer_request(const char *host_root, const struct request *request)
{
	_cleanup_(closep) int root = open_root(host_root, request->pid);
	struct answer *answer = NEW(struct answer);

	answer->container = request->container;
	answer->has_root = root >= 0;
	for (int i = 0; root >= 0 && i < FILE_COUNT; i++)
		answer->names[i] = read_names(root, file_names[i], &request->before[i].seen);
	return answer;
}

static void answer_free(struct answer *answer)
{
	for (int i = 0; i < FILE_COUNT; i++)
		names_free(answer->names[i]);
	free(answer);
}

static void *read_containers(void *argument)
{
	struct users *users = argument;
	void *item;

	while (queue_pop_many(users->requests, &item, 1, -1) > 0) {
		struct request *request = item;
		struct answer *answer = answer_request(users->host_root, request);

		free(request);
		if (queue_push(users->answers, answer) < 0)
			answer_free(answer);
	}
	return NULL;
}

/* ---- the hot thread's side ---- */

struct users *users_new(const char *host_root)
{
	struct users *users = NEW(struct users);

	users->host_root = host_root ? host_root : "";
	users->requests = queue_new(QUEUE_MAX);
	users->answers = queue_new(QUEUE_MAX);
	if (pthread_create(&users->reader, NULL, read_containers, users))
		abort(); /* no memory for a thread's stack */
	return users;
}

static void known_free(struct users *users, struct known *known)
{
	HASH_DELETE(handle, users->known, known);
	for (int i = 0; i < FILE_COUNT; i++)
		names_free(known->names[i]);
	free(known);
}

void users_free(struct users *users)
{
	struct known *known, *next;
	struct timespec deadline;
	void *item;

	if (!users)
		return;
	queue_close(users->requests);
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec++;
	/* A container's file system may hang for ever; then what the thread uses must stay. */
	if (pthread_timedjoin_np(users->reader, NULL, &deadline))
		return;
	while (queue_pop_many(users->answers, &item, 1, 0) > 0)
		answer_free(item);
	queue_free(users->requests);
	queue_free(users->answers);
	HASH_ITER (handle, users->known, known, next) {
		known_free(users, known);
	}
	free(users);
}

static struct known *known_find(struct users *users, const struct container *container)
{
	struct known *known, *next;

	HASH_FIND(handle, users->known, &container->serial, sizeof(container->serial), known);
	if (known)
		return known;
	/* All of it can be read again. */
	if (HASH_CNT(handle, users->known) >= CONTAINERS_KEPT)
		HASH_ITER (handle, users->known, known, next) {
			known_free(users, known);
		}
	known = NEW(struct known);
	known->container = container->serial;
	known->is_host = container->kind == CONTAINER_HOST;
	known->asked_ns = now_ns();
	HASH_ADD(handle, users->known, container, sizeof(known->container), known);
	return known;
}

static void keep_names(struct known *known, struct names *const *names)
{
	for (int i = 0; i < FILE_COUNT; i++) {
		if (!names[i])
			continue;
		names_free(known->names[i]);
		known->names[i] = names[i];
	}
}

static void take_answers(struct users *users)
{
	void *item;

	while (queue_pop_many(users->answers, &item, 1, 0) > 0) {
		struct answer *answer = item;
		struct known *known;

		HASH_FIND(
			handle, users->known, &answer->container, sizeof(answer->container), known);
		if (!known) {
			answer_free(answer);
			continue;
		}
		keep_names(known, answer->names);
		known->is_answered |= answer->has_root;
		known->is_asked = false;
		if (!answer->has_root)
			known->next_ns = now_ns() + RETRY_NS;
		free(answer);
	}
}

static void ask(struct users *users, struct known *known, int64_t pid)
{
	struct request *request = NEW(struct request);

	request->container = known->container;
	request->pid = pid;
	for (int i = 0; i < FILE_COUNT; i++)
		if (known->names[i])
			request->before[i].seen = known->names[i]->seen;
	known->is_asked = queue_push(users->requests, request) == 0;
	if (!known->is_asked)
		free(request);
}

/* The host's own files are small and trusted: read here. */
static void refresh_host(struct users *users, struct known *known, uint64_t now)
{
	struct names *names[FILE_COUNT];
	_cleanup_(freep) char *path = string_printf("%s/", users->host_root);
	_cleanup_(closep) int root = -1;

	if (now < known->next_ns)
		return;
	known->next_ns = now + HOST_REFRESH_NS;
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < FILE_COUNT; i++)
		names[i] = root < 0 ? NULL
				    : read_names(root, file_names[i],
					      known->names[i] ? &known->names[i]->seen : NULL);
	keep_names(known, names);
	known->is_answered = true;
}

static void refresh(struct users *users, struct known *known, int64_t pid)
{
	uint64_t now = now_ns();

	if (known->is_host) {
		refresh_host(users, known, now);
		return;
	}
	if (known->is_asked)
		take_answers(users);
	if (known->is_asked || now < known->next_ns)
		return;
	known->next_ns = now + REFRESH_NS;
	ask(users, known, pid);
}

void users_prepare(struct users *users, const struct container *container, int64_t pid)
{
	struct known *known;

	if (container->kind == CONTAINER_HOST)
		return;
	known = known_find(users, container);
	if (known->is_answered)
		return;
	take_answers(users);
	if (!known->is_answered && !known->is_asked)
		ask(users, known, pid);
}

static enum presence find_name(const struct names *names, uint32_t id, struct text *ret_name)
{
	size_t low = 0, high = names ? names->count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (names->items[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (!names || low == names->count || names->items[low].id != id)
		return ABSENT;
	*ret_name = names->items[low].text;
	return PRESENT;
}

static enum presence name_of(struct users *users, const struct container *container, int64_t pid,
	uint32_t id, int file, struct text *ret_name)
{
	struct known *known = known_find(users, container);

	refresh(users, known, pid);
	if (!known->is_answered)
		return now_ns() - known->asked_ns < WAIT_NS ? WAITS : ABSENT;
	return find_name(known->names[file], id, ret_name);
}

enum presence users_name(struct users *users, const struct container *container, int64_t pid,
	uint32_t uid, struct text *ret_name)
{
	return name_of(users, container, pid, uid, PASSWD, ret_name);
}

enum presence groups_name(struct users *users, const struct container *container, int64_t pid,
	uint32_t gid, struct text *ret_name)
{
	return name_of(users, container, pid, gid, GROUP, ret_name);
}
