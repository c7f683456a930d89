/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to clouds.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/secret-file.h"
#include "responder/cloud-call.h"

#define QUESTIONS_MAX 6 /* on the way to keys: three of a machine, one for a role */
#define ANSWER_MAX    (1024 * 1024)

static int send_request(const struct run *run, const struct request *request,
	struct http_answer *answer, struct error *err)
{
	struct http_client *http = http_client_new(1);
	_cleanup_(freep) const char **headers = request_lines(request);
	int64_t left_ms = run->until_ms - clock_ms(CLOCK_MONOTONIC);
	int r;

	r = http_client_perform(http,
		&(struct http_call){ .method = request->method,
			.url = request->url.data,
			.headers = headers,
			.body = buffer_text(&request->body),
			.timeout_ms = MAX_OF(left_ms, 1),
			.answer_max = ANSWER_MAX },
		answer);
	http_client_free(http);
	return r < 0 ? error_set(err, r == -EAGAIN ? -EIO : r, "%s: %s", request->url.data,
			       answer->message)
		     : 0;
}

int cloud_call_plain(const struct cloud_call *call, struct error *err)
{
	return send_request(call->run, call->request, call->answer, err);
}

/* One question on the way to keys; what it says of a failure stands in the answer. */
static int learn_keys(struct run *run, struct aws_memory *memory, const struct request *question,
	struct error *err)
{
	struct http_answer answer = { 0 };
	int r;

	(void)send_request(run, question, &answer, err);
	r = aws_keys_learn(memory, &answer, err);
	http_answer_done(&answer);
	return r;
}

static int find_keys(struct run *run, struct aws_memory *memory, const struct aws_settings *aws,
	struct error *err)
{
	int r = AWS_KEYS_BY_REQUEST;

	for (int i = 0; i <= QUESTIONS_MAX && r == AWS_KEYS_BY_REQUEST; i++) {
		struct request question;

		request_init(&question);
		r = aws_keys_prepare(memory, aws, time(NULL), &question, err);
		if (r == AWS_KEYS_BY_REQUEST && learn_keys(run, memory, &question, err) < 0)
			r = -EACCES;
		request_done(&question);
	}
	return r == AWS_KEYS_BY_REQUEST ? error_set(err, -EACCES, "no keys for AWS were found") : r;
}

int cloud_call_aws(const struct cloud_call *call, const struct aws_settings *aws,
	const char *service, struct error *err)
{
	struct aws_memory memory = { 0 };
	struct aws_signing signing = { aws, &memory, service, time(NULL) };
	int r = find_keys(call->run, &memory, aws, err);

	if (!r)
		r = aws_keys_sign(call->request, &signing, err);
	if (!r)
		r = cloud_call_plain(call, err);
	aws_keys_forget(&memory);
	return r;
}

const char *aws_region(const struct responder_settings *settings)
{
	const char *const given[] = { settings->aws.region, getenv("AWS_REGION"),
		getenv("AWS_DEFAULT_REGION") };

	for (size_t i = 0; i < COUNT_OF(given); i++)
		if (is_set(given[i]))
			return given[i];
	return "";
}

static int read_account(const struct run *run, char **ret_account, struct error *err)
{
	const char *file = run->settings->gcp_credentials;

	*ret_account = NULL;
	return is_set(file) ? secret_file_read(file, ret_account, err) : 0;
}

static int find_token(
	struct run *run, const struct google_wish *wish, struct bearer *bearer, struct error *err)
{
	struct http_answer answer = { 0 };
	struct request question;
	int r;

	request_init(&question);
	r = google_ask(wish, &question, err);
	if (!r) {
		(void)send_request(run, &question, &answer, err);
		r = google_learn(bearer, wish, &answer, err);
	}
	request_done(&question);
	http_answer_done(&answer);
	return r < 0 ? error_prefix(err, "Google") : 0;
}

int cloud_call_google(const struct cloud_call *call, const char *audience, struct error *err)
{
	_cleanup_(freep) char *account = NULL;
	struct bearer bearer = { 0 };
	struct google_wish wish = { .audience = audience, .now = time(NULL) };
	int r = read_account(call->run, &account, err);

	wish.account = text_of(account);
	if (!r)
		r = find_token(call->run, &wish, &bearer, err);
	if (!r) {
		bearer_sign(&bearer, call->request);
		r = cloud_call_plain(call, err);
	}
	bearer_done(&bearer);
	return r;
}

static int ask_machine_for_project(struct run *run, char **ret_project, struct error *err)
{
	struct http_answer answer = { 0 };
	struct request question;
	int r;

	request_init(&question);
	google_ask_machine("project/project-id", &question);
	r = send_request(run, &question, &answer, err);
	if (r < 0 || answer.status != 200)
		r = error_set(err, -EINVAL,
			"no project is known: gcp.credentials_path is not set, nor is "
			"GOOGLE_CLOUD_PROJECT, and this machine is none of Google's");
	else
		*ret_project = text_to_string(text_trim(buffer_text(&answer.body)));
	request_done(&question);
	http_answer_done(&answer);
	return r;
}

int google_project(struct run *run, char **ret_project, struct error *err)
{
	_cleanup_(json_putp) struct json_object *account = NULL;
	_cleanup_(freep) char *file = NULL;
	struct text project;
	int r = read_account(run, &file, err);

	if (r < 0)
		return r;
	if (file && json_parse(text_of(file), &account, NULL, err) < 0)
		return error_prefix(err, "%s", run->settings->gcp_credentials);
	project = json_get_text(account, "project_id");
	if (!project.length)
		project = text_of(getenv("GOOGLE_CLOUD_PROJECT"));
	if (!project.length)
		return ask_machine_for_project(run, ret_project, err);
	*ret_project = text_to_string(project);
	return 0;
}
