/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A carrier: an output at work.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "forwarder/carrier.h"
#include "forwarder/connection.h"
#include "forwarder/journal-reader.h"
#include "forwarder/parcel.h"

#define CONCURRENT_DEFAULT 64 /* where the settings say 0, no limit */
#define STOCK_ALERTS	   512
#define STOCK_BYTES	   (1 << 20)
#define CONNECTION_CALL_MS 5000 /* to open, or to send a parcel */
#define READ_AGAIN_MS	   1000
#define BACKOFF_FIRST_MS   250
#define BACKOFF_LAST_MS	   60000
#define RETRY_AFTER_MAX_MS (600 * 1000)
#define WORDS_MAX	   300 /* of a receiver, in logs and dead letters */

enum carrier_state { CARRIER_WORKS, CARRIER_RETRIES, CARRIER_IS_REFUSED };

static const char *const state_names[] = {
	[CARRIER_WORKS] = "ok",
	[CARRIER_RETRIES] = "retrying",
	[CARRIER_IS_REFUSED] = "refused",
};

/* What others may ask about a carrier, under the delivery's lock. */
struct carrier_report {
	enum carrier_state state;
	char last_error[WORDS_MAX + 64];
	int64_t last_error_ms; /* since 1970; 0: never */
	int64_t oldest_ms;     /* arrival of the oldest that is not sent; 0: there is none */
};

struct carrier {
	struct carriage *carriage;
	const struct instance *instance;
	const struct output *output;
	const struct output_settings *settings;
	struct parcel_rule rule;
	size_t concurrent;
	int cursor;
	struct journal_reader *reader;
	struct connection *connection; /* NULL: over HTTP */
	struct preparing preparing;
	struct request preparation; /* under way while is_preparing */
	bool is_preparing;
	unsigned random;

	int64_t read; /* all up to here is in parcels or in the stock */
	int64_t cut;  /* all up to here is in parcels */
	struct stock stock;
	struct parcel *parcels, **parcels_end; /* in order */
	size_t parcel_count, flying;

	enum carrier_state state;
	int64_t backoff_ms, next_try_ms;
	int failures; /* in a row */
	struct carrier_report report;

	metric *sent, *failed, *retries, *letters;
	struct histogram *latency;
	metric *queued, *oldest_seconds, *cut_total, *is_up;
};

static void parcel_append(struct carrier *carrier, struct parcel *parcel)
{
	*carrier->parcels_end = parcel;
	carrier->parcels_end = &parcel->next;
	carrier->parcel_count++;
}

/* The cursor passes over what is not there any more as if it had been sent. */
static void skip_gap(struct carrier *carrier)
{
	struct parcel *nothing = parcel_new(0);

	nothing->state = PARCEL_ARRIVED;
	nothing->last = carrier->read;
	parcel_append(carrier, nothing);
}

/* Reads ahead. What is not there any more is skipped; the journal has counted it. */
static void fill_stock(struct carrier *carrier)
{
	struct journal_batch *batch;
	struct error err;

	if (carrier->read >= journal_head(carrier->carriage->journal))
		return;
	if (journal_read(carrier->reader, carrier->read, STOCK_ALERTS, STOCK_BYTES, &batch, &err) <
		0) {
		log_error("%s: %s", carrier->instance->id, err.message);
		carrier->next_try_ms = clock_ms(CLOCK_MONOTONIC) + READ_AGAIN_MS;
		return;
	}
	journal_batch_free(carrier->stock.batch);
	carrier->stock = (struct stock){ batch, 0 };
	carrier->read = batch->last;
	if (!batch->count) {
		skip_gap(carrier);
		carrier->cut = carrier->read;
	}
}

/* Takes what has arrived off the front, and tells the journal. */
static void advance(struct carrier *carrier)
{
	struct dead_letter *letters = NULL, **end = &letters;
	_cleanup_(freep) char *state = NULL;
	int64_t last = 0;

	while (carrier->parcels && carrier->parcels->state == PARCEL_ARRIVED) {
		struct parcel *parcel = carrier->parcels;

		last = parcel->last;
		*end = TAKE(parcel->letters);
		while (*end)
			end = &(*end)->next;
		if (parcel->calm_state) {
			free(state);
			state = TAKE(parcel->calm_state);
		}
		carrier->parcels = parcel->next;
		if (!carrier->parcels)
			carrier->parcels_end = &carrier->parcels;
		carrier->parcel_count--;
		parcel_free(parcel);
	}
	if (last)
		journal_advance(
			carrier->carriage->journal, carrier->cursor, last, letters, TAKE(state));
}

