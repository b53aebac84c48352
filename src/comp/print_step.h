/* SPDX-License-Identifier: MIT */
/** The steps of print programs, as print_make.c writes and print_run.c reads them. */
#ifndef COMP_PRINT_STEP_H
#define COMP_PRINT_STEP_H

#include <sonde/type.h>

enum print_code {
	PRINT_TEXT,   /* only the literal */
	PRINT_SCOPE,  /* go to the begin of scope @n */
	PRINT_PACKET, /* the text of the packet's context */
	PRINT_SKIP,   /* @n bits */

	/* Decimal integers of whole aligned bytes in the machine's byte order. */
	PRINT_U8,
	PRINT_U16,
	PRINT_U32,
	PRINT_U64,
	PRINT_S8,
	PRINT_S16,
	PRINT_S32,
	PRINT_S64,
	PRINT_INT, /* any other */

	PRINT_ENUM, /* @n labels from @first */
	PRINT_REAL,
	PRINT_UNKNOWN, /* a real of @n bits that no machine has */
	PRINT_STRING,  /* up to its 0 */
	PRINT_CHARS,   /* text in an array or sequence */
	PRINT_LOOP,    /* array or sequence: its body of @body steps follows */
	PRINT_VARIANT, /* @n options from @first; their bodies, @body steps in all, follow */
};

enum {
	PRINT_LITERAL_MOST = 224, /* bytes of one step's literal */
	PRINT_PAD = 32,		  /* readable bytes behind the literals */
	PRINT_ROOM = 1024,	  /* bytes that are free when a step begins */
	PRINT_DEPTH_MOST = 64,
};

struct print_step {
	uint8_t code;
	uint8_t len;	    /* of the literal */
	bool hidden;	    /* nothing is printed */
	bool ref_in_packet; /* @ref is one of the packet's slots */
	uint32_t text;	    /* of the literal, in the program's */
	uint32_t mask;	    /* alignment in bits, less 1 */
	uint32_t save;	    /* slot to keep the value in, or 0 */
	uint32_t ref;	    /* slot that counts or chooses, or 0 */
	uint32_t first, n, body;
	uint64_t count; /* of an array's elements */
	const struct sonde_type *type;
};

/** A range of an enumeration; those of one label stand together. */
struct print_label {
	uint64_t lo, hi;
	uint32_t text, len; /* quoted and escaped */
	uint32_t group;	    /* the same for all ranges of one label */
};

/** An option's steps, counted from the first behind the PRINT_VARIANT. */
struct print_option {
	uint32_t body, n;
};

#endif
