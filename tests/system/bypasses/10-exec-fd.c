/* SPDX-License-Identifier: Apache-2.0 */
/* Programs without a name: from memory, by descriptor; and by the loader. */
#include "bypass.h"
static int copy_to(int to)
{
	int from = open("/bin/true", O_RDONLY);
	char buffer[65536];
	ssize_t got;

	while ((got = read(from, buffer, sizeof(buffer))) > 0)
		NEED(write(to, buffer, got) == got);
	close(from);
	return to;
}

static void run(void (*how)(char *folder), char *folder)
{
	if (!fork()) {
		how(folder);
		_exit(1);
	}
	wait(NULL);
}

static void from_memory(char *folder)
{
	char *const arguments[] = { folder, NULL };

	syscall(SYS_execveat, copy_to(memfd_create("hidden", MFD_CLOEXEC)), "", arguments, NULL,
		AT_EMPTY_PATH);
}

static void by_descriptor(char *folder)
{
	char *const arguments[] = { folder, NULL };

	dup2(open("/bin/true", O_RDONLY), 9);
	syscall(SYS_execveat, 9, "", arguments, NULL, AT_EMPTY_PATH);
}

static void by_loader(char *folder)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/dropped", folder);
	close(copy_to(open(path, O_CREAT | O_WRONLY, 0600)));
	execl("/lib64/ld-linux-x86-64.so.2", "ld", path, NULL);
}

int main(int count, char **arguments)
{
	(void)count;
	run(from_memory, arguments[1]);
	run(by_descriptor, arguments[1]);
	run(by_loader, arguments[1]);
	return 0;
}
