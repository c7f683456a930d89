/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the outputs for Google's services have in common.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/gcp.h"

#define ACCOUNT_MAX (64 * 1024)

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(gcp_settings, credentials, "credentials",
		"The service account's key file, in base64; else the application default "
		"credentials, or the account of the pod or machine"),
	OUTPUT_ROW_IGNORED(
		"workloadidentity", "false", "the pod's account is used when credentials is empty"),
	OUTPUT_ROW_IGNORED(
		"minimumpriority", "", "it is set for each output, as gcp.pubsub.minimumpriority"),
	OUTPUT_ROW_IGNORED("customattributes", NULL, "they are set as gcp.pubsub.customattributes"),
};

const struct output_group gcp_group = {
	.name = "gcp",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.size = sizeof(struct gcp_settings),
};

int gcp_check(const struct gcp_settings *gcp, struct error *err)
{
	_cleanup_(freep) char *account = NULL;
	struct google_wish wish = { 0 };
	struct buffer url, assertion;
	int r;

	if (!is_set(gcp->credentials))
		return 0;
	account = base64_read(gcp->credentials);
	if (!account)
		return error_set(err, -EINVAL,
			"gcp.credentials must be a service account's key file in base64 (base64 "
			"-w0 key.json)");
	buffer_init(&url, ACCOUNT_MAX);
	buffer_init(&assertion, ACCOUNT_MAX);
	wish.account = text_of(account);
	r = google_assertion(&wish, &url, &assertion, err);
	buffer_done(&url);
	buffer_done(&assertion);
	explicit_bzero(account, strlen(account));
	return r < 0 ? error_prefix(err, "gcp.credentials") : 0;
}

int gcp_prepare(const struct preparing *at, struct request *request, struct error *err)
{
	const struct gcp_settings *gcp = at->group;
	_cleanup_(freep) char *account = NULL;
	struct google_wish wish = { .now = at->now };
	int r;

	if (bearer_is_fresh(at->memory, at->now))
		return PREPARED;
	if (is_set(gcp->credentials)) {
		account = base64_read(gcp->credentials);
		if (!account)
			return error_set(err, -EINVAL, "gcp.credentials is no base64");
		wish.account = text_of(account);
	}
	r = google_ask(&wish, request, err);
	return r < 0 ? r : PREPARE_BY_REQUEST;
}

enum verdict gcp_learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err)
{
	struct google_wish wish = { .now = at->now };

	return google_learn(at->memory, &wish, answer, err) < 0 ? VERDICT_OUTPUT_REFUSED
								: VERDICT_SENT;
}

void gcp_forget(void *memory)
{
	bearer_done(memory);
}

int gcp_sign(struct request *request, const struct preparing *at, struct error *err)
{
	(void)err;
	bearer_sign(at->memory, request);
	return 0;
}
