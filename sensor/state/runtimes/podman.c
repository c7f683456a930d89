/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Podman's libpod REST API. One call tells all: it names the image and its digest itself.
 */
#include <errno.h>

#include "base/memory.h"
#include "sensor/state/runtimes/inspect.h"

static void compose_version(const char *prefix, struct request *request)
{
	snprintf(request->path, sizeof(request->path), "%s/libpod/version", prefix);
	request->is_get = true;
}

static int take_version(
	const struct http_answer *answer, struct buffer *ret_about, struct error *err)
{
	_cleanup_(json_putp) struct json_object *version = NULL;
	int r = answer->status == 400 ? -ENOENT : rest_take(answer, &version, err);
	struct kept kept = { 0 };

	if (r < 0)
		return r;
	buffer_add_string(ret_about, "podman ");
	buffer_add_text(ret_about, keep_text_up_to(&kept, json_get_text(version, "Version"), 64));
	kept_done(&kept);
	return 0;
}

static bool compose_container(const struct fetch *fetch, struct request *request)
{
	snprintf(request->path, sizeof(request->path), "%s/libpod/containers/" TEXT_FORMAT "/json",
		fetch->prefix, TEXT_PRINT(fetch->id));
	request->is_get = true;
	return true;
}

static int take_container(struct fetch *fetch, const struct http_answer *answer, struct error *err)
{
	_cleanup_(json_putp) struct json_object *inspect = NULL;
	int r = rest_take(answer, &inspect, err);

	return r < 0 ? r : inspect_read(fetch, inspect, err);
}

/* Podman refuses a version that is too old or too new for it with status 400. */
static const char *const prefixes[] = { "/v5.0.0", "/v4.0.0", "/v3.0.0", NULL };

static const struct step steps[] = {
	{ compose_container, take_container },
};

const struct runtime_kind runtime_podman = {
	.name = "podman",
	.prefixes = prefixes,
	.compose_version = compose_version,
	.take_version = take_version,
	.steps = steps,
	.step_count = COUNT_OF(steps),
};
