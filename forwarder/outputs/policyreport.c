/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes' PolicyReport (wgpolicyk8s.io/v1alpha2): each alert is a result in the report of its
 * namespace, or of the cluster. All results of a parcel that share a report are one change of it,
 * written with the resourceVersion that was read: one that another writer has changed in between
 * (409) is read and changed again. Ours: a result that is there already, by its alert's uuid, is
 * not added twice; the timestamp is whole seconds since 1970.
 */
#include <errno.h>
#include <json-c/json_object_iterator.h>
#include <json-c/linkhash.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/kubernetes-api.h"
#include "forwarder/output.h"
#include "forwarder/outputs/kubeconfig.h"

#define BATCH		100
#define TRIES_MAX	5 /* against other writers */
#define TEXT_CHARACTERS 1024
#define REPORT_BYTES	(8 * 1024 * 1024)
#define NAMESPACE_MAX	64 /* and its NUL: RFC 1123 labels */
#define API		"/apis/wgpolicyk8s.io/v1alpha2/"
#define REPORT		"falco-policy-report"
#define CLUSTER_REPORT	"falco-cluster-policy-report"
#define CATEGORY	"SI - System and Information Integrity"

struct policyreport {
	struct output_settings common;
	bool is_enabled, prunes_by_priority;
	char *kubeconfig, *falco_namespace;
	int64_t most;
};

static const struct setting rows[] = {
	OUTPUT_ROW_BOOL(policyreport, is_enabled, "enabled", "false", "Switches the output on"),
	OUTPUT_ROW_TEXT(policyreport, kubeconfig, "kubeconfig", "~/.kube/config",
		"Kubeconfig, where the forwarder is outside of the cluster"),
	OUTPUT_ROW_TEXT(policyreport, falco_namespace, "falconamespace", NULL,
		"Namespace for alerts whose own is not there; else the forwarder's, or default"),
	OUTPUT_ROW_INTEGER(
		policyreport, most, "maxevents", "1000", 1, 10000, "Results that a report keeps"),
	OUTPUT_ROW_BOOL(policyreport, prunes_by_priority, "prunebypriority", "false",
		"Whether the least severe results go first, and not the oldest"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_TLS,
};

/* From the least severe on. */
static const char *const severities[] = { "info", "low", "medium", "high", "critical" };

static const char *severity_of(enum priority priority)
{
	static const size_t places[] = {
		[PRIORITY_EMERGENCY] = 4,
		[PRIORITY_ALERT] = 4,
		[PRIORITY_CRITICAL] = 4,
		[PRIORITY_ERROR] = 3,
		[PRIORITY_WARNING] = 2,
		[PRIORITY_NOTICE] = 1,
		[PRIORITY_INFORMATIONAL] = 0,
		[PRIORITY_DEBUG] = 0,
		[PRIORITY_NONE] = 0,
	};

	return severities[places[priority]];
}

static const char *result_of(enum priority priority)
{
	return priority >= PRIORITY_NOTICE    ? "skip"
	       : priority == PRIORITY_WARNING ? "warn"
					      : "fail";
}

static bool is_enabled(const void *settings)
{
	return ((const struct policyreport *)settings)->is_enabled;
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static bool takes(const struct alert *alert)
{
	struct text source = text_of(alert->source);

	return text_is(source, "syscall") || text_is(source, "syscalls") ||
	       text_is(source, "k8saudit");
}

/* "" for none. One that is no name of a namespace is none either: it would be a part of a path. */
static struct text namespace_of(const struct alert *alert)
{
	static const char *const fields[] = { "k8s.ns.name", "ka.target.namespace" };
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		struct text name = alert_field(alert, fields[i]);
		bool is_good = name.length && name.length < NAMESPACE_MAX;

		for (size_t c = 0; is_good && c < name.length; c++)
			is_good = name.data[c] && strchr(allowed, name.data[c]);
		if (is_good)
			return name;
	}
	return TEXT("");
}

static const struct {
	const char *resource, *version, *kind;
} kinds[] = {
	{ "pods", "v1", "Pod" },
	{ "services", "v1", "Service" },
	{ "secrets", "v1", "Secret" },
	{ "configmaps", "v1", "ConfigMap" },
	{ "namespaces", "v1", "Namespace" },
	{ "serviceaccounts", "v1", "ServiceAccount" },
	{ "daemonsets", "apps/v1", "DaemonSet" },
	{ "deployments", "apps/v1", "Deployment" },
	{ "statefulsets", "apps/v1", "StatefulSet" },
	{ "cronjobs", "batch/v1", "CronJob" },
	{ "jobs", "batch/v1", "Job" },
	{ "clusterroles", "rbac.authorization.k8s.io/v1", "ClusterRole" },
	{ "clusterrolebindings", "rbac.authorization.k8s.io/v1", "ClusterRoleBinding" },
	{ "roles", "rbac.authorization.k8s.io/v1", "Role" },
	{ "rolebindings", "rbac.authorization.k8s.io/v1", "RoleBinding" },
};

static void add_resource(struct json_writer *json, const struct alert *alert)
{
	struct text name = alert_field(alert, "k8s.pod.name"), resource = TEXT("pods");

	if (!name.length) {
		resource = alert_field(alert, "ka.target.resource");
		name = alert_field(alert, "ka.target.name");
		if (!name.length)
			name = alert_field(alert, "ka.resp.name");
	}
	for (size_t i = 0; name.length && i < COUNT_OF(kinds); i++) {
		if (!text_is(resource, kinds[i].resource))
			continue;
		json_key(json, "resources");
		json_begin_array(json);
		json_begin_object(json);
		json_key(json, "namespace");
		json_add_text(json, namespace_of(alert));
		json_key(json, "name");
		json_add_text(json, name);
		json_key(json, "kind");
		json_add_string(json, kinds[i].kind);
		json_key(json, "apiVersion");
		json_add_string(json, kinds[i].version);
		json_end(json);
		json_end(json);
		return;
	}
}

static void add_properties(struct json_writer *json, const struct alert *alert)
{
	json_key(json, "properties");
	json_begin_object(json);
	json_key(json, "uuid");
	json_add_string(json, alert->uuid);
	if (alert->fields) {
		json_object_object_foreach(alert->fields, name, value)
		{
			if (!value || !strcmp(name, "uuid"))
				continue;
			json_key(json, name);
			json_add_cut(json, field_text(value), TEXT_CHARACTERS);
		}
	}
	json_end(json);
}

static void write_result(struct buffer *out, const struct alert *alert)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "policy");
	json_add_string(&json, alert->source);
	json_key(&json, "rule");
	json_add_string(&json, alert->rule);
	json_key(&json, "category");
	json_add_string(&json, CATEGORY);
	json_key(&json, "source");
	json_add_string(&json, "Falco");
	json_key(&json, "timestamp");
	json_begin_object(&json);
	json_key(&json, "seconds");
	json_add_i64(&json, alert->time_ns / NS_PER_SECOND);
	json_key(&json, "nanos");
	json_add_i64(&json, alert->time_ns % NS_PER_SECOND);
	json_end(&json);
	json_key(&json, "severity");
	json_add_string(&json, severity_of(alert->priority));
	json_key(&json, "result");
	json_add_string(&json, result_of(alert->priority));
	json_key(&json, "message");
	json_add_cut(&json, text_of(alert->output), TEXT_CHARACTERS);
	add_properties(&json, alert);
	add_resource(&json, alert);
	json_end(&json);
}

