/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/memory.h"
#include "base/yaml.h"
#include "tests/test.h"

static struct yaml *parse(const char *text)
{
	struct yaml *yaml = NULL;
	struct error err = { 0 };

	CHECK_NUMBER(yaml_parse(text_of(text), "test.yaml", &yaml, &err), 0);
	CHECK_TEXT(err.message, "");
	return yaml;
}

static void check_refused(const char *text, const char *message, size_t line, size_t column)
{
	struct yaml *yaml = NULL;
	struct yaml_mark mark = { 0 };
	struct error err = { 0 };

	CHECK_NUMBER(yaml_parse_marked(text_of(text), "test.yaml", &yaml, &mark, &err), -EINVAL);
	CHECK(!yaml);
	CHECK_TEXT(err.message, message);
	CHECK_NUMBER(mark.line, line);
	CHECK_NUMBER(mark.column, column);
}

TEST(a_node_knows_where_it_stood)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = parse("- rule: A\n  desc: \"é\"\n  key: x\n");
	struct yaml_node *root = yaml_document(yaml, 0), *item = root->items[0];
	struct yaml_node *value = yaml_get(item, "key");

	CHECK_NUMBER(root->kind, YAML_SEQUENCE);
	CHECK_NUMBER(root->count, 1);
	CHECK_NUMBER(item->kind, YAML_MAPPING);
	CHECK_NUMBER(item->count, 3);
	CHECK_NUMBER(item->line, 0);
	CHECK_NUMBER(item->column, 2);
	CHECK_NUMBER(item->offset, 2);
	CHECK_NUMBER(value->line, 2);
	CHECK_NUMBER(value->column, 7);
	CHECK_NUMBER(value->offset, strlen("- rule: A\n  desc: \"é\"\n  key: "));
	CHECK(yaml_get(item, "desc")->is_quoted);
	CHECK(!value->is_quoted);
	CHECK(!yaml_get(item, "none"));
	CHECK(!yaml_get(root, "rule"));
	CHECK_TEXT(yaml_name(yaml), "test.yaml");
}

TEST(a_stream_may_hold_several_documents)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = parse("a: 1\n---\n---\n- b\n");

	CHECK_NUMBER(yaml_document_count(yaml), 3);
	CHECK_NUMBER(yaml_document(yaml, 0)->kind, YAML_MAPPING);
	CHECK_NUMBER(yaml_document(yaml, 1)->kind, YAML_NULL);
	CHECK_NUMBER(yaml_document(yaml, 2)->kind, YAML_SEQUENCE);
	CHECK(!yaml_document(yaml, 3));
}

TEST(an_empty_stream_has_no_document)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = parse("# only a comment\n");

	CHECK_NUMBER(yaml_document_count(yaml), 0);
}

TEST(null_is_a_plain_word_and_quotes_make_it_text)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml =
		parse("[~, null, Null, NULL, \"null\", '', nUll]");
	struct yaml_node *root = yaml_document(yaml, 0);

	CHECK_NUMBER(root->count, 7);
	for (size_t i = 0; i < root->count; i++)
		CHECK_NUMBER(root->items[i]->kind, i < 4 ? YAML_NULL : YAML_SCALAR);
}

TEST(a_key_without_value_is_null)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = parse("a:\nb: 1\n");

	CHECK_NUMBER(yaml_get(yaml_document(yaml, 0), "a")->kind, YAML_NULL);
}

TEST(the_last_of_repeated_keys_counts)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = parse("a: 1\na: 2\n");

	CHECK(text_is(yaml_get(yaml_document(yaml, 0), "a")->text, "2"));
}

TEST(a_tag_is_kept_as_written)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = parse("[!!str null, !mine x, y]");
	struct yaml_node *root = yaml_document(yaml, 0);

	CHECK_TEXT(root->items[0]->tag, "tag:yaml.org,2002:str");
	CHECK_NUMBER(root->items[0]->kind, YAML_SCALAR);
	CHECK_TEXT(root->items[1]->tag, "!mine");
	CHECK_TEXT(root->items[2]->tag, NULL);
}

