/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server over libmicrohttpd: routes as a table, bodies with a ceiling, answers now or
 * later. A handler that does not answer leaves the connection suspended; http_reply() may be
 * called from any thread, once, and resumes it. That is how an alert is acknowledged after its
 * commit without a thread that waits.
 *
 * Unknown paths get 404, known ones with another method 405 with Allow, larger bodies 413, all as
 * {"error": …}.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

struct http_server;
struct http_request;

typedef void http_handler(struct http_request *request, void *context);

struct http_route {
	const char *method; /* "GET" (also answers HEAD), "POST" …; NULL: any */
	const char
		*path; /* exact, or a prefix where it ends in "*"; the first row that fits wins */
	http_handler *handle;
};

struct http_server_options {
	const char *address;	 /* IP, "" or NULL: all; IPv6 works */
	uint16_t port;		 /* 0: the kernel chooses, see http_server_port() */
	const char *socket_path; /* also listen on this unix socket (mode 0666, peers are known by
				    their credentials); NULL: none */
	const struct http_route *routes; /* kept by reference */
	size_t route_count;
	void *context;		    /* handed to the handlers */
	const char *const *headers; /* name, value, name, value …, NULL: on every answer that does
				       not set that header itself; kept by reference; may be NULL */
	unsigned threads;	    /* 0: as many as CPUs, at most 8 */
	size_t body_limit;	    /* larger bodies get 413; 0: 1 MiB */
	unsigned idle_seconds;	    /* 0: 60 */
	unsigned connection_limit;  /* 0: 1024 */
	const char *certificate, *key, *client_ca; /* PEM text, for TLS and mTLS; NULL: plain. With
						      client_ca a client may show a certificate;
						      handlers that want one ask for HTTP_MTLS */
};

/* -EADDRINUSE and such with "ADDRESS:PORT is taken …" in the message. */
int http_server_new(const struct http_server_options *options, struct http_server **ret_server,
	struct error *err);
/*
 * Stops accepting, answers what is suspended with 503, ends streams, waits for handlers, frees.
 * A peer that does not read its answer is waited for 5 s at most. NULL is fine. Who holds a
 * suspended request still calls http_reply(), during this or after it: that frees the request.
 */
void http_server_free(struct http_server *server);
/*
 * The TCP port goes over to another certificate (NULL: to plain HTTP). Who is connected stays
 * so, with what was agreed on; the next handshake gets the new one. On failure all stays as it was.
 */
int http_server_renew(struct http_server *server, const char *certificate, const char *key,
	const char *client_ca, struct error *err);
uint16_t http_server_port(const struct http_server *server);

/* What was asked; valid until the reply, and not once http_server_free() began. Slices have NULL
 * data when absent. */
struct text http_request_method(const struct http_request *request);
struct text http_request_path(const struct http_request *request);
struct text http_request_header(const struct http_request *request, const char *name);
struct text http_request_cookie(const struct http_request *request, const char *name);
struct text http_request_query(const struct http_request *request, const char *name);
struct text http_request_body(const struct http_request *request);
/* What a route's "*" stood for. */
struct text http_request_tail(const struct http_request *request);
/* The peer's address as text, "unix" for the socket. */
struct text http_request_peer(const struct http_request *request);

enum http_transport { HTTP_PLAIN, HTTP_TLS, HTTP_MTLS, HTTP_UNIX };
enum http_transport http_request_transport(const struct http_request *request);
/* Over the unix socket: the peer's credentials (SO_PEERCRED at connect). Else -ENOTSOCK. */
int http_request_peer_uid(const struct http_request *request, uid_t *ret_uid, pid_t *ret_pid);
/* A slot for the program's own data about this request; not freed by the server. NULL at first. */
void http_request_set_data(struct http_request *request, void *data);
void *http_request_data(const struct http_request *request);

/* An extra header of the reply to come; both are copied. */
void http_reply_header(struct http_request *request, const char *name, const char *value);
/* Answers, copying the body. Exactly once per request, from any thread. `type` NULL: no header. */
void http_reply(struct http_request *request, unsigned status, const char *type, struct text body);
/* As http_reply, for bodies that live as long as the process (embedded files). */
void http_reply_static(
	struct http_request *request, unsigned status, const char *type, struct text body);
/* {"error": MESSAGE} with the status. */
void http_reply_error(struct http_request *request, unsigned status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Answers with a stream without end (server-sent events): `pull` is called from a server thread
 * when the peer can take more. It appends to `out` and returns 0, or returns -EAGAIN when there is
 * nothing now (http_stream_wake() calls it again), or -ECANCELED to end. Another error, and the
 * server's own end, break it off: the last chunk is missing, so that the peer knows that it does
 * not have all. `closed` is called once when the peer is gone or the stream ended, maybe before
 * http_reply_stream() returns; only then may `stream` be freed.
 */
struct http_stream {
	int (*pull)(struct http_stream *stream, struct buffer *out);
	void (*closed)(struct http_stream *stream);
	void *request; /* the server's */
};
void http_reply_stream(struct http_request *request, const char *type, struct http_stream *stream);
/* From any thread, until `closed` was called. */
void http_stream_wake(struct http_stream *stream);
