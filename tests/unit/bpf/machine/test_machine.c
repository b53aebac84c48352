/* SPDX-License-Identifier: MIT */
/** What programs do in the machine: helper functions, maps, records, the end of those that loop. */
#include <errno.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "bpf/machine/call.h"
#include "bpf/machine/state.h"
#include "machine_asm.h"
#include "test.h"

#define DONE SET(R0, 0), EXIT
#define PROG(...)                                 \
	(const struct bpf_insn[]){ __VA_ARGS__ }, \
		MEM_LEN(((const struct bpf_insn[]){ __VA_ARGS__ }))

/* A machine for a test, and the event that its programs run on. */
struct rig {
	struct asm_seen seen;
	struct machine *m;
	enum machine_how how;
	uint64_t ctx[CTX_LEN / 8];
	uint8_t event[20];
};

static void rig_init(struct rig *r, int how)
{
	*r = (struct rig){ .how = (enum machine_how)how, .ctx = { 11, 22, 33, 44 } };
	r->m = asm_machine(&r->seen);
	memcpy(r->event, "a text\0and more text", 20);
	*machine_now(r->m) = (struct machine_now){ .ts_ns = 1000000007,
						   .pid_tgid = 5ULL << 32 | 6,
						   .uid_gid = 7ULL << 32 | 8,
						   .cpu = 3,
						   .comm = "fifteen letters",
						   .mem = r->event,
						   .mem_len = sizeof(r->event) };
}

static void rig_fini(struct rig *r)
{
	EXPECT_EQ(r->m->faults, 0);
	machine_free(r->m);
}

/* Its result. */
static uint64_t run(struct rig *r, const struct bpf_insn *insns, size_t n)
{
	struct machine_prog *p = NULL;
	struct strbuf log = { 0 };
	uint64_t result = 0;

	if (asm_load(r->m, insns, n, r->how, &log, &p) < 0)
		test_failed(__FILE__, __LINE__, "%s", strbuf_text(&log));
	else
		result = machine_run(p, r->ctx);
#ifdef __x86_64__
	EXPECT(!p || (p->native != NULL) == (r->how == MACHINE_JIT));
#endif
	machine_prog_free(p);
	strbuf_fini(&log);
	return result;
}

/* Runs a test's body interpreted and compiled. */
#define BOTH(id)                                                                 \
	static void both_##id(struct rig *r);                                    \
	TEST(id)                                                                 \
	{                                                                        \
		for (int how = MACHINE_JIT; how <= MACHINE_INTERPRETER; how++) { \
			struct rig r;                                            \
                                                                                 \
			rig_init(&r, how);                                       \
			both_##id(&r);                                           \
			rig_fini(&r);                                            \
		}                                                                \
	}                                                                        \
	static void both_##id(struct rig *r)

/* The value of map ONE. */
static const uint8_t *one(const struct rig *r)
{
	return machine_map_value(r->m, ONE);
}

BOTH(tells_what_is_now)
{
	static const struct {
		int helper;
		uint64_t result;
	} calls[] = {
		{ BPF_FUNC_ktime_get_ns, 1000000007 },
		{ BPF_FUNC_ktime_get_boot_ns, 1000000007 },
		{ BPF_FUNC_ktime_get_tai_ns, 1000000007 },
		{ BPF_FUNC_ktime_get_coarse_ns, 1000000007 },
		{ BPF_FUNC_jiffies64, 250 },
		{ BPF_FUNC_get_current_pid_tgid, 5ULL << 32 | 6 },
		{ BPF_FUNC_get_current_uid_gid, 7ULL << 32 | 8 },
		{ BPF_FUNC_get_smp_processor_id, 3 },
		{ BPF_FUNC_get_numa_node_id, 0 },
	};

	for (size_t i = 0; i < MEM_LEN(calls); i++)
		EXPECT_EQ(run(r, PROG(CALL(calls[i].helper), EXIT)), calls[i].result);
	EXPECT_EQ(run(r, PROG(SET(R2, 4), CALL(MACHINE_FIELD), EXIT)), 1000000011);
	EXPECT_EQ(run(r, PROG(SET(R2, 4), CALL(MACHINE_FIELD_LEN), EXIT)), 40);
	const uint64_t a = run(r, PROG(CALL(BPF_FUNC_get_prandom_u32), EXIT));
	const uint64_t b = run(r, PROG(CALL(BPF_FUNC_get_prandom_u32), EXIT));
	EXPECT(a != b && a <= UINT32_MAX && b <= UINT32_MAX);
}

