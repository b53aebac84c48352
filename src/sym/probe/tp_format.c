/* SPDX-License-Identifier: MIT */
/**
 * Parses format files of tracefs, lines of which are:
 *
 *     name: sched_switch
 *     ID: 316
 *     <tab>field:char prev_comm[16];<tab>offset:8;<tab>size:16;<tab>signed:0;
 */
#include "sym/probe/tp_format.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>
#include <sonde/span.h>

#include "base/mem.h"
#include "sym/probe/tp_type.h"
#include "sym/probe/tracefs.h"

/* No event is larger than a page; no format of any kernel came near to these. */
enum { RECORD_MOST = 1 << 20, FIELDS_MOST = 4096, TEXT_MOST = 1 << 20 };

struct text {
	const char *at;
	size_t len;
};

struct parser {
	struct arena *arena;
	struct ctypes *db;
	bool is_user; /* pointers come from user space */
	struct tp_field *fields;
	size_t n, cap;
	struct tp_format format;
};

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool starts(struct text t, const char *word)
{
	size_t len = strlen(word);

	return t.len >= len && !memcmp(t.at, word, len);
}

static struct text behind(struct text t, size_t n)
{
	return (struct text){ t.at + n, t.len - n };
}

static struct text trim(struct text t)
{
	while (t.len && (*t.at == ' ' || *t.at == '\t'))
		t = behind(t, 1);
	while (t.len && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* Takes all up to @stop off the begin of *@t. */
static struct text take(struct text *t, char stop)
{
	const char *end = t->len ? memchr(t->at, stop, t->len) : NULL;
	struct text head = { t->at, end ? (size_t)(end - t->at) : t->len };

	*t = behind(*t, end ? head.len + 1 : head.len);
	return head;
}

/* The number in "word:12"; false: it is no such text, or too large. */
static bool number(struct text t, const char *word, uint32_t *ret)
{
	uint32_t n = 0;

	if (!starts(t, word) || t.len == strlen(word))
		return false;
	for (size_t i = strlen(word); i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9' || n >= RECORD_MOST)
			return false;
		n = n * 10 + (uint32_t)(t.at[i] - '0');
	}
	*ret = n;
	return true;
}

/* Splits "const char * name[16]" into type and name. */
static int take_name(struct parser *p, struct text decl, struct tp_field *f,
		     struct tp_type_text *type)
{
	if (starts(decl, "__data_loc ")) {
		f->place = TP_DATA_LOC;
		decl = trim(behind(decl, strlen("__data_loc ")));
	} else if (starts(decl, "__rel_loc ")) {
		f->place = TP_REL_LOC;
		decl = trim(behind(decl, strlen("__rel_loc ")));
	}
	size_t end = decl.len;
	while (end && decl.at[end - 1] == ']') {
		while (end && decl.at[end - 1] != '[')
			end--;
		end -= end > 0;
		type->is_array = true;
	}
	size_t begin = end;
	while (begin && is_name(decl.at[begin - 1]))
		begin--;
	if (begin == end || !begin)
		return sonde_fail(-EBADMSG, "format: the field '%.*s' has no name or no type",
				  (int)(decl.len < 256 ? decl.len : 256), decl.at);
	f->name = arena_strndup(p->arena, decl.at + begin, end - begin);
	type->text = decl.at;
	type->text_len = begin;
	return f->name ? 0 : -ENOMEM;
}

/* Where a field lies: "offset:8; size:16; signed:0;". Old kernels did not tell signs. */
static int take_place(struct text t, struct tp_field *f, struct tp_type_text *type)
{
	uint32_t is_signed = 0;

	if (!number(trim(take(&t, ';')), "offset:", &f->off) ||
	    !number(trim(take(&t, ';')), "size:", &f->len))
		return sonde_fail(-EBADMSG, "format: a field without offset or size");
	if (trim(t).len && !number(trim(take(&t, ';')), "signed:", &is_signed))
		return sonde_fail(-EBADMSG, "format: a field without a sign");
	if (f->place != TP_FIXED && f->len != 4)
		return sonde_fail(-EBADMSG,
				  "format: field '%s' is elsewhere, but has %u bytes here", f->name,
				  f->len);
	f->is_signed = is_signed != 0;
	type->len = f->len;
	type->is_signed = f->is_signed;
	return 0;
}

/* Appends to an array in the arena, which doubles. */
static int add_field(struct parser *p, const struct tp_field *f)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 16;
		struct tp_field *more =
			cap > FIELDS_MOST ? NULL : arena_array(p->arena, cap, sizeof(*more));

		if (cap > FIELDS_MOST)
			return sonde_fail(-EBADMSG, "format: too many fields");
		if (!more)
			return -ENOMEM;
		if (p->n)
			memcpy(more, p->fields, p->n * sizeof(*more));
		p->fields = more;
		p->cap = cap;
	}
	p->fields[p->n++] = *f;
	return 0;
}

