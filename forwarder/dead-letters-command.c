/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letters on the command line: choose some, then do one thing with each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/settings.h"
#include "forwarder/dead-letters-command.h"
#include "forwarder/dead-letters.h"
#include "alert/match.h"

static const char usage[] =
	"tercel forwarder dead-letters list | show | requeue | drop [ID …] [--output NAME] "
	"[--match CONDITION] [--all] [--json] [--state DIR]";

struct options {
	char *output, *match, *state;
	bool is_all, is_json, wants_help;
};

static const struct setting rows[] = {
	{ .flag = "output",
		.type = SETTING_TEXT,
		.at = offsetof(struct options, output),
		.value = "NAME",
		.about = "Only those of this output, such as slack or slack.team-a" },
	{ .flag = "match",
		.type = SETTING_TEXT,
		.at = offsetof(struct options, match),
		.value = "CONDITION",
		.about = "Only alerts that this is true for, such as 'priority = critical'" },
	{ .flag = "all",
		.type = SETTING_BOOL,
		.at = offsetof(struct options, is_all),
		.fallback = "false",
		.about = "All of them; requeue and drop want to be told which" },
	{ .flag = "json",
		.type = SETTING_BOOL,
		.at = offsetof(struct options, is_json),
		.fallback = "false",
		.about = "One JSON object a line" },
	{ .flag = "state",
		.type = SETTING_TEXT,
		.at = offsetof(struct options, state),
		.value = "DIR",
		.environment = "STATE_DIRECTORY",
		.fallback = "/var/lib/tercel/forwarder",
		.about = "The forwarder's folder" },
	{ .flag = "help",
		.short_flag = 'h',
		.type = SETTING_BOOL,
		.at = offsetof(struct options, wants_help),
		.fallback = "false",
		.about = "Print this and exit" },
};

static const struct settings_table table = {
	.program = "tercel forwarder dead-letters",
	.rows = rows,
	.count = COUNT_OF(rows),
};

struct selection {
	const struct options *options;
	struct match *match;
	int64_t *ids; /* NULL: all */
	size_t id_count;
	struct dead_letters *letters;
	int64_t *chosen;
	size_t count, capacity;
	void (*print)(const struct dead_letter_row *row);
};

static bool has_id(const struct selection *selection, int64_t id)
{
	for (size_t i = 0; i < selection->id_count; i++)
		if (selection->ids[i] == id)
			return true;
	return !selection->id_count;
}

/* "slack" also means all that are called slack.NAME. */
static bool is_of_output(const char *wanted, const char *output)
{
	size_t length = wanted ? strlen(wanted) : 0;

	return !length ||
	       (!strncmp(wanted, output, length) && (!output[length] || output[length] == '.'));
}

static bool is_matched(const struct selection *selection, const char *body)
{
	_cleanup_(json_putp) struct json_object *json = NULL;
	_cleanup_(alert_freep) struct alert *alert = NULL;

	if (!selection->match)
		return true;
	return json_parse(text_of(body), &json, NULL, NULL) == 0 &&
	       alert_from_json(json, &alert, NULL) == 0 && match_takes(selection->match, alert);
}

static bool choose(void *context, const struct dead_letter_row *row)
{
	struct selection *selection = context;

	if (!has_id(selection, row->id) || !is_of_output(selection->options->output, row->output) ||
		!is_matched(selection, row->body))
		return true;
	if (selection->print)
		selection->print(row);
	*ARRAY_ADD(selection->chosen, selection->count, selection->capacity) = row->id;
	return true;
}

static char *time_text(int64_t ms)
{
	struct buffer time;

	buffer_init(&time, 64);
	time_write(&time, ms / 1000 * 1000000000);
	return buffer_take(&time);
}

/* Both come from elsewhere; a terminal is not to obey them. */
static void print_safe(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
}

static void print_line(const struct dead_letter_row *row)
{
	_cleanup_(json_putp) struct json_object *alert = NULL;
	_cleanup_(freep) char *time = time_text(row->at_ms);
	_cleanup_(freep) char *rule = NULL;

	(void)json_parse(text_of(row->body), &alert, NULL, NULL);
	rule = text_to_string(json_get_text(alert, "rule"));
	printf("%-6lld %s  %-16s ", (long long)row->id, time, row->output);
	print_safe(rule ? rule : "");
	printf("%s\n       ", row->is_requeued ? "  (is sent again)" : "");
	print_safe(row->reason);
	putchar('\n');
}

static void print_whole(const struct dead_letter_row *row)
{
	print_line(row);
	printf("       %s\n", row->body);
}

