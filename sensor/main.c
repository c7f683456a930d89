/* SPDX-License-Identifier: Apache-2.0 */
/* tercel-sensor: watches this host by rules and tells what they find. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/http-client.h"
#include "base/memory.h"
#include "sensor/sensor.h"

static struct sensor_signals signals;

static void on_signal(int number)
{
	switch (number) {
	case SIGUSR1:
		atomic_store(&signals.reopen, true);
		break;
	case SIGHUP:
		atomic_store(&signals.reload, true);
		break;
	default:
		atomic_store(&signals.number, number);
		atomic_store(&signals.stop, true);
	}
}

static void take_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGUSR1, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		sigaction(numbers[i], &action, NULL);
	/* A reader that went away is an error of the write. */
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct sensor_settings settings;
	struct error err = {};
	int status = 0, r;

	log_open("tercel-sensor", LOG_LEVEL_INFO, false);
	take_signals();
	http_client_setup();
	r = sensor_settings_load(&settings, argc, argv, &err);
	if (r >= 0)
		r = sensor_describe(&settings, &status, &err);
	if (r == 0)
		r = sensor_run(&settings, &signals, argc, argv, &err);
	sensor_settings_done(&settings);
	if (r < 0) {
		fprintf(stderr, "Error: %s\n", err.message);
		return 1;
	}
	return status;
}
