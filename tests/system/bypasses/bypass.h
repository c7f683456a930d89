/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs share. Each is called as PROGRAM FOLDER SENSOR_PID; FOLDER/secret and
 * FOLDER/decoy are there, and the folder is the working directory. A program that cannot do its
 * trick on this machine ends with SKIP; one that counts how often it worked prints "times N".
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIP 77

#define NEED(condition)                                   \
	do {                                              \
		if (!(condition)) {                       \
			printf("%s: %m\n", #condition);   \
			exit(errno == ENOSYS ? SKIP : 1); \
		}                                         \
	} while (0)

static inline struct sockaddr_in address(const char *ip, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, ip, &to.sin_addr);
	return to;
}

/* Listens at the address; a port of 0 is chosen and put into it. */
static inline int listen_at(struct sockaddr_in *at)
{
	socklen_t size = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	NEED(!bind(fd, (void *)at, size) && !listen(fd, 4096));
	NEED(!getsockname(fd, (void *)at, &size));
	return fd;
}

static inline ino_t inode_of(int fd)
{
	struct stat file;

	return fstat(fd, &file) ? 0 : file.st_ino;
}
