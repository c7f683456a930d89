/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel as a source: loads the programs of sensor/kernel (programs.h), attaches what is wanted
 * (hook.h), and turns their records into events. Processes are followed from the first moment on,
 * calls only when they are wanted.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sensor/filter/filter.h"
#include "sensor/kernel/wire.h"
#include "sensor/sources/decode.h"
#include "sensor/sources/hook.h"
#include "sensor/sources/programs.h"
#include "sensor/sources/recording.h"
#include "sensor/sources/ring.h"
#include "sensor/sources/source.h"
#include "sensor/sources/uring.h"
#include "sensor/state/users.h"

#define RING_BYTES_DEFAULT (8 << 20)
#define RING_BYTES_MIN	   (4 * RECORD_MAX)
#define RING_BYTES_LIMIT   (1u << 30)
#define DOZE_NS		   1000000
/* While a fork bomb loses records, a scan of all its processes takes long enough to lose more: so
 * many times as long as one takes the records have the thread for themselves. */
#define SCAN_PAUSE 10

struct kernel_source {
	struct source source;
	struct bpf_object *object;		/* what follows processes, and the maps */
	struct bpf_object *objects[HOOK_COUNT]; /* what collects calls; NULL: not needed so far */
	struct call_hook hooks[HOOK_COUNT];
	struct hook_host host;
	enum attach_choice attach;
	struct bpf_link *lifecycle[4], *cgroups, *tuples;
	struct uring *uring;
	struct shared *shared; /* the programs' variables */
	struct ring ring;
	struct containers *containers;
	struct processes *processes;
	struct users *users;
	struct decoder *decoder;
	struct recorders *recorders;
	struct looks *looks;
	uint16_t poll, ppoll; /* ids of their events */
	const void *record;   /* the one that was handed out last */
	size_t record_size;
	int64_t clock_offset;
	uint64_t events, lifecycle_lost_before, next_upkeep_ns, next_scan_ns;
	bool looks_for_overdue; /* requests of io_uring */
	bool is_busy;		/* there were records since we last dozed */
};

/* ---- names and numbers of calls ---- */

struct numbered_call {
	uint16_t abi, number;
	const char *name;
};

#define CALL(number, name) { ABI_HERE, number, #name },
static const struct numbered_call numbered_calls[] = {
#if defined(__x86_64__)
#define ABI_HERE ABI_NATIVE
#include "sensor/kernel/calls-x86-64.def"
#undef ABI_HERE
#define ABI_HERE ABI_IA32
#include "sensor/kernel/calls-ia32.def"
#undef ABI_HERE
#elif defined(__aarch64__)
/* The calls of 32-bit programs have a list of their own, which nobody wrote yet: docs/security.md
 */
#define ABI_HERE ABI_NATIVE
#include "sensor/kernel/calls-arm64.def"
#undef ABI_HERE
#else
#error "kernel.c: add the list of this architecture's calls"
#endif
};
#undef CALL

static const char *const lifecycle_programs[] = { "process_fork", "process_exec", "process_exit",
	"process_rename" };

/* ---- setting up ---- */

