/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a template: what the parser makes and the runner walks. All of it lies in the
 * template's arena, but for the literals.
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"

#define CALL_ARGUMENTS_MAX 8

struct call;
typedef struct json_object *template_function(struct json_object **arguments, size_t count);

struct function {
	const char *name;
	template_function
		*run; /* arguments are borrowed, the result is the caller's; NULL is nil */
	size_t least, most;
};

/* The function of a name, or NULL. Those that are there, for an error's words, in `ret_names`. */
const struct function *function_find(struct text name);
void function_names(struct buffer *out);

enum expression_kind { EXPRESSION_LITERAL, EXPRESSION_DOT, EXPRESSION_FIELD, EXPRESSION_CALL };

struct expression {
	enum expression_kind kind;
	struct json_object *literal; /* NULL: nil */
	struct expression *of;	     /* of a field */
	char *name;		     /* of a field */
	const struct function *function;
	struct expression *arguments[CALL_ARGUMENTS_MAX];
	size_t count;
};

enum node_kind { NODE_TEXT, NODE_PRINT, NODE_IF, NODE_RANGE };

struct node {
	struct node *next;
	enum node_kind kind;
	struct text text;
	struct expression *expression;
	struct node *body, *otherwise;
};

struct template
{
	struct arena *arena;
	struct node *nodes;
	struct json_object *literals; /* an array that owns them */
};
