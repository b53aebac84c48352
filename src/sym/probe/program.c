/* SPDX-License-Identifier: MIT */
/** Finds the file of a program or library that a script names, here or in a process's root. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>
#include <sonde/span.h>

#include "sym/probe/elf_funcs.h"
#include "sym/probe/ld_cache.h"

enum { CACHE_MOST = 1 << 26 };

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#else
enum { MACHINE = EM_NONE };
#endif

struct search {
	const char *name;
	pid_t pid; /* 0: none */
	char found[PATH_MAX];
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "libc" is libc.so.6, libc.so and libc-2.31.so, not libcrypto.so; "libc.so" is libc.so.6. */
static bool is_library(const char *name, const char *file)
{
	size_t n = strlen(name);

	if (strncmp(name, file, n) != 0)
		return false;
	if (!file[n])
		return true;
	if (strstr(name, ".so"))
		return file[n] == '.';
	if (!strncmp(file + n, ".so", 3))
		return file[n + 3] == '.' || !file[n + 3];
	size_t version = file[n] == '-' ? strspn(file + n + 1, "0123456789.") : 0;
	return version > 0 && !strncmp(file + n + version, ".so", 3);
}

/* Whether it is an ELF file that this machine runs. */
static bool is_ours(const char *path)
{
	unsigned char head[EI_NIDENT + 4];

	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || read(fd, head, sizeof(head)) != (ssize_t)sizeof(head))
		return false;
	return !memcmp(head, ELFMAG, SELFMAG) && head[EI_CLASS] == ELFCLASS64 &&
	       (head[EI_NIDENT + 2] | head[EI_NIDENT + 3] << 8) == MACHINE;
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return !stat(a, &sa) && !stat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* The path as we can open it: below the process's root where that is another one. */
static bool reach(struct search *s, const char *path)
{
	char below[PATH_MAX];

	if (s->pid <= 0) {
		(void)snprintf(s->found, sizeof(s->found), "%s", path);
		return access(path, F_OK) == 0;
	}
	int n = snprintf(below, sizeof(below), "/proc/%d/root%s", s->pid, path);
	if (n < 0 || (size_t)n >= sizeof(below) || access(below, F_OK) < 0)
		return false;
	(void)snprintf(s->found, sizeof(s->found), "%s", is_same_file(below, path) ? path : below);
	return true;
}

/* The path in a line of /proc/PID/maps, where it is a file; NULL: it is none. */
static char *mapped_path(char *line)
{
	unsigned long inode = 0;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%*x-%*x %*s %*x %*x:%*x %lu %n", &inode, &at) < 1 || !inode || !at)
		return NULL;
	char *gone = strstr(line + at, " (deleted)");
	return line[at] == '/' && !gone ? line + at : NULL;
}

/* What the process has mapped: itself, and its libraries. */
static bool find_mapped(struct search *s)
{
	char path[64], *line = NULL;
	bool found = false;
	size_t cap = 0;

	if (s->pid <= 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", s->pid);
	FILE *f = fopen(path, "re");
	while (f && !found && getline(&line, &cap, f) > 0) {
		const char *file = mapped_path(line);

		found = file && is_library(s->name, last_part(file)) && reach(s, file);
	}
	if (f)
		(void)fclose(f);
	free(line);
	return found;
}

/* A file of the name in one of the folders "a:b:c". */
static bool find_in(struct search *s, const char *folders, bool (*is_it)(const char *path))
{
	char path[PATH_MAX];

	for (const char *p = folders; p && *p;) {
		size_t len = strcspn(p, ":");
		int n = snprintf(path, sizeof(path), "%.*s/%s", (int)len, p, s->name);

		if (len && *p == '/' && n > 0 && (size_t)n < sizeof(path) && is_it(path) &&
		    reach(s, path))
			return true;
		p += len;
		p += *p == ':';
	}
	return false;
}

static bool is_command(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

static int take_library(void *arg, const char *name, const char *path)
{
	struct search *s = arg;

	return *path == '/' && is_library(s->name, name) && is_ours(path) && reach(s, path);
}

static bool find_cached(struct search *s)
{
	struct stat st;
	bool found = false;

	sonde_auto(mem_closep) int fd = open("/etc/ld.so.cache", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > CACHE_MOST)
		return false;
	uint8_t *bytes = malloc((size_t)st.st_size);
	ssize_t n = bytes ? read(fd, bytes, (size_t)st.st_size) : 0;
	if (n > 0)
		found = ld_cache_each((struct sonde_span){ bytes, (size_t)n }, take_library, s) ==
			1;
	free(bytes);
	return found;
}

static bool find_by_name(struct search *s)
{
	static const char folders[] = "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:"
				      "/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu:"
				      "/lib64:/usr/lib64:/lib:/usr/lib:/usr/local/lib";

	return find_mapped(s) || find_in(s, getenv("PATH"), is_command) ||
	       find_in(s, getenv("LD_LIBRARY_PATH"), is_ours) || find_cached(s) ||
	       find_in(s, folders, is_ours);
}

static int find_by_path(struct search *s)
{
	char path[PATH_MAX], here[PATH_MAX] = "";
	const char *name = s->name;

	while (!strncmp(name, "./", 2))
		name += 1 + strspn(name + 1, "/");
	if (*name != '/' && !getcwd(here, sizeof(here)))
		return sonde_fail_errno(-errno, "'%s': no current folder", s->name);
	int n = snprintf(path, sizeof(path), "%s%s%s", here, *here ? "/" : "", name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return sonde_fail(-ENAMETOOLONG, "'%s'", s->name);
	if (reach(s, path))
		return 0;
	if (s->pid > 0)
		return sonde_fail(-ENOENT, "there is no file '%s' (as process %d sees it)", path,
				  s->pid);
	return sonde_fail(-ENOENT, "there is no file '%s'", path);
}

int program_find(const char *name, pid_t pid, char **ret)
{
	struct search s = { .name = name, .pid = pid > 0 ? pid : 0 };
	int r = 0;

	if (!*name)
		return sonde_fail(-ENOENT, "a program without a name");
	if (strchr(name, '/'))
		r = find_by_path(&s);
	else if (!find_by_name(&s))
		r = sonde_fail(-ENOENT, "there is no command '%s' in $PATH, and no such library",
			       name);
	if (r < 0)
		return r;
	*ret = strdup(s.found);
	return *ret ? 0 : sonde_fail(-ENOMEM, "'%s': out of memory", name);
}

const char *program_moved_to(const char *path)
{
	static const char *const moved[] = { "libpthread", "libdl", "librt", "libutil", "libanl" };

	for (size_t i = 0; i < MEM_LEN(moved); i++) {
		if (is_library(moved[i], last_part(path)))
			return "libc";
	}
	return NULL;
}
