/* SPDX-License-Identifier: Apache-2.0 */
/* A folder that is a link, /proc/self/root, and a way down and up again. */
#include "bypass.h"
int main(int count, char **arguments)
{
	char path[PATH_MAX];

	(void)count;
	NEED(!symlink(arguments[1], "door") && !mkdir("sub", 0700));
	NEED(open("door/secret", O_RDONLY) >= 0 && open("sub/../secret", O_RDONLY) >= 0);
	snprintf(path, sizeof(path), "/proc/self/root%s/secret", arguments[1]);
	NEED(open(path, O_RDONLY) >= 0);
	return 0;
}
