/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine remembers never outlives what it is about. A world of processes in which
 * everything changes between events (execs, new names and users, reparenting, ends, pids used
 * again, metadata that arrives) goes through rules made by chance: those that remember must answer
 * as those that see each event for the first time. The seed is fixed, or TERCEL_SEED.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/rules/rules.h"
#include "sensor/sources/decode.h"
#include "sensor/state/runtimes/metadata.h"
#include "sensor/tests/random.h"
#include "tests/test.h"

#define SECOND	  UINT64_C(1000000000)
#define PIDS	  12
#define FIRST_PID 5000001 /* no host has it, so that /proc never answers */
#define RULES	  80	  /* so many that clauses are looked at */

/* ---- the world ---- */

struct world {
	struct containers *containers;
	struct processes *processes;
	struct decoder *decoder;
	struct metadata *metadata; /* that arrives, and goes again */
	uint64_t starts[PIDS];	   /* of who has the pid; 0: nobody */
	uint64_t clock;
	union {
		struct record record;
		struct call_record call;
		struct exec_record exec;
		struct fork_record fork;
		struct exit_record exit;
		uint64_t words[RECORD_MAX / 8];
		char bytes[RECORD_MAX];
	} built;
};

static const char *const comms[] = { "a", "b", "sh", "sshd" };
static const char *const cgroups[] = { "", "a.service/system.slice/",
	"1111111111111111111111111111111111111111111111111111111111111111/docker/",
	"2222222222222222222222222222222222222222222222222222222222222222/docker/" };
static const char *const paths[] = { "/etc/a", "/etc/b", "/tmp/a", "/tmp/x/../a" };
static const char *const walks[] = { "a/etc/", "b/etc/", "a/tmp/" };

static struct world *world_new(void)
{
	struct world *world = NEW(struct world);
	struct event_set set;

	world->containers = containers_new();
	world->processes = processes_new(world->containers, "/nowhere");
	world->decoder = decoder_new(world->containers, world->processes, NULL);
	world->metadata = metadata_new("docker");
	world->metadata->repository = TEXT("b");
	metadata_finish(world->metadata);
	memset(&set, 0xff, sizeof(set));
	decoder_want(world->decoder, &set);
	return world;
}

static void world_free(struct world *world)
{
	decoder_free(world->decoder);
	processes_free(world->processes);
	containers_free(world->containers);
	metadata_release(world->metadata);
	free(world);
}

static size_t begin(struct world *world, enum record_kind kind, size_t fixed, unsigned who)
{
	struct record *record = &world->built.record;
	unsigned parent = random_below(5) ? (who * 7 + 3) % PIDS : random_below(PIDS);

	memset(world->built.bytes, 0, fixed);
	*record = (struct record){ .kind = (uint8_t)kind,
		.time_ns = world->clock += SECOND,
		.pid = FIRST_PID + who,
		.tid = FIRST_PID + who,
		.start_ns = world->starts[who],
		.parent_pid = FIRST_PID + parent,
		.parent_start_ns = world->starts[parent],
		.user = random_below(8) ? 0 : 1000 };
	snprintf(record->comm, COMM_LENGTH, "%s",
		comms[random_below(6) ? who % 4 : random_below(4)]);
	return fixed;
}

static void add(struct world *world, size_t *size, __u16 *length, const char *text)
{
	*length = (__u16)strlen(text);
	memcpy(world->built.bytes + *size, text, *length);
	*size += *length;
}

static struct event *take(struct world *world, size_t size)
{
	struct event *event = NULL;
	int r;

	world->built.record.size = (uint32_t)((size + 7) & ~(size_t)7);
	r = decoder_take(world->decoder, world->built.bytes, (size + 7) & ~(size_t)7, &event);
	CHECK(r >= 0);
	return r == 1 ? event : NULL;
}

