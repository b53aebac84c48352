/* SPDX-License-Identifier: MIT */
/** The variables that D brings along, as texts in bt. */
#include <string.h>

#include "base/mem.h"
#include "lang/check/builtin.h"
#include "lang/syntax/d/lower.h"

/** @next: of the thread that will run, live and recorded; NULL: the same. */
static const struct name {
	const char *name, *current, *next[2];
} names[] = {
	{ "pid", "pid", { "task_pid(args.next)", "args.next_pid" } },
	{ "tid", "tid", { "task_tid(args.next)", "args.next_pid" } },
	{ "execname", "comm", { "str(args.next->comm)", "args.next_comm" } },
	{ "ppid", "ppid", { "task_pid(args.next->real_parent)", "ppid" } },
	{ "uid", "uid", { "args.next->cred->uid.val", "uid" } },
	{ "gid", "gid", { "args.next->cred->gid.val", "gid" } },
	{ "curthread", "curtask", { "args.next", "curtask" } },
	{ "vtimestamp", "curtask->se.sum_exec_runtime", { "args.next->se.sum_exec_runtime" } },
	{ "cpu", "cpu", { 0 } },
	{ "curcpu", "cpu", { 0 } },
	{ "timestamp", "nsecs", { 0 } },
	{ "walltimestamp", "walltimestamp", { 0 } },
	{ "probeprov", "probeprov", { 0 } },
	{ "probemod", "probemod", { 0 } },
	{ "probefunc", "probefunc", { 0 } },
	{ "probename", "probename", { 0 } },
	{ "caller", "caller", { 0 } },
	{ "ucaller", "ucaller", { 0 } },
	{ "stackdepth", "len(kstack)", { 0 } },
	{ "ustackdepth", "len(ustack)", { 0 } },
	{ "zonename", "\"global\"", { 0 } },
	{ "ipl", "0", { 0 } },
	{ "id", "probeid", { 0 } },
	{ "cwd", "task_dir(curtask, \"pwd\")", { "task_dir(args.next, \"pwd\")", 0 } },
	{ "root", "task_dir(curtask, \"root\")", { "task_dir(args.next, \"root\")", 0 } },
};

/* Constants that D's library defines. */
static const struct {
	const char *name;
	uint64_t n;
} constants[] = {
	{ "B_WRITE", 1 },    { "B_READ", 2 },	   { "CLD_EXITED", 1 },	 { "CLD_KILLED", 2 },
	{ "CLD_DUMPED", 3 }, { "CLD_TRAPPED", 4 }, { "CLD_STOPPED", 5 }, { "CLD_CONTINUED", 6 },
	{ "SSLEEP", 1 },     { "SRUN", 2 },	   { "SZOMB", 3 },	 { "SSTOP", 4 },
	{ "SIDL", 5 },	     { "SONPROC", 6 },	   { "PR_IDLE", 2 },
};

const char *d_task(const struct d_lower *l)
{
	if (l->world == D_RECORDED)
		return NULL;
	return l->row && l->row->about == D_NEXT ? "args.next" : "curtask";
}

static const char *text_of(const struct d_lower *l, const struct name *n)
{
	const char *next = n->next[l->world];

	return l->row && l->row->about == D_NEXT && next ? next : n->current;
}

/*
 * The thread's number, with which the compiler keeps a value with the thread itself. Where a probe
 * is about another thread than the one that runs, the task's address: numbers may be those of a
 * namespace.
 */
struct ast *d_thread(struct d_lower *l, struct pos pos)
{
	if (!l->has_next || l->world == D_RECORDED)
		return d_snippet(l, pos, text_of(l, &names[1]), NULL);
	return d_snippet(l, pos, "(uint64)$_", d_snippet(l, pos, d_task(l), NULL));
}

/* argN: the number of it; -1: it is none. */
static int arg_number(const char *name)
{
	return !strncmp(name, "arg", 3) && name[3] >= '0' && name[3] <= '9' && !name[4]
		       ? name[3] - '0'
		       : -1;
}

/* What argN is where the table of probes says it. */
static struct ast *table_arg(struct d_lower *l, const struct ast *x, unsigned n)
{
	const struct d_arg *a = n < MEM_LEN(l->row->args) ? &l->row->args[n] : NULL;
	const char *expr = a && a->type ? a->expr[l->world] : NULL;

	if (expr)
		return d_snippet(l, x->pos, expr, NULL);
	d_error(l, x->pos, a && a->type ? "not-here" : "D_ARGS_IDX",
		a && a->type ? "'%s' cannot be had here" : "this probe has no '%s'", x->u.name);
	return NULL;
}

static struct ast *arg(struct d_lower *l, const struct ast *x, unsigned n)
{
	static const char *const ip[] = { "((int64)reg(\"ip\") < 0 ? reg(\"ip\") : 0)",
					  "((int64)reg(\"ip\") < 0 ? 0 : reg(\"ip\"))" };
	char text[32] = "(int64)argN";

