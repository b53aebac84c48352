/* SPDX-License-Identifier: MIT */
/** Puts paths together from their ends. */
#include "crash/linux/path.h"

#include <string.h>

enum { PARTS_MOST = 256, NAME_LEN = 256 };

bool path_fields_find(struct linux_kernel *k, struct path_fields *ret)
{
	return kfield_find(k->types, "struct dentry", "d_parent", &ret->parent) &&
	       kfield_find(k->types, "struct dentry", "d_name.name", &ret->name) &&
	       kfield_find(k->types, "struct vfsmount", "mnt_root", &ret->root) &&
	       kfield_find(k->types, "struct mount", "mnt_parent", &ret->mnt_parent) &&
	       kfield_find(k->types, "struct mount", "mnt_mountpoint", &ret->mountpoint) &&
	       kfield_find(k->types, "struct mount", "mnt", &ret->vfs);
}

/* Puts "/name" before the text at *@at. False: no room. */
static bool prepend(char *buf, size_t *at, const char *name)
{
	size_t len = strlen(name);

	if (len + 1 > *at)
		return false;
	*at -= len;
	memcpy(buf + *at, name, len);
	buf[--*at] = '/';
	return true;
}

void path_of(struct linux_kernel *k, const struct path_fields *f, uint64_t dentry, uint64_t mnt,
	     char *ret, size_t cap)
{
	char buf[4096], name[NAME_LEN];
	size_t at = sizeof(buf) - 1;

	buf[at] = '\0';
	for (unsigned i = 0; i < PARTS_MOST && dentry; i++) {
		uint64_t parent = linux_field_or(k, dentry, &f->parent, 0);

		if (mnt && dentry == linux_field_or(k, mnt, &f->root, 0)) {
			const uint64_t mount = mnt - f->vfs.off;
			uint64_t above = linux_field_or(k, mount, &f->mnt_parent, mount);

			if (above == mount)
				break;
			dentry = linux_field_or(k, mount, &f->mountpoint, 0);
			mnt = above + f->vfs.off;
			continue;
		}
		uint64_t text = linux_field_or(k, dentry, &f->name, 0);
		if (parent == dentry || !parent)
			break;
		if (!prepend(buf, &at,
			     space_string(&k->mem, text, name, sizeof(name)) < 0 ? "?" : name))
			break;
		dentry = parent;
	}
	size_t len = sizeof(buf) - 1 - at;
	if (!len) {
		buf[--at] = '/';
		len = 1;
	}
	if (len >= cap)
		len = cap - 1;
	memcpy(ret, buf + at, len);
	ret[len] = '\0';
}
