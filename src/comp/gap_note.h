/* SPDX-License-Identifier: MIT */
/** Tells a person of gaps, one line each; of many in one stream, a few and how many they were. */
#ifndef COMP_GAP_NOTE_H
#define COMP_GAP_NOTE_H

#include <sonde/component.h>

struct clock_text;

enum { GAP_KINDS = SONDE_GAP_BACKWARD + 1, GAP_NOTES_MOST = 10 };

/** All zero is one that has told nothing yet. */
struct gap_notes {
	struct gap_seen *seen; /* owned: by the stream's index */
	size_t n, cap;
};

void gap_notes_fini(struct gap_notes *g);

/** Tells of one gap through @setup->note. 0 or -ENOMEM. */
SONDE_MUST_CHECK int gap_notes_tell(struct gap_notes *g, const struct sonde_setup *setup,
				    struct clock_text *clock, const struct sonde_gap *gap);

/** Tells of what was left out. */
void gap_notes_finish(struct gap_notes *g, const struct sonde_setup *setup);

/** "lost_events", "lost_packets", "cut" or "backward". */
const char *gap_kind_name(enum sonde_gap_kind kind);

#endif
