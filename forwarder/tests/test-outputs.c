/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden requests: outputs/tests/NAME/CASE holds settings.yaml, alerts.jsonl, and request, the
 * request that must come of them, byte by byte. $TERCEL_CASES is that folder. A case without
 * alerts.jsonl takes outputs/tests/CASE.jsonl, or hostile.jsonl when its name begins so, or else
 * plain.jsonl. With $TERCEL_WRITE a request that is missing is written, to be read with care.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "forwarder/counters.h"
#include "forwarder/settings.h"
#include "tests/test.h"

#define FILE_MAX_BYTES (4 << 20)

static void ignore(void *context, const char *message)
{
	(void)context;
	test_failures++;
	printf("# %s\n", message);
}

static struct text read_whole(const char *folder, const char *name)
{
	_cleanup_(freep) char *path = string_printf("%s/%s", folder, name);
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	char *data = NEW_ARRAY(char, FILE_MAX_BYTES);

	if (!file) {
		test_failures++;
		printf("# %s is missing\n", path);
		return (struct text){ data, 0 };
	}
	return (struct text){ data, fread(data, 1, FILE_MAX_BYTES, file) };
}

static void write_whole(const char *folder, const char *name, struct text text)
{
	_cleanup_(freep) char *path = string_printf("%s/%s", folder, name);
	_cleanup_(fclosep) FILE *file = fopen(path, "wex");

	if (file)
		fwrite(text.data, 1, text.length, file);
}

/* The case's own alerts, or those that many cases share. */
static struct text read_alerts(const char *folder)
{
	_cleanup_(freep) char *own = string_printf("%s/alerts.jsonl", folder);
	const char *name = strrchr(folder, '/') + 1;
	_cleanup_(freep) char *shared = string_printf("%s.jsonl", name);
	_cleanup_(freep) char *path = string_printf("%s/%s", getenv("TERCEL_CASES"), shared);

	if (!access(own, R_OK))
		return read_whole(folder, "alerts.jsonl");
	if (!access(path, R_OK))
		return read_whole(getenv("TERCEL_CASES"), shared);
	return read_whole(getenv("TERCEL_CASES"),
		strncmp(name, "hostile", 7) ? "plain.jsonl" : "hostile.jsonl");
}

static struct alert *parse(struct text line)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct alert *alert = NULL;
	struct error err = { 0 };

	if (json_parse(line, &root, NULL, &err) < 0 || alert_from_json(root, &alert, &err) < 0)
		ignore(NULL, err.message);
	return alert;
}

/* A line as the journal would hold it. */
static char *raw_of(struct text line)
{
	_cleanup_(alert_freep) struct alert *alert = parse(line);
	struct buffer raw;

	buffer_init(&raw, ALERT_MAX);
	if (alert)
		alert_write(alert, &raw);
	return buffer_take(&raw);
}

#define LITERAL(text)                  \
	{                              \
		text, sizeof(text) - 1 \
	}

/* What those tell who send counters. */
static struct counter counter_items[] = {
	{ LITERAL("falcosecurity_falcosidekick_falco_events_total"),
		LITERAL("hostname=\"a \\\"b\\\",c\",rule=\"x|y:1@#\\n\",priority=\"4\","
			"priority_raw=\"warning\",source=\"syscalls\""),
		9223372036854775807, 3 },
	{ LITERAL("falcosecurity_falcosidekick_inputs_total"),
		LITERAL("source=\"requests\",status=\"accepted\""), 7, 7 },
	{ LITERAL("falcosecurity_falcosidekick_inputs_total"),
		LITERAL("source=\"requests\",status=\"rejected\""), 5, 0 },
	{ LITERAL("falcosecurity_falcosidekick_outputs_total"),
		LITERAL("destination=\"slack.team|a\",status=\"ok\""), 2, 1 },
	{ LITERAL("tercel_forwarder_refused_total"), LITERAL(""), 1, 1 },
};
static const struct counters counted = { .items = counter_items,
	.count = COUNT_OF(counter_items),
	.start_ns = 1622308709082520347,
	.now_ns = 1622308719082520347 };

