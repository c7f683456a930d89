/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forwarder's settings. The struct of each output lies behind the forwarder's own in one block
 * of memory, so that one table with one target serves all of them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/journal-file.h"
#include "forwarder/settings.h"

static const struct setting own_rows[] = {
	{ .key = "debug",
		.type = SETTING_BOOL,
		.at = offsetof(struct settings, is_debug),
		.fallback = "false",
		.about = "Print every alert that is taken" },
	{ .key = "loglevel",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, log_level),
		.fallback = "info",
		.about = "error, warning, info or debug" },
	{ .key = "logjson",
		.type = SETTING_BOOL,
		.at = offsetof(struct settings, log_json),
		.fallback = "false",
		.about = "Log lines as JSON" },
	{ .key = "listenaddress",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, listen_address),
		.value = "IP",
		.about = "Address to listen on; empty means all" },
	{ .key = "listenport",
		.type = SETTING_INTEGER,
		.at = offsetof(struct settings, listen_port),
		.fallback = "2801",
		.minimum = 1,
		.maximum = 65535,
		.about = "Port to listen on" },
	{ .key = "listensocket",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, listen_socket),
		.value = "PATH",
		.about =
			"Unix socket to listen on as well; alerts of root and of our own user that "
			"come through it count as verified" },
	{ .key = "token",
		.type = SETTING_SECRET,
		.at = offsetof(struct settings, token),
		.about = "Alerts that come with this bearer token count as verified" },
	{ .key = "tokenfile",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, token_file),
		.value = "FILE",
		.about = "File that holds the token" },
	{ .key = "bodylimit",
		.type = SETTING_SIZE,
		.at = offsetof(struct settings, body_limit),
		.fallback = "16MiB",
		.about = "Larger requests are refused with 413" },
	{ .key = "tlsserver.deploy",
		.type = SETTING_BOOL,
		.at = offsetof(struct settings, tls.deploy),
		.fallback = "false",
		.about = "Serve HTTPS on listenport" },
	{ .key = "tlsserver.certfile",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, tls.certificate_file),
		.fallback = "/etc/certs/server/server.crt",
		.value = "FILE",
		.about = "The server's certificate" },
	{ .key = "tlsserver.keyfile",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, tls.key_file),
		.fallback = "/etc/certs/server/server.key",
		.value = "FILE",
		.about = "The server's key" },
	{ .key = "tlsserver.mutualtls",
		.type = SETTING_BOOL,
		.at = offsetof(struct settings, tls.mutual_tls),
		.fallback = "false",
		.about =
			"Ask senders for a certificate of tlsserver.cacertfile; their alerts count "
			"as verified" },
	{ .key = "tlsserver.cacertfile",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, tls.ca_file),
		.fallback = "/etc/certs/server/ca.crt",
		.value = "FILE",
		.about = "Who signs the senders' certificates" },
	{ .key = "tlsserver.notlsport",
		.type = SETTING_INTEGER,
		.at = offsetof(struct settings, tls.plain_port),
		.fallback = "2810",
		.minimum = 1,
		.maximum = 65535,
		.about = "Port of the plain server for tlsserver.notlspaths" },
	{ .key = "tlsserver.notlspaths",
		.type = SETTING_LIST,
		.at = offsetof(struct settings, tls.plain_paths),
		.about = "Paths that are served without TLS, and only so" },
	{ .key = "customfields",
		.type = SETTING_MAP,
		.at = offsetof(struct settings, custom_fields),
		.about = "Fields to add to every alert; a value that begins with % names an "
			 "environment variable" },
	{ .key = "customtags",
		.type = SETTING_LIST,
		.at = offsetof(struct settings, custom_tags),
		.about = "Tags to add to every alert; % as in customfields" },
	{ .key = "templatedfields",
		.type = SETTING_MAP,
		.at = offsetof(struct settings, templated_fields),
		.about = "Fields to add, made by templates from the alert's fields, such as "
			 "{{ or (index . \"k8s.ns.name\") \"none\" }}" },
	{ .key = "bracketreplacer",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, bracket_replacer),
		.about = "Put in place of [ in field names; ] is taken away" },
	{ .key = "outputfieldformat",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, output_format),
		.about = "Form of the output text, from <timestamp> <priority> <output> "
			 "<custom_fields> <templated_fields> <tags>" },
	{ .key = "prometheus.extralabels",
		.type = SETTING_LIST,
		.at = offsetof(struct settings, extra_labels),
		.about = "Fields that become labels of "
			 "falcosecurity_falcosidekick_falco_events_total" },
	{ .key = "durability",
		.type = SETTING_CHOICE,
		.at = offsetof(struct settings, durability),
		.choices = "memory process disk",
		.fallback = "process",
		.about = "When an alert is acknowledged: process survives the program, disk also "
			 "the "
			 "power, memory neither" },
	{ .key = "journal.keep",
		.type = SETTING_DURATION,
		.at = offsetof(struct settings, keep_ms),
		.fallback = "7d",
		.about = "Alerts that could not be sent for so long are cut" },
	{ .key = "journal.size",
		.type = SETTING_SIZE,
		.at = offsetof(struct settings, keep_bytes),
		.fallback = "1GiB",
		.about = "The oldest alerts are cut when the journal is larger" },
	{ .key = "drain",
		.type = SETTING_DURATION,
		.at = offsetof(struct settings, drain_ms),
		.fallback = "5s",
		.about = "How long to go on sending after SIGTERM" },
	{ .key = "mutualtlsfilespath",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, mutual_tls_folder),
		.fallback = "/etc/certs",
		.value = "DIR",
		.about = "Folder of client.crt, client.key and ca.crt for outputs with mutualtls" },
	{ .key = "mutualtlsclient.certfile",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, client_certificate_file),
		.value = "FILE",
		.about = "Client certificate, before mutualtlsfilespath" },
	{ .key = "mutualtlsclient.keyfile",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, client_key_file),
		.value = "FILE",
		.about = "Client key, before mutualtlsfilespath" },
	{ .key = "mutualtlsclient.cacertfile",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, client_ca_file),
		.value = "FILE",
		.about = "Who signs the receivers' certificates, before mutualtlsfilespath" },
	{ .key = "tlsclient.cacertfile",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, ca_file),
		.value = "FILE",
		.about = "Certificates that outputs trust beside the system's" },
	{ .flag = "state",
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, state),
		.value = "DIR",
		.environment = "STATE_DIRECTORY",
		.fallback = "/var/lib/tercel/forwarder",
		.about = "Folder of the journal" },
	{ .flag = "config-file",
		.short_flag = 'c',
		.type = SETTING_TEXT,
		.at = offsetof(struct settings, file),
		.value = "FILE",
		.about = "Settings, in Falcosidekick's form" },
	{ .flag = "version",
		.short_flag = 'v',
		.type = SETTING_BOOL,
		.at = offsetof(struct settings, wants_version),
		.fallback = "false",
		.about = "Print the version and exit" },
	{ .flag = "help",
		.short_flag = 'h',
		.type = SETTING_BOOL,
		.at = offsetof(struct settings, wants_help),
		.fallback = "false",
		.about = "Print this and exit" },
};

