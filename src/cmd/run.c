/* SPDX-License-Identifier: MIT */
/** sonde run: probe scripts on the running kernel. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/child.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/out.h"
#include "cmd/all.h"
#include "cmd/script_arg.h"
#include "cmd/script_core.h"
#include "cmd/script_d.h"
#include "cmd/script_dump.h"
#include "cmd/script_trace.h"
#include "lang/engine/engine.h"
#include "lang/gen/compile.h"
#include "lang/live/live.h"
#include "lang/syntax/parse.h"
#include "lang/world.h"

enum { TRACES_MOST = 64 };

enum {
	KEY_UNSAFE = 256,
	KEY_DRY_RUN,
	KEY_NO_WARNINGS,
	KEY_INTERPRETER,
	KEY_D,
	KEY_CORE,
	KEY_KERNEL,
};

struct state {
	const char *text; /* of -e */
	const char *output, *command;
	enum print_format format;
	enum dump_kind dump;
	pid_t pid;
	const char *traces[TRACES_MOST]; /* or parts of a dump, where @is_core */
	size_t n_traces;
	const char *kernel;
	bool is_core;
	bool interpreter;
	bool unsafe, dry_run, no_warnings, verbose, quiet, buffer_full, version;

	/* owned, from here on */
	struct script_d d;
	struct script_arg script;
	struct command_words words;
	struct child child;
	struct diag diag;
	struct arena arena;
	struct world *world;
	struct script *compiled;
	struct sonde_out out;
	int out_fd;
	bool opened_out;
};

static const struct cmd_option options[] = {
	{ 'e', "expression", "TEXT", "The script itself, instead of SCRIPT." },
	{ 'c', "command", "CMD",
	  "Run CMD while the script runs; it starts when all is attached, and the script ends with "
	  "it. Its process is cpid." },
	{ 'p', "pid", "PID", "User space probes see this process alone; the script ends with it." },
	{ 't', "trace", "TRACE",
	  "Run it over the events of a recorded trace instead; folders right behind it are traces "
	  "too. Times, threads and intervals are the traces'; clocks of several hosts are "
	  "brought together." },
	{ KEY_CORE, "core", "DUMP",
	  "Run it over a crash dump instead, whose parts may each be given: iter:task walks over "
	  "its threads." },
	{ KEY_KERNEL, "kernel", "FILE",
	  "With --core: the kernel's file, where the dump is not enough." },
	{ 'f', "format", "text|json", "How results are written; text if not given." },
	{ 'o', "output", "FILE", "Where results go; standard output if not given." },
	{ 'B', "buffer", "line|full|none",
	  "full: write only when much has come together. Otherwise what happens is shown at "
	  "once." },
	{ 'q', "quiet", NULL, "Write nothing but what the script prints." },
	{ 'v', "verbose", NULL, "Say more of what is going on." },
	{ 'd', "dump", "ast|types|bytecode", "Show what the script is compiled to; run nothing." },
	{ KEY_DRY_RUN, "dry-run", NULL, "Say what would be attached; attach nothing." },
	{ KEY_UNSAFE, "unsafe", NULL, "Let the script run commands: system()." },
	{ KEY_NO_WARNINGS, "no-warnings", NULL, "Keep warnings back." },
	{ KEY_INTERPRETER, "interpreter", NULL,
	  "With -t: do not compile the programs for this processor." },
	{ 'k', "helper-errors", NULL,
	  "Taken for bpftrace's sake; failed reads are always counted." },
	{ KEY_D, "d", NULL,
	  "The script is in D, also where neither its name nor its first line say so; and -f is "
	  "dtrace's: a probe of a function of the kernel." },
	{ 'n', "clause", "TEXT", "A clause of D, or a probe alone; may be given again." },
	{ 's', "script", "FILE", "A script in D; may be given again, and beside -n." },
	{ 'x', "option", "OPTION[=VALUE]", "An option of D, as '#pragma D option' has it." },
	{ 'w', "destructive", NULL, "Let a script in D change the system: system(), raise()." },
	{ 'Z', "zero", NULL, "Probes of D may match nothing." },
	{ 'F', "flow", NULL, "Indent what a script in D prints by entry and return." },
	{ 'm', "module", "MODULE",
	  "A clause of D for all probes of a module; may be given again." },
	{ 'P', "provider", "PROVIDER", "The same of a provider." },
	{ 'b', "bufsize", "SIZE", "The option bufsize of D, as 4m." },
	{ 'C', "cpp", NULL, "Run the C preprocessor over a script in D; its program is cpp." },
	{ 'D', "define", "NAME[=VALUE]", "Define a macro for a script in D, also without -C." },
	{ 'U', "undefine", "NAME", "Take a macro away." },
	{ 'I', "include", "FOLDER", "With -C: a folder to look for files of #include in." },
	{ 'H', "show-includes", NULL, "With -C: say which files are included." },
	{ 'S', "show-code", NULL, "Show the programs; the same as -d bytecode." },
	{ 'V', "version", NULL, "Say which version this is." },
	{ 'G', "make-object", NULL, "Of dtrace, and refused, as are -A, -a and -i, with words." },
	{ 'A', "anonymous", NULL, "Refused." },
	{ 'a', "claim", NULL, "Refused." },
	{ 'i', "probe-id", "NUMBER", "Refused." },
	{ 'l', "list", NULL,
	  "List the probes of a script, all of D without one; or those of a pattern, as 'sonde "
	  "list' does. Run nothing." },
	{ 0 },
};

