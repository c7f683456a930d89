/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The responder's settings, a row each.
 */
#include <errno.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/secret-file.h"
#include "responder/settings.h"

#define DEFAULT_STATE "/var/lib/tercel/responder"

static const struct setting rows[] = {
	{ .flag = "config",
		.short_flag = 'c',
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, config_file),
		.value = "FILE",
		.about = "File of settings, YAML; a Talon config works" },
	{ .key = "listen_address",
		.flag = "address",
		.short_flag = 'a',
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, address),
		.fallback = "0.0.0.0",
		.value = "IP",
		.about = "Address to listen on" },
	{ .key = "listen_port",
		.flag = "port",
		.short_flag = 'p',
		.type = SETTING_INTEGER,
		.at = offsetof(struct responder_settings, port),
		.fallback = "2803",
		.value = "PORT",
		.minimum = 0,
		.maximum = 65535,
		.about = "Port to listen on; 0: any" },
	{ .key = "listen_socket",
		.flag = "socket",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, socket_path),
		.value = "PATH",
		.about = "Also listen on this unix socket; root and our own user are known by it" },
	{ .key = "state",
		.environment = "TERCEL_RESPONDER_STATE",
		.flag = "state",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, state),
		.value = "FOLDER",
		.about =
			"Where responses are kept; else $STATE_DIRECTORY, else /var/lib/tercel/responder" },
	{ .key = "rules_files",
		.flag = "rules",
		.short_flag = 'r',
		.type = SETTING_LIST,
		.at = offsetof(struct responder_settings, rules_files),
		.fallback = "/etc/tercel/playbooks.yaml",
		.value = "FILE",
		.about = "Playbooks, merged in this order" },
	{ .key = "kubeconfig",
		.flag = "kubeconfig",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, kubeconfig),
		.value = "FILE",
		.about = "How to reach the cluster; empty: as the pod that we are in" },
	{ .key = "dry_run",
		.environment = "TERCEL_RESPONDER_DRY_RUN",
		.flag = "dry-run",
		.type = SETTING_BOOL,
		.at = offsetof(struct responder_settings, is_dry_run),
		.fallback = "true",
		.about = "Say what would be done and do nothing: so a fresh install begins" },
	{ .key = "watch_rules",
		.type = SETTING_BOOL,
		.at = offsetof(struct responder_settings, watches_rules),
		.fallback = "true",
		.about = "Read playbooks again when they change; wrong ones leave the old in use" },
	{ .key = "print_all_events",
		.type = SETTING_BOOL,
		.at = offsetof(struct responder_settings, prints_alerts),
		.fallback = "false",
		.about = "Log every alert that comes in" },
	{ .key = "token",
		.environment = "TERCEL_RESPONDER_TOKEN",
		.type = SETTING_SECRET,
		.at = offsetof(struct responder_settings, token),
		.about = "Who shows this token may hand on verified alerts, approve and undo" },
	{ .key = "token_file",
		.environment = "TERCEL_RESPONDER_TOKEN_FILE",
		.flag = "token-file",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, token_file),
		.value = "FILE",
		.about = "The same, in a file" },
	{ .key = "sensor_token",
		.environment = "TERCEL_RESPONDER_SENSOR_TOKEN",
		.type = SETTING_SECRET,
		.at = offsetof(struct responder_settings, sensor_token),
		.about =
			"Alerts that come with this token straight from a sensor are verified by it" },
	{ .key = "sensor_token_file",
		.environment = "TERCEL_RESPONDER_SENSOR_TOKEN_FILE",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, sensor_token_file),
		.value = "FILE",
		.about = "The same, in a file" },
	{ .key = "forwarder.url",
		.flag = "forwarder",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, forwarder_url),
		.value = "URL",
		.about = "Where results are sent as alerts of source response" },
	{ .key = "forwarder.socket",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, forwarder_socket),
		.value = "PATH",
		.about = "Unix socket of a forwarder on this host" },
	{ .key = "forwarder.token",
		.type = SETTING_SECRET,
		.at = offsetof(struct responder_settings, forwarder_token),
		.about = "Token that the forwarder knows us by" },
	{ .key = "forwarder.token_file",
		.environment = "TERCEL_RESPONDER_FORWARDER_TOKEN_FILE",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, forwarder_token_file),
		.value = "FILE",
		.about = "The same, in a file" },
	{ .key = "forwarder.ca_file",
		.environment = "TERCEL_RESPONDER_FORWARDER_CA_FILE",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, forwarder_ca),
		.value = "FILE",
		.about = "Who signs the forwarder's certificate, beside the system's authorities; "
			 "PEM" },
	{ .key = "tls.cert_file",
		.environment = "TERCEL_RESPONDER_TLS_CERT_FILE",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, tls_certificate),
		.value = "FILE",
		.about = "Serve over TLS with this certificate and what leads to its authority; "
			 "PEM, read again when it changes" },
	{ .key = "tls.key_file",
		.environment = "TERCEL_RESPONDER_TLS_KEY_FILE",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, tls_key),
		.value = "FILE",
		.about = "Its key" },
	{ .key = "deduplication.leader_election",
		.type = SETTING_BOOL,
		.at = offsetof(struct responder_settings, has_leader_election),
		.fallback = "false",
		.about = "Of several replicas one acts, which holds a Lease" },
	{ .key = "lease_duration",
		.environment = "TERCEL_RESPONDER_LEASE_DURATION",
		.type = SETTING_DURATION,
		.at = offsetof(struct responder_settings, lease_ms),
		.fallback = "15s",
		.about = "How long a Lease holds after its holder was last heard" },
	{ .key = "deduplication.time_window_seconds",
		.type = SETTING_INTEGER,
		.at = offsetof(struct responder_settings, window_s),
		.fallback = "600",
		.minimum = 1,
		.maximum = 2592000,
		.about = "One action a rule and pod within so many seconds" },
	{ .key = "default_notifiers",
		.type = SETTING_LIST,
		.at = offsetof(struct responder_settings, default_notifiers),
		.fallback = "k8sevents",
		.about = "Notifiers of every rule" },
	{ .key = "notifiers",
		.type = SETTING_NODE,
		.at = offsetof(struct responder_settings, notifiers),
		.about = "Settings of the notifiers, by name" },
	{ .key = "guard.protected_namespaces",
		.type = SETTING_LIST,
		.at = offsetof(struct responder_settings, protected_namespaces),
		.fallback = "kube-system,kube-public,kube-node-lease,openshift-*,openshift",
		.about =
			"Namespaces where nothing is done unless a rule names them in may_touch; patterns" },
	{ .key = "guard.own_namespaces",
		.type = SETTING_LIST,
		.at = offsetof(struct responder_settings, own_namespaces),
		.about = "The same for our own; empty: that of our service account or kubeconfig" },
	{ .key = "guard.cluster_hosts",
		.type = SETTING_LIST,
		.at = offsetof(struct responder_settings, cluster_hosts),
		.about =
			"Hosts whose alerts may lead to action on every node, such as that of an audit collector" },
	{ .key = "guard.limit_an_hour",
		.type = SETTING_INTEGER,
		.at = offsetof(struct responder_settings, limit_an_hour),
		.fallback = "60",
		.minimum = 0,
		.maximum = 1000000,
		.about = "Responses within an hour, in all; 0: no limit" },
	{ .key = "guard.workload_limit_an_hour",
		.type = SETTING_INTEGER,
		.at = offsetof(struct responder_settings, workload_limit_an_hour),
		.fallback = "10",
		.minimum = 0,
		.maximum = 1000000,
		.about = "Pods of one workload within an hour; 0: no limit" },
	{ .key = "patience",
		.environment = "TERCEL_RESPONDER_PATIENCE",
		.type = SETTING_DURATION,
		.at = offsetof(struct responder_settings, patience_ms),
		.fallback = "10m",
		.about =
			"How long a response waits for an API server that does not answer, then it expires" },
	{ .key = "confirm_within",
		.environment = "TERCEL_RESPONDER_CONFIRM_WITHIN",
		.type = SETTING_DURATION,
		.at = offsetof(struct responder_settings, confirm_ms),
		.fallback = "24h",
		.about = "How long a response waits for its approval" },
	{ .key = "action_timeout",
		.environment = "TERCEL_RESPONDER_ACTION_TIMEOUT",
		.type = SETTING_DURATION,
		.at = offsetof(struct responder_settings, action_ms),
		.fallback = "30s",
		.about = "How long one action may take" },
	{ .key = "keep",
		.environment = "TERCEL_RESPONDER_KEEP",
		.type = SETTING_DURATION,
		.at = offsetof(struct responder_settings, keep_ms),
		.fallback = "30d",
		.about = "How long responses that are over are kept" },
	{ .key = "workers",
		.environment = "TERCEL_RESPONDER_WORKERS",
		.type = SETTING_INTEGER,
		.at = offsetof(struct responder_settings, workers),
		.fallback = "8",
		.minimum = 1,
		.maximum = 64,
		.about = "How many workloads are acted on at once" },
	{ .key = "waiting_max",
		.environment = "TERCEL_RESPONDER_WAITING_MAX",
		.type = SETTING_INTEGER,
		.at = offsetof(struct responder_settings, waiting_max),
		.fallback = "10000",
		.minimum = 1,
		.maximum = 1000000,
		.about = "How many responses may wait; further ones are answered with 503" },
	{ .key = "aws.region",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, aws.region),
		.about = "Region of AWS; else AWS_REGION" },
	{ .key = "aws.access_key",
		.type = SETTING_SECRET,
		.at = offsetof(struct responder_settings, aws.access_key),
		.about =
			"Access key of AWS; else keys come from the environment, a web identity, a profile, the container's agent, or the machine" },
	{ .key = "aws.secret_key",
		.type = SETTING_SECRET,
		.at = offsetof(struct responder_settings, aws.secret_key),
		.about = "Secret key of AWS" },
	{ .key = "aws.role_arn",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, aws.role),
		.about = "Role to assume" },
	{ .key = "aws.external_id",
		.type = SETTING_SECRET,
		.at = offsetof(struct responder_settings, aws.external_id),
		.about = "External id for role_arn" },
	{ .key = "aws.endpoint",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, aws_endpoint),
		.about = "Address of Lambda and S3, where they are not Amazon's own" },
	{ .key = "gcp.region",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, gcp_region),
		.about = "Region of GCP" },
	{ .key = "gcp.credentials_path",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, gcp_credentials),
		.value = "FILE",
		.about =
			"File of a service account's key; else the application default credentials, or the account of the pod or machine" },
	{ .key = "gcp.endpoint",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, gcp_endpoint),
		.about = "Address of the functions' API, where it is not Google's own" },
	{ .key = "gcp.storage_endpoint",
		.environment = "TERCEL_RESPONDER_GCP_STORAGE_ENDPOINT",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, gcp_storage_endpoint),
		.about = "Address of the object store, where it is not Google's own" },
	{ .key = "minio.endpoint",
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, minio_endpoint),
		.about = "HOST:PORT of MinIO" },
	{ .key = "minio.access_key",
		.type = SETTING_SECRET,
		.at = offsetof(struct responder_settings, minio_access_key),
		.about = "Access key of MinIO" },
	{ .key = "minio.secret_key",
		.type = SETTING_SECRET,
		.at = offsetof(struct responder_settings, minio_secret_key),
		.about = "Secret key of MinIO" },
	{ .key = "minio.use_ssl",
		.type = SETTING_BOOL,
		.at = offsetof(struct responder_settings, minio_uses_tls),
		.fallback = "true",
		.about = "MinIO over TLS" },
	{ .key = "otel.traces_enabled",
		.type = SETTING_IGNORED,
		.about = "traces are not made here" },
	{ .key = "otel.metrics_enabled",
		.type = SETTING_IGNORED,
		.about = "metrics are at /metrics" },
	{ .key = "otel.collector_endpoint",
		.type = SETTING_IGNORED,
		.about = "nothing is sent by OTLP" },
	{ .key = "otel.collector_port",
		.type = SETTING_IGNORED,
		.about = "nothing is sent by OTLP" },
	{ .key = "otel.collector_use_insecure_grpc",
		.type = SETTING_IGNORED,
		.about = "nothing is sent by OTLP" },
	{ .key = "otel.timeout", .type = SETTING_IGNORED, .about = "nothing is sent by OTLP" },
	{ .key = "log_level",
		.flag = "log-level",
		.short_flag = 'l',
		.type = SETTING_TEXT,
		.at = offsetof(struct responder_settings, log_level),
		.fallback = "info",
		.value = "LEVEL",
		.about = "error, warning, info or debug" },
	{ .key = "log_format",
		.type = SETTING_CHOICE,
		.at = offsetof(struct responder_settings, log_format),
		.fallback = "text",
		.choices = "color text json",
		.about = "How log lines look" },
	{ .flag = "version",
		.short_flag = 'v',
		.type = SETTING_BOOL,
		.at = offsetof(struct responder_settings, wants_version),
		.about = "Print the version" },
	{ .flag = "help",
		.short_flag = 'h',
		.type = SETTING_BOOL,
		.at = offsetof(struct responder_settings, wants_help),
		.about = "Print this" },
};

