/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's REST API: one call for the container, and one for its image, whose digests the first
 * does not tell. While a container is being started Docker answers only afterwards.
 */
#include <errno.h>

#include "base/memory.h"
#include "sensor/state/runtimes/inspect.h"

void image_facts_free(struct image_facts *facts)
{
	if (!facts)
		return;
	kept_done(&facts->kept);
	free(facts);
}

/* Without a version in the path the daemon speaks its own. */
static void compose_version(const char *prefix, struct request *request)
{
	snprintf(request->path, sizeof(request->path), "%s/version", prefix);
	request->is_get = true;
}

static int take_version(
	const struct http_answer *answer, struct buffer *ret_about, struct error *err)
{
	_cleanup_(json_putp) struct json_object *version = NULL;
	int r = rest_take(answer, &version, err);
	struct kept kept = { 0 };

	if (r < 0)
		return r;
	buffer_add_string(ret_about, "docker ");
	buffer_add_text(ret_about, keep_text_up_to(&kept, json_get_text(version, "Version"), 64));
	kept_done(&kept);
	return 0;
}

static bool compose_container(const struct fetch *fetch, struct request *request)
{
	snprintf(request->path, sizeof(request->path), "%s/containers/" TEXT_FORMAT "/json",
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

static bool compose_image(const struct fetch *fetch, struct request *request)
{
	if (fetch->facts || !fetch->image.length || text_contains(fetch->image, TEXT("/")))
		return false;
	snprintf(request->path, sizeof(request->path), "%s/images/sha256:" TEXT_FORMAT "/json",
		fetch->prefix, TEXT_PRINT(fetch->image));
	request->is_get = true;
	return true;
}

static struct image_facts *facts_of(struct json_object *image)
{
	struct image_facts *facts = NEW(struct image_facts);

	facts->id = keep_text(&facts->kept, id_without_algorithm(json_get_text(image, "Id")));
	facts->tag_count = texts_of_array(&facts->kept, json_get(image, "RepoTags"), facts->tags);
	facts->digest_count =
		texts_of_array(&facts->kept, json_get(image, "RepoDigests"), facts->digests);
	return facts;
}

static int take_image(struct fetch *fetch, const struct http_answer *answer, struct error *err)
{
	_cleanup_(json_putp) struct json_object *image = NULL;

	/* The image may be gone while its container lives on. */
	if (rest_take(answer, &image, err) == 0)
		fetch->ret_facts = facts_of(image);
	return 0;
}

static void compose_images(const char *prefix, struct request *request)
{
	snprintf(request->path, sizeof(request->path), "%s/images/json", prefix);
	request->is_get = true;
}

static void take_images(const struct http_answer *answer, image_witness *tell, void *context)
{
	_cleanup_(json_putp) struct json_object *images = NULL;
	struct error err = { 0 };

	if (rest_take(answer, &images, &err) < 0 || !json_object_is_type(images, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(images); i++) {
		struct image_facts *facts = facts_of(json_object_array_get_idx(images, i));

		tell(context, facts->id, facts);
	}
}

static void compose_root(const char *prefix, struct request *request)
{
	snprintf(request->path, sizeof(request->path), "%s/info", prefix);
	request->is_get = true;
}

static struct text take_root(const struct http_answer *answer, struct kept *kept)
{
	_cleanup_(json_putp) struct json_object *about = NULL;
	struct error err = { 0 };
	struct text root;

	if (rest_take(answer, &about, &err) < 0)
		return (struct text){ 0 };
	root = json_get_text(about, "DockerRootDir");
	return text_starts_with(root, TEXT("/")) ? keep_text(kept, root) : (struct text){ 0 };
}

static const char *const prefixes[] = { "", NULL };

static const struct step steps[] = {
	{ compose_container, take_container },
	{ compose_image, take_image },
};

const struct runtime_kind runtime_docker = {
	.name = "docker",
	.prefixes = prefixes,
	.compose_version = compose_version,
	.take_version = take_version,
	.steps = steps,
	.step_count = COUNT_OF(steps),
	.list_images_every_ms = 1000, /* it adds up the sizes of layers each time */
	.compose_images = compose_images,
	.take_images = take_images,
	.compose_root = compose_root,
	.take_root = take_root,
	.read_files = docker_files_read,
};
