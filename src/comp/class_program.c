/* SPDX-License-Identifier: MIT */
/** The print programs of event classes. */
#include "comp/class_program.h"

#include <errno.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"

static void program_free(struct print_program *pr)
{
	print_fini(pr);
	free(pr);
}
SONDE_DEFINE_AUTO(struct print_program *, program_free)

void class_programs_fini(struct class_programs *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->programs[i])
			program_free(c->programs[i]);
	}
	free(c->programs);
	free(c->slots);
}

int class_programs_add(struct class_programs *c, const struct sonde_event_class *cls,
		       struct print_run *run)
{
	int r = mem_grow(&c->programs, &c->cap, cls->index + 1UL);
	if (r < 0)
		return r;
	while (c->n <= cls->index)
		c->programs[c->n++] = NULL;

	sonde_auto(program_freep) struct print_program *pr = calloc(1, sizeof(*pr));
	if (!pr)
		return sonde_fail(-ENOMEM, "out of memory for event '%s'", cls->name);
	c->make(c->arg, pr, cls);
	r = print_end(pr);
	if (r >= 0)
		r = mem_grow(&c->slots, &c->cap_slots, pr->slot_most + 1UL);
	if (r < 0)
		return sonde_wrap(r, "event '%s'", cls->name);
	run->slots = c->slots;
	c->programs[cls->index] = sonde_take(pr);
	return 0;
}
