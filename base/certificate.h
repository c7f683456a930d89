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
 * with the next handshake, and `shown` is replaced. 1 then, 0 when all is as it was. On failure
 * the server shows what it showed.
 */
int certificate_renew(struct certificate *shown, const struct certificate_files *files,
	struct http_server *server, struct error *err);
