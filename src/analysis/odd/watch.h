/* SPDX-License-Identifier: MIT */
/** What the kernel model and the locks tell, looked through for what may be odd. */
#ifndef ANALYSIS_ODD_WATCH_H
#define ANALYSIS_ODD_WATCH_H

#include "analysis/odd/odd.h"

#include <sonde/event.h>

struct odd_watch;

/** Suspects go to @list, which is borrowed. */
SONDE_MUST_CHECK int odd_watch_new(struct odd_list *list, int64_t from_ns, int64_t to_ns,
				   struct odd_watch **ret);
void odd_watch_free(struct odd_watch *w);

/** As kernel_consume(). */
SONDE_MUST_CHECK int odd_watch_consume(struct odd_watch *w, const struct sonde_batch *b);
/** All was seen: the list can be judged. */
SONDE_MUST_CHECK int odd_watch_finish(struct odd_watch *w);

/** The model beneath; lent. */
const struct kernel *odd_watch_kernel(const struct odd_watch *w);

#endif
