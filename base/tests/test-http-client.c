/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client against a server of a few lines that answers with a script: one thread, one
 * connection after the other, the request kept for the test to look at.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/http-client.h"
#include "base/memory.h"
#include "tests/test.h"

struct server {
	int listener;
	char url[64];
	const char *reply; /* to every request; NULL: none ever */
	int connections;   /* to serve before it ends */
	int requests;	   /* on each of them */
	struct buffer seen;
	pthread_t thread;
};

static struct text header_end(struct text seen)
{
	ptrdiff_t at = text_find(seen, TEXT("\r\n\r\n"));

	return at < 0 ? (struct text){ 0 } : text_slice(seen, (size_t)at + 4, seen.length);
}

/* Whether `seen` ends with a whole request. */
static bool is_whole(struct text seen)
{
	struct text body = header_end(seen);
	ptrdiff_t at = text_find(seen, TEXT("Content-Length: "));

	if (!body.data)
		return false;
	return at < 0 || body.length >= (size_t)atoi(seen.data + at + 16);
}

static void serve_connection(struct server *server, int fd)
{
	char data[4096];

	for (int i = 0; i < server->requests; i++) {
		size_t start = server->seen.length;
		ssize_t length;

		while (!is_whole(text_slice(buffer_text(&server->seen), start, SIZE_MAX))) {
			length = read(fd, data, sizeof(data));
			if (length <= 0)
				return;
			buffer_add(&server->seen, data, (size_t)length);
		}
		if (!server->reply)
			(void)!read(fd, data, 1); /* until the client goes away */
		else
			(void)!write(fd, server->reply, strlen(server->reply));
	}
}

