/* SPDX-License-Identifier: MIT */
/** sonde crash CORE mods: loaded modules. */
#include "crash/linux/show/show.h"

static const struct table_column columns[] = {
	{ "name", "MODULE", TABLE_TEXT },  { "size", "SIZE", TABLE_BYTES },
	{ "users", "USERS", TABLE_COUNT }, { "state", "STATE", TABLE_TEXT },
	{ "code", "CODE AT", TABLE_TEXT }, { "taints", "TAINTS", TABLE_TEXT },
	{ "addr", NULL, TABLE_TEXT },
};

static const char *taints(struct linux_kernel *k, uint64_t mask)
{
	static const char letters[] = "PFSRMBUDAWCIOELKXT";
	char text[sizeof(letters)];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(letters) - 1; i++) {
		if (mask >> i & 1)
			text[n++] = letters[i];
	}
	text[n] = '\0';
	return n ? linux_keep(k, "%s", text) : "-";
}

static int run(struct crash_run *r)
{
	static const char *const states[] = { "live", "coming", "going", "unformed" };
	struct linux_kernel *k = linux_of(r->core);
	struct table t;
	struct page p;

	table_init(&t, columns, MEM_LEN(columns));
	for (size_t i = 0; i < k->modules.n; i++) {
		const struct linux_module *m = &k->modules.all[i];

		table_str(&t, m->name);
		table_int(&t, (int64_t)m->size);
		// The module's own hold on itself is counted too.
		table_int(&t, m->refs ? (int64_t)m->refs - 1 : 0);
		table_str(&t, m->state < MEM_LEN(states) ? states[m->state] : "?");
		table_str(&t, linux_keep(k, "0x%llx", (unsigned long long)m->parts[0].start));
		table_str(&t, taints(k, m->taints));
		table_str(&t, linux_keep(k, "0x%llx", (unsigned long long)m->addr));
	}
	page_begin(&p, r, "Modules");
	int err = page_table(&p, "modules", "Modules", &t);
	page_end(&p);
	table_fini(&t);
	if (k->modules.cut)
		r->note(k->modules.cut);
	return err;
}

const struct crash_verb linux_mods = {
	.name = "mods",
	.args = "",
	.summary = "Loaded modules",
	.has_html = true,
	.run = run,
};
