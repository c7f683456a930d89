/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists in conditions. A name counts where it is delimited on both sides, even inside quotes; the
 * blanks around it go with it, but for one where words would run into each other (Falco glues
 * those, and the condition then fails to load).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/expansion.h"

/* A condition with its lists written out; the longest official one has some 9,000 bytes. */
#define CONDITION_MAX (4 * 1024 * 1024)

void lists_expand(struct rules_loader *loader)
{
	for (size_t i = 0; i < loader->list_count; i++)
		loader->lists[i].is_used = false;
	for (size_t i = 0; i < loader->list_count; i++) {
		struct list_definition *list = &loader->lists[i];

		list->expanded.count = 0;
		for (size_t j = 0; j < list->items.count; j++) {
			struct list_definition *other = list_find(loader, list->items.items[j]);

			if (!other || other->index >= list->visibility) {
				texts_add(&list->expanded, list->items.items[j]);
				continue;
			}
			other->is_used = true;
			for (size_t k = 0; k < other->items.count; k++)
				texts_add(&list->expanded, other->items.items[k]);
		}
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_delimiter(char c)
{
	return is_blank(c) || c == '(' || c == ')' || c == ',' || c == '=';
}

/* The name's next place from `from` on where it is delimited; -1 when there is none. */
static ptrdiff_t find_name(struct text text, struct text name, size_t from)
{
	for (;;) {
		ptrdiff_t found = text_find(text_slice(text, from, text.length), name);
		size_t start, end;

		if (found < 0)
			return -1;
		start = from + (size_t)found;
		end = start + name.length;
		if ((!start || is_delimiter(text.data[start - 1])) &&
			(end == text.length || is_delimiter(text.data[end])))
			return (ptrdiff_t)start;
		from = start + 1;
	}
}

bool condition_names_list(struct text condition, struct text name)
{
	return find_name(condition, name, 0) >= 0;
}

static void add_items(const struct list_definition *list, struct buffer *out)
{
	for (size_t i = 0; i < list->expanded.count; i++) {
		struct text item = list->expanded.items[i];
		bool is_quoted = item.length && (item.data[0] == '"' || item.data[0] == '\'');
		bool has_blank = item.length && memchr(item.data, ' ', item.length);

		if (i)
			buffer_add_string(out, ", ");
		if (!item.length || (has_blank && !is_quoted))
			buffer_printf(out, "\"" TEXT_FORMAT "\"", TEXT_PRINT(item));
		else
			buffer_add_text(out, item);
	}
}

/*
 * Takes blanks off the end of what is written, and the comma before an empty list, which it says
 * in the result. One blank stays behind a word.
 */
static bool trim_end(struct buffer *out, bool takes_comma)
{
	size_t length = out->length;

	while (out->length && is_blank(out->data[out->length - 1]))
		out->length--;
	if (!out->length)
		return false;
	if (takes_comma && out->data[out->length - 1] == ',') {
		out->length--;
		return true;
	}
	if (out->length < length && !is_delimiter(out->data[out->length - 1]))
		buffer_add_char(out, ' ');
	return false;
}

/* Where the condition goes on behind a name that ends at `at`. */
static size_t skip_blanks(struct text condition, size_t at, bool takes_comma, struct buffer *out)
{
	size_t start = at;

	while (at < condition.length && is_blank(condition.data[at]))
		at++;
	if (at == condition.length)
		return at;
	if (takes_comma && condition.data[at] == ',')
		return at + 1;
	if (at > start && !is_delimiter(condition.data[at]))
		buffer_add_char(out, ' ');
	return at;
}

static void replace_list(
	struct list_definition *list, struct text condition, ptrdiff_t first, struct buffer *out)
{
	bool is_empty = !list->expanded.count, took_comma;
	size_t done = 0;

	for (ptrdiff_t start = first; start >= 0; start = find_name(condition, list->name, done)) {
		buffer_add_text(out, text_slice(condition, done, (size_t)start - done));
		took_comma = trim_end(out, is_empty);
		add_items(list, out);
		done = skip_blanks(
			condition, (size_t)start + list->name.length, is_empty && !took_comma, out);
	}
	buffer_add_text(out, text_slice(condition, done, condition.length));
	list->is_used = true;
}

int condition_expand(struct rules_loader *loader, struct text condition, struct arena *arena,
	struct text *ret_condition)
{
	struct text text = condition;

	for (size_t i = 0; i < loader->list_count; i++) {
		struct list_definition *list = &loader->lists[i];
		ptrdiff_t first = list->name.length ? find_name(text, list->name, 0) : -1;
		struct buffer out;

		if (first < 0)
			continue;
		buffer_init(&out, CONDITION_MAX);
		replace_list(list, text, first, &out);
		text = arena_copy(arena, buffer_text(&out));
		if (out.is_cut) {
			buffer_done(&out);
			return -E2BIG;
		}
		buffer_done(&out);
	}
	*ret_condition = text;
	return 0;
}
