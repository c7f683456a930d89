/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/settings.h"
#include "tests/test.h"

struct options {
	char *url;
	char *token;
	char *listing;
	bool is_enabled;
	bool has_login;
	int64_t port;
	uint64_t limit;
	int64_t interval_ms;
	int matching;
	struct text_list rules_files;
	struct text_map headers;
	struct yaml_node *selection;
};

#define AT(member) .at = offsetof(struct options, member)

static const struct setting rows[] = {
	{ .key = "http_output.url",
		.type = SETTING_TEXT,
		AT(url),
		.fallback = "http://localhost",
		.flag = "url",
		.value = "URL",
		.about = "Where alerts are posted" },
	{ .key = "http_output.token", .type = SETTING_SECRET, AT(token), .about = "Bearer token" },
	{ .key = "http_output.enabled",
		.type = SETTING_BOOL,
		AT(is_enabled),
		.short_flag = 'e',
		.about = "Whether alerts are posted" },
	{ .type = SETTING_BOOL,
		AT(has_login),
		.fallback = "true",
		.flag = "login",
		.about = "Asks for a password" },
	{ .type = SETTING_TEXT,
		AT(listing),
		.flag = "list",
		.value = "SOURCE",
		.implied = "all",
		.about = "Lists | fields" },
	{ .key = "webserver.listen_port",
		.type = SETTING_INTEGER,
		AT(port),
		.fallback = "8765",
		.minimum = 1,
		.maximum = 65535,
		.flag = "port",
		.short_flag = 'p',
		.about = "Port" },
	{ .key = "limit", .type = SETTING_SIZE, AT(limit), .fallback = "64MiB" },
	{ .key = "interval", .type = SETTING_DURATION, AT(interval_ms), .fallback = "1h" },
	{ .key = "rule_matching",
		.type = SETTING_CHOICE,
		AT(matching),
		.choices = "first all",
		.fallback = "first" },
	{ .key = "rules_files",
		.type = SETTING_LIST,
		AT(rules_files),
		.fallback = "a.yaml,b.yaml",
		.short_flag = 'r',
		.about = "Rules" },
	{ .key = "headers", .type = SETTING_MAP, AT(headers) },
	{ .key = "rules", .type = SETTING_NODE, AT(selection) },
	{ .key = "libs_logger", .type = SETTING_IGNORED, .about = "There is one log" },
	{ .key = "snaplen",
		.type = SETTING_IGNORED,
		.fallback = "80",
		.about = "No effect: 80 bytes are kept" },
};

static const struct settings_table table = {
	.program = "tercel-test",
	.rows = rows,
	.count = COUNT_OF(rows),
	.makes_environment = true,
	.environment_prefix = "TT_",
	.expands_variables = true,
};

static struct options options;
static struct error error;
static struct buffer warnings;

static void keep_warning(void *context, const char *message)
{
	buffer_printf(context, "%s\n", message);
}

static void start(void)
{
	settings_defaults(&table, &options);
	error = (struct error){};
	buffer_init(&warnings, 4096);
}

static void finish(void)
{
	settings_done(&table, &options);
	buffer_done(&warnings);
}

static int take_yaml(const char *text)
{
	struct yaml *yaml = NULL;
	int r = yaml_parse(text_of(text), "t.yaml", &yaml, &error);

	if (r >= 0)
		r = settings_from_yaml(&table, &options, "t.yaml", yaml_document(yaml, 0),
			keep_warning, &warnings, &error);
	yaml_unload(yaml);
	return r;
}

#define TAKE_ARGUMENTS(rest, ...)                                                        \
	({                                                                               \
		static const char *const constant[] = { "program", __VA_ARGS__, NULL };  \
		char *argv[COUNT_OF(constant)];                                          \
		memcpy(argv, constant, sizeof(argv));                                    \
		settings_from_arguments(                                                 \
			&table, &options, COUNT_OF(constant) - 1, argv, (rest), &error); \
	})

TEST(fallbacks_fill_every_member)
{
	start();
	CHECK_TEXT(options.url, "http://localhost");
	CHECK_TEXT(options.token, NULL);
	CHECK_NUMBER(options.port, 8765);
	CHECK_NUMBER(options.limit, 64 << 20);
	CHECK_NUMBER(options.interval_ms, 3600000);
	CHECK_NUMBER(options.rules_files.count, 2);
	CHECK_TEXT(options.rules_files.items[1], "b.yaml");
	finish();
}

