/* SPDX-License-Identifier: MIT */
/** Demangles with GNU libiberty, where the build found it. */
#include "sym/demangle.h"

#include <string.h>

#ifdef HAVE_LIBIBERTY

#include <libiberty/demangle.h>
#include <setjmp.h>

// A short name can stand for an endless one (each part twice the one before): stop there.
enum { MANGLED_MOST = 4096, PLAIN_MOST = 4096 };

struct plain {
	struct strbuf *text;
	size_t begin;
	jmp_buf too_long;
};

static void take(const char *s, size_t len, void *arg)
{
	struct plain *p = arg;

	// libiberty owns no memory while it calls back, so that it may be left this way.
	if (p->text->len - p->begin + len > PLAIN_MOST)
		longjmp(p->too_long, 1);
	strbuf_add(p->text, s, len);
}

static bool try_both(const char *name, int options, struct plain *p)
{
	if (setjmp(p->too_long))
		return false;
	if (rust_demangle_callback(name, options, take, p))
		return true;
	p->text->len = p->begin;
	return cplus_demangle_v3_callback(name, options, take, p) != 0;
}

static bool demangle_with(const char *name, int options, struct strbuf *ret)
{
	struct plain p = { .text = ret, .begin = ret->len };

	if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R'))
		return false;
	if (strnlen(name, MANGLED_MOST) == MANGLED_MOST)
		return false;
	bool done = try_both(name, options, &p) && ret->len > p.begin;
	if (!done) {
		ret->len = p.begin;
		if (ret->data)
			ret->data[ret->len] = '\0';
	}
	return done;
}

bool demangle(const char *name, struct strbuf *ret)
{
	return demangle_with(name, DMGL_NO_OPTS, ret);
}

bool demangle_full(const char *name, struct strbuf *ret)
{
	return demangle_with(name, DMGL_PARAMS | DMGL_ANSI, ret);
}

bool demangle_available(void)
{
	return true;
}

#else

bool demangle(const char *name, struct strbuf *ret)
{
	(void)name;
	(void)ret;
	return false;
}

bool demangle_full(const char *name, struct strbuf *ret)
{
	return demangle(name, ret);
}

bool demangle_available(void)
{
	return false;
}

#endif
