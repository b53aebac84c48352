/* SPDX-License-Identifier: MIT */
/** CTF of both versions, written type by type. */
#ifndef MADE_CTF_H
#define MADE_CTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MADE_CTF_MOST = 1 << 16 };

struct made_ctf {
	bool is_v3;
	uint8_t types[MADE_CTF_MOST / 2];
	char strs[MADE_CTF_MOST / 4];
	size_t types_len, strs_len;
	uint32_t n;
};

void made_ctf_init(struct made_ctf *m, bool is_v3);
/** Adds a type's head; its number is returned. @size: of what has one, else the type it is of. */
uint32_t made_ctf_type(struct made_ctf *m, unsigned kind, const char *name, uint32_t n,
		       uint64_t size);
/** What stands behind heads. */
void made_ctf_u32(struct made_ctf *m, uint32_t v);
void made_ctf_id(struct made_ctf *m, uint32_t id);
uint32_t made_ctf_str(struct made_ctf *m, const char *text);
void made_ctf_member(struct made_ctf *m, const char *name, uint32_t type, uint64_t bit_off,
		     bool large);
void made_ctf_pad(struct made_ctf *m);

/** The whole section, in @ret of MADE_CTF_MOST bytes, whose length is returned. */
size_t made_ctf_finish(const struct made_ctf *m, bool packed, uint8_t *ret);

/**
 * Types of a FreeBSD that is made up: struct thread (tid, name, next, flags of 3 and 5 bits, an
 * enum, words[4], a nameless union), typedef thread_t, struct large with members beyond 8192 bytes.
 */
void made_ctf_world(struct made_ctf *m);

#endif
