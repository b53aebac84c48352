/* SPDX-License-Identifier: MIT */
/** Structs, tables and texts of a kernel, where one would have them. */
#include "made_kernel.h"

#include <bpf/btf.h>
#include <elf.h>
#include <sonde/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "made_types.h"

enum {
	MEMORY = 0x20000,
	PER_CPU = 0x400, /* bytes of a CPU's own */
	NOTES = 0x40,	 /* where in them its registers are */
	STACK = 0x1000,
	USER_VA = 0x400000,
	FIRST_ID = 14, /* of messages */
	DESC_BITS = 3,
	TEXT_BITS = 9,
};

#define X86_MAP 0xffffffff80000000ull

static bool is_arm(const struct made_kernel *k)
{
	return k->how.layout.tables == SPACE_ARM64;
}

uint64_t made_kernel_take(struct made_kernel *k, uint64_t n)
{
	uint64_t va = k->va + k->used;

	k->used += (n + 15) & ~15ull;
	sonde_check(k->used <= MEMORY);
	return va;
}

void made_kernel_put(struct made_kernel *k, uint64_t va, const void *data, size_t n)
{
	image_put(&k->image, k->pa + (va - k->va), data, n);
}

void made_kernel_put64(struct made_kernel *k, uint64_t va, uint64_t v)
{
	made_kernel_put(k, va, &v, sizeof(v));
}

void made_kernel_put32(struct made_kernel *k, uint64_t va, uint32_t v)
{
	made_kernel_put(k, va, &v, sizeof(v));
}

uint64_t made_kernel_code(const struct made_kernel *k, unsigned f, unsigned off)
{
	return k->va + (f + 1) * FUNCTION_SIZE + off;
}

uint64_t made_kernel_signed(const struct made_kernel *k, uint64_t pc)
{
	return (pc & ~k->how.pac_mask) | (0x5a5a5a5a5a5a5a5aull & k->how.pac_mask);
}

static void symbol(struct made_kernel *k, const char *name, uint64_t va)
{
	sonde_check(k->n_syms < KERNEL_SYMS);
	k->syms[k->n_syms].va = va;
	k->syms[k->n_syms++].name = name;
}

static uint64_t variable(struct made_kernel *k, const char *name, uint64_t n)
{
	uint64_t va = made_kernel_take(k, n);

	symbol(k, name, va);
	return va;
}

static void list(struct made_kernel *k, const uint64_t *nodes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		made_kernel_put64(k, nodes[i], nodes[(i + 1) % n]);
		made_kernel_put64(k, nodes[i] + 8, nodes[(i + n - 1) % n]);
	}
}

static void make_code(struct made_kernel *k)
{
	static const char *const names[F_FUNCTIONS] = { "outer",      "middle", "inner",
							"inner.cold", "leaf",	"vector" };

	// Some bytes before the first, so that it is not called by the name of the begin.
	symbol(k, "_stext", made_kernel_take(k, (F_FUNCTIONS + 1) * FUNCTION_SIZE));
	for (unsigned i = 0; i < F_FUNCTIONS; i++)
		symbol(k, names[i], made_kernel_code(k, i, 0));
	symbol(k, "_etext", made_kernel_code(k, F_FUNCTIONS, 0));
}

/* Each function keeps a frame pointer, but "leaf"; "vector" has the interrupted one's registers. */
static void make_orc(struct made_kernel *k)
{
	enum { SP = 5, BP = 4, PREV_SP = 1, END = 1, CALL = 2, REGS = 3 };
	uint64_t ips = variable(k, "__start_orc_unwind_ip", F_FUNCTIONS * 4);

	symbol(k, "__stop_orc_unwind_ip", ips + F_FUNCTIONS * 4);
	uint64_t entries = variable(k, "__start_orc_unwind", F_FUNCTIONS * 6ul);
	for (unsigned f = 0; f < F_FUNCTIONS; f++) {
		uint16_t e[3] = { 16, (uint16_t)-16, BP | PREV_SP << 4 | CALL << 8 };

		if (f == F_LEAF || f == F_VECTOR) {
			e[0] = f == F_LEAF ? 8 : 0;
			e[2] = f == F_LEAF ? SP | CALL << 8 : SP | REGS << 8;
		} else if (f == F_OUTER) {
			e[2] = END << 8;
		}
		made_kernel_put32(k, ips + f * 4,
				  (uint32_t)(made_kernel_code(k, f, 0) - (ips + f * 4)));
		made_kernel_put(k, entries + f * 6ul, e, sizeof(e));
	}
}

