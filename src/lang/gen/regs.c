/* SPDX-License-Identifier: MIT */
/** Registers in struct pt_regs (arch/x86/include/uapi/asm/ptrace.h and its like). */
#include "lang/gen/regs.h"

#include <stddef.h>
#include <string.h>

struct reg {
	const char *name;
	int off;
};

#if defined(__x86_64__)
static const struct reg regs[] = {
	{ "r15", 0 },	    { "r14", 8 },	 { "r13", 16 },	 { "r12", 24 },	 { "bp", 32 },
	{ "bx", 40 },	    { "r11", 48 },	 { "r10", 56 },	 { "r9", 64 },	 { "r8", 72 },
	{ "ax", 80 },	    { "cx", 88 },	 { "dx", 96 },	 { "si", 104 },	 { "di", 112 },
	{ "orig_ax", 120 }, { "orig_rax", 120 }, { "ip", 128 },	 { "cs", 136 },	 { "flags", 144 },
	{ "sp", 152 },	    { "ss", 160 },	 { "rbp", 32 },	 { "rbx", 40 },	 { "rax", 80 },
	{ "rcx", 88 },	    { "rdx", 96 },	 { "rsi", 104 }, { "rdi", 112 }, { "rip", 128 },
	{ "rsp", 152 },
};
static const int args[] = { 112, 104, 96, 88, 72, 64 };
static const int syscall_args[] = { 112, 104, 96, 56, 72, 64 };
enum { NR = 120, RETVAL = 80, IP = 128, SP = 152, STACK_ARGS = 8 };
#elif defined(__aarch64__)
static const struct reg regs[] = {
	{ "x0", 0 },	{ "x1", 8 },	{ "x2", 16 },	{ "x3", 24 },	{ "x4", 32 },
	{ "x5", 40 },	{ "x6", 48 },	{ "x7", 56 },	{ "x8", 64 },	{ "x9", 72 },
	{ "x10", 80 },	{ "x11", 88 },	{ "x12", 96 },	{ "x13", 104 }, { "x14", 112 },
	{ "x15", 120 }, { "x16", 128 }, { "x17", 136 }, { "x18", 144 }, { "x19", 152 },
	{ "x20", 160 }, { "x21", 168 }, { "x22", 176 }, { "x23", 184 }, { "x24", 192 },
	{ "x25", 200 }, { "x26", 208 }, { "x27", 216 }, { "x28", 224 }, { "x29", 232 },
	{ "x30", 240 }, { "sp", 248 },	{ "pc", 256 },	{ "ip", 256 },	{ "pstate", 264 },
};
static const int args[] = { 0, 8, 16, 24, 32, 40, 48, 56 };
/* The first argument's register is overwritten by the result: it is kept in orig_x0. */
static const int syscall_args[] = { 272, 8, 16, 24, 32, 40 };
enum { NR = 280, RETVAL = 0, IP = 256, SP = 248, STACK_ARGS = 0 };
#else
#error "registers of this machine are not known"
#endif

bool regs_find(const char *name, int *ret_off)
{
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		if (!strcmp(regs[i].name, name)) {
			*ret_off = regs[i].off;
			return true;
		}
	}
	return false;
}

int regs_arg(unsigned i)
{
	return i < sizeof(args) / sizeof(args[0]) ? args[i] : -1;
}

int regs_syscall_arg(unsigned i)
{
	return i < sizeof(syscall_args) / sizeof(syscall_args[0]) ? syscall_args[i] : -1;
}

int regs_syscall_nr(void)
{
	return NR;
}

bool regs_compat(int *ret_off, int64_t *ret_value)
{
#if defined(__x86_64__)
	*ret_off = 136;
	*ret_value = 0x23; // __USER32_CS
	return true;
#else
	(void)ret_off;
	(void)ret_value;
	return false;
#endif
}

int regs_retval(void)
{
	return RETVAL;
}

int regs_ip(void)
{
	return IP;
}

int regs_sp(void)
{
	return SP;
}

int regs_stack_args(void)
{
	return STACK_ARGS;
}
