/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page's API: what it shows is counted here, never in the browser. Each answer says how far it
 * goes when a scan ran out of its time.
 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "dashboard/api-v2.h"
#include "dashboard/event-json.h"
#include "dashboard/scope.h"
#include "dashboard/server.h"
#include "dashboard/tally-json.h"

#define BUDGET_EXACT_MS	 30000
#define BUDGET_BEFORE_MS 100 /* for what is only compared with, and for lists */
#define BUCKETS		 80
#define BUCKETS_MAX	 500
#define LIMIT		 100
#define LIMIT_MAX	 500
#define RULES_SHOWN	 20
#define VALUES_SHOWN	 10

int asked_scope(struct asked *asked, struct store_scope *ret_scope, struct filter **ret_filter)
{
	struct error err = { 0 };
	size_t column;
	int r;

	r = scope_parse(asked_parameter, asked, clock_ns(CLOCK_REALTIME), ret_scope, ret_filter,
		&column, &err);
	if (r < 0) {
		/* Now the request is gone. */
		asked_reply_mistake(asked, column, &err);
		return r;
	}
	ret_scope->budget_ms =
		text_is(asked_parameter(asked, "exact"), "1") ? BUDGET_EXACT_MS : BUDGET_MS;
	return 0;
}

void reply_failed(struct asked *asked, const struct error *err)
{
	http_reply_error(asked->request, 500, "%s", err->message);
}

void write_extent(struct json_writer *json, const struct store_extent *extent)
{
	json_key(json, "is_exact");
	json_add_bool(json, extent->is_exact);
	json_key(json, "scanned");
	json_add_i64(json, extent->scanned);
}

/* Overview. */

/* From what is counted, over what the time index knows, to what only the alerts themselves know. */
enum { NOW_PRIORITY, NOW_RULE, NOW_HOST, NOW_TAG, NOW_CONTAINER, NOW_COUNT };
enum { BEFORE_PRIORITY, BEFORE_RULE, BEFORE_COUNT };

struct overview {
	struct store_scope scope, before;
	struct tally now[NOW_COUNT], then[BEFORE_COUNT];
	struct store_extent extent, extent_before, extent_lists;
};

static void overview_init(struct overview *overview, const struct store_scope *scope)
{
	int64_t length_ns = scope->to_ns - scope->from_ns;

	*overview = (struct overview){
		.scope = *scope,
		.before = *scope,
		.now = {
			[NOW_PRIORITY] = { .by = TALLY_PRIORITY,
				.interval_ns = interval_for(length_ns, BUCKETS) },
			[NOW_RULE] = { .by = TALLY_RULE },
			[NOW_HOST] = { .by = TALLY_FACET, .facet = FACET_HOSTNAME },
			[NOW_CONTAINER] = { .by = TALLY_FACET, .facet = FACET_CONTAINER },
			[NOW_TAG] = { .by = TALLY_FACET, .facet = FACET_TAG },
		},
		.then = {
			[BEFORE_PRIORITY] = { .by = TALLY_PRIORITY },
			[BEFORE_RULE] = { .by = TALLY_RULE },
		},
	};
	overview->before.to_ns = scope->from_ns;
	if (__builtin_sub_overflow(scope->from_ns, length_ns, &overview->before.from_ns))
		overview->before.from_ns = INT64_MIN;
	overview->before.budget_ms = BUDGET_BEFORE_MS;
}

static void overview_done(struct overview *overview)
{
	for (size_t i = 0; i < NOW_COUNT; i++)
		tally_done(&overview->now[i]);
	for (size_t i = 0; i < BEFORE_COUNT; i++)
		tally_done(&overview->then[i]);
}

