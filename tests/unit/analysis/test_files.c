/* SPDX-License-Identifier: MIT */
/** Tests tables of descriptors: shared, copied, emptied, and what is called how. */
#include "analysis/files/tables.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "test.h"

enum { N_THREADS = 6 };

/* A host with a few threads: the first two are of one process, of the others nothing is known. */
struct world {
	struct sonde_trace trace;
	struct kernel_host host;
	struct kernel_thread t[N_THREADS];
	struct fd_tables *tables;
	int err;
};

static void world_init(struct world *w)
{
	*w = (struct world){ .trace = { .index = 0 } };
	w->host.trace = &w->trace;
	for (int i = 0; i < N_THREADS; i++)
		w->t[i] = (struct kernel_thread){
			.host = &w->host,
			.index = (uint32_t)i,
			.tid = 10 + i,
			.pid = i < 2 ? 10 : -1,
		};
	w->err = fd_tables_new(&w->tables);
}

static struct sonde_span span(const char *s)
{
	return (struct sonde_span){ (const uint8_t *)s, strlen(s) };
}

static int put(struct world *w, int t, int fd, const char *path, int cloexec)
{
	int32_t file = FD_FILE_NONE;
	int r = fd_tables_path(w->tables, &w->t[t], AT_FDCWD, span(path), &file);

	return r < 0 ? r : fd_tables_set(w->tables, &w->t[t], fd, file, cloexec);
}

/* What a thread has as a descriptor: its path, or "WORD FD of TID". */
static const char *get(struct world *w, int t, int fd)
{
	static char text[128];
	int32_t file = FD_FILE_NONE;

	if (fd_tables_get(w->tables, &w->t[t], fd, /* is_open= */ true, &file) < 0 || file < 0)
		return "none";
	const struct fd_file *f = fd_tables_file(w->tables, (size_t)file);
	if (f->name)
		return f->name;
	(void)snprintf(text, sizeof(text), "%s %d of %d", f->word ? f->word : "fd", f->fd,
		       (int)f->owner->tid);
	return text;
}

TEST(threads_share_and_forks_copy)
{
	struct world w;

	world_init(&w);
	EXPECT_EQ(put(&w, 0, 3, "/a", 0), 0);
	EXPECT_STR(get(&w, 1, 3), "/a");
	w.t[2].parent = &w.t[1];
	w.t[2].pid = 12;
	EXPECT_EQ(fd_tables_born(w.tables, &w.t[2], /* shares= */ false), 0);
	EXPECT_EQ(put(&w, 0, 3, "/b", 0), 0);
	EXPECT_STR(get(&w, 2, 3), "/a");
	EXPECT_STR(get(&w, 1, 3), "/b");
	// One that shares sees all, until it runs another program.
	w.t[3].parent = &w.t[0];
	w.t[3].pid = 13;
	EXPECT_EQ(fd_tables_born(w.tables, &w.t[3], /* shares= */ true), 0);
	EXPECT_EQ(put(&w, 3, 4, "/c", 1), 0);
	EXPECT_STR(get(&w, 0, 4), "/c");
	EXPECT_EQ(fd_tables_exec(w.tables, &w.t[3]), 0);
	EXPECT_STR(get(&w, 3, 4), "fd 4 of 13");
	EXPECT_STR(get(&w, 3, 3), "/b");
	EXPECT_STR(get(&w, 0, 4), "/c");
	fd_tables_free(w.tables);
}

