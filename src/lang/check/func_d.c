/* SPDX-License-Identifier: MIT */
/** Functions of D that bt does not have: what each takes and gives. */
#include <linux/bpf.h>
#include <string.h>

#include "base/mem.h"
#include "lang/check/builtin.h"
#include "lang/check/check.h"
#include "lang/check/format.h"
#include "lang/gen/regs.h"
#include "lang/world.h"

enum { LEVELS_MOST = 1000, TRACEMEM_MOST = 1024 };

static struct ast *arg(const struct ast *x, unsigned i)
{
	struct ast *a = x->u.call.args;

	while (a && i-- > 0)
		a = a->next;
	return a;
}

static struct type *made(struct check *c, struct ast *x, enum type_kind kind, uint32_t size)
{
	struct type *t = type_new(c->arena, kind, size, 8);

	x->type = check_made(c, t);
	return t;
}

static bool want_number(struct check *c, const struct ast *x, unsigned i)
{
	const struct ast *a = arg(x, i);

	if (!a || !a->type || type_is_scalar(a->type))
		return true;
	check_error(c, a->pos, "bad-argument", "argument %u of %s() must be a number", i + 1,
		    x->u.call.name);
	return false;
}

static bool want_const(struct check *c, const struct ast *x, unsigned i, const char *tag,
		       int64_t *ret)
{
	const struct ast *a = arg(x, i);

	if (a && check_const(c, a, ret))
		return true;
	check_error(c, a ? a->pos : x->pos, tag, "argument %u of %s() must be a constant", i + 1,
		    x->u.call.name);
	return false;
}

static bool want_str(struct check *c, const struct ast *x, unsigned i)
{
	const struct ast *a = arg(x, i);

	if (!a || !a->type || a->type->kind == TYPE_STR)
		return true;
	check_error(c, a->pos, "bad-argument", "argument %u of %s() must be a string", i + 1,
		    x->u.call.name);
	return false;
}

/* --- aggregations --- */

static void f_stddev(struct check *c, struct ast *x)
{
	if (!want_number(c, x, 0))
		return;
	struct type *t = made(c, x, TYPE_STDDEV, sizeof(struct deviation_value));
	if (t)
		t->is_signed = arg(x, 0)->type->is_signed;
}

static void f_quantize(struct check *c, struct ast *x)
{
	if (!want_number(c, x, 0) || !want_number(c, x, 1))
		return;
	struct type *t = made(c, x, TYPE_HIST, (hist_len(0) + HIST_NEGATIVES) * 8);
	if (t)
		t->hist_negative = true;
}

/* Where a level or step makes no sense, with D's own tags. */
static bool bad_levels(struct check *c, const struct ast *x, const char *tag, const char *words)
{
	check_error(c, x->pos, tag, "%s() %s", x->u.call.name, words);
	return false;
}

static bool lquantize_fits(struct check *c, const struct ast *x, int64_t base, int64_t limit,
			   int64_t step)
{
	if (base < INT32_MIN || base > INT32_MAX)
		return bad_levels(c, x, "D_LQUANT_BASEVAL", "has a lower end beyond 32 bits");
	if (limit < INT32_MIN || limit > INT32_MAX)
		return bad_levels(c, x, "D_LQUANT_LIMVAL", "has an upper end beyond 32 bits");
	if (limit < base)
		return bad_levels(c, x, "D_LQUANT_MISMATCH", "begins above its end");
	if (step < 1 || step > UINT16_MAX)
		return bad_levels(c, x, "D_LQUANT_STEPVAL", "has a step of 1 to 65535");
	if ((limit - base) / step == 0)
		return bad_levels(c, x, "D_LQUANT_STEPLARGE", "has a step wider than all of it");
	if ((limit - base) / step > LEVELS_MOST)
		return bad_levels(c, x, "D_LQUANT_STEPSMALL", "has more than 1000 steps");
	return true;
}

