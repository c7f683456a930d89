/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server as a peer sees it: raw sockets, so that what is sent may also be wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/http-server.h"
#include "base/memory.h"
#include "base/queue.h"
#include "tests/test.h"

#define ANSWER_MAX 65536

struct site {
	struct http_server *server;
	struct queue *waiting; /* requests that /later left unanswered */
	struct feed *feed;
	pthread_mutex_t lock;
	_Atomic int streams_closed;
};

/* A stream that counts: each wake-up is one more line. */
struct feed {
	struct http_stream stream;
	struct site *site;
	_Atomic int due;
	int sent;
	bool ends;
};

static int feed_pull(struct http_stream *stream, struct buffer *out)
{
	struct feed *feed = (struct feed *)stream;

	if (feed->sent == feed->due)
		return feed->ends ? -ECANCELED : -EAGAIN;
	buffer_printf(out, "data: %d\n\n", ++feed->sent);
	return 0;
}

static void feed_closed(struct http_stream *stream)
{
	struct feed *feed = (struct feed *)stream;
	struct site *site = feed->site;

	pthread_mutex_lock(&site->lock);
	site->feed = NULL;
	pthread_mutex_unlock(&site->lock);
	free(feed);
	site->streams_closed++;
}

static void feed_add(struct site *site, int count)
{
	pthread_mutex_lock(&site->lock);
	if (site->feed) {
		site->feed->due += count;
		http_stream_wake(&site->feed->stream);
	}
	pthread_mutex_unlock(&site->lock);
}

static void say_hello(struct http_request *request, void *context)
{
	http_reply_static(request, 200, "text/plain", TEXT("hello"));
}

static void echo(struct http_request *request, void *context)
{
	http_reply_header(request, "X-Method", "echo");
	http_reply(request, 201, "text/plain", http_request_body(request));
}

static void reply_later(struct http_request *request, void *context)
{
	struct site *site = context;

	queue_push(site->waiting, request);
}

static void describe(struct http_request *request, void *context)
{
	struct buffer out;
	uid_t uid = (uid_t)-1;
	pid_t pid = -1;
	int r = http_request_peer_uid(request, &uid, &pid);

	buffer_init(&out, 4096);
	buffer_printf(&out, "peer=" TEXT_FORMAT " r=%d own=%d",
		TEXT_PRINT(http_request_peer(request)), r, uid == getuid() && pid == getpid());
	buffer_printf(&out, " tail=" TEXT_FORMAT, TEXT_PRINT(http_request_tail(request)));
	buffer_printf(&out, " q=" TEXT_FORMAT, TEXT_PRINT(http_request_query(request, "q")));
	buffer_printf(&out, " has_z=%d", http_request_query(request, "z").data != NULL);
	buffer_printf(
		&out, " cookie=" TEXT_FORMAT, TEXT_PRINT(http_request_cookie(request, "sid")));
	buffer_printf(&out, " agent=" TEXT_FORMAT,
		TEXT_PRINT(http_request_header(request, "user-agent")));
	http_reply(request, 200, "text/plain", buffer_text(&out));
	buffer_done(&out);
}

static void start_feed(struct http_request *request, void *context)
{
	struct site *site = context;
	struct feed *feed = NEW(struct feed);

	feed->stream = (struct http_stream){ feed_pull, feed_closed, NULL };
	feed->site = site;
	feed->ends = http_request_query(request, "ends").data != NULL;
	feed->due = 1;
	/* The lock keeps a wake-up away until the server has filled in its part. */
	pthread_mutex_lock(&site->lock);
	site->feed = feed;
	http_reply_stream(request, "text/event-stream", &feed->stream);
	pthread_mutex_unlock(&site->lock);
}

static const struct http_route routes[] = {
	{ "GET", "/hello", say_hello },
	{ "POST", "/echo", echo },
	{ "PUT", "/echo", echo },
	{ "POST", "/later", reply_later },
	{ "GET", "/stream", start_feed },
	{ "GET", "/about/*", describe },
};
static const char *const headers[] = { "X-Common", "yes", "X-Method", "common", NULL };

static void site_open(struct site *site, struct http_server_options options)
{
	struct error err = { 0 };

	*site = (struct site){ .waiting = queue_new(1024) };
	pthread_mutex_init(&site->lock, NULL);
	options.address = options.address ? options.address : "127.0.0.1";
	options.routes = routes;
	options.route_count = COUNT_OF(routes);
	options.context = site;
	options.headers = headers;
	CHECK_NUMBER(http_server_new(&options, &site->server, &err), 0);
	if (err.code)
		printf("# %s\n", err.message);
}

