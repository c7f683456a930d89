/* SPDX-License-Identifier: Apache-2.0 */
/* The same with calls that leave no object behind: what they name is unproven. */
#include "bypass.h"
int main(void)
{
	NEED(!mkdirat(AT_FDCWD, "made", 0700));
	NEED(!syscall(SYS_renameat2, AT_FDCWD, "made", AT_FDCWD, "moved", 0));
	NEED(!unlinkat(AT_FDCWD, "moved", AT_REMOVEDIR));
	return 0;
}
