/* SPDX-License-Identifier: MIT */
/** Programs become code of this processor, which is then made executable and read-only. */
#include "bpf/machine/jit/jit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "bpf/machine/jit/back.h"
#include "bpf/machine/verify/verifier.h"

void jit_code_bytes(struct jit_code *c, const void *bytes, size_t n)
{
	if (c->failed || mem_grow(&c->code, &c->cap, c->len + n) < 0) {
		c->failed = true;
		return;
	}
	memcpy(c->code + c->len, bytes, n);
	c->len += n;
}

static void add_fix(struct jit *j, struct jit_fix **all, size_t *n, size_t *cap, struct jit_fix f)
{
	if (mem_grow(all, cap, *n + 1) < 0)
		j->code.failed = true;
	else
		(*all)[(*n)++] = f;
}

void jit_fix_insn(struct jit *j, size_t at, size_t insn)
{
	add_fix(j, &j->fixes, &j->n_fixes, &j->cap_fixes, (struct jit_fix){ at, insn });
}

void jit_fix_exit(struct jit *j, size_t at)
{
	add_fix(j, &j->exits, &j->n_exits, &j->cap_exits, (struct jit_fix){ at, 0 });
}

static uint32_t registers_of(const struct machine_prog *p)
{
	uint32_t r = 0;

	for (size_t i = 0; i < p->n_insns; i++)
		r |= 1u << p->insns[i].dst_reg | 1u << p->insns[i].src_reg;
	return r;
}

static void put_insns(struct jit *j)
{
	const struct machine_prog *p = j->p;
	bool is_dead = false; // what was put last is for instructions that are not reached

	for (size_t i = 0; i < p->n_insns; i++) {
		const bool reached = p->notes[i].reached;

		j->at[i] = !reached && is_dead ? j->at[i - 1] : j->code.len;
		if (reached)
			jit_put_insn(j, i);
		else if (!is_dead)
			jit_put_unreached(j);
		is_dead = !reached;
		if (reached && is_wide(&p->insns[i]))
			j->at[++i] = j->code.len;
	}
}

static void put_program(struct jit *j)
{
	for (size_t f = j->p->n_fns; f-- > 0;) {
		j->fns[f] = j->code.len;
		jit_put_entry(j);
		if (f > 0) // the program itself goes on behind it
			jit_fix_insn(j, jit_put_jump(j), j->p->fns[f].insn);
	}
	put_insns(j);
	const size_t end = j->code.len;
	jit_put_exit(j);
	for (size_t i = 0; i < j->n_exits; i++)
		jit_set_target(j, j->exits[i].at, end);
	for (size_t i = 0; i < j->n_fixes; i++)
		jit_set_target(j, j->fixes[i].at, j->at[j->fixes[i].insn]);
}

/* Makes the code executable; where the system forbids that, the interpreter has to do. */
static int publish(struct jit *j)
{
	struct machine_prog *p = j->p;
	const size_t len = j->code.len;
	machine_fn **native = calloc(p->n_fns, sizeof(machine_fn *));

	if (!native)
		return -ENOMEM;
	char *code = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED) {
		free(native);
		return errno == ENOMEM ? -ENOMEM : 0;
	}
	memcpy(code, j->code.code, len);
	__builtin___clear_cache(code, code + len); // some processors fetch from a cache of its own
	if (mprotect(code, len, PROT_READ | PROT_EXEC) < 0) {
		munmap(code, len);
		free(native);
		return 0;
	}
	for (size_t f = 0; f < p->n_fns; f++)
		native[f] = (machine_fn *)((uintptr_t)code + j->fns[f]);
	p->native = native;
	p->code = code;
	p->code_len = len;
	return 0;
}

int jit_compile(struct machine_prog *p)
{
	struct jit j = { .p = p, .uses = registers_of(p) };
	int r = -ENOMEM;

	j.at = calloc(p->n_insns, sizeof(*j.at));
	j.fns = calloc(p->n_fns, sizeof(*j.fns));
	if (j.at && j.fns) {
		put_program(&j);
		if (!j.code.failed)
			r = publish(&j);
	}
	free(j.at);
	free(j.fns);
	free(j.fixes);
	free(j.exits);
	free(j.code.code);
	return r < 0 ? sonde_fail(r, "out of memory") : 0;
}

void jit_free(struct machine_prog *p)
{
	if (p->code)
		munmap(p->code, p->code_len);
	free(p->native);
}
