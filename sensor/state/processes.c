/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of processes. An entry is a process, alive or still of use; its `now` is the snapshot
 * of what it runs. An entry lives while it is in the table, has children, or a snapshot of it is
 * held; it holds its parent, so that ancestors can be reached from any held snapshot. Long texts
 * are in an image, which forks and small changes share.
 */
#include <dirent.h>
#include <errno.h>
#include <time.h>
#include <uthash.h>

#include "base/arena.h"
#include "base/memory.h"
#include "sensor/kernel/wire.h"
#include "sensor/state/containers.h"
#include "sensor/state/processes.h"

#define ANCESTOR_STEPS 100
#define TICK_NS	       10000000
#define EVICT_TRIES    64
/* PROC_PID_INIT_INO of the kernel: the inode of the first pid namespace. */
#define HOST_PID_NAMESPACE 0xEFFFFFFC
#define READ_MAX	   (1 << 17) /* what reading one process takes from the arena, at most */

struct image {
	uint32_t references;
	char texts[];
};

struct snapshot {
	struct process process; /* first: the address of both is the same */
	struct image *image;
	struct entry *entry;
	char comm[COMM_LENGTH];
};

struct entry {
	int64_t pid;
	uint64_t start_ns; /* 0: only `start_tick` is known */
	uint64_t start_tick;
	uint32_t references; /* the table's, the children's, those of held snapshots */
	bool is_alive;
	struct snapshot *now;
	struct entry *parent, *children, *next_sibling, *previous_sibling;
	struct entry *older, *newer; /* in the order in which they were last seen */
	uint64_t scan;
	const struct processes *table;	  /* NULL: a copy, in none */
	uint64_t lineage, lineage_change; /* as it was at that change of the table */
	UT_hash_handle handle;
};

struct processes {
	struct containers *containers;
	const char *host_root;
	uint64_t host_mount_namespace;
	uint64_t limit;
	process_reader *read;
	void *read_context;
	bool is_blind; /* this /proc is of another pid namespace than the records are */
	struct entry *entries;
	struct entry *oldest, *newest;
	struct arena *arena;
	uint64_t scan;
	uint64_t change; /* how often a process that has children, or its place, changed */
	uint64_t serial; /* of the last snapshot; from the clock on, so that no two tables share one
			  */
	struct processes_counters counters;
};

/* ---- snapshots ---- */

static void image_release(struct image *image)
{
	if (image && !--image->references)
		free(image);
}

static void snapshot_unref(struct snapshot *snapshot)
{
	if (!snapshot || --snapshot->process.references)
		return;
	container_release(snapshot->process.container);
	image_release(snapshot->image);
	free(snapshot);
}

static void unlink_child(struct entry *entry)
{
	struct entry *parent = entry->parent;

	if (entry->previous_sibling)
		entry->previous_sibling->next_sibling = entry->next_sibling;
	else if (parent && parent->children == entry)
		parent->children = entry->next_sibling;
	if (entry->next_sibling)
		entry->next_sibling->previous_sibling = entry->previous_sibling;
	entry->next_sibling = entry->previous_sibling = NULL;
}

static void entry_release(struct entry *entry)
{
	while (entry && !--entry->references) {
		struct entry *parent = entry->parent;

		snapshot_unref(entry->now);
		free(entry);
		entry = parent;
	}
}

const struct process *process_hold(const struct process *process)
{
	struct snapshot *snapshot = (struct snapshot *)process;

	snapshot->process.references++;
	snapshot->entry->references++;
	return process;
}

void process_release(const struct process *process)
{
	struct snapshot *snapshot = (struct snapshot *)process;
	struct entry *entry;

	if (!snapshot)
		return;
	entry = snapshot->entry;
	snapshot_unref(snapshot);
	entry_release(entry);
}

const struct process *process_ancestor(const struct process *process, unsigned level)
{
	const struct entry *entry;

	if (!level)
		return process;
	entry = ((const struct snapshot *)process)->entry;
	for (unsigned i = 0; entry && i < level; i++) {
		if (i >= ANCESTOR_STEPS)
			return NULL;
		entry = entry->parent;
		if (entry == ((const struct snapshot *)process)->entry)
			return NULL;
	}
	return entry && entry->now ? &entry->now->process : NULL;
}

