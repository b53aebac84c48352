/* SPDX-License-Identifier: MIT */
/**
 * Draws a flame graph.
 *
 *	title, time, samples                     legend, search
 *	          +---------+
 *	          | kernel  |
 *	+-----+---+---------+-----+
 *	|     user frames         |              a frame's width is its share of the samples,
 *	+-------------------------+              its callers are below it
 *	|     thread              |
 *	+-------------------------+
 *	what is pointed at                        what is not drawn
 */
#include "analysis/flame/svg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/table.h"

enum {
	WIDTH = 1200,
	PAD = 16,
	ROW = 18,
	TOP = 74,
	BOTTOM = 40,
	CHAR_MILLI = 7225,  /* width of a letter of 12 px, in 1/1000 px */
	THIN_MILLI = 5000,  /* narrower frames have no edges, which would be all there is to see */
	LEAST_SHARE = 1000, /* frames with less than one in so many samples are not drawn */
	SHADES = 8,
};

static const char css[] = {
#include "analysis/flame/flame_css.inc"
};

static const char js[] = {
#include "analysis/flame/flame_js.inc"
};

/* The length of the UTF-8 letter at @s, or 0: it is none that XML takes. */
static size_t letter(const unsigned char *s, size_t len)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 }
	};

	for (size_t n = 1; n <= 4; n++) {
		uint32_t v = s[0] & (unsigned char)~forms[n - 1].mask;
		size_t i = 1;

		if ((s[0] & forms[n - 1].mask) != forms[n - 1].lead)
			continue;
		for (; i < n && i < len && (s[i] & 0xc0) == 0x80; i++)
			v = v << 6 | (s[i] & 0x3f);
		if (i < n || v < forms[n - 1].least || v < ' ' || v > 0x10ffff || v == 0x7f ||
		    (v >= 0xd800 && v < 0xe000) || (v & 0xfffe) == 0xfffe)
			return 0;
		return n;
	}
	return 0;
}

void flame_escape(struct strbuf *b, const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = letter((const unsigned char *)text + i, len - i);
		if (!n)
			strbuf_str(b, "?");
		else if (text[i] == '&')
			strbuf_str(b, "&amp;");
		else if (text[i] == '<')
			strbuf_str(b, "&lt;");
		else if (text[i] == '>')
			strbuf_str(b, "&gt;");
		else if (text[i] == '"')
			strbuf_str(b, "&quot;");
		else
			strbuf_add(b, text + i, n);
	}
}

size_t flame_fit(const char *text, size_t chars, bool *ret_cut)
{
	const size_t len = strlen(text);
	size_t at = 0, shown = 0, kept = 0;

	*ret_cut = false;
	while (at < len) {
		size_t n = letter((const unsigned char *)text + at, len - at);

		if (shown + 2 == chars)
			kept = at; // if more follows than fits, this much is shown
		if (shown == chars) {
			*ret_cut = chars >= 3;
			return chars >= 3 ? kept : 0;
		}
		at += n ? n : 1;
		shown++;
	}
	return len;
}

void flame_count(struct strbuf *b, uint64_t v)
{
	char plain[32];
	const int n = snprintf(plain, sizeof(plain), "%" PRIu64, v);

	for (int i = 0; i < n; i++)
		strbuf_fmt(b, "%s%c", i && (n - i) % 3 == 0 ? "," : "", plain[i]);
}

void flame_amount(struct strbuf *b, uint64_t v, enum flame_unit unit)
{
	char text[TABLE_VALUE_MOST];

	if (unit == FLAME_NS) {
		table_ns(v > INT64_MAX ? INT64_MAX : (int64_t)v, text);
		strbuf_str(b, text);
		return;
	}
	flame_count(b, v);
	strbuf_str(b, v == 1 ? " sample" : " samples");
}

static uint64_t name_hash(const char *s)
{
	const uint64_t h = hash_text(HASH_BEGIN, s);

	return h ^ (h >> 29);
}

