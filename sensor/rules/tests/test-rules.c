/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules as a whole: the official files, both views of a path, what alerts look like.
 */
#include <errno.h>
#include <json-c/linkhash.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "sensor/rules/additions.h"
#include "sensor/rules/given.h"
#include "sensor/rules/rules.h"
#include "tests/test.h"

static const struct rules_options plain = { .minimum_priority = PRIORITY_DEBUG };

/* Falco's default of append_output. */
static const struct additions *suggestions(void)
{
	static struct addition item = { .suggests = true };
	static const struct additions all = { .items = &item, .count = 1 };

	return &all;
}

/* Loads one text and compiles it; a failure shows. */
static struct rules *rules_of(const struct rules_options *options, const char *text)
{
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(options);
	_cleanup_(load_result_freep) struct load_result *result =
		rules_loader_add(loader, "test.yaml", text_of(text));
	struct rules *rules = NULL;
	struct error err = { 0 };

	CHECK_TEXT(result->error_count ? result->errors[0].message : NULL, NULL);
	CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
	return rules;
}

/* The name of the first matching rule; "none". */
static const char *match(const struct rules *rules, struct event *event)
{
	struct evaluation *evaluation = evaluation_new(rules);
	const struct rule *rule = NULL;
	enum truth truth = rules_match(rules, evaluation, event, 0, &rule);

	evaluation_free(evaluation);
	return truth == IS_FALSE ? "none" : rule->name;
}

static char *shared_path(const char *path)
{
	const char *shared = getenv("TERCEL_SHARED"), *source = getenv("TERCEL_SOURCE");

	if (shared)
		return string_printf("%s/%s", shared, path);
	return string_printf("%s/../shared/%s", source ? source : ".", path);
}

static void check_loads_clean(struct rules_loader *loader, const char *name)
{
	_cleanup_(freep) char *relative = string_printf("data/rules/%s", name);
	_cleanup_(freep) char *path = shared_path(relative);
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	struct error err = { 0 };

	CHECK_NUMBER(rules_loader_add_file(loader, path, &result, &err), 0);
	CHECK_TEXT(err.message, "");
	if (!result)
		return;
	CHECK_TEXT(result->error_count ? result->errors[0].message : NULL, NULL);
	CHECK_TEXT(result->warning_count ? result->warnings[0].message : NULL, NULL);
}

static bool has_shared(void)
{
	_cleanup_(freep) char *path = shared_path("data/rules/falco_rules.yaml");

	return access(path, R_OK) == 0;
}

static const char *const official[] = { "falco_rules.yaml", "falco-incubating_rules.yaml",
	"falco-sandbox_rules.yaml" };
static const size_t official_counts[] = { 25, 31, 37 };

TEST(the_official_files_load_alone_without_a_word)
{
	if (!has_shared())
		SKIP("the official rules are not beside this checkout");
	for (size_t i = 0; i < COUNT_OF(official); i++) {
		_cleanup_(rules_loader_freep) struct rules_loader *loader =
			rules_loader_new(&plain);
		_cleanup_(rules_freep) struct rules *rules = NULL;
		struct error err = { 0 };

		check_loads_clean(loader, official[i]);
		CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
		CHECK_NUMBER(rules_count(rules), official_counts[i]);
	}
}

TEST(the_official_files_load_together_without_a_word)
{
	struct rules_options options = plain;
	_cleanup_(rules_loader_freep) struct rules_loader *loader = NULL;
	_cleanup_(rules_freep) struct rules *rules = NULL;
	struct error err = { 0 };
	size_t enabled = 0;

	if (!has_shared())
		SKIP("the official rules are not beside this checkout");
	options.additions = suggestions();
	loader = rules_loader_new(&options);
	for (size_t i = 0; i < COUNT_OF(official); i++)
		check_loads_clean(loader, official[i]);
	CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
	CHECK_NUMBER(rules_count(rules), 93);
	for (size_t i = 0; i < rules_count(rules); i++)
		enabled += rules_at(rules, i)->is_enabled;
	CHECK_NUMBER(enabled, 81);
}

/* Without the caret's line, and with libyaml's words where Falco has yaml-cpp's. */
static char *comparable(struct text text)
{
	struct buffer out;
	struct text line;
	bool is_schema = false;

	buffer_init(&out, 1 << 20);
	while (text.length && text_split(&text, '\n', &line)) {
		struct text trimmed = text_trim(line);

		/* Schema warnings come with the settings' schema; they end at a blank line. */
		is_schema = is_schema ? trimmed.length > 0
				      : text_ends_with(line, TEXT("Schema warnings:"));
		if (is_schema || !trimmed.length || text_is(trimmed, "^"))
			continue;
		if (text_starts_with(line, TEXT("LOAD_ERR_YAML_PARSE")))
			line = TEXT("LOAD_ERR_YAML_PARSE");
		buffer_printf(&out, TEXT_FORMAT "\n", TEXT_PRINT(line));
	}
	return buffer_take(&out);
}

/* What Falco printed for one file: behind the file's listing, up to where stderr repeats it. */
static struct text falco_answer(struct text samples, const char *name)
{
	_cleanup_(freep) char *head = string_printf("##### falco -V %s\n", name);
	ptrdiff_t start = text_find(samples, text_of(head)), end;
	struct text answer, line;

	if (start < 0)
		return (struct text){ 0 };
	answer = text_slice(samples, (size_t)start + strlen(head), samples.length);
	end = text_find(answer, TEXT("\n#####"));
	answer.length = end < 0 ? answer.length : (size_t)end;
	while (text_starts_with(answer, TEXT("    | ")))
		text_split(&answer, '\n', &line);
	if (text_starts_with(answer, TEXT("LOG ")))
		answer = text_slice(answer, 4, answer.length);
	end = text_find(answer, TEXT("\nError: "));
	if (end < 0)
		end = text_find(answer, TEXT("\n[exit="));
	return text_slice(answer, 0, end < 0 ? answer.length : (size_t)end);
}

static struct text read_shared(const char *name, char *data, size_t size)
{
	_cleanup_(freep) char *path = shared_path(name);
	_cleanup_(fclosep) FILE *file = fopen(path, "r");

	return (struct text){ data, file ? fread(data, 1, size, file) : 0 };
}

