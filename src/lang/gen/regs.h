/* SPDX-License-Identifier: MIT */
/** Registers in struct pt_regs, by the machine that the kernel runs on. */
#ifndef LANG_REGS_H
#define LANG_REGS_H

#include <stdbool.h>
#include <stdint.h>

/** Offset of the register that is called @name ("ip", "sp", "di", "x0"); false: there is none. */
bool regs_find(const char *name, int *ret_off);

/** Offset of function argument @i (0 ...) in registers, -1: not in a register. */
int regs_arg(unsigned i);
/** Offset of argument @i of a system call, as the kernel's entry keeps it; -1: there is none. */
int regs_syscall_arg(unsigned i);
/** Offset of the number of the system call. */
int regs_syscall_nr(void);
/** Which register has which value while a 32-bit program calls; false: there are none here. */
bool regs_compat(int *ret_off, int64_t *ret_value);
int regs_retval(void);
int regs_ip(void);
int regs_sp(void);
/** Bytes between the stack pointer at a function's begin and its first argument on the stack. */
int regs_stack_args(void);

#endif
