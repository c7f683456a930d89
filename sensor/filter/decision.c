/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions. A field's values are few, or lie on a line that the constants of the test cut into
 * pieces: the test itself is asked once for each, at load, and so the kernel answers as it would.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"
#include "sensor/filter/decision.h"
#include "sensor/sources/decode.h"

#define MAGIC_PIPE	0x50495045
#define MAGIC_ANONYMOUS 0x09041934
#define MAGIC_PIDFD	0x50494446
#define CUTS_MAX	40

struct decider {
	const struct program *program;
	const struct test *test;
	const struct event_type *type;
	const struct reading *left;
	struct call call;
	struct arena *arena;
	struct decision decision;
};

#define RECORD(member)                                                   \
	((struct place){ (uint16_t)offsetof(struct call_record, member), \
		sizeof(((struct call_record *)0)->member), false })

static struct place signed_place(struct place place)
{
	place.is_signed = true;
	return place;
}

static void fix(struct decider *decider, bool is_yes)
{
	decider->decision = (struct decision){ .fixed = is_yes ? ANSWER_YES : ANSWER_NO };
}

static bool asks(const struct decider *decider, struct value value)
{
	return decider->test->ask(&value, decider->test->rights, decider->arena);
}

static int answer_of(const struct decider *decider, struct value value)
{
	return asks(decider, value) ? ANSWER_YES : ANSWER_NO;
}

static int answer_of_text(const struct decider *decider, const char *text)
{
	return answer_of(decider, value_text(text_of(text)));
}

static struct step *add_step(
	struct decider *decider, struct place place, uint64_t mask, int otherwise)
{
	struct step *step;

	if (!decider->decision.steps)
		decider->decision = (struct decision){ .kind = DECISION_STEPS,
			.steps = ARENA_NEW(decider->arena, struct step, STEPS_MAX) };
	step = &decider->decision.steps[decider->decision.step_count++];
	*step = (struct step){ .place = place, .mask = mask, .otherwise = otherwise };
	return step;
}

/* The next step after the last one that was added. */
static int next_step(const struct decider *decider)
{
	return ANSWER_STEP + (int)decider->decision.step_count;
}

static void add_range(struct step *step, int64_t low, int64_t high, int to)
{
	struct range *last = step->count ? &step->ranges[step->count - 1] : NULL;

	if (last && last->to == to && last->high != INT64_MAX && last->high + 1 == low) {
		last->high = high;
		return;
	}
	if (to == step->otherwise)
		return;
	if (step->count == STEP_RANGES_MAX) {
		step->is_too_long = true;
		return;
	}
	step->ranges[step->count++] = (struct range){ low, high, to };
}

