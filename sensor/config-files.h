/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor's settings files: a main one and those that its `config_files` name. A file changes
 * what those before it said by its strategy, and always whole keys of the file's root, as in Falco
 * (spec/rule-language.md 7): append adds to lists and replaces the rest, override replaces lists
 * too, add-only leaves alone what is there.
 */
#pragma once

#include "sensor/sensor.h"

/*
 * Reads the main file and those that it names, in order; directories by name, what is missing is
 * left out. The settings hold defaults before. A further file must not name others, nor be the main
 * one.
 */
int config_files_read(struct sensor_settings *settings, const char *path, settings_warning *say,
	void *context, struct error *err);

/* The items of both lists in one that the settings own; its parts live as long as their files. */
struct yaml_node *config_nodes_join(
	struct sensor_settings *settings, const struct yaml_node *first, struct yaml_node *second);
