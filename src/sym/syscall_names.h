/* SPDX-License-Identifier: MIT */
/** Names of system calls and of what they return. */
#ifndef SYM_SYSCALL_NAMES_H
#define SYM_SYSCALL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/** Whose numbers. */
enum syscall_abi {
	SYSCALL_ABI_UNKNOWN, /* only the numbers that all share have names */
	SYSCALL_ABI_X86_64,
	SYSCALL_ABI_I386,
	SYSCALL_ABI_GENERIC, /* aarch64, riscv64, loongarch64 */
	SYSCALL_N_ABIS,
};

enum { SYSCALL_NAME_MOST = 48 };

/** The call's name, into SYSCALL_NAME_MOST bytes. False where the number has none. */
bool syscall_name(enum syscall_abi abi, int64_t nr, char *ret);

/**
 * The number of the call whose trace events are sys_enter_@event and sys_exit_@event: most bear the
 * call's name, some that of the function behind it ("newstat", "sendfile64"). False: not known.
 */
bool syscall_number(enum syscall_abi abi, const char *event, uint32_t *ret);

/** What the events of call @name are called behind sys_enter_; @name itself or static. */
const char *syscall_event(const char *name);

/** From a machine's name as uname -m has it. */
enum syscall_abi syscall_abi(const char *machine);

/** "ENOENT" for a failed call's -2; NULL where it did not fail or the number has no name. */
const char *syscall_error(int64_t ret);

/** Whether a call's result tells of a failure. */
static inline bool syscall_failed(int64_t ret)
{
	return ret < 0 && ret >= -4095;
}

#endif