BOTH(gives_the_comm)
{
	EXPECT_EQ(
		run(r, PROG(VALUE(R1, ONE, 0), SET(R2, 16), CALL(BPF_FUNC_get_current_comm), EXIT)),
		0);
	EXPECT_STR((const char *)one(r), "fifteen letters");
	EXPECT_EQ(
		run(r, PROG(VALUE(R1, ONE, 0), SET(R2, 8), CALL(BPF_FUNC_get_current_comm), EXIT)),
		0);
	EXPECT_STR((const char *)one(r), "fifteen");
	EXPECT_EQ(run(r, PROG(VALUE(R1, ONE, 0), STORE_N(BPF_B, R1, 20, 'x'), SET(R2, 24),
			      CALL(BPF_FUNC_get_current_comm), EXIT)),
		  0);
	EXPECT_EQ(one(r)[20], 0);
	EXPECT_EQ((int64_t)run(r, PROG(VALUE(R1, ONE, 0), SET(R2, 0),
				       CALL(BPF_FUNC_get_current_comm), EXIT)),
		  -EINVAL);
}

/* Helper @helper (ONE, @n, @addr): what it returns. */
static int64_t read_into(struct rig *r, int helper, int n, uint64_t addr)
{
	return (int64_t)run(r, PROG(VALUE(R1, ONE, 0), SET(R2, n),
				    WIDE(R3, 0, (int32_t)(uint32_t)addr, (int32_t)(addr >> 32)),
				    CALL(helper), EXIT));
}

BOTH(reads_memory)
{
	const uint64_t event = (uintptr_t)r->event, ctx = (uintptr_t)r->ctx;
	static const uint8_t zero[20];

	for (int h = 0; h < 3; h++) {
		static const int helpers[] = { BPF_FUNC_probe_read, BPF_FUNC_probe_read_kernel,
					       BPF_FUNC_probe_read_user };
		EXPECT_EQ(read_into(r, helpers[h], 20, event), 0);
		EXPECT(!memcmp(one(r), r->event, 20));
		EXPECT_EQ(read_into(r, helpers[h], 8, ctx + 8), 0);
		EXPECT_EQ(one(r)[0], 22);
		EXPECT_EQ(read_into(r, helpers[h], 8, (uintptr_t)one(r)), 0);
		EXPECT_EQ(one(r)[0], 22);
		EXPECT_EQ(read_into(r, helpers[h], 8, 0x1ff8), 0);
		EXPECT_EQ(one(r)[7], 'm');
		// Over an end, or nowhere: nothing is left of what was there.
		EXPECT_EQ(read_into(r, helpers[h], 20, event + 1), -EFAULT);
		EXPECT(!memcmp(one(r), zero, 20));
		EXPECT_EQ(read_into(r, helpers[h], 8, 0x1ff9), -EFAULT);
		EXPECT_EQ(read_into(r, helpers[h], 8, 0), -EFAULT);
		EXPECT_EQ(read_into(r, helpers[h], 8, UINT64_MAX - 3), -EFAULT);
		EXPECT_EQ(read_into(r, helpers[h], 8, (uintptr_t)r->m), -EFAULT);
		EXPECT_EQ(read_into(r, helpers[h], 0, 0), 0);
	}
}

