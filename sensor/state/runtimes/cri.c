/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes' container runtime interface (CRI): containerd, CRI-O, cri-dockerd and their kin.
 * gRPC's unary calls are HTTP/2 posts of one framed message, so libcurl carries them; the
 * messages are protobuf-c's. runtime.v1 and runtime.v1alpha2 have the same field numbers.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "sensor/state/runtimes/cri.pb-c.h"
#include "sensor/state/runtimes/runtime.h"

#define FRAME_HEAD 5 /* a byte "compressed", and the length as 32 bits, big end first */
/* An answer of 4 MiB can be made of millions of empty messages. */
#define UNPACKED_MAX	   (32 * 1024 * 1024)
#define GRPC_NOT_FOUND	   5
#define GRPC_UNIMPLEMENTED 12
#define NAMESPACE_OF_NODE  2
#define MANIFEST	   "kubectl.kubernetes.io/last-applied-configuration"
#define MANIFEST_MAX	   (64 * 1024)

/* ---- messages ---- */

struct allowance {
	size_t left;
};

static void *take_memory(void *context, size_t size)
{
	struct allowance *allowance = context;

	if (size > allowance->left)
		return NULL;
	allowance->left -= size;
	return malloc(size);
}

static void give_memory(void *context, void *memory)
{
	(void)context;
	free(memory);
}

/* The message in an answer, to be freed by free_message(); NULL when it is none. */
static ProtobufCMessage *unpack(
	const ProtobufCMessageDescriptor *descriptor, const struct http_answer *answer)
{
	struct allowance allowance = { UNPACKED_MAX };
	ProtobufCAllocator allocator = { take_memory, give_memory, &allowance };
	const uint8_t *frame = (const uint8_t *)answer->body.data;
	size_t length;

	if (answer->body.is_cut || answer->body.length < FRAME_HEAD || frame[0])
		return NULL;
	length = (size_t)frame[1] << 24 | (size_t)frame[2] << 16 | (size_t)frame[3] << 8 | frame[4];
	if (length != answer->body.length - FRAME_HEAD)
		return NULL;
	return protobuf_c_message_unpack(descriptor, &allocator, length, frame + FRAME_HEAD);
}

static void free_message(void *message)
{
	struct allowance none = { 0 };
	ProtobufCAllocator allocator = { take_memory, give_memory, &none };

	if (*(void **)message)
		protobuf_c_message_free_unpacked(*(ProtobufCMessage **)message, &allocator);
}

static void pack(struct buffer *out, const ProtobufCMessage *message)
{
	size_t length = protobuf_c_message_get_packed_size(message);
	uint8_t head[FRAME_HEAD] = { 0, (uint8_t)(length >> 24), (uint8_t)(length >> 16),
		(uint8_t)(length >> 8), (uint8_t)length };
	_cleanup_(freep) uint8_t *packed = memory_new(1, length + 1);

	protobuf_c_message_pack(message, packed);
	buffer_add(out, head, sizeof(head));
	buffer_add(out, packed, length);
}

static struct text text_from(ProtobufCBinaryData data)
{
	return (struct text){ (const char *)data.data, data.len };
}

static ProtobufCBinaryData data_from(struct text text)
{
	return (ProtobufCBinaryData){ text.length, (uint8_t *)text.data };
}

/* Absent and empty are the same on the wire. */
static struct text some_text(ProtobufCBinaryData data)
{
	return data.len ? text_from(data) : (struct text){ 0 };
}

static void compose(struct request *request, const char *prefix, const char *service,
	const ProtobufCMessage *message)
{
	snprintf(request->path, sizeof(request->path), "/%s.%s", prefix, service);
	pack(&request->body, message);
}

/* 0, -ENOENT or answer_error()'s by the status; else the answer can be unpacked. */
static int check(const struct http_answer *answer, struct error *err)
{
	if (answer->grpc_status == GRPC_NOT_FOUND)
		return -ENOENT;
	if (answer->status != 200 || answer->grpc_status != 0)
		return answer_error(answer, err);
	return 0;
}

static int bad_message(struct error *err, const char *what)
{
	return error_set(err, -EPROTO, "%s is no such message", what);
}

/* ---- version ---- */

static void compose_version(const char *prefix, struct request *request)
{
	Cri__VersionRequest message = CRI__VERSION_REQUEST__INIT;

	compose(request, prefix, "RuntimeService/Version", &message.base);
}