/* The one variable of the programs, `shared`, is all that their .bss holds. */
static int map_variables(struct kernel_source *kernel)
{
	struct bpf_map *variables = programs_map_ending(kernel->object, ".bss");
	void *memory;

	if (!variables || bpf_map__value_size(variables) < sizeof(*kernel->shared))
		return -EINVAL;
	memory = mmap(NULL, sizeof(*kernel->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_map__fd(variables), 0);
	if (memory == MAP_FAILED)
		return -errno;
	kernel->shared = memory;
	return 0;
}

static void ignore(struct shared *shared, int64_t pid, enum ignored_state state)
{
	if (shared->ignored_count == IGNORED_MAX)
		return;
	shared->ignored[shared->ignored_count] = (struct ignored){ (uint32_t)pid, state };
	shared->ignored_count++;
}

static const struct ignored *ignored_of(const struct shared *shared, int64_t pid)
{
	for (size_t i = 0; i < shared->ignored_count; i++)
		if (shared->ignored[i].pid == pid)
			return &shared->ignored[i];
	return NULL;
}

/* What a starter had started before the kernel programs were there to see it. */
static void ignore_children(void *context, const struct process *process)
{
	struct shared *shared = context;
	const struct ignored *parent = ignored_of(shared, process->parent_pid);

	if (parent && parent->state == IGNORED_STARTER && !ignored_of(shared, process->pid))
		ignore(shared, process->pid, IGNORED_PROGRAM);
}

/* We ourselves start no siblings. */
static void ignore_pids(struct shared *shared, const struct kernel_source_options *options)
{
	for (size_t i = 0; i < options->ignored_pid_count; i++)
		ignore(shared, options->ignored_pids[i],
			options->ignored_pids[i] == getpid() ? IGNORED_PROGRAM : IGNORED_STARTER);
}

/* ---- being a source ---- */

static uint64_t now_ns(clockid_t clock)
{
	return (uint64_t)clock_ns(clock);
}

/* The wall clock steps and drifts against the clock of the records. */
static void sync_clock(struct kernel_source *kernel)
{
	uint64_t before = now_ns(CLOCK_BOOTTIME), wall = now_ns(CLOCK_REALTIME),
		 after = now_ns(CLOCK_BOOTTIME);

	int64_t offset = (int64_t)(wall - before - (after - before) / 2);

	kernel->clock_offset = offset;
	decoder_set_clock(kernel->decoder, offset);
	recorders_add_clock(kernel->recorders, offset);
}

static struct kernel_source *of(struct source *source)
{
	return (struct kernel_source *)source;
}

/* Whose losses are counted by themselves: beginnings of their names, as Falco classes them. */
static const struct {
	const char *prefix;
	enum loss loss;
} loss_classes[] = {
	{ "execve", LOSS_EXECVE },
	{ "connect", LOSS_CONNECT },
	{ "open", LOSS_OPEN },
	{ "creat", LOSS_OPEN },
	{ "close", LOSS_CLOSE },
	{ "mkdir", LOSS_DIR_FILE },
	{ "rmdir", LOSS_DIR_FILE },
	{ "rename", LOSS_DIR_FILE },
	{ "link", LOSS_DIR_FILE },
	{ "symlink", LOSS_DIR_FILE },
	{ "unlink", LOSS_DIR_FILE },
	{ "chmod", LOSS_DIR_FILE },
	{ "fchmod", LOSS_DIR_FILE },
};

static enum loss loss_of(const struct event_type *type)
{
	for (size_t i = 0; i < COUNT_OF(loss_classes); i++)
		if (text_starts_with(text_of(type->name), text_of(loss_classes[i].prefix)))
			return loss_classes[i].loss;
	return LOSS_CALL_RING;
}

/* What callers give as the number of a call: of socketcall(2) and ipc(2) that of those. */
static unsigned given_number(const struct numbered_call *one)
{
	if (one->abi != ABI_IA32 || one->number < IA32_SOCKETCALLS)
		return one->number;
	return one->number < IA32_IPC_CALLS ? IA32_SOCKETCALL : IA32_IPC;
}

static void want_numbers(struct shared *shared)
{
	uint8_t wanted[CALLS_MAX] = { 0 };

	for (size_t i = 0; i < COUNT_OF(numbered_calls); i++) {
		const struct numbered_call *one = &numbered_calls[i];

		if (one->number < CALLS_MAX)
			wanted[given_number(one)] |=
				shared->calls[one->abi][one->number].collector != COLLECT_NONE;
	}
	memcpy(shared->numbers, wanted, sizeof(wanted));
}

static void want_calls(struct kernel_source *kernel, const struct event_set *set)
{
	for (size_t i = 0; i < COUNT_OF(numbered_calls); i++) {
		const struct numbered_call *one = &numbered_calls[i];
		const struct event_type *type = event_type_find(text_of(one->name));
		struct call call = { 0 };

		if (one->number >= CALLS_MAX || !type)
			continue;
		if (event_set_has(set, type->id))
			(void)call_of_event(type->id, &call);
		call.loss = (__u8)loss_of(type);
		kernel->shared->calls[one->abi][one->number] = call;
	}
}

/* Descriptors that come with messages are told of before the message itself. */
static void want_received(struct shared *shared, const struct event_set *set)
{
	static const char *const receivers[] = { "recvmsg", "recvmmsg" };

	if (!event_set_has(set, EVENT_recvfd))
		return;
	for (size_t i = 0; i < COUNT_OF(numbered_calls); i++) {
		const struct numbered_call *one = &numbered_calls[i];
		struct call *call = &shared->calls[one->abi][one->number];

		for (size_t j = 0; j < COUNT_OF(receivers); j++)
			if (!strcmp(one->name, receivers[j])) {
				call->next = call->collector;
				call->collector = COLLECT_RECEIVED;
			}
	}
}

/* Without it a connect's address is the socket's own, which is enough unless somebody cheats. */
static void want_tuples(struct kernel_source *kernel, const struct event_set *set)
{
	struct error err = { 0 };

	if (!event_set_has(set, EVENT_connect) || kernel->tuples)
		return;
	if (programs_attach(kernel->object, "tcp_connects", &kernel->tuples, &err))
		log_debug("%s", err.message);
}

/* ---- the filter ---- */

static struct call_hook *active_hook(struct kernel_source *kernel)
{
	return &kernel->hooks[kernel->shared->hook];
}

/* Programs that are called by tail call must be as those that call them. */
static int kernel_filter(
	struct source *source, const struct filter *filter, size_t *ret_refused, struct error *err)
{
	struct kernel_source *kernel = of(source);
	struct bpf_program *caller =
		bpf_object__find_program_by_name(active_hook(kernel)->object, "send_call");
	struct filter_target target = {
		.maps = { bpf_object__find_map_fd_by_name(active_hook(kernel)->object, "slots"),
			bpf_object__find_map_fd_by_name(active_hook(kernel)->object, "finishers") },
		.filters = bpf_object__find_map_fd_by_name(active_hook(kernel)->object, "filters"),
		.filtered = kernel->shared->filtered,
		.program_type = (int)bpf_program__type(caller),
	};
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	if (target.program_type == BPF_PROG_TYPE_TRACING) {
		target.attach_type = (int)bpf_program__expected_attach_type(caller);
		if (bpf_obj_get_info_by_fd(bpf_program__fd(caller), &info, &size))
			return error_set(err, -errno, "the filter: %s", strerror(errno));
		target.attach_btf_id = (int)info.attach_btf_id;
	}
	return filter_install(filter, &target, ret_refused, err);
}

/* ---- the hook ---- */

/* Names of the calls of our own table that have a place to be collected. */
static size_t wanted_names(const struct kernel_source *kernel, const char **ret_names)
{
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(numbered_calls); i++) {
		const struct numbered_call *one = &numbered_calls[i];

		if (one->abi == ABI_NATIVE && one->number < RECEIVED_FD_CALL &&
			kernel->shared->calls[one->abi][one->number].collector != COLLECT_NONE)
			ret_names[count++] = one->name;
	}
	return count;
}

