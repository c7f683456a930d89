/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata: copies of what a runtime said, bounded and cleaned on the way in, so that nobody
 * behind this file has to think of hostile labels again.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "sensor/state/runtimes/metadata.h"

#define LABEL_KEY_MAX 512
#define SHORT_VALUE   128

struct metadata *metadata_new(const char *runtime)
{
	struct metadata *metadata = NEW(struct metadata);

	atomic_init(&metadata->references, 1);
	metadata->runtime = runtime;
	return metadata;
}

struct pod *pod_new(void)
{
	struct pod *pod = NEW(struct pod);

	atomic_init(&pod->references, 1);
	return pod;
}

const struct metadata *metadata_hold(const struct metadata *metadata)
{
	/* The count is the one thing that changes in a finished object. */
	if (metadata)
		atomic_fetch_add(&((struct metadata *)metadata)->references, 1);
	return metadata;
}

const struct pod *pod_hold(const struct pod *pod)
{
	if (pod)
		atomic_fetch_add(&((struct pod *)pod)->references, 1);
	return pod;
}

void kept_done(struct kept *kept)
{
	for (size_t i = 0; i < kept->count; i++)
		free(kept->blocks[i]);
	free(kept->blocks);
}

void pod_release(const struct pod *borrowed)
{
	struct pod *pod = (struct pod *)borrowed;

	if (!pod || atomic_fetch_sub(&pod->references, 1) > 1)
		return;
	kept_done(&pod->kept);
	free(pod->labels.items);
	free(pod);
}

void metadata_release(const struct metadata *borrowed)
{
	struct metadata *metadata = (struct metadata *)borrowed;

	if (!metadata || atomic_fetch_sub(&metadata->references, 1) > 1)
		return;
	pod_release(metadata->pod);
	kept_done(&metadata->kept);
	free(metadata->labels.items);
	free(metadata->mounts);
	free(metadata);
}

/* ---- texts ---- */

/* Length of a control character at the start: C0, DEL, C1, and the line ends of Unicode. */
static size_t control_length(const unsigned char *at, size_t length)
{
	if (at[0] < 0x20 || at[0] == 0x7f)
		return 1;
	if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
		return 2;
	if (length == 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9))
		return 3;
	return 0;
}

/* The next character as it is kept; line ends and tabs are blanks, other controls are U+FFFD. */
static struct text next_clean(struct text *text)
{
	size_t length = utf8_sequence_length(*text);
	const unsigned char *at = (const unsigned char *)text->data;
	struct text clean = { text->data, length };

	if (at[0] == '\n' || at[0] == '\r' || at[0] == '\t')
		clean = TEXT(" ");
	else if (!length || control_length(at, length))
		clean = TEXT("\xef\xbf\xbd");
	*text = text_slice(*text, length ? length : 1, SIZE_MAX);
	return clean;
}

static void add_clean(struct buffer *out, struct text text)
{
	while (text.length)
		buffer_add_text(out, next_clean(&text));
}

bool kept_equals(struct text kept, struct text raw)
{
	while (raw.length) {
		struct text clean = next_clean(&raw);

		if (!text_starts_with(kept, clean))
			return false;
		kept = text_slice(kept, clean.length, SIZE_MAX);
	}
	return !kept.length;
}

/* What fits without splitting a character. */
static struct text cut_text(struct text text, size_t limit)
{
	if (text.length <= limit)
		return text;
	while (limit && ((unsigned char)text.data[limit] & 0xc0) == 0x80)
		limit--;
	return text_slice(text, 0, limit);
}

struct text keep_text_up_to(struct kept *kept, struct text text, size_t limit)
{
	struct text cut = cut_text(text, limit);
	struct buffer clean;
	struct text result;

	if (!text.data)
		return text;
	kept->cut += cut.length < text.length;
	buffer_init(&clean, 3 * limit + 1); /* U+FFFD has three bytes */
	add_clean(&clean, cut);
	if (kept->bytes + clean.length + 1 > METADATA_BYTES_MAX) {
		buffer_done(&clean);
		kept->cut++;
		return (struct text){ 0 };
	}
	result.length = clean.length;
	result.data = memory_copy(clean.length ? clean.data : "", clean.length);
	buffer_done(&clean);
	kept->bytes += result.length + 1;
	*ARRAY_ADD(kept->blocks, kept->count, kept->capacity) = (void *)result.data;
	return result;
}

struct text keep_text(struct kept *kept, struct text text)
{
	return keep_text_up_to(kept, text, METADATA_TEXT_MAX);
}

/* ---- labels and mounts ---- */

