/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings about conditions and outputs.
 */
#include "base/memory.h"
#include "sensor/rules/warnings.h"

/* Deprecated fields and what to say of them. */
static const struct {
	const char *name;
	const char *message;
} deprecated[] = {
	{ "evt.dir", "due to the drop of enter events, 'evt.dir = <' always evaluates to true, and "
		     "'evt.dir = >' always evaluates to false. The rule expression can be "
		     "simplified by removing the condition on 'evt.dir'" },
	{ "evt.latency", "the field is always 0, because enter events are gone" },
	{ "evt.latency.s", "the field is always 0, because enter events are gone" },
	{ "evt.latency.ns", "the field is always 0, because enter events are gone" },
	{ "evt.latency.human", "the field is always 0ns, because enter events are gone" },
	{ "evt.wait_latency", "the field is always 0, because enter events are gone" },
};

struct warner {
	struct rules_loader *loader;
	struct load_result *result;
	const struct place *place;
	struct text condition;
	size_t warned; /* bits of `deprecated`: once a condition */
};

/* Falco gives these the place of the condition; the caret points to the check. */
static const struct place *place_of(const struct warner *warner, const struct position *at)
{
	struct place *place = (struct place *)place_in_condition(
		warner->loader->arena, warner->place, warner->place, warner->condition, at);

	place->line = warner->place->line;
	place->column = warner->place->column;
	place->offset = warner->place->offset;
	return place;
}

static void warn_deprecated(struct warner *warner, const struct operand *operand)
{
	if (operand->kind == OPERAND_FIELD)
		for (size_t i = 0; i < COUNT_OF(deprecated); i++) {
			struct load_issue *issue;

			if (!text_is(operand->text, deprecated[i].name) ||
				(warner->warned >> i & 1))
				continue;
			warner->warned |= (size_t)1 << i;
			issue = load_warning(warner->result, LOAD_DEPRECATED_ITEM,
				place_of(warner, &operand->at), NULL, "%s", deprecated[i].message);
			issue->deprecated_field = deprecated[i].name;
		}
	for (size_t i = 0; i < operand->count; i++)
		warn_deprecated(warner, operand->parts[i]);
}

static bool is_unsafe_field(struct text name)
{
	return text_starts_with(name, TEXT("ka.")) || text_starts_with(name, TEXT("jevt."));
}

static bool compares_whole_values(const struct operator_row *op)
{
	switch (operator_id(op)) {
	case OPERATOR_EQUAL:
	case OPERATOR_EQUAL_TWICE:
	case OPERATOR_UNEQUAL:
	case OPERATOR_IN:
	case OPERATOR_INTERSECTS:
	case OPERATOR_PMATCH:
		return true;
	default:
		return false;
	}
}

static void warn_not_available(
	struct warner *warner, const struct node *check, const struct operand *value)
{
	if (text_is(value->text, "<NA>") && check->left->kind == OPERAND_FIELD &&
		is_unsafe_field(check->left->text) && compares_whole_values(check->op))
		load_warning(warner->result, LOAD_UNSAFE_NA_CHECK, place_of(warner, &value->at),
			NULL,
			"comparing a field value with <NA> is unsafe and can lead to unpredictable "
			"behavior of the rule condition. If you need to check for the existence of "
			"a field, consider using the 'exists' operator instead.");
}

/* "proc.name" or "tolower(proc.name)" as a constant, blanks left out. */
static void warn_misused_name(struct warner *warner, const struct operand *value)
{
	struct arena *arena = warner->loader->arena;
	char *copy = arena_take(arena, value->text.length + 1);
	struct field_use use = { 0 };
	struct operand *operand;
	struct text text = { copy, 0 };
	size_t used;

	for (size_t i = 0; i < value->text.length; i++)
		if (value->text.data[i] != ' ' && value->text.data[i] != '\t')
			copy[text.length++] = value->text.data[i];
	copy[text.length] = '\0';
	if (!text.length)
		return;
	if (field_resolve(text, NULL, &use, NULL) == 0) {
		load_warning(warner->result, LOAD_COMPILE_CONDITION, place_of(warner, &value->at),
			NULL,
			"'" TEXT_FORMAT "' may be a valid field misused as a const string value",
			TEXT_PRINT(text));
		field_use_done(&use);
	} else if ((transformer_parse(text, arena, &operand, &used, NULL) == 0 &&
			   used == text.length) ||
		   (text_starts_with(text, TEXT("val(")) && text_ends_with(text, TEXT(")"))))
		load_warning(warner->result, LOAD_COMPILE_CONDITION, place_of(warner, &value->at),
			NULL,
			"'" TEXT_FORMAT
			"' may be a valid field transformer misused as a const string value",
			TEXT_PRINT(text));
}

/* Without anchors and ".*" at its ends, is anything special left in the pattern? */
static bool needs_regex(struct text pattern)
{
	if (text_starts_with(pattern, TEXT("^")))
		pattern = text_slice(pattern, 1, pattern.length);
	if (text_starts_with(pattern, TEXT(".*")))
		pattern = text_slice(pattern, 2, pattern.length);
	if (text_ends_with(pattern, TEXT("$")))
		pattern.length--;
	if (text_ends_with(pattern, TEXT(".*")))
		pattern.length -= 2;
	for (size_t i = 0; i < pattern.length; i++)
		if (strchr(".*+?()[]{}|^$\\", pattern.data[i]))
			return true;
	return false;
}

static void warn_needless_regex(
	struct warner *warner, const struct node *check, const struct operand *value)
{
	if (check->op == operator_at(OPERATOR_REGEX) && !needs_regex(value->text))
		load_warning(warner->result, LOAD_COMPILE_CONDITION, place_of(warner, &value->at),
			NULL,
			"regex check with '" TEXT_FORMAT
			"' may be optimized with simpler operators such as '=', 'contains', "
			"'startswith', 'endswith'",
			TEXT_PRINT(value->text));
}

static void warn_value(struct warner *warner, const struct node *check, const struct operand *value)
{
	warn_not_available(warner, check, value);
	warn_misused_name(warner, value);
	warn_needless_regex(warner, check, value);
}

static void warn_check(struct warner *warner, const struct node *check)
{
	const struct operand *right = check->right;

	warn_deprecated(warner, check->left);
	if (!right)
		return;
	if (right->kind == OPERAND_VALUE)
		warn_value(warner, check, right);
	else if (right->kind == OPERAND_LIST)
		for (size_t i = 0; i < right->count; i++)
			warn_value(warner, check, right->parts[i]);
	else
		warn_deprecated(warner, right);
}

static void warn_node(struct warner *warner, const struct node *node)
{
	if (node->kind == NODE_CHECK)
		warn_check(warner, node);
	for (size_t i = 0; i < node->count; i++)
		warn_node(warner, node->children[i]);
}

void condition_warn(struct rules_loader *loader, const struct node *tree, const struct place *place,
	struct text condition, struct load_result *result)
{
	struct warner warner = { loader, result, place, condition, 0 };

	warn_node(&warner, tree);
}

void output_warn(struct text output, const struct place *place, struct load_result *result)
{
	for (size_t i = 0; i < COUNT_OF(deprecated); i++) {
		struct load_issue *issue;

		if (!text_contains(output, text_of(deprecated[i].name)))
			continue;
		issue = load_warning(result, LOAD_DEPRECATED_ITEM, place, NULL,
			"usage of deprecated field '%s' has been detected in the rule output",
			deprecated[i].name);
		issue->deprecated_field = deprecated[i].name;
	}
}
