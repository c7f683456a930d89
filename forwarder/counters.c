/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters at a moment.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/counters.h"

static int compare(const void *a, const void *b)
{
	const struct counter *first = a, *second = b;
	int r = text_compare(first->name, second->name);

	return r ? r : text_compare(first->labels, second->labels);
}

static void see(void *context, struct text name, struct text labels, int64_t value)
{
	struct counters *counters = context;
	struct counter *counter = ARRAY_ADD(counters->items, counters->count, counters->capacity);

	*counter = (struct counter){ { text_to_string(name), name.length },
		{ text_to_string(labels), labels.length }, value, value };
}

struct counters *counters_new(struct metrics *metrics, const struct counters *before)
{
	struct counters *counters = NEW(struct counters);

	counters->now_ns = clock_ns(CLOCK_REALTIME);
	counters->start_ns = before ? before->start_ns : counters->now_ns;
	metrics_each_counter(metrics, see, counters);
	if (counters->count)
		qsort(counters->items, counters->count, sizeof(*counters->items), compare);
	for (size_t i = 0; before && before->count && i < counters->count; i++) {
		const struct counter *old = bsearch(&counters->items[i], before->items,
			before->count, sizeof(*before->items), compare);

		if (old)
			counters->items[i].change -= old->value;
	}
	return counters;
}

void counters_free(struct counters *counters)
{
	if (!counters)
		return;
	for (size_t i = 0; i < counters->count; i++) {
		free((char *)counters->items[i].name.data);
		free((char *)counters->items[i].labels.data);
	}
	free(counters->items);
	free(counters);
}

/* name="value", with \\ \" and \n inside (metrics_label()). */
bool label_next(struct text *rest, struct text *ret_name, struct buffer *ret_value)
{
	size_t at;

	if (!text_split(rest, '=', ret_name) || !rest->length)
		return false;
	for (at = 1; at < rest->length && rest->data[at] != '"'; at++) {
		char c = rest->data[at];

		if (c == '\\' && at + 1 < rest->length) {
			at++;
			c = rest->data[at] == 'n' ? '\n' : rest->data[at];
		}
		buffer_add_char(ret_value, c);
	}
	*rest = text_slice(*rest, at + 2, rest->length); /* the quote, and a comma */
	return true;
}

bool counter_label(const struct counter *counter, const char *name, struct buffer *out)
{
	struct text rest = counter->labels, label;
	struct buffer value;
	bool is_found = false;

	buffer_init(&value, out->limit);
	while (!is_found && label_next(&rest, &label, &value)) {
		is_found = text_is(label, name);
		if (is_found)
			buffer_add_text(out, buffer_text(&value));
		buffer_clear(&value);
	}
	buffer_done(&value);
	return is_found;
}
