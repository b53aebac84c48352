/* SPDX-License-Identifier: MIT */
/** CPUs: which there are, what each one ran, and its registers when the system died. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/linux/kernel.h"

enum {
	NT_PRSTATUS_TYPE = 1,
	PRSTATUS_PID = 32,   /* where the process' number is, on 64-bit machines */
	PRSTATUS_REGS = 112, /* and where registers begin */
	NOTE_HEAD = 12 + 8,  /* of a note called "CORE" */
};

static unsigned n_regs(const struct linux_kernel *k)
{
	return k->arch == DUMP_AARCH64 ? LINUX_REGS : X86_REGS;
}

/* Takes the registers out of a struct elf_prstatus. */
static void take_regs(const struct linux_kernel *k, struct linux_cpu *cpu, const uint8_t *status,
		      size_t len)
{
	size_t want = n_regs(k) * 8ul;

	if (len < PRSTATUS_REGS + want)
		return;
	memcpy(cpu->regs.r, status + PRSTATUS_REGS, want);
	cpu->has_regs = true;
}

/* The notes that the dying kernel left for each CPU in its own memory. */
static bool from_memory(struct linux_kernel *k)
{
	uint8_t note[NOTE_HEAD + PRSTATUS_REGS + LINUX_REGS * 8];
	uint64_t notes;
	bool any = false;

	if (linux_global(k, "crash_notes", 8, &notes) < 0 || !notes)
		return false;
	for (size_t i = 0; i < k->n_cpus; i++) {
		uint32_t head[3];

		if (!k->cpus[i].has_memory)
			continue;
		size_t len =
			space_read_some(&k->mem, notes + k->cpus[i].offset, note, sizeof(note));

		memcpy(head, note, sizeof(head));
		if (len < sizeof(note) || head[0] != 5 || head[2] != NT_PRSTATUS_TYPE ||
		    memcmp(note + 12, "CORE", 5) != 0)
			continue;
		take_regs(k, &k->cpus[i], note + NOTE_HEAD, len - NOTE_HEAD);
		any = true;
	}
	return any;
}

static bool is_status(const struct dump_note *n)
{
	return !strcmp(n->name, "CORE") && n->type == NT_PRSTATUS_TYPE;
}

/* QEMU has a note of each CPU, online or not, and their numbers, from 1 on, in place of processes'.
 */
static bool are_numbered(const struct dump_about *about)
{
	uint32_t pid, cpu = 0;

	for (size_t i = 0; i < about->n_notes; i++) {
		const struct dump_note *n = &about->notes[i];

		if (!is_status(n))
			continue;
		if (n->size < PRSTATUS_REGS)
			return false;
		memcpy(&pid, (const uint8_t *)n->data + PRSTATUS_PID, sizeof(pid));
		if (pid != ++cpu)
			return false;
	}
	return cpu > 0;
}

/* Notes of the dump: of all CPUs, or one for each that was online, in their order. */
static void from_notes(struct linux_kernel *k)
{
	const struct dump_about *about = k->core->about;
	const bool all = are_numbered(about);
	size_t cpu = 0;

	for (size_t i = 0; i < about->n_notes; i++) {
		const struct dump_note *n = &about->notes[i];

		if (!is_status(n))
			continue;
		while (!all && cpu < k->n_cpus && !k->cpus[cpu].online)
			cpu++;
		if (cpu == k->n_cpus)
			return;
		take_regs(k, &k->cpus[cpu++], n->data, n->size);
	}
}

/* The task that a CPU runs, as the scheduler has it, or as the CPU itself has. */
static uint64_t current_of(struct linux_kernel *k, const struct linux_cpu *cpu)
{
	static const struct {
		const char *symbol, *type, *path;
	} places[] = {
		{ "runqueues", "struct rq", "curr" },
		{ "pcpu_hot", "struct pcpu_hot", "current_task" }, // 6.2 .. 6.14
		{ "current_task", NULL, NULL },
	};
	struct kfield f;
	uint64_t at, task;

	for (size_t i = 0; i < MEM_LEN(places); i++) {
		f = (struct kfield){ 0 };
		if (!linux_symbol(k, places[i].symbol, &at) ||
		    (places[i].type && !kfield_find(k->types, places[i].type, places[i].path, &f)))
			continue;
		if (!linux_read_u64(k, at + cpu->offset + f.off, &task) && task)
			return task;
	}
	return 0;
}

