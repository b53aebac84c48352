/* SPDX-License-Identifier: MIT */
/** Frames of stacks as text. */
#ifndef CRASH_VERBS_FRAME_H
#define CRASH_VERBS_FRAME_H

#include "crash/verbs/page.h"

enum { CRASH_FRAME_TEXT = 1024 };

/** "0x... schedule+0x5d (kernel/sched/core.c:6704)", into CRASH_FRAME_TEXT bytes; not escaped. */
void crash_frame_text(const struct crash_frame *f, char *ret);

/** A stack as lines under a title, with those of debug files where they are there. -ENOMEM. */
SONDE_MUST_CHECK int page_stack(struct page *p, const char *key, const char *title,
				struct crash_stack *s);

#endif
