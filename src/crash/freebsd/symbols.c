/* SPDX-License-Identifier: MIT */
/** The symbols of a kernel's file: functions and data, by address and by name. */
#include "crash/freebsd/symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>
#include <sonde/err.h>

#include "base/mem.h"

void bsd_symbols_fini(struct bsd_symbols *s)
{
	free(s->all);
	free(s->named);
	if (s->elf)
		elf_end(s->elf);
	*s = (struct bsd_symbols){ 0 };
}

static int add_symbols(struct bsd_symbols *s, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t n = data && sh->sh_entsize ? data->d_size / sh->sh_entsize : 0;

	for (size_t i = 0; i < n && i < INT32_MAX; i++) {
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym))
			break;
		int type = GELF_ST_TYPE(sym.st_info);
		const char *name = elf_strptr(s->elf, sh->sh_link, sym.st_name);
		if (!name || !*name || sym.st_shndx == SHN_UNDEF ||
		    (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE))
			continue;
		int r = mem_grow(&s->all, &s->cap, s->n + 1);
		if (r < 0)
			return r;
		s->all[s->n++] = (struct bsd_symbol){
			sym.st_value, sym.st_size, name,
			type == STT_FUNC || (type == STT_NOTYPE && sym.st_shndx != SHN_ABS)
		};
	}
	return 0;
}

static int by_addr(const void *a, const void *b)
{
	const struct bsd_symbol *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	// The last of several at one address is the one shown: it has a size, and is code.
	if (x->is_code != y->is_code)
		return x->is_code - y->is_code;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return -strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct bsd_symbol *const *)a)->name,
		      (*(struct bsd_symbol *const *)b)->name);
}

static int settle(struct bsd_symbols *s)
{
	if (!s->n)
		return sonde_fail(-EBADMSG, "the kernel's file has no symbols");
	s->named = malloc(s->n * sizeof(struct bsd_symbol *));
	if (!s->named)
		return sonde_fail(-ENOMEM, "out of memory");
	qsort(s->all, s->n, sizeof(*s->all), by_addr);
	for (size_t i = 0; i < s->n; i++)
		s->named[i] = &s->all[i];
	qsort(s->named, s->n, sizeof(struct bsd_symbol *), by_name);
	return 0;
}

/* Where the note with the build-id is in memory: to see whether the dump is of this kernel. */
static void find_id(struct bsd_symbols *s, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Nhdr n;
	size_t name, desc, at = 0, next;

	while (data && sh->sh_addr && (next = gelf_getnote(data, at, &n, &name, &desc)) > 0) {
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
		    !memcmp((const char *)data->d_buf + name, "GNU", 4)) {
			s->id_addr = sh->sh_addr + desc;
			s->id = (const uint8_t *)data->d_buf + desc;
			s->id_len = n.n_descsz;
		}
		at = next;
	}
}

/* The configuration, where the kernel was built with it inside. */
static void find_config(struct bsd_symbols *s, Elf_Scn *scn, const GElf_Shdr *sh, size_t names)
{
	const char *name = elf_strptr(s->elf, names, sh->sh_name);
	Elf_Data *data;

	if (!name || strcmp(name, "kern_conf") != 0 || !(data = elf_getdata(scn, NULL)))
		return;
	s->config = data->d_buf;
	s->config_len = data->d_buf ? data->d_size : 0;
}

static int read_file(struct bsd_symbols *s, int fd)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return sonde_fail(-ENOTSUP, "libelf: %s", elf_errmsg(-1));
	s->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!s->elf || elf_kind(s->elf) != ELF_K_ELF)
		return sonde_fail(-EBADMSG, "is no ELF file");
	// All that is needed is read before the descriptor goes.
	if (elf_cntl(s->elf, ELF_C_FDREAD) < 0)
		return sonde_fail(-EIO, "%s", elf_errmsg(-1));
	size_t names = 0;
	(void)elf_getshdrstrndx(s->elf, &names); // without them no section has a name
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(s->elf, scn));) {
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh))
			continue;
		if (sh.sh_type == SHT_PROGBITS)
			find_config(s, scn, &sh, names);
		if (sh.sh_type == SHT_NOTE)
			find_id(s, scn, &sh);
		if (sh.sh_type != SHT_SYMTAB)
			continue;
		int r = add_symbols(s, scn, &sh);
		if (r < 0)
			return r;
	}
	return settle(s);
}

int bsd_symbols_open(const char *path, struct bsd_symbols *ret)
{
	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot open '%s'", path);
	struct bsd_symbols s = { 0 };
	int r = read_file(&s, fd);
	if (r < 0) {
		bsd_symbols_fini(&s);
		return sonde_wrap(r, "'%s'", path);
	}
	*ret = s;
	return 0;
}

const struct bsd_symbol *bsd_symbols_at(const struct bsd_symbols *s, uint64_t addr)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->all[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;
	const struct bsd_symbol *found = &s->all[low - 1];
	// Assembler's labels have no size: they reach to the next symbol.
	if (found->size ? addr - found->start < found->size : low < s->n && found->is_code)
		return found;
	return NULL;
}

const struct bsd_symbol *bsd_symbols_named(const struct bsd_symbols *s, const char *name)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(s->named[mid]->name, name);

		if (!c)
			return s->named[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
