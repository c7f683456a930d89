/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events for rule tests.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/given.h"
#include "sensor/fields/field.h"
#include "condition/lexer.h"
#include "condition/operators.h"

struct given {
	struct arena *arena;
	struct given_value *values;
	size_t count, capacity;
	struct event event;
};

struct given *given_new(void)
{
	struct given *given = NEW(struct given);

	given->arena = arena_new(64 << 20);
	return given;
}

void given_free(struct given *given)
{
	arena_free(given->arena);
	free(given->values);
	free(given);
}

/* One value, in quotes or up to one of the `ends`. */
static int take_text(
	struct lexer *lexer, const char *ends, struct text *ret_text, struct error *err)
{
	struct text rest;
	size_t length = 0;
	int r;

	r = lexer_quoted_string(lexer, ret_text, err);
	if (r)
		return r < 0 ? r : 0;
	rest = text_slice(lexer->text, lexer->at.offset, lexer->text.length);
	while (length < rest.length && !strchr(ends, rest.data[length]))
		length++;
	*ret_text = text_slice(rest, 0, length);
	lexer->at.offset += length;
	return 0;
}

static int take_value(struct given *given, struct lexer *lexer, const char *ends,
	const struct field_use *use, struct value *ret_value, struct error *err)
{
	enum value_type type = use->type == TYPE_IPNET ? TYPE_IPADDR : use->type;
	struct right right;
	struct text text;
	int r;

	r = take_text(lexer, ends, &text, err);
	if (r == 0)
		r = constant_parse(arena_copy(given->arena, text), type, &right, err);
	if (r == 0)
		*ret_value = right.value;
	return r;
}

/* "[a,b]" with the bracket taken. */
static int take_list(struct given *given, struct lexer *lexer, const struct field_use *use,
	struct value *ret_value, struct error *err)
{
	struct value *items = ARENA_NEW(given->arena, struct value, 32);
	size_t count = 0;
	int r;

	while (!lexer_exact(lexer, "]")) {
		lexer_exact(lexer, ",");
		lexer_blank(lexer);
		if (count == 32 || lexer_is_at_end(lexer))
			return error_set(err, -EINVAL, "a list is never closed");
		r = take_value(given, lexer, " ,]", use, &items[count++], err);
		if (r < 0)
			return r;
	}
	*ret_value = (struct value){ .kind = VALUE_LIST, .list = { items, count } };
	return 0;
}

/* NAME=VALUE */
static int take_pair(struct given *given, struct lexer *lexer, struct error *err)
{
	struct text rest = text_slice(lexer->text, lexer->at.offset, lexer->text.length);
	ptrdiff_t equal = text_find(rest, TEXT("="));
	struct given_value value = { .presence = PRESENT };
	struct field_use use = { 0 };
	struct text name;
	int r;

	if (equal < 0)
		return error_set(err, -EINVAL, "no value: " TEXT_FORMAT, TEXT_PRINT(rest));
	name = arena_copy(given->arena, text_slice(rest, 0, (size_t)equal));
	lexer->at.offset += (size_t)equal + 1;
	r = field_resolve(name, NULL, &use, err);
	if (r < 0)
		return r;
	value.name = name.data;
	if (lexer_exact(lexer, "absent"))
		value.presence = ABSENT;
	else if (lexer_exact(lexer, "waits"))
		value.presence = WAITS;
	else if (lexer_exact(lexer, "["))
		r = take_list(given, lexer, &use, &value.value, err);
	else
		r = take_value(given, lexer, " ", &use, &value.value, err);
	field_use_done(&use);
	if (r == 0)
		*ARRAY_ADD(given->values, given->count, given->capacity) = value;
	return r;
}

static const struct event_type *given_type(const struct given *given)
{
	for (size_t i = 0; i < given->count; i++)
		if (!strcmp(given->values[i].name, "evt.type"))
			return event_type_find(given->values[i].value.text);
	return event_type_find(TEXT("openat"));
}

int given_event(struct given *given, struct text text, struct event **ret_event, struct error *err)
{
	struct lexer lexer;
	int r;

	arena_reset(given->arena);
	given->count = 0;
	lexer_init(&lexer, arena_copy(given->arena, text), given->arena);
	for (lexer_blank(&lexer); !lexer_is_at_end(&lexer); lexer_blank(&lexer)) {
		r = take_pair(given, &lexer, err);
		if (r < 0)
			return r;
	}
	given->event = (struct event){
		.number = given->event.number + 1,
		.time_ns = UINT64_C(1622308754363635208),
		.type = given_type(given),
		.given = given->values,
		.given_count = given->count,
		.arena = given->arena,
	};
	if (!given->event.type)
		return error_set(err, -EINVAL, "evt.type names no event");
	*ret_event = &given->event;
	return 0;
}
