/* SPDX-License-Identifier: MIT */
/** Symbols out of made-up tables of kallsyms; tables that lie. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "crash/linux/ksyms.h"
#include "crash/thin/thin.h"
#include "made_image.h"
#include "test.h"

enum { SYMS = 1000, LONG = 400 };
#define MAP 0xffffffff80000000ull

static const struct space_layout four = { .tables = SPACE_X86_64, .page_bits = 12, .va_bits = 48 };

struct tables {
	struct made_image m;
	struct space mem;
	struct dump *d;
	struct made_file names, tokens;
	uint16_t index[256];
	int32_t offsets[SYMS];
	struct ksyms_places at;
	uint64_t pa;
	bool packed; /* the dump is */
};

/* Tokens are the letters themselves, but '!', which stands for "sys_". */
static void make_tokens(struct tables *t)
{
	for (unsigned i = 0; i < 256; i++) {
		char text[2] = { (char)i, 0 };

		t->index[i] = (uint16_t)t->tokens.len;
		made_put(&t->tokens, t->tokens.len, i == '!' ? "sys_" : text,
			 i == '!' ? 5
			 : i	  ? 2
				  : 1);
	}
}

static void add_name(struct tables *t, const char *name)
{
	size_t len = strlen(name);
	uint8_t head[2] = { (uint8_t)len, 0 };

	if (len > 127) {
		head[0] = (uint8_t)(len | 0x80);
		head[1] = (uint8_t)(len >> 7);
	}
	made_put(&t->names, t->names.len, head, len > 127 ? 2 : 1);
	made_put(&t->names, t->names.len, name, len);
}

/* Where a table lies is told in the space of the kernel's map, which is linear here. */
static uint64_t place(struct tables *t, const void *data, size_t n)
{
	uint64_t pa = t->pa;

	image_put(&t->m, pa, data, n);
	t->pa = (pa + n + 7) & ~7ull;
	return MAP + pa;
}

static void make(struct tables *t, bool percpu)
{
	uint32_t n = SYMS;
	uint64_t base = 0xffffffff81000000;
	char name[LONG + 32];

	*t = (struct tables){ 0 };
	image_init(&t->m, &four);
	make_tokens(t);
	for (int i = 0; i < SYMS; i++) {
		bool is_long = i == 500;

		(void)snprintf(name, sizeof(name), "%c!%0*d", i % 2 ? 'T' : 'd', is_long ? LONG : 1,
			       i / 2 * 2);
		add_name(t, name);
		t->offsets[i] = i / 2 * 32;
		if (percpu && i >= 10)
			t->offsets[i] = -1 - t->offsets[i];
	}
	t->pa = image_pages(&t->m, 40);
	t->at.offsets = place(t, t->offsets, sizeof(t->offsets));
	t->at.relative_base = place(t, &base, sizeof(base));
	t->at.num_syms = place(t, &n, sizeof(n));
	t->at.names = place(t, t->names.data, t->names.len);
	t->at.token_table = place(t, t->tokens.data, t->tokens.len);
	t->at.token_index = place(t, t->index, sizeof(t->index));
}

/* A dump of the same pages, each of which has to be unpacked. */
static struct dump *pack(struct dump *d)
{
	enum { MOST = 512 };
	uint64_t pages[MOST], at = 0, len;
	struct thin_result result;
	struct dump *packed = NULL;
	char path[128];
	size_t n = 0;

	for (; (len = dump_next(d, at, &at)) != 0; at += len) {
		for (uint64_t i = 0; i < len / 4096 && n < MOST; i++)
			pages[n++] = at / 4096 + i;
	}
	(void)snprintf(path, sizeof(path), "/tmp/sonde-ksyms-%d", (int)getpid());
	EXPECT_EQ(thin_write(d, pages, n, path, &result), 0);
	EXPECT_EQ(dump_open(&(const char *){ path }, 1, &packed), 0);
	(void)unlink(path);
	dump_close(d);
	return packed;
}

static int load(struct tables *t, struct ksyms *ret)
{
	t->d = image_open(&t->m, NULL);
	if (t->packed)
		t->d = pack(t->d);
	EXPECT_EQ(space_init(&t->mem, t->d, &t->m.layout), 0);
	space_add_linear(&t->mem, MAP, MAP + (1 << 30), 0);
	return ksyms_load(ret, &t->mem, &t->at);
}

static void fini(struct tables *t, struct ksyms *s)
{
	ksyms_fini(s);
	space_fini(&t->mem);
	dump_close(t->d);
	made_fini(&t->names);
	made_fini(&t->tokens);
	image_fini(&t->m);
}

