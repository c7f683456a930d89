/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail over SMTP (RFC 5321), by libcurl: a message for each alert, as plain text and HTML. What
 * comes out of an alert is encoded (RFC 2045, RFC 2047) or escaped, so that it cannot add a header,
 * a part or a recipient. Ours: a Message-ID of the alert's uuid, by which mailboxes fold what is
 * sent again.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mail.h"
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define SUBJECT_CHARACTERS 150
#define CONTENT_MAX	   (4 * ALERT_MAX)

struct smtp {
	struct output_settings common;
	char *address, *from, *user, *password, *token, *identity;
	struct text_list to;
	int mechanism, format;
	bool uses_tls;
};

enum {
	AUTH_PLAIN,
	AUTH_LOGIN,
	AUTH_CRAM_MD5,
	AUTH_OAUTHBEARER,
	AUTH_EXTERNAL,
	AUTH_ANONYMOUS,
	AUTH_NONE
};
enum { FORMAT_HTML, FORMAT_TEXT };

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(smtp, address, "hostport", NULL,
		"The server, such as mail:587, or smtps://mail:465 for TLS from the start; "
		"switches the output on"),
	OUTPUT_ROW_BOOL(smtp, uses_tls, "tls", "true", "Whether to insist on STARTTLS"),
	OUTPUT_ROW_CHOICE(smtp, mechanism, "authmechanism",
		"plain login cram-md5 oauthbearer external anonymous none", "plain",
		"How to log in; nothing is done where neither user, token nor identity is set"),
	OUTPUT_ROW_TEXT(smtp, user, "user", NULL, "User"),
	OUTPUT_ROW_SECRET(smtp, password, "password", "Its password"),
	OUTPUT_ROW_SECRET(smtp, token, "token", "Token, for oauthbearer"),
	OUTPUT_ROW_TEXT(smtp, identity, "identity", NULL, "Identity, for plain and external"),
	OUTPUT_ROW_IGNORED("trace", "", "it belongs to anonymous, which is not spoken"),
	OUTPUT_ROW_TEXT(smtp, from, "from", NULL, "Sender's address"),
	OUTPUT_ROW_LIST(smtp, to, "to", "Recipients' addresses"),
	OUTPUT_ROW_CHOICE(smtp, format, "outputformat", "html text", "html",
		"Plain text and HTML, or plain text alone"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_TLS,
};

static const char *const colors[] = {
	[PRIORITY_EMERGENCY] = "#e20b0b",
	[PRIORITY_ALERT] = "#ff5400",
	[PRIORITY_CRITICAL] = "#ff5400",
	[PRIORITY_ERROR] = "#e20b0b",
	[PRIORITY_WARNING] = "#ffc700",
	[PRIORITY_NOTICE] = "#5bffb5",
	[PRIORITY_INFORMATIONAL] = "#68c2ff",
	[PRIORITY_DEBUG] = "#ccfff2",
	[PRIORITY_NONE] = "#ccfff2",
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct smtp *)settings)->address);
}

static int check(const void *settings, struct error *err)
{
	const struct smtp *smtp = settings;
	int r = mail_address_check("smtp.from", smtp->from, err);

	if (!r && !smtp->to.count)
		r = error_set(err, -EINVAL, "smtp.to must be set, to one or more mail addresses");
	for (size_t i = 0; i < smtp->to.count && !r; i++)
		r = mail_address_check("smtp.to", smtp->to.items[i], err);
	if (!r && smtp->mechanism == AUTH_ANONYMOUS)
		r = error_set(err, -EINVAL,
			"smtp.authmechanism anonymous is not spoken; none sends without a login");
	if (!r && smtp->mechanism == AUTH_OAUTHBEARER && !is_set(smtp->token))
		r = error_set(err, -EINVAL, "smtp.token must be set for oauthbearer");
	return r;
}

static size_t batch(const void *settings)
{
	(void)settings;
	return 20;
}

static void write_subject(struct buffer *out, const struct alert *alert)
{
	struct buffer words, cut;

	buffer_init(&words, ALERT_MAX);
	buffer_init(&cut, ALERT_MAX);
	buffer_printf(&words, "[%s] ", priority_name(alert->priority));
	buffer_add_string(&words, alert->output);
	for (size_t i = 0; i < words.length; i++)
		if ((unsigned char)words.data[i] < 0x20 || words.data[i] == 0x7f)
			words.data[i] = ' ';
	text_write_cut(&cut, buffer_text(&words), SUBJECT_CHARACTERS);
	buffer_add_string(out, "Subject: ");
	mail_words_write(out, buffer_text(&cut));
	buffer_add_string(out, "\r\n");
	buffer_done(&words);
	buffer_done(&cut);
}

static const enum fact_kind order[] = { FACT_PRIORITY, FACT_RULE, FACT_SOURCE, FACT_HOSTNAME,
	FACT_TAGS, FACT_TIME, FACT_FIELDS, FACTS_END };

