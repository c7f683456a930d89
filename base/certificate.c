/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's certificate, from files.
 */
#include <errno.h>
#include <string.h>

#include "base/certificate.h"
#include "base/cleanup.h"
#include "base/http-server.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/secret-file.h"

void certificate_done(struct certificate *certificate)
{
	free(certificate->chain);
	free(certificate->key);
	free(certificate->client_ca);
	*certificate = (struct certificate){ 0 };
}

static int read_part(const char *name, const char *path, char **ret_text, struct error *err)
{
	int r = path ? secret_file_read(path, ret_text, err) : 0;

	if (r < 0 && name && err)
		error_prefix(err, "%s", name);
	return r;
}

int certificate_read(const struct certificate_files *files, struct certificate *ret_certificate,
	struct error *err)
{
	struct certificate certificate = { 0 };
	int r;

	if (!files->chain != !files->key)
		return error_set(err, -EINVAL, "%s is of no use without its %s",
			files->chain ? files->chain : files->key,
			files->chain ? "key" : "certificate");
	r = read_part(files->chain_name, files->chain, &certificate.chain, err);
	if (!r)
		r = read_part(files->key_name, files->key, &certificate.key, err);
	if (!r)
		r = read_part(files->client_ca_name, files->client_ca, &certificate.client_ca, err);
	if (r < 0) {
		certificate_done(&certificate);
		return r;
	}
	*ret_certificate = certificate;
	return 0;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

int certificate_renew(struct certificate *shown, const struct certificate_files *files,
	struct http_server *server, struct error *err)
{
	struct certificate now;
	int r = certificate_read(files, &now, err);

	if (r < 0)
		return r;
	if (is_same(now.chain, shown->chain) && is_same(now.key, shown->key) &&
		is_same(now.client_ca, shown->client_ca)) {
		certificate_done(&now);
		return 0;
	}
	r = http_server_renew(server, now.chain, now.key, now.client_ca, err);
	if (r < 0) {
		certificate_done(&now);
		return r;
	}
	certificate_done(shown);
	*shown = now;
	log_info("the server shows its new certificate from now on");
	return 0;
}

void certificate_follow(struct certificate *shown, const struct certificate_files *files,
	struct http_server *server)
{
	struct error err = { 0 };

	if (certificate_renew(shown, files, server, &err) < 0)
		log_warning("the old certificate is still shown: %s", err.message);
}
