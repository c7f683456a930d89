/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard's settings, a row each.
 */
#include <errno.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/secret-file.h"
#include "dashboard/settings.h"

#define DEFAULT_STATE "/var/lib/tercel/dashboard"
#define ENV	      "FALCOSIDEKICK_UI_"

static const struct setting rows[] = {
	{ .flag = "address",
		.short_flag = 'a',
		.environment = ENV "ADDR",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, address),
		.fallback = "0.0.0.0",
		.value = "IP",
		.about = "Address to listen on" },
	{ .flag = "port",
		.short_flag = 'p',
		.environment = ENV "PORT",
		.type = SETTING_INTEGER,
		.at = offsetof(struct dashboard_settings, port),
		.fallback = "2802",
		.minimum = 0,
		.maximum = 65535,
		.value = "PORT",
		.about = "Port to listen on; 0: any" },
	{ .flag = "listen",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, listen),
		.value = "IP:PORT",
		.about = "Address and port in one, [::1]:2802 for IPv6" },
	{ .flag = "socket",
		.environment = "TERCEL_DASHBOARD_SOCKET",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, socket_path),
		.value = "PATH",
		.about = "Also take alerts on this unix socket, from root and from our own user; "
			 "over TCP they then need a token" },
	{ .flag = "state",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, state),
		.value = "FOLDER",
		.about = "Where alerts and logins are kept; else $STATE_DIRECTORY, "
			 "else " DEFAULT_STATE },
	{ .flag = "user",
		.short_flag = 'u',
		.environment = ENV "USER",
		.type = SETTING_SECRET,
		.at = offsetof(struct dashboard_settings, user),
		.value = "USER:PASSWORD",
		.about = "The one login, an operator's; without it a first login is made and "
			 "printed once" },
	{ .flag = "users-file",
		.environment = "TERCEL_DASHBOARD_USERSFILE",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, users_file),
		.value = "FILE",
		.about = "The logins, a line each: NAME:HASH:ROLE, as tercel user makes them; else "
			 "\"users\" in the state folder. Read again when it changes" },
	{ .flag = "first-login-file",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, first_login_file),
		.value = "FILE",
		.about = "Write a first login that was made here, as \"USER PASSWORD\", not to the "
			 "terminal" },
	{ .flag = "no-login",
		.short_flag = 'd',
		.environment = ENV "DISABLEAUTH",
		.type = SETTING_BOOL,
		.at = offsetof(struct dashboard_settings, has_no_login),
		.about = "Ask for no password" },
	{ .flag = "no-login-role",
		.environment = "TERCEL_DASHBOARD_NOLOGINROLE",
		.type = SETTING_CHOICE,
		.at = offsetof(struct dashboard_settings, anonymous_role),
		.choices = "viewer operator",
		.fallback = "viewer",
		.value = "ROLE",
		.about = "What everybody may do where no password is asked for: an operator also "
			 "acts" },
	{ .flag = "trusted-proxy",
		.environment = "TERCEL_DASHBOARD_TRUSTEDPROXY",
		.type = SETTING_LIST,
		.at = offsetof(struct dashboard_settings, trusted_proxies),
		.value = "CIDR",
		.about = "Where a proxy may say who asks (X-Forwarded-User, -Groups, -Email), such "
			 "as 127.0.0.1; from elsewhere these headers mean nothing. Repeatable" },
	{ .flag = "operator",
		.environment = "TERCEL_DASHBOARD_OPERATORS",
		.type = SETTING_LIST,
		.at = offsetof(struct dashboard_settings, operators),
		.value = "NAME",
		.about = "A user of the proxy who may act; the others may look. Repeatable" },
	{ .flag = "operator-group",
		.environment = "TERCEL_DASHBOARD_OPERATORGROUPS",
		.type = SETTING_LIST,
		.at = offsetof(struct dashboard_settings, operator_groups),
		.value = "GROUP",
		.about =
			"A group of the proxy whose members may act. Only for a proxy that sets or "
			"strips X-Forwarded-Groups itself: OpenShift's oauth-proxy does not" },
	{ .flag = "viewer-group",
		.environment = "TERCEL_DASHBOARD_VIEWERGROUPS",
		.type = SETTING_LIST,
		.at = offsetof(struct dashboard_settings, viewer_groups),
		.value = "GROUP",
		.about = "Only members of these groups, and operators, are let in; else all whom "
			 "the proxy let through" },
	{ .flag = "token-file",
		.environment = "TERCEL_DASHBOARD_TOKENFILE",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, token_file),
		.value = "FILE",
		.about = "Alerts over TCP need the token in this file" },
	{ .environment = "TERCEL_DASHBOARD_TOKEN",
		.type = SETTING_SECRET,
		.at = offsetof(struct dashboard_settings, token),
		.about = "The token itself" },
	{ .flag = "forwarder",
		.environment = "TERCEL_DASHBOARD_FORWARDER",
		.type = SETTING_LIST,
		.at = offsetof(struct dashboard_settings, forwarders),
		.value = "URL",
		.about = "A forwarder whose outputs and nodes the page shows, such as "
			 "http://localhost:2801. Repeatable" },
	{ .flag = "forwarder-socket",
		.environment = "TERCEL_DASHBOARD_FORWARDERSOCKET",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, forwarder_socket),
		.value = "PATH",
		.about =
			"Unix socket of a forwarder on this host, used in place of the URL's host" },
	{ .flag = "forwarder-ca",
		.environment = "TERCEL_DASHBOARD_FORWARDERCA",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, forwarder_ca),
		.value = "FILE",
		.about = "Who signs the forwarders' certificates, beside the system's authorities; "
			 "PEM" },
	{ .flag = "forwarder-name",
		.environment = "TERCEL_DASHBOARD_FORWARDERNAME",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, forwarder_name),
		.value = "HOST",
		.about = "The name that their certificates have, where it is not the URL's host" },
	{ .flag = "responder",
		.environment = "TERCEL_DASHBOARD_RESPONDER",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, responder),
		.value = "URL",
		.about = "The responder whose responses the page shows and decides, such as "
			 "http://localhost:2803" },
	{ .flag = "responder-socket",
		.environment = "TERCEL_DASHBOARD_RESPONDERSOCKET",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, responder_socket),
		.value = "PATH",
		.about = "Unix socket of a responder on this host" },
	{ .flag = "responder-token-file",
		.environment = "TERCEL_DASHBOARD_RESPONDERTOKENFILE",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, responder_token_file),
		.value = "FILE",
		.about = "The token that the responder knows us by; else that of --token-file" },
	{ .environment = "TERCEL_DASHBOARD_RESPONDERTOKEN",
		.type = SETTING_SECRET,
		.at = offsetof(struct dashboard_settings, responder_token),
		.about = "That token itself" },
	{ .flag = "responder-ca",
		.environment = "TERCEL_DASHBOARD_RESPONDERCA",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, responder_ca),
		.value = "FILE",
		.about = "Who signs the responder's certificate, beside the system's authorities; "
			 "PEM" },
	{ .flag = "responder-name",
		.environment = "TERCEL_DASHBOARD_RESPONDERNAME",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, responder_name),
		.value = "HOST",
		.about = "The name that its certificate has, where it is not the URL's host" },
	{ .flag = "rules",
		.environment = "TERCEL_DASHBOARD_RULES",
		.type = SETTING_LIST,
		.at = offsetof(struct dashboard_settings, rules),
		.value = "PATH",
		.about = "The sensors' rules files, or folders of them: an event shows the text of "
			 "its rule from there. Repeatable" },
	{ .flag = "tls-cert",
		.environment = "TERCEL_DASHBOARD_TLSCERT",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, tls_certificate),
		.value = "FILE",
		.about = "Serve over TLS with this certificate and what leads to its authority; "
			 "PEM, read again when it changes" },
	{ .flag = "tls-key",
		.environment = "TERCEL_DASHBOARD_TLSKEY",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, tls_key),
		.value = "FILE",
		.about = "Its key" },
	{ .flag = "ttl",
		.short_flag = 't',
		.environment = ENV "TTL",
		.type = SETTING_DURATION,
		.at = offsetof(struct dashboard_settings, ttl_ms),
		.fallback = "0s",
		.value = "TIME",
		.about = "How long alerts are kept, such as 12h, 30d or 2W; 0: for ever" },
	{ .flag = "max-size",
		.environment = "TERCEL_DASHBOARD_MAXSIZE",
		.type = SETTING_SIZE,
		.at = offsetof(struct dashboard_settings, max_bytes),
		.fallback = "0",
		.value = "SIZE",
		.about = "Oldest alerts are dropped when all take more, such as 10GiB; 0: no "
			 "limit" },
	{ .flag = "log-level",
		.short_flag = 'l',
		.environment = ENV "LOGLEVEL",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, log_level),
		.fallback = "info",
		.value = "LEVEL",
		.about = "error, warning, info or debug" },
	{ .flag = "log-json",
		.environment = "TERCEL_LOG_JSON",
		.type = SETTING_BOOL,
		.at = offsetof(struct dashboard_settings, log_json),
		.about = "Log as JSON" },
	{ .flag = "redis-url",
		.short_flag = 'r',
		.environment = ENV "REDIS_URL",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, redis_url),
		.value = "URL",
		.about = "Has no effect: no Redis is needed" },
	{ .flag = "redis-username",
		.short_flag = 'y',
		.environment = ENV "REDIS_USERNAME",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, redis_user),
		.value = "USER",
		.about = "Has no effect" },
	{ .flag = "redis-password",
		.short_flag = 'w',
		.environment = ENV "REDIS_PASSWORD",
		.type = SETTING_SECRET,
		.at = offsetof(struct dashboard_settings, redis_password),
		.value = "PASSWORD",
		.about = "Has no effect" },
	{ .flag = "dev",
		.short_flag = 'x',
		.environment = ENV "DEV",
		.type = SETTING_BOOL,
		.at = offsetof(struct dashboard_settings, is_dev),
		.about = "Has no effect: other sites are never let in" },
	{ .flag = "backup",
		.type = SETTING_TEXT,
		.at = offsetof(struct dashboard_settings, backup),
		.value = "FOLDER",
		.about = "Copy all that is kept in the state folder into this new one, also while "
			 "a dashboard runs, and end" },
	{ .flag = "version",
		.short_flag = 'v',
		.type = SETTING_BOOL,
		.at = offsetof(struct dashboard_settings, wants_version),
		.about = "Print the version" },
	{ .flag = "help",
		.short_flag = 'h',
		.type = SETTING_BOOL,
		.at = offsetof(struct dashboard_settings, wants_help),
		.about = "Print this" },
};

