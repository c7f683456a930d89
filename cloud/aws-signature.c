/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature version 4.
 */
#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cloud/aws-signature.h"

#define DIGEST_BYTES SHA256_DIGEST_LENGTH

static void write_hex(struct buffer *out, const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		buffer_printf(out, "%02x", bytes[i]);
}

static void write_hash(struct buffer *out, struct text text)
{
	unsigned char digest[DIGEST_BYTES];

	SHA256((const unsigned char *)(text.data ? text.data : ""), text.length, digest);
	write_hex(out, digest, sizeof(digest));
}

/* key = HMAC(key, text), in place. */
static void hmac(unsigned char key[DIGEST_BYTES], struct text text)
{
	unsigned char digest[DIGEST_BYTES];

	HMAC(EVP_sha256(), key, DIGEST_BYTES, (const unsigned char *)text.data, text.length, digest,
		NULL);
	memcpy(key, digest, sizeof(digest));
}

static void make_key(
	const struct aws_identity *identity, struct text day, unsigned char ret_key[DIGEST_BYTES])
{
	_cleanup_(freep) char *secret = string_printf("AWS4%s", identity->secret_key);

	HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)day.data, day.length,
		ret_key, NULL);
	hmac(ret_key, text_of(identity->region));
	hmac(ret_key, text_of(identity->service));
	hmac(ret_key, TEXT("aws4_request"));
	OPENSSL_cleanse(secret, strlen(secret));
}

struct url_parts {
	struct text host, path, query;
};

/* The host as it stands in the Host header, which leaves out a scheme's own port. */
static struct url_parts parts_of(struct text url)
{
	bool is_https = text_starts_with(url, TEXT("https:"));
	struct text default_port = is_https ? TEXT(":443") : TEXT(":80");
	struct url_parts parts = { 0 };
	struct text rest;
	ptrdiff_t at = text_find(url, TEXT("://"));

	rest = text_slice(url, at < 0 ? 0 : (size_t)at + 3, url.length);
	at = text_find(rest, TEXT("?"));
	if (at >= 0) {
		parts.query = text_slice(rest, (size_t)at + 1, rest.length);
		rest.length = (size_t)at;
	}
	at = text_find(rest, TEXT("/"));
	parts.host = text_slice(rest, 0, at < 0 ? rest.length : (size_t)at);
	parts.path = at < 0 ? TEXT("/") : text_slice(rest, (size_t)at, rest.length);
	if (text_ends_with(parts.host, default_port))
		parts.host.length -= default_port.length;
	return parts;
}

/* S3 signs the path as it is sent; the others escape it once more. */
static void write_path(struct buffer *out, struct text path, bool is_s3)
{
	for (size_t i = 0; i < path.length; i++) {
		if (is_s3 || path.data[i] == '/')
			buffer_add_char(out, path.data[i]);
		else
			url_escape(out, text_slice(path, i, 1));
	}
}

/* By name first: what separates it from the value comes before all that a name may hold. */
static int compare_pairs(const void *a, const void *b)
{
	const char *first = *(char *const *)a, *second = *(char *const *)b;
	size_t length = strcspn(first, ":="), other = strcspn(second, ":=");
	int r = memcmp(first, second, MIN_OF(length, other));

	if (r)
		return r;
	return length == other ? strcmp(first, second) : length < other ? -1 : 1;
}

/* Parameters by name, then value; one without a value has an empty one. */
static void write_query(struct buffer *out, struct text query)
{
	struct text_list parameters = { 0 };
	struct text one;

	while (text_split(&query, '&', &one))
		if (one.length)
			text_list_add(&parameters, one);
	if (parameters.count)
		qsort(parameters.items, parameters.count, sizeof(char *), compare_pairs);
	for (size_t i = 0; i < parameters.count; i++)
		buffer_printf(out, "%s%s%s", i ? "&" : "", parameters.items[i],
			strchr(parameters.items[i], '=') ? "" : "=");
	text_list_done(&parameters);
}

