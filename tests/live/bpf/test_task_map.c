/* SPDX-License-Identifier: MIT */
/** Values that tasks carry: one by one, and as a whole. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "asm.h"
#include "bpf/map.h"
#include "bpf/task_map.h"
#include "test.h"

enum { THREADS = 50 };

static void btf_freep(struct btf **btf)
{
	btf__free(*btf);
}

static int stop_at_third(void *arg, const void *key, const void *val)
{
	(void)key;
	(void)val;
	return ++*(int *)arg == 3 ? 77 : 0;
}

TEST(task_storage)
{
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	static const struct bpf_map_spec specs[] = {
		{ .name = "start",
		  .type = BPF_MAP_TYPE_TASK_STORAGE,
		  .key_len = 4,
		  .val_len = 8,
		  .flags = BPF_F_NO_PREALLOC,
		  .inner = -1,
		  .task_storage = true },
		{ .name = "pair",
		  .type = BPF_MAP_TYPE_TASK_STORAGE,
		  .key_len = 4,
		  .val_len = 16,
		  .flags = BPF_F_NO_PREALLOC,
		  .inner = -1,
		  .task_storage = true },
		{ .name = "more",
		  .type = BPF_MAP_TYPE_TASK_STORAGE,
		  .key_len = 4,
		  .val_len = 16,
		  .flags = BPF_F_NO_PREALLOC,
		  .inner = -1,
		  .task_storage = true },
	};
	uint64_t in[2] = { 123, 456 }, out[2] = { 0 };

	if (!asm_may())
		return;
	sonde_auto(mem_closep) int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	EXPECT_EQ(bpf_maps_new(specs, MEM_LEN(specs), &m), 0);
	if (!m || self < 0)
		return;
	for (size_t i = 0; i < MEM_LEN(specs); i++) {
		EXPECT_EQ(bpf_maps_lookup(m, i, &self, out), -ENOENT);
		EXPECT_EQ(bpf_maps_update(m, i, &self, in), 0);
		EXPECT_EQ(bpf_maps_lookup(m, i, &self, out), 0);
		EXPECT_EQ(out[0] + out[1], i ? 579 : 123);
		EXPECT_EQ(bpf_maps_delete(m, i, &self), 0);
		out[0] = out[1] = 0;
	}
}

struct threads {
	pthread_barrier_t has_value, may_end;
	struct bpf_maps *m;
	uint32_t tids[THREADS];
	uint64_t sum;
	size_t n, strange;
};

struct one_thread {
	struct threads *all;
	uint32_t i;
	int prog;
};

/* Gives itself a value, by a program, and waits. */
static void *have_value(void *arg)
{
	struct one_thread *t = arg;
	uint64_t ctx[1] = { 1000 + t->i };
	uint32_t ret;

	t->all->tids[t->i] = (uint32_t)gettid();
	EXPECT_EQ(bpf_run_once(t->prog, ctx, 1, &ret), 0);
	pthread_barrier_wait(&t->all->has_value);
	pthread_barrier_wait(&t->all->may_end);
	return NULL;
}

static int sum_up(void *arg, const void *key, const void *val)
{
	struct threads *t = arg;
	uint32_t tid;
	uint64_t v[2];

	memcpy(&tid, key, sizeof(tid));
	memcpy(v, val, sizeof(v));
	t->n++;
	t->strange +=
		v[0] < 1000 || v[0] >= 1000 + THREADS || t->tids[v[0] - 1000] != tid || v[1] != 0;
	t->sum += v[0];
	return 0;
}

/* task_storage[current] = { ctx[0], 0 } */
static int load_giver(const struct bpf_maps *m)
{
	struct bpf_insn in[] = {
		I_LDX(BPF_DW, 6, 1, 0),
		I_CALL(BPF_FUNC_get_current_task_btf),
		I_MOV_REG(2, 0),
		I_MAP(1, 0),
		I_MOV(3, 0),
		I_MOV(4, BPF_LOCAL_STORAGE_GET_F_CREATE),
		I_CALL(BPF_FUNC_task_storage_get),
		I_IF(BPF_JEQ, 0, 0, 1),
		I_STX(BPF_DW, 0, 0, 6),
		I_MOV(0, 0),
		I_EXIT,
	};
	struct bpf_code code = ASM(in);

	return asm_load(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, &code, m);
}

static int find_iter(struct task_iter *ret)
{
	sonde_auto(btf_freep) struct btf *btf = btf__load_vmlinux_btf();
	int iter = btf ? btf__find_by_name_kind(btf, "bpf_iter_task", BTF_KIND_FUNC) : -1;
	int task = btf ? btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT) : -1;

	if (iter < 0 || task < 0)
		return -1;
	const struct btf_type *t = btf__type_by_id(btf, (uint32_t)task);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), "pid")) {
			*ret = (struct task_iter){ (uint32_t)iter,
						   btf_member_bit_offset(t, i) / 8 };
			return 0;
		}
	}
	return -1;
}

static void read_threads(struct threads *t, const struct task_iter *iter)
{
	int n = 0;

	pthread_barrier_wait(&t->has_value);
	EXPECT_EQ(task_map_each(t->m, 0, iter, sum_up, t), 0);
	EXPECT_EQ(t->n, THREADS);
	EXPECT_EQ(t->strange, 0);
	EXPECT_EQ(t->sum, THREADS * 1000 + THREADS * (THREADS - 1) / 2);
	EXPECT_EQ(task_map_each(t->m, 0, iter, stop_at_third, &n), 77);
	EXPECT_EQ(task_map_clear(t->m, 0, iter), 0);
	t->n = 0;
	EXPECT_EQ(task_map_each(t->m, 0, iter, sum_up, t), 0);
	EXPECT_EQ(t->n, 0);
	pthread_barrier_wait(&t->may_end);
}

TEST(task_storage_as_a_whole)
{
	static const struct bpf_map_spec spec = { .name = "wide",
						  .type = BPF_MAP_TYPE_TASK_STORAGE,
						  .key_len = 4,
						  .val_len = 1000,
						  .flags = BPF_F_NO_PREALLOC,
						  .inner = -1,
						  .task_storage = true };
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	static struct threads t;
	static struct one_thread one[THREADS];
	pthread_t ids[THREADS];
	struct task_iter iter;

	if (!asm_may())
		return;
	if (find_iter(&iter) < 0)
		return test_skip("no BTF of the kernel");
	EXPECT_EQ(bpf_maps_new(&spec, 1, &m), 0);
	if (!m)
		return;
	t.m = m;
	sonde_auto(mem_closep) int prog = load_giver(m);
	pthread_barrier_init(&t.has_value, NULL, THREADS + 1);
	pthread_barrier_init(&t.may_end, NULL, THREADS + 1);
	for (uint32_t i = 0; i < THREADS; i++) {
		one[i] = (struct one_thread){ &t, i, prog };
		if (pthread_create(&ids[i], NULL, have_value, &one[i]) != 0)
			abort();
	}
	read_threads(&t, &iter);
	for (uint32_t i = 0; i < THREADS; i++)
		EXPECT_EQ(pthread_join(ids[i], NULL), 0);
}
