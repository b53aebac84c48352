/* SPDX-License-Identifier: MIT */
/** Compiles field types into print programs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "comp/escape.h"
#include "comp/print.h"
#include "comp/print_step.h"

/* Of all programs together with their metadata, this is far beyond what is reasonable. */
enum { STEPS_MOST = 1 << 20, TEXT_MOST = 1 << 28, MAPS_MANY = 5000 };

static void add_field(struct print_program *pr, const struct sonde_type *t);

void print_fini(struct print_program *pr)
{
	free(pr->steps);
	free(pr->text);
	free(pr->labels);
	free(pr->options);
	free(pr->saved);
	*pr = (struct print_program){ 0 };
}

static void keep_err(struct print_program *pr, int r)
{
	if (!pr->err)
		pr->err = r;
}

/* Appends bytes to the literals. */
static void put_bytes(struct print_program *pr, const char *s, size_t len)
{
	int r = pr->len_text + len > TEXT_MOST
			? sonde_fail(-ENOTSUP, "the fixed text of an event is too long")
			: mem_grow(&pr->text, &pr->cap_text, pr->len_text + len + PRINT_PAD);
	if (r < 0) {
		keep_err(pr, r);
		return;
	}
	memcpy(pr->text + pr->len_text, s, len);
	pr->len_text += len;
}

void print_add_text(struct print_program *pr, const char *s)
{
	if (!pr->hidden)
		put_bytes(pr, s, strlen(s));
}

void print_add_quoted(struct print_program *pr, const char *s)
{
	const uint8_t *from = (const uint8_t *)s, *end = from + strlen(s);
	char part[ESCAPE_CHUNK * ESCAPE_GROWTH];

	if (pr->hidden)
		return;
	put_bytes(pr, "\"", 1);
	while (from < end) {
		char *to = escape_chunk(part, &from, end, pr->style.json);
		put_bytes(pr, part, (size_t)(to - part));
	}
	put_bytes(pr, "\"", 1);
}

static struct print_step *grow_steps(struct print_program *pr)
{
	int r = pr->n_steps >= STEPS_MOST ? sonde_fail(-ENOTSUP, "an event with too many fields")
					  : mem_grow(&pr->steps, &pr->cap_steps, pr->n_steps + 1);
	if (r < 0) {
		keep_err(pr, r);
		return NULL;
	}
	struct print_step *s = &pr->steps[pr->n_steps++];
	*s = (struct print_step){ .code = PRINT_TEXT };
	return s;
}

/*
 * Adds a step that takes over the pending text and alignment. NULL: out of memory. The pointer is
 * good until the next step is added.
 */
static struct print_step *add_step(struct print_program *pr, enum print_code code,
				   const struct sonde_type *t)
{
	struct print_step *s = NULL;

	do {
		size_t left = pr->len_text - pr->pending;
		s = grow_steps(pr);
		if (!s)
			return NULL;
		s->text = (uint32_t)pr->pending;
		s->len = (uint8_t)(left < PRINT_LITERAL_MOST ? left : PRINT_LITERAL_MOST);
		pr->pending += s->len;
	} while (pr->pending < pr->len_text);

	if (t && t->align > pr->align)
		pr->align = t->align;
	s->code = (uint8_t)code;
	s->mask = pr->align ? pr->align - 1 : 0;
	s->hidden = pr->hidden;
	s->type = t;
	pr->align = 0;
	return s;
}

/* Ends the text and alignment that wait for a step: before a body begins or ends. */
static void flush(struct print_program *pr)
{
	if (pr->pending < pr->len_text || pr->align > 1)
		(void)add_step(pr, PRINT_TEXT, NULL); // a failure is kept
}

static bool is_saved(const struct print_program *pr, uint32_t slot)
{
	for (size_t i = 0; i < pr->n_saved; i++) {
		if (pr->saved[i] == slot)
			return true;
	}
	return false;
}

static void note_saved(struct print_program *pr, uint32_t slot)
{
	if (slot > pr->slot_most)
		pr->slot_most = slot;
	if (!slot || is_saved(pr, slot))
		return;
	int r = mem_grow(&pr->saved, &pr->cap_saved, pr->n_saved + 1);
	if (r < 0)
		keep_err(pr, r);
	else
		pr->saved[pr->n_saved++] = slot;
}

static void set_ref(struct print_program *pr, struct print_step *s, uint32_t slot)
{
	s->ref = slot;
	s->ref_in_packet = slot && !is_saved(pr, slot);
}