static const struct {
	const char *name, *enabling, *others, *answer;
} absent_outputs[] = {
#define ABSENT(name, enabling, others, answer) { name, enabling, others, answer },
#include "forwarder/absent-outputs.def"
#undef ABSENT
};

#define COMMON_KEYS "minimumpriority mutualtls checkcert maxconcurrentrequests"

struct configuration {
	struct setting *rows;
	size_t count, capacity;
	size_t known_count; /* rows that have an effect; those of absent outputs follow */
	size_t *output_at;  /* offset of each output's settings in `block` */
	size_t *group_at;   /* the same for its group's, where it has one */
	size_t size;
	char *block; /* begins with struct settings */
	struct yaml *file;
};

static struct settings_table table_of(const struct configuration *configuration)
{
	return (struct settings_table){
		.program = "tercel-forwarder",
		.rows = configuration->rows,
		.count = configuration->count,
		.makes_environment = true,
		.ignores_key_case = true,
	};
}

static size_t take_room(struct configuration *configuration, size_t size)
{
	size_t at = (configuration->size + 15) / 16 * 16;

	configuration->size = at + size;
	return at;
}

static void add_row(struct configuration *configuration, struct setting row)
{
	*ARRAY_ADD(configuration->rows, configuration->count, configuration->capacity) = row;
}

static void add_rows(struct configuration *configuration, const char *key,
	const struct setting *rows, size_t count, size_t at)
{
	for (size_t i = 0; i < count; i++) {
		struct setting row = rows[i];

		row.key = string_printf("%s.%s", key, row.key);
		row.at += at;
		add_row(configuration, row);
	}
}

/* A group's rows come once, with the first of its outputs. */
static void add_group_rows(struct configuration *configuration, size_t i)
{
	const struct output_group *group = outputs[i]->group;

	for (size_t j = 0; j < i; j++) {
		if (outputs[j]->group == group) {
			configuration->group_at[i] = configuration->group_at[j];
			return;
		}
	}
	configuration->group_at[i] = take_room(configuration, group->size);
	add_rows(configuration, group->name, group->rows, group->row_count,
		configuration->group_at[i]);
}

