/* SPDX-License-Identifier: MIT */
/**
 * Types of values in a script, and how a value lies in memory: in maps, in records, on the way to
 * the printer. Numbers are of the machine's byte order; offsets in bytes.
 */
#ifndef LANG_TYPE_H
#define LANG_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "sym/ctype.h"

enum type_kind {
	TYPE_NONE,   /* no value: what printf() gives; the key of a map without keys */
	TYPE_INT,    /* @size 1, 2, 4, 8 bytes; in registers always 64 bits, extended. Also bool and
			enum */
	TYPE_STR,    /* @size bytes; ends with a 0 byte where shorter; bytes behind are 0 in maps */
	TYPE_BUF,    /* u32 length, then @size - 4 bytes of room */
	TYPE_TUPLE,  /* @fields; also a key of several parts */
	TYPE_PTR,    /* u64; @c is the pointee's C type */
	TYPE_RECORD, /* a struct or union @c, raw bytes (by value) */
	TYPE_ARRAY,  /* @n of @elem, raw bytes */
	TYPE_KSTACK, /* u64 stack id, see struct stack_value; @stack */
	TYPE_USTACK, /* struct stack_value */
	TYPE_KSYM,   /* u64 address */
	TYPE_USYM,   /* struct usym_value */
	TYPE_INET,   /* struct inet_value */
	TYPE_MAC,    /* 6 bytes, size 8 */
	TYPE_TIME,   /* strftime: u64 ns since boot (CLOCK_BOOTTIME), @fmt says how */
	TYPE_CGROUP, /* cgroup_path: u64 id */
	TYPE_USER,   /* username: u32 uid */
	TYPE_PROBE,  /* probe: u32, index in script.probe_names */
	TYPE_ERRNO,  /* strerror(): u32 */
	TYPE_SIGNAL, /* strsignal-like values of the future; not used */
	/* aggregations: only as values of maps; one for each CPU in the kernel, merged by
	   agg_merge() */
	TYPE_COUNT, /* u64 */
	TYPE_SUM,   /* s64 (u64 where not signed), u64 not 0 once it was added to */
	TYPE_MIN,   /* struct { s64 value; u64 is_set; } */
	TYPE_MAX,   /* the same */
	TYPE_AVG,   /* struct { s64 total; u64 count; } */
	TYPE_STATS, /* the same */
	TYPE_HIST,  /* u64 counts[hist_len(@hist_bits)] */
	TYPE_LHIST, /* u64 counts[]: below, (max - min) / step, above */
	/* of D alone: */
	TYPE_STDDEV, /* struct deviation_value */
	TYPE_LLHIST, /* u64 counts[llhist_len()] */
};

enum stack_mode { STACK_BPFTRACE, STACK_PERF, STACK_RAW };

/** Stacks are kept once, in the map of stacks, by a hash of their frames. */
struct stack_value {
	uint64_t id;  /* 0: an empty stack */
	uint32_t pid; /* whose addresses they are; 0 in the kernel */
	uint32_t n;   /* frames; at most @stack_depth */
};
struct usym_value {
	uint64_t addr;
	uint32_t pid, pad;
};
struct inet_value {
	uint32_t family; /* AF_INET, AF_INET6; else prints as "" */
	uint8_t addr[16];
};
struct extreme_value {
	int64_t value;
	uint64_t is_set;
};
struct average_value {
	int64_t total;
	uint64_t count;
};
/** The sum of squares is low + 2^32 middle + 2^64 high, so that no addition carries. */
struct deviation_value {
	int64_t total;
	uint64_t count;
	uint64_t low, middle, high;
};