static void write_priorities(const struct overview *overview, struct json_writer *json)
{
	json_key(json, "priorities");
	json_begin_array(json);
	for (int priority = 0; priority < PRIORITY_NONE; priority++) {
		const char *name = priority_name((enum priority)priority);

		json_begin_object(json);
		json_key(json, "priority");
		json_add_string(json, name);
		json_key(json, "count");
		json_add_u64(json, tally_count(&overview->now[NOW_PRIORITY], name));
		json_key(json, "before");
		json_add_u64(json, tally_count(&overview->then[BEFORE_PRIORITY], name));
		json_end(json);
	}
	json_end(json);
}

static void write_rules(const struct overview *overview, struct json_writer *json)
{
	size_t count;
	_cleanup_(freep) struct tally_cell **cells = tally_sort(&overview->now[NOW_RULE], &count);

	json_key(json, "rules");
	json_begin_array(json);
	for (size_t i = 0; i < count && i < RULES_SHOWN; i++) {
		json_begin_object(json);
		json_key(json, "rule");
		json_add_string(json, cells[i]->key);
		json_key(json, "priority");
		json_add_string(json, priority_name(cells[i]->priority));
		json_key(json, "count");
		json_add_u64(json, cells[i]->count);
		json_key(json, "before");
		json_add_u64(json, tally_count(&overview->then[BEFORE_RULE], cells[i]->key));
		json_end(json);
	}
	json_end(json);
	json_key(json, "rule_count");
	json_add_u64(json, count);
}

static void write_overview(const struct overview *overview, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "from");
	json_add_i64(json, overview->scope.from_ns / 1000000);
	json_key(json, "to");
	json_add_i64(json, overview->scope.to_ns / 1000000);
	json_key(json, "total");
	json_add_u64(json, tally_total(&overview->now[NOW_PRIORITY]));
	json_key(json, "before");
	json_add_u64(json, tally_total(&overview->then[BEFORE_PRIORITY]));
	write_extent(json, &(struct store_extent){
				   overview->extent.is_exact && overview->extent_before.is_exact,
				   overview->extent.scanned });
	json_key(json, "lists_are_exact");
	json_add_bool(json, overview->extent_lists.is_exact);
	write_priorities(overview, json);
	write_rules(overview, json);
	json_key(json, "histogram");
	tally_write_histogram(&overview->now[NOW_PRIORITY], &overview->scope, json);
	json_key(json, "hosts");
	tally_write_values(&overview->now[NOW_HOST], VALUES_SHOWN, NULL, json);
	json_key(json, "containers");
	tally_write_values(&overview->now[NOW_CONTAINER], VALUES_SHOWN, "host", json);
	json_key(json, "tags");
	tally_write_values(&overview->now[NOW_TAG], VALUES_SHOWN, NULL, json);
	json_end(json);
}

/*
 * Sums and lists in one go where they need the same scan. Where the lists need more than the sums,
 * they have a time of their own, so that they cannot make the sums inexact.
 */
static int overview_count(struct asked *asked, struct overview *overview, struct error *err)
{
	const struct filter *filter = overview->scope.filter;
	bool needs_json = filter_needs_json(filter), is_counted = filter_is_rules_only(filter);
	const size_t ends[] = { needs_json   ? NOW_COUNT
				: is_counted ? NOW_HOST
					     : NOW_CONTAINER,
		NOW_CONTAINER, NOW_COUNT };
	struct store_extent extent;
	size_t from = 0;
	int r = 0;

	for (size_t i = 0; i < COUNT_OF(ends) && !r; i++) {
		if (ends[i] <= from)
			continue;
		r = store_tally(asked->reader, &overview->scope, &overview->now[from],
			ends[i] - from, &extent, err);
		if (!from)
			overview->extent = overview->extent_lists = extent;
		overview->extent_lists.is_exact &= extent.is_exact;
		overview->scope.budget_ms = BUDGET_BEFORE_MS;
		from = ends[i];
	}
	return r;
}

