/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor does with an alert: stdout, file, http (syslog and program come later). An
 * output is a row and a file. Alerts reach it over a bounded queue on a thread of its own, so a
 * slow output never stops the hot thread or another output.
 */
#pragma once

#include "alert/alert.h"
#include "base/error.h"
#include "base/text.h"

/* An alert on its way out of the sensor: both forms, made once. */
struct sensor_alert {
	char uuid[UUID_LENGTH + 1];
	enum priority priority;
	struct text text; /* one line, no newline at the end */
	struct text json; /* one line, no newline at the end, without the uuid */
};

struct sensor_options;

struct sensor_output {
	const char *name;
	/* 1 with *ret_state when the settings enable it, 0 when they do not, or an error. */
	int (*open)(const struct sensor_options *options, void **ret_state, struct error *err);
	/* Takes some alerts; must return soon after `is_stopping` becomes true. */
	void (*write)(void *state, const struct sensor_alert *const *alerts, size_t count);
	/* SIGUSR1: reopen files. May be NULL. */
	void (*reopen)(void *state);
	void (*close)(void *state);
};
