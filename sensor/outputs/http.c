/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts posted to a URL: one a request as Falco does, or many as a JSON array to a receiver that
 * takes them, such as our forwarder. A receiver that is away, busy or shuts us out is asked again
 * with the same alerts and the same uuids, at growing distances; only what it refuses for its
 * content is given up.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/http-client.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "sensor/outputs/output.h"
#include "sensor/sensor.h"

#define FIRST_PAUSE_MS	   250
#define LONGEST_PAUSE_MS   30000
#define RETRY_AFTER_MAX_MS (5 * 60 * 1000)
#define TURN_MS		   50 /* how often a call under way looks whether the sensor stops */
#define BODY_MAX	   (8 * 1024 * 1024)
/* The forwarder takes bodies of this size (spec: 1 MiB an alert); a batch stays below it. */
#define BATCH_BYTES (512 * 1024)

enum verdict { SENT, REFUSED, LATER };

struct http_state {
	struct http_client *client;
	struct http_call call;
	char *url;
	char *beat_url, *beat_body; /* NULL: the receiver is not our forwarder */
	char *socket_path;
	char *agent_header, *token_header;
	char *ca_file, *ca_path, *certificate_file, *key_file;
	const char *headers[5];
	bool is_batch, is_json;
	bool echoes, compresses;
	bool is_away;	  /* the last try failed, and that was told */
	bool is_refusing; /* the last alert was refused, and that was told */
	struct buffer body;
	struct buffer packed; /* the body, compressed */
};

static char *copy_unless_empty(const char *text)
{
	return text && *text ? string_copy(text) : NULL;
}

static void http_close(void *argument)
{
	struct http_state *state = argument;

	http_client_free(state->client);
	buffer_done(&state->body);
	buffer_done(&state->packed);
	free(state->url);
	free(state->beat_url);
	free(state->beat_body);
	free(state->socket_path);
	free(state->agent_header);
	free(state->token_header);
	free(state->ca_file);
	free(state->ca_path);
	free(state->certificate_file);
	free(state->key_file);
	free(state);
}

static int read_token(const char *path, char **ret_token, struct error *err)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	char line[4096];

	if (!file)
		return error_set(err, -errno, "http_output.token_file: cannot read %s: %s", path,
			strerror(errno));
	if (!fgets(line, sizeof(line), file) || !text_trim(text_of(line)).length)
		return error_set(err, -EINVAL, "http_output.token_file: %s is empty", path);
	*ret_token = text_to_string(text_trim(text_of(line)));
	return 0;
}

static int prepare_token(
	struct http_state *state, const struct sensor_options *options, struct error *err)
{
	_cleanup_(freep) char *token = copy_unless_empty(options->http_token);
	int r;

	if (!token && options->http_token_file && *options->http_token_file) {
		r = read_token(options->http_token_file, &token, err);
		if (r < 0)
			return r;
	}
	if (token)
		state->token_header = string_printf("Authorization: Bearer %s", token);
	return 0;
}

static void prepare_call(struct http_state *state, const struct sensor_options *options)
{
	size_t count = 0;

	state->headers[count++] =
		state->is_json ? "Content-Type: application/json" : "Content-Type: text/plain";
	state->headers[count++] = state->agent_header;
	if (state->token_header)
		state->headers[count++] = state->token_header;
	if (state->compresses)
		state->headers[count++] = "Content-Encoding: gzip";
	state->call = (struct http_call){
		.method = "POST",
		.url = state->url,
		.socket_path = state->socket_path,
		.headers = state->headers,
		.accepts_any_certificate = options->http_insecure,
		.ca_file = state->ca_file,
		.ca_path = state->ca_path,
		.certificate_file = state->certificate_file,
		.key_file = state->key_file,
	};
}

static void prepare_tls(struct http_state *state, const struct sensor_options *options)
{
	state->ca_file = copy_unless_empty(
		*options->http_ca_cert ? options->http_ca_cert : options->http_ca_bundle);
	/* With a file of its own the folder would only widen the trust. */
	if (!state->ca_file)
		state->ca_path = copy_unless_empty(options->http_ca_path);
	if (options->http_mtls) {
		state->certificate_file = copy_unless_empty(options->http_client_cert);
		state->key_file = copy_unless_empty(options->http_client_key);
	}
}

/* http://forwarder:2801/any?thing -> http://forwarder:2801/beat */
static char *beat_url(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url;

	return string_printf("%.*s/beat", (int)(host - url + (ptrdiff_t)strcspn(host, "/?#")), url);
}

/* Only a receiver that takes many alerts at once is our forwarder. */
static void prepare_beat(struct http_state *state, const struct sensor_options *options)
{
	char name[256] = { 0 };
	struct buffer body;

	if (!options->http_batch)
		return;
	(void)gethostname(name, sizeof(name) - 1);
	buffer_init(&body, 4096);
	buffer_add_string(&body, "{\"hostname\":\"");
	json_escape(&body, text_of(*options->hostname ? options->hostname : name));
	buffer_add_string(&body, "\"}");
	state->beat_body = buffer_take(&body);
	state->beat_url = beat_url(state->url);
}