static void f_lquantize(struct check *c, struct ast *x)
{
	int64_t base, limit, step = 1;

	if (!want_number(c, x, 0) || !want_const(c, x, 1, "D_LQUANT_BASETYPE", &base) ||
	    !want_const(c, x, 2, "D_LQUANT_LIMTYPE", &limit) ||
	    (arg(x, 3) && !want_const(c, x, 3, "D_LQUANT_STEPTYPE", &step)) ||
	    !want_number(c, x, 4) || !lquantize_fits(c, x, base, limit, step))
		return;
	struct type *t = made(c, x, TYPE_LHIST, (uint32_t)(2 + (limit - base) / step) * 8);
	if (t) {
		t->lhist_min = base;
		t->lhist_max = limit;
		t->lhist_step = step;
	}
}

static bool llquantize_fits(struct check *c, const struct ast *x, const int64_t *n)
{
	int64_t top = 1;

	if (n[0] < 2 || n[0] > 1000)
		return bad_levels(c, x, "D_LLQUANT_FACTORVAL", "has a factor of 2 to 1000");
	if (n[1] < 0 || n[1] > 62)
		return bad_levels(c, x, "D_LLQUANT_LMAGVAL", "has a lowest power of 0 to 62");
	if (n[2] < n[1] || n[2] > 62)
		return bad_levels(c, x, "D_LLQUANT_HMAGVAL",
				  "has a highest power that is not below the lowest, up to 62");
	for (int64_t i = 0; i <= n[2]; i++)
		if (__builtin_mul_overflow(top, n[0], &top))
			return bad_levels(c, x, "D_LLQUANT_HMAGVAL", "goes beyond 64 bits");
	int64_t first = n[0];
	for (int64_t i = 0; i < n[1]; i++)
		first *= n[0];
	if (n[3] < n[0] || n[3] % n[0] || n[3] > 1000)
		return bad_levels(
			c, x, "D_LLQUANT_STEPVAL",
			"has a number of steps that is a multiple of the factor, up to 1000");
	if (first % n[3] && !(n[1] == 0 && n[3] % first == 0))
		return bad_levels(c, x, "D_LLQUANT_STEPVAL",
				  "has steps that do not divide its first range");
	if ((n[2] - n[1] + 1) * n[3] > LEVELS_MOST)
		return bad_levels(c, x, "D_LLQUANT_STEPVAL", "has more than 1000 steps");
	return true;
}

static void f_llquantize(struct check *c, struct ast *x)
{
	static const char *const tags[] = { "D_LLQUANT_FACTORTYPE", "D_LLQUANT_LMAGTYPE",
					    "D_LLQUANT_HMAGTYPE", "D_LLQUANT_STEPTYPE" };
	int64_t n[4];

	if (!want_number(c, x, 0) || !want_number(c, x, 5))
		return;
	for (unsigned i = 0; i < 4; i++)
		if (!want_const(c, x, i + 1, tags[i], &n[i]))
			return;
	if (!llquantize_fits(c, x, n))
		return;
	struct type *t = made(c, x, TYPE_LLHIST, 0);
	if (!t)
		return;
	t->ll_factor = (uint32_t)n[0];
	t->ll_low = (uint32_t)n[1];
	t->ll_high = (uint32_t)n[2];
	t->ll_steps = (uint32_t)n[3];
	t->size = llhist_len(t) * 8;
}

/* --- actions --- */

static bool is_whole_map(const struct ast *a)
{
	return a && a->kind == AST_MAP && !a->u.map.keys;
}

/* An aggregation as such: it is printed, or emptied. */
static struct map_info *take_agg(struct check *c, struct ast *a, enum func_id id)
{
	const bool live = !c->in_begin && !c->in_end;
	struct map_info *m = check_map(c, a->u.map.name);

	if (!m)
		return NULL;
	a->note = m;
	if (!m->val && !m->written)
		check_error(c, a->pos, "D_PRINTA_AGGBAD", "the aggregation '@%s' is never set",
			    m->name);
	m->whole = true;
	m->other_key = true;
	if (id == F_PRINTA)
		m->printed_live = m->printed_live || live;
	if (id == F_TRUNC) {
		m->cleared_live = m->cleared_live || live;
		m->cleared_end = m->cleared_end || c->in_end;
	}
	return m;
}