/* One line each: a line break inside becomes a blank. */
static void write_line(struct buffer *out, struct text name, struct text value)
{
	size_t start = out->length;

	buffer_add_text(out, name);
	buffer_add_string(out, ": ");
	buffer_add_text(out, value);
	for (size_t i = start; i < out->length; i++)
		if ((unsigned char)out->data[i] < 0x20)
			out->data[i] = ' ';
	buffer_add_char(out, '\n');
}

static void write_text(struct buffer *out, const struct alert *alert)
{
	struct facts facts;

	write_line(out, TEXT("output"), text_of(alert->output));
	facts_init(&facts, alert, order, ", ");
	for (size_t i = 0; i < facts.count; i++)
		write_line(out, facts.items[i].name, facts.items[i].value);
	facts_done(&facts);
}

static void write_row(struct buffer *out, struct text name, struct text value)
{
	buffer_add_string(out, "<tr><td style=\"background-color:#858585;color:white\">"
			       "<b>");
	html_escape(out, name);
	buffer_add_string(out, "</b></td><td style=\"background-color:#d1d6da\">");
	html_escape(out, value);
	buffer_add_string(out, "</td></tr>\n");
}

static void write_html(struct buffer *out, const struct alert *alert)
{
	struct facts facts;

	buffer_printf(out,
		"<!DOCTYPE html>\n<html><body>\n<table cellpadding=\"5\">\n"
		"<tr><td colspan=\"2\" style=\"background-color:%s\"><b>%s</b></td></tr>\n",
		colors[alert->priority], priority_name(alert->priority));
	write_row(out, TEXT("output"), text_of(alert->output));
	facts_init(&facts, alert, order + 1, ", ");
	for (size_t i = 0; i < facts.count; i++)
		write_row(out, facts.items[i].name, facts.items[i].value);
	facts_done(&facts);
	buffer_add_string(out, "</table>\n</body></html>\n");
}

static void write_part(struct buffer *out, const char *type, const struct alert *alert,
	void (*write)(struct buffer *out, const struct alert *alert))
{
	struct buffer content;

	buffer_printf(out,
		"Content-Type: %s; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
		type);
	buffer_init(&content, CONTENT_MAX);
	write(&content, alert);
	mail_quoted_write(out, buffer_text(&content));
	buffer_done(&content);
}

static void write_recipients(struct buffer *out, const struct text_list *to)
{
	buffer_add_string(out, "To: ");
	for (size_t i = 0; i < to->count; i++)
		buffer_printf(out, "%s%s", i ? ",\r\n " : "", to->items[i]);
	buffer_add_string(out, "\r\n");
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct alert *alert = messages->items[0].alert;
	const struct smtp *smtp = settings;
	struct buffer *out = &request->body;

	request->method = "MAIL";
	buffer_printf(&request->url, "%s%s", strstr(smtp->address, "://") ? "" : "smtp://",
		smtp->address);
	buffer_printf(out, "From: %s\r\n", smtp->from);
	write_recipients(out, &smtp->to);
	write_subject(out, alert);
	mail_date_write(out, alert->time_ns);
	buffer_printf(out, "Message-ID: <%s@tercel>\r\nMIME-Version: 1.0\r\n", alert->uuid);
	if (smtp->format == FORMAT_TEXT) {
		write_part(out, "text/plain", alert, write_text);
		return;
	}
	/* Quoted-printable has no line that begins with two hyphens and an uuid of ours. */
	buffer_printf(out, "Content-Type: multipart/alternative;\r\n boundary=\"=_%s\"\r\n\r\n",
		alert->uuid);
	buffer_printf(out, "--=_%s\r\n", alert->uuid);
	write_part(out, "text/plain", alert, write_text);
	buffer_printf(out, "--=_%s\r\n", alert->uuid);
	write_part(out, "text/html", alert, write_html);
	buffer_printf(out, "--=_%s--\r\n", alert->uuid);
}

struct session {
	CURL *easy;
	struct curl_slist *recipients;
	struct text rest; /* of the message that is being sent */
	char message[CURL_ERROR_SIZE];
};

static void close_session(void *connection)
{
	struct session *session = connection;

	curl_easy_cleanup(session->easy);
	curl_slist_free_all(session->recipients);
	free(session);
}

static size_t give_body(char *out, size_t size, size_t count, void *context)
{
	struct session *session = context;
	struct text part = text_slice(session->rest, 0, size * count);

	if (part.length)
		memcpy(out, part.data, part.length);
	session->rest = text_slice(session->rest, part.length, session->rest.length);
	return part.length;
}

