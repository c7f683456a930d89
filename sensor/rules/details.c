/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Details: one walk over a condition as it is written, for what it names itself, and one over it
 * with its macros written out, for what it comes down to.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/analysis.h"
#include "sensor/rules/details.h"
#include "sensor/rules/expansion.h"

/* A condition written out; macros may make it very long. */
#define COMPILED_MAX (4 << 20)

static void add_once(struct texts *texts, struct text text)
{
	if (!texts_have(texts, text))
		texts_add(texts, text);
}

/* A text that is printed, kept in the arena. */
static void add_printed(struct rules_loader *loader, struct texts *texts, struct buffer *text)
{
	if (!texts_have(texts, buffer_text(text)))
		texts_add(texts, arena_copy(loader->arena, buffer_text(text)));
	buffer_done(text);
}

static void add_operand(
	struct rules_loader *loader, const struct operand *operand, struct texts *fields)
{
	struct buffer text;

	if (operand->kind == OPERAND_FIELD) {
		buffer_init(&text, 4096);
		buffer_add_text(&text, operand->text);
		if (operand->has_argument)
			buffer_printf(&text, "[" TEXT_FORMAT "]", TEXT_PRINT(operand->argument));
		add_printed(loader, fields, &text);
	}
	for (size_t i = 0; i < operand->count; i++)
		add_operand(loader, operand->parts[i], fields);
}

static void add_check(
	struct rules_loader *loader, const struct node *node, struct condition_details *details)
{
	struct buffer text;

	buffer_init(&text, 64);
	buffer_printf(&text, "%s%s%s", node->op->name, node->modifier ? " " : "",
		modifier_name(node->modifier));
	add_printed(loader, &details->operators, &text);
	add_operand(loader, node->left, &details->fields);
	if (node->right)
		add_operand(loader, node->right, &details->fields);
}

/* Macros that stand in the condition itself; in what they stand for, only checks count. */
static void walk(struct rules_loader *loader, const struct node *node, bool is_own,
	struct condition_details *details)
{
	if (node->kind == NODE_CHECK)
		add_check(loader, node, details);
	if (node->kind == NODE_MACRO && is_own)
		add_once(&details->macros, arena_copy(loader->arena, node->name));
	if (node->target)
		walk(loader, node->target, false, details);
	for (size_t i = 0; i < node->count; i++)
		walk(loader, node->children[i], is_own, details);
}

static void add_events(
	const struct program *program, const struct node *tree, struct condition_details *details)
{
	struct event_set events;
	size_t count;
	const struct event_type *types = event_types(&count);

	if (program) {
		condition_events(program, tree, &events);
		for (size_t i = 0; i < count; i++)
			if (event_set_has(&events, types[i].id))
				add_once(&details->events, text_of(types[i].name));
	}
	/* Falco asks every rule at events that plugins make on their own. */
	add_once(&details->events, TEXT("asyncevent"));
}

void details_done(struct condition_details *details)
{
	struct texts *const all[] = { &details->macros, &details->lists, &details->operators,
		&details->fields, &details->events, &details->output_fields };

	for (size_t i = 0; i < COUNT_OF(all); i++)
		free(all[i]->items);
	*details = (struct condition_details){ 0 };
}

void details_gather(struct rules_loader *loader, const struct program *program, struct text written,
	const struct node *tree, struct condition_details *details)
{
	struct buffer text;

	details_done(details);
	for (size_t i = 0; i < loader->list_count; i++)
		if (condition_names_list(written, loader->lists[i].name))
			texts_add(&details->lists, loader->lists[i].name);
	walk(loader, tree, true, details);
	add_events(program, tree, details);
	buffer_init(&text, COMPILED_MAX);
	node_print_written_out(tree, &text);
	details->compiled = arena_copy(loader->arena, buffer_text(&text));
	buffer_done(&text);
}

void details_add_output(struct rules_loader *loader, const struct format *format,
	struct text output, struct condition_details *details)
{
	details->output = arena_copy(loader->arena, output);
	for (size_t i = 0; i < format_member_count(format); i++)
		texts_add(&details->output_fields,
			arena_copy(loader->arena, format_member_at(format, i)->name));
}

static bool is_of_container_plugin(const struct texts *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		if (text_starts_with(fields->items[i], TEXT("container.")) ||
			text_starts_with(fields->items[i], TEXT("k8s.")))
			return true;
	return false;
}

void details_plugins(const struct condition_details *details, struct json_writer *json)
{
	json_key(json, "plugins");
	json_begin_array(json);
	if (is_of_container_plugin(&details->fields) ||
		is_of_container_plugin(&details->output_fields))
		json_add_string(json, "container");
	json_end(json);
}
