/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets with deadlines.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>

#include <linux/sockios.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/socket.h"

#define DRAIN_POLL_MS 1

/* What went wrong with a socket since it was last asked. */
static int pending_error(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

int socket_wait(int fd, short events, int64_t deadline_ms)
{
	struct pollfd poller = { .fd = fd, .events = events };
	int64_t left = deadline_ms - clock_ms(CLOCK_MONOTONIC);
	int r = poll(&poller, 1, left > 0 ? (int)left : 0);

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r ? 0 : -ETIMEDOUT;
}

static int try_address(const struct addrinfo *address, int64_t deadline_ms, int *ret_fd)
{
	_cleanup_(closep) int fd = socket(address->ai_family,
		address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
	int r;

	if (fd < 0)
		return -errno;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		r = socket_wait(fd, POLLOUT, deadline_ms);
		if (!r)
			r = pending_error(fd);
		if (r < 0)
			return r;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int socket_open(const char *host, const char *port, int type, int timeout_ms, int *ret_fd,
	struct error *err)
{
	struct addrinfo hints = { .ai_socktype = type }, *addresses;
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	int r = getaddrinfo(host, port, &hints, &addresses);

	if (r)
		return error_set(err, -EHOSTUNREACH, "%s: %s", host, gai_strerror(r));
	r = -EHOSTUNREACH;
	for (const struct addrinfo *one = addresses; one && r < 0; one = one->ai_next)
		r = try_address(one, deadline_ms, ret_fd);
	freeaddrinfo(addresses);
	if (r < 0)
		return error_set(err, r, "cannot connect to %s:%s: %s", host, port, strerror(-r));
	return 0;
}

/* Takes away what the other side says, which nobody reads; -EPIPE when it has closed. */
static int check_open(int fd)
{
	char nothing[512];
	ssize_t count;

	do
		count = recv(fd, nothing, sizeof(nothing), MSG_DONTWAIT);
	while (count > 0);
	if (!count)
		return -EPIPE;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

int socket_write(int fd, struct text data, int64_t deadline_ms)
{
	int r = 0;

	while (data.length && !r) {
		ssize_t count = send(fd, data.data, data.length, MSG_NOSIGNAL);

		if (count >= 0)
			data = text_slice(data, (size_t)count, data.length);
		else if (errno == EAGAIN)
			r = socket_wait(fd, POLLOUT, deadline_ms);
		else if (errno != EINTR)
			r = -errno;
	}
	return r;
}

/*
 * There is no event for an empty send queue, so look: a stream that is closed or reset while its
 * last bytes are under way would lose them unseen.
 */
int socket_wait_acknowledged(int fd, int64_t deadline_ms)
{
	for (;;) {
		int unsent = 0, r = pending_error(fd);

		if (r < 0)
			return r;
		if (ioctl(fd, SIOCOUTQ, &unsent) < 0)
			return -errno;
		if (!unsent)
			return 0;
		if (clock_ms(CLOCK_MONOTONIC) >= deadline_ms)
			return -ETIMEDOUT;
		poll(NULL, 0, DRAIN_POLL_MS);
	}
}

int socket_send(int fd, struct text data, int timeout_ms, struct error *err)
{
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	int r = check_open(fd);

	if (!r)
		r = socket_write(fd, data, deadline_ms);
	if (!r)
		r = socket_wait_acknowledged(fd, deadline_ms);
	if (!r)
		r = check_open(fd);
	return r < 0 ? error_set(err, r, "cannot send: %s", strerror(-r)) : 0;
}

int socket_send_datagram(int fd, struct text data, struct error *err)
{
	int r = send(fd, data.data, data.length, MSG_NOSIGNAL) < 0 ? -errno : pending_error(fd);

	return r < 0 ? error_set(err, r, "cannot send: %s", strerror(-r)) : 0;
}
