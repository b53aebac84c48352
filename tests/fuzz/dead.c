/* SPDX-License-Identifier: MIT */
/** Changes a dump in memory, and shows it in all ways there are. */
#include "dead.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/out.h"
#include "crash/verbs/verb.h"

enum { CHANGES_MOST = 256, RECORD = 13 };

/** What a change has overwritten. */
static struct {
	size_t off;
	uint8_t bytes[8];
} undo[CHANGES_MOST];
static size_t n_undo;

void dead_init(struct dead *d, const void *data, size_t len)
{
	*d = (struct dead){ .len = len, .fd = memfd_create("dead", MFD_CLOEXEC) };
	sonde_check(d->fd >= 0 && ftruncate(d->fd, (off_t)len) == 0);
	d->data = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
	sonde_check(d->data != MAP_FAILED);
	memcpy(d->data, data, len);
	(void)snprintf(d->path, sizeof(d->path), "/proc/self/fd/%d", d->fd);
}

void dead_load(struct dead *d, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	sonde_check(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0);
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	sonde_check(p != MAP_FAILED);
	dead_init(d, p, (size_t)st.st_size);
	munmap(p, (size_t)st.st_size);
	close(fd);
}

/*
 * A record: where (u32, times 4: words matter more than bytes), how, and 8 bytes. Values alone
 * would hardly ever be addresses: words are also copied from elsewhere, or moved a little.
 */
static void change(struct dead *d, const uint8_t *record)
{
	uint64_t value, word;
	uint32_t where;

	memcpy(&where, record, 4);
	memcpy(&value, record + 5, 8);
	size_t off = (size_t)where * 4 % (d->len - 7) & ~(size_t)3;
	size_t from = (size_t)(value % (d->len - 7)) & ~(size_t)7;

	memcpy(&word, d->data + off, 8);
	undo[n_undo].off = off;
	memcpy(undo[n_undo++].bytes, &word, 8);
	switch (record[4] % 8) {
	case 0: word = value; break;
	case 1: word = (word & ~(uint64_t)UINT32_MAX) | (uint32_t)value; break;
	case 2: word = (word & ~(uint64_t)UINT8_MAX) | (uint8_t)value; break;
	case 3: word += (uint64_t)(int8_t)value * 8; break;
	case 4: memcpy(&word, d->data + from, 8); break;
	case 5: word = 0; break;
	case 6: word ^= 1ull << value % 64; break;
	default: word = UINT64_MAX; break;
	}
	memcpy(d->data + off, &word, 8);
}

void dead_change(struct dead *d, const uint8_t *data, size_t len)
{
	for (; len >= RECORD && n_undo < CHANGES_MOST; data += RECORD, len -= RECORD)
		change(d, data);
}

void dead_undo(struct dead *d)
{
	while (n_undo--)
		memcpy(d->data + undo[n_undo].off, undo[n_undo].bytes, 8);
	n_undo = 0;
}

static void note(const char *line)
{
	// All that is given must be there to be read.
	volatile size_t n = strlen(line);

	(void)n;
}

static const struct {
	const char *verb, *args[6];
} runs[] = {
	{ "report", { NULL } },
	{ "ps", { NULL } },
	{ "bt", { NULL } },
	{ "log", { NULL } },
	{ "mods", { NULL } },
	{ "mem", { NULL } },
	{ "irq", { NULL } },
	{ "files", { NULL } },
	{ "mount", { NULL } },
	{ "net", { NULL } },
	{ "config", { NULL } },
	{ "disks", { NULL } },
	{ "ipc", { NULL } },
	{ "print", { "task_struct", "init_task", NULL } },
	{ "print", { "struct proc", "allproc", NULL } },
	{ "list", { "init_task", "task_struct", "tasks", "comm", NULL } },
	{ "list", { "modules", "struct module", "list", "name", NULL } },
	{ "tree", { "hrtimer_bases", "struct hrtimer", "node", NULL } },
	{ "sym", { "*a*", NULL } },
	{ "read", { "version", "4096", NULL } },
};

static void show(struct crash_core *c, size_t i, struct crash_args *args)
{
	const struct crash_verb *v = crash_verb_find(c->system, runs[i].verb);
	struct sonde_out out;
	int argc = 0;

	if (!v || out_init(&out, -1) < 0)
		return;
	while (runs[i].args[argc])
		argc++;
	struct crash_run run = { .core = c,
				 .args = args,
				 .argc = argc,
				 .argv = (char **)(uintptr_t)runs[i].args,
				 .out = &out,
				 .note = note };
	(void)v->run(&run); // how it ends does not matter, but that it ends
	out_fini(&out);
}

/* What scripts ask of programs. */
static void look_at_programs(struct crash_core *c)
{
	struct crash_tasks tasks = { 0 };
	struct strbuf name = { 0 };
	uint64_t frames[64];

	if (!c->system->user_stack || c->system->tasks(c, &tasks) < 0)
		return;
	for (size_t i = 0; i < tasks.n && i < 64; i++) {
		int n = c->system->user_stack(c, &tasks.all[i], frames, 64);

		for (int k = 0; k < n; k++)
			(void)c->system->user_name(c, &tasks.all[i], frames[k], &name);
	}
	strbuf_fini(&name);
	crash_tasks_fini(&tasks);
}

void dead_show_all(const struct dead *d, const char *kernel)
{
	const char *paths[] = { d->path };
	struct crash_core *c;

	if (crash_open(paths, 1, kernel, &c) < 0)
		return;
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct crash_args args = { .format = (enum crash_format)(i % 3), .limit = 1000 };

		args.unique = !strcmp(runs[i].verb, "bt");
		args.tree = !strcmp(runs[i].verb, "ps");
		show(c, i, &args);
	}
	look_at_programs(c);
	crash_close(c);
}
