/* SPDX-License-Identifier: MIT */
/**
 * Where data lie that kallsyms does not tell of: by the kernel's file, if there is one; by what is
 * exported, by the types' list of per-CPU variables, and by going round lists of which one member
 * is known.
 */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/linux/kernel.h"
#include "sym/probe/elf_image.h"

enum { NAME_LEN = 64, MODULE_ALIGN = 64, AREA_MOST = 1 << 26, FILE_SYMBOLS_MOST = 1 << 22 };

#define IMAGE_MOST (1ull << 29) /* bytes of a kernel's code and data */

int linux_find_exports(struct linux_kernel *k)
{
	int r = exports_search(&k->mem, k->text, &k->exports);

	k->is_code_alone = true;
	return r == -ENOMEM ? r : 0; // one that exports nothing is told when a symbol is missing
}

/* Per-CPU variables are not moved with the rest: those of x86-64 begin at 0 of their part. */
static bool in_table(const struct linux_kernel *k, Elf *elf, Elf_Scn *section, const char *name,
		     uint64_t *ret)
{
	Elf_Data *data = elf_getdata(section, NULL);
	uint64_t moved = 0;
	GElf_Shdr head;
	GElf_Sym s;

	(void)vmcoreinfo_value(&k->info, "KERNELOFFSET", 16, &moved); // not told: not moved
	if (!data || !gelf_getshdr(section, &head) || !head.sh_entsize)
		return false;
	const size_t n = data->d_size / head.sh_entsize;
	for (size_t i = 0; i < n && i < FILE_SYMBOLS_MOST && gelf_getsym(data, (int)i, &s); i++) {
		const char *there = elf_strptr(elf, head.sh_link, s.st_name);

		if (s.st_shndx == SHN_UNDEF || !there || strcmp(there, name) != 0)
			continue;
		*ret = s.st_value + (s.st_value >> 63 ? moved : 0);
		return true;
	}
	return false;
}

/* The kernel's file, which was compared with the dump when that was opened. */
static bool file_symbol(const struct linux_kernel *k, const char *name, uint64_t *ret)
{
	struct elf_image m = { .fd = -1 };
	Elf_Scn *section = NULL;
	bool found = false;

	if (!k->core->kernel_path || elf_image_open_mapped(k->core->kernel_path, &m) < 0)
		return false;
	while (!found && (section = elf_nextscn(m.elf, section))) {
		GElf_Shdr head;

		found = gelf_getshdr(section, &head) && head.sh_type == SHT_SYMTAB &&
			in_table(k, m.elf, section, name, ret);
	}
	elf_image_fini(&m);
	return found;
}

/* One that is both exported and in the types tells where the part of all of them lies. */
static bool percpu_symbol(struct linux_kernel *k, const char *name, uint64_t *ret)
{
	static const char *const known[] = { "kstat", "kernel_cpustat", "softnet_data" };
	uint64_t off, at, at_off;

	if (!k->types || !ctypes_percpu(k->types, name, &off))
		return false;
	for (size_t i = 0; i < MEM_LEN(known); i++) {
		if (!exports_named(&k->exports, &k->mem, known[i], &at) ||
		    !ctypes_percpu(k->types, known[i], &at_off))
			continue;
		*ret = at - at_off + off;
		return true;
	}
	return false;
}

/* All caches for objects are in a list, whose head is the only one in the kernel's image. */
static bool slab_caches(struct linux_kernel *k, uint64_t *ret)
{
	uint64_t at, cache;
	struct kfield f;
	struct linux_list list;

	if (!exports_named(&k->exports, &k->mem, "names_cachep", &at) ||
	    linux_read_u64(k, at, &cache) < 0 ||
	    !kfield_find(k->types, "struct kmem_cache", "list", &f))
		return false;
	linux_list_begin(&list, cache + f.off);
	while (linux_list_next(k, &list)) {
		if (list.at - k->text < IMAGE_MOST) {
			*ret = list.at;
			return true;
		}
	}
	return false;
}

enum {
	LIST,
	NAME,
	KOBJECT_NAME,
	AREA_LIST,
	AREA_START,
	AREA_END,
	AREA_VM,
	VM_CALLER,
	FIELDS,
};

static const struct kfield_want wanted[FIELDS] = {
	[LIST] = { "struct module", "list" },
	[NAME] = { "struct module", "name" },
	[KOBJECT_NAME] = { "struct module", "mkobj.kobj.name" },
	[AREA_LIST] = { "struct vmap_area", "list" },
	[AREA_START] = { "struct vmap_area", "va_start" },
	[AREA_END] = { "struct vmap_area", "va_end" },
	[AREA_VM] = { "struct vmap_area", "vm" },
	[VM_CALLER] = { "struct vm_struct", "caller" },
};

/* Its name, and that of its folder in /sys, which is elsewhere; and neighbours that know it. */
static bool is_module(struct linux_kernel *k, uint64_t at, const struct kfield *f)
{
	char name[NAME_LEN], again[NAME_LEN];
	uint64_t next, back, text;

	if (linux_read_u64(k, at + f[LIST].off, &next) < 0 || !(next >> 63) || next % 8 ||
	    linux_read_u64(k, next + 8, &back) < 0 || back != at + f[LIST].off)
		return false;
	return space_string(&k->mem, at + f[NAME].off, name, sizeof(name)) > 0 &&
	       linux_read_field(k, at, &f[KOBJECT_NAME], &text) == 0 &&
	       space_string(&k->mem, text, again, sizeof(again)) > 0 && !strcmp(name, again);
}

