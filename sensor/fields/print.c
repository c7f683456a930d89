/* SPDX-License-Identifier: Apache-2.0 */
/* Fields as outputs show them: text in the line, typed values in JSON. */
#include <inttypes.h>

#include "base/encoding.h"
#include "base/json.h"
#include "sensor/fields/reader.h"

void print_bytes(const struct event *event, struct text bytes, struct buffer *out)
{
	if (event->prints_base64) {
		base64_write(out, bytes);
		return;
	}
	for (size_t i = 0; i < bytes.length; i++)
		buffer_add_char(
			out, bytes.data[i] >= ' ' && bytes.data[i] < 127 ? bytes.data[i] : '.');
}

static void print_number(const struct field_use *use, uint64_t number, struct buffer *out)
{
	if (use->field->flags & FIELD_HEX)
		buffer_printf(out, "%" PRIX64, number);
	else if (use->field->flags & FIELD_NINE_DIGITS)
		buffer_printf(out, "%09" PRIu64, number);
	else
		buffer_printf(out, "%" PRIu64, number);
}

static void print_one(const struct event *event, const struct field_use *use,
	const struct value *value, struct buffer *out)
{
	switch (value->kind) {
	case VALUE_TEXT:
		buffer_add_text(out, value->text);
		break;
	case VALUE_BYTES:
		print_bytes(event, value->text, out);
		break;
	case VALUE_SIGNED:
		if (value->number < 0)
			buffer_printf(out, "%" PRId64, value->number);
		else
			print_number(use, (uint64_t)value->number, out);
		break;
	case VALUE_UNSIGNED:
		print_number(use, value->size, out);
		if (use->type == TYPE_DOUBLE)
			buffer_printf(out, ".%u", value->tenths);
		break;
	case VALUE_BOOL:
		buffer_add_string(out, value->flag ? "true" : "false");
		break;
	case VALUE_ADDRESS:
		address_print(&value->address, out);
		break;
	case VALUE_LIST:
		break;
	}
}

/* Lists are "(a,b)"; the values of all ancestors are joined by blanks. */
static void print_list(const struct event *event, const struct field_use *use,
	const struct value *value, struct buffer *out)
{
	bool is_ancestors = use->field->flags & (FIELD_ANY_ANCESTOR | FIELD_EITHER_END);

	buffer_add_string(out, is_ancestors ? "" : "(");
	for (size_t i = 0; i < value->list.count; i++) {
		buffer_add_string(out, !i ? "" : is_ancestors ? " " : ",");
		print_one(event, use, &value->list.items[i], out);
	}
	buffer_add_string(out, is_ancestors ? "" : ")");
}

/* What still waits when the alert is written counts as absent, unless it has a fallback text. */
static bool is_shown(
	const struct event *event, const struct field_use *use, struct value *ret_value)
{
	enum presence presence;

	*ret_value = (struct value){};
	if (use->field->flags & FIELD_FILTER_ONLY)
		return false;
	presence = field_read(event, use, ret_value);
	if (use->field->flags & FIELD_DOMAIN_NAMES && !ret_value->list.count)
		return false;
	return presence == PRESENT ||
	       (presence == WAITS && ret_value->kind == VALUE_TEXT && ret_value->text.data);
}

void field_print(const struct event *event, const struct field_use *use, struct buffer *out)
{
	struct value value;

	if (!is_shown(event, use, &value))
		buffer_add_text(out, UNKNOWN_TEXT);
	else if (value.kind == VALUE_LIST)
		print_list(event, use, &value, out);
	else
		print_one(event, use, &value, out);
}

static void print_text_json(const struct event *event, const struct field_use *use,
	const struct value *value, struct json_writer *json)
{
	struct buffer text;

	buffer_init(&text, 65536);
	print_one(event, use, value, &text);
	json_add_text(json, buffer_text(&text));
	buffer_done(&text);
}

static void print_one_json(const struct event *event, const struct field_use *use,
	const struct value *value, struct json_writer *json)
{
	switch (value->kind) {
	case VALUE_TEXT:
		json_add_text(json, value->text);
		break;
	case VALUE_SIGNED:
		json_add_i64(json, value->number);
		break;
	case VALUE_UNSIGNED:
		if (use->type == TYPE_DOUBLE)
			json_add_double(json, (double)value->size + value->tenths / 10.0);
		else
			json_add_u64(json, value->size);
		break;
	case VALUE_BOOL:
		json_add_bool(json, value->flag);
		break;
	case VALUE_BYTES:
	case VALUE_ADDRESS:
	case VALUE_LIST:
		print_text_json(event, use, value, json);
		break;
	}
}

void field_print_json(
	const struct event *event, const struct field_use *use, struct json_writer *json)
{
	struct value value;

	if (!is_shown(event, use, &value)) {
		json_add_null(json);
	} else if (use->field->flags & FIELD_TIME_JSON) {
		json_add_u64(json, event->time_ns);
	} else if (value.kind != VALUE_LIST) {
		print_one_json(event, use, &value, json);
	} else if (use->field->flags & (FIELD_ANY_ANCESTOR | FIELD_EITHER_END)) {
		struct buffer text;

		buffer_init(&text, 65536);
		print_list(event, use, &value, &text);
		json_add_text(json, buffer_text(&text));
		buffer_done(&text);
	} else {
		json_begin_array(json);
		for (size_t i = 0; i < value.list.count; i++)
			print_one_json(event, use, &value.list.items[i], json);
		json_end(json);
	}
}
