/* SPDX-License-Identifier: Apache-2.0 */
/* An io_uring by its bare system calls, as a program that hides would drive it. */
#pragma once

#include <linux/io_uring.h>
#include <stdbool.h>

static struct io_uring_sqe *requests;
static _Atomic unsigned *tail, *head, *done_tail, *done_head;
static _Atomic unsigned *flags;
static unsigned mask, *places, done_mask, setup_flags;
static struct io_uring_cqe *ends;
static int ring;

static void start(unsigned setup)
{
	struct io_uring_params made = { .flags = setup, .sq_thread_idle = 1000 };
	char *one, *other;

	setup_flags = setup;
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
	bool by_kernel = setup_flags & IORING_SETUP_SQPOLL;
	unsigned at = *tail;

	requests[at & mask] = *request;
	places[at & mask] = at & mask;
	*tail = at + 1;
	if (by_kernel) {
		if (*flags & IORING_SQ_NEED_WAKEUP)
			syscall(SYS_io_uring_enter, ring, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0);
		while (*head != at + 1)
			sched_yield();
	}
	syscall(SYS_io_uring_enter, ring, by_kernel ? 0 : 1, waits,
		waits ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
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
