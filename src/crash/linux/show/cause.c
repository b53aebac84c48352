/* SPDX-License-Identifier: MIT */
/** Why a kernel died, by its messages: the panic, and what led to it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crash/linux/show/show.h"

#define SOON_NS 10000000000 /* what is older was survived */

/* What the lines begin with that tell why a kernel died, the surest first. */
static const char *const death[] = {
	"Kernel panic - not syncing: ",
	"BUG: ",
	"Unable to handle kernel ",
	"general protection fault",
	"kernel BUG at ",
	"Oops: ",
	"watchdog: BUG: ",
	"sysrq: Trigger a crash",
};

/* And where: "RIP: 0010:foo+0x1/0x2 [bar]", arm64's "pc : foo+0x1/0x2 [bar]". */
static const char *const places[] = { "RIP: 0010:", "pc : " };

static bool begins(const struct crash_message *m, const char *head)
{
	const size_t len = strlen(head);

	return m->len >= len && !memcmp(m->text, head, len);
}

static void keep(char *ret, size_t cap, const char *text, size_t len)
{
	(void)snprintf(ret, cap, "%.*s", (int)(len < cap ? len : cap), text);
}

void linux_cause_begin(struct linux_cause *c)
{
	*c = (struct linux_cause){ .rank = MEM_LEN(death) };
}

/* The first of its kind: what follows, as "Oops: ", only says it again. */
static void look_for_cause(struct linux_cause *c, const struct crash_message *m, int rank)
{
	const bool old = *c->text && m->ns - c->ns > SOON_NS;

	if (*c->text && !old && rank >= c->text_rank)
		return;
	keep(c->text, sizeof(c->text), m->text, strnlen(m->text, m->len));
	c->text_rank = rank;
	c->ns = m->ns;
	c->has_place = false;
}

static void look_for_place(struct linux_cause *c, const struct crash_message *m)
{
	if (!*c->text || c->has_place || m->ns - c->ns > SOON_NS)
		return;
	for (size_t i = 0; i < MEM_LEN(places); i++) {
		const size_t head = strlen(places[i]), n = strlen(c->text);

		if (!begins(m, places[i]))
			continue;
		const size_t len = strnlen(m->text + head, m->len - head);
		(void)snprintf(c->text + n, sizeof(c->text) - n, " at %.*s",
			       (int)(len < sizeof(c->text) ? len : sizeof(c->text)),
			       m->text + head);
		c->has_place = true;
		return;
	}
}

void linux_cause_look(struct linux_cause *c, const struct crash_message *m)
{
	if (!c->rank) // what is said after the panic led to nothing
		return;
	look_for_place(c, m);
	for (int i = 0; i < (int)MEM_LEN(death); i++) {
		if (!begins(m, death[i]))
			continue;
		if (i <= c->rank) {
			keep(c->panic, sizeof(c->panic), m->text, strnlen(m->text, m->len));
			c->rank = i;
		}
		if (i && i + 1 < (int)MEM_LEN(death)) // a wish is no cause
			look_for_cause(c, m, i);
		else if (!i && *c->text && m->ns - c->ns > SOON_NS)
			*c->text = '\0';
		break;
	}
}
