/* SPDX-License-Identifier: MIT */
/** Types out of BTF, each made when it is asked for and then kept. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "sym/ctype.h"
#include "sym/ctype/btf_data.h"
#include "sym/ctype/btf_names.h"
#include "sym/ctype/db.h"

/* Typedefs, const and the like in a row, and arrays of arrays: types from outside may go round. */
enum { CHAIN_MOST = 64, ARRAYS_MOST = 16 };

struct btf_db {
	struct ctypes ct;
	struct btf_data data;
	struct btf_names names;
	const struct ctype **made; /* owned: of each type of its own, or NULL */
	struct btf_db *base;	   /* borrowed: whose types come before; or NULL */
};

static struct btf_db *db_of(struct ctypes *ct)
{
	return (struct btf_db *)ct;
}

static bool is_modifier(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG: return true;
	default: return false;
	}
}

/* What is behind typedefs and the like. NULL: void, or no such type. */
static const struct btf_type *peel(struct btf_db *db, uint32_t *id)
{
	const struct btf_type *t = btf_data_type(&db->data, *id);

	for (int i = 0; t && is_modifier(t) && i < CHAIN_MOST; i++) {
		*id = t->type;
		t = btf_data_type(&db->data, *id);
	}
	return t && !is_modifier(t) ? t : NULL;
}

static bool has_tag(struct btf_db *db, uint32_t id, const char *tag)
{
	const struct btf_type *t = btf_data_type(&db->data, id);

	for (int i = 0; t && is_modifier(t) && i < CHAIN_MOST; i++) {
		if (btf_kind(t) == BTF_KIND_TYPE_TAG &&
		    !strcmp(btf_data_str(&db->data, t->name_off), tag))
			return true;
		t = btf_data_type(&db->data, t->type);
	}
	return false;
}

static int type_of(struct btf_db *db, uint32_t id, unsigned depth, const struct ctype **ret);

static void set_int(struct ctype *c, const struct btf_type *t)
{
	uint32_t info;

	memcpy(&info, btf_body(t), sizeof(info));
	c->is_signed = BTF_INT_ENCODING(info) & BTF_INT_SIGNED;
	c->is_bool = BTF_INT_ENCODING(info) & BTF_INT_BOOL;
	c->is_char = t->size == 1 && !strcmp(c->name, "char");
	c->done = true;
}

static int set_array(struct btf_db *db, struct ctype *c, const struct btf_type *t, unsigned depth)
{
	struct btf_array a;

	memcpy(&a, btf_body(t), sizeof(a));
	if (!depth)
		return sonde_fail(-EBADMSG, "BTF: arrays of arrays without end");
	int r = type_of(db, a.type, depth - 1, &c->elem);
	if (r < 0)
		return r;
	c->n = a.nelems;
	c->done = true;
	if (__builtin_mul_overflow(c->n, c->elem->size, &c->size))
		return sonde_fail(-EBADMSG, "BTF: an array of %llu elements of %llu bytes",
				  (unsigned long long)c->n, (unsigned long long)c->elem->size);
	return 0;
}

/* The whole struct or union that a forward stands for; 0: there is none. */
static uint32_t whole_of(struct btf_db *db, const struct btf_type *fwd)
{
	const char *name = btf_data_str(&db->data, fwd->name_off);
	uint32_t kind = BTF_INFO_KFLAG(fwd->info) ? BTF_KIND_UNION : BTF_KIND_STRUCT, id = 0;

	for (; db && !id; db = db->base)
		id = btf_names_find(&db->names, &db->data, BTF_KINDS(kind), name, false);
	return id;
}

static int set_kind(struct btf_db *db, struct ctype *c, const struct btf_type *t, unsigned depth)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		c->kind = CT_INT;
		c->size = t->size;
		set_int(c, t);
		return 0;
	case BTF_KIND_FLOAT:
		c->kind = CT_FLOAT;
		c->size = t->size;
		c->done = true;
		return 0;
	case BTF_KIND_PTR:
		c->kind = CT_PTR;
		c->name = "";
		c->size = 8;
		c->is_user = has_tag(db, t->type, "user");
		c->is_percpu = has_tag(db, t->type, "percpu");
		return 0;
	case BTF_KIND_ARRAY: c->kind = CT_ARRAY; return set_array(db, c, t, depth);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		c->kind = btf_kind(t) == BTF_KIND_UNION ? CT_UNION : CT_STRUCT;
		c->size = t->size;
		return 0;
	case BTF_KIND_FWD:
		c->kind = BTF_INFO_KFLAG(t->info) ? CT_UNION : CT_STRUCT;
		c->is_forward = c->done = true;
		return 0;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		c->kind = CT_ENUM;
		c->size = t->size;
		c->is_signed = BTF_INFO_KFLAG(t->info);
		return 0;
	case BTF_KIND_FUNC:
	case BTF_KIND_FUNC_PROTO: c->kind = CT_FUNC; return 0;
	default: return sonde_fail(-EBADMSG, "BTF: kind %u where a type is wanted", btf_kind(t));
	}
}

