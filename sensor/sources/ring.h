/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a BPF ring buffer in place. (libbpf's reader hands records to a callback and sees them
 * as used when it returns; our events point into the record until the next one is asked for.)
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ring {
	int fd;
	size_t size;		 /* of the data, a power of two */
	unsigned long *consumed; /* shared with the kernel */
	const unsigned long *produced;
	const char *data;
	char *wrapped;	  /* a record that goes on at the beginning, in one piece */
	unsigned long at; /* where the next record begins */
};

/*
 * Maps the ring of a map's fd, which stays the caller's; once, not twice in a row as it could be,
 * for all of it counts as resident.
 */
int ring_open(struct ring *ring, int fd, size_t size);
void ring_close(struct ring *ring);
/*
 * The next record, valid until ring_next() or ring_release() is called again. 0 when there is none
 * (or it is still being written), else its size.
 */
size_t ring_next(struct ring *ring, const void **ret_data);
/* Gives the space of all records so far back to the kernel. */
void ring_release(struct ring *ring);
