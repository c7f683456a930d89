/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StatsD and DogStatsD: lines of counters over UDP, many in a datagram.
 */
#pragma once

#include "forwarder/output.h"

struct statsd {
	struct output_settings common;
	char *address, *prefix;
	int64_t interval_ms;
	struct text_list tags; /* DogStatsD's */
};

#define STATSD_ROWS                                                                               \
	OUTPUT_ROW_TEXT(statsd, address, "forwarder", NULL,                                       \
		"The server, such as statsd:8125; switches the output on"),                       \
		OUTPUT_ROW_TEXT(                                                                  \
			statsd, prefix, "namespace", "falcosidekick.", "Beginning of all names"), \
	{                                                                                         \
		.key = "interval", .type = SETTING_DURATION,                                      \
		.at = offsetof(struct statsd, interval_ms), .fallback = "10s",                    \
		.about = "How often what was counted is sent"                                     \
	}

/* What labels become: DogStatsD's tags, or parts of the name. */
enum statsd_form { STATSD_PLAIN, STATSD_DOG };

bool statsd_is_enabled(const void *settings);
int statsd_check(const char *key, const void *settings, struct error *err);
int64_t statsd_interval_ms(const void *settings);
void statsd_tell(const struct counters *counters, const struct statsd *statsd,
	enum statsd_form form, struct request *request);
int statsd_open(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err);
enum verdict statsd_send(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err);
void statsd_close(void *connection);
