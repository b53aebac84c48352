/* SPDX-License-Identifier: MIT */
/** Fuzzes what is shown of a dead Linux: a dump with changed memory, or with SONDE_FUZZ_DUMP a real
 * one. */
#include <stdlib.h>

#include "dead.h"
#include "made_linux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct dead dead;
	const char *path = getenv("SONDE_FUZZ_DUMP");

	if (!dead.data && path) {
		dead_load(&dead, path);
	} else if (!dead.data) {
		struct made_file f;

		made_linux(MADE_LINUX, &f);
		dead_init(&dead, f.data, f.len);
		made_fini(&f);
	}
	dead_change(&dead, data, len);
	dead_show_all(&dead, NULL);
	dead_undo(&dead);
	return 0;
}
