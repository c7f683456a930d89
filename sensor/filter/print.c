/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel decides, for people. */
#include "base/memory.h"
#include "sensor/filter/expression.h"
#include "sensor/rules/compiled.h"

static void print_part(
	const struct program *program, const struct part *part, bool is_inside, struct buffer *out)
{
	const char *joint = part->kind == PART_ALL ? " and " : " or ";

	if (part->kind == PART_LITERAL) {
		buffer_printf(out, "%s%s", part->is_negated ? "not " : "",
			program->tests[part->test].text);
		return;
	}
	if (part->kind == PART_FALSE)
		buffer_add_string(out, "never");
	if (is_inside)
		buffer_add_char(out, '(');
	for (size_t i = 0; i < part->count; i++) {
		if (i)
			buffer_add_string(out, joint);
		print_part(program, part->parts[i], true, out);
	}
	if (is_inside)
		buffer_add_char(out, ')');
}

void filter_print(const struct rules *rules, size_t rule, unsigned event, struct buffer *out)
{
	const struct formula *formula = rules_formula(rules, rule);
	struct arena *arena = arena_new(SIZE_MAX / 2);
	struct decisions decisions;

	decisions_init(&decisions, rules_program(rules), event_type_at(event), arena);
	if (formula)
		print_part(
			rules_program(rules), part_of(&decisions, formula, FILTER_MAY), false, out);
	arena_free(arena);
}

static bool can_say_unknown_only(const struct decision *decision)
{
	return decision->kind == DECISION_PATH &&
	       (decision->path_operator == PATH_CONTAINS ||
		       decision->path_operator == PATH_BEGINS_SO ||
		       decision->path_operator == PATH_DIRECTORY ||
		       decision->path_operator == PATH_FILE);
}

enum filter_share filter_share(const struct rules *rules, unsigned test, unsigned event)
{
	struct arena *arena = arena_new(SIZE_MAX / 2);
	const struct program *program = rules_program(rules);
	struct decision decision =
		decision_of(program, &program->tests[test], event_type_at(event), arena);

	arena_free(arena);
	if (decision.kind == DECISION_FIXED && decision.fixed == ANSWER_UNKNOWN)
		return SHARE_NOTHING;
	return can_say_unknown_only(&decision) ? SHARE_SURELY_NOT : SHARE_BOTH;
}
