/* SPDX-License-Identifier: MIT */
/** What the machine's verifier refuses, with which words; and what it must take. */
#include <errno.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "bpf/machine/state.h"
#include "machine_asm.h"
#include "test.h"

/* r0 becomes a value of the hash table, or NULL. */
#define LOOKUP(map)                                                            \
	STORE_N(BPF_DW, R10, -8, 1), MAP(R1, map), MOVE(R2, R10), ADD(R2, -8), \
		CALL(BPF_FUNC_map_lookup_elem)
#define RESERVE(len) MAP(R1, RING), SET(R2, len), SET(R3, 0), CALL(BPF_FUNC_ringbuf_reserve)
#define DONE	     SET(R0, 0), EXIT

struct example {
	const char *words; /* of the refusal; NULL: it is taken */
	struct bpf_insn insns[48];
};

static const struct example bad_code[] = {
	{ "0 instructions", { { 0 } } },
	{ "unknown instruction", { { 0xff, 0, 0, 0, 0 }, EXIT } },
	{ "unknown instruction", { { BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 0 }, EXIT } },
	{ "unknown instruction", { { BPF_ALU64 | BPF_ADD | BPF_K, 0, 1, 0, 0 }, EXIT } },
	{ "unknown instruction", { { BPF_ALU64 | BPF_ADD | BPF_X, 0, 1, 0, 1 }, EXIT } },
	{ "unknown instruction", { { BPF_ALU64 | BPF_NEG, 0, 0, 0, 1 }, EXIT } },
	{ "unknown instruction", { { BPF_ALU | BPF_END, 0, 0, 0, 24 }, EXIT } },
	{ "unknown instruction", { ATOMIC(BPF_B, BPF_ADD, R10, -8, R1), EXIT } },
	{ "unknown instruction", { ATOMIC(BPF_DW, BPF_SUB, R10, -8, R1), EXIT } },
	{ "there is no such register", { SET(11, 0), EXIT } },
	{ "there is no such register", { MOVE(R0, 15), EXIT } },
	{ "r10 is only read", { SET(R10, 0), EXIT } },
	{ "r10 is only read", { LOAD(BPF_DW, R10, R1, 0), EXIT } },
	{ "r10 is only read", { ATOMIC(BPF_DW, BPF_XCHG, R10, -8, R10), EXIT } },
	{ "does not end here", { SET(R0, 0) } },
	{ "does not end here", { SET(R0, 0), EXIT, IF(BPF_JEQ, R0, 0, -1) } },
	{ "out of the program", { GOTO(1), EXIT } },
	{ "out of the program", { GOTO(-2), EXIT } },
	{ "out of the program", { { BPF_JMP32 | BPF_JA, 0, 0, 0, 100000 }, EXIT } },
	{ "into a constant", { GOTO(1), WIDE(R0, 0, 1, 1), EXIT } },
	{ "second half", { { BPF_LD | BPF_IMM | BPF_DW, R0, 0, 0, 1 }, SET(R0, 0), EXIT } },
	{ "a map that is not there", { MAP(R1, N_MAPS), DONE } },
	{ "map 'hash' has no value", { VALUE(R1, HASH, 0), DONE } },
	{ "map 'one' has no value at 73", { VALUE(R1, ONE, 73), DONE } },
	{ "a constant of unknown kind 3", { WIDE(R1, 3, 0, 0), DONE } },
	{ "no helper function 9999", { CALL(9999), EXIT } },
	{ "no helper function", { CALL(BPF_FUNC_send_signal), EXIT } },
	{ "only helper functions", { { BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0 }, EXIT } },
};