/* The type that was peeled already. */
static int make(struct btf_db *db, uint32_t id, const struct btf_type *t, unsigned depth,
		const struct ctype **ret)
{
	while (id < db->data.first && db->base)
		db = db->base;
	const struct ctype **slot = &db->made[id - db->data.first];
	if (*slot) {
		*ret = *slot;
		return 0;
	}
	uint32_t whole = btf_kind(t) == BTF_KIND_FWD ? whole_of(db, t) : 0;
	if (whole) {
		int found = type_of(db, whole, depth, ret);

		*slot = found < 0 ? NULL : *ret;
		return found;
	}
	struct ctype *c = arena_new(&db->ct.arena, struct ctype);
	if (!c)
		return -ENOMEM;
	c->name = btf_data_str(&db->data, t->name_off);
	c->db = &db->ct;
	c->id = id;
	int r = set_kind(db, c, t, depth);
	if (r < 0)
		return r;
	*slot = c;
	*ret = c;
	return 0;
}

static int type_of(struct btf_db *db, uint32_t id, unsigned depth, const struct ctype **ret)
{
	const struct btf_type *t = peel(db, &id);

	if (t)
		return make(db, id, t, depth, ret);
	*ret = &ctype_void;
	return 0;
}

/* As type_of(), but what is broken is void: one bad member does not take all others away. */
static int member_type(struct btf_db *db, uint32_t id, const struct ctype **ret)
{
	int r = type_of(db, id, ARRAYS_MOST, ret);

	if (r == -EBADMSG) {
		*ret = &ctype_void;
		return 0;
	}
	return r;
}

/* How bit fields were told before the kernel had a flag for them: by the type of the member. */
static void old_bit_field(struct btf_db *db, uint32_t id, struct cmember *m)
{
	const struct btf_type *t = peel(db, &id);
	uint32_t info;

	if (!t || btf_kind(t) != BTF_KIND_INT)
		return;
	memcpy(&info, btf_body(t), sizeof(info));
	if (BTF_INT_BITS(info) != t->size * 8ull || BTF_INT_OFFSET(info) || m->bit_off % 8) {
		m->bit_off += BTF_INT_OFFSET(info);
		m->bit_size = BTF_INT_BITS(info);
	}
}

static int fill_fields(struct btf_db *db, struct ctype *c, const struct btf_type *t,
		       struct cmember *m)
{
	const struct btf_member *from = btf_body(t);
	int r = 0;

	for (uint32_t i = 0; !r && i < btf_n(t); i++) {
		m[i].name = btf_data_str(&db->data, from[i].name_off);
		r = member_type(db, from[i].type, &m[i].type);
		if (BTF_INFO_KFLAG(t->info)) {
			m[i].bit_off = BTF_MEMBER_BIT_OFFSET(from[i].offset);
			m[i].bit_size = BTF_MEMBER_BITFIELD_SIZE(from[i].offset);
		} else {
			m[i].bit_off = from[i].offset;
			old_bit_field(db, from[i].type, &m[i]);
		}
	}
	c->n_members = btf_n(t);
	return r;
}

static int fill_enumerators(struct btf_db *db, struct ctype *c, const struct btf_type *t,
			    struct cmember *m)
{
	for (uint32_t i = 0; i < btf_n(t); i++) {
		uint32_t name;

		m[i].value = btf_enumerator(t, i, &name);
		m[i].name = btf_data_str(&db->data, name);
		m[i].type = c;
	}
	c->n_members = btf_n(t);
	return 0;
}

