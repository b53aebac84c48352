/* SPDX-License-Identifier: MIT */
/** An ELF core of x86-64 with a kernel's segments, and the tables that a dump tells of itself. */
#include "made_linux.h"

#include <bpf/btf.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "sym/build_id.h"
#include "sym/ctype.h"

#define MAP UINT64_C(0xffffffff80000000)
enum { DATA = 8192, TYPES_MOST = 1024, SYMBOLS_MOST = 1024 };

/** A table of kallsyms: addresses from MAP on, in order. */
struct symbol {
	const char *name;
	uint64_t addr;
};

struct kernel {
	const uint8_t *file;
	size_t len;
	uint64_t start, end; /* addresses */
	struct symbol symbols[SYMBOLS_MOST];
	size_t n;
	const struct ctype *types[TYPES_MOST]; /* of id + 1 */
	size_t n_types;
	struct ctypes *db;
};

static uint32_t id_of(struct kernel *k, const struct ctype *t)
{
	if (t->kind == CT_VOID || t->kind == CT_FUNC || t->is_forward)
		return 0;
	for (size_t i = 0; i < k->n_types; i++) {
		if (k->types[i] == t || (t->kind != CT_PTR && t->kind != CT_ARRAY &&
					 k->types[i]->id == t->id && k->types[i]->db == t->db))
			return (uint32_t)i + 1;
	}
	sonde_check(k->n_types < TYPES_MOST);
	k->types[k->n_types++] = t;
	return (uint32_t)k->n_types;
}

static void add_struct(struct kernel *k, struct btf *b, const struct ctype *t)
{
	size_t n;
	const struct cmember *m = ctype_members(t, &n);

	if (t->kind == CT_STRUCT)
		sonde_check(btf__add_struct(b, t->name, (uint32_t)t->size) > 0);
	else
		sonde_check(btf__add_union(b, t->name, (uint32_t)t->size) > 0);
	for (size_t i = 0; i < n; i++)
		sonde_check(!btf__add_field(b, m[i].name, (int)id_of(k, m[i].type),
					    (uint32_t)m[i].bit_off, m[i].bit_size));
}

static void add_enum(struct btf *b, const struct ctype *t)
{
	size_t n;
	const struct cmember *m = ctype_members(t, &n);

	sonde_check(btf__add_enum(b, t->name, (uint32_t)t->size) > 0);
	for (size_t i = 0; i < n; i++)
		sonde_check(!btf__add_enum_value(b, m[i].name, m[i].value));
}

static void add_type(struct kernel *k, struct btf *b, const struct ctype *t)
{
	switch (t->kind) {
	case CT_STRUCT:
	case CT_UNION: add_struct(k, b, t); break;
	case CT_ENUM: add_enum(b, t); break;
	case CT_PTR: sonde_check(btf__add_ptr(b, (int)id_of(k, ctype_elem(t))) > 0); break;
	case CT_ARRAY:
		sonde_check(btf__add_array(b, 1, (int)id_of(k, ctype_elem(t)), (uint32_t)t->n) > 0);
		break;
	default:
		sonde_check(btf__add_int(b, *t->name ? t->name : "int", t->size,
					 t->is_signed ? BTF_INT_SIGNED : 0) > 0);
	}
}

static int take_struct(void *arg, const char *name)
{
	struct kernel *k = arg;
	const struct ctype *t;
	char text[128];

	(void)snprintf(text, sizeof(text), "struct %s", name);
	if (ctypes_find(k->db, text, &t) == 0)
		(void)id_of(k, t);
	return 0;
}

static void make_btf(struct kernel *k, const char *path, struct made_file *ret)
{
	static const char *const others[] = { "int", "enum zone_stat_item", "enum node_stat_item" };
	struct btf *b = btf__new_empty();
	const struct ctype *t;
	uint32_t len;

	sonde_check(b && ctypes_open_dwarf(path, &k->db) == 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (ctypes_find(k->db, others[i], &t) == 0)
			(void)id_of(k, t);
	}
	sonde_check(ctypes_each_struct(k->db, take_struct, k) == 0);
	for (size_t i = 0; i < k->n_types; i++)
		add_type(k, b, k->types[i]);
	const void *raw = btf__raw_data(b, &len);
	made_put(ret, 0, raw, len);
	btf__free(b);
	ctypes_free(k->db);
}

