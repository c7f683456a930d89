/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access to the API server (kubernetes.io, "Accessing the API from a Pod", "Organizing Cluster
 * Access Using kubeconfig Files").
 */
#include <errno.h>
#include <stdlib.h>

#include "base/encoding.h"
#include "base/memory.h"
#include "base/secret-file.h"
#include "base/yaml.h"
#include "kubernetes/access.h"

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

void kubernetes_api_done(struct kubernetes_api *api)
{
	free(api->server);
	free(api->name_space);
	free(api->token);
	free(api->token_file);
	free(api->user);
	free(api->password);
	free(api->ca);
	free(api->certificate);
	free(api->key);
	*api = (struct kubernetes_api){ 0 };
}

static int load_pod(struct kubernetes_api *api, struct error *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	int r;

	if (!host || !*host)
		return error_set(err, -ENOENT,
			"KUBERNETES_SERVICE_HOST is not set: outside of a cluster, kubeconfig must "
			"name a file");
	r = secret_file_read(ACCOUNT "ca.crt", &api->ca, err);
	if (!r)
		r = secret_file_read(ACCOUNT "namespace", &api->name_space, err);
	api->token_file = string_copy(ACCOUNT "token");
	api->server = string_printf(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host,
		port && *port ? port : "443");
	return r;
}

/* The text of a member, NULL when there is none. */
static char *word_of(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = map ? yaml_get(map, key) : NULL;

	return node && node->kind == YAML_SCALAR && node->text.length ? text_to_string(node->text)
								      : NULL;
}

/* In a list of {name: NAME, WHAT: {…}}. */
static const struct yaml_node *find_named(
	const struct yaml_node *root, const char *list, const char *what, const char *name)
{
	const struct yaml_node *items = yaml_get(root, list);

	for (size_t i = 0; items && items->kind == YAML_SEQUENCE && i < items->count; i++) {
		_cleanup_(freep) char *found = word_of(items->items[i], "name");

		if (found && name && !strcmp(found, name))
			return yaml_get(items->items[i], what);
	}
	return NULL;
}

/* "KEY-data" in base64, or the file that "KEY" names beside the kubeconfig. */
static int read_pem(const struct yaml_node *map, const char *key, const char *path, char **ret_pem,
	struct error *err)
{
	_cleanup_(freep) char *data_key = string_printf("%s-data", key);
	_cleanup_(freep) char *data = word_of(map, data_key), *file = word_of(map, key);
	const char *slash = strrchr(path, '/');
	_cleanup_(freep) char *beside = NULL;

	if (data) {
		*ret_pem = base64_read(data);
		return *ret_pem ? 0 : error_set(err, -EINVAL, "%s is no base64", data_key);
	}
	if (!file)
		return 0;
	if (file[0] != '/' && slash)
		beside = string_printf("%.*s/%s", (int)(slash - path), path, file);
	return secret_file_read(beside ? beside : file, ret_pem, err);
}

static int read_cluster(const struct yaml_node *cluster, const char *path,
	struct kubernetes_api *api, struct error *err)
{
	_cleanup_(freep) char *skips = word_of(cluster, "insecure-skip-tls-verify");

	api->server = word_of(cluster, "server");
	api->trusts_anyone = skips && !strcmp(skips, "true");
	if (!api->server)
		return error_set(err, -EINVAL, "its current context has no server");
	return read_pem(cluster, "certificate-authority", path, &api->ca, err);
}

static int read_user(const struct yaml_node *user, const char *path, struct kubernetes_api *api,
	struct error *err)
{
	int r;

	if (user && (yaml_get(user, "exec") || yaml_get(user, "auth-provider")))
		return error_set(err, -EINVAL,
			"its user logs in by a program (exec, auth-provider), which is not spoken; "
			"give it a token or a certificate");
	api->token = word_of(user, "token");
	api->token_file = word_of(user, "tokenFile");
	api->user = word_of(user, "username");
	api->password = word_of(user, "password");
	r = read_pem(user, "client-certificate", path, &api->certificate, err);
	return r < 0 ? r : read_pem(user, "client-key", path, &api->key, err);
}

static int read_config(const struct yaml_node *root, const char *path, struct kubernetes_api *api,
	struct error *err)
{
	_cleanup_(freep) char *current = word_of(root, "current-context");
	const struct yaml_node *context = find_named(root, "contexts", "context", current);
	_cleanup_(freep) char *cluster = word_of(context, "cluster");
	_cleanup_(freep) char *user = word_of(context, "user");
	int r;

	if (!context)
		return error_set(err, -EINVAL, "it has no context of its current-context");
	api->name_space = word_of(context, "namespace");
	r = read_cluster(find_named(root, "clusters", "cluster", cluster), path, api, err);
	return r < 0 ? r : read_user(find_named(root, "users", "user", user), path, api, err);
}

static int load_config(const char *path, struct kubernetes_api *api, struct error *err)
{
	struct yaml *yaml = NULL;
	const struct yaml_node *root;
	int r = yaml_load(path, &yaml, err);

	if (r < 0)
		return r;
	root = yaml_document(yaml, 0);
	r = root && root->kind == YAML_MAPPING ? read_config(root, path, api, err)
					       : error_set(err, -EINVAL, "it is no mapping");
	yaml_unload(yaml);
	return r < 0 ? error_prefix(err, "%s", path) : 0;
}

int kubernetes_api_load(const char *path, struct kubernetes_api *api, struct error *err)
{
	int r;

	kubernetes_api_done(api);
	r = path ? load_config(path, api, err) : load_pod(api, err);
	if (r < 0)
		kubernetes_api_done(api);
	return r;
}