static const struct cmd_example examples[] = {
	{ "sudo sonde run -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'",
	  "Counts system calls by program until Ctrl-C.", false },
	{ "sudo sonde run runqlat", "Runs a ready script; 'sonde list --tools' names them.",
	  false },
	{ "sudo sonde run -c 'make -j4' execs.bt 100",
	  "Runs a script of one's own beside a command; 100 is its $1.", false },
	{ "sudo sonde run -n 'syscall:::entry { @[execname] = count(); }'",
	  "The first example again, in DTrace's D.", false },
	{ "sonde run --core vmcore -e 'iter:task { @[kstack] = count(); }'",
	  "The stacks of all threads of a dead kernel.", false },
	{ "sonde run -d ast -e 'BEGIN { exit(); }'", "Shows how a script is understood.", true },
	{ 0 },
};

/* Which of @words, an array that ends with NULL, @value is; -EINVAL with words. */
static int choose(const char *value, const char *what, const char *const *words, int *ret)
{
	char all[128] = "";
	size_t at = 0;

	for (int i = 0; words[i]; i++) {
		if (!strcmp(value, words[i])) {
			*ret = i;
			return 0;
		}
		const char *between = i == 0 ? "" : words[i + 1] ? ", " : " or ";
		const int n = snprintf(all + at, sizeof(all) - at, "%s'%s'", between, words[i]);
		at += n > 0 && (size_t)n < sizeof(all) - at ? (size_t)n : 0;
	}
	return sonde_fail(-EINVAL, "%s '%s': want %s", what, value, all);
}

static int set_pid(struct state *s, const char *value)
{
	char *end;

	errno = 0;
	long v = strtol(value, &end, 10);
	if (end == value || *end || errno || v < 1 || v > INT_MAX)
		return sonde_fail(-EINVAL, "process '%s': want its number", value);
	s->pid = (pid_t)v;
	return 0;
}

static int run_set(void *state, int key, const char *value)
{
	static const char *const formats[] = { "text", "json", NULL };
	static const char *const buffers[] = { "line", "full", "none", NULL };
	struct state *s = state;
	int choice = 0, r = 0;

	switch (key) {
	case 'e': s->text = value; break;
	case 'c': s->command = value; break;
	case 'p': return set_pid(s, value);
	case 'f':
		if (s->d.is_d)
			return script_d_set(&s->d, key, value);
		r = choose(value, "format", formats, &choice);
		s->format = choice ? PRINT_JSON : PRINT_TEXT;
		break;
	case 'o': s->output = value; break;
	case 'B':
		r = choose(value, "buffer", buffers, &choice);
		s->buffer_full = choice == 1;
		break;
	case 'q': s->quiet = true; return script_d_set(&s->d, key, value);
	case 'v': s->verbose = true; break;
	case 'd':
		r = choose(value, "dump", dump_words, &choice);
		s->dump = (enum dump_kind)(choice + DUMP_AST);
		break;
	case KEY_DRY_RUN: s->dry_run = true; break;
	case KEY_UNSAFE: s->unsafe = true; break;
	case KEY_INTERPRETER: s->interpreter = true; break;
	case 'l': s->d.list = s->d.is_d = true; break;
	case 'S': s->dump = DUMP_BYTECODE; break;
	case 'V': s->version = true; break;
	case 'w': s->unsafe = true; __attribute__((fallthrough));
	case 's':
	case 'n':
	case 'm':
	case 'P':
	case 'b':
	case 'C':
	case 'D':
	case 'U':
	case 'I':
	case 'H':
	case 'A':
	case 'a':
	case 'G':
	case 'i':
	case 'x':
	case 'Z':
	case 'F': s->d.is_d = true; return script_d_set(&s->d, key, value);
	case KEY_D: s->d.is_d = true; break;
	case KEY_KERNEL: s->kernel = value; break;
	case KEY_CORE:
	case 't':
		if (s->n_traces && s->is_core != (key == KEY_CORE))
			return sonde_fail(-EINVAL, "a script runs over traces or over a dump: want "
						   "only one of '-t' and '--core'");
		s->is_core = key == KEY_CORE;
		if (s->n_traces == TRACES_MOST)
			return sonde_fail(-EINVAL, "more than %d traces", TRACES_MOST);
		s->traces[s->n_traces++] = value;
		break;
	case KEY_NO_WARNINGS: s->no_warnings = true; break;
	default: break;
	}
	return r;
}

