/* SPDX-License-Identifier: MIT */
/** sonde crash: what a dead kernel's memory tells. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/out.h"
#include "cmd/all.h"
#include "cmd/crash_flame.h"
#include "cmd/help.h"
#include "cmd/prompt/prompt.h"
#include "cmd/terminal.h"
#include "crash/verbs/verb.h"

enum { PARTS_MOST = 64 };

enum { KEY_JSON = 256, KEY_STATE, KEY_MODULES, KEY_FETCH, KEY_TREE, KEY_SORT };

struct crash_cmd {
	struct crash_args args;
	const char *paths[PARTS_MOST];
	size_t n_paths;
	const char *kernel;
	struct crash_debug_options debug;
};

static const struct cmd_option options[] = {
	{ 'p', "pid", "PID", "ps, bt: only this process or thread; may be given again." },
	{ 'r', "running", NULL, "ps, bt: only what was running on a CPU." },
	{ KEY_STATE, "state", "LETTER", "ps, bt: only tasks in this state, as D for blocked." },
	{ KEY_TREE, "tree", NULL, "ps: children below their parents." },
	{ KEY_SORT, "sort", "KEY", "ps: by this member of the JSON, as rss, user_ns or start_ns." },
	{ 'u', "unique", NULL, "bt: the same stacks once, with the tasks that have them." },
	{ 'o', "output", "FILE",
	  "thin: the new dump; flame: the picture, crash.svg if not given." },
	{ 'l', "lines", NULL, "dis: source lines too." },
	{ 'x', "hex", NULL, "print, list, tree: numbers in base 16." },
	{ KEY_MODULES, "modules", "DIR", "Debug files of modules are below DIR." },
	{ KEY_FETCH, "debuginfod", NULL, "Fetch missing debug files from $DEBUGINFOD_URLS." },
	{ 'n', "limit", "N",
	  "At most so many rows, members, or elements of an array; log: the last ones." },
	{ KEY_JSON, "json", NULL, "Write JSON." },
	{ 'f', "format", "FORMAT", "text, json, or html (report and other tables)." },
	{ 0 },
};

static const struct cmd_example examples[] = {
	{ "sonde crash vmcore", "One page of what happened.", false },
	{ "sonde crash vmcore -f html > report.html", "The same for a browser.", false },
	{ "sonde crash vmcore ps", "The tasks of a dead kernel.", false },
	{ "sonde crash vmcore ps --tree", "Who began whom.", false },
	{ "sonde crash vmcore bt --running", "What each CPU did when it died.", false },
	{ "sonde crash vmcore vmlinux bt", "With source lines, by a kernel's debug file.", false },
	{ "sonde crash vmcore bt --unique", "All stacks, each once, the most common first.",
	  false },
	{ "sonde crash vmcore files 1", "What a process had open, sockets with both ends.", false },
	{ "sonde crash vmcore net", "Interfaces and sockets, as ss shows them.", false },
	{ "sonde crash vmcore print task_struct init_task comm", "A field of a struct.", false },
	{ "sonde crash vmcore print task_struct", "How a struct lies in memory.", false },
	{ "sonde crash vmcore dis schedule+0x5d", "The code around a place.", false },
	{ "sonde crash vmcore flame", "All stacks as one picture, crash.svg.", false },
	{ "sonde crash vmcore thin -o small.dump", "A dump of what the report reads, to send away.",
	  false },
	{ "sonde crash vmcore log | tail", "Its last words.", false },
	{ 0 },
};

static int add_pid(struct crash_args *a, const char *text)
{
	char *end;

	errno = 0;
	long pid = strtol(text, &end, 10);
	if (errno || end == text || *end || pid < 0)
		return sonde_fail(-EINVAL, "'%s' is no process id", text);
	if (a->n_pids == CRASH_PIDS_MOST)
		return sonde_fail(-EINVAL, "more than %d processes", CRASH_PIDS_MOST);
	a->pids[a->n_pids++] = pid;
	return 0;
}

static int set_format(struct crash_args *a, const char *value)
{
	static const char *const names[] = { "text", "json", "html" };

	for (unsigned i = 0; i < MEM_LEN(names); i++) {
		if (!strcmp(value, names[i])) {
			a->format = (enum crash_format)i;
			return 0;
		}
	}
	return sonde_fail(-EINVAL, "format '%s' is none of text, json and html", value);
}

static int crash_set(void *state, int key, const char *value)
{
	struct crash_cmd *s = state;
	struct crash_args *a = &s->args;
	char *end;

	switch (key) {
	case 'f': return set_format(a, value);
	case KEY_JSON: a->format = CRASH_JSON; return 0;
	case KEY_TREE: a->tree = true; return 0;
	case KEY_SORT: a->sort = value; return 0;
	case 'u': a->unique = true; return 0;
	case 'o': a->output = value; return 0;
	case 'l': a->lines = true; return 0;
	case 'x': a->hex = true; return 0;
	case KEY_MODULES: s->debug.modules = value; return 0;
	case KEY_FETCH: s->debug.may_fetch = true; return 0;
	case 'r': a->running = true; return 0;
	case 'p': return add_pid(a, value);
	case KEY_STATE:
		if (!*value || value[1])
			return sonde_fail(-EINVAL, "'%s' is no letter of a state", value);
		a->state = *value;
		return 0;
	case 'n':
		errno = 0;
		a->limit = strtoul(value, &end, 10);
		if (errno || end == value || *end || *value == '-')
			return sonde_fail(-EINVAL, "'%s' is no number", value);
		return 0;
	default: return 0;
	}
}

/* What stands on other floors too. */
static const struct crash_verb *const cmd_crash_verbs[] = { &crash_flame, NULL };

