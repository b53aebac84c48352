/* SPDX-License-Identifier: MIT */
/** Types out of CTF, each made when it is asked for and then kept. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "sym/ctype.h"
#include "sym/ctype/ctf_data.h"
#include "sym/ctype/db.h"
#include "sym/probe/elf_image.h"

/* Typedefs, const and the like in a row, and arrays of arrays: types from outside may go round. */
enum { CHAIN_MOST = 64, ARRAYS_MOST = 16 };

struct ctf_db {
	struct ctypes ct;
	struct elf_image image; /* what the bytes lie in; none: they were lent */
	struct ctf_data data;
	const struct ctype **made; /* owned: of each type, or NULL */
	unsigned pointer;	   /* bytes */
};

static struct ctf_db *db_of(struct ctypes *ct)
{
	return (struct ctf_db *)ct;
}

static bool is_modifier(enum ctf_kind kind)
{
	return kind == CTF_TYPEDEF || kind == CTF_VOLATILE || kind == CTF_CONST ||
	       kind == CTF_RESTRICT;
}

/* What is behind typedefs and the like. False: void, or no such type. */
static bool peel(const struct ctf_db *db, uint32_t *id, struct ctf_type *ret)
{
	for (int i = 0; i < CHAIN_MOST && ctf_data_type(&db->data, *id, ret); i++) {
		if (!is_modifier(ret->kind))
			return ret->kind != CTF_UNKNOWN;
		*id = ret->ref;
	}
	return false;
}

static int type_of(struct ctf_db *db, uint32_t id, unsigned depth, const struct ctype **ret);

static void set_int(struct ctf_db *db, struct ctype *c, const struct ctf_type *t)
{
	unsigned flags, off, bits;

	ctf_data_int(&db->data, t, &flags, &off, &bits);
	c->kind = CT_INT;
	c->size = t->size;
	c->is_signed = flags & 1;
	c->is_bool = flags & 4;
	c->is_char = t->size == 1 && (flags & 2 || !strcmp(c->name, "char"));
	c->done = true;
	if (!t->size && !bits) // how void is written
		c->kind = CT_VOID;
}

static int set_array(struct ctf_db *db, struct ctype *c, const struct ctf_type *t, unsigned depth)
{
	uint32_t elem, n;

	c->kind = CT_ARRAY;
	if (!depth)
		return sonde_fail(-EBADMSG, "CTF: arrays of arrays without end");
	ctf_data_array(&db->data, t, &elem, &n);
	int r = type_of(db, elem, depth - 1, &c->elem);
	if (r < 0)
		return r;
	c->n = n;
	c->done = true;
	if (__builtin_mul_overflow(c->n, c->elem->size, &c->size))
		return sonde_fail(-EBADMSG, "CTF: an array of %u elements of %llu bytes", n,
				  (unsigned long long)c->elem->size);
	return 0;
}

static int set_kind(struct ctf_db *db, struct ctype *c, const struct ctf_type *t, unsigned depth)
{
	switch (t->kind) {
	case CTF_INTEGER: set_int(db, c, t); return 0;
	case CTF_FLOAT:
		c->kind = CT_FLOAT;
		c->size = t->size;
		c->done = true;
		return 0;
	case CTF_POINTER:
		c->kind = CT_PTR;
		c->name = "";
		c->size = db->pointer;
		return 0;
	case CTF_ARRAY: return set_array(db, c, t, depth);
	case CTF_STRUCT:
	case CTF_UNION:
		c->kind = t->kind == CTF_UNION ? CT_UNION : CT_STRUCT;
		c->size = t->size;
		return 0;
	case CTF_ENUM:
		c->kind = CT_ENUM;
		c->size = t->size ? t->size : 4;
		c->is_signed = true;
		return 0;
	case CTF_FUNCTION: c->kind = CT_FUNC; return 0;
	default: // a forward; others were peeled
		c->kind = t->ref == CTF_UNION ? CT_UNION : t->ref == CTF_ENUM ? CT_ENUM : CT_STRUCT;
		c->is_forward = c->done = true;
		return 0;
	}
}

static uint32_t find_id(const struct ctf_db *db, uint32_t kinds, const char *name)
{
	struct ctf_type t;

	for (uint32_t id = 1; *name && ctf_data_type(&db->data, id, &t); id++) {
		if (kinds >> t.kind & 1 && !strcmp(ctf_data_str(&db->data, t.name), name))
			return id;
	}
	return 0;
}

