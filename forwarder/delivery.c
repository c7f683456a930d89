/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery: the thread that lets every carrier work, and waits for what happens next.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/http-client.h"
#include "base/memory.h"
#include "forwarder/carrier.h"
#include "forwarder/check.h"
#include "forwarder/courier.h"
#include "forwarder/delivery.h"
#include "forwarder/meter.h"

#define CALLS_MAX 1024
#define IDLE_MS	  60000
#define JOIN_MS	  200 /* after the end of the draining */

struct delivery {
	struct carriage carriage;
	struct carrier **carriers;
	size_t count;
	struct courier **couriers; /* of the carriers with a connection, in the same places */
	struct meter **meters;	   /* of the outputs that send counters */
	size_t meter_count;
	pthread_t thread;
	bool is_started;
};

static int wait_ms(const struct delivery *delivery, int64_t now)
{
	int64_t until = now + IDLE_MS;

	for (size_t i = 0; i < delivery->count; i++) {
		int64_t due_ms = delivery->couriers[i] ? 0 : carrier_due_ms(delivery->carriers[i]);

		if (due_ms > now)
			until = MIN_OF(until, due_ms);
	}
	if (delivery->carriage.stop_ms)
		until = MIN_OF(until, (int64_t)delivery->carriage.stop_ms);
	return (int)MAX_OF(until - now, 0);
}

static bool is_drained(const struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++)
		if (!delivery->couriers[i] && !carrier_is_drained(delivery->carriers[i]))
			return false;
	return true;
}

static void *run(void *context)
{
	struct delivery *delivery = context;

	for (;;) {
		int64_t now = clock_ms(CLOCK_MONOTONIC), stop_ms = delivery->carriage.stop_ms;

		if (stop_ms && (now >= stop_ms || is_drained(delivery)))
			return NULL;
		for (size_t i = 0; i < delivery->count; i++)
			if (!delivery->couriers[i])
				carrier_work(delivery->carriers[i], now);
		http_client_run(delivery->carriage.client, wait_ms(delivery, now));
	}
}

/* A file named in the settings, or NAME in the folder for all of them. */
static char *client_file(const char *file, const char *folder, const char *name)
{
	return file && *file ? string_copy(file) : string_printf("%s/%s", folder, name);
}

static void find_client_files(struct carriage *carriage)
{
	const struct settings *settings = carriage->settings;
	const char *folder = settings->mutual_tls_folder ? settings->mutual_tls_folder : "";

	carriage->client_certificate =
		client_file(settings->client_certificate_file, folder, "client.crt");
	carriage->client_key = client_file(settings->client_key_file, folder, "client.key");
	carriage->client_ca = client_file(settings->client_ca_file, folder, "ca.crt");
	carriage->trust = (struct output_trust){
		.ca_file = settings->ca_file && *settings->ca_file ? settings->ca_file : NULL,
		.client_certificate = carriage->client_certificate,
		.client_key = carriage->client_key,
		.client_ca = carriage->client_ca,
	};
}

static int add_carrier(
	struct delivery *delivery, const struct instance *instance, struct error *err)
{
	int r;

	delivery->carriage.titles[delivery->carriage.title_count++] = instance->title;
	if (instance->output->tell) {
		delivery->meters[delivery->meter_count++] =
			meter_new(&delivery->carriage, instance);
		return 0;
	}
	r = carrier_new(&delivery->carriage, instance, &delivery->carriers[delivery->count], err);
	if (r < 0)
		return r;
	if (instance->output->open)
		delivery->couriers[delivery->count] = courier_new(
			delivery->carriers[delivery->count], &delivery->carriage.stop_ms);
	delivery->count++;
	return 0;
}

int delivery_new(const struct configuration *configuration, struct journal *journal,
	struct metrics *metrics, settings_warning *warn, void *context,
	struct delivery **ret_delivery, struct error *err)
{
	_cleanup_(delivery_freep) struct delivery *delivery = NEW(struct delivery);
	struct carriage *carriage = &delivery->carriage;
	size_t most = configuration_count(configuration);

	carriage->settings = configuration_settings(configuration);
	carriage->journal = journal;
	carriage->metrics = metrics;
	carriage->random = (unsigned)clock_ms(CLOCK_REALTIME);
	carriage->client = http_client_new(CALLS_MAX);
	carriage->titles = NEW_ARRAY(const char *, most);
	pthread_mutex_init(&carriage->lock, NULL);
	find_client_files(carriage);
	delivery->carriers = NEW_ARRAY(struct carrier *, most);
	delivery->couriers = NEW_ARRAY(struct courier *, most);
	delivery->meters = NEW_ARRAY(struct meter *, most);

