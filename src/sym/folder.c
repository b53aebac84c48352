/* SPDX-License-Identifier: MIT */
/** Reads and writes symbol folders: lines of words, nothing trusted. */
#include "sym/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"

/* A line being read, and where it came from. */
struct line {
	const char *path;
	size_t no;
	const char *s, *end;
};

static int bad(const struct line *l, const char *what)
{
	return sonde_fail(-EBADMSG, "'%s': line %zu: %s", l->path, l->no, what);
}

/* The next word; behind it one space is skipped. False: the line is at its end. */
static bool word(struct line *l, struct sonde_span *ret)
{
	const char *sp = memchr(l->s, ' ', (size_t)(l->end - l->s));
	const char *end = sp ? sp : l->end;

	if (l->s == l->end)
		return false;
	*ret = (struct sonde_span){ (const uint8_t *)l->s, (size_t)(end - l->s) };
	l->s = sp ? sp + 1 : l->end;
	return true;
}

static bool is(struct sonde_span w, const char *s)
{
	return w.len == strlen(s) && !memcmp(w.data, s, w.len);
}

/* A whole number of digits of @base, up to the byte @stop or the end. */
static bool number(struct sonde_span *w, unsigned base, char stop, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < w->len && w->data[i] != (uint8_t)stop; i++) {
		unsigned c = w->data[i];
		unsigned d = c >= '0' && c <= '9'   ? c - '0'
			     : c >= 'a' && c <= 'f' ? c - 'a' + 10
						    : 99;

		if (d >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return false;
	}
	if (!i || (stop && i == w->len))
		return false;
	w->data += stop ? i + 1 : i;
	w->len -= stop ? i + 1 : i;
	*ret = v;
	return true;
}

static int parse_function(struct line *l, struct symtab *to)
{
	struct sonde_span start, len;
	uint64_t a, n;

	if (!to)
		return bad(l, "a function before its file");
	if (!word(l, &start) || !word(l, &len) || !number(&start, 16, 0, &a) ||
	    !number(&len, 16, 0, &n) || !n || l->s == l->end)
		return bad(l, "wanted 'f START LEN NAME'");
	// The name is the rest of the line; a 0 in it would hide what is behind.
	if (memchr(l->s, 0, (size_t)(l->end - l->s)))
		return bad(l, "a name with a 0 inside");
	return symtab_add(to, a, n, 0, l->s, (size_t)(l->end - l->s), 0);
}

static int add_file(struct folder *f, const struct dso *key, size_t path_len, struct symtab **ret)
{
	uint32_t i;
	int r = dsos_intern(&f->dsos, key, path_len, &i);

	if (r < 0)
		return r;
	if (i == f->n_files) {
		r = mem_grow(&f->files, &f->cap_files, f->n_files + 1);
		if (r < 0)
			return r;
		f->files[f->n_files++] = (struct folder_file){ .dso = i };
	}
	*ret = &f->files[i].functions;
	return 0;
}

/* A build-id says all: the path does not count beside it. */
static size_t key_path_len(const struct dso *key, size_t path_len)
{
	return key->id.len ? 0 : path_len;
}

static int parse_file(struct folder *f, struct line *l, struct symtab **ret)
{
	struct sonde_span id, at, state;
	uint64_t maj, min, ino, gen;
	struct dso key = { 0 };

	if (!word(l, &id) || !word(l, &at) || !word(l, &state) || l->s == l->end ||
	    !number(&at, 10, ':', &maj) || !number(&at, 10, ':', &min) ||
	    !number(&at, 10, ':', &ino) || !number(&at, 10, 0, &gen) || maj > UINT32_MAX ||
	    min > UINT32_MAX)
		return bad(l, "wanted 'file BUILD-ID MAJ:MIN:INO:GEN STATE PATH'");
	if (!is(id, "-") && !build_id_parse((const char *)id.data, id.len, &key.id))
		return bad(l, "a build-id that is none");
	if (memchr(l->s, 0, (size_t)(l->end - l->s)))
		return bad(l, "a path with a 0 inside");
	key.path = l->s;
	key.maj = (uint32_t)maj;
	key.min = (uint32_t)min;
	key.ino = ino;
	key.gen = gen;
	return add_file(f, &key, key_path_len(&key, (size_t)(l->end - l->s)), ret);
}

static void take_text(struct line *l, char *to, size_t cap)
{
	snprintf(to, cap, "%.*s", (int)(l->end - l->s), l->s);
}

static int parse_line(struct folder *f, struct line *l, struct symtab **open)
{
	struct sonde_span w;

	if (!word(l, &w))
		return 0;
	if (is(w, "f"))
		return parse_function(l, *open);
	if (is(w, "file"))
		return parse_file(f, l, open);
	if (is(w, "release"))
		take_text(l, f->release, sizeof(f->release));
	else if (is(w, "boot-id"))
		take_text(l, f->boot_id, sizeof(f->boot_id));
	else if (is(w, "build-id"))
		(void)build_id_parse(l->s, (size_t)(l->end - l->s), &f->kernel_id);
	else if (is(w, "hidden"))
		f->hidden = true;
	return 0; // later versions may say more
}

