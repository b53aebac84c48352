/* SPDX-License-Identifier: MIT */
/** Parameters of flame graphs, and their end. */
#include "analysis/flame/ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "graph/component.h"

int flame_ask_init(struct flame_ask *a, const struct sonde_setup *setup)
{
	const char *format = param_get(setup, "format");

	*a = (struct flame_ask){ .setup = setup, .from_ns = INT64_MIN, .to_ns = INT64_MAX };
	a->folded = format && !strcmp(format, "folded");
	if (format && !a->folded && strcmp(format, "svg") != 0)
		return sonde_fail(-EINVAL, "format '%s': want 'svg' or 'folded'", format);
	int r = param_i64(setup, "from", &a->from_ns);
	return r < 0 ? r : param_i64(setup, "to", &a->to_ns);
}

bool flame_asks_for(const struct flame_ask *a, const char *key, int64_t value)
{
	bool any = false;

	for (size_t i = 0; i < a->setup->n_params; i++) {
		const struct sonde_param *p = &a->setup->params[i];

		if (strcmp(p->key, key) != 0)
			continue;
		any = true;
		if (strtoll(p->value, NULL, 10) == value)
			return true;
	}
	return !any;
}

void flame_note(const struct flame_ask *a, const char *fmt, ...)
{
	char line[300];
	va_list ap;

	if (!a->setup->note)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	a->setup->note(a->setup->note_arg, line);
}

static int write_svg(const struct flame_ask *a, const struct stacks *s, const struct frames *f,
		     const char *what, enum flame_unit unit)
{
	struct strbuf title = { 0 };
	const char *given = param_get(a->setup, "title");

	frames_title(f, &title);
	int r = strbuf_ok(&title);
	const struct flame_text text = { given ? given : strbuf_text(&title), what, unit };
	if (!r)
		r = flame_svg(s, &text, a->setup->out);
	strbuf_fini(&title);
	return r;
}

int flame_write(const struct flame_ask *a, struct stacks *s, const struct frames *f,
		const char *what, enum flame_unit unit)
{
	if (f->history.lost)
		flame_note(a, "%llu records of processes were lost; some names are too",
			   (unsigned long long)f->history.lost);
	int r = stacks_finish(s);
	if (r < 0)
		return r;
	if (!a->folded)
		return write_svg(a, s, f, what, unit);
	stacks_print_folded(s, a->setup->out);
	return 0;
}
