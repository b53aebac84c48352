/* SPDX-License-Identifier: MIT */
/** Addresses of symbols: kaddr() and uaddr(). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lang/live/places.h"
#include "lang/live/probes.h"
#include "sym/probe/elf_funcs.h"

enum { KALLSYMS_BYTES = 1 << 16 };

/* Looks through /proc/kallsyms, which has 200,000 lines: "ADDRESS TYPE NAME" or "...
 * NAME\t[MODULE]". */
static uint64_t kernel_address(const char *symbol)
{
	const size_t len = strlen(symbol);
	sonde_auto(mem_freep) char *line = NULL;
	size_t cap = 0;
	uint64_t found = 0;
	FILE *f = fopen("/proc/kallsyms", "re");

	if (f)
		(void)setvbuf(f, NULL, _IOFBF, KALLSYMS_BYTES); // the kernel is slow to begin anew
	while (f && !found && getline(&line, &cap, f) > 0) {
		char *end;
		uint64_t addr = strtoull(line, &end, 16);
		if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ')
			continue;
		const char *name = end + 3;
		if (!strncmp(name, symbol, len) && (!name[len] || strchr("\n\t", name[len])))
			found = addr;
	}
	if (f)
		(void)fclose(f);
	return found;
}

/* Where the target has mapped the begin of the file: "START-END r--p 00000000 DEV INODE   PATH". */
static uint64_t mapped_at(pid_t pid, const char *path)
{
	char name[64];
	sonde_auto(mem_freep) char *line = NULL;
	size_t cap = 0;
	uint64_t found = 0;

	(void)snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	FILE *f = fopen(name, "re");
	while (f && !found && getline(&line, &cap, f) > 0) {
		uint64_t start, off;
		int at = 0;
		if (sscanf(line, "%" SCNx64 "-%*s %*s %" SCNx64 " %*s %*s %n", &start, &off, &at) !=
			    2 ||
		    !at || off)
			continue;
		line[at + (int)strcspn(line + at, "\n")] = '\0';
		if (!strcmp(line + at, path))
			found = start;
	}
	if (f)
		(void)fclose(f);
	return found;
}

static uint64_t user_address(struct live *live, const char *path, const char *symbol)
{
	sonde_auto(mem_freep) char *found = NULL;
	char root[64];
	struct live_file *file = NULL;
	struct elf_funcs *funcs = NULL;
	struct elf_func fn;

	if (program_find(path, live->opt.pid, &found) < 0 || live_file(live, found, &file) < 0 ||
	    live_file_funcs(file, &funcs) < 0 || elf_funcs_symbol(funcs, symbol, &fn) < 0)
		return 0;
	if (!elf_funcs_is_pie(funcs))
		return fn.addr;
	// Moved by the loader, for each process to another place.
	if (live->opt.pid <= 0)
		return 0;
	const int n = snprintf(root, sizeof(root), "/proc/%d/root", (int)live->opt.pid);
	const bool below = n > 0 && !strncmp(found, root, (size_t)n) && found[n] == '/';
	const uint64_t base = mapped_at(live->opt.pid, below ? found + n : found);
	return base ? base + fn.addr : 0;
}

uint64_t live_address(struct world *w, const char *path, const char *symbol)
{
	struct live *live = (struct live *)w;

	if (path)
		return user_address(live, path, symbol);
	// A script is checked several times, and each look takes some 100 ms.
	for (const struct live_symbol *s = live->symbols; s; s = s->next)
		if (!strcmp(s->name, symbol))
			return s->addr;
	const uint64_t addr = kernel_address(symbol);
	struct live_symbol *s = arena_new(&live->arena, struct live_symbol);
	if (s)
		*s = (struct live_symbol){ arena_strndup(&live->arena, symbol, strlen(symbol)),
					   addr, live->symbols };
	if (s && s->name)
		live->symbols = s;
	return addr;
}
