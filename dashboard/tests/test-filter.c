/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/memory.h"
#include "dashboard/filter.h"
#include "dashboard/values.h"
#include "tests/test.h"

static const char sample[] =
	"{\"uuid\":\"4fa05d1e-0c6a-4a0c-9d1c-1f1c4d4c0001\",\"output\":\"10:00:00.000000001: "
	"Notice A "
	"shell was spawned in a container (user=root cmd=sh -c \\\"cat /etc/Shadow\\\")\","
	"\"priority\":\"Notice\",\"rule\":\"Terminal shell in container\","
	"\"time\":\"2026-11-24T10:00:00.000000001Z\",\"output_fields\":{\"container.id\":"
	"\"3f8ab2c41d07\","
	"\"evt.time\":1622308709082520347,\"fd.name\":\"/tmp/naïve\\tfile\","
	"\"k8s.pod.name\":null,\"proc.is_exe\":true,\"proc.cmdline\":\"sh -c \\\"cat "
	"/etc/Shadow\\\"\","
	"\"fd.list\":[\"a\",\"b\"],\"proc.aname[2]\":\"bash\"},\"source\":\"syscall\","
	"\"tags\":[\"T1059\",\"mitre_execution\"],\"hostname\":\"node-1\",\"verified\":\"socket\"}";

static bool fits(const char *query)
{
	_cleanup_(filter_freep) struct filter *filter = NULL;
	struct buffer scratch;
	struct error err = { 0 };
	size_t column = 0;
	bool result;

	buffer_init(&scratch, 1 << 20);
	if (filter_parse(text_of(query), &filter, &column, &err) < 0)
		printf("# %s: column %zu: %s\n", query, column, err.message);
	result = filter && filter_fits(filter, text_of(sample), &scratch);
	buffer_done(&scratch);
	return result;
}

TEST(queries_fit_what_they_say)
{
	static const struct {
		const char *query;
		bool fits;
	} cases[] = {
		{ "", true },
		{ "   ", true },
		{ "shell", true },
		{ "SHELL", true },
		{ "hell", true },
		{ "shells", false },
		{ "\"shell was spawned\"", true },
		{ "\"was  spawned\"", false },
		{ "shell spawned", true },
		{ "shell nothing", false },
		{ "-shell", false },
		{ "-nothing", true },
		{ "-\"shell was\"", false },
		{ "-", true }, /* a word */
		{ "sh*spawned", true },
		{ "spawned*shell was", false },
		/* Names of members, times and uuids are no values. */
		{ "output_fields", false },
		{ "container.id", false },
		{ "4fa05d1e", false },
		{ "2026-11-24", false },
		{ "socket", false },
		/* Values of all places. */
		{ "mitre_exec", true },
		{ "node-1", true },
		{ "syscall", true },
		{ "1622308709082520347", true },
		{ "3f8ab", true },
		{ "terminal", true },
		{ "notice", true },
		/* Escapes. */
		{ "\"-c \\\"cat /etc/shadow\\\"\"", true },
		{ "\\\"cat", false },
		{ "na\xc3\xafve", true },
		{ "tfile", false },
		/* Fields. */
		{ "rule:\"Terminal shell in container\"", true },
		{ "rule:\"terminal shell in container\"", false },
		{ "rule:Terminal*", true },
		{ "rule:Terminal", false },
		{ "-rule:Terminal*", false },
		{ "container.id:3f8ab2c41d07", true },
		{ "container.id:3f8ab2c41d0", false },
		{ "container.id:3f*07", true },
		{ "-container.id:x", true },
		{ "proc.aname[2]:bash", true },
		{ "evt.time:1622308709082520347", true },
		{ "evt.time:1622308709082520300", false },
		{ "proc.is_exe:true", true },
		{ "k8s.pod.name:null", true },
		{ "fd.list:b", true },
		{ "fd.list:c", false },
		{ "tags:T1059", true },
		{ "tags:T10", false },
		{ "tags:mitre_*", true },
		{ "hostname:node-1", true },
		{ "source:syscall", true },
		{ "source:k8s_audit", false },
		{ "uuid:4FA05D1E-0c6a-4a0c-9d1c-1f1c4d4c0001", true },
		{ "fd.name:\"/tmp/na\xc3\xafve\tfile\"", true },
		{ "proc.cmdline:\"*etc\\\\*\"", false },
		{ "http://x", false },
		{ "cmd=sh", false }, /* a field's name, and there is none such */
		/* Priorities. */
		{ "priority:notice", true },
		{ "priority:NOTICE", true },
		{ "-priority:notice", false },
		{ "priority>=notice", true },
		{ "priority>notice", false },
		{ "priority>=warning", false },
		{ "priority<=notice", true },
		{ "priority<warning", true },
		{ "priority>=info priority<warning", true },
		/* Groups. */
		{ "shells OR spawned", true },
		{ "shells OR nothing", false },
		{ "nothing OR shells OR shell", true },
		{ "nothing spawned OR shell", true },
		{ "nothing (spawned OR shell)", false },
		{ "(nothing OR spawned) shell", true },
		{ "(nothing OR spawned) AND shells", false },
		{ "shell AND spawned", true },
		{ "or", false }, /* a word */
		{ "NOT nothing", true },
		{ "NOT shell", false },
		{ "NOT -shell", true },
		{ "-(nothing OR shell)", false },
		{ "-(nothing shell)", true },
		{ "-(nothing -(shell OR x))", true },
		{ "-(-nothing -(shells OR zz))", false },
		{ "rule:(a OR Terminal*)", true },
		{ "rule:(a OR b)", false },
		{ "-rule:(a OR b)", true },
		{ "tags:(T1059 mitre_execution)", true },
		{ "tags:(T1059 T1060)", false },
		{ "priority:(error OR notice)", true },
		{ "-priority:(error OR notice)", false },
		{ "priority>=warning OR container.id:3f8ab2c41d07", true },
		{ "priority>=warning OR -container.id:3f8ab2c41d07", false },
		{ "(shell)", true },
		{ "f(x)", false },
		{ "\")\"", true },
		/* Numbers. */
		{ "evt.time>1622308709082520346", true },
		{ "evt.time>1622308709082520347", false },
		{ "evt.time>=1622308709082520347", true },
		{ "evt.time<1e30", true },
		{ "-evt.time<=0", true },
		{ "proc.cmdline>1", false },
		{ "no.such>1", false },
		{ "-priority>=warning", true },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool got = fits(cases[i].query);

		if (got != cases[i].fits)
			printf("# %s\n", cases[i].query);
		CHECK_NUMBER(got, cases[i].fits);
	}
}