static int parse_field(struct parser *p, struct text t)
{
	struct tp_field f = { .place = TP_FIXED };
	struct tp_type_text type = { .is_user = p->is_user };

	int r = take_name(p, trim(take(&t, ';')), &f, &type);
	if (!r)
		r = take_place(t, &f, &type);
	type.is_dynamic = f.place != TP_FIXED;
	if (!r)
		r = tp_type_parse(p->arena, p->db, &type, &f.type);
	if (r < 0)
		return r;
	if (p->is_user && f.type->kind == CT_INT && f.type->is_signed && f.len == 8) {
		f.is_signed = true;
		f.len = (uint32_t)f.type->size;
	}
	f.is_common = !strncmp(f.name, "common_", 7);
	if (f.off + f.len > p->format.len)
		p->format.len = f.off + f.len;
	return add_field(p, &f);
}

static int parse_line(struct parser *p, struct text line)
{
	struct text t = trim(line);

	if (starts(t, "field:"))
		return parse_field(p, behind(t, strlen("field:")));
	if (starts(t, "name:") && !p->format.name) {
		t = trim(behind(t, strlen("name:")));
		p->format.name = arena_strndup(p->arena, t.at, t.len);
		return p->format.name ? 0 : -ENOMEM;
	}
	if (starts(t, "ID:")) {
		char word[] = "";

		t = trim(behind(t, strlen("ID:")));
		if (!number(t, word, &p->format.id))
			return sonde_fail(-EBADMSG, "format: no number behind 'ID:'");
	}
	return 0;
}

static int parse(struct parser *p, struct text t, struct tp_format *ret)
{
	int r = 0;

	while (!r && t.len) {
		struct text line = take(&t, '\n');

		// What follows is the text that the kernel prints events with.
		if (starts(line, "print fmt:"))
			break;
		r = parse_line(p, line);
	}
	if (!r && (!p->format.name || !p->n))
		r = sonde_fail(-EBADMSG, "format: no name, or no fields");
	if (r < 0)
		return r;
	*ret = p->format;
	ret->fields = p->fields;
	ret->n_fields = p->n;
	return 0;
}

int tp_format_parse(struct arena *arena, struct ctypes *db, const char *text, size_t len,
		    struct tp_format *ret)
{
	struct parser p = { .arena = arena, .db = db };

	return parse(&p, (struct text){ text, len }, ret);
}

/* Files of tracefs do not tell their size. */
static int read_text(const char *path, char **ret, size_t *ret_len)
{
	sonde_auto(mem_freep) char *text = NULL;
	size_t n = 0, cap = 0;

	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (;;) {
		int r = mem_grow(&text, &cap, n + 4096);
		if (r < 0)
			return r;
		ssize_t got = read(fd, text + n, cap - n);
		if (got < 0)
			return -errno;
		n += (size_t)got;
		if (!got)
			break;
		if (n > TEXT_MOST)
			return -EFBIG;
	}
	*ret = sonde_take(text);
	*ret_len = n;
	return 0;
}

static bool is_file_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/');
}

int tp_format_read(struct arena *arena, struct ctypes *db, const char *group, const char *name,
		   struct tp_format *ret)
{
	struct parser p = { .arena = arena, .db = db };
	sonde_auto(mem_freep) char *text = NULL;
	const char *dir = NULL;
	char path[PATH_MAX];
	size_t len = 0;

	int r = tracing_mount(&dir);
	if (r < 0)
		return r;
	if (!is_file_name(group) || !is_file_name(name) ||
	    (size_t)snprintf(path, sizeof(path), "%s/events/%s/%s/format", dir, group, name) >=
		    sizeof(path))
		return sonde_fail(-ENOENT, "there is no tracepoint '%s:%s'", group, name);
	r = read_text(path, &text, &len);
	if (r == -ENOENT || r == -ENOTDIR)
		return sonde_fail(-ENOENT, "there is no tracepoint '%s:%s'", group, name);
	if (r < 0)
		return sonde_fail_errno(r, "cannot read '%s'", path);
	// What system calls are given are addresses of the process.
	p.is_user = !strcmp(group, "syscalls");
	r = parse(&p, (struct text){ text, len }, ret);
	return r < 0 ? sonde_wrap(r, "'%s'", path) : 0;
}
