/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a condition.
 */
#include <ctype.h>
#include <errno.h>

#include "condition/lexer.h"

void lexer_init(struct lexer *lexer, struct text text, struct arena *arena)
{
	*lexer = (struct lexer){ .text = text, .at = { 1, 1, 0 }, .arena = arena };
}

static struct text rest(const struct lexer *lexer)
{
	return text_slice(lexer->text, lexer->at.offset, lexer->text.length);
}

bool lexer_is_at_end(const struct lexer *lexer)
{
	return lexer->at.offset == lexer->text.length;
}

static void advance(struct lexer *lexer, size_t length)
{
	for (; length; length--) {
		lexer->at.column++;
		if (lexer->text.data[lexer->at.offset++] == '\n') {
			lexer->at.line++;
			lexer->at.column = 1;
		}
	}
}

static bool take(struct lexer *lexer, size_t length, struct text *ret_text)
{
	if (!length)
		return false;
	lexer->last_token = text_slice(lexer->text, lexer->at.offset, length);
	if (ret_text)
		*ret_text = lexer->last_token;
	advance(lexer, length);
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\b';
}

static bool is_letter(char c)
{
	return isalpha((unsigned char)c) && (unsigned char)c < 0x80;
}

static bool is_name_byte(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

static bool is_bare_byte(char c)
{
	return !is_blank(c) && !isspace((unsigned char)c) && !strchr("()\"'=,", c);
}

static bool is_bare_argument_byte(char c)
{
	return !is_blank(c) && !isspace((unsigned char)c) && !strchr("[]\"'", c);
}

static size_t length_of(struct text text, bool (*is_part)(char c))
{
	size_t length = 0;

	while (length < text.length && is_part(text.data[length]))
		length++;
	return length;
}

bool lexer_blank(struct lexer *lexer)
{
	size_t length = length_of(rest(lexer), is_blank);

	advance(lexer, length);
	return length > 0;
}

bool lexer_exact(struct lexer *lexer, const char *word)
{
	struct text wanted = text_of(word);

	return text_starts_with(rest(lexer), wanted) && take(lexer, wanted.length, NULL);
}

bool lexer_word(struct lexer *lexer, const char *word)
{
	struct text wanted = text_of(word), left = rest(lexer);

	if (!text_starts_with(left, wanted) || left.length == wanted.length ||
		!is_blank(left.data[wanted.length]))
		return false;
	return take(lexer, wanted.length, NULL);
}

static size_t name_length(struct text text)
{
	return text.length && is_letter(text.data[0]) ? length_of(text, is_name_byte) : 0;
}

/* A name without a dot that is neither a word of the language nor a call. */
static bool is_plain_field(struct text left, size_t length)
{
	struct text word = text_slice(left, 0, length);

	if (text_is(word, "and") || text_is(word, "or") || text_is(word, "not"))
		return false;
	return length && (length == left.length || left.data[length] != '(');
}

bool lexer_field_name(struct lexer *lexer, struct text *ret_text)
{
	struct text left = rest(lexer);
	size_t length = name_length(left), more;
	bool has_dot = false;

	while (length && length < left.length && left.data[length] == '.') {
		more = name_length(text_slice(left, length + 1, left.length));
		if (!more)
			break;
		length += 1 + more;
		has_dot = true;
	}
	if (!has_dot && !(lexer->has_plain_fields && is_plain_field(left, length)))
		return false;
	return take(lexer, length, ret_text);
}

bool lexer_identifier(struct lexer *lexer, struct text *ret_text)
{
	return take(lexer, name_length(rest(lexer)), ret_text);
}

bool lexer_call(struct lexer *lexer, const char *name)
{
	struct text wanted = text_of(name), left = rest(lexer);

	if (!text_starts_with(left, wanted) || left.length == wanted.length ||
		left.data[wanted.length] != '(')
		return false;
	return take(lexer, wanted.length, NULL);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* From `at`: `mark`, an optional sign where `may_sign`, and digits; 0 when they do not stand there.
 */
static size_t part_length(struct text text, size_t at, const char *marks, bool may_sign)
{
	size_t start = at, digits;

	if (at >= text.length || !strchr(marks, text.data[at]) || !text.data[at])
		return 0;
	at++;
	if (may_sign && at < text.length && (text.data[at] == '+' || text.data[at] == '-'))
		at++;
	digits = length_of(text_slice(text, at, text.length), is_digit);
	return digits ? at + digits - start : 0;
}

bool lexer_number(struct lexer *lexer, struct text *ret_text)
{
	struct text left = rest(lexer);
	size_t at = 0, digits;

	if (text_starts_with(left, TEXT("0x"))) {
		digits = length_of(text_slice(left, 2, left.length), is_hex_digit);
		if (digits)
			return take(lexer, 2 + digits, ret_text);
	}
	if (left.length && (left.data[0] == '+' || left.data[0] == '-'))
		at++;
	digits = length_of(text_slice(left, at, left.length), is_digit);
	if (!digits)
		return false;
	at += digits;
	at += part_length(left, at, ".", false);
	at += part_length(left, at, "eE", true);
	return take(lexer, at, ret_text);
}

bool lexer_bare_string(struct lexer *lexer, struct text *ret_text)
{
	return take(lexer, length_of(rest(lexer), is_bare_byte), ret_text);
}

bool lexer_bare_argument(struct lexer *lexer, struct text *ret_text)
{
	return take(lexer, length_of(rest(lexer), is_bare_argument_byte), ret_text);
}

/* Length of the quoted string at the start with both quotes; 0 when it is not one. */
static size_t quoted_length(struct text text)
{
	if (!text.length || (text.data[0] != '"' && text.data[0] != '\''))
		return 0;
	for (size_t at = 1; at < text.length; at++) {
		if (text.data[at] == '\\')
			at++;
		else if (text.data[at] == text.data[0])
			return at + 1;
	}
	return 0;
}

static int hex_value(char c)
{
	return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The byte of \xHH; `text` begins behind the x. */
static int unescape_hex(struct text text, char *ret_byte, struct error *err)
{
	if (text.length < 2)
		return error_set(err, -EINVAL, "truncated hex char escape sequence");
	if (!is_hex_digit(text.data[0]) || !is_hex_digit(text.data[1]))
		return error_set(err, -EINVAL, "invalid hex char escape sequence: %.2s", text.data);
	*ret_byte = (char)(hex_value(text.data[0]) << 4 | hex_value(text.data[1]));
	return 0;
}

/* `text` begins behind the backslash. Returns how many bytes of it were used. */
static int unescape_one(struct text text, char quote, char *ret_byte, struct error *err)
{
	static const char letters[] = "bfnrt\\/ ", bytes[] = "\b\f\n\r\t\\/\\";
	char letter = text.data[0];
	const char *known = letter ? strchr(letters, letter) : NULL;
	int r;

	if (known) {
		*ret_byte = bytes[known - letters];
		return 1;
	}
	if (letter == 'x') {
		r = unescape_hex(text_slice(text, 1, text.length), ret_byte, err);
		return r < 0 ? r : 3;
	}
	if (letter == quote) {
		*ret_byte = letter;
		return 1;
	}
	if (letter == '"' || letter == '\'')
		return error_set(
			err, -EINVAL, "invalid \\%c escape in %c-quoted string", letter, quote);
	return error_set(err, -EINVAL, "unsupported string escape sequence: \\%c", letter);
}

static int unescape(struct lexer *lexer, struct text inside, char quote, struct text *ret_text,
	struct error *err)
{
	char *copy = arena_take(lexer->arena, inside.length + 1);
	size_t length = 0;
	int r;

	for (size_t at = 0; at < inside.length;) {
		if (inside.data[at] != '\\') {
			copy[length++] = inside.data[at++];
			continue;
		}
		r = unescape_one(
			text_slice(inside, at + 1, inside.length), quote, copy + length, err);
		if (r < 0)
			return r;
		length++;
		at += 1 + (size_t)r;
	}
	copy[length] = '\0';
	*ret_text = (struct text){ copy, length };
	return 1;
}

int lexer_quoted_string(struct lexer *lexer, struct text *ret_text, struct error *err)
{
	struct text whole = text_slice(rest(lexer), 0, quoted_length(rest(lexer)));
	int r;

	if (!whole.length)
		return 0;
	r = unescape(lexer, text_slice(whole, 1, whole.length - 2), whole.data[0], ret_text, err);
	if (r > 0)
		take(lexer, whole.length, NULL);
	return r;
}

bool lexer_is_identifier(struct text text)
{
	return text.length && name_length(text) == text.length;
}

bool lexer_is_bare(struct text text)
{
	return text.length && length_of(text, is_bare_byte) == text.length;
}
