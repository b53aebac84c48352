/* SPDX-License-Identifier: MIT */
/** A kernel's types, made by hand: see the header for them as C. */
#include "made_types.h"

#include <bpf/btf.h>
#include <errno.h>

#include <sonde/err.h>

#include "base/mem.h"

/* Ids of the types that others are made of. */
struct basics {
	int i8, u8, c, i16, u16, i32, u32, i64, u64, flag;
	int str, user_str, any;
};

/* Ids are 1, 2, ... in the order of adding; a failure shows in made_types_new(). */
static void add_basics(struct btf *b, struct basics *t)
{
	t->i8 = btf__add_int(b, "signed char", 1, BTF_INT_SIGNED);
	t->u8 = btf__add_int(b, "unsigned char", 1, 0);
	t->c = btf__add_int(b, "char", 1, BTF_INT_CHAR);
	t->i16 = btf__add_int(b, "short int", 2, BTF_INT_SIGNED);
	t->u16 = btf__add_int(b, "short unsigned int", 2, 0);
	t->i32 = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	t->u32 = btf__add_int(b, "unsigned int", 4, 0);
	t->i64 = btf__add_int(b, "long int", 8, BTF_INT_SIGNED);
	t->u64 = btf__add_int(b, "long unsigned int", 8, 0);
	t->flag = btf__add_int(b, "_Bool", 1, BTF_INT_BOOL);
	const int constant = btf__add_const(b, t->c);
	t->str = btf__add_ptr(b, constant);
	t->user_str = btf__add_ptr(b, btf__add_type_tag(b, "user", constant));
	t->any = btf__add_ptr(b, 0);
}

struct fields {
	struct btf *b;
	uint32_t bit; /* where the next field begins */
};

static void field(struct fields *f, const char *name, int type, uint32_t len, uint32_t align)
{
	f->bit = (f->bit + 8 * align - 1) / (8 * align) * (8 * align);
	btf__add_field(f->b, name, type, f->bit, 0);
	f->bit += 8 * len;
}

static void bits(struct fields *f, const char *name, int type, uint32_t n)
{
	btf__add_field(f->b, name, type, f->bit, n);
	f->bit += n;
}

static void numbers(struct fields *f, const struct basics *t)
{
	field(f, "flag", t->flag, 1, 1);
	field(f, "i8", t->i8, 1, 1);
	field(f, "u8", t->u8, 1, 1);
	field(f, "i16", t->i16, 2, 2);
	field(f, "u16", t->u16, 2, 2);
	field(f, "i32", t->i32, 4, 4);
	field(f, "u32", t->u32, 4, 4);
	field(f, "i64", t->i64, 8, 8);
	field(f, "u64", t->u64, 8, 8);
}

