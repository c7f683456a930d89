/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be right about settings.
 */
#include "base/memory.h"
#include "forwarder/check.h"
#include "alert/match.h"
#include "forwarder/pipeline.h"

bool output_is_usable(const struct instance *instance, settings_warning *warn, void *context)
{
	const struct output *output = instance->output;
	const void *settings = instance->settings;
	struct error err = { 0 };

	if (!output->is_enabled(settings))
		return false;
	if (!output->check || output->check(settings, &err) == 0) {
		if (output->note && output->note(settings))
			warn(context, output->note(settings));
		return true;
	}
	error_prefix(&err, "%s is switched off", instance->title);
	warn(context, err.message);
	return false;
}

static int check_match(const struct instance *instance, struct error *err)
{
	const struct output_settings *settings = instance->settings;
	_cleanup_(match_freep) struct match *match = NULL;
	int r;

	if (!is_set(settings->match))
		return 0;
	r = match_new(text_of(settings->match), &match, err);
	return r < 0 ? error_prefix(err, "%s.match", instance->key) : 0;
}

static int check_instance(
	const struct instance *instance, settings_warning *warn, void *context, struct error *err)
{
	enum priority minimum;
	int r;

	if (!output_is_usable(instance, warn, context))
		return 0;
	r = minimum_priority(instance->key, instance->settings, &minimum, err);
	return r < 0 ? r : check_match(instance, err);
}

int configuration_check(const struct configuration *configuration, settings_warning *warn,
	void *context, struct error *err)
{
	_cleanup_(pipeline_freep) struct pipeline *pipeline = NULL;
	int r = pipeline_new(configuration_settings(configuration), warn, context, &pipeline, err);

	for (size_t i = 0; i < configuration_count(configuration) && !r; i++)
		r = check_instance(configuration_instance(configuration, i), warn, context, err);
	configuration_answer(configuration, warn, context);
	return r;
}
