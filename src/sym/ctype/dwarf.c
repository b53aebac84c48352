/* SPDX-License-Identifier: MIT */
/** Types out of DWARF, each made when it is asked for and then kept. */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/u64map.h"
#include "sym/ctype.h"
#include "sym/ctype/db.h"
#include "sym/ctype/dwarf_die.h"
#include "sym/ctype/dwarf_index.h"
#include "sym/ctype/dwarf_member.h"
#include "sym/probe/elf_funcs.h"
#include "sym/probe/elf_image.h"

/* Typedefs, const and the like in a row, dimensions, and arrays of arrays: they may go round. */
enum { CHAIN_MOST = 64, DIMENSIONS_MOST = 16, ARRAYS_MOST = 16 };

struct dwarf_db {
	struct ctypes ct;
	char *path; /* owned: of the program, where @image is its debug file */
	struct elf_image image;
	struct dwarf_file file;
	struct dwarf_index index;
	bool is_indexed;
	unsigned pointer;	   /* bytes */
	struct u64map by_id;	   /* numbers of entries to places in @made */
	const struct ctype **made; /* owned */
	size_t n_made, cap_made;
};

static struct dwarf_db *db_of(struct ctypes *ct)
{
	return (struct dwarf_db *)ct;
}

/* libdw unpacks all sections at once, a tenth of a second for libc: only when types are wanted. */
static int load_once(struct dwarf_db *db)
{
	return db->file.dw ? 0 : dwarf_file_open(db->image.elf, db->image.path, &db->file);
}

static int index_once(struct dwarf_db *db)
{
	if (db->is_indexed)
		return 0;
	int loaded = load_once(db);
	if (loaded < 0)
		return loaded;
	int r = dwarf_index_make(&db->file, &db->ct.arena, &db->index);
	if (r < 0) {
		dwarf_index_fini(&db->index);
		return r;
	}
	db->is_indexed = true;
	return 0;
}

static bool is_modifier(int tag)
{
	switch (tag) {
	case DW_TAG_typedef:
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
	case DW_TAG_immutable_type:
	case DW_TAG_packed_type:
	case DW_TAG_shared_type: return true;
	default: return false;
	}
}

/* Looks through typedefs and the like. False: void, or no end. */
static bool peel(Dwarf_Die *die)
{
	for (int i = 0; i < CHAIN_MOST; i++) {
		if (!is_modifier(libdw()->dwarf_tag(die)))
			return true;
		if (!dwarf_die_ref(die, DW_AT_type, die))
			return false;
	}
	return false;
}

static int type_of(struct dwarf_db *db, Dwarf_Die die, unsigned depth, const struct ctype **ret);

/* The type that an entry is of; void where it tells none. */
static int type_at(struct dwarf_db *db, Dwarf_Die *die, unsigned depth, const struct ctype **ret)
{
	Dwarf_Die type;

	*ret = &ctype_void;
	return dwarf_die_ref(die, DW_AT_type, &type) ? type_of(db, type, depth, ret) : 0;
}

static void set_base(struct ctype *c, Dwarf_Die *die)
{
	uint64_t encoding = 0;

	(void)dwarf_die_number(die, DW_AT_encoding, &encoding);
	c->kind = encoding == DW_ATE_float || encoding == DW_ATE_complex_float ? CT_FLOAT : CT_INT;
	c->is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
	c->is_bool = encoding == DW_ATE_boolean;
	c->is_char = c->size == 1 && !strcmp(c->name, "char");
	c->done = true;
}

struct dimensions {
	uint64_t n[DIMENSIONS_MOST];
	size_t count;
};

static int note_dimension(void *arg, Dwarf_Die *child)
{
	struct dimensions *d = arg;

	if (libdw()->dwarf_tag(child) == DW_TAG_subrange_type && d->count < DIMENSIONS_MOST)
		d->n[d->count++] = dwarf_dimension(child);
	return 0;
}

/* "int a[2][3]" is one entry here, and an array of arrays in C. */
static int set_array(struct dwarf_db *db, struct ctype *c, Dwarf_Die *die, unsigned depth)
{
	struct dimensions d = { .count = 0 };
	const struct ctype *elem;

	if (!depth)
		return sonde_fail(-EBADMSG, "DWARF: arrays of arrays without end");
	int r = type_at(db, die, depth - 1, &elem);
	if (r < 0)
		return r;
	(void)dwarf_die_children(die, note_dimension, &d); // never fails
	for (size_t i = d.count; i > 1; i--) {
		elem = ctype_array(&db->ct.arena, elem, d.n[i - 1]);
		if (!elem)
			return -ENOMEM;
	}
	c->kind = CT_ARRAY;
	c->n = d.count ? d.n[0] : 0;
	c->elem = elem;
	c->done = true;
	if (__builtin_mul_overflow(c->n, elem->size, &c->size))
		return sonde_fail(-EBADMSG, "DWARF: an array of %llu elements of %llu bytes",
				  (unsigned long long)c->n, (unsigned long long)elem->size);
	return 0;
}

