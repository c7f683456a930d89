/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens and assertions.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "cloud/bearer.h"

#define REFRESH_BEFORE_S  60
#define LIFE_WHEN_UNKNOWN 300
#define LIFE_MAX_S	  (24 * 3600)
#define SIGNATURE_MAX	  1024 /* RSA of 8192 bits */

bool bearer_is_fresh(const struct bearer *bearer, time_t now)
{
	return bearer->token && now < bearer->expires - REFRESH_BEFORE_S;
}

void bearer_done(struct bearer *bearer)
{
	free(bearer->token);
	*bearer = (struct bearer){ 0 };
}

/* Azure's metadata service writes the number as text. */
static int64_t seconds_of(struct json_object *root)
{
	struct json_object *value = json_get(root, "expires_in");
	int64_t seconds = value ? json_object_get_int64(value) : LIFE_WHEN_UNKNOWN;

	return MAX_OF(MIN_OF(seconds, LIFE_MAX_S), 2 * REFRESH_BEFORE_S);
}

int bearer_learn(struct bearer *bearer, const char *member, time_t now,
	const struct http_answer *answer, struct error *err)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct text token;

	if (answer->error || answer->status != 200 ||
		json_parse(buffer_text(&answer->body), &root, NULL, NULL) < 0)
		return error_set(err, -EACCES, "no access token was given");
	token = json_get_text(root, member);
	if (!token.length)
		return error_set(err, -EACCES, "the answer holds no %s", member);
	bearer_done(bearer);
	bearer->token = text_to_string(token);
	bearer->expires = now + seconds_of(root);
	return 0;
}

void bearer_sign(const struct bearer *bearer, struct request *request)
{
	request_header_printf(
		request, "Authorization", "Bearer %s", bearer->token ? bearer->token : "");
}

void base64url_write(struct buffer *out, struct text text)
{
	size_t at = out->length;

	base64_write(out, text);
	while (out->length > at && out->data[out->length - 1] == '=')
		out->data[--out->length] = '\0';
	for (; at < out->length; at++) {
		if (out->data[at] == '+')
			out->data[at] = '-';
		else if (out->data[at] == '/')
			out->data[at] = '_';
	}
}

static EVP_PKEY *read_key(struct text pem)
{
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	if (key && EVP_PKEY_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

static bool make_signature(EVP_PKEY *key, struct text text, unsigned char *signature, size_t *size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool is_done = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
		       EVP_DigestSign(context, signature, size, (const unsigned char *)text.data,
			       text.length) == 1;

	EVP_MD_CTX_free(context);
	return is_done;
}

int jwt_write(struct buffer *out, struct text header, struct text claims, struct text key,
	struct error *err)
{
	unsigned char signature[SIGNATURE_MAX];
	size_t size = sizeof(signature), start = out->length;
	EVP_PKEY *parsed = read_key(key);
	bool is_signed;

	if (!parsed)
		return error_set(err, -EINVAL, "the private key is no RSA key in PEM");
	base64url_write(out, header);
	buffer_add_char(out, '.');
	base64url_write(out, claims);
	is_signed = make_signature(
		parsed, text_slice(buffer_text(out), start, out->length - start), signature, &size);
	EVP_PKEY_free(parsed);
	if (!is_signed)
		return error_set(err, -EINVAL, "the private key cannot sign");
	buffer_add_char(out, '.');
	base64url_write(out, (struct text){ (const char *)signature, size });
	return 0;
}
