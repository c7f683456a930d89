/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of YAML files: one walk over a shape prints it as a JSON schema, another holds a file
 * against it. The words are those of the validator that Falco uses, so that who reads them finds
 * them again: "failed for <root>[0][priority]: Failed to match against any enum values."
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/yaml.h"

enum shape_kind {
	SHAPE_TEXT,
	SHAPE_SCALAR, /* an integer or a text */
	SHAPE_BOOL,
	SHAPE_INTEGER,
	SHAPE_NUMBER,
	SHAPE_ANY,
	SHAPE_CHOICE,
	SHAPE_LIST,
	SHAPE_OBJECT,
	SHAPE_COUNT
};

struct shape_member;

struct shape {
	enum shape_kind kind;
	const char *choices; /* blank separated */
	bool ignores_case;   /* of the choices */
	bool has_range;	     /* of an integer: minimum and maximum count */
	bool is_open;	     /* an object that may have other keys, of the shape `items` or any */
	bool has_variables;  /* "${NAME}" may stand for any scalar; of the root, for all below */
	const struct shape *items;
	const struct shape_member *properties;
	size_t count;
	const char *required;	  /* a key that must be there; NULL: none */
	const struct shape * or ; /* one of another plain type that is as good; NULL: none */
	int64_t minimum, maximum;
	const char *fallback, *about; /* for those who read the schema; NULL: none */
};

struct shape_member {
	const char *key;
	const struct shape *shape;
};

/* An object with the keys of a static array of properties, and what else is said of it. */
#define SHAPE_OBJECT_OF(list, ...)                                                     \
	{                                                                              \
		SHAPE_OBJECT, .properties = list, .count = COUNT_OF(list), __VA_ARGS__ \
	}

/* Draft 6, one object, with a title where there is one; ends in a newline. */
void schema_print(const struct shape *shape, const char *title, struct buffer *out);
/*
 * Gives each mismatch, from the innermost value outwards, at most 200 of them. True when there is
 * none, and of an empty document (NULL).
 */
bool schema_check(const struct shape *shape, const struct yaml_node *root,
	void (*fail)(void *context, const char *message), void *context);
