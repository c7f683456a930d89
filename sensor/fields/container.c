/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of the container. Its id is known from the control group at once. The rest is the
 * runtimes' to tell: it waits until they did, and is absent when none knows. On the host fields
 * have the values that stand for it.
 */
#include <fnmatch.h>

#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"
#include "sensor/state/runtimes/metadata.h"

static bool is_host(const struct event *event)
{
	return event->container && event->container->kind == CONTAINER_HOST;
}

enum presence metadata_of(const struct event *event, const struct metadata **ret_metadata)
{
	const struct container *container = event->container;

	if (!container)
		return ABSENT;
	*ret_metadata = container->metadata;
	if (container->metadata)
		return PRESENT;
	return container->state == METADATA_AWAITED ? WAITS : ABSENT;
}

enum presence give_fact(struct value *ret_value, struct text text, const struct metadata *metadata)
{
	enum presence presence = give_text(ret_value, text);

	return presence == ABSENT && metadata->is_partial ? WAITS : presence;
}

READER(container_id)
{
	return event->container ? give_text(ret_value, event->container->id) : ABSENT;
}

READER(container_full_id)
{
	return event->container ? give_text(ret_value, event->container->full_id) : ABSENT;
}

READER(container_name)
{
	const struct metadata *metadata;
	enum presence presence;

	if (event->container && event->container->name.data)
		return give_text(ret_value, event->container->name);
	presence = metadata_of(event, &metadata);
	return presence == PRESENT ? ABSENT : presence;
}

/* The runtime that answered knows better than the form of the cgroup's path. */
READER(container_type)
{
	const struct metadata *metadata;

	if (!event->container)
		return ABSENT;
	if (metadata_of(event, &metadata) == PRESENT)
		return give_text(ret_value, text_of(metadata->runtime));
	return give_text(ret_value, text_of(container_kind_name(event->container->kind)));
}

/* A text of struct metadata; the host has none: the empty text, as Falco gives it. */
#define METADATA_TEXT(name, member)                                      \
	READER(name)                                                     \
	{                                                                \
		const struct metadata *metadata;                         \
		enum presence presence;                                  \
                                                                         \
		if (is_host(event))                                      \
			return give_text(ret_value, TEXT(""));           \
		presence = metadata_of(event, &metadata);                \
		if (presence != PRESENT)                                 \
			return presence;                                 \
		return give_fact(ret_value, metadata->member, metadata); \
	}

/* The same where the host has nothing that could stand for it. */
#define METADATA_OWN(name, member)                                       \
	READER(name)                                                     \
	{                                                                \
		const struct metadata *metadata;                         \
		enum presence presence = metadata_of(event, &metadata);  \
                                                                         \
		if (presence != PRESENT)                                 \
			return presence;                                 \
		return give_fact(ret_value, metadata->member, metadata); \
	}

METADATA_TEXT(container_image, image)
METADATA_TEXT(container_image_id, image_id)
METADATA_TEXT(container_image_repository, repository)
METADATA_TEXT(container_image_tag, tag)
METADATA_TEXT(container_image_digest, digest)

static enum presence give_tristate(struct value *ret_value, enum tristate state)
{
	return state == NOT_KNOWN ? ABSENT : give_bool(ret_value, state == YES);
}

READER(container_privileged)
{
	const struct metadata *metadata;
	enum presence presence;

	if (is_host(event))
		return give_bool(ret_value, false);
	presence = metadata_of(event, &metadata);
	return presence == PRESENT ? give_tristate(ret_value, metadata->is_privileged) : presence;
}

/* Of a container in a pod the pod decides, unless its runtime told of the container itself. */
static enum presence give_shared(const struct event *event, struct value *ret_value,
	enum tristate (*own)(const struct metadata *metadata),
	enum tristate (*of_pod)(const struct pod *pod))
{
	const struct metadata *metadata;
	enum presence presence = metadata_of(event, &metadata);

