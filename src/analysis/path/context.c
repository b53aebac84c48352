/* SPDX-License-Identifier: MIT */
/** What a CPU's kernel is in the middle of. */
#include "analysis/path/context.h"

#include <string.h>

#include "base/mem.h"

/* Names without their subsystem, and without "_entry" and "_exit" or "_return". */
static const struct {
	const char *name;
	enum context_kind kind;
} known[] = {
	{ "softirq", CONTEXT_SOFTIRQ },
	{ "irq_softirq", CONTEXT_SOFTIRQ },
	{ "irq_handler", CONTEXT_IRQ },
	{ "hrtimer_expire", CONTEXT_HRTIMER },
	{ "timer_hrtimer_expire", CONTEXT_HRTIMER },
	{ "netif_receive_skb", CONTEXT_NETIF },
	{ "netif_receive_skb_internal", CONTEXT_NETIF },
	{ "netif_receive_skb_list", CONTEXT_NETIF },
	{ "netif_rx", CONTEXT_NETIF },
	{ "napi_gro_receive", CONTEXT_NETIF },
	{ "napi_gro_frags", CONTEXT_NETIF },
	{ "net_if_receive_skb", CONTEXT_NETIF },
	{ "net_napi_gro_receive", CONTEXT_NETIF },
	{ "local_timer", CONTEXT_IPI },
	{ "reschedule", CONTEXT_IPI },
	{ "call_function", CONTEXT_IPI },
	{ "call_function_single", CONTEXT_IPI },
	{ "irq_work", CONTEXT_IPI },
	{ "x86_platform_ipi", CONTEXT_IPI },
};

/* The kernel's: linux/trace_events.h. */
enum { FLAG_HARDIRQ = 0x08, FLAG_SOFTIRQ = 0x10 };

/* The length of @name without its end, and whether that means an entry. 0: neither. */
static size_t stem(const char *name, bool *ret_enters)
{
	static const struct {
		const char *end;
		bool enters;
	} ends[] = { { "_entry", true }, { "_exit", false }, { "_return", false } };
	const size_t len = strlen(name);

	for (size_t i = 0; i < MEM_LEN(ends); i++) {
		const size_t n = strlen(ends[i].end);

		if (len > n && !strcmp(name + len - n, ends[i].end)) {
			*ret_enters = ends[i].enters;
			return len - n;
		}
	}
	return 0;
}

void context_rule_find(const struct sonde_event_class *cls, struct context_rule *ret)
{
	static const char lttng_ipi[] = "x86_irq_vectors_";
	const char *colon = strrchr(cls->name, ':');
	const char *name = colon ? colon + 1 : cls->name;

	*ret = (struct context_rule){ .switches = !strcmp(name, "sched_switch") };
	(void)field_find(cls, SONDE_SCOPE_STREAM_CONTEXT, "common_flags", &ret->flags);
	if (!strcmp(name, "sched_process_exec"))
		(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "filename", &ret->file);
	if (!strcmp(name, "workqueue_queue_work") || !strcmp(name, "workqueue_execute_start"))
		(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "work", &ret->work);
	const size_t len = stem(name, &ret->enters);
	for (size_t i = 0; len && i < MEM_LEN(known); i++) {
		if (strlen(known[i].name) == len && !strncmp(name, known[i].name, len))
			ret->kind = known[i].kind;
	}
	if (ret->work.type)
		ret->enters = !strcmp(name, "workqueue_queue_work");
	if (len && !strncmp(name, lttng_ipi, strlen(lttng_ipi)))
		ret->kind = CONTEXT_IPI;
	if (ret->kind == CONTEXT_SOFTIRQ)
		(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "vec", &ret->nr);
	else if (ret->kind == CONTEXT_IRQ)
		(void)field_find(cls, SONDE_SCOPE_PAYLOAD, "irq", &ret->nr);
}

void context_apply(struct context *c, const struct context_rule *r, const struct sonde_event *e)
{
	int64_t nr = -1;

	if (r->switches)
		c->depth = 0; // nothing of this lasts over a switch
	if (r->kind == CONTEXT_NONE)
		return;
	if (!r->enters) {
		if (c->depth && c->stack[c->depth - 1].kind == r->kind)
			c->depth--;
		return;
	}
	if (c->depth == CONTEXT_DEPTH)
		c->depth = 0; // exits are missing: what is known is wrong
	(void)field_int(e, &r->nr, &nr);
	c->stack[c->depth].kind = r->kind;
	c->stack[c->depth].nr = nr < 0 || nr > INT32_MAX ? -1 : (int32_t)nr;
	c->stack[c->depth].ts_ns = e->ts_ns;
	c->depth++;
}

enum context_kind context_top(const struct context *c, int32_t *ret_nr)
{
	*ret_nr = c->depth ? c->stack[c->depth - 1].nr : -1;
	return c->depth ? c->stack[c->depth - 1].kind : CONTEXT_NONE;
}

bool context_since(const struct context *c, bool irqs, int64_t *ret_ns)
{
	for (size_t i = 0; i < c->depth; i++) {
		if (c->stack[i].kind == CONTEXT_SOFTIRQ ||
		    (irqs && c->stack[i].kind == CONTEXT_IRQ)) {
			*ret_ns = c->stack[i].ts_ns;
			return true;
		}
	}
	return false;
}

enum context_kind context_of_event(const struct context_rule *r, const struct sonde_event *e)
{
	int64_t flags = 0;

	if (!field_int(e, &r->flags, &flags))
		return CONTEXT_NONE;
	if (flags & FLAG_HARDIRQ)
		return CONTEXT_IRQ;
	return flags & FLAG_SOFTIRQ ? CONTEXT_SOFTIRQ : CONTEXT_NONE;
}
