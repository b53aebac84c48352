/* SPDX-License-Identifier: MIT */
/** C types in a script: which type a name means, the script's own structs, values of C types. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/check/check.h"

enum { RECORD_MOST = 1 << 16, DIMS_MOST_BYTES = 1 << 20, NEST_MOST = 64 };

const struct type *check_of_c(struct check *c, const struct ctype *ct, bool is_user)
{
	struct type *t;

	switch (ct->kind) {
	case CT_INT:
		if (ct->size == 1 || ct->size == 2 || ct->size == 4 || ct->size == 8)
			return type_int((unsigned)ct->size, ct->is_signed);
		break;
	case CT_ENUM: {
		const unsigned size =
			ct->size == 1 || ct->size == 2 || ct->size == 8 ? (unsigned)ct->size : 4;
		t = type_new(c->arena, TYPE_INT, size, size);
		if (t) {
			t->is_signed = ct->is_signed;
			t->c = ct;
		}
		return check_made(c, t);
	}
	case CT_PTR:
		t = type_new(c->arena, TYPE_PTR, 8, 8);
		if (t) {
			t->c = ctype_elem(ct);
			t->is_user = is_user || ct->is_user;
		}
		return check_made(c, t);
	case CT_ARRAY: {
		const struct ctype *elem = ctype_elem(ct);
		if (elem->kind == CT_INT && elem->is_char && ct->n < RECORD_MOST) {
			// An open end, as of struct dirent's name: up to its 0 byte.
			t = type_str(c->arena, ct->n ? (uint32_t)ct->n : (c->max_strlen + 7) & ~7U);
			if (t)
				t->is_user = is_user;
			return check_made(c, t);
		}
		const struct type *e = check_of_c(c, elem, is_user);
		t = type_new(c->arena, TYPE_ARRAY, (uint32_t)(ct->size < UINT32_MAX ? ct->size : 0),
			     8);
		if (t) {
			t->c = ct;
			t->elem = e;
			t->n = (uint32_t)(ct->n < UINT32_MAX ? ct->n : 0);
			t->is_user = is_user;
		}
		return e ? check_made(c, t) : NULL;
	}
	case CT_STRUCT:
	case CT_UNION:
		t = type_new(c->arena, TYPE_RECORD,
			     (uint32_t)(ct->size < UINT32_MAX ? ct->size : 0), 8);
		if (t) {
			t->c = ct;
			t->is_user = is_user;
		}
		return check_made(c, t);
	default: break;
	}
	return &type_u64;
}

static const struct own_type *find_own(const struct check *c, const struct ctype *t)
{
	for (size_t i = 0; i < c->n_own; i++)
		if (c->own[i].type == t)
			return &c->own[i];
	return NULL;
}

static uint64_t align_of(const struct check *c, const struct ctype *t)
{
	const struct own_type *own;
	uint64_t most = 1;
	size_t n;

	switch (t->kind) {
	case CT_ARRAY: return align_of(c, ctype_elem(t));
	case CT_STRUCT:
	case CT_UNION: {
		own = find_own(c, t);
		if (own)
			return own->align;
		const struct cmember *m = ctype_members(t, &n);
		for (size_t i = 0; i < n; i++) {
			const uint64_t a = align_of(c, m[i].type);
			most = a > most ? a : most;
		}
		return most;
	}
	default: return t->size == 1 || t->size == 2 || t->size == 4 ? t->size : 8;
	}
}

/* Whether values of @t can lie in a struct: not those of the struct itself. */
static bool is_ready(const struct check *c, const struct ctype *t)
{
	while (t->kind == CT_ARRAY)
		t = ctype_elem(t);
	const struct own_type *own =
		t->kind == CT_STRUCT || t->kind == CT_UNION ? find_own(c, t) : NULL;
	return !own || own->ready;
}

static const struct ctype *lay_out(struct check *c, const struct ast_def *d);
static const struct ctype *field_type(struct check *c, const struct ast_field *f);

/* A field's place behind @bits; returns the bits up to its end. */
static uint64_t place_field(const struct check *c, const struct ast_def *d,
			    const struct ast_field *f, struct cmember *m, uint64_t bits)
{
	const uint64_t size = m->type->size * 8;
	const uint64_t align = d->packed ? 8 : align_of(c, m->type) * 8;

	if (d->kind == AST_DEF_UNION)
		bits = 0;
	if (!*f->name && !f->def) { // padding; 0 bits: up to the next unit
		m->bit_off = bits;
		m->bit_size = f->bits ? f->bits : 1;
		return f->bits || !size ? bits + f->bits : (bits + size - 1) / size * size;
	}
	if (!*f->name && !f->def && !f->bits) { // "int : 0" ends a unit
		m->bit_off = bits;
		return size ? (bits + size - 1) / size * size : bits;
	}
	if (f->bits) {
		// A bit field does not cross the borders of its type, unless it is packed.
		if (!d->packed && bits / size != (bits + f->bits - 1) / size)
			bits = (bits + size - 1) / size * size;
		m->bit_size = f->bits;
		m->bit_off = bits;
		return bits + f->bits;
	}
	bits = (bits + align - 1) / align * align;
	m->bit_off = bits;
	return bits + size;
}

