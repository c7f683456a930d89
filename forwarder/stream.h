/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream to a receiver, plain or over TLS (OpenSSL), with a deadline for each step. For outputs
 * that speak no protocol with a library, or whose library speaks no TLS.
 */
#pragma once

#include "forwarder/output.h"
#include "forwarder/socket.h"

struct stream;

/* How TLS is spoken; files are PEM and may be NULL. */
struct stream_tls {
	bool checks_certificate;
	const char *ca_file; /* beside the system's */
	const char *certificate_file, *key_file;
};

/*
 * What an output's settings and the settings of all outputs come to; an output's own files, where
 * they are set, come first.
 */
struct stream_tls stream_tls_of(const struct output_settings *settings,
	const struct output_trust *trust, const char *ca_file, const char *certificate_file,
	const char *key_file);

/* `tls`: NULL for a plain one. -EPROTO when TLS fails, or as socket_open(). */
int stream_open(const char *host, const char *port, const struct stream_tls *tls, int timeout_ms,
	struct stream **ret_stream, struct error *err);
/* Sends all of it and waits until the other machine has it; as socket_send(). */
int stream_send(struct stream *stream, struct text data, int timeout_ms, struct error *err);
/* Hands over all of it to the kernel, without that wait. */
int stream_write(struct stream *stream, struct text data, int timeout_ms, struct error *err);
/* What is there, at least a byte: how many, or -EPIPE at the end, -ETIMEDOUT, -EIO. */
int stream_read(struct stream *stream, char *data, size_t size, int timeout_ms, struct error *err);
void stream_close(struct stream *stream);
DEFINE_CLEANUP(struct stream *, stream_close)