static void compose(
	const struct output *output, const void *settings, struct text lines, struct buffer *out)
{
	static const char *const titles[] = { "WebUI", "Webhook" };
	struct message items[16] = { 0 };
	struct messages messages = { items, 0, titles, COUNT_OF(titles) };
	struct request request;
	struct text line;

	while (text_split(&lines, '\n', &line))
		if (line.length)
			items[messages.count++].raw = text_of(raw_of(line));
	request_init(&request);
	if (output->tell)
		output->tell(&counted, settings, &request);
	for (size_t i = 0; output->reads_alerts && i < messages.count; i++)
		items[i].alert = parse(items[i].raw);
	if (output->compose)
		output->compose(&messages, settings, &request);
	request_write(&request, out);
	request_done(&request);
	for (size_t i = 0; i < messages.count; i++) {
		alert_free((struct alert *)items[i].alert);
		free((char *)items[i].raw.data);
	}
}

static void run_case(size_t i, const char *folder)
{
	_cleanup_(configuration_freep) struct configuration *configuration = NULL;
	_cleanup_(freep) char *file = string_printf("%s/settings.yaml", folder);
	char *arguments[] = { "test", "-c", file, NULL };
	struct text lines, want;
	struct error err = { 0 };
	struct buffer got;

	if (configuration_load(3, arguments, ignore, NULL, &configuration, &err) < 0) {
		ignore(NULL, err.message);
		return;
	}
	CHECK(outputs[i]->is_enabled(configuration_output(configuration, i)));
	lines = read_alerts(folder);
	buffer_init(&got, FILE_MAX_BYTES);
	compose(outputs[i], configuration_output(configuration, i), lines, &got);
	if (getenv("TERCEL_WRITE"))
		write_whole(folder, "request", buffer_text(&got));
	want = read_whole(folder, "request");
	if (!text_equal(buffer_text(&got), want)) {
		test_failures++;
		printf("# %s: the request is\n%s# where it should be\n" TEXT_FORMAT, folder,
			got.data, TEXT_PRINT(want));
	}
	free((char *)lines.data);
	free((char *)want.data);
	buffer_done(&got);
}

static int run_cases(size_t i)
{
	_cleanup_(freep) char *folder =
		string_printf("%s/%s", getenv("TERCEL_CASES"), outputs[i]->name);
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort), cases = 0;

	for (int j = 0; j < count; j++) {
		_cleanup_(freep) char *one = string_printf("%s/%s", folder, names[j]->d_name);

		if (names[j]->d_name[0] != '.') {
			run_case(i, one);
			cases++;
		}
		free(names[j]);
	}
	if (count >= 0)
		free(names);
	return cases;
}

TEST(every_output_makes_its_golden_requests)
{
	if (!getenv("TERCEL_CASES"))
		SKIP("TERCEL_CASES is not set");
	for (size_t i = 0; i < output_count; i++) {
		int cases = run_cases(i);

		printf("# %s: %d cases\n", outputs[i]->name, cases);
		CHECK(cases > 0);
	}
}

TEST(an_address_that_is_no_url_is_refused_with_the_key)
{
	static const char *const wrong[] = { "", "receiver", "ftp://a", "http://", "http:///x",
		"http://:80", "http://a b", "file:///etc/passwd" };
	struct error err;

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		CHECK_NUMBER(check_url("webhook.address", wrong[i], &err), -EINVAL);
		CHECK(strstr(err.message, "webhook.address") != NULL);
	}
	CHECK_NUMBER(check_url("x", "http://a", &err), 0);
	CHECK_NUMBER(check_url("x", "https://[::1]:8080/a?b", &err), 0);
}

