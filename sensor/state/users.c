/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users and groups. The table belongs to the hot thread; a thread of our own opens and
 * parses the files of containers, because they may be anything: huge, slow, a pipe, a link out of
 * the container. Requests and answers go through two queues.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/queue.h"
#include "sensor/state/users.h"

#define FILE_MAX	(1 << 20)
#define NAMES_MAX	65536
#define NAME_MAX_	256
#define COLUMNS		7
#define CONTAINERS_KEPT 4096
#define QUEUE_MAX	256
#define WAIT_NS		20000000 /* an event waits for names no longer than this */
#define REFRESH_NS	INT64_C(5000000000)
#define RETRY_NS	INT64_C(50000000) /* after a process that was gone already */
#define HOST_REFRESH_NS INT64_C(1000000000)

/* Where a kind of name stands: the file, and which of the line's texts it is. */
static const struct {
	const char *path;
	unsigned column;
} places[NAME_KINDS] = {
	[NAME_OF_USER] = { "etc/passwd", 0 },
	[NAME_OF_GROUP] = { "etc/group", 0 },
	[NAME_OF_HOME] = { "etc/passwd", 5 },
	[NAME_OF_SHELL] = { "etc/passwd", 6 },
};

struct names {
	struct user_name *items; /* by id; of equal ids the file's first comes first */
	size_t count;
	char *content;
	struct stat seen;
};

struct request {
	uint64_t container; /* its serial: the container may be gone when the answer comes */
	int64_t pid;
	struct names before[NAME_KINDS]; /* only `seen`: what is known need not be read again */
};

struct answer {
	uint64_t container;
	struct names *names[NAME_KINDS]; /* NULL: not readable, or as before */
	bool has_root;			 /* the process was still there */
};

/* What a replay knows of a container; by its kind and whole id. */
struct told {
	char *key;
	struct names *names[NAME_KINDS];
	UT_hash_handle handle;
};

struct known {
	uint64_t container;
	enum container_kind kind;
	char *full_id;
	bool is_news[NAME_KINDS];
	struct told *told;
	bool is_host;
	struct names *names[NAME_KINDS];
	int64_t asked_ns, next_ns; /* when the first and the next question is asked */
	bool is_answered, is_asked;
	UT_hash_handle handle;
};

struct users {
	const char *host_root;
	struct known *known;
	struct told *told;
	bool is_told;
	struct queue *requests, *answers;
	pthread_t reader;
};

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
	const struct user_name *one = a, *other = b;

	if (one->id != other->id)
		return one->id < other->id ? -1 : 1;
	return one->text.data < other->text.data ? -1 : one->text.data > other->text.data;
}

/* A line of passwd(5) or group(5): NAME:PASSWORD:ID:… */
static bool parse_line(struct text line, unsigned column, struct user_name *ret_name)
{
	struct text columns[COLUMNS] = { 0 };
	uint64_t number;

	for (size_t i = 0; i < COLUMNS && text_split(&line, ':', &columns[i]); i++)
		;
	if (!columns[0].length || columns[0].length > NAME_MAX_ || !columns[column].data ||
		columns[column].length > PATH_MAX || text_to_u64(columns[2], &number) ||
		number > UINT32_MAX)
		return false;
	*ret_name = (struct user_name){ (uint32_t)number, columns[column] };
	return true;
}

