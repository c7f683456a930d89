/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of a recording's items: from structs to bytes and back. Structs are written member by
 * member, by tables, so that a recording does not depend on how a compiler lays them out.
 */
#include <errno.h>

#include "base/memory.h"
#include "sensor/sources/recording.h"

void put_number(struct buffer *out, uint64_t number)
{
	buffer_add(out, &number, sizeof(number));
}

void put_text(struct buffer *out, struct text text)
{
	uint32_t length = (uint32_t)text.length;

	buffer_add(out, &length, sizeof(length));
	if (text.length)
		buffer_add(out, text.data, text.length);
}

static struct text get_bytes(struct content *content, size_t length)
{
	struct text bytes = { content->at, length };

	if (length > (size_t)(content->end - content->at)) {
		content->is_bad = true;
		content->at = content->end;
		return TEXT("");
	}
	content->at += length;
	return bytes;
}

uint64_t get_number(struct content *content)
{
	struct text bytes = get_bytes(content, sizeof(uint64_t));
	uint64_t number = 0;

	memcpy(&number, bytes.data, bytes.length);
	return number;
}

struct text get_text(struct content *content)
{
	struct text bytes = get_bytes(content, sizeof(uint32_t));
	uint32_t length = 0;

	memcpy(&length, bytes.data, bytes.length);
	return get_bytes(content, length);
}

/* ---- processes ---- */

#define NUMBER(member)                                                                  \
	{                                                                               \
		offsetof(struct process, member), sizeof(((struct process *)0)->member) \
	}
static const struct {
	size_t at, size;
} process_numbers[] = {
	NUMBER(pid),
	NUMBER(start_ns),
	NUMBER(parent_pid),
	NUMBER(parent_start_ns),
	NUMBER(vpid),
	NUMBER(session_id),
	NUMBER(virtual_session_id),
	NUMBER(group_id),
	NUMBER(virtual_group_id),
	NUMBER(user_id),
	NUMBER(group_gid),
	NUMBER(effective_user_id),
	NUMBER(effective_group_id),
	NUMBER(login_uid),
	NUMBER(tty),
	NUMBER(exe_flags),
	NUMBER(exe_inode),
	NUMBER(exe_device),
	NUMBER(exe_inode_ctime_ns),
	NUMBER(exe_inode_mtime_ns),
	NUMBER(capabilities_inheritable),
	NUMBER(capabilities_permitted),
	NUMBER(capabilities_effective),
	NUMBER(clone_time_ns),
	NUMBER(pid_namespace),
	NUMBER(mount_namespace),
	NUMBER(cgroup_id),
	NUMBER(exec_count),
	NUMBER(fd_limit),
};
#undef NUMBER

static const size_t process_texts[] = {
	offsetof(struct process, comm),
	offsetof(struct process, exe),
	offsetof(struct process, exe_path),
	offsetof(struct process, arguments),
	offsetof(struct process, environment),
	offsetof(struct process, working_directory),
	offsetof(struct process, cgroup),
	offsetof(struct process, root),
};

void put_process(struct buffer *out, const struct process *facts, uint64_t start_tick)
{
	put_number(out, start_tick);
	for (size_t i = 0; i < COUNT_OF(process_numbers); i++) {
		uint64_t number = 0;

		memcpy(&number, (const char *)facts + process_numbers[i].at,
			process_numbers[i].size);
		put_number(out, number);
	}
	for (size_t i = 0; i < COUNT_OF(process_texts); i++)
		put_text(out, *(const struct text *)((const char *)facts + process_texts[i]));
	put_number(out, facts->namespace_start_ns);
}

void get_process(struct content *content, struct process *ret_facts, uint64_t *ret_start_tick)
{
	struct process facts = { 0 };

	*ret_start_tick = get_number(content);
	for (size_t i = 0; i < COUNT_OF(process_numbers); i++) {
		uint64_t number = get_number(content);

		memcpy((char *)&facts + process_numbers[i].at, &number, process_numbers[i].size);
	}
	for (size_t i = 0; i < COUNT_OF(process_texts); i++)
		*(struct text *)((char *)&facts + process_texts[i]) = get_text(content);
	/* The first recordings of version 1 have none. */
	if (content->at < content->end)
		facts.namespace_start_ns = get_number(content);
	*ret_facts = facts;
}

/* ---- metadata ---- */

static const char *const runtime_names[] = { "docker", "podman", "cri-o", "containerd" };

