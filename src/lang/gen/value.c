/* SPDX-License-Identifier: MIT */
/** The values of built-ins and functions. */
#include <linux/bpf.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "bpf/machine.h"
#include "lang/check/builtin.h"
#include "lang/gen/gen.h"
#include "lang/gen/regs.h"

static struct val call_shift(struct gen *g, int helper, bool upper)
{
	struct val v = FN_CALL0(g->f, helper);

	return upper ? fn_op(g->f, FN_RSH, v, val_imm(32)) : fn_extend(g->f, v, 4, false);
}

static struct val usdt_arg(struct gen *g, const struct usdt_arg *a)
{
	struct val ctx = gen_ctx(g);
	const unsigned len = (unsigned)(a->len < 0 ? -a->len : a->len);

	if (a->kind == USDT_CONST)
		return val_imm(a->n);
	if (a->kind == USDT_UNKNOWN)
		return val_imm(0); // told by the checker
	struct val reg = a->reg >= 0 ? fn_load(g->f, 8, false, ctx, a->reg) : val_imm(0);
	if (a->kind == USDT_REG) {
		reg = a->shift ? fn_op(g->f, FN_RSH, reg, val_imm(a->shift)) : reg;
		return len < 8 ? fn_extend(g->f, reg, len, a->len < 0) : reg;
	}
	if (a->index >= 0) {
		struct val i = fn_load(g->f, 8, false, ctx, a->index);
		reg = fn_op(g->f, FN_ADD, reg,
			    a->scale > 1 ? fn_op(g->f, FN_MUL, i, val_imm(a->scale)) : i);
	}
	const struct type t = {
		.kind = TYPE_INT, .size = len, .align = 8, .is_signed = a->len < 0
	};
	const struct place p = place_at(SP_USER, reg, a->n);
	return gen_load_place(g, &p, &t);
}

/* In D argN of a system call, too. */
static struct val syscall_arg(struct gen *g, int64_t n)
{
	static const struct type word = { .kind = TYPE_INT, .size = 8, .align = 8 };
	const bool typed = g->point->prog_type == BPF_PROG_TYPE_TRACING;
	const int off = regs_syscall_arg((unsigned)n);
	struct val regs = fn_load(g->f, 8, false, gen_ctx(g), 0);
	const struct place p = place_at(typed ? SP_TRUSTED : SP_KERNEL, regs, off < 0 ? 0 : off);

	return off < 0 ? val_imm(0) : gen_load_place(g, &p, &word);
}

static struct val function_arg(struct gen *g, int64_t n)
{
	const struct probe *p = g->point;

	switch (p->args) {
	case ARGS_RAW:
	case ARGS_TYPED: return fn_load(g->f, 8, false, gen_ctx(g), 8 * n);
	case ARGS_SYSCALL: return syscall_arg(g, n);
	case ARGS_USDT: return (uint64_t)n < p->n_usdt ? usdt_arg(g, &p->usdt[n]) : val_imm(0);
	case ARGS_REGS: {
		const int off = regs_arg((unsigned)n);
		return off < 0 ? val_imm(0) : fn_load(g->f, 8, false, gen_ctx(g), off);
	}
	default: return val_imm(0);
	}
}

static struct val stack_arg(struct gen *g, int64_t n)
{
	static const struct type word = { .kind = TYPE_INT, .size = 8, .align = 8 };
	struct val sp = fn_load(g->f, 8, false, gen_ctx(g), regs_sp());
	const struct place p = place_at(SP_ANY, sp, regs_stack_args() + 8 * n);

	return gen_load_place(g, &p, &word);
}

static struct val retval(struct gen *g)
{
	const struct probe *p = g->point;

	if (p->is_syscall_exit)
		return fn_load(g->f, 8, false, gen_ctx(g), 8);
	if (p->args == ARGS_TYPED) {
		size_t n = 0;
		if (p->proto)
			(void)ctype_members(p->proto, &n); // only how many
		return fn_load(g->f, 8, false, gen_ctx(g), 8 * (int64_t)n);
	}
	return fn_load(g->f, 8, false, gen_ctx(g), regs_retval());
}

