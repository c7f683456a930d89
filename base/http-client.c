/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests over libcurl's multi interface. A call is an easy handle and its answer; finished
 * easy handles are kept for the next call, and connections live in the multi handle, so that a
 * call to a known host costs no new connection. Callbacks run outside of libcurl: they may start
 * the next call.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/http-client.h"
#include "base/memory.h"

#define ANSWER_BODY_MAX		   (64 * 1024)
#define CONNECT_TIMEOUT_DEFAULT_MS 5000
#define TIMEOUT_DEFAULT_MS	   30000
#define RETRY_AFTER_MAX_S	   (366LL * 24 * 3600)

struct running {
	struct running *next, **at; /* `at`: the pointer that holds us in the client's list */
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	struct http_answer answer;
	http_done *done;
	void *context;
};

struct http_client {
	CURLM *multi;
	unsigned limit;
	unsigned count;
	struct running *running;
	CURL **idle; /* easy handles for reuse, at most `limit` */
	unsigned idle_count;
};

void http_answer_done(struct http_answer *answer)
{
	buffer_done(&answer->body);
}

void http_client_setup(void)
{
	curl_global_init(CURL_GLOBAL_ALL);
}

struct http_client *http_client_new(unsigned limit)
{
	struct http_client *client = NEW(struct http_client);

	client->limit = limit;
	client->multi = curl_multi_init();
	client->idle = NEW_ARRAY(CURL *, limit);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)limit);
	return client;
}

static int errno_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return -EINVAL;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return -EPROTO;
	default:
		return -EIO;
	}
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct running *running = context;

	buffer_add(&running->answer.body, data, size * count);
	return size * count;
}

/* RFC 9110, 10.2.3: seconds or a date. */
static int64_t retry_after_ms(CURL *easy)
{
	struct curl_header *header;
	uint64_t seconds;
	time_t date;

	if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return -1;
	if (text_to_u64(text_trim(text_of(header->value)), &seconds) < 0) {
		date = curl_getdate(header->value, NULL);
		if (date == (time_t)-1)
			return -1;
		seconds = date > time(NULL) ? (uint64_t)(date - time(NULL)) : 0;
	}
	return MIN_OF((int64_t)MIN_OF(seconds, INT64_MAX), RETRY_AFTER_MAX_S) * 1000;
}

/* gRPC says how a call ended in trailers, or in headers when there is nothing else to say. */
static void read_grpc_status(CURL *easy, struct http_answer *answer)
{
	unsigned origins = CURLH_HEADER | CURLH_TRAILER;
	struct curl_header *header;
	int64_t status;

	if (curl_easy_header(easy, "grpc-status", 0, origins, -1, &header) == CURLHE_OK &&
		text_to_i64(text_of(header->value), &status) == 0 && status >= 0 && status < 1000)
		answer->grpc_status = (int)status;
	if (curl_easy_header(easy, "grpc-message", 0, origins, -1, &header) == CURLHE_OK)
		snprintf(answer->grpc_message, sizeof(answer->grpc_message), "%s", header->value);
}

