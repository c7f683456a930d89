/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port: alerts come in by POST /, and people ask and decide by /api/responses.
 *
 * Who sends: root and our own user over the unix socket, and who shows the token, hand on alerts as
 * the forwarder does: what the body says of `verified` counts. Who shows the sensor's token sends
 * its own, which are verified by that. Of anybody else nothing but an audit line comes.
 */
#pragma once

#include "base/http-server.h"
#include "responder/engine.h"

struct server;

int server_open(const struct engine_parts *parts, struct engine *engine, struct server **ret_server,
	struct error *err);
void server_close(struct server *server);
uint16_t server_port(const struct server *server);
