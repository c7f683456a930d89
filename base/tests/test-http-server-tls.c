/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server over TLS, with certificates that are made here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/http-server.h"
#include "base/memory.h"
#include "tests/test.h"

struct identity {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
	char *key_text, *certificate_text; /* PEM */
};

static char *take_datum(gnutls_datum_t datum)
{
	char *text = memory_copy(datum.data, datum.size);

	gnutls_free(datum.data);
	return text;
}

/* Signed by `issuer`, or by itself when that is NULL. */
static void identity_make(
	struct identity *identity, const char *name, const struct identity *issuer)
{
	gnutls_datum_t text;
	unsigned serial = (unsigned)(uintptr_t)identity;

	gnutls_x509_privkey_init(&identity->key);
	gnutls_x509_privkey_generate(identity->key, GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	gnutls_x509_crt_init(&identity->certificate);
	gnutls_x509_crt_set_version(identity->certificate, 3);
	gnutls_x509_crt_set_serial(identity->certificate, &serial, sizeof(serial));
	gnutls_x509_crt_set_activation_time(identity->certificate, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(identity->certificate, time(NULL) + 3600);
	gnutls_x509_crt_set_dn_by_oid(identity->certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
		(unsigned)strlen(name));
	gnutls_x509_crt_set_key(identity->certificate, identity->key);
	gnutls_x509_crt_set_basic_constraints(identity->certificate, !issuer, -1);
	gnutls_x509_crt_sign2(identity->certificate,
		issuer ? issuer->certificate : identity->certificate,
		issuer ? issuer->key : identity->key, GNUTLS_DIG_SHA256, 0);

	gnutls_x509_privkey_export2(identity->key, GNUTLS_X509_FMT_PEM, &text);
	identity->key_text = take_datum(text);
	gnutls_x509_crt_export2(identity->certificate, GNUTLS_X509_FMT_PEM, &text);
	identity->certificate_text = take_datum(text);
}

static void identity_done(struct identity *identity)
{
	gnutls_x509_privkey_deinit(identity->key);
	gnutls_x509_crt_deinit(identity->certificate);
	free(identity->key_text);
	free(identity->certificate_text);
}

static void name_transport(struct http_request *request, void *context)
{
	static const char *const names[] = { "plain", "tls", "mtls", "unix" };

	http_reply(request, 200, "text/plain", text_of(names[http_request_transport(request)]));
}

static const struct http_route routes[] = { { "GET", "/", name_transport } };

static int dial(const struct http_server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(http_server_port(server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = 20 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	CHECK_NUMBER(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void exchange(gnutls_session_t session, struct buffer *answer)
{
	static const char question[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	char part[4096];
	ssize_t got;

	gnutls_record_send(session, question, sizeof(question) - 1);
	while ((got = gnutls_record_recv(session, part, sizeof(part))) > 0)
		buffer_add(answer, part, (size_t)got);
}

/* What the server says of a client that shows this identity (NULL: none); "" without an answer. */
static char *ask(const struct http_server *server, const struct identity *client)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	struct buffer answer;
	struct text body;
	char *copy;
	int fd = dial(server);

	buffer_init(&answer, 65536);
	gnutls_certificate_allocate_credentials(&credentials);
	if (client)
		gnutls_certificate_set_x509_key(
			credentials, (gnutls_x509_crt_t *)&client->certificate, 1, client->key);
	gnutls_init(&session, GNUTLS_CLIENT);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_transport_set_int(session, fd);
	if (gnutls_handshake(session) == GNUTLS_E_SUCCESS)
		exchange(session, &answer);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
	close(fd);

	body = buffer_text(&answer);
	body = text_slice(
		body, (size_t)MAX_OF(0, text_find(body, TEXT("\r\n\r\n")) + 4), body.length);
	copy = text_to_string(answer.length ? body : TEXT(""));
	buffer_done(&answer);
	return copy;
}

static void check_transport(
	const struct http_server *server, const struct identity *client, const char *wanted)
{
	_cleanup_(freep) char *got = ask(server, client);

	CHECK_TEXT(got, wanted);
}

TEST(a_client_is_known_by_a_certificate_of_the_right_authority_alone)
{
	struct identity authority, server_identity, client, stranger;
	struct http_server_options options = {
		.address = "127.0.0.1", .routes = routes, .route_count = COUNT_OF(routes)
	};
	struct http_server *server = NULL;
	struct error err = { 0 };

	identity_make(&authority, "authority", NULL);
	identity_make(&server_identity, "localhost", &authority);
	identity_make(&client, "client", &authority);
	identity_make(&stranger, "client", NULL);
	options.certificate = server_identity.certificate_text;
	options.key = server_identity.key_text;

	CHECK_NUMBER(http_server_new(&options, &server, &err), 0);
	check_transport(server, NULL, "tls");
	check_transport(server, &client, "tls");
	http_server_free(server);

	options.client_ca = authority.certificate_text;
	CHECK_NUMBER(http_server_new(&options, &server, &err), 0);
	check_transport(server, NULL, "tls");
	check_transport(server, &client, "mtls");
	check_transport(server, &stranger, "tls");
	http_server_free(server);

	options.key = client.key_text;
	CHECK_NUMBER(http_server_new(&options, &server, &err), -EINVAL);
	CHECK_TEXT(err.message,
		"cannot start the HTTP server; is the certificate the key's, and are both PEM?");
	identity_done(&authority);
	identity_done(&server_identity);
	identity_done(&client);
	identity_done(&stranger);
}
