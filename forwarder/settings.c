/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forwarder's settings. The struct of each output lies behind the forwarder's own in one block
 * of memory, so that one table with one target serves all of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"
#include "forwarder/journal-file.h"
#include "forwarder/settings.h"
#include "forwarder/variables.h"

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
	{ .key = "answerdelay",
		.type = SETTING_DURATION,
		.at = offsetof(struct settings, answer_delay_ms),
		.fallback = "5s",
		.about =
			"How long Falco, which does not send again, waits for its answer while the "
			"journal takes no alerts; then they are kept in memory; 0: it gets 503" },
	{ .key = "silentafter",
		.type = SETTING_DURATION,
		.at = offsetof(struct settings, silent_after_ms),
		.fallback = "30s",
		.about =
			"A node whose sensor beat before and then is silent for so long is an alert; "
			"0: none is. Several forwarders behind one address need 0, or that a sensor "
			"stays with one of them" },
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

/* Every output has these behind its own. */
static const struct setting common_rows[] = {
	{ .key = "match",
		.type = SETTING_TEXT,
		.at = offsetof(struct output_settings, match),
		.value = "CONDITION",
		.about =
			"Only alerts that this is true for are sent here: a condition as in rules, "
			"over rule, priority, source, hostname, tags, output and the alert's fields" },
	{ .key = "dedup.key",
		.type = SETTING_LIST,
		.at = offsetof(struct output_settings, fold_key),
		.fallback = "rule,priority,hostname,container.id",
		.about = "Alerts that are alike in these are repeats of each other" },
	{ .key = "dedup.window",
		.type = SETTING_DURATION,
		.at = offsetof(struct output_settings, fold_ms),
		.fallback = "0",
		.about =
			"Repeats within this time after the first are sent as one summary, with how "
			"many they were and when the first and the last came; 0: each is sent" },
	{ .key = "ratelimit.alerts",
		.type = SETTING_INTEGER,
		.at = offsetof(struct output_settings, rate),
		.fallback = "0",
		.minimum = 0,
		.maximum = 1000000,
		.about =
			"At most so many alerts are sent in ratelimit.window; a summary tells what "
			"was held back; 0: any number" },
	{ .key = "ratelimit.window",
		.type = SETTING_DURATION,
		.at = offsetof(struct output_settings, rate_ms),
		.fallback = "1m",
		.about = "The time that ratelimit.alerts is counted in" },
};

static const struct setting name_row = {
	.key = "name",
	.type = SETTING_TEXT,
	.at = offsetof(struct output_settings, name),
	.about = "Of one output of several",
};

struct owned_instance {
	struct instance is;
	size_t output;
	void *block; /* of its settings; NULL: they are in the configuration's */
};

struct configuration {
	struct setting *rows;
	size_t count, capacity;
	size_t known_count; /* rows that have an effect; lists and those of absent outputs follow */
	size_t *list_at;    /* of each output's struct yaml_node * in `block` */
	struct owned_instance *instances;
	size_t instance_count, instance_capacity;
	size_t *output_at; /* offset of each output's settings in `block` */
	size_t *group_at;  /* the same for its group's, where it has one */
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
	add_rows(configuration, output_key(output), common_rows, COUNT_OF(common_rows),
		configuration->output_at[i]);
}

/* In place of an output's keys there may be a list of several. */
static void add_list_row(struct configuration *configuration, size_t i)
{
	configuration->list_at[i] = take_room(configuration, sizeof(struct yaml_node *));
	add_row(configuration, (struct setting){ .key = string_copy(output_key(outputs[i])),
				       .type = SETTING_NODE,
				       .at = configuration->list_at[i],
				       .about = "A list of several, each with a name" });
}

/* Outputs find their group's settings through a pointer in their own. */
static void point_to_group(const struct configuration *configuration, size_t output, char *settings)
{
	const void *group = configuration->block + configuration->group_at[output];

	if (outputs[output]->group)
		memcpy(settings + outputs[output]->group_at, &group, sizeof(group));
}

static void point_to_groups(struct configuration *configuration)
{
	for (size_t i = 0; i < output_count; i++)
		point_to_group(
			configuration, i, configuration->block + configuration->output_at[i]);
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
	configuration->list_at = NEW_ARRAY(size_t, output_count);
	take_room(configuration, sizeof(struct settings));
	for (size_t i = 0; i < COUNT_OF(own_rows); i++) {
		struct setting row = own_rows[i];

		row.key = string_copy(row.key);
		add_row(configuration, row);
	}
	for (size_t i = 0; i < output_count; i++)
		add_output_rows(configuration, i);
	configuration->known_count = configuration->count;
	for (size_t i = 0; i < output_count; i++)
		add_list_row(configuration, i);
	for (size_t i = 0; i < COUNT_OF(absent_outputs); i++) {
		add_absent_keys(configuration, absent_outputs[i].name, absent_outputs[i].enabling);
		add_absent_keys(configuration, absent_outputs[i].name, absent_outputs[i].others);
		add_absent_keys(configuration, absent_outputs[i].name, COMMON_KEYS);
	}
	configuration->block = NEW_ARRAY(char, configuration->size);
	point_to_groups(configuration);
	return configuration;
}

