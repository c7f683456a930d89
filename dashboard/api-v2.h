/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the answers of API v2 share: the scope of a request, and what each of their files adds to
 * the table of questions.
 */
#pragma once

#include "base/json.h"
#include "dashboard/server.h"
#include "dashboard/store.h"

#define BUDGET_MS 150

/* from, to, q, exact. Answers 400 itself where they cannot be read; the filter is the caller's. */
int asked_scope(struct asked *asked, struct store_scope *ret_scope, struct filter **ret_filter);
void reply_failed(struct asked *asked, const struct error *err);
/* "is_exact" and "scanned". */
void write_extent(struct json_writer *json, const struct store_extent *extent);

/* POST /api/v2/login, …/logout, GET …/session, …/access, POST …/sessions/end, GET …/settings */
void answer_log_in(struct asked *asked);
void answer_log_out(struct asked *asked);
void answer_session(struct asked *asked);
void answer_access(struct asked *asked);
void answer_end_sessions(struct asked *asked);
void answer_settings(struct asked *asked);
/* GET /api/v2/facets: values of fields and how often they come. */
void answer_facets(struct asked *asked);
/* GET /api/v2/around/UUID: what happened next to it. */
void answer_around(struct asked *asked);
/* GET /api/v2/export: all that match, as a stream. */
void answer_export(struct asked *asked);
/* GET /api/v2/backup: a tar of what is kept. */
void answer_backup(struct asked *asked);
/* GET /api/v2/forwarders: what each says of its outputs and of its nodes. */
void answer_forwarders(struct asked *asked);
/* POST /api/v2/test?forwarder=URL&output=NAME: a test alert for one output. */
void answer_output_test(struct asked *asked);
/* GET /api/v2/responses, POST /api/v2/decide?response=ID&decision=approve|reject|undo */
void answer_responses(struct asked *asked);
void answer_decide(struct asked *asked);
/* GET /api/v2/rule?rule=NAME */
void answer_rule(struct asked *asked);
/* GET /api/v2/openapi.json */
void answer_openapi(struct asked *asked);
