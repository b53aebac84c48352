/* SPDX-License-Identifier: MIT */
/** The table of functions, and what each takes and gives. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lang/check/builtin.h"
#include "lang/check/check.h"
#include "lang/check/format.h"
#include "lang/gen/regs.h"

enum { BUF_MOST = 1024, LHIST_MOST = 1000 };

static struct ast *arg(struct ast *x, unsigned i)
{
	struct ast *a = x->u.call.args;

	while (a && i-- > 0)
		a = a->next;
	return a;
}

/* Where an argument stands, or the call where it is not given. */
static struct pos pos_of(struct ast *x, unsigned i)
{
	const struct ast *a = arg(x, i);

	return a ? a->pos : x->pos;
}

/* The type of an argument that was counted and checked. */
static const struct type *type_at(struct ast *x, unsigned i)
{
	const struct ast *a = arg(x, i);

	return a && a->type ? a->type : &type_none;
}

static struct type *made(struct check *c, struct ast *x, enum type_kind kind, uint32_t size)
{
	struct type *t = type_new(c->arena, kind, size, 8);

	x->type = check_made(c, t);
	return t;
}

static bool want_number(struct check *c, struct ast *x, unsigned i)
{
	const struct ast *a = arg(x, i);

	if (!a || !a->type || type_is_scalar(a->type))
		return true;
	check_error(c, a->pos, "bad-argument", "argument %u of %s() must be a number", i + 1,
		    x->u.call.name);
	return false;
}

static bool want_const(struct check *c, struct ast *x, unsigned i, int64_t *ret)
{
	const struct ast *a = arg(x, i);

	if (a && check_const(c, a, ret))
		return true;
	check_error(c, a ? a->pos : x->pos, "not-constant",
		    "argument %u of %s() must be a constant", i + 1, x->u.call.name);
	return false;
}

static const char *want_text(struct check *c, struct ast *x, unsigned i)
{
	const struct ast *a = arg(x, i);
	size_t len;
	const char *text = a ? check_text(c, a, &len) : NULL;

	if (!text || strlen(text) != len) {
		check_error(c, a ? a->pos : x->pos, "not-constant",
			    "argument %u of %s() must be a text between quotes", i + 1,
			    x->u.call.name);
		return NULL;
	}
	return text;
}

static void f_none(struct check *c, struct ast *x)
{
	(void)c;
	x->type = &type_none;
}

static void f_format(struct check *c, struct ast *x)
{
	const char *fmt = want_text(c, x, 0);

	x->type = &type_none;
	if (fmt)
		format_check(c, x, fmt, x->u.call.args->next);
}

static void f_print(struct check *c, struct ast *x)
{
	const struct type *t = type_at(x, 0);

	x->type = &type_none;
	if (!type_is_value(t))
		check_error(c, pos_of(x, 0), "no-value", "this has no value that could be printed");
	if (arg(x, 1))
		check_error(c, pos_of(x, 1), "argument-count",
			    "only whole maps are printed with top and div");
}

static void f_map_only(struct check *c, struct ast *x)
{
	check_error(c, x->pos, "bad-argument", "%s() takes a map", x->u.call.name);
}

static void f_agg(struct check *c, struct ast *x)
{
	static const struct {
		enum func_id id;
		enum type_kind kind;
		uint32_t size;
	} kinds[] = {
		{ F_COUNT, TYPE_COUNT, 8 }, { F_SUM, TYPE_SUM, 16 }, { F_MIN, TYPE_MIN, 16 },
		{ F_MAX, TYPE_MAX, 16 },    { F_AVG, TYPE_AVG, 16 }, { F_STATS, TYPE_STATS, 16 },
	};
	const struct func *f = x->note;

	if (!want_number(c, x, 0))
		return;
	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		if (kinds[i].id != f->id)
			continue;
		struct type *t = made(c, x, kinds[i].kind, kinds[i].size);
		if (t)
			t->is_signed = type_at(x, 0)->is_signed;
	}
}