static const struct example bad_registers[] = {
	{ "r0 is not set", { EXIT } },
	{ "r2 is not set", { MOVE(R0, R2), EXIT } },
	{ "r3 is not set", { SET(R0, 0), R64(BPF_ADD, R0, R3), EXIT } },
	{ "r1 is not set", { CALL(BPF_FUNC_ktime_get_ns), MOVE(R0, R1), EXIT } },
	{ "r2 is not set", { SET(R0, 0), IF_R(BPF_JEQ, R0, R2, 0), EXIT } },
	{ "r6 is not set", // on one of two ways
	  { LOAD(BPF_W, R0, R1, 0), IF(BPF_JEQ, R0, 0, 1), SET(R6, 1), MOVE(R0, R6), EXIT } },
	{ "r0 is no address", { SET(R0, 4096), LOAD(BPF_W, R0, R0, 0), EXIT } },
	{ "r2 is no address", // what is stored in a map is a number
	  { VALUE(R3, ONE, 0), STORE(BPF_DW, R3, 0, R3), LOAD(BPF_DW, R2, R3, 0),
	    LOAD(BPF_DW, R0, R2, 0), EXIT } },
	{ "r1 is no address", { MAP(R1, ONE), LOAD(BPF_DW, R0, R1, 0), EXIT } },
	{ "r2 is no address", // half of an address
	  { R32(BPF_MOV, R2, R1), LOAD(BPF_DW, R0, R2, 0), EXIT } },
	{ "r1 is no address", { I64(BPF_MUL, R1, 1), LOAD(BPF_DW, R0, R1, 0), EXIT } },
	{ "r1 is no address", { I32(BPF_ADD, R1, 0), LOAD(BPF_DW, R0, R1, 0), EXIT } },
	{ "r1 is no address", // any number was added
	  { LOAD(BPF_DW, R2, R1, 0), R64(BPF_ADD, R1, R2), LOAD(BPF_DW, R0, R1, 0), EXIT } },
	{ "r2 is no address", // the word was overwritten in part
	  { STORE(BPF_DW, R10, -8, R1), STORE_N(BPF_B, R10, -3, 0), LOAD(BPF_DW, R2, R10, -8),
	    LOAD(BPF_DW, R0, R2, 0), EXIT } },
	{ "r2 is no address", // by a helper function
	  { MOVE(R6, R1), STORE(BPF_DW, R10, -8, R1), MOVE(R1, R10), ADD(R1, -16), SET(R2, 16),
	    CALL(BPF_FUNC_get_current_comm), LOAD(BPF_DW, R2, R10, -8), LOAD(BPF_DW, R0, R2, 0),
	    EXIT } },
	{ "r3 is no address", // somewhere among the words
	  { STORE(BPF_DW, R10, -8, R1), STORE(BPF_DW, R10, -16, R1), LOAD(BPF_W, R2, R1, 0),
	    I64(BPF_AND, R2, 8), MOVE(R3, R10), ADD(R3, -16), R64(BPF_ADD, R3, R2),
	    STORE_N(BPF_B, R3, 0, 1), LOAD(BPF_DW, R3, R10, -8), LOAD(BPF_DW, R0, R3, 0), EXIT } },
};

