/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of constants for `in`: one class of values, made once, asked often. Text is hashed behind a
 * filter of lengths, numbers are sorted, addresses and networks are few and are tried in turn.
 */
#pragma once

#include "condition/operators.h"

/* Text points to what the caller's values point to. */
struct value_set *value_set_new(
	enum operand_class class, const struct right *constants, size_t count);
void value_set_free(struct value_set *set);
/* `value` is of the set's class. */
bool value_set_has(const struct value_set *set, const struct value *value);
/* Is the address inside the network? */
bool net_has(const struct right *net, const struct address *address);
