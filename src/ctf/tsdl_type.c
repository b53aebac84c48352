/* SPDX-License-Identifier: MIT */
/** Builds types at their places: names looked up, arrays, structures, variants, enumerations. */
#include "ctf/tsdl_type.h"

#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "ctf/tsdl_parse.h"
#include "ctf/tsdl_scalar.h"
#include "model/bits.h"

/** What is to be built: a written type, with what is left of its dimensions. */
struct written {
	struct ast_type *type;
	unsigned n_pointers;
	const struct ast_dim *dims;
	const struct ast_expr *tag; /* given where a variant is used; or NULL */
};

static int build_into(struct build *b, const struct place *place, const struct written *w,
		      struct sonde_type *ret);

static int build_new(struct build *b, const struct place *place, const struct written *w,
		     struct sonde_type **ret)
{
	const struct place deeper = { place->scope, place->limit, place->depth + 1 };

	if (deeper.depth > TSDL_DEPTH_MAX)
		return tsdl_error(&b->x->text, w->type->pos, "types nest more than %d deep",
				  TSDL_DEPTH_MAX);
	if (b->n_types == TSDL_TYPES_MAX)
		return tsdl_error(&b->x->text, w->type->pos,
				  "the trace has more than %d field types", TSDL_TYPES_MAX);
	b->n_types++;
	struct sonde_type *t = arena_new(b->arena, struct sonde_type);
	if (!t)
		return -ENOMEM;
	int r = build_into(b, &deeper, w, t);
	if (r == 0)
		*ret = t;
	return r;
}

static int unknown_name(struct build *b, const struct ast_type *t, const char *name,
			enum name_kind kind)
{
	static const char *const words[] = {
		[NAME_ALIAS] = "type",
		[NAME_STRUCT] = "struct",
		[NAME_VARIANT] = "variant",
		[NAME_ENUM] = "enum",
	};
	const char *near = names_near(&b->names, kind, name);

	return tsdl_error(&b->x->text, t->pos, "no %s '%s' is declared before this%s%s%s",
			  words[kind], name, near ? "; did you mean '" : "", near ? near : "",
			  near ? "'?" : "");
}

/** The alias's name with its pointers, as typealias declares it. */
static const char *pointer_name(struct build *b, const char *name, unsigned n)
{
	char text[1200];
	size_t len = strlen(name);

	if (!n)
		return name;
	if (len + 2 * (size_t)n > sizeof(text))
		return name;
	memcpy(text, name, len);
	for (unsigned i = 0; i < n; i++, len += 2)
		memcpy(text + len, " *", 2);
	return lex_word(b->x, text, len);
}

static int build_alias(struct build *b, const struct place *place, const struct written *w,
		       struct sonde_type *ret)
{
	const char *name = pointer_name(b, w->type->name, w->n_pointers);
	const char *bare = pointer_name(b, w->type->bare, w->n_pointers);
	if (!name || !bare)
		return -ENOMEM;

	const struct named_type *found = names_find(&b->names, place, NAME_ALIAS, name);
	if (!found && bare != name)
		found = names_find(&b->names, place, NAME_ALIAS, bare);
	if (!found)
		return unknown_name(b, w->type, name, NAME_ALIAS);

	const struct ast_declarator *d = found->declarator;
	const struct written inner = { found->type, d ? d->n_pointers : 0, d ? d->dims : NULL,
				       w->tag };
	const struct place at = { found->place.scope, found->place.limit, place->depth + 1 };
	if (at.depth > TSDL_DEPTH_MAX)
		return tsdl_error(&b->x->text, w->type->pos, "types nest more than %d deep",
				  TSDL_DEPTH_MAX);
	int r = build_into(b, &at, &inner, ret);
	if (r == 0 && w->n_pointers && ret->kind == SONDE_INT)
		ret->u.integer.base = 16;
	return r;
}

static bool is_text(const struct sonde_type *elem)
{
	return elem->kind == SONDE_INT && elem->u.integer.len == 8 && elem->align == 8 &&
	       elem->u.integer.encoding != SONDE_ENC_NONE;
}

/** Bits of @n elements, or -1; an element's end is padded to the next one's begin. */
static int array_len(struct build *b, const struct ast_expr *at, const struct sonde_type *elem,
		     uint64_t n, int64_t *ret)
{
	*ret = -1;
	if (elem->fixed_len < 0)
		return 0;
	if (!n) {
		*ret = 0;
		return 0;
	}
	const uint64_t stride = bits_align((uint64_t)elem->fixed_len, elem->align);
	uint64_t len;

	if (__builtin_mul_overflow(stride, n - 1, &len) ||
	    __builtin_add_overflow(len, (uint64_t)elem->fixed_len, &len) || len > TSDL_BITS_MAX)
		return tsdl_error(&b->x->text, at->pos, "array of %llu elements is too long",
				  (unsigned long long)n);
	*ret = (int64_t)len;
	return 0;
}