/* The method says what it is, the URL in which namespace, and the body is the result. */
static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct alert *alert = messages->items[0].alert;

	(void)settings;
	request->method = "RESULT";
	buffer_add_text(&request->url, namespace_of(alert));
	write_result(&request->body, alert);
}

struct session {
	const struct policyreport *settings;
	struct kubernetes_api api;
	struct http_client *client;
	int64_t deadline_ms;
};

static void close_session(void *connection)
{
	struct session *session = connection;

	http_client_free(session->client);
	kubernetes_api_done(&session->api);
	free(session);
}
DEFINE_CLEANUP(struct session *, close_session)

/* "~/" is the home. */
static char *expand(const char *path)
{
	const char *home = getenv("HOME");

	return !strncmp(path, "~/", 2) && is_set(home) ? string_printf("%s%s", home, path + 1)
						       : string_copy(path);
}

static int open_session(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	_cleanup_(close_sessionp) struct session *session = NEW(struct session);
	const struct policyreport *report = settings;
	_cleanup_(freep) char *path = expand(report->kubeconfig ? report->kubeconfig : "");
	bool is_inside = is_set(getenv("KUBERNETES_SERVICE_HOST"));
	int r;

	(void)trust;
	(void)timeout_ms;
	session->settings = report;
	session->client = http_client_new(1);
	r = kubernetes_api_load(is_inside || !*path ? NULL : path, &session->api, err);
	if (r < 0)
		return r;
	*ret_connection = TAKE(session);
	return 0;
}

/* One call, with the answer's status; 0 when none came, with words. */
static unsigned call(struct session *session, const char *method, const char *path,
	struct text body, struct http_answer *ret_answer, struct error *err)
{
	const char *headers[] = { "Content-Type: application/json", NULL, NULL };
	int64_t left = session->deadline_ms - clock_ms(CLOCK_MONOTONIC);
	struct http_call http = { .method = method,
		.headers = headers,
		.body = body,
		.timeout_ms = MAX_OF(left, 1),
		.answer_max = REPORT_BYTES };
	struct request request;

