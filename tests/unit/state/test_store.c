/* SPDX-License-Identifier: MIT */
/** Tests the interval store against a plain array of segments, and against damage. */
#include "state/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "test.h"

static const struct store_print print = { { 1, 2, 3, 4 } };

/* Numbers that are the same on each machine. */
static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

enum { STATES = 5 };

/* A track as it should be: all its segments, holes left out. */
struct plain {
	struct store_segment *segs; /* owned */
	size_t n, cap;
};

static void plain_add(struct plain *p, struct store_segment seg)
{
	sonde_check(mem_grow(&p->segs, &p->cap, p->n + 1) >= 0);
	p->segs[p->n++] = seg;
}

static uint64_t inside(const struct store_segment *s, int64_t from, int64_t to)
{
	const int64_t begin = s->begin_ns > from ? s->begin_ns : from;
	const int64_t end = s->end_ns < to ? s->end_ns : to;

	return begin < end ? (uint64_t)(end - begin) : 0;
}

/* Segments of all lengths, now and then a hole before one. */
static struct store_segment make_segment(uint64_t *seed, int64_t *now)
{
	const uint64_t r = next(seed);
	const int64_t hole = r % 4 ? 0 : (int64_t)(r >> 8) % 1000;
	const int64_t len = 1 + (int64_t)(r >> 20) % (r % 32 ? 100 : 100000);
	const struct store_segment seg = { *now + hole, *now + hole + len,
					   1 + (uint32_t)(r >> 40) % (STATES - 1),
					   (uint32_t)(r >> 44) };

	*now = seg.end_ns;
	return seg;
}

static bool same(const struct store_segment *a, const struct store_segment *b)
{
	return a->begin_ns == b->begin_ns && a->end_ns == b->end_ns && a->state == b->state &&
	       a->value == b->value;
}

static void check_at(struct store *s, uint32_t track, const struct plain *p, int64_t ns)
{
	struct store_segment got = { 0 };
	const int found = store_at(s, track, ns, &got);

	for (size_t i = 0; i < p->n; i++) {
		if (p->segs[i].begin_ns <= ns && ns < p->segs[i].end_ns) {
			EXPECT(found == 1 && same(&got, &p->segs[i]));
			return;
		}
	}
	EXPECT(found == 0 || (found == 1 && got.state == 0));
}

static void check_read(struct store *s, uint32_t track, const struct plain *p, int64_t from,
		       int64_t to, size_t cap)
{
	struct store_segment got[64];
	size_t n = 0, k = 0;
	int64_t at = from;

	for (size_t i = 0; i < p->n; i++) {
		if (!inside(&p->segs[i], from, to))
			continue;
		if (k == n) {
			k = 0;
			EXPECT_EQ(store_read(s, track, at, to, got, cap, &n), 0);
			if (!n)
				break;
		}
		EXPECT(same(&got[k], &p->segs[i]));
		at = got[k++].end_ns;
	}
	EXPECT_EQ(k, n);
	EXPECT_EQ(store_read(s, track, at, to, got, cap, &n), 0);
	EXPECT_EQ(n, 0);
}

static void plain_sum(const struct plain *p, int64_t from, int64_t to, struct store_totals *ret)
{
	*ret = (struct store_totals){ .n = 0 };
	for (size_t i = 0; i < p->n; i++) {
		const uint64_t ns = inside(&p->segs[i], from, to);

		ret->ns[p->segs[i].state] += ns;
		ret->n += ns > 0;
	}
}

static void check_sum(struct store *s, uint32_t track, const struct plain *p, int64_t from,
		      int64_t to)
{
	struct store_totals got, want;

	EXPECT_EQ(store_sum(s, track, from, to, &got), 0);
	plain_sum(p, from, to, &want);
	for (unsigned i = 1; i < STATES; i++)
		EXPECT_EQ(got.ns[i], want.ns[i]);
	EXPECT_EQ(got.n, want.n);
}