static struct event *open_something(struct world *world, unsigned who)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR | O_CREAT, O_CREAT | O_TRUNC };
	size_t size = begin(world, RECORD_CALL, sizeof(struct call_record), who);
	struct call_record *call = &world->built.call;

	call->event = EVENT_openat;
	call->arguments[0] = (uint64_t)AT_FDCWD;
	call->arguments[2] = (uint64_t)flags[random_below(4)];
	call->result = random_below(4) ? (int64_t)random_below(7) : -(int64_t)(1 + random_below(3));
	if (call->result >= 0) {
		call->flags = CALL_HAS_FILE;
		call->file.mode = random_below(4) ? S_IFREG : S_IFDIR;
		call->file.is_created = !random_below(3);
		call->file.inode = 5;
	}
	for (int i = 0; i < CALL_PART_COUNT; i++) {
		const char *part = i == CALL_TEXT_0	 ? PICK(paths)
				   : i == CALL_REAL_PATH ? PICK(walks)
							 : "";

		if (i != CALL_REAL_PATH || call->result >= 0)
			add(world, &size, &call->lengths[i], part);
	}
	return take(world, size);
}

static struct event *exec_something(struct world *world, unsigned who)
{
	size_t size = begin(world, RECORD_EXEC, sizeof(struct exec_record), who);
	struct exec_record *exec = &world->built.exec;

	exec->task.pid_namespace = 1;
	for (int i = 0; i < EXEC_PART_COUNT; i++)
		add(world, &size, &exec->lengths[i],
			i == EXEC_ARGUMENTS  ? PICK(comms)
			: i == EXEC_EXE_PATH ? PICK(walks)
			: i == EXEC_CGROUP   ? cgroups[random_below(4) ? who % 4 : random_below(4)]
					     : "");
	return take(world, size);
}

static void fork_something(struct world *world, unsigned who)
{
	unsigned child = random_below(PIDS);
	size_t size;

	world->starts[child] = world->clock;
	size = begin(world, RECORD_FORK, sizeof(struct fork_record), child);
	world->built.fork.forker_pid = FIRST_PID + who;
	world->built.record.parent_pid = FIRST_PID + who;
	add(world, &size, &world->built.fork.lengths[FORK_CGROUP], cgroups[who % 4]);
	add(world, &size, &world->built.fork.lengths[FORK_CGROUP_V1], "");
	(void)take(world, size);
}

static struct event *end_something(struct world *world, unsigned who)
{
	size_t size = begin(world, RECORD_EXIT, sizeof(struct exit_record), who);

	world->built.exit.reaper_pid = FIRST_PID + random_below(PIDS);
	world->starts[who] = 0;
	return take(world, size);
}

/* As containers.c does it when a runtime answers, or is asked again. */
static void tell_something(struct world *world, unsigned who)
{
	const struct process *process = processes_find(world->processes, FIRST_PID + who);
	struct container *container = process ? (struct container *)process->container : NULL;

	if (!container || container->kind == CONTAINER_HOST)
		return;
	metadata_release(container->metadata);
	container->metadata = random_below(2) ? metadata_hold(world->metadata) : NULL;
	container->state = container->metadata ? METADATA_KNOWN
			   : random_below(2)   ? METADATA_AWAITED
					       : METADATA_UNKNOWN;
	container->version++;
}

/* The next event; NULL when what happened is none. */
static struct event *happen(struct world *world)
{
	unsigned who = random_below(PIDS), what = random_below(100);

	if (!world->starts[who])
		world->starts[who] = world->clock += SECOND;
	if (what < 6)
		return exec_something(world, who);
	if (what < 9)
		return end_something(world, who);
	if (what < 12)
		tell_something(world, who);
	else if (what < 16)
		fork_something(world, who);
	else
		/* Several in a row, so that there is something to be remembered. */
		return open_something(world, random_below(3) ? who % 3 : who);
	return NULL;
}

/* ---- the rules ---- */

