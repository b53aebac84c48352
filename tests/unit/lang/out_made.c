/* SPDX-License-Identifier: MIT */
/** A printer for tests: its output stays in memory, its names are made up. */
#include "out_made.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

const uint64_t made_frames[3] = { 0xffffffff81000010, 0xffffffff81000020, 0xffffffff81000030 };

static void ksym(void *arg, uint64_t addr, bool with_offset, struct strbuf *ret)
{
	(void)arg;
	if (addr < 0xffffffff81000000)
		strbuf_fmt(ret, "0x%llx", (unsigned long long)addr);
	else
		strbuf_fmt(ret, with_offset ? "kfn+%llu" : "kfn",
			   (unsigned long long)(addr & 0xffffff));
}

static void usym(void *arg, uint32_t pid, uint64_t addr, bool with_offset, bool with_module,
		 struct strbuf *ret)
{
	(void)arg;
	strbuf_fmt(ret, "fn%u", pid);
	if (with_offset)
		strbuf_fmt(ret, "+%llu", (unsigned long long)(addr & 0xff));
	if (with_module)
		strbuf_str(ret, " (/bin/prog)");
}

static void user(void *arg, uint32_t uid, struct strbuf *ret)
{
	(void)arg;
	strbuf_fmt(ret, uid ? "user%u" : "root", uid);
}

static void cgroup(void *arg, uint64_t id, struct strbuf *ret)
{
	(void)arg;
	strbuf_fmt(ret, "unified:/slice%llu", (unsigned long long)id);
}

static size_t stack(void *arg, uint64_t id, uint64_t *ret)
{
	(void)arg;
	if (id != 7)
		return 0;
	memcpy(ret, made_frames, sizeof(made_frames));
	return MEM_LEN(made_frames);
}

static int64_t wall(void *arg, uint64_t mono_ns)
{
	(void)arg;
	return (int64_t)mono_ns;
}

static const struct names names = {
	.ksym = ksym, .usym = usym, .user = user, .cgroup = cgroup, .stack = stack, .wall = wall
};

static const char *const probe_names[] = { "BEGIN", "kprobe:vfs_read" };

void made_init(struct made *m, enum print_format format, struct site *sites, size_t n_sites,
	       struct script_map *maps, size_t n_maps)
{
	memset(m, 0, sizeof(*m));
	m->keep = memfd_create("printed", MFD_CLOEXEC);
	sonde_check(m->keep >= 0 && out_init(&m->out, m->keep) == 0);
	m->script = (struct script){ .name = "test.bt",
				     .sites = sites,
				     .n_sites = n_sites,
				     .maps = maps,
				     .n_maps = n_maps,
				     .probe_names = probe_names,
				     .n_probe_names = MEM_LEN(probe_names) };
	m->p = (struct printer){
		.script = &m->script, .names = &names, .out = &m->out, .format = format
	};
}

void made_fini(struct made *m)
{
	printer_fini(&m->p);
	out_fini(&m->out);
	close(m->keep);
}

const char *made_text(struct made *m)
{
	static char text[1 << 16];

	sonde_check(out_flush(&m->out) == 0);
	const ssize_t n = pread(m->keep, text, sizeof(text) - 1, 0);
	sonde_check(n >= 0 && ftruncate(m->keep, 0) == 0 && lseek(m->keep, 0, SEEK_SET) == 0);
	text[n] = '\0';
	return text;
}

const char *made_value(enum print_format format, const struct type *t, const void *bytes)
{
	static char text[1 << 16];
	struct strbuf b = { 0 };
	struct made m;

	made_init(&m, format, NULL, 0, NULL, 0);
	sonde_check(print_value(&m.p, t, bytes, &b) == 0);
	(void)snprintf(text, sizeof(text), "%s", strbuf_text(&b));
	strbuf_fini(&b);
	made_fini(&m);
	return text;
}
