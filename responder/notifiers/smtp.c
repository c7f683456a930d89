/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp: a mail of what was done (RFC 5321), by libcurl.
 */
#include <curl/curl.h>
#include <errno.h>

#include "base/encoding.h"
#include "base/mail.h"
#include "base/memory.h"
#include "responder/notifier.h"

#define MAIL_MAX   (4 * 1024 * 1024)
#define TIMEOUT_MS 30000L

struct smtp {
	char *address, *from, *user, *password;
	struct text_list to;
	int format;
	bool uses_tls;
};

enum { FORMAT_HTML, FORMAT_TEXT };

static const struct setting rows[] = {
	{ .key = "host_port",
		.type = SETTING_TEXT,
		.at = offsetof(struct smtp, address),
		.about =
			"The server, such as mail:587, or smtps://mail:465 for TLS from the start" },
	{ .key = "from",
		.type = SETTING_TEXT,
		.at = offsetof(struct smtp, from),
		.about = "Sender's address" },
	{ .key = "to",
		.type = SETTING_LIST,
		.at = offsetof(struct smtp, to),
		.about = "Recipients' addresses" },
	{ .key = "user", .type = SETTING_TEXT, .at = offsetof(struct smtp, user), .about = "User" },
	{ .key = "password",
		.type = SETTING_SECRET,
		.at = offsetof(struct smtp, password),
		.about = "Its password" },
	{ .key = "format",
		.type = SETTING_CHOICE,
		.choices = "html text",
		.fallback = "html",
		.at = offsetof(struct smtp, format),
		.about = "A table, or lines" },
	{ .key = "tls",
		.type = SETTING_BOOL,
		.at = offsetof(struct smtp, uses_tls),
		.fallback = "true",
		.about = "Whether to insist on STARTTLS" },
};

static int check(const void *settings, struct error *err)
{
	const struct smtp *smtp = settings;
	int r = is_set(smtp->address) ? 0 : error_set(err, -EINVAL, "host_port is missing");

	if (!r)
		r = mail_address_check("from", smtp->from, err);
	if (!r && !smtp->to.count)
		r = error_set(err, -EINVAL, "to is missing");
	for (size_t i = 0; i < smtp->to.count && !r; i++)
		r = mail_address_check("to", smtp->to.items[i], err);
	return r;
}

/* A line of the mail: a title, and where in the note its value stands. */
static const char *const lines[][3] = { { "Status", NULL, "status" }, { "Rule", NULL, "rule" },
	{ "Action", NULL, "action" }, { "Actionner", NULL, "actionner" },
	{ "Namespace", "objects", "namespace" }, { "Pod", "objects", "pod" },
	{ "Node", "objects", "node" }, { "Result", NULL, "result" }, { "Error", NULL, "error" },
	{ "Event", "event", "output" }, { "Alert", NULL, "trace_id" } };

static const char *line_value(struct json_object *note, size_t i)
{
	return note_text(lines[i][1] ? json_get(note, lines[i][1]) : note, lines[i][2]);
}

/* A line each: a line break inside becomes a blank. */
static void write_text(struct buffer *out, struct json_object *note)
{
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		size_t start = out->length;

		if (!*line_value(note, i))
			continue;
		buffer_printf(out, "%s: %s", lines[i][0], line_value(note, i));
		for (size_t at = start; at < out->length; at++)
			if ((unsigned char)out->data[at] < 0x20)
				out->data[at] = ' ';
		buffer_add_char(out, '\n');
	}
}

static void write_html(struct buffer *out, struct json_object *note)
{
	buffer_add_string(out, "<!DOCTYPE html>\n<html><body>\n<table cellpadding=\"5\">\n");
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		if (!*line_value(note, i))
			continue;
		buffer_printf(out, "<tr><td><b>%s</b></td><td>", lines[i][0]);
		html_escape(out, text_of(line_value(note, i)));
		buffer_add_string(out, "</td></tr>\n");
	}
	buffer_add_string(out, "</table>\n</body></html>\n");
}

