/* SPDX-License-Identifier: MIT */
/** What a dump format gives: one file each, listed in all.c; and what they share. */
#ifndef CRASH_DUMP_FORMAT_H
#define CRASH_DUMP_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "crash/dump/bytes.h"
#include "crash/dump/dump.h"

/** The name of the note, and in a minidump's header the mark, before the words of the origin. */
#define DUMP_THIN_NOTE "SONDE-THIN"

/** How the bytes of a page are packed. */
enum place_method { PLACE_RAW, PLACE_ZLIB, PLACE_LZO, PLACE_SNAPPY, PLACE_ZSTD };

/** Where memory lies in a file. */
struct place {
	struct bytes *file; /* borrowed */
	uint64_t off;	    /* PLACE_RAW: of the very byte; else of the packed page */
	uint64_t len;	    /* PLACE_RAW: bytes that follow from there; else of the packed page */
	enum place_method method;
};

struct dump_format {
	const char *name;
	/* By the first bytes, of which there may be few. */
	bool (*known)(const uint8_t *head, size_t n);
	bool many_files; /* may be split into several */
	/* Fills d->about, d->format_state. A negative errno with words. */
	int (*open)(struct dump *d);
	void (*close)(struct dump *d); /* also of what open() left half-done */
	/* 0, or -ENODATA (without words), or another errno with words. From many threads. */
	int (*find)(const struct dump *d, uint64_t pa, struct place *ret);
	/* See dump_next(). */
	uint64_t (*next)(const struct dump *d, uint64_t pa, uint64_t *ret_pa);
	/* See dump_left_out(), of what find() has not, and dump_count_left_out(). NULL: the format
	 * does not tell. */
	bool (*left_out)(const struct dump *d, uint64_t pa);
	uint64_t (*count_left_out)(const struct dump *d);
};

struct dump {
	struct dump_about about;
	const struct dump_format *format;
	void *format_state;   /* owned by the format */
	struct bytes **files; /* owned, with all parts */
	size_t n_files;
	struct dump_note *notes; /* owned; about.notes */
	size_t n_notes, cap_notes;
	char *name, *cut;	  /* owned: about.format and .cut, where they are made up */
	struct page_cache *cache; /* owned */
	struct touched *touched;  /* borrowed; NULL: nobody wants to know */
};

/**
 * Adds the notes in @data (which stays) to the dump; finds VMCOREINFO, the system and the page size
 * among them. Notes that are cut off are left out.
 */
SONDE_MUST_CHECK int format_add_notes(struct dump *d, const uint8_t *data, size_t size);

/** Takes VMCOREINFO from elsewhere than the notes; @text stays. */
void format_take_vmcoreinfo(struct dump *d, const char *text, size_t size);

/** Notes why pages of the dump are not there; the first one stays. Fails only without memory. */
SONDE_MUST_CHECK int format_say_cut(struct dump *d, const char *fmt, ...) SONDE_PRINTF(2, 3);

/** For what is read past dump_read() and dump_page(). */
void format_note_read(const struct dump *d, uint64_t pa, uint64_t len);

/** The packing's name: "zlib" ... */
const char *format_method_name(enum place_method method);

/** The architecture of ELF machine number @machine. -ENOTSUP with words: none that is known here.
 */
SONDE_MUST_CHECK int format_arch(unsigned machine, enum dump_arch *ret);

extern const struct dump_format *const dump_formats[]; /* all.c; ends with NULL */
extern const struct dump_format format_elf, format_kdump, format_minidump;

#endif
