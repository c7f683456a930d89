/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording as a source. The state gets from it what it got from /proc, the runtimes and passwd
 * files when it was recorded, and the records go through the same decoder. Blocks of state are read
 * first, so that in a replay nothing has to be waited for and its speed does not matter.
 */
#include <errno.h>
#include <sys/stat.h>
#include <uthash.h>
#include <zlib.h>

#include "base/memory.h"
#include "sensor/kernel/wire.h"
#include "sensor/sources/decode.h"
#include "sensor/sources/recording.h"
#include "sensor/state/runtimes/runtimes.h"

#define STATE_BLOCKS_MAX   (1u << 20)
#define FACTS_BYTES_MAX	   ((size_t)512 << 20)
#define METADATA_TOTAL_MAX ((size_t)256 << 20)
#define NAMES_COUNT_MAX	   65536

/* What /proc said of a process, until the record that made us look is decoded. */
struct fact {
	int64_t pid;
	struct process process; /* its texts are in `bytes` */
	uint64_t start_tick;
	char *bytes;
	UT_hash_handle handle;
};

struct known_container {
	char *key;
	struct metadata *metadata;
	bool is_partial;
	UT_hash_handle handle;
};

struct record_source {
	struct source source;
	char *path;
	FILE *file;
	uint64_t at; /* of the block that is read next */
	uint64_t *state_blocks;
	size_t state_count, state_capacity;
	struct block_header block;
	char *content; /* BLOCK_MAX */
	size_t used;   /* of the content */
	struct fact *facts;
	size_t fact_bytes;
	struct known_container *known;
	size_t known_bytes;
	char *hostname;
	uint16_t *event_ids; /* by the recording's id: ours, or UINT16_MAX */
	size_t event_count;
	bool has_ended;
	const void *last; /* the record of the last event, in `content` */
	uint64_t events, lost;
	struct containers *containers;
	struct processes *processes;
	struct users *users;
	struct looks *looks;
	struct domains *domains;
	struct decoder *decoder;
};

static struct record_source *of(struct source *source)
{
	return (struct record_source *)source;
}

static int refuse(const struct record_source *record, struct error *err, const char *what)
{
	return error_set(err, -EBADMSG, "%s: the block at byte %llu %s", record->path,
		(unsigned long long)record->at, what);
}

/* ---- blocks ---- */

/* 1 with the header of the next block, 0 at the end of the file. */
static int read_header(struct record_source *record, struct error *err)
{
	size_t got;

	if (fseeko(record->file, (off_t)record->at, SEEK_SET))
		return error_set(err, -errno, "%s: %s", record->path, strerror(errno));
	got = fread(&record->block, 1, sizeof(record->block), record->file);
	if (!got)
		return 0;
	if (got < sizeof(record->block))
		return refuse(record, err, "is cut off: the recording was not ended");
	if (record->block.kind < BLOCK_STREAM || record->block.kind > BLOCK_END)
		return refuse(record, err, "is of a kind that does not exist");
	if (record->block.length > BLOCK_MAX || record->block.length % 8)
		return refuse(record, err, "has a length that no block has");
	return 1;
}

static int read_content(struct record_source *record, struct error *err)
{
	size_t length = record->block.length;

	if (fread(record->content, 1, length, record->file) != length)
		return refuse(record, err, "is cut off: the recording was not ended");
	if (crc32(0, (const Bytef *)record->content, (uInt)length) != record->block.checksum)
		return refuse(record, err, "is damaged: its checksum is wrong");
	record->used = 0;
	return 0;
}

static void pass_block(struct record_source *record)
{
	record->at += sizeof(record->block) + record->block.length;
}

/* 1 with the next item of the content, 0 when there is none. */
static int next_item(struct record_source *record, struct item_header *ret_header,
	struct content *ret_content, struct error *err)
{
	size_t left = record->block.length - record->used;
	char *at = record->content + record->used;

