/* SPDX-License-Identifier: MIT */
/**
 * The script's maps, read from the kernel.
 *
 * A map that is printed or cleared at a tick has several buffers. The tick's own program closes the
 * buffer that is written to, and opens the next one, so that what it prints is what came up to that
 * moment, however late this reader is:
 *
 *	updates ──> buffer epoch % n
 *	print(@x):  record { epoch }, epoch++
 *	reader:     waits until no program is left that began before, reads the buffers from
 *`drained` up to the record's epoch into `kept`, empties them, drained = epoch + 1; prints
 *
 * The kernel goes on to the next buffer only if that was drained; else the record says "late", and
 * its buffer is read as it is, while it changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/engine/parts.h"

int engine_maps_init(struct engine *e)
{
	const struct script *s = e->script;
	uint32_t most = 0;

	e->map_states = calloc(s->n_maps + 1, sizeof(*e->map_states));
	if (!e->map_states)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < s->n_maps; i++) {
		const struct script_map *m = &s->maps[i];

		rows_init(&e->map_states[i].kept, m);
		if (m->val->size > most)
			most = m->val->size;
	}
	e->n_cpus = bpf_possible_cpus();
	e->merged = malloc(most + 1);
	return e->merged ? 0 : sonde_fail(-ENOMEM, "out of memory");
}

void engine_maps_fini(struct engine *e)
{
	for (size_t i = 0; e->map_states && i < e->script->n_maps; i++)
		rows_fini(&e->map_states[i].kept);
	free(e->map_states);
	free(e->merged);
}

/* Entries on their way from a buffer to rows. */
struct reading {
	struct engine *e;
	const struct script_map *m;
	struct rows *rows;
};

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static int add_entry(void *arg, const void *key, const void *val)
{
	const struct reading *to = arg;
	const struct type *t = to->m->val;
	const uint8_t *bytes = val;
	uint64_t is_set;

	switch (to->m->store) {
	case STORE_SCALAR:
		memcpy(&is_set, val, sizeof(is_set));
		return is_set ? rows_add(to->rows, key, bytes + sizeof(is_set)) : 0;
	case STORE_TASK: // what was deleted is 0 there, and the room stays with its thread
		return is_zero(bytes, t->size) ? 0 : rows_add(to->rows, key, val);
	case STORE_HASH: return rows_add(to->rows, key, val);
	case STORE_PERCPU:
	case STORE_PERCPU_HASH:
		memset(to->e->merged, 0, t->size);
		for (unsigned cpu = 0; cpu < to->e->n_cpus; cpu++)
			agg_merge(t, to->e->merged, bytes + (size_t)cpu * ((t->size + 7) & ~7u));
		if (to->m->store == STORE_PERCPU && agg_is_empty(t, to->e->merged))
			return 0;
		return rows_add(to->rows, key, to->e->merged);
	}
	return 0;
}

static int read_buffer(struct engine *e, const struct script_map *m, uint32_t epoch,
		       struct rows *rows)
{
	struct reading to = { e, m, rows };

	int r;
	if (m->store == STORE_TASK)
		r = engine_task_each(e, m, add_entry, &to);
	else
		r = bpf_maps_each(e->maps, (size_t)m->bpf_map + epoch % m->n_epochs, add_entry,
				  &to);
	return r < 0 ? sonde_wrap(r, "map @%s", m->name) : 0;
}

static uint32_t load_epoch(const struct epoch_state *s)
{
	return __atomic_load_n(&s->epoch, __ATOMIC_ACQUIRE);
}

/*
 * Waits until buffers up to @epoch are written to by nobody. One wait serves all maps whose flip
 * was seen before it began.
 */
static void make_quiet(struct engine *e, size_t map, uint32_t epoch)
{
	if ((int32_t)(e->map_states[map].quiet - epoch) > 0)
		return;
	for (size_t i = 0; i < e->script->n_maps; i++)
		e->map_states[i].quiet = load_epoch(&e->epochs[i]);
	bpf_quiesce();
}

/* Reads and empties the buffers before @end, a number of a buffer that may be open. */
static int drain_to(struct engine *e, size_t map, uint32_t end)
{
	const struct script_map *m = &e->script->maps[map];
	struct epoch_state *state = &e->epochs[map];
	struct rows *kept = &e->map_states[map].kept;
	bool some = false;
	int r = 0;

	while (!r && (int32_t)(end - state->drained) > 0) {
		const uint32_t epoch = state->drained;

		r = read_buffer(e, m, epoch, kept);
		if (!r)
			r = bpf_maps_clear(e->maps, (size_t)m->bpf_map + epoch % m->n_epochs);
		if (!r)
			__atomic_store_n(&state->drained, epoch + 1, __ATOMIC_RELEASE);
		some = true;
	}
	return !r && some ? rows_merge(kept, m) : r;
}

