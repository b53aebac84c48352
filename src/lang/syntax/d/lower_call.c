/* SPDX-License-Identifier: MIT */
/** Functions of D: aggregating ones, actions and subroutines, and what they are here. */
#include <string.h>

#include "base/mem.h"
#include "base/near.h"
#include "lang/syntax/d/lower.h"

enum kind {
	VALUE,	 /* gives a value: @same in bt, with the same arguments */
	TEXT,	 /* the same, as a text in bt: $_ is the only argument */
	AGG,	 /* only as @x = f() */
	ACTION,	 /* prints, or is kept for the reader: only as a statement */
	AGG_ACT, /* about aggregations: the first argument is one */
	SPEC,	 /* about speculations; prints nothing */
	STACK,	 /* a value, or an action */
	REFUSED, /* @same says why */
};

#define V6 "ntop(((struct in6_addr *)$_)->in6_u.u6_addr8)"

struct function {
	const char *name;
	uint8_t least, most;
	enum kind kind;
	const char *same;
	bool destructive;
	struct ast *(*lower)(struct d_lower *l, const struct ast *x);
};

/* copyin(a, n): the user's memory itself, as n bytes are read where they are wanted. */
static struct ast *copyin(struct d_lower *l, const struct ast *x)
{
	struct ast *a = d_lower_expr(l, x->u.call.args);

	return a && d_lower_expr(l, x->u.call.args->next) ? d_new_call(l, x->pos, "uptr", a) : NULL;
}

/* argN of a system call over a trace. */
static bool is_recorded_arg(const struct d_lower *l, const struct ast *x)
{
	return l->world == D_RECORDED && l->row->how == D_HOW_SYSCALL_ENTRY &&
	       x->kind == AST_NAME && !strncmp(x->u.name, "arg", 3) && x->u.name[3] &&
	       !x->u.name[4];
}

static struct ast *copyinstr(struct d_lower *l, const struct ast *x)
{
	struct ast *p = d_lower_expr(l, x->u.call.args);

	// A trace has the text itself, where it has it.
	if (p && !is_recorded_arg(l, x->u.call.args))
		p = d_new_call(l, x->pos, "uptr", p);
	if (!p)
		return NULL;
	if (x->u.call.args->next) {
		p->next = d_lower_expr(l, x->u.call.args->next);
		if (!p->next)
			return NULL;
	}
	return d_faulting(l, d_new_call(l, x->pos, "str", p));
}

/* stringof(copyin(a, n)) is a string of n bytes at most. */
static struct ast *string_of(struct d_lower *l, const struct ast *x)
{
	const struct ast *of = x->u.call.args;

	if (of->kind == AST_CALL && !strcmp(of->u.call.name, "copyin") && of->u.call.n_args == 2)
		return copyinstr(l, of);
	struct ast *a = d_faulting(l, d_lower_expr(l, of));
	return a ? d_new_call(l, x->pos, "stringof", a) : NULL;
}

static struct ast *stack(struct d_lower *l, const struct ast *x)
{
	const bool user = x->u.call.name[0] == 'u';
	const uint32_t n = user ? l->dp->d.ustack_frames : l->dp->d.stack_frames;
	struct ast *frames =
		x->u.call.args ? d_lower_expr(l, x->u.call.args) : d_new_int(l, x->pos, n);

	return frames ? d_new_call(l, x->pos, user ? "ustack" : "kstack", frames) : NULL;
}

static struct ast *random_number(struct d_lower *l, const struct ast *x)
{
	return d_new_name(l, x->pos, "rand");
}

/* func(caller), ufunc(ucaller): these are symbols already. */
static struct ast *symbol(struct d_lower *l, const struct ast *x)
{
	const struct ast *a = x->u.call.args;
	const bool user = x->u.call.name[0] == 'u';
	struct ast *y = d_lower_expr(l, a);

