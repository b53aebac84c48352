/* SPDX-License-Identifier: MIT */
/**
 * Lists the processes of a Linux crash dump, or tells a FreeBSD one's version:
 *
 *   cc crash-tasks.c $(pkg-config --cflags --libs sonde) -o crash-tasks
 *   ./crash-tasks DUMP [KERNEL]
 */
#include <inttypes.h>
#include <stdio.h>

#include <sonde/crash.h>

struct list {
	struct sonde_crash *crash;
	uint64_t link; /* where in a struct task_struct the list goes on */
};

/* Gets the address of a list's node, which lies inside of the task. */
static int show_task(void *arg, uint64_t index, uint64_t node)
{
	const struct list *l = (const struct list *)arg;
	const uint64_t task = node - l->link;
	struct sonde_crash_field comm;
	uint64_t pid, pages;
	char name[32];

	(void)index;
	int r = sonde_crash_number(l->crash, "struct task_struct", task, "pid", &pid);
	if (r == 0)
		r = sonde_crash_field(l->crash, "struct task_struct", task, "comm", &comm);
	if (r == 0)
		r = sonde_crash_text(l->crash, comm.addr, name, sizeof(name));
	if (r < 0)
		return r;
	/* Through a pointer, which threads of the kernel do not have. */
	if (sonde_crash_number(l->crash, "struct task_struct", task, "mm->total_vm", &pages) < 0)
		pages = 0;
	printf("%8" PRIu64 " %8" PRIu64 " pages  %s\n", pid, pages, name);
	return 0;
}

static int show_tasks(struct sonde_crash *c)
{
	struct sonde_crash_walk walk = { SONDE_CRASH_LIST, 0, 0, 0 };
	struct list l = { c, 0 };
	struct sonde_crash_symbol first;
	struct sonde_crash_field tasks;
	const char *cut = NULL;

	int r = sonde_crash_symbol(c, "init_task", &first);
	if (r == 0)
		r = sonde_crash_field(c, "struct task_struct", 0, "tasks", &tasks);
	if (r < 0)
		return r;
	l.link = tasks.addr;
	walk.head = first.addr + l.link;
	r = sonde_crash_each(c, &walk, show_task, &l, &cut);
	if (cut)
		printf("there may be more: %s\n", cut);
	return r;
}

static int show_version(struct sonde_crash *c)
{
	struct sonde_crash_symbol version;
	char text[256];

	int r = sonde_crash_symbol(c, "version", &version);
	if (r == 0)
		r = sonde_crash_text(c, version.addr, text, sizeof(text));
	if (r >= 0)
		printf("%s\n", text);
	return r;
}

int main(int argc, char **argv)
{
	const char *paths[1] = { argc > 1 ? argv[1] : "" };
	struct sonde_crash_about about;
	struct sonde_crash *c = NULL;

	int r = sonde_crash_open(paths, 1, argc > 2 ? argv[2] : NULL, &c);
	if (r == 0) {
		sonde_crash_about(c, &about);
		printf("%s, %s, %" PRIu64 " pages\n", about.format, about.machine, about.n_pages);
		r = about.system == SONDE_CRASH_LINUX ? show_tasks(c) : show_version(c);
	}
	if (r < 0)
		fprintf(stderr, "%s\n", sonde_err_str());
	sonde_crash_close(c);
	return r < 0;
}
