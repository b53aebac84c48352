/* SPDX-License-Identifier: MIT */
/** Describes kernel events from their format files, and rewrites records that do not fit. */
#include "record/kernel_class.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <traceevent/event-parse.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "model/bits.h"

enum { MOST_FIELDS = 512 };

/* A field on its way into a description. */
struct field {
	const struct tep_format_field *tep;
	bool hex;  /* the kernel prints it as an address or in base 16 */
	bool code; /* .. or as the function there */
};

struct sonde_type *kernel_describe_context(struct describe *d)
{
	struct sonde_type *c = describe_struct(d);
	struct sonde_type *pid = describe_int(d, 32, true);

	// A structure begins where its largest alignment allows: this one right behind the u16 id.
	if (pid)
		pid->align = 16;
	describe_member(d, c, "common_flags", describe_int(d, 8, false));
	describe_member(d, c, "common_preempt_count", describe_int(d, 8, false));
	describe_member(d, c, "common_pid", pid);
	return c;
}

void kernel_describe_raw(struct describe *d, struct sonde_stream_class *stream)
{
	struct sonde_type *p = describe_struct(d);
	struct sonde_type *len = describe_int(d, 16, false);

	describe_member(d, p, "type", describe_int(d, 16, false));
	describe_member(d, p, "len", len);
	describe_member(d, p, "data", describe_sequence(d, describe_hex(d, 8), len));
	describe_event(d, stream, "undescribed", KERNEL_RAW_ID, p);
}

/* What a conversion of a print format says of its argument. */
struct conversion {
	bool hex, is_ip, code;
};

/* Reads the conversion at @p, behind its '%'. */
static const char *skip_conversion(const char *p, struct conversion *ret)
{
	p += strspn(p, "-+ #0123456789.hlLqjzt*");
	ret->hex = *p == 'x' || *p == 'X' || *p == 'p';
	ret->is_ip = *p == 'p' && (p[1] == 'I' || p[1] == 'i');
	ret->code = *p == 'p' && p[1] && strchr("sSBfF", p[1]);
	return *p ? p + 1 : p;
}

/* The field that a printed argument is: REC->name, an element or a cast of it. */
static const char *arg_field(const struct tep_print_arg *arg)
{
	while (arg) {
		if (arg->type == TEP_PRINT_TYPE)
			arg = arg->typecast.item;
		else if (arg->type == TEP_PRINT_OP && !strcmp(arg->op.op, "["))
			arg = arg->op.left;
		else
			break;
	}
	return arg && arg->type == TEP_PRINT_FIELD ? arg->field.name : NULL;
}

static void mark(struct field *fields, size_t n, const char *name, bool code)
{
	for (size_t i = 0; name && i < n; i++) {
		if (strcmp(fields[i].tep->name, name) != 0)
			continue;
		fields[i].hex = true;
		fields[i].code |= code;
	}
}

