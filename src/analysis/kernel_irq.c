/* SPDX-License-Identifier: MIT */
/** Interrupts and softirqs of the kernel model: when they began, and who is behind their numbers.
 */
#include <string.h>

#include <sonde/err.h>

#include "analysis/kernel_state.h"
#include "base/mem.h"

void kernel_irq_enter(struct kernel *k, struct kernel_cpu *c, int32_t nr, int64_t now)
{
	if (c->irqs < KERNEL_IRQS_NESTED) {
		c->irq_nr[c->irqs] = nr;
		c->irq_ns[c->irqs] = now;
	}
	c->irqs++;
	kernel_cpu_update(k, c, now);
}

/* Of an exit: how many are left. An inner one whose exit is missing ended unseen. */
static uint32_t irqs_below(const struct kernel_cpu *c, int32_t nr)
{
	if (nr < 0 || c->irqs > KERNEL_IRQS_NESTED)
		return c->irqs ? c->irqs - 1 : 0;
	for (uint32_t i = c->irqs; i-- > 0;) {
		if (c->irq_nr[i] == nr || c->irq_nr[i] < 0)
			return i;
	}
	return c->irqs;
}

void kernel_irq_leave(struct kernel *k, struct kernel_cpu *c, int32_t nr, int64_t now)
{
	const uint32_t left = irqs_below(c, nr);

	if (left == c->irqs)
		return;
	if (left < KERNEL_IRQS_NESTED && k->watch->irq && now >= k->from_ns &&
	    now >= c->irq_ns[left])
		k->watch->irq(k->arg, c, nr < 0 ? c->irq_nr[left] : nr, c->irq_ns[left], now);
	c->irqs = left;
	kernel_cpu_update(k, c, now);
}

void kernel_softirq_raise(struct kernel_cpu *c, unsigned vec, int64_t now)
{
	const uint32_t bit = UINT32_C(1) << vec;

	if (!(c->raised & bit))
		c->raised_ns[vec] = now;
	c->raised |= bit;
}

void kernel_softirq_enter(struct kernel *k, struct kernel_cpu *c, unsigned vec, int64_t now)
{
	const uint32_t bit = UINT32_C(1) << vec;

	c->entered_ns[vec] = c->raised & bit ? c->raised_ns[vec] : KERNEL_NO_TIME;
	c->softirq_ns[vec] = now;
	c->raised &= ~bit;
	c->softirqs |= bit;
	kernel_cpu_update(k, c, now);
}

void kernel_softirq_leave(struct kernel *k, struct kernel_cpu *c, unsigned vec, int64_t now)
{
	const uint32_t bit = UINT32_C(1) << vec;

	if (!(c->softirqs & bit))
		return;
	if (k->watch->softirq && now >= k->from_ns && now >= c->softirq_ns[vec])
		k->watch->softirq(k->arg, c, vec, c->entered_ns[vec], c->softirq_ns[vec], now);
	c->softirqs &= ~bit;
	kernel_cpu_update(k, c, now);
}

static struct kernel_irq *find_irq(const struct kernel_host *h, int32_t nr)
{
	for (size_t i = 0; i < h->n_irqs; i++) {
		if (h->irqs[i].nr == nr)
			return &h->irqs[i];
	}
	return NULL;
}

/* Whether @name stands in the list @names as a whole. */
static bool is_listed(const char *names, struct sonde_span name)
{
	for (const char *at = names; *at;) {
		const size_t n = strcspn(at, ",");

		if (n == name.len && !memcmp(at, name.data, n))
			return true;
		at += n;
		at += strspn(at, ", ");
	}
	return false;
}

void kernel_irq_name(struct kernel *k, struct kernel_host *h, int32_t nr, struct sonde_span name)
{
	enum { LINES_MOST = 4096 };
	struct kernel_irq *irq = find_irq(h, nr);

	if (!irq) {
		if (h->n_irqs >= LINES_MOST)
			return;
		if (mem_grow(&h->irqs, &h->cap_irqs, h->n_irqs + 1) < 0) {
			k->err = -ENOMEM;
			return;
		}
		irq = &h->irqs[h->n_irqs++];
		*irq = (struct kernel_irq){ .nr = nr };
	}
	if (!name.len || is_listed(irq->names, name))
		return;
	const size_t old = strlen(irq->names), gap = old ? 2 : 0;
	if (old + gap + name.len >= sizeof(irq->names))
		return;
	memcpy(irq->names + old, ", ", gap);
	memcpy(irq->names + old + gap, name.data, name.len);
	irq->names[old + gap + name.len] = '\0';
}

const char *kernel_irq_names(const struct kernel_host *h, int32_t nr)
{
	const struct kernel_irq *irq = find_irq(h, nr);

	return irq ? irq->names : "";
}
