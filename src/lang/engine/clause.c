/* SPDX-License-Identifier: MIT */
/** What scripts in D ask for: clauses with all that they print, freopen(). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "lang/engine/parts.h"

/* freopen(): output goes on in a file; to where it went before where there is no name. */
static int reopen(struct engine *e, const struct site *site, const void *payload, size_t len)
{
	sonde_auto(strbuf_fini) struct strbuf path = { 0 };
	sonde_auto(mem_closep) int file = -1;
	const int fd = e->opt->out->fd;

	int r = print_format(&e->printer, site, payload, len, &path);
	if (!r)
		r = strbuf_ok(&path);
	if (!r)
		r = out_flush(e->opt->out);
	if (r < 0)
		return r;
	if (e->kept_fd < 0)
		e->kept_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (path.len)
		file = open(path.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (e->kept_fd < 0 || (path.len && file < 0) || dup2(path.len ? file : e->kept_fd, fd) < 0)
		return sonde_fail_errno(-errno, "freopen(\"%s\")", strbuf_text(&path));
	return 0;
}

static int act_on_part(void *arg, const struct site *part, const void *payload, size_t len)
{
	return engine_act(arg, part, payload, len, 0);
}

/* As dtrace tells it: which of the script's probes, and which probe that was. */
static void tell_fault(struct engine *e, const struct site *site, const void *payload)
{
	struct fault_record f;
	const char *name = "";

	memcpy(&f, payload, sizeof(f));
	if (f.name < e->script->n_probe_names)
		name = e->script->probe_names[f.name];
	if (f.kind == FAULT_DIVISION)
		print_note(
			&e->printer, "error",
			"dtrace: error on enabled probe ID %u (ID %u: %s): divide-by-zero in the "
			"clause at line %u",
			f.id, f.name + 1, name, site->pos.line);
	else
		print_note(&e->printer, "error",
			   "dtrace: error on enabled probe ID %u (ID %u: %s): invalid address "
			   "(0x%llx) in the clause at line %u",
			   f.id, f.name + 1, name, (unsigned long long)f.addr, site->pos.line);
}

int engine_act_d(struct engine *e, const struct site *site, const void *payload, size_t len)
{
	switch (site->kind) {
	case SITE_CLAUSE: return print_d_clause(&e->printer, site, payload, act_on_part, e);
	case SITE_FAULT: tell_fault(e, site, payload); return 0;
	case SITE_PRINTA:
	case SITE_TRUNC:
	case SITE_NORMALIZE:
	case SITE_DENORMALIZE: return engine_agg_act(e, site, payload);
	case SITE_FREOPEN: return reopen(e, site, payload, len);
	default: return print_record(&e->printer, site, payload, len);
	}
}
