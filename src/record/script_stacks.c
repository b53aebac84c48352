/* SPDX-License-Identifier: MIT */
/**
 * A stack that comes again costs a look into a table: the kernel is asked for its frames once, and
 * its code is noted once for each process.
 */
#include "record/script_stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

enum { CACHE_LEN = 1024, SEEN_MOST = 1 << 20, HITS_MOST = 1 << 20 };

struct script_frames {
	uint64_t id; /* 0: none */
	size_t n;
	uint64_t frames[STACK_MOST];
};

struct script_hit {
	uint64_t addr;
	pid_t pid;
};

void script_stacks_fini(struct script_stacks *s)
{
	free(s->cache);
	free(s->hits);
	u64map_fini(&s->seen);
	*s = (struct script_stacks){ 0 };
}

static const struct script_frames *find(struct script_stacks *s, const struct names *names,
					uint64_t id)
{
	if (!s->cache)
		s->cache = calloc(CACHE_LEN, sizeof(*s->cache));
	if (!s->cache) {
		s->err = sonde_fail(-ENOMEM, "out of memory for stacks");
		return NULL;
	}
	struct script_frames *f = &s->cache[(id ^ id >> 20 ^ id >> 40) % CACHE_LEN];
	if (f->id != id || !f->n) {
		f->id = id;
		f->n = names->stack(names->arg, id, f->frames);
	}
	return f;
}

/* Callers are looked up at the call, not behind it. */
static uint64_t code_of(const struct script_frames *f, size_t i)
{
	return f->frames[i] - (i > 0);
}

static int note_user(struct script_stacks *s, pid_t pid, const struct script_frames *f)
{
	int r = s->n_hits < HITS_MOST ? mem_grow(&s->hits, &s->cap_hits, s->n_hits + f->n) : 0;

	for (size_t i = 0; !r && i < f->n && s->n_hits < HITS_MOST; i++)
		s->hits[s->n_hits++] = (struct script_hit){ code_of(f, i), pid };
	return r;
}

static int note(struct script_stacks *s, struct symbols *symbols, const struct script_frames *f,
		bool is_user, pid_t pid)
{
	const uint64_t key = f->id ^ (is_user ? (uint64_t)pid * 0x9e3779b97f4a7c15 : 0);
	uint32_t ignored;
	int r = 0;

	if (u64map_get(&s->seen, key, &ignored))
		return 0;
	if (s->seen.n >= SEEN_MOST)
		u64map_fini(&s->seen); // noted again, at worst
	if (is_user)
		r = note_user(s, pid, f);
	for (size_t i = 0; !is_user && !r && i < f->n; i++)
		r = symbols_kernel(symbols, code_of(f, i));
	return r < 0 ? r : u64map_put(&s->seen, key, 1);
}

size_t script_stacks_get(struct script_stacks *s, const struct names *names,
			 struct symbols *symbols, bool is_user, const struct stack_value *v,
			 uint64_t *ret)
{
	const struct script_frames *f = v->id ? find(s, names, v->id) : NULL;

	if (!f || !f->n)
		return 0;
	const int r = note(s, symbols, f, is_user, (pid_t)v->pid);
	if (r < 0)
		s->err = r;
	memcpy(ret, f->frames, f->n * sizeof(*ret));
	return f->n;
}

int script_stacks_settle(struct script_stacks *s, struct symbols *symbols,
			 const struct procs *procs)
{
	int r = s->err;

	for (size_t i = 0; !r && procs && i < s->n_hits; i++) {
		const struct script_hit *h = &s->hits[i];
		struct map map;

		if (procs_find(procs, h->pid, h->addr, &map) ||
		    procs_find_older(procs, h->pid, h->addr, &map))
			r = symbols_user(symbols, &map, h->pid, h->addr);
	}
	s->n_hits = 0;
	return r;
}
