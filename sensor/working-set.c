/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading rules and kernel programs, and the initialisers of thirty libraries, touch some 13 MB of
 * code and constants that are never looked at again. A mapping of a file that nobody wrote to can
 * be let go at any time: its pages are the file's.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"
#include "sensor/working-set.h"

/* A mapping as /proc/self/smaps tells of it. */
struct mapping {
	uintptr_t begin, end;
	bool is_file; /* … and not writable */
};

/* "7f00-7f10 r-xp 00000000 08:01 42 /usr/lib/…"; false for the lines below it. */
static bool read_head(const char *line, struct mapping *ret_mapping)
{
	char mode[5], path[2] = "";
	uintptr_t begin, end;

	if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %1s", &begin, &end, mode,
		    path) < 3)
		return false;
	*ret_mapping = (struct mapping){ begin, end,
		path[0] == '/' && mode[0] == 'r' && mode[1] == '-' && mode[3] == 'p' };
	return true;
}

/* Tables that the loader relocated are private copies, and must stay. */
static bool is_unchanged(const char *line, bool *ret_is_unchanged)
{
	uint64_t size_kb;

	if (sscanf(line, "Anonymous: %" SCNu64 " kB", &size_kb) != 1)
		return false;
	*ret_is_unchanged = size_kb == 0;
	return true;
}

static void let_go(const struct mapping *mapping)
{
	(void)madvise((void *)mapping->begin, mapping->end - mapping->begin, MADV_DONTNEED);
}

void working_set_trim(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/smaps", "re");
	struct mapping mapping = { 0 };
	char line[512];

	(void)malloc_trim(0);
	while (file && fgets(line, sizeof(line), file)) {
		bool unchanged;

		if (read_head(line, &mapping))
			continue;
		if (mapping.is_file && is_unchanged(line, &unchanged) && unchanged)
			let_go(&mapping);
	}
}
