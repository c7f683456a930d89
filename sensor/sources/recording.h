/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings: the records of the kernel programs in a file, with all that is needed to decode them
 * again elsewhere and later: what /proc said of processes that no record told about, what the
 * runtimes said of containers, names of users, the clock. Replaying a recording with the same rules
 * gives the same alerts, to the byte.
 *
 * The format, version 1. Numbers are little endian.
 *
 *	file    header block…              the last block is BLOCK_END, else the file was cut off
 *	header  "TERCEL\r\n", u32 version, u32 WIRE_VERSION
 *	block   u32 kind, u32 length, u32 CRC-32 of the content, u32 0; the content: items
 *	item    u32 size with these 8 bytes, a multiple of 8; u16 kind, u16 bytes of padding at its
 *	        end; its content
 *	text    u32 length, bytes
 *
 * In BLOCK_STREAM, in the order in which the source took them:
 *	ITEM_HOST    first: u64 inode of the host's mount namespace; text name of the host, release
 *	             of its kernel, our version
 *	ITEM_EVENTS  names of event types in the order of their ids, each a text
 *	ITEM_CLOCK   i64 what to add to the records' times to have ns since 1970
 *	ITEM_PROCESS what /proc said: u64 start in ticks, numbers of struct process, texts; before
 *	             the record or scan that made us look
 *	ITEM_SCAN    i64 pids of all processes there are
 *	ITEM_RECORD  a record as in wire.h
 *	ITEM_LOOK    what /proc said for a field at the record before: u64 enum look_part, u64
 *	             whether it was there, its content; in the same block as the record
 *	ITEM_DOMAINS addresses of the domain names that rules compare with, from here on: u64 count,
 *	             of each the text, u64 count; of each address u64 family, text
 * In BLOCK_STATE, which a replay reads first, so that nothing waits in it:
 *	ITEM_NAMES    u64 kind of container, text its id, u64 enum name_kind, u64 count; u64 id and
 *	              text of each
 *	ITEM_METADATA u64 kind of container, text its id; its struct metadata
 * In BLOCK_END:
 *	ITEM_END     u64 records, u64 lost
 *
 * Blocks have at most BLOCK_MAX bytes; a writer makes a new one at 256 KiB and once a second.
 * Everything is checked before it is believed: who has a file from elsewhere may replay it.
 */
#pragma once

#include "sensor/sources/look.h"
#include "sensor/sources/source.h"
#include "sensor/state/domains.h"
#include "sensor/state/runtimes/metadata.h"
#include "sensor/state/users.h"

#define RECORDING_MAGIC	  "TERCEL\r\n"
#define RECORDING_VERSION 1
#define BLOCK_MAX	  (4u << 20)

struct recording_header {
	char magic[8];
	uint32_t version, wire_version;
};

enum block_kind { BLOCK_STREAM = 1, BLOCK_STATE, BLOCK_END };

struct block_header {
	uint32_t kind, length, checksum, unused;
};

enum item_kind {
	ITEM_HOST = 1,
	ITEM_EVENTS,
	ITEM_CLOCK,
	ITEM_PROCESS,
	ITEM_SCAN,
	ITEM_RECORD,
	ITEM_NAMES,
	ITEM_METADATA,
	ITEM_END,
	ITEM_LOOK,
	ITEM_DOMAINS,
};

struct item_header {
	uint32_t size;
	uint16_t kind, padding;
};

/* ---- contents of items ---- */

void put_number(struct buffer *out, uint64_t number);
void put_text(struct buffer *out, struct text text);
void put_process(struct buffer *out, const struct process *facts, uint64_t start_tick);
void put_metadata(struct buffer *out, const struct metadata *metadata);

