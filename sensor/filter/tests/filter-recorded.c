/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter over a recorded stream: whatever record a rule matches, its program must let pass.
 *
 *	filter-recorded RECORDING RULES …
 *
 * With the rules of the files, and then with random ones whose values are those that the stream
 * itself has. Prints what it saw, a line each; exit status 1 when a record would have been lost.
 */
#include <errno.h>

#include "base/json.h"
#include "base/memory.h"
#include "sensor/fields/field.h"
#include "sensor/filter/filter.h"
#include "sensor/filter/tests/interpreter.h"
#include "sensor/rules/rules.h"
#include "sensor/sources/recording.h"
#include "sensor/tests/random.h"

#define ROUNDS	      100
#define RULES_A_ROUND 2
#define VALUES_MAX    512
#define VALUE_LENGTH  120

/* ---- what the stream has ---- */

static const char *const asked[] = { "evt.type", "fd.name", "fd.nameraw", "fd.directory",
	"fd.filename", "fd.typechar", "fd.num", "proc.name", "evt.res", "evt.rawres",
	"evt.arg.flags", "evt.arg.path", "evt.arg.name", "evt.is_open_write", "user.uid",
	"fd.sport", "fd.l4proto", "evt.arg.res" };
#define ASKED COUNT_OF(asked)

struct values {
	char *items[ASKED][VALUES_MAX];
	size_t counts[ASKED];
};

/* Every event has a chance to stay, so that the whole stream is in it. */
static void add_value(struct values *values, size_t field, struct text text)
{
	size_t at = values->counts[field];

	if (text.length > VALUE_LENGTH || text_is(text, "<NA>"))
		return;
	if (at == VALUES_MAX) {
		at = random_below(VALUES_MAX);
		free(values->items[field][at]);
	} else {
		values->counts[field]++;
	}
	values->items[field][at] = text_to_string(text);
}

static void take_values(struct values *values, const struct event *event)
{
	struct buffer text;

	buffer_init(&text, 65536);
	for (size_t i = 0; i < ASKED; i++) {
		struct field_use use = {};

		if (field_resolve(text_of(asked[i]), NULL, &use, NULL) < 0)
			continue;
		buffer_clear(&text);
		field_print(event, &use, &text);
		add_value(values, i, buffer_text(&text));
		field_use_done(&use);
	}
	buffer_done(&text);
}

static void values_done(struct values *values)
{
	for (size_t i = 0; i < ASKED; i++)
		for (size_t j = 0; j < values->counts[i]; j++)
			free(values->items[i][j]);
}

/* ---- random rules ---- */

static bool is_number(const char *field)
{
	return !strcmp(field, "fd.num") || !strcmp(field, "evt.rawres") ||
	       !strcmp(field, "user.uid") || !strcmp(field, "fd.sport");
}

/* In quotes, with escapes; sometimes only a part of it. */
static void add_constant(struct buffer *out, const char *value)
{
	size_t length = strlen(value);
	size_t from = random_below(3) ? 0 : random_below((uint32_t)length + 1);

	buffer_add_char(out, '"');
	for (const char *c = value + from; *c; c++) {
		if (*c == '"' || *c == '\\')
			buffer_add_char(out, '\\');
		if ((unsigned char)*c >= ' ')
			buffer_add_char(out, *c);
	}
	buffer_add_char(out, '"');
}

