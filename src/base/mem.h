/* SPDX-License-Identifier: MIT */
/** Ownership: cleanup at the end of a scope, sizes that cannot overflow, growing arrays. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <sonde/def.h>

/** Calls @f with the variable's address when the scope ends. */
#define sonde_auto(f) __attribute__((cleanup(f)))

/** Moves an owned pointer out of its variable. */
#define sonde_take(p)                       \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

/** Makes FREEp for sonde_auto() from FREE, which takes a @type. */
#define SONDE_DEFINE_AUTO(type, free_fn)       \
	static inline void free_fn##p(type *p) \
	{                                      \
		if (*p)                        \
			free_fn(*p);           \
	}

/** For sonde_auto() on memory of malloc. */
static inline void mem_freep(void *p)
{
	free(*(void **)p);
}

/** For sonde_auto() on file descriptors; -1 is none. */
static inline void mem_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/** Moves a descriptor out of its variable. */
static inline int mem_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/** Sum and product of sizes; false: they overflow, *ret is then untouched. */
static inline bool mem_add(size_t a, size_t b, size_t *ret)
{
	size_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*ret = r;
	return true;
}

static inline bool mem_mul(size_t a, size_t b, size_t *ret)
{
	size_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*ret = r;
	return true;
}

/**
 * Makes room for at least @n elements of @size bytes in the owned array *@arr of capacity *@cap.
 * Doubles, so that appending is cheap. Returns 0 or -ENOMEM (sonde_fail()); then nothing changed.
 */
SONDE_MUST_CHECK int mem_grow_(void **arr, size_t *cap, size_t n, size_t size);
#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: what it needs to know of src/base/mem.c. */
static inline int mem_grow_known(void **arr, size_t *cap, size_t n, size_t size)
{
	void *p = realloc(*arr, n * size);

	if (!p)
		return -ENOMEM;
	*arr = p;
	*cap = n;
	return 0;
}
#define mem_grow_ mem_grow_known
#endif
#define mem_grow(arr, cap, n) mem_grow_((void **)(arr), (cap), (n), sizeof(**(arr)))

#define MEM_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
