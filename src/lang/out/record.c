/* SPDX-License-Identifier: MIT */
/** Records as text or JSON lines: a function for each kind of site. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "lang/out/format.h"
#include "lang/out/printer.h"
#include "lang/out/quote.h"
#include "lang/out/value.h"

enum { CAT_MOST = 10240, TRACE_WIDTH = 33 };

void printer_fini(struct printer *p)
{
	for (size_t i = 0; p->formats && i < p->script->n_sites; i++)
		format_free(p->formats[i]);
	free(p->formats);
	p->formats = NULL;
	strbuf_fini(&p->tmp);
	strbuf_fini(&p->line);
	strbuf_fini(&p->quoted);
}

/* Forgets the text, keeps the room. */
static struct strbuf *cleared(struct strbuf *b)
{
	b->len = 0;
	b->failed = false;
	return b;
}

/* Begins {"type": "@type", "data": in an empty line. */
static struct strbuf *begin_json(struct printer *p, const char *type)
{
	struct strbuf *const line = cleared(&p->line);

	cleared(&p->quoted);
	strbuf_str(line, "{\"type\": ");
	quote_json(line, type, strlen(type));
	strbuf_str(line, ", \"data\": ");
	return line;
}

static void end_json(struct printer *p)
{
	strbuf_str(&p->line, "}\n");
	if (!p->line.failed)
		out_add(p->out, p->line.data, p->line.len);
}

void print_output(struct printer *p, const char *type, const char *text, size_t len)
{
	if (p->format == PRINT_TEXT) {
		out_add(p->out, text, len);
		return;
	}
	quote_json(begin_json(p, type), text, len);
	end_json(p);
}

static void print_number(struct printer *p, const char *type, const char *key, uint64_t n)
{
	struct strbuf *line = begin_json(p, type);

	strbuf_add(line, "{", 1);
	quote_json(line, key, strlen(key));
	strbuf_add(line, ": ", 2);
	value_add_u64(line, n);
	strbuf_add(line, "}", 1);
	end_json(p);
}

void print_attached(struct printer *p, uint64_t n)
{
	if (p->format == PRINT_JSON)
		print_number(p, "attached_probes", "probes", n);
	else
		out_fmt(p->out, "Attaching %llu probe%s...\n", (unsigned long long)n,
			n == 1 ? "" : "s");
}

void print_lost(struct printer *p, uint64_t n)
{
	if (p->format == PRINT_JSON)
		print_number(p, "lost_events", "events", n);
	else
		out_fmt(p->out, "Lost %llu events\n", (unsigned long long)n);
}

