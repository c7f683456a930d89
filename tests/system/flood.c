/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floods of test_flood.py. Each runs until its standard input ends, or as often as it is told:
 *   flood opens CPU PATH     opens and closes as fast as it can; prints how often, and the seconds
 *   flood attack N DIR PORT  N times below a shell: runs DIR/dropped, reads /etc/shadow, puts a
 *                            connection to PORT onto a shell's standard input
 *   flood forks N            N children that end at once
 *   flood bomb               processes that do nothing but start more of them
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Between two looks whether the input has ended. */
#define OPENS_A_LOOK 1000

static bool is_over(int wait_ms)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&input, 1, wait_ms) > 0;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int flood_opens(int cpu, const char *path)
{
	unsigned long opens = 0;
	double begin = now();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	while (!is_over(0))
		for (int i = 0; i < OPENS_A_LOOK; i++, opens++)
			close(open(path, O_RDONLY));
	printf("%lu %f\n", opens, now() - begin);
	return 0;
}

/* Waits for a child; its status. */
static int ended(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* What a shell runs for us, so that there is something between us and what it starts. */
static int below_a_shell(const char *script, const char *number, const char *folder)
{
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/sh", "sh", "-c", script, "attack", number, folder, NULL);
		_exit(127);
	}
	return ended(pid);
}

/* The shell's input and output are a connection: a reverse shell. */
static int reverse_shell(int port, const char *number)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	pid_t pid = fork();

	if (!pid) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (const struct sockaddr *)&to, sizeof(to)))
			_exit(126);
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", ":", "reverse", number, NULL);
		_exit(127);
	}
	return ended(pid);
}

static int attack(int times, const char *folder, int port)
{
	int failed = 0;

	for (int i = 1; i <= times; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%d", i);
		failed += below_a_shell("\"$2/dropped\" \"$1\"; :", number, folder) != 0;
		failed += below_a_shell("cat /etc/shadow >/dev/null; :", number, folder) != 0;
		failed += reverse_shell(port, number) != 0;
	}
	printf("%d failed\n", failed);
	return failed != 0;
}

static int flood_forks(int times)
{
	for (int i = 0; i < times; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid < 0 || ended(pid))
			return 1;
	}
	return 0;
}

static int bomb(void)
{
	while (!is_over(0))
		if (fork() < 0)
			(void)is_over(10);
	/* Our children see the same end. */
	while (wait(NULL) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "opens"))
		return flood_opens(atoi(argv[2]), argv[3]);
	if (argc == 5 && !strcmp(argv[1], "attack"))
		return attack(atoi(argv[2]), argv[3], atoi(argv[4]));
	if (argc == 3 && !strcmp(argv[1], "forks"))
		return flood_forks(atoi(argv[2]));
	if (argc == 2 && !strcmp(argv[1], "bomb"))
		return bomb();
	fprintf(stderr, "usage: see the head of flood.c\n");
	return 2;
}