static void add_output_rows(struct configuration *configuration, size_t i)
{
	const struct output *output = outputs[i];

	if (output->group)
		add_group_rows(configuration, i);
	configuration->output_at[i] = take_room(configuration, output->settings_size);
	add_rows(configuration, output_key(output), output->rows, output->row_count,
		configuration->output_at[i]);
}

/* Outputs find their group's settings through a pointer in their own. */
static void point_to_groups(struct configuration *configuration)
{
	for (size_t i = 0; i < output_count; i++) {
		const void *group = configuration->block + configuration->group_at[i];

		if (outputs[i]->group)
			memcpy(configuration->block + configuration->output_at[i] +
					outputs[i]->group_at,
				&group, sizeof(group));
	}
}

static void add_absent_keys(struct configuration *configuration, const char *name, const char *keys)
{
	struct text rest = text_of(keys), key;

	while (text_split(&rest, ' ', &key)) {
		if (!key.length)
			continue;
		add_row(configuration,
			(struct setting){
				.key = string_printf("%s." TEXT_FORMAT, name, TEXT_PRINT(key)),
				.type = SETTING_NODE,
				.at = take_room(configuration, sizeof(struct yaml_node *)),
				.about = "Belongs to an output that is not here" });
	}
}

static struct configuration *configuration_new(void)
{
	struct configuration *configuration = NEW(struct configuration);

	configuration->output_at = NEW_ARRAY(size_t, output_count);
	configuration->group_at = NEW_ARRAY(size_t, output_count);
	take_room(configuration, sizeof(struct settings));
	for (size_t i = 0; i < COUNT_OF(own_rows); i++) {
		struct setting row = own_rows[i];

		row.key = string_copy(row.key);
		add_row(configuration, row);
	}
	for (size_t i = 0; i < output_count; i++)
		add_output_rows(configuration, i);
	configuration->known_count = configuration->count;
	for (size_t i = 0; i < COUNT_OF(absent_outputs); i++) {
		add_absent_keys(configuration, absent_outputs[i].name, absent_outputs[i].enabling);
		add_absent_keys(configuration, absent_outputs[i].name, absent_outputs[i].others);
		add_absent_keys(configuration, absent_outputs[i].name, COMMON_KEYS);
	}
	configuration->block = NEW_ARRAY(char, configuration->size);
	point_to_groups(configuration);
	return configuration;
}

void configuration_free(struct configuration *configuration)
{
	struct settings_table table;

	if (!configuration)
		return;
	table = table_of(configuration);
	settings_done(&table, configuration->block);
	for (size_t i = 0; i < configuration->count; i++)
		free((char *)configuration->rows[i].key);
	yaml_unload(configuration->file);
	free(configuration->rows);
	free(configuration->output_at);
	free(configuration->group_at);
	free(configuration->block);
	free(configuration);
}

static int read_file(struct configuration *configuration, settings_warning *warn, void *context,
	struct error *err)
{
	struct settings *settings = (struct settings *)configuration->block;
	struct settings_table table = table_of(configuration);
	const struct yaml_node *root;
	int r;

	if (!settings->file || !*settings->file)
		return 0;
	r = yaml_load(settings->file, &configuration->file, err);
	if (r < 0)
		return r;
	root = yaml_document(configuration->file, 0);
	if (!root || root->kind == YAML_NULL)
		return 0;
	return settings_from_yaml(&table, configuration->block, yaml_name(configuration->file),
		root, warn, context, err);
}

/* Keys of absent outputs are asked for one by one in the environment (is_set_absent). */
static int read_environment(struct configuration *configuration, struct error *err)
{
	struct settings_table table = table_of(configuration);

	table.count = configuration->known_count;
	return settings_from_environment(&table, configuration->block, err);
}

/* Twice: first for the file's name, then because flags win over all. */
static int read_arguments(
	struct configuration *configuration, int argc, char **argv, struct error *err)
{
	_cleanup_(freep) char **copy = NEW_ARRAY(char *, (size_t)argc + 1);
	struct settings_table table = table_of(configuration);
	int rest = 0, r;

	table.count = configuration->known_count;
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	r = settings_from_arguments(&table, configuration->block, argc, copy, &rest, err);
	if (!r && rest)
		return error_set(err, -EINVAL,
			"unexpected argument \"%s\"; a file of settings is given with -c", copy[1]);
	return r;
}