/* Keys of both are of one type, as wide as both want; false: they are not alike. */
static bool join_keys(struct check *c, struct map_info *a, struct map_info *b)
{
	const struct type *both = check_join(c, a->key, b->key);

	if (!both)
		return false;
	c->changed = c->changed || !type_same(a->key, both) || !type_same(b->key, both);
	a->key = b->key = both;
	return true;
}

/* printa("...", @a, @b): of the same keys, with a conversion for each. */
static void check_printa(struct check *c, struct ast *x)
{
	struct ast *a = x->u.call.args;
	struct map_info *first = NULL;
	const char *fmt = NULL;
	size_t len;

	if (a && !is_whole_map(a)) {
		fmt = check_text(c, a, &len);
		a = a->next;
	}
	for (struct ast *m = a; m; m = m->next) {
		struct map_info *info = is_whole_map(m) ? take_agg(c, m, F_PRINTA) : NULL;
		if (!info)
			return;
		if (first && first->key && info->key && !join_keys(c, first, info))
			check_error(c, m->pos, "D_PRINTA_AGGKEY", "'@%s' has other keys than '@%s'",
				    info->name, first->name);
		first = first ? first : info;
	}
	if (fmt && first && first->key)
		format_check_printa(c, x, fmt, first->key, a);
}

bool check_agg_action(struct check *c, struct ast *x, const struct func *f)
{
	struct ast *a = x->u.call.args;

	switch (f->id) {
	case F_PRINTA:
		x->type = &type_none;
		check_printa(c, x);
		return true;
	case F_TRUNC:
	case F_NORMALIZE:
	case F_DENORMALIZE:
		x->type = &type_none;
		if (is_whole_map(a))
			(void)take_agg(c, a, f->id);
		if (a->next && check_expr(c, a->next) && !type_is_scalar(a->next->type))
			check_error(c, a->next->pos,
				    f->id == F_TRUNC ? "D_TRUNC_SCALAR" : "D_NORMALIZE_SCALAR",
				    "%s() wants a number", f->name);
		return true;
	default: return false;
	}
}

static void f_trace(struct check *c, struct ast *x)
{
	const struct type *t = arg(x, 0)->type;

	x->type = &type_none;
	if (t && !type_is_value(t))
		check_error(c, arg(x, 0)->pos, "D_TRACE_VOID",
			    "this has no value that could be traced");
}

static void f_tracemem(struct check *c, struct ast *x)
{
	int64_t n = 0;
	bool ignored;

	x->type = &type_none;
	// An array is its address here.
	if (!check_in_memory(arg(x, 0), &ignored) || type_is_number(arg(x, 0)->type))
		(void)want_number(c, x, 0);
	(void)want_number(c, x, 2);
	if (want_const(c, x, 1, "D_TRACEMEM_SIZE", &n) && (n < 1 || n > TRACEMEM_MOST))
		check_error(c, x->pos, "D_TRACEMEM_SIZE", "tracemem() shows 1 to %d bytes",
			    TRACEMEM_MOST);
}

static void f_nothing(struct check *c, struct ast *x)
{
	(void)c;
	x->type = &type_none;
}

static void f_spec(struct check *c, struct ast *x)
{
	x->type = &type_none;
	(void)want_number(c, x, 0);
}

static void f_freopen(struct check *c, struct ast *x)
{
	size_t len;
	const char *fmt = check_text(c, arg(x, 0), &len);

	x->type = &type_none;
	if (!fmt)
		check_error(c, arg(x, 0)->pos, "D_FREOPEN_INVALID",
			    "argument 1 of freopen() must be a text between quotes");
	else
		format_check(c, x, fmt, arg(x, 0)->next);
}

