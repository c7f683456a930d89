/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading playbooks. An item is the stack of all nodes of its name, in the order of the files; the
 * tables of settings below are filled from them one after the other, which is what merging means.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "responder/check.h"
#include "responder/matching.h"
#include "responder/outputs.h"

#define BOOLS "default true false"

struct node_at {
	const char *file;
	const struct yaml_node *node;
};

/* All that the files say under one name. */
struct item {
	char *name;
	struct node_at *nodes;
	size_t count, capacity;
};

struct items {
	struct item *list;
	size_t count, capacity;
};

struct playbooks {
	atomic_uint holders;
	struct rule *rules;
	size_t count;
	pthread_mutex_t lock; /* conditions are asked one at a time */
};

/* What is known while a set is read. */
struct loading {
	struct yaml **files;
	size_t file_count;
	struct items actions, rules;
	settings_warning *warn;
	void *context;
};

static const struct setting rule_rows[] = {
	{ .key = "rule", .type = SETTING_TEXT, .at = offsetof(struct rule, name) },
	{ .key = "description", .type = SETTING_TEXT, .at = offsetof(struct rule, description) },
	{ .key = "match.rules", .type = SETTING_LIST, .at = offsetof(struct rule, rules) },
	{ .key = "match.output_fields",
		.type = SETTING_LIST,
		.at = offsetof(struct rule, output_fields) },
	{ .key = "match.priority", .type = SETTING_TEXT, .at = offsetof(struct rule, priority) },
	{ .key = "match.tags", .type = SETTING_LIST, .at = offsetof(struct rule, tags) },
	{ .key = "match.source", .type = SETTING_TEXT, .at = offsetof(struct rule, source) },
	{ .key = "condition", .type = SETTING_TEXT, .at = offsetof(struct rule, condition_text) },
	{ .key = "notifiers", .type = SETTING_LIST, .at = offsetof(struct rule, notifiers) },
	{ .key = "may_touch", .type = SETTING_LIST, .at = offsetof(struct rule, may_touch) },
	{ .key = "continue",
		.type = SETTING_CHOICE,
		.choices = BOOLS,
		.fallback = "default",
		.at = offsetof(struct rule, continues) },
	{ .key = "dry_run",
		.type = SETTING_CHOICE,
		.choices = BOOLS,
		.fallback = "default",
		.at = offsetof(struct rule, dry_run) },
	{ .key = "confirm", .type = SETTING_BOOL, .at = offsetof(struct rule, needs_approval) },
	{ .key = "expires", .type = SETTING_DURATION, .at = offsetof(struct rule, expires_ms) },
	{ .key = "window", .type = SETTING_DURATION, .at = offsetof(struct rule, window_ms) },
	{ .key = "patience", .type = SETTING_DURATION, .at = offsetof(struct rule, patience_ms) },
	{ .key = "limit", .type = SETTING_TEXT, .at = offsetof(struct rule, limit_text) },
	{ .key = "schedule", .type = SETTING_LIST, .at = offsetof(struct rule, schedule_text) },
	{ .key = "actions", .type = SETTING_NODE, .at = offsetof(struct rule, actions) },
};

/* Of an action, wherever it stands. */
struct draft {
	struct step step;
	char *description, *actionner;
	const struct yaml_node *parameters;
};

static const struct setting step_rows[] = {
	{ .key = "action", .type = SETTING_TEXT, .at = offsetof(struct draft, step.name) },
	{ .key = "description", .type = SETTING_TEXT, .at = offsetof(struct draft, description) },
	{ .key = "actionner", .type = SETTING_TEXT, .at = offsetof(struct draft, actionner) },
	{ .key = "additional_contexts",
		.type = SETTING_LIST,
		.at = offsetof(struct draft, step.contexts) },
	{ .key = "continue",
		.type = SETTING_CHOICE,
		.choices = BOOLS,
		.fallback = "default",
		.at = offsetof(struct draft, step.continues) },
	{ .key = "ignore_errors",
		.type = SETTING_CHOICE,
		.choices = BOOLS,
		.fallback = "default",
		.at = offsetof(struct draft, step.ignores_errors) },
	{ .key = "output.target",
		.type = SETTING_TEXT,
		.at = offsetof(struct draft, step.output_target) },
	{ .key = "output.parameters",
		.type = SETTING_MAP,
		.at = offsetof(struct draft, step.output_parameters) },
	{ .key = "expires",
		.type = SETTING_DURATION,
		.at = offsetof(struct draft, step.expires_ms) },
	{ .key = "parameters", .type = SETTING_NODE, .at = offsetof(struct draft, parameters) },
};