static void f_hist(struct check *c, struct ast *x)
{
	int64_t bits = 0;

	if (!want_number(c, x, 0) || (arg(x, 1) && !want_const(c, x, 1, &bits)))
		return;
	if (bits < 0 || bits > HIST_BITS_MOST) {
		check_error(c, pos_of(x, 1), "bad-argument", "hist() takes 0 to %d bits",
			    HIST_BITS_MOST);
		return;
	}
	struct type *t = made(c, x, TYPE_HIST, hist_len((uint32_t)bits) * 8);
	if (t)
		t->hist_bits = (uint32_t)bits;
}

static void f_lhist(struct check *c, struct ast *x)
{
	int64_t min = 0, max = 0, step = 0;

	if (!want_number(c, x, 0) || !want_const(c, x, 1, &min) || !want_const(c, x, 2, &max) ||
	    !want_const(c, x, 3, &step))
		return;
	const char *wrong = step < 1	 ? "lhist() needs a step of 1 or more"
			    : max <= min ? "lhist() needs a largest value above the smallest"
			    : min < 0	 ? "lhist() begins at 0 or above"
			    : (max - min) / step > LHIST_MOST
				    ? "lhist() has too many buckets (more than 1000)"
				    : NULL;
	if (wrong) {
		check_error(c, x->pos, "bad-argument", "%s", wrong);
		return;
	}
	struct type *t = made(c, x, TYPE_LHIST, (uint32_t)(2 + (max - min) / step) * 8);
	if (t) {
		t->lhist_min = min;
		t->lhist_max = max;
		t->lhist_step = step;
	}
}

/* The type of an argument that may be an address: of the event's own bytes where it has some. */
static const struct type *address_at(struct check *c, struct ast *x, unsigned i)
{
	struct ast *a = arg(x, i);

	if (!a->part || !a->part->bytes)
		return type_at(x, i);
	a->note = a->part->bytes;
	a->type = check_of_c(c, a->part->bytes->type, /* is_user= */ false);
	return a->type ? a->type : &type_u64;
}

static bool is_of_event(const struct ast *a)
{
	return a->part && a->part->bytes && a->note == a->part->bytes;
}

static void f_str(struct check *c, struct ast *x)
{
	const struct type *t = address_at(c, x, 0);
	int64_t n = c->max_strlen;
	size_t len;
	const char *text = check_text(c, arg(x, 0), &len);

	if (arg(x, 1))
		(void)want_number(c, x, 1);
	if (text) {
		x->type = check_made(c, type_str(c->arena, ((uint32_t)len + 8) & ~7U));
		return;
	}
	const bool chars = t->kind == TYPE_STR || t->kind == TYPE_ARRAY;
	if (!type_is_number(t) && !chars) {
		check_error(c, pos_of(x, 0), "bad-argument", "str() takes an address");
		return;
	}
	if (!chars && !is_of_event(arg(x, 0)) && arg(x, 0)->kind != AST_POSITIONAL)
		(void)check_memory(c, pos_of(x, 0)); // told
	// A text in an array may fill it, without a 0 behind.
	int64_t most = c->max_strlen;
	if (chars && t->size && t->size < most)
		most = arg(x, 1) ? t->size + 1 : t->size;
	if (arg(x, 1) && check_const(c, arg(x, 1), &n) && n < most)
		n = n < 0 ? 1 : n + 1;
	else
		n = most;
	x->type = check_made(c, type_str(c->arena, ((uint32_t)n + 7) & ~7U));
}

static void f_buf(struct check *c, struct ast *x)
{
	const struct type *t = address_at(c, x, 0);
	const bool has_len = is_of_event(arg(x, 0));
	int64_t n = c->max_strlen;

	if (t->kind == TYPE_ARRAY || t->kind == TYPE_RECORD || t->kind == TYPE_STR)
		n = t->size;
	else if (!type_is_number(t))
		check_error(c, pos_of(x, 0), "bad-argument", "buf() takes an address or an array");
	else if (!arg(x, 1) && !has_len)
		check_error(c, x->pos, "argument-count",
			    "buf() needs a length where it takes an address");
	if (type_is_number(t) && !has_len)
		(void)check_memory(c, pos_of(x, 0)); // told
	if (arg(x, 1) && want_number(c, x, 1)) {
		int64_t said;
		if (check_const(c, arg(x, 1), &said))
			n = said;
		else if (n > c->max_strlen)
			n = c->max_strlen;
	}
	if (n < 1 || n > BUF_MOST)
		n = n < 1 ? 1 : BUF_MOST;
	(void)made(c, x, TYPE_BUF, (uint32_t)((n + 4 + 7) & ~7)); // NULL is noted
}