static void add_check(struct buffer *out, const struct values *values)
{
	static const char *const words[] = { "=", "!=", "contains", "startswith", "endswith",
		"glob", "in", "pmatch" };
	static const char *const numbers[] = { "=", "!=", "<", ">=", "in" };
	size_t field = random_below(ASKED);
	bool is_count, is_list;
	const char *op;

	if (!values->counts[field])
		field = 0;
	is_count = is_number(asked[field]);
	op = is_count ? numbers[random_below(COUNT_OF(numbers))]
		      : words[random_below(COUNT_OF(words))];
	if (!strcmp(asked[field], "evt.type") || !strcmp(asked[field], "evt.is_open_write"))
		op = random_below(3) ? "=" : "!=";
	is_list = !strcmp(op, "in") || !strcmp(op, "pmatch");
	buffer_printf(out, "%s%s %s %s", random_below(6) ? "" : "not ", asked[field], op,
		is_list ? "(" : "");
	for (uint32_t n = is_list ? 1 + random_below(4) : 1; n > 0; n--) {
		const char *value =
			values->items[field][random_below((uint32_t)values->counts[field])];

		if (is_count || !strncmp(asked[field], "evt.type", 8) ||
			!strcmp(asked[field], "evt.is_open_write"))
			buffer_add_string(out, value);
		else
			add_constant(out, value);
		buffer_add_string(out, n > 1 ? ", " : "");
	}
	buffer_add_string(out, is_list ? ")" : "");
}

static void add_condition(struct buffer *out, const struct values *values, int depth)
{
	uint32_t count = 2 + random_below(2);
	const char *joint = random_below(4) ? " and " : " or ";

	if (depth == 0 || !random_below(3)) {
		add_check(out, values);
		return;
	}
	buffer_add_string(out, random_below(8) ? "(" : "not (");
	for (uint32_t i = 0; i < count; i++) {
		buffer_add_string(out, i ? joint : "");
		add_condition(out, values, depth - 1);
	}
	buffer_add_string(out, ")");
}

/* As YAML, which JSON is. */
static void write_rules(struct buffer *out, const struct values *values)
{
	for (int i = 0; i < RULES_A_ROUND; i++) {
		struct json_writer json;
		struct buffer condition;

		buffer_init(&condition, 65536);
		buffer_printf(&condition, "evt.type = %s and ",
			values->items[0][random_below((uint32_t)values->counts[0])]);
		add_condition(&condition, values, 2);
		buffer_printf(
			out, "- {rule: r%d, desc: d, output: o, priority: INFO, condition: ", i);
		json_writer_init(&json, out);
		json_add_text(&json, buffer_text(&condition));
		buffer_add_string(out, "}\n");
		buffer_done(&condition);
	}
}

/* ---- one run ---- */

struct numbers {
	uint64_t calls, matched, rejected, lost;
};

/* The programs of all event types; no code: every record passes. */
struct programs {
	struct bpf_insn *code[EVENT_TYPES_MAX];
	size_t counts[EVENT_TYPES_MAX];
};

static struct programs *programs_new(const struct rules *rules)
{
	_cleanup_(filter_freep) struct filter *filter = filter_new(rules, FILTER_MAY);
	struct programs *programs = NEW(struct programs);
	const struct filter_maps maps = { 1, 2 };
	size_t count;

	event_types(&count);
	for (unsigned i = 0; i < count; i++)
		if (filter_program(filter, i, &maps, &programs->code[i], &programs->counts[i]) < 0)
			programs->code[i] = NULL;
	return programs;
}

static void programs_free(struct programs *programs)
{
	for (size_t i = 0; i < EVENT_TYPES_MAX; i++)
		free(programs->code[i]);
	free(programs);
}

/* Ids that rules can match an event by; a call that no rule names is not collected at all. */
static void try_event(const struct rules *rules, struct evaluation *evaluation,
	const struct programs *programs, struct slot *slot, struct event *event,
	const struct call_record *record, struct numbers *numbers)
{
	const struct rule *rule = NULL;
	bool passes = true, matches;

	if (programs->code[record->event]) {
		slot_fill(slot, record);
		passes = interpret(
			programs->code[record->event], programs->counts[record->event], slot);
	}
	matches = rules_match(rules, evaluation, event, 0, &rule) != IS_FALSE;
	numbers->calls++;
	numbers->matched += matches;
	numbers->rejected += !passes;
	if (passes || !matches)
		return;
	numbers->lost++;
	printf("LOST: %s of %.16s for rule \"%s\": " TEXT_FORMAT "\n", event->type->name,
		record->header.comm, rule ? rule->name : "", TEXT_PRINT(event->fd.name));
}

