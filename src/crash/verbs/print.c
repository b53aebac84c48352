/* SPDX-License-Identifier: MIT */
/** sonde crash CORE print: values by their types, and how types lie in memory. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/json.h"
#include "crash/verbs/all.h"
#include "crash/verbs/layout.h"
#include "crash/verbs/print.h"
#include "crash/verbs/value.h"

enum { NAME_MOST = 256, ALL_CPUS = -1, NULL_PAGE = 4096 };

int print_take_type(struct crash_run *r, int at, char *ret, size_t cap)
{
	static const char *const heads[] = { "struct", "union", "enum", "unsigned", "long" };
	int n = 1;

	if (at >= r->argc)
		return 0;
	(void)snprintf(ret, cap, "%s", r->argv[at]);
	for (size_t i = 0; i < MEM_LEN(heads); i++) {
		if (!strcmp(r->argv[at], heads[i]) && at + 1 < r->argc) {
			(void)snprintf(ret, cap, "%s %s", r->argv[at], r->argv[at + 1]);
			n = 2;
			break;
		}
	}
	return n;
}

/* Names of types and members are the dump's too. */
static void put_lines(struct sonde_out *o, struct strbuf *b)
{
	for (char *line = b->data; line;) {
		char *end = strchr(line, '\n');

		if (end)
			*end++ = '\0';
		out_safe(o, line);
		out_str(o, "\n");
		line = end;
	}
}

static void put_json(struct json *j, const struct crash_value *v, const struct print_label *l,
		     const char *value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64, v->addr);
	json_object(j, NULL);
	if (l->index)
		json_uint(j, "index", *l->index);
	if (l->cpu)
		json_uint(j, "cpu", *l->cpu);
	if (l->path)
		json_str(j, "path", l->path);
	json_str(j, "addr", text);
	json_str(j, "value", value);
	json_end_object(j);
}

int print_show(struct crash_run *r, const struct crash_value *v, const struct print_label *label,
	       struct json *j)
{
	const struct value_style style = { .elements = label->elements, .hex = r->args->hex };
	struct strbuf b = { 0 };

	if (!j && label->text)
		strbuf_str(&b, label->text);
	value_print(r->core, v, &style, &b);
	int err = strbuf_ok(&b);
	if (!err && j)
		put_json(j, v, label, strbuf_text(&b));
	else if (!err)
		put_lines(r->out, &b);
	strbuf_fini(&b);
	return err;
}

/* Of what is nowhere, question marks would tell little. */
static int check(struct crash_core *c, const struct crash_value *v)
{
	uint64_t first;

	if (!v->type->size || v->type->kind == CT_FUNC)
		return 0;
	int r = crash_read_uint(c, v->addr, 1, &first);
	if (r == -EFAULT && v->addr < NULL_PAGE)
		return sonde_fail(r, "nothing is mapped at 0x%" PRIx64 ": a pointer is NULL",
				  v->addr);
	return r < 0 ? crash_fail_read(r, v->addr) : 0;
}

/** What is to be printed: a value, or parts of it by their paths. */
struct wanted {
	struct crash_run *run;
	struct crash_value v;
	const char *path; /* behind the first word; "": all of it */
	int n_paths;	  /* further ones */
	char **paths;
	struct json *json; /* NULL: text */
};

/* Copies the first word up to where a path begins, which *@ret_path is. */
static int split_path(char *name, const char **ret_path)
{
	static char none[] = "";
	char *at = name + strcspn(name, ".[");
	char *arrow = strstr(name, "->");

	at = arrow && arrow < at ? arrow : at;
	*ret_path = none;
	if (!*at)
		return 0;
	// The path stays behind the name's end.
	size_t len = strlen(at);
	if (at + len + 2 > name + NAME_MOST)
		return sonde_fail(-EINVAL, "'%s' is too long", name);
	memmove(at + 1, at, len + 1);
	*at = '\0';
	*ret_path = at + 1;
	return 0;
}

/* One path of one value. */
static int show_path(const struct wanted *w, const char *path, const unsigned *cpu)
{
	const bool is_named = w->n_paths > 1;
	const struct print_label label = { .path = *path ? path : NULL,
					   .cpu = cpu,
					   .elements = w->run->args->limit };
	struct strbuf text = { 0 };
	struct crash_value v = w->v;

	int err = crash_value_walk(w->run->core, &w->v, w->path, &v);
	if (!err && *path)
		err = crash_value_walk(w->run->core, &v, path, &v);
	if (!err)
		err = check(w->run->core, &v);
	if (err < 0)
		return err;
	if (cpu)
		strbuf_fmt(&text, "CPU %u: ", *cpu);
	if (is_named)
		strbuf_fmt(&text, "%s = ", path);
	err = strbuf_ok(&text);
	if (!err) {
		struct print_label with = label;

		with.text = text.len ? strbuf_text(&text) : NULL;
		err = print_show(w->run, &v, &with, w->json);
	}
	strbuf_fini(&text);
	return err;
}

static int show_value(const struct wanted *w, const unsigned *cpu)
{
	int err = w->n_paths ? 0 : show_path(w, "", cpu);

	for (int i = 0; !err && i < w->n_paths; i++)
		err = show_path(w, w->paths[i], cpu);
	return err;
}

