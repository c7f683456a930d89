/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the other programs are: seen from this one, in a build tree or in an installed one.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
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

int program_exec(const char *name, char **argv)
{
	_cleanup_(freep) char *path = program_path(name);

	if (!path) {
		fprintf(stderr, "tercel: the program tercel-%s is not installed beside this one\n",
			name);
		return 1;
	}
	execv(path, argv);
	fprintf(stderr, "tercel: %s cannot be started: %s\n", path, strerror(errno));
	return 1;
}

void command_line_add(struct command_line *line, const char *format, ...)
{
	va_list arguments;
	struct buffer text;

	if (line->count + 1 >= COUNT_OF(line->items))
		return;
	buffer_init(&text, SIZE_MAX / 2);
	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	line->items[line->count++] = buffer_take(&text);
}

void command_line_add_option(struct command_line *line, const char *key, const char *value)
{
	command_line_add(line, "-o%s=%s", key, value);
}

void command_line_done(struct command_line *line)
{
	for (size_t i = 0; i < line->count; i++)
		free(line->items[i]);
}
