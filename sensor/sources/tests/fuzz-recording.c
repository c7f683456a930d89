/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the reader of recordings. The input is a row of blocks: kind, 16-bit length, items; they
 * get the checksum and the frame that a file has, for nothing past them would ever be reached.
 */
#include <sys/mman.h>
#include <zlib.h>

#include "base/memory.h"
#include "sensor/sources/recording.h"

#include "sensor/kernel/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_block(FILE *file, unsigned kind, const uint8_t *items, size_t length)
{
	struct block_header header = { .kind = kind % (BLOCK_END + 2),
		.length = (uint32_t)length,
		.checksum = (uint32_t)crc32(0, items, (uInt)length) };

	fwrite(&header, 1, sizeof(header), file);
	fwrite(items, 1, length, file);
}

static void write_file(FILE *file, const uint8_t *data, size_t size)
{
	struct recording_header header = {
		.magic = RECORDING_MAGIC, .version = RECORDING_VERSION, .wire_version = WIRE_VERSION
	};

	fwrite(&header, 1, sizeof(header), file);
	while (size > 3) {
		size_t length = MIN_OF((size_t)(data[1] | data[2] << 8), size - 3) / 8 * 8;

		write_block(file, data[0], data + 3, length);
		data += 3 + length;
		size -= 3 + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = memfd_create("recording", 0);
	FILE *file = fdopen(fd, "w");
	struct source *source;
	struct event *event;
	struct event_set all;
	struct error err;

	memset(&all, 0xff, sizeof(all));
	write_file(file, data, size);
	fflush(file);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (record_source_new(path, &source, &err) == 0) {
		(void)source->operations->want(source, &all, &err);
		while (source->operations->next(source, 0, &event, &err) == 1)
			;
		source->operations->free(source);
	}
	fclose(file);
	return 0;
}