static int take_version(
	const struct http_answer *answer, struct buffer *ret_about, struct error *err)
{
	_cleanup_(free_message) Cri__VersionResponse *version = NULL;
	struct kept kept = { 0 };
	int r;

	if (answer->grpc_status == GRPC_UNIMPLEMENTED)
		return -ENOENT;
	r = check(answer, err);
	if (r < 0)
		return r == -ENOENT ? answer_error(answer, err) : r;
	version = (void *)unpack(&cri__version_response__descriptor, answer);
	if (!version)
		return bad_message(err, "the answer about the version");
	buffer_add_text(ret_about, keep_text_up_to(&kept, text_from(version->runtime_name), 64));
	buffer_add_char(ret_about, ' ');
	buffer_add_text(ret_about, keep_text_up_to(&kept, text_from(version->runtime_version), 64));
	kept_done(&kept);
	return 0;
}

/* ---- a container ---- */

static bool compose_container(const struct fetch *fetch, struct request *request)
{
	Cri__ContainerStatusRequest message = CRI__CONTAINER_STATUS_REQUEST__INIT;

	if (fetch->is_no_container)
		return false;
	message.container_id = data_from(fetch->id);
	message.verbose = true;
	compose(request, fetch->prefix, "RuntimeService/ContainerStatus", &message.base);
	return true;
}

static struct text pair_find(Cri__Pair *const *pairs, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(text_from(pairs[i]->key), key))
			return text_from(pairs[i]->value);
	return (struct text){ 0 };
}

static void add_labels(
	struct labels *labels, struct kept *kept, Cri__Pair *const *pairs, size_t count)
{
	_cleanup_(freep) struct label *all = NEW_ARRAY(struct label, count + 1);

	for (size_t i = 0; i < count; i++)
		all[i] = (struct label){ text_from(pairs[i]->key), text_from(pairs[i]->value) };
	labels_add_all(labels, kept, all, count);
}

static void add_mount(struct metadata *metadata, const Cri__Mount *mount)
{
	static const char *const propagations[] = { "private", "rslave", "rshared" };
	uint32_t propagation = (uint32_t)mount->propagation;
	struct mount added = {
		.source = text_from(mount->host_path),
		.destination = text_from(mount->container_path),
		.mode = TEXT(""),
		.propagation =
			text_of(propagation < COUNT_OF(propagations) ? propagations[propagation]
								     : "unknown"),
		.is_writable = !mount->readonly,
	};

	metadata_add_mount(metadata, &added);
}

static struct json_object *json_path(struct json_object *object, const char *const *keys)
{
	for (; object && *keys; keys++)
		object = json_get(object, *keys);
	return object;
}

static bool is_name(struct text image)
{
	return image_name_split(image).repository.data != NULL;
}

/*
 * What CRI-O was asked for, and some name that it knows for the image. A kubelet asks by digest:
 * then that name has the tag, if it is of the same repository.
 */
static struct text name_by_cri_o(struct text asked, struct text some_name)
{
	struct image_name name = image_name_split(asked), other = image_name_split(some_name);

	if (!is_name(asked))
		return some_name;
	return !name.tag.data && text_equal(name.repository, other.repository) ? some_name : asked;
}

/*
 * The image as the container's owner named it. What the status says may be any name of the same
 * image: containerd gives the first one that it knows.
 */
