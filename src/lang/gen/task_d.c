/* SPDX-License-Identifier: MIT */
/** What D's translators tell of tasks and files and no single field has. */
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/check/builtin.h"
#include "lang/gen/gen.h"

enum {
	NAME_MOST = 64, /* bytes of a path's component, with a 0 */
	COMPONENTS_MOST = 24,
	LEVELS_MOST = 4,   /* of namespaces */
	PARENTS_MOST = 64, /* processes above one */
};

static struct val own(struct gen *g, struct val v)
{
	struct val r = fn_reg(g->f);

	fn_mov(g->f, r, v);
	return r;
}

static struct val at(struct gen *g, struct val dst, int64_t off)
{
	return dst.kind == VAL_REG ? fn_op(g->f, FN_ADD, dst, val_imm(off)) : val_at(dst, off);
}

/* --- the kernel's structs --- */

/** A place in the kernel's memory on its way along a path. */
struct way {
	struct place p;
	const struct ctype *t;
};

static struct val load(struct gen *g, const struct way *w)
{
	const struct type t = { .kind = TYPE_INT,
				.size = w->t->size <= 8 ? (uint32_t)w->t->size : 8,
				.align = 8,
				.is_signed = w->t->is_signed };

	return gen_load_place(g, &w->p, &t);
}

/* "signal->pids[1]->numbers[0].nr" from @base on. False: this kernel has no such field. */
static bool walk(struct gen *g, struct val base, const char *type, const char *path,
		 struct way *ret)
{
	char name[64];

	*ret = (struct way){ .p = { .space = SP_KERNEL, .base = base } };
	if (!check_find_ctype(g->check, type, &ret->t))
		return false;
	while (*path) {
		const size_t len = strcspn(path, "-.[");
		struct cmember m;

		if (len && len < sizeof(name)) {
			memcpy(name, path, len);
			name[len] = '\0';
			if (!ctype_member(ret->t, name, &m))
				return false;
			ret->p.off += (int64_t)(m.bit_off / 8);
			ret->t = m.type;
			path += len;
		}
		if (*path == '.') {
			path++;
		} else if (*path == '-') {
			ret->p = (struct place){ .space = SP_KERNEL, .base = load(g, ret) };
			ret->t = ctype_elem(ret->t);
			path += 2;
		} else if (*path == '[') {
			char *end;
			const unsigned long i = strtoul(path + 1, &end, 10);
			ret->t = ctype_elem(ret->t);
			ret->p.off += (int64_t)(i * ret->t->size);
			path = end + 1;
		}
	}
	return true;
}

/* The number there; 0 where this kernel does not have it. */
static struct val number(struct gen *g, struct val base, const char *type, const char *path)
{
	struct way w;

	return walk(g, base, type, path, &w) ? load(g, &w) : val_imm(0);
}

static struct val address(struct gen *g, struct val base, const char *type, const char *path)
{
	struct way w;

	if (!walk(g, base, type, path, &w))
		return val_imm(0);
	return w.p.off ? fn_op(g->f, FN_ADD, w.p.base, val_imm(w.p.off)) : w.p.base;
}

/* --- tasks --- */

struct val gen_task_cpu(struct gen *g, struct val task)
{
	struct way w;

	if (walk(g, task, "struct task_struct", "thread_info.cpu", &w))
		return load(g, &w);
	return number(g, task, "struct task_struct", "cpu");
}

/* The number that our namespace knows it by; a task that it does not know is 0. */
static struct val in_namespace(struct gen *g, struct val task, bool thread)
{
	struct val pid = own(g, number(g, task, "struct task_struct",
				       thread ? "thread_pid" : "signal->pids[1]"));
	struct val r = own(g, val_imm(0));
	int l_end = fn_label(g->f);

	for (int i = 0; i < LEVELS_MOST; i++) {
		char path[48];
		int l_next = fn_label(g->f);

		(void)snprintf(path, sizeof(path), "numbers[%d].ns->ns.inum", i);
		struct val level = number(g, pid, "struct pid", "level");
		fn_if(g->f, FN_LT, level, val_imm(i), l_end);
		struct val ns = number(g, pid, "struct pid", path);
		fn_if(g->f, FN_NE, ns, val_imm((int64_t)g->check->world->pid_ns_ino), l_next);
		(void)snprintf(path, sizeof(path), "numbers[%d].nr", i);
		fn_mov(g->f, r, number(g, pid, "struct pid", path));
		fn_jump(g->f, l_end);
		fn_place(g->f, l_next);
	}
	fn_place(g->f, l_end);
	return r;
}

