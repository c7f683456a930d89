/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel-forwarder: takes alerts, keeps them in a journal, and carries them to the outputs.
 * Everything is opened from the inside out (journal, outputs, intake), and closed the other way:
 * no alert is taken that has nowhere to go, and what was taken is sent before the end.
 */
#include <errno.h>
#include <signal.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/http-client.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/ready.h"
#include "forwarder/check.h"
#include "forwarder/dead-letters-command.h"
#include "forwarder/delivery.h"
#include "forwarder/intake.h"
#include "forwarder/journal.h"
#include "forwarder/pipeline.h"
#include "forwarder/settings.h"
#include "forwarder/watched-files.h"

#define TOKEN_MAX 4096
#define FILES_MAX 65536
#define LOOK_MS	  1000
#define REST_MS	  2000 /* what is under way at a reload has so long to arrive */

/* The end of the settings' life and of what is made of them; a reload makes another. */
struct setup {
	struct configuration *configuration;
	const struct settings *settings;
	struct pipeline *pipeline;
	char *token;
};

struct forwarder {
	int argc;
	char **argv;
	struct setup *setup;
	struct metrics *metrics;
	struct journal *journal;
	struct minder *minder;
	struct waiting_room *room;
	struct intake *intake;
	struct watched_files *files;
	pthread_mutex_t lock; /* of delivery, which the journal's thread wakes */
	struct delivery *delivery;
	metric *reloads, *failed_reloads;
	bool has_abandoned; /* an output that hung at a reload */
};

static void warn(void *context, const char *message)
{
	(void)context;
	log_warning("%s", message);
}

/* What the start or an earlier reload has told already, or delivery will tell. */
static void ignore(void *context, const char *message)
{
	(void)context;
	(void)message;
}

static int read_token(struct setup *setup, struct error *err)
{
	const char *path = setup->settings->token_file;
	_cleanup_(fclosep) FILE *file = NULL;
	char text[TOKEN_MAX];
	struct text token;

	setup->token = string_copy(setup->settings->token);
	if (!path || !*path)
		return 0;
	file = fopen(path, "re");
	if (!file)
		return error_set(
			err, -errno, "tokenfile: %s cannot be read: %s", path, strerror(errno));
	token = text_trim((struct text){ text, fread(text, 1, sizeof(text), file) });
	if (!token.length)
		return error_set(err, -EINVAL, "tokenfile: %s is empty", path);
	free(setup->token);
	setup->token = text_to_string(token);
	return 0;
}

static void setup_free(struct setup *setup)
{
	if (!setup)
		return;
	pipeline_free(setup->pipeline);
	configuration_free(setup->configuration);
	free(setup->token);
	free(setup);
}
DEFINE_CLEANUP(struct setup *, setup_free)

/* Takes the configuration over. */
static int setup_new(
	struct configuration *configuration, struct setup **ret_setup, struct error *err)
{
	_cleanup_(setup_freep) struct setup *setup = NEW(struct setup);
	int r;

	setup->configuration = configuration;
	setup->settings = configuration_settings(configuration);
	r = pipeline_new(setup->settings, warn, NULL, &setup->pipeline, err);
	if (!r)
		r = read_token(setup, err);
	if (r < 0)
		return r;
	*ret_setup = TAKE(setup);
	return 0;
}

static void wake_delivery(void *context)
{
	struct forwarder *forwarder = context;

	pthread_mutex_lock(&forwarder->lock);
	if (forwarder->delivery)
		delivery_wake(forwarder->delivery);
	pthread_mutex_unlock(&forwarder->lock);
}

static struct delivery *swap_delivery(struct forwarder *forwarder, struct delivery *delivery)
{
	struct delivery *old;

	pthread_mutex_lock(&forwarder->lock);
	old = forwarder->delivery;
	forwarder->delivery = delivery;
	pthread_mutex_unlock(&forwarder->lock);
	return old;
}

