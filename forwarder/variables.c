/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment variables of the settings.
 */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "forwarder/variables.h"

char *variable_name(const char *key)
{
	char *name = string_copy(key ? key : "");

	for (char *c = name; *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
	return name;
}

/* What Kubernetes sets in every pod for a service that is called like one of our outputs. */
static bool is_of_a_service(const char *name)
{
	static const char *const parts[] = { "_SERVICE_HOST", "_SERVICE_PORT", "_PORT_" };
	size_t length = strlen(name);

	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (strstr(name, parts[i]))
			return true;
	return length > 5 && !strcmp(name + length - 5, "_PORT");
}

static bool begins_with_key(const char *name, const char *key)
{
	_cleanup_(freep) char *prefix = variable_name(key);
	size_t length = strlen(prefix);

	return !strncmp(name, prefix, length) && name[length] == '_';
}

/* SLACK_TEAM_A_…, which was read with the list's item. */
static bool is_of_a_named_one(const struct configuration *configuration, const char *name)
{
	for (size_t i = 0; i < configuration_count(configuration); i++) {
		const struct instance *instance = configuration_instance(configuration, i);

		if (strcmp(instance->key, output_key(instance->output)) &&
			begins_with_key(name, instance->key))
			return true;
	}
	return false;
}

static bool is_of_an_output(const char *name)
{
	for (size_t i = 0; i < output_count; i++)
		if (begins_with_key(name, output_key(outputs[i])))
			return true;
	return false;
}

static void warn_of_slip(
	const struct text_list *known, const char *name, settings_warning *warn, void *context)
{
	const char *near =
		text_nearest(text_of(name), (const char *const *)known->items, known->count);
	_cleanup_(freep) char *message = NULL;

	if (!near || !strcmp(near, name))
		return;
	message = string_printf(
		"the environment variable %s sets nothing; did you mean %s?", name, near);
	warn(context, message);
}

void variables_check(const struct configuration *configuration, const struct setting *rows,
	size_t count, settings_warning *warn, void *context)
{
	struct text_list known = { 0 };

	for (size_t i = 0; i < count; i++) {
		_cleanup_(freep) char *name = variable_name(rows[i].key);

		text_list_add(&known, text_of(name));
	}
	for (char **variable = environ; warn && *variable; variable++) {
		_cleanup_(freep) char *name =
			text_to_string((struct text){ *variable, strcspn(*variable, "=") });

		if (is_of_an_output(name) && !is_of_a_service(name) &&
			!is_of_a_named_one(configuration, name))
			warn_of_slip(&known, name, warn, context);
	}
	text_list_done(&known);
}