/* The receiver's words, or libcurl's, in one line. */
static void describe(const struct http_answer *answer, char *words, size_t size)
{
	struct text body = text_trim(buffer_text(&answer->body));

	if (answer->error)
		snprintf(words, size, "%s", answer->message);
	else if (answer->grpc_status > 0)
		snprintf(words, size, "grpc-status %d: %s", answer->grpc_status,
			answer->grpc_message);
	else
		snprintf(words, size, "%u%s%.*s", answer->status, body.length ? ": " : "",
			(int)MIN_OF(body.length, WORDS_MAX), body.data);
	for (char *c = words; *c; c++)
		if ((unsigned char)*c < 0x20)
			*c = ' ';
}

static void report(struct carrier *carrier, const char *words)
{
	struct carriage *carriage = carrier->carriage;

	pthread_mutex_lock(&carriage->lock);
	carrier->report.state = carrier->state;
	if (words) {
		snprintf(carrier->report.last_error, sizeof(carrier->report.last_error), "%s",
			words);
		carrier->report.last_error_ms = clock_ms(CLOCK_REALTIME);
	}
	pthread_mutex_unlock(&carriage->lock);
	*carrier->is_up = carrier->state == CARRIER_WORKS;
}

static void works_again(struct carrier *carrier)
{
	if (carrier->state != CARRIER_WORKS)
		log_info("%s - takes alerts again after %d failures", carrier->instance->title,
			carrier->failures);
	carrier->state = CARRIER_WORKS;
	carrier->failures = 0;
	carrier->backoff_ms = 0;
	carrier->next_try_ms = 0;
	report(carrier, NULL);
}

/* Three quarters to five quarters of it, so that many forwarders do not come back as one. */
static int64_t with_jitter(struct carrier *carrier, int64_t ms)
{
	return ms * 3 / 4 + rand_r(&carrier->random) % (ms / 2 + 1);
}

/* What it knew is worth nothing any more. */
static void forget(struct carrier *carrier)
{
	if (!carrier->output->prepare)
		return;
	carrier->output->forget(carrier->preparing.memory);
	memset(carrier->preparing.memory, 0, carrier->output->memory_size);
}

static void back_off(struct carrier *carrier, enum carrier_state state,
	const struct http_answer *answer, const char *words)
{
	bool is_news = carrier->state != state || !carrier->failures;
	int64_t ms;

	carrier->backoff_ms = carrier->backoff_ms ? MIN_OF(carrier->backoff_ms * 2, BACKOFF_LAST_MS)
						  : BACKOFF_FIRST_MS;
	ms = with_jitter(carrier, carrier->backoff_ms);
	if (answer->retry_after_ms >= 0)
		ms = MAX_OF(ms, MIN_OF(answer->retry_after_ms, RETRY_AFTER_MAX_MS));
	carrier->next_try_ms = clock_ms(CLOCK_MONOTONIC) + ms;
	carrier->state = state;
	carrier->failures++;
	(*carrier->retries)++;
	log_write(is_news ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG,
		"%s - %s; alerts wait in the journal, next try in %.1f s", carrier->instance->title,
		words, (double)ms / 1000);
	report(carrier, words);
}

static void give_up(struct parcel *parcel, const char *words)
{
	struct carrier *carrier = parcel->context;

	parcel_give_up(parcel, words);
	*carrier->letters += (int64_t)parcel->count;
	log_error("%s - gave up %zu alert%s: %s", carrier->instance->title, parcel->count,
		parcel->count == 1 ? "" : "s", words);
	report(carrier, words);
}

/* One of many was refused, and nobody says which: they all go again, one by one. */
static void split(struct parcel *parcel)
{
	struct carrier *carrier = parcel->context;
	size_t count = parcel->count;
	struct parcel *last = parcel_split(parcel);

	carrier->parcel_count += count - 1;
	if (!last->next)
		carrier->parcels_end = &last->next;
	carrier->rule.single_until = MAX_OF(carrier->rule.single_until, last->last);
}

