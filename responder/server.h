/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port: alerts come in by POST /, and people ask and decide by /api/responses.
 *
 * Who sends: root and our own user over the unix socket, and who shows the token, hand on alerts as
 * the forwarder does: what the body says of `verified` counts. Who shows the sensor's token sends
 * its own, which are verified by that. Of anybody else nothing but an audit line comes.
 *
 * For a page, that is who shows the token or is known by the socket; others get 401:
 *
 * GET /api/responses?state=NAME&before=ID&namespace=NAME&pod=NAME&limit=N
 *	{"leads": true, "dry_run": false, "responses": [RESPONSE, …]}, the newest first. Each
 *	parameter may be absent; limit is 100 then, and at most 1000.
 * GET /api/responses/ID
 *	one RESPONSE; 404.
 * POST /api/responses/ID/approve, …/reject, …/undo
 *	202 {"status": "ok"}; 404; 409 when the response is in another state by now, with words in
 *	"error"; 503 when another replica leads. The body may be {"by": "who decides"}, which the
 *	audit log and the response keep.
 *
 * A RESPONSE has, null where there is none:
 *	id: a number below 2^53; later ones are larger
 *	rule: of the playbook
 *	state: waiting (for approval), pending, running, done, failed, refused (held back),
 *		expired, dry_run, undoing, undone, rejected
 *	why: words: why it was held back, failed, waits or expired; what a dry run would do
 *	decisions: what may be decided now: ["approve", "reject"], ["undo"] or []
 *	decided_by: who decided last
 *	namespace, pod, pod_uid, node, workload, target; hostname: of who sent the alert
 *	alert_uuid, alert: what it answers: its uuid, and Falco's JSON
 *	created_ms, acted_ms, finished_ms: since 1970; 0: not yet
 *	took_ms: from its first action to its end; 0: not over
 *	deadline_ms: when it expires, while it is waiting or pending
 *	undo_ms: when it is undone by itself; 0: never
 *	next_ms: when it is due, while it is pending; step: which action is next, from 0
 *	tries: how often it was put off
 *	actions: what each did: [{"action", "actionner", "state": running | again | done |
 *		ignored | failed | undone, "result": words, "took_ms": N, "memory": what its
 *		undo needs, where it can be undone}, …]
 */
#pragma once

#include "base/http-server.h"
#include "responder/engine.h"

struct server;

int server_open(const struct engine_parts *parts, struct engine *engine, struct server **ret_server,
	struct error *err);
void server_close(struct server *server);
/* Looks whether the certificate's files have changed, and shows what they hold now. */
void server_renew(struct server *server);
uint16_t server_port(const struct server *server);
