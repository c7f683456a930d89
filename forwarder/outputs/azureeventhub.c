/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Azure Event Hubs over HTTPS (learn.microsoft.com, "Send batch events"), which needs no AMQP
 * library and answers each request. Who we are comes from, in this order: a shared access key of
 * the settings (ours); the environment's AZURE_TENANT_ID and AZURE_CLIENT_ID with
 * AZURE_CLIENT_SECRET or with AZURE_FEDERATED_TOKEN_FILE, as workload identity gives them to pods;
 * the machine's managed identity.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cloud/bearer.h"
#include "forwarder/output.h"
#include "base/secret-file.h"

#define BATCH	 100
#define SAS_S	 3600 /* how long a signature holds */
#define AUDIENCE "https%3A%2F%2Feventhubs.azure.net"

struct azureeventhub {
	struct output_settings common;
	char *name, *name_space, *key_name, *key, *endpoint;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(azureeventhub, name, "name", NULL,
		"Name of the hub; with namespace it switches the output on"),
	OUTPUT_ROW_TEXT(azureeventhub, name_space, "namespace", NULL,
		"Its namespace, such as example or example.servicebus.windows.net"),
	OUTPUT_ROW_TEXT(azureeventhub, key_name, "sharedaccesskeyname", NULL,
		"Name of a shared access policy; else the identity of the environment or machine"),
	OUTPUT_ROW_SECRET(azureeventhub, key, "sharedaccesskey", "Its key"),
	OUTPUT_ROW_TEXT(azureeventhub, endpoint, "endpoint", NULL,
		"Address of the service, where it is not https://NAMESPACE"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct azureeventhub *hub = settings;

	return is_set(hub->name) && is_set(hub->name_space);
}

static int check(const void *settings, struct error *err)
{
	const struct azureeventhub *hub = settings;

	if (is_set(hub->key_name) != is_set(hub->key))
		return error_set(err, -EINVAL,
			"azure.eventhub.sharedaccesskeyname and sharedaccesskey belong together");
	return is_set(hub->endpoint) ? check_url("azure.eventhub.endpoint", hub->endpoint, err) : 0;
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void add_address(struct buffer *url, const struct azureeventhub *hub)
{
	if (is_set(hub->endpoint))
		buffer_printf(url, "%s/", hub->endpoint);
	else
		buffer_printf(url, "https://%s%s/", hub->name_space,
			strchr(hub->name_space, '.') ? "" : ".servicebus.windows.net");
	url_escape(url, text_of(hub->name));
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	struct json_writer json;

	add_address(&request->url, settings);
	buffer_add_string(&request->url, "/messages?timeout=20&api-version=2014-01");
	request_header(request, "Content-Type", TEXT("application/vnd.microsoft.servicebus.json"));
	json_writer_init(&json, &request->body);
	json_begin_array(&json);
	for (size_t i = 0; i < messages->count; i++) {
		json_begin_object(&json);
		json_key(&json, "Body");
		json_add_text(&json, messages->items[i].raw);
		json_end(&json);
	}
	json_end(&json);
}

/* A form of login.microsoftonline.com; the secret is a password, or a token of the cluster. */
static int ask_login(
	struct request *request, const char *tenant, const char *client, struct error *err)
{
	const char *secret = getenv("AZURE_CLIENT_SECRET");
	const char *path = getenv("AZURE_FEDERATED_TOKEN_FILE");
	const char *authority = getenv("AZURE_AUTHORITY_HOST");
	_cleanup_(freep) char *token = NULL;

	if (!is_set(secret) && secret_file_read(path, &token, err) < 0)
		return error_prefix(err, "AZURE_FEDERATED_TOKEN_FILE");
	request_url(
		request, is_set(authority) ? authority : "https://login.microsoftonline.com", "/");
	url_escape(&request->url, text_of(tenant));
	buffer_add_string(&request->url, "/oauth2/v2.0/token");
	request_header(request, "Content-Type", TEXT("application/x-www-form-urlencoded"));
	buffer_add_string(&request->body,
		"grant_type=client_credentials&scope=" AUDIENCE "%2F.default&client_id=");
	url_escape(&request->body, text_of(client));
	buffer_add_string(&request->body,
		token ? "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-"
			"type%3Ajwt-bearer&client_assertion="
		      : "&client_secret=");
	url_escape(&request->body, text_trim(text_of(token ? token : secret)));
	return PREPARE_BY_REQUEST;
}

static int ask_machine(struct request *request, const char *client)
{
	const char *host = getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST");

	request->method = "GET";
	request_url(request, is_set(host) ? host : "http://169.254.169.254",
		"/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" AUDIENCE);
	if (is_set(client)) {
		buffer_add_string(&request->url, "&client_id=");
		url_escape(&request->url, text_of(client));
	}
	request_header(request, "Metadata", TEXT("true"));
	return PREPARE_BY_REQUEST;
}

static int prepare(const struct preparing *at, struct request *request, struct error *err)
{
	const struct azureeventhub *hub = at->settings;
	const char *tenant = getenv("AZURE_TENANT_ID"), *client = getenv("AZURE_CLIENT_ID");
	bool can_login = is_set(tenant) && is_set(client) &&
			 (is_set(getenv("AZURE_CLIENT_SECRET")) ||
				 is_set(getenv("AZURE_FEDERATED_TOKEN_FILE")));

	if (is_set(hub->key) || bearer_is_fresh(at->memory, at->now))
		return PREPARED;
	return can_login ? ask_login(request, tenant, client, err) : ask_machine(request, client);
}

static enum verdict learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err)
{
	return bearer_learn(at->memory, "access_token", at->now, answer, err) < 0
		       ? VERDICT_OUTPUT_REFUSED
		       : VERDICT_SENT;
}

static void forget(void *memory)
{
	bearer_done(memory);
}

/* learn.microsoft.com, "Shared Access Signatures": what is signed is the address and an end. */
static void add_signature(struct request *request, const struct azureeventhub *hub, time_t expires)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buffer address, to_sign, base64, header;
	unsigned size = 0;