BOTH(reads_texts)
{
	const uint64_t event = (uintptr_t)r->event;

	for (int h = 0; h < 3; h++) {
		static const int helpers[] = { BPF_FUNC_probe_read_str,
					       BPF_FUNC_probe_read_kernel_str,
					       BPF_FUNC_probe_read_user_str };
		memset(machine_map_value(r->m, ONE), 'x', 72);
		EXPECT_EQ(read_into(r, helpers[h], 20, event), 7);
		EXPECT_STR((const char *)one(r), "a text");
		EXPECT_EQ(one(r)[7], 'x');
		EXPECT_EQ(read_into(r, helpers[h], 7, event), 7);
		EXPECT_EQ(read_into(r, helpers[h], 4, event), 4);
		EXPECT_STR((const char *)one(r), "a t");
		// A field that its event ends with needs no 0 behind it.
		EXPECT_EQ(read_into(r, helpers[h], 14, event + 7), 14);
		EXPECT_STR((const char *)one(r), "and more text");
		EXPECT_EQ(read_into(r, helpers[h], 15, event + 7), -EFAULT);
		EXPECT_EQ(one(r)[0], 0);
		memset(machine_map_value(r->m, ONE), 'x', 72);
		EXPECT_EQ(read_into(r, helpers[h], 20, TEXT_END - 3), 4);
		EXPECT_STR((const char *)one(r), "mmm");
		EXPECT_EQ(one(r)[4], 'x');
		EXPECT_EQ(read_into(r, helpers[h], 60, 0x1fff - 58), 60);
		EXPECT_EQ(one(r)[58], 'm');
		EXPECT_EQ(one(r)[59], 0);
		EXPECT_EQ(read_into(r, helpers[h], 62, 0x1fff - 58), -EFAULT);
		EXPECT_EQ(read_into(r, helpers[h], 5, 8), -EFAULT);
		EXPECT_EQ(read_into(r, helpers[h], 0, 8), 0);
	}
}

/* The size that names of threads have, with every place for the end; behind it nothing changes. */
BOTH(reads_texts_of_16_bytes)
{
	char text[24], want[17];

	machine_now(r->m)->mem = (const uint8_t *)text;
	machine_now(r->m)->mem_len = sizeof(text);
	for (unsigned i = 0; i < 20 * 9; i++) {
		const unsigned end = i % 20, at = i / 20, n = end < 15 ? end : 15;

		for (unsigned k = 0; k < sizeof(text); k++)
			text[k] = (char)(i % 3 == 0 ? 0x80 + k : i % 3 == 1 ? 1 : 0xff - k % 2);
		if (end + at < sizeof(text))
			text[end + at] = '\0';
		memset(want, 'x', sizeof(want));
		memcpy(want, text + at, n);
		want[n] = '\0';
		memset(machine_map_value(r->m, ONE), 'x', 72);
		EXPECT_EQ(read_into(r, BPF_FUNC_probe_read_kernel_str, 16, (uintptr_t)text + at),
			  n + 1);
		EXPECT(!memcmp(one(r), want, sizeof(want)));
	}
	// Fewer bytes than that are there.
	memset(text, 'y', sizeof(text));
	EXPECT_EQ(read_into(r, BPF_FUNC_probe_read_str, 16, (uintptr_t)text + 9), 16);
	EXPECT_EQ(read_into(r, BPF_FUNC_probe_read_str, 16, (uintptr_t)text + 10), -EFAULT);
	EXPECT_EQ(one(r)[0], 0);
	text[23] = '\0';
	EXPECT_EQ(read_into(r, BPF_FUNC_probe_read_str, 16, (uintptr_t)text + 20), 4);
}

BOTH(compares_texts)
{
	const uint64_t event = (uintptr_t)r->event;
	const int32_t lo = (int32_t)(uint32_t)event, hi = (int32_t)(event >> 32);

	memcpy(machine_map_value(r->m, ONE), "a tent", 7);
	EXPECT_EQ(run(r, PROG(VALUE(R1, ONE, 0), SET(R2, 4), WIDE(R3, 0, lo, hi),
			      CALL(BPF_FUNC_strncmp), EXIT)),
		  0);
	EXPECT((int64_t)run(r, PROG(VALUE(R1, ONE, 0), SET(R2, 7), WIDE(R3, 0, lo, hi),
				    CALL(BPF_FUNC_strncmp), EXIT)) < 0);
	EXPECT_EQ((int64_t)run(r, PROG(VALUE(R1, ONE, 0), SET(R2, 7), SET(R3, 0),
				       CALL(BPF_FUNC_strncmp), EXIT)),
		  -EFAULT);
}

BOTH(gives_stacks)
{
	EXPECT_EQ(run(r, PROG(VALUE(R2, ONE, 0), SET(R3, 64), SET(R4, 9), CALL(BPF_FUNC_get_stack),
			      EXIT)),
		  24);
	EXPECT_EQ(one(r)[8], 10);
	EXPECT_EQ(run(r, PROG(VALUE(R2, ONE, 0), SET(R3, 8), SET(R4, 9), CALL(BPF_FUNC_get_stack),
			      EXIT)),
		  8);
	EXPECT_EQ((int64_t)run(r, PROG(VALUE(R2, ONE, 0), SET(R3, 12), SET(R4, 9),
				       CALL(BPF_FUNC_get_stack), EXIT)),
		  -EINVAL);
	EXPECT_EQ(one(r)[8], 0);
}