static int enum_sign(void *arg, Dwarf_Die *child)
{
	Dwarf_Attribute a;
	Dwarf_Sword v;

	if (libdw()->dwarf_tag(child) == DW_TAG_enumerator &&
	    libdw()->dwarf_attr(child, DW_AT_const_value, &a) &&
	    libdw()->dwarf_whatform(&a) == DW_FORM_sdata && libdw()->dwarf_formsdata(&a, &v) == 0 &&
	    v < 0)
		*(bool *)arg = true;
	return 0;
}

static int set_enum(struct dwarf_db *db, struct ctype *c, Dwarf_Die *die, unsigned depth)
{
	const struct ctype *under;

	c->kind = CT_ENUM;
	if (!depth)
		return sonde_fail(-EBADMSG, "DWARF: enums of enums without end");
	int r = type_at(db, die, depth - 1, &under);
	if (r < 0)
		return r;
	c->is_signed = under->is_signed;
	if (under->kind == CT_VOID)
		(void)dwarf_die_children(die, enum_sign, &c->is_signed); // never fails
	return 0;
}

static int set_kind(struct dwarf_db *db, struct ctype *c, Dwarf_Die *die, unsigned depth)
{
	switch (libdw()->dwarf_tag(die)) {
	case DW_TAG_base_type: set_base(c, die); return 0;
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		c->kind = CT_PTR;
		c->name = "";
		c->size = db->pointer;
		return 0;
	case DW_TAG_ptr_to_member_type:
		c->kind = CT_INT;
		c->size = c->size ? c->size : 8;
		c->is_signed = c->done = true;
		return 0;
	case DW_TAG_array_type: return set_array(db, c, die, depth);
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_interface_type:
	case DW_TAG_union_type:
		c->kind = libdw()->dwarf_tag(die) == DW_TAG_union_type ? CT_UNION : CT_STRUCT;
		c->is_forward = dwarf_die_flag(die, DW_AT_declaration);
		return 0;
	case DW_TAG_enumeration_type: return set_enum(db, c, die, depth);
	case DW_TAG_subprogram:
	case DW_TAG_subroutine_type: c->kind = CT_FUNC; return 0;
	default: c->done = true; return 0; // void
	}
}

static enum ctypes_space space_of(Dwarf_Die *die)
{
	switch (libdw()->dwarf_tag(die)) {
	case DW_TAG_union_type: return SPACE_UNION;
	case DW_TAG_enumeration_type: return SPACE_ENUM;
	case DW_TAG_subprogram: return SPACE_FUNC;
	default: return SPACE_STRUCT;
	}
}

/*
 * Goes from a declaration to the whole: in a unit of its own, where it is completed elsewhere, or
 * what has the same name.
 */
static void go_to_whole(struct dwarf_db *db, Dwarf_Die *die)
{
	Dwarf_Die whole;
	uint64_t id;

	if (dwarf_die_has(die, DW_AT_signature) && dwarf_die_ref(die, DW_AT_signature, &whole)) {
		*die = whole;
		return;
	}
	if (!db->is_indexed || !dwarf_die_flag(die, DW_AT_declaration))
		return;
	if (!dwarf_index_whole(&db->index, dwarf_die_id(&db->file, die), &id)) {
		const struct dwarf_entry *e =
			dwarf_index_find(&db->index, space_of(die), dwarf_die_name(&db->file, die));

		if (!e || e->rank)
			return;
		id = e->id;
	}
	if (dwarf_die_of(&db->file, id, &whole))
		*die = whole;
}

static int keep(struct dwarf_db *db, const struct ctype *c)
{
	int r = mem_grow(&db->made, &db->cap_made, db->n_made + 1);

	if (!r)
		r = u64map_put(&db->by_id, c->id, (uint32_t)db->n_made);
	if (!r)
		db->made[db->n_made++] = c;
	return r;
}

static int type_of(struct dwarf_db *db, Dwarf_Die die, unsigned depth, const struct ctype **ret)
{
	uint32_t at;
	uint64_t len = 0;

	if (!peel(&die)) {
		*ret = &ctype_void;
		return 0;
	}
	go_to_whole(db, &die);
	uint64_t id = dwarf_die_id(&db->file, &die);
	if (u64map_get(&db->by_id, id, &at)) {
		*ret = db->made[at];
		return 0;
	}
	struct ctype *c = arena_new(&db->ct.arena, struct ctype);
	if (!c)
		return -ENOMEM;
	(void)dwarf_die_number(&die, DW_AT_byte_size, &len);
	c->name = dwarf_die_name(&db->file, &die);
	c->size = len;
	c->db = &db->ct;
	c->id = id;
	int r = set_kind(db, c, &die, depth);
	if (!r)
		r = keep(db, c);
	if (!r)
		*ret = c;
	return r;
}

