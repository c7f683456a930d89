/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StatsD: what labels say is a part of the name.
 */
#include "base/memory.h"
#include "forwarder/counters.h"
#include "forwarder/outputs/statsd.h"

static const struct setting rows[] = {
	STATSD_ROWS,
};

static int check(const void *settings, struct error *err)
{
	return statsd_check("statsd.forwarder", settings, err);
}

static void tell(const struct counters *counters, const void *settings, struct request *request)
{
	statsd_tell(counters, settings, STATSD_PLAIN, request);
}

const struct output output_statsd = {
	.name = "statsd",
	.title = "StatsD",
	.about = "Sends what the forwarder counts to a StatsD server",
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
