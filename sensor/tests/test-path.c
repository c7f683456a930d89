/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "sensor/path.h"
#include "tests/test.h"

#define CHECK_SLICE(got, want)                     \
	do {                                       \
		char *copy_ = text_to_string(got); \
		CHECK_TEXT(copy_, want);           \
		free(copy_);                       \
	} while (0)

TEST(relative_and_winding_paths_become_absolute)
{
	static const struct {
		const char *base, *path, *want;
	} cases[] = {
		{ "/home/a", "b", "/home/a/b" },
		{ "/home/a/", "../b/./c", "/home/b/c" },
		{ "/home", "/etc//shadow", "/etc/shadow" },
		{ "/", "etc", "/etc" },
		{ "/x", "/etc/../../../etc/./shadow", "/etc/shadow" },
		{ "/x", "/..", "/" },
		{ "/x", "", "/x" },
		{ "", "a", "/a" },
		{ "/x", "/etc/", "/etc" },
		{ "/x", "/etc/.hidden/..data", "/etc/.hidden/..data" },
		{ "/x", "/", "/" },
	};
	struct arena *arena = arena_new(65536);

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		CHECK_SLICE(path_absolute(arena, text_of(cases[i].base), text_of(cases[i].path)),
			cases[i].want);
	arena_free(arena);
}

TEST(a_path_over_the_limit_gets_the_name_for_it)
{
	struct arena *arena = arena_new(65536);
	char path[PATH_BYTES_MAX + 1];

	memset(path, 'a', sizeof(path));
	CHECK_SLICE(path_absolute(arena, TEXT("/"), (struct text){ path, sizeof(path) }),
		PATH_TOO_LONG);
	path[0] = '/';
	CHECK_NUMBER(path_absolute(arena, TEXT("/x"), (struct text){ path, PATH_BYTES_MAX }).length,
		PATH_BYTES_MAX);
	arena_free(arena);
}

TEST(a_raw_path_only_loses_doubled_slashes)
{
	struct arena *arena = arena_new(65536);

	CHECK_SLICE(path_collapsed(arena, TEXT("//etc///../etc/shadow/")), "/etc/../etc/shadow/");
	CHECK_SLICE(path_collapsed(arena, TEXT("a/b")), "a/b");
	arena_free(arena);
}

TEST(a_path_has_a_directory_and_a_file)
{
	CHECK_SLICE(path_directory(TEXT("/a/b")), "/a");
	CHECK_SLICE(path_directory(TEXT("/a")), "/");
	CHECK_SLICE(path_directory(TEXT("a")), "/");
	CHECK_SLICE(path_file(TEXT("/a/b")), "b");
	CHECK_SLICE(path_file(TEXT("b")), "b");
}
