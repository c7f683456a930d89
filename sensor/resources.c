/* SPDX-License-Identifier: Apache-2.0 */
/* CPU and memory: the files are described in proc(5) and cgroups(7). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "sensor/resources.h"

#define KB 1024

/* The number behind a key at the beginning of a line; 0 without one. */
static uint64_t number_of(const char *path, const char *key)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		uint64_t number;

		if (!strncmp(line, key, strlen(key)) &&
			sscanf(line + strlen(key), "%" SCNu64, &number) == 1)
			return number;
	}
	return 0;
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
	return ticks * (uint64_t)(NS_PER_SECOND / sysconf(_SC_CLK_TCK));
}

/* Field 22 of /proc/self/stat; the name in field 2 may hold blanks. */
static uint64_t start_since_boot_ns(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/stat", "re");
	char line[1024], *at;
	uint64_t ticks = 0;

	if (!file || !fgets(line, sizeof(line), file))
		return 0;
	at = strrchr(line, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%" SCNu64, &ticks) == 1 ? ticks_to_ns(ticks) : 0;
}

static void read_own_cpu(struct resources *resources)
{
	uint64_t used = (uint64_t)clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t now = (uint64_t)clock_ns(CLOCK_BOOTTIME), start = start_since_boot_ns();

	if (now <= start)
		return;
	resources->duration_s = (now - start) / (uint64_t)NS_PER_SECOND;
	resources->cpu_ratio = (double)used / (double)(now - start);
	resources->cpu_percent = 100 * resources->cpu_ratio;
}

static void read_host_cpu(struct resources *resources)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/stat", "re");
	uint64_t part[8] = {}, total = 0;

	if (!file || fscanf(file,
			     "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			     " %" SCNu64 " %" SCNu64 " %" SCNu64,
			     &part[0], &part[1], &part[2], &part[3], &part[4], &part[5], &part[6],
			     &part[7]) != COUNT_OF(part))
		return;
	for (size_t i = 0; i < COUNT_OF(part); i++)
		total += part[i];
	/* Idle, and waiting for disks. */
	if (total)
		resources->host_cpu_ratio = (double)(total - part[3] - part[4]) / (double)total;
	resources->host_cpu_percent = 100 * resources->host_cpu_ratio;
}

static uint64_t container_memory(void)
{
	static const char *const files[] = { "/sys/fs/cgroup/memory/memory.usage_in_bytes",
		"/sys/fs/cgroup/memory.current" };

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		uint64_t bytes = number_of(files[i], "");

		if (bytes)
			return bytes;
	}
	return 0;
}

void resources_read(struct resources *ret_resources)
{
	struct resources resources = {
		.boot_ns = number_of("/proc/stat", "btime ") * (uint64_t)NS_PER_SECOND,
		.cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN),
		.rss_bytes = number_of("/proc/self/status", "VmRSS:") * KB,
		.vsz_bytes = number_of("/proc/self/status", "VmSize:") * KB,
		.pss_bytes = number_of("/proc/self/smaps_rollup", "Pss:") * KB,
		.container_bytes = container_memory(),
		.host_running = number_of("/proc/stat", "procs_running "),
		.host_open_fds = number_of("/proc/sys/fs/file-nr", ""),
	};
	uint64_t total = number_of("/proc/meminfo", "MemTotal:"),
		 not_used = number_of("/proc/meminfo", "MemFree:") +
			    number_of("/proc/meminfo", "Buffers:") +
			    number_of("/proc/meminfo", "Cached:") +
			    number_of("/proc/meminfo", "SReclaimable:");

	resources.host_bytes = total > not_used ? (total - not_used) * KB : 0;
	read_own_cpu(&resources);
	read_host_cpu(&resources);
	*ret_resources = resources;
}
