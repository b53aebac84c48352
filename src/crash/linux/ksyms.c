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
#include "base/paged.h"

enum {
	SYMS_MOST = (1 << 21) - 1,
	NAMES_BYTES_MOST = 1 << 26,
	PROBES_MOST = 128, /* in the hash table: what is crowded out is not found by its name */
	TOKENS = 256,
	TOKENS_BYTES_MOST = 1 << 14,
	MARK = 256,
	SLOTS_LEAST = 1024,
};

#define INDEX_MASK ((1u << 21) - 1)

void ksyms_fini(struct ksyms *s)
{
	space_give_back(&s->names);
	space_give_back(&s->tokens);
	space_give_back(&s->token_index);
	space_give_back(&s->offsets);
	paged_free(s->paged);
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

bool ksyms_ran_out(const struct ksyms *s)
{
	return s->paged && paged_failed(s->paged) == -ENOMEM;
}

static bool want(const struct ksyms *s, size_t at, size_t n)
{
	return !s->paged || paged_want(s->paged, at, n);
}

/* The tokens of the name at *@at, which moves behind it; none where they cannot be read. */
static struct sonde_span name_at(const struct ksyms *s, size_t *at)
{
	const uint8_t *p = s->names.data;
	size_t left = s->names.len - *at, head = 1, len;

	if (!left || !want(s, *at, 2))
		return (struct sonde_span){ p, 0 };
	len = p[*at];
	if (len & 0x80 && left >= 2) {
		len = (len & 0x7f) | (size_t)p[*at + 1] << 7;
		head = 2;
	}
	if (len > left - head)
		len = left - head;
	struct sonde_span tokens = { p + *at + head, want(s, *at + head, len) ? len : 0 };
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

/* What of the hash is beside an index in its slot: other names are seldom compared. */
static uint32_t mark_of(uint32_t hash)
{
	return hash * 0x9e3779b1u & ~INDEX_MASK;
}

static uint32_t slot_of(const struct ksyms *s, uint32_t hash)
{
	return (uint32_t)((uint64_t)(hash * 2654435761u) * s->n_slots >> 32);
}

static uint32_t next_slot(const struct ksyms *s, uint32_t slot)
{
	return slot + 1 < s->n_slots ? slot + 1 : 0;
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

	for (unsigned probe = 0; probe < PROBES_MOST; probe++, slot = next_slot(s, slot)) {
		if (!s->slots[slot]) {
			s->slots[slot] = (i + 1) | mark_of(hash);
			return;
		}
	}
}

/* One pass over all names: marks, and the hash table. */
static int index_names(struct ksyms *s)
{
	struct token_hash first[TOKENS], all[TOKENS];
	size_t at = 0;

	s->n_slots = s->n + s->n / 2;
	s->n_slots = s->n_slots < SLOTS_LEAST ? SLOTS_LEAST : s->n_slots;
	s->markers = calloc(s->n / MARK + 1, sizeof(*s->markers));
	s->slots = calloc(s->n_slots, sizeof(*s->slots));
	if (!s->markers || !s->slots)
		return sonde_fail(-ENOMEM, "symbols: out of memory");
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
	if (ksyms_ran_out(s))
		return sonde_fail(-ENOMEM, "symbols: out of memory");
	if (s->paged && paged_failed(s->paged) < 0)
		return sonde_fail(-EBADMSG, "kallsyms: its names cannot be read");
	if (s->paged)
		paged_forget(s->paged); // few of them are wanted from now on
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

static int read_names(void *arg, size_t off, void *ret, size_t n)
{
	const struct ksyms *s = arg;

	return space_read(s->mem, s->names_at + off, ret, n);
}

/* The same of names and offsets, of which few are wanted: those of a packed dump stay there. */
static int lend_in_place(struct space *mem, uint64_t va, size_t n, const char *what,
			 struct space_bytes *ret)
{
	// A thin dump gets all of them, so that others can be asked for as well.
	if (dump_watched(mem->dump))
		return lend(mem, va, n, what, ret);
	int r = space_lend_in_place(mem, va, n, ret);
	if (r < 0)
		return sonde_fail(r, "kallsyms: %s at 0x%llx (%zu bytes) are not in the dump", what,
				  (unsigned long long)va, n);
	return 0;
}

static int lend_names(struct ksyms *s, size_t n)
{
	const struct paged_from from = {
		.len = n,
		.in_page = s->names_at & 4095,
		.read = read_names,
		.arg = s,
	};

	int r = lend_in_place(s->mem, s->names_at, n, "names", &s->names);
	if (r < 0 || s->names.data)
		return r;
	r = paged_new(&from, &s->paged);
	if (r == 0)
		s->names.data = paged_bytes(s->paged);
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
	r = lend_names(s, (size_t)names_len);
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
	*s = (struct ksyms){ .mem = mem, .names_at = at->names };
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
	const uint32_t hash = hash_text(name).own;
	uint32_t slot = slot_of(s, hash);
	for (unsigned probe = 0; s->slots[slot] && probe < PROBES_MOST; probe++) {
		const uint32_t i = (s->slots[slot] & INDEX_MASK) - 1;

		if ((s->slots[slot] & ~INDEX_MASK) == mark_of(hash)) {
			ksyms_name(s, i, there, NULL);
			if (!strcmp(there, name)) {
				*ret = i;
				return true;
			}
		}
		slot = next_slot(s, slot);
	}
	return false;
}
