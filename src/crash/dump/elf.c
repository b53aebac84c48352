/* SPDX-License-Identifier: MIT */
/** Dumps as ELF core files: Linux's /proc/vmcore, QEMU's dump-guest-memory, FreeBSD's full dumps.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/dump/format.h"

/*
 * PT_LOADs say where memory lies in the file, by physical address. They come in any order and may
 * overlap: the kernel's text has a segment of its own beside the RAM's that it lies in. They are
 * made runs that do not overlap, in order, so that a lookup is a binary search. e_ehsize is not
 * looked at: QEMU writes 8. /proc/kcore also has what is only mapped, by virtual address: its
 * physical one is -1, and the memory itself is in the other segments.
 */

enum {
	MOST_SEGMENTS = 1 << 20
}; /* of 56 bytes; real dumps have some tens, thinned ones thousands */

/** Memory that lies in one piece, in the file too. */
struct run {
	uint64_t pa, len, off;
};

/** In order of pa, none overlaps. */
struct runs {
	struct run *all; /* owned */
	size_t n, cap;
};

struct elf {
	struct runs held;
	struct runs tails; /* what segments have in memory alone; .off = .pa */
	uint64_t cut;	   /* bytes that the file should have, but ends before */
};

/** A program header of either size. */
struct segment {
	uint32_t type;
	uint64_t off, pa, filesz, memsz;
};

static bool elf_known(const uint8_t *head, size_t n)
{
	return n >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG);
}

/** The header's fields that matter, of either size. */
struct header {
	bool is_64;
	unsigned char osabi;
	uint16_t type, machine, phentsize;
	uint64_t phoff, shoff, phnum;
};

static int header_read(struct bytes *f, struct header *ret)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr h32;
		Elf64_Ehdr h64;
	} u = { 0 };

	int r = bytes_read(f, 0, &u, f->len < sizeof(u) ? f->len : sizeof(u));
	if (r < 0)
		return r;
	if (f->len < sizeof(u.h32))
		return sonde_fail(-EBADMSG, "ends within its ELF header");
	unsigned char class = u.ident[EI_CLASS];
	if (class != ELFCLASS64 && class != ELFCLASS32)
		return sonde_fail(-EBADMSG, "ELF class %u, wanted 1 or 2", class);
	if (u.ident[EI_DATA] != ELFDATA2LSB)
		return sonde_fail(-ENOTSUP, "is of a big-endian machine, which is not supported");
	if (class == ELFCLASS64 && f->len < sizeof(u.h64))
		return sonde_fail(-EBADMSG, "ends within its ELF header");
	*ret = class == ELFCLASS64
		       ? (struct header){ true,
					  u.ident[EI_OSABI],
					  u.h64.e_type,
					  u.h64.e_machine,
					  u.h64.e_phentsize,
					  u.h64.e_phoff,
					  u.h64.e_shoff,
					  u.h64.e_phnum }
		       : (struct header){ false,	   u.ident[EI_OSABI], u.h32.e_type,
					  u.h32.e_machine, u.h32.e_phentsize, u.h32.e_phoff,
					  u.h32.e_shoff,   u.h32.e_phnum };
	return 0;
}

/* Where there are too many segments for 16 bits, the first section's sh_info has their number. */
static int count_segments(struct bytes *f, struct header *h)
{
	int r = 0;

	if (h->phnum == PN_XNUM && h->is_64) {
		Elf64_Shdr s;

		r = bytes_read(f, h->shoff, &s, sizeof(s));
		if (r == 0)
			h->phnum = s.sh_info;
	} else if (h->phnum == PN_XNUM) {
		Elf32_Shdr s;

		r = bytes_read(f, h->shoff, &s, sizeof(s));
		if (r == 0)
			h->phnum = s.sh_info;
	}
	if (r < 0)
		return sonde_wrap(r, "number of segments");
	size_t size = h->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (h->phnum && h->phentsize < size)
		return sonde_fail(-EBADMSG, "program headers of %u bytes, wanted %zu", h->phentsize,
				  size);
	if (h->phnum > MOST_SEGMENTS)
		return sonde_fail(-EBADMSG, "%" PRIu64 " segments, at most %d are read", h->phnum,
				  MOST_SEGMENTS);
	return 0;
}

