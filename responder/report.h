/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of each response: an audit line, a metric, an alert of source response for the
 * forwarder, and a note for the notifiers. The last two wait in the ledger until they are sent.
 */
#pragma once

#include "base/metrics.h"
#include "responder/ledger.h"
#include "responder/playbooks.h"

struct reporter;

struct reporter_parts {
	const struct responder_settings *settings;
	struct ledger *ledger;
	struct metrics *metrics;
	const struct kubernetes_api *api; /* NULL: no cluster */
};

int reporter_new(
	const struct reporter_parts *parts, struct reporter **ret_reporter, struct error *err);
void reporter_free(struct reporter *reporter);

struct report {
	const struct response *response;
	const struct rule *rule;	/* NULL: it is gone */
	const char *action, *actionner; /* "" when it is about the whole response */
	const char *status;	   /* success, failure, ignored, refused, waiting, undone … */
	const char *words;	   /* what happened */
	const char *output_target; /* NULL: none */
	int64_t took_ms;
};

void report(struct reporter *reporter, const struct report *report);
/* A line of the audit log, without an alert: "what", and why. Bounded a second. */
void report_audit(struct reporter *reporter, const char *what, const struct alert *alert,
	const char *peer, const char *why);
