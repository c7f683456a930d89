/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NATS: publishes each alert under a subject made from its priority and rule. NATS acknowledges
 * nothing, so a parcel counts as sent when the server has answered a ping behind it.
 */
#include <errno.h>
#include <stdlib.h>

#include <nats/nats.h>

#include "base/memory.h"
#include "forwarder/library.h"
#include "forwarder/output.h"

#define NATS_FUNCTIONS(X)                        \
	X(natsOptions_Create)                    \
	X(natsOptions_Destroy)                   \
	X(natsOptions_SetURL)                    \
	X(natsOptions_SetName)                   \
	X(natsOptions_SetTimeout)                \
	X(natsOptions_SetAllowReconnect)         \
	X(natsOptions_SetSecure)                 \
	X(natsOptions_SkipServerVerification)    \
	X(natsOptions_LoadCATrustedCertificates) \
	X(natsOptions_LoadCertificatesChain)     \
	X(natsConnection_Connect)                \
	X(natsConnection_Publish)                \
	X(natsConnection_FlushTimeout)           \
	X(natsConnection_GetLastError)           \
	X(natsConnection_Destroy)                \
	X(natsStatus_GetText)
LIBRARY(cnats, "libnats.so.3.4", "libnats3.4", NATS_FUNCTIONS)

#define BATCH	    256
#define SUBJECT_MAX 4096

struct nats {
	struct output_settings common;
	char *url, *subject;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(nats, url, "hostport", NULL,
		"The server, such as nats://nats:4222 or tls://…; switches the output on"),
	OUTPUT_ROW_TEXT(nats, subject, "subjecttemplate", "falco.<priority>.<rule>",
		"The subject, with <priority> and <rule> replaced"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_TLS,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct nats *)settings)->url);
}

static int check(const void *settings, struct error *err)
{
	struct cnats functions;

	(void)settings;
	return cnats_load(&functions, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

/* A word of a subject: lower case, runs of anything but letters and digits an underscore. */
static void write_word(struct buffer *out, struct text text)
{
	size_t start = out->length;

	for (size_t i = 0; i < text.length; i++) {
		char c = text.data[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			buffer_add_char(out, c);
		else if (out->length > start && out->data[out->length - 1] != '_')
			buffer_add_char(out, '_');
	}
	if (out->length > start && out->data[out->length - 1] == '_')
		out->data[--out->length] = '\0';
	if (out->length == start)
		buffer_add_char(out, '_'); /* a subject has no empty words */
}

static void write_subject(struct buffer *out, const char *template, const struct alert *alert)
{
	const struct {
		struct text token, value;
	} tokens[] = {
		{ TEXT("<priority>"), text_of(priority_name(alert->priority)) },
		{ TEXT("<rule>"), text_of(alert->rule) },
	};
	struct text rest = text_of(template);

	while (rest.length && out->length < SUBJECT_MAX) {
		size_t skip = 1;

		for (size_t i = 0; i < COUNT_OF(tokens); i++)
			if (text_starts_with(rest, tokens[i].token)) {
				write_word(out, tokens[i].value);
				skip = tokens[i].token.length;
			}
		if (skip == 1)
			buffer_add_char(out, rest.data[0]);
		rest = text_slice(rest, skip, rest.length);
	}
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct message *message = &messages->items[0];

	request->method = "PUB";
	write_subject(&request->url, ((const struct nats *)settings)->subject, message->alert);
	buffer_add_text(&request->body, message->raw);
}

struct link {
	struct cnats functions;
	natsConnection *connection;
};

static void close_link(void *connection)
{
	struct link *link = connection;

	link->functions.natsConnection_Destroy(link->connection);
	free(link);
}

static natsStatus set_trust(const struct cnats *functions, natsOptions *options,
	const struct nats *nats, const struct output_trust *trust)
{
	bool is_mutual = nats->common.uses_mutual_tls;
	const char *ca = is_mutual ? trust->client_ca : trust->ca_file;
	natsStatus status = NATS_OK;

	if (text_starts_with(text_of(nats->url), TEXT("tls://")) || is_mutual)
		status = functions->natsOptions_SetSecure(options, true);
	if (status == NATS_OK && ca)
		status = functions->natsOptions_LoadCATrustedCertificates(options, ca);
	if (status == NATS_OK && is_mutual)
		status = functions->natsOptions_LoadCertificatesChain(
			options, trust->client_certificate, trust->client_key);
	else if (status == NATS_OK && !nats->common.checks_certificate)
		status = functions->natsOptions_SkipServerVerification(options, true);
	return status;
}

static natsStatus connect_link(struct link *link, const struct nats *nats,
	const struct output_trust *trust, int timeout_ms)
{
	const struct cnats *functions = &link->functions;
	natsOptions *options;
	natsStatus status = functions->natsOptions_Create(&options);

	if (status != NATS_OK)
		return status;
	status = functions->natsOptions_SetURL(options, nats->url);
	if (status == NATS_OK)
		status = functions->natsOptions_SetTimeout(options, timeout_ms);
	if (status == NATS_OK)
		status = functions->natsOptions_SetName(options, "tercel");
	if (status == NATS_OK)
		status = functions->natsOptions_SetAllowReconnect(options, false);
	if (status == NATS_OK)
		status = set_trust(functions, options, nats, trust);
	if (status == NATS_OK)
		status = functions->natsConnection_Connect(&link->connection, options);
	functions->natsOptions_Destroy(options);
	return status;
}

static int open_link(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	const struct nats *nats = settings;
	_cleanup_(freep) struct link *link = NEW(struct link);
	int r = cnats_load(&link->functions, err);
	natsStatus status;

	if (r < 0)
		return r;
	status = connect_link(link, nats, trust, timeout_ms);
	if (status != NATS_OK)
		return error_set(err, -EIO, "cannot connect to %s: %s", nats->url,
			link->functions.natsStatus_GetText(status));
	*ret_connection = TAKE(link);
	return 0;
}

static enum verdict send_requests(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	struct link *link = connection;
	const struct cnats *functions = &link->functions;
	natsStatus status = NATS_OK;
	const char *words = NULL;

	for (size_t i = 0; i < count && status == NATS_OK; i++)
		status = functions->natsConnection_Publish(link->connection, requests[i].url.data,
			requests[i].body.data, (int)requests[i].body.length);
	if (status == NATS_OK)
		status = functions->natsConnection_FlushTimeout(link->connection, timeout_ms);
	/* A violated permission comes before the pong, and only here. */
	if (status == NATS_OK)
		status = functions->natsConnection_GetLastError(link->connection, &words);
	if (status == NATS_OK)
		return VERDICT_SENT;
	error_set(err, -EIO, "%s", is_set(words) ? words : functions->natsStatus_GetText(status));
	if (status == NATS_MAX_PAYLOAD || status == NATS_INVALID_SUBJECT)
		return VERDICT_ALERT_REFUSED;
	return status == NATS_TIMEOUT ? VERDICT_LATER : VERDICT_OUTPUT_REFUSED;
}

const struct output output_nats = {
	.name = "nats",
	.title = "NATS",
	.about = "Publishes alerts to NATS",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct nats),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.open = open_link,
	.send = send_requests,
	.close = close_link,
};
