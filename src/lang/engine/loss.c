/* SPDX-License-Identifier: MIT */
/** What was lost, left out or late, each with its number and its place in the script. */
#include <string.h>

#include "base/fmt.h"
#include "lang/engine/parts.h"
#include "lang/world.h"

enum { SECOND = 1000000000 };

/* "1,234,567" */
static const char *grouped(uint64_t v, char ret[32])
{
	char plain[FMT_MOST];
	const size_t n = (size_t)(fmt_u64(plain, v) - plain);
	char *p = ret;

	for (size_t i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*p++ = ',';
		*p++ = plain[i];
	}
	*p = '\0';
	return ret;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static uint64_t lost_of(const struct engine *e, size_t site)
{
	return __atomic_load_n(&e->lost[site], __ATOMIC_RELAXED);
}

static bool is_record(const struct site *s)
{
	return s->kind != SITE_LOST_MAP;
}

/* One line for all sites together: which they are is said at the end. */
void engine_loss_now(struct engine *e)
{
	const uint64_t now = engine_now_ns();
	uint64_t n = 0;
	char text[32];

	if (now - e->told_ns < SECOND)
		return;
	e->told_ns = now;
	for (size_t i = 0; i < e->script->n_sites; i++) {
		const uint64_t lost = lost_of(e, i);

		if (is_record(&e->script->sites[i]))
			n += lost - e->told[i];
		e->told[i] = lost;
	}
	if (n)
		print_note(&e->printer, "lost_events", "lost %s event%s in the last second",
			   grouped(n, text), plural(n));
}

static void tell_records(struct engine *e)
{
	for (size_t i = 0; i < e->script->n_sites; i++) {
		const struct site *s = &e->script->sites[i];
		const uint64_t n = lost_of(e, i);
		char text[32];

		if (n && is_record(s))
			print_note(&e->printer, "lost_events", "lost %s event%s of %s at line %u",
				   grouped(n, text), plural(n), s->name, s->pos.line);
	}
}

static void tell_maps(struct engine *e)
{
	for (size_t i = 0; i < e->script->n_maps; i++) {
		const struct script_map *m = &e->script->maps[i];
		const uint64_t n = m->site >= 0 ? lost_of(e, (size_t)m->site) : 0;
		const uint64_t late = e->epochs[i].late;
		char text[32];

		if (n)
			print_note(&e->printer, "lost_updates",
				   "map @%s was full (%u keys): %s update%s lost; more keys with "
				   "config = { max_map_keys = ... }",
				   m->name, m->max_entries, grouped(n, text), plural(n));
		if (late && m->n_epochs > 1)
			print_note(&e->printer, "late",
				   "map @%s was printed or cleared faster than it could be read: "
				   "%s time%s not at the very tick",
				   m->name, grouped(late, text), plural(late));
	}
}

static void tell_missed(struct engine *e)
{
	for (size_t i = 0; i < e->script->n_progs; i++) {
		uint64_t n = 0;
		char text[32];

		if (e->progs[i] < 0 || bpf_prog_missed(e->progs[i], &n) < 0 || !n)
			continue;
		print_note(&e->printer, "missed_events",
			   "%s event%s of '%s' came while a probe ran, and %s left out",
			   grouped(n, text), plural(n), e->script->progs[i].probe->name,
			   n == 1 ? "was" : "were");
	}
}

void engine_loss_end(struct engine *e)
{
	const struct script_globals *g = e->globals;
	char text[32];

	tell_records(e);
	tell_maps(e);
	tell_missed(e);
	if (g->nested)
		print_note(&e->printer, "missed_events",
			   "%s event%s came while others were at work on the same CPU, and found "
			   "no memory",
			   grouped(g->nested, text), plural(g->nested));
	if (g->loops)
		print_note(&e->printer, "cut_loops", "%s loop%s cut off before the end",
			   grouped(g->loops, text), g->loops == 1 ? " was" : "s were");
	if (g->faults && e->opt->verbose)
		print_note(&e->printer, "faults", "%s read%s of memory failed and gave 0",
			   grouped(g->faults, text), plural(g->faults));
}
