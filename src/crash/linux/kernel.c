/* SPDX-License-Identifier: MIT */
/** Opens a Linux kernel: from VMCOREINFO to page tables, from there to symbols and types. */
#include "crash/linux/kernel.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/debug/find.h"
#include "crash/linux/linux.h"
#include "crash/linux/show/show.h"
#include "crash/linux/user.h"

#define X86_KERNEL_MAP	   0xffffffff80000000ull
#define X86_KERNEL_MAP_LEN (1ull << 30)
#define X86_DIRECT_LEN	   (1ull << 46)

enum { BTF_MOST = 1 << 28 };

int linux_read(struct linux_kernel *k, uint64_t va, void *ret, size_t n)
{
	return space_read(&k->mem, va, ret, n);
}

int linux_read_u64(struct linux_kernel *k, uint64_t va, uint64_t *ret)
{
	uint64_t v;
	int r = space_read(&k->mem, va, &v, sizeof(v));

	if (!r)
		*ret = v;
	return r;
}

int linux_read_field(struct linux_kernel *k, uint64_t base, const struct kfield *f, uint64_t *ret)
{
	uint8_t bytes[16] = { 0 };

	if (!f->type)
		return -ENOENT;
	int r = space_read(&k->mem, base + f->off, bytes, f->size < 9 ? f->size : 9);
	if (!r)
		*ret = kfield_number(f, bytes);
	return r;
}

uint64_t linux_field_or(struct linux_kernel *k, uint64_t base, const struct kfield *f,
			uint64_t none)
{
	uint64_t v = none;

	return linux_read_field(k, base, f, &v) < 0 ? none : v;
}

bool linux_symbol(struct linux_kernel *k, const char *name, uint64_t *ret)
{
	uint32_t i;

	const bool found = ksyms_named(&k->syms, name, &i);
	k->core->ran_out |= ksyms_ran_out(&k->syms);
	if (!found)
		return vmcoreinfo_symbol(&k->info, name, ret) || linux_derived_symbol(k, name, ret);
	*ret = ksyms_address(&k->syms, i);
	return true;
}

int linux_global(struct linux_kernel *k, const char *name, unsigned size, uint64_t *ret)
{
	uint64_t at, v = 0;

	if (!linux_symbol(k, name, &at))
		return -ENOENT;
	int r = space_read(&k->mem, at, &v, size);
	if (!r)
		*ret = v;
	return r;
}

void linux_list_begin(struct linux_list *l, uint64_t head)
{
	*l = (struct linux_list){ .head = head, .at = head };
}

bool linux_list_next(struct linux_kernel *k, struct linux_list *l)
{
	uint64_t next = 0;

	if (linux_read_u64(k, l->at, &next) < 0) {
		l->cut = "a member of the list is not in the dump";
		return false;
	}
	if (next == l->head)
		return false;
	// A member that was there when the number of steps was last a power of two is a loop.
	if (next == l->at || next == l->seen || ++l->n > LINUX_LIST_MOST) {
		l->cut = "the list has no end";
		return false;
	}
	if (l->n >= l->next_power) {
		l->seen = next;
		l->next_power = 2 * l->n;
	}
	l->at = next;
	return true;
}

/* "6.1.0-56" is 0x0601. */
static unsigned version_of(const char *release)
{
	unsigned major = 0, minor = 0;

	return sscanf(release, "%3u.%3u", &major, &minor) == 2 ? major << 8 | minor : 0;
}

