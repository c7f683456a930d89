/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of Kubernetes. Those of the pod come from the container runtime; its replica set and
 * deployment as far as the pod's name and labels tell. The other owners' fields are known so that
 * rules load. k8smeta.* is what the cluster would answer: as far as the runtime tells the same.
 */
#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"
#include "sensor/state/runtimes/metadata.h"

#define SHORT_ID 12

/* The pod of the event's container. WAITS, too, while only a part of it is known. */
static enum presence pod_of(const struct event *event, const struct pod **ret_pod)
{
	const struct metadata *metadata;
	enum presence presence = metadata_of(event, &metadata);

	if (presence != PRESENT)
		return presence;
	*ret_pod = metadata->pod;
	return metadata->pod ? PRESENT : metadata->is_partial ? WAITS : ABSENT;
}

#define POD_TEXT(name, text)                                                   \
	READER(name)                                                           \
	{                                                                      \
		const struct pod *pod;                                         \
		enum presence presence = pod_of(event, &pod);                  \
                                                                               \
		if (presence != PRESENT)                                       \
			return presence;                                       \
		return give_fact(ret_value, text, event->container->metadata); \
	}

POD_TEXT(pod_name, pod->name)
POD_TEXT(namespace_name, pod->namespace_name)
POD_TEXT(pod_uid, pod->uid)
POD_TEXT(sandbox_id, text_slice(pod->sandbox_id, 0, SHORT_ID))
POD_TEXT(full_sandbox_id, pod->sandbox_id)
POD_TEXT(pod_ip, pod->ip)
POD_TEXT(pod_cni_json, pod->cni_json)
POD_TEXT(pod_label, labels_find(&pod->labels, use->key))

READER(pod_labels)
{
	const struct pod *pod;
	enum presence presence = pod_of(event, &pod);

	if (presence != PRESENT)
		return presence;
	if (!pod->labels.count && event->container->metadata->is_partial)
		return WAITS;
	return give_text(ret_value, pod->labels_text);
}

/* A list of key:value, as the cluster's metadata give it. */
READER(pod_label_list)
{
	struct value *items;
	const struct pod *pod;
	enum presence presence = pod_of(event, &pod);

	if (presence != PRESENT)
		return presence;
	if (!pod->labels.count && event->container->metadata->is_partial)
		return WAITS;
	items = ARENA_NEW(event->arena, struct value, pod->labels.count + 1);
	for (size_t i = 0; i < pod->labels.count; i++)
		items[i] = value_text(arena_printf(event->arena, TEXT_FORMAT ":" TEXT_FORMAT,
			TEXT_PRINT(pod->labels.items[i].key),
			TEXT_PRINT(pod->labels.items[i].value)));
	*ret_value = (struct value){ .kind = VALUE_LIST, .list = { items, pod->labels.count } };
	return PRESENT;
}

/*
 * A replica set names its pods NAME-HASH-RANDOM and labels them with the hash; a deployment names
 * its replica sets NAME-HASH. Without that label nothing is guessed.
 */
static struct text replica_set_of(const struct pod *pod, struct text *ret_deployment)
{
	struct text hash = labels_get(&pod->labels, "pod-template-hash"), name = pod->name;

	while (name.length && name.data[name.length - 1] != '-')
		name.length--;
	if (!hash.length || name.length < hash.length + 3)
		return (struct text){};
	name.length--;
	*ret_deployment = text_slice(name, 0, name.length - hash.length - 1);
	if (!text_ends_with(name, hash) || name.data[ret_deployment->length] != '-')
		return (struct text){};
	return name;
}

static enum presence owner_of(
	const struct event *event, struct text *ret_replica_set, struct text *ret_deployment)
{
	const struct pod *pod;
	enum presence presence = pod_of(event, &pod);

	if (presence != PRESENT)
		return presence;
	*ret_replica_set = replica_set_of(pod, ret_deployment);
	if (ret_replica_set->data)
		return PRESENT;
	return !pod->labels.count && event->container->metadata->is_partial ? WAITS : ABSENT;
}

READER(replica_set_name)
{
	struct text name, deployment;
	enum presence presence = owner_of(event, &name, &deployment);

	return presence == PRESENT ? give_text(ret_value, name) : presence;
}

READER(deployment_name)
{
	struct text name, deployment;
	enum presence presence = owner_of(event, &name, &deployment);

	return presence == PRESENT ? give_text(ret_value, deployment) : presence;
}

#define METADATA (FIELD_METADATA | FIELD_OF_PROCESS)
#define LABEL	 (METADATA | FIELD_DOTTED_KEY)