/* The first that has no tracepoint; NULL: all have one. */
static const char *name_without(const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!hook_has_tracepoint(names[i]))
			return names[i];
	return NULL;
}

static enum hook choose_hook(
	const struct kernel_source *kernel, const char *const *names, size_t count)
{
	const char *why, *without;
	enum hook hook = hook_choose(kernel->attach, &kernel->host, &why);

	if (hook == HOOK_RAW) {
		if (kernel->attach == ATTACH_SYSCALLS)
			log_warning("sensor.attach syscalls is not possible (%s): raw it is", why);
		return hook;
	}
	without = name_without(names, count);
	if (without && kernel->attach == ATTACH_AUTO) {
		log_debug("this kernel has no tracepoint of %s", without);
		return HOOK_RAW;
	}
	if (without)
		log_warning("sensor.attach is syscalls: %s, and perhaps others, cannot be seen, "
			    "for this kernel has no tracepoint of it",
			without);
	if (kernel->host.has_other_calls)
		log_warning("sensor.attach is syscalls, but %s: they will not be seen",
			kernel->host.other_calls);
	return hook;
}

/* The other hook is attached before this one goes: what both see is told of by one of them. */
static int change_hook(struct kernel_source *kernel, enum hook hook, const char *const *names,
	size_t count, struct error *err)
{
	struct call_hook *before = active_hook(kernel);
	int r = 0;

	if (!kernel->objects[hook])
		r = programs_load(hook, 0, kernel->object, &kernel->objects[hook], err);
	if (r)
		return r;
	kernel->hooks[hook].hook = hook;
	kernel->hooks[hook].object = kernel->objects[hook];
	r = call_hook_want(&kernel->hooks[hook], names, count, err);
	if (r) {
		call_hook_close(&kernel->hooks[hook]);
		return r;
	}
	/* The filters are of the other type of programs. */
	(void)kernel_filter(&kernel->source, NULL, NULL, err);
	/* A call that is just ending may not have met the new hook. */
	call_hook_settle(&kernel->hooks[HOOK_SYSCALLS]);
	__atomic_store_n(&kernel->shared->hook, hook, __ATOMIC_SEQ_CST);
	call_hook_close(before);
	log_info("system calls are seen at the hook \"%s\"", hook_names[hook]);
	return 0;
}

