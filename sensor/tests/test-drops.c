/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/memory.h"
#include "sensor/drops.h"
#include "sensor/internal.h"
#include "sensor/watch.h"
#include "tests/test.h"

static const struct drop_settings tenth = {
	.threshold = .1, .rate = .5, .burst = 2, .actions = DROP_LOG | DROP_ALERT
};

static unsigned look(struct drop_watch *watch, uint64_t calls, uint64_t dropped, int64_t ms)
{
	const struct source_counters now = { .kernel_calls = calls, .dropped = dropped };
	struct source_counters lost;

	return drop_watch_look(watch, &tenth, &now, ms, &lost);
}

TEST(losses_up_to_the_threshold_are_let_be)
{
	struct drop_watch watch = {};

	CHECK_NUMBER(look(&watch, 100, 10, 1000), 0);
	CHECK_NUMBER(look(&watch, 200, 21, 2000), DROP_LOG | DROP_ALERT);
	CHECK_NUMBER(look(&watch, 300, 21, 3000), 0);
	CHECK_NUMBER(watch.detected, 1);
}

TEST(actions_come_in_a_burst_and_then_at_their_rate)
{
	struct drop_watch watch = {};
	unsigned acted = 0;

	for (int64_t second = 1; second <= 10; second++)
		acted += look(&watch, second * 100, second * 50, second * 1000) != 0;
	/* Two at once, then one every two seconds. */
	CHECK_NUMBER(acted, 6);
	CHECK_NUMBER(watch.detected, 10);
	CHECK_NUMBER(watch.acted, 6);
}

TEST(losses_are_given_since_the_last_look)
{
	struct source_counters now = { .kernel_calls = 1000,
		.dropped = 500,
		.dropped_by_class = { [DROP_OPEN] = 400, [DROP_PROC] = 100 } },
			       lost;
	struct drop_watch watch = {};

	(void)drop_watch_look(&watch, &tenth, &now, 1000, &lost);
	now.kernel_calls += 10;
	now.dropped += 3;
	now.dropped_by_class[DROP_OPEN] += 3;
	(void)drop_watch_look(&watch, &tenth, &now, 2000, &lost);
	CHECK_NUMBER(lost.events, 10);
	CHECK_NUMBER(lost.dropped, 3);
	CHECK_NUMBER(lost.dropped_by_class[DROP_OPEN], 3);
	CHECK_NUMBER(lost.dropped_by_class[DROP_PROC], 0);
}

static const struct internal_field fields[] = {
	{ .name = "n_evts", .words = "12" },
	{ .name = "free", .kind = FIELD_REAL, .real = 0.5 },
	{ .name = "many", .kind = FIELD_INTEGER, .integer = UINT64_MAX },
};
static const struct internal_message message = {
	.rule = "Falco internal: x",
	.output = "Falco internal: x. \"12\" lost.",
	.priority = PRIORITY_DEBUG,
	.fields = fields,
	.count = COUNT_OF(fields),
	.time_ns = 1622308709082520347,
};
static const struct alert_format format = { .hostname = "node", .uses_utc = true };

TEST(a_message_of_the_sensor_reads_as_falcos_text)
{
	struct buffer out;

	buffer_init(&out, 4096);
	internal_write_text(&message, &format, &out);
	buffer_add_char(&out, '\0');
	CHECK_TEXT(out.data, "17:18:29.082520347: Debug Falco internal: x. \\\"12\\\" lost. "
			     "(free=0.5 many=18446744073709551615 n_evts=\\\"12\\\")");
	buffer_done(&out);
}

TEST(a_message_of_the_sensor_reads_as_falcos_json)
{
	struct buffer out;

	buffer_init(&out, 4096);
	internal_write_json(&message, &format, &out);
	buffer_add_char(&out, '\0');
	CHECK_TEXT(out.data,
		"{\"hostname\":\"node\",\"output\":\"Falco internal: x. \\\"12\\\" lost.\","
		"\"output_fields\":{\"free\":0.5,\"many\":18446744073709551615,\"n_evts\":\"12\"},"
		"\"priority\":\"Debug\",\"rule\":\"Falco internal: x\",\"source\":\"internal\","
		"\"time\":\"2021-05-29T17:18:29.082520347Z\"}");
	buffer_done(&out);
}

/* ---- files that change ---- */

static char *folder_new(void)
{
	char *folder = string_copy("/tmp/tercel-watch-XXXXXX");

	CHECK(mkdtemp(folder));
	return folder;
}

static void write_file(const char *folder, const char *name)
{
	_cleanup_(freep) char *path = string_printf("%s/%s", folder, name);
	_cleanup_(fclosep) FILE *file = fopen(path, "we");

	CHECK(file && fputs("x", file) >= 0);
}

static void remove_all(const char *folder)
{
	_cleanup_(freep) char *command = string_printf("rm -rf %s", folder);

	CHECK_NUMBER(system(command), 0);
}

TEST(changes_of_watched_files_alone_are_seen)
{
	_cleanup_(freep) char *folder = folder_new();
	_cleanup_(freep) char *file = string_printf("%s/falco.yaml", folder);
	_cleanup_(freep) char *other = string_printf("%s/other", folder);
	struct text_list paths = {};
	struct watch *watch = NULL;

	CHECK_NUMBER(watch_new(&watch, NULL), 0);
	text_list_add(&paths, text_of(file));
	watch_set(watch, &paths);
	CHECK(!watch_take(watch));
	write_file(folder, "other");
	CHECK(!watch_take(watch));
	write_file(folder, "falco.yaml");
	CHECK(watch_take(watch));
	CHECK(!watch_take(watch));
	CHECK_NUMBER(rename(other, file), 0);
	CHECK(watch_take(watch));
	/* A change that came before the same paths were set again is not lost. */
	write_file(folder, "falco.yaml");
	watch_set(watch, &paths);
	CHECK(watch_take(watch));
	watch_free(watch);
	text_list_done(&paths);
	remove_all(folder);
}

TEST(rules_in_a_watched_folder_come_and_go)
{
	_cleanup_(freep) char *folder = folder_new();
	_cleanup_(freep) char *file = string_printf("%s/a.yaml", folder);
	struct text_list paths = {};
	struct watch *watch = NULL;

	CHECK_NUMBER(watch_new(&watch, NULL), 0);
	text_list_add(&paths, text_of(folder));
	watch_set(watch, &paths);
	write_file(folder, "notes.txt");
	CHECK(!watch_take(watch));
	write_file(folder, "a.yaml");
	CHECK(watch_take(watch));
	CHECK_NUMBER(remove(file), 0);
	CHECK(watch_take(watch));
	watch_free(watch);
	text_list_done(&paths);
	remove_all(folder);
}