static void expect_all(bool percpu, bool packed)
{
	struct tables t;
	struct ksyms s;
	char name[KSYM_NAME_MOST], want[LONG + 32], type;
	uint32_t i = 0;
	uint64_t size = 0;

	make(&t, percpu);
	t.packed = packed;
	EXPECT_EQ(load(&t, &s), 0);
	EXPECT_EQ(s.n, SYMS);
	EXPECT_EQ(!s.paged, !packed);
	for (uint32_t k = 0; k < SYMS; k++) {
		uint64_t addr = percpu && k < 10 ? k / 2 * 32 : 0xffffffff81000000 + k / 2 * 32;

		(void)snprintf(want, sizeof(want), "sys_%0*u", k == 500 ? LONG : 1, k / 2 * 2);
		ksyms_name(&s, k, name, &type);
		EXPECT_STR(name, want);
		EXPECT_EQ(type, k % 2 ? 'T' : 'd');
		EXPECT_EQ(ksyms_address(&s, k), addr);
		// Two have each address: the first counts; but for one, whose name differs.
		EXPECT(ksyms_named(&s, want, &i));
		EXPECT_EQ(i, k == 501 ? 501 : k / 2 * 2);
		EXPECT(ksyms_find(&s, addr + 31, &i, &size));
		EXPECT_EQ(i, k / 2 * 2);
		EXPECT(size == 32 || k >= SYMS - 2 || (percpu && k / 2 == 4));
	}
	EXPECT(!ksyms_named(&s, "sys_", &i));
	EXPECT(!ksyms_named(&s, "sys_1", &i));
	EXPECT(percpu || !ksyms_find(&s, 0xffffffff80ffffff, &i, &size));
	fini(&t, &s);
}

TEST(names_and_addresses)
{
	expect_all(false, false);
	expect_all(false, true);
}

TEST(addresses_that_count_down)
{
	expect_all(true, false);
	expect_all(true, true);
}

TEST(tables_that_lie)
{
	struct tables t;
	struct ksyms s;
	uint32_t n = SYMS + 1;

	make(&t, false);
	image_put(&t.m, t.at.num_syms - MAP, &n, sizeof(n));
	EXPECT_EQ(load(&t, &s), -EBADMSG); // one more than there are names
	fini(&t, &s);

	make(&t, false);
	n = 0;
	image_put(&t.m, t.at.num_syms - MAP, &n, sizeof(n));
	EXPECT_EQ(load(&t, &s), -EBADMSG);
	fini(&t, &s);

	make(&t, false);
	t.index[7] = t.index[6];
	image_put(&t.m, t.at.token_index - MAP, t.index, sizeof(t.index));
	EXPECT_EQ(load(&t, &s), -EBADMSG);
	fini(&t, &s);

	make(&t, false);
	t.at.names = MAP + (1 << 29);
	t.at.token_table = t.at.names + 100000;
	EXPECT(load(&t, &s) < 0);
	fini(&t, &s);

	make(&t, false);
	t.packed = true;
	t.at.names = MAP + (1 << 29);
	t.at.token_table = t.at.names + 100000;
	EXPECT_EQ(load(&t, &s), -ENODATA);
	fini(&t, &s);
}

/* Since 7.0 each offset is from where it lies, up or down. */
TEST(addresses_from_where_they_lie)
{
	struct tables t;
	struct ksyms s;
	uint32_t i = 0;
	uint64_t size = 0;

	make(&t, false);
	const uint64_t first = t.at.offsets - 4096;
	for (int k = 0; k < SYMS; k++)
		t.offsets[k] = (int32_t)(first + k / 2 * 32 - t.at.offsets - k * 4ul);
	image_put(&t.m, t.at.offsets - MAP, t.offsets, sizeof(t.offsets));
	t.at.relative_base = 0;
	EXPECT_EQ(load(&t, &s), 0);
	for (uint32_t k = 0; k < SYMS; k++)
		EXPECT_EQ(ksyms_address(&s, k), first + k / 2 * 32);
	EXPECT(ksyms_find(&s, first + 600 * 32 / 2 + 5, &i, &size));
	EXPECT_EQ(i, 600);
	EXPECT_EQ(size, 32);
	EXPECT(!ksyms_find(&s, first - 1, &i, &size));
	fini(&t, &s);
}