/* Moves what libcurl knows about a finished call into its answer. */
static void read_answer(struct running *running, CURLcode code)
{
	struct http_answer *answer = &running->answer;
	curl_off_t took_us = 0;
	char *type = NULL;
	long status = 0;

	curl_easy_getinfo(running->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(running->easy, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(running->easy, CURLINFO_TOTAL_TIME_T, &took_us);
	answer->took_ms = took_us / 1000;
	answer->error = errno_of(code);
	if (!answer->error) {
		answer->status = (unsigned)status;
		answer->retry_after_ms = retry_after_ms(running->easy);
		read_grpc_status(running->easy, answer);
		snprintf(
			answer->content_type, sizeof(answer->content_type), "%s", type ? type : "");
	} else if (!answer->message[0]) {
		snprintf(answer->message, sizeof(answer->message), "%s", curl_easy_strerror(code));
	}
}

/* Takes the call out of the client, keeps its easy handle, and hands over the answer. */
static void finish(struct http_client *client, struct running *running)
{
	curl_multi_remove_handle(client->multi, running->easy);
	curl_slist_free_all(running->headers);
	curl_slist_free_all(running->connect_to);
	*running->at = running->next;
	if (running->next)
		running->next->at = running->at;
	client->count--;
	curl_easy_reset(running->easy);
	client->idle[client->idle_count++] = running->easy;

	running->done(running->context, &running->answer);
	http_answer_done(&running->answer);
	free(running);
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	while (client->running) {
		client->running->answer.error = -ECANCELED;
		snprintf(client->running->answer.message, sizeof(client->running->answer.message),
			"the call was given up");
		finish(client, client->running);
	}
	for (unsigned i = 0; i < client->idle_count; i++)
		curl_easy_cleanup(client->idle[i]);
	curl_multi_cleanup(client->multi);
	free(client->idle);
	free(client);
}

/* A line break inside a header would let a value make headers of its own. */
static bool header_is_clean(const char *header)
{
	return !strpbrk(header, "\r\n");
}

static int add_headers(struct running *running, const struct http_call *call)
{
	bool has_type = !call->body.data;

	for (const char *const *at = call->headers; at && *at; at++) {
		if (!header_is_clean(*at))
			return -EINVAL;
		has_type |= !strncasecmp(*at, "content-type:", strlen("content-type:"));
		running->headers = curl_slist_append(running->headers, *at);
	}
	/* libcurl would invent a form's type, and wait for "100 Continue" before a large body. */
	if (!has_type)
		running->headers = curl_slist_append(running->headers, "Content-Type:");
	running->headers = curl_slist_append(running->headers, "Expect:");
	curl_easy_setopt(running->easy, CURLOPT_HTTPHEADER, running->headers);
	return 0;
}

static void set_body(CURL *easy, const struct http_call *call)
{
	if (call->body.data) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.data);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
	}
	if (call->method && !strcmp(call->method, "HEAD"))
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else if (call->method)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_blob(CURL *easy, CURLoption option, struct text pem)
{
	struct curl_blob blob = { (void *)pem.data, pem.length, CURL_BLOB_COPY };

	if (pem.length)
		curl_easy_setopt(easy, option, &blob);
}

static void set_tls(CURL *easy, const struct http_call *call)
{
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (call->accepts_any_certificate) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (call->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, call->ca_file);
	if (call->ca_path)
		curl_easy_setopt(easy, CURLOPT_CAPATH, call->ca_path);
	if (call->certificate_file)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, call->certificate_file);
	if (call->key_file)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, call->key_file);
	set_blob(easy, CURLOPT_CAINFO_BLOB, call->ca);
	set_blob(easy, CURLOPT_SSLCERT_BLOB, call->certificate);
	set_blob(easy, CURLOPT_SSLKEY_BLOB, call->key);
}

/* `server_name` becomes the URL's host, which is connected to where the URL said. */
static void set_server_name(struct running *running, const struct http_call *call)
{
	_cleanup_(freep) char *there = NULL;
	char *host = NULL, *port = NULL, *url = NULL;
	CURLU *parts = curl_url();
	bool is_well; /* else the call fails by its URL, with words */

	is_well = !curl_url_set(parts, CURLUPART_URL, call->url, 0) &&
		  !curl_url_get(parts, CURLUPART_HOST, &host, 0) &&
		  !curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) &&
		  !curl_url_set(parts, CURLUPART_HOST, call->server_name, 0) &&
		  !curl_url_get(parts, CURLUPART_URL, &url, 0);
	if (is_well) {
		there = string_printf("%s:%s:%s:%s", call->server_name, port, host, port);
		running->connect_to = curl_slist_append(NULL, there);
		curl_easy_setopt(running->easy, CURLOPT_CONNECT_TO, running->connect_to);
		curl_easy_setopt(running->easy, CURLOPT_URL, url);
	}
	curl_free(host);
	curl_free(port);
	curl_free(url);
	curl_url_cleanup(parts);
}