/* "name:value" with a lower-case name, blanks in a row as one. */
static void add_canonical(struct text_list *lines, struct text header)
{
	ptrdiff_t colon = text_find(header, TEXT(":"));
	struct text value = text_trim(text_slice(header, (size_t)colon + 1, header.length));
	struct buffer line;

	buffer_init(&line, REQUEST_HEADER_MAX);
	for (ptrdiff_t i = 0; i < colon; i++)
		buffer_add_char(&line, (char)tolower((unsigned char)header.data[i]));
	buffer_add_char(&line, ':');
	for (size_t i = 0; i < value.length; i++)
		if (value.data[i] != ' ' || value.data[i - 1] != ' ')
			buffer_add_char(&line, value.data[i]);
	text_list_add(lines, buffer_text(&line));
	buffer_done(&line);
}

/* All headers, and Host, which libcurl adds. */
static struct text_list canonical_headers(const struct request *request, struct text host)
{
	_cleanup_(freep) char *line = string_printf("host:" TEXT_FORMAT, TEXT_PRINT(host));
	struct text_list lines = { 0 };

	text_list_add(&lines, text_of(line));
	for (size_t i = 0; i < request->headers.count; i++)
		add_canonical(&lines, text_of(request->headers.items[i]));
	qsort(lines.items, lines.count, sizeof(char *), compare_pairs);
	return lines;
}

static void write_header_names(struct buffer *out, const struct text_list *headers)
{
	for (size_t i = 0; i < headers->count; i++) {
		struct text rest = text_of(headers->items[i]), name;

		text_split(&rest, ':', &name);
		buffer_printf(out, "%s" TEXT_FORMAT, i ? ";" : "", TEXT_PRINT(name));
	}
}

static void write_canonical_request(struct buffer *out, const struct request *request,
	const struct text_list *headers, bool is_s3)
{
	struct url_parts parts = parts_of(buffer_text(&request->url));

	buffer_printf(out, "%s\n", request->method);
	write_path(out, parts.path, is_s3);
	buffer_add_char(out, '\n');
	write_query(out, parts.query);
	buffer_add_char(out, '\n');
	for (size_t i = 0; i < headers->count; i++)
		buffer_printf(out, "%s\n", headers->items[i]);
	buffer_add_char(out, '\n');
	write_header_names(out, headers);
	buffer_add_char(out, '\n');
	write_hash(out, buffer_text(&request->body));
}

static void add_headers(
	struct request *request, const struct aws_identity *identity, const char *date)
{
	struct buffer hash;

	request_header(request, "x-amz-date", text_of(date));
	if (is_set(identity->token))
		request_header(request, "x-amz-security-token", text_of(identity->token));
	if (strcmp(identity->service, "s3"))
		return;
	buffer_init(&hash, 128);
	write_hash(&hash, buffer_text(&request->body));
	request_header(request, "x-amz-content-sha256", buffer_text(&hash));
	buffer_done(&hash);
}

static void write_signature(struct buffer *out, const struct aws_identity *identity,
	struct text day, struct text to_sign)
{
	unsigned char key[DIGEST_BYTES];

	make_key(identity, day, key);
	hmac(key, to_sign);
	write_hex(out, key, sizeof(key));
}

void aws_sign_at(struct request *request, const struct aws_identity *identity, time_t now)
{
	struct buffer canonical, to_sign, signature, names;
	struct text_list headers;
	char date[32];
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &utc);
	struct text day = { date, 8 };
	_cleanup_(freep) char *scope =
		string_printf("%.8s/%s/%s/aws4_request", date, identity->region, identity->service);

	add_headers(request, identity, date);
	headers = canonical_headers(request, parts_of(buffer_text(&request->url)).host);
	buffer_init(&canonical, REQUEST_HEADER_MAX);
	buffer_init(&to_sign, REQUEST_HEADER_MAX);
	buffer_init(&signature, 128);
	buffer_init(&names, REQUEST_HEADER_MAX);
	write_canonical_request(&canonical, request, &headers, !strcmp(identity->service, "s3"));
	buffer_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s\n", date, scope);
	write_hash(&to_sign, buffer_text(&canonical));
	write_signature(&signature, identity, day, buffer_text(&to_sign));
	write_header_names(&names, &headers);
	request_header_printf(request, "Authorization",
		"AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		identity->access_key, scope, names.data, signature.data);
	text_list_done(&headers);
	buffer_done(&canonical);
	buffer_done(&to_sign);
	buffer_done(&signature);
	buffer_done(&names);
}

void aws_json(struct request *request, const char *target, const char *version)
{
	request_header_printf(request, "Content-Type", "application/x-amz-json-%s", version);
	request_header(request, "X-Amz-Target", text_of(target));
}
