/* SPDX-License-Identifier: MIT */
/** Reads ELF files with libelf, by read(2): a file that shrinks meanwhile is only an error. */
#include "sym/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "sym/eh_frame.h"

enum { RANK_NAMELESS = 9 };

enum { LOADS_MOST = 64, PHDRS_MOST = 256, NOTES_MOST = 1 << 16 };

/* A piece of the file that is loaded as code. */
struct load {
	uint64_t off, len, vaddr;
};

struct elf_file {
	Elf *elf; /* owned */
	int fd;	  /* owned; -1: borrowed bytes */
	struct build_id id;
	struct load loads[LOADS_MOST];
	size_t n_loads;
	struct symtab functions;
	struct symtab more; /* while they are loaded: functions without names */
	bool loaded;
	char name[64]; /* the last part of its path */
};

void elf_file_free(struct elf_file *f)
{
	if (!f)
		return;
	elf_end(f->elf);
	mem_closep(&f->fd);
	symtab_fini(&f->functions);
	symtab_fini(&f->more);
	free(f);
}

static void read_loads(struct elf_file *f)
{
	size_t n = 0;
	GElf_Phdr p;

	if (elf_getphdrnum(f->elf, &n) != 0)
		return;
	for (size_t i = 0; i < n && i < PHDRS_MOST && f->n_loads < LOADS_MOST; i++) {
		if (!gelf_getphdr(f->elf, (int)i, &p))
			return;
		if (p.p_type == PT_LOAD && (p.p_flags & PF_X) && p.p_filesz)
			f->loads[f->n_loads++] = (struct load){ p.p_offset, p.p_filesz, p.p_vaddr };
		if (p.p_type != PT_NOTE || f->id.len || p.p_filesz > NOTES_MOST)
			continue;
		Elf_Data *d =
			elf_getdata_rawchunk(f->elf, (int64_t)p.p_offset, p.p_filesz, ELF_T_BYTE);
		if (d && d->d_buf)
			(void)build_id_from_notes((struct sonde_span){ d->d_buf, d->d_size },
						  &f->id);
	}
}

/* Makes a file of the handle in @f, or fails and frees all but the descriptor. */
static int finish_open(struct elf_file *f, const char *path, int fd, struct elf_file **ret)
{
	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF) {
		elf_file_free(f);
		return sonde_fail(-EBADMSG, "'%s' is no ELF file", path);
	}
	read_loads(f);
	const char *slash = strrchr(path, '/');
	(void)snprintf(f->name, sizeof(f->name), "%s", slash ? slash + 1 : path);
	f->fd = fd;
	*ret = f;
	return 0;
}

static struct elf_file *new_file(void)
{
	struct elf_file *f = calloc(1, sizeof(*f));

	if (!f) {
		(void)sonde_fail(-ENOMEM, "out of memory");
		return NULL;
	}
	(void)elf_version(EV_CURRENT);
	f->fd = -1;
	return f;
}

int elf_file_open(int fd, const char *path, struct elf_file **ret)
{
	struct elf_file *f = new_file();

	if (!f)
		return -ENOMEM;
	f->elf = elf_begin(fd, ELF_C_READ, NULL);
	return finish_open(f, path, fd, ret);
}

int elf_file_open_bytes(struct sonde_span bytes, struct elf_file **ret)
{
	struct elf_file *f = new_file();

	if (!f)
		return -ENOMEM;
	// libelf does not write to an image that it only reads, its type only lacks the const.
	f->elf = elf_memory((char *)(uintptr_t)bytes.data, bytes.len);
	return finish_open(f, "[memory]", -1, ret);
}

const struct build_id *elf_file_build_id(const struct elf_file *f)
{
	return &f->id;
}

struct Elf *elf_file_handle(const struct elf_file *f)
{
	return f->elf;
}

bool elf_file_vaddr(const struct elf_file *f, uint64_t off, uint64_t *ret)
{
	for (size_t i = 0; i < f->n_loads; i++) {
		const struct load *l = &f->loads[i];

		if (off >= l->off && off - l->off < l->len) {
			*ret = off - l->off + l->vaddr;
			return true;
		}
	}
	return false;
}

/* The file offset of a virtual address, and of the end of the piece that it lies in. */
static bool offset_of(const struct elf_file *f, uint64_t vaddr, uint64_t *ret, uint64_t *ret_end)
{
	for (size_t i = 0; i < f->n_loads; i++) {
		const struct load *l = &f->loads[i];

		if (vaddr >= l->vaddr && vaddr - l->vaddr < l->len) {
			*ret = vaddr - l->vaddr + l->off;
			*ret_end = l->off + l->len;
			return true;
		}
	}
	return false;
}

static bool is_function(const GElf_Sym *s, const char *name, bool all)
{
	unsigned type = GELF_ST_TYPE(s->st_info);

	if (s->st_shndx == SHN_UNDEF || !name || !*name)
		return false;
	// Without a length a function reaches to the next one: right only if all are there.
	if (!s->st_size && !all)
		return false;
	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		return true;
	return type == STT_NOTYPE && name[0] != '$' && name[0] != '.';
}

