/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators: the functions behind the rows of operators.def, and how constants are read.
 * A test is asked only with a value of its class; the machine sees to that.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "condition/glob.h"
#include "condition/operators.h"
#include "condition/prefixes.h"
#include "condition/regex.h"
#include "condition/sets.h"

#define TEST_BY_ORDER(name, claim)                                                        \
	static bool text_##name(                                                          \
		const struct value *left, const struct right *right, struct arena *arena) \
	{                                                                                 \
		int order = text_compare(left->text, right->value.text);                  \
		return order claim 0;                                                     \
	}                                                                                 \
	static bool signed_##name(                                                        \
		const struct value *left, const struct right *right, struct arena *arena) \
	{                                                                                 \
		return left->number claim right->value.number;                            \
	}                                                                                 \
	static bool unsigned_##name(                                                      \
		const struct value *left, const struct right *right, struct arena *arena) \
	{                                                                                 \
		return left->size claim right->value.size;                                \
	}

TEST_BY_ORDER(at_most, <=)
TEST_BY_ORDER(below, <)
TEST_BY_ORDER(at_least, >=)
TEST_BY_ORDER(above, >)

static bool text_equal_test(
	const struct value *left, const struct right *right, struct arena *arena)
{
	return text_equal(left->text, right->value.text);
}

static bool number_equal_test(
	const struct value *left, const struct right *right, struct arena *arena)
{
	return left->size == right->value.size;
}

static bool bool_equal_test(
	const struct value *left, const struct right *right, struct arena *arena)
{
	return left->flag == right->value.flag;
}

static bool address_equal_test(
	const struct value *left, const struct right *right, struct arena *arena)
{
	const struct address *a = &left->address, *b = &right->value.address;

	return a->family == b->family && !memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16);
}

static bool net_equal_test(const struct value *left, const struct right *right, struct arena *arena)
{
	return net_has(right, &left->address);
}

#define TEST_UNEQUAL(family)                                                              \
	static bool family##_unequal_test(                                                \
		const struct value *left, const struct right *right, struct arena *arena) \
	{                                                                                 \
		return !family##_equal_test(left, right, arena);                          \
	}

TEST_UNEQUAL(text)
TEST_UNEQUAL(number)
TEST_UNEQUAL(bool)
TEST_UNEQUAL(address)
TEST_UNEQUAL(net)

/* `in` and `intersects` with constants ask the set; with val() the right side is a value or list.
 */