static void make_cpus(struct made_kernel *k)
{
	made_kernel_put32(k, variable(k, "nr_cpu_ids", 4), 2);
	made_kernel_put64(k, variable(k, "__cpu_online_mask", 8),
			  k->how.online ? k->how.online : 3);
	made_kernel_put64(k, variable(k, "__cpu_active_mask", 8),
			  k->how.active ? k->how.active : 3);
	made_kernel_put64(k, variable(k, "__per_cpu_offset", 16) + 8, PER_CPU);
	uint64_t own = made_kernel_take(k, 2 * PER_CPU);
	symbol(k, "runqueues", own);
	made_kernel_put64(k, variable(k, "crash_notes", 8), own + NOTES);
	made_kernel_put64(k, own, k->tasks[T_IDLE]);
	made_kernel_put64(k, own + 8, k->tasks[T_IDLE]);
	made_kernel_put64(k, own + PER_CPU, k->tasks[T_RUNS]);
	made_kernel_put64(k, own + PER_CPU + 8, k->tasks[T_IDLE_1]);
}

void made_kernel_regs(struct made_kernel *k, unsigned cpu, const uint64_t *regs)
{
	const uint32_t head[3] = { 5, 392, NT_PRSTATUS };
	uint64_t at = 0;

	for (size_t i = 0; i < k->n_syms; i++)
		at = strcmp(k->syms[i].name, "runqueues") != 0 ? at : k->syms[i].va;
	at += cpu * PER_CPU + NOTES;
	made_kernel_put(k, at, head, sizeof(head));
	made_kernel_put(k, at + 12, "CORE", 5);
	made_kernel_put(k, at + 20 + 112, regs, 34 * 8);
}

void made_kernel_sleep(struct made_kernel *k, unsigned task, uint64_t pc, uint64_t sp, uint64_t fp)
{
	uint64_t at = k->tasks[task] + TASK_THREAD;

	if (is_arm(k)) {
		made_kernel_put64(k, at, fp);
		made_kernel_put64(k, at + 8, sp);
		made_kernel_put64(k, at + 16, pc);
		return;
	}
	made_kernel_put64(k, at + 24, sp - 16); // struct inactive_task_frame lies there
	made_kernel_put64(k, sp - 16, fp);
	made_kernel_put64(k, sp - 8, pc);
}

static void make_task(struct made_kernel *k, unsigned i)
{
	static const struct {
		const char *comm;
		uint32_t pid, tgid, state, flags, cpu;
	} as[KERNEL_TASKS] = {
		[T_IDLE] = { "swapper/0", 0, 0, 0, 0x200000, 0 },
		[T_IDLE_1] = { "swapper/1", 0, 0, 0, 0x200000, 1 },
		[T_INIT] = { "init", 1, 1, 1, 0, 0 },
		[T_THREAD] = { "second", 4, 1, 1, 0, 0 },
		[T_KTHREAD] = { "kthreadd", 2, 2, 0x402, 0x200000, 0 },
		[T_RUNS] = { "busy", 5, 5, 0, 0, 1 },
		[T_NEW] = { "sixteen letters", 6, 6, 2, 0, 1 },
	};
	uint64_t t = made_kernel_take(k, TASK_SIZE);

	k->tasks[i] = t;
	k->stacks[i] = made_kernel_take(k, STACK);
	k->signals[i] = as[i].pid == as[i].tgid ? made_kernel_take(k, 16) : k->signals[T_INIT];
	made_kernel_put32(k, t + TASK_PID, as[i].pid);
	made_kernel_put32(k, t + TASK_PID + 4, as[i].tgid);
	made_kernel_put(k, t + TASK_COMM, as[i].comm, strlen(as[i].comm));
	made_kernel_put32(k, t + TASK_STATE, as[i].state);
	made_kernel_put32(k, t + TASK_FLAGS, as[i].flags);
	made_kernel_put32(k, t + TASK_CPU, as[i].cpu);
	made_kernel_put64(k, t + TASK_PARENT, k->tasks[T_IDLE]);
	made_kernel_put64(k, t + TASK_SIGNAL, k->signals[i]);
	// A stack of three functions, whose frames say who called them.
	uint64_t fp = k->stacks[i] + STACK - 0x300, next = fp + 0x40;
	made_kernel_put64(k, fp, next);
	made_kernel_put64(k, fp + 8, made_kernel_signed(k, made_kernel_code(k, F_MIDDLE, 0x20)));
	made_kernel_put64(k, next, next + 0x40);
	made_kernel_put64(k, next + 8, made_kernel_signed(k, made_kernel_code(k, F_OUTER, 0x30)));
	made_kernel_sleep(k, i, made_kernel_code(k, F_INNER, 0x10), fp - 0x20, fp);
}