static void parse_names(struct names *names, size_t length, unsigned column)
{
	struct text rest = { names->content, length }, line;
	size_t capacity = 0;
	struct user_name name;

	while (names->count < NAMES_MAX && text_split(&rest, '\n', &line))
		if (parse_line(line, column, &name))
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

/*
 * The names of a kind in the file below `root`; NULL when it is no sane file, or the one already
 * seen.
 */
static struct names *read_names(int root, int kind, const struct stat *seen)
{
	_cleanup_(closep) int fd = open_inside(root, places[kind].path);
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
	parse_names(names, length, places[kind].column);
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
	for (int i = 0; root >= 0 && i < NAME_KINDS; i++)
		answer->names[i] = read_names(root, i, &request->before[i].seen);
	return answer;
}

static void answer_free(struct answer *answer)
{
	for (int i = 0; i < NAME_KINDS; i++)
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

struct users *users_new_told(void)
{
	struct users *users = NEW(struct users);

	users->host_root = "";
	users->is_told = true;
	return users;
}

static void known_free(struct users *users, struct known *known)
{
	HASH_DELETE(handle, users->known, known);
	for (int i = 0; i < NAME_KINDS; i++)
		names_free(known->names[i]);
	free(known->full_id);
	free(known);
}

static void forget_told(struct users *users)
{
	struct told *told, *next;

	HASH_ITER (handle, users->told, told, next) {
		HASH_DELETE(handle, users->told, told);
		for (int i = 0; i < NAME_KINDS; i++)
			names_free(told->names[i]);
		free(told->key);
		free(told);
	}
}

/* Ends the thread. False when it hangs: then what it uses must stay. */
static bool stop_reader(struct users *users)
{
	struct timespec deadline = clock_after(CLOCK_REALTIME, 1000);
	void *item;

	queue_close(users->requests);
	/* A container's file system may hang for ever. */
	if (pthread_timedjoin_np(users->reader, NULL, &deadline))
		return false;
	while (queue_pop_many(users->answers, &item, 1, 0) > 0)
		answer_free(item);
	queue_free(users->requests);
	queue_free(users->answers);
	return true;
}

void users_free(struct users *users)
{
	struct known *known, *next;

	if (!users || (!users->is_told && !stop_reader(users)))
		return;
	HASH_ITER (handle, users->known, known, next) {
		known_free(users, known);
	}
	forget_told(users);
	free(users);
}

static char *told_key(enum container_kind kind, struct text full_id)
{
	return string_printf("%d " TEXT_FORMAT, (int)kind, TEXT_PRINT(full_id));
}

/* What was told of a container, or will be; NULL when there are too many. */
static struct told *told_find(struct users *users, enum container_kind kind, struct text full_id)
{
	_cleanup_(freep) char *key = told_key(kind, full_id);
	struct told *told;

	HASH_FIND(handle, users->told, key, strlen(key), told);
	if (told || HASH_CNT(handle, users->told) >= CONTAINERS_MAX)
		return told;
	told = NEW(struct told);
	told->key = TAKE(key);
	HASH_ADD_KEYPTR(handle, users->told, told->key, strlen(told->key), told);
	return told;
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
	known->kind = container->kind;
	known->full_id = text_to_string(container->full_id);
	known->is_host = container->kind == CONTAINER_HOST;
	known->asked_ns = clock_ns(CLOCK_MONOTONIC);
	if (users->is_told)
		known->told = told_find(users, container->kind, container->full_id);
	HASH_ADD(handle, users->known, container, sizeof(known->container), known);
	return known;
}

static void keep_names(struct known *known, struct names *const *names)
{
	for (int i = 0; i < NAME_KINDS; i++) {
		if (!names[i])
			continue;
		names_free(known->names[i]);
		known->names[i] = names[i];
		known->is_news[i] = true;
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
			known->next_ns = clock_ns(CLOCK_MONOTONIC) + RETRY_NS;
		free(answer);
	}
}

static void ask(struct users *users, struct known *known, int64_t pid)
{
	struct request *request = NEW(struct request);

	request->container = known->container;
	request->pid = pid;
	for (int i = 0; i < NAME_KINDS; i++)
		if (known->names[i])
			request->before[i].seen = known->names[i]->seen;
	known->is_asked = queue_push(users->requests, request) == 0;
	if (!known->is_asked)
		free(request);
}

/* The host's own files are small and trusted: read here. */
static void refresh_host(struct users *users, struct known *known, int64_t now)
{
	struct names *names[NAME_KINDS];
	_cleanup_(freep) char *path = NULL;
	_cleanup_(closep) int root = -1;

	if (now < known->next_ns)
		return;
	known->next_ns = now + HOST_REFRESH_NS;
	path = string_printf("%s/", users->host_root);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < NAME_KINDS; i++)
		names[i] = root < 0 ? NULL
				    : read_names(root, i,
					      known->names[i] ? &known->names[i]->seen : NULL);
	keep_names(known, names);
	known->is_answered = true;
}

static void refresh(struct users *users, struct known *known, int64_t pid)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);

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

	if (container->kind == CONTAINER_HOST || users->is_told)
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

enum presence users_name_of(struct users *users, const struct container *container, int64_t pid,
	enum name_kind kind, uint32_t id, struct text *ret_name)
{
	struct known *known = known_find(users, container);

	if (users->is_told)
		return find_name(known->told ? known->told->names[kind] : NULL, id, ret_name);
	refresh(users, known, pid);
	if (!known->is_answered)
		return clock_ns(CLOCK_MONOTONIC) - known->asked_ns < WAIT_NS ? WAITS : ABSENT;
	return find_name(known->names[kind], id, ret_name);
}

void users_visit_news(
	struct users *users, const struct container *host, users_visitor *visit, void *context)
{
	refresh_host(users, known_find(users, host), clock_ns(CLOCK_MONOTONIC));
	take_answers(users);
	for (struct known *known = users->known; known; known = known->handle.next)
		for (int i = 0; i < NAME_KINDS; i++) {
			if (!known->is_news[i])
				continue;
			known->is_news[i] = false;
			visit(context, known->kind, text_of(known->full_id), (enum name_kind)i,
				known->names[i]->items, known->names[i]->count);
		}
}

void users_renew(struct users *users)
{
	for (struct known *known = users->known; known; known = known->handle.next)
		for (int i = 0; i < NAME_KINDS; i++)
			known->is_news[i] = known->names[i] != NULL;
}

static struct names *names_copy(const struct user_name *from, size_t count)
{
	struct names *names = NEW(struct names);
	size_t length = 0;

	for (size_t i = 0; i < count; i++)
		length += from[i].text.length;
	names->content = memory_new(1, length + 1);
	names->items = NEW_ARRAY(struct user_name, count + 1);
	names->count = count;
	length = 0;
	for (size_t i = 0; i < count; i++) {
		char *at = names->content + length;

		memcpy(at, from[i].text.data, from[i].text.length);
		names->items[i] = (struct user_name){ from[i].id, { at, from[i].text.length } };
		length += from[i].text.length;
	}
	return names;
}

int users_tell(struct users *users, enum container_kind kind, struct text full_id,
	enum name_kind names_kind, const struct user_name *names, size_t count)
{
	struct told *told = told_find(users, kind, full_id);

	if (!told)
		return -ENOSPC;
	names_free(told->names[names_kind]);
	told->names[names_kind] = names_copy(names, count);
	return 0;
}
