/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder and the state behind it, on records made by hand; no kernel is asked. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/memory.h"
#include "sensor/sources/decode-fd.h"
#include "sensor/sources/decode.h"
#include "tests/test.h"

#define HOST_PID_NAMESPACE 0xEFFFFFFC
#define SECOND		   UINT64_C(1000000000)

struct world {
	struct containers *containers;
	struct processes *processes;
	struct decoder *decoder;
	struct event *event; /* the last one that came out */
};

/* Nobody is in this /proc. */
static struct world world_new(void)
{
	struct world world = { .containers = containers_new() };
	struct event_set set;

	world.processes = processes_new(world.containers, "/nowhere");
	world.decoder = decoder_new(world.containers, world.processes, NULL);
	memset(&set, 0xff, sizeof(set));
	decoder_want(world.decoder, &set);
	decoder_set_clock(world.decoder, 1000 * (int64_t)SECOND);
	return world;
}

static void world_done(struct world *world)
{
	decoder_free(world->decoder);
	processes_free(world->processes);
	containers_free(world->containers);
}

/* A record under construction: its memory is aligned as the ring's. */
struct built {
	union {
		struct record record;
		struct call_record call;
		struct exec_record exec;
		struct fork_record fork;
		struct exit_record exit;
		uint64_t words[RECORD_MAX / 8];
		char bytes[RECORD_MAX];
	};
	size_t size;
};

static struct built *begin(enum record_kind kind, size_t fixed, uint32_t pid, uint32_t parent)
{
	struct built *built = NEW(struct built);

	built->size = fixed;
	built->record.kind = (uint8_t)kind;
	built->record.pid = built->record.tid = pid;
	built->record.parent_pid = parent;
	built->record.start_ns = pid * SECOND;
	built->record.parent_start_ns = parent * SECOND;
	built->record.time_ns = 5 * SECOND;
	return built;
}

static void set_comm(struct built *built, const char *comm)
{
	snprintf(built->record.comm, COMM_LENGTH, "%s", comm);
}

static void add_part(struct built *built, __u16 *length, const char *data, size_t size)
{
	memcpy(built->bytes + built->size, data, size);
	built->size += size;
	*length = (__u16)size;
}

static int take(struct world *world, struct built *built)
{
	int r;

	built->record.size = (uint32_t)built->size;
	r = decoder_take(world->decoder, built->bytes, built->size, &world->event);
	if (r == 1)
		event_fill(world->event);
	free(built);
	return r;
}

static void exec(struct world *world, uint32_t pid, uint32_t parent, const char *comm)
{
	struct built *built = begin(RECORD_EXEC, sizeof(struct exec_record), pid, parent);

	set_comm(built, comm);
	built->exec.task.pid_namespace = HOST_PID_NAMESPACE;
	add_part(built, &built->exec.lengths[EXEC_ARGUMENTS], "argv0\0one\0two", 14);
	add_part(built, &built->exec.lengths[EXEC_ENVIRONMENT], "A=1\0", 5);
	add_part(built, &built->exec.lengths[EXEC_EXE_PATH], "prog/bin/usr/", 13);
	CHECK_NUMBER(take(world, built), 1);
}

static void fork_as(struct world *world, uint32_t pid, uint32_t parent, uint32_t forker)
{
	struct built *built = begin(RECORD_FORK, sizeof(struct fork_record), pid, parent);

	set_comm(built, "forked");
	built->fork.forker_pid = forker;
	CHECK_NUMBER(take(world, built), 0);
}

static void exit_as(struct world *world, uint32_t pid, uint32_t parent, uint32_t reaper)
{
	struct built *built = begin(RECORD_EXIT, sizeof(struct exit_record), pid, parent);

	built->exit.reaper_pid = reaper;
	built->exit.status = 3 << 8;
	CHECK_NUMBER(take(world, built), 1);
}

#define CHECK_SLICE(got, want)                      \
	do {                                        \
		char *slice_ = text_to_string(got); \
		CHECK_TEXT(slice_, want);           \
		free(slice_);                       \
	} while (0)

static const struct process *ancestor_of(struct world *world, int64_t pid, unsigned level)
{
	const struct process *process = processes_find(world->processes, pid);

	return process ? process_ancestor(process, level) : NULL;
}