static void f_ksym(struct check *c, struct ast *x)
{
	(void)want_number(c, x, 0);
	(void)made(c, x, TYPE_KSYM, 8);
}

static void f_usym(struct check *c, struct ast *x)
{
	(void)want_number(c, x, 0);
	(void)made(c, x, TYPE_USYM, sizeof(struct usym_value));
}

static void f_addr(struct check *c, struct ast *x)
{
	const struct func *f = x->note;
	const char *name = want_text(c, x, 0);

	x->type = &type_u64;
	if (!name || !c->world->ops->address)
		return;
	const char *path = f->id == F_UADDR ? c->point->attach.path : NULL;
	if (f->id == F_UADDR && !path) {
		check_error(c, x->pos, "no-program", "uaddr() works in probes of programs only");
		return;
	}
	x->note_n = (int64_t)c->world->ops->address(c->world, path, name);
	if (!x->note_n)
		check_error(c, pos_of(x, 0), "unknown-symbol", "no address is known of '%s'%s",
			    name,
			    path && (c->opt->pid <= 0 || c->opt->has_child)
				    ? "; only -p tells where a program is loaded"
				    : "");
}

/* An address: a number (4 bytes), or an array of 4 or 16 bytes. */
static void f_ntop(struct check *c, struct ast *x)
{
	const unsigned at = arg(x, 1) ? 1 : 0; // behind the family, if that is given
	const struct type *t = type_at(x, at);

	if (at)
		(void)want_number(c, x, 0);
	const bool bytes =
		(t->kind == TYPE_ARRAY || t->kind == TYPE_STR || t->kind == TYPE_RECORD) &&
		(t->size == 4 || t->size == 16);
	if (!type_is_number(t) && !bytes)
		check_error(c, pos_of(x, at), "bad-argument",
			    "ntop() takes a number, or an array of 4 or 16 bytes");
	(void)made(c, x, TYPE_INET, 24);
}

static void f_pton(struct check *c, struct ast *x)
{
	const char *text = want_text(c, x, 0);
	uint8_t *bytes = arena_alloc(c->arena, 16);

	if (!text)
		return;
	if (!bytes) {
		c->no_memory = true;
		return;
	}
	const bool v4 = inet_pton(AF_INET, text, bytes) == 1;
	if (!v4 && inet_pton(AF_INET6, text, bytes) != 1) {
		check_error(c, pos_of(x, 0), "bad-argument", "'%s' is no IP address", text);
		return;
	}
	struct type *t = made(c, x, TYPE_ARRAY, v4 ? 4 : 16);
	if (t) {
		t->elem = type_int(1, false);
		t->n = t->size;
		t->c = ctype_array(c->arena, ctype_basic("uint8_t"), t->size);
	}
	x->u.call.args->note = bytes;
}

static void f_strftime(struct check *c, struct ast *x)
{
	const char *fmt = want_text(c, x, 0);

	(void)want_number(c, x, 1);
	struct type *t = made(c, x, TYPE_TIME, 8);
	if (t)
		t->fmt = fmt;
}

static void f_time(struct check *c, struct ast *x)
{
	x->type = &type_none;
	if (arg(x, 0))
		(void)want_text(c, x, 0);
}

static bool want_str(struct check *c, struct ast *x, unsigned i)
{
	const struct ast *a = arg(x, i);

	if (a->type->kind == TYPE_STR)
		return true;
	check_error(c, a->pos, "bad-argument", "argument %u of %s() must be a string", i + 1,
		    x->u.call.name);
	return false;
}

static void f_strncmp(struct check *c, struct ast *x)
{
	int64_t n;

	x->type = &type_u64;
	(void)(want_str(c, x, 0) && want_str(c, x, 1));
	if (want_const(c, x, 2, &n) && (n < 0 || n > STR_LEN_MOST))
		check_error(c, pos_of(x, 2), "bad-argument", "strncmp() compares 0 to %d bytes",
			    STR_LEN_MOST);
}