static int open_journal(struct forwarder *forwarder, struct error *err)
{
	const struct settings *settings = forwarder->setup->settings;
	struct journal_options options = {
		.folder = settings->state,
		.durability = (enum durability)settings->durability,
		.keep_ms = settings->keep_ms,
		.keep_bytes = settings->keep_bytes,
		.has_new = wake_delivery,
		.context = forwarder,
	};

	return journal_open(&options, &forwarder->journal, err);
}

static int make_delivery(const struct forwarder *forwarder, const struct setup *setup,
	struct delivery **ret_delivery, struct error *err)
{
	return delivery_new(setup->configuration, forwarder->journal, forwarder->metrics, warn,
		NULL, ret_delivery, err);
}

static struct intake_parts parts_of(
	const struct forwarder *forwarder, const struct setup *setup, struct delivery *delivery)
{
	return (struct intake_parts){ setup->settings, setup->token, setup->pipeline, delivery,
		forwarder->journal, forwarder->metrics, forwarder->minder, forwarder->room };
}

static void remember_file(void *context, const char *path)
{
	watched_files_add(context, path);
}

static void watch_files(struct forwarder *forwarder)
{
	watched_files_free(forwarder->files);
	forwarder->files = watched_files_new();
	configuration_files(forwarder->setup->configuration, remember_file, forwarder->files);
}

static int start_minders(struct forwarder *forwarder, struct error *err)
{
	int r;

	forwarder->minder = minder_new(forwarder->journal, forwarder->metrics);
	minder_set_silence(forwarder->minder, forwarder->setup->settings->silent_after_ms);
	forwarder->room = waiting_room_new(forwarder->journal, forwarder->metrics);
	r = minder_start(forwarder->minder, err);
	return r < 0 ? r : waiting_room_start(forwarder->room, err);
}

static int open_all(struct forwarder *forwarder, struct error *err)
{
	struct delivery *delivery = NULL;
	struct intake_parts parts;
	int r = open_journal(forwarder, err);

	if (!r)
		r = make_delivery(forwarder, forwarder->setup, &delivery, err);
	(void)swap_delivery(forwarder, delivery);
	if (!r)
		r = journal_start(forwarder->journal, err);
	if (!r)
		r = delivery_start(delivery, err);
	if (!r)
		r = start_minders(forwarder, err);
	if (r < 0)
		return r;
	parts = parts_of(forwarder, forwarder->setup, delivery);
	watch_files(forwarder);
	return intake_new(&parts, &forwarder->intake, err);
}

static void free_all(struct forwarder *forwarder)
{
	delivery_free(swap_delivery(forwarder, NULL));
	journal_close(forwarder->journal);
	waiting_room_free(forwarder->room);
	minder_free(forwarder->minder);
	watched_files_free(forwarder->files);
	setup_free(forwarder->setup);
	metrics_free(forwarder->metrics);
}

/* From the outside in. False: an output hangs, and what it may still use is not freed. */
static bool close_all(struct forwarder *forwarder)
{
	bool has_ended = !forwarder->has_abandoned;

	if (forwarder->room)
		(void)waiting_room_stop(forwarder->room);
	intake_free(forwarder->intake);
	if (forwarder->minder)
		minder_stop(forwarder->minder);
	if (forwarder->delivery)
		has_ended &=
			delivery_stop(forwarder->delivery, forwarder->setup->settings->drain_ms);
	journal_finish(forwarder->journal);
	if (has_ended)
		free_all(forwarder);
	return has_ended;
}

static void say_hello(const struct forwarder *forwarder)
{
	const struct settings *settings = forwarder->setup->settings;
	struct buffer titles;

	buffer_init(&titles, 4096);
	delivery_titles(forwarder->delivery, &titles);
	log_info("Enabled Outputs: [%s]", titles.data ? titles.data : "");
	log_info("Tercel forwarder is up and listening on %s:%lld%s%s",
		settings->listen_address ? settings->listen_address : "",
		(long long)settings->listen_port, settings->listen_socket ? " and " : "",
		settings->listen_socket ? settings->listen_socket : "");
	buffer_done(&titles);
}