static void refuse_alert(struct parcel *parcel, const char *words)
{
	if (parcel->count > 1)
		split(parcel);
	else
		give_up(parcel, words);
}

static void try_later(struct parcel *parcel, const struct http_answer *answer, const char *words)
{
	struct carrier *carrier = parcel->context;
	bool is_tired = ++parcel->tries >= CARRIER_TRIES_MAX ||
			clock_ms(CLOCK_MONOTONIC) - parcel->first_try_ms >= CARRIER_AGE_MS;

	back_off(carrier, CARRIER_RETRIES, answer, words);
	parcel->state = PARCEL_WAITS;
	if (!is_tired)
		return;
	/* Perhaps only one of them is the reason. Each then has its own tries. */
	refuse_alert(parcel, words);
}

/* How long its alerts were on their way here. */
static void note_latency(struct carrier *carrier, const struct parcel *parcel)
{
	int64_t now_ms = journal_now_ms(carrier->carriage->journal);

	for (size_t i = 0; i < parcel->count; i++)
		histogram_add(carrier->latency, MAX_OF(now_ms - parcel->entries[i].arrived_ms, 0));
}

static void take_verdict(struct parcel *parcel, enum verdict verdict,
	const struct http_answer *answer, const char *words)
{
	struct carrier *carrier = parcel->context;

	switch (verdict) {
	case VERDICT_SENT:
		*carrier->sent += (int64_t)parcel->count;
		note_latency(carrier, parcel);
		parcel->state = PARCEL_ARRIVED;
		log_debug("%s - %s OK (%u)", carrier->instance->title, parcel->request.method,
			answer->status);
		works_again(carrier);
		break;
	case VERDICT_ALERT_REFUSED:
		*carrier->failed += parcel->count == 1;
		works_again(carrier); /* it answers, only not as we would like */
		refuse_alert(parcel, words);
		break;
	case VERDICT_LATER:
		(*carrier->failed)++;
		try_later(parcel, answer, words);
		break;
	case VERDICT_OUTPUT_REFUSED:
		(*carrier->failed)++;
		parcel->state = PARCEL_WAITS;
		forget(carrier);
		back_off(carrier, CARRIER_IS_REFUSED, answer, words);
		break;
	}
}

static void take_answer(void *context, struct http_answer *answer)
{
	struct parcel *parcel = context;
	struct carrier *carrier = parcel->context;
	char words[WORDS_MAX + 64];

	carrier->flying--;
	if (answer->error == -ECANCELED) {
		parcel->state = PARCEL_WAITS;
		return;
	}
	describe(answer, words, sizeof(words));
	take_verdict(parcel,
		carrier->output->verdict ? carrier->output->verdict(answer)
					 : verdict_of_answer(answer),
		answer, words);
	advance(carrier);
}

static void add_tls(const struct carriage *carriage, const struct output_settings *settings,
	const struct request *request, struct http_call *call)
{
	const char *ca = carriage->settings->ca_file;

	call->ca = request->ca;
	call->certificate = request->certificate;
	call->key = request->key;
	call->accepts_any_certificate = request->trusts_anyone;
	call->ca_file = ca && *ca ? ca : NULL;
	if (!settings->uses_mutual_tls) {
		call->accepts_any_certificate |= !settings->checks_certificate;
		return;
	}
	call->certificate_file = carriage->client_certificate;
	call->key_file = carriage->client_key;
	call->ca_file = carriage->client_ca;
}

void carriage_make_call(const struct carriage *carriage, const struct output_settings *settings,
	const struct request *request, const char **headers, struct http_call *ret_call)
{
	*ret_call = (struct http_call){
		.method = request->method,
		.url = request->url.data,
		.socket_path = request->socket_path,
		.headers = headers,
		.body = buffer_text(&request->body),
		.uses_http2 = request->uses_http2,
	};
	headers[0] = "User-Agent: tercel-forwarder";
	for (size_t i = 0; i < request->headers.count; i++)
		headers[i + 1] = request->headers.items[i];
	headers[request->headers.count + 1] = NULL;
	add_tls(carriage, settings, request, ret_call);
}

static void refuse_output(struct carrier *carrier, int error, const char *words)
{
	struct http_answer answer = { .error = error, .retry_after_ms = -1 };

	back_off(carrier, CARRIER_IS_REFUSED, &answer, words);
}

