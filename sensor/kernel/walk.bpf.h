/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Paths of kernel objects, by walking from a name to its parent. A walk writes the names from the
 * leaf to the root, each ended by '/'; the sensor turns them round.
 */
#pragma once

#include "slot.bpf.h"

/* Names and mounts that a walk passes at most; deeper paths are marked as cut. */
#define WALK_STEPS 96

static __always_inline void append_name(struct slot *slot, const void *name, __u32 length)
{
	__u32 at = slot->used & (RECORD_MAX - 1);

	length = length > 255 ? 255 : length; /* NAME_MAX; verifier: bounded */
	bpf_probe_read_kernel(slot->data + at, length, name);
	slot->data[at + length] = '/';
	slot->used = at + length + 1;
}

static __always_inline struct mount *mount_of(struct vfsmount *vfsmount)
{
	return AS(mount, (void *)vfsmount - bpf_core_field_offset(struct mount, mnt));
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
	__u32 start = slot->used;
	struct dentry *root = READ(fs, root.dentry);
	struct vfsmount *root_mount = READ(fs, root.mnt);
	bool is_whole = false;

	for (int i = 0; i < WALK_STEPS; i++) {
		struct dentry *parent;

		if (dentry == root && vfsmount == root_mount) {
			is_whole = true;
			break;
		}
		parent = READ(dentry, d_parent);
		if (dentry == READ(vfsmount, mnt_root)) {
			struct mount *mount = mount_of(vfsmount);
			struct mount *above = READ(mount, mnt_parent);

			if (above == mount) {
				is_whole = true;
				break;
			}
			dentry = READ(mount, mnt_mountpoint);
			vfsmount = AS(vfsmount, &above->mnt);
			continue;
		}
		append_name(slot, READ(dentry, d_name.name), READ(dentry, d_name.len));
		if (dentry == parent) {
			*flags |= detached;
			is_whole = true;
			break;
		}
		if (slot->used - start >= WALK_MAX - 256)
			break;
		dentry = parent;
	}
	if (!is_whole)
		*flags |= cut;
	*length = slot->used - start;
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___6_15 *new = (void *)node;

	if (bpf_core_field_exists(new->__parent))
		return BPF_CORE_READ(new, __parent);
	return BPF_CORE_READ(node, parent);
}

/* Appends a cgroup's path; nothing for the root. A name is at most 255 bytes, 24 levels are seen.
 */
static __always_inline void append_cgroup(struct slot *slot, struct cgroup *cgroup, __u16 *length)
{
	struct kernfs_node *node = BPF_CORE_READ(cgroup, kn);
	__u32 start = slot->used;

	for (int i = 0; i < 24 && node; i++) {
		struct kernfs_node *parent = kernfs_parent(node);
		__u32 at = slot->used & (RECORD_MAX - 1);
		long got;

		if (!parent || slot->used - start >= WALK_MAX - 256)
			break;
		got = bpf_probe_read_kernel_str(slot->data + at, 256, BPF_CORE_READ(node, name));
		if (got <= 0)
			break;
		got &= 511; /* verifier: at most 256 */
		slot->data[at + got - 1] = '/';
		slot->used = at + got;
		node = parent;
	}
	*length = slot->used - start;
}
