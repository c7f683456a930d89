/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "tests/test.h"

TEST(many_small_and_one_large_piece_keep_their_bytes)
{
	struct arena *arena = arena_new(1024 * 1024);
	char *pieces[1000];
	char *large;

	for (int i = 0; i < 1000; i++) {
		pieces[i] = arena_take(arena, 33);
		memset(pieces[i], i, 33);
	}
	large = arena_take(arena, 300000);
	memset(large, 'x', 300000);
	for (int i = 0; i < 1000; i++)
		CHECK(pieces[i][0] == (char)i && pieces[i][32] == (char)i);
	CHECK(arena_used(arena) >= 333000);
	arena_reset(arena);
	CHECK_NUMBER(arena_used(arena), 0);
	arena_free(arena);
}

TEST(a_copy_ends_in_nul)
{
	struct arena *arena = arena_new(1024);
	struct text copy = arena_copy(arena, (struct text){ "shadow", 3 });

	CHECK_NUMBER(copy.length, 3);
	CHECK_TEXT(copy.data, "sha");
	CHECK_TEXT(arena_printf(arena, "%s-%d", "n", 7).data, "n-7");
	arena_free(arena);
}