static void add_symbol(struct kernel *k, const char *name, uint64_t addr)
{
	sonde_check(k->n < SYMBOLS_MOST);
	k->symbols[k->n++] = (struct symbol){ name, addr };
}

static void read_symbols(struct kernel *k)
{
	const Elf64_Ehdr *h = (const void *)k->file;
	const Elf64_Shdr *s = (const void *)(k->file + h->e_shoff);

	for (unsigned i = 0; i < h->e_shnum; i++) {
		if (s[i].sh_type != SHT_SYMTAB)
			continue;
		const Elf64_Sym *y = (const void *)(k->file + s[i].sh_offset);
		const char *names = (const char *)k->file + s[s[i].sh_link].sh_offset;

		for (size_t j = 0; j < s[i].sh_size / sizeof(*y); j++) {
			int type = ELF64_ST_TYPE(y[j].st_info);

			if (y[j].st_shndx && y[j].st_shndx < SHN_LORESERVE && names[y[j].st_name] &&
			    (type == STT_OBJECT || type == STT_FUNC || type == STT_NOTYPE))
				add_symbol(k, names + y[j].st_name, y[j].st_value);
		}
	}
}

static int by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static uint64_t symbol(const struct kernel *k, const char *name)
{
	size_t i = 0;

	while (i < k->n && strcmp(k->symbols[i].name, name) != 0)
		i++;
	sonde_check(i < k->n);
	return i < k->n ? k->symbols[i].addr : 0;
}

/** The core: memory from k->start on lies at DATA; more is put behind it. */
struct core {
	struct kernel *k;
	struct made_file *f;
	char info[4096];
	size_t n_info;
};

static uint64_t put(struct core *c, const void *data, size_t n)
{
	uint64_t at = c->k->end;

	made_put(c->f, DATA + (at - c->k->start), data, n);
	c->k->end = (at + n + 63) & ~UINT64_C(63);
	return at;
}

static void tell(struct core *c, const char *name, uint64_t addr)
{
	c->n_info += (size_t)snprintf(c->info + c->n_info, sizeof(c->info) - c->n_info,
				      "SYMBOL(%s)=%llx\n", name, (unsigned long long)addr);
}

/* Each letter is a token of its own. */
static void put_kallsyms(struct core *c)
{
	struct made_file names = { 0 }, tokens = { 0 };
	struct kernel *k = c->k;
	uint16_t index[256];
	uint32_t n = (uint32_t)k->n;
	uint64_t base = MAP;
	int32_t offsets[SYMBOLS_MOST];

	for (unsigned i = 0; i < 256; i++) {
		char text[2] = { (char)i, 0 };

		index[i] = (uint16_t)tokens.len;
		made_put(&tokens, tokens.len, text, i ? 2 : 1);
	}
	for (size_t i = 0; i < k->n; i++) {
		uint8_t len = (uint8_t)(strlen(k->symbols[i].name) + 1);

		sonde_check(len < 128);
		made_put(&names, names.len, &len, 1);
		made_put(&names, names.len, "T", 1);
		made_put(&names, names.len, k->symbols[i].name, len - 1u);
		offsets[i] = (int32_t)(k->symbols[i].addr - MAP);
	}
	tell(c, "kallsyms_names", put(c, names.data, names.len));
	tell(c, "kallsyms_num_syms", put(c, &n, sizeof(n)));
	tell(c, "kallsyms_token_table", put(c, tokens.data, tokens.len));
	tell(c, "kallsyms_token_index", put(c, index, sizeof(index)));
	tell(c, "kallsyms_offsets", put(c, offsets, k->n * sizeof(offsets[0])));
	tell(c, "kallsyms_relative_base", put(c, &base, sizeof(base)));
	made_fini(&names);
	made_fini(&tokens);
}

