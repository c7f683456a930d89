/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the outputs for Amazon's services have in common.
 */
#include <errno.h>

#include "base/memory.h"
#include "forwarder/aws.h"

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(aws_settings, access_key, "accesskeyid", NULL,
		"Access key; else keys come from the environment, a web identity, a profile, the "
		"container's agent, or the machine"),
	OUTPUT_ROW_SECRET(aws_settings, secret_key, "secretaccesskey", "Its secret"),
	OUTPUT_ROW_TEXT(aws_settings, region, "region", NULL, "Region, such as eu-central-1"),
	OUTPUT_ROW_TEXT(aws_settings, role, "rolearn", NULL, "Role to assume"),
	OUTPUT_ROW_TEXT(aws_settings, external_id, "externalid", NULL, "External id for rolearn"),
	OUTPUT_ROW_IGNORED(
		"checkidentity", "true", "the first request shows whether keys are good"),
	OUTPUT_ROW_IGNORED("useimds", "false", "the machine is asked when nothing else has keys"),
};

const struct output_group aws_group = {
	.name = "aws",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.size = sizeof(struct aws_settings),
};

int aws_check(const struct aws_settings *aws, struct error *err)
{
	if (!is_set(aws->region))
		return error_set(err, -EINVAL, "aws.region (AWS_REGION) must be set");
	if (is_set(aws->access_key) != is_set(aws->secret_key))
		return error_set(err, -EINVAL,
			"aws.accesskeyid and aws.secretaccesskey belong together; set both, or "
			"neither");
	return 0;
}

int aws_prepare(const struct preparing *at, struct request *request, struct error *err)
{
	return aws_keys_prepare(at->memory, at->group, at->now, request, err);
}

enum verdict aws_learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err)
{
	return aws_keys_learn(at->memory, answer, err) < 0 ? VERDICT_OUTPUT_REFUSED : VERDICT_SENT;
}

void aws_forget(void *memory)
{
	aws_keys_forget(memory);
}

int aws_sign(
	struct request *request, const struct preparing *at, const char *service, struct error *err)
{
	struct aws_signing signing = { at->group, at->memory, service, at->now };

	return aws_keys_sign(request, &signing, err);
}

/* Names of errors, as JSON and XML answers hold them. */
static const struct {
	struct text name;
	enum verdict verdict;
} errors[] = {
	{ { "Throttl", 7 }, VERDICT_LATER },
	{ { "ProvisionedThroughputExceeded", 29 }, VERDICT_LATER },
	{ { "RequestTimeout", 14 }, VERDICT_LATER },
	{ { "Expired", 7 }, VERDICT_OUTPUT_REFUSED },
	{ { "UnrecognizedClient", 18 }, VERDICT_OUTPUT_REFUSED },
	{ { "InvalidClientTokenId", 20 }, VERDICT_OUTPUT_REFUSED },
	{ { "InvalidSignature", 16 }, VERDICT_OUTPUT_REFUSED },
	{ { "IncompleteSignature", 19 }, VERDICT_OUTPUT_REFUSED },
	{ { "MissingAuthenticationToken", 26 }, VERDICT_OUTPUT_REFUSED },
	{ { "AccessDenied", 12 }, VERDICT_OUTPUT_REFUSED },
	{ { "OptInRequired", 13 }, VERDICT_OUTPUT_REFUSED },
	{ { "ResourceNotFound", 16 }, VERDICT_OUTPUT_REFUSED },
	{ { "NonExistentQueue", 16 }, VERDICT_OUTPUT_REFUSED },
	{ { "QueueDoesNotExist", 17 }, VERDICT_OUTPUT_REFUSED },
	{ { "AuthorizationHeaderMalformed", 28 }, VERDICT_OUTPUT_REFUSED },
};

enum verdict aws_verdict(const struct http_answer *answer)
{
	struct text words = buffer_text(&answer->body);

	if (answer->status == 400)
		for (size_t i = 0; i < COUNT_OF(errors); i++)
			if (text_contains(words, errors[i].name))
				return errors[i].verdict;
	return verdict_of_answer(answer);
}