static void check_cell(const struct store_cell *c, const struct plain *p, int64_t from, int64_t to)
{
	struct store_totals want;
	uint64_t longest = 0, most = 0, known = 0;

	if (from == to)
		return; // what a pixel of no time shows is not said
	plain_sum(p, from, to, &want);
	for (unsigned i = 1; i < STATES; i++) {
		most = want.ns[i] > most ? want.ns[i] : most;
		known += want.ns[i];
	}
	for (size_t i = 0; i < p->n; i++) {
		const uint64_t ns = inside(&p->segs[i], from, to);
		longest = ns > longest ? ns : longest;
	}
	EXPECT_EQ(c->n, want.n);
	EXPECT_EQ(c->known_ns, known);
	EXPECT_EQ(most ? want.ns[c->state] : 0, most);
	EXPECT_EQ(inside(&c->longest, from, to), longest);
	EXPECT_EQ(c->longest.state == 0, longest == 0);
	for (size_t i = 0; longest && i < p->n; i++) {
		if (p->segs[i].begin_ns == c->longest.begin_ns)
			EXPECT(same(&p->segs[i], &c->longest));
	}
}

static void check_row(struct store *s, uint32_t track, const struct plain *p, int64_t from,
		      int64_t to, size_t n)
{
	struct store_cell cells[100];

	EXPECT_EQ(store_row(s, track, from, to, cells, n), 0);
	for (size_t i = 0; i < n; i++)
		check_cell(&cells[i], p, from + (int64_t)((unsigned __int128)(to - from) * i / n),
			   from + (int64_t)((unsigned __int128)(to - from) * (i + 1) / n));
}

/* Asks all there is to ask, at places by chance and at the ends. */
static void check_all(struct store *s, uint32_t track, const struct plain *p, uint64_t *seed)
{
	const int64_t first = p->n ? p->segs[0].begin_ns : 0;
	const int64_t last = p->n ? p->segs[p->n - 1].end_ns : 0;
	const int64_t len = last - first + 200;

	check_row(s, track, p, first, last, 7);
	check_row(s, track, p, first - 50, last + 50, 100);
	check_sum(s, track, p, first - 1, last + 1);
	check_at(s, track, p, last);
	for (int i = 0; i < 20; i++) {
		const int64_t a = first - 100 + (int64_t)(next(seed) % (uint64_t)len);
		const int64_t b = first - 100 + (int64_t)(next(seed) % (uint64_t)len);
		const int64_t from = a < b ? a : b, to = a < b ? b : a;

		check_at(s, track, p, a);
		check_read(s, track, p, from, to, 1 + next(seed) % 64);
		check_sum(s, track, p, from, to);
		check_row(s, track, p, from, to, 1 + next(seed) % 100);
		check_row(s, track, p, from, from + (to - from) % 60, 100);
	}
}

/* A path that nothing is at; in a folder of its own, which rmdir() can take away. */
static void make_folder(char folder[32], char path[64])
{
	(void)snprintf(folder, 32, "/tmp/sonde-store-XXXXXX");
	sonde_check(mkdtemp(folder));
	(void)snprintf(path, 64, "%s/index", folder);
}

TEST(what_is_asked_is_what_was_appended)
{
	enum { TRACKS = 6 };
	static const size_t lengths[TRACKS] = { 0, 1, 61, 63, 5000, 20000 };
	struct plain plain[TRACKS] = { 0 };
	struct store *s = NULL;
	char folder[32], path[64];
	uint64_t seed = 42;

	make_folder(folder, path);
	EXPECT_EQ(store_create(path, &print, &s), 0);
	store_begin(s);
	for (uint32_t t = 0; t < TRACKS; t++) {
		const struct store_track spec = { .kind = t, .id = 100 + t, .n_states = STATES };
		uint32_t i;
		int64_t now = (int64_t)(next(&seed) % 1000) - 500;

		EXPECT_EQ(store_add_track(s, &spec, &i), 0);
		EXPECT_EQ(i, t);
		for (size_t k = 0; k < lengths[t]; k++) {
			const struct store_segment seg = make_segment(&seed, &now);

			EXPECT_EQ(store_append(s, t, &seg), 0);
			plain_add(&plain[t], seg);
		}
	}
	store_end(s);
	for (uint32_t t = 0; t < TRACKS; t++)
		check_all(s, t, &plain[t], &seed);
	EXPECT_EQ(access(path, F_OK), -1);
	EXPECT_EQ(store_finish(s), 0);
	for (uint32_t t = 0; t < TRACKS; t++)
		check_all(s, t, &plain[t], &seed);
	store_free(s);

	EXPECT_EQ(store_open(path, &print, &s), 0);
	EXPECT_EQ(store_n_tracks(s), TRACKS);
	for (uint32_t t = 0; t < TRACKS; t++) {
		struct store_track got;

		check_all(s, t, &plain[t], &seed);
		EXPECT_EQ(store_get_track(s, t, &got), 0);
		EXPECT(got.kind == t && got.id == 100 + t && got.n_segments == lengths[t]);
		free(plain[t].segs);
	}
	store_free(s);
	EXPECT_EQ(unlink(path), 0);
	EXPECT_EQ(rmdir(folder), 0); // and so nothing else was left there
}