/* The module or library of an address. */
static void f_module(struct check *c, struct ast *x)
{
	const bool user = ((const struct func *)x->note)->id == F_USYM;

	(void)want_number(c, x, 0);
	struct type *t =
		user ? made(c, x, TYPE_USYM, sizeof(struct usym_value)) : made(c, x, TYPE_KSYM, 8);
	if (t)
		t->is_module = true;
}

/* --- strings --- */

static const struct type *text_type(struct check *c, uint64_t size)
{
	if (size > STR_LEN_MOST)
		size = STR_LEN_MOST;
	return check_made(c, type_str(c->arena, ((uint32_t)size + 7) & ~7U));
}

static void f_stringof(struct check *c, struct ast *x)
{
	struct ast *a = arg(x, 0);
	const struct type *t = a->type;

	if (t->kind == TYPE_STR)
		x->type = t;
	else if (type_is_number(t) || (t->kind == TYPE_PROBE && a->kind == AST_NAME))
		x->type = text_type(c, c->max_strlen);
	else
		check_error(c, a->pos, "D_STRINGOF_TYPE", "this can be made no string");
}

static void f_strjoin(struct check *c, struct ast *x)
{
	if (want_str(c, x, 0) && want_str(c, x, 1))
		x->type = text_type(c, (uint64_t)arg(x, 0)->type->size + arg(x, 1)->type->size);
}

static void f_substr(struct check *c, struct ast *x)
{
	if (want_str(c, x, 0) && want_number(c, x, 1) && want_number(c, x, 2))
		x->type = text_type(c, arg(x, 0)->type->size);
}

static void f_index(struct check *c, struct ast *x)
{
	(void)(want_str(c, x, 0) && want_str(c, x, 1) && want_number(c, x, 2));
	x->type = type_shown(4, true);
}

static void f_strchr(struct check *c, struct ast *x)
{
	int64_t ch;

	if (want_str(c, x, 0) && want_const(c, x, 1, "D_PROTO_ARG", &ch))
		x->type = text_type(c, arg(x, 0)->type->size);
}

static void f_strstr(struct check *c, struct ast *x)
{
	if (want_str(c, x, 0) && want_str(c, x, 1))
		x->type = text_type(c, arg(x, 0)->type->size);
}

static void f_basename(struct check *c, struct ast *x)
{
	if (want_str(c, x, 0))
		x->type = text_type(c, arg(x, 0)->type->size);
}

static bool base_fits(struct check *c, const struct ast *x, int64_t base)
{
	if (base < 2 || base > 36)
		check_error(c, x->pos, "bad-argument", "%s() has a base of 2 to 36",
			    x->u.call.name);
	return base >= 2 && base <= 36;
}

static void f_strtoll(struct check *c, struct ast *x)
{
	int64_t base = 10;

	x->type = &type_i64;
	if (want_str(c, x, 0) && arg(x, 1) && want_const(c, x, 1, "D_PROTO_ARG", &base))
		(void)base_fits(c, x, base);
}

/* strtok("a b", " "), and strtok(NULL, " ") for what comes behind. */
static void f_strtok(struct check *c, struct ast *x)
{
	size_t len;
	int64_t null = 1;

	if (!check_const(c, arg(x, 0), &null) || null)
		(void)want_str(c, x, 0);
	if (!check_text(c, arg(x, 1), &len) || !len || len > 32)
		check_error(c, x->pos, "bad-argument",
			    "argument 2 of %s() must be a text between quotes, of up to 32 bytes",
			    x->u.call.name);
	x->type = text_type(c, c->max_strlen);
}

static void f_lltostr(struct check *c, struct ast *x)
{
	int64_t base = 10;

	if (!want_number(c, x, 0) || (arg(x, 1) && !want_const(c, x, 1, "D_PROTO_ARG", &base)))
		return;
	(void)base_fits(c, x, base);
	x->type = text_type(c, base < 8 ? 72 : 32);
}

/* --- tasks and files --- */

static void f_number(struct check *c, struct ast *x)
{
	(void)want_number(c, x, 0);
	x->type = type_shown(4, true);
}

