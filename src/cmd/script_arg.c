/* SPDX-License-Identifier: MIT */
/** Reads scripts from files, standard input and the ready ones; splits commands into words. */
#include "cmd/script_arg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "cmd/tool_find.h"
#include "lang/syntax/parse.h"

void script_arg_fini(struct script_arg *a)
{
	free(a->path);
	free(a->text);
	*a = (struct script_arg){ 0 };
}

static int read_all(struct script_arg *a, int fd)
{
	size_t cap = 0;
	const char *from = a->path ? a->path : a->name;
	ssize_t n;

	do {
		int r = mem_grow(&a->text, &cap, a->len + 4096);
		if (r < 0)
			return r;
		n = read(fd, a->text + a->len, cap - a->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sonde_fail_errno(-errno, "cannot read '%s'", from);
		if (memchr(a->text + a->len, '\0', (size_t)n))
			return sonde_fail(-EBADMSG,
					  "'%s' is no script: it has bytes that are no text", from);
		a->len += (size_t)n;
		if (a->len > PARSE_BYTES_MOST)
			return sonde_fail(-E2BIG, "'%s' is longer than %d bytes", from,
					  PARSE_BYTES_MOST);
	} while (n != 0);
	a->text[a->len] = '\0';
	return 0;
}

/* Whether it is meant as a file: it is one, or says so by a slash or its ending. */
static bool names_file(const char *what)
{
	const size_t len = strlen(what);
	struct stat st;

	if (strchr(what, '/') || (len > 3 && !strcmp(what + len - 3, ".bt")) ||
	    (len > 2 && !strcmp(what + len - 2, ".d")))
		return true;
	return stat(what, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* What people mean who leave an option out. */
static int check_name(const char *what)
{
	struct stat st;

	if (stat(what, &st) != 0)
		return strchr(what, '{')
			       ? sonde_fail(-EINVAL,
					    "'%s' is no file: the text of a script stands "
					    "behind -e",
					    what)
			       : 0;
	return S_ISDIR(st.st_mode)
		       ? sonde_fail(-EISDIR, "'%s' is a folder: a trace stands behind -t", what)
		       : 0;
}

int script_arg_read(struct script_arg *a, const char *what)
{
	*a = (struct script_arg){ 0 };
	if (!strcmp(what, "-")) {
		a->name = "stdin";
		return read_all(a, STDIN_FILENO);
	}
	const bool is_file = names_file(what);
	int r = is_file ? 0 : tool_find(what, &a->path);
	if (r == -ENOENT || is_file) {
		const int other = check_name(what);

		r = other < 0 ? other : r;
	}
	if (r < 0)
		return r;
	if (is_file) {
		a->path = strdup(what);
		if (!a->path)
			return sonde_fail(-ENOMEM, "out of memory");
	}
	const char *slash = strrchr(a->path, '/');
	a->name = slash ? slash + 1 : a->path;
	sonde_auto(mem_closep) int fd = open(a->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot open '%s'", a->path);
	return read_all(a, fd);
}

void command_words_fini(struct command_words *w)
{
	free(w->argv);
	free(w->text);
	*w = (struct command_words){ 0 };
}

/* Copies one word at @from to @to; returns where it ends. NULL: a quote is open. */
static const char *take_word(const char *from, char **to)
{
	char quote = '\0';

	for (; *from && (quote || !strchr(" \t\n", *from)); from++) {
		if (*from == quote) {
			quote = '\0';
		} else if (!quote && (*from == '\'' || *from == '"')) {
			quote = *from;
		} else {
			if (*from == '\\' && quote != '\'' && from[1])
				from++;
			*(*to)++ = *from;
		}
	}
	*(*to)++ = '\0';
	return quote ? NULL : from;
}

int command_words_split(struct command_words *w, const char *text)
{
	const size_t len = strlen(text);

	*w = (struct command_words){ 0 };
	w->text = malloc(len + 1);
	w->argv = calloc(len / 2 + 2, sizeof(*w->argv)); // a word has a letter and a blank
	if (!w->text || !w->argv)
		return sonde_fail(-ENOMEM, "out of memory");
	char *to = w->text;
	const char *from = text + strspn(text, " \t\n");
	while (*from) {
		w->argv[w->n++] = to;
		from = take_word(from, &to);
		if (!from)
			return sonde_fail(-EINVAL, "command '%s': a quote is not closed", text);
		from += strspn(from, " \t\n");
	}
	if (!w->n)
		return sonde_fail(-EINVAL, "command '%s': there is no word in it", text);
	return 0;
}
