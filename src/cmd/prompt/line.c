/* SPDX-License-Identifier: MIT */
/** Lines from a person at a terminal, by libedit (which is opened when it is wanted) or getline().
 */
#include "cmd/prompt/line.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>
#ifdef HAVE_EDITLINE
#include <histedit.h>
#endif

#include <sonde/err.h>

#include "base/library.h"
#include "cmd/terminal.h"

enum { HISTORY = 1000, PATH_MOST = 4096, COLUMNS = 80 };

#ifdef HAVE_EDITLINE
/** libedit's functions, by their names. */
struct editline {
	void *handle; /* owned; NULL: it is not there */
	__typeof__(&el_init) init;
	__typeof__(&el_end) end;
	__typeof__(&el_set) set;
	__typeof__(&el_get) get;
	__typeof__(&el_gets) gets;
	__typeof__(&el_line) line;
	__typeof__(&el_insertstr) insertstr;
	__typeof__(&el_deletestr) deletestr;
	__typeof__(&el_cursor) cursor;
	__typeof__(&history_init) history_init;
	__typeof__(&history_end) history_end;
	__typeof__(&history) history;
};
#endif

/** How Ctrl-C was taken before a line was waited for. */
struct signals {
	struct sigaction action;
	sigset_t mask;
};

struct line_editor {
	const struct line_how *how; /* borrowed */
	char *text;		    /* owned: the last line */
	size_t cap;
	bool cancelled;
	struct signals signals;
#ifdef HAVE_EDITLINE
	struct editline lib;
	EditLine *el;
	History *history;
	char path[PATH_MOST]; /* of the history; "": it is not kept */
#endif
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* From here on Ctrl-C is let in while input is waited for, and nowhere else: none is overlooked. */
static void catch_interrupt(struct signals *s)
{
	const struct sigaction a = { .sa_handler = on_interrupt };
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGINT);
	interrupted = 0;
	sigprocmask(SIG_BLOCK, &one, &s->mask);
	sigaction(SIGINT, &a, &s->action);
}

static void leave_interrupt(const struct signals *s)
{
	sigaction(SIGINT, &s->action, NULL);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

/* 0, or -EINTR: Ctrl-C. */
static int wait_for_input(const struct signals *s)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	while (ppoll(&in, 1, NULL, &s->mask) < 0 && errno == EINTR) {
		if (interrupted)
			return -EINTR;
	}
	return 0;
}

#ifdef HAVE_EDITLINE
static int open_library(struct editline *l)
{
	static const char *const files[] = { "libedit.so.2", "libedit.so.0", NULL };
	const struct library_symbol symbols[] = {
		{ "el_init", (void **)&l->init },
		{ "el_end", (void **)&l->end },
		{ "el_set", (void **)&l->set },
		{ "el_get", (void **)&l->get },
		{ "el_gets", (void **)&l->gets },
		{ "el_line", (void **)&l->line },
		{ "el_insertstr", (void **)&l->insertstr },
		{ "el_deletestr", (void **)&l->deletestr },
		{ "el_cursor", (void **)&l->cursor },
		{ "history_init", (void **)&l->history_init },
		{ "history_end", (void **)&l->history_end },
		{ "history", (void **)&l->history },
		{ NULL, NULL },
	};

	return library_open(files, symbols, &l->handle);
}

/* A callback is given the EditLine alone; the library that it is of tells whose that is. */
static struct line_editor *editor_of(EditLine *el)
{
	void *handle = dlopen("libedit.so.2", RTLD_LAZY | RTLD_NOLOAD);
	handle = handle ? handle : dlopen("libedit.so.0", RTLD_LAZY | RTLD_NOLOAD);
	__typeof__(&el_get) get = NULL;
	void *ret = NULL;

	if (!handle)
		return NULL;
	*(void **)&get = dlsym(handle, "el_get");
	if (get && get(el, EL_CLIENTDATA, &ret) < 0)
		ret = NULL;
	dlclose(handle); // the editor's own handle stays
	return ret;
}

static char *show_prompt(EditLine *el)
{
	struct line_editor *e = editor_of(el);

	return (char *)(uintptr_t)(e ? e->how->prompt : "> ");
}

