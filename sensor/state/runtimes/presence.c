/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which runtimes there are: their sockets, and whether somebody answers there. Who does not is
 * asked again with back-off, and at once when a container of his may have come.
 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sensor/state/runtimes/thread.h"

#define CONNECT_TIMEOUT_MS 1000
#define BACKOFF_MAX_MS	   30000
#define ODDITIES_SAID	   10 /* answers that make no sense, in the log, of each runtime */

/* ---- calls ---- */

void request_reset(struct request *request)
{
	buffer_done(&request->body);
	buffer_init(&request->body, 64 * 1024);
	request->path[0] = '\0';
	request->is_get = false;
}

int send_request(
	struct runtime *runtime, const struct request *request, http_done *done, void *context)
{
	static const char *const grpc[] = { "Content-Type: application/grpc", "TE: trailers",
		NULL };
	char url[sizeof(request->path) + 32];
	struct http_call call = {
		.url = url,
		.socket_path = runtime->socket.path,
		.headers = runtime->socket.kind->uses_grpc ? grpc : NULL,
		.body = request->is_get ? (struct text){ 0 } : buffer_text(&request->body),
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = runtime->owner->call_timeout_ms,
		.uses_http2 = runtime->socket.kind->uses_grpc,
		.answer_max = ANSWER_BYTES_MAX,
	};
	int r;

	snprintf(url, sizeof(url), "http://localhost%s", request->path);
	r = http_client_start(runtime->owner->client, &call, done, context);
	if (!r)
		runtime->calls++;
	return r;
}

/* ---- is it there? ---- */

static void say(struct runtime *runtime, enum log_level level, const char *line)
{
	if (!strcmp(runtime->said, line))
		return;
	snprintf(runtime->said, sizeof(runtime->said), "%s", line);
	if (!runtime->owner->is_quiet)
		log_write(level, "%s", line);
}

static void runtime_up(struct runtime *runtime, const char *about)
{
	_cleanup_(freep) char *line =
		string_printf("%s answers at %s", about, runtime->socket.name);
	bool is_news = runtime->state != RUNTIME_UP;

	runtime->state = RUNTIME_UP;
	snprintf(runtime->about, sizeof(runtime->about), "%s", about);
	runtime->backoff_ms = 0;
	if (runtime->socket.kind != &runtime_cri)
		runtime->type = runtime->socket.kind->name;
	else
		runtime->type = !strncmp(about, "cri-o", 5) ? "cri-o" : "containerd";
	atomic_store(runtime->up, 1);
	say(runtime, LOG_LEVEL_INFO, line);
	if (!is_news)
		return;
	survey(runtime);
	give(runtime->owner, (struct runtimes_answer){ .answer = ANSWER_NEWS });
}

static void runtime_down(struct runtime *runtime, const char *reason)
{
	_cleanup_(freep) char *line =
		string_printf("no answer at %s: %s; its containers are known by their ids alone",
			runtime->socket.name, reason);

	runtime->state = RUNTIME_DOWN;
	snprintf(runtime->about, sizeof(runtime->about), "%s", reason);
	runtime->backoff_ms = runtime->backoff_ms ? MIN_OF(2 * runtime->backoff_ms, BACKOFF_MAX_MS)
						  : BACKOFF_FIRST_MS;
	runtime->next_probe_ms = clock_ms(CLOCK_MONOTONIC) + runtime->backoff_ms;
	atomic_store(runtime->up, 0);
	say(runtime, LOG_LEVEL_WARNING, line);
	/* Another daemon may be behind the socket next time. */
	forget_all(&runtime->pods);
	forget_all(&runtime->images);
	survey_forget(runtime);
}

/* libcurl's words for a unix socket are those for a port of localhost. */
static const char *why(const struct runtime *runtime, const struct http_answer *answer)
{
	if (answer->error == -ETIMEDOUT)
		return "it accepts connections and does not answer";
	if (answer->error != -ECONNREFUSED)
		return answer->message;
	return access(runtime->socket.path, W_OK) ? strerror(errno) : "nobody listens there";
}

void runtime_lost(struct runtime *runtime, const struct http_answer *answer)
{
	runtime_down(runtime, why(runtime, answer));
}

void say_oddity(struct runtime *runtime, const char *reason)
{
	_cleanup_(freep) char *line = string_printf("%s: %s", runtime->socket.name, reason);

	if (runtime->oddities++ < ODDITIES_SAID)
		log_warning("%s", line);
}

static void take_probe(void *context, struct http_answer *answer)
{
	struct runtime *runtime = context;
	const struct runtime_kind *kind = runtime->socket.kind;
	struct error err = { 0 };
	struct buffer about;
	int r;

	runtime->calls--;
	runtime->is_probing = false;
	/* Some end the stream of a call that they do not know before all of the answer is read. */
	if (answer->error == -EIO && kind->prefixes[runtime->version + 1]) {
		runtime->version++;
		runtime->next_probe_ms = 0;
		return;
	}
	if (answer->error) {
		runtime_down(runtime, why(runtime, answer));
		return;
	}
	buffer_init(&about, 200);
	r = kind->take_version(answer, &about, &err);
	if (r == -ENOENT && kind->prefixes[runtime->version + 1]) {
		runtime->version++;
		runtime->next_probe_ms = 0;
	} else if (r == -ENOENT) {
		runtime_down(runtime, "it speaks no version of the interface that we know");
	} else if (r < 0) {
		runtime_down(runtime, err.message);
	} else {
		if (kind->uses_grpc)
			buffer_printf(&about, " (%s)", kind->prefixes[runtime->version]);
		runtime_up(runtime, about.data);
	}
	buffer_done(&about);
}

