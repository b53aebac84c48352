/* SPDX-License-Identifier: MIT */
/**
 * libdw of elfutils, opened when DWARF is first wanted: most runs want none, and it and what it
 * needs (liblzma, libbz2, libz) are as large as all of ours.
 */
#ifndef SYM_LIBDW_H
#define SYM_LIBDW_H

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include <sonde/def.h>

/** What is used of it, under libdw's own names. */
#define LIBDW_FUNCTIONS(X)      \
	X(dwarf_aggregate_size) \
	X(dwarf_attr)           \
	X(dwarf_attr_integrate) \
	X(dwarf_begin_elf)      \
	X(dwarf_cfi_addrframe)  \
	X(dwarf_cfi_end)        \
	X(dwarf_child)          \
	X(dwarf_cu_getdwarf)    \
	X(dwarf_cu_info)        \
	X(dwarf_dieoffset)      \
	X(dwarf_end)            \
	X(dwarf_errmsg)         \
	X(dwarf_filesrc)        \
	X(dwarf_formflag)       \
	X(dwarf_formref_die)    \
	X(dwarf_formsdata)      \
	X(dwarf_formstring)     \
	X(dwarf_formudata)      \
	X(dwarf_frame_cfa)      \
	X(dwarf_frame_info)     \
	X(dwarf_frame_register) \
	X(dwarf_get_units)      \
	X(dwarf_getalt)         \
	X(dwarf_getarange_addr) \
	X(dwarf_getarangeinfo)  \
	X(dwarf_getaranges)     \
	X(dwarf_getcfi_elf)     \
	X(dwarf_getelf)         \
	X(dwarf_getlocation)    \
	X(dwarf_getsrc_die)     \
	X(dwarf_getsrcfiles)    \
	X(dwarf_hasattr)        \
	X(dwarf_haspc)          \
	X(dwarf_lineno)         \
	X(dwarf_linesrc)        \
	X(dwarf_offdie)         \
	X(dwarf_offdie_types)   \
	X(dwarf_ranges)         \
	X(dwarf_siblingof)      \
	X(dwarf_srclang)        \
	X(dwarf_tag)            \
	X(dwarf_whatform)       \
	X(dwfl_begin)           \
	X(dwfl_end)             \
	X(dwfl_errmsg)          \
	X(dwfl_module_getdwarf) \
	X(dwfl_module_info)     \
	X(dwfl_report_end)      \
	X(dwfl_report_module)

struct libdw {
#define X(f) __typeof__(&f) f;
	LIBDW_FUNCTIONS(X)
#undef X
};

/** Opens it once in a process. -ENOTSUP: it is not installed. From any thread. */
SONDE_MUST_CHECK int libdw_open(void);

/** Its functions; only after libdw_open(), thus by who has an object of libdw. */
const struct libdw *libdw(void);

#endif