/* What is drawn, and what is left out. */
struct drawing {
	const struct stacks *s;
	struct sonde_out *out;
	struct strbuf text;
	uint64_t total;
	uint32_t depth; /* of the deepest frame that is drawn; the root has 0 */
	uint64_t n_left_out;
	enum flame_unit unit;
	uint64_t most_change; /* of a differential: of any frame but the root */
};

static bool is_drawn(const struct drawing *d, const struct stack_node *n)
{
	return n->total && (unsigned __int128)n->total * LEAST_SHARE >= d->total;
}

/* The next node, parents first; its children only if @inside. 0: the end. */
static uint32_t next_node(const struct stacks *s, uint32_t at, bool inside, uint32_t *depth)
{
	if (inside && s->nodes[at].child) {
		++*depth;
		return s->nodes[at].child;
	}
	while (at && !s->nodes[at].sibling) {
		at = s->nodes[at].parent;
		--*depth;
	}
	return at ? s->nodes[at].sibling : 0;
}

static uint64_t change_of(uint64_t before, uint64_t now)
{
	return now > before ? now - before : before - now;
}

/* Whole subtrees that are not drawn count with all their frames. */
static void measure(struct drawing *d)
{
	uint32_t depth = 0, at = 0;

	do {
		if (!is_drawn(d, &d->s->nodes[at]))
			d->n_left_out += d->s->nodes[at].total > 0;
		else if (depth > d->depth)
			d->depth = depth;
		const uint64_t change =
			change_of(d->s->nodes[at].before_total, d->s->nodes[at].total);
		if (at && change > d->most_change)
			d->most_change = change;
		at = next_node(d->s, at, true, &depth);
	} while (at);
}

/* Thousandths as a decimal number. */
static void put_milli(struct drawing *d, const char *name, uint64_t milli)
{
	out_fmt(d->out, " %s=\"%" PRIu64 ".%03u\"", name, milli / 1000, (unsigned)(milli % 1000));
}

static uint64_t scaled(const struct drawing *d, uint64_t samples)
{
	return (uint64_t)((unsigned __int128)samples * ((WIDTH - 2 * PAD) * UINT64_C(1000)) /
			  d->total);
}

static void put_percent(struct drawing *d, uint64_t n)
{
	strbuf_fmt(&d->text, "%.2f %%", 100.0 * (double)n / (double)d->total);
}

static void put_change(struct drawing *d, const char *what, uint64_t before, uint64_t now)
{
	strbuf_str(&d->text, what);
	strbuf_str(&d->text, now < before ? "-" : "+");
	flame_amount(&d->text, change_of(before, now), d->unit);
}

static void put_changes(struct drawing *d, const struct stack_node *n)
{
	if (n->total != n->before_total)
		put_change(d, ", ", n->before_total, n->total);
	else
		strbuf_str(&d->text, ", as before");
	if (n->self != n->before && (n->self != n->total || n->before != n->before_total))
		put_change(d, ", itself ", n->before, n->self);
}

static void put_title(struct drawing *d, const char *name, const struct stack_node *n)
{
	d->text.len = 0;
	flame_escape(&d->text, name, strlen(name));
	strbuf_str(&d->text, " (");
	flame_amount(&d->text, n->total, d->unit);
	strbuf_str(&d->text, ", ");
	put_percent(d, n->total);
	if (n->self && n->self != n->total) {
		strbuf_str(&d->text, ", itself ");
		put_percent(d, n->self);
	}
	if (d->s->is_diff)
		put_changes(d, n);
	out_str(d->out, "<title>");
	out_str(d->out, strbuf_text(&d->text));
	out_str(d->out, ")</title>");
}

static void put_label(struct drawing *d, const char *name, uint64_t x, uint64_t w, unsigned y)
{
	bool cut;
	const uint64_t chars = w > 8000 ? (w - 8000) / CHAR_MILLI : 0;
	const size_t len = flame_fit(name, (size_t)chars, &cut);

	if (!len)
		return;
	d->text.len = 0;
	flame_escape(&d->text, name, len);
	out_str(d->out, "<text");
	put_milli(d, "x", x + 4000);
	out_fmt(d->out, " y=\"%u\">", y + 13);
	out_str(d->out, strbuf_text(&d->text));
	out_str(d->out, cut ? "..</text>" : "</text>");
}

