/* SPDX-License-Identifier: MIT */
/** Waits for locks of the kernel, as its contention events tell them. */
#include "analysis/kernel_state.h"
#include "base/mem.h"

enum { LOCK_ADDR, LOCK_FLAGS, LOCK_RET };

static int64_t get(const struct kernel_event *ev, const struct sonde_event *e, int field)
{
	int64_t v = 0;

	(void)kernel_int(e, &ev->ints[field], &ev->fields[field], &v); // 0 where it is not there
	return v;
}

static void on_begin(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		     struct kernel_cpu *c)
{
	const struct kernel_lock l = {
		.addr = (uint64_t)get(ev, e, LOCK_ADDR),
		.flags = (uint32_t)get(ev, e, LOCK_FLAGS),
	};

	if (c->current)
		k->watch->lock(k->arg, c->current, &l, e);
}

static void on_end(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		   struct kernel_cpu *c)
{
	const struct kernel_lock l = {
		.is_end = true,
		.addr = (uint64_t)get(ev, e, LOCK_ADDR),
		.ret = get(ev, e, LOCK_RET),
	};

	if (c->current)
		k->watch->lock(k->arg, c->current, &l, e);
}

static const struct kernel_rule lock_rules[] = {
	{ { "contention_begin", "lock_contention_begin" },
	  on_begin,
	  KERNEL_HAS_LOCK,
	  2,
	  { [LOCK_ADDR] = { "lock_addr" }, [LOCK_FLAGS] = { "flags" } } },
	{ { "contention_end", "lock_contention_end" },
	  on_end,
	  0,
	  1,
	  { [LOCK_ADDR] = { "lock_addr" }, [LOCK_RET] = { "ret" } } },
};

const struct kernel_rule *kernel_lock_rules(size_t *ret_n)
{
	*ret_n = MEM_LEN(lock_rules);
	return lock_rules;
}
