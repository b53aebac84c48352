/* SPDX-License-Identifier: MIT */
/** Acts on the records of the ring, in the order in which the programs made them. */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "lang/engine/parts.h"

extern char **environ;

/* Runs shell text, as system() in a script asks; its output comes between the script's. */
static int run_shell(struct engine *e, const char *text)
{
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char *)(uintptr_t)text, NULL };
	posix_spawnattr_t attr;
	pid_t pid;
	int status;

	int r = out_flush(e->opt->out);
	if (r < 0)
		return r;
	engine_lower_priority(e); // commands inherit it
	r = -posix_spawnattr_init(&attr);
	if (r < 0)
		return sonde_fail_errno(r, "cannot run '%s'", text);
	(void)posix_spawnattr_setsigmask(&attr, &e->old_mask);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	r = -posix_spawn(&pid, "/bin/sh", NULL, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	if (r < 0)
		return sonde_fail_errno(r, "cannot run '%s'", text);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int run_system(struct engine *e, const struct site *site, const void *payload, size_t len)
{
	struct strbuf text = { 0 };

	int r = print_format(&e->printer, site, payload, len, &text);
	if (!r)
		r = strbuf_ok(&text);
	if (!r)
		r = run_shell(e, strbuf_text(&text));
	strbuf_fini(&text);
	return r;
}

static int act_on_map(struct engine *e, const struct site *site, const void *payload)
{
	uint32_t epoch;

	memcpy(&epoch, payload, sizeof(epoch));
	switch (site->kind) {
	case SITE_PRINT_MAP: return engine_map_print(e, site, epoch);
	case SITE_CLEAR: return engine_map_clear(e, site, epoch);
	default: return engine_map_zero(e, site, epoch);
	}
}

static int save_packet(struct engine *e, const struct site *site, const void *payload, size_t len,
		       uint64_t ts_ns)
{
	const struct names *names = e->printer.names;
	uint32_t n;

	if (len < sizeof(n))
		return sonde_fail(-EBADMSG, "a record of %s is too short", site->name);
	memcpy(&n, payload, sizeof(n));
	if (n > len - sizeof(n))
		return sonde_fail(-EBADMSG, "a record of %s is too short", site->name);
	return packet_write(&e->packets, site->fmt, names->wall(names->arg, ts_ns),
			    (const char *)payload + sizeof(n), n);
}

int engine_act(struct engine *e, const struct site *site, const void *payload, size_t len,
	       uint64_t ts_ns)
{
	switch (site->kind) {
	case SITE_PRINT_MAP:
	case SITE_CLEAR:
	case SITE_ZERO:
		if (len < sizeof(uint32_t) || site->map < 0)
			return sonde_fail(-EBADMSG, "a record of %s is too short", site->name);
		return act_on_map(e, site, payload);
	case SITE_SYSTEM: return run_system(e, site, payload, len);
	case SITE_SKB: return save_packet(e, site, payload, len, ts_ns);
	case SITE_EXIT: e->ends = true; return 0;
	case SITE_EMIT:
		if (len < sizeof(struct emit_head))
			return sonde_fail(-EBADMSG, "a record of %s is too short", site->name);
		if (e->opt->events)
			return e->opt->events->take(e->opt->events->arg, site, ts_ns, payload);
		return print_record(&e->printer, site, payload, len);
	default:
		if (site->kind >= SITE_CLAUSE)
			return engine_act_d(e, site, payload, len);
		return print_record(&e->printer, site, payload, len);
	}
}

/* A record that is whole, and of a site that there is. */
static int act_on_record(void *arg, const void *data, size_t len)
{
	struct engine *e = arg;
	struct record_head head;

	memcpy(&head, data, sizeof(head));
	return engine_act(e, &e->script->sites[head.site], (const char *)data + sizeof(head),
			  len - sizeof(head), head.ts_ns);
}

static int end_speculation(struct engine *e, const struct site *site, const void *data)
{
	uint64_t mark;

	memcpy(&mark, (const char *)data + sizeof(struct record_head), sizeof(mark));
	return speculations_end(&e->specs, mark, site->kind == SITE_COMMIT, act_on_record, e);
}

static int take_record(void *arg, const void *data, size_t len)
{
	struct engine *e = arg;
	struct record_head head;

	if (len < sizeof(head))
		return sonde_fail(-EBADMSG, "a record of %zu bytes", len);
	memcpy(&head, data, sizeof(head));
	if (head.site >= e->script->n_sites)
		return sonde_fail(-EBADMSG, "a record of site %u", head.site);
	const struct site *site = &e->script->sites[head.site];
	if (len - sizeof(head) < site->payload_len)
		return sonde_fail(-EBADMSG, "a record of %s has %zu bytes, not %u", site->name,
				  len - sizeof(head), site->payload_len);
	if (site->kind == SITE_COMMIT || site->kind == SITE_DISCARD)
		return end_speculation(e, site, data);
	if (site->kind == SITE_CLAUSE && head.ts_ns)
		return speculations_take(&e->specs, head.ts_ns, data, len, act_on_record, e);
	return act_on_record(e, data, len);
}

int engine_read(struct engine *e, bool all)
{
	// Those that are there now: while probes run, there may be new ones for ever.
	const size_t most = bpf_ring_used(e->ring) / (8 + sizeof(struct record_head)) + 1;
	size_t done = 0;
	int n;

	do {
		n = bpf_ring_read(e->ring, ENGINE_BATCH, take_record, e);
		if (n < 0)
			return n;
		if (n && !e->opt->keep_buffered) {
			int r = out_flush(e->opt->out);
			if (r < 0)
				return r;
		}
		done += (size_t)n;
	} while (all && n && done < most);
	return n;
}
