/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled rules and their matching.
 *
 * Rules are indexed by event type: for each type the chains that are left when the type is known.
 * Gates come first: a test that several rules of a type cannot do without is asked once, and when
 * it fails all those rules are out.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/analysis.h"
#include "sensor/rules/compiled.h"
#include "sensor/rules/machine.h"

struct candidate {
	uint32_t rule;
	uint32_t chain;
};

/* A test that `mask`'s candidates need to have `wanted` as its answer. */
struct gate {
	uint32_t test;
	bool wanted;
	bool has_views;
	uint64_t *mask;
};

/*
 * A test in the clauses of candidates. A clause is an `or` of plain tests that a candidate cannot
 * do without; `with` and `without` are masks of those whose clause a true answer, or a false one,
 * fulfils.
 */
struct literal {
	uint32_t test;
	bool has_views;
	uint64_t *with, *without;
};

/* What one event type can match. */
struct entry {
	struct candidate *candidates;
	size_t count, capacity;
	size_t words;  /* of a mask with a bit a candidate */
	uint64_t *all; /* the mask of all of them */
	struct gate *gates;
	size_t gate_count, gate_capacity;
	struct literal *literals;
	size_t literal_count, literal_capacity;
	uint64_t *free; /* a mask of those without a clause */
};

struct rules {
	struct program *program;
	struct compiled_rule *rules;
	size_t count;
	struct entry *entries; /* by event type */
	size_t entry_count;
	struct event_set events;
	struct event_set needed; /* … by fields, whatever rules say */
	bool matches_all;
	bool takes_transfers;
	bool looks; /* some rule or output asks for a field that is read from /proc */
};

/*
 * Which candidates of an event type are false for all events of one process, or of one shape of
 * calls. That is found out when such an event comes for the SIGHTS_MIN-th time: many processes do
 * not live for so long.
 */
struct shut {
	uint32_t stamp; /* of the memory; 0: none */
	uint16_t type, sights;
};

struct evaluation {
	struct answers *answers;
	struct shut *shuts;	   /* SHUTS of them */
	uint64_t *shut_masks;	   /* `words` a shut */
	size_t words;		   /* of the longest mask */
	uint64_t *alive;	   /* a mask of the event's candidates */
	uint64_t *fulfilled;	   /* another, while clauses are looked at */
	const struct event *event; /* what the answers are about */
	uint64_t number;
	bool has_waited;
};

#define SHUTS	   1024 /* a power of two */
#define SIGHTS_MIN 4
/* Fewer rules than this are not worth a gate. */
#define GATE_MIN 3
/*
 * When more candidates than this are left, their clauses are looked at before any chain is run:
 * that costs by the tests there are, and chains by the rules.
 */
#define CROWD		  8
#define LITERAL_WORDS_MAX 16 /* words of masks for each candidate that still are worth it */
/* Tests at the start of a chain that are looked at for gates. */
#define GATE_DEPTH 16

static bool tree_has_views(const struct program *program, const struct node *node)
{
	if (node->kind == NODE_CHECK)
		return program->tests[node->test].has_views;
	if (node->kind == NODE_MACRO)
		return tree_has_views(program, node->target);
	for (size_t i = 0; i < node->count; i++)
		if (tree_has_views(program, node->children[i]))
			return true;
	return false;
}

static const char *const *copy_tags(const struct rule_source *source)
{
	char **tags = NEW_ARRAY(char *, source->tag_count);

	for (size_t i = 0; i < source->tag_count; i++)
		tags[i] = string_copy(source->tags[i]);
	return (const char *const *)tags;
}

static void rule_init(struct rules *rules, struct compiled_rule *compiled,
	struct rule_source *source, size_t index)
{
	compiled->rule = (struct rule){
		.name = string_copy(source->name),
		.description = string_copy(source->description),
		.source = string_copy(source->source),
		.priority = source->priority,
		.tags = copy_tags(source),
		.tag_count = source->tag_count,
		.is_enabled = source->is_enabled,
		.captures = source->captures,
		.capture_duration_ms = source->capture_duration_ms,
		.index = (unsigned)index,
	};
	compiled->format = TAKE(source->format);
	compiled->has_views = tree_has_views(rules->program, source->tree);
	compiled->formula = formula_of(source->tree, rules->program->constants);
	condition_events(rules->program, source->tree, &compiled->rule.events);
}

