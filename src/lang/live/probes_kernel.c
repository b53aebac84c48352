/* SPDX-License-Identifier: MIT */
/** Functions of the kernel: kprobe and kretprobe, fentry and fexit. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "base/mem.h"
#include "lang/live/places.h"
#include "lang/live/probes.h"
#include "sym/probe/kernel_funcs.h"
#include "sym/probe/tracefs.h"

/* What an attach point asks for, and how it is to be had. */
struct kernel_lookup {
	struct lookup *l;
	const char *module; /* as written; NULL: any */
	const char *pattern;
	uint64_t off;
	bool is_return;
	bool typed; /* by BPF trampolines; else by kprobes */
};

static bool has_kprobes(const struct live *live)
{
	char path[512];
	const char *dir = live->opt.devices ? live->opt.devices : "/sys/bus/event_source/devices";
	int n = snprintf(path, sizeof(path), "%s/kprobe", dir);

	return n > 0 && (size_t)n < sizeof(path) && !access(path, F_OK);
}

/* Why functions cannot be traced, as far as tracefs tells it; NULL: they can, or it is not known.
 */
static const char *no_trampolines(void)
{
	char path[512];
	const char *dir = NULL;

	if (tracing_mount(&dir) < 0)
		return NULL;
	int n = snprintf(path, sizeof(path), "%s/available_filter_functions", dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return NULL;
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return "it was built without CONFIG_DYNAMIC_FTRACE";
	if (fd < 0 && errno == EPERM && !geteuid())
		return "it does not let functions be traced, not even by root";
	return NULL;
}

/* Chooses between kprobes and trampolines, or tells why there is neither. */
static int choose_way(struct kernel_lookup *k, bool typed)
{
	struct lookup *l = k->l;

	if (!typed && has_kprobes(l->live))
		return 0;
	const char *why = no_trampolines();
	if (typed && !live_types(l->live))
		return lookup_error(l, "no-types", "'%s' needs the kernel's types: %s",
				    l->provider->name, l->live->types_why);
	if (typed && why)
		return lookup_error(l, "no-function-probes", "this kernel has no '%s' probes: %s",
				    l->provider->name, why);
	if (!typed && (why || k->off || !live_types(l->live)))
		return lookup_error(l, "no-function-probes",
				    "this kernel has no '%s' probes: it was built without "
				    "CONFIG_KPROBE_EVENTS%s%s",
				    l->provider->name, why ? ", and " : "", why ? why : "");
	k->typed = true;
	return 0;
}

/* The function's type, from the kernel's types or those of its module. */
static int find_proto(struct kernel_lookup *k, const char *module, const char *name,
		      struct probe *p)
{
	struct live *live = k->l->live;
	struct ctypes *types = live_types(live);
	struct live_module *m = NULL;

	if (!types)
		return -ENOENT;
	int r = *module ? -ENOENT : ctypes_func(types, name, &p->proto);
	if (*module) {
		r = live_module(live, module, &m);
		if (r >= 0)
			r = ctypes_func(m->types, name, &p->proto);
	}
	if (r < 0)
		return r;
	p->types = m ? m->types : NULL;
	p->btf_fd = m ? m->btf_fd : 0;
	p->btf_id = (uint32_t)p->proto->id;
	return 0;
}

static const char *place_name(struct kernel_lookup *k, const char *name)
{
	const char *written = k->l->ap->parts[0], *module = k->module ? k->module : "";
	const char *colon = k->module ? ":" : "";
	// Who writes kfunc wants to read kfunc.
	const char *provider = strlen(written) > 2 ? written : k->l->provider->name;

	if (k->off)
		return lookup_text(k->l, "%s:%s%s%s+%llu", provider, module, colon, name,
				   (unsigned long long)k->off);
	return lookup_text(k->l, "%s:%s%s%s", provider, module, colon, name);
}

/* Kprobes find a module's function as "module:function". */
static const char *kprobe_name(struct kernel_lookup *k, const char *module, const char *name)
{
	return *module && k->module ? lookup_text(k->l, "%s:%s", module, name)
				    : arena_strndup(k->l->arena, name, strlen(name));
}

static int add_kprobe(struct kernel_lookup *k, const char *module, const char *name)
{
	struct lookup *l = k->l;
	struct probe p = {
		.name = place_name(k, name),
		.func = arena_strndup(l->arena, name, strlen(name)),
		.args = ARGS_REGS,
		.is_return = k->is_return,
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.attach = {
			.kind = k->is_return ? ATTACH_KRETPROBE : ATTACH_KPROBE,
			.name = kprobe_name(k, module, name),
			.off = k->off,
			.pid = -1,
			.cpu = -1,
		},
	};
	int r = p.name && p.func && p.attach.name ? 0 : -ENOMEM;

	if (r >= 0 && l->wants->fields && !k->off && !k->is_return) {
		r = find_proto(k, module, name, &p);
		p.btf_id = 0;
		p.btf_fd = 0;
		if (r >= 0)
			r = lookup_named_args(l, p.proto, NULL, &p);
		r = r == -ENOMEM ? r : 0;
	}
	return r < 0 ? r : lookup_add_same(l, &p);
}

static int add_typed(struct kernel_lookup *k, const char *module, const char *name)
{
	struct lookup *l = k->l;
	struct probe p = {
		.name = place_name(k, name),
		.func = arena_strndup(l->arena, name, strlen(name)),
		.args = ARGS_TYPED,
		.is_return = k->is_return,
		.prog_type = BPF_PROG_TYPE_TRACING,
		.attach_type = k->is_return ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY,
		.attach = {
			.kind = k->is_return ? ATTACH_FEXIT : ATTACH_FENTRY,
			.name = arena_strndup(l->arena, name, strlen(name)),
			.pid = -1,
			.cpu = -1,
		},
	};
	int r = p.name && p.func && p.attach.name ? find_proto(k, module, name, &p) : -ENOMEM;

	// Among many, those without types are left out.
	if (r < 0)
		return r == -ENOENT && glob_is(k->pattern) ? 0 : r;
	r = lookup_named_args(l, p.proto, NULL, &p);
	return r < 0 ? r : lookup_add_same(l, &p);
}

static int add_func(struct kernel_lookup *k, const char *module, const char *name)
{
	return k->typed ? add_typed(k, module, name) : add_kprobe(k, module, name);
}

/* 1 ends the walk: it is enough. */
static int add_match(void *arg, const struct kernel_func *fn)
{
	struct kernel_lookup *k = arg;
	int r = add_func(k, fn->module, fn->name);

	return r < 0 ? r : k->l->is_first && k->l->first;
}

static int add_all(struct kernel_lookup *k)
{
	const struct kernel_funcs *funcs = NULL;
	int r = live_funcs(k->l->live, &funcs);

	if (r < 0)
		return r;
	r = kernel_funcs_each(funcs, k->module, k->pattern, add_match, k);
	if (r < 0 || k->l->first)
		return r < 0 ? r : 0;
	if (glob_is(k->pattern) || (k->module && glob_is(k->module)))
		return lookup_error(k->l, "no-match", "no function of the kernel matches '%s'",
				    k->pattern);
	const char *near = kernel_funcs_near(funcs, k->pattern);
	return lookup_error(k->l, "unknown-function", "no function '%s' in the kernel%s%s%s",
			    k->pattern, near ? "; did you mean '" : "", near ? near : "",
			    near ? "'?" : "");
}

/* A function of the kernel itself is found in its types, which is faster than the list of all. */
static bool is_plain(struct kernel_lookup *k)
{
	struct ctypes *types = live_types(k->l->live);
	const struct ctype *proto = NULL;

	return (!k->module || !strcmp(k->module, "vmlinux")) && !glob_is(k->pattern) && types &&
	       ctypes_func(types, k->pattern, &proto) >= 0;
}

static int find_in_kernel(struct lookup *l, bool typed, bool is_return)
{
	const struct ast_attach *ap = l->ap;
	struct kernel_lookup k = {
		.l = l,
		.module = ap->n_parts == 3 ? ap->parts[1] : NULL,
		.pattern = ap->parts[ap->n_parts - 1],
		.is_return = is_return,
	};

	if (!typed) {
		int r = lookup_offset(l, k.pattern, &k.pattern, &k.off);
		if (r < 0)
			return r;
	}
	if (k.off && (is_return || glob_is(k.pattern)))
		return lookup_error(l, "bad-attach-point",
				    "'%s': an offset needs the entry of one "
				    "function",
				    ap->text);
	int r = choose_way(&k, typed);
	if (r < 0)
		return r;
	return is_plain(&k) ? add_func(&k, "", k.pattern) : add_all(&k);
}

int find_kprobe(struct lookup *l)
{
	return find_in_kernel(l, false, false);
}

int find_kretprobe(struct lookup *l)
{
	return find_in_kernel(l, false, true);
}

int find_fentry(struct lookup *l)
{
	return find_in_kernel(l, true, false);
}

int find_fexit(struct lookup *l)
{
	return find_in_kernel(l, true, true);
}

static int give_func(void *arg, const struct kernel_func *fn)
{
	return *fn->module ? listing_give(arg, fn->module, fn->name, NULL)
			   : listing_give(arg, fn->name, NULL, NULL);
}

int list_kprobe(struct listing *l)
{
	const struct kernel_funcs *funcs = NULL;

	if (!has_kprobes(l->live))
		return sonde_fail(-ENOTSUP,
				  "this kernel has no '%s' probes: it was built without "
				  "CONFIG_KPROBE_EVENTS",
				  l->provider->name);
	int r = live_funcs(l->live, &funcs);
	return r < 0 ? r : kernel_funcs_each(funcs, NULL, "*", give_func, l);
}

/* Only functions whose types are known. */
static int give_typed(void *arg, const struct kernel_func *fn)
{
	struct listing *l = arg;
	struct ctypes *types = live_types(l->live);
	const struct ctype *proto = NULL;

	// Types of all modules are not opened for a list.
	if (!*fn->module && (!types || ctypes_func(types, fn->name, &proto) < 0))
		return 0;
	return give_func(l, fn);
}

int list_fentry(struct listing *l)
{
	const struct kernel_funcs *funcs = NULL;
	const char *why = no_trampolines();

	if (!live_types(l->live))
		return sonde_fail(-ENOTSUP, "'%s' needs the kernel's types: %s", l->provider->name,
				  l->live->types_why);
	if (why)
		return sonde_fail(-ENOTSUP, "this kernel has no '%s' probes: %s", l->provider->name,
				  why);
	int r = live_funcs(l->live, &funcs);
	return r < 0 ? r : kernel_funcs_each(funcs, NULL, "*", give_typed, l);
}
