/* SPDX-License-Identifier: MIT */
/** Descriptors of processes: tables that are shared, copied and emptied as the kernel does it. */
#include "analysis/files/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/u64map.h"

enum {
	FILES_MOST = 1 << 20,
	FDS_MOST = 1 << 22, /* of all tables */
	PATH_MOST = 4096,
	WORDS_MOST = 31,
	FILE_BITS = 29, /* of an entry; above are the bits of cloexec */
	CLOEXEC_YES = 1 << FILE_BITS,
	CLOEXEC_NO = 2 << FILE_BITS,
};
static const uint64_t names_most = UINT64_C(1) << 28; /* bytes */

struct fd_table {
	uint32_t serial;
	uint32_t users; /* threads */
	uint32_t gap;	/* the host's number of gaps that it is from */
	bool several;	/* processes have it */
	const struct kernel_thread *owner;
	const char *cwd;   /* NULL: unknown; the arena's */
	struct u64map fds; /* descriptor -> file and bits */
};

/* Whose table a thread has, and of which process it was known to be then. */
struct binding {
	struct fd_table *table;
	int64_t pid;
};

struct fd_tables {
	struct fd_file *files; /* owned */
	size_t n_files, cap_files;
	struct u64map by_name, by_owner; /* hash of host and name, table and fd -> file */
	struct fd_table **tables;	 /* owned; NULL: nobody's any more */
	size_t n_tables, cap_tables;
	struct binding *bound; /* owned, by thread index */
	size_t cap_bound;
	struct u64map by_pid;	       /* host and process -> table */
	const char *words[WORDS_MOST]; /* of files without names */
	size_t n_words;
	struct arena arena; /* names */
	uint64_t n_fds, over;
};

int fd_tables_new(struct fd_tables **ret)
{
	struct fd_tables *s = calloc(1, sizeof(*s));

	if (!s)
		return sonde_fail(-ENOMEM, "out of memory for files");
	*ret = s;
	return 0;
}

static void table_free(struct fd_tables *s, struct fd_table *t)
{
	if (!t)
		return;
	s->n_fds -= t->fds.n;
	s->tables[t->serial] = NULL;
	u64map_fini(&t->fds);
	free(t);
}

void fd_tables_free(struct fd_tables *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_tables; i++)
		table_free(s, s->tables[i]);
	free(s->tables);
	free(s->files);
	free(s->bound);
	u64map_fini(&s->by_name);
	u64map_fini(&s->by_owner);
	u64map_fini(&s->by_pid);
	arena_fini(&s->arena);
	free(s);
}

const struct fd_file *fd_tables_file(const struct fd_tables *s, size_t i)
{
	return &s->files[i];
}

size_t fd_tables_n_files(const struct fd_tables *s)
{
	return s->n_files;
}

uint64_t fd_tables_over(const struct fd_tables *s)
{
	return s->over;
}

/* Tables of threads. */

static uint64_t pid_key(const struct kernel_thread *t)
{
	return (uint64_t)t->host->trace->index << 40 ^ (uint64_t)t->pid;
}

static struct fd_table *by_pid(const struct fd_tables *s, const struct kernel_thread *t)
{
	uint32_t i;

	return t->pid >= 0 && u64map_get(&s->by_pid, pid_key(t), &i) ? s->tables[i] : NULL;
}

static int table_new(struct fd_tables *s, const struct kernel_thread *t, struct fd_table **ret)
{
	int r = mem_grow(&s->tables, &s->cap_tables, s->n_tables + 1);

	if (r < 0)
		return r;
	struct fd_table *table = calloc(1, sizeof(*table));
	if (!table)
		return sonde_fail(-ENOMEM, "out of memory for files");
	*table = (struct fd_table){
		.serial = (uint32_t)s->n_tables,
		.gap = t->host->gap,
		.owner = t,
	};
	s->tables[s->n_tables++] = table;
	*ret = table;
	return 0;
}

static void release(struct fd_tables *s, struct binding *b)
{
	struct fd_table *table = b->table;

	b->table = NULL;
	if (table && !--table->users)
		table_free(s, table);
}

