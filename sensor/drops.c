/* SPDX-License-Identifier: Apache-2.0 */
/* Lost events: how many are too many, and what is done then. */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/drops.h"
#include "sensor/sensor.h"

/* What a test of the actions pretends to lose in a second. */
#define SIMULATED_EVENTS 100
#define SIMULATED_DROPS	 50

static int number_parse(
	const char *key, const char *text, double maximum, double *ret_number, struct error *err)
{
	char *end;
	double number = strtod(text, &end);

	if (!*text || *end || !(number >= 0 && number <= maximum))
		return error_set(err, -EINVAL,
			"syscall_event_drops.%s: \"%s\" is no number from 0 to %g", key, text,
			maximum);
	*ret_number = number;
	return 0;
}

static int actions_parse(const struct text_list *list, unsigned *ret_actions, struct error *err)
{
	static const struct {
		const char *name;
		unsigned action;
	} rows[] = { { "log", DROP_LOG }, { "alert", DROP_ALERT }, { "exit", DROP_EXIT },
		{ "ignore", 0 } };
	unsigned actions = 0;
	bool ignores = false;

	for (size_t i = 0; i < list->count; i++) {
		size_t at = 0;

		while (at < COUNT_OF(rows) && strcmp(list->items[i], rows[at].name))
			at++;
		if (at == COUNT_OF(rows))
			return error_set(err, -EINVAL,
				"syscall_event_drops.actions: \"%s\" is none of: ignore log alert "
				"exit",
				list->items[i]);
		actions |= rows[at].action;
		ignores |= !rows[at].action;
	}
	if (ignores && actions & (DROP_LOG | DROP_ALERT))
		return error_set(err, -EINVAL,
			"syscall_event_drops.actions: \"ignore\" cannot stand beside \"log\" or "
			"\"alert\"");
	*ret_actions = actions;
	return 0;
}

int drop_settings_parse(
	const struct sensor_options *options, struct drop_settings *ret_settings, struct error *err)
{
	struct drop_settings settings = {
		.burst = (double)options->drops_burst,
		.simulates = options->drops_simulated,
	};
	int r = number_parse("threshold", options->drops_threshold, 1, &settings.threshold, err);

	if (r >= 0)
		r = number_parse("rate", options->drops_rate, 1000000, &settings.rate, err);
	if (r >= 0)
		r = actions_parse(&options->drops_actions, &settings.actions, err);
	if (r >= 0)
		*ret_settings = settings;
	return r;
}

static void subtract(const struct source_counters *now, const struct source_counters *before,
	struct source_counters *ret_difference)
{
	*ret_difference = (struct source_counters){
		.events = now->kernel_calls - before->kernel_calls,
		.dropped = now->dropped - before->dropped,
		.dropped_slots = now->dropped_slots - before->dropped_slots,
		.dropped_missed = now->dropped_missed - before->dropped_missed,
	};
	for (size_t i = 0; i < DROP_CLASS_COUNT; i++)
		ret_difference->dropped_by_class[i] =
			now->dropped_by_class[i] - before->dropped_by_class[i];
}

static bool take_token(
	struct drop_watch *watch, const struct drop_settings *settings, int64_t now_ms)
{
	double gained = (double)(now_ms - watch->filled_ms) / 1000 * settings->rate;

	watch->tokens = watch->has_begun ? MIN_OF(watch->tokens + gained, settings->burst)
					 : settings->burst;
	watch->has_begun = true;
	watch->filled_ms = now_ms;
	if (watch->tokens < 1)
		return false;
	watch->tokens -= 1;
	return true;
}

unsigned drop_watch_look(struct drop_watch *watch, const struct drop_settings *settings,
	const struct source_counters *now, int64_t now_ms, struct source_counters *ret_lost)
{
	subtract(now, &watch->before, ret_lost);
	watch->before = *now;
	if (settings->simulates) {
		ret_lost->events += SIMULATED_EVENTS;
		ret_lost->dropped += SIMULATED_DROPS;
		ret_lost->dropped_by_class[DROP_OTHER_INTEREST] += SIMULATED_DROPS;
	}
	if (!ret_lost->dropped ||
		(double)ret_lost->dropped <= settings->threshold * (double)ret_lost->events)
		return 0;
	watch->detected++;
	if (!take_token(watch, settings, now_ms))
		return 0;
	watch->acted++;
	return settings->actions;
}