	*ret_answer = (struct http_answer){ 0 };
	request_init(&request);
	buffer_add_string(&request.url, path);
	if (kubernetes_api_sign(&session->api, &request, err) == 0) {
		headers[1] = request.headers.count ? request.headers.items[0] : NULL;
		http.url = request.url.data;
		http.ca = request.ca;
		http.certificate = request.certificate;
		http.key = request.key;
		http.accepts_any_certificate = request.trusts_anyone;
		http_client_perform(session->client, &http, ret_answer);
		if (ret_answer->error)
			error_set(err, ret_answer->error, "%s", ret_answer->message);
	}
	request_done(&request);
	return ret_answer->status;
}

static enum verdict refuse(const char *what, const struct http_answer *answer, struct error *err)
{
	struct text words = text_slice(buffer_text(&answer->body), 0, 300);
	enum verdict verdict = verdict_of_answer(answer);

	if (answer->status)
		error_set(
			err, -EIO, "%s: %u " TEXT_FORMAT, what, answer->status, TEXT_PRINT(words));
	return verdict == VERDICT_SENT ? VERDICT_LATER : verdict;
}

static const char *usual_namespace(const struct session *session)
{
	if (is_set(session->settings->falco_namespace))
		return session->settings->falco_namespace;
	return is_set(session->api.name_space) ? session->api.name_space : "default";
}

/* The alert's own, if the cluster knows it. */
static enum verdict find_namespace(struct session *session, struct text wanted,
	char ret_name[NAMESPACE_MAX], struct error *err)
{
	_cleanup_(freep) char *path =
		string_printf("/api/v1/namespaces/" TEXT_FORMAT, TEXT_PRINT(wanted));
	enum verdict verdict = VERDICT_SENT;
	struct http_answer answer;
	unsigned status = call(session, "GET", path, (struct text){ 0 }, &answer, err);

	if (status == 404)
		snprintf(ret_name, NAMESPACE_MAX, "%s", usual_namespace(session));
	else if (status == 200)
		snprintf(ret_name, NAMESPACE_MAX, TEXT_FORMAT, TEXT_PRINT(wanted));
	else
		verdict = refuse("its namespace cannot be read", &answer, err);
	http_answer_done(&answer);
	return verdict;
}

static char *path_of(const char *name_space)
{
	return *name_space ? string_printf(API "namespaces/%s/policyreports", name_space)
			   : string_copy(API "clusterpolicyreports");
}

static struct json_object *new_report(const char *name_space)
{
	struct json_object *report = json_object_new_object();
	struct json_object *metadata = json_object_new_object();
	struct json_object *labels = json_object_new_object();

	json_object_object_add(
		report, "apiVersion", json_object_new_string("wgpolicyk8s.io/v1alpha2"));
	json_object_object_add(report, "kind",
		json_object_new_string(*name_space ? "PolicyReport" : "ClusterPolicyReport"));
	json_object_object_add(
		metadata, "name", json_object_new_string(*name_space ? REPORT : CLUSTER_REPORT));
	json_object_object_add(
		labels, "app.kubernetes.io/managed-by", json_object_new_string("tercel-forwarder"));
	json_object_object_add(metadata, "labels", labels);
	json_object_object_add(report, "metadata", metadata);
	return report;
}

static struct text uuid_of(struct json_object *result)
{
	return json_get_text(json_get(result, "properties"), "uuid");
}

static bool has_result(struct json_object *results, struct text uuid)
{
	for (size_t i = 0; i < json_object_array_length(results); i++)
		if (text_equal(uuid_of(json_object_array_get_idx(results, i)), uuid))
			return true;
	return false;
}

static size_t rank_of(struct json_object *result)
{
	struct text severity = json_get_text(result, "severity");
	size_t rank = COUNT_OF(severities) - 1;

	while (rank && !text_is(severity, severities[rank]))
		rank--;
	return rank;
}

/* The one that goes first: the oldest, or the oldest of the least severe. */
static size_t first_to_go(struct json_object *results, bool by_priority)
{
	size_t found = 0;

	for (size_t i = 1; by_priority && i < json_object_array_length(results); i++)
		if (rank_of(json_object_array_get_idx(results, i)) <
			rank_of(json_object_array_get_idx(results, found)))
			found = i;
	return found;
}

static void add_summary(struct json_object *report, struct json_object *results)
{
	static const char *const names[] = { "pass", "fail", "warn", "error", "skip" };
	struct json_object *summary = json_object_new_object();

	for (size_t name = 0; name < COUNT_OF(names); name++) {
		int64_t count = 0;

		for (size_t i = 0; i < json_object_array_length(results); i++)
			count += text_is(
				json_get_text(json_object_array_get_idx(results, i), "result"),
				names[name]);
		json_object_object_add(summary, names[name], json_object_new_int64(count));
	}
	json_object_object_add(report, "summary", summary);
}

