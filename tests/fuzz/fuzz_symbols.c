/* SPDX-License-Identifier: MIT */
/** Fuzzes the parser of symbol folders. */
#include <stddef.h>
#include <stdint.h>

#include "sym/folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct folder f = { 0 };
	int r = folder_parse(&f, "fuzz", (struct sonde_span){ data, len });

	if (!r)
		r = folder_finish(&f);
	if (!r) {
		(void)symtab_find(&f.kernel, 0x1000);
		for (size_t i = 0; i < f.n_files; i++)
			(void)symtab_find(folder_functions(&f, &f.dsos.all[i]), 0x1000);
	}
	folder_fini(&f);
	return 0;
}
