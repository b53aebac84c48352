/* SPDX-License-Identifier: MIT */
/** Values as D shows them: in columns, with symbols as "module`function+0x12". */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "lang/out/printer.h"
#include "lang/out/value.h"
#include "sym/lines/lines.h"

enum { STACK_INDENT = 14, DUMP_LINE = 16 };

static void pad(struct strbuf *ret, size_t n)
{
	static const char blanks[] = "                ";

	for (; n; n -= n < 16 ? n : 16)
		strbuf_add(ret, blanks, n < 16 ? n : 16);
}

/* --- symbols --- */

/* "name+12" with the number in hexadecimal. */
static void add_offset(const char *text, bool with_offset, struct strbuf *ret)
{
	const char *plus = strrchr(text, '+');
	uint64_t off = 0;

	if (!plus) {
		strbuf_str(ret, text);
		return;
	}
	strbuf_add(ret, text, (size_t)(plus - text));
	for (const char *p = plus + 1; *p >= '0' && *p <= '9'; p++)
		off = 10 * off + (uint64_t)(*p - '0');
	if (off && with_offset)
		strbuf_fmt(ret, "+0x%" PRIx64, off);
}

void d_ksym_add(struct printer *p, uint64_t addr, bool with_offset, struct strbuf *ret)
{
	sonde_auto(strbuf_fini) struct strbuf text = { 0 };

	p->names->ksym(p->names->arg, addr, true, &text);
	const char *name = strbuf_text(&text);
	if (strncmp(name, "0x", 2) != 0 && p->names->kmod) {
		p->names->kmod(p->names->arg, addr, ret);
		strbuf_str(ret, "`");
	}
	add_offset(name, with_offset, ret);
}

void d_usym_add(struct printer *p, uint32_t pid, uint64_t addr, bool with_offset,
		struct strbuf *ret)
{
	sonde_auto(strbuf_fini) struct strbuf text = { 0 };

	p->names->usym(p->names->arg, pid, addr, true, true, &text);
	if (strbuf_ok(&text) < 0 || !text.len) {
		ret->failed = ret->failed || text.failed;
		return;
	}
	char *name = text.data, *file = strstr(name, " (");
	if (file) {
		*file = '\0';
		file += 2;
		file[strcspn(file, ")")] = '\0';
		const char *slash = strrchr(file, '/');
		if (strcmp(file, "[unknown]") != 0)
			strbuf_fmt(ret, "%s`", slash ? slash + 1 : file);
	}
	add_offset(name, with_offset, ret);
}

/* The file at the end of "name (/path/file)". */
static void add_file(const char *text, struct strbuf *ret)
{
	const char *file = strstr(text, " (");

	if (!file)
		return;
	file += 2;
	const size_t len = strcspn(file, ")");
	const char *slash = memrchr(file, '/', len);
	const char *from = slash ? slash + 1 : file;
	if (strncmp(file, "[unknown]", len) != 0)
		strbuf_add(ret, from, (size_t)(file + len - from));
}

void d_symbol_add(struct printer *p, const struct type *t, const uint8_t *bytes, bool with_offset,
		  struct strbuf *ret)
{
	struct usym_value u = { .addr = load_u64(bytes) };
	const size_t before = ret->len;

	if (t->kind == TYPE_USYM)
		memcpy(&u, bytes, sizeof(u));
	if (!t->is_module) {
		if (t->kind == TYPE_USYM)
			d_usym_add(p, u.pid, u.addr, with_offset, ret);
		else
			d_ksym_add(p, u.addr, with_offset, ret);
		return;
	}
	if (t->kind == TYPE_USYM) {
		sonde_auto(strbuf_fini) struct strbuf text = { 0 };
		p->names->usym(p->names->arg, u.pid, u.addr, true, true, &text);
		add_file(strbuf_text(&text), ret);
	} else if ((int64_t)u.addr < 0 && p->names->kmod) {
		p->names->kmod(p->names->arg, u.addr, ret);
	}
	if (ret->len == before)
		strbuf_fmt(ret, "0x%" PRIx64, u.addr);
}

