/* SPDX-License-Identifier: MIT */
/** Functions of programs and libraries: uprobe and uretprobe. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "base/mem.h"
#include "lang/live/number.h"
#include "lang/live/places.h"
#include "lang/live/probes.h"
#include "sym/demangle.h"
#include "sym/probe/elf_funcs.h"
#include "sym/probe/insn.h"

/* What an attach point asks of one program. */
struct user_lookup {
	struct lookup *l;
	struct live_file *file;
	struct elf_funcs *funcs;
	const char *shown;   /* the path, for names */
	const char *cpp;     /* "cpp:" or "" */
	const char *pattern; /* of functions, without offset */
	uint64_t off;
	bool is_return;
};

/* The function's name as its author wrote it. */
static const char *plain_name(struct lookup *l, const char *name)
{
	struct strbuf plain = { 0 };
	const char *ret = demangle(name, &plain) && !plain.failed
				  ? arena_strndup(l->arena, strbuf_text(&plain), plain.len)
				  : arena_strndup(l->arena, name, strlen(name));

	strbuf_fini(&plain);
	return ret;
}

/* The function's arguments from the program's own types, where they are asked for. */
static int add_types(struct user_lookup *u, const char *name, struct probe *p)
{
	const struct ctype *proto = NULL;

	p->types = live_file_types(u->l->live, u->file);
	p->no_args = u->file->no_types;
	if (!u->l->wants->fields || u->is_return || u->off || !p->types)
		return 0;
	if (ctypes_func(p->types, name, &proto) < 0) {
		const char *why = sonde_err_str();

		p->no_args = arena_strndup(u->l->arena, why, strlen(why));
		return p->no_args ? 0 : -ENOMEM;
	}
	return lookup_named_args(u->l, proto, name, p);
}

/* Adds a place in the file; @name NULL: the function that it is in is not known. */
static int add_place(struct user_lookup *u, const char *place, const char *name, uint64_t off)
{
	struct lookup *l = u->l;
	struct probe p = {
		.name = u->off ? lookup_text(l, "%s:%s:%s%s+%llu", l->provider->name, u->shown,
					     u->cpp, place, (unsigned long long)u->off)
			       : lookup_text(l, "%s:%s:%s%s", l->provider->name, u->shown, u->cpp,
					     place),
		.func = name ? plain_name(l, name) : NULL,
		.args = ARGS_REGS,
		.is_return = u->is_return,
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.attach = {
			.kind = u->is_return ? ATTACH_URETPROBE : ATTACH_UPROBE,
			.name = place,
			.path = arena_strndup(l->arena, u->file->path, strlen(u->file->path)),
			.off = off,
			.pid = l->live->opt.pid > 0 ? l->live->opt.pid : -1,
			.cpu = -1,
		},
	};
	int r = p.name && p.attach.path && (p.func || !name) ? 0 : -ENOMEM;

	if (r >= 0 && name)
		r = add_types(u, name, &p);
	return r < 0 ? r : lookup_add_same(l, &p);
}

/*
 * Walks over the instructions of @fn, of whose file @fd is, to the byte @off. *@ret is where the
 * last one begins at or before it. False: that cannot be told.
 */