static const struct example bad_memory[] = {
	{ "4 bytes at r1+29", { LOAD(BPF_W, R0, R1, 29), EXIT } },
	{ "8 bytes at r1-1", { LOAD(BPF_DW, R0, R1, -1), EXIT } },
	{ "r1 points to what is only read", { STORE_N(BPF_W, R1, 0, 1), DONE } },
	{ "of the stack", { LOAD(BPF_B, R0, R10, 0), EXIT } },
	{ "of the stack", { LOAD(BPF_DW, R0, R10, -7), EXIT } },
	{ "of the stack", { STORE_N(BPF_B, R10, -513, 0), DONE } },
	{ "of the stack", { ATOMIC(BPF_DW, BPF_ADD, R10, -4, R1), DONE } },
	{ "8 bytes at r2+65", { VALUE(R2, ONE, 0), STORE_N(BPF_DW, R2, 65, 0), DONE } },
	{ "1 bytes at r2-9", { VALUE(R2, ONE, 8), LOAD(BPF_B, R0, R2, -9), EXIT } },
	{ "r0 may be NULL", { LOOKUP(HASH), LOAD(BPF_DW, R0, R0, 0), EXIT } },
	{ "r0 is no address", // the wrong way
	  { LOOKUP(HASH), IF(BPF_JEQ, R0, 0, 2), SET(R0, 0), EXIT, STORE_N(BPF_DW, R0, 0, 1),
	    EXIT } },
	{ "r6 may be NULL", // another one was tested
	  { LOOKUP(HASH), MOVE(R6, R0), LOOKUP(HASH), IF(BPF_JEQ, R0, 0, 1),
	    STORE_N(BPF_DW, R6, 0, 1), DONE } },
	{ "8 bytes at r0+17",
	  { LOOKUP(HASH), IF(BPF_JEQ, R0, 0, 1), STORE_N(BPF_DW, R0, 17, 1), DONE } },
	{ "r0 is no address", // NULL and something
	  { LOOKUP(HASH), ADD(R0, 8), LOAD(BPF_DW, R0, R0, 0), EXIT } },
	{ "1 bytes at r2+0", // one too many
	  { LOAD(BPF_B, R3, R1, 0), VALUE(R2, ONE, 0), IF(BPF_JGT, R3, 72, 2), R64(BPF_ADD, R2, R3),
	    LOAD(BPF_B, R0, R2, 0), DONE } },
	{ "1 bytes at r2+0", // signed: below 0 as well
	  { LOAD(BPF_DW, R3, R1, 0), VALUE(R2, ONE, 0), IF(BPF_JSGT, R3, 71, 4),
	    IF(BPF_JSLT, R3, -1, 3), R64(BPF_ADD, R2, R3), LOAD(BPF_B, R0, R2, 0), EXIT, DONE } },
	{ "8 bytes at r2+0", // a loop that goes one too far
	  { SET(R3, 0), VALUE(R2, ONE, 0), R64(BPF_ADD, R2, R3), LOAD(BPF_DW, R0, R2, 0),
	    ADD(R3, 8), IF(BPF_JLE, R3, 72, -6), DONE } },
	{ "r2", // a loop without an end
	  { VALUE(R2, ONE, 0), LOAD(BPF_DW, R0, R2, 0), ADD(R2, 8), GOTO(-3), EXIT } },
	{ "8 bytes at r2+40", // either of two maps
	  { LOAD(BPF_W, R3, R1, 0), VALUE(R2, ONE, 0), IF(BPF_JEQ, R3, 0, 2), VALUE(R2, ARRAY, 0),
	    STORE_N(BPF_DW, R2, 40, 1), DONE } },
	{ "only read", // the stack or the context
	  { LOAD(BPF_W, R3, R1, 0), MOVE(R2, R1), IF(BPF_JEQ, R3, 0, 2), MOVE(R2, R10),
	    ADD(R2, -32), STORE_N(BPF_DW, R2, 0, 1), DONE } },
};

static const struct example bad_calls[] = {
	{ "r1 is no map", { MOVE(R2, R1), CALL(BPF_FUNC_map_lookup_elem), EXIT } },
	{ "r2 is not set", { MAP(R1, HASH), CALL(BPF_FUNC_map_lookup_elem), EXIT } },
	{ "r2 is no address", { MAP(R1, HASH), SET(R2, 1), CALL(BPF_FUNC_map_lookup_elem), EXIT } },
	{ "8 bytes at -4",
	  { MAP(R1, HASH), MOVE(R2, R10), ADD(R2, -4), CALL(BPF_FUNC_map_lookup_elem), EXIT } },
	{ "does not take map 'ring'",
	  { MAP(R1, RING), MOVE(R2, R10), ADD(R2, -8), CALL(BPF_FUNC_map_lookup_elem), EXIT } },
	{ "does not take map 'hash'",
	  { MAP(R1, HASH), SET(R2, 8), SET(R3, 0), CALL(BPF_FUNC_ringbuf_reserve), EXIT } },
	{ "24 bytes at -16",
	  { MAP(R1, HASH), MOVE(R2, R10), ADD(R2, -8), MOVE(R3, R10), ADD(R3, -16), SET(R4, 0),
	    CALL(BPF_FUNC_map_update_elem), EXIT } },
	{ "17 bytes at -16",
	  { MOVE(R1, R10), ADD(R1, -16), SET(R2, 17), CALL(BPF_FUNC_get_current_comm), EXIT } },
	{ "r2 may be any number of bytes",
	  { LOAD(BPF_DW, R2, R1, 0), MOVE(R1, R10), ADD(R1, -16), SET(R3, 0),
	    CALL(BPF_FUNC_probe_read), EXIT } },
	{ "255 bytes at -16",
	  { LOAD(BPF_B, R2, R1, 0), MOVE(R1, R10), ADD(R1, -16), SET(R3, 0),
	    CALL(BPF_FUNC_probe_read), EXIT } },
	{ "r1 points to what is only read",
	  { SET(R2, 8), SET(R3, 0), CALL(BPF_FUNC_probe_read), EXIT } },
	{ "r3 is not set",
	  { MOVE(R1, R10), ADD(R1, -8), SET(R2, 8), CALL(BPF_FUNC_probe_read), EXIT } },
	{ "r2 is no constant",
	  { LOAD(BPF_B, R2, R1, 0), MAP(R1, RING), SET(R3, 0), CALL(BPF_FUNC_ringbuf_reserve),
	    EXIT } },
	{ "a record of 1073741824 bytes", { RESERVE(1 << 30), EXIT } },
	{ "r1 is no record", { SET(R2, 0), CALL(BPF_FUNC_ringbuf_submit), EXIT } },
	{ "r1 may be NULL",
	  { RESERVE(8), MOVE(R1, R0), SET(R2, 0), CALL(BPF_FUNC_ringbuf_submit), EXIT } },
	{ "r1 is no record", // not its begin
	  { RESERVE(16), IF(BPF_JEQ, R0, 0, 4), MOVE(R1, R0), ADD(R1, 8), SET(R2, 0),
	    CALL(BPF_FUNC_ringbuf_submit), DONE } },
	{ "r6 is not set", // it was given away
	  { RESERVE(16), IF(BPF_JEQ, R0, 0, 5), MOVE(R6, R0), MOVE(R1, R0), SET(R2, 0),
	    CALL(BPF_FUNC_ringbuf_submit), STORE_N(BPF_DW, R6, 0, 1), DONE } },
	{ "8 bytes at r0+9",
	  { RESERVE(16), IF(BPF_JEQ, R0, 0, 1), STORE_N(BPF_DW, R0, 9, 1), DONE } },
	{ "r2 is no function",
	  { SET(R1, 5), SET(R2, 0), SET(R3, 0), SET(R4, 0), CALL(BPF_FUNC_loop), EXIT } },
	{ "a jump out of the program", { FN(R2, 100), DONE } },
	{ "a jump into a constant", { FN(R2, 0), DONE } },
};