const struct settings_table responder_settings_table = { .program = "tercel-responder",
	.rows = rows,
	.count = COUNT_OF(rows),
	.makes_environment = true };

static void replace(char **text, struct text with)
{
	char *copy = text_to_string(with);

	free(*text);
	*text = copy;
}

static void choose_state(struct responder_settings *settings)
{
	const char *given = getenv("STATE_DIRECTORY");

	if (is_set(settings->state))
		return;
	/* systemd may give several, the first is the program's own */
	replace(&settings->state, is_set(given) ? text_slice(text_of(given), 0, strcspn(given, ":"))
						: text_of(DEFAULT_STATE));
}

struct notes {
	void (*note)(const char *text);
};

static void warn(void *context, const char *message)
{
	struct notes *notes = context;

	notes->note(message);
}

static int read_file(struct responder_settings *settings, struct notes *notes, struct error *err)
{
	int r;

	if (!is_set(settings->config_file))
		return 0;
	r = yaml_load(settings->config_file, &settings->yaml, err);
	if (r < 0 || !yaml_document_count(settings->yaml))
		return r;
	return settings_from_yaml(&responder_settings_table, settings, settings->config_file,
		yaml_document(settings->yaml, 0), warn, notes, err);
}

/* Flags are read twice: first for the file that they name, last because they win. */
static int read_all(struct responder_settings *settings, int argc, char **argv, struct notes *notes,
	struct error *err)
{
	_cleanup_(freep) char **copy = NEW_ARRAY(char *, (size_t)argc + 1);
	int rest = 0, r;

