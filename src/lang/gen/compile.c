/* SPDX-License-Identifier: MIT */
/** A tree to a loadable script: finds the probes, checks all, then generates program by program. */
#include "lang/gen/compile.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "bpf/cpus.h"
#include "lang/check/check.h"
#include "lang/gen/gen.h"
#include "lang/syntax/d/d.h"

enum { ROUNDS_MOST = 500, PAIRS_MOST = 100000, RING_SMALL = 1 << 18, RING_LARGE = 1 << 22 };

/** A probe of the script and one of the points it attaches to. */
struct pair {
	const struct ast_probe *probe;
	const struct ast_attach *attach;
	const struct probe *point;
};

struct compiler {
	struct check check;
	struct gen gen;
	struct script *script;
	struct diag *diag;
	struct pair *pairs; /* owned */
	size_t n_pairs, cap_pairs;
};

void script_free(struct script *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_progs; i++)
		bpf_code_fini(&s->progs[i].code);
	free(s->progs);
	free(s->sites);
	free(s->bpf_maps);
	arena_fini(&s->arena);
	free(s);
}

/* Adds what one attach point names. */
static int find_one(struct compiler *c, struct world *w, const struct ast_probe *p,
		    const struct ast_attach *a, const struct probe_wants *wants)
{
	const struct probe *points = NULL;
	int r = w->ops->probes(w, c->diag, &c->script->arena, a, wants, &points);

	if (r == -EINVAL && (c->diag->n_errors || c->diag->lenient))
		r = 0; // told; the others may be wrong as well
	for (; !r && points; points = points->next) {
		r = c->n_pairs < PAIRS_MOST ? mem_grow(&c->pairs, &c->cap_pairs, c->n_pairs + 1)
					    : sonde_fail(-E2BIG, "more than %d probes", PAIRS_MOST);
		if (!r)
			c->pairs[c->n_pairs++] = (struct pair){ p, a, points };
	}
	return r;
}

static int find_points(struct compiler *c, struct world *w, const struct ast_probe *p)
{
	struct probe_wants wants;
	const unsigned errors = c->diag->n_errors;
	int r = check_wants(&c->check, p, &wants);

	// Scripts name what different kernels and libraries call differently: one is enough. In D
	// that is so of what one description stands for.
	const bool none_is_fine = c->check.missing_probes >= MISSING_WARN;
	c->diag->misses_files = none_is_fine;
	for (const struct ast_attach *a = p->attach; !r && a;) {
		const struct ast_attach *first = a;
		const size_t before = c->n_pairs;

		c->diag->lenient = none_is_fine || (a->next && a->next->d == a->d &&
						    c->check.missing_probes != MISSING_ERROR);
		c->diag->ignores_missing = c->check.missing_probes == MISSING_IGNORE || a->d;
		do {
			r = find_one(c, w, p, a, &wants);
			a = a->next;
		} while (!r && a && a->d == first->d);
		if (!r && c->n_pairs == before && c->diag->n_errors == errors && !none_is_fine)
			(void)diag_error(c->diag, first->pos, "no-probes",
					 "none of these points is there");
	}
	c->diag->lenient = c->diag->ignores_missing = false;
	return r;
}

/* Goes over all probes until no map's type changes. */
static bool settle(struct compiler *c)
{
	struct check *k = &c->check;

	for (unsigned round = 0; round < ROUNDS_MOST && !k->no_memory; round++) {
		k->changed = false;
		for (size_t i = 0; i < c->n_pairs; i++)
			check_probe(k, c->pairs[i].probe, c->pairs[i].point);
		if (!k->changed)
			break;
	}
	return !k->changed;
}

static bool has_unknown_map(const struct check *k)
{
	for (const struct map_info *m = k->maps; m; m = m->next)
		if (m->written && !m->val)
			return true;
	return false;
}

/* Types of maps settle, then all is checked once more to tell what is wrong. */
static int check_all(struct compiler *c)
{
	struct check *k = &c->check;

	k->quiet = true;
	bool settled = settle(c);
	if (settled && !k->ast->d && has_unknown_map(k)) { // @x = @x + 1, and nothing else
		k->guesses = true;
		settled = settle(c);
	}
	k->quiet = false;
	const struct ast_probe *bad = NULL;
	for (size_t i = 0; i < c->n_pairs && !k->no_memory; i++) {
		const unsigned before = c->diag->n_errors;

		if (c->pairs[i].probe == bad)
			continue; // once is enough for all its points
		check_probe(k, c->pairs[i].probe, c->pairs[i].point);
		if (c->diag->n_errors != before)
			bad = c->pairs[i].probe;
	}
	if (k->no_memory)
		return sonde_fail(-ENOMEM, "out of memory");
	if (!settled && !c->diag->n_errors)
		return diag_error(c->diag, c->pairs[0].probe->pos, "too-complex",
				  "the types of maps do not settle");
	return c->diag->n_errors ? -EINVAL : 0;
}

