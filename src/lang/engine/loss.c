/* SPDX-License-Identifier: MIT */
/** What was lost, left out or late, each with its number and its place in the script. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fmt.h"
#include "lang/engine/parts.h"
#include "lang/out/quote.h"
#include "lang/world.h"

enum { SECOND = 1000000000, NAME_MOST = 256 };

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
	return s->kind != SITE_LOST_MAP && s->kind != SITE_LOST_MEMORY;
}

/*
 * In JSON: writes {"type": @type, "data": {"@key": @n, and, where it is not NULL, "@what": "@name",
 * and leaves it open. False: it is text.
 */
static bool begin_json(struct engine *e, const char *type, const char *key, uint64_t n,
		       const char *what, const char *name)
{
	struct sonde_out *out = e->opt->out;
	struct strbuf quoted = { 0 };

	if (e->opt->format != PRINT_JSON)
		return false;
	out_fmt(out, "{\"type\": \"%s\", \"data\": {\"%s\": %" PRIu64, type, key, n);
	if (what) {
		quote_json(&quoted, name, strlen(name));
		out_fmt(out, ", \"%s\": ", what);
		out_str(out, quoted.len ? strbuf_text(&quoted) : "null");
	}
	strbuf_fini(&quoted);
	return true;
}

static void end_json(struct engine *e)
{
	out_str(e->opt->out, "}}\n");
}

/* Of all sites together, since it was last told: which they are is said at the end. */
static void tell_new(struct engine *e)
{
	uint64_t n = 0;
	char text[32];

	for (size_t i = 0; i < e->script->n_sites; i++) {
		const uint64_t lost = lost_of(e, i);

		// Who records events tells of them in the trace.
		if (is_record(&e->script->sites[i]) &&
		    !(e->opt->events && e->script->sites[i].kind == SITE_EMIT))
			n += lost - e->told[i];
		e->told[i] = lost;
	}
	if (n && begin_json(e, "lost_events", "events", n, NULL, NULL))
		end_json(e);
	else if (n)
		print_note(&e->printer, "lost_events", "lost %s event%s in the last second",
			   grouped(n, text), plural(n));
}

void engine_loss_now(struct engine *e)
{
	const uint64_t now = engine_now_ns();

	if (now - e->told_ns < SECOND)
		return;
	e->told_ns = now;
	tell_new(e);
}

static void tell_site(struct engine *e, const struct site *s, uint64_t n)
{
	char text[32];

	if (begin_json(e, "lost_events_total", "events", n, "function", s->name)) {
		out_fmt(e->opt->out, ", \"line\": %u", s->pos.line);
		end_json(e);
		return;
	}
	print_note(&e->printer, "lost_events", "lost %s event%s of %s at line %u", grouped(n, text),
		   plural(n), s->name, s->pos.line);
}

/* A map as the script names it: D's variables are maps, too. */
static void name_map(const struct script_map *m, char *ret)
{
	if (m->name[0] == '.')
		(void)snprintf(ret, NAME_MOST, "%s", m->name + 1);
	else
		(void)snprintf(ret, NAME_MOST, "@%s", m->name);
}

static const char *how_to_get_more(const struct engine *e, const struct script_map *m)
{
	if (m->is_declared)
		return "a larger declaration";
	if (!e->script->d)
		return "config = { max_map_keys = ... }";
	return m->name[0] == '.' ? "-x dynvarsize=..." : "-x aggsize=...";
}

static void tell_full(struct engine *e, const struct script_map *m, uint64_t n)
{
	char text[32], name[NAME_MOST];

	name_map(m, name);
	if (begin_json(e, "lost_updates", "updates", n, "map", name)) {
		out_fmt(e->opt->out, ", \"keys\": %u", m->max_entries);
		end_json(e);
		return;
	}
	if (m->store == STORE_TASK) {
		print_note(&e->printer, "lost_updates",
			   "map %s: %s update%s lost, as the thread was at it already", name,
			   grouped(n, text), plural(n));
		return;
	}
	print_note(&e->printer, "lost_updates",
		   "map %s was full (%u keys): %s update%s lost; more keys with %s", name,
		   m->max_entries, grouped(n, text), plural(n), how_to_get_more(e, m));
}

