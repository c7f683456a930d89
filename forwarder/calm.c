/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folds, a hash table of what repeats; and a bucket of tokens.
 */
#include <stdlib.h>
#include <json-c/linkhash.h>
#include <uthash.h>

#include "base/memory.h"
#include "forwarder/calm.h"

#define OUTPUT_KEPT 400 /* bytes of the first alert's text in the summary */
#define RULES_TOLD  10
#define KEY_MAX	    4096

/* Alerts that are only counted. */
struct tally {
	char uuid[UUID_LENGTH + 1]; /* of the summary: the same however often it is sent */
	int64_t count, first_ms, last_ms;
};

struct fold {
	UT_hash_handle hh;
	char *key;
	struct alert *alert; /* what the summary is made of */
	struct tally tally;
	int64_t until_ms;
};

struct calm {
	const struct output_settings *settings;
	char *title;
	struct fold *folds; /* in the order in which their windows end */
	double tokens;
	int64_t filled_ms;
	struct tally held;
	enum priority held_priority; /* the worst */
	struct text_map held_rules;  /* how many of each, as text */
	int64_t held_until_ms;
	bool has_changed;
};

struct calm *calm_new(const struct output_settings *settings, const char *title)
{
	struct calm *calm;

	if (settings->fold_ms <= 0 && (settings->rate <= 0 || settings->rate_ms <= 0))
		return NULL;
	calm = NEW(struct calm);
	calm->settings = settings;
	calm->title = string_copy(title);
	calm->tokens = (double)settings->rate;
	calm->held_priority = PRIORITY_NONE;
	return calm;
}

static void fold_free(struct calm *calm, struct fold *fold)
{
	HASH_DEL(calm->folds, fold);
	alert_free(fold->alert);
	free(fold->key);
	free(fold);
}

void calm_free(struct calm *calm)
{
	struct fold *fold, *next;

	if (!calm)
		return;
	HASH_ITER (hh, calm->folds, fold, next)
		fold_free(calm, fold);
	text_map_done(&calm->held_rules);
	free(calm->title);
	free(calm);
}

static void tally_add(struct tally *tally, int64_t arrived_ms)
{
	if (!tally->count++)
		tally->first_ms = arrived_ms;
	tally->last_ms = MAX_OF(tally->last_ms, arrived_ms);
}

/* What an alert says for a part of the key; nothing where it says nothing. */
static struct text key_part(const struct alert *alert, const char *name)
{
	struct json_object *value = NULL;

	if (!strcmp(name, "rule"))
		return text_of(alert->rule);
	if (!strcmp(name, "priority"))
		return text_of(priority_name(alert->priority));
	if (!strcmp(name, "hostname"))
		return text_of(alert->hostname);
	if (!strcmp(name, "source"))
		return text_of(alert->source);
	if (!strcmp(name, "output"))
		return text_of(alert->output);
	if (alert->fields)
		(void)json_object_object_get_ex(alert->fields, name, &value);
	return text_of(value ? json_object_get_string(value) : NULL);
}

static char *key_of(const struct calm *calm, const struct alert *alert)
{
	const struct text_list *names = &calm->settings->fold_key;
	struct buffer key;

	buffer_init(&key, KEY_MAX);
	for (size_t i = 0; i < names->count; i++) {
		buffer_add_text(&key, key_part(alert, names->items[i]));
		buffer_add_char(&key, '\1'); /* between parts: stands in no name */
	}
	return key.data ? buffer_take(&key) : string_copy("");
}

static struct text cut_text(const char *text, size_t length)
{
	struct text all = text_of(text);

	while (length < all.length && length && ((unsigned char)all.data[length] & 0xc0) == 0x80)
		length--;
	return text_slice(all, 0, MIN_OF(length, all.length));
}

/* What a summary repeats of the first alert: of its fields those of the key. */
static struct alert *seed_of(const struct calm *calm, const struct alert *alert)
{
	const struct text_list *names = &calm->settings->fold_key;
	struct alert *seed = alert_new();
	struct json_object *value;