/* A counter for each CPU that there can be, as many as a mask can choose among. */
static uint32_t emit_cpus(void)
{
	const unsigned most = cpus_end();
	uint32_t n = 1;

	while (n < most && n < CPUS_MOST)
		n *= 2;
	return n;
}

/* The first two maps, and where what lies in the globals. */
static int begin(struct compiler *c)
{
	struct script *s = c->script;
	struct gen *g = &c->gen;
	const struct bpf_map_spec globals = {
		.name = "globals",
		.type = BPF_MAP_TYPE_ARRAY,
		.key_len = 4,
		.max_entries = 1,
		.flags = BPF_F_MMAPABLE,
		.inner = -1,
	};
	const struct bpf_map_spec ring = { .name = "ring",
					   .type = BPF_MAP_TYPE_RINGBUF,
					   .inner = -1 };

	*g = (struct gen){ .check = &c->check,
			   .script = s,
			   .diag = c->diag,
			   .arena = &s->arena,
			   .rodata_map = -1,
			   .zeros_off = -1 };
	s->stack_map = -1;
	s->n_maps = c->check.n_maps;
	s->maps = arena_array(&s->arena, s->n_maps ? s->n_maps : 1, sizeof(*s->maps));
	s->epochs_off = (sizeof(struct script_globals) + 7) & ~7U;
	s->emit_lost_off = s->epochs_off + (uint32_t)(s->n_maps * sizeof(struct epoch_state));
	s->n_emit_cpus = c->check.events ? emit_cpus() : 0;
	s->specs_off = s->emit_lost_off + s->n_emit_cpus * (uint32_t)sizeof(uint64_t);
	s->n_specs = s->d ? s->d->n_specs : 0;
	s->lost_off = (s->specs_off + s->n_specs * (uint32_t)sizeof(uint32_t) + 7) & ~7U;
	if (!s->maps || gen_bpf_map(g, &globals) < 0 || gen_bpf_map(g, &ring) < 0)
		return sonde_fail(-ENOMEM, "out of memory");
	gen_maps(g);
	return g->failed ? sonde_fail(-ENOMEM, "out of memory") : c->diag->n_errors ? -EINVAL : 0;
}