/* Functions between a tracepoint and the programs on it, which differ from kernel to kernel. */
static bool is_call_of_program(struct printer *p, uint64_t addr)
{
	static const char *const begins[] = { "__bpf_trace_", "__traceiter_", "bpf_trace_run" };
	sonde_auto(strbuf_fini) struct strbuf text = { 0 };

	p->names->ksym(p->names->arg, addr, true, &text);
	for (size_t i = 0; i < MEM_LEN(begins); i++)
		if (!strncmp(strbuf_text(&text), begins[i], strlen(begins[i])))
			return true;
	return false;
}

void d_stack_add(struct printer *p, const struct type *t, const uint8_t *bytes, struct strbuf *ret)
{
	uint64_t frames[STACK_MOST];
	struct stack_value v = { 0 };

	memcpy(&v, bytes, t->size < sizeof(v) ? t->size : sizeof(v));
	strbuf_str(ret, "\n");
	size_t n = v.id ? p->names->stack(p->names->arg, v.id, frames) : 0;
	if (n > STACK_MOST)
		n = STACK_MOST;
	if (t->stack_depth && n > t->stack_depth)
		n = t->stack_depth;
	if (v.n && n > v.n)
		n = v.n;
	size_t first = 0;
	while (first < n && first < 3 && t->kind == TYPE_KSTACK &&
	       is_call_of_program(p, frames[first]))
		first++;
	for (size_t i = first; i < n && frames[i]; i++) {
		const struct line_frame *l = NULL;
		const size_t n_lines = stack_lines(p, t, frames[i], &l);

		for (size_t j = 0; j + 1 < n_lines; j++) {
			pad(ret, STACK_INDENT);
			stack_add_inlined(&l[j], ret);
		}
		pad(ret, STACK_INDENT);
		if (t->kind == TYPE_KSTACK)
			d_ksym_add(p, frames[i], true, ret);
		else
			d_usym_add(p, v.pid, frames[i], true, ret);
		if (n_lines)
			stack_add_source(&l[n_lines - 1], ret);
		strbuf_str(ret, "\n");
	}
}

/* --- bytes --- */

void d_dump_add(const uint8_t *bytes, size_t len, struct strbuf *ret)
{
	if (!len)
		return;
	strbuf_str(ret, "\n           ");
	for (unsigned i = 0; i < DUMP_LINE; i++)
		strbuf_fmt(ret, "  %x", i);
	strbuf_str(ret, "  0123456789abcdef\n");
	for (size_t at = 0; at < len; at += DUMP_LINE) {
		const size_t n = len - at < DUMP_LINE ? len - at : DUMP_LINE;

		strbuf_fmt(ret, "     %5zx:", at);
		for (size_t i = 0; i < n; i++)
			strbuf_fmt(ret, " %02x", bytes[at + i]);
		pad(ret, 3 * (DUMP_LINE - n) + 2);
		for (size_t i = 0; i < n; i++)
			strbuf_add(ret,
				   isprint(bytes[at + i]) ? &bytes[at + i] : (const uint8_t *)".",
				   1);
		strbuf_str(ret, "\n");
	}
}

static void add_padded(const char *text, size_t len, unsigned width, bool quiet, struct strbuf *ret)
{
	if (!quiet)
		pad(ret, 2);
	strbuf_add(ret, text, len);
	if (!quiet && len < width)
		pad(ret, width - len);
}

