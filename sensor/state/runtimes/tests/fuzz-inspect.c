/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a hostile Docker or Podman: the first byte chooses the step, the rest is the body. */
#include "sensor/state/runtimes/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_answer answer = { .status = 200 };
	struct fetch fetch = { .id = TEXT("1234"), .prefix = "" };
	struct error err = { 0 };

	if (!size)
		return 0;
	fetch.metadata = metadata_new("docker");
	buffer_init(&answer.body, ANSWER_BYTES_MAX);
	buffer_add(&answer.body, data + 1, size - 1);
	(void)runtime_docker.steps[data[0] % runtime_docker.step_count].take(&fetch, &answer, &err);
	metadata_finish(fetch.metadata);
	http_answer_done(&answer);
	metadata_release(fetch.metadata);
	image_facts_free(fetch.ret_facts);
	return 0;
}
