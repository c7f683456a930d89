/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path prefixes. Children of a node are few; patterns among them are tried after the plain names.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "condition/glob.h"
#include "condition/prefixes.h"

struct prefixes {
	struct text name;
	bool is_pattern;
	bool ends; /* a path ends here, so whatever is below matches */
	struct prefixes **children;
	size_t count, capacity;
};

struct prefixes *prefixes_new(void)
{
	return NEW(struct prefixes);
}

static void clear_children(struct prefixes *node)
{
	for (size_t i = 0; i < node->count; i++)
		prefixes_free(node->children[i]);
	node->count = 0;
}

void prefixes_free(struct prefixes *prefixes)
{
	if (!prefixes)
		return;
	clear_children(prefixes);
	free(prefixes->children);
	free(prefixes);
}

/* The next component that is not empty; false at the end. */
static bool next_component(struct text *rest, struct text *ret_name)
{
	while (text_split(rest, '/', ret_name))
		if (ret_name->length)
			return true;
	return false;
}

static struct prefixes *child_of(struct prefixes *node, struct text name)
{
	struct prefixes *child;

	for (size_t i = 0; i < node->count; i++)
		if (text_equal(node->children[i]->name, name))
			return node->children[i];

	child = prefixes_new();
	child->name = name;
	child->is_pattern = glob_is_pattern(name);
	*ARRAY_ADD(node->children, node->count, node->capacity) = child;
	return child;
}

void prefixes_add(struct prefixes *prefixes, struct text path)
{
	struct prefixes *node = prefixes;
	struct text name;

	while (next_component(&path, &name) && !node->ends)
		node = child_of(node, name);
	node->ends = true;
	clear_children(node);
}

static bool matches_name(const struct prefixes *node, struct text name)
{
	return node->is_pattern ? glob_matches(node->name, name, false)
				: text_equal(node->name, name);
}

/* Recursion is as deep as the longest prefix has components. */
bool prefixes_match(const struct prefixes *prefixes, struct text path)
{
	struct text name;

	if (prefixes->ends)
		return true;
	if (!next_component(&path, &name))
		return false;
	for (size_t i = 0; i < prefixes->count; i++)
		if (matches_name(prefixes->children[i], name) &&
			prefixes_match(prefixes->children[i], path))
			return true;
	return false;
}