/* Lengths and values on both sides of what has room in a word of the file, and far from it. */
static struct store_segment make_odd(uint64_t *seed, int64_t *now)
{
	static const uint32_t values[] = { 0, (1 << 24) - 1, 1 << 24, UINT32_MAX };
	const uint64_t r = next(seed);
	const int64_t lengths[] = { 1 + (int64_t)(r >> 8 & 0xff),
				    (INT64_C(1) << 36) - 260 + (int64_t)(r >> 16 & 7),
				    INT64_C(1) << 40 };
	const struct store_segment seg = { *now, *now + lengths[r % 16 < 14 ? r % 2 : 2],
					   1 + (uint32_t)(r >> 40) % (STATES - 1),
					   values[r >> 32 & 3] };

	*now = seg.end_ns;
	return seg;
}

TEST(long_segments_and_large_values_come_back)
{
	enum { N = 9000 };
	struct plain plain = { 0 };
	struct store *s = NULL;
	char folder[32], path[64];
	uint64_t seed = 11;
	int64_t now = -5;
	uint32_t t;

	make_folder(folder, path);
	EXPECT_EQ(store_create(path, &print, &s), 0);
	store_begin(s);
	EXPECT_EQ(store_add_track(s, &(struct store_track){ .n_states = STATES }, &t), 0);
	for (size_t k = 0; k < N; k++) {
		plain_add(&plain, make_odd(&seed, &now));
		EXPECT_EQ(store_append(s, t, &plain.segs[k]), 0);
		if (k % 3000 != 17)
			continue;
		store_end(s);
		check_all(s, t, &plain, &seed);
		store_begin(s);
	}
	store_end(s);
	check_all(s, t, &plain, &seed);
	EXPECT_EQ(store_finish(s), 0);
	store_free(s);
	EXPECT_EQ(store_open(path, &print, &s), 0);
	check_all(s, t, &plain, &seed);
	store_free(s);
	free(plain.segs);
	EXPECT_EQ(unlink(path), 0);
	EXPECT_EQ(rmdir(folder), 0);
}

/* All of time: what is between the first moment and the last has no room in 63 bits. */
TEST(segments_as_long_as_time_come_back)
{
	static const struct store_segment in[] = { { INT64_MIN, -1, 2, 9 },
						   { INT64_MAX - 5, INT64_MAX, 1, UINT32_MAX } };
	struct store_segment got[4];
	struct store_totals totals;
	struct store_cell cells[3];
	struct store *s = NULL;
	uint32_t t;
	size_t n = 0;

	EXPECT_EQ(store_create(NULL, &print, &s), 0);
	store_begin(s);
	EXPECT_EQ(store_add_track(s, &(struct store_track){ .n_states = 3 }, &t), 0);
	for (size_t i = 0; i < MEM_LEN(in); i++)
		EXPECT_EQ(store_append(s, t, &in[i]), 0);
	store_end(s);
	EXPECT_EQ(store_read(s, t, INT64_MIN, INT64_MAX, got, 4, &n), 0);
	EXPECT_EQ(n, MEM_LEN(in));
	for (size_t i = 0; i < n; i++)
		EXPECT(same(&got[i], &in[i]));
	EXPECT_EQ(store_sum(s, t, INT64_MIN, INT64_MAX, &totals), 0);
	EXPECT_EQ(totals.ns[2], (uint64_t)INT64_MAX);
	EXPECT_EQ(totals.ns[1], 5);
	EXPECT_EQ(store_row(s, t, INT64_MIN, INT64_MAX, cells, 3), 0);
	EXPECT(cells[0].state == 2 && cells[1].state == 2 && cells[2].state == 1);
	EXPECT_EQ(cells[2].known_ns, 5);
	store_free(s);
}

