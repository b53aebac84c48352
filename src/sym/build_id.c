/* SPDX-License-Identifier: MIT */
/** Finds build-ids: elf(5), "Notes"; the note's owner is "GNU", its type NT_GNU_BUILD_ID. */
#include "sym/build_id.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"

enum { NOTES_MOST = 1 << 16, PHDRS_MOST = 256 };

void build_id_hex(const struct build_id *id, char ret[BUILD_ID_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < id->len; i++) {
		*ret++ = digits[id->data[i] >> 4];
		*ret++ = digits[id->data[i] & 15];
	}
	*ret = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool build_id_parse(const char *hex, size_t len, struct build_id *ret)
{
	struct build_id id = { .len = (uint8_t)(len / 2) };

	if (!len || len % 2 || len / 2 > BUILD_ID_MOST)
		return false;
	for (size_t i = 0; i < len; i++) {
		int d = digit(hex[i]);

		if (d < 0)
			return false;
		id.data[i / 2] = (uint8_t)(id.data[i / 2] << 4 | d);
	}
	*ret = id;
	return true;
}

bool build_id_from_notes(struct sonde_span notes, struct build_id *ret)
{
	Elf64_Nhdr n; // the same as Elf32_Nhdr

	while (notes.len >= sizeof(n)) {
		memcpy(&n, notes.data, sizeof(n));
		uint64_t name = sizeof(n),
			 desc = name + ((n.n_namesz + UINT64_C(3)) & ~UINT64_C(3));
		uint64_t end = desc + ((n.n_descsz + UINT64_C(3)) & ~UINT64_C(3));

		if (desc + n.n_descsz > notes.len)
			return false;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
		    !memcmp(notes.data + name, "GNU", 4) && n.n_descsz &&
		    n.n_descsz <= BUILD_ID_MOST) {
			struct build_id id = { .len = (uint8_t)n.n_descsz };

			memcpy(id.data, notes.data + desc, n.n_descsz);
			*ret = id;
			return true;
		}
		if (end >= notes.len)
			return false;
		notes.data += end;
		notes.len -= end;
	}
	return false;
}

static bool read_all(int fd, void *to, size_t len, uint64_t off)
{
	return off <= INT64_MAX && pread(fd, to, len, (off_t)off) == (ssize_t)len;
}

static bool read_notes(int fd, uint64_t off, uint64_t len, struct build_id *ret)
{
	if (!len || len > NOTES_MOST)
		return false;
	sonde_auto(mem_freep) uint8_t *notes = malloc(len);
	if (!notes || !read_all(fd, notes, len, off))
		return false;
	return build_id_from_notes((struct sonde_span){ notes, len }, ret);
}

static bool read_phdr(int fd, bool is64, uint64_t at, Elf64_Phdr *ret)
{
	Elf32_Phdr p;

	if (is64)
		return read_all(fd, ret, sizeof(*ret), at);
	if (!read_all(fd, &p, sizeof(p), at))
		return false;
	*ret = (Elf64_Phdr){ .p_type = p.p_type, .p_offset = p.p_offset, .p_filesz = p.p_filesz };
	return true;
}

bool build_id_read(int fd, struct build_id *ret)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} h;
	Elf64_Phdr p;

	if (!read_all(fd, &h.e32, sizeof(h.e32), 0) || memcmp(h.ident, ELFMAG, SELFMAG) != 0)
		return false;
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	if (h.ident[EI_DATA] != (little ? ELFDATA2LSB : ELFDATA2MSB))
		return false;
	const bool is64 = h.ident[EI_CLASS] == ELFCLASS64;
	if (is64 && !read_all(fd, &h.e64, sizeof(h.e64), 0))
		return false;

	uint64_t off = is64 ? h.e64.e_phoff : h.e32.e_phoff;
	uint64_t step = is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	unsigned n = is64 ? h.e64.e_phnum : h.e32.e_phnum;
	for (unsigned i = 0; i < n && i < PHDRS_MOST; i++) {
		if (off > INT64_MAX || !read_phdr(fd, is64, off + i * step, &p))
			return false;
		if (p.p_type == PT_NOTE && read_notes(fd, p.p_offset, p.p_filesz, ret))
			return true;
	}
	return false;
}

bool build_id_of_kernel(struct build_id *ret)
{
	uint8_t notes[4096];
	sonde_auto(mem_closep) int fd = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, notes, sizeof(notes));

	return n > 0 && build_id_from_notes((struct sonde_span){ notes, (size_t)n }, ret);
}
