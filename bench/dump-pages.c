/* SPDX-License-Identifier: MIT */
/**
 * Measures reads of eight bytes of kernel memory in a large FreeBSD minidump: by src/crash/dump,
 * and by the two ways that libkvm had of finding a page, as published: a hash of 1,024 chains, and
 * since 2016 a running count for each 1,024 bits; both read a whole page table for one entry, and
 * hold copies of bitmap and page map. All see the same dump, file cache warm, and the same random
 * addresses. Prints "KEY VALUE" lines.
 *
 * usage: dump-pages FILE [READS]: makes FILE, sparse, of 8 GiB, where there is none
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <sonde/crash.h>
#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/dump.h"
#include "crash/dump/minidump.h"

#define KERNBASE UINT64_C(0xfffffe0000000000)

/*
 * The machine has 128 GiB, of which every sixteenth page is in the dump, in runs as allocators make
 * them. The kernel's map is of 4 GiB: 2,048 page tables, whose entries are dumped pages at random.
 */
enum {
	PAGE = 4096,
	TABLES = 2048,
	MAP_LEN = TABLES * 8,
	CHAINS = 1024,
};
static const uint64_t memory_pages = UINT64_C(128) << 30 >> 12, dumped = UINT64_C(2) << 20;

static uint64_t random_state = 1;

static uint64_t random_below(uint64_t n)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (random_state >> 20) % n;
}

/* Of CPU time: others may run beside. */
static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A number of /proc/self/status in KiB. */
static long status_kib(const char *key)
{
	sonde_auto(mem_freep) char *line = NULL;
	size_t cap = 0;
	long kib = -1;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && getline(&line, &cap, f) > 0) {
		if (!strncmp(line, key, strlen(key)))
			kib = strtol(line + strlen(key), NULL, 10);
	}
	if (f)
		(void)fclose(f);
	return kib;
}

// --- the dump ---

static int put(int fd, uint64_t off, const void *data, size_t n)
{
	return pwrite(fd, data, n, (off_t)off) == (ssize_t)n ? 0 : -errno;
}

/* Chooses the pages: @bits gets them, @pages their numbers in order. */
static void choose(uint64_t *bits, uint64_t *pages)
{
	uint64_t n = 0, at = 0;

	while (n < dumped) {
		uint64_t run = 1 + random_below(64);

		for (; run && n < dumped && at < memory_pages; run--, at++) {
			bits[at / 64] |= (uint64_t)1 << at % 64;
			pages[n++] = at;
		}
		// What is left must fit behind the gap.
		uint64_t gap = random_below(960);
		if (memory_pages - at > gap + (dumped - n))
			at += gap;
	}
}

static int put_tables(int fd, uint64_t pages_off, const uint64_t *pages, uint64_t *map)
{
	for (unsigned t = 0; t < TABLES; t++) {
		uint64_t table[512], index = random_below(dumped);

		for (unsigned i = 0; i < 512; i++)
			table[i] = pages[random_below(dumped)] * PAGE | 3;
		map[t] = pages[index] * PAGE | 3;
		int r = put(fd, pages_off + index * PAGE, table, sizeof(table));
		if (r < 0)
			return r;
	}
	return 0;
}

static int make(const char *path)
{
	sonde_auto(mem_closep) int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	uint64_t bits_len = memory_pages / 8, pages_off = 2 * PAGE + bits_len + MAP_LEN;
	sonde_auto(mem_freep) uint64_t *bits = calloc(1, bits_len);
	sonde_auto(mem_freep) uint64_t *pages = malloc(dumped * 8);
	sonde_auto(mem_freep) uint64_t *map = malloc(MAP_LEN);
	struct {
		char magic[24];
		uint32_t version, messages, bits, map;
		uint64_t kernbase, dmapbase, dmapend;
		uint32_t avail;
	} head = { "minidump FreeBSD/amd64",
		   3,
		   0,
		   (uint32_t)bits_len,
		   MAP_LEN,
		   KERNBASE,
		   0xfffff80000000000,
		   0xfffff82000000000,
		   32 };
	const uint64_t avail[4] = { 0, memory_pages * PAGE, 0, 0 };

	if (fd < 0)
		return -errno;
	if (!bits || !pages || !map)
		return -ENOMEM;
	choose(bits, pages);
	int r = put(fd, 0, &head, sizeof(head));
	if (r == 0)
		r = put(fd, PAGE, avail, sizeof(avail));
	if (r == 0)
		r = put(fd, (uint64_t)2 * PAGE, bits, bits_len);
	if (r == 0)
		r = put_tables(fd, pages_off, pages, map);
	if (r == 0)
		r = put(fd, 2 * PAGE + bits_len, map, MAP_LEN);
	if (r == 0 && ftruncate(fd, (off_t)(pages_off + dumped * PAGE)) < 0)
		r = -errno;
	return r;
}

