/* SPDX-License-Identifier: Apache-2.0 */
/* A sensitive file replaced without a write: rename over it, an exchange, a bind mount. */
#include "bypass.h"
static void make(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", name);
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

int main(int count, char **arguments)
{
	char target[PATH_MAX], one[PATH_MAX];

	(void)count;
	make("target");
	make("one");
	make("two");
	NEED(!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	NEED(!syscall(SYS_rename, "one", "target"));
	NEED(!renameat2(AT_FDCWD, "two", AT_FDCWD, "target", RENAME_EXCHANGE));
	snprintf(target, sizeof(target), "%s/target", arguments[1]);
	snprintf(one, sizeof(one), "%s/two", arguments[1]);
	NEED(!mount(one, target, NULL, MS_BIND, NULL));
	return 0;
}
