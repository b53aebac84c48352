/* SPDX-License-Identifier: MIT */
/** Writes a thin dump: chooses its format, and puts the file in its place once it is whole. */
#include "crash/thin/thin.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "crash/dump/format.h"
#include "crash/thin/file.h"

enum { ORIGIN_MOST = 512 };

int thin_put(struct thin_file *f, uint64_t off, const void *data, size_t n)
{
	const uint8_t *at = data;

	if (off + n > f->len)
		f->len = off + n;
	while (n) {
		ssize_t some = pwrite(f->fd, at, n, (off_t)off);

		if (some < 0 && errno == EINTR)
			continue;
		if (some <= 0)
			return sonde_fail_errno(some ? -errno : -EIO, "cannot write '%s'", f->path);
		at += some;
		off += (uint64_t)some;
		n -= (size_t)some;
	}
	return 0;
}

static void add_note(struct strbuf *ret, const char *name, uint32_t type, const void *data,
		     size_t size)
{
	static const char zeros[4] = "";
	const Elf64_Nhdr h = { .n_namesz = (uint32_t)strlen(name) + 1,
			       .n_descsz = (uint32_t)size,
			       .n_type = type };

	strbuf_add(ret, &h, sizeof(h));
	strbuf_add(ret, name, h.n_namesz);
	strbuf_add(ret, zeros, -h.n_namesz & 3);
	strbuf_add(ret, data, size);
	strbuf_add(ret, zeros, -size & 3);
}

int thin_notes(const struct dump *d, struct strbuf *ret)
{
	const struct dump_about *a = dump_about(d);
	bool has_info = false;
	char origin[ORIGIN_MOST];

	for (size_t i = 0; i < a->n_notes; i++) {
		const struct dump_note *n = &a->notes[i];

		has_info |= !strcmp(n->name, "VMCOREINFO");
		// A running system's are of who reads them.
		if (strcmp(n->name, DUMP_THIN_NOTE) != 0 && !(a->live && !strcmp(n->name, "CORE")))
			add_note(ret, n->name, n->type, n->data, n->size);
	}
	// A kdump may have it beside its notes.
	if (!has_info && a->vmcoreinfo)
		add_note(ret, "VMCOREINFO", 0, a->vmcoreinfo, a->vmcoreinfo_size);
	dump_describe(d, origin, sizeof(origin));
	add_note(ret, DUMP_THIN_NOTE, 1, origin, strlen(origin) + 1);
	return ret->failed ? sonde_fail(-ENOMEM, "notes: out of memory") : 0;
}

/* A file of the dump itself is read while the new one is written. */
static int check_path(const struct dump *d, const char *path)
{
	struct stat to, from;

	if (stat(path, &to) < 0)
		return 0;
	if (!S_ISREG(to.st_mode))
		return sonde_fail(-EINVAL, "'%s' is no plain file", path);
	for (size_t i = 0; i < d->n_files; i++) {
		if (stat(d->files[i]->path, &from) == 0 && from.st_dev == to.st_dev &&
		    from.st_ino == to.st_ino)
			return sonde_fail(-EINVAL, "'%s' is the dump itself", path);
	}
	return 0;
}

static const struct thin_format *choose(const struct thin_file *f)
{
	static const struct thin_format *const formats[] = { &thin_minidump, &thin_kdump,
							     &thin_elf };

	for (size_t i = 0; i < MEM_LEN(formats); i++) {
		if (formats[i]->can(f))
			return formats[i];
	}
	return NULL;
}

int thin_write(struct dump *d, const uint64_t *pages, size_t n, const char *path,
	       struct thin_result *ret)
{
	struct thin_file f = { .dump = d,
			       .pages = pages,
			       .n_pages = n,
			       .page_size = dump_about(d)->page_size,
			       .path = path };
	const struct thin_format *format = choose(&f);
	sonde_auto(mem_freep) char *temp = NULL;

	if (!n || !format)
		return sonde_fail(-ENODATA, "nothing of the dump's memory was read");
	int r = check_path(d, path);
	if (r < 0)
		return r;
	if (asprintf(&temp, "%s.XXXXXX", path) < 0) {
		temp = NULL;
		return sonde_fail(-ENOMEM, "out of memory");
	}
	// Readable by its owner alone: it is a machine's memory.
	sonde_auto(mem_closep) int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot write '%s'", path);
	f.fd = fd;
	r = format->write(&f);
	if (r == 0 && ftruncate(fd, (off_t)f.len) < 0)
		r = sonde_fail_errno(-errno, "cannot write '%s'", path);
	if (r == 0 && rename(temp, path) < 0)
		r = sonde_fail_errno(-errno, "cannot write '%s'", path);
	if (r < 0) {
		(void)unlink(temp); // what is left would be of no use
		return r;
	}
	*ret = (struct thin_result){ .format = format->name, .bytes = f.len };
	return 0;
}
