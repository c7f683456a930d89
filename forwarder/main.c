/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel-forwarder: takes alerts, keeps them in a journal, and carries them to the outputs.
 * Everything is opened from the inside out (journal, outputs, intake), and closed the other way:
 * no alert is taken that has nowhere to go, and what was taken is sent before the end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/http-client.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/ready.h"
#include "forwarder/delivery.h"
#include "forwarder/intake.h"
#include "forwarder/journal.h"
#include "forwarder/pipeline.h"
#include "forwarder/settings.h"

#define TOKEN_MAX 4096
#define FILES_MAX 65536

struct forwarder {
	struct configuration *configuration;
	const struct settings *settings;
	struct metrics *metrics;
	struct pipeline *pipeline;
	struct journal *journal;
	struct delivery *delivery;
	struct intake *intake;
	char *token;
};

static void warn(void *context, const char *message)
{
	(void)context;
	log_warning("%s", message);
}

static int read_token(struct forwarder *forwarder, struct error *err)
{
	const char *path = forwarder->settings->token_file;
	_cleanup_(fclosep) FILE *file = NULL;
	char text[TOKEN_MAX];
	struct text token;

	forwarder->token = string_copy(forwarder->settings->token);
	if (!path || !*path)
		return 0;
	file = fopen(path, "re");
	if (!file)
		return error_set(
			err, -errno, "tokenfile: %s cannot be read: %s", path, strerror(errno));
	token = text_trim((struct text){ text, fread(text, 1, sizeof(text), file) });
	if (!token.length)
		return error_set(err, -EINVAL, "tokenfile: %s is empty", path);
	free(forwarder->token);
	forwarder->token = text_to_string(token);
	return 0;
}

static void wake_delivery(void *context)
{
	struct forwarder *forwarder = context;

	if (forwarder->delivery)
		delivery_wake(forwarder->delivery);
}

static int open_journal(struct forwarder *forwarder, struct error *err)
{
	const struct settings *settings = forwarder->settings;
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

static int open_all(struct forwarder *forwarder, struct error *err)
{
	int r = pipeline_new(forwarder->settings, warn, NULL, &forwarder->pipeline, err);

	if (!r)
		r = read_token(forwarder, err);
	if (!r)
		r = open_journal(forwarder, err);
	if (!r)
		r = delivery_new(forwarder->configuration, forwarder->journal, forwarder->metrics,
			warn, NULL, &forwarder->delivery, err);
	if (!r)
		r = journal_start(forwarder->journal, err);
	if (!r)
		r = delivery_start(forwarder->delivery, err);
	if (!r)
		r = intake_new(&(struct intake_parts){ forwarder->settings, forwarder->token,
				       forwarder->pipeline, forwarder->journal, forwarder->delivery,
				       forwarder->metrics },
			&forwarder->intake, err);
	return r;
}

static void close_all(struct forwarder *forwarder)
{
	intake_free(forwarder->intake);
	if (forwarder->delivery)
		delivery_stop(forwarder->delivery, forwarder->settings->drain_ms);
	journal_close(forwarder->journal);
	delivery_free(forwarder->delivery);
	pipeline_free(forwarder->pipeline);
	metrics_free(forwarder->metrics);
	free(forwarder->token);
	configuration_free(forwarder->configuration);
}

static void say_hello(const struct forwarder *forwarder)
{
	const struct settings *settings = forwarder->settings;
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

static void wait_for_signal(const sigset_t *signals)
{
	int number = 0;

	sigwait(signals, &number);
	log_info("%s: no more alerts are taken; what can be sent is sent", strsignal(number));
}

/* Threads inherit the mask, so that only sigwait() gets these. */
static void hold_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
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

static int run(struct forwarder *forwarder, struct error *err)
{
	enum log_level level = LOG_LEVEL_INFO;
	const char *name = forwarder->settings->log_level;
	sigset_t signals;
	int r;

	if (name && log_level_parse(name, &level) < 0)
		return error_set(err, -EINVAL,
			"loglevel must be error, warning, info or debug, not \"%s\"", name);
	if (forwarder->settings->is_debug)
		level = LOG_LEVEL_DEBUG;
	log_open("forwarder", level, forwarder->settings->log_json);

	umask(0077);
	allow_many_files();
	hold_signals(&signals);
	http_client_setup();
	r = open_all(forwarder, err);
	if (r < 0)
		return r;
	configuration_answer(forwarder->configuration, warn, NULL);
	say_hello(forwarder);
	ready_notify();
	wait_for_signal(&signals);
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
	struct forwarder forwarder = { .metrics = metrics_new() };
	struct error err = { 0 };
	int r;

	log_open("forwarder", LOG_LEVEL_INFO, false);
	r = configuration_load(argc, argv, warn, NULL, &forwarder.configuration, &err);
	if (!r) {
		forwarder.settings = configuration_settings(forwarder.configuration);
		r = print_what_was_asked(forwarder.settings);
	}
	if (!r)
		r = run(&forwarder, &err);
	if (r < 0)
		log_error("%s", err.message);
	close_all(&forwarder);
	return r < 0;
}
