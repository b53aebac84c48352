/* SPDX-License-Identifier: MIT */
/** ELF notes of a dump, wherever its format keeps them. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/dump/format.h"

/* A number behind "\n@key=" in VMCOREINFO; 0: not there. */
static uint64_t info_number(const struct dump_about *a, const char *key)
{
	size_t n = strlen(key);
	const char *p = a->vmcoreinfo, *end = p + a->vmcoreinfo_size;

	while (p && p < end) {
		const char *line_end = memchr(p, '\n', (size_t)(end - p));
		if (!line_end)
			line_end = end;
		if ((size_t)(line_end - p) > n && !memcmp(p, key, n)) {
			uint64_t number = 0;

			for (p += n; p < line_end && *p >= '0' && *p <= '9'; p++)
				number = number * 10 + (uint64_t)(*p - '0');
			return number;
		}
		p = line_end < end ? line_end + 1 : end;
	}
	return 0;
}

void format_take_vmcoreinfo(struct dump *d, const char *text, size_t size)
{
	struct dump_about *a = &d->about;

	a->vmcoreinfo = text;
	a->vmcoreinfo_size = strnlen(text, size);
	a->system = DUMP_LINUX;

	uint64_t page_size = info_number(a, "PAGESIZE=");
	if (page_size == 4096 || page_size == 16384 || page_size == 65536)
		a->page_size = (uint32_t)page_size;
}

static int take_note(struct dump *d, const struct dump_note *n)
{
	int r = mem_grow(&d->notes, &d->cap_notes, d->n_notes + 1);
	if (r < 0)
		return r;
	d->notes[d->n_notes++] = *n;
	d->about.notes = d->notes;
	d->about.n_notes = d->n_notes;
	if (!strcmp(n->name, "VMCOREINFO") && n->size)
		format_take_vmcoreinfo(d, n->data, n->size);
	else if (!strcmp(n->name, DUMP_THIN_NOTE) && n->size &&
		 !((const char *)n->data)[n->size - 1])
		d->about.origin = n->data;
	else if (!strcmp(n->name, "FreeBSD"))
		d->about.system = DUMP_FREEBSD;
	return 0;
}

int format_add_notes(struct dump *d, const uint8_t *data, size_t size)
{
	size_t off = 0;

	// 32-bit and 64-bit notes look the same, and all of them are aligned to 4.
	while (size - off >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;

		memcpy(&h, data + off, sizeof(h));
		off += sizeof(h);
		uint64_t name_room = ((uint64_t)h.n_namesz + 3) & ~(uint64_t)3;
		uint64_t data_room = ((uint64_t)h.n_descsz + 3) & ~(uint64_t)3;
		if (name_room > size - off || h.n_descsz > size - off - name_room)
			break;

		const char *name = (const char *)data + off;
		struct dump_note n = {
			.name = name,
			.type = h.n_type,
			.data = data + off + name_room,
			.size = h.n_descsz,
		};
		if (h.n_namesz && !name[h.n_namesz - 1]) {
			int r = take_note(d, &n);
			if (r < 0)
				return r;
		}
		off += name_room;
		off += data_room < size - off ? data_room : size - off;
	}
	return 0;
}

int format_arch(unsigned machine, enum dump_arch *ret)
{
	switch (machine) {
	case EM_X86_64: *ret = DUMP_X86_64; return 0;
	case EM_AARCH64: *ret = DUMP_AARCH64; return 0;
	case EM_386: *ret = DUMP_I386; return 0;
	case EM_RISCV: *ret = DUMP_RISCV64; return 0;
	default:
		return sonde_fail(-ENOTSUP,
				  "is of a machine of ELF's number %u; x86-64, aarch64, i386 and "
				  "riscv64 can be read",
				  machine);
	}
}
