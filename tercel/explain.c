/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel explain: what a rule compiles to. Facts are gathered into a struct first, with a
 * recording also how often each test was asked and true; then they are written as text or JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/json.h"
#include "base/memory.h"
#include "sensor/filter/filter.h"
#include "sensor/rules/analysis.h"
#include "sensor/rules/compiled.h"
#include "sensor/rules/definitions.h"
#include "sensor/rules/machine.h"
#include "tercel/command.h"
#include "tercel/rules.h"

#define REPORT_MAX ((size_t)64 << 20)
#define NAMES_MAX  12

/* Event types for which the rule is the same chain. */
struct variant {
	uint32_t chain;
	size_t before; /* at most so many rules are asked before it */
	struct event_set events;
	size_t event_count;
	uint32_t *places; /* of its instructions, in the order in which they are asked */
	size_t length;
};

/* What a recording told of an instruction. */
struct step_count {
	uint64_t asked, yes;
};

struct named_field {
	struct text name;
	const struct field *field;
	bool is_in_condition, is_in_output;
};

struct explanation {
	const struct rules *rules;
	const struct program *program;
	const struct rule *rule;
	const struct rule_definition *definition;
	struct variant *variants;
	size_t variant_count, variant_capacity;
	struct named_field *fields;
	size_t field_count, field_capacity;
	bool into_output;	   /* where fields come from that are visited now */
	const char *recording;	   /* NULL: none */
	struct step_count *counts; /* by instruction */
	uint64_t events_seen, events_of_types, matches;
	const struct additions *additions;
	struct event_set transfers; /* of its types those that only move data */
	uint64_t transfers_seen;
	struct event_set needed; /* what its fields need besides its own types */
};

/* Only a rule about particular types switches on the calls that only move data. */
static bool names_few_types(const struct explanation *explanation)
{
	return event_set_count(&explanation->rule->events) <= EVENT_TYPES_MANY;
}

/* ---- gathering ---- */

static struct variant *variant_of(struct explanation *explanation, uint32_t chain)
{
	struct variant *variant;

	for (size_t i = 0; i < explanation->variant_count; i++)
		if (explanation->variants[i].chain == chain)
			return &explanation->variants[i];
	variant = ARRAY_ADD(
		explanation->variants, explanation->variant_count, explanation->variant_capacity);
	*variant = (struct variant){ .chain = chain };
	return variant;
}

/* The instructions that can be reached, from the first on: each only goes on to earlier places. */
static void list_steps(const struct program *program, struct variant *variant)
{
	_cleanup_(freep) bool *is_reached = NEW_ARRAY(bool, program->code_count);

	variant->places = NEW_ARRAY(uint32_t, program_chain_length(program, variant->chain) + 1);
	is_reached[variant->chain] = true;
	for (uint32_t at = variant->chain; at >= CHAIN_FIRST; at--) {
		if (!is_reached[at])
			continue;
		variant->places[variant->length++] = at;
		is_reached[program->code[at].if_true] = true;
		is_reached[program->code[at].if_false] = true;
	}
}

static void gather_variants(struct explanation *explanation)
{
	size_t count;
	const struct event_type *types = event_types(&count);

	for (size_t i = 0; i < count; i++) {
		size_t before = 0;
		uint32_t chain = rules_chain(
			explanation->rules, explanation->rule->index, types[i].id, &before);
		struct variant *variant;

		if (chain == CHAIN_FALSE)
			continue;
		variant = variant_of(explanation, chain);
		event_set_add(&variant->events, types[i].id);
		variant->event_count++;
		variant->before = MAX_OF(variant->before, before);
	}
	for (size_t i = 0; i < explanation->variant_count; i++)
		list_steps(explanation->program, &explanation->variants[i]);
}

static void add_field(void *context, const struct field_use *use)
{
	struct explanation *explanation = context;
	struct named_field *field = NULL;

	for (size_t i = 0; i < explanation->field_count; i++)
		if (text_equal(explanation->fields[i].name, use->name))
			field = &explanation->fields[i];
	if (!field) {
		field = ARRAY_ADD(
			explanation->fields, explanation->field_count, explanation->field_capacity);
		*field = (struct named_field){ .name = use->name, .field = use->field };
	}
	field->is_in_condition |= !explanation->into_output;
	field->is_in_output |= explanation->into_output;
}

