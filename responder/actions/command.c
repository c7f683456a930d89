/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands in containers. Each word of a command is a parameter of its own in the query, and what
 * an alert said comes after "env" as NAME=VALUE: no shell reads it as program text.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/encoding.h"
#include "base/memory.h"
#include "responder/actions/command.h"
#include "responder/actions/metadata.h"
#include "responder/contexts.h"
#include "responder/playbooks.h"

#define VALUE_MAX (4 * 1024)
#define WORDS_MAX 2000

void pod_containers(const struct run *run, struct text_list *ret_names)
{
	struct json_object *all = json_get(json_get(run->object, "spec"), "containers");
	char number[256];
	struct text wanted =
		read_output_field(run->alert, "k8s.container.name", number, sizeof(number));

	if (!wanted.data)
		wanted = read_output_field(run->alert, "container.name", number, sizeof(number));
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; json_object_is_type(all, json_type_array) &&
				   i < json_object_array_length(all);
			i++) {
			struct text name = json_get_text(json_object_array_get_idx(all, i), "name");

			if (name.length && text_equal(name, wanted) == (pass == 0))
				text_list_add(ret_names, name);
		}
}

static void exec_path(
	const struct run *run, const char *container, const char *const *argv, struct buffer *path)
{
	pod_path(run, path);
	buffer_add_string(path, "/exec?container=");
	url_escape(path, text_of(container));
	buffer_add_string(path, "&stdin=false&stdout=true&stderr=true&tty=false");
	for (; *argv; argv++) {
		buffer_add_string(path, "&command=");
		url_escape(path, text_of(*argv));
	}
}

static int run_in(struct run *run, const char *container, const char *const *argv,
	struct exec_result *result, struct error *err)
{
	struct buffer path;
	int r;

	buffer_clear(&result->out);
	buffer_clear(&result->err);
	buffer_init(&path, 1024 * 1024);
	exec_path(run, container, argv, &path);
	r = path.is_cut
		    ? error_set(err, -E2BIG, "the command is longer than 1 MiB")
		    : stream_exec(cluster_api(run->cluster), path.data, run->until_ms, result, err);
	buffer_done(&path);
	return r;
}

static void say(struct run *run, const char *container, const struct exec_result *result)
{
	struct text out = text_slice(buffer_text(&result->out), 0, WORDS_MAX);
	struct text complaint = text_slice(buffer_text(&result->err), 0, WORDS_MAX);

	buffer_printf(&run->result, "%sin %s: exit code %d%s%s", run->result.length ? "; " : "",
		container, result->exit_code, *result->words ? " " : "", result->words);
	if (out.length)
		buffer_printf(&run->result, "\nstdout: " TEXT_FORMAT, TEXT_PRINT(out));
	if (complaint.length)
		buffer_printf(&run->result, "\nstderr: " TEXT_FORMAT, TEXT_PRINT(complaint));
}

int command_run(
	struct run *run, const char *const *argv, struct exec_result *result, struct error *err)
{
	struct text_list names = { 0 };
	bool is_done = false;
	int r = 0;

	pod_containers(run, &names);
	for (size_t i = 0; i < names.count && !r && !is_done; i++) {
		r = run_in(run, names.items[i], argv, result, err);
		if (r < 0)
			break;
		say(run, names.items[i], result);
		is_done = result->exit_code == 0;
	}
	/* What is not reached at first was never begun; after that it is no time to begin again. */
	if (r == -EAGAIN && run->result.length)
		r = -EIO;
	if (!r && !is_done)
		r = error_set(err, -EIO, "no container did it: %s",
			run->result.length ? run->result.data : "the pod has none");
	text_list_done(&names);
	return r;
}

/* Variables that change how a program is loaded or a shell begins. */
static bool is_safe_variable(const char *name)
{
	return strncmp(name, "LD_", 3) != 0 && strncmp(name, "BASH_", 5) != 0;
}

static const char **make_argv(
	const struct text_map *variables, char **lines, const char *shell, const char *command)
{
	const char **argv = NEW_ARRAY(const char *, variables->count + 5);
	size_t count = 0;

	argv[count++] = "env";
	for (size_t i = 0; i < variables->count; i++) {
		if (!is_safe_variable(variables->keys[i]))
			continue;
		lines[i] = string_printf("%s=%s", variables->keys[i], variables->values[i]);
		argv[count++] = lines[i];
	}
	argv[count++] = shell;
	argv[count++] = "-c";
	argv[count++] = command;
	return argv;
}

int command_shell(struct run *run, const char *shell, const char *command, struct error *err)
{
	struct text_map variables = { 0 };
	struct exec_result result = { 0 };
	const char **argv;
	char **lines;
	int r;

	run_variables(run, VALUE_MAX, &variables);
	lines = NEW_ARRAY(char *, variables.count + 1);
	argv = make_argv(&variables, lines, shell, command);
	buffer_init(&result.out, ARTIFACT_MAX);
	buffer_init(&result.err, ARTIFACT_MAX);
	r = command_run(run, argv, &result, err);
	if (!r) {
		buffer_add_text(&run->artifact, buffer_text(&result.out));
		snprintf(run->artifact_name, sizeof(run->artifact_name), "exec.txt");
	}
	buffer_done(&result.out);
	buffer_done(&result.err);
	for (size_t i = 0; i < variables.count; i++)
		free(lines[i]);
	free(lines);
	free(argv);
	text_map_done(&variables);
	return r;
}
