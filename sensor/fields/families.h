/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The families of fields: one a file. A new family is a file with a `family_NAME` and its name in
 * this list, which is also the order of name resolution.
 */
#pragma once

#include "sensor/fields/field.h"

#define FIELD_FAMILIES(FAMILY) \
	FAMILY(evt)            \
	FAMILY(proc)           \
	FAMILY(thread)         \
	FAMILY(user)           \
	FAMILY(group)          \
	FAMILY(fd)             \
	FAMILY(fs)             \
	FAMILY(util)           \
	FAMILY(fdlist)         \
	FAMILY(constant)       \
	FAMILY(container)      \
	FAMILY(k8s)            \
	FAMILY(k8smeta)        \
	FAMILY(json)           \
	FAMILY(ka)             \
	FAMILY(krsi)

#define FAMILY(name) extern const struct field_family family_##name;
FIELD_FAMILIES(FAMILY)
#undef FAMILY

/* Names of the arguments of a call that are paths of files that it works on. */
struct path_arguments {
	const char *call;
	const char *path;      /* the only path */
	const char *from, *to; /* or two of them, in the order of the caller */
	bool is_link;	       /* fs.path.source is the new name and stands in `to` */
};

/* NULL when the call works on no path. */
const struct path_arguments *path_arguments_of(const struct event_type *type);