TEST(exec_closes_what_is_not_known_to_stay)
{
	struct world w;

	world_init(&w);
	EXPECT_EQ(put(&w, 2, 3, "/stays", 0), 0);
	EXPECT_EQ(put(&w, 2, 4, "/goes", 1), 0);
	EXPECT_EQ(put(&w, 2, 5, "/may-go", FD_CLOEXEC_UNKNOWN), 0);
	EXPECT_EQ(put(&w, 2, 6, "/told-to-go", 0), 0);
	EXPECT_EQ(put(&w, 2, 7, "/told-to-stay", 1), 0);
	EXPECT_EQ(fd_tables_cloexec(w.tables, &w.t[2], 6, 6, 1), 0);
	EXPECT_EQ(fd_tables_cloexec(w.tables, &w.t[2], 7, 7, 0), 0);
	EXPECT_EQ(fd_tables_dup(w.tables, &w.t[2], 4, 8, 0), 0);
	EXPECT_EQ(fd_tables_exec(w.tables, &w.t[2]), 0);
	EXPECT_STR(get(&w, 2, 3), "/stays");
	EXPECT_STR(get(&w, 2, 4), "fd 4 of 12");
	EXPECT_STR(get(&w, 2, 5), "fd 5 of 12");
	EXPECT_STR(get(&w, 2, 6), "fd 6 of 12");
	EXPECT_STR(get(&w, 2, 7), "/told-to-stay");
	EXPECT_STR(get(&w, 2, 8), "/goes");
	fd_tables_free(w.tables);
}

TEST(ranges_close_and_numbers_are_used_again)
{
	struct world w;

	world_init(&w);
	for (int fd = 3; fd < 9; fd++)
		EXPECT_EQ(put(&w, 0, fd, "/x", 0), 0);
	EXPECT_EQ(fd_tables_close(w.tables, &w.t[0], 4, 6), 0);
	EXPECT_STR(get(&w, 0, 3), "/x");
	EXPECT_STR(get(&w, 0, 4), "fd 4 of 10");
	EXPECT_STR(get(&w, 0, 6), "fd 6 of 10");
	EXPECT_STR(get(&w, 0, 7), "/x");
	EXPECT_EQ(fd_tables_close(w.tables, &w.t[0], 3, UINT32_MAX), 0);
	EXPECT_STR(get(&w, 0, 8), "fd 8 of 10");
	// The number of something else that is made later.
	int32_t file = FD_FILE_NONE;
	EXPECT_EQ(fd_tables_unnamed(w.tables, &w.t[0], "socket", 8, -1, &file), 0);
	EXPECT_EQ(fd_tables_set(w.tables, &w.t[0], 8, file, 0), 0);
	EXPECT_STR(get(&w, 1, 8), "socket 8 of 10");
	EXPECT_EQ(fd_tables_dup(w.tables, &w.t[0], 8, 0x7fffffff, 0), 0);
	EXPECT_STR(get(&w, 1, 0x7fffffff), "socket 8 of 10");
	EXPECT_STR(get(&w, 1, -1), "fd -1 of 10");
	fd_tables_free(w.tables);
}

TEST(told_paths_hold_for_what_was_used_before)
{
	struct world w;

	world_init(&w);
	// Two threads whose process is not known yet, and what is then told of it.
	EXPECT_STR(get(&w, 2, 5), "fd 5 of 12");
	EXPECT_STR(get(&w, 3, 6), "fd 6 of 13");
	const size_t before = fd_tables_n_files(w.tables);
	w.t[2].pid = w.t[3].pid = 12;
	EXPECT_EQ(fd_tables_joined(w.tables, &w.t[2]), 0);
	EXPECT_EQ(fd_tables_told(w.tables, &w.t[2], 6, span("/six"), 0), 0);
	EXPECT_EQ(fd_tables_joined(w.tables, &w.t[3]), 0);
	EXPECT_EQ(fd_tables_told(w.tables, &w.t[2], 5, span("/five"), 1), 0);
	EXPECT_STR(get(&w, 3, 5), "/five");
	EXPECT_STR(get(&w, 2, 6), "/six");
	EXPECT_STR(fd_tables_file(w.tables, before - 1)->name, "/six");
	// What a call opened keeps its name.
	EXPECT_EQ(put(&w, 2, 7, "relative", 0), 0);
	EXPECT_EQ(fd_tables_told(w.tables, &w.t[2], 7, span("/whole"), 0), 0);
	EXPECT_STR(get(&w, 2, 7), "relative");
	// Closed and opened unseen, it is another.
	EXPECT_EQ(fd_tables_close(w.tables, &w.t[2], 5, 5), 0);
	EXPECT_STR(get(&w, 2, 5), "fd 5 of 12");
	fd_tables_free(w.tables);
}

