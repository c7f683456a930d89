/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a field by what a rule calls it: the longest name that fits, and behind it an argument
 * in brackets or behind a dot.
 */
#include <ctype.h>
#include <errno.h>

#include "base/memory.h"
#include "sensor/fields/families.h"

/* Longer than any field's name: nothing can be near to it. */
#define NAME_MAX_BYTES 80

#define FAMILY(name) &family_##name,
static const struct field_family *const families[] = { FIELD_FAMILIES(FAMILY) };
#undef FAMILY

const struct field_family *const *field_families(size_t *ret_count)
{
	*ret_count = COUNT_OF(families);
	return families;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The longest field name that `text` begins with; NULL when there is none. */
static const struct field *longest_match(struct text text)
{
	const struct field *best = NULL;
	size_t best_length = 0;

	for (size_t i = 0; i < COUNT_OF(families); i++)
		for (size_t j = 0; j < families[i]->count; j++) {
			const struct field *field = &families[i]->fields[j];
			size_t length = strlen(field->name);

			if (length > best_length &&
				text_starts_with(text, (struct text){ field->name, length })) {
				best = field;
				best_length = length;
			}
		}
	return best;
}

const char *field_nearest(struct text text)
{
	const char *names[1024];
	size_t count = 0;

	if (text.length > NAME_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(families); i++)
		for (size_t j = 0; j < families[i]->count; j++)
			if (!(families[i]->fields[j].flags & FIELD_HIDDEN) &&
				count < COUNT_OF(names))
				names[count++] = families[i]->fields[j].name;
	return text_nearest(text, names, count);
}

/* `prefix`: a field that the text begins with, or NULL. */
static int no_field(struct text text, const struct field *prefix, struct error *err)
{
	const char *near = err ? field_nearest(text) : NULL; /* it costs half a millisecond */

	if (!near && prefix)
		near = prefix->name;
	if (near)
		return error_set(err, -ENOENT, "no field \"" TEXT_FORMAT "\"; did you mean \"%s\"?",
			TEXT_PRINT(text), near);
	return error_set(err, -ENOENT, "no field \"" TEXT_FORMAT "\"; `tercel fields` lists them",
		TEXT_PRINT(text));
}

/* A field as it is being read: how much of the text is used, and the argument in it. */
struct match {
	const struct field *field;
	size_t used;
	size_t key_at, key_length; /* of the argument without brackets and quotes */
	bool has_argument;
};

/* The end of "[…]" that begins at `at`; 0 when it does not end. A quote may hold a bracket. */
static size_t bracket_end(struct text text, size_t at)
{
	char quote = 0;

	for (size_t i = at + 1; i < text.length; i++) {
		char c = text.data[i];

		if (quote)
			quote = c == quote ? 0 : quote;
		else if ((c == '"' || c == '\'') && i == at + 1)
			quote = c;
		else if (c == ']')
			return i + 1;
		else if (c == '[' || isspace((unsigned char)c))
			return 0;
	}
	return 0;
}

static void take_bracket(struct text text, struct match *match)
{
	size_t end = bracket_end(text, match->used);
	char first;

	if (!end)
		return;
	match->key_at = match->used + 1;
	match->key_length = end - match->used - 2;
	first = text.data[match->key_at];
	if (match->key_length >= 2 && (first == '"' || first == '\'') &&
		text.data[match->key_at + match->key_length - 1] == first) {
		match->key_at++;
		match->key_length -= 2;
	}
	match->has_argument = match->key_length > 0;
	match->used = end;
}

/* ".name", or for keys ".name.of.more"; a dot with nothing behind it is not taken. */
static void take_suffix(struct text text, struct match *match, bool takes_dots)
{
	size_t end = match->used + 1;

	while (end < text.length &&
		(is_word(text.data[end]) ||
			(takes_dots && text.data[end] == '.' && end + 1 < text.length &&
				is_word(text.data[end + 1]))))
		end++;
	if (end == match->used + 1)
		return;
	match->key_at = match->used + 1;
	match->key_length = end - match->key_at;
	match->has_argument = true;
	match->used = end;
}

static void take_argument(struct text text, struct match *match)
{
	enum field_argument_kind kind = match->field->argument;
	char next = match->used < text.length ? text.data[match->used] : '\0';
	bool takes_dotted = match->field->flags & FIELD_DOTTED_KEY;

	if (next == '[' && kind != ARGUMENT_NONE && kind != ARGUMENT_SUFFIX)
		take_bracket(text, match);
	else if (next == '.' && (kind == ARGUMENT_SUFFIX || kind == ARGUMENT_NAME_OR_INDEX))
		take_suffix(text, match, false);
	else if (next == '.' && takes_dotted)
		take_suffix(text, match, true);
}

static bool is_argument_required(const struct field *field)
{
	return field->argument != ARGUMENT_NONE && field->argument != ARGUMENT_INDEX_OPTIONAL &&
	       field->argument != ARGUMENT_KEY_OPTIONAL;
}

/* An argument of any event with this name, for the type of evt.rawarg.NAME; NULL: none. */
static const struct event_argument *find_event_argument(struct text name)
{
	size_t count;
	const struct event_type *types = event_types(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < types[i].argument_count; j++)
			if (text_is(name, types[i].arguments[j].name))
				return &types[i].arguments[j];
	return NULL;
}

static const char *nearest_event_argument(struct text name)
{
	const char *names[1024];
	size_t count, found = 0;
	const struct event_type *types = event_types(&count);

	if (name.length > NAME_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < types[i].argument_count && found < COUNT_OF(names); j++)
			names[found++] = types[i].arguments[j].name;
	return text_nearest(name, names, found);
}

static int check_event_argument(struct field_use *use, struct error *err)
{
	const struct event_argument *argument;
	const char *near;

	if (use->index >= 0)
		return 0;
	argument = find_event_argument(use->key);
	if (!argument) {
		near = nearest_event_argument(use->key);
		return error_set(err, -EINVAL, "unknown event argument " TEXT_FORMAT "%s%s%s",
			TEXT_PRINT(use->key), near ? "; did you mean \"" : "", near ? near : "",
			near ? "\"?" : "");
	}
	if (use->type == TYPE_DYN && argument->type != TYPE_DYN)
		use->type = argument->type;
	return 0;
}

static int check_argument(struct field_use *use, struct error *err)
{
	enum field_argument_kind kind = use->field->argument;
	bool wants_number = kind == ARGUMENT_INDEX || kind == ARGUMENT_INDEX_OPTIONAL;

	if (is_argument_required(use->field) && !use->has_argument)
		return error_set(err, -EINVAL, "field \"%s\" needs an argument: %s%s",
			use->field->name, use->field->name,
			kind == ARGUMENT_SUFFIX		 ? ".NAME"
			: kind == ARGUMENT_NAME_OR_INDEX ? ".NAME or [0]"
			: wants_number			 ? "[0]"
							 : "[KEY]");
	if (use->has_argument && wants_number && use->index < 0)
		return error_set(err, -EINVAL,
			"field \"%s\": \"" TEXT_FORMAT "\" is no index; write %s[1]",
			use->field->name, TEXT_PRINT(use->key), use->field->name);
	if (text_is(text_of(use->field->name), "evt.arg") ||
		text_is(text_of(use->field->name), "evt.rawarg"))
		return check_event_argument(use, err);
	if (text_is(text_of(use->field->name), "evt.type.is") && !event_type_find(use->key))
		return error_set(
			err, -EINVAL, "unknown event type " TEXT_FORMAT, TEXT_PRINT(use->key));
	return 0;
}

static struct field_use use_of(struct text text, const struct match *match)
{
	char *name = text_to_string(text_slice(text, 0, match->used));
	struct field_use use = { .field = match->field,
		.type = match->field->type,
		.name = { name, match->used },
		.has_argument = match->has_argument,
		.index = -1 };

	if (match->has_argument)
		use.key = (struct text){ name + match->key_at, match->key_length };
	if (!match->has_argument || text_to_i64(use.key, &use.index) < 0 || use.index < 0)
		use.index = -1;
	return use;
}

int field_resolve(struct text text, size_t *ret_used, struct field_use *ret_use, struct error *err)
{
	struct match match = { .field = longest_match(text) };
	struct field_use use;
	int r;

	if (!match.field)
		return no_field(text, NULL, err);
	match.used = strlen(match.field->name);
	take_argument(text, &match);
	if (match.used < text.length && !ret_used) {
		if (text.data[match.used] == '[' && match.field->argument == ARGUMENT_NONE)
			return error_set(
				err, -EINVAL, "field \"%s\" takes no argument", match.field->name);
		return no_field(text, match.field, err);
	}
	use = use_of(text, &match);
	r = check_argument(&use, err);
	if (r < 0) {
		field_use_done(&use);
		return r;
	}
	if (ret_used)
		*ret_used = match.used;
	*ret_use = use;
	return 0;
}

void field_use_done(struct field_use *use)
{
	free((char *)use->name.data);
	*use = (struct field_use){};
}

static const struct given_value *given_to(const struct event *event, struct text name)
{
	for (size_t i = 0; i < event->given_count; i++)
		if (text_is(name, event->given[i].name))
			return &event->given[i];
	return NULL;
}

/* A fallback text stands in for what is not known in time; without one it is absent. */
static enum presence known_by_now(
	const struct event *event, enum presence presence, const struct value *value)
{
	if (presence != WAITS || !event->is_overdue)
		return presence;
	return value->kind == VALUE_TEXT && value->text.data ? PRESENT : ABSENT;
}

enum presence field_read(
	const struct event *event, const struct field_use *use, struct value *ret_value)
{
	const struct given_value *given = event->given ? given_to(event, use->name) : NULL;

	if (given) {
		*ret_value = given->value;
		return known_by_now(event, given->presence, ret_value);
	}
	if (!use->field->read)
		return ABSENT;
	/* A reader that waits may leave a fallback in it, or nothing. */
	*ret_value = (struct value){};
	return known_by_now(event, use->field->read(event, use, ret_value), ret_value);
}
