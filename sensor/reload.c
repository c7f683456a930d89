/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading rules and settings anew beside those that run (architecture: nothing of this is done by
 * the hot thread).
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "sensor/reload.h"
#include "sensor/settings.h"
#include "sensor/watch.h"

/* Changes come in bursts; the files are read when none came for so long (Falco's 100 ms). */
#define QUIET_MS 100
/* At the latest after this, for files that never are quiet. */
#define NOISE_MS 2000

struct reloader {
	struct reloader_options options;
	pthread_t thread;
	struct watch *watch; /* NULL: watch_config_files is false */
	int wake;	     /* eventfd: a reload is asked for, or the end, or one was taken */
	_Atomic bool is_asked, is_ending;
	_Atomic(struct reload *) done; /* not taken yet */
};

/* Until something happens or time is up (-1: never). Whether a change of files was seen. */
static bool wait_for_change(struct reloader *reloader, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = reloader->wake, .events = POLLIN },
		{ .fd = reloader->watch ? watch_fd(reloader->watch) : -1, .events = POLLIN },
	};
	uint64_t count;

	(void)poll(fds, COUNT_OF(fds), timeout_ms);
	(void)!read(reloader->wake, &count, sizeof(count));
	return reloader->watch && watch_take(reloader->watch);
}

static void wait_for_quiet(struct reloader *reloader)
{
	for (int waited = 0; waited < NOISE_MS; waited += QUIET_MS)
		if (!wait_for_change(reloader, QUIET_MS))
			return;
}

static void watch_settings(struct reloader *reloader, const struct sensor_settings *settings)
{
	struct text_list paths = {};

	if (!reloader->watch)
		return;
	sensor_watched_paths(settings, &paths);
	watch_set(reloader->watch, &paths);
	text_list_done(&paths);
}

static struct reload *load(struct reloader *reloader)
{
	struct sensor_settings *settings = NEW(struct sensor_settings);
	struct reload *reload = NEW(struct reload);
	struct error err = {};
	int r = sensor_settings_read(
		settings, reloader->options.argc, reloader->options.argv, &err);

	if (r >= 0) {
		/* Before the rules are read: a change from now on is the next one. */
		watch_settings(reloader, settings);
		r = generation_new(settings, reloader->options.metrics, &reload->generation, &err);
	}
	if (r >= 0) {
		reload->generation->owns_settings = true;
		generation_look_up(reload->generation);
		return reload;
	}
	sensor_settings_done(settings);
	free(settings);
	reload->error = string_copy(err.message);
	return reload;
}

static void *run(void *argument)
{
	struct reloader *reloader = argument;

	while (!atomic_load(&reloader->is_ending)) {
		bool has_changed = wait_for_change(reloader, -1);
		bool is_asked = atomic_exchange(&reloader->is_asked, false);

		if (!has_changed && !is_asked)
			continue;
		log_info("%s, checking settings and rules...",
			is_asked ? "SIGHUP received" : "files have changed");
		if (has_changed)
			wait_for_quiet(reloader);
		/* Quiet is over for those who asked meanwhile, too. */
		(void)atomic_exchange(&reloader->is_asked, false);
		while (atomic_load(&reloader->done) && !atomic_load(&reloader->is_ending))
			if (wait_for_change(reloader, -1))
				atomic_store(&reloader->is_asked, true);
		if (!atomic_load(&reloader->is_ending))
			atomic_store(&reloader->done, load(reloader));
	}
	return NULL;
}

static void wake(struct reloader *reloader)
{
	uint64_t one = 1;

	(void)!write(reloader->wake, &one, sizeof(one));
}

int reloader_new(
	const struct reloader_options *options, struct reloader **ret_reloader, struct error *err)
{
	struct reloader *reloader = NEW(struct reloader);
	int r = 0;

	reloader->options = *options;
	reloader->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (options->settings->options.watches_files)
		r = watch_new(&reloader->watch, err);
	if (r >= 0) {
		watch_settings(reloader, options->settings);
		r = -pthread_create(&reloader->thread, NULL, run, reloader);
		if (r < 0)
			error_set(err, r, "no thread for reloads: %s", strerror(-r));
	}
	if (r < 0) {
		watch_free(reloader->watch);
		close(reloader->wake);
		free(reloader);
		return r;
	}
	*ret_reloader = reloader;
	return 0;
}

void reload_free(struct reload *reload)
{
	if (!reload)
		return;
	generation_free(reload->generation);
	free(reload->error);
	free(reload);
}

void reloader_free(struct reloader *reloader)
{
	if (!reloader)
		return;
	atomic_store(&reloader->is_ending, true);
	wake(reloader);
	pthread_join(reloader->thread, NULL);
	reload_free(atomic_exchange(&reloader->done, NULL));
	watch_free(reloader->watch);
	close(reloader->wake);
	free(reloader);
}

void reloader_ask(struct reloader *reloader)
{
	atomic_store(&reloader->is_asked, true);
	wake(reloader);
}

struct reload *reloader_take(struct reloader *reloader)
{
	struct reload *reload;

	if (!atomic_load_explicit(&reloader->done, memory_order_relaxed))
		return NULL;
	reload = atomic_exchange(&reloader->done, NULL);
	wake(reloader);
	return reload;
}

/* ---- what cannot change while the sensor runs ---- */

/* Keys, or beginnings of keys, whose values are used once, at the start. */
static const char *const fixed_keys[] = { "engine.", "sensor.ring_size", "sensor.record_",
	"sensor.ignore_pids", "sensor.keep_capabilities", "sensor.host_root", "container_engines.",
	"watch_config_files", "webserver.", "capture." };

static bool is_fixed(struct text line)
{
	for (size_t i = 0; i < COUNT_OF(fixed_keys); i++)
		if (text_starts_with(line, text_of(fixed_keys[i])))
			return true;
	return false;
}

static bool has_line(struct text all, struct text line)
{
	struct text one;

	while (text_split(&all, '\n', &one))
		if (text_equal(one, line))
			return true;
	return false;
}

void reload_tell_unchanged(
	const struct sensor_settings *running, const struct sensor_settings *wanted)
{
	struct buffer before, after;
	struct text rest, line;

	buffer_init(&before, 1 << 20);
	buffer_init(&after, 1 << 20);
	settings_print(sensor_settings_table(), &running->options, &before);
	settings_print(sensor_settings_table(), &wanted->options, &after);
	rest = buffer_text(&after);
	while (rest.length && text_split(&rest, '\n', &line))
		if (is_fixed(line) && !has_line(buffer_text(&before), line))
			log_warning("reload: " TEXT_FORMAT
				    " cannot be changed while the sensor runs; it takes effect at "
				    "the next start",
				TEXT_PRINT(line));
	buffer_done(&before);
	buffer_done(&after);
}