/* Red where it is more than before, blue where less, the stronger the more. */
static void put_shade(struct drawing *d, const struct stack_node *n)
{
	const uint64_t change = change_of(n->before_total, n->total);
	const unsigned __int128 scaled_up = (unsigned __int128)change * (SHADES - 1);
	const unsigned shade =
		change >= d->most_change ? SHADES - 1 : (unsigned)(scaled_up / d->most_change);

	if (change)
		out_fmt(d->out, "<g class=\"%c%u", n->total > n->before_total ? 'm' : 'l', shade);
	else
		out_str(d->out, "<g class=\"e");
}

/* One frame; @first is the number of the first sample below it. */
static void put_frame(struct drawing *d, uint32_t node, uint32_t depth, uint64_t first)
{
	static const char letters[] = { [FRAME_THREAD] = 't',
					[FRAME_USER] = 'u',
					[FRAME_KERNEL] = 'k',
					[FRAME_UNKNOWN] = 'x' };
	const struct stack_node *n = &d->s->nodes[node];
	const struct frame_name *name = node ? &d->s->names[n->name] : NULL;
	const char *text = name ? name->text : "all";
	const unsigned y = TOP + (d->depth - depth) * ROW;
	const uint64_t x = PAD * 1000 + scaled(d, first);
	const uint64_t w = PAD * 1000 + scaled(d, first + n->total) - x;

	if (d->s->is_diff)
		put_shade(d, n);
	else
		out_fmt(d->out, "<g class=\"%c", name ? letters[name->kind] : 'r');
	if (!d->s->is_diff && name && (name->kind == FRAME_USER || name->kind == FRAME_KERNEL))
		out_fmt(d->out, "%u", (unsigned)(name_hash(text) % SHADES));
	out_fmt(d->out, "\" data-x=\"%" PRIu64 "\" data-n=\"%" PRIu64 "\" data-d=\"%u\">", first,
		n->total, depth);
	put_title(d, text, n);
	out_str(d->out, w < THIN_MILLI ? "<rect class=\"thin\"" : "<rect");
	put_milli(d, "x", x);
	out_fmt(d->out, " y=\"%u\"", y);
	put_milli(d, "width", w);
	out_fmt(d->out, " height=\"%d\"/>", ROW - 1);
	put_label(d, text, x, w, y);
	out_str(d->out, "</g>\n");
}

static int put_frames(struct drawing *d)
{
	// At each depth: the first sample that is not yet given to a frame.
	struct arena arena = { 0 };
	uint64_t *first = arena_array(&arena, (size_t)d->depth + 2, sizeof(*first));
	uint32_t depth = 0, at = 0;

	if (!first)
		return -ENOMEM;
	out_fmt(d->out, "<g id=\"frames\" tabindex=\"0\" data-total=\"%" PRIu64 "\"%s>\n", d->total,
		d->unit == FLAME_NS ? " data-unit=\"ns\"" : "");
	do {
		const struct stack_node *n = &d->s->nodes[at];
		const bool drawn = is_drawn(d, n);

		if (drawn) {
			put_frame(d, at, depth, first[depth]);
			first[depth + 1] = first[depth];
		}
		// A frame that is not drawn leaves its place empty.
		first[depth] += n->total;
		at = next_node(d->s, at, drawn, &depth);
	} while (at);
	out_str(d->out, "</g>\n");
	arena_fini(&arena);
	return 0;
}

