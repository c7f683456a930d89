/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings made by hand: what a recorder writes is what a replay hands out, and files that were
 * cut, changed or made up are refused with words.
 */
#include <errno.h>
#include <zlib.h>

#include "base/memory.h"
#include "sensor/sources/decode.h"
#include "sensor/sources/recording.h"
#include "tests/test.h"

#define PATH_SIZE 64

struct world {
	char path[PATH_SIZE];
	struct containers *containers;
	struct processes *processes;
	struct users *users;
	struct looks *looks;
	bool completes_looks; /* a rule asks for all of them at each event */
	struct recorders *recorders;
	struct recorder *recorder;
	struct source *source;
};

static void begin(struct world *world)
{
	int fd;

	*world = (struct world){ .path = "/tmp/tercel-recording-XXXXXX" };
	fd = mkstemp(world->path);
	CHECK(fd >= 0);
	close(fd);
	world->containers = containers_new();
	world->processes = processes_new(world->containers, NULL);
	world->users = users_new(NULL);
	world->looks = looks_new(NULL);
	world->recorders = recorders_new(&(struct stream_state){
		NULL, world->processes, world->containers, world->users, world->looks });
	CHECK_NUMBER(recorder_new(world->path, 0, &world->recorder, NULL), 0);
	CHECK_NUMBER(recorders_join(world->recorders, world->recorder), 0);
}

static void end_recording(struct world *world)
{
	recorders_leave_all(world->recorders, 7);
	CHECK_NUMBER(recorder_close(TAKE(world->recorder), NULL), 0);
	recorders_free(world->recorders);
	looks_free(world->looks);
	users_free(world->users);
	processes_free(world->processes);
	containers_free(world->containers);
}

static int open_replay(struct world *world, struct error *err)
{
	struct event_set all;
	int r = record_source_new(world->path, &world->source, err);

	memset(&all, 0xff, sizeof(all));
	return r < 0 ? r : world->source->operations->want(world->source, &all, err);
}

static int next(struct world *world, struct event **ret_event, struct error *err)
{
	return world->source->operations->next(world->source, 0, ret_event, err);
}

static void end_replay(struct world *world)
{
	if (world->source)
		world->source->operations->free(world->source);
	unlink(world->path);
}

/* A call by a process that only /proc knows: ourselves. */
static void record_call(struct world *world, unsigned event, int64_t result)
{
	struct call_record record = { .header = { .size = sizeof(record),
					      .kind = RECORD_CALL,
					      .time_ns = 1000,
					      .pid = (uint32_t)getpid(),
					      .parent_pid = (uint32_t)getppid(),
					      .tid = (uint32_t)getpid(),
					      .comm = "tested" },
		.result = result,
		.event = (uint16_t)event };
	struct decoder *decoder = decoder_new(world->containers, world->processes, world->users);
	struct event *got;

	CHECK_NUMBER(decoder_take(decoder, &record, sizeof(record), &got), 1);
	recorders_add_record(world->recorders, &record, sizeof(record));
	if (world->completes_looks)
		look_complete(looks_begin(world->looks, got));
	decoder_free(decoder);
}

static unsigned event_id(const char *name)
{
	return event_type_find(text_of(name))->id;
}

TEST(what_is_recorded_is_replayed_with_process_clock_and_names)
{
	struct world world;
	struct event *event = NULL;
	struct source_counters counters;
	struct text name;
	struct error err = { 0 };
	char *exe = NULL, *wanted = realpath("/proc/self/exe", NULL);

	begin(&world);
	recorders_add_clock(world.recorders, 5000);
	record_call(&world, event_id("setuid"), -1);
	record_call(&world, event_id("chroot"), 0);
	end_recording(&world);

	CHECK_NUMBER(open_replay(&world, &err), 0);
	CHECK_TEXT(err.message, "");
	CHECK_NUMBER(next(&world, &event, &err), 1);
	CHECK_TEXT(event->type->name, "setuid");
	CHECK_NUMBER(event->time_ns, 6000);
	CHECK_NUMBER(event->result, -1);
	exe = text_to_string(event->process->exe_path);
	CHECK_TEXT(exe, wanted);
	CHECK(process_ancestor(event->process, 1) != NULL);
	CHECK_NUMBER(
		users_name_of(event->users, event->container, 1, NAME_OF_USER, 0, &name), PRESENT);
	CHECK(text_is(name, "root"));
	CHECK_NUMBER(next(&world, &event, &err), 1);
	CHECK_TEXT(event->type->name, "chroot");
	CHECK_NUMBER(next(&world, &event, &err), -ECANCELED);
	CHECK_NUMBER(next(&world, &event, &err), -ECANCELED);
	world.source->operations->counters(world.source, &counters);
	CHECK_NUMBER(counters.events, 2);
	CHECK_NUMBER(counters.dropped, 7);
	end_replay(&world);
	free(exe);
	free(wanted);
}

