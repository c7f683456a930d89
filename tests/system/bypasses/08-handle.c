/* SPDX-License-Identifier: Apache-2.0 */
/* By a file handle, by O_PATH and /proc/self/fd, by openat2. */
#include "bypass.h"
#include <linux/openat2.h>

int main(void)
{
	struct {
		struct file_handle head;
		unsigned char bytes[128];
	} handle = { .head.handle_bytes = 128 };
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS };
	char path[64];
	int mount, folder = open(".", O_RDONLY | O_DIRECTORY), at;

	at = open("secret", O_PATH);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", at);
	NEED(open(path, O_RDONLY) >= 0);
	NEED(syscall(SYS_openat2, AT_FDCWD, "secret", &how, sizeof(how)) >= 0);
	if (name_to_handle_at(AT_FDCWD, "secret", &handle.head, &mount, 0))
		return SKIP;
	NEED(open_by_handle_at(folder, &handle.head, O_RDONLY) >= 0);
	return 0;
}
