/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP over JSON, protobuf and gRPC.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "base/memory.h"
#include "forwarder/otlp.h"
#include "forwarder/otlp.pb-c.h"
#include "forwarder/protobuf.h"

#define GRPC_HEAD_BYTES 5 /* a flag, and the length */
#define SERVICE		"/opentelemetry.proto.collector."

const struct otlp_signal otlp_logs = { "otlp.logs", "/v1/logs",
	SERVICE "logs.v1.LogsService/Export", &otlp__logs_request__descriptor };
const struct otlp_signal otlp_traces = { "otlp.traces", "/v1/traces",
	SERVICE "trace.v1.TraceService/Export", &otlp__traces_request__descriptor };
const struct otlp_signal otlp_metrics = { "otlp.metrics", "/v1/metrics",
	SERVICE "metrics.v1.MetricsService/Export", &otlp__metrics_request__descriptor };

int otlp_check(const struct otlp *otlp, const struct otlp_signal *signal, struct error *err)
{
	_cleanup_(freep) char *key = string_printf("%s.endpoint", signal->key);

	if (otlp->protocol == OTLP_GRPC && !strstr(otlp->endpoint, "://"))
		return 0;
	return check_url(key, otlp->endpoint, err);
}

/* "a=b,c=d" */
static void add_headers(struct request *request, const char *headers)
{
	struct text rest = text_of(headers), pair, name;

	while (text_split(&rest, ',', &pair)) {
		_cleanup_(freep) char *key = NULL;

		pair = text_trim(pair);
		if (!text_split(&pair, '=', &name) || !name.length)
			continue;
		key = text_to_string(text_trim(name));
		request_header(request, key, text_trim(pair));
	}
}

/* The endpoint may leave out the path. */
static void add_address(struct buffer *url, struct text endpoint, const char *path)
{
	ptrdiff_t scheme = text_find(endpoint, TEXT("://"));
	struct text rest = text_slice(endpoint, (size_t)scheme + 3, endpoint.length);

	buffer_add_text(url, endpoint);
	if (text_find(rest, TEXT("/")) < 0)
		buffer_add_string(url, path);
}

/* Its path, if it names one, is not the service's. */
static void add_grpc_address(struct buffer *url, const struct otlp *otlp, const char *service)
{
	struct text rest = text_of(otlp->endpoint), host;
	ptrdiff_t scheme = text_find(rest, TEXT("://"));
	bool is_https = scheme < 0 ? otlp->uses_tls : text_starts_with(rest, TEXT("https:"));

	if (scheme >= 0)
		rest = text_slice(rest, (size_t)scheme + 3, rest.length);
	text_split(&rest, '/', &host);
	buffer_add_string(url, is_https ? "https://" : "http://");
	buffer_add_text(url, host);
	buffer_add_string(url, service);
}

/* In place of the JSON. What does not fit, which our own JSON always does, is left empty. */
static void make_protobuf(struct buffer *body, const struct otlp_signal *signal, bool is_grpc)
{
	char head[GRPC_HEAD_BYTES] = { 0 };
	struct buffer packed;
	uint32_t length;

	buffer_init(&packed, REQUEST_BODY_MAX);
	(void)protobuf_pack(signal->request, buffer_text(body), &packed, NULL);
	buffer_clear(body);
	length = htonl((uint32_t)packed.length);
	memcpy(head + 1, &length, sizeof(length));
	if (is_grpc)
		buffer_add(body, head, sizeof(head));
	buffer_add_text(body, buffer_text(&packed));
	buffer_done(&packed);
}

void otlp_finish(struct request *request, const struct otlp *otlp, const struct otlp_signal *signal)
{
	static const struct text types[] = {
		[OTLP_JSON] = { "application/json", 16 },
		[OTLP_PROTOBUF] = { "application/x-protobuf", 22 },
		[OTLP_GRPC] = { "application/grpc", 16 },
	};
	bool is_grpc = otlp->protocol == OTLP_GRPC;

	request_header(request, "Content-Type", types[otlp->protocol]);
	if (is_grpc) {
		request->uses_http2 = true;
		request_header(request, "TE", TEXT("trailers"));
		add_grpc_address(&request->url, otlp, signal->service);
	} else {
		add_address(&request->url, text_of(otlp->endpoint), signal->path);
	}
	add_headers(request, otlp->headers);
	if (otlp->protocol != OTLP_JSON)
		make_protobuf(&request->body, signal, is_grpc);
}

