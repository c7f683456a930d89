/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files, whole.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/secret-file.h"

int secret_file_read(const char *path, char **ret_text, struct error *err)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	_cleanup_(freep) char *text = NEW_ARRAY(char, SECRET_FILE_MAX + 1);
	size_t length;

	if (!file)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	length = fread(text, 1, SECRET_FILE_MAX, file);
	if (ferror(file) || !feof(file))
		return error_set(err, ferror(file) ? -EIO : -EFBIG, "%s: %s", path,
			ferror(file) ? "cannot be read" : "is larger than 1 MiB");
	text[length] = '\0';
	*ret_text = TAKE(text);
	return 0;
}
