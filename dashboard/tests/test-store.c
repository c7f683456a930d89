/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/memory.h"
#include "dashboard/day-file.h"
#include "dashboard/store.h"
#include "tests/test.h"

#define NOON (1795521600 * NS_PER_SECOND) /* 2026-11-24T12:00:00Z */

/* What a store believes the time to be. */
static _Atomic int64_t test_now = NOON;

static int64_t now_of_test(void)
{
	return test_now;
}

struct fixture {
	char folder[64];
	struct store *store;
	struct store_reader *reader;
};

static struct store_options options_of(const struct fixture *fixture)
{
	return (struct store_options){ .folder = fixture->folder, .now_ns = now_of_test };
}

static void open_store(struct fixture *fixture, struct store_options options)
{
	struct error err = { 0 };

	options.folder = fixture->folder;
	options.now_ns = now_of_test;
	CHECK_NUMBER(store_open(&options, &fixture->store, &err), 0);
	if (!fixture->store)
		printf("# %s\n", err.message);
	fixture->reader = store_reader_new(fixture->store);
}

static void begin(struct fixture *fixture, struct store_options options)
{
	test_now = NOON;
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/tercel-store-XXXXXX");
	CHECK(mkdtemp(fixture->folder) != NULL);
	open_store(fixture, options);
}

static void close_store(struct fixture *fixture)
{
	store_reader_free(fixture->reader);
	store_close(fixture->store);
}

static int count_files(const char *folder, const char *ending, bool removes)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(dir))) {
		_cleanup_(freep) char *path = string_printf("%s/%s", folder, entry->d_name);

		count += text_ends_with(text_of(entry->d_name), text_of(ending));
		if (removes)
			unlink(path);
	}
	closedir(dir);
	return count;
}

static void end(struct fixture *fixture)
{
	close_store(fixture);
	count_files(fixture->folder, "", true);
	rmdir(fixture->folder);
}

/* A waiting sender. */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t is_done;
	int left, error;
};

static void on_done(struct store_add *add, int error)
{
	struct waiter *waiter = add->context;

	store_add_free(add);
	pthread_mutex_lock(&waiter->lock);
	waiter->left--;
	waiter->error = error ? error : waiter->error;
	pthread_cond_signal(&waiter->is_done);
	pthread_mutex_unlock(&waiter->lock);
}

struct sample {
	int64_t time_ns;
	enum priority priority;
	int rule, host, container, tag;
};

static struct alert *make_alert(const struct sample *sample, int number)
{
	struct alert *alert = alert_new();
	char text[256];

	uuid_make(alert->uuid);
	snprintf(text, sizeof(text), "Alert number %d of rule-%d, needle%03d", number, sample->rule,
		number % 1000);
	alert->output = string_copy(text);
	alert->priority = sample->priority;
	alert->rule = string_printf("rule-%d", sample->rule);
	alert->time_ns = sample->time_ns;
	alert->source = string_copy("syscall");
	alert->hostname = string_printf("host-%d", sample->host);
	alert->fields = json_object_new_object();
	snprintf(text, sizeof(text), "c%d", sample->container);
	json_object_object_add(alert->fields, "container.id", json_object_new_string(text));
	json_object_object_add(alert->fields, "evt.num", json_object_new_int64(number));
	snprintf(text, sizeof(text), "tag-%d", sample->tag);
	alert_add_tag(alert, text);
	alert_add_tag(alert, "common");
	return alert;
}

static int add_alerts(struct store *store, struct alert **alerts, int count)
{
	struct waiter waiter = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, count, 0 };

	for (int i = 0; i < count; i++) {
		struct store_add *add = store_add_new(1);

		store_event_init(&add->events[0], alerts[i]);
		add->done = on_done;
		add->context = &waiter;
		CHECK_NUMBER(store_add(store, add), 0);
	}
	pthread_mutex_lock(&waiter.lock);
	while (waiter.left)
		pthread_cond_wait(&waiter.is_done, &waiter.lock);
	pthread_mutex_unlock(&waiter.lock);
	return waiter.error;
}

