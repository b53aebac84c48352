/* SPDX-License-Identifier: MIT */
/**
 * Reads .note.stapsdt, whose notes hold, behind their head:
 *
 *     u64 place | u64 address of .stapsdt.base | u64 semaphore | "provider\0name\0arguments\0"
 *
 * Where a tool moved the sections of a file but not its notes, .stapsdt.base tells how far.
 */
#include "sym/probe/usdt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/arena.h"
#include "sym/probe/elf_funcs.h"
#include "sym/probe/elf_image.h"

enum { NOTE_STAPSDT = 3, ARGS_MOST = 64, MARKERS_MOST = 1 << 20 };

struct usdt {
	struct arena arena;
	struct usdt_marker *all; /* owned */
	size_t n, cap;
};

/* What is needed while a file is read. */
struct reader {
	struct usdt *u;
	struct elf_image image;
	struct elf_funcs *names; /* owned; opened for the first argument that names a symbol */
	bool names_tried;
	enum usdt_machine machine;
	uint64_t base; /* the address of .stapsdt.base; 0: there is none */
};

struct note {
	uint64_t pc, base, semaphore;
	const char *provider, *name, *args;
};

void usdt_free(struct usdt *u)
{
	if (!u)
		return;
	free(u->all);
	arena_fini(&u->arena);
	free(u);
}

const struct usdt_marker *usdt_markers(const struct usdt *u, size_t *ret_n)
{
	*ret_n = u->n;
	return u->all;
}

/* Takes a text with its 0 off the begin of the bytes. */
static bool take_text(const char **at, size_t *len, const char **ret)
{
	size_t n = strnlen(*at, *len);

	if (n == *len)
		return false;
	*ret = *at;
	*at += n + 1;
	*len -= n + 1;
	return true;
}

static bool parse_note(const char *desc, size_t len, struct note *ret)
{
	uint64_t numbers[3];

	if (len < sizeof(numbers))
		return false;
	memcpy(numbers, desc, sizeof(numbers));
	desc += sizeof(numbers);
	len -= sizeof(numbers);
	ret->pc = numbers[0];
	ret->base = numbers[1];
	ret->semaphore = numbers[2];
	if (!take_text(&desc, &len, &ret->provider) || !take_text(&desc, &len, &ret->name) ||
	    !*ret->provider || !*ret->name)
		return false;
	return take_text(&desc, &len, &ret->args);
}

static bool address_of(void *arg, const char *name, uint64_t *ret)
{
	struct reader *rd = arg;
	struct elf_func s;

	if (!rd->names_tried && elf_funcs_open(rd->image.path, &rd->names) < 0)
		rd->names = NULL;
	rd->names_tried = true;
	if (!rd->names || elf_funcs_symbol(rd->names, name, &s) < 0)
		return false;
	*ret = s.addr;
	return true;
}

/* The length of the first argument: blanks within brackets do not end it. */
static size_t arg_len(const char *s)
{
	size_t n = 0;
	bool open = false;

	for (; s[n] && (open || s[n] != ' '); n++)
		open = s[n] == '[' || s[n] == '('   ? true
		       : s[n] == ']' || s[n] == ')' ? false
						    : open;
	return n;
}

static int parse_args(struct reader *rd, const struct note *n, struct usdt_marker *m)
{
	struct usdt_arg args[ARGS_MOST];

	for (const char *s = n->args + strspn(n->args, " "); *s && m->n_args < ARGS_MOST;) {
		size_t len = arg_len(s);

		struct usdt_arg *a = &args[m->n_args++];

		*a = usdt_arg_parse(rd->machine, s, len, n->pc, address_of, rd);
		// A fixed address is none in a program that is loaded anywhere.
		if (a->kind == USDT_MEM && a->reg < 0 && rd->image.header.e_type == ET_DYN)
			a->kind = USDT_UNKNOWN;
		s += len;
		s += strspn(s, " ");
	}
	struct usdt_arg *copy = arena_array(&rd->u->arena, m->n_args, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	if (m->n_args)
		memcpy(copy, args, m->n_args * sizeof(*copy));
	m->args = copy;
	return 0;
}

static int add_marker(struct reader *rd, struct note *n)
{
	struct arena *a = &rd->u->arena;
	struct usdt_marker m = { .args = NULL };

	if (rd->base && n->base) {
		uint64_t moved = rd->base - n->base;

		n->pc += moved;
		n->semaphore += n->semaphore ? moved : 0;
	}
	if (!elf_image_off(&rd->image, n->pc, /* is_code= */ true, &m.off))
		return 0;
	if (n->semaphore &&
	    !elf_image_off(&rd->image, n->semaphore, /* is_code= */ false, &m.ref_ctr_off))
		return 0;
	m.provider = arena_strndup(a, n->provider, strlen(n->provider));
	m.name = arena_strndup(a, n->name, strlen(n->name));
	m.args_text = arena_strndup(a, n->args, strlen(n->args));
	if (!m.provider || !m.name || !m.args_text)
		return -ENOMEM;
	int r = parse_args(rd, n, &m);
	if (!r)
		r = mem_grow(&rd->u->all, &rd->u->cap, rd->u->n + 1);
	if (!r)
		rd->u->all[rd->u->n++] = m;
	return r;
}

static int read_notes(struct reader *rd, Elf_Data *d)
{
	size_t at = 0, next, name_at, desc_at;
	GElf_Nhdr h;
	int r = 0;

	for (; !r && at < d->d_size && rd->u->n < MARKERS_MOST; at = next) {
		struct note n;
		const char *bytes = d->d_buf;

		next = gelf_getnote(d, at, &h, &name_at, &desc_at);
		if (!next)
			break;
		if (h.n_type == NOTE_STAPSDT && h.n_namesz == sizeof("stapsdt") &&
		    !memcmp(bytes + name_at, "stapsdt", sizeof("stapsdt")) &&
		    parse_note(bytes + desc_at, h.n_descsz, &n))
			r = add_marker(rd, &n);
	}
	return r;
}

static int read_all(struct reader *rd)
{
	const GElf_Ehdr *h = &rd->image.header;
	GElf_Shdr sh;

	Elf_Scn *scn = elf_image_section(&rd->image, ".note.stapsdt", &sh);
	if (!scn)
		return 0;
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    (h->e_machine != EM_X86_64 && h->e_machine != EM_AARCH64))
		return sonde_fail(-ENOTSUP, "'%s': markers of another machine", rd->image.path);
	rd->machine = h->e_machine == EM_X86_64 ? USDT_X86_64 : USDT_AARCH64;
	if (elf_image_section(&rd->image, ".stapsdt.base", &sh))
		rd->base = sh.sh_addr;
	Elf_Data *d = elf_getdata(scn, NULL);
	return d && d->d_buf ? read_notes(rd, d) : 0;
}

int usdt_open(const char *path, struct usdt **ret)
{
	struct reader rd = { .base = 0 };

	int r = elf_image_open(path, &rd.image);
	if (r < 0)
		return r;
	rd.u = calloc(1, sizeof(*rd.u));
	r = rd.u ? read_all(&rd) : sonde_fail(-ENOMEM, "'%s': out of memory", path);
	elf_funcs_free(rd.names);
	elf_image_fini(&rd.image);
	if (r < 0) {
		usdt_free(rd.u);
		return r;
	}
	*ret = rd.u;
	return 0;
}
