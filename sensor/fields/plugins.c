/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of sources beside the kernel: JSON payloads and hooks that plugins bring. They are known
 * so that rules load and say what is missing; their values come with the plugins.
 */
#include "base/memory.h"
#include "sensor/fields/families.h"

static const struct field json_fields[] = {
	{ "json.value", TYPE_CHARBUF, ARGUMENT_KEY, 0,
		"What a JSON pointer (RFC 6901) leads to in the payload" },
	{ "json.obj", TYPE_CHARBUF, ARGUMENT_NONE, 0, "The payload as indented JSON" },
	{ "json.rawtime", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Time of the event in ns, as text" },
	{ "jevt.value", TYPE_CHARBUF, ARGUMENT_KEY, 0, "Older name of json.value" },
	{ "jevt.obj", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Older name of json.obj" },
	{ "jevt.rawtime", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Older name of json.rawtime" },
};

#define HOOK(name, type, about)                             \
	{                                                   \
		"krsi." name, type, ARGUMENT_NONE, 0, about \
	}

static const struct field krsi_fields[] = {
	HOOK("name", TYPE_CHARBUF, "Name that the hooked call was given"),
	HOOK("fd", TYPE_UINT64, "Descriptor that it made or used"),
	HOOK("file_index", TYPE_UINT64, "Slot in the ring's own table of files"),
	HOOK("flags", TYPE_UINT64, "Its flags"),
	HOOK("mode", TYPE_UINT64, "Mode of a file that it makes"),
	HOOK("dev", TYPE_UINT64, "Device of the file"),
	HOOK("ino", TYPE_UINT64, "Inode of the file"),
	HOOK("domain", TYPE_UINT64, "Family of the socket"),
	HOOK("type", TYPE_UINT64, "Type of the socket"),
	HOOK("protocol", TYPE_UINT64, "Protocol of the socket"),
	HOOK("iou_ret", TYPE_UINT64, "What the ring returned"),
	HOOK("res", TYPE_UINT64, "What the operation returned"),
	HOOK("target", TYPE_CHARBUF, "What a new link leads to"),
	HOOK("linkdirfd", TYPE_UINT64, "Directory of a new link"),
	HOOK("linkpath", TYPE_CHARBUF, "Path of a new link"),
	HOOK("olddirfd", TYPE_UINT64, "Directory of the old path"),
	HOOK("newdirfd", TYPE_UINT64, "Directory of the new path"),
	HOOK("dirfd", TYPE_UINT64, "Directory of the path"),
	HOOK("path", TYPE_CHARBUF, "Path that it works on"),
	HOOK("oldpath", TYPE_CHARBUF, "Path before"),
	HOOK("newpath", TYPE_CHARBUF, "Path after"),
	HOOK("cip", TYPE_CHARBUF, "Address of the client"),
	HOOK("sip", TYPE_CHARBUF, "Address of the server"),
	HOOK("cport", TYPE_UINT64, "Port of the client"),
	HOOK("sport", TYPE_UINT64, "Port of the server"),
};

#define AUDIT(name, about)                                        \
	{                                                         \
		"ka." name, TYPE_CHARBUF, ARGUMENT_NONE, 0, about \
	}
#define AUDIT_OLD(name, about)                                                   \
	{                                                                        \
		"ka." name, TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED, about \
	}
#define AUDIT_KEY(name, flags, about)                                \
	{                                                            \
		"ka." name, TYPE_CHARBUF, ARGUMENT_KEY, flags, about \
	}
#define AUDIT_LIST(name, about)                                            \
	{                                                                  \
		"ka." name, TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LIST, about \
	}
#define AUDIT_EACH(name, about)                                                      \
	{                                                                            \
		"ka." name, TYPE_CHARBUF, ARGUMENT_INDEX_OPTIONAL, FIELD_LIST, about \
	}

static const struct field ka_fields[] = {
	AUDIT("auditid", "Id that the API server gave the request"),
	AUDIT("stage", "How far the request had come"),
	AUDIT("auth.decision", "Whether it was allowed"),
	AUDIT("auth.reason", "Why it was allowed or not"),
	AUDIT("auth.openshift.decision", "OpenShift's decision on a login"),
	AUDIT("auth.openshift.username", "User of an OpenShift login"),
	AUDIT("validations.admission.policy.failure", "What an admission policy objected to"),
	AUDIT("security.pod.violations", "Pod security standards that it breaks"),
	AUDIT("user.name", "Who asked"),
	AUDIT_LIST("user.groups", "Groups of who asked"),
	AUDIT("impuser.name", "Whom the caller pretended to be"),
	AUDIT("verb", "What was asked for: get, create, delete …"),
	AUDIT("uri", "The request's URI"),
	AUDIT_KEY("uri.param", 0, "One parameter of the URI's query"),
	AUDIT("target.name", "Name of the object"),
	AUDIT("target.namespace", "Namespace of the object"),
	AUDIT("target.resource", "Kind of the object, in the plural"),
	AUDIT("target.subresource", "Part of the object that is meant: log, exec …"),
	AUDIT("target.pod.name", "Name of the pod that it comes down to"),
	AUDIT_LIST("req.binding.subjects", "Who gets the role"),
	AUDIT_LIST("req.binding.subjects.user_names", "Users who get the role"),
	AUDIT_LIST("req.binding.subjects.serviceaccount_names", "Service accounts that get it"),
	AUDIT_LIST("req.binding.subjects.serviceaccount_ns_names",
		"Service accounts that get it, as namespace:name"),
	AUDIT_LIST("req.binding.subjects.group_names", "Groups that get the role"),
	AUDIT("req.binding.role", "Role that is bound"),
	AUDIT_KEY("req.binding.subject.has_name", FIELD_DEPRECATED,
		"Whether somebody of that name gets the role"),
	AUDIT("req.configmap.name", "Name of the ConfigMap"),
	AUDIT("req.configmap.obj", "Content of the ConfigMap"),
	AUDIT_EACH("req.pod.containers.args", "Arguments of the pod's containers"),
	AUDIT_EACH("req.pod.containers.command", "Commands of the pod's containers"),
	AUDIT_EACH("req.pod.containers.name", "Names of the pod's containers"),
	AUDIT_EACH("req.pod.containers.image", "Images of the pod's containers"),
	AUDIT_OLD("req.container.image", "Image of the first container"),
	AUDIT_EACH("req.pod.containers.image.repository", "Their images without tags"),
	AUDIT_OLD("req.container.image.repository", "Image of the first container, without tag"),
	AUDIT("req.pod.host_ipc", "Whether the pod asks for the host's IPC"),
	AUDIT("req.pod.host_network", "Whether the pod asks for the host's network"),
	AUDIT_OLD("req.container.host_network", "Whether it asks for the host's network"),
	AUDIT("req.pod.host_pid", "Whether the pod asks for the host's processes"),
	AUDIT_EACH("req.pod.containers.host_port", "Ports of the host that containers ask for"),
	AUDIT_EACH("req.pod.containers.privileged", "Which containers ask to be privileged"),
	AUDIT_OLD("req.container.privileged", "Whether any container asks to be privileged"),
	AUDIT_EACH("req.pod.containers.allow_privilege_escalation",
		"Which containers may gain privileges"),
	AUDIT_EACH("req.pod.containers.read_only_fs", "Which containers have a read-only root"),
	AUDIT("req.pod.run_as_user", "User id that the pod asks for"),
	AUDIT_EACH("req.pod.containers.run_as_user", "User ids that containers ask for"),
	AUDIT_EACH("req.pod.containers.eff_run_as_user", "User ids that containers get"),
	AUDIT("req.pod.run_as_group", "Group id that the pod asks for"),
	AUDIT_EACH("req.pod.containers.run_as_group", "Group ids that containers ask for"),
	AUDIT_EACH("req.pod.containers.eff_run_as_group", "Group ids that containers get"),
	AUDIT_EACH("req.pod.containers.proc_mount", "Forms of /proc that containers ask for"),
	AUDIT_LIST("req.role.rules", "Rules of the role"),
	AUDIT_EACH("req.role.rules.apiGroups", "API groups in the role's rules"),
	AUDIT_EACH("req.role.rules.nonResourceURLs", "URLs in the role's rules"),
	AUDIT_EACH("req.role.rules.verbs", "Verbs in the role's rules"),
	AUDIT_EACH("req.role.rules.resources", "Resources in the role's rules"),
	AUDIT("req.pod.fs_group", "Group id of the pod's volumes"),
	AUDIT_LIST("req.pod.supplemental_groups", "Further group ids of the pod"),
	AUDIT_EACH("req.pod.containers.add_capabilities", "Capabilities that containers ask for"),
	AUDIT("req.service.type", "Type of the service"),
	AUDIT_EACH("req.service.ports", "Ports of the service"),
	AUDIT_EACH("req.pod.volumes.hostpath", "Paths of the host that the pod mounts"),
	AUDIT_KEY("req.volume.hostpath", FIELD_DEPRECATED, "Whether a path of the host is mounted"),
	AUDIT_EACH("req.pod.volumes.flexvolume_driver", "Drivers of the pod's volumes"),
	AUDIT_EACH("req.pod.volumes.volume_type", "Types of the pod's volumes"),
	AUDIT("resp.name", "Name of the object in the answer"),
	AUDIT("response.code", "HTTP status of the answer"),
	AUDIT("response.reason", "Reason in the answer"),
	AUDIT("useragent", "Program that asked, as it calls itself"),
	AUDIT_EACH("sourceips", "Addresses that the request came from"),
	AUDIT_EACH("cluster.name", "Name of the cluster"),
};

const struct field_family family_json = { "json", "A plugin's payload as JSON", json_fields,
	COUNT_OF(json_fields) };
const struct field_family family_ka = { "ka", "Kubernetes' audit log", ka_fields,
	COUNT_OF(ka_fields) };
const struct field_family family_krsi = { "krsi", "Hooks of the krsi plugin", krsi_fields,
	COUNT_OF(krsi_fields) };