/* The rows of one output alone, as an item of a list has them. free() the rows. */
static struct settings_table instance_table(const struct output *output, struct setting **ret_rows)
{
	size_t count = 0;
	struct setting *rows =
		NEW_ARRAY(struct setting, output->row_count + COUNT_OF(common_rows) + 2);

	memcpy(rows, output->rows, output->row_count * sizeof(*rows));
	count = output->row_count;
	memcpy(rows + count, common_rows, sizeof(common_rows));
	count += COUNT_OF(common_rows);
	rows[count++] = name_row;
	/* Where an output has a "name" of its own, that one comes first and this is the other. */
	rows[count] = name_row;
	rows[count++].key = "instance";
	*ret_rows = rows;
	return (struct settings_table){
		.program = "tercel-forwarder",
		.rows = rows,
		.count = count,
		.makes_environment = true,
		.ignores_key_case = true,
	};
}

static void instances_free(struct configuration *configuration)
{
	for (size_t i = 0; i < configuration->instance_count; i++) {
		struct owned_instance *one = &configuration->instances[i];
		_cleanup_(freep) struct setting *rows = NULL;
		struct settings_table table = instance_table(one->is.output, &rows);

		/* The name's two rows share a member; done twice is fine, it is zeroed. */
		if (one->block)
			settings_done(&table, one->block);
		free(one->block);
		free(one->is.id);
		free(one->is.key);
		free(one->is.title);
	}
	free(configuration->instances);
}

void configuration_free(struct configuration *configuration)
{
	struct settings_table table;

	if (!configuration)
		return;
	instances_free(configuration);
	table = table_of(configuration);
	settings_done(&table, configuration->block);
	for (size_t i = 0; i < configuration->count; i++)
		free((char *)configuration->rows[i].key);
	yaml_unload(configuration->file);
	free(configuration->rows);
	free(configuration->output_at);
	free(configuration->group_at);
	free(configuration->list_at);
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

const void *configuration_output(const struct configuration *configuration, size_t i)
{
	return configuration->block + configuration->output_at[i];
}

size_t configuration_count(const struct configuration *configuration)
{
	return configuration->instance_count;
}

const struct instance *configuration_instance(const struct configuration *configuration, size_t i)
{
	return &configuration->instances[i].is;
}

/* `name` may be NULL. */
static void add_instance(
	struct configuration *configuration, size_t output, const char *name, void *block)
{
	struct owned_instance *one = ARRAY_ADD(configuration->instances,
		configuration->instance_count, configuration->instance_capacity);
	const char *dot = name ? "." : "", *end = name ? name : "";

	*one = (struct owned_instance){ .output = output, .block = block };
	one->is.output = outputs[output];
	one->is.settings = block ? block : configuration_output(configuration, output);
	one->is.id = string_printf("%s%s%s", outputs[output]->name, dot, end);
	one->is.key = string_printf("%s%s%s", output_key(outputs[output]), dot, end);
	one->is.title = string_printf("%s%s%s", outputs[output]->title, dot, end);
}

/* What is not good for a label or a file name is no good name. */
static int check_name(const struct configuration *configuration, const struct yaml_node *node,
	const struct output *output, const char *name, struct error *err)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	const char *file = yaml_name(configuration->file);

	if (!is_set(name) || strlen(name) > 64 || name[strspn(name, good)])
		return error_at(err, file, (int)node->line + 1,
			"each of a list below \"%s\" needs a name of up to 64 letters, digits, - and "
			"_, such as \"name: team-a\"",
			output_key(output));
	for (size_t i = 0; i < configuration->instance_count; i++) {
		const struct instance *other = &configuration->instances[i].is;

		if (other->output == output && !strcasecmp(strchr(other->id, '.') + 1, name))
			return error_at(err, file, (int)node->line + 1,
				"\"%s\" has the name \"%s\" twice", output_key(output), name);
	}
	return 0;
}

/* SLACK_TEAM_A_WEBHOOKURL: so a secret need not stand in the file. */
static int read_instance_environment(struct settings_table table, const char *key, const char *name,
	void *block, struct error *err)
{
	_cleanup_(freep) char *full = string_printf("%s.%s.", key, name);
	_cleanup_(freep) char *prefix = variable_name(full);

	table.environment_prefix = prefix;
	return settings_from_environment(&table, block, err);
}