	if (!left)
		return 0;
	memcpy(ret_header, at, sizeof(*ret_header));
	if (ret_header->size < sizeof(*ret_header) || ret_header->size > left ||
		ret_header->size % 8 || ret_header->padding > 7 ||
		ret_header->padding > ret_header->size - sizeof(*ret_header))
		return refuse(record, err, "holds an item of an impossible size");
	*ret_content = (struct content){ at + sizeof(*ret_header),
		at + ret_header->size - ret_header->padding, false };
	record->used += ret_header->size;
	return 1;
}

/* ---- state ---- */

static void forget_facts(struct record_source *record)
{
	struct fact *fact, *next;

	HASH_ITER (handle, record->facts, fact, next) {
		HASH_DELETE(handle, record->facts, fact);
		free(fact->bytes);
		free(fact);
	}
	record->fact_bytes = 0;
}

/* The reader of the table of processes. */
static int tell_process(void *context, int64_t pid, struct arena *arena, struct process *ret_facts,
	uint64_t *ret_start_tick)
{
	struct record_source *record = context;
	struct fact *fact;

	(void)arena;
	HASH_FIND(handle, record->facts, &pid, sizeof(pid), fact);
	if (!fact)
		return -ESRCH;
	*ret_facts = fact->process;
	*ret_start_tick = fact->start_tick;
	return 0;
}

static int take_process(struct record_source *record, const struct content *item, struct error *err)
{
	size_t size = (size_t)(item->end - item->at);
	struct fact *fact = NEW(struct fact), *before;
	struct content content;

	fact->bytes = memory_copy(item->at, size);
	content = (struct content){ fact->bytes, fact->bytes + size, false };
	get_process(&content, &fact->process, &fact->start_tick);
	fact->pid = fact->process.pid;
	HASH_REPLACE(handle, record->facts, pid, sizeof(fact->pid), fact, before);
	if (before) {
		free(before->bytes);
		free(before);
	}
	record->fact_bytes += size + sizeof(*fact);
	if (content.is_bad)
		return refuse(record, err, "holds a process that is no whole one");
	if (record->fact_bytes > FACTS_BYTES_MAX)
		return refuse(record, err, "holds more processes than there can be");
	return 0;
}

static void take_scan(struct record_source *record, struct content *item)
{
	size_t count = (size_t)(item->end - item->at) / sizeof(int64_t);
	_cleanup_(freep) int64_t *pids = NEW_ARRAY(int64_t, count + 1);

	for (size_t i = 0; i < count; i++)
		pids[i] = (int64_t)get_number(item);
	processes_scan_pids(record->processes, pids, count);
	forget_facts(record);
}

static char *container_key(enum container_kind kind, struct text full_id)
{
	return string_printf("%d " TEXT_FORMAT, (int)kind, TEXT_PRINT(full_id));
}

static struct known_container *find_known(
	const struct record_source *record, enum container_kind kind, struct text full_id)
{
	_cleanup_(freep) char *key = container_key(kind, full_id);
	struct known_container *known;

	HASH_FIND(handle, record->known, key, strlen(key), known);
	return known;
}

static const struct metadata *tell_metadata(
	void *context, enum container_kind kind, struct text full_id)
{
	const struct known_container *known = find_known(context, kind, full_id);

	return known ? known->metadata : NULL;
}

/* Blocks come from the last to the first here, and what is whole wins over what is not. */
static int take_metadata(struct record_source *record, struct content *item, struct error *err)
{
	enum container_kind kind = (enum container_kind)get_number(item);
	struct text full_id = get_text(item);
	struct known_container *known = find_known(record, kind, full_id);
	bool is_partial = false;
	struct metadata *metadata = get_metadata(item, &is_partial);

	if (!metadata)
		return refuse(record, err, "holds metadata that are none");
	if (known && is_partial && !known->is_partial) {
		metadata_release(metadata);
		return 0;
	}
	if (!known) {
		known = NEW(struct known_container);
		known->key = container_key(kind, full_id);
		HASH_ADD_KEYPTR(handle, record->known, known->key, strlen(known->key), known);
	}
	metadata_release(known->metadata);
	known->metadata = metadata;
	known->is_partial = is_partial;
	record->known_bytes +=
		metadata->kept.bytes + (metadata->pod ? metadata->pod->kept.bytes : 0);
	if (HASH_CNT(handle, record->known) > CONTAINERS_MAX ||
		record->known_bytes > METADATA_TOTAL_MAX)
		return refuse(record, err, "tells of more containers than there can be");
	return 0;
}

