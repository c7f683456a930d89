/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor may do once it runs, whoever started it: load programs (BPF, PERFMON) and read
 * other processes (SYS_PTRACE, DAC_READ_SEARCH). SYS_ADMIN stays only where the programs load with
 * it alone: found by trying. CAP_SYS_RESOURCE is not needed; where it is there, kernels before 5.11
 * are told first that maps may be locked in memory.
 */
#pragma once

#include "base/error.h"

struct sensor_options;

/*
 * Gives up all other capabilities for good: an exec gives none back (no_new_privs), unless
 * program_output is enabled, whose program gets what the sensor was started with. Capabilities are
 * a thread's own, so this is done while there is only one. What is missing is no error here: the
 * load says so. -EINVAL: sensor.keep_capabilities names what is none.
 */
int privileges_drop(const struct sensor_options *options, struct error *err);
