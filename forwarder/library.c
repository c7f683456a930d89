/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client libraries, found while running.
 */
#include <dlfcn.h>
#include <errno.h>

#include "forwarder/library.h"

int library_load(const struct library *library, void **functions, struct error *err)
{
	void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return error_set(err, -ENOENT,
			"%s cannot be loaded; install it (Debian: apt-get install %s)",
			library->file, library->package);
	for (size_t i = 0; i < library->count; i++) {
		functions[i] = dlsym(handle, library->names[i]);
		if (!functions[i])
			return error_set(err, -ENOENT, "%s has no %s; another version is needed",
				library->file, library->names[i]);
	}
	return 0;
}
