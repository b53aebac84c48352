/* SPDX-License-Identifier: MIT */
/** Where the arguments of a function are when it is entered: by the calling convention. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "lang/live/places.h"

/* How a function's arguments come. Numbers of the context: one behind the other. Registers: by the
 * calling convention of x86-64 (System V ABI, 3.2.3), the others of which are on the stack. */
enum { REGISTERS = 6, FLOAT_REGISTERS = 8 };

struct arg_slots {
	uint32_t next, floats, stack; /* the next of each */
	bool typed, is_cpp;
};

static bool is_whole(const struct ctype *t)
{
	return t->kind == CT_STRUCT || t->kind == CT_UNION;
}

static bool is_float(const struct ctype *t)
{
	return t->kind == CT_FLOAT;
}

/* What the stack aligns to 16 bytes: long double, __int128. */
static bool is_wide(const struct ctype *t)
{
	return t->size > 8 && !is_whole(t) && t->kind != CT_ARRAY;
}

/* Whether something inside of @t is so; nor is it known of what is nested too deep. */
static bool holds(const struct ctype *t, bool (*is)(const struct ctype *t), unsigned depth)
{
	enum { DEPTH_MOST = 16 };
	size_t n = 0;
	const struct cmember *m = is_whole(t) ? ctype_members(t, &n) : NULL;

	if (depth > DEPTH_MOST)
		return true;
	if (t->kind == CT_ARRAY)
		return t->n && holds(ctype_elem(t), is, depth + 1);
	for (size_t i = 0; i < n; i++)
		if (holds(m[i].type, is, depth + 1))
			return true;
	return is(t);
}

/* In words on the stack; false: it is not known where. */
static bool on_stack(struct arg_slots *s, const struct ctype *t, uint32_t *ret_off)
{
	enum { STACK_ARGS_MOST = 4096 };
	bool known = t->size <= STACK_ARGS_MOST && s->stack <= STACK_ARGS_MOST;

#if !defined(__x86_64__)
	known = false;
#endif
	if (!known || holds(t, is_wide, 0))
		return false;
	*ret_off = REGISTERS + s->stack;
	s->stack += ((uint32_t)t->size + 7) / 8;
	return true;
}

/* Takes the place of one argument. *@ret_off: which number, or REGISTERS and the word on the stack;
 * -1: no script can read it. False: nothing is known from here on. */
static bool take_slot(struct arg_slots *s, const struct ctype *t, int64_t *ret_off)
{
	const uint32_t words = (uint32_t)((t->size + 7) / 8);
	uint32_t off = s->next;

	*ret_off = -1;
	if (!t->size || (s->typed && t->size > 16))
		return false;
	if (s->typed) {
		s->next += words;
		*ret_off = off;
		return true;
	}
	// C++ hands over some of its objects by their address, and which ones is not written down.
	if (is_whole(t) ? s->is_cpp || (t->size <= 16 && holds(t, is_float, 0)) : t->size > 8)
		return false;
	if (t->kind == CT_FLOAT && s->floats < FLOAT_REGISTERS) {
		s->floats++;
		return true;
	}
	if (t->kind == CT_FLOAT || t->size > 16 || s->next + words > REGISTERS) {
		if (!on_stack(s, t, &off))
			return false;
	} else {
		s->next += words;
	}
	// The words of a struct in registers do not lie side by side in the context.
	if (t->kind != CT_FLOAT && (words == 1 || off >= REGISTERS))
		*ret_off = off;
	return true;
}

/* What is returned in memory has its address in the first register. False: this is not known. */
static bool take_result(struct arg_slots *s, const struct ctype *t)
{
	if (s->typed || !t || !is_whole(t))
		return true;
	s->next = t->size > 16;
	return s->next || !s->is_cpp;
}

int lookup_named_args(struct lookup *l, const struct ctype *proto, const char *symbol,
		      struct probe *p)
{
	struct arg_slots slots = {
		.typed = p->args == ARGS_TYPED,
		.is_cpp = symbol && !strncmp(symbol, "_Z", 2),
	};
	size_t n = 0, n_fields = 0;
	const struct cmember *m = ctype_members(proto, &n);
	struct probe_field *fields = arena_array(l->arena, n, sizeof(*fields));
	int64_t off = -1;

	p->proto = proto;
	if (!fields)
		return n ? -ENOMEM : 0;
	if (!take_result(&slots, ctype_elem(proto)))
		return 0;
	for (size_t i = 0; i < n && take_slot(&slots, m[i].type, &off); i++) {
		if (*m[i].name && off >= 0) {
			fields[n_fields++] = (struct probe_field){
				.name = m[i].name,
				.type = m[i].type,
				.off = (uint32_t)off,
				.len = (uint32_t)m[i].type->size,
				.is_signed = m[i].type->is_signed,
			};
		}
	}
	p->fields = fields;
	p->n_fields = n_fields;
	return 0;
}