/* As C chooses: unsigned int where that holds all values, else int, else 8 bytes. */
static void choose_enum(struct ctype *ct, const struct ast_def *d)
{
	int64_t least = 0, most = 0;

	for (const struct ast_field *f = d->fields; f; f = f->next) {
		least = f->value < least ? f->value : least;
		most = f->value > most ? f->value : most;
	}
	ct->is_signed = least < 0;
	const bool fits = least < 0 ? least >= INT32_MIN && most <= INT32_MAX : most <= UINT32_MAX;
	ct->size = fits ? 4 : 8;
}

static bool lay_out_fields(struct check *c, const struct ast_def *d, struct ctype *ct,
			   uint64_t *ret_align)
{
	size_t n = 0;

	for (const struct ast_field *f = d->fields; f; f = f->next)
		n++;
	struct cmember *m = arena_array(c->arena, n ? n : 1, sizeof(*m));
	if (!m) {
		c->no_memory = true;
		return false;
	}
	uint64_t bits = 0, most = 0, align = 1, i = 0;
	for (const struct ast_field *f = d->fields; f; f = f->next, i++) {
		m[i].name = f->name;
		m[i].value = f->value;
		m[i].type = field_type(c, f);
		if (d->kind == AST_DEF_ENUM)
			continue;
		if (!m[i].type || !is_ready(c, m[i].type))
			return false;
		if (f->bits > m[i].type->size * 8) {
			check_error(c, f->pos, "bad-struct", "'%s' has more bits than its type",
				    f->name);
			return false;
		}
		bits = place_field(c, d, f, &m[i], bits);
		most = bits > most ? bits : most;
		const uint64_t own = d->packed ? 1 : align_of(c, m[i].type);
		align = own > align ? own : align;
		if (most > 8ULL * RECORD_MOST * 16)
			return false;
	}
	ct->members = m;
	ct->n_members = n;
	ct->done = true;
	if (d->kind == AST_DEF_ENUM)
		choose_enum(ct, d);
	else
		ct->size = ((most + 7) / 8 + align - 1) / align * align;
	*ret_align = align;
	return true;
}

/* The script's own type @d, laid out once; a pointer to itself inside finds it too. */
static const struct ctype *lay_out(struct check *c, const struct ast_def *d)
{
	for (size_t i = 0; i < c->n_own; i++)
		if (c->own[i].def == d)
			return c->own[i].type;
	if (mem_grow(&c->own, &c->cap_own, c->n_own + 1) < 0) {
		c->no_memory = true;
		return NULL;
	}
	const enum ctype_kind kind = d->kind == AST_DEF_UNION  ? CT_UNION
				     : d->kind == AST_DEF_ENUM ? CT_ENUM
							       : CT_STRUCT;
	struct ctype *ct = ctype_new(c->arena, kind, d->name, kind == CT_ENUM ? 4 : 0);
	if (!ct) {
		c->no_memory = true;
		return NULL;
	}
	ct->done = true;
	const size_t at = c->n_own++;
	c->own[at] = (struct own_type){ .def = d, .type = ct, .align = 1 };
	uint64_t align = 1;
	// This is done once, so that its mistakes are to be told now.
	const bool quiet = c->quiet;
	const unsigned errors = c->diag->n_errors;
	c->quiet = false;
	if (!lay_out_fields(c, d, ct, &align) && c->diag->n_errors == errors)
		check_error(c, d->pos, "bad-struct",
			    "'%s' cannot be laid out: it is too large, or holds itself", d->name);
	c->quiet = quiet;
	c->own[at].align = align;
	c->own[at].ready = true;
	return ct;
}

/* Whether the script defines @name; *@ret is NULL where that was wrong, and told. */
static bool own_def(struct check *c, const char *name, const struct ctype **ret)
{
	static const char *const tags[] = {
		[AST_DEF_STRUCT] = "struct ", [AST_DEF_UNION] = "union ", [AST_DEF_ENUM] = "enum "
	};

	for (const struct ast_def *d = c->ast->defs; d; d = d->next) {
		if (d->kind == AST_DEF_TYPEDEF) {
			if (strcmp(d->name, name) != 0 || !d->fields)
				continue;
			*ret = field_type(c, d->fields);
			return true;
		}
		const char *tag = tags[d->kind];
		const size_t len = strlen(tag);
		if (!strcmp(d->name, strncmp(name, tag, len) == 0 ? name + len : name)) {
			*ret = lay_out(c, d);
			return true;
		}
	}
	return false;
}