/* Whether memory was taken for a module, by who took it. */
static bool is_for_module(struct linux_kernel *k, uint64_t area, const struct kfield *f)
{
	char name[KSYM_NAME_MOST];
	uint64_t vm, caller, len;
	uint32_t i;

	if (linux_read_field(k, area, &f[AREA_VM], &vm) < 0 ||
	    linux_read_field(k, vm, &f[VM_CALLER], &caller) < 0 ||
	    !ksyms_find(&k->syms, caller, &i, &len))
		return false;
	ksyms_name(&k->syms, i, name, NULL);
	return strstr(name, "module");
}

static bool module_in(struct linux_kernel *k, uint64_t area, const struct kfield *f, uint64_t *ret)
{
	uint64_t start = linux_field_or(k, area, &f[AREA_START], 0);
	uint64_t end = linux_field_or(k, area, &f[AREA_END], 0);

	if (!start || start % MODULE_ALIGN || end <= start || end - start > AREA_MOST)
		return false;
	for (; start < end; start += MODULE_ALIGN) {
		if (is_module(k, start, f)) {
			*ret = start;
			return true;
		}
	}
	return false;
}

/* From any module that is found in memory for modules, round the list to what is none. */
static bool modules(struct linux_kernel *k, uint64_t *ret)
{
	struct kfield f[FIELDS];
	struct linux_list areas, list;
	uint64_t head, module = 0;

	kfield_find_all(k->types, wanted, FIELDS, f);
	for (size_t i = 0; i < FIELDS; i++) {
		if (!f[i].type)
			return false;
	}
	if (!vmcoreinfo_symbol(&k->info, "vmap_area_list", &head))
		return false;
	linux_list_begin(&areas, head);
	while (!module && linux_list_next(k, &areas)) {
		const uint64_t area = areas.at - f[AREA_LIST].off;

		if (!is_for_module(k, area, f) || !module_in(k, area, f, &module))
			continue;
	}
	if (!module)
		return false;
	linux_list_begin(&list, module + f[LIST].off);
	while (linux_list_next(k, &list)) {
		if (!is_module(k, list.at - f[LIST].off, f)) {
			*ret = list.at;
			return true;
		}
	}
	return false;
}

/*
 * The first process is the idle one of the CPU that booted: its scheduling entity leads to that
 * CPU's queue, which must know it, and from there to where the queues lie among per-CPU variables.
 */
static bool runqueues(struct linux_kernel *k, uint64_t *ret)
{
	enum { TASK_QUEUE, TASK_CPU, QUEUE_RQ, RQ_QUEUE, RQ_IDLE, RQ_FIELDS };
	static const struct kfield_want want[RQ_FIELDS] = {
		[TASK_QUEUE] = { "struct task_struct", "se.cfs_rq" },
		[TASK_CPU] = { "struct task_struct", "thread_info.cpu|cpu" },
		[QUEUE_RQ] = { "struct cfs_rq", "rq" },
		[RQ_QUEUE] = { "struct rq", "cfs" },
		[RQ_IDLE] = { "struct rq", "idle" },
	};
	struct kfield f[RQ_FIELDS];
	uint64_t task, queue, rq, cpu, idle, offsets, offset;

	kfield_find_all(k->types, want, RQ_FIELDS, f);
	if (!linux_symbol(k, "init_task", &task) ||
	    !linux_symbol(k, "__per_cpu_offset", &offsets) ||
	    linux_read_field(k, task, &f[TASK_QUEUE], &queue) < 0 ||
	    linux_read_field(k, task, &f[TASK_CPU], &cpu) < 0 || cpu >= LINUX_CPUS_MOST ||
	    linux_read_u64(k, offsets + cpu * 8, &offset) < 0)
		return false;
	// Kernels without groups of tasks have one queue in the other, and no way back.
	if (f[QUEUE_RQ].type) {
		if (linux_read_field(k, queue, &f[QUEUE_RQ], &rq) < 0)
			return false;
	} else {
		rq = queue - f[RQ_QUEUE].off;
	}
	if (linux_read_field(k, rq, &f[RQ_IDLE], &idle) < 0 || idle != task)
		return false;
	*ret = rq - offset;
	return true;
}

bool linux_derived_symbol(struct linux_kernel *k, const char *name, uint64_t *ret)
{
	if (!k->is_code_alone)
		return false;
	if (file_symbol(k, name, ret) || exports_named(&k->exports, &k->mem, name, ret) ||
	    percpu_symbol(k, name, ret))
		return true;
	if (!strcmp(name, "slab_caches"))
		return slab_caches(k, ret);
	if (!strcmp(name, "runqueues"))
		return runqueues(k, ret);
	return !strcmp(name, "modules") && modules(k, ret);
}

int linux_fail_place(const struct linux_kernel *k, const char *what)
{
	if (k->is_code_alone)
		return sonde_fail(-ENOTSUP,
				  "the symbols of this kernel are of code alone (it was built "
				  "without CONFIG_KALLSYMS_ALL), and do not tell where %s are: its "
				  "file, behind the dump, would",
				  what);
	return sonde_fail(-ENOTSUP, "how this kernel keeps %s is not understood", what);
}
