/* SPDX-License-Identifier: MIT */
/**
 * Reads ELF files with libelf, by read(2): a file that shrinks meanwhile is only an error. Those of
 * hundreds of megabytes are mapped instead.
 */
#include "sym/probe/elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>
#include <sonde/span.h>

#include "base/mem.h"

enum { PHDRS_MOST = 256, NOTES_MOST = 1 << 16 };

void elf_image_fini(struct elf_image *m)
{
	elf_end(m->elf);
	// All zero is one that was never opened.
	if (m->path)
		mem_closep(&m->fd);
	free(m->path);
	*m = (struct elf_image){ .fd = -1 };
}

static void read_id(struct elf_image *m, const GElf_Phdr *p)
{
	if (m->id.len || p->p_filesz > NOTES_MOST)
		return;
	Elf_Data *d = elf_getdata_rawchunk(m->elf, (int64_t)p->p_offset, p->p_filesz, ELF_T_BYTE);
	if (d && d->d_buf)
		(void)build_id_from_notes((struct sonde_span){ d->d_buf, d->d_size }, &m->id);
}

/* What is not linked yet, as a kernel's module, has its notes in sections only. */
static void read_note_sections(struct elf_image *m)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while (!m->id.len && (scn = elf_nextscn(m->elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_NOTE || sh.sh_size > NOTES_MOST)
			continue;
		Elf_Data *d = elf_rawdata(scn, NULL);
		if (d && d->d_buf)
			(void)build_id_from_notes((struct sonde_span){ d->d_buf, d->d_size },
						  &m->id);
	}
}

static void read_loads(struct elf_image *m)
{
	size_t n = 0;
	GElf_Phdr p;

	if (m->header.e_type == ET_REL)
		read_note_sections(m);
	if (elf_getphdrnum(m->elf, &n) != 0)
		return;
	for (size_t i = 0; i < n && i < PHDRS_MOST && gelf_getphdr(m->elf, (int)i, &p); i++) {
		if (p.p_type == PT_NOTE)
			read_id(m, &p);
		if (p.p_type != PT_LOAD || !p.p_filesz || m->n_loads == ELF_LOADS_MOST)
			continue;
		m->loads[m->n_loads++] = (struct elf_load){ p.p_offset, p.p_filesz, p.p_vaddr,
							    (p.p_flags & PF_X) != 0 };
	}
}

static int open_image(const char *path, bool is_mapped, struct elf_image *ret)
{
	struct elf_image m = { .path = strdup(path), .is_mapped = is_mapped };

	if (!m.path)
		return sonde_fail(-ENOMEM, "'%s': out of memory", path);
	(void)elf_version(EV_CURRENT);
	m.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (m.fd < 0) {
		int err = -errno;

		elf_image_fini(&m);
		return sonde_fail_errno(err, "cannot open '%s'", path);
	}
	m.elf = elf_begin(m.fd, is_mapped ? ELF_C_READ_MMAP : ELF_C_READ, NULL);
	if (!m.elf || elf_kind(m.elf) != ELF_K_ELF || !gelf_getehdr(m.elf, &m.header)) {
		elf_image_fini(&m);
		return sonde_fail(-EBADMSG, "'%s' is no ELF file", path);
	}
	read_loads(&m);
	*ret = m;
	return 0;
}

int elf_image_open(const char *path, struct elf_image *ret)
{
	return open_image(path, false, ret);
}

int elf_image_open_mapped(const char *path, struct elf_image *ret)
{
	return open_image(path, true, ret);
}

bool elf_image_off(const struct elf_image *m, uint64_t vaddr, bool is_code, uint64_t *ret)
{
	for (size_t i = 0; i < m->n_loads; i++) {
		const struct elf_load *l = &m->loads[i];

		if (l->is_code == is_code && vaddr >= l->vaddr && vaddr - l->vaddr < l->len)
			return !__builtin_add_overflow(vaddr - l->vaddr, l->off, ret);
	}
	return false;
}

Elf_Scn *elf_image_section(const struct elf_image *m, const char *name, GElf_Shdr *ret)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(m->elf, &names) != 0)
		return NULL;
	while ((scn = elf_nextscn(m->elf, scn))) {
		const char *s;

		if (gelf_getshdr(scn, ret) && (s = elf_strptr(m->elf, names, ret->sh_name)) &&
		    !strcmp(s, name))
			return scn;
	}
	return NULL;
}

