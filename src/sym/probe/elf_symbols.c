/* SPDX-License-Identifier: MIT */
/** Reads .symtab, .dynsym and the debug file's .symtab. */
#include "sym/probe/elf_symbols.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

enum { SYMBOLS_MOST = 1 << 24, VERSIONS_MOST = 1 << 15, VERSION_HIDDEN = 0x8000 };

/* The names of the versions that a library defines, by their numbers. */
struct versions {
	Elf_Data *of_symbols; /* .gnu.version: a number for each dynamic symbol */
	const char **names;   /* in the arena */
	size_t n;
};

struct reader {
	const struct elf_image *image; /* what is loaded: addresses are of it */
	Elf *elf;		       /* where the symbols are */
	struct elf_symbols *s;
	struct versions versions;
};

void elf_symbols_fini(struct elf_symbols *s)
{
	if (s->has_debug)
		elf_image_fini(&s->debug);
	free(s->all);
	arena_fini(&s->arena);
	*s = (struct elf_symbols){ 0 };
}

/* One definition: its number, and its name, which is the first of its auxiliary entries. */
static void note_version(struct reader *rd, Elf_Data *d, size_t at, const GElf_Verdef *def,
			 size_t strings)
{
	GElf_Verdaux aux;

	if (def->vd_ndx < rd->versions.n && gelf_getverdaux(d, (int)(at + def->vd_aux), &aux))
		rd->versions.names[def->vd_ndx] = elf_strptr(rd->elf, strings, aux.vda_name);
}

static int read_versions(struct reader *rd)
{
	GElf_Shdr sh;
	GElf_Verdef def;

	Elf_Scn *scn = elf_image_section(rd->image, ".gnu.version", &sh);
	Elf_Data *numbers = scn ? elf_getdata(scn, NULL) : NULL;
	scn = elf_image_section(rd->image, ".gnu.version_d", &sh);
	Elf_Data *d = scn ? elf_getdata(scn, NULL) : NULL;
	if (!numbers || !d || sh.sh_info >= VERSIONS_MOST)
		return 0;
	rd->versions.n = sh.sh_info + 2ul;
	rd->versions.names = arena_array(&rd->s->arena, rd->versions.n, sizeof(char *));
	if (!rd->versions.names)
		return -ENOMEM;
	rd->versions.of_symbols = numbers;
	size_t at = 0;
	for (size_t i = 0; i < sh.sh_info && at < INT32_MAX / 2; i++) {
		if (!gelf_getverdef(d, (int)at, &def))
			break;
		note_version(rd, d, at, &def, sh.sh_link);
		at += def.vd_next;
		if (!def.vd_next)
			break;
	}
	return 0;
}

static const char *version_of(const struct reader *rd, size_t i)
{
	GElf_Versym v;

	if (!rd->versions.of_symbols || !gelf_getversym(rd->versions.of_symbols, (int)i, &v))
		return NULL;
	v &= (GElf_Versym)~VERSION_HIDDEN;
	return v < rd->versions.n ? rd->versions.names[v] : NULL;
}

static bool is_code(const struct reader *rd, const GElf_Sym *sym)
{
	GElf_Shdr sh;
	Elf_Scn *scn = elf_getscn(rd->elf, sym->st_shndx);

	return scn && gelf_getshdr(scn, &sh) && (sh.sh_flags & SHF_EXECINSTR);
}

/* "name@@VERSION", as linkers write it into .symtab. */
static int cut_version(struct reader *rd, struct elf_symbol *s)
{
	const char *at = strchr(s->f.name, '@');

	if (!at || at == s->f.name)
		return 0;
	s->version = at + strspn(at, "@");
	s->f.name = arena_strndup(&rd->s->arena, s->f.name, (size_t)(at - s->f.name));
	return s->f.name ? 0 : -ENOMEM;
}

static int add(struct reader *rd, const GElf_Sym *sym, const char *name, const char *version)
{
	unsigned type = GELF_ST_TYPE(sym->st_info), bind = GELF_ST_BIND(sym->st_info);
	bool plain = type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE ||
		     type == STT_GNU_IFUNC;
	struct elf_symbol s = {
		.f = { .name = name,
		       .addr = sym->st_value,
		       .len = sym->st_size,
		       .is_local = bind == STB_LOCAL },
		.version = version,
		.rank = bind == STB_LOCAL ? ELF_SYMBOL_LOCAL : bind == STB_WEAK,
	};

	if (!plain || sym->st_shndx == SHN_UNDEF || !name || !*name)
		return 0;
	bool code = type != STT_OBJECT && is_code(rd, sym);
	if (type == STT_NOTYPE && (!code || s.f.is_local))
		return 0; // labels, and marks of the linker
	if (!elf_image_off(rd->image, sym->st_value, code, &s.f.off) && code)
		return 0;
	// A probe on what chooses a function would see the choice, not the calls.
	s.is_func = code && type == STT_FUNC;
	s.is_label = code && type == STT_NOTYPE;
	if (rd->s->n >= SYMBOLS_MOST)
		return 0;
	int r = cut_version(rd, &s);
	if (!r)
		r = mem_grow(&rd->s->all, &rd->s->cap, rd->s->n + 1);
	if (!r)
		rd->s->all[rd->s->n++] = s;
	return r;
}

static int read_section(struct reader *rd, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *d = elf_getdata(scn, NULL);
	GElf_Sym sym;
	int r = 0;

	if (!d || !d->d_buf || !sh->sh_entsize)
		return 0;
	size_t n = d->d_size / sh->sh_entsize;
	for (size_t i = 0; !r && i < n && i < INT32_MAX && gelf_getsym(d, (int)i, &sym); i++)
		r = add(rd, &sym, elf_strptr(rd->elf, sh->sh_link, sym.st_name),
			sh->sh_type == SHT_DYNSYM ? version_of(rd, i) : NULL);
	return r;
}

static int read_sections(struct reader *rd, unsigned type)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	int r = 0;

	while (!r && (scn = elf_nextscn(rd->elf, scn))) {
		if (gelf_getshdr(scn, &sh) && sh.sh_type == type)
			r = read_section(rd, scn, &sh);
	}
	return r;
}

int elf_symbols_read(const struct elf_image *m, struct elf_symbols *ret)
{
	struct reader rd = { .image = m, .elf = m->elf, .s = ret };

	int r = read_versions(&rd);
	if (!r)
		r = read_sections(&rd, SHT_DYNSYM);
	size_t n_exported = ret->n;
	if (!r)
		r = read_sections(&rd, SHT_SYMTAB);
	if (r || ret->n > n_exported)
		return r;
	r = elf_image_open_debug(m, &ret->debug);
	ret->is_stripped = r == -ENOENT;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	ret->has_debug = true;
	rd.elf = ret->debug.elf;
	return read_sections(&rd, SHT_SYMTAB);
}