/* Adds the requests of a namespace to a report. False when all of them are there already. */
static bool change(struct json_object *report, const struct policyreport *settings,
	const struct request *requests, size_t count, struct text name_space)
{
	struct json_object *results = json_get(report, "results");
	bool is_changed = false;

	if (!json_object_is_type(results, json_type_array)) {
		results = json_object_new_array();
		json_object_object_add(report, "results", results);
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *result;

		if (!text_equal(buffer_text(&requests[i].url), name_space) ||
			json_parse(buffer_text(&requests[i].body), &result, NULL, NULL) < 0)
			continue;
		if (has_result(results, uuid_of(result))) {
			json_object_put(result);
			continue;
		}
		json_object_array_add(results, result);
		is_changed = true;
	}
	while (json_object_array_length(results) > (size_t)settings->most)
		json_object_array_del_idx(
			results, first_to_go(results, settings->prunes_by_priority), 1);
	add_summary(report, results);
	return is_changed;
}

/* Reads the report, or begins one. *ret_report is NULL on failure. */
static enum verdict read_report(struct session *session, const char *name_space,
	struct json_object **ret_report, bool *ret_is_new, struct error *err)
{
	_cleanup_(freep) char *folder = path_of(name_space);
	_cleanup_(freep) char *path =
		string_printf("%s/%s", folder, *name_space ? REPORT : CLUSTER_REPORT);
	enum verdict verdict = VERDICT_SENT;
	struct http_answer answer;
	unsigned status = call(session, "GET", path, (struct text){ 0 }, &answer, err);

	*ret_is_new = status == 404;
	if (status == 404)
		*ret_report = new_report(name_space);
	else if (status != 200 || json_parse(buffer_text(&answer.body), ret_report, NULL, err) < 0)
		verdict = refuse("the report cannot be read", &answer, err);
	http_answer_done(&answer);
	return verdict;
}

/* -EAGAIN: another one has written it meanwhile. */
static int write_report(struct session *session, const char *name_space, struct json_object *report,
	bool is_new, enum verdict *ret_verdict, struct error *err)
{
	_cleanup_(freep) char *folder = path_of(name_space);
	_cleanup_(freep) char *path =
		is_new ? string_copy(folder)
		       : string_printf("%s/%s", folder, *name_space ? REPORT : CLUSTER_REPORT);
	const char *body = json_object_to_json_string_ext(report, JSON_C_TO_STRING_PLAIN);
	struct http_answer answer;
	unsigned status = call(session, is_new ? "POST" : "PUT", path, text_of(body), &answer, err);

	*ret_verdict = VERDICT_SENT;
	if (status != 409 && (status < 200 || status > 299))
		*ret_verdict = refuse("the report cannot be written", &answer, err);
	http_answer_done(&answer);
	return status == 409 ? -EAGAIN : 0;
}

static enum verdict update(struct session *session, const struct request *requests, size_t count,
	struct text wanted, struct error *err)
{
	char name_space[NAMESPACE_MAX] = "";
	enum verdict verdict =
		wanted.length ? find_namespace(session, wanted, name_space, err) : VERDICT_SENT;

	for (int i = 0; i < TRIES_MAX && verdict == VERDICT_SENT; i++) {
		_cleanup_(json_putp) struct json_object *report = NULL;
		bool is_new;

		verdict = read_report(session, name_space, &report, &is_new, err);
		if (verdict != VERDICT_SENT)
			return verdict;
		if (!change(report, session->settings, requests, count, wanted) ||
			write_report(session, name_space, report, is_new, &verdict, err) == 0)
			return verdict;
	}
	if (verdict == VERDICT_SENT)
		error_set(err, -EAGAIN, "others change the report faster than it can be written");
	return verdict == VERDICT_SENT ? VERDICT_LATER : verdict;
}

static enum verdict send_results(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	struct session *session = connection;
	enum verdict verdict = VERDICT_SENT;

	session->deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	for (size_t i = 0; i < count && verdict == VERDICT_SENT; i++) {
		struct text name_space = buffer_text(&requests[i].url);
		bool is_done = false;

		for (size_t before = 0; before < i; before++)
			is_done |= text_equal(buffer_text(&requests[before].url), name_space);
		if (!is_done)
			verdict = update(session, requests, count, name_space, err);
	}
	return verdict;
}

const struct output output_policyreport = {
	.name = "policyreport",
	.title = "PolicyReport",
	.about = "Keeps alerts as results of PolicyReports in Kubernetes",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct policyreport),
	.reads_alerts = true,
	.takes = takes,
	.is_enabled = is_enabled,
	.batch = batch,
	.compose = compose,
	.open = open_session,
	.send = send_results,
	.close = close_session,
};
