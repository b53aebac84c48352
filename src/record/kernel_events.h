/* SPDX-License-Identifier: MIT */
/** The kernel events that a recording takes: chosen, and described as its trace will have them. */
#ifndef RECORD_KERNEL_EVENTS_H
#define RECORD_KERNEL_EVENTS_H

#include "record/event_pick.h"
#include "record/kernel_class.h"
#include "record/source.h"

struct tep_handle;

/** All zero is none. */
struct kernel_events {
	struct event_list list;
	struct tep_handle *tep; /* owned */
	struct sonde_stream_class *stream_class;
	struct kernel_class *classes; /* owned, by the kernel's id */
	size_t n_classes, cap;
};

void kernel_events_fini(struct kernel_events *k);

/**
 * Chooses the events of @rec->opts among those below the tracefs folder @top, and describes them in
 * @rec->desc. What has no format that can be described gets a note, and is recorded as bytes.
 */
SONDE_MUST_CHECK int kernel_events_open(struct kernel_events *k, const char *top,
					struct recording *rec);

/** The whole of a small file; owned by the caller. -EMSGSIZE: it is not small. */
SONDE_MUST_CHECK int kernel_events_read(const char *path, char **ret, size_t *ret_len);

#endif