static bool find_elsewhere(struct check *c, const char *name, const struct ctype **ret)
{
	struct ctypes *const dbs[] = { c->point ? c->point->types : NULL, check_kernel_types(c) };

	for (size_t i = 0; i < MEM_LEN(dbs); i++) {
		const int r = dbs[i] ? ctypes_find(dbs[i], name, ret) : -ENOENT;
		if (r == 0)
			return true;
		c->no_memory = c->no_memory || r == -ENOMEM;
	}
	return false;
}

bool check_find_ctype(struct check *c, const char *name, const struct ctype **ret)
{
	const struct ctype *ct = NULL;

	if (!own_def(c, name, &ct))
		return find_elsewhere(c, name, ret);
	if (ct)
		*ret = ct;
	return ct != NULL;
}

static const struct ctype *base_name(struct check *c, const struct ast_type *t)
{
	const struct ctype *ct;
	char alt[160];

	// The language's own numbers: int8, uint64 ...
	if ((!strncmp(t->name, "int", 3) || !strncmp(t->name, "uint", 4)) &&
	    snprintf(alt, sizeof(alt), "%s_t", t->name) < (int)sizeof(alt)) {
		ct = ctype_basic(alt);
		if (ct)
			return ct;
	}

	if (own_def(c, t->name, &ct))
		return ct;
	ct = ctype_basic(t->name);
	if (ct)
		return ct;
	if (find_elsewhere(c, t->name, &ct))
		return ct;
	// (task_struct *)x means the struct, where there is no such typedef.
	if (!strchr(t->name, ' ') &&
	    snprintf(alt, sizeof(alt), "struct %s", t->name) < (int)sizeof(alt) &&
	    find_elsewhere(c, alt, &ct))
		return ct;
	const bool has_types = check_kernel_types(c) != NULL;
	const bool is_live = strcmp(c->world->name, "recorded") != 0;
	check_error(c, t->pos, "unknown-type", "unknown type '%s'%s%s", t->name,
		    has_types ? "" : "; ",
		    has_types ? ""
		    : is_live ? "this kernel has no type information (BTF)"
			      : c->types_why);
	return NULL;
}

/* Stars and dimensions of a type that is known but for them. */
static const struct ctype *derived(struct check *c, const struct ctype *ct,
				   const struct ast_type *t)
{
	for (unsigned i = 0; ct && i < t->n_ptrs; i++)
		ct = ctype_ptr(c->arena, ct);
	for (unsigned i = t->n_dims; ct && i > 0; i--) {
		if (ct->size && t->dims[i - 1] > DIMS_MOST_BYTES / ct->size) {
			check_error(c, t->pos, "too-large", "an array of more than %d bytes",
				    DIMS_MOST_BYTES);
			return NULL;
		}
		ct = ctype_array(c->arena, ct, t->dims[i - 1]);
	}
	return ct;
}

const struct ctype *check_ctype_name(struct check *c, const struct ast_type *t)
{
	if (c->type_nest >= NEST_MOST) {
		check_error(c, t->pos, "too-deep", "more than %d types within each other",
			    NEST_MOST);
		return NULL;
	}
	c->type_nest++;
	const struct ctype *ct = derived(c, base_name(c, t), t);
	c->type_nest--;
	return ct;
}

static const struct ctype *field_type(struct check *c, const struct ast_field *f)
{
	const struct ctype *ct = f->def ? lay_out(c, f->def) : NULL;

	if (!f->type)
		return ct;
	return f->def ? derived(c, ct, f->type) : check_ctype_name(c, f->type);
}

const struct type *check_type_name(struct check *c, const struct ast_type *t, bool is_user)
{
	if (!strcmp(t->name, "string") && !t->n_ptrs) {
		const uint64_t n = t->n_dims ? t->dims[0] : c->max_strlen;
		if (n < 1 || n > STR_LEN_MOST) {
			check_error(c, t->pos, "bad-size", "a string has 1 to %d bytes",
				    STR_LEN_MOST);
			return NULL;
		}
		return check_made(c, type_str(c->arena, (uint32_t)n));
	}
	const struct ctype *ct = check_ctype_name(c, t);
	return ct ? check_of_c(c, ct, is_user) : NULL;
}