int configuration_load(int argc, char **argv, settings_warning *warn, void *context,
	struct configuration **ret_configuration, struct error *err)
{
	_cleanup_(configuration_freep) struct configuration *configuration = configuration_new();
	struct settings_table table = table_of(configuration);
	int r;

	settings_defaults(&table, configuration->block);
	r = read_arguments(configuration, argc, argv, err);
	if (!r)
		r = read_file(configuration, warn, context, err);
	if (!r)
		r = read_environment(configuration, err);
	if (!r)
		r = read_arguments(configuration, argc, argv, err);
	if (r < 0)
		return r;
	*ret_configuration = TAKE(configuration);
	return 0;
}

const struct settings *configuration_settings(const struct configuration *configuration)
{
	return (const struct settings *)configuration->block;
}

const void *configuration_output(const struct configuration *configuration, size_t i)
{
	return configuration->block + configuration->output_at[i];
}

void configuration_describe(
	void (*write)(const struct settings_table *table, struct buffer *out), struct buffer *out)
{
	_cleanup_(configuration_freep) struct configuration *configuration = configuration_new();
	struct settings_table table = table_of(configuration);

	table.count = configuration->known_count;
	write(&table, out);
}

void configuration_help(struct buffer *out)
{
	_cleanup_(configuration_freep) struct configuration *configuration = configuration_new();
	struct settings_table table = table_of(configuration);

	table.count = configuration->known_count;
	settings_help(&table, "tercel-forwarder [-c FILE] [--state DIR]", out);
	buffer_add_string(out,
		"\nEvery key of the file can also be set by an environment variable: "
		"webhook.address by WEBHOOK_ADDRESS.\n");
}

static bool says_something(struct text text)
{
	bool flag;

	return text.length && (bool_parse(text, &flag) < 0 || flag);
}

static bool is_set_in_environment(const char *key)
{
	_cleanup_(freep) char *name = string_copy(key);
	const char *value;

	for (char *c = name; *c; c++)
		*c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
	value = getenv(name);
	return value && says_something(text_of(value));
}

static bool is_set_in_file(const struct yaml_node *node)
{
	if (!node || node->kind == YAML_NULL)
		return false;
	return node->kind == YAML_SCALAR ? says_something(node->text) : node->count > 0;
}

static bool is_set_absent(const struct configuration *configuration, const char *key)
{
	for (size_t i = configuration->known_count; i < configuration->count; i++) {
		const struct setting *row = &configuration->rows[i];
		struct yaml_node *node;

		if (strcmp(row->key, key))
			continue;
		memcpy(&node, configuration->block + row->at, sizeof(node));
		return is_set_in_file(node) || is_set_in_environment(key);
	}
	return false;
}

static bool is_enabled_absent(
	const struct configuration *configuration, const char *name, const char *enabling)
{
	struct text rest = text_of(enabling), key;
	bool is_enabled = *enabling;

	while (is_enabled && text_split(&rest, ' ', &key)) {
		_cleanup_(freep) char *full =
			string_printf("%s." TEXT_FORMAT, name, TEXT_PRINT(key));

		is_enabled = is_set_absent(configuration, full);
	}
	return is_enabled;
}

void configuration_answer(
	const struct configuration *configuration, settings_warning *warn, void *context)
{
	for (size_t i = 0; i < COUNT_OF(absent_outputs); i++) {
		_cleanup_(freep) char *answer = NULL;

		if (!is_enabled_absent(
			    configuration, absent_outputs[i].name, absent_outputs[i].enabling))
			continue;
		answer = string_printf("output %s is configured, but %s", absent_outputs[i].name,
			absent_outputs[i].answer);
		warn(context, answer);
	}
}

void configuration_absent(
	void (*see)(void *context, const char *name, const char *answer), void *context)
{
	for (size_t i = 0; i < COUNT_OF(absent_outputs); i++)
		see(context, absent_outputs[i].name, absent_outputs[i].answer);
}

int minimum_priority(const char *name, const struct output_settings *settings,
	enum priority *ret_priority, struct error *err)
{
	const char *text = settings->minimum_priority;

	*ret_priority = PRIORITY_NONE;
	if (!text || !*text)
		return 0;
	*ret_priority = priority_parse(text_of(text));
	if (*ret_priority == PRIORITY_NONE)
		return error_set(err, -EINVAL,
			"%s.minimumpriority must be one of emergency, alert, critical, error, "
			"warning, notice, informational, debug, not \"%s\"",
			name, text);
	return 0;
}
