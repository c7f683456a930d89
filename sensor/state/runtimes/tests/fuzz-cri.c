/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of a hostile CRI runtime: the first byte chooses the step, or the list of images, the
 * rest is the message.
 */
#include "sensor/state/runtimes/runtime.h"

#define IMAGES 0x7f

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads what it is told, so that a text that points elsewhere is found. */
static void free_facts(void *context, struct text image, struct image_facts *facts)
{
	*(size_t *)context += text_find(image, TEXT("@")) >= 0;
	image_facts_free(facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_answer answer = { .status = 200 };
	struct fetch fetch = { .id = TEXT("1234"), .prefix = "runtime.v1" };
	struct error err = { 0 };
	size_t length = size ? size - 1 : 0, digests = 0;
	uint8_t head[5] = { 0, (uint8_t)(length >> 24), (uint8_t)(length >> 16),
		(uint8_t)(length >> 8), (uint8_t)length };

	if (!size)
		return 0;
	fetch.metadata = metadata_new("containerd");
	fetch.sandbox_id = TEXT("1234");
	fetch.is_no_container = data[0] & 0x80;
	buffer_init(&answer.body, ANSWER_BYTES_MAX);
	buffer_add(&answer.body, head, sizeof(head));
	buffer_add(&answer.body, data + 1, length);
	if (data[0] == IMAGES)
		runtime_cri.take_images(&answer, free_facts, &digests);
	else
		(void)runtime_cri.steps[data[0] % runtime_cri.step_count].take(
			&fetch, &answer, &err);
	metadata_finish(fetch.metadata);
	http_answer_done(&answer);
	metadata_release(fetch.metadata);
	pod_release(fetch.ret_pod);
	image_facts_free(fetch.ret_facts);
	return 0;
}
