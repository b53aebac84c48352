/* SPDX-License-Identifier: MIT */
/** The print programs of event classes, each made when its class is met for the first time. */
#ifndef COMP_CLASS_PROGRAM_H
#define COMP_CLASS_PROGRAM_H

#include "comp/print.h"

/** All zero, but for @make and @arg, is an empty one. */
struct class_programs {
	/** Adds all that the program of @cls is to print. */
	void (*make)(void *arg, struct print_program *pr, const struct sonde_event_class *cls);
	void *arg;

	struct print_program **programs; /* owned, by event class index; NULL: not met yet */
	size_t n, cap;
	uint64_t *slots; /* owned, room for the slots of any program */
	size_t cap_slots;
};

void class_programs_fini(struct class_programs *c);

/** Makes a program for a class that has none, and sets run->slots. 0, -ENOMEM or -ENOTSUP. */
SONDE_MUST_CHECK int class_programs_add(struct class_programs *c,
					const struct sonde_event_class *cls, struct print_run *run);

/** The program of @cls, lent until class_programs_fini(). */
static inline int class_programs_get(struct class_programs *c, const struct sonde_event_class *cls,
				     struct print_run *run, const struct print_program **ret)
{
	if (__builtin_expect(cls->index >= c->n || !c->programs[cls->index], 0)) {
		int r = class_programs_add(c, cls, run);
		if (r < 0)
			return r;
	}
	*ret = c->programs[cls->index];
	return 0;
}

#endif
