/* SPDX-License-Identifier: MIT */
/** sonde crash CORE print and list: values by their types, one or all of a list. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/json.h"
#include "base/u64map.h"
#include "crash/verbs/all.h"
#include "crash/verbs/value.h"

enum { MEMBERS = 10000, TREE_DEPTH = 128 };

/* Joins the words of a type, "struct" "task_struct". Returns how many there were. */
static int take_type(struct crash_run *r, int at, char *ret, size_t cap)
{
	static const char *const heads[] = { "struct", "union", "enum", "unsigned", "long" };
	int n = 1;

	if (at >= r->argc)
		return 0;
	(void)snprintf(ret, cap, "%s", r->argv[at]);
	for (size_t i = 0; i < MEM_LEN(heads); i++) {
		if (!strcmp(r->argv[at], heads[i]) && at + 1 < r->argc) {
			(void)snprintf(ret, cap, "%s %s", r->argv[at], r->argv[at + 1]);
			n = 2;
			break;
		}
	}
	return n;
}

/* Names of types and members are the dump's too. */
static void put_lines(struct sonde_out *o, struct strbuf *b)
{
	for (char *line = b->data; line;) {
		char *end = strchr(line, '\n');

		if (end)
			*end++ = '\0';
		out_safe(o, line);
		out_str(o, "\n");
		line = end;
	}
}

static int show(struct crash_run *r, const struct value *v, struct json *j)
{
	struct strbuf b = { 0 };

	value_print(r->core, v, 0, &b);
	int err = strbuf_ok(&b);
	if (!err && j) {
		char text[24];

		(void)snprintf(text, sizeof(text), "0x%" PRIx64, v->addr);
		json_object(j, NULL);
		json_str(j, "addr", text);
		json_str(j, "value", strbuf_text(&b));
		json_end_object(j);
	} else if (!err) {
		put_lines(r->out, &b);
	}
	strbuf_fini(&b);
	return err;
}

static int run_print(struct crash_run *r)
{
	struct value v = { 0 };
	struct json j;
	char name[256];

	int n = take_type(r, 0, name, sizeof(name));
	if (!n || n >= r->argc)
		return sonde_fail(-EINVAL, "print wants a type and an address");
	int err = crash_address(r->core, r->argv[n], &v.addr);
	if (!err)
		err = value_type(r->core, name, &v.type);
	for (int i = n + 1; !err && i < r->argc; i++)
		err = value_follow(r->core, &v, r->argv[i]);
	if (err < 0)
		return err;
	json_init(&j, r->out);
	return show(r, &v, r->args->format == CRASH_JSON ? &j : NULL);
}

const struct crash_verb crash_print = {
	.name = "print",
	.args = "TYPE ADDR [PATH]",
	.summary = "A value by its type, as struct task_struct init_task mm->pgd",
	.run = run_print,
};

/* A walk over structs that hang together by a member of theirs. */
struct walk {
	struct crash_run *run;
	struct json *json;
	const struct ctype *type;
	uint64_t off; /* of the member */
	const char *path;
	size_t n, most;
	struct u64map seen;
};

/* 0: go on; 1: stop. */
static int visit(struct walk *w, uint64_t node)
{
	struct value v = { .type = w->type, .addr = node - w->off };
	uint32_t before;

	if (w->n >= w->most) {
		w->run->note("there are more; --limit N shows N");
		return 1;
	}
	if (u64map_get(&w->seen, node, &before)) {
		w->run->note("it goes round: stopped");
		return 1;
	}
	int r = u64map_put(&w->seen, node, 0);
	if (r < 0)
		return r;
	w->n++;
	if (!w->path) {
		if (!w->json)
			out_fmt(w->run->out, "0x%" PRIx64 "\n", v.addr);
		return w->json ? show(w->run, &v, w->json) : 0;
	}
	if (!w->json)
		out_fmt(w->run->out, "0x%" PRIx64 " ", v.addr);
	r = value_follow(w->run->core, &v, w->path);
	if (r == -ENOENT || r == -EINVAL)
		return r;
	if (r < 0) {
		out_str(w->run->out, w->json ? "" : "?\n");
		return 0;
	}
	return show(w->run, &v, w->json);
}

