/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests over libcurl: one at a time and waiting, or many at once on one multi handle.
 * Connections are kept and reused; redirects are never followed; proxies of the environment are
 * honoured. Nothing of a request is logged here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct http_call {
	const char *method; /* NULL: POST with a body, else GET */
	const char *url;
	const char *socket_path;    /* go through this unix socket; NULL: by the URL */
	const char *const *headers; /* "Name: value" lines, ended by NULL; may be NULL. One with a
				       line break inside is refused with -EINVAL */
	struct text body;
	const char *user;	    /* basic authentication "user:password"; NULL: none */
	int64_t connect_timeout_ms; /* 0: 5 s */
	int64_t timeout_ms;	    /* in all; 0: 30 s */
	bool accepts_any_certificate;
	/* Whom the server's certificate must name, and whom it is asked for as, where that is not
	 * the URL's host: one of several behind a Service. NULL: the URL's. */
	const char *server_name;
	const char *ca_file; /* beside the system's folder of certificates */
	const char *ca_path; /* in place of that folder */
	const char *certificate_file, *key_file;
	/* The same as PEM, before the files; copied. */
	struct text ca, certificate, key;
	bool uses_http2;   /* prior knowledge, for gRPC */
	size_t answer_max; /* bytes of the answer's body that are kept; 0: 64 KiB */
};

struct http_answer {
	unsigned status;    /* 0: no whole answer came, and error is set */
	int error;	    /* 0, or -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH (DNS), -EPROTO (TLS),
			       -EINVAL (the URL, a header), -ECANCELED, or -EIO */
	char message[256];  /* libcurl's words when error is set */
	struct buffer body; /* at most call->answer_max bytes, the rest is read and dropped */
	int64_t retry_after_ms; /* from Retry-After (seconds or a date); -1 when absent */
	char content_type[128];
	int grpc_status;	/* from the header or trailer; -1 when absent */
	char grpc_message[256]; /* as it came, percent-encoded */
	int64_t took_ms;
};

void http_answer_done(struct http_answer *answer);

/* To be called once in main(), before threads start. */
void http_client_setup(void);

struct http_client;

/* `limit`: how many calls may run at once. A client belongs to one thread. */
struct http_client *http_client_new(unsigned limit);
/* Calls under way end with -ECANCELED. */
void http_client_free(struct http_client *client);
/* One call, waiting for its answer. Returns answer.error. */
int http_client_perform(
	struct http_client *client, const struct http_call *call, struct http_answer *ret_answer);

/* `answer` is the callback's alone and is freed after it returned. */
typedef void http_done(void *context, struct http_answer *answer);
/*
 * Starts a call; the body must live until `done` was called, everything else is copied.
 * -EAGAIN when `limit` calls are under way; -EINVAL for a header with a line break.
 * `done` may start the next call, not free the client.
 */
int http_client_start(
	struct http_client *client, const struct http_call *call, http_done *done, void *context);
/* Runs what is under way until a call ends, http_client_wake(), or for `timeout_ms`; once: call it
 * in a loop. */
void http_client_run(struct http_client *client, int timeout_ms);
/* From any thread. */
void http_client_wake(struct http_client *client);
unsigned http_client_running(const struct http_client *client);
