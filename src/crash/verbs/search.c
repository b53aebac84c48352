/* SPDX-License-Identifier: MIT */
/** sonde crash CORE search: where a value or a text is in memory. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "crash/verbs/all.h"

/*
 * Memory is cut into pieces that threads look through, some at a time; what they found is shown in
 * order, before the next ones. So the answer does not depend on how many threads there are.
 */
enum { FOUND = 100, TEXT_MOST = 256, PIECE = 1 << 20, PIECES = 64, THREADS_MOST = 16 };

/** Memory in one piece, and where in it the thing was found: at most as often as it is wanted. */
struct piece {
	uint64_t pa, end;
	uint64_t *found; /* owned */
	size_t n, cap;
	int failed;
};

struct searching {
	struct crash_run *run;
	struct dump *dump;
	uint8_t what[TEXT_MOST];
	size_t len, step, n, most;
	struct piece pieces[PIECES];
	size_t n_pieces, next; /* @next: whose turn it is, taken by any thread */
};

static void found(const struct searching *s, struct piece *p, uint64_t pa)
{
	if (p->n >= s->most - s->n || p->failed)
		return;
	p->failed = mem_grow(&p->found, &p->cap, p->n + 1);
	if (!p->failed)
		p->found[p->n++] = pa;
}

/* What lies over a page's end is found where pages are read with some of the next one. */
static void look(const struct searching *s, struct piece *p, uint64_t pa, const uint8_t *bytes,
		 size_t n)
{
	for (size_t i = 0; i + s->len <= n; i += s->step) {
		const uint8_t *at =
			s->step > 1 ? bytes + i : memmem(bytes + i, n - i, s->what, s->len);

		if (!at)
			return;
		if (s->step == 1)
			i = (size_t)(at - bytes);
		if (s->step == 1 || !memcmp(at, s->what, s->len))
			found(s, p, pa + i);
	}
}

static void look_through(const struct searching *s, struct piece *p, uint8_t *bytes)
{
	const size_t size = dump_about(s->dump)->page_size;

	for (uint64_t at = p->pa, n; at < p->end && p->n < s->most - s->n; at += n) {
		size_t more = s->len - 1;

		n = size - at % size;
		n = p->end - at < n ? p->end - at : n;
		if (dump_read(s->dump, at, bytes, n) < 0)
			continue;
		if (s->step > 1 || dump_read(s->dump, at + n, bytes + n, more) < 0)
			more = 0;
		look(s, p, at, bytes, n + more);
	}
}

static void *work(void *arg)
{
	struct searching *s = arg;
	sonde_auto(mem_freep) uint8_t *bytes = malloc(dump_about(s->dump)->page_size + TEXT_MOST);

	for (;;) {
		size_t i = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED);
		if (i >= s->n_pieces)
			return NULL;
		if (bytes)
			look_through(s, &s->pieces[i], bytes);
		else
			s->pieces[i].failed = -ENOMEM;
	}
}

/* The next pieces from *@at on, which moves behind them; none are left where there is none. */
static void cut(struct searching *s, uint64_t *at)
{
	uint64_t len;

	s->n_pieces = s->next = 0;
	while (s->n_pieces < PIECES && *at != UINT64_MAX &&
	       (len = dump_next(s->dump, *at, at)) != 0) {
		const uint64_t last = *at + (len - 1);

		for (; s->n_pieces < PIECES && *at <= last && *at != UINT64_MAX;) {
			struct piece *p = &s->pieces[s->n_pieces++];

			p->pa = *at;
			const uint64_t next = (*at | (PIECE - 1)) + 1;
			p->end = next && next <= last ? next : last + 1;
			*at = p->end ? p->end : UINT64_MAX; // the very end of all addresses
			p->end = *at;
			p->n = 0;
		}
	}
}

static int show(struct searching *s)
{
	for (size_t i = 0; i < s->n_pieces; i++) {
		const struct piece *p = &s->pieces[i];

		if (p->failed)
			return sonde_fail(p->failed, "search: out of memory");
		for (size_t k = 0; k < p->n && s->n < s->most; k++, s->n++)
			out_fmt(s->run->out, "physical 0x%" PRIx64 "\n", p->found[k]);
	}
	return 0;
}

/* What is noted as read is to be the same each time: then one reads after another. */
static unsigned threads_of(const struct searching *s)
{
	const long n = dump_watched(s->dump) ? 1 : sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n < THREADS_MOST ? (unsigned)n : THREADS_MOST;
}

static int run_over(struct searching *s)
{
	const unsigned n = threads_of(s);
	pthread_t others[THREADS_MOST];
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && s->n < s->most) {
		unsigned begun = 0;

		cut(s, &at);
		if (!s->n_pieces)
			break;
		while (begun + 1 < n && pthread_create(&others[begun], NULL, work, s) == 0)
			begun++;
		(void)work(s);
		while (begun)
			(void)pthread_join(others[--begun], NULL);
		r = show(s);
	}
	for (size_t i = 0; i < PIECES; i++)
		free(s->pieces[i].found);
	return r;
}

static int run(struct crash_run *r)
{
	struct searching s = { .run = r,
			       .dump = r->core->dump,
			       .most = r->args->limit ? r->args->limit : FOUND };
	uint64_t v = 0;

	if (r->argc != 1 || !*r->argv[0] || strlen(r->argv[0]) > TEXT_MOST)
		return sonde_fail(-EINVAL, "search wants a value, or a text behind '='");
	if (*r->argv[0] == '=') {
		s.len = strlen(r->argv[0] + 1);
		s.step = 1;
		memcpy(s.what, r->argv[0] + 1, s.len);
		if (!s.len)
			return sonde_fail(-EINVAL, "an empty text is everywhere");
	} else {
		int err = crash_address(r->core, r->argv[0], &v);

		if (err < 0)
			return err;
		memcpy(s.what, &v, sizeof(v));
		s.len = s.step = sizeof(v);
	}
	int err = run_over(&s);
	if (!err && s.n >= s.most)
		r->note("there may be more; --limit N shows N");
	return err;
}

const struct crash_verb crash_search = {
	.name = "search",
	.args = "ADDR|=TEXT",
	.summary = "Where in memory a word is, or a text",
	.run = run,
};
