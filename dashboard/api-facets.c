/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values and neighbours: which values of a field match and how often, and what happened next to an
 * event in its container, its pod or on its host.
 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "dashboard/api-v2.h"
#include "dashboard/event-json.h"
#include "dashboard/scope.h"
#include "dashboard/tally-json.h"

#define FIELDS_MAX     31 /* of one question; store_tally() takes no more */
#define VALUES	       10
#define VALUES_MAX     1000
#define FIELD_NAME_MAX 256
#define NEIGHBOURS     50
#define NEIGHBOURS_MAX 250
#define WITHIN_NS      (5 * NS_PER_MINUTE)

/* Facets. */

struct facets {
	char *names[FIELDS_MAX];
	struct tally tallies[FIELDS_MAX];
	size_t count;
};

static void facets_done(struct facets *facets)
{
	for (size_t i = 0; i < facets->count; i++) {
		tally_done(&facets->tallies[i]);
		free(facets->names[i]);
	}
}

static int take_fields(struct asked *asked, struct facets *facets)
{
	struct text rest = asked_parameter(asked, "fields"), name;

	*facets = (struct facets){ 0 };
	while (text_split(&rest, ',', &name)) {
		name = text_trim(name);
		if (!name.length || name.length > FIELD_NAME_MAX)
			continue;
		if (facets->count == FIELDS_MAX) {
			http_reply_error(
				asked->request, 400, "\"fields\" has at most %d names", FIELDS_MAX);
			return -E2BIG;
		}
		facets->names[facets->count] = text_to_string(name);
		facets->tallies[facets->count] = tally_of_field(facets->names[facets->count]);
		facets->count++;
	}
	if (facets->count)
		return 0;
	http_reply_error(asked->request, 400,
		"\"fields\" must name the fields to count, such as rule,k8s.ns.name,proc.name");
	return -EINVAL;
}

/* Largest first; values that hold what was typed, whatever its case. */
static void write_values(
	const struct tally *tally, struct text contains, size_t limit, struct json_writer *json)
{
	size_t count, shown = 0;
	uint64_t total = 0, listed = 0, distinct = 0;
	_cleanup_(freep) struct tally_cell **cells = tally_sort(tally, &count);

	json_key(json, "values");
	json_begin_array(json);
	for (size_t i = 0; i < count; i++) {
		struct text key = { cells[i]->key, cells[i]->key_length };

		total += cells[i]->count;
		if (!key.length)
			continue;
		distinct++;
		if (shown == limit ||
			(contains.length && !text_contains_ignoring_case(key, contains)))
			continue;
		shown++;
		listed += cells[i]->count;
		json_begin_object(json);
		json_key(json, "value");
		json_add_text(json, key);
		json_key(json, "count");
		json_add_u64(json, cells[i]->count);
		json_end(json);
	}
	json_end(json);
	json_key(json, "distinct");
	json_add_u64(json, distinct);
	json_key(json, "others");
	json_add_u64(json, total - listed);
}

static void write_facets(struct asked *asked, const struct facets *facets,
	const struct store_extent *extent, int64_t took_ms)
{
	size_t limit = (size_t)asked_number(asked, "limit", VALUES, VALUES_MAX);
	struct text contains = asked_parameter(asked, "contains");
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	json_key(&json, "facets");
	json_begin_array(&json);
	for (size_t i = 0; i < facets->count; i++) {
		json_begin_object(&json);
		json_key(&json, "field");
		json_add_string(&json, facets->names[i]);
		write_values(&facets->tallies[i], contains, limit, &json);
		json_key(&json, "is_exact");
		json_add_bool(&json, facets->tallies[i].is_exact);
		json_end(&json);
	}
	json_end(&json);
	write_extent(&json, extent);
	json_key(&json, "took_ms");
	json_add_i64(&json, took_ms);
	json_end(&json);
}

void answer_facets(struct asked *asked)
{
	_cleanup_(filter_freep) struct filter *filter = NULL;
	int64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
	struct store_extent extent;
	struct store_scope scope;
	struct facets facets;
	struct error err = { 0 };

	if (take_fields(asked, &facets) == 0 && asked_scope(asked, &scope, &filter) == 0) {
		if (store_tally(asked->reader, &scope, facets.tallies, facets.count, &extent,
			    &err) < 0) {
			reply_failed(asked, &err);
		} else {
			write_facets(asked, &facets, &extent,
				(clock_ns(CLOCK_MONOTONIC) - begun_ns) / 1000000);
			asked_reply_json(asked);
		}
	}
	facets_done(&facets);
}

/* Neighbours. */

static const struct {
	const char *same, *field;
} sames[] = {
	{ "container", "container.id" },
	{ "pod", "k8s.pod.name" },
	{ "process", "proc.pid" },
	{ "host", "hostname" },
	{ "rule", "rule" },
};

static const char *field_of_same(struct text same)
{
	for (size_t i = 0; i < COUNT_OF(sames); i++)
		if (text_is(same, sames[i].same))
			return sames[i].field;
	return NULL;
}

/* What the event itself has there; the caller frees. */
static char *value_of(struct json_object *event, const char *field)
{
	struct json_object *fields = json_get(event, "output_fields");
	struct json_object *value = strchr(field, '.') ? json_get(fields, field) : NULL;

	if (!strchr(field, '.'))
		value = json_get(event, field);
	return value && *json_object_get_string(value) ? string_copy(json_object_get_string(value))
						       : NULL;
}