/* -EAGAIN when too many are under way; another failure has been told. */
static int start_call(
	struct carrier *carrier, const struct request *request, http_done *done, void *context)
{
	_cleanup_(freep) const char **headers = NEW_ARRAY(const char *, request->headers.count + 2);
	struct http_call call;
	int r;

	carriage_make_call(carrier->carriage, carrier->settings, request, headers, &call);
	r = http_client_start(carrier->carriage->client, &call, done, context);
	if (!r)
		carrier->flying++;
	else if (r != -EAGAIN)
		refuse_output(carrier, r, "the request cannot be made; look at its headers");
	return r;
}

/* What is left until the end of the draining, at most what a call may take. */
static int call_ms(const struct carriage *carriage)
{
	int64_t stop_ms = carriage->stop_ms;
	int64_t left = stop_ms ? stop_ms - clock_ms(CLOCK_MONOTONIC) : CONNECTION_CALL_MS;

	return (int)MAX_OF(MIN_OF(left, CONNECTION_CALL_MS), 1);
}

static void send_over_connection(struct parcel *parcel)
{
	struct carrier *carrier = parcel->context;
	struct http_answer answer = { .retry_after_ms = -1 };
	struct error err = { 0 };
	enum verdict verdict =
		connection_send(carrier->connection, parcel, call_ms(carrier->carriage), &err);

	for (char *c = err.message; *c; c++)
		if ((unsigned char)*c < 0x20)
			*c = ' ';
	err.message[WORDS_MAX] = '\0';
	take_verdict(parcel, verdict, &answer, err.message);
	advance(carrier);
}

static void send_over_http(struct parcel *parcel)
{
	struct carrier *carrier = parcel->context;
	struct error err;

	parcel_compose(parcel, carrier->output, carrier->settings, carrier->carriage->titles,
		carrier->carriage->title_count);
	if (carrier->output->sign &&
		carrier->output->sign(&parcel->request, &carrier->preparing, &err) < 0) {
		refuse_output(carrier, err.code, err.message);
		return;
	}
	if (start_call(carrier, &parcel->request, take_answer, parcel) == 0)
		parcel->state = PARCEL_FLIES;
}

static void take_preparation(void *context, struct http_answer *answer)
{
	struct carrier *carrier = context;
	struct error err = { 0 };
	char words[WORDS_MAX + 64];

	carrier->flying--;
	carrier->is_preparing = false;
	request_done(&carrier->preparation);
	if (answer->error == -ECANCELED)
		return;
	carrier->preparing.now = time(NULL);
	if (carrier->output->learn(&carrier->preparing, answer, &err) == VERDICT_SENT)
		return;
	describe(answer, words, sizeof(words));
	error_prefix(&err, "%s", words);
	forget(carrier);
	(*carrier->failed)++;
	refuse_output(carrier, answer->error, err.message);
}

/* Whether alerts may go now; if not, what comes first is under way or has failed. */
static bool prepare(struct carrier *carrier)
{
	const struct output *output = carrier->output;
	struct error err = { 0 };
	int r;

	carrier->preparing.now = time(NULL);
	if (!output->prepare)
		return true;
	request_init(&carrier->preparation);
	r = output->prepare(&carrier->preparing, &carrier->preparation, &err);
	if (r == PREPARE_BY_REQUEST &&
		!start_call(carrier, &carrier->preparation, take_preparation, carrier)) {
		carrier->is_preparing = true;
		return false;
	}
	request_done(&carrier->preparation);
	if (r < 0)
		refuse_output(carrier, r, err.message);
	return r == PREPARED;
}

/* Whether another may be sent at once. */
static bool send_parcel(struct parcel *parcel)
{
	struct carrier *carrier = parcel->context;

	if (!prepare(carrier))
		return false;
	if (!parcel->first_try_ms)
		parcel->first_try_ms = clock_ms(CLOCK_MONOTONIC);
	if (carrier->connection) {
		send_over_connection(parcel);
		return false;
	}
	send_over_http(parcel);
	return parcel->state == PARCEL_FLIES;
}

static struct parcel *first_waiting(struct carrier *carrier)
{
	struct parcel *parcel = carrier->parcels;

