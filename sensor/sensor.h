/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor as a program: its settings, and its life from loading rules to the last alert.
 * main.c owns the signals, settings.c the table, describe.c what is only printed, sensor.c the
 * loop.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "alert/alert.h"
#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "sensor/rules/additions.h"
#include "sensor/rules/rules.h"

/* The members of enum-like choices are indexes into the choices of their rows. */
enum rule_matching { MATCH_FIRST, MATCH_ALL };
enum list_format { LIST_TEXT, LIST_MARKDOWN, LIST_JSON };
enum engine_kind { ENGINE_MODERN_EBPF, ENGINE_KMOD, ENGINE_EBPF, ENGINE_REPLAY, ENGINE_NODRIVER };

struct sensor_options {
	/* falco.yaml */
	struct yaml_node *config_files;
	struct text_list rules_files;
	struct yaml_node *selection; /* rules: */
	struct yaml_node *append_output, *static_fields;
	bool time_format_iso_8601;
	int priority; /* enum priority, or 8 for "info" */
	bool json_output, json_include_output, json_include_message, json_include_fields,
		json_include_tags;
	bool buffered_outputs;
	int rule_matching;
	int64_t queue_capacity; /* alerts an outlet holds; 0: only queue_bytes counts */
	int64_t output_timeout_ms;
	bool stdout_enabled;
	bool file_enabled, file_keep_alive;
	char *file_name;
	bool http_enabled, http_insecure, http_mtls;
	char *http_url, *http_user_agent, *http_ca_cert, *http_ca_bundle, *http_ca_path,
		*http_client_cert, *http_client_key;
	bool http_echo, http_compress, http_keep_alive;
	int64_t http_timeouts;
	bool syslog_enabled;
	bool program_enabled, program_keep_alive;
	char *program_command;
	bool watches_files;
	bool web_enabled, web_metrics, web_tls;
	int64_t web_threads, web_port;
	char *web_address, *web_health_path, *web_certificate;
	bool metrics_enabled, metrics_output_rule, metrics_rules, metrics_resources, metrics_state,
		metrics_kernel, metrics_libbpf, metrics_plugins, metrics_iterators, metrics_mb,
		metrics_empty;
	int64_t metrics_interval_ms;
	char *metrics_output_file;
	char *drops_threshold, *drops_rate; /* numbers with a point */
	struct text_list drops_actions;
	int64_t drops_burst;
	bool drops_simulated;
	int64_t timeouts_max;
	bool log_stderr, log_syslog;
	char *log_level;
	int engine_kind;
	/* Ours */
	bool http_batch;
	char *http_unix_socket, *http_token, *http_token_file;
	uint64_t queue_bytes;
	uint64_t ring_bytes; /* 0: by the preset */
	char *replay_file;   /* what engine.kind replay reads */
	bool captures;	     /* capture.enabled */
	char *capture_prefix;
	int capture_mode;
	int64_t capture_ms, capture_megabytes;
	char *record_file; /* where the stream goes; "": nowhere */
	uint64_t record_limit;
	bool records_all_events;
	bool filters; /* in the kernel */
	int attach;   /* enum attach_choice */
	struct text_list ignored_pids, kept_capabilities;
	struct text_list base_calls; /* base_syscalls.custom_set */
	bool repairs_calls, takes_transfers;
	int64_t kmod_preset, ebpf_preset; /* of the ring's size */
	bool kmod_drops_failed, ebpf_drops_failed;
	int64_t processes_max;
	bool prints_base64;
	struct text_list load_plugins;
	char *host_root, *hostname;
	bool asks_cri, asks_docker, asks_podman;
	struct text_list cri_sockets, docker_sockets, podman_sockets;
	struct yaml_node *plugins;
	int64_t metadata_timeout_ms;
	uint64_t metadata_bytes;
	int log_format; /* 0 text, 1 JSON */
	/* Flags alone */
	char *config_path;
	struct text_list overrides; /* -o */
	struct text_list validated; /* -V */
	bool wants_help, wants_version, wants_page_size, wants_support, wants_config_schema,
		wants_rule_schema, wants_ignored_calls, wants_events, wants_plugins;
	bool describes_all;   /* -L */
	char *described_rule; /* -l */
	char *list_source;    /* --list: NULL when not wanted */
	int list_format;
	bool is_markdown, lists_names, is_verbose, is_dry_run, is_unbuffered;
	int64_t seconds;    /* -M */
	char *print_format; /* -p */
	char *pid_file;
	char *plugin_info;
	struct text_list disabled_sources, enabled_sources;
};