struct around {
	struct store_row row; /* in the middle */
	char *uuid;
	const char *field; /* that the neighbours share */
	char *value;
	struct filter *filter;
	int64_t within_ns;
	size_t limit; /* on each side */
	struct store_page before, after;
};

static void around_done(struct around *around)
{
	free(around->row.json);
	free(around->uuid);
	free(around->value);
	filter_free(around->filter);
	store_page_done(&around->before);
	store_page_done(&around->after);
}

static int take_around(struct asked *asked, struct around *around)
{
	struct text same = asked_parameter(asked, "same");
	struct text within = asked_parameter(asked, "within");

	around->limit = (size_t)asked_number(asked, "limit", NEIGHBOURS, NEIGHBOURS_MAX);
	around->within_ns = WITHIN_NS;
	around->field = field_of_same(same.length ? same : TEXT("container"));
	if (!around->field) {
		http_reply_error(asked->request, 400,
			"\"same\" must be container, pod, process, host or rule");
		return -EINVAL;
	}
	if (within.length && (since_parse(within, &around->within_ns) < 0 ||
				     around->within_ns < NS_PER_SECOND)) {
		http_reply_error(asked->request, 400, "\"within\" must be such as 5min or 1h");
		return -EINVAL;
	}
	return 0;
}

static int find_middle(struct asked *asked, struct around *around)
{
	_cleanup_(json_putp) struct json_object *event = NULL;
	struct error err = { 0 };
	int r;

	around->uuid = text_to_string(http_request_tail(asked->request));
	r = store_find(asked->reader, around->uuid, &around->row, &err);
	if (!r)
		r = json_parse((struct text){ around->row.json, around->row.json_length }, &event,
			NULL, &err);
	if (r < 0) {
		http_reply_error(asked->request, r == -ENOENT ? 404 : 500, "%.256s", err.message);
		return r;
	}
	around->value = value_of(event, around->field);
	around->filter = filter_new();
	if (around->value)
		r = filter_add_value(around->filter, around->field, text_of(around->value), &err);
	return r;
}

/* Nearest first on both sides; the page shows the later ones upside down. */
static int find_neighbours(struct asked *asked, struct around *around, struct error *err)
{
	const struct store_row *row = &around->row;
	struct store_scope scope = { .filter = around->filter,
		.from_ns = row->time_ns - around->within_ns,
		.to_ns = row->time_ns + around->within_ns,
		.budget_ms = BUDGET_MS,
		.skips_total = true };
	int r;

	r = store_list(asked->reader, &scope, &(struct store_cursor){ row->time_ns, row->id },
		around->limit, &around->before, err);
	scope.from_ns = row->time_ns;
	/* Newest first is what a list gives: with more than it holds, nearer ones are looked for.
	 */
	while (!r) {
		store_page_done(&around->after);
		r = store_list(asked->reader, &scope, &(struct store_cursor){ 0 },
			NEIGHBOURS_MAX * 2, &around->after, err);
		if (r < 0 || !around->after.has_more || scope.to_ns - scope.from_ns < 1000)
			break;
		scope.to_ns = scope.from_ns + (scope.to_ns - scope.from_ns) / 4;
	}
	return r;
}

static void write_row(const struct store_row *row, struct json_writer *json)
{
	struct buffer event;

	buffer_init(&event, ALERT_MAX * 8);
	event_write((struct text){ row->json, row->json_length }, &event);
	json_add_raw(json, buffer_text(&event));
	buffer_done(&event);
}

static bool is_later(const struct store_row *row, const struct store_row *than)
{
	return row->time_ns != than->time_ns ? row->time_ns > than->time_ns : row->id > than->id;
}

static void write_around(const struct around *around, struct json_writer *json)
{
	const struct store_page *after = &around->after;
	size_t later = 0;

	while (later < after->count && is_later(&after->rows[later], &around->row))
		later++;
	json_begin_object(json);
	json_key(json, "field");
	json_add_string(json, around->field);
	json_key(json, "value");
	json_add_string(json, around->value);
	json_key(json, "after");
	json_begin_array(json);
	for (size_t i = later > around->limit ? later - around->limit : 0; i < later; i++)
		write_row(&after->rows[i], json);
	json_end(json);
	json_key(json, "before");
	json_begin_array(json);
	for (size_t i = 0; i < around->before.count; i++)
		write_row(&around->before.rows[i], json);
	json_end(json);
	json_key(json, "is_exact");
	json_add_bool(
		json, !around->value || (around->before.extent.is_exact && after->extent.is_exact));
	json_end(json);
}

void answer_around(struct asked *asked)
{
	struct around around = { 0 };
	struct json_writer json;
	struct error err = { 0 };

	if (take_around(asked, &around) == 0 && find_middle(asked, &around) == 0) {
		/* Without the value there is nothing that could be next to it. */
		if (around.value && find_neighbours(asked, &around, &err) < 0) {
			reply_failed(asked, &err);
		} else {
			json_writer_init(&json, asked->out);
			write_around(&around, &json);
			asked_reply_json(asked);
		}
	}
	around_done(&around);
}
