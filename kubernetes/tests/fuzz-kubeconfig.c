/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubeconfigs: whatever is written, it is refused with words or names a server. The input is the
 * whole file, and once more what a good file says of its cluster and user.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"
#include "kubernetes/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char good[] = "current-context: a\n"
			   "contexts: [{name: a, context: {cluster: b, user: c, namespace: d}}]\n"
			   "clusters: [{name: b, cluster: &it {server: \"https://localhost\", ";
/* What the input opens is closed, if it is as it should be. */
static const char rest[] = "}}]\nusers: [{name: c, user: *it}]\n";

static void load(const char *path, const char *before, struct text input, const char *after)
{
	struct kubernetes_api api = { 0 };
	struct error err = { 0 };
	FILE *file = fopen(path, "we");

	if (!file)
		abort();
	fputs(before, file);
	fwrite(input.data, 1, input.length, file);
	fputs(after, file);
	fclose(file);
	if (kubernetes_api_load(path, &api, &err) < 0)
		assert(err.message[0] && !api.server && !api.token);
	else
		assert(api.server && api.server[0]);
	kubernetes_api_done(&api);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A folder of its own: what the input names beside the file is not there. */
	char folder[] = "/tmp/fuzz-kubeconfig-XXXXXX";
	struct text input = { (const char *)data, size };
	_cleanup_(freep) char *path = NULL;

	if (!mkdtemp(folder))
		abort();
	path = string_printf("%s/config", folder);
	load(path, "", input, "");
	load(path, good, input, rest);
	unlink(path);
	rmdir(folder);
	return 0;
}