/* r1 times the function @to instructions behind the call's exit. */
#define LOOP(n, to) SET(R1, n), FN(R2, to), SET(R4, 0), CALL(BPF_FUNC_loop), DONE

static const struct example bad_callbacks[] = {
	{ "r3 is not set", { SET(R3, 0), LOOP(5, 5), MOVE(R0, R3), EXIT } },
	{ "r6 is not set", { SET(R6, 0), SET(R3, 0), LOOP(5, 5), MOVE(R0, R6), EXIT } },
	{ "r0 is not set", { SET(R3, 0), LOOP(5, 5), EXIT } },
	{ "r2 is no address", // the program's word is overwritten, for the next round
	  { STORE(BPF_DW, R10, -8, R1), MOVE(R3, R10), ADD(R3, -8), LOOP(5, 5),
	    LOAD(BPF_DW, R6, R2, 0), STORE_N(BPF_W, R2, 0, 0), MOVE(R2, R6),
	    LOAD(BPF_DW, R0, R2, 0), EXIT } },
	{ "r1 is no address", // and for the program behind the call
	  { STORE(BPF_DW, R10, -8, R1), MOVE(R3, R10), ADD(R3, -8), SET(R1, 5), FN(R2, 6),
	    SET(R4, 0), CALL(BPF_FUNC_loop), LOAD(BPF_DW, R1, R10, -8), LOAD(BPF_DW, R0, R1, 0),
	    EXIT, STORE_N(BPF_W, R2, 0, 0), SET(R0, 0), EXIT } },
	{ "of the stack", // of the caller's: behind its end
	  { MOVE(R3, R10), ADD(R3, -8), LOOP(5, 5), LOAD(BPF_DW, R0, R2, 8), EXIT } },
	{ "only read", // the function leaves the address of its own frame
	  { STORE_N(BPF_DW, R10, -8, 0), MOVE(R3, R10), ADD(R3, -8), SET(R1, 5), FN(R2, 8),
	    SET(R4, 0), CALL(BPF_FUNC_loop), LOAD(BPF_DW, R1, R10, -8), IF(BPF_JEQ, R1, 0, 1),
	    STORE_N(BPF_DW, R1, -8, 0), SET(R0, 0), EXIT, STORE(BPF_DW, R2, 0, R10), SET(R0, 0),
	    EXIT } },
	{ "only read", // the key of an entry
	  { MAP(R1, HASH), FN(R2, 6), SET(R3, 0), SET(R4, 0), CALL(BPF_FUNC_for_each_map_elem),
	    SET(R0, 0), EXIT, STORE_N(BPF_B, R2, 0, 0), SET(R0, 0), EXIT } },
	{ "8 bytes at r3+17",
	  { MAP(R1, HASH), FN(R2, 6), SET(R3, 0), SET(R4, 0), CALL(BPF_FUNC_for_each_map_elem),
	    SET(R0, 0), EXIT, STORE_N(BPF_DW, R3, 17, 0), SET(R0, 0), EXIT } },
	{ "r1 may be NULL", // the same instruction, but what it gave to the caller
	  { MOVE(R7, R1),
	    SET(R8, 1),
	    GOTO(2),
	    MOVE(R7, R2),
	    SET(R8, 0),
	    LOOKUP(HASH),
	    IF(BPF_JEQ, R8, 0, 10),
	    STORE(BPF_DW, R10, -16, R0),
	    SET(R1, 1),
	    FN(R2, -12),
	    MOVE(R3, R10),
	    ADD(R3, -16),
	    SET(R4, 0),
	    CALL(BPF_FUNC_loop),
	    DONE,
	    IF(BPF_JEQ, R0, 0, 2),
	    LOAD(BPF_DW, R1, R7, 0),
	    STORE_N(BPF_DW, R1, 0, 1),
	    SET(R0, 0),
	    EXIT } },
	{ "functions call each other", // a function that calls itself
	  { SET(R1, 2), FN(R2, -2), SET(R3, 0), SET(R4, 0), CALL(BPF_FUNC_loop), SET(R0, 0),
	    EXIT } },
};

