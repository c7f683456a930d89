/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Yandex Cloud.
 */
#include <errno.h>

#include "base/memory.h"
#include "forwarder/outputs/yandex.h"

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(
		yandex_settings, access_key, "accesskeyid", NULL, "Id of the static access key"),
	OUTPUT_ROW_SECRET(yandex_settings, secret_key, "secretaccesskey", "Its secret"),
	OUTPUT_ROW_TEXT(yandex_settings, region, "region", "ru-central1", "Region"),
};

const struct output_group yandex_group = {
	.name = "yandex",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.size = sizeof(struct yandex_settings),
};

int yandex_check(const struct yandex_settings *yandex, struct error *err)
{
	if (is_set(yandex->access_key) && is_set(yandex->secret_key))
		return 0;
	return error_set(err, -EINVAL,
		"yandex.accesskeyid and yandex.secretaccesskey must be set (a static access key "
		"of a service account)");
}

int yandex_sign(struct request *request, const struct preparing *at, const char *service)
{
	const struct yandex_settings *yandex = at->group;
	struct aws_identity identity = { .access_key = yandex->access_key,
		.secret_key = yandex->secret_key,
		.region = yandex->region,
		.service = service };

	aws_sign_at(request, &identity, at->now);
	return 0;
}