static int compare_cuts(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* Where answers may change: before and behind each constant. False: too many. */
static bool find_cuts(const struct decider *decider, int64_t *cuts, size_t *ret_count)
{
	size_t count = 0;

	if (decider->test->constant_count * 2 > CUTS_MAX)
		return false;
	for (size_t i = 0; i < decider->test->constant_count; i++) {
		struct right right = { 0 };

		if (constant_parse(decider->test->constants[i], decider->left->shape.type, &right,
			    NULL) < 0 ||
			right.value.number == INT64_MAX)
			return false;
		cuts[count++] = right.value.number;
		cuts[count++] = right.value.number + 1;
	}
	qsort(cuts, count, sizeof(*cuts), compare_cuts);
	*ret_count = count;
	return true;
}

static struct value number_value(const struct decider *decider, int64_t number)
{
	return (struct value){ .kind = value_type_kind(decider->left->shape.type),
		.number = number };
}

/* A number that the field gives as it is. */
static void whole_number(struct decider *decider, struct place place)
{
	int64_t low = place.is_signed ? INT64_MIN : 0;
	int64_t high = place.is_signed ? INT64_MAX : (INT64_C(1) << place.size * 8) - 1;
	int64_t cuts[CUTS_MAX];
	struct step *step;
	size_t count;

	if (!find_cuts(decider, cuts, &count))
		return;
	step = add_step(decider, place, 0, ANSWER_UNKNOWN);
	for (size_t i = 0; i <= count; i++) {
		int64_t end = i < count ? MIN_OF(cuts[i] - 1, high) : high;

		if (end < low)
			continue;
		add_range(step, low, end, answer_of(decider, number_value(decider, low)));
		if (end == high)
			return;
		low = end + 1;
	}
}

/* ---- the event ---- */

static void decide_event_type(struct decider *decider)
{
	fix(decider, answer_of_text(decider, decider->type->name) == ANSWER_YES);
}

static void decide_direction(struct decider *decider)
{
	fix(decider, answer_of_text(decider, "<") == ANSWER_YES);
}

/* evt.num is 1 or more; shipped rules say "never" with it. */
static void decide_number(struct decider *decider)
{
	enum operator_id operation = operator_id(decider->test->op);
	uint64_t size = decider->test->rights[0].value.size;

	if (size == 0 && (operation == OPERATOR_EQUAL || operation == OPERATOR_EQUAL_TWICE))
		fix(decider, false);
	if (size == 0 && (operation == OPERATOR_UNEQUAL || operation == OPERATOR_GREATER))
		fix(decider, true);
}

static void decide_result(struct decider *decider)
{
	if (!decider->type->has_result)
		fix(decider, false);
	else
		whole_number(decider, signed_place(RECORD(result)));
}

static void decide_failed(struct decider *decider)
{
	struct step *step;

	if (!decider->type->has_result) {
		fix(decider, false);
		return;
	}
	step = add_step(decider, signed_place(RECORD(result)), 0, ANSWER_UNKNOWN);
	add_range(step, INT64_MIN, -1, answer_of(decider, value_bool(true)));
	add_range(step, 0, INT64_MAX, answer_of(decider, value_bool(false)));
}

static void decide_outcome(struct decider *decider)
{
	struct step *step;

	if (!decider->type->has_result) {
		fix(decider, false);
		return;
	}
	step = add_step(decider, signed_place(RECORD(result)), 0, ANSWER_UNKNOWN);
	add_range(step, 0, INT64_MAX, answer_of_text(decider, "SUCCESS"));
	for (int64_t code = -4095; code < 0; code++)
		add_range(step, code, code,
			answer_of(decider, value_text(errno_text(decider->arena, code))));
}

/* The caller's flags of an open, as the decoder finds them. False: they are nowhere. */
static bool flags_place(const struct decider *decider, struct place *ret_place)
{
	switch (decider->type->id) {
	case EVENT_open:
		*ret_place = RECORD(arguments[1]);
		return true;
	case EVENT_openat:
	case EVENT_open_by_handle_at:
		*ret_place = RECORD(arguments[2]);
		return true;
	case EVENT_openat2:
		*ret_place = RECORD(how[0]); /* zero when it was not read */
		return true;
	default:
		return false;
	}
}

static void decide_mode(struct decider *decider, unsigned modes)
{
	struct place place;
	struct step *step;

	if (!decider->type->is_open) {
		fix(decider, asks(decider, value_bool(false)));
		return;
	}
	if (!flags_place(decider, &place))
		return;
	step = add_step(decider, place, 3, ANSWER_UNKNOWN);
	for (unsigned mode = 0; mode < 4; mode++)
		add_range(step, mode, mode, answer_of(decider, value_bool(modes >> mode & 1)));
}

static void decide_is_read(struct decider *decider)
{
	decide_mode(decider, 1 << 0 | 1 << 2 | 1 << 3);
}

static void decide_is_write(struct decider *decider)
{
	decide_mode(decider, 1 << 1 | 1 << 2);
}

/* ---- paths ---- */

static bool path_operator_of(enum operator_id operation, enum path_operator *ret_operator)
{
	static const struct {
		enum operator_id operation;
		enum path_operator path;
	} rows[] = {
		{ OPERATOR_EQUAL, PATH_EQUAL },
		{ OPERATOR_EQUAL_TWICE, PATH_EQUAL },
		{ OPERATOR_UNEQUAL, PATH_EQUAL },
		{ OPERATOR_IN, PATH_EQUAL },
		{ OPERATOR_STARTSWITH, PATH_BEGINS },
		{ OPERATOR_ENDSWITH, PATH_ENDS },
		{ OPERATOR_CONTAINS, PATH_CONTAINS },
		{ OPERATOR_GLOB, PATH_BEGINS_SO },
		{ OPERATOR_PMATCH, PATH_BELOW },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].operation == operation) {
			*ret_operator = rows[i].path;
			return true;
		}
	return false;
}