static int http_open(const struct sensor_options *options, void **ret_state, struct error *err)
{
	struct http_state *state;
	int r;

	if (!options->http_enabled)
		return 0;
	if (!*options->http_url)
		return error_set(err, -EINVAL,
			"http_output.url is empty; set it to the receiver's "
			"URL, e.g. http://localhost:2801/");
	state = NEW(struct http_state);
	buffer_init(&state->body, BODY_MAX);
	buffer_init(&state->packed, BODY_MAX);
	state->echoes = options->http_echo;
	state->compresses = options->http_compress;
	state->is_batch = options->http_batch;
	state->is_json = options->json_output || options->http_batch;
	state->url = string_copy(options->http_url);
	state->socket_path = copy_unless_empty(options->http_unix_socket);
	state->agent_header = string_printf("User-Agent: %s", options->http_user_agent);
	prepare_tls(state, options);
	prepare_beat(state, options);
	r = prepare_token(state, options, err);
	if (r < 0) {
		http_close(state);
		return r;
	}
	prepare_call(state, options);
	state->client = http_client_new(1);
	*ret_state = state;
	return 1;
}

/* One call under way. */
struct attempt {
	bool is_done, echoes;
	enum verdict verdict;
	int64_t retry_after_ms;
	char why[320];
};

static bool is_content_refused(unsigned status)
{
	return status == 400 || status == 413 || status == 415 || status == 422;
}

static void take_answer(void *context, struct http_answer *answer)
{
	struct attempt *attempt = context;

	attempt->is_done = true;
	attempt->retry_after_ms = answer->retry_after_ms;
	if (attempt->echoes && answer->body.length)
		(void)!write(STDOUT_FILENO, answer->body.data, answer->body.length);
	if (answer->error)
		snprintf(attempt->why, sizeof(attempt->why), "%s",
			*answer->message ? answer->message : strerror(-answer->error));
	else
		snprintf(attempt->why, sizeof(attempt->why), "it answered %u", answer->status);
	if (answer->error)
		attempt->verdict = LATER;
	else if (answer->status < 300)
		attempt->verdict = SENT;
	else
		attempt->verdict = is_content_refused(answer->status) ? REFUSED : LATER;
}

/* RFC 1952; 16 more than the window's bits asks zlib for it. */
static int compress_body(struct http_state *state)
{
	z_stream stream = { .next_in = (Bytef *)state->body.data,
		.avail_in = (uInt)state->body.length };
	_cleanup_(freep) char *packed = NULL;
	uLong size;
	int r;

	if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	size = deflateBound(&stream, (uLong)state->body.length);
	packed = memory_new(1, size);
	stream.next_out = (Bytef *)packed;
	stream.avail_out = (uInt)size;
	r = deflate(&stream, Z_FINISH);
	buffer_clear(&state->packed);
	if (r == Z_STREAM_END)
		buffer_add_text(&state->packed, (struct text){ packed, stream.total_out });
	deflateEnd(&stream);
	return r == Z_STREAM_END ? 0 : -EIO;
}

static void make_call(struct http_state *state, struct outlet *outlet, struct attempt *attempt)
{
	if (http_client_start(state->client, &state->call, take_answer, attempt) < 0)
		return;
	while (!attempt->is_done && outlet_may_wait(outlet))
		http_client_run(state->client, TURN_MS);
	if (attempt->is_done)
		return;
	/* The call still points at our attempt: end it together with its client. */
	http_client_free(state->client);
	state->client = http_client_new(1);
}

/* Posts the body once. An attempt that the sensor's stop cuts short counts as later. */
static void post(struct http_state *state, struct outlet *outlet, struct attempt *ret_attempt)
{
	*ret_attempt =
		(struct attempt){ .verdict = LATER, .retry_after_ms = -1, .echoes = state->echoes };
	state->call.body = buffer_text(&state->body);
	if (state->compresses && compress_body(state) >= 0)
		state->call.body = buffer_text(&state->packed);
	make_call(state, outlet, ret_attempt);
}

static void tell_away(struct http_state *state, const struct attempt *attempt)
{
	if (!state->is_away)
		log_warning("http output: %s: %s; alerts wait and are sent again", state->url,
			attempt->why);
	state->is_away = true;
}

static void tell_refused(
	struct http_state *state, struct outlet *outlet, const struct attempt *attempt)
{
	if (!state->is_refusing)
		log_error("http output: %s refuses alerts: %s; they are lost there and counted",
			state->url, attempt->why);
	state->is_refusing = true;
	outlet_add_lost(outlet, 1);
}

