/* SPDX-License-Identifier: MIT */
/** What a futex call asks for, from the event of its entry. */
#ifndef ANALYSIS_LOCKS_FUTEX_H
#define ANALYSIS_LOCKS_FUTEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/event.h>

enum futex_what { FUTEX_ASKS_OTHER, FUTEX_ASKS_WAIT, FUTEX_ASKS_MOVE };

struct futex_ask {
	enum futex_what what;
	uint64_t addr;
	bool is_shared, is_pi, is_set;
	bool is_mutex; /* waits for what C libraries' and others' mutexes wait for */
	uint64_t to;   /* FUTEX_ASKS_MOVE: there go those that are not woken */
	bool to_pi;    /* a mutex with priority inheritance is there */
	int64_t n_wake, n_move;
};

struct futex_class;

/** Where the arguments are in each class of events; all zero knows none. */
struct futex_reader {
	struct futex_class **classes; /* owned; by index of class */
	size_t cap;
};

void futex_reader_fini(struct futex_reader *r);

/** Whether a call of that name is one of them. */
bool futex_is_call(const char *call);

/** 0, or -ENOMEM. What the event does not tell is FUTEX_ASKS_OTHER. */
SONDE_MUST_CHECK int futex_read(struct futex_reader *r, const char *call,
				const struct sonde_event *e, struct futex_ask *ret);

#endif
