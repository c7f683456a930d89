/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Playbooks: what is done about which alert. Files of Falco Talon's rules work as they are; ours
 * add to a rule
 *
 *	condition: proc.name in (bash, sh)    asked of the alert, in the language of rules
 *	expires: 30m                          then what was done is undone
 *	confirm: true                         somebody must approve it first
 *	limit: 5/1h                           responses of this rule in that time
 *	window: 10m                           one response a pod in that time
 *	patience: 5m                          how long it waits for an API server that is away
 *	schedule: [Mon-Fri 08:00-18:00]       when it acts, in the time zone of the program
 *	may_touch: [kube-system]              protected namespaces that it may act in; patterns
 *
 * Files are merged in order: items of the same name are one, scalars of the later win, lists grow.
 * Playbooks never change once they are loaded; a reload makes others.
 */
#pragma once

#include "alert/match.h"
#include "responder/action.h"

enum choice { CHOICE_DEFAULT, CHOICE_TRUE, CHOICE_FALSE };

/* An action of a rule, with its own parameters. */
struct step {
	char *name; /* as the rule calls it */
	const struct action *kind;
	void *parameters; /* of kind->rows */
	struct text_list contexts;
	int continues, ignores_errors; /* enum choice */
	char *output_target;	       /* "local:file"; NULL: none */
	struct text_map output_parameters;
	int64_t expires_ms; /* 0: the rule's */
};

struct schedule {
	unsigned days;		    /* a bit a day, Sunday is bit 0 */
	int from_minute, to_minute; /* of a day; to may be before from: over midnight */
};

struct rule {
	char *name, *description;
	struct text_list rules, output_fields, tags;
	char *priority, *source;
	char *condition_text;
	struct match *condition; /* NULL: none. For one thread at a time: under playbooks' lock */
	struct text_list notifiers, may_touch;
	int continues, dry_run;
	bool needs_approval;
	int64_t expires_ms, window_ms, patience_ms; /* 0: the settings' */
	char *limit_text;
	int64_t limit, limit_ms; /* 0: none */
	struct text_list schedule_text;
	struct schedule *schedules;
	size_t schedule_count;
	const struct yaml_node *actions; /* while loading */
	struct step *steps;
	size_t step_count;
};

struct playbooks;

/* Warnings, such as of keys that are not known, go through `warn`. -EINVAL with FILE:LINE. */
int playbooks_load(const struct text_list *files, settings_warning *warn, void *context,
	struct playbooks **ret_playbooks, struct error *err);
/* Who holds one gives it back; the last one frees. From any thread. */
struct playbooks *playbooks_hold(struct playbooks *playbooks);
void playbooks_free(struct playbooks *playbooks);
DEFINE_CLEANUP(struct playbooks *, playbooks_free)

size_t playbooks_count(const struct playbooks *playbooks);
const struct rule *playbooks_at(const struct playbooks *playbooks, size_t index);
/* NULL when there is none of that name. */
const struct rule *playbooks_find(const struct playbooks *playbooks, const char *name);
/* The rules as loaded, merged: JSON. */
void playbooks_write(const struct playbooks *playbooks, struct json_writer *json);

/* Whether the rule takes this alert: all its groups and its condition. From any thread. */
bool rule_takes(
	const struct playbooks *playbooks, const struct rule *rule, const struct alert *alert);
/* Whether one of its schedules holds at that time; also when there is none. */
bool rule_is_on_duty(const struct rule *rule, time_t when);
/* What it says, or what its action does by itself. */
bool step_continues(const struct step *step);
/* The value of an output field as text, or NULL data; numbers into `buffer`. */
struct text read_output_field(
	const struct alert *alert, const char *name, char *buffer, size_t size);
