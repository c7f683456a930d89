/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers from cgroup paths. A path is looked at part by part from its end, so that the inner
 * one of nested containers wins; each part is held against a table of what the engines make.
 */
#include <uthash.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/state/containers.h"
#include "sensor/state/runtimes/runtimes.h"

#define ID_LENGTH  64 /* hexadecimal digits, of all engines of the OCI world */
#define SHORT_ID   12
#define PARTS_MAX  24
#define CGROUP_MAX 4096

struct by_id {
	struct container container; /* first: the address of both is the same */
	char *key;		    /* kind and full id */
	char *cgroup;
	int64_t seen_ms, asked_ms;
	bool is_leaving;
	UT_hash_handle handle;
};

/* What a cgroup path answered before: paths come by the thousand, containers do not. */
struct path_entry {
	const struct container *container;
	char *key; /* 'i' when isolated, else 'n', and the path */
	UT_hash_handle handle;
};

/* How long metadata took from the cgroup on: what container_metadata.timeout has to cover. */
static const struct {
	int64_t up_to_ms;
	const char *name;
} waits[] = { { 50, "50" }, { 100, "100" }, { 250, "250" }, { 1000, "1000" },
	{ INT64_MAX, "more" } };

struct containers_metrics {
	metric *containers, *awaited, *refused, *forgotten, *waits[COUNT_OF(waits)];
};

struct containers {
	struct container host;
	struct runtimes *runtimes; /* NULL: nobody to ask */
	container_teller *tell;
	container_witness *witness;
	void *tell_context, *witness_context;
	struct by_id *ids;
	struct path_entry *paths;
	int64_t now_ms, next_sweep_ms, next_look_ms;
	uint64_t serial;
	struct containers_counters counters;
	struct containers_metrics metrics; /* NULLs: nobody looks */
};

static const char *const kind_names[] = {
	[CONTAINER_HOST] = "host",
	[CONTAINER_DOCKER] = "docker",
	[CONTAINER_CONTAINERD] = "containerd",
	[CONTAINER_CRIO] = "cri-o",
	[CONTAINER_PODMAN] = "podman",
	[CONTAINER_RUNC] = "runc",
	[CONTAINER_LXC] = "lxc",
	[CONTAINER_NSPAWN] = "systemd-nspawn",
	[CONTAINER_BPM] = "bpm",
};

const char *container_kind_name(enum container_kind kind)
{
	return (size_t)kind < COUNT_OF(kind_names) ? kind_names[kind] : "unknown";
}

/* ---- forms of a path's part ---- */

static bool is_id(struct text text)
{
	return text.length == ID_LENGTH && text_is_hex(text);
}

/* Fargate: 32 digits of the task, a dash, decimal digits of the container. */
static bool is_task_id(struct text text)
{
	struct text number = text_slice(text, 33, SIZE_MAX);

	return text.length > 33 && text_is_hex(text_slice(text, 0, 32)) && text.data[32] == '-' &&
	       number.length >= 9 && text_is_hex(number);
}

/* What a part looks like: PREFIX id SUFFIX. */
struct form {
	const char *prefix, *suffix;
	enum container_kind kind;
	bool takes_names; /* the id is a name that its owner chose */
};

static const struct form forms[] = {
	{ "docker-", ".scope", CONTAINER_DOCKER, false },
	{ "cri-containerd-", ".scope", CONTAINER_CONTAINERD, false },
	{ "nerdctl-", ".scope", CONTAINER_CONTAINERD, false },
	{ "containerd-", ".scope", CONTAINER_CONTAINERD, false },
	{ "crio-", ".scope", CONTAINER_CRIO, false },
	{ "crio-", "", CONTAINER_CRIO, false },
	{ "libpod-", ".scope", CONTAINER_PODMAN, false },
	{ "libpod-", "", CONTAINER_PODMAN, false },
	{ "runc-", ".scope", CONTAINER_RUNC, true },
	{ "crun-", ".scope", CONTAINER_RUNC, true },
	{ "lxc.payload.", "", CONTAINER_LXC, true },
	{ "bpm-", "", CONTAINER_BPM, true },
};

