/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the actions on labels and on annotations share.
 */
#pragma once

#include "responder/action.h"

enum metadata_level { LEVEL_POD, LEVEL_NODE };

struct metadata_settings {
	int level; /* enum metadata_level */
	struct text_map values;
};

#define METADATA_ROW_LEVEL                                                                        \
	{                                                                                         \
		.key = "level", .type = SETTING_CHOICE, .choices = "pod node", .fallback = "pod", \
		.at = offsetof(struct metadata_settings, level),                                  \
		.about = "Whose: the pod's, or its node's"                                        \
	}

#define METADATA_NEEDS                                       \
	{ "", "pods", "patch", false, "level=pod" },         \
	{                                                    \
		"", "nodes", "get patch", true, "level=node" \
	}

int metadata_check(const void *parameters, const char *kind, struct error *err);
/* `kind`: "labels" or "annotations". */
int metadata_run(struct run *run, const void *parameters, const char *kind, struct error *err);
int metadata_undo(struct run *run, struct json_object *memory, const char *kind, struct error *err);

/* A merge patch of an object at a path; what is told of the object is in *ret_object (or NULL). */
int merge_patch(struct run *run, const char *path, struct text body,
	struct json_object **ret_object, struct error *err);
/* The path of the run's pod, and of its node. */
void pod_path(const struct run *run, struct buffer *path);
void node_path(const struct run *run, struct buffer *path);