static const struct settings_table rule_table = { .program = "playbook",
	.rows = rule_rows,
	.count = COUNT_OF(rule_rows),
	.appends_lists = true };
static const struct settings_table step_table = { .program = "playbook",
	.rows = step_rows,
	.count = COUNT_OF(step_rows),
	.appends_lists = true };

static struct settings_table parameters_table(const struct action *kind)
{
	return (struct settings_table){ .program = kind->name,
		.rows = kind->rows,
		.count = kind->row_count,
		.appends_lists = true };
}

const struct action *action_find(struct text name)
{
	for (size_t i = 0; i < action_count; i++)
		if (text_is(name, actions[i]->name))
			return actions[i];
	return NULL;
}

static void step_done(struct step *step)
{
	if (step->parameters) {
		struct settings_table table = parameters_table(step->kind);

		settings_done(&table, step->parameters);
	}
	free(step->parameters);
	free(step->name);
	text_list_done(&step->contexts);
	free(step->output_target);
	text_map_done(&step->output_parameters);
}

static void rule_done(struct rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		step_done(&rule->steps[i]);
	free(rule->steps);
	free(rule->schedules);
	match_free(rule->condition);
	settings_done(&rule_table, rule);
}

struct playbooks *playbooks_hold(struct playbooks *playbooks)
{
	atomic_fetch_add(&playbooks->holders, 1);
	return playbooks;
}

void playbooks_free(struct playbooks *playbooks)
{
	if (!playbooks || atomic_fetch_sub(&playbooks->holders, 1) > 1)
		return;
	for (size_t i = 0; i < playbooks->count; i++)
		rule_done(&playbooks->rules[i]);
	free(playbooks->rules);
	pthread_mutex_destroy(&playbooks->lock);
	free(playbooks);
}

static void items_done(struct items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		free(items->list[i].name);
		free(items->list[i].nodes);
	}
	free(items->list);
}

static struct item *items_find(struct items *items, struct text name)
{
	for (size_t i = 0; i < items->count; i++)
		if (text_is(name, items->list[i].name))
			return &items->list[i];
	return NULL;
}

static void items_add(struct items *items, struct text name, struct node_at at)
{
	struct item *item = items_find(items, name);

	if (!item) {
		item = ARRAY_ADD(items->list, items->count, items->capacity);
		*item = (struct item){ .name = text_to_string(name) };
	}
	*ARRAY_ADD(item->nodes, item->count, item->capacity) = at;
}

/* Puts the place before what is wrong: "FILE:LINE: rule "x": …". */
static int wrong_at(const struct node_at *at, struct error *err, const char *what, const char *name)
{
	return error_prefix(err, "%s:%zu: %s \"%s\"", at->file, at->node->line + 1, what, name);
}

static bool choice_is_right(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	return !node || node->kind == YAML_NULL ||
	       (node->kind == YAML_SCALAR &&
		       (text_is(node->text, "true") || text_is(node->text, "false")));
}

static int check_choices(const struct node_at *at, struct error *err)
{
	static const char *const keys[] = { "continue", "dry_run", "ignore_errors" };

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (!choice_is_right(at->node, keys[i]))
			return error_at(err, at->file, (int)yaml_get(at->node, keys[i])->line + 1,
				"%s must be true or false", keys[i]);
	return 0;
}

static int fill(struct loading *loading, const struct settings_table *table, void *target,
	const struct node_at *at, struct error *err)
{
	int r = check_choices(at, err);

	return r < 0 ? r
		     : settings_from_yaml(table, target, at->file, at->node, loading->warn,
			       loading->context, err);
}

/* Which action it is, and where its parameters come from: reusable ones of its name come first. */
struct origin {
	const struct item *reusable; /* NULL: none of that name */
	struct node_at own;
};

static size_t origin_count(const struct origin *origin)
{
	return 1 + (origin->reusable ? origin->reusable->count : 0);
}

static const struct node_at *origin_at(const struct origin *origin, size_t i)
{
	size_t before = origin_count(origin) - 1;

	return i < before ? &origin->reusable->nodes[i] : &origin->own;
}

static const char *nearest_action(const char *name)
{
	_cleanup_(freep) const char **names = NEW_ARRAY(const char *, action_count + 1);

	for (size_t i = 0; i < action_count; i++)
		names[i] = actions[i]->name;
	return text_nearest(text_of(name), names, action_count);
}