/* Of a pattern, what is before its first sign. */
static struct text plain_part(struct text pattern)
{
	size_t length = 0;

	while (length < pattern.length && !strchr("?*[\\", pattern.data[length]))
		length++;
	return text_slice(pattern, 0, length);
}

/* For pmatch, to which slashes at the begin and the end are nothing. False: it has patterns, or
 * more slashes than it needs. */
static bool path_of_names(struct arena *arena, struct text *text)
{
	struct text names = *text;

	while (names.length && names.data[names.length - 1] == '/')
		names.length--;
	if (!names.length || names.data[0] != '/')
		names = arena_printf(arena, "/" TEXT_FORMAT, TEXT_PRINT(names));
	*text = names;
	return plain_part(names).length == names.length && text_find(names, TEXT("//")) < 0;
}

static bool decide_path(struct decider *decider, enum path_kind kind, bool needs_canonical)
{
	const struct test *test = decider->test;
	enum operator_id operation = operator_id(test->op);
	struct text *texts = ARENA_NEW(decider->arena, struct text, test->constant_count + 1);
	enum path_operator path;

	if (!path_operator_of(operation, &path) || (path == PATH_BELOW && kind == PATH_AS_GIVEN))
		return false;
	for (size_t i = 0; i < test->constant_count; i++) {
		texts[i] = test->constants[i];
		if (path == PATH_BELOW && !path_of_names(decider->arena, &texts[i]))
			return false;
		if (path == PATH_BEGINS_SO)
			texts[i] = plain_part(texts[i]);
	}
	decider->decision = (struct decision){ .kind = DECISION_PATH,
		.is_inverted = operation == OPERATOR_UNEQUAL,
		.path_operator = path,
		.path_kind = kind,
		.needs_canonical = needs_canonical,
		.texts = texts,
		.text_count = test->constant_count };
	return true;
}

/* ---- arguments ---- */

static bool is_own(enum argument_source source)
{
	return source <= SOURCE_5;
}

static bool is_enumeration(enum value_type type)
{
	return type == TYPE_ENUMFLAGS8 || type == TYPE_ENUMFLAGS16 || type == TYPE_ENUMFLAGS32;
}

static bool is_flags(enum value_type type)
{
	return type == TYPE_FLAGS8 || type == TYPE_FLAGS16 || type == TYPE_FLAGS32;
}

/* Does no number written out satisfy it? All constants hold something that no number does. */
static bool refuses_numbers(const struct test *test)
{
	static const enum operator_id positive[] = { OPERATOR_EQUAL, OPERATOR_EQUAL_TWICE,
		OPERATOR_CONTAINS, OPERATOR_STARTSWITH, OPERATOR_ENDSWITH, OPERATOR_IN };
	bool is_positive = false;

	for (size_t i = 0; i < COUNT_OF(positive); i++)
		is_positive |= operator_id(test->op) == positive[i];
	for (size_t i = 0; i < test->constant_count; i++) {
		bool has_letter = false;

		for (size_t j = 0; j < test->constants[i].length; j++)
			has_letter |= test->constants[i].data[j] > '9';
		is_positive &= has_letter;
	}
	return is_positive;
}

