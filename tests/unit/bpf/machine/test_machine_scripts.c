/* SPDX-License-Identifier: MIT */
/** What the script compiler makes is accepted; interpreted and compiled it does the same. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "bpf/machine.h"
#include "bpf/machine/state.h"
#include "lang/made_world.h"
#include "test.h"

enum { CTX_LEN = 256, RUNS = 200 };

#define EACH "tracepoint:made:all { "

static const char *const scripts[] = {
	EACH "@ = count(); }",
	EACH "@[comm] = count(); }",
	EACH "@[args.i32] = count(); }",
	EACH "@[args.u64, comm] = sum(args.u32); }",
	EACH "@[pid, tid, cpu, uid, gid] = avg(args.i64); }",
	EACH "@a = min(args.i32); @b = max(args.u64); @c = stats(args.u8); }",
	EACH "@[args.u8] = hist(args.u64); @l[args.u8] = lhist(args.i32, 0, 1000, 7); }",
	EACH "@ = hist(args.u64, 3); }",
	EACH "printf(\"%d %s %llx\\n\", args.i8, args.comm, args.u64); }",
	EACH "printf(\"%s %s\\n\", str(args.str), str(args.rel)); }",
	EACH "@s[args.comm] = nsecs; @t[str(args.str)] = elapsed; }",
	EACH "if (args.comm == \"bash\") { @ = count(); } else { @e++; } }",
	EACH "if (strncmp(args.comm, \"ba\", 2) == 0) { @ = count(); } }",
	EACH "if (strcontains(comm, \"sh\")) { @ = count(); } }",
	EACH "if (comm == args.comm) { print(comm); } }",
	EACH "$s = args.comm; $t = comm; if ($s != $t) { @[$s, $t]++; } }",
	EACH "@x = args.words[args.u8 & 3]; @y = args.words[args.u8]; }",
	EACH "@m[args.mac] = count(); @n = ntop(args.addr4); @o = macaddr(args.mac); }",
	EACH "$i = 0; while ($i < args.u8) { $i++; @[$i] = count(); if ($i > 90) { break; } } }",
	EACH "for ($i : 0..args.u8) { @[$i % 5] = sum($i); } }",
	EACH "for ($i : 0..4) { for ($k : 0..3) { @[$i, $k]++; } } }",
	EACH "unroll (5) { @ += args.u8; } }",
	EACH "@v[args.u8 % 16] = args.u64; if (args.u8 == 7) { for ($kv : @v) { print($kv); } } }",
	EACH "@v[args.u8 % 16] = count(); if (args.u8 == 7) { for ($kv : @v) { print($kv.0); } } }",
	EACH "@v[args.u8 % 16] = 1; delete(@v, 3); @n = len(@v); @h = has_key(@v, 5); }",
	EACH "@c[args.u8] = count(); if (@c[1] > 5) { printf(\"%d\\n\", @c[1]); clear(@c); } }",
	EACH "@c[args.u8] = count(); if (args.u8 == 9) { print(@c, 3); zero(@c); } }",
	EACH "$t = (args.u8, args.comm, (uint8)3); @[$t] = count(); print($t); }",
	EACH "@t[tid] = nsecs; if (@t[tid]) { @d = hist(nsecs - @t[tid]); } }",
	EACH "@[kstack] = count(); @u[ustack(5), comm] = count(); }",
	EACH "@[kstack(3), ustack] = sum(args.u32); }",
	EACH "@ = args.u8 ? args.u16 : args.u32; @s = args.flag ? \"yes\" : \"no\"; }",
	EACH "@ = args.u64 / args.u8; @m = args.i64 % args.i32; @n = -args.i16; @o = ~args.u16; }",
	EACH "@ = args.u64 << args.u8; @r = args.u64 >> 3; @x = args.u64 ^ args.u32; }",
	EACH "@b = bswap(args.u32); @c = bswap((uint16)args.u16); }",
	EACH "print(buf(args.comm, 16)); print(buf(args.addr6)); }",
	EACH "@a[args.u8] |= args.u16; @b[args.u8] *= 3; @c[args.u8]--; @d = ++@e; }",
	EACH "$p = args.ptr; @ = *(uint64 *)$p; @x = *(uint8 *)(args.u64 + 3); }",
	EACH "@ = args.task.pid; }",
	EACH "join(args.ptr); time(\"%H\"); }",
	EACH "print(strftime(\"%H:%M:%S\", nsecs)); exit(args.u8 == 200 ? 3 : 0); }",
	EACH "@ = rand; @n = len(args.comm); @j = jiffies; }",
	EACH "assert(args.u8 < 250, \"too large\"); @ = count(); }",
	EACH "@x[args.u8 % 4] = (args.u64, args.comm); @y = @x[args.u8 % 4].0; print(@x[1].1); }",
	EACH "$a = @w[1]; @w[1] = args.u32; if ($a) { @same = count(); } }",
	"BEGIN { @start = nsecs; @a[1] = 2; } END { clear(@a); print(@start); }",
	"interval:ms:10 { @ = count(); print(@); clear(@); }",
	"profile:hz:99 { @[comm, kstack] = count(); } tracepoint:made:none / pid > 3 / { @n++; }",
	"tracepoint:made:all / args.u8 < 10 && comm != \"a\" || args.flag / { @[cpu] = count(); }",
	"tracepoint:made:one, tracepoint:made:two { @[probe] = count(); }",
	"config = { max_strlen = 1024 } " EACH "$s = str(args.path); $t = args.comm;"
	" @[comm] = count(); if ($s == str(args.str)) { print($s); } @t = $t; }",
	"config = { max_strlen = 1024 } " EACH
	"if (strcontains(str(args.path), \"etc\")) { @++; } }",
};

/* All that a machine does, as a number. */
struct seen {
	struct machine *m;
	uint64_t sum;
};