static void tell_back(struct http_state *state, struct outlet *outlet)
{
	state->is_refusing = false;
	if (state->is_away)
		log_info("http output: %s takes alerts again; %zu were waiting", state->url,
			outlet_waiting(outlet));
	state->is_away = false;
}

/* The pause with up to a quarter more or less, so that sensors do not come back in step. */
static int64_t with_jitter(int64_t ms)
{
	uint32_t random = arc4random_uniform((uint32_t)(ms / 2 + 1));

	return ms - ms / 4 + random;
}

/* Posts the body until it is taken, refused for its content, or the sensor stops. */
static enum verdict deliver(
	struct http_state *state, struct outlet *outlet, struct attempt *ret_attempt)
{
	int64_t pause_ms = FIRST_PAUSE_MS;
	struct attempt attempt;

	for (;;) {
		post(state, outlet, &attempt);
		if (attempt.verdict == SENT)
			tell_back(state, outlet);
		if (attempt.verdict != LATER || !outlet_may_wait(outlet))
			break;
		tell_away(state, &attempt);
		outlet_wait(outlet,
			attempt.retry_after_ms >= 0
				? with_jitter(MIN_OF(attempt.retry_after_ms, RETRY_AFTER_MAX_MS))
				: with_jitter(pause_ms));
		pause_ms = MIN_OF(pause_ms * 2, LONGEST_PAUSE_MS);
	}
	*ret_attempt = attempt;
	return attempt.verdict;
}

/*
 * The alert with its uuid in front: {"uuid":"…","hostname":… One of before a reload, when nobody
 * wanted JSON, has its text alone, which is escaped as JSON.
 */
static void add_json(struct buffer *body, const struct sensor_alert *alert)
{
	buffer_printf(
		body, "{\"uuid\":\"%s\"%s", alert->uuid, text_is(alert->json, "{}") ? "" : ",");
	if (!alert->json.length) {
		buffer_printf(body, "\"output\":\"" TEXT_FORMAT "\"}", TEXT_PRINT(alert->text));
		return;
	}
	buffer_add_text(body, text_slice(alert->json, 1, alert->json.length));
}

static enum verdict deliver_one(
	struct http_state *state, struct outlet *outlet, const struct sensor_alert *alert)
{
	struct attempt attempt;
	enum verdict verdict;

	buffer_clear(&state->body);
	if (state->is_json)
		add_json(&state->body, alert);
	else
		buffer_add_text(&state->body, alert->text);
	verdict = deliver(state, outlet, &attempt);
	if (verdict == REFUSED)
		tell_refused(state, outlet, &attempt);
	return verdict;
}

/* One after the other; gives how many were taken or refused. */
static size_t deliver_each(struct http_state *state, struct outlet *outlet,
	struct sensor_alert *const *alerts, size_t count)
{
	size_t done = 0;

	while (done < count && deliver_one(state, outlet, alerts[done]) != LATER)
		done++;
	return done;
}

/* As many as fit into one request. */
static size_t fill_batch(struct http_state *state, struct sensor_alert *const *alerts, size_t count)
{
	size_t taken = 0;

	buffer_clear(&state->body);
	buffer_add_char(&state->body, '[');
	while (taken < count &&
		(!taken || state->body.length + alerts[taken]->json.length < BATCH_BYTES)) {
		buffer_add_string(&state->body, taken ? "," : "");
		add_json(&state->body, alerts[taken++]);
	}
	buffer_add_char(&state->body, ']');
	return taken;
}

static size_t http_write(
	void *argument, struct outlet *outlet, struct sensor_alert *const *alerts, size_t count)
{
	struct http_state *state = argument;
	size_t done = 0;

	if (!state->is_batch)
		return deliver_each(state, outlet, alerts, count);
	while (done < count) {
		size_t taken = fill_batch(state, alerts + done, count - done);
		struct attempt attempt;
		enum verdict verdict = deliver(state, outlet, &attempt);

		if (verdict == LATER)
			break;
		/* One bad alert must not take the others with it. */
		if (verdict == REFUSED && deliver_each(state, outlet, alerts + done, taken) < taken)
			break;
		done += taken;
	}
	return done;
}

/* One that gets lost is followed by the next. */
static void http_beat(void *argument, struct outlet *outlet)
{
	struct http_state *state = argument;
	struct http_call alerts = state->call;
	const char *headers[] = { "Content-Type: application/json", state->agent_header,
		state->token_header, NULL };
	struct attempt attempt = { 0 };

	if (!state->beat_url)
		return;
	state->call.url = state->beat_url;
	state->call.headers = headers;
	state->call.body = text_of(state->beat_body);
	state->call.timeout_ms = OUTLET_BEAT_MS;
	make_call(state, outlet, &attempt);
	state->call = alerts;
}

const struct sensor_output output_http = {
	.name = "http",
	.open = http_open,
	.write = http_write,
	.beat = http_beat,
	.close = http_close,
};