static struct text name_in_info(struct json_object *root)
{
	static const char *const config[] = { "config", "image", NULL };
	static const char *const annotations[] = { "runtimeSpec", "annotations", NULL };
	struct json_object *image = json_path(root, config), *spec = json_path(root, annotations);
	const struct text names[] = {
		json_get_text(image, "user_specified_image"),
		json_get_text(image, "image"),
		json_get_text(spec, "io.kubernetes.cri.image-name"),
		name_by_cri_o(json_get_text(spec, "io.kubernetes.cri-o.Image"),
			json_get_text(spec, "io.kubernetes.cri-o.ImageName")),
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (is_name(names[i]))
			return names[i];
	return (struct text){ 0 };
}

/*
 * The verbose answer carries JSON that each runtime makes its own way. CRI-O says "privileged" at
 * the top; containerd repeats the container's configuration.
 */
static void read_container_info(struct fetch *fetch, struct text info)
{
	static const char *const security[] = { "config", "linux", "security_context", NULL };
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct metadata *metadata = fetch->metadata;
	struct json_object *context, *privileged;

	if (json_parse(info, &root, NULL, NULL) < 0)
		return;
	fetch->sandbox_id =
		keep_text_up_to(&metadata->kept, json_get_text(root, "sandboxID"), SANDBOX_ID_MAX);
	fetch->image_name = keep_text(&metadata->kept, name_in_info(root));
	privileged = json_get(root, "privileged");
	context = json_path(root, security);
	if (!privileged && !context)
		return;
	metadata->is_privileged = json_get_bool(root, "privileged", false) ||
						  json_get_bool(context, "privileged", false)
					  ? YES
					  : NO;
}

static struct text without_sha256(struct text id)
{
	return text_starts_with(id, TEXT("sha256:")) ? text_slice(id, 7, SIZE_MAX) : id;
}

/* The name that its user wrote, and by what the runtime finds the image. */
static void read_image(struct fetch *fetch, const Cri__ContainerStatus *status)
{
	struct metadata *metadata = fetch->metadata;
	struct text name = { 0 }, reference = some_text(status->image_ref), id;

	if (fetch->image_name.data)
		name = fetch->image_name;
	else if (status->image)
		name = some_text(status->image->user_specified_image.len
					 ? status->image->user_specified_image
					 : status->image->image);
	id = some_text(status->image_id);
	if (!id.data && text_starts_with(reference, TEXT("sha256:")))
		id = reference;
	/* Old runtimes put the id in place of the name. */
	if (!id.data && text_starts_with(name, TEXT("sha256:")))
		id = name;
	metadata->image = keep_text(&metadata->kept, name);
	fetch->image_name = metadata->image;
	metadata->image_id = keep_text(&metadata->kept, without_sha256(id));
	fetch->image = keep_text(&metadata->kept, id.data ? id : reference.data ? reference : name);
	if (text_contains(reference, TEXT("@")))
		metadata_set_image(metadata, name, NULL, 0, &reference, 1);
	else
		metadata_set_image(metadata, name, NULL, 0, NULL, 0);
}

static void read_container(struct fetch *fetch, const Cri__ContainerStatusResponse *response)
{
	const Cri__ContainerStatus *status = response->status;
	struct metadata *metadata = fetch->metadata;

	if (status->metadata)
		metadata->name = keep_text(&metadata->kept, some_text(status->metadata->name));
	metadata->created_ns = status->created_at;
	metadata->started_ns = status->started_at;
	add_labels(&metadata->labels, &metadata->kept, status->labels, status->n_labels);
	for (size_t i = 0; i < status->n_mounts; i++)
		add_mount(metadata, status->mounts[i]);
	read_container_info(fetch, pair_find(response->info, response->n_info, "info"));
	read_image(fetch, status);
}

static int take_container(struct fetch *fetch, const struct http_answer *answer, struct error *err)
{
	_cleanup_(free_message) Cri__ContainerStatusResponse *response = NULL;
	int r = check(answer, err);

	if (r == -ENOENT) {
		fetch->is_no_container = true;
		fetch->sandbox_id = keep_text(&fetch->metadata->kept, fetch->id);
		return 0;
	}
	if (r < 0)
		return r;
	response = (void *)unpack(&cri__container_status_response__descriptor, answer);
	if (!response || !response->status)
		return bad_message(err, "the answer about a container");
	if (!text_equal(text_from(response->status->id), fetch->id))
		return error_set(err, -EPROTO, "the answer is about another container");
	read_container(fetch, response);
	return 0;
}

/* ---- which pod it is in, of runtimes that do not say so in the status ---- */

static bool compose_list(const struct fetch *fetch, struct request *request)
{
	Cri__ListContainersRequest message = CRI__LIST_CONTAINERS_REQUEST__INIT;
	Cri__ContainerFilter filter = CRI__CONTAINER_FILTER__INIT;

	if (fetch->sandbox_id.data)
		return false;
	filter.id = data_from(fetch->id);
	message.filter = &filter;
	compose(request, fetch->prefix, "RuntimeService/ListContainers", &message.base);
	return true;
}

static int take_list(struct fetch *fetch, const struct http_answer *answer, struct error *err)
{
	_cleanup_(free_message) Cri__ListContainersResponse *list = NULL;

	/* Nothing but the pod is lost when this goes wrong. */
	if (check(answer, err) < 0)
		return 0;
	list = (void *)unpack(&cri__list_containers_response__descriptor, answer);
	for (size_t i = 0; list && i < list->n_containers; i++)
		if (text_equal(text_from(list->containers[i]->id), fetch->id))
			fetch->sandbox_id = keep_text_up_to(&fetch->metadata->kept,
				some_text(list->containers[i]->pod_sandbox_id), SANDBOX_ID_MAX);
	return 0;
}

/* ---- its pod ---- */

static bool compose_pod(const struct fetch *fetch, struct request *request)
{
	Cri__PodSandboxStatusRequest message = CRI__POD_SANDBOX_STATUS_REQUEST__INIT;

	if (!fetch->sandbox_id.data || (fetch->pod && !fetch->is_no_container))
		return false;
	message.pod_sandbox_id = data_from(fetch->sandbox_id);
	message.verbose = true;
	compose(request, fetch->prefix, "RuntimeService/PodSandboxStatus", &message.base);
	return true;
}

static bool is_ipv4(struct text ip)
{
	return ip.length && !text_contains(ip, TEXT(":"));
}

static struct text first_ip(const Cri__PodNetwork *network)
{
	if (!network || is_ipv4(text_from(network->ip)))
		return network ? text_from(network->ip) : (struct text){ 0 };
	for (size_t i = 0; i < network->n_additional_ips; i++)
		if (is_ipv4(text_from(network->additional_ips[i]->ip)))
			return text_from(network->additional_ips[i]->ip);
	return some_text(network->ip);
}

static void read_namespaces(struct pod *pod, const Cri__LinuxPod *of_linux)
{
	const Cri__NamespaceOption *options;

	if (!of_linux || !of_linux->namespaces || !of_linux->namespaces->options)
		return;
	options = of_linux->namespaces->options;
	pod->host_network = options->network == NAMESPACE_OF_NODE ? YES : NO;
	pod->host_pid = options->pid == NAMESPACE_OF_NODE ? YES : NO;
	pod->host_ipc = options->ipc == NAMESPACE_OF_NODE ? YES : NO;
}

/* A sandbox runs the image of `pause`, which only the verbose JSON names. */
static void read_pod_info(struct fetch *fetch, struct pod *pod, struct text info)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct metadata *metadata = fetch->metadata;
	struct json_object *cni;
	struct text image;

