/* SPDX-License-Identifier: Apache-2.0 */
/* The outlets with real files and a real receiver on loopback. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/http-client.h"
#include "base/http-server.h"
#include "base/json.h"
#include "base/memory.h"
#include "sensor/outputs/backlog.h"
#include "sensor/sensor.h"
#include "tests/test.h"

static struct sensor_alert *alert_of(enum priority priority, int number)
{
	_cleanup_(freep) char *text = string_printf("alert %d", number);
	_cleanup_(freep) char *json = string_printf("{\"number\":%d}", number);

	return sensor_alert_new(priority, text_of(text), text_of(json));
}

static void push(struct outlets *outlets, int number)
{
	struct sensor_alert *alert = alert_of(PRIORITY_NOTICE, number);

	outlets_push(outlets, alert);
	sensor_alert_release(alert);
}

static void push_priority(struct backlog *backlog, enum priority priority, int number)
{
	struct sensor_alert *alert = alert_of(priority, number);

	(void)backlog_push(backlog, alert);
	sensor_alert_release(alert);
}

/* What is in the backlog, in its order: "1,3"; free() it. */
static char *taken(struct backlog *backlog)
{
	struct sensor_alert *alerts[32];
	size_t count = backlog_take(backlog, alerts, COUNT_OF(alerts));
	struct buffer out;

	buffer_init(&out, 1024);
	for (size_t i = 0; i < count; i++)
		buffer_printf(&out, "%s%s", i ? "," : "", alerts[i]->text.data + strlen("alert "));
	backlog_settle(backlog, alerts, count);
	return buffer_take(&out);
}

TEST(a_backlog_gives_alerts_in_the_order_of_their_coming)
{
	struct backlog backlog;
	_cleanup_(freep) char *got = NULL;

	backlog_init(&backlog, 0, 0);
	push_priority(&backlog, PRIORITY_DEBUG, 1);
	push_priority(&backlog, PRIORITY_CRITICAL, 2);
	push_priority(&backlog, PRIORITY_DEBUG, 3);
	got = taken(&backlog);
	CHECK_TEXT(got, "1,2,3");
	CHECK_NUMBER(backlog.bytes, 0);
}

TEST(a_full_backlog_drops_the_oldest_of_the_lowest_priority)
{
	struct backlog backlog;
	_cleanup_(freep) char *got = NULL;

	backlog_init(&backlog, 3, 0);
	push_priority(&backlog, PRIORITY_DEBUG, 1);
	push_priority(&backlog, PRIORITY_CRITICAL, 2);
	push_priority(&backlog, PRIORITY_DEBUG, 3);
	push_priority(&backlog, PRIORITY_NOTICE, 4);
	push_priority(&backlog, PRIORITY_NOTICE, 5);
	push_priority(&backlog, PRIORITY_DEBUG, 6);
	CHECK_NUMBER(backlog.dropped, 3);
	got = taken(&backlog);
	CHECK_TEXT(got, "2,4,5");
}

TEST(a_backlog_holds_no_more_bytes_than_it_may)
{
	struct backlog backlog;

	backlog_init(&backlog, 0, 4096);
	for (int i = 0; i < 1000; i++)
		push_priority(&backlog, PRIORITY_NOTICE, i);
	CHECK(backlog.bytes <= 4096);
	CHECK_NUMBER(backlog.dropped + backlog.count, 1000);
	CHECK(backlog_clear(&backlog) > 0);
	CHECK_NUMBER(backlog.bytes, 0);
}

static struct sensor_options *new_options(void)
{
	struct sensor_options *options = NEW(struct sensor_options);

	settings_defaults(sensor_settings_table(), options);
	return options;
}

static void free_options(struct sensor_options *options)
{
	settings_done(sensor_settings_table(), options);
	free(options);
}

static void set(struct sensor_options *options, const char *option)
{
	struct error err = {};

	if (settings_from_option(sensor_settings_table(), options, option, &err) < 0)
		printf("# %s\n", err.message);
	CHECK_NUMBER(err.code, 0);
}

static void set_path(struct sensor_options *options, const char *key, const char *path)
{
	_cleanup_(freep) char *option = string_printf("%s=%s", key, path);

	set(options, option);
}

static char *content_of(const char *path)
{
	char bytes[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes));

	if (fd >= 0)
		close(fd);
	return memory_copy(bytes, length > 0 ? (size_t)length : 0);
}

/* Until the file has so many bytes; the suite's time limit ends a wait in vain. */
static void wait_for_bytes(const char *path, off_t bytes)
{
	struct stat status = {};

	while (stat(path, &status) < 0 || status.st_size < bytes)
		sched_yield();
}

