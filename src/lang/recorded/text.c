/* SPDX-License-Identifier: MIT */
/** Texts of recorded values, for programs to read: "{ .a = 1, .b = [1,2] }". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/span.h>

#include "base/fmt.h"
#include "lang/recorded/parts.h"

/* Strings of scripts are not longer; many of them are there at once. */
enum { TEXT_MOST = STR_LEN_MOST, ROOM = 256 * (TEXT_MOST + 1) };

/* A text in the making; what is beyond its room is cut off. */
struct shown {
	char text[TEXT_MOST];
	size_t len;
	struct part_walk *w;
};

static char *room_for(struct rec_texts *t, size_t len)
{
	if (!t->room)
		t->room = calloc(1, ROOM);
	if (!t->room)
		return NULL;
	if (ROOM - t->at <= len)
		t->at = 0;
	char *to = t->room + t->at;
	t->at += len + 1;
	return to;
}

uint64_t rec_text_keep(struct rec_texts *t, const void *text, size_t len)
{
	const size_t n = len < TEXT_MOST ? len : TEXT_MOST;
	char *to = room_for(t, n);

	if (!to)
		return 0;
	memcpy(to, text, n);
	to[n] = '\0';
	return (uint64_t)(uintptr_t)to;
}

bool rec_text_read(const struct rec_texts *t, uint64_t addr, void *ret, size_t len)
{
	const uint64_t off = addr - (uintptr_t)t->room;

	if (!t->room || off >= ROOM || len > ROOM - off)
		return false;
	memcpy(ret, t->room + off, len);
	return true;
}

static void put(struct shown *s, const void *text, size_t len)
{
	const size_t left = TEXT_MOST - s->len;

	if (len > left)
		len = left;
	memcpy(s->text + s->len, text, len);
	s->len += len;
}

static void put_str(struct shown *s, const char *text)
{
	put(s, text, strlen(text));
}

static const char *label_of(const struct sonde_type *t, uint64_t v)
{
	const uint64_t turn = t->u.integer.is_signed ? UINT64_C(1) << 63 : 0;

	for (size_t i = 0; i < t->u.enumeration.n_maps; i++) {
		const struct sonde_mapping *m = &t->u.enumeration.maps[i];

		if ((v ^ turn) >= (m->lo ^ turn) && (v ^ turn) <= (m->hi ^ turn))
			return m->label;
	}
	return NULL;
}

static bool show_int(struct shown *s, const struct sonde_type *t)
{
	char text[FMT_MOST];
	int64_t v;

	if (!part_int(s->w, t, &v))
		return false;
	const char *label = t->kind == SONDE_ENUM ? label_of(t, (uint64_t)v) : NULL;
	if (label)
		put_str(s, label);
	else
		put(s, text,
		    (size_t)((t->u.integer.is_signed ? fmt_i64(text, v)
						     : fmt_u64(text, (uint64_t)v)) -
			     text));
	return true;
}

static bool show_real(struct shown *s, const struct sonde_type *t)
{
	char text[FMT_MOST];
	double v;

	if (part_real(s->w, t, &v)) {
		const char *end = fmt_shortest(text, v);
		put(s, text, (size_t)(end - text));
	} else if (t->fixed_len < 0)
		return false;
	else
		put_str(s, "?"); // of a length that no machine has
	return true;
}

static bool show(struct shown *s, const struct sonde_type *t, unsigned depth);

static bool show_struct(struct shown *s, const struct sonde_type *t, unsigned depth)
{
	put_str(s, "{ ");
	for (size_t i = 0; i < t->u.structure.n_members; i++) {
		const struct sonde_member *m = &t->u.structure.members[i];

		put_str(s, i ? ", ." : ".");
		put_str(s, m->shown);
		put_str(s, " = ");
		if (!show(s, m->type, depth + 1))
			return false;
	}
	put_str(s, " }");
	return true;
}

static bool show_elements(struct shown *s, const struct sonde_type *t, unsigned depth)
{
	const uint64_t n = part_count(s->w, t);
	struct sonde_span text;

	if (t->u.array.is_text && part_text(s->w, t, &text)) {
		put(s, text.data, text.len);
		return part_skip(s->w, t);
	}
	put_str(s, "[");
	for (uint64_t i = 0; i < n; i++) {
		if (s->len == TEXT_MOST)
			return false; // nobody sees the others
		put(s, ",", i != 0);
		if (!show(s, t->u.array.elem, depth + 1))
			return false;
	}
	put_str(s, "]");
	return true;
}

/* Shows the value at the place of the walk, aligned for it or not, and goes behind it. */
static bool show(struct shown *s, const struct sonde_type *t, unsigned depth)
{
	struct part_walk *w = s->w;
	struct sonde_span text;

	if (depth > PART_DEPTH_MOST)
		return false;
	if (t->kind != SONDE_VARIANT)
		w->pos = (w->pos + t->align - 1) & ~((uint64_t)t->align - 1);
	switch (t->kind) {
	case SONDE_INT:
	case SONDE_ENUM: return show_int(s, t) && part_skip(w, t);
	case SONDE_FLOAT: return show_real(s, t) && part_skip(w, t);
	case SONDE_STRING:
		if (!part_text(w, t, &text))
			return false;
		put(s, text.data, text.len);
		return part_skip(w, t);
	case SONDE_STRUCT: return show_struct(s, t, depth);
	case SONDE_ARRAY:
	case SONDE_SEQUENCE: return show_elements(s, t, depth);
	case SONDE_VARIANT: t = part_choose(w, t); return t && show(s, t, depth + 1);
	}
	return false;
}

uint64_t rec_text_show(struct rec_texts *t, struct part_walk *w, const struct sonde_type *type)
{
	struct shown s = { .w = w };

	(void)show(&s, type, 0); // as far as it makes sense
	return rec_text_keep(t, s.text, s.len);
}