static void check_like_falco(struct text samples, const char *name)
{
	_cleanup_(freep) char *relative = string_printf("data/samples/broken/%s", name);
	_cleanup_(freep) char *data = memory_new(64 << 10, 1);
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&plain);
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	_cleanup_(freep) char *want = comparable(falco_answer(samples, name));
	_cleanup_(freep) char *got = NULL;
	struct buffer out;

	result = rules_loader_add(loader, name, read_shared(relative, data, 64 << 10));
	buffer_init(&out, 1 << 20);
	load_result_print(result, &out);
	got = comparable(buffer_text(&out));
	buffer_done(&out);
	/* The log line of a file with warnings is followed by the status line again. */
	if (result->warning_count && !result->error_count && strstr(want + 1, name))
		want[strlen(got)] = '\0';
	CHECK(*want);
	CHECK_TEXT(got, want);
}

TEST(broken_files_are_told_in_falcos_words_and_places)
{
	static const char *const names[] = { "b1_badfield.yaml", "b2_syntax.yaml",
		"b3_undefmacro.yaml", "b4_yaml.yaml", "b5_badprio_missing.yaml",
		"b6_badoutput.yaml", "b7_warns.yaml", "b8_engine.yaml", "b9_exceptions.yaml",
		"b10_enter.yaml", "ok.yaml" };
	_cleanup_(freep) char *data = memory_new(1 << 20, 1);
	struct text samples = read_shared("data/samples/falco-validate.txt", data, 1 << 20);

	if (!samples.length)
		SKIP("Falco's samples are not beside this checkout");
	for (size_t i = 0; i < COUNT_OF(names); i++)
		check_like_falco(samples, names[i]);
}

static struct json_object *falco_json(struct text samples, const char *name)
{
	_cleanup_(freep) char *head =
		string_printf("##### falco -o json_output=true -V %s\n", name);
	ptrdiff_t start = text_find(samples, text_of(head));
	struct json_object *object = NULL;
	struct text rest, line;

	if (start < 0)
		return NULL;
	rest = text_slice(samples, (size_t)start, samples.length);
	while (text_split(&rest, '\n', &line))
		if (text_starts_with(line, TEXT("{\"falco_load_results\""))) {
			(void)json_parse(line, &object, NULL, NULL);
			break;
		}
	return object;
}

/* Everything but the words of a warning's code, the snippet's caret and the schema. */
static void check_issue_json(struct json_object *got, struct json_object *want)
{
	static const char *const keys[] = { "code", "message", "deprecated_field" };
	struct json_object *places = json_get(json_get(got, "context"), "locations");
	struct json_object *wanted = json_get(json_get(want, "context"), "locations");

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (strcmp(json_get_text(want, "code").data, "LOAD_ERR_YAML_PARSE") || i == 0)
			CHECK_TEXT(json_get_text(got, keys[i]).data,
				json_get_text(want, keys[i]).data);
	CHECK_TEXT(json_object_to_json_string_ext(places, JSON_C_TO_STRING_PLAIN),
		json_object_to_json_string_ext(wanted, JSON_C_TO_STRING_PLAIN));
}

static void check_json_like_falco(struct text samples, const char *name)
{
	_cleanup_(freep) char *relative = string_printf("data/samples/broken/%s", name);
	_cleanup_(freep) char *data = memory_new(64 << 10, 1);
	_cleanup_(json_putp) struct json_object *want = falco_json(samples, name), *got = NULL;
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&plain);
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	struct json_object *first;
	struct json_writer json;
	struct buffer out;

	result = rules_loader_add(loader, name, read_shared(relative, data, 64 << 10));
	buffer_init(&out, 1 << 20);
	json_writer_init(&json, &out);
	load_result_json(result, &json);
	CHECK_NUMBER(json_parse(buffer_text(&out), &got, NULL, NULL), 0);
	buffer_done(&out);
	first = json_object_array_get_idx(json_get(want, "falco_load_results"), 0);
	CHECK(first);
	CHECK_TEXT(json_get_text(got, "name").data, name);
	for (int i = 0; i < 2; i++) {
		const char *kind = i ? "warnings" : "errors";
		struct json_object *mine = json_get(got, kind), *theirs = json_get(first, kind);

		CHECK_NUMBER(json_object_array_length(mine), json_object_array_length(theirs));
		for (size_t j = 0; j < json_object_array_length(theirs); j++)
			check_issue_json(json_object_array_get_idx(mine, j),
				json_object_array_get_idx(theirs, j));
	}
}

TEST(results_as_json_have_falcos_codes_messages_and_places)
{
	static const char *const names[] = { "b1_badfield.yaml", "b2_syntax.yaml",
		"b3_undefmacro.yaml", "b4_yaml.yaml", "b5_badprio_missing.yaml",
		"b6_badoutput.yaml", "b7_warns.yaml", "b8_engine.yaml", "b9_exceptions.yaml",
		"b10_enter.yaml", "ok.yaml" };
	_cleanup_(freep) char *data = memory_new(1 << 20, 1);
	struct text samples = read_shared("data/samples/falco-validate-json.txt", data, 1 << 20);

	if (!samples.length)
		SKIP("Falco's samples are not beside this checkout");
	for (size_t i = 0; i < COUNT_OF(names); i++)
		check_json_like_falco(samples, names[i]);
}

TEST(the_caret_stands_under_the_mistake)
{
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&plain);
	_cleanup_(load_result_freep) struct load_result *result = rules_loader_add(loader, "a.yaml",
		TEXT("- rule: R\n  desc: d\n  condition: evt.type=open and proc.nmae=x\n"
		     "  output: o\n  priority: INFO\n"));

	CHECK_NUMBER(result->error_count, 1);
	CHECK_TEXT(
		result->errors[0].snippet, "evt.type=open and proc.nmae=x\n                  ^\n");
	CHECK_TEXT(result->errors[0].advice, "did you mean proc.name?");
}

