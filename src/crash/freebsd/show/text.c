/* SPDX-License-Identifier: MIT */
/** What the kernel kept as text: its messages, its configuration, what its debugger printed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/freebsd/show/show.h"

enum { CAPTURE_MOST = 64 << 20, CONFIG_MOST = 1 << 20 };

static int add_line(void *arg, const struct crash_message *m)
{
	struct strbuf *b = arg;

	strbuf_add(b, m->text, m->len);
	strbuf_str(b, "\n");
	return 0;
}

int bsd_messages(struct bsd_show *s)
{
	struct strbuf all = { 0 };

	int r = freebsd_log(s->k->core, add_line, &all);
	if (r == -ENODATA)
		bsd_lack(s, "messages", sonde_err_str());
	else if (r == 0)
		r = strbuf_ok(&all);
	if (r == 0)
		bsd_lines(s, "messages", "Messages (dmesg -a)", all.len ? strbuf_text(&all) : "",
			  all.len);
	strbuf_fini(&all);
	return r == -ENODATA ? 0 : r;
}

/* @n bytes of the kernel's at @va, as text under a title. */
static int show_text(struct bsd_show *s, const char *key, const char *title, uint64_t va, size_t n)
{
	sonde_auto(mem_freep) char *text = malloc(n ? n : 1);
	if (!text)
		return sonde_fail(-ENOMEM, "out of memory");
	if (freebsd_read(s->k->core, va, text, n) < 0) {
		bsd_lack(s, title, "it is not in the dump");
		return 0;
	}
	bsd_lines(s, key, title, text, strnlen(text, n));
	return 0;
}

/* What config(8) put into the kernel with option INCLUDE_CONFIG_FILE: in its file, too. */
int bsd_config(struct bsd_show *s)
{
	static const char title[] = "Kernel configuration (config -x)";
	const struct bsd_symbol *y = bsd_symbols_named(&s->k->syms, "kernconfstring");
	char one;

	if (s->k->syms.config_len) {
		bsd_lines(s, "config", title, s->k->syms.config,
			  strnlen(s->k->syms.config, s->k->syms.config_len));
		return 0;
	}
	if (!y || !y->size || y->size > CONFIG_MOST ||
	    freebsd_read(s->k->core, y->start, &one, 1) < 0) {
		bsd_lack(s, title, "the kernel has none inside (options INCLUDE_CONFIG_FILE)");
		return 0;
	}
	return show_text(s, "config", title, y->start, y->size);
}

int bsd_capture(struct bsd_show *s)
{
	static const char title[] = "Debugger's output (ddb capture)";
	uint64_t at, len;

	if (!freebsd_symbol(s->k, "db_capture_buf", &at) ||
	    !freebsd_number(s->k, "db_capture_bufoff", &len) ||
	    freebsd_pointer(s->k, at, &at) < 0) {
		bsd_lack(s, title, "the kernel has no debugger, or the dump not its buffer");
		return 0;
	}
	if (!len || len > CAPTURE_MOST) {
		if (len)
			bsd_lack(s, title, "its length cannot be");
		return 0;
	}
	return show_text(s, "ddb", title, at, len);
}
