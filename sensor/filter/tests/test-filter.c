/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter loses nothing: whatever record a rule matches, its program lets pass. Tried with
 * random conditions on random records, some of whose parts are unknown (a page that was not there,
 * a path that was cut), each run through the emitted instructions and through the rules.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/filter/filter.h"
#include "sensor/filter/tests/interpreter.h"
#include "sensor/rules/rules.h"
#include "sensor/sources/decode.h"
#include "sensor/tests/random.h"
#include "tests/test.h"

#define ROUNDS		1200
#define RECORDS_A_ROUND 200

/* ---- conditions ---- */

static const char *const types[] = { "open", "openat", "openat2", "creat", "open_by_handle_at",
	"symlinkat", "linkat", "unlinkat", "mkdir", "ptrace", "socket", "dup", "connect",
	"fchmod" };
static const char *const words[] = { "cat", "sh", "nginx", "a", "/etc/shadow", "/etc", "/etc/",
	"/etc/pam.d", "/etc/pam.d/", "/e", "/", "shadow", "/shadow", "ow", "pam.d/x", "etc/shadow",
	"/root/.ssh", "/root/.ssh/id", "../", "/.", ".ssh", "id_rsa", "/home/*/.ssh/*", "*",
	"a-name-longer-than-any-comm", "/var/lib/a", "''" };
static const char *const path_fields[] = { "fd.name", "fd.nameraw", "fd.directory", "fd.filename",
	"evt.arg.name", "evt.arg.path", "evt.arg.target", "evt.arg.oldpath", "evt.arg.newpath",
	"evt.abspath", "fs.path.name", "proc.name", "proc.pname", "fd.realname" };
static const char *const path_operators[] = { "=", "!=", "startswith", "endswith", "contains",
	"glob", "icontains" };
static const char *const number_fields[] = { "fd.num", "evt.rawres", "user.uid", "proc.pid" };
static const char *const number_operators[] = { "=", "!=", "<", "<=", ">", ">=" };
static const char *const numbers[] = { "-13", "-2", "-1", "0", "1", "2", "3", "1000", "4" };
static const char *const others[] = { "evt.is_open_read=true", "evt.is_open_write=true",
	"evt.is_open_read=false", "evt.failed=true", "evt.failed=false", "evt.res=SUCCESS",
	"evt.res=ENOENT", "evt.res startswith E", "evt.res != EACCES",
	"evt.res in (SUCCESS, EPERM)", "fd.typechar=f", "fd.typechar=d", "fd.typechar in (4, 6)",
	"fd.typechar != f", "fd.type in (ipv4, ipv6)", "fd.type=file", "fd.type=unix",
	"fd.type = directory", "evt.arg.flags contains O_TRUNC", "evt.arg.flags contains O_CREAT",
	"evt.arg.flags contains O_R", "evt.arg.request contains PTRACE_ATTACH",
	"evt.arg.request in (PTRACE_TRACEME)", "evt.arg.domain contains AF_PACKET",
	"evt.arg.domain != AF_INET", "evt.dir = <", "evt.num = 0", "evt.num > 0",
	"proc.aname = sshd", "container.id = host", "container.id != host", "fd.name exists",
	"evt.arg.flags exists", "evt.path.unproven=true" };

static void write_check(struct buffer *out)
{
	switch (random_below(8)) {
	case 0:
		buffer_printf(out, "evt.type %s %s", random_below(4) ? "=" : "!=", PICK(types));
		break;
	case 1:
		buffer_printf(out, "%s %s %s", PICK(number_fields), PICK(number_operators),
			PICK(numbers));
		break;
	case 2:
		buffer_printf(
			out, "%s in (%s, %s)", PICK(number_fields), PICK(numbers), PICK(numbers));
		break;
	case 3:
		buffer_add_string(out, PICK(others));
		break;
	case 4:
		buffer_printf(out, "%s in (%s, %s)", PICK(path_fields), PICK(words), PICK(words));
		break;
	case 5:
		buffer_printf(
			out, "%s pmatch (%s, %s)", PICK(path_fields), PICK(words), PICK(words));
		break;
	default:
		buffer_printf(
			out, "%s %s %s", PICK(path_fields), PICK(path_operators), PICK(words));
	}
}

