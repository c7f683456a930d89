/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/events.h"
#include "tests/test.h"

TEST(every_type_has_its_own_name_and_its_index_as_id)
{
	size_t count;
	const struct event_type *types = event_types(&count);

	for (size_t i = 0; i < count; i++) {
		CHECK_NUMBER(types[i].id, i);
		CHECK(event_type_find(text_of(types[i].name)) == &types[i]);
		CHECK(event_type_at(i) == &types[i]);
	}
	CHECK(!event_type_at(count));
	CHECK(!event_type_find(TEXT("opena")));
}

TEST(every_call_that_the_official_stable_rules_name_has_arguments)
{
	static const char *const names[] = { "connect", "dup", "dup2", "dup3", "execve", "execveat",
		"finit_module", "init_module", "link", "linkat", "open", "openat", "openat2",
		"ptrace", "sendmsg", "sendto", "socket", "symlink", "symlinkat" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct event_type *type = event_type_find(text_of(names[i]));

		CHECK(type && type->is_syscall && type->has_result && type->argument_count > 1);
	}
}

TEST(a_call_without_a_row_is_generic)
{
	const struct event_type *type = event_type_find(TEXT("getppid"));

	CHECK(type && type->is_syscall && type->is_generic && !type->has_result);
	CHECK_NUMBER(type->argument_count, 0);
	CHECK(event_type_find(TEXT("openat"))->is_open);
	CHECK(event_type_find(TEXT("dup2"))->is_new_fd);
	CHECK(!event_type_find(TEXT("connect"))->is_new_fd);
	CHECK(!event_type_find(TEXT("procexit"))->is_syscall);
}

static const struct flag_name *names_of(const char *call, const char *argument)
{
	const struct event_type *type = event_type_find(text_of(call));

	for (unsigned i = 0; i < type->argument_count; i++)
		if (!strcmp(type->arguments[i].name, argument))
			return type->arguments[i].names;
	return NULL;
}

TEST(flags_come_out_in_falcos_numbering)
{
	const struct flag_name *opens = names_of("openat", "flags");

	CHECK_NUMBER(flags_from_native(opens, O_RDONLY), 1);
	CHECK_NUMBER(flags_from_native(opens, O_WRONLY | O_CREAT | O_TRUNC), 2 | 4 | 256);
	CHECK_NUMBER(flags_from_native(opens, O_RDWR | O_CLOEXEC), 3 | 4096);
	CHECK_NUMBER(flags_from_native(names_of("ptrace", "request"), 16), 11);
	CHECK_NUMBER(flags_from_native(names_of("ptrace", "request"), 0x9999), 0);
	CHECK_NUMBER(flags_from_native(names_of("socket", "domain"), 17), 17);
	CHECK_NUMBER(flags_from_native(names_of("chmod", "mode"), 04755), 04755);
}

/* "res:ERRNO fd:FD …" against the row of syscalls.def: the same arguments first; ours come behind.
 */
static void check_arguments(const struct event_type *type, struct text wanted)
{
	struct text one, name;
	int at = 0;

	while (text_split(&wanted, ' ', &one)) {
		char *got, *want = text_to_string(one);

		(void)text_split(&one, ':', &name);
		got = at < type->argument_count ? string_printf("%s:%s", type->arguments[at].name,
							  value_type_name(type->arguments[at].type))
						: string_copy("(none)");
		CHECK_TEXT(got, want);
		free(got);
		free(want);
		at++;
	}
}

static FILE *open_table(void)
{
	const char *shared = getenv("TERCEL_SHARED"), *source = getenv("TERCEL_SOURCE");
	_cleanup_(freep) char *path =
		shared ? string_printf("%s/spec/events.tsv", shared)
		       : string_printf("%s/../shared/spec/events.tsv", source ? source : ".");

	return fopen(path, "re");
}

TEST(every_event_of_the_specification_has_its_arguments_in_its_order)
{
	_cleanup_(fclosep) FILE *table = open_table();
	_cleanup_(freep) char *line = NULL;
	size_t size = 0, rows = 0;

	if (!table)
		SKIP("no ../shared/spec/events.tsv");
	while (getline(&line, &size, table) > 0) {
		struct text rest = text_of(line), column[7] = { 0 };
		const struct event_type *type;

		for (int i = 0; i < 7; i++)
			(void)text_split(&rest, '\t', &column[i]);
		if (!text_is(column[1], "syscall exit"))
			continue;
		type = event_type_find(column[0]);
		CHECK(type != NULL);
		if (type)
			check_arguments(type, column[6]);
		rows++;
	}
	CHECK(rows > 40);
}