/* Says what is wrong with the script, or may be. */
static void print_diag(const struct state *s)
{
	if (s->diag.out.len && (s->diag.n_errors || !s->no_warnings))
		(void)!write(STDERR_FILENO, s->diag.out.data, s->diag.out.len);
}

static uint32_t number_of_env(const char *name)
{
	const char *text = getenv(name);
	char *end;
	unsigned long v = text ? strtoul(text, &end, 10) : 0;

	return text && *text && !*end && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static int hold_command(struct state *s)
{
	sigset_t mask;

	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	int r = command_words_split(&s->words, s->command);
	if (!r)
		r = child_check(s->words.argv);
	if (!r)
		r = child_hold(&s->child, s->words.argv, &mask);
	return r;
}

static int parse(struct state *s, char *const *params, size_t n_params, struct script_ast *ret)
{
	s->diag.name = s->script.name;
	s->diag.text = s->d.expanded ? s->d.expanded : s->script.text;
	s->diag.text_len = s->d.expanded ? strlen(s->d.expanded) : s->script.len;
	s->diag.shown = s->d.expanded ? s->script.text : NULL;
	if (s->d.is_d) {
		const struct script_d_how how = {
			.params = (const char *const *)params,
			.n_params = n_params,
			.is_recorded = s->n_traces != 0,
			.target = s->child.pid ? s->child.pid : s->pid,
			.command = s->child.pid ? s->words.argv[0] : NULL,
		};
		return script_d_parse(&s->d, &s->diag, &s->arena, &how, ret);
	}
	return parse_bt(&s->diag, &s->arena, (const char *const *)params, n_params, ret);
}

static struct compile_options compile_how(const struct state *s, char *const *params,
					  size_t n_params)
{
	return (struct compile_options){
		.params = (const char *const *)params,
		.n_params = n_params,
		.unsafe = s->unsafe,
		.pid = s->child.pid ? s->child.pid : s->pid,
		.has_child = s->child.pid != 0,
		.max_strlen = number_of_env("BPFTRACE_STRLEN"),
		.max_map_keys = number_of_env("BPFTRACE_MAP_KEYS_MAX"),
	};
}

static int compile(struct state *s, char *const *params, size_t n_params, struct script_ast *ast)
{
	const struct compile_options how = compile_how(s, params, n_params);
	const struct live_options live = { .pid = how.pid };

	int r = live_world_new(&live, &s->world);
	return r < 0 ? r : compile_script(&s->diag, s->world, ast, &how, &s->compiled);
}

static int open_output(struct state *s)
{
	s->out_fd = STDOUT_FILENO;
	if (s->output) {
		s->out_fd = open(s->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (s->out_fd < 0)
			return sonde_fail_errno(-errno, "cannot open '%s'", s->output);
		s->opened_out = true;
	}
	return out_init(&s->out, s->out_fd);
}

static int run_live(struct state *s, int *ret_status)
{
	const struct engine_options how = {
		.script = s->compiled,
		.world = s->world,
		.diag = &s->diag,
		.out = &s->out,
		.format = s->format,
		.pid = s->pid,
		.child = s->child.pid ? &s->child : NULL,
		.quiet = s->quiet,
		.verbose = s->verbose,
		.no_warnings = s->no_warnings,
		.is_terminal = isatty(s->out_fd),
		.keep_buffered = s->buffer_full,
	};

	return engine_run(&how, ret_status);
}

static void warn(void *arg)
{
	struct state *s = arg;

	print_diag(s);
	strbuf_fini(&s->diag.out);
}

static int run_recorded(struct state *s, char *const *params, size_t n_params,
			struct script_ast *ast, int *ret_status)
{
	const struct compile_options how = compile_how(s, params, n_params);
	const struct script_trace t = {
		.paths = s->traces,
		.n_paths = s->n_traces,
		.ast = ast,
		.diag = &s->diag,
		.how = &how,
		.out = &s->out,
		.format = s->format,
		.dump = s->d.list		 ? DUMP_NAMES
			: s->dry_run && !s->dump ? DUMP_PLACES
						 : s->dump,
		.interpreter = s->interpreter,
		.compiled = warn,
		.arg = s,
	};

	return s->is_core ? script_core_run(&t, s->kernel, ret_status)
			  : script_trace_run(&t, ret_status);
}

/* From the text to the end of the run. */
static int work(struct state *s, char *const *params, size_t n_params, int *ret_status)
{
	const char *what = s->is_core ? "dump" : "trace";
	struct script_ast ast;
	int r = s->pid && s->n_traces
			? sonde_fail(-EINVAL, "a %s has no process to look at: want no '-p'", what)
		: s->pid && kill(s->pid, 0) < 0 && errno == ESRCH
			? sonde_fail(-ESRCH, "there is no process %d", (int)s->pid)
			: 0;

	if (!r && s->kernel && !s->is_core)
		r = sonde_fail(-EINVAL, "'--kernel' is of a dump: want '--core'");
	if (!r && s->n_traces && s->command)
		r = sonde_fail(-EINVAL, "there is no command beside a %s: want no '-c'", what);
	if (!r && s->command)
		r = hold_command(s);
	if (!r)
		r = parse(s, params, n_params, &ast);
	if (!r && s->n_traces && s->dump != DUMP_AST) {
		r = open_output(s);
		return r < 0 ? r : run_recorded(s, params, n_params, &ast, ret_status);
	}
	if (!r && s->dump != DUMP_AST)
		r = compile(s, params, n_params, &ast);
	// A script that is wrong leaves the last results as they are.
	if (!r)
		r = open_output(s);
	if (r < 0)
		return r;
	if (s->dump == DUMP_AST)
		return script_dump(&s->out, DUMP_AST, &ast, s->compiled);
	print_diag(s);
	strbuf_fini(&s->diag.out);
	if (s->d.list)
		return s->d.is_d ? script_d_list(&s->out, s->compiled)
				 : script_dump(&s->out, DUMP_NAMES, &ast, s->compiled);
	if (s->dump || s->dry_run)
		return script_dump(&s->out, s->dump ? s->dump : DUMP_PLACES, &ast, s->compiled);
	return run_live(s, ret_status);
}

/* The script's text, wherever it is; takes its name from the arguments. */
static int read_script(struct state *s, int *argc, char ***argv)
{
	const char *text = s->text, *name = "-e";

	if (s->d.n_sources || (s->d.list && !text && !*argc)) {
		const int r = script_d_read(&s->d);
		if (r < 0)
			return r;
		if (text)
			strbuf_fmt(&s->d.text, "%s\n", text);
		text = strbuf_text(&s->d.text);
		name = s->d.name;
	}
	if (!text) {
		const char *what = **argv;
		--*argc;
		++*argv;
		return script_arg_read(&s->script, what);
	}
	s->script = (struct script_arg){ .name = name, .text = strdup(text), .len = strlen(text) };
	return s->script.text && strbuf_ok(&s->d.text) == 0 ? 0
							    : sonde_fail(-ENOMEM, "out of memory");
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * What it runs over or beside, right behind the script and before its parameters: "SCRIPT -t
 * TRACE...", "SCRIPT -c CMD".
 */
static int take_options(struct state *s, int *argc, char ***argv)
{
	static const struct {
		const char *name;
		int key;
	} names[] = { { "-c", 'c' },	      { "--command", 'c' },
		      { "-p", 'p' },	      { "--pid", 'p' },
		      { "-t", 't' },	      { "--trace", 't' },
		      { "--core", KEY_CORE }, { "--kernel", KEY_KERNEL } };
	int r = 0;

	while (r >= 0 && *argc) {
		size_t i = 0;

		while (i < MEM_LEN(names) && strcmp(**argv, names[i].name) != 0)
			i++;
		if (i == MEM_LEN(names))
			break;
		if (*argc == 1)
			return sonde_fail(-EINVAL, "option '%s' wants a value", **argv);
		++*argv;
		--*argc;
		do {
			r = run_set(s, names[i].key, **argv);
			++*argv;
			--*argc;
		} while (r >= 0 && names[i].key == 't' && *argc && is_folder(**argv));
	}
	return r;
}

static bool is_bpftraces(const char *path)
{
	const size_t len = path ? strlen(path) : 0;

	return len > 3 && !strcmp(path + len - 3, ".bt");
}

/* Of a script in D its probes are listed; a pattern of them is what bpftrace lists. */
static bool wants_list(const struct state *s, int argc, char **argv)
{
	return s->d.list && !s->d.n_sources && !s->text && argc == 1 &&
	       (strchr(argv[0], ':') || glob_is(argv[0])) && access(argv[0], F_OK) != 0;
}

static int list_probes(const struct state *s, char *pattern)
{
	char name[] = "list", verbose[] = "-v";
	char *argv[] = { name, s->verbose ? verbose : pattern, pattern, NULL };

	return cmd_run(&cmd_list, s->verbose ? 3 : 2, argv);
}

static int say_version(void)
{
	(void)printf("sonde %s\n", SONDE_VERSION);
	return CMD_OK;
}

static int run_run(void *state, int argc, char **argv)
{
	struct state *s = state;
	int status = CMD_OK;

	if (s->version)
		return say_version();
	if (!s->text && !argc && !s->d.n_sources && !s->d.list) {
		(void)sonde_fail(-EINVAL, "want a script: a file, the name of a ready one, or -e");
		return cmd_usage(&cmd_script);
	}
	if (wants_list(s, argc, argv))
		return list_probes(s, argv[0]);
	int r = read_script(s, &argc, &argv);
	if (!r)
		r = take_options(s, &argc, &argv);
	if (!r && s->d.list && is_bpftraces(s->script.path))
		s->d.is_d = false;
	if (!r)
		r = script_d_look(&s->d, &s->script);
	if (!r && s->d.is_d)
		r = script_d_expand(&s->d, &s->script);
	if (!r)
		r = work(s, argv, (size_t)argc, &status);
	if (r == -EINVAL && s->diag.n_errors) {
		print_diag(s);
		return CMD_FAILED;
	}
	return r < 0 ? cmd_failed(&cmd_script) : status;
}

static void run_fini(void *state)
{
	struct state *s = state;

	script_free(s->compiled);
	world_free(s->world);
	diag_fini(&s->diag);
	arena_fini(&s->arena);
	if (s->child.pid && !s->child.ended)
		child_signal(&s->child, SIGTERM);
	child_fini(&s->child);
	command_words_fini(&s->words);
	script_d_fini(&s->d);
	script_arg_fini(&s->script);
	out_fini(&s->out);
	if (s->opened_out)
		mem_closep(&s->out_fd);
}

const struct command cmd_script = {
	.name = "run",
	.args = "SCRIPT [PARAMETER]...",
	.summary = "Run a probe script on the running kernel",
	.about =
		"Compiles a script of the bpftrace language, or one in DTrace's D, and runs it in "
		"the kernel, until it calls exit(), Ctrl-C is typed, or the command or process it "
		"looks at ends. Then its maps are printed.\n"
		"A script is in D where its file's name ends with .d, its first line names dtrace, "
		"or an option of D is given.\n"
		"SCRIPT is a file, '-' for standard input, or the name of a ready script. "
		"PARAMETERs are $1, $2 ... in it.\n"
		"What was lost, and where, is said at the end on standard error, in exact numbers. "
		"Nothing stays attached, however the run ends.\n"
		"print() and clear() of maps in an interval show and forget what came up to that "
		"very tick, however late the reader is: the tick's program goes on to another "
		"buffer. Up to three ticks may wait; should one find no buffer, it is counted and "
		"said at the end. Intervals of 1 ms and more have clocks on two CPUs, as the "
		"kernel leaves out the events of one that is at work for bpf(2).\n"
		"The exit status is what exit(N) gave. SONDE_TOOLS names further folders of ready "
		"scripts; BPFTRACE_STRLEN and BPFTRACE_MAP_KEYS_MAX are understood.",
	.options = options,
	.examples = examples,
	.state_size = sizeof(struct state),
	.folders_key = 't',
	.wraps_command = true,
	.set = run_set,
	.run = run_run,
	.fini = run_fini,
};
