/* SPDX-License-Identifier: MIT */
/** The failure chain of each thread: one fixed text, put together from its end. */
#include <sonde/err.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef sonde_fail
#undef sonde_wrap
#undef sonde_fail_errno

enum { ERR_LEN = 4096 };

static _Thread_local char err_text[ERR_LEN];

int sonde_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err_text, sizeof(err_text), fmt, ap); /* cut where too long */
	va_end(ap);
	return err;
}

int sonde_wrap(int err, const char *fmt, ...)
{
	char words[ERR_LEN];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(words, sizeof(words) - 2, fmt, ap);
	va_end(ap);

	size_t len = n < 0 ? 0 : strlen(words);
	words[len++] = ':';
	words[len++] = ' ';

	size_t old = strlen(err_text);
	if (old > sizeof(err_text) - 1 - len)
		old = sizeof(err_text) - 1 - len;
	memmove(err_text + len, err_text, old);
	memcpy(err_text, words, len);
	err_text[len + old] = '\0';
	return err;
}

int sonde_fail_errno(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(err_text, sizeof(err_text), fmt, ap);
	va_end(ap);

	size_t len = n < 0 ? 0 : strlen(err_text);
	char num[32];
	const char *why = strerrordesc_np(err < 0 ? -err : err);
	if (!why) {
		(void)snprintf(num, sizeof(num), "error %d", err);
		why = num;
	}
	(void)snprintf(err_text + len, sizeof(err_text) - len, ": %s",
		       why); /* cut where too long */
	return err;
}

const char *sonde_err_str(void)
{
	return err_text;
}
