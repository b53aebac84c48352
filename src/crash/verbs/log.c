/* SPDX-License-Identifier: MIT */
/** sonde crash CORE log: the kernel's messages, as dmesg(1) shows them. */
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "crash/verbs/all.h"

struct log {
	struct sonde_out *out;
	size_t skip; /* so many of the first are left out */
	struct json json;
	struct strbuf line;
};

/* The time is before the first line of a message. */
static int print_text(void *arg, const struct crash_message *m)
{
	struct log *l = arg;

	if (l->skip) {
		l->skip--;
		return 0;
	}
	if (m->has_ns)
		out_fmt(l->out, "[%5llu.%06llu] ", (unsigned long long)(m->ns / 1000000000),
			(unsigned long long)(m->ns / 1000 % 1000000));
	for (size_t i = 0; i < m->len;) {
		char one[5] = "";
		size_t left = m->len - i, n;

		memcpy(one, m->text + i, left < 4 ? left : 4);
		n = utf8_shown_len(one);
		if (n || *one == '\t' || *one == '\n')
			out_add(l->out, one, n ? n : 1);
		else // nothing may reach the terminal that could change it
			out_fmt(l->out, "\\x%02x", (unsigned char)*one);
		i += n ? n : 1;
	}
	out_str(l->out, "\n");
	return 0;
}

static int print_json(void *arg, const struct crash_message *m)
{
	struct log *l = arg;

	if (l->skip) {
		l->skip--;
		return 0;
	}
	l->line.len = 0;
	strbuf_add(&l->line, m->text, m->len);
	json_object(&l->json, NULL);
	if (m->has_ns)
		json_uint(&l->json, "time_ns", m->ns);
	json_uint(&l->json, "level", m->level);
	json_str(&l->json, "text", m->len ? strbuf_text(&l->line) : "");
	json_end_object(&l->json);
	return strbuf_ok(&l->line);
}

static int count(void *arg, const struct crash_message *m)
{
	size_t *n = arg;

	(void)m;
	++*n;
	return 0;
}

static int run(struct crash_run *r)
{
	struct log l = { .out = r->out };
	struct crash_core *c = r->core;
	size_t n = 0;

	// Of messages the last ones are wanted.
	int failed = r->args->limit ? c->system->log(c, count, &n) : 0;
	if (failed)
		return failed;
	l.skip = n > r->args->limit && r->args->limit ? n - r->args->limit : 0;
	if (r->args->format != CRASH_JSON)
		return c->system->log(c, print_text, &l);
	json_init(&l.json, r->out);
	json_array(&l.json, NULL);
	int err = c->system->log(c, print_json, &l);
	json_end_array(&l.json);
	strbuf_fini(&l.line);
	return err;
}

const struct crash_verb crash_log = {
	.name = "log",
	.args = "",
	.summary = "The kernel's messages",
	.run = run,
};