static const struct example good[] = {
	{ NULL, { SET(R0, 0), EXIT } },
	{ NULL, { SET(R0, 7), I64(BPF_DIV, R0, 0), EXIT } },
	{ NULL, { LOAD(BPF_W, R0, R1, 28), EXIT } },
	{ NULL, // a byte chooses among bytes
	  { LOAD(BPF_B, R3, R1, 0), VALUE(R2, ONE, 0), IF(BPF_JGT, R3, 71, 2), R64(BPF_ADD, R2, R3),
	    LOAD(BPF_B, R0, R2, 0), DONE } },
	{ NULL, // tested in one register, used in another
	  { LOAD(BPF_B, R3, R1, 0), MOVE(R4, R3), VALUE(R2, ONE, 0), IF(BPF_JGT, R4, 71, 2),
	    R64(BPF_ADD, R2, R3), LOAD(BPF_B, R0, R2, 0), DONE } },
	{ NULL, // tested in a register, used from the stack
	  { LOAD(BPF_B, R3, R1, 0), STORE(BPF_DW, R10, -8, R3), VALUE(R2, ONE, 0),
	    IF(BPF_JGT, R3, 71, 3), LOAD(BPF_DW, R4, R10, -8), R64(BPF_ADD, R2, R4),
	    LOAD(BPF_B, R0, R2, 0), DONE } },
	{ NULL, // a NULL that is tested in a copy
	  { LOOKUP(HASH), MOVE(R6, R0), STORE(BPF_DW, R10, -16, R0), IF(BPF_JEQ, R6, 0, 3),
	    STORE_N(BPF_DW, R0, 16, 1), LOAD(BPF_DW, R1, R10, -16), STORE_N(BPF_DW, R1, 0, 1),
	    DONE } },
	{ NULL, // either of two maps
	  { LOAD(BPF_W, R3, R1, 0), VALUE(R2, ONE, 0), IF(BPF_JEQ, R3, 0, 2), VALUE(R2, ARRAY, 0),
	    STORE_N(BPF_DW, R2, 32, 1), DONE } },
	{ NULL, // a value or nothing, from two sides
	  { LOAD(BPF_W, R3, R1, 0), SET(R6, 0), IF(BPF_JEQ, R3, 0, 7), LOOKUP(HASH), MOVE(R6, R0),
	    IF(BPF_JEQ, R6, 0, 1), STORE_N(BPF_DW, R6, 16, 1), DONE } },
	{ NULL, // the stack or the context, to be read
	  { LOAD(BPF_W, R3, R1, 0), MOVE(R2, R1), IF(BPF_JEQ, R3, 0, 2), MOVE(R2, R10),
	    ADD(R2, -32), LOAD(BPF_DW, R0, R2, 24), EXIT } },
	{ NULL, // a loop over whole words
	  { SET(R3, 0), VALUE(R2, ONE, 0), R64(BPF_ADD, R2, R3), LOAD(BPF_DW, R0, R2, 0),
	    ADD(R3, 8), IF(BPF_JLT, R3, 72, -6), DONE } },
	{ NULL, // until it is that
	  { SET(R3, 0), VALUE(R2, ONE, 0), R64(BPF_ADD, R2, R3), LOAD(BPF_DW, R0, R2, 0),
	    ADD(R3, 8), IF(BPF_JNE, R3, 72, -6), DONE } },
	{ NULL, // a number that grows without an end does not matter
	  { SET(R3, 0), ADD(R3, 3), LOAD(BPF_DW, R0, R1, 0), IF_R(BPF_JLT, R3, R0, -3), DONE } },
	{ NULL, // a word of the stack by number
	  { LOAD(BPF_B, R3, R1, 0), I64(BPF_AND, R3, 7), I64(BPF_LSH, R3, 3), MOVE(R2, R10),
	    ADD(R2, -64), R64(BPF_ADD, R2, R3), STORE_N(BPF_DW, R2, 0, 5), LOAD(BPF_DW, R0, R2, 0),
	    EXIT } },
	{ NULL, // a length from the event
	  { LOAD(BPF_B, R2, R1, 0), I64(BPF_AND, R2, 15), MOVE(R1, R10), ADD(R1, -16), SET(R3, 0),
	    CALL(BPF_FUNC_probe_read), EXIT } },
	{ NULL, // the context's address in the caller's frame
	  { STORE(BPF_DW, R10, -8, R1), MOVE(R3, R10), ADD(R3, -8), LOOP(5, 5),
	    LOAD(BPF_DW, R1, R2, 0), LOAD(BPF_DW, R0, R1, 24), EXIT } },
	{ NULL, // two that are called from the same function
	  { MOVE(R3, R10), SET(R1, 3), FN(R2, 11), SET(R4, 0), CALL(BPF_FUNC_loop), SET(R1, 3),
	    FN(R2, 6), SET(R3, 0), SET(R4, 0), CALL(BPF_FUNC_loop), DONE, SET(R0, 0), EXIT } },
	{ NULL, // code that nothing leads to
	  { SET(R0, 0), EXIT, LOAD(BPF_DW, R7, R7, 0), EXIT } },
	{ NULL, // a condition that never holds
	  { SET(R0, 0), IF(BPF_JEQ, R0, 0, 1), LOAD(BPF_DW, R7, R7, 0), EXIT } },
};

