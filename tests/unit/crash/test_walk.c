/* SPDX-License-Identifier: MIT */
/** Walks over made-up lists and trees: all that is in them, in order; loops, holes, nonsense. */
#include <bpf/btf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/walk/walk.h"
#include "sym/ctype.h"
#include "test.h"

#define BASE 0xffff888000000000ull

enum { WORDS = 1 << 16, MOST = 5000, SLOTS = 64 };

static uint64_t memory[WORDS];
static size_t n_words;
static struct ctypes *types;

static void field(struct btf *b, const char *name, int type, unsigned word)
{
	btf__add_field(b, name, type, word * 64, 0);
}

/* Nodes as the kernel has them, but for what walks do not look at. */
static void make_types(void)
{
	struct btf *b = btf__new_empty();
	uint32_t len;
	int u64 = btf__add_int(b, "unsigned long", 8, 0),
	    u8 = btf__add_int(b, "unsigned char", 1, 0);
	int slots = btf__add_array(b, u64, u64, SLOTS);
	int p15 = btf__add_array(b, u64, u64, 15), s16 = btf__add_array(b, u64, u64, 16);
	int p9 = btf__add_array(b, u64, u64, 9), s10 = btf__add_array(b, u64, u64, 10);
	int s31 = btf__add_array(b, u64, u64, 31);

	btf__add_struct(b, "rb_node", 24);
	field(b, "rb_right", u64, 1);
	field(b, "rb_left", u64, 2);
	btf__add_struct(b, "xarray", 16);
	field(b, "xa_head", u64, 1);
	btf__add_struct(b, "xa_node", (SLOTS + 2) * 8);
	field(b, "shift", u8, 0);
	field(b, "slots", slots, 2);
	btf__add_struct(b, "maple_tree", 16);
	field(b, "ma_root", u64, 1);
	btf__add_struct(b, "maple_range_64", 256);
	field(b, "pivot", p15, 1);
	field(b, "slot", s16, 16);
	btf__add_struct(b, "maple_arange_64", 256);
	field(b, "pivot", p9, 1);
	field(b, "slot", s10, 10);
	btf__add_struct(b, "maple_node", 256);
	field(b, "slot", s31, 1);
	const void *raw = btf__raw_data(b, &len);
	EXPECT_EQ(ctypes_open_btf(raw, len, &types), 0);
	btf__free(b);
}

static int read_memory(struct crash_core *c, uint64_t va, void *ret, size_t n)
{
	(void)c;
	if (va < BASE || va - BASE > sizeof(memory) - n)
		return -ENODATA;
	memcpy(ret, (const char *)memory + (va - BASE), n);
	return 0;
}

static struct ctypes *types_of(struct crash_core *c, const char *module)
{
	(void)c;
	if (!types)
		make_types();
	return module ? NULL : types;
}

static const struct crash_system fake = { .read = read_memory, .types = types_of };

/* The address of so many words at a multiple of 256 bytes, all 0. */
static uint64_t take(size_t words)
{
	uint64_t at = BASE + n_words * 8;

	n_words += (words + 31) & ~31ul;
	EXPECT(n_words <= WORDS);
	return at;
}

static void put(uint64_t at, unsigned word, uint64_t v)
{
	memory[(at - BASE) / 8 + word] = v;
}

static void clean(void)
{
	memset(memory, 0, sizeof(memory));
	n_words = 0;
	(void)take(32); // so that nothing lies at the begin
}

struct found {
	uint64_t index[MOST], at[MOST];
	size_t n;
	int stop_at; /* returns 7 there */
	const char *cut;
};

static int find(void *arg, uint64_t index, uint64_t at)
{
	struct found *f = arg;

	if (f->n == MOST)
		return -E2BIG;
	f->index[f->n] = index;
	f->at[f->n++] = at;
	return (int)f->n == f->stop_at ? 7 : 0;
}

static int walk(const struct walk_over *over, struct found *ret)
{
	struct crash_core c = { .system = &fake };
	int stop_at = ret->stop_at;

	*ret = (struct found){ .stop_at = stop_at };
	return crash_walk(&c, over, find, ret, &ret->cut);
}

static struct found found;