static void add_samples(struct store *store, const struct sample *samples, int count)
{
	struct alert **alerts = NEW_ARRAY(struct alert *, count);

	for (int i = 0; i < count; i++)
		alerts[i] = make_alert(&samples[i], i);
	CHECK_NUMBER(add_alerts(store, alerts, count), 0);
	for (int i = 0; i < count; i++)
		alert_free(alerts[i]);
	free(alerts);
}

static struct filter *filter_of(const char *query)
{
	struct filter *filter = NULL;
	size_t column;

	CHECK_NUMBER(filter_parse(text_of(query), &filter, &column, NULL), 0);
	return filter;
}

static struct store_page list(struct fixture *fixture, const char *query, int64_t from, int64_t to,
	struct store_cursor cursor, size_t limit)
{
	_cleanup_(filter_freep) struct filter *filter = filter_of(query);
	struct store_scope scope = { filter, from, to, 0 };
	struct store_page page = { 0 };
	struct error err = { 0 };

	CHECK_NUMBER(store_list(fixture->reader, &scope, &cursor, limit, &page, &err), 0);
	if (err.code)
		printf("# %s\n", err.message);
	return page;
}

static uint64_t count(struct fixture *fixture, const char *query)
{
	struct store_page page =
		list(fixture, query, INT64_MIN, INT64_MAX, (struct store_cursor){ 0 }, 1);
	uint64_t total = page.total;

	CHECK(page.extent.is_exact);
	store_page_done(&page);
	return total;
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static struct sample *random_samples(int count, uint32_t seed)
{
	struct sample *samples = NEW_ARRAY(struct sample, count);
	uint32_t random = seed;

	for (int i = 0; i < count; i++)
		samples[i] = (struct sample){
			/* Three hours, out of order, a tenth on whole minutes and hours. */
			.time_ns =
				NOON - (int64_t)(next_random(&random) % 10800) * NS_PER_SECOND -
				(next_random(&random) % 10 ? next_random(&random) % 1000000000 : 0),
			.priority = (enum priority)(next_random(&random) % PRIORITY_NONE),
			.rule = (int)(next_random(&random) % 7),
			.host = (int)(next_random(&random) % 3),
			.container = (int)(next_random(&random) % 20),
			.tag = (int)(next_random(&random) % 4),
		};
	return samples;
}

TEST(what_was_acknowledged_is_there_after_opening_again)
{
	struct sample sample = { NOON - 5, PRIORITY_NOTICE, 1, 1, 1, 1 };
	struct alert *alert = make_alert(&sample, 7);
	struct store_row row = { 0 };
	struct fixture fixture;
	struct buffer json;

	begin(&fixture, (struct store_options){ 0 });
	CHECK_NUMBER(add_alerts(fixture.store, &alert, 1), 0);
	close_store(&fixture);
	open_store(&fixture, (struct store_options){ 0 });
	CHECK_NUMBER(store_find(fixture.reader, alert->uuid, &row, NULL), 0);
	buffer_init(&json, ALERT_MAX);
	alert_write(alert, &json);
	CHECK_TEXT(row.json, json.data);
	CHECK_NUMBER(row.time_ns, NOON - 5);
	CHECK_NUMBER(store_find(fixture.reader, "4fa05d1e-0c6a-4a0c-9d1c-1f1c4d4c0001", &row, NULL),
		-ENOENT);
	free(row.json);
	buffer_done(&json);
	alert_free(alert);
	end(&fixture);
}

TEST(an_alert_that_comes_again_is_kept_once)
{
	struct sample sample = { NOON, PRIORITY_NOTICE, 1, 1, 1, 1 };
	struct alert *alerts[3] = { make_alert(&sample, 1) };
	struct fixture fixture;

	alerts[1] = alerts[2] = alerts[0];
	begin(&fixture, (struct store_options){ 0 });
	CHECK_NUMBER(add_alerts(fixture.store, alerts, 3), 0);
	CHECK_NUMBER(count(&fixture, ""), 1);
	/* Also when it comes again after midnight, into the next file. */
	test_now += 86400 * NS_PER_SECOND;
	CHECK_NUMBER(add_alerts(fixture.store, alerts, 1), 0);
	CHECK_NUMBER(count(&fixture, ""), 1);
	CHECK_NUMBER(count_files(fixture.folder, ".db", false), 2);
	alert_free(alerts[0]);
	end(&fixture);
}

TEST(nothing_acknowledged_is_lost_when_the_process_is_killed)
{
	struct fixture fixture;
	int pipes[2], acknowledged = 0;
	pid_t child;
	char byte;

	begin(&fixture, (struct store_options){ 0 });
	close_store(&fixture);
	CHECK_NUMBER(pipe2(pipes, O_CLOEXEC), 0);
	child = fork();
	if (!child) {
		/* Stores for ever; says so after each acknowledgement. */
		open_store(&fixture, (struct store_options){ 0 });
		for (int i = 0;; i++) {
			struct sample sample = { NOON + i, PRIORITY_ERROR, i % 3, 1, 1, 1 };

			add_samples(fixture.store, &sample, 1);
			(void)!write(pipes[1], "x", 1);
		}
	}
	close(pipes[1]);
	while (acknowledged < 300 && read(pipes[0], &byte, 1) == 1)
		acknowledged++;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	while (read(pipes[0], &byte, 1) == 1)
		acknowledged++;
	close(pipes[0]);

	open_store(&fixture, (struct store_options){ 0 });
	CHECK(count(&fixture, "") >= (uint64_t)acknowledged);
	CHECK(acknowledged >= 300);
	/* The counts and the alerts tell the same. */
	CHECK_NUMBER(count(&fixture, "-nosuchword"), count(&fixture, ""));
	CHECK_NUMBER(count(&fixture, "rule:rule-1 -nosuchword"), count(&fixture, "rule:rule-1"));
	end(&fixture);
}

static uint64_t cell_of(const struct tally *tally, int64_t bucket_ns, const char *key)
{
	for (const struct tally_cell *cell = tally->cells; cell; cell = cell->hh.next)
		if (cell->bucket_ns == bucket_ns && !strcmp(cell->key, key))
			return cell->count;
	return 0;
}

static void check_same(const struct tally *got, const struct tally *want)
{
	CHECK_NUMBER(HASH_COUNT(got->cells), HASH_COUNT(want->cells));
	for (const struct tally_cell *cell = want->cells; cell; cell = cell->hh.next)
		CHECK_NUMBER(cell_of(got, cell->bucket_ns, cell->key), cell->count);
}

/* The same question twice: once so that the counts can answer it, once so that they cannot. */
static void check_counts_equal_scan(
	struct fixture *fixture, const char *query, int64_t from, int64_t to)
{
	_cleanup_(freep) char *scanning = string_printf("%s -nosuchword", query);
	_cleanup_(filter_freep) struct filter *fast = filter_of(query), *slow = filter_of(scanning);
	const struct tally shapes[] = {
		{ .by = TALLY_PRIORITY },
		{ .by = TALLY_RULE },
		{ .by = TALLY_PRIORITY, .interval_ns = 10 * NS_PER_MINUTE },
		{ .by = TALLY_PRIORITY, .interval_ns = 7 * NS_PER_SECOND },
		{ .by = TALLY_RULE, .interval_ns = 2 * NS_PER_HOUR },
		{ .by = TALLY_FACET, .facet = FACET_HOSTNAME },
		{ .by = TALLY_FACET, .facet = FACET_CONTAINER },
		{ .by = TALLY_FACET, .facet = FACET_TAG },
	};
	struct tally counted[COUNT_OF(shapes)], scanned[COUNT_OF(shapes)];
	struct store_extent extent;

	memcpy(counted, shapes, sizeof(shapes));
	memcpy(scanned, shapes, sizeof(shapes));
	CHECK_NUMBER(store_tally(fixture->reader, &(struct store_scope){ fast, from, to, 0 },
			     counted, COUNT_OF(shapes), &extent, NULL),
		0);
	CHECK(extent.is_exact);
	CHECK_NUMBER(store_tally(fixture->reader, &(struct store_scope){ slow, from, to, 0 },
			     scanned, COUNT_OF(shapes), &extent, NULL),
		0);
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		check_same(&counted[i], &scanned[i]);
		tally_done(&counted[i]);
		tally_done(&scanned[i]);
	}
}

