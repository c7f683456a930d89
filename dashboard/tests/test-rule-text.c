/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "dashboard/rule-text.h"
#include "tests/test.h"

static char *file_in(const char *folder, const char *name, const char *text)
{
	char *path = string_printf("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	CHECK(file != NULL);
	fputs(text, file);
	fclose(file);
	return path;
}

static void expect(const char *path, const char *rule, const char *want, int want_r)
{
	struct text_list paths = { 0 };
	struct json_writer json;
	struct error err = { 0 };
	struct buffer out;

	text_list_add(&paths, text_of(path));
	buffer_init(&out, 1 << 20);
	json_writer_init(&json, &out);
	CHECK_NUMBER(rule_text_write(&paths, text_of(rule), &json, &err), want_r);
	CHECK_TEXT(out.data, want);
	CHECK(!want_r == !*err.message);
	buffer_done(&out);
	text_list_done(&paths);
}

TEST(a_rules_text_is_found_in_each_file_with_its_line)
{
	char folder[] = "/tmp/tercel-rules-XXXXXX";
	_cleanup_(freep) char *first = NULL, *second = NULL, *other = NULL;

	CHECK(mkdtemp(folder) != NULL);
	first = file_in(folder, "a.yaml",
		"# top\n- list: x\n  items: [a]\n\n# about A\n- rule: A\n  desc: >\n    two\n\n    lines\n"
		"  # within\n  condition: evt.type=open\n\n# about B\n\n- rule: \"B \\\"q\\\"\"\n  condition: x");
	second = file_in(folder, "b.yml", "- rule: A\n  override: {condition: append}\n");
	other = file_in(folder, "c.txt", "- rule: A\n");
	expect(folder, "A",
		"[{\"file\":\"a.yaml\",\"line\":6,\"text\":\"- rule: A\\n  desc: >\\n    two\\n\\n    lines\\n"
		"  # within\\n  condition: evt.type=open\\n\"},"
		"{\"file\":\"b.yml\",\"line\":1,\"text\":\"- rule: A\\n  override: {condition: append}\\n\"}]",
		0);
	expect(folder, "B \"q\"",
		"[{\"file\":\"a.yaml\",\"line\":16,\"text\":\"- rule: \\\"B \\\\\\\"q\\\\\\\"\\\"\\n  condition: x\"}]",
		0);
	expect(first, "a", "[]", 0);
	unlink(first);
	unlink(second);
	unlink(other);
	rmdir(folder);
}

TEST(a_file_that_cannot_be_read_is_told_and_the_others_still_count)
{
	char folder[] = "/tmp/tercel-rules-XXXXXX";
	_cleanup_(freep) char *broken = NULL, *good = NULL, *shapeless = NULL;

	CHECK(mkdtemp(folder) != NULL);
	broken = file_in(folder, "a.yaml", "- rule: [\n");
	shapeless = file_in(folder, "b.yaml", "rule: A\n---\nA\n---\n- [rule, A]\n- A\n");
	good = file_in(folder, "c.yaml", "- rule: A\n");
	expect(folder, "A", "[{\"file\":\"c.yaml\",\"line\":1,\"text\":\"- rule: A\\n\"}]",
		-EINVAL);
	expect("/nonexistent", "A", "[]", -ENOENT);
	unlink(broken);
	unlink(good);
	unlink(shapeless);
	rmdir(folder);
}
