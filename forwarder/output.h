/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An output: what it needs to know, and how alerts become its receiver's language. An output does
 * not connect, retry, count or log; delivery.h does. To add one, write a file in outputs/ that
 * defines a `const struct output output_NAME`, and put NAME into outputs/meson.build.
 */
#pragma once

#include "alert/alert.h"
#include "base/http-client.h"
#include "base/settings.h"
#include "forwarder/request.h"

/* An alert on its way to an output. */
struct message {
	struct text raw;	   /* the "raw event" of spec/forwarder.md 2 */
	const struct alert *alert; /* only where output.reads_alerts; else NULL */
};

struct messages {
	const struct message *items;
	size_t count;
	/* Titles of all outputs that are switched on, for those who tell. */
	const char *const *enabled;
	size_t enabled_count;
};

enum verdict {
	VERDICT_SENT,
	/* This alert will never be taken (400, 413, 422): a dead letter. */
	VERDICT_ALERT_REFUSED,
	/* Not now (a timeout, 408, 425, 429, 5xx): again, but not for ever. */
	VERDICT_LATER,
	/* No alert is taken (401, 403, 404, 407, TLS, DNS, nobody listens): all wait. */
	VERDICT_OUTPUT_REFUSED,
};

/* Every output's settings begin with these; their rows are OUTPUT_ROWS. */
struct output_settings {
	char *minimum_priority; /* NULL or "": none */
	bool checks_certificate;
	bool uses_mutual_tls;
	int64_t concurrent_requests;
};

#define OUTPUT_ROW_PRIORITY                                                                    \
	{                                                                                      \
		.key = "minimumpriority", .type = SETTING_TEXT,                                \
		.at = offsetof(struct output_settings, minimum_priority), .value = "PRIORITY", \
		.about = "Alerts of lower priority are not sent here"                          \
	}
#define OUTPUT_ROWS_HTTP                                                                          \
	{ .key = "checkcert",                                                                     \
		.type = SETTING_BOOL,                                                             \
		.at = offsetof(struct output_settings, checks_certificate),                       \
		.fallback = "true",                                                               \
		.about = "Whether the receiver's certificate must be valid" },                    \
		{ .key = "mutualtls",                                                             \
			.type = SETTING_BOOL,                                                     \
			.at = offsetof(struct output_settings, uses_mutual_tls),                  \
			.fallback = "false",                                                      \
			.about = "Show the client certificate of mutualtlsclient; checkcert is "  \
				 "then true" },                                                   \
	{                                                                                         \
		.key = "maxconcurrentrequests", .type = SETTING_INTEGER,                          \
		.at = offsetof(struct output_settings, concurrent_requests), .fallback = "1",     \
		.minimum = 0, .maximum = 65535, .about = "Requests under way at once; 0 means 64" \
	}

struct output {
	const char *name;	    /* in settings and metrics: "webhook" */
	const char *title;	    /* in logs: "Webhook" */
	const char *about;	    /* one sentence, for people */
	const struct setting *rows; /* keys without the name and its dot */
	size_t row_count;
	size_t settings_size; /* of the struct that begins with struct output_settings */
	bool reads_alerts;

	bool (*is_enabled)(const void *settings);
	/* What must be right before anything is sent; may be NULL. */
	int (*check)(const void *settings, struct error *err);
	/* How many alerts one request may carry; NULL: 1. */
	size_t (*batch)(const void *settings);

	/* Over HTTP. Pure: the same messages and settings give the same request. */
	void (*compose)(
		const struct messages *messages, const void *settings, struct request *request);
	/* Puts what depends on time or secrets of the moment onto a request; may be NULL. */
	int (*sign)(struct request *request, const void *settings, struct error *err);
	/* What the answer means; NULL: verdict_of_answer(). */
	enum verdict (*verdict)(const struct http_answer *answer);

	/*
	 * Seams for what comes later; delivery asserts that no output fills them yet. A request
	 * that must succeed once before the first alert (an index, a stream); and in place of
	 * .compose, for brokers and sockets, a connection that delivery opens, keeps and closes in
	 * a thread of its own; and what only pushes at intervals.
	 */
	bool (*prepare)(const void *settings, struct request *request);
	int (*open)(const void *settings, void **ret_connection, struct error *err);
	enum verdict (*send)(void *connection, const struct messages *messages, struct error *err);
	void (*close)(void *connection);
	enum verdict (*flush)(void *connection, struct error *err);
};

/* Made from outputs/meson.build. */
extern const struct output *const outputs[];
extern const size_t output_count;

/* The rules above, from a status or a failure to get one. */
enum verdict verdict_of_answer(const struct http_answer *answer);
/* -EINVAL, with the key in the message, when the text is no http(s) URL with a host. */
int check_url(const char *key, const char *url, struct error *err);
