/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler: from a tree to tests and a chain. Parts of an `and` or `or` may stand in any
 * order, for no test has an effect but its answer; so what many rules ask goes first.
 */
#include <errno.h>

#include "base/memory.h"
#include "sensor/rules/program.h"

struct compiler {
	struct program *program;
	struct position *ret_at;
	struct error *err;
};

struct program *program_new(void)
{
	struct program *program = NEW(struct program);

	program->constants = arena_new(SIZE_MAX / 2);
	for (uint32_t end = CHAIN_FALSE; end < CHAIN_FIRST; end++)
		*ARRAY_ADD(program->code, program->code_count, program->code_capacity) =
			(struct instruction){ UINT32_MAX, end, end };
	return program;
}

static void test_done(struct test *test)
{
	for (size_t i = 0; i < test->right_count; i++)
		right_done(&test->rights[i]);
	free(test->rights);
	free(test->text);
}

void program_free(struct program *program)
{
	if (!program)
		return;
	for (size_t i = 0; i < program->test_count; i++)
		test_done(&program->tests[i]);
	readings_done(&program->readings);
	free(program->tests);
	free(program->code);
	free(program->test_index);
	free(program->code_index);
	free(program->domain_names);
	arena_free(program->constants);
	free(program);
}

static size_t hash_bytes(const void *data, size_t length)
{
	const unsigned char *at = data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ hash >> 29);
}

static unsigned *test_place(const struct program *program, const char *text)
{
	size_t mask = program->test_index_size - 1, at = hash_bytes(text, strlen(text)) & mask;

	while (program->test_index[at] &&
		strcmp(program->tests[program->test_index[at] - 1].text, text))
		at = (at + 1) & mask;
	return &program->test_index[at];
}

static void grow_test_index(struct program *program)
{
	if (program->test_count * 2 < program->test_index_size)
		return;
	free(program->test_index);
	program->test_index_size = MAX_OF(64, program->test_index_size * 2);
	program->test_index = NEW_ARRAY(unsigned, program->test_index_size);
	for (size_t i = 0; i < program->test_count; i++)
		*test_place(program, program->tests[i].text) = (unsigned)i + 1;
}

/* The check as text, with one spelling for "=" and "==". */
static char *check_text(const struct node *check)
{
	struct node same = *check;
	struct buffer text;

	if (same.op == operator_at(OPERATOR_EQUAL_TWICE))
		same.op = operator_at(OPERATOR_EQUAL);
	buffer_init(&text, SIZE_MAX / 2);
	node_print(&same, &text);
	return buffer_take(&text);
}

static bool is_field(const struct reading *reading, const char *name)
{
	return reading->kind == READING_FIELD && !strcmp(reading->use.field->name, name);
}

static bool is_event_type_field(const struct reading *reading)
{
	return is_field(reading, "evt.type") || is_field(reading, "syscall.type");
}

static unsigned field_flags(const struct reading *reading)
{
	return reading->kind == READING_FIELD ? reading->use.field->flags : 0;
}

static bool has_field(const struct program *program, unsigned reading)
{
	const struct reading *item = &program->readings.items[reading];

	if (item->kind == READING_FIELD)
		return true;
	for (size_t i = 0; i < item->count; i++)
		if (has_field(program, item->parts[i]))
			return true;
	return false;
}

static int refuse_operator(const struct operator_row *op, const char *words, struct error *err)
{
	return error_set(err, -EINVAL, "filter error: '%s' operator not supported for %s filters",
		op->name, words);
}

/* Finds the function for the left side's class. */
static int choose_ask(
	const struct compiler *compiler, const struct reading *left, struct test *test)
{
	const struct operator_row *op = test->op;
	enum operand_class class = class_of_type(left->shape.type);

	if (op->syntax == SYNTAX_UNARY)
		return 0;
	if (left->shape.is_list && (op->prepare != PREPARE_SET || test->modifier != MODIFIER_NONE))
		return refuse_operator(op, "list", compiler->err);
	test->ask = operator_test_for(op, class);
	return test->ask ? 0 : refuse_operator(op, class_words(class), compiler->err);
}

static bool wants_every(const struct reading *left, const struct operator_row *op)
{
	if (left->shape.is_list)
		return op->flags & OPERATOR_EVERY_ITEM;
	return (field_flags(left) & FIELD_EITHER_END) && (op->flags & OPERATOR_EVERY_END);
}

