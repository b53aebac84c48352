/* SPDX-License-Identifier: MIT */
/**
 * Types of C programs: how BTF, DWARF, CTF, event formats and a script's own definitions lay out
 * data.
 *
 * Types are found when they are asked for: a database of 150,000 types costs nothing until then.
 * Typedefs, const and volatile are looked through everywhere.
 */
#ifndef SYM_CTYPE_H
#define SYM_CTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>
#include <sonde/span.h>

#include "base/arena.h"
#include "base/paged.h"

enum ctype_kind {
	CT_VOID,
	CT_INT, /* also bool and char */
	CT_FLOAT,
	CT_PTR,
	CT_ARRAY,
	CT_STRUCT, /* also a C++ class */
	CT_UNION,
	CT_ENUM,
	CT_FUNC,
};

struct ctypes;

struct ctype {
	enum ctype_kind kind;
	bool is_signed, is_bool, is_char;
	bool is_user;	   /* a pointer with the tag "user" */
	bool is_percpu;	   /* a pointer with the tag "percpu" */
	bool is_forward;   /* declared only: no size, no members */
	uint64_t size;	   /* bytes; of a pointer 8 */
	uint64_t n;	   /* elements of an array; 0: open end */
	const char *name;  /* tag or name of base type; "" for nameless ones */
	struct ctypes *db; /* whose it is; NULL: made by hand */
	uint64_t id;	   /* inside of @db: the BTF id, the DIE's offset */
	/** Filled when first asked for: use ctype_elem() and ctype_members(). */
	const struct ctype *elem;      /* pointee, element, or a function's result */
	const struct cmember *members; /* fields, enumerators, parameters */
	size_t n_members;
	bool done;
};

struct cmember {
	const char *name; /* "" for a nameless struct or union inside */
	const struct ctype *type;
	uint64_t bit_off;  /* from the begin of the struct */
	uint32_t bit_size; /* of a bit field, else 0 */
	int64_t value;	   /* of an enumerator */
};

/** The running kernel's types (/sys/kernel/btf/vmlinux). -ENOENT: this kernel has none. */
SONDE_MUST_CHECK int ctypes_open_kernel(struct ctypes **ret);
/** A module's types, over the kernel's, which must outlive it. */
SONDE_MUST_CHECK int ctypes_open_module(struct ctypes *kernel, const char *module,
					struct ctypes **ret);
/** BTF from memory, for tests and guests; @len bytes are copied. -EBADMSG. */
SONDE_MUST_CHECK int ctypes_open_btf(const void *data, size_t len, struct ctypes **ret);
/** The same of types that come over those of @base, which must outlive them, as a module's do. */
SONDE_MUST_CHECK int ctypes_open_btf_over(struct ctypes *base, const void *data, size_t len,
					  struct ctypes **ret);
/** Both without a copy: @data, at a multiple of 4, must outlive the result. @base NULL: none. */
SONDE_MUST_CHECK int ctypes_open_btf_lent(struct ctypes *base, const void *data, size_t len,
					  struct ctypes **ret);

/** BTF of bytes that come when they are wanted: what makes no sense in it is found then. */
SONDE_MUST_CHECK int ctypes_open_btf_paged(const struct paged_from *from, struct ctypes **ret);
/** A program's or library's DWARF, in the file or in its separate debug file. -ENOENT: it has none.
 */
SONDE_MUST_CHECK int ctypes_open_dwarf(const char *path, struct ctypes **ret);
/** The same of a kernel's file, whose hundreds of megabytes are mapped. */
SONDE_MUST_CHECK int ctypes_open_dwarf_mapped(const char *path, struct ctypes **ret);
/** The CTF of a FreeBSD kernel's file. -ENOENT, without words: it has none; -ENOTSUP; -EBADMSG. */
SONDE_MUST_CHECK int ctypes_open_ctf(const char *path, struct ctypes **ret);
/** CTF from memory, which must outlive the result. */
SONDE_MUST_CHECK int ctypes_open_ctf_lent(struct sonde_span bytes, struct ctypes **ret);
/** Databases as one: what the first does not know, the next one is asked. */
struct ctypes_parts {
	/** The @i-th into *@ret (lent; NULL: it has no types). False: there are no more. Asked once
	 * for each, when the ones before it did not do. */
	bool (*at)(void *arg, size_t i, struct ctypes **ret);
	void *arg;
};
/** They must outlive the result. */
SONDE_MUST_CHECK int ctypes_open_parts(const struct ctypes_parts *from, struct ctypes **ret);
void ctypes_free(struct ctypes *db);
SONDE_DEFINE_AUTO(struct ctypes *, ctypes_free)