static const struct crash_verb *find_verb(const struct crash_system *system, const char *name)
{
	for (size_t i = 0; cmd_crash_verbs[i]; i++) {
		if (!strcmp(cmd_crash_verbs[i]->name, name))
			return cmd_crash_verbs[i];
	}
	return crash_verb_find(system, name);
}

/* A kernel's file is a program; a part of a dump is not. */
static bool is_program(const char *path)
{
	Elf64_Ehdr head;

	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &head, sizeof(head)) == sizeof(head) &&
	       !memcmp(head.e_ident, ELFMAG, SELFMAG) &&
	       (head.e_type == ET_EXEC || head.e_type == ET_DYN);
}

static int no_verb(const char *word)
{
	const char *meant = crash_verb_meant(NULL, word);

	return sonde_fail(-EINVAL, "'%s' is no file and no verb%s%s%s", word,
			  meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

/* Takes files up to the verb. Returns how many words that were, or -EINVAL. */
static int take_files(struct crash_cmd *s, int argc, char **argv)
{
	int i = 0;

	for (; i < argc && (!i || !find_verb(NULL, argv[i])); i++) {
		const bool is_there = access(argv[i], F_OK) == 0;

		if (i && !is_there)
			return no_verb(argv[i]);
		if (!is_there && find_verb(NULL, argv[i]))
			return sonde_fail(-EINVAL,
					  "'%s' is a verb, and stands behind the dump: sonde crash "
					  "CORE [KERNEL] %s",
					  argv[i], argv[i]);
		if (i && is_program(argv[i]))
			s->kernel = argv[i];
		else if (s->n_paths < PARTS_MOST)
			s->paths[s->n_paths++] = argv[i];
		else
			return sonde_fail(-EINVAL, "more than %d files", PARTS_MOST);
	}
	if (!s->n_paths)
		return sonde_fail(-EINVAL, "which dump? sonde crash CORE [KERNEL] [VERB]");
	return i;
}

static void note(const char *line)
{
	cmd_note(NULL, line);
}

static int run_verb(struct crash_core *core, const struct crash_args *args, int argc, char **argv,
		    unsigned width)
{
	struct sonde_out out;

	const char *name = argc ? argv[0] : find_verb(core->system, "report") ? "report" : "ps";
	const struct crash_verb *verb = find_verb(core->system, name);
	if (!verb)
		return crash_verb_unknown(core->system, name);
	int r = out_init(&out, STDOUT_FILENO);
	if (r < 0)
		return r;
	struct crash_run run = {
		.core = core,
		.args = args,
		.argc = argc ? argc - 1 : 0,
		.argv = argv + 1,
		.out = &out,
		.width = width,
		.note = note,
		.more = cmd_crash_verbs,
	};
	r = crash_verb_run(verb, &run);
	int flushed = out_flush(&out);
	out_fini(&out);
	return r < 0 ? r : flushed;
}

static int run_line(void *arg, int argc, char **argv, unsigned width)
{
	struct crash_core *core = arg;
	struct crash_cmd s = { 0 };
	int first = 0;

	int r = cmd_parse(&cmd_crash, &s, argc, argv, &first);
	if (r > 0) {
		help_command(&cmd_crash);
		return 0;
	}
	if (r == 0 && first == argc)
		r = sonde_fail(-EINVAL, "options, but which verb?");
	if (r < 0)
		return r;
	// What the session was begun with holds where the line says nothing else.
	if (s.debug.modules)
		core->debug_options.modules = s.debug.modules;
	core->debug_options.may_fetch |= s.debug.may_fetch;
	// What was read of a running system stays as it was: each line is to see it anew.
	sonde_auto(crash_closep) struct crash_core *now = NULL;
	r = core->about->live ? crash_open_again(core, &now) : 0;
	return r < 0 ? r : run_verb(now ? now : core, &s.args, argc - first, argv + first, width);
}

/* A person at a terminal who asks for nothing else goes on to ask. */
static int talk(struct crash_core *core)
{
	const struct prompt p = {
		.complete = { .core = core, .more = cmd_crash_verbs, .options = options },
		.run = run_line,
		.arg = core,
	};

	return prompt_run(&p);
}

static int run_all(struct crash_cmd *s, int argc, char **argv)
{
	sonde_auto(crash_closep) struct crash_core *core = NULL;

	int r = crash_open(s->paths, s->n_paths, s->kernel, &core);
	if (r < 0)
		return r;
	core->debug_options = s->debug;
	if (core->about->origin)
		fprintf(stderr,
			"sonde crash: a thin dump, of %llu pages: what it was not made for may "
			"be missing\n",
			(unsigned long long)core->about->pages_held);
	if (core->about->live)
		note("the memory of the running system: values may change while they are read");
	r = run_verb(core, &s->args, argc, argv, terminal_width(STDOUT_FILENO));
	bool asks = !argc && s->args.format == CRASH_TEXT && isatty(STDIN_FILENO) &&
		    isatty(STDOUT_FILENO);
	if (!asks || r == -EINVAL)
		return r;
	if (r < 0)
		note(sonde_err_str());
	return talk(core);
}

static int crash_run_cmd(void *state, int argc, char **argv)
{
	struct crash_cmd *s = state;

	int n = take_files(s, argc, argv);
	if (n < 0)
		return cmd_usage(&cmd_crash);
	int r = run_all(s, argc - n, argv + n);
	if (r == -EINVAL)
		return cmd_usage(&cmd_crash);
	return r < 0 ? cmd_failed(&cmd_crash) : CMD_OK;
}

const struct command cmd_crash = {
	.name = "crash",
	.args = "CORE [KERNEL] [VERB] [ARG]...",
	.summary = "Show what a dead kernel's memory tells",
	.about = "Reads a dump of a machine's memory: symbols, types and stacks come from the dump "
		 "alone; no debug package is wanted.\n"
		 "Several files are parts of one dump; a program among them is the kernel's file, "
		 "which adds source lines if it has debug information. "
		 "VERB help shows the verbs that there are for a dump. Without one it is report, "
		 "and a terminal then gets a prompt: verbs with their options, VERB | COMMAND, "
		 "VERB > FILE, !COMMAND, quit.",
	.options = options,
	.examples = examples,
	.state_size = sizeof(struct crash_cmd),
	.set = crash_set,
	.run = crash_run_cmd,
};
