/* SPDX-License-Identifier: Apache-2.0 */
/* Versions and the built-in plugin, as Falco's tools look for them. */
#include "base/json.h"
#include "sensor/versions.h"

static const struct builtin_plugin plugins[] = {
	{ "container", "Names, images, labels and pods of containers, from the runtimes themselves",
		{ 0, 7, 1 } },
};

const struct builtin_plugin *builtin_plugins(size_t *ret_count)
{
	*ret_count = sizeof(plugins) / sizeof(*plugins);
	return plugins;
}

static void add_pair(struct json_writer *json, const char *key, const char *value)
{
	json_key(json, key);
	json_add_string(json, value);
}

/* The kernel programs come with the sensor: their versions are its own. */
void versions_json(struct json_writer *json)
{
	json_begin_object(json);
	add_pair(json, "default_driver_version", TERCEL_VERSION);
	add_pair(json, "driver_api_version", TERCEL_VERSION);
	add_pair(json, "driver_schema_version", TERCEL_VERSION);
	add_pair(json, "engine_version", ENGINE_VERSION_MINOR);
	add_pair(json, "engine_version_semver", ENGINE_VERSION);
	add_pair(json, "falco_version", TERCEL_VERSION);
	add_pair(json, "libs_version", TERCEL_VERSION);
	add_pair(json, "plugin_api_version", PLUGIN_API_VERSION);
	json_key(json, "plugin_versions");
	json_begin_object(json);
	for (size_t i = 0; i < sizeof(plugins) / sizeof(*plugins); i++) {
		char version[64];

		builtin_plugin_version(&plugins[i], version, sizeof(version));
		add_pair(json, plugins[i].name, version);
	}
	json_end(json);
	add_pair(json, "tercel_version", TERCEL_VERSION);
	json_end(json);
}

void builtin_plugin_version(const struct builtin_plugin *plugin, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%llu.%llu.%llu", (unsigned long long)plugin->version[0],
		(unsigned long long)plugin->version[1], (unsigned long long)plugin->version[2]);
}