struct val gen_task_pid(struct gen *g, struct val task, bool thread)
{
	struct val t = own(g, task);

	if (g->check->world->pid_ns_ino)
		return in_namespace(g, t, thread);
	return number(g, t, "struct task_struct", thread ? "pid" : "tgid");
}

/* Whether a process above this one has the number. */
struct val gen_progenyof(struct gen *g, struct ast *x)
{
	struct loop loop;

	(void)gen_frame(g);
	const struct home task = gen_shared(g), want = gen_shared(g), found = gen_shared(g);
	gen_home_store(g, &want, gen_scalar(g, x->u.call.args));
	gen_home_store(g, &found, val_imm(0));
	gen_home_store(g, &task, FN_CALL0(g->f, BPF_FUNC_get_current_task));
	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val t = own(g, gen_home_load(g, &task));
	fn_if(g->f, FN_EQ, t, val_imm(0), loop.l_break);
	struct val pid = gen_task_pid(g, t, false);
	int l_up = fn_label(g->f);
	fn_if(g->f, FN_NE, pid, gen_home_load(g, &want), l_up);
	gen_home_store(g, &found, val_imm(1));
	fn_jump(g->f, loop.l_break);
	fn_place(g->f, l_up);
	struct val parent = number(g, t, "struct task_struct", "real_parent");
	fn_if(g->f, FN_EQ, parent, t, loop.l_break);
	gen_home_store(g, &task, parent);
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(PARENTS_MOST), val_fn(fn), gen_frame(g), val_imm(0));
	return own(g, gen_home_load(g, &found));
}

/* Those that the program had when it came into the kernel, where the probe is not in it. */
struct val gen_user_register(struct gen *g, int64_t off)
{
	struct val v = fn_reg(g->f);
	const int l_none = fn_label(g->f);

	if (check_is_in_program(g->point))
		return fn_load(g->f, 8, false, gen_ctx(g), off);
	fn_mov(g->f, v, val_imm(0));
	struct val task = FN_CALL0(g->f, BPF_FUNC_get_current_task_btf);
	// Threads of the kernel have none.
	fn_if(g->f, FN_EQ, number(g, task, "struct task_struct", "mm"), val_imm(0), l_none);
	struct val regs = FN_CALL(g->f, BPF_FUNC_task_pt_regs, task);
	fn_mov(g->f, v, fn_load(g->f, 8, false, regs, off));
	fn_place(g->f, l_none);
	return v;
}

/* --- arguments --- */

/* The 0 bytes between arguments become blanks. */
static void blanks(struct gen *g, int64_t text, const struct home *len, uint32_t size)
{
	struct loop loop;

	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val i = fn_arg(g->f, 0), p = fn_reg(g->f);
	// The last byte stays what it is: the end.
	struct val next = fn_op(g->f, FN_ADD, i, val_imm(1));
	fn_if(g->f, FN_GE, next, gen_home_load(g, len), loop.l_break);
	fn_if(g->f, FN_GE, i, val_imm(size - 1), loop.l_break); // never; the verifier wants it
	fn_mov(g->f, p, gen_scratch_at(g, text));
	fn_op_to(g->f, FN_ADD, p, i);
	fn_if(g->f, FN_NE, fn_load(g->f, 1, false, p, 0), val_imm(0), loop.l_continue);
	fn_store(g->f, 1, p, 0, val_imm(' '));
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(size - 1), val_fn(fn), gen_frame(g), val_imm(0));
}