static bool fits_form(const struct form *form, struct text part, struct text *ret_id)
{
	size_t around = strlen(form->prefix) + strlen(form->suffix);
	struct text id;

	if (part.length <= around || !text_starts_with(part, text_of(form->prefix)) ||
		!text_ends_with(part, text_of(form->suffix)))
		return false;
	id = text_slice(part, strlen(form->prefix), part.length - around);
	if (!form->takes_names && !is_id(id))
		return false;
	*ret_id = id;
	return true;
}

/* "NAME.slice:cri-containerd:ID": containerd told to use systemd's cgroups while runc was not. */
static bool is_colon_form(struct text part, struct text *ret_id, enum container_kind *ret_kind)
{
	ptrdiff_t at = text_find(part, TEXT(":cri-containerd:"));
	size_t skip = strlen(":cri-containerd:");

	*ret_kind = CONTAINER_CONTAINERD;
	if (at < 0) {
		at = text_find(part, TEXT(":docker:"));
		skip = strlen(":docker:");
		*ret_kind = CONTAINER_DOCKER;
	}
	if (at < 0)
		return false;
	*ret_id = text_slice(part, at + skip, SIZE_MAX);
	return is_id(*ret_id);
}

/* ---- a whole path ---- */

struct parts {
	struct text part[PARTS_MAX];
	size_t count;
};

static void split_path(struct text cgroup, struct parts *ret_parts)
{
	struct text part;

	ret_parts->count = 0;
	while (text_split(&cgroup, '/', &part)) {
		if (!part.length)
			continue;
		if (ret_parts->count == PARTS_MAX) {
			/* Keep the inner ones: they decide. */
			memmove(ret_parts->part, ret_parts->part + 1,
				sizeof(part) * (PARTS_MAX - 1));
			ret_parts->count--;
		}
		ret_parts->part[ret_parts->count++] = part;
	}
}

/* Whose bare id it is, by what stands before it. */
static enum container_kind kind_above(const struct parts *parts, size_t index)
{
	for (size_t i = index; i-- > 0;) {
		if (text_is(parts->part[i], "docker") || text_is(parts->part[i], "ecs"))
			return CONTAINER_DOCKER;
		if (text_starts_with(parts->part[i], TEXT("libpod")))
			return CONTAINER_PODMAN;
		if (text_starts_with(parts->part[i], TEXT("kubepods")) ||
			text_is(parts->part[i], "k8s.io") || text_is(parts->part[i], "default"))
			return CONTAINER_CONTAINERD;
	}
	return CONTAINER_DOCKER;
}

static bool is_below(const struct parts *parts, size_t index, const char *name)
{
	return index > 0 && text_is(parts->part[index - 1], name);
}

/* "/machine.slice/machine-NAME.scope/payload" and "…/systemd-nspawn@NAME.service/payload". */
static bool is_machine(
	const struct parts *parts, size_t index, bool is_isolated, struct text *ret_id)
{
	struct text part = parts->part[index], id = { 0 };
	bool has_next = index + 1 < parts->count;

	if (text_starts_with(part, TEXT("machine-")) && text_ends_with(part, TEXT(".scope")))
		id = text_slice(part, 8, part.length - 8 - 6);
	if (text_starts_with(part, TEXT("systemd-nspawn@")) &&
		text_ends_with(part, TEXT(".service")))
		id = text_slice(part, 15, part.length - 15 - 8);
	/* Virtual machines of libvirt have such scopes too. */
	if (!id.length || text_starts_with(id, TEXT("qemu\\x2d")))
		return false;
	if (has_next && text_is(parts->part[index + 1], "supervisor"))
		return false;
	*ret_id = id;
	return is_isolated || (has_next && text_is(parts->part[index + 1], "payload"));
}