static uint64_t mixed(uint64_t sum, uint64_t serial)
{
	sum = (sum ^ serial) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ sum >> 32;
}

/* Of snapshots there are no two with one serial, so a sum over them tells lineages apart. */
static uint64_t lineage_of(const struct entry *entry)
{
	const struct entry *ancestor = entry->parent;
	uint64_t sum = 1;

	for (unsigned i = 0; ancestor && ancestor->now && ancestor != entry && i < ANCESTOR_STEPS;
		i++, ancestor = ancestor->parent)
		sum = mixed(sum, ancestor->now->process.serial);
	return sum ? sum : 1;
}

uint64_t process_lineage(const struct process *process)
{
	struct entry *entry = ((const struct snapshot *)process)->entry;

	if (!entry || !entry->table || !entry->is_alive)
		return 0;
	if (!entry->lineage || entry->lineage_change != entry->table->change) {
		entry->lineage = lineage_of(entry);
		entry->lineage_change = entry->table->change;
	}
	return entry->lineage;
}

/* An entry outside of the table that nothing changes any more; it owns its snapshot. */
static struct entry *entry_freeze(const struct snapshot *from)
{
	struct entry *entry = NEW(struct entry);
	struct snapshot *snapshot = NEW(struct snapshot);

	*snapshot = *from;
	snapshot->process.references = 1;
	snapshot->process.comm.data = snapshot->comm;
	snapshot->image->references++;
	snapshot->entry = entry;
	(void)container_hold(snapshot->process.container);
	entry->pid = from->process.pid;
	entry->references = 1;
	entry->now = snapshot;
	return entry;
}

const struct process *process_freeze(const struct process *process, size_t *ret_bytes)
{
	const struct snapshot *from = (const struct snapshot *)process;
	struct entry *first = entry_freeze(from), *last = first;
	const struct entry *ancestor = from->entry->parent;
	unsigned steps = 1;

	for (; ancestor && ancestor->now && ancestor != from->entry && steps < ANCESTOR_STEPS;
		ancestor = ancestor->parent, steps++) {
		last->parent = entry_freeze(ancestor->now);
		last = last->parent;
	}
	*ret_bytes = steps * (sizeof(struct entry) + sizeof(struct snapshot));
	/* The caller has the entry's one reference, and a second one of the snapshot. */
	first->now->process.references++;
	return &first->now->process;
}

/* Offsets of the texts in struct process, so that they can be copied in one loop. */
static const size_t text_members[] = {
	offsetof(struct process, exe),
	offsetof(struct process, exe_path),
	offsetof(struct process, arguments),
	offsetof(struct process, environment),
	offsetof(struct process, working_directory),
	offsetof(struct process, cgroup),
	offsetof(struct process, root),
};

static struct text *text_member(struct process *process, size_t i)
{
	return (struct text *)((char *)process + text_members[i]);
}

/* Moves all texts of a process into an image of its own. */
static struct image *image_new(struct process *process)
{
	struct image *image;
	size_t size = 0;
	char *at;

	for (size_t i = 0; i < COUNT_OF(text_members); i++)
		size += text_member(process, i)->length + 1;
	image = memory_new(1, sizeof(*image) + size);
	image->references = 1;
	at = image->texts;
	for (size_t i = 0; i < COUNT_OF(text_members); i++) {
		struct text *text = text_member(process, i);

		if (text->length)
			memcpy(at, text->data, text->length);
		text->data = at;
		at += text->length + 1;
	}
	return image;
}

static bool is_isolated(const struct processes *processes, const struct process *process)
{
	return process->pid_namespace && process->pid_namespace != HOST_PID_NAMESPACE &&
	       process->mount_namespace &&
	       process->mount_namespace != processes->host_mount_namespace;
}