static int choose_kind(const struct draft *draft, const struct action **ret_kind, struct error *err)
{
	const char *near;

	if (!draft->actionner)
		return error_set(err, -EINVAL,
			"it has no actionner, and there is no action of that name to take it from");
	*ret_kind = action_find(text_of(draft->actionner));
	if (*ret_kind)
		return 0;
	near = nearest_action(draft->actionner);
	return error_set(err, -EINVAL, "no actionner \"%s\"; %s%s%s", draft->actionner,
		near ? "did you mean \"" : "`tercel actions` lists them", near ? near : "",
		near ? "\"?" : "");
}

static int read_parameters(
	struct loading *loading, const struct origin *origin, struct step *step, struct error *err)
{
	struct settings_table table = parameters_table(step->kind);
	int r = 0;

	step->parameters = memory_new(1, step->kind->parameters_size + 1);
	settings_defaults(&table, step->parameters);
	for (size_t i = 0; i < origin_count(origin) && !r; i++) {
		struct node_at at = *origin_at(origin, i);

		at.node = yaml_get(at.node, "parameters");
		if (at.node && at.node->kind == YAML_MAPPING)
			r = settings_from_yaml(&table, step->parameters, at.file, at.node,
				loading->warn, loading->context, err);
		else if (at.node && at.node->kind != YAML_NULL)
			r = error_at(err, at.file, (int)at.node->line + 1,
				"parameters must be a mapping");
	}
	return r < 0 || !step->kind->check ? r : step->kind->check(step->parameters, err);
}

static int check_contexts(const struct step *step, struct error *err)
{
	for (size_t i = 0; i < step->contexts.count; i++)
		if (strcmp(step->contexts.items[i], "k8snode") &&
			strcmp(step->contexts.items[i], "aws"))
			return error_set(err, -EINVAL,
				"no context \"%s\"; there are k8snode and aws",
				step->contexts.items[i]);
	return 0;
}

static int finish_step(struct loading *loading, const struct origin *origin, struct draft *draft,
	struct error *err)
{
	struct step *step = &draft->step;
	int r = choose_kind(draft, &step->kind, err);

	if (!r)
		r = read_parameters(loading, origin, step, err);
	if (!r)
		r = check_contexts(step, err);
	if (!r && step->kind->makes_artifact && !step->output_target)
		r = error_set(err, -EINVAL,
			"%s needs an output, such as {target: local:file, parameters: {destination: /var/tmp}}",
			step->kind->name);
	if (!r && step->output_target)
		r = output_check(step->output_target, &step->output_parameters, err);
	return r;
}

static int read_step(struct loading *loading, const struct node_at *own, struct step *ret_step,
	struct error *err)
{
	const struct yaml_node *name = yaml_get(own->node, "action");
	struct draft draft = { 0 };
	struct origin origin = { NULL, *own };
	int r = 0;

	if (!name || name->kind != YAML_SCALAR || !name->text.length)
		return error_at(err, own->file, (int)own->node->line + 1, "an action has no name");
	origin.reusable = items_find(&loading->actions, name->text);
	settings_defaults(&step_table, &draft);
	for (size_t i = 0; i < origin_count(&origin) && !r; i++)
		r = fill(loading, &step_table, &draft, origin_at(&origin, i), err);
	if (!r) {
		r = finish_step(loading, &origin, &draft, err);
		if (r < 0)
			r = wrong_at(own, err, "action", draft.step.name);
	}
	free(draft.description);
	free(draft.actionner);
	if (r < 0)
		step_done(&draft.step);
	else
		*ret_step = draft.step;
	return r;
}

static int read_steps(
	struct loading *loading, const struct node_at *at, struct rule *rule, struct error *err)
{
	const struct yaml_node *list = yaml_get(at->node, "actions");

	if (!list || list->kind == YAML_NULL)
		return 0;
	if (list->kind != YAML_SEQUENCE)
		return error_at(err, at->file, (int)list->line + 1, "actions must be a list");
	for (size_t i = 0; i < list->count; i++) {
		struct node_at own = { at->file, list->items[i] };
		int r;

		rule->steps =
			memory_resize(rule->steps, rule->step_count + 1, sizeof(*rule->steps));
		r = read_step(loading, &own, &rule->steps[rule->step_count], err);
		if (r < 0)
			return r;
		rule->step_count++;
	}
	return 0;
}

