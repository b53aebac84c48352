/* SPDX-License-Identifier: MIT */
/** Fuzzes the reader of BTF: every type with all that it is made of, and look-ups by name. */
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "sym/ctype.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

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
	(void)ctype_member(t, "y", &m);
	(void)ctype_member_near(t, "yy");
	if (ctypes_find(db, t->name, &t) == 0)
		(void)ctype_members(t, &n);
	strbuf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct ctype *t;
	struct ctypes *db;
	uint32_t btf_id;
	int64_t v;

	if (ctypes_open_btf(data, len, &db) < 0)
		return 0;
	for (uint64_t id = 0; id < 256; id++) {
		if (ctypes_by_id(db, id, &t) == 0)
			use(db, t);
	}
	for (int i = 0; i < 20; i++) {
		int found = !ctypes_find(db, "struct s", &t) + !ctypes_func(db, "f", &t) +
			    !ctypes_var(db, "counter", &t) +
			    !ctypes_tracepoint(db, "wake", &btf_id, &t) +
			    ctypes_enumerator(db, "BIG", &v);

		if (!found)
			break;
	}
	ctypes_free(db);
	return 0;
}
