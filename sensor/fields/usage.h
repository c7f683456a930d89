/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of fields that /proc is asked for: what a process uses and has open. */
#pragma once

#include "sensor/fields/field.h"

/* Rows of the family proc. */
field_reader proc_fdlimit, proc_fdopencount, proc_fdusage, proc_nthreads, proc_nchilds, proc_vmsize,
	proc_vmrss, proc_vmswap, proc_stdin_type, proc_stdout_type, proc_stderr_type,
	proc_stdin_name, proc_stdout_name, proc_stderr_name;
/* Rows of the family thread. */
field_reader thread_pfmajor, thread_pfminor, thread_totexectime, thread_cgroup, thread_cgroups,
	thread_cpu, thread_cpu_user, thread_cpu_system, thread_vmsize, thread_vmrss,
	thread_vmsize_b, thread_vmrss_b;
