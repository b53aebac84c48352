/* SPDX-License-Identifier: MIT */
/** Puts paths together from their ends. */
#include "crash/linux/file/path.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PARTS_MOST = 256, NAME_LEN = 256 };

bool path_fields_find(struct linux_kernel *k, struct path_fields *ret)
{
	(void)kfield_find(k->types, "struct dentry", "d_hash.pprev", &ret->hashed);
	(void)kfield_find(k->types, "struct dentry", "d_sb", &ret->sb);
	(void)kfield_find(k->types, "struct super_block", "s_type", &ret->sb_type);
	(void)kfield_find(k->types, "struct file_system_type", "name", &ret->type_name);
	(void)kfield_find(k->types, "struct dentry", "d_inode", &ret->inode);
	(void)kfield_find(k->types, "struct inode", "i_ino", &ret->ino);
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

/* What lies in no folder has a name of its own, which its filesystem makes. */
static void name_alone(struct linux_kernel *k, const struct path_fields *f, uint64_t dentry,
		       char *ret, size_t cap)
{
	uint64_t at = linux_field_or(k, dentry, &f->sb, 0);
	uint64_t ino = linux_field_or(k, linux_field_or(k, dentry, &f->inode, 0), &f->ino, 0);
	char type[32] = "?", name[NAME_LEN] = "";

	at = linux_field_or(k, linux_field_or(k, at, &f->sb_type, 0), &f->type_name, 0);
	(void)space_string(&k->mem, at, type, sizeof(type)); // else it stays "?"
	at = linux_field_or(k, dentry, &f->name, 0);
	(void)space_string(&k->mem, at, name, sizeof(name)); // else it stays empty
	if (!strcmp(type, "anon_inodefs"))
		(void)snprintf(ret, cap, "anon_inode:%s", name);
	else if (!strcmp(type, "pipefs") || !strcmp(type, "sockfs"))
		(void)snprintf(ret, cap, "%s:[%" PRIu64 "]", *type == 'p' ? "pipe" : "socket", ino);
	else if (!strcmp(type, "tmpfs") || !strcmp(type, "hugetlbfs"))
		(void)snprintf(ret, cap, "/%s (deleted)", name);
	else
		(void)snprintf(ret, cap, "%s:%s%s[%" PRIu64 "]", type, name, *name ? ":" : "", ino);
}

void path_of(struct linux_kernel *k, const struct path_fields *f, uint64_t dentry, uint64_t mnt,
	     char *ret, size_t cap)
{
	char buf[4096], name[NAME_LEN];
	size_t at = sizeof(buf) - 1;
	const bool own = dentry && linux_field_or(k, dentry, &f->parent, 0) == dentry;
	const bool gone = dentry && !own && linux_field_or(k, dentry, &f->hashed, 1) == 0;

	if (own && mnt && linux_field_or(k, mnt, &f->root, dentry) != dentry) {
		name_alone(k, f, dentry, ret, cap);
		return;
	}
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
	if (!buf[at])
		buf[--at] = '/';
	(void)snprintf(ret, cap, "%s%s", buf + at, gone ? " (deleted)" : "");
}
