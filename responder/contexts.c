/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts of an action.
 */
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/memory.h"
#include "responder/contexts.h"
#include "responder/playbooks.h"

#define IMDS	     "http://169.254.169.254"
#define IMDS_WAIT_MS 1000

static void keep(struct run *run, const char *name, struct text value)
{
	if (value.length)
		text_map_set(run->contexts, text_of(name), value);
}

static void keep_label(
	struct run *run, const char *name, struct json_object *node, const char *label)
{
	struct json_object *labels = json_get(json_get(node, "metadata"), "labels");

	keep(run, name, json_get_text(labels, label));
}

static void keep_role(struct run *run, struct json_object *node)
{
	static const char prefix[] = "node-role.kubernetes.io/";
	struct json_object *labels = json_get(json_get(node, "metadata"), "labels");

	if (!json_object_is_type(labels, json_type_object))
		return;
	json_object_object_foreach(labels, key, value)
	{
		(void)value;
		if (text_starts_with(text_of(key), TEXT("node-role.kubernetes.io/")))
			keep(run, "node.role", text_of(key + sizeof(prefix) - 1));
	}
}

static int collect_node(struct run *run, struct error *err)
{
	_cleanup_(json_putp) struct json_object *node = NULL;
	struct cluster_call call = { .method = "GET" };
	struct buffer path;
	int r;

	if (!run->node || !*run->node || !run->cluster)
		return 0;
	buffer_init(&path, 1024);
	path_of(&path, (const char *const[]){ "api", "v1", "nodes", run->node, NULL });
	call.path = path.data;
	r = cluster_ask(run->cluster, &call, &node, err);
	buffer_done(&path);
	if (r < 0)
		return r;
	keep_label(run, "node.hostname", node, "kubernetes.io/hostname");
	keep_label(run, "node.instancetype", node, "node.kubernetes.io/instance-type");
	keep_label(run, "node.topology.region", node, "topology.kubernetes.io/region");
	keep_label(run, "node.topology.zone", node, "topology.kubernetes.io/zone");
	keep_role(run, node);
	keep(run, "node.spec.providerid", json_get_text(json_get(node, "spec"), "providerID"));
	return 0;
}

/* Of the machine that we run on (docs.aws.amazon.com, "Use IMDSv2"). */
static bool ask_machine(struct http_client *http, const char *method, const char *path,
	const char *header, struct buffer *out)
{
	_cleanup_(freep) char *url = string_printf(IMDS "%s", path);
	const char *const headers[] = { header, NULL };
	struct http_call call = { .method = method,
		.url = url,
		.headers = headers,
		.connect_timeout_ms = IMDS_WAIT_MS,
		.timeout_ms = 2 * IMDS_WAIT_MS };
	struct http_answer answer = { 0 };
	bool is_well = http_client_perform(http, &call, &answer) == 0 && answer.status == 200;

	buffer_clear(out);
	if (is_well)
		buffer_add_text(out, buffer_text(&answer.body));
	http_answer_done(&answer);
	return is_well;
}

static void collect_machine(struct run *run, struct http_client *http, struct buffer *answer)
{
	_cleanup_(json_putp) struct json_object *profile = NULL;
	_cleanup_(freep) char *header = NULL;
	struct error ignored = { 0 };

	if (!ask_machine(http, "PUT", "/latest/api/token",
		    "X-aws-ec2-metadata-token-ttl-seconds: 60", answer))
		return;
	header = string_printf(
		"X-aws-ec2-metadata-token: " TEXT_FORMAT, TEXT_PRINT(buffer_text(answer)));
	if (ask_machine(http, "GET", "/latest/meta-data/placement/region", header, answer))
		keep(run, "aws.region", text_trim(buffer_text(answer)));
	if (!ask_machine(http, "GET", "/latest/meta-data/iam/info", header, answer) ||
		json_parse(buffer_text(answer), &profile, NULL, &ignored) < 0)
		return;
	keep(run, "aws.instance_profile_arn", json_get_text(profile, "InstanceProfileArn"));
	keep(run, "aws.instance_profile_id", json_get_text(profile, "InstanceProfileId"));
}