	if (presence != PRESENT)
		return presence;
	if (own(metadata) != NOT_KNOWN)
		return give_tristate(ret_value, own(metadata));
	if (metadata->pod && of_pod(metadata->pod) != NOT_KNOWN)
		return give_tristate(ret_value, of_pod(metadata->pod));
	return metadata->is_partial ? WAITS : ABSENT;
}

#define SHARES(name)                                                          \
	static enum tristate own_##name(const struct metadata *metadata)      \
	{                                                                     \
		return metadata->name;                                        \
	}                                                                     \
	static enum tristate pod_##name(const struct pod *pod)                \
	{                                                                     \
		return pod->name;                                             \
	}                                                                     \
	READER(container_##name)                                              \
	{                                                                     \
		return give_shared(event, ret_value, own_##name, pod_##name); \
	}

SHARES(host_pid)
SHARES(host_network)
SHARES(host_ipc)

READER(container_ip)
{
	const struct metadata *metadata;
	enum presence presence = metadata_of(event, &metadata);

	if (presence != PRESENT)
		return presence;
	if (!metadata->ip.data && metadata->pod && metadata->pod->ip.length)
		return give_text(ret_value, metadata->pod->ip);
	return give_fact(ret_value, metadata->ip, metadata);
}

READER(container_cni_json)
{
	const struct metadata *metadata;
	enum presence presence = metadata_of(event, &metadata);

	if (presence != PRESENT)
		return presence;
	return give_fact(
		ret_value, metadata->pod ? metadata->pod->cni_json : (struct text){}, metadata);
}

/* ---- labels ---- */

READER(container_label)
{
	const struct metadata *metadata;
	enum presence presence = metadata_of(event, &metadata);

	if (presence != PRESENT)
		return presence;
	return give_text(ret_value, labels_find(&metadata->labels, use->key));
}

METADATA_OWN(container_labels, labels_text)

/* ---- mounts ---- */

METADATA_OWN(container_mounts, mounts_text)

static bool matches(const struct field_use *use, struct text path)
{
	/* Both end in NUL: what runtimes tell is kept so, and a key is made so when it is read. */
	return path.data && !fnmatch(use->key.data, path.data, FNM_PATHNAME);
}

/* The mount of an index, or the first whose source (or destination) fits the pattern. */
static const struct mount *find_mount(const struct event *event, const struct metadata *metadata,
	const struct field_use *use, bool by_source)
{
	struct field_use pattern = *use;

	if (use->index >= 0)
		return (size_t)use->index < metadata->mount_count ? &metadata->mounts[use->index]
								  : NULL;
	pattern.key = arena_copy(event->arena, use->key);
	for (size_t i = 0; i < metadata->mount_count; i++) {
		const struct mount *mount = &metadata->mounts[i];

		if (matches(&pattern, by_source ? mount->source : mount->destination))
			return mount;
	}
	return NULL;
}

static enum presence mount_of(const struct event *event, const struct field_use *use,
	bool by_source, const struct mount **ret_mount)
{
	const struct metadata *metadata;
	enum presence presence = metadata_of(event, &metadata);

	if (presence != PRESENT)
		return presence;
	*ret_mount = find_mount(event, metadata, use, by_source);
	return *ret_mount ? PRESENT : ABSENT;
}

#define MOUNT_TEXT(name, by_source, text)                                           \
	READER(container_mount_##name)                                              \
	{                                                                           \
		const struct mount *mount;                                          \
		enum presence presence = mount_of(event, use, by_source, &mount);   \
                                                                                    \
		return presence == PRESENT ? give_text(ret_value, text) : presence; \
	}

READER(container_mount)
{
	const struct mount *mount;
	enum presence presence = mount_of(event, use, true, &mount);

	return presence == PRESENT ? give_text(ret_value, mount->text) : presence;
}

MOUNT_TEXT(source, false, mount->source)
MOUNT_TEXT(dest, true, mount->destination)
MOUNT_TEXT(mode, true, mount->mode)
MOUNT_TEXT(rdwr, true, text_of(mount->is_writable ? "true" : "false"))
MOUNT_TEXT(propagation, true, mount->propagation)

/* ---- checks of its health ---- */

METADATA_OWN(container_healthcheck, healthcheck)
METADATA_OWN(container_liveness_probe, liveness_probe)
METADATA_OWN(container_readiness_probe, readiness_probe)

READER(container_start_ts)
{
	uint64_t start_ns = namespace_start_ns(event->process);

	return start_ns ? give_unsigned(ret_value, start_ns) : ABSENT;
}

READER(container_duration)
{
	uint64_t start_ns = namespace_start_ns(event->process);

	if (!start_ns || start_ns > event->time_ns)
		return ABSENT;
	return give_unsigned(ret_value, event->time_ns - start_ns);
}

/* What was told of the container, whose version changes with it. */
#define METADATA (FIELD_METADATA | FIELD_OF_PROCESS)

static const struct field fields[] = {
	{ "container.id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"First 12 characters of the container's id, or host", container_id },
	{ "container.full_id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"The whole id, or host", container_full_id },
	{ "container.name", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"The runtime's name for it, or host", container_name },
	{ "container.image", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"Its image with repository and tag", container_image },
	{ "container.image.id", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "Id of the image",
		container_image_id },
	{ "container.type", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Who runs it: docker, containerd, cri-o, podman …, or host", container_type },
	{ "container.privileged", TYPE_BOOL, ARGUMENT_NONE, METADATA,
		"Whether it was started privileged", container_privileged },
	{ "container.mounts", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"All mounts: source, destination, mode, access and propagation of each",
		container_mounts },
	{ "container.mount", TYPE_CHARBUF, ARGUMENT_KEY, METADATA,
		"One mount, by position or by its source", container_mount },
	{ "container.mount.source", TYPE_CHARBUF, ARGUMENT_KEY, METADATA,
		"Source of a mount, by position or destination", container_mount_source },
	{ "container.mount.dest", TYPE_CHARBUF, ARGUMENT_KEY, METADATA,
		"Destination of a mount, by position or source", container_mount_dest },
	{ "container.mount.mode", TYPE_CHARBUF, ARGUMENT_KEY, METADATA, "Options of a mount",
		container_mount_mode },
	{ "container.mount.rdwr", TYPE_CHARBUF, ARGUMENT_KEY, METADATA,
		"Whether a mount may be written: true or false", container_mount_rdwr },
	{ "container.mount.propagation", TYPE_CHARBUF, ARGUMENT_KEY, METADATA,
		"How a mount propagates", container_mount_propagation },
	{ "container.image.repository", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"Image without its tag", container_image_repository },
	{ "container.image.tag", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "Tag of the image",
		container_image_tag },
	{ "container.image.digest", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"Digest of the image in its registry", container_image_digest },
	{ "container.healthcheck", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"Command line of its health check, NONE when it was switched off",
		container_healthcheck },
	{ "container.liveness_probe", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"Command line of its liveness probe", container_liveness_probe },
	{ "container.readiness_probe", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"Command line of its readiness probe", container_readiness_probe },
	{ "container.start_ts", TYPE_ABSTIME, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"When its first process began, ns since 1970", container_start_ts },
	{ "container.duration", TYPE_RELTIME, ARGUMENT_NONE, 0, "Time since then, ns",
		container_duration },
	{ "container.ip", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "Its first IPv4 address",
		container_ip },
	{ "container.cni.json", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"What its network plugin answered", container_cni_json },
	{ "container.host_pid", TYPE_BOOL, ARGUMENT_NONE, METADATA,
		"Whether it shares the host's pid namespace", container_host_pid },
	{ "container.host_network", TYPE_BOOL, ARGUMENT_NONE, METADATA,
		"Whether it shares the host's network", container_host_network },
	{ "container.host_ipc", TYPE_BOOL, ARGUMENT_NONE, METADATA,
		"Whether it shares the host's IPC namespace", container_host_ipc },
	{ "container.label", TYPE_CHARBUF, ARGUMENT_KEY, METADATA | FIELD_DOTTED_KEY,
		"One label, by its key", container_label },
	{ "container.labels", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "All labels as key:value",
		container_labels },
};

const struct field_family family_container = { "container", "The container", fields,
	COUNT_OF(fields) };