struct type {
	enum type_kind kind;
	uint32_t size; /* bytes in memory */
	uint32_t align;
	bool is_signed; /* TYPE_INT; the arguments of sum, min, max, avg, stats */
	bool is_bool;
	bool is_user;	/* TYPE_PTR, TYPE_RECORD, TYPE_ARRAY: in user memory */
	bool is_module; /* TYPE_KSYM, TYPE_USYM of D: what the address is in, and nothing of it */
	bool is_ctx;	/* TYPE_PTR to a probe's arguments: read by the world, not by probe_read */
	const struct ctype
		*c; /* of TYPE_PTR (pointee), TYPE_RECORD, TYPE_ARRAY; enum's type or NULL */
	const struct type *elem;	 /* TYPE_ARRAY */
	uint32_t n;			 /* TYPE_ARRAY: elements; TYPE_TUPLE: fields */
	const struct type_field *fields; /* TYPE_TUPLE */
	enum stack_mode stack_mode;
	uint32_t stack_depth; /* frames to print; the map holds STACK_MOST */
	const char *fmt;      /* TYPE_TIME */
	uint32_t hist_bits;   /* TYPE_HIST: buckets per power of two are 1 << bits; 0 .. 5 */
	/** TYPE_HIST of D: behind the others 64 buckets of negative numbers, by powers of two. */
	bool hist_negative;
	int64_t lhist_min, lhist_max, lhist_step;
	uint32_t ll_factor, ll_low, ll_high, ll_steps; /* TYPE_LLHIST */
	/** TYPE_INT in D: bytes of the type that the value had first; 0: @size. Only shown. */
	uint8_t shown;
};

struct type_field {
	const struct type *type;
	uint32_t off;
};

enum { PROBE_NAME_SIZE = 64 }; /* of a probe's name as a string */
enum { STACK_MOST = 127, STR_LEN = 64, STR_LEN_MOST = 1024, HIST_BITS_MOST = 5 };

/**
 * Buckets of hist(): [0] negative numbers; [1] is 0 (with bits 0); ...
 * With @bits = 0: index 1 is the value 0, index 1 + k is [2^(k-1), 2^k), for k = 1 .. 64.
 * With @bits = b > 0: index 1 + v for v < 2^b; behind these, 2^b linear buckets in each power of
 * two: index 1 + ((e - b + 1) << b) + ((v >> (e - b)) & (2^b - 1)), where 2^e is v's highest bit.
 */
static inline uint32_t hist_len(uint32_t bits)
{
	return bits == 0 ? 66 : 1 + ((64 - bits + 1) << bits);
}
/** The first value of bucket @i >= 1, and the first one behind it (0: 2^64). */
void hist_bounds(uint32_t bits, uint32_t i, uint64_t *ret_low, uint64_t *ret_high);

static inline uint64_t lhist_len(const struct type *t)
{
	return 2 + (uint64_t)((t->lhist_max - t->lhist_min) / t->lhist_step);
}

/** Negative buckets from -2^0 to -2^63 in D's quantize(). */
enum { HIST_NEGATIVES = 64 };

/**
 * Buckets of llquantize(): ranges from factor^low to factor^(high + 1), each in steps of equal
 * width; of negative numbers, with the largest ones first; one of what is nearer to 0 than all; of
 * positive ones.
 */
static inline uint32_t llhist_half(const struct type *t)
{
	return (t->ll_high - t->ll_low + 1) * (t->ll_steps - t->ll_steps / t->ll_factor) + 1;
}
static inline uint32_t llhist_len(const struct type *t)
{
	return 2 * llhist_half(t) + 1;
}

static inline bool type_is_agg(const struct type *t)
{
	return t->kind >= TYPE_COUNT;
}

/** Types in common use; static. */
extern const struct type type_none, type_u64, type_i64, type_u32, type_i32, type_bool;

/** Made in @a; NULL (sonde_fail(-ENOMEM)). */
struct type *type_new(struct arena *a, enum type_kind kind, uint32_t size, uint32_t align);
const struct type *type_int(unsigned size, bool is_signed); /* static */
/** 64 bits that D shows as @size bytes. Static. */
const struct type *type_shown(unsigned size, bool is_signed);
struct type *type_str(struct arena *a, uint32_t size);
/** Lays out fields as C would, padded to 8; for keys and tuples. */
struct type *type_tuple(struct arena *a, const struct type *const *elems, uint32_t n);

/** The same values in the same layout: a map may hold both. */
bool type_same(const struct type *a, const struct type *b);

struct strbuf;
/** For messages: "uint64", "string[64]", "struct sock *", "(uint64,string[16])". */
void type_print(const struct type *t, struct strbuf *ret);

#endif