static const struct condition_shape conditions = { .ands = 2, .checks = 2, .write = write_check };

/* Rules from a text; NULL when it is refused, for not every pair of field and operator exists. */
static struct rules *rules_of(struct text text)
{
	static const struct rules_options options = { .minimum_priority = PRIORITY_DEBUG,
		.matches_all = true };
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&options);
	_cleanup_(load_result_freep) struct load_result *result =
		rules_loader_add(loader, "random", text);
	struct rules *rules = NULL;
	struct error err = {};

	if (result->error_count || rules_compile(loader, &rules, &err) < 0)
		return NULL;
	return rules;
}

static struct rules *random_rules(struct buffer *text)
{
	struct rules *rules = NULL;

	while (!rules) {
		unsigned count = 1 + random_below(3);

		buffer_clear(text);
		for (unsigned i = 0; i < count; i++) {
			buffer_printf(text,
				"- rule: r%u\n  desc: d\n  output: o\n  priority: INFO\n  condition: >\n"
				"    evt.type in (%s, %s) and ",
				i, PICK(types), PICK(types));
			random_condition(text, &conditions, 3);
			buffer_add_char(text, '\n');
		}
		rules = rules_of(buffer_text(text));
	}
	return rules;
}

/* ---- records ---- */

static const char *const given_paths[] = { "/etc/shadow", "/etc/pam.d/x", "/etc", "/", "shadow",
	"/etc/../etc/shadow", "../etc/shadow", "/root/.ssh/id_rsa", "./a", "a/b", "id_rsa", ".ssh",
	"/tmp/link", "/home/u/.ssh/k", "//etc//shadow", "/etc/", "", "..", "/var/lib/a/b", "x..y",
	"/etc/pam.d", "/etcetera", "/etc/pam.dx/y", "release_agent", "pam.d" };
static const char *const bases[] = { "", "etc/", "ssh.d/root/", ".ssh/root/", "tmp/", "pam.d/etc/",
	"a/lib/var/" };
static const char *const walks[] = { "shadow/etc/", "x/pam.d/etc/", "etc/", "", "id_rsa/.ssh/root/",
	"f/tmp/", "k/.ssh/u/home/", "y/pam.dx/etc/", "b/a/lib/var/", "etcetera/", "pam.d/etc/",
	"shadow/" };
static const char *const comms[] = { "cat", "sh", "nginx", "a", "fifteen-letters" };
static const int64_t results[] = { 3, 0, 1, 2, -2, -13, -1, -115, 1000 };
static const uint64_t flag_values[] = { 0, 1, 2, 3, 0x40, 0x241, 0x200, 0x10000, 16, 17, 0x4206, 10,
	1000 };
static const uint16_t modes[] = { S_IFREG, S_IFDIR, S_IFSOCK, S_IFCHR, S_IFIFO };
static const uint32_t magics[] = { 0xef53, 0x50495045, 0x09041934, 0x50494446, 0xef53, 0xef53 };
static const uint16_t families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET };

struct record_memory {
	uint64_t words[RECORD_MAX / 8];
};

static char *add(char *at, __u16 *length, const char *text)
{
	*length = (__u16)strlen(text);
	memcpy(at, text, *length);
	return at + *length;
}

static void add_file(struct call_record *record)
{
	if (record->result < 0 && random_below(4))
		return;
	record->flags |= CALL_HAS_FILE;
	record->file.mode = PICK(modes);
	record->file.magic = PICK(magics);
	record->file.inode = 7;
	record->flags |= random_below(10) ? 0 : CALL_REAL_PATH_DETACHED;
	record->flags |= random_below(10) ? 0 : CALL_REAL_PATH_CUT;
	if (record->file.mode != S_IFSOCK)
		return;
	record->socket.family = PICK(families);
	record->socket.flags = SOCKET_KNOWN;
	record->socket.remote_port = (uint16_t)random_below(3);
	record->socket.state = (uint8_t)random_below(2);
}

