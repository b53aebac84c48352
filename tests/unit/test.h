/* SPDX-License-Identifier: MIT */
/** Test harness: TESTs register themselves, run in the order of the file and print TAP. */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

void test_register(struct test *t);

/** Notes a failed expectation; the test goes on. */
void test_failed(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Marks the running test as skipped; return from it afterwards. */
void test_skip(const char *why);

/**
 * Runs @f with the 1st, 2nd, 3rd .. allocation failing until it returns 0 on its own. @f returns 0
 * or a negative errno, and must have freed all; anything but 0 and -ENOMEM is a failed test.
 */
void test_oom(int (*f)(void));

/** How many allocations were made so far; for tests that want none. */
uint64_t test_allocations(void);

#define TEST(id)                                                     \
	static void test_##id(void);                                 \
	__attribute__((constructor)) static void register_##id(void) \
	{                                                            \
		static struct test t = { #id, test_##id, NULL };     \
		test_register(&t);                                   \
	}                                                            \
	static void test_##id(void)

#define EXPECT(c)                                                  \
	do {                                                       \
		if (!(c))                                          \
			test_failed(__FILE__, __LINE__, "%s", #c); \
	} while (0)

#define EXPECT_EQ(a, b)                                                                       \
	do {                                                                                  \
		long long a_ = (long long)(a), b_ = (long long)(b);                           \
		if (a_ != b_)                                                                 \
			test_failed(__FILE__, __LINE__, "%s: %lld, wanted %lld", #a, a_, b_); \
	} while (0)

#define EXPECT_STR(a, b)                                                             \
	do {                                                                         \
		const char *a_ = (a), *b_ = (b);                                     \
		if (!a_ || strcmp(a_, b_))                                           \
			test_failed(__FILE__, __LINE__, "%s: '%s', wanted '%s'", #a, \
				    a_ ? a_ : "(null)", b_);                         \
	} while (0)

#endif
