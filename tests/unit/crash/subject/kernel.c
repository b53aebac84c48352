/* SPDX-License-Identifier: MIT */
/** A kernel and a module for the tests: freestanding code with calls that are put inline. */
struct item {
	struct item *next;
	int number;
	unsigned flag : 1, kind : 5;
	char name[12];
	union {
		unsigned long word;
		unsigned char bytes[8];
	};
	enum colour { RED = 1, GREEN, BLUE = -7 } colour;
	short grid[2][3];
};

typedef struct item item_t;

item_t second = {
	0, -2, 1, 9, "second", { 0x1122334455667788 }, BLUE, { { 1, 2, 3 }, { 4, 5, 6 } }
};
item_t first = { &second, 41, 0, 17, "first", { 5 }, GREEN, { { 0 } } };
volatile int sink;

/* Labels name places in the code; the instruction makes the place the line's own. */
#define HERE(label) __asm__ volatile(".globl here_" #label "\nhere_" #label ": nop")

#line 100 "include/deep.h"
static inline __attribute__((always_inline)) int deepest(int x)
{
	HERE(deepest);
	sink = x;
	return sink + 1;
}

#line 200 "include/middle.h"
static inline __attribute__((always_inline)) int middle(int x)
{
	int y = sink;

	if (y > x)
		y = deepest(x + y);
	HERE(middle);
	sink = y;
	return sink;
}

#line 300 "core/main.c"
int crash_here(int x);
__attribute__((noinline)) int crash_here(int x)
{
	sink = 4;
	int r = middle(x);
	HERE(plain);
	sink = r;
	return sink;
}

#line 400 "core/main.c"
void kernel_main(void);
void kernel_main(void)
{
	sink = crash_here(first.number);
	HERE(caller);
	sink = second.number;
}