static bool is_engines(const struct parts *parts, size_t index, bool is_isolated,
	enum container_kind *ret_kind, struct text *ret_id)
{
	struct text part = parts->part[index];

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		if (!fits_form(&forms[i], part, ret_id))
			continue;
		*ret_kind = forms[i].kind;
		return true;
	}
	if (is_colon_form(part, ret_id, ret_kind))
		return true;
	*ret_id = part;
	*ret_kind = kind_above(parts, index);
	if (is_id(part))
		return true;
	*ret_kind = CONTAINER_CONTAINERD;
	if (is_task_id(part))
		return true;
	if (is_isolated && is_below(parts, index, "k8s.io"))
		return true;
	*ret_kind = CONTAINER_LXC;
	if (is_below(parts, index, "lxc") || is_below(parts, index, "lxc.payload"))
		return true;
	*ret_kind = CONTAINER_NSPAWN;
	return is_machine(parts, index, is_isolated, ret_id);
}

/* Services, sessions and their kin: what systemd starts may be isolated and is no container. */
static bool is_unit(struct text part)
{
	static const char *const suffixes[] = { ".service", ".scope", ".slice", ".socket", ".mount",
		".swap" };

	for (size_t i = 0; i < COUNT_OF(suffixes); i++)
		if (text_ends_with(part, text_of(suffixes[i])))
			return true;
	return false;
}

bool container_id_in_cgroup(
	struct text cgroup, bool is_isolated, enum container_kind *ret_kind, struct text *ret_id)
{
	enum container_kind kind;
	struct parts parts;
	struct text id, last;

	split_path(cgroup, &parts);
	for (size_t i = parts.count; i-- > 0;) {
		if (!is_engines(&parts, i, is_isolated, &kind, &id))
			continue;
		*ret_kind = kind;
		*ret_id = id;
		return true;
	}
	if (!is_isolated || !parts.count)
		return false;
	last = parts.part[parts.count - 1];
	if (is_unit(last))
		return false;
	*ret_kind = CONTAINER_RUNC;
	*ret_id = last;
	return true;
}

struct text cgroup_deciding(struct text unified, struct text v1)
{
	enum container_kind kind;
	struct text id;

	if (v1.length < 2 || container_id_in_cgroup(unified, false, &kind, &id))
		return unified;
	if (unified.length < 2 || container_id_in_cgroup(v1, false, &kind, &id))
		return v1;
	return unified;
}

/* ---- the table ---- */

struct containers *containers_new(void)
{
	struct containers *containers = NEW(struct containers);

	containers->host = (struct container){ .kind = CONTAINER_HOST,
		.references = 1,
		.id = TEXT("host"),
		.full_id = TEXT("host"),
		.name = TEXT("host") };
	return containers;
}

static void forget_paths(struct containers *containers)
{
	struct path_entry *path, *next;

	HASH_ITER (handle, containers->paths, path, next) {
		HASH_DELETE(handle, containers->paths, path);
		free(path->key);
		free(path);
	}
}

static void metrics_begin(struct containers_metrics *ours, struct metrics *metrics)
{
	ours->containers = metrics_gauge(
		metrics, "tercel_sensor_containers", "Containers that are kept in memory", NULL);
	ours->awaited = metrics_gauge(metrics, "tercel_sensor_containers_awaited",
		"Containers whose runtime was asked and has not answered yet", NULL);
	ours->refused = metrics_counter(metrics, "tercel_sensor_containers_refused_total",
		"Cgroups of containers taken for the host's because too many were known", NULL);
	ours->forgotten = metrics_counter(metrics, "tercel_sensor_containers_forgotten_total",
		"Containers that are gone and were forgotten", NULL);
	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		_cleanup_(buffer_done) struct buffer labels;

		buffer_init(&labels, 64);
		metrics_label(&labels, "within_ms", text_of(waits[i].name));
		ours->waits[i] = metrics_counter(metrics, "tercel_sensor_containers_answers_total",
			"Whole answers about containers, by how long after the question they came",
			labels.data);
	}
}