static void set_login(CURL *easy, const struct smtp *smtp)
{
	static const char *const options[] = {
		[AUTH_PLAIN] = "AUTH=PLAIN",
		[AUTH_LOGIN] = "AUTH=LOGIN",
		[AUTH_CRAM_MD5] = "AUTH=CRAM-MD5",
		[AUTH_OAUTHBEARER] = "AUTH=OAUTHBEARER",
		[AUTH_EXTERNAL] = "AUTH=EXTERNAL",
		[AUTH_ANONYMOUS] = NULL,
		[AUTH_NONE] = NULL,
	};
	bool is_external = smtp->mechanism == AUTH_EXTERNAL;
	const char *user = is_external && !is_set(smtp->user) ? smtp->identity : smtp->user;

	if (!options[smtp->mechanism] || (!is_set(user) && !is_set(smtp->token)))
		return;
	curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, options[smtp->mechanism]);
	curl_easy_setopt(easy, CURLOPT_USERNAME, user ? user : "");
	if (smtp->mechanism == AUTH_OAUTHBEARER)
		curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, smtp->token);
	else if (!is_external)
		curl_easy_setopt(easy, CURLOPT_PASSWORD, smtp->password ? smtp->password : "");
	if (smtp->mechanism == AUTH_PLAIN && is_set(smtp->identity))
		curl_easy_setopt(easy, CURLOPT_SASL_AUTHZID, smtp->identity);
}

static void set_tls(CURL *easy, const struct smtp *smtp, const struct output_trust *trust)
{
	bool is_mutual = smtp->common.uses_mutual_tls;
	const char *ca = is_mutual ? trust->client_ca : trust->ca_file;

	curl_easy_setopt(
		easy, CURLOPT_USE_SSL, (long)(smtp->uses_tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ca)
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
	if (is_mutual) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, trust->client_certificate);
		curl_easy_setopt(easy, CURLOPT_SSLKEY, trust->client_key);
	} else if (!smtp->common.checks_certificate) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

/* Nothing is sent yet: libcurl connects with the first message, and keeps the connection. */
static int open_session(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	struct session *session = NEW(struct session);
	const struct smtp *smtp = settings;

	(void)timeout_ms;
	(void)err;
	session->easy = curl_easy_init();
	for (size_t i = 0; i < smtp->to.count; i++)
		session->recipients = curl_slist_append(session->recipients, smtp->to.items[i]);
	curl_easy_setopt(session->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(session->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(session->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(session->easy, CURLOPT_MAIL_FROM, smtp->from);
	curl_easy_setopt(session->easy, CURLOPT_MAIL_RCPT, session->recipients);
	curl_easy_setopt(session->easy, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(session->easy, CURLOPT_READDATA, session);
	curl_easy_setopt(session->easy, CURLOPT_ERRORBUFFER, session->message);
	set_login(session->easy, smtp);
	set_tls(session->easy, smtp, trust);
	*ret_connection = session;
	return 0;
}

/*
 * libcurl says CURLE_WEIRD_SERVER_REPLY when the message itself is refused, and CURLE_SEND_ERROR
 * when that was its sender or recipient, or that the server takes messages.
 */
static enum verdict verdict_of(CURLcode code, long status)
{
	switch (code) {
	case CURLE_OK:
		return VERDICT_SENT;
	case CURLE_WEIRD_SERVER_REPLY:
		return status >= 500 ? VERDICT_ALERT_REFUSED : VERDICT_LATER;
	case CURLE_SEND_ERROR:
		return status >= 500 ? VERDICT_OUTPUT_REFUSED : VERDICT_LATER;
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
		return VERDICT_LATER;
	default: /* not reached, no TLS, a wrong login */
		return VERDICT_OUTPUT_REFUSED;
	}
}

static enum verdict send_mail(
	struct session *session, const struct request *request, int timeout_ms, struct error *err)
{
	enum verdict verdict;
	long status = 0;
	CURLcode code;

	session->rest = buffer_text(&request->body);
	session->message[0] = '\0';
	curl_easy_setopt(session->easy, CURLOPT_URL, request->url.data);
	curl_easy_setopt(session->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	code = curl_easy_perform(session->easy);
	curl_easy_getinfo(session->easy, CURLINFO_RESPONSE_CODE, &status);
	verdict = verdict_of(code, status);
	if (verdict != VERDICT_SENT)
		error_set(err, -EIO, "%s (%ld)",
			session->message[0] ? session->message : curl_easy_strerror(code), status);
	return verdict;
}

/* Those that went before the one that was not taken go again, with the same Message-ID. */
static enum verdict send_mails(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	enum verdict verdict = VERDICT_SENT;

	for (size_t i = 0; i < count && verdict == VERDICT_SENT; i++) {
		int64_t left = deadline_ms - clock_ms(CLOCK_MONOTONIC);

		verdict = send_mail(connection, &requests[i], (int)MAX_OF(left, 1), err);
	}
	return verdict;
}

const struct output output_smtp = {
	.name = "smtp",
	.title = "SMTP",
	.about = "Sends a mail for each alert",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct smtp),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.open = open_session,
	.send = send_mails,
	.close = close_session,
};
