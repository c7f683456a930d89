/* SPDX-License-Identifier: Apache-2.0 */
/* Loading of rules as the sensor does it, without its settings. */
#include <errno.h>

#include "base/log.h"
#include "base/memory.h"
#include "sensor/config-files.h"
#include "sensor/sensor.h"
#include "sensor/sources/recording.h"
#include "tercel/rules.h"

static int load_file(struct rules_loader *loader, const char *path, struct error *err)
{
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	struct buffer text;
	int r = rules_loader_add_file(loader, path, &result, err);

	if (r < 0 || !result->error_count)
		return r;
	buffer_init(&text, ERROR_MESSAGE_MAX);
	load_result_print(result, &text);
	error_set(err, -EINVAL, TEXT_FORMAT, TEXT_PRINT(text_trim(buffer_text(&text))));
	buffer_done(&text);
	return -EINVAL;
}

static void log_words(void *context, const char *message)
{
	log_warning("%s", message);
}

int load_additions(const char *path, struct additions **ret_additions, struct error *err)
{
	struct sensor_settings settings;
	int r;

	sensor_settings_init(&settings);
	r = path ? config_files_read(&settings, path, log_words, NULL, err) : 0;
	if (r >= 0 && path)
		r = sensor_take_additions(&settings, err);
	if (r >= 0)
		*ret_additions = TAKE(settings.additions);
	sensor_settings_done(&settings);
	return r;
}

int load_rules(const struct text_list *paths, const struct additions *additions,
	struct rules_loader **ret_loader, struct rules **ret_rules, struct error *err)
{
	const struct rules_options options = { .minimum_priority = PRIORITY_DEBUG,
		.matches_all = true,
		.keeps_conditions = true,
		.additions = additions };
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&options);
	struct sensor_settings settings = { .options.rules_files = *paths };
	struct text_list files = {};
	int r = sensor_rules_files(&settings, &files, err);

	for (size_t i = 0; i < files.count && r >= 0; i++)
		r = load_file(loader, files.items[i], err);
	text_list_done(&files);
	if (r >= 0)
		r = rules_compile(loader, ret_rules, err);
	if (r >= 0)
		*ret_loader = TAKE(loader);
	return r;
}

int open_recording(
	const char *path, const struct rules *rules, struct source **ret_source, struct error *err)
{
	struct event_set wanted;
	int r = record_source_new(path, ret_source, err);

	rules_events(rules, &wanted);
	return r < 0 ? r : (*ret_source)->operations->want(*ret_source, &wanted, err);
}