static int finish(struct compiler *c, const struct compile_options *opt)
{
	struct script *s = c->script;
	struct gen *g = &c->gen;

	if (strbuf_ok(&g->rodata) < 0)
		return -ENOMEM;
	if (g->rodata_map >= 0) {
		const uint32_t len = (uint32_t)(g->rodata.len ? g->rodata.len : 8);
		void *data = arena_alloc(&s->arena, len);
		if (!data)
			return -ENOMEM;
		memcpy(data, strbuf_text(&g->rodata), g->rodata.len);
		s->bpf_maps[g->rodata_map].val_len = len;
		s->bpf_maps[g->rodata_map].data = data;
	}
	s->bpf_maps[GLOBALS_MAP].val_len =
		s->lost_off + 8 * (uint32_t)(s->n_sites ? s->n_sites : 1);
	if (!s->ring_len)
		s->ring_len = opt->ring_len ? opt->ring_len : g->busy ? RING_LARGE : RING_SMALL;
	s->bpf_maps[RING_MAP].max_entries = s->ring_len;
	const char **names =
		arena_array(&s->arena, s->n_probe_names ? s->n_probe_names : 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	if (s->n_probe_names)
		memcpy(names, g->names, s->n_probe_names * sizeof(*names));
	s->probe_names = names;
	return 0;
}

/* Names in D of the places of a point, but for one that has just got its number; how many. */
static int number_places(struct gen *g, const struct ast_attach *ap, const struct probe *first)
{
	const char *last = g->names[g->script->n_probe_names - 1];
	int ret = 0;

	for (const struct probe *p = first; p; p = p == first ? p->same : p->next) {
		const size_t n = p->syscall_names ? p->n_syscalls : 1;
		for (size_t i = 0; i < n; i++) {
			const char *place = p->syscall_names ? p->syscall_names[i] : p->name;
			const char *name = d_probe_name(g->arena, ap, place);
			if (!name)
				return -ENOMEM;
			if (!strcmp(name, last))
				continue;
			if (gen_probe_name(g, name) < 0)
				return -ENOMEM;
			last = name;
			ret++;
		}
	}
	return ret;
}

static uint32_t count_clauses(const struct ast_probe *p)
{
	uint32_t n = 0;

	for (const struct ast *s = p->body->u.list.first; s; s = s->next)
		n += s->kind == AST_CLAUSE && !s->u.clause.is_error;
	return n;
}

/* Probes of D have numbers: dtrace's own come first, as everywhere. */
static int number_probes(struct compiler *c)
{
	static const char *const first[] = { "dtrace:::BEGIN", "dtrace:::END", "dtrace:::ERROR" };
	struct script *s = c->script;
	int r = 0;

	if (!s->d)
		return 0;
	s->n_matched = s->d->n_error_clauses;
	for (size_t i = 0; i < MEM_LEN(first) && r >= 0; i++)
		r = gen_probe_name(&c->gen, first[i]);
	for (size_t i = 0; i < c->n_pairs && r >= 0; i++) {
		const struct ast_attach *ap = c->pairs[i].attach;
		if (!ap->d)
			continue; // the script does not name it
		r = strcmp(ap->d->provider, "dtrace") != 0
			    ? number_places(&c->gen, ap, c->pairs[i].point)
			    : 1;
		if (r > 0)
			s->n_matched += (uint32_t)r * count_clauses(c->pairs[i].probe);
	}
	return r < 0 ? sonde_fail(-ENOMEM, "out of memory") : 0;
}

static int generate(struct compiler *c)
{
	c->check.quiet = true;
	if (number_probes(c) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_pairs; i++) {
		// The tree has the types of the point that was checked last.
		check_probe(&c->check, c->pairs[i].probe, c->pairs[i].point);
		int r = c->check.no_memory ? sonde_fail(-ENOMEM, "out of memory")
					   : gen_program(&c->gen, c->pairs[i].probe,
							 c->pairs[i].attach, c->pairs[i].point);
		unit_free(c->gen.unit);
		c->gen.unit = NULL;
		if (r < 0)
			return r;
	}
	return c->diag->n_errors ? -EINVAL : 0;
}

static int no_probes(struct diag *d)
{
	const struct pos begin = { .line = 1, .col = 1, .len = 1 };

	return diag_error(d, begin, "no-probes", "there are no probes");
}

static int compile(struct compiler *c, struct world *w, struct script_ast *ast,
		   const struct compile_options *opt)
{
	int r = check_init(&c->check, c->diag, &c->script->arena, w, ast, opt);

	if (!r)
		r = check_settings(&c->check, c->script);
	for (const struct ast_probe *p = ast->probes; !r && p; p = p->next)
		r = find_points(c, w, p);
	c->check.is_partial = c->diag->n_errors > 0;
	if (!r)
		r = check_all(c);
	if (!r && !c->n_pairs)
		r = no_probes(c->diag);
	if (!r)
		r = begin(c);
	if (!r)
		r = generate(c);
	if (!r)
		r = finish(c, opt);
	return r;
}

int compile_script(struct diag *d, struct world *w, struct script_ast *ast,
		   const struct compile_options *opt, struct script **ret)
{
	sonde_auto(script_freep) struct script *s = calloc(1, sizeof(*s));
	struct compiler c = { .diag = d, .script = s };

	if (!s)
		return sonde_fail(-ENOMEM, "out of memory");
	s->name = d->name;
	s->print_maps_on_exit = true;
	s->d = ast->d;
	int r = compile(&c, w, ast, opt);
	check_fini(&c.check);
	strbuf_fini(&c.gen.rodata);
	free(c.gen.names);
	u64map_fini(&c.gen.by_names);
	free(c.pairs);
	if (!r)
		*ret = sonde_take(s);
	return r;
}

void script_print_types(const struct script *s, struct strbuf *ret)
{
	for (size_t i = 0; i < s->n_maps; i++) {
		const struct script_map *m = &s->maps[i];

		strbuf_fmt(ret, "map @%s", m->name);
		if (m->key->kind != TYPE_NONE) {
			strbuf_str(ret, "[");
			type_print(m->key, ret);
			strbuf_str(ret, "]");
		}
		strbuf_str(ret, ": ");
		type_print(m->val, ret);
		strbuf_str(ret, "\n");
	}
	for (size_t i = 0; i < s->n_sites; i++) {
		const struct site *site = &s->sites[i];

		if (!site->n_args)
			continue;
		strbuf_fmt(ret, "%u:%u %s:", site->pos.line, site->pos.col, site->name);
		for (uint32_t k = 0; k < site->n_args; k++) {
			strbuf_str(ret, k ? ", " : " ");
			type_print(site->args[k].type, ret);
		}
		strbuf_str(ret, "\n");
	}
}