	for (size_t i = 0; i < most; i++) {
		const struct instance *instance = configuration_instance(configuration, i);
		int r = output_is_usable(instance, warn, context)
				? add_carrier(delivery, instance, err)
				: 0;

		if (r < 0)
			return r;
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
	for (size_t i = 0; i < delivery->count; i++) {
		r = delivery->couriers[i] ? courier_start(delivery->couriers[i], err) : 0;
		if (r < 0)
			return r;
	}
	r = 0;
	for (size_t i = 0; i < delivery->meter_count && !r; i++)
		r = meter_start(delivery->meters[i], err);
	return r;
}

void delivery_wake(struct delivery *delivery)
{
	http_client_wake(delivery->carriage.client);
	for (size_t i = 0; i < delivery->count; i++)
		if (delivery->couriers[i])
			courier_wake(delivery->couriers[i]);
}

static bool has(const struct delivery *delivery, const char *id)
{
	for (size_t i = 0; i < delivery->count; i++)
		if (!strcmp(carrier_id(delivery->carriers[i]), id))
			return true;
	return false;
}

void delivery_release(const struct delivery *delivery, const struct delivery *successor)
{
	for (size_t i = 0; i < delivery->count; i++)
		if (!has(successor, carrier_id(delivery->carriers[i])))
			journal_release_cursor(
				delivery->carriage.journal, carrier_cursor(delivery->carriers[i]));
}

size_t delivery_find(const struct delivery *delivery, const char *name, struct text_list *ret_ids)
{
	size_t length = strlen(name), count = 0;

	for (size_t i = 0; i < delivery->count; i++) {
		const char *id = carrier_id(delivery->carriers[i]);

		if (strncasecmp(id, name, length) || (id[length] && id[length] != '.'))
			continue;
		text_list_add(ret_ids, text_of(id));
		count++;
	}
	return count;
}

bool delivery_stop(struct delivery *delivery, int64_t drain_ms)
{
	int64_t stop_ms = clock_ms(CLOCK_MONOTONIC) + drain_ms;
	bool has_ended = true;

	if (!delivery->is_started)
		return true;
	delivery->carriage.stop_ms = stop_ms;
	delivery_wake(delivery);
	for (size_t i = 0; i < delivery->count; i++)
		if (delivery->couriers[i])
			has_ended &= courier_join(delivery->couriers[i], stop_ms + JOIN_MS);
	pthread_join(delivery->thread, NULL);
	for (size_t i = 0; i < delivery->meter_count; i++)
		meter_stop(delivery->meters[i]); /* last: it counts what the others have sent */
	delivery->is_started = !has_ended;
	return has_ended;
}

bool delivery_rest(struct delivery *delivery, int64_t timeout_ms)
{
	delivery->carriage.is_resting = true;
	return delivery_stop(delivery, timeout_ms);
}

void delivery_free(struct delivery *delivery)
{
	struct carriage *carriage;

	if (!delivery)
		return;
	carriage = &delivery->carriage;
	(void)delivery_stop(delivery, 0);
	http_client_free(carriage->client);
	for (size_t i = 0; i < delivery->meter_count; i++)
		meter_free(delivery->meters[i]);
	for (size_t i = 0; i < delivery->count; i++) {
		courier_free(delivery->couriers[i]);
		carrier_free(delivery->carriers[i]);
	}
	pthread_mutex_destroy(&carriage->lock);
	free(carriage->client_certificate);
	free(carriage->client_key);
	free(carriage->client_ca);
	free(carriage->titles);
	free(delivery->carriers);
	free(delivery->couriers);
	free(delivery->meters);
	free(delivery);
}

void delivery_titles(const struct delivery *delivery, struct buffer *out)
{
	for (size_t i = 0; i < delivery->carriage.title_count; i++)
		buffer_printf(out, "%s%s", i ? " " : "", delivery->carriage.titles[i]);
}

void delivery_ids(const struct delivery *delivery, struct buffer *out)
{
	for (size_t i = 0; i < delivery->count; i++)
		buffer_printf(out, "%s%s", i ? " " : "", carrier_id(delivery->carriers[i]));
}

void delivery_write(struct delivery *delivery, struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_array(&json);
	for (size_t i = 0; i < delivery->count; i++)
		carrier_write(delivery->carriers[i], &json);
	for (size_t i = 0; i < delivery->meter_count; i++)
		meter_write(delivery->meters[i], &json);
	json_end(&json);
}

void delivery_measure(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++)
		carrier_measure(delivery->carriers[i]);
}