static bool is_below(struct text cgroup, struct text above)
{
	return above.length > 1 && text_starts_with(cgroup, above) &&
	       cgroup.length > above.length && cgroup.data[above.length] == '/';
}

/*
 * The cgroup says which container, but who may write to cgroups can move into another one's, or
 * into the host's. A process that was in a container and still sees that one's files is there.
 * Not so a container's own children: an engine inside it enters their namespaces before their
 * cgroups, which are below its own. And a bare bundle is only guessed at: what enters an engine's
 * container by its namespaces first looks like one for a moment.
 */
static const struct container *container_of(const struct processes *processes,
	const struct process *facts, const struct process *before)
{
	const struct container *container = containers_of_cgroup(
		processes->containers, facts->cgroup, is_isolated(processes, facts));

	if (!before || before->container == container || !before->mount_namespace ||
		before->mount_namespace != facts->mount_namespace ||
		before->container->kind == CONTAINER_HOST ||
		before->container->kind == CONTAINER_RUNC ||
		is_below(facts->cgroup, before->cgroup))
		return container;
	return before->container;
}

/* The first process of a pid namespace. Those of the host have its numbers as their own. */
static const struct process *first_of_namespace(
	const struct processes *processes, const struct process *process)
{
	const struct entry *init;
	int64_t pid = 1;

	if (process->vpid == process->pid) {
		HASH_FIND(handle, processes->entries, &pid, sizeof(pid), init);
		return init && init->now ? &init->now->process : NULL;
	}
	for (const struct entry *one = processes->newest; one; one = one->older)
		if (one->now && one->now->process.vpid == 1 &&
			one->now->process.pid_namespace == process->pid_namespace)
			return &one->now->process;
	return NULL;
}

/* When its pid namespace began: known from the forker, else from the first process in it. */
static uint64_t namespace_start_of(const struct processes *processes, const struct process *process,
	const struct process *before)
{
	const struct process *first;

	if (process->namespace_start_ns || !process->pid_namespace)
		return process->namespace_start_ns;
	if (process->vpid == 1)
		return process->clone_time_ns;
	if (before && before->pid_namespace == process->pid_namespace)
		return before->namespace_start_ns;
	/* Found at the start, or somebody entered it from outside, which is rare. */
	first = first_of_namespace(processes, process);
	return first ? first->namespace_start_ns : 0;
}

/*
 * Makes `facts` what the entry runs now; `before`: what it, or its forker, ran. Texts are copied
 * unless `image` holds them already.
 */
static void entry_set(struct processes *processes, struct entry *entry, const struct process *facts,
	const struct process *before, struct image *image)
{
	struct snapshot *snapshot = NEW(struct snapshot);

	snapshot->process = *facts;
	snapshot->process.references = 1;
	snapshot->process.serial = ++processes->serial;
	snapshot->process.comm = text_slice(facts->comm, 0, COMM_LENGTH - 1);
	if (facts->comm.length)
		memcpy(snapshot->comm, facts->comm.data, snapshot->process.comm.length);
	snapshot->process.comm.data = snapshot->comm;
	snapshot->process.namespace_start_ns = namespace_start_of(processes, facts, before);
	snapshot->process.container = container_hold(container_of(processes, facts, before));
	if (image)
		image->references++;
	snapshot->image = image ? image : image_new(&snapshot->process);
	snapshot->entry = entry;
	snapshot_unref(entry->now);
	entry->now = snapshot;
	if (entry->children)
		processes->change++;
}

static const struct process *now_of(const struct entry *entry)
{
	return entry->now ? &entry->now->process : NULL;
}

/* ---- the table ---- */

static void unlist(struct processes *processes, struct entry *entry)
{
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		processes->oldest = entry->newer;
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		processes->newest = entry->older;
	entry->older = entry->newer = NULL;
}

static void list_newest(struct processes *processes, struct entry *entry)
{
	entry->older = processes->newest;
	if (processes->newest)
		processes->newest->newer = entry;
	else
		processes->oldest = entry;
	processes->newest = entry;
}

