/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last lines of the pod's log: of the container that the alert names, else of the first that
 * has some.
 */
#include <errno.h>

#include "base/encoding.h"
#include "base/memory.h"
#include "responder/actions/command.h"
#include "responder/actions/metadata.h"

struct log {
	int64_t lines;
};

static const struct setting rows[] = {
	{ .key = "tail_lines",
		.type = SETTING_INTEGER,
		.at = offsetof(struct log, lines),
		.fallback = "20",
		.minimum = 1,
		.maximum = 100000,
		.about = "How many lines" },
};

static int read_log(struct run *run, const char *container, int64_t lines, struct error *err)
{
	struct buffer path;
	int r;

	buffer_init(&path, 4096);
	pod_path(run, &path);
	buffer_add_string(&path, "/log?container=");
	url_escape(&path, text_of(container));
	buffer_printf(&path, "&tailLines=%lld", (long long)lines);
	r = cluster_ask_text(run->cluster,
		&(struct cluster_call){ .method = "GET", .path = path.data }, &run->artifact, err);
	buffer_done(&path);
	return r;
}

static int keep_log(struct run *run, const void *parameters, struct error *err)
{
	const struct log *wanted = parameters;
	struct text_list names = { 0 };
	int r = 0;

	pod_containers(run, &names);
	for (size_t i = 0; i < names.count && r >= 0 && !run->artifact.length; i++) {
		r = read_log(run, names.items[i], wanted->lines, err);
		if (run->artifact.length)
			buffer_printf(&run->result, "the log of %s:\n" TEXT_FORMAT, names.items[i],
				TEXT_PRINT(text_slice(buffer_text(&run->artifact), 0, 4000)));
	}
	if (r >= 0 && !run->artifact.length)
		buffer_add_string(&run->result, "no container has a log");
	snprintf(run->artifact_name, sizeof(run->artifact_name), "log.txt");
	text_list_done(&names);
	return r < 0 ? r : ACTION_DONE;
}

static const struct action_need needs[] = { { "", "pods/log", "get", false, NULL }, {} };

const struct action action_log = {
	.name = "kubernetes:log",
	.about = "Keeps the last lines of the pod's log",
	.target = TARGET_POD,
	.continues = true,
	.is_repeatable = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct log),
	.needs = needs,
	.run = keep_log,
};