/* The counters are the hot thread's; whoever reads metrics sees them as of its last look. */
static void publish(struct containers *containers)
{
	const struct containers_metrics *ours = &containers->metrics;

	if (!ours->containers)
		return;
	atomic_store(ours->containers, HASH_CNT(handle, containers->ids));
	atomic_store(ours->awaited, (int64_t)containers->counters.awaited);
	atomic_store(ours->refused, (int64_t)containers->counters.refused);
	atomic_store(ours->forgotten, (int64_t)containers->counters.forgotten);
}

static void count_wait(struct containers *containers, int64_t waited_ms)
{
	size_t i = 0;

	if (!containers->metrics.containers)
		return;
	while (waited_ms > waits[i].up_to_ms)
		i++;
	atomic_fetch_add(containers->metrics.waits[i], 1);
}

void containers_set_runtimes(struct containers *containers, struct runtimes *runtimes)
{
	containers->runtimes = runtimes;
	if (runtimes)
		metrics_begin(&containers->metrics, runtimes_metrics(runtimes));
}

void containers_set_teller(struct containers *containers, container_teller *tell, void *context)
{
	containers->tell = tell;
	containers->tell_context = context;
}

void containers_set_witness(
	struct containers *containers, container_witness *witness, void *context)
{
	containers->witness = witness;
	containers->witness_context = context;
}

void containers_visit(const struct containers *containers, container_witness *visit, void *context)
{
	struct by_id *one, *next;

	HASH_ITER (handle, containers->ids, one, next) {
		if (one->container.metadata)
			visit(context, &one->container);
	}
}

const struct container *container_hold(const struct container *container)
{
	((struct container *)container)->references++;
	return container;
}

void container_release(const struct container *container)
{
	struct by_id *one = (struct by_id *)container;

	/* The host's is the table's own. */
	if (!container || --one->container.references || container->kind == CONTAINER_HOST)
		return;
	metadata_release(one->container.metadata);
	free(one->key);
	free(one->cgroup);
	free(one);
}

static void drop(struct containers *containers, struct by_id *one)
{
	HASH_DELETE(handle, containers->ids, one);
	container_release(&one->container);
}

void containers_free(struct containers *containers)
{
	struct by_id *one, *next;

	if (!containers)
		return;
	forget_paths(containers);
	HASH_ITER (handle, containers->ids, one, next) {
		drop(containers, one);
	}
	free(containers);
}

/* ---- forgetting ---- */

static void forget_paths_of_leaving(struct containers *containers)
{
	struct path_entry *path, *next;

	HASH_ITER (handle, containers->paths, path, next) {
		/* The host's container is no by_id. */
		if (path->container->kind == CONTAINER_HOST ||
			!((const struct by_id *)path->container)->is_leaving)
			continue;
		HASH_DELETE(handle, containers->paths, path);
		free(path->key);
		free(path);
	}
}

/* A container whose processes are gone is held by the table alone. */
static void forget_unused(struct containers *containers, int64_t for_ms)
{
	struct by_id *one, *next;
	uint64_t leaving = 0;

	HASH_ITER (handle, containers->ids, one, next) {
		one->is_leaving = one->container.references == 1 &&
				  containers->now_ms - one->seen_ms >= for_ms;
		leaving += one->is_leaving;
	}
	if (!leaving)
		return;
	forget_paths_of_leaving(containers);
	HASH_ITER (handle, containers->ids, one, next) {
		if (!one->is_leaving)
			continue;
		containers->counters.awaited -= one->container.state == METADATA_AWAITED;
		drop(containers, one);
	}
	containers->counters.forgotten += leaving;
}

