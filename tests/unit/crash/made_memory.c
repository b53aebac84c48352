/* SPDX-License-Identifier: MIT */
/** Memory made up from a seed; the slow reference that dumps of it are compared with. */
#include "made_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "test.h"

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccd;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53;
	return x ^ x >> 33;
}

uint64_t made_random(struct made_memory *m, uint64_t below)
{
	m->random += 0x9e3779b97f4a7c15;
	return mix(m->random) % below;
}

void made_ranges(struct made_memory *m, uint64_t seed, size_t n, uint64_t span, bool whole)
{
	*m = (struct made_memory){ .seed = mix(seed), .random = seed, .n = n };
	sonde_check(n <= MADE_RANGES);
	for (size_t i = 0; i < n; i++) {
		uint64_t part = span / n / MADE_PAGE * MADE_PAGE;
		uint64_t pa = whole ? i * part : made_random(m, span);
		uint64_t len = 1 + made_random(m, whole ? part : span / 8);

		if (whole) {
			uint64_t skip = made_random(m, part) & -(uint64_t)MADE_PAGE;

			pa += skip;
			len = (len % (part - skip) + MADE_PAGE) & -(uint64_t)MADE_PAGE;
			if (len > part - skip)
				len = part - skip;
		}
		m->ranges[i].pa = pa;
		m->ranges[i].len = len;
	}
}

/* Pages of zeros, pages that are all the same, pages that hardly compress, pages that do. */
static uint8_t byte_at(const struct made_memory *m, uint64_t pa)
{
	uint64_t page = pa / MADE_PAGE, kind = mix(m->seed ^ page) % 8;

	if (kind < 2)
		return 0;
	if (kind == 2)
		return (uint8_t)(pa % 251);
	if (kind == 3)
		return (uint8_t)mix(m->seed + pa);
	return (uint8_t)(mix(page) >> pa % 8 * 8);
}

void made_fill(const struct made_memory *m, uint64_t pa, uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = byte_at(m, pa + i);
}

bool made_has(const struct made_memory *m, uint64_t pa)
{
	for (size_t i = 0; i < m->n; i++) {
		if (pa >= m->ranges[i].pa && pa - m->ranges[i].pa < m->ranges[i].len)
			return true;
	}
	return false;
}

static void compare_at(const struct made_memory *m, struct dump *d, uint64_t pa, size_t n)
{
	uint8_t got[3 * MADE_PAGE], wanted[3 * MADE_PAGE];
	bool has = true;

	for (size_t i = 0; has && i < n; i++)
		has = made_has(m, pa + i);
	made_fill(m, pa, wanted, n);
	int r = dump_read(d, pa, got, n);
	if (r != (has ? 0 : -ENODATA))
		test_failed(__FILE__, __LINE__, "seed %" PRIx64 ": 0x%" PRIx64 ", %zu bytes: %d %s",
			    m->seed, pa, n, r, r < 0 ? sonde_err_str() : "");
	else if (has && memcmp(got, wanted, n) != 0)
		test_failed(__FILE__, __LINE__, "seed %" PRIx64 ": 0x%" PRIx64 ", %zu bytes differ",
			    m->seed, pa, n);
}

static void compare_page(const struct made_memory *m, struct dump *d, uint64_t pa)
{
	uint8_t wanted[MADE_PAGE];
	struct dump_page p;
	bool has = true;

	pa &= -(uint64_t)MADE_PAGE;
	for (size_t i = 0; has && i < MADE_PAGE; i++)
		has = made_has(m, pa + i);
	made_fill(m, pa, wanted, sizeof(wanted));
	int r = dump_page(d, pa, &p);
	EXPECT_EQ(r, has ? 0 : -ENODATA);
	if (r < 0)
		return;
	EXPECT(!memcmp(p.bytes, wanted, sizeof(wanted)));
	dump_release(d, &p);
}

/* dump_next() tells of each byte that is there, and of no other. */
static void compare_runs(const struct made_memory *m, struct dump *d)
{
	uint64_t pa = 0, at, n, told = 0, end = 0, step = MADE_PAGE;

	while ((n = dump_next(d, pa, &at))) {
		EXPECT(at >= pa);
		EXPECT(made_has(m, at) && made_has(m, at + n - 1));
		EXPECT(at == pa || !made_has(m, pa));
		told += n;
		pa = at + n;
	}
	for (size_t i = 0; i < m->n; i++) {
		uint64_t e = m->ranges[i].pa + m->ranges[i].len;

		end = e > end ? e : end;
		if (m->ranges[i].pa % MADE_PAGE || m->ranges[i].len % MADE_PAGE)
			step = 1;
	}
	for (at = 0; at < end; at += step)
		told -= made_has(m, at) ? step : 0;
	EXPECT_EQ(told, 0);
}

void made_compare(struct made_memory *m, struct dump *d, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		size_t k = made_random(m, m->n);
		uint64_t pa = m->ranges[k].pa + made_random(m, m->ranges[k].len + 2);

		pa = i % 8 || !pa ? pa : pa - 1;
		compare_at(m, d, pa, 1 + made_random(m, i % 4 ? 16 : 3 * MADE_PAGE - 1));
		compare_page(m, d, pa);
	}
	compare_runs(m, d);
}
