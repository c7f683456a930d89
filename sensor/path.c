/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text. */
#include "sensor/path.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* The high bit of each byte of `word` that is `byte`. */
static uint64_t bytes_that_are(uint64_t word, unsigned char byte)
{
	uint64_t other = word ^ EACH_BYTE(byte), low = EACH_BYTE(0x7f);

	return ~(((other & low) + low) | other | low);
}

static uint64_t load_word(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/*
 * Whether no part is empty, nor begins with a dot: such a one may be "." or "..", and the slow way
 * decides. Eight bytes at once, for this is asked of every path.
 */
static bool is_normal(struct text path)
{
	size_t i = 0;

	if (!path.length || path.data[0] != '/')
		return false;
	if (path.length > 1 && path.data[path.length - 1] == '/')
		return false;
	for (; i + sizeof(uint64_t) < path.length; i += sizeof(uint64_t)) {
		uint64_t next = load_word(path.data + i + 1);

		if (bytes_that_are(load_word(path.data + i), '/') &
			(bytes_that_are(next, '/') | bytes_that_are(next, '.')))
			return false;
	}
	for (; i + 1 < path.length; i++)
		if (path.data[i] == '/' && (path.data[i + 1] == '/' || path.data[i + 1] == '.'))
			return false;
	return true;
}

/* Takes the last part off a path of `length` bytes that has no slash at its end. */
static size_t parent_length(const char *path, size_t length)
{
	while (length && path[length - 1] != '/')
		length--;
	return length ? length - 1 : 0;
}

/* Adds the parts of `path` to what is in `out`; gives the new length. */
static size_t add_parts(char *out, size_t length, struct text path)
{
	struct text part;

	while (text_split(&path, '/', &part)) {
		if (!part.length || text_is(part, "."))
			continue;
		if (text_is(part, "..")) {
			length = parent_length(out, length);
			continue;
		}
		out[length++] = '/';
		memcpy(out + length, part.data, part.length);
		length += part.length;
	}
	return length;
}

struct text path_absolute(struct arena *arena, struct text base, struct text path)
{
	bool is_relative = !path.length || path.data[0] != '/';
	size_t length = 0;
	char *out;

	if (path.length + (is_relative ? base.length + 1 : 0) > PATH_BYTES_MAX)
		return TEXT(PATH_TOO_LONG);
	if (is_normal(path))
		return path;
	out = arena_take(arena, path.length + base.length + 4);
	if (is_relative)
		length = add_parts(out, length, base);
	length = add_parts(out, length, path);
	if (!length)
		return TEXT("/");
	out[length] = '\0';
	return (struct text){ out, length };
}

struct text path_collapsed(struct arena *arena, struct text path)
{
	char *out;
	size_t length = 0;

	if (!text_contains(path, TEXT("//")))
		return path;
	out = arena_take(arena, path.length + 1);
	for (size_t i = 0; i < path.length; i++)
		if (path.data[i] != '/' || !length || out[length - 1] != '/')
			out[length++] = path.data[i];
	out[length] = '\0';
	return (struct text){ out, length };
}

static ptrdiff_t last_slash(struct text path)
{
	for (size_t i = path.length; i-- > 0;)
		if (path.data[i] == '/')
			return (ptrdiff_t)i;
	return -1;
}

struct text path_directory(struct text path)
{
	ptrdiff_t slash = last_slash(path);

	return slash <= 0 ? TEXT("/") : text_slice(path, 0, (size_t)slash);
}

struct text path_file(struct text path)
{
	return text_slice(path, (size_t)(last_slash(path) + 1), path.length);
}
