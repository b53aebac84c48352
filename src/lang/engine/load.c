/* SPDX-License-Identifier: MIT */
/** Brings a script into the kernel: maps, globals, programs, attachments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sonde/err.h>

#include "bpf/cpus.h"
#include "lang/engine/parts.h"
#include "lang/world.h"

enum { WARNINGS_MOST = 10, MAPS_MOST = 64 };

/* Whether @n elements of @size bytes at @off lie in a value of @len bytes. */
static bool fits(uint32_t off, size_t n, size_t size, size_t len)
{
	return off % 8 == 0 && off <= len && n <= (len - off) / size;
}

/* Map 0 holds the globals, and behind them the epochs of maps and the counters of losses. */
static int map_globals(struct engine *e)
{
	const struct script *s = e->script;
	void *p;

	const size_t len = s->n_bpf_maps > RING_MAP ? s->bpf_maps[GLOBALS_MAP].val_len : 0;
	if (!fits(0, 1, sizeof(struct script_globals), len) ||
	    !fits(s->epochs_off, s->n_maps, sizeof(struct epoch_state), len) ||
	    !fits(s->emit_lost_off, s->n_emit_cpus, sizeof(uint64_t), len) ||
	    !fits(s->specs_off, s->n_specs, sizeof(uint32_t), len) ||
	    !fits(s->lost_off, s->n_sites, sizeof(uint64_t), len))
		return sonde_fail(-EINVAL, "the script's globals do not fit");
	int r = bpf_maps_mapped(e->maps, GLOBALS_MAP, &p);
	if (r < 0)
		return r;
	e->globals = p;
	e->epochs = (void *)((char *)p + s->epochs_off);
	e->emit_lost = (void *)((char *)p + s->emit_lost_off);
	e->lost = (void *)((char *)p + s->lost_off);
	return 0;
}

static void fill_globals(struct engine *e)
{
	const struct engine_options *o = e->opt;
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	e->globals->pid = (uint32_t)getpid();
	e->globals->target_pid = (uint32_t)(o->child ? o->child->pid : o->pid);
	e->globals->start_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	e->globals->wall_off =
		(int64_t)t.tv_sec * 1000000000 + t.tv_nsec - (int64_t)e->globals->start_ns;
}

/* How many maps a program uses. */
static size_t maps_used(const struct script *s, const struct bpf_code *c)
{
	sonde_auto(mem_freep) bool *used = calloc(s->n_bpf_maps + 1, sizeof(*used));
	size_t n = 0;

	for (size_t i = 0; used && i < c->n_relocs; i++) {
		bool *u = &used[c->relocs[i].map];

		n += !*u;
		*u = true;
	}
	return n;
}

/* The kernel said no: its words, and the line of the script that they are about. */
static int refused(struct engine *e, const struct script_prog *p, int err, const struct strbuf *log,
		   uint32_t line)
{
	struct diag *d = e->opt->diag;
	const size_t n_maps = maps_used(e->script, &p->code);

	if (d && n_maps > MAPS_MOST) {
		const struct pos pos = p->attach ? p->attach->pos : ((struct pos){ .line = line });

		return diag_error(d, pos, "too-large",
				  "this probe uses %zu maps, the run's own among them; the kernel "
				  "lets a program use %d",
				  n_maps, MAPS_MOST);
	}
	if (!d || !log->len)
		return sonde_wrap(err, "probe '%s'", p->probe->name);
	(void)diag_error(d, ((struct pos){ .line = line, .col = 1 }), "refused-program",
			 "probe '%s': %s", p->probe->name, sonde_err_str());
	strbuf_str(&d->out, "the kernel's verifier says:\n");
	strbuf_add(&d->out, log->data, log->len);
	if (log->data[log->len - 1] != '\n')
		strbuf_str(&d->out, "\n");
	return -EINVAL;
}

static int load_one(struct engine *e, size_t i)
{
	const struct script_prog *p = &e->script->progs[i];
	const struct probe *probe = p->probe;
	const struct bpf_load how = {
		.name = p->name,
		.type = probe->attach.kind == ATTACH_NONE ? BPF_PROG_TYPE_RAW_TRACEPOINT
							  : (enum bpf_prog_type)probe->prog_type,
		.attach_type = (enum bpf_attach_type)probe->attach_type,
		.attach_btf_id = probe->btf_id,
		.attach_btf_fd = probe->btf_fd,
		.sleepable = probe->sleepable,
	};
	struct strbuf log = { 0 };
	uint32_t line = 0;

	int r = bpf_load(&how, &p->code, e->maps, &log, &line, &e->progs[i]);
	if (r < 0)
		r = refused(e, p, r, &log, line);
	strbuf_fini(&log);
	return r;
}