int folder_parse(struct folder *f, const char *path, struct sonde_span text)
{
	const char *s = (const char *)text.data, *end = s + text.len;
	struct line l = { .path = path };
	struct symtab *open = NULL;

	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));

		l.no++;
		l.s = s;
		l.end = nl ? nl : end;
		s = nl ? nl + 1 : end;
		int r = 0;
		if (l.no > 1) {
			r = parse_line(f, &l, &open);
		} else if (is((struct sonde_span){ text.data, (size_t)(l.end - l.s) },
			      "sonde kernel 1")) {
			f->has_kernel = true;
			open = &f->kernel;
		} else if (is((struct sonde_span){ text.data, (size_t)(l.end - l.s) },
			      "sonde user 1")) {
			f->has_user = true;
		} else {
			r = bad(&l, "not a symbol file of a version that is known");
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int folder_finish(struct folder *f)
{
	int r = symtab_finish(&f->kernel);

	for (size_t i = 0; !r && i < f->n_files; i++)
		r = symtab_finish(&f->files[i].functions);
	return r;
}

void folder_fini(struct folder *f)
{
	symtab_fini(&f->kernel);
	for (size_t i = 0; i < f->n_files; i++)
		symtab_fini(&f->files[i].functions);
	free(f->files);
	dsos_fini(&f->dsos);
	*f = (struct folder){ 0 };
}

static int load_part(struct folder *f, const char *dir, const char *part)
{
	char path[4096];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s/" FOLDER_NAME "/%s", dir, part) >=
	    sizeof(path))
		return sonde_fail(-ENAMETOOLONG, "path too long: '%s'", dir);
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) != 0)
		return sonde_fail_errno(-errno, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size > FOLDER_BYTES_MOST)
		return sonde_fail(-EBADMSG, "'%s' is no file of symbols, or too large", path);
	const size_t len = (size_t)st.st_size;
	sonde_auto(mem_freep) uint8_t *text = malloc(len + 1);
	if (!text)
		return sonde_fail(-ENOMEM, "'%s': out of memory", path);
	for (size_t n = 0; n < len;) {
		ssize_t got = read(fd, text + n, len - n);

		if (got <= 0)
			return sonde_fail(-EIO, "cannot read '%s'", path);
		n += (size_t)got;
	}
	return folder_parse(f, path, (struct sonde_span){ text, len });
}

int folder_load(struct folder *f, const char *dir)
{
	int r = load_part(f, dir, FOLDER_KERNEL);

	if (!r)
		r = load_part(f, dir, FOLDER_USER);
	if (!r)
		r = folder_finish(f);
	return r;
}

const struct symtab *folder_functions(const struct folder *f, const struct dso *d)
{
	uint32_t i;

	return dsos_find(&f->dsos, d, key_path_len(d, strlen(d->path)), &i) ? &f->files[i].functions
									    : NULL;
}

/* Text of one line: what would break it becomes '?'. */
static void print_text(struct strbuf *b, const char *s)
{
	for (; *s; s++)
		strbuf_add(b, (unsigned char)*s < ' ' ? "?" : s, 1);
}

void folder_print_kernel_head(struct strbuf *b, const struct folder *f)
{
	char hex[BUILD_ID_HEX];

	build_id_hex(&f->kernel_id, hex);
	strbuf_str(b, "sonde kernel 1\n");
	strbuf_fmt(b, "release %s\nbuild-id %s\nboot-id %s\n", f->release, hex, f->boot_id);
	if (f->hidden)
		strbuf_str(b, "hidden\n");
}

void folder_print_user_head(struct strbuf *b)
{
	strbuf_str(b, "sonde user 1\n");
}

void folder_print_file(struct strbuf *b, const struct dso *d, const char *state)
{
	char hex[BUILD_ID_HEX];

	build_id_hex(&d->id, hex);
	strbuf_fmt(b, "file %s %u:%u:%" PRIu64 ":%" PRIu64 " %s ", d->id.len ? hex : "-", d->maj,
		   d->min, d->ino, d->gen, state);
	print_text(b, *d->path ? d->path : "?");
	strbuf_str(b, "\n");
}

void folder_print_function(struct strbuf *b, uint64_t start, uint64_t len, const char *name)
{
	strbuf_fmt(b, "f %" PRIx64 " %" PRIx64 " ", start, len);
	print_text(b, name);
	strbuf_str(b, "\n");
}

static int write_all(int fd, const struct strbuf *text)
{
	for (size_t n = 0; n < text->len;) {
		ssize_t put = write(fd, text->data + n, text->len - n);

		if (put < 0)
			return -errno;
		n += (size_t)put;
	}
	return 0;
}

int folder_save(const char *dir, const char *part, const struct strbuf *text)
{
	char path[4096], tmp[4096 + 8];

	int r = strbuf_ok(text);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/" FOLDER_NAME, dir);
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return sonde_fail_errno(-errno, "cannot make '%s'", path);
	if ((size_t)snprintf(path, sizeof(path), "%s/" FOLDER_NAME "/%s", dir, part) >=
	    sizeof(path))
		return sonde_fail(-ENAMETOOLONG, "path too long: '%s'", dir);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	sonde_auto(mem_closep) int fd =
		open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot write '%s'", tmp);
	r = write_all(fd, text);
	if (r < 0 || rename(tmp, path) != 0) {
		r = r < 0 ? r : -errno;
		unlink(tmp);
		return sonde_fail_errno(r, "cannot write '%s'", path);
	}
	return 0;
}

bool folder_boot_id(char ret[40])
{
	char id[40] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	bool ok = f && fgets(id, sizeof(id), f);

	if (f)
		fclose(f);
	id[strcspn(id, "\n")] = '\0';
	if (!ok || !*id)
		return false;
	memcpy(ret, id, sizeof(id));
	return true;
}
