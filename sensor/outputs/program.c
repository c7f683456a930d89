/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts as lines into a program's standard input, started by the shell: one for each alert, or one
 * that is kept for all of them until SIGUSR1 or its end. A program that does not read delays this
 * outlet alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "sensor/outputs/output.h"
#include "sensor/sensor.h"

#define TURN_MS 50
/* How long a program may take to end after its input did. */
#define END_MS 1000

extern char **environ;

struct program_state {
	char *command;
	int fd;	   /* its standard input; -1: it does not run */
	pid_t pid; /* 0: it does not run */
	bool is_kept, is_json;
	bool has_told; /* that it fails */
};

/* The program's end of the pipe is its standard input; ours is closed in it by itself. */
static int spawn(struct program_state *state, int input)
{
	char *arguments[] = { "sh", "-c", state->command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int r;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE); /* we ignore it, which a program would inherit */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	r = posix_spawn(&state->pid, "/bin/sh", &actions, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int program_start(struct program_state *state)
{
	int ends[2], r;

	if (state->fd >= 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	r = spawn(state, ends[0]);
	close(ends[0]);
	if (r < 0) {
		close(ends[1]);
		return r;
	}
	/* Without waiting in write(2) a program that does not read cannot hold up our end. */
	(void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
	state->fd = ends[1];
	return 0;
}

/*
 * Closes its input and waits for its end, as pclose(3) does. Once the sensor stops, or where nobody
 * can say that it does, not for long.
 */
static void program_end(struct program_state *state, struct outlet *outlet)
{
	int turns = 0;

	if (state->fd >= 0)
		close(state->fd);
	state->fd = -1;
	while (state->pid > 0) {
		pid_t ended = waitpid(state->pid, NULL, WNOHANG);

		if (ended == state->pid || (ended < 0 && errno != EINTR))
			state->pid = 0;
		else if (++turns > END_MS && !(outlet && outlet_may_wait(outlet)))
			(void)kill(state->pid, SIGKILL);
		if (state->pid)
			(void)poll(NULL, 0, 1);
	}
}

static int write_line(int fd, struct outlet *outlet, struct text line)
{
	while (line.length) {
		ssize_t written = write(fd, line.data, line.length);

		if (written >= 0) {
			line = text_slice(line, (size_t)written, line.length);
		} else if (errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			if (!outlet_may_wait(outlet))
				return -ETIMEDOUT;
			(void)poll(&ready, 1, TURN_MS);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static int write_alert(
	struct program_state *state, struct outlet *outlet, const struct sensor_alert *alert)
{
	struct text line = sensor_alert_line(alert, state->is_json);
	_cleanup_(freep) char *whole = string_printf(TEXT_FORMAT "\n", TEXT_PRINT(line));
	int r = program_start(state);

	return r < 0 ? r : write_line(state->fd, outlet, text_of(whole));
}

/* One that is kept may have ended since the last alert: then a new one gets it. */
static int deliver(
	struct program_state *state, struct outlet *outlet, const struct sensor_alert *alert)
{
	bool was_running = state->fd >= 0;
	int r = write_alert(state, outlet, alert);

	if (r == -EPIPE && was_running) {
		program_end(state, outlet);
		r = write_alert(state, outlet, alert);
	}
	if (!state->is_kept || r < 0)
		program_end(state, outlet);
	return r;
}

static size_t program_write(
	void *argument, struct outlet *outlet, struct sensor_alert *const *alerts, size_t count)
{
	struct program_state *state = argument;
	size_t done = 0;

	while (done < count) {
		int r = deliver(state, outlet, alerts[done]);

		if (r == -ETIMEDOUT)
			break;
		if (r < 0 && !state->has_told)
			log_error("program output: \"%s\" does not take alerts: %s; they are lost "
				  "there",
				state->command, strerror(-r));
		if (r < 0)
			outlet_add_lost(outlet, 1);
		state->has_told = r < 0;
		done++;
	}
	return done;
}

static int program_open(const struct sensor_options *options, void **ret_state, struct error *err)
{
	struct program_state *state;

	if (!options->program_enabled)
		return 0;
	if (!*options->program_command)
		return error_set(err, -EINVAL,
			"program_output.program is empty; set it to the command that takes alerts "
			"on its standard input");
	state = NEW(struct program_state);
	*state = (struct program_state){ .command = string_copy(options->program_command),
		.fd = -1,
		.is_kept = options->program_keep_alive,
		.is_json = options->json_output };
	*ret_state = state;
	return 1;
}

static void program_reopen(void *argument)
{
	program_end(argument, NULL);
}

static void program_close(void *argument)
{
	struct program_state *state = argument;

	program_end(state, NULL);
	free(state->command);
	free(state);
}

const struct sensor_output output_program = {
	.name = "program",
	.open = program_open,
	.write = program_write,
	.reopen = program_reopen,
	.close = program_close,
};
