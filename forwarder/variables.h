/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment variables of the settings: their names, and those that look like one and are none.
 */
#pragma once

#include "forwarder/settings.h"

/* "otlp.logs.team-a" -> "OTLP_LOGS_TEAM_A". free() it. */
char *variable_name(const char *key);
/*
 * A slip in a variable's name sets nothing, and nobody would know: each that begins like those of
 * an output, and nearly is one of the rows', is told through `warn` (may be NULL) with the right
 * name. What Kubernetes sets for services, and AWS's tools read, is left alone.
 */
void variables_check(const struct configuration *configuration, const struct setting *rows,
	size_t count, settings_warning *warn, void *context);