static void touch(struct processes *processes, struct entry *entry)
{
	if (processes->newest == entry)
		return;
	unlist(processes, entry);
	list_newest(processes, entry);
}

static struct entry *entry_find(const struct processes *processes, int64_t pid)
{
	struct entry *entry;

	/* One process' events come in rows. */
	if (processes->newest && processes->newest->pid == pid)
		return processes->newest;
	HASH_FIND(handle, processes->entries, &pid, sizeof(pid), entry);
	return entry;
}

static void set_parent(struct processes *processes, struct entry *entry, struct entry *parent)
{
	struct entry *before = entry->parent;

	if (before == parent || parent == entry)
		return;
	entry->lineage = 0;
	if (entry->children)
		processes->change++;
	unlink_child(entry);
	entry->parent = parent;
	if (parent) {
		parent->references++;
		entry->next_sibling = parent->children;
		if (parent->children)
			parent->children->previous_sibling = entry;
		parent->children = entry;
	}
	entry_release(before);
}

/* Takes it out of the table; who still holds it keeps it and its ancestors. */
static void entry_remove(struct processes *processes, struct entry *entry, struct entry *reaper)
{
	struct entry *next;

	for (struct entry *child = entry->children; child; child = next) {
		next = child->next_sibling;
		set_parent(processes, child,
			reaper && reaper != child && reaper != entry ? reaper : NULL);
	}
	unlink_child(entry);
	entry->is_alive = false;
	HASH_DELETE(handle, processes->entries, entry);
	unlist(processes, entry);
	processes->counters.processes--;
	entry_release(entry);
}

/* Throws out the one that was not seen for longest, sparing parents where it can. */
static void evict_one(struct processes *processes)
{
	struct entry *entry = processes->oldest;

	for (int i = 0; i < EVICT_TRIES && entry && entry->children; i++) {
		touch(processes, entry);
		entry = processes->oldest;
	}
	if (!entry)
		return;
	processes->counters.evicted++;
	entry_remove(processes, entry, entry->parent);
}

static struct entry *entry_add(struct processes *processes, int64_t pid)
{
	struct entry *entry;

	if (processes->counters.processes >= processes->limit)
		evict_one(processes);
	entry = NEW(struct entry);
	entry->pid = pid;
	entry->references = 1;
	entry->is_alive = true;
	entry->table = processes;
	HASH_ADD(handle, processes->entries, pid, sizeof(entry->pid), entry);
	list_newest(processes, entry);
	processes->counters.processes++;
	return entry;
}

/* Whether the entry is the process that started at `start_ns`; /proc knows only ticks. */
static bool is_same(struct entry *entry, uint64_t start_ns)
{
	uint64_t tick = start_ns / TICK_NS;

	if (!start_ns || entry->start_ns == start_ns)
		return true;
	if (entry->start_ns || tick + 1 < entry->start_tick || tick > entry->start_tick + 1)
		return false;
	entry->start_ns = start_ns;
	return true;
}

/* The entry of exactly this process, or NULL; one that had its pid before is taken out. */
static struct entry *entry_of(struct processes *processes, int64_t pid, uint64_t start_ns)
{
	struct entry *entry = entry_find(processes, pid);

	if (!entry || is_same(entry, start_ns))
		return entry;
	entry_remove(processes, entry, NULL);
	return NULL;
}

/* Reads a process from /proc into a new entry; NULL when it is gone. */
static struct entry *read_one(struct processes *processes, int64_t pid)
{
	struct process facts;
	struct entry *entry;
	uint64_t tick;

	if (processes->is_blind)
		return NULL;
	arena_reset(processes->arena);
	if (processes->read(processes->read_context, pid, processes->arena, &facts, &tick) < 0) {
		processes->counters.missed++;
		return NULL;
	}
	processes->counters.read++;
	entry = entry_add(processes, pid);
	entry->start_tick = tick;
	entry->scan = processes->scan;
	entry_set(processes, entry, &facts, NULL, NULL);
	return entry;
}