#define TEST_AMONG(family)                                                                \
	static bool family##_among_test(                                                  \
		const struct value *left, const struct right *right, struct arena *arena) \
	{                                                                                 \
		struct right one = *right;                                                \
		if (right->set)                                                           \
			return value_set_has(right->set, left);                           \
		if (right->value.kind != VALUE_LIST)                                      \
			return family##_equal_test(left, right, arena);                   \
		for (size_t i = 0; i < right->value.list.count; i++) {                    \
			one.value = right->value.list.items[i];                           \
			if (family##_equal_test(left, &one, arena))                       \
				return true;                                              \
		}                                                                         \
		return false;                                                             \
	}

TEST_AMONG(text)
TEST_AMONG(number)
TEST_AMONG(bool)
TEST_AMONG(address)
TEST_AMONG(net)

static bool text_has(const struct value *left, const struct right *right, struct arena *arena)
{
	return text_contains(left->text, right->value.text);
}

static bool text_has_ignoring_case(
	const struct value *left, const struct right *right, struct arena *arena)
{
	return text_contains_ignoring_case(left->text, right->value.text);
}

static bool text_begins(const struct value *left, const struct right *right, struct arena *arena)
{
	return text_starts_with(left->text, right->value.text);
}

static bool text_ends(const struct value *left, const struct right *right, struct arena *arena)
{
	return text_ends_with(left->text, right->value.text);
}

static bool text_glob(const struct value *left, const struct right *right, struct arena *arena)
{
	return glob_matches(right->value.text, left->text, false);
}

static bool text_iglob(const struct value *left, const struct right *right, struct arena *arena)
{
	return glob_matches(right->value.text, left->text, true);
}

static bool text_pmatch(const struct value *left, const struct right *right, struct arena *arena)
{
	return prefixes_match(right->prefixes, left->text);
}

static bool is_utf8(struct text text)
{
	for (size_t at = 0, length; at < text.length; at += length) {
		length = utf8_sequence_length(text_slice(text, at, text.length));
		if (!length)
			return false;
	}
	return true;
}

/* Every byte that is part of no sequence becomes U+FFFD. */
static struct text repair(struct text text, struct arena *arena)
{
	char *copy = arena_take(arena, text.length * 3 + 1);
	size_t length = 0;

	for (size_t at = 0; at < text.length;) {
		size_t good = utf8_sequence_length(text_slice(text, at, text.length));

		memcpy(copy + length, good ? text.data + at : "\xef\xbf\xbd", good ? good : 3);
		length += good ? good : 3;
		at += MAX_OF(good, 1);
	}
	return (struct text){ copy, length };
}

static bool text_regex(const struct value *left, const struct right *right, struct arena *arena)
{
	struct text text = is_utf8(left->text) ? left->text : repair(left->text, arena);

	return regex_matches(right->regex, text.data, text.length);
}

#define EQUALITY(relation)                                                              \
	.text = text_##relation##_test, .bytes = text_##relation##_test,                \
	.is_signed = number_##relation##_test, .is_unsigned = number_##relation##_test, \
	.is_bool = bool_##relation##_test, .address = address_##relation##_test,        \
	.net = net_##relation##_test

static const struct operator_row operators[] = {
#define OPERATOR(id, name, syntax, flags, prepare, ...) \
	[OPERATOR_##id] = { name, syntax, flags, prepare, { __VA_ARGS__ } },
#include "condition/operators.def"
#undef OPERATOR
};

enum operand_class class_of_type(enum value_type type)
{
	if (type == TYPE_IPNET)
		return CLASS_NET;
	switch (value_type_kind(type)) {
	case VALUE_BYTES:
		return CLASS_BYTES;
	case VALUE_SIGNED:
		return CLASS_SIGNED;
	case VALUE_UNSIGNED:
		return CLASS_UNSIGNED;
	case VALUE_BOOL:
		return CLASS_BOOL;
	case VALUE_ADDRESS:
		return CLASS_ADDRESS;
	case VALUE_TEXT:
	case VALUE_LIST:
		return CLASS_TEXT;
	}
	return CLASS_TEXT;
}

const char *class_words(enum operand_class class)
{
	static const char *const words[CLASS_COUNT] = {
		[CLASS_TEXT] = "string",
		[CLASS_BYTES] = "buffer",
		[CLASS_SIGNED] = "numeric",
		[CLASS_UNSIGNED] = "numeric",
		[CLASS_BOOL] = "boolean",
		[CLASS_ADDRESS] = "ip address and network",
		[CLASS_NET] = "ip address and network",
	};

	return words[class];
}

const struct operator_row *operator_at(enum operator_id id)
{
	return &operators[id];
}

enum operator_id operator_id(const struct operator_row *op)
{
	return (enum operator_id)(op - operators);
}

const struct operator_row *operator_find(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(operators); i++)
		if (text_is(name, operators[i].name))
			return &operators[i];
	return NULL;
}

operator_test *operator_test_for(const struct operator_row *op, enum operand_class class)
{
	const struct operator_tests *tests = &op->tests;
	operator_test *const by_class[CLASS_COUNT] = { tests->text, tests->bytes, tests->is_signed,
		tests->is_unsigned, tests->is_bool, tests->address, tests->net };

	return by_class[class];
}

const char *modifier_name(enum modifier modifier)
{
	static const char *const names[MODIFIER_COUNT] = { "", "oneof", "anyof", "allof" };

	return names[modifier];
}

/* How many bits a value of the type has; a negative text wraps around in them. */
static unsigned type_bits(enum value_type type)
{
	switch (type) {
	case TYPE_INT8:
	case TYPE_UINT8:
	case TYPE_FLAGS8:
	case TYPE_ENUMFLAGS8:
		return 8;
	case TYPE_INT16:
	case TYPE_UINT16:
	case TYPE_FLAGS16:
	case TYPE_ENUMFLAGS16:
	case TYPE_PORT:
		return 16;
	case TYPE_INT32:
	case TYPE_UINT32:
	case TYPE_FLAGS32:
	case TYPE_ENUMFLAGS32:
	case TYPE_MODE:
	case TYPE_UID:
	case TYPE_GID:
		return 32;
	default:
		return 64;
	}
}

static int parse_signed(
	struct text text, enum value_type type, struct value *ret, struct error *err)
{
	int64_t number, limit = INT64_MAX >> (64 - type_bits(type));

	if (text_to_i64(text, &number) < 0 || number > limit || number < -limit - 1)
		return error_set(
			err, -EINVAL, TEXT_FORMAT " is not a valid number", TEXT_PRINT(text));
	*ret = value_signed(number);
	return 0;
}

static int parse_unsigned(
	struct text text, enum value_type type, struct value *ret, struct error *err)
{
	uint64_t size, limit = UINT64_MAX >> (64 - type_bits(type));
	int64_t number;
	struct text digits = text;

	if (digits.length && digits.data[0] == '+')
		digits = text_slice(digits, 1, digits.length);
	if (text_to_u64(digits, &size) == 0 && size <= limit) {
		*ret = value_unsigned(size);
		return 0;
	}
	if (text_to_i64(text, &number) == 0 && number < 0) {
		*ret = value_unsigned((uint64_t)number & limit);
		return 0;
	}
	return error_set(err, -EINVAL, TEXT_FORMAT " is not a valid number", TEXT_PRINT(text));
}

static int parse_port(struct text text, struct value *ret, struct error *err)
{
	_cleanup_(freep) char *name = text_to_string(text);
	const struct servent *service;

	if (text.length && text.data[0] >= '0' && text.data[0] <= '9')
		return parse_unsigned(text, TYPE_PORT, ret, err);
	service = getservbyname(name, NULL);
	if (!service)
		return error_set(err, -EINVAL, "unrecognized protocol %s", name);
	*ret = value_unsigned(ntohs((uint16_t)service->s_port));
	return 0;
}

static int parse_bool(struct text text, struct value *ret, struct error *err)
{
	if (!text_is(text, "true") && !text_is(text, "false"))
		return error_set(err, -EINVAL,
			"filter error: unrecognized boolean value " TEXT_FORMAT, TEXT_PRINT(text));
	*ret = value_bool(text_is(text, "true"));
	return 0;
}

static bool read_address(struct text text, struct address *ret_address)
{
	_cleanup_(freep) char *name = text_to_string(text);
	bool is_v4 = text_contains(text, TEXT(".")) && !text_contains(text, TEXT(":"));

	*ret_address = (struct address){ .family = is_v4 ? 4 : 6 };
	return inet_pton(is_v4 ? AF_INET : AF_INET6, name, ret_address->bytes) == 1;
}

static int parse_address(struct text text, struct right *ret, struct error *err)
{
	ret->value.kind = VALUE_ADDRESS;
	if (!read_address(text, &ret->value.address))
		return error_set(err, -EINVAL, "unrecognized %s address " TEXT_FORMAT,
			text_contains(text, TEXT(".")) ? "IPv4" : "IPv6", TEXT_PRINT(text));
	ret->prefix_bits = ret->value.address.family == 4 ? 32 : 128;
	return 0;
}

static int parse_net(struct text text, struct right *ret, struct error *err)
{
	struct text bits = text, address;
	uint64_t number;

	text_split(&bits, '/', &address);
	ret->value.kind = VALUE_ADDRESS;
	if (!bits.data || !read_address(address, &ret->value.address))
		return error_set(
			err, -EINVAL, "unrecognized IP network " TEXT_FORMAT, TEXT_PRINT(text));
	if (text_to_u64(bits, &number) < 0 || number > (ret->value.address.family == 4 ? 32 : 128))
		return error_set(err, -EINVAL, "invalid netmask " TEXT_FORMAT, TEXT_PRINT(bits));
	ret->prefix_bits = (unsigned)number;
	return 0;
}

int constant_parse(
	struct text text, enum value_type type, struct right *ret_right, struct error *err)
{
	*ret_right = (struct right){ 0 };
	switch (class_of_type(type)) {
	case CLASS_TEXT:
		ret_right->value = value_text(text);
		return 0;
	case CLASS_BYTES:
		ret_right->value = (struct value){ .kind = VALUE_BYTES, .text = text };
		return 0;
	case CLASS_SIGNED:
		return parse_signed(text, type, &ret_right->value, err);
	case CLASS_UNSIGNED:
		return type == TYPE_PORT ? parse_port(text, &ret_right->value, err)
					 : parse_unsigned(text, type, &ret_right->value, err);
	case CLASS_BOOL:
		return parse_bool(text, &ret_right->value, err);
	case CLASS_ADDRESS:
		return parse_address(text, ret_right, err);
	case CLASS_NET:
		return parse_net(text, ret_right, err);
	case CLASS_COUNT:
		break;
	}
	return error_set(err, -EINVAL, "filter error: no constants of this type");
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at;

	c = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* The bytes that hexadecimal text stands for. */
static int prepare_hex(struct text text, struct right *ret_right, struct error *err)
{
	char *bytes = memory_new(text.length / 2 + 1, 1);

	for (size_t i = 0; i < text.length; i++) {
		int digit = hex_digit(text.data[i]);

		if (digit < 0 || text.length % 2) {
			free(bytes);
			return error_set(err, -EINVAL,
				"filter error: bcontains and bstartswith operator support hex "
				"strings only");
		}
		bytes[i / 2] = (char)(bytes[i / 2] << 4 | digit);
	}
	*ret_right = (struct right){
		.value = { .kind = VALUE_BYTES, .text = { bytes, text.length / 2 } },
		.bytes = bytes,
	};
	return 0;
}

static int prepare_set(enum value_type type, const struct text *values, size_t count,
	struct right *ret_right, struct error *err)
{
	_cleanup_(freep) struct right *constants = NEW_ARRAY(struct right, count);
	int r;

	for (size_t i = 0; i < count; i++) {
		r = constant_parse(values[i], type, &constants[i], err);
		if (r < 0)
			return r;
	}
	*ret_right = (struct right){ .set = value_set_new(class_of_type(type), constants, count) };
	return 0;
}

static int prepare_prefixes(const struct text *values, size_t count, struct right *ret_right)
{
	*ret_right = (struct right){ .prefixes = prefixes_new() };
	for (size_t i = 0; i < count; i++)
		prefixes_add(ret_right->prefixes, values[i]);
	return 0;
}

static int prepare_regex(struct text pattern, struct right *ret_right, struct error *err)
{
	char problem[256];

	*ret_right = (struct right){ .regex = regex_new(pattern.data ? pattern.data : "",
					     pattern.length, problem, sizeof(problem)) };
	return ret_right->regex ? 0 : error_set(err, -EINVAL, "invalid regex pattern: %s", problem);
}

int right_prepare(const struct operator_row *op, enum value_type type, const struct text *values,
	size_t count, struct right *ret_right, struct error *err)
{
	*ret_right = (struct right){ 0 };
	switch (op->prepare) {
	case PREPARE_NOTHING:
		return 0;
	case PREPARE_ONE:
		return constant_parse(values[0], type, ret_right, err);
	case PREPARE_HEX:
		return prepare_hex(values[0], ret_right, err);
	case PREPARE_SET:
		return prepare_set(type, values, count, ret_right, err);
	case PREPARE_PREFIXES:
		return prepare_prefixes(values, count, ret_right);
	case PREPARE_REGEX:
		return prepare_regex(values[0], ret_right, err);
	}
	return 0;
}

void right_done(struct right *right)
{
	value_set_free(right->set);
	prefixes_free(right->prefixes);
	regex_free(right->regex);
	free(right->bytes);
}
