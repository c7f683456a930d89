/* SPDX-License-Identifier: Apache-2.0 */
/* A thousand short processes, and a grandchild whose parent is gone. */
#include "bypass.h"
int main(void)
{
	pid_t parent;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < 1000; i++) {
		if (!fork())
			_exit(0);
		wait(NULL);
	}
	if (!fork()) {
		parent = getpid();
		if (fork())
			_exit(0);
		while (getppid() == parent)
			sched_yield();
		execl("/bin/true", "grandchild", NULL);
		_exit(1);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
