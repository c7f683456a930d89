/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/memory.h"
#include "forwarder/journal-file.h"
#include "forwarder/check.h"
#include "tests/test.h"

/* What was warned, a line each. */
static struct buffer warnings;

static void keep(void *context, const char *message)
{
	(void)context;
	buffer_printf(&warnings, "%s\n", message);
}

static struct configuration *load(const char *path, struct error *err)
{
	char *arguments[] = { "test", "-c", (char *)path, NULL };
	struct configuration *configuration = NULL;

	buffer_done(&warnings);
	buffer_init(&warnings, 64 * 1024);
	buffer_add_string(&warnings, "");
	if (configuration_load(path ? 3 : 1, arguments, keep, NULL, &configuration, err) < 0)
		keep(NULL, err->message);
	return configuration;
}

static struct configuration *load_text(const char *yaml, struct error *err)
{
	char path[] = "/tmp/test-settings-XXXXXX";
	int fd = mkstemp(path);
	struct configuration *configuration;

	CHECK(write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
	close(fd);
	configuration = load(path, err);
	unlink(path);
	return configuration;
}

TEST(defaults_are_falcosidekicks)
{
	struct error err;
	_cleanup_(configuration_freep) struct configuration *configuration = load(NULL, &err);
	const struct settings *settings = configuration_settings(configuration);

	CHECK_NUMBER(settings->listen_port, 2801);
	CHECK_NUMBER(settings->tls.plain_port, 2810);
	CHECK_TEXT(settings->mutual_tls_folder, "/etc/certs");
	CHECK_NUMBER(settings->durability, DURABILITY_PROCESS);
	CHECK_NUMBER(settings->keep_ms, 7LL * 24 * 3600 * 1000);
	CHECK_NUMBER(settings->keep_bytes, 1LL << 30);
	for (size_t i = 0; i < output_count; i++)
		CHECK(!outputs[i]->is_enabled(configuration_output(configuration, i)));
	CHECK_TEXT(warnings.data, "");
}

TEST(the_environment_wins_over_the_file_and_a_flag_over_both)
{
	char path[] = "/tmp/test-settings-XXXXXX";
	char *arguments[] = { "test", "--state", "/flag", "-c", path, NULL };
	_cleanup_(configuration_freep) struct configuration *configuration = NULL;
	struct error err = { 0 };
	int fd = mkstemp(path);

	CHECK(write(fd, "ListenPort: 1\nLISTENADDRESS: 1.2.3.4\n", 37) == 37);
	close(fd);
	setenv("LISTENPORT", "2", 1);
	setenv("STATE_DIRECTORY", "/environment", 1);
	CHECK_NUMBER(configuration_load(5, arguments, keep, NULL, &configuration, &err), 0);
	CHECK_NUMBER(configuration_settings(configuration)->listen_port, 2);
	CHECK_TEXT(configuration_settings(configuration)->listen_address, "1.2.3.4");
	CHECK_TEXT(configuration_settings(configuration)->state, "/flag");
	unsetenv("LISTENPORT");
	unsetenv("STATE_DIRECTORY");
	unlink(path);
}

TEST(a_misspelt_key_is_named_with_its_line_and_the_right_one)
{
	struct error err;
	_cleanup_(configuration_freep) struct configuration *configuration =
		load_text("debug: false\nwebhook:\n  adress: http://a\n", &err);

	CHECK(configuration != NULL);
	CHECK(strstr(warnings.data,
		      ":3: unknown key \"webhook.adress\"; did you mean \"webhook.address\"?") !=
		NULL);
}

TEST(an_output_that_is_not_here_is_answered_where_it_is_switched_on)
{
	struct error err;
	_cleanup_(configuration_freep) struct configuration *configuration =
		load_text("aws: {securitylake: {bucket: b, interval: 5, minimumpriority: ''}}\n"
			  "stan: {hostport: ''}\n",
			&err);

	CHECK_TEXT(warnings.data, "");
	setenv("STAN_HOSTPORT", "nats://x", 1);
	configuration_answer(configuration, keep, NULL);
	unsetenv("STAN_HOSTPORT");
	CHECK(strstr(warnings.data, "aws.securitylake") && strstr(warnings.data, "JetStream"));
}

TEST(a_wrong_priority_is_an_error_that_names_the_key)
{
	struct output_settings settings = { .minimum_priority = (char *)"worst" };
	enum priority priority;
	struct error err;

	CHECK_NUMBER(minimum_priority("webhook", &settings, &priority, &err), -EINVAL);
	CHECK(strstr(err.message, "webhook.minimumpriority") != NULL);
	settings.minimum_priority = (char *)"Warning";
	CHECK_NUMBER(minimum_priority("webhook", &settings, &priority, &err), 0);
	CHECK_NUMBER(priority, PRIORITY_WARNING);
	settings.minimum_priority = (char *)"";
	CHECK_NUMBER(minimum_priority("webhook", &settings, &priority, &err), 0);
	CHECK_NUMBER(priority, PRIORITY_NONE);
}

TEST(falcosidekicks_sample_file_loads_without_a_word)
{
	const char *shared = getenv("TERCEL_SHARED"), *source = getenv("TERCEL_SOURCE");
	_cleanup_(freep) char *path =
		shared ? string_printf("%s/data/falcosidekick-config.yaml", shared)
		       : string_printf("%s/../shared/data/falcosidekick-config.yaml",
				 source ? source : ".");
	struct error err;

	if (access(path, R_OK) < 0)
		SKIP("no falcosidekick-config.yaml in $TERCEL_SHARED/data");
	_cleanup_(configuration_freep) struct configuration *configuration = load(path, &err);

	CHECK(configuration != NULL);
	CHECK_TEXT(warnings.data, "");
	configuration_answer(configuration, keep, NULL);
	CHECK_TEXT(warnings.data, "");
}

TEST(a_check_finds_what_only_shows_when_all_is_put_together)
{
	struct error err = { 0 };
	_cleanup_(configuration_freep) struct configuration *wrong = load_text(
		"webhook: {address: 'http://a', minimumpriority: worst}\nstan: {hostport: x}\n",
		&err);
	_cleanup_(configuration_freep) struct configuration *right = NULL;

	CHECK_NUMBER(configuration_check(wrong, keep, NULL, &err), -EINVAL);
	CHECK(strstr(err.message, "webhook.minimumpriority") != NULL);
	CHECK(strstr(warnings.data, "output stan is configured, but ") &&
		strstr(warnings.data, "JetStream"));
	right = load_text("webhook: {address: nothing}\ncustomfields: {a: b}\n", &err);
	CHECK_NUMBER(configuration_check(right, keep, NULL, &err), 0);
	CHECK(strstr(warnings.data, "Webhook is switched off: webhook.address must be a URL") !=
		NULL);
}

static void check_answers_with(const char *yaml, const char *words)
{
	struct error err = { 0 };
	_cleanup_(configuration_freep) struct configuration *configuration = load_text(yaml, &err);

	CHECK_NUMBER(configuration_check(configuration, keep, NULL, &err), 0);
	if (!strstr(warnings.data, words)) {
		test_failures++;
		printf("# %s\n# is answered with: %s\n# not: %s\n", yaml, warnings.data, words);
	}
}

/* The first failure of the seed: none of these ever had an effect, and nothing said so. */
TEST(the_old_keys_of_pagerduty_lead_to_the_right_one)
{
	check_answers_with("Pagerduty:\n  APIKey: x\n",
		"pagerduty.apikey has no effect; set pagerduty.routingkey (PAGERDUTY_ROUTINGKEY)");
	check_answers_with("pagerduty: {service: x}\n", "pagerduty.service has no effect");
	setenv("PAGERDUTY_ASSIGNEE", "someone", 1);
	check_answers_with("debug: false\n", "PagerDuty is switched off: pagerduty.assignee");
	unsetenv("PAGERDUTY_ASSIGNEE");
	check_answers_with("pagerduty: {apikey: x, routingkey: y}\n", "");
	CHECK_TEXT(warnings.data, "");
}

TEST(a_template_that_does_not_parse_switches_its_output_off_with_the_place)
{
	check_answers_with("slack: {webhookurl: 'http://a', messageformat: '{{ nothing }}'}\n",
		"Slack is switched off: slack.messageformat: line 1");
}

static const struct instance *find(const struct configuration *configuration, const char *id)
{
	for (size_t i = 0; i < configuration_count(configuration); i++)
		if (!strcmp(configuration_instance(configuration, i)->id, id))
			return configuration_instance(configuration, i);
	return NULL;
}

TEST(each_address_of_alertmanager_is_an_output_of_its_own)
{
	struct error err = { 0 };
	_cleanup_(configuration_freep) struct configuration *configuration = load_text(
		"alertmanager: {hostport: 'http://a:9093,http://b:9093/x', endpoint: /e}\n"
		"slack:\n  - {name: two, webhookurl: 'http://s'}\n",
		&err);
	const struct instance *first = find(configuration, "alertmanager");
	const struct instance *second = find(configuration, "alertmanager.b:9093");

	CHECK_NUMBER(configuration_check(configuration, keep, NULL, &err), 0);
	CHECK_TEXT(warnings.data, "");
	CHECK(first && second && first->output == second->output);
	if (!second)
		return;
	CHECK_NUMBER(((const struct output_settings *)first->settings)->address, 0);
	CHECK_NUMBER(((const struct output_settings *)second->settings)->address, 1);
	CHECK(first->output->is_enabled(second->settings));
}

TEST(a_list_makes_several_outputs_of_one_kind)
{
	struct error err = { 0 };
	_cleanup_(configuration_freep) struct configuration *configuration = NULL;
	const struct output_settings *settings;

	setenv("SLACK_TEAM_B_MINIMUMPRIORITY", "critical", 1);
	configuration =
		load_text("Slack:\n"
			  "  - {name: team-a, webhookurl: 'http://a', match: rule = x}\n"
			  "  - {name: team-b, webhookurl: 'http://b'}\n"
			  "otlp: {logs: [{name: c, endpoint: 'http://c'}]}\n"
			  "sumologic: [{instance: d, name: source, receiverurl: 'http://d'}]\n"
			  "aws: {region: eu-west-1, lambda: [{name: e, functionname: f}]}\n",
			&err);
	unsetenv("SLACK_TEAM_B_MINIMUMPRIORITY");
	CHECK_TEXT(err.message, "");
	CHECK_TEXT(warnings.data, "");
	if (!configuration)
		return;
	settings = find(configuration, "slack.team-a")->settings;
	CHECK_TEXT(settings->match, "rule = x");
	settings = find(configuration, "slack.team-b")->settings;
	CHECK_TEXT(settings->minimum_priority, "critical");
	CHECK_TEXT(find(configuration, "slack.team-b")->title, "Slack.team-b");
	CHECK_TEXT(find(configuration, "otlplogs.c")->key, "otlp.logs.c");
	CHECK(find(configuration, "sumologic.d") != NULL);
	CHECK(find(configuration, "awslambda.e") != NULL);
	CHECK(!find(configuration, "slack")
			->output->is_enabled(find(configuration, "slack")->settings));
}

TEST(a_slip_in_a_variables_name_is_answered_with_the_right_one)
{
	setenv("SLACK_WEBHOKURL", "http://a", 1);
	setenv("REDIS_SERVICE_HOST", "10.0.0.1", 1);
	setenv("REDIS_PORT_6379_TCP", "tcp://10.0.0.1", 1);
	check_answers_with("debug: false\n",
		"the environment variable SLACK_WEBHOKURL sets nothing; did you mean "
		"SLACK_WEBHOOKURL?");
	CHECK(strstr(warnings.data, "REDIS") == NULL);
	unsetenv("SLACK_WEBHOKURL");
	unsetenv("REDIS_SERVICE_HOST");
	unsetenv("REDIS_PORT_6379_TCP");
}

static void check_refused(const char *yaml, const char *words)
{
	struct error err = { 0 };
	_cleanup_(configuration_freep) struct configuration *configuration = load_text(yaml, &err);

	if (configuration)
		CHECK(configuration_check(configuration, keep, NULL, &err) < 0);
	if (!strstr(err.message, words)) {
		test_failures++;
		printf("# %s\n# is answered with: %s\n# not: %s\n", yaml, err.message, words);
	}
}

TEST(a_list_needs_names_and_a_condition_must_be_one)
{
	check_refused("slack: [{webhookurl: 'http://a'}]\n", "needs a name");
	check_refused("slack: [{name: a b, webhookurl: 'http://a'}]\n", "needs a name");
	check_refused("slack: [{name: a}, {name: A}]\n", "has the name \"A\" twice");
	check_refused("slack: x\n", "\"slack\" must be a mapping, or a list");
	check_refused("slack: {webhookurl: 'http://a', match: rule}\n", "slack.match: 1:5: ");
	check_refused("slack: {webhookurl: 'http://a', match: rul = x}\n",
		"no field \"rul\"; did you mean \"rule\"?");
}

TEST(outputs_of_a_group_share_its_settings)
{
	struct error err = { 0 };
	_cleanup_(configuration_freep) struct configuration *configuration =
		load_text("aws: {accesskeyid: a, secretaccesskey: b, region: r, sqs: {url: "
			  "'http://q/1'}, s3: {bucket: x}}\n",
			&err);

	CHECK_NUMBER(configuration_check(configuration, keep, NULL, &err), 0);
	CHECK_TEXT(warnings.data, "");
	check_answers_with("aws: {s3: {bucket: x}}\n", "AWSS3 is switched off: aws.region");
	check_answers_with("aws: {region: r, accesskeyid: a, s3: {bucket: x}}\n",
		"AWSS3 is switched off: aws.accesskeyid and aws.secretaccesskey belong together");
}