static int fill_params(struct btf_db *db, struct ctype *c, const struct btf_type *t,
		       struct cmember *m)
{
	const struct btf_param *from = btf_body(t);
	uint32_t n = btf_n(t);
	int r = member_type(db, t->type, &c->elem);

	// "..." is a last parameter without name and type.
	if (n && !from[n - 1].type && !from[n - 1].name_off)
		n--;
	for (uint32_t i = 0; !r && i < n; i++) {
		m[i].name = btf_data_str(&db->data, from[i].name_off);
		m[i].bit_off = i * 64ull;
		r = member_type(db, from[i].type, &m[i].type);
	}
	c->n_members = n;
	return r;
}

static int fill_members(struct btf_db *db, struct ctype *c, const struct btf_type *t)
{
	struct cmember *m = arena_array(&db->ct.arena, btf_n(t), sizeof(*m));

	if (!m)
		return -ENOMEM;
	int r = c->kind == CT_ENUM   ? fill_enumerators(db, c, t, m)
		: c->kind == CT_FUNC ? fill_params(db, c, t, m)
				     : fill_fields(db, c, t, m);
	if (r < 0)
		c->n_members = 0;
	else
		c->members = m;
	return r;
}

static int btf_fill(struct ctypes *ct, struct ctype *c)
{
	struct btf_db *db = db_of(ct);
	const struct btf_type *t = btf_data_type(&db->data, (uint32_t)c->id);
	int r = 0;

	if (c->kind == CT_FUNC && t && btf_kind(t) == BTF_KIND_FUNC)
		t = btf_data_type(&db->data, t->type);
	if (c->kind == CT_FUNC && t && btf_kind(t) != BTF_KIND_FUNC_PROTO)
		t = NULL;
	if (c->kind == CT_PTR && t)
		r = member_type(db, t->type, &c->elem);
	else if (t)
		r = fill_members(db, c, t);
	c->done = r != -ENOMEM;
	return r;
}

/* A type that was found by its name. */
static int give(struct btf_db *db, uint32_t id, const struct ctype **ret)
{
	return type_of(db, id, ARRAYS_MOST, ret);
}

static uint32_t find_own(struct btf_db *db, enum ctypes_space space, const char *name)
{
	static const uint32_t kinds[] = {
		[SPACE_TYPE] = BTF_KINDS(BTF_KIND_TYPEDEF) | BTF_KINDS(BTF_KIND_INT) |
			       BTF_KINDS(BTF_KIND_FLOAT),
		[SPACE_STRUCT] = BTF_KINDS(BTF_KIND_STRUCT),
		[SPACE_UNION] = BTF_KINDS(BTF_KIND_UNION),
		[SPACE_ENUM] = BTF_KINDS(BTF_KIND_ENUM) | BTF_KINDS(BTF_KIND_ENUM64),
		[SPACE_FUNC] = BTF_KINDS(BTF_KIND_FUNC),
		[SPACE_VAR] = BTF_KINDS(BTF_KIND_VAR),
	};
	bool has_body = space == SPACE_STRUCT || space == SPACE_UNION || space == SPACE_ENUM;
	uint32_t id = 0;

	if (has_body)
		id = btf_names_find(&db->names, &db->data, kinds[space], name, true);
	return id ? id : btf_names_find(&db->names, &db->data, kinds[space], name, false);
}

/* A struct or union that is only declared. */
static uint32_t find_forward(struct btf_db *db, enum ctypes_space space, const char *name)
{
	uint32_t id = btf_names_find(&db->names, &db->data, BTF_KINDS(BTF_KIND_FWD), name, false);
	const struct btf_type *t = id ? btf_data_type(&db->data, id) : NULL;

	return t && BTF_INFO_KFLAG(t->info) == (space == SPACE_UNION) ? id : 0;
}

static uint32_t find_id(struct btf_db *db, enum ctypes_space space, const char *name)
{
	uint32_t id = 0;

	for (struct btf_db *d = db; d && !id; d = d->base)
		id = find_own(d, space, name);
	if (space == SPACE_STRUCT || space == SPACE_UNION) {
		for (struct btf_db *d = db; d && !id; d = d->base)
			id = find_forward(d, space, name);
	}
	return id;
}

static int btf_find(struct ctypes *ct, enum ctypes_space space, const char *name,
		    const struct ctype **ret)
{
	struct btf_db *db = db_of(ct);
	uint32_t id = find_id(db, space, name);
	const struct btf_type *t = id ? btf_data_type(&db->data, id) : NULL;

	if (!t)
		return -ENOENT;
	return give(db, space == SPACE_VAR ? t->type : id, ret);
}