/* A member of the task, by the kernel's own types. */
static struct val task_member(struct gen *g, struct val task, const char *name, struct val *ret_at)
{
	const struct ctype *ct;
	struct cmember m;

	if (!check_find_ctype(g->check, "struct task_struct", &ct) || !ctype_member(ct, name, &m))
		return val_imm(0);
	const struct type t = { .kind = TYPE_INT,
				.size = m.type->size <= 8 ? (uint32_t)m.type->size : 8 };
	const struct place p = place_at(SP_KERNEL, task, (int64_t)(m.bit_off / 8));
	if (ret_at)
		*ret_at = fn_op(g->f, FN_ADD, task, val_imm(p.off));
	return ret_at ? val_imm(0) : gen_load_place(g, &p, &t);
}

static struct val parent_id(struct gen *g)
{
	struct val task = FN_CALL0(g->f, BPF_FUNC_get_current_task);

	return task_member(g, task_member(g, task, "real_parent", NULL), "tgid", NULL);
}

static struct val globals_at(size_t off)
{
	return val_map_value(GLOBALS_MAP, (int64_t)off);
}

static struct val elapsed(struct gen *g)
{
	struct val now = FN_CALL0(g->f, BPF_FUNC_ktime_get_boot_ns);

	return fn_op(
		g->f, FN_SUB, now,
		fn_load(g->f, 8, false, globals_at(offsetof(struct script_globals, start_ns)), 0));
}

/* Processes that the namespace does not have are 0. */
static struct val id_in_namespace(struct gen *g, bool thread)
{
	const struct world *w = g->check->world;
	struct val ids = fn_slot(g->f, sizeof(struct bpf_pidns_info));

	FN_CALL(g->f, BPF_FUNC_get_ns_current_pid_tgid, val_imm((int64_t)w->pid_ns_dev),
		val_imm((int64_t)w->pid_ns_ino), ids, val_imm(sizeof(struct bpf_pidns_info)));
	return fn_load(g->f, 4, false, ids,
		       thread ? offsetof(struct bpf_pidns_info, pid)
			      : offsetof(struct bpf_pidns_info, tgid));
}

static struct val wall_clock(struct gen *g)
{
	struct val now = FN_CALL0(g->f, BPF_FUNC_ktime_get_boot_ns);

	return fn_op(
		g->f, FN_ADD, now,
		fn_load(g->f, 8, false, globals_at(offsetof(struct script_globals, wall_off)), 0));
}

struct val gen_process_id(struct gen *g, bool thread)
{
	if (g->check->world->pid_ns_ino)
		return id_in_namespace(g, thread);
	struct val v = FN_CALL0(g->f, BPF_FUNC_get_current_pid_tgid);

	return thread ? fn_extend(g->f, v, 4, false) : fn_op(g->f, FN_RSH, v, val_imm(32));
}

static struct val function_address(struct gen *g)
{
	struct val ip = g->point->args == ARGS_REGS || g->point->args == ARGS_USDT ||
					g->point->args == ARGS_PERF
				? fn_load(g->f, 8, false, gen_ctx(g), regs_ip())
				: FN_CALL(g->f, BPF_FUNC_get_func_ip, gen_ctx(g));
	return ip;
}