/* Key 1 in the stack, r1 the map, r2 the key. */
#define KEY(map, n) STORE_N(BPF_DW, R10, -8, n), MAP(R1, map), MOVE(R2, R10), ADD(R2, -8)

/* Helper @helper with @key, a value of which all bytes are @byte, @flags. */
static int64_t update(struct rig *r, int map, int key, int byte, int flags)
{
	return (int64_t)run(r, PROG(VALUE(R3, ONE, 0), STORE_N(BPF_DW, R3, 0, byte), KEY(map, key),
				    SET(R4, flags), CALL(BPF_FUNC_map_update_elem), EXIT));
}

static int64_t look(struct rig *r, int map, int key)
{
	return (int64_t)run(r, PROG(KEY(map, key), CALL(BPF_FUNC_map_lookup_elem),
				    IF(BPF_JNE, R0, 0, 2), SET(R0, -1), EXIT,
				    LOAD(BPF_DW, R0, R0, 0), EXIT));
}

BOTH(hash_tables_are_changed)
{
	EXPECT_EQ(look(r, HASH, 1), -1);
	EXPECT_EQ(update(r, HASH, 1, 5, BPF_EXIST), -ENOENT);
	EXPECT_EQ(update(r, HASH, 1, 5, BPF_NOEXIST), 0);
	EXPECT_EQ(update(r, HASH, 1, 6, BPF_NOEXIST), -EEXIST);
	EXPECT_EQ(update(r, HASH, 1, 7, 8), -EINVAL);
	EXPECT_EQ(look(r, HASH, 1), 5);
	for (int i = 2; i <= 8; i++)
		EXPECT_EQ(update(r, HASH, i, i, BPF_ANY), 0);
	EXPECT_EQ(update(r, HASH, 9, 9, BPF_ANY), -E2BIG);
	EXPECT_EQ(machine_map_len(r->m, HASH), 8);
	EXPECT_EQ(update(r, HASH, 8, 80, BPF_ANY), 0);
	EXPECT_EQ(look(r, HASH, 8), 80);
	EXPECT_EQ(run(r, PROG(KEY(HASH, 8), CALL(BPF_FUNC_map_delete_elem), EXIT)), 0);
	EXPECT_EQ((int64_t)run(r, PROG(KEY(HASH, 8), CALL(BPF_FUNC_map_delete_elem), EXIT)),
		  -ENOENT);
	EXPECT_EQ(look(r, HASH, 8), -1);
	EXPECT_EQ(run(r, PROG(KEY(HASH, 7), SET(R3, 0), CALL(BPF_FUNC_map_lookup_percpu_elem),
			      IF(BPF_JEQ, R0, 0, 1), LOAD(BPF_DW, R0, R0, 0), EXIT)),
		  7);
	EXPECT_EQ(
		run(r, PROG(KEY(HASH, 7), SET(R3, 1), CALL(BPF_FUNC_map_lookup_percpu_elem), EXIT)),
		0);
}

BOTH(arrays_are_changed)
{
	EXPECT_EQ(look(r, ARRAY, 3), 0);
	EXPECT_EQ(look(r, ARRAY, 4), -1);
	EXPECT_EQ(look(r, ARRAY, -1), -1);
	EXPECT_EQ(look(r, ONE, 0), 0);
	EXPECT_EQ(look(r, ONE, 1), -1);
	EXPECT_EQ(update(r, ARRAY, 3, 5, BPF_ANY), 0);
	EXPECT_EQ(look(r, ARRAY, 3), 5);
	EXPECT_EQ(look(r, ARRAY, 2), 0);
	EXPECT_EQ(update(r, ARRAY, 3, 5, BPF_NOEXIST), -EEXIST);
	EXPECT_EQ(update(r, ARRAY, 4, 5, BPF_ANY), -E2BIG);
	EXPECT_EQ((int64_t)run(r, PROG(KEY(ARRAY, 3), CALL(BPF_FUNC_map_delete_elem), EXIT)),
		  -EINVAL);
	machine_map_clear(r->m, ARRAY);
	EXPECT_EQ(look(r, ARRAY, 3), 0);
}

