/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules for the commands that look at them: test, explain.
 */
#pragma once

#include "base/settings.h"
#include "sensor/rules/additions.h"
#include "sensor/rules/rules.h"
#include "sensor/sources/source.h"

/*
 * Loads files and folders in order; without any those that we ship. Warnings are not told (tercel
 * check does); the first file that is wrong is an error in Falco's form. The loader has what the
 * rules were made of (definitions.h); both are the caller's and point to `additions`.
 */
int load_rules(const struct text_list *paths, const struct additions *additions,
	struct rules_loader **ret_loader, struct rules **ret_rules, struct error *err);
/* static_fields and append_output of a settings file; nothing without one. The caller frees. */
int load_additions(const char *path, struct additions **ret_additions, struct error *err);

/* A recording, with the events switched on that the rules need. */
int open_recording(
	const char *path, const struct rules *rules, struct source **ret_source, struct error *err);
