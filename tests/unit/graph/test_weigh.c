/* SPDX-License-Identifier: MIT */
/** How bytes lie in time: packets of every length, those whose times are odd, and sources of none.
 */
#include <errno.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "comp/all.h"
#include "graph/component.h"
#include "graph/graph.h"
#include "test.h"

SONDE_DEFINE_AUTO(struct graph *, graph_free)

enum { PARTS = 4, EXAMPLE_BYTES = 284176 /* of its data files */ };

struct made {
	const struct sonde_piece *pieces;
	size_t n;
	int result;
};

static int made_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	*(struct made *)sonde_component_state(c) = *(const struct made *)setup->note_arg;
	return 0;
}

static int made_pieces(struct sonde_component *c,
		       void (*take)(void *arg, const struct sonde_piece *p), void *arg)
{
	const struct made *m = sonde_component_state(c);

	for (size_t i = 0; i < m->n; i++)
		take(arg, &m->pieces[i]);
	return m->result;
}

static const struct sonde_component_class src_made = {
	.abi = SONDE_ABI,
	.kind = SONDE_SOURCE,
	.name = "src.made",
	.help = "Packets that are a table.",
	.state_size = sizeof(struct made),
	.init = made_init,
	.pieces = made_pieces,
};
static const struct sonde_component_class src_mute = {
	.abi = SONDE_ABI,
	.kind = SONDE_SOURCE,
	.name = "src.mute",
	.help = "Says nothing of its packets.",
};

static int weigh_all(const struct made *m, int64_t begin, int64_t end, uint64_t *ret)
{
	sonde_auto(graph_freep) struct graph *g = NULL;
	int r = graph_new(&g);

	if (!r && m)
		r = graph_add(g, &src_made,
			      &(struct sonde_setup){ .note_arg = (void *)(uintptr_t)m });
	if (!r)
		r = graph_add(g, &src_mute, &(struct sonde_setup){ 0 });
	return r < 0 ? r : graph_weigh(g, begin, end, PARTS, ret);
}

static const struct {
	struct sonde_piece pieces[3];
	int64_t begin, end;
	uint64_t sums[PARTS];
} cases[] = {
	{ { { 0, 99, 400 } }, 0, 100, { 100, 200, 300, 400 } },
	{ { { 0, 24, 10 }, { 75, 99, 30 } }, 0, 100, { 10, 10, 10, 40 } },
	{ { { 25, 74, 8 }, { 50, 50, 1 } }, 0, 100, { 0, 4, 9, 9 } },
	// Outside of what was asked for; the end is the last part's.
	{ { { -50, -10, 5 }, { 100, 200, 7 } }, 0, 100, { 5, 5, 5, 12 } },
	{ { { INT64_MAX, INT64_MIN, 100 }, { 30, 30, 2 } }, 0, 100, { 0, 2, 2, 2 } },
	{ { { INT64_MIN, INT64_MAX, 40 } }, INT64_MIN, INT64_MAX, { 10, 20, 30, 40 } },
};

TEST(where_bytes_lie)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct made m = { cases[i].pieces, 3, 0 };
		uint64_t sums[PARTS];

		EXPECT_EQ(weigh_all(&m, cases[i].begin, cases[i].end, sums), 0);
		for (size_t k = 0; k < PARTS; k++)
			EXPECT_EQ(sums[k], cases[i].sums[k]);
	}
}

TEST(nobody_knows)
{
	const struct made none = { NULL, 0, 0 }, broken = { NULL, 0, -EIO };
	uint64_t sums[PARTS];

	EXPECT_EQ(weigh_all(NULL, 0, 100, sums), -ENODATA);
	EXPECT_EQ(weigh_all(&none, 0, 100, sums), -ENODATA);
	EXPECT_EQ(weigh_all(&broken, 0, 100, sums), -EIO);
}

/* Each packet of its files, with an index and by its header. */
static int weigh_example(uint64_t *ret)
{
	static const struct sonde_param path = { "path", EXAMPLE };
	sonde_auto(graph_freep) struct graph *g = NULL;
	int64_t begin, end;
	int r = graph_new(&g);

	if (!r)
		r = graph_add(g, comp_find("src.ctf"),
			      &(struct sonde_setup){ .params = &path, .n_params = 1 });
	if (!r)
		r = graph_span(g, &begin, &end);
	return r < 0 ? r : graph_weigh(g, begin, end, PARTS, ret);
}

TEST(bytes_of_a_trace)
{
	uint64_t sums[PARTS];

	EXPECT_EQ(weigh_example(sums), 0);
	EXPECT(sums[0] > 0 && sums[0] <= sums[1] && sums[1] <= sums[2] && sums[2] <= sums[3]);
	EXPECT(sums[PARTS - 1] <= EXAMPLE_BYTES && sums[PARTS - 1] > EXAMPLE_BYTES - 1000);
}

static int weigh_once(void)
{
	uint64_t sums[PARTS];
	const int r = weigh_example(sums);

	// A folder that there is no memory to look at is not there.
	return r == -ENOENT ? -ENOMEM : r;
}

TEST(each_allocation_fails)
{
	test_oom(weigh_once);
}
