/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the forwarder to a cluster's API server.
 */
#pragma once

#include "base/request.h"
#include "kubernetes/access.h"

/*
 * Puts the server before a request's URL, which is a path so far, and who we are beside it. The
 * request borrows from `api`.
 */
int kubernetes_api_sign(
	const struct kubernetes_api *api, struct request *request, struct error *err);
