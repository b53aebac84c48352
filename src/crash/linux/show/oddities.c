/* SPDX-License-Identifier: MIT */
/** What looks odd in a dead kernel: stuck tasks, CPUs that stood still, crowds before one lock. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crash/linux/show/show.h"
#include "crash/linux/slab.h"

enum {
	STUCK_S = 10,
	QUEUE_LONG = 4,
	CROWD = 3,
	TELL_MOST = 8, /* tasks told one by one */
	PLACES_MOST = 64,
	SLAB_FULL = 10, /* percent of memory */
	CACHE_FULL = 50,
};

#define NS_PER_S ((uint64_t)1000000000)

struct odd {
	struct linux_kernel *k;
	const struct crash_tasks *tasks;
	void (*f)(void *arg, const char *line);
	void *arg;
	uint64_t now; /* the newest clock of all CPUs */
	size_t told;
	struct {
		const char *lock, *who;
		size_t n;
	} places[PLACES_MOST];
	size_t n_places;
};

static void tell(struct odd *o, const char *fmt, ...) SONDE_PRINTF(2, 3);
static void tell(struct odd *o, const char *fmt, ...)
{
	char line[256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	o->f(o->arg, line);
	o->told++;
}

static void look_at_cpus(struct odd *o)
{
	struct linux_kernel *k = o->k;
	struct kfield queued;
	uint64_t rq, v;

	(void)kfield_find(k->types, "struct rq", "nr_running", &queued);
	for (size_t i = 0; i < k->n_cpus; i++) {
		if (k->cpus[i].online && linux_cpu_clock(k, i, &v) && v > o->now)
			o->now = v;
	}
	if (!linux_symbol(k, "runqueues", &rq))
		return;
	for (size_t i = 0; i < k->n_cpus; i++) {
		const struct linux_cpu *cpu = &k->cpus[i];

		if (!cpu->online || !cpu->has_memory)
			continue;
		if (!linux_read_field(k, rq + cpu->offset, &queued, &v) && v >= QUEUE_LONG)
			tell(o, "CPU %zu: %" PRIu64 " tasks want to run", i, v);
		// An idle CPU may sleep for long.
		const struct crash_task *busy = NULL;
		for (size_t t = 0; t < o->tasks->n; t++) {
			if (o->tasks->all[t].addr == cpu->current && !o->tasks->all[t].is_idle)
				busy = &o->tasks->all[t];
		}
		if (busy && linux_cpu_clock(k, i, &v) && o->now - v > STUCK_S * NS_PER_S)
			tell(o, "CPU %zu: its clock stood still for %" PRIu64 " s, in %lld %s", i,
			     (o->now - v) / NS_PER_S, (long long)busy->tid, busy->comm);
	}
}

/* How long ago a task came onto its CPU last. */
static bool waits_ns(struct odd *o, const struct crash_task *t, uint64_t *ret)
{
	struct kfield f;
	uint64_t at;

	if (!kfield_find(o->k->types, "struct task_struct", "sched_info.last_arrival", &f) ||
	    linux_read_field(o->k, t->addr, &f, &at) < 0 || !at || at > o->now)
		return false;
	*ret = o->now - at;
	return true;
}

/* The function that waits for a lock, as it is called when it does. */
static bool is_lock(const char *name)
{
	static const char *const words[] = { "mutex_lock",	   "rwsem_down",       "down_read",
					     "down_write",	   "__down",	       "spin_lock",
					     "spin_lock_slowpath", "rt_mutex_slowlock" };

	for (size_t i = 0; i < MEM_LEN(words); i++) {
		if (strstr(name, words[i]))
			return true;
	}
	return false;
}

static void count_lock(struct odd *o, const struct crash_stack *s)
{
	size_t at = s->n;

	for (size_t i = 0; i < s->n && i < 12; i++) {
		if (s->frames[i].symbol.name && is_lock(s->frames[i].symbol.name))
			at = i;
	}
	if (at + 1 >= s->n || !s->frames[at + 1].symbol.name)
		return;
	const char *lock = s->frames[at].symbol.name, *who = s->frames[at + 1].symbol.name;
	size_t i = 0;
	while (i < o->n_places && (o->places[i].lock != lock || o->places[i].who != who))
		i++;
	if (i == PLACES_MOST)
		return;
	o->places[i].lock = lock;
	o->places[i].who = who;
	o->places[i].n++;
	o->n_places = i == o->n_places ? i + 1 : o->n_places;
}

/* The first function that is not the scheduler's own. */
static const char *waits_in(const struct crash_stack *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *name = s->frames[i].symbol.name;

		if (name && !strstr(name, "schedule") && strcmp(name, "__switch_to") != 0)
			return name;
	}
	return "?";
}