/* The options, and the YAML files that some of them point into. */
struct sensor_settings {
	struct sensor_options options;
	struct yaml *files[64];
	size_t file_count;
	struct yaml_node *joined[64]; /* lists made of the file's and of -o's */
	size_t joined_count;
	char *main_file;		/* the file that was read; NULL: none */
	struct text_list keys;		/* of the files' roots, as far as they are read */
	struct text_list schema_states; /* "FILE | schema validation: ok", a file each */
	struct additions *additions;	/* append_output, -p and static_fields */
	/* Sockets that the settings of Falco's container plugin name, beside the usual ones. */
	struct text_list more_cri_sockets, more_docker_sockets, more_podman_sockets;
};

/* Fallbacks, and nothing else. */
void sensor_settings_init(struct sensor_settings *settings);
/* append_output and static_fields become additions. */
int sensor_take_additions(struct sensor_settings *settings, struct error *err);
/* The rows, for the references. */
const struct settings_table *sensor_settings_table(void);
/*
 * Fallbacks, then the file (-c, /etc/tercel/sensor.yaml, /etc/falco/falco.yaml) and the files that
 * it names, -o, flags. Warnings go to the log. Leaves argv as it is.
 */
int sensor_settings_load(
	struct sensor_settings *settings, int argc, char **argv, struct error *err);
/* The same for a reload: what they say about the log comes true by sensor_open_log() alone. */
int sensor_settings_read(
	struct sensor_settings *settings, int argc, char **argv, struct error *err);
void sensor_open_log(const struct sensor_options *options);
/* The first lines of the log: what we are, and which files the settings came from. */
void sensor_log_start(const struct sensor_settings *settings);
/*
 * "rules_file" is the old name of "rules_files": makes it that, with a warning. Both are an error.
 */
int sensor_rename_old_keys(const char *file, struct yaml_node *root, settings_warning *warn,
	void *context, struct error *err);
/* All files and directories that the settings and rules come from, there or not. */
void sensor_watched_paths(const struct sensor_settings *settings, struct text_list *ret_paths);
void sensor_settings_done(struct sensor_settings *settings);
enum priority sensor_minimum_priority(const struct sensor_options *options);

/*
 * The rules files that the settings mean, directories read, in order; those that are not there are
 * left out. Without any setting those we ship (a folder). -ENOENT when nothing is left.
 */
const char *sensor_shipped_rules(void);
int sensor_rules_files(
	const struct sensor_settings *settings, struct text_list *ret_files, struct error *err);
/*
 * Loads and compiles them. Warnings go to the log; the first file that is wrong is an error whose
 * message is Falco's form of the load result. `ret_files`: which they were; may be NULL.
 */
int sensor_load_rules(const struct sensor_settings *settings, struct text_list *ret_files,
	struct rules **ret_rules, struct error *err);

/* The same with the definitions, to describe them. */
int sensor_load_definitions(const struct sensor_settings *settings,
	struct rules_loader **ret_loader, struct rules **ret_rules, struct error *err);

/* The warnings of a result, a line each. */
void sensor_log_warnings(const struct load_result *result);

/* What signals ask of the loop. */
struct sensor_signals {
	_Atomic bool stop, reopen, reload;
	_Atomic int number; /* of the signal that asked for the stop */
};

/*
 * Runs until a signal, the end of the source or -M. The command line is read again by a reload.
 */
int sensor_run(struct sensor_settings *settings, struct sensor_signals *signals, int argc,
	char **argv, struct error *err);

/* The flags that only print something: 1 when one was given and is done, 0 when none was. */
int sensor_describe(const struct sensor_settings *settings, int *ret_status, struct error *err);