	while (parcel && parcel->state != PARCEL_WAITS)
		parcel = parcel->next;
	return parcel;
}

static void take_parcel(struct carrier *carrier, struct parcel *parcel)
{
	parcel->context = carrier;
	carrier->cut = MAX_OF(carrier->cut, parcel->last);
	parcel_append(carrier, parcel);
}

/* What was folded or held back, when it is time to tell. */
static struct parcel *next_summary(struct carrier *carrier, int64_t now_ms)
{
	char *summary = calm_summary(carrier->rule.calm, now_ms);
	struct parcel *parcel;

	if (!summary)
		return NULL;
	parcel = parcel_of_summary(
		summary, &carrier->rule, carrier->cut, journal_now_ms(carrier->carriage->journal));
	take_parcel(carrier, parcel);
	return parcel;
}

static struct parcel *next_parcel(struct carrier *carrier, int64_t now_ms)
{
	struct parcel *parcel = first_waiting(carrier);

	if (parcel || carrier->parcel_count >= carrier->concurrent)
		return parcel;
	parcel = next_summary(carrier, now_ms);
	if (parcel)
		return parcel;
	if (stock_is_empty(&carrier->stock))
		fill_stock(carrier);
	if (stock_is_empty(&carrier->stock)) {
		advance(carrier);
		return NULL;
	}
	parcel = parcel_cut(&carrier->stock, &carrier->rule, now_ms);
	take_parcel(carrier, parcel);
	return parcel;
}

/* Sends what may be sent now: after a failure one, else as many as are allowed. */
static void send_all(struct carrier *carrier, int64_t now_ms)
{
	size_t allowed = carrier->state == CARRIER_WORKS ? carrier->concurrent : 1;

	while (!carrier->is_preparing && !carrier->carriage->is_resting &&
		carrier->flying < allowed && now_ms >= carrier->next_try_ms) {
		struct parcel *parcel = next_parcel(carrier, now_ms);

		if (!parcel)
			return;
		if (parcel->state == PARCEL_ARRIVED) {
			advance(carrier);
			continue;
		}
		if (!send_parcel(parcel))
			return;
	}
}

/* The age of what waits longest, for those who ask. */
static void note_oldest(struct carrier *carrier)
{
	const struct parcel *parcel = carrier->parcels;
	int64_t oldest_ms = 0;

	while (parcel && (parcel->state == PARCEL_ARRIVED || !parcel->count))
		parcel = parcel->next;
	if (parcel)
		oldest_ms = parcel->entries[0].arrived_ms;
	else if (!stock_is_empty(&carrier->stock))
		oldest_ms = carrier->stock.batch->entries[carrier->stock.at].arrived_ms;
	if (oldest_ms == carrier->report.oldest_ms)
		return;
	pthread_mutex_lock(&carrier->carriage->lock);
	carrier->report.oldest_ms = oldest_ms;
	pthread_mutex_unlock(&carrier->carriage->lock);
}

void carrier_work(struct carrier *carrier, int64_t now_ms)
{
	send_all(carrier, now_ms);
	note_oldest(carrier);
}

bool carrier_has_connection(const struct carrier *carrier)
{
	return carrier->connection != NULL;
}

void carrier_rest(struct carrier *carrier)
{
	if (carrier->connection)
		connection_close(carrier->connection);
}

const char *carrier_id(const struct carrier *carrier)
{
	return carrier->instance->id;
}

int carrier_cursor(const struct carrier *carrier)
{
	return carrier->cursor;
}

int64_t carrier_due_ms(const struct carrier *carrier)
{
	int64_t summary_ms = calm_due_ms(carrier->rule.calm);

	if (!summary_ms || carrier->carriage->is_resting)
		return carrier->next_try_ms;
	return MAX_OF(summary_ms, carrier->next_try_ms);
}

bool carrier_is_drained(const struct carrier *carrier)
{
	if (carrier->carriage->is_resting)
		return !carrier->flying;
	if (carrier->state != CARRIER_WORKS)
		return true;
	return carrier->read >= journal_head(carrier->carriage->journal) && !carrier->parcels &&
	       stock_is_empty(&carrier->stock);
}