TEST(a_mistake_is_told_with_its_column)
{
	static const struct {
		const char *query, *message;
		size_t column;
	} cases[] = {
		{ "shell \"was", "the quote that opens here is not closed", 7 },
		{ "\xc3\xa9\xc3\xa9 rule:", "a value is missing here", 9 },
		{ "rule: x", "a value is missing here", 6 },
		{ "rule:\"\"", "a value is missing here", 6 },
		{ "priority:urgent",
			"\"urgent\" is no priority. There are emergency, alert, critical, error, "
			"warning, notice, informational and debug",
			10 },
		{ "priority:warnin",
			"\"warnin\" is no priority; did you mean \"warning\"? There are "
			"emergency, alert, critical, error, warning, notice, informational and "
			"debug",
			10 },
		{ "a rule>b", "only priority and numbers can be compared; write rule:VALUE", 8 },
		{ "prioriti>=high",
			"\"high\" is no number to compare prioriti with; did you mean "
			"\"priority\"?",
			11 },
		{ "proc.pid>x", "\"x\" is no number to compare proc.pid with", 10 },
		{ "a (b OR", "a term is missing here", 8 },
		{ "a (b", "the parenthesis that opens here is not closed", 3 },
		{ "a ()", "a term is missing here", 4 },
		{ "a OR OR b", "a term is missing before this; the word itself is \"OR\" in quotes",
			6 },
		{ "AND b", "a term is missing before this; the word itself is \"AND\" in quotes",
			1 },
		{ "a )",
			"this parenthesis closes nothing; put it in quotes if it is to be looked "
			"for",
			3 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct filter *filter = NULL;
		struct error err = { 0 };
		size_t column = 0;

		CHECK_NUMBER(
			filter_parse(text_of(cases[i].query), &filter, &column, &err), -EINVAL);
		CHECK_TEXT(err.message, cases[i].message);
		CHECK_NUMBER(column, cases[i].column);
	}
}

TEST(a_query_has_a_ceiling_of_terms)
{
	struct filter *filter = NULL;
	struct error err = { 0 };
	struct buffer query;
	size_t column = 0;

	buffer_init(&query, 1024);
	for (int i = 0; i <= FILTER_TERMS_MAX; i++)
		buffer_add_string(&query, "x ");
	CHECK_NUMBER(filter_parse(buffer_text(&query), &filter, &column, &err), -E2BIG);
	buffer_done(&query);
}

TEST(groups_have_a_ceiling_of_depth)
{
	struct filter *filter = NULL;
	struct error err = { 0 };
	struct buffer query;
	size_t column = 0;

	buffer_init(&query, 1024);
	for (int i = 0; i <= FILTER_DEPTH_MAX; i++)
		buffer_add_char(&query, '(');
	CHECK_NUMBER(filter_parse(buffer_text(&query), &filter, &column, &err), -E2BIG);
	CHECK_NUMBER(column, FILTER_DEPTH_MAX + 1);
	buffer_done(&query);
}

TEST(lists_of_the_old_api_mean_any_of_them)
{
	static const struct {
		const char *name, *values;
		bool fits;
	} cases[] = {
		{ "rule", "Terminal shell in container", true },
		{ "rule", "a,Terminal shell in container", true },
		{ "rule", "a,b", false },
		{ "priority", "notice,error", true },
		{ "priority", "Error", false },
		{ "tags", "x,T1059", true },
		{ "hostname", "null", true },
		{ "source", "", true },
		{ "source", "aws", false },
	};
	struct buffer scratch;

	buffer_init(&scratch, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		_cleanup_(filter_freep) struct filter *filter = filter_new();

		CHECK_NUMBER(
			filter_add_list(filter, cases[i].name, text_of(cases[i].values), NULL), 0);
		CHECK_NUMBER(filter_fits(filter, text_of(sample), &scratch), cases[i].fits);
	}
	buffer_done(&scratch);
}

TEST(values_survive_json_that_is_cut_anywhere)
{
	struct buffer scratch;

	buffer_init(&scratch, 1 << 20);
	for (size_t length = 0; length < sizeof(sample); length++) {
		_cleanup_(freep) char *copy = memory_copy(sample, length);
		struct values values;
		struct value value;

		values_begin(&values, (struct text){ copy, length });
		while (values_next(&values, &value))
			value_unescape(value.text, &scratch);
	}
	CHECK_TEXT(value_unescape(TEXT("a\\u00e9\\ud83d\\ude00\\ud83d\\/\\n\\\\"), &scratch).data,
		"a\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd/\n\\");
	buffer_done(&scratch);
}
