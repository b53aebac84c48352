/* SPDX-License-Identifier: MIT */
/** sonde crash CORE irq: interrupts: who handles them, how many came. */
#include <errno.h>

#include <sonde/err.h>

#include "crash/linux/show/show.h"
#include "crash/walk/walk.h"

enum { NAME_MOST = 64, ACTIONS_MOST = 64, IRQS_MOST = 1 << 20 };

static const struct table_column columns[] = {
	{ "irq", "IRQ", TABLE_ID },	{ "count", "COUNT", TABLE_COUNT },
	{ "chip", "CHIP", TABLE_TEXT }, { "actions", "HANDLED BY", TABLE_TEXT },
	{ "addr", NULL, TABLE_TEXT },
};

enum { IRQ, CHIP, CHIP_NAME, ACTION, ACTION_NAME, ACTION_NEXT, STAT, FIELDS };

static const struct kfield_want wanted[FIELDS] = {
	[IRQ] = { "struct irq_desc", "irq_data.irq" },
	[CHIP] = { "struct irq_desc", "irq_data.chip" },
	[CHIP_NAME] = { "struct irq_chip", "name" },
	[ACTION] = { "struct irq_desc", "action" },
	[ACTION_NAME] = { "struct irqaction", "name" },
	[ACTION_NEXT] = { "struct irqaction", "next" },
	[STAT] = { "struct irq_desc", "kstat_irqs" },
};

struct irqs {
	struct linux_kernel *k;
	struct kfield f[FIELDS];
	struct table table;
};

static const char *text_at(struct linux_kernel *k, uint64_t va)
{
	char text[NAME_MOST];

	return va && space_string(&k->mem, va, text, sizeof(text)) > 0 ? linux_keep(k, "%s", text)
								       : "?";
}

static const char *actions(struct irqs *q, uint64_t desc)
{
	uint64_t at = linux_field_or(q->k, desc, &q->f[ACTION], 0);
	const char *all = "-";

	for (unsigned i = 0; at && i < ACTIONS_MOST; i++) {
		const char *name = text_at(q->k, linux_field_or(q->k, at, &q->f[ACTION_NAME], 0));

		all = i ? linux_keep(q->k, "%s, %s", all, name) : name;
		at = linux_field_or(q->k, at, &q->f[ACTION_NEXT], 0);
	}
	return all;
}

static int add(void *arg, uint64_t index, uint64_t desc)
{
	struct irqs *q = arg;
	struct linux_kernel *k = q->k;
	uint64_t stat, count = 0;

	if (!linux_read_field(k, desc, &q->f[STAT], &stat)) {
		for (size_t i = 0; i < k->n_cpus; i++) {
			uint32_t n;

			if (k->cpus[i].has_memory &&
			    !linux_read(k, stat + k->cpus[i].offset, &n, sizeof(n)))
				count += n;
		}
	}
	uint64_t chip = linux_field_or(k, desc, &q->f[CHIP], 0);
	table_int(&q->table, (int64_t)linux_field_or(k, desc, &q->f[IRQ], index));
	table_int(&q->table, (int64_t)count);
	table_str(&q->table, chip ? text_at(k, linux_field_or(k, chip, &q->f[CHIP_NAME], 0)) : "-");
	table_str(&q->table, actions(q, desc));
	table_str(&q->table, linux_keep(k, "0x%llx", (unsigned long long)desc));
	return 0;
}

static int run(struct crash_run *r)
{
	struct irqs q = { .k = linux_of(r->core) };
	struct walk_over tree = { .kind = WALK_XARRAY, .limit = IRQS_MOST };
	const char *cut = NULL;
	struct page p;

	kfield_find_all(q.k->types, wanted, FIELDS, q.f);
	if (linux_symbol(q.k, "sparse_irqs", &tree.head)) // since 6.5
		tree.kind = WALK_MAPLE;
	else if (!linux_symbol(q.k, "irq_desc_tree", &tree.head))
		return linux_fail_place(q.k, "interrupts");
	table_init(&q.table, columns, MEM_LEN(columns));
	int err = crash_walk(r->core, &tree, add, &q, &cut);
	if (!err && cut)
		r->note(linux_keep(q.k, "interrupts: %s", cut));
	page_begin(&p, r, "Interrupts");
	if (!err)
		err = page_table(&p, "irqs", "Interrupts", &q.table);
	page_end(&p);
	table_fini(&q.table);
	return err;
}

const struct crash_verb linux_irq = {
	.name = "irq",
	.args = "",
	.summary = "Interrupts: who handles them, and how many came",
	.has_html = true,
	.run = run,
};
