/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the alert of a rule reads: one line of text or of JSON, as Falco writes them
 * (spec/rule-language.md 4.2, 4.3).
 */
#include <time.h>

#include "sensor/rules/compiled.h"

/* TIME: PRIORITY MESSAGE. The clock is local, or UTC for tests. */
void alert_write_time(uint64_t time_ns, const struct alert_format *format, struct buffer *out)
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	unsigned nanoseconds = (unsigned)(time_ns % 1000000000);
	struct tm when;
	char text[40];

	if (format->uses_iso_8601 || format->uses_utc)
		gmtime_r(&seconds, &when);
	else
		localtime_r(&seconds, &when);
	strftime(text, sizeof(text), format->uses_iso_8601 ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S",
		&when);
	buffer_printf(out, "%s.%09u%s", text, nanoseconds, format->uses_iso_8601 ? "+0000" : "");
}

static void write_line(const struct compiled_rule *compiled, const struct event *event,
	const struct alert_format *format, struct buffer *out)
{
	alert_write_time(event->time_ns, format, out);
	buffer_printf(out, ": %s ", priority_name(compiled->rule.priority));
	format_write(compiled->format, event, out);
}

/* A rule is the first member of its compiled form. */
static const struct compiled_rule *compiled_of(const struct rule *rule)
{
	return (const struct compiled_rule *)rule;
}

bool rule_waits(const struct rule *rule, const struct event *event)
{
	const struct format *format = compiled_of(rule)->format;
	struct value value;

	for (size_t i = 0; i < format_field_count(format); i++) {
		const struct field_use *use = format_field(format, i);

		if (use->field->flags & FIELD_METADATA && field_read(event, use, &value) == WAITS)
			return true;
	}
	return false;
}

void rule_write_text(const struct rule *rule, const struct event *event,
	const struct alert_format *format, struct buffer *out)
{
	struct buffer line;

	buffer_init(&line, out->limit - out->length);
	write_line(compiled_of(rule), event, format, &line);
	json_escape(out, buffer_text(&line));
	buffer_done(&line);
}

/* What every alert has besides the format's fields, in the order of names. */
enum extra { EXTRA_VIEW, EXTRA_TIME, EXTRA_COUNT };

static const char *extra_name(
	enum extra extra, const struct event *event, const struct alert_format *format)
{
	/* Said only where it is news: an alert about the name that was given is as Falco's. */
	if (extra == EXTRA_VIEW)
		return event->view == VIEW_REAL ? "evt.path.view" : NULL;
	return format->uses_iso_8601 ? "evt.time.iso8601" : "evt.time";
}

static void write_extra(enum extra extra, const struct event *event,
	const struct alert_format *format, struct json_writer *json)
{
	json_key(json, extra_name(extra, event, format));
	if (extra == EXTRA_VIEW)
		json_add_string(json, "real");
	else
		json_add_u64(json, event->time_ns);
}

static void write_member(
	const struct format_member *member, const struct event *event, struct json_writer *json)
{
	struct buffer text;

	json_key_text(json, member->name);
	if (member->use) {
		field_print_json(event, member->use, json);
		return;
	}
	buffer_init(&text, ALERT_MAX);
	format_write(member->text, event, &text);
	json_add_text(json, buffer_text(&text));
	buffer_done(&text);
}

/* Both are sorted by name; where both have one, the format's member stands. */
static void write_fields(const struct compiled_rule *compiled, const struct event *event,
	const struct alert_format *format, struct json_writer *json)
{
	size_t count = format_member_count(compiled->format), at = 0;

	json_begin_object(json);
	for (enum extra extra = 0; extra < EXTRA_COUNT || at < count;) {
		const char *name = extra < EXTRA_COUNT ? extra_name(extra, event, format) : NULL;
		const struct format_member *member =
			at < count ? format_member_at(compiled->format, at) : NULL;
		int order = !member ? -1 : !name ? 1 : text_compare(text_of(name), member->name);

		if (!name && extra < EXTRA_COUNT) {
			extra++;
			continue;
		}
		if (order < 0)
			write_extra(extra, event, format, json);
		extra += order <= 0;
		if (order < 0)
			continue;
		write_member(member, event, json);
		at++;
	}
	json_end(json);
}

static void write_tags(const struct rule *rule, struct json_writer *json)
{
	json_begin_array(json);
	for (size_t i = 0; i < rule->tag_count; i++)
		json_add_string(json, rule->tags[i]);
	json_end(json);
}

static void write_text_member(const struct compiled_rule *compiled, const struct event *event,
	const struct alert_format *format, bool has_prefix, struct json_writer *json)
{
	struct buffer text;

	buffer_init(&text, ALERT_MAX);
	if (has_prefix)
		write_line(compiled, event, format, &text);
	else
		format_write(compiled->format, event, &text);
	json_add_text(json, buffer_text(&text));
	buffer_done(&text);
}

/* "2021-05-29T17:18:29.082520347Z", always nine digits. */
void alert_write_utc_time(uint64_t time_ns, struct json_writer *json)
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	struct tm when;
	char text[40], whole[64];

	gmtime_r(&seconds, &when);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &when);
	snprintf(whole, sizeof(whole), "%s.%09uZ", text, (unsigned)(time_ns % 1000000000));
	json_add_string(json, whole);
}

void rule_write_json(const struct rule *rule, const struct event *event,
	const struct alert_format *format, struct buffer *out)
{
	const struct compiled_rule *compiled = compiled_of(rule);
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "hostname");
	json_add_string(&json, format->hostname);
	if (format->includes_message) {
		json_key(&json, "message");
		write_text_member(compiled, event, format, false, &json);
	}
	if (format->includes_output) {
		json_key(&json, "output");
		write_text_member(compiled, event, format, true, &json);
	}
	if (format->includes_fields) {
		json_key(&json, "output_fields");
		write_fields(compiled, event, format, &json);
	}
	json_key(&json, "priority");
	json_add_string(&json, priority_name(rule->priority));
	json_key(&json, "rule");
	json_add_string(&json, rule->name);
	json_key(&json, "source");
	json_add_string(&json, rule->source);
	if (format->includes_tags) {
		json_key(&json, "tags");
		write_tags(rule, &json);
	}
	json_key(&json, "time");
	alert_write_utc_time(event->time_ns, &json);
	json_end(&json);
}