TEST(a_long_line_is_cut_around_the_mistake)
{
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&plain);
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	const char *caret;
	struct buffer text;

	buffer_init(&text, 4096);
	buffer_add_string(&text, "- rule: R\n  desc: d\n  output: o\n  priority: INFO\n"
				 "  condition: evt.type=open and proc.name in (");
	for (int i = 0; i < 60; i++)
		buffer_add_string(&text, "abcdef,");
	buffer_add_string(&text, "z) and fd.nmae=x and proc.name in (");
	for (int i = 0; i < 60; i++)
		buffer_add_string(&text, "abcdef,");
	buffer_add_string(&text, "z)\n");
	result = rules_loader_add(loader, "a.yaml", buffer_text(&text));
	buffer_done(&text);

	CHECK_NUMBER(result->error_count, 1);
	caret = strchr(result->errors[0].snippet, '^');
	CHECK(caret && caret - strchr(result->errors[0].snippet, '\n') - 1 == 83);
	CHECK(!strncmp(result->errors[0].snippet, "...", 3));
	CHECK(!strncmp(result->errors[0].snippet + 83, "fd.nmae=x", 9));
}

/* Fields of a descriptor are absent when nobody is known to use it. */
static const struct process somebody = { .pid = 7, .comm = { "cat", 3 } };

/* An open of which both names are known. */
static struct event *open_event(struct given *given, const char *name, const char *real_name)
{
	struct event *event = NULL;
	struct error err = { 0 };

	CHECK_NUMBER(given_event(given, TEXT("evt.type=openat"), &event, &err), 0);
	event->process = &somebody;
	event->fd.is_known = true;
	event->fd.type = FD_FILE;
	event->fd.number = 3;
	event->fd.name = text_of(name);
	event->fd.real_name = text_of(real_name);
	return event;
}

TEST(a_rule_is_tried_on_the_name_that_was_given_and_then_on_the_real_one)
{
	_cleanup_(rules_freep) struct rules *rules =
		rules_of(&plain, "- {rule: Shadow, desc: d, condition: evt.type=openat and "
				 "fd.name=/etc/shadow, output: o, priority: INFO}\n"
				 "- {rule: Link, desc: d, condition: evt.type=openat and "
				 "fd.name=/tmp/link, output: o, priority: INFO}\n");
	struct given *given = given_new();
	struct event *event;

	event = open_event(given, "/etc/shadow", "/etc/shadow");
	CHECK_TEXT(match(rules, event), "Shadow");
	CHECK_NUMBER(event->view, VIEW_LEXICAL);

	event = open_event(given, "/tmp/link", "/etc/shadow");
	CHECK_TEXT(match(rules, event), "Shadow");
	CHECK_NUMBER(event->view, VIEW_REAL);

	event = open_event(given, "/tmp/link", NULL);
	CHECK_TEXT(match(rules, event), "Link");
	CHECK_NUMBER(event->view, VIEW_LEXICAL);

	event = open_event(given, "/tmp/x", "/tmp/y");
	CHECK_TEXT(match(rules, event), "none");
	CHECK_NUMBER(event->view, VIEW_LEXICAL);
	given_free(given);
}

TEST(an_alert_says_when_it_is_about_the_real_name)
{
	_cleanup_(rules_freep) struct rules *rules = rules_of(&plain,
		"- {rule: Shadow, desc: d, condition: evt.type=openat and "
		"fd.name=/etc/shadow, output: '%fd.name %evt.num', priority: INFO}\n");
	struct alert_format format = { .hostname = "vm", .includes_fields = true };
	struct given *given = given_new();
	struct event *event = open_event(given, "/tmp/link", "/etc/shadow");
	struct buffer out;

	buffer_init(&out, 64 << 10);
	CHECK_TEXT(match(rules, event), "Shadow");
	rule_write_json(rules_at(rules, 0), event, &format, &out);
	CHECK(strstr(buffer_text(&out).data,
		"\"output_fields\":{\"evt.num\":1,\"evt.path.view\":\"real\","
		"\"evt.time\":1622308754363635208,\"fd.name\":\"/etc/shadow\"}"));
	buffer_clear(&out);
	event = open_event(given, "/etc/shadow", "/etc/shadow");
	CHECK_TEXT(match(rules, event), "Shadow");
	rule_write_json(rules_at(rules, 0), event, &format, &out);
	CHECK(!strstr(buffer_text(&out).data, "evt.path.view"));
	buffer_done(&out);
	given_free(given);
}

TEST(each_view_is_consistent_in_itself)
{
	_cleanup_(rules_freep) struct rules *rules = rules_of(&plain,
		"- {rule: R, desc: d, condition: evt.type=openat and fd.name startswith /tmp and "
		"fd.name endswith shadow, output: o, priority: INFO}\n"
		"- {rule: Not, desc: d, condition: evt.type=openat and not fd.name startswith /tmp "
		"and not fd.name startswith /etc, output: o, priority: INFO}\n");
	struct given *given = given_new();

	/* One name begins right, the other ends right: neither view matches. */
	CHECK_TEXT(match(rules, open_event(given, "/tmp/link", "/etc/shadow")), "none");
	given_free(given);
}

static const char *match_with(
	struct rules *rules, struct evaluation *evaluation, struct event *event)
{
	const struct rule *rule = NULL;

	event->number++;
	return rules_match(rules, evaluation, event, 0, &rule) == IS_FALSE ? "none" : rule->name;
}

/* Of 300 snapshots, more than are remembered, each with one of four names and of three parents. */
TEST(what_is_remembered_of_a_process_is_what_would_be_answered_anew)
{
	static const char *const names[] = { "nginx", "bash", "cat", "sshd" };
	_cleanup_(rules_freep) struct rules *rules = rules_of(&plain,
		"- {rule: A, desc: d, condition: \"evt.type=openat and proc.name in (nginx, cat) "
		"and user.uid=0 and not proc.pname=bash\", output: o, priority: INFO}\n"
		"- {rule: B, desc: d, condition: \"evt.type=openat and proc.args exists and "
		"(proc.pid=7 or proc.aname[1]=sshd) and container.id=host\", output: o, priority: INFO}\n"
		"- {rule: C, desc: d, condition: \"evt.type=openat and toupper(proc.name)=BASH "
		"and proc.exepath=val(proc.exe)\", output: o, priority: INFO}\n");
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, "/nowhere");
	struct evaluation *kept = evaluation_new(rules);
	struct event event = { .type = event_type_find(TEXT("openat")),
		.arena = arena_new(1 << 20) };
	size_t matches = 0;

	for (int i = 0; i < 2000; i++) {
		struct text name = text_of(names[i * 7 % 11 % 4]);
		const char *got;

		if (i % 3)
			(void)processes_exec(
				processes, &(struct process){ .pid = 5 + i % 97,
						   .start_ns = 1,
						   .parent_pid = 5 + i % 3,
						   .effective_user_id = i % 2,
						   .comm = name,
						   .exe = TEXT("x"),
						   .exe_path = i % 5 ? TEXT("x") : TEXT("y"),
						   .cgroup = TEXT("/") });
		event.process = processes_find(processes, 5 + i % 31);
		event.container = event.process ? event.process->container : NULL;
		got = match_with(rules, kept, &event);
		CHECK_TEXT(got, match(rules, &event));
		matches += strcmp(got, "none") != 0;
		arena_reset(event.arena);
	}
	CHECK(matches > 200 && matches < 1800);
	evaluation_free(kept);
	processes_free(processes);
	containers_free(containers);
	arena_free(event.arena);
}