static void find_current(struct linux_kernel *k)
{
	for (size_t i = 0; i < k->n_cpus; i++) {
		if (k->cpus[i].online && k->cpus[i].has_memory)
			k->cpus[i].current = current_of(k, &k->cpus[i]);
	}
}

static void find_crashed(struct linux_kernel *k)
{
	static const char *const names[] = { "panic_cpu", "crashing_cpu" };
	uint64_t v;

	for (size_t i = 0; i < MEM_LEN(names); i++) {
		if (!linux_global(k, names[i], 4, &v) && v < k->n_cpus) {
			k->cpus[v].crashed = true;
			return;
		}
	}
}

static size_t count_notes(const struct linux_kernel *k)
{
	const struct dump_about *about = k->core->about;
	size_t n = 0;

	for (size_t i = 0; i < about->n_notes; i++)
		n += is_status(&about->notes[i]);
	return n;
}

/*
 * Whether a CPU was online; where the dump does not tell, each that has a note. A kernel that dies
 * takes the others offline as it stops them, but leaves them active.
 */
static bool is_online(struct linux_kernel *k, size_t cpu, size_t n_notes)
{
	static const char *const masks[] = { "__cpu_online_mask", "__cpu_active_mask" };
	uint64_t mask, word;
	bool told = false;

	for (size_t i = 0; i < MEM_LEN(masks); i++) {
		if (!linux_symbol(k, masks[i], &mask) ||
		    linux_read_u64(k, mask + cpu / 64 * 8, &word))
			continue;
		if (word >> cpu % 64 & 1)
			return true;
		told = true;
	}
	return !told && (cpu < n_notes || !cpu);
}

int linux_cpus_load(struct linux_kernel *k)
{
	uint64_t n = 0, offsets = 0;
	const size_t n_notes = count_notes(k);

	// A kernel for one CPU only has no such number; a thin dump may not have it either.
	if (linux_global(k, "nr_cpu_ids", 4, &n) < 0 || !n)
		n = n_notes ? n_notes : 1;
	if (n > LINUX_CPUS_MOST)
		return sonde_fail(-EBADMSG, "%llu CPUs", (unsigned long long)n);
	bool smp = linux_symbol(k, "__per_cpu_offset", &offsets);
	k->cpus = calloc(n, sizeof(*k->cpus));
	if (!k->cpus)
		return sonde_fail(-ENOMEM, "CPUs: out of memory");
	k->n_cpus = n;
	for (size_t i = 0; i < n; i++) {
		struct linux_cpu *cpu = &k->cpus[i];

		cpu->has_memory = !smp || !linux_read_u64(k, offsets + i * 8, &cpu->offset);
		cpu->online = is_online(k, i, n_notes);
	}
	find_current(k);
	find_crashed(k);
	// Of a running system there are none: what the notes have is of who reads them.
	if (!k->core->about->live && !from_memory(k))
		from_notes(k);
	return 0;
}

int linux_percpu(struct crash_core *c, uint64_t at, unsigned cpu, uint64_t *ret)
{
	const struct linux_kernel *k = linux_of(c);
	uint64_t start, end;

	if (cpu >= k->n_cpus || !linux_symbol(linux_of(c), "__per_cpu_start", &start) ||
	    !linux_symbol(linux_of(c), "__per_cpu_end", &end) || at < start || at >= end)
		return -ENOENT;
	if (!k->cpus[cpu].has_memory)
		return -ENODATA;
	*ret = at + k->cpus[cpu].offset;
	return 0;
}