/* One chain for each event type that the rule can match; often it is the same one. */
static int add_candidates(struct rules *rules, const struct compiled_rule *compiled,
	const struct node *tree, struct error *err)
{
	size_t count;
	const struct event_type *types = event_types(&count);
	bool asks_type = program_asks_type(rules->program, tree), is_made = false;
	uint32_t chain = CHAIN_FALSE;
	int r;

	for (size_t i = 0; i < count; i++) {
		struct entry *entry = &rules->entries[types[i].id];

		if (!event_set_has(&compiled->rule.events, types[i].id))
			continue;
		if (asks_type || !is_made) {
			r = program_add_chain(rules->program, tree, &types[i], &chain, err);
			if (r < 0)
				return error_prefix(err, "rule '%s'", compiled->rule.name);
			is_made = true;
		}
		if (chain == CHAIN_FALSE)
			continue;
		*ARRAY_ADD(entry->candidates, entry->count, entry->capacity) =
			(struct candidate){ compiled->rule.index, chain };
	}
	return 0;
}

static void add_needed_event(struct rules *rules, const struct field_use *use)
{
	struct text rest = text_of(use->field->needs), name;

	rules->looks |= (use->field->flags & FIELD_LOOK) != 0;
	while (text_split(&rest, ' ', &name)) {
		const struct event_type *type = event_type_find(name);

		if (!type)
			continue;
		event_set_add(&rules->events, type->id);
		event_set_add(&rules->needed, type->id);
	}
}

static void visit_needed(void *context, const struct field_use *use)
{
	add_needed_event(context, use);
}

static void add_needs_of_tree(struct rules *rules, const struct node *node)
{
	const struct test *test;

	if (node->kind == NODE_MACRO) {
		add_needs_of_tree(rules, node->target);
		return;
	}
	for (size_t i = 0; i < node->count; i++)
		add_needs_of_tree(rules, node->children[i]);
	if (node->kind != NODE_CHECK)
		return;
	test = &rules->program->tests[node->test];
	readings_visit_fields(&rules->program->readings, test->left, visit_needed, rules);
	if (test->right_reading >= 0)
		readings_visit_fields(&rules->program->readings, (unsigned)test->right_reading,
			visit_needed, rules);
}

static void add_events(
	struct rules *rules, const struct compiled_rule *compiled, const struct node *tree)
{
	struct event_set events = compiled->rule.events;

	if (event_set_count(&events) > EVENT_TYPES_MANY && !rules->takes_transfers)
		event_set_remove_transfers(&events);
	for (size_t i = 0; i < EVENT_TYPES_MAX / 64; i++)
		rules->events.words[i] |= events.words[i];
	add_needs_of_tree(rules, tree);
	for (size_t i = 0; i < format_field_count(compiled->format); i++)
		add_needed_event(rules, format_field(compiled->format, i));
}

static struct gate *gate_for(
	const struct rules *rules, struct entry *entry, uint32_t test, bool wanted)
{
	struct gate *gate;

	for (size_t i = 0; i < entry->gate_count; i++)
		if (entry->gates[i].test == test && entry->gates[i].wanted == wanted)
			return &entry->gates[i];
	gate = ARRAY_ADD(entry->gates, entry->gate_count, entry->gate_capacity);
	*gate = (struct gate){ test, wanted, rules->program->tests[test].has_views,
		NEW_ARRAY(uint64_t, entry->words) };
	return gate;
}

/* The tests at the start of a candidate's chain without which it ends in FALSE. */
static void add_gates(const struct rules *rules, struct entry *entry, size_t number)
{
	const struct instruction *code = rules->program->code;
	uint32_t at = entry->candidates[number].chain;

	for (size_t depth = 0; at >= CHAIN_FIRST && depth < GATE_DEPTH; depth++) {
		bool wanted = code[at].if_false == CHAIN_FALSE;

		if (!wanted && code[at].if_true != CHAIN_FALSE)
			return;
		gate_for(rules, entry, code[at].test, wanted)->mask[number / 64] |=
			UINT64_C(1) << (number % 64);
		at = wanted ? code[at].if_true : code[at].if_false;
	}
}

