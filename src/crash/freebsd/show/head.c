/* SPDX-License-Identifier: MIT */
/** What kernel it was, when it died and of what. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time_text.h"
#include "crash/freebsd/header.h"
#include "crash/freebsd/show/show.h"

enum { TEXT_MOST = 256 };

static void show_kernel(struct bsd_show *s)
{
	struct freebsd_kernel *k = s->k;
	char text[TEXT_MOST];

	// It is of two lines, the second of which says who built it where.
	if (freebsd_text(k, "version", text, sizeof(text)))
		page_fact(&s->page, "kernel", "Kernel", text);
	else if (k->header.version[0])
		page_fact(&s->page, "kernel", "Kernel", k->header.version);
	else
		page_fact(&s->page, "kernel", "Kernel", "FreeBSD");
	if (freebsd_text(k, "compiler_version", text, sizeof(text)))
		page_fact(&s->page, "compiler", "Compiler", text);
}

static void show_host(struct bsd_show *s)
{
	struct freebsd_kernel *k = s->k;
	char text[TEXT_MOST] = "", machine[32];
	struct kfield f;
	uint64_t prison;

	if (!freebsd_symbol(k, "prison0", &prison) ||
	    !kfield_find(s->types, "struct prison", "pr_hostname", &f) ||
	    crash_read_text(k->core, prison + f.off, text, sizeof(text)) <= 0)
		(void)snprintf(text, sizeof(text), "%s", k->header.hostname);
	if (!*text)
		return;
	if (freebsd_text(k, "machine", machine, sizeof(machine)))
		page_fact_fmt(&s->page, "host", "Host", "%s (%s)", text, machine);
	else
		page_fact(&s->page, "host", "Host", text);
}

static void show_time(struct bsd_show *s)
{
	char text[TIME_TEXT_MOST];
	uint64_t v;

	if ((freebsd_time(s->k, &v) || (v = s->k->header.time)) && v < INT64_MAX / 1000000000) {
		time_text((int64_t)(v * 1000000000), text);
		page_fact(&s->page, "time", "Time", text);
	}
	if (freebsd_uptime(s->k, &v))
		page_fact_fmt(&s->page, "uptime", "Uptime",
			      "%" PRIu64 " d %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, v / 86400,
			      v / 3600 % 24, v / 60 % 60, v % 60);
}

/* The kernel's last message that begins with "panic: ". */
static int find_panic(void *arg, const struct crash_message *m)
{
	static const char head[] = "panic: ";
	char *ret = arg;

	if (m->len >= sizeof(head) && !memcmp(m->text, head, sizeof(head) - 1))
		(void)snprintf(ret, TEXT_MOST, "%.*s", (int)(m->len - sizeof(head) + 1),
			       m->text + sizeof(head) - 1);
	return 0;
}

static void show_panic(struct bsd_show *s)
{
	char text[TEXT_MOST] = "";

	if (freebsd_text_at(s->k, "panicstr", text, sizeof(text)))
		;
	else if (s->k->header.panic[0])
		(void)snprintf(text, sizeof(text), "%s", s->k->header.panic);
	else
		(void)freebsd_log(s->k->core, find_panic, text); // none is a value too
	page_fact(&s->page, "panic", "Panic", *text ? text : "not told by the dump");
}

static void show_machine(struct bsd_show *s)
{
	struct freebsd_kernel *k = s->k;
	uint64_t at, v, load[3] = { 0 }, scale = 0;

	if (freebsd_number(k, "mp_ncpus", &v))
		page_fact_fmt(&s->page, "cpus", "CPUs", "%" PRIu64, v);
	// struct loadavg: three fixed-point numbers of 32 bits, then what 1.0 is, a long.
	if (freebsd_symbol(k, "averunnable", &at) &&
	    crash_read_uint(k->core, at, 4, &load[0]) == 0 &&
	    crash_read_uint(k->core, at + 4, 4, &load[1]) == 0 &&
	    crash_read_uint(k->core, at + 8, 4, &load[2]) == 0 &&
	    freebsd_pointer(k, at + (k->pointer == 8 ? 16 : 12), &scale) == 0 && scale)
		page_fact_fmt(&s->page, "load", "Load", "%.2f %.2f %.2f",
			      (double)load[0] / (double)scale, (double)load[1] / (double)scale,
			      (double)load[2] / (double)scale);
	if (freebsd_number(k, "physmem", &v))
		page_fact_fmt(&s->page, "memory", "Memory", "%.0f MiB",
			      (double)v * 4096 / (1 << 20));
}

static void show_threads(struct bsd_show *s)
{
	size_t running = 0;
	uint64_t procs;

	for (size_t i = 0; i < s->tasks.n; i++)
		running += s->tasks.all[i].on_cpu;
	if (!s->tasks.n)
		return;
	page_fact_fmt(&s->page, "threads", "Threads", "%zu, %zu on a CPU%s%s", s->tasks.n, running,
		      s->tasks.cut ? "; there are more: " : "", s->tasks.cut ? s->tasks.cut : "");
	if (freebsd_number(s->k, "nprocs", &procs))
		page_fact_fmt(&s->page, "processes", "Processes", "%" PRIu64, procs);
}

int bsd_head(struct bsd_show *s)
{
	const struct dump_about *about = s->k->core->about;

	show_kernel(s);
	show_host(s);
	show_time(s);
	page_fact_fmt(&s->page, "dump", "Dump", "%s, %" PRIu64 " pages%s%s", about->format,
		      about->pages_held, about->cut ? "; " : "", about->cut ? about->cut : "");
	show_panic(s);
	show_machine(s);
	show_threads(s);
	return 0;
}

int bsd_header(struct bsd_show *s)
{
	const struct bsd_dump_header *h = &s->k->header;

	if (!h->text.len) {
		bsd_lack(s, "dump header",
			 "no info file lies beside the dump, and it does not "
			 "begin with one");
		return 0;
	}
	bsd_lines(s, "dump_header", "Dump header", strbuf_text(&h->text), h->text.len);
	return 0;
}