const struct settings_table dashboard_settings_table = {
	.program = "tercel-dashboard", .rows = rows, .count = COUNT_OF(rows)
};

static void replace(char **text, struct text with)
{
	free(*text);
	*text = text_to_string(with);
}

static bool is_set(const char *text)
{
	return text && *text;
}

/* "127.0.0.1:2802", "[::1]:2802", ":2802". */
static int split_listen(struct dashboard_settings *settings, struct error *err)
{
	struct text listen = text_of(settings->listen), address;
	const char *colon = is_set(settings->listen) ? strrchr(settings->listen, ':') : NULL;
	int64_t port;

	if (!is_set(settings->listen))
		return 0;
	if (!colon || text_to_i64(text_of(colon + 1), &port) < 0 || port < 0 || port > 65535)
		return error_set(err, -EINVAL,
			"--listen must be IP:PORT such as 127.0.0.1:2802, not "
			"\"%s\"",
			settings->listen);
	address = text_slice(listen, 0, (size_t)(colon - settings->listen));
	if (address.length > 1 && address.data[0] == '[' && address.data[address.length - 1] == ']')
		address = text_slice(address, 1, address.length - 2);
	replace(&settings->address, address);
	settings->port = port;
	return 0;
}

static void choose_state(struct dashboard_settings *settings)
{
	const char *given = getenv("STATE_DIRECTORY");

	if (is_set(settings->state))
		return;
	/* systemd may give several, the first is the program's own */
	replace(&settings->state, is_set(given) ? text_slice(text_of(given), 0, strcspn(given, ":"))
						: text_of(DEFAULT_STATE));
}

