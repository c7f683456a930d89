/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that hold tokens, keys and certificates, such as Kubernetes mounts them: small, and read
 * again whenever they are used, as they are renewed in place.
 */
#pragma once

#include "base/error.h"

#define SECRET_FILE_MAX (1 << 20)

/* The whole file, NUL-ended; the caller frees it. -EFBIG above SECRET_FILE_MAX, or open()'s. */
int secret_file_read(const char *path, char **ret_text, struct error *err);
/*
 * Replaces *token by what the file holds, without blanks around it; a `path` that is NULL or ""
 * changes nothing. -EINVAL: there is nothing in it.
 */
int secret_file_token(const char *path, char **token, struct error *err);
