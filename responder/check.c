/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks and the reference, for the front command.
 */
#include "base/json.h"
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "responder/check.h"
#include "responder/cluster.h"
#include "responder/notifier.h"
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

int notifiers_check(const char *file, const struct yaml_node *all, struct error *err)
{
	int r = 0;

	for (size_t i = 0; all && all->kind == YAML_MAPPING && i < all->count && !r; i++) {
		_cleanup_(freep) char *name = text_to_string(all->keys[i]->text);
		const struct notifier *notifier = notifier_find(name);
		void *settings = NULL;

		if (!notifier)
			return error_set(
				err, -EINVAL, "notifiers: there is no notifier \"%s\"", name);
		r = notifier_settings(notifier, file, all, &settings, err);
		notifier_settings_free(notifier, settings);
	}
	return r;
}

int cluster_check(const struct kubernetes_api *api, struct error *err)
{
	struct cluster *cluster = cluster_new(api);
	int r = cluster_ask(cluster,
		&(struct cluster_call){ .method = "GET", .path = "/version", .timeout_ms = 5000 },
		NULL, err);

	cluster_free(cluster);
	return r < 0 ? r : 0;
}

static void write_needs(const struct action *action, const char *before, struct buffer *out)
{
	for (const struct action_need *need = action->needs; need && need->resource; need++)
		buffer_printf(out, "%s%s%s%s: %s%s%s\n", before, need->group,
			*need->group ? "/" : "", need->resource, need->verbs,
			need->when ? ", with " : "", need->when ? need->when : "");
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

static void write_need(struct json_writer *json, const struct action_need *need)
{
	struct text value = text_of(need->when ? need->when : ""), key = { 0 };
	struct text verbs = text_of(need->verbs), verb;

	json_begin_object(json);
	json_key(json, "group");
	json_add_string(json, need->group);
	json_key(json, "resource");
	json_add_string(json, need->resource);
	json_key(json, "verbs");
	json_begin_array(json);
	while (text_split(&verbs, ' ', &verb))
		json_add_text(json, verb);
	json_end(json);
	if (text_split(&value, '=', &key) && key.length) {
		json_key(json, "parameter");
		json_add_text(json, key);
		json_key(json, "value"); /* "": any */
		json_add_text(json, value);
	}
	json_end(json);
}

static void write_needs_json(struct json_writer *json, const struct action *action)
{
	static const struct action_need pod = { "", "pods", "get", false, NULL };

	json_key(json, "needs");
	json_begin_array(json);
	if (action->target == TARGET_POD)
		write_need(json, &pod);
	for (const struct action_need *need = action->needs; need && need->resource; need++)
		write_need(json, need);
	json_end(json);
}

static void write_parameters(struct json_writer *json, const struct action *action)
{
	json_key(json, "parameters");
	json_begin_object(json);
	for (size_t i = 0; i < action->row_count; i++) {
		json_key(json, action->rows[i].key);
		json_begin_object(json);
		json_key(json, "default");
		json_add_string(json, action->rows[i].fallback);
		json_key(json, "about");
		json_add_string(json, action->rows[i].about);
		json_end(json);
	}
	json_end(json);
}

void actions_write_json(struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_array(&json);
	for (size_t i = 0; i < action_count; i++) {
		json_begin_object(&json);
		json_key(&json, "name");
		json_add_string(&json, actions[i]->name);
		json_key(&json, "about");
		json_add_string(&json, actions[i]->about);
		json_key(&json, "undoes");
		json_add_bool(&json, actions[i]->undo != NULL);
		write_parameters(&json, actions[i]);
		write_needs_json(&json, actions[i]);
		json_end(&json);
	}
	json_end(&json);
	buffer_add_char(out, '\n');
}