static int run(const char *path, const struct rules *rules, struct values *values,
	struct numbers *ret_numbers, struct error *err)
{
	struct evaluation *evaluation = evaluation_new(rules);
	struct programs *programs = programs_new(rules);
	struct slot *slot = NEW(struct slot);
	struct source *source = NULL;
	struct event_set all;
	struct event *event;
	int r = record_source_new(path, &source, err);

	memset(&all, 0xff, sizeof(all));
	*ret_numbers = (struct numbers){ 0 };
	if (r >= 0)
		r = source->operations->want(source, &all, err);
	while (r >= 0 && (r = source->operations->next(source, 0, &event, err)) == 1) {
		const struct call_record *record = record_source_record(source);

		if (values)
			take_values(values, event);
		if (record->header.kind == RECORD_CALL)
			try_event(rules, evaluation, programs, slot, event, record, ret_numbers);
	}
	if (source)
		source->operations->free(source);
	free(slot);
	programs_free(programs);
	evaluation_free(evaluation);
	return r == -ECANCELED ? 0 : r;
}

static void say(const char *what, const struct numbers *numbers)
{
	printf("%s: %llu calls, %llu matched, %llu rejected, %llu lost\n", what,
		(unsigned long long)numbers->calls, (unsigned long long)numbers->matched,
		(unsigned long long)numbers->rejected, (unsigned long long)numbers->lost);
}

static int load(struct rules_loader *loader, struct load_result *result, struct rules **ret_rules,
	struct error *err)
{
	int r = result->error_count ? error_set(err, -EINVAL, "%s", result->errors[0].message)
				    : rules_compile(loader, ret_rules, err);

	load_result_free(result);
	return r;
}

/* The rules of all files together. */
static int load_files(int count, char **paths, struct rules_loader *loader,
	struct rules **ret_rules, struct error *err)
{
	int r = 0;

	for (int i = 0; i < count && r >= 0; i++) {
		struct load_result *result = NULL;

		rules_free(TAKE(*ret_rules));
		r = rules_loader_add_file(loader, paths[i], &result, err);
		if (r >= 0)
			r = load(loader, result, ret_rules, err);
	}
	return r;
}

static int try_random(
	const char *path, const struct values *values, struct numbers *sum, struct error *err)
{
	const struct rules_options options = { .minimum_priority = PRIORITY_DEBUG,
		.matches_all = true };
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&options);
	_cleanup_(rules_freep) struct rules *rules = NULL;
	struct numbers numbers;
	struct buffer text;
	int r;

	buffer_init(&text, 1 << 20);
	write_rules(&text, values);
	r = load(loader, rules_loader_add(loader, "random.yaml", buffer_text(&text)), &rules, err);
	if (r >= 0)
		r = run(path, rules, NULL, &numbers, err);
	if (r >= 0) {
		sum->calls += numbers.calls;
		sum->matched += numbers.matched;
		sum->rejected += numbers.rejected;
		sum->lost += numbers.lost;
	}
	if (r < 0 || numbers.lost)
		printf("rules:\n" TEXT_FORMAT, TEXT_PRINT(buffer_text(&text)));
	buffer_done(&text);
	return r;
}

int main(int argc, char **argv)
{
	const struct rules_options options = { .minimum_priority = PRIORITY_DEBUG,
		.matches_all = true };
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&options);
	_cleanup_(rules_freep) struct rules *rules = NULL;
	struct values *values = NEW(struct values);
	struct numbers numbers = { 0 }, random = { 0 };
	struct error err = { 0 };
	int r;

	if (argc < 3)
		return 2;
	r = load_files(argc - 2, argv + 2, loader, &rules, &err);
	if (r >= 0)
		r = run(argv[1], rules, values, &numbers, &err);
	if (r >= 0)
		say("rules", &numbers);
	for (int i = 0; r >= 0 && i < ROUNDS && !random.lost; i++)
		r = try_random(argv[1], values, &random, &err);
	if (r >= 0)
		say("random", &random);
	else
		fprintf(stderr, "%s\n", err.message);
	values_done(values);
	free(values);
	return r < 0 || numbers.lost || random.lost;
}