/* Async events of Falco and its container plugin; none of ours has such a type. */
static bool is_foreign_event_type(struct text name)
{
	return text_is(name, "asyncevent") || text_is(name, "container") ||
	       text_is(name, "pluginevent");
}

static int check_event_types(const struct compiler *compiler, const struct test *test,
	const struct text *values, size_t count)
{
	bool compares_names = test->op->prepare == PREPARE_SET ||
			      test->op == operator_at(OPERATOR_EQUAL) ||
			      test->op == operator_at(OPERATOR_EQUAL_TWICE) ||
			      test->op == operator_at(OPERATOR_UNEQUAL);

	for (size_t i = 0; compares_names && i < count; i++)
		if (!event_type_find(values[i]) && !is_foreign_event_type(values[i]))
			return error_set(compiler->err, -ENOENT, "unknown event type " TEXT_FORMAT,
				TEXT_PRINT(values[i]));
	return 0;
}

/* The constants on the right, copied so that they outlive the condition's text. */
static int take_values(const struct compiler *compiler, const struct operand *right,
	struct text **ret_values, size_t *ret_count)
{
	size_t count = right->kind == OPERAND_LIST ? right->count : 1;
	struct text *values =
		ARENA_NEW(compiler->program->constants, struct text, MAX_OF(count, 1));

	for (size_t i = 0; i < count; i++) {
		struct text text =
			right->kind == OPERAND_LIST ? right->parts[i]->text : right->text;

		if (text.length && memchr(text.data, '\0', text.length))
			return error_set(compiler->err, -EINVAL,
				"filter error: filter value cannot contain a NUL byte (\\x00)");
		values[i] = arena_copy(compiler->program->constants, text);
	}
	*ret_values = values;
	*ret_count = count;
	return 0;
}

/* "= anyof" and "!= allof" are questions to a set. */
static const struct operator_row *set_operator(const struct test *test)
{
	bool is_equal = test->op == operator_at(OPERATOR_EQUAL) ||
			test->op == operator_at(OPERATOR_EQUAL_TWICE);

	return is_equal && test->modifier == MODIFIER_ANYOF ? operator_at(OPERATOR_IN) : NULL;
}

static bool has_domain_name(const struct program *program, struct text name)
{
	for (size_t i = 0; i < program->domain_name_count; i++)
		if (text_equal(program->domain_names[i], name))
			return true;
	return false;
}

/* They must be looked up before they can be compared with an address. */
static void add_domain_names(struct program *program, const struct text *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (has_domain_name(program, names[i]))
			continue;
		*ARRAY_ADD(program->domain_names, program->domain_name_count,
			program->domain_name_capacity) = names[i];
	}
}