/* Members while they are gathered. */
struct gather {
	struct dwarf_db *db;
	const struct ctype *of;
	struct cmember *m; /* owned */
	size_t n, cap;
};

/* A broken type is void: one bad member does not take all others away. */
static int member_type(struct dwarf_db *db, Dwarf_Die *die, const struct ctype **ret)
{
	int r = type_at(db, die, ARRAYS_MOST, ret);

	if (r == -EBADMSG)
		*ret = &ctype_void;
	return r == -EBADMSG ? 0 : r;
}

static int gather(struct gather *g, Dwarf_Die *die, struct cmember m)
{
	int r = m.type ? 0 : member_type(g->db, die, &m.type);

	if (!r)
		r = mem_grow(&g->m, &g->cap, g->n + 1);
	if (!r)
		g->m[g->n++] = m;
	return r;
}

static int gather_field(void *arg, Dwarf_Die *child)
{
	struct gather *g = arg;
	struct cmember m = { .name = "" };

	if (!dwarf_is_member(child) || !dwarf_member_place(child, &m))
		return 0;
	// A base class has a name, but its members are found as if they were its heir's own.
	if (libdw()->dwarf_tag(child) == DW_TAG_member)
		m.name = dwarf_die_name(&g->db->file, child);
	return gather(g, child, m);
}

static int gather_param(void *arg, Dwarf_Die *child)
{
	struct gather *g = arg;
	struct cmember m = { .name = "", .bit_off = g->n * 64 };

	if (libdw()->dwarf_tag(child) != DW_TAG_formal_parameter)
		return 0;
	m.name = dwarf_die_name(&g->db->file, child);
	return gather(g, child, m);
}

static int gather_enumerator(void *arg, Dwarf_Die *child)
{
	struct gather *g = arg;
	struct cmember m = { .type = g->of };
	Dwarf_Attribute a;
	uint64_t u;

	if (libdw()->dwarf_tag(child) != DW_TAG_enumerator)
		return 0;
	m.name = dwarf_die_name(&g->db->file, child);
	// Forms of 1, 2, 4 and 8 bytes have no sign, also in enums that have one.
	if (libdw()->dwarf_attr(child, DW_AT_const_value, &a) &&
	    (libdw()->dwarf_whatform(&a) == DW_FORM_sdata ||
	     libdw()->dwarf_whatform(&a) == DW_FORM_implicit_const))
		(void)dwarf_die_signed(child, DW_AT_const_value, &m.value); // else 0
	else if (dwarf_die_number(child, DW_AT_const_value, &u))
		m.value = (int64_t)u;
	return gather(g, child, m);
}

static int fill_die(struct dwarf_db *db, struct ctype *c, Dwarf_Die *die)
{
	struct gather g = { .db = db, .of = c };
	int r = c->kind == CT_FUNC ? member_type(db, die, &c->elem) : 0;

	if (!r)
		r = dwarf_die_children(die,
				       c->kind == CT_ENUM   ? gather_enumerator
				       : c->kind == CT_FUNC ? gather_param
							    : gather_field,
				       &g);
	struct cmember *m = r ? NULL : arena_array(&db->ct.arena, g.n, sizeof(*m));
	if (m && g.n)
		memcpy(m, g.m, g.n * sizeof(*m));
	free(g.m);
	if (!m)
		return r ? r : -ENOMEM;
	c->members = m;
	c->n_members = g.n;
	return 0;
}

static int dwarf_fill(struct ctypes *ct, struct ctype *c)
{
	struct dwarf_db *db = db_of(ct);
	Dwarf_Die die;
	int r = 0;

	if (dwarf_die_of(&db->file, c->id, &die))
		r = c->kind == CT_PTR ? member_type(db, &die, &c->elem) : fill_die(db, c, &die);
	c->done = r != -ENOMEM;
	return r;
}

static int give(struct dwarf_db *db, uint64_t id, bool of_variable, const struct ctype **ret)
{
	Dwarf_Die die;

	if (!dwarf_die_of(&db->file, id, &die))
		return -ENOENT;
	return of_variable ? type_at(db, &die, ARRAYS_MOST, ret)
			   : type_of(db, die, ARRAYS_MOST, ret);
}

/*
 * The function whose code the symbol @name stands for: libc defines __libc_malloc and calls it
 * malloc too, of which DWARF knows nothing but that it was declared.
 */
