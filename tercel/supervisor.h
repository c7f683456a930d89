/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs that `tercel up` runs: started one after the other, each once the one before is
 * ready; started again when one dies; stopped in the reverse order. One thread, one poll loop.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

#define SUPERVISED_MAX 8

struct program {
	const char *name;	  /* "sensor" */
	char *const *arguments;	  /* argv, ended by NULL; [0] is the path; must outlive the run */
	char *const *environment; /* "NAME=value" lines added to ours, ended by NULL; or NULL */
	uid_t user_id;		  /* 0: stays root */
	gid_t group_id;
};

struct supervisor;

/* `folder`: where the notification socket is made; it must exist. */
int supervisor_new(const char *folder, struct supervisor **ret_supervisor, struct error *err);
/* Ends what is left without mercy, frees. NULL is fine. */
void supervisor_free(struct supervisor *supervisor);
/*
 * Starts a program and waits until it says that it is ready (base/ready.h). -ECHILD when it ended
 * before (what it printed says why), -ETIMEDOUT after 30 s, -EINTR when a stop was asked for.
 */
int supervisor_start(
	struct supervisor *supervisor, const struct program *program, struct error *err);
/*
 * Runs until SIGINT, SIGTERM or SIGHUP. A program that ends by itself is started again after a
 * pause that doubles from 0.5 s up to 30 s, and is logged.
 */
void supervisor_run(struct supervisor *supervisor);
/* SIGTERM to each, in the reverse order of their starts, SIGKILL after 10 s. */
void supervisor_stop(struct supervisor *supervisor);
