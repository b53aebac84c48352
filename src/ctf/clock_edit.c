/* SPDX-License-Identifier: MIT */
/** Clock blocks of a metadata text with other values. */
#include "ctf/clock_edit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/arena.h"
#include "base/mem.h"
#include "ctf/tsdl_lex.h"
#include "model/clock_map.h"

enum { GIGA = 1000000000 };

/* The value of the clock at a time, as a time without a map; to the nearest. */
static uint64_t cycles_at(const struct sonde_clock *c, int64_t ns)
{
	const __int128 since = (__int128)ns - sonde_clock_ns(c, 0);
	const __int128 v = (since * c->freq + GIGA / 2) / GIGA;

	return v < 0 ? 0 : v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

static int64_t distance(int64_t a, int64_t b)
{
	int64_t d;

	if (__builtin_sub_overflow(a, b, &d) || d == INT64_MIN)
		return INT64_MAX;
	return d < 0 ? -d : d;
}

int clock_edit_find(const struct sonde_clock *c, const struct sonde_clock_map *m, int64_t begin_ns,
		    int64_t end_ns, struct clock_edit *ret, int64_t *ret_off_ns)
{
	const __int128 one = (__int128)1 << CLOCK_MAP_BITS;
	struct sonde_clock plain = *c, changed = *c;
	const int64_t mid_ns = begin_ns + (int64_t)(((__int128)end_ns - begin_ns) / 2);

	plain.map = NULL;
	const __int128 freq = ((__int128)c->freq * one + m->rate / 2) / m->rate;
	if (freq < 1 || freq > UINT64_MAX)
		return sonde_fail(-ERANGE, "clock '%s': no frequency says that slope", c->name);
	changed.map = NULL;
	changed.freq = (uint64_t)freq;
	changed.offset_s = 0;
	changed.offset = 0;
	const uint64_t mid = cycles_at(&plain, mid_ns);
	// The offset that makes the middle right: its distance from the changed clock's 0.
	const int64_t base =
		clock_map_ns(m, sonde_clock_ns(&plain, mid)) - sonde_clock_ns(&changed, mid);
	if (base < 0)
		return sonde_fail(-ERANGE, "clock '%s': it would begin before 1970", c->name);
	changed.offset_s = base / GIGA;
	changed.offset =
		(uint64_t)(((unsigned __int128)(base % GIGA) * changed.freq + GIGA - 1) / GIGA);

	int64_t off = 0;
	const int64_t at[] = { begin_ns, mid_ns, end_ns };
	for (size_t i = 0; i < MEM_LEN(at); i++) {
		const uint64_t v = cycles_at(&plain, at[i]);
		const int64_t d = distance(sonde_clock_ns(&changed, v),
					   clock_map_ns(m, sonde_clock_ns(&plain, v)));
		off = d > off ? d : off;
	}
	*ret = (struct clock_edit){ changed.freq, changed.offset_s, changed.offset };
	*ret_off_ns = off;
	return 0;
}

/* The text is copied up to where something else goes. */
struct copy {
	struct lexer x;
	struct strbuf *out;
	uint32_t done; /* copied, or left out */
};

static void copy_to(struct copy *c, uint32_t pos)
{
	strbuf_add(c->out, c->x.text.s + c->done, pos - c->done);
	c->done = pos;
}

static bool is_punct(const struct token *t, char p)
{
	return t->kind == TOK_PUNCT && t->punct == p;
}

static bool is_replaced(const struct token *t)
{
	static const char *const names[] = { "freq", "offset_s", "offset" };

	for (size_t i = 0; i < MEM_LEN(names) && t->kind == TOK_WORD; i++) {
		if (!strcmp(t->str, names[i]))
			return true;
	}
	return false;
}

/* From behind "clock {" to its "}": leaves the old settings out and adds the new ones. */
static int edit_block(struct copy *c, const struct clock_edit *e)
{
	bool begins = true; // of a setting
	struct token t;
	int r;

	while ((r = lex_next(&c->x, &t)) >= 0 && t.kind != TOK_END && !is_punct(&t, '}')) {
		if (!begins || !is_replaced(&t)) {
			begins = is_punct(&t, ';');
			continue;
		}
		copy_to(c, t.pos);
		while ((r = lex_next(&c->x, &t)) >= 0 && t.kind != TOK_END && !is_punct(&t, ';'))
			;
		if (r < 0)
			return r;
		c->done = t.end;
	}
	if (r < 0 || t.kind == TOK_END)
		return r;
	copy_to(c, t.pos);
	strbuf_fmt(c->out,
		   "\tfreq = %" PRIu64 ";\n\toffset_s = %" PRId64 ";\n\toffset = %" PRIu64 ";\n",
		   e->freq, e->offset_s, e->offset);
	return 0;
}

static int edit_all(struct copy *c, const struct clock_edit *edits, size_t n_edits)
{
	unsigned depth = 0;
	bool clock = false; // the token before was the word, outside of all braces
	size_t n = 0;
	struct token t;
	int r;

	while ((r = lex_next(&c->x, &t)) >= 0 && t.kind != TOK_END) {
		if (clock && is_punct(&t, '{') && n < n_edits) {
			r = edit_block(c, &edits[n++]);
			if (r < 0)
				return r;
			clock = false;
			continue;
		}
		depth += is_punct(&t, '{');
		depth -= depth && is_punct(&t, '}');
		clock = !depth && t.kind == TOK_WORD && t.kw == KW_CLOCK;
	}
	return r;
}

int clock_edit_text(const char *path, struct sonde_span bytes, const struct clock_edit *edits,
		    size_t n_edits, struct strbuf *out)
{
	static const char signature[] = "/* CTF 1.8 */\n";
	sonde_auto(arena_fini) struct arena arena = { 0 };
	struct copy c = { .out = out };
	struct tsdl_text text;
	int r = tsdl_text_open(path, bytes, &arena, &text);

	if (r >= 0)
		r = lex_init(&c.x, text, &arena, &arena);
	if (r < 0)
		return r;
	if (text.len < 6 || memcmp(text.s, signature, 6) != 0)
		strbuf_str(out, signature);
	r = edit_all(&c, edits, n_edits);
	if (r < 0)
		return r;
	copy_to(&c, c.x.text.len);
	return strbuf_ok(out);
}
