/* SPDX-License-Identifier: MIT */
/** The live world: what was opened of this kernel, and what it can do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "lang/live/live.h"
#include "lang/live/places.h"
#include "lang/live/probes.h"
#include "sym/probe/kernel_funcs.h"

struct ctypes *live_types(struct live *live)
{
	if (live->types_tried)
		return live->types;
	live->types_tried = true;
	live->types = live->opt.types;
	if (live->types)
		return live->types;
	if (ctypes_open_kernel(&live->own_types) < 0) {
		const char *why = sonde_err_str();
		live->types_why = arena_strndup(&live->arena, why, strlen(why));
		if (!live->types_why)
			live->types_why = "the kernel's types: out of memory";
		return NULL;
	}
	live->types = live->own_types;
	return live->types;
}

int live_funcs(struct live *live, const struct kernel_funcs **ret)
{
	if (!live->funcs)
		live->funcs = live->opt.funcs;
	if (!live->funcs) {
		int r = kernel_funcs_open(&live->own_funcs);
		if (r < 0)
			return r;
		live->funcs = live->own_funcs;
	}
	*ret = live->funcs;
	return 0;
}

static struct ctypes *types(struct world *w, const char **ret_why)
{
	struct live *live = (struct live *)w;
	struct ctypes *t = live_types(live);

	if (!t)
		*ret_why = live->types_why;
	return t;
}

static const char *lacks(struct world *w, const struct probe *at, const char *builtin)
{
	(void)w;
	(void)at;
	(void)builtin;
	return NULL; // a kernel that lacks a helper is found out by has_helper
}

/* Numbers of helpers only grow: the last one that a release has tells all of its. */
static bool release_has(unsigned release, int helper)
{
	static const struct {
		unsigned release;
		int last;
	} lasts[] = {
		{ 6 << 16 | 2, 211 /* cgrp_storage_delete */ },
		{ 6 << 16 | 1, 209 /* user_ringbuf_drain */ },
		{ 5 << 16 | 19, 203 /* dynptr_data */ },
		{ 5 << 16 | 18, 193 /* ima_file_hash */ },
		{ 5 << 16 | 17, 185 /* get_func_arg_cnt */ },
		{ 5 << 16 | 15, 175 /* task_pt_regs */ },
		{ 5 << 16 | 13, 165 /* snprintf */ },
		{ 5 << 16 | 11, 162 /* sock_from_file */ },
		{ 5 << 16 | 10, 155 /* redirect_peer */ },
		{ 5 << 16 | 8, 134 /* ringbuf_query */ },
	};

	for (size_t i = 0; i < MEM_LEN(lasts); i++) {
		if (release >= lasts[i].release)
			return helper <= lasts[i].last;
	}
	return false;
}

static unsigned kernel_release(struct live *live)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	if (!live->release && !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2)
		live->release = (major & 0x7fff) << 16 | (minor & 0xffff);
	return live->release;
}

static bool has_helper(struct world *w, int helper)
{
	struct live *live = (struct live *)w;
	int64_t n;

	// Distributions bring helpers back to older releases: then the kernel's types know better.
	if (release_has(kernel_release(live), helper))
		return true;
	return live_types(live) && ctypes_enumerator(live->types, "__BPF_FUNC_MAX_ID", &n) &&
	       helper < n;
}

static uint32_t kfunc(struct world *w, const char *name)
{
	struct ctypes *t = live_types((struct live *)w);
	const struct ctype *f = NULL;

	if (!t || ctypes_func(t, name, &f) < 0)
		return 0;
	return (uint32_t)f->id;
}

static void live_free(struct world *w)
{
	struct live *live = (struct live *)w;

	live_files_free(live);
	live_modules_free(live);
	ctypes_free(live->own_types);
	kernel_funcs_free(live->own_funcs);
	arena_fini(&live->arena);
	free(live);
}

static const struct world_ops ops = {
	.probes = live_probes,
	.types = types,
	.lacks = lacks,
	.address = live_address,
	.has_helper = has_helper,
	.kfunc = kfunc,
	.free = live_free,
};

/* In a container processes have other numbers than the kernel's own. */
static void find_pid_namespace(struct world *w)
{
	enum { INIT_PID_NS = (int)0xEFFFFFFCU }; // the kernel's PROC_PID_INIT_INO
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0 || st.st_ino == (unsigned)INIT_PID_NS)
		return;
	w->pid_ns_dev = st.st_dev;
	w->pid_ns_ino = st.st_ino;
}

int live_world_new(const struct live_options *opt, struct world **ret)
{
	struct live *live = calloc(1, sizeof(*live));

	if (!live)
		return sonde_fail(-ENOMEM, "the kernel's probes: out of memory");
	live->world = (struct world){ .name = "live", .ops = &ops };
	find_pid_namespace(&live->world);
	live->opt = *opt;
	*ret = &live->world;
	return 0;
}