static void gather_fields(struct explanation *explanation)
{
	const struct program *program = explanation->program;
	const struct format *format = rules_format(explanation->rules, explanation->rule->index);

	for (size_t i = 0; i < explanation->variant_count; i++)
		for (size_t j = 0; j < explanation->variants[i].length; j++) {
			uint32_t at = explanation->variants[i].places[j];
			const struct test *test = &program->tests[program->code[at].test];

			readings_visit_fields(
				&program->readings, test->left, add_field, explanation);
			if (test->right_reading >= 0)
				readings_visit_fields(&program->readings,
					(unsigned)test->right_reading, add_field, explanation);
		}
	explanation->into_output = true;
	for (size_t i = 0; i < format_field_count(format); i++)
		add_field(explanation, format_field(format, i));
}

/* Calls that Falco leaves off by default, and that are the most by far on most hosts. */
static void gather_transfers(struct explanation *explanation)
{
	size_t count;
	const char *const *names = transfer_calls(&count);

	for (size_t i = 0; i < count; i++) {
		const struct event_type *type = event_type_find(text_of(names[i]));

		if (type && event_set_has(&explanation->rule->events, type->id))
			event_set_add(&explanation->transfers, type->id);
	}
}

static void gather_needs(struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->field_count; i++) {
		const char *needs = explanation->fields[i].field->needs;
		struct text rest = text_of(needs ? needs : ""), name;

		while (rest.length && text_split(&rest, ' ', &name)) {
			const struct event_type *type = event_type_find(name);

			if (type && !event_set_has(&explanation->rule->events, type->id))
				event_set_add(&explanation->needed, type->id);
		}
	}
}

/* ---- a recording ---- */

/* Walks the chain once, as the machine does, and counts. Nothing waits in a recording. */
static bool count_view(struct explanation *explanation, struct answers *answers,
	const struct event *event, uint32_t chain)
{
	const struct instruction *code = explanation->program->code;
	uint32_t at = chain;

	while (at >= CHAIN_FIRST) {
		enum truth truth = test_answer(answers, event, code[at].test);

		explanation->counts[at].asked++;
		explanation->counts[at].yes += truth == IS_TRUE;
		at = truth == IS_TRUE ? code[at].if_true : code[at].if_false;
	}
	return at == CHAIN_TRUE;
}

static bool has_real_view(const struct event *event)
{
	event_name_fd(event);
	return event->fd.real_name.data && !text_equal(event->fd.real_name, event->fd.name);
}

static void count_event(
	struct explanation *explanation, struct answers *answers, struct event *event)
{
	size_t before;
	uint32_t chain =
		rules_chain(explanation->rules, explanation->rule->index, event->type->id, &before);
	bool matches;

	event->statics = explanation->additions->statics;
	event->static_count = explanation->additions->static_count;
	explanation->events_seen++;
	explanation->transfers_seen += event_set_has(&explanation->transfers, event->type->id);
	if (chain == CHAIN_FALSE)
		return;
	explanation->events_of_types++;
	answers_clear(answers);
	event->view = VIEW_LEXICAL;
	matches = count_view(explanation, answers, event, chain);
	if (!matches && has_real_view(event)) {
		event->view = VIEW_REAL;
		matches = count_view(explanation, answers, event, chain);
	}
	explanation->matches += matches;
}

static int count_recording(struct explanation *explanation, struct error *err)
{
	_cleanup_(answers_freep) struct answers *answers = answers_new(explanation->program);
	struct source *source = NULL;
	struct event *event;
	int r = open_recording(explanation->recording, explanation->rules, &source, err);

	while (r >= 0) {
		r = source->operations->next(source, 0, &event, err);
		if (r == 1)
			count_event(explanation, answers, event);
	}
	if (source)
		source->operations->free(source);
	return r == -ECANCELED ? 0 : r;
}

/* ---- as text ---- */

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void write_event_names(const struct event_set *set, size_t limit, struct buffer *out)
{
	size_t count, written = 0, all = event_set_count(set);
	const struct event_type *types = event_types(&count);

	for (size_t i = 0; i < count && written < limit; i++)
		if (event_set_has(set, types[i].id))
			buffer_printf(out, "%s%s", written++ ? ", " : "", types[i].name);
	if (all > written)
		buffer_printf(out, " and %zu more", all - written);
}

static unsigned first_event(const struct event_set *set)
{
	unsigned event = 0;

	while (event < EVENT_TYPES_MAX - 1 && !event_set_has(set, event))
		event++;
	return event;
}

