/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules: from files to compiled chains, and from an event to the rules that match it.
 *
 *	text -> tokens -> tree -> chain of { test, if_true, if_false }
 *
 * The language is Falco's (spec/rule-language.md). Loading is separate from evaluating: a
 * `struct rules_loader` collects files, `rules_compile` makes an immutable `struct rules`.
 */
#pragma once

#include "alert/alert.h"
#include "base/error.h"
#include "sensor/event.h"
#include "sensor/fields/field.h"

/* One place in a rules file; 0-based as Falco counts (spec 5.3). */
struct load_location {
	const char *item_type; /* "rule", "rule condition", "condition expression" … */
	char *item_name;       /* "" when it has none */
	char *file;
	size_t line, column, offset;
};

struct load_issue {
	const char *code; /* "LOAD_ERR_YAML_PARSE" … */
	char *message;	  /* Falco's words where the spec gives them */
	char *advice;	  /* ours: "did you mean proc.cmdline?", or NULL */
	struct load_location *locations;
	size_t location_count;
	char *snippet;		      /* the line and a caret line below it */
	const char *deprecated_field; /* of LOAD_DEPRECATED_ITEM, when it is about a field */
	size_t line,
		column;	    /* where the mistake really is in the file, 1-based, as editors count */
	char *file_snippet; /* that line of the file and a caret below it */
};

/* What loading one file gave. */
struct load_result {
	char *file;
	struct load_issue *errors; /* at most one, the first */
	size_t error_count;
	struct load_issue *warnings;
	size_t warning_count;
	bool has_schema;	/* it could be held against the schema: it is YAML */
	char **schema_warnings; /* what the schema does not allow; loads all the same */
	size_t schema_warning_count;
};

void load_result_free(struct load_result *result);
DEFINE_CLEANUP(struct load_result *, load_result_free)
/* Short text of a code: "Error compiling condition". */
const char *load_code_text(const char *code);
/* "FILE: Ok", and what the schema does not allow. */
void load_result_print_state(const struct load_result *result, struct buffer *out);
/* For people, in Falco's form (spec 5.3, 5.4) with the advice added. */
void load_result_print(const struct load_result *result, struct buffer *out);
/* {name, successful, errors, warnings …} of spec 5.4, with our advice, line and column added. */
void load_result_json(const struct load_result *result, struct json_writer *json);

struct additions;

struct rules_options {
	enum priority minimum_priority; /* rules below it are validated, not enabled */
	bool matches_all;		/* rule_matching: all */
	/* What is added to outputs; NULL: nothing. Borrowed, as long as the loader and its rules.
	 */
	const struct additions *additions;
	const struct yaml_node *selection; /* the `rules:` list of falco.yaml, borrowed; NULL */
	bool keeps_conditions;		   /* the loader keeps them written out, to explain */
	bool takes_transfers; /* rules that name no event type get reads and writes, too */
};

struct rules_loader;
struct rules;
struct json_writer;

struct rules_loader *rules_loader_new(const struct rules_options *options);
void rules_loader_free(struct rules_loader *loader);
DEFINE_CLEANUP(struct rules_loader *, rules_loader_free)
/* Adds a file (text and name, or read from disk). The result always comes; its errors tell. */
struct load_result *rules_loader_add(
	struct rules_loader *loader, const char *name, struct text text);
/* -ENOENT and such when the file cannot be read at all; else 0 and a result. */
int rules_loader_add_file(struct rules_loader *loader, const char *path,
	struct load_result **ret_result, struct error *err);
/* Compiles everything added so far. Only after results without errors. */
int rules_compile(struct rules_loader *loader, struct rules **ret_rules, struct error *err);

/*
 * Rules, macros and lists as Falco's -L gives them in JSON (spec 5.5), the members of an object
 * that the caller has begun; with a name that rule alone. The loader must keep conditions, and
 * have compiled `rules`. -ENOENT when there is no such rule.
 */
int rules_loader_describe(const struct rules_loader *loader, const struct rules *rules,
	const char *rule, struct json_writer *json);

struct rule {
	const char *name;
	const char *description;
	const char *source;
	enum priority priority;
	const char *const *tags; /* sorted */
	size_t tag_count;
	bool is_enabled;
	bool captures;		     /* a match begins a capture */
	int64_t capture_duration_ms; /* 0: the settings say */
	unsigned index;		     /* order of evaluation */
	struct event_set events;
};

void rules_free(struct rules *rules);
DEFINE_CLEANUP(struct rules *, rules_free)
size_t rules_count(const struct rules *rules);
const struct rule *rules_at(const struct rules *rules, size_t index);
/*
 * Union of what enabled rules can match, and what their fields need. A rule that is not about
 * particular types does not switch on the calls that only move data (read, write …); one that
 * names them does.
 */
void rules_events(const struct rules *rules, struct event_set *ret_set);

/* How much was compiled: distinct tests, distinct fields and values read, instructions. */
struct rules_sizes {
	size_t tests, readings, instructions;
};
void rules_sizes(const struct rules *rules, struct rules_sizes *ret_sizes);

/* Whether a rule or an output asks for what is read from /proc (FIELD_LOOK). */
bool rules_look(const struct rules *rules);
/* Domain names that conditions compare addresses with; valid as long as the rules. */
const struct text *rules_domain_names(const struct rules *rules, size_t *ret_count);

/* The memory that one evaluation uses; one per thread. */
struct evaluation;
struct evaluation *evaluation_new(const struct rules *rules);
void evaluation_free(struct evaluation *evaluation);

/*
 * Evaluates all rules of the event's type in order, from rule `first` on. Returns IS_TRUE with the
 * matching rule (call again with first = rule->index + 1 under rule_matching: all), IS_FALSE, or
 * IS_WAITING with the rule that waits. Where the two views of a path differ each rule is tried on
 * the lexical view first, then on the real one; event->view says which one matched.
 */
enum truth rules_match(const struct rules *rules, struct evaluation *evaluation,
	struct event *event, unsigned first, const struct rule **ret_rule);

/* Whether the alert would print something that is still being fetched. */
bool rule_waits(const struct rule *rule, const struct event *event);

/* The alert's text and JSON lines (spec 4.2, 4.3). */
struct alert_format {
	const char *hostname;
	bool uses_iso_8601;
	bool includes_output, includes_message, includes_fields, includes_tags;
	bool uses_utc; /* text times in UTC: for tests */
};
/* The time as the text has it, and as the member "time" of the JSON: always UTC, nine digits. */
void alert_write_time(uint64_t time_ns, const struct alert_format *format, struct buffer *out);
void alert_write_utc_time(uint64_t time_ns, struct json_writer *json);
void rule_write_text(const struct rule *rule, const struct event *event,
	const struct alert_format *format, struct buffer *out);
void rule_write_json(const struct rule *rule, const struct event *event,
	const struct alert_format *format, struct buffer *out);
