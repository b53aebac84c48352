/* SPDX-License-Identifier: MIT */
/** Aggregations of random numbers, in the kernel, against the same reckoned here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "made_run.h"
#include "made_world.h"
#include "random_script.h"
#include "test.h"

enum { N = 200, KEYS = 4, WORDS_MOST = 2000 };

static const char script[] =
	"BEGIN {\n"
	"$p = (uint64 *)uptr($1);\n"
	"for ($i : 0..200) {\n"
	"	$v = $p[$i]; $s = (int64)$v; $k = $v & 3; $small = $v % 500;\n"
	"	@count = count(); @sum = sum($s); @usum = sum($v); @avg = avg($s); @stats = "
	"stats($v);\n"
	"	@min = min($s); @max = max($s); @umin = min($v); @umax = max($v);\n"
	"	@hist0 = hist($v); @hist1 = hist($v, 1); @hist3 = hist($v, 3); @hist5 = hist($v, "
	"5);\n"
	"	@signed = hist($s, 2); @lhist = lhist($small, 10, 400, 7); @slhist = lhist($s, 0, "
	"20, 3);\n"
	"	@kcount[$k] = count(); @ksum[$k] = sum($s); @kmin[$k] = min($s); @kmax[$k] = "
	"max($v);\n"
	"	@khist[$k] = hist($v); @kavg[$k] = avg($v);\n"
	"}\n"
	"@r[0] = @count; @r[1] = @sum; @r[2] = (int64)@usum; @r[3] = @min; @r[4] = @max;\n"
	"@r[5] = (int64)@umin; @r[6] = (int64)@umax; @r[7] = @avg; @r[8] = @kcount[1];\n"
	"@r[9] = @ksum[2]; @r[10] = @kmin[3]; @r[11] = (int64)@kmax[0]; @r[12] = (int64)@kavg[1];\n"
	"@r[13] = @kcount[9]; @r[14] = @kmin[9]; @r[15] = len(@kcount);\n"
	"for (($k, $n) : @kcount) { @n[$k] = $n; }\n"
	"for ($kv : @kmin) { @m[$kv.0] = $kv.1; }\n"
	"}\n";

struct here {
	struct made made;
	struct made_run run;
	uint64_t v[N];
};

/* The words of a map's value, summed up over all CPUs; of the key @key, if it has keys. */
static void words_of(const struct here *h, const char *name, uint64_t key, uint64_t *ret)
{
	const struct script_map *m = made_run_map(&h->run, name);
	static uint64_t row[WORDS_MOST * 64];

	EXPECT(m);
	memset(ret, 0, WORDS_MOST * sizeof(*ret));
	if (!m)
		return;
	const size_t len = bpf_maps_row_len(h->run.maps, (size_t)m->bpf_map), n = m->val->size / 8;
	if (len > sizeof(row) || bpf_maps_lookup(h->run.maps, (size_t)m->bpf_map, &key, row) < 0) {
		test_failed(__FILE__, __LINE__, "@%s[%" PRIu64 "] is not there", name, key);
		return;
	}
	for (size_t at = 0; at + n * 8 <= len; at += n * 8)
		for (size_t i = 0; i < n; i++)
			ret[i] += row[at / 8 + i];
}

static void check_word(const struct here *h, const char *name, uint64_t key, unsigned i,
		       uint64_t want)
{
	static uint64_t words[WORDS_MOST];

	words_of(h, name, key, words);
	if (words[i] != want)
		test_failed(__FILE__, __LINE__,
			    "@%s[%" PRIu64 "] word %u is %" PRId64 ", wanted %" PRId64, name, key,
			    i, (int64_t)words[i], (int64_t)want);
}

struct sums {
	uint64_t n, sum, umin, umax;
	int64_t min, max;
};

static struct sums sums_of(const struct here *h, int key)
{
	struct sums s = { .umin = UINT64_MAX, .min = INT64_MAX, .max = INT64_MIN };

	for (int i = 0; i < N; i++) {
		const uint64_t v = h->v[i];
		if (key >= 0 && (v & 3) != (unsigned)key)
			continue;
		s.n++;
		s.sum += v;
		s.umin = v < s.umin ? v : s.umin;
		s.umax = v > s.umax ? v : s.umax;
		s.min = (int64_t)v < s.min ? (int64_t)v : s.min;
		s.max = (int64_t)v > s.max ? (int64_t)v : s.max;
	}
	return s;
}

static void check_sums(const struct here *h)
{
	const struct sums s = sums_of(h, -1);

	check_word(h, "count", 0, 0, s.n);
	check_word(h, "sum", 0, 0, s.sum);
	check_word(h, "usum", 0, 0, s.sum);
	check_word(h, "avg", 0, 0, s.sum);
	check_word(h, "avg", 0, 1, s.n);
	check_word(h, "stats", 0, 1, s.n);
	check_word(h, "min", 0, 0, (uint64_t)s.min);
	check_word(h, "max", 0, 0, (uint64_t)s.max);
	check_word(h, "umin", 0, 0, s.umin);
	check_word(h, "umax", 0, 0, s.umax);
	for (int k = 0; k < KEYS; k++) {
		const struct sums of = sums_of(h, k);
		check_word(h, "kcount", (uint64_t)k, 0, of.n);
		check_word(h, "ksum", (uint64_t)k, 0, of.sum);
		check_word(h, "kmin", (uint64_t)k, 0, (uint64_t)of.min);
		check_word(h, "kmax", (uint64_t)k, 0, of.umax);
		check_word(h, "kavg", (uint64_t)k, 1, of.n);
	}
}

