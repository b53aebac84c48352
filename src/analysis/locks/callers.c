/* SPDX-License-Identifier: MIT */
/** Tells frames of locking from those of its users. */
#include "analysis/locks/callers.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"

enum { SHOWN = 4 };

/* What begins so is of locks, or between a program and the kernel. */
static const char *const plumbing[] = {
	"__futex",	  "__lll_lock",	     "___pthread",
	"__pthread",	  "__x64_sys_futex", "__arm64_sys_futex",
	"__mutex",	  "__ww_mutex",	     "__percpu_",
	"__schedule",	  "__pv_queued",     "__raw_",
	"_raw_",	  "__down",	     "__rt_mutex",
	"do_futex",	  "do_syscall_64",   "down_",
	"entry_SYSCALL",  "futex",	     "el0",
	"invoke_syscall", "mutex_",	     "native_queued",
	"percpu_",	  "pthread_",	     "queued_",
	"rt_mutex",	  "rtlock",	     "rwsem_",
	"schedule",	  "syscall",	     "ww_mutex",
	"x64_sys_call",	  "[unknown]",
};

static bool is_plumbing(const char *name)
{
	for (size_t i = 0; i < MEM_LEN(plumbing); i++) {
		if (!strncmp(name, plumbing[i], strlen(plumbing[i])))
			return true;
	}
	return false;
}

static const char *kept(struct strbuf *b, struct arena *arena)
{
	const char *text = b->failed ? NULL : arena_strndup(arena, strbuf_text(b), b->len);

	strbuf_fini(b);
	return text;
}

static const char *name_at(const struct stacks *s, uint32_t node)
{
	return s->names[s->nodes[node].name].text;
}

/* The outermost of a program's own frames of locking: what it called; 0: there is none. */
static uint32_t program_call(const struct stacks *s, uint32_t node)
{
	uint32_t call = 0;

	for (uint32_t at = node; at && is_plumbing(name_at(s, at)); at = s->nodes[at].parent) {
		const struct frame_name *name = &s->names[s->nodes[at].name];

		if (name->kind == FRAME_USER && strcmp(name->text, "[unknown]") != 0)
			call = at;
	}
	return call;
}

const char *lock_caller(const struct stacks *s, uint32_t node, struct arena *arena)
{
	const uint32_t call = program_call(s, node);
	struct strbuf b = { 0 };
	unsigned n = 0;

	for (uint32_t at = node; at && n < SHOWN; at = s->nodes[at].parent) {
		if (at == call || !is_plumbing(name_at(s, at)))
			strbuf_fmt(&b, "%s%s", n++ ? " < " : "", name_at(s, at));
	}
	if (!n && node) // nothing else is known
		strbuf_str(&b, name_at(s, node));
	return kept(&b, arena);
}

const char *lock_stack(const struct stacks *s, uint32_t node, struct arena *arena)
{
	struct strbuf b = { 0 };
	size_t depth = 0, i = 0;

	for (uint32_t at = node; at; at = s->nodes[at].parent)
		depth++;
	const char **names = arena_array(arena, depth + 1, sizeof(*names));
	for (uint32_t at = node; names && at; at = s->nodes[at].parent)
		names[depth - ++i] = name_at(s, at);
	for (i = 0; names && i < depth; i++)
		strbuf_fmt(&b, "%s%s", i ? ";" : "", names[i]);
	b.failed |= !names;
	return kept(&b, arena);
}
