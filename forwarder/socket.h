/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of the outputs that speak no protocol with a library: connect, send, each within a time.
 */
#pragma once

#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/text.h"

/*
 * Connects to the first address of a host that answers. `type`: SOCK_STREAM or SOCK_DGRAM. The
 * socket does not block. -EHOSTUNREACH for a name without address, -ETIMEDOUT, or connect()'s.
 */
int socket_open(const char *host, const char *port, int type, int timeout_ms, int *ret_fd,
	struct error *err);
/*
 * Sends all of it, and waits until the other machine has acknowledged it (a stream's send queue is
 * empty). -EPIPE when the other side has closed, also when it did so before; -ETIMEDOUT.
 */
int socket_send(int fd, struct text data, int timeout_ms, struct error *err);
/* The parts of it. Deadlines are of CLOCK_MONOTONIC; `events` as poll()'s. */
int socket_wait(int fd, short events, int64_t deadline_ms);
int socket_write(int fd, struct text data, int64_t deadline_ms);
int socket_wait_acknowledged(int fd, int64_t deadline_ms);
/* One datagram. -EMSGSIZE when it is too long; -ECONNREFUSED when nobody listens, where known. */
int socket_send_datagram(int fd, struct text data, struct error *err);
