/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams over sockets that do not block.
 */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/stream.h"

struct stream {
	int fd;
	SSL_CTX *context; /* NULL: plain */
	SSL *ssl;
};

struct stream_tls stream_tls_of(const struct output_settings *settings,
	const struct output_trust *trust, const char *ca_file, const char *certificate_file,
	const char *key_file)
{
	bool is_mutual = settings->uses_mutual_tls;
	const char *ca = is_mutual ? trust->client_ca : trust->ca_file;

	return (struct stream_tls){
		.checks_certificate = is_mutual || settings->checks_certificate,
		.ca_file = is_set(ca_file) ? ca_file : ca,
		.certificate_file = is_set(certificate_file) ? certificate_file
				    : is_mutual		     ? trust->client_certificate
							     : NULL,
		.key_file = is_set(key_file) ? key_file
			    : is_mutual	     ? trust->client_key
					     : NULL,
	};
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	if (stream->ssl)
		SSL_shutdown(stream->ssl);
	SSL_free(stream->ssl);
	SSL_CTX_free(stream->context);
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream);
}

/* OpenSSL's last words, behind ours. */
static int fail_tls(struct error *err, const char *what)
{
	char words[256] = "the connection was closed";
	unsigned long code = ERR_get_error();

	if (code)
		ERR_error_string_n(code, words, sizeof(words));
	ERR_clear_error();
	return error_set(err, -EPROTO, "%s: %s", what, words);
}

static int load_files(SSL_CTX *context, const struct stream_tls *tls, struct error *err)
{
	if (SSL_CTX_set_default_verify_paths(context) != 1)
		return fail_tls(err, "the system's certificates cannot be read");
	if (is_set(tls->ca_file) && SSL_CTX_load_verify_file(context, tls->ca_file) != 1)
		return fail_tls(err, tls->ca_file);
	if (!is_set(tls->certificate_file))
		return 0;
	if (SSL_CTX_use_certificate_chain_file(context, tls->certificate_file) != 1)
		return fail_tls(err, tls->certificate_file);
	if (SSL_CTX_use_PrivateKey_file(context, tls->key_file, SSL_FILETYPE_PEM) != 1)
		return fail_tls(err, tls->key_file);
	return 0;
}

/* After OpenSSL could not go on: 0 to try again, or a negative errno. */
static int wait_for_tls(struct stream *stream, int r, int64_t deadline_ms)
{
	switch (SSL_get_error(stream->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return socket_wait(stream->fd, POLLIN, deadline_ms);
	case SSL_ERROR_WANT_WRITE:
		return socket_wait(stream->fd, POLLOUT, deadline_ms);
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	default:
		return -EPROTO;
	}
}

static int shake_hands(struct stream *stream, const char *host, const struct stream_tls *tls,
	int64_t deadline_ms, struct error *err)
{
	int done, r = 0;

	SSL_set_fd(stream->ssl, stream->fd);
	SSL_set_tlsext_host_name(stream->ssl, host);
	if (tls->checks_certificate) {
		X509_VERIFY_PARAM *parameters = SSL_get0_param(stream->ssl);

		SSL_set_verify(stream->ssl, SSL_VERIFY_PEER, NULL);
		if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host) != 1)
			SSL_set1_host(stream->ssl, host);
	}
	while ((done = SSL_connect(stream->ssl)) != 1 && !r)
		r = wait_for_tls(stream, done, deadline_ms);
	if (done == 1)
		return 0;
	if (r == -ETIMEDOUT)
		return error_set(err, r, "%s does not finish its TLS handshake", host);
	return fail_tls(err, "TLS");
}

static int begin_tls(struct stream *stream, const char *host, const struct stream_tls *tls,
	int64_t deadline_ms, struct error *err)
{
	int r;

	ERR_clear_error();
	stream->context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(stream->context, TLS1_2_VERSION);
	/* A receiver that just closes is an end, not an error of the protocol. */
	SSL_CTX_set_options(stream->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(stream->context,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	r = load_files(stream->context, tls, err);
	if (r < 0)
		return r;
	stream->ssl = SSL_new(stream->context);
	return shake_hands(stream, host, tls, deadline_ms, err);
}

int stream_open(const char *host, const char *port, const struct stream_tls *tls, int timeout_ms,
	struct stream **ret_stream, struct error *err)
{
	_cleanup_(stream_closep) struct stream *stream = NEW(struct stream);
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	int r;

	stream->fd = -1;
	r = socket_open(host, port, SOCK_STREAM, timeout_ms, &stream->fd, err);
	if (!r && tls)
		r = begin_tls(stream, host, tls, deadline_ms, err);
	if (r < 0)
		return r;
	*ret_stream = TAKE(stream);
	return 0;
}

static int write_tls(struct stream *stream, struct text data, int64_t deadline_ms)
{
	int r = 0;

	while (data.length && !r) {
		int count = SSL_write(
			stream->ssl, data.data, (int)MIN_OF(data.length, (size_t)INT_MAX));

		if (count > 0)
			data = text_slice(data, (size_t)count, data.length);
		else
			r = wait_for_tls(stream, count, deadline_ms);
	}
	return r;
}

/* Takes what the other side says, which nobody reads, or learns that it has closed. */
static int look_for_end(struct stream *stream)
{
	char nothing[512];
	int count, r;

	do
		count = SSL_read(stream->ssl, nothing, sizeof(nothing));
	while (count > 0);
	r = SSL_get_error(stream->ssl, count);
	return r == SSL_ERROR_WANT_READ || r == SSL_ERROR_WANT_WRITE ? 0 : -EPIPE;
}

int stream_write(struct stream *stream, struct text data, int timeout_ms, struct error *err)
{
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	int r = stream->ssl ? write_tls(stream, data, deadline_ms)
			    : socket_write(stream->fd, data, deadline_ms);

	return r < 0 ? error_set(err, r, "cannot send: %s", strerror(-r)) : 0;
}

int stream_send(struct stream *stream, struct text data, int timeout_ms, struct error *err)
{
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	int r;

	if (!stream->ssl)
		return socket_send(stream->fd, data, timeout_ms, err);
	r = look_for_end(stream);
	if (!r)
		r = write_tls(stream, data, deadline_ms);
	if (!r)
		r = socket_wait_acknowledged(stream->fd, deadline_ms);
	if (!r)
		r = look_for_end(stream);
	return r < 0 ? error_set(err, r, "cannot send: %s", strerror(-r)) : 0;
}

static int read_plain(struct stream *stream, char *data, size_t size, int64_t deadline_ms)
{
	for (;;) {
		ssize_t count = recv(stream->fd, data, size, 0);
		int r;

		if (count >= 0)
			return count ? (int)count : -EPIPE;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = socket_wait(stream->fd, POLLIN, deadline_ms);
		if (r < 0)
			return r;
	}
}

static int read_tls(struct stream *stream, char *data, size_t size, int64_t deadline_ms)
{
	for (;;) {
		int count = SSL_read(stream->ssl, data, (int)size);
		int r;

		if (count > 0)
			return count;
		r = wait_for_tls(stream, count, deadline_ms);
		if (r < 0)
			return r;
	}
}

int stream_read(struct stream *stream, char *data, size_t size, int timeout_ms, struct error *err)
{
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	int r = stream->ssl ? read_tls(stream, data, size, deadline_ms)
			    : read_plain(stream, data, size, deadline_ms);

	return r < 0 ? error_set(err, r, "cannot read: %s",
			       r == -EPIPE ? "the other side has closed" : strerror(-r))
		     : r;
}