/* Bits of the number that stands before the texts. */
enum metadata_bits { BIT_SANDBOX = 1, BIT_PARTIAL = 2, BIT_POD = 4 };

/* Absent texts and empty ones differ. */
static void put_optional(struct buffer *out, struct text text)
{
	put_number(out, text.data != NULL);
	put_text(out, text);
}

static struct text get_optional(struct content *content, struct kept *kept)
{
	bool is_there = get_number(content);
	struct text text = get_text(content);

	return is_there ? keep_text_up_to(kept, text, METADATA_JOINED_MAX) : (struct text){ 0 };
}

static void put_labels(struct buffer *out, const struct labels *labels)
{
	put_number(out, labels->count);
	for (size_t i = 0; i < labels->count; i++) {
		put_text(out, labels->items[i].key);
		put_text(out, labels->items[i].value);
	}
}

static void get_labels(struct content *content, struct kept *kept, struct labels *labels)
{
	uint64_t count = get_number(content);

	for (uint64_t i = 0; i < count && !content->is_bad; i++) {
		struct text key = get_text(content), value = get_text(content);

		labels_add(labels, kept, key, value);
	}
}

static void put_mounts(struct buffer *out, const struct metadata *metadata)
{
	put_number(out, metadata->mount_count);
	for (size_t i = 0; i < metadata->mount_count; i++) {
		const struct mount *mount = &metadata->mounts[i];

		put_number(out, mount->is_writable);
		put_text(out, mount->source);
		put_text(out, mount->destination);
		put_text(out, mount->mode);
		put_text(out, mount->propagation);
	}
}

static void get_mounts(struct content *content, struct metadata *metadata)
{
	uint64_t count = get_number(content);

	for (uint64_t i = 0; i < count && !content->is_bad; i++) {
		struct mount mount = { .is_writable = get_number(content) };

		mount.source = get_text(content);
		mount.destination = get_text(content);
		mount.mode = get_text(content);
		mount.propagation = get_text(content);
		metadata_add_mount(metadata, &mount);
	}
}

static const size_t container_texts[] = {
	offsetof(struct metadata, name),
	offsetof(struct metadata, image),
	offsetof(struct metadata, image_id),
	offsetof(struct metadata, repository),
	offsetof(struct metadata, tag),
	offsetof(struct metadata, digest),
	offsetof(struct metadata, ip),
	offsetof(struct metadata, healthcheck),
};

static const size_t container_states[] = {
	offsetof(struct metadata, is_privileged),
	offsetof(struct metadata, host_pid),
	offsetof(struct metadata, host_network),
	offsetof(struct metadata, host_ipc),
};

static const size_t pod_texts[] = {
	offsetof(struct pod, sandbox_id),
	offsetof(struct pod, name),
	offsetof(struct pod, uid),
	offsetof(struct pod, namespace_name),
	offsetof(struct pod, ip),
	offsetof(struct pod, cni_json),
	offsetof(struct pod, manifest),
};

static const size_t pod_states[] = {
	offsetof(struct pod, host_pid),
	offsetof(struct pod, host_network),
	offsetof(struct pod, host_ipc),
};

static void put_members(struct buffer *out, const void *from, const size_t *texts,
	size_t text_count, const size_t *states, size_t state_count)
{
	for (size_t i = 0; i < text_count; i++)
		put_optional(out, *(const struct text *)((const char *)from + texts[i]));
	for (size_t i = 0; i < state_count; i++)
		put_number(out, *(const enum tristate *)((const char *)from + states[i]));
}

static void get_texts(
	struct content *content, void *into, struct kept *kept, const size_t *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		*(struct text *)((char *)into + texts[i]) = get_optional(content, kept);
}

static void get_states(struct content *content, void *into, const size_t *states, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t number = get_number(content);

		*(enum tristate *)((char *)into + states[i]) =
			number <= YES ? (enum tristate)number : NOT_KNOWN;
	}
}

static void put_pod(struct buffer *out, const struct pod *pod)
{
	put_members(out, pod, pod_texts, COUNT_OF(pod_texts), pod_states, COUNT_OF(pod_states));
	put_labels(out, &pod->labels);
}

static struct pod *get_pod(struct content *content)
{
	struct pod *pod = pod_new();

	get_texts(content, pod, &pod->kept, pod_texts, COUNT_OF(pod_texts));
	get_states(content, pod, pod_states, COUNT_OF(pod_states));
	get_labels(content, &pod->kept, &pod->labels);
	pod_finish(pod);
	return pod;
}

