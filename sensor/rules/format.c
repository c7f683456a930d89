/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output formats: a list of parts, each literal text, a field or a transformer's call.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/format.h"

/* A width is a convenience for tables; more than this is a mistake. */
#define WIDTH_MAX 4096

struct part {
	struct text literal; /* NULL data: a reading */
	unsigned reading;
	size_t width; /* 0: as long as it is */
};

struct format {
	char *text;
	struct arena *arena; /* operands while parsing, constants of transformers */
	struct readings readings;
	struct part *parts;
	size_t count, capacity;
	const struct field_use **fields; /* of all readings, those of the texts added too */
	size_t field_count, field_capacity;
	struct format_member *members;
	size_t member_count, member_capacity;
	struct format **texts; /* that were added */
	size_t text_count, text_capacity;
};

static struct part *part_new(struct format *format)
{
	struct part *part = ARRAY_ADD(format->parts, format->count, format->capacity);

	*part = (struct part){ 0 };
	return part;
}

/* The width before a name: 0 when none stands there. -EINVAL when nothing follows it. */
static int parse_width(struct text *rest, size_t *ret_width, struct error *err)
{
	size_t digits = 0;
	uint64_t width = 0;

	while (digits < rest->length && rest->data[digits] >= '0' && rest->data[digits] <= '9')
		digits++;
	if (digits && digits == rest->length)
		return error_set(err, -EINVAL,
			"invalid formatting syntax: formatting cannot end with a number");
	if (digits && (text_to_u64(text_slice(*rest, 0, digits), &width) < 0 || width > WIDTH_MAX))
		return error_set(err, -EINVAL, "invalid formatting syntax: a width is at most %d",
			WIDTH_MAX);
	*rest = text_slice(*rest, digits, rest->length);
	*ret_width = (size_t)width;
	return 0;
}

/* The longest prefix that is a field, as an operand. */
static int parse_field(
	struct format *format, struct text rest, struct operand **ret_operand, size_t *ret_used)
{
	struct operand *operand;
	struct field_use use = { 0 };
	struct text name;
	const char *bracket;
	size_t used;
	int r;

	r = field_resolve(rest, &used, &use, NULL);
	if (r < 0)
		return r;
	field_use_done(&use);

	operand = ARENA_NEW(format->arena, struct operand, 1);
	name = text_slice(rest, 0, used);
	*operand = (struct operand){ .kind = OPERAND_FIELD, .text = name };
	bracket = memchr(name.data, '[', name.length);
	if (bracket) {
		operand->text = text_slice(name, 0, (size_t)(bracket - name.data));
		operand->has_argument = true;
		operand->argument = text_slice(
			name, operand->text.length + 1, name.length - operand->text.length - 2);
	}
	*ret_operand = operand;
	*ret_used = used;
	return 0;
}

static bool is_transformer(struct text rest)
{
	struct lexer lexer;

	lexer_init(&lexer, rest, NULL);
	for (size_t i = 0; i < TRANSFORMER_COUNT; i++)
		if (lexer_call(&lexer, transformer_at(i)->name))
			return true;
	return false;
}

/* What stands behind a "%"; cuts it off *rest. */
static int parse_token(struct format *format, struct text *rest, struct error *err)
{
	struct part *part = part_new(format);
	struct operand *operand;
	size_t used;
	int r;

	if (!rest->length)
		return error_set(
			err, -EINVAL, "invalid formatting syntax: formatting cannot end with a %%");
	r = parse_width(rest, &part->width, err);
	if (r < 0)
		return r;
	if (!isalpha((unsigned char)rest->data[0]))
		return error_set(err, -EINVAL, "empty formatting token");
	if (is_transformer(*rest))
		r = transformer_parse(*rest, format->arena, &operand, &used, err);
	else if (parse_field(format, *rest, &operand, &used) < 0)
		/* Falco loses the token and the closing quote; so tools expect it. */
		return error_set(err, -EINVAL, "unknown filter: unexpected token after '");
	if (r < 0)
		return r;
	*rest = text_slice(*rest, used, rest->length);
	return readings_add(&format->readings, operand, &part->reading, err);
}

static int parse_parts(
	struct format *format, struct text text, size_t *ret_offset, struct error *err)
{
	struct text rest = text;
	int r;