/* The whole that a forward stands for, if it is there. */
static void go_to_whole(const struct ctf_db *db, uint32_t *id, struct ctf_type *t)
{
	if (t->kind != CTF_FORWARD)
		return;
	uint32_t kind = t->ref == CTF_UNION || t->ref == CTF_ENUM ? t->ref : CTF_STRUCT;
	uint32_t whole = find_id(db, 1u << kind, ctf_data_str(&db->data, t->name));
	if (whole && ctf_data_type(&db->data, whole, t))
		*id = whole;
}

static int type_of(struct ctf_db *db, uint32_t id, unsigned depth, const struct ctype **ret)
{
	struct ctf_type t;

	if (!peel(db, &id, &t)) {
		*ret = &ctype_void;
		return 0;
	}
	uint32_t asked = id;
	if (!db->made[asked - 1])
		go_to_whole(db, &id, &t);
	const struct ctype **slot = &db->made[id - 1];
	if (!*slot) {
		struct ctype *c = arena_new(&db->ct.arena, struct ctype);

		if (!c)
			return -ENOMEM;
		c->name = ctf_data_str(&db->data, t.name);
		c->db = &db->ct;
		c->id = id;
		int r = set_kind(db, c, &t, depth);
		if (r < 0)
			return r;
		*slot = c;
	}
	*ret = db->made[asked - 1] = *slot;
	return 0;
}

/* As type_of(), but what is broken is void: one bad member does not take all others away. */
static int member_type(struct ctf_db *db, uint32_t id, const struct ctype **ret)
{
	int r = type_of(db, id, ARRAYS_MOST, ret);

	if (r == -EBADMSG)
		*ret = &ctype_void;
	return r == -EBADMSG ? 0 : r;
}

/* A bit field is an integer of fewer bits than its bytes have, or that does not begin at one. */
static void set_bits(const struct ctf_db *db, uint32_t id, struct cmember *m)
{
	struct ctf_type t;
	unsigned flags, off, bits;

	if (!peel(db, &id, &t) || t.kind != CTF_INTEGER)
		return;
	ctf_data_int(&db->data, &t, &flags, &off, &bits);
	if (bits && (bits < t.size * 8 || m->bit_off % 8)) {
		m->bit_off += off;
		m->bit_size = bits;
	}
}

static int fill_members(struct ctf_db *db, struct ctype *c, const struct ctf_type *t)
{
	struct cmember *m = arena_array(&db->ct.arena, t->n, sizeof(*m));
	uint32_t n = t->n, name;
	int r = m ? 0 : -ENOMEM;

	if (!r && c->kind == CT_FUNC)
		r = member_type(db, t->ref, &c->elem);
	// "..." is a last parameter without type.
	if (!r && c->kind == CT_FUNC && n && !ctf_data_param(&db->data, t, n - 1))
		n--;
	for (uint32_t i = 0; !r && i < n; i++) {
		struct ctf_member from;

		if (c->kind == CT_ENUM) {
			m[i].value = ctf_data_enumerator(&db->data, t, i, &name);
			m[i].name = ctf_data_str(&db->data, name);
			m[i].type = c;
		} else if (c->kind == CT_FUNC) {
			m[i].name = "";
			m[i].bit_off = i * UINT64_C(64);
			r = member_type(db, ctf_data_param(&db->data, t, i), &m[i].type);
		} else {
			ctf_data_member(&db->data, t, i, &from);
			m[i].name = ctf_data_str(&db->data, from.name);
			m[i].bit_off = from.bit_off;
			r = member_type(db, from.type, &m[i].type);
			set_bits(db, from.type, &m[i]);
		}
	}
	if (r < 0)
		return r;
	c->members = m;
	c->n_members = n;
	return 0;
}

static int ctf_fill(struct ctypes *ct, struct ctype *c)
{
	struct ctf_db *db = db_of(ct);
	struct ctf_type t;
	int r = 0;

	if (ctf_data_type(&db->data, (uint32_t)c->id, &t))
		r = c->kind == CT_PTR ? member_type(db, t.ref, &c->elem) : fill_members(db, c, &t);
	c->done = r != -ENOMEM;
	return r;
}

/* Functions and variables have numbers of symbols instead of names: they are not looked up. */
static uint32_t kinds_of(enum ctypes_space space)
{
	switch (space) {
	case SPACE_TYPE: return 1u << CTF_TYPEDEF | 1u << CTF_INTEGER | 1u << CTF_FLOAT;
	case SPACE_STRUCT: return 1u << CTF_STRUCT;
	case SPACE_UNION: return 1u << CTF_UNION;
	case SPACE_ENUM: return 1u << CTF_ENUM;
	default: return 0;
	}
}

static int ctf_find(struct ctypes *ct, enum ctypes_space space, const char *name,
		    const struct ctype **ret)
{
	struct ctf_db *db = db_of(ct);
	uint32_t id = find_id(db, kinds_of(space), name);

	return id ? type_of(db, id, ARRAYS_MOST, ret) : -ENOENT;
}