static enum print_code int_code(const struct print_program *pr, const struct sonde_type *t)
{
	const struct sonde_int *i = &t->u.integer;
	const bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	if (t->align % 8 || (i->len > 8 && i->big_endian != big) ||
	    (i->base != 10 && !pr->style.json))
		return PRINT_INT;
	switch (i->len) {
	case 8: return i->is_signed ? PRINT_S8 : PRINT_U8;
	case 16: return i->is_signed ? PRINT_S16 : PRINT_U16;
	case 32: return i->is_signed ? PRINT_S32 : PRINT_U32;
	case 64: return i->is_signed ? PRINT_S64 : PRINT_U64;
	default: return PRINT_INT;
	}
}

static void add_int(struct print_program *pr, const struct sonde_type *t)
{
	enum print_code code = int_code(pr, t);
	if (pr->hidden)
		code = t->save ? PRINT_INT : PRINT_SKIP;

	struct print_step *s = add_step(pr, code, t);
	if (!s)
		return;
	s->n = t->u.integer.len;
	s->save = t->save;
	note_saved(pr, t->save);
}

/*
 * The first mapping with the label of number @i: they are one label with several ranges. Where
 * there are very many, this would take too long, and each stands for itself.
 */
static size_t first_of_label(const struct sonde_type *t, size_t i)
{
	const struct sonde_mapping *maps = t->u.enumeration.maps;

	for (size_t k = 0; k < i && t->u.enumeration.n_maps < MAPS_MANY; k++) {
		if (!strcmp(maps[k].label, maps[i].label))
			return k;
	}
	return i;
}

/* Adds all ranges of the label of mapping @first, whose text is added once. */
static void add_label(struct print_program *pr, const struct sonde_type *t, size_t first)
{
	const size_t text = pr->len_text;

	print_add_quoted(pr, t->u.enumeration.maps[first].label);
	const size_t n = t->u.enumeration.n_maps;
	for (size_t i = first; i < (n < MAPS_MANY ? n : first + 1); i++) {
		const struct sonde_mapping *m = &t->u.enumeration.maps[i];
		if (i != first && strcmp(m->label, t->u.enumeration.maps[first].label) != 0)
			continue;
		int r = mem_grow(&pr->labels, &pr->cap_labels, pr->n_labels + 1);
		if (r < 0) {
			keep_err(pr, r);
			return;
		}
		pr->labels[pr->n_labels++] = (struct print_label){
			.lo = m->lo,
			.hi = m->hi,
			.text = (uint32_t)text,
			.len = (uint32_t)(pr->len_text - text),
			.group = (uint32_t)first,
		};
	}
}

static void add_enum(struct print_program *pr, const struct sonde_type *t)
{
	if (pr->hidden) {
		add_int(pr, t);
		return;
	}

	print_add_text(pr, pr->style.json ? "{\"labels\":[" : "( ");
	struct print_step *s = add_step(pr, PRINT_ENUM, t);
	if (!s)
		return;
	const size_t at = pr->n_steps - 1;
	s->first = (uint32_t)pr->n_labels;
	s->save = t->save;
	note_saved(pr, t->save);
	for (size_t i = 0; i < t->u.enumeration.n_maps && !pr->err; i++) {
		if (first_of_label(t, i) == i)
			add_label(pr, t, i);
	}
	pr->steps[at].n = (uint32_t)(pr->n_labels - pr->steps[at].first);
	pr->pending = pr->len_text;
	print_add_text(pr, pr->style.json ? "}" : " )");
}

static void add_real(struct print_program *pr, const struct sonde_type *t)
{
	const bool known = t->u.real.len == 32 || t->u.real.len == 64;
	enum print_code code = pr->hidden ? PRINT_SKIP : known ? PRINT_REAL : PRINT_UNKNOWN;
	struct print_step *s = add_step(pr, code, t);

	if (s)
		s->n = known ? t->u.real.len : (uint32_t)t->u.real.exp_dig + t->u.real.mant_dig;
}

static bool is_special(const struct sonde_member *m)
{
	static const char *const names[] = { "timestamp_begin", "timestamp_end", "events_discarded",
					     "packet_seq_num",	"packet_size",	 "content_size" };

	if ((m->type->kind != SONDE_INT && m->type->kind != SONDE_ENUM) || m->type->save)
		return false;
	for (size_t i = 0; i < MEM_LEN(names); i++) {
		if (!strcmp(m->shown, names[i]))
			return true;
	}
	return false;
}