static int prepare_constants(
	const struct compiler *compiler, const struct node *check, struct test *test)
{
	const struct reading *left = &compiler->program->readings.items[test->left];
	const struct operator_row *as_set = set_operator(test);
	struct text *values = NULL;
	size_t count = 0;
	int r;

	r = take_values(compiler, check->right, &values, &count);
	if (r == 0 && is_event_type_field(left))
		r = check_event_types(compiler, test, values, count);
	if (r < 0)
		return r;
	if (field_flags(left) & FIELD_DOMAIN_NAMES)
		add_domain_names(compiler->program, values, count);

	test->constants = values;
	test->constant_count = count;
	test->rights = NEW_ARRAY(struct right, MAX_OF(count, 1));
	if (as_set) {
		test->ask = operator_test_for(as_set, class_of_type(left->shape.type));
		test->modifier = MODIFIER_NONE;
		test->right_count = 1;
		return right_prepare(
			as_set, left->shape.type, values, count, test->rights, compiler->err);
	}
	if (!test->modifier) {
		test->right_count = 1;
		return right_prepare(
			test->op, left->shape.type, values, count, test->rights, compiler->err);
	}
	for (; test->right_count < count; test->right_count++) {
		r = right_prepare(test->op, left->shape.type, &values[test->right_count], 1,
			&test->rights[test->right_count], compiler->err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int refuse_right(const struct reading *left, const struct reading *right, struct error *err)
{
	if (left->shape.type == TYPE_IPNET || (field_flags(left) & FIELD_NO_VALUE))
		return error_set(err, -EINVAL, "field '%s' doesn't support right-hand side fields",
			left->text);
	if (right->shape.type == TYPE_IPNET || (field_flags(right) & FIELD_NO_VALUE))
		return error_set(err, -EINVAL,
			"field '%s' can't be used as a right-hand side field", right->text);
	if (is_event_type_field(left))
		return error_set(err, -EINVAL,
			"filter error: '%s' cannot be compared with a right-hand side field: the "
			"event types of the rule must be known when it is loaded",
			left->text);
	if (left->shape.type != right->shape.type)
		return error_set(err, -EINVAL,
			"field '%s' has type '%s' while the right-hand side field '%s' has "
			"incompatible type '%s'",
			left->text, value_type_name(left->shape.type), right->text,
			value_type_name(right->shape.type));
	return 0;
}

static void find_print_only(void *context, const struct field_use *use)
{
	const struct field_use **found = context;

	if (use->field->flags & FIELD_PRINT_ONLY)
		*found = use;
}

/* Outputs may have them, conditions not. */
static int refuse_print_only(const struct compiler *compiler, unsigned reading)
{
	const struct field_use *found = NULL;

	readings_visit_fields(&compiler->program->readings, reading, find_print_only, &found);
	if (!found)
		return 0;
	return error_set(compiler->err, -EINVAL, "filter error: field '%s' can only be printed",
		found->name.data);
}

static int prepare_right_reading(
	const struct compiler *compiler, const struct node *check, struct test *test)
{
	struct readings *readings = &compiler->program->readings;
	unsigned right;
	int r;

	r = readings_add(readings, check->right, &right, compiler->err);
	if (r >= 0)
		r = refuse_print_only(compiler, right);
	if (r < 0)
		return r;
	r = refuse_right(&readings->items[test->left], &readings->items[right], compiler->err);
	if (r < 0)
		return r;
	if (test->op->flags & OPERATOR_FIXED)
		return error_set(compiler->err, -EINVAL,
			"filter error: '%s' operator not supported for right-hand side fields",
			test->op->name);
	if (readings->items[right].shape.is_list && test->op->prepare != PREPARE_SET)
		return error_set(compiler->err, -EINVAL,
			"filter error: '%s' operator cannot have the list '%s' on its right side",
			test->op->name, readings->items[right].text);
	test->right_reading = (int)right;
	test->has_views |= readings->items[right].has_views;
	test->may_wait |= readings->items[right].may_wait;
	return 0;
}

static int prepare_right(
	const struct compiler *compiler, const struct node *check, struct test *test)
{
	if (!check->right)
		return 0;
	if (check->right->kind == OPERAND_FIELD || check->right->kind == OPERAND_TRANSFORMER)
		return prepare_right_reading(compiler, check, test);
	return prepare_constants(compiler, check, test);
}

/* Whether nothing is compared with a number that is not told apart from others. */
static bool has_small_numbers(const struct test *test)
{
	for (size_t i = 0; i < test->constant_count; i++) {
		int64_t number;

		if (text_to_i64(test->constants[i], &number) < 0 || number < EVENT_SMALL_MIN ||
			number > EVENT_SMALL_MAX)
			return false;
	}
	return test->right_reading < 0;
}

static enum scope scope_of(const struct program *program, const struct test *test)
{
	const struct reading *left = &program->readings.items[test->left];
	unsigned depends = left->depends;

	if (test->right_reading >= 0)
		depends |= program->readings.items[test->right_reading].depends;
	if (depends == ON_PROCESS)
		return SCOPE_PROCESS;
	if (depends == ON_SMALL && left->kind == READING_FIELD && has_small_numbers(test))
		return SCOPE_CALL;
	if (depends == ON_CALL)
		return SCOPE_CALL;
	return depends && !(depends & ~(unsigned)(ON_CALL | ON_OPEN)) ? SCOPE_OPEN : SCOPE_EVENT;
}

static void set_scope(struct program *program, struct test *test)
{
	test->scope = scope_of(program, test);
	if (test->scope == SCOPE_PROCESS)
		test->place = (uint32_t)program->process_test_count++;
	else if (test->scope != SCOPE_EVENT)
		test->place = (uint32_t)program->call_test_count++;
}

static int make_test(const struct compiler *compiler, const struct node *check, struct test *test)
{
	struct program *program = compiler->program;
	const struct reading *left;
	int r;

	test->op = check->op;
	test->modifier = check->modifier;
	test->right_reading = -1;
	r = readings_add(&program->readings, check->left, &test->left, compiler->err);
	if (r < 0)
		return r;
	r = refuse_print_only(compiler, test->left);
	if (r < 0)
		return r;
	left = &program->readings.items[test->left];
	if (!has_field(program, test->left))
		return error_set(compiler->err, -EINVAL,
			"filter error: '%s' holds no field, so it says nothing about an event",
			left->text);
	test->has_views = left->has_views;
	test->may_wait = left->may_wait;
	r = choose_ask(compiler, left, test);
	if (r < 0)
		return r;
	test->wants_every = wants_every(left, test->op);
	return prepare_right(compiler, check, test);
}

static int add_test(const struct compiler *compiler, struct node *check)
{
	struct program *program = compiler->program;
	char *text = check_text(check);
	struct test test = { .text = text };
	unsigned *place;
	int r;

	grow_test_index(program);
	place = test_place(program, text);
	if (*place) {
		check->test = *place - 1;
		program->tests[check->test].uses++;
		free(text);
		return 0;
	}
	r = make_test(compiler, check, &test);
	if (r < 0) {
		test_done(&test);
		return r;
	}
	check->test = (unsigned)program->test_count;
	test.uses = 1;
	set_scope(program, &test);
	*ARRAY_ADD(program->tests, program->test_count, program->test_capacity) = test;
	*place = check->test + 1;
	return 0;
}

static int add_tests(const struct compiler *compiler, struct node *node)
{
	int r;

	if (node->kind == NODE_MACRO)
		return add_tests(compiler, node->target);
	if (node->kind == NODE_CHECK) {
		r = add_test(compiler, node);
		if (r < 0)
			*compiler->ret_at = node->at;
		return r;
	}
	for (size_t i = 0; i < node->count; i++) {
		r = add_tests(compiler, node->children[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int program_add_tests(
	struct program *program, struct node *tree, struct position *ret_at, struct error *err)
{
	struct compiler compiler = { program, ret_at, err };

	return add_tests(&compiler, tree);
}

struct emitter {
	struct program *program;
	const struct event_type *type;
	size_t steps;
};

static unsigned *code_place(const struct program *program, const struct instruction *one)
{
	size_t mask = program->code_index_size - 1, at = hash_bytes(one, sizeof(*one)) & mask;

	while (program->code_index[at] &&
		memcmp(&program->code[program->code_index[at] - 1], one, sizeof(*one)))
		at = (at + 1) & mask;
	return &program->code_index[at];
}

static void grow_code_index(struct program *program)
{
	if (program->code_count * 2 < program->code_index_size)
		return;
	free(program->code_index);
	program->code_index_size = MAX_OF(256, program->code_index_size * 2);
	program->code_index = NEW_ARRAY(unsigned, program->code_index_size);
	for (size_t i = CHAIN_FIRST; i < program->code_count; i++)
		*code_place(program, &program->code[i]) = (unsigned)i + 1;
}

/* The place of an instruction, made when there is none like it. */
static uint32_t instruction_add(
	struct program *program, uint32_t test, uint32_t if_true, uint32_t if_false)
{
	struct instruction one = { test, if_true, if_false };
	unsigned *place;

	if (if_true == if_false)
		return if_true;
	grow_code_index(program);
	place = code_place(program, &one);
	if (!*place) {
		*ARRAY_ADD(program->code, program->code_count, program->code_capacity) = one;
		*place = (unsigned)program->code_count;
	}
	return *place - 1;
}

/* evt.num is 1 or more: some comparisons with it are known (spec 3.9). */
static bool decide_number(const struct test *test, enum truth *ret_truth)
{
	uint64_t size = test->rights[0].value.size;

	switch (operator_id(test->op)) {
	case OPERATOR_EQUAL:
	case OPERATOR_EQUAL_TWICE:
		*ret_truth = IS_FALSE;
		return size == 0;
	case OPERATOR_LESS:
		*ret_truth = IS_FALSE;
		return size <= 1;
	case OPERATOR_LESS_EQUAL:
		*ret_truth = IS_FALSE;
		return size == 0;
	case OPERATOR_UNEQUAL:
	case OPERATOR_GREATER:
		*ret_truth = IS_TRUE;
		return size == 0;
	case OPERATOR_GREATER_EQUAL:
		*ret_truth = IS_TRUE;
		return size <= 1;
	default:
		return false;
	}
}

static bool decide_event_type(const struct emitter *emitter, const struct test *test,
	const struct reading *left, enum truth *ret_truth)
{
	struct value name;

	if (!emitter->type)
		return false;
	if (is_field(left, "syscall.type") && !emitter->type->is_syscall) {
		*ret_truth = IS_FALSE;
		return true;
	}
	name = value_text(text_of(emitter->type->name));
	*ret_truth = !test->ask || test->ask(&name, &test->rights[0], emitter->program->constants);
	return true;
}

/* Is the answer known without looking at the event? */
static bool is_decided(
	const struct emitter *emitter, const struct test *test, enum truth *ret_truth)
{
	const struct reading *left = &emitter->program->readings.items[test->left];

	if (test->right_reading >= 0 || test->modifier)
		return false;
	if (is_field(left, "evt.num") && test->right_count)
		return decide_number(test, ret_truth);
	return is_event_type_field(left) && decide_event_type(emitter, test, left, ret_truth);
}

static const struct node *behind_macros(const struct node *node)
{
	while (node->kind == NODE_MACRO)
		node = node->target;
	return node;
}

/* What is asked first among the parts of an `and` or `or`: what many ask, single tests before
 * others. */
static uint64_t weight(const struct emitter *emitter, const struct node *node)
{
	node = behind_macros(node);
	if (node->kind == NODE_NOT)
		node = behind_macros(node->children[0]);
	return node->kind == NODE_CHECK ? emitter->program->tests[node->test].uses : 0;
}

static uint32_t emit(
	struct emitter *emitter, const struct node *node, uint32_t if_true, uint32_t if_false);

/* Children from the last to the first, each before what follows it. */
static uint32_t emit_children(
	struct emitter *emitter, const struct node *node, uint32_t if_true, uint32_t if_false)
{
	_cleanup_(freep) const struct node **order = NEW_ARRAY(const struct node *, node->count);

	for (size_t i = 0; i < node->count; i++) {
		uint64_t mine = weight(emitter, node->children[i]);
		size_t at = i;

		for (; at && weight(emitter, order[at - 1]) < mine; at--)
			order[at] = order[at - 1];
		order[at] = node->children[i];
	}
	for (size_t i = node->count; i-- > 0;) {
		if (node->kind == NODE_AND)
			if_true = emit(emitter, order[i], if_true, if_false);
		else
			if_false = emit(emitter, order[i], if_true, if_false);
	}
	return node->kind == NODE_AND ? if_true : if_false;
}

static uint32_t emit_check(
	struct emitter *emitter, const struct node *node, uint32_t if_true, uint32_t if_false)
{
	enum truth truth;

	if (is_decided(emitter, &emitter->program->tests[node->test], &truth))
		return truth == IS_TRUE ? if_true : if_false;
	return instruction_add(emitter->program, node->test, if_true, if_false);
}

static uint32_t emit(
	struct emitter *emitter, const struct node *node, uint32_t if_true, uint32_t if_false)
{
	if (++emitter->steps > CHAIN_MAX)
		return CHAIN_FALSE;
	switch (node->kind) {
	case NODE_AND:
	case NODE_OR:
		return emit_children(emitter, node, if_true, if_false);
	case NODE_NOT:
		return emit(emitter, node->children[0], if_false, if_true);
	case NODE_MACRO:
		return emit(emitter, node->target, if_true, if_false);
	case NODE_CHECK:
		return emit_check(emitter, node, if_true, if_false);
	}
	return CHAIN_FALSE;
}

bool program_asks_type(const struct program *program, const struct node *tree)
{
	const struct node *node = behind_macros(tree);

	if (node->kind == NODE_CHECK)
		return is_event_type_field(
			&program->readings.items[program->tests[node->test].left]);
	for (size_t i = 0; i < node->count; i++)
		if (program_asks_type(program, node->children[i]))
			return true;
	return false;
}

int program_add_chain(struct program *program, const struct node *tree,
	const struct event_type *type, uint32_t *ret_chain, struct error *err)
{
	struct emitter emitter = { program, type, 0 };

	*ret_chain = emit(&emitter, tree, CHAIN_TRUE, CHAIN_FALSE);
	if (emitter.steps > CHAIN_MAX)
		return error_set(err, -E2BIG,
			"the condition has more than %d parts once its macros are written out",
			CHAIN_MAX);
	return 0;
}

size_t program_chain_length(const struct program *program, uint32_t chain)
{
	_cleanup_(freep) bool *is_reached = NEW_ARRAY(bool, program->code_count);
	size_t length = 0;

	is_reached[chain] = true;
	/* An instruction only goes on to earlier ones. */
	for (uint32_t at = chain; at >= CHAIN_FIRST; at--) {
		if (!is_reached[at])
			continue;
		length++;
		is_reached[program->code[at].if_true] = true;
		is_reached[program->code[at].if_false] = true;
	}
	return length;
}
