/* SPDX-License-Identifier: MIT */
/** Fuzzes what is read of programs: markers, symbols, and types. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sym/ctype.h"
#include "sym/probe/elf_funcs.h"
#include "sym/probe/usdt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int nothing(void *arg, const struct elf_func *fn)
{
	(void)arg;
	return fn->name[0] == '\0';
}

static int use_type(void *arg, const char *name)
{
	const struct ctype *t;
	size_t n;

	if (ctypes_find(arg, name, &t) == 0)
		(void)ctype_members(t, &n);
	return 0;
}

static int use_func(void *arg, const char *name, uint64_t id)
{
	const struct ctype *t;
	size_t n;

	(void)id;
	if (ctypes_func(arg, name, &t) == 0)
		(void)ctype_members(t, &n);
	return 0;
}

static void read_types(const char *path)
{
	struct ctypes *db;
	int64_t v;

	if (ctypes_open_dwarf(path, &db) < 0)
		return;
	if (ctypes_each_struct(db, use_type, db) == 0 && ctypes_each_func(db, use_func, db) == 0)
		(void)ctypes_enumerator(db, "NONE", &v);
	(void)use_func(db, "g", 0); // a symbol that may be declared alone
	ctypes_free(db);
}

static void read_functions(const char *path)
{
	static const char *const names[] = { "main", "f*", "ns::fn(int)", "g@V1", "ns::fn" };
	const struct elf_func *at;
	struct elf_funcs *f;
	struct elf_func fn;
	uint64_t off;

	if (elf_funcs_open(path, &f) < 0)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (elf_funcs_each(f, names[i], nothing, NULL))
			abort(); // a name without letters
	}
	if (elf_funcs_at(f, 0x1000, &off, &at) == 0 && at && at->addr > 0x1000)
		abort();
	if (elf_funcs_symbol(f, "x", &fn) == 0 && fn.name[0] != 'x')
		abort();
	(void)elf_funcs_near(f, "mian");
	elf_funcs_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct usdt *u;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (usdt_open(path, &u) == 0)
		usdt_free(u);
	read_functions(path);
	read_types(path);
	close(fd);
	return 0;
}