/* What the kernel makes of a test, for people and for programs. */
static const char *const share_names[] = {
	[SHARE_NOTHING] = "; left to user space",
	[SHARE_SURELY_NOT] = "; the kernel can say no",
	[SHARE_BOTH] = "; decided in the kernel",
};
static const char *const share_keys[] = {
	[SHARE_NOTHING] = "nothing",
	[SHARE_SURELY_NOT] = "no",
	[SHARE_BOTH] = "both",
};

static enum filter_share share_of(
	const struct explanation *explanation, const struct variant *variant, uint32_t at)
{
	return filter_share(explanation->rules, explanation->program->code[at].test,
		first_event(&variant->events));
}

static void write_goal(const struct variant *variant, uint32_t to, struct buffer *out)
{
	if (to == CHAIN_TRUE) {
		buffer_add_string(out, "alert");
		return;
	}
	if (to == CHAIN_FALSE) {
		buffer_add_string(out, "no match");
		return;
	}
	for (size_t i = 0; i < variant->length; i++)
		if (variant->places[i] == to)
			buffer_printf(out, "%zu", i + 1);
}

static void write_step(const struct explanation *explanation, const struct variant *variant,
	size_t number, struct buffer *out)
{
	uint32_t at = variant->places[number];
	const struct instruction *one = &explanation->program->code[at];
	const struct test *test = &explanation->program->tests[one->test];

	buffer_printf(out, "  %3zu  %s\n       yes: ", number + 1, test->text);
	write_goal(variant, one->if_true, out);
	buffer_add_string(out, ", no: ");
	write_goal(variant, one->if_false, out);
	buffer_add_string(out, share_names[share_of(explanation, variant, at)]);
	if (test->uses > 1)
		buffer_printf(out, "; asked once for %u checks of all rules", test->uses);
	if (test->may_wait)
		buffer_add_string(out, "; can wait for a runtime's metadata");
	if (test->has_views)
		buffer_add_string(out, "; of both views of a path");
	if (explanation->recording) {
		const struct step_count *count = &explanation->counts[at];

		buffer_printf(out, "; asked %llu times, yes %.2f %%",
			(unsigned long long)count->asked, percent(count->yes, count->asked));
	}
	buffer_add_char(out, '\n');
}

/* The lifecycle and what fields need is never filtered. */
static const char *why_unfiltered(const struct explanation *explanation, unsigned event)
{
	const struct event_type *type = event_type_at(event);
	struct event_set needed;

	rules_needed_events(explanation->rules, &needed);
	if (!type->is_syscall || event == EVENT_execve || event == EVENT_execveat)
		return "all of them come to the rules, as all of the lifecycle does";
	if (event_set_has(&needed, event))
		return "all of them come to the rules, for a field needs them to stay true";
	return NULL;
}

static void write_kernel_part(
	const struct explanation *explanation, const struct variant *variant, struct buffer *out)
{
	unsigned event = first_event(&variant->events);
	const char *why = why_unfiltered(explanation, event);
	struct buffer part;

	buffer_init(&part, REPORT_MAX);
	filter_print(explanation->rules, explanation->rule->index, event, &part);
	buffer_add_string(out, "  in the kernel: ");
	if (why)
		buffer_add_string(out, why);
	else if (!part.length)
		buffer_add_string(
			out, "nothing; because of this rule all of them come to the rules");
	else
		buffer_printf(out, "passes when " TEXT_FORMAT, TEXT_PRINT(buffer_text(&part)));
	buffer_add_char(out, '\n');
	buffer_done(&part);
}

static void write_variant(
	const struct explanation *explanation, const struct variant *variant, struct buffer *out)
{
	buffer_printf(out, "\ntests, in their order, for ");
	write_event_names(&variant->events, NAMES_MAX, out);
	buffer_printf(out, " (at most %zu rules are asked before it):\n", variant->before);
	if (!variant->length)
		buffer_add_string(out, "  none: every such event alerts\n");
	write_kernel_part(explanation, variant, out);
	for (size_t i = 0; i < variant->length; i++)
		write_step(explanation, variant, i, out);
}

