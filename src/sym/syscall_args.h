/* SPDX-License-Identifier: MIT */
/** Names of the arguments of system calls. */
#ifndef SYM_SYSCALL_ARGS_H
#define SYM_SYSCALL_ARGS_H

#include <stdbool.h>
#include <stdint.h>

enum { SYSCALL_ARGS_MOST = 6 };

struct syscall_arg {
	char name[28];
	bool is_ptr;  /* an address of the program's .. */
	bool is_text; /* .. of a char */
	/** Bytes of a number with a sign; 0: it has none. Of an int the others are any. */
	uint8_t signed_len;
};

/**
 * The arguments of the call whose event is sys_enter_@event; how many. 0: it has none, or is not
 * known.
 */
unsigned syscall_args(const char *event, struct syscall_arg ret[SYSCALL_ARGS_MOST]);

#endif