/**
 * The type that C code calls @name: "struct task_struct", "union u", "enum e", "unsigned int",
 * "u64", "uint8_t", "size_t", "task_struct" (a tag alone, where there is no such typedef).
 * Returns 0; -ENOENT: there is none; -EBADMSG; -ENOMEM.
 */
SONDE_MUST_CHECK int ctypes_find(struct ctypes *db, const char *name, const struct ctype **ret);
/** Whether any answer so far was "there is none" as memory had run out: types without members too.
 */
bool ctypes_ran_out(const struct ctypes *db);
/** Whether a part of them cannot be read or makes no sense, so that types seem not to be there. */
bool ctypes_broken(const struct ctypes *db);
/** A function's type: parameters as members, its result as elem; id is its BTF id. As above. */
SONDE_MUST_CHECK int ctypes_func(struct ctypes *db, const char *name, const struct ctype **ret);
/** The value of an enumerator anywhere in @db. False: there is none. */
bool ctypes_enumerator(struct ctypes *db, const char *name, int64_t *ret);
/** By BTF id (or DIE offset). */
SONDE_MUST_CHECK int ctypes_by_id(struct ctypes *db, uint64_t id, const struct ctype **ret);
/** A percpu or other global variable's type; -ENOENT. */
SONDE_MUST_CHECK int ctypes_var(struct ctypes *db, const char *name, const struct ctype **ret);
/** Where a per-CPU variable of the kernel lies in their section, by its BTF; false: it has none. */
bool ctypes_percpu(struct ctypes *db, const char *name, uint64_t *ret_off);
/** Calls @f for each function (with its name), until it returns other than 0, which is returned. */
SONDE_MUST_CHECK int ctypes_each_func(struct ctypes *db,
				      int (*f)(void *arg, const char *name, uint64_t id),
				      void *arg);
/** The same for struct and union tags: for "did you mean", and `list`. */
SONDE_MUST_CHECK int ctypes_each_struct(struct ctypes *db, int (*f)(void *arg, const char *name),
					void *arg);
/** The BTF id of the typedef "btf_trace_NAME" of a tracepoint (for tp_btf), and its prototype;
 * -ENOENT. */
SONDE_MUST_CHECK int ctypes_tracepoint(struct ctypes *db, const char *name, uint32_t *ret_btf_id,
				       const struct ctype **ret_func);

/** Pointee, element or result; never NULL: what cannot be had is void. */
const struct ctype *ctype_elem(const struct ctype *t);
/** Members; those of a broken type are none. */
const struct cmember *ctype_members(const struct ctype *t, size_t *ret_n);
/**
 * The member @name, also inside of nameless structs and unions: *ret has its place from the begin
 * of @t. False: there is none.
 */
bool ctype_member(const struct ctype *t, const char *name, struct cmember *ret);
/** The name of the member that is nearest to @name, or NULL. */
const char *ctype_member_near(const struct ctype *t, const char *name);

/** C's own types: "int", "unsigned long", "uint8_t", "u32", "bool" ...; NULL: not one of them. */
const struct ctype *ctype_basic(const char *name);
/** Made by hand, in the caller's arena; NULL (sonde_fail(-ENOMEM)). */
struct ctype *ctype_new(struct arena *a, enum ctype_kind kind, const char *name, uint64_t size);
struct ctype *ctype_ptr(struct arena *a, const struct ctype *elem);
struct ctype *ctype_array(struct arena *a, const struct ctype *elem, uint64_t n);

struct strbuf;
/** Appends the type as C writes it: "struct sock *", "unsigned int[4]". */
void ctype_print(const struct ctype *t, struct strbuf *ret);
/** The same as a declaration of @name: "char comm[16]", "int (*f)(int)". */
void ctype_declare(const struct ctype *t, const char *name, struct strbuf *ret);

#endif
