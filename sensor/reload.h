/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reloads: a thread that waits for SIGHUP and for changes of the files of settings and rules, loads
 * them anew when they are quiet, and hands the hot thread what came of it. The hot thread never
 * waits for it.
 */
#pragma once

#include "sensor/generation.h"

struct reloader;

/* What a reload came to; one of both is set. */
struct reload {
	struct generation *generation;
	char *error; /* why the files cannot be used */
};

/* The command line is read again at each reload; both must live as long as the reloader. */
struct reloader_options {
	int argc;
	char **argv;
	const struct sensor_settings *settings; /* of the start */
	struct metrics *metrics;
};

int reloader_new(
	const struct reloader_options *options, struct reloader **ret_reloader, struct error *err);
void reloader_free(struct reloader *reloader);
/* Asks for a reload, as SIGHUP does. */
void reloader_ask(struct reloader *reloader);
/*
 * NULL when there is nothing: cheap enough to be asked all the time. The reloader goes on to the
 * next one only when this one was taken. The caller frees it.
 */
struct reload *reloader_take(struct reloader *reloader);
void reload_free(struct reload *reload);
/* Names in the log what differs in the settings but cannot change while the sensor runs. */
void reload_tell_unchanged(
	const struct sensor_settings *running, const struct sensor_settings *wanted);