BOTH(records_come_when_they_are_submitted)
{
	const struct bpf_insn insns[] = { MAP(R1, RING),
					  SET(R2, 12),
					  SET(R3, 0),
					  CALL(BPF_FUNC_ringbuf_reserve),
					  IF(BPF_JEQ, R0, 0, 5),
					  STORE_N(BPF_W, R0, 8, 77),
					  MOVE(R1, R0),
					  SET(R2, 0),
					  CALL(BPF_FUNC_ringbuf_submit),
					  SET(R0, 5),
					  EXIT };
	struct bpf_insn other[MEM_LEN(insns)];

	EXPECT_EQ(run(r, insns, MEM_LEN(insns)), 5);
	EXPECT_EQ(r->seen.n, 1);
	EXPECT_EQ(r->seen.len, 12);
	EXPECT_EQ(r->seen.record[8], 77);
	memcpy(other, insns, sizeof(insns));
	other[9].imm = BPF_FUNC_ringbuf_discard;
	EXPECT_EQ(run(r, other, MEM_LEN(other)), 5);
	EXPECT_EQ(r->seen.n, 1);
}

BOTH(bytes_may_be_a_record_at_once)
{
	EXPECT_EQ(run(r, PROG(STORE_N(BPF_DW, R10, -16, 3), STORE_N(BPF_DW, R10, -8, 78),
			      MAP(R1, RING), MOVE(R2, R10), ADD(R2, -16), SET(R3, 12), SET(R4, 0),
			      CALL(BPF_FUNC_ringbuf_output), EXIT)),
		  0);
	EXPECT_EQ(r->seen.n, 1);
	EXPECT_EQ(r->seen.len, 12);
	EXPECT_EQ(r->seen.record[8], 78);
}

/* As long as there is room, which is not for ever; then once more in another run. */
BOTH(records_that_are_kept_take_room)
{
	const struct bpf_insn insns[] = { SET(R6, 0),
					  MAP(R1, RING),
					  SET(R2, 8),
					  SET(R3, 0),
					  CALL(BPF_FUNC_ringbuf_reserve),
					  IF(BPF_JEQ, R0, 0, 2),
					  ADD(R6, 1),
					  GOTO(-8),
					  MOVE(R0, R6),
					  EXIT };

	EXPECT_EQ(run(r, insns, MEM_LEN(insns)), RECORDS_MOST);
	EXPECT_EQ(run(r, insns, MEM_LEN(insns)), RECORDS_MOST);
	EXPECT_EQ(r->seen.n, 0);
}

/* r0: how often it was called; the frame of the program has the sum of what it was given. */
static uint64_t loop(struct rig *r, int n, int flags, int stop)
{
	return run(r, PROG(STORE_N(BPF_DW, R10, -8, 0), SET(R1, n), FN(R2, 10), MOVE(R3, R10),
			   ADD(R3, -8), SET(R4, flags), CALL(BPF_FUNC_loop), VALUE(R1, ONE, 0),
			   LOAD(BPF_DW, R2, R10, -8), STORE(BPF_DW, R1, 0, R2), EXIT,
			   LOAD(BPF_DW, R3, R2, 0), R64(BPF_ADD, R3, R1), STORE(BPF_DW, R2, 0, R3),
			   SET(R0, 0), IF(BPF_JNE, R1, stop, 1), SET(R0, 1), EXIT));
}

BOTH(loops_call_back)
{
	uint64_t sum;

	EXPECT_EQ(loop(r, 100, 0, -1), 100);
	memcpy(&sum, one(r), 8);
	EXPECT_EQ(sum, 4950);
	EXPECT_EQ(loop(r, 100, 0, 9), 10);
	memcpy(&sum, one(r), 8);
	EXPECT_EQ(sum, 45);
	EXPECT_EQ(loop(r, 0, 0, -1), 0);
	EXPECT_EQ((int64_t)loop(r, 100, 1, -1), -EINVAL);
	EXPECT_EQ((int64_t)loop(r, (1 << 23) + 1, 0, -1), -E2BIG);
	EXPECT_EQ(loop(r, 1 << 23, 0, -1), 1 << 23);
}

