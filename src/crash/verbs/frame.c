/* SPDX-License-Identifier: MIT */
/** One frame of a stack as a line, and stacks on a page. */
#include "crash/verbs/frame.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <sonde/err.h>

#include "crash/debug/debug.h"

static void add(char *ret, size_t *len, const char *fmt, ...) SONDE_PRINTF(3, 4);
static void add(char *ret, size_t *len, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(ret + *len, CRASH_FRAME_TEXT - *len, fmt, args);
	va_end(args);
	*len += n < 0 ? 0 : (size_t)n;
	if (*len >= CRASH_FRAME_TEXT)
		*len = CRASH_FRAME_TEXT - 1;
}

void crash_frame_text(const struct crash_frame *f, char *ret)
{
	const struct crash_symbol *s = &f->symbol;
	size_t len = 0;

	add(ret, &len, "0x%016" PRIx64 " %s", f->pc, s->name ? s->name : "?");
	if (s->name && !f->inlined)
		add(ret, &len, "+0x%" PRIx64, f->pc - s->start);
	if (s->module)
		add(ret, &len, " [%s]", s->module);
	if (f->file)
		add(ret, &len, " (%s:%u)", f->file, f->line);
	if (f->inlined)
		add(ret, &len, " (inlined)");
	if (f->guessed)
		add(ret, &len, " (found by searching)");
}

int page_stack(struct page *p, const char *key, const char *title, struct crash_stack *s)
{
	char text[CRASH_FRAME_TEXT];

	int r = crash_debug_expand(p->run->core, s);
	page_lines_begin(p, key, title);
	for (size_t i = 0; r == 0 && i < s->n; i++) {
		crash_frame_text(&s->frames[i], text);
		page_line(p, text);
	}
	if (r == 0 && s->user_pc) {
		(void)snprintf(text, sizeof(text), "%s user code at 0x%" PRIx64,
			       s->n ? "called from" : "in", s->user_pc);
		page_line(p, text);
	}
	if (r == 0 && s->cut) {
		(void)snprintf(text, sizeof(text), "ends here: %s", s->cut);
		page_line(p, text);
	}
	page_lines_end(p);
	return r;
}