TEST(lists)
{
	struct walk_over list = { .kind = WALK_LIST };
	uint64_t nodes[5];

	clean();
	list.head = take(2);
	put(list.head, 0, list.head);
	EXPECT_EQ(walk(&list, &found), 0);
	EXPECT_EQ(found.n, 0);
	for (int i = 0; i < 5; i++)
		nodes[i] = take(2);
	put(list.head, 0, nodes[0]);
	for (int i = 0; i < 5; i++)
		put(nodes[i], 0, i == 4 ? list.head : nodes[i + 1]);
	EXPECT_EQ(walk(&list, &found), 0);
	EXPECT(!found.cut);
	EXPECT_EQ(found.n, 5);
	EXPECT_EQ(found.at[4], nodes[4]);
	EXPECT_EQ(found.index[4], 4);

	found.stop_at = 2; // the caller's own end is none of ours
	EXPECT_EQ(walk(&list, &found), 7);
	EXPECT_EQ(found.n, 2);
	EXPECT(!found.cut);
	found.stop_at = 0;
	list.limit = 3;
	EXPECT_EQ(walk(&list, &found), 0);
	EXPECT_EQ(found.n, 3);
	EXPECT_STR(found.cut, "there are more");
	list.limit = 5;
	EXPECT_EQ(walk(&list, &found), 0);
	EXPECT(!found.cut);

	put(nodes[4], 0, nodes[2]);
	list.limit = 0;
	EXPECT_EQ(walk(&list, &found), 0);
	EXPECT_EQ(found.n, 5);
	EXPECT_STR(found.cut, "it goes round");
	put(nodes[3], 0, 0x1234);
	EXPECT_EQ(walk(&list, &found), 0);
	EXPECT_EQ(found.n, 5); // there is one more, but not what is behind it
	EXPECT_STR(found.cut, "a part of it is not in the dump");
}

TEST(chains)
{
	struct walk_over chain = { .kind = WALK_CHAIN, .link = 8 };
	uint64_t first, second;

	clean();
	chain.head = take(1);
	EXPECT_EQ(walk(&chain, &found), 0);
	EXPECT_EQ(found.n, 0);
	first = take(2);
	second = take(2);
	put(chain.head, 0, first);
	put(first, 1, second);
	put(second, 1, 21); // as lists of sockets end
	EXPECT_EQ(walk(&chain, &found), 0);
	EXPECT_EQ(found.n, 2);
	EXPECT_EQ(found.at[1], second);
	EXPECT(!found.cut);
	put(second, 1, second);
	EXPECT_EQ(walk(&chain, &found), 0);
	EXPECT_EQ(found.n, 2);
	EXPECT_STR(found.cut, "it goes round");
	chain.head = 8;
	EXPECT_EQ(walk(&chain, &found), 0);
	EXPECT_STR(found.cut, "a part of it is not in the dump");
}

/* A balanced tree of nodes [lo, hi) of an array. */
static uint64_t plant(const uint64_t *nodes, size_t lo, size_t hi)
{
	size_t mid = lo + (hi - lo) / 2;

	if (lo == hi)
		return 0;
	put(nodes[mid], 2, plant(nodes, lo, mid));
	put(nodes[mid], 1, plant(nodes, mid + 1, hi));
	return nodes[mid];
}

TEST(red_black_trees)
{
	struct walk_over tree = { .kind = WALK_RBTREE };
	uint64_t nodes[1000];

	clean();
	tree.head = take(1);
	for (size_t i = 0; i < 1000; i++)
		nodes[i] = take(3);
	for (size_t n = 0; n <= 1000; n += n < 20 ? 1 : 245) {
		put(tree.head, 0, plant(nodes, 0, n));
		EXPECT_EQ(walk(&tree, &found), 0);
		EXPECT(!found.cut);
		EXPECT_EQ(found.n, n);
		for (size_t i = 0; i < n; i++)
			EXPECT(found.at[i] == nodes[i] && found.index[i] == i);
	}
	put(nodes[999], 1, nodes[500]);
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT_STR(found.cut, "it goes round");
	EXPECT_EQ(found.n, 1000);
	for (size_t i = 0; i < 1000; i++) { // as no tree is: all to one side
		put(nodes[i], 1, 0);
		put(nodes[i], 2, i < 999 ? nodes[i + 1] : 0);
	}
	put(tree.head, 0, nodes[0]);
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT_STR(found.cut, "it is too deep");
}

/* Puts @entry at @index below the node at @node of that shift. */
static void xa_store(uint64_t node, unsigned shift, uint64_t index, uint64_t entry)
{
	unsigned slot = index >> shift & (SLOTS - 1);
	uint64_t *at = &memory[(node - BASE) / 8 + 2 + slot];

	put(node, 0, shift);
	if (!shift) {
		*at = entry;
		return;
	}
	if (!*at)
		*at = take(SLOTS + 2) | 2;
	xa_store(*at & ~2ull, shift - 6, index, entry);
}

TEST(xarrays)
{
	static const uint64_t want[] = { 0, 1, 63, 64, 4000, 70000, 262143 };
	struct walk_over tree = { .kind = WALK_XARRAY };

	clean();
	tree.head = take(2);
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT_EQ(found.n, 0);
	put(tree.head, 1, BASE); // one entry needs no node
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT(found.n == 1 && found.at[0] == BASE && found.index[0] == 0);
	uint64_t root = take(SLOTS + 2);
	put(tree.head, 1, root | 2);
	for (size_t i = 0; i < MEM_LEN(want); i++)
		xa_store(root, 12, want[i], BASE + 16 * i);
	xa_store(root, 12, 2, 77);   // a number
	xa_store(root, 12, 3, 0x16); // what the xarray keeps for itself
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT(!found.cut);
	EXPECT_EQ(found.n, MEM_LEN(want));
	for (size_t i = 0; i < MEM_LEN(want); i++)
		EXPECT(found.index[i] == want[i] && found.at[i] == BASE + 16 * i);
	xa_store(root, 0, 5, root | 2); // its shift is 0 now
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT_STR(found.cut, "a node makes no sense");
	put(root, 2 + 5, 0);
	xa_store(root, 12, 5, 0x5552);
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT_STR(found.cut, "a part of it is not in the dump");
}

