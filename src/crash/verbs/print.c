/* SPDX-License-Identifier: MIT */
/** sonde crash CORE print: a value by its type. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/json.h"
#include "crash/verbs/all.h"
#include "crash/verbs/print.h"

enum { NULL_PAGE = 4096 };

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

int print_show(struct crash_run *r, const struct value *v, const uint64_t *index, struct json *j)
{
	struct strbuf b = { 0 };

	value_print(r->core, v, 0, &b);
	int err = strbuf_ok(&b);
	if (!err && j) {
		char text[24];

		(void)snprintf(text, sizeof(text), "0x%" PRIx64, v->addr);
		json_object(j, NULL);
		if (index)
			json_uint(j, "index", *index);
		json_str(j, "addr", text);
		json_str(j, "value", strbuf_text(&b));
		json_end_object(j);
	} else if (!err) {
		put_lines(r->out, &b);
	}
	strbuf_fini(&b);
	return err;
}

/* Of what is nowhere, question marks would tell little. */
static int check(struct crash_core *c, const struct value *v)
{
	uint64_t first;

	if (!v->type->size || v->type->kind == CT_FUNC)
		return 0;
	int r = crash_read_uint(c, v->addr, 1, &first);
	if (r == -ENODATA)
		return sonde_fail(r, "0x%" PRIx64 " is not in the dump", v->addr);
	if (r == -EFAULT)
		return sonde_fail(r, "nothing is mapped at 0x%" PRIx64 "%s", v->addr,
				  v->addr < NULL_PAGE ? ": a pointer is NULL" : "");
	return r;
}

static int run_print(struct crash_run *r)
{
	struct value v = { 0 };
	struct json j;
	char name[256];

	int n = print_take_type(r, 0, name, sizeof(name));
	if (!n || n >= r->argc)
		return sonde_fail(-EINVAL, "print wants a type and an address");
	int err = crash_address(r->core, r->argv[n], &v.addr);
	if (!err)
		err = value_type(r->core, name, &v.type);
	for (int i = n + 1; !err && i < r->argc; i++)
		err = value_follow(r->core, &v, r->argv[i]);
	if (!err)
		err = check(r->core, &v);
	if (err < 0)
		return err;
	json_init(&j, r->out);
	return print_show(r, &v, NULL, r->args->format == CRASH_JSON ? &j : NULL);
}

const struct crash_verb crash_print = {
	.name = "print",
	.args = "TYPE ADDR [PATH]",
	.summary = "A value by its type, as task_struct init_task real_parent.comm",
	.run = run_print,
};
