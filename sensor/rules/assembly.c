/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assembly: from definitions to compiled rules, in the order of spec/rule-language.md 1.12. All of
 * it is done again after every file, because a later file may change what an earlier one defined.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/additions.h"
#include "sensor/rules/analysis.h"
#include "sensor/rules/details.h"
#include "sensor/rules/expansion.h"
#include "sensor/rules/warnings.h"

/* Nodes from the root of a condition down to a check, macros written out. */
#define HEIGHT_MAX 5000
/* A format with everything appended. */
#define OUTPUT_MAX (256 * 1024)

struct assembly {
	struct rules_loader *loader;
	struct load_result *result;
	struct arena *arena; /* trees and expanded texts */
	struct program *program;
	struct rule_source *sources; /* by rule; without a tree: not compiled */
};

/* A mistake that a parser or the compiler found in a condition. */
static int fail_condition(const struct assembly *assembly, const struct place *place,
	struct text condition, const struct position *at, const char *advice,
	const struct error *err)
{
	return load_error(assembly->result, LOAD_ERR_COMPILE_CONDITION,
		place_in_condition(assembly->loader->arena, place, place,
			arena_copy(assembly->loader->arena, condition), at),
		advice, "%s", err->message);
}

/* A word that other languages use where an operator of this one must stand. */
static const char *advice_for_syntax(
	const struct assembly *assembly, struct text condition, const struct position *at)
{
	static const struct {
		const char *wrong, *right;
	} words[] = {
		{ "&&", "write `and` for &&" },
		{ "||", "write `or` for ||" },
		{ "AND", "write `and` in lower case" },
		{ "OR", "write `or` in lower case" },
		{ "!", "write `not` for !" },
		{ "~", "write `regex` for ~" },
	};
	struct text rest = text_slice(condition, at->offset, condition.length), word;
	size_t length = 0, begin = at->offset;

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (text_starts_with(rest, text_of(words[i].wrong)))
			return words[i].right;
	/* NAME( that is no transformer: the name was taken for a macro's. */
	while (begin > 0 && begin <= condition.length &&
		isalnum((unsigned char)condition.data[begin - 1]))
		begin--;
	if (begin < at->offset && text_starts_with(rest, TEXT("(")))
		return advice_for_transformer(
			assembly->loader->arena, text_slice(condition, begin, at->offset - begin));
	while (length < rest.length && rest.data[length] >= 'a' && rest.data[length] <= 'z')
		length++;
	word = text_slice(rest, 0, length);
	return length ? advice_for_operator(assembly->loader->arena, word) : NULL;
}

static int parse(const struct assembly *assembly, const struct place *place, struct text condition,
	struct text *ret_expanded, struct node **ret_tree)
{
	struct position at = { 1, 1, 0 };
	struct error err = { 0 };

	if (condition_expand(assembly->loader, condition, assembly->arena, ret_expanded) < 0) {
		error_set(&err, -E2BIG, "the condition is too long once its lists are written out");
		return fail_condition(assembly, place, condition, &at, NULL, &err);
	}
	if (condition_parse(*ret_expanded, assembly->arena, ret_tree, &at, &err) < 0)
		return fail_condition(assembly, place, *ret_expanded, &at,
			advice_for_syntax(assembly, *ret_expanded, &at), &err);
	return 0;
}

static int parse_macros(const struct assembly *assembly)
{
	struct rules_loader *loader = assembly->loader;
	int r;

	for (size_t i = 0; i < loader->macro_count; i++) {
		struct macro_definition *macro = &loader->macros[i];

		macro->is_used = false;
		macro->state = MACRO_NEW;
		r = parse(assembly, macro->condition_place, macro->condition, &macro->expanded,
			&macro->tree);
		if (r < 0)
			return r;
		condition_warn(loader, macro->tree, macro->condition_place,
			arena_copy(loader->arena, macro->expanded), assembly->result);
	}
	return 0;
}

/* Whose condition macros are put into. */
struct referrer {
	const struct place *place;
	struct text condition;
	unsigned visibility; /* macros defined from here on cannot be seen */
};

static const struct place *reference_place(
	const struct assembly *assembly, const struct referrer *referrer, const struct node *node)
{
	struct arena *arena = assembly->loader->arena;

	return place_in_condition(arena, referrer->place, referrer->place,
		arena_copy(arena, referrer->condition), &node->at);
}