static metric *counter(struct metrics *metrics, const char *name, const char *about,
	const struct instance *instance, const char *status)
{
	struct buffer labels;
	metric *value;

	buffer_init(&labels, 1024);
	metrics_label(&labels, "destination", text_of(instance->id));
	if (status)
		metrics_label(&labels, "status", text_of(status));
	value = metrics_counter(metrics, name, about, labels.data);
	buffer_done(&labels);
	return value;
}

static metric *gauge(struct metrics *metrics, const char *name, const char *about,
	const struct instance *instance)
{
	struct buffer labels;
	metric *value;

	buffer_init(&labels, 1024);
	metrics_label(&labels, "destination", text_of(instance->id));
	value = metrics_gauge(metrics, name, about, labels.data);
	buffer_done(&labels);
	return value;
}

/* From arrival here until the receiver has it. */
static struct histogram *latency(struct metrics *metrics, const struct instance *instance)
{
	static const int64_t bounds_ms[] = { 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000,
		30000, 60000, 300000, 1800000, 7200000 };
	struct histogram *histogram;
	struct buffer labels;

	buffer_init(&labels, 1024);
	metrics_label(&labels, "destination", text_of(instance->id));
	histogram = metrics_histogram(metrics, "tercel_forwarder_output_latency_seconds",
		"From an alert's arrival until an output has taken it", labels.data, bounds_ms,
		COUNT_OF(bounds_ms));
	buffer_done(&labels);
	return histogram;
}

static void make_metrics(struct carrier *carrier)
{
	struct metrics *metrics = carrier->carriage->metrics;
	static const char outputs_total[] = "falcosecurity_falcosidekick_outputs_total";
	static const char outputs_about[] = "Alerts that outputs took, and failures to send";
	const struct instance *output = carrier->instance;

	carrier->sent = counter(metrics, outputs_total, outputs_about, output, "ok");
	carrier->failed = counter(metrics, outputs_total, outputs_about, output, "error");
	carrier->retries = counter(metrics, "tercel_forwarder_output_retries_total",
		"Failures after which an output was tried again", output, NULL);
	carrier->letters = counter(metrics, "tercel_forwarder_output_dead_letters_total",
		"Alerts that an output gave up", output, NULL);
	carrier->queued = gauge(metrics, "tercel_forwarder_output_queued",
		"Alerts in the journal that an output has not sent", output);
	carrier->oldest_seconds = gauge(metrics, "tercel_forwarder_output_oldest_seconds",
		"Age of the oldest alert that an output has not sent", output);
	carrier->cut_total = counter(metrics, "tercel_forwarder_output_cut_total",
		"Alerts that the journal's limits took from an output", output, NULL);
	carrier->is_up = gauge(
		metrics, "tercel_forwarder_output_up", "1 while an output takes alerts", output);
	carrier->latency = latency(metrics, output);
	*carrier->is_up = 1;
}

static int open_cursor(struct carrier *carrier, struct error *err)
{
	struct journal *journal = carrier->carriage->journal;
	_cleanup_(freep) char *state = NULL;

	carrier->cursor = journal_add_cursor(journal, carrier->instance->id);
	if (carrier->cursor < 0)
		return error_set(err, carrier->cursor, "%s: there are too many outputs",
			carrier->instance->id);
	carrier->read = carrier->cut = journal_position(journal, carrier->cursor);
	carrier->reader = journal_reader_new(journal);
	state = journal_state(journal, carrier->cursor);
	calm_restore(carrier->rule.calm, state, clock_ms(CLOCK_MONOTONIC));
	return 0;
}

static int make_rule(struct carrier *carrier, struct error *err)
{
	const struct instance *instance = carrier->instance;
	const struct output_settings *settings = instance->settings;
	struct parcel_rule *rule = &carrier->rule;
	int r = minimum_priority(instance->key, settings, &rule->minimum, err);

	if (!r && is_set(settings->match)) {
		r = match_new(text_of(settings->match), &rule->match, err);
		if (r < 0)
			return error_prefix(err, "%s.match", instance->key);
	}
	rule->id = instance->id;
	rule->takes = instance->output->takes;
	rule->most = instance->output->batch ? instance->output->batch(settings) : 1;
	rule->calm = calm_new(settings, instance->title);
	return r;
}

int carrier_new(struct carriage *carriage, const struct instance *instance,
	struct carrier **ret_carrier, struct error *err)
{
	_cleanup_(carrier_freep) struct carrier *carrier = NEW(struct carrier);
	const struct output *output = instance->output;
	size_t concurrent;
	int r;