/* The checksum of .gnu_debuglink (CRC-32, as of Ethernet). */
static int checksum(int fd, uint32_t *ret)
{
	uint8_t bytes[16384];
	uint32_t table[256], crc = UINT32_MAX;
	off_t at = 0;
	ssize_t n;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
	}
	while ((n = pread(fd, bytes, sizeof(bytes), at)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
		at += n;
	}
	*ret = ~crc;
	return n < 0 ? -errno : 0;
}

/* What .gnu_debuglink says: a file's name, and its checksum. */
struct debug_link {
	char name[256];
	uint32_t crc;
};

static bool read_link(const struct elf_image *m, struct debug_link *ret)
{
	GElf_Shdr sh;
	Elf_Scn *scn = elf_image_section(m, ".gnu_debuglink", &sh);
	Elf_Data *d = scn ? elf_rawdata(scn, NULL) : NULL;

	if (!d || !d->d_buf || d->d_size < 8)
		return false;
	size_t len = strnlen(d->d_buf, d->d_size), at = (len + 4) & ~(size_t)3;
	if (!len || len >= sizeof(ret->name) || at + 4 > d->d_size)
		return false;
	memcpy(ret->name, d->d_buf, len + 1);
	memcpy(&ret->crc, (const uint8_t *)d->d_buf + at, 4);
	return !strchr(ret->name, '/');
}

/* Opens a file if it is the debug file of @m: of the same build-id, or with the checksum. */
static int try_debug(const struct elf_image *m, const char *path, const uint32_t *crc,
		     struct elf_image *ret)
{
	struct elf_image d = { .fd = -1 };
	uint32_t got;

	if (access(path, R_OK) < 0)
		return -ENOENT;
	int r = open_image(path, m->is_mapped, &d);
	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	bool same = m->id.len ? build_id_same(&d.id, &m->id)
			      : crc && !checksum(d.fd, &got) && got == *crc;
	if (!same || d.header.e_machine != m->header.e_machine) {
		elf_image_fini(&d);
		return -ENOENT;
	}
	*ret = d;
	return 0;
}

static int try_link(const struct elf_image *m, const struct debug_link *l, struct elf_image *ret)
{
	sonde_auto(mem_freep) char *real = realpath(m->path, NULL);
	char path[PATH_MAX];
	int r = -ENOENT;

	if (!real)
		return -ENOENT;
	*strrchr(real, '/') = '\0';
	for (size_t i = 0; r == -ENOENT && i < 3; i++) {
		int n = i == 0	 ? snprintf(path, sizeof(path), "%s/%s", real, l->name)
			: i == 1 ? snprintf(path, sizeof(path), "%s/.debug/%s", real, l->name)
				 : snprintf(path, sizeof(path), "/usr/lib/debug%s/%s", real,
					    l->name);

		if (n > 0 && (size_t)n < sizeof(path))
			r = try_debug(m, path, &l->crc, ret);
	}
	return r;
}

int elf_image_open_debug(const struct elf_image *m, struct elf_image *ret)
{
	char hex[BUILD_ID_HEX], path[128];
	struct debug_link l;
	int r = -ENOENT;

	if (m->id.len >= 2) {
		build_id_hex(&m->id, hex);
		(void)snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", hex,
			       hex + 2);
		r = try_debug(m, path, NULL, ret);
	}
	if (r == -ENOENT && read_link(m, &l))
		r = try_link(m, &l, ret);
	return r == -ENOENT ? sonde_fail(r, "'%s' has no separate debug file", m->path) : r;
}

static bool has_dwarf(const struct elf_image *m)
{
	GElf_Shdr sh;

	return elf_image_section(m, ".debug_info", &sh) ||
	       elf_image_section(m, ".zdebug_info", &sh);
}

int elf_image_to_dwarf(struct elf_image *m)
{
	struct elf_image debug = { .fd = -1 };

	if (has_dwarf(m))
		return 0;
	int r = elf_image_open_debug(m, &debug);
	if (r == -ENOMEM)
		return r;
	if (!r && has_dwarf(&debug)) {
		elf_image_fini(m);
		*m = debug;
		return 0;
	}
	elf_image_fini(&debug);
	return -ENOENT;
}