static bool is_shown(const struct sonde_type *t);

static bool some_shown(const struct sonde_member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_shown(members[i].type))
			return true;
	}
	return !n;
}

static bool is_shown(const struct sonde_type *t)
{
	switch (t->kind) {
	case SONDE_INT:
	case SONDE_ENUM: return !t->u.integer.clock || t->save;
	case SONDE_STRUCT: return some_shown(t->u.structure.members, t->u.structure.n_members);
	case SONDE_VARIANT: return some_shown(t->u.variant.options, t->u.variant.n_options);
	case SONDE_ARRAY:
	case SONDE_SEQUENCE: return is_shown(t->u.array.elem);
	default: return true;
	}
}

static bool is_shown_member(const struct sonde_member *m, bool of_packet)
{
	return is_shown(m->type) && !(of_packet && is_special(m));
}

bool print_has_scope(enum sonde_scope scope, const struct sonde_type *t)
{
	if (!t)
		return false;
	for (size_t i = 0; i < t->u.structure.n_members; i++) {
		if (is_shown_member(&t->u.structure.members[i],
				    scope == SONDE_SCOPE_PACKET_CONTEXT))
			return true;
	}
	return !t->u.structure.n_members;
}

/* A member of a structure; a hidden one is only walked over. Returns whether it is shown. */
static bool add_member(struct print_program *pr, const struct sonde_member *m, bool shown,
		       bool is_first)
{
	const bool was_hidden = pr->hidden;

	pr->hidden |= !shown;
	if (!pr->style.json)
		print_add_text(pr, is_first ? " " : ", ");
	else if (!is_first)
		print_add_text(pr, ",");
	if (pr->style.json) {
		print_add_quoted(pr, m->shown);
		print_add_text(pr, ":");
	} else if (pr->style.names) {
		print_add_text(pr, m->shown);
		print_add_text(pr, " = ");
	}
	add_field(pr, m->type);
	pr->hidden = was_hidden;
	return shown;
}

static void add_struct(struct print_program *pr, const struct sonde_type *t, bool of_packet)
{
	bool is_first = true;

	if (t->align > pr->align)
		pr->align = t->align;
	print_add_text(pr, "{");
	for (size_t i = 0; i < t->u.structure.n_members && !pr->err; i++) {
		const struct sonde_member *m = &t->u.structure.members[i];

		if (add_member(pr, m, is_shown_member(m, of_packet), is_first))
			is_first = false;
	}
	print_add_text(pr, pr->style.json ? "}" : " }");
}

/* Adds the body of a loop or an option, and gives back how many steps it has. */
static uint32_t add_body(struct print_program *pr, const struct sonde_type *t)
{
	const size_t begin = pr->n_steps;

	add_field(pr, t);
	flush(pr);
	return (uint32_t)(pr->n_steps - begin);
}

static void add_array(struct print_program *pr, const struct sonde_type *t)
{
	const bool is_text = t->u.array.is_text;

	if (!is_text)
		print_add_text(pr, "[");
	struct print_step *s = add_step(pr, is_text ? PRINT_CHARS : PRINT_LOOP, t);
	if (!s)
		return;
	s->count = t->u.array.n;
	if (t->kind == SONDE_SEQUENCE)
		set_ref(pr, s, t->ref);
	if (is_text)
		return;

	const size_t at = pr->n_steps - 1;
	uint32_t body = add_body(pr, t->u.array.elem);
	if (pr->err)
		return;
	pr->steps[at].body = body;
	pr->steps[at].first = pr->style.names && !pr->style.json;
	print_add_text(pr, pr->style.json ? "]" : " ]");
}

static void add_variant(struct print_program *pr, const struct sonde_type *t)
{
	print_add_text(pr, pr->style.json ? "" : "{ ");
	// Its alignment is that of the option that is there.
	flush(pr);
	struct print_step *s = add_step(pr, PRINT_VARIANT, NULL);
	size_t n = t->u.variant.n_options;
	int r = mem_grow(&pr->options, &pr->cap_options, pr->n_options + n);
	if (r < 0)
		keep_err(pr, r);
	if (!s || r < 0)
		return;

	const size_t at = pr->n_steps - 1, first = pr->n_options;
	s->type = t;
	s->first = (uint32_t)first;
	s->n = (uint32_t)n;
	set_ref(pr, s, t->ref);
	pr->n_options += n;
	for (size_t i = 0; i < n && !pr->err; i++) {
		const uint32_t begin = (uint32_t)(pr->n_steps - at - 1);
		uint32_t len = add_body(pr, t->u.variant.options[i].type);
		pr->options[first + i] = (struct print_option){ begin, len };
	}
	pr->steps[at].body = (uint32_t)(pr->n_steps - at - 1);
	print_add_text(pr, pr->style.json ? "" : " }");
}