static int look_at_tasks(struct odd *o)
{
	struct crash_stack s = { 0 };
	size_t blocked = 0, told = 0;
	int err = 0;

	for (size_t i = 0; !err && i < o->tasks->n; i++) {
		const struct crash_task *t = &o->tasks->all[i];
		uint64_t ns = 0;

		if (t->on_cpu || (t->state != 'D' && t->state != 'S' && t->state != 'R'))
			continue;
		err = linux_stack(o->k->core, t, &s);
		if (err < 0)
			break;
		count_lock(o, &s);
		blocked += t->state == 'D';
		bool stuck = t->state != 'S' && waits_ns(o, t, &ns) && ns > STUCK_S * NS_PER_S;
		if (stuck && told++ < TELL_MOST)
			tell(o, "%lld %s: %s for %" PRIu64 " s in %s", (long long)t->tid, t->comm,
			     t->state == 'D' ? "blocked" : "waiting for a CPU", ns / NS_PER_S,
			     waits_in(&s));
	}
	if (told > TELL_MOST)
		tell(o, "... and %zu more tasks that were stuck", told - TELL_MOST);
	if (blocked)
		tell(o, "%zu tasks blocked (D)", blocked);
	crash_stack_fini(&s);
	return err;
}

static void look_at_taint(struct odd *o)
{
	static const char letters[] = "PFSRMBUDAWCIOELKXT";
	uint64_t mask;
	char text[sizeof(letters)];
	size_t n = 0;

	if (linux_global(o->k, "tainted_mask", 8, &mask) < 0)
		return;
	for (size_t i = 0; i < sizeof(letters) - 1; i++) {
		if (mask >> i & 1)
			text[n++] = letters[i];
	}
	text[n] = '\0';
	if (n)
		tell(o, "the kernel is tainted: %s", text);
}

struct counter {
	size_t warnings, oom, io, lockups, hung;
};

static int count_line(void *arg, const struct crash_message *m)
{
	struct counter *c = arg;

	c->warnings += m->len > 9 && !memcmp(m->text, "WARNING: ", 9);
	c->oom += memmem(m->text, m->len, "Out of memory: ", 15) != NULL;
	c->io += memmem(m->text, m->len, "I/O error", 9) != NULL;
	c->lockups += memmem(m->text, m->len, "soft lockup", 11) != NULL ||
		      memmem(m->text, m->len, "hard LOCKUP", 11) != NULL;
	c->hung += memmem(m->text, m->len, "blocked for more than", 21) != NULL;
	return 0;
}

static void look_at_log(struct odd *o)
{
	struct counter c = { 0 };

	int r = linux_log(o->k->core, count_line, &c);
	o->k->core->ran_out |= r == -ENOMEM;
	if (r < 0)
		return;
	if (c.warnings)
		tell(o, "%zu warnings in the messages", c.warnings);
	if (c.oom)
		tell(o, "%zu processes killed as memory ran out", c.oom);
	if (c.io)
		tell(o, "%zu I/O errors in the messages", c.io);
	if (c.lockups)
		tell(o, "%zu lockups in the messages", c.lockups);
	if (c.hung)
		tell(o, "%zu hung tasks in the messages", c.hung);
}

static void keep_largest(void *arg, const struct slab *s)
{
	struct slab *largest = arg; // of those that stay, and of those that may go

	if (s->bytes > largest[s->is_reclaimable].bytes)
		largest[s->is_reclaimable] = *s;
}

static void look_at_slabs(struct odd *o, uint64_t memory)
{
	// Caches of files may well take half of the memory that nobody else wants.
	static const unsigned shares[] = { SLAB_FULL, CACHE_FULL };
	struct slab largest[2] = { 0 };
	const char *cut;

	if (slab_each(o->k, keep_largest, largest, &cut) < 0)
		return; // what mem says
	for (size_t i = 0; i < MEM_LEN(shares); i++) {
		double percent = 100.0 * (double)largest[i].bytes / (double)memory;

		if (percent >= shares[i])
			tell(o,
			     "the slab %s takes %.0f %% of memory: %" PRIu64 " objects of %" PRIu64
			     " bytes%s",
			     largest[i].name, percent, largest[i].objects, largest[i].object_size,
			     i ? "" : ", which are not reclaimed");
	}
}

static void look_at_memory(struct odd *o)
{
	uint64_t total;
	int64_t free_pages, slab;

	if (!linux_pages_total(o->k, &total) || !total)
		return;
	if (linux_pages_of(o->k, "NR_FREE_PAGES", &free_pages) &&
	    (uint64_t)free_pages < total / 100)
		tell(o, "less than 1 %% of memory was free");
	if (linux_pages_of(o->k, "NR_SLAB_UNRECLAIMABLE_B", &slab) && (uint64_t)slab > total / 4)
		tell(o, "slabs that stay take %.0f %% of memory",
		     100.0 * (double)slab / (double)total);
	look_at_slabs(o, total * linux_page_size(o->k));
}

int linux_oddities(struct linux_kernel *k, const struct crash_tasks *tasks,
		   void (*f)(void *arg, const char *line), void *arg)
{
	struct odd o = { .k = k, .tasks = tasks, .f = f, .arg = arg };

	look_at_cpus(&o);
	int err = look_at_tasks(&o);
	for (size_t i = 0; i < o.n_places; i++) {
		if (o.places[i].n >= CROWD)
			tell(&o, "%zu tasks wait for a lock in %s, called by %s", o.places[i].n,
			     o.places[i].lock, o.places[i].who);
	}
	look_at_memory(&o);
	look_at_log(&o);
	look_at_taint(&o);
	if (k->modules.cut)
		tell(&o, "the list of modules is cut: %s", k->modules.cut);
	if (!o.told)
		tell(&o, "none");
	return err;
}