static void collect_aws(struct run *run)
{
	struct http_client *http = http_client_new(1);
	struct buffer answer;

	buffer_init(&answer, 64 * 1024);
	collect_machine(run, http, &answer);
	buffer_done(&answer);
	http_client_free(http);
}

int contexts_collect(struct run *run, const struct text_list *wanted, struct error *err)
{
	int r = 0;

	run->contexts = NEW(struct text_map);
	for (size_t i = 0; i < wanted->count && r >= 0; i++) {
		if (!strcmp(wanted->items[i], "k8snode"))
			r = collect_node(run, err);
		else
			collect_aws(run);
	}
	return r;
}

void contexts_done(struct run *run)
{
	if (!run->contexts)
		return;
	text_map_done(run->contexts);
	free(run->contexts);
	run->contexts = NULL;
}

static struct text variable_name(struct buffer *name, const char *field)
{
	buffer_clear(name);
	for (const char *at = field; *at; at++) {
		if (*at == ']')
			continue;
		buffer_add_char(name,
			isalnum((unsigned char)*at) ? (char)toupper((unsigned char)*at) : '_');
	}
	return buffer_text(name);
}

/* Ends at a NUL, which no process can be handed. */
static struct text value_of(const char *value, size_t value_max)
{
	struct text text = text_of(value ? value : "");

	return text_slice(text, 0, value_max);
}

static void add_fields(
	const struct run *run, size_t value_max, struct buffer *name, struct text_map *variables)
{
	if (!run->alert->fields)
		return;
	json_object_object_foreach(run->alert->fields, key, value)
	{
		if (strchr(key, '.'))
			text_map_set(variables, variable_name(name, key),
				value_of(value ? json_object_get_string(value) : "", value_max));
	}
}

static void add_tags(const struct run *run, struct text_map *variables)
{
	struct buffer tags;

	buffer_init(&tags, 4096);
	for (size_t i = 0; i < run->alert->tag_count; i++)
		buffer_printf(&tags, "%s%s", i ? "," : "", run->alert->tags[i]);
	text_map_set(variables, TEXT("TAGS"), buffer_text(&tags));
	buffer_done(&tags);
}

void run_variables(const struct run *run, size_t value_max, struct text_map *ret_variables)
{
	const struct alert *alert = run->alert;
	struct buffer name;

	buffer_init(&name, 512);
	add_fields(run, value_max, &name, ret_variables);
	for (size_t i = 0; run->contexts && i < run->contexts->count; i++)
		text_map_set(ret_variables, variable_name(&name, run->contexts->keys[i]),
			value_of(run->contexts->values[i], value_max));
	text_map_set(ret_variables, TEXT("PRIORITY"), text_of(priority_name(alert->priority)));
	text_map_set(ret_variables, TEXT("HOSTNAME"), value_of(alert->hostname, value_max));
	text_map_set(ret_variables, TEXT("RULE"), value_of(alert->rule, value_max));
	text_map_set(ret_variables, TEXT("SOURCE"), value_of(alert->source, value_max));
	add_tags(run, ret_variables);
	buffer_done(&name);
}

void run_payload(const struct run *run, struct buffer *out)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct error ignored = { 0 };
	struct json_object *fields;
	struct buffer json;
	struct json_writer writer;

	buffer_init(&json, ALERT_MAX);
	alert_write(run->alert, &json);
	if (json_parse(buffer_text(&json), &root, NULL, &ignored) == 0) {
		fields = json_get(root, "output_fields");
		for (size_t i = 0; fields && run->contexts && i < run->contexts->count; i++)
			json_object_object_add(fields, run->contexts->keys[i],
				json_object_new_string(run->contexts->values[i]));
		json_object_object_add(
			fields, "falco-talon.rule", json_object_new_string(run->rule));
		json_object_object_add(
			fields, "falco-talon.action", json_object_new_string(run->action));
		json_object_object_add(
			fields, "falco-talon.actionner", json_object_new_string(run->actionner));
		json_writer_init(&writer, out);
		json_add_value(&writer, root);
	}
	buffer_done(&json);
}
