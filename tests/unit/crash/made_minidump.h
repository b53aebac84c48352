/* SPDX-License-Identifier: MIT */
/** FreeBSD minidumps of memory that is made up. */
#ifndef MADE_MINIDUMP_H
#define MADE_MINIDUMP_H

#include "made_memory.h"

enum { MADE_TABLES = 8 };

struct made_minidump {
	const char *arch; /* as in the magic */
	uint32_t version;
	bool pae;
	uint64_t kernbase, dmapphys, dmapbase, dmapend;
	const char *messages;
	const void *map; /* the page map's bytes */
	uint32_t map_len;
	/* Pages beside the made-up ones, behind them in memory. */
	struct {
		uint64_t pa;
		uint8_t bytes[MADE_PAGE];
	} tables[MADE_TABLES];
	size_t n_tables;
};

/** A dump of @m, whose ranges are of whole pages and in order. */
void made_minidump(struct made_memory *m, const struct made_minidump *how, struct made_file *ret);

#endif
