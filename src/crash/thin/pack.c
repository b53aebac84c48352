/* SPDX-License-Identifier: MIT */
/**
 * Packs pages by all CPUs: some are packed at a time, each by whoever has time, into its own place.
 * When all of them are there they are given out in their order, and then the next ones are packed.
 */
#include "crash/thin/pack.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_GZIP
#include <zlib.h>
#endif

#include <sonde/err.h>

#include "base/check.h"
#include "base/library.h"

enum {
	ROUND_BYTES = 2 << 20, /* of pages that are packed at a time */
	SHARE = 16,	       /* pages that are worth a thread */
	THREADS_MOST = 64,
	LEVEL = 9,
};

enum state { RAW, PACKED, ZERO, FAILED };

struct slot {
	uint32_t len;
	enum state state;
};

/** What one thread packs with. */
struct worker {
	struct thin_packer *packer;
#ifdef HAVE_GZIP
	z_stream zlib;
#endif
};

struct thin_packer {
	const struct thin_file *f;
	uint8_t *bytes;	    /* owned: a page for each slot */
	struct slot *slots; /* owned */
	size_t n_slots;
	size_t first, n;     /* the pages that are in slots */
	size_t given;	     /* of them */
	_Atomic size_t next; /* of them: to be packed */
	void *handle;	     /* owned; NULL: pages are not packed */
#ifdef HAVE_GZIP
	__typeof__(&deflateInit_) init;
	__typeof__(&deflateReset) reset;
	__typeof__(&deflate) step;
	__typeof__(&deflateEnd) end;
#endif
	unsigned n_workers;
	struct worker workers[THREADS_MOST]; /* the first one is that of who asks */
};

static void open_zlib(struct thin_packer *p)
{
#ifdef HAVE_GZIP
	static const char *const files[] = { "libz.so.1", NULL };
	const struct library_symbol symbols[] = {
		{ "deflateInit_", (void **)&p->init },
		{ "deflateReset", (void **)&p->reset },
		{ "deflate", (void **)&p->step },
		{ "deflateEnd", (void **)&p->end },
		{ NULL, NULL },
	};

	if (library_open(files, symbols, &p->handle) < 0)
		p->handle = NULL; // such a dump is larger, but as good
#else
	(void)p;
#endif
}

/* The CPUs that this process may use. */
static unsigned count_cpus(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n < THREADS_MOST ? (unsigned)n : THREADS_MOST;
}

void thin_packer_free(struct thin_packer *p)
{
	if (!p)
		return;
#ifdef HAVE_GZIP
	for (unsigned i = 0; i < p->n_workers; i++) {
		if (p->workers[i].zlib.state)
			(void)p->end(&p->workers[i].zlib); // what was not read is of no use
	}
#endif
	if (p->handle)
		dlclose(p->handle);
	free(p->bytes);
	free(p->slots);
	free(p);
}

int thin_packer_new(const struct thin_file *f, struct thin_packer **ret)
{
	sonde_auto(thin_packer_freep) struct thin_packer *p = calloc(1, sizeof(*p));
	if (!p)
		return sonde_fail(-ENOMEM, "out of memory");
	p->f = f;
	p->n_slots = ROUND_BYTES / f->page_size;
	p->bytes = malloc(p->n_slots * f->page_size);
	p->slots = calloc(p->n_slots, sizeof(*p->slots));
	if (!p->bytes || !p->slots)
		return sonde_fail(-ENOMEM, "out of memory");
	p->n_workers = count_cpus();
	for (unsigned i = 0; i < p->n_workers; i++)
		p->workers[i].packer = p;
	open_zlib(p);
	*ret = sonde_take(p);
	return 0;
}

bool thin_packer_packs(const struct thin_packer *p)
{
	return p->handle;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, n - 1);
}

/* Packs into @out. *ret_len is 0 where it would not become smaller. */
static int pack(struct worker *w, const uint8_t *bytes, uint8_t *out, uint32_t *ret_len)
{
	*ret_len = 0;
#ifdef HAVE_GZIP
	struct thin_packer *p = w->packer;
	z_stream *z = &w->zlib;

	if (!p->handle)
		return 0;
	int r = z->state ? p->reset(z) : p->init(z, LEVEL, ZLIB_VERSION, (int)sizeof(*z));
	if (r != Z_OK)
		return sonde_fail(-ENOMEM, "zlib: %d", r);
	z->next_in = (Bytef *)(uintptr_t)bytes;
	z->avail_in = p->f->page_size;
	z->next_out = out;
	z->avail_out = p->f->page_size - 1;
	if (p->step(z, Z_FINISH) == Z_STREAM_END)
		*ret_len = p->f->page_size - 1 - z->avail_out;
#else
	(void)w, (void)bytes, (void)out;
#endif
	return 0;
}

/* Fills slot @i. */
static int fill(struct worker *w, size_t i)
{
	struct thin_packer *p = w->packer;
	const uint32_t size = p->f->page_size;
	struct slot *s = &p->slots[i];
	uint8_t *out = p->bytes + i * size;
	struct dump_page page;

	*s = (struct slot){ .state = FAILED };
	int r = dump_page(p->f->dump, p->f->pages[p->first + i] * size, &page);
	if (r < 0)
		return r;
	if (is_zero(page.bytes, size)) {
		s->state = ZERO;
	} else if ((r = pack(w, page.bytes, out, &s->len)) == 0) {
		s->state = s->len ? PACKED : RAW;
		if (!s->len)
			memcpy(out, page.bytes, size);
		s->len = s->len ? s->len : size;
	}
	dump_release(p->f->dump, &page);
	return r;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct thin_packer *p = w->packer;
	size_t i;

	while ((i = atomic_fetch_add(&p->next, 1)) < p->n)
		(void)fill(w, i); // tried again, for its words, by who gives it out
	return NULL;
}

static void pack_round(struct thin_packer *p)
{
	pthread_t others[THREADS_MOST];
	unsigned begun = 1;

	p->first += p->n;
	p->n = p->f->n_pages - p->first < p->n_slots ? p->f->n_pages - p->first : p->n_slots;
	p->given = 0;
	atomic_store(&p->next, 0);
	while (begun < p->n_workers && begun * SHARE < p->n &&
	       pthread_create(&others[begun], NULL, work, &p->workers[begun]) == 0)
		begun++;
	(void)work(&p->workers[0]);
	while (--begun)
		(void)pthread_join(others[begun], NULL);
}

int thin_packer_zero(struct thin_packer *p, struct thin_packed *ret)
{
	const uint32_t size = p->f->page_size;
	sonde_auto(mem_freep) uint8_t *zeros = calloc(1, size);
	uint32_t len;

	if (!zeros)
		return sonde_fail(-ENOMEM, "out of memory");
	int r = pack(&p->workers[0], zeros, p->bytes, &len);
	if (r < 0)
		return r;
	if (!len)
		memcpy(p->bytes, zeros, size);
	*ret = (struct thin_packed){ .bytes = p->bytes,
				     .len = len ? len : size,
				     .is_packed = len != 0 };
	return 0;
}

int thin_packer_next(struct thin_packer *p, struct thin_packed *ret)
{
	if (p->given == p->n)
		pack_round(p);
	sonde_check(p->given < p->n);
	const size_t i = p->given++;
	const struct slot *s = &p->slots[i];
	int r = s->state == FAILED ? fill(&p->workers[0], i) : 0;
	if (r < 0)
		return r;
	*ret = (struct thin_packed){ .bytes = p->bytes + i * p->f->page_size,
				     .len = s->len,
				     .is_packed = s->state == PACKED,
				     .is_zero = s->state == ZERO };
	return 0;
}
