/* SPDX-License-Identifier: MIT */
/** A kind of kernel event: its CTF description, and how its records get into packets. */
#ifndef RECORD_KERNEL_CLASS_H
#define RECORD_KERNEL_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/arena.h"
#include "ctf/describe.h"

struct tep_event;

/*
 * On disk an event is the u64 time followed by the kernel's record as it is. The record begins
 * with common_type (the u16 id of the event header), common_flags, common_preempt_count and
 * common_pid (the event context); its fields keep the kernel's offsets.
 */
enum {
	KERNEL_TIME_LEN = 8,
	KERNEL_COMMON_LEN = 8,
	KERNEL_RECORD_MAX = 1 << 16, /* offsets and lengths in records are 16 bits */
	KERNEL_RAW_ID = 0,	     /* records without a description; no kernel event has it */
	KERNEL_DYN_MAX = 32,	     /* arrays of varying length in one record */
	KERNEL_CODE_MAX = 4,	     /* addresses of code in one record that are named */
};

/** An array of varying length: a u32 at @off says where in the record it is. */
struct kernel_dyn {
	uint16_t off;
	uint16_t elem; /* bytes of an element */
	bool relative; /* the place counts from behind the u32 */
};

/** How records of one id are copied. */
struct kernel_class {
	uint16_t fixed_len; /* bytes before the arrays of varying length; 0: no such id */
	uint8_t n_dyn;
	bool counts; /* elements are larger than a byte: their lengths are rewritten as counts */
	const struct kernel_dyn *dyn; /* in the arena */
	uint8_t n_code;
	uint16_t code[KERNEL_CODE_MAX]; /* where u64 addresses are that the kernel would name */
};

/** The event context of all kernel events; they begin with describe_event_header(). */
struct sonde_type *kernel_describe_context(struct describe *d);

/** Adds the class of KERNEL_RAW_ID: { type, len, data[len] }. */
void kernel_describe_raw(struct describe *d, struct sonde_stream_class *stream);

/**
 * Describes @ev as an event class called @name and tells how to copy its records. Returns 0;
 * -ENOTSUP (sonde_fail()): not even its common fields are as expected, it gets no class; -ENOMEM.
 */
SONDE_MUST_CHECK int kernel_describe_event(struct describe *d, struct sonde_stream_class *stream,
					   const struct tep_event *ev, const char *name,
					   struct kernel_class *ret);

/**
 * Bytes that @rec (@len bytes, at least KERNEL_COMMON_LEN) takes on disk if it can be copied as it
 * is: then only those bytes of it count. 0: kernel_rewrite() must make it fit.
 */
static inline size_t kernel_copy_len(const struct kernel_class *c, const uint8_t *rec, size_t len)
{
	size_t end = c->fixed_len;

	if (__builtin_expect(end > len || end == 0 || c->counts, 0))
		return 0;
	for (unsigned i = 0; i < c->n_dyn; i++) {
		const struct kernel_dyn *dyn = &c->dyn[i];
		uint32_t loc; // length above, place below

		__builtin_memcpy(&loc, rec + dyn->off, sizeof(loc));
		size_t at = (loc & UINT16_MAX) + (dyn->relative ? dyn->off + 4u : 0);
		if (at != end && loc >> 16)
			return 0;
		end += loc >> 16;
	}
	return end <= len ? end : 0;
}

/** Room that kernel_rewrite() may need for a record of @len bytes. */
size_t kernel_rewrite_max(const struct kernel_class *c, size_t len);

/**
 * Writes @rec so that it is as its class (or that of KERNEL_RAW_ID) describes it: arrays one behind
 * the other, counts instead of bytes. Returns the bytes written to @ret.
 */
size_t kernel_rewrite(const struct kernel_class *c, const uint8_t *rec, size_t len, uint8_t *ret);

#endif
