/* SPDX-License-Identifier: Apache-2.0 */
/* The ring's layout is the kernel's ABI: Documentation/bpf/ringbuf.rst. */
#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "sensor/kernel/wire.h"
#include "sensor/sources/ring.h"

int ring_open(struct ring *ring, int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int r = -errno;

		munmap(consumer, page);
		return r;
	}
	*ring = (struct ring){ .fd = fd,
		.size = size,
		.consumed = consumer,
		.produced = producer,
		.data = (const char *)producer + page,
		.wrapped = memory_new(1, RECORD_MAX) };
	ring->at = __atomic_load_n(ring->consumed, __ATOMIC_ACQUIRE);
	return 0;
}

void ring_close(struct ring *ring)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!ring->consumed)
		return;
	munmap(ring->consumed, page);
	munmap((void *)ring->produced, page + ring->size);
	free(ring->wrapped);
	ring->consumed = NULL;
}

void ring_release(struct ring *ring)
{
	__atomic_store_n(ring->consumed, ring->at, __ATOMIC_RELEASE);
}

/* Headers are never cut in two: they begin at multiples of their size. */
static const void *whole_record(const struct ring *ring, const char *data, size_t length)
{
	size_t first = (size_t)(ring->data + ring->size - data);

	if (length <= first)
		return data;
	assert(length <= RECORD_MAX); /* our own programs wrote it */
	memcpy(ring->wrapped, data, first);
	memcpy(ring->wrapped + first, ring->data, length - first);
	return ring->wrapped;
}

size_t ring_next(struct ring *ring, const void **ret_data)
{
	ring_release(ring);
	while (ring->at < __atomic_load_n(ring->produced, __ATOMIC_ACQUIRE)) {
		const uint32_t *header =
			(const uint32_t *)(ring->data + (ring->at & (ring->size - 1)));
		uint32_t word = __atomic_load_n(header, __ATOMIC_ACQUIRE);
		uint32_t length = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (word & BPF_RINGBUF_BUSY_BIT)
			return 0;
		ring->at += (length + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
		if (word & BPF_RINGBUF_DISCARD_BIT)
			continue;
		*ret_data = whole_record(ring, (const char *)header + BPF_RINGBUF_HDR_SZ, length);
		return length;
	}
	return 0;
}
