/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Paths of kernel objects, by walking from a name to its parent. A walk writes the names from the
 * leaf to the root, each ended by '/'; the sensor turns them round.
 */
#pragma once

#include "slot.bpf.h"

/* Names and mounts that a walk passes at most; deeper paths are marked as cut. */
#define WALK_STEPS 96

/* Most names are short; the words behind the name's end are written over by what follows. */
static __always_inline void copy_name(char *to, const void *name, __u32 length)
{
#ifdef DIRECT
	if (length <= 16) {
		((facts_word *)to)[0] = read_word(name);
		if (length > 8)
			((facts_word *)to)[1] = read_word(name + 8);
		return;
	}
#endif
	bpf_probe_read_kernel(to, length, name);
}

static __always_inline void append_name(struct slot *slot, const void *name, __u32 length)
{
	__u32 at = slot->used & (RECORD_MAX - 1);

	length = length > 255 ? 255 : length; /* NAME_MAX; verifier: bounded */
	copy_name(slot->data + at, name, length);
	slot->data[at + length] = '/';
	slot->used = at + length + 1;
}

static __always_inline struct mount *mount_of(struct vfsmount *vfsmount)
{
	return AS(mount, (void *)vfsmount - bpf_core_field_offset(struct mount, mnt));
}

struct walk {
	struct slot *slot;
	struct dentry *dentry, *root;
	struct vfsmount *vfsmount, *root_mount;
	__u32 start;
	bool is_whole, is_detached;
};

/* One name or mount up. */
STEP walk_up(__u32 i, void *context)
{
	struct walk *walk = context;
	struct dentry *dentry = AS(dentry, walk->dentry), *parent;
	struct vfsmount *vfsmount = AS(vfsmount, walk->vfsmount);

	if (dentry == walk->root && vfsmount == walk->root_mount) {
		walk->is_whole = true;
		return 1;
	}
	parent = READ(dentry, d_parent);
	if (dentry == READ(vfsmount, mnt_root)) {
		struct mount *mount = mount_of(vfsmount);
		struct mount *above = READ(mount, mnt_parent);

		if (above == mount) {
			walk->is_whole = true;
			return 1;
		}
		walk->dentry = READ(mount, mnt_mountpoint);
		walk->vfsmount = AS(vfsmount, &above->mnt);
		return 0;
	}
	walk->slot->facts.walk_top = walk->slot->used - walk->start;
	append_name(walk->slot, READ(dentry, d_name.name), READ(dentry, d_name.len));
	if (dentry == parent) {
		walk->is_whole = walk->is_detached = true;
		return 1;
	}
	walk->dentry = parent;
	return walk->slot->used - walk->start >= WALK_MAX - 256;
}

/*
 * Appends the path of (dentry, vfsmount), up to the root of the task `fs` belongs to, or to the
 * root of the mount tree. `flags` gets `cut` when it did not get there, and `detached` when the
 * file has no place in the tree.
 */
static __always_inline void append_path(struct slot *slot, struct dentry *dentry,
	struct vfsmount *vfsmount, struct fs_struct *fs, __u16 *length, __u32 *flags, __u32 cut,
	__u32 detached)
{
	struct walk walk = { .slot = slot,
		.dentry = dentry,
		.vfsmount = vfsmount,
		.root = READ(fs, root.dentry),
		.root_mount = READ(fs, root.mnt),
		.start = slot->used };

	slot->facts.walk_top = 0;
	REPEAT(WALK_STEPS, walk_up, &walk);
	if (walk.is_detached)
		*flags |= detached;
	if (!walk.is_whole)
		*flags |= cut;
	*length = slot->used - walk.start;
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___6_15 *new = (void *)node;

	if (bpf_core_field_exists(new->__parent))
		return BPF_CORE_READ(new, __parent);
	return BPF_CORE_READ(node, parent);
}

struct cgroup_walk {
	struct slot *slot;
	struct kernfs_node *node;
	__u32 start;
};

STEP cgroup_up(__u32 i, void *context)
{
	struct cgroup_walk *walk = context;
	struct slot *slot = walk->slot;
	struct kernfs_node *node = walk->node, *parent = kernfs_parent(node);
	__u32 at = slot->used & (RECORD_MAX - 1);
	long got;

	if (!parent || slot->used - walk->start >= WALK_MAX - 256)
		return 1;
	got = bpf_probe_read_kernel_str(slot->data + at, 256, BPF_CORE_READ(node, name));
	if (got <= 0)
		return 1;
	got &= 511; /* verifier: at most 256 */
	slot->data[at + got - 1] = '/';
	slot->used = at + got;
	walk->node = parent;
	return 0;
}

/* Appends a cgroup's path; nothing for the root. A name is at most 255 bytes, 24 levels are seen.
 */
static __always_inline void append_cgroup(struct slot *slot, struct cgroup *cgroup, __u16 *length)
{
	struct cgroup_walk walk = { slot, BPF_CORE_READ(cgroup, kn), slot->used };

	if (walk.node)
		REPEAT(24, cgroup_up, &walk);
	*length = slot->used - walk.start;
}