TEST(gates_do_not_shut_out_the_real_view)
{
	_cleanup_(rules_freep) struct rules *rules =
		rules_of(&plain, "- {rule: A, desc: d, condition: evt.type=openat and "
				 "fd.name=/etc/shadow and fd.num=1, output: o, priority: INFO}\n"
				 "- {rule: B, desc: d, condition: evt.type=openat and "
				 "fd.name=/etc/shadow and fd.num=2, output: o, priority: INFO}\n"
				 "- {rule: C, desc: d, condition: evt.type=openat and "
				 "fd.name=/etc/shadow and fd.num=3, output: o, priority: INFO}\n"
				 "- {rule: D, desc: d, condition: evt.type=openat and "
				 "fd.name=/etc/shadow and fd.num=4, output: o, priority: INFO}\n");
	struct given *given = given_new();

	CHECK_TEXT(match(rules, open_event(given, "/tmp/link", "/etc/shadow")), "C");
	CHECK_TEXT(match(rules, open_event(given, "/tmp/link", "/tmp/link")), "none");
	given_free(given);
}

TEST(a_rule_that_waited_is_tried_again_with_what_came)
{
	_cleanup_(rules_freep) struct rules *rules =
		rules_of(&plain, "- {rule: A, desc: d, condition: evt.type=openat and "
				 "container.image.tag=x, output: o, priority: INFO}\n"
				 "- {rule: B, desc: d, condition: evt.type=openat and not "
				 "container.image.tag=x, output: o, priority: INFO}\n");
	struct evaluation *evaluation = evaluation_new(rules);
	struct given *given = given_new();
	const struct rule *rule = NULL;
	struct event *event;
	struct error err = { 0 };

	given_event(given, TEXT("evt.type=openat container.image.tag=waits"), &event, &err);
	CHECK_NUMBER(rules_match(rules, evaluation, event, 0, &rule), IS_WAITING);
	CHECK_TEXT(rule->name, "A");
	((struct given_value *)event->given)[1].presence = PRESENT;
	((struct given_value *)event->given)[1].value = value_text(TEXT("y"));
	CHECK_NUMBER(rules_match(rules, evaluation, event, rule->index, &rule), IS_TRUE);
	CHECK_TEXT(rule->name, "B");
	given_free(given);
	evaluation_free(evaluation);
}

TEST(rules_say_which_events_they_need)
{
	_cleanup_(rules_freep) struct rules *rules =
		rules_of(&plain, "- {rule: A, desc: d, condition: 'evt.type in (open, connect) and "
				 "not evt.type=connect', output: o, priority: INFO}\n"
				 "- {rule: B, desc: d, condition: evt.type=unlink, output: o, "
				 "priority: INFO, enabled: false}\n");
	struct event_set events;

	rules_events(rules, &events);
	CHECK(event_set_has(&events, event_type_find(TEXT("open"))->id));
	CHECK(!event_set_has(&events, event_type_find(TEXT("connect"))->id));
	CHECK(!event_set_has(&events, event_type_find(TEXT("unlink"))->id));
	CHECK(!rules_at(rules, 1)->is_enabled);
	CHECK(event_set_has(&rules_at(rules, 1)->events, event_type_find(TEXT("unlink"))->id));
}

TEST(only_a_rule_that_names_them_switches_on_calls_that_move_data)
{
	_cleanup_(rules_freep) struct rules *any = rules_of(&plain,
		"- {rule: A, desc: d, condition: proc.name=x, output: o, priority: INFO, warn_evttypes: false}\n");
	_cleanup_(rules_freep) struct rules *named = rules_of(&plain,
		"- {rule: A, desc: d, condition: evt.type=write and proc.name=x, output: o, priority: INFO}\n");
	unsigned id = event_type_find(TEXT("write"))->id;
	struct event_set events;

	rules_events(any, &events);
	CHECK(!event_set_has(&events, id));
	CHECK(event_set_has(&events, event_type_find(TEXT("mkdir"))->id));
	CHECK(event_set_has(&rules_at(any, 0)->events, id));
	rules_events(named, &events);
	CHECK(event_set_has(&events, id));
}

static const struct alert_format all = {
	.hostname = "vm",
	.includes_output = true,
	.includes_fields = true,
	.includes_tags = true,
	.uses_utc = true,
};

/* An alert's line; free it. */
static char *alert_of(
	const char *rule_text, const char *values, const struct alert_format *format, bool as_json)
{
	struct rules_options options = plain;
	_cleanup_(rules_freep) struct rules *rules = NULL;
	struct given *given = given_new();
	struct event *event;
	struct error err = { 0 };
	struct buffer out;

	options.additions = strstr(rule_text, "suggested") ? suggestions() : NULL;
	rules = rules_of(&options, rule_text);
	CHECK_NUMBER(given_event(given, text_of(values), &event, &err), 0);
	CHECK_TEXT(err.message, "");
	buffer_init(&out, 64 << 10);
	if (as_json)
		rule_write_json(rules_at(rules, 0), event, format, &out);
	else
		rule_write_text(rules_at(rules, 0), event, format, &out);
	given_free(given);
	return buffer_take(&out);
}

TEST(a_text_alert_has_time_priority_and_message)
{
	_cleanup_(freep) char *line =
		alert_of("- {rule: R, desc: d, condition: evt.type=open, output: 'Opened by "
			 "%proc.name fd=%fd.num', priority: WARNING}",
			"evt.type=open proc.name=cat fd.num=3", &all, false);

	CHECK_TEXT(line, "17:19:14.363635208: Warning Opened by cat fd=3");
}