TEST(processes_of_a_scan_are_there_again_and_those_that_are_gone_are_not)
{
	struct world world;
	struct event *event = NULL;

	begin(&world);
	CHECK_NUMBER(processes_scan(world.processes, NULL), 0);
	recorders_add_scan(world.recorders);
	record_call(&world, event_id("setuid"), 0);
	end_recording(&world);
	CHECK_NUMBER(open_replay(&world, NULL), 0);
	CHECK_NUMBER(next(&world, &event, NULL), 1);
	CHECK_NUMBER(event->process->pid, getpid());
	CHECK(event->process->environment.length > 0);
	end_replay(&world);
}

TEST(what_was_looked_at_is_seen_again_at_the_same_event)
{
	struct world world;
	struct event *event = NULL;
	const struct descriptors *all;

	begin(&world);
	record_call(&world, event_id("setuid"), 0);
	world.completes_looks = true;
	record_call(&world, event_id("chroot"), 0);
	world.completes_looks = false;
	record_call(&world, event_id("setgid"), 0);
	end_recording(&world);

	CHECK_NUMBER(open_replay(&world, NULL), 0);
	CHECK_NUMBER(next(&world, &event, NULL), 1);
	CHECK(look_usage(event->look) == NULL);
	CHECK_NUMBER(next(&world, &event, NULL), 1);
	CHECK_TEXT(event->type->name, "chroot");
	CHECK(look_usage(event->look) && look_usage(event->look)->threads >= 1);
	CHECK(text_contains(*look_cgroups(event->look), TEXT(":/")));
	all = look_descriptors(event->look, LOOK_DESCRIPTORS);
	CHECK(all && all->count > 3);
	CHECK(look_descriptor(event->look, LOOK_STANDARD, 2) != NULL);
	CHECK_NUMBER(next(&world, &event, NULL), 1);
	CHECK_TEXT(event->type->name, "setgid");
	CHECK(look_descriptors(event->look, LOOK_STANDARD) == NULL);
	CHECK_NUMBER(next(&world, &event, NULL), -ECANCELED);
	end_replay(&world);
}

TEST(addresses_of_domain_names_change_where_they_changed)
{
	static const struct address address = { 4, { 10, 0, 0, 9 } };
	struct domains *domains = domains_new_told();
	struct event *event = NULL;
	struct world world;
	struct text name;

	begin(&world);
	record_call(&world, event_id("setuid"), 0);
	domains_tell(domains, TEXT("api.test"), &address, 1);
	recorders_add_domains(world.recorders, domains);
	record_call(&world, event_id("setuid"), 0);
	recorders_add_domains(world.recorders, NULL);
	record_call(&world, event_id("setuid"), 0);
	end_recording(&world);
	domains_free(domains);

	CHECK_NUMBER(open_replay(&world, NULL), 0);
	CHECK_NUMBER(next(&world, &event, NULL), 1);
	CHECK_NUMBER(domains_of(event->domains, &address, &name, 1), 0);
	CHECK_NUMBER(next(&world, &event, NULL), 1);
	CHECK_NUMBER(domains_of(event->domains, &address, &name, 1), 1);
	CHECK(text_is(name, "api.test"));
	CHECK_NUMBER(next(&world, &event, NULL), 1);
	CHECK_NUMBER(domains_of(event->domains, &address, &name, 1), 0);
	end_replay(&world);
}

