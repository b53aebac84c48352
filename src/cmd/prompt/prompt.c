/* SPDX-License-Identifier: MIT */
/** The prompt of sonde crash: each line runs in a process of its own, over the open dump. */
#include "cmd/prompt/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/child.h"
#include "base/mem.h"
#include "cmd/prompt/line.h"
#include "cmd/terminal.h"
#include "crash/verbs/words.h"

/*
 * A child shares the dump and all that was read of it. Ctrl-C ends the child, as does whatever a
 * damaged dump may bring about, and the prompt goes on.
 */

static const char hints[] = "\nAt the prompt:\n"
			    "  VERB [ARG]... | COMMAND   What it shows, through a command\n"
			    "  VERB [ARG]... > FILE      into a file; >> behind what is there\n"
			    "  !COMMAND                  A command of the shell\n"
			    "  quit, Ctrl-D              Leaves\n";

static void set_signal(int sig, void (*handler)(int))
{
	struct sigaction a = { .sa_handler = handler };

	(void)sigaction(sig, &a, NULL); // fails for no signal that is named here
}

/* What a terminal sends, and a reader that has gone: not to the prompt, but to what it runs. */
static void set_signals(void (*handler)(int))
{
	static const int all[] = { SIGINT, SIGQUIT, SIGTSTP, SIGPIPE };

	for (size_t i = 0; i < MEM_LEN(all); i++)
		set_signal(all[i], handler);
}

static pid_t start_shell(const char *command, int in)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	set_signals(SIG_DFL);
	if (in >= 0 && dup2(in, STDIN_FILENO) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* The line's words behind one that stands for the program, as options want it. */
static int run_words(const struct prompt *p, const char *line, unsigned width)
{
	sonde_auto(crash_words_fini) struct crash_words words = { 0 };
	sonde_auto(mem_freep) char *text = NULL;

	if (asprintf(&text, "sonde %s", line) < 0) {
		text = NULL;
		return sonde_fail(-ENOMEM, "out of memory");
	}
	int r = crash_words_split(text, &words);
	if (r == 0)
		r = p->run(p->arg, (int)words.n, words.all, width);
	if (r == 0 && words.n == 2 && !strcmp(words.all[1], "help"))
		r = fputs(hints, stdout) < 0 ? -EIO : 0;
	return r;
}

static pid_t start_line(const struct prompt *p, const char *line, int out, unsigned width)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	set_signals(SIG_DFL);
	if (out >= 0 && dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	int r = run_words(p, line, width);
	// Who read the other end had enough.
	if (r < 0 && r != -EPIPE)
		cmd_note(NULL, sonde_err_str());
	_exit(fflush(stdout) < 0 || r < 0);
}

static void wait_for(pid_t pid)
{
	int status = 0;

	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid <= 0 || !WIFSIGNALED(status))
		return;
	if (WTERMSIG(status) == SIGINT)
		printf("\n");
	else if (WTERMSIG(status) != SIGPIPE)
		fprintf(stderr, "it ended by signal %d (%s)\n", WTERMSIG(status),
			sigabbrev_np(WTERMSIG(status)));
}

/* A line whose output a shell's command reads; NULL: it goes to the terminal. */
static int run_piped(const struct prompt *p, const char *line, const char *command)
{
	int ends[2] = { -1, -1 };

	if (command && pipe2(ends, O_CLOEXEC) < 0)
		return sonde_fail_errno(-errno, "cannot make a pipe");
	fflush(stdout);
	pid_t reader = command ? start_shell(command, ends[0]) : 0;
	pid_t worker = start_line(p, line, ends[1], terminal_width(STDOUT_FILENO));
	int err = reader < 0 || worker < 0 ? -errno : 0;

	if (command) {
		close(ends[0]);
		close(ends[1]);
	}
	wait_for(worker);
	wait_for(reader);
	return err < 0 ? sonde_fail_errno(err, "cannot start a process") : 0;
}

/* Where the shell's part of the line begins: at the first | or > that is not quoted. */
static char *find_shell(char *line)
{
	const char *begin = line;
	char quote = 0;

	for (; *line; line++) {
		if (quote ? *line == quote : *line == '\'' || *line == '"')
			quote = quote ? 0 : *line;
		else if (*line == '\\' && quote != '\'' && line[1])
			line++;
		else if (!quote &&
			 (*line == '|' || (*line == '>' && (line == begin || line[-1] != '-'))))
			return line;
	}
	return NULL;
}

/* What shows long output: as other tools, $PAGER, or less where it is there. NULL: none. */
static const char *find_pager(void)
{
	const char *pager = getenv("PAGER");
	char name[] = "less", *const less[] = { name, NULL };

	if (pager)
		return *pager && strcmp(pager, "cat") != 0 ? pager : NULL;
	return child_check(less) == 0 ? "less" : NULL;
}

static int run_command(const char *command)
{
	fflush(stdout);
	pid_t pid = start_shell(command, -1);
	int err = pid < 0 ? -errno : 0;

	wait_for(pid);
	return err < 0 ? sonde_fail_errno(err, "cannot start a shell") : 0;
}

static int run_line(const struct prompt *p, const char *text)
{
	sonde_auto(mem_freep) char *line = strdup(text);
	sonde_auto(mem_freep) char *command = NULL;

	if (!line)
		return sonde_fail(-ENOMEM, "out of memory");
	char *shell = find_shell(line);
	if (!shell)
		return run_piped(p, line, find_pager());
	if (asprintf(&command, "%s%s", *shell == '>' ? "cat " : "", shell + (*shell == '|')) < 0) {
		command = NULL;
		return sonde_fail(-ENOMEM, "out of memory");
	}
	*shell = '\0';
	return run_piped(p, line, command);
}

/* False: the person leaves. */
static bool take_line(const struct prompt *p, const char *line)
{
	static const char *const ends[] = { "quit", "exit", "q" };
	size_t len;
	int r;

	line += strspn(line, " \t");
	for (len = strlen(line); len && strchr(" \t", line[len - 1]); len--)
		;
	for (size_t i = 0; i < MEM_LEN(ends); i++) {
		if (len == strlen(ends[i]) && !strncmp(line, ends[i], len))
			return false;
	}
	if (!len || *line == '#')
		return true;
	r = *line == '!' ? run_command(line + 1) : run_line(p, line);
	if (r < 0)
		cmd_note(NULL, sonde_err_str());
	return true;
}

static void complete(void *arg, const char *line, struct choices *ret)
{
	complete_line(&((const struct prompt *)arg)->complete, line, ret);
}

int prompt_run(const struct prompt *p)
{
	const struct line_how how = { .prompt = "sonde> ",
				      .name = "crash-history",
				      .complete = complete,
				      .arg = (void *)(uintptr_t)p };
	sonde_auto(line_closep) struct line_editor *editor = NULL;
	const char *line;

	(void)setlocale(LC_CTYPE, ""); // what is typed may be in the person's own letters
	(void)setenv("LESS", "FRX", /* overwrite= */ false); // else a page waits for each answer
	int r = line_open(&how, &editor);
	if (r < 0)
		return r;
	printf("\nhelp shows the verbs, quit leaves%s\n",
	       line_is_edited(editor) ? "; Tab completes" : "");
	set_signals(SIG_IGN);
	while ((r = line_next(editor, &line)) > 0 || r == -EINTR) {
		if (r > 0 && !take_line(p, line))
			return 0;
	}
	if (r == 0)
		printf("\n");
	return r;
}