static int open_x86(struct linux_kernel *k)
{
	uint64_t top = 0, mask = 0;
	int64_t phys_base = (int64_t)k->core->about->phys_base_hint, l5 = 0, sme = 0;

	if (!vmcoreinfo_symbol(&k->info, "init_top_pgt", &top) &&
	    !vmcoreinfo_symbol(&k->info, "init_level4_pgt", &top) &&
	    !vmcoreinfo_symbol(&k->info, "swapper_pg_dir", &top))
		return sonde_fail(-EBADMSG, "VMCOREINFO does not tell where page tables lie");
	(void)vmcoreinfo_number(&k->info, "phys_base", &phys_base);   // else as the header has it
	(void)vmcoreinfo_number(&k->info, "pgtable_l5_enabled", &l5); // old kernels have 4
	if (vmcoreinfo_number(&k->info, "sme_mask", &sme))
		mask = (uint64_t)sme;
	const struct space_layout layout = {
		.tables = SPACE_X86_64,
		.root = top - X86_KERNEL_MAP + (uint64_t)phys_base,
		.page_bits = 12,
		.va_bits = l5 ? 57 : 48,
		.clear_mask = mask,
	};
	int r = space_init(&k->mem, k->core->dump, &layout);
	if (r < 0)
		return r;
	space_add_linear(&k->mem, X86_KERNEL_MAP, X86_KERNEL_MAP + X86_KERNEL_MAP_LEN,
			 (uint64_t)phys_base);
	return 0;
}

/*
 * Where the used part of the top table is. With pages of 64 KiB, a kernel for addresses of 52 bits
 * on a machine for 48 uses the last entries of a table for 52; others have as many levels as
 * needed.
 */
static uint64_t arm_root(uint64_t table, unsigned page_bits, int64_t built_for, int64_t va_bits)
{
	enum { TOP_SHIFT = 42 };

	if (page_bits != 16 || built_for != 52 || va_bits != 48)
		return table;
	return table + ((1u << (52 - TOP_SHIFT)) - (1u << (48 - TOP_SHIFT))) * 8;
}

static int open_arm64(struct linux_kernel *k)
{
	uint64_t top = 0, page = 0;
	int64_t voffset = 0, built_for = 48, t1sz = 0, mask = 0;

	if (!vmcoreinfo_symbol(&k->info, "swapper_pg_dir", &top) ||
	    !vmcoreinfo_number(&k->info, "kimage_voffset", &voffset) ||
	    !vmcoreinfo_value(&k->info, "PAGESIZE", 10, &page))
		return sonde_fail(-EBADMSG, "VMCOREINFO does not tell where page tables lie");
	(void)vmcoreinfo_number(&k->info, "VA_BITS", &built_for); // else what is usual
	int64_t va_bits = built_for;
	if (vmcoreinfo_number(&k->info, "TCR_EL1_T1SZ", &t1sz) && t1sz > 0 && t1sz < 64)
		va_bits = 64 - t1sz;
	if (vmcoreinfo_number(&k->info, "KERNELPACMASK", &mask))
		k->pac_mask = (uint64_t)mask;
	if (!page || page & (page - 1))
		return sonde_fail(-EBADMSG, "VMCOREINFO: pages of %llu bytes",
				  (unsigned long long)page);
	const unsigned page_bits = (unsigned)__builtin_ctzll(page);
	const struct space_layout layout = {
		.tables = SPACE_ARM64,
		.root = arm_root(top - (uint64_t)voffset, page_bits, built_for, va_bits),
		.page_bits = page_bits,
		.va_bits = (unsigned)va_bits,
		.upper = true,
		// With pages of 64 KiB the high bits are there whatever the machine, and else zero.
		.pa_52 = page_bits == 16 || va_bits > 48,
		.held_mask = 1ull << (k->version < 0x060b ? 58 : 11),
	};
	return space_init(&k->mem, k->core->dump, &layout);
}

static int open_memory(struct linux_kernel *k)
{
	switch (k->arch) {
	case DUMP_X86_64: return open_x86(k);
	case DUMP_AARCH64: return open_arm64(k);
	default:
		return sonde_fail(-ENOTSUP, "Linux on this processor is not understood: x86-64 and "
					    "arm64 are");
	}
}

/*
 * arm64's direct map is the lower half of the kernel's addresses, before 5.4 the upper one. Where a
 * kernel for 52 bits runs with 48, PHYS_OFFSET is what belongs to the begin of the half for 52.
 */
