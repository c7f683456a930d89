/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The responder's settings: Falco Talon's keys and environment names, and what is ours.
 */
#pragma once

#include "base/settings.h"
#include "cloud/aws-keys.h"

struct responder_settings {
	char *config_file;
	char *address;
	int64_t port;
	char *socket_path;
	char *state;
	struct text_list rules_files;
	char *kubeconfig;
	bool watches_rules, prints_alerts, is_dry_run;
	char *token, *token_file;		/* of the forwarder and of who approves */
	char *sensor_token, *sensor_token_file; /* of who sends alerts of its own */
	char *forwarder_url, *forwarder_socket, *forwarder_token;
	char *forwarder_token_file, *forwarder_ca;
	char *tls_certificate, *tls_key;
	bool has_leader_election;
	int64_t lease_ms;
	int64_t window_s;
	struct text_list default_notifiers;
	const struct yaml_node *notifiers;
	struct text_list protected_namespaces, own_namespaces;
	struct text_list cluster_hosts;
	int64_t limit_an_hour, workload_limit_an_hour;
	int64_t patience_ms, confirm_ms, action_ms, keep_ms;
	int64_t workers, waiting_max;
	struct aws_settings aws;
	char *aws_endpoint;
	char *gcp_region, *gcp_credentials, *gcp_endpoint, *gcp_storage_endpoint;
	char *minio_endpoint, *minio_access_key, *minio_secret_key;
	bool minio_uses_tls;
	char *log_level;
	int log_format; /* index into "color text json" */
	bool wants_version, wants_help;
	struct yaml *yaml; /* what `notifiers` points into */
};

extern const struct settings_table responder_settings_table;

/* From file, environment, flags and defaults, checked. Notes for a person go to `note`. */
int responder_settings_load(struct responder_settings *settings, int argc, char **argv,
	void (*note)(const char *text), struct error *err);
void responder_settings_free(struct responder_settings *settings);