static int btf_by_id(struct ctypes *ct, uint64_t id, const struct ctype **ret)
{
	struct btf_db *db = db_of(ct);
	const struct btf_type *t = id <= UINT32_MAX ? btf_data_type(&db->data, (uint32_t)id) : NULL;

	if (id && !t)
		return -ENOENT;
	return give(db, t && btf_kind(t) == BTF_KIND_VAR ? t->type : (uint32_t)id, ret);
}

/* The variable of that number in the section of per-CPU variables. */
static bool in_percpu(struct btf_data *d, const struct btf_type *section, uint32_t id,
		      uint64_t *ret_off)
{
	if (strcmp(btf_data_str(d, section->name_off), ".data..percpu") != 0)
		return false;
	const struct btf_var_secinfo *v = btf_body(section);
	for (uint32_t i = 0; i < btf_n(section); i++) {
		if (v[i].type == id) {
			*ret_off = v[i].offset;
			return true;
		}
	}
	return false;
}

static bool btf_percpu(struct ctypes *ct, const char *name, uint64_t *ret_off)
{
	struct btf_db *db = db_of(ct);
	uint32_t var = find_own(db, SPACE_VAR, name);

	// Sections come last.
	if (var)
		(void)btf_data_has(&db->data, UINT32_MAX); // no: but then all of them are known
	for (uint32_t n = var ? db->data.n : 0; n; n--) {
		const struct btf_type *t = btf_data_type(&db->data, db->data.first + n - 1);

		if (t && btf_kind(t) == BTF_KIND_DATASEC && in_percpu(&db->data, t, var, ret_off))
			return true;
	}
	return false;
}

static int find_enumerator(struct ctypes *ct, const char *name, int64_t *ret)
{
	for (struct btf_db *db = db_of(ct); db; db = db->base) {
		if (btf_names_enumerator(&db->names, &db->data, name, ret))
			return 0;
	}
	return -ENOENT;
}

/*
 * The kernel keeps a typedef of the pointer to a tracepoint's probe, whose first parameter is the
 * probe's own. Names of parameters are only in the function that calls the probes.
 */
static int btf_tracepoint(struct ctypes *ct, const char *name, uint32_t *ret_btf_id,
			  const struct ctype **ret_func)
{
	struct btf_db *db = db_of(ct);
	char text[256];
	const struct ctype *t = NULL, *named = NULL;

	if ((size_t)snprintf(text, sizeof(text), "btf_trace_%s", name) >= sizeof(text))
		return -ENOENT;
	uint32_t id = 0;
	for (struct btf_db *d = db; d && !id; d = d->base)
		id = btf_names_find(&d->names, &d->data, BTF_KINDS(BTF_KIND_TYPEDEF), text, false);
	int r = id ? give(db, id, &t) : -ENOENT;
	if (r < 0)
		return r;
	t = t->kind == CT_PTR ? ctype_elem(t) : t;
	size_t n, n_named = 0;
	const struct cmember *m = ctype_members(t, &n), *names = NULL;
	if (t->kind != CT_FUNC || !n)
		return -ENOENT;
	(void)snprintf(text, sizeof(text), "__traceiter_%s", name);
	r = btf_find(ct, SPACE_FUNC, text, &named);
	if (!r)
		names = ctype_members(named, &n_named);
	struct ctype *f = ctype_new(&db->ct.arena, CT_FUNC, name, 0);
	struct cmember *params = arena_array(&db->ct.arena, n, sizeof(*params));
	if (!f || !params)
		return -ENOMEM;
	for (size_t i = 1; i < n; i++) {
		params[i - 1] = n_named == n ? names[i] : m[i];
		params[i - 1].bit_off = (i - 1) * 64;
	}
	f->db = &db->ct;
	f->id = id;
	f->members = params;
	f->n_members = n - 1;
	*ret_btf_id = id;
	*ret_func = f;
	return 0;
}

