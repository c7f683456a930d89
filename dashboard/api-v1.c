/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falcosidekick UI's API, as spec/dashboard.md 2 has it: shapes and parameters are its, so that
 * what was written for it goes on working. Posting alerts is in server.c.
 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "dashboard/event-json.h"
#include "dashboard/scope.h"
#include "dashboard/server.h"
#include "dashboard/tally-json.h"

#define BUDGET_MS 5000 /* the old API has no word for "so far" */
#define LIMIT	  100
#define LIMIT_MAX 10000
#define PAGES_MAX 1000000

static const struct {
	const char *name;
	struct tally tally;
} groups[] = {
	{ "priority", { .by = TALLY_PRIORITY } },
	{ "rule", { .by = TALLY_RULE } },
	{ "source", { .by = TALLY_FACET, .facet = FACET_SOURCE } },
	{ "tags", { .by = TALLY_FACET, .facet = FACET_TAG } },
	{ "hostname", { .by = TALLY_FACET, .facet = FACET_HOSTNAME } },
};

static bool wants_pretty(struct asked *asked)
{
	return text_is(asked_parameter(asked, "pretty"), "true");
}

static void reply(struct asked *asked)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	const char *pretty;

	if (!wants_pretty(asked) || json_parse(buffer_text(asked->out), &root, NULL, NULL) < 0) {
		asked_reply_json(asked);
		return;
	}
	pretty = json_object_to_json_string_ext(
		root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	http_reply(asked->request, 200, "application/json", text_of(pretty));
}

static void reply_string(struct asked *asked, unsigned status, const char *json)
{
	http_reply(asked->request, status, "application/json", text_of(json));
}

static int take_scope(
	struct asked *asked, struct store_scope *ret_scope, struct filter **ret_filter)
{
	struct error err = { 0 };
	int r;

	r = scope_parse_old(
		asked_parameter, asked, clock_ns(CLOCK_REALTIME), ret_scope, ret_filter, &err);
	if (r < 0)
		asked_reply_mistake(asked, 0, &err);
	ret_scope->budget_ms = BUDGET_MS;
	return r;
}

static int take_tally(struct asked *asked, struct tally *tally)
{
	_cleanup_(filter_freep) struct filter *filter = NULL;
	struct store_extent extent;
	struct store_scope scope;
	struct error err = { 0 };
	int r;

	r = take_scope(asked, &scope, &filter);
	if (r < 0)
		return r;
	r = store_tally(asked->reader, &scope, tally, 1, &extent, &err);
	if (r < 0)
		http_reply_error(asked->request, 500, "%s", err.message);
	return r;
}

static void write_statistics(
	struct json_writer *json, const char *name, uint64_t number, uint64_t all)
{
	json_key(json, "statistics");
	json_begin_object(json);
	if (name) {
		json_key(json, name);
		json_add_u64(json, number);
	}
	json_key(json, "all");
	json_add_u64(json, all);
	json_end(json);
}

static void count(struct asked *asked)
{
	struct tally tally = { .by = TALLY_PRIORITY };
	struct json_writer json;

	if (take_tally(asked, &tally) < 0)
		return;
	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	write_statistics(&json, NULL, 0, tally_total(&tally));
	json_end(&json);
	tally_done(&tally);
	reply(asked);
}

static void write_groups(struct asked *asked, const struct tally *tally)
{
	size_t number;
	_cleanup_(freep) struct tally_cell **cells = tally_sort(tally, &number);
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	json_key(&json, "results");
	json_begin_object(&json);
	for (size_t i = 0; i < number; i++) {
		json_key(&json, *cells[i]->key ? cells[i]->key : "other");
		json_add_u64(&json, cells[i]->count);
	}
	json_end(&json);
	write_statistics(&json, "distincts", number, tally_total(tally));
	json_end(&json);
}

static void count_by(struct asked *asked)
{
	struct text group = http_request_path(asked->request);

	group = text_slice(group, strlen("/api/v1/events/count/"), group.length);
	for (size_t i = 0; i < COUNT_OF(groups); i++) {
		struct tally tally = groups[i].tally;

		if (!text_is(group, groups[i].name))
			continue;
		if (take_tally(asked, &tally) < 0)
			return;
		write_groups(asked, &tally);
		tally_done(&tally);
		reply(asked);
		return;
	}
	http_reply_error(asked->request, 400,
		"counts are by priority, rule, source, tags or hostname, not by \"%.*s\"",
		TEXT_PRINT(text_slice(group, 0, 64)));
}

static void write_results(struct asked *asked, const struct store_page *page, size_t from)
{
	struct json_writer json;
	struct buffer event;

	buffer_init(&event, ALERT_MAX * 4);
	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	json_key(&json, "results");
	json_begin_array(&json);
	for (size_t i = from; i < page->count; i++) {
		buffer_clear(&event);
		event_write_old(
			(struct text){ page->rows[i].json, page->rows[i].json_length }, &event);
		json_add_raw(&json, buffer_text(&event));
	}
	json_end(&json);
	write_statistics(
		&json, "returned", page->count > from ? page->count - from : 0, page->total);
	json_end(&json);
	buffer_done(&event);
}