static int ctf_by_id(struct ctypes *ct, uint64_t id, const struct ctype **ret)
{
	return id <= db_of(ct)->data.n ? type_of(db_of(ct), (uint32_t)id, ARRAYS_MOST, ret)
				       : -ENOENT;
}

static int ctf_enumerator(struct ctypes *ct, const char *name, int64_t *ret)
{
	const struct ctf_data *d = &db_of(ct)->data;
	struct ctf_type t;
	uint32_t text;

	for (uint32_t id = 1; ctf_data_type(d, id, &t); id++) {
		for (uint32_t i = 0; t.kind == CTF_ENUM && i < t.n; i++) {
			int32_t v = ctf_data_enumerator(d, &t, i, &text);

			if (!strcmp(ctf_data_str(d, text), name)) {
				*ret = v;
				return 0;
			}
		}
	}
	return -ENOENT;
}

static int ctf_each(struct ctypes *ct, enum ctypes_space space,
		    int (*f)(void *arg, const char *name, uint64_t id), void *arg)
{
	const struct ctf_data *d = &db_of(ct)->data;
	uint32_t kinds = kinds_of(space);
	struct ctf_type t;
	int r = 0;

	for (uint32_t id = 1; !r && ctf_data_type(d, id, &t); id++) {
		const char *name = ctf_data_str(d, t.name);

		if (kinds >> t.kind & 1 && *name)
			r = f(arg, name, id);
	}
	return r;
}

static void ctf_free(struct ctypes *ct)
{
	struct ctf_db *db = db_of(ct);

	ctf_data_fini(&db->data);
	elf_image_fini(&db->image);
	free(db->made);
	free(db);
}

static const struct ctypes_ops ctf_ops = {
	.find = ctf_find,
	.by_id = ctf_by_id,
	.enumerator = ctf_enumerator,
	.each = ctf_each,
	.fill = ctf_fill,
	.free = ctf_free,
};

static struct ctf_db *new_db(void)
{
	struct ctf_db *db = calloc(1, sizeof(*db));

	if (!db)
		return NULL;
	db->ct.ops = &ctf_ops;
	db->image.fd = -1;
	db->pointer = 8;
	return db;
}

static int open_data(struct ctf_db *db, struct sonde_span bytes, struct sonde_span strs)
{
	int r = ctf_data_open(bytes, strs, &db->data);

	if (r < 0)
		return r;
	db->made = calloc(db->data.n ? db->data.n : 1, sizeof(struct ctype *));
	return db->made ? 0 : sonde_fail(-ENOMEM, "CTF: out of memory");
}

static struct sonde_span section_bytes(Elf_Scn *scn)
{
	Elf_Data *d = scn ? elf_rawdata(scn, NULL) : NULL;

	return d && d->d_buf ? (struct sonde_span){ d->d_buf, d->d_size }
			     : (struct sonde_span){ 0 };
}

static int open_file(struct ctf_db *db, const char *path)
{
	GElf_Shdr sh, symbols;

	int r = elf_image_open_mapped(path, &db->image);
	if (r < 0)
		return r;
	Elf_Scn *scn = elf_image_section(&db->image, ".SUNW_ctf", &sh);
	if (!scn)
		return -ENOENT;
	if (db->image.header.e_ident[EI_CLASS] == ELFCLASS32)
		db->pointer = 4;
	// It names the symbols, which name their strings.
	Elf_Scn *by = elf_getscn(db->image.elf, sh.sh_link), *strs = NULL;
	if (by && gelf_getshdr(by, &symbols))
		strs = symbols.sh_type == SHT_STRTAB ? by
						     : elf_getscn(db->image.elf, symbols.sh_link);
	r = open_data(db, section_bytes(scn), section_bytes(strs));
	return r < 0 ? sonde_wrap(r, "'%s'", path) : 0;
}

int ctypes_open_ctf(const char *path, struct ctypes **ret)
{
	struct ctf_db *db = new_db();

	int r = db ? open_file(db, path) : sonde_fail(-ENOMEM, "'%s': out of memory", path);
	if (r < 0)
		ctypes_free(db ? &db->ct : NULL);
	else
		*ret = &db->ct;
	return r;
}

int ctypes_open_ctf_lent(struct sonde_span bytes, struct ctypes **ret)
{
	struct ctf_db *db = new_db();

	int r = db ? open_data(db, bytes, (struct sonde_span){ 0 })
		   : sonde_fail(-ENOMEM, "CTF: out of memory");
	if (r < 0)
		ctypes_free(db ? &db->ct : NULL);
	else
		*ret = &db->ct;
	return r;
}