static void try(const struct example *e)
{
	struct asm_seen seen = { 0 };
	struct machine *m = asm_machine(&seen);
	struct strbuf log = { 0 };
	const uint64_t ctx[CTX_LEN / 8] = { 3, 5, 7, 9 };

	for (int how = MACHINE_JIT; how <= MACHINE_INTERPRETER; how++) {
		struct machine_prog *p = NULL;
		const int r =
			asm_load(m, e->insns, MEM_LEN(e->insns), (enum machine_how)how, &log, &p);

		if (!e->words) {
			if (r < 0)
				test_failed(__FILE__, __LINE__, "refused: %s", strbuf_text(&log));
			if (p)
				(void)machine_run(p, ctx); // only whether it stays inside
			EXPECT_EQ(m->faults, 0);
		} else {
			EXPECT_EQ(r, -EBADMSG);
			if (!strstr(strbuf_text(&log), e->words) ||
			    (r < 0 && !strstr(sonde_err_str(), e->words)))
				test_failed(__FILE__, __LINE__, "'%s', wanted '%s'",
					    strbuf_text(&log), e->words);
		}
		machine_prog_free(p);
	}
	strbuf_fini(&log);
	machine_free(m);
}

#define TRY_ALL(examples)                                      \
	do {                                                   \
		for (size_t i = 0; i < MEM_LEN(examples); i++) \
			try(&(examples)[i]);                   \
	} while (0)

TEST(what_is_no_code_is_refused)
{
	TRY_ALL(bad_code);
}

TEST(registers_must_be_set_and_fit)
{
	TRY_ALL(bad_registers);
}

TEST(memory_has_bounds)
{
	TRY_ALL(bad_memory);
}

TEST(calls_are_given_what_they_need)
{
	TRY_ALL(bad_calls);
}

TEST(functions_that_are_called_back_are_looked_at)
{
	TRY_ALL(bad_callbacks);
}

