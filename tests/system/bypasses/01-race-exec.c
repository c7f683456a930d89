/* SPDX-License-Identifier: Apache-2.0 */
/* A thread rewrites the path of an exec; the image that runs is told of. */
#include "bypass.h"
static char path[PATH_MAX];
static char real[PATH_MAX], decoy[PATH_MAX];

static void *rewrite(void *nothing)
{
	for (;;) {
		strcpy(path, real);
		strcpy(path, decoy);
	}
	return nothing;
}

int main(int count, char **arguments)
{
	char command[3 * PATH_MAX];
	int status = 1;

	(void)count;
	snprintf(real, sizeof(real), "%s/real-true", arguments[1]);
	snprintf(decoy, sizeof(decoy), "%s/none-true", arguments[1]);
	snprintf(command, sizeof(command), "cp /bin/true %s", real);
	NEED(!system(command));
	for (int i = 0; i < 10000 && status; i++) {
		if (!fork()) {
			pthread_t thread;
			char *const none[] = { path, NULL };

			strcpy(path, real);
			pthread_create(&thread, NULL, rewrite, NULL);
			execv(path, none);
			_exit(1);
		}
		wait(&status);
	}
	return status;
}