int dashboard_settings_load(struct dashboard_settings *settings, int argc, char **argv,
	void (*note)(const char *text), struct error *err)
{
	int rest = 0, r;

	settings_defaults(&dashboard_settings_table, settings);
	r = settings_from_environment(&dashboard_settings_table, settings, err);
	if (!r)
		r = settings_from_arguments(
			&dashboard_settings_table, settings, argc, argv, &rest, err);
	if (!r && rest)
		r = error_set(err, -EINVAL,
			"\"%s\" is one argument too many; --help shows all flags", argv[1]);
	if (!r && is_set(settings->user) && is_set(settings->users_file))
		r = error_set(err, -EINVAL,
			"--user is the one login and --users-file has all of them: give one, not both");
	if (!r)
		r = split_listen(settings, err);
	if (!r)
		r = secret_file_token(settings->token_file, &settings->token, err);
	if (!r)
		r = secret_file_token(
			settings->responder_token_file, &settings->responder_token, err);
	if (r < 0)
		return r;
	choose_state(settings);
	if (is_set(settings->redis_url) || is_set(settings->redis_user) ||
		is_set(settings->redis_password))
		note("the Redis settings have no effect: alerts are kept in the state folder");
	if (settings->is_dev)
		note("dev mode has no effect: other sites are never let in");
	return 0;
}