static int answer_of_name(
	const struct decider *decider, const struct flag_name *names, uint64_t bits)
{
	for (size_t i = 0; names[i].name; i++)
		if (names[i].bits == bits)
			return answer_of_text(decider, names[i].name);
	return answer_of(decider,
		value_text(arena_printf(decider->arena, "%llu", (unsigned long long)bits)));
}

#define UNNAMED 0x7ffffffe /* in no enumeration */

/* An enumeration prints its value's name; of what is not in it the name for all others, or 0. */
static void decide_enumeration(
	struct decider *decider, const struct flag_name *names, struct place place)
{
	struct step *step = add_step(decider, place, 0,
		answer_of_name(decider, names, flags_from_native(names, UNNAMED)));
	uint64_t native;

	for (size_t i = 0; flags_native_at(names, i, &native); i++)
		add_range(step, (int64_t)native, (int64_t)native,
			answer_of_name(decider, names, flags_from_native(names, native)));
}

/* Flags print the names of the bits; who looks for a part of a name needs one that is set. */
static void decide_flags(struct decider *decider, const struct flag_name *names, struct place place)
{
	uint64_t native, all = 0;
	struct step *step;

	if (operator_id(decider->test->op) != OPERATOR_CONTAINS ||
		text_find(decider->test->constants[0], TEXT("|")) >= 0 ||
		!refuses_numbers(decider->test))
		return;
	for (size_t i = 0; names[i].name; i++) {
		if (!asks(decider, value_text(text_of(names[i].name))))
			continue;
		/* O_RDONLY is no bit, others come from elsewhere. */
		if (!flags_native_at(names, i, &native) || !native || names[i].bits <= 3)
			return;
		all |= native;
	}
	step = add_step(decider, place, all, ANSWER_UNKNOWN);
	add_range(step, 0, 0, ANSWER_NO);
	if (!all)
		fix(decider, false);
}

static int argument_of(const struct event_type *type, const struct field_use *use)
{
	if (use->index >= 0)
		return use->index < type->argument_count ? (int)use->index : -1;
	for (int i = 0; i < type->argument_count; i++)
		if (text_is(use->key, type->arguments[i].name))
			return i;
	return -1;
}

static void decide_argument(struct decider *decider)
{
	int index = argument_of(decider->type, &decider->left->use);
	const struct event_argument *argument;
	enum argument_source source;
	struct place place;

	if (index < 0) {
		fix(decider, false);
		return;
	}
	argument = &decider->type->arguments[index];
	source = argument_source_of(decider->type->id, index);
	if (!is_own(source))
		return;
	place = (struct place){ (uint16_t)(offsetof(struct call_record, arguments) + source * 8), 4,
		false };
	if (is_enumeration(argument->type))
		decide_enumeration(decider, argument->names, place);
	else if (is_flags(argument->type))
		decide_flags(decider, argument->names, place);
	else if (argument->type == TYPE_CHARBUF && decider->call.texts[0] == (int)source)
		decide_path(decider, PATH_AS_GIVEN, false);
	else if ((argument->type == TYPE_FSPATH || argument->type == TYPE_FSRELPATH) &&
		 decider->call.texts[0] == (int)source)
		decide_path(decider, PATH_OF_VIEW, true);
}

/* ---- descriptors ---- */

static void decide_fd_number(struct decider *decider)
{
	int fd = decider->call.fd;
	struct place place = RECORD(result);

	if (fd == CALL_NOTHING) {
		fix(decider, false);
		return;
	}
	if (fd != CALL_RESULT)
		place = (struct place){ (uint16_t)(offsetof(struct call_record, arguments) +
						   (size_t)fd * 8),
			4, false };
	whole_number(decider, signed_place(place));
}

