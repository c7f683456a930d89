/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads Docker's and Podman's JSON of one container. Every key may be missing or of another type:
 * the JSON helpers then give nothing, and the fact stays unknown.
 */
#include <errno.h>
#include <json-c/linkhash.h>

#include "alert/alert.h"
#include "base/memory.h"
#include "sensor/state/runtimes/inspect.h"

int answer_error(const struct http_answer *answer, struct error *err)
{
	struct text words = text_slice(buffer_text(&answer->body), 0, 200);
	struct kept kept = { 0 };
	int r;

	if (answer->grpc_status > 0)
		r = error_set(err, -EAGAIN, "gRPC status %d: %s", answer->grpc_status,
			answer->grpc_message);
	else
		r = error_set(err, answer->status >= 500 ? -EAGAIN : -EPROTO,
			"an answer of status %u: " TEXT_FORMAT, answer->status,
			TEXT_PRINT(keep_text(&kept, text_trim(words))));
	kept_done(&kept);
	return r;
}

struct text id_without_algorithm(struct text id)
{
	return text_starts_with(id, TEXT("sha256:")) ? text_slice(id, 7, SIZE_MAX) : id;
}

int rest_take(const struct http_answer *answer, struct json_object **ret_object, struct error *err)
{
	if (answer->status == 404)
		return -ENOENT;
	if (answer->status != 200)
		return answer_error(answer, err);
	if (answer->body.is_cut)
		return error_set(err, -EPROTO, "an answer of more than %d bytes", ANSWER_BYTES_MAX);
	if (json_parse(buffer_text(&answer->body), ret_object, NULL, err) < 0)
		return error_prefix(err, "the answer"), -EPROTO;
	return 0;
}