static void answer_overview(struct asked *asked)
{
	_cleanup_(filter_freep) struct filter *filter = NULL;
	struct overview overview;
	struct store_scope scope;
	struct json_writer json;
	struct error err = { 0 };
	int r;

	if (asked_scope(asked, &scope, &filter) < 0)
		return;
	overview_init(&overview, &scope);
	r = overview_count(asked, &overview, &err);
	if (!r)
		r = store_tally(asked->reader, &overview.before, overview.then, BEFORE_COUNT,
			&overview.extent_before, &err);
	if (r < 0) {
		reply_failed(asked, &err);
	} else {
		json_writer_init(&json, asked->out);
		write_overview(&overview, &json);
		asked_reply_json(asked);
	}
	overview_done(&overview);
}

static void histogram(struct asked *asked)
{
	_cleanup_(filter_freep) struct filter *filter = NULL;
	struct text by = asked_parameter(asked, "by");
	struct store_extent extent;
	struct store_scope scope;
	struct json_writer json;
	struct error err = { 0 };
	struct tally tally = { .by = text_is(by, "rule") ? TALLY_RULE : TALLY_PRIORITY };

	if (by.length && !text_is(by, "rule") && !text_is(by, "priority")) {
		http_reply_error(asked->request, 400, "\"by\" must be priority or rule");
		return;
	}
	if (asked_scope(asked, &scope, &filter) < 0)
		return;
	tally.interval_ns = interval_for(
		scope.to_ns - scope.from_ns, asked_number(asked, "buckets", BUCKETS, BUCKETS_MAX));
	if (store_tally(asked->reader, &scope, &tally, 1, &extent, &err) < 0) {
		reply_failed(asked, &err);
	} else {
		json_writer_init(&json, asked->out);
		tally_write_histogram(&tally, &scope, &json);
		asked_reply_json(asked);
	}
	tally_done(&tally);
}

/* Events. */

/* "TIME.ID", as "next" gave it. */
static int take_cursor(struct asked *asked, struct store_cursor *ret_cursor)
{
	struct text text = asked_parameter(asked, "cursor"), time;

	*ret_cursor = (struct store_cursor){ 0 };
	if (!text.length)
		return 0;
	if (!text_split(&text, '.', &time) || text_to_i64(time, &ret_cursor->time_ns) < 0 ||
		text_to_i64(text, &ret_cursor->id) < 0) {
		http_reply_error(asked->request, 400, "\"cursor\" must be what \"next\" gave");
		return -EINVAL;
	}
	return 0;
}

static void write_events(const struct store_page *page, struct json_writer *json)
{
	struct buffer event;

	buffer_init(&event, ALERT_MAX * 8);
	json_key(json, "events");
	json_begin_array(json);
	for (size_t i = 0; i < page->count; i++) {
		buffer_clear(&event);
		event_write((struct text){ page->rows[i].json, page->rows[i].json_length }, &event);
		json_add_raw(json, buffer_text(&event));
	}
	json_end(json);
	buffer_done(&event);
}

static void write_next(const struct store_page *page, struct json_writer *json)
{
	json_key(json, "next");
	if (page->has_more && page->count) {
		_cleanup_(freep) char *next =
			string_printf("%lld.%lld", (long long)page->rows[page->count - 1].time_ns,
				(long long)page->rows[page->count - 1].id);

		json_add_string(json, next);
	} else {
		json_add_null(json);
	}
}

static void events(struct asked *asked)
{
	_cleanup_(filter_freep) struct filter *filter = NULL;
	size_t limit = (size_t)asked_number(asked, "limit", LIMIT, LIMIT_MAX);
	int64_t begun_ns = clock_ns(CLOCK_REALTIME);
	struct store_cursor cursor;
	struct store_scope scope;
	struct store_page page;
	struct json_writer json;
	struct error err = { 0 };

	if (asked_scope(asked, &scope, &filter) < 0 || take_cursor(asked, &cursor) < 0)
		return;
	scope.skips_total = text_is(asked_parameter(asked, "total"), "0");
	if (store_list(asked->reader, &scope, &cursor, limit, &page, &err) < 0) {
		reply_failed(asked, &err);
		store_page_done(&page);
		return;
	}
	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	write_events(&page, &json);
	json_key(&json, "total");
	if (scope.skips_total)
		json_add_null(&json);
	else
		json_add_u64(&json, page.total);
	write_extent(&json, &page.extent);
	json_key(&json, "took_ms");
	json_add_i64(&json, (clock_ns(CLOCK_REALTIME) - begun_ns) / 1000000);
	write_next(&page, &json);
	json_end(&json);
	store_page_done(&page);
	asked_reply_json(asked);
}