TEST(a_segment_takes_less_than_32_bytes)
{
	enum { N = 100000 };
	struct store *s = NULL;
	char folder[32], path[64];
	struct stat st = { 0 };
	uint64_t seed = 7;
	int64_t now[10] = { 0 };

	make_folder(folder, path);
	EXPECT_EQ(store_create(path, &print, &s), 0);
	store_begin(s);
	for (uint32_t i = 0, t; i < 10; i++)
		EXPECT_EQ(store_add_track(s, &(struct store_track){ .n_states = STORE_STATES_MOST },
					  &t),
			  0);
	for (uint32_t i = 0; i < N; i++) {
		struct store_segment seg = make_segment(&seed, &now[i % 10]);

		seg.begin_ns = seg.begin_ns - seg.begin_ns % 4;
		EXPECT_EQ(store_append(s, i % 10, &seg), 0);
	}
	store_end(s);
	EXPECT_EQ(store_finish(s), 0);
	store_free(s);
	EXPECT_EQ(stat(path, &st), 0);
	EXPECT(st.st_size < (off_t)N * 32);
	(void)unlink(path);
	(void)rmdir(folder);
}

/* Threads that live for a moment are many, and each has a leaf of its own. */
TEST(so_does_one_of_a_short_track)
{
	enum { TRACKS = 1000, EACH = 6, RECORD = 72 };
	struct store *s = NULL;
	char folder[32], path[64];
	struct stat st = { 0 };
	uint32_t t;

	make_folder(folder, path);
	EXPECT_EQ(store_create(path, &print, &s), 0);
	store_begin(s);
	for (int64_t i = 0; i < TRACKS; i++) {
		EXPECT_EQ(store_add_track(s, &(struct store_track){ .n_states = 9 }, &t), 0);
		for (int64_t k = i; k < i + EACH; k++)
			EXPECT_EQ(store_append(s, t, &(struct store_segment){ k, k + 1, 1, 2 }), 0);
		EXPECT_EQ(store_seal(s, t), 0);
	}
	store_end(s);
	EXPECT_EQ(store_finish(s), 0);
	store_free(s);
	EXPECT_EQ(stat(path, &st), 0);
	EXPECT(st.st_size < (off_t)TRACKS * (RECORD + EACH * 32));
	(void)unlink(path);
	(void)rmdir(folder);
}

TEST(what_goes_back_is_cut_and_counted)
{
	static const struct store_segment in[] = { { 10, 20, 1, 1 },
						   { 15, 30, 2, 2 },
						   { 5, 25, 1, 3 },
						   { 30, 30, 1, 4 },
						   { 40, 50, 1, 5 } };
	static const struct store_segment out[] = { { 10, 20, 1, 1 },
						    { 20, 30, 2, 2 },
						    { 40, 50, 1, 5 } };
	struct store_segment got[8];
	struct store *s = NULL;
	uint32_t t = 0;
	size_t n = 0;

	EXPECT_EQ(store_create(NULL, &print, &s), 0);
	store_begin(s);
	EXPECT_EQ(store_add_track(s, &(struct store_track){ .n_states = 3 }, &t), 0);
	for (size_t i = 0; i < MEM_LEN(in); i++)
		EXPECT_EQ(store_append(s, t, &in[i]), 0);
	store_end(s);
	EXPECT_EQ(store_read(s, t, INT64_MIN, INT64_MAX, got, 8, &n), 0);
	EXPECT_EQ(n, MEM_LEN(out));
	for (size_t i = 0; i < n; i++)
		EXPECT(same(&got[i], &out[i]));
	EXPECT_EQ(store_cut(s), 2);
	EXPECT_EQ(store_read(s, t + 1, 0, 1, got, 8, &n), -EINVAL);
	store_free(s);
}

TEST(texts_are_kept_once_and_counts_come_back)
{
	struct store *s = NULL;
	char folder[32], path[64], name[16];
	uint32_t a, b, c;

	make_folder(folder, path);
	EXPECT_EQ(store_create(path, &print, &s), 0);
	store_begin(s);
	EXPECT_EQ(store_add_text(s, "bash", 4, &a), 0);
	EXPECT_EQ(store_add_text(s, "bash\0more", 9, &b), 0);
	EXPECT_EQ(store_add_text(s, "", 0, &c), 0);
	EXPECT(a == 1 && b == 1 && c == 2);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "t%d", i);
		EXPECT_EQ(store_add_text(s, name, strlen(name), &c), 0);
		EXPECT_EQ(c, 3 + i);
	}
	store_set_count(s, 3, 77);
	store_end(s);
	EXPECT_EQ(store_finish(s), 0);
	EXPECT_STR(store_text(s, 1), "bash");
	store_free(s);
	EXPECT_EQ(store_open(path, &print, &s), 0);
	EXPECT_STR(store_text(s, 1), "bash");
	EXPECT_STR(store_text(s, 2), "");
	EXPECT_STR(store_text(s, 1002), "t999");
	EXPECT_STR(store_text(s, 1003), "");
	EXPECT_STR(store_text(s, 0), "");
	EXPECT_EQ(store_count(s, 3), 77);
	store_free(s);
	(void)unlink(path);
	(void)rmdir(folder);
}

