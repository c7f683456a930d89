/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DogStatsD: StatsD with tags.
 */
#include "base/memory.h"
#include "forwarder/counters.h"
#include "forwarder/outputs/statsd.h"

static const struct setting rows[] = {
	STATSD_ROWS,
	OUTPUT_ROW_LIST(statsd, tags, "tags", "Tags of all counters, such as env:test"),
};

static int check(const void *settings, struct error *err)
{
	return statsd_check("dogstatsd.forwarder", settings, err);
}

static void tell(const struct counters *counters, const void *settings, struct request *request)
{
	statsd_tell(counters, settings, STATSD_DOG, request);
}

const struct output output_dogstatsd = {
	.name = "dogstatsd",
	.title = "DogStatsD",
	.about = "Sends what the forwarder counts to Datadog's agent",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct statsd),
	.is_enabled = statsd_is_enabled,
	.check = check,
	.interval_ms = statsd_interval_ms,
	.tell = tell,
	.open = statsd_open,
	.send = statsd_send,
	.close = statsd_close,
};
