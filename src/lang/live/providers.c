/* SPDX-License-Identifier: MIT */
/** The kinds of probes that the live kernel has. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "lang/live/probes.h"
#include "sym/probe/tracefs.h"

const struct provider providers[] = {
	{
		.name = "BEGIN",
		.others = { "begin" },
		.usage = "BEGIN",
		.help = "once, before all others",
		.find = find_begin,
	},
	{
		.name = "END",
		.others = { "end" },
		.usage = "END",
		.help = "once, after all others",
		.find = find_begin,
	},
	{
		.name = "self",
		.usage = "self:signal:SIGUSR1",
		.help = "when this signal comes to the script's own process",
		.min = 2,
		.max = 2,
		.find = find_self,
	},
	{
		.name = "interval",
		.others = { "i" },
		.usage = "interval:s|ms|us|hz:N",
		.help = "from time to time, on one CPU",
		.min = 1,
		.max = 2,
		.find = find_interval,
	},
	{
		.name = "profile",
		.others = { "p" },
		.usage = "profile:hz|s|ms|us:N",
		.help = "from time to time, on each CPU",
		.min = 1,
		.max = 2,
		.find = find_profile,
	},
	{
		.name = "tracepoint",
		.others = { "t" },
		.usage = "tracepoint:GROUP:NAME",
		.help = "an event of the kernel, with its record",
		.min = 2,
		.max = 2,
		.find = find_tracepoint,
		.list = list_tracepoint,
	},
	{
		.name = "rawtracepoint",
		.others = { "rt" },
		.usage = "rawtracepoint:NAME",
		.help = "an event of the kernel, with what its code has at hand",
		.min = 1,
		.max = 2,
		.find = find_rawtracepoint,
		.list = list_rawtracepoint,
	},
	{
		.name = "kprobe",
		.others = { "k" },
		.usage = "kprobe:[MODULE:]FUNCTION[+OFFSET]",
		.help = "the entry of a function of the kernel",
		.min = 1,
		.max = 2,
		.find = find_kprobe,
		.list = list_kprobe,
	},
	{
		.name = "kretprobe",
		.others = { "kr" },
		.usage = "kretprobe:[MODULE:]FUNCTION",
		.help = "its return",
		.min = 1,
		.max = 2,
		.find = find_kretprobe,
		.list = list_kprobe,
		.when = LIST_NAMED,
	},
	{
		.name = "fentry",
		.others = { "f", "kfunc" },
		.usage = "fentry:[MODULE:]FUNCTION",
		.help = "the entry of a function of the kernel, with its arguments by name",
		.min = 1,
		.max = 2,
		.find = find_fentry,
		.list = list_fentry,
	},
	{
		.name = "fexit",
		.others = { "fr", "kretfunc" },
		.usage = "fexit:[MODULE:]FUNCTION",
		.help = "its return, with arguments and result",
		.min = 1,
		.max = 2,
		.find = find_fexit,
		.list = list_fentry,
		.when = LIST_NAMED,
	},
	{
		.name = "uprobe",
		.others = { "u" },
		.usage = "uprobe:PROGRAM:[cpp:]FUNCTION[+OFFSET]|ADDRESS",
		.help = "the entry of a function of a program or library",
		.min = 2,
		.max = 3,
		.find = find_uprobe,
		.list = list_user,
		.when = LIST_PATH,
	},
	{
		.name = "uretprobe",
		.others = { "ur" },
		.usage = "uretprobe:PROGRAM:[cpp:]FUNCTION",
		.help = "its return",
		.min = 2,
		.max = 3,
		.find = find_uretprobe,
		.list = list_user,
		.when = LIST_PATH,
	},
	{
		.name = "usdt",
		.others = { "U" },
		.usage = "usdt:PROGRAM:[PROVIDER:]MARKER",
		.help = "a marker that a program's author put there",
		.min = 1,
		.max = 3,
		.find = find_usdt,
		.list = list_usdt,
		.when = LIST_PATH,
	},
	{
		.name = "software",
		.others = { "s" },
		.usage = "software:EVENT[:COUNT]",
		.help = "each COUNT events that the kernel counts",
		.min = 1,
		.max = 2,
		.find = find_software,
		.list = list_software,
	},
	{
		.name = "hardware",
		.others = { "h" },
		.usage = "hardware:EVENT[:COUNT]",
		.help = "each COUNT events that the CPU counts",
		.min = 1,
		.max = 2,
		.find = find_hardware,
		.list = list_hardware,
	},
	{
		.name = "watchpoint",
		.others = { "w", "asyncwatchpoint", "aw" },
		.usage = "watchpoint:ADDRESS:LENGTH:r|w|rw|x",
		.help = "an access to memory",
		.min = 3,
		.max = 3,
		.find = find_watchpoint,
	},
	{
		.name = "iter",
		.others = { "it" },
		.usage = "iter:OBJECTS",
		.help = "each object of a kind that the kernel has, once",
		.min = 1,
		.max = 2,
		.find = find_iter,
		.list = list_iter,
	},
	{ .name = NULL },
};

const struct provider *provider_find(const char *name)
{
	for (const struct provider *p = providers; p->name; p++) {
		if (!strcmp(p->name, name))
			return p;
		for (size_t i = 0; i < MEM_LEN(p->others) && p->others[i]; i++) {
			if (!strcmp(p->others[i], name))
				return p;
		}
	}
	return NULL;
}

/* Other tools write "sched:sched_switch". */
static bool is_tracepoint_group(const char *name)
{
	const char *dir = NULL;
	char path[256];

	if (!*name || strchr(name, '/') || *name == '.' || tracing_mount(&dir) < 0)
		return false;
	const int n = snprintf(path, sizeof(path), "%s/events/%s/enable", dir, name);
	return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

const char *provider_nearest(struct nearest *n)
{
	if (is_tracepoint_group(n->word)) {
		(void)snprintf(n->words, sizeof(n->words), "; did you mean 'tracepoint:%s:...'?",
			       n->word);
		return n->words;
	}
	for (const struct provider *p = providers; p->name; p++) {
		nearest_see(n, p->name);
		for (size_t i = 0; i < MEM_LEN(p->others) && p->others[i]; i++) {
			// Any letter is near to another one.
			if (strlen(p->others[i]) > 2)
				nearest_see(n, p->others[i]);
		}
	}
	return nearest_words(n);
}
