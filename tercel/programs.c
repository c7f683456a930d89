/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the other programs are: seen from this one, in a build tree or in an installed one.
 */
#include <limits.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"
#include "tercel/command.h"

static char *own_folder(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (length < 0)
		return NULL;
	path[length] = '\0';
	slash = strrchr(path, '/');
	return memory_copy(path, (size_t)(slash - path));
}

char *program_path(const char *name)
{
	_cleanup_(freep) char *folder = own_folder();
	char *candidates[] = {
		string_printf("%s/../%s/tercel-%s", folder ? folder : "", name, name),
		string_printf("%s/../libexec/tercel/tercel-%s", folder ? folder : "", name),
		string_printf("%s/tercel-%s", TERCEL_LIBEXEC, name),
	};
	char *found = NULL;

	for (size_t i = 0; i < COUNT_OF(candidates); i++) {
		if (!found && access(candidates[i], X_OK) == 0)
			found = TAKE(candidates[i]);
		free(candidates[i]);
	}
	return found;
}