// --- the reference ---

struct node {
	struct node *next;
	uint64_t page, off;
};

struct reference {
	int fd;
	uint64_t *bits, *map, n_bits, pages_off; /* copies, owned */
	struct node *chains[CHAINS];
	uint32_t *counts;
};

static int reference_open(const char *path, struct reference *ret)
{
	struct reference k = { .fd = open(path, O_RDONLY | O_CLOEXEC), .n_bits = memory_pages };
	uint64_t bits_len = memory_pages / 8;

	k.bits = malloc(bits_len);
	k.map = malloc(MAP_LEN);
	k.pages_off = 2 * PAGE + bits_len + MAP_LEN;
	if (k.fd < 0 || !k.bits || !k.map ||
	    pread(k.fd, k.bits, bits_len, (off_t)2 * PAGE) != (ssize_t)bits_len ||
	    pread(k.fd, k.map, MAP_LEN, (off_t)(2 * PAGE + bits_len)) != MAP_LEN)
		return -EIO;
	*ret = k;
	return 0;
}

static int reference_hash(struct reference *k)
{
	uint64_t off = k->pages_off;

	for (uint64_t page = 0; page < k->n_bits; page++) {
		if (!(k->bits[page / 64] >> page % 64 & 1))
			continue;
		struct node *n = malloc(sizeof(*n));
		if (!n)
			return -ENOMEM;
		*n = (struct node){ k->chains[page % CHAINS], page, off };
		k->chains[page % CHAINS] = n;
		off += PAGE;
	}
	return 0;
}

static int reference_counts(struct reference *k)
{
	uint32_t n = 0;

	k->counts = malloc(k->n_bits / 1024 * sizeof(*k->counts));
	if (!k->counts)
		return -ENOMEM;
	for (uint64_t i = 0; i < k->n_bits / 64; i++) {
		if (i % 16 == 0)
			k->counts[i / 16] = n;
		n += (uint32_t)__builtin_popcountll(k->bits[i]);
	}
	return 0;
}

static uint64_t hash_find(const struct reference *k, uint64_t pa)
{
	uint64_t page = pa / PAGE;

	for (const struct node *n = k->chains[page % CHAINS]; n; n = n->next) {
		if (n->page == page)
			return n->off + pa % PAGE;
	}
	return 0;
}

static uint64_t count_find(const struct reference *k, uint64_t pa)
{
	uint64_t page = pa / PAGE, word = page / 64, n = k->counts[word / 16];

	if (!(k->bits[word] >> page % 64 & 1))
		return 0;
	for (uint64_t i = word & ~(uint64_t)15; i < word; i++)
		n += (uint64_t)__builtin_popcountll(k->bits[i]);
	n += (uint64_t)__builtin_popcountll(k->bits[word] & (((uint64_t)1 << page % 64) - 1));
	return k->pages_off + n * PAGE + pa % PAGE;
}

static uint64_t reference_read(const struct reference *k,
			       uint64_t (*find)(const struct reference *k, uint64_t pa),
			       uint64_t va)
{
	uint64_t table[512], got = 0, off = va - KERNBASE;
	uint64_t at = find(k, k->map[off >> 21] & ~(uint64_t)(PAGE - 1));

	if (lseek(k->fd, (off_t)at, SEEK_SET) < 0 || read(k->fd, table, PAGE) != PAGE)
		return 0;
	at = find(k, (table[off >> 12 & 511] & ~(uint64_t)(PAGE - 1)) | off % PAGE);
	if (lseek(k->fd, (off_t)at, SEEK_SET) < 0 || read(k->fd, &got, 8) != 8)
		return 0;
	return got + at;
}

// --- ours ---

/* Where the bytes were found counts too, so that the sums tell whether all found the same. */
static uint64_t our_read(struct dump *d, const uint8_t *base, uint64_t va)
{
	uint64_t len, got;
	const uint8_t *at = minidump_lend(d, va, &len);
	if (!at)
		return 0;
	memcpy(&got, at, 8);
	return got + (uint64_t)(at - base);
}

/* The addresses that all read. */
static uint64_t *addresses(size_t n)
{
	uint64_t *a = malloc(n * sizeof(*a));

	random_state = 42;
	for (size_t i = 0; a && i < n; i++)
		a[i] = KERNBASE + random_below((uint64_t)TABLES << 21) / 8 * 8;
	return a;
}