/* Brings in all that was closed up to the record. True: that was late, its buffer is not closed. */
static int catch_up(struct engine *e, size_t map, uint32_t epoch, bool *ret_late)
{
	const bool late = epoch & EPOCH_OPEN;
	const uint32_t end = (epoch & ~EPOCH_OPEN) + (late ? 0 : 1);

	*ret_late = late;
	if ((int32_t)(end - e->epochs[map].drained) <= 0)
		return 0;
	make_quiet(e, map, end - 1);
	return drain_to(e, map, end);
}

static int copy_rows(struct rows *to, const struct rows *from)
{
	int r = 0;

	for (size_t i = 0; !r && i < from->n; i++)
		r = rows_add(to, from->keys + i * from->key_len, from->vals + i * from->val_len);
	return r;
}

/*
 * Prints a map as it is now: what was kept, and the buffer that was open at the print(). A clear()
 * behind it may have closed that buffer meanwhile.
 */
static int print_open(struct engine *e, const struct site *site, uint32_t epoch)
{
	const struct script_map *m = &e->script->maps[site->map];
	struct rows rows;

	rows_init(&rows, m);
	int r = copy_rows(&rows, &e->map_states[site->map].kept);
	if (!r)
		r = read_buffer(e, m, epoch, &rows);
	if (!r && m->n_epochs > 1)
		r = rows_merge(&rows, m);
	if (!r)
		r = print_map(&e->printer, m, &rows, site->top, site->div);
	rows_fini(&rows);
	return r;
}

/* --- aggregations of D --- */

/* The rows of a map as a record of that @epoch saw it; in @tmp where its buffer is still open. */
static int rows_then(struct engine *e, size_t map, uint32_t epoch, struct rows *tmp,
		     struct rows **ret)
{
	const struct script_map *m = &e->script->maps[map];
	bool late = true;

	int r = m->n_epochs > 1 ? catch_up(e, map, epoch, &late) : 0;
	*ret = &e->map_states[map].kept;
	if (r < 0 || !late)
		return r;
	*ret = tmp;
	r = copy_rows(tmp, &e->map_states[map].kept);
	if (!r)
		r = read_buffer(e, m, m->n_epochs > 1 ? load_epoch(&e->epochs[map]) : 0, tmp);
	return !r && m->n_epochs > 1 ? rows_merge(tmp, m) : r;
}

enum { AGGS_MOST = 16 };

static int printa(struct engine *e, const struct site *site, const uint8_t *payload)
{
	struct d_agg aggs[AGGS_MOST] = { 0 };
	struct rows tmp[AGGS_MOST];
	const size_t n = site->n_maps < AGGS_MOST ? site->n_maps : AGGS_MOST;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		rows_init(&tmp[i], &e->script->maps[site->maps[i]]);
	for (size_t i = 0; !r && i < n; i++) {
		struct map_state *state = &e->map_states[site->maps[i]];
		struct rows *rows = NULL;
		uint32_t epoch;

		memcpy(&epoch, payload + site->args[i].off, sizeof(epoch));
		r = rows_then(e, site->maps[i], epoch, &tmp[i], &rows);
		aggs[i] = (struct d_agg){ &e->script->maps[site->maps[i]], rows,
					  state->normal ? state->normal : 1 };
		state->is_printed = true;
	}
	if (!r)
		r = print_d_aggs(&e->printer, site, aggs, n);
	for (size_t i = 0; i < n; i++)
		rows_fini(&tmp[i]);
	return r;
}

/* trunc(): what is left stays where it was read to. */
static int truncate_agg(struct engine *e, const struct site *site, const uint8_t *payload)
{
	const size_t map = (size_t)site->map;
	const struct script_map *m = &e->script->maps[map];
	struct rows *kept = &e->map_states[map].kept;
	bool late = true;
	uint32_t epoch;
	int64_t most;

	memcpy(&epoch, payload + site->args[0].off, sizeof(epoch));
	memcpy(&most, payload + site->args[1].off, sizeof(most));
	int r = m->n_epochs > 1 ? catch_up(e, map, epoch, &late) : 0;
	if (!r && late) { // it is read now, and emptied
		r = read_buffer(e, m, epoch & ~EPOCH_OPEN, kept);
		if (!r)
			r = bpf_maps_clear(e->maps, (size_t)m->bpf_map +
							    (epoch & ~EPOCH_OPEN) % m->n_epochs);
		if (!r)
			r = rows_merge(kept, m);
	}
	return r < 0 ? r : d_truncate(m, kept, most);
}

int engine_agg_act(struct engine *e, const struct site *site, const void *payload)
{
	switch (site->kind) {
	case SITE_PRINTA: return printa(e, site, payload);
	case SITE_TRUNC: return truncate_agg(e, site, payload);
	case SITE_NORMALIZE:
		memcpy(&e->map_states[site->map].normal, payload, sizeof(uint64_t));
		return 0;
	default: e->map_states[site->map].normal = 0; return 0;
	}
}