/* "5/1h" */
static int limit_parse(struct rule *rule, struct error *err)
{
	struct text rest = text_of(rule->limit_text), count, time;

	if (!rest.length)
		return 0;
	if (!text_split(&rest, '/', &count) || !text_split(&rest, '/', &time) ||
		text_to_i64(text_trim(count), &rule->limit) < 0 || rule->limit < 1 ||
		duration_parse(text_trim(time), &rule->limit_ms) < 0)
		return error_set(err, -EINVAL, "limit must be COUNT/TIME such as 5/1h, not \"%s\"",
			rule->limit_text);
	return 0;
}

static int schedules_parse(struct rule *rule, struct error *err)
{
	rule->schedules = NEW_ARRAY(struct schedule, rule->schedule_text.count + 1);
	for (size_t i = 0; i < rule->schedule_text.count; i++) {
		if (schedule_parse(text_of(rule->schedule_text.items[i]),
			    &rule->schedules[rule->schedule_count++]) < 0)
			return error_set(err, -EINVAL,
				"a schedule is such as Mon-Fri 08:00-18:00, not \"%s\"",
				rule->schedule_text.items[i]);
	}
	return 0;
}

static int check_fields(const struct rule *rule, struct error *err)
{
	for (size_t i = 0; i < rule->output_fields.count; i++) {
		struct text rest = text_of(rule->output_fields.items[i]), claim;

		while (text_split(&rest, ',', &claim))
			if (text_trim(claim).length && text_find(claim, TEXT("=")) < 1)
				return error_set(err, -EINVAL,
					"output_fields are FIELD=VALUE or FIELD!=VALUE, not \"%s\"",
					rule->output_fields.items[i]);
	}
	return 0;
}

static int check_rule(struct rule *rule, struct error *err)
{
	struct priority_claim claim;
	int r;

	if (rule->priority && *rule->priority &&
		priority_claim_parse(text_of(rule->priority), &claim) < 0)
		return error_set(err, -EINVAL,
			"match.priority must be such as Warning or >=Warning, not \"%s\"",
			rule->priority);
	if (!rule->step_count)
		return error_set(err, -EINVAL, "it has no actions");
	if (rule->condition_text && *rule->condition_text) {
		r = match_new(text_of(rule->condition_text), &rule->condition, err);
		if (r < 0)
			return error_prefix(err, "condition");
	}
	if ((r = check_fields(rule, err)) < 0 || (r = limit_parse(rule, err)) < 0)
		return r;
	r = schedules_parse(rule, err);
	for (size_t i = 0; i < rule->notifiers.count && !r; i++)
		r = notifier_check(rule->notifiers.items[i], err);
	return r;
}

static int read_rule(
	struct loading *loading, const struct item *item, struct rule *ret_rule, struct error *err)
{
	struct rule rule = { 0 };
	int r = 0;

	settings_defaults(&rule_table, &rule);
	for (size_t i = 0; i < item->count && !r; i++) {
		r = fill(loading, &rule_table, &rule, &item->nodes[i], err);
		if (!r)
			r = read_steps(loading, &item->nodes[i], &rule, err);
	}
	if (!r) {
		r = check_rule(&rule, err);
		if (r < 0)
			r = wrong_at(&item->nodes[0], err, "rule", item->name);
	}
	if (r < 0)
		rule_done(&rule);
	else
		*ret_rule = rule;
	return r;
}

/* Nobody uses it: still its mistakes are told, as Talon does. */
static int check_reusable(struct loading *loading, const struct item *item, struct error *err)
{
	struct step step = { 0 };
	int r = read_step(loading, &item->nodes[item->count - 1], &step, err);

	if (!r)
		step_done(&step);
	return r;
}

static int sort_item(struct loading *loading, struct node_at at, struct error *err)
{
	const struct yaml_node *rule = yaml_get(at.node, "rule");
	const struct yaml_node *action = yaml_get(at.node, "action");
	const struct yaml_node *name = rule ? rule : action;

	if (!name || name->kind != YAML_SCALAR || !name->text.length)
		return error_at(err, at.file, (int)at.node->line + 1,
			"an item is a rule with \"rule: NAME\" or an action with \"action: NAME\"");
	items_add(rule ? &loading->rules : &loading->actions, name->text, at);
	return 0;
}

static int sort_file(struct loading *loading, const char *path, struct error *err)
{
	struct yaml *yaml = NULL;
	int r = yaml_load(path, &yaml, err);

	if (r < 0)
		return r;
	loading->files =
		memory_resize(loading->files, loading->file_count + 1, sizeof(struct yaml *));
	loading->files[loading->file_count++] = yaml;
	for (size_t d = 0; d < yaml_document_count(yaml) && !r; d++) {
		const struct yaml_node *root = yaml_document(yaml, d);

		if (root->kind == YAML_NULL)
			continue;
		if (root->kind != YAML_SEQUENCE)
			return error_at(err, path, (int)root->line + 1,
				"a playbook is a list of rules and actions");
		for (size_t i = 0; i < root->count && !r; i++)
			r = sort_item(loading, (struct node_at){ path, root->items[i] }, err);
	}
	return r;
}