/* Returns the id of the struct. */
static int add_task(struct btf *b, const struct basics *t, int task_ptr)
{
	const int state = btf__add_enum(b, "state", 4);
	btf__add_enum_value(b, "ST_RUN", 0);
	btf__add_enum_value(b, "ST_SLEEP", 5);
	btf__add_enum_value(b, "ST_GONE", -1);
	const int inner = btf__add_struct(b, "inner", 4);
	btf__add_field(b, "s", t->i16, 0, 0);
	btf__add_field(b, "c", t->c, 16, 0);
	const int halves = btf__add_array(b, t->i32, t->u32, 2);
	const int both = btf__add_union(b, "", 8);
	btf__add_field(b, "whole", t->u64, 0, 0);
	btf__add_field(b, "half", halves, 0, 0);
	const int secret = btf__add_ptr(b, btf__add_fwd(b, "hidden", BTF_FWD_STRUCT));
	const int proto = btf__add_func_proto(b, t->i64);
	btf__add_func_param(b, "n", t->i32);
	const int call = btf__add_ptr(b, proto);
	const int comm = btf__add_array(b, t->i32, t->c, 16);
	const int words = btf__add_array(b, t->i32, t->u64, 4);
	const int mac = btf__add_array(b, t->i32, t->u8, 6);
	const int addr4 = btf__add_array(b, t->i32, t->u8, 4);
	const int addr6 = btf__add_array(b, t->i32, t->u8, 16);
	const int pair = btf__add_array(b, t->i32, inner, 2);
	const int tail = btf__add_array(b, t->i32, t->u8, 0);
	const int task = btf__add_struct(b, "task_struct", 208);
	struct fields f = { .b = b };

	field(&f, "pid", t->i32, 4, 4);
	field(&f, "tgid", t->i32, 4, 4);
	field(&f, "comm", comm, 16, 1);
	field(&f, "real_parent", task_ptr, 8, 8);
	field(&f, "group_leader", task_ptr, 8, 8);
	bits(&f, "low", t->u32, 3);
	bits(&f, "mid", t->u32, 13);
	bits(&f, "high", t->u32, 16);
	bits(&f, "signed_bits", t->i32, 5);
	field(&f, "words", words, 32, 8);
	field(&f, "mac", mac, 6, 1);
	field(&f, "addr4", addr4, 4, 1);
	field(&f, "addr6", addr6, 16, 1);
	field(&f, "in", inner, 4, 2);
	field(&f, "pair", pair, 8, 2);
	field(&f, "", both, 8, 8);
	field(&f, "state", state, 4, 4);
	field(&f, "secret", secret, 8, 8);
	field(&f, "any", t->any, 8, 8);
	field(&f, "name", t->str, 8, 8);
	field(&f, "user_name", t->user_str, 8, 8);
	field(&f, "call", call, 8, 8);
	numbers(&f, t);
	field(&f, "tail", tail, 0, 1);
	return task;
}

static void add_functions(struct btf *b, const struct basics *t, int task_ptr)
{
	int proto = btf__add_func_proto(b, t->i64);
	btf__add_func_param(b, "task", task_ptr);
	btf__add_func_param(b, "name", t->str);
	btf__add_func_param(b, "flags", t->i32);
	btf__add_func_param(b, "mode", t->u16);
	btf__add_func(b, "made_open", BTF_FUNC_STATIC, proto);
	proto = btf__add_func_proto(b, 0);
	btf__add_func(b, "made_void", BTF_FUNC_STATIC, proto);
	proto = btf__add_func_proto(b, task_ptr);
	btf__add_func_param(b, "pid", t->i32);
	btf__add_func(b, "made_find", BTF_FUNC_STATIC, proto);
	btf__add_struct(b, "path", 16);
	btf__add_field(b, "mnt", t->any, 0, 0);
	btf__add_field(b, "dentry", t->any, 64, 0);
	const int real = btf__add_float(b, "double", 8);
	proto = btf__add_func_proto(b, 0);
	btf__add_func_param(b, "ratio", real);
	btf__add_func_param(b, "count", t->i32);
	btf__add_func(b, "made_real", BTF_FUNC_STATIC, proto);
}

static int add_all(struct btf *b)
{
	struct basics t;

	add_basics(b, &t);
	// It points to itself: by a forward declaration, as the kernel's types do, too.
	const int fwd = btf__add_fwd(b, "task_struct", BTF_FWD_STRUCT);
	const int task_ptr = btf__add_ptr(b, fwd);
	const int task = add_task(b, &t, task_ptr);
	add_functions(b, &t, btf__add_ptr(b, task));
	return task;
}

int made_types_new(struct ctypes **ret)
{
	struct btf *b = btf__new_empty();
	uint32_t len = 0;

	if (!b)
		return sonde_fail(-ENOMEM, "out of memory");
	const int r = add_all(b);
	const void *raw = r < 0 ? NULL : btf__raw_data(b, &len);
	const int got = raw ? ctypes_open_btf(raw, len, ret)
			    : sonde_fail(-ENOMEM, "types by hand: out of memory");
	btf__free(b);
	return got;
}