static size_t mask_count(const uint64_t *mask, size_t words)
{
	size_t count = 0;

	for (size_t i = 0; i < words; i++)
		count += (size_t)__builtin_popcountll(mask[i]);
	return count;
}

/* Keeps the gates that are worth it, those of most rules first. */
static void sort_gates(struct entry *entry)
{
	size_t kept = 0;

	for (size_t i = 0; i < entry->gate_count; i++) {
		struct gate gate = entry->gates[i];
		size_t mine = mask_count(gate.mask, entry->words), at = kept;

		if (mine < GATE_MIN) {
			free(gate.mask);
			continue;
		}
		for (; at && mask_count(entry->gates[at - 1].mask, entry->words) < mine; at--)
			entry->gates[at] = entry->gates[at - 1];
		entry->gates[at] = gate;
		kept++;
	}
	entry->gate_count = kept;
}

static struct literal *literal_for(const struct rules *rules, struct entry *entry, uint32_t test)
{
	struct literal *literal;

	for (size_t i = 0; i < entry->literal_count; i++)
		if (entry->literals[i].test == test)
			return &entry->literals[i];
	literal = ARRAY_ADD(entry->literals, entry->literal_count, entry->literal_capacity);
	*literal = (struct literal){ test, rules->program->tests[test].has_views,
		NEW_ARRAY(uint64_t, entry->words), NEW_ARRAY(uint64_t, entry->words) };
	return literal;
}

static bool is_clause(const struct formula *formula)
{
	if (formula->kind != FORMULA_OR)
		return false;
	for (size_t i = 0; i < formula->count; i++)
		if (formula->parts[i]->kind != FORMULA_TEST)
			return false;
	return true;
}

/* The first clause of a condition; NULL: it has none. */
static const struct formula *clause_of(const struct formula *formula)
{
	if (formula && is_clause(formula))
		return formula;
	for (size_t i = 0; formula && formula->kind == FORMULA_AND && i < formula->count; i++) {
		const struct formula *found = clause_of(formula->parts[i]);

		if (found)
			return found;
	}
	return NULL;
}

static void add_clause(const struct rules *rules, struct entry *entry, size_t number)
{
	const struct formula *clause =
		clause_of(rules->rules[entry->candidates[number].rule].formula);
	uint64_t bit = UINT64_C(1) << (number % 64);

	if (!clause) {
		entry->free[number / 64] |= bit;
		return;
	}
	for (size_t i = 0; i < clause->count; i++) {
		struct literal *literal = literal_for(rules, entry, clause->parts[i]->test);
		uint64_t *mask = clause->parts[i]->is_negated ? literal->without : literal->with;

		mask[number / 64] |= bit;
	}
}

static void clauses_done(struct entry *entry)
{
	for (size_t i = 0; i < entry->literal_count; i++) {
		free(entry->literals[i].with);
		free(entry->literals[i].without);
	}
	free(TAKE(entry->literals));
	free(TAKE(entry->free));
	entry->literal_count = entry->literal_capacity = 0;
}

static void make_clauses(const struct rules *rules, struct entry *entry)
{
	if (entry->count <= CROWD)
		return;
	entry->free = NEW_ARRAY(uint64_t, entry->words);
	for (size_t i = 0; i < entry->count; i++)
		add_clause(rules, entry, i);
	/* Rules that have hardly a test in common are better run one by one. */
	if (entry->literal_count * entry->words > entry->count * LITERAL_WORDS_MAX)
		clauses_done(entry);
}

static void make_gates(const struct rules *rules, struct entry *entry)
{
	entry->words = (entry->count + 63) / 64;
	entry->all = NEW_ARRAY(uint64_t, entry->words);
	for (size_t i = 0; i < entry->count; i++)
		entry->all[i / 64] |= UINT64_C(1) << (i % 64);
	for (size_t i = 0; i < entry->count; i++)
		add_gates(rules, entry, i);
	sort_gates(entry);
}