static bool find_alias(struct dwarf_db *db, const char *name, uint64_t *ret)
{
	struct elf_funcs *f = NULL;
	struct elf_func symbol;
	Dwarf_Die die;

	if (elf_funcs_open(db->path, &f) < 0)
		return false;
	bool there = elf_funcs_symbol(f, name, &symbol) == 0;
	elf_funcs_free(f);
	for (size_t i = 0; there && i < db->index.n_codes; i++) {
		*ret = db->index.codes[i];
		if (dwarf_die_of(&db->file, *ret, &die) &&
		    libdw()->dwarf_haspc(&die, symbol.addr) == 1)
			return true;
	}
	return false;
}

/* Whether @e, which may be NULL, says more than that there is such a name. */
static bool tells_all(const struct dwarf_db *db, const struct dwarf_entry *e)
{
	uint64_t whole;

	return e && (!e->rank || dwarf_index_whole(&db->index, e->id, &whole));
}

static int dwarf_find(struct ctypes *ct, enum ctypes_space space, const char *name,
		      const struct ctype **ret)
{
	struct dwarf_db *db = db_of(ct);
	uint64_t id;

	int r = index_once(db);
	if (r < 0)
		return r;
	const struct dwarf_entry *e = dwarf_index_find(&db->index, space, name);
	if (space == SPACE_FUNC && !tells_all(db, e) && find_alias(db, name, &id))
		return give(db, id, false, ret);
	return e ? give(db, e->id, space == SPACE_VAR, ret) : -ENOENT;
}

static int dwarf_by_id(struct ctypes *ct, uint64_t id, const struct ctype **ret)
{
	Dwarf_Die die;

	int r = load_once(db_of(ct));
	if (r < 0)
		return r;
	if (!dwarf_die_of(&db_of(ct)->file, id, &die))
		return -ENOENT;
	return give(db_of(ct), id, libdw()->dwarf_tag(&die) == DW_TAG_variable, ret);
}

static int dwarf_enumerator(struct ctypes *ct, const char *name, int64_t *ret)
{
	struct dwarf_db *db = db_of(ct);

	int r = index_once(db);
	if (r < 0)
		return r;
	for (size_t i = 0; i < db->index.n_enums; i++) {
		const struct ctype *t;
		struct cmember m;

		if (give(db, db->index.enums[i], false, &t) == 0 && ctype_member(t, name, &m)) {
			*ret = m.value;
			return 0;
		}
	}
	return -ENOENT;
}

static int dwarf_each(struct ctypes *ct, enum ctypes_space space,
		      int (*f)(void *arg, const char *name, uint64_t id), void *arg)
{
	struct dwarf_db *db = db_of(ct);

	int r = index_once(db);
	for (size_t i = 0; !r && i < db->index.n; i++) {
		if (db->index.all[i].space == space)
			r = f(arg, db->index.all[i].name, db->index.all[i].id);
	}
	return r;
}

static void dwarf_free(struct ctypes *ct)
{
	struct dwarf_db *db = db_of(ct);

	dwarf_index_fini(&db->index);
	u64map_fini(&db->by_id);
	free(db->made);
	dwarf_file_fini(&db->file);
	elf_image_fini(&db->image);
	free(db->path);
	free(db);
}

static const struct ctypes_ops dwarf_ops = {
	.find = dwarf_find,
	.by_id = dwarf_by_id,
	.enumerator = dwarf_enumerator,
	.each = dwarf_each,
	.fill = dwarf_fill,
	.free = dwarf_free,
};

static int open_types(struct dwarf_db *db, bool is_mapped)
{
	if (!db->path)
		return sonde_fail(-ENOMEM, "out of memory");
	int r = is_mapped ? elf_image_open_mapped(db->path, &db->image)
			  : elf_image_open(db->path, &db->image);
	if (!r)
		r = elf_image_to_dwarf(&db->image);
	// A live program's are taken as the machine's own.
	db->pointer = is_mapped && !r && db->image.header.e_ident[EI_CLASS] == ELFCLASS32 ? 4 : 8;
	if (r == -ENOENT && db->image.elf)
		return sonde_fail(r, "'%s' tells nothing of its types: it has no DWARF", db->path);
	return r;
}

static int open_dwarf(const char *path, bool is_mapped, struct ctypes **ret)
{
	struct dwarf_db *db = calloc(1, sizeof(*db));

	if (!db)
		return sonde_fail(-ENOMEM, "'%s': out of memory", path);
	db->ct.ops = &dwarf_ops;
	db->image.fd = -1;
	db->path = strdup(path);
	int r = open_types(db, is_mapped);
	if (r < 0) {
		ctypes_free(&db->ct);
		return r;
	}
	*ret = &db->ct;
	return 0;
}

int ctypes_open_dwarf(const char *path, struct ctypes **ret)
{
	return open_dwarf(path, false, ret);
}

int ctypes_open_dwarf_mapped(const char *path, struct ctypes **ret)
{
	return open_dwarf(path, true, ret);
}