/* All entries, of which those with an odd value are deleted on the way. */
static uint64_t each(struct rig *r, int map)
{
	return run(r,
		   PROG(MAP(R1, map), FN(R2, 5), SET(R3, 0), SET(R4, 0),
			CALL(BPF_FUNC_for_each_map_elem), EXIT, LOAD(BPF_DW, R4, R3, 0),
			VALUE(R5, ONE, 8), ATOMIC(BPF_DW, BPF_ADD, R5, 0, R4), I64(BPF_AND, R4, 1),
			IF(BPF_JEQ, R4, 0, 1), CALL(BPF_FUNC_map_delete_elem), SET(R0, 0), EXIT));
}

BOTH(all_entries_are_called_back_for)
{
	for (int i = 1; i <= 6; i++)
		EXPECT_EQ(update(r, HASH, i, i * 10 + i % 2, BPF_ANY), 0);
	EXPECT_EQ(each(r, HASH), 6);
	EXPECT_EQ(one(r)[8], 213);
	EXPECT_EQ(machine_map_len(r->m, HASH), 3);
	EXPECT_EQ(each(r, HASH), 3);
	EXPECT_EQ(update(r, ARRAY, 2, 4, BPF_ANY), 0);
	EXPECT_EQ(each(r, ARRAY), 4);
	EXPECT_EQ(one(r)[8], (213 + 120 + 4) & 255);
}

BOTH(what_does_not_end_is_ended)
{
	r->m->budget_most = 1000000;
	EXPECT_EQ(run(r, PROG(SET(R0, 1), GOTO(-1), EXIT)), 0);
	EXPECT_EQ(machine_cut_off(r->m), 1);
	EXPECT_EQ(run(r, PROG(SET(R0, 1), ADD(R0, 1), IF(BPF_JNE, R0, 0, -2), EXIT)), 0);
	EXPECT_EQ(machine_cut_off(r->m), 2);
	EXPECT_EQ(loop(r, 1 << 23, 0, -1), 0);
	EXPECT_EQ(machine_cut_off(r->m), 3);
	EXPECT_EQ(loop(r, 1000, 0, -1), 1000);
	EXPECT_EQ(run(r, PROG(SET(R0, 1), { BPF_JMP32 | BPF_JA, 0, 0, 0, 1 }, EXIT,
			      { BPF_JMP32 | BPF_JA, 0, 0, 0, -2 })),
		  1);
	EXPECT_EQ(machine_cut_off(r->m), 3);
}

BOTH(divides_whatever_the_divisor)
{
	static const struct {
		int code;
		int64_t a, b, want;
	} cases[] = {
		{ BPF_ALU64 | BPF_DIV, 7, 0, 0 },
		{ BPF_ALU64 | BPF_MOD, 7, 0, 7 },
		{ BPF_ALU | BPF_MOD, -1, 0, UINT32_MAX },
		{ BPF_ALU | BPF_DIV, -1, 0, 0 },
		{ BPF_ALU64 | BPF_DIV, -7, 2, (int64_t)((UINT64_MAX - 6) / 2) },
		{ BPF_ALU64 | BPF_DIV | 0x100, -7, 2, -3 },
		{ BPF_ALU64 | BPF_MOD | 0x100, -7, 2, -1 },
		{ BPF_ALU64 | BPF_DIV | 0x100, INT64_MIN, -1, INT64_MIN },
		{ BPF_ALU64 | BPF_MOD | 0x100, INT64_MIN, -1, 0 },
		{ BPF_ALU | BPF_DIV | 0x100, INT32_MIN, -1, 1LL << 31 },
		{ BPF_ALU | BPF_MOD | 0x100, -7, 0, (int64_t)(uint32_t)-7 },
		{ BPF_ALU64 | BPF_DIV | 0x100, 5, 0, 0 },
	};

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		const uint8_t code = (uint8_t)cases[i].code;
		const int16_t off = (int16_t)(cases[i].code >> 8);
		const int32_t b = (int32_t)cases[i].b;

		r->ctx[0] = (uint64_t)cases[i].a;
		r->ctx[1] = (uint64_t)cases[i].b;
		// By a constant and by each register, into each.
		EXPECT_EQ(run(r,
			      PROG(LOAD(BPF_DW, R0, R1, 0), { code | BPF_K, R0, 0, off, b }, EXIT)),
			  cases[i].want);
		for (uint8_t x = 0; x < 10; x++) {
			const uint8_t y = (uint8_t)((x * 7 + 3) % 10);
			const uint8_t z = x != 1 ? x : y; // r1 is lost last

			if (x == y)
				continue;
			EXPECT_EQ(run(r, PROG(LOAD(BPF_DW, z, R1, z == x ? 0 : 8),
					      LOAD(BPF_DW, z == x ? y : x, R1, z == x ? 8 : 0),
					      { code | BPF_X, (uint8_t)(x & 15), (uint8_t)(y & 15),
						off, 0 },
					      MOVE(R0, x), EXIT)),
				  cases[i].want);
		}
	}
}