static void site_close(struct site *site)
{
	http_server_free(site->server);
	queue_free(site->waiting);
	pthread_mutex_destroy(&site->lock);
}

static struct http_request *next_waiting(struct site *site)
{
	void *item = NULL;

	CHECK_NUMBER(queue_pop_many(site->waiting, &item, 1, 10000), 1);
	return item;
}

static int dial(struct site *site)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(http_server_port(site->server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = 20 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	CHECK_NUMBER(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* `own_path`: the peer binds an address of its own too; NULL: it does not. */
static int dial_socket(const char *path, const char *own_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX }, own = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (own_path) {
		snprintf(own.sun_path, sizeof(own.sun_path), "%s", own_path);
		CHECK_NUMBER(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	}
	CHECK_NUMBER(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		text += sent;
		length -= (size_t)sent;
	}
}

static void send_string(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

/* Reads until `wanted` was seen; 0 at the end of the connection. */
static bool read_until(int fd, struct buffer *in, const char *wanted)
{
	char part[4096];
	ssize_t got;

	while (!text_contains(buffer_text(in), text_of(wanted))) {
		got = recv(fd, part, sizeof(part), 0);
		if (got <= 0)
			return false;
		buffer_add(in, part, (size_t)got);
	}
	return true;
}

/* One answer with a Content-Length; the body alone is left in `in`. Returns the status. */
static int read_answer(int fd, struct buffer *in, bool has_body)
{
	ptrdiff_t end, at;
	size_t length = 0;
	int status;

	buffer_clear(in);
	if (!read_until(fd, in, "\r\n\r\n"))
		return 0;
	end = text_find(buffer_text(in), TEXT("\r\n\r\n")) + 4;
	status = atoi(in->data + 9);
	at = text_find(buffer_text(in), TEXT("Content-Length: "));
	if (at >= 0)
		length = strtoul(in->data + at + 16, NULL, 10);
	while (has_body && in->length < (size_t)end + length) {
		char part[4096];
		ssize_t got = recv(fd, part, sizeof(part), 0);

		if (got <= 0)
			return 0;
		buffer_add(in, part, (size_t)got);
	}
	return status;
}

static const char *body_of(const struct buffer *in)
{
	ptrdiff_t end = text_find(buffer_text(in), TEXT("\r\n\r\n"));

	return end < 0 ? NULL : in->data + end + 4;
}

static int ask(struct site *site, const char *request, struct buffer *ret_answer)
{
	int fd = dial(site), status;

	send_string(fd, request);
	status = read_answer(fd, ret_answer, strncmp(request, "HEAD", 4));
	close(fd);
	return status;
}

TEST(routes_answer_by_method_and_path)
{
	static const struct {
		const char *request;
		int status;
		const char *body;
	} cases[] = {
		{ "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 200, "hello" },
		{ "GET /hello?a=b HTTP/1.1\r\nHost: x\r\n\r\n", 200, "hello" },
		{ "GET /hell%6f HTTP/1.1\r\nHost: x\r\n\r\n", 200, "hello" },
		{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", 201, "body" },
		{ "PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
			201, "abcde" },
		{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 201, "" },
		{ "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404,
			"{\"error\":\"there is no /nowhere\"}" },
		{ "GET /helloo HTTP/1.1\r\nHost: x\r\n\r\n", 404,
			"{\"error\":\"there is no /helloo\"}" },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", 405,
			"{\"error\":\"GET is not possible here, only POST, PUT\"}" },
		{ "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n", 405,
			"{\"error\":\"DELETE is not possible here, only GET\"}" },
	};
	struct buffer in;
	struct site site;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CHECK_NUMBER(ask(&site, cases[i].request, &in), cases[i].status);
		CHECK_TEXT(body_of(&in), cases[i].body);
	}
	site_close(&site);
	buffer_done(&in);
}

TEST(an_answer_has_the_common_headers_unless_it_sets_them)
{
	struct buffer in;
	struct site site;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	ask(&site, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", &in);
	CHECK(text_contains(buffer_text(&in), TEXT("X-Common: yes\r\n")));
	CHECK(text_contains(buffer_text(&in), TEXT("X-Method: echo\r\n")));
	CHECK(!text_contains(buffer_text(&in), TEXT("X-Method: common\r\n")));
	ask(&site, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", &in);
	CHECK(text_contains(buffer_text(&in), TEXT("Allow: POST, PUT\r\n")));
	CHECK(text_contains(buffer_text(&in), TEXT("X-Common: yes\r\n")));
	site_close(&site);
	buffer_done(&in);
}

TEST(head_is_answered_like_get_without_a_body)
{
	struct buffer in;
	struct site site;
	int fd;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	fd = dial(&site);
	send_string(fd, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK_NUMBER(read_answer(fd, &in, false), 200);
	CHECK(text_contains(buffer_text(&in), TEXT("Content-Length: 5\r\n")));
	CHECK_TEXT(body_of(&in), "");
	/* The connection is still in step. */
	send_string(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK_NUMBER(read_answer(fd, &in, true), 200);
	CHECK_TEXT(body_of(&in), "hello");
	close(fd);
	site_close(&site);
	buffer_done(&in);
}

TEST(what_was_asked_is_decoded)
{
	struct buffer in;
	struct site site;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	ask(&site,
		"GET /about/a%20b?q=x%26y+z&z HTTP/1.1\r\nHost: x\r\nCookie: a=1; sid=s3\r\n"
		"User-Agent: test\r\n\r\n",
		&in);
	CHECK_TEXT(body_of(&in),
		"peer=127.0.0.1 r=-88 own=0 tail=a b q=x&y z has_z=1 cookie=s3 agent=test");
	ask(&site, "GET /about/ HTTP/1.1\r\nHost: x\r\n\r\n", &in);
	CHECK_TEXT(body_of(&in), "peer=127.0.0.1 r=-88 own=0 tail= q= has_z=0 cookie= agent=");
	site_close(&site);
	buffer_done(&in);
}

TEST(a_body_over_the_limit_gets_413_and_one_at_the_limit_does_not)
{
	static const char *const heads[] = { "Content-Length: 1000\r\n\r\n",
		"Content-Length: 1001\r\n\r\n", "Content-Length: 100000\r\n\r\n" };
	static const size_t lengths[] = { 1000, 1001, 100000 };
	static const int statuses[] = { 201, 413, 413 };
	_cleanup_(freep) char *body = memory_new(100000, 1);
	struct buffer in;
	struct site site;
	int fd;

	memset(body, 'x', 100000);
	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ .body_limit = 1000 });
	fd = dial(&site);
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		send_string(fd, "POST /echo HTTP/1.1\r\nHost: x\r\n");
		send_string(fd, heads[i]);
		send_all(fd, body, lengths[i]);
		CHECK_NUMBER(read_answer(fd, &in, true), statuses[i]);
	}
	CHECK_TEXT(body_of(&in), "{\"error\":\"the body is larger than 1000 bytes\"}");
	close(fd);
	site_close(&site);
	buffer_done(&in);
}

TEST(a_body_without_end_is_cut_off)
{
	_cleanup_(freep) char *body = memory_new(1 << 20, 1);
	char byte;
	struct site site;
	int fd, sent = 0;

	site_open(&site, (struct http_server_options){ .body_limit = 1000 });
	fd = dial(&site);
	send_string(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
	while (sent < 200 && send(fd, body, 1 << 20, MSG_NOSIGNAL) > 0)
		sent++;
	CHECK(sent < 200);
	CHECK(recv(fd, &byte, 1, 0) <= 0);
	close(fd);
	site_close(&site);
}

static void *answer_one(void *context)
{
	struct http_request *request = next_waiting(context);

	http_reply(request, 200, "text/plain", http_request_body(request));
	return NULL;
}

TEST(a_suspended_request_is_answered_by_another_thread)
{
	struct buffer in;
	struct site site;
	pthread_t thread;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	for (int i = 0; i < 50; i++) {
		pthread_create(&thread, NULL, answer_one, &site);
		CHECK_NUMBER(
			ask(&site,
				"POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
				&in),
			200);
		CHECK_TEXT(body_of(&in), "abc");
		pthread_join(thread, NULL);
	}
	site_close(&site);
	buffer_done(&in);
}

TEST(suspended_requests_hold_no_thread)
{
	enum { COUNT = 200 };
	struct http_request *requests[COUNT];
	struct buffer in;
	struct site site;
	int fds[COUNT];

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ .threads = 2 });
	for (int i = 0; i < COUNT; i++) {
		fds[i] = dial(&site);
		send_string(fds[i], "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	}
	for (int i = 0; i < COUNT; i++)
		requests[i] = next_waiting(&site);
	CHECK_NUMBER(ask(&site, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &in), 200);
	for (int i = 0; i < COUNT; i++)
		http_reply_error(requests[i], 422, "no \"%s\"", "<such>\n");
	for (int i = 0; i < COUNT; i++) {
		CHECK_NUMBER(read_answer(fds[i], &in, true), 422);
		close(fds[i]);
	}
	CHECK_TEXT(body_of(&in), "{\"error\":\"no \\\"<such>\\n\\\"\"}");
	site_close(&site);
	buffer_done(&in);
}

TEST(an_answer_to_a_peer_that_left_is_dropped)
{
	struct buffer in;
	struct site site;
	int fd;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	fd = dial(&site);
	send_string(fd, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	close(fd);
	http_reply(next_waiting(&site), 200, NULL, TEXT(""));
	CHECK_NUMBER(ask(&site, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &in), 200);
	site_close(&site);
	buffer_done(&in);
}

TEST(stopping_answers_suspended_requests_with_503)
{
	struct http_request *request;
	struct buffer in;
	struct site site;
	int fd;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	fd = dial(&site);
	send_string(fd, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	request = next_waiting(&site);
	http_server_free(site.server);
	CHECK_NUMBER(read_answer(fd, &in, true), 503);
	CHECK_TEXT(body_of(&in), "{\"error\":\"the server is stopping\"}");
	/* Who owed the answer may come late. */
	http_reply(request, 200, NULL, TEXT("too late"));
	close(fd);
	queue_free(site.waiting);
	buffer_done(&in);
}

static void *answer_all(void *context)
{
	struct site *site = context;
	void *item;

	while (queue_pop_many(site->waiting, &item, 1, -1) == 1)
		http_reply(item, 200, "text/plain", TEXT("done"));
	return NULL;
}

static void *keep_asking(void *context)
{
	struct buffer in;
	int fd = *(int *)context;

	buffer_init(&in, ANSWER_MAX);
	do
		send_string(fd, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	while (read_answer(fd, &in, true) == 200);
	close(fd);
	buffer_done(&in);
	return NULL;
}

TEST(stopping_under_load_loses_no_request)
{
	pthread_t answerers[2], askers[8];
	int fds[8];
	struct site site;
	void *item;

	for (int round = 0; round < 5; round++) {
		struct http_request *first;

		site_open(&site, (struct http_server_options){ .threads = 2 });
		for (size_t i = 0; i < COUNT_OF(askers); i++) {
			fds[i] = dial(&site);
			pthread_create(&askers[i], NULL, keep_asking, &fds[i]);
		}
		first = next_waiting(&site);
		for (size_t i = 0; i < COUNT_OF(answerers); i++)
			pthread_create(&answerers[i], NULL, answer_all, &site);
		http_reply(first, 200, "text/plain", TEXT("first"));
		http_server_free(site.server);
		queue_close(site.waiting);
		for (size_t i = 0; i < COUNT_OF(answerers); i++)
			pthread_join(answerers[i], NULL);
		for (size_t i = 0; i < COUNT_OF(askers); i++)
			pthread_join(askers[i], NULL);
		CHECK(queue_pop_many(site.waiting, &item, 1, 0) < 0);
		queue_free(site.waiting);
	}
}

TEST(the_unix_socket_tells_who_is_at_the_other_end)
{
	char directory[] = "/tmp/tercel-test-XXXXXX";
	_cleanup_(freep) char *path = NULL, *own = NULL;
	struct buffer in;
	struct site site;
	struct stat status;
	int fd;

	CHECK(mkdtemp(directory) != NULL);
	path = string_printf("%s/socket", directory);
	/* Longer than an IPv6 address, which the library's own accept() would not survive. */
	own = string_printf(
		"%s/a-peer-whose-own-address-is-rather-long-and-of-its-choice", directory);
	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ .socket_path = path });
	CHECK_NUMBER(stat(path, &status), 0);
	CHECK_NUMBER(status.st_mode & 0777, 0666);

	fd = dial_socket(path, NULL);
	for (int i = 0; i < 3; i++) {
		send_string(fd, "GET /about/x HTTP/1.1\r\nHost: x\r\n\r\n");
		CHECK_NUMBER(read_answer(fd, &in, true), 200);
		CHECK_TEXT(body_of(&in), "peer=unix r=0 own=1 tail=x q= has_z=0 cookie= agent=");
	}
	close(fd);
	fd = dial_socket(path, own);
	send_string(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK_NUMBER(read_answer(fd, &in, true), 200);
	close(fd);

	site_close(&site);
	CHECK(stat(path, &status) < 0);
	unlink(own);
	rmdir(directory);
	buffer_done(&in);
}

TEST(a_left_over_socket_is_replaced_and_a_live_one_is_not)
{
	char directory[] = "/tmp/tercel-test-XXXXXX";
	_cleanup_(freep) char *path = NULL;
	struct http_server_options options = {
		.address = "127.0.0.1", .routes = routes, .route_count = 1
	};
	struct http_server *second = NULL;
	struct error err = { 0 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct site site;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(mkdtemp(directory) != NULL);
	path = string_printf("%s/socket", directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	CHECK_NUMBER(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);

	site_open(&site, (struct http_server_options){ .socket_path = path });
	options.socket_path = path;
	CHECK_NUMBER(http_server_new(&options, &second, &err), -EADDRINUSE);
	CHECK(strstr(err.message, "is taken by another program") != NULL);
	site_close(&site);
	rmdir(directory);
}

TEST(a_taken_port_is_told_in_one_line)
{
	struct http_server_options options = {
		.address = "127.0.0.1", .routes = routes, .route_count = 1
	};
	struct http_server *second = NULL;
	struct error err = { 0 };
	struct site site;
	char wanted[128];

	site_open(&site, (struct http_server_options){ 0 });
	options.port = http_server_port(site.server);
	CHECK_NUMBER(http_server_new(&options, &second, &err), -EADDRINUSE);
	snprintf(wanted, sizeof(wanted),
		"127.0.0.1:%u is taken by another program; stop it or choose another port",
		options.port);
	CHECK_TEXT(err.message, wanted);
	CHECK(!second);
	options.address = "localhost.example";
	CHECK_NUMBER(http_server_new(&options, &second, &err), -EINVAL);
	CHECK(strstr(err.message, "\"localhost.example\" is no IP address") != NULL);
	site_close(&site);
}

TEST(all_addresses_are_listened_on_when_none_is_given)
{
	struct buffer in;
	struct site site;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ .address = "" });
	CHECK_NUMBER(ask(&site, "GET /about/ HTTP/1.1\r\nHost: x\r\n\r\n", &in), 200);
	CHECK(text_contains(buffer_text(&in), TEXT("peer=127.0.0.1 ")));
	site_close(&site);
	buffer_done(&in);
}

TEST(a_stream_sends_when_it_is_woken)
{
	struct buffer in;
	struct site site;
	int fd;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	fd = dial(&site);
	send_string(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK(read_until(fd, &in, "data: 1\n\n"));
	CHECK(text_contains(buffer_text(&in), TEXT("Content-Type: text/event-stream\r\n")));
	feed_add(&site, 1);
	CHECK(read_until(fd, &in, "data: 2\n\n"));
	feed_add(&site, 100);
	CHECK(read_until(fd, &in, "data: 102\n\n"));
	/* Stopping breaks it off: the connection ends, and the last chunk is not there. */
	http_server_free(site.server);
	CHECK(!read_until(fd, &in, "\r\n0\r\n\r\n"));
	CHECK(text_ends_with(buffer_text(&in), TEXT("data: 102\n\n\r\n")));
	CHECK_NUMBER(site.streams_closed, 1);
	close(fd);
	queue_free(site.waiting);
	buffer_done(&in);
}

TEST(a_stream_can_end_by_itself)
{
	struct buffer in;
	struct site site;
	int fd;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	fd = dial(&site);
	send_string(fd, "GET /stream?ends HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK(read_until(fd, &in, "data: 1\n\n\r\n0\r\n\r\n"));
	/* And the connection is good for more. */
	send_string(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK_NUMBER(read_answer(fd, &in, true), 200);
	close(fd);
	site_close(&site);
	CHECK_NUMBER(site.streams_closed, 1);
	buffer_done(&in);
}

TEST(a_stream_whose_peer_left_is_closed_at_the_next_sends)
{
	struct buffer in;
	struct site site;
	int fd;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	fd = dial(&site);
	send_string(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK(read_until(fd, &in, "data: 1\n\n"));
	close(fd);
	while (!site.streams_closed) {
		feed_add(&site, 1);
		poll(NULL, 0, 1);
	}
	CHECK_NUMBER(ask(&site, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &in), 200);
	site_close(&site);
	buffer_done(&in);
}

TEST(wakes_from_many_threads_are_not_lost)
{
	struct buffer in;
	struct site site;
	int fd;

	buffer_init(&in, 4 * 1024 * 1024);
	site_open(&site, (struct http_server_options){ 0 });
	fd = dial(&site);
	send_string(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK(read_until(fd, &in, "data: 1\n\n"));
	for (int i = 2; i <= 2000; i++) {
		char wanted[32];

		feed_add(&site, 1);
		if (i % 50)
			continue;
		snprintf(wanted, sizeof(wanted), "data: %d\n\n", i);
		buffer_clear(&in);
		CHECK(read_until(fd, &in, wanted));
	}
	close(fd);
	site_close(&site);
	buffer_done(&in);
}

TEST(a_slow_peer_delays_nobody_else)
{
	static const char slow_request[] = "GET /hello HTTP/1.1\r\nHost: slow\r\n\r\n";
	struct buffer in;
	struct site site;
	int slow;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ .threads = 1 });
	slow = dial(&site);
	for (const char *at = slow_request; *at; at++) {
		send_all(slow, at, 1);
		CHECK_NUMBER(ask(&site, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &in), 200);
	}
	CHECK_NUMBER(read_answer(slow, &in, true), 200);
	close(slow);
	site_close(&site);
	buffer_done(&in);
}

TEST(hundreds_of_connections_are_kept)
{
	enum { COUNT = 300 };
	struct buffer in;
	struct site site;
	int fds[COUNT];

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	for (int i = 0; i < COUNT; i++)
		fds[i] = dial(&site);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < COUNT; i++)
			send_string(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
		for (int i = 0; i < COUNT; i++)
			CHECK_NUMBER(read_answer(fds[i], &in, true), 200);
	}
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
	site_close(&site);
	buffer_done(&in);
}

TEST(requests_in_one_packet_are_answered_in_order)
{
	struct buffer in;
	struct site site;
	int fd;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ 0 });
	fd = dial(&site);
	send_string(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
			"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo");
	CHECK(read_until(fd, &in, "\r\n\r\none"));
	CHECK(read_until(fd, &in, "\r\n\r\ntwo"));
	close(fd);
	site_close(&site);
	buffer_done(&in);
}

/* A fixed sequence, so that a failure can be repeated. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

TEST(a_peer_that_leaves_with_its_last_packet_holds_no_connection)
{
	struct buffer in;
	struct site site;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ .threads = 1, .connection_limit = 8 });
	for (int i = 0; i < 100; i++) {
		int fd = dial(&site);

		send_string(fd, "GET /hello HTTP/1.1\r\n");
		close(fd);
		CHECK_NUMBER(ask(&site, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &in), 200);
	}
	site_close(&site);
	buffer_done(&in);
}

TEST(requests_full_of_mistakes_do_no_harm)
{
	static const char *const seeds[] = {
		"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
		"PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
		"chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"GET /about/%zz?q=%&z=%4 HTTP/1.1\r\nHost: x\r\nCookie: ;;=;sid=\"\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST /echo HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
	};
	struct buffer in;
	struct site site;
	uint32_t random = 2463534242;

	buffer_init(&in, ANSWER_MAX);
	site_open(&site, (struct http_server_options){ .threads = 1 });
	for (int i = 0; i < 1500; i++) {
		const char *seed = seeds[next_random(&random) % COUNT_OF(seeds)];
		size_t length = strlen(seed);
		_cleanup_(freep) char *broken = memory_copy(seed, length);
		int fd = dial(&site);

		for (uint32_t n = next_random(&random) % 4; n; n--)
			broken[next_random(&random) % length] = (char)next_random(&random);
		send_all(fd, broken, 1 + next_random(&random) % length);
		/* A whole request on another connection: by then this one was looked at. */
		if (i % 10 == 0)
			CHECK_NUMBER(
				ask(&site, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &in), 200);
		close(fd);
	}
	CHECK_NUMBER(ask(&site, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", &in), 200);
	CHECK_TEXT(body_of(&in), "hello");
	site_close(&site);
	buffer_done(&in);
}
