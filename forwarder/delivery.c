/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery. A carrier is an output at work: it reads a stock of alerts ahead, cuts parcels from
 * it, and has up to `concurrent` parcels under way. Parcels may arrive in any order; the cursor
 * follows the oldest that has not. Back-off belongs to the carrier: after a failure one parcel
 * asks, and the others wait for its answer.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "forwarder/delivery.h"

#define CALLS_MAX	   1024
#define CONCURRENT_DEFAULT 64 /* where the settings say 0, no limit */
#define STOCK_ALERTS	   512
#define STOCK_BYTES	   (1 << 20)
#define PARCEL_BYTES	   (4 << 20)
#define BACKOFF_FIRST_MS   250
#define BACKOFF_LAST_MS	   60000
#define RETRY_AFTER_MAX_MS (600 * 1000)
#define IDLE_MS		   60000
#define WORDS_MAX	   300 /* of a receiver, in logs and dead letters */

enum parcel_state { PARCEL_WAITS, PARCEL_FLIES, PARCEL_ARRIVED };

/* Alerts that travel together, in the order of the sequence. */
struct parcel {
	struct parcel *next;
	struct carrier *carrier;
	enum parcel_state state;
	struct journal_entry *entries;
	size_t count;
	int64_t last; /* the cursor may go here when all before has arrived */
	struct request request;
	struct dead_letter *letters;
	int tries;
	int64_t first_try_ms; /* monotonic; 0: not tried */
};

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
	struct delivery *delivery;
	const struct output *output;
	const struct output_settings *settings;
	enum priority minimum;
	size_t batch, concurrent;
	int cursor;
	struct journal_reader *reader;

	int64_t read; /* all up to here is in parcels or in the stock */
	struct journal_batch *stock;
	size_t stock_at;
	struct parcel *parcels, **parcels_end; /* in order */
	size_t parcel_count, flying;
	int64_t single_until; /* up to here alerts go one by one, to find the one that is refused */

	enum carrier_state state;
	int64_t backoff_ms, next_try_ms;
	int failures; /* in a row */
	struct carrier_report report;

	metric *sent, *failed, *retries, *letters;
	metric *queued, *oldest_seconds, *cut, *is_up;
};

struct delivery {
	const struct settings *settings;
	struct journal *journal;
	struct http_client *client;
	struct carrier *carriers;
	size_t count;
	const char **titles;
	char *client_certificate, *client_key, *client_ca; /* of mutual TLS */

	pthread_t thread;
	bool is_started;
	_Atomic bool is_stopping;
	_Atomic int64_t stop_ms; /* monotonic */
	unsigned random;
	pthread_mutex_t lock; /* the reports */
};

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- parcels ----------------------------------------------------------------------------- */

static void parcel_free(struct parcel *parcel)
{
	for (size_t i = 0; i < parcel->count; i++)
		free((char *)parcel->entries[i].body.data);
	free(parcel->entries);
	request_done(&parcel->request);
	dead_letters_free(parcel->letters);
	free(parcel);
}

static struct parcel *parcel_new(struct carrier *carrier, size_t room)
{
	struct parcel *parcel = NEW(struct parcel);

	parcel->carrier = carrier;
	parcel->entries = NEW_ARRAY(struct journal_entry, room);
	request_init(&parcel->request);
	return parcel;
}

static void parcel_append(struct carrier *carrier, struct parcel *parcel)
{
	*carrier->parcels_end = parcel;
	carrier->parcels_end = &parcel->next;
	carrier->parcel_count++;
}

/* An alert that we wrote; NULL where a later version wrote what we do not understand. */
static struct alert *parse(struct text raw)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct alert *alert = NULL;

	if (json_parse(raw, &root, NULL, NULL) < 0 || alert_from_json(root, &alert, NULL) < 0)
		return NULL;
	return alert;
}