TEST(a_text_alert_in_iso_mode_has_the_whole_time)
{
	struct alert_format format = all;
	_cleanup_(freep) char *line = NULL;

	format.uses_iso_8601 = true;
	line = alert_of("- {rule: R, desc: d, condition: evt.type=open, output: x, priority: info}",
		"evt.type=open", &format, false);
	CHECK_TEXT(line, "2021-05-29T17:19:14.363635208+0000: Informational x");
}

TEST(a_text_alert_is_one_escaped_line)
{
	_cleanup_(freep) char *line = alert_of("- {rule: R, desc: d, condition: evt.type=open, "
					       "output: 'a \"b\" %proc.cmdline', priority: ALERT}",
		"evt.type=open proc.cmdline=\"x\\ny\\x1b[31m\\\\z\\xffé\"", &all, false);

	CHECK_TEXT(
		line, "17:19:14.363635208: Alert a \\\"b\\\" x\\ny\\u001b[31m\\\\z\xef\xbf\xbdé");
}

TEST(a_json_alert_has_its_keys_in_order)
{
	_cleanup_(freep) char *line = alert_of(
		"- {rule: R, desc: d, condition: evt.type=open, output: '%proc.name %proc.pname "
		"%user.uid %proc.aname[2]', priority: NOTICE, tags: [zeta, T1059, alpha]}",
		"evt.type=open proc.name=cat proc.pname=absent user.uid=0 proc.aname[2]=bash", &all,
		true);

	CHECK_TEXT(line,
		"{\"hostname\":\"vm\",\"output\":\"17:19:14.363635208: Notice cat <NA> 0 bash\","
		"\"output_fields\":{\"evt.time\":1622308754363635208,\"proc.aname[2]\":\"bash\","
		"\"proc.name\":\"cat\",\"proc.pname\":null,\"user.uid\":0},\"priority\":\"Notice\","
		"\"rule\":\"R\",\"source\":\"syscall\",\"tags\":[\"T1059\",\"alpha\",\"zeta\"],"
		"\"time\":\"2021-05-29T17:19:14.363635208Z\"}");
}

TEST(a_json_alert_has_what_was_asked_for)
{
	struct alert_format format = { .hostname = "vm",
		.includes_message = true,
		.includes_fields = true,
		.uses_iso_8601 = true };
	_cleanup_(freep) char *line = alert_of("- {rule: R, desc: d, condition: evt.type=open, "
					       "output: 'by %proc.name', priority: DEBUG}",
		"evt.type=open proc.name=cat", &format, true);

	CHECK_TEXT(line, "{\"hostname\":\"vm\",\"message\":\"by cat\",\"output_fields\":"
			 "{\"evt.time.iso8601\":1622308754363635208,\"proc.name\":\"cat\"},"
			 "\"priority\":\"Debug\",\"rule\":\"R\",\"source\":\"syscall\","
			 "\"time\":\"2021-05-29T17:19:14.363635208Z\"}");
}

TEST(suggested_fields_follow_the_output_in_falcos_order)
{
	_cleanup_(freep) char *line = alert_of(
		"- {rule: R, desc: suggested, condition: evt.type=open, output: x, priority: INFO}",
		"evt.type=open container.id=3ad7b26ded6d container.name=web "
		"container.image.repository=nginx container.image.tag=1.27 k8s.pod.name=absent "
		"k8s.ns.name=absent",
		&all, false);

	CHECK_TEXT(line,
		"17:19:14.363635208: Informational x container_id=3ad7b26ded6d container_name=web "
		"container_image_repository=nginx container_image_tag=1.27 k8s_pod_name=<NA> "
		"k8s_ns_name=<NA>");
}

TEST(a_format_takes_the_longest_name_a_width_and_transformers)
{
	_cleanup_(freep) char *line =
		alert_of("- {rule: R, desc: d, condition: evt.type=open, priority: INFO, output: "
			 "'%proc.name: "
			 "%proc.name.x|%6proc.name|%2proc.name|%toupper(proc.name)|%len(proc.name)|"
			 "%join(\"-\", (proc.name, proc.pname))'}",
			"evt.type=open proc.name=cat proc.pname=sh", &all, false);

	CHECK_TEXT(line, "17:19:14.363635208: Informational cat: cat.x|cat   |ca|CAT|3|cat-sh");
}

TEST(fields_inside_a_transformer_are_output_fields_by_their_plain_name)
{
	_cleanup_(freep) char *line = alert_of("- {rule: R, desc: d, condition: evt.type=open, "
					       "priority: INFO, output: '%tolower(proc.name)'}",
		"evt.type=open proc.name=CAT", &all, true);

	CHECK(strstr(line,
		"\"output_fields\":{\"evt.time\":1622308754363635208,\"proc.name\":\"CAT\"}"));
}

static void write_given_text(const char *text, struct buffer *out)
{
	buffer_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buffer_printf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			buffer_printf(out, "\\x%02x", *text);
		else
			buffer_add_char(out, *text);
	}
	buffer_add_char(out, '"');
}

/* An alert's fields as the values of an event. */
static void write_given(struct json_object *fields, struct buffer *out)
{
	json_object_object_foreach(fields, name, value)
	{
		if (!strcmp(name, "evt.time"))
			continue;
		buffer_printf(out, " %s=", name);
		if (!value)
			buffer_add_string(out, "absent");
		else if (json_object_is_type(value, json_type_string))
			write_given_text(json_object_get_string(value), out);
		else
			buffer_add_string(out, json_object_get_string(value));
	}
}

static const struct rule *rule_named(const struct rules *rules, struct text name)
{
	for (size_t i = 0; i < rules_count(rules); i++)
		if (text_is(name, rules_at(rules, i)->name))
			return rules_at(rules, i);
	return NULL;
}

