/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

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