/* /api/v2/events/UUID and /api/v2/events/UUID/json */
static void event(struct asked *asked)
{
	struct text uuid = http_request_path(asked->request);
	bool wants_stored = text_ends_with(uuid, TEXT("/json"));
	_cleanup_(freep) char *name = NULL;
	struct store_row row = { 0 };
	struct error err = { 0 };
	int r;

	uuid = text_slice(uuid, strlen("/api/v2/events/"), uuid.length);
	name = text_to_string(text_slice(uuid, 0, uuid.length - (wants_stored ? 5 : 0)));
	r = store_find(asked->reader, name, &row, &err);
	if (r < 0) {
		http_reply_error(asked->request, r == -ENOENT ? 404 : 500, "%.256s", err.message);
		return;
	}
	if (wants_stored) {
		buffer_add(asked->out, row.json, row.json_length);
	} else {
		buffer_add_string(asked->out, "{\"event\":");
		event_write((struct text){ row.json, row.json_length }, asked->out);
		buffer_add_char(asked->out, '}');
	}
	free(row.json);
	asked_reply_json(asked);
}

static void stream(struct asked *asked)
{
	struct filter *filter = NULL;
	struct text last = http_request_header(asked->request, "Last-Event-ID");
	struct error err = { 0 };
	int64_t after = -1;
	size_t column;

	if (filter_parse(asked_parameter(asked, "q"), &filter, &column, &err) < 0) {
		asked_reply_mistake(asked, column, &err);
		return;
	}
	if (last.length && (text_to_i64(last, &after) < 0 || after < 0))
		after = -1;
	if (live_stream(asked->parts->live, asked->request, filter, after, asked->session) < 0)
		http_reply_error(asked->request, 503, "too many pages watch already");
}

static void status(struct asked *asked)
{
	struct store_status now;
	struct json_writer json;
	struct buffer outputs;

	store_status(asked->parts->store, &now);
	buffer_init(&outputs, 1024 * 1024);
	server_write_outputs(asked->server, &outputs);
	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	json_key(&json, "version");
	json_add_string(&json, TERCEL_VERSION);
	json_key(&json, "events");
	json_add_i64(&json, now.events);
	json_key(&json, "oldest_ms");
	json_add_i64(&json, now.oldest_ns / 1000000);
	json_key(&json, "newest_ms");
	json_add_i64(&json, now.newest_ns / 1000000);
	json_key(&json, "store_bytes");
	json_add_u64(&json, now.bytes);
	json_key(&json, "damaged_files");
	json_add_u64(&json, now.files_aside);
	json_key(&json, "outputs");
	json_add_raw(&json, buffer_text(&outputs));
	json_end(&json);
	buffer_done(&outputs);
	asked_reply_json(asked);
}

void answer_export(struct asked *asked)
{
	struct text name = asked_parameter(asked, "format");
	const struct export_form *form = export_form_find(name.length ? name : TEXT("ndjson"));
	_cleanup_(freep) char *header = NULL;
	struct filter *filter = NULL;
	struct store_scope scope;

	if (!form) {
		http_reply_error(asked->request, 400, "\"format\" must be ndjson, json or csv");
		return;
	}
	if (asked_scope(asked, &scope, &filter) < 0)
		return;
	header = string_printf("attachment; filename=\"events.%s\"", form->name);
	http_reply_header(asked->request, "Content-Disposition", header);
	if (export_start(server_exports(asked->server), asked->request, asked->parts->store, &scope,
		    filter, form) < 0)
		http_reply_error(asked->request, 503, "too many exports run; try again later");
}