static int bind(struct fd_tables *s, const struct kernel_thread *t, struct fd_table *table)
{
	const size_t old = s->cap_bound;

	if (t->index >= old) {
		int r = mem_grow(&s->bound, &s->cap_bound, (size_t)t->index + 1);
		if (r < 0)
			return r;
		memset(s->bound + old, 0, (s->cap_bound - old) * sizeof(*s->bound));
	}
	sonde_dcheck(s->bound); // for it has room
	struct binding *b = &s->bound[t->index];
	table->users++;
	release(s, b);
	*b = (struct binding){ table, t->pid };
	if (t->pid < 0)
		return 0;
	return u64map_put(&s->by_pid, pid_key(t), table->serial);
}

/* A new table, empty or a copy of @from, for @t alone. */
static int bind_new(struct fd_tables *s, const struct kernel_thread *t, const struct fd_table *from)
{
	struct fd_table *table = NULL;
	uint64_t fd;
	uint32_t v;
	size_t at = 0;
	int r = table_new(s, t, &table);

	if (r < 0)
		return r;
	while (r >= 0 && from && u64map_next(&from->fds, &at, &fd, &v)) {
		if (s->n_fds >= FDS_MOST) {
			s->over++;
			continue;
		}
		r = u64map_put(&table->fds, fd, v);
		s->n_fds += r >= 0;
	}
	table->cwd = from ? from->cwd : NULL;
	if (r >= 0)
		r = bind(s, t, table);
	if (!table->users)
		table_free(s, table);
	return r;
}

static int32_t file_of(uint32_t v)
{
	return (int32_t)(v & ((1U << FILE_BITS) - 1));
}

static int word_nr(struct fd_tables *s, const char *word)
{
	size_t i = 0;

	while (i < s->n_words && word && strcmp(s->words[i], word) != 0)
		i++;
	if (!word)
		return 0;
	if (i == s->n_words && i < WORDS_MOST)
		s->words[s->n_words++] = word;
	return (int)i + 1;
}

static uint64_t owner_key(struct fd_tables *s, const struct fd_table *table, const char *word,
			  int32_t fd)
{
	return (uint64_t)table->serial << 40 | (uint64_t)word_nr(s, word) << 32 | (uint32_t)fd;
}

/*
 * A descriptor that was used while its file was not known is open since: that was its file. Later
 * ones of that number are others.
 */
static void learn_name(struct fd_tables *s, const struct fd_table *table, uint64_t fd, uint32_t v,
		       const char *name)
{
	struct fd_file *f = &s->files[file_of(v)];

	if (!name || f->name || f->word || f->owner != table->owner || (uint64_t)f->fd != fd)
		return;
	f->name = name;
	u64map_del(&s->by_owner, owner_key(s, table, NULL, f->fd));
}

/* What one of two tables for the same process knows more. */
static int merge(struct fd_tables *s, struct fd_table *into, const struct fd_table *from)
{
	uint64_t fd;
	uint32_t v, old;
	size_t at = 0;
	int r = 0;

	while (r >= 0 && u64map_next(&from->fds, &at, &fd, &v)) {
		if (u64map_get(&into->fds, fd, &old)) {
			learn_name(s, from, fd, v, s->files[file_of(old)].name);
			learn_name(s, into, fd, old, s->files[file_of(v)].name);
		} else if (s->n_fds < FDS_MOST) {
			r = u64map_put(&into->fds, fd, v);
			s->n_fds += r >= 0;
		} else {
			s->over++;
		}
	}
	if (!into->cwd)
		into->cwd = from->cwd;
	return r;
}

static void forget(struct fd_tables *s, struct fd_table *table)
{
	s->n_fds -= table->fds.n;
	u64map_fini(&table->fds);
	table->fds = (struct u64map){ 0 };
	table->cwd = NULL;
}

static int table_of(struct fd_tables *s, const struct kernel_thread *t, struct fd_table **ret)
{
	struct binding *b = t->index < s->cap_bound ? &s->bound[t->index] : NULL;
	int r = 0;

	if (!b || !b->table || b->pid != t->pid) {
		struct fd_table *process = by_pid(s, t);

		if (process && b && b->table && process != b->table)
			r = merge(s, process, b->table);
		if (process && r >= 0)
			r = bind(s, t, process);
		else if (r >= 0)
			r = b && b->table ? bind(s, t, b->table) : bind_new(s, t, NULL);
		if (r < 0)
			return r;
	}
	*ret = s->bound[t->index].table;
	// What was lost may have closed any, and opened others.
	if ((*ret)->gap != t->host->gap)
		forget(s, *ret);
	(*ret)->gap = t->host->gap;
	return 0;
}