/* As the collectors make them: a base only below a text that is relative. */
static void add_paths(struct call_record *record, const struct call *call)
{
	char *at = (char *)(record + 1);

	for (int i = 0; i < 2; i++) {
		if (call->texts[i] < 0)
			continue;
		if (random_below(12))
			at = add(at, &record->lengths[CALL_TEXT_0 + i], PICK(given_paths));
		else
			record->flags |= i ? CALL_TEXT_1_FAILED : CALL_TEXT_0_FAILED;
	}
	for (int i = 0; i < 2; i++) {
		const char *text = (char *)(record + 1) + (i ? record->lengths[0] : 0);
		bool is_relative = !record->lengths[i] || *text != '/';
		bool has_failed = record->flags & (i ? CALL_TEXT_1_FAILED : CALL_TEXT_0_FAILED);

		if (call->texts[i] < 0 || call->bases[i] == CALL_NOTHING || !is_relative ||
			has_failed)
			continue;
		at = add(at, &record->lengths[CALL_BASE_0 + i], PICK(bases));
		if (!random_below(10))
			record->flags |= i ? CALL_BASE_1_CUT : CALL_BASE_0_CUT;
	}
	if (record->flags & CALL_HAS_FILE && record->file.mode != S_IFSOCK)
		at = add(at, &record->lengths[CALL_REAL_PATH], PICK(walks));
	record->header.size = (uint32_t)(at - (char *)record);
}

static void random_record(struct call_record *record, const struct event_type *type)
{
	struct call call;

	memset(record, 0, sizeof(*record));
	(void)call_of_event(type->id, &call);
	record->header.kind = RECORD_CALL;
	record->header.pid = record->header.tid = 100 + random_below(5);
	record->header.start_ns = 1;
	record->header.effective_user = random_below(2) * 1000;
	snprintf(record->header.comm, COMM_LENGTH, "%s", PICK(comms));
	record->event = type->id;
	record->result = PICK(results);
	for (size_t i = 0; i < COUNT_OF(record->arguments); i++)
		record->arguments[i] = PICK(flag_values);
	if (random_below(2)) {
		record->flags |= CALL_HAS_HOW;
		record->how[0] = PICK(flag_values);
	}
	if (call.fd != CALL_NOTHING)
		add_file(record);
	add_paths(record, &call);
}

/* ---- both ---- */

struct world {
	struct containers *containers;
	struct processes *processes;
	struct decoder *decoder;
	struct slot *slot;
	uint64_t seen, matched, rejected;
};

static void world_init(struct world *world)
{
	*world = (struct world){ .containers = containers_new(), .slot = NEW(struct slot) };
	world->processes = processes_new(world->containers, "/nowhere");
	world->decoder = decoder_new(world->containers, world->processes, NULL);
}

static void world_done(struct world *world)
{
	decoder_free(world->decoder);
	processes_free(world->processes);
	containers_free(world->containers);
	free(world->slot);
}

/* False: the filter would have lost it. */
static bool try_record(struct world *world, const struct rules *rules,
	struct evaluation *evaluation, const struct bpf_insn *code, size_t count,
	const struct call_record *record)
{
	const struct rule *rule = NULL;
	struct event *event;
	bool passes, matches;

	slot_fill(world->slot, record);
	passes = interpret(code, count, world->slot);
	if (decoder_take(world->decoder, record, record->header.size, &event) != 1)
		return false;
	matches = rules_match(rules, evaluation, event, 0, &rule) != IS_FALSE;
	world->seen++;
	world->matched += matches;
	world->rejected += !passes;
	if (!passes && world->slot->busy)
		return false;
	return passes || !matches;
}

static void show(const struct call_record *record, struct text rules)
{
	printf("# event %s result %lld flags %#x mode %o comm %s parts",
		event_type_at(record->event)->name, (long long)record->result, record->flags,
		record->file.mode, record->header.comm);
	for (const char *at = (const char *)(record + 1);
		at < (const char *)record + record->header.size; at++)
		putchar(*at);
	printf("\n# lengths");
	for (int i = 0; i < CALL_PART_COUNT; i++)
		printf(" %u", record->lengths[i]);
	printf("\n# rules: " TEXT_FORMAT "\n", TEXT_PRINT(rules));
}

