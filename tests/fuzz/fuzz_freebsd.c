/* SPDX-License-Identifier: MIT */
/** Fuzzes what is shown of a dead FreeBSD: a dump with changed memory, or with SONDE_FUZZ_DUMP and
 * SONDE_FUZZ_KERNEL a real one. */
#include <stdbool.h>
#include <stdlib.h>

#include "dead.h"
#include "made_freebsd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct dead dead;
	const char *path = getenv("SONDE_FUZZ_DUMP"), *kernel = getenv("SONDE_FUZZ_KERNEL");

	if (!dead.data && path) {
		dead_load(&dead, path);
	} else if (!dead.data) {
		struct made_file f;

		made_freebsd(MADE_FREEBSD, &f);
		dead_init(&dead, f.data, f.len);
		made_fini(&f);
	}
	dead_change(&dead, data, len);
	dead_show_all(&dead, path ? kernel : MADE_FREEBSD);
	dead_undo(&dead);
	return 0;
}