/* Files. */

static int file_new(struct fd_tables *s, const struct fd_file *f, int32_t *ret)
{
	*ret = FD_FILE_NONE;
	if (s->n_files >= FILES_MOST) {
		s->over++;
		return 0;
	}
	int r = mem_grow(&s->files, &s->cap_files, s->n_files + 1);
	if (r < 0)
		return r;
	s->files[s->n_files] = *f;
	*ret = (int32_t)s->n_files++;
	return 0;
}

static int named(struct fd_tables *s, const struct kernel_host *host, struct sonde_span name,
		 int32_t *ret)
{
	uint64_t h = hash_bytes(HASH_BEGIN + host->trace->index, name.data, name.len);
	uint32_t i;

	for (h ^= h >> 31; u64map_get(&s->by_name, h, &i); h++) {
		const struct fd_file *f = &s->files[i];

		if (f->host == host && strlen(f->name) == name.len &&
		    !memcmp(f->name, name.data, name.len)) {
			*ret = (int32_t)i;
			return 0;
		}
	}
	struct fd_file f = { .host = host, .fd = -1, .fd2 = -1 };
	if (s->arena.used > names_most) {
		s->over++;
		*ret = FD_FILE_NONE;
		return 0;
	}
	f.name = arena_strndup(&s->arena, (const char *)name.data, name.len);
	int r = f.name ? file_new(s, &f, ret) : -ENOMEM;
	return r < 0 || *ret < 0 ? r : u64map_put(&s->by_name, h, (uint32_t)*ret);
}

/* @name behind the folder @dir, in @buf; or as it is. */
static struct sonde_span join(const char *dir, struct sonde_span name, char *buf, size_t cap)
{
	const size_t n = dir ? strlen(dir) : 0;

	if (!n || n + 1 + name.len > cap)
		return name;
	while (name.len > 2 && !memcmp(name.data, "./", 2)) {
		name.data += 2;
		name.len -= 2;
	}
	memcpy(buf, dir, n);
	buf[n] = '/';
	const size_t slash = dir[n - 1] != '/';
	memcpy(buf + n + slash, name.data, name.len);
	return (struct sonde_span){ (const uint8_t *)buf, n + slash + name.len };
}

static bool is_whole(struct sonde_span path)
{
	return path.len && path.data[0] == '/';
}

/* The folder of a descriptor, or NULL. */
static const char *folder_of(const struct fd_tables *s, const struct fd_table *table, int32_t fd)
{
	uint32_t v;

	if (fd == AT_FDCWD)
		return table->cwd;
	if (fd < 0 || !u64map_get(&table->fds, (uint64_t)fd, &v))
		return NULL;
	const char *name = s->files[file_of(v)].name;
	return name && name[0] == '/' ? name : NULL;
}

int fd_tables_path(struct fd_tables *s, const struct kernel_thread *t, int32_t dirfd,
		   struct sonde_span path, int32_t *ret)
{
	char buf[2 * PATH_MOST];
	struct fd_table *table;
	int r = table_of(s, t, &table);

	if (r < 0)
		return r;
	if (path.len > PATH_MOST)
		path.len = PATH_MOST;
	if (!is_whole(path))
		path = join(folder_of(s, table, dirfd), path, buf, sizeof(buf));
	return named(s, t->host, path, ret);
}

static int unnamed(struct fd_tables *s, struct fd_table *table, const struct fd_file *f,
		   int32_t *ret)
{
	const uint64_t key = owner_key(s, table, f->word, f->fd);
	uint32_t i;

	if (u64map_get(&s->by_owner, key, &i) && s->files[i].fd2 == f->fd2) {
		*ret = (int32_t)i;
		return 0;
	}
	int r = file_new(s, f, ret);
	return r < 0 || *ret < 0 ? r : u64map_put(&s->by_owner, key, (uint32_t)*ret);
}

int fd_tables_unnamed(struct fd_tables *s, const struct kernel_thread *t, const char *word,
		      int32_t fd, int32_t fd2, int32_t *ret)
{
	struct fd_table *table;
	int r = table_of(s, t, &table);

	if (r < 0)
		return r;
	const struct fd_file f = { t->host, NULL, word, table->owner, fd, fd2 };
	return unnamed(s, table, &f, ret);
}

