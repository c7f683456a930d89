/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as bytes, and answers good and hostile, through the steps of CRI. */
#include <errno.h>

#include "base/memory.h"
#include "sensor/state/runtimes/cri.pb-c.h"
#include "sensor/state/runtimes/runtime.h"
#include "tests/test.h"

#define ID "5c82c422b6b6b0655eaf64123385f006ecc8887dcd34212a2bfa42ef2d806a97"

enum { CONTAINER, LIST, POD, IMAGE };

static ProtobufCBinaryData bytes(const char *text)
{
	return (ProtobufCBinaryData){ strlen(text), (uint8_t *)text };
}

static void check_slice(struct text got, const char *want)
{
	_cleanup_(freep) char *copy = got.data ? text_to_string(got) : NULL;

	CHECK_TEXT(copy, want);
}

static struct fetch fetch_new(void)
{
	return (struct fetch){
		.id = TEXT(ID), .prefix = "runtime.v1", .metadata = metadata_new("containerd")
	};
}

static void fetch_free(struct fetch *fetch)
{
	metadata_release(fetch->metadata);
	pod_release(fetch->ret_pod);
	image_facts_free(fetch->ret_facts);
}

static struct http_answer answer_of(const void *packed, size_t length)
{
	struct http_answer answer = { .status = 200, .grpc_status = 0 };
	unsigned char head[5] = { 0, (unsigned char)(length >> 24), (unsigned char)(length >> 16),
		(unsigned char)(length >> 8), (unsigned char)length };

	buffer_init(&answer.body, ANSWER_BYTES_MAX);
	buffer_add(&answer.body, head, sizeof(head));
	buffer_add(&answer.body, packed, length);
	return answer;
}

static struct http_answer answer_from(const ProtobufCMessage *message)
{
	size_t length = protobuf_c_message_get_packed_size(message);
	_cleanup_(freep) uint8_t *packed = memory_new(1, length + 1);

	protobuf_c_message_pack(message, packed);
	return answer_of(packed, length);
}

/* Takes the message as the answer of a step. */
static int take(struct fetch *fetch, int step, const void *message)
{
	struct http_answer answer = answer_from(message);
	struct error err = { 0 };
	int r = runtime_cri.steps[step].take(fetch, &answer, &err);

	CHECK(r == 0 || r == -ENOENT || err.message[0]);
	http_answer_done(&answer);
	return r;
}

TEST(the_request_for_a_container_is_a_framed_message)
{
	static const char want[] = "\0\0\0\0\x44\x0a\x40" ID "\x10\x01";
	struct fetch fetch = fetch_new();
	struct request request = { 0 };

	buffer_init(&request.body, 1000);
	CHECK(runtime_cri.steps[CONTAINER].compose(&fetch, &request));
	CHECK_TEXT(request.path, "/runtime.v1.RuntimeService/ContainerStatus");
	CHECK_NUMBER(request.body.length, sizeof(want) - 1);
	CHECK(!memcmp(request.body.data, want, sizeof(want) - 1));
	buffer_done(&request.body);
	fetch_free(&fetch);
}

/* A container as CRI-O tells it: an image by its id, a digest, and "privileged" at the top. */
static int take_container(struct fetch *fetch, const char *id, const char *info)
{
	Cri__ContainerStatusResponse response = CRI__CONTAINER_STATUS_RESPONSE__INIT;
	Cri__ContainerStatus status = CRI__CONTAINER_STATUS__INIT;
	Cri__Name name = CRI__NAME__INIT;
	Cri__ImageSpec image = CRI__IMAGE_SPEC__INIT;
	Cri__Pair label = CRI__PAIR__INIT, verbose = CRI__PAIR__INIT;
	Cri__Mount mount = CRI__MOUNT__INIT;
	Cri__Pair *labels[] = { &label }, *infos[] = { &verbose };
	Cri__Mount *mounts[] = { &mount };

	name.name = bytes("nginx");
	image.image = bytes("quay.io/team/nginx:1.25");
	label.key = bytes("app");
	label.value = bytes("web\x1b");
	verbose.key = bytes("info");
	verbose.value = bytes(info);
	mount.host_path = bytes("/etc");
	mount.container_path = bytes("/host/etc");
	mount.propagation = 2;
	status.id = bytes(id);
	status.metadata = &name;
	status.image = &image;
	status.image_ref = bytes("quay.io/team/nginx@sha256:beef");
	status.created_at = 17;
	status.labels = labels;
	status.n_labels = 1;
	status.mounts = mounts;
	status.n_mounts = 1;
	response.status = &status;
	response.info = infos;
	response.n_info = 1;
	return take(fetch, CONTAINER, &response);
}