/* Where control may go after the instruction: at most two places. */
static size_t next_places(const struct bpf_insn *code, size_t at, size_t places[2])
{
	size_t count = 0;
	bool is_wide = code[at].code == (BPF_LD | BPF_DW | BPF_IMM);
	int kind = BPF_CLASS(code[at].code), operation = BPF_OP(code[at].code);
	bool jumps = kind == BPF_JMP && operation != BPF_CALL && operation != BPF_EXIT;

	if (kind != BPF_JMP || (operation != BPF_EXIT && operation != BPF_JA))
		places[count++] = at + 1 + is_wide;
	if (jumps)
		places[count++] = (size_t)((ptrdiff_t)at + 1 + code[at].off);
	return count;
}

static bool is_jump(const struct bpf_insn *one)
{
	return BPF_CLASS(one->code) == BPF_JMP && BPF_OP(one->code) != BPF_CALL;
}

/* As check_cfg() of kernels before 6.9 goes through a program: a loop may close by a jump alone. */
static bool falls_into_a_loop(const struct bpf_insn *code, size_t count)
{
	_cleanup_(freep) size_t *stack = NEW_ARRAY(size_t, count + 1);
	_cleanup_(freep) uint8_t *tried = NEW_ARRAY(uint8_t, count + 1);
	_cleanup_(freep) bool *is_open = NEW_ARRAY(bool, count + 1),
			      *is_seen = NEW_ARRAY(bool, count + 1);
	size_t depth = 0;

	stack[depth++] = 0;
	is_open[0] = is_seen[0] = true;
	while (depth) {
		size_t at = stack[depth - 1], places[2];

		if (tried[at] == next_places(code, at, places)) {
			is_open[at] = false;
			depth--;
			continue;
		}
		at = places[tried[at]++];
		if (is_open[at] && !is_jump(&code[stack[depth - 1]]))
			return true;
		if (is_seen[at])
			continue;
		is_open[at] = is_seen[at] = true;
		stack[depth++] = at;
	}
	return false;
}

static size_t try_rules(struct world *world, const struct rules *rules, struct text text)
{
	_cleanup_(filter_freep) struct filter *filter = filter_new(rules, FILTER_MAY);
	struct evaluation *evaluation = evaluation_new(rules);
	const struct filter_maps maps = { 1, 2 };
	struct record_memory *memory = NEW(struct record_memory);
	struct call_record *record = (struct call_record *)memory;
	size_t lost = 0;

	for (size_t t = 0; t < COUNT_OF(types); t++) {
		const struct event_type *type = event_type_find(text_of(types[t]));
		_cleanup_(freep) struct bpf_insn *code = NULL;
		size_t count;

		if (filter_program(filter, type->id, &maps, &code, &count) < 0)
			continue;
		CHECK(!falls_into_a_loop(code, count));
		for (int i = 0; i < RECORDS_A_ROUND && lost < 3; i++) {
			random_record(record, type);
			if (try_record(world, rules, evaluation, code, count, record))
				continue;
			lost++;
			show(record, text);
		}
	}
	evaluation_free(evaluation);
	free(memory);
	return lost;
}

TEST(no_record_that_a_random_rule_matches_is_rejected)
{
	struct world world;
	struct buffer text;
	size_t lost = 0;

	random_seed();
	world_init(&world);
	buffer_init(&text, 1 << 20);
	for (int i = 0; i < ROUNDS && lost < 3; i++) {
		struct rules *rules = random_rules(&text);

		lost += try_rules(&world, rules, buffer_text(&text));
		rules_free(rules);
	}
	printf("# %llu records, %llu matched, %llu rejected\n", (unsigned long long)world.seen,
		(unsigned long long)world.matched, (unsigned long long)world.rejected);
	CHECK_NUMBER((int64_t)lost, 0);
	/* A filter that lets all pass would be right, too. */
	CHECK(world.rejected * 5 > world.seen);
	CHECK(world.matched * 20 > world.seen);
	buffer_done(&text);
	world_done(&world);
}

