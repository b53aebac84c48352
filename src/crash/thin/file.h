/* SPDX-License-Identifier: MIT */
/** A thin dump in the making, and the formats that it may have. */
#ifndef CRASH_THIN_FILE_H
#define CRASH_THIN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/mem.h"

#include "base/strbuf.h"
#include "crash/dump/dump.h"

struct thin_file {
	struct dump *dump;     /* borrowed */
	const uint64_t *pages; /* borrowed; in order */
	size_t n_pages;
	uint32_t page_size;
	const char *path; /* borrowed: for words */
	int fd;
	uint64_t len;
};

/** Puts @n bytes at @off; what nothing is put to is zero. */
SONDE_MUST_CHECK int thin_put(struct thin_file *f, uint64_t off, const void *data, size_t n);

/** The notes of the dump, and one that says what it was. -ENOMEM. */
SONDE_MUST_CHECK int thin_notes(const struct dump *d, struct strbuf *ret);

struct thin_format {
	const char *name;
	/** Whether it can have these pages of this dump. */
	bool (*can)(const struct thin_file *f);
	int (*write)(struct thin_file *f);
};

extern const struct thin_format thin_elf, thin_kdump, thin_minidump;

#endif