TEST(a_containers_status_becomes_metadata)
{
	struct fetch fetch = fetch_new();
	struct metadata *metadata = fetch.metadata;

	CHECK_NUMBER(take_container(&fetch, ID, "{\"sandboxID\":\"abc\",\"privileged\":true}"), 0);
	check_slice(metadata->name, "nginx");
	check_slice(metadata->image, "quay.io/team/nginx:1.25");
	check_slice(metadata->repository, "quay.io/team/nginx");
	check_slice(metadata->tag, "1.25");
	check_slice(metadata->digest, "sha256:beef");
	check_slice(labels_get(&metadata->labels, "app"), "web\xef\xbf\xbd");
	CHECK_NUMBER(metadata->is_privileged, YES);
	CHECK_NUMBER(metadata->created_ns, 17);
	check_slice(metadata->mounts[0].propagation, "rshared");
	CHECK(metadata->mounts[0].is_writable);
	check_slice(fetch.sandbox_id, "abc");
	fetch_free(&fetch);
}

TEST(containerds_way_to_say_privileged_is_understood)
{
	struct fetch fetch = fetch_new();

	CHECK_NUMBER(
		take_container(&fetch, ID,
			"{\"config\":{\"linux\":{\"security_context\":{\"privileged\":true}}}}"),
		0);
	CHECK_NUMBER(fetch.metadata->is_privileged, YES);
	fetch_free(&fetch);
	fetch = fetch_new();
	CHECK_NUMBER(
		take_container(&fetch, ID, "{\"config\":{\"linux\":{\"security_context\":{}}}}"),
		0);
	CHECK_NUMBER(fetch.metadata->is_privileged, NO);
	fetch_free(&fetch);
	fetch = fetch_new();
	CHECK_NUMBER(take_container(&fetch, ID, "[[[not json"), 0);
	CHECK_NUMBER(fetch.metadata->is_privileged, NOT_KNOWN);
	fetch_free(&fetch);
}

TEST(the_name_that_the_containers_owner_wrote_wins_over_the_runtimes)
{
	struct fetch fetch = fetch_new();

	CHECK_NUMBER(take_container(&fetch, ID,
			     "{\"config\":{\"image\":{\"image\":\"sha256:12\","
			     "\"user_specified_image\":\"quay.io/mine/web:7\"}}}"),
		0);
	check_slice(fetch.metadata->repository, "quay.io/mine/web");
	check_slice(fetch.metadata->tag, "7");
	fetch_free(&fetch);
}