static bool is_wanted(const struct carrier *carrier, const struct journal_entry *entry)
{
	_cleanup_(alert_freep) struct alert *alert = NULL;

	if (carrier->minimum == PRIORITY_NONE)
		return true;
	alert = parse(entry->body);
	return alert && (alert->priority <= carrier->minimum ||
				(alert->rule && !strcmp(alert->rule, "Test rule")));
}

static bool stock_is_empty(const struct carrier *carrier)
{
	return !carrier->stock || carrier->stock_at == carrier->stock->count;
}

/* Reads ahead. What is not there any more is skipped; the journal has counted it. */
static void fill_stock(struct carrier *carrier)
{
	struct journal_batch *batch;
	struct error err;

	if (carrier->read >= journal_head(carrier->delivery->journal))
		return;
	if (journal_read(carrier->reader, carrier->read, STOCK_ALERTS, STOCK_BYTES, &batch, &err) <
		0) {
		log_error("%s: %s", carrier->output->name, err.message);
		return;
	}
	journal_batch_free(carrier->stock);
	carrier->stock = batch;
	carrier->stock_at = 0;
	carrier->read = batch->last;
}

/* The next parcel out of the stock, without what the output does not want. */
static struct parcel *cut_parcel(struct carrier *carrier)
{
	struct journal_batch *stock = carrier->stock;
	struct parcel *parcel = parcel_new(carrier, MIN_OF(carrier->batch, stock->count));
	size_t bytes = 0;

	while (carrier->stock_at < stock->count && parcel->count < carrier->batch &&
		bytes < PARCEL_BYTES) {
		struct journal_entry *entry = &stock->entries[carrier->stock_at];

		if (parcel->count && entry->sequence <= carrier->single_until)
			break;
		carrier->stock_at++;
		parcel->last = entry->sequence;
		if (!is_wanted(carrier, entry))
			continue;
		parcel->entries[parcel->count++] = *entry;
		bytes += entry->body.length;
		entry->body = (struct text){ 0 }; /* the parcel's now */
		if (parcel->last <= carrier->single_until)
			break;
	}
	if (carrier->stock_at == stock->count)
		parcel->last = MAX_OF(parcel->last, stock->last);
	if (!parcel->count)
		parcel->state = PARCEL_ARRIVED;
	return parcel;
}

/* Takes what has arrived off the front, and tells the journal. */
static void advance(struct carrier *carrier)
{
	struct dead_letter *letters = NULL, **end = &letters;
	int64_t last = 0;

	while (carrier->parcels && carrier->parcels->state == PARCEL_ARRIVED) {
		struct parcel *parcel = carrier->parcels;

		last = parcel->last;
		*end = TAKE(parcel->letters);
		while (*end)
			end = &(*end)->next;
		carrier->parcels = parcel->next;
		if (!carrier->parcels)
			carrier->parcels_end = &carrier->parcels;
		carrier->parcel_count--;
		parcel_free(parcel);
	}
	if (last)
		journal_advance(carrier->delivery->journal, carrier->cursor, last, letters);
}

/* --- answers ----------------------------------------------------------------------------- */

/* The receiver's words, or libcurl's, in one line. */
static void describe(const struct http_answer *answer, char *words, size_t size)
{
	struct text body = text_trim(buffer_text(&answer->body));

	if (answer->error)
		snprintf(words, size, "%s", answer->message);
	else
		snprintf(words, size, "%u%s%.*s", answer->status, body.length ? ": " : "",
			(int)MIN_OF(body.length, WORDS_MAX), body.data);
	for (char *c = words; *c; c++)
		if ((unsigned char)*c < 0x20)
			*c = ' ';
}

static void report(struct carrier *carrier, const char *words)
{
	struct delivery *delivery = carrier->delivery;

	pthread_mutex_lock(&delivery->lock);
	carrier->report.state = carrier->state;
	if (words) {
		snprintf(carrier->report.last_error, sizeof(carrier->report.last_error), "%s",
			words);
		carrier->report.last_error_ms = clock_ms(CLOCK_REALTIME);
	}
	pthread_mutex_unlock(&delivery->lock);
	*carrier->is_up = carrier->state == CARRIER_WORKS;
}