static void probe(struct runtime *runtime)
{
	const struct runtime_kind *kind = runtime->socket.kind;

	runtime->is_probing = true;
	runtime->probed_ms = clock_ms(CLOCK_MONOTONIC);
	runtime->next_probe_ms = INT64_MAX;
	request_reset(&runtime->probe);
	kind->compose_version(kind->prefixes[runtime->version], &runtime->probe);
	if (send_request(runtime, &runtime->probe, take_probe, runtime) < 0) {
		runtime->is_probing = false;
		runtime->next_probe_ms = clock_ms(CLOCK_MONOTONIC) + RETRY_REFUSED_MS;
	}
}

static void probe_anew(struct runtime *runtime)
{
	if (runtime->is_probing || runtime->socket.error)
		return;
	runtime->version = 0;
	if (runtime->state == RUNTIME_DOWN)
		runtime->state = RUNTIME_PROBING;
	probe(runtime);
}

/* Starts what is due. A runtime that is up is probed after a call of it timed out. */
void probe_due(struct runtime *runtime)
{
	if (runtime->is_probing || runtime->socket.error ||
		clock_ms(CLOCK_MONOTONIC) < runtime->next_probe_ms)
		return;
	if (runtime->state == RUNTIME_DOWN)
		runtime->version = 0;
	probe(runtime);
}

/* ---- which sockets there are ---- */

static struct runtime *runtime_new(struct runtimes *runtimes, const struct found_socket *socket)
{
	_cleanup_(buffer_done) struct buffer labels;
	struct runtime *runtime = NEW(struct runtime);

	buffer_init(&labels, 512);
	metrics_label(&labels, "runtime", text_of(socket->kind->name));
	metrics_label(&labels, "socket", text_of(socket->name));
	runtime->owner = runtimes;
	runtime->socket = *socket;
	runtime->type = socket->kind->name;
	runtime->state = RUNTIME_PROBING;
	runtime->up = metrics_gauge(runtimes->metrics, "tercel_sensor_runtime_up",
		"Whether a container runtime answers", labels.data);
	runtime->asked = metrics_counter(runtimes->metrics, "tercel_sensor_runtime_calls_total",
		"Calls to a container runtime", labels.data);
	runtime->failed = metrics_counter(runtimes->metrics, "tercel_sensor_runtime_failures_total",
		"Calls that a container runtime did not answer or answered wrongly", labels.data);
	return runtime;
}

void runtime_free(struct runtime *runtime)
{
	forget_all(&runtime->pods);
	forget_all(&runtime->images);
	forget_all(&runtime->met);
	buffer_done(&runtime->probe.body);
	buffer_done(&runtime->images_request.body);
	buffer_done(&runtime->root_request.body);
	free(runtime->root);
	free(runtime);
}

static struct runtime *find_runtime(struct runtimes *runtimes, const struct found_socket *socket)
{
	for (size_t i = 0; i < runtimes->count; i++)
		if (!strcmp(runtimes->runtimes[i]->socket.name, socket->name))
			return runtimes->runtimes[i];
	return NULL;
}

/* A socket that was found: new, made anew by a daemon that came back, or as before. */
static void meet(struct runtimes *runtimes, const struct found_socket *socket)
{
	struct runtime *runtime = find_runtime(runtimes, socket);
	bool is_other;

	if (!runtime) {
		if (runtimes->count == SOCKETS_MAX)
			return;
		runtime = runtime_new(runtimes, socket);
		runtimes->runtimes[runtimes->count++] = runtime;
		is_other = true;
	} else {
		is_other = runtime->socket.inode != socket->inode ||
			   runtime->socket.device != socket->device;
		runtime->socket = *socket;
	}
	if (socket->error)
		runtime_down(runtime, strerror(-socket->error));
	else if (is_other)
		probe_anew(runtime);
}

static void miss(struct runtime *runtime, const struct found_socket *sockets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(sockets[i].name, runtime->socket.name))
			return;
	if (runtime->socket.error == -ENOENT)
		return;
	runtime->socket.error = -ENOENT;
	runtime->socket.inode = 0;
	if (!runtime->is_probing)
		runtime_down(runtime, strerror(ENOENT));
}

void look(struct runtimes *runtimes)
{
	_cleanup_(freep) struct found_socket *sockets = NEW_ARRAY(struct found_socket, SOCKETS_MAX);
	size_t count = sockets_find(&runtimes->sockets, sockets);

	runtimes->next_look_ms = clock_ms(CLOCK_MONOTONIC) + LOOK_EVERY_MS;
	for (size_t i = 0; i < runtimes->count; i++)
		miss(runtimes->runtimes[i], sockets, count);
	for (size_t i = 0; i < count; i++)
		meet(runtimes, &sockets[i]);
}

bool try_the_lost(struct runtimes *runtimes)
{
	bool is_probing = false;
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	if (now >= runtimes->next_look_ms - LOOK_EVERY_MS + RETRY_REFUSED_MS)
		look(runtimes);
	for (size_t i = 0; i < runtimes->count; i++) {
		struct runtime *runtime = runtimes->runtimes[i];

		if (runtime->state == RUNTIME_DOWN &&
			now >= runtime->probed_ms + RETRY_REFUSED_MS &&
			runtime->backoff_ms < 4 * BACKOFF_FIRST_MS)
			probe_anew(runtime);
		is_probing |= runtime->state == RUNTIME_PROBING;
	}
	return is_probing;
}
