/* SPDX-License-Identifier: MIT */
/** Types of values in the words of messages. */
#include <inttypes.h>

#include "base/strbuf.h"
#include "lang/check/type.h"

/* Kinds whose name says all. */
static const char *const plain[] = {
	[TYPE_NONE] = "none",	   [TYPE_BUF] = "buffer",
	[TYPE_TUPLE] = "tuple",	   [TYPE_PTR] = "pointer",
	[TYPE_RECORD] = "struct",  [TYPE_ARRAY] = "array",
	[TYPE_KSTACK] = "kstack",  [TYPE_USTACK] = "ustack",
	[TYPE_KSYM] = "ksym",	   [TYPE_USYM] = "usym",
	[TYPE_INET] = "inet",	   [TYPE_MAC] = "mac address",
	[TYPE_TIME] = "timestamp", [TYPE_CGROUP] = "cgroup path",
	[TYPE_USER] = "username",  [TYPE_PROBE] = "probe",
	[TYPE_ERRNO] = "strerror", [TYPE_SIGNAL] = "signal",
	[TYPE_COUNT] = "count",	   [TYPE_SUM] = "sum",
	[TYPE_MIN] = "min",	   [TYPE_MAX] = "max",
	[TYPE_AVG] = "avg",	   [TYPE_STATS] = "stats",
	[TYPE_HIST] = "hist",	   [TYPE_LHIST] = "lhist",
	[TYPE_STDDEV] = "stddev",  [TYPE_LLHIST] = "llhist",
};

static void print_fields(const struct type *t, struct strbuf *ret)
{
	strbuf_add(ret, "(", 1);
	for (uint32_t i = 0; i < t->n; i++) {
		if (i)
			strbuf_add(ret, ",", 1);
		type_print(t->fields[i].type, ret);
	}
	strbuf_add(ret, ")", 1);
}

/* What tells two of a kind apart. */
static void print_more(const struct type *t, struct strbuf *ret)
{
	static const char *const modes[] = { "bpftrace", "perf", "raw" };

	if ((t->kind == TYPE_KSTACK || t->kind == TYPE_USTACK) &&
	    (t->stack_depth != STACK_MOST || t->stack_mode != STACK_BPFTRACE))
		strbuf_fmt(ret, "(%s,%u)", modes[t->stack_mode], t->stack_depth);
	else if (t->kind == TYPE_HIST && t->hist_bits)
		strbuf_fmt(ret, "(%u)", t->hist_bits);
	else if (t->kind == TYPE_LHIST)
		strbuf_fmt(ret, "(%" PRId64 ",%" PRId64 ",%" PRId64 ")", t->lhist_min, t->lhist_max,
			   t->lhist_step);
}

static void print_ptr(const struct ctype *to, struct strbuf *ret)
{
	if (!to) {
		strbuf_str(ret, "void *");
		return;
	}
	ctype_print(to, ret);
	strbuf_str(ret, to->kind == CT_PTR ? "*" : " *");
}

void type_print(const struct type *t, struct strbuf *ret)
{
	switch (t->kind) {
	case TYPE_INT:
		if (t->is_bool)
			strbuf_str(ret, "bool");
		else if (t->c && t->c->kind == CT_ENUM)
			ctype_print(t->c, ret);
		else
			strbuf_fmt(ret, "%s%u", t->is_signed ? "int" : "uint", t->size * 8);
		break;
	case TYPE_STR: strbuf_fmt(ret, "string[%u]", t->size); break;
	case TYPE_TUPLE: print_fields(t, ret); break;
	case TYPE_PTR: print_ptr(t->c, ret); break;
	case TYPE_ARRAY:
		type_print(t->elem, ret);
		strbuf_fmt(ret, "[%u]", t->n);
		break;
	case TYPE_RECORD:
		if (t->c) {
			ctype_print(t->c, ret);
			break;
		}
		strbuf_str(ret, "struct");
		break;
	default: strbuf_str(ret, plain[t->kind]); print_more(t, ret);
	}
}
