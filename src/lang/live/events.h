/* SPDX-License-Identifier: MIT */
/** Events of tracefs that an attach point names, and those that are system calls among them. */
#ifndef LANG_LIVE_EVENTS_H
#define LANG_LIVE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

struct arena;
struct lookup;
struct probe;

struct event {
	const char *group, *name;
	/** Reached by raw_syscalls:sys_enter or sys_exit, as its call's number is known. */
	bool is_syscall, is_exit;
	uint32_t nr;
};

struct events {
	struct event *v; /* owned */
	size_t n, cap;
	struct arena *arena; /* for names */
	bool only_first;
};

/** Puts the fields of the event's record into @ret, with those that all events share left out. */
SONDE_MUST_CHECK int event_fields(struct lookup *l, const char *group, const char *name,
				  struct probe *ret);

/** Adds what @es has of system calls, as few places: one program looks at all calls' numbers. */
SONDE_MUST_CHECK int syscalls_add(struct lookup *l, struct events *es);

/** Adds raw_syscalls:sys_enter or sys_exit. */
SONDE_MUST_CHECK int raw_syscalls_add(struct lookup *l, bool is_exit);

#endif