	if (json_parse(info, &root, NULL, NULL) < 0)
		return;
	cni = json_get(root, "cniResult");
	if (cni)
		pod->cni_json = keep_text_up_to(&pod->kept,
			text_of(json_object_to_json_string_ext(
				cni, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)),
			16 * 1024);
	if (!fetch->is_no_container)
		return;
	image = json_get_text(root, "image");
	metadata->image = keep_text(&metadata->kept, image);
	metadata_set_image(metadata, image, NULL, 0, NULL, 0);
	fetch->image_name = fetch->image = metadata->image;
}

static struct pod *read_pod(struct fetch *fetch, const Cri__PodSandboxStatusResponse *response)
{
	const Cri__PodSandboxStatus *status = response->status;
	struct pod *pod = pod_new();

	pod->sandbox_id = keep_text(&pod->kept, text_from(status->id));
	if (status->metadata) {
		pod->name = keep_text(&pod->kept, some_text(status->metadata->name));
		pod->uid = keep_text(&pod->kept, some_text(status->metadata->uid));
		pod->namespace_name =
			keep_text(&pod->kept, some_text(status->metadata->namespace_));
	}
	add_labels(&pod->labels, &pod->kept, status->labels, status->n_labels);
	/* One that is longer is cut and then no JSON any more: no probes are known. */
	pod->manifest = keep_text_up_to(&pod->kept,
		pair_find(status->annotations, status->n_annotations, MANIFEST), MANIFEST_MAX);
	pod->ip = keep_text(&pod->kept, first_ip(status->network));
	read_namespaces(pod, status->linux_pod);
	read_pod_info(fetch, pod, pair_find(response->info, response->n_info, "info"));
	pod_finish(pod);
	return pod;
}

