/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be right about settings.
 */
#include "base/memory.h"
#include "forwarder/check.h"
#include "forwarder/pipeline.h"

bool output_is_usable(
	const struct output *output, const void *settings, settings_warning *warn, void *context)
{
	struct error err = { 0 };

	if (!output->is_enabled(settings))
		return false;
	if (!output->check || output->check(settings, &err) == 0) {
		if (output->note && output->note(settings))
			warn(context, output->note(settings));
		return true;
	}
	error_prefix(&err, "%s is switched off", output->title);
	warn(context, err.message);
	return false;
}

static int check_output(const struct output *output, const void *settings, settings_warning *warn,
	void *context, struct error *err)
{
	enum priority minimum;

	if (!output_is_usable(output, settings, warn, context))
		return 0;
	return minimum_priority(output_key(output), settings, &minimum, err);
}

int configuration_check(const struct configuration *configuration, settings_warning *warn,
	void *context, struct error *err)
{
	_cleanup_(pipeline_freep) struct pipeline *pipeline = NULL;
	int r = pipeline_new(configuration_settings(configuration), warn, context, &pipeline, err);

	for (size_t i = 0; i < output_count && !r; i++)
		r = check_output(
			outputs[i], configuration_output(configuration, i), warn, context, err);
	configuration_answer(configuration, warn, context);
	return r;
}
