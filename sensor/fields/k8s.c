/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of Kubernetes. Those of the pod come from the container runtime's labels, k8smeta.* from
 * the cluster; both are absent until the parts that know them are there. Falco's older fields of
 * owners are known so that rules load, and have no source any more.
 */
#include "base/memory.h"
#include "sensor/fields/families.h"

#define LABEL (FIELD_METADATA | FIELD_DOTTED_KEY)

#define OWNER(kind, what)                                                           \
	{ "k8s." kind ".name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED,       \
		"Name of the " what "; use k8smeta" },                              \
		{ "k8s." kind ".id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED, \
			"Id of the " what "; use k8smeta" },                        \
		OWNER_LABELS(kind, what)

#define OWNER_LABELS(kind, what)                                                                 \
	{ "k8s." kind ".label", TYPE_CHARBUF, ARGUMENT_KEY, FIELD_DEPRECATED | FIELD_DOTTED_KEY, \
		"One label of the " what "; use k8smeta" },                                      \
	{                                                                                        \
		"k8s." kind ".labels", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED,            \
			"All labels of the " what "; use k8smeta"                                \
	}

static const struct field fields[] = {
	{ "k8s.pod.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA, "Name of the pod" },
	{ "k8s.ns.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA, "Namespace of the pod" },
	{ "k8s.pod.id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA, "The same as k8s.pod.uid" },
	{ "k8s.pod.uid", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA, "The pod's uid" },
	{ "k8s.pod.sandbox_id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"First 12 characters of the id of the pod's sandbox" },
	{ "k8s.pod.full_sandbox_id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"Id of the pod's sandbox" },
	{ "k8s.pod.label", TYPE_CHARBUF, ARGUMENT_KEY, LABEL, "One label of the pod" },
	{ "k8s.pod.labels", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"All labels of the pod as key:value" },
	{ "k8s.pod.ip", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA, "The pod's IPv4 address" },
	{ "k8s.pod.cni.json", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA,
		"What the pod's network plugin answered" },
	OWNER("rc", "replication controller"),
	OWNER("svc", "service"),
	{ "k8s.ns.id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED,
		"Id of the namespace; use k8smeta" },
	OWNER_LABELS("ns", "namespace"),
	OWNER("rs", "replica set"),
	OWNER("deployment", "deployment"),
};

#define META(kind, what, flags)                                                                  \
	{ "k8smeta." kind ".name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA | (flags),        \
		"Name of the " what },                                                           \
		{ "k8smeta." kind ".uid", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA | (flags), \
			"Uid of the " what },                                                    \
		{ "k8smeta." kind ".label", TYPE_CHARBUF, ARGUMENT_KEY, LABEL | (flags),         \
			"One label of the " what },                                              \
	{                                                                                        \
		"k8smeta." kind ".labels", TYPE_CHARBUF, ARGUMENT_NONE,                          \
			FIELD_METADATA | FIELD_LIST, "All labels of the " what                   \
	}

static const struct field meta_fields[] = {
	META("pod", "pod, as the cluster tells", 0),
	{ "k8smeta.pod.ip", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_METADATA, "The pod's address" },
	META("ns", "pod's namespace", 0),
	META("deployment", "deployment that owns the pod", 0),
	META("svc", "services that lead to the pod", FIELD_LIST),
	META("rs", "replica set that owns the pod", 0),
	META("rc", "replication controller that owns the pod", 0),
};

const struct field_family family_k8s = { "k8s", "The pod, as the container runtime tells", fields,
	COUNT_OF(fields) };
const struct field_family family_k8smeta = { "k8smeta", "The pod and its owners, from the cluster",
	meta_fields, COUNT_OF(meta_fields) };
