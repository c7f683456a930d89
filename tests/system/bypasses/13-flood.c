/* SPDX-License-Identifier: Apache-2.0 */
/* An attack while another thread opens files as fast as it can. */
#include "bypass.h"
static atomic_bool is_done;

static void *flood(void *nothing)
{
	while (!is_done)
		close(openat(AT_FDCWD, "/dev/null", O_RDONLY));
	return nothing;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, flood, NULL);
	for (int i = 0; i < 1000; i++)
		close(openat(AT_FDCWD, "secret", O_RDONLY));
	is_done = true;
	pthread_join(thread, NULL);
	printf("times 1000\n");
	return 0;
}