static bool has_same_texts(struct process *one, struct process *other)
{
	for (size_t i = 0; i < COUNT_OF(text_members); i++)
		if (!text_equal(*text_member(one, i), *text_member(other, i)))
			return false;
	return true;
}

/*
 * A process that was read, and that nobody has seen yet, shares the image of its parent when it is
 * a mere fork of it, as it would if the fork had been seen.
 */
static void share_image(struct entry *entry)
{
	struct snapshot *own = entry->now, *of = entry->parent ? entry->parent->now : NULL;

	if (!of || !has_same_texts(&own->process, &of->process))
		return;
	for (size_t i = 0; i < COUNT_OF(text_members); i++)
		*text_member(&own->process, i) = *text_member(&of->process, i);
	of->image->references++;
	image_release(own->image);
	own->image = of->image;
}

/* The entry of a pid, read from /proc with its ancestors when it is not known. */
static struct entry *entry_find_or_read(struct processes *processes, int64_t pid)
{
	struct entry *first = NULL, *child = NULL;

	for (int i = 0; i < ANCESTOR_STEPS && pid > 0; i++) {
		struct entry *known = entry_find(processes, pid);
		struct entry *entry = known ? known : read_one(processes, pid);

		if (!entry)
			break;
		if (child) {
			set_parent(processes, child, entry);
			share_image(child);
		}
		if (!first)
			first = entry;
		if (known)
			break;
		child = entry;
		pid = entry->now->process.parent_pid;
	}
	return first;
}

static void link_parent(struct processes *processes, struct entry *entry, int64_t parent_pid)
{
	set_parent(processes, entry, entry_find_or_read(processes, parent_pid));
}

static int read_from_proc(void *context, int64_t pid, struct arena *arena,
	struct process *ret_facts, uint64_t *ret_start_tick)
{
	const struct processes *processes = context;

	return process_read(processes->host_root, pid, arena, ret_facts, ret_start_tick);
}