static void add_direct_map_arm(struct linux_kernel *k)
{
	int64_t phys, built_for = k->mem.layout.va_bits;

	(void)vmcoreinfo_number(&k->info, "VA_BITS", &built_for); // else what tables translate
	if (!vmcoreinfo_number(&k->info, "PHYS_OFFSET", &phys) || built_for < 36 || built_for > 52)
		return;
	const uint64_t half = 1ull << (k->mem.layout.va_bits - 1);
	uint64_t base = UINT64_MAX << built_for, start = UINT64_MAX << k->mem.layout.va_bits;
	if (k->version < 0x0504)
		base = start = 0 - half;
	space_add_linear(&k->mem, start, start + half - 1, (uint64_t)phys + (start - base));
}

/* The direct map: also what page tables do not tell, where they are not in the dump. */
static void add_direct_map(struct linux_kernel *k)
{
	uint64_t base;

	if (k->arch == DUMP_AARCH64)
		add_direct_map_arm(k);
	else if (!linux_global(k, "page_offset_base", 8, &base))
		space_add_linear(&k->mem, base, base + X86_DIRECT_LEN, 0);
}

/* Where VMCOREINFO has the tables of symbols, since 6.0; false: it does not tell. */
static bool told_symbols(const struct vmcoreinfo *v, struct ksyms_places *ret)
{
	struct ksyms_places at = { 0 };

	if (!vmcoreinfo_symbol(v, "kallsyms_names", &at.names) ||
	    !vmcoreinfo_symbol(v, "kallsyms_num_syms", &at.num_syms) ||
	    !vmcoreinfo_symbol(v, "kallsyms_token_table", &at.token_table) ||
	    !vmcoreinfo_symbol(v, "kallsyms_token_index", &at.token_index) ||
	    !vmcoreinfo_symbol(v, "kallsyms_offsets", &at.offsets))
		return false;
	(void)vmcoreinfo_symbol(v, "kallsyms_relative_base", &at.relative_base); // gone in 7.0
	*ret = at;
	return true;
}

/* Symbols at places that were only guessed must at least agree with the one that is known. */
static int check_symbols(struct linux_kernel *k)
{
	uint64_t known;
	uint32_t i;

	if (!vmcoreinfo_symbol(&k->info, "_stext", &known) ||
	    (ksyms_named(&k->syms, "_stext", &i) && ksyms_address(&k->syms, i) == known))
		return 0;
	return sonde_fail(-EBADMSG, "its symbols are not where VMCOREINFO has them");
}

static int open_symbols(struct linux_kernel *k)
{
	struct ksyms_places at;
	uint64_t text;

	if (!told_symbols(&k->info, &at) &&
	    (!vmcoreinfo_symbol(&k->info, "_stext", &text) || ksyms_search(&k->mem, text, &at) < 0))
		return sonde_fail(
			-EBADMSG,
			"VMCOREINFO does not tell where symbols lie, nor were they found");
	int r = ksyms_load(&k->syms, &k->mem, &at);
	if (!r)
		r = check_symbols(k);
	if (r < 0)
		return r;
	if (!linux_symbol(k, "_stext", &k->text) || !linux_symbol(k, "_etext", &k->text_end))
		return sonde_fail(-EBADMSG, "its symbols do not tell where the code lies");
	k->end = UINT64_MAX;
	(void)linux_symbol(k, "_end", &k->end); // there in all kernels; else nothing is cut off
	if (!linux_symbol(k, "_sinittext", &k->init_text) ||
	    !linux_symbol(k, "_einittext", &k->init_text_end))
		k->init_text = k->init_text_end = k->text_end;
	uint32_t i;
	if (ksyms_named(&k->syms, "init_task", &i))
		return 0;
	// Without symbols of data, an address among them has none.
	k->end = k->init_text_end > k->text_end ? k->init_text_end : k->text_end;
	return linux_find_exports(k);
}