	if (!y || (a->kind == AST_NAME && !strcmp(a->u.name, user ? "ucaller" : "caller")))
		return y;
	return d_new_call(l, x->pos, user ? "usym" : "ksym", y);
}

/* stop(): the process stops at its way out of the kernel. */
static struct ast *stop(struct d_lower *l, const struct ast *x)
{
	enum { STOP = 19 };
	struct ast *n = d_new_int(l, x->pos, STOP);

	return n ? d_new_call(l, x->pos, "signal", n) : NULL;
}

/* inet_ntop(AF_INET, p): what lies at an address, by the kind of address. */
static struct ast *inet_ntop(struct d_lower *l, const struct ast *x)
{
	const struct ast *af = x->u.call.args;
	const bool is_name = af->kind == AST_NAME, is_number = af->kind == AST_INT;
	const bool is_4 =
		(is_name && !strcmp(af->u.name, "AF_INET")) || (is_number && af->u.num == 2);
	const bool is_6 =
		(is_name && !strcmp(af->u.name, "AF_INET6")) || (is_number && af->u.num == 10);
	struct ast *a = d_lower_expr(l, af->next);

	if (is_4 || is_6)
		return a ? d_snippet(l, x->pos, is_4 ? "ntop(*(uint32 *)$_)" : V6, a) : NULL;
	d_error(l, af->pos, "D_PROTO_ARG", "inet_ntop() wants AF_INET or AF_INET6");
	return NULL;
}

static const char panics[] = "it would stop the machine";
static const char no_write[] = "the memory of programs is not written to";
static const char no_memory[] = "there is no memory to copy to";

