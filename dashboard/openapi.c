/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenAPI document: the table of questions, written as JSON. What a question takes stands in
 * its row by name; what the names mean stands here once.
 */
#include <assert.h>

#include "base/memory.h"
#include "dashboard/api-v2.h"

struct parameter {
	const char *name, *about, *type;
	const char *choices; /* "a b c"; NULL: any */
};

static const struct parameter parameters[] = {
	{ "from", "Start: RFC 3339, now, now-24h, or milliseconds since 1970. Default: now-24h.",
		"string", NULL },
	{ "to", "End, exclusive, as from. Default: now.", "string", NULL },
	{ "q",
		"Query: words, \"phrases\", field:value with *, field:(a OR b), AND, OR, "
		"parentheses, - or NOT, priority>=warning, field>number.",
		"string", NULL },
	{ "exact", "1: count to the end instead of stopping after about 150 ms (30 s at most).",
		"string", "0 1" },
	{ "limit", "At most so many.", "integer", NULL },
	{ "cursor", "Where to go on: \"next\" of the answer before.", "string", NULL },
	{ "by", "What the counts are split by. Default: priority.", "string", "priority rule" },
	{ "buckets", "About so many intervals, at most 500. Default: 80.", "integer", NULL },
	{ "fields", "Names of fields, separated by commas.", "string", NULL },
	{ "contains", "Only values that hold this text, whatever its case.", "string", NULL },
	{ "same", "What the neighbours share. Default: container.", "string",
		"container pod process host rule" },
	{ "within", "How far on each side, such as 5min (the default) or 1h.", "string", NULL },
	{ "format", "Default: ndjson.", "string", "ndjson json csv" },
	{ "session", "Its id; without one all others of one's own.", "string", NULL },
	{ "state", "Only responses in this state.", "string",
		"waiting pending running done failed refused expired dry_run undoing undone rejected" },
	{ "before", "Only responses with a smaller id: the last one of the answer before.",
		"integer", NULL },
	{ "namespace", "Only responses about this namespace.", "string", NULL },
	{ "pod", "Only responses about pods of this name.", "string", NULL },
	{ "response", "Its id.", "integer", NULL },
	{ "decision", "Needed: what is to be done with it.", "string", "approve reject undo" },
	{ "rule", "Needed: the rule's name.", "string", NULL },
	{ "forwarder", "Needed: its URL, as /api/v2/forwarders has it.", "string", NULL },
	{ "output", "Needed: the name of one of its outputs.", "string", NULL },
	{ "total", "0: do not count the matches (for later pages).", "string", "0 1" },
};

static void write_choices(const char *choices, struct json_writer *json)
{
	struct text rest = text_of(choices), choice;

	json_key(json, "enum");
	json_begin_array(json);
	while (text_split(&rest, ' ', &choice))
		json_add_text(json, choice);
	json_end(json);
}

static void write_schema(const char *type, const char *choices, struct json_writer *json)
{
	json_key(json, "schema");
	json_begin_object(json);
	json_key(json, "type");
	json_add_string(json, type);
	if (choices)
		write_choices(choices, json);
	json_end(json);
}

static void write_parameter(
	const char *name, const char *in, const char *about, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "name");
	json_add_string(json, name);
	json_key(json, "in");
	json_add_string(json, in);
	json_key(json, "description");
	json_add_string(json, about);
	if (!strcmp(in, "path")) {
		json_key(json, "required");
		json_add_bool(json, true);
		write_schema("string", NULL, json);
	}
}

static const struct parameter *find_parameter(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(parameters); i++)
		if (text_is(name, parameters[i].name))
			return &parameters[i];
	assert(!"a question names a parameter that is not described");
	abort();
}

static void write_parameters(const struct question *question, struct json_writer *json)
{
	struct text rest = text_of(question->parameters), name;

	json_key(json, "parameters");
	json_begin_array(json);
	if (strchr(question->path, '*')) {
		write_parameter("uuid", "path", "The event's UUID.", json);
		json_end(json);
	}
	while (rest.length && text_split(&rest, ' ', &name)) {
		const struct parameter *parameter = find_parameter(name);

		write_parameter(parameter->name, "query", parameter->about, json);
		write_schema(parameter->type, parameter->choices, json);
		json_end(json);
	}
	json_end(json);
}

static void write_answer(
	const char *status, const char *about, const char *type, struct json_writer *json)
{
	json_key(json, status);
	json_begin_object(json);
	json_key(json, "description");
	json_add_string(json, about);
	if (*type) {
		json_key(json, "content");
		json_begin_object(json);
		json_key(json, type);
		json_begin_object(json);
		json_end(json);
		json_end(json);
	}
	json_end(json);
}

static void write_operation(const struct question *question, struct json_writer *json)
{
	bool is_get = !strcmp(question->method, "GET");
	bool has_body = *question->type;

	json_key(json, is_get ? "get" : "post");
	json_begin_object(json);
	json_key(json, "summary");
	json_add_string(json, question->about);
	write_parameters(question, json);
	json_key(json, "responses");
	json_begin_object(json);
	write_answer(has_body ? "200" : "204", "Done.", question->type, json);
	if (question->access != ACCESS_ALL)
		write_answer("401", "Not logged in.", "application/json", json);
	if (question->access == ACCESS_OPERATORS)
		write_answer("403", "Only an operator may do this.", "application/json", json);
	if (*question->parameters)
		write_answer("400", "{\"error\":\"…\",\"column\":N}: a parameter cannot be read.",
			"application/json", json);
	json_end(json);
	json_end(json);
}

/* "/api/v2/events/" and a star is "/api/v2/events/{uuid}". */
static void write_path(const struct question *question, struct json_writer *json)
{
	struct buffer path;

	buffer_init(&path, 256);
	buffer_add_text(
		&path, text_slice(text_of(question->path), 0, strcspn(question->path, "*")));
	buffer_add_string(&path, strchr(question->path, '*') ? "{uuid}" : "");
	json_key_text(json, buffer_text(&path));
	buffer_done(&path);
}

static void write_info(struct json_writer *json)
{
	json_key(json, "openapi");
	json_add_string(json, "3.1.0");
	json_key(json, "info");
	json_begin_object(json);
	json_key(json, "title");
	json_add_string(json, "Tercel dashboard");
	json_key(json, "version");
	json_add_string(json, TERCEL_VERSION);
	json_end(json);
}

void answer_openapi(struct asked *asked)
{
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	write_info(&json);
	json_key(&json, "paths");
	json_begin_object(&json);
	for (size_t i = 0; i < questions_v2_count; i++) {
		/* Rows of one path with several methods stand next to each other. */
		bool is_first = !i || strcmp(questions_v2[i].path, questions_v2[i - 1].path);

		if (is_first && i)
			json_end(&json);
		if (is_first) {
			write_path(&questions_v2[i], &json);
			json_begin_object(&json);
		}
		write_operation(&questions_v2[i], &json);
	}
	json_end(&json);
	json_end(&json);
	json_end(&json);
	asked_reply_json(asked);
}
