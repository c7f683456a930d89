/* SPDX-License-Identifier: Apache-2.0 */
/* The filter: an expression for each event type, and the way of their programs into the kernel. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "sensor/filter/filter.h"
#include "sensor/filter/program.h"
#include "sensor/rules/compiled.h"
#include "sensor/sources/decode.h"

#define LOG_BYTES    (1 << 20)
#define LOG_LINE_MAX 2000

_Static_assert(EVENTS_MAX == EVENT_TYPES_MAX, "the kernel has a place for every event type");

struct entry {
	bool is_filtered;
	struct program_request request;
};

struct filter {
	struct arena *arena;
	struct entry entries[EVENTS_MAX];
};

/* What state needs, or what is never filtered: see filter.h. */
static bool may_filter(const struct event_type *type, const struct event_set *needed)
{
	struct call call;

	return type->is_syscall && !event_set_has(needed, type->id) &&
	       call_of_event(type->id, &call) == 0 && call.collector != COLLECT_EXEC;
}

static void make_entry(struct filter *filter, const struct rules *rules,
	const struct event_type *type, enum filter_purpose purpose)
{
	size_t count = rules_count(rules), with = 0, without = 0;
	const struct part **with_view = ARENA_NEW(filter->arena, const struct part *, count + 1);
	const struct part **without_view = ARENA_NEW(filter->arena, const struct part *, count + 1);
	struct entry *entry = &filter->entries[type->id];
	struct decisions decisions;
	struct call call = { 0 };

	decisions_init(&decisions, rules_program(rules), type, filter->arena);
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = rules_at(rules, i);
		const struct formula *formula = rules_formula(rules, i);
		const struct part *part;

		if (!rule->is_enabled || !event_set_has(&rule->events, type->id))
			continue;
		if (!formula)
			return;
		part = part_of(&decisions, formula, purpose);
		if (part->has_view)
			with_view[with++] = part;
		else
			without_view[without++] = part;
	}
	(void)call_of_event(type->id, &call);
	entry->request = (struct program_request){ .type = type,
		.purpose = purpose,
		.has_text = call.texts[0] >= 0,
		.with_view = part_any(filter->arena, with_view, with),
		.without_view = part_any(filter->arena, without_view, without) };
	entry->is_filtered = entry->request.without_view->kind != PART_TRUE;
}

struct filter *filter_new(const struct rules *rules, enum filter_purpose purpose)
{
	struct filter *filter = NEW(struct filter);
	struct event_set wanted, needed;
	size_t count;
	const struct event_type *types = event_types(&count);

	filter->arena = arena_new(SIZE_MAX / 2);
	rules_events(rules, &wanted);
	rules_needed_events(rules, &needed);
	for (size_t i = 0; i < count; i++)
		if (event_set_has(&wanted, types[i].id) && may_filter(&types[i], &needed))
			make_entry(filter, rules, &types[i], purpose);
	return filter;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	arena_free(filter->arena);
	free(filter);
}

bool filter_has(const struct filter *filter, unsigned event)
{
	return event < EVENTS_MAX && filter->entries[event].is_filtered;
}

int filter_program(const struct filter *filter, unsigned event, const struct filter_maps *maps,
	struct bpf_insn **ret_code, size_t *ret_count)
{
	struct program_request request;

	if (!filter_has(filter, event))
		return -ENOENT;
	request = filter->entries[event].request;
	request.maps = *maps;
	return program_write(&request, ret_code, ret_count);
}

/* ---- into the kernel ---- */

/* Why the kernel refuses a program: for who debugs it. The verifier says it at its log's end. */
static void explain(int type, const char *license, const struct bpf_insn *code, size_t count,
	struct bpf_prog_load_opts *options)
{
	_cleanup_(freep) char *log = NULL;
	size_t length;
	int fd;

	if (!log_writes(LOG_LEVEL_DEBUG))
		return;
	log = NEW_ARRAY(char, LOG_BYTES);
	options->log_buf = log;
	options->log_size = LOG_BYTES;
	options->log_level = 1;
	fd = bpf_prog_load(
		(enum bpf_prog_type)type, "tercel_filter", license, code, count, options);
	if (fd >= 0)
		close(fd);
	length = strnlen(log, LOG_BYTES);
	log_debug("filter: %s", log + (length > LOG_LINE_MAX ? length - LOG_LINE_MAX : 0));
}

/*
 * Without a log: to write one takes the verifier several times as long, and a log that is longer
 * than its buffer is a reason to refuse the program.
 */
static int load(const struct filter_target *target, const struct bpf_insn *code, size_t count)
{
	static const char license[] = "Dual BSD/GPL";
	LIBBPF_OPTS(bpf_prog_load_opts, options);
	int fd;

	options.expected_attach_type = (enum bpf_attach_type)target->attach_type;
	options.attach_btf_id = (__u32)target->attach_btf_id;
	fd = bpf_prog_load((enum bpf_prog_type)target->program_type, "tercel_filter", license, code,
		count, &options);
	if (fd < 0)
		explain(target->program_type, license, code, count, &options);
	return fd;
}

/* Everything of the event type passes from now on. */
static void take_away(const struct filter_target *target, uint32_t event)
{
	__atomic_store_n(&target->filtered[event], 0, __ATOMIC_SEQ_CST);
	(void)bpf_map_delete_elem(target->filters, &event);
}

static int put(const struct filter *filter, const struct filter_target *target, uint32_t event)
{
	_cleanup_(freep) struct bpf_insn *code = NULL;
	size_t count = 0;
	int fd, r = filter_program(filter, event, &target->maps, &code, &count);

	if (r < 0)
		return r;
	fd = load(target, code, count);
	if (fd < 0)
		return fd;
	r = bpf_map_update_elem(target->filters, &event, &fd, BPF_ANY);
	close(fd);
	if (r < 0)
		return -errno;
	__atomic_store_n(&target->filtered[event], 1, __ATOMIC_SEQ_CST);
	return 0;
}

int filter_install(const struct filter *filter, const struct filter_target *target,
	size_t *ret_refused, struct error *err)
{
	size_t count, refused = 0;
	const struct event_type *types = event_types(&count);

	for (size_t i = 0; i < count; i++) {
		int r = filter ? put(filter, target, types[i].id) : -ENOENT;

		if (r == 0)
			continue;
		take_away(target, types[i].id);
		if (r == -ENOENT)
			continue;
		refused++;
		(void)error_set(err, r, "the filter of %s: %s; all of them come to the rules",
			types[i].name, strerror(-r));
	}
	if (ret_refused)
		*ret_refused = refused;
	return 0;
}