static void check_alert(const struct rules *rules, struct given *given, struct text line)
{
	_cleanup_(json_putp) struct json_object *alert = NULL;
	_cleanup_(freep) char *want = text_to_string(line);
	const struct rule *rule;
	struct json_object *fields;
	struct event *event;
	struct buffer values, out;
	struct error err = { 0 };

	CHECK_NUMBER(json_parse(line, &alert, NULL, &err), 0);
	rule = rule_named(rules, json_get_text(alert, "rule"));
	if (text_is(json_get_text(alert, "source"), "internal"))
		return;
	CHECK(rule);
	fields = json_get(alert, "output_fields");
	buffer_init(&values, 64 << 10);
	buffer_init(&out, 64 << 10);
	write_given(fields, &values);
	CHECK_NUMBER(given_event(given, buffer_text(&values), &event, &err), 0);
	CHECK_TEXT(err.message, "");
	event->time_ns = (uint64_t)json_get_i64(fields, "evt.time", 0);
	if (rule && !err.code) {
		rule_write_json(rule, event, &all, &out);
		CHECK_TEXT(buffer_text(&out).data, want);
	}
	buffer_done(&values);
	buffer_done(&out);
}

/* What an event of each rule has besides what its alert prints. */
static const struct {
	const char *rule, *values;
} hidden[] = {
	{ "Run shell untrusted", "proc.aname=[httpd,bash]" },
	{ "System user interactive", "proc.aname=[sshd,systemd]" },
	{ "Clear Log Activities",
		"evt.is_open_read=false evt.is_open_write=true evt.arg.flags=O_TRUNC|O_WRONLY" },
	{ "PTRACE attached to process", "evt.arg.request=PTRACE_ATTACH" },
	{ "PTRACE anti-debug attempt", "evt.arg.request=PTRACE_TRACEME" },
	{ "Execution from /dev/shm", "proc.exe=/dev/shm/x" },
	{ "Fileless execution via memfd_create", "proc.is_exe_from_memfd=true" },
	{ "Disallowed SSH Connection Non Standard Port",
		"fd.typechar=4 proc.exe=/tmp/x/bin/ssh fd.ip=[203.0.113.5,203.0.113.5] fd.net=[203.0.113.5,203.0.113.5] fd.snet=203.0.113.5 fd.sport=443 evt.rawres=0" },
	{ "Packet socket created in container", "evt.arg.domain=AF_PACKET" },
	{ "Redirect STDOUT/STDIN to Network Connection in Container", "evt.rawres=1" },
	{ "Linux Kernel Module Injection Detected",
		"thread.cap_effective=\"CAP_CHOWN CAP_SYS_MODULE\"" },
	{ "Debugfs Launched in Privileged Container", "container.privileged=true" },
	{ "Detect release_agent File Container Escapes",
		"evt.is_open_read=false evt.is_open_write=true" },
	{ "Drop and execute new binary in container", "proc.is_exe_upper_layer=true" },
	{ "Read sensitive file trusted after startup", "proc.duration=6000000000" },
};

/* Adds a value unless the event has the field already. */
static void add_given(const char *name, const char *value, struct buffer *out)
{
	_cleanup_(freep) char *there = string_printf(" %s=", name);

	if (text_contains(buffer_text(out), text_of(there)))
		return;
	buffer_add_string(out, there);
	write_given_text(value, out);
}

/* What the fields of a path and of a command line follow from. */
static void write_derived(struct json_object *fields, struct buffer *out)
{
	struct text name = json_get_text(fields, "fd.name");
	struct text command = json_get_text(fields, "proc.cmdline"), arguments = command, first;
	const char *slash = name.data ? memrchr(name.data, '/', name.length) : NULL;
	size_t parent = slash ? MAX_OF((size_t)(slash - name.data), 1) : 0;
	_cleanup_(freep) char *folder = text_to_string(text_slice(name, 0, parent));
	_cleanup_(freep) char *rest = NULL;

	text_split(&arguments, ' ', &first);
	rest = text_to_string(arguments);
	add_given("proc.args", rest, out);
	if (slash) {
		add_given("fd.directory", folder, out);
		add_given("fd.filename", slash + 1, out);
	}
}

/* A whole event that must make this alert's rule match. The first value of a field counts. */
static void write_event(const char *rule, struct json_object *fields, struct buffer *out)
{
	static const char *const usual[][2] = { { "evt.is_open_read", "true" },
		{ "evt.is_open_write", "false" }, { "fd.typechar", "f" }, { "fd.num", "3" },
		{ "evt.rawres", "3" }, { "evt.res", "SUCCESS" }, { "proc.duration", "1000000" },
		{ "proc.is_exe_upper_layer", "false" }, { "proc.is_exe_from_memfd", "false" },
		{ "proc.cwd", "/" }, { "proc.exe", "x" }, { "proc.pname", "bash" },
		{ "proc.cmdline", "x" }, { "thread.cap_effective", "" } };

	for (size_t i = 0; i < COUNT_OF(hidden); i++)
		if (!strcmp(hidden[i].rule, rule))
			buffer_printf(out, " %s", hidden[i].values);
	write_given(fields, out);
	write_derived(fields, out);
	for (size_t i = 0; i < COUNT_OF(usual); i++)
		add_given(usual[i][0], usual[i][1], out);
}

static void check_matches(const struct rules *rules, struct given *given, struct text line)
{
	_cleanup_(json_putp) struct json_object *alert = NULL;
	struct event *event;
	struct buffer values;
	struct error err = { 0 };
	const char *name;

	CHECK_NUMBER(json_parse(line, &alert, NULL, &err), 0);
	name = json_get_text(alert, "rule").data;
	if (text_is(json_get_text(alert, "source"), "internal"))
		return;
	buffer_init(&values, 64 << 10);
	write_event(name, json_get(alert, "output_fields"), &values);
	CHECK_NUMBER(given_event(given, buffer_text(&values), &event, &err), 0);
	CHECK_TEXT(err.message, "");
	if (!err.code)
		CHECK_TEXT(match(rules, event), name);
	buffer_done(&values);
}

TEST(what_made_falco_alert_matches_the_same_official_rules)
{
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&plain);
	_cleanup_(rules_freep) struct rules *rules = NULL;
	_cleanup_(freep) char *data = memory_new(1 << 20, 1);
	struct text samples = read_shared("data/samples/falco-alerts.jsonl", data, 1 << 20), line;
	struct given *given;
	struct error err = { 0 };
	int count = 0;

	if (!samples.length || !has_shared())
		SKIP("Falco's samples are not beside this checkout");
	check_loads_clean(loader, official[0]);
	CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
	given = given_new();
	while (text_split(&samples, '\n', &line))
		if (line.length) {
			check_matches(rules, given, line);
			count++;
		}
	CHECK_NUMBER(count, 33);
	given_free(given);
}