static bool find_instruction(int fd, const struct elf_func *fn, uint64_t off, uint64_t *ret)
{
	enum { CODE_MOST = 1 << 20 };
	Elf64_Ehdr head;

	if (off > CODE_MOST || pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return false;
	const size_t len = (size_t)off + INSN_MOST;
	sonde_auto(mem_freep) uint8_t *code = malloc(len);
	const ssize_t got = code ? pread(fd, code, len, (off_t)fn->off) : -1;
	if (got < 0)
		return false;
	size_t at = 0, before = 0;
	while (at < off) {
		const size_t n = insn_len(head.e_machine, code + at, (size_t)got - at);
		if (!n || (size_t)got - at < n)
			return false;
		before = at;
		at += n;
	}
	*ret = at == off ? at : before;
	return true;
}

/* A breakpoint inside of an instruction makes another one of it, and the program goes astray. */
static int check_instruction(struct user_lookup *u, const struct elf_func *fn, uint64_t off)
{
	const struct lookup *l = u->l;
	uint64_t begin = 0;

	sonde_auto(mem_closep) int fd = open(u->file->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !fn || !find_instruction(fd, fn, off, &begin)) {
		(void)diag_warn(l->d, l->ap->pos, "unsure-instruction",
				"it cannot be told whether an instruction begins at '%s'",
				l->ap->text);
		return 0;
	}
	if (begin == off)
		return 0;
	return lookup_error(l, "inside-instruction",
			    "'%s' is inside of an instruction, which begins at '%s+%llu'",
			    l->ap->text, fn->name, (unsigned long long)begin);
}

/* 1 ends the walk: it is enough. */
static int add_match(void *arg, const struct elf_func *fn)
{
	struct user_lookup *u = arg;
	struct lookup *l = u->l;

	// What compilers put aside of a function is entered by jumps: there is no return address
	// on the stack, and to look for one would break the program.
	if (glob_is(u->pattern) && strstr(fn->name, ".cold"))
		return 0;
	const char *name = arena_strndup(l->arena, fn->name, strlen(fn->name));

	if (!name)
		return -ENOMEM;
	if (u->off && u->off >= fn->len)
		return lookup_error(l, "bad-attach-point", "'%s+%llu' is behind the function's end",
				    u->pattern, (unsigned long long)u->off);
	int r = u->off ? check_instruction(u, fn, u->off) : 0;
	if (r < 0)
		return r;
	r = add_place(u, glob_is(u->pattern) ? name : u->pattern, name, fn->off + u->off);
	return r < 0 ? r : l->is_first && l->first;
}

static int add_address(struct user_lookup *u, uint64_t addr)
{
	const struct elf_func *fn = NULL;
	uint64_t off = 0;

	if (u->is_return)
		return lookup_error(u->l, "bad-attach-point",
				    "'%s': a function's return needs the function's name",
				    u->l->ap->text);
	if (elf_funcs_at(u->funcs, addr, &off, &fn) < 0)
		return lookup_error(u->l, "bad-attach-point", "'%s' is not in the code of '%s'",
				    u->pattern, u->shown);
	int r = check_instruction(u, fn, fn ? off - fn->off : 0);
	return r < 0 ? r : add_place(u, u->pattern, fn ? fn->name : NULL, off);
}

static int unknown_function(struct user_lookup *u)
{
	const char *near = elf_funcs_near(u->funcs, u->pattern);
	const char *stripped = elf_funcs_is_stripped(u->funcs)
				       ? ": it is stripped, only what it exports is known"
				       : "";

	if (glob_is(u->pattern))
		return lookup_error(u->l, "no-match", "no function of '%s' matches '%s'%s",
				    u->shown, u->pattern, stripped);
	if (near)
		return lookup_error(u->l, "unknown-function",
				    "no function '%s' in '%s'; did you mean '%s'?", u->pattern,
				    u->shown, near);
	return lookup_error(u->l, "unknown-function", "no function '%s' in '%s'%s", u->pattern,
			    u->shown, stripped);
}

/* Functions of libpthread and others are libc's today; scripts go on naming what is an empty shell.
 */
static int find_where_moved(struct user_lookup *u)
{
	sonde_auto(mem_freep) char *path = NULL;
	const char *moved = program_moved_to(u->file->path);
	struct user_lookup other = *u;

	if (!moved)
		return 0;
	int r = program_find(moved, u->l->live->opt.pid, &path);
	if (r >= 0)
		r = live_file(u->l->live, path, &other.file);
	if (r >= 0)
		r = live_file_funcs(other.file, &other.funcs);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	other.shown = lookup_program_name(u->l, other.file->path);
	return elf_funcs_each(other.funcs, u->pattern, add_match, &other);
}

/* All places of one program. */
static int find_in_file(struct user_lookup *u, const char *path, bool one_of_many)
{
	struct lookup *l = u->l;
	const size_t before = l->n_places;
	const char *end;
	uint64_t addr;

	int r = live_file(l->live, path, &u->file);
	if (r < 0)
		return r;
	r = live_file_funcs(u->file, &u->funcs);
	if (r < 0)
		return one_of_many && r != -ENOMEM ? 0 : lookup_failed(l, r, "no-program");
	u->shown = lookup_program_name(l, path);
	if (number_read(u->pattern, &addr, &end) && !*end) {
		addr += u->off;
		return add_address(u, addr);
	}
	r = elf_funcs_each(u->funcs, u->pattern, add_match, u);
	if (r >= 0 && before == l->n_places && !one_of_many)
		r = find_where_moved(u);
	if (r >= 0 && before == l->n_places && !one_of_many)
		return unknown_function(u);
	return r < 0 ? r : 0;
}

static int find_user(struct lookup *l, bool is_return)
{
	const struct ast_attach *ap = l->ap;
	const char *const *paths = NULL;
	size_t n = 0;
	struct user_lookup u = {
		.l = l,
		.cpp = ap->n_parts == 4 ? "cpp:" : "",
		.is_return = is_return,
	};

	if (ap->n_parts == 4 && strcmp(ap->parts[2], "cpp"))
		return lookup_error(l, "bad-attach-point", "unknown language '%s': there is cpp",
				    ap->parts[2]);
	int r = lookup_offset(l, ap->parts[ap->n_parts - 1], &u.pattern, &u.off);
	if (r < 0)
		return r;
	if (u.off && (is_return || glob_is(u.pattern)))
		return lookup_error(l, "bad-attach-point",
				    "'%s': an offset needs the entry of one function", ap->text);
	r = lookup_programs(l, ap->parts[1], &paths, &n);
	for (size_t i = 0; i < n && r >= 0 && !(l->is_first && l->first); i++)
		r = find_in_file(&u, paths[i], glob_is(ap->parts[1]));
	return r;
}

int find_uprobe(struct lookup *l)
{
	return find_user(l, false);
}

int find_uretprobe(struct lookup *l)
{
	return find_user(l, true);
}

struct user_listing {
	struct listing *l;
	const char *shown;
};

static int give_func(void *arg, const struct elf_func *fn)
{
	const struct user_listing *u = arg;

	return listing_give(u->l, u->shown, fn->name, NULL);
}

/* Of a program that the pattern names: "uprobe:/bin/bash:readl*". */
int list_user(struct listing *l)
{
	struct live_file *file = NULL;
	struct elf_funcs *funcs = NULL;

	int r = listing_program(l, &file);
	if (r >= 0)
		r = live_file_funcs(file, &funcs);
	if (r < 0)
		return r;
	struct user_listing u = { l, file->path };
	return elf_funcs_each(funcs, "*", give_func, &u);
}
