/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports. Read in pages by cursor, so that no file is held open at one state while a slow client
 * takes its time.
 */
#include <errno.h>
#include <pthread.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "dashboard/event-json.h"
#include "dashboard/export.h"

#define EXPORTS_MAX 4
#define PAGE	    200
#define AHEAD_MAX   (1024 * 1024) /* bytes made before they are asked for */
#define CHUNK_MAX   (AHEAD_MAX + PAGE * ALERT_MAX * 8)

struct exports {
	struct store *store;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	size_t running;
};

struct export
{
	struct http_stream http; /* first: what the server hands back */
	struct exports *exports;
	struct store_scope scope;
	struct filter *filter;
	const struct export_form *form;
	uint64_t count;
	pthread_mutex_t lock;
	pthread_cond_t taken;
	struct buffer ready; /* with the lock, as the next */
	bool is_closed, is_done, is_open;
	bool is_broken; /* alerts are missing; set before is_done */
	unsigned refs;	/* the thread's and the server's */
};

/* Forms. */

static void write_line(struct text stored, uint64_t count, struct buffer *out)
{
	buffer_add_text(out, stored);
	buffer_add_char(out, '\n');
}

static void write_element(struct text stored, uint64_t count, struct buffer *out)
{
	buffer_add_string(out, count ? ",\n" : "");
	buffer_add_text(out, stored);
}

/* RFC 4180. A cell that a spreadsheet would calculate is made text by an apostrophe. */
static void write_cell(struct text text, char end, struct buffer *out)
{
	buffer_add_char(out, '"');
	if (text.length && strchr("=+-@\t\r", text.data[0]))
		buffer_add_char(out, '\'');
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == '"')
			buffer_add_char(out, '"');
		buffer_add_char(out, text.data[i]);
	}
	buffer_add_char(out, '"');
	buffer_add_char(out, end);
	if (end == '\r')
		buffer_add_char(out, '\n');
}

static void write_joined(struct json_object *tags, struct buffer *out)
{
	struct buffer joined;

	buffer_init(&joined, ALERT_MAX);
	for (size_t i = 0; tags && i < json_object_array_length(tags); i++) {
		buffer_add_string(&joined, i ? " " : "");
		buffer_add_string(
			&joined, json_object_get_string(json_object_array_get_idx(tags, i)));
	}
	write_cell(buffer_text(&joined), ',', out);
	buffer_done(&joined);
}

static void write_record(struct text stored, uint64_t count, struct buffer *out)
{
	static const char *const columns[] = { "time", "priority", "rule", "source", "hostname" };
	_cleanup_(json_putp) struct json_object *event = NULL;
	struct json_object *tags, *fields;
	struct json_writer json;
	struct buffer written;

	if (json_parse(stored, &event, NULL, NULL) < 0)
		return;
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		write_cell(json_get_text(event, columns[i]), ',', out);
	tags = json_get(event, "tags");
	write_joined(json_object_is_type(tags, json_type_array) ? tags : NULL, out);
	write_cell(output_body(json_get_text(event, "output")), ',', out);
	write_cell(json_get_text(event, "uuid"), ',', out);
	fields = json_get(event, "output_fields");
	buffer_init(&written, ALERT_MAX * 2);
	json_writer_init(&json, &written);
	if (fields)
		json_add_value(&json, fields);
	write_cell(buffer_text(&written), '\r', out);
	buffer_done(&written);
}

#define BROKEN "this export is not complete: events could not be read"

static const struct export_form forms[] = {
	{ "ndjson", "application/x-ndjson", "", "", "{\"error\":\"" BROKEN "\"}\n", write_line },
	{ "json", "application/json", "[", "]\n", "", write_element },
	{ "csv", "text/csv; charset=utf-8",
		"time,priority,rule,source,hostname,tags,output,uuid,output_fields\r\n", "",
		"\"ERROR: " BROKEN "\"\r\n", write_record },
};

const struct export_form *export_form_find(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(forms); i++)
		if (text_is(name, forms[i].name))
			return &forms[i];
	return NULL;
}

/* The stream. */

static void export_unref(struct export *export)
{
	bool is_last;

	pthread_mutex_lock(&export->lock);
	is_last = !--export->refs;
	pthread_mutex_unlock(&export->lock);
	if (!is_last)
		return;
	buffer_done(&export->ready);
	filter_free(export->filter);
	pthread_mutex_destroy(&export->lock);
	pthread_cond_destroy(&export->taken);
	free(export);
}

static int export_pull(struct http_stream *http, struct buffer *out)
{
	struct export *export = (struct export *)http;
	struct text ready;
	int r = -EAGAIN;

	pthread_mutex_lock(&export->lock);
	ready = buffer_text(&export->ready);
	if (ready.length) {
		/* What does not fit into what goes out at once stays. */
		size_t length = MIN_OF(ready.length, out->limit - out->length);

		buffer_add(out, ready.data, length);
		memmove(export->ready.data, export->ready.data + length, ready.length - length);
		export->ready.length -= length;
		r = 0;
	} else if (export->is_done) {
		r = export->is_broken ? -EIO : -ECANCELED;
	}
	pthread_cond_signal(&export->taken);
	pthread_mutex_unlock(&export->lock);
	return r;
}

