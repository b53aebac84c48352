/* SPDX-License-Identifier: MIT */
/** Reads the arguments of futex calls out of the events of every tracer. */
#include "analysis/locks/futex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "model/field.h"

enum { ARGS = 6, NAMES = 3 };

/* linux/futex.h */
enum {
	OP_WAIT = 0,
	OP_REQUEUE = 3,
	OP_CMP_REQUEUE = 4,
	OP_LOCK_PI = 6,
	OP_WAIT_BITSET = 9,
	OP_WAIT_REQUEUE_PI = 11,
	OP_CMP_REQUEUE_PI = 12,
	OP_LOCK_PI2 = 13,
	OP_MASK = 0x7f,
	OP_PRIVATE = 0x80, /* of the flags of newer calls, too */
};

/* The arguments' names in the kernel's events and in LTTng's, by call. */
static const struct {
	const char *call;
	const char *names[ARGS];
} calls[] = {
	{ "futex", { "uaddr", "op", "val", "utime", "uaddr2", "val3" } },
	{ "futex_time64", { "uaddr", "op", "val", "utime", "uaddr2", "val3" } },
	{ "futex_wait", { "uaddr", "val", "mask", "flags", "timeout", "clockid" } },
	{ "futex_waitv", { "waiters", "nr_futexes", "flags", "timeout", "clockid", NULL } },
	{ "futex_requeue", { "waiters", "flags", "nr_wake", "nr_requeue", NULL, NULL } },
};

struct futex_class {
	struct field_ref all; /* of raw_syscalls: an array of them */
	struct field_ref args[ARGS];
};

void futex_reader_fini(struct futex_reader *r)
{
	for (size_t i = 0; i < r->cap; i++)
		free(r->classes[i]);
	free(r->classes);
	*r = (struct futex_reader){ 0 };
}

static size_t find_call(const char *call)
{
	size_t i = 0;

	while (i < MEM_LEN(calls) && strcmp(calls[i].call, call) != 0)
		i++;
	return i;
}

bool futex_is_call(const char *call)
{
	return find_call(call) < MEM_LEN(calls);
}

static int class_of(struct futex_reader *r, const struct sonde_event_class *cls, size_t call,
		    const struct futex_class **ret)
{
	const size_t old = r->cap;

	if (cls->index >= old) {
		int err = mem_grow(&r->classes, &r->cap, (size_t)cls->index + 1);
		if (err < 0)
			return err;
		for (size_t i = old; i < r->cap; i++)
			r->classes[i] = NULL;
	}
	struct futex_class **at = &r->classes[cls->index];
	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return sonde_fail(-ENOMEM, "out of memory");
		(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "args", &(*at)->all);
		for (size_t i = 0; i < ARGS && calls[call].names[i]; i++)
			(void)field_find(cls, SONDE_SCOPE_PAYLOAD, calls[call].names[i],
					 &(*at)->args[i]);
	}
	*ret = *at;
	return 0;
}

/* All that the event has; which ones these are as bits. */
static unsigned read_args(const struct futex_class *c, const struct sonde_event *e,
			  int64_t ret[ARGS])
{
	const struct sonde_int *type;
	struct sonde_span ints;
	size_t n = 0;
	unsigned have = 0;

	if (field_ints(e, &c->all, &ints, &type, &n)) {
		for (size_t i = 0; i < n && i < ARGS; i++) {
			ret[i] = field_ints_at(ints, type, i);
			have |= 1u << i;
		}
		return have;
	}
	for (size_t i = 0; i < ARGS; i++) {
		if (field_int(e, &c->args[i], &ret[i]))
			have |= 1u << i;
	}
	return have;
}

/*
 * The value that a mutex has while others wait for it: 2 to glibc, Go and Rust, the highest bit to
 * musl. What waits for condition variables and semaphores waits for others, most often 0.
 */
static bool is_mutex(int64_t value)
{
	return (uint32_t)value == 2 || (uint32_t)value >> 31;
}

static void read_old(const int64_t a[ARGS], struct futex_ask *ret)
{
	const int64_t op = a[1] & OP_MASK;

	ret->is_shared = !(a[1] & OP_PRIVATE);
	switch (op) {
	case OP_WAIT:
	case OP_WAIT_BITSET:
		ret->is_mutex = is_mutex(a[2]);
		ret->what = FUTEX_ASKS_WAIT;
		return;
	case OP_WAIT_REQUEUE_PI: ret->what = FUTEX_ASKS_WAIT; return;
	case OP_LOCK_PI:
	case OP_LOCK_PI2:
		ret->what = FUTEX_ASKS_WAIT;
		ret->is_pi = ret->is_mutex = true;
		return;
	case OP_REQUEUE:
	case OP_CMP_REQUEUE:
	case OP_CMP_REQUEUE_PI:
		ret->what = FUTEX_ASKS_MOVE;
		ret->to = (uint64_t)a[4];
		ret->to_pi = op == OP_CMP_REQUEUE_PI;
		ret->n_wake = (int32_t)a[2];
		ret->n_move = (int32_t)a[3];
		return;
	default: return;
	}
}

int futex_read(struct futex_reader *r, const char *call, const struct sonde_event *e,
	       struct futex_ask *ret)
{
	const size_t which = find_call(call);
	const struct futex_class *c = NULL;
	int64_t a[ARGS] = { 0 };

	*ret = (struct futex_ask){ .what = FUTEX_ASKS_OTHER };
	if (which >= MEM_LEN(calls))
		return 0;
	int err = class_of(r, e->cls, which, &c);
	if (err < 0 || !c)
		return err;
	const unsigned have = read_args(c, e, a);
	ret->addr = (uint64_t)a[0];
	if (!(have & 1))
		return 0;
	if (!strcmp(call, "futex_waitv")) {
		ret->what = FUTEX_ASKS_WAIT;
		ret->is_set = true;
	} else if (!strcmp(call, "futex_wait")) {
		ret->what = FUTEX_ASKS_WAIT;
		ret->is_shared = !(a[3] & OP_PRIVATE);
		ret->is_mutex = is_mutex(a[1]);
	} else if (strcmp(call, "futex_requeue") != 0 && have & 2) {
		read_old(a, ret); // the new call has its addresses in memory
	}
	return 0;
}
