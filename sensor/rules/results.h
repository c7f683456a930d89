/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How loading tells what is wrong: places in a file, as a chain from the file inwards, and the
 * issues found there (spec/rule-language.md 5).
 */
#pragma once

#include "base/yaml.h"
#include "condition/lexer.h"
#include "sensor/rules/rules.h"

/*
 * One place. It lives in the loader's arena and points to its file's text, both of which outlive
 * it. Line, column and offset are what Falco prints; `caret` is where the mistake really is in
 * what the snippet is cut from, and `file_caret` where it is in the file.
 */
struct place {
	const struct place *parent;
	const char *item_type;
	struct text item_name;
	struct text file; /* the file's name, or a quoted piece of the condition */
	size_t line, column, offset;
	struct text source; /* what the snippet is cut from */
	size_t caret;	    /* offset in `source` */
	struct text file_source;
	size_t file_caret;
};

enum load_code {
	LOAD_ERR_FILE_READ,
	LOAD_ERR_YAML_PARSE,
	LOAD_ERR_YAML_VALIDATE,
	LOAD_ERR_COMPILE_CONDITION,
	LOAD_ERR_COMPILE_OUTPUT,
	LOAD_ERR_VALIDATE,
	LOAD_UNKNOWN_SOURCE,
	LOAD_UNSAFE_NA_CHECK,
	LOAD_NO_EVTTYPE,
	LOAD_UNKNOWN_FILTER,
	LOAD_UNUSED_MACRO,
	LOAD_UNUSED_LIST,
	LOAD_UNKNOWN_ITEM,
	LOAD_DEPRECATED_ITEM,
	LOAD_APPEND_NO_VALUES,
	LOAD_EXCEPTION_NAME_NOT_UNIQUE,
	LOAD_INVALID_MACRO_NAME,
	LOAD_INVALID_LIST_NAME,
	LOAD_COMPILE_CONDITION,
	LOAD_UNKNOWN_KEY,
	LOAD_CODE_COUNT,
};

/* The place of a node below another place. */
const struct place *place_new(struct arena *arena, const struct place *parent,
	const char *item_type, struct text item_name, const struct yaml_node *node);
/* The root of a file's places. */
const struct place *place_of_file(struct arena *arena, const char *file, struct text source);
/*
 * A position in a condition's text, which stands at `parent`. `base` is the place whose numbers
 * Falco adds the position to.
 */
const struct place *place_in_condition(struct arena *arena, const struct place *parent,
	const struct place *base, struct text condition, const struct position *at);

/* The place of an output with its caret at an offset of the output's text. */
const struct place *place_in_output(
	struct arena *arena, const struct place *output, struct text text, size_t offset);

struct load_result *load_result_new(const char *file);
/* Keeps the first error of a result. `advice` may be NULL. Returns -EINVAL. */
int load_error(struct load_result *result, enum load_code code, const struct place *place,
	const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* In place of the errors that there are. */
int load_error_only(struct load_result *result, enum load_code code, const struct place *place,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Returns the issue, so that a deprecated field can be named. */
struct load_issue *load_warning(struct load_result *result, enum load_code code,
	const struct place *place, const char *advice, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
