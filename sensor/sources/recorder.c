/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of one recording. Items are gathered in memory and go to the file as blocks. */
#include <errno.h>
#include <fcntl.h>
#include <zlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "sensor/kernel/wire.h"
#include "sensor/sources/recording.h"

#define BLOCK_FULL (256u << 10)

struct recorder {
	char *path;
	FILE *file;
	uint64_t limit, written, records;
	int failure; /* the first negative errno of the file */
	bool is_ended;
	struct buffer stream;
};

/* ---- blocks and items ---- */

static void write_bytes(struct recorder *recorder, const void *data, size_t size)
{
	if (recorder->failure || !size)
		return;
	errno = 0;
	if (fwrite(data, 1, size, recorder->file) != size)
		recorder->failure = errno ? -errno : -EIO;
	recorder->written += size;
}

static void write_block(struct recorder *recorder, enum block_kind kind, struct buffer *content)
{
	struct block_header header = {
		.kind = kind,
		.length = (uint32_t)content->length,
		.checksum = (uint32_t)crc32(0, (const Bytef *)content->data, (uInt)content->length),
	};

	write_bytes(recorder, &header, sizeof(header));
	write_bytes(recorder, content->data, content->length);
	buffer_clear(content);
}

static void flush_stream(struct recorder *recorder)
{
	if (recorder->stream.length)
		write_block(recorder, BLOCK_STREAM, &recorder->stream);
}

static void add_item(struct buffer *block, enum item_kind kind, const void *data, size_t size)
{
	static const char zeros[8];
	struct item_header header = { .kind = (uint16_t)kind };

	header.padding = (uint16_t)(-size & 7);
	header.size = (uint32_t)(sizeof(header) + size + header.padding);
	buffer_add(block, &header, sizeof(header));
	buffer_add(block, data, size);
	buffer_add(block, zeros, header.padding);
}

/* A block of its own, with what the stream has so far before it. */
static void write_item(
	struct recorder *recorder, enum block_kind block, enum item_kind kind, struct text item)
{
	struct buffer content;

	flush_stream(recorder);
	buffer_init(&content, BLOCK_MAX);
	add_item(&content, kind, item.data, item.length);
	if (content.is_cut)
		log_warning("recording: a state of more than %u bytes is left out", BLOCK_MAX);
	else
		write_block(recorder, block, &content);
	buffer_done(&content);
}

void recorder_end(struct recorder *recorder, uint64_t lost)
{
	uint64_t numbers[] = { recorder->records, lost };

	if (recorder->is_ended)
		return;
	write_item(recorder, BLOCK_END, ITEM_END,
		(struct text){ (const char *)numbers, sizeof(numbers) });
	recorder->is_ended = true;
}

/* ---- opening and closing ---- */

int recorder_new(
	const char *path, uint64_t limit, struct recorder **ret_recorder, struct error *err)
{
	struct recording_header header = {
		.magic = RECORDING_MAGIC, .version = RECORDING_VERSION, .wire_version = WIRE_VERSION
	};
	/* It holds command lines and environments: nobody else's business. */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct recorder *recorder;

	if (fd < 0)
		return error_set(err, -errno, "the recording %s cannot be written: %s", path,
			strerror(errno));
	recorder = NEW(struct recorder);
	recorder->path = string_copy(path);
	recorder->file = fdopen(fd, "w");
	recorder->limit = limit;
	buffer_init(&recorder->stream, BLOCK_MAX);
	write_bytes(recorder, &header, sizeof(header));
	*ret_recorder = recorder;
	return 0;
}

uint64_t recorder_records(const struct recorder *recorder)
{
	return recorder->records;
}

int recorder_close(struct recorder *recorder, struct error *err)
{
	int r = 0;

	if (!recorder)
		return 0;
	recorder_end(recorder, 0);
	if (fclose(recorder->file) && !recorder->failure)
		recorder->failure = -errno;
	if (recorder->failure)
		r = error_set(err, recorder->failure, "the recording %s is not whole: %s",
			recorder->path, strerror(-recorder->failure));
	buffer_done(&recorder->stream);
	free(recorder->path);
	free(recorder);
	return r;
}

/* ---- the stream ---- */

void recorder_add(struct recorder *recorder, enum item_kind kind, struct text content)
{
	if (recorder->is_ended)
		return;
	if (recorder->stream.length + content.length + 16 > BLOCK_MAX)
		flush_stream(recorder);
	add_item(&recorder->stream, kind, content.data, content.length);
}

void recorder_add_state(struct recorder *recorder, enum item_kind kind, struct text content)
{
	if (!recorder->is_ended)
		write_item(recorder, BLOCK_STATE, kind, content);
}

/* What belongs to a record comes behind it and must stand in the same block. */
static void make_room(struct recorder *recorder)
{
	if (recorder->stream.length < BLOCK_FULL)
		return;
	flush_stream(recorder);
	if (!recorder->limit || recorder->written < recorder->limit)
		return;
	recorder_end(recorder, 0);
	log_warning("the recording %s has reached its limit of %llu bytes and ends here",
		recorder->path, (unsigned long long)recorder->limit);
}

void recorder_add_record(struct recorder *recorder, const void *data, size_t size)
{
	if (recorder->is_ended)
		return;
	make_room(recorder);
	recorder_add(recorder, ITEM_RECORD, (struct text){ data, size });
	recorder->records += !recorder->is_ended;
}

void recorder_flush(struct recorder *recorder)
{
	if (recorder->is_ended)
		return;
	flush_stream(recorder);
	if (!recorder->failure && fflush(recorder->file))
		recorder->failure = -errno;
}
