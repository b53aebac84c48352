/* SPDX-License-Identifier: MIT */
/** Writes dumps of the kernels that were never alive into files: make_dumps FREEBSD LINUX. */
#include <stdio.h>

#include "made_freebsd.h"
#include "made_linux.h"

static int save(const char *path, struct made_file *f)
{
	FILE *to = fopen(path, "w");
	int r = !to || fwrite(f->data, 1, f->len, to) != f->len;

	made_fini(f);
	return to ? fclose(to) || r : r;
}

int main(int argc, char **argv)
{
	struct made_file f;

	if (argc != 3)
		return 2;
	made_freebsd(MADE_FREEBSD, &f);
	int r = save(argv[1], &f);
	made_linux(MADE_LINUX, &f);
	return save(argv[2], &f) || r;
}