static int warm_stacks(struct engine *e)
{
	const uint64_t id = 0; // no stack has it
	uint64_t frames[STACK_MOST] = { 0 };

	return e->script->stack_map < 0
		       ? 0
		       : bpf_maps_warm(e->maps, (size_t)e->script->stack_map, &id, frames);
}

int engine_load(struct engine *e)
{
	const struct script *s = e->script;

	e->progs = calloc(s->n_progs + 1, sizeof(*e->progs));
	if (!e->progs)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < s->n_progs; i++)
		e->progs[i] = -1;
	int r = bpf_maps_new(s->bpf_maps, s->n_bpf_maps, &e->maps);
	if (!r)
		r = map_globals(e);
	if (!r)
		r = bpf_ring_open(bpf_maps_fd(e->maps, RING_MAP), s->ring_len, &e->ring);
	if (r < 0)
		return r;
	fill_globals(e);
	r = warm_stacks(e);
	for (size_t i = 0; !r && i < s->n_progs; i++)
		r = load_one(e, i);
	return r;
}

int engine_run_named(struct engine *e, const char *name)
{
	int r = 0;

	for (size_t i = 0; !r && i < e->script->n_progs; i++) {
		const struct probe *probe = e->script->progs[i].probe;
		uint32_t ignored;

		if (probe->attach.kind == ATTACH_NONE && !strcmp(probe->name, name))
			r = bpf_run_once(e->progs[i], NULL, 0, &ignored);
	}
	return r < 0 ? sonde_wrap(r, "%s", name) : 0;
}

/* One of several places cannot be had: said, and done without. */
static void warn(struct engine *e, const struct probe *p, size_t *n_warned)
{
	if (e->opt->no_warnings || (*n_warned)++ >= WARNINGS_MOST)
		return;
	print_note(&e->printer, "warning", "cannot attach '%s': %s", p->name, sonde_err_str());
}

/* The first CPU online but @arg. */
static int other_cpu(void *arg, unsigned cpu)
{
	int *not_this = arg;

	if ((int)cpu == *not_this)
		return 0;
	*not_this = (int)cpu;
	return -EEXIST; // found
}

/* A second clock for a tick, on another CPU: what bpf(2) keeps from one, the other gives. */
static int attach_again(struct engine *e, size_t i)
{
	struct attach_spec spec = e->script->progs[i].probe->attach;

	if (!e->script->progs[i].is_tick || cpus_each_online(other_cpu, &spec.cpu) != -EEXIST)
		return 0;
	return attachments_add(e->attachments, e->progs[i], &spec);
}

/* All places of one program. A place that is the only one must be had. */
static int attach_one(struct engine *e, size_t i, size_t *n_warned)
{
	const struct probe *first = e->script->progs[i].probe;
	size_t n = 0;
	int r = 0;

	for (const struct probe *p = first; p && !e->ends; p = p == first ? p->same : p->next) {
		r = attachments_add(e->attachments, e->progs[i], &p->attach);
		if (!r) {
			n++;
			continue;
		}
		if (r == -ENOMEM || !first->same)
			break;
		warn(e, p, n_warned);
		engine_look_at_signals(e);
	}
	return r < 0 && !n ? sonde_wrap(r, "probe '%s'", first->name) : 0;
}

int engine_attach(struct engine *e)
{
	size_t n_warned = 0;
	int r = 0;

	for (size_t i = 0; !r && !e->ends && i < e->script->n_progs; i++) {
		const enum attach_kind kind = e->script->progs[i].probe->attach.kind;

		if (kind != ATTACH_NONE && kind != ATTACH_ITER)
			r = attach_one(e, i, &n_warned);
		if (!r)
			r = attach_again(e, i);
		engine_look_at_signals(e);
	}
	if (n_warned > WARNINGS_MOST && !e->opt->no_warnings)
		print_note(&e->printer, "warning", "and %zu more", n_warned - WARNINGS_MOST);
	if (!r)
		r = attachments_enable(e->attachments);
	return r;
}

size_t engine_places(const struct script *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_progs; i++) {
		const struct probe *first = s->progs[i].probe;

		if (s->d && !s->progs[i].attach->d)
			continue; // the script does not name it
		for (const struct probe *p = first; p; p = p == first ? p->same : p->next)
			n += p->n_syscalls ? p->n_syscalls : 1;
	}
	return n;
}