static int resolve_macro(const struct assembly *assembly, struct macro_definition *macro,
	unsigned depth, struct extent *ret_extent);

static int resolve_reference(const struct assembly *assembly, const struct referrer *referrer,
	struct node *node, unsigned depth, struct extent *ret_extent)
{
	struct macro_definition *macro = macro_find(assembly->loader, node->name);

	if (!macro || macro->index >= referrer->visibility)
		return load_error(assembly->result, LOAD_ERR_VALIDATE,
			reference_place(assembly, referrer, node),
			advice_for_macro(assembly->loader, node->name),
			"Undefined macro '" TEXT_FORMAT "' used in filter.",
			TEXT_PRINT(node->name));
	if (macro->state == MACRO_RESOLVING)
		return load_error(assembly->result, LOAD_ERR_VALIDATE,
			reference_place(assembly, referrer, node), NULL,
			"reference loop in macro '" TEXT_FORMAT "'", TEXT_PRINT(node->name));
	macro->is_used = true;
	node->target = macro->tree;
	return resolve_macro(assembly, macro, depth + 1, ret_extent);
}

static int check_extent(const struct assembly *assembly, const struct referrer *referrer,
	const struct extent *extent)
{
	if (extent->height > HEIGHT_MAX)
		return load_error(assembly->result, LOAD_ERR_VALIDATE, referrer->place, NULL,
			"macros are nested too deeply: written out the condition has more than %d levels",
			HEIGHT_MAX);
	if (extent->size > CHAIN_MAX)
		return load_error(assembly->result, LOAD_ERR_VALIDATE, referrer->place, NULL,
			"macros multiply: written out the condition has more than %d parts",
			CHAIN_MAX);
	return 0;
}

/* Puts the trees of macros where they are named. The extent is what that makes of the tree. */
static int resolve(const struct assembly *assembly, const struct referrer *referrer,
	struct node *node, unsigned depth, struct extent *ret_extent)
{
	struct extent whole = { .height = depth }, part;
	int r = check_extent(assembly, referrer, &whole); /* bounds this recursion */

	whole = (struct extent){ 0 };
	if (r == 0 && node->kind == NODE_MACRO)
		r = resolve_reference(assembly, referrer, node, depth, &whole);
	for (size_t i = 0; r == 0 && i < node->count; i++) {
		r = resolve(assembly, referrer, node->children[i], depth + 1, &part);
		if (r == 0) {
			whole.height = MAX_OF(whole.height, part.height);
			whole.size += part.size;
		}
	}
	whole.height++;
	whole.size++;
	if (r == 0)
		r = check_extent(assembly, referrer, &whole);
	*ret_extent = whole;
	return r;
}

static int resolve_macro(const struct assembly *assembly, struct macro_definition *macro,
	unsigned depth, struct extent *ret_extent)
{
	struct referrer referrer = { macro->place, macro->expanded, macro->visibility };
	int r = 0;

	if (macro->state == MACRO_NEW) {
		macro->state = MACRO_RESOLVING;
		r = resolve(assembly, &referrer, macro->tree, depth, &macro->extent);
		macro->state = MACRO_RESOLVED;
	}
	*ret_extent = macro->extent;
	return r;
}

