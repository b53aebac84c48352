/* SPDX-License-Identifier: MIT */
/** One program or library: its build-id, and its functions by file offset. */
#ifndef SYM_ELF_FILE_H
#define SYM_ELF_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/span.h>

#include "base/mem.h"
#include "sym/build_id.h"
#include "sym/symtab.h"

struct elf_file;

/**
 * Opens the ELF file @fd, which is owned by the result on success. @path is for messages, and its
 * last part for functions without names.
 * -EBADMSG: no ELF file.
 */
SONDE_MUST_CHECK int elf_file_open(int fd, const char *path, struct elf_file **ret);

/** The same on borrowed bytes, as those of the vdso. */
SONDE_MUST_CHECK int elf_file_open_bytes(struct sonde_span bytes, struct elf_file **ret);

void elf_file_free(struct elf_file *f);
SONDE_DEFINE_AUTO(struct elf_file *, elf_file_free)

const struct build_id *elf_file_build_id(const struct elf_file *f);

/** The virtual address of a byte that the program headers load as code; false: they do not. */
bool elf_file_vaddr(const struct elf_file *f, uint64_t off, uint64_t *ret);

/**
 * Lends the functions, keyed by file offset: of .symtab, else of the separate debug file with the
 * same build-id, else of .dynsym; then what has no name is called "file+0xOFFSET" by where it
 * begins, as far as .eh_frame tells. Loaded once. A file without any has an empty table; what makes
 * no sense inside of the file is left out. Fails only with -ENOMEM.
 */
SONDE_MUST_CHECK int elf_file_functions(struct elf_file *f, const struct symtab **ret);

/** Loads the functions and closes the file. -ENOMEM. */
SONDE_MUST_CHECK int elf_file_settle(struct elf_file *f);

/** libelf's handle, lent; NULL after elf_file_settle(). */
struct Elf *elf_file_handle(const struct elf_file *f);

#endif