size_t texts_of_array(struct kept *kept, struct json_object *array, struct text *ret_texts)
{
	size_t count = 0;

	if (!json_object_is_type(array, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(array) && count < IMAGE_NAMES_MAX; i++) {
		struct json_object *item = json_object_array_get_idx(array, i);

		if (!json_object_is_type(item, json_type_string))
			continue;
		ret_texts[count++] =
			keep_text(kept, (struct text){ json_object_get_string(item),
						(size_t)json_object_get_string_len(item) });
	}
	return count;
}

static void read_labels(struct metadata *metadata, struct json_object *labels)
{
	_cleanup_(freep) struct label *all = NULL;
	size_t count = 0, capacity = 0;

	if (!json_object_is_type(labels, json_type_object))
		return;
	json_object_object_foreach(labels, key, value)
	{
		if (json_object_is_type(value, json_type_string))
			*ARRAY_ADD(all, count, capacity) = (struct label){ text_of(key),
				{ json_object_get_string(value),
					(size_t)json_object_get_string_len(value) } };
	}
	labels_add_all(&metadata->labels, &metadata->kept, all, count);
}

/* Podman gives options as a list and no mode. */
static struct text mount_mode(struct json_object *mount, struct buffer *joined)
{
	struct json_object *options = json_get(mount, "Options");
	struct text mode = json_get_text(mount, "Mode");

	if (mode.length || !json_object_is_type(options, json_type_array))
		return mode;
	for (size_t i = 0; i < json_object_array_length(options); i++) {
		if (i)
			buffer_add_char(joined, ',');
		buffer_add_string(
			joined, json_object_get_string(json_object_array_get_idx(options, i)));
	}
	return buffer_text(joined);
}

static void read_mounts(struct metadata *metadata, struct json_object *mounts)
{
	if (!json_object_is_type(mounts, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(mounts); i++) {
		struct json_object *from = json_object_array_get_idx(mounts, i);
		_cleanup_(buffer_done) struct buffer joined;
		struct mount mount = {
			.source = json_get_text(from, "Source"),
			.destination = json_get_text(from, "Destination"),
			.propagation = json_get_text(from, "Propagation"),
			.is_writable = json_get_bool(from, "RW", false),
		};

		buffer_init(&joined, METADATA_TEXT_MAX);
		mount.mode = mount_mode(from, &joined);
		metadata_add_mount(metadata, &mount);
	}
}

static enum tristate is_host(struct json_object *host, const char *key)
{
	struct text mode = json_get_text(host, key);

	return mode.data ? text_is(mode, "host") ? YES : NO : NOT_KNOWN;
}

static void read_host_config(struct metadata *metadata, struct json_object *host)
{
	struct json_object *privileged = json_get(host, "Privileged");

	if (json_object_is_type(privileged, json_type_boolean))
		metadata->is_privileged = json_object_get_boolean(privileged) ? YES : NO;
	metadata->host_pid = is_host(host, "PidMode");
	metadata->host_network = is_host(host, "NetworkMode");
	metadata->host_ipc = is_host(host, "IpcMode");
}

static void read_ip(struct metadata *metadata, struct json_object *settings)
{
	struct json_object *networks = json_get(settings, "Networks");
	struct text ip = json_get_text(settings, "IPAddress");

	if (!ip.length && json_object_is_type(networks, json_type_object)) {
		json_object_object_foreach(networks, name, network)
		{
			(void)name;
			if (!ip.length)
				ip = json_get_text(network, "IPAddress");
		}
	}
	if (ip.length)
		metadata->ip = keep_text(&metadata->kept, ip);
}

static struct text word_at(struct json_object *words, size_t index)
{
	struct json_object *word = json_object_array_get_idx(words, index);

	if (!json_object_is_type(word, json_type_string))
		return (struct text){ 0 };
	return (struct text){ json_object_get_string(word),
		(size_t)json_object_get_string_len(word) };
}

static void add_words(struct buffer *line, struct json_object *words, size_t from)
{
	if (!json_object_is_type(words, json_type_array))
		return;
	for (size_t i = from; i < json_object_array_length(words); i++) {
		if (line->length)
			buffer_add_char(line, ' ');
		buffer_add_text(line, word_at(words, i));
	}
}

/*
 * ["NONE"], ["CMD", program, argument …] or ["CMD-SHELL", line], as an image's author wrote it; the
 * shell is the image's own where it names one.
 */
static void read_healthcheck(
	struct metadata *metadata, struct json_object *check, struct json_object *shell)
{
	struct json_object *test = json_get(check, "Test");
	struct text how = { 0 };
	struct buffer line;

	if (json_object_is_type(test, json_type_array) && json_object_array_length(test))
		how = word_at(test, 0);
	if (text_is(how, "NONE"))
		metadata->healthcheck = keep_text(&metadata->kept, how);
	if (!text_is(how, "CMD") && !text_is(how, "CMD-SHELL"))
		return;
	buffer_init(&line, METADATA_TEXT_MAX);
	if (text_is(how, "CMD-SHELL"))
		add_words(&line, shell, 0);
	if (text_is(how, "CMD-SHELL") && !line.length)
		buffer_add_string(&line, "/bin/sh -c");
	add_words(&line, test, 1);
	metadata->healthcheck = keep_text(&metadata->kept, buffer_text(&line));
	buffer_done(&line);
}

/* Docker lets its user name an image by the beginning of its id. */
static bool is_short_id(struct text name, struct text id)
{
	return name.length >= 4 && text_is_hex(name) && text_starts_with(id, name);
}

static void read_image(struct fetch *fetch, struct json_object *inspect)
{
	struct json_object *config = json_get(inspect, "Config");
	struct metadata *metadata = fetch->metadata;
	struct text id = id_without_algorithm(json_get_text(inspect, "Image"));
	struct text name = json_get_text(inspect, "ImageName"); /* Podman's */
	struct text digest = json_get_text(inspect, "ImageDigest");

	if (!name.length)
		name = json_get_text(config, "Image");
	metadata->image_id = keep_text(&metadata->kept, id);
	metadata->image = keep_text(&metadata->kept, name);
	fetch->image = metadata->image_id;
	fetch->image_name = is_short_id(name, id) ? (struct text){ 0 } : metadata->image;
	metadata_set_image(metadata, fetch->image_name, NULL, 0, NULL, 0);
	if (digest.length)
		metadata->digest = keep_text(&metadata->kept, digest);
}

static int64_t time_of(struct json_object *object, const char *key)
{
	int64_t time_ns;

	/* What has not happened yet is in the year 1. */
	if (time_parse(json_get_text(object, key), &time_ns) < 0 || time_ns < 0)
		return 0;
	return time_ns;
}

int inspect_read(struct fetch *fetch, struct json_object *inspect, struct error *err)
{
	struct json_object *config = json_get(inspect, "Config");
	struct metadata *metadata = fetch->metadata;
	struct text name = json_get_text(inspect, "Name");
	struct json_object *check = json_get(config, "Healthcheck");

	if (!text_equal(json_get_text(inspect, "Id"), fetch->id))
		return error_set(err, -EPROTO, "the answer is about another container");
	if (text_starts_with(name, TEXT("/")))
		name = text_slice(name, 1, SIZE_MAX);
	metadata->name = keep_text(&metadata->kept, name);
	metadata->created_ns = time_of(inspect, "Created");
	metadata->started_ns = time_of(json_get(inspect, "State"), "StartedAt");
	read_image(fetch, inspect);
	read_labels(metadata, json_get(config, "Labels"));
	read_mounts(metadata, json_get(inspect, "Mounts"));
	read_host_config(metadata, json_get(inspect, "HostConfig"));
	read_ip(metadata, json_get(inspect, "NetworkSettings"));
	read_healthcheck(metadata, check ? check : json_get(config, "HealthCheck"),
		json_get(config, "Shell"));
	return 0;
}