#define OWNER_ID(kind, what)                                                      \
	{                                                                         \
		"k8s." kind ".id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED, \
			"Id of the " what "; use k8smeta"                         \
	}

#define OWNER(kind, what)                                                     \
	{ "k8s." kind ".name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED, \
		"Name of the " what "; use k8smeta" },                        \
		OWNER_ID(kind, what), OWNER_LABELS(kind, what)

#define OWNER_LABELS(kind, what)                                                                 \
	{ "k8s." kind ".label", TYPE_CHARBUF, ARGUMENT_KEY, FIELD_DEPRECATED | FIELD_DOTTED_KEY, \
		"One label of the " what "; use k8smeta" },                                      \
	{                                                                                        \
		"k8s." kind ".labels", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED,            \
			"All labels of the " what "; use k8smeta"                                \
	}

static const struct field fields[] = {
	{ "k8s.pod.name", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "Name of the pod", pod_name },
	{ "k8s.ns.name", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "Namespace of the pod",
		namespace_name },
	{ "k8s.pod.id", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "The same as k8s.pod.uid", pod_uid },
	{ "k8s.pod.uid", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "The pod's uid", pod_uid },
	{ "k8s.pod.sandbox_id", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"First 12 characters of the id of the pod's sandbox", sandbox_id },
	{ "k8s.pod.full_sandbox_id", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"Id of the pod's sandbox", full_sandbox_id },
	{ "k8s.pod.label", TYPE_CHARBUF, ARGUMENT_KEY, LABEL, "One label of the pod", pod_label },
	{ "k8s.pod.labels", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"All labels of the pod as key:value", pod_labels },
	{ "k8s.pod.ip", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "The pod's IPv4 address", pod_ip },
	{ "k8s.pod.cni.json", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"What the pod's network plugin answered", pod_cni_json },
	OWNER("rc", "replication controller"),
	OWNER("svc", "service"),
	{ "k8s.ns.id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED,
		"Id of the namespace; use k8smeta" },
	OWNER_LABELS("ns", "namespace"),
	{ "k8s.rs.name", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"Name of the pod's replica set, by the pod's name and labels", replica_set_name },
	OWNER_ID("rs", "replica set"),
	OWNER_LABELS("rs", "replica set"),
	{ "k8s.deployment.name", TYPE_CHARBUF, ARGUMENT_NONE, METADATA,
		"Name of the pod's deployment, by the pod's name and labels", deployment_name },
	OWNER_ID("deployment", "deployment"),
	OWNER_LABELS("deployment", "deployment"),
};

#define META(kind, what, flags, name)                                                          \
	{ "k8smeta." kind ".name", TYPE_CHARBUF, ARGUMENT_NONE, METADATA | (flags),            \
		"Name of the " what, name },                                                   \
		{ "k8smeta." kind ".uid", TYPE_CHARBUF, ARGUMENT_NONE, METADATA | (flags),     \
			"Uid of the " what },                                                  \
		{ "k8smeta." kind ".label", TYPE_CHARBUF, ARGUMENT_KEY, LABEL | (flags),       \
			"One label of the " what },                                            \
	{                                                                                      \
		"k8smeta." kind ".labels", TYPE_CHARBUF, ARGUMENT_NONE, METADATA | FIELD_LIST, \
			"All labels of the " what                                              \
	}

static const struct field meta_fields[] = {
	{ "k8smeta.pod.name", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "The same as k8s.pod.name",
		pod_name },
	{ "k8smeta.pod.uid", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "The same as k8s.pod.uid",
		pod_uid },
	{ "k8smeta.pod.label", TYPE_CHARBUF, ARGUMENT_KEY, LABEL, "The same as k8s.pod.label",
		pod_label },
	{ "k8smeta.pod.labels", TYPE_CHARBUF, ARGUMENT_NONE, METADATA | FIELD_LIST,
		"All labels of the pod as a list of key:value", pod_label_list },
	{ "k8smeta.pod.ip", TYPE_CHARBUF, ARGUMENT_NONE, METADATA, "The same as k8s.pod.ip",
		pod_ip },
	META("ns", "pod's namespace", 0, namespace_name),
	META("deployment", "deployment that owns the pod", 0, deployment_name),
	META("svc", "services that lead to the pod", FIELD_LIST, NULL),
	META("rs", "replica set that owns the pod", 0, replica_set_name),
	META("rc", "replication controller that owns the pod", 0, NULL),
};

const struct field_family family_k8s = { "k8s", "The pod, as the container runtime tells", fields,
	COUNT_OF(fields) };
const struct field_family family_k8smeta = { "k8smeta", "The pod and its owners, from the cluster",
	meta_fields, COUNT_OF(meta_fields) };