static void put_segments(struct core *c)
{
	struct kernel *k = c->k;
	const Elf64_Ehdr *h = (const void *)k->file;
	const Elf64_Phdr *p = (const void *)(k->file + h->e_phoff);

	k->start = UINT64_MAX;
	for (unsigned i = 0; i < h->e_phnum; i++) {
		if (p[i].p_type == PT_LOAD && p[i].p_vaddr < k->start)
			k->start = p[i].p_vaddr & -(uint64_t)MADE_PAGE;
	}
	for (unsigned i = 0; i < h->e_phnum; i++) {
		uint64_t end = p[i].p_vaddr + p[i].p_memsz;

		if (p[i].p_type != PT_LOAD)
			continue;
		made_put(c->f, DATA + (p[i].p_vaddr - k->start), k->file + p[i].p_offset,
			 p[i].p_filesz);
		k->end = end > k->end ? end : k->end;
	}
	k->end = (k->end + 63) & ~UINT64_C(63);
}

static void put_headers(struct core *c)
{
	size_t len = c->n_info;
	const Elf64_Nhdr note = { .n_namesz = 11, .n_descsz = (uint32_t)len };
	const Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			       .e_type = ET_CORE,
			       .e_machine = EM_X86_64,
			       .e_phoff = sizeof(h),
			       .e_ehsize = sizeof(h),
			       .e_phentsize = sizeof(Elf64_Phdr),
			       .e_phnum = 2 };
	const Elf64_Phdr p[2] = { { .p_type = PT_LOAD,
				    .p_offset = DATA,
				    .p_paddr = c->k->start - MAP,
				    .p_filesz = c->f->len - DATA,
				    .p_memsz = c->f->len - DATA + MADE_LEFT_OUT },
				  { .p_type = PT_NOTE,
				    .p_offset = 4096,
				    .p_filesz = sizeof(note) + 12 + ((len + 3) & ~3ul) } };

	made_put(c->f, 0, &h, sizeof(h));
	made_put(c->f, sizeof(h), p, sizeof(p));
	made_put(c->f, 4096, &note, sizeof(note));
	made_put(c->f, 4096 + sizeof(note), "VMCOREINFO\0", 12);
	made_put(c->f, 4096 + sizeof(note) + 12, c->info, len);
}

void made_linux(const char *path, struct made_file *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct made_file btf = { 0 };
	struct kernel *k = calloc(1, sizeof(*k));
	struct core c = { .k = k, .f = ret };
	struct build_id id;
	char hex[BUILD_ID_HEX];
	struct stat st;

	*ret = (struct made_file){ 0 };
	sonde_check(k && fd >= 0 && fstat(fd, &st) == 0);
	k->len = (size_t)st.st_size;
	k->file = mmap(NULL, k->len, PROT_READ, MAP_PRIVATE, fd, 0);
	sonde_check(k->file != MAP_FAILED);
	read_symbols(k);
	put_segments(&c);
	make_btf(k, path, &btf);
	uint64_t at = put(&c, btf.data, btf.len);
	add_symbol(k, "__start_BTF", at);
	add_symbol(k, "__stop_BTF", at + btf.len);
	qsort(k->symbols, k->n, sizeof(k->symbols[0]), by_addr);
	c.n_info = (size_t)snprintf(c.info, sizeof(c.info),
				    "OSRELEASE=6.6.0-made\nPAGESIZE=4096\nNUMBER(phys_base)=0\n");
	if (build_id_read(fd, &id)) {
		build_id_hex(&id, hex);
		c.n_info += (size_t)snprintf(c.info + c.n_info, sizeof(c.info) - c.n_info,
					     "BUILD-ID=%s\n", hex);
	}
	tell(&c, "init_top_pgt", symbol(k, "init_top_pgt"));
	tell(&c, "_stext", symbol(k, "_stext"));
	put_kallsyms(&c);
	put_headers(&c);
	made_fini(&btf);
	munmap((void *)(uintptr_t)k->file, k->len);
	free(k);
	close(fd);
}
