/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties: what must hold for any condition and any event, tried on many made by chance. Each
 * failure prints the condition and the values; the seed is fixed, or TERCEL_SEED.
 */
#include <errno.h>
#include <fnmatch.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/rules/given.h"
#include "sensor/rules/analysis.h"
#include "condition/glob.h"
#include "sensor/rules/machine.h"
#include "sensor/rules/rules.h"
#include "sensor/tests/random.h"
#include "tests/test.h"

static const char *const texts[] = { "proc.name", "proc.pname", "container.image.tag",
	"container.image.repository", "proc.exe", "proc.cwd" };
static const char *const numbers[] = { "fd.num", "proc.pid", "evt.rawres" };
static const char *const words[] = { "a", "b", "ab", "ba", "aba", "\"\"", "\"a b\"" };
static const char *const types[] = { "open", "openat", "connect", "execve" };

static void write_check(struct buffer *out)
{
	static const char *const text_operators[] = { "=", "!=", "contains", "startswith",
		"endswith", "glob", "icontains" };
	static const char *const number_operators[] = { "=", "!=", "<", "<=", ">", ">=" };

	switch (random_below(8)) {
	case 0:
		buffer_printf(out, "%s exists", PICK(texts));
		break;
	case 1:
		buffer_printf(out, "%s in (%s, %s)", PICK(texts), PICK(words), PICK(words));
		break;
	case 2:
		buffer_printf(out, "%s %s %d", PICK(numbers), PICK(number_operators),
			(int)random_below(5) - 2);
		break;
	case 3:
		buffer_printf(out, "evt.type %s %s", random_below(2) ? "=" : "!=", PICK(types));
		break;
	case 4:
		buffer_printf(out, "%s %s val(%s)", PICK(texts),
			random_below(2) ? "=" : "!=", PICK(texts));
		break;
	case 5:
		buffer_printf(out, "%s startswith %s (%s, %s)", PICK(texts),
			random_below(2) ? "oneof" : "allof", PICK(words), PICK(words));
		break;
	default:
		buffer_printf(out, "%s %s %s", PICK(texts), PICK(text_operators), PICK(words));
	}
}

static const struct condition_shape conditions = { .ands = 1, .checks = 2, .write = write_check };

static void write_values(struct buffer *out)
{
	buffer_printf(out, "evt.type=%s", PICK(types));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		unsigned kind = random_below(6);

		buffer_printf(out, " %s=%s", texts[i],
			kind == 0   ? "absent"
			: kind == 1 ? "waits"
				    : PICK(words));
	}
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		unsigned kind = random_below(6);

		if (kind < 2)
			buffer_printf(out, " %s=%s", numbers[i], kind ? "waits" : "absent");
		else
			buffer_printf(out, " %s=%d", numbers[i], (int)random_below(5) - 2);
	}
}

/*
 * The plain reading of a condition: Kleene's logic over the tree. Tests themselves are asked of
 * the machine one by one; run-conditions.c has what each must answer.
 */
static enum truth walk(struct answers *answers, const struct event *event, const struct node *node)
{
	enum truth all = node->kind == NODE_AND ? IS_TRUE : IS_FALSE, one;

	if (node->kind == NODE_CHECK)
		return test_answer(answers, event, node->test);
	if (node->kind == NODE_NOT) {
		one = walk(answers, event, node->children[0]);
		return one == IS_WAITING ? one : one == IS_TRUE ? IS_FALSE : IS_TRUE;
	}
	for (size_t i = 0; i < node->count; i++) {
		one = walk(answers, event, node->children[i]);
		if (one == (node->kind == NODE_AND ? IS_FALSE : IS_TRUE))
			return one;
		if (one == IS_WAITING)
			all = IS_WAITING;
	}
	return all;
}

