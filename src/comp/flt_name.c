/* SPDX-License-Identifier: MIT */
/** flt.name: passes events whose name matches one of the globs; gaps always pass. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "comp/all.h"
#include "comp/chosen.h"
#include "graph/component.h"

enum { UNKNOWN, WANTED, UNWANTED };

struct flt_name {
	uint8_t *classes; /* owned: by event class index, one of the above */
	size_t n_classes, cap_classes;
	bool wanted[SONDE_BATCH_MAX];
	struct chosen room;
};

static int name_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	(void)c;
	for (size_t i = 0; i < setup->n_params; i++) {
		if (!strcmp(setup->params[i].key, "glob"))
			return 0;
	}
	return sonde_fail(-EINVAL, "flt.name wants at least one parameter 'glob'");
}

static void name_fini(struct sonde_component *c)
{
	struct flt_name *f = c->state;

	free(f->classes);
}

static bool matches(const struct sonde_setup *setup, const char *name)
{
	for (size_t i = 0; i < setup->n_params; i++) {
		const struct sonde_param *p = &setup->params[i];

		if (!strcmp(p->key, "glob") && !fnmatch(p->value, name, 0))
			return true;
	}
	return false;
}

/* Decides on a class that is met for the first time. */
static int decide(struct sonde_component *c, const struct sonde_event_class *cls)
{
	struct flt_name *f = c->state;
	int r = mem_grow(&f->classes, &f->cap_classes, cls->index + 1UL);

	if (r < 0)
		return r;
	while (f->n_classes <= cls->index)
		f->classes[f->n_classes++] = UNKNOWN;
	f->classes[cls->index] = matches(&c->setup, cls->name) ? WANTED : UNWANTED;
	return 0;
}

static int name_filter(struct sonde_component *c, const struct sonde_batch *in,
		       struct sonde_batch *ret)
{
	struct flt_name *f = c->state;

	for (size_t i = 0; i < in->n; i++) {
		const struct sonde_event_class *cls = in->events[i].cls;

		if (cls && (cls->index >= f->n_classes || f->classes[cls->index] == UNKNOWN)) {
			int r = decide(c, cls);
			if (r < 0)
				return r;
		}
		f->wanted[i] = !cls || f->classes[cls->index] == WANTED;
	}
	chosen_take(&f->room, in, f->wanted, ret);
	return 0;
}

const struct sonde_component_class flt_name = {
	.abi = SONDE_ABI,
	.kind = SONDE_FILTER,
	.name = "flt.name",
	.help = "Pass events whose name matches one of the globs in parameters 'glob'.",
	.state_size = sizeof(struct flt_name),
	.init = name_init,
	.fini = name_fini,
	.filter = name_filter,
};