	seed->output = text_to_string(cut_text(alert->output, OUTPUT_KEPT));
	seed->rule = string_copy(alert->rule);
	seed->source = string_copy(alert->source);
	seed->hostname = string_copy(alert->hostname);
	seed->priority = alert->priority;
	seed->time_ns = alert->time_ns;
	seed->verified = alert->verified;
	seed->fields = json_object_new_object();
	for (size_t i = 0; i < alert->tag_count; i++)
		alert_add_tag(seed, alert->tags[i]);
	for (size_t i = 0; i < names->count; i++)
		if (alert->fields &&
			json_object_object_get_ex(alert->fields, names->items[i], &value))
			json_object_object_add(
				seed->fields, names->items[i], json_object_get(value));
	return seed;
}

/* Takes the key and the alert over. */
static struct fold *fold_add(struct calm *calm, char *key, struct alert *seed, int64_t now_ms)
{
	struct fold *fold = NEW(struct fold);

	fold->key = key;
	fold->alert = seed;
	fold->until_ms = now_ms + calm->settings->fold_ms;
	uuid_make(fold->tally.uuid);
	HASH_ADD_KEYPTR(hh, calm->folds, fold->key, strlen(fold->key), fold);
	return fold;
}

/* Windows are equally long, so those that are over stand in front. */
static void drop_silent(struct calm *calm, int64_t now_ms)
{
	struct fold *fold, *next;

	HASH_ITER (hh, calm->folds, fold, next) {
		if (fold->until_ms > now_ms)
			return;
		if (!fold->tally.count)
			fold_free(calm, fold);
	}
}

/* Whether it is a repeat; else it is the first of a new window. */
static bool is_folded(
	struct calm *calm, const struct alert *alert, int64_t arrived_ms, int64_t now_ms)
{
	_cleanup_(freep) char *key = NULL;
	struct fold *fold;

	if (calm->settings->fold_ms <= 0)
		return false;
	drop_silent(calm, now_ms);
	key = key_of(calm, alert);
	HASH_FIND_STR(calm->folds, key, fold);
	if (fold) {
		tally_add(&fold->tally, arrived_ms);
		calm->has_changed = true;
		return true;
	}
	if (HASH_COUNT(calm->folds) < CALM_FOLDS_MAX)
		fold_add(calm, TAKE(key), seed_of(calm, alert), now_ms);
	return false;
}

static void fill_bucket(struct calm *calm, int64_t now_ms)
{
	const struct output_settings *settings = calm->settings;
	double more = (double)(now_ms - calm->filled_ms) * (double)settings->rate /
		      (double)settings->rate_ms;

	if (calm->filled_ms)
		calm->tokens = MIN_OF(calm->tokens + MAX_OF(more, 0), (double)settings->rate);
	calm->filled_ms = now_ms;
}

static void count_rule(struct calm *calm, const char *rule, int64_t count)
{
	const char *name = rule ? rule : "";
	const char *known = text_map_get(&calm->held_rules, name);
	int64_t before = 0;
	_cleanup_(freep) char *text = NULL;

	if (!known && calm->held_rules.count == RULES_TOLD)
		return;
	(void)text_to_i64(text_of(known ? known : "0"), &before);
	text = string_printf("%lld", (long long)(before + count));
	text_map_set(&calm->held_rules, text_of(name), text_of(text));
}

static void hold(struct calm *calm, const struct alert *alert, int64_t arrived_ms, int64_t now_ms)
{
	if (!calm->held.count) {
		uuid_make(calm->held.uuid);
		calm->held_until_ms = now_ms + calm->settings->rate_ms;
	}
	tally_add(&calm->held, arrived_ms);
	calm->held_priority = MIN_OF(calm->held_priority, alert->priority);
	count_rule(calm, alert->rule, 1);
	calm->has_changed = true;
}

bool calm_takes(struct calm *calm, const struct alert *alert, int64_t arrived_ms, int64_t now_ms)
{
	if (is_folded(calm, alert, arrived_ms, now_ms))
		return false;
	if (calm->settings->rate <= 0 || calm->settings->rate_ms <= 0)
		return true;
	fill_bucket(calm, now_ms);
	if (calm->tokens < 1) {
		hold(calm, alert, arrived_ms, now_ms);
		return false;
	}
	calm->tokens -= 1;
	return true;
}

static const struct fold *first_due(const struct calm *calm)
{
	const struct fold *fold = calm->folds;

	while (fold && !fold->tally.count)
		fold = fold->hh.next;
	return fold;
}

