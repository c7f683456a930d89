/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk and a clock that misbehave, for LD_PRELOAD: fsync() takes TERCEL_FSYNC_MS more, and the
 * time of day is moved by as many seconds as the file TERCEL_CLOCK_FILE says.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int fsync(int fd);
int fdatasync(int fd);
int clock_gettime(clockid_t clock, struct timespec *ret_time);
int gettimeofday(struct timeval *restrict ret_time, void *restrict zone);
time_t time(time_t *ret_time);

static void linger(void)
{
	const char *ms = getenv("TERCEL_FSYNC_MS");

	if (ms)
		usleep((useconds_t)atoi(ms) * 1000);
}

int fsync(int fd)
{
	linger();
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	linger();
	return (int)syscall(SYS_fdatasync, fd);
}

static long moved_by(void)
{
	const char *path = getenv("TERCEL_CLOCK_FILE");
	char text[32] = { 0 };
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ret_time);

	if (!r && clock == CLOCK_REALTIME)
		ret_time->tv_sec += moved_by();
	return r;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
	struct timespec now;
	int r = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	*ret_time = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
	return r;
}

time_t time(time_t *ret_time)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (ret_time)
		*ret_time = now.tv_sec;
	return now.tv_sec;
}
