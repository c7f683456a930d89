/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts in the host's syslog: level by the rule's priority, facility user, as Falco does. */
#include <syslog.h>

#include "base/memory.h"
#include "sensor/outputs/output.h"
#include "sensor/sensor.h"

struct syslog_state {
	bool is_json;
};

static int syslog_open(const struct sensor_options *options, void **ret_state, struct error *err)
{
	struct syslog_state *state;

	(void)err;
	if (!options->syslog_enabled)
		return 0;
	state = NEW(struct syslog_state);
	state->is_json = options->json_output;
	*ret_state = state;
	return 1;
}

/* Priorities have syslog's numbers. Who listens there is the host's matter: no answer comes. */
static size_t syslog_write(
	void *argument, struct outlet *outlet, struct sensor_alert *const *alerts, size_t count)
{
	const struct syslog_state *state = argument;

	(void)outlet;
	for (size_t i = 0; i < count; i++) {
		struct text line = sensor_alert_line(alerts[i], state->is_json);

		syslog(LOG_USER | (int)MIN_OF(alerts[i]->priority, PRIORITY_DEBUG), TEXT_FORMAT,
			TEXT_PRINT(line));
	}
	return count;
}

const struct sensor_output output_syslog = {
	.name = "syslog",
	.open = syslog_open,
	.write = syslog_write,
	.close = free,
};
