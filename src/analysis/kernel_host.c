/* SPDX-License-Identifier: MIT */
/** Hosts of the kernel model, and the names of their system calls. */
#include <errno.h>
#include <string.h>

#include "analysis/kernel_state.h"
#include "base/mem.h"

/* Notes that memory ran out; kernel_consume() tells it. */
static void *no_memory(struct kernel *k)
{
	k->err = -ENOMEM;
	return NULL;
}

static bool names_migration(const struct sonde_trace *trace)
{
	for (size_t i = 0; i < trace->n_streams; i++) {
		const struct sonde_stream_class *s = trace->streams[i];

		for (size_t e = 0; e < s->n_events; e++) {
			const char *colon = strrchr(s->events[e]->name, ':');

			if (!strcmp(colon ? colon + 1 : s->events[e]->name, "sched_migrate_task"))
				return true;
		}
	}
	return false;
}

struct kernel_host *kernel_host(struct kernel *k, const struct sonde_trace *trace)
{
	for (size_t i = 0; i < k->n_hosts; i++) {
		if (k->hosts[i]->trace == trace)
			return k->hosts[i];
	}
	if (mem_grow(&k->hosts, &k->cap_hosts, k->n_hosts + 1) < 0)
		return no_memory(k);

	struct kernel_host *h = arena_new(&k->arena, struct kernel_host);
	if (!h)
		return no_memory(k);
	static const char *const keys[] = { "architecture", "machine", "arch" };
	for (size_t i = 0; i < MEM_LEN(keys); i++) {
		const struct sonde_env *e = sonde_trace_env(trace, keys[i]);

		if (e && h->abi == SYSCALL_ABI_UNKNOWN)
			h->abi = (int)syscall_abi(e->str);
	}
	h->trace = trace;
	h->partial = sonde_trace_env(trace, "only_pids") != NULL;
	// Mostly others move a thread, whose events are not in a partial trace.
	h->has_migrate = !h->partial && names_migration(trace);
	kernel_disks_told(k, h);
	h->first_ns = h->last_ns = KERNEL_NO_TIME;
	k->hosts[k->n_hosts++] = h;
	return h;
}

static uint64_t begin_key(const struct sonde_stream_class *cls, uint32_t cpu)
{
	_Static_assert(KERNEL_CPUS_MOST <= 1 << 14, "so that keys are never the same");
	return (uint64_t)(uintptr_t)cls << 14 ^ cpu;
}

int64_t *kernel_begin(const struct kernel_host *h, const struct sonde_stream_class *cls,
		      uint32_t cpu)
{
	uint32_t i;

	return u64map_get(&h->begin_of, begin_key(cls, cpu), &i) ? &h->begins[i] : NULL;
}

void kernel_begin_note(struct kernel *k, struct kernel_host *h, const struct sonde_packet *p,
		       int64_t ts_ns)
{
	const struct sonde_stream *stream = p->stream;
	struct kernel_stream *s = &k->streams[stream->index];
	const uint32_t cpu = p->cpu >= 0 && p->cpu < KERNEL_CPUS_MOST ? (uint32_t)p->cpu : 0;
	uint32_t i;

	// Before that it was not traced: LTTng's first packets begin when their buffers were made.
	if (h->first_ns == KERNEL_NO_TIME)
		h->first_ns = ts_ns;
	if (!u64map_get(&h->begin_of, begin_key(stream->cls, cpu), &i)) {
		i = (uint32_t)h->n_begins;
		if (mem_grow(&h->begins, &h->cap_begins, h->n_begins + 1) < 0 ||
		    u64map_put(&h->begin_of, begin_key(stream->cls, cpu), i) < 0) {
			(void)no_memory(k);
			return;
		}
		h->begins[h->n_begins++] = !p->has_begin || p->begin_ns > ts_ns ? KERNEL_NO_TIME
					   : p->begin_ns > h->first_ns		? p->begin_ns
										: h->first_ns;
	}
	if (!s->begin)
		s->begin = i + 1;
}

uint32_t kernel_call(struct kernel *k, const char *name)
{
	if (k->n_calls >= KERNEL_CALLS_MOST - 1)
		name = "other";
	for (size_t i = 0; i < k->n_calls; i++) {
		if (!strcmp(k->calls[i], name))
			return (uint32_t)i + 1;
	}
	char *copy = arena_strndup(&k->arena, name, strnlen(name, SYSCALL_NAME_MOST));
	if (!copy || mem_grow(&k->calls, &k->cap_calls, k->n_calls + 1) < 0) {
		(void)no_memory(k);
		return 0;
	}
	k->calls[k->n_calls++] = copy;
	return (uint32_t)k->n_calls;
}

uint32_t kernel_call_nr(struct kernel *k, enum syscall_abi abi, int64_t nr)
{
	char name[SYSCALL_NAME_MOST];
	const bool small = nr >= 0 && nr < KERNEL_NRS_MOST;

	if (small && k->by_nr[abi][nr])
		return k->by_nr[abi][nr];
	if (!syscall_name(abi, nr, name))
		memcpy(name, "unknown", sizeof("unknown"));
	uint32_t call = kernel_call(k, name);
	if (small)
		k->by_nr[abi][nr] = call;
	return call;
}