static int each_own(struct btf_db *db, uint32_t kind,
		    int (*f)(void *arg, const char *name, uint64_t id), void *arg)
{
	for (uint32_t i = 0; btf_data_has(&db->data, i); i++) {
		uint32_t id = db->data.first + i;
		const struct btf_type *t = btf_data_type(&db->data, id);
		const char *name = t ? btf_data_str(&db->data, t->name_off) : "";
		int r = t && btf_kind(t) == kind && *name ? f(arg, name, id) : 0;

		if (r)
			return r;
	}
	return 0;
}

static int btf_each(struct ctypes *ct, enum ctypes_space space,
		    int (*f)(void *arg, const char *name, uint64_t id), void *arg)
{
	uint32_t kind = space == SPACE_FUNC    ? BTF_KIND_FUNC
			: space == SPACE_UNION ? BTF_KIND_UNION
					       : BTF_KIND_STRUCT;
	int r = 0;

	for (struct btf_db *db = db_of(ct); db && !r; db = db->base)
		r = each_own(db, kind, f, arg);
	return r;
}

static bool btf_broken(const struct ctypes *ct)
{
	return btf_data_broken(&((const struct btf_db *)ct)->data);
}

static bool btf_ran_out(const struct ctypes *ct)
{
	return btf_data_ran_out(&((const struct btf_db *)ct)->data);
}

static void btf_free(struct ctypes *ct)
{
	struct btf_db *db = db_of(ct);

	btf_names_fini(&db->names);
	btf_data_fini(&db->data);
	free(db->made);
	free(db);
}

static const struct ctypes_ops btf_ops = {
	.find = btf_find,
	.by_id = btf_by_id,
	.enumerator = find_enumerator,
	.percpu = btf_percpu,
	.tracepoint = btf_tracepoint,
	.each = btf_each,
	.fill = btf_fill,
	.broken = btf_broken,
	.ran_out = btf_ran_out,
	.free = btf_free,
};

/* Makes a database of @data, which it owns even if this fails. */
static int open_data(struct btf_data *data, struct ctypes *base, struct ctypes **ret)
{
	struct btf_db *db = calloc(1, sizeof(*db));
	const struct ctype **made = calloc(data->cap ? data->cap : 1, sizeof(*made));

	if (!db || !made) {
		free(db);
		free(made);
		btf_data_fini(data);
		return sonde_fail(-ENOMEM, "BTF: out of memory");
	}
	db->ct.ops = &btf_ops;
	db->data = *data;
	db->made = made;
	db->base = base ? db_of(base) : NULL;
	*ret = &db->ct;
	return 0;
}

int ctypes_open_kernel(struct ctypes **ret)
{
	struct btf_data data;
	int r = btf_data_read("/sys/kernel/btf/vmlinux", NULL, &data);

	if (r == -ENOENT)
		return sonde_fail(r, "this kernel tells no types (it was built without "
				     "CONFIG_DEBUG_INFO_BTF)");
	return r < 0 ? r : open_data(&data, NULL, ret);
}

int ctypes_open_module(struct ctypes *kernel, const char *module, struct ctypes **ret)
{
	char path[PATH_MAX];
	struct btf_data data;

	if (strchr(module, '/') || *module == '.')
		return sonde_fail(-ENOENT, "there is no module '%s'", module);
	(void)snprintf(path, sizeof(path), "/sys/kernel/btf/%s", module);
	int r = btf_data_read(path, &db_of(kernel)->data, &data);
	return r < 0 ? r : open_data(&data, kernel, ret);
}

int ctypes_open_btf(const void *data, size_t len, struct ctypes **ret)
{
	struct btf_data d;
	int r = btf_data_copy(data, len, NULL, &d);

	return r < 0 ? r : open_data(&d, NULL, ret);
}

int ctypes_open_btf_over(struct ctypes *base, const void *data, size_t len, struct ctypes **ret)
{
	struct btf_data d;
	int r = btf_data_copy(data, len, &db_of(base)->data, &d);

	return r < 0 ? r : open_data(&d, base, ret);
}

int ctypes_open_btf_lent(struct ctypes *base, const void *data, size_t len, struct ctypes **ret)
{
	struct btf_data d;
	int r = btf_data_lend(data, len, base ? &db_of(base)->data : NULL, &d);

	return r < 0 ? r : open_data(&d, base, ret);
}

int ctypes_open_btf_paged(const struct paged_from *from, struct ctypes **ret)
{
	struct btf_data d;
	int r = btf_data_page(from, NULL, &d);

	return r < 0 ? r : open_data(&d, NULL, ret);
}
