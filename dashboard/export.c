/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports. Read in pages by cursor, so that no file is held open at one state while a slow client
 * takes its time.
 */
#include <errno.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "dashboard/event-json.h"
#include "dashboard/export.h"

#define PAGE	   200
#define PAGE_BYTES (PAGE * ALERT_MAX * 4)

_Static_assert(PAGE_BYTES < DOWNLOAD_PIECE_MAX, "a page goes out in one piece");

struct export
{
	struct store *store;
	struct store_scope scope;
	struct filter *filter;
	const struct export_form *form;
	uint64_t count;
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

static bool give_page(
	struct download *download, struct export *export, const struct store_page *page)
{
	struct buffer text;
	bool goes_on;

	buffer_init(&text, PAGE_BYTES);
	for (size_t i = 0; i < page->count; i++)
		export->form->write((struct text){ page->rows[i].json, page->rows[i].json_length },
			export->count++, &text);
	goes_on = download_give(download, buffer_text(&text));
	buffer_done(&text);
	return goes_on;
}

static unsigned damages_found(const struct export *export)
{
	struct store_status status;

	store_status(export->store, &status);
	return status.damages;
}

/* What is set aside as damaged while this reads is missing, whoever found it. */
static int export_read(
	struct download *download, struct export *export, struct store_reader *reader)
{
	unsigned damages = damages_found(export);
	struct store_cursor cursor = { 0 };
	bool has_failed = false;
	struct error err = { 0 };
	bool goes_on = download_give(download, text_of(export->form->begin));

	while (goes_on) {
		struct store_page page;
		int r = store_list(reader, &export->scope, &cursor, PAGE, &page, &err);

		has_failed = r < 0;
		if (has_failed)
			log_error("an export ends early: %s", err.message);
		else
			goes_on = give_page(download, export, &page);
		goes_on &= !has_failed && page.has_more && page.count;
		if (page.count)
			cursor = (struct store_cursor){ page.rows[page.count - 1].time_ns,
				page.rows[page.count - 1].id };
		store_page_done(&page);
	}
	has_failed |= damages_found(export) != damages;
	download_give(download, text_of(has_failed ? export->form->broken : export->form->end));
	return has_failed ? -EIO : 0;
}

static int make_export(struct download *download, void *context)
{
	struct export *export = context;
	struct store_reader *reader = store_reader_new(export->store);
	int r = export_read(download, export, reader);

	store_reader_free(reader);
	return r;
}

static void export_free(void *context)
{
	struct export *export = context;

	filter_free(export->filter);
	free(export);
}

int export_start(struct downloads *downloads, struct http_request *request, struct store *store,
	const struct store_scope *scope, struct filter *filter, const struct export_form *form)
{
	struct export *export = NEW(struct export);

	*export =
		(struct export){ .store = store, .scope = *scope, .filter = filter, .form = form };
	export->scope.filter = filter;
	export->scope.budget_ms = 0;
	export->scope.skips_total = true;
	return download_start(downloads, request, form->type,
		&(struct download_maker){ make_export, export_free, export });
}