static bool one_condition(struct given *given, uint64_t counts[3])
{
	_cleanup_(program_freep) struct program *program = program_new();
	struct arena *arena = arena_new(64 << 20);
	struct answers *answers;
	struct buffer condition, values;
	struct event *event;
	struct node *tree;
	struct position at;
	struct error err = { 0 };
	uint32_t chain, typed;
	enum truth want, got, got_typed;
	bool is_same = true;

	buffer_init(&condition, 1 << 20);
	buffer_init(&values, 1 << 20);
	random_condition(&condition, &conditions, 4);
	if (condition_parse(buffer_text(&condition), arena, &tree, &at, &err) < 0 ||
		program_add_tests(program, tree, &at, &err) < 0) {
		printf("# %s\n# %s\n", buffer_text(&condition).data, err.message);
		is_same = false;
	}
	for (int i = 0; is_same && i < 8; i++) {
		buffer_clear(&values);
		write_values(&values);
		if (given_event(given, buffer_text(&values), &event, &err) < 0 ||
			program_add_chain(program, tree, NULL, &chain, &err) < 0 ||
			program_add_chain(program, tree, event->type, &typed, &err) < 0) {
			printf("# %s\n", err.message);
			is_same = false;
			break;
		}
		answers = answers_new(program);
		want = walk(answers, event, tree);
		answers_clear(answers);
		got = chain_run(answers, event, chain);
		got_typed = chain_run(answers, event, typed);
		counts[want]++;
		is_same = got == want && got_typed == want;
		if (!is_same)
			printf("# %s\n# %s\n# is %d and %d, not %d\n", buffer_text(&condition).data,
				buffer_text(&values).data, got, got_typed, want);
		answers_free(answers);
	}
	buffer_done(&condition);
	buffer_done(&values);
	arena_free(arena);
	return is_same;
}

TEST(a_chain_answers_as_its_tree_does_whatever_is_absent_or_waits)
{
	struct given *given = given_new();
	uint64_t counts[3] = { 0 };
	bool is_same = true;

	random_seed();
	for (int i = 0; is_same && i < 4000; i++)
		is_same = one_condition(given, counts);
	CHECK(is_same);
	/* All three answers were really met. */
	CHECK(counts[IS_TRUE] > 1000 && counts[IS_FALSE] > 1000 && counts[IS_WAITING] > 1000);
	given_free(given);
}

/* Waiting is over-cautious at most: whatever comes for what waits, a decided answer stays. */
TEST(what_waits_could_not_have_changed_a_decided_answer)
{
	struct given *given = given_new();
	int decided = 0;

	random_seed();
	for (int i = 0; i < 2000; i++) {
		_cleanup_(program_freep) struct program *program = program_new();
		struct arena *arena = arena_new(64 << 20);
		struct answers *answers;
		struct buffer condition, values;
		struct event *event;
		struct node *tree;
		struct position at;
		struct error err = { 0 };
		enum truth first;
		uint32_t chain;

		buffer_init(&condition, 1 << 20);
		buffer_init(&values, 1 << 20);
		random_condition(&condition, &conditions, 4);
		write_values(&values);
		CHECK_NUMBER(condition_parse(buffer_text(&condition), arena, &tree, &at, &err), 0);
		CHECK_NUMBER(program_add_tests(program, tree, &at, &err), 0);
		CHECK_NUMBER(given_event(given, buffer_text(&values), &event, &err), 0);
		CHECK_NUMBER(program_add_chain(program, tree, NULL, &chain, &err), 0);
		answers = answers_new(program);
		first = chain_run(answers, event, chain);
		for (size_t j = 0; j < event->given_count; j++) {
			struct given_value *value = (struct given_value *)&event->given[j];

			if (value->presence != WAITS)
				continue;
			value->presence = random_below(3) ? PRESENT : ABSENT;
			value->value = strstr(value->name, "fd.num") ||
						       strstr(value->name, "proc.pid") ||
						       strstr(value->name, "rawres")
					       ? value_signed((int)random_below(5) - 2)
					       : value_text(text_of(words[random_below(5)]));
		}
		answers_clear(answers);
		if (first != IS_WAITING) {
			CHECK_NUMBER(chain_run(answers, event, chain), first);
			decided++;
		} else {
			CHECK(chain_run(answers, event, chain) != IS_WAITING);
		}
		answers_free(answers);
		buffer_done(&condition);
		buffer_done(&values);
		arena_free(arena);
	}
	CHECK(decided > 500);
	given_free(given);
}

