/* SPDX-License-Identifier: MIT */
/** Stacks of programs by their frame pointers, and the files that their code is of. */
#include "crash/linux/user.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "crash/linux/file/path.h"
#include "crash/linux/kfield.h"
#include "crash/linux/unwind.h"
#include "crash/walk/walk.h"

enum { AREAS_MOST = 1 << 20, PATH_MOST = 4096, STACK_MOST = 1 << 20 };

/* Areas hang in a maple tree; before Linux 6.1 they were chained. */
int linux_each_area(struct linux_kernel *k, uint64_t task,
		    int (*f)(void *arg, uint64_t index, uint64_t area), void *arg,
		    const char **ret_cut)
{
	struct walk_over over = { .kind = WALK_MAPLE, .limit = AREAS_MOST };
	struct kfield mm, areas, next;

	*ret_cut = NULL;
	if (!kfield_find(k->types, "struct task_struct", "mm", &mm))
		return 0;
	uint64_t space = linux_field_or(k, task, &mm, 0);
	if (!space)
		return 0; // the kernel's own have none
	if (!kfield_find(k->types, "struct mm_struct", "mm_mt", &areas)) {
		if (!kfield_find(k->types, "struct mm_struct", "mmap", &areas) ||
		    !kfield_find(k->types, "struct vm_area_struct", "vm_next", &next)) {
			*ret_cut = "types do not tell where areas of memory are";
			return 0;
		}
		over.kind = WALK_CHAIN;
		over.link = next.off;
	}
	over.head = space + areas.off;
	return crash_walk(k->core, &over, f, arg, ret_cut);
}

/* Bytes of a thread's stack of the kernel's: as many as the first one has. 0: not known. */
static uint64_t stack_size(struct linux_kernel *k)
{
	static const char *const ends[][2] = { { "__start_init_stack", "__end_init_stack" },
					       { "__start_init_task", "__end_init_task" } };
	uint64_t start, end;

	for (size_t i = 0; i < MEM_LEN(ends); i++) {
		if (linux_symbol(k, ends[i][0], &start) && linux_symbol(k, ends[i][1], &end) &&
		    end > start && end - start <= STACK_MOST)
			return end - start;
	}
	return 0;
}

/*
 * Where the kernel's stack could not be walked to its end: registers of user code lie there, two
 * words before the end where the kernel may use FRED.
 */
static bool registers(struct linux_kernel *k, const struct crash_task *t, struct linux_regs *ret)
{
	uint64_t size = stack_size(k), regs = kfield_sizeof(k->types, "struct pt_regs"), at;
	unsigned n = k->arch == DUMP_AARCH64 ? ARM_PSTATE + 1 : X86_REGS;
	struct kfield stack;

	if (regs < n * sizeof(uint64_t) || regs + 16 > size ||
	    !kfield_find(k->types, "struct task_struct", "stack", &stack) ||
	    linux_read_field(k, t->addr, &stack, &at) < 0)
		return false;
	for (unsigned behind = 0; behind <= 16; behind += 16) {
		*ret = (struct linux_regs){ 0 };
		if (linux_read(k, at + size - regs - behind, ret->r, n * sizeof(uint64_t)) == 0 &&
		    unwind_is_user(k, ret) && ret->r[k->arch == DUMP_AARCH64 ? ARM_PC : X86_IP])
			return true;
	}
	return false;
}

/* Where user code was, and its frame pointer. */
static bool begin(struct linux_kernel *k, const struct crash_task *t, uint64_t *ret_pc,
		  uint64_t *ret_fp)
{
	bool arm = k->arch == DUMP_AARCH64;
	struct crash_stack stack = { 0 };
	struct linux_regs regs;

	if (t->is_kernel)
		return false;
	bool walked = linux_stack(k->core, t, &stack) == 0 && stack.user_pc;
	*ret_pc = stack.user_pc;
	*ret_fp = stack.user_fp;
	crash_stack_fini(&stack);
	if (walked)
		return true;
	if (!registers(k, t, &regs))
		return false;
	*ret_pc = regs.r[arm ? ARM_PC : X86_IP];
	*ret_fp = regs.r[arm ? ARM_FP : X86_BP];
	return true;
}

int linux_user_stack(struct crash_core *c, const struct crash_task *t, uint64_t *ret, size_t n)
{
	uint64_t pc, fp, pair[2];
	size_t found = 0;

	if (!begin(linux_of(c), t, &pc, &fp))
		return -ENODATA;
	if (n)
		ret[found++] = pc;
	// A frame begins with the caller's frame, and where that goes on; callers lie above.
	while (found < n && fp && !(fp % 8) && linux_read_user(c, t, fp, pair, sizeof(pair)) == 0 &&
	       pair[1]) {
		ret[found++] = pair[1];
		if (pair[0] <= fp)
			break;
		fp = pair[0];
	}
	return (int)found;
}

/** A search for the area that an address is in. */
struct search {
	struct linux_kernel *k;
	uint64_t addr;
	struct kfield start, end, file, off;
	uint64_t found; /* the area; 0: none so far */
};

static int look(void *arg, uint64_t index, uint64_t area)
{
	struct search *s = arg;

	(void)index;
	if (s->addr < linux_field_or(s->k, area, &s->start, UINT64_MAX) ||
	    s->addr >= linux_field_or(s->k, area, &s->end, 0))
		return 0;
	s->found = area;
	return 1;
}

static bool area_path(struct linux_kernel *k, uint64_t file, char *ret, size_t cap)
{
	struct path_fields fields;
	struct kfield dentry, mnt;

	if (!file || !path_fields_find(k, &fields) ||
	    !kfield_find(k->types, "struct file", "f_path.dentry", &dentry) ||
	    !kfield_find(k->types, "struct file", "f_path.mnt", &mnt))
		return false;
	path_of(k, &fields, linux_field_or(k, file, &dentry, 0), linux_field_or(k, file, &mnt, 0),
		ret, cap);
	return true;
}

bool linux_user_name(struct crash_core *c, const struct crash_task *t, uint64_t addr,
		     struct strbuf *ret)
{
	struct linux_kernel *k = linux_of(c);
	struct search s = { .k = k, .addr = addr };
	char path[PATH_MOST];
	const char *cut;

	if (!kfield_find(k->types, "struct vm_area_struct", "vm_start", &s.start) ||
	    !kfield_find(k->types, "struct vm_area_struct", "vm_end", &s.end) ||
	    !kfield_find(k->types, "struct vm_area_struct", "vm_file", &s.file) ||
	    !kfield_find(k->types, "struct vm_area_struct", "vm_pgoff", &s.off) ||
	    linux_each_area(k, t->addr, look, &s, &cut) < 0 || !s.found ||
	    !area_path(k, linux_field_or(k, s.found, &s.file, 0), path, sizeof(path)))
		return false;
	// Pages are numbered from the file's begin.
	uint64_t off = addr - linux_field_or(k, s.found, &s.start, 0) +
		       (linux_field_or(k, s.found, &s.off, 0) << k->mem.layout.page_bits);
	strbuf_fmt(ret, "%s+0x%" PRIx64, path, off);
	return true;
}