static const struct function functions[] = {
	{ "count", 0, 0, AGG, "count", 0, 0 },
	{ "sum", 1, 1, AGG, "sum", 0, 0 },
	{ "min", 1, 1, AGG, "min", 0, 0 },
	{ "max", 1, 1, AGG, "max", 0, 0 },
	{ "avg", 1, 1, AGG, "avg", 0, 0 },
	{ "stddev", 1, 1, AGG, "stddev", 0, 0 },
	{ "quantize", 1, 2, AGG, "quantize", 0, 0 },
	{ "lquantize", 3, 5, AGG, "lquantize", 0, 0 },
	{ "llquantize", 5, 6, AGG, "llquantize", 0, 0 },
	{ "printf", 1, 63, ACTION, "printf", 0, 0 },
	{ "trace", 1, 1, ACTION, "trace", 0, 0 },
	{ "print", 1, 1, ACTION, "print", 0, 0 },
	{ "tracemem", 2, 3, ACTION, "tracemem", 0, 0 },
	{ "exit", 1, 1, ACTION, "exit", 0, 0 },
	{ "system", 1, 63, ACTION, "system", 1, 0 },
	{ "freopen", 1, 63, ACTION, "freopen", 1, 0 },
	{ "raise", 1, 1, ACTION, "signal", 1, 0 },
	{ "printa", 1, 16, AGG_ACT, "printa", 0, 0 },
	{ "clear", 1, 1, AGG_ACT, "zero", 0, 0 },
	{ "trunc", 1, 2, AGG_ACT, "trunc", 0, 0 },
	{ "normalize", 2, 2, AGG_ACT, "normalize", 0, 0 },
	{ "denormalize", 1, 1, AGG_ACT, "denormalize", 0, 0 },
	{ "stack", 0, 1, STACK, NULL, 0, stack },
	{ "ustack", 0, 2, STACK, NULL, 0, stack },
	{ "jstack", 0, 2, REFUSED, "no frames of Java are known", 0, 0 },
	{ "copyin", 2, 2, VALUE, NULL, 0, copyin },
	{ "copyinstr", 1, 2, VALUE, NULL, 0, copyinstr },
	{ "stringof", 1, 1, VALUE, NULL, 0, string_of },
	{ "rand", 0, 0, VALUE, NULL, 0, random_number },
	{ "strlen", 1, 1, VALUE, "strlen", 0, 0 },
	{ "strjoin", 2, 2, VALUE, "strjoin", 0, 0 },
	{ "substr", 2, 3, VALUE, "substr", 0, 0 },
	{ "index", 2, 3, VALUE, "index", 0, 0 },
	{ "rindex", 2, 3, VALUE, "rindex", 0, 0 },
	{ "strchr", 2, 2, VALUE, "strchr", 0, 0 },
	{ "strrchr", 2, 2, VALUE, "strrchr", 0, 0 },
	{ "strstr", 2, 2, VALUE, "strstr", 0, 0 },
	{ "basename", 1, 1, VALUE, "basename", 0, 0 },
	{ "dirname", 1, 1, VALUE, "dirname", 0, 0 },
	{ "lltostr", 1, 2, VALUE, "lltostr", 0, 0 },
	{ "strtoll", 1, 2, VALUE, "strtoll", 0, 0 },
	{ "strtok", 2, 2, VALUE, "strtok", 0, 0 },
	{ "toupper", 1, 1, VALUE, "toupper", 0, 0 },
	{ "tolower", 1, 1, VALUE, "tolower", 0, 0 },
	{ "d_path", 1, 1, VALUE, "d_path", 0, 0 },
	{ "inet_ntop", 2, 2, VALUE, NULL, 0, inet_ntop },
	{ "mutex_owned", 1, 1, TEXT, "(((struct mutex *)$_)->owner.counter & -8) == (int64)curtask",
	  0, 0 },
	{ "mutex_owner", 1, 1, TEXT,
	  "(struct task_struct *)(((struct mutex *)$_)->owner.counter & -8)", 0, 0 },
	{ "mutex_type_adaptive", 1, 1, TEXT, "($_) != 0", 0, 0 },
	{ "mutex_type_spin", 1, 1, TEXT, "($_) * 0", 0, 0 },
	{ "rw_read_held", 1, 1, TEXT, "(((struct rw_semaphore *)$_)->count.counter >> 8) > 0", 0,
	  0 },
	{ "rw_write_held", 1, 1, TEXT, "((struct rw_semaphore *)$_)->count.counter & 1", 0, 0 },
	{ "rw_iswriter", 1, 1, TEXT, "((struct rw_semaphore *)$_)->count.counter & 1", 0, 0 },
	{ "progenyof", 1, 1, VALUE, "progenyof", 0, 0 },
	{ "getmajor", 1, 1, TEXT, "($_ >> 20) & 0xfff", 0, 0 },
	{ "getminor", 1, 1, TEXT, "$_ & 0xfffff", 0, 0 },
	{ "htons", 1, 1, TEXT, "bswap((uint16)$_)", 0, 0 },
	{ "ntohs", 1, 1, TEXT, "bswap((uint16)$_)", 0, 0 },
	{ "htonl", 1, 1, TEXT, "bswap((uint32)$_)", 0, 0 },
	{ "ntohl", 1, 1, TEXT, "bswap((uint32)$_)", 0, 0 },
	{ "htonll", 1, 1, TEXT, "bswap((uint64)$_)", 0, 0 },
	{ "ntohll", 1, 1, TEXT, "bswap((uint64)$_)", 0, 0 },
	{ "inet_ntoa", 1, 1, TEXT, "ntop(*(uint32 *)$_)", 0, 0 },
	{ "inet_ntoa6", 1, 1, TEXT, V6, 0, 0 },
	{ "mod", 1, 1, VALUE, "kmodule", 0, 0 },
	{ "umod", 1, 1, VALUE, "umodule", 0, 0 },
	{ "sym", 1, 1, VALUE, NULL, 0, symbol },
	{ "func", 1, 1, VALUE, NULL, 0, symbol },
	{ "usym", 1, 1, VALUE, NULL, 0, symbol },
	{ "ufunc", 1, 1, VALUE, NULL, 0, symbol },
	{ "panic", 0, 0, REFUSED, panics, 0, 0 },
	{ "breakpoint", 0, 0, REFUSED, panics, 0, 0 },
	{ "chill", 1, 1, REFUSED, "it would hold the whole CPU", 0, 0 },
	{ "stop", 0, 0, ACTION, NULL, 1, stop },
	{ "copyout", 3, 3, REFUSED, no_write, 0, 0 },
	{ "copyoutstr", 3, 3, REFUSED, no_write, 0, 0 },
	{ "copyinto", 3, 3, REFUSED, no_memory, 0, 0 },
	{ "alloca", 1, 1, REFUSED, no_memory, 0, 0 },
	{ "bcopy", 3, 3, REFUSED, no_memory, 0, 0 },
	{ "cleanpath", 1, 1, REFUSED, "paths are shown as they are", 0, 0 },
	{ "msgsize", 1, 1, REFUSED, "there are no STREAMS", 0, 0 },
	{ "msgdsize", 1, 1, REFUSED, "there are no STREAMS", 0, 0 },
	{ "speculation", 0, 0, VALUE, "speculation", 0, 0 },
	{ "speculate", 1, 1, SPEC, "speculate", 0, 0 },
	{ "commit", 1, 1, SPEC, "commit", 0, 0 },
	{ "discard", 1, 1, SPEC, "discard", 0, 0 },
};