TEST(two_recorders_of_one_stream_have_what_came_while_they_were_there)
{
	struct world world;
	struct event *event = NULL;
	struct recorder *late;
	char path[] = "/tmp/tercel-recording-XXXXXX";
	int fd = mkstemp(path);

	begin(&world);
	record_call(&world, event_id("setuid"), 0);
	CHECK_NUMBER(recorder_new(path, 0, &late, NULL), 0);
	CHECK_NUMBER(recorders_join(world.recorders, late), 0);
	recorders_add_state(world.recorders, late);
	record_call(&world, event_id("chroot"), 0);
	recorders_leave(world.recorders, late, 0);
	record_call(&world, event_id("setgid"), 0);
	CHECK_NUMBER(recorder_records(late), 1);
	CHECK_NUMBER(recorder_records(world.recorder), 3);
	CHECK_NUMBER(recorder_close(late, NULL), 0);
	end_recording(&world);

	unlink(world.path);
	snprintf(world.path, sizeof(world.path), "%s", path);
	CHECK_NUMBER(open_replay(&world, NULL), 0);
	CHECK_NUMBER(next(&world, &event, NULL), 1);
	CHECK_TEXT(event->type->name, "chroot");
	CHECK_NUMBER(event->process->pid, getpid());
	CHECK(event->process->exe_path.length > 0);
	CHECK_NUMBER(next(&world, &event, NULL), -ECANCELED);
	end_replay(&world);
	close(fd);
}

TEST(metadata_come_back_as_they_were)
{
	struct metadata *metadata = metadata_new("docker"), *again;
	struct content content;
	struct buffer bytes;
	bool was_partial = true;

	metadata->name = keep_text(&metadata->kept, TEXT("web"));
	metadata->image = keep_text(&metadata->kept, TEXT("nginx:1"));
	metadata->tag = keep_text(&metadata->kept, TEXT("1"));
	metadata->is_privileged = YES;
	metadata->started_ns = 12;
	labels_add(&metadata->labels, &metadata->kept, TEXT("app"), TEXT("shop"));
	metadata_add_mount(metadata,
		&(struct mount){
			.source = TEXT("/a"), .destination = TEXT("/b"), .is_writable = true });
	metadata_finish(metadata);
	buffer_init(&bytes, BLOCK_MAX);
	put_metadata(&bytes, metadata);
	content = (struct content){ bytes.data, bytes.data + bytes.length, false };
	again = get_metadata(&content, &was_partial);
	CHECK(again != NULL);
	CHECK(!was_partial && content.at == content.end);
	CHECK_TEXT(again->name.data, "web");
	CHECK_TEXT(again->image.data, "nginx:1");
	CHECK_TEXT(again->tag.data, "1");
	CHECK(!again->digest.data);
	CHECK_NUMBER(again->is_privileged, YES);
	CHECK_NUMBER(again->host_pid, NOT_KNOWN);
	CHECK_NUMBER(again->started_ns, 12);
	CHECK_TEXT(again->labels_text.data, "app:shop");
	CHECK_TEXT(again->mounts_text.data, metadata->mounts_text.data);
	metadata_release(again);
	for (size_t length = 0; length < bytes.length; length++) {
		content = (struct content){ bytes.data, bytes.data + length, false };
		again = get_metadata(&content, &was_partial);
		CHECK(!again);
		metadata_release(again);
	}
	metadata_release(metadata);
	buffer_done(&bytes);
}

/* The file's bytes from `at` on become these. */
static void change(const struct world *world, long at, const void *bytes, size_t size)
{
	_cleanup_(fclosep) FILE *file = fopen(world->path, "r+");

	fseek(file, at, at < 0 ? SEEK_END : SEEK_SET);
	fwrite(bytes, 1, size, file);
}

static void make_recording(struct world *world)
{
	begin(world);
	record_call(world, event_id("setuid"), 0);
	end_recording(world);
}

/* Replays to the end, which is an error that says `words`. */
static void check_refused(struct world *world, const char *words)
{
	struct event *event;
	struct error err = { 0 };
	int r = open_replay(world, &err);

	while (r >= 0)
		r = next(world, &event, &err);
	CHECK(r == -EBADMSG || r == -ENOTSUP);
	if (!strstr(err.message, words))
		CHECK_TEXT(err.message, words);
	end_replay(world);
}

