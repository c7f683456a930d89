/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts appended to a file. Unless it is kept open it is opened for every write, so that a file
 * that was moved away is made anew; SIGUSR1 does that for one that is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "sensor/outputs/lines.h"
#include "sensor/sensor.h"

struct file_state {
	char *path;
	int fd; /* -1: not open */
	bool is_kept, is_json;
	bool has_told; /* that it cannot be written */
};

static int file_make(struct file_state *state)
{
	if (state->fd >= 0)
		return 0;
	state->fd = open(state->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	return state->fd < 0 ? -errno : 0;
}

static void file_drop(struct file_state *state)
{
	if (state->fd >= 0)
		close(state->fd);
	state->fd = -1;
}

static void file_close(void *argument)
{
	struct file_state *state = argument;

	file_drop(state);
	free(state->path);
	free(state);
}

static int file_open(const struct sensor_options *options, void **ret_state, struct error *err)
{
	struct file_state *state;
	int r;

	if (!options->file_enabled)
		return 0;
	state = NEW(struct file_state);
	*state = (struct file_state){ .path = string_copy(options->file_name),
		.fd = -1,
		.is_kept = options->file_keep_alive,
		.is_json = options->json_output };
	r = file_make(state);
	if (r < 0) {
		error_set(err, r, "file_output.filename: cannot write to %s: %s", state->path,
			strerror(-r));
		file_close(state);
		return r;
	}
	if (!state->is_kept)
		file_drop(state);
	*ret_state = state;
	return 1;
}

static size_t file_write(
	void *argument, struct outlet *outlet, struct sensor_alert *const *alerts, size_t count)
{
	struct file_state *state = argument;
	int r = file_make(state);

	if (r >= 0)
		r = lines_write(state->fd, alerts, count, state->is_json);
	if (r < 0 && !state->has_told)
		log_error("file output: cannot write to %s: %s; alerts are lost there", state->path,
			strerror(-r));
	state->has_told = r < 0;
	if (!state->is_kept || r < 0)
		file_drop(state);
	return r < 0 ? 0 : count;
}

static void file_reopen(void *argument)
{
	file_drop(argument);
}

const struct sensor_output output_file = {
	.name = "file",
	.open = file_open,
	.write = file_write,
	.reopen = file_reopen,
	.close = file_close,
};
