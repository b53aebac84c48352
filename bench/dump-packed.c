/* SPDX-License-Identifier: MIT */
/**
 * Measures reads of kdump-compressed dumps that are made up, of each packing that is here: eight
 * bytes at random pages, file cache warm, and all pages in order, by one thread and by one for each
 * CPU. Prints "KEY VALUE" lines.
 *
 * usage: dump-packed FOLDER [MIB]: makes its files there, and removes them
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <sonde/err.h>

#include "base/library.h"
#include "base/mem.h"
#include "crash/dump/dump.h"
#include "crash/dump/kdump_header.h"

enum { PAGE = 4096, ROOM = 2 * PAGE, DESC = 24, READS = 200000, THREADS_MOST = 64 };

static uint64_t random_below(uint64_t *state, uint64_t n)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (*state >> 20) % n;
}

/* Of CPU time: others may run beside. */
static double seconds(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// --- the dump ---

typedef int lzo_fn(const uint8_t *in, uintptr_t n_in, uint8_t *out, uintptr_t *n_out, void *work);
typedef int snappy_fn(const char *in, size_t n_in, char *out, size_t *n_out);

/** One way of packing, and the libraries of those that need not be here. */
struct packer {
	unsigned flag;
	lzo_fn *lzo;
	snappy_fn *snappy;
	void *library;
	uint64_t work[1 << 14]; /* for lzo */
};

/* Kernel memory is pointers that are alike, small numbers, text and zeros. */
static void fill(uint64_t number, uint64_t *ret)
{
	uint64_t state = number, base = 0xffff888000000000 + random_below(&state, 1 << 30) * 64;

	for (unsigned i = 0; i < PAGE / 8; i++) {
		switch (random_below(&state, 8)) {
		case 0: ret[i] = base + random_below(&state, 4096) * 64; break;
		case 1: ret[i] = random_below(&state, 100); break;
		case 2: memcpy(&ret[i], "kworker", 8); break;
		case 3: ret[i] = ret[i / 2]; break;
		default: ret[i] = 0;
		}
	}
	ret[0] = number;
}

static size_t pack(struct packer *p, const uint8_t *page, uint8_t *ret)
{
	uLongf zlib_len = ROOM;
	uintptr_t lzo_len = ROOM;
	size_t n = ROOM;

	switch (p->flag) {
	case KDUMP_ZLIB: return compress2(ret, &zlib_len, page, PAGE, 1) ? 0 : zlib_len;
	case KDUMP_LZO: return p->lzo(page, PAGE, ret, &lzo_len, p->work) ? 0 : lzo_len;
	case KDUMP_SNAPPY: return p->snappy((const char *)page, PAGE, (char *)ret, &n) ? 0 : n;
	default: n = ZSTD_compress(ret, ROOM, page, PAGE, 1); return ZSTD_isError(n) ? 0 : n;
	}
}

static void put32(uint8_t *block, size_t off, uint32_t v)
{
	memcpy(block + off, &v, sizeof(v));
}

/* Headers, and two bitmaps in which all pages are. */
static int put_head(FILE *f, const struct packer *p, uint64_t pages, uint64_t blocks)
{
	uint8_t head[PAGE] = "KDUMP   ", sub[PAGE] = { 0 }, ones[PAGE];
	size_t done = 0;

	put32(head, 8, 6);
	memcpy(head + 12, "Linux", 6);
	memcpy(head + 12 + (size_t)4 * 65, "x86_64", 7);
	put32(head, 424, p->flag);
	put32(head, 428, PAGE);
	put32(head, 432, 1);
	put32(head, 436, (uint32_t)(2 * blocks));
	put32(head, 440, UINT32_MAX);
	memcpy(sub + 96, &pages, sizeof(pages));
	memset(ones, 0xff, sizeof(ones));
	done += fwrite(head, PAGE, 1, f) + fwrite(sub, PAGE, 1, f);
	for (uint64_t i = 0; i < 2 * blocks; i++)
		done += fwrite(ones, PAGE, 1, f);
	return done == 2 + 2 * blocks ? 0 : sonde_fail(-EIO, "cannot write");
}

static int put_pages(FILE *f, struct packer *p, uint64_t pages, uint64_t blocks)
{
	uint64_t off = (2 + 2 * blocks) * PAGE + pages * DESC, page[PAGE / 8];
	sonde_auto(mem_freep) uint8_t *descs = calloc(pages, DESC);
	uint8_t packed[ROOM];

	if (!descs || fseek(f, (long)off, SEEK_SET) < 0)
		return sonde_fail(-ENOMEM, "no room for descriptors");
	for (uint64_t i = 0; i < pages; i++) {
		fill(i, page);
		uint32_t n = (uint32_t)pack(p, (const uint8_t *)page, packed);
		if (!n || n > PAGE || fwrite(packed, n, 1, f) != 1)
			return sonde_fail(-EIO, "cannot write page %" PRIu64, i);
		memcpy(descs + i * DESC, &off, 8);
		put32(descs + i * DESC, 8, n);
		put32(descs + i * DESC, 12, p->flag);
		off += n;
	}
	if (fseek(f, (long)((2 + 2 * blocks) * PAGE), SEEK_SET) < 0 ||
	    fwrite(descs, DESC, pages, f) != pages)
		return sonde_fail(-EIO, "cannot write descriptors");
	return 0;
}

static int make(const char *path, struct packer *p, uint64_t pages)
{
	uint64_t blocks = (pages + 8 * PAGE - 1) / (8 * PAGE);
	FILE *f = fopen(path, "we");

	if (!f)
		return sonde_fail_errno(-errno, "'%s'", path);
	int r = put_head(f, p, pages, blocks);
	if (r == 0)
		r = put_pages(f, p, pages, blocks);
	return fclose(f) == 0 || r < 0 ? r : sonde_fail_errno(-errno, "'%s'", path);
}

// --- reading ---

struct reader {
	struct dump *dump;
	uint64_t begin, end; /* pages */
	uint64_t wrong;
	pthread_t thread;
};

static void *read_in_order(void *arg)
{
	struct reader *r = arg;

	for (uint64_t i = r->begin; i < r->end; i++) {
		struct dump_page p;
		uint64_t number = UINT64_MAX;

		if (dump_page(r->dump, i * PAGE, &p) == 0) {
			memcpy(&number, p.bytes, 8);
			dump_release(r->dump, &p);
		}
		r->wrong += number != i;
	}
	return NULL;
}

/* MiB a second of wall time; a negative errno with words. */
static int measure_in_order(struct dump *d, uint64_t pages, unsigned n, double *ret)
{
	struct reader readers[THREADS_MOST] = { 0 };
	double t = seconds(CLOCK_MONOTONIC);
	uint64_t wrong = 0;
	unsigned begun = 0;

	for (; begun < n; begun++) {
		struct reader *r = &readers[begun];

		*r = (struct reader){ .dump = d,
				      .begin = pages * begun / n,
				      .end = pages * (begun + 1) / n };
		if (pthread_create(&r->thread, NULL, read_in_order, r) != 0)
			break;
	}
	for (unsigned i = 0; i < begun; i++) {
		pthread_join(readers[i].thread, NULL);
		wrong += readers[i].wrong;
	}
	*ret = (double)pages * PAGE / (1 << 20) / (seconds(CLOCK_MONOTONIC) - t);
	return wrong || begun < n ? sonde_fail(-EIO, "%" PRIu64 " wrong pages", wrong) : 0;
}

static int measure_random(struct dump *d, uint64_t pages, double *ret)
{
	uint64_t state = 7, number, wrong = 0;
	double t = seconds(CLOCK_PROCESS_CPUTIME_ID);

	for (unsigned i = 0; i < READS; i++) {
		uint64_t page = random_below(&state, pages);

		wrong += dump_read(d, page * PAGE, &number, 8) < 0 || number != page;
	}
	*ret = READS / (seconds(CLOCK_PROCESS_CPUTIME_ID) - t);
	return wrong ? sonde_fail(-EIO, "%" PRIu64 " wrong reads", wrong) : 0;
}

static int measure(const char *path, const char *name, uint64_t pages)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = cpus < 1 ? 1 : cpus > THREADS_MOST ? THREADS_MOST : (unsigned)cpus;
	sonde_auto(dump_closep) struct dump *d = NULL;
	double reads = 0, one = 0, all = 0;

	int r = dump_open(&path, 1, &d);
	if (r == 0)
		r = measure_in_order(d, pages, 1, &one); // fills the file cache, too
	if (r == 0)
		r = measure_random(d, pages, &reads);
	if (r == 0)
		r = measure_in_order(d, pages, 1, &one);
	if (r == 0)
		r = measure_in_order(d, pages, n, &all);
	if (r == 0)
		printf("%s_reads_s %.0f\n%s_one_mib_s %.1f\n%s_all_mib_s %.1f\n", name, reads, name,
		       one, name, all);
	return r;
}

