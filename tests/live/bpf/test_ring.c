/* SPDX-License-Identifier: MIT */
/** The ring buffer: many records in order, none lost; discarded ones; waiting. */
#include <errno.h>
#include <pthread.h>
#include <sonde/err.h>
#include <time.h>
#include <unistd.h>

#include "asm.h"
#include "bpf/map.h"
#include "bpf/ring.h"
#include "test.h"

enum { RING_LEN = 1 << 20, RECORDS = 1000000, BURST = 2000 };

static const struct bpf_map_spec ring_spec[] = {
	{ .name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = RING_LEN, .inner = -1 },
};

/*
 * Up to ctx[1] records with the numbers ctx[0] .. in their first 8 bytes, of 24 bytes each; every
 * fifth number is reserved and discarded first. Returns how many there was room for.
 */
static int load_writer(const struct bpf_maps *m)
{
	struct bpf_insn in[] = {
		I_LDX(BPF_DW, 2, 1, 0),
		I_STX(BPF_DW, 10, -8, 2), /* the next number */
		I_ST(BPF_DW, 10, -16, 0), /* written so far */
		I_LDX(BPF_DW, 1, 1, 8),
		I_FN(2, 7),
		I_MOV_REG(3, 10),
		I_ALU(BPF_ADD, 3, -16),
		I_MOV(4, 0),
		I_CALL(BPF_FUNC_loop),
		I_LDX(BPF_DW, 0, 10, -16),
		I_EXIT,
		/* the function: r1 index, r2 the two numbers; 11 .. 12 are above */
		I_MOV_REG(6, 2),
		I_LDX(BPF_DW, 1, 6, 8),
		I_MOV(2, 5),
		I_ALU_REG(BPF_MOD, 1, 2),
		I_IF(BPF_JNE, 1, 0, 9),
		I_MAP(1, 0),
		I_MOV(2, 40),
		I_MOV(3, 0),
		I_CALL(BPF_FUNC_ringbuf_reserve),
		I_IF(BPF_JEQ, 0, 0, 16),
		I_MOV_REG(1, 0),
		I_MOV(2, 0),
		I_CALL(BPF_FUNC_ringbuf_discard),
		I_MAP(1, 0),
		I_MOV(2, 24),
		I_MOV(3, 0),
		I_CALL(BPF_FUNC_ringbuf_reserve),
		I_IF(BPF_JEQ, 0, 0, 7),
		I_LDX(BPF_DW, 1, 6, 8),
		I_STX(BPF_DW, 0, 0, 1),
		I_MOV_REG(1, 0),
		I_MOV(2, 0),
		I_CALL(BPF_FUNC_ringbuf_submit),
		I_MOV(7, 1),
		I_GOTO(1),
		I_MOV(7, 0),
		/* count: one more, unless there was no room */
		I_LDX(BPF_DW, 1, 6, 8),
		I_ALU_REG(BPF_ADD, 1, 7),
		I_STX(BPF_DW, 6, 8, 1),
		I_LDX(BPF_DW, 1, 6, 0),
		I_ALU_REG(BPF_ADD, 1, 7),
		I_STX(BPF_DW, 6, 0, 1),
		I_MOV_REG(0, 7),
		I_ALU(BPF_XOR, 0, 1),
		I_EXIT,
	};
	struct bpf_fn_info fns[] = { { 0, 1 }, { 12, 2 } };
	struct bpf_code code = ASM(in);

	code.fns = fns;
	code.n_fns = 2;
	return asm_load(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, &code, m);
}

struct writer {
	int prog;
	uint64_t n, fulls;
	int failed;
};

static void *write_all(void *arg)
{
	struct writer *w = arg;

	while (w->n < RECORDS && !w->failed) {
		uint64_t ctx[2] = { w->n, RECORDS - w->n < BURST ? RECORDS - w->n : BURST };
		uint32_t done = 0;

		w->failed = bpf_run_once(w->prog, ctx, 2, &done);
		w->n += done;
		w->fulls += done < ctx[1];
		if (done < ctx[1])
			usleep(100);
	}
	return NULL;
}

struct reader {
	uint64_t n, out_of_order, odd;
};

static int take(void *arg, const void *data, size_t len)
{
	struct reader *r = arg;
	uint64_t n;

	r->odd += len != 24 || (uintptr_t)data % 8;
	memcpy(&n, data, sizeof(n));
	r->out_of_order += n != r->n;
	r->n++;
	return 0;
}