static int64_t scanned_for_facets(struct fixture *fixture, const char *query)
{
	_cleanup_(filter_freep) struct filter *filter = filter_of(query);
	struct store_scope scope = { filter, INT64_MIN, INT64_MAX, 0 };
	struct tally tallies[] = { tally_of_field("hostname"), tally_of_field("k8s.pod.name"),
		tally_of_field("tags") };
	struct store_extent extent;

	CHECK_NUMBER(
		store_tally(fixture->reader, &scope, tallies, COUNT_OF(tallies), &extent, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(tallies); i++)
		tally_done(&tallies[i]);
	return extent.scanned;
}

TEST(counts_are_what_a_scan_finds)
{
	enum { COUNT = 3000 };
	static const char *const asked[] = { "", "rule:rule-3", "priority>=error",
		"-rule:rule-1 priority<critical", "rule:nosuchrule" };
	struct sample *samples = random_samples(COUNT, 88172645);
	struct fixture fixture;
	uint32_t random = 12345;

	begin(&fixture, (struct store_options){ .file_events = 700 });
	add_samples(fixture.store, samples, COUNT);
	CHECK(count_files(fixture.folder, ".db", false) > 2);
	for (int i = 0; i < 80; i++) {
		int64_t from = NOON - (int64_t)(next_random(&random) % 12000) * NS_PER_SECOND;
		int64_t to = from + (int64_t)(next_random(&random) % 12000) * NS_PER_SECOND;
		uint64_t want = 0;
		struct store_page page;

		/* From here on files that are full are summed up. */
		if (i == 40)
			store_wait_indexed(fixture.store);
		if (i % 4 == 0)
			from = from / NS_PER_HOUR * NS_PER_HOUR;
		check_counts_equal_scan(&fixture, asked[i % COUNT_OF(asked)], from, to);
		for (int j = 0; j < COUNT; j++)
			want += samples[j].time_ns >= from && samples[j].time_ns < to;
		page = list(&fixture, "", from, to, (struct store_cursor){ 0 }, 1);
		CHECK_NUMBER(page.total, want);
		store_page_done(&page);
	}
	check_counts_equal_scan(&fixture, "", INT64_MIN, INT64_MAX);
	CHECK_NUMBER(scanned_for_facets(&fixture, ""), 0);
	CHECK_NUMBER(scanned_for_facets(&fixture, "-rule:rule-1 priority<critical"), 0);
	CHECK(scanned_for_facets(&fixture, "-nosuchword") > 0);
	free(samples);
	end(&fixture);
}

TEST(words_are_found_with_and_without_the_index)
{
	enum { COUNT = 2000 };
	static const struct {
		const char *query;
		uint64_t count;
	} cases[] = {
		{ "needle007", 2 },
		{ "eedle00", 20 }, /* 000 … 009, twice each */
		{ "\"number 1234 of\"", 1 },
		{ "container.id:c3", 0 }, /* filled in below */
		{ "c3 needle003", 0 },
		{ "ne", COUNT },
		{ "-needle007", COUNT - 2 },
		{ "evt.num:17", 1 },
		{ "NEEDLE007", 2 },
		{ "nowhere", 0 },
		{ "uuid:4fa05d1e-0c6a-4a0c-9d1c-1f1c4d4c0001", 0 },
		{ "tags:common", COUNT },
		{ "hostname:host-9", 0 },
		{ "needle007 OR needle008", 4 },
		{ "(needle007 OR nowhere) common", 2 },
		{ "needle007 OR tags:common", COUNT },
		{ "-(needle007 OR needle008)", COUNT - 4 },
		{ "\"number 1234 of with far more letters*than are asked of the index\"", 0 },
		{ "evt.num>1990", COUNT - 1991 },
	};
	struct sample *samples = random_samples(COUNT, 5551);
	uint64_t before[COUNT_OF(cases)];
	struct fixture fixture;

	begin(&fixture, (struct store_options){ 0 });
	add_samples(fixture.store, samples, COUNT);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		before[i] = count(&fixture, cases[i].query);
	store_wait_indexed(fixture.store);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (before[i] != count(&fixture, cases[i].query))
			printf("# %s\n", cases[i].query);
		CHECK_NUMBER(count(&fixture, cases[i].query), before[i]);
		if (strncmp(cases[i].query, "c", 1))
			CHECK_NUMBER(before[i], cases[i].count);
	}
	CHECK(before[3] > 0);
	free(samples);
	end(&fixture);
}