/* Which bucket of hist() a number belongs to, found by looking at each one's bounds. */
static unsigned bucket_of(uint64_t v, unsigned bits, bool is_signed)
{
	if (is_signed && (int64_t)v < 0)
		return 0;
	for (unsigned i = 1; i < hist_len(bits); i++) {
		uint64_t low, high;
		hist_bounds(bits, i, &low, &high);
		if (v >= low && (v < high || !high))
			return i;
	}
	return 0;
}

static void check_hist(const struct here *h, const char *name, unsigned bits, bool is_signed,
		       int key)
{
	static uint64_t want[WORDS_MOST], got[WORDS_MOST];

	memset(want, 0, sizeof(want));
	for (int i = 0; i < N; i++)
		if (key < 0 || (h->v[i] & 3) == (unsigned)key)
			want[bucket_of(h->v[i], bits, is_signed)]++;
	words_of(h, name, key < 0 ? 0 : (uint64_t)key, got);
	for (unsigned i = 0; i < hist_len(bits); i++)
		if (got[i] != want[i])
			test_failed(__FILE__, __LINE__,
				    "@%s bucket %u has %" PRIu64 ", wanted %" PRIu64, name, i,
				    got[i], want[i]);
}

static void check_lhist(const struct here *h, const char *name, int64_t min, int64_t max,
			int64_t step, bool is_signed)
{
	static uint64_t want[WORDS_MOST], got[WORDS_MOST];
	const unsigned n = (unsigned)(2 + (max - min) / step);
	const int64_t end = min + (n - 2) * step; // a last bucket that is cut belongs to above

	memset(want, 0, sizeof(want));
	for (int i = 0; i < N; i++) {
		const uint64_t u = is_signed ? h->v[i] : h->v[i] % 500;
		const int64_t v = (int64_t)u;
		const bool above = is_signed ? v >= end : u >= (uint64_t)end;
		const bool below = is_signed ? v < min : u < (uint64_t)min;
		want[below ? 0 : above ? n - 1 : (unsigned)(1 + (v - min) / step)]++;
	}
	words_of(h, name, 0, got);
	for (unsigned i = 0; i < n; i++)
		if (got[i] != want[i])
			test_failed(__FILE__, __LINE__,
				    "@%s bucket %u has %" PRIu64 ", wanted %" PRIu64, name, i,
				    got[i], want[i]);
}

/* What the script itself reads of them. */
static void check_reads(const struct here *h)
{
	const struct sums s = sums_of(h, -1), k0 = sums_of(h, 0), k1 = sums_of(h, 1),
			  k2 = sums_of(h, 2), k3 = sums_of(h, 3);
	const int64_t want[] = {
		(int64_t)s.n,
		(int64_t)s.sum,
		(int64_t)s.sum,
		s.min,
		s.max,
		(int64_t)s.umin,
		(int64_t)s.umax,
		(int64_t)s.sum / (int64_t)s.n,
		(int64_t)k1.n,
		(int64_t)k2.sum,
		k3.min,
		(int64_t)k0.umax,
		(int64_t)(k1.sum / (k1.n ? k1.n : 1)),
		0,
		0,
		KEYS,
	};

	for (uint64_t i = 0; i < MEM_LEN(want); i++)
		check_word(h, "r", i, 0, (uint64_t)want[i]);
	for (uint64_t k = 0; k < KEYS; k++) {
		check_word(h, "n", k, 0, sums_of(h, (int)k).n);
		check_word(h, "m", k, 0, (uint64_t)sums_of(h, (int)k).min);
	}
}

static void check_all(const struct here *h)
{
	check_sums(h);
	check_hist(h, "hist0", 0, false, -1);
	check_hist(h, "hist1", 1, false, -1);
	check_hist(h, "hist3", 3, false, -1);
	check_hist(h, "hist5", 5, false, -1);
	check_hist(h, "signed", 2, true, -1);
	for (int k = 0; k < KEYS; k++)
		check_hist(h, "khist", 0, false, k);
	check_lhist(h, "lhist", 10, 400, 7, false);
	check_lhist(h, "slhist", 0, 20, 3, true);
	check_reads(h);
}

TEST(aggregations)
{
	sonde_auto(world_freep) struct world *w = NULL;
	static struct here h;
	char address[32];
	const char *params[] = { address };
	const struct compile_options how = { .params = params, .n_params = 1 };

	if (!made_run_can()) {
		test_skip("no right to load programs");
		return;
	}
	uint64_t state = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : (uint64_t)time(NULL);
	printf("# seed %" PRIu64 "\n", state);
	state = state * 0x9E3779B97F4A7C15 + 1;
	for (int i = 0; i < N; i++)
		h.v[i] = random_number(&state);
	for (int i = 0; i < KEYS; i++) // each key has some
		h.v[i] = (h.v[i] & ~3ULL) | (unsigned)i;
	snprintf(address, sizeof(address), "%" PRIu64, (uint64_t)(uintptr_t)h.v);
	EXPECT_EQ(made_world_new(false, &w), 0);
	made_compile(&h.made, w, script, &how);
	int r = h.made.r ? h.made.r : made_run_load(&h.run, h.made.script);
	if (!r)
		r = made_run_once(&h.run);
	if (r < 0)
		test_failed(__FILE__, __LINE__, "%s%s%s", strbuf_text(&h.made.diag.out),
			    sonde_err_str(), strbuf_text(&h.run.log));
	else
		check_all(&h);
	made_run_fini(&h.run);
	made_fini(&h.made);
}