/* What the specification calls retryable, and what says something about us and not the alerts. */
static enum verdict verdict_of_grpc(int status)
{
	static const enum verdict verdicts[] = {
		[0] = VERDICT_SENT,
		[1] = VERDICT_LATER,	       /* CANCELLED */
		[2] = VERDICT_LATER,	       /* UNKNOWN: many servers say so when they fail */
		[3] = VERDICT_ALERT_REFUSED,   /* INVALID_ARGUMENT */
		[4] = VERDICT_LATER,	       /* DEADLINE_EXCEEDED */
		[5] = VERDICT_OUTPUT_REFUSED,  /* NOT_FOUND */
		[6] = VERDICT_SENT,	       /* ALREADY_EXISTS */
		[7] = VERDICT_OUTPUT_REFUSED,  /* PERMISSION_DENIED */
		[8] = VERDICT_LATER,	       /* RESOURCE_EXHAUSTED */
		[9] = VERDICT_ALERT_REFUSED,   /* FAILED_PRECONDITION */
		[10] = VERDICT_LATER,	       /* ABORTED */
		[11] = VERDICT_LATER,	       /* OUT_OF_RANGE */
		[12] = VERDICT_OUTPUT_REFUSED, /* UNIMPLEMENTED */
		[13] = VERDICT_LATER,	       /* INTERNAL */
		[14] = VERDICT_LATER,	       /* UNAVAILABLE */
		[15] = VERDICT_LATER,	       /* DATA_LOSS */
		[16] = VERDICT_OUTPUT_REFUSED, /* UNAUTHENTICATED */
	};

	return status < (int)COUNT_OF(verdicts) ? verdicts[status] : VERDICT_LATER;
}

static int64_t rejected_of_json(struct text body)
{
	static const char *const names[] = { "rejectedLogRecords", "rejectedSpans",
		"rejectedDataPoints" };
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct json_object *partial, *rejected;
	int64_t count = 0;

	if (json_parse(body, &root, NULL, NULL) < 0)
		return 0;
	partial = json_get(root, "partialSuccess");
	for (size_t i = 0; i < COUNT_OF(names) && !count; i++) {
		rejected = json_get(partial, names[i]);
		count = rejected ? json_object_get_int64(rejected) : 0;
	}
	return count;
}

static int64_t rejected_of_protobuf(struct text body)
{
	Otlp__ExportResponse *answer = otlp__export_response__unpack(
		NULL, body.length, (const uint8_t *)(body.data ? body.data : ""));
	int64_t count = answer && answer->partial_success ? answer->partial_success->rejected : 0;

	if (answer)
		otlp__export_response__free_unpacked(answer, NULL);
	return count;
}

/*
 * Success may mean that some were rejected ("Partial Success"), without saying which: then each
 * goes alone, and the one that is rejected becomes a dead letter. The others arrive twice, with the
 * same uuid.
 */
enum verdict otlp_verdict(const struct http_answer *answer)
{
	struct text body = buffer_text(&answer->body), type = text_of(answer->content_type);
	enum verdict of_status = verdict_of_answer(answer);
	bool is_grpc = text_starts_with(type, TEXT("application/grpc"));
	int64_t rejected;

	if (of_status != VERDICT_SENT)
		return of_status;
	if (is_grpc && answer->grpc_status != 0)
		return answer->grpc_status < 0 ? VERDICT_LATER
					       : verdict_of_grpc(answer->grpc_status);
	if (is_grpc)
		rejected = rejected_of_protobuf(text_slice(body, GRPC_HEAD_BYTES, body.length));
	else if (text_starts_with(type, TEXT("application/x-protobuf")))
		rejected = rejected_of_protobuf(body);
	else
		rejected = rejected_of_json(body);
	return rejected > 0 ? VERDICT_ALERT_REFUSED : VERDICT_SENT;
}

void otlp_add_string(struct json_writer *json, const char *key, struct text value)
{
	json_begin_object(json);
	json_key(json, "key");
	json_add_string(json, key);
	json_key(json, "value");
	json_begin_object(json);
	json_key(json, "stringValue");
	json_add_text(json, value);
	json_end(json);
	json_end(json);
}

void otlp_add_number(struct json_writer *json, const char *key, int64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	json_key(json, key);
	json_add_string(json, text);
}

static void add_resource(struct json_writer *json)
{
	json_key(json, "resource");
	json_begin_object(json);
	json_key(json, "attributes");
	json_begin_array(json);
	otlp_add_string(json, "service.name", TEXT("falco"));
	otlp_add_string(json, "service.version", TEXT("v0.1.0"));
	json_end(json);
	json_end(json);
}

void otlp_begin(
	struct json_writer *json, const char *resources, const char *scopes, const char *items)
{
	json_begin_object(json);
	json_key(json, resources);
	json_begin_array(json);
	json_begin_object(json);
	add_resource(json);
	json_key(json, scopes);
	json_begin_array(json);
	json_begin_object(json);
	json_key(json, items);
	json_begin_array(json);
}