/* All others: as their text, which is a string then. */
static void add_text(const struct value_how *how, const struct type *t, const uint8_t *bytes,
		     unsigned width, bool quiet, struct strbuf *ret)
{
	sonde_auto(strbuf_fini) struct strbuf text = { 0 };

	switch (t->kind) {
	case TYPE_KSYM:
	case TYPE_USYM: d_symbol_add(how->p, t, bytes, false, &text); break;
	default: value_add(how, t, bytes, &text);
	}
	if (strbuf_ok(&text) < 0)
		ret->failed = true;
	else
		add_padded(strbuf_text(&text), text.len, width, quiet, ret);
}

/* A number in the column for its size. */
static void add_number(const struct type *t, uint64_t v, bool quiet, struct strbuf *ret)
{
	const unsigned size = t->kind != TYPE_INT ? 8 : t->shown ? t->shown : t->size;
	const int width = size == 8 ? 16 : size == 4 ? 8 : size == 2 ? 5 : 3;

	if (quiet)
		strbuf_fmt(ret, "%" PRId64, (int64_t)v);
	else
		strbuf_fmt(ret, " %*" PRId64, width, (int64_t)v);
}

static int64_t divided(uint64_t v, int64_t by)
{
	return by > 1 ? (int64_t)v / by : (int64_t)v;
}

void d_value_add(const struct value_how *how, const struct type *t, const uint8_t *bytes,
		 unsigned width, bool quiet, struct strbuf *ret)
{
	const uint8_t *data = NULL;
	uint64_t v;

	switch (t->kind) {
	case TYPE_STR:
		add_padded((const char *)bytes, strnlen((const char *)bytes, t->size), width, quiet,
			   ret);
		break;
	case TYPE_KSTACK:
	case TYPE_USTACK: d_stack_add(how->p, t, bytes, ret); break;
	case TYPE_BUF: {
		const size_t len = value_buf(t, bytes, &data);
		d_dump_add(data, len, ret);
		break;
	}
	case TYPE_RECORD:
	case TYPE_ARRAY: d_dump_add(bytes, t->size, ret); break;
	case TYPE_HIST:
	case TYPE_LHIST:
	case TYPE_LLHIST: d_hist_add(t, bytes, how->div > 1 ? (uint64_t)how->div : 1, ret); break;
	case TYPE_STDDEV:
		add_number(t, d_deviation_of(bytes, how->div > 1 ? (uint64_t)how->div : 1), quiet,
			   ret);
		break;
	case TYPE_KSYM:
	case TYPE_USYM:
	case TYPE_PROBE:
	case TYPE_USER:
	case TYPE_CGROUP:
	case TYPE_TIME: add_text(how, t, bytes, width, quiet, ret); break;
	default:
		if (value_number(t, bytes, &v))
			add_number(t, (uint64_t)divided(v, how->div), quiet, ret);
		else
			add_text(how, t, bytes, width, quiet, ret);
	}
}

/* --- deviation --- */

static uint64_t root(unsigned __int128 square)
{
	unsigned __int128 r = 0, bit = (unsigned __int128)1 << 126;

	while (bit > square)
		bit >>= 2;
	for (; bit; bit >>= 2) {
		if (square >= r + bit) {
			square -= r + bit;
			r = (r >> 1) + bit;
		} else {
			r >>= 1;
		}
	}
	return (uint64_t)r;
}

uint64_t d_deviation_of(const uint8_t *bytes, uint64_t normal)
{
	struct deviation_value v;

	memcpy(&v, bytes, sizeof(v));
	if (!v.count || v.count > INT64_MAX)
		return 0;
	const unsigned __int128 squares =
		v.low + ((unsigned __int128)v.middle << 32) + ((unsigned __int128)v.high << 64);
	const int64_t mean = v.total / (int64_t)normal / (int64_t)v.count;
	const uint64_t size = mean < 0 ? 0 - (uint64_t)mean : (uint64_t)mean;
	const unsigned __int128 of_squares = squares / normal / normal / v.count;
	const unsigned __int128 of_mean = (unsigned __int128)size * size;

	return of_squares > of_mean ? root(of_squares - of_mean) : 0;
}