/* A program's memory can be read while it runs; of other tasks, and of the kernel's, the name. */
void gen_psargs(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t)
{
	const int64_t text = g->scratch_len;
	int l_name = fn_label(g->f), l_end = fn_label(g->f);

	(void)gen_scratch(g, t->size);
	(void)gen_frame(g);
	const struct home len = gen_shared(g);
	struct val task = own(g, gen_scalar(g, x->u.call.args));
	fn_zero(g->f, gen_scratch_at(g, text), 0, t->size, 8);
	struct val current = FN_CALL0(g->f, BPF_FUNC_get_current_task);
	fn_if(g->f, FN_NE, task, current, l_name);
	struct val mm = own(g, number(g, task, "struct task_struct", "mm"));
	fn_if(g->f, FN_EQ, mm, val_imm(0), l_name);
	struct val from = own(g, number(g, mm, "struct mm_struct", "arg_start"));
	struct val n = own(g, number(g, mm, "struct mm_struct", "arg_end"));
	fn_op_to(g->f, FN_SUB, n, from);
	int l_fits = fn_label(g->f);
	fn_if(g->f, FN_LE, n, val_imm(t->size - 1), l_fits);
	fn_mov(g->f, n, val_imm(t->size - 1));
	fn_place(g->f, l_fits);
	fn_if(g->f, FN_EQ, n, val_imm(0), l_name);
	gen_home_store(g, &len, n);
	struct val r = FN_CALL(g->f, BPF_FUNC_probe_read_user, gen_scratch_at(g, text), n, from);
	fn_if(g->f, FN_NE, r, val_imm(0), l_name);
	blanks(g, text, &len, t->size);
	fn_jump(g->f, l_end);
	fn_place(g->f, l_name);
	FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, gen_scratch_at(g, text), val_imm(16),
		address(g, task, "struct task_struct", "comm"));
	fn_place(g->f, l_end);
	fn_zero(g->f, dst, off, t->size, 8);
	FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, at(g, dst, off), val_imm(t->size),
		gen_scratch_at(g, text));
}

/* --- files --- */

/** A walk from a file up to the root. */
struct climb {
	struct home dentry, mount, n;
	int64_t list; /* in scratch memory: the entries on the way */
};

/* One step up: over the border of a mount, or to the folder. */
static void climb_once(struct gen *g, struct climb *c, struct loop *loop)
{
	struct val d = own(g, gen_home_load(g, &c->dentry)),
		   m = own(g, gen_home_load(g, &c->mount));
	int l_inside = fn_label(g->f);

	struct val root = number(g, m, "struct mount", "mnt.mnt_root");
	fn_if(g->f, FN_NE, root, d, l_inside);
	struct val above = own(g, number(g, m, "struct mount", "mnt_parent"));
	fn_if(g->f, FN_EQ, above, m, loop->l_break);
	fn_if(g->f, FN_EQ, above, val_imm(0), loop->l_break);
	gen_home_store(g, &c->dentry, number(g, m, "struct mount", "mnt_mountpoint"));
	gen_home_store(g, &c->mount, above);
	fn_jump(g->f, loop->l_continue);
	fn_place(g->f, l_inside);
	struct val parent = own(g, number(g, d, "struct dentry", "d_parent"));
	fn_if(g->f, FN_EQ, parent, d, loop->l_break);
	struct val n = own(g, gen_home_load(g, &c->n)), p = fn_reg(g->f);
	fn_if(g->f, FN_GE, n, val_imm(COMPONENTS_MOST), loop->l_break);
	fn_mov(g->f, p, gen_scratch_at(g, c->list));
	fn_op_to(g->f, FN_ADD, p, fn_op(g->f, FN_LSH, n, val_imm(3)));
	fn_store(g->f, 8, p, 0, d);
	gen_home_store(g, &c->n, fn_op(g->f, FN_ADD, n, val_imm(1)));
	gen_home_store(g, &c->dentry, parent);
}

/* Appends "/name" of the entries, from the topmost on, to the text at @text. */
static void names_down(struct gen *g, struct climb *c, int64_t text, uint32_t size)
{
	const struct home len = gen_shared(g);
	struct loop loop;

	gen_home_store(g, &len, val_imm(0));
	const struct outer o = gen_enter(g, 2, 1, &loop);
	struct val n = own(g, gen_home_load(g, &c->n)), p = fn_reg(g->f);
	fn_if(g->f, FN_EQ, n, val_imm(0), loop.l_break);
	fn_op_to(g->f, FN_SUB, n, val_imm(1));
	fn_if(g->f, FN_GE, n, val_imm(COMPONENTS_MOST), loop.l_break); // never
	gen_home_store(g, &c->n, n);
	fn_mov(g->f, p, gen_scratch_at(g, c->list));
	fn_op_to(g->f, FN_ADD, p, fn_op(g->f, FN_LSH, n, val_imm(3)));
	struct val name =
		own(g, number(g, fn_load(g->f, 8, false, p, 0), "struct dentry", "d_name.name"));
	struct val to = own(g, gen_home_load(g, &len));
	fn_if(g->f, FN_GE, to, val_imm(size), loop.l_break);
	fn_mov(g->f, p, gen_scratch_at(g, text));
	fn_op_to(g->f, FN_ADD, p, to);
	fn_store(g->f, 1, p, 0, val_imm('/'));
	struct val got = FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str,
				 fn_op(g->f, FN_ADD, p, val_imm(1)), val_imm(NAME_MOST), name);
	fn_if(g->f, FN_SLE, got, val_imm(0), loop.l_break);
	gen_home_store(g, &len, fn_op(g->f, FN_ADD, to, got)); // with the '/', without the 0
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(COMPONENTS_MOST), val_fn(fn), gen_frame(g),
		val_imm(0));
}

