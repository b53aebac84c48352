/* SPDX-License-Identifier: MIT */
/** A test's file in the making. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "made_memory.h"

void made_put(struct made_file *f, uint64_t off, const void *data, size_t n)
{
	if (off + n > f->len) {
		f->data = realloc(f->data, off + n);
		sonde_check(f->data);
		memset(f->data + f->len, 0, off + n - f->len);
		f->len = off + n;
	}
	if (n)
		memcpy(f->data + off, data, n);
}

void made_write(struct made_file *f)
{
	(void)snprintf(f->path, sizeof(f->path), "/tmp/sonde-test-XXXXXX");
	int fd = mkstemp(f->path);
	sonde_check(fd >= 0);
	size_t done = 0;
	while (done < f->len) {
		ssize_t n = write(fd, f->data + done, f->len - done);
		sonde_check(n > 0);
		done += (size_t)n;
	}
	close(fd);
}

void made_fini(struct made_file *f)
{
	if (f->path[0])
		(void)unlink(f->path);
	free(f->data);
	*f = (struct made_file){ 0 };
}
