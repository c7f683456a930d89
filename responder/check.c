/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks and the reference, for the front command.
 */
#include "base/memory.h"
#include "responder/check.h"
#include "responder/playbooks.h"

int playbooks_check(const char *const *files, size_t count, settings_warning *warn, void *context,
	struct error *err)
{
	_cleanup_(playbooks_freep) struct playbooks *playbooks = NULL;
	struct text_list list = { 0 };
	int r;

	for (size_t i = 0; i < count; i++)
		text_list_add(&list, text_of(files[i]));
	r = playbooks_load(&list, warn, context, &playbooks, err);
	text_list_done(&list);
	return r;
}

static void write_needs(const struct action *action, const char *before, struct buffer *out)
{
	for (const struct action_need *need = action->needs; need && need->resource; need++)
		buffer_printf(out, "%s%s%s%s: %s\n", before, need->group, *need->group ? "/" : "",
			need->resource, need->verbs);
}

static void write_text(const struct action *action, struct buffer *out)
{
	buffer_printf(out, "%s\n    %s%s\n", action->name, action->about,
		action->undo ? " (can be undone)" : "");
	for (size_t i = 0; i < action->row_count; i++)
		buffer_printf(out, "    %-32s %s%s%s%s\n", action->rows[i].key,
			action->rows[i].about, action->rows[i].fallback ? " [" : "",
			action->rows[i].fallback ? action->rows[i].fallback : "",
			action->rows[i].fallback ? "]" : "");
	write_needs(action, "    needs ", out);
	buffer_add_char(out, '\n');
}

static void write_markdown(const struct action *action, struct buffer *out)
{
	buffer_printf(out, "## %s\n%s%s.\n\n", action->name, action->about,
		action->undo ? " (can be undone)" : "");
	if (action->row_count)
		buffer_add_string(out, "| parameter | default | |\n|---|---|---|\n");
	for (size_t i = 0; i < action->row_count; i++)
		buffer_printf(out, "| `%s` | %s | %s |\n", action->rows[i].key,
			action->rows[i].fallback ? action->rows[i].fallback : "",
			action->rows[i].about);
	write_needs(action, "- needs ", out);
	buffer_add_char(out, '\n');
}

void actions_write(bool as_markdown, struct buffer *out)
{
	for (size_t i = 0; i < action_count; i++)
		(as_markdown ? write_markdown : write_text)(actions[i], out);
}