TEST(folders_make_paths_whole)
{
	struct world w;
	int32_t file = FD_FILE_NONE;

	world_init(&w);
	EXPECT_EQ(put(&w, 0, 3, "name", 0), 0);
	EXPECT_STR(get(&w, 0, 3), "name");
	EXPECT_EQ(fd_tables_path(w.tables, &w.t[0], AT_FDCWD, span("/tmp/"), &file), 0);
	EXPECT_EQ(fd_tables_chdir(w.tables, &w.t[0], file), 0);
	EXPECT_EQ(put(&w, 1, 4, "./name", 0), 0);
	EXPECT_STR(get(&w, 0, 4), "/tmp/name");
	EXPECT_EQ(put(&w, 0, 5, "/etc", 0), 0);
	EXPECT_EQ(fd_tables_path(w.tables, &w.t[0], 5, span("passwd"), &file), 0);
	EXPECT_STR(fd_tables_file(w.tables, (size_t)file)->name, "/etc/passwd");
	EXPECT_EQ(fd_tables_path(w.tables, &w.t[0], 77, span("passwd"), &file), 0);
	EXPECT_STR(fd_tables_file(w.tables, (size_t)file)->name, "passwd");
	EXPECT_EQ(fd_tables_path(w.tables, &w.t[0], AT_FDCWD, span("a/b"), &file), 0);
	EXPECT_STR(fd_tables_file(w.tables, (size_t)file)->name, "/tmp/a/b");
	EXPECT_EQ(fd_tables_chdir(w.tables, &w.t[0], FD_FILE_NONE), 0);
	EXPECT_EQ(put(&w, 0, 6, "lost", 0), 0);
	EXPECT_STR(get(&w, 0, 6), "lost");
	fd_tables_free(w.tables);
}

TEST(gaps_and_ends_forget)
{
	struct world w;

	world_init(&w);
	EXPECT_EQ(put(&w, 0, 3, "/a", 0), 0);
	w.host.gap++;
	EXPECT_STR(get(&w, 0, 3), "fd 3 of 10");
	EXPECT_EQ(put(&w, 0, 3, "/b", 0), 0);
	EXPECT_STR(get(&w, 1, 3), "/b");
	fd_tables_exit(w.tables, &w.t[1]);
	EXPECT_STR(get(&w, 0, 3), "fd 3 of 10");
	EXPECT_EQ(put(&w, 0, 3, "/c", 0), 0);
	// Its number is another process's now.
	fd_tables_gone(w.tables, &w.t[0]);
	w.t[4].tid = w.t[4].pid = 10;
	EXPECT_EQ(fd_tables_born(w.tables, &w.t[4], false), 0);
	EXPECT_STR(get(&w, 4, 3), "fd 3 of 10");
	// Who is left of the former still has what it had.
	EXPECT_STR(get(&w, 1, 3), "/c");
	fd_tables_free(w.tables);
}

static int all_of_it(void)
{
	struct world w;
	int32_t file = FD_FILE_NONE;
	int r;

	world_init(&w);
	r = w.err;
	for (int fd = 0; fd < 40 && r >= 0; fd++)
		r = put(&w, fd % 4, fd, fd % 2 ? "/odd" : "/even", fd % 3 - 1);
	if (r >= 0)
		r = fd_tables_unnamed(w.tables, &w.t[2], "pipe", 50, 51, &file);
	w.t[4].parent = &w.t[0];
	w.t[4].pid = 14;
	if (r >= 0)
		r = fd_tables_born(w.tables, &w.t[4], false);
	w.t[5].parent = &w.t[2];
	if (r >= 0)
		r = fd_tables_born(w.tables, &w.t[5], true);
	w.t[2].pid = 10;
	if (r >= 0)
		r = fd_tables_joined(w.tables, &w.t[2]);
	if (r >= 0)
		r = fd_tables_exec(w.tables, &w.t[5]);
	if (r >= 0)
		r = fd_tables_told(w.tables, &w.t[3], 60, span("/told"), 0);
	if (r >= 0)
		fd_tables_gone(w.tables, &w.t[5]);
	fd_tables_free(w.tables);
	return r;
}

TEST(no_memory_is_told)
{
	test_oom(all_of_it);
}