static void set_transport(CURL *easy, const struct http_call *call)
{
	int64_t connect_ms =
		call->connect_timeout_ms ? call->connect_timeout_ms : CONNECT_TIMEOUT_DEFAULT_MS;
	int64_t timeout_ms = call->timeout_ms ? call->timeout_ms : TIMEOUT_DEFAULT_MS;

	curl_easy_setopt(easy, CURLOPT_URL, call->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	if (call->uses_http2) {
		/* libcurl 7.88.1 fails on the second call of such a connection (CURLE_HTTP2). */
		curl_easy_setopt(
			easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	}
	if (call->socket_path) {
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, call->socket_path);
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	}
	if (call->user) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERPWD, call->user);
	}
}

static CURL *easy_take(struct http_client *client)
{
	return client->idle_count ? client->idle[--client->idle_count] : curl_easy_init();
}

int http_client_start(
	struct http_client *client, const struct http_call *call, http_done *done, void *context)
{
	struct running *running;
	int r;

	if (client->count == client->limit)
		return -EAGAIN;
	running = NEW(struct running);
	running->easy = easy_take(client);
	running->done = done;
	running->context = context;
	running->answer.retry_after_ms = -1;
	running->answer.grpc_status = -1;
	buffer_init(&running->answer.body, call->answer_max ? call->answer_max : ANSWER_BODY_MAX);

	set_transport(running->easy, call);
	if (call->server_name && *call->server_name)
		set_server_name(running, call);
	set_tls(running->easy, call);
	set_body(running->easy, call);
	curl_easy_setopt(running->easy, CURLOPT_PRIVATE, running);
	curl_easy_setopt(running->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(running->easy, CURLOPT_WRITEDATA, running);
	curl_easy_setopt(running->easy, CURLOPT_ERRORBUFFER, running->answer.message);
	r = add_headers(running, call);
	if (!r && curl_multi_add_handle(client->multi, running->easy) != CURLM_OK)
		r = -EIO;
	if (r < 0) {
		curl_easy_reset(running->easy);
		client->idle[client->idle_count++] = running->easy;
		curl_slist_free_all(running->headers);
		curl_slist_free_all(running->connect_to);
		free(running);
		return r;
	}

	running->at = &client->running;
	running->next = client->running;
	if (running->next)
		running->next->at = &running->next;
	client->running = running;
	client->count++;
	return 0;
}

/* Hands over every answer that is there. Returns how many. */
static int finish_all(struct http_client *client)
{
	struct running *running;
	CURLMsg *message;
	int left, count = 0;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &running);
		read_answer(running, message->data.result);
		finish(client, running);
		count++;
	}
	return count;
}

void http_client_run(struct http_client *client, int timeout_ms)
{
	int left;

	curl_multi_perform(client->multi, &left);
	if (finish_all(client))
		return;
	curl_multi_poll(client->multi, NULL, 0, timeout_ms, NULL);
	curl_multi_perform(client->multi, &left);
	finish_all(client);
}

void http_client_wake(struct http_client *client)
{
	curl_multi_wakeup(client->multi);
}

unsigned http_client_running(const struct http_client *client)
{
	return client->count;
}

struct waiting {
	struct http_answer *answer;
	bool is_done;
};

static void take_answer(void *context, struct http_answer *answer)
{
	struct waiting *waiting = context;

	*waiting->answer = *answer;
	buffer_init(&answer->body, ANSWER_BODY_MAX);
	waiting->is_done = true;
}

int http_client_perform(
	struct http_client *client, const struct http_call *call, struct http_answer *ret_answer)
{
	struct waiting waiting = { .answer = ret_answer };
	int r = http_client_start(client, call, take_answer, &waiting);

	if (r < 0) {
		*ret_answer =
			(struct http_answer){ .error = r, .retry_after_ms = -1, .grpc_status = -1 };
		buffer_init(&ret_answer->body, ANSWER_BODY_MAX);
		snprintf(ret_answer->message, sizeof(ret_answer->message), "%s",
			r == -EINVAL ? "a header holds a line break" : strerror(-r));
		return r;
	}
	while (!waiting.is_done)
		http_client_run(client, 1000);
	return ret_answer->error;
}