static int measure_ours(const char *path, const uint64_t *va, size_t n, uint64_t *ret_sum)
{
	const char *paths[] = { path };
	sonde_auto(dump_closep) struct dump *d = NULL;
	long anonymous = status_kib("RssAnon:"), mapped = status_kib("RssFile:");
	double t = seconds();
	int r = dump_open(paths, 1, &d);
	uint64_t sum = 0, pa, len;
	struct dump_page p;

	if (r < 0)
		return r;
	printf("open_ms %.3f\n", (seconds() - t) * 1e3);
	printf("anonymous_kib %ld\n", status_kib("RssAnon:") - anonymous);
	printf("mapped_kib %ld\n", status_kib("RssFile:") - mapped);
	// Where the first dumped page lies tells where the file does.
	if (!dump_next(d, 0, &pa) || dump_page(d, pa, &p) < 0)
		return -EIO;
	const uint8_t *base = p.bytes - (2 * PAGE + memory_pages / 8 + MAP_LEN);
	for (unsigned round = 0; round < 2; round++) { // the first one fills the file cache
		sum = 0;
		t = seconds();
		for (size_t i = 0; i < n; i++)
			sum += our_read(d, base, va[i]);
	}
	printf("read_us %.4f\n", (seconds() - t) * 1e6 / (double)n);
	t = seconds();
	for (size_t i = 0; i < n; i++)
		sum += minidump_address(d, va[i], &pa, &len) < 0;
	printf("translate_us %.4f\n", (seconds() - t) * 1e6 / (double)n);
	*ret_sum = sum;
	return 0;
}

/* By the public face: the first round maps what the file cache has, the second finds it mapped. */
static int measure_face(const char *path, const uint64_t *va, size_t n)
{
	static const char *const keys[] = { "face_first_us", "face_us" };
	const char *paths[] = { path };
	struct sonde_crash *c = NULL;
	uint64_t got, failed = 0;

	int r = sonde_crash_open(paths, 1, NULL, &c);
	if (r < 0)
		return r;
	for (size_t k = 0; k < MEM_LEN(keys); k++) {
		double t = seconds();

		for (size_t i = 0; i < n; i++)
			failed += sonde_crash_read(c, va[i], &got, sizeof(got)) < 0;
		printf("%s %.4f\n", keys[k], (seconds() - t) * 1e6 / (double)n);
	}
	sonde_crash_close(c);
	return failed ? sonde_fail(-EIO, "%" PRIu64 " reads failed", failed) : 0;
}

static void measure_reference(const char *key, const struct reference *k,
			      uint64_t (*find)(const struct reference *k, uint64_t pa),
			      const uint64_t *va, size_t n, uint64_t *ret_sum)
{
	double t = seconds();
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += reference_read(k, find, va[i]);
	printf("%s_us %.4f\n", key, (seconds() - t) * 1e6 / (double)n);
	*ret_sum = sum;
}

static int run(const char *path, size_t n)
{
	sonde_auto(mem_freep) uint64_t *va = addresses(n);
	size_t few = n < 2000 ? n : 2000;
	uint64_t ours = 0, ours_few = 0, counted = 0, hashed = 0;
	struct reference k;
	double t;

	if (!va)
		return -ENOMEM;
	int r = measure_ours(path, va, n, &ours);
	if (r == 0)
		r = measure_face(path, va, n);
	if (r < 0)
		return r;
	t = seconds();
	r = reference_open(path, &k);
	if (r == 0)
		r = reference_counts(&k);
	if (r < 0)
		return r;
	printf("popcount_open_ms %.3f\n", (seconds() - t) * 1e3);
	measure_reference("popcount", &k, count_find, va, n, &counted);
	t = seconds();
	r = reference_hash(&k);
	if (r < 0)
		return r;
	printf("hash_open_ms %.3f\n", (seconds() - t) * 1e3);
	measure_reference("hash", &k, hash_find, va, few, &hashed);
	for (size_t i = 0; i < few; i++)
		ours_few += reference_read(&k, count_find, va[i]);
	printf("same %s\n", ours == counted && ours_few == hashed ? "yes" : "NO");
	return 0;
}

int main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;

	if (argc < 2 || !n) {
		(void)fprintf(stderr, "usage: dump-pages FILE [READS]\n");
		return 2;
	}
	int r = access(argv[1], R_OK) == 0 ? 0 : make(argv[1]);
	if (r < 0)
		(void)fprintf(stderr, "dump-pages: cannot make '%s': %s\n", argv[1],
			      strerrordesc_np(-r));
	if (r == 0) {
		r = run(argv[1], n);
		if (r < 0)
			(void)fprintf(stderr, "dump-pages: %s\n", sonde_err_str());
	}
	return r < 0;
}