TEST(a_walk_turns_into_a_path)
{
	struct arena *arena = arena_new(65536);

	CHECK_SLICE(path_of_walk(arena, TEXT("c/b/a/"), false), "/a/b/c");
	CHECK_SLICE(path_of_walk(arena, TEXT("a/"), false), "/a");
	CHECK_SLICE(path_of_walk(arena, TEXT(""), false), "");
	CHECK_SLICE(path_of_walk(arena, TEXT("memfd:x/"), true), "memfd:x");
	CHECK_SLICE(path_of_walk(arena, TEXT("cut"), false), "/cut");
	arena_free(arena);
}

TEST(an_exec_record_becomes_a_process_and_an_event)
{
	struct world world = world_new();
	const struct process *process;

	exec(&world, 10, 1, "prog");
	process = world.event->process;
	CHECK_NUMBER(world.event->type->id, EVENT_execve);
	CHECK_NUMBER(world.event->number, 1);
	CHECK(world.event->time_ns == 1005 * SECOND);
	CHECK_SLICE(process->comm, "prog");
	CHECK_SLICE(process->exe, "argv0");
	CHECK_SLICE(process->exe_path, "/usr/bin/prog");
	CHECK_NUMBER(process->arguments.length, 8);
	CHECK_SLICE(process->working_directory, "/");
	CHECK(process->clone_time_ns == 1010 * SECOND);
	CHECK_SLICE(process->container->id, "host");
	world_done(&world);
}

TEST(a_fork_has_the_forkers_image_and_its_real_parent)
{
	struct world world = world_new();
	const struct process *child;

	exec(&world, 10, 1, "runc");
	exec(&world, 11, 10, "runc:[0:PARENT]");
	fork_as(&world, 12, 10, 11); /* CLONE_PARENT: the child of our parent */
	child = processes_find(world.processes, 12);
	CHECK(child != NULL);
	CHECK_SLICE(child->exe_path, "/usr/bin/prog");
	CHECK_SLICE(child->comm, "forked");
	CHECK_NUMBER(child->exec_count, 0);
	CHECK_SLICE(ancestor_of(&world, 12, 1)->comm, "runc");
	exec(&world, 12, 10, "sh");
	CHECK_SLICE(ancestor_of(&world, 12, 0)->comm, "sh");
	CHECK_SLICE(ancestor_of(&world, 12, 1)->comm, "runc");
	world_done(&world);
}

TEST(the_children_of_a_dead_process_go_to_the_reaper)
{
	struct world world = world_new();

	exec(&world, 1, 0, "init");
	exec(&world, 10, 1, "subreaper");
	exec(&world, 11, 10, "dies");
	exec(&world, 12, 11, "orphan");
	fork_as(&world, 13, 12, 12);
	CHECK_SLICE(ancestor_of(&world, 13, 2)->comm, "dies");
	exit_as(&world, 11, 10, 10);
	CHECK_NUMBER(world.event->type->id, EVENT_procexit);
	CHECK_SLICE(world.event->process->comm, "");
	CHECK(!processes_find(world.processes, 11));
	CHECK_SLICE(ancestor_of(&world, 13, 1)->comm, "orphan");
	CHECK_SLICE(ancestor_of(&world, 13, 2)->comm, "subreaper");
	CHECK_SLICE(ancestor_of(&world, 13, 3)->comm, "init");
	CHECK(!ancestor_of(&world, 13, 4));
	world_done(&world);
}

TEST(a_held_snapshot_survives_exec_and_exit_with_its_ancestors)
{
	struct world world = world_new();
	const struct process *held;

	exec(&world, 10, 1, "parent");
	exec(&world, 11, 10, "first");
	held = process_hold(processes_find(world.processes, 11));
	exec(&world, 11, 10, "second");
	exit_as(&world, 11, 10, 1);
	exit_as(&world, 10, 1, 1);
	exec(&world, 11, 1, "recycled");
	CHECK_SLICE(held->comm, "first");
	CHECK(process_ancestor(held, 1) != NULL);
	CHECK_NUMBER(process_ancestor(held, 1)->pid, 10);
	process_release(held);
	world_done(&world);
}