TEST(a_printed_condition_reads_back_as_the_same)
{
	random_seed();
	for (int i = 0; i < 4000; i++) {
		struct arena *arena = arena_new(64 << 20);
		struct buffer condition, once, twice;
		struct node *tree, *again;
		struct position at;
		struct error err = { 0 };

		buffer_init(&condition, 1 << 20);
		buffer_init(&once, 1 << 20);
		buffer_init(&twice, 1 << 20);
		random_condition(&condition, &conditions, 4);
		CHECK_NUMBER(condition_parse(buffer_text(&condition), arena, &tree, &at, &err), 0);
		node_print(tree, &once);
		CHECK_NUMBER(condition_parse(buffer_text(&once), arena, &again, &at, &err), 0);
		node_print(again, &twice);
		CHECK_TEXT(buffer_text(&twice).data, buffer_text(&once).data);
		buffer_done(&condition);
		buffer_done(&once);
		buffer_done(&twice);
		arena_free(arena);
	}
}

TEST(a_pattern_matches_as_fnmatch_does)
{
	static const char letters[] = "ab*?[]!^-\\/.A";
	char pattern[12], text[12];

	random_seed();
	for (int i = 0; i < 300000; i++) {
		size_t pattern_length = random_below(10), text_length = random_below(8);
		bool ignores_case = random_below(2), got, want;

		for (size_t j = 0; j < pattern_length; j++)
			pattern[j] = letters[random_below(sizeof(letters) - 1)];
		for (size_t j = 0; j < text_length; j++)
			text[j] = letters[random_below(sizeof(letters) - 1)];
		pattern[pattern_length] = text[text_length] = '\0';
		/*
		 * Left out: a bracket that is never closed, a range that ends in a bracket or runs
		 * backwards, and a backslash at the end, where C libraries differ.
		 */
		if (strchr(pattern, '[') || (pattern_length && pattern[pattern_length - 1] == '\\'))
			continue;
		got = glob_matches((struct text){ pattern, pattern_length },
			(struct text){ text, text_length }, ignores_case);
		want = fnmatch(pattern, text, ignores_case ? FNM_CASEFOLD : 0) == 0;
		if (got != want)
			printf("# pattern |%s| text |%s|\n", pattern, text);
		CHECK_NUMBER(got, want);
		if (got != want)
			return;
	}
}

TEST(a_bracket_matches_as_fnmatch_does)
{
	static const char *const brackets[] = { "[a-c]", "[!a-c]", "[^a]", "[]a]", "[!]a]", "[a-]",
		"[-a]", "[[:alpha:]]", "[[:digit:]x]", "[![:upper:]]", "[a\\]b]", "[\\!a]", "[A-C]",
		"[*]", "[?]", "[a/b]" };
	static const char *const parts[] = { "", "*", "?", "a", "b" };

	for (size_t i = 0; i < COUNT_OF(brackets); i++)
		for (size_t before = 0; before < COUNT_OF(parts); before++)
			for (size_t after = 0; after < COUNT_OF(parts); after++) {
				char pattern[32];

				snprintf(pattern, sizeof(pattern), "%s%s%s", parts[before],
					brackets[i], parts[after]);
				for (int c = 1; c < 128; c++) {
					char text[4] = { 'a', (char)c, 'b', 0 };

					for (int from = 0; from < 2; from++) {
						bool want = !fnmatch(pattern, text + from, 0);
						bool got = glob_matches(text_of(pattern),
							text_of(text + from), false);

						if (got != want)
							printf("# pattern |%s| text |%s|\n",
								pattern, text + from);
						CHECK_NUMBER(got, want);
					}
				}
			}
}

