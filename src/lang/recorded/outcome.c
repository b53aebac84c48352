/* SPDX-License-Identifier: MIT */
/** What a script's programs leave in our machine: records, maps, and what was lost. */
#include "lang/recorded/outcome.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

int outcome_init(struct outcome *o, const struct script *s, struct machine *m,
		 const struct outcome_to *to)
{
	*o = (struct outcome){ .script = s, .machine = m, .to = *to };
	o->printer = (struct printer){
		.script = s, .names = to->names, .out = to->out, .format = to->format
	};
	o->globals = machine_map_value(m, GLOBALS_MAP);
	const int r = speculations_init(&o->specs, s);
	return r ? r : rec_aggs_init(&o->aggs, s, m, &o->printer);
}

void outcome_fini(struct outcome *o)
{
	rec_aggs_fini(&o->aggs);
	speculations_fini(&o->specs);
	printer_fini(&o->printer);
}

/* --- maps --- */

struct reading {
	const struct script_map *m;
	struct rows *rows;
};

static int add_row(void *arg, const void *key, const void *val)
{
	const struct reading *to = arg;
	uint64_t is_set;

	if (to->m->store == STORE_SCALAR) {
		memcpy(&is_set, val, sizeof(is_set));
		return is_set ? rows_add(to->rows, key, (const uint8_t *)val + sizeof(is_set)) : 0;
	}
	if (to->m->store == STORE_PERCPU && agg_is_empty(to->m->val, val))
		return 0;
	return rows_add(to->rows, key, val);
}

int rec_map_read(struct machine *machine, const struct script_map *m, struct rows *ret)
{
	const struct reading to = { m, ret };

	return machine_map_each(machine, (size_t)m->bpf_map, add_row, (void *)&to);
}

static int show_map(struct outcome *o, const struct script_map *m, const struct site *site)
{
	struct rows rows;

	rows_init(&rows, m);
	int n = rec_map_read(o->machine, m, &rows);
	if (!n && (site || rows.n))
		n = print_map(&o->printer, m, &rows, site ? site->top : 0, site ? site->div : 0);
	rows_fini(&rows);
	return n;
}

static int zero_row(void *arg, const void *key, const void *val)
{
	const struct script_map *m = arg;

	(void)key;
	// Lent by the machine, whose thread this is.
	memset((void *)(uintptr_t)val, 0, (m->val->size + 7) & ~7U);
	return 0;
}

static int act_on_map(struct outcome *o, const struct site *site)
{
	const struct script_map *m = &o->script->maps[site->map];

	switch (site->kind) {
	case SITE_PRINT_MAP: return show_map(o, m, site);
	case SITE_CLEAR: machine_map_clear(o->machine, (size_t)m->bpf_map); return 0;
	default:
		return machine_map_each(o->machine, (size_t)m->bpf_map, zero_row,
					(void *)(uintptr_t)m);
	}
}

/* --- records --- */

static int act_on_part(void *arg, const struct site *part, const void *payload, size_t len)
{
	struct outcome *o = arg;

	return print_record(&o->printer, part, payload, len);
}

static int act(struct outcome *o, const struct site *site, const void *payload, size_t len)
{
	if (site->is_whole)
		return print_d_clause(&o->printer, site, payload, act_on_part, o);
	switch (site->kind) {
	case SITE_PRINT_MAP:
	case SITE_CLEAR:
	case SITE_ZERO: return site->map < 0 ? 0 : act_on_map(o, site);
	case SITE_EXIT: return 0; // programs see it in the globals
	default:
		return site->kind >= SITE_CLAUSE && site->kind != SITE_TRACE &&
				       site->kind != SITE_TRACEMEM
			       ? rec_aggs_act(&o->aggs, site, payload)
			       : print_record(&o->printer, site, payload, len);
	}
}

/* A record that is whole, and of a site that there is. */
static int act_on_record(void *arg, const void *data, size_t len)
{
	struct outcome *o = arg;
	struct record_head head;

	memcpy(&head, data, sizeof(head));
	return act(o, &o->script->sites[head.site], (const char *)data + sizeof(head),
		   len - sizeof(head));
}