static void f_strcontains(struct check *c, struct ast *x)
{
	x->type = &type_i64;
	(void)(want_str(c, x, 0) && want_str(c, x, 1));
}

static void f_bswap(struct check *c, struct ast *x)
{
	if (!want_number(c, x, 0))
		return;
	const struct type *t = type_at(x, 0);
	x->type = type_int(t->kind == TYPE_INT ? t->size : 8, false);
}

static void f_signal(struct check *c, struct ast *x)
{
	size_t len;
	const char *name = check_text(c, arg(x, 0), &len);
	int64_t n;

	x->type = &type_none;
	if (!name) {
		(void)want_number(c, x, 0);
		const bool known = check_const(c, arg(x, 0), &n);
		x->note_n = known ? n : -1;
		if (known && (n < 1 || n > 64))
			check_error(c, pos_of(x, 0), "bad-argument",
				    "a signal is 1 to 64, not %lld", (long long)n);
		return;
	}
	char sig[16];
	const int wrote =
		snprintf(sig, sizeof(sig), "%s%s", strncmp(name, "SIG", 3) ? "SIG" : "", name);
	if (wrote >= (int)sizeof(sig) || !constant_find(sig, &x->note_n))
		check_error(c, pos_of(x, 0), "bad-argument", "unknown signal '%s'", name);
}

static void f_exit(struct check *c, struct ast *x)
{
	x->type = &type_none;
	(void)want_number(c, x, 0);
}

static void f_reg(struct check *c, struct ast *x)
{
	const char *name = want_text(c, x, 0);
	int off;

	x->type = &type_u64;
	if (c->point->args != ARGS_REGS && c->point->args != ARGS_USDT &&
	    c->point->args != ARGS_PERF)
		check_error(c, x->pos, "no-registers", "'%s' gives no registers", c->point->name);
	else if (name && !regs_find(name, &off))
		check_error(c, pos_of(x, 0), "bad-argument", "this machine has no register '%s'",
			    name);
	else if (name)
		x->note_n = off;
}

static void f_macaddr(struct check *c, struct ast *x)
{
	const struct type *t = type_at(x, 0);

	if ((t->kind != TYPE_ARRAY && t->kind != TYPE_STR) || t->size < 6)
		check_error(c, pos_of(x, 0), "bad-argument", "macaddr() takes an array of 6 bytes");
	(void)made(c, x, TYPE_MAC, 8);
}

static void f_cgroupid(struct check *c, struct ast *x)
{
	const char *path = want_text(c, x, 0);
	struct stat st;

	x->type = &type_u64;
	// The id of a cgroup is its folder's inode number.
	if (path && stat(path, &st) == 0)
		x->note_n = (int64_t)st.st_ino;
	else if (path)
		check_error(c, pos_of(x, 0), "bad-argument", "there is no cgroup '%s'", path);
}

static void f_cgroup_path(struct check *c, struct ast *x)
{
	(void)want_number(c, x, 0);
	(void)made(c, x, TYPE_CGROUP, 8);
}

static void f_path(struct check *c, struct ast *x)
{
	const struct type *t = type_at(x, 0);

	if (t->kind != TYPE_PTR && t->kind != TYPE_RECORD)
		check_error(c, pos_of(x, 0), "bad-argument", "path() takes a struct path");
	if (c->point->attach.kind != ATTACH_FENTRY && c->point->attach.kind != ATTACH_FEXIT &&
	    c->point->attach.kind != ATTACH_ITER)
		check_error(c, x->pos, "not-here",
			    "the kernel gives path() to fentry, fexit and iter only");
	x->type = check_made(c, type_str(c->arena, (c->max_strlen + 7) & ~7U));
}

static void f_skboutput(struct check *c, struct ast *x)
{
	const struct ctype *skb;

	(void)want_text(c, x, 0);
	(void)(want_number(c, x, 1) && want_number(c, x, 2) && want_number(c, x, 3));
	x->type = &type_i64;
	if (!check_find_ctype(c, "struct sk_buff", &skb))
		check_error(c, x->pos, "not-here",
			    "skboutput() needs the kernel's type information (BTF)");
}

