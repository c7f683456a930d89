/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of the container. Its id is known from the control group at once. The rest is the
 * runtimes' to tell and absent until one does; on the host they have the values that stand for it.
 */
#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"

static bool is_host(const struct event *event)
{
	return event->container && event->container->kind == CONTAINER_HOST;
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
	if (is_host(event))
		return give_text(ret_value, TEXT("host"));
	return event->container ? give_text(ret_value, event->container->name) : ABSENT;
}

READER(container_type)
{
	if (!event->container)
		return ABSENT;
	return give_text(ret_value, text_of(container_kind_name(event->container->kind)));
}

/* The host has no image: the empty text, as Falco gives it. */
READER(container_image)
{
	return is_host(event) ? give_text(ret_value, TEXT("")) : ABSENT;
}

READER(container_privileged)
{
	return is_host(event) ? give_bool(ret_value, false) : ABSENT;
}

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

static const struct field fields[] = {
	{ "container.id", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"First 12 characters of the container's id, or host", container_id },
	{ "container.full_id", TYPE_CHARBUF, ARGUMENT_NONE, 0, "The whole id, or host",
		container_full_id },
	{ "container.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"The runtime's name for it, or host", container_name },
	{ "container.image", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Its image with repository and tag", container_image },
	{ "container.image.id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA, "Id of the image",
		container_image },
	{ "container.type", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"Who runs it: docker, containerd, cri-o, podman …, or host", container_type },
	{ "container.privileged", TYPE_BOOL, ARGUMENT_NONE, FIELD_METADATA,
		"Whether it was started privileged", container_privileged },
	{ "container.mounts", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"All mounts: source, destination, mode, access and propagation of each" },
	{ "container.mount", TYPE_CHARBUF, ARGUMENT_KEY, FIELD_METADATA,
		"One mount, by position or by its source" },
	{ "container.mount.source", TYPE_CHARBUF, ARGUMENT_KEY, FIELD_METADATA,
		"Source of a mount, by position or destination" },
	{ "container.mount.dest", TYPE_CHARBUF, ARGUMENT_KEY, FIELD_METADATA,
		"Destination of a mount, by position or source" },
	{ "container.mount.mode", TYPE_CHARBUF, ARGUMENT_KEY, FIELD_METADATA,
		"Options of a mount" },
	{ "container.mount.rdwr", TYPE_CHARBUF, ARGUMENT_KEY, FIELD_METADATA,
		"Whether a mount may be written: true or false" },
	{ "container.mount.propagation", TYPE_CHARBUF, ARGUMENT_KEY, FIELD_METADATA,
		"How a mount propagates" },
	{ "container.image.repository", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Image without its tag", container_image },
	{ "container.image.tag", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA, "Tag of the image",
		container_image },
	{ "container.image.digest", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Digest of the image in its registry", container_image },
	{ "container.healthcheck", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED,
		"No longer told by any runtime" },
	{ "container.liveness_probe", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED,
		"No longer told by any runtime" },
	{ "container.readiness_probe", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED,
		"No longer told by any runtime" },
	{ "container.start_ts", TYPE_ABSTIME, ARGUMENT_NONE, 0,
		"When its first process began, ns since 1970", container_start_ts },
	{ "container.duration", TYPE_RELTIME, ARGUMENT_NONE, 0, "Time since then, ns",
		container_duration },
	{ "container.ip", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA, "Its first IPv4 address" },
	{ "container.cni.json", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"What its network plugin answered" },
	{ "container.host_pid", TYPE_BOOL, ARGUMENT_NONE, FIELD_METADATA,
		"Whether it shares the host's pid namespace" },
	{ "container.host_network", TYPE_BOOL, ARGUMENT_NONE, FIELD_METADATA,
		"Whether it shares the host's network" },
	{ "container.host_ipc", TYPE_BOOL, ARGUMENT_NONE, FIELD_METADATA,
		"Whether it shares the host's IPC namespace" },
	{ "container.label", TYPE_CHARBUF, ARGUMENT_KEY, FIELD_METADATA | FIELD_DOTTED_KEY,
		"One label, by its key" },
	{ "container.labels", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"All labels as key:value" },
};

const struct field_family family_container = { "container", "The container", fields,
	COUNT_OF(fields) };
