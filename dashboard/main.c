/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel-dashboard: keeps alerts, answers what is asked about them, and serves the page.
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
#include "dashboard/backup.h"
#include "dashboard/server.h"

#define LOOK_S	    10	 /* at the certificate, which is valid for some time when it comes */
#define LIVE_PRIMED 1000 /* alerts of before that a page that was cut off can still get */

struct dashboard {
	struct dashboard_settings settings;
	struct store *store;
	struct logins *logins;
	struct access *access;
	struct live *live;
	struct server *server;
};

static void note(const char *text)
{
	log_info("%s", text);
}

static void on_stored(void *context, const struct store_event *events, size_t count)
{
	struct dashboard *dashboard = context;

	live_publish(dashboard->live, events, count);
}

static bool may_watch(void *context, const char *session)
{
	struct dashboard *dashboard = context;
	char user[USER_NAME_MAX];

	return !dashboard->logins || logins_find_session(dashboard->logins, text_of(session), user);
}

/* Every day that is read is a file, and so is every connection. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int prime_live(struct dashboard *dashboard, struct error *err)
{
	struct store_reader *reader = store_reader_new(dashboard->store);
	struct store_status status;
	struct store_page page;
	int r;

	store_status(dashboard->store, &status);
	r = store_after(reader, MAX_OF(0, status.last_id - LIVE_PRIMED), LIVE_PRIMED, &page, err);
	if (!r)
		live_prime(dashboard->live, &page);
	store_page_done(&page);
	store_reader_free(reader);
	return r;
}

static int open_logins(struct dashboard *dashboard, struct error *err)
{
	const struct dashboard_settings *settings = &dashboard->settings;
	struct logins_options options = { settings->state, settings->users_file, settings->user };

	if (settings->has_no_login)
		return 0;
	return logins_open(&options, &dashboard->logins, err);
}

static int open_all(struct dashboard *dashboard, struct error *err)
{
	const struct dashboard_settings *settings = &dashboard->settings;
	struct store_options options = { .folder = settings->state,
		.keep_ms = settings->ttl_ms,
		.keep_bytes = settings->max_bytes,
		.stored = on_stored,
		.context = dashboard };
	struct server_parts parts = { .settings = settings };
	int r;

	dashboard->live = live_new(may_watch, dashboard);
	r = store_open(&options, &dashboard->store, err);
	if (!r)
		r = prime_live(dashboard, err);
	if (!r)
		r = open_logins(dashboard, err);
	if (!r)
		r = access_new(settings, dashboard->logins, &dashboard->access, err);
	if (r < 0)
		return r;
	parts.store = dashboard->store;
	parts.logins = dashboard->logins;
	parts.access = dashboard->access;
	parts.live = dashboard->live;
	r = server_open(&parts, &dashboard->server, err);
	if (!r && dashboard->logins)
		r = logins_keep_first(dashboard->logins, settings->first_login_file, err);
	return r;
}

static void close_all(struct dashboard *dashboard)
{
	server_close(dashboard->server);
	store_close(dashboard->store);
	live_free(dashboard->live);
	access_free(dashboard->access);
	logins_free(dashboard->logins);
	settings_done(&dashboard_settings_table, &dashboard->settings);
}

static int set_log(const struct dashboard_settings *settings, struct error *err)
{
	enum log_level level;

	if (log_level_parse(settings->log_level, &level) < 0)
		return error_set(err, -EINVAL,
			"the log level must be error, warning, info or debug, not \"%s\"",
			settings->log_level);
	log_open("dashboard", level, settings->log_json);
	return 0;
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

/* Returns the signal. */
static int wait_for_end(struct dashboard *dashboard, const sigset_t *signals)
{
	const struct timespec look = { .tv_sec = LOOK_S };
	int number;

	while ((number = sigtimedwait(signals, NULL, &look)) < 0)
		server_renew(dashboard->server);
	return number;
}

static int run(struct dashboard *dashboard, struct error *err)
{
	const struct dashboard_settings *settings = &dashboard->settings;
	sigset_t signals;
	int r;

	r = set_log(settings, err);
	if (r < 0)
		return r;
	umask(0077);
	if (settings->backup && *settings->backup)
		return backup_to_folder(settings->state, settings->backup, err);
	hold_signals(&signals);
	allow_many_files();
	r = open_all(dashboard, err);
	if (r < 0)
		return r;
	log_info("the dashboard listens on %s:%u", settings->address,
		server_port(dashboard->server));
	if (settings->has_no_login)
		log_warning("no login is asked for: whoever reaches this port can read all alerts");
	ready_notify();
	log_info("%s: stopping", strsignal(wait_for_end(dashboard, &signals)));
	return 0;
}

/* 1 when that was all that was asked for. */
static int print_what_was_asked(const struct dashboard_settings *settings)
{
	struct buffer out;

	if (settings->wants_version) {
		printf("tercel-dashboard %s\n", TERCEL_VERSION);
		return 1;
	}
	if (!settings->wants_help)
		return 0;
	buffer_init(&out, 64 * 1024);
	settings_help(&dashboard_settings_table, "tercel-dashboard [FLAG]…", &out);
	fputs(out.data, stdout);
	buffer_done(&out);
	return 1;
}

int main(int argc, char **argv)
{
	struct dashboard dashboard = { 0 };
	struct error err = { 0 };
	int r;

	log_open("dashboard", LOG_LEVEL_INFO, false);
	http_client_setup();
	r = dashboard_settings_load(&dashboard.settings, argc, argv, note, &err);
	if (!r)
		r = print_what_was_asked(&dashboard.settings);
	if (!r)
		r = run(&dashboard, &err);
	if (r < 0)
		log_error("%s", err.message);
	close_all(&dashboard);
	return r < 0;
}