/* In columns, as many as fit. */
static void show_choices(const struct choices *c)
{
	size_t widest = 1, width = terminal_width(STDOUT_FILENO);

	for (size_t i = 0; i < c->n_kept; i++) {
		size_t len = strlen(c->kept[i]);

		widest = len > widest ? len : widest;
	}
	size_t columns = (width ? width : COLUMNS) / (widest + 2);
	size_t rows = (c->n_kept + (columns ? columns - 1 : 0)) / (columns ? columns : 1);
	printf("\n");
	for (size_t row = 0; row < rows; row++) {
		for (size_t i = row; i < c->n_kept; i += rows)
			printf("%-*s", i + rows < c->n_kept ? (int)widest + 2 : 0, c->kept[i]);
		printf("\n");
	}
	if (c->n > c->n_kept)
		printf("and %zu more\n", c->n - c->n_kept);
	fflush(stdout);
}

/* What completes to more than was typed is put in; else what there is is shown. */
static unsigned char complete(EditLine *el, int key)
{
	struct line_editor *e = editor_of(el);
	struct choices c = { 0 };
	char line[PATH_MOST];
	unsigned char ret = CC_ERROR;

	(void)key;
	const LineInfo *l = e ? e->lib.line(el) : NULL;
	size_t len = l ? (size_t)(l->cursor - l->buffer) : 0;
	if (!l || len >= sizeof(line))
		return CC_ERROR;
	memcpy(line, l->buffer, len);
	line[len] = '\0';
	e->how->complete(e->how->arg, line, &c);
	size_t typed = c.typed ? strlen(c.typed) : 0;
	if (c.common.len > typed && e->lib.insertstr(el, c.common.data + typed) == 0)
		ret = CC_REFRESH;
	if (c.n == 1 && !c.part && !c.common.failed && e->lib.insertstr(el, " ") == 0)
		ret = CC_REFRESH;
	if (ret == CC_ERROR && c.n > 1) {
		show_choices(&c);
		ret = CC_REDISPLAY;
	}
	choices_fini(&c);
	return ret;
}

/* One letter of the terminal's, which may be several bytes. 1; 0: the end; -1: Ctrl-C. */
static int take_letter(EditLine *el, wchar_t *ret)
{
	struct line_editor *e = editor_of(el);
	mbstate_t state = { 0 };
	char byte;

	for (;;) {
		if (wait_for_input(&e->signals) < 0) {
			e->cancelled = true;
			return -1;
		}
		ssize_t n = read(STDIN_FILENO, &byte, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		size_t got = mbrtowc(ret, &byte, 1, &state);
		if (got == (size_t)-1)
			*ret = (unsigned char)byte;
		if (got != (size_t)-2)
			return 1;
	}
}

/* $XDG_STATE_HOME/sonde/NAME, whose folders are made. */
static void find_history(struct line_editor *e)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int len = state && *state == '/' ? snprintf(e->path, sizeof(e->path), "%s/sonde/", state)
		  : home && *home == '/'
			  ? snprintf(e->path, sizeof(e->path), "%s/.local/state/sonde/", home)
			  : 0;

	if (!e->how->name || len <= 0 || (size_t)len + strlen(e->how->name) >= sizeof(e->path)) {
		e->path[0] = '\0';
		return;
	}
	for (char *p = e->path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(e->path, 0700); // there most often; else saving fails
		*p = '/';
	}
	memcpy(e->path + len, e->how->name, strlen(e->how->name) + 1);
}

static void set_up(struct line_editor *e)
{
	struct editline *l = &e->lib;
	HistEvent event;

	(void)l->set(e->el, EL_CLIENTDATA, e);
	(void)l->set(e->el, EL_PROMPT, show_prompt);
	(void)l->set(e->el, EL_EDITOR, "emacs");
	(void)l->set(e->el, EL_GETCFN, take_letter);
	(void)l->set(e->el, EL_HIST, l->history, e->history);
	(void)l->set(e->el, EL_ADDFN, "sonde-complete", "What may follow", complete);
	(void)l->set(e->el, EL_BIND, "^I", "sonde-complete", NULL);
	(void)l->set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	(void)l->history(e->history, &event, H_SETSIZE, HISTORY);
	(void)l->history(e->history, &event, H_SETUNIQUE, 1);
	find_history(e);
	if (*e->path)
		(void)l->history(e->history, &event, H_LOAD, e->path); // the first time: none
}