TEST(a_file_sets_nested_keys_lists_and_maps)
{
	setenv("TT_VARIABLE", "shown", 1);
	start();
	CHECK_NUMBER(
		take_yaml("http_output:\n  url: http://${TT_VARIABLE}/$${x}${UNSET_ONE}\n"
			  "  enabled: yes\nrules_files: [c.yaml]\nrule_matching: ALL\n"
			  "headers: {A: b, C: }\nlimit: 1kB\ninterval: 1h30m5ms\nrules: [1]\n"),
		0);
	CHECK_TEXT(options.url, "http://shown/${x}");
	CHECK(options.is_enabled);
	CHECK_NUMBER(options.rules_files.count, 1);
	CHECK_TEXT(options.rules_files.items[0], "c.yaml");
	CHECK_NUMBER(options.matching, 1);
	CHECK_TEXT(text_map_get(&options.headers, "A"), "b");
	CHECK_TEXT(text_map_get(&options.headers, "C"), "");
	CHECK_TEXT(text_map_get(&options.headers, "a"), NULL);
	CHECK_NUMBER(options.limit, 1000);
	CHECK_NUMBER(options.interval_ms, 5400005);
	CHECK(options.selection != NULL);
	CHECK_TEXT(warnings.data, NULL);
	finish();
}

TEST(an_unknown_key_is_told_with_the_nearest_one)
{
	start();
	CHECK_NUMBER(
		take_yaml("\nhttp_ouput:\n  url: x\nhttp_output:\n  urll: y\nzzzzzzzzz: 1\n"), 0);
	CHECK_TEXT(warnings.data,
		"t.yaml:2: unknown key \"http_ouput\"; did you mean \"http_output\"?\n"
		"t.yaml:5: unknown key \"http_output.urll\"; did you mean \"http_output.url\"?\n"
		"t.yaml:6: unknown key \"zzzzzzzzz\"\n");
	finish();
}

TEST(keys_without_effect_are_told_once_and_only_when_they_ask_for_something)
{
	start();
	CHECK_NUMBER(take_yaml("snaplen: 80\n"), 0);
	CHECK_TEXT(warnings.data, NULL);
	CHECK_NUMBER(take_yaml("snaplen: 81\nlibs_logger: {enabled: true}\n"), 0);
	CHECK_TEXT(warnings.data, "t.yaml:1: \"snaplen\" is refused: 80 bytes are kept\n"
				  "t.yaml:2: \"libs_logger\" is refused: There is one log\n");
	finish();
}

