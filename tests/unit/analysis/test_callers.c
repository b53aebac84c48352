/* SPDX-License-Identifier: MIT */
/** Tests which frames tell who waited for a lock. */
#include <errno.h>
#include <string.h>

#include "analysis/locks/callers.h"
#include "test.h"

/* Adds "kind text" frames, the outermost first, given as "umain|kdo_futex", in *@ret. */
static int add(struct stacks *s, const char *stack, uint32_t *ret)
{
	static const char letters[] = "tukx";
	uint32_t names[16];
	size_t n = 0;

	while (*stack) {
		const size_t len = strcspn(stack, "|");
		const enum frame_kind kind = (enum frame_kind)(strchr(letters, stack[0]) - letters);

		int r = stacks_name(s, kind, stack + 1, len - 1, &names[n++]);
		if (r < 0)
			return r;
		stack += len + (stack[len] == '|');
	}
	return stacks_find(s, names, n, ret);
}

static const struct {
	const char *stack, *caller;
} cases[] = {
	// Whole: what it called, and who did.
	{ "umain|uwork|u___pthread_mutex_lock|u__lll_lock_wait|kdo_syscall_64|kdo_futex",
	  "___pthread_mutex_lock < work < main" },
	// Without frame pointers: the caller is hidden, and the call is all that tells.
	{ "ustart_thread|u__lll_lock_wait|kentry_SYSCALL_64|kdo_syscall_64",
	  "__lll_lock_wait < start_thread" },
	{ "u__futex_abstimed_wait_common|kentry_SYSCALL_64|kdo_syscall_64",
	  "__futex_abstimed_wait_common" },
	{ "x[unknown]|usyscall|kentry_SYSCALL_64", "syscall" },
	{ "x[unknown]|kentry_SYSCALL_64|kdo_syscall_64", "do_syscall_64" },
	// A lock of the kernel: who wanted it, there.
	{ "umain|uread|kdo_syscall_64|kksys_read|kvfs_read|kmutex_lock|k__mutex_lock_slowpath",
	  "vfs_read < ksys_read < read < main" },
	// What locks is no plumbing below others.
	{ "upthread_start|uwork|ufutex_lock|ulog|kentry_SYSCALL_64", "log < work" },
	{ "ua|ub|uc|ud|ue", "e < d < c < b" },
	{ "", "" },
};

TEST(a_caller_is_told_by_what_is_known_of_it)
{
	struct arena arena = { 0 };
	struct stacks s = { 0 };

	EXPECT_EQ(stacks_init(&s), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t node = 0;

		EXPECT_EQ(add(&s, cases[i].stack, &node), 0);
		EXPECT_STR(lock_caller(&s, node, &arena), cases[i].caller);
	}
	stacks_fini(&s);
	arena_fini(&arena);
}

static int callers(void)
{
	struct arena arena = { 0 };
	struct stacks s = { 0 };
	uint32_t node = 0;
	int r = stacks_init(&s);

	if (!r)
		r = add(&s, cases[0].stack, &node);
	if (!r && (!lock_caller(&s, node, &arena) || !lock_stack(&s, node, &arena)))
		r = -ENOMEM;
	stacks_fini(&s);
	arena_fini(&arena);
	return r;
}

TEST(callers_cope_without_memory)
{
	test_oom(callers);
}
