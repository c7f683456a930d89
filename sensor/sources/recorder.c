/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of recordings. It stands beside a source and is told of each record after it was
 * decoded; what the state had to look up for it was written by then, so a reader has it in time.
 * Items are gathered in memory and go to the file as blocks.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/utsname.h>
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
	struct buffer stream, item;
	const char *host_root;
	struct processes *processes;
	struct containers *containers;
	struct users *users;
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

/* The item that was put together, to the stream. */
static void stream_item(struct recorder *recorder, enum item_kind kind)
{
	if (recorder->stream.length + recorder->item.length + 16 > BLOCK_MAX)
		flush_stream(recorder);
	add_item(&recorder->stream, kind, recorder->item.data, recorder->item.length);
	buffer_clear(&recorder->item);
}

/* A block of its own, with what the stream has so far before it. */
static void write_item(struct recorder *recorder, enum block_kind block, enum item_kind kind)
{
	struct buffer content;

	flush_stream(recorder);
	buffer_init(&content, BLOCK_MAX);
	add_item(&content, kind, recorder->item.data, recorder->item.length);
	if (content.is_cut)
		log_warning("recording: a state of more than %u bytes is left out", BLOCK_MAX);
	else
		write_block(recorder, block, &content);
	buffer_done(&content);
	buffer_clear(&recorder->item);
}

static void end(struct recorder *recorder, uint64_t lost)
{
	if (recorder->is_ended)
		return;
	flush_stream(recorder);
	put_number(&recorder->item, recorder->records);
	put_number(&recorder->item, lost);
	write_item(recorder, BLOCK_END, ITEM_END);
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
	buffer_init(&recorder->item, BLOCK_MAX);
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
	end(recorder, 0);
	if (fclose(recorder->file) && !recorder->failure)
		recorder->failure = -errno;
	if (recorder->failure)
		r = error_set(err, recorder->failure, "the recording %s is not whole: %s",
			recorder->path, strerror(-recorder->failure));
	buffer_done(&recorder->stream);
	buffer_done(&recorder->item);
	free(recorder->path);
	free(recorder);
	return r;
}

/* ---- what it listens to ---- */

static int read_and_keep(void *context, int64_t pid, struct arena *arena, struct process *ret_facts,
	uint64_t *ret_start_tick)
{
	struct recorder *recorder = context;
	int r = process_read(recorder->host_root, pid, arena, ret_facts, ret_start_tick);

	if (r < 0 || recorder->is_ended)
		return r;
	put_process(&recorder->item, ret_facts, *ret_start_tick);
	stream_item(recorder, ITEM_PROCESS);
	return 0;
}

static void keep_metadata(void *context, const struct container *container)
{
	struct recorder *recorder = context;

	if (recorder->is_ended)
		return;
	put_number(&recorder->item, container->kind);
	put_text(&recorder->item, container->full_id);
	put_metadata(&recorder->item, container->metadata);
	write_item(recorder, BLOCK_STATE, ITEM_METADATA);
}

static void keep_names(void *context, enum container_kind kind, struct text full_id,
	enum name_kind names_kind, const struct user_name *names, size_t count)
{
	struct recorder *recorder = context;

	put_number(&recorder->item, kind);
	put_text(&recorder->item, full_id);
	put_number(&recorder->item, names_kind);
	put_number(&recorder->item, count);
	for (size_t i = 0; i < count; i++) {
		put_number(&recorder->item, names[i].id);
		put_text(&recorder->item, names[i].text);
	}
	write_item(recorder, BLOCK_STATE, ITEM_NAMES);
}

static void add_host(struct recorder *recorder)
{
	struct utsname system;

	uname(&system);
	put_number(&recorder->item, processes_host_namespace(recorder->processes));
	put_text(&recorder->item, text_of(system.nodename));
	put_text(&recorder->item, text_of(system.release));
	put_text(&recorder->item, TEXT(TERCEL_VERSION));
	stream_item(recorder, ITEM_HOST);
}

static void add_events(struct recorder *recorder)
{
	size_t count;
	const struct event_type *types = event_types(&count);

	for (size_t i = 0; i < count; i++)
		put_text(&recorder->item, text_of(types[i].name));
	stream_item(recorder, ITEM_EVENTS);
}

void recorder_attach(struct recorder *recorder, const char *host_root, struct processes *processes,
	struct containers *containers, struct users *users)
{
	if (!recorder)
		return;
	recorder->host_root = host_root ? host_root : "";
	recorder->processes = processes;
	recorder->containers = containers;
	recorder->users = users;
	processes_set_reader(processes, read_and_keep, recorder);
	containers_set_witness(containers, keep_metadata, recorder);
	add_host(recorder);
	add_events(recorder);
}

void recorder_add_clock(struct recorder *recorder, int64_t offset_ns)
{
	if (!recorder || recorder->is_ended)
		return;
	put_number(&recorder->item, (uint64_t)offset_ns);
	stream_item(recorder, ITEM_CLOCK);
}

static void put_pid(void *context, const struct process *process)
{
	put_number(context, (uint64_t)process->pid);
}

void recorder_add_scan(struct recorder *recorder)
{
	if (!recorder || recorder->is_ended)
		return;
	processes_visit(recorder->processes, put_pid, &recorder->item);
	stream_item(recorder, ITEM_SCAN);
}

/* As /proc would tell of it now; that it knows ticks only is made up for at its next record. */
static void keep_process(void *context, const struct process *process)
{
	struct recorder *recorder = context;

	put_process(
		&recorder->item, process, processes_start_tick(recorder->processes, process->pid));
	stream_item(recorder, ITEM_PROCESS);
}

void recorder_add_state(struct recorder *recorder)
{
	if (!recorder || recorder->is_ended)
		return;
	users_renew(recorder->users);
	containers_visit(recorder->containers, keep_metadata, recorder);
	processes_visit(recorder->processes, keep_process, recorder);
	recorder_add_scan(recorder);
	recorder_keep_up(recorder);
}

void recorder_add_record(struct recorder *recorder, const void *data, size_t size)
{
	if (!recorder || recorder->is_ended)
		return;
	if (recorder->stream.length + size + 16 > BLOCK_MAX)
		flush_stream(recorder);
	add_item(&recorder->stream, ITEM_RECORD, data, size);
	recorder->records++;
	if (recorder->stream.length < BLOCK_FULL)
		return;
	flush_stream(recorder);
	if (!recorder->limit || recorder->written < recorder->limit)
		return;
	end(recorder, 0);
	log_warning("the recording %s has reached its limit of %llu bytes and ends here",
		recorder->path, (unsigned long long)recorder->limit);
}

void recorder_keep_up(struct recorder *recorder)
{
	if (!recorder || recorder->is_ended)
		return;
	users_visit_news(recorder->users,
		containers_of_cgroup(recorder->containers, TEXT("/"), false), keep_names, recorder);
	flush_stream(recorder);
	if (!recorder->failure && fflush(recorder->file))
		recorder->failure = -errno;
}

void recorder_detach(struct recorder *recorder, uint64_t lost)
{
	if (!recorder)
		return;
	recorder_keep_up(recorder);
	end(recorder, lost);
	containers_set_witness(recorder->containers, NULL, NULL);
	processes_set_reader(recorder->processes, NULL, NULL);
}
