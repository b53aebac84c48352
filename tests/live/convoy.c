/* SPDX-License-Identifier: MIT */
/**
 * A load whose waits for locks are known: prints who waited for what as JSON.
 *
 * Waiters queue up for a mutex that the main thread holds, and for an inode's lock that one of them
 * holds while its page comes late. Each of them was asleep when the time of holding began.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WAITERS = 4, HOLD_MS = 60, TIMEOUT_MS = 5, TIMEOUTS = 3, AGAINS = 7, PAGE = 4096 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t word = 1, first = 1, second = 1;
static int file;
static char *late_page;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void hold(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
	struct timespec left = t;

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

static long futex(uint32_t *at, int op, uint32_t val, const struct timespec *t, uint32_t *to)
{
	return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, val, t, to, 0);
}

/* Waits until the thread sleeps in that system call. */
static void wait_asleep(pid_t tid, long call)
{
	char path[64], text[64];

	for (;;) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
		FILE *f = fopen(path, "re");
		const bool read = f && fgets(text, sizeof(text), f);
		if (f)
			fclose(f);
		if (!read)
			die(path);
		// One that runs has no number there.
		if (text[0] >= '0' && text[0] <= '9' && strtol(text, NULL, 10) == call)
			return;
		hold(1);
	}
}

struct thread {
	pthread_t id;
	_Atomic pid_t tid;
};

static struct thread threads[WAITERS];

static void begin(struct thread *t, void *(*f)(void *))
{
	t->tid = 0;
	if (pthread_create(&t->id, NULL, f, t) != 0)
		die("pthread_create");
	while (!t->tid)
		hold(1);
}

static void begin_all(void *(*f)(void *), long call)
{
	for (size_t i = 0; i < WAITERS; i++) {
		begin(&threads[i], f);
		wait_asleep(threads[i].tid, call);
	}
}

static void end_all(void)
{
	for (size_t i = 0; i < WAITERS; i++)
		pthread_join(threads[i].id, NULL);
}

static void print_tids(const char *key)
{
	printf(", \"%s\": [", key);
	for (size_t i = 0; i < WAITERS; i++)
		printf("%s%d", i ? ", " : "", (int)threads[i].tid);
	printf("]");
}

static void *take_mutex(void *arg)
{
	((struct thread *)arg)->tid = (pid_t)syscall(SYS_gettid);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *wait_word(void *arg)
{
	((struct thread *)arg)->tid = (pid_t)syscall(SYS_gettid);
	if (futex(&first, FUTEX_WAIT, 1, NULL, NULL) != 0)
		die("futex");
	return NULL;
}

static void *write_late(void *arg)
{
	((struct thread *)arg)->tid = (pid_t)syscall(SYS_gettid);
	if (pwrite(file, late_page, 16, 0) != 16)
		die("pwrite");
	return NULL;
}

static void *write_now(void *arg)
{
	((struct thread *)arg)->tid = (pid_t)syscall(SYS_gettid);
	if (pwrite(file, "x", 1, 0) != 1)
		die("pwrite");
	return NULL;
}

/* All wake up one after the other, each woken by the one before. */
static void convoy(void)
{
	pthread_mutex_lock(&mutex);
	begin_all(take_mutex, SYS_futex);
	hold(HOLD_MS);
	pthread_mutex_unlock(&mutex);
	end_all();
	printf(", \"mutex\": \"%p\"", (void *)&mutex.__data.__lock);
	print_tids("mutex_tids");
}

/* One is woken, the others moved to another word and woken there. */
static void requeue(void)
{
	begin_all(wait_word, SYS_futex);
	hold(HOLD_MS);
	const long n =
		syscall(SYS_futex, &first, FUTEX_CMP_REQUEUE_PRIVATE, 1, WAITERS, &second, 1);
	hold(HOLD_MS);
	if (n != WAITERS || futex(&second, FUTEX_WAKE, WAITERS, NULL, NULL) != WAITERS - 1)
		die("futex");
	end_all();
	printf(", \"first\": \"%p\", \"second\": \"%p\"", (void *)&first, (void *)&second);
	print_tids("requeue_tids");
}

static void time_out(void)
{
	const struct timespec t = { 0, TIMEOUT_MS * 1000000L };

	for (int i = 0; i < TIMEOUTS; i++)
		(void)futex(&word, FUTEX_WAIT, 1, &t, NULL);
	for (int i = 0; i < AGAINS; i++)
		(void)futex(&word, FUTEX_WAIT, 2, NULL, NULL);
	printf(", \"word\": \"%p\"", (void *)&word);
}

/* False: this kernel or user may not let page faults wait. */
static bool make_late(int *ret_fd)
{
	struct uffdio_api api = { .api = UFFD_API };
	const int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	late_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = { .range = { (uintptr_t)late_page, PAGE },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };
	*ret_fd = fd;
	return fd >= 0 && late_page != MAP_FAILED && ioctl(fd, UFFDIO_API, &api) == 0 &&
	       ioctl(fd, UFFDIO_REGISTER, &reg) == 0;
}

/* A thread writes out of a page that is not there, and holds the file's lock until it is. */
static void inode_lock(void)
{
	static char page[PAGE];
	struct uffd_msg msg;
	struct thread holder;
	int fd;

	file = (int)syscall(SYS_memfd_create, "file", 0);
	if (file < 0 || !make_late(&fd))
		return;
	begin(&holder, write_late);
	if (read(fd, &msg, sizeof(msg)) != sizeof(msg))
		die("userfaultfd");
	begin_all(write_now, SYS_pwrite64);
	hold(HOLD_MS);
	struct uffdio_copy copy = { .dst = (uintptr_t)late_page,
				    .src = (uintptr_t)page,
				    .len = PAGE };
	if (ioctl(fd, UFFDIO_COPY, &copy) != 0)
		die("UFFDIO_COPY");
	pthread_join(holder.id, NULL);
	end_all();
	printf(", \"inode_holder\": %d", (int)holder.tid);
	print_tids("inode_tids");
	close(fd);
}

int main(void)
{
	printf("{\"pid\": %d, \"waiters\": %d, \"hold_ns\": %ld, \"timeout_ns\": %ld, "
	       "\"timeouts\": %d, \"agains\": %d",
	       (int)getpid(), WAITERS, HOLD_MS * 1000000L, TIMEOUT_MS * 1000000L, TIMEOUTS, AGAINS);
	convoy();
	requeue();
	time_out();
	inode_lock();
	printf("}\n");
	return 0;
}