static int build(struct loading *loading, struct playbooks *playbooks, struct error *err)
{
	int r = 0;

	playbooks->rules = NEW_ARRAY(struct rule, loading->rules.count + 1);
	for (size_t i = 0; i < loading->rules.count && !r; i++) {
		r = read_rule(loading, &loading->rules.list[i], &playbooks->rules[i], err);
		playbooks->count += r == 0;
	}
	loading->warn = NULL; /* those of used ones were told */
	for (size_t i = 0; i < loading->actions.count && !r; i++)
		r = check_reusable(loading, &loading->actions.list[i], err);
	return r;
}

int playbooks_load(const struct text_list *files, settings_warning *warn, void *context,
	struct playbooks **ret_playbooks, struct error *err)
{
	struct loading loading = { .warn = warn, .context = context };
	_cleanup_(playbooks_freep) struct playbooks *playbooks = NEW(struct playbooks);
	int r = 0;

	atomic_init(&playbooks->holders, 1);
	pthread_mutex_init(&playbooks->lock, NULL);
	for (size_t i = 0; i < files->count && !r; i++)
		r = sort_file(&loading, files->items[i], err);
	if (!r)
		r = build(&loading, playbooks, err);
	items_done(&loading.actions);
	items_done(&loading.rules);
	for (size_t i = 0; i < loading.file_count; i++)
		yaml_unload(loading.files[i]);
	free(loading.files);
	if (r < 0)
		return r;
	*ret_playbooks = TAKE(playbooks);
	return 0;
}

size_t playbooks_count(const struct playbooks *playbooks)
{
	return playbooks->count;
}

const struct rule *playbooks_at(const struct playbooks *playbooks, size_t index)
{
	return &playbooks->rules[index];
}

const struct rule *playbooks_find(const struct playbooks *playbooks, const char *name)
{
	for (size_t i = 0; i < playbooks->count; i++)
		if (!strcmp(playbooks->rules[i].name, name))
			return &playbooks->rules[i];
	return NULL;
}

static bool is_playbook_item(const struct yaml_node *item)
{
	return yaml_get(item, "actionner") || (yaml_get(item, "rule") && yaml_get(item, "actions"));
}

bool playbooks_recognise(const struct yaml_node *root)
{
	for (size_t i = 0; root && root->kind == YAML_SEQUENCE && i < root->count; i++)
		if (is_playbook_item(root->items[i]))
			return true;
	return false;
}

bool rule_takes(
	const struct playbooks *playbooks, const struct rule *rule, const struct alert *alert)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&playbooks->lock;
	bool takes;

	if (!groups_hold(rule, alert))
		return false;
	if (!rule->condition)
		return true;
	pthread_mutex_lock(lock);
	takes = match_takes(rule->condition, alert);
	pthread_mutex_unlock(lock);
	return takes;
}

bool step_continues(const struct step *step)
{
	return step->continues == CHOICE_DEFAULT ? step->kind->continues
						 : step->continues == CHOICE_TRUE;
}

static void write_step(const struct step *step, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "action");
	json_add_string(json, step->name);
	json_key(json, "actionner");
	json_add_string(json, step->kind->name);
	json_key(json, "continue");
	json_add_bool(json, step_continues(step));
	json_end(json);
}

void playbooks_write(const struct playbooks *playbooks, struct json_writer *json)
{
	json_begin_array(json);
	for (size_t i = 0; i < playbooks->count; i++) {
		const struct rule *rule = &playbooks->rules[i];

		json_begin_object(json);
		json_key(json, "rule");
		json_add_string(json, rule->name);
		json_key(json, "description");
		json_add_string(json, rule->description);
		json_key(json, "condition");
		json_add_string(json, rule->condition_text);
		json_key(json, "confirm");
		json_add_bool(json, rule->needs_approval);
		json_key(json, "dry_run");
		json_add_bool(json, rule->dry_run == CHOICE_TRUE);
		json_key(json, "expires_ms");
		json_add_i64(json, rule->expires_ms);
		json_key(json, "actions");
		json_begin_array(json);
		for (size_t s = 0; s < rule->step_count; s++)
			write_step(&rule->steps[s], json);
		json_end(json);
		json_end(json);
	}
	json_end(json);
}
