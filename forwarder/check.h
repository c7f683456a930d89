/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be right about settings before the forwarder can work with them; for its start and for
 * `tercel check`.
 */
#pragma once

#include "forwarder/settings.h"

/* Switched on, and not so wrong that it is switched off again, which `warn` is told. */
bool output_is_usable(const struct instance *instance, settings_warning *warn, void *context);
/*
 * Looks at all that configuration_load() does not: templates, variables, addresses, priorities,
 * conditions, outputs that are not here. 0 when the forwarder would start.
 */
int configuration_check(const struct configuration *configuration, settings_warning *warn,
	void *context, struct error *err);
