/* SPDX-License-Identifier: MIT */
/** Finds lines and inlined calls with libdw; relocates what is not linked with libdwfl. */
#include "sym/lines/lines.h"

#include <dwarf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "sym/ctype/dwarf_die.h"
#include "sym/lines/units.h"
#include "sym/probe/elf_image.h"

struct lines {
	struct elf_image image;
	struct dwarf_file file;
	struct units units;
	Dwfl *dwfl; /* owned; NULL: the file is linked, and @file has its own DWARF */
	struct lines_sections sections;
	uint64_t bias; /* of @dwfl's addresses */
};

void lines_free(struct lines *l)
{
	if (!l)
		return;
	units_fini(&l->units);
	if (l->dwfl)
		libdw()->dwfl_end(l->dwfl);
	else
		dwarf_file_fini(&l->file);
	elf_image_fini(&l->image);
	free(l);
}

const struct build_id *lines_id(const struct lines *l)
{
	return &l->image.id;
}

static int find_elf(Dwfl_Module *m, void **data, const char *name, Dwarf_Addr base, char **path,
		    Elf **ret)
{
	const struct lines *l = *data;

	(void)m, (void)name, (void)base, (void)ret;
	// Both become libdwfl's.
	int fd = open(l->image.path, O_RDONLY | O_CLOEXEC);
	*path = fd < 0 ? NULL : strdup(l->image.path);
	return fd;
}

/* Only the file that was asked for: libdwfl would look around, also in the network. */
static int find_no_debug(Dwfl_Module *m, void **data, const char *name, Dwarf_Addr base,
			 const char *path, const char *link, GElf_Word crc, char **ret)
{
	(void)m, (void)data, (void)name, (void)base, (void)path, (void)link, (void)crc, (void)ret;
	return -1;
}

static int section_address(Dwfl_Module *m, void **data, const char *name, Dwarf_Addr base,
			   const char *section, GElf_Word index, const GElf_Shdr *sh,
			   Dwarf_Addr *ret)
{
	const struct lines *l = *data;
	uint64_t at;

	(void)m, (void)name, (void)base, (void)index, (void)sh;
	// What is not in memory must not lie where other code does.
	*ret = l->sections.address(l->sections.arg, section, &at) ? at : (Dwarf_Addr)-1;
	return DWARF_CB_OK;
}

static int open_relocatable(struct lines *l)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = find_elf,
		.find_debuginfo = find_no_debug,
		.section_address = section_address,
	};
	uint64_t text = 0;
	void **data;

	if (!l->sections.address || !l->sections.address(l->sections.arg, ".text", &text))
		return sonde_fail(-ENODATA, "where '%s' was loaded is not known", l->image.path);
	int r = libdw_open();
	if (r < 0)
		return r;
	l->dwfl = libdw()->dwfl_begin(&callbacks);
	Dwfl_Module *m =
		l->dwfl ? libdw()->dwfl_report_module(l->dwfl, "module", text, text + 1) : NULL;
	if (!m)
		return sonde_fail(-ENOMEM, "out of memory");
	libdw()->dwfl_module_info(m, &data, NULL, NULL, NULL, NULL, NULL, NULL);
	*data = l;
	(void)libdw()->dwfl_report_end(l->dwfl, NULL, NULL); // only tells what was taken away
	l->file.dw = libdw()->dwfl_module_getdwarf(m, &l->bias);
	return l->file.dw
		       ? 0
		       : sonde_fail(-EBADMSG, "'%s': %s", l->image.path, libdw()->dwfl_errmsg(-1));
}

static int open_file(struct lines *l, const char *path)
{
	int r = elf_image_open_mapped(path, &l->image);

	if (r < 0)
		return r;
	r = elf_image_to_dwarf(&l->image);
	if (r < 0)
		return r == -ENOENT ? sonde_fail(r,
						 "'%s' has no debug information (DWARF), and "
						 "neither has a debug file of it",
						 path)
				    : r;
	if (l->image.header.e_type == ET_REL)
		return open_relocatable(l);
	return dwarf_file_open(l->image.elf, l->image.path, &l->file);
}