static void f_assert(struct check *c, struct ast *x)
{
	x->type = &type_none;
	if (!type_has_truth(type_at(x, 0)))
		check_error(c, pos_of(x, 0), "bad-condition", "a condition must be a number");
	(void)want_text(c, x, 1);
}

static void f_strerror(struct check *c, struct ast *x)
{
	(void)want_number(c, x, 0);
	(void)made(c, x, TYPE_ERRNO, 8);
}

static void f_ptr(struct check *c, struct ast *x)
{
	const struct func *f = x->note;
	const struct type *from = type_at(x, 0);

	if (!want_number(c, x, 0))
		return;
	struct type *t = made(c, x, TYPE_PTR, 8);
	if (t) {
		t->c = from->kind == TYPE_PTR ? from->c : ctype_basic("void");
		t->is_user = f->id == F_UPTR;
	}
}

static void f_len(struct check *c, struct ast *x)
{
	const enum type_kind k = type_at(x, 0)->kind;

	x->type = &type_i64;
	if (k != TYPE_STR && k != TYPE_KSTACK && k != TYPE_USTACK)
		check_error(c, pos_of(x, 0), "bad-argument",
			    "%s() takes a map, a string or a stack", x->u.call.name);
}

static void f_join(struct check *c, struct ast *x)
{
	x->type = &type_none;
	(void)want_number(c, x, 0);
	if (arg(x, 1))
		(void)want_text(c, x, 1);
}