static void make_tasks(struct made_kernel *k)
{
	for (unsigned i = 0; i < KERNEL_TASKS; i++)
		make_task(k, i);
	symbol(k, "init_task", k->tasks[T_IDLE]);
	const uint64_t all[] = { k->tasks[T_IDLE], k->tasks[T_INIT], k->tasks[T_KTHREAD],
				 k->tasks[T_RUNS], k->tasks[T_NEW] };
	list(k, all, MEM_LEN(all));
	for (unsigned i = 0; i < KERNEL_TASKS; i++) {
		const uint64_t threads[] = { k->signals[i], k->tasks[i] + TASK_THREAD_NODE };

		list(k, threads, MEM_LEN(threads));
	}
	const uint64_t of_init[] = { k->signals[T_INIT], k->tasks[T_INIT] + TASK_THREAD_NODE,
				     k->tasks[T_THREAD] + TASK_THREAD_NODE };
	list(k, of_init, MEM_LEN(of_init));
}

/* Page tables of the first process. */
static void make_user(struct made_kernel *k)
{
	const uint64_t kernel_root = k->image.layout.root, page = 1ull << k->how.layout.page_bits;
	uint64_t mm = made_kernel_take(k, 16), pgd = k->va + MEMORY + page;

	uint64_t root = image_pages(&k->image, 1), pa = image_pages(&k->image, 1);
	image_map(&k->image, pgd & ~(page - 1), root, k->how.layout.page_bits);
	k->image.layout.root = root;
	image_map(&k->image, USER_VA, pa, k->how.layout.page_bits);
	k->image.layout.root = kernel_root;
	image_put(&k->image, pa + 8, "made in user space", 19);
	k->user_page = USER_VA;
	made_kernel_put64(k, mm, pgd & ~(page - 1));
	made_kernel_put64(k, mm + 8, 3);
	made_kernel_put64(k, k->tasks[T_INIT] + TASK_MM, mm);
}

/* Texts lie behind one another; the last but one begins before the ring's end and did not fit. */
static void make_log(struct made_kernel *k)
{
	uint64_t ring = made_kernel_take(k, 64), descs = made_kernel_take(k, 24 << DESC_BITS),
		 infos = made_kernel_take(k, 16 << DESC_BITS),
		 data = made_kernel_take(k, 1 << TEXT_BITS), at = (4 << TEXT_BITS) - 0x58;

	for (uint64_t i = 0; i < KERNEL_MESSAGES; i++) {
		const uint64_t id = FIRST_ID + i, slot = id & ((1 << DESC_BITS) - 1);
		char text[64];
		int len = snprintf(text, sizeof(text), "this is message %u", (unsigned)i);
		uint64_t n = 8 + (((uint64_t)len + 7) & ~7ull), begin = at, from;

		from = at & ((1 << TEXT_BITS) - 1);
		if (from + n > 1 << TEXT_BITS) {
			from = 0;
			at = ((at >> TEXT_BITS) + 1) << TEXT_BITS;
		}
		at += n;
		made_kernel_put64(k, data + from, id);
		made_kernel_put(k, data + from + 8, text, (size_t)len);
		made_kernel_put64(k, descs + slot * 24, 2ull << 62 | id);
		made_kernel_put64(k, descs + slot * 24 + 8, begin);
		made_kernel_put64(k, descs + slot * 24 + 16, at);
		made_kernel_put64(k, infos + slot * 16, 1000 * i);
		made_kernel_put32(k, infos + slot * 16 + 8, (uint32_t)len | 6 << 16);
	}
	made_kernel_put32(k, ring, DESC_BITS);
	made_kernel_put64(k, ring + 8, descs);
	made_kernel_put64(k, ring + 16, infos);
	made_kernel_put64(k, ring + 24, FIRST_ID + KERNEL_MESSAGES - 1);
	made_kernel_put64(k, ring + 32, FIRST_ID);
	made_kernel_put32(k, ring + 40, TEXT_BITS);
	made_kernel_put64(k, ring + 48, data);
	made_kernel_put64(k, variable(k, "prb", 8), ring);
	k->ring = ring;
}