int engine_aggs_print(struct engine *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < e->script->n_maps && !e->ends; i++) {
		const struct script_map *m = &e->script->maps[i];
		struct map_state *state = &e->map_states[i];

		if (ast_map_is_hidden(m->name) || state->is_printed)
			continue;
		r = m->n_epochs > 1 ? drain_to(e, i, load_epoch(&e->epochs[i]) + 1)
				    : read_buffer(e, m, 0, &state->kept);
		if (r < 0 || !state->kept.n)
			continue;
		const struct d_agg agg = { m, &state->kept, state->normal ? state->normal : 1 };
		r = print_d_aggs(&e->printer, NULL, &agg, 1);
		engine_look_at_signals(e);
	}
	return r;
}

int engine_map_print(struct engine *e, const struct site *site, uint32_t epoch)
{
	const size_t map = (size_t)site->map;
	const struct script_map *m = &e->script->maps[map];
	bool late = true;

	int r = m->n_epochs > 1 ? catch_up(e, map, epoch, &late) : 0;
	if (r < 0)
		return r;
	if (late)
		return print_open(e, site, epoch & ~EPOCH_OPEN);
	return print_map(&e->printer, m, &e->map_states[map].kept, site->top, site->div);
}

int engine_map_clear(struct engine *e, const struct site *site, uint32_t epoch)
{
	const size_t map = (size_t)site->map;
	const struct script_map *m = &e->script->maps[map];
	bool late = true;

	int r = m->n_epochs > 1 ? catch_up(e, map, epoch, &late) : 0;
	if (r < 0)
		return r;
	rows_reset(&e->map_states[map].kept);
	if (m->store == STORE_TASK)
		return engine_task_clear(e, m);
	// A late one's buffer may have been closed since, by a tick that has yet to print it.
	if (!late || (m->n_epochs > 1 && load_epoch(&e->epochs[map]) != (epoch & ~EPOCH_OPEN)))
		return 0;
	return bpf_maps_clear(e->maps, (size_t)m->bpf_map + (epoch & ~EPOCH_OPEN) % m->n_epochs);
}

struct zeroing {
	struct engine *e;
	size_t bpf_map;
	bool is_scalar;
	uint8_t *val; /* owned */
};

static int zero_entry(void *arg, const void *key, const void *val)
{
	const struct zeroing *z = arg;

	if (z->is_scalar) // is_set stays
		memcpy(z->val, val, sizeof(uint64_t));
	int r = bpf_maps_update(z->e->maps, z->bpf_map, key, z->val);
	return r == -ENOENT ? 0 : r;
}

/* Sets the values of a buffer that is open to zero, one by one. */
static int zero_open(struct engine *e, const struct script_map *m, uint32_t epoch)
{
	struct zeroing z = { e, (size_t)m->bpf_map + epoch % m->n_epochs, m->store == STORE_SCALAR,
			     NULL };

	if (m->store == STORE_TASK) // these are numbers: none is as good as 0
		return engine_task_clear(e, m);
	z.val = calloc(1, bpf_maps_row_len(e->maps, z.bpf_map) + sizeof(uint64_t));
	if (!z.val)
		return sonde_fail(-ENOMEM, "out of memory");
	int r = bpf_maps_each(e->maps, z.bpf_map, zero_entry, &z);
	free(z.val);
	return r;
}

int engine_map_zero(struct engine *e, const struct site *site, uint32_t epoch)
{
	const size_t map = (size_t)site->map;
	const struct script_map *m = &e->script->maps[map];
	struct rows *kept = &e->map_states[map].kept;
	bool late = true;

	int r = m->n_epochs > 1 ? catch_up(e, map, epoch, &late) : 0;
	if (r < 0)
		return r;
	if (kept->n)
		memset(kept->vals, 0, kept->n * kept->val_len);
	return late ? zero_open(e, m, epoch & ~EPOCH_OPEN) : 0;
}

static int by_name(const void *pa, const void *pb)
{
	const struct script_map *a = *(const struct script_map *const *)pa;
	const struct script_map *b = *(const struct script_map *const *)pb;

	return strcmp(a->name, b->name);
}

static int print_last(struct engine *e, const struct script_map *m)
{
	const size_t map = (size_t)(m - e->script->maps);
	struct rows *kept = &e->map_states[map].kept;

	int r = m->n_epochs > 1 ? drain_to(e, map, load_epoch(&e->epochs[map]) + 1)
				: read_buffer(e, m, 0, kept);
	if (r < 0 || !kept->n)
		return r;
	return print_map(&e->printer, m, kept, 0, 0);
}

int engine_maps_print(struct engine *e)
{
	const size_t n = e->script->n_maps;
	sonde_auto(mem_freep) const struct script_map **order = calloc(n + 1, sizeof(*order));
	int r = 0;

	if (!order)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		order[i] = &e->script->maps[i];
	qsort(order, n, sizeof(*order), by_name);
	for (size_t i = 0; !r && i < n && !e->ends; i++) {
		if (ast_map_is_hidden(order[i]->name))
			continue;
		r = print_last(e, order[i]);
		engine_look_at_signals(e);
	}
	return r;
}
