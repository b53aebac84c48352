/* SPDX-License-Identifier: MIT */
/** Capstone, of the version whose header was there: its structures are others in each. */
#include <capstone/capstone.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/library.h"
#include "base/mem.h"
#include "crash/dis/dis.h"

#define TEXT_(x)     #x
#define TEXT(x)	     TEXT_(x)
#define LIBRARY_FILE "libcapstone.so." TEXT(CS_API_MAJOR)

struct dis {
	void *library; /* owned */
	csh handle;
	bool is_open, is_x86;
	cs_insn *insn; /* owned by the library's memory */
	__typeof__(&cs_open) open;
	__typeof__(&cs_close) close;
	__typeof__(&cs_option) option;
	__typeof__(&cs_malloc) new_insn;
	__typeof__(&cs_free) free_insn;
	__typeof__(&cs_disasm_iter) next;
	__typeof__(&cs_insn_group) in_group;
};

/* In the order of enum dump_arch. */
static const struct machine {
	bool known;
	cs_arch arch;
	cs_mode mode;
} machines[] = {
	[DUMP_X86_64] = { true, CS_ARCH_X86, CS_MODE_64 },
	[DUMP_I386] = { true, CS_ARCH_X86, CS_MODE_32 },
	[DUMP_AARCH64] = { true, CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN },
#if CS_API_MAJOR >= 5
	[DUMP_RISCV64] = { true, CS_ARCH_RISCV, CS_MODE_RISCV64 | CS_MODE_RISCVC },
#endif
};

void dis_close(struct dis *d)
{
	if (!d)
		return;
	if (d->insn)
		d->free_insn(d->insn, 1);
	if (d->is_open)
		(void)d->close(&d->handle); // nothing can be done about it
	if (d->library)
		dlclose(d->library);
	free(d);
}
SONDE_DEFINE_AUTO(struct dis *, dis_close)

static int open_library(struct dis *d)
{
	static const char *const files[] = { LIBRARY_FILE, NULL };
	const struct library_symbol symbols[] = {
		{ "cs_open", (void **)&d->open },	    { "cs_close", (void **)&d->close },
		{ "cs_option", (void **)&d->option },	    { "cs_malloc", (void **)&d->new_insn },
		{ "cs_free", (void **)&d->free_insn },	    { "cs_disasm_iter", (void **)&d->next },
		{ "cs_insn_group", (void **)&d->in_group }, { NULL, NULL },
	};

	int r = library_open(files, symbols, &d->library);
	return r < 0 ? sonde_wrap(r, "dis (package libcapstone%d)", CS_API_MAJOR) : 0;
}

int dis_open(enum dump_arch arch, struct dis **ret)
{
	if ((size_t)arch >= MEM_LEN(machines) || !machines[arch].known)
		return sonde_fail(-ENOTSUP, "dis: Capstone %d does not know this machine's code%s",
				  CS_API_MAJOR,
				  arch == DUMP_RISCV64 ? "; version 5 and later do" : "");
	sonde_auto(dis_closep) struct dis *d = calloc(1, sizeof(*d));
	if (!d)
		return sonde_fail(-ENOMEM, "out of memory");
	int r = open_library(d);
	if (r < 0)
		return r;
	if (d->open(machines[arch].arch, machines[arch].mode, &d->handle) != CS_ERR_OK)
		return sonde_fail(-ENOTSUP,
				  "dis: this Capstone was built without this machine's code");
	d->is_open = true;
	d->is_x86 = machines[arch].arch == CS_ARCH_X86;
	// As objdump and other debuggers of kernels write it.
	if (d->is_x86)
		(void)d->option(d->handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
	(void)d->option(d->handle, CS_OPT_DETAIL, CS_OPT_ON); // else no targets are known
	d->insn = d->new_insn(d->handle);
	if (!d->insn)
		return sonde_fail(-ENOMEM, "out of memory");
	*ret = sonde_take(d);
	return 0;
}

static bool number_at(const char *text, uint64_t *ret)
{
	char *end;

	*ret = strtoull(text, &end, 16);
	return end != text;
}

/* "0x12(%rip)": from where the next instruction is. */
static bool by_place(const cs_insn *i, uint64_t *ret)
{
	const char *tail = strstr(i->op_str, "(%rip)"), *p = tail;
	uint64_t off;

	while (p && p > i->op_str && p[-1] != ' ' && p[-1] != ',' && p[-1] != '*' && p[-1] != ':')
		p--;
	if (!tail || !number_at(*p == '-' ? p + 1 : p, &off))
		return false;
	*ret = i->address + i->size + (*p == '-' ? 0 - off : off);
	return true;
}

/* Where a jump or call with an address in it goes, and what arm64's adr and adrp make. */
static bool by_address(const struct dis *d, const cs_insn *i, uint64_t *ret)
{
	const char *last = strrchr(i->op_str, ' ');
	bool goes = d->in_group(d->handle, i, CS_GRP_JUMP) ||
		    d->in_group(d->handle, i, CS_GRP_CALL) || !strncmp(i->mnemonic, "adr", 3);

	last = last ? last + 1 : i->op_str;
	if (*last == '#')
		last++;
	return goes && !strncmp(last, "0x", 2) && !strchr(last, '(') && number_at(last, ret);
}

void dis_next(struct dis *d, const uint8_t *bytes, size_t n, uint64_t addr, struct dis_insn *ret)
{
	const uint8_t *at = bytes;
	uint64_t next = addr;
	size_t left = n;

	*ret = (struct dis_insn){ .len = 1 };
	if (!d->next(d->handle, &at, &left, &next, d->insn)) {
		// arm64's instructions all have four bytes.
		ret->len = d->is_x86 || n < 4 ? 1 : 4;
		uint32_t word = bytes[0];

		if (ret->len == 4)
			memcpy(&word, bytes, sizeof(word));
		(void)snprintf(ret->text, sizeof(ret->text), "%s 0x%x",
			       ret->len == 4 ? ".long" : ".byte", word);
		return;
	}
	const cs_insn *i = d->insn;
	ret->len = i->size ? i->size : 1;
	(void)snprintf(ret->text, sizeof(ret->text), "%s%s%s", i->mnemonic, *i->op_str ? " " : "",
		       i->op_str);
	ret->has_target =
		by_address(d, i, &ret->target) || (d->is_x86 && by_place(i, &ret->target));
}