static int segment_read(struct bytes *f, const struct header *h, uint64_t i, struct segment *ret)
{
	uint64_t off;

	if (__builtin_add_overflow(h->phoff, i * h->phentsize, &off))
		return sonde_fail(-EBADMSG, "program headers at byte %" PRIu64, h->phoff);
	if (h->is_64) {
		Elf64_Phdr p;

		int r = bytes_read(f, off, &p, sizeof(p));
		if (r < 0)
			return sonde_wrap(r, "program header %" PRIu64, i);
		*ret = (struct segment){ p.p_type, p.p_offset, p.p_paddr, p.p_filesz, p.p_memsz };
		return 0;
	}
	Elf32_Phdr p;

	int r = bytes_read(f, off, &p, sizeof(p));
	if (r < 0)
		return sonde_wrap(r, "program header %" PRIu64, i);
	*ret = (struct segment){ p.p_type, p.p_offset, p.p_paddr, p.p_filesz, p.p_memsz };
	return 0;
}

static int add_run(struct runs *all, struct run r)
{
	if (!r.len)
		return 0;
	int err = mem_grow(&all->all, &all->cap, all->n + 1);
	if (err == 0)
		all->all[all->n++] = r;
	return err;
}

/* What the segment has of bytes that are there, and what it only had in memory. */
static int add_load(struct elf *e, const struct bytes *f, const struct segment *s)
{
	uint64_t there = s->off < f->len ? f->len - s->off : 0;
	uint64_t len = s->filesz < there ? s->filesz : there;

	if (s->pa == UINT64_MAX)
		return 0;
	e->cut += s->filesz - len;
	if (len > UINT64_MAX - s->pa)
		return sonde_fail(-EBADMSG,
				  "segment of %" PRIu64 " bytes at physical address 0x%" PRIx64,
				  len, s->pa);
	int r = add_run(&e->held, (struct run){ s->pa, len, s->off });
	if (r < 0 || s->memsz <= s->filesz || s->filesz > UINT64_MAX - s->pa)
		return r;
	const uint64_t tail = s->pa + s->filesz, most = UINT64_MAX - tail;
	len = s->memsz - s->filesz;
	return add_run(&e->tails, (struct run){ tail, len < most ? len : most, tail });
}

static int add_note_segment(struct dump *d, struct bytes *f, const struct segment *s)
{
	uint64_t there = s->off < f->len ? f->len - s->off : 0;
	uint64_t len = s->filesz < there ? s->filesz : there;
	const uint8_t *data;

	if (len > (64 << 20))
		return sonde_fail(-EBADMSG, "notes of %" PRIu64 " bytes", len);
	if (!len)
		return 0;
	int r = bytes_keep(f, s->off, len, &data);
	return r < 0 ? r : format_add_notes(d, data, len);
}

static int by_pa(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->pa != y->pa)
		return x->pa < y->pa ? -1 : 1;
	// The longer one first, so that the shorter vanishes in it.
	return x->len > y->len ? -1 : x->len < y->len;
}

/* Sorts the runs, cuts off what an earlier one has already, and joins neighbours. */
static void settle(struct runs *e)
{
	size_t n = 0;

	if (e->n)
		qsort(e->all, e->n, sizeof(*e->all), by_pa);
	for (size_t i = 0; i < e->n; i++) {
		struct run r = e->all[i];
		struct run *last = n ? &e->all[n - 1] : NULL;
		uint64_t end = last ? last->pa + last->len : 0;

		if (r.pa < end) {
			uint64_t had = end - r.pa;

			if (had >= r.len)
				continue;
			r = (struct run){ end, r.len - had, r.off + had };
		}
		if (last && r.pa == end && r.off == last->off + last->len)
			last->len += r.len;
		else
			e->all[n++] = r;
	}
	e->n = n;
}

/* A process' core looks alike, but has its addresses elsewhere. */
static int is_of_kernel(const struct dump *d)
{
	for (size_t i = 0; i < d->n_notes; i++) {
		const struct dump_note *n = &d->notes[i];

		if (!strcmp(n->name, "CORE") && (n->type == NT_AUXV || n->type == NT_FILE))
			return sonde_fail(-EINVAL, "is the core of a process, not of a kernel");
	}
	return 0;
}

static int read_segments(struct dump *d, struct elf *e, const struct header *h)
{
	struct bytes *f = d->files[0];

	for (uint64_t i = 0; i < h->phnum; i++) {
		struct segment s = { 0 };

		int r = segment_read(f, h, i, &s);
		if (r < 0)
			return r;
		if (s.type == PT_LOAD)
			r = add_load(e, f, &s);
		else if (s.type == PT_NOTE)
			r = add_note_segment(d, f, &s);
		if (r < 0)
			return sonde_wrap(r, "segment %" PRIu64, i);
	}
	return 0;
}

