/* SPDX-License-Identifier: Apache-2.0 */
/* What Docker keeps of a container on the disk: two files, here divided by the first NUL. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "sensor/state/runtimes/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_folder(const char *path)
{
	if (mkdir(path, 0700))
		abort();
}

/* Its path lives as long as the program; what is in it is the next run's to overwrite. */
static const char *make_root(void)
{
	static char root[] = "/dev/shm/tercel-fuzz-XXXXXX";
	char path[64];

	if (!mkdtemp(root))
		abort();
	snprintf(path, sizeof(path), "%s/containers", root);
	make_folder(path);
	snprintf(path, sizeof(path), "%s/containers/1234", root);
	make_folder(path);
	return root;
}

static void write_file(const char *root, const char *name, const uint8_t *data, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/containers/1234/%s", root, name);
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *root;
	struct fetch fetch = { .id = TEXT("1234"), .prefix = "" };
	struct error err = { 0 };
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	size_t first = end ? (size_t)(end - data) : size;

	root = root ? root : make_root();
	write_file(root, "config.v2.json", data, first);
	write_file(root, "hostconfig.json", end ? end + 1 : data, end ? size - first - 1 : 0);
	fetch.metadata = metadata_new("docker");
	(void)docker_files_read(root, &fetch, &err);
	metadata_finish(fetch.metadata);
	metadata_release(fetch.metadata);
	image_facts_free(fetch.ret_facts);
	return 0;
}