int64_t calm_due_ms(const struct calm *calm)
{
	const struct fold *fold = calm ? first_due(calm) : NULL;
	int64_t due_ms = fold ? fold->until_ms : 0;

	if (calm && calm->held.count && (!due_ms || calm->held_until_ms < due_ms))
		due_ms = calm->held_until_ms;
	return due_ms;
}

static void set_text(struct alert *alert, const char *name, struct text text)
{
	json_object_object_add(
		alert->fields, name, json_object_new_string_len(text.data, (int)text.length));
}

static void set_tally(struct alert *alert, const char *prefix, const struct tally *tally)
{
	static const char *const names[] = { "first", "last" };
	const int64_t times_ms[] = { tally->first_ms, tally->last_ms };
	_cleanup_(freep) char *count = string_printf("%s.count", prefix);

	memcpy(alert->uuid, tally->uuid, sizeof(alert->uuid));
	json_object_object_add(alert->fields, count, json_object_new_int64(tally->count));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		_cleanup_(freep) char *name = string_printf("%s.%s", prefix, names[i]);
		struct buffer time;

		buffer_init(&time, 64);
		time_write(&time, times_ms[i] * 1000000);
		set_text(alert, name, buffer_text(&time));
		buffer_done(&time);
	}
}

static void write_span(struct buffer *words, const struct tally *tally)
{
	buffer_add_string(words, " from ");
	time_write(words, tally->first_ms * 1000000);
	buffer_add_string(words, " to ");
	time_write(words, tally->last_ms * 1000000);
}

/* Takes the alert over. */
static char *finish(struct alert *alert, struct buffer *words)
{
	struct buffer json;

	free(alert->output);
	alert->output = buffer_take(words);
	buffer_init(&json, ALERT_MAX);
	alert_write(alert, &json);
	alert_free(alert);
	return buffer_take(&json);
}

static char *summary_of_fold(struct calm *calm, struct fold *fold)
{
	struct alert *alert = TAKE(fold->alert);
	struct buffer words;

	buffer_init(&words, 4096);
	buffer_printf(&words, "%s (%lld more like it", alert->output ? alert->output : "",
		(long long)fold->tally.count);
	write_span(&words, &fold->tally);
	buffer_add_char(&words, ')');
	set_tally(alert, "dedup", &fold->tally);
	alert->time_ns = fold->tally.last_ms * 1000000;
	fold_free(calm, fold);
	return finish(alert, &words);
}

static void write_held(const struct calm *calm, struct buffer *words)
{
	buffer_printf(words, "%s: %lld alert%s beyond %lld in %lld s %s held back", calm->title,
		(long long)calm->held.count, calm->held.count == 1 ? "" : "s",
		(long long)calm->settings->rate, (long long)(calm->settings->rate_ms / 1000),
		calm->held.count == 1 ? "was" : "were");
	write_span(words, &calm->held);
	for (size_t i = 0; i < calm->held_rules.count; i++)
		buffer_printf(words, "%s%s x %s", i ? ", " : ": ", calm->held_rules.values[i],
			calm->held_rules.keys[i]);
}

static char *summary_of_held(struct calm *calm)
{
	struct alert *alert = alert_new();
	struct buffer words;

	alert->rule = string_copy("Alerts held back");
	alert->source = string_copy("internal");
	alert->priority = calm->held_priority;
	alert->time_ns = calm->held.last_ms * 1000000;
	alert->fields = json_object_new_object();
	buffer_init(&words, 16384);
	write_held(calm, &words);
	set_tally(alert, "ratelimit", &calm->held);
	text_map_done(&calm->held_rules);
	calm->held = (struct tally){ 0 };
	calm->held_priority = PRIORITY_NONE;
	calm->tokens -= 1; /* it is an alert as well */
	return finish(alert, &words);
}

char *calm_summary(struct calm *calm, int64_t now_ms)
{
	struct fold *fold = calm ? (struct fold *)first_due(calm) : NULL;

	if (!calm)
		return NULL;
	if (fold && fold->until_ms <= now_ms) {
		calm->has_changed = true;
		return summary_of_fold(calm, fold);
	}
	if (calm->held.count && calm->held_until_ms <= now_ms) {
		fill_bucket(calm, now_ms);
		calm->has_changed = true;
		return summary_of_held(calm);
	}
	return NULL;
}

