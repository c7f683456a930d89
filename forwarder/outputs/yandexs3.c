/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Yandex Object Storage: an object for each alert.
 */
#include "base/memory.h"
#include "forwarder/outputs/object.h"
#include "forwarder/outputs/yandex.h"

struct yandexs3 {
	struct output_settings common;
	const struct yandex_settings *yandex;
	char *bucket, *prefix, *endpoint;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(yandexs3, bucket, "bucket", NULL, "Bucket; switches the output on"),
	OUTPUT_ROW_TEXT(yandexs3, prefix, "prefix", "falco", "Beginning of the keys"),
	OUTPUT_ROW_TEXT(yandexs3, endpoint, "endpoint", "https://storage.yandexcloud.net",
		"Address of the service"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct yandexs3 *)settings)->bucket);
}

static int check(const void *settings, struct error *err)
{
	const struct yandexs3 *yandexs3 = settings;
	int r = yandex_check(yandexs3->yandex, err);

	return r < 0 ? r : check_url("yandex.s3.endpoint", yandexs3->endpoint, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct yandexs3 *yandexs3 = settings;

	request_url(request, yandexs3->endpoint, "/");
	buffer_printf(&request->url, "%s/", yandexs3->bucket);
	object_compose(request, &messages->items[0], yandexs3->prefix);
}

static int sign(struct request *request, const struct preparing *at, struct error *err)
{
	(void)err;
	return yandex_sign(request, at, "s3");
}

const struct output output_yandexs3 = {
	.name = "yandexs3",
	.key = "yandex.s3",
	.title = "YandexS3",
	.about = "Stores each alert as an object in a bucket of Yandex",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct yandexs3),
	.group = &yandex_group,
	.group_at = offsetof(struct yandexs3, yandex),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.sign = sign,
	.verdict = aws_verdict,
};
