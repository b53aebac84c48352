/* SPDX-License-Identifier: MIT */
/** Opening a dead FreeBSD kernel: symbols, memory, and what it exports of its structs. */
#include "crash/freebsd/kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/dump/minidump.h"
#include "crash/freebsd/freebsd.h"
#include "crash/freebsd/show/show.h"
#include "sym/ctype.h"

/* Over page bounds, and wherever the memory is not lent. */
static __attribute__((noinline)) int read_by_steps(struct crash_core *c, uint64_t va, uint8_t *ret,
						   size_t n)
{
	struct freebsd_kernel *k = freebsd_of(c);

	if (!k->minidump)
		return k->space.dump ? space_read(&k->space, va, ret, n) : -EFAULT;
	while (n) {
		uint64_t pa, len;

		int r = minidump_address(c->dump, va, &pa, &len);
		if (r < 0)
			return r;
		size_t some = len < n ? len : n;
		r = dump_read(c->dump, pa, ret, some);
		if (r < 0)
			return r;
		va += some;
		ret += some;
		n -= some;
	}
	return 0;
}

// A pointer is what is read most. Short, so that the processor is at the next read while memory of
// this one comes.
int freebsd_read(struct crash_core *c, uint64_t va, void *ret, size_t n)
{
	uint64_t there;
	const uint8_t *lent = freebsd_of(c)->minidump ? minidump_lend(c->dump, va, &there) : NULL;

	if (!lent || n > there)
		return read_by_steps(c, va, ret, n);
	if (n == 8)
		memcpy(ret, lent, 8);
	else
		memcpy(ret, lent, n);
	return 0;
}

static int read_user(struct crash_core *c, const struct crash_task *t, uint64_t va, void *ret,
		     size_t n)
{
	(void)c, (void)t, (void)va, (void)ret, (void)n;
	return sonde_fail(-ENODATA, "dumps of FreeBSD leave out what processes have");
}

int freebsd_pointer(struct freebsd_kernel *k, uint64_t va, uint64_t *ret)
{
	return crash_read_uint(k->core, va, k->pointer, ret);
}

bool freebsd_symbol(const struct freebsd_kernel *k, const char *name, uint64_t *ret)
{
	const struct bsd_symbol *s = bsd_symbols_named(&k->syms, name);

	if (s)
		*ret = s->start;
	return s != NULL;
}

int freebsd_int(struct freebsd_kernel *k, const char *name, int32_t *ret)
{
	uint64_t at, v;

	if (!freebsd_symbol(k, name, &at))
		return -ENOENT;
	int r = crash_read_uint(k->core, at, 4, &v);
	if (r < 0)
		return r;
	*ret = (int32_t)v;
	return 0;
}

static struct crash_symbol shown(const struct bsd_symbol *s)
{
	return (struct crash_symbol){ .name = s->name, .start = s->start, .size = s->size };
}

bool freebsd_symbol_at(struct crash_core *c, uint64_t addr, struct crash_symbol *ret)
{
	const struct bsd_symbol *s = bsd_symbols_at(&freebsd_of(c)->syms, addr);

	if (s)
		*ret = shown(s);
	return s != NULL;
}

static bool symbol_named(struct crash_core *c, const char *name, struct crash_symbol *ret)
{
	const struct bsd_symbol *s = bsd_symbols_named(&freebsd_of(c)->syms, name);

	if (s)
		*ret = shown(s);
	return s != NULL;
}

static int each_symbol(struct crash_core *c, int (*f)(void *arg, const struct crash_symbol *s),
		       void *arg)
{
	const struct bsd_symbols *all = &freebsd_of(c)->syms;
	int r = 0;

	for (size_t i = 0; i < all->n && !r; i++) {
		struct crash_symbol s = shown(&all->all[i]);

		r = f(arg, &s);
	}
	return r;
}

static struct ctypes *types(struct crash_core *c, const char *module)
{
	struct freebsd_kernel *k = freebsd_of(c);

	if (module)
		return NULL;
	if (!k->types_sought && c->kernel_path) {
		k->types_sought = true;
		// CTF is made to be read fast. A kernel with neither has no types: not a failure.
		if (ctypes_open_ctf(c->kernel_path, &k->types) < 0 &&
		    ctypes_open_dwarf_mapped(c->kernel_path, &k->types) < 0)
			k->types = NULL;
	}
	return k->types;
}

