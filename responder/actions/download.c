/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of the pod, kept by the action's output. ${FD_NAME} and such in its name are put in here,
 * and the name is one word for cat: no shell sees it.
 */
#include <errno.h>

#include "base/memory.h"
#include "responder/actions/command.h"
#include "responder/contexts.h"

#define NAME_MAX_BYTES (16 * 1024)

struct download {
	char *file;
};

static const struct setting rows[] = {
	{ .key = "file",
		.type = SETTING_TEXT,
		.at = offsetof(struct download, file),
		.about = "Its path in the container; ${FD_NAME} is the alert's fd.name" },
};

static int check(const void *parameters, struct error *err)
{
	const struct download *download = parameters;

	return download->file && *download->file
		       ? 0
		       : error_set(err, -EINVAL, "the parameter file is missing");
}

static void put_in(const struct text_map *variables, struct text name, struct buffer *out)
{
	_cleanup_(freep) char *key = text_to_string(name);
	const char *value = text_map_get(variables, key);

	buffer_add_string(out, value ? value : "");
}

static void expand(const char *file, const struct text_map *variables, struct buffer *out)
{
	struct text rest = text_of(file);

	while (rest.length) {
		ptrdiff_t at = text_find(rest, TEXT("${"));
		ptrdiff_t to =
			at < 0 ? -1
			       : text_find(text_slice(rest, (size_t)at, rest.length), TEXT("}"));

		if (to < 0) {
			buffer_add_text(out, rest);
			return;
		}
		buffer_add_text(out, text_slice(rest, 0, (size_t)at));
		put_in(variables, text_slice(rest, (size_t)at + 2, (size_t)to - 2), out);
		rest = text_slice(rest, (size_t)(at + to) + 1, rest.length);
	}
}

static int fetch(struct run *run, const char *name, struct error *err)
{
	const char *const argv[] = { "cat", "--", name, NULL };
	struct exec_result result = { 0 };
	int r;

	buffer_init(&result.out, ARTIFACT_MAX);
	buffer_init(&result.err, 64 * 1024);
	r = command_run(run, argv, &result, err);
	buffer_clear(&run->result);
	if (!r && result.out.is_cut)
		r = error_set(err, -EFBIG, "the file is larger than 64 MiB");
	if (!r) {
		buffer_add_text(&run->artifact, buffer_text(&result.out));
		buffer_printf(&run->result, "%zu bytes of %.1000s", result.out.length, name);
		snprintf(run->artifact_name, sizeof(run->artifact_name), "%s", name);
	}
	buffer_done(&result.out);
	buffer_done(&result.err);
	return r;
}

static int download(struct run *run, const void *parameters, struct error *err)
{
	const struct download *wanted = parameters;
	struct text_map variables = { 0 };
	struct buffer name;
	int r;

	buffer_init(&name, NAME_MAX_BYTES);
	run_variables(run, NAME_MAX_BYTES, &variables);
	expand(wanted->file, &variables, &name);
	r = name.length && !name.is_cut ? fetch(run, name.data, err)
					: error_set(err, -EINVAL, "the alert names no file");
	buffer_done(&name);
	text_map_done(&variables);
	return r;
}

static const struct action_need needs[] = { COMMAND_NEEDS, {} };

const struct action action_download = {
	.name = "kubernetes:download",
	.about = "Keeps a file of the pod",
	.target = TARGET_POD,
	.continues = true,
	.is_repeatable = true,
	.makes_artifact = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct download),
	.needs = needs,
	.check = check,
	.run = download,
};