#define JSON   "application/json"
#define STREAM "text/event-stream"

const struct question questions_v2[] = {
	{ "POST", "/api/v2/login", answer_log_in, ACCESS_ALL, false,
		"Begins a session: {\"user\",\"password\"}, a cookie comes back.", "", "" },
	{ "POST", "/api/v2/logout", answer_log_out, ACCESS_ALL, false, "Ends the session.", "",
		"" },
	{ "GET", "/api/v2/session", answer_session, ACCESS_READERS, false, "Who asks.", "", JSON },
	{ "GET", "/api/v2/access", answer_access, ACCESS_READERS, false,
		"Sessions and, for an operator, everybody's and the users.", "", JSON },
	{ "POST", "/api/v2/sessions/end", answer_end_sessions, ACCESS_READERS, false,
		"Ends one's own other sessions, or one of them; an operator anybody's by its id.",
		"session", JSON },
	{ "GET", "/api/v2/settings", answer_settings, ACCESS_READERS, false,
		"What the dashboard was started with, without secrets, and what it keeps.", "",
		JSON },
	{ "GET", "/api/v2/overview", answer_overview, ACCESS_READERS, false,
		"Totals by priority and rule with the period before, a histogram, top values.",
		"from to q exact", JSON },
	{ "GET", "/api/v2/histogram", histogram, ACCESS_READERS, false, "Counts over time.",
		"from to q by buckets exact", JSON },
	{ "GET", "/api/v2/facets", answer_facets, ACCESS_READERS, false,
		"The most frequent values of any fields, with counts.",
		"fields from to q limit contains exact", JSON },
	{ "GET", "/api/v2/events", events, ACCESS_READERS, false, "Events, newest first.",
		"from to q limit cursor total exact", JSON },
	{ "GET", "/api/v2/events/*", event, ACCESS_READERS, false,
		"One event; with /json behind it the bytes as they are stored.", "", JSON },
	{ "GET", "/api/v2/around/*", answer_around, ACCESS_READERS, false,
		"What happened shortly before and after an event, in the same place.",
		"same within limit", JSON },
	{ "GET", "/api/v2/export", answer_export, ACCESS_READERS, false,
		"All matching events as a download, newest first, without a limit.",
		"format from to q", "application/x-ndjson" },
	{ "GET", "/api/v2/backup", answer_backup, ACCESS_OPERATORS, false,
		"All that is kept, as a tar of its files, each as it was at one moment.", "",
		"application/x-tar" },
	{ "GET", "/api/v2/stream", stream, ACCESS_READERS, false,
		"Events as they are stored, as server-sent events.", "q", STREAM },
	{ "GET", "/api/v2/status", status, ACCESS_READERS, false, "What is kept.", "", JSON },
	{ "GET", "/api/v2/forwarders", answer_forwarders, ACCESS_READERS, false,
		"What each forwarder says of its outputs, and of the nodes that it hears.", "",
		JSON },
	{ "POST", "/api/v2/test", answer_output_test, ACCESS_OPERATORS, false,
		"Sends a test alert to one output of a forwarder.", "forwarder output", "" },
	{ "GET", "/api/v2/responses", answer_responses, ACCESS_READERS, false,
		"What the responder did, holds back and waits for, the newest first.",
		"state before limit namespace pod", JSON },
	{ "POST", "/api/v2/decide", answer_decide, ACCESS_OPERATORS, false,
		"Approves, rejects or undoes a response.", "response decision", "" },
	{ "GET", "/api/v2/rule", answer_rule, ACCESS_READERS, false,
		"The text of a rule, from the rules files that the dashboard was given.", "rule",
		JSON },
	{ "GET", "/api/v2/openapi.json", answer_openapi, ACCESS_READERS, false, "This document.",
		"", JSON },
};
const size_t questions_v2_count = COUNT_OF(questions_v2);