static unsigned rank_of(const GElf_Sym *s)
{
	switch (GELF_ST_BIND(s->st_info)) {
	case STB_GLOBAL: return 0;
	case STB_WEAK: return 1;
	default: return 2;
	}
}

/* A symbol's section must hold code, and the symbol must lie inside. */
static bool section_of(Elf *elf, const GElf_Sym *s, GElf_Shdr *ret)
{
	Elf_Scn *scn = elf_getscn(elf, s->st_shndx);

	return scn && gelf_getshdr(scn, ret) && (ret->sh_flags & SHF_EXECINSTR) &&
	       s->st_value >= ret->sh_addr && s->st_value - ret->sh_addr < ret->sh_size;
}

static int add_function(struct elf_file *f, Elf *elf, const GElf_Sym *s, const char *name, bool all)
{
	GElf_Shdr sh;
	uint64_t off, end;

	if (!is_function(s, name, all) || !section_of(elf, s, &sh) ||
	    !offset_of(f, s->st_value, &off, &end))
		return 0;
	uint64_t left = sh.sh_size - (s->st_value - sh.sh_addr);
	if (left < end - off)
		end = off + left;
	uint64_t len = s->st_size > end - off ? end - off : s->st_size;
	return symtab_add(&f->functions, off, len, end, name, strcspn(name, "@"), rank_of(s));
}

/* Adds the functions of one symbol table section of @elf. */
static int add_section(struct elf_file *f, Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Sym s;
	int r = 0;

	if (!data || !sh->sh_entsize)
		return 0;
	size_t n = data->d_size / sh->sh_entsize;
	for (size_t i = 0; !r && i < n && i <= INT32_MAX && gelf_getsym(data, (int)i, &s); i++)
		r = add_function(f, elf, &s, elf_strptr(elf, sh->sh_link, s.st_name),
				 sh->sh_type == SHT_SYMTAB);
	return r == -E2BIG ? 0 : r;
}

/* Adds all functions of the section type. 1: there is such a section; 0: there is none. */
static int add_sections(struct elf_file *f, Elf *elf, unsigned type)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	int found = 0;

	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type != type)
			continue;
		int r = add_section(f, elf, scn, &sh);
		if (r < 0)
			return r;
		found = 1;
	}
	return found;
}

static int add_debug_file(struct elf_file *f)
{
	char hex[BUILD_ID_HEX], path[128];
	struct build_id id;

	if (f->id.len < 2)
		return 0;
	build_id_hex(&f->id, hex);
	snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", hex, hex + 2);
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !build_id_read(fd, &id) || !build_id_same(&id, &f->id))
		return 0;
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	int r = elf ? add_sections(f, elf, SHT_SYMTAB) : 0;
	elf_end(elf);
	return r;
}

/* A function without a name is called by where it begins. */
static int add_nameless(void *arg, uint64_t vaddr, uint64_t len)
{
	struct elf_file *f = arg;
	uint64_t off, end;
	char name[96];

	if (!offset_of(f, vaddr, &off, &end) || symtab_find(&f->functions, off))
		return 0;
	int n = snprintf(name, sizeof(name), "%s+0x%" PRIx64, f->name, off);
	return symtab_add(&f->more, off, len < end - off ? len : end - off, end, name, (size_t)n,
			  RANK_NAMELESS);
}

/* The dynamic symbols, and what is between them. */
static int add_exported(struct elf_file *f)
{
	int r = add_sections(f, f->elf, SHT_DYNSYM);

	if (r >= 0)
		r = symtab_finish(&f->functions);
	if (r >= 0)
		r = eh_frame_each(f->elf, add_nameless, f);
	for (size_t i = 0; r >= 0 && i < f->more.n; i++) {
		const struct sym *s = &f->more.syms[i];
		const char *name = symtab_name(&f->more, s);

		r = symtab_add(&f->functions, s->start, s->end - s->start, 0, name, strlen(name),
			       RANK_NAMELESS);
	}
	symtab_fini(&f->more);
	return r == -E2BIG ? 0 : r;
}

int elf_file_functions(struct elf_file *f, const struct symtab **ret)
{
	if (!f->loaded && f->elf) {
		int r = add_sections(f, f->elf, SHT_SYMTAB);
		if (!r)
			r = add_debug_file(f);
		if (!r)
			r = add_exported(f);
		if (r >= 0)
			r = symtab_finish(&f->functions);
		if (r < 0) {
			symtab_fini(&f->functions);
			return r;
		}
		f->loaded = true;
	}
	*ret = &f->functions;
	return 0;
}

int elf_file_settle(struct elf_file *f)
{
	const struct symtab *t;
	int r = elf_file_functions(f, &t);

	elf_end(f->elf);
	f->elf = NULL;
	mem_closep(&f->fd);
	f->fd = -1;
	return r;
}