TEST(a_file_that_is_moved_away_is_made_anew)
{
	char folder[] = "/tmp/tercel-outputs-XXXXXX";
	_cleanup_(freep) char *path = NULL, *moved = NULL, *first = NULL, *second = NULL;
	struct sensor_options *options = new_options();
	struct outlets *outlets = NULL;

	CHECK(mkdtemp(folder) != NULL);
	path = string_printf("%s/alerts", folder);
	moved = string_printf("%s/alerts.1", folder);
	set(options, "file_output.enabled=true");
	set(options, "file_output.keep_alive=true");
	set_path(options, "file_output.filename", path);
	CHECK_NUMBER(outlets_new(options, &outlets, NULL), 0);
	push(outlets, 1);
	wait_for_bytes(path, 8);
	CHECK_NUMBER(rename(path, moved), 0);
	outlets_reopen(outlets);
	push(outlets, 2);
	wait_for_bytes(path, 8);
	outlets_stop(outlets, 1000);
	first = content_of(moved);
	second = content_of(path);
	CHECK_TEXT(first, "alert 1\n");
	CHECK_TEXT(second, "alert 2\n");
	unlink(path);
	unlink(moved);
	rmdir(folder);
	free_options(options);
}

TEST(a_file_that_cannot_be_written_is_an_error_at_the_start)
{
	struct sensor_options *options = new_options();
	struct outlets *outlets = NULL;
	struct error err = {};

	set(options, "file_output.enabled=true");
	set(options, "file_output.filename=/nowhere/alerts");
	CHECK_NUMBER(outlets_new(options, &outlets, &err), -ENOENT);
	CHECK_TEXT(err.message, "file_output.filename: cannot write to /nowhere/alerts: No such "
				"file or directory");
	free_options(options);
}

TEST(an_http_output_without_a_url_is_an_error_at_the_start)
{
	struct sensor_options *options = new_options();
	struct outlets *outlets = NULL;
	struct error err = {};

	set(options, "http_output.enabled=true");
	CHECK_NUMBER(outlets_new(options, &outlets, &err), -EINVAL);
	CHECK(strstr(err.message, "http_output.url is empty"));
	free_options(options);
}

#define ALERTS_MAX 256

/* A receiver that answers as it is told and keeps what it took. */
struct receiver {
	struct http_server *server;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned status;	 /* of its answers */
	const char *retry_after; /* header; NULL: none */
	size_t requests, refused;
	char uuids[ALERTS_MAX][UUID_LENGTH + 1]; /* of what it took, by number */
	char refused_uuid[UUID_LENGTH + 1];	 /* of number 1, when it was refused */
	size_t taken;
	char authorization[64];
	char content_type[64];
};

static void take_one(struct receiver *receiver, struct json_object *alert)
{
	int64_t number = json_get_i64(alert, "number", -1);
	struct text uuid = json_get_text(alert, "uuid");
	char *into;

	if (number < 0 || number >= ALERTS_MAX)
		return;
	into = receiver->status < 300 ? receiver->uuids[number]
	       : number == 1	      ? receiver->refused_uuid
				      : NULL;
	if (into)
		snprintf(into, UUID_LENGTH + 1, TEXT_FORMAT, TEXT_PRINT(uuid));
	receiver->taken += receiver->status < 300;
}

static void keep_header(struct http_request *request, const char *name, char *into, size_t size)
{
	struct text value = http_request_header(request, name);

	snprintf(into, size, TEXT_FORMAT, TEXT_PRINT(value));
}

static void receive(struct http_request *request, void *context)
{
	struct receiver *receiver = context;
	struct json_object *root = NULL;
	unsigned status;

	pthread_mutex_lock(&receiver->lock);
	status = receiver->status;
	receiver->requests++;
	receiver->refused += status >= 300;
	keep_header(
		request, "Authorization", receiver->authorization, sizeof(receiver->authorization));
	keep_header(
		request, "Content-Type", receiver->content_type, sizeof(receiver->content_type));
	if (json_parse(http_request_body(request), &root, NULL, NULL) >= 0) {
		if (json_object_is_type(root, json_type_array))
			for (size_t i = 0; i < json_object_array_length(root); i++)
				take_one(receiver, json_object_array_get_idx(root, i));
		else
			take_one(receiver, root);
		json_object_put(root);
	}
	pthread_cond_broadcast(&receiver->changed);
	pthread_mutex_unlock(&receiver->lock);
	if (receiver->retry_after)
		http_reply_header(request, "Retry-After", receiver->retry_after);
	http_reply(request, status, "text/plain", TEXT(""));
}

static const struct http_route receiver_routes[] = { { "POST", "/", receive } };

static uint16_t receiver_start(struct receiver *receiver, uint16_t port)
{
	const struct http_server_options options = { .address = "127.0.0.1",
		.port = port,
		.routes = receiver_routes,
		.route_count = COUNT_OF(receiver_routes),
		.context = receiver,
		.threads = 1,
		.body_limit = 8 << 20 };
	struct error err = {};

	if (http_server_new(&options, &receiver->server, &err) < 0)
		printf("# %s\n", err.message);
	CHECK(receiver->server != NULL);
	return http_server_port(receiver->server);
}

static struct receiver *receiver_new(void)
{
	struct receiver *receiver = NEW(struct receiver);

	receiver->status = 200;
	pthread_mutex_init(&receiver->lock, NULL);
	pthread_cond_init(&receiver->changed, NULL);
	return receiver;
}