TEST(cri_o_is_heeded_in_what_it_was_asked_for_before_what_else_the_image_is_called)
{
	static const struct {
		const char *asked, *some_name, *repository, *tag;
	} rows[] = {
		{ "quay.io/my/db:2", "quay.io/his/db:1", "quay.io/my/db", "2" },
		{ "quay.io/my/db@sha256:12", "quay.io/his/db:1", "quay.io/my/db", NULL },
		{ "quay.io/my/db@sha256:12", "quay.io/my/db:1", "quay.io/my/db", "1" },
		{ "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
			"quay.io/his/db:1", "quay.io/his/db", "1" },
		{ "", "quay.io/his/db:1", "quay.io/his/db", "1" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fetch fetch = fetch_new();
		char info[512];

		snprintf(info, sizeof(info),
			"{\"runtimeSpec\":{\"annotations\":{\"io.kubernetes.cri-o.Image\":\"%s\","
			"\"io.kubernetes.cri-o.ImageName\":\"%s\"}}}",
			rows[i].asked, rows[i].some_name);
		CHECK_NUMBER(take_container(&fetch, ID, info), 0);
		check_slice(fetch.metadata->repository, rows[i].repository);
		check_slice(fetch.metadata->tag, rows[i].tag);
		fetch_free(&fetch);
	}
}

TEST(an_answer_about_another_container_is_refused)
{
	struct fetch fetch = fetch_new();

	CHECK_NUMBER(take_container(&fetch, "0000", "{}"), -EPROTO);
	CHECK(!fetch.metadata->name.data);
	fetch_free(&fetch);
}

TEST(an_id_that_is_no_containers_may_be_a_pods)
{
	Cri__PodSandboxStatusResponse response = CRI__POD_SANDBOX_STATUS_RESPONSE__INIT;
	Cri__PodSandboxStatus status = CRI__POD_SANDBOX_STATUS__INIT;
	Cri__PodMetadata name = CRI__POD_METADATA__INIT;
	Cri__PodNetwork network = CRI__POD_NETWORK__INIT;
	Cri__PodIp second = CRI__POD_IP__INIT, *more[] = { &second };
	struct http_answer unknown = { .status = 200, .grpc_status = 5 };
	struct fetch fetch = fetch_new();
	struct request request = { 0 };

	CHECK_NUMBER(runtime_cri.steps[CONTAINER].take(&fetch, &unknown, NULL), 0);
	buffer_init(&request.body, 1000);
	CHECK(!runtime_cri.steps[LIST].compose(&fetch, &request));
	CHECK(runtime_cri.steps[POD].compose(&fetch, &request));
	buffer_done(&request.body);
	CHECK_NUMBER(runtime_cri.steps[POD].take(&fetch, &unknown, NULL), -ENOENT);

	name.name = bytes("web-1");
	name.namespace_ = bytes("shop");
	network.ip = bytes("fd00::1");
	second.ip = bytes("10.0.0.7");
	network.additional_ips = more;
	network.n_additional_ips = 1;
	status.id = bytes(ID);
	status.metadata = &name;
	status.network = &network;
	response.status = &status;
	CHECK_NUMBER(take(&fetch, POD, &response), 0);
	CHECK(fetch.metadata->is_sandbox);
	check_slice(fetch.metadata->name, "web-1");
	check_slice(fetch.ret_pod->namespace_name, "shop");
	check_slice(fetch.ret_pod->ip, "10.0.0.7");
	fetch_free(&fetch);
}

TEST(broken_frames_and_messages_are_errors)
{
	static const struct {
		const char *bytes;
		size_t length;
	} rows[] = {
		{ "", 0 }, { "\0\0\0\0", 4 }, { "\1\0\0\0\0", 5 }, /* compressed */
		{ "\0\xff\xff\xff\xff", 5 },			   /* longer than what came */
		{ "\0\0\0\0\1", 5 },				   /* shorter */
		{ "\0\0\0\0\2\x0a\x7f", 7 },			   /* a field beyond the end */
		{ "\0\0\0\0\0", 5 },				   /* no status in it */
		{ "\0\0\0\0\2\x0a\x00", 7 },			   /* one without an id */
		{ "\0\0\0\0\1\x0b", 6 },			   /* a group */
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http_answer answer = { .status = 200, .grpc_status = 0 };
		struct fetch fetch = fetch_new();
		struct error err = { 0 };

		buffer_init(&answer.body, 100);
		buffer_add(&answer.body, rows[i].bytes, rows[i].length);
		CHECK_NUMBER(runtime_cri.steps[CONTAINER].take(&fetch, &answer, &err), -EPROTO);
		CHECK(err.message[0]);
		http_answer_done(&answer);
		fetch_free(&fetch);
	}
}

TEST(an_answer_of_a_million_empty_messages_is_refused)
{
	size_t length = 4000000;
	_cleanup_(freep) char *packed = memory_new(1, length);
	struct http_answer answer;
	struct fetch fetch = fetch_new();
	struct error err = { 0 };

	/* "info", empty, over and over: two bytes each, some hundred when unpacked. */
	for (size_t i = 0; i < length; i += 2)
		packed[i] = 0x12;
	answer = answer_of(packed, length);
	CHECK_NUMBER(runtime_cri.steps[CONTAINER].take(&fetch, &answer, &err), -EPROTO);
	http_answer_done(&answer);
	fetch_free(&fetch);
}

TEST(an_error_status_is_told_in_the_runtimes_words)
{
	struct http_answer answer = { .status = 200, .grpc_status = 13 };
	struct fetch fetch = fetch_new();
	struct error err = { 0 };

	snprintf(answer.grpc_message, sizeof(answer.grpc_message), "disk is full");
	CHECK_NUMBER(runtime_cri.steps[CONTAINER].take(&fetch, &answer, &err), -EAGAIN);
	CHECK_TEXT(err.message, "gRPC status 13: disk is full");
	fetch_free(&fetch);
}

TEST(an_old_runtime_says_that_it_has_no_v1)
{
	struct http_answer answer = { .status = 200, .grpc_status = 12 };
	struct buffer about;

	buffer_init(&about, 100);
	CHECK_NUMBER(runtime_cri.take_version(&answer, &about, NULL), -ENOENT);
	CHECK_TEXT(runtime_cri.prefixes[1], "runtime.v1alpha2");
	buffer_done(&about);
}

TEST(the_image_is_asked_for_only_while_something_of_it_is_unknown)
{
	Cri__ImageStatusResponse response = CRI__IMAGE_STATUS_RESPONSE__INIT;
	Cri__Image image = CRI__IMAGE__INIT;
	ProtobufCBinaryData tags[40];
	struct fetch fetch = fetch_new();
	struct request request = { 0 };

	buffer_init(&request.body, 1000);
	CHECK(!runtime_cri.steps[IMAGE].compose(&fetch, &request));
	CHECK_NUMBER(take_container(&fetch, ID, "{}"), 0);
	CHECK(runtime_cri.steps[IMAGE].compose(&fetch, &request));
	CHECK_TEXT(request.path, "/runtime.v1.ImageService/ImageStatus");
	buffer_done(&request.body);

	for (size_t i = 0; i < COUNT_OF(tags); i++)
		tags[i] = bytes("quay.io/team/nginx:1.25");
	image.id = bytes("sha256:1234");
	image.repo_tags = tags;
	image.n_repo_tags = COUNT_OF(tags);
	response.image = &image;
	CHECK_NUMBER(take(&fetch, IMAGE, &response), 0);
	check_slice(fetch.ret_facts->id, "1234");
	CHECK_NUMBER(fetch.ret_facts->tag_count, IMAGE_NAMES_MAX);
	fetch_free(&fetch);
}
