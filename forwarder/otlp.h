/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the outputs of the OpenTelemetry protocol share (opentelemetry.io, "OTLP
 * Specification" 1.x): they compose JSON, and otlp_finish() makes of it what otlp.*.protocol asks
 * for: JSON or protobuf over HTTP, or gRPC.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "forwarder/output.h"

enum otlp_protocol { OTLP_JSON, OTLP_PROTOBUF, OTLP_GRPC };

/* The settings of each begin with these. */
struct otlp {
	struct output_settings common;
	char *endpoint, *headers;
	int protocol; /* enum otlp_protocol */
	bool uses_tls;
};

#define OTLP_ROWS(of, path)                                                                      \
	OUTPUT_ROW_TEXT(of, otlp.endpoint, "endpoint", NULL,                                     \
		"Address, such as http://collector:4318" path " or, for grpc, collector:4317; "  \
		"switches the output on"),                                                       \
		OUTPUT_ROW_CHOICE(of, otlp.protocol, "protocol", "http/json http/protobuf grpc", \
			"http/json", "How it is sent"),                                          \
		OUTPUT_ROW_SECRET(of, otlp.headers, "headers",                                   \
			"Headers to add, such as api-key=secret,tenant=a"),                      \
		OUTPUT_ROW_BOOL(of, otlp.uses_tls, "tls", "false",                               \
			"TLS for grpc whose endpoint names no scheme; over HTTP the endpoint "   \
			"says https"),                                                           \
		OUTPUT_ROW_IGNORED("timeout", "10000", "a request has 30 s"),                    \
		OUTPUT_ROW_IGNORED(                                                              \
			"synced", "false", "alerts wait in the journal until they are taken"),   \
		OUTPUT_ROW_IGNORED("extraenvvars", NULL, "there is no SDK that would read them")

/* Of one signal. */
struct otlp_signal {
	const char *key;  /* "otlp.logs" */
	const char *path; /* "/v1/logs", where the endpoint names none */
	const char *service;
	const ProtobufCMessageDescriptor *request;
};
extern const struct otlp_signal otlp_logs, otlp_traces, otlp_metrics;

int otlp_check(const struct otlp *otlp, const struct otlp_signal *signal, struct error *err);
/* The request's body is JSON; adds the rest. */
void otlp_finish(
	struct request *request, const struct otlp *otlp, const struct otlp_signal *signal);
enum verdict otlp_verdict(const struct http_answer *answer);

/* Parts of the JSON; otlp_begin() opens it up to the array of `items`, json.depth closes it. */
void otlp_begin(
	struct json_writer *json, const char *resources, const char *scopes, const char *items);
void otlp_add_string(struct json_writer *json, const char *key, struct text value);
/* 64 bits are text in protobuf's JSON. */
void otlp_add_number(struct json_writer *json, const char *key, int64_t number);
