/* SPDX-License-Identifier: MIT */
/** A kernel's types, made by hand as BTF: structs, bit fields, unions, functions, enumerators. */
#ifndef MADE_TYPES_H
#define MADE_TYPES_H

#include "sym/ctype.h"

/*
 * enum state { ST_RUN, ST_SLEEP = 5, ST_GONE = -1 };
 * struct inner { short s; char c; };
 * struct task_struct {
 *	int pid, tgid;
 *	char comm[16];
 *	struct task_struct *real_parent, *group_leader;
 *	unsigned low : 3, mid : 13, high : 16;
 *	int signed_bits : 5;
 *	unsigned long words[4];
 *	unsigned char mac[6], addr4[4], addr6[16];
 *	struct inner in;
 *	struct inner pair[2];
 *	union { unsigned long whole; unsigned half[2]; };
 *	enum state state;
 *	struct hidden *secret;
 *	void *any;
 *	const char *name;
 *	const char __user *user_name;
 *	long (*call)(int);
 *	bool flag;
 *	signed char i8; unsigned char u8; short i16; unsigned short u16;
 *	int i32; unsigned u32; long i64; unsigned long u64;
 *	unsigned char tail[];
 * };
 * struct path { void *mnt, *dentry; };
 * long made_open(struct task_struct *task, const char *name, int flags, unsigned short mode);
 * void made_void(void);
 * struct task_struct *made_find(int pid);
 */
/** To be freed by ctypes_free(). */
SONDE_MUST_CHECK int made_types_new(struct ctypes **ret);

#endif
