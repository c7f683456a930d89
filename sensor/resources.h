/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor and its host use of CPU and memory, from /proc and cgroups. */
#pragma once

#include <stdint.h>

/* 0 where it cannot be read. Ratios are since the start of the process and of the host. */
struct resources {
	uint64_t duration_s; /* since the process began */
	uint64_t boot_ns;    /* since 1970 */
	uint64_t cpus;
	double cpu_ratio, host_cpu_ratio, cpu_percent, host_cpu_percent;
	uint64_t rss_bytes, vsz_bytes, pss_bytes, container_bytes, host_bytes;
	uint64_t host_running, host_open_fds;
};

void resources_read(struct resources *ret_resources);
