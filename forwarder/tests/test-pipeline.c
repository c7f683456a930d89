/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline's cases: a file each in tests/pipeline ($TERCEL_CASES), with sections "== settings"
 * (YAML), "== alert" (one as it arrives, from a verified sender), and then "== event" (the JSON
 * that goes into the journal) or "== error" (part of why it is refused).
 */
#include <dirent.h>
#include <errno.h>

#include "base/memory.h"
#include "forwarder/pipeline.h"
#include "tests/test.h"

#define FILE_MAX_BYTES (1 << 20)

static void fail(void *context, const char *message)
{
	(void)context;
	test_failures++;
	printf("# %s\n", message);
}

/* The lines below "== NAME". NULL data when there is no such section. */
static struct text section(struct text file, const char *name)
{
	_cleanup_(freep) char *head = string_printf("== %s\n", name);
	ptrdiff_t at = text_find(file, text_of(head)), end;
	struct text rest;

	if (at < 0)
		return (struct text){ 0 };
	rest = text_slice(file, (size_t)at + strlen(head), file.length);
	end = text_find(rest, TEXT("\n== "));
	return text_trim(end < 0 ? rest : text_slice(rest, 0, (size_t)end));
}

static struct configuration *configure(struct text yaml)
{
	char path[] = "/tmp/test-pipeline-XXXXXX";
	char *arguments[] = { "test", "-c", path, NULL };
	struct configuration *configuration = NULL;
	struct error err = { 0 };
	int fd = mkstemp(path);

	CHECK(write(fd, yaml.data, yaml.length) == (ssize_t)yaml.length);
	close(fd);
	if (configuration_load(3, arguments, fail, NULL, &configuration, &err) < 0)
		fail(NULL, err.message);
	unlink(path);
	return configuration;
}

static void check_result(const char *name, struct text file, int r, const struct buffer *got,
	const struct error *err)
{
	struct text event = section(file, "event"), error = section(file, "error");
	_cleanup_(freep) char *want = text_to_string(event.data ? event : error);

	printf("# %s\n", name);
	if (event.data) {
		CHECK_NUMBER(r, 0);
		CHECK_TEXT(r < 0 ? err->message : got->data, want);
	} else {
		CHECK(r < 0);
		CHECK(r >= 0 || strstr(err->message, want) != NULL);
		if (r < 0 && !strstr(err->message, want))
			fail(NULL, err->message);
	}
}

static void run_case(const char *name, struct text file)
{
	_cleanup_(configuration_freep) struct configuration *configuration =
		configure(section(file, "settings"));
	_cleanup_(pipeline_freep) struct pipeline *pipeline = NULL;
	_cleanup_(json_putp) struct json_object *root = NULL;
	_cleanup_(alert_freep) struct alert *alert = NULL;
	struct error err = { 0 };
	struct buffer out;
	int r;

	buffer_init(&out, FILE_MAX_BYTES);
	r = configuration ? pipeline_new(configuration_settings(configuration), NULL, NULL,
				    &pipeline, &err)
			  : -EINVAL;
	if (!r)
		r = json_parse(section(file, "alert"), &root, NULL, &err);
	if (!r)
		r = alert_from_json(root, &alert, &err);
	if (!r) {
		alert->verified = VERIFIED_TOKEN;
		r = pipeline_run(pipeline, alert, &out, &err);
	}
	check_result(name, file, r, &out, &err);
	buffer_done(&out);
}

static void run_file(const char *folder, const char *name)
{
	_cleanup_(freep) char *path = string_printf("%s/%s", folder, name);
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	_cleanup_(freep) char *data = NEW_ARRAY(char, FILE_MAX_BYTES);

	CHECK(file != NULL);
	if (file)
		run_case(name, (struct text){ data, fread(data, 1, FILE_MAX_BYTES, file) });
}

TEST(every_case_of_the_pipeline_gives_its_event)
{
	const char *folder = getenv("TERCEL_CASES");
	struct dirent **names;
	int count, cases = 0;

	if (!folder)
		SKIP("TERCEL_CASES is not set");
	setenv("TERCEL_TEST_ZONE", "eu-1", 1);
	unsetenv("TERCEL_TEST_MISSING");
	count = scandir(folder, &names, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (text_ends_with(text_of(names[i]->d_name), TEXT(".case"))) {
			run_file(folder, names[i]->d_name);
			cases++;
		}
		free(names[i]);
	}
	CHECK(cases > 10);
	if (count >= 0)
		free(names);
}

static struct alert *small_alert(void)
{
	struct alert *alert = alert_new();

	alert->output = string_copy("x");
	alert->rule = string_copy("r");
	alert->priority = PRIORITY_ERROR;
	alert->time_ns = 1;
	alert->fields = json_object_new_object();
	json_object_object_add(alert->fields, "a", json_object_new_string("b"));
	snprintf(alert->uuid, sizeof(alert->uuid), "6ba7b810-9dad-41d1-80b4-00c04fd430c8");
	return alert;
}

TEST(a_stranger_cannot_choose_the_uuid)
{
	_cleanup_(configuration_freep) struct configuration *configuration = configure(TEXT(""));
	_cleanup_(pipeline_freep) struct pipeline *pipeline = NULL;
	struct alert *alert = small_alert();
	struct buffer out;
	struct error err;

	buffer_init(&out, ALERT_MAX);
	CHECK_NUMBER(
		pipeline_new(configuration_settings(configuration), NULL, NULL, &pipeline, &err),
		0);
	CHECK_NUMBER(pipeline_run(pipeline, alert, &out, &err), 0);
	CHECK(uuid_is_valid(text_of(alert->uuid)));
	CHECK(strcmp(alert->uuid, "6ba7b810-9dad-41d1-80b4-00c04fd430c8") != 0);
	CHECK(!strstr(out.data, "verified"));
	buffer_done(&out);
	alert_free(alert);
}

static int warned;

static void count_warning(void *context, const char *message)
{
	warned += strstr(message, "TERCEL_TEST_MISSING") != NULL;
}

TEST(a_variable_that_is_missing_is_said_once_and_its_field_left_out)
{
	_cleanup_(configuration_freep) struct configuration *configuration =
		configure(TEXT("customfields: {zone: '%TERCEL_TEST_MISSING'}\n"));
	_cleanup_(pipeline_freep) struct pipeline *pipeline = NULL;
	struct error err;

	unsetenv("TERCEL_TEST_MISSING");
	CHECK_NUMBER(pipeline_new(configuration_settings(configuration), count_warning, NULL,
			     &pipeline, &err),
		0);
	CHECK_NUMBER(warned, 1);
	CHECK_NUMBER(pipeline_custom_fields(pipeline)->count, 0);
}
