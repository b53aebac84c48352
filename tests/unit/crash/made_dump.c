/* SPDX-License-Identifier: MIT */
/** Writes the dump of a made-up Linux kernel, for tests of the command. usage: made_dump KERNEL OUT
 */
#include <stdio.h>

#include "made_linux.h"

int main(int argc, char **argv)
{
	struct made_file f;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: made_dump KERNEL OUT\n");
		return 2;
	}
	made_linux(argv[1], &f);
	FILE *out = fopen(argv[2], "wb");
	bool ok = out && fwrite(f.data, f.len, 1, out) == 1;
	ok = out && fclose(out) == 0 && ok;
	made_fini(&f);
	return !ok;
}
