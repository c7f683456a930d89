/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what outputs make of an alert, and of an answer: the input is the JSON of an alert, and
 * also the body of an answer. $TERCEL_SOURCE/forwarder/tests/fuzz-outputs.yaml switches outputs on.
 */
#include "base/memory.h"
#include "forwarder/aws.h"
#include "forwarder/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *context, const char *message)
{
	(void)context;
	(void)message;
}

static struct configuration *load(void)
{
	const char *source = getenv("TERCEL_SOURCE");
	_cleanup_(freep) char *path =
		string_printf("%s/forwarder/tests/fuzz-outputs.yaml", source ? source : ".");
	char *arguments[] = { (char *)"fuzz", (char *)"-c", path, NULL };
	struct configuration *configuration = NULL;
	struct error err;

	if (configuration_load(3, arguments, ignore, NULL, &configuration, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
	return configuration;
}

static void compose(const struct output *output, const void *settings, struct alert *alert)
{
	struct message items[2] = { 0 };
	struct messages messages = { items, output->batch ? 2 : 1, NULL, 0 };
	struct request request;
	struct buffer raw;

	buffer_init(&raw, ALERT_MAX);
	alert_write(alert, &raw);
	for (size_t i = 0; i < COUNT_OF(items); i++)
		items[i] = (struct message){ buffer_text(&raw), alert };
	request_init(&request);
	if (output->compose)
		output->compose(&messages, settings, &request);
	request_done(&request);
	buffer_done(&raw);
}

static void judge(const struct output *output, struct text body)
{
	static const unsigned statuses[] = { 200, 202, 400 };

	for (size_t i = 0; output->verdict && i < COUNT_OF(statuses); i++) {
		struct http_answer answer = { .status = statuses[i], .retry_after_ms = -1 };

		buffer_init(&answer.body, 64 * 1024);
		buffer_add_text(&answer.body, body);
		output->verdict(&answer);
		http_answer_done(&answer);
	}
}

/* What an output asked before its alerts; of Amazon's, each of the questions. */
static void learn(const struct configuration *configuration, size_t i, struct text body)
{
	const struct output *output = outputs[i];
	const void *settings = configuration_output(configuration, i), *group = NULL;

	if (output->group)
		memcpy(&group, (const char *)settings + output->group_at, sizeof(group));
	for (int asked = 0; output->learn && asked <= 6; asked++) {
		_cleanup_(freep) char *memory = NEW_ARRAY(char, output->memory_size);
		struct http_answer answer = { .status = 200, .retry_after_ms = -1 };
		struct preparing at = { memory, settings, group, 1795514400 };
		struct error err;

		if (output->learn == aws_learn)
			((struct aws_memory *)memory)->asked = asked;
		buffer_init(&answer.body, 64 * 1024);
		buffer_add_text(&answer.body, body);
		output->learn(&at, &answer, &err);
		output->forget(memory);
		http_answer_done(&answer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct configuration *configuration;
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct text text = { (const char *)data, size };
	_cleanup_(alert_freep) struct alert *alert = NULL;

	if (!configuration)
		configuration = load();
	for (size_t i = 0; i < output_count; i++) {
		judge(outputs[i], text);
		learn(configuration, i, text);
	}
	if (json_parse(text, &root, NULL, NULL) < 0 || alert_from_json(root, &alert, NULL) < 0 ||
		alert_check(alert, NULL) < 0)
		return 0;
	for (size_t i = 0; i < output_count; i++) {
		const void *settings = configuration_output(configuration, i);

		if (outputs[i]->is_enabled(settings))
			compose(outputs[i], settings, alert);
	}
	return 0;
}
