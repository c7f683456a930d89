/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A carrier that keeps a connection, with a receiver that does as it is told, and a real journal.
 */
#include <errno.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "forwarder/courier.h"
#include "tests/test.h"

#define ALERTS 20

/* What the receiver does with its next calls, and what it has seen; of one test at a time. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const char
		*script; /* a letter a send: . takes, l later, r output refused, a alert refused */
	int refused_opens; /* so many opens fail first */
	int bad;	   /* the alert of this number is always refused; 0: none */
	int opened, closed, sends;
	bool is_open, was_wrong;
	struct buffer taken; /* numbers of what was taken, a blank behind each */
} receiver;

static struct {
	struct output_settings common;
} fake_settings;

static size_t fake_batch(const void *settings)
{
	(void)settings;
	return 4;
}

static void fake_compose(
	const struct messages *messages, const void *settings, struct request *request)
{
	_cleanup_(json_putp) struct json_object *root = NULL;

	(void)settings;
	if (!json_parse(messages->items[0].raw, &root, NULL, NULL))
		buffer_add_text(&request->body, json_get_text(root, "rule"));
}

static int fake_open(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	int r = 0;

	(void)settings;
	(void)trust;
	pthread_mutex_lock(&receiver.lock);
	receiver.was_wrong |= receiver.is_open || timeout_ms < 1 || timeout_ms > 5000;
	if (receiver.refused_opens) {
		receiver.refused_opens--;
		r = error_set(err, -ECONNREFUSED, "nobody\nis there");
	} else {
		receiver.opened++;
		receiver.is_open = true;
		*ret_connection = &receiver;
	}
	pthread_mutex_unlock(&receiver.lock);
	return r;
}

static enum verdict next_verdict(const struct request *requests, size_t count, struct error *err)
{
	char letter = *receiver.script ? *receiver.script++ : '.';

	for (size_t i = 0; i < count; i++)
		if (receiver.bad && atoi(requests[i].body.data) == receiver.bad)
			letter = 'a';
	error_set(err, -EIO, "told to answer %c", letter);
	switch (letter) {
	case 'l':
		return VERDICT_LATER;
	case 'r':
		return VERDICT_OUTPUT_REFUSED;
	case 'a':
		return VERDICT_ALERT_REFUSED;
	default:
		return VERDICT_SENT;
	}
}

static enum verdict fake_send(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	enum verdict verdict;

	(void)connection;
	pthread_mutex_lock(&receiver.lock);
	receiver.sends++;
	receiver.was_wrong |= !receiver.is_open || count > 4 || timeout_ms < 1;
	verdict = next_verdict(requests, count, err);
	for (size_t i = 0; i < count && verdict == VERDICT_SENT; i++)
		buffer_printf(&receiver.taken, "%s ", requests[i].body.data);
	pthread_cond_broadcast(&receiver.changed);
	pthread_mutex_unlock(&receiver.lock);
	return verdict;
}

static void fake_close(void *connection)
{
	(void)connection;
	pthread_mutex_lock(&receiver.lock);
	receiver.closed++;
	receiver.is_open = false;
	pthread_mutex_unlock(&receiver.lock);
}

static const struct output fake = {
	.name = "fake",
	.title = "Fake",
	.batch = fake_batch,
	.compose = fake_compose,
	.open = fake_open,
	.send = fake_send,
	.close = fake_close,
};

static const struct instance fake_instance = {
	.output = &fake,
	.settings = &fake_settings,
	.id = (char *)"fake",
	.key = (char *)"fake",
	.title = (char *)"Fake",
};

/* The journal, the carrier and its thread. */
struct bench {
	char folder[32];
	struct carriage carriage;
	struct carrier *carrier;
	struct courier *courier;
	_Atomic int appended;
};

static void wake(void *context)
{
	struct bench *bench = context;

	courier_wake(bench->courier);
}

static void count_append(struct journal_append *append, int error)
{
	struct bench *bench = append->context;

	bench->appended += error ? 0 : (int)append->count;
	journal_append_free(append);
}

static void bench_open(struct bench *bench, const char *script)
{
	struct journal_options options = { .has_new = wake, .context = bench };
	struct error err = { 0 };

	log_set_level(LOG_LEVEL_ERROR);
	receiver.script = script;
	receiver.refused_opens = receiver.bad = receiver.opened = receiver.closed = 0;
	receiver.sends = 0;
	receiver.is_open = receiver.was_wrong = false;
	pthread_mutex_init(&receiver.lock, NULL);
	pthread_cond_init(&receiver.changed, NULL);
	buffer_init(&receiver.taken, 1 << 16);
	*bench = (struct bench){ .folder = "/tmp/tercel-test-XXXXXX" };
	options.folder = mkdtemp(bench->folder);
	pthread_mutex_init(&bench->carriage.lock, NULL);
	bench->carriage.metrics = metrics_new();
	CHECK_NUMBER(journal_open(&options, &bench->carriage.journal, &err), 0);
	CHECK_NUMBER(carrier_new(&bench->carriage, &fake_instance, &bench->carrier, &err), 0);
	bench->courier = courier_new(bench->carrier, &bench->carriage.stop_ms);
	CHECK_NUMBER(journal_start(bench->carriage.journal, &err), 0);
}

static void bench_append(struct bench *bench, int first, int count)
{
	struct journal_append *append = journal_append_new((size_t)count);

	for (int i = 0; i < count; i++) {
		append->alerts[i].body = string_printf("{\"rule\":\"%d\"}", first + i);
		append->alerts[i].length = strlen(append->alerts[i].body);
	}
	append->done = count_append;
	append->context = bench;
	CHECK_NUMBER(journal_append(bench->carriage.journal, append), 0);
}