static void make_module(struct made_kernel *k)
{
	static const char strings[] = "\0made_begin\0made_end";
	uint64_t code = made_kernel_take(k, 0x100), m = made_kernel_take(k, MODULE_SIZE),
		 head = variable(k, "modules", 16), table = made_kernel_take(k, 24);
	const Elf64_Sym syms[3] = {
		[1] = { .st_name = 1, .st_shndx = 1, .st_value = code, .st_size = 0x40 },
		[2] = { .st_name = 12, .st_shndx = 1, .st_value = code + 0x40, .st_size = 0x20 },
	};
	const uint64_t nodes[] = { head, m };

	list(k, nodes, 2);
	made_kernel_put(k, m + MODULE_NAME, "made", 4);
	made_kernel_put64(k, m + MODULE_MEM, code);
	made_kernel_put32(k, m + MODULE_MEM + 8, 0x100);
	made_kernel_put64(k, m + MODULE_KALLSYMS, table);
	uint64_t symtab = made_kernel_take(k, sizeof(syms)),
		 strtab = made_kernel_take(k, sizeof(strings));
	made_kernel_put(k, symtab, syms, sizeof(syms));
	made_kernel_put(k, strtab, strings, sizeof(strings));
	made_kernel_put64(k, table, symtab);
	made_kernel_put64(k, table + 8, MEM_LEN(syms));
	made_kernel_put64(k, table + 16, strtab);
	k->module = m;
}

static void make_types(struct made_kernel *k)
{
	uint32_t len;

	k->btf = made_types(k->how.meta);
	const void *raw = btf__raw_data(k->btf, &len);
	uint64_t at = variable(k, "__start_BTF", len);
	made_kernel_put(k, at, raw, len);
	symbol(k, "__stop_BTF", at + len);
}

/* The kernel's copy of a module's types, and an object of one of them in the module's memory. */
static void make_module_types(struct made_kernel *k)
{
	struct btf *b = made_module_types(k->btf);
	uint64_t entry = made_kernel_take(k, 32), btf = made_kernel_take(k, 16),
		 head = variable(k, "btf_modules", 16), thing = variable(k, "made_thing", 24);
	const uint64_t nodes[] = { head, entry };
	uint32_t len;

	const void *raw = btf__raw_data(b, &len);
	uint64_t at = made_kernel_take(k, len);
	made_kernel_put(k, at, raw, len);
	list(k, nodes, 2);
	made_kernel_put64(k, entry + 16, k->module);
	made_kernel_put64(k, entry + 24, btf);
	made_kernel_put64(k, btf, at);
	made_kernel_put32(k, btf + 8, len);
	made_kernel_put64(k, thing, k->tasks[T_INIT]);
	made_kernel_put64(k, thing + 8, k->module + MODULE_NAME);
	made_kernel_put32(k, thing + 16, 4711);
	btf__free(b);
}

static void say(struct made_kernel *k, const char *fmt, ...) SONDE_PRINTF(2, 3);
static void say(struct made_kernel *k, const char *fmt, ...)
{
	size_t n = strlen(k->info);
	va_list ap;

	va_start(ap, fmt);
	int r = vsnprintf(k->info + n, sizeof(k->info) - n, fmt, ap);
	va_end(ap);
	sonde_check(r >= 0 && (size_t)r < sizeof(k->info) - n);
}

static int by_va(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b; // the address comes first

	return *x < *y ? -1 : *x > *y;
}

