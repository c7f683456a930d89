/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime is asked about as a whole, so that one container's answer needs fewer calls: its
 * images with their digests, and where it keeps its files.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "sensor/state/runtimes/thread.h"

/* What a list that hangs may keep a container's own questions back. */
#define LIST_WAIT_MS 250

static void remember_image(void *context, struct text key, struct image_facts *facts)
{
	struct runtime *runtime = context;

	/* One without digests has nothing to tell, and may get some. */
	if (key.length && facts->digest_count)
		remember(&runtime->images, key, (struct remembered){ .facts = facts });
	else
		image_facts_free(facts);
}

static void take_images(void *context, struct http_answer *answer)
{
	struct runtime *runtime = context;

	runtime->calls--;
	runtime->is_listing = false;
	if (!answer->error)
		runtime->socket.kind->take_images(answer, remember_image, runtime);
}

void survey_images(struct runtime *runtime)
{
	const struct runtime_kind *kind = runtime->socket.kind;
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	if (!kind->compose_images || runtime->is_listing ||
		(runtime->listed_ms && now < runtime->listed_ms + kind->list_images_every_ms))
		return;
	runtime->listed_ms = now;
	request_reset(&runtime->images_request);
	kind->compose_images(kind->prefixes[runtime->version], &runtime->images_request);
	runtime->is_listing =
		send_request(runtime, &runtime->images_request, take_images, runtime) == 0;
}

bool survey_may_tell(const struct runtime *runtime)
{
	return runtime->is_listing && clock_ms(CLOCK_MONOTONIC) < runtime->listed_ms + LIST_WAIT_MS;
}

static void take_root(void *context, struct http_answer *answer)
{
	struct runtime *runtime = context;
	const char *host_root = runtime->owner->sockets.host_root;
	struct kept kept = { 0 };
	struct text root = { 0 };

	runtime->calls--;
	runtime->is_asking_root = false;
	if (!answer->error)
		root = runtime->socket.kind->take_root(answer, &kept);
	if (root.data) {
		free(runtime->root);
		runtime->root = string_printf(
			"%s" TEXT_FORMAT, host_root ? host_root : "", TEXT_PRINT(root));
	}
	kept_done(&kept);
}

static void ask_root(struct runtime *runtime)
{
	const struct runtime_kind *kind = runtime->socket.kind;

	if (!kind->compose_root || runtime->is_asking_root)
		return;
	request_reset(&runtime->root_request);
	kind->compose_root(kind->prefixes[runtime->version], &runtime->root_request);
	runtime->is_asking_root =
		send_request(runtime, &runtime->root_request, take_root, runtime) == 0;
}

void survey(struct runtime *runtime)
{
	ask_root(runtime);
	survey_images(runtime);
}

void survey_forget(struct runtime *runtime)
{
	free(TAKE(runtime->root));
	runtime->listed_ms = 0;
}
