/* SPDX-License-Identifier: Apache-2.0 */
/* Files and connections by io_uring, submitted by calls. */
#include "bypass.h"
#define SQPOLL 0

#include <linux/io_uring.h>

static struct io_uring_sqe *requests;
static _Atomic unsigned *tail, *head, *done_tail, *done_head;
static _Atomic unsigned *flags;
static unsigned mask, *places, done_mask;
static struct io_uring_cqe *ends;
static int ring;

static void start(unsigned setup)
{
	struct io_uring_params made = { .flags = setup, .sq_thread_idle = 1000 };
	char *one, *other;

	ring = (int)syscall(SYS_io_uring_setup, 8, &made);
	NEED(ring >= 0);
	one = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	other = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	requests = mmap(NULL, 8 * sizeof(*requests), PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		IORING_OFF_SQES);
	NEED(one != MAP_FAILED && other != MAP_FAILED && requests != MAP_FAILED);
	head = (void *)(one + made.sq_off.head);
	tail = (void *)(one + made.sq_off.tail);
	flags = (void *)(one + made.sq_off.flags);
	mask = *(unsigned *)(one + made.sq_off.ring_mask);
	places = (void *)(one + made.sq_off.array);
	done_head = (void *)(other + made.cq_off.head);
	done_tail = (void *)(other + made.cq_off.tail);
	done_mask = *(unsigned *)(other + made.cq_off.ring_mask);
	ends = (void *)(other + made.cq_off.cqes);
}

static void submit(const struct io_uring_sqe *request, int waits)
{
	unsigned at = *tail;

	requests[at & mask] = *request;
	places[at & mask] = at & mask;
	*tail = at + 1;
	if (SQPOLL) {
		if (*flags & IORING_SQ_NEED_WAKEUP)
			syscall(SYS_io_uring_enter, ring, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0);
		while (*head != at + 1)
			sched_yield();
	}
	syscall(SYS_io_uring_enter, ring, SQPOLL ? 0 : 1, waits, waits ? IORING_ENTER_GETEVENTS : 0,
		NULL, 0);
}

static int run(const struct io_uring_sqe *request)
{
	int result;

	submit(request, 1);
	while (*done_tail == *done_head)
		sched_yield();
	result = ends[*done_head & done_mask].res;
	*done_head = *done_head + 1;
	return result;
}

#define AT(name) (uint64_t)(uintptr_t)(name)

int main(void)
{
	struct sockaddr_in to = address("127.77.0.3", 0);
	int server = listen_at(&to), fd = socket(AF_INET, SOCK_STREAM, 0), opened;

	(void)server;
	start(SQPOLL ? IORING_SETUP_SQPOLL : 0);
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