static struct val builtin(struct gen *g, const struct builtin *b, int64_t n)
{
	switch (b->id) {
	case B_PID: return gen_process_id(g, false);
	case B_TID: return gen_process_id(g, true);
	case B_UID:
	case B_USERNAME: return call_shift(g, BPF_FUNC_get_current_uid_gid, false);
	case B_GID: return call_shift(g, BPF_FUNC_get_current_uid_gid, true);
	case B_NSECS: return FN_CALL0(g->f, BPF_FUNC_ktime_get_boot_ns);
	case B_ELAPSED: return elapsed(g);
	case B_CPU: return call_shift(g, BPF_FUNC_get_smp_processor_id, false);
	case B_NUMAID: return call_shift(g, BPF_FUNC_get_numa_node_id, false);
	case B_RAND: return call_shift(g, BPF_FUNC_get_prandom_u32, false);
	case B_CGROUP: return FN_CALL0(g->f, BPF_FUNC_get_current_cgroup_id);
	case B_CURTASK: return FN_CALL0(g->f, BPF_FUNC_get_current_task);
	case B_JIFFIES: return FN_CALL0(g->f, BPF_FUNC_jiffies64);
	case B_NCPUS: return val_imm(sysconf(_SC_NPROCESSORS_CONF));
	case B_PPID: return parent_id(g);
	case B_CPID:
		return fn_load(g->f, 4, false,
			       globals_at(offsetof(struct script_globals, target_pid)), 0);
	case B_PROBE: return gen_place_name(g);
	case B_PROBEPROV:
	case B_PROBEMOD:
	case B_PROBEFUNC:
	case B_PROBENAME: return gen_place_part(g, (unsigned)n);
	case B_PROBEID: return fn_op(g->f, FN_ADD, gen_place_part(g, 4), val_imm(1));
	case B_WALLTIMESTAMP: return wall_clock(g);
	case B_FAULT_KIND: return g->fault_kind;
	case B_FAULT_ADDR: return g->fault_addr;
	case B_CALLER: return gen_caller(g, false);
	case B_CTX: return fn_neg(g->f, fn_neg(g->f, gen_ctx(g))); // a number, not a pointer
	case B_ARG: return function_arg(g, n);
	case B_SARG: return stack_arg(g, n);
	case B_RETVAL: return retval(g);
	case B_FUNC: return function_address(g);
	default: return val_imm(0);
	}
}

struct val gen_builtin(struct gen *g, struct ast *x)
{
	const struct builtin *b = x->note;

	return b ? builtin(g, b, x->note_n) : val_imm(x->note_n);
}

/* --- functions --- */

static struct ast *arg(const struct ast *x, unsigned i)
{
	struct ast *a = x->u.call.args;

	while (a && i-- > 0)
		a = a->next;
	return a;
}

static struct val clock_now(struct gen *g, int64_t which)
{
	static const int helpers[] = { BPF_FUNC_ktime_get_ns, BPF_FUNC_ktime_get_boot_ns,
				       BPF_FUNC_ktime_get_tai_ns, BPF_FUNC_ktime_get_tai_ns };

	return FN_CALL0(g->f, helpers[which & 3]);
}

static struct val length_of(struct gen *g, struct ast *x)
{
	struct ast *a = arg(x, 0);

	if (a->kind == AST_MAP && !a->type)
		return gen_map_len(g, a->note);
	if (a->type->kind == TYPE_STR) {
		struct val temp = gen_temp(g, a->type->size + 8);
		struct val p = gen_mem(g, a, a->type);
		// Counts by copying: the kernel gives the length with the 0.
		struct val n = FN_CALL(g->f, BPF_FUNC_probe_read_kernel_str, temp,
				       val_imm(a->type->size + 1), p);
		return fn_op(g->f, FN_SUB, n, val_imm(1));
	}
	struct val v = gen_mem(g, a, a->type);
	return fn_load(g->f, 4, false, v, offsetof(struct stack_value, n));
}

static struct val map_function(struct gen *g, struct ast *x, const struct func *f)
{
	struct ast *a = arg(x, 0);
	struct val r = fn_reg(g->f), p;
	int l_none = fn_label(g->f);

	if (f->id == F_DELETE && gen_map(g, a->note)->store == STORE_PERCPU) {
		gen_map_record(g, x, SITE_CLEAR);
		return val_imm(1);
	}
	if (f->id == F_DELETE)
		return gen_map_delete(g, a->note, a->u.map.keys, true);
	fn_mov(g->f, r, val_imm(0));
	p = gen_lookup(g, a->note, a->u.map.keys);
	if (p.kind == VAL_REG)
		fn_if(g->f, FN_EQ, p, val_imm(0), l_none);
	fn_mov(g->f, r, val_imm(1));
	fn_place(g->f, l_none);
	return r;
}

static struct val strncmp_of(struct gen *g, struct ast *x)
{
	int64_t n = 0;