int lines_open(const char *path, const struct lines_sections *sections, struct lines **ret)
{
	sonde_auto(lines_freep) struct lines *l = calloc(1, sizeof(*l));
	if (!l)
		return sonde_fail(-ENOMEM, "'%s': out of memory", path);
	l->image.fd = -1;
	if (sections)
		l->sections = *sections;
	int r = open_file(l, path);
	if (r < 0)
		return r;
	units_init(&l->units, l->file.dw);
	*ret = sonde_take(l);
	return 0;
}

/* Without the folder that all was built in, which is of no use on another machine. */
static const char *shorten(Dwarf_Die *unit, const char *file)
{
	Dwarf_Attribute a;
	const char *folder =
		file ? libdw()->dwarf_formstring(libdw()->dwarf_attr(unit, DW_AT_comp_dir, &a))
		     : NULL;
	size_t len = folder ? strlen(folder) : 0;

	if (len && !strncmp(file, folder, len) && file[len] == '/') {
		for (file += len; *file == '/'; file++)
			;
	}
	while (file && !strncmp(file, "./", 2))
		file += 2;
	return file;
}

static void line_of_address(Dwarf_Die *unit, uint64_t addr, struct line_frame *ret)
{
	Dwarf_Line *line = libdw()->dwarf_getsrc_die(unit, addr);
	int n = 0;

	// Line 0 is what a compiler made up.
	if (!line || libdw()->dwarf_lineno(line, &n) != 0 || n <= 0)
		return;
	ret->file = shorten(unit, libdw()->dwarf_linesrc(line, NULL, NULL));
	ret->line = (unsigned)n;
}

static void line_of_call(Dwarf_Die *unit, Dwarf_Die *call, struct line_frame *ret)
{
	uint64_t file, line;
	Dwarf_Files *files;
	size_t n;

	if (!dwarf_die_number(call, DW_AT_call_file, &file) ||
	    !dwarf_die_number(call, DW_AT_call_line, &line) || !line || line > UINT32_MAX ||
	    libdw()->dwarf_getsrcfiles(unit, &files, &n) != 0 || file >= n)
		return;
	ret->file = shorten(unit, libdw()->dwarf_filesrc(files, (size_t)file, NULL, NULL));
	ret->line = (unsigned)line;
}

/* What is inside of @die at the address: a block or an inlined call. */
static bool step_in(Dwarf_Die *die, uint64_t addr)
{
	Dwarf_Die child;

	if (libdw()->dwarf_child(die, &child) != 0)
		return false;
	do {
		int tag = libdw()->dwarf_tag(&child);

		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
		     tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
		    libdw()->dwarf_haspc(&child, addr) == 1) {
			*die = child;
			return true;
		}
	} while (libdw()->dwarf_siblingof(&child, &child) == 0);
	return false;
}

/* Gathers the function and the calls inlined there, the outermost first. */
static size_t gather(struct lines *l, Dwarf_Die *unit, uint64_t addr, Dwarf_Die *ret)
{
	size_t n = 0;
	Dwarf_Die die;

	if (!units_function(&l->units, unit, addr, &die))
		return 0;
	ret[n++] = die;
	for (unsigned depth = 0; depth < 4 * LINES_DEPTH && step_in(&die, addr); depth++) {
		if (libdw()->dwarf_tag(&die) == DW_TAG_inlined_subroutine && n < LINES_DEPTH)
			ret[n++] = die;
	}
	return n;
}

size_t lines_at(struct lines *l, uint64_t addr, struct line_frame *ret, size_t cap)
{
	Dwarf_Die unit, calls[LINES_DEPTH];

	addr -= l->bias;
	if (!cap || !units_at(&l->units, addr, &unit))
		return 0;
	size_t n = gather(l, &unit, addr, calls), shown = n < cap ? n : cap;
	ret[0] = (struct line_frame){ .function = NULL };
	line_of_address(&unit, addr, &ret[0]);
	if (!n)
		return ret[0].file ? 1 : 0;
	for (size_t i = 0; i < shown; i++) {
		Dwarf_Die *die = &calls[n - 1 - i];
		const char *name = dwarf_die_name(&l->file, die);

		ret[i].function = *name ? name : NULL;
		ret[i].is_inlined = i + 1 < n;
		if (i + 1 == shown)
			break;
		ret[i + 1] = (struct line_frame){ .function = NULL };
		line_of_call(&unit, die, &ret[i + 1]);
	}
	return shown;
}