/* Types of a kernel that has no BTF in memory, of the file that was named or has its build-id. */
static int types_of_file(struct linux_kernel *k)
{
	char path[PATH_MAX];
	struct crash_image image;

	if (k->core->kernel_path)
		return ctypes_open_dwarf_mapped(k->core->kernel_path, &k->types);
	linux_kernel_image(k, &image);
	for (size_t i = 0; debug_find_kernel(&image, &i, path, sizeof(path));) {
		int r = ctypes_open_dwarf_mapped(path, &k->types);

		if (r == 0 || r == -ENOMEM)
			return r;
	}
	return -ENOENT;
}

static int read_btf(void *arg, size_t off, void *ret, size_t n)
{
	struct linux_kernel *k = arg;

	return space_read(&k->mem, k->btf_at + off, ret, n);
}

/*
 * In place, or as far as types are asked for: of several MB few are needed. A thin dump gets all of
 * them, so that others than those that it was made with can be asked for.
 */
static int open_btf(struct linux_kernel *k, uint64_t start, size_t len)
{
	const struct paged_from from = {
		.len = len,
		.in_page = start & 4095,
		.read = read_btf,
		.arg = k,
	};

	k->btf_at = start;
	int r = dump_watched(k->core->dump) ? space_lend(&k->mem, start, len, &k->btf)
					    : space_lend_in_place(&k->mem, start, len, &k->btf);
	if (r == -EFAULT || r == -ENODATA)
		return sonde_fail(r, "its types (BTF) are not in the dump");
	if (r < 0)
		return r;
	return k->btf.data ? ctypes_open_btf_lent(NULL, k->btf.data, k->btf.len, &k->types)
			   : ctypes_open_btf_paged(&from, &k->types);
}

/* BTF in memory, which costs nothing to open. */
static int types_of_memory(struct linux_kernel *k)
{
	uint64_t start, stop;

	int r = 0;
	if (!linux_symbol(k, "__start_BTF", &start) || !linux_symbol(k, "__stop_BTF", &stop))
		r = btf_search(&k->mem, k->text, &start, &stop);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || stop <= start || stop - start > BTF_MOST)
		return sonde_fail(-ENOTSUP, "its memory has no types (a kernel built without "
					    "CONFIG_DEBUG_INFO_BTF, or a dump without that part): "
					    "its file with debug information is needed, behind the "
					    "dump or below /usr/lib/debug");
	return open_btf(k, start, (size_t)(stop - start));
}

static int open_types(struct linux_kernel *k)
{
	int r = types_of_memory(k);

	if (r == 0 || r == -ENOMEM)
		return r;
	int from_file = types_of_file(k);
	if (from_file != -ENOENT || k->core->kernel_path)
		return from_file;
	// Why memory had none, which the search has said other words over.
	space_give_back(&k->btf);
	k->btf = (struct space_bytes){ 0 };
	return types_of_memory(k);
}

/* Code of the kernel itself is between the first entry and the end of what only booting needs. */
static int open_orc(struct linux_kernel *k)
{
	struct orc_table t = { .lo = k->text, .hi = k->text_end };
	uint64_t stop;

	int r = orc_init(&k->orc, k->types);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!linux_symbol(k, "__start_orc_unwind_ip", &t.ips) ||
	    !linux_symbol(k, "__stop_orc_unwind_ip", &stop) ||
	    !linux_symbol(k, "__start_orc_unwind", &t.entries) || stop <= t.ips ||
	    stop - t.ips > UINT32_MAX)
		return 0;
	if (k->init_text_end > t.hi)
		t.hi = k->init_text_end;
	t.n = (uint32_t)((stop - t.ips) / 4);
	orc_learn(&k->orc, &k->mem, &t);
	return orc_add(&k->orc, &t);
}