static int see_calls(struct kernel_source *kernel, struct error *err)
{
	_cleanup_(freep) const char **names = NEW_ARRAY(const char *, COUNT_OF(numbered_calls));
	size_t count = wanted_names(kernel, names);
	enum hook hook = choose_hook(kernel, names, count);

	if (hook == kernel->shared->hook)
		return call_hook_want(active_hook(kernel), names, count, err);
	return change_hook(kernel, hook, names, count, err);
}

static void kernel_attach(struct source *source, enum attach_choice choice)
{
	of(source)->attach = choice;
}

static int kernel_want(struct source *source, const struct event_set *set, struct error *err)
{
	struct kernel_source *kernel = of(source);

	decoder_want(kernel->decoder, set);
	want_calls(kernel, set);
	want_received(kernel->shared, set);
	want_numbers(kernel->shared);
	if (uring_want(kernel->uring, set) < 0)
		log_info("this kernel does not tell what io_uring does; Linux 5.15 does");
	want_tuples(kernel, set);
	return see_calls(kernel, err);
}

/* Summed over the CPUs. */
static void kernel_call_numbers(
	struct source *source, unsigned event, struct call_numbers *ret_numbers)
{
	struct kernel_source *kernel = of(source);
	int map = bpf_object__find_map_fd_by_name(kernel->object, "counts");
	size_t cpus = (size_t)libbpf_num_possible_cpus();
	_cleanup_(freep) struct call_counts *counts = NEW_ARRAY(struct call_counts, cpus);
	uint32_t key = event;

	*ret_numbers = (struct call_numbers){ 0 };
	if (event >= EVENTS_MAX || bpf_map_lookup_elem(map, &key, counts))
		return;
	for (size_t i = 0; i < cpus; i++) {
		ret_numbers->seen += counts[i].seen;
		ret_numbers->sent += counts[i].sent;
		ret_numbers->lost += counts[i].lost;
	}
	/* What is on its way was seen and is nothing else yet; it is not read at one instant. */
	if (kernel->shared->filtered[event] &&
		ret_numbers->seen > ret_numbers->sent + ret_numbers->lost)
		ret_numbers->rejected = ret_numbers->seen - ret_numbers->sent - ret_numbers->lost;
}

/* All event types; only those that are wanted have been seen. */
static uint64_t rejected_calls(struct kernel_source *kernel)
{
	struct call_numbers numbers;
	uint64_t rejected = 0;

	for (unsigned event = 0; event < EVENTS_MAX; event++) {
		if (!kernel->shared->filtered[event])
			continue;
		kernel_call_numbers(&kernel->source, event, &numbers);
		rejected += numbers.rejected;
	}
	return rejected;
}