static int open_packer(struct packer *p)
{
	static const char *const lzo[] = { "liblzo2.so.2", NULL };
	static const char *const snappy[] = { "libsnappy.so.1", NULL };
	const struct library_symbol lzo_symbols[] = { { "lzo1x_1_compress", (void **)&p->lzo },
						      { NULL, NULL } };
	const struct library_symbol snappy_symbols[] = { { "snappy_compress", (void **)&p->snappy },
							 { NULL, NULL } };

	if (p->flag == KDUMP_LZO)
		return library_open(lzo, lzo_symbols, &p->library);
	return p->flag == KDUMP_SNAPPY ? library_open(snappy, snappy_symbols, &p->library) : 0;
}

static int run(const char *folder, uint64_t pages)
{
	static const struct {
		const char *name;
		unsigned flag;
	} ways[] = { { "zlib", KDUMP_ZLIB },
		     { "lzo", KDUMP_LZO },
		     { "snappy", KDUMP_SNAPPY },
		     { "zstd", KDUMP_ZSTD } };
	struct packer p = { 0 };
	char path[4096];

	for (size_t i = 0; i < MEM_LEN(ways); i++) {
		p.flag = ways[i].flag;
		if (open_packer(&p) < 0)
			continue; // whoever reads the lines sees which are not there
		int n = snprintf(path, sizeof(path), "%s/packed.%s", folder, ways[i].name);
		if (n < 0 || n >= (int)sizeof(path))
			return sonde_fail(-ENAMETOOLONG, "'%s'", folder);
		int r = make(path, &p, pages);
		if (r == 0)
			r = measure(path, ways[i].name, pages);
		(void)unlink(path); // of no use to anybody
		if (r < 0)
			return sonde_wrap(r, "%s", ways[i].name);
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 256;

	if (argc < 2 || !mib) {
		(void)fprintf(stderr, "usage: dump-packed FOLDER [MIB]\n");
		return 2;
	}
	int r = run(argv[1], mib << 20 >> 12);
	if (r < 0)
		(void)fprintf(stderr, "dump-packed: %s\n", sonde_err_str());
	return r < 0;
}
