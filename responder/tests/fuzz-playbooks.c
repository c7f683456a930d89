/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Playbooks: whatever is written, it is refused with words or becomes rules that can be told, whose
 * role can be made, and that can be asked about an alert. The input is the whole file, and once
 * more what a good rule says of itself; and what the mirror may find in a ConfigMap.
 */
#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "responder/ledger.h"
#include "responder/playbooks.h"
#include "responder/role.h"

#define OUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char before[] = "- rule: r\n  actions: [{action: a, actionner: kubernetes:label, "
			     "parameters: {labels: {a: b}}}]\n  ";
static const char alert_text[] =
	"{\"uuid\":\"7ad3a6c6-2bd5-4d0c-9f0e-6a0dcb8d3d0b\",\"rule\":\"Terminal shell in container\","
	"\"priority\":\"Warning\",\"source\":\"syscall\",\"time\":\"2026-11-24T10:00:00Z\","
	"\"output\":\"o\",\"hostname\":\"h\",\"tags\":[\"a\"],"
	"\"output_fields\":{\"proc.name\":\"sh\",\"k8s.ns.name\":\"n\",\"fd.num\":3}}";

static struct alert *make_alert(void)
{
	struct json_object *json = NULL;
	struct alert *alert = NULL;
	struct error err = { 0 };

	if (json_parse(text_of(alert_text), &json, NULL, &err) < 0 ||
		alert_from_json(json, &alert, &err) < 0)
		abort();
	json_object_put(json);
	return alert;
}

static void use(const struct playbooks *playbooks)
{
	static const struct role_names names = { "n", "ns", true, true };
	_cleanup_(alert_freep) struct alert *alert = make_alert();
	struct json_writer json;
	struct buffer out;

	buffer_init(&out, OUT_MAX);
	json_writer_init(&json, &out);
	playbooks_write(playbooks, &json);
	role_write(playbooks, &names, &out);
	buffer_done(&out);
	for (size_t i = 0; i < playbooks_count(playbooks); i++) {
		const struct rule *rule = playbooks_at(playbooks, i);

		assert(rule->name && rule->step_count);
		(void)rule_takes(playbooks, rule, alert);
		(void)rule_is_on_duty(rule, 1795514400);
	}
}

static void load(const char *path, const char *head, struct text input)
{
	struct text_list files = { 0 };
	struct playbooks *playbooks = NULL;
	struct error err = { 0 };
	FILE *file = fopen(path, "we");

	if (!file)
		abort();
	fputs(head, file);
	fwrite(input.data, 1, input.length, file);
	fclose(file);
	text_list_add(&files, text_of(path));
	if (playbooks_load(&files, NULL, NULL, &playbooks, &err) < 0)
		assert(err.message[0] && !playbooks);
	else
		use(playbooks);
	playbooks_free(playbooks);
	text_list_done(&files);
}

/* What is read is written so that it is read again. */
static void read_response(struct text input)
{
	struct json_object *json = NULL;
	struct response response = { 0 };
	struct error err = { 0 };

	if (json_parse(input, &json, NULL, &err) == 0 &&
		response_read(json, &response, &err) == 0) {
		struct json_writer writer;
		struct buffer out;

		buffer_init(&out, OUT_MAX);
		json_writer_init(&writer, &out);
		response_write(&response, &writer);
		assert(out.length);
		buffer_done(&out);
	}
	response_done(&response);
	json_object_put(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = { (const char *)data, size };
	char path[64];

	snprintf(path, sizeof(path), "/dev/shm/tercel-fuzz-playbook-%d.yaml", (int)getpid());
	load(path, "", input);
	load(path, before, input);
	read_response(input);
	unlink(path);
	return 0;
}