TEST(files_that_are_none_are_refused_with_what_they_are)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *words;
	} cases[] = {
		{ "\x0a\x0d\x0d\x0a", 4, "scap capture" },
		{ "\x1f\x8b", 2, "scap capture" },
		{ "TERCEL\n\n", 8, "is no recording" },
		{ "TERCEL\r\n\x63", 9, "recording of version 99" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct world world;

		make_recording(&world);
		change(&world, 0, cases[i].bytes, cases[i].size);
		check_refused(&world, cases[i].words);
	}
}

TEST(a_recording_that_was_cut_off_says_so_wherever_it_was_cut)
{
	struct world world;
	long size;
	FILE *file;

	make_recording(&world);
	file = fopen(world.path, "r");
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	fclose(file);
	end_replay(&world);
	for (long length = 16; length < size; length += length < 200 ? 1 : 997) {
		make_recording(&world);
		CHECK_NUMBER(truncate(world.path, length), 0);
		check_refused(&world, "the recording was not ended");
	}
}

TEST(a_changed_byte_is_found_by_the_checksum)
{
	struct world world;

	make_recording(&world);
	change(&world, sizeof(struct recording_header) + sizeof(struct block_header) + 40, "!", 1);
	check_refused(&world, "its checksum is wrong");
}

static void add_block(FILE *file, enum block_kind kind, struct buffer *items)
{
	struct block_header block = { .kind = kind,
		.length = (uint32_t)items->length,
		.checksum = (uint32_t)crc32(0, (const Bytef *)items->data, (uInt)items->length) };

	fwrite(&block, 1, sizeof(block), file);
	fwrite(items->data, 1, items->length, file);
	buffer_clear(items);
}

static void add_item(struct buffer *items, enum item_kind kind, const void *data, size_t size)
{
	struct item_header header = { .kind = (uint16_t)kind, .padding = (uint16_t)(-size & 7) };

	header.size = (uint32_t)(sizeof(header) + size + header.padding);
	buffer_add(items, &header, sizeof(header));
	buffer_add(items, data, size);
	buffer_add(items, "\0\0\0\0\0\0\0", header.padding);
}

#define DOCKER_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void add_call_in_container(struct buffer *items)
{
	struct process facts = { .pid = 77,
		.cgroup = TEXT("/system.slice/docker-" DOCKER_ID ".scope") };
	struct call_record record = { .header = { .size = sizeof(record),
					      .kind = RECORD_CALL,
					      .pid = 77,
					      .tid = 77,
					      .start_ns = 50000000 } };
	struct buffer process;

	buffer_init(&process, BLOCK_MAX);
	put_process(&process, &facts, 5);
	add_item(items, ITEM_EVENTS, "\6\0\0\0setuid", 10);
	add_item(items, ITEM_PROCESS, process.data, process.length);
	add_item(items, ITEM_RECORD, &record, sizeof(record));
	buffer_done(&process);
}

static void add_metadata(FILE *file, struct buffer *items, const char *name, bool is_partial)
{
	struct metadata *metadata = metadata_new("docker");
	struct buffer state;

	buffer_init(&state, BLOCK_MAX);
	metadata->name = keep_text(&metadata->kept, text_of(name));
	metadata->is_partial = is_partial;
	put_number(&state, CONTAINER_DOCKER);
	put_text(&state, TEXT(DOCKER_ID));
	put_metadata(&state, metadata);
	add_item(items, ITEM_METADATA, state.data, state.length);
	add_block(file, BLOCK_STATE, items);
	metadata_release(metadata);
	buffer_done(&state);
}