static void info_of(struct bpf_object *object, const char *name, struct bpf_prog_info *ret_info)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);
	__u32 size = sizeof(*ret_info);

	*ret_info = (struct bpf_prog_info){ 0 };
	if (program)
		(void)bpf_obj_get_info_by_fd(bpf_program__fd(program), ret_info, &size);
}

/*
 * Runs that the kernel skipped because the same program was at work on that CPU: a task was
 * preempted in it and the next one made a call. They are losses like the others.
 */
static uint64_t missed_runs(struct bpf_object *object, const char *name)
{
	struct bpf_prog_info info;

	info_of(object, name, &info);
	return info.recursion_misses;
}

/* Of both hooks: what one missed does not come back with the other. */
static uint64_t missed_calls(struct kernel_source *kernel)
{
	uint64_t missed = 0;

	for (size_t i = 0; i < HOOK_COUNT; i++)
		if (kernel->objects[i])
			missed += missed_runs(kernel->objects[i], "dispatch");
	return missed;
}

static void count_runs(struct kernel_source *kernel, struct program_runs ret_runs[PROGRAM_COUNT])
{
	static const char *const programs[] = {
		[PROGRAM_CALLS] = "dispatch",
		[PROGRAM_FORK] = "process_fork",
		[PROGRAM_EXEC] = "process_exec",
		[PROGRAM_EXIT] = "process_exit",
	};

	for (size_t i = 0; i < PROGRAM_COUNT; i++) {
		struct bpf_prog_info info;

		info_of(i == PROGRAM_CALLS ? active_hook(kernel)->object : kernel->object,
			programs[i], &info);
		ret_runs[i] = (struct program_runs){ info.run_cnt, info.run_time_ns,
			info.run_cnt ? info.run_time_ns / info.run_cnt : 0 };
	}
}

static uint64_t missed_lifecycle(struct kernel_source *kernel)
{
	uint64_t missed = 0;

	for (size_t i = 0; i < COUNT_OF(lifecycle_programs); i++)
		missed += missed_runs(kernel->object, lifecycle_programs[i]);
	return missed;
}

/* Once a second: the clock, and whether the lifecycle has holes that a scan must fill. */
static void keep_up(struct kernel_source *kernel, uint64_t now)
{
	uint64_t lost;

	if (now < kernel->next_upkeep_ns)
		return;
	kernel->next_upkeep_ns = now + NS_PER_SECOND;
	sync_clock(kernel);
	recorders_keep_up(kernel->recorders);
	kernel->looks_for_overdue = true;
	lost = kernel->shared->lost[LOSS_LIFECYCLE_RING] + kernel->shared->lost[LOSS_SLOTS] +
	       missed_lifecycle(kernel);
	if (lost == kernel->lifecycle_lost_before || now < kernel->next_scan_ns)
		return;
	kernel->lifecycle_lost_before = lost;
	(void)processes_scan(kernel->processes, NULL);
	recorders_add_scan(kernel->recorders);
	kernel->next_scan_ns = now + SCAN_PAUSE * (now_ns(CLOCK_MONOTONIC) - now);
}

/*
 * While records come it is not worth a wake-up for each: we look again every millisecond, and ask
 * to be woken only when one passed without any.
 */
static void doze(uint64_t deadline)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	struct timespec left = { .tv_nsec = DOZE_NS };

	if (now + DOZE_NS <= deadline)
		(void)nanosleep(&left, NULL);
}

/*
 * Sleeps until a record comes. The flag asks the programs for a wake-up; after it is set the ring
 * is looked at once more, so that no record slips in between.
 */
