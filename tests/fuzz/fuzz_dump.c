/* SPDX-License-Identifier: MIT */
/** Fuzzes the readers of dumps, of all formats and packings: opens one and reads here and there. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "crash/dump/dump.h"

enum { RUNS = 64, EVERYWHERE = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_page(struct dump *d, uint64_t pa)
{
	struct dump_page p;
	uint8_t bytes[100];

	// All that is given must be there to be read.
	volatile uint8_t sum = 0;

	if (dump_read(d, pa + 4090, bytes, sizeof(bytes)) == 0)
		sum = bytes[0];
	if (dump_page(d, pa, &p) < 0)
		return;
	for (uint32_t i = 0; i < dump_about(d)->page_size; i++)
		sum = (uint8_t)(sum + p.bytes[i]);
	dump_release(d, &p);
}

static void use(struct dump *d)
{
	const struct dump_about *a = dump_about(d);
	uint64_t pa = 0, at, n;
	volatile size_t sum = strlen(a->format);

	for (size_t i = 0; i < a->n_notes; i++) {
		sum += strlen(a->notes[i].name);
		for (size_t k = 0; k < a->notes[i].size; k++)
			sum += ((const uint8_t *)a->notes[i].data)[k];
	}
	for (size_t i = 0; i < a->vmcoreinfo_size; i++)
		sum += (unsigned char)a->vmcoreinfo[i];
	for (unsigned i = 0; i < RUNS && (n = dump_next(d, pa, &at)); i++) {
		read_page(d, at);
		read_page(d, at + n - 1);
		pa = at + n;
		if (pa < at)
			break;
	}
	for (uint64_t i = 0; i < EVERYWHERE; i++)
		read_page(d, i << 12);
	read_page(d, UINT64_MAX);
	(void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	sonde_auto(mem_closep) int fd = memfd_create("fuzz_dump", MFD_CLOEXEC);
	sonde_auto(dump_closep) struct dump *d = NULL;
	char path[64];

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	const char *paths[] = { path };
	if (dump_open(paths, 1, &d) == 0)
		use(d);
	return 0;
}