TEST(an_answer_means_what_architecture_8_says)
{
	static const struct {
		unsigned status;
		int error;
		enum verdict verdict;
	} cases[] = {
		{ 200, 0, VERDICT_SENT },
		{ 204, 0, VERDICT_SENT },
		{ 302, 0, VERDICT_OUTPUT_REFUSED },
		{ 400, 0, VERDICT_ALERT_REFUSED },
		{ 401, 0, VERDICT_OUTPUT_REFUSED },
		{ 403, 0, VERDICT_OUTPUT_REFUSED },
		{ 404, 0, VERDICT_OUTPUT_REFUSED },
		{ 407, 0, VERDICT_OUTPUT_REFUSED },
		{ 408, 0, VERDICT_LATER },
		{ 409, 0, VERDICT_LATER },
		{ 413, 0, VERDICT_ALERT_REFUSED },
		{ 422, 0, VERDICT_ALERT_REFUSED },
		{ 425, 0, VERDICT_LATER },
		{ 429, 0, VERDICT_LATER },
		{ 500, 0, VERDICT_LATER },
		{ 503, 0, VERDICT_LATER },
		{ 0, -ETIMEDOUT, VERDICT_LATER },
		{ 0, -EIO, VERDICT_LATER },
		{ 0, -ECONNREFUSED, VERDICT_OUTPUT_REFUSED },
		{ 0, -EHOSTUNREACH, VERDICT_OUTPUT_REFUSED },
		{ 0, -EPROTO, VERDICT_OUTPUT_REFUSED },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_answer answer = { .status = cases[i].status, .error = cases[i].error };

		CHECK_NUMBER(verdict_of_answer(&answer), cases[i].verdict);
	}
}

static const struct output *output_named(const char *name)
{
	for (size_t i = 0; i < output_count; i++)
		if (!strcmp(outputs[i]->name, name))
			return outputs[i];
	return NULL;
}

static void check_verdict(const char *name, unsigned status, const char *body, enum verdict verdict)
{
	struct http_answer answer = { .status = status };

	buffer_init(&answer.body, 64 * 1024);
	buffer_add_string(&answer.body, body);
	if (output_named(name)->verdict(&answer) != verdict) {
		test_failures++;
		printf("# %s does not take %u %s for verdict %d\n", name, status, body, verdict);
	}
	http_answer_done(&answer);
}

TEST(pagerduty_takes_events_with_202_alone_and_a_wrong_key_loses_none)
{
	check_verdict("pagerduty", 202, "{\"status\":\"success\"}", VERDICT_SENT);
	check_verdict("pagerduty", 200, "<html>", VERDICT_OUTPUT_REFUSED);
	check_verdict("pagerduty", 400,
		"{\"status\":\"invalid event\",\"errors\":[\"'payload.summary' is missing\"]}",
		VERDICT_ALERT_REFUSED);
	check_verdict("pagerduty", 400,
		"{\"errors\":[\"Length of 'routing_key' is incorrect (should be 32)\"]}",
		VERDICT_OUTPUT_REFUSED);
	check_verdict(
		"pagerduty", 400, "{\"message\":\"Invalid Routing Key\"}", VERDICT_OUTPUT_REFUSED);
	check_verdict("pagerduty", 429, "", VERDICT_LATER);
}

TEST(a_bulk_is_as_good_as_the_worst_of_its_items)
{
#define ITEM(status) "{\"create\":{\"status\":" status "}}"
#define BULK(items)  "{\"errors\":true,\"items\":[" items "]}"
	const char *name = "elasticsearch";

	check_verdict(name, 200, "{\"errors\":false,\"items\":[" ITEM("201") "]}", VERDICT_SENT);
	check_verdict(name, 201, "{\"result\":\"created\"}", VERDICT_SENT);
	/* It was there already: the first answer was lost. */
	check_verdict(name, 200, BULK(ITEM("201") "," ITEM("409")), VERDICT_SENT);
	check_verdict(name, 200, BULK(ITEM("201") "," ITEM("400")), VERDICT_ALERT_REFUSED);
	check_verdict(name, 200, BULK(ITEM("429") "," ITEM("400")), VERDICT_LATER);
	check_verdict(name, 200, BULK(ITEM("429") "," ITEM("403")), VERDICT_OUTPUT_REFUSED);
	check_verdict(name, 200, "{\"errors\":true,\"items\":null}", VERDICT_ALERT_REFUSED);
	check_verdict(name, 200, BULK("1,[],null," ITEM("201")), VERDICT_SENT);
	check_verdict(name, 503, "", VERDICT_LATER);
}