#define RULES 60

/* Rules made by chance, matched at once and one by one. */
TEST(rules_match_as_each_alone_would_in_their_order)
{
	struct given *given = given_new();
	struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	int matched = 0, waited = 0;

	random_seed();
	for (int round = 0; round < 60; round++) {
		_cleanup_(rules_loader_freep) struct rules_loader *loader =
			rules_loader_new(&options);
		_cleanup_(load_result_freep) struct load_result *result = NULL;
		_cleanup_(rules_freep) struct rules *rules = NULL;
		_cleanup_(program_freep) struct program *program = program_new();
		struct arena *arena = arena_new(64 << 20);
		struct evaluation *evaluation;
		struct answers *answers;
		struct node *trees[RULES];
		uint32_t chains[RULES];
		struct buffer yaml, shared;
		struct position at;
		struct error err = { 0 };

		buffer_init(&yaml, 1 << 20);
		buffer_init(&shared, 1 << 20);
		write_check(&shared);
		for (int i = 0; i < RULES; i++) {
			struct buffer condition;
			struct text kept;

			buffer_init(&condition, 1 << 20);
			/* Some have a check in common, which becomes a gate. */
			if (random_below(2))
				buffer_printf(&condition, "%s%s and ",
					random_below(4) ? "" : "not ", buffer_text(&shared).data);
			/* A clause, which is looked at when rules are many. */
			if (random_below(2)) {
				buffer_add_char(&condition, '(');
				write_check(&condition);
				buffer_add_string(
					&condition, random_below(2) ? " or not " : " or ");
				write_check(&condition);
				buffer_add_string(&condition, ") and ");
			}
			random_condition(&condition, &conditions, 3);
			buffer_printf(&yaml,
				"- rule: R%d\n  desc: d\n  condition: %s\n  output: o\n  priority: "
				"INFO\n  warn_evttypes: false\n",
				i, buffer_text(&condition).data);
			kept = arena_copy(arena, buffer_text(&condition));
			CHECK_NUMBER(condition_parse(kept, arena, &trees[i], &at, &err), 0);
			CHECK_NUMBER(program_add_tests(program, trees[i], &at, &err), 0);
			CHECK_NUMBER(
				program_add_chain(program, trees[i], NULL, &chains[i], &err), 0);
			buffer_done(&condition);
		}
		result = rules_loader_add(loader, "random.yaml", buffer_text(&yaml));
		CHECK_TEXT(result->error_count ? result->errors[0].message : NULL, NULL);
		CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
		evaluation = evaluation_new(rules);
		answers = answers_new(program);
		for (int i = 0; i < 200; i++) {
			const struct rule *rule = NULL;
			struct event *event;
			struct buffer values;
			enum truth got, want = IS_FALSE;
			int first = 0;

			buffer_init(&values, 1 << 20);
			write_values(&values);
			given_event(given, buffer_text(&values), &event, &err);
			answers_clear(answers);
			while (first < RULES &&
				(want = chain_run(answers, event, chains[first])) == IS_FALSE)
				first++;
			got = rules_match(rules, evaluation, event, 0, &rule);
			if (got != want || (rule && rule->index != (unsigned)first))
				printf("# %s\n%s", buffer_text(&values).data,
					buffer_text(&yaml).data);
			CHECK_NUMBER(got, want);
			CHECK_NUMBER(rule ? (int)rule->index : RULES, first);
			matched += got == IS_TRUE;
			waited += got == IS_WAITING;
			buffer_done(&values);
		}
		evaluation_free(evaluation);
		answers_free(answers);
		buffer_done(&yaml);
		buffer_done(&shared);
		arena_free(arena);
	}
	CHECK(matched > 1000 && waited > 1000);
	given_free(given);
}