TEST(a_value_of_the_wrong_type_is_an_error_that_says_where)
{
	static const struct {
		const char *yaml, *message;
	} cases[] = {
		{ "a: 1\nwebserver:\n  listen_port: many\n",
			"t.yaml:3: \"webserver.listen_port\": \"many\" is not a whole number" },
		{ "webserver: {listen_port: 70000}",
			"t.yaml:1: \"webserver.listen_port\": 70000 is not between 1 and 65535" },
		{ "webserver: 1", "t.yaml:1: \"webserver\" must be a mapping" },
		{ "rule_matching: some",
			"t.yaml:1: \"rule_matching\": \"some\" is none of: first all" },
		{ "http_output: {enabled: maybe}",
			"t.yaml:1: \"http_output.enabled\": \"maybe\" is neither true nor false" },
		{ "http_output: {url: [a]}", "t.yaml:1: \"http_output.url\": it must be a single "
					     "value, not a sequence" },
		{ "rules_files: [[a]]",
			"t.yaml:1: \"rules_files\": item 1 must be a single value" },
		{ "limit: 1 elephant", "t.yaml:1: \"limit\": \"1 elephant\" is not a size such as "
				       "4096, 64MiB or 1GB" },
		{ "interval: 5", "t.yaml:1: \"interval\": \"5\" is not a duration such as 250ms, "
				 "10s or 1h30m" },
		{ "- a", "t.yaml:1: settings must be a mapping of keys to values" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		start();
		CHECK_NUMBER(take_yaml(cases[i].yaml), -EINVAL);
		CHECK_TEXT(error.message, cases[i].message);
		finish();
	}
}

TEST(a_second_file_may_append_to_lists)
{
	struct settings_table appending = table;
	struct yaml *yaml = NULL;

	start();
	appending.appends_lists = true;
	CHECK_NUMBER(yaml_parse(TEXT("rules_files: [c]\n"), "t", &yaml, &error), 0);
	CHECK_NUMBER(settings_from_yaml(
			     &appending, &options, "t", yaml_document(yaml, 0), NULL, NULL, &error),
		0);
	CHECK_NUMBER(options.rules_files.count, 3);
	yaml_unload(yaml);
	finish();
}

TEST(a_key_and_what_is_below_it_can_have_their_fallbacks_again)
{
	start();
	CHECK_NUMBER(take_yaml("rules_files: [c]\nwebserver: {listen_port: 99}\n"), 0);
	settings_reset(&table, &options, TEXT("webserver"));
	CHECK_NUMBER(options.port, 8765);
	CHECK_NUMBER(options.rules_files.count, 1);
	settings_reset(&table, &options, TEXT("rules"));
	CHECK_NUMBER(options.rules_files.count, 1);
	settings_reset(&table, &options, TEXT("rules_files"));
	CHECK(options.rules_files.count != 1);
	finish();
}

TEST(the_environment_overrides_by_made_names)
{
	start();
	setenv("TT_WEBSERVER_LISTEN_PORT", "99", 1);
	setenv("TT_HTTP_OUTPUT_TOKEN", "", 1);
	setenv("TT_HEADERS", "a:b:c, d: e", 1);
	CHECK_NUMBER(settings_from_environment(&table, &options, &error), 0);
	CHECK_NUMBER(options.port, 99);
	CHECK_TEXT(options.token, NULL);
	CHECK_TEXT(text_map_get(&options.headers, "a"), "b:c");
	CHECK_TEXT(text_map_get(&options.headers, "d"), "e");
	setenv("TT_HEADERS", "{\"x\":\"y, z\"}", 1);
	setenv("TT_WEBSERVER_LISTEN_PORT", "0", 1);
	CHECK_NUMBER(settings_from_environment(&table, &options, &error), -EINVAL);
	CHECK_TEXT(error.message,
		"environment variable TT_WEBSERVER_LISTEN_PORT: 0 is not between 1 and 65535");
	unsetenv("TT_WEBSERVER_LISTEN_PORT");
	CHECK_NUMBER(settings_from_environment(&table, &options, &error), 0);
	CHECK_TEXT(text_map_get(&options.headers, "x"), "y, z");
	unsetenv("TT_HEADERS");
	finish();
}

TEST(options_descend_append_index_and_escape)
{
	start();
	CHECK_NUMBER(settings_from_option(&table, &options, "http_output.url=a=b", &error), 0);
	CHECK_NUMBER(settings_from_option(&table, &options, "rules_files[]=c", &error), 0);
	CHECK_NUMBER(settings_from_option(&table, &options, "rules_files[0]=z", &error), 0);
	CHECK_NUMBER(settings_from_option(&table, &options, "headers.x\\.y=1", &error), 0);
	CHECK_TEXT(options.url, "a=b");
	CHECK_NUMBER(options.rules_files.count, 3);
	CHECK_TEXT(options.rules_files.items[0], "z");
	CHECK_TEXT(text_map_get(&options.headers, "y"), NULL);
	CHECK_NUMBER(settings_from_option(&table, &options, "rules_files[9]=z", &error), -EINVAL);
	CHECK_TEXT(error.message, "\"rules_files\": it has only 3 items");
	CHECK_NUMBER(settings_from_option(&table, &options, "rule_matchin=all", &error), -ENOENT);
	CHECK_TEXT(error.message, "unknown key \"rule_matchin\"; did you mean \"rule_matching\"?");
	CHECK_NUMBER(settings_from_option(&table, &options, "rule_matching", &error), -EINVAL);
	CHECK_TEXT(error.message, "option \"rule_matching\" must be KEY=VALUE");
	finish();
}

TEST(flags_take_their_values_in_every_form)
{
	int rest = 0;

	start();
	CHECK_NUMBER(TAKE_ARGUMENTS(&rest, "one", "--url=u", "-p", "1", "-e", "--no-login", "two",
			     "--list", "--", "--three"),
		0);
	CHECK_NUMBER(rest, 3);
	CHECK_TEXT(options.url, "u");
	CHECK_NUMBER(options.port, 1);
	CHECK(options.is_enabled);
	CHECK(!options.has_login);
	CHECK_TEXT(options.listing, "all");
	CHECK_NUMBER(
		TAKE_ARGUMENTS(&rest, "-p77", "--url", "v", "--list=x", "-r", "m,n", "-ro"), 0);
	CHECK_NUMBER(rest, 0);
	CHECK_TEXT(options.url, "v");
	CHECK_NUMBER(options.port, 77);
	CHECK_TEXT(options.listing, "x");
	CHECK_NUMBER(options.rules_files.count, 2);
	CHECK_TEXT(options.rules_files.items[0], "m,n");
	CHECK_TEXT(options.rules_files.items[1], "o");
	finish();
}

TEST(a_wrong_flag_is_an_error_with_advice)
{
	int rest = 0;

	start();
	CHECK_NUMBER(TAKE_ARGUMENTS(&rest, "--prot=1"), -EINVAL);
	CHECK_TEXT(error.message, "unknown flag --prot; did you mean --port?");
	CHECK_NUMBER(TAKE_ARGUMENTS(&rest, "-A"), -EINVAL);
	CHECK_TEXT(error.message, "unknown flag -A");
	CHECK_NUMBER(TAKE_ARGUMENTS(&rest, "--url"), -EINVAL);
	CHECK_TEXT(error.message, "--url needs a value: URL");
	CHECK_NUMBER(TAKE_ARGUMENTS(&rest, "--port", "x"), -EINVAL);
	CHECK_TEXT(error.message, "--port: \"x\" is not a whole number");
	finish();
}

TEST(durations_and_sizes_are_exact)
{
	int64_t ms = 0;
	uint64_t bytes = 0;

	CHECK_NUMBER(duration_parse(TEXT("2W"), &ms), 0);
	CHECK_NUMBER(ms, 14 * 86400000);
	CHECK_NUMBER(duration_parse(TEXT("0"), &ms), 0);
	CHECK_NUMBER(ms, 0);
	CHECK_NUMBER(duration_parse(TEXT("1.5h"), &ms), -EINVAL);
	CHECK_NUMBER(duration_parse(TEXT("1us"), &ms), -EINVAL);
	CHECK_NUMBER(duration_parse(TEXT("5000us"), &ms), 0);
	CHECK_NUMBER(ms, 5);
	CHECK_NUMBER(duration_parse(TEXT("400y"), &ms), -ERANGE);
	CHECK_NUMBER(size_parse(TEXT("1 GB"), &bytes), 0);
	CHECK_NUMBER(bytes, 1000000000);
	CHECK_NUMBER(size_parse(TEXT("99999999T"), &bytes), -ERANGE);
	CHECK_NUMBER(bytes, 1000000000);
}

TEST(the_references_name_every_setting_and_hide_secrets)
{
	struct buffer out;

	start();
	buffer_init(&out, 65536);
	CHECK_NUMBER(settings_from_option(&table, &options, "http_output.token=hush", &error), 0);
	settings_print(&table, &options, &out);
	CHECK(text_contains(buffer_text(&out), TEXT("http_output.token=***\n")));
	CHECK(text_contains(buffer_text(&out), TEXT("rules_files=a.yaml,b.yaml\n")));
	CHECK(!text_contains(buffer_text(&out), TEXT("hush")));
	buffer_clear(&out);
	settings_help(&table, "tercel-test [FLAG]…", &out);
	CHECK(text_contains(
		buffer_text(&out), TEXT("  -p, --port VALUE              Port (default: 8765)\n")));
	CHECK(text_contains(
		buffer_text(&out), TEXT("      --list[=SOURCE]           Lists | fields\n")));
	buffer_clear(&out);
	settings_markdown(&table, &out);
	CHECK(text_contains(buffer_text(&out),
		TEXT("| `http_output.url` | text | `http://localhost` | `TT_HTTP_OUTPUT_URL` | "
		     "`--url` | Where alerts are posted |\n")));
	CHECK(text_contains(buffer_text(&out), TEXT("Lists \\| fields")));
	buffer_clear(&out);
	settings_json(&table, &out);
	CHECK(text_contains(buffer_text(&out),
		TEXT("\"webserver\":{\"type\":\"object\",\"additionalProperties\":false,"
		     "\"properties\":{\"listen_port\":"
		     "{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535,")));
	buffer_done(&out);
	finish();
}

static void note(void *context, const char *message)
{
	buffer_printf(context, "%s\n", message);
}

static void check_shape(const char *file, const char *expected)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = NULL;
	struct buffer words;

	buffer_init(&words, 8192);
	CHECK_NUMBER(yaml_parse(text_of(file), "file", &yaml, &error), 0);
	CHECK(settings_check(&table, yaml_document(yaml, 0), note, &words) == !*expected);
	CHECK_TEXT(words.data ? words.data : "", expected);
	buffer_done(&words);
}

TEST(a_file_is_held_against_the_schema)
{
	check_shape("webserver: {listen_port: 80}\nhttp_output: {url: \"${URL}\"}\n", "");
	check_shape("webserver: {listen_port: 0}\n",
		"failed for <root>[webserver][listen_port]: Value type not permitted by 'type' "
		"constraint.\n"
		"failed for <root>[webserver]: Failed to validate against schema associated with "
		"property name 'listen_port'.\n"
		"failed for <root>: Failed to validate against schema associated with property "
		"name 'webserver'.\n");
	check_shape("webserver: {listen_prt: 80}\n",
		"failed for <root>[webserver]: Object contains a property that could not be "
		"validated using 'properties' or 'additionalProperties' constraints: "
		"'listen_prt'.\n"
		"failed for <root>: Failed to validate against schema associated with property "
		"name 'webserver'.\n");
	check_shape("rules_files: {a: b}\n",
		"failed for <root>[rules_files]: Value type not permitted by 'type' constraint.\n"
		"failed for <root>: Failed to validate against schema associated with property "
		"name 'rules_files'.\n");
}
