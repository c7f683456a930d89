/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: a hash table of series behind one lock, which is taken only where a series is looked
 * up or everything is printed; changing a value is one atomic add. Labels may come from alerts,
 * so the number of series has a ceiling.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "base/metrics.h"

#define SERIES_MAX 10000

struct series {
	UT_hash_handle hh;
	char *key; /* NAME or NAME{LABELS} */
	size_t name_length;
	char *about;
	const char *type;
	metric value;
};

struct metrics {
	pthread_mutex_t lock;
	struct series *series; /* by key */
	size_t count;
	metric shared; /* what all series beyond the ceiling change */
	_Atomic uint64_t overflow;
};

struct metrics *metrics_new(void)
{
	struct metrics *metrics = NEW(struct metrics);

	pthread_mutex_init(&metrics->lock, NULL);
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	struct series *series, *next;

	if (!metrics)
		return;
	HASH_ITER (hh, metrics->series, series, next) {
		HASH_DEL(metrics->series, series);
		free(series->key);
		free(series->about);
		free(series);
	}
	pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}

static struct series *series_add(
	struct metrics *metrics, char *key, const char *name, const char *about, const char *type)
{
	struct series *series = NEW(struct series);

	series->key = key;
	series->name_length = strlen(name);
	series->about = string_copy(about);
	series->type = type;
	HASH_ADD_KEYPTR(hh, metrics->series, series->key, strlen(series->key), series);
	metrics->count++;
	return series;
}

static metric *series_get(struct metrics *metrics, const char *name, const char *about,
	const char *labels, const char *type)
{
	bool has_labels = labels && *labels;
	char *key = has_labels ? string_printf("%s{%s}", name, labels) : string_copy(name);
	struct series *series;
	metric *value = &metrics->shared;

	pthread_mutex_lock(&metrics->lock);
	HASH_FIND(hh, metrics->series, key, strlen(key), series);
	if (series) {
		value = &series->value;
	} else if (metrics->count < SERIES_MAX) {
		value = &series_add(metrics, key, name, about, type)->value;
		key = NULL;
	} else {
		metrics->overflow++;
	}
	pthread_mutex_unlock(&metrics->lock);
	free(key);
	return value;
}

metric *metrics_counter(
	struct metrics *metrics, const char *name, const char *about, const char *labels)
{
	return series_get(metrics, name, about, labels, "counter");
}

metric *metrics_gauge(
	struct metrics *metrics, const char *name, const char *about, const char *labels)
{
	return series_get(metrics, name, about, labels, "gauge");
}

uint64_t metrics_overflow(const struct metrics *metrics)
{
	return metrics->overflow;
}

/* Label values escape backslash, quote and line feed; everything else is UTF-8 as it is. */
void metrics_label(struct buffer *labels, const char *name, struct text value)
{
	struct buffer clean;

	buffer_init(&clean, labels->limit);
	buffer_add_utf8(&clean, value);
	buffer_printf(labels, "%s%s=\"", labels->length ? "," : "", name);
	for (size_t i = 0; i < clean.length; i++) {
		char c = clean.data[i];

		if (c == '\\' || c == '"')
			buffer_add_char(labels, '\\');
		if (c == '\n')
			buffer_add_string(labels, "\\n");
		else
			buffer_add_char(labels, c);
	}
	buffer_add_char(labels, '"');
	buffer_done(&clean);
}

static struct text series_name(const struct series *series)
{
	return (struct text){ series->key, series->name_length };
}

static int by_name(const void *a, const void *b)
{
	const struct series *const *left = a, *const *right = b;
	int order = text_compare(series_name(*left), series_name(*right));

	return order ? order : strcmp((*left)->key, (*right)->key);
}

static void series_write(
	const struct series *series, const struct series *before, struct buffer *out)
{
	struct text name = series_name(series);

	if (!before || !text_equal(series_name(before), name)) {
		buffer_printf(out, "# HELP " TEXT_FORMAT " %s\n", TEXT_PRINT(name), series->about);
		buffer_printf(out, "# TYPE " TEXT_FORMAT " %s\n", TEXT_PRINT(name), series->type);
	}
	buffer_add_string(out, series->key);
	buffer_printf(out, " %lld\n", (long long)series->value);
}

void metrics_write(struct metrics *metrics, struct buffer *out)
{
	struct series **sorted, *series, *next;
	size_t count = 0;

	pthread_mutex_lock(&metrics->lock);
	sorted = NEW_ARRAY(struct series *, metrics->count + 1);
	HASH_ITER (hh, metrics->series, series, next)
		sorted[count++] = series;
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < count; i++)
		series_write(sorted[i], i ? sorted[i - 1] : NULL, out);
	pthread_mutex_unlock(&metrics->lock);
	free(sorted);
}