TEST(metadata_that_came_later_are_there_from_the_first_event_on)
{
	struct recording_header header = {
		.magic = RECORDING_MAGIC, .version = RECORDING_VERSION, .wire_version = WIRE_VERSION
	};
	struct world world = { .path = "/tmp/tercel-recording-XXXXXX" };
	FILE *file = fdopen(mkstemp(world.path), "w");
	struct event *event = NULL;
	struct error err = { 0 };
	struct buffer items;

	buffer_init(&items, BLOCK_MAX);
	fwrite(&header, 1, sizeof(header), file);
	add_call_in_container(&items);
	add_block(file, BLOCK_STREAM, &items);
	add_metadata(file, &items, "half", true);
	add_metadata(file, &items, "web", false);
	add_item(&items, ITEM_END, "", 0);
	add_block(file, BLOCK_END, &items);
	fclose(file);
	CHECK_NUMBER(open_replay(&world, &err), 0);
	CHECK_NUMBER(next(&world, &event, &err), 1);
	CHECK_TEXT(err.message, "");
	CHECK_TEXT(event->type->name, "setuid");
	CHECK_NUMBER(event->container->kind, CONTAINER_DOCKER);
	CHECK_NUMBER(event->container->state, METADATA_KNOWN);
	CHECK_TEXT(event->container->name.data, "web");
	CHECK_NUMBER(next(&world, &event, &err), -ECANCELED);
	end_replay(&world);
	buffer_done(&items);
}

/* A file of one block with a right checksum around these items. */
static void check_made_up(enum block_kind kind, const void *items, size_t size, const char *words)
{
	struct recording_header header = {
		.magic = RECORDING_MAGIC, .version = RECORDING_VERSION, .wire_version = WIRE_VERSION
	};
	struct block_header block = { .kind = kind,
		.length = (uint32_t)size,
		.checksum = (uint32_t)crc32(0, items, (uInt)size) };
	struct world world = { .path = "/tmp/tercel-recording-XXXXXX" };
	FILE *file = fdopen(mkstemp(world.path), "w");

	fwrite(&header, 1, sizeof(header), file);
	fwrite(&block, 1, sizeof(block), file);
	fwrite(items, 1, size, file);
	fclose(file);
	check_refused(&world, words);
}

TEST(made_up_items_are_refused)
{
	static const struct item_header too_long = { 64, ITEM_RECORD, 0 },
					odd = { 9, ITEM_RECORD, 0 },
					too_small = { 0, ITEM_RECORD, 0 },
					padded = { 8, ITEM_RECORD, 7 },
					no_record = { 8, ITEM_RECORD, 0 },
					no_process = { 8, ITEM_PROCESS, 0 },
					no_names = { 8, ITEM_NAMES, 0 },
					no_metadata = { 8, ITEM_METADATA, 0 },
					no_domains = { 8, ITEM_DOMAINS, 0 };

	check_made_up(BLOCK_STREAM, &too_long, 8, "item of an impossible size");
	check_made_up(BLOCK_STREAM, &odd, 8, "item of an impossible size");
	check_made_up(BLOCK_STREAM, &too_small, 8, "item of an impossible size");
	check_made_up(BLOCK_STREAM, &padded, 8, "item of an impossible size");
	check_made_up(BLOCK_STREAM, &no_record, 8, "record that is none");
	check_made_up(BLOCK_STREAM, &no_process, 8, "process that is no whole one");
	check_made_up(BLOCK_STREAM, &no_domains, 8, "domain names that are none");
	check_made_up(BLOCK_STATE, &no_names, 8, "names that are none");
	check_made_up(BLOCK_STATE, &no_metadata, 8, "metadata that are none");
	check_made_up((enum block_kind)9, &no_record, 8, "kind that does not exist");
}

TEST(a_recording_ends_at_its_limit_and_is_whole)
{
	struct world world;
	struct event *event;
	struct error err = { 0 };
	int r, count = 0;

	begin(&world);
	recorders_leave_all(world.recorders, 0);
	recorder_close(TAKE(world.recorder), NULL);
	CHECK_NUMBER(recorder_new(world.path, 300000, &world.recorder, NULL), 0);
	CHECK_NUMBER(recorders_join(world.recorders, world.recorder), 0);
	for (int i = 0; i < 3000; i++)
		record_call(&world, event_id("setuid"), 0);
	end_recording(&world);
	CHECK_NUMBER(open_replay(&world, &err), 0);
	while ((r = next(&world, &event, &err)) == 1)
		count++;
	CHECK_NUMBER(r, -ECANCELED);
	CHECK(count > 500 && count < 3000);
	end_replay(&world);
}