static void export_closed(struct http_stream *http)
{
	struct export *export = (struct export *)http;

	pthread_mutex_lock(&export->lock);
	export->is_closed = true;
	pthread_cond_signal(&export->taken);
	pthread_mutex_unlock(&export->lock);
	export_unref(export);
}

/* With the lock. The server may be told only between its taking the stream and its closing it. */
static void export_wake(struct export *export)
{
	if (export->is_open && !export->is_closed)
		http_stream_wake(&export->http);
}

/* Hands over, and waits until there is room for more. False when nobody wants it any longer. */
static bool export_give(struct export *export, struct text text)
{
	bool goes_on;

	pthread_mutex_lock(&export->lock);
	buffer_add_text(&export->ready, text);
	export_wake(export);
	while (!export->is_closed && export->ready.length > AHEAD_MAX)
		pthread_cond_wait(&export->taken, &export->lock);
	goes_on = !export->is_closed;
	pthread_mutex_unlock(&export->lock);
	return goes_on;
}

static bool give_page(struct export *export, const struct store_page *page)
{
	struct buffer text;
	bool goes_on;

	buffer_init(&text, PAGE * ALERT_MAX * 8);
	for (size_t i = 0; i < page->count; i++)
		export->form->write((struct text){ page->rows[i].json, page->rows[i].json_length },
			export->count++, &text);
	goes_on = export_give(export, buffer_text(&text));
	buffer_done(&text);
	return goes_on;
}

static unsigned damages_found(const struct export *export)
{
	struct store_status status;

	store_status(export->exports->store, &status);
	return status.damages;
}

/* What is set aside as damaged while this reads is missing, whoever found it. */
static void export_read(struct export *export, struct store_reader *reader)
{
	unsigned damages = damages_found(export);
	struct store_cursor cursor = { 0 };
	bool has_failed = false;
	struct error err = { 0 };
	bool goes_on = export_give(export, text_of(export->form->begin));

	while (goes_on) {
		struct store_page page;
		int r = store_list(reader, &export->scope, &cursor, PAGE, &page, &err);

		has_failed = r < 0;
		if (has_failed)
			log_error("an export ends early: %s", err.message);
		else
			goes_on = give_page(export, &page);
		goes_on &= !has_failed && page.has_more && page.count;
		if (page.count)
			cursor = (struct store_cursor){ page.rows[page.count - 1].time_ns,
				page.rows[page.count - 1].id };
		store_page_done(&page);
	}
	export->is_broken = has_failed || damages_found(export) != damages;
	export_give(export, text_of(export->is_broken ? export->form->broken : export->form->end));
}

static void *run_export(void *context)
{
	struct export *export = context;
	struct exports *exports = export->exports;
	struct store_reader *reader = store_reader_new(exports->store);

	export_read(export, reader);
	store_reader_free(reader);
	pthread_mutex_lock(&export->lock);
	export->is_done = true;
	export_wake(export);
	pthread_mutex_unlock(&export->lock);
	export_unref(export);

	pthread_mutex_lock(&exports->lock);
	exports->running--;
	pthread_cond_signal(&exports->ended);
	pthread_mutex_unlock(&exports->lock);
	return NULL;
}

static bool exports_take_place(struct exports *exports)
{
	bool has_room;

	pthread_mutex_lock(&exports->lock);
	has_room = exports->running < EXPORTS_MAX;
	exports->running += has_room;
	pthread_mutex_unlock(&exports->lock);
	return has_room;
}

static void export_opened(struct export *export)
{
	pthread_mutex_lock(&export->lock);
	export->is_open = true;
	export_wake(export);
	pthread_mutex_unlock(&export->lock);
	export_unref(export);
}

int export_stream(struct exports *exports, struct http_request *request,
	const struct store_scope *scope, struct filter *filter, const struct export_form *form)
{
	struct export *export;
	pthread_t thread;

	if (!exports_take_place(exports)) {
		filter_free(filter);
		return -EAGAIN;
	}
	export = NEW(struct export);
	*export = (struct export){ .http = { export_pull, export_closed, NULL },
		.exports = exports,
		.scope = *scope,
		.filter = filter,
		.form = form,
		.refs = 3 };
	export->scope.filter = filter;
	export->scope.budget_ms = 0;
	export->scope.skips_total = true;
	buffer_init(&export->ready, CHUNK_MAX);
	pthread_mutex_init(&export->lock, NULL);
	pthread_cond_init(&export->taken, NULL);
	if (pthread_create(&thread, NULL, run_export, export))
		abort();
	pthread_detach(thread);
	http_reply_stream(request, form->type, &export->http);
	export_opened(export);
	return 0;
}

struct exports *exports_new(struct store *store)
{
	struct exports *exports = NEW(struct exports);

	exports->store = store;
	pthread_mutex_init(&exports->lock, NULL);
	pthread_cond_init(&exports->ended, NULL);
	return exports;
}

void exports_free(struct exports *exports)
{
	if (!exports)
		return;
	pthread_mutex_lock(&exports->lock);
	while (exports->running)
		pthread_cond_wait(&exports->ended, &exports->lock);
	pthread_mutex_unlock(&exports->lock);
	pthread_mutex_destroy(&exports->lock);
	pthread_cond_destroy(&exports->ended);
	free(exports);
}