TEST(what_stays_inside_is_taken)
{
	TRY_ALL(good);
}

TEST(lines_of_the_script_are_told)
{
	struct bpf_insn insns[] = { SET(R0, 0), MOVE(R0, R5), EXIT };
	struct bpf_line_info_ lines[] = { { 0, 3, 1 }, { 1, 4, 7 } };
	const struct bpf_code code = { .insns = insns, .n_insns = 3, .lines = lines, .n_lines = 2 };
	struct asm_seen seen = { 0 };
	struct machine *m = asm_machine(&seen);
	struct machine_prog *p = NULL;
	struct strbuf log = { 0 };

	EXPECT_EQ(machine_load(m, &code, 0, MACHINE_JIT, &log, &p), -EBADMSG);
	EXPECT_STR(strbuf_text(&log), "4:7: instruction 1: r5 is not set\n");
	EXPECT_EQ(machine_load(m, &code, 0, MACHINE_JIT, NULL, &p), -EBADMSG);
	EXPECT_STR(sonde_err_str(), "instruction 1: r5 is not set");
	strbuf_fini(&log);
	machine_free(m);
}

/* @n functions, each of which calls the next one from two places. */
static int load_tree(unsigned n)
{
	struct bpf_insn insns[64];
	static const struct bpf_insn one[] = { SET(R1, 1),	    FN(R2, 12),		 SET(R3, 0),
					       SET(R4, 0),	    CALL(BPF_FUNC_loop), SET(R1, 1),
					       FN(R2, 6),	    SET(R3, 0),		 SET(R4, 0),
					       CALL(BPF_FUNC_loop), SET(R0, 0),		 EXIT };
	static const struct bpf_insn last[] = { SET(R0, 0), EXIT };
	struct asm_seen seen = { 0 };
	struct machine *m = asm_machine(&seen);
	struct machine_prog *p = NULL;
	size_t at = 0;

	for (unsigned i = 0; i < n; i++, at += MEM_LEN(one))
		memcpy(insns + at, one, sizeof(one));
	memcpy(insns + at, last, sizeof(last));
	int r = asm_load(m, insns, at + 2, MACHINE_INTERPRETER, NULL, &p);
	machine_prog_free(p);
	machine_free(m);
	return r;
}

TEST(what_takes_too_long_to_verify_is_refused)
{
	struct bpf_insn *insns = calloc(INSNS_MOST + 1, sizeof(*insns));
	struct bpf_code code = { .insns = insns, .n_insns = INSNS_MOST + 1 };
	struct asm_seen seen = { 0 };
	struct machine *m = asm_machine(&seen);
	struct machine_prog *p = NULL;

	EXPECT_EQ(load_tree(4), 0);
	EXPECT_EQ(machine_load(m, &code, 0, MACHINE_JIT, NULL, &p), -EBADMSG);
	EXPECT_STR(sonde_err_str(), "instruction 0: 131073 instructions, 131072 is the most");
	free(insns);
	machine_free(m);
}

static int load_all(void)
{
	struct asm_seen seen = { 0 };
	static const struct machine_ops no_ops;
	static const struct bpf_map_spec specs[] = {
		{ "one", BPF_MAP_TYPE_ARRAY, 4, 72, 1, 0, -1, 0, false, NULL },
		{ "ring", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, -1, 0, false, NULL },
	};
	static struct bpf_insn insns[] = { RESERVE(8),
					   IF(BPF_JEQ, R0, 0, 3),
					   MOVE(R1, R0),
					   SET(R2, 0),
					   CALL(BPF_FUNC_ringbuf_discard),
					   MOVE(R3, R10),
					   LOOP(3, 5),
					   SET(R0, 0),
					   EXIT };
	struct bpf_reloc relocs[] = { { 0, 1 } };
	const struct bpf_code code = {
		.insns = insns, .n_insns = MEM_LEN(insns), .relocs = relocs, .n_relocs = 1
	};
	struct machine *m = NULL;
	struct machine_prog *p = NULL;

	int r = machine_new(specs, 2, &no_ops, &seen, &m);
	if (r == 0)
		r = machine_load(m, &code, 8, MACHINE_JIT, NULL, &p);
	if (r == 0)
		EXPECT_EQ(machine_run(p, NULL), 0);
	machine_prog_free(p);
	machine_free(m);
	return r;
}

TEST(no_memory_is_told)
{
	test_oom(load_all);
}
