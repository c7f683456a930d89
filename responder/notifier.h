/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifiers tell of what was done: a file in notifiers/ each. What they are told is one JSON
 * object, Talon's log line: {time, status, message, rule, action, actionner, event, objects, error,
 * result, output, output_target, trace_id}; status is success, failure or ignored.
 */
#pragma once

#include "base/http-client.h"
#include "base/request.h"
#include "base/settings.h"
#include "responder/cluster.h"

struct telling {
	struct json_object *note;
	const void *settings; /* of the notifier's rows */
	struct http_client *http;
	struct cluster *cluster; /* NULL: none */
};

struct notifier {
	const char *name;
	const struct setting *rows;
	size_t row_count, settings_size;
	int (*check)(const void *settings, struct error *err);
	/* 0; -EAGAIN to be tried again; else it is given up, with words. */
	int (*tell)(const struct telling *telling, struct error *err);
};

extern const struct notifier *const notifiers[];
extern const size_t notifier_count;
const struct notifier *notifier_find(const char *name);

/* One with its settings, from the mapping below notifiers. (may be NULL). Owned by the caller. */
int notifier_settings(const struct notifier *notifier, const char *file,
	const struct yaml_node *all, void **ret_settings, struct error *err);
void notifier_settings_free(const struct notifier *notifier, void *settings);

/* Posts a body; 2xx is well. -EAGAIN when it may go well later. */
int notifier_post(const struct telling *telling, const struct http_call *call, struct error *err);
/* The same of a request as a value. */
int notifier_send(const struct telling *telling, const struct request *request, struct error *err);
/* When it was told first. */
int64_t note_time_ns(struct json_object *note);
/* A member of the note as text, "" when absent. */
const char *note_text(struct json_object *note, const char *key);
