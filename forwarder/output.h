/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An output: what it needs to know, and how alerts become its receiver's language. An output does
 * not connect, retry, count or log; delivery.h does. To add one, write a file in outputs/ that
 * defines a `const struct output output_NAME`, and put NAME into outputs/meson.build.
 */
#pragma once

#include <time.h>

#include "alert/alert.h"
#include "base/http-client.h"
#include "base/settings.h"
#include "base/request.h"

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

/*
 * Every output's settings begin with these. An output names the rows that it has (OUTPUT_ROW_…
 * below); what comes behind the empty line all of them have, from rows of settings.c.
 */
struct output_settings {
	char *minimum_priority; /* NULL or "": none */
	bool checks_certificate;
	bool uses_mutual_tls;
	int64_t concurrent_requests;

	char *name;  /* of one of several; NULL or "": the only one */
	char *match; /* a condition; NULL or "": all */
	struct text_list fold_key;
	int64_t fold_ms; /* 0: repeats are not folded */
	int64_t rate;	 /* alerts in rate_ms; 0: any number */
	int64_t rate_ms;
	size_t address; /* which of the addresses of output.addresses_at; no row */
};

/* Rows of the usual kinds; `of` is the struct that holds `member_`. */
#define OUTPUT_ROW_TEXT(of, member_, key_, fallback_, about_)                          \
	{                                                                              \
		.key = key_, .type = SETTING_TEXT, .at = offsetof(struct of, member_), \
		.fallback = fallback_, .about = about_                                 \
	}
#define OUTPUT_ROW_SECRET(of, member_, key_, about_)                                     \
	{                                                                                \
		.key = key_, .type = SETTING_SECRET, .at = offsetof(struct of, member_), \
		.about = about_                                                          \
	}
#define OUTPUT_ROW_CHOICE(of, member_, key_, choices_, fallback_, about_)                \
	{                                                                                \
		.key = key_, .type = SETTING_CHOICE, .at = offsetof(struct of, member_), \
		.choices = choices_, .fallback = fallback_, .about = about_              \
	}
#define OUTPUT_ROW_BOOL(of, member_, key_, fallback_, about_)                          \
	{                                                                              \
		.key = key_, .type = SETTING_BOOL, .at = offsetof(struct of, member_), \
		.fallback = fallback_, .about = about_                                 \
	}
#define OUTPUT_ROW_INTEGER(of, member_, key_, fallback_, minimum_, maximum_, about_)             \
	{                                                                                        \
		.key = key_, .type = SETTING_INTEGER, .at = offsetof(struct of, member_),        \
		.fallback = fallback_, .minimum = minimum_, .maximum = maximum_, .about = about_ \
	}
#define OUTPUT_ROW_LIST(of, member_, key_, about_)                                     \
	{                                                                              \
		.key = key_, .type = SETTING_LIST, .at = offsetof(struct of, member_), \
		.about = about_                                                        \
	}
#define OUTPUT_ROW_MAP(of, member_, key_, about_)                                     \
	{                                                                             \
		.key = key_, .type = SETTING_MAP, .at = offsetof(struct of, member_), \
		.about = about_                                                       \
	}
/* A key of Falcosidekick's that has no effect here; `fallback_` is the value not worth a word. */
#define OUTPUT_ROW_IGNORED(key_, fallback_, about_)                                          \
	{                                                                                    \
		.key = key_, .type = SETTING_IGNORED, .fallback = fallback_, .about = about_ \
	}
#define OUTPUT_ROW_HEADERS(of, member_) \
	OUTPUT_ROW_MAP(of, member_, "customheaders", "Headers to add, such as Authorization")
#define OUTPUT_ROW_PRIORITY                                                                    \
	{                                                                                      \
		.key = "minimumpriority", .type = SETTING_TEXT,                                \
		.at = offsetof(struct output_settings, minimum_priority), .value = "PRIORITY", \
		.about = "Alerts of lower priority are not sent here"                          \
	}
#define OUTPUT_ROWS_TLS                                                                           \
	{ .key = "checkcert",                                                                     \
		.type = SETTING_BOOL,                                                             \
		.at = offsetof(struct output_settings, checks_certificate),                       \
		.fallback = "true",                                                               \
		.about = "Whether the receiver's certificate must be valid" },                    \
	{                                                                                         \
		.key = "mutualtls", .type = SETTING_BOOL,                                         \
		.at = offsetof(struct output_settings, uses_mutual_tls), .fallback = "false",     \
		.about = "Show the client certificate of mutualtlsclient; checkcert is then true" \
	}
#define OUTPUT_ROWS_HTTP                                                                          \
	OUTPUT_ROWS_TLS,                                                                          \
	{                                                                                         \
		.key = "maxconcurrentrequests", .type = SETTING_INTEGER,                          \
		.at = offsetof(struct output_settings, concurrent_requests), .fallback = "1",     \
		.minimum = 0, .maximum = 65535, .about = "Requests under way at once; 0 means 64" \
	}

struct counters; /* counters.h */