static void *serve(void *context)
{
	struct server *server = context;

	for (int i = 0; i < server->connections; i++) {
		int fd = accept(server->listener, NULL, NULL);

		serve_connection(server, fd);
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *server, const char *socket_path)
{
	struct sockaddr_in inet = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(inet);

	server->listener = socket(socket_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	if (socket_path) {
		snprintf(local.sun_path, sizeof(local.sun_path), "%s", socket_path);
		CHECK_NUMBER(bind(server->listener, (struct sockaddr *)&local, sizeof(local)), 0);
	} else {
		CHECK_NUMBER(bind(server->listener, (struct sockaddr *)&inet, sizeof(inet)), 0);
		getsockname(server->listener, (struct sockaddr *)&inet, &length);
	}
	CHECK_NUMBER(listen(server->listener, 16), 0);
	snprintf(
		server->url, sizeof(server->url), "http://127.0.0.1:%d/path", ntohs(inet.sin_port));
	server->connections = MAX_OF(server->connections, 1);
	server->requests = MAX_OF(server->requests, 1);
	buffer_init(&server->seen, 1024 * 1024);
	pthread_create(&server->thread, NULL, serve, server);
}

/* After this the test may look at what the server saw. */
static void server_stop(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->listener);
}

static bool was_sent(struct server *server, const char *part)
{
	return text_contains(buffer_text(&server->seen), text_of(part));
}

TEST(a_body_is_posted_with_its_headers_and_the_answer_read)
{
	struct server server = { .reply = "HTTP/1.1 202 Accepted\r\nContent-Type: text/plain\r\n"
					  "Retry-After: 7\r\nContent-Length: 5\r\n\r\nhello" };
	struct http_client *client = http_client_new(4);
	struct http_answer answer;

	server_start(&server, NULL);
	CHECK_NUMBER(http_client_perform(client,
			     &(struct http_call){ .url = server.url,
				     .headers = (const char *[]){ "X-One: 1", "Content-Type: a/b",
					     NULL },
				     .user = "me:secret",
				     .body = TEXT("{\"a\":1}") },
			     &answer),
		0);
	CHECK_NUMBER(answer.status, 202);
	CHECK_TEXT(answer.body.data, "hello");
	CHECK_TEXT(answer.content_type, "text/plain");
	CHECK_NUMBER(answer.retry_after_ms, 7000);
	http_answer_done(&answer);
	http_client_free(client);
	server_stop(&server);
	CHECK(was_sent(&server, "POST /path HTTP/1.1\r\n"));
	CHECK(was_sent(&server, "X-One: 1\r\n"));
	CHECK(was_sent(&server, "Content-Type: a/b\r\n"));
	CHECK(was_sent(&server, "Authorization: Basic bWU6c2VjcmV0\r\n"));
	CHECK(was_sent(&server, "\r\n\r\n{\"a\":1}"));
	CHECK(!was_sent(&server, "Expect"));
	buffer_done(&server.seen);
}

TEST(no_body_is_a_get_and_no_content_type_is_invented)
{
	struct server server = { .reply = "HTTP/1.1 204 No Content\r\n\r\n", .requests = 2 };
	struct http_client *client = http_client_new(1);
	struct http_answer answer;

	server_start(&server, NULL);
	CHECK_NUMBER(
		http_client_perform(client, &(struct http_call){ .url = server.url }, &answer), 0);
	http_answer_done(&answer);
	/* The same connection: the server takes one only. */
	CHECK_NUMBER(http_client_perform(client,
			     &(struct http_call){
				     .url = server.url, .method = "PUT", .body = TEXT("x") },
			     &answer),
		0);
	CHECK_NUMBER(answer.retry_after_ms, -1);
	http_answer_done(&answer);
	http_client_free(client);
	server_stop(&server);
	CHECK(was_sent(&server, "GET /path HTTP/1.1\r\n"));
	CHECK(was_sent(&server, "PUT /path HTTP/1.1\r\n"));
	CHECK(!was_sent(&server, "Content-Type"));
	buffer_done(&server.seen);
}

TEST(a_redirect_is_an_answer_like_any_other)
{
	struct server server = { .reply = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
					  "Content-Length: 0\r\n\r\n" };
	struct http_client *client = http_client_new(1);
	struct http_answer answer;

	server_start(&server, NULL);
	CHECK_NUMBER(
		http_client_perform(client, &(struct http_call){ .url = server.url }, &answer), 0);
	CHECK_NUMBER(answer.status, 302);
	http_answer_done(&answer);
	http_client_free(client);
	server_stop(&server);
	buffer_done(&server.seen);
}

TEST(a_receiver_that_never_answers_times_out)
{
	struct server server = { .reply = NULL };
	struct http_client *client = http_client_new(1);
	struct http_answer answer;

	server_start(&server, NULL);
	CHECK_NUMBER(http_client_perform(client,
			     &(struct http_call){ .url = server.url, .timeout_ms = 50 }, &answer),
		-ETIMEDOUT);
	CHECK_NUMBER(answer.status, 0);
	CHECK(answer.message[0]);
	http_answer_done(&answer);
	http_client_free(client);
	server_stop(&server);
	buffer_done(&server.seen);
}

TEST(an_answer_that_breaks_off_is_an_error_and_no_status)
{
	struct server server = { .reply = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort" };
	struct http_client *client = http_client_new(1);
	struct http_answer answer;

	server_start(&server, NULL);
	CHECK_NUMBER(http_client_perform(client, &(struct http_call){ .url = server.url }, &answer),
		-EIO);
	CHECK_NUMBER(answer.status, 0);
	http_answer_done(&answer);
	http_client_free(client);
	server_stop(&server);
	buffer_done(&server.seen);
}

TEST(failures_to_connect_are_told_apart)
{
	static const struct {
		const char *url;
		int error;
	} cases[] = {
		{ "http://127.0.0.1:1/", -ECONNREFUSED },
		{ "http://no-such-host.invalid/", -EHOSTUNREACH },
		{ "http://", -EINVAL },
		{ "file:///etc/passwd", -EINVAL },
	};
	struct http_client *client = http_client_new(1);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_answer answer;

		CHECK_NUMBER(http_client_perform(
				     client, &(struct http_call){ .url = cases[i].url }, &answer),
			cases[i].error);
		CHECK(answer.message[0]);
		http_answer_done(&answer);
	}
	http_client_free(client);
}

TEST(a_header_with_a_line_break_is_refused)
{
	struct http_client *client = http_client_new(1);
	struct http_answer answer;

	CHECK_NUMBER(http_client_perform(client,
			     &(struct http_call){ .url = "http://127.0.0.1:1/",
				     .headers = (const char *[]){ "X: a\r\nY: b", NULL } },
			     &answer),
		-EINVAL);
	http_answer_done(&answer);
	http_client_free(client);
}

TEST(a_unix_socket_takes_the_place_of_the_address)
{
	struct server server = { .reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
	struct http_client *client = http_client_new(1);
	struct http_answer answer;
	char folder[] = "/tmp/test-http-client-XXXXXX", path[64];

	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/socket", folder);
	server_start(&server, path);
	CHECK_NUMBER(
		http_client_perform(client,
			&(struct http_call){ .url = "http://localhost/x", .socket_path = path },
			&answer),
		0);
	CHECK_NUMBER(answer.status, 200);
	http_answer_done(&answer);
	http_client_free(client);
	server_stop(&server);
	buffer_done(&server.seen);
	unlink(path);
	rmdir(folder);
}

static void count_call(void *context, struct http_answer *answer)
{
	int *counts = context;

	counts[answer->error == 0]++;
}

TEST(many_calls_run_at_once_up_to_the_limit)
{
	struct server server = { .reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
					  "Connection: close\r\n\r\n",
		.connections = 3 };
	struct http_client *client = http_client_new(3);
	int counts[2] = { 0 };

	server_start(&server, NULL);
	for (int i = 0; i < 3; i++)
		CHECK_NUMBER(http_client_start(client, &(struct http_call){ .url = server.url },
				     count_call, counts),
			0);
	CHECK_NUMBER(http_client_running(client), 3);
	CHECK_NUMBER(http_client_start(
			     client, &(struct http_call){ .url = server.url }, count_call, counts),
		-EAGAIN);
	while (http_client_running(client))
		http_client_run(client, 1000);
	CHECK_NUMBER(counts[1], 3);
	http_client_free(client);
	server_stop(&server);
	buffer_done(&server.seen);
}

TEST(calls_under_way_are_given_up_with_the_client)
{
	struct server server = { .reply = NULL };
	struct http_client *client = http_client_new(1);
	int counts[2] = { 0 };

	server_start(&server, NULL);
	http_client_start(client, &(struct http_call){ .url = server.url }, count_call, counts);
	http_client_run(client, 1);
	http_client_free(client);
	CHECK_NUMBER(counts[0], 1);
	server_stop(&server);
	buffer_done(&server.seen);
}

static void *wake(void *client)
{
	http_client_wake(client);
	return NULL;
}

TEST(a_waiting_client_is_woken_from_another_thread)
{
	struct http_client *client = http_client_new(1);
	pthread_t thread;

	pthread_create(&thread, NULL, wake, client);
	http_client_run(client, 3600 * 1000);
	pthread_join(thread, NULL);
	http_client_free(client);
}