	while (rest.length) {
		const char *percent = memchr(rest.data, '%', rest.length);
		size_t literal = percent ? (size_t)(percent - rest.data) : rest.length;

		if (literal)
			part_new(format)->literal = text_slice(rest, 0, literal);
		rest = text_slice(rest, literal, rest.length);
		if (!rest.length)
			break;
		*ret_offset = (size_t)(rest.data - text.data);
		rest = text_slice(rest, 1, rest.length);
		r = parse_token(format, &rest, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct format_member *left = a, *right = b;

	return text_compare(left->name, right->name);
}

/* Replaces the member of that name. */
static void add_member(struct format *format, const struct format_member *member)
{
	size_t at = 0;

	while (at < format->member_count && !text_equal(format->members[at].name, member->name))
		at++;
	if (at == format->member_count)
		(void)ARRAY_ADD(format->members, format->member_count, format->member_capacity);
	format->members[at] = *member;
}

static void sort_members(struct format *format)
{
	if (format->member_count)
		qsort(format->members, format->member_count, sizeof(*format->members),
			compare_members);
}

/* Readings are kept once each, so fields are too. Called once: readings move as they grow. */
static void collect_fields(struct format *format)
{
	for (size_t i = 0; i < format->readings.count; i++) {
		const struct reading *reading = &format->readings.items[i];

		if (reading->kind != READING_FIELD)
			continue;
		*ARRAY_ADD(format->fields, format->field_count, format->field_capacity) =
			&reading->use;
		add_member(format,
			&(struct format_member){ .name = reading->use.name, .use = &reading->use });
	}
	sort_members(format);
}

int format_parse(struct text text, const struct additions *additions, struct format **ret_format,
	size_t *ret_offset, struct error *err)
{
	_cleanup_(format_freep) struct format *format = NEW(struct format);
	int r;

	format->text = text_to_string(text);
	format->arena = arena_new(SIZE_MAX / 2);
	format->readings.additions = additions;
	r = parse_parts(format, (struct text){ format->text, text.length }, ret_offset, err);
	if (r < 0)
		return -EINVAL;
	collect_fields(format);
	*ret_format = TAKE(format);
	return 0;
}

void format_free(struct format *format)
{
	if (!format)
		return;
	for (size_t i = 0; i < format->text_count; i++)
		format_free(format->texts[i]);
	readings_done(&format->readings);
	free(format->texts);
	free(format->members);
	free(format->fields);
	free(format->parts);
	free(format->text);
	arena_free(format->arena);
	free(format);
}

int format_add_member(struct format *format, const char *key, const char *text, struct error *err)
{
	_cleanup_(format_freep) struct format *added = NULL;
	_cleanup_(freep) char *token = text ? NULL : string_printf("%%%s", key);
	struct text name = arena_copy(format->arena, text_of(key));
	size_t offset = 0;
	int r;

	r = format_parse(
		text_of(text ? text : token), format->readings.additions, &added, &offset, err);
	if (r == 0 && !text && (added->count != 1 || added->field_count != 1))
		r = error_set(err, -EINVAL, "unknown filter: unexpected token after '");
	if (r < 0)
		return r;
	for (size_t i = 0; i < added->field_count; i++)
		*ARRAY_ADD(format->fields, format->field_count, format->field_capacity) =
			added->fields[i];
	add_member(format, &(struct format_member){ .name = name,
				   .use = text ? NULL : added->fields[0],
				   .text = text ? added : NULL });
	sort_members(format);
	*ARRAY_ADD(format->texts, format->text_count, format->text_capacity) = TAKE(added);
	return 0;
}

static void write_value(const struct value *value, struct buffer *out)
{
	switch (value->kind) {
	case VALUE_TEXT:
	case VALUE_BYTES:
		buffer_add_text(out, value->text);
		break;
	case VALUE_SIGNED:
		buffer_printf(out, "%lld", (long long)value->number);
		break;
	case VALUE_UNSIGNED:
		buffer_printf(out, "%llu", (unsigned long long)value->size);
		break;
	case VALUE_BOOL:
		buffer_add_string(out, value->flag ? "true" : "false");
		break;
	case VALUE_ADDRESS:
		break; /* no transformer gives one */
	case VALUE_LIST:
		buffer_add_char(out, '(');
		for (size_t i = 0; i < value->list.count; i++) {
			if (i)
				buffer_add_char(out, ',');
			write_value(&value->list.items[i], out);
		}
		buffer_add_char(out, ')');
		break;
	}
}

static void write_reading(
	const struct format *format, unsigned number, const struct event *event, struct buffer *out)
{
	const struct reading *reading = &format->readings.items[number];
	struct value value;

	if (reading->kind == READING_FIELD)
		field_print(event, &reading->use, out);
	else if (readings_read(&format->readings, number, event, NULL, 0, &value) == PRESENT)
		write_value(&value, out);
	else
		buffer_add_string(out, "<NA>");
}

static void write_part(const struct format *format, const struct part *part,
	const struct event *event, struct buffer *out)
{
	if (part->literal.data)
		buffer_add_text(out, part->literal);
	else
		write_reading(format, part->reading, event, out);
}

/* Cuts or pads what was added since `start`, in characters. */
static void fit(struct buffer *out, size_t start, size_t width)
{
	struct text added = text_slice(buffer_text(out), start, out->length);
	size_t used = 0, characters = 0;

	while (used < added.length && characters < width) {
		size_t length = utf8_sequence_length(text_slice(added, used, added.length));

		used += MAX_OF(length, 1);
		characters++;
	}
	if (used < added.length) {
		out->length = start + used;
		out->data[out->length] = '\0';
	}
	for (; characters < width; characters++)
		buffer_add_char(out, ' ');
}

void format_write(const struct format *format, const struct event *event, struct buffer *out)
{
	for (size_t i = 0; i < format->count; i++) {
		const struct part *part = &format->parts[i];
		size_t start = out->length;

		write_part(format, part, event, out);
		if (part->width)
			fit(out, start, part->width);
	}
}

size_t format_field_count(const struct format *format)
{
	return format->field_count;
}

const struct field_use *format_field(const struct format *format, size_t index)
{
	return format->fields[index];
}

size_t format_member_count(const struct format *format)
{
	return format->member_count;
}

const struct format_member *format_member_at(const struct format *format, size_t index)
{
	return &format->members[index];
}