const struct func func_all[] = {
	{ "printf", F_PRINTF, 1, 64, 0, 1, 0, f_format, "fmt, ...", "print a line of text" },
	{ "errorf", F_ERRORF, 1, 64, 0, 1, 0, f_format, "fmt, ...", "print an error" },
	{ "warnf", F_WARNF, 1, 64, 0, 1, 0, f_format, "fmt, ...", "print a warning" },
	{ "print", F_PRINT, 1, 3, 0, 1, 0, f_print, "x | @map[, top[, div]]",
	  "print a value or a map" },
	{ "clear", F_CLEAR, 1, 1, 0, 1, 0, f_map_only, "@map", "remove all keys of a map" },
	{ "zero", F_ZERO, 1, 1, 0, 1, 0, f_map_only, "@map", "set all values of a map to 0" },
	{ "delete", F_DELETE, 1, 2, 0, 0, 0, f_map_only, "@map[key]", "remove a key" },
	{ "len", F_LEN, 1, 1, 0, 0, 0, f_len, "@map | string | stack", "how many" },
	{ "strlen", F_STRLEN, 1, 1, 0, 0, 0, f_len, "string", "bytes of a string" },
	{ "has_key", F_HAS_KEY, 1, 2, 0, 0, 0, f_map_only, "@map, key", "whether a key is there" },
	{ "count", F_COUNT, 0, 0, 1, 0, 0, f_agg, "", "how often" },
	{ "sum", F_SUM, 1, 1, 1, 0, 0, f_agg, "n", "sum" },
	{ "avg", F_AVG, 1, 1, 1, 0, 0, f_agg, "n", "mean" },
	{ "min", F_MIN, 1, 1, 1, 0, 0, f_agg, "n", "smallest" },
	{ "max", F_MAX, 1, 1, 1, 0, 0, f_agg, "n", "largest" },
	{ "stats", F_STATS, 1, 1, 1, 0, 0, f_agg, "n", "count, mean and sum" },
	{ "hist", F_HIST, 1, 2, 1, 0, 0, f_hist, "n[, bits]", "histogram by powers of two" },
	{ "lhist", F_LHIST, 4, 4, 1, 0, 0, f_lhist, "n, min, max, step", "linear histogram" },
	{ "str", F_STR, 1, 2, 0, 0, 0, f_str, "address[, length]", "string at an address" },
	{ "buf", F_BUF, 1, 2, 0, 0, 0, f_buf, "address[, length]", "bytes at an address" },
	{ "join", F_JOIN, 1, 2, 0, 1, 0, f_join, "char *arr[][, delimiter]",
	  "print strings of an array" },
	{ "ksym", F_KSYM, 1, 1, 0, 0, 0, f_ksym, "address", "kernel symbol of an address" },
	{ "usym", F_USYM, 1, 1, 0, 0, 0, f_usym, "address", "program's symbol of an address" },
	{ "kaddr", F_KADDR, 1, 1, 0, 0, 0, f_addr, "\"name\"", "address of a kernel symbol" },
	{ "uaddr", F_UADDR, 1, 1, 0, 0, 0, f_addr, "\"name\"", "address of the program's symbol" },
	{ "ntop", F_NTOP, 1, 2, 0, 0, 0, f_ntop, "[family, ]address", "IP address as text" },
	{ "pton", F_PTON, 1, 1, 0, 0, 0, f_pton, "\"address\"", "IP address as bytes" },
	{ "kstack", F_KSTACK, 0, 2, 0, 0, 0, f_none, "[mode][, frames]", "stack in the kernel" },
	{ "ustack", F_USTACK, 0, 2, 0, 0, 0, f_none, "[mode][, frames]", "stack in the program" },
	{ "strftime", F_STRFTIME, 2, 2, 0, 0, 0, f_strftime, "fmt, nsecs", "a time as text" },
	{ "time", F_TIME, 0, 1, 0, 1, 0, f_time, "[fmt]", "print the time of day" },
	{ "strncmp", F_STRNCMP, 3, 3, 0, 0, 0, f_strncmp, "a, b, n",
	  "0 where n bytes are the same" },
	{ "strcontains", F_STRCONTAINS, 2, 2, 0, 0, 0, f_strcontains, "a, b", "whether b is in a" },
	{ "nsecs", F_NSECS, 1, 1, 0, 0, 0, f_none, "clock",
	  "time of monotonic, boot, tai, sw_tai" },
	{ "bswap", F_BSWAP, 1, 1, 0, 0, 0, f_bswap, "n", "byte order reversed" },
	{ "signal", F_SIGNAL, 1, 1, 0, 1, 1, f_signal, "\"name\" | n",
	  "send a signal to this process" },
	{ "exit", F_EXIT, 0, 1, 0, 1, 0, f_exit, "[status]", "end the script" },
	{ "cat", F_CAT, 1, 64, 0, 1, 0, f_format, "fmt, ...", "print a file" },
	{ "system", F_SYSTEM, 1, 64, 0, 1, 1, f_format, "fmt, ...", "run a command" },
	{ "reg", F_REG, 1, 1, 0, 0, 0, f_reg, "\"name\"", "a register" },
	{ "macaddr", F_MACADDR, 1, 1, 0, 0, 0, f_macaddr, "bytes", "MAC address as text" },
	{ "cgroupid", F_CGROUPID, 1, 1, 0, 0, 0, f_cgroupid, "\"path\"", "id of a cgroup" },
	{ "cgroup_path", F_CGROUP_PATH, 1, 2, 0, 0, 0, f_cgroup_path, "id", "path of a cgroup" },
	{ "path", F_PATH, 1, 2, 0, 0, 0, f_path, "struct path *", "full path" },
	{ "skboutput", F_SKBOUTPUT, 4, 4, 0, 0, 0, f_skboutput, "file, skb, len, off",
	  "packets to a file" },
	{ "assert", F_ASSERT, 2, 2, 0, 1, 0, f_assert, "condition, \"text\"",
	  "end the script if not" },
	{ "emit", F_EMIT, 1, 64, 0, 1, 0, check_emit, "\"event\", field = x, ...",
	  "an event into the trace that is recorded" },
	{ "strerror", F_STRERROR, 1, 1, 0, 0, 0, f_strerror, "errno", "an error's words" },
	{ "kptr", F_KPTR, 1, 1, 0, 0, 0, f_ptr, "p", "p points into the kernel" },
	{ "uptr", F_UPTR, 1, 1, 0, 0, 0, f_ptr, "p", "p points into the program" },
	{ 0 },
};

const struct func *func_find(const char *name, bool is_d)
{
	for (const struct func *f = func_all_d; is_d && f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	for (const struct func *f = func_all; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}