/* Entries. */

static uint32_t entry(int32_t file, int cloexec)
{
	return (uint32_t)file | (cloexec < 0 ? 0U : (uint32_t)(cloexec ? CLOEXEC_YES : CLOEXEC_NO));
}

static void drop(struct fd_tables *s, struct fd_table *table, uint64_t fd)
{
	const size_t before = table->fds.n;

	u64map_del(&table->fds, fd);
	s->n_fds -= before - table->fds.n;
}

static int put(struct fd_tables *s, struct fd_table *table, int32_t fd, uint32_t v)
{
	const size_t before = table->fds.n;

	if (s->n_fds >= FDS_MOST && !u64map_replace(&table->fds, (uint64_t)fd, v)) {
		s->over++;
		return 0;
	}
	int r = u64map_put(&table->fds, (uint64_t)fd, v);
	s->n_fds += table->fds.n - before;
	return r;
}

int fd_tables_get(struct fd_tables *s, const struct kernel_thread *t, int32_t fd, bool is_open,
		  int32_t *ret)
{
	struct fd_table *table;
	uint32_t v;
	int r = table_of(s, t, &table);

	if (r < 0)
		return r;
	if (fd >= 0 && u64map_get(&table->fds, (uint64_t)fd, &v)) {
		*ret = file_of(v);
		return 0;
	}
	r = fd_tables_unnamed(s, t, NULL, fd, -1, ret);
	if (r < 0 || *ret < 0 || !is_open || fd < 0)
		return r;
	return put(s, table, fd, entry(*ret, FD_CLOEXEC_UNKNOWN));
}

int fd_tables_set(struct fd_tables *s, const struct kernel_thread *t, int32_t fd, int32_t file,
		  int cloexec)
{
	struct fd_table *table;
	int r = table_of(s, t, &table);

	if (r < 0 || fd < 0)
		return r;
	if (file >= 0)
		return put(s, table, fd, entry(file, cloexec));
	drop(s, table, (uint64_t)fd);
	return 0;
}

int fd_tables_dup(struct fd_tables *s, const struct kernel_thread *t, int32_t from, int32_t to,
		  int cloexec)
{
	int32_t file;
	int r = fd_tables_get(s, t, from, /* is_open= */ true, &file);

	return r < 0 || from == to ? r : fd_tables_set(s, t, to, file, cloexec);
}

/* Calls @f with each descriptor of a range that is known; these may go meanwhile. */
static int each(struct fd_tables *s, struct fd_table *table, uint32_t first, uint32_t last,
		int (*f)(struct fd_tables *s, struct fd_table *table, uint64_t fd, uint32_t v,
			 int arg),
		int arg)
{
	uint64_t *all = NULL, fd;
	uint32_t v;
	size_t n = 0, at = 0;
	int r = 0;

	if (first == last) {
		if (u64map_get(&table->fds, first, &v))
			r = f(s, table, first, v, arg);
		return r;
	}
	if (!table->fds.n)
		return 0;
	all = calloc(table->fds.n, sizeof(*all));
	if (!all)
		return sonde_fail(-ENOMEM, "out of memory for files");
	while (u64map_next(&table->fds, &at, &fd, &v)) {
		if (fd >= first && fd <= last)
			all[n++] = fd;
	}
	for (size_t i = 0; i < n && r >= 0; i++) {
		if (u64map_get(&table->fds, all[i], &v))
			r = f(s, table, all[i], v, arg);
	}
	free(all);
	return r;
}

static int set_cloexec(struct fd_tables *s, struct fd_table *table, uint64_t fd, uint32_t v,
		       int cloexec)
{
	(void)s;
	(void)u64map_replace(&table->fds, fd, entry(file_of(v), cloexec));
	return 0;
}

enum { CLOSES_ALL, CLOSES_CLOEXEC /* and what may be so */ };

static int close_one(struct fd_tables *s, struct fd_table *table, uint64_t fd, uint32_t v,
		     int which)
{
	if (which == CLOSES_ALL || !(v & CLOEXEC_NO))
		drop(s, table, fd);
	return 0;
}