static int take_pod(struct fetch *fetch, const struct http_answer *answer, struct error *err)
{
	_cleanup_(free_message) Cri__PodSandboxStatusResponse *response = NULL;
	struct metadata *metadata = fetch->metadata;
	int r = check(answer, err);

	/* A container without its pod is better than none. */
	if (r < 0)
		return fetch->is_no_container ? r : 0;
	response = (void *)unpack(&cri__pod_sandbox_status_response__descriptor, answer);
	if (!response || !response->status)
		return bad_message(err, "the answer about a pod");
	if (!text_equal(text_from(response->status->id), fetch->sandbox_id))
		return error_set(err, -EPROTO, "the answer is about another pod");
	fetch->ret_pod = read_pod(fetch, response);
	if (!fetch->is_no_container)
		return 0;
	metadata->is_sandbox = true;
	metadata->is_privileged = NO;
	metadata->created_ns = response->status->created_at;
	metadata->name = keep_text(&metadata->kept, fetch->ret_pod->name);
	add_labels(&metadata->labels, &metadata->kept, response->status->labels,
		response->status->n_labels);
	return 0;
}

/* ---- its image ---- */

static bool compose_image(const struct fetch *fetch, struct request *request)
{
	Cri__ImageStatusRequest message = CRI__IMAGE_STATUS_REQUEST__INIT;
	Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;

	if (fetch->facts || !fetch->image.data ||
		(fetch->metadata->repository.data && fetch->metadata->digest.data &&
			fetch->metadata->image_id.data))
		return false;
	spec.image = data_from(fetch->image);
	message.image = &spec;
	compose(request, fetch->prefix, "ImageService/ImageStatus", &message.base);
	return true;
}

static size_t keep_names(
	struct kept *kept, struct text *ret_names, const ProtobufCBinaryData *names, size_t count)
{
	count = MIN_OF(count, IMAGE_NAMES_MAX);
	for (size_t i = 0; i < count; i++)
		ret_names[i] = keep_text(kept, text_from(names[i]));
	return count;
}

static struct image_facts *facts_of(const Cri__Image *image)
{
	struct image_facts *facts = NEW(struct image_facts);

	facts->id = keep_text(&facts->kept, without_sha256(some_text(image->id)));
	facts->tag_count =
		keep_names(&facts->kept, facts->tags, image->repo_tags, image->n_repo_tags);
	facts->digest_count = keep_names(
		&facts->kept, facts->digests, image->repo_digests, image->n_repo_digests);
	return facts;
}

static int take_image(struct fetch *fetch, const struct http_answer *answer, struct error *err)
{
	_cleanup_(free_message) Cri__ImageStatusResponse *response = NULL;

	if (check(answer, err) < 0)
		return 0;
	response = (void *)unpack(&cri__image_status_response__descriptor, answer);
	if (response && response->image)
		fetch->ret_facts = facts_of(response->image);
	return 0;
}

static void compose_images(const char *prefix, struct request *request)
{
	Cri__ListImagesRequest message = CRI__LIST_IMAGES_REQUEST__INIT;

	compose(request, prefix, "ImageService/ListImages", &message.base);
}

static void tell_image(const Cri__Image *image, const ProtobufCBinaryData *names, size_t count,
	image_witness *tell, void *context)
{
	for (size_t i = 0; i < MIN_OF(count, IMAGE_NAMES_MAX); i++)
		tell(context, text_from(names[i]), facts_of(image));
}

/* A container's status names its image by the id or a digest; a pod's by what its owner wrote. */
static void take_images(const struct http_answer *answer, image_witness *tell, void *context)
{
	_cleanup_(free_message) Cri__ListImagesResponse *response = NULL;
	struct error err = { 0 };

	if (check(answer, &err) < 0)
		return;
	response = (void *)unpack(&cri__list_images_response__descriptor, answer);
	for (size_t i = 0; response && i < response->n_images; i++) {
		const Cri__Image *image = response->images[i];

		tell_image(image, &image->id, 1, tell, context);
		tell_image(image, image->repo_digests, image->n_repo_digests, tell, context);
		tell_image(image, image->repo_tags, image->n_repo_tags, tell, context);
	}
}

/* ImageStatus stands in a service of its own, but under the same prefix. */
static const char *const prefixes[] = { "runtime.v1", "runtime.v1alpha2", NULL };

static const struct step steps[] = {
	{ compose_container, take_container },
	{ compose_list, take_list },
	{ compose_pod, take_pod },
	{ compose_image, take_image },
};

const struct runtime_kind runtime_cri = {
	.name = "CRI",
	.uses_grpc = true,
	.has_pods = true,
	.prefixes = prefixes,
	.compose_version = compose_version,
	.take_version = take_version,
	.steps = steps,
	.step_count = COUNT_OF(steps),
	.list_images_every_ms = 250, /* from the runtime's memory */
	.compose_images = compose_images,
	.take_images = take_images,
};