/* Goes through the print format and its arguments side by side. */
static void find_hex(const struct tep_event *ev, struct field *fields, size_t n)
{
	const struct tep_print_arg *arg = ev->print_fmt.args;

	// System calls print every argument in base 16: that says nothing.
	if (ev->system && !strcmp(ev->system, "syscalls"))
		return;
	for (const char *p = ev->print_fmt.format; p && arg && (p = strchr(p, '%'));) {
		struct conversion c;

		if (*++p == '%') {
			p++;
			continue;
		}
		p = skip_conversion(p, &c);
		if (c.hex && !c.is_ip)
			mark(fields, n, arg_field(arg), c.code);
		arg = arg->next;
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct field *x = a, *y = b;

	return x->tep->offset < y->tep->offset ? -1 : x->tep->offset > y->tep->offset;
}

static bool is_word(const char *type, const char *word)
{
	const size_t len = strlen(word);

	for (const char *p = type; (p = strstr(p, word)); p += len) {
		bool begins = p == type || p[-1] == ' ';
		if (begins && (p[len] == '\0' || p[len] == ' ' || p[len] == '['))
			return true;
	}
	return false;
}

/* Plain char: text. unsigned char and the like are numbers. */
static bool is_text(const char *type)
{
	return is_word(type, "char") && !is_word(type, "unsigned") && !is_word(type, "signed") &&
	       !strchr(type, '*');
}

/* Bytes of an element of an array of varying length, by the words of its type. */
static unsigned elem_len(const char *type)
{
	static const struct {
		const char *word;
		uint8_t len;
	} kinds[] = {
		{ "u64", 8 },	     { "s64", 8 },	   { "__u64", 8 },     { "__s64", 8 },
		{ "long", 8 },	     { "size_t", 8 },	   { "cpumask_t", 8 }, { "short", 2 },
		{ "u16", 2 },	     { "s16", 2 },	   { "__u16", 2 },     { "__s16", 2 },
		{ "int", 4 },	     { "u32", 4 },	   { "s32", 4 },       { "__u32", 4 },
		{ "__s32", 4 },	     { "uint32_t", 4 },	   { "uint64_t", 8 },  { "uint16_t", 2 },
		{ "dma_addr_t", 8 }, { "phys_addr_t", 8 },
	};

	if (strchr(type, '*'))
		return sizeof(void *);
	for (size_t i = 0; i < MEM_LEN(kinds); i++) {
		if (is_word(type, kinds[i].word))
			return kinds[i].len;
	}
	return 1;
}

static bool is_int_len(unsigned len)
{
	return len == 1 || len == 2 || len == 4 || len == 8;
}

/* Natural alignment where the offset agrees, else what the offset has. */
static struct sonde_type *placed(struct sonde_type *t, unsigned off)
{
	while (t && t->align > 8 && (off * 8) % t->align)
		t->align /= 2;
	return t;
}

static struct sonde_type *int_type(struct describe *d, unsigned len, bool is_signed, bool hex)
{
	return hex ? describe_hex(d, len * 8) : describe_int(d, len * 8, is_signed);
}

/* The type of a field that lies in the fixed part. */
static struct sonde_type *fixed_type(struct describe *d, const struct field *f)
{
	const struct tep_format_field *t = f->tep;
	const unsigned size = (unsigned)t->size;
	const bool is_signed = t->flags & TEP_FIELD_IS_SIGNED;
	const bool is_array = t->flags & TEP_FIELD_IS_ARRAY;
	const bool pointer = t->flags & TEP_FIELD_IS_POINTER || strchr(t->type, '*');

	if (!is_array && is_int_len(size))
		return placed(int_type(d, size, is_signed, f->hex || pointer), (unsigned)t->offset);
	if (is_array && is_text(t->type))
		return describe_text(d, size);

	unsigned elem = is_array ? t->elementsize : 1;
	if (!is_int_len(elem) || size % elem)
		elem = 1;
	// Bytes that are no numbers by themselves: addresses, identifiers.
	const bool bytes = elem == 1 && size != 4;
	struct sonde_type *e = placed(int_type(d, elem, is_signed, f->hex || pointer || bytes),
				      (unsigned)t->offset);
	return describe_array(d, e, size / elem);
}

/* Fills the hole between the fixed fields at @at and @off, if CTF's alignment does not. */
static void add_padding(struct describe *d, struct sonde_type *p, const struct sonde_type *next,
			unsigned at, unsigned off)
{
	char name[32];

	if (!next || bits_align(at * 8, next->align) == off * 8)
		return;
	(void)snprintf(name, sizeof(name), "__pad_%u", at);
	describe_member(d, p, name, describe_array(d, describe_hex(d, 8), off - at));
}

/* Both halves of where an array of varying length is, as two integers of 16 bits. */
static struct sonde_type *add_loc(struct describe *d, struct sonde_type *p, const char *name,
				  uint32_t align)
{
	char text[280];
	struct sonde_type *off = describe_int(d, 16, false), *len = describe_int(d, 16, false);

	// The kernel reads one u32: offset in its low half.
	const bool low_first = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	for (int i = 0; i < 2; i++) {
		const bool is_off = (i == 0) == low_first;
		if (i == 0 && off && len)
			(is_off ? off : len)->align = align;
		(void)snprintf(text, sizeof(text), "_%s_%s", name, is_off ? "offset" : "length");
		describe_member(d, p, text, is_off ? off : len);
	}
	return len;
}

/* All that one description needs while it is made. */
struct making {
	struct describe *d;
	struct sonde_type *payload;
	struct kernel_class cls;
	struct kernel_dyn dyn[KERNEL_DYN_MAX];
	const struct field *dyn_field[KERNEL_DYN_MAX];
	struct sonde_type *dyn_len[KERNEL_DYN_MAX];
	unsigned at; /* bytes of the record described so far */
};

static int add_field(struct making *m, const struct field *f)
{
	const struct tep_format_field *t = f->tep;
	const unsigned off = (unsigned)t->offset;

	if (t->size == 0)
		return 0; // an open end: the record's last bytes stay undescribed
	if (off < m->at || t->size < 0 || off + (unsigned)t->size >= KERNEL_RECORD_MAX)
		return sonde_fail(-ENOTSUP, "field '%s' at %d of %d bytes", t->name, t->offset,
				  t->size);
	if (!(t->flags & TEP_FIELD_IS_DYNAMIC)) {
		struct sonde_type *type = fixed_type(m->d, f);
		add_padding(m->d, m->payload, type, m->at, off);
		describe_member(m->d, m->payload, t->name, type);
		m->at = off + (unsigned)t->size;
		if (f->code && t->size == sizeof(uint64_t) && m->cls.n_code < KERNEL_CODE_MAX)
			m->cls.code[m->cls.n_code++] = (uint16_t)off;
		return 0;
	}
	if (t->size != 4 || off % 2 || m->cls.n_dyn == KERNEL_DYN_MAX)
		return sonde_fail(-ENOTSUP, "field '%s' of varying length", t->name);
	const struct sonde_type loc = { .align = off % 4 ? 16 : 32 };
	add_padding(m->d, m->payload, &loc, m->at, off);
	const unsigned elem = is_text(t->type) ? 1 : elem_len(t->type);
	m->dyn[m->cls.n_dyn] = (struct kernel_dyn){
		.off = (uint16_t)off,
		.elem = (uint16_t)elem,
		.relative = t->flags & TEP_FIELD_IS_RELATIVE,
	};
	m->cls.counts |= elem > 1;
	m->dyn_field[m->cls.n_dyn] = f;
	m->dyn_len[m->cls.n_dyn++] = add_loc(m->d, m->payload, t->name, loc.align);
	m->at = off + 4;
	return 0;
}

/* The sequences behind the fixed part, in the order of their places. */
static void add_sequences(struct making *m)
{
	for (unsigned i = 0; i < m->cls.n_dyn; i++) {
		const struct field *f = m->dyn_field[i];
		struct sonde_type *seq;

		if (is_text(f->tep->type)) {
			seq = describe_text_sequence(m->d, m->dyn_len[i]);
		} else {
			const bool is_signed = f->tep->flags & TEP_FIELD_IS_SIGNED;
			const bool hex = f->hex || m->dyn[i].elem != 4;
			struct sonde_type *e = int_type(m->d, m->dyn[i].elem, is_signed, hex);
			if (e)
				e->align = 8; // the kernel does not align them
			seq = describe_sequence(m->d, e, m->dyn_len[i]);
		}
		describe_member(m->d, m->payload, f->tep->name, seq);
	}
}

static bool common_as_expected(const struct tep_event *ev)
{
	static const struct {
		const char *name;
		int off, size;
	} want[] = {
		{ "common_type", 0, 2 },
		{ "common_flags", 2, 1 },
		{ "common_preempt_count", 3, 1 },
		{ "common_pid", 4, 4 },
	};
	const struct tep_format_field *f = ev->format.common_fields;

	for (size_t i = 0; i < MEM_LEN(want); i++, f = f->next) {
		if (!f || strcmp(f->name, want[i].name) || f->offset != want[i].off ||
		    f->size != want[i].size)
			return false;
	}
	return !f && ev->id > KERNEL_RAW_ID && ev->id <= UINT16_MAX;
}

/* The event's own fields by offset. Returns how many, or -ENOTSUP. */
static int take_fields(const struct tep_event *ev, struct field *ret)
{
	size_t n = 0;

	for (const struct tep_format_field *f = ev->format.fields; f; f = f->next) {
		if (n == MOST_FIELDS)
			return sonde_fail(-ENOTSUP, "more than %d fields", MOST_FIELDS);
		ret[n++] = (struct field){ .tep = f };
	}
	qsort(ret, n, sizeof(*ret), by_offset);
	find_hex(ev, ret, n);
	return (int)n;
}

/* Which probe's event it is: names alone do not tell their groups. NULL is noted. */
static const char *probe_of(struct describe *d, const struct tep_event *ev)
{
	char text[256];
	const int n = snprintf(text, sizeof(text), "tracepoint:%s:%s", ev->system, ev->name);
	const char *copy =
		n > 0 && (size_t)n < sizeof(text) ? arena_strndup(d->arena, text, (size_t)n) : NULL;

	d->failed |= !copy;
	return copy;
}

int kernel_describe_event(struct describe *d, struct sonde_stream_class *stream,
			  const struct tep_event *ev, const char *name, struct kernel_class *ret)
{
	struct field fields[MOST_FIELDS];
	struct making m = { .d = d, .at = KERNEL_COMMON_LEN };

	if (!common_as_expected(ev))
		return sonde_fail(-ENOTSUP, "event '%s': unknown common fields", name);
	int n = take_fields(ev, fields);
	if (n < 0)
		return sonde_wrap(n, "event '%s'", name);
	m.payload = describe_struct(d);
	for (int i = 0; i < n; i++) {
		int r = add_field(&m, &fields[i]);
		if (r < 0)
			return sonde_wrap(r, "event '%s'", name);
	}
	add_sequences(&m);
	struct sonde_event_class *e = describe_event(d, stream, name, (uint64_t)ev->id, m.payload);
	if (e)
		e->uri = probe_of(d, ev);

	m.cls.fixed_len = (uint16_t)m.at;
	if (m.cls.n_dyn) {
		struct kernel_dyn *dyn = arena_array(d->arena, m.cls.n_dyn, sizeof(*dyn));
		if (!dyn)
			return -ENOMEM;
		memcpy(dyn, m.dyn, m.cls.n_dyn * sizeof(*dyn));
		m.cls.dyn = dyn;
	}
	*ret = m.cls;
	return describe_ok(d);
}

enum { RAW_HEAD = 4 };

size_t kernel_rewrite_max(const struct kernel_class *c, size_t len)
{
	// Arrays may be said to overlap: each may be as long as the record.
	return RAW_HEAD + KERNEL_COMMON_LEN + len * (1u + c->n_dyn);
}

/* A record as bytes, in the class of KERNEL_RAW_ID. */
static size_t rewrite_raw(const uint8_t *rec, size_t len, uint8_t *ret)
{
	const uint16_t id = KERNEL_RAW_ID;
	const size_t most = UINT16_MAX;
	const size_t rest = len - KERNEL_COMMON_LEN < most ? len - KERNEL_COMMON_LEN : most;
	const uint16_t n = (uint16_t)rest;

	memcpy(ret, &id, 2);
	memcpy(ret + 2, rec + 2, KERNEL_COMMON_LEN - 2);
	memcpy(ret + KERNEL_COMMON_LEN, rec, 2);
	memcpy(ret + KERNEL_COMMON_LEN + 2, &n, 2);
	memcpy(ret + KERNEL_COMMON_LEN + RAW_HEAD, rec + KERNEL_COMMON_LEN, rest);
	return KERNEL_COMMON_LEN + RAW_HEAD + rest;
}

size_t kernel_rewrite(const struct kernel_class *c, const uint8_t *rec, size_t len, uint8_t *ret)
{
	size_t end = c->fixed_len;

	if (!end || end > len)
		return rewrite_raw(rec, len, ret);
	memcpy(ret, rec, end);
	for (unsigned i = 0; i < c->n_dyn; i++) {
		const struct kernel_dyn *dyn = &c->dyn[i];
		uint32_t loc;

		memcpy(&loc, rec + dyn->off, sizeof(loc));
		const size_t base = dyn->relative ? dyn->off + 4u : 0;
		const size_t at = (loc & UINT16_MAX) + base, n = loc >> 16;
		// What reaches out of the record, or is cut in an element: show all bytes instead.
		if (n % dyn->elem || at > len || n > len - at || end + n > UINT16_MAX)
			return rewrite_raw(rec, len, ret);
		memcpy(ret + end, rec + at, n);
		loc = (uint32_t)(n / dyn->elem) << 16 | ((uint32_t)(end - base) & UINT16_MAX);
		memcpy(ret + dyn->off, &loc, sizeof(loc));
		end += n;
	}
	return end;
}