static int by_time_down(const void *a, const void *b)
{
	const struct sample *left = a, *right = b;

	return left->time_ns < right->time_ns ? 1 : left->time_ns > right->time_ns ? -1 : 0;
}

/* Reads all pages; the times must be those of the samples in falling order. */
static void check_pages(
	struct fixture *fixture, const char *query, const struct sample *samples, int count)
{
	struct store_cursor cursor = { 0 };
	int at = 0;

	for (;;) {
		struct store_page page = list(fixture, query, INT64_MIN, INT64_MAX, cursor, 77);
		bool has_more = page.has_more;

		CHECK_NUMBER(page.total, count);
		for (size_t i = 0; i < page.count && at < count; i++)
			CHECK_NUMBER(page.rows[i].time_ns, samples[at++].time_ns);
		if (page.count)
			cursor = (struct store_cursor){ page.rows[page.count - 1].time_ns,
				page.rows[page.count - 1].id };
		store_page_done(&page);
		if (!has_more)
			break;
	}
	CHECK_NUMBER(at, count);
}

TEST(pages_go_through_all_alerts_newest_first)
{
	enum { COUNT = 1500 };
	struct sample *samples = random_samples(COUNT, 99);
	struct fixture fixture;

	begin(&fixture, (struct store_options){ .file_events = 400 });
	add_samples(fixture.store, samples, COUNT);
	store_wait_indexed(fixture.store);
	qsort(samples, COUNT, sizeof(*samples), by_time_down);
	check_pages(&fixture, "", samples, COUNT);
	check_pages(&fixture, "common", samples, COUNT);
	check_pages(&fixture, "-nosuchword", samples, COUNT);
	free(samples);
	end(&fixture);
}