int rules_new(struct program *program, struct rule_source *sources, size_t count,
	const struct rules_options *options, struct rules **ret_rules, struct error *err)
{
	_cleanup_(rules_freep) struct rules *rules = NEW(struct rules);
	int r;

	event_types(&rules->entry_count);
	rules->program = program;
	rules->matches_all = options->matches_all;
	rules->takes_transfers = options->takes_transfers;
	rules->entries = NEW_ARRAY(struct entry, rules->entry_count);
	rules->rules = NEW_ARRAY(struct compiled_rule, count);
	rules->count = count;
	for (size_t i = 0; i < count; i++)
		rule_init(rules, &rules->rules[i], &sources[i], i);

	for (size_t i = 0; i < count; i++) {
		if (!sources[i].is_enabled)
			continue;
		add_events(rules, &rules->rules[i], sources[i].tree);
		r = add_candidates(rules, &rules->rules[i], sources[i].tree, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < rules->entry_count; i++) {
		make_gates(rules, &rules->entries[i]);
		make_clauses(rules, &rules->entries[i]);
	}
	*ret_rules = TAKE(rules);
	return 0;
}

static void rule_done(struct compiled_rule *compiled)
{
	free((char *)compiled->rule.name);
	free((char *)compiled->rule.description);
	free((char *)compiled->rule.source);
	for (size_t i = 0; i < compiled->rule.tag_count; i++)
		free((char *)compiled->rule.tags[i]);
	free((void *)compiled->rule.tags);
	format_free(compiled->format);
}

static void entry_done(struct entry *entry)
{
	for (size_t i = 0; i < entry->gate_count; i++)
		free(entry->gates[i].mask);
	clauses_done(entry);
	free(entry->gates);
	free(entry->all);
	free(entry->candidates);
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->count; i++)
		rule_done(&rules->rules[i]);
	for (size_t i = 0; i < rules->entry_count; i++)
		entry_done(&rules->entries[i]);
	free(rules->rules);
	free(rules->entries);
	program_free(rules->program);
	free(rules);
}

size_t rules_count(const struct rules *rules)
{
	return rules->count;
}

const struct rule *rules_at(const struct rules *rules, size_t index)
{
	return index < rules->count ? &rules->rules[index].rule : NULL;
}

void rules_events(const struct rules *rules, struct event_set *ret_set)
{
	*ret_set = rules->events;
}

bool rules_look(const struct rules *rules)
{
	return rules->looks;
}

const struct text *rules_domain_names(const struct rules *rules, size_t *ret_count)
{
	*ret_count = rules->program->domain_name_count;
	return rules->program->domain_names;
}

const struct program *rules_program(const struct rules *rules)
{
	return rules->program;
}

const struct formula *rules_formula(const struct rules *rules, size_t index)
{
	return rules->rules[index].formula;
}

void rules_needed_events(const struct rules *rules, struct event_set *ret_set)
{
	*ret_set = rules->needed;
}

const struct format *rules_format(const struct rules *rules, size_t index)
{
	return rules->rules[index].format;
}

uint32_t rules_chain(const struct rules *rules, size_t index, unsigned event, size_t *ret_before)
{
	const struct entry *entry = &rules->entries[event];

	for (size_t i = 0; i < entry->count; i++) {
		if (entry->candidates[i].rule != index)
			continue;
		*ret_before = i;
		return entry->candidates[i].chain;
	}
	return CHAIN_FALSE;
}

void rules_sizes(const struct rules *rules, struct rules_sizes *ret_sizes)
{
	*ret_sizes = (struct rules_sizes){
		.tests = rules->program->test_count,
		.readings = rules->program->readings.count,
		.instructions = rules->program->code_count,
	};
}

struct evaluation *evaluation_new(const struct rules *rules)
{
	struct evaluation *evaluation = NEW(struct evaluation);