/* What the field rwbs of a block event says: a text with a W, or LTTng's bits. */
static void f_writes(struct check *c, struct ast *x)
{
	const struct type *t = arg(x, 0)->type;

	x->type = &type_i64;
	if (t && !type_is_number(t))
		(void)(want_str(c, x, 0) && want_str(c, x, 1));
}

static void f_path(struct check *c, struct ast *x)
{
	(void)want_number(c, x, 0);
	x->type = text_type(c, c->max_strlen);
}

/* "pwd" or "root" of a task. */
static void f_task_dir(struct check *c, struct ast *x)
{
	(void)want_number(c, x, 0);
	x->type = text_type(c, c->max_strlen);
}

/* The register R_SP, R_RSP ... of D. False: this machine has none of that name. */
static bool find_register(const char *name, int *ret_off)
{
	static const char *const same[][3] = {
		{ "pc", "ip", "pc" },	     { "eip", "ip", "" },    { "fp", "bp", "x29" },
		{ "ps", "flags", "pstate" }, { "rfl", "flags", "" }, { "efl", "flags", "" },
		{ "r0", "ax", "x0" },	     { "r1", "dx", "x1" },   { "lr", "", "x30" },
	};
	char word[16];
	size_t n = strlen(name);

	if (strncmp(name, "R_", 2) != 0 || n < 3 || n - 2 >= sizeof(word))
		return false;
	for (size_t i = 0; i <= n - 2; i++)
		word[i] = (char)(name[2 + i] >= 'A' && name[2 + i] <= 'Z' ? name[2 + i] | 0x20
									  : name[2 + i]);
	for (size_t i = 0; i < MEM_LEN(same); i++)
		if (!strcmp(same[i][0], word) &&
		    (regs_find(same[i][1], ret_off) || regs_find(same[i][2], ret_off)))
			return true;
	// Of 32 bits: R_EAX; regs_find() knows "ax" and "rax".
	return regs_find(word, ret_off) || (word[0] == 'e' && regs_find(word + 1, ret_off));
}

/* A register of the program, where a probe is in it, or at its way into the kernel. */
static void f_ureg(struct check *c, struct ast *x)
{
	const struct world_ops *ops = c->world->ops;
	size_t len;
	const char *name = check_text(c, arg(x, 0), &len);
	int off;

	x->type = &type_u64;
	if (!name || !find_register(name, &off))
		check_error(c, x->pos, "D_REGS_IDX", "this machine has no register '%s'",
			    name ? name : "");
	else if (!check_is_in_program(c->point) &&
		 !(ops->has_helper && ops->has_helper(c->world, BPF_FUNC_task_pt_regs)))
		check_error(c, x->pos, "no-registers", "'%s' gives no registers", c->point->name);
	else
		x->note_n = off;
}