/* What is read once, at the start. */
static void say_what_needs_a_restart(const struct settings *old, const struct settings *new)
{
	const struct {
		const char *key;
		bool has_changed;
	} once[] = {
		{ "listenaddress", text_compare(text_of(old->listen_address),
					   text_of(new->listen_address)) != 0 },
		{ "listenport", old->listen_port != new->listen_port },
		{ "listensocket", text_compare(text_of(old->listen_socket),
					  text_of(new->listen_socket)) != 0 },
		{ "bodylimit", old->body_limit != new->body_limit },
		{ "tlsserver.notlsport", old->tls.plain_port != new->tls.plain_port },
		{ "tlsserver.notlspaths",
			old->tls.plain_paths.count != new->tls.plain_paths.count },
		{ "durability", old->durability != new->durability },
		{ "journal.keep", old->keep_ms != new->keep_ms },
		{ "journal.size", old->keep_bytes != new->keep_bytes },
	};

	for (size_t i = 0; i < COUNT_OF(once); i++)
		if (once[i].has_changed)
			log_warning("%s has changed; that takes effect with the next start",
				once[i].key);
}

static int open_log(const struct settings *settings, struct error *err)
{
	enum log_level level = LOG_LEVEL_INFO;

	if (settings->log_level && log_level_parse(settings->log_level, &level) < 0)
		return error_set(err, -EINVAL,
			"loglevel must be error, warning, info or debug, not \"%s\"",
			settings->log_level);
	if (settings->is_debug)
		level = LOG_LEVEL_DEBUG;
	log_open("forwarder", level, settings->log_json);
	return 0;
}

static int load_again(struct forwarder *forwarder, struct setup **ret_setup, struct error *err)
{
	_cleanup_(configuration_freep) struct configuration *configuration = NULL;
	int r = configuration_load(
		forwarder->argc, forwarder->argv, warn, NULL, &configuration, err);

	if (!r)
		r = configuration_check(configuration, ignore, NULL, err);
	if (!r)
		r = setup_new(TAKE(configuration), ret_setup, err);
	return r;
}

/*
 * The old outputs send nothing new, and what is under way may arrive; then the new ones go on from
 * where the cursors stand. Alerts are taken all the while.
 */
static int change_delivery(
	struct forwarder *forwarder, struct setup *setup, bool *ret_hangs, struct error *err)
{
	struct delivery *old = forwarder->delivery, *new = NULL;
	struct intake_parts parts = parts_of(forwarder, setup, old);
	int r = intake_change(forwarder->intake, &parts, err);

	if (r < 0)
		return r;
	if (!delivery_rest(old, REST_MS))
		forwarder->has_abandoned = *ret_hangs = true;
	r = make_delivery(forwarder, setup, &new, err);
	if (!r)
		r = delivery_start(new, err);
	if (r < 0) {
		/* Only a lack of threads: what was checked is right. The journal has it all. */
		log_error("the outputs cannot be started again: %s", err->message);
		_exit(1);
	}
	parts.delivery = new;
	(void)swap_delivery(forwarder, new);
	r = intake_change(forwarder->intake, &parts, err);
	delivery_wake(new);
	delivery_release(old, new);
	if (!*ret_hangs)
		delivery_free(old);
	return r;
}

static int reload(struct forwarder *forwarder, struct error *err)
{
	struct setup *setup = NULL, *old = forwarder->setup;
	bool hangs = false;
	int r = load_again(forwarder, &setup, err);

	if (!r)
		r = change_delivery(forwarder, setup, &hangs, err);
	if (r < 0) {
		setup_free(setup);
		return r;
	}
	forwarder->setup = setup;
	(void)open_log(setup->settings, err);
	say_what_needs_a_restart(old->settings, setup->settings);
	minder_set_silence(forwarder->minder, setup->settings->silent_after_ms);
	if (hangs)
		log_warning("an output hangs in a call; its connection is left behind");
	else
		setup_free(old);
	return 0;
}