	evaluation->words = 1;
	for (size_t i = 0; i < rules->entry_count; i++)
		evaluation->words = MAX_OF(evaluation->words, rules->entries[i].words);
	evaluation->answers = answers_new(rules->program);
	evaluation->alive = NEW_ARRAY(uint64_t, evaluation->words);
	evaluation->fulfilled = NEW_ARRAY(uint64_t, evaluation->words);
	evaluation->shuts = NEW_ARRAY(struct shut, SHUTS);
	evaluation->shut_masks = NEW_ARRAY(uint64_t, SHUTS * evaluation->words);
	return evaluation;
}

void evaluation_free(struct evaluation *evaluation)
{
	if (!evaluation)
		return;
	answers_free(evaluation->answers);
	free(evaluation->alive);
	free(evaluation->fulfilled);
	free(evaluation->shuts);
	free(evaluation->shut_masks);
	free(evaluation);
}

/* Answers are kept while the same event goes on to later rules, unless it waited in between. */
static void begin(struct evaluation *evaluation, const struct event *event, unsigned first)
{
	bool goes_on = first && !evaluation->has_waited && evaluation->event == event &&
		       evaluation->number == event->number;

	if (!goes_on) {
		answers_clear(evaluation->answers);
		answers_recall(evaluation->answers, event);
	}
	evaluation->event = event;
	evaluation->number = event->number;
	evaluation->has_waited = false;
}

static bool has_real_view(const struct event *event)
{
	event_name_fd(event);
	return event->fd.real_name.data && !text_equal(event->fd.real_name, event->fd.name);
}

static void look_for_shut(struct evaluation *evaluation, const struct entry *entry,
	const struct event *event, const struct memory *memory, uint64_t *mask)
{
	for (size_t i = 0; i < entry->count; i++) {
		uint64_t bit = UINT64_C(1) << (i % 64);

		if (chain_is_shut(evaluation->answers, event, memory, entry->candidates[i].chain))
			mask[i / 64] |= bit;
	}
}

/* Takes out the candidates that a memory shuts. */
static void pass_memory(struct evaluation *evaluation, const struct entry *entry,
	const struct event *event, const struct memory *memory)
{
	unsigned type = event->type->id;
	size_t place = (memory->stamp * 31 + type) % SHUTS;
	uint64_t *mask = &evaluation->shut_masks[place * evaluation->words];
	struct shut *shut = &evaluation->shuts[place];

	if (shut->stamp != memory->stamp || shut->type != type) {
		*shut = (struct shut){ .stamp = memory->stamp, .type = (uint16_t)type };
		memset(mask, 0, entry->words * sizeof(*mask));
	}
	if (shut->sights < SIGHTS_MIN && ++shut->sights == SIGHTS_MIN)
		look_for_shut(evaluation, entry, event, memory, mask);
	for (size_t word = 0; word < entry->words; word++)
		evaluation->alive[word] &= ~mask[word];
}

/* All candidates but those that are shut; false when none is left. */
static bool pass_memories(
	struct evaluation *evaluation, const struct entry *entry, const struct event *event)
{
	static const enum scope scopes[] = { SCOPE_PROCESS, SCOPE_CALL };
	uint64_t left = 0;

	for (size_t word = 0; word < entry->words; word++)
		evaluation->alive[word] = entry->all[word];
	for (size_t i = 0; i < COUNT_OF(scopes); i++) {
		const struct memory *memory = evaluation->answers->memory[scopes[i]];

		if (memory)
			pass_memory(evaluation, entry, event, memory);
	}
	for (size_t word = 0; word < entry->words; word++)
		left |= evaluation->alive[word];
	return left;
}

/* Candidates that no gate shuts out. */
static void pass_gates(struct evaluation *evaluation, const struct entry *entry,
	const struct event *event, bool has_real)
{
	uint64_t *alive = evaluation->alive;

	for (size_t i = 0; i < entry->gate_count; i++) {
		const struct gate *gate = &entry->gates[i];
		uint64_t concerned = 0;

		if (gate->has_views && has_real)
			continue;
		for (size_t word = 0; word < entry->words; word++)
			concerned |= alive[word] & gate->mask[word];
		if (!concerned || test_answer(evaluation->answers, event, gate->test) !=
					  (gate->wanted ? IS_FALSE : IS_TRUE))
			continue;
		for (size_t word = 0; word < entry->words; word++)
			alive[word] &= ~gate->mask[word];
	}
}

