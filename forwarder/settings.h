/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forwarder's settings: its own rows, those of every output, and the keys of outputs that are
 * not here, joined into one table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alert/alert.h"
#include "base/error.h"
#include "base/settings.h"
#include "forwarder/output.h"

struct settings {
	bool is_debug; /* print every alert as it is taken */
	char *log_level;
	bool log_json;

	char *listen_address;
	int64_t listen_port;
	char *listen_socket;
	char *token, *token_file;
	uint64_t body_limit;
	struct {
		bool deploy, mutual_tls;
		char *certificate_file, *key_file, *ca_file;
		int64_t plain_port;
		struct text_list plain_paths;
	} tls;

	struct text_map custom_fields;
	struct text_list custom_tags;
	struct text_map templated_fields;
	char *bracket_replacer;
	char *output_format;
	struct text_list extra_labels;

	int durability; /* enum durability */
	int64_t keep_ms;
	uint64_t keep_bytes;
	int64_t drain_ms;
	int64_t answer_delay_ms; /* of stock Falco's, while the journal takes none */
	int64_t silent_after_ms; /* 0: silent nodes are not told */

	char *mutual_tls_folder;
	char *client_certificate_file, *client_key_file, *client_ca_file;
	char *ca_file;

	char *state;
	char *file;
	bool wants_version, wants_help;
};

/* Everything that was read; owns it all. */
struct configuration;

/*
 * Reads defaults, the file of -c, the environment and the arguments, in this order. What a person
 * should know is handed to `warn`, a sentence a call.
 */
int configuration_load(int argc, char **argv, settings_warning *warn, void *context,
	struct configuration **ret_configuration, struct error *err);
void configuration_free(struct configuration *configuration);
DEFINE_CLEANUP(struct configuration *, configuration_free)

const struct settings *configuration_settings(const struct configuration *configuration);

/*
 * An output with settings. Of each of outputs[] there is the one whose settings lie below its key;
 * the others come from a list in its place, each with a name, and from lists of addresses.
 */
struct instance {
	const struct output *output;
	const void *settings;
	char *id;    /* "slack", "slack.team-a"; of its cursor, in metrics and to ask for it */
	char *key;   /* of its settings, for messages: "slack", "otlp.logs.team-a" */
	char *title; /* "Slack", "Slack.team-a" */
};
size_t configuration_count(const struct configuration *configuration);
const struct instance *configuration_instance(const struct configuration *configuration, size_t i);
/* The settings of the one without a name of outputs[i]. */
const void *configuration_output(const struct configuration *configuration, size_t i);
/* Files that were read, or are named in the settings and read by us; each through `told`. */
void configuration_files(const struct configuration *configuration,
	void (*told)(void *context, const char *path), void *context);
/* The rows that every output has beside its own. */
const struct setting *configuration_common_rows(size_t *ret_count);
/* What --help prints. */
void configuration_help(struct buffer *out);
/* Has the rows of the forwarder and of all its outputs written by one of base/settings.h's writers.
 */
void configuration_describe(
	void (*write)(const struct settings_table *table, struct buffer *out), struct buffer *out);
/* Says of outputs that are switched on but not here what to use instead, a sentence a call. */
void configuration_answer(
	const struct configuration *configuration, settings_warning *warn, void *context);
/* All outputs of Falcosidekick's that are not here, and the answer to each. */
void configuration_absent(
	void (*see)(void *context, const char *name, const char *answer), void *context);
/* The lowest priority that an output takes: PRIORITY_NONE when all. -EINVAL with words. */
int minimum_priority(const char *name, const struct output_settings *settings,
	enum priority *ret_priority, struct error *err);
