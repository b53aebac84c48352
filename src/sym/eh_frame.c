/* SPDX-License-Identifier: MIT */
/**
 * Reads the sorted table of .eh_frame_hdr (Linux Standard Base 5.0, "Exception Frames").
 *
 *	.eh_frame_hdr: version, encodings; pointer; count; count * (function, its entry)
 *	.eh_frame:     entry: length, pointer to its kind; function, its length; ..
 *
 * All are 32-bit: the table's relative to the header, the entry's to where it stands.
 */
#include "sym/eh_frame.h"

#include <gelf.h>
#include <stdbool.h>
#include <string.h>

#include <sonde/span.h>

enum { HDR_LEN = 12, SLOT_LEN = 8, FUNCTIONS_MOST = 1 << 22, SECTIONS_MOST = 1 << 16 };

/* Encodings: signed 32 bits relative to the place, unsigned 32 bits, relative to the header. */
enum { ENC_PCREL_S4 = 0x1b, ENC_U4 = 0x03, ENC_DATAREL_S4 = 0x3b };

/* A section's bytes and where they are loaded. */
struct part {
	struct sonde_span bytes;
	uint64_t vaddr;
};

static uint32_t u32_at(const struct part *p, uint64_t at)
{
	uint32_t v;

	memcpy(&v, p->bytes.data + at, sizeof(v));
	return v;
}

/* An address that is told as a signed distance from @from. */
static uint64_t relative(uint64_t from, uint32_t distance)
{
	return from + (uint64_t)(int64_t)(int32_t)distance;
}

static bool find_part(Elf *elf, const char *name, struct part *ret)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) != 0)
		return false;
	for (size_t n = 0; n < SECTIONS_MOST && (scn = elf_nextscn(elf, scn)); n++) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type == SHT_NOBITS)
			continue;
		const char *s = elf_strptr(elf, names, sh.sh_name);
		if (!s || strcmp(s, name) != 0)
			continue;
		Elf_Data *d = elf_rawdata(scn, NULL);
		if (!d || !d->d_buf)
			return false;
		*ret = (struct part){ { d->d_buf, d->d_size }, sh.sh_addr };
		return true;
	}
	return false;
}

/* The length of the function at @start, by its entry at address @entry; 0: it makes no sense. */
static uint32_t length_of(const struct part *frame, uint64_t entry, uint64_t start)
{
	const uint64_t at = entry - frame->vaddr;

	if (at > frame->bytes.len || frame->bytes.len - at < 16)
		return 0;
	// Only where the entry agrees with the table is its form the one that is assumed.
	if (relative(entry + 8, u32_at(frame, at + 8)) != start)
		return 0;
	return u32_at(frame, at + 12);
}

int eh_frame_each(struct Elf *elf, int (*f)(void *arg, uint64_t vaddr, uint64_t len), void *arg)
{
	static const uint8_t form[4] = { 1, ENC_PCREL_S4, ENC_U4, ENC_DATAREL_S4 };
	struct part hdr, frame;
	int r = 0;

	if (!find_part(elf, ".eh_frame_hdr", &hdr) || !find_part(elf, ".eh_frame", &frame) ||
	    hdr.bytes.len < HDR_LEN || memcmp(hdr.bytes.data, form, sizeof(form)) != 0)
		return 0;
	uint64_t n = u32_at(&hdr, 8);
	if (n > (hdr.bytes.len - HDR_LEN) / SLOT_LEN)
		n = (hdr.bytes.len - HDR_LEN) / SLOT_LEN;
	for (uint64_t i = 0; !r && i < n && i < FUNCTIONS_MOST; i++) {
		const uint64_t at = HDR_LEN + i * SLOT_LEN;
		const uint64_t start = relative(hdr.vaddr, u32_at(&hdr, at));
		uint32_t len = length_of(&frame, relative(hdr.vaddr, u32_at(&hdr, at + 4)), start);

		if (len)
			r = f(arg, start, len);
	}
	return r;
}
