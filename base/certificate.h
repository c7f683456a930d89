/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server shows over TLS: PEM files, which are renewed in place (Kubernetes, cert-manager)
 * while the server runs.
 */
#pragma once

#include "base/error.h"

struct http_server;

/*
 * Paths; NULL: none. Without a chain the server speaks plain HTTP. The names are those of their
 * settings, for errors; NULL: the path alone has to do.
 */
struct certificate_files {
	const char *chain, *key, *client_ca;
	const char *chain_name, *key_name, *client_ca_name;
};

/* Their texts, owned. */
struct certificate {
	char *chain, *key, *client_ca;
};

/* -EINVAL when there is one of chain and key without the other, or secret_file_read()'s. */
int certificate_read(const struct certificate_files *files, struct certificate *ret_certificate,
	struct error *err);
void certificate_done(struct certificate *certificate);
/*
 * Reads the files again; if they hold something else than `shown`, the server goes over to that
 * with the next handshake, `shown` is replaced, and the log says so. On failure the server shows
 * what it showed.
 */
int certificate_renew(struct certificate *shown, const struct certificate_files *files,
	struct http_server *server, struct error *err);
/* The same from time to time, by nobody's order: a failure is a warning in the log. */
void certificate_follow(struct certificate *shown, const struct certificate_files *files,
	struct http_server *server);
