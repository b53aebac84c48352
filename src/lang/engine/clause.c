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

/* What a clause printed, in one piece. */
static int act_on_clause(struct engine *e, const struct site *site, const uint8_t *payload)
{
	uint32_t at[2];
	int r = 0;

	memcpy(at, payload, sizeof(at));
	if (site->has_line)
		print_d_line(&e->printer, at[0], at[1]);
	for (uint32_t i = 0; !r && i < site->n_parts; i++) {
		const struct site *part = &e->script->sites[site->parts[i].site];
		const uint8_t *bytes = payload + site->parts[i].off;
		struct record_head head;

		memcpy(&head, bytes, sizeof(head));
		if (head.ts_ns)
			r = engine_act(e, part, bytes + sizeof(head), part->payload_len, 0);
	}
	if (site->has_line && e->opt->format == PRINT_TEXT)
		out_str(e->opt->out, "\n");
	return r;
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
	case SITE_CLAUSE: return act_on_clause(e, site, payload);
	case SITE_FAULT: tell_fault(e, site, payload); return 0;
	case SITE_PRINTA:
	case SITE_TRUNC:
	case SITE_NORMALIZE:
	case SITE_DENORMALIZE: return engine_agg_act(e, site, payload);
	case SITE_FREOPEN: return reopen(e, site, payload, len);
	default: return print_record(&e->printer, site, payload, len);
	}
}
