/* SPDX-License-Identifier: MIT */
/** Test harness: runs the registered tests, prints TAP, fails allocations on demand. */
#include "test.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct test *tests;
static struct test **tests_end = &tests;
static unsigned failures;   /* of the running test */
static const char *skipped; /* why, or NULL */
/* Of all threads. */
static _Atomic uint64_t n_allocs;
static _Atomic uint64_t fail_at; /* the allocation that fails, counted from 1; 0: none */
static _Atomic bool has_failed;

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *p, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *p, size_t len);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t most);

static bool alloc_fails(void)
{
	n_allocs++; // tests may have threads
	if (fail_at && --fail_at == 0) {
		has_failed = true;
		return true;
	}
	return false;
}

void *__wrap_malloc(size_t len)
{
	return alloc_fails() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t len)
{
	return alloc_fails() ? NULL : __real_calloc(n, len);
}

void *__wrap_realloc(void *p, size_t len)
{
	return alloc_fails() ? NULL : __real_realloc(p, len);
}

char *__wrap_strndup(const char *s, size_t most)
{
	size_t len = strnlen(s, most);
	char *copy = __wrap_malloc(len + 1);

	if (copy) {
		memcpy(copy, s, len);
		copy[len] = '\0';
	}
	return copy;
}

char *__wrap_strdup(const char *s)
{
	return __wrap_strndup(s, PTRDIFF_MAX);
}

uint64_t test_allocations(void)
{
	return n_allocs;
}

void test_oom(int (*f)(void))
{
	for (uint64_t n = 1;; n++) {
		fail_at = n;
		has_failed = false;
		int r = f();
		fail_at = 0;
		if (!has_failed) {
			if (r)
				test_failed(__FILE__, __LINE__, "returned %d without a failure", r);
			return;
		}
		if (r && r != -ENOMEM)
			test_failed(__FILE__, __LINE__, "allocation %llu failed: returned %d",
				    (unsigned long long)n, r);
	}
}

void test_register(struct test *t)
{
	*tests_end = t;
	tests_end = &t->next;
}

void test_failed(const char *file, int line, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	failures++;
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	for (const char *p = text ? text : fmt; *p; p++) {
		putchar(*p);
		if (*p == '\n' && p[1])
			printf("# ");
	}
	printf("\n");
	free(text);
}

void test_skip(const char *why)
{
	skipped = why;
}

int main(void)
{
	unsigned n = 0, bad = 0;

	for (struct test *t = tests; t; t = t->next) {
		failures = 0;
		skipped = NULL;
		t->run();
		printf("%sok %u - %s%s%s\n", failures ? "not " : "", ++n, t->name,
		       skipped ? " # SKIP " : "", skipped ? skipped : "");
		fflush(stdout);
		bad += failures != 0;
	}
	printf("1..%u\n", n);
	return bad != 0;
}
