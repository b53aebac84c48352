/* SPDX-License-Identifier: MIT */
/** Machines and their programs: made, run, freed. */
#include "bpf/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <sonde/err.h>

#include "base/check.h"
#include "bpf/machine/jit/jit.h"
#include "bpf/machine/map.h"
#include "bpf/machine/state.h"
#include "bpf/machine/verify/verify.h"

enum { RANDOM_SEED = 88172645 };

void machine_free(struct machine *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->maps && i < m->n_maps; i++)
		map_fini(&m->maps[i]);
	for (size_t i = 0; i < RECORDS_MOST; i++)
		free(m->records[i].data);
	free(m->maps);
	free(m->regions);
	free(m);
}

int machine_new(const struct bpf_map_spec *specs, size_t n, const struct machine_ops *ops,
		void *arg, struct machine **ret)
{
	sonde_auto(machine_freep) struct machine *m = calloc(1, sizeof(*m));

	if (!m)
		return sonde_fail(-ENOMEM, "out of memory");
	if (n > MAPS_MOST)
		return sonde_fail(-E2BIG, "%zu maps, %d is the most", n, MAPS_MOST);
	m->ops = ops;
	m->arg = arg;
	m->random = RANDOM_SEED;
	m->budget_most = BUDGET;
	m->fp = m->stack + sizeof(m->stack);
	// Without it keys may fall together, if somebody knows this machine's code: slow, not
	// wrong.
	if (getrandom(m->secret, sizeof(m->secret), GRND_NONBLOCK) != sizeof(m->secret))
		m->secret[0] = (uintptr_t)m;
	m->secret[1] |= 1;
	m->maps = calloc(n ? n : 1, sizeof(*m->maps));
	if (!m->maps)
		return sonde_fail(-ENOMEM, "out of memory");
	m->n_maps = n;
	for (size_t i = 0; i < n; i++) {
		int r = map_make(m, i, &specs[i]);
		if (r < 0)
			return r;
	}
	*ret = sonde_take(m);
	return 0;
}

struct machine_now *machine_now(struct machine *m)
{
	return &m->now;
}

uint64_t machine_cut_off(const struct machine *m)
{
	return m->cut_off + m->no_memory + m->faults;
}

/* Room for the longest records of all programs. */
static int make_records(struct machine *m, size_t len)
{
	if (len <= m->record_len)
		return 0;
	for (size_t i = 0; i < RECORDS_MOST; i++) {
		uint8_t *data = calloc(1, len);

		if (!data)
			return sonde_fail(-ENOMEM, "out of memory");
		int r = machine_add_region(m, data, len, NULL);
		if (r < 0) {
			free(data);
			return r;
		}
		machine_drop_region(m, m->records[i].data);
		free(m->records[i].data);
		m->records[i].data = data;
	}
	m->record_len = len;
	return 0;
}

int machine_load(struct machine *m, const struct bpf_code *code, size_t ctx_len,
		 enum machine_how how, struct strbuf *ret_log, struct machine_prog **ret)
{
	sonde_auto(machine_prog_freep) struct machine_prog *p = calloc(1, sizeof(*p));

	if (!p)
		return sonde_fail(-ENOMEM, "out of memory");
	sonde_check(!m->prog);
	p->m = m;
	p->ctx_len = ctx_len;
	int r = verify(p, code, ret_log);
	if (r == 0)
		r = make_records(m, p->record_len);
	if (r == 0 && how == MACHINE_JIT)
		r = jit_compile(p);
	if (r < 0)
		return r;
	*ret = sonde_take(p);
	return 0;
}

void machine_prog_free(struct machine_prog *p)
{
	if (!p)
		return;
	jit_free(p);
	free(p->insns);
	free(p->notes);
	free(p->fns);
	free(p);
}

uint64_t machine_run(struct machine_prog *p, const void *ctx)
{
	struct machine *m = p->m;
	uint64_t r;

	sonde_dcheck(!m->prog);
	m->prog = p;
	m->ctx = ctx;
	m->budget = m->budget_most;
	m->n_records = 0;
	if (p->native)
		r = p->native[0]((uintptr_t)ctx, 0, 0, 0, 0, m);
	else
		r = interp_run(p, 0, (uint64_t[5]){ (uintptr_t)ctx }, m);
	m->prog = NULL;
	if (m->budget >= 0)
		return r;
	m->cut_off++;
	return 0;
}
