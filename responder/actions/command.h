/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands in the pod's containers: what exec, script and download share.
 */
#pragma once

#include "responder/stream.h"
#include "responder/action.h"

/*
 * Runs argv (ended by NULL) in the container that the alert names, else in each in turn until one
 * does it well. Output and exit code are in `result`; run->result gets words. -EIO when all failed.
 */
int command_run(
	struct run *run, const char *const *argv, struct exec_result *result, struct error *err);
/* `SHELL -c COMMAND` with what is known of the alert as variables of its environment. */
int command_shell(struct run *run, const char *shell, const char *command, struct error *err);
/* The names of the pod's containers, the alert's first. */
void pod_containers(const struct run *run, struct text_list *ret_names);

#define COMMAND_NEEDS                                      \
	{                                                  \
		"", "pods/exec", "get create", false, NULL \
	}