/* A failed write to standard error has nobody to be told to. */
static void complain(const char *text, size_t len)
{
	while (len) {
		const ssize_t n = write(STDERR_FILENO, text, len);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

void print_note(struct printer *p, const char *type, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); // cut where it is too long
	va_end(ap);
	if (p->format == PRINT_JSON) {
		print_output(p, type, text, strlen(text));
		return;
	}
	struct strbuf *const line = cleared(&p->line);
	strbuf_str(line, text);
	strbuf_add(line, "\n", 1);
	if (!line->failed)
		complain(line->data, line->len);
}

/* @site's format, taken apart when first needed. */
static int find_format(struct printer *p, const struct site *site, const struct format **ret)
{
	const size_t i = (size_t)(site - p->script->sites);

	if (!p->formats) {
		p->formats = calloc(p->script->n_sites, sizeof(*p->formats));
		if (!p->formats)
			return sonde_fail(-ENOMEM, "out of memory for formats");
	}
	if (!p->formats[i]) {
		int r = format_new(site, &p->formats[i]);
		if (r < 0)
			return r;
	}
	*ret = p->formats[i];
	return 0;
}

static bool is_of_script(const struct printer *p, const struct site *site)
{
	return p->script && site >= p->script->sites &&
	       site < p->script->sites + p->script->n_sites;
}

int print_format(struct printer *p, const struct site *site, const void *payload, size_t len,
		 struct strbuf *ret)
{
	cleared(&p->quoted);
	if (is_of_script(p, site)) {
		const struct format *f = NULL;

		int r = find_format(p, site, &f);
		return r < 0 ? r : format_add(f, p, payload, len, ret);
	}
	sonde_auto(format_freep) struct format *f = NULL;
	int r = format_new(site, &f);
	return r < 0 ? r : format_add(f, p, payload, len, ret);
}

/* Argument @i inside the payload; NULL (sonde_fail(-EBADMSG)). */
static const uint8_t *find_arg(const struct site *site, uint32_t i, const void *payload, size_t len)
{
	const struct type_field *arg = i < site->n_args ? &site->args[i] : NULL;

	if (arg && arg->off <= len && arg->type->size <= len - arg->off)
		return (const uint8_t *)payload + arg->off;
	(void)sonde_fail(-EBADMSG, "a record of %zu bytes is too short", len); // NULL tells it
	return NULL;
}

/* "stdin:1:9-15: ERROR: words". */
static void add_place(struct printer *p, const struct site *site, const char *word,
		      struct strbuf *ret)
{
	strbuf_fmt(ret, "%s:%u:%u-%u: %s: ", p->script && p->script->name ? p->script->name : "-",
		   site->pos.line, site->pos.col, site->pos.col + site->pos.len, word);
}

/* errorf(), warnf(): to standard error; in JSON a line with the place. */
static void print_complaint(struct printer *p, const struct site *site, const struct strbuf *text)
{
	const bool is_error = site->kind == SITE_ERRORF;
	const char *name = p->script && p->script->name ? p->script->name : "-";
	struct strbuf *const line = cleared(&p->line);

	if (p->format == PRINT_TEXT) {
		add_place(p, site, is_error ? "ERROR" : "WARNING", line);
		strbuf_add(line, strbuf_text(text), text->len);
		if (!text->len || text->data[text->len - 1] != '\n')
			strbuf_add(line, "\n", 1);
		if (!line->failed)
			complain(line->data, line->len);
		return;
	}
	strbuf_fmt(line,
		   "{\"type\": \"%s\", \"msg\": ", is_error ? "print_error" : "print_warning");
	quote_json(line, strbuf_text(text), text->len);
	strbuf_str(line, ", \"filename\": ");
	quote_json(line, name, strlen(name));
	strbuf_fmt(line, ", \"line\": %u, \"col\": %u", site->pos.line, site->pos.col);
	end_json(p);
}

static int print_printf(struct printer *p, const struct site *site, const void *payload, size_t len)
{
	struct strbuf *const text = cleared(&p->tmp);

	int r = print_format(p, site, payload, len, text);
	if (r < 0)
		return r;
	if (site->kind == SITE_PRINTF)
		print_output(p, "printf", strbuf_text(text), text->len);
	else
		print_complaint(p, site, text);
	return 0;
}

static int print_one(struct printer *p, const struct site *site, const void *payload, size_t len)
{
	const uint8_t *bytes = find_arg(site, 0, payload, len);
	if (!bytes)
		return -EBADMSG;

	const bool json = p->format == PRINT_JSON;
	struct strbuf *const line = json ? begin_json(p, "value") : cleared(&p->line);
	int r = print_value(p, site->args[0].type, bytes, line);
	if (r < 0)
		return r;
	strbuf_str(line, json ? "}\n" : "\n");
	out_add(p->out, strbuf_text(line), line->len);
	return strbuf_ok(line);
}

/* trace() of D: as it is in quiet scripts, else in columns. */
static int print_trace(struct printer *p, const struct site *site, const void *payload, size_t len)
{
	const uint8_t *bytes = find_arg(site, 0, payload, len);
	const struct value_how how = { .p = p, .div = 1 };
	struct strbuf *const text = cleared(&p->tmp);

	if (!bytes)
		return -EBADMSG;
	if (p->format == PRINT_JSON)
		return print_one(p, site, payload, len);
	d_value_add(&how, site->args[0].type, bytes, TRACE_WIDTH,
		    p->script && p->script->d && p->script->d->quiet, text);
	int r = strbuf_ok(text);
	if (!r)
		out_add(p->out, strbuf_text(text), text->len);
	return r;
}

static int print_dump(struct printer *p, const struct site *site, const void *payload, size_t len)
{
	const uint8_t *bytes = find_arg(site, 0, payload, len), *data = NULL;
	struct strbuf *const text = cleared(&p->tmp);

	if (!bytes)
		return -EBADMSG;
	const size_t n = value_buf(site->args[0].type, bytes, &data);
	if (data)
		d_dump_add(data, n, text);
	int r = strbuf_ok(text);
	if (!r)
		print_output(p, "tracemem", strbuf_text(text), text->len);
	return r;
}

/* print(@x[k]): a map with one element; of a map without keys the value alone. */
static int print_elem(struct printer *p, const struct site *site, const void *payload, size_t len)
{
	const bool has_key = site->n_args > 1;
	const uint8_t *key = has_key ? find_arg(site, 0, payload, len) : payload;
	const uint8_t *val = find_arg(site, has_key, payload, len);
	if (!key || !val)
		return -EBADMSG;
	if (site->map < 0 || !p->script || (size_t)site->map >= p->script->n_maps)
		return sonde_fail(-EINVAL, "a map that is not there");

	struct script_map one = p->script->maps[site->map];
	one.key = has_key ? site->args[0].type : &type_none;
	one.val = site->args[has_key].type;
	struct rows rows = { .n = 1, .keys = (uint8_t *)key, .vals = (uint8_t *)val };
	rows.key_len = one.key->size;
	rows.val_len = one.val->size;
	return print_map(p, &one, &rows, site->top, site->div);
}

static int print_time(struct printer *p, const struct site *site, const void *payload, size_t len)
{
	const uint8_t *bytes = find_arg(site, 0, payload, len);
	struct strbuf *const text = cleared(&p->tmp);
	uint64_t ns;

	if (!bytes)
		return -EBADMSG;
	if (!value_number(site->args[0].type, bytes, &ns))
		return sonde_fail(-EINVAL, "a time that is no number");
	time_add(p, site->fmt, ns, text);
	int r = strbuf_ok(text);
	if (r < 0)
		return r;
	print_output(p, "time", strbuf_text(text), text->len);
	return 0;
}

static int print_join(struct printer *p, const struct site *site, const void *payload, size_t len)
{
	struct strbuf *const text = cleared(&p->tmp);

	for (uint32_t i = 0; i < site->n_args; i++) {
		const uint8_t *bytes = find_arg(site, i, payload, len);
		if (!bytes)
			return -EBADMSG;
		const size_t n = strnlen((const char *)bytes, site->args[i].type->size);

		if (n && text->len)
			strbuf_str(text, site->fmt ? site->fmt : " ");
		strbuf_add(text, bytes, n);
	}
	if (p->format == PRINT_TEXT)
		strbuf_add(text, "\n", 1);
	int r = strbuf_ok(text);
	if (r < 0)
		return r;
	print_output(p, "join", strbuf_text(text), text->len);
	return 0;
}

/* The begin of a file into @ret; a negative errno. */
static int read_begin(const char *path, struct strbuf *ret)
{
	// Without O_NONBLOCK a pipe without a writer would stop all output.
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char block[4096];

	if (fd < 0)
		return -errno;
	while (ret->len < CAT_MOST && !ret->failed) {
		const size_t left = CAT_MOST - ret->len;
		const ssize_t n = read(fd, block, left < sizeof(block) ? left : sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		strbuf_add(ret, block, (size_t)n);
	}
	return 0;
}

static int print_cat(struct printer *p, const struct site *site, const void *payload, size_t len)
{
	sonde_auto(strbuf_fini) struct strbuf path = { 0 };
	struct strbuf *const text = cleared(&p->tmp);

	int r = print_format(p, site, payload, len, &path);
	if (r < 0)
		return r;
	r = read_begin(strbuf_text(&path), text);
	if (r < 0) {
		const char *why = strerrordesc_np(-r);
		struct strbuf *const line = cleared(&p->line);

		strbuf_fmt(line, "ERROR: failed to open file '%s': %s\n", strbuf_text(&path),
			   why ? why : "unknown error");
		if (!line->failed)
			complain(line->data, line->len);
	}
	r = strbuf_ok(text);
	if (r < 0)
		return r;
	print_output(p, "cat", strbuf_text(text), text->len);
	return 0;
}

int print_record(struct printer *p, const struct site *site, const void *payload, size_t len)
{
	switch (site->kind) {
	case SITE_PRINTF:
	case SITE_ERRORF:
	case SITE_WARNF: return print_printf(p, site, payload, len);
	case SITE_PRINT: return print_one(p, site, payload, len);
	case SITE_TRACE: return print_trace(p, site, payload, len);
	case SITE_TRACEMEM: return print_dump(p, site, payload, len);
	case SITE_PRINT_ELEM: return print_elem(p, site, payload, len);
	case SITE_TIME: return print_time(p, site, payload, len);
	case SITE_JOIN: return print_join(p, site, payload, len);
	case SITE_CAT: return print_cat(p, site, payload, len);
	case SITE_EMIT: return print_event(p, site, payload, len);
	default:
		return sonde_fail(-EINVAL, "'%s' is not for the printer",
				  site->name ? site->name : "?");
	}
}