/* A small store at @path. */
static int make_small(const char *path, size_t n)
{
	struct store *s = NULL;
	uint64_t seed = 3;
	int64_t now = 0;
	uint32_t t, text;
	int r = store_create(path, &print, &s);

	if (r < 0)
		return r;
	store_begin(s);
	r = store_add_text(s, "name", 4, &text);
	if (r >= 0)
		r = store_add_track(s, &(struct store_track){ .n_states = STATES, .name = text },
				    &t);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct store_segment seg = make_segment(&seed, &now);

		r = store_append(s, t, &seg);
	}
	store_end(s);
	if (r >= 0)
		r = store_finish(s);
	store_free(s);
	return r;
}

/* Asks for all of it; the first failure. */
static int ask_all(struct store *s)
{
	struct store_cell cells[50];
	struct store_segment segs[50];
	struct store_totals totals;
	size_t n = 1;
	int64_t at = INT64_MIN;

	for (uint32_t t = 0; t < store_n_tracks(s); t++) {
		int r = store_row(s, t, 0, 1 << 20, cells, 50);
		// Of so long pixels that nodes are read instead of mapped.
		if (r >= 0)
			r = store_row(s, t, 0, 1 << 20, cells, 3);
		if (r >= 0)
			r = store_sum(s, t, 100, 1 << 20, &totals);
		for (n = 1; r >= 0 && n; at = n ? segs[n - 1].end_ns : at)
			r = store_read(s, t, at, INT64_MAX, segs, 50, &n);
		if (r < 0)
			return r;
	}
	return 0;
}

TEST(damage_is_found)
{
	char folder[32], path[64];
	struct store *s = NULL;
	struct stat st = { 0 };

	make_folder(folder, path);
	EXPECT_EQ(store_open(path, &print, &s), -ENOENT);
	EXPECT_EQ(make_small(path, 5000), 0);
	EXPECT_EQ(store_open(path, &(struct store_print){ { 1, 2, 3, 5 } }, &s), -ESTALE);
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	EXPECT(fd >= 0 && fstat(fd, &st) == 0);
	// Each byte that is not padding: whoever asks for all is told.
	for (off_t off = 0; off < st.st_size;
	     off += off < 256 || off > st.st_size - 300 ? 1 : 251) {
		uint8_t old = 0, bad;

		EXPECT_EQ(pread(fd, &old, 1, off), 1);
		bad = old ^ 0x41;
		EXPECT_EQ(pwrite(fd, &bad, 1, off), 1);
		int r = store_open(path, &print, &s);
		if (r >= 0) {
			r = ask_all(s);
			store_free(s);
		}
		// Behind the header's and a node's end lies padding.
		if (r != -EBADMSG && r != -ESTALE && old)
			test_failed(__FILE__, __LINE__, "byte %lld: %d", (long long)off, r);
		EXPECT_EQ(pwrite(fd, &old, 1, off), 1);
	}
	for (off_t len = 0; len < st.st_size; len += 4000) {
		EXPECT_EQ(ftruncate(fd, st.st_size - 1 - len), 0);
		EXPECT_EQ(store_open(path, &print, &s), -EBADMSG);
	}
	(void)close(fd);
	(void)unlink(path);
	(void)rmdir(folder);
}

/* Many tracks that grow slowly: open nodes are written before they are full. */
TEST(memory_stays_flat_with_many_tracks)
{
	enum { TRACKS = 100000, ROUNDS = 90, WATCHED = 777 };
	struct plain plain = { 0 };
	struct store *s = NULL;
	uint64_t seed = 5;
	int64_t now = 0;

	EXPECT_EQ(store_create(NULL, &print, &s), 0);
	store_begin(s);
	for (uint32_t i = 0, t; i < TRACKS; i++)
		EXPECT_EQ(store_add_track(s, &(struct store_track){ .n_states = STATES }, &t), 0);
	for (int round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < TRACKS; i++) {
			struct store_segment seg = { round * 10, round * 10 + 7, 1, i };

			if (i == WATCHED) {
				seg = make_segment(&seed, &now);
				plain_add(&plain, seg);
			}
			EXPECT_EQ(store_append(s, i, &seg), 0);
		}
	}
	store_end(s);
	check_all(s, WATCHED, &plain, &seed);
	EXPECT_EQ(store_finish(s), 0);
	check_all(s, WATCHED, &plain, &seed);
	store_free(s);
	free(plain.segs);
}