TEST(real_alerts_of_falco_come_out_to_the_byte)
{
	struct rules_options options = plain;
	_cleanup_(rules_loader_freep) struct rules_loader *loader = NULL;
	_cleanup_(rules_freep) struct rules *rules = NULL;
	_cleanup_(freep) char *data = memory_new(1 << 20, 1);
	struct text samples = read_shared("data/samples/falco-alerts.jsonl", data, 1 << 20), line;
	struct given *given;
	struct error err = { 0 };
	int count = 0;

	if (!samples.length || !has_shared())
		SKIP("Falco's samples are not beside this checkout");
	options.additions = suggestions();
	loader = rules_loader_new(&options);
	for (size_t i = 0; i < COUNT_OF(official); i++)
		check_loads_clean(loader, official[i]);
	CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
	given = given_new();
	while (text_split(&samples, '\n', &line))
		if (line.length) {
			check_alert(rules, given, line);
			count++;
		}
	CHECK_NUMBER(count, 33);
	given_free(given);
}

static struct additions *additions_of(const char *text)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = NULL;
	struct additions *additions = additions_new();
	const struct yaml_node *root;
	struct error err = { 0 };

	CHECK_NUMBER(yaml_parse(text_of(text), "falco.yaml", &yaml, &err), 0);
	root = yaml_document(yaml, 0);
	CHECK_NUMBER(additions_read_statics(
			     additions, "falco.yaml", yaml_get(root, "static_fields"), &err),
		0);
	CHECK_NUMBER(
		additions_read(additions, "falco.yaml", yaml_get(root, "append_output"), &err), 0);
	CHECK_TEXT(err.message, "");
	return additions;
}

#define APPENDED_RULE(tags)                                                                     \
	"- rule: R\n  desc: d\n  condition: evt.type=open and static.site=lab\n  output: o\n  " \
	"priority: INFO\n  tags: [" tags "]\n"

#define APPENDED                                                                     \
	"static_fields: {site: lab}\n"                                               \
	"append_output:\n"                                                           \
	"- match: {source: syscall, rule: R, tags: [a, b]}\n"                        \
	"  extra_output: at %static.site\n"                                          \
	"  extra_fields: [proc.pid, {who: \"%proc.name/%proc.pid\"}, static.site]\n" \
	"- match: {rule: Q}\n"                                                       \
	"  extra_output: never\n"

static char *appended_alert(const char *rule)
{
	static const struct alert_format format = {
		.hostname = "h", .uses_utc = true, .includes_message = true, .includes_fields = true
	};
	struct additions *additions = additions_of(APPENDED);
	struct rules_options options = plain;
	_cleanup_(rules_freep) struct rules *rules = NULL;
	struct given *given = given_new();
	struct event *event;
	struct error err = { 0 };
	struct buffer out;

	options.additions = additions;
	rules = rules_of(&options, rule);
	CHECK_NUMBER(
		given_event(given, TEXT("evt.type=open proc.name=cat proc.pid=7"), &event, &err),
		0);
	event->statics = additions->statics;
	event->static_count = additions->static_count;
	buffer_init(&out, 64 << 10);
	rule_write_json(rules_at(rules, 0), event, &format, &out);
	given_free(given);
	additions_free(additions);
	return buffer_take(&out);
}

TEST(append_output_adds_text_and_fields_to_the_rules_that_it_matches)
{
	_cleanup_(freep) char *matched = appended_alert(APPENDED_RULE("b, c, a"));
	_cleanup_(freep) char *other = appended_alert(APPENDED_RULE("a"));

	CHECK(strstr(matched, "\"message\":\"o at lab\"") != NULL);
	CHECK(strstr(matched, "\"proc.pid\":7,\"static.site\":\"lab\",\"who\":\"cat/7\"}") != NULL);
	CHECK(strstr(other, "\"message\":\"o\"") != NULL);
	CHECK(strstr(other, "static.site") == NULL);
}

/* The first word of what is wrong with one file, or "" when nothing is. */
static char *refusal_of(const char *appended)
{
	struct additions *additions = additions_of(appended);
	struct rules_options options = plain;
	_cleanup_(rules_loader_freep) struct rules_loader *loader = NULL;
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	char *message;

	options.additions = additions;
	loader = rules_loader_new(&options);
	result = rules_loader_add(loader, "f.yaml",
		TEXT("- {rule: R, desc: d, condition: evt.type=open, output: o, priority: INFO}\n"));
	message = string_copy(result->error_count ? result->errors[0].message : "");
	additions_free(additions);
	return message;
}

TEST(append_output_with_a_field_that_is_none_is_an_error_of_the_rule)
{
	_cleanup_(freep) char *field = refusal_of("append_output: [{extra_fields: [proc.nmae]}]");
	_cleanup_(freep) char *text = refusal_of("append_output: [{extra_output: \"%no.field\"}]");
	_cleanup_(freep) char *constant = refusal_of("append_output: [{extra_fields: [static.x]}]");
	_cleanup_(freep) char *other =
		refusal_of("append_output: [{match: {rule: Q}, extra_output: \"%no.field\"}]");

	CHECK_TEXT(field, "unknown filter: unexpected token after '");
	CHECK_TEXT(text, "unknown filter: unexpected token after '");
	CHECK_TEXT(constant, "filter_check called with nonexistent field static.x");
	CHECK_TEXT(other, "");
}

TEST(append_output_of_a_wrong_shape_is_said_with_its_line)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = NULL;
	struct additions *additions = additions_new();
	struct error err = { 0 };

	CHECK_NUMBER(yaml_parse(TEXT("\n- match: {rules: x}\n"), "f", &yaml, &err), 0);
	CHECK_NUMBER(additions_read(additions, "f", yaml_document(yaml, 0), &err), -EINVAL);
	CHECK_TEXT(err.message, "f:2: \"append_output\": match has the keys source, rule and tags");
	additions_free(additions);
}