void put_metadata(struct buffer *out, const struct metadata *metadata)
{
	put_text(out, text_of(metadata->runtime));
	put_number(out, (metadata->is_sandbox ? BIT_SANDBOX : 0) |
				(metadata->is_partial ? BIT_PARTIAL : 0) |
				(metadata->pod ? BIT_POD : 0));
	put_number(out, (uint64_t)metadata->created_ns);
	put_number(out, (uint64_t)metadata->started_ns);
	put_members(out, metadata, container_texts, COUNT_OF(container_texts), container_states,
		COUNT_OF(container_states));
	put_labels(out, &metadata->labels);
	put_mounts(out, metadata);
	if (metadata->pod)
		put_pod(out, metadata->pod);
}

static const char *runtime_named(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(runtime_names); i++)
		if (text_is(name, runtime_names[i]))
			return runtime_names[i];
	return NULL;
}

struct metadata *get_metadata(struct content *content, bool *ret_was_partial)
{
	const char *runtime = runtime_named(get_text(content));
	struct metadata *metadata;
	uint64_t bits;

	if (!runtime)
		return NULL;
	metadata = metadata_new(runtime);
	bits = get_number(content);
	metadata->is_sandbox = bits & BIT_SANDBOX;
	metadata->created_ns = (int64_t)get_number(content);
	metadata->started_ns = (int64_t)get_number(content);
	get_texts(content, metadata, &metadata->kept, container_texts, COUNT_OF(container_texts));
	get_states(content, metadata, container_states, COUNT_OF(container_states));
	get_labels(content, &metadata->kept, &metadata->labels);
	get_mounts(content, metadata);
	if (bits & BIT_POD)
		metadata->pod = get_pod(content);
	metadata_finish(metadata);
	*ret_was_partial = bits & BIT_PARTIAL;
	if (!content->is_bad)
		return metadata;
	metadata_release(metadata);
	return NULL;
}

/* ---- looks ---- */

#define NUMBER(member)                                                              \
	{                                                                           \
		offsetof(struct usage, member), sizeof(((struct usage *)0)->member) \
	}
static const struct {
	size_t at, size;
} usage_numbers[] = {
	NUMBER(threads),
	NUMBER(vm_size_kb),
	NUMBER(vm_rss_kb),
	NUMBER(vm_swap_kb),
	NUMBER(fd_limit),
	NUMBER(major_faults),
	NUMBER(minor_faults),
	NUMBER(run_ns),
	NUMBER(user_permille),
	NUMBER(system_permille),
};
#undef NUMBER

static void put_usage(struct buffer *out, const struct usage *usage)
{
	for (size_t i = 0; i < COUNT_OF(usage_numbers); i++) {
		uint64_t number = 0;

		memcpy(&number, (const char *)usage + usage_numbers[i].at, usage_numbers[i].size);
		put_number(out, number);
	}
}

static void get_usage(struct content *content, struct usage *ret_usage)
{
	*ret_usage = (struct usage){ 0 };
	for (size_t i = 0; i < COUNT_OF(usage_numbers); i++) {
		uint64_t number = get_number(content);

		memcpy((char *)ret_usage + usage_numbers[i].at, &number, usage_numbers[i].size);
	}
}

static void put_address(struct buffer *out, const struct address *address)
{
	put_number(out, address->family);
	put_text(out, (struct text){ (const char *)address->bytes, address->family == 6 ? 16 : 4 });
}

static struct address get_address(struct content *content)
{
	struct address address = { .family = (uint8_t)get_number(content) };
	struct text bytes = get_text(content);

	if (address.family && address.family != 4 && address.family != 6)
		content->is_bad = true;
	if (bytes.length != (address.family == 6 ? 16 : 4))
		content->is_bad = true;
	else
		memcpy(address.bytes, bytes.data, bytes.length);
	return address;
}

enum descriptor_bits { BIT_SERVER = 1, BIT_CONNECTED = 2, BIT_PEER = 4 };

static void put_descriptors(struct buffer *out, const struct descriptors *descriptors)
{
	put_number(out, descriptors->count);
	for (size_t i = 0; i < descriptors->count; i++) {
		const struct event_fd *fd = &descriptors->items[i];

		put_number(out, (uint64_t)fd->number);
		put_number(out, fd->type);
		put_number(out, fd->protocol);
		put_number(out, (fd->is_server ? BIT_SERVER : 0) |
					(fd->is_connected ? BIT_CONNECTED : 0) |
					(fd->has_peer ? BIT_PEER : 0));
		put_number(out, (uint64_t)fd->local_port << 16 | fd->remote_port);
		put_text(out, fd->name);
		put_address(out, &fd->local);
		put_address(out, &fd->remote);
	}
}