static void bench_start(struct bench *bench)
{
	struct error err = { 0 };

	CHECK_NUMBER(courier_start(bench->courier, &err), 0);
}

static int taken_count(void)
{
	int count = 0;

	for (size_t i = 0; i < receiver.taken.length; i++)
		count += receiver.taken.data[i] == ' ';
	return count;
}

static void wait_taken(int count)
{
	struct timespec until = clock_after(CLOCK_REALTIME, 60 * 1000);

	pthread_mutex_lock(&receiver.lock);
	while (taken_count() < count)
		if (pthread_cond_timedwait(&receiver.changed, &receiver.lock, &until))
			break;
	CHECK_NUMBER(taken_count(), count);
	pthread_mutex_unlock(&receiver.lock);
}

static void bench_stop(struct bench *bench, int64_t drain_ms)
{
	bench->carriage.stop_ms = clock_ms(CLOCK_MONOTONIC) + drain_ms;
	courier_wake(bench->courier);
	CHECK(courier_join(bench->courier, clock_ms(CLOCK_MONOTONIC) + 20000));
}

static void bench_close(struct bench *bench)
{
	_cleanup_(freep) char *command = string_printf("rm -r %s", bench->folder);

	journal_close(bench->carriage.journal);
	courier_free(bench->courier);
	carrier_free(bench->carrier);
	metrics_free(bench->carriage.metrics);
	pthread_mutex_destroy(&bench->carriage.lock);
	buffer_done(&receiver.taken);
	CHECK_NUMBER(system(command), 0);
	CHECK(!receiver.was_wrong);
	CHECK_NUMBER(receiver.opened, receiver.closed);
}

/* "1 2 3 … " */
static void check_in_order(int count)
{
	struct buffer want;

	buffer_init(&want, 1 << 16);
	for (int i = 1; i <= count; i++)
		buffer_printf(&want, "%d ", i);
	CHECK_TEXT(receiver.taken.data, want.data);
	buffer_done(&want);
}

TEST(all_goes_in_order_in_batches_over_one_connection)
{
	struct bench bench;

	bench_open(&bench, "");
	bench_append(&bench, 1, ALERTS);
	bench_start(&bench);
	wait_taken(ALERTS);
	bench_append(&bench, ALERTS + 1, ALERTS);
	wait_taken(2 * ALERTS);
	bench_stop(&bench, 60000);
	check_in_order(2 * ALERTS);
	CHECK_NUMBER(receiver.opened, 1);
	bench_close(&bench);
}

TEST(a_failure_closes_the_connection_and_nothing_is_lost)
{
	struct bench bench;

	bench_open(&bench, ".l.r");
	bench_append(&bench, 1, ALERTS);
	bench_start(&bench);
	wait_taken(ALERTS);
	bench_stop(&bench, 60000);
	check_in_order(ALERTS);
	CHECK_NUMBER(receiver.opened, 3);
	CHECK_NUMBER(journal_dead_letters(bench.carriage.journal), 0);
	bench_close(&bench);
}

static void check_state(const struct bench *bench, const char *part)
{
	struct json_writer json;
	struct buffer state;

	buffer_init(&state, 4096);
	json_writer_init(&json, &state);
	carrier_write(bench->carrier, &json);
	if (!strstr(state.data, part))
		CHECK_TEXT(state.data, part);
	buffer_done(&state);
}

TEST(a_receiver_that_is_not_there_is_waited_for)
{
	struct bench bench;

	bench_open(&bench, "");
	receiver.refused_opens = 2;
	bench_append(&bench, 1, ALERTS);
	bench_start(&bench);
	wait_taken(ALERTS);
	bench_stop(&bench, 60000);
	check_in_order(ALERTS);
	check_state(&bench, "\"last_error\":\"nobody is there\"");
	check_state(&bench, "\"state\":\"ok\"");
	bench_close(&bench);
}

TEST(one_refused_alert_of_a_batch_is_a_dead_letter_and_the_others_arrive)
{
	struct bench bench;

	bench_open(&bench, "");
	receiver.bad = 6;
	bench_append(&bench, 1, ALERTS);
	bench_start(&bench);
	wait_taken(ALERTS - 1);
	bench_stop(&bench, 60000);
	CHECK(strstr(receiver.taken.data, "5 7 8 ") != NULL);
	CHECK_NUMBER(receiver.opened, 1); /* a refusal is an answer */
	check_state(&bench, "\"dead_letters\":1");
	bench_close(&bench);
}

TEST(stopping_sends_what_is_left_and_closes)
{
	struct bench bench;

	bench_open(&bench, "");
	bench_start(&bench);
	bench_append(&bench, 1, ALERTS);
	wait_taken(1 * ALERTS);
	bench_append(&bench, ALERTS + 1, 1);
	while (bench.appended < ALERTS + 1)
		sched_yield();
	bench_stop(&bench, 60000);
	check_in_order(ALERTS + 1);
	CHECK(!receiver.is_open);
	bench_close(&bench);
}

TEST(stopping_does_not_wait_for_a_receiver_that_refuses)
{
	struct bench bench;

	bench_open(&bench, "");
	receiver.refused_opens = 1000;
	bench_append(&bench, 1, ALERTS);
	bench_start(&bench);
	while (bench.appended < ALERTS)
		sched_yield();
	bench_stop(&bench, 3600 * 1000); /* would outlast the test */
	CHECK_NUMBER(receiver.opened, 0);
	CHECK_NUMBER(taken_count(), 0);
	bench_close(&bench);
}