static void print_json(const struct dead_letter_row *row)
{
	_cleanup_(freep) char *time = time_text(row->at_ms);
	struct json_writer json;
	struct buffer out;

	buffer_init(&out, 4 << 20);
	json_writer_init(&json, &out);
	json_begin_object(&json);
	json_key(&json, "id");
	json_add_i64(&json, row->id);
	json_key(&json, "time");
	json_add_string(&json, time);
	json_key(&json, "output");
	json_add_string(&json, row->output);
	json_key(&json, "reason");
	json_add_string(&json, row->reason);
	json_key(&json, "is_requeued");
	json_add_bool(&json, row->is_requeued);
	json_key(&json, "alert");
	json_add_raw(&json, text_of(row->body));
	json_end(&json);
	printf("%s\n", out.data);
	buffer_done(&out);
}

static int change(struct selection *selection,
	int (*one)(struct dead_letters *letters, int64_t id, struct error *err), struct error *err)
{
	int r = dead_letters_begin(selection->letters, err);

	for (size_t i = 0; i < selection->count && !r; i++)
		r = one(selection->letters, selection->chosen[i], err);
	return r < 0 ? r : dead_letters_commit(selection->letters, err);
}

static const struct action {
	const char *name, *done;
	int (*change)(struct dead_letters *letters, int64_t id, struct error *err);
	void (*print)(const struct dead_letter_row *row);
} actions[] = {
	{ "list", NULL, NULL, print_line },
	{ "show", NULL, NULL, print_whole },
	{ "requeue", "will be sent again", dead_letters_mark, NULL },
	{ "drop", "dropped", dead_letters_drop, NULL },
};

static const struct action *action_find(const char *name)
{
	for (size_t i = 0; name && i < COUNT_OF(actions); i++)
		if (!strcmp(actions[i].name, name))
			return &actions[i];
	return NULL;
}

static int read_ids(struct selection *selection, char **words, int count, struct error *err)
{
	selection->ids = NEW_ARRAY(int64_t, (size_t)count + 1);
	for (int i = 0; i < count; i++)
		if (text_to_i64(text_of(words[i]), &selection->ids[selection->id_count++]) < 0)
			return error_set(
				err, -EINVAL, "\"%s\" is no number of a dead letter", words[i]);
	return 0;
}

static int open_letters(struct selection *selection, struct error *err)
{
	const char *state = selection->options->state;
	_cleanup_(freep) char *path = string_printf("%s/dead-letters.db", state);

	if (access(path, R_OK | W_OK) < 0)
		return error_set(err, -errno, "%s: %s; name the forwarder's folder with --state",
			path, strerror(errno));
	return dead_letters_open(state, &selection->letters, err);
}

static int perform(struct selection *selection, const struct action *action, struct error *err)
{
	const struct options *options = selection->options;
	bool is_chosen =
		options->is_all || selection->id_count || options->output || options->match;
	int r;

	if (action->change && !is_chosen)
		return error_set(err, -EINVAL,
			"which ones? name them by number, --output or --match, or say --all");
	if (options->match) {
		r = match_new(text_of(options->match), &selection->match, err);
		if (r < 0)
			return error_prefix(err, "--match");
	}
	selection->print = action->print && options->is_json ? print_json : action->print;
	r = open_letters(selection, err);
	if (!r)
		r = dead_letters_each(selection->letters, choose, selection, err);
	if (!r && action->change)
		r = change(selection, action->change, err);
	if (r < 0)
		return r;
	if (selection->count < selection->id_count)
		return error_set(err, -ENOENT, "%zu of these numbers are no dead letters",
			selection->id_count - selection->count);
	if (action->change)
		printf("%zu %s\n", selection->count, action->done);
	return 0;
}

static void print_help(void)
{
	struct buffer out;

	buffer_init(&out, 16384);
	settings_help(&table, usage, &out);
	fputs(out.data, stdout);
	buffer_done(&out);
}

static int fail(const struct error *err, int status)
{
	fprintf(stderr, "dead-letters: %s\n", err->message);
	return status;
}

int dead_letters_command(int argc, char **argv)
{
	struct options options;
	struct selection selection = { .options = &options };
	struct error err = { 0 };
	const struct action *action;
	int rest = 0, status = 2, r;

	settings_defaults(&table, &options);
	r = settings_from_environment(&table, &options, &err);
	if (!r)
		r = settings_from_arguments(&table, &options, argc, argv, &rest, &err);
	action = action_find(rest ? argv[1] : NULL);
	if (!r && rest > 1)
		r = read_ids(&selection, argv + 2, rest - 1, &err);
	if (r < 0) {
		status = fail(&err, 2);
	} else if (options.wants_help) {
		print_help();
		status = 0;
	} else if (!action) {
		fprintf(stderr, "usage: %s\n", usage);
	} else {
		r = perform(&selection, action, &err);
		status = r < 0 ? fail(&err, 1) : 0;
	}
	match_free(selection.match);
	dead_letters_close(selection.letters);
	free(selection.ids);
	free(selection.chosen);
	settings_done(&table, &options);
	return status;
}