	(void)check_const(g->check, arg(x, 2), &n); // the checker saw that it is one
	struct val eq = gen_str_equal(g, arg(x, 0), arg(x, 1), (uint32_t)n);
	return fn_op(g->f, FN_XOR, eq, val_imm(1));
}

struct val gen_call_scalar(struct gen *g, struct ast *x)
{
	const struct func *f = x->note;

	switch (f->id) {
	case F_KADDR:
	case F_UADDR:
	case F_CGROUPID: return val_imm(x->note_n);
	case F_KSYM:
	case F_CGROUP_PATH:
	case F_STRERROR:
	case F_KPTR:
	case F_UPTR: return gen_scalar(g, arg(x, 0));
	case F_STRFTIME: return gen_scalar(g, arg(x, 1));
	case F_NSECS: return clock_now(g, x->note_n);
	case F_BSWAP: {
		struct val v = gen_scalar(g, arg(x, 0));
		return x->type->size > 1 ? fn_bswap(g->f, v, x->type->size) : v;
	}
	case F_REG: return fn_load(g->f, 8, false, gen_ctx(g), x->note_n);
	case F_STRNCMP: return strncmp_of(g, x);
	case F_STRCONTAINS: return gen_str_contains(g, arg(x, 0), arg(x, 1));
	case F_RWBS_WRITES:
		return type_is_number(arg(x, 0)->type)
			       ? fn_op(g->f, FN_AND, gen_scalar(g, arg(x, 0)), val_imm(1))
			       : gen_str_contains(g, arg(x, 0), arg(x, 1));
	case F_LEN:
	case F_STRLEN: return length_of(g, x);
	case F_SKBOUTPUT: return gen_packet(g, x);
	case F_DELETE:
	case F_HAS_KEY: return map_function(g, x, f);
	default: return f->id >= F_TRACE ? gen_d_scalar(g, x) : val_imm(0);
	}
}

static void str_call(struct gen *g, struct ast *x, struct val dst, int64_t off,
		     const struct type *t)
{
	struct ast *a = arg(x, 0), *len = arg(x, 1);
	uint32_t room = t->size < x->type->size ? t->size : x->type->size;
	int64_t n;

	// Not what is behind an array that its text fills.
	if (!type_is_number(a->type) && a->type->size && a->type->size < room)
		room = a->type->size + 1;
	// The room is in whole words, the most bytes are as the script says.
	if (room > g->check->max_strlen)
		room = g->check->max_strlen;
	struct val addr, size = val_imm(room);
	fn_zero(g->f, dst, off, t->size, 8);
	enum space space = type_is_number(a->type) ? gen_space(a->type) : SP_KERNEL;
	if (type_is_number(a->type)) {
		addr = gen_scalar(g, a);
	} else {
		struct place p = gen_place(g, a);
		space = p.space;
		addr = p.base.kind == VAL_REG ? fn_op(g->f, FN_ADD, p.base, val_imm(p.off))
					      : val_at(p.base, p.off);
	}
	if (len && !check_const(g->check, len, &n)) {
		struct val most = fn_reg(g->f);
		int l_fine = fn_label(g->f);
		fn_mov(g->f, most, fn_op(g->f, FN_ADD, gen_scalar(g, len), val_imm(1)));
		fn_if(g->f, FN_LE, most, size, l_fine);
		fn_mov(g->f, most, size);
		fn_place(g->f, l_fine);
		size = most;
	} else if (len && check_const(g->check, len, &n) && n < size.n - 1) {
		size = val_imm(n < 0 ? 0 : n + 1);
	}
	gen_read_str(g, space, addr, dst, off, size, t->size);
}

