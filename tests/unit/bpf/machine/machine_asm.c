/* SPDX-License-Identifier: MIT */
/** A machine for instructions that are written by hand. */
#include "machine_asm.h"

#include <string.h>

#include "base/check.h"

enum { INSNS_MOST = 256 };

static const struct bpf_map_spec specs[N_MAPS] = {
	[ARRAY] = { "array", BPF_MAP_TYPE_ARRAY, 4, 40, 4, 0, -1, 0, false, NULL },
	[ONE] = { "one", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 72, 1, 0, -1, 0, false, NULL },
	[HASH] = { "hash", BPF_MAP_TYPE_HASH, 8, 24, 8, 0, -1, 0, false, NULL },
	[RING] = { "ring", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, -1, 0, false, NULL },
};

static void on_record(void *arg, const void *data, size_t len)
{
	struct asm_seen *s = arg;

	s->n++;
	s->len = len;
	memcpy(s->record, data, len < sizeof(s->record) ? len : sizeof(s->record));
}

static int64_t stack(void *arg, const struct machine_now *now, uint64_t *ret, uint32_t n,
		     uint64_t flags)
{
	(void)arg, (void)now;
	for (uint32_t i = 0; i < n && i < 3; i++)
		ret[i] = flags + i;
	return n < 3 ? 8 * (int64_t)n : 24;
}

static bool read_low(void *arg, uint64_t addr, void *ret, size_t len)
{
	(void)arg;
	if (addr < 0x1000 || addr + len > 0x2000)
		return false;
	memset(ret, 'm', len);
	if (addr <= TEXT_END && TEXT_END - addr < len)
		((char *)ret)[TEXT_END - addr] = '\0';
	return true;
}

static uint64_t field(void *arg, const struct machine_now *now, uint32_t index)
{
	(void)arg;
	return now->ts_ns + index;
}

static uint64_t field_len(void *arg, const struct machine_now *now, uint32_t index)
{
	(void)arg, (void)now;
	return 10 * (uint64_t)index;
}

struct machine *asm_machine(struct asm_seen *seen)
{
	static const struct machine_ops ops = { .field = field,
						.field_len = field_len,
						.record = on_record,
						.stack = stack,
						.read = read_low };
	struct machine *m = NULL;

	sonde_check(machine_new(specs, N_MAPS, &ops, seen, &m) == 0);
	return m;
}

int asm_load(struct machine *m, const struct bpf_insn *insns, size_t n, enum machine_how how,
	     struct strbuf *log, struct machine_prog **ret)
{
	struct bpf_insn copy[INSNS_MOST];
	struct bpf_reloc relocs[INSNS_MOST];
	struct bpf_code code = { .insns = copy, .relocs = relocs };

	// Behind the program, tables have nothing.
	while (n > 0 && insns[n - 1].code == 0)
		n--;
	sonde_check(n <= INSNS_MOST);
	memcpy(copy, insns, n * sizeof(*insns));
	code.n_insns = n;
	for (size_t i = 0; i < n; i++) {
		const bool is_map = insns[i].src_reg == BPF_PSEUDO_MAP_FD ||
				    insns[i].src_reg == BPF_PSEUDO_MAP_VALUE;

		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW) && is_map)
			relocs[code.n_relocs++] =
				(struct bpf_reloc){ (uint32_t)i, (uint32_t)insns[i].imm };
	}
	return machine_load(m, &code, CTX_LEN, how, log, ret);
}
