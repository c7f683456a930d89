/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: a hash table of series behind one lock, which is taken only where a series is looked
 * up or everything is printed; changing a value is one atomic add. Labels may come from alerts,
 * so the number of series has a ceiling.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/metrics.h"

#define SERIES_MAX 10000

struct series {
	UT_hash_handle hh;
	char *key; /* NAME or NAME{LABELS}; of a histogram NAME_bucket{…}, NAME_sum, NAME_count */
	size_t name_length;
	unsigned bucket; /* of a histogram: in which order they are printed */
	bool is_milli;	 /* thousandths are counted, and whole ones printed */
	char *about;
	const char *type;
	metric value;
};

struct histogram {
	UT_hash_handle hh;
	char *key;
	int64_t bounds_ms[HISTOGRAM_BUCKETS_MAX];
	size_t count;
	metric *buckets[HISTOGRAM_BUCKETS_MAX + 1], *sum, *total;
};

struct metrics {
	pthread_mutex_t lock;
	struct histogram *histograms; /* by key */
	struct series *series;	      /* by key */
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
	struct histogram *histogram, *another;

	if (!metrics)
		return;
	HASH_ITER (hh, metrics->histograms, histogram, another) {
		HASH_DEL(metrics->histograms, histogram);
		free(histogram->key);
		free(histogram);
	}
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

/* NULL: there are too many. Takes the key over, and the lock must be held. */
static struct series *series_find(
	struct metrics *metrics, char *key, const char *name, const char *about, const char *type)
{
	struct series *series;

	HASH_FIND(hh, metrics->series, key, strlen(key), series);
	if (!series && metrics->count < SERIES_MAX)
		return series_add(metrics, key, name, about, type);
	metrics->overflow += !series;
	free(key);
	return series;
}

static char *series_key(const char *name, const char *end, const char *labels)
{
	return labels && *labels ? string_printf("%s%s{%s}", name, end, labels)
				 : string_printf("%s%s", name, end);
}

static metric *series_get(struct metrics *metrics, const char *name, const char *about,
	const char *labels, const char *type)
{
	struct series *series;

	pthread_mutex_lock(&metrics->lock);
	series = series_find(metrics, series_key(name, "", labels), name, about, type);
	pthread_mutex_unlock(&metrics->lock);
	return series ? &series->value : &metrics->shared;
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

struct making {
	struct metrics *metrics;
	const char *name, *about;
};

/* `key` is taken over. */
static metric *histogram_part(
	const struct making *making, char *key, unsigned bucket, bool is_milli)
{
	struct series *series =
		series_find(making->metrics, key, making->name, making->about, "histogram");

	if (!series)
		return &making->metrics->shared;
	series->bucket = bucket;
	series->is_milli = is_milli;
	return &series->value;
}

static void make_bucket(
	const struct making *making, struct histogram *histogram, size_t i, const char *labels)
{
	_cleanup_(freep) char *bound =
		i < histogram->count ? string_printf("%g", (double)histogram->bounds_ms[i] / 1000)
				     : string_copy("+Inf");
	_cleanup_(freep) char *all =
		string_printf("%s%sle=\"%s\"", labels, *labels ? "," : "", bound);

	histogram->buckets[i] = histogram_part(
		making, series_key(making->name, "_bucket", all), (unsigned)i, false);
}

static struct histogram *histogram_new(
	const struct making *making, const char *labels, const int64_t *bounds_ms, size_t count)
{
	struct histogram *histogram = NEW(struct histogram);

	histogram->count = MIN_OF(count, (size_t)HISTOGRAM_BUCKETS_MAX);
	memcpy(histogram->bounds_ms, bounds_ms, histogram->count * sizeof(*bounds_ms));
	for (size_t i = 0; i <= histogram->count; i++)
		make_bucket(making, histogram, i, labels);
	histogram->sum = histogram_part(making, series_key(making->name, "_sum", labels), 0, true);
	histogram->total =
		histogram_part(making, series_key(making->name, "_count", labels), 0, false);
	return histogram;
}

struct histogram *metrics_histogram(struct metrics *metrics, const char *name, const char *about,
	const char *labels, const int64_t *bounds_ms, size_t count)
{
	struct making making = { metrics, name, about };
	_cleanup_(freep) char *key = series_key(name, "", labels);
	struct histogram *histogram;

	pthread_mutex_lock(&metrics->lock);
	HASH_FIND_STR(metrics->histograms, key, histogram);
	if (!histogram) {
		histogram = histogram_new(&making, labels ? labels : "", bounds_ms, count);
		histogram->key = TAKE(key);
		HASH_ADD_KEYPTR(
			hh, metrics->histograms, histogram->key, strlen(histogram->key), histogram);
	}
	pthread_mutex_unlock(&metrics->lock);
	return histogram;
}

void histogram_add(struct histogram *histogram, int64_t ms)
{
	for (size_t i = histogram->count; i > 0 && ms <= histogram->bounds_ms[i - 1]; i--)
		(*histogram->buckets[i - 1])++;
	(*histogram->buckets[histogram->count])++;
	*histogram->sum += ms;
	(*histogram->total)++;
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

void metrics_each_counter(struct metrics *metrics,
	void (*see)(void *context, struct text name, struct text labels, int64_t value),
	void *context)
{
	struct series *series, *next;

	pthread_mutex_lock(&metrics->lock);
	HASH_ITER (hh, metrics->series, series, next) {
		struct text key = text_of(series->key);
		bool has_labels = key.length > series->name_length;

		if (strcmp(series->type, "counter"))
			continue;
		see(context, series_name(series),
			has_labels ? text_slice(key, series->name_length + 1,
					     key.length - series->name_length - 2)
				   : (struct text){ 0 },
			series->value);
	}
	pthread_mutex_unlock(&metrics->lock);
}

static int by_name(const void *a, const void *b)
{
	const struct series *const *left = a, *const *right = b;
	int order = text_compare(series_name(*left), series_name(*right));
	const char *le = strstr((*left)->key, "le=\"");

	if (order)
		return order;
	/* Buckets of the same labels by their bounds, not by how those are spelled. */
	if (le && (*left)->bucket != (*right)->bucket &&
		!strncmp((*left)->key, (*right)->key, (size_t)(le - (*left)->key)))
		return (*left)->bucket < (*right)->bucket ? -1 : 1;
	return strcmp((*left)->key, (*right)->key);
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
	if (series->is_milli)
		buffer_printf(out, " %.3f\n", (double)series->value / 1000);
	else
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
