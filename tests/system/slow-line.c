/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slow line to a runtime, for runtimes.py: SlowLine. What clients send to the socket LISTEN goes
 * to the socket TARGET at once; what comes back is held for so many milliseconds, or for ever. One
 * thread and no polling, so that the delay is what was asked for on a busy machine too.
 *
 * usage: slow-line LISTEN TARGET MILLISECONDS
 * Says "ready", then takes a new delay a line from stdin ("never": no answer); ends with stdin.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Bytes on their way back; no bytes: the end. */
struct piece {
	struct piece *next;
	int64_t due_ms;
	size_t length;
	char data[];
};

/* One end of a connection. `fd` < 0: closed. */
struct end {
	struct pair *pair;
	int fd;
};

struct pair {
	struct pair *next;
	struct end client, server;
	struct piece *first, *last;
	bool is_over;
};

struct line {
	const char *target;
	int listener, epoll;
	int64_t delay_ms; /* < 0: never */
	struct pair *pairs;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

static void watch(struct line *line, int fd, void *what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = what };

	if (epoll_ctl(line->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl");
}

static void take_client(struct line *line)
{
	struct sockaddr_un address = address_of(line->target);
	struct pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		die("calloc");
	pair->client = (struct end){ pair, accept4(line->listener, NULL, NULL, SOCK_CLOEXEC) };
	pair->server = (struct end){ pair, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (connect(pair->server.fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(pair->client.fd);
		close(pair->server.fd);
		free(pair);
		return;
	}
	pair->next = line->pairs;
	line->pairs = pair;
	watch(line, pair->client.fd, &pair->client);
	watch(line, pair->server.fd, &pair->server);
}

static bool send_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);

		if (sent < 0)
			return false;
		data += sent;
		length -= (size_t)sent;
	}
	return true;
}

static void hold(struct line *line, struct pair *pair, const char *data, size_t length)
{
	struct piece *piece;

	if (line->delay_ms < 0 && length)
		return;
	piece = calloc(1, sizeof(*piece) + length);
	if (!piece)
		die("calloc");
	piece->due_ms = now_ms() + (line->delay_ms > 0 ? line->delay_ms : 0);
	piece->length = length;
	memcpy(piece->data, data, length);
	*(pair->first ? &pair->last->next : &pair->first) = piece;
	pair->last = piece;
}

static void take_bytes(struct line *line, struct end *end)
{
	struct pair *pair = end->pair;
	char data[65536];
	ssize_t length = recv(end->fd, data, sizeof(data), 0);

	if (length <= 0) {
		epoll_ctl(line->epoll, EPOLL_CTL_DEL, end->fd, NULL);
		length = 0;
	}
	if (end == &pair->server)
		hold(line, pair, data, (size_t)length);
	else if (!length || !send_all(pair->server.fd, data, (size_t)length))
		pair->is_over = true;
}

static void release_due(struct pair *pair, int64_t now)
{
	while (pair->first && pair->first->due_ms <= now && !pair->is_over) {
		struct piece *piece = pair->first;

		if (!piece->length || !send_all(pair->client.fd, piece->data, piece->length))
			pair->is_over = true;
		pair->first = piece->next;
		free(piece);
	}
}

static void pair_free(struct pair *pair)
{
	struct piece *piece;

	while ((piece = pair->first)) {
		pair->first = piece->next;
		free(piece);
	}
	close(pair->client.fd);
	close(pair->server.fd);
	free(pair);
}

/* Sends what is due and drops what is over; how long until the next piece is due, or -1. */
static int release_all(struct line *line)
{
	int64_t now = now_ms(), until = INT64_MAX;
	struct pair **at = &line->pairs;

	while (*at) {
		struct pair *pair = *at;

		release_due(pair, now);
		if (pair->is_over) {
			*at = pair->next;
			pair_free(pair);
			continue;
		}
		if (pair->first && pair->first->due_ms < until)
			until = pair->first->due_ms;
		at = &pair->next;
	}
	return until == INT64_MAX ? -1 : (int)(until - now);
}

static void obey(struct line *line)
{
	char words[32] = "";

	if (read(STDIN_FILENO, words, sizeof(words) - 1) <= 0)
		exit(0);
	line->delay_ms = strncmp(words, "never", 5) ? atoi(words) : -1;
	puts("ready");
	fflush(stdout);
}

static void listen_at(struct line *line, const char *path)
{
	struct sockaddr_un address = address_of(path);

	line->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(line->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(line->listener, 256) < 0)
		die(path);
	watch(line, line->listener, &line->listener);
	watch(line, STDIN_FILENO, NULL);
	puts("ready");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct line line = { .epoll = epoll_create1(EPOLL_CLOEXEC) };

	if (argc != 4) {
		fprintf(stderr, "usage: slow-line LISTEN TARGET MILLISECONDS\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	line.target = argv[2];
	line.delay_ms = atoi(argv[3]);
	listen_at(&line, argv[1]);
	for (;;) {
		struct epoll_event event;
		/* One at a time: a pair that is over is freed before the next is looked at. */
		int count = epoll_wait(line.epoll, &event, 1, release_all(&line));

		if (count < 0 && errno != EINTR)
			die("epoll_wait");
		if (count <= 0)
			continue;
		if (event.data.ptr == &line.listener)
			take_client(&line);
		else if (!event.data.ptr)
			obey(&line);
		else
			take_bytes(&line, event.data.ptr);
	}
}
