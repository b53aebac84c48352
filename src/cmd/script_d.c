/* SPDX-License-Identifier: MIT */
/** Options of dtrace for scripts in D. */
#include "cmd/script_d.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "lang/world.h"
#include "sym/probe/elf_funcs.h"

void script_d_fini(struct script_d *d)
{
	strbuf_fini(&d->text);
	arena_fini(&d->arena);
	free(d->program);
	*d = (struct script_d){ 0 };
}

/* "name" or "name=value". */
static int add_option(struct script_d *d, const char *text)
{
	sonde_check(text);
	const char *equal = strchr(text, '=');
	const size_t len = equal ? (size_t)(equal - text) : strlen(text);

	if (d->n_options == SCRIPT_D_OPTIONS)
		return sonde_fail(-EINVAL, "more than %d options of D", SCRIPT_D_OPTIONS);
	const char *name = arena_strndup(&d->arena, text, len);
	if (!name)
		return -ENOMEM;
	d->options[d->n_options++] = (struct d_option){ name, equal ? equal + 1 : NULL };
	return 0;
}

/* -f 'vfs_read / pid == 1 /': a function, and the rest of a clause. */
static void add_function(struct script_d *d, const char *text)
{
	sonde_check(text);
	const size_t len = strcspn(text, " \t\n{/");

	strbuf_fmt(&d->text, "%.*s:%s\n", (int)len, text, text + len);
}

int script_d_set(struct script_d *d, int key, const char *value)
{
	switch (key) {
	case 'n': strbuf_fmt(&d->text, "%s\n", value); break;
	case 'f': add_function(d, value); break;
	case 'x': return add_option(d, value);
	case 'w': return add_option(d, "destructive");
	case 'Z': return add_option(d, "zdefs");
	case 'F': return add_option(d, "flowindent");
	case 'q': return add_option(d, "quiet");
	default: break;
	}
	return strbuf_ok(&d->text);
}

static int take_first_line(struct script_d *d, const char *text)
{
	const char *end = text + strcspn(text, "\n"), *at = strstr(text, "dtrace");
	bool in_word = false;
	int r = 0;

	if (strncmp(text, "#!", 2) != 0 || !at || at >= end)
		return 0;
	for (at += strcspn(at, " \t\n"); at < end && !r; at++) {
		if (*at == ' ' || *at == '\t')
			in_word = false;
		else if (*at == '-')
			in_word = true;
		else if (in_word && strchr("qwZF", *at))
			r = script_d_set(d, *at, NULL);
	}
	return r;
}

int script_d_look(struct script_d *d, const struct script_arg *a)
{
	const char *path = a->path ? a->path : "";
	const size_t len = strlen(path);

	if (!d->is_d)
		d->is_d =
			(len > 2 && !strcmp(path + len - 2, ".d")) || d_is_script(a->text, a->len);
	return d->is_d ? take_first_line(d, a->text) : 0;
}

/* The file of the process that $target is. */
static int find_program(struct script_d *d, const struct script_d_how *how)
{
	char link[64], path[4096];

	if (how->command)
		return program_find(how->command, 0, &d->program);
	if (!how->target)
		return 0;
	(void)snprintf(link, sizeof(link), "/proc/%d/exe", (int)how->target);
	const ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return sonde_fail_errno(-errno, "the program of process %d", (int)how->target);
	path[n] = '\0';
	d->program = strdup(path);
	return d->program ? 0 : sonde_fail(-ENOMEM, "out of memory");
}

int script_d_parse(struct script_d *d, struct diag *diag, struct arena *arena,
		   const struct script_d_how *how, struct script_ast *ret)
{
	int r = find_program(d, how);

	if (r < 0)
		return r;
	const struct d_options opt = {
		.params = how->params,
		.n_params = how->n_params,
		.script_name = diag->name,
		.world = how->is_recorded ? D_RECORDED : D_LIVE,
		.target = how->target,
		.program = d->program,
		.no_block = d->text.len != 0,
		.options = d->options,
		.n_options = d->n_options,
	};
	return parse_d(diag, arena, &opt, ret);
}

/** A list on its way. */
struct list {
	struct sonde_out *out;
	struct arena arena;
	const char *last; /* a probe that several places are is listed once */
	unsigned id;
};

static int list_place(struct list *l, const struct script_prog *prog, const char *place)
{
	const char *full = d_probe_name(&l->arena, prog->attach, place);
	size_t len[4];
	const char *part[4];

	if (!full)
		return -ENOMEM;
	if (l->last && !strcmp(l->last, full))
		return 0;
	l->last = full;
	l->id++;
	for (unsigned i = 0; i < 4; i++)
		part[i] = d_name_part(full, i, &len[i]);
	out_fmt(l->out, "%5u %10.*s %17.*s %33.*s %.*s\n", l->id, (int)len[0], part[0], (int)len[1],
		part[1], (int)len[2], part[2], (int)len[3], part[3]);
	return 0;
}

int script_d_list(struct sonde_out *out, const struct script *s)
{
	struct list l = { .out = out };
	int r = 0;

	out_fmt(out, "%5s %10s %17s %33s %s\n", "ID", "PROVIDER", "MODULE", "FUNCTION", "NAME");
	for (size_t i = 0; i < s->n_progs && !r; i++) {
		const struct script_prog *prog = &s->progs[i];
		const struct probe *first = prog->probe;

		for (const struct probe *p = first; p && prog->attach->d && !r;
		     p = p == first ? p->same : p->next) {
			for (size_t k = 0; p->syscall_names && k < p->n_syscalls && !r; k++)
				r = list_place(&l, prog, p->syscall_names[k]);
			if (!p->syscall_names)
				r = list_place(&l, prog, p->name);
		}
	}
	arena_fini(&l.arena);
	return r < 0 ? r : out_flush(out);
}
