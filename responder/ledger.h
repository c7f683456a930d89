/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: every response that was ever begun, on disk (SQLite), so that nothing is forgotten
 * by a crash and nothing is done twice. A response is one rule's answer to one alert; it goes
 *
 *	waiting (for approval) ─► pending ─► running ─► done | failed
 *	                            └─ again, later ─┘     └─► undoing ─► undone
 *	refused, expired, dry_run: nothing was done, and .why says why
 *
 * At most one response of a rule is made for one pod within the rule's window, and never two for
 * one alert. Any thread may call; each call is a transaction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

enum response_state {
	RESPONSE_WAITING,
	RESPONSE_PENDING,
	RESPONSE_RUNNING,
	RESPONSE_DONE,
	RESPONSE_FAILED,
	RESPONSE_REFUSED,
	RESPONSE_EXPIRED,
	RESPONSE_DRY_RUN,
	RESPONSE_UNDOING,
	RESPONSE_UNDONE,
	RESPONSE_REJECTED, /* somebody said no */
	RESPONSE_STATE_COUNT,
};

const char *response_state_name(enum response_state state);

/* All texts are owned; times are CLOCK_REALTIME in ms. */
struct response {
	int64_t id;
	char *rule, *alert_uuid, *alert; /* the alert's JSON */
	char *target; /* what it is about: "pod/UID", "pod/NS/NAME", "object/…" or "alert/UUID" */
	char *workload; /* whom it is queued with */
	char *name_space, *pod, *uid, *node, *hostname;
	int64_t window_ms; /* of ledger_add() alone */
	enum response_state state;
	char *why;
	int64_t created_ms, next_ms, deadline_ms, acted_ms, finished_ms, undo_ms;
	int64_t step, tries;
	char *steps;	  /* JSON array: what each action did */
	char *decided_by; /* who approved, rejected or undid it; NULL: nobody */
	char *version;	  /* of what other replicas see of it (mirror.h); NULL: nothing */
};

void response_done(struct response *response);
bool response_can_be_undone(const struct response *response);

/* What a person may decide: approve, reject, undo. */
struct decision {
	const char *name, *status; /* status: as reports call it; NULL: they tell of it later */
	unsigned from;		   /* a bit a state that the response may be in */
	enum response_state to;
};

#define DECISION_COUNT 3
extern const struct decision decisions[DECISION_COUNT];
bool decision_fits(const struct decision *decision, const struct response *response);

struct ledger;

int ledger_open(const char *folder, struct ledger **ret_ledger, struct error *err);
void ledger_close(struct ledger *ledger);

/*
 * Adds a response and gives it its id: the microsecond of its creation, or the next that is free,
 * so that ids rise in time and those of two replicas differ. -EEXIST: there is one of this rule for
 * the alert, or for the target within the window; it is counted there. -ENOSPC: `waiting_max` wait
 * already.
 */
int ledger_add(
	struct ledger *ledger, struct response *response, int64_t waiting_max, struct error *err);
/* Writes state, why, times, step, tries, steps, target, workload, uid and node. */
int ledger_save(struct ledger *ledger, const struct response *response, struct error *err);
/*
 * The oldest response that is due (pending, or to be undone) at `now_ms` whose workload is none of
 * `busy`, and marks it running or undoing. 0 and nothing when there is none; *ret_next_ms is then
 * when the next one is due, INT64_MAX for never. 1 when there was one.
 */
int ledger_take(struct ledger *ledger, int64_t now_ms, const char *const *busy, size_t busy_count,
	struct response *ret_response, int64_t *ret_next_ms, struct error *err);
int ledger_get(struct ledger *ledger, int64_t id, struct response *ret_response, struct error *err);
/* Has another response of the rule acted on its pod (by uid) since then? */
int ledger_has_other(struct ledger *ledger, const struct response *response, int64_t since_ms);
/* How many responses acted since then; of a rule, of a workload (each NULL: any). */
int64_t ledger_count_acted(
	struct ledger *ledger, const char *rule, const char *workload, int64_t since_ms);
struct decided {
	const char *by; /* NULL: not known */
	int64_t now_ms, deadline_ms;
};

/* -ENOENT; -EBUSY when the response is in another state, with words. */
int ledger_decide(struct ledger *ledger, int64_t id, const struct decision *decision,
	const struct decided *decided, struct error *err);
/* Responses that ran when the program ended. Calls `see` for each. */
int ledger_each_interrupted(struct ledger *ledger,
	void (*see)(void *context, struct response *response), void *context, struct error *err);
/* Waiting ones past their deadline become expired; `see` is told of each. */
int ledger_expire(struct ledger *ledger, int64_t now_ms,
	void (*see)(void *context, struct response *response), void *context, struct error *err);
/* Which ones are listed. */
struct ledger_scope {
	int state;		     /* -1: any */
	int64_t before;		     /* those with a smaller id; 0: all */
	struct text name_space, pod; /* empty: any */
	int64_t limit;		     /* below 1: 100 */
};

/* The newest first. JSON objects of an array. */
int ledger_list(struct ledger *ledger, const struct ledger_scope *scope, struct json_writer *json,
	struct error *err);
void response_write(const struct response *response, struct json_writer *json);
/* From what response_write() wrote. -EINVAL. */
int response_read(struct json_object *json, struct response *ret_response, struct error *err);
/* Takes it out, as if it had never been. */
int ledger_remove(struct ledger *ledger, int64_t id, struct error *err);

/*
 * For the mirror: its version alone; what others may have to finish (open, or to be undone); what
 * is over since before then and still stands there.
 */
int ledger_set_version(struct ledger *ledger, const struct response *response, struct error *err);
int ledger_each_open(struct ledger *ledger, void (*see)(void *context, struct response *response),
	void *context, struct error *err);
int ledger_each_shared(struct ledger *ledger, int64_t before_ms,
	void (*see)(void *context, struct response *response), void *context, struct error *err);
/*
 * What the mirror holds takes the place of what is here: between begin and end each that it has;
 * what it no longer has and is open here goes, for another replica has finished it.
 */
int ledger_import_begin(struct ledger *ledger, struct error *err);
int ledger_import(struct ledger *ledger, const struct response *response, struct error *err);
int ledger_import_end(struct ledger *ledger, struct error *err);
/* What is over since before then goes. */
int ledger_forget(struct ledger *ledger, int64_t before_ms, struct error *err);

/* Messages that must leave: "forwarder" or a notifier's name, and a body. At least once. */
int ledger_post(struct ledger *ledger, const char *to, struct text body, struct error *err);
/* The oldest due one: 1, 0 for none. The caller frees both. */
int ledger_next_post(struct ledger *ledger, int64_t now_ms, int64_t *ret_id, char **ret_to,
	char **ret_body, int64_t *ret_tries, struct error *err);
int ledger_posted(struct ledger *ledger, int64_t id, struct error *err);
int ledger_post_later(struct ledger *ledger, int64_t id, int64_t next_ms, struct error *err);