/* One thread appends, another asks: what it is told is right for some moment. */
struct pair {
	struct store *s;
	_Atomic bool done;
	uint64_t asked;
};

static void *ask_on(void *arg)
{
	struct pair *p = arg;
	uint64_t before = 0;

	while (!p->done) {
		struct store_totals t;
		struct store_cell cells[100];
		uint64_t n = 0;

		EXPECT_EQ(store_sum(p->s, 0, 0, INT64_MAX, &t), 0);
		EXPECT_EQ(t.ns[1], t.n * 10);
		EXPECT(t.n >= before);
		before = t.n;
		EXPECT_EQ(store_row(p->s, 0, 0, 1 << 21, cells, 100), 0);
		for (int i = 0; i < 100; i++)
			n += cells[i].n;
		EXPECT(n >= before);
		p->asked++;
	}
	return NULL;
}

TEST(it_is_asked_while_it_is_built)
{
	struct pair p = { 0 };
	pthread_t asker;
	uint32_t t;

	EXPECT_EQ(store_create(NULL, &print, &p.s), 0);
	store_begin(p.s);
	EXPECT_EQ(store_add_track(p.s, &(struct store_track){ .n_states = 2 }, &t), 0);
	store_end(p.s);
	EXPECT_EQ(pthread_create(&asker, NULL, ask_on, &p), 0);
	for (int64_t at = 0; at < 200000; at += 500) {
		store_begin(p.s);
		for (int64_t i = 0; i < 500; i++)
			EXPECT_EQ(store_append(p.s, t,
					       &(struct store_segment){ (at + i) * 10,
									(at + i) * 10 + 10, 1, 0 }),
				  0);
		store_end(p.s);
	}
	p.done = true;
	EXPECT_EQ(pthread_join(asker, NULL), 0);
	EXPECT_EQ(store_finish(p.s), 0);
	store_free(p.s);
}

static void put_file(const char *folder, const char *name, const char *text)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	const int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)close(fd);
}

TEST(the_print_changes_with_the_files)
{
	static const struct timespec times[2] = { { 1000, 5 }, { 1000, 5 } };
	struct store_print a, b;
	char folder[32], path[64];

	make_folder(folder, path);
	EXPECT_EQ(store_print_folder(path, "1", &a), -ENOENT);
	put_file(folder, "index", "one");
	EXPECT_EQ(utimensat(AT_FDCWD, path, times, 0), 0);
	EXPECT_EQ(store_print_folder(folder, "1", &a), 0);
	put_file(folder, ".hidden", "x");
	EXPECT_EQ(store_print_folder(folder, "1", &b), 0);
	EXPECT(!memcmp(&a, &b, sizeof(a)));
	EXPECT_EQ(store_print_folder(folder, "2", &b), 0);
	EXPECT(memcmp(&a, &b, sizeof(a)) != 0);
	put_file(folder, "index", "two");
	EXPECT_EQ(store_print_folder(folder, "1", &b), 0);
	EXPECT(memcmp(&a, &b, sizeof(a)) != 0);
	EXPECT_EQ(utimensat(AT_FDCWD, path, times, 0), 0);
	EXPECT_EQ(store_print_folder(folder, "1", &b), 0);
	EXPECT(!memcmp(&a, &b, sizeof(a)));
	put_file(folder, "more", "");
	EXPECT_EQ(store_print_folder(folder, "1", &b), 0);
	EXPECT(memcmp(&a, &b, sizeof(a)) != 0);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/more", folder);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/.hidden", folder);
	(void)unlink(path);
	EXPECT_EQ(rmdir(folder), 0);
}

static char oom_path[64];

static int build_and_ask(void)
{
	struct store *s = NULL;
	int r = make_small(oom_path, 300);

	if (r >= 0)
		r = store_open(oom_path, &print, &s);
	if (r >= 0) {
		r = ask_all(s);
		store_free(s);
	}
	return r;
}

TEST(without_memory_nothing_leaks)
{
	char folder[32];

	make_folder(folder, oom_path);
	test_oom(build_and_ask);
	(void)unlink(oom_path);
	EXPECT_EQ(rmdir(folder), 0);
}
