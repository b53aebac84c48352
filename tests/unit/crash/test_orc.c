/* SPDX-License-Identifier: MIT */
/** ORC tables with the registers' numbers of several kernels. */
#include <bpf/btf.h>
#include <string.h>

#include "crash/linux/orc.h"
#include "made_image.h"
#include "sym/ctype.h"
#include "test.h"

#define MAP 0xffffffff80000000ull

enum { N = 8, EACH = 16, CALL = 2 };

static const struct space_layout four = { .tables = SPACE_X86_64, .page_bits = 12, .va_bits = 48 };

/* struct orc_entry as since Linux 6.4. */
static struct ctypes *make_types(void)
{
	struct btf *b = btf__new_empty();
	struct ctypes *types = NULL;
	uint32_t len;
	int s16 = btf__add_int(b, "short", 2, BTF_INT_SIGNED);
	int u32 = btf__add_int(b, "unsigned int", 4, 0);

	btf__add_struct(b, "orc_entry", 6);
	btf__add_field(b, "sp_offset", s16, 0, 0);
	btf__add_field(b, "bp_offset", s16, 16, 0);
	btf__add_field(b, "sp_reg", u32, 32, 4);
	btf__add_field(b, "bp_reg", u32, 36, 4);
	btf__add_field(b, "type", u32, 40, 3);
	btf__add_field(b, "signal", u32, 43, 1);
	const void *raw = btf__raw_data(b, &len);
	EXPECT_EQ(ctypes_open_btf(raw, len, &types), 0);
	btf__free(b);
	return types;
}

struct row {
	int16_t sp_off, bp_off;
	unsigned sp_reg, bp_reg;
};

/* Entry i is of the code [i * EACH, ...) behind MAP. */
static void expect(const struct row *rows, const struct orc_entry *want)
{
	struct made_image m;
	struct space mem;
	struct orc orc;
	struct orc_entry e;
	struct ctypes *types = make_types();

	image_init(&m, &four);
	uint64_t ips = image_pages(&m, 2), entries = ips + 4096;
	for (unsigned i = 0; i < N; i++) {
		uint64_t there = i * EACH;
		int32_t off = (int32_t)(there - (ips + i * 4ull));
		uint16_t bits = (uint16_t)(rows[i].sp_reg | rows[i].bp_reg << 4 | CALL << 8);

		image_put(&m, ips + i * 4ull, &off, 4);
		image_put(&m, entries + i * 6ull, &rows[i], 4);
		image_put(&m, entries + i * 6ull + 4, &bits, 2);
	}
	struct dump *d = image_open(&m, NULL);
	EXPECT_EQ(space_init(&mem, d, &four), 0);
	space_add_linear(&mem, MAP, MAP + (1 << 30), 0);
	const struct orc_table t = { MAP, MAP + N * EACH, MAP + ips, MAP + entries, N };
	EXPECT_EQ(orc_init(&orc, types), 0);
	orc_learn(&orc, &mem, &t);
	EXPECT_EQ(orc_add(&orc, &t), 0);
	for (unsigned i = 0; i < N; i++) {
		EXPECT(orc_find(&orc, &mem, MAP + i * EACH + i, &e));
		EXPECT_EQ(e.kind, ORC_CALL);
		EXPECT_EQ(e.sp_reg, want[i].sp_reg);
		EXPECT_EQ(e.bp_reg, want[i].bp_reg);
		EXPECT_EQ(e.sp_off, rows[i].sp_off);
		EXPECT_EQ(e.bp_off, rows[i].bp_off);
	}
	EXPECT(!orc_find(&orc, &mem, MAP + N * EACH, &e));
	orc_fini(&orc);
	space_fini(&mem);
	dump_close(d);
	image_fini(&m);
	ctypes_free(types);
}

static const struct orc_entry meant[N] = {
	{ .sp_reg = ORC_SP },
	{ .sp_reg = ORC_SP, .bp_reg = ORC_PREV_SP },
	{ .sp_reg = ORC_BP, .bp_reg = ORC_PREV_SP },
	{ .sp_reg = ORC_BP_INDIRECT, .bp_reg = ORC_BP },
	{ .sp_reg = ORC_R10 },
	{ .sp_reg = ORC_SP_INDIRECT, .bp_reg = ORC_PREV_SP },
	{ .sp_reg = ORC_R13 },
	{ .sp_reg = ORC_SP },
};

TEST(registers_until_6_12)
{
	static const struct row rows[N] = { { 8, 0, 5, 0 },  { 16, -16, 5, 1 }, { 16, -16, 4, 1 },
					    { -8, 0, 8, 4 }, { 0, 0, 6, 0 },	{ 0, -8, 9, 1 },
					    { 0, 0, 7, 0 },  { 8, 0, 5, 0 } };

	expect(rows, meant);
}

TEST(registers_in_7_2)
{
	static const struct row rows[N] = { { 8, 0, 3, 0 },   { 16, -16, 3, 8 }, { 16, -16, 4, 8 },
					    { -8, 0, 10, 4 }, { 0, 0, 6, 0 },	 { 0, -8, 9, 8 },
					    { 0, 0, 7, 0 },   { 8, 0, 3, 0 } };

	expect(rows, meant);
}