TEST(what_arrived_after_an_id_comes_in_order)
{
	struct sample *samples = random_samples(500, 7);
	struct store_page page;
	struct fixture fixture;

	begin(&fixture, (struct store_options){ .file_events = 100 });
	add_samples(fixture.store, samples, 500);
	CHECK_NUMBER(store_after(fixture.reader, 150, 200, &page, NULL), 0);
	CHECK_NUMBER(page.count, 200);
	for (size_t i = 0; i < page.count; i++)
		CHECK_NUMBER(page.rows[i].id, 151 + i);
	store_page_done(&page);
	free(samples);
	end(&fixture);
}

TEST(old_files_are_dropped_by_age)
{
	struct sample sample = { NOON, PRIORITY_ERROR, 1, 1, 1, 1 };
	struct store_options options = { .keep_ms = 3 * 86400 * INT64_C(1000) };
	struct fixture fixture;

	begin(&fixture, options);
	for (int i = 0; i < 6; i++) {
		sample.time_ns = test_now;
		add_samples(fixture.store, &sample, 1);
		test_now += 86400 * NS_PER_SECOND;
	}
	/* Only what is younger than three days is shown, whatever files are there. */
	CHECK_NUMBER(count(&fixture, ""), 3);
	close_store(&fixture);
	open_store(&fixture, options);
	CHECK(count_files(fixture.folder, ".db", false) <= 5);
	CHECK_NUMBER(count(&fixture, ""), 3);
	end(&fixture);
}

TEST(old_files_are_dropped_by_size)
{
	struct sample *samples = random_samples(3000, 5);
	struct store_options options = { .keep_bytes = 1 << 20, .file_events = 500 };
	struct fixture fixture;
	struct store_status status;

	begin(&fixture, options);
	add_samples(fixture.store, samples, 3000);
	store_wait_indexed(fixture.store);
	close_store(&fixture);
	open_store(&fixture, options);
	store_status(fixture.store, &status);
	CHECK(status.events < 3000);
	CHECK(status.events > 0);
	CHECK(status.bytes < 2 << 20);
	CHECK_NUMBER(count(&fixture, ""), status.events);
	free(samples);
	end(&fixture);
}