enum { LEAF = 1 << 3 | 6, RANGE = 2 << 3 | 6, ARANGE = 3 << 3 | 6, DENSE = 6 };

/* A leaf with two entries: [lo, lo] and [lo + 2, hi]. */
static uint64_t leaf(uint64_t lo, uint64_t hi, uint64_t entry)
{
	uint64_t node = take(32);

	put(node, 1, lo);
	put(node, 2, lo + 1);
	put(node, 3, hi);
	put(node, 16, entry);
	put(node, 18, entry + 16);
	put(node, 19, 0xdead0000); // behind the end: what the node says of itself
	return node | LEAF;
}

TEST(maple_trees)
{
	struct walk_over tree = { .kind = WALK_MAPLE };
	uint64_t top, mid;

	clean();
	tree.head = take(2);
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT_EQ(found.n, 0);
	put(tree.head, 1, BASE);
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT(found.n == 1 && found.index[0] == 0 && found.at[0] == BASE);
	top = take(32);
	mid = take(32);
	put(tree.head, 1, top | ARANGE);
	put(top, 1, 99);
	put(top, 10, leaf(0, 99, BASE));
	put(top, 2, 0); // the last one: to the end
	put(top, 11, mid | RANGE);
	put(mid, 1, 199);
	put(mid, 16, leaf(100, 199, BASE + 32));
	put(mid, 2, 249);
	put(mid, 17, take(32) | DENSE);
	put(memory[(mid - BASE) / 8 + 17] & ~255ull, 1 + 7, BASE + 64);
	put(memory[(mid - BASE) / 8 + 17] & ~255ull, 1 + 8, 9); // a number
	put(mid, 3, UINT64_MAX);
	put(mid, 18, leaf(250, UINT64_MAX, BASE + 80));
	static const uint64_t want[][2] = { { 0, 0 },	 { 2, 16 },   { 100, 32 }, { 102, 48 },
					    { 207, 64 }, { 250, 80 }, { 252, 96 } };
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT(!found.cut);
	EXPECT_EQ(found.n, MEM_LEN(want));
	for (size_t i = 0; i < MEM_LEN(want); i++)
		EXPECT(found.index[i] == want[i][0] && found.at[i] == BASE + want[i][1]);

	put(mid, 18, top | ARANGE);
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT_EQ(found.n, 5);
	EXPECT_STR(found.cut, "it goes round");
	put(mid, 18, mid | 5 << 3 | 2);
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT_STR(found.cut, "a node makes no sense");
	put(mid, 18, 0x123456 << 8 | LEAF);
	EXPECT_EQ(walk(&tree, &found), 0);
	EXPECT_STR(found.cut, "a part of it is not in the dump");
}

/* Whatever lies there, a walk ends, and reads nothing but the dump. */
TEST(nonsense_ends)
{
	uint64_t random = 42;

	for (unsigned round = 0; round < 300; round++) {
		clean();
		n_words = 4096;
		for (size_t i = 0; i < n_words; i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			memory[i] =
				random >> 62 ? BASE + (random >> 40) % (4096 * 8) : random >> 60;
		}
		for (int kind = WALK_LIST; kind <= WALK_MAPLE; kind++) {
			struct walk_over over = { .kind = (enum walk_kind)kind,
						  .head = BASE + (random >> 33) % 4096 * 8,
						  .limit = MOST };

			EXPECT_EQ(walk(&over, &found), 0);
		}
	}
}

static int walk_in_need(void)
{
	const struct walk_over list = { .kind = WALK_LIST, .head = BASE + 256 };

	return walk(&list, &found);
}

TEST(out_of_memory)
{
	clean();
	for (uint64_t i = 0; i < 100; i++)
		put(BASE + 256, (unsigned)i * 2, BASE + 256 + (i + 1) % 100 * 16);
	test_oom(walk_in_need);
	EXPECT_EQ(found.n, 99);
}

TEST(kinds_by_type)
{
	struct ctype t = { .kind = CT_STRUCT, .name = "hlist_node" };
	enum walk_kind kind = WALK_MAPLE;

	EXPECT(crash_walk_kind(&t, &kind) && kind == WALK_CHAIN);
	t.name = "rb_node";
	EXPECT(crash_walk_kind(&t, &kind) && kind == WALK_RBTREE);
	t.name = "rb_root";
	EXPECT(!crash_walk_kind(&t, &kind));
	t = (struct ctype){ .kind = CT_INT, .name = "list_head" };
	EXPECT(!crash_walk_kind(&t, &kind));
}
