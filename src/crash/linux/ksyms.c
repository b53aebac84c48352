/* SPDX-License-Identifier: MIT */
/**
 * Reads kallsyms, as scripts/kallsyms.c of Linux writes it:
 *
 *     names        for each symbol a length (one byte, or two of 7 bits each, low ones first), then
 *                  that many tokens
 *     token_index  256 numbers of 16 bits: where each token's text begins in token_table
 *     token_table  texts, each ended by 0; a symbol's texts in a row are its type and its name
 *     offsets      of each symbol, 32 bits, from relative_base; since 7.0 from where each one lies
 */
#include "crash/linux/ksyms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

enum {
	SYMS_MOST = 1 << 21,
	NAMES_BYTES_MOST = 1 << 26,
	PROBES_MOST = 128, /* in the hash table: what is crowded out is not found by its name */
	TOKENS = 256,
	TOKENS_BYTES_MOST = 1 << 14,
	MARK = 256,
};

void ksyms_fini(struct ksyms *s)
{
	space_give_back(&s->names);
	space_give_back(&s->tokens);
	space_give_back(&s->token_index);
	space_give_back(&s->offsets);
	free(s->markers);
	free(s->slots);
	*s = (struct ksyms){ 0 };
}

static int32_t offset_at(const struct ksyms *s, uint32_t i)
{
	int32_t off;

	memcpy(&off, s->offsets.data + (size_t)i * 4, sizeof(off));
	return off;
}

uint64_t ksyms_address(const struct ksyms *s, uint32_t i)
{
	int32_t off = offset_at(s, i);

	switch (s->from) {
	case KSYMS_SELF: return s->base + i * 4ull + (uint64_t)(int64_t)off;
	case KSYMS_PERCPU: return off >= 0 ? (uint64_t)off : s->base - 1 - (uint64_t)(int64_t)off;
	default: return s->base + (uint32_t)off;
	}
}

/* The tokens of the name at *@at, which moves behind it. */
static struct sonde_span name_at(const struct ksyms *s, size_t *at)
{
	const uint8_t *p = s->names.data;
	size_t left = s->names.len - *at, head = 1, len;

	if (!left)
		return (struct sonde_span){ p, 0 };
	len = p[*at];
	if (len & 0x80 && left >= 2) {
		len = (len & 0x7f) | (size_t)p[*at + 1] << 7;
		head = 2;
	}
	if (len > left - head)
		len = left - head;
	struct sonde_span tokens = { p + *at + head, len };
	*at += head + len;
	return tokens;
}

static const char *token_text(const struct ksyms *s, uint8_t token)
{
	uint16_t off;

	memcpy(&off, s->token_index.data + 2ul * token, sizeof(off));
	return off < s->tokens.len ? (const char *)s->tokens.data + off : "";
}

static struct sonde_span find_name(const struct ksyms *s, uint32_t i)
{
	size_t at = s->markers[i / MARK];

	for (uint32_t skip = i % MARK; skip; skip--)
		(void)name_at(s, &at); // only moves on
	return name_at(s, &at);
}

void ksyms_name(const struct ksyms *s, uint32_t i, char *ret, char *ret_type)
{
	struct sonde_span tokens = find_name(s, i);
	size_t n = 0;
	char type = 0;

	for (size_t t = 0; t < tokens.len; t++) {
		for (const char *c = token_text(s, tokens.data[t]); *c; c++) {
			if (!type)
				type = *c;
			else if (n < KSYM_NAME_MOST - 1)
				ret[n++] = *c;
		}
	}
	ret[n] = '\0';
	if (ret_type)
		*ret_type = type;
}

/*
 * The hash of a name is a polynomial, so that each token needs one step: what is before it times
 * its power, plus its own.
 */
enum { HASH_FACTOR = 33 };

struct token_hash {
	uint32_t power, own;
};

static struct token_hash hash_text(const char *text)
{
	struct token_hash h = { 1, 0 };

	for (; *text; text++) {
		h.power *= HASH_FACTOR;
		h.own = h.own * HASH_FACTOR + (uint8_t)*text;
	}
	return h;
}

static uint32_t slot_of(const struct ksyms *s, uint32_t hash)
{
	return hash * 2654435761u >> 8 & s->mask;
}

/* The first letter of the first token is the type. */
static uint32_t hash_tokens(const struct token_hash *first, const struct token_hash *all,
			    struct sonde_span tokens)
{
	uint32_t h = tokens.len ? first[tokens.data[0]].own : 0;

	for (size_t t = 1; t < tokens.len; t++)
		h = h * all[tokens.data[t]].power + all[tokens.data[t]].own;
	return h;
}

static void enter(struct ksyms *s, uint32_t hash, uint32_t i)
{
	uint32_t slot = slot_of(s, hash);

	for (unsigned probe = 0; probe < PROBES_MOST; probe++, slot = (slot + 1) & s->mask) {
		if (!s->slots[slot]) {
			s->slots[slot] = i + 1;
			return;
		}
	}
}