static struct event_fd get_descriptor(struct content *content)
{
	struct event_fd fd = { .is_known = true, .number = (int64_t)get_number(content) };
	uint64_t bits, ports;

	fd.type = (enum fd_type)get_number(content);
	fd.protocol = (uint8_t)get_number(content);
	bits = get_number(content);
	ports = get_number(content);
	fd.is_server = bits & BIT_SERVER;
	fd.is_connected = bits & BIT_CONNECTED;
	fd.has_peer = bits & BIT_PEER;
	fd.local_port = (uint16_t)(ports >> 16);
	fd.remote_port = (uint16_t)ports;
	fd.name = get_text(content);
	fd.local = get_address(content);
	fd.remote = get_address(content);
	return fd;
}

static void get_descriptors(struct content *content, struct look *look, enum look_part part)
{
	size_t count = (size_t)get_number(content);
	struct descriptors descriptors = { 0 };
	struct event_fd *items;

	if (count > LOOK_DESCRIPTORS_MAX) {
		content->is_bad = true;
		return;
	}
	items = NEW_ARRAY(struct event_fd, count + 1);
	for (size_t i = 0; i < count && !content->is_bad; i++)
		items[descriptors.count++] = get_descriptor(content);
	descriptors.items = items;
	if (!content->is_bad)
		look_tell_descriptors(look, part, &descriptors);
	free(items);
}

void put_look(struct buffer *out, const struct look *look, enum look_part part)
{
	struct look *seen = (struct look *)look; /* it was asked for: nothing is read */
	const struct descriptors *descriptors;
	const struct usage *usage;
	const struct text *cgroups;

	put_number(out, part);
	switch (part) {
	case LOOK_USAGE:
		usage = look_usage(seen);
		put_number(out, usage != NULL);
		if (usage)
			put_usage(out, usage);
		break;
	case LOOK_CGROUPS:
		cgroups = look_cgroups(seen);
		put_number(out, cgroups != NULL);
		if (cgroups)
			put_text(out, *cgroups);
		break;
	default:
		descriptors = look_descriptors(seen, part);
		put_number(out, descriptors != NULL);
		if (descriptors)
			put_descriptors(out, descriptors);
	}
}

static void get_part(struct content *content, struct look *look, enum look_part part)
{
	struct usage usage;
	struct text cgroups;

	switch (part) {
	case LOOK_USAGE:
		get_usage(content, &usage);
		look_tell_usage(look, &usage);
		break;
	case LOOK_CGROUPS:
		cgroups = get_text(content);
		look_tell_cgroups(look, &cgroups);
		break;
	default:
		get_descriptors(content, look, part);
	}
}

int get_look(struct content *content, struct look *look)
{
	uint64_t part = get_number(content), is_there = get_number(content);

	if (content->is_bad || part >= LOOK_PARTS)
		return -EBADMSG;
	if (is_there)
		get_part(content, look, (enum look_part)part);
	return content->is_bad ? -EBADMSG : 0;
}

/* ---- domain names ---- */

static void put_domain(
	void *context, struct text name, const struct address *addresses, size_t count)
{
	put_text(context, name);
	put_number(context, count);
	for (size_t i = 0; i < count; i++)
		put_address(context, &addresses[i]);
}

void put_domains(struct buffer *out, const struct domains *domains)
{
	put_number(out, domains_count(domains));
	domains_visit(domains, put_domain, out);
}

int get_domains(struct content *content, struct domains *domains)
{
	uint64_t count = get_number(content);

	domains_forget(domains);
	for (uint64_t i = 0; i < count && !content->is_bad; i++) {
		struct address addresses[DOMAIN_ADDRESSES_MAX];
		struct text name = get_text(content);
		uint64_t found = get_number(content);

		if (found > DOMAIN_ADDRESSES_MAX)
			return -EBADMSG;
		for (uint64_t j = 0; j < found; j++)
			addresses[j] = get_address(content);
		if (content->is_bad || domains_tell(domains, name, addresses, found) < 0)
			return -EBADMSG;
	}
	return content->is_bad ? -EBADMSG : 0;
}
