/* SPDX-License-Identifier: MIT */
/** The programs of a compiled script in the running kernel. */
#include "made_run.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "bpf/load.h"
#include "lang/world.h"

bool made_run_can(void)
{
	const struct bpf_map_spec spec = { .name = "try",
					   .type = BPF_MAP_TYPE_ARRAY,
					   .key_len = 4,
					   .val_len = 8,
					   .max_entries = 1,
					   .inner = -1 };
	sonde_auto(bpf_maps_freep) struct bpf_maps *maps = NULL;

	return geteuid() == 0 && bpf_maps_new(&spec, 1, &maps) == 0;
}

static int load_one(struct made_run *run, const struct script_prog *p)
{
	const bool once = p->probe->attach.kind == ATTACH_NONE;
	const struct bpf_load how = {
		.name = p->name,
		.type = once ? BPF_PROG_TYPE_RAW_TRACEPOINT : p->probe->prog_type,
		.attach_type = p->probe->attach_type,
		.attach_btf_id = p->probe->btf_id,
		.attach_btf_fd = p->probe->btf_fd,
		.sleepable = p->probe->sleepable,
	};

	if (run->n == MADE_PROGS_MOST)
		return sonde_fail(-E2BIG, "more than %d programs", MADE_PROGS_MOST);
	int r = bpf_load(&how, &p->code, run->maps, &run->log, &run->line, &run->fds[run->n]);
	if (!r)
		run->n++;
	return r;
}

int made_run_load(struct made_run *run, const struct script *s)
{
	*run = (struct made_run){ .script = s };
	int r = bpf_maps_new(s->bpf_maps, s->n_bpf_maps, &run->maps);

	for (size_t i = 0; !r && i < s->n_progs; i++)
		r = load_one(run, &s->progs[i]);
	return r;
}

int made_run_once(struct made_run *run)
{
	uint32_t ignored;

	return bpf_run_once(run->fds[0], NULL, 0, &ignored);
}

void made_run_fini(struct made_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		close(run->fds[i]);
	bpf_maps_free(run->maps);
	strbuf_fini(&run->log);
}

const struct script_map *made_run_map(const struct made_run *run, const char *name)
{
	for (size_t i = 0; i < run->script->n_maps; i++)
		if (!strcmp(run->script->maps[i].name, name))
			return &run->script->maps[i];
	return NULL;
}