BOTH(shifts_by_any_register)
{
	r->ctx[0] = 0x8123456789abcdef;
	for (unsigned by = 0; by < 70; by += 3) {
		r->ctx[1] = by;
		for (uint8_t x = 0; x < 10; x++) {
			const uint8_t y = (uint8_t)((x + 1 + by) % 10), z = x != 1 ? x : y;
			const uint64_t v = r->ctx[0];

			if (x == y)
				continue;
#define SHIFT(op)                                        \
	run(r, PROG(LOAD(BPF_DW, z, R1, z == x ? 0 : 8), \
		    LOAD(BPF_DW, z == x ? y : x, R1, z == x ? 8 : 0), op, MOVE(R0, x), EXIT))
			EXPECT_EQ(SHIFT(R64(BPF_LSH, x, y)), v << (by & 63));
			EXPECT_EQ(SHIFT(R64(BPF_ARSH, x, y)), (int64_t)v >> (by & 63));
			EXPECT_EQ(SHIFT(R32(BPF_RSH, x, y)), (uint32_t)v >> (by & 31));
			EXPECT_EQ(SHIFT(R32(BPF_ARSH, x, y)),
				  (uint32_t)((int32_t)(uint32_t)v >> (by & 31)));
			EXPECT_EQ(SHIFT(I32(BPF_LSH, x, (int32_t)by)), (uint32_t)v << (by & 31));
#undef SHIFT
		}
	}
}

BOTH(exchanges_what_is_expected)
{
	// Of 4 bytes, only those of r0 are compared, and r0 becomes what was there.
	for (int there = 5; there <= 6; there++) {
		EXPECT_EQ(run(r, PROG(VALUE(R3, ONE, 0), STORE_N(BPF_DW, R3, 0, -1),
				      STORE_N(BPF_W, R3, 0, there), WIDE(R0, 0, 5, 77), SET(R2, 9),
				      ATOMIC(BPF_W, BPF_CMPXCHG, R3, 0, R2), EXIT)),
			  there);
		EXPECT_EQ(one(r)[0], there == 5 ? 9 : 6);
		EXPECT_EQ(one(r)[4], 0xff);
	}
	EXPECT_EQ(run(r, PROG(VALUE(R3, ONE, 0), STORE_N(BPF_DW, R3, 0, -1), SET(R0, 1), SET(R2, 9),
			      ATOMIC(BPF_W, BPF_XCHG, R3, 0, R2), MOVE(R0, R2), EXIT)),
		  UINT32_MAX);
	EXPECT_EQ(run(r, PROG(VALUE(R3, ONE, 0), STORE_N(BPF_DW, R3, 0, -1), SET(R2, 9),
			      ATOMIC(BPF_W, BPF_ADD | BPF_FETCH, R3, 0, R2), MOVE(R0, R2), EXIT)),
		  UINT32_MAX);
	EXPECT_EQ(one(r)[0], 8);
	EXPECT_EQ(one(r)[4], 0xff);
}