/* The text of what has no folder: the root, or what lies in no file system that is mounted. */
static void lone_name(struct gen *g, struct val dentry, int64_t text)
{
	static const char unknown[] = "<unknown>";
	int l_named = fn_label(g->f);

	FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, gen_scratch_at(g, text), val_imm(NAME_MOST),
		number(g, dentry, "struct dentry", "d_name.name"));
	fn_if(g->f, FN_NE, fn_load(g->f, 1, false, gen_scratch_at(g, text), 0), val_imm(0),
	      l_named);
	fn_copy(g->f, gen_scratch_at(g, text), 0, gen_rodata_val(g, unknown, sizeof(unknown)), 0,
		sizeof(unknown), 1);
	fn_place(g->f, l_named);
}

/* Where the path begins: the entry, and the struct vfsmount that it is in. */
static void begin_climb(struct gen *g, struct ast *x, struct val *ret_dentry, struct val *ret_mount)
{
	const struct func *f = x->note;
	struct val from = own(g, gen_scalar(g, x->u.call.args));
	size_t len;

	if (f->id == F_TASK_DIR) {
		const char *what = check_text(g->check, x->u.call.args->next, &len);
		const bool is_root = what && *what == 'r';
		from = own(g, number(g, from, "struct task_struct", "fs"));
		*ret_dentry = own(g, number(g, from, "struct fs_struct",
					    is_root ? "root.dentry" : "pwd.dentry"));
		*ret_mount = own(
			g, number(g, from, "struct fs_struct", is_root ? "root.mnt" : "pwd.mnt"));
		return;
	}
	if (f->id == F_D_PATH) {
		*ret_mount = own(g, number(g, from, "struct path", "mnt"));
		*ret_dentry = own(g, number(g, from, "struct path", "dentry"));
		return;
	}
	*ret_mount = own(g, number(g, from, "struct file", "f_path.mnt"));
	*ret_dentry = f->id == F_FILE_MOUNT
			      ? own(g, number(g, *ret_mount, "struct vfsmount", "mnt_root"))
			      : own(g, number(g, from, "struct file", "f_path.dentry"));
}

void gen_path(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t)
{
	const int64_t text = g->scratch_len;
	struct climb c;
	struct way mnt;
	struct loop loop;
	int l_some = fn_label(g->f);

	(void)gen_scratch(g, t->size + NAME_MOST + 8);
	c.list = g->scratch_len;
	(void)gen_scratch(g, 8 * COMPONENTS_MOST);
	(void)gen_frame(g);
	c.dentry = gen_shared(g);
	c.mount = gen_shared(g);
	c.n = gen_shared(g);
	struct val first, mount;
	begin_climb(g, x, &first, &mount);
	fn_zero(g->f, gen_scratch_at(g, text), 0, t->size, 8);
	// A struct vfsmount lies in a struct mount.
	if (walk(g, val_imm(0), "struct mount", "mnt", &mnt))
		fn_op_to(g->f, FN_SUB, mount, val_imm(mnt.p.off));
	gen_home_store(g, &c.dentry, first);
	gen_home_store(g, &c.mount, mount);
	gen_home_store(g, &c.n, val_imm(0));
	const struct outer o = gen_enter(g, 2, 1, &loop);
	climb_once(g, &c, &loop);
	const int fn = gen_return(g, &o, &loop);
	FN_CALL(g->f, BPF_FUNC_loop, val_imm(2 * COMPONENTS_MOST), val_fn(fn), gen_frame(g),
		val_imm(0));
	fn_if(g->f, FN_NE, gen_home_load(g, &c.n), val_imm(0), l_some);
	lone_name(g, first, text);
	fn_place(g->f, l_some);
	names_down(g, &c, text, t->size);
	fn_zero(g->f, dst, off, t->size, 8);
	FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, at(g, dst, off), val_imm(t->size),
		gen_scratch_at(g, text));
}