static void put_text(struct drawing *d, const char *cls, int x, int y, const char *text)
{
	d->text.len = 0;
	flame_escape(&d->text, text, strlen(text));
	out_fmt(d->out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", cls, x, y);
	out_str(d->out, strbuf_text(&d->text));
	out_str(d->out, "</text>\n");
}

/* The right upper corner; x counts back from the right edge. */
static void put_legend(struct drawing *d)
{
	static const struct entry {
		const char *cls, *text;
		int x;
	} usual[] = { { "u1", "user", -262 },
		      { "k1", "kernel", -206 },
		      { "t", "thread", -139 },
		      { "x", "unknown", -72 } },
	  diff[] = { { "m6", "more", -197 },
		     { "l6", "less", -141 },
		     { "e", "as before", -89 },
		     { NULL, NULL, 0 } };
	const struct entry *entries = d->s->is_diff ? diff : usual;

	out_fmt(d->out, "<g id=\"right\" transform=\"translate(%d 0)\">\n", WIDTH - PAD);
	for (size_t i = 0; i < MEM_LEN(usual) && entries[i].cls; i++) {
		out_fmt(d->out,
			"<rect class=\"%s\" x=\"%d\" y=\"58\" width=\"10\" height=\"10\" "
			"rx=\"2\"/>",
			entries[i].cls, entries[i].x);
		put_text(d, "legend", entries[i].x + 15, 67, entries[i].text);
	}
	out_str(d->out, "<text id=\"reset\" role=\"button\" style=\"display:none\" x=\"-276\" "
			"y=\"42\" text-anchor=\"end\">Reset zoom</text>\n</g>\n");
}

static void put_head(struct drawing *d, const struct flame_text *text, unsigned height)
{
	out_fmt(d->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" width=\"%d\" "
		"height=\"%u\">\n",
		WIDTH, height, WIDTH, height);
	d->text.len = 0;
	flame_escape(&d->text, text->title, strlen(text->title));
	out_str(d->out, "<title>");
	out_str(d->out, strbuf_text(&d->text));
	out_str(d->out, "</title>\n<style>\n");
	out_str(d->out, css);
	out_str(d->out, "</style>\n");
	out_str(d->out, "<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n");
}

/* What stays in sight while the picture scrolls; so it comes after the frames. */
static void put_title_bar(struct drawing *d, const struct flame_text *text)
{
	out_fmt(d->out, "<g id=\"head\">\n<rect class=\"bg\" width=\"100%%\" height=\"%d\"/>\n",
		TOP - 2);
	put_text(d, "title", PAD, 34, text->title);
	put_text(d, "sub", PAD, 56, text->subtitle);
	put_legend(d);
	out_str(d->out, "</g>\n");
}

static void put_foot(struct drawing *d, unsigned height)
{
	out_fmt(d->out,
		"<g id=\"foot\">\n<rect class=\"bg\" y=\"%u\" width=\"100%%\" height=\"%d\"/>\n",
		height - BOTTOM + 2, BOTTOM - 2);
	out_fmt(d->out,
		"<text id=\"info\" x=\"%d\" y=\"%u\">click a frame to zoom in \xc2\xb7 / to search "
		"\xc2\xb7 arrows and Enter to walk \xc2\xb7 Esc to go back</text>\n",
		PAD, height - 16);
	if (!d->n_left_out)
		return;
	d->text.len = 0;
	flame_count(&d->text, d->n_left_out);
	out_fmt(d->out,
		"<text class=\"note\" x=\"%d\" y=\"%u\" text-anchor=\"end\" id=\"left-out\">%s "
		"frames below 0.1 %% not drawn</text>\n",
		WIDTH - PAD, height - 16, strbuf_text(&d->text));
}

static void put_script(struct drawing *d)
{
	out_str(d->out, "</g>\n<script><![CDATA[\n");
	out_str(d->out, js);
	out_str(d->out, "]]></script>\n</svg>\n");
}

int flame_svg(const struct stacks *s, const struct flame_text *text, struct sonde_out *out)
{
	struct drawing d = { .s = s, .out = out, .total = s->nodes[0].total, .unit = text->unit };

	measure(&d);
	const unsigned height = TOP + (d.depth + 1) * ROW + BOTTOM;
	put_head(&d, text, height);
	int r = put_frames(&d);
	put_title_bar(&d, text);
	put_foot(&d, height);
	put_script(&d);
	if (!r)
		r = strbuf_ok(&d.text);
	strbuf_fini(&d.text);
	return r;
}
