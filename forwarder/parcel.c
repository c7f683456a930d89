/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parcels: the way from a stock of alerts to a request, and what becomes of a parcel that is not
 * taken.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "forwarder/parcel.h"

#define PARCEL_BYTES (4 << 20)

void parcel_free(struct parcel *parcel)
{
	for (size_t i = 0; i < parcel->count; i++)
		free((char *)parcel->entries[i].body.data);
	free(parcel->entries);
	request_done(&parcel->request);
	dead_letters_free(parcel->letters);
	free(parcel->calm_state);
	free(parcel);
}

struct parcel *parcel_new(size_t room)
{
	struct parcel *parcel = NEW(struct parcel);

	parcel->entries = NEW_ARRAY(struct journal_entry, room);
	request_init(&parcel->request);
	return parcel;
}

/* What a damaged disk or a later version left in place of an alert goes out as what it is. */
static struct alert *unreadable(struct text raw)
{
	struct alert *alert = alert_new();
	struct buffer words;

	buffer_init(&words, 2048);
	buffer_add_string(&words, "This entry of the forwarder's journal cannot be read: ");
	buffer_add_utf8(&words, text_slice(raw, 0, 1024));
	alert->output = buffer_take(&words);
	alert->rule = string_copy("Unreadable journal entry");
	alert->source = string_copy("internal");
	alert->priority = PRIORITY_ERROR;
	alert->time_ns = 1; /* not known */
	alert->fields = json_object_new_object();
	return alert;
}

/* Never NULL: outputs compose from it. */
static struct alert *read_alert(struct text raw)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct alert *alert = NULL;

	if (json_parse(raw, &root, NULL, NULL) < 0 || alert_from_json(root, &alert, NULL) < 0)
		return unreadable(raw);
	return alert;
}

/* "a,b,c" */
static bool is_named(struct text names, const char *id)
{
	struct text name;

	while (text_split(&names, ',', &name))
		if (text_is(name, id))
			return true;
	return false;
}

/* Whether an alert that is for some outputs alone is for others; else that is taken off it. */
static bool is_for_another(const char *id, struct text *body, bool *ret_is_for_us)
{
	char *bytes = (char *)body->data;
	struct text rest = *body, target;

	*ret_is_for_us = false;
	if (!body->length || bytes[0] != '@')
		return false;
	text_split(&rest, '\n', &target);
	if (!is_named(text_slice(target, 1, target.length), id))
		return true;
	memmove(bytes, rest.data, rest.length);
	bytes[rest.length] = '\0';
	body->length = rest.length;
	*ret_is_for_us = true;
	return false;
}

static bool is_test(const struct alert *alert)
{
	return alert->rule && !strcmp(alert->rule, "Test rule");
}

static bool takes_all(const struct parcel_rule *rule)
{
	return rule->minimum == PRIORITY_NONE && !rule->match && !rule->calm;
}

static bool is_wanted(const struct parcel_rule *rule, struct journal_entry *entry, int64_t now_ms)
{
	_cleanup_(alert_freep) struct alert *alert = NULL;
	bool is_for_us;

	if (is_for_another(rule->id, &entry->body, &is_for_us))
		return false;
	if (!rule->takes && (is_for_us || takes_all(rule)))
		return true;
	alert = read_alert(entry->body);
	if (rule->takes && !rule->takes(alert))
		return false;
	if (is_for_us || is_test(alert))
		return true;
	if (rule->minimum != PRIORITY_NONE && alert->priority > rule->minimum)
		return false;
	if (rule->match && !match_takes(rule->match, alert))
		return false;
	return !rule->calm || calm_takes(rule->calm, alert, entry->arrived_ms, now_ms);
}

bool stock_is_empty(const struct stock *stock)
{
	return !stock->batch || stock->at == stock->batch->count;
}

struct parcel *parcel_cut(struct stock *stock, const struct parcel_rule *rule, int64_t now_ms)
{
	struct journal_batch *batch = stock->batch;
	struct parcel *parcel = parcel_new(MIN_OF(rule->most, batch->count));
	size_t bytes = 0;

	while (stock->at < batch->count && parcel->count < rule->most && bytes < PARCEL_BYTES) {
		struct journal_entry *entry = &batch->entries[stock->at];

		if (parcel->count && entry->sequence <= rule->single_until)
			break;
		stock->at++;
		parcel->last = entry->sequence;
		if (!is_wanted(rule, entry, now_ms))
			continue;
		parcel->entries[parcel->count++] = *entry;
		bytes += entry->body.length;
		entry->body = (struct text){ 0 }; /* the parcel's now */
		if (parcel->last <= rule->single_until)
			break;
	}
	if (stock->at == batch->count)
		parcel->last = MAX_OF(parcel->last, batch->last);
	if (!parcel->count)
		parcel->state = PARCEL_ARRIVED;
	parcel->calm_state = calm_state(rule->calm);
	return parcel;
}

struct parcel *parcel_of_summary(
	char *summary, const struct parcel_rule *rule, int64_t last, int64_t arrived_ms)
{
	struct parcel *parcel = parcel_new(1);

	parcel->entries[parcel->count++] =
		(struct journal_entry){ last, arrived_ms, text_of(summary) };
	parcel->last = last;
	parcel->calm_state = calm_state(rule->calm);
	return parcel;
}

struct parcel *parcel_split(struct parcel *parcel)
{
	struct parcel *before = parcel;

	for (size_t i = 1; i < parcel->count; i++) {
		struct parcel *one = parcel_new(1);

		one->context = parcel->context;
		one->entries[one->count++] = parcel->entries[i];
		one->last = i + 1 == parcel->count ? parcel->last : parcel->entries[i].sequence;
		one->next = before->next;
		before->next = one;
		before = one;
	}
	/* It holds when the last of them has arrived. */
	if (before != parcel)
		before->calm_state = TAKE(parcel->calm_state);
	parcel->last = parcel->entries[0].sequence;
	parcel->count = 1;
	parcel->state = PARCEL_WAITS;
	return before;
}

void parcel_give_up(struct parcel *parcel, const char *words)
{
	struct dead_letter **end = &parcel->letters;

	for (size_t i = 0; i < parcel->count; i++) {
		*end = dead_letter_new(parcel->entries[i].sequence, words, parcel->entries[i].body);
		end = &(*end)->next;
	}
	parcel->state = PARCEL_ARRIVED;
}

void parcel_compose(struct parcel *parcel, const struct output *output, const void *settings,
	const char *const *enabled, size_t enabled_count)
{
	_cleanup_(freep) struct message *items = NEW_ARRAY(struct message, parcel->count);
	struct messages messages = { items, parcel->count, enabled, enabled_count };

	request_done(&parcel->request);
	request_init(&parcel->request);
	for (size_t i = 0; i < parcel->count; i++) {
		items[i].raw = parcel->entries[i].body;
		items[i].alert = output->reads_alerts ? read_alert(items[i].raw) : NULL;
	}
	output->compose(&messages, settings, &parcel->request);
	for (size_t i = 0; i < parcel->count; i++)
		alert_free((struct alert *)items[i].alert);
}

void parcel_compose_one(const struct parcel *parcel, size_t i, const struct output *output,
	const void *settings, struct request *request)
{
	struct text raw = parcel->entries[i].body;
	_cleanup_(alert_freep) struct alert *alert = output->reads_alerts ? read_alert(raw) : NULL;
	struct message message = { raw, alert };
	struct messages messages = { &message, 1, NULL, 0 };

	output->compose(&messages, settings, request);
}