/* Of one CPU, or each. */
static int show_cpus(struct wanted *w, int only)
{
	const struct crash_system *s = w->run->core->system;
	const uint64_t at = w->v.addr;

	for (unsigned cpu = only < 0 ? 0 : (unsigned)only;; cpu++) {
		int err = s->percpu(w->run->core, at, cpu, &w->v.addr);

		if (err == -ENOENT && only >= 0)
			return sonde_fail(-EINVAL, "there is no CPU %d", only);
		if (err == -ENOENT)
			return 0;
		err = err < 0 ? sonde_fail(err, "where its memory lies is not known")
			      : show_value(w, &cpu);
		if (err < 0)
			err = sonde_wrap(err, "CPU %u", cpu);
		if (only >= 0 || (err < 0 && err != -ENODATA && err != -EFAULT))
			return err;
		// What one CPU lacks others have.
		if (err < 0)
			w->run->note(sonde_err_str());
	}
}

static int show_all(struct wanted *w, int cpu)
{
	const struct crash_system *s = w->run->core->system;
	uint64_t first;
	const bool is_percpu =
		s->percpu && s->percpu(w->run->core, w->v.addr, 0, &first) != -ENOENT;
	const bool is_list = (is_percpu && cpu < 0) || w->n_paths > 1;
	struct json j;

	if (cpu >= 0 && !is_percpu)
		return sonde_fail(-EINVAL, "it is no place that each CPU has");
	json_init(&j, w->run->out);
	w->json = w->run->args->format == CRASH_JSON ? &j : NULL;
	if (w->json && is_list)
		json_array(&j, NULL);
	int err = is_percpu ? show_cpus(w, cpu) : show_value(w, NULL);
	if (w->json && is_list)
		json_end_array(&j);
	w->json = NULL;
	return err;
}

/* TYPE alone: how it lies in memory; with a path, where that is in it. */
static int show_layout(const struct wanted *w)
{
	struct crash_run *r = w->run;
	struct crash_value v = w->v;
	struct strbuf b = { 0 };
	struct json j;

	int err = crash_value_walk(r->core, &w->v, w->path, &v);
	if (err < 0)
		return err;
	const struct layout_of of = { v.type, *w->path ? &v.addr : NULL, v.bit_off, v.bit_size };
	if (r->args->format == CRASH_JSON) {
		json_init(&j, r->out);
		layout_json(&of, &j);
		return 0;
	}
	layout_print(&of, &b);
	err = strbuf_ok(&b);
	if (!err)
		put_lines(r->out, &b);
	strbuf_fini(&b);
	return err;
}

/* "runqueues:2": the part of that CPU. */
static int take_cpu(char *text, int *ret)
{
	char *at = strrchr(text, ':'), *end;

	*ret = ALL_CPUS;
	if (!at)
		return 0;
	errno = 0;
	long n = strtol(at + 1, &end, 10);
	if (strcmp(at + 1, "a") != 0 && (errno || *end || end == at + 1 || n < 0 || n > 1 << 20))
		return sonde_fail(-EINVAL, "'%s': wanted the number of a CPU behind ':'", text);
	if (strcmp(at + 1, "a") != 0)
		*ret = (int)n;
	*at = '\0';
	return 0;
}

/* NAME [PATH]...: a variable whose type is known. */
static int print_variable(struct wanted *w, char *name)
{
	struct crash_run *r = w->run;
	struct crash_symbol s;
	int cpu;

	int err = take_cpu(name, &cpu);
	if (err < 0)
		return err;
	if (!r->core->system->symbol_named(r->core, name, &s))
		return sonde_fail(-ENOENT, "there is no type and no symbol '%s'", name);
	err = crash_var_type(r->core, name, &w->v.type);
	if (err == -ENOENT)
		return sonde_fail(
			err, "the type of '%s' is not known: print TYPE %s shows it%s", name, name,
			r->core->kernel_path ? "" : ", or a KERNEL with debug information");
	w->v.addr = s.start;
	return err < 0 ? err : show_all(w, cpu);
}

static int print_at(struct wanted *w, const char *address)
{
	char text[NAME_MOST];
	int cpu;

	if (strlen(address) >= sizeof(text))
		return sonde_fail(-EINVAL, "'%s' is too long", address);
	(void)snprintf(text, sizeof(text), "%s", address);
	int err = take_cpu(text, &cpu);
	if (!err)
		err = crash_address(w->run->core, text, &w->v.addr);
	return err < 0 ? err : show_all(w, cpu);
}

static int run_print(struct crash_run *r)
{
	struct wanted w = { .run = r };
	char name[NAME_MOST];

	int n = print_take_type(r, 0, name, sizeof(name));
	if (!n)
		return sonde_fail(-EINVAL, "print wants a type, or a type and an address");
	int err = split_path(name, &w.path);
	if (!err)
		err = crash_type_find(r->core, name, &w.v.type);
	w.n_paths = r->argc - n;
	w.paths = r->argv + n;
	if (err == -ENOENT && n == 1)
		return print_variable(&w, name);
	if (err < 0 || !w.n_paths)
		return err < 0 ? err : show_layout(&w);
	w.n_paths--;
	w.paths++;
	return print_at(&w, r->argv[n]);
}

const struct crash_verb crash_print = {
	.name = "print",
	.args = "TYPE ADDR [PATH]...",
	.summary = "A value by its type, as task_struct init_task real_parent.comm; TYPE alone: "
		   "its members",
	.run = run_print,
};
