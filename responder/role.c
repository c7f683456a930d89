/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RBAC from playbooks.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "responder/role.h"

/* Verbs of one resource, sorted as they come, each once. */
struct grant {
	const char *group, *resource;
	struct text_list verbs;
};

struct grants {
	struct grant *list;
	size_t count, capacity;
};

static void grant_verb(struct grant *grant, struct text verb)
{
	for (size_t i = 0; i < grant->verbs.count; i++)
		if (text_is(verb, grant->verbs.items[i]))
			return;
	text_list_add(&grant->verbs, verb);
}

static void grants_add(struct grants *grants, const struct action_need *need)
{
	struct text rest = text_of(need->verbs), verb;
	struct grant *grant = NULL;

	for (size_t i = 0; i < grants->count; i++)
		if (!strcmp(grants->list[i].group, need->group) &&
			!strcmp(grants->list[i].resource, need->resource))
			grant = &grants->list[i];
	if (!grant) {
		grant = ARRAY_ADD(grants->list, grants->count, grants->capacity);
		*grant = (struct grant){ need->group, need->resource, { 0 } };
	}
	while (text_split(&rest, ' ', &verb))
		if (verb.length)
			grant_verb(grant, verb);
}

static void grants_done(struct grants *grants)
{
	for (size_t i = 0; i < grants->count; i++)
		text_list_done(&grants->list[i].verbs);
	free(grants->list);
}

/* Whether the step's parameters are those of the need's `when`. */
static bool is_needed(const struct step *step, const struct action_need *need)
{
	struct text value = text_of(need->when ? need->when : ""), key = { 0 }, word;

	text_split(&value, '=', &key);
	for (size_t i = 0; key.length && i < step->kind->row_count; i++) {
		const struct setting *row = &step->kind->rows[i];
		const void *member = (const char *)step->parameters + row->at;
		struct text choices = text_of(row->choices ? row->choices : "");
		const char *given;

		if (!text_is(key, row->key))
			continue;
		if (row->type != SETTING_CHOICE) {
			given = *(char *const *)member;
			return given && *given;
		}
		for (int choice = *(const int *)member; text_split(&choices, ' ', &word); choice--)
			if (!choice)
				return text_equal(word, value);
	}
	return !key.length;
}

static void add_step(struct grants *grants, const struct step *step)
{
	static const struct action_need pod = { "", "pods", "get", false, NULL };
	static const struct action_need node = { "", "nodes", "get", true, NULL };

	if (step->kind->target == TARGET_POD)
		grants_add(grants, &pod);
	for (size_t i = 0; i < step->contexts.count; i++)
		if (!strcmp(step->contexts.items[i], "k8snode"))
			grants_add(grants, &node);
	for (const struct action_need *need = step->kind->needs; need && need->resource; need++)
		if (is_needed(step, need))
			grants_add(grants, need);
}

static void write_grants(const struct grants *grants, struct buffer *out)
{
	if (!grants->count)
		buffer_add_string(out, "rules: []\n");
	else
		buffer_add_string(out, "rules:\n");
	for (size_t i = 0; i < grants->count; i++) {
		const struct grant *grant = &grants->list[i];

		buffer_printf(out, "- apiGroups: [\"%s\"]\n  resources: [%s]\n  verbs: [",
			grant->group, grant->resource);
		for (size_t v = 0; v < grant->verbs.count; v++)
			buffer_printf(out, "%s%s", v ? ", " : "", grant->verbs.items[v]);
		buffer_add_string(out, "]\n");
	}
}

static void write_head(
	struct buffer *out, const char *kind, const char *name, const char *name_space)
{
	bool is_account = !strcmp(kind, "ServiceAccount");

	buffer_printf(out, "---\napiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n",
		is_account ? "v1" : "rbac.authorization.k8s.io/v1", kind, name);
	if (name_space)
		buffer_printf(out, "  namespace: %s\n", name_space);
	buffer_add_string(out, "  labels:\n    app.kubernetes.io/name: tercel\n"
			       "    app.kubernetes.io/component: responder\n");
}

static void write_binding(struct buffer *out, const char *role, const struct role_names *names)
{
	buffer_printf(out,
		"roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: %s\n  name: %s\n"
		"subjects:\n- kind: ServiceAccount\n  name: %s\n  namespace: %s\n",
		role, names->name, names->name, names->name_space);
}

void role_write(
	const struct playbooks *playbooks, const struct role_names *names, struct buffer *out)
{
	static const struct action_need event = { "", "events", "create", false, NULL };
	static const struct action_need lease = { "coordination.k8s.io", "leases",
		"get create update", false, NULL };
	static const struct action_need mirror = { "", "configmaps",
		"get list create update delete", false, NULL };
	struct grants grants = { 0 }, own = { 0 };

	for (size_t i = 0; i < playbooks_count(playbooks); i++) {
		const struct rule *rule = playbooks_at(playbooks, i);

		for (size_t s = 0; s < rule->step_count; s++)
			add_step(&grants, &rule->steps[s]);
	}
	if (names->wants_events)
		grants_add(&grants, &event);
	write_head(out, "ServiceAccount", names->name, names->name_space);
	write_head(out, "ClusterRole", names->name, NULL);
	write_grants(&grants, out);
	write_head(out, "ClusterRoleBinding", names->name, NULL);
	write_binding(out, "ClusterRole", names);
	if (names->wants_lease) {
		grants_add(&own, &lease);
		grants_add(&own, &mirror);
		write_head(out, "Role", names->name, names->name_space);
		write_grants(&own, out);
		write_head(out, "RoleBinding", names->name, names->name_space);
		write_binding(out, "Role", names);
	}
	grants_done(&grants);
	grants_done(&own);
}

static void warn(void *context, const char *message)
{
	(void)context;
	fprintf(stderr, "warning: %s\n", message);
}

static int usage(FILE *to)
{
	fputs("usage: tercel-responder role [--name NAME] [--namespace NAMESPACE] [--no-lease]\n"
	      "                             [--no-events] FILE…\n\n"
	      "Prints the RBAC objects that these playbooks need, and no more.\n",
		to);
	return to == stdout ? 0 : 2;
}

static int print_role(const struct text_list *files, const struct role_names *names)
{
	_cleanup_(playbooks_freep) struct playbooks *playbooks = NULL;
	struct error err = { 0 };
	struct buffer out;

	if (playbooks_load(files, warn, NULL, &playbooks, &err) < 0) {
		fprintf(stderr, "error: %s\n", err.message);
		return 1;
	}
	buffer_init(&out, 1024 * 1024);
	role_write(playbooks, names, &out);
	fputs(out.data, stdout);
	buffer_done(&out);
	return 0;
}

int role_command(int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "namespace", required_argument, NULL, 'N' },
		{ "no-lease", no_argument, NULL, 'l' },
		{ "no-events", no_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct role_names names = { "tercel-responder", "tercel", true, true };
	struct text_list files = { 0 };
	int option, status;

	while ((option = getopt_long(argc, argv, "n:h", options, NULL)) != -1) {
		if (option == 'n')
			names.name = optarg;
		else if (option == 'N')
			names.name_space = optarg;
		else if (option == 'l')
			names.wants_lease = false;
		else if (option == 'e')
			names.wants_events = false;
		else
			return usage(option == 'h' ? stdout : stderr);
	}
	if (optind == argc)
		return usage(stderr);
	for (int i = optind; i < argc; i++)
		text_list_add(&files, text_of(argv[i]));
	status = print_role(&files, &names);
	text_list_done(&files);
	return status;
}