/* How many bytes of the event's there are at @a, at most @n; elsewhere nobody knows. */
static void limit_to_field(struct gen *g, const struct ast *a, bool has_len, struct val n)
{
	const struct probe_field *f = a->part ? a->part->bytes : NULL;
	int l_fine = fn_label(g->f);

	if (!f || a->note != f)
		return;
	struct val there = fn_reg(g->f);
	fn_mov(g->f, there, FN_CALL(g->f, MACHINE_FIELD_LEN, gen_ctx(g), val_imm(f->off)));
	fn_op_to(g->f, FN_MUL, there, val_imm((int64_t)ctype_elem(f->type)->size));
	if (has_len)
		fn_if(g->f, FN_LE, n, there, l_fine);
	fn_mov(g->f, n, there);
	fn_place(g->f, l_fine);
}

static void buf_call(struct gen *g, struct ast *x, struct val dst, int64_t off,
		     const struct type *t)
{
	struct ast *a = arg(x, 0), *len = arg(x, 1);
	const uint32_t room = x->type->size - 4 < t->size - 4 ? x->type->size - 4 : t->size - 4;
	uint32_t exact = room;
	struct val n = fn_reg(g->f);
	int l_fine = fn_label(g->f), l_end = fn_label(g->f);

	if (!len && !type_is_number(a->type))
		exact = a->type->size < room ? a->type->size : room;
	struct place p;
	if (type_is_number(a->type))
		p = place_at(gen_space(a->type), gen_scalar(g, a), 0);
	else
		p = gen_place(g, a);
	fn_zero(g->f, dst, off, t->size, 8);
	fn_mov(g->f, n, len ? gen_scalar(g, len) : val_imm(exact));
	limit_to_field(g, a, len != NULL, n);
	fn_if(g->f, FN_LE, n, val_imm(room), l_fine);
	fn_mov(g->f, n, val_imm(room));
	fn_place(g->f, l_fine);
	fn_store(g->f, 4, dst, off, n);
	struct val from = p.base;
	if (p.off)
		from = from.kind == VAL_REG ? fn_op(g->f, FN_ADD, from, val_imm(p.off))
					    : val_at(from, p.off);
	const int helper = p.space == SP_USER  ? BPF_FUNC_probe_read_user
			   : p.space == SP_ANY ? BPF_FUNC_probe_read
					       : BPF_FUNC_probe_read_kernel;
	struct val to = dst.kind == VAL_REG ? fn_op(g->f, FN_ADD, dst, val_imm(off + 4))
					    : val_at(dst, off + 4);
	fn_if(g->f, FN_EQ, n, val_imm(0), l_end);
	FN_CALL(g->f, helper, to, n, from);
	fn_place(g->f, l_end);
}

static void inet_call(struct gen *g, struct ast *x, struct val dst, int64_t off)
{
	struct ast *a = x->u.call.args, *family = NULL;

	if (a->next) {
		family = a;
		a = a->next;
	}
	const uint32_t size = type_in_memory(a->type) ? a->type->size : 4;
	struct val v = val_imm(0);
	struct place p = place_at(SP_BPF, val_imm(0), 0);

	if (type_in_memory(a->type))
		p = gen_place(g, a);
	else
		v = gen_scalar(g, a);
	struct val af = family ? gen_scalar(g, family) : val_imm(size == 16 ? AF_INET6 : AF_INET);
	fn_zero(g->f, dst, off, 24, 8);
	fn_store(g->f, 4, dst, off, af);
	if (type_in_memory(a->type))
		gen_read(g, &p, dst, off + 4, size);
	else
		fn_store(g->f, 4, dst, off + 4, v);
}

static void usym_into(struct gen *g, struct val addr, struct val dst, int64_t off)
{
	fn_store(g->f, 8, dst, off, addr);
	fn_store(g->f, 4, dst, off + 8, gen_process_id(g, false));
	fn_store(g->f, 4, dst, off + 12, val_imm(0));
}

static bool is_ctx_member(const struct ast *x)
{
	return x->kind == AST_MEMBER && x->u.member.x->type->kind == TYPE_PTR &&
	       x->u.member.x->type->is_ctx;
}

/*
 * The pointer @x, or the address of the struct @x, as one that the verifier knows the type of: read
 * from the context on by plain loads alone. False: it does not begin at the context. Goes to
 * @l_none where the context has none.
 */
