/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of matching that loading checks too.
 */
#pragma once

#include <errno.h>
#include <time.h>

#include "responder/playbooks.h"

/* ">=Warning", "<error", "Notice": the bare name is equal. */
struct priority_claim {
	bool is_less, is_greater, is_equal;
	enum priority priority;
};

/* -EINVAL when it is none. */
int priority_claim_parse(struct text claim, struct priority_claim *ret_claim);
/* "Mon-Fri 08:00-18:00", "Sat Sun", "22:00-06:00". -EINVAL. */
int schedule_parse(struct text text, struct schedule *ret_schedule);
/* All groups of Talon's, without the condition. */
bool groups_hold(const struct rule *rule, const struct alert *alert);