/* Adds what a test's answer fulfils; one that could be either, or is another in each view, all. */
static void fulfil(uint64_t *fulfilled, const struct literal *literal, size_t words,
	enum truth truth, bool is_certain)
{
	for (size_t word = 0; word < words; word++) {
		if (truth != IS_FALSE || !is_certain)
			fulfilled[word] |= literal->with[word];
		if (truth != IS_TRUE || !is_certain)
			fulfilled[word] |= literal->without[word];
	}
}

static bool concerns(const struct literal *literal, const uint64_t *alive,
	const uint64_t *fulfilled, size_t words)
{
	for (size_t word = 0; word < words; word++)
		if ((literal->with[word] | literal->without[word]) & alive[word] & ~fulfilled[word])
			return true;
	return false;
}

/* Candidates whose clause is not false. */
static void pass_clauses(struct evaluation *evaluation, const struct entry *entry,
	const struct event *event, bool has_real)
{
	uint64_t *alive = evaluation->alive, *fulfilled = evaluation->fulfilled;

	if (!entry->free || mask_count(alive, entry->words) <= CROWD)
		return;
	memcpy(fulfilled, entry->free, entry->words * sizeof(*fulfilled));
	for (size_t i = 0; i < entry->literal_count; i++) {
		const struct literal *literal = &entry->literals[i];
		bool is_certain = !(literal->has_views && has_real);

		if (concerns(literal, alive, fulfilled, entry->words))
			fulfil(fulfilled, literal, entry->words,
				test_answer(evaluation->answers, event, literal->test), is_certain);
	}
	for (size_t word = 0; word < entry->words; word++)
		alive[word] &= fulfilled[word];
}

/* Tries a candidate in the lexical view, then in the real one; event->view is left at the last. */
static enum truth try_candidate(struct evaluation *evaluation, const struct candidate *candidate,
	struct event *event, bool has_real)
{
	enum truth lexical, real;

	event->view = VIEW_LEXICAL;
	lexical = chain_run(evaluation->answers, event, candidate->chain);
	if (lexical == IS_TRUE || !has_real)
		return lexical;
	event->view = VIEW_REAL;
	real = chain_run(evaluation->answers, event, candidate->chain);
	return real == IS_FALSE ? lexical : real;
}

/* The first candidate from place *at on that is alive; false at the end. */
static bool next_alive(const struct evaluation *evaluation, const struct entry *entry, size_t *at)
{
	for (size_t word = *at / 64; word < entry->words; word++) {
		uint64_t bits = evaluation->alive[word];

		if (word == *at / 64)
			bits &= UINT64_MAX << (*at % 64);
		if (bits) {
			*at = word * 64 + (size_t)__builtin_ctzll(bits);
			return true;
		}
	}
	return false;
}

enum truth rules_match(const struct rules *rules, struct evaluation *evaluation,
	struct event *event, unsigned first, const struct rule **ret_rule)
{
	const struct entry *entry = &rules->entries[event->type->id];
	bool has_real;

	begin(evaluation, event, first);
	event->view = VIEW_LEXICAL;
	if (!pass_memories(evaluation, entry, event))
		return IS_FALSE;
	has_real = has_real_view(event);
	pass_gates(evaluation, entry, event, has_real);
	pass_clauses(evaluation, entry, event, has_real);
	for (size_t at = 0; next_alive(evaluation, entry, &at); at++) {
		const struct candidate *candidate = &entry->candidates[at];
		const struct compiled_rule *compiled = &rules->rules[candidate->rule];
		enum truth truth;

		if (candidate->rule < first)
			continue;
		truth = try_candidate(
			evaluation, candidate, event, has_real && compiled->has_views);
		if (truth == IS_FALSE)
			continue;
		evaluation->has_waited = truth == IS_WAITING;
		*ret_rule = &compiled->rule;
		return truth;
	}
	event->view = VIEW_LEXICAL;
	return IS_FALSE;
}