/* All tables of the first @n symbols in the order that kernels before 6.2 have them in. */
static void make_in_order(struct tables *t, uint32_t n, unsigned marker_size)
{
	uint64_t base = 0xffffffff81000000, mark = 0;

	make(t, true);
	t->pa = image_pages(&t->m, 40) + 2 * 4096;
	t->at.offsets = place(t, t->offsets, n * 4ul);
	t->at.relative_base = place(t, &base, sizeof(base));
	t->at.num_syms = place(t, &n, sizeof(n));
	t->at.names = MAP + t->pa;
	size_t at = 0, n_marks = 0;
	uint8_t marks[64];
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *head = t->names.data + at;

		if (i % 256 == 0) {
			mark = at;
			memcpy(marks + n_marks++ * marker_size, &mark, marker_size);
		}
		at += head[0] & 0x80 ? 2ul + (head[0] & 0x7f) + ((size_t)head[1] << 7)
				     : 1ul + head[0];
	}
	place(t, t->names.data, at);
	place(t, marks, n_marks * marker_size);
	t->at.token_table = place(t, t->tokens.data, t->tokens.len);
	t->at.token_index = place(t, t->index, sizeof(t->index));
}

/* Digits alone are not enough: tables without an index, and such before the right ones. */
static void put_decoy(struct tables *t)
{
	static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

	image_put(&t->m, t->at.offsets - MAP - 8000, digits, sizeof(digits));
	image_put(&t->m, t->at.offsets - MAP - 7000, t->tokens.data, t->tokens.len);
}

static void expect_found(uint32_t n, unsigned marker_size)
{
	struct tables t;
	struct ksyms s;
	struct ksyms_places at = { 0 };

	make_in_order(&t, n, marker_size);
	put_decoy(&t);
	EXPECT_EQ(load(&t, &s), 0);
	EXPECT_EQ(ksyms_search(&t.mem, MAP + IMAGE_BASE, &at), 0);
	EXPECT_EQ(at.offsets, t.at.offsets);
	EXPECT_EQ(at.relative_base, t.at.relative_base);
	EXPECT_EQ(at.num_syms, t.at.num_syms);
	EXPECT_EQ(at.names, t.at.names);
	EXPECT_EQ(at.token_table, t.at.token_table);
	EXPECT_EQ(at.token_index, t.at.token_index);
	fini(&t, &s);
}

TEST(tables_found_by_their_shape)
{
	expect_found(SYMS, 4);	   // 4 markers, nothing to fill
	expect_found(SYMS, 8);	   // as before 4.20
	expect_found(SYMS - 1, 4); // an odd number of offsets
	expect_found(768, 4);	   // the last group is full, and one marker's room is filled
	expect_found(257, 4);
}

TEST(no_tables_to_be_found)
{
	struct tables t;
	struct ksyms s;
	struct ksyms_places at = { 0 };
	uint32_t wrong = 1;

	for (unsigned what = 0; what < 4; what++) {
		make_in_order(&t, SYMS, 4);
		const uint64_t places[] = { t.at.token_index + 200, t.at.token_table - 8,
					    t.at.num_syms, t.at.names };
		image_put(&t.m, places[what] - MAP, &wrong, sizeof(wrong));
		(void)load(&t, &s); // whether or not: its memory is searched
		EXPECT_EQ(ksyms_search(&t.mem, MAP + IMAGE_BASE, &at), -ENOENT);
		fini(&t, &s);
	}
	make_in_order(&t, SYMS, 4);
	EXPECT_EQ(load(&t, &s), 0);
	EXPECT_EQ(ksyms_search(&t.mem, MAP + (1 << 29), &at), -ENOENT); // nothing is there
	EXPECT_EQ(ksyms_search(&t.mem, 0xffffffffffff0000, &at), -ENOENT);
	fini(&t, &s);
}

/* The same name again and again must not take long. */
TEST(crowded_names)
{
	struct tables t;
	struct ksyms s;
	uint32_t n = 100000, i = 7;

	*(&t) = (struct tables){ 0 };
	image_init(&t.m, &four);
	make_tokens(&t);
	for (uint32_t k = 0; k < n; k++)
		add_name(&t, "tx");
	t.pa = image_pages(&t.m, 300);
	t.at.offsets = MAP + t.pa;
	t.pa += n * 4;
	t.at.relative_base = place(&t, &(uint64_t){ 0 }, 8);
	t.at.num_syms = place(&t, &n, sizeof(n));
	t.at.names = place(&t, t.names.data, t.names.len);
	t.at.token_table = place(&t, t.tokens.data, t.tokens.len);
	t.at.token_index = place(&t, t.index, sizeof(t.index));
	EXPECT_EQ(load(&t, &s), 0);
	EXPECT(ksyms_named(&s, "x", &i));
	EXPECT_EQ(i, 0);
	fini(&t, &s);
}
