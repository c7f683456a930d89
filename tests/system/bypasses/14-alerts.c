/* SPDX-License-Identifier: Apache-2.0 */
/* One rule that alerts ten thousand times, and an other that must get through. */
#include "bypass.h"
int main(void)
{
	for (int i = 0; i < 10000; i++)
		close(openat(AT_FDCWD, "decoy", O_RDONLY));
	NEED(openat(AT_FDCWD, "secret", O_RDONLY) >= 0);
	return 0;
}
