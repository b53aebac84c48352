/* SPDX-License-Identifier: MIT */
/** Reads folded stacks and compares them. */
#include "analysis/flame/diff.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

enum { DEPTH_MOST = 4096 };

/* Sums stay below this, so that differences and shares of them are exact. */
static const uint64_t sum_most = INT64_MAX;

int flame_diff_init(struct flame_diff *d)
{
	*d = (struct flame_diff){ .stacks.is_diff = true };
	return stacks_init(&d->stacks);
}

void flame_diff_fini(struct flame_diff *d)
{
	stacks_fini(&d->stacks);
}

/* The number at the end of a line; where the blank before it is, or 0: there is none. */
static size_t find_number(const char *line, size_t len, uint64_t *ret)
{
	uint64_t v = 0;
	size_t at = len;

	while (at && line[at - 1] >= '0' && line[at - 1] <= '9')
		at--;
	if (at == len || !at || line[at - 1] != ' ')
		return 0;
	for (size_t i = at; i < len; i++) {
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(line[i] - '0'), &v))
			return 0;
	}
	*ret = v;
	return at - 1;
}

static int find_node(struct flame_diff *d, const char *line, size_t len, uint32_t *ret)
{
	uint32_t names[DEPTH_MOST];
	size_t n = 0;

	for (size_t at = 0; at <= len;) {
		const char *end = memchr(line + at, ';', len - at);
		const size_t to = end ? (size_t)(end - line) : len;

		if (n == DEPTH_MOST)
			return -EBADMSG;
		int r = stacks_name(&d->stacks, FRAME_USER, line + at, to - at, &names[n++]);
		if (r < 0)
			return r;
		at = to + 1;
	}
	return stacks_find(&d->stacks, names, n, ret);
}

static int add_line(struct flame_diff *d, const char *line, size_t len, bool is_before)
{
	uint64_t v = 0;
	uint32_t node;

	const size_t stack_len = find_number(line, len, &v);
	if (!stack_len)
		return -EBADMSG;
	int r = find_node(d, line, stack_len, &node);
	if (r < 0)
		return r;
	struct stack_node *n = &d->stacks.nodes[node], *root = &d->stacks.nodes[0];
	// The root's sums are not needed before the end.
	uint64_t *sum = is_before ? &root->before_total : &root->total;
	if (__builtin_add_overflow(*sum, v, sum) || *sum > sum_most)
		return -EBADMSG;
	*(is_before ? &n->before : &n->self) += v;
	return 0;
}

int flame_diff_add(struct flame_diff *d, const char *name, const char *text, size_t len,
		   bool is_before)
{
	size_t number = 0;

	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t to = end ? (size_t)(end - text) : len;
		const size_t next = to + 1;

		number++;
		while (to > at && (text[to - 1] == '\r' || text[to - 1] == ' '))
			to--;
		int r = to > at ? add_line(d, text + at, to - at, is_before) : 0;
		if (r == -EBADMSG)
			return sonde_fail(r, "%s:%zu: want 'outer;inner NUMBER'", name, number);
		if (r < 0)
			return sonde_wrap(r, "%s", name);
		at = next;
	}
	return 0;
}

/* Scales what was before, so that both sums are the same but for rounding. */
static void normalize(struct stacks *s)
{
	const uint64_t before = s->nodes[0].before_total, now = s->nodes[0].total;

	for (size_t i = 0; before && i < s->n_nodes; i++) {
		const unsigned __int128 v = (unsigned __int128)s->nodes[i].before * now;
		s->nodes[i].before = (uint64_t)((v + before / 2) / before);
	}
}

static void make_subtitle(const struct stack_node *root, enum flame_unit unit, struct strbuf *b)
{
	const uint64_t before = root->before_total, now = root->total;

	flame_amount(b, before, unit);
	strbuf_str(b, " before \xc2\xb7 ");
	flame_amount(b, now, unit);
	strbuf_str(b, now < before ? " now \xc2\xb7 -" : " now \xc2\xb7 +");
	flame_amount(b, now < before ? before - now : now - before, unit);
}

int flame_diff_write(struct flame_diff *d, const char *title, enum flame_unit unit, bool folded,
		     struct sonde_out *out)
{
	struct strbuf what = { 0 };
	struct stack_node *root = &d->stacks.nodes[0];

	make_subtitle(root, unit, &what);
	if (d->normalize)
		normalize(&d->stacks);
	root->total = root->before_total = 0;
	int r = stacks_finish(&d->stacks);
	if (!r && folded)
		stacks_print_folded(&d->stacks, out);
	else if (!r && !root->total)
		r = sonde_fail(-ENODATA, "there is nothing to be drawn: the second is empty");
	if (!r)
		r = strbuf_ok(&what);
	const struct flame_text text = { title, strbuf_text(&what), unit };
	if (!r && !folded)
		r = flame_svg(&d->stacks, &text, out);
	strbuf_fini(&what);
	return r;
}
