/* SPDX-License-Identifier: MIT */
/** Records of D's speculations: held back until it is known whether they are wanted. */
#include "lang/out/speculation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/strbuf.h"

enum spec_end { SPEC_OPEN, SPEC_COMMITTED, SPEC_DISCARDED };

struct spec_slot {
	uint32_t round; /* that it is in */
	enum spec_end end;
	struct strbuf held; /* u32 length and a record, one behind the other */
};

int speculations_init(struct speculations *s, const struct script *script)
{
	const uint32_t n = script->d ? script->n_specs : 0;

	*s = (struct speculations){ .most = script->d ? script->d->spec_len : 0 };
	if (!n)
		return 0;
	s->slots = calloc(n, sizeof(*s->slots));
	if (!s->slots)
		return sonde_fail(-ENOMEM, "out of memory");
	s->n = n;
	return 0;
}

void speculations_fini(struct speculations *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		strbuf_fini(&s->slots[i].held);
	free(s->slots);
	*s = (struct speculations){ 0 };
}

/* The slot of @mark, in its round; NULL: there is none, or it is in a later one. */
static struct spec_slot *find(struct speculations *s, uint64_t mark)
{
	const uint32_t number = spec_number(mark), round = spec_round(mark);
	struct spec_slot *slot = number - 1 < s->n ? &s->slots[number - 1] : NULL;

	if (!slot || (int32_t)(round - slot->round) < 0)
		return NULL;
	if (round != slot->round) {
		// Where the end of the last one got lost, nobody will ask for what it held.
		strbuf_fini(&slot->held);
		*slot = (struct spec_slot){ .round = round };
	}
	return slot;
}

int speculations_take(struct speculations *s, uint64_t mark, const void *record, size_t len,
		      spec_act *act, void *arg)
{
	struct spec_slot *slot = find(s, mark);
	const uint32_t n = (uint32_t)len;

	if (slot && slot->end == SPEC_COMMITTED)
		return act(arg, record, len);
	if (slot && slot->end == SPEC_DISCARDED)
		return 0;
	if (!slot || n != len || slot->held.len + sizeof(n) + len > s->most) {
		s->dropped++;
		return 0;
	}
	strbuf_add(&slot->held, &n, sizeof(n));
	strbuf_add(&slot->held, record, len);
	return strbuf_ok(&slot->held);
}

int speculations_end(struct speculations *s, uint64_t mark, bool commit, spec_act *act, void *arg)
{
	struct spec_slot *slot = find(s, mark);
	int r = 0;

	if (!slot || slot->end != SPEC_OPEN)
		return 0;
	slot->end = commit ? SPEC_COMMITTED : SPEC_DISCARDED;
	for (size_t at = 0; commit && !r && at < slot->held.len;) {
		uint32_t n;

		memcpy(&n, slot->held.data + at, sizeof(n));
		r = act(arg, slot->held.data + at + sizeof(n), n);
		at += sizeof(n) + n;
	}
	strbuf_fini(&slot->held);
	slot->held = (struct strbuf){ 0 };
	return r;
}
