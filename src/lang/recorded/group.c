/* SPDX-License-Identifier: MIT */
/** Which group of tracepoints an event is of. */
#include <stdio.h>
#include <string.h>

#include "base/glob.h"
#include "base/mem.h"
#include "lang/recorded/parts.h"

/* Of what was recorded here, the probe's whole name is told. */
static const char told[] = "tracepoint:";

bool rec_is_of_kernel(const struct sonde_event_class *cls)
{
	const struct sonde_env *domain = sonde_trace_env(cls->stream_class->trace, "domain");

	return domain && domain->str && !strcmp(domain->str, "kernel");
}

/* Events that a script asked for are named as their probes, which are no tracepoints of a group. */
static bool is_probe(const char *name, size_t len)
{
	static const char *const functions[] = { "k",	  "kprobe",   "kr",    "kretprobe",
						 "f",	  "fentry",   "kfunc", "fr",
						 "fexit", "kretfunc", "ur",    "uretprobe" };
	char word[32];

	if (len >= sizeof(word))
		return false;
	memcpy(word, name, len);
	word[len] = '\0';
	for (size_t i = 0; i < MEM_LEN(functions); i++)
		if (!strcmp(functions[i], word))
			return true;
	return rec_provider(word);
}

bool rec_told(const struct sonde_event_class *cls, struct rec_told *ret)
{
	const bool by_uri = cls->uri && !strncmp(cls->uri, told, sizeof(told) - 1);
	const char *name = by_uri ? cls->uri + sizeof(told) - 1 : cls->name;

	// perf has "group:name"; its samples are no tracepoints.
	if (!by_uri && (!rec_is_of_kernel(cls) || !strncmp(name, "perf:", 5)))
		return false;
	const char *colon = strchr(name, ':');

	if (!colon || !colon[1] || strchr(colon + 1, ':') ||
	    (size_t)(colon - name) >= sizeof(ret->group) ||
	    (!by_uri && is_probe(name, (size_t)(colon - name))))
		return false;
	memcpy(ret->group, name, (size_t)(colon - name));
	ret->group[colon - name] = '\0';
	ret->name = colon + 1;
	return true;
}

/* Events whose names do not begin with their group's, as the kernel has them. */
static const struct {
	const char *group, *names;
} groups[] = {
	{ "compaction", "mm_compaction_*" },
	{ "exceptions", "page_fault_*" },
	{ "filemap", "mm_filemap_*" },
	{ "huge_memory", "mm_collapse_*" },
	{ "huge_memory", "mm_khugepaged_*" },
	{ "irq", "softirq_*" },
	{ "irq", "tasklet_*" },
	{ "irq_vectors", "*_apic_entry" },
	{ "irq_vectors", "*_apic_exit" },
	{ "irq_vectors", "call_function_*" },
	{ "irq_vectors", "irq_work_*" },
	{ "irq_vectors", "local_timer_*" },
	{ "irq_vectors", "reschedule_*" },
	{ "irq_vectors", "vector_*" },
	{ "kmem", "kfree" },
	{ "kmem", "kmalloc*" },
	{ "kmem", "mm_page_*" },
	{ "kmem", "rss_stat" },
	{ "lock", "contention_*" },
	{ "migrate", "mm_migrate_*" },
	{ "mmap", "vm_unmapped_area" },
	{ "net", "napi_gro_*" },
	{ "net", "netif_*" },
	{ "oom", "*_task_reaping" },
	{ "oom", "mark_victim" },
	{ "pagemap", "mm_lru_*" },
	{ "power", "cpu_*" },
	{ "power", "pm_*" },
	{ "power", "dev_pm_*" },
	{ "power", "suspend_resume" },
	{ "power", "wakeup_source_*" },
	{ "printk", "console" },
	{ "skb", "consume_skb" },
	{ "skb", "kfree_skb" },
	{ "sock", "inet_sk*" },
	{ "sock", "sk_data_ready" },
	{ "timer", "hrtimer_*" },
	{ "timer", "itimer_*" },
	{ "timer", "tick_stop" },
	{ "vmscan", "mm_shrink_slab_*" },
	{ "vmscan", "mm_vmscan_*" },
	{ "writeback", "*_dirty_*" },
	{ "writeback", "bdi_*" },
};

bool rec_group_has(const char *group, const struct sonde_event_class *cls)
{
	static const char *const heads[] = { "", "x86_" }; // as LTTng has some
	struct rec_told is;
	char names[256];

	if (rec_told(cls, &is))
		return glob_match(group, is.group);
	for (size_t i = 0; i < MEM_LEN(heads); i++) {
		const int n = snprintf(names, sizeof(names), "%s%s_*", heads[i], group);
		if (n > 0 && (size_t)n < sizeof(names) && glob_match(names, cls->name))
			return true;
	}
	for (size_t i = 0; i < MEM_LEN(groups); i++)
		if (glob_match(group, groups[i].group) && glob_match(groups[i].names, cls->name))
			return true;
	return !strcmp(group, "*");
}