/* ---- metadata ---- */

static void set_metadata(struct container *container, const struct metadata *metadata)
{
	metadata_release(container->metadata);
	container->metadata = metadata;
	container->name = metadata->name;
	container->version++;
}

static void take_told(struct containers *containers, struct by_id *one)
{
	const struct metadata *metadata = containers->tell(
		containers->tell_context, one->container.kind, one->container.full_id);

	one->container.state = metadata ? METADATA_KNOWN : METADATA_UNKNOWN;
	one->container.version++;
	if (metadata)
		set_metadata(&one->container, metadata_hold(metadata));
}

static void ask(struct containers *containers, struct by_id *one)
{
	struct container *container = &one->container;

	if (containers->tell && runtimes_may_know(container->kind))
		take_told(containers, one);
	if (!containers->runtimes || !runtimes_may_know(container->kind))
		return;
	container->version++;
	if (runtimes_ask(containers->runtimes, container->kind, container->full_id,
		    text_of(one->cgroup)) < 0) {
		container->state = METADATA_UNKNOWN;
		return;
	}
	container->state = METADATA_AWAITED;
	one->asked_ms = containers->now_ms;
	containers->counters.awaited++;
}

/* A runtime came back: what nobody knew it may know. */
static void ask_again(struct containers *containers)
{
	for (struct by_id *one = containers->ids; one; one = one->handle.next)
		if (one->container.state == METADATA_UNKNOWN)
			ask(containers, one);
}

static struct by_id *find(
	const struct containers *containers, enum container_kind kind, struct text id)
{
	_cleanup_(freep) char *key = string_printf("%d " TEXT_FORMAT, (int)kind, TEXT_PRINT(id));
	struct by_id *one;

	HASH_FIND(handle, containers->ids, key, strlen(key), one);
	return one;
}

static void learn(struct containers *containers, struct runtimes_answer *answer)
{
	struct by_id *one = find(containers, answer->kind, text_of(answer->id));
	bool is_last = !answer->metadata || !answer->metadata->is_partial;
	struct container *container;

	if (!one)
		return;
	container = &one->container;
	container->version++;
	if (container->state == METADATA_AWAITED && is_last)
		containers->counters.awaited--;
	if (is_last && answer->metadata)
		count_wait(containers, containers->now_ms - one->asked_ms);
	if (!answer->metadata) {
		container->state = METADATA_UNKNOWN;
		/* The rest of what was told in part will not come; nobody else has it by now. */
		if (container->metadata)
			((struct metadata *)container->metadata)->is_partial = false;
		return;
	}
	set_metadata(container, TAKE(answer->metadata));
	if (is_last)
		container->state = METADATA_KNOWN;
	if (containers->witness)
		containers->witness(containers->witness_context, container);
}

bool containers_update(struct containers *containers, int64_t now_ms)
{
	struct runtimes_answer *answer;
	bool is_news = false;

	containers->now_ms = now_ms;
	if (now_ms >= containers->next_sweep_ms) {
		containers->next_sweep_ms = now_ms + CONTAINERS_FORGET_MS / 6;
		forget_unused(containers, CONTAINERS_FORGET_MS);
		publish(containers);
	}
	/* While nothing is awaited only a runtime that comes back has something to say. */
	if (!containers->runtimes ||
		(!containers->counters.awaited && now_ms < containers->next_look_ms))
		return false;
	containers->next_look_ms = now_ms + 1000;
	while (runtimes_take(containers->runtimes, &answer, 1)) {
		if (answer->answer == ANSWER_NEWS)
			ask_again(containers);
		else
			learn(containers, answer);
		runtimes_answer_free(answer);
		is_news = true;
	}
	if (is_news)
		publish(containers);
	return is_news;
}

/* ---- finding ---- */

static const struct container *container_of_id(
	struct containers *containers, enum container_kind kind, struct text id, struct text cgroup)
{
	struct by_id *one = find(containers, kind, id);