static const struct function *find(struct d_lower *l, const struct ast *x)
{
	const char *name = x->u.call.name, *near = NULL;
	unsigned least = NEAR_NOT;

	for (size_t i = 0; i < MEM_LEN(functions); i++) {
		if (!strcmp(functions[i].name, name))
			return &functions[i];
		const unsigned d = near_distance(name, functions[i].name);
		if (d < least) {
			least = d;
			near = functions[i].name;
		}
	}
	d_error(l, x->pos, "D_FUNC_UNDEF", "unknown function '%s'%s%s%s", name,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

/* Whether it may be called so, as far as that is known by its name. */
static bool may_call(struct d_lower *l, const struct ast *x, const struct function *f)
{
	const size_t n = x->u.call.n_args;

	if (f->kind == REFUSED) {
		d_error(l, x->pos, "not-supported", "%s() is not supported: %s", f->name, f->same);
		return false;
	}
	if (f->destructive && !l->dp->d.destructive) {
		d_error(l, x->pos, "D_ACT_DESTRUCTIVE",
			"%s() changes the system; it needs -w, or the option 'destructive'",
			f->name);
		return false;
	}
	if (n >= f->least && n <= f->most)
		return true;
	if (f->least == f->most)
		d_error(l, x->pos, "D_PROTO_LEN", "%s() takes %u argument%s, not %zu", f->name,
			f->least, f->least == 1 ? "" : "s", n);
	else
		d_error(l, x->pos, "D_PROTO_LEN", "%s() takes %u to %u arguments, not %zu", f->name,
			f->least, f->most, n);
	return false;
}

static struct ast *same_call(struct d_lower *l, const struct ast *x, const struct function *f)
{
	struct ast *args = NULL, **end = &args;
	bool fine = true;

	if (f->kind != VALUE && !d_lower_list(l, x->u.call.args, &args))
		return NULL;
	for (const struct ast *a = x->u.call.args; a && f->kind == VALUE; a = a->next) {
		*end = d_lower_text(l, a);
		fine = fine && *end;
		end = *end ? &(*end)->next : end;
	}
	return fine ? d_new_call(l, x->pos, f->same, args) : NULL;
}

struct ast *d_lower_call(struct d_lower *l, const struct ast *x)
{
	const struct function *f = find(l, x);

	if (!f || !may_call(l, x, f))
		return NULL;
	switch (f->kind) {
	case AGG:
		d_error(l, x->pos, "D_AGG_NULL", "%s() is set to an aggregation: @x = %s(...)",
			f->name, f->name);
		return NULL;
	case ACTION:
	case AGG_ACT:
	case SPEC:
		d_error(l, x->pos, "D_OP_ACT", "%s() is an action and gives no value", f->name);
		return NULL;
	case TEXT: {
		struct ast *a = d_lower_expr(l, x->u.call.args);
		return a ? d_snippet(l, x->pos, f->same, a) : NULL;
	}
	default: return f->lower ? f->lower(l, x) : same_call(l, x, f);
	}
}

struct ast *d_lower_agg(struct d_lower *l, const struct ast *x)
{
	const struct function *f = find(l, x);

	if (!f || !may_call(l, x, f))
		return NULL;
	if (f->kind != AGG) {
		d_error(l, x->pos, "D_AGG_FUNC", "%s() is no aggregating function", f->name);
		return NULL;
	}
	return same_call(l, x, f);
}

/* @x without keys, as the actions about aggregations want it. */
static struct ast *aggregation(struct d_lower *l, const struct ast *x, const struct function *f)
{
	struct ast *m = x->kind == AST_MAP && !x->u.map.keys ? d_new(l, AST_MAP, x->pos) : NULL;

	if (m)
		m->u.map.name = x->u.map.name;
	else
		d_error(l, x->pos, "D_CLEAR_AGGARG", "%s() wants an aggregation without keys here",
			f->name);
	return m;
}

static bool agg_args(struct d_lower *l, const struct ast *x, const struct function *f,
		     struct ast **ret)
{
	const bool is_printa = !strcmp(f->same, "printa");
	const struct ast *a = x->u.call.args;
	struct ast **end = ret;

	*ret = NULL;
	for (bool is_first = true; a; a = a->next, is_first = false) {
		const bool is_text = is_printa && is_first && a->kind == AST_STR;
		const bool wants_agg = is_printa ? !is_text : is_first;

		*end = wants_agg ? aggregation(l, a, f) : d_lower_expr(l, a);
		if (!*end)
			return false;
		end = &(*end)->next;
	}
	if (is_printa && *ret && (*ret)->kind == AST_STR && !(*ret)->next) {
		d_error(l, x->pos, "D_PRINTA_PROTO", "printa() wants an aggregation");
		return false;
	}
	return true;
}

/* The next conversion's letter; *@ret_stars: widths that are arguments. '\0': there is none. */
static char next_letter(const char **format, unsigned *ret_stars)
{
	*ret_stars = 0;
	for (const char *p = strchr(*format, '%'); p; p = strchr(p, '%')) {
		if (p[1] == '%') {
			p += 2;
			continue;
		}
		for (p++; *p && strchr("-+ 0#'@?.*123456789hljztLqw", *p); p++)
			*ret_stars += *p == '*';
		*format = *p ? p + 1 : p;
		return *p;
	}
	return '\0';
}

/* Whether it is the name of a place already. */
static bool is_symbol(const struct ast *x)
{
	const char *name = x->kind == AST_CALL	 ? x->u.call.name
			   : x->kind == AST_NAME ? x->u.name
						 : "";

	return x->kind == AST_STR || !strcmp(name, "usym") || !strcmp(name, "umodule") ||
	       !strcmp(name, "ucaller");
}

/* %A wants to know whose the address is. */
static struct ast *printf_call(struct d_lower *l, const struct ast *x)
{
	struct ast *args;

	if (!d_lower_list(l, x->u.call.args, &args))
		return NULL;
	const char *format = args->kind == AST_STR ? args->u.str.data : "";
	struct ast **at = &args->next;
	unsigned stars;
	for (char c; *at && (c = next_letter(&format, &stars)); at = *at ? &(*at)->next : at) {
		for (; stars && *at; stars--)
			at = &(*at)->next;
		struct ast *a = *at;
		if (c != 'A' || !a || is_symbol(a))
			continue;
		struct ast *behind = a->next;
		a->next = NULL;
		*at = d_new_call(l, a->pos, "usym", a);
		if (!*at)
			return NULL;
		(*at)->next = behind;
	}
	return d_new_call(l, x->pos, "printf", args);
}

static struct ast *action(struct d_lower *l, const struct ast *x, const struct function *f)
{
	struct ast *args;

	switch (f->kind) {
	case AGG_ACT: return agg_args(l, x, f, &args) ? d_new_call(l, x->pos, f->same, args) : NULL;
	case STACK: {
		struct ast *s = f->lower(l, x);
		return s ? d_new_call(l, x->pos, "trace", s) : NULL;
	}
	case SPEC:
	case ACTION:
		if (!strcmp(f->name, "printf"))
			return printf_call(l, x);
		return f->lower ? f->lower(l, x) : same_call(l, x, f);
	default: return d_lower_call(l, x);
	}
}

/* --- the order of actions in a clause that has to do with speculations --- */

static bool misplaced(struct d_lower *l, struct pos pos, const char *tag, const char *name,
		      const char *behind)
{
	d_error(l, pos, tag, "%s may not come behind %s in a clause", name, behind);
	return false;
}

/* speculate(), commit(), discard(). */
static bool may_speculate(struct d_lower *l, struct pos pos, const char *name)
{
	struct d_spec *s = &l->spec;
	static const char prints[] = "what is printed";

	if (!strcmp(name, "speculate")) {
		if (s->speculates)
			return misplaced(l, pos, "D_SPEC_SPEC", "speculate()", "speculate()");
		if (s->commits)
			return misplaced(l, pos, "D_SPEC_COMM", "speculate()", "commit()");
		if (s->records)
			return misplaced(l, pos, "D_SPEC_DREC", "speculate()", prints);
		s->speculates = l->speculates = true;
	} else if (!strcmp(name, "commit")) {
		if (s->commits)
			return misplaced(l, pos, "D_COMM_COMM", "commit()", "commit()");
		if (s->records)
			return misplaced(l, pos, "D_COMM_DREC", "commit()", prints);
		s->commits = true;
	}
	return true;
}

static bool may_act(struct d_lower *l, struct pos pos, const struct function *f)
{
	struct d_spec *s = &l->spec;

	if (f->kind == SPEC)
		return may_speculate(l, pos, f->name);
	if (s->speculates && f->destructive)
		return misplaced(l, pos, "D_ACT_SPEC", "an action that changes the system",
				 "speculate()");
	if (s->speculates && !strcmp(f->name, "exit"))
		return misplaced(l, pos, "D_EXIT_SPEC", "exit()", "speculate()");
	if (s->speculates && f->kind == AGG_ACT)
		return misplaced(l, pos, "D_AGG_SPEC", "an action about aggregations",
				 "speculate()");
	if (f->kind != ACTION && f->kind != AGG_ACT && f->kind != STACK)
		return true;
	if (s->commits)
		return misplaced(l, pos, "D_DREC_COMM", "what prints", "commit()");
	s->records = true;
	return true;
}

bool d_may_aggregate(struct d_lower *l, struct pos pos)
{
	if (l->spec.speculates)
		return misplaced(l, pos, "D_AGG_SPEC", "an aggregation", "speculate()");
	if (l->spec.commits)
		return misplaced(l, pos, "D_AGG_COMM", "an aggregation", "commit()");
	return true;
}

void d_lower_action(struct d_lower *l, const struct ast *x, struct ast ***end)
{
	const struct function *f = find(l, x);

	if (!f || !may_call(l, x, f) || !may_act(l, x->pos, f))
		return;
	struct ast *y = action(l, x, f), *s = y ? d_new(l, AST_EXPR, x->pos) : NULL;
	if (!s)
		return;
	s->u.op.a = y;
	if (f->kind == ACTION || f->kind == AGG_ACT || f->kind == STACK)
		l->n_actions++;
	while (**end)
		*end = &(**end)->next;
	**end = s;
	*end = &s->next;
}
