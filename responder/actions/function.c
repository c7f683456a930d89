/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks and functions.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "responder/actions/function.h"
#include "responder/contexts.h"

#define WORDS_MAX 2000

int function_check_url(const char *key, const char *url, struct error *err)
{
	struct text text = text_of(url);

	if (text_starts_with(text, TEXT("http://")) || text_starts_with(text, TEXT("https://")))
		return 0;
	return error_set(err, -EINVAL, "%s must begin with http:// or https://", key);
}

static bool was_not_begun(int error, unsigned status)
{
	return error == -ECONNREFUSED || error == -EHOSTUNREACH || status == 429 || status == 503;
}

int function_judge(struct run *run, const char *url, const struct http_answer *answer, int r,
	struct error *err)
{
	struct text words = text_slice(buffer_text(&answer->body), 0, WORDS_MAX);

	if (r < 0 && !answer->error)
		return r; /* no keys, and words are there already */
	if (r < 0)
		return error_set(err,
			was_not_begun(r, 0) ? -EAGAIN
			: r == -EAGAIN	    ? -EIO
					    : r,
			"%s: %s", url, answer->message);
	if (answer->status >= 300)
		return error_set(err, was_not_begun(0, answer->status) ? -EAGAIN : -EIO,
			"%s answered %u: " TEXT_FORMAT, url, answer->status, TEXT_PRINT(words));
	buffer_printf(&run->result, "%s answered %u", url, answer->status);
	if (words.length)
		buffer_printf(&run->result, ": " TEXT_FORMAT, TEXT_PRINT(words));
	buffer_add_text(&run->artifact, buffer_text(&answer->body));
	snprintf(run->artifact_name, sizeof(run->artifact_name), "answer.txt");
	return ACTION_DONE;
}

int function_post(struct run *run, const char *url, const struct text_map *headers,
	const char *const *more_headers, int64_t timeout_ms, struct error *err)
{
	struct http_client *http = http_client_new(1);
	struct http_answer answer = { 0 };
	size_t count = 0, own = headers ? headers->count : 0, more = 0;
	struct buffer body;
	char **lines;
	int r;

	while (more_headers && more_headers[more])
		more++;
	lines = NEW_ARRAY(char *, own + more + 2);
	lines[count++] = string_copy("Content-Type: application/json");
	for (size_t i = 0; i < own; i++)
		lines[count++] = string_printf("%s: %s", headers->keys[i], headers->values[i]);
	for (size_t i = 0; i < more; i++)
		lines[count++] = string_copy(more_headers[i]);
	buffer_init(&body, 2 * ALERT_MAX);
	run_payload(run, &body);
	r = http_client_perform(http,
		&(struct http_call){ .url = url,
			.headers = (const char *const *)lines,
			.body = buffer_text(&body),
			.timeout_ms = timeout_ms },
		&answer);
	r = function_judge(run, url, &answer, r, err);
	http_answer_done(&answer);
	http_client_free(http);
	buffer_done(&body);
	for (size_t i = 0; i < count; i++)
		free(lines[i]);
	free(lines);
	return r;
}
