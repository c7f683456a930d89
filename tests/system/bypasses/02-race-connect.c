/* SPDX-License-Identifier: Apache-2.0 */
/* A thread rewrites the address, and another puts a harmless socket into the descriptor. */
#include "bypass.h"
static struct sockaddr_in evil, harmless, shown;
static atomic_int other, taken;
static atomic_bool is_done;

static void *rewrite(void *nothing)
{
	while (!is_done) {
		shown = evil;
		shown = harmless;
	}
	return nothing;
}

static void *swap(void *nothing)
{
	while (!is_done)
		if (taken)
			dup2(other, taken);
	return nothing;
}

int main(void)
{
	pthread_t threads[2];
	int times = 0, server;

	evil = address("127.77.0.1", 0);
	server = listen_at(&evil);
	harmless = address("127.77.0.2", 0);
	(void)server;
	listen_at(&harmless);
	other = socket(AF_INET, SOCK_STREAM, 0);
	NEED(!connect(other, (void *)&harmless, sizeof(harmless)));
	pthread_create(&threads[0], NULL, rewrite, NULL);
	pthread_create(&threads[1], NULL, swap, NULL);
	for (int i = 0; i < 1000; i++) {
		struct sockaddr_in peer = { 0 };
		socklen_t size = sizeof(peer);
		int fd = socket(AF_INET, SOCK_STREAM, 0), kept = dup(fd);

		taken = fd;
		connect(fd, (void *)&shown, sizeof(shown));
		taken = 0;
		getpeername(kept, (void *)&peer, &size);
		times += peer.sin_addr.s_addr == evil.sin_addr.s_addr;
		close(kept);
		close(fd);
	}
	is_done = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("times %d\n", times);
	return 0;
}