/* Without it lines are read as they come. */
static void open_editor(struct line_editor *e)
{
	const char *term = getenv("TERM");

	if (!term || !*term || !strcmp(term, "dumb") || open_library(&e->lib) < 0)
		return;
	e->el = e->lib.init("sonde", stdin, stdout, stderr);
	e->history = e->lib.history_init();
	if (e->el && e->history) {
		set_up(e);
		return;
	}
	if (e->el)
		e->lib.end(e->el);
	if (e->history)
		e->lib.history_end(e->history);
	e->el = NULL;
	e->history = NULL;
}

static void close_editor(struct line_editor *e)
{
	HistEvent event;

	if (e->el) {
		// Where it cannot be kept, it was good for this session.
		if (*e->path && e->lib.history(e->history, &event, H_SAVE, e->path) >= 0)
			(void)chmod(e->path, 0600);
		e->lib.history_end(e->history);
		e->lib.end(e->el);
	}
	if (e->lib.handle)
		dlclose(e->lib.handle);
}

static int keep(struct line_editor *e, const char *text, size_t len)
{
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	free(e->text);
	e->text = strndup(text, len);
	return e->text ? 1 : sonde_fail(-ENOMEM, "out of memory");
}

static int next_edited(struct line_editor *e)
{
	HistEvent event;
	int n = 0;

	e->cancelled = false;
	catch_interrupt(&e->signals);
	// Before it is shown: a Ctrl-D that comes between would be the end of a line, and be lost.
	(void)e->lib.set(e->el, EL_PREP_TERM, 1);
	const char *text = e->lib.gets(e->el, &n);
	leave_interrupt(&e->signals);
	if (e->cancelled) {
		printf("^C\n");
		return -EINTR;
	}
	if (!text || n <= 0)
		return 0;
	int r = keep(e, text, (size_t)n);
	if (r > 0 && e->text[strspn(e->text, " \t")])
		(void)e->lib.history(e->history, &event, H_ENTER, e->text); // or it is forgotten
	return r;
}
#endif

int line_open(const struct line_how *how, struct line_editor **ret)
{
	struct line_editor *e = calloc(1, sizeof(*e));

	if (!e)
		return sonde_fail(-ENOMEM, "out of memory");
	e->how = how;
	setvbuf(stdin, NULL, _IONBF, 0); // no line waits where poll() does not see it
#ifdef HAVE_EDITLINE
	open_editor(e);
#endif
	*ret = e;
	return 0;
}

void line_close(struct line_editor *e)
{
	if (!e)
		return;
#ifdef HAVE_EDITLINE
	close_editor(e);
#endif
	free(e->text);
	free(e);
}

bool line_is_edited(const struct line_editor *e)
{
#ifdef HAVE_EDITLINE
	return e->el != NULL;
#else
	(void)e;
	return false;
#endif
}

static int next_plain(struct line_editor *e)
{
	catch_interrupt(&e->signals);
	printf("%s", e->how->prompt);
	fflush(stdout);
	int r = wait_for_input(&e->signals);
	leave_interrupt(&e->signals);
	if (r < 0) {
		printf("\n");
		return r;
	}
	errno = 0;
	ssize_t n = getline(&e->text, &e->cap, stdin);
	if (n < 0)
		return errno == ENOMEM ? sonde_fail(-ENOMEM, "out of memory") : 0;
	while (n && (e->text[n - 1] == '\n' || e->text[n - 1] == '\r'))
		e->text[--n] = '\0';
	return 1;
}

int line_next(struct line_editor *e, const char **ret)
{
#ifdef HAVE_EDITLINE
	int r = e->el ? next_edited(e) : next_plain(e);
#else
	int r = next_plain(e);
#endif
	if (r > 0)
		*ret = e->text;
	return r;
}