static void reload_and_say(struct forwarder *forwarder, const char *why)
{
	struct error err = { 0 };

	if (reload(forwarder, &err) < 0) {
		log_error("%s, but the old settings stay: %s", why, err.message);
		(*forwarder->failed_reloads)++;
		return;
	}
	(*forwarder->reloads)++;
	configuration_answer(forwarder->setup->configuration, warn, NULL);
	watch_files(forwarder);
	log_info("%s: the new settings are in use", why);
	say_hello(forwarder);
}

static void wait_for_end(struct forwarder *forwarder, const sigset_t *signals)
{
	const struct timespec look = { .tv_sec = LOOK_MS / 1000 };
	int number = 0;

	while (number != SIGTERM && number != SIGINT) {
		number = sigtimedwait(signals, NULL, &look);
		if (number == SIGHUP)
			reload_and_say(forwarder, "told to reload");
		else if (number < 0 && watched_files_have_changed(forwarder->files))
			reload_and_say(forwarder, "a file has changed");
	}
	log_info("%s: no more alerts are taken; what can be sent is sent", strsignal(number));
}

/* Threads inherit the mask, so that only sigtimedwait() gets these. */
static void hold_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* A connection a sender, and a shell's or systemd's 1024 are soon used up. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = MIN_OF(limit.rlim_max, (rlim_t)FILES_MAX);
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void make_metrics(struct forwarder *forwarder)
{
	static const char name[] = "tercel_forwarder_reloads_total";
	static const char about[] = "How often settings were read again";

	forwarder->reloads = metrics_counter(forwarder->metrics, name, about, "status=\"ok\"");
	forwarder->failed_reloads =
		metrics_counter(forwarder->metrics, name, about, "status=\"error\"");
}

static int run(struct forwarder *forwarder, struct configuration *configuration, struct error *err)
{
	sigset_t signals;
	int r = open_log(configuration_settings(configuration), err);

	if (r < 0) {
		configuration_free(configuration);
		return r;
	}
	umask(0077);
	allow_many_files();
	hold_signals(&signals);
	http_client_setup();
	make_metrics(forwarder);
	r = setup_new(configuration, &forwarder->setup, err);
	if (!r)
		r = open_all(forwarder, err);
	if (r < 0)
		return r;
	configuration_answer(configuration, warn, NULL);
	say_hello(forwarder);
	ready_notify();
	wait_for_end(forwarder, &signals);
	return 0;
}

/* 1 when the program has done what it was asked and ends. */
static int print_what_was_asked(const struct settings *settings)
{
	struct buffer out;

	if (settings->wants_version) {
		printf("tercel-forwarder %s\n", TERCEL_VERSION);
		return 1;
	}
	if (!settings->wants_help)
		return 0;
	buffer_init(&out, 64 * 1024);
	configuration_help(&out);
	fputs(out.data, stdout);
	buffer_done(&out);
	return 1;
}

int main(int argc, char **argv)
{
	struct forwarder forwarder = { .argc = argc, .argv = argv, .metrics = metrics_new() };
	_cleanup_(configuration_freep) struct configuration *configuration = NULL;
	struct error err = { 0 };
	int r;

	if (argc > 1 && !strcmp(argv[1], "dead-letters")) {
		metrics_free(forwarder.metrics);
		return dead_letters_command(argc - 1, argv + 1);
	}
	pthread_mutex_init(&forwarder.lock, NULL);
	log_open("forwarder", LOG_LEVEL_INFO, false);
	r = configuration_load(argc, argv, warn, NULL, &configuration, &err);
	if (!r)
		r = print_what_was_asked(configuration_settings(configuration));
	if (!r)
		r = run(&forwarder, TAKE(configuration), &err);
	if (r < 0)
		log_error("%s", err.message);
	if (!close_all(&forwarder))
		_exit(r < 0);
	return r < 0;
}