static void tell_no_memory(struct engine *e, const struct script_map *m, uint64_t n)
{
	char text[32], name[NAME_MOST];

	name_map(m, name);
	if (begin_json(e, "lost_updates", "updates", n, "map", name)) {
		out_str(e->opt->out, ", \"reason\": \"memory\"");
		end_json(e);
		return;
	}
	print_note(&e->printer, "lost_updates",
		   "map %s: %s update%s lost, as the kernel had no memory at hand for so many new "
		   "keys",
		   name, grouped(n, text), plural(n));
}

static void tell_late(struct engine *e, const struct script_map *m, uint64_t n)
{
	char text[32], name[NAME_MOST];

	name_map(m, name);
	if (begin_json(e, "late_ticks", "ticks", n, "map", name)) {
		end_json(e);
		return;
	}
	print_note(&e->printer, "late_ticks",
		   "map %s was printed or cleared faster than it could be read: %s time%s not at "
		   "the very tick",
		   name, grouped(n, text), plural(n));
}

static void tell_maps(struct engine *e)
{
	for (size_t i = 0; i < e->script->n_maps; i++) {
		const struct script_map *m = &e->script->maps[i];
		const uint64_t n = m->site >= 0 ? lost_of(e, (size_t)m->site) : 0;
		uint64_t memory = m->site_memory >= 0 ? lost_of(e, (size_t)m->site_memory) : 0;

		memory = memory < n ? memory : n; // another CPU may have made the entry
		if (memory)
			tell_no_memory(e, m, memory);
		if (n > memory)
			tell_full(e, m, n - memory);
		if (e->epochs[i].late && m->n_epochs > 1)
			tell_late(e, m, e->epochs[i].late);
	}
}

/* Events that found a probe at work, or no memory. @probe NULL: of all. */
static void tell_missed(struct engine *e, const char *probe, uint64_t n)
{
	char text[32];

	if (begin_json(e, "missed_events", "events", n, probe ? "probe" : NULL, probe)) {
		end_json(e);
		return;
	}
	if (probe)
		print_note(&e->printer, "missed_events",
			   "%s event%s of '%s' came while a probe ran, and %s left out",
			   grouped(n, text), plural(n), probe, n == 1 ? "was" : "were");
	else
		print_note(&e->printer, "missed_events",
			   "%s event%s came while others were at work on the same CPU, and found "
			   "no memory",
			   grouped(n, text), plural(n));
}

static void tell_count(struct engine *e, const char *type, const char *words, uint64_t n)
{
	char text[32];

	if (!n)
		return;
	if (begin_json(e, type, "times", n, NULL, NULL))
		end_json(e);
	else
		print_note(&e->printer, type, "%s: %s time%s", words, grouped(n, text), plural(n));
}

/* What speculations had no room for, in DTrace's words. */
static void tell_speculations(struct engine *e)
{
	const uint64_t none = e->globals->no_spec, dropped = e->specs.dropped;
	char text[32];

	if (none && begin_json(e, "failed_speculations", "times", none, NULL, NULL))
		end_json(e);
	else if (none)
		print_note(&e->printer, "failed_speculations",
			   "%s failed speculation%s (no speculative buffer available); more with "
			   "-x nspec=...",
			   grouped(none, text), plural(none));
	if (dropped && begin_json(e, "speculative_drops", "records", dropped, NULL, NULL))
		end_json(e);
	else if (dropped)
		print_note(&e->printer, "speculative_drops",
			   "%s speculative drop%s; more room with -x specsize=...",
			   grouped(dropped, text), plural(dropped));
}

void engine_loss_end(struct engine *e)
{
	const struct script_globals *g = e->globals;

	if (e->opt->format == PRINT_JSON)
		tell_new(e); // what was told bit by bit shall be all
	for (size_t i = 0; i < e->script->n_sites; i++) {
		if (is_record(&e->script->sites[i]) && lost_of(e, i))
			tell_site(e, &e->script->sites[i], lost_of(e, i));
	}
	tell_maps(e);
	for (size_t i = 0; i < e->script->n_progs; i++) {
		uint64_t n = 0;

		if (e->progs[i] >= 0 && bpf_prog_missed(e->progs[i], &n) == 0 && n)
			tell_missed(e, e->script->progs[i].probe->name, n);
	}
	if (g->nested)
		tell_missed(e, NULL, g->nested);
	tell_speculations(e);
	tell_count(e, "lost_stacks", "stacks were lost, as there were too many", g->stacks);
	tell_count(e, "cut_loops", "loops were cut off before their end", g->loops);
	if (e->opt->verbose)
		tell_count(e, "faults", "reads of memory failed and gave 0", g->faults);
}