static void receiver_free(struct receiver *receiver)
{
	http_server_free(receiver->server);
	pthread_cond_destroy(&receiver->changed);
	pthread_mutex_destroy(&receiver->lock);
	free(receiver);
}

static void wait_until_taken(struct receiver *receiver, size_t taken)
{
	pthread_mutex_lock(&receiver->lock);
	while (receiver->taken < taken)
		pthread_cond_wait(&receiver->changed, &receiver->lock);
	pthread_mutex_unlock(&receiver->lock);
}

static void wait_until_refused(struct receiver *receiver, size_t refused)
{
	pthread_mutex_lock(&receiver->lock);
	while (receiver->refused < refused)
		pthread_cond_wait(&receiver->changed, &receiver->lock);
	pthread_mutex_unlock(&receiver->lock);
}

static void answer_with(struct receiver *receiver, unsigned status)
{
	pthread_mutex_lock(&receiver->lock);
	receiver->status = status;
	pthread_mutex_unlock(&receiver->lock);
}

static struct outlets *outlets_to(uint16_t port, bool is_batch)
{
	struct sensor_options *options = new_options();
	struct outlets *outlets = NULL;
	struct error err = {};
	_cleanup_(freep) char *url = string_printf("http://127.0.0.1:%u/", port);

	set(options, "http_output.enabled=true");
	set(options, "json_output=true");
	set(options, is_batch ? "http_output.batch=true" : "http_output.batch=false");
	set(options, "http_output.token=secret");
	set_path(options, "http_output.url", url);
	CHECK_NUMBER(outlets_new(options, &outlets, &err), 0);
	free_options(options);
	return outlets;
}

static void check_all_taken(const struct receiver *receiver, int from, int to)
{
	for (int i = from; i <= to; i++)
		CHECK(strlen(receiver->uuids[i]) == UUID_LENGTH);
}

TEST(alerts_are_posted_one_by_one_with_uuid_and_token)
{
	struct receiver *receiver = receiver_new();
	struct outlets *outlets = outlets_to(receiver_start(receiver, 0), false);

	for (int i = 1; i <= 5; i++)
		push(outlets, i);
	wait_until_taken(receiver, 5);
	outlets_stop(outlets, 1000);
	check_all_taken(receiver, 1, 5);
	CHECK_NUMBER(receiver->requests, 5);
	CHECK_TEXT(receiver->authorization, "Bearer secret");
	CHECK_TEXT(receiver->content_type, "application/json");
	receiver_free(receiver);
}

TEST(a_receiver_that_dies_and_comes_back_gets_every_alert)
{
	struct receiver *receiver = receiver_new();
	uint16_t port = receiver_start(receiver, 0);
	struct outlets *outlets = outlets_to(port, true);

	push(outlets, 0);
	wait_until_taken(receiver, 1);
	http_server_free(receiver->server);
	receiver->server = NULL;
	for (int i = 1; i <= 200; i++)
		push(outlets, i);
	receiver_start(receiver, port);
	wait_until_taken(receiver, 201);
	CHECK_NUMBER(outlets_lost(outlets), 0);
	outlets_stop(outlets, 1000);
	check_all_taken(receiver, 0, 200);
	CHECK(receiver->requests < 150);
	receiver_free(receiver);
}

TEST(a_busy_receiver_is_asked_again_with_the_same_uuid)
{
	struct receiver *receiver = receiver_new();
	struct outlets *outlets;

	receiver->status = 503;
	receiver->retry_after = "0";
	outlets = outlets_to(receiver_start(receiver, 0), true);
	push(outlets, 1);
	wait_until_refused(receiver, 3);
	answer_with(receiver, 200);
	wait_until_taken(receiver, 1);
	outlets_stop(outlets, 1000);
	CHECK_TEXT(receiver->uuids[1], receiver->refused_uuid);
	receiver_free(receiver);
}

TEST(what_a_receiver_refuses_for_its_content_does_not_hold_up_the_rest)
{
	struct receiver *receiver = receiver_new();
	struct outlets *outlets;

	receiver->status = 400;
	outlets = outlets_to(receiver_start(receiver, 0), false);
	push(outlets, 1);
	wait_until_refused(receiver, 1);
	answer_with(receiver, 200);
	push(outlets, 2);
	wait_until_taken(receiver, 1);
	CHECK_NUMBER(outlets_lost(outlets), 1);
	outlets_stop(outlets, 1000);
	CHECK_TEXT(receiver->uuids[1], "");
	CHECK(*receiver->uuids[2] != '\0');
	receiver_free(receiver);
}

TEST(a_sensor_stops_though_its_receiver_is_away)
{
	struct receiver *receiver = receiver_new();
	uint16_t port = receiver_start(receiver, 0);
	struct outlets *outlets = outlets_to(port, true);

	http_server_free(receiver->server);
	receiver->server = NULL;
	push(outlets, 1);
	outlets_stop(outlets, 50);
	CHECK_NUMBER(receiver->taken, 0);
	receiver_free(receiver);
}