/* What is left to be read. Past the end everything is zero and empty, and `is_bad` is set. */
struct content {
	const char *at, *end;
	bool is_bad;
};
uint64_t get_number(struct content *content);
struct text get_text(struct content *content);
/* Texts point into the content. */
void get_process(struct content *content, struct process *ret_facts, uint64_t *ret_start_tick);
/* NULL when it is none. The caller's; never partial. `*ret_was_partial` says what it was. */
struct metadata *get_metadata(struct content *content, bool *ret_was_partial);

void put_look(struct buffer *out, const struct look *look, enum look_part part);
/* Tells the look what was seen of a part; -EBADMSG when it is none. */
int get_look(struct content *content, struct look *look);
void put_domains(struct buffer *out, const struct domains *domains);
/* Tells all names anew. */
int get_domains(struct content *content, struct domains *domains);

/* ---- the writer of one file ---- */

struct recorder;

/* Makes or empties the file. At `limit` bytes the recording ends, with a warning; 0: no limit. */
int recorder_new(
	const char *path, uint64_t limit, struct recorder **ret_recorder, struct error *err);
/* How many records are in it. */
uint64_t recorder_records(const struct recorder *recorder);
/* The recording is whole once this was called. Returns what went wrong with the file, if anything.
 */
int recorder_close(struct recorder *recorder, struct error *err);

/* All do nothing once the recording has ended. In the stream, and in a block of state. */
void recorder_add(struct recorder *recorder, enum item_kind kind, struct text content);
void recorder_add_state(struct recorder *recorder, enum item_kind kind, struct text content);
/* What is added next is in the same block, as long as it fits. */
void recorder_add_record(struct recorder *recorder, const void *data, size_t size);
void recorder_flush(struct recorder *recorder);
void recorder_end(struct recorder *recorder, uint64_t lost);

/* ---- the recorders of one stream ---- */

#define RECORDERS_MAX 16

/* What a stream's state is made of. All but `processes` and `containers` may be NULL. */
struct stream_state {
	const char *host_root;
	struct processes *processes;
	struct containers *containers;
	struct users *users;
	struct looks *looks;
};

/* Stands beside a source and tells each recorder what it sees; they come and go. */
struct recorders;
struct recorders *recorders_new(const struct stream_state *state);
void recorders_free(struct recorders *recorders);
size_t recorders_count(const struct recorders *recorders);
/*
 * From here on it records. It must join before anything is in the state, or recorders_add_state()
 * tells it what is. -ENOSPC beyond RECORDERS_MAX.
 */
int recorders_join(struct recorders *recorders, struct recorder *recorder);
void recorders_add_state(struct recorders *recorders, struct recorder *recorder);
/* One record, with what was looked at for it, to one that has come late. */
void recorders_add_late(
	struct recorders *recorders, struct recorder *recorder, const void *data, size_t size);
/* Ends it; `lost` events are missing in it. */
void recorders_leave(struct recorders *recorders, struct recorder *recorder, uint64_t lost);
void recorders_leave_all(struct recorders *recorders, uint64_t lost);
void recorders_add_clock(struct recorders *recorders, int64_t offset_ns);
/* After processes_scan(). */
void recorders_add_scan(struct recorders *recorders);
/* After decoder_take(), which may have looked at /proc for it. */
void recorders_add_record(struct recorders *recorders, const void *data, size_t size);
/* The addresses of domain names have changed. Borrowed until others are; NULL: there are none. */
void recorders_add_domains(struct recorders *recorders, const struct domains *domains);
/* Once a second: names that are new, and what was gathered goes to the files. */
void recorders_keep_up(struct recorders *recorders);

/* ---- the reader ---- */

/*
 * A recording as a source. -ENOTSUP for a scap capture, -EBADMSG for what is no recording or a
 * damaged one; a file that was cut off gives all that is there and then -EBADMSG.
 */
int record_source_new(const char *path, struct source **ret_source, struct error *err);
/* The record of the event that was handed out last, valid as long as that; ids are ours. */
const void *record_source_record(const struct source *source);
/* The name of the host that was recorded. */
const char *record_source_hostname(const struct source *source);
