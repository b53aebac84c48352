/* SPDX-License-Identifier: MIT */
/** Folds stacks into a tree of nodes that know each other by number. */
#include "analysis/flame/stacks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/hash.h"
#include "base/mem.h"

int stacks_init(struct stacks *s)
{
	int r = mem_grow(&s->nodes, &s->cap_nodes, 1);

	if (r < 0)
		return r;
	s->nodes[0] = (struct stack_node){ 0 };
	s->n_nodes = 1;
	return 0;
}

void stacks_fini(struct stacks *s)
{
	arena_fini(&s->arena);
	free(s->names);
	free(s->nodes);
	u64map_fini(&s->by_text);
	u64map_fini(&s->by_frame);
	*s = (struct stacks){ 0 };
}

static uint64_t hash_of(enum frame_kind kind, const char *text, size_t len)
{
	return hash_bytes(HASH_BEGIN ^ kind, text, len);
}

static char clean(char c)
{
	if ((unsigned char)c < ' ' || c == 0x7f)
		return '?';
	return c == ';' ? ':' : c;
}

static bool same_text(const char *have, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (have[i] != clean(text[i]))
			return false;
	}
	return have[len] == '\0';
}

static int new_name(struct stacks *s, enum frame_kind kind, const char *text, size_t len,
		    uint64_t hash, uint32_t *ret)
{
	int r = mem_grow(&s->names, &s->cap_names, s->n_names + 1);
	char *copy = r < 0 ? NULL : arena_strndup(&s->arena, text, len);

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++)
		copy[i] = clean(copy[i]);
	r = u64map_put(&s->by_text, hash, (uint32_t)s->n_names);
	if (r < 0)
		return r;
	s->names[s->n_names] = (struct frame_name){ copy, kind };
	*ret = (uint32_t)s->n_names++;
	return 0;
}

int stacks_name(struct stacks *s, enum frame_kind kind, const char *text, size_t len, uint32_t *ret)
{
	for (uint64_t hash = hash_of(kind, text, len);; hash++) {
		uint32_t i;

		if (!u64map_get(&s->by_text, hash, &i))
			return new_name(s, kind, text, len, hash, ret);
		if (s->names[i].kind == kind && same_text(s->names[i].text, text, len)) {
			*ret = i;
			return 0;
		}
	}
}

static int child_of(struct stacks *s, uint32_t parent, uint32_t name, uint32_t *ret)
{
	const uint64_t key = (uint64_t)parent << 32 | name;

	if (u64map_get(&s->by_frame, key, ret))
		return 0;
	if (s->n_nodes >= STACK_NODES_MOST)
		return sonde_fail(-E2BIG, "more than %d different frames in stacks",
				  STACK_NODES_MOST);
	int r = mem_grow(&s->nodes, &s->cap_nodes, s->n_nodes + 1);
	if (!r)
		r = u64map_put(&s->by_frame, key, (uint32_t)s->n_nodes);
	if (r < 0)
		return r;
	*ret = (uint32_t)s->n_nodes++;
	s->nodes[*ret] = (struct stack_node){ .name = name,
					      .parent = parent,
					      .sibling = s->nodes[parent].child };
	s->nodes[parent].child = *ret;
	return 0;
}

int stacks_find(struct stacks *s, const uint32_t *names, size_t n, uint32_t *ret)
{
	uint32_t at = 0;

	for (size_t i = 0; i < n; i++) {
		int r = child_of(s, at, names[i], &at);
		if (r < 0)
			return r;
	}
	*ret = at;
	return 0;
}

int stacks_add(struct stacks *s, const uint32_t *names, size_t n, uint64_t weight)
{
	uint32_t node;
	int r = stacks_find(s, names, n, &node);

	if (!r)
		stacks_weigh(s, node, weight);
	return r;
}

struct place {
	const struct stacks *s;
	uint32_t node;
};

static int by_name(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;
	const struct frame_name *na = &a->s->names[a->s->nodes[a->node].name];
	const struct frame_name *nb = &b->s->names[b->s->nodes[b->node].name];
	int d = strcmp(na->text, nb->text);

	return d ? d : (int)na->kind - (int)nb->kind;
}

/* @all has room for all nodes. */
static void sort_children(struct stacks *s, uint32_t node, struct place *all)
{
	size_t n = 0;

	for (uint32_t c = s->nodes[node].child; c; c = s->nodes[c].sibling)
		all[n++] = (struct place){ s, c };
	if (n < 2)
		return;
	qsort(all, n, sizeof(*all), by_name);
	s->nodes[node].child = all[0].node;
	for (size_t i = 0; i < n; i++)
		s->nodes[all[i].node].sibling = i + 1 < n ? all[i + 1].node : 0;
}

int stacks_finish(struct stacks *s)
{
	struct place *all = calloc(s->n_nodes, sizeof(*all));

	if (!all)
		return sonde_fail(-ENOMEM, "stacks: out of memory");
	// A node's number is above its parent's, so that one pass from the end sums up.
	for (size_t i = s->n_nodes; i--;) {
		struct stack_node *n = &s->nodes[i];

		n->total += n->self;
		n->before_total += n->before;
		if (i) {
			s->nodes[n->parent].total += n->total;
			s->nodes[n->parent].before_total += n->before_total;
		}
	}
	for (size_t i = 0; i < s->n_nodes; i++)
		sort_children(s, (uint32_t)i, all);
	free(all);
	return 0;
}

/* Prints the frames from the outermost on; stacks are not deep enough to overflow ours. */
static void print_frames(const struct stacks *s, uint32_t node, struct sonde_out *out)
{
	const struct stack_node *n = &s->nodes[node];

	if (n->parent) {
		print_frames(s, n->parent, out);
		out_add(out, ";", 1);
	}
	out_str(out, s->names[n->name].text);
}

void stacks_print_folded(const struct stacks *s, struct sonde_out *out)
{
	uint32_t at = s->nodes[0].child;

	while (at) {
		const struct stack_node *n = &s->nodes[at];

		if (s->is_diff ? n->self != n->before : n->self) {
			print_frames(s, at, out);
			if (s->is_diff)
				out_fmt(out, " %" PRIu64, n->before);
			out_fmt(out, " %" PRIu64 "\n", n->self);
		}
		if (n->child) {
			at = n->child;
			continue;
		}
		while (at && !s->nodes[at].sibling)
			at = s->nodes[at].parent;
		at = s->nodes[at].sibling;
	}
}
