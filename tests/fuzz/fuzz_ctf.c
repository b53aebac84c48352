/* SPDX-License-Identifier: MIT */
/** Fuzzes the reader of CTF types: every type with all that it is made of, and look-ups by name. */
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "sym/ctype.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int look(void *arg, const char *name)
{
	return ++*(size_t *)arg > 1000 || !*name;
}

static void use(struct ctypes *db, const struct ctype *t)
{
	struct strbuf text = { 0 };
	struct cmember m;
	size_t n;
	const struct cmember *members = ctype_members(t, &n);

	ctype_print(t, &text);
	ctype_print(ctype_elem(t), &text);
	if (n && members[n - 1].type->kind == CT_PTR)
		(void)ctype_elem(members[n - 1].type);
	(void)ctype_member(t, "half", &m);
	(void)ctype_member_near(t, "yy");
	if (ctypes_find(db, t->name, &t) == 0)
		(void)ctype_members(t, &n);
	strbuf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct ctype *t;
	struct ctypes *db;
	size_t n = 0;
	int64_t v;

	if (ctypes_open_ctf_lent((struct sonde_span){ data, len }, &db) < 0)
		return 0;
	for (uint64_t id = 0; id < 256; id++) {
		if (ctypes_by_id(db, id, &t) == 0)
			use(db, t);
	}
	if (ctypes_find(db, "struct thread", &t) == 0)
		use(db, t);
	(void)ctypes_enumerator(db, "BLUE", &v);
	if (ctypes_each_struct(db, look, &n) < 0)
		n = 0;
	ctypes_free(db);
	return 0;
}