const struct func func_all_d[] = {
	{ "stddev", F_STDDEV, 1, 1, 1, 0, 0, f_stddev, "n", "" },
	{ "quantize", F_QUANTIZE, 1, 2, 1, 0, 0, f_quantize, "n[, weight]", "" },
	{ "lquantize", F_LQUANTIZE, 3, 5, 1, 0, 0, f_lquantize, "n, low, high[, step]", "" },
	{ "llquantize", F_LLQUANTIZE, 5, 6, 1, 0, 0, f_llquantize, "n, factor, low, high, steps",
	  "" },
	{ "trace", F_TRACE, 1, 1, 0, 1, 0, f_trace, "x", "" },
	{ "tracemem", F_TRACEMEM, 2, 3, 0, 1, 0, f_tracemem, "address, length", "" },
	{ "printa", F_PRINTA, 1, 16, 0, 1, 0, f_nothing, "[fmt, ]@x ...", "" },
	{ "trunc", F_TRUNC, 1, 2, 0, 1, 0, f_nothing, "@x[, n]", "" },
	{ "normalize", F_NORMALIZE, 2, 2, 0, 1, 0, f_nothing, "@x, n", "" },
	{ "denormalize", F_DENORMALIZE, 1, 1, 0, 1, 0, f_nothing, "@x", "" },
	{ "freopen", F_FREOPEN, 1, 64, 0, 1, 0, f_freopen, "fmt, ...", "" },
	{ "stringof", F_STRINGOF, 1, 1, 0, 0, 0, f_stringof, "x", "" },
	{ "strjoin", F_STRJOIN, 2, 2, 0, 0, 0, f_strjoin, "a, b", "" },
	{ "substr", F_SUBSTR, 2, 3, 0, 0, 0, f_substr, "s, index[, length]", "" },
	{ "index", F_INDEX, 2, 3, 0, 0, 0, f_index, "s, part[, from]", "" },
	{ "rindex", F_RINDEX, 2, 3, 0, 0, 0, f_index, "s, part[, from]", "" },
	{ "strchr", F_STRCHR, 2, 2, 0, 0, 0, f_strchr, "s, c", "" },
	{ "strrchr", F_STRRCHR, 2, 2, 0, 0, 0, f_strchr, "s, c", "" },
	{ "strstr", F_STRSTR, 2, 2, 0, 0, 0, f_strstr, "s, part", "" },
	{ "basename", F_BASENAME, 1, 1, 0, 0, 0, f_basename, "path", "" },
	{ "dirname", F_DIRNAME, 1, 1, 0, 0, 0, f_basename, "path", "" },
	{ "toupper", F_TOUPPER, 1, 1, 0, 0, 0, f_basename, "s", "" },
	{ "tolower", F_TOLOWER, 1, 1, 0, 0, 0, f_basename, "s", "" },
	{ "strtoll", F_STRTOLL, 1, 2, 0, 0, 0, f_strtoll, "s[, base]", "" },
	{ "strtok", F_STRTOK, 2, 2, 0, 0, 0, f_strtok, "s, delimiters", "" },
	{ "d_path", F_D_PATH, 1, 1, 0, 0, 0, f_path, "struct path *", "" },
	{ "lltostr", F_LLTOSTR, 1, 2, 0, 0, 0, f_lltostr, "n[, base]", "" },
	{ "progenyof", F_PROGENYOF, 1, 1, 0, 0, 0, f_number, "pid", "" },
	{ "kmodule", F_KSYM, 1, 1, 0, 0, 0, f_module, "address", "" },
	{ "umodule", F_USYM, 1, 1, 0, 0, 0, f_module, "address", "" },
	{ "rwbs_writes", F_RWBS_WRITES, 2, 2, 0, 0, 0, f_writes, "rwbs, \"W\"", "" },
	{ "psargs", F_PSARGS, 1, 1, 0, 0, 0, f_path, "task", "" },
	{ "file_path", F_FILE_PATH, 1, 1, 0, 0, 0, f_path, "struct file *", "" },
	{ "task_cpu", F_TASK_CPU, 1, 1, 0, 0, 0, f_number, "task", "" },
	{ "task_pid", F_TASK_PID, 1, 1, 0, 0, 0, f_number, "task", "" },
	{ "task_tid", F_TASK_TID, 1, 1, 0, 0, 0, f_number, "task", "" },
	{ "file_mount", F_FILE_MOUNT, 1, 1, 0, 0, 0, f_path, "struct file *", "" },
	{ "task_dir", F_TASK_DIR, 2, 2, 0, 0, 0, f_task_dir, "task, \"pwd\"", "" },
	{ "ureg", F_UREG, 1, 1, 0, 0, 0, f_ureg, "\"R_SP\"", "" },
	{ "speculation", F_SPECULATION, 0, 0, 0, 0, 0, f_number, "", "" },
	{ "speculate", F_SPECULATE, 1, 1, 0, 1, 0, f_spec, "id", "" },
	{ "commit", F_COMMIT, 1, 1, 0, 1, 0, f_spec, "id", "" },
	{ "discard", F_DISCARD, 1, 1, 0, 1, 0, f_spec, "id", "" },
	{ 0 },
};
