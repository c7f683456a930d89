/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amazon's shared credentials file: whatever it holds, keys come out whole or not at all. The input
 * is the file, and once more below the head of the profile that is asked for.
 */
#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "forwarder/aws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Neither the fuzzer's own environment nor a machine of Amazon's has a say. */
static void narrow_environment(const char *file)
{
	static const char *const others[] = { "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI" };

	for (size_t i = 0; i < COUNT_OF(others); i++)
		unsetenv(others[i]);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", file, 1);
	setenv("AWS_PROFILE", "mine", 1);
}

static void check_word(const char *word)
{
	struct text text = text_of(word);

	assert(text.length && text_equal(text, text_trim(text)));
	assert(!strchr(word, '\n'));
}

static void read_keys(int fd, const char *before, struct text input)
{
	static const struct aws_settings aws = { .region = (char *)"eu-central-1" };
	struct aws_memory memory = { 0 };
	struct preparing at = { &memory, NULL, &aws, 1795514400 };
	struct error err = { 0 };
	struct request request;

	if (ftruncate(fd, 0) < 0 || pwrite(fd, before, strlen(before), 0) < 0 ||
		pwrite(fd, input.data, input.length, (off_t)strlen(before)) < 0)
		abort();
	request_init(&request);
	if (aws_prepare(&at, &request, &err) < 0) {
		assert(err.message[0] && !memory.own.access_key);
	} else {
		check_word(memory.own.access_key);
		check_word(memory.own.secret_key);
		if (memory.own.token)
			check_word(memory.own.token);
	}
	request_done(&request);
	aws_forget(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = { (const char *)data, size };
	static int fd = -1;

	if (fd < 0) {
		_cleanup_(freep) char *path = NULL;

		fd = memfd_create("credentials", MFD_CLOEXEC);
		path = string_printf("/proc/self/fd/%d", fd);
		narrow_environment(path);
	}
	read_keys(fd, "", input);
	read_keys(fd, "[mine]\naws_access_key_id = A\naws_secret_access_key = B\n", input);
	return 0;
}
