/* SPDX-License-Identifier: Apache-2.0 */
/* Files and connections by io_uring, submitted by calls. */
#include "bypass.h"
#include "uring.h"

#ifndef SETUP
#define SETUP 0
#endif

int main(void)
{
	struct sockaddr_in to = address("127.77.0.3", 0);
	int server = listen_at(&to), fd = socket(AF_INET, SOCK_STREAM, 0), opened;

	(void)server;
	start(SETUP);
	opened = run(&(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
		.fd = AT_FDCWD,
		.addr = AT("secret"),
		.open_flags = O_RDONLY });
	NEED(opened >= 0);
	NEED(!run(&(struct io_uring_sqe){
		.opcode = IORING_OP_CONNECT, .fd = fd, .addr = AT(&to), .off = sizeof(to) }));
	NEED(run(&(struct io_uring_sqe){
		     .opcode = IORING_OP_SEND, .fd = fd, .addr = AT("stolen"), .len = 6 }) == 6);
	NEED(!run(&(struct io_uring_sqe){ .opcode = IORING_OP_LINKAT,
		.fd = AT_FDCWD,
		.addr = AT("secret"),
		.len = (unsigned)AT_FDCWD,
		.addr2 = AT("linked") }));
	NEED(!run(&(struct io_uring_sqe){ .opcode = IORING_OP_RENAMEAT,
		.fd = AT_FDCWD,
		.addr = AT("linked"),
		.len = (unsigned)AT_FDCWD,
		.addr2 = AT("renamed") }));
	NEED(!run(&(struct io_uring_sqe){
		.opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = AT("renamed") }));
	return 0;
}