static void place(struct made_kernel *k, const char *name, const void *data, size_t n)
{
	uint64_t va = made_kernel_take(k, n);

	made_kernel_put(k, va, data, n);
	say(k, "SYMBOL(kallsyms_%s)=%llx\n", name, (unsigned long long)va);
}

/* Each token is one letter. */
static void make_kallsyms(struct made_kernel *k)
{
	uint8_t names[KERNEL_SYMS * 32], tokens[512] = { 0 };
	uint16_t index[256];
	uint32_t n = (uint32_t)k->n_syms, offsets[KERNEL_SYMS];
	size_t len = 0;

	symbol(k, "_end", k->va + MEMORY);
	n++;
	qsort(k->syms, k->n_syms, sizeof(k->syms[0]), by_va);
	for (unsigned i = 0; i < 256; i++) {
		index[i] = (uint16_t)(i ? 2 * i - 1 : 0);
		tokens[index[i]] = (uint8_t)i;
	}
	for (size_t i = 0; i < n; i++) {
		size_t l = strlen(k->syms[i].name);

		names[len++] = (uint8_t)(l + 1);
		names[len++] = 'T';
		memcpy(names + len, k->syms[i].name, l);
		len += l;
		offsets[i] = (uint32_t)(k->syms[i].va - k->va);
	}
	place(k, "names", names, len);
	place(k, "token_table", tokens, sizeof(tokens));
	place(k, "token_index", index, sizeof(index));
	place(k, "offsets", offsets, n * 4);
	place(k, "num_syms", &n, sizeof(n));
	place(k, "relative_base", &k->va, sizeof(k->va));
}

void made_kernel_init(struct made_kernel *k, const struct made_kernel_how *how)
{
	const uint64_t page = 1ull << how->layout.page_bits;

	*k = (struct made_kernel){ .how = *how };
	image_init(&k->image, &how->layout);
	k->pa = image_pages(&k->image, MEMORY / page);
	k->va = is_arm(k) ? UINT64_MAX << (how->layout.va_bits - 1) : X86_MAP + k->pa;
	for (uint64_t off = 0; off < MEMORY; off += page)
		image_map(&k->image, k->va + off, k->pa + off, how->layout.page_bits);
	make_code(k);
	make_tasks(k);
	make_cpus(k);
	make_user(k);
	make_log(k);
	make_module(k);
	make_types(k);
	make_module_types(k);
	if (!is_arm(k))
		make_orc(k);
}

void made_kernel_fini(struct made_kernel *k)
{
	btf__free(k->btf);
	image_fini(&k->image);
}

void made_kernel_write(struct made_kernel *k)
{
	const struct space_layout *l = &k->how.layout;
	const uint64_t offset = k->va - k->pa;

	say(k, "OSRELEASE=6.12.0-made\nPAGESIZE=%u\n", 1u << l->page_bits);
	if (is_arm(k)) {
		say(k, "NUMBER(VA_BITS)=%u\nNUMBER(TCR_EL1_T1SZ)=0x%x\n", l->va_bits,
		    64 - l->va_bits);
		say(k, "NUMBER(kimage_voffset)=0x%llx\nNUMBER(KERNELPACMASK)=0x%llx\n",
		    (unsigned long long)offset, (unsigned long long)k->how.pac_mask);
		say(k, "SYMBOL(swapper_pg_dir)=%llx\n",
		    (unsigned long long)k->image.layout.root + offset);
	} else {
		say(k, "NUMBER(phys_base)=0\nNUMBER(pgtable_l5_enabled)=%d\n", l->va_bits == 57);
		say(k, "SYMBOL(init_top_pgt)=%llx\n",
		    (unsigned long long)k->image.layout.root + X86_MAP);
	}
	make_kallsyms(k);
	if (k->how.more_info)
		say(k, "%s", k->how.more_info);
	dump_close(image_open(&k->image, k->info));
}

struct crash_core *made_kernel_open(struct made_kernel *k)
{
	struct crash_core *c = NULL;

	made_kernel_write(k);
	const char *path = k->image.elf.path;
	if (crash_open(&path, 1, NULL, &c) < 0)
		(void)fprintf(stderr, "%s\n", sonde_err_str());
	sonde_check(c);
	return c;
}
