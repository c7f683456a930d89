/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which alerts an output takes: a condition as in rules (condition/), asked of an alert.
 *
 *	match: priority in (critical, alert) and not k8s.ns.name startswith kube-
 *	match: tags intersects (mitre_execution, network) or proc.name glob "nc*"
 *
 * Fields are the alert's own (rule, priority, source, hostname, tags, output, uuid) and all of its
 * output_fields; a field that an alert does not have makes every comparison false, so `not (a = b)`
 * is true for it and `a != b` is not. Values are compared as text, and as numbers by < <= > >=.
 * A priority is its name in any case; by < <= > >= it is syslog's number (0 emergency … 7 debug).
 * `=` on tags, or another list, is true if any of them is equal.
 */
#pragma once

#include "alert/alert.h"

struct match;

/* -EINVAL with the place: "1:7: …". */
int match_new(struct text condition, struct match **ret_match, struct error *err);
void match_free(struct match *match);
DEFINE_CLEANUP(struct match *, match_free)
/* For one thread at a time. */
bool match_takes(struct match *match, const struct alert *alert);