/* Where `key` is, or where it would have to stand. */
static size_t label_position(const struct labels *labels, struct text key)
{
	size_t low = 0, high = labels->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (text_compare(labels->items[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void labels_add(struct labels *labels, struct kept *kept, struct text key, struct text value)
{
	struct label label;
	size_t at;

	if (!key.length || labels->count == METADATA_LABELS_MAX ||
		labels->bytes + key.length + MIN_OF(value.length, METADATA_TEXT_MAX) >
			METADATA_LABELS_BYTES_MAX) {
		kept->cut++;
		return;
	}
	label.key = keep_text_up_to(kept, key, LABEL_KEY_MAX);
	label.value = keep_text(kept, value.data ? value : TEXT(""));
	at = label_position(labels, label.key);
	if (!label.key.data || !label.value.data ||
		(at < labels->count && text_equal(labels->items[at].key, label.key)))
		return;
	(void)ARRAY_ADD(labels->items, labels->count, labels->capacity);
	memmove(labels->items + at + 1, labels->items + at,
		(labels->count - 1 - at) * sizeof(label));
	labels->items[at] = label;
	labels->bytes += label.key.length + label.value.length;
}

void labels_add_all(
	struct labels *labels, struct kept *kept, const struct label *from, size_t count)
{
	for (int wants_long = 0; wants_long <= 1; wants_long++)
		for (size_t i = 0; i < count; i++)
			if ((from[i].value.length > SHORT_VALUE) == wants_long)
				labels_add(labels, kept, from[i].key, from[i].value);
}

struct text labels_find(const struct labels *labels, struct text key)
{
	size_t at = label_position(labels, key);

	if (at == labels->count || !text_equal(labels->items[at].key, key))
		return (struct text){ 0 };
	return labels->items[at].value;
}

struct text labels_get(const struct labels *labels, const char *key)
{
	return labels_find(labels, text_of(key));
}

/* "source:destination:mode:true|false:propagation", as Falco prints a mount. */
static struct text mount_text(struct kept *kept, const struct mount *mount)
{
	struct buffer text;
	struct text result;

	buffer_init(&text, METADATA_JOINED_MAX);
	buffer_printf(&text, TEXT_FORMAT ":" TEXT_FORMAT ":" TEXT_FORMAT ":%s:" TEXT_FORMAT,
		TEXT_PRINT(mount->source), TEXT_PRINT(mount->destination), TEXT_PRINT(mount->mode),
		mount->is_writable ? "true" : "false", TEXT_PRINT(mount->propagation));
	result = keep_text_up_to(kept, buffer_text(&text), METADATA_JOINED_MAX);
	buffer_done(&text);
	return result;
}

void metadata_add_mount(struct metadata *metadata, const struct mount *mount)
{
	struct kept *kept = &metadata->kept;
	struct mount *added;

	if (metadata->mount_count == METADATA_MOUNTS_MAX ||
		metadata->mount_bytes > METADATA_MOUNTS_BYTES_MAX) {
		kept->cut++;
		return;
	}
	added = ARRAY_ADD(metadata->mounts, metadata->mount_count, metadata->mount_capacity);
	*added = (struct mount){
		.source = keep_text(kept, mount->source),
		.destination = keep_text(kept, mount->destination),
		.mode = keep_text(kept, mount->mode),
		.propagation = keep_text(kept, mount->propagation),
		.is_writable = mount->is_writable,
	};
	added->text = mount_text(kept, added);
	metadata->mount_bytes += 2 * added->text.length;
}

/* ---- images ---- */

/* Of a SHA-256; no repository may be called so. */
#define IMAGE_ID_LENGTH 64

struct image_name image_name_split(struct text reference)
{
	struct image_name name = { .repository = reference };
	ptrdiff_t at = text_find(reference, TEXT("@"));

	if (text_starts_with(reference, TEXT("sha256:")))
		return (struct image_name){ .digest = reference };
	if (reference.length == IMAGE_ID_LENGTH && text_is_hex(reference))
		return (struct image_name){ 0 };
	if (at >= 0) {
		name.digest = text_slice(reference, (size_t)at + 1, SIZE_MAX);
		name.repository.length = (size_t)at;
	}
	/* A colon before the last slash belongs to the registry's port. */
	for (size_t i = name.repository.length; i-- > 0 && reference.data[i] != '/';) {
		if (reference.data[i] != ':')
			continue;
		name.tag = text_slice(name.repository, i + 1, SIZE_MAX);
		name.repository.length = i;
		break;
	}
	return name.repository.length ? name : (struct image_name){ .digest = name.digest };
}

/* The short name that a user may have written for a repository of Docker's hub. */
static struct text short_repository(struct text repository)
{
	static const char *const prefixes[] = { "docker.io/library/", "docker.io/", "localhost/" };

	for (size_t i = 0; i < COUNT_OF(prefixes); i++)
		if (text_starts_with(repository, text_of(prefixes[i])))
			return text_slice(repository, strlen(prefixes[i]), SIZE_MAX);
	return repository;
}

/* The digest under which the repository knows the image, else the first one. */
static struct text find_digest(struct text repository, const struct text *digests, size_t count)
{
	struct text wanted = short_repository(repository);

	for (size_t i = 0; i < count; i++) {
		struct image_name name = image_name_split(digests[i]);

		if (text_equal(short_repository(name.repository), wanted))
			return name.digest;
	}
	return count ? image_name_split(digests[0]).digest : (struct text){ 0 };
}

void metadata_set_image(struct metadata *metadata, struct text name, const struct text *tags,
	size_t tag_count, const struct text *digests, size_t digest_count)
{
	struct image_name parts = image_name_split(name);

	if (!parts.repository.data && tag_count)
		parts = image_name_split(tags[0]);
	if (!parts.repository.data && digest_count)
		parts = image_name_split(digests[0]);
	if (parts.repository.data && !parts.tag.data && !parts.digest.data)
		parts.tag = TEXT("latest");
	if (digest_count)
		parts.digest = find_digest(parts.repository, digests, digest_count);
	metadata->repository = keep_text(&metadata->kept, parts.repository);
	metadata->tag = keep_text(&metadata->kept, parts.tag);
	metadata->digest = keep_text(&metadata->kept, parts.digest);
}

/* ---- what is made of other facts ---- */

static struct text labels_text(struct kept *kept, const struct labels *labels)
{
	struct buffer all;
	struct text result;

	buffer_init(&all, METADATA_JOINED_MAX);
	buffer_add_string(&all, "");
	for (size_t i = 0; i < labels->count; i++) {
		const struct label *label = &labels->items[i];

		if (all.length + label->key.length + label->value.length + 3 > all.limit)
			break;
		buffer_printf(&all, "%s" TEXT_FORMAT ":" TEXT_FORMAT, i ? ", " : "",
			TEXT_PRINT(label->key), TEXT_PRINT(label->value));
	}
	result = keep_text_up_to(kept, buffer_text(&all), METADATA_JOINED_MAX);
	buffer_done(&all);
	return result;
}

static struct text mounts_text(struct metadata *metadata)
{
	struct buffer all;
	struct text result;

	buffer_init(&all, METADATA_JOINED_MAX);
	buffer_add_string(&all, "");
	for (size_t i = 0; i < metadata->mount_count; i++) {
		if (all.length + metadata->mounts[i].text.length + 1 > all.limit)
			break;
		if (i)
			buffer_add_char(&all, ',');
		buffer_add_text(&all, metadata->mounts[i].text);
	}
	result = keep_text_up_to(&metadata->kept, buffer_text(&all), METADATA_JOINED_MAX);
	buffer_done(&all);
	return result;
}

void pod_finish(struct pod *pod)
{
	pod->labels_text = labels_text(&pod->kept, &pod->labels);
}

/* Without the runtime's own word: the labels that Kubernetes' engines put on a container. */
static void pod_of_labels(struct metadata *metadata)
{
	const struct labels *labels = &metadata->labels;
	struct pod *pod;

	if (!labels_get(labels, "io.kubernetes.pod.name").data)
		return;
	pod = pod_new();
	pod->name = keep_text(&pod->kept, labels_get(labels, "io.kubernetes.pod.name"));
	pod->uid = keep_text(&pod->kept, labels_get(labels, "io.kubernetes.pod.uid"));
	pod->namespace_name =
		keep_text(&pod->kept, labels_get(labels, "io.kubernetes.pod.namespace"));
	pod->sandbox_id = keep_text(&pod->kept, labels_get(labels, "io.kubernetes.sandbox.id"));
	metadata->pod = pod;
}

/* The words of NAME.exec.command, joined by blanks. */
static struct text probe_command(
	struct metadata *metadata, struct json_object *container, const char *name)
{
	struct json_object *words =
		json_get(json_get(json_get(container, name), "exec"), "command");
	struct buffer line;
	struct text result;

	if (!json_object_is_type(words, json_type_array))
		return (struct text){ 0 };
	buffer_init(&line, METADATA_TEXT_MAX);
	for (size_t i = 0; i < json_object_array_length(words); i++) {
		struct json_object *word = json_object_array_get_idx(words, i);

		if (i)
			buffer_add_char(&line, ' ');
		if (json_object_is_type(word, json_type_string))
			buffer_add_string(&line, json_object_get_string(word));
	}
	result = keep_text(&metadata->kept, buffer_text(&line));
	buffer_done(&line);
	return result;
}

/* The runtime is not told of probes; what kubectl applied is, as an annotation of the pod. */
static void probes_of_manifest(struct metadata *metadata, struct text manifest)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct json_object *containers;
	struct text name = labels_get(&metadata->labels, "io.kubernetes.container.name");

	if (!manifest.length || json_parse(manifest, &root, NULL, NULL) < 0)
		return;
	containers = json_get(json_get(root, "spec"), "containers");
	if (!json_object_is_type(containers, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(containers); i++) {
		struct json_object *container = json_object_array_get_idx(containers, i);

		if (!text_equal(
			    json_get_text(container, "name"), name.data ? name : metadata->name))
			continue;
		metadata->liveness_probe = probe_command(metadata, container, "livenessProbe");
		metadata->readiness_probe = probe_command(metadata, container, "readinessProbe");
	}
}

void metadata_finish(struct metadata *metadata)
{
	if (!metadata->pod)
		pod_of_labels(metadata);
	if (metadata->pod)
		probes_of_manifest(metadata, metadata->pod->manifest);
	metadata->labels_text = labels_text(&metadata->kept, &metadata->labels);
	metadata->mounts_text = mounts_text(metadata);
}
