/* SPDX-License-Identifier: MIT */
/** Results on their way to a file descriptor, in large writes. */
#include "base/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/utf8.h"

int out_init(struct sonde_out *o, int fd)
{
	char *buf = malloc(OUT_CAP);

	if (!buf)
		return sonde_fail(-ENOMEM, "out of memory for an output buffer");
	*o = (struct sonde_out){ .buf = buf, .cap = OUT_CAP, .fd = fd };
	return 0;
}

void out_fini(struct sonde_out *o)
{
	free(o->buf);
	o->buf = NULL;
}

/* Writes all of it, or keeps the failure. */
static void out_write(struct sonde_out *o, const char *data, size_t len)
{
	o->total += len;
	while (len && !o->err && o->fd >= 0) {
		ssize_t n = write(o->fd, data, len);

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno != EINTR) {
			o->err = -errno;
		}
	}
}

void out_make_room(struct sonde_out *o)
{
	out_write(o, o->buf, o->len);
	o->len = 0;
}

int out_flush(struct sonde_out *o)
{
	out_make_room(o);
	return o->err ? sonde_fail_errno(o->err, "cannot write the output") : 0;
}

void out_add(struct sonde_out *o, const void *data, size_t len)
{
	if (len > OUT_RESERVE_MOST) {
		out_make_room(o);
		out_write(o, data, len);
		return;
	}
	char *p = out_reserve(o, len);
	memcpy(p, data, len);
	out_commit(o, p + len);
}

void out_str(struct sonde_out *o, const char *s)
{
	out_add(o, s, strlen(s));
}

void out_safe(struct sonde_out *o, const char *s)
{
	while (*s) {
		size_t n = utf8_shown_len(s);

		if (n)
			out_add(o, s, n);
		else
			out_str(o, *s == '\n' || *s == '\t' ? " " : "?");
		n = n ? n : utf8_len(s);
		s += n ? n : 1;
	}
}

void out_fmt(struct sonde_out *o, const char *fmt, ...)
{
	va_list ap;
	char *p = out_reserve(o, OUT_RESERVE_MOST);

	va_start(ap, fmt);
	int n = vsnprintf(p, OUT_RESERVE_MOST, fmt, ap);
	va_end(ap);
	sonde_check(n >= 0 && n < OUT_RESERVE_MOST); /* long texts go through out_add() */
	out_commit(o, p + n);
}
