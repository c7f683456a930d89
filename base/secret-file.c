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
#include "base/text.h"

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

int secret_file_token(const char *path, char **token, struct error *err)
{
	_cleanup_(freep) char *text = NULL;
	int r = path && *path ? secret_file_read(path, &text, err) : 0;

	if (r < 0 || !text)
		return r;
	if (!text_trim(text_of(text)).length)
		return error_set(err, -EINVAL, "%s has no token in it", path);
	free(*token);
	*token = text_to_string(text_trim(text_of(text)));
	return 0;
}
