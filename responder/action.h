/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an action is: a file in actions/ with one `const struct action`, whose row says what it
 * takes, which verbs of the Kubernetes API it needs, and how it is done and undone.
 *
 * An action is told what an alert said only as values: in paths it is escaped, in JSON written by
 * the writer, for a shell handed over as variables of a process. Nothing expands it into text that
 * something else reads.
 */
#pragma once

#include "alert/alert.h"
#include "base/settings.h"
#include "responder/cluster.h"
#include "responder/settings.h"

/* What an alert must name. */
enum action_target {
	TARGET_NONE,
	TARGET_POD,
	TARGET_OBJECT, /* ka.target.* of an audit event */
};

/* Verbs of a resource; a list ends with .resource NULL. */
struct action_need {
	const char *group, *resource, *verbs; /* "" is the core group; verbs blank separated */
	bool is_cluster_wide;		      /* no object of a namespace */
	/* With which parameter: "level=node" of a choice, or "x" for any text. NULL: always. */
	const char *when;
};

/* One action that is being done. */
struct run {
	struct cluster *cluster;
	const struct responder_settings *settings;
	const struct alert *alert;
	const char *rule, *action, *actionner;
	char *name_space, *pod, *uid, *node; /* NULL where the alert names none */
	struct json_object *object;	     /* the pod as the guard read it; NULL: none */
	const struct text_list *may_touch;   /* protected namespaces that the rule names */
	struct text_map *contexts;	     /* what additional_contexts found */
	int64_t until_ms;		     /* CLOCK_MONOTONIC: when it is given up */
	/* Given back: */
	struct buffer result;	    /* words for people: what was done */
	struct json_object *memory; /* what undo() needs; NULL: nothing to undo */
	struct buffer artifact;	    /* what an output stores */
	char artifact_name[256];    /* a file's name, as a path */
};

#define RESULT_MAX   (16 * 1024)
#define ARTIFACT_MAX (64 * 1024 * 1024)

/* What run() and undo() return beside errors. */
enum { ACTION_DONE = 0, ACTION_IGNORED = 1 };

struct action {
	const char *name; /* "kubernetes:label" */
	const char *about;
	enum action_target target;
	bool continues;	     /* the default of continue */
	bool is_repeatable;  /* doing it twice is as doing it once: may be done again after a crash
			      */
	bool makes_artifact; /* and therefore needs an output */
	bool acts_on_node;   /* queued with its node, not with the workload */
	const struct setting *rows;
	size_t row_count, parameters_size;
	const struct action_need *needs;
	/* Of the parameters; may be NULL. */
	int (*check)(const void *parameters, struct error *err);
	/* ACTION_DONE, ACTION_IGNORED; -EAGAIN to be tried again; else it failed. */
	int (*run)(struct run *run, const void *parameters, struct error *err);
	/* With what run() left in .memory. NULL: cannot be undone. */
	int (*undo)(struct run *run, const void *parameters, struct json_object *memory,
		struct error *err);
};

extern const struct action *const actions[];
extern const size_t action_count;

/* By exact name, or NULL. */
const struct action *action_find(struct text name);