static void works_again(struct carrier *carrier)
{
	if (carrier->state != CARRIER_WORKS)
		log_info("%s - takes alerts again after %d failures", carrier->output->title,
			carrier->failures);
	carrier->state = CARRIER_WORKS;
	carrier->failures = 0;
	carrier->backoff_ms = 0;
	carrier->next_try_ms = 0;
	report(carrier, NULL);
}

/* Three quarters to five quarters of it, so that many forwarders do not come back as one. */
static int64_t with_jitter(struct delivery *delivery, int64_t ms)
{
	return ms * 3 / 4 + rand_r(&delivery->random) % (ms / 2 + 1);
}

static void back_off(struct carrier *carrier, enum carrier_state state,
	const struct http_answer *answer, const char *words)
{
	bool is_news = carrier->state != state || !carrier->failures;
	int64_t ms;

	carrier->backoff_ms = carrier->backoff_ms ? MIN_OF(carrier->backoff_ms * 2, BACKOFF_LAST_MS)
						  : BACKOFF_FIRST_MS;
	ms = with_jitter(carrier->delivery, carrier->backoff_ms);
	if (answer->retry_after_ms >= 0)
		ms = MAX_OF(ms, MIN_OF(answer->retry_after_ms, RETRY_AFTER_MAX_MS));
	carrier->next_try_ms = clock_ms(CLOCK_MONOTONIC) + ms;
	carrier->state = state;
	carrier->failures++;
	(*carrier->retries)++;
	log_write(is_news ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG,
		"%s - %s; alerts wait in the journal, next try in %.1f s", carrier->output->title,
		words, (double)ms / 1000);
	report(carrier, words);
}

/* All of a parcel becomes dead letters, and counts as arrived. */
static void give_up(struct parcel *parcel, const char *words)
{
	struct carrier *carrier = parcel->carrier;
	struct dead_letter **end = &parcel->letters;

	for (size_t i = 0; i < parcel->count; i++) {
		*end = dead_letter_new(parcel->entries[i].sequence, words, parcel->entries[i].body);
		end = &(*end)->next;
		(*carrier->letters)++;
	}
	parcel->state = PARCEL_ARRIVED;
	log_error("%s - gave up %zu alert%s: %s", carrier->output->title, parcel->count,
		parcel->count == 1 ? "" : "s", words);
	report(carrier, words);
}

/*
 * One of many was refused, and nobody says which: they all go again, one by one. Only the first
 * stays in the parcel; the others follow in parcels of their own.
 */
static void split(struct parcel *parcel)
{
	struct carrier *carrier = parcel->carrier;
	struct parcel *before = parcel;

	for (size_t i = 1; i < parcel->count; i++) {
		struct parcel *one = parcel_new(carrier, 1);

		one->entries[one->count++] = parcel->entries[i];
		one->last = i + 1 == parcel->count ? parcel->last : parcel->entries[i].sequence;
		one->next = before->next;
		before->next = one;
		before = one;
		carrier->parcel_count++;
	}
	if (!before->next)
		carrier->parcels_end = &before->next;
	parcel->last = parcel->entries[0].sequence;
	parcel->count = 1;
	parcel->state = PARCEL_WAITS;
	carrier->single_until = MAX_OF(carrier->single_until, before->last);
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
	struct carrier *carrier = parcel->carrier;
	bool is_tired = ++parcel->tries >= DELIVERY_TRIES_MAX ||
			clock_ms(CLOCK_MONOTONIC) - parcel->first_try_ms >= DELIVERY_AGE_MS;

	back_off(carrier, CARRIER_RETRIES, answer, words);
	parcel->state = PARCEL_WAITS;
	if (!is_tired)
		return;
	/* Perhaps only one of them is the reason. Each then has its own tries. */
	refuse_alert(parcel, words);
}

