/* SPDX-License-Identifier: MIT */
/** A program to be looked at: functions, types, and markers. Run, it tells where its code is. */
#include "subject.h"

#include <link.h>
#include <stdio.h>
#include <string.h>

#define KEEP __attribute__((noinline, noclone, used, noipa))
#if defined(__clang__)
#undef KEEP
#define KEEP __attribute__((noinline, used))
#endif

int subject_add(int left, int right);
int subject_same(int left, int right) __attribute__((alias("subject_add")));
int subject_more(int n);
int subject_walk(struct subject_node *node, subject_id_t id, ...);
int cxx_int(int x) __asm__("_ZN2ns3cls2fnEi");
int cxx_double(double x) __asm__("_ZN2ns3cls2fnEd");
int cxx_other(int x) __asm__("_ZN2ns5otherEi");
int cxx_tagged(int x) __asm__("_ZN2ns3cls6taggedB5cxx11Ei");
int subject_chosen(int n);

uint16_t subject_semaphore __attribute__((section(".probes"))) = 0x5a5b;
struct subject_node *subject_list;
static int subject_counter = 77;

/*
 * A marker: a nop, and a note that tells of it. @moved is added to all addresses, as if a tool had
 * moved the sections since.
 */
#define MARKER(label, provider, name, args, semaphore, moved)                                     \
	__asm__ volatile(".globl " label "\n" label ": nop\n"                                     \
			 ".pushsection .note.stapsdt,\"\",%%note\n"                               \
			 ".balign 4\n.4byte 2f-1f, 4f-3f, 3\n"                                    \
			 "1: .asciz \"stapsdt\"\n2: .balign 4\n"                                  \
			 "3: .8byte " label "+" moved ", subject_base+" moved ", " semaphore "\n" \
			 ".asciz \"" provider "\"\n.asciz \"" name "\"\n.asciz \"" args "\"\n"    \
			 "4: .balign 4\n.popsection\n" ::                                         \
				 : "memory")

#if defined(__aarch64__)
#define ADD_ARGS  "-4@w0 4@5 8@[sp, 16]"
#define WALK_ARGS "8@x0"
#else
#define ADD_ARGS  "-4@%%edi 4@$5 8@-8(%%rbp)"
#define WALK_ARGS "8@subject_list(%%rip)"
#endif

__asm__(".pushsection .stapsdt.base,\"a\",%progbits\n"
	".globl subject_base\n.hidden subject_base\nsubject_base: .space 1\n.popsection\n");

KEEP int subject_add(int left, int right)
{
	MARKER("subject_marker", "subject", "add", ADD_ARGS, "0", "0");
	return left + right;
}

static KEEP int twin(int n)
{
	return n * 3;
}

static inline int subject_inlined(int count, const char *text)
{
	return count + text[0];
}

KEEP int subject_walk(struct subject_node *node, subject_id_t id, ...)
{
	MARKER("subject_moved", "subject", "walk", WALK_ARGS, "subject_semaphore+0x1000", "0x1000");
	return (int)(node->id + id) + subject_inlined(subject_counter, node->name);
}

KEEP int cxx_int(int x)
{
	return x + 1;
}

KEEP int cxx_double(double x)
{
	return (int)x + 2;
}

KEEP int cxx_other(int x)
{
	return x + 3;
}

KEEP int cxx_tagged(int x)
{
	return x * 6;
}

typedef int chosen_fn(int n);

static KEEP chosen_fn *subject_choose(void)
{
	return twin;
}

int subject_chosen(int n) __attribute__((ifunc("subject_choose")));

static int first_base(struct dl_phdr_info *info, size_t len, void *arg)
{
	(void)len;
	*(uintptr_t *)arg = info->dlpi_addr;
	return 1;
}

static void tell(const char *name, const void *code, uintptr_t base)
{
	printf("%s %lx ", name, (unsigned long)((uintptr_t)code - base));
	for (int i = 0; i < SUBJECT_CODE; i++)
		printf("%02x", ((const uint8_t *)code)[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	static struct subject_node node = { .name = "n" };
	uintptr_t base = 0;

	(void)argv;
	dl_iterate_phdr(first_base, &base);
	tell("subject_add", (const void *)subject_add, base);
	tell("subject_walk", (const void *)subject_walk, base);
	tell("subject_more", (const void *)subject_more, base);
	subject_list = &node;
	subject_counter += argc;
	return subject_walk(&node, 1) == -1 || subject_add(argc, cxx_int(2)) == -1 ||
	       cxx_double(2) + cxx_other(1) + cxx_tagged(1) + subject_more(twin(1)) == -1 ||
	       subject_chosen(1) == -1 || subject_same(1, 2) == -1;
}