	text[strlen(text) - 1] = (char)('0' + n);
	if (l->row->how == D_HOW_SYSCALL_ENTRY && l->world == D_RECORDED)
		return d_typed_arg(l, x->pos, n);
	switch (l->row->how) {
	case D_HOW_SYSCALL_ENTRY:
	case D_HOW_FBT_ENTRY:
	case D_HOW_PID_ENTRY: return d_snippet(l, x->pos, text, NULL);
	case D_HOW_USDT: return d_snippet(l, x->pos, text + strlen("(int64)"), NULL);
	case D_HOW_SYSCALL_RETURN:
		if (n < 2)
			return d_snippet(l, x->pos, "args.ret", NULL);
		break;
	case D_HOW_FBT_RETURN:
	case D_HOW_PID_RETURN:
		if (n < 2)
			return d_snippet(l, x->pos, n ? "(int64)retval" : "0", NULL);
		break;
	case D_HOW_TIMER:
		if (n < 2)
			return d_snippet(l, x->pos, ip[n], NULL);
		break;
	case D_HOW_TABLE: return table_arg(l, x, n);
	default: break;
	}
	d_error(l, x->pos, "D_ARGS_IDX", "this probe has no '%s'", x->u.name);
	return NULL;
}

/* Of dtrace:::ERROR: the clause, the action, the place in it, what happened, and at which address.
 */
static struct ast *fault_arg(struct d_lower *l, const struct ast *x, unsigned n)
{
	switch (n) {
	case 1: return d_new_int(l, x->pos, l->faulted->id);
	case 2:
	case 3: return d_new_int(l, x->pos, 0);
	case 4: return d_new_name(l, x->pos, "faultkind");
	case 5: return d_new_name(l, x->pos, "faultaddr");
	default: d_error(l, x->pos, "D_ARGS_IDX", "this probe has no '%s'", x->u.name); return NULL;
	}
}

/* The name of dtrace:::ERROR, which runs where another probe is. */
static struct ast *error_name(struct d_lower *l, const struct ast *x)
{
	static const char *const texts[][2] = {
		{ "probeprov", "\"dtrace\"" }, { "probemod", "\"\"" }, { "probefunc", "\"\"" },
		{ "probename", "\"ERROR\"" },  { "id", "3" },
	};

	for (size_t i = 0; i < MEM_LEN(texts); i++)
		if (!strcmp(texts[i][0], x->u.name))
			return d_snippet(l, x->pos, texts[i][1], NULL);
	return NULL;
}

static struct ast *error_number(struct d_lower *l, const struct ast *x)
{
	if (l->row->how != D_HOW_SYSCALL_RETURN)
		return d_new_int(l, x->pos, 0);
	return d_snippet(l, x->pos, "args.ret < 0 && args.ret > -4096 ? -args.ret : 0", NULL);
}

bool d_is_builtin(const char *name)
{
	static const char *const others[] = { "errno",	   "epid",	  "args", "fds",
					      "curpsinfo", "curlwpsinfo", "uregs" };

	for (size_t i = 0; i < MEM_LEN(others); i++)
		if (!strcmp(others[i], name))
			return true;
	for (size_t i = 0; i < MEM_LEN(names); i++)
		if (!strcmp(names[i].name, name))
			return true;
	return arg_number(name) >= 0;
}

static struct ast *variable(struct d_lower *l, const struct ast *x, const struct name *n)
{
	const char *text = text_of(l, n);

	if (l->world != D_RECORDED || strncmp(text, "task_dir", 8) != 0)
		return d_snippet(l, x->pos, text, NULL);
	d_error(l, x->pos, "not-here",
		"'%s' cannot be had: it is of the running kernel, and no trace has it", n->name);
	return NULL;
}

/* uregs[R_SP]: a register of the program. */
struct ast *d_user_register(struct d_lower *l, const struct ast *x)
{
	const struct ast *i = x->u.op.b;
	struct ast *name = d_new(l, AST_STR, x->pos);

	if (!name)
		return NULL;
	if (i->kind != AST_NAME || i->next) {
		d_error(l, i->pos, "D_REGS_IDX",
			"the index of uregs[] is the name of a register, as R_PC or R_SP");
		return NULL;
	}
	if (l->world == D_RECORDED) {
		d_error(l, x->pos, "not-here",
			"uregs[] cannot be had: events have fields, and no registers");
		return NULL;
	}
	name->u.str.data = i->u.name;
	name->u.str.len = strlen(i->u.name);
	return d_new_call(l, x->pos, "ureg", name);
}

struct ast *d_builtin(struct d_lower *l, const struct ast *x, bool *ret_known)
{
	const char *name = x->u.name;
	int64_t ignored;
	const int n = arg_number(name);

	*ret_known = true;
	if (n >= 0)
		return l->row->how == D_HOW_ERROR ? fault_arg(l, x, (unsigned)n)
						  : arg(l, x, (unsigned)n);
	struct ast *own = l->row->how == D_HOW_ERROR ? error_name(l, x) : NULL;
	if (own)
		return own;
	if (!strcmp(name, "errno"))
		return error_number(l, x);
	if (!strcmp(name, "epid"))
		return d_new_int(l, x->pos, l->clause->id);
	for (size_t i = 0; i < MEM_LEN(names); i++)
		if (!strcmp(names[i].name, name))
			return variable(l, x, &names[i]);
	for (size_t i = 0; i < MEM_LEN(constants); i++)
		if (!strcmp(constants[i].name, name))
			return d_new_int(l, x->pos, constants[i].n);
	// What bt alone has is no name of D.
	if (builtin_find(name, /* is_d= */ true, &ignored)) {
		d_error(l, x->pos, "D_IDENT_UNDEF", "unknown variable '%s'", name);
		return NULL;
	}
	*ret_known = false;
	return NULL;
}