int fd_tables_cloexec(struct fd_tables *s, const struct kernel_thread *t, uint32_t first,
		      uint32_t last, int cloexec)
{
	struct fd_table *table;
	int r = table_of(s, t, &table);

	return r < 0 ? r : each(s, table, first, last, set_cloexec, cloexec);
}

int fd_tables_close(struct fd_tables *s, const struct kernel_thread *t, uint32_t first,
		    uint32_t last)
{
	struct fd_table *table;
	int r = table_of(s, t, &table);

	return r < 0 ? r : each(s, table, first, last, close_one, CLOSES_ALL);
}

int fd_tables_told(struct fd_tables *s, const struct kernel_thread *t, int32_t fd,
		   struct sonde_span path, int cloexec)
{
	struct fd_table *table;
	int32_t file;
	uint32_t v;
	int r = table_of(s, t, &table);

	if (r < 0 || fd < 0 || !path.len)
		return r;
	if (!u64map_get(&table->fds, (uint64_t)fd, &v)) {
		r = fd_tables_path(s, t, AT_FDCWD, path, &file);
		return r < 0 || file < 0 ? r : put(s, table, fd, entry(file, cloexec));
	}
	r = fd_tables_path(s, t, AT_FDCWD, path, &file);
	if (r < 0)
		return r;
	if (file >= 0)
		learn_name(s, table, (uint64_t)fd, v, s->files[file].name);
	if (!(v & (CLOEXEC_YES | CLOEXEC_NO)))
		r = put(s, table, fd, entry(file_of(v), cloexec));
	return r;
}

int fd_tables_chdir(struct fd_tables *s, const struct kernel_thread *t, int32_t file)
{
	struct fd_table *table;
	int r = table_of(s, t, &table);

	if (r < 0)
		return r;
	const char *name = file >= 0 ? s->files[file].name : NULL;
	table->cwd = name && name[0] == '/' ? name : NULL;
	return 0;
}

/* Births and ends. */

int fd_tables_born(struct fd_tables *s, const struct kernel_thread *t, bool shares)
{
	struct fd_table *from = NULL;
	int r = t->parent && t->parent != t ? table_of(s, t->parent, &from) : 0;

	if (r < 0 || !from)
		return r < 0 || t->pid != t->tid ? r : bind_new(s, t, NULL);
	const bool thread = t->pid >= 0 && t->pid == t->parent->pid;
	if (!thread && !shares)
		return bind_new(s, t, from);
	from->several |= !thread;
	return bind(s, t, from);
}

int fd_tables_joined(struct fd_tables *s, const struct kernel_thread *t)
{
	struct fd_table *table;

	// One that was never asked for starts with what its process has.
	if (t->index >= s->cap_bound || !s->bound[t->index].table)
		return 0;
	return table_of(s, t, &table);
}

int fd_tables_unshare(struct fd_tables *s, const struct kernel_thread *t)
{
	struct fd_table *table;
	int r = table_of(s, t, &table);

	return r < 0 || table->users < 2 ? r : bind_new(s, t, table);
}

int fd_tables_exec(struct fd_tables *s, const struct kernel_thread *t)
{
	struct fd_table *table;
	int r = table_of(s, t, &table);

	// Its other threads end; other processes keep theirs.
	if (r >= 0 && table->several)
		r = fd_tables_unshare(s, t);
	if (r >= 0)
		r = table_of(s, t, &table);
	return r < 0 ? r : each(s, table, 0, UINT32_MAX, close_one, CLOSES_CLOEXEC);
}

void fd_tables_exit(struct fd_tables *s, const struct kernel_thread *t)
{
	struct fd_table *table = t->index < s->cap_bound ? s->bound[t->index].table : NULL;

	if (table && !table->several)
		forget(s, table);
}

void fd_tables_gone(struct fd_tables *s, const struct kernel_thread *t)
{
	uint32_t i;

	if (t->index >= s->cap_bound || !s->bound[t->index].table)
		return;
	const struct fd_table *table = s->bound[t->index].table;
	if (t->pid >= 0 && u64map_get(&s->by_pid, pid_key(t), &i) && i == table->serial &&
	    (t->pid == t->tid || table->users == 1))
		u64map_del(&s->by_pid, pid_key(t));
	release(s, &s->bound[t->index]);
}
