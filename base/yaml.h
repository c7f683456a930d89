/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as a tree that remembers where each node stood, over libyaml. Aliases are resolved (a node
 * may then be reached twice) under a ceiling, so that no small file can grow into a large tree.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	bool is_quoted;		  /* a scalar written in quotes or as a block: always text */
	struct text text;	  /* of a scalar */
	const char *tag;	  /* as written, or NULL */
	size_t line;		  /* of its start, 0-based as libyaml and Falco count */
	size_t column;		  /* 0-based, in characters */
	size_t offset;		  /* in bytes */
	size_t count;		  /* items of a sequence, pairs of a mapping */
	struct yaml_node **items; /* the sequence's items, or the mapping's values */
	struct yaml_node **keys;  /* the mapping's keys */
};

struct yaml; /* a stream of documents; owns all its nodes */

/* A place in the text, counted as in struct yaml_node. */
struct yaml_mark {
	size_t line, column, offset;
};

/* `name` is used in messages. -EINVAL with NAME:LINE (1-based) and libyaml's problem. */
int yaml_parse(struct text text, const char *name, struct yaml **ret_yaml, struct error *err);
/*
 * As yaml_parse, for those who print places themselves: the message is the bare problem, and
 * *ret_mark is set on failure alone, to where it is.
 */
int yaml_parse_marked(struct text text, const char *name, struct yaml **ret_yaml,
	struct yaml_mark *ret_mark, struct error *err);
/* As yaml_parse, from a file of at most 16 MiB. -ENOENT and such with a message. */
int yaml_load(const char *path, struct yaml **ret_yaml, struct error *err);
/* Frees the tree; NULL is fine. (Not yaml_free: libyaml exports that name.) */
void yaml_unload(struct yaml *yaml);
DEFINE_CLEANUP(struct yaml *, yaml_unload)

size_t yaml_document_count(const struct yaml *yaml);
/* The root of a document; an empty document has a YAML_NULL root. */
struct yaml_node *yaml_document(const struct yaml *yaml, size_t index);
/* The name that was given, and the whole text (for snippets). */
const char *yaml_name(const struct yaml *yaml);
struct text yaml_source(const struct yaml *yaml);

/*
 * The value of a key, by exact name, or NULL: also when `mapping` is NULL or no mapping. For a
 * repeated key the last one.
 */
struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
/* Gives the keys of that name another one. False: there is none. */
bool yaml_rename(struct yaml_node *mapping, const char *from, const char *to);
/* Takes the pair at a place out of the mapping; its nodes stay the stream's. */
void yaml_remove(struct yaml_node *mapping, size_t at);
/*
 * yaml-cpp's booleans: true false yes no on off y n, in lower, Title or UPPER case, quoted or
 * not. -EINVAL.
 */
int yaml_bool(const struct yaml_node *node, bool *ret_flag);
