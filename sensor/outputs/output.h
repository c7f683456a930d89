/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor does with an alert: stdout, file, syslog, program, http. An output is a row and
 * a file. Each has an outlet: a backlog with a ceiling and a thread of its
 * own, so a slow output never stops the hot thread or another output.
 */
#pragma once

#include "alert/alert.h"
#include "base/error.h"
#include "base/text.h"

/* An alert on its way out of the sensor: both forms, made once, shared by the outlets. */
struct sensor_alert {
	_Atomic unsigned references;
	char uuid[UUID_LENGTH + 1];
	enum priority priority;
	struct text text; /* one line, no newline at the end */
	struct text json; /* one line, no newline at the end, without the uuid; empty when no output
			     wants it */
};

/* Copies both and makes the uuid. The caller holds one reference. */
struct sensor_alert *sensor_alert_new(enum priority priority, struct text text, struct text json);
struct sensor_alert *sensor_alert_hold(struct sensor_alert *alert);
void sensor_alert_release(struct sensor_alert *alert);

/* The form that an output wants; the text where the other one was not made. */
struct text sensor_alert_line(const struct sensor_alert *alert, bool is_json);

struct sensor_options;
struct outlet;

/* The forwarder calls a node silent after 30 s. */
#define OUTLET_BEAT_MS 5000

struct sensor_output {
	const char *name;
	/* 1 with *ret_state when the settings enable it, 0 when they do not, or an error. */
	int (*open)(const struct sensor_options *options, void **ret_state, struct error *err);
	/*
	 * Takes some alerts, in order, and gives how many of them are out or were refused for good;
	 * the rest is lost. May wait and try again as long as outlet_may_wait() says so.
	 */
	size_t (*write)(void *state, struct outlet *outlet, struct sensor_alert *const *alerts,
		size_t count);
	/* Says that we live, every OUTLET_BEAT_MS, also while there are no alerts. May be NULL. */
	void (*beat)(void *state, struct outlet *outlet);
	/* SIGUSR1: reopen files. May be NULL. Called from the outlet's thread. */
	void (*reopen)(void *state);
	void (*close)(void *state);
};

extern const struct sensor_output output_stdout, output_file, output_syslog, output_program,
	output_http;

/* For outputs that try again: */
/* False once the sensor stops and its grace is over, and when new settings came: what is not out
 * then is tried by those. */
bool outlet_may_wait(struct outlet *outlet);
/* Waits so long, or until the sensor stops. */
void outlet_wait(struct outlet *outlet, int64_t ms);
/* Counts alerts that were refused for good. */
void outlet_add_lost(struct outlet *outlet, size_t count);
/* How many alerts wait behind those that are being written. */
size_t outlet_waiting(struct outlet *outlet);

/* All outlets of a sensor. */
struct outlets;

/* An output that cannot work is an error that names it. */
int outlets_new(
	const struct sensor_options *options, struct outlets **ret_outlets, struct error *err);
/*
 * New settings while alerts flow, in two steps: what is slow or can fail, opening, is done by any
 * thread; the hot one only hands it over. Alerts that wait stay in their outlets and leave by the
 * new settings.
 */
struct outlets_change;
int outlets_prepare(const struct sensor_options *options, struct outlets_change **ret_change,
	struct error *err);
/* Takes the change, also on failure. */
int outlets_begin(struct outlets_change *change, struct outlets **ret_outlets, struct error *err);
void outlets_change_free(struct outlets_change *change);
/* Takes the change, also on failure. An output that is not enabled any more has so long to end. */
int outlets_apply(struct outlets *outlets, struct outlets_change *change, int64_t grace_ms,
	struct error *err);
/* To be called now and then: frees those that have ended. */
void outlets_tidy(struct outlets *outlets);
/* From any thread. Hands an alert to every outlet; never waits. What a full backlog drops is
 * counted and told. */
void outlets_push(struct outlets *outlets, struct sensor_alert *alert);
/*
 * For those who can wait, as a replay can: until each outlet has at most `most` alerts waiting.
 * False when that took longer than `timeout_ms`.
 */
bool outlets_wait_for_room(struct outlets *outlets, size_t most, int64_t timeout_ms);
/* From any thread. */
void outlets_reopen(struct outlets *outlets);
/* How many alerts were dropped or lost so far, over all outlets. */
uint64_t outlets_lost(struct outlets *outlets);
/*
 * Lets the outlets empty their backlogs for at most `grace_ms`, tells what is left, frees. An
 * output that hangs in a system call keeps its thread: the process is about to end.
 */
void outlets_stop(struct outlets *outlets, int64_t grace_ms);