	memcpy(copy, argv, sizeof(*argv) * (size_t)argc);
	settings_defaults(&responder_settings_table, settings);
	r = settings_from_arguments(&responder_settings_table, settings, argc, copy, &rest, err);
	if (!r && rest)
		r = error_set(err, -EINVAL,
			"\"%s\" is one argument too many; --help shows all flags", copy[1]);
	if (!r)
		r = read_file(settings, notes, err);
	if (!r)
		r = settings_from_environment(&responder_settings_table, settings, err);
	return r < 0 ? r
		     : settings_from_arguments(
			       &responder_settings_table, settings, argc, argv, &rest, err);
}

int responder_settings_load(struct responder_settings *settings, int argc, char **argv,
	void (*note)(const char *text), struct error *err)
{
	struct notes notes = { note };
	int r = read_all(settings, argc, argv, &notes, err);

	if (!r)
		r = secret_file_token(settings->token_file, &settings->token, err);
	if (!r)
		r = secret_file_token(settings->sensor_token_file, &settings->sensor_token, err);
	if (!r)
		r = secret_file_token(
			settings->forwarder_token_file, &settings->forwarder_token, err);
	choose_state(settings);
	return r;
}

void responder_settings_free(struct responder_settings *settings)
{
	settings_done(&responder_settings_table, settings);
	yaml_unload(settings->yaml);
	settings->yaml = NULL;
}
