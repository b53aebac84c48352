/* SPDX-License-Identifier: MIT */
/** Holders of descriptors: perf event arrays, io_uring's tables of files. */
#include "bpf/keeper.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "bpf/sys.h"

enum { HOLDS = 256 }; /* descriptors in one holder */

int fd_list_add(struct fd_list *l, int *fd)
{
	int r = mem_grow(&l->fds, &l->cap, l->n + 1);

	if (r < 0) {
		close(mem_take_fd(fd));
		return r;
	}
	l->fds[l->n++] = mem_take_fd(fd);
	return 0;
}

struct closing {
	struct fd_list *list;
	size_t next; /* shared, atomic */
};

static void *close_some(void *arg)
{
	struct closing *c = arg;

	for (;;) {
		size_t i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED);
		if (i >= c->list->n)
			return NULL;
		close(c->list->fds[i]);
	}
}

void fd_list_close(struct fd_list *l, bool at_once)
{
	enum { THREADS_MOST = 64, STACK_LEN = 64 << 10 };
	struct closing c = { .list = l };
	pthread_t threads[THREADS_MOST];
	pthread_attr_t attr;
	size_t n = 0;

	// Who waits for a grace period sleeps: threads that wait for the same one cost nothing.
	if (at_once && l->n > 1 && pthread_attr_init(&attr) == 0) {
		(void)pthread_attr_setstacksize(&attr, STACK_LEN); // else it is merely large
		while (n < THREADS_MOST && n < l->n - 1 &&
		       pthread_create(&threads[n], &attr, close_some, &c) == 0)
			n++;
		pthread_attr_destroy(&attr);
	}
	(void)close_some(&c);
	for (size_t i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	free(l->fds);
	*l = (struct fd_list){ 0 };
}

void keeper_init(struct keeper *k, enum keeper_kind kind)
{
	*k = (struct keeper){ .kind = kind, .fd = -1 };
}

void keeper_drop(struct keeper *k)
{
	mem_closep(&k->fd);
	fd_list_close(&k->full, /* at_once= */ false);
	fd_list_close(&k->left, /* at_once= */ true);
	keeper_init(k, k->kind);
}

static int new_array(void)
{
	union bpf_attr a = sys_attr();

	a.map_type = BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	a.key_size = sizeof(uint32_t);
	a.value_size = sizeof(uint32_t);
	a.max_entries = HOLDS;
	return sys_bpf(BPF_MAP_CREATE, &a);
}

static int put_in_array(const struct keeper *k, int fd)
{
	union bpf_attr a = sys_attr();

	a.map_fd = (uint32_t)k->fd;
	a.key = (uint64_t)(uintptr_t)&k->n;
	a.value = (uint64_t)(uintptr_t)&fd;
	return sys_bpf(BPF_MAP_UPDATE_ELEM, &a);
}

/* No request is ever made of it: only its table of files counts. */
static int new_table(void)
{
	struct io_uring_params p = { 0 };
	int32_t fds[HOLDS];

	for (size_t i = 0; i < MEM_LEN(fds); i++)
		fds[i] = -1;
	sonde_auto(mem_closep) int fd = (int)syscall(SYS_io_uring_setup, 1, &p);
	if (fd < 0 ||
	    syscall(SYS_io_uring_register, fd, IORING_REGISTER_FILES, fds, MEM_LEN(fds)) < 0)
		return -errno;
	return mem_take_fd(&fd);
}

static int put_in_table(const struct keeper *k, int fd)
{
	int32_t one = fd;
	struct io_uring_files_update u = { .offset = k->n, .fds = (uint64_t)(uintptr_t)&one };
	long n = syscall(SYS_io_uring_register, k->fd, IORING_REGISTER_FILES_UPDATE, &u, 1);

	return n == 1 ? 0 : -EINVAL;
}

static const struct holder {
	int (*make)(void);
	int (*put)(const struct keeper *k, int fd);
} holders[] = {
	[KEEP_EVENTS] = { new_array, put_in_array },
	[KEEP_LINKS] = { new_table, put_in_table },
};

/* Makes a holder with room where there is none. */
static int make_room(struct keeper *k)
{
	if (k->fd >= 0 && k->n < HOLDS)
		return 0;
	if (k->fd >= 0) {
		int r = fd_list_add(&k->full, &k->fd);
		if (r < 0)
			return r;
	}
	k->n = 0;
	k->fd = holders[k->kind].make();
	return k->fd < 0 ? k->fd : 0;
}

int keeper_add(struct keeper *k, int *fd)
{
	if (make_room(k) < 0 || holders[k->kind].put(k, *fd) < 0)
		return fd_list_add(&k->left, fd);
	k->n++;
	close(mem_take_fd(fd));
	return 0;
}