static void write_subject(struct buffer *out, struct json_object *note)
{
	struct buffer words, clean;

	buffer_init(&words, 400);
	buffer_init(&clean, 400);
	buffer_printf(&words, "[%s] %s %s: %s/%s", note_text(note, "status"),
		note_text(note, "rule"), note_text(note, "action"),
		note_text(json_get(note, "objects"), "namespace"),
		note_text(json_get(note, "objects"), "pod"));
	buffer_add_utf8(&clean, buffer_text(&words)); /* the cut may have cut a character */
	for (size_t i = 0; i < clean.length; i++)
		if ((unsigned char)clean.data[i] < 0x20 || clean.data[i] == 0x7f)
			clean.data[i] = ' ';
	buffer_add_string(out, "Subject: ");
	mail_words_write(out, buffer_text(&clean));
	buffer_add_string(out, "\r\n");
	buffer_done(&words);
	buffer_done(&clean);
}

static void write_mail(const struct smtp *smtp, struct json_object *note, struct buffer *out)
{
	struct buffer content;

	buffer_printf(out, "From: %s\r\nTo: ", smtp->from);
	for (size_t i = 0; i < smtp->to.count; i++)
		buffer_printf(out, "%s%s", i ? ",\r\n " : "", smtp->to.items[i]);
	buffer_add_string(out, "\r\n");
	write_subject(out, note);
	mail_date_write(out, note_time_ns(note));
	/* The same for what is sent again: mailboxes fold it. */
	buffer_printf(out, "Message-ID: <%s.%lld@tercel>\r\nMIME-Version: 1.0\r\n",
		note_text(note, "response"), (long long)note_time_ns(note));
	buffer_printf(out,
		"Content-Type: text/%s; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
		smtp->format == FORMAT_HTML ? "html" : "plain");
	buffer_init(&content, MAIL_MAX);
	(smtp->format == FORMAT_HTML ? write_html : write_text)(&content, note);
	mail_quoted_write(out, buffer_text(&content));
	buffer_done(&content);
}

static size_t give(char *out, size_t size, size_t count, void *context)
{
	struct text *rest = context;
	struct text part = text_slice(*rest, 0, size * count);

	if (part.length)
		memcpy(out, part.data, part.length);
	*rest = text_slice(*rest, part.length, rest->length);
	return part.length;
}

static void set_options(CURL *easy, const struct smtp *smtp, const char *url)
{
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_MAIL_FROM, smtp->from);
	curl_easy_setopt(
		easy, CURLOPT_USE_SSL, (long)(smtp->uses_tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (!is_set(smtp->user))
		return;
	curl_easy_setopt(easy, CURLOPT_USERNAME, smtp->user);
	curl_easy_setopt(easy, CURLOPT_PASSWORD, smtp->password ? smtp->password : "");
}

/* A server that says 5xx will say so again. */
static int send_mail(const struct smtp *smtp, struct text mail, struct error *err)
{
	_cleanup_(freep) char *url =
		string_printf("%s%s", strstr(smtp->address, "://") ? "" : "smtp://", smtp->address);
	struct curl_slist *recipients = NULL;
	char message[CURL_ERROR_SIZE] = "";
	CURL *easy = curl_easy_init();
	long status = 0;
	CURLcode code;

	set_options(easy, smtp, url);
	for (size_t i = 0; i < smtp->to.count; i++)
		recipients = curl_slist_append(recipients, smtp->to.items[i]);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(easy, CURLOPT_READDATA, &mail);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, message);
	code = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	curl_slist_free_all(recipients);
	if (code == CURLE_OK)
		return 0;
	return error_set(err, status >= 500 ? -EIO : -EAGAIN, "%s: %s (%ld)", smtp->address,
		*message ? message : curl_easy_strerror(code), status);
}

static int tell(const struct telling *telling, struct error *err)
{
	const struct smtp *smtp = telling->settings;
	struct buffer mail;
	int r;

	if (!is_set(smtp->address))
		return error_set(err, -EINVAL, "notifiers.smtp.host_port is not set");
	buffer_init(&mail, MAIL_MAX);
	write_mail(smtp, telling->note, &mail);
	r = send_mail(smtp, buffer_text(&mail), err);
	buffer_done(&mail);
	return r;
}

const struct notifier notifier_smtp = { .name = "smtp",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct smtp),
	.check = check,
	.tell = tell };
