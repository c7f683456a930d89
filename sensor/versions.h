/* SPDX-License-Identifier: Apache-2.0 */
/* Falco's versions whose language and interfaces these are (spec/rule-language.md 1.3, 13). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ENGINE_VERSION_MINOR "63"
#define ENGINE_VERSION	     "0." ENGINE_VERSION_MINOR ".0"
#define PLUGIN_API_VERSION   "3.12.0"

struct json_writer;

/* A plugin of Falco whose fields are built in, and the version of it whose fields they are. */
struct builtin_plugin {
	const char *name, *about;
	uint64_t version[3]; /* major, minor, patch */
};

const struct builtin_plugin *builtin_plugins(size_t *ret_count);
/* "0.7.1" */
void builtin_plugin_version(const struct builtin_plugin *plugin, char *ret_text, size_t size);
/* All versions, an object with the keys of Falco's --version in JSON. */
void versions_json(struct json_writer *json);
