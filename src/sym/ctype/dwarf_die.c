/* SPDX-License-Identifier: MIT */
/** Reads entries with libdw. */
#include "sym/ctype/dwarf_die.h"

#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#define IN_TYPES (1ull << 63) /* of .debug_types */
#define IN_ALT	 (1ull << 62) /* of the file that several programs share */

/* Notes where the sections are that texts are in: libdw keeps the same bytes. */
static void note_sections(struct dwarf_file *f, Elf *elf)
{
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;

	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return;
	while (f->n_sections < DWARF_SECTIONS_MOST && (scn = elf_nextscn(elf, scn))) {
		const char *name =
			gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;
		Elf_Data *d = name && strstr(name, "debug_") ? elf_rawdata(scn, NULL) : NULL;

		if (!d || !d->d_buf)
			continue;
		f->sections[f->n_sections].begin = d->d_buf;
		f->sections[f->n_sections++].end = (const char *)d->d_buf + d->d_size;
	}
}

int dwarf_file_open(Elf *elf, const char *path, struct dwarf_file *ret)
{
	int r = libdw_open();
	if (r < 0)
		return r;
	struct dwarf_file f = { .dw = libdw()->dwarf_begin_elf(elf, DWARF_C_READ, NULL) };

	if (!f.dw)
		return sonde_fail(-EBADMSG, "'%s' has a DWARF that makes no sense: %s", path,
				  libdw()->dwarf_errmsg(-1));
	note_sections(&f, elf);
	if (libdw()->dwarf_getalt(f.dw))
		note_sections(&f, libdw()->dwarf_getelf(libdw()->dwarf_getalt(f.dw)));
	*ret = f;
	return 0;
}

void dwarf_file_fini(struct dwarf_file *f)
{
	if (f->dw)
		libdw()->dwarf_end(f->dw);
	*f = (struct dwarf_file){ .dw = NULL };
}

uint64_t dwarf_die_id(const struct dwarf_file *f, Dwarf_Die *die)
{
	Dwarf_Half version = 0;
	uint8_t unit = 0;
	uint64_t id = libdw()->dwarf_dieoffset(die) & ~(IN_TYPES | IN_ALT);

	if (libdw()->dwarf_cu_info(die->cu, &version, &unit, NULL, NULL, NULL, NULL, NULL) == 0 &&
	    version < 5 && unit == DW_UT_type)
		id |= IN_TYPES;
	return libdw()->dwarf_cu_getdwarf(die->cu) == f->dw ? id : id | IN_ALT;
}

bool dwarf_die_of(const struct dwarf_file *f, uint64_t id, Dwarf_Die *ret)
{
	uint64_t off = id & ~(IN_TYPES | IN_ALT);
	Dwarf *dw = id & IN_ALT ? libdw()->dwarf_getalt(f->dw) : f->dw;

	if (!dw)
		return false;
	return id & IN_TYPES ? libdw()->dwarf_offdie_types(dw, off, ret)
			     : libdw()->dwarf_offdie(dw, off, ret);
}

/* The text, if it ends within its section. */
static const char *checked(const struct dwarf_file *f, const char *s)
{
	for (size_t i = 0; s && i < f->n_sections; i++) {
		const char *end = f->sections[i].end;

		if (s >= f->sections[i].begin && s < end)
			return memchr(s, '\0', (size_t)(end - s)) ? s : NULL;
	}
	return s;
}

const char *dwarf_die_text(const struct dwarf_file *f, Dwarf_Die *die, unsigned attr)
{
	Dwarf_Attribute a;

	return libdw()->dwarf_attr_integrate(die, attr, &a)
		       ? checked(f, libdw()->dwarf_formstring(&a))
		       : NULL;
}

const char *dwarf_die_name(const struct dwarf_file *f, Dwarf_Die *die)
{
	const char *name = dwarf_die_text(f, die, DW_AT_name);

	return name ? name : "";
}

bool dwarf_die_number(Dwarf_Die *die, unsigned attr, uint64_t *ret)
{
	Dwarf_Attribute a;
	Dwarf_Word v;

	if (!libdw()->dwarf_attr_integrate(die, attr, &a) || libdw()->dwarf_formudata(&a, &v) != 0)
		return false;
	*ret = v;
	return true;
}

bool dwarf_die_signed(Dwarf_Die *die, unsigned attr, int64_t *ret)
{
	Dwarf_Attribute a;
	Dwarf_Sword v;

	if (!libdw()->dwarf_attr_integrate(die, attr, &a) || libdw()->dwarf_formsdata(&a, &v) != 0)
		return false;
	*ret = v;
	return true;
}

bool dwarf_die_flag(Dwarf_Die *die, unsigned attr)
{
	Dwarf_Attribute a;
	bool flag = false;

	// Only its own: what a definition completes is a declaration.
	return libdw()->dwarf_attr(die, attr, &a) && libdw()->dwarf_formflag(&a, &flag) == 0 &&
	       flag;
}

bool dwarf_die_has(Dwarf_Die *die, unsigned attr)
{
	return libdw()->dwarf_hasattr(die, attr) != 0;
}

bool dwarf_die_ref(Dwarf_Die *die, unsigned attr, Dwarf_Die *ret)
{
	Dwarf_Attribute a;

	return libdw()->dwarf_attr_integrate(die, attr, &a) && libdw()->dwarf_formref_die(&a, ret);
}

int dwarf_die_children(Dwarf_Die *die, int (*f)(void *arg, Dwarf_Die *child), void *arg)
{
	Dwarf_Die child;
	int r = 0;

	if (libdw()->dwarf_child(die, &child) != 0)
		return 0;
	do
		r = f(arg, &child);
	while (!r && libdw()->dwarf_siblingof(&child, &child) == 0);
	return r;
}