static void take_verdict(struct parcel *parcel, enum verdict verdict,
	const struct http_answer *answer, const char *words)
{
	struct carrier *carrier = parcel->carrier;

	switch (verdict) {
	case VERDICT_SENT:
		*carrier->sent += (int64_t)parcel->count;
		parcel->state = PARCEL_ARRIVED;
		log_debug("%s - %s OK (%u)", carrier->output->title, parcel->request.method,
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
		back_off(carrier, CARRIER_IS_REFUSED, answer, words);
		break;
	}
}

static void take_answer(void *context, struct http_answer *answer)
{
	struct parcel *parcel = context;
	struct carrier *carrier = parcel->carrier;
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

/* --- sending ----------------------------------------------------------------------------- */

static void add_tls(const struct carrier *carrier, struct http_call *call)
{
	const struct delivery *delivery = carrier->delivery;
	const char *ca = delivery->settings->ca_file;

	call->ca_file = ca && *ca ? ca : NULL;
	if (!carrier->settings->uses_mutual_tls) {
		call->accepts_any_certificate = !carrier->settings->checks_certificate;
		return;
	}
	call->certificate_file = delivery->client_certificate;
	call->key_file = delivery->client_key;
	call->ca_file = delivery->client_ca;
}

static void fail_to_start(struct parcel *parcel, int error, const char *words)
{
	struct http_answer answer = { .error = error, .retry_after_ms = -1 };

	parcel->state = PARCEL_WAITS;
	back_off(parcel->carrier, CARRIER_IS_REFUSED, &answer, words);
}

static void start_call(struct parcel *parcel)
{
	struct carrier *carrier = parcel->carrier;
	const struct request *request = &parcel->request;
	_cleanup_(freep) const char **headers = NEW_ARRAY(const char *, request->headers.count + 2);
	struct http_call call = {
		.method = request->method,
		.url = request->url.data,
		.socket_path = request->socket_path,
		.headers = headers,
		.body = buffer_text(&request->body),
	};
	int r;

	headers[0] = "User-Agent: tercel-forwarder";
	for (size_t i = 0; i < request->headers.count; i++)
		headers[i + 1] = request->headers.items[i];
	add_tls(carrier, &call);
	parcel->state = PARCEL_FLIES;
	r = http_client_start(carrier->delivery->client, &call, take_answer, parcel);
	if (!r)
		carrier->flying++;
	else if (r == -EAGAIN)
		parcel->state = PARCEL_WAITS;
	else
		fail_to_start(parcel, r, "the request cannot be made; look at its headers");
}

static void compose(struct parcel *parcel)
{
	const struct carrier *carrier = parcel->carrier;
	const struct output *output = carrier->output;
	_cleanup_(freep) struct message *items = NEW_ARRAY(struct message, parcel->count);
	struct messages messages = { items, parcel->count, carrier->delivery->titles,
		carrier->delivery->count };

	request_done(&parcel->request);
	request_init(&parcel->request);
	for (size_t i = 0; i < parcel->count; i++) {
		items[i].raw = parcel->entries[i].body;
		items[i].alert = output->reads_alerts ? parse(items[i].raw) : NULL;
	}
	output->compose(&messages, carrier->settings, &parcel->request);
	for (size_t i = 0; i < parcel->count; i++)
		alert_free((struct alert *)items[i].alert);
}

static void send_parcel(struct parcel *parcel)
{
	struct carrier *carrier = parcel->carrier;
	struct error err;

	compose(parcel);
	if (carrier->output->sign &&
		carrier->output->sign(&parcel->request, carrier->settings, &err) < 0) {
		fail_to_start(parcel, err.code, err.message);
		return;
	}
	if (!parcel->first_try_ms)
		parcel->first_try_ms = clock_ms(CLOCK_MONOTONIC);
	start_call(parcel);
}

static struct parcel *first_waiting(struct carrier *carrier)
{
	struct parcel *parcel = carrier->parcels;

	while (parcel && parcel->state != PARCEL_WAITS)
		parcel = parcel->next;
	return parcel;
}

static struct parcel *next_parcel(struct carrier *carrier)
{
	struct parcel *parcel = first_waiting(carrier);

	if (parcel || carrier->parcel_count >= carrier->concurrent)
		return parcel;
	if (stock_is_empty(carrier))
		fill_stock(carrier);
	if (stock_is_empty(carrier))
		return NULL;
	parcel = cut_parcel(carrier);
	parcel_append(carrier, parcel);
	return parcel;
}

/* Sends what may be sent now: after a failure one, else as many as are allowed. */
static void work(struct carrier *carrier, int64_t now)
{
	size_t allowed = carrier->state == CARRIER_WORKS ? carrier->concurrent : 1;

	while (carrier->flying < allowed && now >= carrier->next_try_ms) {
		struct parcel *parcel = next_parcel(carrier);

		if (!parcel)
			return;
		if (parcel->state == PARCEL_ARRIVED) {
			advance(carrier);
			continue;
		}
		send_parcel(parcel);
		if (parcel->state != PARCEL_FLIES)
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
	else if (!stock_is_empty(carrier))
		oldest_ms = carrier->stock->entries[carrier->stock_at].arrived_ms;
	if (oldest_ms == carrier->report.oldest_ms)
		return;
	pthread_mutex_lock(&carrier->delivery->lock);
	carrier->report.oldest_ms = oldest_ms;
	pthread_mutex_unlock(&carrier->delivery->lock);
}

static int wait_ms(const struct delivery *delivery, int64_t now)
{
	int64_t until = now + IDLE_MS;

	for (size_t i = 0; i < delivery->count; i++) {
		const struct carrier *carrier = &delivery->carriers[i];

		if (carrier->next_try_ms > now)
			until = MIN_OF(until, carrier->next_try_ms);
	}
	if (delivery->is_stopping)
		until = MIN_OF(until, (int64_t)delivery->stop_ms);
	return (int)MAX_OF(until - now, 0);
}

/* While stopping: whether something can still be sent. What backs off does not hold us. */
static bool is_drained(const struct delivery *delivery)
{
	int64_t head = journal_head(delivery->journal);

	for (size_t i = 0; i < delivery->count; i++) {
		const struct carrier *carrier = &delivery->carriers[i];

		if (carrier->state == CARRIER_WORKS &&
			(carrier->read < head || carrier->parcels || !stock_is_empty(carrier)))
			return false;
	}
	return true;
}

static void *run(void *context)
{
	struct delivery *delivery = context;

	for (;;) {
		int64_t now = clock_ms(CLOCK_MONOTONIC);

		if (delivery->is_stopping && (now >= delivery->stop_ms || is_drained(delivery)))
			return NULL;
		for (size_t i = 0; i < delivery->count; i++) {
			work(&delivery->carriers[i], now);
			note_oldest(&delivery->carriers[i]);
		}
		http_client_run(delivery->client, wait_ms(delivery, now));
	}
}

/* --- setting up -------------------------------------------------------------------------- */

static metric *counter(struct metrics *metrics, const char *name, const char *about,
	const struct output *output, const char *status)
{
	struct buffer labels;
	metric *value;

	buffer_init(&labels, 1024);
	metrics_label(&labels, "destination", text_of(output->name));
	if (status)
		metrics_label(&labels, "status", text_of(status));
	value = metrics_counter(metrics, name, about, labels.data);
	buffer_done(&labels);
	return value;
}

static metric *gauge(
	struct metrics *metrics, const char *name, const char *about, const struct output *output)
{
	struct buffer labels;
	metric *value;

	buffer_init(&labels, 1024);
	metrics_label(&labels, "destination", text_of(output->name));
	value = metrics_gauge(metrics, name, about, labels.data);
	buffer_done(&labels);
	return value;
}

static void make_metrics(struct carrier *carrier, struct metrics *metrics)
{
	static const char outputs_total[] = "falcosecurity_falcosidekick_outputs_total";
	static const char outputs_about[] = "Alerts that outputs took, and failures to send";
	const struct output *output = carrier->output;

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
	carrier->cut = counter(metrics, "tercel_forwarder_output_cut_total",
		"Alerts that the journal's limits took from an output", output, NULL);
	carrier->is_up = gauge(
		metrics, "tercel_forwarder_output_up", "1 while an output takes alerts", output);
	*carrier->is_up = 1;
}

static int carrier_init(struct carrier *carrier, struct delivery *delivery,
	const struct output *output, struct error *err)
{
	size_t concurrent = (size_t)carrier->settings->concurrent_requests;

	assert(output->compose && !output->prepare && !output->open && !output->flush);
	carrier->delivery = delivery;
	carrier->output = output;
	carrier->batch = output->batch ? output->batch(carrier->settings) : 1;
	carrier->concurrent = concurrent ? concurrent : CONCURRENT_DEFAULT;
	carrier->parcels_end = &carrier->parcels;
	return minimum_priority(output->name, carrier->settings, &carrier->minimum, err);
}

static void carrier_open(struct carrier *carrier, struct metrics *metrics)
{
	struct journal *journal = carrier->delivery->journal;

	carrier->cursor = journal_add_cursor(journal, carrier->output->name);
	carrier->read = journal_position(journal, carrier->cursor);
	carrier->reader = journal_reader_new(journal);
	make_metrics(carrier, metrics);
}

/* A file named in the settings, or NAME in the folder for all of them. */
static char *client_file(const char *file, const char *folder, const char *name)
{
	return file && *file ? string_copy(file) : string_printf("%s/%s", folder, name);
}

static void find_client_files(struct delivery *delivery)
{
	const struct settings *settings = delivery->settings;
	const char *folder = settings->mutual_tls_folder ? settings->mutual_tls_folder : "";

	delivery->client_certificate =
		client_file(settings->client_certificate_file, folder, "client.crt");
	delivery->client_key = client_file(settings->client_key_file, folder, "client.key");
	delivery->client_ca = client_file(settings->client_ca_file, folder, "ca.crt");
}

static bool is_usable(
	const struct output *output, const void *settings, void (*warn)(const char *message))
{
	struct error err = { 0 };

	if (!output->is_enabled(settings))
		return false;
	if (!output->check || output->check(settings, &err) == 0)
		return true;
	error_prefix(&err, "%s is switched off", output->title);
	warn(err.message);
	return false;
}

int delivery_new(const struct configuration *configuration, struct journal *journal,
	struct metrics *metrics, void (*warn)(const char *message), struct delivery **ret_delivery,
	struct error *err)
{
	_cleanup_(delivery_freep) struct delivery *delivery = NEW(struct delivery);

	delivery->settings = configuration_settings(configuration);
	delivery->journal = journal;
	delivery->random = (unsigned)clock_ms(CLOCK_REALTIME);
	delivery->client = http_client_new(CALLS_MAX);
	delivery->carriers = NEW_ARRAY(struct carrier, output_count);
	delivery->titles = NEW_ARRAY(const char *, output_count);
	pthread_mutex_init(&delivery->lock, NULL);
	find_client_files(delivery);

	for (size_t i = 0; i < output_count; i++) {
		const void *settings = configuration_output(configuration, i);
		struct carrier *carrier = &delivery->carriers[delivery->count];
		int r;

		if (!is_usable(outputs[i], settings, warn))
			continue;
		carrier->settings = settings;
		r = carrier_init(carrier, delivery, outputs[i], err);
		if (r < 0)
			return r;
		carrier_open(carrier, metrics);
		delivery->titles[delivery->count++] = outputs[i]->title;
	}
	*ret_delivery = TAKE(delivery);
	return 0;
}

int delivery_start(struct delivery *delivery, struct error *err)
{
	int r = pthread_create(&delivery->thread, NULL, run, delivery);

	if (r)
		return error_set(err, -r, "no thread for the outputs: %s", strerror(r));
	delivery->is_started = true;
	return 0;
}

void delivery_wake(struct delivery *delivery)
{
	http_client_wake(delivery->client);
}

void delivery_stop(struct delivery *delivery, int64_t drain_ms)
{
	if (!delivery->is_started)
		return;
	delivery->stop_ms = clock_ms(CLOCK_MONOTONIC) + drain_ms;
	delivery->is_stopping = true;
	delivery_wake(delivery);
	pthread_join(delivery->thread, NULL);
	delivery->is_started = false;
}

static void carrier_done(struct carrier *carrier)
{
	while (carrier->parcels) {
		struct parcel *next = carrier->parcels->next;

		parcel_free(carrier->parcels);
		carrier->parcels = next;
	}
	journal_batch_free(carrier->stock);
	journal_reader_free(carrier->reader);
}

void delivery_free(struct delivery *delivery)
{
	if (!delivery)
		return;
	delivery_stop(delivery, 0);
	http_client_free(delivery->client);
	for (size_t i = 0; i < delivery->count; i++)
		carrier_done(&delivery->carriers[i]);
	pthread_mutex_destroy(&delivery->lock);
	free(delivery->client_certificate);
	free(delivery->client_key);
	free(delivery->client_ca);
	free(delivery->carriers);
	free(delivery->titles);
	free(delivery);
}

/* --- reports ----------------------------------------------------------------------------- */

void delivery_titles(const struct delivery *delivery, struct buffer *out)
{
	for (size_t i = 0; i < delivery->count; i++)
		buffer_printf(out, "%s%s", i ? " " : "", delivery->titles[i]);
}

static int64_t queued(const struct carrier *carrier)
{
	struct journal *journal = carrier->delivery->journal;

	return MAX_OF(journal_head(journal) - journal_position(journal, carrier->cursor), 0);
}

static struct carrier_report report_of(struct carrier *carrier)
{
	struct carrier_report copy;

	pthread_mutex_lock(&carrier->delivery->lock);
	copy = carrier->report;
	pthread_mutex_unlock(&carrier->delivery->lock);
	return copy;
}

static int64_t age_ms(const struct carrier_report *copy)
{
	return copy->oldest_ms ? MAX_OF(clock_ms(CLOCK_REALTIME) - copy->oldest_ms, 0) : 0;
}

static void write_carrier(struct carrier *carrier, struct json_writer *json)
{
	struct carrier_report copy = report_of(carrier);
	struct buffer when;

	json_begin_object(json);
	json_key(json, "name");
	json_add_string(json, carrier->output->name);
	json_key(json, "title");
	json_add_string(json, carrier->output->title);
	json_key(json, "state");
	json_add_string(json, state_names[copy.state]);
	json_key(json, "queued");
	json_add_i64(json, queued(carrier));
	json_key(json, "oldest_ms");
	json_add_i64(json, age_ms(&copy));
	json_key(json, "sent");
	json_add_i64(json, *carrier->sent);
	json_key(json, "dead_letters");
	json_add_i64(json, *carrier->letters);
	json_key(json, "cut");
	json_add_i64(json, journal_cut(carrier->delivery->journal, carrier->cursor));
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

void delivery_write(struct delivery *delivery, struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_array(&json);
	for (size_t i = 0; i < delivery->count; i++)
		write_carrier(&delivery->carriers[i], &json);
	json_end(&json);
}

void delivery_measure(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++) {
		struct carrier *carrier = &delivery->carriers[i];
		struct carrier_report copy = report_of(carrier);

		*carrier->queued = queued(carrier);
		*carrier->oldest_seconds = age_ms(&copy) / 1000;
		*carrier->cut = journal_cut(delivery->journal, carrier->cursor);
	}
}
