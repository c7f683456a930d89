/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of the ring, on a file that is laid out as the kernel lays out its ring.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sensor/sources/ring.h"
#include "tests/test.h"

#define SIZE ((size_t)65536)

struct fake {
	int fd;
	unsigned long *consumed, *produced;
	char *data;
	struct ring ring;
};

static void fake_open(struct fake *fake)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory;

	fake->fd = memfd_create("ring", MFD_CLOEXEC);
	CHECK_NUMBER(ftruncate(fake->fd, (off_t)(2 * page + SIZE)), 0);
	memory = mmap(NULL, 2 * page + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fake->fd, 0);
	CHECK(memory != MAP_FAILED);
	fake->consumed = (unsigned long *)memory;
	fake->produced = (unsigned long *)(memory + page);
	fake->data = memory + 2 * page;
	CHECK_NUMBER(ring_open(&fake->ring, fake->fd, SIZE), 0);
}

static void fake_close(struct fake *fake)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	ring_close(&fake->ring);
	munmap(fake->consumed, 2 * page + SIZE);
	close(fake->fd);
}

/* Writes a record of `length` bytes, each of them `letter`, around the end if need be. */
static void produce(struct fake *fake, uint32_t length, uint32_t flags, char letter)
{
	unsigned long at = *fake->produced;

	*(uint32_t *)(fake->data + at % SIZE) = length | flags;
	at += BPF_RINGBUF_HDR_SZ;
	for (uint32_t i = 0; i < length; i++)
		fake->data[(at + i) % SIZE] = letter;
	*fake->produced += (length + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
}

static bool is_all(const char *data, size_t length, char letter)
{
	for (size_t i = 0; i < length; i++)
		if (data[i] != letter)
			return false;
	return true;
}

TEST(records_come_whole_wherever_the_ring_begins_again)
{
	struct fake fake;
	const void *data;

	fake_open(&fake);
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t length = 8 + i * 7919 % 30000;

		produce(&fake, length, 0, (char)('a' + i % 26));
		CHECK_NUMBER(ring_next(&fake.ring, &data), length);
		CHECK(is_all(data, length, (char)('a' + i % 26)));
		CHECK_NUMBER(ring_next(&fake.ring, &data), 0);
	}
	CHECK_NUMBER(*fake.consumed, *fake.produced);
	fake_close(&fake);
}

TEST(a_record_under_way_is_waited_for_and_a_discarded_one_is_passed)
{
	struct fake fake;
	const void *data;

	fake_open(&fake);
	produce(&fake, 100, BPF_RINGBUF_DISCARD_BIT, 'x');
	produce(&fake, 64, 0, 'a');
	produce(&fake, 64, BPF_RINGBUF_BUSY_BIT, 'b');
	CHECK_NUMBER(ring_next(&fake.ring, &data), 64);
	CHECK(is_all(data, 64, 'a'));
	CHECK_NUMBER(ring_next(&fake.ring, &data), 0);
	fake_close(&fake);
}
