/* SPDX-License-Identifier: Apache-2.0 */
/* Another comm, another argv[0], an exec from a thread that is not the first. */
#include "bypass.h"
static void *exec_here(void *nothing)
{
	execl("/bin/true", "innocent", NULL);
	return nothing;
}

int main(void)
{
	pthread_t thread;

	prctl(PR_SET_NAME, "systemd");
	NEED(open("secret", O_RDONLY) >= 0);
	pthread_create(&thread, NULL, exec_here, NULL);
	pthread_join(thread, NULL);
	return 1;
}
