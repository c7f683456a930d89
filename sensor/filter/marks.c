/* SPDX-License-Identifier: Apache-2.0 */
/* Bits for tests. */
#include "base/memory.h"
#include "sensor/filter/marks.h"

bool mark_subject_of(const struct part *literal, enum mark_subject *ret_subject)
{
	if (literal->kind != PART_LITERAL)
		return false;
	switch (literal->decision->kind) {
	case DECISION_STEPS:
		*ret_subject = MARK_NUMBERS;
		return true;
	case DECISION_NAME:
		*ret_subject = MARK_NAME;
		return true;
	case DECISION_PATH:
		*ret_subject =
			literal->decision->path_kind == PATH_AS_GIVEN ? MARK_GIVEN : MARK_VIEW;
		return true;
	default:
		return false;
	}
}

bool marks_use(const struct part *part, enum mark_subject subject)
{
	enum mark_subject own;

	if (mark_subject_of(part, &own))
		return own == subject;
	for (size_t i = 0; i < part->count; i++)
		if (marks_use(part->parts[i], subject))
			return true;
	return false;
}

size_t marks_begin(const struct mark_table *table, enum mark_subject subject)
{
	return subject ? table->ends[subject - 1] : 0;
}

bool mark_is_inverted(const struct part *literal)
{
	return literal->is_negated != literal->decision->is_inverted;
}

/* FILTER_MAY: yes unless it is surely no, and no only when it is surely yes; FILTER_MUST … */
static bool asks_if_sure(const struct mark_table *table, const struct part *literal)
{
	return (table->purpose == FILTER_MAY) == mark_is_inverted(literal);
}

int mark_of(const struct mark_table *table, const struct part *literal)
{
	for (size_t i = 0; i < COUNT_OF(table->items); i++)
		if (table->items[i].decision == literal->decision &&
			table->items[i].is_sure == asks_if_sure(table, literal))
			return (int)i;
	return -1;
}

/* How often it is asked in the part. */
static size_t count_uses(const struct part *part, const struct decision *decision)
{
	size_t count = part->decision == decision;

	for (size_t i = 0; i < part->count; i++)
		count += count_uses(part->parts[i], decision);
	return count;
}

struct collection {
	struct mark_table *table;
	const struct part *parts[2]; /* all there are */
	enum mark_subject subject;
	size_t count;
};

static void add(struct collection *collection, const struct part *literal)
{
	struct mark_table *table = collection->table;

	if (collection->count == COUNT_OF(table->items) || mark_of(table, literal) >= 0)
		return;
	if (collection->subject == MARK_NUMBERS &&
		count_uses(collection->parts[0], literal->decision) +
				count_uses(collection->parts[1], literal->decision) <
			2)
		return;
	table->items[collection->count++] =
		(struct mark){ literal->decision, asks_if_sure(table, literal) };
}

static void collect(struct collection *collection, const struct part *part)
{
	enum mark_subject own;

	if (mark_subject_of(part, &own) && own == collection->subject)
		add(collection, part);
	for (size_t i = 0; i < part->count; i++)
		collect(collection, part->parts[i]);
}

void marks_collect(struct mark_table *table, enum filter_purpose purpose,
	const struct part *without_view, const struct part *with_view)
{
	*table = (struct mark_table){ .purpose = purpose };
	for (enum mark_subject subject = 0; subject < MARK_SUBJECTS; subject++) {
		struct collection collection = { table, { without_view, with_view }, subject,
			marks_begin(table, subject) * 32 };

		collect(&collection, without_view);
		collect(&collection, with_view);
		table->ends[subject] = (collection.count + 31) / 32;
	}
}

static void set(struct marks *marks, int bit)
{
	marks->words[bit / 32] |= UINT32_C(1) << bit % 32;
}

struct marks marks_of(const struct mark_table *table, const struct decision *decision, bool is_sure)
{
	struct marks marks = { 0 };

	for (size_t i = 0; i < COUNT_OF(table->items); i++)
		if (table->items[i].decision == decision && (is_sure || !table->items[i].is_sure))
			set(&marks, (int)i);
	return marks;
}

static bool needed_by_all(
	const struct mark_table *table, const struct part *part, struct marks *ret_marks)
{
	struct marks marks = { 0 }, one;

	for (size_t i = 0; i < part->count; i++) {
		if (!marks_needed(table, part->parts[i], &one))
			return false;
		marks_join(&marks, &one);
	}
	*ret_marks = marks;
	return true;
}

bool marks_needed(const struct mark_table *table, const struct part *part, struct marks *ret_marks)
{
	struct marks marks = { 0 };
	enum mark_subject subject;
	int bit;

	if (part->kind == PART_ANY)
		return needed_by_all(table, part, ret_marks);
	for (size_t i = 0; part->kind == PART_ALL && i < part->count; i++)
		if (marks_needed(table, part->parts[i], ret_marks))
			return true;
	if (!mark_subject_of(part, &subject) || subject < MARK_GIVEN || mark_is_inverted(part))
		return false;
	bit = mark_of(table, part);
	if (bit < 0)
		return false;
	set(&marks, bit);
	*ret_marks = marks;
	return true;
}