static const char *const offset_names[FREEBSD_OFFSETS] = {
	[PROC_PID] = "proc_off_p_pid",		[PROC_COMM] = "proc_off_p_comm",
	[PROC_LIST] = "proc_off_p_list",	[PROC_THREADS] = "proc_off_p_threads",
	[THREAD_TID] = "thread_off_td_tid",	[THREAD_NAME] = "thread_off_td_name",
	[THREAD_ONCPU] = "thread_off_td_oncpu", [THREAD_PCB] = "thread_off_td_pcb",
	[THREAD_PLIST] = "thread_off_td_plist", [PCB_SIZE] = "pcb_size",
};

static void read_offsets(struct freebsd_kernel *k)
{
	for (unsigned i = 0; i < FREEBSD_OFFSETS; i++) {
		int32_t v = 0;

		if (freebsd_int(k, offset_names[i], &v) < 0 || v < 0)
			k->missing = offset_names[i];
		k->offset[i] = (uint32_t)v;
	}
}

/*
 * A full dump has page tables like the machine's own. The kernel's first address is physical 0, as
 * the loader put it, and the top table's physical address lies in KPML4phys.
 */
static int open_full(struct freebsd_kernel *k)
{
	uint64_t base, at, root = 0;

	if (!k->has_symbols)
		return 0;
	if (k->core->about->arch != DUMP_X86_64)
		return sonde_fail(-ENOTSUP, "full dumps are read of amd64 only; minidumps of all");
	if (!freebsd_symbol(k, "kernbase", &base) || !freebsd_symbol(k, "KPML4phys", &at))
		return sonde_fail(-EBADMSG, "the kernel's file has no symbols kernbase, KPML4phys");
	int r = dump_read(k->core->dump, at - base, &root, sizeof(root));
	if (r < 0)
		return sonde_wrap(r, "KPML4phys");
	struct space_layout l = {
		.tables = SPACE_X86_64, .root = root, .page_bits = 12, .va_bits = 48
	};

	return space_init(&k->space, k->core->dump, &l);
}

/* Whether the file's build-id is where the file says, in the dump. What is not dumped says nothing.
 */
static bool is_foreign(struct freebsd_kernel *k)
{
	uint8_t found[64];
	size_t n = k->syms.id_len;

	return n && n <= sizeof(found) && freebsd_read(k->core, k->syms.id_addr, found, n) == 0 &&
	       memcmp(found, k->syms.id, n) != 0;
}

static void freebsd_close(struct crash_core *c)
{
	struct freebsd_kernel *k = freebsd_of(c);

	space_fini(&k->space);
	bsd_symbols_fini(&k->syms);
	ctypes_free(k->types);
	bsd_dump_header_fini(&k->header);
	free(k);
	c->state = NULL;
}

static int freebsd_open(struct crash_core *c)
{
	struct freebsd_kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return sonde_fail(-ENOMEM, "out of memory");
	c->state = k;
	k->core = c;
	k->minidump = dump_is_minidump(c->dump);
	k->pointer = c->about->arch == DUMP_I386 ? 4 : 8;
	int r = c->about->device ? bsd_dump_header_of(c->about->device, &k->header)
				 : bsd_dump_header_beside(c->path, &k->header);
	if (r < 0)
		return r;
	if (c->kernel_path) {
		r = bsd_symbols_open(c->kernel_path, &k->syms);
		if (r < 0)
			return r;
		k->has_symbols = true;
	}
	if (!k->minidump) {
		r = open_full(k);
		if (r < 0)
			return r;
	}
	if (is_foreign(k))
		return sonde_fail(-EINVAL,
				  "'%s' is the file of another kernel: its build-id is not "
				  "the dump's",
				  c->kernel_path);
	read_offsets(k);
	return 0;
}

static bool looks_like(struct dump *d, uint64_t *at)
{
	(void)at;
	return dump_is_minidump(d);
}

const struct crash_system crash_freebsd = {
	.kind = DUMP_FREEBSD,
	.name = "FreeBSD",
	.looks_like = looks_like,
	.open = freebsd_open,
	.close = freebsd_close,
	.read = freebsd_read,
	.read_user = read_user,
	.symbol_at = freebsd_symbol_at,
	.symbol_named = symbol_named,
	.each_symbol = each_symbol,
	.types = types,
	.tasks = freebsd_tasks,
	.stack = freebsd_stack,
	.log = freebsd_log,
	.verbs = freebsd_verbs,
};