static void write_field(const struct named_field *field, struct buffer *out)
{
	buffer_printf(out, "  " TEXT_FORMAT ":%s%s%s", TEXT_PRINT(field->name),
		field->is_in_condition ? " decides" : "",
		field->is_in_condition && field->is_in_output ? "," : "",
		field->is_in_output ? " is printed" : "");
	if (field->field->flags & FIELD_METADATA)
		buffer_add_string(out, "; can wait for what is still being read about a container");
	if (field->field->flags & FIELD_PATH_VIEW)
		buffer_add_string(out, "; differs between the two views of a path");
	if (field->field->needs)
		buffer_printf(out, "; needs the events %s", field->field->needs);
	if (!field->field->read)
		buffer_add_string(out, "; has no values yet");
	buffer_add_char(out, '\n');
}

static void write_recording(const struct explanation *explanation, struct buffer *out)
{
	buffer_printf(out,
		"\nin %s: %llu events, %llu of its types (%.2f %%), %llu match (%.4f %% of these)\n",
		explanation->recording, (unsigned long long)explanation->events_seen,
		(unsigned long long)explanation->events_of_types,
		percent(explanation->events_of_types, explanation->events_seen),
		(unsigned long long)explanation->matches,
		percent(explanation->matches, explanation->events_of_types));
}

static void write_cost(const struct explanation *explanation, struct buffer *out)
{
	if (event_set_count(&explanation->needed)) {
		buffer_add_string(out, "  its fields need these events besides: ");
		write_event_names(&explanation->needed, SIZE_MAX, out);
		buffer_add_char(out, '\n');
	}
	if (!event_set_count(&explanation->transfers))
		return;
	buffer_add_string(out, "  cost: ");
	write_event_names(&explanation->transfers, SIZE_MAX, out);
	buffer_add_string(
		out, explanation->rule->is_enabled && names_few_types(explanation)
			     ? " only move data and are most of what a host does; this rule "
			       "switches them on (Falco leaves them off by default)\n"
			     : " only move data; this rule could see them, but leaves them "
			       "off: name them in evt.type to switch them on\n");
	if (explanation->recording)
		buffer_printf(out, "  they are %llu of the recording's %llu events (%.2f %%)\n",
			(unsigned long long)explanation->transfers_seen,
			(unsigned long long)explanation->events_seen,
			percent(explanation->transfers_seen, explanation->events_seen));
}

static void write_text(const struct explanation *explanation, struct buffer *out)
{
	const struct rule *rule = explanation->rule;
	const struct place *place = explanation->definition->place;

	buffer_printf(out,
		"%s\n  " TEXT_FORMAT "\n  " TEXT_FORMAT ":%zu; source %s, priority %s, %s\n",
		rule->name, TEXT_PRINT(text_trim(text_of(rule->description))),
		TEXT_PRINT(place->file), place->line + 1, rule->source,
		priority_name(rule->priority),
		rule->is_enabled ? "enabled" : "disabled: it is never asked");
	buffer_printf(out, "  number %u of %zu in the order of evaluation\n", rule->index + 1,
		rules_count(explanation->rules));
	buffer_printf(out, "\ncondition, with macros and lists written out:\n  " TEXT_FORMAT "\n",
		TEXT_PRINT(explanation->definition->details.compiled));
	buffer_printf(out, "\nevent types (%zu): ", event_set_count(&rule->events));
	write_event_names(&rule->events, SIZE_MAX, out);
	buffer_add_char(out, '\n');
	write_cost(explanation, out);
	for (size_t i = 0; i < explanation->variant_count; i++)
		write_variant(explanation, &explanation->variants[i], out);
	buffer_add_string(out, "\nfields:\n");
	for (size_t i = 0; i < explanation->field_count; i++)
		write_field(&explanation->fields[i], out);
	if (explanation->recording)
		write_recording(explanation, out);
}

/* ---- as JSON ---- */

static void json_events(struct json_writer *json, const struct event_set *set)
{
	size_t count;
	const struct event_type *types = event_types(&count);

	json_begin_array(json);
	for (size_t i = 0; i < count; i++)
		if (event_set_has(set, types[i].id))
			json_add_string(json, types[i].name);
	json_end(json);
}

/* The number of a test, or true and false for the ends. */
static void json_goal(
	struct json_writer *json, const char *key, const struct variant *variant, uint32_t to)
{
	json_key(json, key);
	if (to < CHAIN_FIRST) {
		json_add_bool(json, to == CHAIN_TRUE);
		return;
	}
	for (size_t i = 0; i < variant->length; i++)
		if (variant->places[i] == to)
			json_add_u64(json, i + 1);
}

