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
#include "cmd/script_arg.h"
#include "lang/world.h"
#include "sym/probe/elf_funcs.h"

void script_d_fini(struct script_d *d)
{
	strbuf_fini(&d->text);
	arena_fini(&d->arena);
	free(d->program);
	free(d->expanded);
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

/* -f 'vfs_read / pid == 1 /': a part of a probe's name, all behind it, and the rest of a clause. */
static void add_part(struct script_d *d, int key, const char *text)
{
	sonde_check(text);
	const size_t len = strcspn(text, " \t\n{/");
	const char *behind = key == 'P' ? ":::" : key == 'm' ? "::" : ":";

	strbuf_fmt(&d->text, "%.*s%s%s\n", (int)len, text, behind, text + len);
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
		else if (in_word && strchr("qwZFC", *at))
			r = script_d_set(d, *at, NULL);
	}
	return r;
}

static int add_file(struct script_d *d, const char *path)
{
	sonde_auto(script_arg_fini) struct script_arg file = { 0 };
	int r = script_arg_read(&file, path);

	if (r < 0)
		return r;
	const bool is_first = !d->name;
	d->name = is_first ? arena_strndup(&d->arena, file.name, strlen(file.name)) : "-s";
	if (!d->name)
		return sonde_fail(-ENOMEM, "out of memory");
	const char *text = file.text;
	if (!is_first && !strncmp(text, "#!", 2)) { // the parser knows that of the first line alone
		r = take_first_line(d, text);
		text += strcspn(text, "\n");
	}
	strbuf_fmt(&d->text, "%s\n", text);
	return r;
}

/* Whether it ends as clauses and declarations do; else it is a probe alone. */
static bool has_end(const char *text)
{
	size_t n = strlen(text);

	while (n && strchr(" \t\n", text[n - 1]))
		n--;
	return !n || strchr("};", text[n - 1]) || strchr(text, '{');
}

static void add_clause(struct script_d *d, int key, const char *value)
{
	d->name = "-n";
	d->has_clauses = true;
	if (key != 'n')
		add_part(d, key, value);
	else
		strbuf_fmt(&d->text, "%s\n", value);
	if (!has_end(value))
		strbuf_str(&d->text, "{ }\n"); // what comes is of another clause
}

static int add_source(struct script_d *d, int key, const char *value)
{
	if (d->n_sources == SCRIPT_D_SOURCES)
		return sonde_fail(-EINVAL, "more than %d scripts in D", SCRIPT_D_SOURCES);
	d->sources[d->n_sources].key = key;
	d->sources[d->n_sources++].value = value;
	return 0;
}

int script_d_read(struct script_d *d)
{
	int r = 0;

	if (!d->n_sources)
		add_clause(d, 'n', "dtrace:::, syscall:::, :::");
	for (size_t i = 0; i < d->n_sources && !r; i++)
		if (d->sources[i].key == 's')
			r = add_file(d, d->sources[i].value);
		else
			add_clause(d, d->sources[i].key, d->sources[i].value);
	return r < 0 ? r : strbuf_ok(&d->text);
}

/* -b 4m */
static int add_buffer(struct script_d *d, const char *value)
{
	char text[64];

	if (snprintf(text, sizeof(text), "bufsize=%s", value) >= (int)sizeof(text))
		return sonde_fail(-EINVAL, "buffer '%s': want a size as 4m", value);
	const char *kept = arena_strndup(&d->arena, text, strlen(text));
	return kept ? add_option(d, kept) : -ENOMEM;
}

/* What dtrace has and is not here. */
static int refuse(int key)
{
	switch (key) {
	case 'G':
		return sonde_fail(-EINVAL,
				  "'-G' is not needed: programs with markers of <sys/sdt.h> "
				  "are linked as they are");
	case 'i':
		return sonde_fail(-EINVAL,
				  "'-i': numbers of probes hold for one run; want '-n' with "
				  "the probe's name");
	default:
		return sonde_fail(-EINVAL,
				  "'-%c': there is no anonymous tracing; 'sonde record', begun "
				  "early, records a boot, and '-t' runs scripts over that",
				  key);
	}
}

int script_d_expand(struct script_d *d, const struct script_arg *a)
{
	sonde_auto(mem_freep) char *dir = NULL;
	const char *slash = a->path ? strrchr(a->path, '/') : NULL;

	if (slash) {
		dir = strndup(a->path, slash == a->path ? 1 : (size_t)(slash - a->path));
		if (!dir)
			return sonde_fail(-ENOMEM, "out of memory");
	}
	return script_cpp_run(&d->cpp, a->text, a->name, dir, &d->expanded);
}

int script_d_set(struct script_d *d, int key, const char *value)
{
	switch (key) {
	case 's':
	case 'n':
	case 'm':
	case 'P':
	case 'f': return add_source(d, key, value);
	case 'b': return add_buffer(d, value);
	case 'C':
	case 'D':
	case 'U':
	case 'I':
	case 'H': return script_cpp_set(&d->cpp, (char)key, value);
	case 'A':
	case 'a':
	case 'G':
	case 'i': return refuse(key);
	case 'x': return add_option(d, value);
	case 'w': return add_option(d, "destructive");
	case 'Z': return add_option(d, "zdefs");
	case 'F': return add_option(d, "flowindent");
	case 'q': return add_option(d, "quiet");
	default: return 0;
	}
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
		.no_block = d->has_clauses,
		.options = d->options,
		.n_options = d->n_options,
	};
	return parse_d(diag, arena, &opt, ret);
}

/** A list on its way. */
struct list {
	struct sonde_out *out;
	struct arena arena;
	const struct script *script;
	const char *last; /* a probe that several places are is listed once */
	size_t at;	  /* its name follows that of the last one, most often */
};

/* The number of a probe, as the script itself knows it. */
static unsigned number_of(struct list *l, const char *name)
{
	const struct script *s = l->script;

	if (l->at >= s->n_probe_names || strcmp(s->probe_names[l->at], name) != 0)
		for (l->at = 0; l->at < s->n_probe_names; l->at++)
			if (!strcmp(s->probe_names[l->at], name))
				break;
	return (unsigned)++l->at;
}

static void list_name(struct list *l, const char *full)
{
	size_t len[4];
	const char *part[4];

	for (unsigned i = 0; i < 4; i++)
		part[i] = d_name_part(full, i, &len[i]);
	out_fmt(l->out, "%5u %10.*s %17.*s %33.*s %.*s\n", number_of(l, full), (int)len[0], part[0],
		(int)len[1], part[1], (int)len[2], part[2], (int)len[3], part[3]);
}

static int list_place(struct list *l, const struct script_prog *prog, const char *place)
{
	const char *full = d_probe_name(&l->arena, prog->attach, place);

	if (!full)
		return -ENOMEM;
	if (l->last && !strcmp(l->last, full))
		return 0;
	l->last = full;
	list_name(l, full);
	return 0;
}

int script_d_list(struct sonde_out *out, const struct script *s)
{
	struct list l = { .out = out, .script = s };
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
	if (s->d && s->d->n_error_clauses)
		list_name(&l, "dtrace:::ERROR");
	arena_fini(&l.arena);
	return r < 0 ? r : out_flush(out);
}