TEST(a_pid_that_is_used_again_is_a_new_process)
{
	struct world world = world_new();
	struct built *built;

	exec(&world, 10, 1, "old");
	fork_as(&world, 11, 10, 10);
	/* Its end was lost. */
	built = begin(RECORD_FORK, sizeof(struct fork_record), 10, 1);
	built->record.start_ns = 99 * SECOND;
	built->fork.forker_pid = 1;
	set_comm(built, "new");
	CHECK_NUMBER(take(&world, built), 0);
	CHECK_SLICE(processes_find(world.processes, 10)->comm, "new");
	CHECK(!ancestor_of(&world, 11, 1));
	world_done(&world);
}

TEST(a_full_table_throws_out_who_was_not_seen_for_longest_but_no_parents)
{
	struct world world = world_new();
	struct processes_counters counters;

	processes_set_limit(world.processes, 10);
	exec(&world, 10, 1, "parent");
	exec(&world, 11, 10, "oldest");
	for (uint32_t pid = 12; pid < 20; pid++)
		exec(&world, pid, 10, "more");
	processes_counters(world.processes, &counters);
	CHECK_NUMBER(counters.processes, 10);
	CHECK_NUMBER(counters.evicted, 0);
	exec(&world, 20, 10, "one too many");
	processes_counters(world.processes, &counters);
	CHECK_NUMBER(counters.processes, 10);
	CHECK_NUMBER(counters.evicted, 1);
	CHECK(!processes_find(world.processes, 11));
	CHECK(processes_find(world.processes, 10) != NULL);
	CHECK_SLICE(ancestor_of(&world, 20, 1)->comm, "parent");
	world_done(&world);
}

TEST(every_record_brings_name_and_user_up_to_date)
{
	struct world world = world_new();
	struct built *built;

	exec(&world, 10, 1, "before");
	built = begin(RECORD_CALL, sizeof(struct call_record), 10, 1);
	built->call.event = EVENT_setuid;
	built->call.arguments[0] = 33;
	built->record.effective_user = built->record.user = 33;
	set_comm(built, "after");
	CHECK_NUMBER(take(&world, built), 1);
	CHECK_SLICE(world.event->process->comm, "after");
	CHECK_NUMBER(world.event->process->effective_user_id, 33);
	CHECK_SLICE(world.event->process->exe_path, "/usr/bin/prog");
	CHECK_NUMBER(world.event->arguments[1].size, 33);
	world_done(&world);
}

TEST(a_call_of_an_unknown_process_makes_a_bare_one)
{
	struct world world = world_new();
	struct processes_counters counters;
	struct built *built = begin(RECORD_CALL, sizeof(struct call_record), 77, 1);

	built->call.event = EVENT_ptrace;
	set_comm(built, "stranger");
	CHECK_NUMBER(take(&world, built), 1);
	CHECK_SLICE(world.event->process->comm, "stranger");
	CHECK(!process_ancestor(world.event->process, 1));
	processes_counters(world.processes, &counters);
	CHECK_NUMBER(counters.processes, 1);
	CHECK(counters.missed > 0);
	world_done(&world);
}

TEST(a_container_is_seen_at_exec_by_cgroup_and_namespaces)
{
	struct world world = world_new();
	struct built *built = begin(RECORD_EXEC, sizeof(struct exec_record), 10, 1);

	built->exec.task.pid_namespace = 4026532000;
	built->exec.task.mount_namespace = 4026532001;
	add_part(built, &built->exec.lengths[EXEC_CGROUP_V1], "web/bundles/", 12);
	CHECK_NUMBER(take(&world, built), 1);
	CHECK_SLICE(world.event->container->id, "web");
	CHECK_NUMBER(world.event->container->kind, CONTAINER_RUNC);
	/* Its children are in it without being asked. */
	built = begin(RECORD_FORK, sizeof(struct fork_record), 11, 10);
	built->fork.forker_pid = 10;
	built->fork.task.pid_namespace = 4026532000;
	built->fork.task.mount_namespace = 4026532001;
	add_part(built, &built->fork.lengths[FORK_CGROUP_V1], "web/bundles/", 12);
	CHECK_NUMBER(take(&world, built), 0);
	CHECK_SLICE(processes_find(world.processes, 11)->container->id, "web");
	world_done(&world);
}