/* A table does not make a snapshot a nanosecond, so the next one starts behind its last. */
static uint64_t start_serial(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct processes *processes_new(struct containers *containers, const char *host_root)
{
	struct processes *processes = NEW(struct processes);
	uint64_t namespace;

	processes->containers = containers;
	processes->limit = PROCESSES_MAX;
	processes->host_root = host_root ? host_root : "";
	processes->host_mount_namespace = namespace_read(processes->host_root, 1, "ns/mnt");
	namespace = namespace_read(processes->host_root, 1, "ns/pid");
	processes->is_blind = namespace && namespace != HOST_PID_NAMESPACE;
	processes->serial = start_serial();
	processes->read = read_from_proc;
	processes->read_context = processes;
	processes->arena = arena_new(READ_MAX);
	return processes;
}

void processes_free(struct processes *processes)
{
	struct entry *entry, *next;

	if (!processes)
		return;
	HASH_ITER (handle, processes->entries, entry, next) {
		entry_remove(processes, entry, NULL);
	}
	arena_free(processes->arena);
	free(processes);
}

void processes_set_limit(struct processes *processes, uint64_t limit)
{
	processes->limit = MAX_OF(limit, 2);
}

void processes_set_reader(struct processes *processes, process_reader *read, void *context)
{
	processes->read = read ? read : read_from_proc;
	processes->read_context = read ? context : processes;
}

uint64_t processes_host_namespace(const struct processes *processes)
{
	return processes->host_mount_namespace;
}

/* Only what was recorded is known of that host, so there is no /proc that could be a wrong one. */
void processes_set_host_namespace(struct processes *processes, uint64_t mount_namespace)
{
	processes->host_mount_namespace = mount_namespace;
	processes->is_blind = false;
}

void processes_counters(const struct processes *processes, struct processes_counters *ret)
{
	*ret = processes->counters;
}

static void forget_gone(struct processes *processes)
{
	struct entry *entry, *next;

	HASH_ITER (handle, processes->entries, entry, next) {
		if (entry->scan != processes->scan)
			entry_remove(processes, entry, entry->parent);
	}
}

static void see_scanned(struct processes *processes, int64_t pid)
{
	struct entry *entry = entry_find_or_read(processes, pid);

	if (entry)
		entry->scan = processes->scan;
}

void processes_scan_pids(struct processes *processes, const int64_t *pids, size_t count)
{
	processes->scan++;
	for (size_t i = 0; i < count; i++)
		see_scanned(processes, pids[i]);
	forget_gone(processes);
}

int processes_scan(struct processes *processes, struct error *err)
{
	_cleanup_(freep) char *path = string_printf("%s/proc", processes->host_root);
	DIR *folder;
	struct dirent *one;

	if (processes->is_blind)
		return error_set(err, -EXDEV,
			"%s shows another pid namespace than the host's; processes that ran before are "
			"not known (share the host's pid namespace, or mount its /proc)",
			path);
	folder = opendir(path);
	if (!folder)
		return error_set(err, -errno, "%s cannot be read: %s; the host's /proc is needed",
			path, strerror(errno));
	processes->scan++;
	while ((one = readdir(folder))) {
		int64_t pid;

		if (!text_to_i64(text_of(one->d_name), &pid))
			see_scanned(processes, pid);
	}
	closedir(folder);
	forget_gone(processes);
	return 0;
}

void processes_visit(const struct processes *processes,
	void (*visit)(void *context, const struct process *process), void *context)
{
	for (const struct entry *entry = processes->entries; entry; entry = entry->handle.next)
		visit(context, &entry->now->process);
}

uint64_t processes_start_tick(const struct processes *processes, int64_t pid)
{
	const struct entry *entry = entry_find(processes, pid);

	return !entry ? 0 : entry->start_ns ? entry->start_ns / TICK_NS : entry->start_tick;
}

const struct process *processes_find(const struct processes *processes, int64_t pid)
{
	const struct entry *entry = entry_find(processes, pid);

	return entry ? &entry->now->process : NULL;
}

static struct entry *entry_make(struct processes *processes, int64_t pid, uint64_t start_ns)
{
	struct entry *entry = entry_of(processes, pid, start_ns);

	if (entry) {
		touch(processes, entry);
		return entry;
	}
	entry = entry_add(processes, pid);
	entry->start_ns = start_ns;
	entry->start_tick = start_ns / TICK_NS;
	entry->scan = processes->scan;
	return entry;
}

const struct process *processes_exec(struct processes *processes, const struct process *facts)
{
	struct entry *entry = entry_make(processes, facts->pid, facts->start_ns);
	struct process now = *facts;
	bool is_linked = false;

	if (entry->now) {
		now.clone_time_ns = entry->now->process.clone_time_ns;
		now.exec_count = entry->now->process.exec_count + 1;
		/*
		 * A parent's end is told before the kernel gives its children to the reaper: an
		 * exec in between names a parent that is gone, whose reaper is linked already.
		 */
		is_linked = entry->parent && entry->now->process.parent_pid == facts->parent_pid;
	}
	entry_set(processes, entry, &now, now_of(entry), NULL);
	if (!is_linked)
		link_parent(processes, entry, facts->parent_pid);
	return &entry->now->process;
}

/* The child's texts are the forker's, but for the cgroup (clone3 may put it into an other one). */
static void set_forked(struct processes *processes, struct entry *entry,
	const struct process *facts, const struct snapshot *forker)
{
	struct process now = *facts;
	bool is_same_cgroup = forker && text_equal(forker->process.cgroup, facts->cgroup);

	if (forker) {
		for (size_t i = 0; i < COUNT_OF(text_members); i++)
			*text_member(&now, i) = *text_member((struct process *)&forker->process, i);
		now.exe_flags = forker->process.exe_flags;
		now.exe_inode = forker->process.exe_inode;
		now.exe_device = forker->process.exe_device;
		now.exe_inode_ctime_ns = forker->process.exe_inode_ctime_ns;
		now.exe_inode_mtime_ns = forker->process.exe_inode_mtime_ns;
		now.fd_limit = forker->process.fd_limit;
		now.cgroup = facts->cgroup;
	}
	if (is_same_cgroup)
		now.cgroup = forker->process.cgroup;
	entry_set(processes, entry, &now, forker ? &forker->process : NULL,
		is_same_cgroup ? forker->image : NULL);
}

const struct process *processes_fork(
	struct processes *processes, int64_t forker_pid, const struct process *facts)
{
	struct entry *forker, *entry;

	(void)entry_find_or_read(processes, forker_pid);
	/* The pid may have had an owner whose end we missed, even the forker's own entry. */
	entry = entry_make(processes, facts->pid, facts->start_ns);
	/* Only now: a new entry may have cost the forker's its place. */
	forker = entry_find(processes, forker_pid);
	if (entry->now) {
		/* The scan saw the child before its record came, perhaps with a newer image. */
		return &entry->now->process;
	}
	set_forked(processes, entry, facts, forker && forker != entry ? forker->now : NULL);
	link_parent(processes, entry, facts->parent_pid);
	return &entry->now->process;
}

static void sight_into(const struct process_sight *sight, struct process *process)
{
	process->pid = sight->pid;
	process->start_ns = sight->start_ns;
	process->parent_pid = sight->parent_pid;
	process->parent_start_ns = sight->parent_start_ns;
	process->user_id = sight->user_id;
	process->group_gid = sight->group_gid;
	process->effective_user_id = sight->effective_user_id;
	process->effective_group_id = sight->effective_group_id;
	process->comm = sight->comm;
}

static bool agrees(const struct process_sight *sight, const struct process *process)
{
	return process->start_ns == sight->start_ns && process->parent_pid == sight->parent_pid &&
	       process->user_id == sight->user_id && process->group_gid == sight->group_gid &&
	       process->effective_user_id == sight->effective_user_id &&
	       process->effective_group_id == sight->effective_group_id &&
	       text_equal(process->comm, sight->comm);
}

/* All that is known of a process that neither a record nor /proc told about. */
static struct entry *entry_bare(struct processes *processes, const struct process_sight *sight)
{
	struct entry *entry = entry_make(processes, sight->pid, sight->start_ns);
	struct process bare = { .vpid = -1,
		.session_id = -1,
		.virtual_session_id = -1,
		.group_id = -1,
		.virtual_group_id = -1,
		.login_uid = -1,
		.cgroup = TEXT("/") };

	if (entry->now)
		return entry;
	sight_into(sight, &bare);
	entry_set(processes, entry, &bare, NULL, NULL);
	link_parent(processes, entry, sight->parent_pid);
	return entry;
}

const struct process *processes_see(struct processes *processes, const struct process_sight *sight)
{
	struct entry *entry = entry_of(processes, sight->pid, sight->start_ns);
	struct process now;
	bool has_new_parent;

	if (!entry && entry_find_or_read(processes, sight->pid))
		entry = entry_of(processes, sight->pid, sight->start_ns);
	if (!entry)
		entry = entry_bare(processes, sight);
	touch(processes, entry);
	if (agrees(sight, &entry->now->process))
		return &entry->now->process;
	now = entry->now->process;
	has_new_parent = now.parent_pid != sight->parent_pid;
	sight_into(sight, &now);
	entry_set(processes, entry, &now, now_of(entry), entry->now->image);
	if (has_new_parent)
		link_parent(processes, entry, sight->parent_pid);
	return &entry->now->process;
}

void processes_move(struct processes *processes, int64_t pid, struct text working_directory)
{
	struct entry *entry = entry_find(processes, pid);
	struct process now;

	if (!entry || text_equal(entry->now->process.working_directory, working_directory))
		return;
	now = entry->now->process;
	now.working_directory = working_directory;
	entry_set(processes, entry, &now, now_of(entry), NULL);
}

void processes_exit(struct processes *processes, int64_t pid, uint64_t start_ns, int64_t reaper_pid)
{
	struct entry *entry = entry_of(processes, pid, start_ns);

	if (entry)
		entry_remove(processes, entry, entry_find(processes, reaper_pid));
}