struct fd_answers {
	int file, directory, v4, v6, unix_, netlink, unsupported, pipe, pidfd, failed;
};

/*
 * As the decoder tells kinds apart: no file, socket by family, special file systems, directory,
 * anything else.
 */
static void decide_fd_kind(struct decider *decider, const struct fd_answers *to)
{
	struct step *step;

	step = add_step(
		decider, RECORD(flags), CALL_HAS_FILE | CALL_REAL_PATH_DETACHED, ANSWER_UNKNOWN);
	if (decider->type->is_open)
		add_range(step, 0, 0, to->failed);
	add_range(step, CALL_HAS_FILE, CALL_HAS_FILE, next_step(decider));

	step = add_step(decider, RECORD(file.mode), S_IFMT, next_step(decider) + 1);
	add_range(step, S_IFSOCK, S_IFSOCK, next_step(decider) + 2);

	step = add_step(decider, RECORD(file.magic), 0, next_step(decider) + 1);
	add_range(step, MAGIC_ANONYMOUS, MAGIC_ANONYMOUS, ANSWER_UNKNOWN);
	add_range(step, MAGIC_PIPE, MAGIC_PIPE, to->pipe);
	add_range(step, MAGIC_PIDFD, MAGIC_PIDFD, to->pidfd);

	step = add_step(decider, RECORD(file.mode), S_IFMT, to->file);
	add_range(step, S_IFDIR, S_IFDIR, to->directory);

	/* What an IPv6 socket is taken for depends on its addresses. */
	step = add_step(decider, RECORD(socket.family), 0, to->unsupported);
	add_range(step, AF_UNIX, AF_UNIX, to->unix_);
	add_range(step, AF_INET, AF_INET, to->v4);
	add_range(step, AF_INET6, AF_INET6, to->v4 == to->v6 ? to->v6 : ANSWER_UNKNOWN);
	add_range(step, AF_NETLINK, AF_NETLINK, to->netlink);
}

static int same_or_unknown(int one, int other)
{
	return one == other ? one : ANSWER_UNKNOWN;
}

static void decide_fd_type(struct decider *decider)
{
	struct fd_answers to = { 0 };

	if (decider->call.fd == CALL_NOTHING) {
		fix(decider, false);
		return;
	}
	to.file = answer_of_text(decider, "file");
	to.directory = answer_of_text(decider, "directory");
	to.v4 = answer_of_text(decider, "ipv4");
	to.v6 = answer_of_text(decider, "ipv6");
	to.unix_ = answer_of_text(decider, "unix");
	to.netlink = answer_of_text(decider, "netlink");
	to.unsupported = answer_of_text(decider, "<NA>");
	to.pipe = answer_of_text(decider, "pipe");
	to.pidfd = answer_of_text(decider, "pidfd");
	to.failed = same_or_unknown(to.file, to.directory);
	decide_fd_kind(decider, &to);
}

static void decide_fd_letter(struct decider *decider)
{
	struct fd_answers to = { 0 };

	if (decider->call.fd == CALL_NOTHING) {
		fix(decider, false);
		return;
	}
	to.file = answer_of_text(decider, "f");
	to.directory = answer_of_text(decider, "d");
	to.v4 = answer_of_text(decider, "4");
	to.v6 = answer_of_text(decider, "6");
	to.unix_ = answer_of_text(decider, "u");
	to.netlink = answer_of_text(decider, "n");
	to.unsupported = answer_of_text(decider, "X");
	to.pipe = answer_of_text(decider, "p");
	to.pidfd = answer_of_text(decider, "P");
	to.failed = same_or_unknown(to.file, to.directory);
	decide_fd_kind(decider, &to);
}

/* ---- the process ---- */

static void decide_user(struct decider *decider)
{
	whole_number(decider, RECORD(header.effective_user));
}