static int stop(void *arg, const void *data, size_t len)
{
	int r = take(arg, data, len);

	return r ? r : -ECANCELED;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

TEST(a_million_records_none_lost)
{
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	sonde_auto(bpf_ring_freep) struct bpf_ring *ring = NULL;
	struct writer w = { 0 };
	struct reader r = { 0 };
	pthread_t t;

	if (!asm_may())
		return;
	EXPECT_EQ(bpf_maps_new(ring_spec, 1, &m), 0);
	if (!m)
		return;
	EXPECT_EQ(bpf_ring_open(bpf_maps_fd(m, 0), RING_LEN, &ring), 0);
	sonde_auto(mem_closep) int prog = load_writer(m);
	if (!ring || prog < 0)
		return;
	w.prog = prog;
	if (pthread_create(&t, NULL, write_all, &w) != 0)
		return test_skip("no thread");

	int got = 0, lost_wakes = 0;
	while (r.n < RECORDS && got >= 0 && lost_wakes < 3) {
		got = bpf_ring_read(ring, 0, take, &r);
		uint64_t begin = now_ms();
		// Slept to the end, though records were there: a wake-up was lost.
		if (got == 0 && r.n < RECORDS && bpf_ring_wait(ring, 2000) == 0)
			lost_wakes += now_ms() - begin >= 2000 && bpf_ring_used(ring);
	}
	EXPECT_EQ(lost_wakes, 0);
	EXPECT_EQ(pthread_join(t, NULL), 0);
	EXPECT_EQ(w.failed, 0);
	EXPECT(got >= 0);
	EXPECT_EQ(r.n, RECORDS);
	EXPECT_EQ(r.out_of_order, 0);
	EXPECT_EQ(r.odd, 0);
	EXPECT_EQ(bpf_ring_used(ring), 0);
}

TEST(reads_as_many_as_asked)
{
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	sonde_auto(bpf_ring_freep) struct bpf_ring *ring = NULL;
	struct reader r = { 0 };
	uint64_t ctx[2] = { 0, 10 };
	uint32_t done = 0;

	if (!asm_may())
		return;
	EXPECT_EQ(bpf_maps_new(ring_spec, 1, &m), 0);
	if (!m)
		return;
	EXPECT_EQ(bpf_ring_open(bpf_maps_fd(m, 0), RING_LEN, &ring), 0);
	sonde_auto(mem_closep) int prog = load_writer(m);
	if (!ring || prog < 0)
		return;
	EXPECT_EQ(bpf_ring_read(ring, 0, take, &r), 0);
	EXPECT_EQ(bpf_run_once(prog, ctx, 2, &done), 0);
	EXPECT_EQ(done, 10);
	EXPECT_EQ(bpf_ring_used(ring), 10 * 32 + 2 * 48);
	EXPECT_EQ(bpf_ring_read(ring, 3, take, &r), 3);
	EXPECT_EQ(bpf_ring_read(ring, 0, stop, &r), -ECANCELED);
	EXPECT_EQ(r.n, 4);
	EXPECT_EQ(bpf_ring_read(ring, 0, take, &r), 6);
	EXPECT_EQ(bpf_ring_read(ring, 0, take, &r), 0);
	EXPECT_EQ(r.out_of_order, 0);
	EXPECT_EQ(bpf_ring_used(ring), 0);
}

TEST(waits_until_woken)
{
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	sonde_auto(bpf_ring_freep) struct bpf_ring *ring = NULL;
	uint64_t ctx[2] = { 0, 1 };
	uint32_t done;
	struct reader r = { 0 };

	if (!asm_may())
		return;
	EXPECT_EQ(bpf_maps_new(ring_spec, 1, &m), 0);
	if (!m)
		return;
	EXPECT_EQ(bpf_ring_open(bpf_maps_fd(m, 0), RING_LEN, &ring), 0);
	sonde_auto(mem_closep) int prog = load_writer(m);
	if (!ring || prog < 0)
		return;
	uint64_t begin = now_ms();
	EXPECT_EQ(bpf_ring_wait(ring, 50), 0);
	EXPECT(now_ms() - begin >= 49);

	EXPECT_EQ(bpf_run_once(prog, ctx, 2, &done), 0);
	begin = now_ms();
	EXPECT_EQ(bpf_ring_wait(ring, 10000), 0);
	EXPECT(now_ms() - begin < 5000);
	EXPECT_EQ(bpf_ring_read(ring, 0, take, &r), 1);
	EXPECT(bpf_ring_fd(ring) >= 0);
}

TEST(no_ring_of_such_a_size)
{
	struct bpf_ring *ring = NULL;

	EXPECT_EQ(bpf_ring_open(0, 12345, &ring), -EINVAL);
	EXPECT_STR(sonde_err_str(), "ring: 12345 bytes are no power of 2 of whole pages");
	EXPECT_EQ(bpf_ring_open(0, 0, &ring), -EINVAL);
	EXPECT_EQ(bpf_ring_open(0, 1024, &ring), -EINVAL);
	EXPECT_EQ(bpf_ring_open(-1, 4096, &ring), -EBADF);
	EXPECT(!ring);
}