static int take(struct outcome *o, const struct site *site, const struct record_head *head,
		const void *data, size_t len)
{
	uint64_t mark;

	if (site->kind == SITE_COMMIT || site->kind == SITE_DISCARD) {
		memcpy(&mark, (const char *)data + sizeof(*head), sizeof(mark));
		return speculations_end(&o->specs, mark, site->kind == SITE_COMMIT, act_on_record,
					o);
	}
	if (site->kind == SITE_CLAUSE && head->ts_ns)
		return speculations_take(&o->specs, head->ts_ns, data, len, act_on_record, o);
	return act_on_record(o, data, len);
}

void outcome_take(struct outcome *o, const void *data, size_t len)
{
	struct record_head head;

	if (len < sizeof(head) || o->err)
		return;
	memcpy(&head, data, sizeof(head));
	if (head.site >= o->script->n_sites)
		return;
	const struct site *site = &o->script->sites[head.site];
	if (len - sizeof(head) < site->payload_len)
		return;
	const int e = take(o, site, &head, data, len);
	if (e < 0)
		o->err = e;
}

size_t outcome_frames(const struct script *s, struct machine *m, uint64_t id, uint64_t *ret)
{
	const int map = s->stack_map;
	const void *frames = map < 0 ? NULL : machine_map_find(m, (size_t)map, &id);

	if (!frames)
		return 0;
	memcpy(ret, frames, STACK_MOST * sizeof(*ret));
	for (size_t i = 0; i < STACK_MOST; i++)
		if (!ret[i])
			return i;
	return STACK_MOST;
}

/* --- the end --- */

void outcome_note(struct outcome *o, uint64_t n, const char *what)
{
	char line[128];

	if (!n || !o->to.note)
		return;
	(void)snprintf(line, sizeof(line), "%llu %s", (unsigned long long)n, what);
	o->to.note(o->to.note_arg, line);
}

static void tell_losses(struct outcome *o)
{
	const uint64_t *lost =
		(const uint64_t *)((const uint8_t *)o->globals + o->script->lost_off);
	char line[160];

	outcome_note(o, machine_cut_off(o->machine), "programs ran too long, and were ended");
	outcome_note(o, o->globals->no_spec,
		     "failed speculations (no speculative buffer available); more with -x nspec");
	outcome_note(o, o->specs.dropped, "speculative drops; more room with -x specsize");
	for (size_t i = 0; i < o->script->n_sites && o->to.note; i++) {
		const struct site *s = &o->script->sites[i];
		if (!lost[i])
			continue;
		if (s->kind == SITE_LOST_MAP && s->map >= 0)
			(void)snprintf(
				line, sizeof(line), "map @%s was full (%u keys): %llu updates lost",
				o->script->maps[s->map].name, o->script->maps[s->map].max_entries,
				(unsigned long long)lost[i]);
		else
			(void)snprintf(line, sizeof(line),
				       "%llu records of %s at line %u were lost",
				       (unsigned long long)lost[i], s->name, s->pos.line);
		o->to.note(o->to.note_arg, line);
	}
}

static int by_name(const void *pa, const void *pb)
{
	const struct script_map *a = *(const struct script_map *const *)pa;
	const struct script_map *b = *(const struct script_map *const *)pb;

	return strcmp(a->name, b->name);
}

static int show_maps(struct outcome *o)
{
	const size_t n = o->script->n_maps;
	sonde_auto(mem_freep) const struct script_map **order = calloc(n + 1, sizeof(*order));
	int e = 0;

	if (!order)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		order[i] = &o->script->maps[i];
	qsort(order, n, sizeof(*order), by_name);
	for (size_t i = 0; !e && i < n; i++)
		e = show_map(o, order[i], NULL);
	return e;
}

int outcome_show(struct outcome *o)
{
	int e = o->err;

	if (!e && o->to.format == PRINT_TEXT)
		out_str(o->to.out, o->script->d ? "\n" : "\n\n");
	if (!e && o->script->print_maps_on_exit)
		e = o->script->d ? rec_aggs_print(&o->aggs) : show_maps(o);
	return e;
}

int outcome_finish(struct outcome *o, int e, int *ret_status)
{
	tell_losses(o);
	*ret_status = (int)o->globals->exit_status;
	return e < 0 ? e : out_flush(o->to.out);
}