static void write_tally(struct json_writer *json, const struct tally *tally)
{
	json_key(json, "uuid");
	json_add_string(json, tally->uuid);
	json_key(json, "count");
	json_add_i64(json, tally->count);
	json_key(json, "first");
	json_add_i64(json, tally->first_ms);
	json_key(json, "last");
	json_add_i64(json, tally->last_ms);
}

static void write_fold(struct json_writer *json, const struct fold *fold)
{
	struct buffer alert;

	buffer_init(&alert, ALERT_MAX);
	alert_write(fold->alert, &alert);
	json_begin_object(json);
	write_tally(json, &fold->tally);
	json_key(json, "key");
	json_add_string(json, fold->key);
	json_key(json, "alert");
	json_add_text(json, buffer_text(&alert));
	json_end(json);
	buffer_done(&alert);
}

static void write_held_state(struct json_writer *json, const struct calm *calm)
{
	json_begin_object(json);
	write_tally(json, &calm->held);
	json_key(json, "priority");
	json_add_string(json, priority_name(calm->held_priority));
	json_key(json, "rules");
	json_begin_object(json);
	for (size_t i = 0; i < calm->held_rules.count; i++) {
		json_key(json, calm->held_rules.keys[i]);
		json_add_string(json, calm->held_rules.values[i]);
	}
	json_end(json);
	json_end(json);
}

char *calm_state(struct calm *calm)
{
	struct buffer out;
	struct json_writer json;

	if (!calm || !calm->has_changed)
		return NULL;
	calm->has_changed = false;
	buffer_init(&out, 8 << 20);
	json_writer_init(&json, &out);
	json_begin_object(&json);
	json_key(&json, "folds");
	json_begin_array(&json);
	for (const struct fold *fold = calm->folds; fold; fold = fold->hh.next)
		if (fold->tally.count)
			write_fold(&json, fold);
	json_end(&json);
	json_key(&json, "held");
	write_held_state(&json, calm);
	json_end(&json);
	return buffer_take(&out);
}

static int64_t number_of(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_int64(value) : 0;
}

static void read_tally(struct json_object *object, struct tally *ret_tally)
{
	struct text uuid = json_get_text(object, "uuid");

	*ret_tally = (struct tally){ .count = number_of(object, "count"),
		.first_ms = number_of(object, "first"),
		.last_ms = number_of(object, "last") };
	if (uuid_is_valid(uuid))
		memcpy(ret_tally->uuid, uuid.data, UUID_LENGTH);
	else
		uuid_make(ret_tally->uuid);
}

static void restore_fold(struct calm *calm, struct json_object *object, int64_t now_ms)
{
	_cleanup_(json_putp) struct json_object *json = NULL;
	struct alert *alert = NULL;
	struct text key = json_get_text(object, "key");

	if (!key.data || json_parse(json_get_text(object, "alert"), &json, NULL, NULL) < 0 ||
		alert_from_json(json, &alert, NULL) < 0)
		return;
	if (!alert->fields)
		alert->fields = json_object_new_object();
	read_tally(object, &fold_add(calm, text_to_string(key), alert, now_ms)->tally);
}

static void restore_held(struct calm *calm, struct json_object *object, int64_t now_ms)
{
	struct json_object *rules = NULL;
	int64_t count;

	read_tally(object, &calm->held);
	calm->held_until_ms = now_ms + calm->settings->rate_ms;
	calm->held_priority = priority_parse(json_get_text(object, "priority"));
	if (!json_object_object_get_ex(object, "rules", &rules))
		return;
	json_object_object_foreach(rules, rule, value)
	{
		if (text_to_i64(text_of(json_object_get_string(value)), &count) == 0)
			count_rule(calm, rule, count);
	}
}

void calm_restore(struct calm *calm, const char *state, int64_t now_ms)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct json_object *folds = NULL, *held = NULL;

	if (!calm || !state || json_parse(text_of(state), &root, NULL, NULL) < 0)
		return;
	(void)json_object_object_get_ex(root, "folds", &folds);
	for (size_t i = 0; folds && i < json_object_array_length(folds); i++)
		restore_fold(calm, json_object_array_get_idx(folds, i), now_ms);
	if (json_object_object_get_ex(root, "held", &held))
		restore_held(calm, held, now_ms);
}
