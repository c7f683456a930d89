/* SPDX-License-Identifier: Apache-2.0 */
/* What `tercel check` says of rules files. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/memory.h"
#include "sensor/rules/check.h"
#include "tests/test.h"

/* A folder to work in, which the files' names are relative to. */
static void enter_folder(void)
{
	char folder[] = "/tmp/tercel-check-XXXXXX";

	CHECK(mkdtemp(folder) && chdir(folder) == 0);
}

static void leave_folder(void)
{
	_cleanup_(freep) char *folder = getcwd(NULL, 0);

	(void)unlink("a.yaml");
	(void)unlink("b.yaml");
	CHECK(chdir("/") == 0 && rmdir(folder) == 0);
}

static void write_file(const char *name, const char *text)
{
	int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
	close(file);
}

static void check_says(size_t count, int status, const char *want)
{
	static const char *const paths[] = { "a.yaml", "b.yaml" };
	struct buffer out;

	buffer_init(&out, 64 << 10);
	CHECK_NUMBER(rules_check_files(paths, count, NULL, false, &out), status);
	CHECK_TEXT(buffer_text(&out).data, want);
	buffer_done(&out);
}

TEST(a_good_file_is_ok)
{
	enter_folder();
	write_file("a.yaml", "- macro: m\n  condition: evt.type=open\n"
			     "- {rule: R, desc: d, condition: m, output: o, priority: INFO}\n");
	check_says(1, 0, "a.yaml: ok\n");
	leave_folder();
}

TEST(a_mistake_is_told_with_line_column_caret_and_advice)
{
	enter_folder();
	write_file("a.yaml", "- rule: Bad\n  desc: d\n  condition: >\n    evt.type=open and\n"
			     "    proc.nmae=x\n  output: o\n  priority: INFO\n");
	check_says(1, 1,
		"a.yaml:5:5: error: in rule \"Bad\": there is no field proc.nmae "
		"[LOAD_ERR_COMPILE_CONDITION]\n"
		"      proc.nmae=x\n      ^\n  did you mean proc.name?\n");
	leave_folder();
}

TEST(the_place_is_right_when_lists_were_written_out_before_it)
{
	enter_folder();
	write_file("a.yaml",
		"- list: shells\n  items: [bash, a_very_long_name, another]\n"
		"- rule: Bad\n  desc: d\n"
		"  condition: evt.type=open and proc.name in (shells) and fd.name=x and fd.naem=y\n"
		"  output: o\n  priority: INFO\n");
	check_says(1, 1,
		"a.yaml:5:72: error: in rule \"Bad\": there is no field fd.naem "
		"[LOAD_ERR_COMPILE_CONDITION]\n"
		"    condition: evt.type=open and proc.name in (shells) and fd.name=x and "
		"fd.naem=y\n"
		"                                                                         ^\n"
		"  did you mean fd.name?\n");
	leave_folder();
}

TEST(a_condition_that_ends_too_soon_is_told_at_its_end)
{
	enter_folder();
	write_file("a.yaml", "- rule: Bad\n  desc: d\n  condition: evt.type=open and (proc.name=x\n"
			     "  output: o\n  priority: INFO\n");
	check_says(1, 1,
		"a.yaml:3:44: error: in rule \"Bad\": expected a ')' token "
		"[LOAD_ERR_COMPILE_CONDITION]\n"
		"    condition: evt.type=open and (proc.name=x\n"
		"                                             ^\n");
	leave_folder();
}

TEST(a_wrong_field_in_an_output_is_pointed_at)
{
	enter_folder();
	write_file("a.yaml", "- rule: Bad\n  desc: d\n  condition: evt.type=open\n"
			     "  output: >\n    by %proc.name\n    %proc.cmdlin here\n"
			     "  priority: INFO\n");
	check_says(1, 1,
		"a.yaml:6:5: error: in rule \"Bad\": there is no such field behind the % [LOAD_ERR_COMPILE_OUTPUT]\n"
		"      %proc.cmdlin here\n      ^\n  did you mean proc.cmdline?\n");
	leave_folder();
}

TEST(warnings_are_told_and_do_not_fail)
{
	enter_folder();
	write_file("a.yaml", "- macro: unused\n  condition: evt.type=open\n");
	check_says(1, 0,
		"a.yaml:1:3: warning: in macro \"unused\": Macro not referred to by any other "
		"rule/macro [LOAD_UNUSED_MACRO]\n"
		"  - macro: unused\n    ^\na.yaml: ok, 1 warning\n");
	leave_folder();
}

TEST(a_later_file_may_use_an_earlier_one)
{
	enter_folder();
	write_file("a.yaml", "- macro: m\n  condition: evt.type=open\n"
			     "- {rule: R, desc: d, condition: m, output: o, priority: INFO}\n");
	write_file("b.yaml", "- {rule: S, desc: d, condition: m, output: o, priority: INFO}\n");
	check_says(2, 0, "a.yaml: ok\nb.yaml: ok\n");
	leave_folder();
}

TEST(a_mistake_is_not_blamed_on_the_next_file)
{
	enter_folder();
	write_file("a.yaml", "- {rule: R, desc: d, condition: x, output: o, priority: INFO}\n");
	write_file("b.yaml",
		"- {rule: S, desc: d, condition: evt.type=open, output: o, priority: INFO}\n");
	check_says(2, 1,
		"a.yaml:1:33: error: in rule \"R\": there is no macro 'x' used in filter. "
		"[LOAD_ERR_VALIDATE]\n"
		"  - {rule: R, desc: d, condition: x, output: o, priority: INFO}\n"
		"                                  ^\nb.yaml: ok\n");
	leave_folder();
}

TEST(a_file_that_is_not_there_is_an_error)
{
	enter_folder();
	check_says(1, 1,
		"a.yaml: error: Could not open file a.yaml for reading: No such file or "
		"directory\n");
	leave_folder();
}

TEST(json_has_a_result_for_every_file)
{
	static const char *const paths[] = { "a.yaml", "b.yaml" };
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct json_object *files, *error;
	struct buffer out;

	enter_folder();
	write_file("a.yaml", "- rule: Bad\n  condition: [x]\n");
	buffer_init(&out, 64 << 10);
	CHECK_NUMBER(rules_check_files(paths, 2, NULL, true, &out), 1);
	CHECK_NUMBER(json_parse(text_trim(buffer_text(&out)), &root, NULL, NULL), 0);
	files = json_get(root, "files");
	CHECK_NUMBER(json_object_array_length(files), 2);
	error = json_object_array_get_idx(
		json_get(json_object_array_get_idx(files, 0), "errors"), 0);
	CHECK_NUMBER(json_get_i64(error, "line", 0), 2);
	CHECK_NUMBER(json_get_i64(error, "column", 0), 14);
	CHECK_TEXT(json_get_text(json_object_array_get_idx(files, 1), "name").data, "b.yaml");
	buffer_done(&out);
	leave_folder();
}