static void sleep_until(struct kernel_source *kernel, uint64_t deadline)
{
	struct pollfd ring = { .fd = kernel->ring.fd, .events = POLLIN };
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	struct timespec left;

	if (now >= deadline)
		return;
	left.tv_sec = (time_t)((deadline - now) / (uint64_t)NS_PER_SECOND);
	left.tv_nsec = (long)((deadline - now) % (uint64_t)NS_PER_SECOND);
	__atomic_store_n(&kernel->shared->consumer_sleeps, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(kernel->ring.produced, __ATOMIC_SEQ_CST) == kernel->ring.at)
		(void)ppoll(&ring, 1, &left, NULL);
	__atomic_store_n(&kernel->shared->consumer_sleeps, 0, __ATOMIC_SEQ_CST);
}

static size_t next_record(struct kernel_source *kernel, const void **ret_data)
{
	size_t size = 0;

	if (kernel->looks_for_overdue)
		size = uring_overdue(kernel->uring, ret_data);
	kernel->looks_for_overdue = size;
	return size ? size : ring_next(&kernel->ring, ret_data);
}

/* Not every architecture has every call. */
static uint16_t id_of_call(const char *name)
{
	const struct event_type *type = event_type_find(text_of(name));

	return type ? type->id : UINT16_MAX;
}

/* What poll waits for is in no record: two of its arguments say where it is. */
static void begin_look(struct kernel_source *kernel, struct event *event, const void *data)
{
	const struct call_record *record = data;

	event->look = looks_begin(kernel->looks, event);
	if (event->type->id == kernel->poll || event->type->id == kernel->ppoll)
		look_set_polled(event->look, record->arguments[0], record->arguments[1]);
}

static int kernel_next(
	struct source *source, int timeout_ms, struct event **ret_event, struct error *err)
{
	struct kernel_source *kernel = of(source);
	uint64_t now = now_ns(CLOCK_MONOTONIC), deadline;
	bool has_slept = false;

	(void)err;
	deadline = now + (uint64_t)MAX_OF(timeout_ms, 0) * 1000000;
	kernel->record = NULL;
	keep_up(kernel, now);
	(void)containers_update(kernel->containers, (int64_t)(now / 1000000));
	for (;;) {
		const void *data;
		size_t size = next_record(kernel, &data);

		if (size) {
			kernel->is_busy = true;
			/* What does not decode is our own mistake; the tests show it. */
			bool is_event = decoder_take(kernel->decoder, data, size, ret_event) == 1;

			recorders_add_record(kernel->recorders, data, size);
			if (!is_event)
				continue;
			begin_look(kernel, *ret_event, data);
			kernel->events++;
			kernel->record = data;
			kernel->record_size = size;
			return 1;
		}
		if (has_slept || timeout_ms <= 0)
			return 0;
		if (kernel->is_busy) {
			kernel->is_busy = false;
			doze(deadline);
			continue;
		}
		sleep_until(kernel, deadline);
		has_slept = now_ns(CLOCK_MONOTONIC) >= deadline;
	}
}

static uint64_t kernel_head(const struct source *source)
{
	const struct kernel_source *kernel = (const struct kernel_source *)source;

	return __atomic_load_n(kernel->ring.produced, __ATOMIC_SEQ_CST);
}

static uint64_t kernel_position(const struct source *source)
{
	return ((const struct kernel_source *)source)->ring.at;
}

