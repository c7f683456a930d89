/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture is a recording that joins the stream: it begins with the state as it is and with the
 * record that made the rule match.
 */
#include <inttypes.h>

#include "base/memory.h"
#include "sensor/captures.h"
#include "sensor/sources/recording.h"

#define MEGABYTE (UINT64_C(1) << 20)

enum capture_mode { CAPTURE_RULES, CAPTURE_ALL_RULES };

struct captures {
	const struct sensor_options *options;
	struct source *source;
	struct recorder *recorder; /* of the one that runs */
	char *path;
	int64_t until_ms;
	bool has_failed; /* which was told */
};

struct captures *captures_new(const struct sensor_options *options, struct source *source)
{
	struct captures *captures;

	if (!options->captures)
		return NULL;
	if (!source || !source->operations->capture) {
		log_warning("capture.enabled has no effect: only the kernel's events are captured");
		return NULL;
	}
	if (*options->record_file) {
		log_warning("capture.enabled has no effect: sensor.record_file keeps everything");
		return NULL;
	}
	captures = NEW(struct captures);
	captures->options = options;
	captures->source = source;
	return captures;
}

static void end(struct captures *captures)
{
	struct error err = {};
	uint64_t records;

	if (!captures->recorder)
		return;
	captures->source->operations->capture(captures->source, NULL);
	records = recorder_records(captures->recorder);
	if (recorder_close(TAKE(captures->recorder), &err) < 0)
		log_error("capture: %s", err.message);
	else
		log_info("capture %s: %" PRIu64 " records", captures->path, records);
	free(TAKE(captures->path));
}

void captures_free(struct captures *captures)
{
	if (!captures)
		return;
	end(captures);
	free(captures);
}

/* PREFIX_TIME_NUMBER as Falco names them. */
static void begin(struct captures *captures, const struct rule *rule, const struct event *event)
{
	const struct sensor_options *options = captures->options;
	struct error err = {};

	captures->path = string_printf("%s_%020" PRIu64 "_%020" PRIu64 ".tercel",
		options->capture_prefix, event->time_ns, event->number);
	if (recorder_new(captures->path, (uint64_t)options->capture_megabytes * MEGABYTE,
		    &captures->recorder, &err) < 0) {
		if (!captures->has_failed)
			log_error("capture: %s", err.message);
		captures->has_failed = true;
		free(TAKE(captures->path));
		return;
	}
	captures->has_failed = false;
	log_info("capture %s: begins, rule \"%s\" matched", captures->path, rule->name);
	captures->source->operations->capture(captures->source, captures->recorder);
}

void captures_take(struct captures *captures, const struct rule *rule, const struct event *event,
	int64_t now_ms)
{
	int64_t duration_ms;

	if (!captures || (!rule->captures && captures->options->capture_mode != CAPTURE_ALL_RULES))
		return;
	if (!captures->recorder)
		begin(captures, rule, event);
	duration_ms = rule->capture_duration_ms ? rule->capture_duration_ms
						: captures->options->capture_ms;
	if (captures->recorder)
		captures->until_ms = MAX_OF(captures->until_ms, now_ms + duration_ms);
}

void captures_keep_up(struct captures *captures, int64_t now_ms)
{
	if (captures && captures->recorder && now_ms >= captures->until_ms)
		end(captures);
}