/* One pass over all names: marks, and the hash table. */
static int index_names(struct ksyms *s)
{
	struct token_hash first[TOKENS], all[TOKENS];
	uint32_t cap = 1024;
	size_t at = 0;

	while (cap < s->n * 2)
		cap *= 2;
	s->markers = calloc(s->n / MARK + 1, sizeof(*s->markers));
	s->slots = calloc(cap, sizeof(*s->slots));
	if (!s->markers || !s->slots)
		return sonde_fail(-ENOMEM, "symbols: out of memory");
	s->mask = cap - 1;
	for (unsigned i = 0; i < TOKENS; i++) {
		const char *text = token_text(s, (uint8_t)i);

		all[i] = hash_text(text);
		first[i] = hash_text(*text ? text + 1 : text);
	}
	for (uint32_t i = 0; i < s->n; i++) {
		if (at >= s->names.len)
			return sonde_fail(-EBADMSG, "kallsyms: names end at symbol %u of %u", i,
					  s->n);
		if (i % MARK == 0)
			s->markers[i / MARK] = (uint32_t)at;
		enter(s, hash_tokens(first, all, name_at(s, &at)), i);
	}
	return 0;
}

static int lend(struct space *mem, uint64_t va, size_t n, const char *what, struct space_bytes *ret)
{
	int r = space_lend(mem, va, n, ret);

	if (r < 0 && r != -ENOMEM)
		return sonde_fail(r, "kallsyms: %s at 0x%llx (%zu bytes) are not in the dump", what,
				  (unsigned long long)va, n);
	return r;
}

/* The texts end before the index begins, but for padding; without an order, a usual size. */
static size_t tokens_len(const struct ksyms_places *at)
{
	uint64_t len = at->token_index - at->token_table;

	return at->token_index > at->token_table && len <= TOKENS_BYTES_MOST ? (size_t)len
									     : TOKENS_BYTES_MOST;
}

static int check_tokens(const struct ksyms *s)
{
	uint16_t last = 0, off;

	for (unsigned i = 0; i < TOKENS; i++) {
		memcpy(&off, s->token_index.data + 2ul * i, sizeof(off));
		if (off >= s->tokens.len || (i && (off <= last || s->tokens.data[off - 1])))
			return sonde_fail(-EBADMSG, "kallsyms: token %u begins at %u", i, off);
		last = off;
	}
	if (!memchr(s->tokens.data + last, 0, s->tokens.len - last))
		return sonde_fail(-EBADMSG, "kallsyms: the last token has no end");
	return 0;
}

static int load(struct ksyms *s, struct space *mem, const struct ksyms_places *at)
{
	uint64_t names_len = at->token_table - at->names;

	int r = space_read(mem, at->num_syms, &s->n, sizeof(s->n));
	s->base = at->offsets;
	if (!r && at->relative_base)
		r = space_read(mem, at->relative_base, &s->base, 8);
	if (r < 0)
		return sonde_fail(r, "kallsyms: its head is not in the dump");
	if (!s->n || s->n > SYMS_MOST || at->token_table < at->names ||
	    names_len > NAMES_BYTES_MOST || names_len < s->n)
		return sonde_fail(-EBADMSG, "kallsyms: %u symbols in %llu bytes", s->n,
				  (unsigned long long)names_len);
	r = lend(mem, at->names, (size_t)names_len, "names", &s->names);
	if (!r)
		r = lend(mem, at->token_table, tokens_len(at), "tokens", &s->tokens);
	if (!r)
		r = lend(mem, at->token_index, TOKENS * 2ul, "tokens' places", &s->token_index);
	if (!r)
		r = lend(mem, at->offsets, (size_t)s->n * 4, "offsets", &s->offsets);
	if (!r)
		r = check_tokens(s);
	if (r < 0)
		return r;
	if (!at->relative_base)
		s->from = KSYMS_SELF;
	else
		s->from = offset_at(s, s->n - 1) < 0 ? KSYMS_PERCPU : KSYMS_BASE;
	return index_names(s);
}

int ksyms_load(struct ksyms *s, struct space *mem, const struct ksyms_places *at)
{
	*s = (struct ksyms){ 0 };
	int r = load(s, mem, at);
	if (r < 0)
		ksyms_fini(s);
	return r;
}

/* How many symbols are at or before @addr. */
static uint32_t count_upto(const struct ksyms *s, uint64_t addr)
{
	uint32_t lo = 0, hi = s->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ksyms_address(s, mid) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool ksyms_find(const struct ksyms *s, uint64_t addr, uint32_t *ret, uint64_t *ret_size)
{
	uint32_t behind = s->n ? count_upto(s, addr) : 0;

	if (!behind)
		return false;
	uint64_t start = ksyms_address(s, behind - 1);
	uint32_t first = start ? count_upto(s, start - 1) : 0;
	*ret = first < behind ? first : behind - 1;
	*ret_size = behind < s->n ? ksyms_address(s, behind) - start : 0;
	return true;
}

bool ksyms_named(const struct ksyms *s, const char *name, uint32_t *ret)
{
	char there[KSYM_NAME_MOST];

	if (!s->slots)
		return false;
	uint32_t slot = slot_of(s, hash_text(name).own);
	for (unsigned probe = 0; s->slots[slot] && probe < PROBES_MOST; probe++) {
		ksyms_name(s, s->slots[slot] - 1, there, NULL);
		if (!strcmp(there, name)) {
			*ret = s->slots[slot] - 1;
			return true;
		}
		slot = (slot + 1) & s->mask;
	}
	return false;
}