static int take_names(struct record_source *record, struct content *item, struct error *err)
{
	enum container_kind kind = (enum container_kind)get_number(item);
	struct text full_id = get_text(item);
	uint64_t names_kind = get_number(item), count = get_number(item);
	_cleanup_(freep) struct user_name *names = NULL;

	if (item->is_bad || names_kind >= NAME_KINDS || count > NAMES_COUNT_MAX)
		return refuse(record, err, "holds names that are none");
	names = NEW_ARRAY(struct user_name, count + 1);
	for (uint64_t i = 0; i < count; i++) {
		names[i].id = (uint32_t)get_number(item);
		names[i].text = get_text(item);
	}
	if (item->is_bad || users_tell(record->users, kind, full_id, (enum name_kind)names_kind,
				    names, count) < 0)
		return refuse(record, err, "holds names that are none");
	return 0;
}

/* The first time all of it, and again the names when their turn comes: they may have changed. */
static int take_state(struct record_source *record, bool is_first_time, struct error *err)
{
	struct item_header header;
	struct content item;
	int r;

	while ((r = next_item(record, &header, &item, err)) > 0) {
		if (header.kind == ITEM_NAMES)
			r = take_names(record, &item, err);
		else if (header.kind == ITEM_METADATA && is_first_time)
			r = take_metadata(record, &item, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- the stream ---- */

/* What was looked at for a record stands behind it in its block. */
static int take_looks(struct record_source *record, struct event *event, struct error *err)
{
	struct item_header header;
	struct content item;
	int r = 0;

	event->look = looks_begin(record->looks, event);
	for (size_t before = record->used; r == 0; before = record->used) {
		r = next_item(record, &header, &item, err);
		if (r > 0 && header.kind == ITEM_LOOK) {
			r = get_look(&item, event->look) < 0
				    ? refuse(record, err, "holds a look at a process that is none")
				    : 0;
			continue;
		}
		record->used = before;
		break;
	}
	return r < 0 ? r : 0;
}

static void take_host(struct record_source *record, struct content *item)
{
	uint64_t namespace = get_number(item);

	processes_set_host_namespace(record->processes, namespace);
	free(record->hostname);
	record->hostname = text_to_string(get_text(item));
}

static void take_events(struct record_source *record, struct content *item)
{
	size_t capacity = record->event_count = 0;

	free(TAKE(record->event_ids));
	while (item->at < item->end && record->event_count < UINT16_MAX) {
		const struct event_type *type = event_type_find(get_text(item));

		*ARRAY_ADD(record->event_ids, record->event_count, capacity) =
			type ? (uint16_t)type->id : UINT16_MAX;
	}
}

/* Ids of event types are those of the program that recorded. False when we have no such event. */
static bool translate(const struct record_source *record, void *data, size_t size)
{
	struct call_record *call = data;

	if (size < sizeof(*call) || call->header.kind != RECORD_CALL)
		return true;
	if (call->event >= record->event_count)
		return false;
	call->event = record->event_ids[call->event];
	return call->event != UINT16_MAX;
}

static int take_record(struct record_source *record, struct content *item, struct event **ret_event,
	struct error *err)
{
	void *data = (void *)item->at; /* in our own buffer, which nobody else reads */
	size_t size = (size_t)(item->end - item->at);
	int r = 0;

	if (size < sizeof(struct record))
		return refuse(record, err, "holds a record that is none");
	if (translate(record, data, size)) {
		(void)containers_update(record->containers,
			(int64_t)(((const struct record *)data)->time_ns / 1000000));
		r = decoder_take(record->decoder, data, size, ret_event);
	}
	forget_facts(record);
	if (r < 0)
		return refuse(record, err, "holds a record that is none");
	if (r == 1) {
		record->last = data;
		(*ret_event)->domains = record->domains;
		r = take_looks(record, *ret_event, err) < 0 ? -EBADMSG : 1;
	}
	record->events += r == 1;
	return r;
}

static int take_item(struct record_source *record, const struct item_header *header,
	struct content *item, struct event **ret_event, struct error *err)
{
	switch (header->kind) {
	case ITEM_HOST:
		take_host(record, item);
		return 0;
	case ITEM_EVENTS:
		take_events(record, item);
		return 0;
	case ITEM_CLOCK:
		decoder_set_clock(record->decoder, (int64_t)get_number(item));
		return 0;
	case ITEM_PROCESS:
		return take_process(record, item, err);
	case ITEM_SCAN:
		take_scan(record, item);
		return 0;
	case ITEM_RECORD:
		return take_record(record, item, ret_event, err);
	case ITEM_DOMAINS:
		return get_domains(item, record->domains) < 0
			       ? refuse(record, err, "holds domain names that are none")
			       : 0;
	default:
		return 0; /* of a later version, which said that it can be left out */
	}
}

static void take_end(struct record_source *record)
{
	struct item_header header;
	struct content item;

	record->has_ended = true;
	if (next_item(record, &header, &item, NULL) < 1 || header.kind != ITEM_END)
		return;
	(void)get_number(&item);
	record->lost = get_number(&item);
}

/* Reads the next block; state in it is taken at once. */
static int next_block(struct record_source *record, struct error *err)
{
	int r;

	if (record->has_ended)
		return -ECANCELED;
	r = read_header(record, err);
	if (r == 0)
		return refuse(record, err, "is missing: the recording was not ended");
	if (r > 0)
		r = read_content(record, err);
	if (r == 0 && record->block.kind == BLOCK_STATE)
		r = take_state(record, false, err);
	if (r < 0) {
		record->block.length = 0;
		record->used = 0;
		return r;
	}
	pass_block(record);
	if (record->block.kind == BLOCK_END)
		take_end(record);
	return 0;
}

static int record_next(
	struct source *source, int timeout_ms, struct event **ret_event, struct error *err)
{
	struct record_source *record = of(source);
	int r;

	(void)timeout_ms;
	for (;;) {
		struct item_header header;
		struct content item;

		r = next_item(record, &header, &item, err);
		if (r == 0)
			r = next_block(record, err);
		else if (r > 0)
			r = take_item(record, &header, &item, ret_event, err);
		if (r)
			return r;
	}
}

static int record_want(struct source *source, const struct event_set *set, struct error *err)
{
	(void)err;
	decoder_want(of(source)->decoder, set);
	return 0;
}

static void record_counters(struct source *source, struct source_counters *ret_counters)
{
	const struct record_source *record = of(source);

	*ret_counters = (struct source_counters){ .events = record->events,
		.kernel_calls = record->events + record->lost,
		.dropped = record->lost };
}

static void forget_known(struct record_source *record)
{
	struct known_container *known, *next;

	HASH_ITER (handle, record->known, known, next) {
		HASH_DELETE(handle, record->known, known);
		metadata_release(known->metadata);
		free(known->key);
		free(known);
	}
}

static void record_free(struct source *source)
{
	struct record_source *record = of(source);

	decoder_free(record->decoder);
	looks_free(record->looks);
	domains_free(record->domains);
	users_free(record->users);
	processes_free(record->processes);
	containers_free(record->containers);
	forget_facts(record);
	forget_known(record);
	if (record->file)
		fclose(record->file);
	free(record->state_blocks);
	free(record->event_ids);
	free(record->hostname);
	free(record->content);
	free(record->path);
	free(record);
}

static const struct source_operations operations = {
	.name = "syscall",
	.want = record_want,
	.next = record_next,
	.counters = record_counters,
	.free = record_free,
};

/* ---- opening ---- */

static int check_header(struct record_source *record, struct error *err)
{
	static const unsigned char pcapng[] = { 0x0a, 0x0d, 0x0d, 0x0a }, gzip[] = { 0x1f, 0x8b };
	struct recording_header header = { 0 };
	size_t got = fread(&header, 1, sizeof(header), record->file);

	if (got >= 4 && (!memcmp(&header, pcapng, 4) || !memcmp(&header, gzip, 2)))
		return error_set(err, -ENOTSUP,
			"%s looks like a scap capture; they cannot be read yet, only what tercel "
			"record wrote",
			record->path);
	if (got < sizeof(header) || memcmp(header.magic, RECORDING_MAGIC, sizeof(header.magic)))
		return error_set(
			err, -EBADMSG, "%s is no recording of tercel record", record->path);
	if (header.version != RECORDING_VERSION || header.wire_version != WIRE_VERSION)
		return error_set(err, -EBADMSG,
			"%s is a recording of version %u.%u, this program reads %u.%u; replay it "
			"with the version that recorded it",
			record->path, header.version, header.wire_version, RECORDING_VERSION,
			WIRE_VERSION);
	record->at = sizeof(header);
	return 0;
}

/* Where the blocks of state are. What is wrong with the file is told when its turn comes. */
static int find_state(struct record_source *record, struct error *err)
{
	for (; read_header(record, NULL) > 0; pass_block(record)) {
		if (record->block.kind != BLOCK_STATE)
			continue;
		if (record->state_count == STATE_BLOCKS_MAX)
			return refuse(record, err, "is one too many of its kind");
		*ARRAY_ADD(record->state_blocks, record->state_count, record->state_capacity) =
			record->at;
	}
	return 0;
}

/* From the last to the first, so that in the end what was first is known at the start. */
static int read_state(struct record_source *record, struct error *err)
{
	uint64_t start = record->at;
	int r = find_state(record, err);

	for (size_t i = record->state_count; r >= 0 && i-- > 0;) {
		record->at = record->state_blocks[i];
		if (read_header(record, NULL) > 0 && read_content(record, NULL) == 0)
			r = take_state(record, true, err);
	}
	record->at = start;
	record->block.length = 0;
	record->used = 0;
	return r;
}

/* The host is the first thing in the stream; its name is wanted before. */
static void read_host(struct record_source *record)
{
	struct item_header header;
	struct content item;

	if (read_header(record, NULL) > 0 && read_content(record, NULL) == 0 &&
		next_item(record, &header, &item, NULL) > 0 && header.kind == ITEM_HOST)
		take_host(record, &item);
	record->block.length = 0;
	record->used = 0;
}

static int open_recording(struct record_source *record, struct error *err)
{
	struct stat status;

	record->file = fopen(record->path, "re");
	if (!record->file)
		return error_set(err, -errno, "the recording %s cannot be read: %s", record->path,
			strerror(errno));
	if (fstat(fileno(record->file), &status) || !S_ISREG(status.st_mode))
		return error_set(err, -EINVAL, "%s is no regular file; a recording must be one",
			record->path);
	return check_header(record, err);
}

int record_source_new(const char *path, struct source **ret_source, struct error *err)
{
	struct record_source *record = NEW(struct record_source);
	int r;

	record->source.operations = &operations;
	record->path = string_copy(path);
	record->content = memory_new(1, BLOCK_MAX);
	record->hostname = string_copy("");
	record->containers = containers_new();
	containers_set_teller(record->containers, tell_metadata, record);
	record->processes = processes_new(record->containers, "/nonexistent");
	processes_set_reader(record->processes, tell_process, record);
	record->users = users_new_told();
	record->looks = looks_new_told();
	record->domains = domains_new_told();
	record->decoder = decoder_new(record->containers, record->processes, record->users);
	r = open_recording(record, err);
	if (r >= 0)
		r = read_state(record, err);
	if (r >= 0)
		read_host(record);
	if (r < 0) {
		record_free(&record->source);
		return r;
	}
	*ret_source = &record->source;
	return 0;
}

const char *record_source_hostname(const struct source *source)
{
	return ((const struct record_source *)source)->hostname;
}

const void *record_source_record(const struct source *source)
{
	return ((const struct record_source *)source)->last;
}
