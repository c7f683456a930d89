/* SPDX-License-Identifier: Apache-2.0 */
/* A payload behind 4 KiB of arguments, and a secret below a hundred folders. */
#include "bypass.h"
int main(void)
{
	static char padding[8000];

	memset(padding, 'x', sizeof(padding) - 1);
	if (!fork()) {
		execl("/bin/true", "true", padding, "payload", NULL);
		_exit(1);
	}
	wait(NULL);
	for (int i = 0; i < 120; i++)
		NEED(!mkdir("deep", 0700) && !chdir("deep"));
	NEED(open("secret", O_CREAT | O_RDWR, 0600) >= 0);
	return 0;
}
