/* SPDX-License-Identifier: MIT */
/** CTF as bytes, the format of types of FreeBSD's kernels (ctf(5)), versions 2 and 3. */
#ifndef SYM_CTYPE_CTF_DATA_H
#define SYM_CTYPE_CTF_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>
#include <sonde/span.h>

enum ctf_kind {
	CTF_UNKNOWN,
	CTF_INTEGER,
	CTF_FLOAT,
	CTF_POINTER,
	CTF_ARRAY,
	CTF_FUNCTION,
	CTF_STRUCT,
	CTF_UNION,
	CTF_ENUM,
	CTF_FORWARD,
	CTF_TYPEDEF,
	CTF_VOLATILE,
	CTF_CONST,
	CTF_RESTRICT,
	CTF_KINDS,
};

struct ctf_data {
	uint8_t *unpacked;	   /* owned; NULL: it was not packed */
	struct sonde_span types;   /* in @unpacked or what was given */
	struct sonde_span strs[2]; /* its own, and those of the ELF file */
	bool is_v3;
	uint32_t *at; /* owned: where each type begins; number 1 is the first */
	uint32_t n;
};

struct ctf_type {
	enum ctf_kind kind;
	uint32_t name;
	uint32_t ref;  /* the type it is made of; of a forward: the kind */
	uint32_t n;    /* members, enumerators, parameters */
	uint64_t size; /* bytes */
	size_t body;   /* where what follows begins */
};

struct ctf_member {
	uint32_t name, type;
	uint64_t bit_off;
};

/**
 * Reads a section; @bytes and @elf_strs outlive the result. -EBADMSG; -ENOTSUP: packed, and no zlib
 * is there; -ENOMEM.
 */
SONDE_MUST_CHECK int ctf_data_open(struct sonde_span bytes, struct sonde_span elf_strs,
				   struct ctf_data *ret);
void ctf_data_fini(struct ctf_data *d);

/** False: there is none of that number, as for 0: void. */
bool ctf_data_type(const struct ctf_data *d, uint32_t id, struct ctf_type *ret);
/** A name; "" where its place is wrong. */
const char *ctf_data_str(const struct ctf_data *d, uint32_t name);

/** Of an integer: flags (1: signed, 2: char, 4: bool), where it begins and how many bits it has. */
void ctf_data_int(const struct ctf_data *d, const struct ctf_type *t, unsigned *ret_flags,
		  unsigned *ret_off, unsigned *ret_bits);
void ctf_data_array(const struct ctf_data *d, const struct ctf_type *t, uint32_t *ret_elem,
		    uint32_t *ret_n);
/** Number @i of @t's, which are t->n. */
void ctf_data_member(const struct ctf_data *d, const struct ctf_type *t, uint32_t i,
		     struct ctf_member *ret);
int32_t ctf_data_enumerator(const struct ctf_data *d, const struct ctf_type *t, uint32_t i,
			    uint32_t *ret_name);
uint32_t ctf_data_param(const struct ctf_data *d, const struct ctf_type *t, uint32_t i);

#endif