	buffer_init(&address, REQUEST_HEADER_MAX);
	buffer_init(&to_sign, REQUEST_HEADER_MAX);
	buffer_init(&base64, 128);
	buffer_init(&header, REQUEST_HEADER_MAX);
	add_address(&address, hub);
	url_escape(&to_sign, buffer_text(&address));
	buffer_printf(&header, "SharedAccessSignature sr=%s&sig=", to_sign.data);
	buffer_printf(&to_sign, "\n%lld", (long long)expires);
	HMAC(EVP_sha256(), hub->key, (int)strlen(hub->key), (unsigned char *)to_sign.data,
		to_sign.length, digest, &size);
	base64_write(&base64, (struct text){ (char *)digest, size });
	url_escape(&header, buffer_text(&base64));
	buffer_printf(&header, "&se=%lld&skn=", (long long)expires);
	url_escape(&header, text_of(hub->key_name));
	request_header(request, "Authorization", buffer_text(&header));
	buffer_done(&address);
	buffer_done(&to_sign);
	buffer_done(&base64);
	buffer_done(&header);
}

static int sign(struct request *request, const struct preparing *at, struct error *err)
{
	const struct azureeventhub *hub = at->settings;

	(void)err;
	if (is_set(hub->key))
		add_signature(request, hub, at->now + SAS_S);
	else
		bearer_sign(at->memory, request);
	return 0;
}

const struct output output_azureeventhub = {
	.name = "azureeventhub",
	.key = "azure.eventhub",
	.title = "AzureEventHub",
	.about = "Sends alerts to a hub of Azure Event Hubs",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct azureeventhub),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.sign = sign,
	.memory_size = sizeof(struct bearer),
	.prepare = prepare,
	.learn = learn,
	.forget = forget,
};
