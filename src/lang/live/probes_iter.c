/* SPDX-License-Identifier: MIT */
/** Iterators: a walk over the kernel's objects of one kind, once, when the script starts. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/live/probes.h"

/* The functions that iterators are attached to are called so in the kernel. */
#define ITER_FUNC "bpf_iter_"
/* So is the struct that is their context. */
#define ITER_CONTEXT "bpf_iter__"

/* These walk through one map, and scripts have no name for it. */
static bool is_of_a_map(const char *name)
{
	return !strcmp(name, "bpf_map_elem") || !strcmp(name, "bpf_sk_storage_map") ||
	       !strcmp(name, "sockmap");
}

static bool iter_struct(const char *tag, const char **ret_name)
{
	const size_t len = sizeof(ITER_CONTEXT) - 1;

	*ret_name = tag + len;
	return !strncmp(tag, ITER_CONTEXT, len) && tag[len] && !strstr(tag + len, "__") &&
	       !is_of_a_map(tag + len);
}

static int see(void *arg, const char *tag)
{
	const char *name;

	if (iter_struct(tag, &name))
		nearest_see(arg, name);
	return 0;
}

static int unknown_iter(struct lookup *l, struct ctypes *types)
{
	struct nearest n = { .word = l->ap->parts[1] };
	int r = ctypes_each_struct(types, see, &n);

	if (r < 0)
		return r;
	return lookup_error(l, "unknown-iterator", "this kernel has no iterator '%s'%s",
			    l->ap->parts[1], nearest_words(&n));
}

/* The pointers of the context, but for the iterator's own. */
static int context_fields(struct lookup *l, const struct ctype *ctx, struct probe *p)
{
	size_t n = 0, n_fields = 0;
	const struct cmember *m = ctype_members(ctx, &n);
	struct probe_field *fields = arena_array(l->arena, n, sizeof(*fields));

	if (!fields)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		// Each pointer stands in a nameless union of its own, which makes it 8 bytes long.
		const struct cmember *at = &m[i];
		size_t inner = 0;
		const struct cmember *in = ctype_members(at->type, &inner);
		if (!*at->name && inner == 1)
			at = in;
		const uint64_t off = m[i].bit_off / 8;
		if (!*at->name || !strcmp(at->name, "meta") || off > UINT32_MAX)
			continue;
		fields[n_fields++] = (struct probe_field){
			.name = at->name,
			.type = at->type,
			.off = (uint32_t)off,
			.len = (uint32_t)at->type->size,
			.is_signed = at->type->is_signed,
		};
	}
	p->fields = fields;
	p->n_fields = n_fields;
	return 0;
}

int find_iter(struct lookup *l)
{
	struct ctypes *types = live_types(l->live);
	const struct ctype *func = NULL, *ctx = NULL;

	if (l->ap->n_parts == 3)
		return lookup_error(l, "bad-attach-point",
				    "'%s': iterators are not pinned; their output goes to the "
				    "script's",
				    l->ap->text);
	if (is_of_a_map(l->ap->parts[1]))
		return lookup_error(l, "unknown-iterator",
				    "'%s': this iterator needs a map, which scripts cannot name",
				    l->ap->text);
	if (!types)
		return lookup_error(l, "no-types", "iterators need the kernel's types: %s",
				    l->live->types_why);
	const char *func_name = lookup_text(l, ITER_FUNC "%s", l->ap->parts[1]);
	const char *ctx_name = lookup_text(l, "struct " ITER_CONTEXT "%s", l->ap->parts[1]);
	const char *name = lookup_text(l, "iter:%s", l->ap->parts[1]);
	if (!func_name || !ctx_name || !name)
		return -ENOMEM;
	int r = ctypes_func(types, func_name, &func);
	if (r >= 0)
		r = ctypes_find(types, ctx_name, &ctx);
	if (r == -ENOENT)
		return unknown_iter(l, types);
	if (r < 0)
		return r;
	struct probe p = {
		.name = name,
		.args = ARGS_ITER,
		.prog_type = BPF_PROG_TYPE_TRACING,
		.attach_type = BPF_TRACE_ITER,
		.btf_id = (uint32_t)func->id,
		.attach = { .kind = ATTACH_ITER, .pid = -1, .cpu = -1 },
	};
	r = context_fields(l, ctx, &p);
	return r < 0 ? r : lookup_add(l, &p);
}

static int give(void *arg, const char *tag)
{
	const char *name;

	return iter_struct(tag, &name) ? listing_give(arg, name, NULL, NULL) : 0;
}

int list_iter(struct listing *l)
{
	struct ctypes *types = live_types(l->live);

	return types ? ctypes_each_struct(types, give, l)
		     : sonde_fail(-ENOTSUP, "%s", l->live->types_why);
}
