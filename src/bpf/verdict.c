/* SPDX-License-Identifier: MIT */
/**
 * Reads the verifier's log, which ends so:
 *
 *	; line 3, column 5
 *	7: (79) r1 = *(u64 *)(r0 +0)          ; R0=map_value_or_null(...)
 *	R0 invalid mem access 'map_value_or_null'
 *	processed 8 insns (limit 1000000) max_states_per_insn 0 ...
 */
#include "bpf/verdict.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "bpf/fn.h"

enum { LINES_KEPT = 15 };

struct line {
	const char *at;
	size_t len;
};

static bool begins(const struct line *l, const char *word)
{
	return l->len >= strlen(word) && !memcmp(l->at, word, strlen(word));
}

/* The number of an instruction, "7: (79) r1 = ..."; states come without the parenthesis. */
static bool is_insn(const struct line *l, uint32_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < l->len && l->at[i] >= '0' && l->at[i] <= '9' && n < UINT32_MAX; i++)
		n = n * 10 + (uint64_t)(l->at[i] - '0');
	if (!i || n > UINT32_MAX || l->len - i < 3 || memcmp(l->at + i, ": (", 3) != 0)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* Lines that are the verifier's accounts, not its reason. */
static bool is_account(const struct line *l)
{
	static const char *const words[] = { "processed ", "verification time ", "stack depth ",
					     ";",	   "last_idx ",		 "first_idx ",
					     "regs=",	   "mark_precise" };
	uint32_t insn;
	size_t i = 0;

	if (!l->len || is_insn(l, &insn))
		return true;
	for (; i < MEM_LEN(words); i++) {
		if (begins(l, words[i]))
			return true;
	}
	// The state of all registers: "7: R0=...", "from 3 to 7: R0=..."
	for (i = 0; i < l->len && l->at[i] >= '0' && l->at[i] <= '9'; i++)
		;
	return (i && i < l->len && l->at[i] == ':') || begins(l, "from ");
}

/* Splits off the first line of *@s. */
static bool next_line(const char **s, struct line *ret)
{
	if (!**s)
		return false;
	*ret = (struct line){ *s, strcspn(*s, "\n") };
	*s += ret->len;
	*s += **s == '\n';
	return true;
}

static uint32_t script_line(const struct bpf_code *code, uint32_t insn)
{
	uint32_t line = 0;

	for (size_t i = 0; i < code->n_lines && code->lines[i].insn <= insn; i++)
		line = code->lines[i].line;
	return line;
}

static bool tells_lack(const char *reason)
{
	static const char *const words[] = { "unknown func",	    "invalid func",
					     "cannot use helper",   "is not allowed in",
					     "not supported",	    "unsupported",
					     "JIT does not support" };

	for (size_t i = 0; i < MEM_LEN(words); i++) {
		if (strstr(reason, words[i]))
			return true;
	}
	return false;
}

int verdict_read(const char *log, const struct bpf_code *code, struct verdict *ret)
{
	struct line last[LINES_KEPT] = { 0 }, l, reason = { "", 0 };
	uint32_t insn = 0;
	size_t n = 0;
	bool has_insn = false;

	for (const char *s = log; next_line(&s, &l);) {
		if (begins(&l, "processed "))
			continue;
		last[n++ % LINES_KEPT] = l;
		has_insn |= is_insn(&l, &insn);
		if (!is_account(&l))
			reason = l;
	}
	for (size_t i = n < LINES_KEPT ? 0 : n - LINES_KEPT; i < n; i++) {
		strbuf_add(ret->log, last[i % LINES_KEPT].at, last[i % LINES_KEPT].len);
		strbuf_str(ret->log, "\n");
	}
	(void)snprintf(ret->reason, sizeof(ret->reason), "%.*s", (int)reason.len,
		       reason.at); /* cut where too long */
	ret->line = has_insn ? script_line(code, insn) : 0;
	ret->lacks = tells_lack(ret->reason);
	return strbuf_ok(ret->log);
}