static void add_field(struct print_program *pr, const struct sonde_type *t)
{
	if (pr->err)
		return;
	if (pr->depth >= PRINT_DEPTH_MOST) {
		keep_err(pr, sonde_fail(-ENOTSUP, "a field is nested deeper than %d levels",
					PRINT_DEPTH_MOST));
		return;
	}

	pr->depth++;
	switch (t->kind) {
	case SONDE_INT: add_int(pr, t); break;
	case SONDE_ENUM: add_enum(pr, t); break;
	case SONDE_FLOAT: add_real(pr, t); break;
	case SONDE_STRING: (void)add_step(pr, PRINT_STRING, t); break; // a failure is kept
	case SONDE_STRUCT: add_struct(pr, t, false); break;
	case SONDE_ARRAY:
	case SONDE_SEQUENCE: add_array(pr, t); break;
	case SONDE_VARIANT: add_variant(pr, t); break;
	}
	pr->depth--;
}

static void add_begin(struct print_program *pr, enum sonde_scope scope)
{
	struct print_step *s = add_step(pr, PRINT_SCOPE, NULL);

	if (s)
		s->n = (uint32_t)scope;
}

void print_add_scope(struct print_program *pr, enum sonde_scope scope, const struct sonde_type *t)
{
	add_begin(pr, scope);
	if (t && !pr->err)
		add_struct(pr, t, scope == SONDE_SCOPE_PACKET_CONTEXT);
}

/* Does @t or a field inside of it depend on @slot? */
static bool refers_to(const struct sonde_type *t, uint32_t slot)
{
	if (!t)
		return false;
	if (t->ref == slot)
		return true;

	const struct sonde_member *members = NULL;
	size_t n = 0;
	if (t->kind == SONDE_STRUCT) {
		members = t->u.structure.members;
		n = t->u.structure.n_members;
	} else if (t->kind == SONDE_VARIANT) {
		members = t->u.variant.options;
		n = t->u.variant.n_options;
	} else if (t->kind == SONDE_ARRAY || t->kind == SONDE_SEQUENCE) {
		return refers_to(t->u.array.elem, slot);
	}
	for (size_t i = 0; i < n; i++) {
		if (refers_to(members[i].type, slot))
			return true;
	}
	return false;
}

/* Does a field of the class's own depend on one in @t? */
static bool is_needed(const struct sonde_type *t, const struct sonde_event_class *cls)
{
	const struct sonde_member *members = NULL;
	size_t n = 0;

	if (t->kind == SONDE_STRUCT) {
		members = t->u.structure.members;
		n = t->u.structure.n_members;
	} else if (t->kind == SONDE_VARIANT) {
		members = t->u.variant.options;
		n = t->u.variant.n_options;
	} else if (t->kind == SONDE_ARRAY || t->kind == SONDE_SEQUENCE) {
		return is_needed(t->u.array.elem, cls);
	}
	for (size_t i = 0; i < n; i++) {
		if (is_needed(members[i].type, cls))
			return true;
	}
	return (t->kind == SONDE_INT || t->kind == SONDE_ENUM) && t->save &&
	       (refers_to(cls->stream_class->event_context, t->save) ||
		refers_to(cls->context, t->save) || refers_to(cls->payload, t->save));
}

void print_add_hidden(struct print_program *pr, enum sonde_scope scope, const struct sonde_type *t,
		      const struct sonde_event_class *of)
{
	if (!t || !is_needed(t, of))
		return;
	flush(pr);
	pr->hidden = true;
	add_begin(pr, scope);
	if (!pr->err)
		add_field(pr, t);
	flush(pr);
	pr->hidden = false;
}

void print_add_packet(struct print_program *pr)
{
	(void)add_step(pr, PRINT_PACKET, NULL); // a failure is kept
}

int print_end(struct print_program *pr)
{
	flush(pr);
	// The run may read a few bytes behind a literal.
	put_bytes(pr, "", 0);
	return pr->err;
}
