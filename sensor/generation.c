/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and settings as they run together. */
#include <unistd.h>

#include "base/memory.h"
#include "sensor/generation.h"

/* Of the memory for waiting events a single container may take this part. */
#define CONTAINERS_PART 8

static void prepare_format(struct generation *generation)
{
	const struct sensor_options *options = &generation->settings->options;
	char name[256] = "";

	(void)gethostname(name, sizeof(name) - 1);
	generation->hostname = string_copy(*options->hostname ? options->hostname : name);
	generation->makes_json = options->json_output || options->http_batch;
	generation->format = (struct alert_format){
		.hostname = generation->hostname,
		.uses_iso_8601 = options->time_format_iso_8601,
		.includes_output = options->json_include_output,
		.includes_message = options->json_include_message,
		.includes_fields = options->json_include_fields,
		.includes_tags = options->json_include_tags,
	};
}

static void prepare_parked(struct generation *generation, struct metrics *metrics)
{
	const struct sensor_options *options = &generation->settings->options;
	struct parked_options parked_options = {
		.limit_ms = options->metadata_timeout_ms,
		.bytes_max = options->metadata_bytes,
		.container_bytes_max = options->metadata_bytes / CONTAINERS_PART,
		.metrics = metrics,
	};

	generation->parked = parked_new(&parked_options);
}

int generation_new(struct sensor_settings *settings, struct metrics *metrics,
	struct generation **ret_generation, struct error *err)
{
	struct generation *generation = NEW(struct generation);
	int r;

	generation->settings = settings;
	r = drop_settings_parse(&settings->options, &generation->drops, err);
	if (r >= 0)
		r = sensor_load_rules(settings, &generation->files, &generation->rules, err);
	if (r >= 0)
		r = outlets_prepare(&settings->options, &generation->outlets, err);
	if (r < 0) {
		generation_free(generation);
		return r;
	}
	generation->evaluation = evaluation_new(generation->rules);
	generation->matches = NEW_ARRAY(_Atomic uint64_t, rules_count(generation->rules) + 1);
	generation->lost = NEW_ARRAY(_Atomic uint64_t, rules_count(generation->rules) + 1);
	prepare_format(generation);
	prepare_parked(generation, metrics);
	*ret_generation = generation;
	return 0;
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	parked_free(generation->parked);
	outlets_change_free(generation->outlets);
	domains_free(generation->domains);
	evaluation_free(generation->evaluation);
	rules_free(generation->rules);
	text_list_done(&generation->files);
	free((void *)generation->matches);
	free((void *)generation->lost);
	free(generation->hostname);
	if (generation->owns_settings) {
		sensor_settings_done(generation->settings);
		free(generation->settings);
	}
	free(generation);
}

void generation_set_hostname(struct generation *generation, const char *hostname)
{
	free(generation->hostname);
	generation->hostname = string_copy(hostname);
	generation->format.hostname = generation->hostname;
}

void generation_look_up(struct generation *generation)
{
	size_t count;
	const struct text *names = rules_domain_names(generation->rules, &count);

	generation->domains = domains_new(names, count);
}

/* Most rules are the same at the same place. */
static size_t place_of(const struct generation *before, const char *name, size_t expected)
{
	size_t count = rules_count(before->rules);

	for (size_t i = 0; i < count; i++) {
		size_t at = (expected + i) % count;

		if (!strcmp(rules_at(before->rules, at)->name, name))
			return at;
	}
	return count;
}

void generation_take_matches(struct generation *generation, const struct generation *before)
{
	for (size_t i = 0; i < rules_count(generation->rules); i++) {
		size_t at = place_of(before, rules_at(generation->rules, i)->name, i);

		if (at >= rules_count(before->rules))
			continue;
		generation->matches[i] = before->matches[at];
		generation->lost[i] = before->lost[at];
	}
}
