/* SPDX-License-Identifier: MIT */
/** The C preprocessor over a script in D: -C, -D, -U, -I, -H. */
#include "cmd/script_cpp.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"

extern char **environ;

enum { WORDS_MOST = 2 * SCRIPT_CPP_ARGS + 16, TEXT_MOST = 64 << 20 };

int script_cpp_set(struct script_cpp *c, char key, const char *value)
{
	if (key == 'C') {
		c->is_wanted = true;
		return 0;
	}
	if (c->n_args == SCRIPT_CPP_ARGS)
		return sonde_fail(-EINVAL, "more than %d options for the preprocessor",
				  SCRIPT_CPP_ARGS);
	c->args[c->n_args].key = key;
	c->args[c->n_args++].value = value;
	return 0;
}

/* Its first line, "#!...", is none of C's; what comes is line 1 of @name. */
static void add_script(const char *text, const char *name, struct strbuf *ret)
{
	strbuf_fmt(ret, "# 1 \"%s\"\n", name);
	if (!strncmp(text, "#!", 2))
		text += strcspn(text, "\n");
	strbuf_str(ret, text);
}

/* Without -C, names are defined by lines before the script: the parser knows these itself. */
static int define(const struct script_cpp *c, const char *text, const char *name, char **ret)
{
	struct strbuf all = { 0 };

	for (size_t i = 0; i < c->n_args; i++) {
		const char *value = c->args[i].value;
		const char *equal = value ? strchr(value, '=') : NULL;

		if (c->args[i].key == 'U')
			strbuf_fmt(&all, "#undef %s\n", value);
		else if (c->args[i].key == 'D' && equal)
			strbuf_fmt(&all, "#define %.*s %s\n", (int)(equal - value), value,
				   equal + 1);
		else if (c->args[i].key == 'D')
			strbuf_fmt(&all, "#define %s 1\n", value);
	}
	if (all.len)
		add_script(text, name, &all);
	if (strbuf_ok(&all) < 0) {
		strbuf_fini(&all);
		return -ENOMEM;
	}
	*ret = all.data;
	return 0;
}

/* A file in memory with a text, to be read from its begin; a negative errno. */
static int memory_file(const struct strbuf *text)
{
	sonde_auto(mem_closep) int fd = memfd_create("sonde-cpp", MFD_CLOEXEC);
	size_t at = 0;

	if (fd < 0)
		return sonde_fail_errno(-errno, "no file in memory for the preprocessor");
	while (at < text->len) {
		const ssize_t n = write(fd, text->data + at, text->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return sonde_fail_errno(n < 0 ? -errno : -EIO, "the preprocessor's text");
		at += (size_t)n;
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return sonde_fail_errno(-errno, "the preprocessor's text");
	return mem_take_fd(&fd);
}

static int read_all(int fd, char **ret)
{
	struct stat st;
	size_t at = 0;

	if (fstat(fd, &st) < 0)
		return sonde_fail_errno(-errno, "what the preprocessor gave");
	if (st.st_size > TEXT_MOST)
		return sonde_fail(-E2BIG, "the preprocessor gave %lld bytes",
				  (long long)st.st_size);
	sonde_auto(mem_freep) char *text = malloc((size_t)st.st_size + 1);
	if (!text)
		return sonde_fail(-ENOMEM, "out of memory");
	while (at < (size_t)st.st_size) {
		const ssize_t n = pread(fd, text + at, (size_t)st.st_size - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return sonde_fail_errno(n < 0 ? -errno : -EIO,
						"what the preprocessor gave");
		at += (size_t)n;
	}
	text[at] = '\0';
	if (strlen(text) != at)
		return sonde_fail(-EBADMSG, "the preprocessor gave bytes of 0");
	*ret = sonde_take(text);
	return 0;
}

/* Runs it from one descriptor to the other. */
static int spawn(char *const *argv, int in, int out)
{
	posix_spawn_file_actions_t files;
	pid_t pid = 0;
	int status = 0;

	int r = -posix_spawn_file_actions_init(&files);
	if (r < 0)
		return sonde_fail_errno(r, "cannot run 'cpp'");
	r = -posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	if (!r)
		r = -posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	if (!r)
		r = -posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	if (r == -ENOENT)
		return sonde_fail(
			r, "there is no C preprocessor for '-C': the program 'cpp' is in the "
			   "package cpp");
	if (r < 0)
		return sonde_fail_errno(r, "cannot run 'cpp'");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return sonde_fail_errno(-errno, "waiting for 'cpp'");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return sonde_fail(-EINVAL, "the C preprocessor has failed");
	return 0;
}

/* The names that DTrace's own scripts ask for. */
static size_t words(const struct script_cpp *c, const char *dir, const char **ret)
{
	static const char *const first[] = { "cpp",
					     "-xc",
					     "-w",
					     "-D__linux",
					     "-D__unix",
					     "-D__SUNW_D=1",
					     "-D__SUNW_D_VERSION=0x01000000" };
	static const char *const options[] = {
		['D'] = "-D", ['U'] = "-U", ['I'] = "-I", ['H'] = "-H"
	};
	size_t n = 0;

	for (size_t i = 0; i < MEM_LEN(first); i++)
		ret[n++] = first[i];
	if (dir) {
		ret[n++] = "-iquote";
		ret[n++] = dir;
	}
	for (size_t i = 0; i < c->n_args; i++) {
		ret[n++] = options[(unsigned char)c->args[i].key];
		if (c->args[i].value)
			ret[n++] = c->args[i].value;
	}
	ret[n] = NULL;
	return n;
}

int script_cpp_run(const struct script_cpp *c, const char *text, const char *name, const char *dir,
		   char **ret)
{
	sonde_auto(strbuf_fini) struct strbuf script = { 0 }, none = { 0 };
	const char *argv[WORDS_MOST];

	*ret = NULL;
	if (!c->is_wanted)
		return define(c, text, name, ret);
	add_script(text, name, &script);
	int r = strbuf_ok(&script);
	if (r < 0)
		return r;
	sonde_auto(mem_closep) int in = memory_file(&script), out = memory_file(&none);
	if (in < 0 || out < 0)
		return in < 0 ? in : out;
	(void)words(c, dir, argv);
	r = spawn((char *const *)argv, in, out);
	return r < 0 ? r : read_all(out, ret);
}
