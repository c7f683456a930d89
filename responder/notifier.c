/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What notifiers share.
 */
#include <errno.h>
#include <stdlib.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/memory.h"
#include "responder/notifier.h"
#include "responder/outputs.h"

const struct notifier *notifier_find(const char *name)
{
	for (size_t i = 0; i < notifier_count; i++)
		if (!strcmp(name, notifiers[i]->name))
			return notifiers[i];
	return NULL;
}

int notifier_check(const char *name, struct error *err)
{
	return notifier_find(name) ? 0
				   : error_set(err, -EINVAL, "there is no notifier \"%s\"", name);
}

static struct settings_table table_of(const struct notifier *notifier)
{
	return (struct settings_table){
		.program = notifier->name, .rows = notifier->rows, .count = notifier->row_count
	};
}

int notifier_settings(const struct notifier *notifier, const char *file,
	const struct yaml_node *all, void **ret_settings, struct error *err)
{
	struct settings_table table = table_of(notifier);
	const struct yaml_node *own = yaml_get(all, notifier->name);
	void *settings = memory_new(1, notifier->settings_size + 1);
	int r = 0;

	settings_defaults(&table, settings);
	if (own && own->kind == YAML_MAPPING) {
		r = settings_from_yaml(&table, settings, file, own, NULL, NULL, err);
		if (!r && notifier->check)
			r = notifier->check(settings, err);
	}
	if (r < 0) {
		notifier_settings_free(notifier, settings);
		return error_prefix(err, "notifiers.%s", notifier->name);
	}
	*ret_settings = settings;
	return 0;
}

void notifier_settings_free(const struct notifier *notifier, void *settings)
{
	struct settings_table table = table_of(notifier);

	if (!settings)
		return;
	settings_done(&table, settings);
	free(settings);
}

int notifier_post(const struct telling *telling, const struct http_call *call, struct error *err)
{
	struct http_answer answer = { 0 };
	int r = http_client_perform(telling->http, call, &answer);

	if (r < 0)
		r = error_set(err, r == -EINVAL ? r : -EAGAIN, "%s: %s", call->url, answer.message);
	else if (answer.status >= 300)
		r = error_set(err,
			answer.status >= 500 || answer.status == 429 || answer.status == 408
				? -EAGAIN
				: -EIO,
			"%s answered %u", call->url, answer.status);
	http_answer_done(&answer);
	return r;
}

int notifier_send(const struct telling *telling, const struct request *request, struct error *err)
{
	_cleanup_(freep) const char **headers = request_lines(request);

	return notifier_post(telling,
		&(struct http_call){ .method = request->method,
			.url = request->url.data,
			.headers = headers,
			.body = buffer_text(&request->body) },
		err);
}

int64_t note_time_ns(struct json_object *note)
{
	int64_t time_ns = 0;

	if (time_parse(json_get_text(note, "time"), &time_ns) < 0)
		time_ns = clock_ns(CLOCK_REALTIME);
	return time_ns;
}

const char *note_text(struct json_object *note, const char *key)
{
	struct json_object *value = json_get(note, key);

	return value ? json_object_get_string(value) : "";
}
