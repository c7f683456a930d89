/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop of system calls to be watched: bench-loop KIND TURNS. Prints the CPU time of a turn in ns,
 * of this process and of the children that it reaped: the 5th percentile of 20 parts of the loop,
 * which a noisy machine disturbs least.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/memory.h"

#define PARTS 20

static void open_path(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &byte, 1) < 0)
		abort();
	close(fd);
}

static void turn_open(void)
{
	open_path("/etc/hostname");
}

static void turn_watched(void)
{
	open_path("/etc/shadow");
}

static void turn_getppid(void)
{
	syscall(SYS_getppid);
}

static void turn_spawn(void)
{
	static char *const arguments[] = { "true", NULL };
	pid_t pid;
	int status;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ))
		abort();
	waitpid(pid, &status, 0);
}

static const struct {
	const char *name;
	void (*turn)(void);
} kinds[] = {
	{ "getppid", turn_getppid },
	{ "open", turn_open },
	{ "watched", turn_watched },
	{ "spawn", turn_spawn },
};

static double cpu_ns(void)
{
	struct rusage children;
	struct timespec own;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	return (double)own.tv_sec * 1e9 + (double)own.tv_nsec +
	       (double)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1e9 +
	       (double)(children.ru_utime.tv_usec + children.ru_stime.tv_usec) * 1e3;
}

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

int main(int argc, char **argv)
{
	int turns = argc == 3 ? atoi(argv[2]) / PARTS : 0;
	double parts[PARTS];

	for (size_t kind = 0; turns > 0 && kind < COUNT_OF(kinds); kind++) {
		if (strcmp(argv[1], kinds[kind].name))
			continue;
		for (int part = 0; part < PARTS; part++) {
			double begin = cpu_ns();

			for (int i = 0; i < turns; i++)
				kinds[kind].turn();
			parts[part] = (cpu_ns() - begin) / turns;
		}
		qsort(parts, PARTS, sizeof(*parts), compare);
		printf("%.1f\n", parts[PARTS / 20]);
		return 0;
	}
	fprintf(stderr, "usage: bench-loop getppid|open|watched|spawn TURNS\n");
	return 2;
}
