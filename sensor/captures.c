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

/* More at a time share the file of the one that ends last. */
#define CAPTURES_MAX 8

enum capture_mode { CAPTURE_RULES, CAPTURE_ALL_RULES };

struct capture {
	char *rule; /* by name: a reload makes new rules */
	char *path;
	struct recorder *recorder; /* NULL: it begins when the rules are done with the event */
	int64_t until_ms;
};

struct captures {
	const struct sensor_options *options;
	struct source *source;
	struct capture items[CAPTURES_MAX];
	size_t count;
	bool has_failed, has_shared; /* which was told */
};

struct captures *captures_new(const struct sensor_options *options, struct source *source)
{
	struct captures *captures;

	if (!options->captures)
		return NULL;
	if (!source || !source->operations->capture) {
		log_warning("capture.enabled is refused: only the kernel's events are captured");
		return NULL;
	}
	captures = NEW(struct captures);
	captures->options = options;
	captures->source = source;
	return captures;
}

/* The last one takes its place. */
static void forget(struct captures *captures, struct capture *capture)
{
	free(capture->rule);
	free(capture->path);
	*capture = captures->items[--captures->count];
}

static void end(struct captures *captures, struct capture *capture)
{
	struct error err = {};
	uint64_t records;

	captures->source->operations->release(captures->source, capture->recorder);
	records = recorder_records(capture->recorder);
	if (recorder_close(TAKE(capture->recorder), &err) < 0)
		log_error("capture: %s", err.message);
	else
		log_info("capture %s: %" PRIu64 " records", capture->path, records);
	forget(captures, capture);
}

static int start(struct captures *captures, struct capture *capture, struct error *err)
{
	uint64_t limit = (uint64_t)captures->options->capture_megabytes * MEGABYTE;
	int r = recorder_new(capture->path, limit, &capture->recorder, err);

	if (r >= 0)
		r = captures->source->operations->capture(captures->source, capture->recorder);
	return r;
}

static void begin(struct captures *captures, struct capture *capture)
{
	struct error err = {};

	if (start(captures, capture, &err) < 0) {
		if (!captures->has_failed)
			log_error("capture: %s", err.message);
		captures->has_failed = true;
		(void)recorder_close(TAKE(capture->recorder), NULL);
		forget(captures, capture);
		return;
	}
	captures->has_failed = false;
	log_info("capture %s: begins, rule \"%s\" matched", capture->path, capture->rule);
}

static void begin_new(struct captures *captures)
{
	for (size_t i = captures->count; i-- > 0;)
		if (!captures->items[i].recorder)
			begin(captures, &captures->items[i]);
}

void captures_free(struct captures *captures)
{
	if (!captures)
		return;
	begin_new(captures);
	while (captures->count)
		end(captures, &captures->items[captures->count - 1]);
	free(captures);
}

/* PREFIX_TIME_NUMBER as Falco names them. */
static char *path_for(const struct captures *captures, const struct event *event)
{
	return string_printf("%s_%020" PRIu64 "_%020" PRIu64 ".tercel",
		captures->options->capture_prefix, event->time_ns, event->number);
}

/* The rule's own, or one that begins with the same event; else NULL. */
static struct capture *find(struct captures *captures, const char *rule, const char *path)
{
	for (size_t i = 0; i < captures->count; i++)
		if (!strcmp(captures->items[i].rule, rule) ||
			!strcmp(captures->items[i].path, path))
			return &captures->items[i];
	return NULL;
}

static struct capture *last_to_end(struct captures *captures, const struct rule *rule)
{
	struct capture *last = &captures->items[0];

	for (size_t i = 1; i < captures->count; i++)
		if (captures->items[i].until_ms > last->until_ms)
			last = &captures->items[i];
	if (!captures->has_shared)
		log_warning("capture: %d run already; what rule \"%s\" matched is in %s",
			CAPTURES_MAX, rule->name, last->path);
	captures->has_shared = true;
	return last;
}

static struct capture *capture_for(
	struct captures *captures, const struct rule *rule, const struct event *event)
{
	_cleanup_(freep) char *path = path_for(captures, event);
	struct capture *capture = find(captures, rule->name, path);

	if (capture)
		return capture;
	if (captures->count == CAPTURES_MAX)
		return last_to_end(captures, rule);
	capture = &captures->items[captures->count++];
	*capture = (struct capture){ .rule = string_copy(rule->name), .path = TAKE(path) };
	return capture;
}

void captures_take(struct captures *captures, const struct rule *rule, const struct event *event,
	int64_t now_ms)
{
	struct capture *capture;
	int64_t duration_ms;

	if (!captures || (!rule->captures && captures->options->capture_mode != CAPTURE_ALL_RULES))
		return;
	capture = capture_for(captures, rule, event);
	duration_ms = rule->capture_duration_ms ? rule->capture_duration_ms
						: captures->options->capture_ms;
	capture->until_ms = MAX_OF(capture->until_ms, now_ms + duration_ms);
}

void captures_keep_up(struct captures *captures, int64_t now_ms)
{
	if (!captures || !captures->count)
		return;
	begin_new(captures);
	for (size_t i = captures->count; i-- > 0;)
		if (now_ms >= captures->items[i].until_ms)
			end(captures, &captures->items[i]);
}