static int walk_list(struct walk *w, uint64_t head)
{
	uint64_t at = head;
	int r = 0;

	while (!r) {
		if (crash_read_uint(w->run->core, at, 8, &at) < 0) {
			w->run->note("the next one is not in the dump: stopped");
			return 0;
		}
		if (at == head || !at)
			return 0;
		r = visit(w, at);
	}
	return r;
}

/* In order; a stack of its own, as trees from outside may be deep. */
static int walk_tree(struct walk *w, uint64_t root)
{
	uint64_t stack[TREE_DEPTH], at = 0;
	size_t depth = 0;
	struct cmember left, right;
	const struct ctype *node;
	struct crash_core *c = w->run->core;
	struct ctypes *types = c->system->types(c, NULL);

	if (!types || ctypes_find(types, "struct rb_node", &node) < 0 ||
	    !ctype_member(node, "rb_left", &left) || !ctype_member(node, "rb_right", &right))
		return sonde_fail(-ENOTSUP, "this kernel has no type of trees");
	if (crash_read_uint(c, root, 8, &at) < 0)
		return sonde_fail(-ENODATA, "the root is not in the dump");
	while (at || depth) {
		for (; at && depth < TREE_DEPTH; depth++) {
			stack[depth] = at;
			if (crash_read_uint(c, at + left.bit_off / 8, 8, &at) < 0)
				at = 0;
		}
		if (at) {
			w->run->note("the tree is too deep: stopped");
			return 0;
		}
		uint64_t here = stack[--depth];
		int r = visit(w, here);
		if (r)
			return r;
		if (crash_read_uint(c, here + right.bit_off / 8, 8, &at) < 0)
			at = 0;
	}
	return 0;
}

static int run_walk(struct crash_run *r, int (*go)(struct walk *w, uint64_t head))
{
	struct walk w = { .run = r, .most = r->args->limit ? r->args->limit : MEMBERS };
	struct cmember m;
	struct json j;
	char name[256];
	uint64_t head = 0;

	int n = take_type(r, 1, name, sizeof(name));
	if (!n || n + 1 >= r->argc || r->argc > n + 3)
		return sonde_fail(-EINVAL, "wanted: HEAD TYPE MEMBER [PATH]");
	int err = crash_address(r->core, r->argv[0], &head);
	if (!err)
		err = value_type(r->core, name, &w.type);
	if (err < 0)
		return err;
	if (!ctype_member(w.type, r->argv[n + 1], &m))
		return sonde_fail(-ENOENT, "'%s' has no member '%s'", name, r->argv[n + 1]);
	w.off = m.bit_off / 8;
	w.path = r->argc == n + 3 ? r->argv[n + 2] : NULL;
	if (r->args->format == CRASH_JSON) {
		json_init(&j, r->out);
		json_array(&j, NULL);
		w.json = &j;
	}
	err = go(&w, head);
	if (w.json)
		json_end_array(&j);
	u64map_fini(&w.seen);
	return err < 0 ? err : 0;
}

static int run_list(struct crash_run *r)
{
	return run_walk(r, walk_list);
}

const struct crash_verb crash_list = {
	.name = "list",
	.args = "HEAD TYPE MEMBER [PATH]",
	.summary = "All structs of a linked list, by the member that links them",
	.run = run_list,
};

static int run_tree(struct crash_run *r)
{
	return run_walk(r, walk_tree);
}

const struct crash_verb crash_tree = {
	.name = "tree",
	.args = "ROOT TYPE MEMBER [PATH]",
	.summary = "All structs of a red-black tree, in order",
	.run = run_tree,
};