	assert(output->compose);
	assert(!output->prepare == !output->learn && !output->prepare == !output->forget);
	assert(!output->open == !output->send && !output->open == !output->close);
	carrier->carriage = carriage;
	carrier->instance = instance;
	carrier->output = output;
	carrier->settings = instance->settings;
	carrier->parcels_end = &carrier->parcels;
	carrier->preparing.settings = carrier->settings;
	if (output->group)
		memcpy(&carrier->preparing.group,
			(const char *)carrier->settings + output->group_at,
			sizeof(carrier->preparing.group));
	if (output->memory_size)
		carrier->preparing.memory = NEW_ARRAY(char, output->memory_size);
	r = make_rule(carrier, err);
	if (!r)
		r = open_cursor(carrier, err);
	if (r < 0)
		return r;
	concurrent = (size_t)carrier->settings->concurrent_requests;
	carrier->concurrent = concurrent ? concurrent : CONCURRENT_DEFAULT;
	carrier->random = carriage->random++;
	if (output->open) {
		carrier->connection = connection_new(output, carrier->settings, &carriage->trust);
		carrier->concurrent = 1;
	}
	make_metrics(carrier);
	*ret_carrier = TAKE(carrier);
	return 0;
}

void carrier_free(struct carrier *carrier)
{
	if (!carrier)
		return;
	while (carrier->parcels) {
		struct parcel *next = carrier->parcels->next;

		parcel_free(carrier->parcels);
		carrier->parcels = next;
	}
	journal_batch_free(carrier->stock.batch);
	journal_reader_free(carrier->reader);
	forget(carrier);
	free(carrier->preparing.memory);
	connection_free(carrier->connection);
	match_free(carrier->rule.match);
	calm_free(carrier->rule.calm);
	free(carrier);
}

static int64_t queued(const struct carrier *carrier)
{
	struct journal *journal = carrier->carriage->journal;

	return MAX_OF(journal_head(journal) - journal_position(journal, carrier->cursor), 0);
}

static struct carrier_report report_of(struct carrier *carrier)
{
	struct carrier_report copy;

	pthread_mutex_lock(&carrier->carriage->lock);
	copy = carrier->report;
	pthread_mutex_unlock(&carrier->carriage->lock);
	return copy;
}

static int64_t age_ms(const struct carrier *carrier, const struct carrier_report *copy)
{
	int64_t now_ms = journal_now_ms(carrier->carriage->journal);

	return copy->oldest_ms ? MAX_OF(now_ms - copy->oldest_ms, 0) : 0;
}

void carrier_write(struct carrier *carrier, struct json_writer *json)
{
	struct carrier_report copy = report_of(carrier);
	struct buffer when;

	json_begin_object(json);
	json_key(json, "name");
	json_add_string(json, carrier->instance->id);
	json_key(json, "output");
	json_add_string(json, carrier->output->name);
	json_key(json, "title");
	json_add_string(json, carrier->instance->title);
	json_key(json, "state");
	json_add_string(json, state_names[copy.state]);
	json_key(json, "queued");
	json_add_i64(json, queued(carrier));
	json_key(json, "oldest_ms");
	json_add_i64(json, age_ms(carrier, &copy));
	json_key(json, "sent");
	json_add_i64(json, *carrier->sent);
	json_key(json, "dead_letters");
	json_add_i64(json, *carrier->letters);
	json_key(json, "cut");
	json_add_i64(json, journal_cut(carrier->carriage->journal, carrier->cursor));
	json_key(json, "last_error");
	json_add_string(json, copy.last_error_ms ? copy.last_error : NULL);
	json_key(json, "last_error_time");
	buffer_init(&when, 64);
	if (copy.last_error_ms)
		time_write(&when, copy.last_error_ms * 1000000);
	json_add_string(json, when.data);
	buffer_done(&when);
	json_end(json);
}

void carrier_measure(struct carrier *carrier)
{
	struct carrier_report copy = report_of(carrier);

	*carrier->queued = queued(carrier);
	*carrier->oldest_seconds = age_ms(carrier, &copy) / 1000;
	*carrier->cut_total = journal_cut(carrier->carriage->journal, carrier->cursor);
}