static void write_check(struct buffer *out)
{
	static const char *const checks[] = { "proc.name = a", "proc.name in (b, sh)",
		"proc.pname = a", "proc.pname exists", "proc.aname = sshd", "proc.aname[2] = b",
		"proc.aname[3] in (a, sh)", "proc.pcmdline contains b", "proc.ppid = 5000003",
		"user.uid = 1000", "proc.cmdline contains s", "proc.exepath startswith /etc",
		"proc.pexepath startswith /etc", "container.id = host", "container.id startswith 1",
		"container.image.repository = b", "container.image.repository in (a, \"\")",
		"container.privileged = true", "fd.num >= 0", "fd.num = -1", "fd.num > 4",
		"fd.num in (1, 2)", "fd.typechar = f", "fd.typechar in (d, o)",
		"evt.is_open_read = true", "evt.is_open_write = true",
		"evt.arg.flags contains O_CREAT", "evt.arg.flags contains O_F_CREATED",
		"evt.arg.flags contains WRONLY", "evt.failed = true", "evt.res = SUCCESS",
		"evt.res = EPERM", "evt.rawres = -2", "evt.rawres > 2", "evt.path.unproven = true",
		"fd.name = /etc/a", "fd.name startswith /tmp", "fd.directory = /etc",
		"fd.filename = b", "proc.name = val(proc.pname)", "evt.is_open_create = true",
		"toupper(proc.name) = A", "proc.sname = b", "k8s.ns.name exists" };

	buffer_add_string(out, PICK(checks));
}

static const struct condition_shape conditions = { .ands = 3, .checks = 1, .write = write_check };

/* What a condition cannot do without. */
static void write_clause(struct buffer *out)
{
	buffer_add_char(out, '(');
	for (unsigned i = 0, count = 1 + random_below(3); i < count; i++) {
		buffer_add_string(out, random_below(3) ? "" : "not ");
		write_check(out);
		buffer_add_string(out, i + 1 < count ? " or " : ") and ");
	}
}

static struct rules *random_rules(struct buffer *yaml)
{
	static const struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&options);
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	struct rules *rules = NULL;
	struct error err = { 0 };

	for (int i = 0; i < RULES; i++) {
		buffer_printf(yaml, "- rule: R%d\n  desc: d\n  condition: ", i);
		if (random_below(2))
			write_clause(yaml);
		random_condition(yaml, &conditions, 3);
		buffer_add_string(
			yaml, "\n  output: o\n  priority: INFO\n  warn_evttypes: false\n");
	}
	result = rules_loader_add(loader, "random.yaml", buffer_text(yaml));
	CHECK_TEXT(result->error_count ? result->errors[0].message : NULL, NULL);
	CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
	return rules;
}

/* All answers of all rules, as under rule_matching: all. Gives how many there are. */
static size_t match_all(const struct rules *rules, struct evaluation *evaluation,
	struct event *event, int answers[RULES + 1])
{
	unsigned first = 0;
	size_t count = 0;

	while (first < RULES) {
		const struct rule *rule = NULL;
		enum truth truth = rules_match(rules, evaluation, event, first, &rule);

		if (truth == IS_FALSE)
			break;
		answers[count++] = (int)(rule->index * 8 + truth * 2 + event->view);
		first = rule->index + 1;
	}
	return count;
}

static bool is_the_same(const struct rules *rules, struct evaluation *remembers,
	struct event *event, size_t *matched)
{
	struct evaluation *forgets = evaluation_new(rules);
	int got[RULES + 1] = {}, want[RULES + 1] = {};

	*matched += match_all(rules, forgets, event, want);
	(void)match_all(rules, remembers, event, got);
	evaluation_free(forgets);
	return !memcmp(got, want, sizeof(got));
}

TEST(what_is_remembered_of_a_process_or_a_call_is_what_would_be_found_out_anew)
{
	const char *given = getenv("TERCEL_SEED");
	size_t matched = 0, events = 0;
	bool is_same = true;

	random_state = given ? strtoull(given, NULL, 10) : 20261124;
	for (int round = 0; is_same && round < 40; round++) {
		struct world *world = world_new();
		struct evaluation *remembers;
		struct rules *rules;
		struct buffer yaml;

		buffer_init(&yaml, 1 << 20);
		rules = random_rules(&yaml);
		remembers = evaluation_new(rules);
		for (int i = 0; is_same && i < 600; i++) {
			struct event *event = happen(world);

			if (!event)
				continue;
			events++;
			is_same = is_the_same(rules, remembers, event, &matched);
			if (!is_same)
				printf("# round %d, event %d\n# %s\n", round, i, yaml.data);
		}
		evaluation_free(remembers);
		rules_free(rules);
		buffer_done(&yaml);
		world_free(world);
	}
	CHECK(is_same);
	CHECK(events > 10000 && matched > 10000);
}