/* A file as the first version made it, with one alert and a full-text index. */
static void make_old_file(const char *path)
{
	static const char insert[] =
		"INSERT INTO words (id, text) VALUES (1, 'rule-1'), (2, 'syscall'), (3, 'host-1'), "
		"(4, 'common');"
		"INSERT INTO events VALUES (1, 1795521600000000000, "
		"x'4fa05d1e0c6a4a0c9d1c1f1c4d4c0001', 4, 1, 2, 3, 4, "
		"'{\"uuid\":\"4fa05d1e-0c6a-4a0c-9d1c-1f1c4d4c0001\",\"output\":\"an old "
		"haystack\",\"priority\":\"Warning\",\"rule\":\"rule-1\",\"time\":\"2026-11-"
		"24T12:00:00Z\",\"source\":\"syscall\",\"hostname\":\"host-1\"}');"
		"INSERT INTO minute_counts VALUES (29925360, 4, 1, 1);"
		"INSERT INTO search (rowid, text) VALUES (1, 'an old haystack');"
		"UPDATE meta SET value = 1 WHERE key = 'indexed'";
	sqlite3 *db = NULL;

	CHECK_NUMBER(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_NUMBER(sqlite3_exec(db, schema_scripts[0], NULL, NULL, NULL), SQLITE_OK);
	CHECK_NUMBER(sqlite3_exec(db, insert, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

TEST(a_file_of_an_older_version_is_brought_on)
{
	struct fixture fixture;
	_cleanup_(freep) char *path = NULL;
	sqlite3 *db = NULL;

	begin(&fixture, (struct store_options){ 0 });
	close_store(&fixture);
	count_files(fixture.folder, "", true);
	path = string_printf("%s/events-2026-11-23.db", fixture.folder);
	make_old_file(path);
	open_store(&fixture, (struct store_options){ 0 });
	CHECK_NUMBER(count(&fixture, "haystack"), 1);
	CHECK_NUMBER(count(&fixture, "needle"), 0);
	store_wait_indexed(fixture.store);
	CHECK_NUMBER(count(&fixture, "haystack"), 1);
	CHECK_NUMBER(count(&fixture, "priority:warning"), 1);
	close_store(&fixture);

	CHECK_NUMBER(sqlite3_open(path, &db), SQLITE_OK);
	CHECK(sqlite3_exec(db, "SELECT * FROM search", NULL, NULL, NULL) != SQLITE_OK);
	CHECK_NUMBER(sqlite3_exec(db, "SELECT * FROM blocks", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	open_store(&fixture, (struct store_options){ 0 });
	end(&fixture);
}

TEST(a_damaged_day_is_set_aside_and_the_others_stay)
{
	struct sample sample = { NOON, PRIORITY_ERROR, 1, 1, 1, 1 };
	_cleanup_(freep) char *path = NULL, *aside = NULL;
	struct fixture fixture;
	struct stat status;
	int fd;

	begin(&fixture, (struct store_options){ 0 });
	add_samples(fixture.store, &sample, 1);
	test_now += 86400 * NS_PER_SECOND;
	add_samples(fixture.store, &sample, 1);
	close_store(&fixture);

	path = string_printf("%s/events-2026-11-24.db", fixture.folder);
	aside = string_printf("%s.damaged", path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK_NUMBER(write(fd, "this is no database at all", 26), 26);
	close(fd);
	log_set_level((enum log_level) - 1);
	open_store(&fixture, (struct store_options){ 0 });
	CHECK_NUMBER(count(&fixture, ""), 1);
	CHECK_NUMBER(stat(aside, &status), 0);
	add_samples(fixture.store, &sample, 1);
	CHECK_NUMBER(count(&fixture, ""), 2);
	end(&fixture);
}

/* Overwrites all pages but the first few, which opening needs. */
static void damage_pages(const char *path)
{
	char garbage[4096];
	struct stat status;
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	memset(garbage, 0x5a, sizeof(garbage));
	CHECK_NUMBER(fstat(fd, &status), 0);
	for (off_t at = 20 * 4096; at < status.st_size; at += 4096)
		CHECK_NUMBER(pwrite(fd, garbage, sizeof(garbage), at), sizeof(garbage));
	close(fd);
}

TEST(damage_that_a_reader_finds_takes_only_its_own_day_away)
{
	_cleanup_(freep) char *path = NULL;
	struct sample *samples = random_samples(600, 3);
	struct fixture fixture;
	struct store_page page;

	begin(&fixture, (struct store_options){ 0 });
	add_samples(fixture.store, samples, 600);
	store_wait_indexed(fixture.store);
	test_now += 86400 * NS_PER_SECOND;
	add_samples(fixture.store, samples, 10);
	store_wait_indexed(fixture.store);
	close_store(&fixture);
	path = string_printf("%s/events-2026-11-24.db", fixture.folder);
	damage_pages(path);

	log_set_level((enum log_level) - 1);
	open_store(&fixture, (struct store_options){ 0 });
	page = list(
		&fixture, "-nosuchword", INT64_MIN, INT64_MAX, (struct store_cursor){ 0 }, 1000);
	CHECK(page.count >= 10);
	store_page_done(&page);
	/* Set aside by the store's thread, at the latest when it ends. */
	close_store(&fixture);
	CHECK_NUMBER(count_files(fixture.folder, ".damaged", false), 1);
	open_store(&fixture, (struct store_options){ 0 });
	CHECK_NUMBER(count(&fixture, ""), 10);
	free(samples);
	end(&fixture);
}

TEST(a_folder_has_one_store)
{
	struct fixture fixture;
	struct store_options options;
	struct store *second = NULL;
	struct error err = { 0 };

	begin(&fixture, (struct store_options){ 0 });
	options = options_of(&fixture);
	CHECK_NUMBER(store_open(&options, &second, &err), -EBUSY);
	CHECK(strstr(err.message, "is in use by another dashboard") != NULL);
	end(&fixture);
}

TEST(every_query_has_a_plan_with_an_index)
{
	char folder[] = "/tmp/tercel-plan-XXXXXX";
	_cleanup_(freep) char *path = NULL;
	struct day_file *file = NULL;
	sqlite3 *db = NULL;

	CHECK(mkdtemp(folder) != NULL);
	path = string_printf("%s/plan.db", folder);
	CHECK_NUMBER(day_file_open(path, true, &file, NULL), 0);
	day_file_free(file);
	CHECK_NUMBER(sqlite3_open(path, &db), SQLITE_OK);
	for (int query = 0; query < QUERY_COUNT; query++) {
		_cleanup_(freep) char *sql =
			string_printf("EXPLAIN QUERY PLAN %s", queries[query].sql);
		sqlite3_stmt *statement = NULL;

		/* What sums a file up reads all of it, once. */
		if (text_ends_with(text_of(queries[query].name), TEXT("-make")))
			continue;
		CHECK_NUMBER(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
		while (sqlite3_step(statement) == SQLITE_ROW) {
			struct text detail =
				text_of((const char *)sqlite3_column_text(statement, 3));
			/* A virtual table's scan is its index's. */
			bool is_bare = text_starts_with(detail, TEXT("SCAN")) &&
				       !text_contains(detail, TEXT("VIRTUAL TABLE INDEX")) &&
				       !text_is(detail, "SCAN CONSTANT ROW");
			bool sorts = text_contains(detail, TEXT("ORDER BY"));

			if (is_bare || sorts)
				printf("# %s: " TEXT_FORMAT "\n", queries[query].name,
					TEXT_PRINT(detail));
			CHECK(!is_bare && !sorts);
		}
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
	count_files(folder, "", true);
	rmdir(folder);
}

/* What only SQLite knows, and what ClickHouse gives another meaning: its "/" makes fractions. */
TEST(a_query_that_reads_is_sql_that_clickhouse_speaks_too)
{
	static const char *const particular[] = { "INSERT", "REPLACE", "UPDATE", "CONFLICT",
		"rowid", "PRAGMA", "MATCH", "GLOB", "IFNULL", "strftime", "json_", "CAST", "||",
		" / " };
	int count = 0;

	for (int query = 0; query < QUERY_COUNT; query++) {
		if (!text_starts_with(text_of(queries[query].used_by), TEXT("GET ")))
			continue;
		count++;
		for (size_t i = 0; i < COUNT_OF(particular); i++) {
			bool is_there =
				text_contains(text_of(queries[query].sql), text_of(particular[i]));

			if (is_there)
				printf("# %s: %s\n", queries[query].name, particular[i]);
			CHECK(!is_there);
		}
	}
	CHECK(count > 8);
}