TEST(an_alias_is_the_node_of_its_anchor)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = parse("a: &x [1, 2]\nb: *x\n");
	struct yaml_node *root = yaml_document(yaml, 0);

	CHECK(yaml_get(root, "a") == yaml_get(root, "b"));
}

TEST(an_alias_of_what_holds_it_is_refused)
{
	check_refused("a: &x [*x]\n", "found undefined alias", 0, 7);
	check_refused("--- &x [1]\n--- *x\n", "found undefined alias", 1, 4);
}

TEST(aliases_that_multiply_are_refused)
{
	struct buffer text;
	struct yaml *yaml = NULL;
	struct error err = { 0 };

	buffer_init(&text, 4096);
	buffer_add_string(&text, "- &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 12; i++)
		buffer_printf(&text, "- &a%d [*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i - 1, i - 1, i - 1,
			i - 1, i - 1);
	CHECK_NUMBER(yaml_parse(buffer_text(&text), "bomb.yaml", &yaml, &err), -EINVAL);
	CHECK_TEXT(err.message, "bomb.yaml:9: too many values (aliases written out)");
	buffer_done(&text);
}

TEST(deep_nesting_is_refused)
{
	char text[400];
	struct yaml *yaml = NULL;
	struct error err = { 0 };

	memset(text, '[', sizeof(text));
	CHECK_NUMBER(
		yaml_parse((struct text){ text, sizeof(text) }, "deep.yaml", &yaml, &err), -EINVAL);
	CHECK_TEXT(err.message, "deep.yaml:1: nested too deeply");
}

TEST(a_problem_is_told_with_its_place)
{
	struct yaml *yaml = NULL;
	struct error err = { 0 };

	check_refused("- rule: Bad yaml\n  desc: x\n   condition: evt.type=open\n",
		"mapping values are not allowed in this context", 2, 12);
	CHECK_NUMBER(yaml_parse(TEXT("a: b\n\tc: d\n"), "tabs.yaml", &yaml, &err), -EINVAL);
	CHECK_TEXT(err.message, "tabs.yaml:2: found a tab character that violates indentation");
}

TEST(bytes_that_are_no_utf_8_are_refused_with_their_line)
{
	check_refused("a: b\nc: \xff\n", "invalid leading UTF-8 octet", 1, 3);
}

TEST(booleans_are_yaml_cpps)
{
	static const struct {
		const char *text;
		int want; /* -1: refused */
	} cases[] = {
		{ "true", 1 },
		{ "False", 0 },
		{ "YES", 1 },
		{ "no", 0 },
		{ "On", 1 },
		{ "OFF", 0 },
		{ "y", 1 },
		{ "N", 0 },
		{ "\"true\"", 1 },
		{ "maybe", -1 },
		{ "tRue", -1 },
		{ "1", -1 },
		{ "TRue", -1 },
		{ "~", -1 },
		{ "[true]", -1 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		_cleanup_(yaml_unloadp) struct yaml *yaml = parse(cases[i].text);
		bool flag = false;
		int r = yaml_bool(yaml_document(yaml, 0), &flag);

		if ((r < 0 ? -1 : flag) != cases[i].want)
			printf("# %s\n", cases[i].text);
		CHECK_NUMBER(r < 0 ? -1 : flag, cases[i].want);
	}
	CHECK_NUMBER(yaml_bool(NULL, &(bool){ false }), -EINVAL);
}

TEST(a_file_that_is_not_there_is_told_by_name)
{
	struct yaml *yaml = NULL;
	struct error err = { 0 };

	CHECK_NUMBER(yaml_load("/nonexistent/rules.yaml", &yaml, &err), -ENOENT);
	CHECK_TEXT(err.message, "/nonexistent/rules.yaml: No such file or directory");
}