static void kernel_counters(struct source *source, struct source_counters *ret_counters)
{
	struct kernel_source *kernel = of(source);
	const volatile __u64 *lost = kernel->shared->lost;
	uint64_t lifecycle = lost[LOSS_LIFECYCLE_RING] + missed_lifecycle(kernel);
	struct processes_counters processes;
	struct containers_counters containers;
	struct source_counters counters = {
		.events = kernel->events,
		.dropped = lifecycle + missed_calls(kernel) + lost[LOSS_SLOTS],
		.dropped_lifecycle = lifecycle,
		.dropped_by_class = {
			[DROP_EXECVE] = lost[LOSS_EXECVE],
			[DROP_CONNECT] = lost[LOSS_CONNECT],
			[DROP_OPEN] = lost[LOSS_OPEN],
			[DROP_DIR_FILE] = lost[LOSS_DIR_FILE],
			[DROP_OTHER_INTEREST] = lost[LOSS_CALL_RING],
			[DROP_CLOSE] = lost[LOSS_CLOSE],
			[DROP_PROC] = lost[LOSS_LIFECYCLE_RING],
		},
		.dropped_slots = lost[LOSS_SLOTS],
		.ring_bytes_used = kernel_head(source) - kernel->ring.at,
	};

	for (size_t i = 0; i < DROP_PROC; i++)
		counters.dropped += counters.dropped_by_class[i];
	counters.dropped_missed = counters.dropped - lost[LOSS_SLOTS];
	for (size_t i = 0; i < DROP_CLASS_COUNT; i++)
		counters.dropped_missed -= counters.dropped_by_class[i];
	counters.kernel_rejected = rejected_calls(kernel);
	counters.kernel_calls = counters.events + counters.dropped + counters.kernel_rejected;
	processes_counters(kernel->processes, &processes);
	containers_counters(kernel->containers, &containers);
	counters.processes = processes.processes;
	counters.processes_evicted = processes.evicted;
	counters.processes_read = processes.read;
	counters.processes_missed = processes.missed;
	counters.containers = containers.containers;
	count_runs(kernel, counters.runs);
	counters.tracepoints = active_hook(kernel)->link_count;
	counters.containers_awaited = containers.awaited;
	*ret_counters = counters;
}

static void kernel_free(struct source *source)
{
	struct kernel_source *kernel = of(source);
	struct source_counters counters = { 0 };

	if (kernel->shared)
		kernel_counters(source, &counters);
	recorders_leave_all(kernel->recorders, counters.dropped);
	recorders_free(kernel->recorders);
	looks_free(kernel->looks);
	uring_free(kernel->uring);
	bpf_link__destroy(kernel->tuples);
	for (size_t i = 0; i < HOOK_COUNT; i++)
		call_hook_done(&kernel->hooks[i]);
	bpf_link__destroy(kernel->cgroups);
	for (size_t i = 0; i < COUNT_OF(kernel->lifecycle); i++)
		bpf_link__destroy(kernel->lifecycle[i]);
	ring_close(&kernel->ring);
	decoder_free(kernel->decoder);
	users_free(kernel->users);
	processes_free(kernel->processes);
	containers_free(kernel->containers);
	if (kernel->shared)
		munmap(kernel->shared, sizeof(*kernel->shared));
	for (size_t i = 0; i < HOOK_COUNT; i++)
		bpf_object__close(kernel->objects[i]);
	free(kernel);
}

static int kernel_capture(struct source *source, struct recorder *recorder)
{
	struct kernel_source *kernel = of(source);
	int r = recorders_join(kernel->recorders, recorder);

	if (r < 0)
		return r;
	recorders_add_clock(kernel->recorders, kernel->clock_offset);
	recorders_add_state(kernel->recorders, recorder);
	/* A rule that waited matches when its record is long gone. */
	if (kernel->record)
		recorders_add_late(
			kernel->recorders, recorder, kernel->record, kernel->record_size);
	return 0;
}

static void kernel_release(struct source *source, struct recorder *recorder)
{
	recorders_leave(of(source)->recorders, recorder, 0);
}

static void kernel_tell_domains(struct source *source, const struct domains *domains)
{
	recorders_add_domains(of(source)->recorders, domains);
}

static const struct source_operations operations = {
	.name = "syscall",
	.want = kernel_want,
	.attach = kernel_attach,
	.filter = kernel_filter,
	.calls = kernel_call_numbers,
	.next = kernel_next,
	.head = kernel_head,
	.position = kernel_position,
	.capture = kernel_capture,
	.release = kernel_release,
	.tell_domains = kernel_tell_domains,
	.counters = kernel_counters,
	.free = kernel_free,
};