TEST(chdir_moves_the_process)
{
	struct world world = world_new();
	struct built *built;

	exec(&world, 10, 1, "shell");
	built = begin(RECORD_CALL, sizeof(struct call_record), 10, 1);
	built->call.event = EVENT_chdir;
	set_comm(built, "shell");
	add_part(built, &built->call.lengths[CALL_TEXT_0], "../tmp", 6);
	add_part(built, &built->call.lengths[CALL_BASE_1], "tmp/var/", 8);
	CHECK_NUMBER(take(&world, built), 1);
	CHECK_SLICE(processes_find(world.processes, 10)->working_directory, "/var/tmp");
	CHECK_SLICE(processes_find(world.processes, 10)->exe_path, "/usr/bin/prog");
	world_done(&world);
}

static struct built *open_record(const char *text, const char *base, const char *walk)
{
	struct built *built = begin(RECORD_CALL, sizeof(struct call_record), 10, 1);

	built->call.event = EVENT_openat;
	built->call.arguments[0] = (uint64_t)AT_FDCWD;
	built->call.arguments[2] = O_WRONLY | O_CREAT;
	built->call.arguments[3] = 0644;
	built->call.result = walk ? 3 : -ENOENT;
	add_part(built, &built->call.lengths[CALL_TEXT_0], text, strlen(text));
	add_part(built, &built->call.lengths[CALL_BASE_0], base, strlen(base));
	if (walk) {
		built->call.flags = CALL_HAS_FILE;
		built->call.file.mode = S_IFREG | 0644;
		built->call.file.device = 8 << 20 | 1;
		built->call.file.is_created = 1;
		add_part(built, &built->call.lengths[CALL_REAL_PATH], walk, strlen(walk));
	}
	return built;
}

TEST(an_open_has_a_lexical_and_a_real_name)
{
	struct world world = world_new();

	CHECK_NUMBER(take(&world, open_record("../x//y", "b/a/", "shadow/etc/")), 1);
	CHECK_SLICE(world.event->fd.name, "/a/x/y");
	CHECK_SLICE(world.event->fd.raw_name, "../x/y");
	CHECK_SLICE(world.event->fd.real_name, "/etc/shadow");
	CHECK_NUMBER(world.event->fd.device, 8 << 8 | 1);
	CHECK_NUMBER(world.event->arguments[3].size, 2 | 4 | 1 << 14);
	CHECK_NUMBER(world.event->arguments[4].size, 0644);
	CHECK_SLICE(world.event->absolute[2], "/a/x/y");
	CHECK_NUMBER(take(&world, open_record("none", "", NULL)), 1);
	CHECK_SLICE(world.event->fd.name, "/none");
	CHECK(!world.event->fd.real_name.data);
	CHECK_NUMBER(world.event->fd.type, FD_FILE);
	world_done(&world);
}

TEST(a_path_that_could_not_be_read_is_unproven_and_named_by_the_file)
{
	struct world world = world_new();
	struct built *built = open_record("", "", "shadow/etc/");

	built->call.flags |= CALL_TEXT_0_FAILED;
	CHECK_NUMBER(take(&world, built), 1);
	CHECK(world.event->is_path_unproven);
	CHECK_SLICE(world.event->fd.name, "/etc/shadow");
	CHECK(!(world.event->arguments_present >> 2 & 1));
	world_done(&world);
}

TEST(an_ipv6_socket_that_talks_ipv4_is_an_ipv4_one)
{
	struct world world = world_new();
	struct built *built = begin(RECORD_CALL, sizeof(struct call_record), 10, 1);
	struct socket_info *socket = &built->call.socket;

	built->call.event = EVENT_connect;
	built->call.flags = CALL_HAS_FILE;
	built->call.file.mode = S_IFSOCK;
	socket->family = AF_INET6;
	socket->state = 1;
	socket->flags = SOCKET_KNOWN | SOCKET_CLIENT;
	socket->local_port = 40000;
	socket->remote_port = 443;
	inet_pton(AF_INET6, "::ffff:10.0.0.1", socket->local);
	inet_pton(AF_INET6, "::ffff:10.0.0.2", socket->remote);
	CHECK_NUMBER(take(&world, built), 1);
	CHECK_NUMBER(world.event->fd.type, FD_IPV4);
	CHECK_SLICE(world.event->fd.name, "10.0.0.1:40000->10.0.0.2:443");
	CHECK_NUMBER(world.event->fd.remote.family, 4);
	world_done(&world);
}