static int open_kernel(struct linux_kernel *k)
{
	int r = vmcoreinfo_find(k->core->dump, &k->core->found_at, &k->info);

	if (r < 0)
		return r;
	if (!vmcoreinfo_text(&k->info, "OSRELEASE", k->release, sizeof(k->release)))
		return sonde_fail(-EBADMSG, "VMCOREINFO without OSRELEASE");
	k->version = version_of(k->release);
	r = open_memory(k);
	if (!r)
		r = open_symbols(k);
	if (r < 0)
		return sonde_wrap(r, "Linux %s", k->release);
	add_direct_map(k);
	if (k->core->kernel_path)
		r = linux_check_file(k);
	if (!r)
		r = open_types(k);
	if (!r)
		r = open_orc(k);
	if (!r)
		r = linux_modules_load(k);
	if (!r)
		r = linux_cpus_load(k);
	if (k->core->ran_out ||
	    (k->types && ctypes_ran_out(k->types))) // then fields seemed not to be there
		r = sonde_fail(-ENOMEM, "out of memory");
	else if (!r && k->types && ctypes_broken(k->types))
		r = sonde_fail(-EBADMSG, "its types (BTF) cannot be read, or make no sense");
	return r < 0 ? sonde_wrap(r, "Linux %s", k->release) : 0;
}

static void kernel_free(struct linux_kernel *k)
{
	linux_modules_fini(&k->modules);
	orc_fini(&k->orc);
	ctypes_free(k->types);
	space_give_back(&k->btf);
	ksyms_fini(&k->syms);
	space_fini(&k->mem);
	vmcoreinfo_fini(&k->info);
	u64map_fini(&k->symbol_cache);
	free(k->names);
	free(k->named);
	free(k->cpus);
	free(k);
}
SONDE_DEFINE_AUTO(struct linux_kernel *, kernel_free)

static int linux_open(struct crash_core *c)
{
	sonde_auto(kernel_freep) struct linux_kernel *k = calloc(1, sizeof(*k));
	if (!k)
		return sonde_fail(-ENOMEM, "out of memory");
	k->core = c;
	k->arch = c->about->arch;
	int r = open_kernel(k);
	if (r < 0)
		return r;
	c->state = sonde_take(k);
	return 0;
}

static void linux_close(struct crash_core *c)
{
	kernel_free(c->state);
	c->state = NULL;
}

static bool linux_looks_like(struct dump *d, uint64_t *at)
{
	struct vmcoreinfo v = { 0 };

	if (vmcoreinfo_find(d, at, &v) < 0)
		return false;
	vmcoreinfo_fini(&v);
	return true;
}

static int system_read(struct crash_core *c, uint64_t va, void *ret, size_t n)
{
	return linux_read(linux_of(c), va, ret, n);
}

static struct ctypes *system_types(struct crash_core *c, const char *module)
{
	struct linux_kernel *k = linux_of(c);
	struct linux_module *m = module ? linux_module_named(k, module) : NULL;

	if (!module)
		return k->types;
	return m ? linux_module_types(k, m) : NULL;
}

static const char *system_module(struct crash_core *c, size_t i)
{
	const struct linux_modules *m = &linux_of(c)->modules;

	return i < m->n ? m->all[i].name : NULL;
}

const struct crash_system crash_linux = {
	.kind = DUMP_LINUX,
	.name = "Linux",
	.looks_like = linux_looks_like,
	.open = linux_open,
	.close = linux_close,
	.read = system_read,
	.read_user = linux_read_user,
	.user_stack = linux_user_stack,
	.user_name = linux_user_name,
	.symbol_at = linux_symbol_at,
	.symbol_named = linux_symbol_named,
	.each_symbol = linux_each_symbol,
	.image = linux_image,
	.section = linux_section,
	.types = system_types,
	.module = system_module,
	.percpu = linux_percpu,
	.tasks = linux_tasks,
	.stack = linux_stack,
	.log = linux_log,
	.verbs = linux_verbs,
};
