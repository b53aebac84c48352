/* SPDX-License-Identifier: MIT */
/** Why a kernel died, by messages of several deaths. */
#include <string.h>

#include "base/mem.h"
#include "crash/linux/show/show.h"
#include "test.h"

enum { MOST = 8 };

static const struct {
	const char *panic, *cause;
	struct {
		unsigned seconds;
		const char *text;
	} said[MOST];
} cases[] = {
	{ "", "", { { 1, "Linux version 6.1" } } },
	{ "Kernel panic - not syncing: Fatal exception in interrupt",
	  "BUG: kernel NULL pointer dereference, address: 0000000000000018 at die+0x14/0x24 [die]",
	  { { 9, "BUG: kernel NULL pointer dereference, address: 0000000000000018" },
	    { 9, "Oops: 0002 [#1] PREEMPT SMP NOPTI" },
	    { 9, "RIP: 0010:die+0x14/0x24 [die]" },
	    { 9, "RIP: 0033:0x47fbe9" },
	    { 10, "RIP: 0010:other+0x1/0x2" },
	    { 10, "Kernel panic - not syncing: Fatal exception in interrupt" },
	    { 10, "BUG: scheduling while atomic" } } },
	{ "Kernel panic - not syncing: softlockup: hung tasks",
	  "watchdog: BUG: soft lockup - CPU#0 stuck for 8s! [a:1] at spin+0xe/0x10 [die]",
	  { { 8, "watchdog: BUG: soft lockup - CPU#0 stuck for 8s! [a:1]" },
	    { 8, "RIP: 0010:spin+0xe/0x10 [die]" },
	    { 8, "Kernel panic - not syncing: softlockup: hung tasks" } } },
	// What it survived long ago is no cause, nor is a wish.
	{ "Kernel panic - not syncing: sysrq triggered crash",
	  "",
	  { { 8, "BUG: scheduling while atomic" },
	    { 50, "sysrq: Trigger a crash" },
	    { 50, "Kernel panic - not syncing: sysrq triggered crash" } } },
	// The second of two, where the first was long before.
	{ "Kernel panic - not syncing: Oops: Fatal exception",
	  "Unable to handle kernel paging request at virtual address 00001234 at f+0x0/0x8",
	  { { 8, "BUG: scheduling while atomic" },
	    { 50, "Unable to handle kernel paging request at virtual address 00001234" },
	    { 50, "pc : f+0x0/0x8" },
	    { 51, "Kernel panic - not syncing: Oops: Fatal exception" } } },
	{ "kernel BUG at a.c:1!",
	  "kernel BUG at a.c:1! at f+0x0/0x8",
	  { { 8, "kernel BUG at a.c:1!" }, { 8, "RIP: 0010:f+0x0/0x8" } } },
};

TEST(what_was_said_before_the_panic)
{
	for (size_t i = 0; i < MEM_LEN(cases); i++) {
		struct linux_cause c;

		linux_cause_begin(&c);
		for (size_t k = 0; k < MOST && cases[i].said[k].text; k++) {
			const struct crash_message m = {
				.ns = cases[i].said[k].seconds * 1000000000ull,
				.text = cases[i].said[k].text,
				.len = strlen(cases[i].said[k].text),
			};
			linux_cause_look(&c, &m);
		}
		EXPECT_STR(c.panic, cases[i].panic);
		EXPECT_STR(c.text, cases[i].cause);
		EXPECT_EQ(c.rank == 0, !strncmp(cases[i].panic, "Kernel panic", 12));
	}
}

/* No text of a message may be longer than there is room. */
TEST(long_messages_are_cut)
{
	char text[2000];
	struct linux_cause c;

	memset(text, 'x', sizeof(text));
	linux_cause_begin(&c);
	memcpy(text, "BUG: ", 5);
	linux_cause_look(&c, &(struct crash_message){ .text = text, .len = sizeof(text) });
	memcpy(text, "RIP: 0010:", 10);
	linux_cause_look(&c, &(struct crash_message){ .text = text, .len = sizeof(text) });
	memcpy(text, "Kernel panic - not syncing: ", 28);
	linux_cause_look(&c, &(struct crash_message){ .text = text, .len = sizeof(text) });
	linux_cause_look(&c, &(struct crash_message){ .text = text, .len = 0 });
	EXPECT_EQ(strlen(c.panic), sizeof(c.panic) - 1);
	EXPECT_EQ(strlen(c.text), sizeof(c.text) - 1);
}