static void json_number(struct json_writer *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_add_u64(json, number);
}

static void json_flag(struct json_writer *json, const char *key, bool flag)
{
	json_key(json, key);
	json_add_bool(json, flag);
}

static void json_step(struct json_writer *json, const struct explanation *explanation,
	const struct variant *variant, size_t number)
{
	uint32_t at = variant->places[number];
	const struct instruction *one = &explanation->program->code[at];
	const struct test *test = &explanation->program->tests[one->test];

	json_begin_object(json);
	json_key(json, "test");
	json_add_string(json, test->text);
	json_goal(json, "yes", variant, one->if_true);
	json_goal(json, "no", variant, one->if_false);
	json_key(json, "kernel");
	json_add_string(json, share_keys[share_of(explanation, variant, at)]);
	json_number(json, "uses", test->uses);
	json_flag(json, "waits", test->may_wait);
	json_flag(json, "views", test->has_views);
	if (explanation->recording) {
		json_number(json, "asked", explanation->counts[at].asked);
		json_number(json, "true", explanation->counts[at].yes);
	}
	json_end(json);
}

/* The condition that the kernel decides; null when all of these events pass. */
static void json_kernel_part(struct json_writer *json, const struct explanation *explanation,
	const struct variant *variant)
{
	unsigned event = first_event(&variant->events);
	struct buffer part;

	buffer_init(&part, REPORT_MAX);
	if (!why_unfiltered(explanation, event))
		filter_print(explanation->rules, explanation->rule->index, event, &part);
	json_key(json, "kernel");
	json_add_string(json, part.length ? part.data : NULL);
	buffer_done(&part);
}

static void json_variant(struct json_writer *json, const struct explanation *explanation,
	const struct variant *variant)
{
	json_begin_object(json);
	json_key(json, "events");
	json_events(json, &variant->events);
	json_number(json, "rules_before", variant->before);
	json_kernel_part(json, explanation, variant);
	json_key(json, "tests");
	json_begin_array(json);
	for (size_t i = 0; i < variant->length; i++)
		json_step(json, explanation, variant, i);
	json_end(json);
	json_end(json);
}

static void json_field(struct json_writer *json, const struct named_field *field)
{
	json_begin_object(json);
	json_key(json, "name");
	json_add_text(json, field->name);
	json_flag(json, "condition", field->is_in_condition);
	json_flag(json, "output", field->is_in_output);
	json_flag(json, "waits", field->field->flags & FIELD_METADATA);
	json_flag(json, "views", field->field->flags & FIELD_PATH_VIEW);
	json_key(json, "needs");
	json_add_string(json, field->field->needs);
	json_end(json);
}

static void json_head(struct json_writer *json, const struct explanation *explanation)
{
	const struct rule *rule = explanation->rule;
	const struct place *place = explanation->definition->place;

	json_key(json, "rule");
	json_add_string(json, rule->name);
	json_key(json, "file");
	json_add_text(json, place->file);
	json_number(json, "line", place->line + 1);
	json_key(json, "source");
	json_add_string(json, rule->source);
	json_key(json, "priority");
	json_add_string(json, priority_name(rule->priority));
	json_flag(json, "enabled", rule->is_enabled);
	json_number(json, "position", rule->index + 1);
	json_number(json, "rules", rules_count(explanation->rules));
	json_key(json, "condition");
	json_add_text(json, explanation->definition->details.compiled);
	json_key(json, "events");
	json_events(json, &rule->events);
	json_key(json, "needed_events");
	json_events(json, &explanation->needed);
	json_key(json, "transfers");
	json_events(json, &explanation->transfers);
	json_flag(json, "switches_transfers_on",
		event_set_count(&explanation->transfers) && rule->is_enabled &&
			names_few_types(explanation));
}

static void write_json(const struct explanation *explanation, struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_head(&json, explanation);
	json_key(&json, "chains");
	json_begin_array(&json);
	for (size_t i = 0; i < explanation->variant_count; i++)
		json_variant(&json, explanation, &explanation->variants[i]);
	json_end(&json);
	json_key(&json, "fields");
	json_begin_array(&json);
	for (size_t i = 0; i < explanation->field_count; i++)
		json_field(&json, &explanation->fields[i]);
	json_end(&json);
	if (explanation->recording) {
		json_key(&json, "recording");
		json_begin_object(&json);
		json_key(&json, "file");
		json_add_string(&json, explanation->recording);
		json_number(&json, "events", explanation->events_seen);
		json_number(&json, "events_of_types", explanation->events_of_types);
		json_number(&json, "matches", explanation->matches);
		json_number(&json, "transfers", explanation->transfers_seen);
		json_end(&json);
	}
	json_end(&json);
	buffer_add_char(out, '\n');
}