struct name_sample {
	const char *walk;
	uint32_t magic;
	uint16_t mode;
	enum fd_type type;
};

TEST(kinds_of_descriptors_are_told_apart)
{
	static const struct name_sample samples[] = {
		{ "[eventpoll]/", 0x09041934, 0, FD_EPOLL },
		{ "[eventfd]/", 0x09041934, 0, FD_EVENT },
		{ "[timerfd]/", 0x09041934, 0, FD_TIMER },
		{ "inotify/", 0x09041934, 0, FD_INOTIFY },
		{ "[io_uring]/", 0x09041934, 0, FD_URING },
		{ "bpf-map/", 0x09041934, 0, FD_BPF },
		{ "memfd:x/", 0x01021994, S_IFREG, FD_MEMFD },
		{ "/", 0x50495045, S_IFIFO, FD_PIPE },
		{ "x/", 0x50494446, S_IFREG, FD_PIDFD },
		{ "file/dir/", 0xef53, S_IFREG, FD_FILE },
		{ "dir/", 0xef53, S_IFDIR, FD_DIRECTORY },
	};
	struct world world = world_new();

	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct built *built = begin(RECORD_CALL, sizeof(struct call_record), 10, 1);

		built->call.event = EVENT_dup;
		built->call.result = 4;
		built->call.flags = CALL_HAS_FILE;
		if (samples[i].magic != 0xef53)
			built->call.flags |= CALL_REAL_PATH_DETACHED;
		built->call.file.magic = samples[i].magic;
		built->call.file.mode = samples[i].mode;
		add_part(built, &built->call.lengths[CALL_REAL_PATH], samples[i].walk,
			strlen(samples[i].walk));
		CHECK_NUMBER(take(&world, built), 1);
		CHECK_NUMBER(world.event->fd.type, samples[i].type);
	}
	world_done(&world);
}

TEST(what_is_no_record_is_refused)
{
	struct world world = world_new();
	struct built *built = open_record("x", "", NULL);

	built->call.lengths[CALL_DATA] = 5000; /* longer than the record */
	CHECK_NUMBER(take(&world, built), -EBADMSG);
	built = open_record("x", "", NULL);
	built->call.event = 60000;
	CHECK_NUMBER(take(&world, built), -EBADMSG);
	built = open_record("x", "", NULL);
	built->size = 40;
	CHECK_NUMBER(take(&world, built), -EBADMSG);
	built = open_record("x", "", NULL);
	built->record.kind = 9;
	CHECK_NUMBER(take(&world, built), -EBADMSG);
	built = begin(RECORD_EXEC, sizeof(struct record), 10, 1);
	CHECK_NUMBER(take(&world, built), -EBADMSG);
	world_done(&world);
}

TEST(every_row_that_is_a_call_tells_the_kernel_what_to_collect)
{
	struct call call;

	CHECK_NUMBER(call_of_event(EVENT_openat2, &call), 0);
	CHECK_NUMBER(call.collector, COLLECT_OPEN);
	CHECK(call.fd == CALL_RESULT && call.texts[0] == 1 && call.bases[0] == 0 && call.data == 2);
	CHECK_NUMBER(call_of_event(EVENT_linkat, &call), 0);
	CHECK(call.texts[0] == 1 && call.bases[0] == 0 && call.texts[1] == 3 && call.bases[1] == 2);
	CHECK_NUMBER(call_of_event(EVENT_symlink, &call), 0);
	CHECK(call.bases[0] == CALL_NOTHING && call.bases[1] == CALL_WORKING_DIRECTORY);
	CHECK_NUMBER(call_of_event(EVENT_connect, &call), 0);
	CHECK(call.address == 1 && call.data == CALL_NOTHING && call.fd == 0);
	CHECK_NUMBER(call_of_event(EVENT_sendto, &call), 0);
	CHECK(call.address == 4 && call.data == 1);
	CHECK_NUMBER(call_of_event(event_type_find(TEXT("getppid"))->id, &call), 0);
	CHECK_NUMBER(call.collector, COLLECT_PLAIN);
	CHECK_NUMBER(call_of_event(EVENT_procexit, &call), -ENOENT);
	CHECK_NUMBER(call_of_event(60000, &call), -ENOENT);
}
