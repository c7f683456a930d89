/* SPDX-License-Identifier: Apache-2.0 */
/* A connect that only begins, and an open that fails. */
#include "bypass.h"
int main(int count, char **arguments)
{
	struct sockaddr_in to = address("127.77.0.17", 0);
	int server = listen_at(&to), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char path[PATH_MAX];

	(void)count;
	(void)server;
	(void)!connect(fd, (void *)&to, sizeof(to));
	snprintf(path, sizeof(path), "%s/secret", arguments[1]);
	NEED(!chmod(path, 0000) && !setgid(65534) && !setuid(65534));
	return open(path, O_RDONLY) >= 0;
}
