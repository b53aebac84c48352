/* SPDX-License-Identifier: MIT */
/** The types of a kernel that is made up. */
#ifndef MADE_TYPES_H
#define MADE_TYPES_H

#include <stdbool.h>

struct btf;

/** Where fields lie: those of struct task_struct, and of struct module. */
enum {
	TASK_PID = 16,
	TASK_COMM = 24,
	TASK_STATE = 40,
	TASK_FLAGS = 48,
	TASK_CPU = 52,
	TASK_PARENT = 64,
	TASK_SIGNAL = 72,
	TASK_THREAD_NODE = 80,
	TASK_MM = 120,
	TASK_THREAD = 136,
	TASK_SIZE = 192,
	MODULE_NAME = 16,
	MODULE_MEM = 88,
	MODULE_KALLSYMS = 200,
	MODULE_SIZE = 208,
	REGS_FRAME = 288, /* of struct pt_regs of arm64 */
};

/** With all structs; @meta: also the one that stacks of arm64 have since 6.14. */
struct btf *made_types(bool meta);
/** Of the module, over these: struct made_thing { struct task_struct *owner; char *name; u32
 * number; }.
 */
struct btf *made_module_types(struct btf *kernel);

#endif