/** `[env.NAME]`: a number that the whole trace shares. */
static int env_len(struct build *b, const struct ast_expr *e, uint64_t *ret)
{
	const struct sonde_env *env = NULL;
	const char *name = e->str + strlen("env.");

	name = lex_word(b->x, name, strlen(name));
	if (!name)
		return -ENOMEM;
	for (size_t i = 0; !env && i < b->trace->n_env; i++)
		env = b->trace->env[i].name == name ? &b->trace->env[i] : NULL;
	b->work += b->trace->n_env;
	if (!env)
		return tsdl_error(&b->x->text, e->pos, "no '%s' in the environment", name);
	if (env->str || env->num < 0)
		return tsdl_error(&b->x->text, e->pos, "length '%s' is no unsigned integer",
				  e->str);
	*ret = (uint64_t)env->num;
	return 0;
}

/** The length of an array, or what holds that of a sequence. */
static int set_len(struct build *b, const struct ast_expr *e, struct sonde_type *ret)
{
	struct ref ref = { 0 };

	ret->kind = SONDE_ARRAY;
	if (e->kind == AST_INT_VALUE && !(e->negative && e->num)) {
		ret->u.array.n = e->num;
		return 0;
	}
	if (e->kind != AST_PATH)
		return tsdl_error(&b->x->text, e->pos, "length wants an integer or a field's name");
	if (e->n_words > 1 && !strcmp(e->words[0], "env"))
		return env_len(b, e, &ret->u.array.n);

	ret->kind = SONDE_SEQUENCE;
	int r = ref_find(b, e, "the length", &ref);
	if (r < 0)
		return r;
	if ((ref.type->kind != SONDE_INT && ref.type->kind != SONDE_ENUM) ||
	    ref.type->u.integer.is_signed)
		return tsdl_error(&b->x->text, e->pos, "length '%s' is no unsigned integer",
				  e->str);
	return ref_bind(b, e, &ref, &ret->ref);
}

static int build_array(struct build *b, const struct place *place, const struct written *w,
		       struct sonde_type *ret)
{
	const struct ast_expr *e = &w->dims->len;
	const struct written inner = { w->type, w->n_pointers, w->dims->next, w->tag };
	struct sonde_type *elem = NULL;

	int r = set_len(b, e, ret);
	if (r == 0)
		r = build_new(b, place, &inner, &elem);
	if (r < 0 || !elem)
		return r;
	ret->align = elem->align;
	ret->u.array.elem = elem;
	ret->u.array.is_text = is_text(elem);
	ret->fixed_len = -1;
	if (ret->kind == SONDE_SEQUENCE)
		return 0;
	// Empty elements take no bytes, yet each would have to be walked.
	if (ret->u.array.n > TSDL_BITS_MAX)
		return tsdl_error(&b->x->text, e->pos, "array is too long");
	return array_len(b, e, elem, ret->u.array.n, &ret->fixed_len);
}