TEST(maps_that_cannot_be_are_refused)
{
	static const struct {
		int err;
		struct bpf_map_spec spec;
	} cases[] = {
		{ -ENOTSUP, { "a", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 4, 0, -1, 0, false, NULL } },
		{ -ENOTSUP, { "b", BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 1, 0, -1, 0, true, NULL } },
		{ -ENOTSUP,
		  { "c", BPF_MAP_TYPE_HASH, 4, 8, 1, BPF_F_RDONLY_PROG, -1, 0, false, NULL } },
		{ -EINVAL, { "d", BPF_MAP_TYPE_HASH, 0, 8, 1, 0, -1, 0, false, NULL } },
		{ -EINVAL, { "e", BPF_MAP_TYPE_HASH, 4, 0, 1, 0, -1, 0, false, NULL } },
		{ -EINVAL, { "f", BPF_MAP_TYPE_ARRAY, 4, 8, 0, 0, -1, 0, false, NULL } },
		{ -EINVAL, { "g", BPF_MAP_TYPE_ARRAY, 8, 8, 1, 0, -1, 0, false, NULL } },
		{ -EINVAL, { "h", BPF_MAP_TYPE_HASH, 4, UINT32_MAX, 1, 0, -1, 0, false, NULL } },
		{ -EINVAL, { "i", BPF_MAP_TYPE_HASH, UINT32_MAX, 8, 1, 0, -1, 0, false, NULL } },
	};
	static const struct machine_ops no_ops;

	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct machine *m = NULL;
		char words[] = "map 'a'";

		words[5] = (char)('a' + i);
		EXPECT_EQ(machine_new(&cases[i].spec, 1, &no_ops, NULL, &m), cases[i].err);
		EXPECT(strstr(sonde_err_str(), words));
		machine_free(m);
	}
}

struct rows {
	uint64_t sum;
	int stop;
};

static int add_row(void *arg, const void *key, const void *val)
{
	struct rows *rows = arg;
	uint64_t k, v;

	memcpy(&k, key, sizeof(k));
	memcpy(&v, val, sizeof(v));
	rows->sum += k * 100 + v;
	return --rows->stop == 0 ? 7 : 0;
}

TEST(maps_are_read_from_outside)
{
	struct rig r;
	struct rows rows = { 0 };
	uint64_t val[3] = { 1 };

	rig_init(&r, MACHINE_INTERPRETER);
	for (uint64_t k = 1; k <= 3; k++)
		EXPECT_EQ(machine_map_update(r.m, HASH, &k, val), 0);
	EXPECT_EQ(machine_map_each(r.m, HASH, add_row, &rows), 0);
	EXPECT_EQ(rows.sum, 603);
	rows = (struct rows){ .stop = 2 };
	EXPECT_EQ(machine_map_each(r.m, HASH, add_row, &rows), 7);
	EXPECT_EQ(rows.sum, 302);
	const uint64_t two = 2, four = 4;
	EXPECT(machine_map_find(r.m, HASH, &two) != NULL);
	EXPECT(!machine_map_find(r.m, HASH, &four));
	EXPECT_EQ(machine_map_delete(r.m, HASH, &two), 0);
	EXPECT_EQ(machine_map_delete(r.m, HASH, &two), -ENOENT);
	EXPECT_EQ(machine_map_delete(r.m, ARRAY, &two), -EINVAL);
	machine_map_clear(r.m, HASH);
	EXPECT_EQ(machine_map_len(r.m, HASH), 0);
	EXPECT_EQ(machine_map_len(r.m, ARRAY), 4);
	EXPECT_EQ(machine_map_len(r.m, RING), 0);
	EXPECT(!machine_map_value(r.m, HASH) && !machine_map_value(r.m, RING));
	rig_fini(&r);
}

BOTH(runs_take_no_memory)
{
	const struct bpf_insn insns[] = { VALUE(R3, ONE, 0),
					  KEY(HASH, 1),
					  SET(R4, 0),
					  CALL(BPF_FUNC_map_update_elem),
					  KEY(HASH, 1),
					  CALL(BPF_FUNC_map_delete_elem),
					  MAP(R1, RING),
					  SET(R2, 16),
					  SET(R3, 0),
					  CALL(BPF_FUNC_ringbuf_reserve),
					  IF(BPF_JEQ, R0, 0, 3),
					  MOVE(R1, R0),
					  SET(R2, 0),
					  CALL(BPF_FUNC_ringbuf_submit),
					  DONE };
	struct machine_prog *p = NULL;

	EXPECT_EQ(asm_load(r->m, insns, MEM_LEN(insns), r->how, NULL, &p), 0);
	EXPECT_EQ(machine_run(p, r->ctx), 0);
	const uint64_t before = test_allocations();
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(machine_run(p, r->ctx), 0);
	EXPECT_EQ(test_allocations() - before, 0);
	EXPECT_EQ(r->seen.n, 101);
	machine_prog_free(p);
}