static int elf_open(struct dump *d)
{
	struct elf *e = calloc(1, sizeof(*e));
	struct header h = { 0 };

	if (!e)
		return sonde_fail(-ENOMEM, "out of memory");
	d->format_state = e;
	int r = header_read(d->files[0], &h);
	if (r < 0)
		return r;
	if (h.type != ET_CORE)
		return sonde_fail(-EINVAL, "is an ELF file of type %u, wanted 4 (core)", h.type);
	r = format_arch(h.machine, &d->about.arch);
	if (r == 0)
		r = count_segments(d->files[0], &h);
	if (r == 0)
		r = read_segments(d, e, &h);
	if (r == 0)
		r = is_of_kernel(d);
	if (r == 0 && e->cut)
		r = format_say_cut(d, "the file ends %" PRIu64 " bytes before its memory does",
				   e->cut);
	if (r < 0)
		return r;

	// FreeBSD's kernel marks its dumps as of no system's ABI.
	if (d->about.system == DUMP_SYSTEM_UNKNOWN &&
	    (h.osabi == ELFOSABI_FREEBSD || h.osabi == ELFOSABI_STANDALONE))
		d->about.system = DUMP_FREEBSD;
	settle(&e->held);
	settle(&e->tails);
	if (!e->held.n)
		return sonde_fail(-EBADMSG, "has no memory in it");
	uint64_t held = 0;
	for (size_t i = 0; i < e->held.n; i++)
		held += e->held.all[i].len;
	d->about.format = "ELF";
	d->about.pages_held = held / d->about.page_size;
	return 0;
}

static void elf_close(struct dump *d)
{
	struct elf *e = d->format_state;

	if (e) {
		free(e->held.all);
		free(e->tails.all);
	}
	free(e);
}

/* The first run that ends behind @pa; e->n: none. */
static size_t run_at(const struct runs *e, uint64_t pa)
{
	size_t low = 0, high = e->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (pa - e->all[mid].pa < e->all[mid].len)
			return mid;
		if (pa < e->all[mid].pa)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static int elf_find(const struct dump *d, uint64_t pa, struct place *ret)
{
	const struct elf *e = d->format_state;
	size_t i = run_at(&e->held, pa);

	if (i == e->held.n || pa < e->held.all[i].pa)
		return -ENODATA;
	const struct run *r = &e->held.all[i];
	*ret = (struct place){ .file = d->files[0],
			       .off = r->off + (pa - r->pa),
			       .len = r->len - (pa - r->pa) };
	return 0;
}

/* The next of @e at or behind @pa: its bytes, 0: none. */
static uint64_t next_of(const struct runs *e, uint64_t pa, uint64_t *ret_pa)
{
	size_t i = run_at(e, pa);

	if (i == e->n)
		return 0;
	const struct run *r = &e->all[i];
	*ret_pa = pa > r->pa ? pa : r->pa;
	return r->len - (*ret_pa - r->pa);
}

static uint64_t elf_next(const struct dump *d, uint64_t pa, uint64_t *ret_pa)
{
	const struct elf *e = d->format_state;

	return next_of(&e->held, pa, ret_pa);
}

static bool elf_left_out(const struct dump *d, uint64_t pa)
{
	const struct elf *e = d->format_state;
	size_t i = run_at(&e->tails, pa);

	return i < e->tails.n && pa >= e->tails.all[i].pa;
}

/* What lies in a tail and, by another segment, in the file too, is held. */
static uint64_t elf_count_left_out(const struct dump *d)
{
	const struct elf *e = d->format_state;
	uint64_t sum = 0;

	for (size_t i = 0; i < e->tails.n; i++) {
		const uint64_t end = e->tails.all[i].pa + e->tails.all[i].len;
		uint64_t at = e->tails.all[i].pa, pa = 0, len;

		while (at < end && (len = next_of(&e->held, at, &pa)) != 0 && pa < end) {
			sum += pa - at;
			at = pa + len;
		}
		sum += at < end ? end - at : 0;
	}
	return sum / d->about.page_size;
}

const struct dump_format format_elf = {
	.name = "ELF",
	.known = elf_known,
	.open = elf_open,
	.close = elf_close,
	.find = elf_find,
	.next = elf_next,
	.left_out = elf_left_out,
	.count_left_out = elf_count_left_out,
};
