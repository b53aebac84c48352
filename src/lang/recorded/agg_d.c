/* SPDX-License-Identifier: MIT */
/** What scripts in D ask for while they run over a trace: lines of clauses, aggregations. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/recorded/outcome.h"

enum { AGGS_MOST = 16 };

int rec_aggs_init(struct rec_aggs *a, const struct script *s, struct machine *m, struct printer *p)
{
	*a = (struct rec_aggs){ .script = s, .machine = m, .printer = p };
	a->all = calloc(s->n_maps + 1, sizeof(*a->all));
	return a->all ? 0 : sonde_fail(-ENOMEM, "out of memory");
}

void rec_aggs_fini(struct rec_aggs *a)
{
	free(a->all);
}

static struct d_agg agg_of(const struct rec_aggs *a, size_t map, struct rows *rows)
{
	const uint64_t normal = a->all[map].normal;

	return (struct d_agg){ &a->script->maps[map], rows, normal ? normal : 1 };
}

static int printa(struct rec_aggs *a, const struct site *site)
{
	struct d_agg aggs[AGGS_MOST] = { 0 };
	struct rows rows[AGGS_MOST];
	const size_t n = site->n_maps < AGGS_MOST ? site->n_maps : AGGS_MOST;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		rows_init(&rows[i], &a->script->maps[site->maps[i]]);
	for (size_t i = 0; !r && i < n; i++) {
		const size_t map = site->maps[i];
		r = rec_map_read(a->machine, &a->script->maps[map], &rows[i]);
		aggs[i] = agg_of(a, map, &rows[i]);
		a->all[map].is_printed = true;
	}
	if (!r)
		r = print_d_aggs(a->printer, site, aggs, n);
	for (size_t i = 0; i < n; i++)
		rows_fini(&rows[i]);
	return r;
}

/* Entries that stay go into the emptied map; of a map without keys the only one does. */
static int put_back(struct rec_aggs *a, const struct script_map *m, const struct rows *rows)
{
	sonde_auto(mem_freep) uint8_t *val = calloc(1, rows->val_len + sizeof(uint64_t));
	int r = val ? 0 : sonde_fail(-ENOMEM, "out of memory");

	for (size_t i = 0; !r && i < rows->n;
	     i++) { // as long as the map's own values, in whole words
		memcpy(val, rows->vals + i * rows->val_len, rows->val_len);
		r = machine_map_update(a->machine, (size_t)m->bpf_map,
				       rows->keys + i * rows->key_len, val);
	}
	return r;
}

static int truncate_agg(struct rec_aggs *a, const struct site *site, const uint8_t *payload)
{
	const struct script_map *m = &a->script->maps[site->map];
	struct rows rows;
	int64_t most;
	int r = 0;

	memcpy(&most, payload + site->args[1].off, sizeof(most));
	rows_init(&rows, m);
	if (most && m->store == STORE_PERCPU_HASH)
		r = rec_map_read(a->machine, m, &rows);
	if (!r && rows.n)
		r = d_truncate(m, &rows, most);
	if (!r && (!most || m->store == STORE_PERCPU_HASH)) {
		machine_map_clear(a->machine, (size_t)m->bpf_map);
		r = put_back(a, m, &rows);
	}
	rows_fini(&rows);
	return r;
}

static void begin_line(const struct rec_aggs *a, const void *payload)
{
	uint32_t at[2];

	memcpy(at, payload, sizeof(at));
	print_d_line(a->printer, at[0], at[1]);
}

int rec_aggs_act(struct rec_aggs *a, const struct site *site, const void *payload)
{
	switch (site->kind) {
	case SITE_CLAUSE: begin_line(a, payload); return 0;
	case SITE_CLAUSE_END:
		if (a->printer->format == PRINT_TEXT)
			out_str(a->printer->out, "\n");
		return 0;
	case SITE_PRINTA: return printa(a, site);
	case SITE_TRUNC: return truncate_agg(a, site, payload);
	case SITE_NORMALIZE: memcpy(&a->all[site->map].normal, payload, sizeof(uint64_t)); return 0;
	case SITE_DENORMALIZE: a->all[site->map].normal = 0; return 0;
	default: return sonde_fail(-EINVAL, "%s cannot be had from a trace", site->name);
	}
}

int rec_aggs_print(struct rec_aggs *a)
{
	int r = 0;

	for (size_t i = 0; !r && i < a->script->n_maps; i++) {
		const struct script_map *m = &a->script->maps[i];
		struct rows rows;

		if (ast_map_is_hidden(m->name) || a->all[i].is_printed)
			continue;
		rows_init(&rows, m);
		r = rec_map_read(a->machine, m, &rows);
		if (!r && rows.n) {
			const struct d_agg agg = agg_of(a, i, &rows);
			r = print_d_aggs(a->printer, NULL, &agg, 1);
		}
		rows_fini(&rows);
	}
	return r;
}
