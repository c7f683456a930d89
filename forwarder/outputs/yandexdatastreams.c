/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Yandex Data Streams: the raw event as a record, in Kinesis' language.
 */
#include "base/memory.h"
#include "forwarder/outputs/kinesis.h"
#include "forwarder/outputs/yandex.h"

struct yandexdatastreams {
	struct output_settings common;
	const struct yandex_settings *yandex;
	char *stream, *endpoint;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(yandexdatastreams, stream, "streamname", NULL,
		"Full name of the stream, /REGION/FOLDER/DATABASE/NAME; switches the output on"),
	OUTPUT_ROW_TEXT(yandexdatastreams, endpoint, "endpoint",
		"https://yds.serverless.yandexcloud.net", "Address of the service"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct yandexdatastreams *)settings)->stream);
}

static int check(const void *settings, struct error *err)
{
	const struct yandexdatastreams *streams = settings;
	int r = yandex_check(streams->yandex, err);

	return r < 0 ? r : check_url("yandex.datastreams.endpoint", streams->endpoint, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct yandexdatastreams *streams = settings;

	request_url(request, streams->endpoint, "/");
	kinesis_compose(request, &messages->items[0], streams->stream);
}

static int sign(struct request *request, const struct preparing *at, struct error *err)
{
	(void)err;
	return yandex_sign(request, at, "kinesis");
}

const struct output output_yandexdatastreams = {
	.name = "yandexdatastreams",
	.key = "yandex.datastreams",
	.title = "YandexDataStreams",
	.about = "Puts each alert into a stream of Yandex",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct yandexdatastreams),
	.group = &yandex_group,
	.group_at = offsetof(struct yandexdatastreams, yandex),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.sign = sign,
	.verdict = aws_verdict,
};
