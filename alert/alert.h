/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between the programs: an alert, its priorities, and Falco's JSON both ways
 * (spec/rule-language.md 4.3 for what the sensor writes, spec/forwarder.md 2 for what the
 * forwarder reads and writes).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

/* As syslog counts them: 0 is worst. PRIORITY_NONE is "no or unknown text". */
enum priority {
	PRIORITY_EMERGENCY,
	PRIORITY_ALERT,
	PRIORITY_CRITICAL,
	PRIORITY_ERROR,
	PRIORITY_WARNING,
	PRIORITY_NOTICE,
	PRIORITY_INFORMATIONAL,
	PRIORITY_DEBUG,
	PRIORITY_NONE,
};

/* "Emergency" … "Debug"; "" for PRIORITY_NONE. */
const char *priority_name(enum priority priority);
/* Any case; "info" is Informational. PRIORITY_NONE for anything else. */
enum priority priority_parse(struct text text);
/* Falcosidekick's ladder: ""=0, Debug=1 … Emergency=8. */
int priority_rank(enum priority priority);

/* How an alert came in; set by the receiver, never by the body (architecture 8). */
enum verified { VERIFIED_NONE, VERIFIED_TOKEN, VERIFIED_SOCKET, VERIFIED_MTLS };
const char *verified_name(enum verified verified);

#define UUID_LENGTH 36

struct alert {
	char uuid[UUID_LENGTH + 1]; /* lower case; "" when there is none */
	char *output;
	enum priority priority;
	char *rule;
	int64_t time_ns; /* since 1970, UTC; 0: none was given */
	char *source;
	char *hostname;
	struct json_object *fields; /* output_fields, an object; NULL when there are none */
	char **tags;
	size_t tag_count;
	enum verified verified;
};

/* Ceiling for one alert's JSON; larger is refused. */
#define ALERT_MAX (1024 * 1024)

struct alert *alert_new(void);
void alert_free(struct alert *alert);
DEFINE_CLEANUP(struct alert *, alert_free)

/*
 * From a parsed object. Unknown keys are left out; a known key of the wrong type is an error that
 * names it. Text is made valid UTF-8. Nothing is required here: alert_check() does that.
 */
int alert_from_json(struct json_object *object, struct alert **ret_alert, struct error *err);
/* The validity rule of spec/forwarder.md 2: priority, rule, time and fields must be there. */
int alert_check(const struct alert *alert, struct error *err);
/*
 * The "raw event" of spec/forwarder.md 2: uuid, output, priority, rule, time, output_fields
 * (keys sorted by byte), source, tags, hostname; numbers as they came. `verified` is written
 * last when it is not none. Output never contains a raw newline.
 */
void alert_write(const struct alert *alert, struct buffer *out);
/* Adds one tag (copied). */
void alert_add_tag(struct alert *alert, const char *tag);

/* A random version 4 UUID (RFC 9562), lower case. */
void uuid_make(char ret_uuid[UUID_LENGTH + 1]);
bool uuid_is_valid(struct text text);

/* RFC 3339 with up to nine digits of fraction and any offset. -EINVAL. */
int time_parse(struct text text, int64_t *ret_time_ns);
/* "2021-05-29T17:18:29.082520347Z"; trailing zeros of the fraction are left out, as Go prints. */
void time_write(struct buffer *out, int64_t time_ns);
