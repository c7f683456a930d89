/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as lines on the standard output. */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "sensor/outputs/lines.h"
#include "sensor/sensor.h"

struct stdout_state {
	bool is_json;
	bool has_told; /* that nobody reads */
};

static int stdout_open(const struct sensor_options *options, void **ret_state, struct error *err)
{
	struct stdout_state *state;

	if (!options->stdout_enabled)
		return 0;
	state = NEW(struct stdout_state);
	state->is_json = options->json_output;
	*ret_state = state;
	return 1;
}

static size_t stdout_write(
	void *argument, struct outlet *outlet, struct sensor_alert *const *alerts, size_t count)
{
	struct stdout_state *state = argument;
	int r = lines_write(STDOUT_FILENO, alerts, count, state->is_json);

	if (r < 0 && !state->has_told)
		log_error("stdout output: %s; alerts are lost there", strerror(-r));
	state->has_told = r < 0;
	return r < 0 ? 0 : count;
}

const struct sensor_output output_stdout = {
	.name = "stdout",
	.open = stdout_open,
	.write = stdout_write,
	.close = free,
};