TEST(a_partial_success_of_otlp_is_no_success)
{
	check_verdict("otlplogs", 200, "{\"partialSuccess\":{}}", VERDICT_SENT);
	check_verdict("otlplogs", 200, "{}", VERDICT_SENT);
	check_verdict("otlplogs", 200, "{\"partialSuccess\":{\"rejectedLogRecords\":\"2\"}}",
		VERDICT_ALERT_REFUSED);
	check_verdict("otlplogs", 200, "{\"partialSuccess\":{\"rejectedLogRecords\":2}}",
		VERDICT_ALERT_REFUSED);
	check_verdict("otlplogs", 503, "", VERDICT_LATER);
}

TEST(a_chat_that_telegram_does_not_know_loses_no_alert)
{
	check_verdict("telegram", 400,
		"{\"ok\":false,\"description\":\"Bad Request: chat not found\"}",
		VERDICT_OUTPUT_REFUSED);
	check_verdict("telegram", 400,
		"{\"ok\":false,\"description\":\"Bad Request: can't parse entities\"}",
		VERDICT_ALERT_REFUSED);
	check_verdict("telegram", 200, "{\"ok\":true}", VERDICT_SENT);
}

static void check_trace(const char *fields, const char *want)
{
	_cleanup_(freep) char *line = string_printf(
		"{\"output\":\"o\",\"priority\":\"Debug\",\"rule\":\"r\",\"source\":\"syscall\",\"time\":"
		"\"2001-01-01T01:10:00Z\",\"output_fields\":{%s}}",
		fields);
	_cleanup_(freep) char *wanted = string_printf("\"traceId\":\"%s\"", want ? want : "");
	_cleanup_(alert_freep) struct alert *alert = parse(text_of(line));
	const struct output *output = output_named("otlptraces");
	_cleanup_(freep) char *settings = NEW_ARRAY(char, output->settings_size);
	struct message message = { text_of(line), alert };
	struct messages messages = { &message, 1, NULL, 0 };
	struct request request;

	CHECK(output->takes(alert) == (want != NULL));
	request_init(&request);
	output->compose(&messages, settings, &request);
	CHECK(!want || strstr(request.body.data, wanted));
	request_done(&request);
}

/* spec/forwarder.md 4.4 gives them as Falcosidekick computes them. */
TEST(traces_have_the_published_ids_and_alerts_about_nothing_have_none)
{
	check_trace(
		"\"k8s.ns.name\":\"my-ns\",\"k8s.pod.name\":\"my-pod-name\",\"container.id\":\"42\"",
		"087e7ab4196a3c4801e3c23bc1406163");
	check_trace("\"container.id\":\"42\"", "088094c785ab1be95aa073305569c06b");
	check_trace("\"container.id\":\"host\",\"evt.hostname\":\"localhost\"",
		"b96c8fbfe005d268653aef8210412f0a");
	check_trace("\"container.id\":\"host\"", NULL);
}

static enum verdict grpc_verdict(int status, const char *body, size_t length)
{
	struct http_answer answer = { .status = 200, .grpc_status = status };
	enum verdict verdict;

	snprintf(answer.content_type, sizeof(answer.content_type), "application/grpc+proto");
	buffer_init(&answer.body, 1024);
	buffer_add(&answer.body, body, length);
	verdict = output_named("otlplogs")->verdict(&answer);
	http_answer_done(&answer);
	return verdict;
}

TEST(a_status_of_grpc_is_a_verdict)
{
	static const char partial[] = "\0\0\0\0\4\x0a\2\x08\1";

	CHECK_NUMBER(grpc_verdict(0, "\0\0\0\0\0", 5), VERDICT_SENT);
	CHECK_NUMBER(grpc_verdict(0, partial, sizeof(partial) - 1), VERDICT_ALERT_REFUSED);
	CHECK_NUMBER(grpc_verdict(0, "junk that is no message", 23), VERDICT_SENT);
	CHECK_NUMBER(grpc_verdict(-1, "", 0), VERDICT_LATER);
	CHECK_NUMBER(grpc_verdict(3, "", 0), VERDICT_ALERT_REFUSED);
	CHECK_NUMBER(grpc_verdict(14, "", 0), VERDICT_LATER);
	CHECK_NUMBER(grpc_verdict(16, "", 0), VERDICT_OUTPUT_REFUSED);
	CHECK_NUMBER(grpc_verdict(999, "", 0), VERDICT_LATER);
}
