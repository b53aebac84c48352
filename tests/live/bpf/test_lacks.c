/* SPDX-License-Identifier: MIT */
/** The ways round what other kernels lack or forbid: a filter refuses it in a child of the test. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "asm.h"
#include "bpf/attach.h"
#include "bpf/map.h"
#include "counter.h"
#include "test.h"

/* From here on system call @nr fails with @err, where its first argument is @arg. */
static bool refuse(uint32_t nr, uint32_t arg, int err)
{
	struct sock_filter in[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arg, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { .len = MEM_LEN(in), .filter = in };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

/* Says where it went wrong, and gives it on. */
static bool is_true(bool c, int line)
{
	if (!c)
		test_failed(__FILE__, line, "%s", sonde_err_str());
	return c;
}
#define TRUE(c) is_true((c), __LINE__)

/* Runs @f in a child of its own. */
static void in_child(bool (*f)(void))
{
	int status = -1;

	if (!asm_may())
		return;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		bool good = f();

		fflush(stdout);
		_exit(!good);
	}
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT_EQ(status, 0);
}

static int count(void *arg, const void *key, const void *val)
{
	uint64_t v;
	uint32_t k;

	memcpy(&k, key, sizeof(k));
	memcpy(&v, val, sizeof(v));
	*(uint64_t *)arg += v == k * 2ULL;
	return 0;
}

static bool reads_arrays_singly(void)
{
	static const struct bpf_map_spec specs[] = {
		{ .name = "array",
		  .type = BPF_MAP_TYPE_ARRAY,
		  .key_len = 4,
		  .val_len = 8,
		  .max_entries = 100,
		  .inner = -1 },
		{ .name = "hash",
		  .type = BPF_MAP_TYPE_HASH,
		  .key_len = 4,
		  .val_len = 8,
		  .max_entries = 100,
		  .inner = -1 },
	};
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	uint64_t n = 0;

	if (!TRUE(bpf_maps_new(specs, MEM_LEN(specs), &m) == 0))
		return false;
	for (uint32_t k = 0; k < 100; k++) {
		uint64_t v = k * 2ULL;

		if (!TRUE(bpf_maps_update(m, 0, &k, &v) == 0))
			return false;
	}
	return TRUE(refuse(SYS_bpf, BPF_MAP_LOOKUP_BATCH, EINVAL)) &&
	       TRUE(bpf_maps_each(m, 0, count, &n) == 0) && TRUE(n == 100) &&
	       TRUE(bpf_maps_each(m, 1, count, &n) == -ENOTSUP);
}

TEST(batches_of_arrays)
{
	in_child(reads_arrays_singly);
}

static bool fills_maps_singly(void)
{
	static const struct bpf_map_spec specs[] = {
		{ .name = "in0",
		  .type = BPF_MAP_TYPE_ARRAY,
		  .key_len = 4,
		  .val_len = 8,
		  .max_entries = 1,
		  .inner = -1 },
		{ .name = "in1",
		  .type = BPF_MAP_TYPE_ARRAY,
		  .key_len = 4,
		  .val_len = 8,
		  .max_entries = 1,
		  .inner = -1 },
		{ .name = "out",
		  .type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
		  .key_len = 4,
		  .val_len = 4,
		  .max_entries = 2,
		  .inner = 0,
		  .n_inner = 2 },
	};
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	uint32_t id[2] = { 0 }, key[2] = { 0, 1 };

	return TRUE(refuse(SYS_bpf, BPF_MAP_UPDATE_BATCH, EINVAL)) &&
	       TRUE(bpf_maps_new(specs, MEM_LEN(specs), &m) == 0) &&
	       TRUE(bpf_maps_lookup(m, 2, &key[0], &id[0]) == 0) &&
	       TRUE(bpf_maps_lookup(m, 2, &key[1], &id[1]) == 0) && TRUE(id[0] != id[1]);
}

TEST(batches_of_updates)
{
	in_child(fills_maps_singly);
}

/* Attaches a program to two tracepoints. */
static bool attach_two(struct attachments *a, const struct counter *c, uint64_t cookie)
{
	struct attach_spec s = { .kind = ATTACH_TRACEPOINT, .group = "syscalls", .cookie = cookie };
	sonde_auto(mem_closep) int prog = counter_load(c, BPF_PROG_TYPE_TRACEPOINT, 0, 0, true);

	s.name = "sys_enter_getppid";
	if (!TRUE(attachments_add(a, prog, &s) == 0) ||
	    !TRUE(attachments_add(a, prog, &s) == -EEXIST))
		return false;
	s.name = "sys_exit_getppid";
	return TRUE(attachments_add(a, prog, &s) == 0);
}

/* Programs that attach with and without a cookie, count, and go. */
static bool attaches(void)
{
	sonde_auto(counter_fini) struct counter c = { 0 };
	sonde_auto(attachments_freep) struct attachments *a = NULL;

	if (!TRUE(counter_init(&c)) || !TRUE(attachments_new(&a) == 0))
		return false;
	for (uint64_t cookie = 0; cookie < 3; cookie++) {
		if (!attach_two(a, &c, cookie))
			return false;
	}
	for (int i = 0; i < HITS; i++)
		(void)syscall(SYS_getppid);
	return TRUE(counter_hits(&c) == 6 * HITS) && TRUE(c.n[1] == 6 * HITS);
}

static bool attaches_without_io_uring(void)
{
	return TRUE(refuse(SYS_io_uring_setup, 1, EPERM)) && attaches();
}

TEST(io_uring)
{
	in_child(attaches_without_io_uring);
}

/* The array of events is only filled by attaching: no other map is written meanwhile. */
static bool attaches_without_arrays(void)
{
	return TRUE(refuse(SYS_bpf, BPF_MAP_UPDATE_ELEM, EINVAL)) && attaches();
}

TEST(perf_event_arrays)
{
	in_child(attaches_without_arrays);
}

static bool attaches_without_tracefs(void)
{
	if (!TRUE(unshare(CLONE_NEWNS) == 0) ||
	    !TRUE(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) ||
	    !TRUE(mount("none", "/sys/kernel", "tmpfs", 0, NULL) == 0))
		return false;
	return TRUE(access("/sys/kernel/tracing", F_OK) < 0) && attaches();
}

TEST(mounted_tracefs)
{
	in_child(attaches_without_tracefs);
}

static bool waits_without_membarrier(void)
{
	if (!TRUE(refuse(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, EINVAL)))
		return false;
	bpf_quiesce();
	return true;
}

TEST(membarrier)
{
	in_child(waits_without_membarrier);
}