static int resolve_macros(const struct assembly *assembly)
{
	struct extent extent;
	int r;

	for (size_t i = 0; i < assembly->loader->macro_count; i++) {
		r = resolve_macro(assembly, &assembly->loader->macros[i], 0, &extent);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Falco's wording decides which failures `skip-if-unknown-filter` forgives. */
static bool is_about_unknown(const char *message)
{
	static const char *const signs[] = { "nonexistent field", "invalid formatting token",
		"unknown event type", "unknown filter:" };

	for (size_t i = 0; i < COUNT_OF(signs); i++)
		if (strstr(message, signs[i]))
			return true;
	return false;
}

/* 1 when the rule is skipped instead of failing. */
static int skip_or_fail(const struct assembly *assembly, const struct rule_definition *rule,
	enum load_code code, const struct place *place, const char *advice, const struct error *err)
{
	if (!rule->skips_unknown || !is_about_unknown(err->message))
		return load_error(assembly->result, code, place, advice, "%s", err->message);
	load_warning(assembly->result, LOAD_UNKNOWN_FILTER, place, advice, "%s", err->message);
	return 1;
}

/* The condition with the exceptions behind it. */
static int whole_condition(const struct assembly *assembly, const struct rule_definition *rule,
	struct text *ret_condition)
{
	struct buffer exceptions;
	int r;

	buffer_init(&exceptions, SIZE_MAX / 2);
	r = exceptions_write(rule, &exceptions, assembly->result);
	*ret_condition = rule->condition;
	if (r == 0 && exceptions.length)
		*ret_condition = arena_printf(assembly->arena, "(" TEXT_FORMAT ")%s",
			TEXT_PRINT(rule->condition), buffer_text(&exceptions).data);
	buffer_done(&exceptions);
	return r;
}

/* What is nearest to the name that a message ends in. */
static const char *advice_for_message(const struct assembly *assembly, const struct error *err)
{
	const char *word = strrchr(err->message, ' ');

	if (!word)
		return NULL;
	if (strstr(err->message, "nonexistent field"))
		return advice_for_field(assembly->loader->arena, text_of(word + 1));
	if (strstr(err->message, "unknown event type"))
		return advice_for_event_type(assembly->loader->arena, text_of(word + 1));
	return NULL;
}

/* 0 with the tree, 1 when the rule is skipped. */
static int compile_condition(const struct assembly *assembly, const struct rule_definition *rule,
	struct text condition, struct node **ret_tree)
{
	struct rules_loader *loader = assembly->loader;
	struct referrer referrer = { rule->place, { 0 }, UINT_MAX };
	struct position at;
	struct error err = { 0 };
	struct extent extent;
	int r;

	r = parse(assembly, rule->condition_place, condition, &condition, ret_tree);
	if (r < 0)
		return r;
	referrer.condition = condition;
	r = resolve(assembly, &referrer, *ret_tree, 0, &extent);
	if (r < 0)
		return r;
	condition = arena_copy(loader->arena, condition);
	condition_warn(loader, *ret_tree, rule->condition_place, condition, assembly->result);
	if (program_add_tests(assembly->program, *ret_tree, &at, &err) == 0)
		return 0;
	return skip_or_fail(assembly, rule, LOAD_ERR_COMPILE_CONDITION,
		place_in_condition(loader->arena, rule->condition_place, rule->condition_place,
			condition, &at),
		advice_for_message(assembly, &err), &err);
}

#define INFO_TOKEN TEXT("%container.info")

/* Takes "%container.info" out, which Falco once filled in. */
static void add_output_text(const struct rule_definition *rule, struct buffer *out)
{
	struct text rest = rule->output;
	ptrdiff_t found;

	for (found = text_find(rest, INFO_TOKEN); found >= 0; found = text_find(rest, INFO_TOKEN)) {
		buffer_add_text(out, text_slice(rest, 0, (size_t)found));
		rest = text_slice(rest, (size_t)found + INFO_TOKEN.length, rest.length);
	}
	buffer_add_text(out, rest);
}

static void add_output(
	const struct assembly *assembly, const struct rule_definition *rule, struct buffer *out)
{
	if (text_contains(rule->output, INFO_TOKEN))
		load_warning(assembly->result, LOAD_DEPRECATED_ITEM, rule->place, NULL,
			"%%container.info is deprecated and no longer useful, and will be dropped "
			"by Falco. The container plugin will automatically add required fields to "
			"the output message.");
	add_output_text(rule, out);
}

/* The field that a format's wrong token may have meant. */
static const char *advice_for_output(
	const struct assembly *assembly, struct text output, size_t offset)
{
	struct lexer lexer;
	struct text name;

	lexer_init(
		&lexer, text_slice(output, MIN_OF(offset + 1, output.length), output.length), NULL);
	if (!lexer_field_name(&lexer, &name))
		return NULL;
	return advice_for_field(assembly->loader->arena, name);
}

/* What append_output adds to the text of this rule's alerts. */
static void add_outputs(
	const struct assembly *assembly, const struct rule_definition *rule, struct buffer *out)
{
	const struct additions *additions = assembly->loader->options.additions;

	for (size_t i = 0; additions && i < additions->count; i++) {
		const struct addition *addition = &additions->items[i];

		if (!addition_matches(addition, rule))
			continue;
		if (addition->output)
			buffer_printf(out, " %s", addition->output);
		if (addition->suggests)
			additions_write_suggested(additions, rule->source, out);
	}
}

static int add_members(const struct addition *addition, struct format *format,
	const struct extra_field **ret_wrong, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < addition->field_count && r == 0; i++) {
		*ret_wrong = &addition->fields[i];
		r = format_add_member(
			format, addition->fields[i].key, addition->fields[i].format, err);
	}
	return r;
}

/* The fields that append_output adds to JSON alerts. 1 when the rule is skipped. */
static int compile_members(
	const struct assembly *assembly, const struct rule_definition *rule, struct format *format)
{
	const struct additions *additions = assembly->loader->options.additions;
	const struct extra_field *wrong = NULL;
	struct error err = { 0 };
	int r = 0;

	for (size_t i = 0; additions && i < additions->count && r == 0; i++)
		if (addition_matches(&additions->items[i], rule))
			r = add_members(&additions->items[i], format, &wrong, &err);
	if (r == 0)
		return 0;
	return skip_or_fail(assembly, rule, LOAD_ERR_COMPILE_OUTPUT, rule->output_place,
		arena_printf(assembly->loader->arena,
			"it is \"%s\" of append_output's extra_fields", wrong->key)
			.data,
		&err);
}

/* 0 with the format, 1 when the rule is skipped. */
static int compile_output(const struct assembly *assembly, const struct rule_definition *rule,
	struct format **ret_format)
{
	const struct additions *additions = assembly->loader->options.additions;
	_cleanup_(buffer_done) struct buffer output;
	struct error err = { 0 };
	size_t offset = 0;

	buffer_init(&output, OUTPUT_MAX);
	add_output(assembly, rule, &output);
	add_outputs(assembly, rule, &output);
	if (output.is_cut)
		return load_error(assembly->result, LOAD_ERR_COMPILE_OUTPUT, rule->output_place,
			NULL, "the output is longer than %d bytes", OUTPUT_MAX);
	if (format_parse(buffer_text(&output), additions, ret_format, &offset, &err) < 0)
		return skip_or_fail(assembly, rule, LOAD_ERR_COMPILE_OUTPUT,
			place_in_output(assembly->loader->arena, rule->output_place,
				buffer_text(&output), offset),
			advice_for_output(assembly, buffer_text(&output), offset), &err);
	output_warn(buffer_text(&output), rule->output_place, assembly->result);
	return compile_members(assembly, rule, *ret_format);
}

static void warn_event_types(const struct assembly *assembly, const struct rule_definition *rule,
	const struct node *tree)
{
	struct event_set events;

	condition_events(assembly->program, tree, &events);
	if (rule->warns_about_types && event_set_count(&events) > EVENT_TYPES_MANY)
		load_warning(assembly->result, LOAD_NO_EVTTYPE, rule->place, NULL,
			"Rule matches too many evt.type values. This has a significant performance "
			"penalty.");
}

/* Macros that no rule uses have no tests yet; one that cannot have any keeps what is known. */
static void keep_macros(const struct assembly *assembly)
{
	struct rules_loader *loader = assembly->loader;
	struct position at;

	for (size_t i = 0; i < loader->macro_count; i++) {
		struct macro_definition *macro = &loader->macros[i];
		bool has_tests = program_add_tests(assembly->program, macro->tree, &at, NULL) == 0;

		details_gather(loader, has_tests ? assembly->program : NULL, macro->condition,
			macro->tree, &macro->details);
	}
}

static void keep_rule(const struct assembly *assembly, struct rule_definition *rule,
	const struct node *tree, const struct format *format)
{
	struct rules_loader *loader = assembly->loader;
	struct buffer output;

	details_gather(loader, assembly->program, rule->condition, tree, &rule->details);
	buffer_init(&output, OUTPUT_MAX);
	add_output_text(rule, &output);
	add_outputs(assembly, rule, &output);
	details_add_output(loader, format, buffer_text(&output), &rule->details);
	buffer_done(&output);
}

static int compile_rule(
	const struct assembly *assembly, struct rule_definition *rule, struct rule_source *source)
{
	struct text condition;
	struct node *tree;
	int r;

	if (rule->has_unknown_source)
		return 0;
	r = whole_condition(assembly, rule, &condition);
	if (r == 0)
		r = compile_output(assembly, rule, &source->format);
	if (r == 0)
		r = compile_condition(assembly, rule, condition, &tree);
	if (r)
		return r < 0 ? r : 0;
	warn_event_types(assembly, rule, tree);
	if (assembly->loader->options.keeps_conditions)
		keep_rule(assembly, rule, tree, source->format);
	source->tree = tree;
	return 0;
}

static int compile_rules(const struct assembly *assembly)
{
	int r;

	for (size_t i = 0; i < assembly->loader->rule_count; i++) {
		r = compile_rule(assembly, &assembly->loader->rules[i], &assembly->sources[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static void warn_unused(const struct assembly *assembly)
{
	struct rules_loader *loader = assembly->loader;

	for (size_t i = 0; i < loader->macro_count; i++)
		if (!loader->macros[i].is_used)
			load_warning(assembly->result, LOAD_UNUSED_MACRO, loader->macros[i].place,
				NULL, "Macro not referred to by any other rule/macro");
	for (size_t i = 0; i < loader->list_count; i++)
		if (!loader->lists[i].is_used)
			load_warning(assembly->result, LOAD_UNUSED_LIST, loader->lists[i].place,
				NULL, "List not referred to by any other rule/macro");
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Texts of the loader's are all ended by NUL. */
static void fill_source(const struct assembly *assembly, const struct rule_definition *rule,
	bool is_enabled, struct rule_source *source)
{
	const char **tags = ARENA_NEW(assembly->arena, const char *, MAX_OF(rule->tags.count, 1));

	for (size_t i = 0; i < rule->tags.count; i++)
		tags[i] = rule->tags.items[i].data;
	if (rule->tags.count)
		qsort(tags, rule->tags.count, sizeof(*tags), compare_names);
	source->name = rule->name.data;
	source->description = rule->description.data;
	source->source = rule->source.data;
	source->priority = rule->priority;
	source->tags = tags;
	source->tag_count = rule->tags.count;
	source->is_enabled = is_enabled;
	source->captures = rule->captures;
	source->capture_duration_ms = rule->capture_duration_ms;
}

/* The rules that were compiled, in the order in which they run. */
static int make_rules(struct assembly *assembly, struct rules **ret_rules, struct error *err)
{
	struct rules_loader *loader = assembly->loader;
	_cleanup_(freep) struct rule_source *ordered =
		NEW_ARRAY(struct rule_source, loader->rule_count);
	_cleanup_(freep) size_t *order = NULL;
	_cleanup_(freep) bool *is_enabled = NULL;
	size_t count = 0;
	int r;

	r = definitions_select(loader, &order, &is_enabled, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < loader->rule_count; i++) {
		struct rule_source *source = &assembly->sources[order[i]];

		if (!source->tree)
			continue;
		fill_source(assembly, &loader->rules[order[i]], is_enabled[order[i]], source);
		ordered[count++] = *source;
		source->format = NULL;
	}
	return rules_new(TAKE(assembly->program), ordered, count, &loader->options, ret_rules, err);
}

static void assembly_done(struct assembly *assembly)
{
	for (size_t i = 0; i < assembly->loader->rule_count; i++)
		format_free(assembly->sources[i].format);
	free(assembly->sources);
	program_free(assembly->program);
	arena_free(assembly->arena);
}

int definitions_compile(struct rules_loader *loader, struct load_result *result,
	struct rules **ret_rules, struct error *err)
{
	_cleanup_(assembly_done) struct assembly assembly = {
		.loader = loader,
		.result = result,
		.arena = arena_new(SIZE_MAX / 2),
		.program = program_new(),
		.sources = NEW_ARRAY(struct rule_source, loader->rule_count),
	};
	int r;

	assembly.program->readings.additions = loader->options.additions;
	lists_expand(loader);
	r = parse_macros(&assembly);
	if (r == 0)
		r = resolve_macros(&assembly);
	if (r == 0)
		r = compile_rules(&assembly);
	if (r < 0)
		return r;
	if (loader->options.keeps_conditions)
		keep_macros(&assembly);
	warn_unused(&assembly);
	return ret_rules ? make_rules(&assembly, ret_rules, err) : 0;
}
