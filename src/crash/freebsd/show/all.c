/* SPDX-License-Identifier: MIT */
/** The verbs of FreeBSD, and what they are made of. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/freebsd/show/show.h"

enum { TEXT_MOST = 256, LACKS_MOST = 100 };

void bsd_lack(struct bsd_show *s, const char *what, const char *why)
{
	// Without the kernel's file nothing else is there: that is said once.
	if (!s->k->has_symbols || s->n_lacks > LACKS_MOST)
		return;
	if (s->n_lacks++ < LACKS_MOST)
		strbuf_fmt(&s->lacks, "%s: %s\n", what, why);
	else
		strbuf_str(&s->lacks, "and more of that kind\n");
}

bool bsd_has_types(struct bsd_show *s, const char *what)
{
	if (!s->types)
		bsd_lack(s, what, "needs types: give a kernel with CTF or DWARF");
	return s->types != NULL;
}

const char *bsd_keep(struct bsd_show *s, const char *fmt, ...)
{
	char text[TEXT_MOST];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	const char *kept = arena_strndup(&s->k->core->arena, text, strlen(text));
	return kept ? kept : "?";
}

const char *bsd_keep_text(struct bsd_show *s, uint64_t va)
{
	char text[TEXT_MOST];

	if (!va || crash_read_text(s->k->core, va, text, sizeof(text)) < 0)
		return "?";
	return bsd_keep(s, "%s", text);
}

void bsd_lines(struct bsd_show *s, const char *key, const char *title, const char *text, size_t len)
{
	char line[TEXT_MOST];

	if (!len && s->page.run->args->format != CRASH_JSON)
		return;
	page_lines_begin(&s->page, key, title);
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;
		// Very long ones go on in the next line.
		size_t some = n < sizeof(line) ? n : sizeof(line) - 1;

		memcpy(line, text + at, some);
		line[some] = '\0';
		page_line(&s->page, line);
		at += some + (end && some == n);
	}
	page_lines_end(&s->page);
}

static int show_lacks(struct bsd_show *s)
{
	int r = strbuf_ok(&s->lacks);

	if (r == 0)
		bsd_lines(s, "not_shown", "Not shown", s->lacks.len ? strbuf_text(&s->lacks) : "",
			  s->lacks.len);
	return r;
}

/* One verb: its sections in order, then what they lack. */
static int show(struct crash_run *run, const char *title, bsd_section *const *sections)
{
	struct freebsd_kernel *k = freebsd_of(run->core);
	struct bsd_show s = { .k = k, .types = run->core->system->types(run->core, NULL) };
	struct crash_args args;

	int r = crash_args_pids(run, &args);
	if (r < 0)
		return r;
	s.args = &args;

	r = freebsd_tasks(run->core, &s.tasks);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0 && !k->has_symbols)
		strbuf_fmt(&s.lacks, "all that is found by symbols: name the kernel's file behind "
				     "the dump (/boot/kernel/kernel)\n");
	else if (r < 0)
		bsd_lack(&s, "threads", sonde_err_str());
	page_begin(&s.page, run, title);
	r = 0;
	for (; *sections && r == 0; sections++)
		r = (*sections)(&s);
	if (r == 0)
		r = show_lacks(&s);
	page_end(&s.page);
	strbuf_fini(&s.lacks);
	crash_tasks_fini(&s.tasks);
	return r;
}

static int run_report(struct crash_run *run)
{
	static bsd_section *const sections[] = {
		bsd_head,   bsd_header,	  bsd_crash,	  bsd_cpus,	  bsd_threads, bsd_vm,
		bsd_malloc, bsd_zones,	  bsd_interrupts, bsd_tables,	  bsd_swap,    bsd_disks,
		bsd_ipc,    bsd_nfs,	  bsd_protocols,  bsd_interfaces, bsd_routes,  bsd_sockets,
		bsd_files,  bsd_messages, bsd_config,	  bsd_capture,	  NULL,
	};

	return show(run, "Crash report", sections);
}

static int run_mem(struct crash_run *run)
{
	static bsd_section *const sections[] = { bsd_vm, bsd_malloc, bsd_zones, bsd_swap, NULL };

	return show(run, "Memory", sections);
}

static int run_irq(struct crash_run *run)
{
	static bsd_section *const sections[] = { bsd_interrupts, NULL };

	return show(run, "Interrupts", sections);
}

static int run_disks(struct crash_run *run)
{
	static bsd_section *const sections[] = { bsd_disks, NULL };

	return show(run, "Disks", sections);
}

static int run_ipc(struct crash_run *run)
{
	static bsd_section *const sections[] = { bsd_ipc, NULL };

	return show(run, "System V IPC", sections);
}

static int run_net(struct crash_run *run)
{
	static bsd_section *const sections[] = { bsd_interfaces, bsd_routes, bsd_sockets,
						 bsd_protocols,	 bsd_nfs,    NULL };

	return show(run, "Network", sections);
}

static int run_files(struct crash_run *run)
{
	static bsd_section *const sections[] = { bsd_files, NULL };

	return show(run, "Open files", sections);
}

static int run_config(struct crash_run *run)
{
	static bsd_section *const sections[] = { bsd_config, NULL };

	return show(run, "Kernel configuration", sections);
}

static const struct crash_verb report = {
	.name = "report",
	.args = "",
	.summary = "What happened, and what crashinfo(8) prints of it",
	.has_html = true,
	.run = run_report,
};

static const struct crash_verb mem = {
	.name = "mem",
	.args = "",
	.summary = "Where memory went: pages, types of malloc(9), zones, swap",
	.has_html = true,
	.run = run_mem,
};

static const struct crash_verb irq = {
	.name = "irq",
	.args = "",
	.summary = "Interrupts: how many came",
	.has_html = true,
	.run = run_irq,
};

static const struct crash_verb disks = {
	.name = "disks",
	.args = "",
	.summary = "What disks, terminals and CPUs did",
	.has_html = true,
	.run = run_disks,
};

static const struct crash_verb ipc = {
	.name = "ipc",
	.args = "",
	.summary = "Shared memory, messages and semaphores of System V",
	.has_html = true,
	.run = run_ipc,
};

static const struct crash_verb net = {
	.name = "net",
	.args = "",
	.summary = "Interfaces, routes, sockets, and what protocols counted",
	.has_html = true,
	.run = run_net,
};

static const struct crash_verb files = {
	.name = "files",
	.args = "[PID]...",
	.summary = "Open files of processes",
	.has_html = true,
	.run = run_files,
};

static const struct crash_verb config = {
	.name = "config",
	.args = "",
	.summary = "What the kernel was configured with",
	.has_html = true,
	.run = run_config,
};

const struct crash_verb *const freebsd_verbs[] = { &report, &mem, &irq,	   &disks, &files,
						   &net,    &ipc, &config, NULL };