/* A power of two of whole pages, as the kernel wants it. */
static int ring_size(uint64_t wanted, uint64_t *ret_bytes, struct error *err)
{
	uint64_t bytes = RING_BYTES_MIN;

	if (!wanted)
		wanted = RING_BYTES_DEFAULT;
	if (wanted > RING_BYTES_LIMIT)
		return error_set(err, -EINVAL,
			"a ring of %llu bytes is too large; at most %u are possible",
			(unsigned long long)wanted, RING_BYTES_LIMIT);
	while (bytes < wanted)
		bytes *= 2;
	*ret_bytes = bytes;
	return 0;
}

static void prepare_users(void *context, const struct process *process)
{
	users_prepare(context, process->container, process->pid);
}

static int start(struct kernel_source *kernel, enum hook hook, uint64_t ring_bytes,
	const struct kernel_source_options *options, struct error *err)
{
	int r = map_variables(kernel);

	if (!r)
		r = ring_open(&kernel->ring,
			bpf_object__find_map_fd_by_name(kernel->object, "ring"), ring_bytes);
	if (r)
		return error_set(err, r, "the kernel programs cannot be set up: %s", strerror(-r));
	kernel->uring = uring_new(kernel->object, kernel->shared);
	kernel->shared->hook = hook;
	ignore_pids(kernel->shared, options);
	/* First the programs, then the scan: what happens meanwhile waits in the ring. */
	for (size_t i = 0; i < COUNT_OF(lifecycle_programs); i++) {
		r = programs_attach(
			kernel->object, lifecycle_programs[i], &kernel->lifecycle[i], err);
		if (r)
			return r;
	}
	/* Without it metadata comes later, which is no reason not to start. */
	if (programs_attach(kernel->object, "cgroup_made", &kernel->cgroups, NULL))
		log_warning(
			"new cgroups cannot be seen: containers are asked for at their first exec");
	r = processes_scan(kernel->processes, err);
	if (r == -EXDEV) {
		log_warning("%s", err->message);
		r = 0;
	}
	recorders_add_scan(kernel->recorders);
	processes_visit(kernel->processes, prepare_users, kernel->users);
	processes_visit(kernel->processes, ignore_children, kernel->shared);
	return r;
}

int kernel_source_new(
	const struct kernel_source_options *options, struct source **ret_source, struct error *err)
{
	struct kernel_source *kernel;
	struct bpf_object *object = NULL;
	uint64_t ring_bytes = 0;
	struct hook_host host;
	const char *why = "";
	enum hook hook;
	int r;

	r = ring_size(options->ring_bytes, &ring_bytes, err);
	if (r)
		return r;
	hook_look(&host);
	hook = hook_choose(options->attach, &host, &why);
	r = programs_load(hook, ring_bytes, NULL, &object, err);
	if (r)
		return r;
	log_info("system calls are seen at the hook \"%s\": %s", hook_names[hook], why);
	kernel = NEW(struct kernel_source);
	kernel->source.operations = &operations;
	kernel->object = kernel->objects[hook] = object;
	kernel->hooks[hook] = (struct call_hook){ .hook = hook, .object = object };
	kernel->host = host;
	kernel->attach = options->attach;
	kernel->containers = containers_new();
	containers_set_runtimes(kernel->containers, options->runtimes);
	kernel->processes = processes_new(kernel->containers, options->host_root);
	if (options->processes_max)
		processes_set_limit(kernel->processes, options->processes_max);
	kernel->users = users_new(options->host_root);
	kernel->decoder = decoder_new(kernel->containers, kernel->processes, kernel->users);
	kernel->looks = looks_new(options->host_root);
	kernel->poll = id_of_call("poll");
	kernel->ppoll = id_of_call("ppoll");
	kernel->recorders = recorders_new(&(struct stream_state){ options->host_root,
		kernel->processes, kernel->containers, kernel->users, kernel->looks });
	if (options->recorder)
		(void)recorders_join(kernel->recorders, options->recorder);
	sync_clock(kernel);
	r = start(kernel, hook, ring_bytes, options, err);
	if (r) {
		kernel_free(&kernel->source);
		return r;
	}
	*ret_source = &kernel->source;
	return 0;
}
