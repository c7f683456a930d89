/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meters: a thread each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "forwarder/counters.h"
#include "forwarder/meter.h"

#define CALL_MS	      2000 /* of one step; the program waits for one of each at its end */
#define LABELS_MAX    1024
#define OUTPUTS_TOTAL "falcosecurity_falcosidekick_outputs_total"

struct meter {
	struct carriage *carriage;
	const struct instance *instance;
	struct counters *sent; /* as they were when they were sent last */
	void *connection;      /* NULL: closed, or over HTTP */
	metric *ok, *failed;

	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_stopped;	 /* under the lock, as what follows */
	struct error last_error; /* code 0: the last time went well */
	int64_t last_error_ms;
};

static metric *count_of(struct meter *meter, const char *status)
{
	struct buffer labels;
	metric *value;

	buffer_init(&labels, LABELS_MAX);
	metrics_label(&labels, "destination", text_of(meter->instance->id));
	metrics_label(&labels, "status", text_of(status));
	value = metrics_counter(meter->carriage->metrics, OUTPUTS_TOTAL,
		"Alerts that outputs took, and failures to send", labels.data);
	buffer_done(&labels);
	return value;
}

struct meter *meter_new(struct carriage *carriage, const struct instance *instance)
{
	struct meter *meter = NEW(struct meter);
	pthread_condattr_t attributes;

	meter->carriage = carriage;
	meter->instance = instance;
	meter->ok = count_of(meter, "ok");
	meter->failed = count_of(meter, "error");
	pthread_mutex_init(&meter->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&meter->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return meter;
}

void meter_free(struct meter *meter)
{
	if (!meter)
		return;
	meter_stop(meter);
	counters_free(meter->sent);
	pthread_cond_destroy(&meter->changed);
	pthread_mutex_destroy(&meter->lock);
	free(meter);
}

static enum verdict send_over_connection(
	struct meter *meter, const struct request *request, struct error *err)
{
	const struct output *output = meter->instance->output;
	enum verdict verdict;

	if (!meter->connection && output->open(meter->instance->settings, &meter->carriage->trust,
					  CALL_MS, &meter->connection, err) < 0)
		return VERDICT_OUTPUT_REFUSED;
	verdict = output->send(meter->connection, request, 1, CALL_MS, err);
	if (verdict != VERDICT_SENT)
		output->close(TAKE(meter->connection));
	return verdict;
}

static enum verdict send_over_http(
	struct meter *meter, const struct request *request, struct error *err)
{
	const struct output *output = meter->instance->output;
	_cleanup_(freep) const char **headers = NEW_ARRAY(const char *, request->headers.count + 2);
	struct http_client *client = http_client_new(1);
	struct http_answer answer;
	struct http_call call;
	enum verdict verdict;

	carriage_make_call(meter->carriage, meter->instance->settings, request, headers, &call);
	call.timeout_ms = call.connect_timeout_ms = CALL_MS;
	http_client_perform(client, &call, &answer);
	verdict = output->verdict ? output->verdict(&answer) : verdict_of_answer(&answer);
	if (verdict != VERDICT_SENT)
		error_set(err, -EIO, "%s%u %s", answer.message, answer.status, answer.grpc_message);
	http_answer_done(&answer);
	http_client_free(client);
	return verdict;
}

static void report(struct meter *meter, enum verdict verdict, const struct error *err)
{
	bool was_good;

	*(verdict == VERDICT_SENT ? meter->ok : meter->failed) += 1;
	pthread_mutex_lock(&meter->lock);
	was_good = !meter->last_error.code;
	meter->last_error.code = 0;
	if (verdict != VERDICT_SENT) {
		meter->last_error = *err;
		meter->last_error.code = -EIO;
		meter->last_error_ms = clock_ms(CLOCK_REALTIME);
	}
	pthread_mutex_unlock(&meter->lock);
	if (verdict != VERDICT_SENT && was_good)
		log_warning("%s - %s; what is counted is sent later", meter->instance->title,
			err->message);
}

static void send_changes(struct meter *meter)
{
	const struct output *output = meter->instance->output;
	struct counters *now = counters_new(meter->carriage->metrics, meter->sent);
	struct error err = { 0 };
	struct request request;
	enum verdict verdict = VERDICT_SENT;

	request_init(&request);
	output->tell(now, meter->instance->settings, &request);
	if (request.body.length) {
		verdict = output->open ? send_over_connection(meter, &request, &err)
				       : send_over_http(meter, &request, &err);
		report(meter, verdict, &err);
	}
	request_done(&request);
	if (verdict == VERDICT_SENT) {
		counters_free(meter->sent);
		meter->sent = TAKE(now);
	}
	counters_free(now);
}

/* False at the end. */
static bool wait_for_interval(struct meter *meter)
{
	int64_t interval_ms = meter->instance->output->interval_ms(meter->instance->settings);
	struct timespec until = clock_after(CLOCK_MONOTONIC, interval_ms);
	bool goes_on;
	int r = 0;

	pthread_mutex_lock(&meter->lock);
	while (!meter->is_stopped && !r)
		r = pthread_cond_timedwait(&meter->changed, &meter->lock, &until);
	goes_on = !meter->is_stopped;
	pthread_mutex_unlock(&meter->lock);
	return goes_on;
}

static void *run(void *context)
{
	struct meter *meter = context;

	while (wait_for_interval(meter))
		send_changes(meter);
	send_changes(meter);
	if (meter->connection)
		meter->instance->output->close(TAKE(meter->connection));
	return NULL;
}

/* After a reload the one before has sent what was counted until now. */
int meter_start(struct meter *meter, struct error *err)
{
	int r;

	meter->sent = counters_new(meter->carriage->metrics, NULL);
	r = pthread_create(&meter->thread, NULL, run, meter);
	if (r)
		return error_set(err, -r, "no thread for an output: %s", strerror(r));
	meter->is_started = true;
	return 0;
}

void meter_stop(struct meter *meter)
{
	if (!meter->is_started)
		return;
	pthread_mutex_lock(&meter->lock);
	meter->is_stopped = true;
	pthread_cond_signal(&meter->changed);
	pthread_mutex_unlock(&meter->lock);
	pthread_join(meter->thread, NULL);
	meter->is_started = false;
}

void meter_write(struct meter *meter, struct json_writer *json)
{
	static const char *const nothing[] = { "queued", "oldest_ms", "dead_letters", "cut" };
	struct error last_error;
	struct buffer when;
	int64_t at_ms;

	pthread_mutex_lock(&meter->lock);
	last_error = meter->last_error;
	at_ms = meter->last_error_ms;
	pthread_mutex_unlock(&meter->lock);
	json_begin_object(json);
	json_key(json, "name");
	json_add_string(json, meter->instance->id);
	json_key(json, "title");
	json_add_string(json, meter->instance->title);
	json_key(json, "state");
	json_add_string(json, last_error.code ? "retrying" : "ok");
	json_key(json, "sent");
	json_add_i64(json, *meter->ok);
	for (size_t i = 0; i < COUNT_OF(nothing); i++) {
		json_key(json, nothing[i]);
		json_add_i64(json, 0);
	}
	json_key(json, "last_error");
	json_add_string(json, at_ms ? last_error.message : NULL);
	json_key(json, "last_error_time");
	buffer_init(&when, 64);
	if (at_ms)
		time_write(&when, at_ms * NS_PER_MS);
	json_add_string(json, when.data);
	buffer_done(&when);
	json_end(json);
}