/* Files of certificates, from the settings of all outputs; NULL where there is none. */
struct output_trust {
	const char *ca_file; /* beside the system's */
	/* Of mutual TLS. */
	const char *client_certificate, *client_key, *client_ca;
};

/* Settings that several outputs share, such as those below aws. */
struct output_group {
	const char *name; /* what comes before the dot */
	const struct setting *rows;
	size_t row_count;
	size_t size;
};

/*
 * What an output must know or have made before it may send: a token, an index. Its memory begins
 * as zeroes and belongs to one thread.
 */
struct preparing {
	void *memory;	      /* output.memory_size bytes; NULL: none */
	const void *settings; /* the output's */
	const void *group;    /* its group's; NULL: it has none */
	time_t now;	      /* since 1970 */
};

struct output {
	const char *name;	    /* in metrics and settings: "webhook", "otlplogs" */
	const char *key;	    /* in settings, where that is not the name: "otlp.logs" */
	const char *title;	    /* in logs: "Webhook" */
	const char *about;	    /* one sentence, for people */
	const struct setting *rows; /* keys without the name and its dot */
	size_t row_count;
	size_t settings_size; /* of the struct that begins with struct output_settings */
	bool reads_alerts;
	/* Which alerts it takes at all; NULL: every one. Also the test alert is asked about. */
	bool (*takes)(const struct alert *alert);
	/*
	 * Of a struct text_list of addresses in the settings, each of which gets all alerts, from a
	 * cursor of its own; output_settings.address is then its place. 0: there is none.
	 */
	size_t addresses_at;
	const struct output_group *group; /* or NULL */
	size_t group_at;		  /* of the pointer in the settings that gets the group's */

	bool (*is_enabled)(const void *settings);
	/* What must be right before anything is sent; may be NULL. */
	int (*check)(const void *settings, struct error *err);
	/* What a person should know though it works; NULL: nothing. May be NULL. */
	const char *(*note)(const void *settings);
	/* How many alerts one request may carry; NULL: 1. */
	size_t (*batch)(const void *settings);

	/* Over HTTP. Pure: the same messages and settings give the same request. */
	void (*compose)(
		const struct messages *messages, const void *settings, struct request *request);
	/* Puts what depends on time or secrets of the moment onto a request; may be NULL. */
	int (*sign)(struct request *request, const struct preparing *at, struct error *err);
	/* What the answer means; NULL: verdict_of_answer(). */
	enum verdict (*verdict)(const struct http_answer *answer);

	/*
	 * Over a connection, for brokers and sockets: delivery opens it when there is something to
	 * send, keeps it, and closes it after a failure, in a thread of the output's own. .compose
	 * then makes a request of each alert, whose method and URL are what the output wants them
	 * to be (a command and a key, a topic), and .send hands over `count` of them and waits
	 * until the receiver has them all, or as near to that as its protocol comes. None of them
	 * may take longer than `timeout_ms`.
	 */
	int (*open)(const void *settings, const struct output_trust *trust, int timeout_ms,
		void **ret_connection, struct error *err);
	enum verdict (*send)(void *connection, const struct request *requests, size_t count,
		int timeout_ms, struct error *err);
	void (*close)(void *connection);

	/*
	 * For those who send counters of the forwarder, and not alerts: .tell in place of .compose,
	 * every .interval_ms. The request goes over HTTP, or by .open .send .close; one without a
	 * body is not sent. What could not be sent is part of the next change (meter.h).
	 */
	int64_t (*interval_ms)(const void *settings);
	void (*tell)(
		const struct counters *counters, const void *settings, struct request *request);

	/*
	 * Over HTTP, what must come first; all three or none. Asked before each request of alerts:
	 * .prepare returns PREPARED, or PREPARE_BY_REQUEST with a request whose answer .learn gets
	 * before it is asked again, or a negative errno with words. .learn says what the answer
	 * means: VERDICT_SENT to go on, or another with words, after which alerts wait for the
	 * back-off. .forget frees what the memory points to; it is called, and the memory zeroed,
	 * also when the receiver refuses the output (VERDICT_OUTPUT_REFUSED), so that a token
	 * that was revoked or an index that is gone is made anew.
	 */
	size_t memory_size;
	int (*prepare)(const struct preparing *at, struct request *request, struct error *err);
	enum verdict (*learn)(
		const struct preparing *at, const struct http_answer *answer, struct error *err);
	void (*forget)(void *memory);
};

enum { PREPARED, PREPARE_BY_REQUEST };

/* Made from outputs/meson.build. */
extern const struct output *const outputs[];
extern const size_t output_count;

/* What comes before the dot in the output's settings. */
static inline const char *output_key(const struct output *output)
{
	return output->key ? output->key : output->name;
}

/* The rules above, from a status or a failure to get one. */
enum verdict verdict_of_answer(const struct http_answer *answer);
/* -EINVAL, with the key in the message, when the text is no http(s) URL with a host. */
int check_url(const char *key, const char *url, struct error *err);
