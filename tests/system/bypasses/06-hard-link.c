/* SPDX-License-Identifier: Apache-2.0 */
/* A hard link, and a read by its name: by the link's making and by the inode. */
#include "bypass.h"
int main(void)
{
	NEED(!linkat(AT_FDCWD, "secret", AT_FDCWD, "innocent", 0));
	NEED(open("innocent", O_RDONLY) >= 0);
	NEED(!unlink("innocent"));
	return 0;
}