static bool typed_pointer(struct gen *g, struct ast *x, int l_none, struct val *ret)
{
	if (is_ctx_member(x)) {
		const struct place p = gen_place(g, x);
		if (p.space != SP_CTX || x->type->kind != TYPE_PTR)
			return false;
		*ret = fn_load(g->f, 8, false, p.base, p.off);
		if (g->point->args == ARGS_ITER)
			fn_if(g->f, FN_EQ, *ret, val_imm(0), l_none);
		return true;
	}
	if (x->kind != AST_MEMBER || x->u.member.x->type->kind == TYPE_TUPLE)
		return false;
	const struct cmember *m = x->note;
	struct val base;
	if (!typed_pointer(g, x->u.member.x, l_none, &base))
		return false;
	if (x->type->kind == TYPE_PTR)
		*ret = fn_load(g->f, 8, false, base, (int64_t)(m->bit_off / 8));
	else
		*ret = fn_op(g->f, FN_ADD, base, val_imm((int64_t)(m->bit_off / 8)));
	return true;
}

static void path_call(struct gen *g, struct ast *x, struct val dst, int64_t off,
		      const struct type *t)
{
	struct ast *a = arg(x, 0);
	struct val p;
	int l_none = fn_label(g->f);

	fn_zero(g->f, dst, off, t->size, 8);
	if (!typed_pointer(g, a, l_none, &p))
		p = type_is_number(a->type) ? gen_scalar(g, a) : val_imm(0);
	if (p.kind == VAL_IMM) {
		struct place at = gen_place(g, a);
		p = fn_op(g->f, FN_ADD, at.base, val_imm(at.off));
	}
	struct val to =
		dst.kind == VAL_REG ? fn_op(g->f, FN_ADD, dst, val_imm(off)) : val_at(dst, off);
	FN_CALL(g->f, BPF_FUNC_d_path, p, to, val_imm(t->size));
	fn_place(g->f, l_none);
}

static void call_into(struct gen *g, struct ast *x, struct val dst, int64_t off,
		      const struct type *t)
{
	const struct func *f = x->note;

	sonde_check(f); // the checker found it
	switch (f->id) {
	case F_STR: str_call(g, x, dst, off, t); break;
	case F_BUF: buf_call(g, x, dst, off, t); break;
	case F_NTOP: inet_call(g, x, dst, off); break;
	case F_KSTACK:
	case F_USTACK: gen_stack(g, t, dst, off); break;
	case F_USYM: usym_into(g, gen_scalar(g, arg(x, 0)), dst, off); break;
	case F_MACADDR: {
		struct place p = gen_place(g, arg(x, 0));
		fn_store(g->f, 8, dst, off, val_imm(0));
		gen_read(g, &p, dst, off, 6);
		break;
	}
	case F_PTON: {
		uint64_t words[2];
		memcpy(words, arg(x, 0)->note, 16);
		for (uint32_t i = 0; i < t->size; i += 4)
			fn_store(g->f, 4, dst, off + i,
				 val_imm((int64_t)(uint32_t)(words[i / 8] >> (8 * (i % 8)))));
		break;
	}
	case F_PATH: path_call(g, x, dst, off, t); break;
	default:
		if (f->id >= F_TRACE)
			gen_d_into(g, x, dst, off, t);
	}
}

void gen_call_into(struct gen *g, struct ast *x, struct val dst, int64_t off, const struct type *t)
{
	const struct builtin *b = x->kind == AST_NAME ? x->note : NULL;

	if (!b) {
		call_into(g, x, dst, off, t);
	} else if (b->id == B_PCOMM) {
		struct val at = val_imm(0);
		struct val leader = task_member(g, FN_CALL0(g->f, BPF_FUNC_get_current_task),
						"group_leader", NULL);
		(void)task_member(g, leader, "comm", &at);
		fn_zero(g->f, dst, off, t->size, 8);
		gen_read_str(g, SP_KERNEL, at, dst, off, val_imm(16), t->size);
	} else if (b->id == B_UCALLER) {
		usym_into(g, gen_caller(g, true), dst, off);
	} else if (b->id == B_FUNC) {
		usym_into(g, function_address(g), dst, off);
	}
}