/** Fails at the second of two members of one name. */
static int check_twice(struct build *b, const struct ast_item *items, size_t n)
{
	enum { SLOTS = 4 * TSDL_MEMBERS_MAX }; // a power of two, never more than a quarter full
	_Static_assert((SLOTS & (SLOTS - 1)) == 0, "mask");
	size_t cap = 16;
	while (cap < 4 * n && cap < SLOTS)
		cap *= 2;
	const char **seen = arena_array(b->x->scratch, cap, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	for (const struct ast_item *it = items; it; it = it->next) {
		for (const struct ast_declarator *d = it->declarators; it->kind == AST_FIELD && d;
		     d = d->next) {
			size_t i = ((uintptr_t)d->name >> 4) & (cap - 1);

			for (; seen[i] && seen[i] != d->name; i = (i + 1) & (cap - 1))
				;
			if (seen[i])
				return tsdl_error(&b->x->text, d->pos, "a second '%s'", d->name);
			seen[i] = d->name;
		}
	}
	return 0;
}

static int count_members(struct build *b, struct ast_type *t, size_t *ret)
{
	size_t n = 0;

	for (const struct ast_item *it = t->items; it; it = it->next) {
		for (const struct ast_declarator *d = it->declarators; it->kind == AST_FIELD && d;
		     d = d->next) {
			if (++n > TSDL_MEMBERS_MAX)
				return tsdl_error(&b->x->text, d->pos, "more than %d members",
						  TSDL_MEMBERS_MAX);
		}
	}
	*ret = n;
	if (t->checked)
		return 0;
	t->checked = true;
	return check_twice(b, t->items, n);
}

/** Builds members one after the other into @members; each may refer to those before. */
static int build_members(struct build *b, const struct place *outer, struct ast_type *t,
			 struct sonde_member *members, size_t *n)
{
	const struct place place = { scope_new(&b->names, outer), UINT32_MAX, outer->depth };
	if (!place.scope)
		return -ENOMEM;

	for (const struct ast_item *it = t->items; it; it = it->next) {
		for (const struct ast_declarator *d = it->declarators; it->kind == AST_FIELD && d;
		     d = d->next) {
			struct sonde_type *type = NULL;
			int r = type_build(b, &place, it->type, d, &type);

			if (r < 0)
				return r;
			members[*n] = (struct sonde_member){
				.name = d->name,
				.shown = d->name + (*d->name == '_'),
				.type = type,
			};
			++*n;
		}
		int r = type_declare(b, &place, it);
		if (r < 0)
			return r;
	}
	return 0;
}

static int struct_layout(struct build *b, const struct ast_type *t, struct sonde_type *ret)
{
	uint64_t at = 0;
	bool fixed = true;

	for (size_t i = 0; i < ret->u.structure.n_members; i++) {
		const struct sonde_type *m = ret->u.structure.members[i].type;

		if (m->align > ret->align)
			ret->align = m->align;
		fixed = fixed && m->fixed_len >= 0;
		if (fixed)
			at = bits_align(at, m->align) + (uint64_t)m->fixed_len;
		if (at > TSDL_BITS_MAX)
			return tsdl_error(&b->x->text, t->pos, "structure is too long");
	}
	ret->fixed_len = fixed ? (int64_t)at : -1;
	return 0;
}

static int build_struct(struct build *b, const struct place *place, struct ast_type *t,
			struct sonde_type *ret)
{
	size_t n = 0;
	int r = count_members(b, t, &n);
	if (r < 0)
		return r;

	struct sonde_member *members = arena_array(b->arena, n, sizeof(*members));
	if (!members)
		return -ENOMEM;
	ret->kind = SONDE_STRUCT;
	ret->align = 1;
	ret->u.structure.members = members;
	if (t->has_align) {
		if (t->align.kind != AST_INT_VALUE || t->align.negative)
			return tsdl_error(&b->x->text, t->align.pos, "align wants an integer");
		r = align_check(b, &t->align, t->align.num, &ret->align);
		if (r < 0)
			return r;
	}

	const struct open_struct open = { b->open, ret };
	b->open = &open;
	r = build_members(b, place, t, members, &ret->u.structure.n_members);
	b->open = open.outer;
	return r < 0 ? r : struct_layout(b, t, ret);
}

static int compare_options(const void *a, const void *b)
{
	const struct sonde_member *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/** The option called @label, behind a '_' where @escaped; or NULL. */
static const struct sonde_member *option_named(const struct sonde_member *const *sorted, size_t n,
					       const char *label, bool escaped)
{
	size_t lo = 0;

	while (lo < n) {
		const size_t mid = lo + (n - lo) / 2;
		const char *name = sorted[mid]->name;
		int order = escaped ? *name - '_' : 0;

		if (!order)
			order = strcmp(name + escaped, label);
		if (!order)
			return sorted[mid];
		if (order < 0)
			lo = mid + 1;
		else
			n = mid;
	}
	return NULL;
}

/**
 * The option called @label, else one that differs by a leading '_' only, or NULL. @sorted is by
 * compare_options().
 */
static const struct sonde_member *option_find(const struct sonde_member *const *sorted, size_t n,
					      const char *label)
{
	const struct sonde_member *found = option_named(sorted, n, label, /* escaped= */ false);

	if (!found)
		found = option_named(sorted, n, label, /* escaped= */ true);
	if (!found && *label == '_')
		found = option_named(sorted, n, label + 1, /* escaped= */ false);
	return found;
}

/** Ranges of the tag's labels into choices of options. */
static int set_choices(struct build *b, const struct sonde_type *tag, struct sonde_type *ret)
{
	const struct sonde_member *options = ret->u.variant.options;
	const size_t n = ret->u.variant.n_options, n_maps = tag->u.enumeration.n_maps;
	const struct sonde_member **sorted = arena_array(b->x->scratch, n, sizeof(*sorted));
	struct sonde_choice *choices = arena_array(b->arena, n_maps, sizeof(*choices));

	if (!sorted || !choices)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &options[i];
	qsort(sorted, n, sizeof(*sorted), compare_options);
	for (size_t i = 0; i < n_maps; i++) {
		const struct sonde_mapping *m = &tag->u.enumeration.maps[i];
		const struct sonde_member *option = option_find(sorted, n, m->label);

		if (option)
			choices[ret->u.variant.n_choices++] =
				(struct sonde_choice){ m->lo, m->hi, (uint32_t)(option - options) };
	}
	ret->u.variant.choices = choices;
	ret->u.variant.tag_signed = tag->u.integer.is_signed;
	return 0;
}

static int build_variant(struct build *b, const struct place *place, struct ast_type *t,
			 const struct ast_expr *tag, struct sonde_type *ret)
{
	struct ref ref = { 0 };
	size_t n = 0;

	ret->kind = SONDE_VARIANT;
	ret->align = 1; // it is the chosen option that is aligned
	ret->fixed_len = -1;
	if (!tag && !t->has_tag)
		return tsdl_error(&b->x->text, t->pos, "variant without a '<tag>'");
	tag = tag ? tag : &t->tag;
	int r = ref_find(b, tag, "the tag", &ref);
	if (r == 0 && ref.type->kind != SONDE_ENUM)
		return tsdl_error(&b->x->text, tag->pos, "tag '%s' is no enumeration", tag->str);
	if (r == 0)
		r = ref_bind(b, tag, &ref, &ret->ref);
	if (r == 0)
		r = count_members(b, t, &n);
	if (r < 0)
		return r;

	struct sonde_member *options = arena_array(b->arena, n, sizeof(*options));
	if (!options)
		return -ENOMEM;
	ret->u.variant.options = options;
	r = build_members(b, place, t, options, &ret->u.variant.n_options);
	return r < 0 ? r : set_choices(b, ref.type, ret);
}

static int enum_value(struct build *b, const struct ast_expr *e, uint64_t *ret)
{
	if (e->kind != AST_INT_VALUE)
		return tsdl_error(&b->x->text, e->pos, "label's value wants an integer");
	*ret = e->negative ? 0 - e->num : e->num;
	return 0;
}

static int enum_ranges(struct build *b, struct ast_type *t, bool is_signed)
{
	uint64_t next = 0;
	size_t n = 0;

	for (const struct ast_enumerator *e = t->enumerators; e; e = e->next)
		n++;
	struct sonde_mapping *maps = arena_array(b->arena, n, sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	n = 0;
	for (const struct ast_enumerator *e = t->enumerators; e; e = e->next, n++) {
		struct sonde_mapping *m = &maps[n];
		int r = 0;

		m->label = e->label;
		m->lo = next;
		if (e->has_lo)
			r = enum_value(b, &e->lo, &m->lo);
		m->hi = m->lo;
		if (r == 0 && e->has_hi)
			r = enum_value(b, &e->hi, &m->hi);
		if (r < 0)
			return r;
		if (is_signed ? (int64_t)m->lo > (int64_t)m->hi : m->lo > m->hi)
			return tsdl_error(&b->x->text, e->pos,
					  "range of '%s' ends before it begins", e->label);
		next = m->hi + 1;
	}
	t->maps = maps;
	t->n_maps = n;
	return 0;
}

static int build_enum(struct build *b, const struct place *place, struct ast_type *t,
		      struct sonde_type *ret)
{
	struct ast_type plain_int = { .kind = AST_NAMED, .pos = t->pos };
	const struct written container = { t->container ? t->container : &plain_int, 0, NULL,
					   NULL };

	if (!t->container) {
		plain_int.name = plain_int.bare = lex_word(b->x, "int", 3);
		if (!plain_int.name)
			return -ENOMEM;
	}
	const struct place deeper = { place->scope, place->limit, place->depth + 1 };
	if (deeper.depth > TSDL_DEPTH_MAX)
		return tsdl_error(&b->x->text, t->pos, "types nest more than %d deep",
				  TSDL_DEPTH_MAX);
	int r = build_into(b, &deeper, &container, ret);
	if (r < 0)
		return r;
	if (ret->kind != SONDE_INT)
		return tsdl_error(&b->x->text, container.type->pos,
				  "an enumeration's container must be an integer");
	ret->kind = SONDE_ENUM;
	if (!t->maps)
		r = enum_ranges(b, t, ret->u.integer.is_signed);
	ret->u.enumeration.maps = t->maps;
	ret->u.enumeration.n_maps = t->n_maps;
	return r;
}

/** A struct, variant or enum without a body: the one declared with a body. */
static int build_named(struct build *b, const struct place *place, const struct written *w,
		       enum name_kind kind, struct sonde_type *ret)
{
	const struct ast_type *t = w->type;
	const struct named_type *found = names_find(&b->names, place, kind, t->name);
	if (!found)
		return unknown_name(b, t, t->name, kind);

	const struct ast_expr *tag = w->tag ? w->tag : t->has_tag ? &t->tag : NULL;
	const struct written inner = { found->type, 0, NULL, tag };
	const struct place at = { found->place.scope, found->place.limit, place->depth + 1 };
	if (at.depth > TSDL_DEPTH_MAX)
		return tsdl_error(&b->x->text, t->pos, "types nest more than %d deep",
				  TSDL_DEPTH_MAX);
	return build_into(b, &at, &inner, ret);
}

/** Every place of a type costs its statements again, even if they come to nothing. */
static int count_work(struct build *b, struct ast_type *t)
{
	if (!t->n_items) {
		for (const struct ast_item *it = t->items; it; it = it->next)
			t->n_items++;
	}
	b->work += t->n_items + 1;
	if (b->work > TSDL_WORK_MAX)
		return tsdl_error(&b->x->text, t->pos, "too much to describe: types of types");
	return 0;
}

static int build_into(struct build *b, const struct place *place, const struct written *w,
		      struct sonde_type *ret)
{
	struct ast_type *t = w->type;

	if (w->dims)
		return build_array(b, place, w, ret);
	int r = count_work(b, t);
	if (r < 0)
		return r;
	if (w->n_pointers && t->kind != AST_NAMED)
		return tsdl_error(&b->x->text, t->pos, "only a type's alias can have a '*'");
	switch (t->kind) {
	case AST_INTEGER: return integer_fill(b, t, ret);
	case AST_FLOATING: return floating_fill(b, t, ret);
	case AST_STRING: return string_fill(b, t, ret);
	case AST_STRUCT:
		return t->has_body ? build_struct(b, place, t, ret)
				   : build_named(b, place, w, NAME_STRUCT, ret);
	case AST_VARIANT:
		return t->has_body ? build_variant(b, place, t, w->tag, ret)
				   : build_named(b, place, w, NAME_VARIANT, ret);
	case AST_ENUM:
		return t->has_body ? build_enum(b, place, t, ret)
				   : build_named(b, place, w, NAME_ENUM, ret);
	case AST_NAMED: return build_alias(b, place, w, ret);
	}
	return sonde_fail(-EBADMSG, "unknown syntax");
}

int type_build(struct build *b, const struct place *place, struct ast_type *t,
	       const struct ast_declarator *d, struct sonde_type **ret)
{
	const struct written w = { t, d ? d->n_pointers : 0, d ? d->dims : NULL, NULL };

	return build_new(b, place, &w, ret);
}

static int declare(struct build *b, const struct place *place, enum name_kind kind,
		   const char *name, struct ast_type *t, const struct ast_declarator *d,
		   uint32_t pos)
{
	const struct named_type named = {
		.name = name, .kind = kind, .type = t, .declarator = d, .place = *place
	};
	int r = names_add(&b->names, &named);

	if (r == 0)
		return tsdl_error(&b->x->text, pos, "'%s' is declared a second time", name);
	return r < 0 ? r : 0;
}

int type_declare(struct build *b, const struct place *place, const struct ast_item *it)
{
	static const enum name_kind kinds[] = {
		[AST_STRUCT] = NAME_STRUCT,
		[AST_VARIANT] = NAME_VARIANT,
		[AST_ENUM] = NAME_ENUM,
	};
	struct ast_type *t = it->type;
	int r = 0;

	if (t && t->name && t->has_body && t->kind != AST_NAMED)
		r = declare(b, place, kinds[t->kind], t->name, t, NULL, t->pos);
	if (r == 0 && it->kind == AST_ALIAS)
		r = declare(b, place, NAME_ALIAS, it->alias, t, it->declarators, it->pos);
	if (it->kind != AST_TYPEDEF)
		return r;
	for (const struct ast_declarator *d = it->declarators; r == 0 && d; d = d->next)
		r = declare(b, place, NAME_ALIAS, d->name, t, d, d->pos);
	return r;
}
