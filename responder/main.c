/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel-responder: takes alerts and does what its playbooks say, within its guard rails.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/ready.h"
#include "responder/lease.h"
#include "responder/role.h"
#include "responder/server.h"

#define LOOK_MS 1000

struct responder {
	struct responder_settings settings;
	struct kubernetes_api api;
	bool has_api;
	struct metrics *metrics;
	struct ledger *ledger;
	struct reporter *reporter;
	struct engine *engine;
	struct server *server;
	struct lease *lease;   /* NULL: this is the only replica */
	struct mirror *mirror; /* the same */
	uint64_t seen;	       /* of the playbooks' files */
};

static void note(const char *text)
{
	log_warning("%s", text);
}

static void warn(void *context, const char *message)
{
	(void)context;
	log_warning("%s", message);
}

/* Changes with any file's content as far as its inode, size and times tell. */
static uint64_t look_at(const struct text_list *files)
{
	uint64_t seen = 14695981039346656037U;

	for (size_t i = 0; i < files->count; i++) {
		struct stat found = { 0 };
		uint64_t parts[4];

		(void)stat(files->items[i], &found);
		parts[0] = found.st_ino;
		parts[1] = (uint64_t)found.st_size;
		parts[2] = (uint64_t)found.st_mtim.tv_sec;
		parts[3] = (uint64_t)found.st_mtim.tv_nsec;
		for (size_t p = 0; p < COUNT_OF(parts); p++)
			seen = (seen ^ parts[p]) * 1099511628211U;
	}
	return seen;
}

/* No cluster is no reason not to run: functions and webhooks need none. */
static void find_cluster(struct responder *responder)
{
	const char *kubeconfig = responder->settings.kubeconfig;
	struct error err = { 0 };

	responder->has_api = kubernetes_api_load(kubeconfig && *kubeconfig ? kubeconfig : NULL,
				     &responder->api, &err) == 0;
	if (!responder->has_api)
		log_warning("no cluster: %s", err.message);
}

static struct engine_parts parts_of(struct responder *responder)
{
	return (struct engine_parts){ .settings = &responder->settings,
		.ledger = responder->ledger,
		.reporter = responder->reporter,
		.metrics = responder->metrics,
		.api = responder->has_api ? &responder->api : NULL,
		.mirror = responder->mirror };
}

static int open_all(struct responder *responder, struct error *err)
{
	struct playbooks *playbooks = NULL;
	struct engine_parts parts;
	int r;

	responder->seen = look_at(&responder->settings.rules_files);
	r = playbooks_load(&responder->settings.rules_files, warn, NULL, &playbooks, err);
	if (r < 0)
		return r;
	find_cluster(responder);
	r = ledger_open(responder->settings.state, &responder->ledger, err);
	if (!r) {
		parts = parts_of(responder);
		r = reporter_new(&(struct reporter_parts){ parts.settings, parts.ledger,
					 parts.metrics, parts.api },
			&responder->reporter, err);
	}
	if (r < 0) {
		playbooks_free(playbooks);
		return r;
	}
	if (responder->has_api && responder->settings.has_leader_election)
		responder->mirror = mirror_new(&responder->api, responder->ledger);
	parts = parts_of(responder);
	r = engine_new(&parts, playbooks, &responder->engine, err);
	if (!r)
		r = server_open(&parts, responder->engine, &responder->server, err);
	if (!r && responder->settings.has_leader_election)
		r = lease_new(&parts, responder->engine, &responder->lease, err);
	return r;
}

static void close_all(struct responder *responder)
{
	server_close(responder->server);
	lease_stop(responder->lease);
	engine_free(responder->engine);
	lease_free(responder->lease);
	mirror_free(responder->mirror);
	reporter_free(responder->reporter);
	ledger_close(responder->ledger);
	metrics_free(responder->metrics);
	kubernetes_api_done(&responder->api);
	responder_settings_free(&responder->settings);
}

static void reload(struct responder *responder, const char *why)
{
	struct playbooks *playbooks = NULL;
	struct error err = { 0 };
	static const char about[] = "How often playbooks were read again";
	bool is_well;

	responder->seen = look_at(&responder->settings.rules_files);
	is_well =
		playbooks_load(&responder->settings.rules_files, warn, NULL, &playbooks, &err) == 0;
	(*metrics_counter(responder->metrics, "tercel_responder_reloads_total", about,
		is_well ? "status=\"ok\"" : "status=\"error\""))++;
	if (!is_well) {
		log_error("%s, but the old playbooks stay: %s", why, err.message);
		return;
	}
	log_info("%s: %zu rules are in use", why, playbooks_count(playbooks));
	engine_change(responder->engine, playbooks);
}

static void wait_for_end(struct responder *responder, const sigset_t *signals)
{
	const struct timespec look = { .tv_sec = LOOK_MS / 1000 };
	int number = 0;

	while (number != SIGTERM && number != SIGINT) {
		number = sigtimedwait(signals, NULL, &look);
		server_renew(responder->server);
		if (number == SIGHUP)
			reload(responder, "told to reload");
		else if (number < 0 && responder->settings.watches_rules &&
			 look_at(&responder->settings.rules_files) != responder->seen)
			reload(responder, "a playbook has changed");
	}
	log_info("%s: stopping", strsignal(number));
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

static int set_log(const struct responder_settings *settings, struct error *err)
{
	enum log_level level;

	if (log_level_parse(settings->log_level, &level) < 0)
		return error_set(err, -EINVAL,
			"the log level must be error, warning, info or debug, not \"%s\"",
			settings->log_level);
	log_open("responder", level, settings->log_format == 2);
	return 0;
}

static void say_hello(struct responder *responder)
{
	_cleanup_(playbooks_freep) struct playbooks *playbooks =
		engine_playbooks(responder->engine);

	log_info("the responder listens on %s:%u with %zu rules", responder->settings.address,
		server_port(responder->server), playbooks_count(playbooks));
	if (responder->settings.is_dry_run)
		log_info(
			"dry run: nothing is done; set dry_run: false when the audit log shows what "
			"you want");
}

static int run(struct responder *responder, struct error *err)
{
	sigset_t signals;
	int r = set_log(&responder->settings, err);

	if (r < 0)
		return r;
	umask(0077);
	hold_signals(&signals);
	http_client_setup();
	r = open_all(responder, err);
	if (r < 0)
		return r;
	say_hello(responder);
	ready_notify();
	wait_for_end(responder, &signals);
	return 0;
}

/* 1 when that was all that was asked for. */
static int print_what_was_asked(const struct responder_settings *settings)
{
	struct buffer out;

	if (settings->wants_version) {
		printf("tercel-responder %s\n", TERCEL_VERSION);
		return 1;
	}
	if (!settings->wants_help)
		return 0;
	buffer_init(&out, 64 * 1024);
	settings_help(&responder_settings_table, "tercel-responder [FLAG]… | role FILE…", &out);
	fputs(out.data, stdout);
	buffer_done(&out);
	return 1;
}

int main(int argc, char **argv)
{
	struct responder responder = { 0 };
	struct error err = { 0 };
	int r;

	log_open("responder", LOG_LEVEL_INFO, false);
	if (argc > 1 && !strcmp(argv[1], "role"))
		return role_command(argc - 1, argv + 1);
	responder.metrics = metrics_new();
	r = responder_settings_load(&responder.settings, argc, argv, note, &err);
	if (!r)
		r = print_what_was_asked(&responder.settings);
	if (!r)
		r = run(&responder, &err);
	if (r < 0)
		log_error("%s", err.message);
	close_all(&responder);
	return r < 0;
}
