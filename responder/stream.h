/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands in containers: the API server's exec over a WebSocket (RFC 6455) with the channels of
 * v5.channel.k8s.io (v4 of older servers is the same here, as nothing is sent on stdin). libcurl
 * makes the connection and does TLS; the frames are few enough to be ours.
 */
#pragma once

#include "base/json.h"
#include "kubernetes/access.h"

struct exec_result {
	struct buffer out, err; /* the caller has them begun, with their ceilings */
	int exit_code;		/* 0: well */
	char words[512];	/* the server's, when it was not */
};

/*
 * `path` with its query. 0 when the command ended, whatever its exit code. -EAGAIN when the server
 * cannot be reached, and so nothing was begun; -ETIMEDOUT at `until_ms` (CLOCK_MONOTONIC), -ENOENT,
 * -EACCES and such when it answers otherwise, -EPROTO.
 */
int stream_exec(const struct kubernetes_api *api, const char *path, int64_t until_ms,
	struct exec_result *result, struct error *err);
