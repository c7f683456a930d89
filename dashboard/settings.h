/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard's settings: Falcosidekick UI's flags and environment (spec/dashboard.md 4), and
 * what is ours.
 */
#pragma once

#include "base/settings.h"

struct dashboard_settings {
	char *address;
	int64_t port;
	char *listen; /* "ADDR:PORT", over the two above */
	char *socket_path;
	char *state;
	char *first_login_file;
	char *user; /* "USER:PASSWORD" */
	char *users_file;
	int anonymous_role;		  /* enum role */
	struct text_list trusted_proxies; /* CIDRs */
	struct text_list operators, operator_groups, viewer_groups;
	char *token_file, *token;
	struct text_list forwarders; /* their URLs */
	char *responder, *responder_socket, *responder_ca, *responder_name;
	char *responder_token_file, *responder_token;
	struct text_list rules; /* files and folders */
	char *backup;
	char *forwarder_socket, *forwarder_ca, *forwarder_name;
	char *tls_certificate, *tls_key;
	int64_t ttl_ms;
	uint64_t max_bytes;
	bool has_no_login;
	bool is_dev;
	char *log_level;
	bool log_json;
	char *redis_url, *redis_user, *redis_password;
	bool wants_version, wants_help;
};

extern const struct settings_table dashboard_settings_table;

/* From flags, environment and defaults, checked. Notes for a person go to `note`. */
int dashboard_settings_load(struct dashboard_settings *settings, int argc, char **argv,
	void (*note)(const char *text), struct error *err);