	if (one)
		return &one->container;
	if (HASH_CNT(handle, containers->ids) >= CONTAINERS_MAX)
		forget_unused(containers, 0);
	if (HASH_CNT(handle, containers->ids) >= CONTAINERS_MAX) {
		containers->counters.refused++;
		return &containers->host;
	}
	one = NEW(struct by_id);
	one->key = string_printf("%d " TEXT_FORMAT, (int)kind, TEXT_PRINT(id));
	one->cgroup = text_to_string(cgroup);
	one->container.kind = kind;
	one->container.references = 1;
	one->container.serial = ++containers->serial;
	one->container.full_id = text_of(strchr(one->key, ' ') + 1);
	one->container.id = text_slice(one->container.full_id, 0, SHORT_ID);
	if (!runtimes_may_know(kind))
		one->container.name = one->container.full_id;
	HASH_ADD_KEYPTR(handle, containers->ids, one->key, strlen(one->key), one);
	ask(containers, one);
	return &one->container;
}

/* A cgroup that a container makes below its own is still that container's. */
static const struct container *container_around(struct containers *containers, struct text cgroup)
{
	while (cgroup.length > 1) {
		struct path_entry *path;
		_cleanup_(freep) char *key = NULL;

		while (cgroup.length && cgroup.data[cgroup.length - 1] != '/')
			cgroup.length--;
		if (cgroup.length < 2)
			return NULL;
		cgroup.length--;
		key = string_printf("i" TEXT_FORMAT, TEXT_PRINT(cgroup));
		HASH_FIND(handle, containers->paths, key, strlen(key), path);
		if (path && path->container->kind == CONTAINER_RUNC)
			return path->container;
	}
	return NULL;
}

static const struct container *find_out(
	struct containers *containers, struct text cgroup, bool is_isolated)
{
	const struct container *around = NULL;
	enum container_kind kind;
	struct text id;

	if (!container_id_in_cgroup(cgroup, is_isolated, &kind, &id))
		return &containers->host;
	if (kind == CONTAINER_RUNC)
		around = container_around(containers, cgroup);
	return around ? around : container_of_id(containers, kind, id, cgroup);
}

static const struct container *seen(
	const struct containers *containers, const struct container *container)
{
	if (container->kind != CONTAINER_HOST)
		((struct by_id *)container)->seen_ms = containers->now_ms;
	return container;
}

const struct container *containers_of_cgroup(
	struct containers *containers, struct text cgroup, bool is_isolated)
{
	_cleanup_(freep) char *key = string_printf("%c" TEXT_FORMAT, is_isolated ? 'i' : 'n',
		TEXT_PRINT(text_slice(cgroup, 0, CGROUP_MAX)));
	struct path_entry *path;

	HASH_FIND(handle, containers->paths, key, strlen(key), path);
	if (path)
		return seen(containers, path->container);
	/* Answers are cheap to find again; a plain RUNC's neighbours lose their memory of it. */
	if (HASH_CNT(handle, containers->paths) >= CONTAINERS_MAX)
		forget_paths(containers);
	path = NEW(struct path_entry);
	path->container = find_out(containers, cgroup, is_isolated);
	path->key = TAKE(key);
	HASH_ADD_KEYPTR(handle, containers->paths, path->key, strlen(path->key), path);
	return seen(containers, path->container);
}

void containers_expect(struct containers *containers, struct text cgroup)
{
	enum container_kind kind;
	struct text id;

	/* Paths of services and pods are not worth a place in the table. */
	if (container_id_in_cgroup(cgroup, false, &kind, &id))
		(void)containers_of_cgroup(containers, cgroup, false);
}

void containers_counters(const struct containers *containers, struct containers_counters *ret)
{
	*ret = containers->counters;
	ret->containers = HASH_CNT(handle, containers->ids);
}