static void note(struct seen *s, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		s->sum = (s->sum ^ p[i]) * 0x100000001b3;
}

static void on_record(void *arg, const void *data, size_t len)
{
	note(arg, data, len);
}

static int64_t stack(void *arg, const struct machine_now *now, uint64_t *ret, uint32_t n,
		     uint64_t flags)
{
	(void)arg;
	for (uint32_t i = 0; i < n && i < now->ts_ns % 9; i++)
		ret[i] = flags + i;
	return (int64_t)(8 * (n < now->ts_ns % 9 ? n : now->ts_ns % 9));
}

static bool read_any(void *arg, uint64_t addr, void *ret, size_t len)
{
	(void)arg;
	if (addr % 3 == 0)
		return false;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)ret)[i] = (uint8_t)("/etc/hosts"[(addr + i) % 11]);
	return true;
}

static const struct machine_ops ops = { .record = on_record, .stack = stack, .read = read_any };

static int note_entry(void *arg, const void *key, const void *val)
{
	struct seen *s = arg;
	(void)key, (void)val;
	s->sum++;
	return 0;
}

static void note_map(struct seen *s, size_t map)
{
	const struct bpf_map_spec *spec = s->m->maps[map].spec;
	const uint64_t before = s->sum;

	s->sum = 0;
	if (machine_map_each(s->m, map, note_entry, s) < 0)
		test_failed(__FILE__, __LINE__, "%s", sonde_err_str());
	s->sum = before * 31 + s->sum;
	if (machine_map_value(s->m, map) && spec->max_entries == 1)
		note(s, machine_map_value(s->m, map), spec->val_len);
}

/* A context of random bytes, whose dynamic fields lie in it. */
static void make_ctx(uint8_t *ctx, unsigned i)
{
	for (unsigned k = 0; k < CTX_LEN; k++)
		ctx[k] = (uint8_t)(i * 7 + k * k * (i + 1) % 251);
	memcpy(ctx + 40, i % 2 ? "bash\0\0\0\0\0\0\0\0\0\0\0" : "a longer name 16", 16);
	memcpy(ctx + 116, &(uint32_t){ 6 << 16 | 200 }, 4);
	memcpy(ctx + 124, &(uint32_t){ 6 << 16 | 80 }, 4);
	memcpy(ctx + 200, "hello", 6);
	ctx[CTX_LEN - 1] = 0;
}

static uint64_t run_all(const struct script *s, enum machine_how how)
{
	struct seen seen = { 0 };
	sonde_auto(machine_freep) struct machine *m = NULL;
	uint8_t *ctx = malloc(CTX_LEN);

	if (!ctx || machine_new(s->bpf_maps, s->n_bpf_maps, &ops, &seen, &m) < 0) {
		test_failed(__FILE__, __LINE__, "%s", sonde_err_str());
		free(ctx);
		return 0;
	}
	seen.m = m;
	for (size_t p = 0; p < s->n_progs; p++) {
		sonde_auto(machine_prog_freep) struct machine_prog *prog = NULL;
		sonde_auto(strbuf_fini) struct strbuf log = { 0 };

		if (machine_load(m, &s->progs[p].code, CTX_LEN, how, &log, &prog) < 0) {
			struct strbuf b = { 0 };
			bpf_code_print(&s->progs[p].code, &b);
			test_failed(__FILE__, __LINE__, "%s%s", strbuf_text(&log), strbuf_text(&b));
			strbuf_fini(&b);
			continue;
		}
		for (unsigned i = 0; i < RUNS; i++) {
			struct machine_now *now = machine_now(m);

			make_ctx(ctx, i);
			now->ts_ns = 1000000 + i * 977;
			now->pid_tgid = (uint64_t)(i % 5) << 32 | i % 7;
			now->cpu = i % 4;
			memcpy(now->comm, i % 3 ? "bash\0" : "other", 6);
			now->mem = ctx;
			now->mem_len = CTX_LEN;
			(void)machine_run(prog, ctx); // the result of a script's program is 0
		}
	}
	for (size_t i = 0; i < s->n_bpf_maps; i++)
		note_map(&seen, i);
	EXPECT_EQ(m->faults, 0);
	EXPECT_EQ(machine_cut_off(m), 0);
	free(ctx);
	return seen.sum;
}

TEST(scripts_run)
{
	struct world *w = NULL;

	EXPECT_EQ(made_world_new(true, &w), 0);
	w->is_synchronous = true;
	for (size_t i = 0; i < MEM_LEN(scripts); i++) {
		struct made made;

		made_compile(&made, w, scripts[i], NULL);
		if (!made.script) {
			test_failed(__FILE__, __LINE__, "%s: %s", scripts[i],
				    strbuf_text(&made.diag.out));
		} else {
			const uint64_t a = run_all(made.script, MACHINE_INTERPRETER);
			const uint64_t b = run_all(made.script, MACHINE_JIT);
			if (a != b)
				test_failed(__FILE__, __LINE__, "%s: another result", scripts[i]);
		}
		made_fini(&made);
	}
	world_free(w);
}
