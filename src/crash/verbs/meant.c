/* SPDX-License-Identifier: MIT */
/** Which verb somebody means who writes another word. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/near.h"
#include "crash/core.h"
#include "crash/verbs/verb.h"

/* What crash(8), debuggers, the shell and FreeBSD's programs call it. */
static const struct {
	const char *word, *verb;
} others[] = {
	{ "?", "help" },	  { "backtrace", "bt" },   { "df", "mount" },
	{ "disassemble", "dis" }, { "dmesg", "log" },	   { "find", "search" },
	{ "foreach", "bt" },	  { "free", "mem" },	   { "fstat", "files" },
	{ "grep", "search" },	  { "iostat", "disks" },   { "ipcs", "ipc" },
	{ "kmem", "mem" },	  { "lsmod", "mods" },	   { "lsof", "files" },
	{ "messages", "log" },	  { "modules", "mods" },   { "msgbuf", "log" },
	{ "netstat", "net" },	  { "nm", "sym" },	   { "p", "print" },
	{ "panic", "report" },	  { "processes", "ps" },   { "ptype", "print" },
	{ "px", "print" },	  { "rbtree", "tree" },	   { "rd", "read" },
	{ "ss", "net" },	  { "stack", "bt" },	   { "stacks", "bt" },
	{ "struct", "print" },	  { "summary", "report" }, { "symbol", "sym" },
	{ "symbols", "sym" },	  { "sys", "report" },	   { "tasks", "ps" },
	{ "top", "ps" },	  { "union", "print" },	   { "vmstat", "mem" },
	{ "where", "bt" },	  { "x", "read" },	   { "xarray", "tree" },
};

static void take_nearer(const char *word, const struct crash_verb *const *verbs, const char **best,
			unsigned *least)
{
	for (; *verbs; verbs++) {
		unsigned distance = near_distance(word, (*verbs)->name);

		if (distance < *least) {
			*least = distance;
			*best = (*verbs)->name;
		}
	}
}

const char *crash_verb_meant(const struct crash_system *system, const char *word)
{
	const char *best = NULL;
	unsigned least = NEAR_NOT;

	for (size_t i = 0; i < MEM_LEN(others); i++) {
		if (!strcmp(word, others[i].word) && crash_verb_find(system, others[i].verb))
			return others[i].verb;
	}
	take_nearer(word, crash_verbs, &best, &least);
	for (size_t i = 0; crash_systems[i]; i++) {
		if (!system || system == crash_systems[i])
			take_nearer(word, crash_systems[i]->verbs, &best, &least);
	}
	return best;
}

int crash_verb_unknown(const struct crash_system *system, const char *word)
{
	const char *meant = crash_verb_meant(system, word);

	return sonde_fail(-EINVAL, "there is no '%s' of %s%s%s%s", word, system->name,
			  meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}