static int read_instance(struct configuration *configuration, size_t output,
	const struct yaml_node *node, settings_warning *warn, void *context, struct error *err)
{
	_cleanup_(freep) struct setting *rows = NULL;
	struct settings_table table = instance_table(outputs[output], &rows);
	char *block = NEW_ARRAY(char, outputs[output]->settings_size);
	const char *key = output_key(outputs[output]);
	const char *name;
	int r;

	settings_defaults(&table, block);
	point_to_group(configuration, output, block);
	r = settings_from_yaml(
		&table, block, yaml_name(configuration->file), node, warn, context, err);
	name = ((const struct output_settings *)block)->name;
	if (!r)
		r = check_name(configuration, node, outputs[output], name, err);
	if (!r)
		r = read_instance_environment(table, key, name, block, err);
	if (r < 0) {
		settings_done(&table, block);
		free(block);
		return r;
	}
	add_instance(configuration, output, name, block);
	return 0;
}

static int read_list(struct configuration *configuration, size_t output, settings_warning *warn,
	void *context, struct error *err)
{
	const struct yaml_node *list;
	int r = 0;

	memcpy(&list, configuration->block + configuration->list_at[output], sizeof(list));
	if (!list)
		return 0;
	if (list->kind != YAML_SEQUENCE)
		return error_at(err, yaml_name(configuration->file), (int)list->line + 1,
			"\"%s\" must be a mapping, or a list of mappings with a name each",
			output_key(outputs[output]));
	for (size_t i = 0; i < list->count && !r; i++)
		r = read_instance(configuration, output, list->items[i], warn, context, err);
	return r;
}

/* "http://am-1:9093/x" -> "am-1:9093". free() it. */
static char *address_name(const char *address)
{
	const char *scheme = strstr(address, "://");
	const char *host = scheme ? scheme + 3 : address;

	return text_to_string((struct text){ host, strcspn(host, "/?#") });
}

/* The first address keeps the name and with it the cursor; each other one has its own. */
static void spread(struct configuration *configuration, size_t i)
{
	struct owned_instance one = configuration->instances[i];
	const struct output *output = one.is.output;
	const struct text_list *addresses =
		(const void *)((const char *)one.is.settings + output->addresses_at);
	const char *name = ((const struct output_settings *)one.is.settings)->name;
	_cleanup_(freep) struct setting *rows = NULL;
	struct settings_table table = instance_table(output, &rows);

	table.count -= 1; /* one row of the name, or it would be owned twice */
	for (size_t at = 1; output->addresses_at && at < addresses->count; at++) {
		char *block = NEW_ARRAY(char, output->settings_size);
		_cleanup_(freep) char *host = address_name(addresses->items[at]);
		_cleanup_(freep) char *full =
			string_printf("%s%s%s", name ? name : "", name ? "." : "", host);

		settings_copy(&table, block, one.is.settings, output->settings_size);
		((struct output_settings *)block)->address = at;
		add_instance(configuration, one.output, full, block);
	}
}

static int make_instances(struct configuration *configuration, settings_warning *warn,
	void *context, struct error *err)
{
	size_t count;
	int r = 0;

	for (size_t i = 0; i < output_count && !r; i++)
		r = read_list(configuration, i, warn, context, err);
	for (size_t i = 0; i < output_count && !r; i++)
		add_instance(configuration, i, NULL, NULL);
	count = configuration->instance_count;
	for (size_t i = 0; i < count && !r; i++)
		spread(configuration, i);
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
	if (!r)
		r = make_instances(configuration, warn, context, err);
	if (r < 0)
		return r;
	variables_check(configuration, configuration->rows, configuration->count, warn, context);
	*ret_configuration = TAKE(configuration);
	return 0;
}

const struct settings *configuration_settings(const struct configuration *configuration)
{
	return (const struct settings *)configuration->block;
}

void configuration_files(const struct configuration *configuration,
	void (*told)(void *context, const char *path), void *context)
{
	const struct settings *settings = configuration_settings(configuration);
	const char *const files[] = {
		settings->file,
		settings->token_file,
		settings->tls.deploy ? settings->tls.certificate_file : NULL,
		settings->tls.deploy ? settings->tls.key_file : NULL,
		settings->tls.deploy && settings->tls.mutual_tls ? settings->tls.ca_file : NULL,
		settings->client_certificate_file,
		settings->client_key_file,
		settings->client_ca_file,
		settings->ca_file,
	};
	static const char *const usual[] = { "client.crt", "client.key", "ca.crt" };

	for (size_t i = 0; i < COUNT_OF(files); i++)
		if (is_set(files[i]))
			told(context, files[i]);
	for (size_t i = 0; is_set(settings->mutual_tls_folder) && i < COUNT_OF(usual); i++) {
		_cleanup_(freep) char *path =
			string_printf("%s/%s", settings->mutual_tls_folder, usual[i]);

		told(context, path);
	}
}

const struct setting *configuration_common_rows(size_t *ret_count)
{
	*ret_count = COUNT_OF(common_rows);
	return common_rows;
}

void configuration_describe(
	void (*write)(const struct settings_table *table, struct buffer *out), struct buffer *out)
{
	_cleanup_(configuration_freep) struct configuration *configuration = configuration_new();
	struct settings_table table = table_of(configuration);

	table.count = configuration->known_count + output_count; /* with the lists */
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
	_cleanup_(freep) char *name = variable_name(key);
	const char *value = getenv(name);

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
