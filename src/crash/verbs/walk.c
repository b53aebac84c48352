/* SPDX-License-Identifier: MIT */
/** sonde crash CORE list and tree: all that hangs together by a member, or lies in a tree. */
#include "crash/walk/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/verbs/all.h"
#include "crash/verbs/print.h"

enum { MEMBERS = 10000 };

struct shown {
	struct crash_run *run;
	struct json *json;	  /* NULL: text */
	const struct ctype *type; /* NULL: addresses alone */
	uint64_t off;		  /* from the object to what the walk gives */
	const char *path;
	bool has_index; /* where an object is kept tells something */
};

static int show_address(struct shown *s, uint64_t index, uint64_t addr)
{
	char text[24];

	if (!s->json) {
		out_fmt(s->run->out, "0x%" PRIx64 "\n", addr);
		return 0;
	}
	(void)snprintf(text, sizeof(text), "0x%" PRIx64, addr);
	json_object(s->json, NULL);
	if (s->has_index)
		json_uint(s->json, "index", index);
	json_str(s->json, "addr", text);
	json_end_object(s->json);
	return 0;
}

static int show(void *arg, uint64_t index, uint64_t at)
{
	struct shown *s = arg;
	struct crash_value v = { .type = s->type, .addr = at - s->off };

	if (s->has_index && !s->json)
		out_fmt(s->run->out, "%" PRIu64 " ", index);
	if (!s->type || (!s->path && !s->json))
		return show_address(s, index, v.addr);
	if (!s->json)
		out_fmt(s->run->out, "0x%" PRIx64 " ", v.addr);
	int r = s->path ? crash_value_walk(s->run->core, &v, s->path, &v) : 0;
	if (r == -EFAULT || r == -ENODATA) {
		out_str(s->run->out, s->json ? "" : "?\n");
		return 0;
	}
	const struct print_label label = { .index = s->has_index ? &index : NULL };
	return r < 0 ? r : print_show(s->run, &v, &label, s->json);
}

static int walk(struct shown *s, struct walk_over *over)
{
	struct crash_run *r = s->run;
	const char *cut = NULL;
	struct json j;
	char line[96];

	over->limit = r->args->limit ? r->args->limit : MEMBERS;
	int err = crash_address(r->core, r->argv[0], &over->head);
	if (err < 0)
		return err;
	if (r->args->format == CRASH_JSON) {
		json_init(&j, r->out);
		json_array(&j, NULL);
		s->json = &j;
	}
	err = crash_walk(r->core, over, show, s, &cut);
	if (s->json)
		json_end_array(&j);
	s->json = NULL;
	if (!err && cut) {
		(void)snprintf(line, sizeof(line), "stopped: %s", cut);
		r->note(line);
	}
	return err < 0 ? err : 0;
}

/* A member, as "list" or "run_node.next"; false: there is none. */
static bool find_member(const struct ctype *t, const char *path, struct cmember *ret)
{
	char name[128];
	uint64_t off = 0;

	for (;;) {
		const size_t len = strcspn(path, ".");

		if (len >= sizeof(name))
			return false;
		memcpy(name, path, len);
		name[len] = '\0';
		if (!ctype_member(t, name, ret) || ret->bit_size)
			return false;
		ret->bit_off += off;
		if (!path[len])
			return true;
		off = ret->bit_off;
		t = ret->type;
		path += len + 1;
	}
}

/* HEAD TYPE MEMBER [PATH]: by what the member is, it is known how they hang together. */
static int by_member(struct crash_run *r, bool tree)
{
	struct shown s = { .run = r };
	struct walk_over over = { 0 };
	struct cmember m;
	char name[256];

	int n = print_take_type(r, 1, name, sizeof(name));
	if (!n || n + 1 >= r->argc || r->argc > n + 3)
		return sonde_fail(-EINVAL, "wanted: %s TYPE MEMBER [PATH]", tree ? "ROOT" : "HEAD");
	int err = crash_type_find(r->core, name, &s.type);
	if (err < 0)
		return err;
	if (!find_member(s.type, r->argv[n + 1], &m))
		return sonde_fail(-ENOENT, "'%s' has no member '%s'", name, r->argv[n + 1]);
	if (m.type->kind == CT_PTR && !tree) {
		over.kind = WALK_CHAIN;
		over.link = m.bit_off / 8;
	} else if (!crash_walk_kind(m.type, &over.kind) || tree != (over.kind == WALK_RBTREE)) {
		return sonde_fail(-EINVAL, "'%s' links nothing to a %s", r->argv[n + 1],
				  tree ? "tree" : "list");
	} else {
		s.off = m.bit_off / 8;
	}
	s.path = r->argc == n + 3 ? r->argv[n + 2] : NULL;
	return walk(&s, &over);
}

static int run_list(struct crash_run *r)
{
	return by_member(r, /* tree= */ false);
}

const struct crash_verb crash_list = {
	.name = "list",
	.args = "HEAD TYPE MEMBER [PATH]",
	.summary = "All structs of a linked list, by the member that links them",
	.run = run_list,
};

/* ROOT xarray|maple [TYPE [PATH]]. */
static int by_index(struct crash_run *r, enum walk_kind kind)
{
	struct shown s = { .run = r, .has_index = true };
	struct walk_over over = { .kind = kind };
	char name[256];

	int n = print_take_type(r, 2, name, sizeof(name));
	if (r->argc > n + 3)
		return sonde_fail(-EINVAL, "wanted: ROOT %s [TYPE [PATH]]", r->argv[1]);
	int err = n ? crash_type_find(r->core, name, &s.type) : 0;
	s.path = r->argc == n + 3 ? r->argv[n + 2] : NULL;
	return err < 0 ? err : walk(&s, &over);
}

static int run_tree(struct crash_run *r)
{
	const char *kind = r->argc > 1 ? r->argv[1] : "";

	if (!strcmp(kind, "xarray"))
		return by_index(r, WALK_XARRAY);
	if (!strcmp(kind, "maple"))
		return by_index(r, WALK_MAPLE);
	return by_member(r, /* tree= */ true);
}

const struct crash_verb crash_tree = {
	.name = "tree",
	.args = "ROOT TYPE MEMBER [PATH], or ROOT xarray|maple [TYPE [PATH]]",
	.summary = "All structs of a red-black tree, an xarray or a maple tree, in order",
	.run = run_tree,
};