/* ---- the command ---- */

static int find_rule(const struct rules *rules, const char *name, const struct rule **ret_rule,
	struct error *err)
{
	size_t count = rules_count(rules);
	_cleanup_(freep) const char **names = NEW_ARRAY(const char *, count + 1);
	const char *nearest;

	for (size_t i = 0; i < count; i++) {
		names[i] = rules_at(rules, i)->name;
		if (strcmp(names[i], name))
			continue;
		*ret_rule = rules_at(rules, i);
		return 0;
	}
	nearest = text_nearest(text_of(name), names, count);
	return error_set(err, -ENOENT, "there is no rule \"%s\"%s%s%s", name,
		nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static void explanation_done(struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->variant_count; i++)
		free(explanation->variants[i].places);
	free(explanation->variants);
	free(explanation->fields);
	free(explanation->counts);
}

static int explain(const char *name, const struct text_list *paths,
	const struct additions *additions, const char *recording, bool as_json, struct error *err)
{
	_cleanup_(explanation_done) struct explanation explanation = { .recording = recording,
		.additions = additions };
	_cleanup_(rules_loader_freep) struct rules_loader *loader = NULL;
	_cleanup_(rules_freep) struct rules *rules = NULL;
	struct buffer out;
	int r = load_rules(paths, additions, &loader, &rules, err);

	if (r >= 0)
		r = find_rule(rules, name, &explanation.rule, err);
	if (r < 0)
		return r;
	explanation.rules = rules;
	explanation.program = rules_program(rules);
	explanation.definition = rule_find(loader, text_of(name));
	explanation.counts = NEW_ARRAY(struct step_count, explanation.program->code_count);
	gather_variants(&explanation);
	gather_fields(&explanation);
	gather_transfers(&explanation);
	gather_needs(&explanation);
	r = recording ? count_recording(&explanation, err) : 0;
	if (r < 0)
		return r;
	buffer_init(&out, REPORT_MAX);
	if (as_json)
		write_json(&explanation, &out);
	else
		write_text(&explanation, &out);
	fwrite(out.data, 1, out.length, stdout);
	buffer_done(&out);
	return 0;
}

static int usage(FILE *to)
{
	fputs("usage: tercel explain RULE [-r RULES]… [-c FILE] [--recording FILE] [--json]\n\n"
	      "Shows what a rule compiles to: the condition with macros and lists written out, its\n"
	      "event types, the order of its tests, what the kernel decides and what is left, what\n"
	      "can wait and what its fields need.\n\n"
	      "  -r, --rules PATH   rules files or folders, in order; default: the shipped ones\n"
	      "  -c, --config FILE  the sensor's settings: static_fields and append_output count\n"
	      "  --recording FILE   of tercel record: how often each test is asked and true\n"
	      "  --json             as one JSON object\n",
		to);
	return to == stdout ? 0 : 2;
}

int command_explain(int argc, char **argv)
{
	static const struct option flags[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "config", required_argument, NULL, 'c' },
		{ "recording", required_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct text_list paths = {};
	_cleanup_(additions_freep) struct additions *additions = NULL;
	const char *recording = NULL, *config = NULL;
	bool as_json = false;
	struct error err = {};
	int flag, r;

	while ((flag = getopt_long(argc, argv, "r:c:h", flags, NULL)) != -1) {
		switch (flag) {
		case 'r':
			text_list_add(&paths, text_of(optarg));
			break;
		case 'c':
			config = optarg;
			break;
		case 'e':
			recording = optarg;
			break;
		case 'j':
			as_json = true;
			break;
		default:
			return usage(flag == 'h' ? stdout : stderr);
		}
	}
	if (optind != argc - 1)
		return usage(stderr);
	r = load_additions(config, &additions, &err);
	if (r >= 0)
		r = explain(argv[optind], &paths, additions, recording, as_json, &err);
	text_list_done(&paths);
	if (r < 0)
		fprintf(stderr, "tercel: %s\n", err.message);
	return r < 0;
}