/* What the schema does not allow in one file, a line each. */
static char *schema_of(const char *file)
{
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&plain);
	_cleanup_(load_result_freep) struct load_result *result =
		rules_loader_add(loader, "f.yaml", text_of(file));
	struct buffer out;

	buffer_init(&out, 64 << 10);
	for (size_t i = 0; i < result->schema_warning_count; i++)
		buffer_printf(&out, "%s\n", result->schema_warnings[i]);
	buffer_add_string(&out, result->has_schema ? "" : "none");
	return buffer_take(&out);
}

TEST(the_schema_says_what_it_does_not_allow_from_the_inside_out)
{
	static const struct {
		const char *file, *want;
	} cases[] = {
		{ "- {rule: R, priority: Warning}\n",
			"failed for <root>[0][priority]: Failed to match against any enum values.\n"
			"failed for <root>[0]: Failed to validate against schema associated with "
			"property name 'priority'.\n"
			"failed for <root>: Failed to validate item #0 in array.\n" },
		{ "- {macro: m, condition: evt.num=1}\n- {list: l, itmes: [a]}\n",
			"failed for <root>[1]: Object contains a property that could not be "
			"validated using 'properties' or 'additionalProperties' constraints: "
			"'itmes'.\n"
			"failed for <root>: Failed to validate item #1 in array.\n" },
		{ "- {rule: R, exceptions: [{fields: [proc.name]}]}\n",
			"failed for <root>[0][exceptions][0]: Missing required property 'name'.\n"
			"failed for <root>[0][exceptions]: Failed to validate item #0 in array.\n"
			"failed for <root>[0]: Failed to validate against schema associated with "
			"property name 'exceptions'.\n"
			"failed for <root>: Failed to validate item #0 in array.\n" },
		{ "- {rule: R, enabled: maybe}\n",
			"failed for <root>[0][enabled]: Value type not permitted by 'type' "
			"constraint.\n"
			"failed for <root>[0]: Failed to validate against schema associated with "
			"property name 'enabled'.\n"
			"failed for <root>: Failed to validate item #0 in array.\n" },
		{ "rule: R\n",
			"failed for <root>: Value type not permitted by 'type' constraint.\n" },
		{ "- {list: l, items: [1, a], override: {items: append}}\n", "" },
		{ "- rule: [\n", "none" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		_cleanup_(freep) char *got = schema_of(cases[i].file);

		CHECK_TEXT(got, cases[i].want);
	}
}

/* What -l prints of one rule in JSON. */
static char *description_of(const char *file, const char *rule)
{
	struct rules_options options = plain;
	_cleanup_(rules_loader_freep) struct rules_loader *loader = NULL;
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	_cleanup_(rules_freep) struct rules *rules = NULL;
	struct error err = { 0 };
	struct json_writer json;
	struct buffer out;

	options.keeps_conditions = true;
	loader = rules_loader_new(&options);
	result = rules_loader_add(loader, "f.yaml", text_of(file));
	CHECK_TEXT(result->error_count ? result->errors[0].message : NULL, NULL);
	CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
	buffer_init(&out, 64 << 10);
	json_writer_init(&json, &out);
	json_begin_object(&json);
	CHECK_NUMBER(rules_loader_describe(loader, rules, rule, &json), 0);
	json_end(&json);
	CHECK_NUMBER(rules_loader_describe(loader, rules, "none", &json), -ENOENT);
	return buffer_take(&out);
}

TEST(a_rule_is_described_as_written_and_as_compiled)
{
	_cleanup_(freep) char *got = description_of(
		"- {list: l, items: [a, b]}\n- {macro: m, condition: evt.type=open}\n"
		"- {rule: R, desc: d, condition: m and proc.name in (l), output: \"%proc.pid\", "
		"priority: info, tags: [z, y], capture: true, capture_duration: 9, exceptions: "
		"[{name: e, fields: [fd.name], comps: [startswith], values: [[/x]]}]}\n",
		"R");

	CHECK_TEXT(got,
		"{\"rules\":[{\"details\":{\"condition_compiled\":"
		"\"((evt.type = open and proc.name in (a, b)) and not fd.name startswith /x)\","
		"\"condition_fields\":[\"evt.type\",\"proc.name\",\"fd.name\"],"
		"\"condition_operators\":[\"=\",\"in\",\"startswith\"],"
		"\"events\":[\"open\",\"asyncevent\"],\"lists\":[\"l\"],\"macros\":[\"m\"],"
		"\"plugins\":[],\"exception_fields\":[\"fd.name\"],\"exception_names\":[\"e\"],"
		"\"exception_operators\":[\"startswith\"],\"output_compiled\":\"%proc.pid\","
		"\"output_fields\":[\"proc.pid\"]},\"info\":{\"capture\":true,"
		"\"capture_duration\":9,\"condition\":\"m and proc.name in (l)\","
		"\"description\":\"d\",\"enabled\":true,\"name\":\"R\",\"output\":\"%proc.pid\","
		"\"priority\":\"Informational\",\"source\":\"syscall\",\"tags\":[\"z\",\"y\"]}}]}");
}

static void check_refused(struct buffer *file, const char *message)
{
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&plain);
	_cleanup_(load_result_freep) struct load_result *result =
		rules_loader_add(loader, "test.yaml", buffer_text(file));

	CHECK_NUMBER(result->error_count, 1);
	if (result->error_count)
		CHECK(text_contains(text_of(result->errors[0].message), text_of(message)));
	buffer_done(file);
}

TEST(macros_that_are_nested_too_deeply_are_refused)
{
	struct buffer file;

	buffer_init(&file, 4 << 20);
	buffer_add_string(&file, "- {macro: m0, condition: evt.type=open}\n");
	for (int i = 1; i < 6000; i++)
		buffer_printf(&file, "- {macro: m%d, condition: not (m%d)}\n", i, i - 1);
	buffer_add_string(
		&file, "- {rule: R, desc: d, condition: m5999, output: o, priority: INFO}\n");
	check_refused(&file, "nested too deeply");
}

TEST(an_output_that_is_too_long_is_refused)
{
	struct buffer file;

	buffer_init(&file, 4 << 20);
	buffer_add_string(
		&file, "- {rule: R, desc: d, condition: evt.type=open, priority: INFO, output: \"");
	for (int i = 0; i < 300 * 1024; i++)
		buffer_add_char(&file, 'x');
	buffer_add_string(&file, "\"}\n");
	check_refused(&file, "longer than");
}
