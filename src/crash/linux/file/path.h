/* SPDX-License-Identifier: MIT */
/** Paths of files of a dead kernel: names of dentries up to the root, over mounts. */
#ifndef CRASH_LINUX_FILE_PATH_H
#define CRASH_LINUX_FILE_PATH_H

#include "crash/linux/kernel.h"

struct path_fields {
	struct kfield parent, name, root, mnt_parent, mountpoint, vfs;
	struct kfield hashed, sb, sb_type, type_name, inode, ino; /* not each kernel's */
};

/** False: this kernel's types do not tell. */
bool path_fields_find(struct linux_kernel *k, struct path_fields *ret);

/**
 * The path of @dentry in the mount whose struct vfsmount is @mnt, 0: within its filesystem. As
 * /proc says it: with " (deleted)", and "anon_inode:[eventpoll]" or "/memfd:NAME" of what is in no
 * folder.
 */
void path_of(struct linux_kernel *k, const struct path_fields *f, uint64_t dentry, uint64_t mnt,
	     char *ret, size_t cap);

#endif
