/* SPDX-License-Identifier: Apache-2.0 */
/* Other namespaces between fork and exec. */
#include "bypass.h"
int main(void)
{
	int before = open("/proc/self/ns/mnt", O_RDONLY);

	if (!fork()) {
		NEED(!unshare(CLONE_NEWNS | CLONE_NEWPID));
		NEED(!setns(before, CLONE_NEWNS));
		if (!fork()) {
			execl("/bin/true", "inside", NULL);
			_exit(1);
		}
		wait(NULL);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
