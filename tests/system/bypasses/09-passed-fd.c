/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor opened by another process: by a message, by pidfd_getfd, and a socket put on stdin.
 */
#include "bypass.h"
static void pass(int to, const int *fds, size_t count)
{
	char byte = 0, control[CMSG_SPACE(4 * sizeof(int))] = "";
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(head), fds, count * sizeof(int));
	NEED(sendmsg(to, &message, 0) == 1);
}

int main(void)
{
	struct sockaddr_in to = address("127.77.0.9", 0);
	int server = listen_at(&to), pair[2], pidfd, fds[2];
	char byte, control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	pid_t child;

	(void)server;
	NEED(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	child = fork();
	if (!child) {
		int out[2] = { open("secret", O_RDONLY), socket(AF_INET, SOCK_STREAM, 0) };

		NEED(!connect(out[1], (void *)&to, sizeof(to)));
		pass(pair[1], out, 2);
		pause();
	}
	NEED(recvmsg(pair[0], &message, 0) == 1);
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fds));
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	for (int fd = 0; fd < 64; fd++) {
		int got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

		if (got >= 0)
			close(got);
	}
	NEED(dup2(fds[1], 0) == 0);
	kill(child, SIGKILL);
	wait(NULL);
	return 0;
}