static void search(struct asked *asked)
{
	_cleanup_(filter_freep) struct filter *filter = NULL;
	size_t limit = (size_t)asked_number(asked, "limit", LIMIT, LIMIT_MAX);
	size_t number = (size_t)asked_number(asked, "page", 1, PAGES_MAX);
	struct store_cursor cursor = { 0 };
	struct store_page page = { 0 };
	struct store_scope scope;
	struct error err = { 0 };

	if (take_scope(asked, &scope, &filter) < 0)
		return;
	/* Pages by number need all pages before them; they are read in strides. */
	for (; number > 1; number--) {
		if (store_list(asked->reader, &scope, &cursor, limit, &page, &err) < 0 ||
			!page.has_more)
			break;
		cursor = (struct store_cursor){ page.rows[page.count - 1].time_ns,
			page.rows[page.count - 1].id };
		store_page_done(&page);
	}
	if (number > 1) {
		/* There is no such page. */
		uint64_t total = page.total;

		store_page_done(&page);
		page.total = total;
	} else if (!err.code) {
		store_list(asked->reader, &scope, &cursor, limit, &page, &err);
	}
	if (err.code) {
		http_reply_error(asked->request, 500, "%s", err.message);
	} else {
		write_results(asked, &page, 0);
		reply(asked);
	}
	store_page_done(&page);
}

static void config(struct asked *asked)
{
	const struct dashboard_settings *settings = asked->parts->settings;
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	json_key(&json, "listen-address");
	json_add_string(&json, settings->address);
	json_key(&json, "listen-port");
	json_add_i64(&json, settings->port);
	json_key(&json, "redis-server");
	json_add_string(&json, settings->redis_url ? settings->redis_url : "");
	json_key(&json, "redis-username");
	json_add_string(&json, settings->redis_user ? settings->redis_user : "");
	json_key(&json, "redis-password");
	json_add_string(
		&json, settings->redis_password && *settings->redis_password ? "*******" : "");
	json_key(&json, "dev-mode");
	json_add_bool(&json, false);
	json_key(&json, "disable-auth");
	json_add_bool(&json, !asked->parts->logins);
	json_key(&json, "log-level");
	json_add_string(&json, settings->log_level);
	json_key(&json, "ttl");
	json_add_i64(&json, settings->ttl_ms / 1000);
	if (asked->parts->logins) {
		_cleanup_(freep) char *stars = string_printf("%s:*******", asked->user);

		json_key(&json, "credentials");
		json_add_string(&json, stars);
	}
	json_end(&json);
	reply(asked);
}

static void version(struct asked *asked)
{
	static const char *const members[][2] = {
		{ "GitVersion", TERCEL_VERSION },
		{ "GitCommit", "" },
		{ "GitTreeState", "" },
		{ "BuildDate", "" },
		{ "GoVersion", "" },
		{ "Compiler", __VERSION__ },
#ifdef __x86_64__
		{ "Platform", "linux/amd64" },
#else
		{ "Platform", "linux/arm64" },
#endif
	};
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		json_key(&json, members[i][0]);
		json_add_string(&json, members[i][1]);
	}
	json_end(&json);
	reply(asked);
}

static void healthz(struct asked *asked)
{
	struct store_status status;

	store_status(asked->parts->store, &status);
	if (status.error)
		reply_string(asked, 503, "{\"status\":\"alerts are not stored\"}");
	else
		reply_string(asked, 200, "{\"status\":\"ok\"}");
}

static void outputs(struct asked *asked)
{
	server_write_outputs(asked->server, asked->out);
	reply(asked);
}

static void authenticate(struct asked *asked)
{
	int r = asked->parts->logins ? access_try_basic(asked) : 0;

	if (!r)
		reply_string(asked, 200, "\"authorized\"");
	else if (r == -EACCES)
		reply_string(asked, 401, "\"unauthorized\"");
}

const struct question questions_v1[] = {
	{ "POST", "/api/v1/auth", authenticate, ACCESS_ALL, true },
	{ "POST", "/api/v1/authenticate", authenticate, ACCESS_ALL, true },
	{ "GET", "/api/v1/config", config, ACCESS_READERS, true },
	{ "GET", "/api/v1/configuration", config, ACCESS_READERS, true },
	{ "GET", "/api/v1/version", version, ACCESS_READERS, true },
	{ "GET", "/api/v1/healthz", healthz, ACCESS_ALL, true },
	{ "GET", "/api/v1/outputs", outputs, ACCESS_READERS, true },
	{ "GET", "/api/v1/events/count", count, ACCESS_READERS, true },
	{ "GET", "/api/v1/events/count/*", count_by, ACCESS_READERS, true },
	{ "GET", "/api/v1/events/search", search, ACCESS_READERS, true },
};
const size_t questions_v1_count = COUNT_OF(questions_v1);