/* What the kernel is to decide exactly: both answers are told. */
static bool passes(
	const char *condition, const char *type, const char *path, const char *walk, uint64_t flags)
{
	_cleanup_(freep) char *text = string_printf(
		"- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  condition: %s\n",
		condition);
	struct rules *rules = rules_of(text_of(text));
	_cleanup_(filter_freep) struct filter *filter = filter_new(rules, FILTER_MAY);
	const struct filter_maps maps = { 1, 2 };
	struct record_memory *memory = NEW(struct record_memory);
	struct call_record *record = (struct call_record *)memory;
	struct slot *slot = NEW(struct slot);
	struct bpf_insn *code = NULL;
	size_t count = 0;
	char *at;
	bool is_passed = true;

	record->header.kind = RECORD_CALL;
	record->event = event_type_find(text_of(type))->id;
	record->result = 3;
	record->arguments[2] = flags;
	record->flags = CALL_HAS_FILE;
	record->file.mode = S_IFREG;
	snprintf(record->header.comm, COMM_LENGTH, "cat");
	at = add((char *)(record + 1), &record->lengths[CALL_TEXT_0], path);
	at = add(at, &record->lengths[CALL_REAL_PATH], walk);
	record->header.size = (uint32_t)(at - (char *)record);
	slot_fill(slot, record);
	if (filter_program(filter, record->event, &maps, &code, &count) == 0)
		is_passed = interpret(code, count, slot);
	free(code);
	free(slot);
	free(memory);
	rules_free(rules);
	return is_passed;
}

TEST(an_uninteresting_open_is_rejected)
{
	const char *rule =
		"evt.type in (open, openat) and evt.is_open_read=true and fd.typechar=f and "
		"fd.num >= 0 and fd.name in (/etc/shadow, /etc/sudoers) and proc.aname = x";

	CHECK(!passes(rule, "openat", "/etc/hostname", "hostname/etc/", 0));
	CHECK(!passes(rule, "openat", "/etc/shadow", "shadow/etc/", 1));
	CHECK(passes(rule, "openat", "/etc/shadow", "shadow/etc/", 0));
}

TEST(a_link_to_a_watched_file_passes_by_the_real_view)
{
	const char *rule = "evt.type=openat and fd.name = /etc/shadow";

	CHECK(passes(rule, "openat", "/tmp/link", "shadow/etc/", 0));
	CHECK(passes(rule, "openat", "/etc/shadow", "file/tmp/", 0));
	CHECK(!passes(rule, "openat", "/tmp/link", "file/tmp/", 0));
}

TEST(beginnings_and_ends_are_decided_of_both_views)
{
	CHECK(!passes(
		"evt.type=openat and fd.name startswith /etc/", "openat", "/usr/x", "x/usr/", 0));
	CHECK(passes(
		"evt.type=openat and fd.name startswith /etc/", "openat", "/usr/x", "x/etc/", 0));
	CHECK(!passes(
		"evt.type=openat and fd.name startswith /boot", "openat", "/usr/x", "x/usr/", 0));
	CHECK(passes(
		"evt.type=openat and fd.name startswith /boot", "openat", "/usr/x", "x/booty/", 0));
	CHECK(!passes("evt.type=openat and fd.name endswith agent", "openat", "/a/b", "b/a/", 0));
	CHECK(passes(
		"evt.type=openat and fd.name endswith agent", "openat", "/a/b", "my_agent/a/", 0));
	CHECK(!passes("evt.type=openat and fd.nameraw contains ../", "openat", "/a/b", "b/a/", 0));
	CHECK(passes("evt.type=openat and fd.nameraw contains ../", "openat", "/a/../b", "b/", 0));
}

TEST(a_name_of_the_process_is_decided)
{
	CHECK(passes("evt.type=openat and proc.name in (cat, sh)", "openat", "/a", "a/", 0));
	CHECK(!passes("evt.type=openat and proc.name in (dog, sh)", "openat", "/a", "a/", 0));
	CHECK(!passes("evt.type=openat and not proc.name in (cat, sh)", "openat", "/a", "a/", 0));
}
