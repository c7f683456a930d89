/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Object stores. An object is put whole, in one request: an artifact is never large enough to be
 * put in parts (ARTIFACT_MAX).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "responder/cloud-call.h"
#include "responder/object-store.h"

/* Slashes stay: they are what stores show as folders. */
static void add_key(struct buffer *url, struct text key, bool keeps_slashes)
{
	for (size_t i = 0; i < key.length; i++)
		if (key.data[i] == '/' && keeps_slashes)
			buffer_add_char(url, '/');
		else
			url_escape(url, text_slice(key, i, 1));
}

/* Whatever slashes the prefix has around it, there is one between it and the name. */
static char *key_of(const struct text_map *parameters, const char *name)
{
	struct text prefix = text_of(text_map_get(parameters, "prefix"));

	while (text_ends_with(prefix, TEXT("/")))
		prefix.length--;
	while (text_starts_with(prefix, TEXT("/")))
		prefix = text_slice(prefix, 1, prefix.length);
	return prefix.length ? string_printf(TEXT_FORMAT "/%s", TEXT_PRINT(prefix), name)
			     : string_copy(name);
}

static void put_artifact(struct request *request, struct run *run)
{
	buffer_init(&request->body, ARTIFACT_MAX);
	buffer_add_text(&request->body, buffer_text(&run->artifact));
	request_header(request, "Content-Type", TEXT("application/octet-stream"));
}

static bool is_passing(int r, const struct http_answer *answer)
{
	if (answer->error)
		return r != -EINVAL && r != -EPROTO;
	return answer->status >= 500 || answer->status == 429 || answer->status == 408;
}

static int judge(const char *where, const struct http_answer *answer, int r, struct run *run,
	struct error *err)
{
	struct text words = text_slice(buffer_text(&answer->body), 0, 500);

	if (r < 0 && !answer->error)
		return r; /* no keys, and words are there already */
	if (r < 0)
		return error_set(
			err, is_passing(r, answer) ? -EAGAIN : r, "%s: %s", where, answer->message);
	if (answer->status >= 300)
		return error_set(err, is_passing(0, answer) ? -EAGAIN : -EIO,
			"%s answered %u: " TEXT_FORMAT, where, answer->status, TEXT_PRINT(words));
	buffer_printf(&run->result, "; kept in %s", where);
	return 0;
}

/* A bucket of S3: where it is, and who may write there. */
struct bucket {
	const struct aws_settings *aws;
	const char *address; /* NULL: Amazon's own, a host a bucket */
	const char *name;
};

static int put_to_bucket(
	const struct bucket *bucket, const char *key, struct run *run, struct error *err)
{
	_cleanup_(freep) char *usual =
		string_printf("https://%s.s3.%s.amazonaws.com", bucket->name, bucket->aws->region);
	_cleanup_(freep) char *where = string_printf("s3://%s/%s", bucket->name, key);
	struct http_answer answer = { 0 };
	struct request request;
	int r;

	request_init(&request);
	request.method = "PUT";
	request_url(&request, bucket->address ? bucket->address : usual, "/");
	if (bucket->address) {
		url_escape(&request.url, text_of(bucket->name));
		buffer_add_char(&request.url, '/');
	}
	add_key(&request.url, text_of(key), true);
	put_artifact(&request, run);
	r = cloud_call_aws(&(struct cloud_call){ run, &request, &answer }, bucket->aws, "s3", err);
	r = judge(where, &answer, r, run, err);
	request_done(&request);
	http_answer_done(&answer);
	return r;
}

int keep_in_s3(
	const struct text_map *parameters, const char *name, struct run *run, struct error *err)
{
	_cleanup_(freep) char *key = key_of(parameters, name);
	const char *region = text_map_get(parameters, "region");
	struct aws_settings aws = run->settings->aws;
	const char *endpoint = run->settings->aws_endpoint;

	aws.region = (char *)(is_set(region) ? region : aws_region(run->settings));
	if (!is_set(aws.region))
		return error_set(err, -EINVAL,
			"the bucket's region is not known: set the output's region, or aws.region");
	return put_to_bucket(&(struct bucket){ .aws = &aws,
				     .address = is_set(endpoint) ? endpoint : NULL,
				     .name = text_map_get(parameters, "bucket") },
		key, run, err);
}

/* MinIO takes any region that is signed; its own default is us-east-1. */
int keep_in_minio(
	const struct text_map *parameters, const char *name, struct run *run, struct error *err)
{
	const struct responder_settings *settings = run->settings;
	_cleanup_(freep) char *key = key_of(parameters, name);
	_cleanup_(freep) char *address = NULL;
	struct aws_settings aws = { .access_key = settings->minio_access_key,
		.secret_key = settings->minio_secret_key,
		.region = (char *)"us-east-1" };

	if (!is_set(settings->minio_endpoint) || !is_set(aws.access_key) || !is_set(aws.secret_key))
		return error_set(err, -EINVAL,
			"minio.endpoint, minio.access_key and minio.secret_key must be set");
	address = string_printf(
		"%s://%s", settings->minio_uses_tls ? "https" : "http", settings->minio_endpoint);
	return put_to_bucket(&(struct bucket){ .aws = &aws,
				     .address = address,
				     .name = text_map_get(parameters, "bucket") },
		key, run, err);
}

/* cloud.google.com, "Objects: insert", media. */
int keep_in_gcs(
	const struct text_map *parameters, const char *name, struct run *run, struct error *err)
{
	const char *endpoint = run->settings->gcp_storage_endpoint;
	const char *bucket = text_map_get(parameters, "bucket");
	_cleanup_(freep) char *key = key_of(parameters, name);
	_cleanup_(freep) char *where = string_printf("gs://%s/%s", bucket, key);
	struct http_answer answer = { 0 };
	struct request request;
	int r;

	request_init(&request);
	request_url(&request, is_set(endpoint) ? endpoint : "https://storage.googleapis.com",
		"/upload/storage/v1/b/");
	url_escape(&request.url, text_of(bucket));
	buffer_add_string(&request.url, "/o?uploadType=media&name=");
	add_key(&request.url, text_of(key), false);
	put_artifact(&request, run);
	r = cloud_call_google(&(struct cloud_call){ run, &request, &answer }, NULL, err);
	r = judge(where, &answer, r, run, err);
	request_done(&request);
	http_answer_done(&answer);
	return r;
}