/* Equality and sets; what else may be asked of a name is left to the rules. */
static void decide_name(struct decider *decider)
{
	enum operator_id operation = operator_id(decider->test->op);

	switch (operation) {
	case OPERATOR_EQUAL:
	case OPERATOR_EQUAL_TWICE:
	case OPERATOR_UNEQUAL:
	case OPERATOR_IN:
		decider->decision = (struct decision){ .kind = DECISION_NAME,
			.is_inverted = operation == OPERATOR_UNEQUAL,
			.texts = decider->test->constants,
			.text_count = decider->test->constant_count };
		break;
	default:
		break;
	}
}

/* ---- paths of descriptors ---- */

static void decide_fd_name(struct decider *decider)
{
	if (decider->call.fd == CALL_NOTHING)
		fix(decider, false);
	else if (decider->type->is_open)
		(void)decide_path(decider, PATH_OF_VIEW, true);
}

static void decide_raw_name(struct decider *decider)
{
	if (decider->type->is_open && decider->call.texts[0] >= 0)
		(void)decide_path(decider, PATH_AS_GIVEN, true);
}

static void decide_part(struct decider *decider, enum path_operator part)
{
	decide_fd_name(decider);
	if (decider->decision.kind != DECISION_PATH)
		return;
	/* Where there is none, "!=" is false. */
	if (decider->decision.path_operator == PATH_EQUAL && !decider->decision.is_inverted)
		decider->decision.path_operator = part;
	else
		decider->decision = (struct decision){ .fixed = ANSWER_UNKNOWN };
}

static void decide_directory(struct decider *decider)
{
	decide_part(decider, PATH_DIRECTORY);
}

static void decide_file(struct decider *decider)
{
	decide_part(decider, PATH_FILE);
}

/* ---- all of them ---- */

static const struct {
	const char *field;
	void (*decide)(struct decider *decider);
} fields[] = {
	{ "evt.type", decide_event_type },
	{ "evt.dir", decide_direction },
	{ "evt.num", decide_number },
	{ "evt.rawres", decide_result },
	{ "evt.res", decide_outcome },
	{ "evt.failed", decide_failed },
	{ "evt.is_open_read", decide_is_read },
	{ "evt.is_open_write", decide_is_write },
	{ "evt.arg", decide_argument },
	{ "fd.num", decide_fd_number },
	{ "fd.type", decide_fd_type },
	{ "fd.typechar", decide_fd_letter },
	{ "fd.name", decide_fd_name },
	{ "fd.nameraw", decide_raw_name },
	{ "fd.directory", decide_directory },
	{ "fd.filename", decide_file },
	{ "proc.name", decide_name },
	{ "user.uid", decide_user },
};

/* Only plain comparisons of one field with constants; the event is a call's record. */
static bool is_plain(const struct decider *decider)
{
	const struct test *test = decider->test;

	return decider->left->kind == READING_FIELD && !decider->left->shape.is_list &&
	       test->right_reading < 0 && !test->modifier && test->ask && test->right_count == 1 &&
	       !(decider->left->use.field->flags & (FIELD_EITHER_END | FIELD_ANY_ANCESTOR));
}

struct decision decision_of(const struct program *program, const struct test *test,
	const struct event_type *type, struct arena *arena)
{
	struct decider decider = { .program = program,
		.test = test,
		.type = type,
		.left = &program->readings.items[test->left],
		.arena = arena,
		.decision = { .fixed = ANSWER_UNKNOWN } };

	if (!is_plain(&decider) || call_of_event(type->id, &decider.call) < 0)
		return decider.decision;
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (!strcmp(fields[i].field, decider.left->use.field->name) &&
			(!type->is_generic || i == 0))
			fields[i].decide(&decider);
	for (size_t i = 0; i < decider.decision.step_count; i++)
		if (decider.decision.steps[i].is_too_long)
			return (struct decision){ .fixed = ANSWER_UNKNOWN };
	return decider.decision;
}
