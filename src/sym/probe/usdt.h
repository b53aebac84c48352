/* SPDX-License-Identifier: MIT */
/** USDT markers: places in a program where its author put a probe, from the notes of its file. */
#ifndef SYM_PROBE_USDT_H
#define SYM_PROBE_USDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/mem.h"

/** How to read an argument of a marker ("-4@%eax", "8@-8(%rbp)", "4@$5"). */
enum usdt_kind {
	USDT_CONST,   /* @n */
	USDT_REG,     /* the register @reg, shifted right by @shift bits */
	USDT_MEM,     /* memory at @reg + @index * @scale + @n; @reg -1: at @n alone */
	USDT_UNKNOWN, /* text that makes no sense, or of a vector register */
};

struct usdt_arg {
	int8_t len; /* bytes: 1, 2, 4, 8; negative: signed */
	enum usdt_kind kind;
	int16_t reg, index; /* offsets of registers in struct pt_regs; @index -1: none */
	uint8_t scale;
	uint8_t shift; /* of USDT_REG: 8 for %ah */
	int64_t n;     /* the constant, or the displacement */
};

/** One place of a marker: a marker in a function that was inlined has several. */
struct usdt_marker {
	const char *provider, *name;
	const char *args_text; /* as in the file, for messages */
	uint64_t off;	       /* file offset of the place */
	uint64_t ref_ctr_off;  /* file offset of the semaphore; 0: none */
	const struct usdt_arg *args;
	size_t n_args;
};

/** All markers of a file, in the order of its notes. */
struct usdt;

/**
 * Reads the markers of a program or library, which are none in most. What makes no sense in a
 * note leaves that note out. Errors of opening; -EBADMSG: no ELF file; -ENOTSUP: of another
 * machine than x86-64 and aarch64, or 32 bits.
 */
SONDE_MUST_CHECK int usdt_open(const char *path, struct usdt **ret);
void usdt_free(struct usdt *u);
SONDE_DEFINE_AUTO(struct usdt *, usdt_free)

/** Lends all, until usdt_free(). */
const struct usdt_marker *usdt_markers(const struct usdt *u, size_t *ret_n);

enum usdt_machine { USDT_X86_64, USDT_AARCH64 };

/**
 * Reads one argument's text of @len bytes. @pc is the marker's address; @symbol, which may be NULL,
 * tells the address of a name ("8@counter(%rip)"). What cannot be read is USDT_UNKNOWN.
 */
struct usdt_arg usdt_arg_parse(enum usdt_machine machine, const char *text, size_t len, uint64_t pc,
			       bool (*symbol)(void *arg, const char *name, uint64_t *ret),
			       void *arg);

#endif
