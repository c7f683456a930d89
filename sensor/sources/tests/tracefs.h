/* SPDX-License-Identifier: Apache-2.0 */
/* tracefs where the tests of tracepoints look for it; for this process alone, until it ends. */
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

static inline void mount_tracefs(void)
{
	if (access("/sys/kernel/tracing/events", F_OK) == 0 || unshare(CLONE_NEWNS) ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return;
	(void)mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
}
