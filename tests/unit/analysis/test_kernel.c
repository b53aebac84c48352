/* SPDX-License-Identifier: MIT */
/** Tests each rule of the kernel model: events of every tracer -> what it tells. */
#include "analysis/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "base/strbuf.h"
#include "events.h"
#include "test.h"

/* What was told, one line each; @want chooses by the first letter. */
struct told {
	struct strbuf text;
	const char *want;
	const struct kernel *kernel;
};

static bool wanted(const struct told *t, char kind)
{
	return strchr(t->want, kind);
}

static void on_ran(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		   int64_t begin_ns, int64_t end_ns)
{
	struct told *told = arg;

	if (wanted(told, 'R'))
		strbuf_fmt(&told->text, "R cpu%u %ld %ld-%ld\n", c->cpu, t->tid, begin_ns, end_ns);
}

static void on_cpu(void *arg, const struct kernel_cpu *c, enum kernel_cpu_state state,
		   int64_t begin_ns, int64_t end_ns)
{
	static const char *const names[] = { "unknown", "idle", "busy", "softirq", "irq" };
	struct told *told = arg;

	if (wanted(told, 'C'))
		strbuf_fmt(&told->text, "C cpu%u %s %ld-%ld\n", c->cpu, names[state], begin_ns,
			   end_ns);
}

static void on_state(void *arg, const struct kernel_thread *t, enum kernel_state state,
		     int64_t begin_ns, int64_t end_ns)
{
	static const char *const names[] = { "unknown",	    "user",    "syscall",
					     "interrupted", "blocked", "wait-cpu",
					     "wait-fork",   "wait",    "gone" };
	struct told *told = arg;

	if (wanted(told, 'S') && t->tid)
		strbuf_fmt(&told->text, "S %ld %s %ld-%ld\n", t->tid, names[state], begin_ns,
			   end_ns);
}

static void on_left(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct told *told = arg;

	if (wanted(told, 'L') && t->tid)
		strbuf_fmt(&told->text, "L %ld %ld%s\n", t->tid, at_ns,
			   t->state == KERNEL_WAIT_CPU ? " preempted" : "");
}

static void on_woken(void *arg, const struct kernel_thread *t, int64_t begin_ns, int64_t end_ns)
{
	struct told *told = arg;

	if (wanted(told, 'W'))
		strbuf_fmt(&told->text, "W %ld %ld-%ld\n", t->tid, begin_ns, end_ns);
}

static void on_migrated(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct told *told = arg;

	if (wanted(told, 'M'))
		strbuf_fmt(&told->text, "M %ld %ld\n", t->tid, at_ns);
}

static void on_call(void *arg, const struct kernel_thread *t, uint32_t call, int64_t begin_ns,
		    int64_t end_ns, int64_t ret)
{
	struct told *told = arg;

	if (wanted(told, 'K'))
		strbuf_fmt(&told->text, "K %ld %s %ld-%ld %ld\n", t->tid,
			   kernel_call_name(told->kernel, call), begin_ns, end_ns, ret);
}

static void on_waking(void *arg, const struct kernel_cpu *c, const struct kernel_thread *t,
		      int64_t at_ns)
{
	struct told *told = arg;

	if (wanted(told, 'A'))
		strbuf_fmt(&told->text, "A %ld for cpu%d by %ld%s %ld\n", t->tid, t->wait_cpu,
			   c->current ? c->current->tid : -1,
			   c->irqs	 ? " irq"
			   : c->softirqs ? " softirq"
					 : "",
			   at_ns);
}

static void on_irq(void *arg, const struct kernel_cpu *c, int32_t nr, int64_t begin_ns,
		   int64_t end_ns)
{
	struct told *told = arg;

	if (wanted(told, 'I'))
		strbuf_fmt(&told->text, "I cpu%u %d '%s' %ld-%ld\n", c->cpu, nr,
			   kernel_irq_names(c->host, nr), begin_ns, end_ns);
}

static void on_softirq(void *arg, const struct kernel_cpu *c, unsigned vec, int64_t raised_ns,
		       int64_t begin_ns, int64_t end_ns)
{
	struct told *told = arg;

	if (wanted(told, 'I'))
		strbuf_fmt(&told->text, "I cpu%u soft %u raised %ld %ld-%ld\n", c->cpu, vec,
			   raised_ns == KERNEL_NO_TIME ? -1 : raised_ns, begin_ns, end_ns);
}

static void on_born(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct told *told = arg;

	if (wanted(told, 'B'))
		strbuf_fmt(&told->text, "B %ld of %ld %ld\n", t->tid,
			   t->parent ? t->parent->tid : -1, at_ns);
}

static void on_named(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct told *told = arg;

	if (wanted(told, 'N'))
		strbuf_fmt(&told->text, "N %ld '%s' %ld\n", t->tid, t->name, at_ns);
}

static void on_gone(void *arg, const struct kernel_thread *t, int64_t at_ns)
{
	struct told *told = arg;

	if (wanted(told, 'B'))
		strbuf_fmt(&told->text, "B %ld gone %ld\n", t->tid, at_ns);
}

static void on_io(void *arg, const struct kernel_cpu *c, const struct kernel_io *io)
{
	static const char *const steps[] = { "insert", "issue", "complete" };
	static const char *const ops[] = { "read", "write", "discard", "flush", "other" };
	struct told *told = arg;
	char disk[KERNEL_DISK_MOST];

	kernel_disk_name(c->host, io->dev, disk);
	if (wanted(told, 'O'))
		strbuf_fmt(&told->text, "O %s %s %s %ld+%ld %ld bytes by %ld %ld\n",
			   steps[io->step], disk, ops[io->op], io->sector, io->n_sectors, io->bytes,
			   io->thread ? io->thread->tid : -1, io->at_ns);
}

static void on_switched(void *arg, const struct kernel_cpu *c, const struct kernel_thread *prev,
			const struct kernel_thread *next, int64_t at_ns)
{
	struct told *told = arg;

	if (wanted(told, 'X'))
		strbuf_fmt(&told->text, "X cpu%u %ld (%d) to %ld (%d) %ld\n", c->cpu,
			   prev ? prev->tid : -1, prev ? prev->state : 0, next->tid, next->state,
			   at_ns);
}

static const struct kernel_watch watch = {
	.io = on_io,
	.switched = on_switched,
	.waking = on_waking,
	.irq = on_irq,
	.softirq = on_softirq,
	.born = on_born,
	.named = on_named,
	.gone = on_gone,
	.ran = on_ran,
	.cpu = on_cpu,
	.state = on_state,
	.left = on_left,
	.woken = on_woken,
	.migrated = on_migrated,
	.call = on_call,
};

static void tell_threads(struct told *told)
{
	struct kernel_thread *const *threads;
	const size_t n = kernel_threads(told->kernel, &threads);

	for (size_t i = 0; i < n && wanted(told, 'T'); i++) {
		const struct kernel_thread *t = threads[i];

		if (t->tid)
			strbuf_fmt(&told->text, "T %ld pid %ld ppid %ld '%s' prio %d%s\n", t->tid,
				   t->pid, t->ppid, t->name, t->has_prio ? t->prio : -1,
				   t->state == KERNEL_GONE ? " gone" : "");
	}
}

static void tell_doubts(struct told *told)
{
	const struct kernel_doubts *d = kernel_doubts(told->kernel);

	if (wanted(told, 'D'))
		strbuf_fmt(&told->text,
			   "D lost %lu packets %lu gaps %lu backward %lu mismatches %lu broken "
			   "%lu open %lu no-cpu %lu\n",
			   d->lost_events, d->lost_packets, d->gaps, d->backward, d->mismatches,
			   d->calls_broken, d->calls_open, d->no_cpu);
}

struct window {
	int64_t from_ns, to_ns;
};

/* Feeds the events in batches of @batch. */
static int run(const struct maker *m, struct window w, size_t batch, struct told *told)
{
	struct kernel *k = NULL;
	int r = kernel_new(&watch, told, w.from_ns, w.to_ns, &k);

	told->kernel = k;
	for (size_t i = 0; r == 0 && i < m->n_events; i += batch) {
		const size_t left = m->n_events - i;

		r = kernel_consume(
			k, &(struct sonde_batch){ m->events + i, left < batch ? left : batch });
	}
	if (r >= 0) {
		kernel_finish(k);
		tell_threads(told);
		tell_doubts(told);
		r = strbuf_ok(&told->text);
	}
	kernel_free(k);
	return r < 0 ? r : 0;
}

enum {
	ANY = 0xf,
	NEW_LTTNG = 1 << LTTNG,
	LTTNGS = 3,
	FTRACES = 0xc,
	CURRENT = 1 << FTRACE_CURRENT
};
enum { NOT_CURRENT = 7, NAMED = 1 << LTTNG | FTRACES };

static const struct rule {
	const char *name;
	unsigned flavours;
	const char *want; /* kinds of lines */
	const char *events;
	const char *told;
	struct window window; /* all zero: everything */
	int64_t begin_ns;     /* of the packets */
} cases[] = {
	{ "a switch ends one thread's time and begins another's",
	  ANY,
	  "R",
	  "10 0 switch 7 1 8\n"
	  "15 0 switch 8 0 0\n"
	  "40 0 switch 0 0 7\n"
	  "45 1 switch 0 0 9\n"
	  "50 0 other\n",
	  "R cpu0 8 10-15\nR cpu0 0 15-40\nR cpu0 7 40-50\nR cpu1 9 45-50\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a CPU's first switch tells who ran since its packet began",
	  NOT_CURRENT,
	  "RC",
	  "10 0 other\n"
	  "20 0 switch 7 1 0\n"
	  "30 1 switch 0 0 8\n"
	  "40 0 other\n",
	  "R cpu0 7 10-20\nC cpu0 busy 10-20\nR cpu1 0 10-30\nC cpu1 idle 10-30\n"
	  "R cpu0 0 20-40\nC cpu0 idle 20-40\nR cpu1 8 30-40\nC cpu1 busy 30-40\n",
	  { 0, 0 },
	  5 },
	{ "or since its first event that matters",
	  NOT_CURRENT,
	  "R",
	  "10 0 other\n"
	  "12 0 waking 9 0\n"
	  "20 0 switch 7 1 0\n"
	  "40 0 other\n",
	  "R cpu0 7 12-20\nR cpu0 0 20-40\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "each event tells who runs where it carries the tid",
	  CURRENT,
	  "RK",
	  "10 3 enter read\n"
	  "20 3 exit read 5\n"
	  "30 3 switch 103 1 0\n",
	  "K 103 read 10-20 5\nR cpu3 103 10-30\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "without that, calls before the first switch are nobody's",
	  NOT_CURRENT,
	  "K",
	  "10 3 enter read\n"
	  "20 3 exit read 5\n"
	  "30 3 switch 103 1 0\n",
	  "",
	  { 0, 0 },
	  INT64_MIN },
	{ "what the state at a switch means",
	  ANY,
	  "SL",
	  "0 0 switch 0 0 1\n"
	  "10 0 switch 1 0 2\n"
	  "20 0 switch 2 1 3\n"
	  "30 0 switch 3 2 4\n"
	  "40 0 switch 4 0x10 5\n"
	  "50 0 switch 5 4 6\n"
	  "60 0 switch 6 0x100 7\n"
	  "70 0 switch 7 0x402 8\n"
	  "80 0 switch 8 0x80 9\n"
	  "90 0 switch 9 2048 0\n"
	  "100 0 other\n",
	  "S 1 user 0-10\nL 1 10 preempted\nS 2 user 10-20\nL 2 20\nS 3 user 20-30\nL 3 30\n"
	  "S 4 user 30-40\nL 4 40\nS 5 user 40-50\nL 5 50\nS 6 user 50-60\nL 6 60 preempted\n"
	  "S 7 user 60-70\nL 7 70\nS 8 user 70-80\nL 8 80\nS 9 user 80-90\nL 9 90 preempted\n"
	  "S 1 wait-cpu 10-100\nS 2 blocked 20-100\nS 3 blocked 30-100\nS 4 gone 40-100\n"
	  "S 5 wait 50-100\nS 6 wait-cpu 60-100\nS 7 blocked 70-100\nS 8 blocked 80-100\n"
	  "S 9 wait-cpu 90-100\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a wait for a CPU goes from the first waking to the switch",
	  ANY,
	  "WS",
	  "0 0 switch 7 1 0\n"
	  "10 1 waking 7 0\n"
	  "12 0 wakeup 7 0\n"
	  "20 0 switch 0 0 7\n"
	  "25 1 waking 7 0\n"
	  "30 0 switch 7 0 8\n"
	  "40 0 switch 8 1 7\n"
	  "50 0 other\n",
	  "S 7 blocked 0-10\nS 7 wait-cpu 10-20\nW 7 10-20\nS 7 user 20-30\nS 8 user 30-40\n"
	  "S 7 wait-cpu 30-40\nS 7 user 40-50\nS 8 blocked 40-50\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "an interrupt interrupts CPU and thread, one in the other too",
	  ANY,
	  "CS",
	  "0 0 switch 0 0 7\n"
	  "5 0 irq- 3\n"
	  "10 0 irq+ 3\n"
	  "12 0 irq+ 4\n"
	  "14 0 irq- 4\n"
	  "16 0 irq- 3\n"
	  "17 0 irq- 3\n"
	  "20 0 switch 7 1 0\n"
	  "25 0 irq+ 3\n"
	  "30 0 irq- 3\n",
	  "C cpu0 busy 0-10\nS 7 user 0-10\nC cpu0 irq 10-16\nS 7 interrupted 10-16\n"
	  "S 7 user 16-20\nC cpu0 busy 16-20\nC cpu0 idle 20-25\nC cpu0 irq 25-30\n"
	  "S 7 blocked 20-30\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "the thread resumes when no softirq of its CPU runs",
	  ANY,
	  "CS",
	  "0 0 switch 0 0 7\n"
	  "2 0 soft- 1\n"
	  "5 0 enter read\n"
	  "8 0 raise 1\n"
	  "10 0 soft+ 1\n"
	  "11 0 raise 1\n"
	  "12 0 soft+ 3\n"
	  "14 0 irq+ 9\n"
	  "15 0 irq- 9\n"
	  "16 0 soft- 3\n"
	  "18 0 soft- 1\n"
	  "20 0 exit read 0\n"
	  "30 0 other\n",
	  "S 7 user 0-5\nC cpu0 busy 0-10\nS 7 syscall 5-10\nC cpu0 softirq 10-14\n"
	  "C cpu0 irq 14-15\nC cpu0 softirq 15-18\nS 7 interrupted 10-18\nS 7 syscall 18-20\n"
	  "C cpu0 busy 18-30\nS 7 user 20-30\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "durations of interrupts and softirqs; exits without an entry tell nothing",
	  ANY,
	  "I",
	  "0 0 switch 0 0 7\n"
	  "1 0 irq- 3\n"
	  "2 0 soft- 1\n"
	  "10 0 irq+ 3\n"
	  "12 0 irq+ 4\n"
	  "13 0 irq- 9\n"
	  "14 0 irq- 4\n"
	  "16 0 irq- 3\n"
	  "17 0 irq- 3\n"
	  "18 0 raise 1\n"
	  "19 0 raise 1\n"
	  "20 0 soft+ 1\n"
	  "22 0 raise 1\n"
	  "25 0 soft- 1\n"
	  "30 0 soft+ 1\n"
	  "31 0 soft- 1\n"
	  "32 0 soft- 1\n"
	  "33 0 soft+ 40\n"
	  "34 0 soft- 40\n"
	  "40 1 soft+ 1\n"
	  "41 1 soft- 1\n",
	  "I cpu0 4 'h' 12-14\nI cpu0 3 'h' 10-16\nI cpu0 soft 1 raised 18 20-25\n"
	  "I cpu0 soft 1 raised 22 30-31\nI cpu1 soft 1 raised -1 40-41\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "an inner interrupt whose exit is missing ends unseen; a gap ends all",
	  ANY,
	  "I",
	  "0 0 switch 0 0 7\n"
	  "10 0 irq+ 3\n"
	  "12 0 irq+ 4\n"
	  "16 0 irq- 3\n"
	  "20 0 irq+ 3\n"
	  "21 0 soft+ 1\n"
	  "22 0 raise 2\n"
	  "25 0 gap lost 3 23\n"
	  "26 0 irq- 3\n"
	  "27 0 soft- 1\n"
	  "28 0 soft+ 2\n"
	  "29 0 soft- 2\n",
	  "I cpu0 3 'h' 10-16\nI cpu0 soft 2 raised -1 28-29\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "who woke whom, from where, for which CPU",
	  ANY,
	  "A",
	  "0 0 switch 0 0 7\n"
	  "1 1 switch 8 1 0\n"
	  "10 0 waking 8 1\n"
	  "12 0 wakeup 8 1\n"
	  "15 1 switch 0 0 8\n"
	  "16 0 waking 8 1\n"
	  "20 1 switch 8 1 0\n"
	  "25 1 irq+ 5\n"
	  "26 1 waking 8 0\n"
	  "27 1 irq- 5\n"
	  "30 0 switch 7 0 8\n"
	  "31 0 soft+ 1\n"
	  "32 0 waking 7 0\n"
	  "33 0 waking 9 3\n",
	  "A 8 for cpu1 by 7 10\nA 8 for cpu0 by 0 irq 26\nA 7 for cpu0 by 8 softirq 32\n"
	  "A 9 for cpu3 by 8 softirq 33\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "both sides of a switch",
	  ANY,
	  "X",
	  "0 0 switch 0 0 7\n"
	  "10 0 switch 7 0 8\n"
	  "20 0 switch 8 1 7\n",
	  "X cpu0 0 (5) to 7 (0) 0\nX cpu0 7 (5) to 8 (0) 10\nX cpu0 8 (4) to 7 (5) 20\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "block requests in LTTng's words",
	  LTTNGS,
	  "O",
	  "0 0 switch 0 0 7\n"
	  "1 0 disk 8388608 sda\n"
	  "10 0 insert 8388608 100 8 0 1 9\n"
	  "12 0 issue 8388608 100 8 0 1 7\n"
	  "15 0 complete 8388608 100 8 1\n"
	  "20 0 issue 8388609 0 0 0 0x121 7\n"
	  "22 0 issue 8388609 7 16 8192 0x24 7\n"
	  "24 0 issue 8388609 7 16 8192 0x102 7\n"
	  "26 0 issue 0 7 16 8192 4 7\n",
	  "O insert sda write 100+8 4096 bytes by 9 10\nO issue sda write 100+8 4096 bytes by 7 "
	  "12\n"
	  "O complete sda write 100+8 4096 bytes by 7 15\n"
	  "O issue 8:1 flush 0+0 0 bytes by 7 20\nO issue 8:1 read 7+16 8192 bytes by 7 22\n"
	  "O issue 8:1 discard 7+16 8192 bytes by 7 24\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "block requests in ftrace's words",
	  FTRACES,
	  "O",
	  "0 0 switch 0 0 7\n"
	  "10 0 finsert 8388608 100 8 4096 WS\n"
	  "12 0 fissue 8388608 100 8 4096 FWFS\n"
	  "14 0 fissue 8388608 100 8 4096 RA\n"
	  "16 0 fissue 8388608 0 0 0 FF\n"
	  "18 0 fissue 8388608 100 8 4096 D\n"
	  "19 0 fissue 8388608 100 8 4096 N\n"
	  "20 0 fcomplete 8388608 100 8 R\n",
	  "O insert 8:0 write 100+8 4096 bytes by 7 10\nO issue 8:0 write 100+8 4096 bytes by 7 "
	  "12\n"
	  "O issue 8:0 read 100+8 4096 bytes by 7 14\nO issue 8:0 flush 0+0 0 bytes by 7 16\n"
	  "O issue 8:0 discard 100+8 4096 bytes by 7 18\n"
	  "O issue 8:0 other 100+8 4096 bytes by 7 19\nO complete 8:0 read 100+8 4096 bytes by 7 "
	  "20\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "the tree of processes",
	  LTTNGS,
	  "B",
	  "0 0 switch 0 0 7\n"
	  "10 0 fork 7 7 9 9\n"
	  "20 0 switch 7 1 9\n"
	  "30 0 fork 9 9 10 9\n"
	  "40 0 fork 9 9 10 9\n"
	  "50 0 switch 9 0x10 7\n"
	  "60 0 fork 7 7 9 9\n"
	  "70 0 switch 7 1 10\n"
	  "80 0 fork 7 7 10 10\n",
	  "B 9 of 7 10\nB 10 of 9 30\nB 9 gone 50\nB 9 of 7 60\nB 10 gone 80\nB 10 of 7 80\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "names over time",
	  FTRACES,
	  "N",
	  "0 0 switch 0 0 7\n"
	  "10 0 rename 7 one\n"
	  "20 0 rename 7 one\n"
	  "25 0 exec 7 7 /bin/two\n"
	  "30 0 switch 7 1 0\n",
	  "N 7 't7' 0\nN 7 'one' 10\nN 7 'two' 25\nN 7 't7' 30\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a switch ends interrupts whose end was not seen",
	  ANY,
	  "C",
	  "0 0 switch 0 0 7\n"
	  "10 0 irq+ 1\n"
	  "20 0 switch 7 1 8\n"
	  "30 0 other\n",
	  "C cpu0 busy 0-10\nC cpu0 irq 10-20\nC cpu0 busy 20-30\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "calls go on while their thread is off the CPU",
	  ANY,
	  "KD",
	  "0 0 switch 0 0 7\n"
	  "5 0 exit read 1\n"
	  "10 0 enter read\n"
	  "20 0 switch 7 1 8\n"
	  "22 0 enter write\n"
	  "24 0 exit write -11\n"
	  "30 0 switch 8 1 0\n"
	  "40 1 switch 0 0 7\n"
	  "50 1 exit read 9\n"
	  "60 1 enter futex\n"
	  "70 1 enter poll\n"
	  "80 1 exit poll 0\n"
	  "90 1 enter select\n",
	  "K 8 write 22-24 -11\nK 7 read 10-50 9\nK 7 poll 70-80 0\n"
	  "D lost 0 packets 0 gaps 0 backward 0 mismatches 0 broken 0 open 1 no-cpu 0\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "the exit of another call than the open one counts for none",
	  NAMED,
	  "KD",
	  "0 0 switch 0 0 7\n"
	  "10 0 enter read\n"
	  "20 0 exit write 1\n"
	  "30 0 exit read 1\n",
	  "D lost 0 packets 0 gaps 0 backward 0 mismatches 0 broken 1 open 0 no-cpu 0\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "the return from a signal has number -1 and no result",
	  FTRACES,
	  "K",
	  "0 0 switch 0 0 7\n"
	  "10 0 enter rt_sigreturn\n"
	  "20 0 exit -1 -4\n"
	  "30 0 enter 999\n"
	  "40 0 exit 999 -38\n",
	  "K 7 rt_sigreturn 10-20 0\nK 7 unknown 30-40 -38\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a call of one that ended is not open",
	  ANY,
	  "KTD",
	  "0 0 switch 0 0 7\n"
	  "10 0 enter exit_group\n"
	  "20 0 end 7\n"
	  "30 0 switch 7 64 0\n",
	  "T 7 pid -1 ppid -1 't7' prio 20 gone\n"
	  "D lost 0 packets 0 gaps 0 backward 0 mismatches 0 broken 0 open 0 no-cpu 0\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "fork makes a thread that waits to be woken",
	  LTTNGS,
	  "ST",
	  "0 0 switch 0 0 7\n"
	  "10 0 fork 7 7 8 8\n"
	  "20 0 wakeup 8 1\n"
	  "30 1 switch 0 0 8\n"
	  "35 1 fork 8 8 9 8\n"
	  "40 1 other\n",
	  "S 8 wait-fork 10-20\nS 8 wait-cpu 20-30\nS 7 user 0-40\nS 8 user 30-40\n"
	  "S 9 wait-fork 35-40\n"
	  "T 7 pid 7 ppid -1 't7' prio 20\nT 8 pid 8 ppid 7 't8' prio 20\n"
	  "T 9 pid 8 ppid -1 't9' prio -1\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "ftrace tells by the flags whether it is a process",
	  FTRACES,
	  "T",
	  "0 0 switch 0 0 7\n"
	  "5 0 newtask 8 0\n"
	  "10 0 fork 7 7 8 8\n"
	  "12 0 switch 7 1 8\n"
	  "20 0 newtask 9 0x10000\n"
	  "21 0 fork 8 8 9 8\n",
	  "T 7 pid -1 ppid -1 't7' prio 20\nT 8 pid 8 ppid -1 't8' prio 20\n"
	  "T 9 pid 8 ppid -1 't9' prio -1\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "exec gives the name and, to a thread, its process's number",
	  ANY,
	  "RT",
	  "0 0 switch 0 0 7\n"
	  "5 0 switch 7 1 8\n"
	  "10 0 exec 7 8 /bin/ls\n"
	  "20 0 switch 7 1 0\n"
	  "30 0 waking 8 0\n",
	  "R cpu0 7 0-5\nR cpu0 7 5-20\nR cpu0 0 20-30\n"
	  "T 7 pid -1 ppid -1 't7' prio 20 gone\nT 7 pid 7 ppid -1 't7' prio 20\n"
	  "T 8 pid -1 ppid -1 't8' prio -1\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "an executed file is the name until the thread shows another",
	  ANY,
	  "T",
	  "0 0 switch 0 0 7\n"
	  "10 0 exec 7 7 /bin/ls\n",
	  "T 7 pid 7 ppid -1 'ls' prio 20\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "where only some were recorded, of others nothing is told",
	  CURRENT,
	  "RWLT",
	  "only\n"
	  "0 0 switch 5 0 7\n"
	  "5 0 enter read\n"
	  "6 0 fork 7 7 8 8\n"
	  "10 0 switch 7 1 5\n"
	  "15 1 waking 7 0\n"
	  "20 0 switch 5 0 7\n"
	  "25 0 switch 7 1 8\n"
	  "30 0 switch 8 1 5\n"
	  "40 0 switch 5 1 8\n"
	  "45 0 other\n",
	  "R cpu0 7 0-10\nL 7 10\nW 7 15-20\nR cpu0 7 20-25\nL 7 25\nR cpu0 8 25-30\nL 8 30\n"
	  "R cpu0 8 40-45\n"
	  "T 5 pid -1 ppid -1 't5' prio 20\nT 7 pid -1 ppid -1 't7' prio 20\n"
	  "T 8 pid -1 ppid -1 't8' prio 20\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a thread that takes a name has it",
	  FTRACES,
	  "T",
	  "0 0 switch 0 0 7\n"
	  "10 0 rename 7 worker\n",
	  "T 7 pid -1 ppid -1 'worker' prio 20\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "one that ends may have to wait before it is gone",
	  ANY,
	  "RT",
	  "0 0 switch 0 0 7\n"
	  "10 0 end 7\n"
	  "20 0 switch 7 2 0\n"
	  "30 0 waking 7 0\n"
	  "40 0 switch 0 0 7\n"
	  "50 0 switch 7 0x10 0\n",
	  "R cpu0 7 0-20\nR cpu0 0 20-40\nR cpu0 7 40-50\n"
	  "T 7 pid -1 ppid -1 't7' prio 20 gone\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a number that comes again is another thread",
	  ANY,
	  "RT",
	  "0 0 switch 0 0 7\n"
	  "10 0 end 7\n"
	  "20 0 switch 7 0x10 0\n"
	  "25 0 free 7\n"
	  "30 0 switch 0 0 7\n"
	  "40 0 switch 7 1 0\n",
	  "R cpu0 7 0-20\nR cpu0 0 20-30\nR cpu0 7 30-40\n"
	  "T 7 pid -1 ppid -1 't7' prio 20 gone\nT 7 pid -1 ppid -1 't7' prio 20\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "the end of one long gone does not end its successor",
	  LTTNGS,
	  "T",
	  "0 0 switch 0 0 7\n"
	  "10 0 switch 7 0x10 6\n"
	  "20 0 fork 6 6 7 7\n"
	  "25 0 free 7\n",
	  "T 7 pid -1 ppid -1 't7' prio 20 gone\nT 6 pid 6 ppid -1 't6' prio 20\n"
	  "T 7 pid 7 ppid 6 't7' prio -1\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "migrations are told by their events",
	  ANY,
	  "M",
	  "0 0 switch 0 0 7\n"
	  "10 0 switch 7 1 0\n"
	  "20 0 migrate 7 0 1\n"
	  "30 1 switch 0 0 7\n",
	  "M 7 20\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "or by the CPU, where only some were recorded: who moves them is not",
	  CURRENT,
	  "M",
	  "only\n"
	  "0 0 switch 5 0 7\n"
	  "5 0 enter read\n"
	  "8 0 migrate 7 0 1\n"
	  "10 0 switch 7 1 5\n"
	  "30 1 switch 5 0 7\n",
	  "M 7 30\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "or by the CPU, in traces without such events",
	  ANY,
	  "M",
	  "0 0 switch 0 0 7\n"
	  "10 0 switch 7 1 0\n"
	  "30 1 switch 0 0 7\n"
	  "40 1 switch 7 1 0\n"
	  "50 1 switch 0 0 7\n",
	  "M 7 30\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a state dump fills only what is not known",
	  LTTNGS,
	  "ST",
	  "0 0 switch 7 1 0\n"
	  "10 1 dump 7 6 2\n"
	  "11 1 dump 8 6 5\n"
	  "12 1 dump 9 9 6\n"
	  "20 1 dump 8 5 2\n"
	  "30 0 other\n",
	  "S 7 blocked 0-30\nS 8 blocked 11-30\n"
	  "T 7 pid 6 ppid -1 't7' prio 20\nT 8 pid 6 ppid -1 't8' prio -1\n"
	  "T 9 pid 9 ppid -1 't9' prio -1\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "lost events make their CPU and all who wait unknown",
	  NOT_CURRENT,
	  "RKSD",
	  "0 0 switch 0 0 7\n"
	  "1 1 switch 0 0 8\n"
	  "2 1 enter write\n"
	  "3 2 switch 0 0 9\n"
	  "5 0 enter read\n"
	  "6 2 enter poll\n"
	  "8 2 switch 9 1 0\n"
	  "20 0 gap lost 12 10\n"
	  "30 1 exit write 1\n"
	  "40 0 exit read 1\n"
	  "45 0 switch 5 1 7\n"
	  "50 2 switch 0 0 9\n"
	  "55 2 exit poll 0\n"
	  "60 0 other\n",
	  "S 8 user 1-2\nS 7 user 0-5\nS 9 user 3-6\nR cpu2 9 3-8\nS 9 syscall 6-8\n"
	  "R cpu0 7 0-10\nS 7 syscall 5-10\nK 8 write 2-30 1\nS 8 syscall 2-30\n"
	  "R cpu0 5 40-45\nR cpu2 0 8-50\nR cpu0 7 45-60\nR cpu1 8 1-60\nR cpu2 9 50-60\n"
	  "S 7 user 45-60\nS 8 user 30-60\nS 9 user 50-60\nS 5 blocked 45-60\n"
	  "D lost 12 packets 0 gaps 1 backward 0 mismatches 0 broken 0 open 0 no-cpu 0\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "all kinds of gaps are counted; backward time changes nothing",
	  ANY,
	  "RD",
	  "0 0 switch 0 0 7\n"
	  "5 0 gap backward 1 5\n"
	  "10 0 gap packets 2 8\n"
	  "20 0 switch 7 1 0\n"
	  "30 0 gap cut 0 25\n"
	  "40 3 gap lost 7 35\n"
	  "41 0 other\n",
	  "R cpu0 7 0-8\nR cpu0 0 20-25\n"
	  "D lost 7 packets 2 gaps 2 backward 1 mismatches 0 broken 0 open 0 no-cpu 0\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a switch from another thread than the current one",
	  NOT_CURRENT,
	  "RKD",
	  "0 0 switch 0 0 7\n"
	  "5 0 enter read\n"
	  "10 0 irq+ 1\n"
	  "20 0 switch 8 1 9\n"
	  "25 1 switch 0 0 7\n"
	  "26 1 exit read 0\n"
	  "30 0 other\n",
	  "R cpu0 7 0-10\nR cpu0 9 20-30\nR cpu1 7 25-30\n"
	  "D lost 0 packets 0 gaps 0 backward 0 mismatches 1 broken 0 open 0 no-cpu 0\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "who ran unseen can be woken again",
	  NOT_CURRENT,
	  "AW",
	  "0 0 switch 0 0 7\n"
	  "10 1 waking 8 0\n"
	  "20 0 switch 8 1 9\n"
	  "30 1 waking 8 0\n"
	  "40 0 switch 9 1 8\n",
	  "A 8 for cpu0 by -1 10\nA 8 for cpu0 by -1 30\nW 8 30-40\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a thread that waited has not run since, only because the switch to it is missing",
	  NOT_CURRENT,
	  "RD",
	  "0 0 switch 0 0 7\n"
	  "10 0 switch 7 0 8\n"
	  "20 0 switch 8 0 5\n"
	  "30 0 switch 7 1 9\n"
	  "40 0 other\n",
	  "R cpu0 7 0-10\nR cpu0 8 10-20\nR cpu0 9 30-40\n"
	  "D lost 0 packets 0 gaps 0 backward 0 mismatches 1 broken 0 open 0 no-cpu 0\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "events that carry the tid tell of a switch that is missing",
	  CURRENT,
	  "RKD",
	  "0 0 switch 0 0 7\n"
	  "5 0 enter read\n"
	  "10 0 irq+ 1\n"
	  "11 0 now 8\n"
	  "15 0 enter write\n"
	  "20 0 exit write 1\n"
	  "30 0 switch 8 1 0\n"
	  "40 1 switch 0 0 7\n"
	  "45 1 exit read 1\n",
	  "R cpu0 7 0-10\nK 8 write 15-20 1\nR cpu0 8 15-30\nK 7 read 5-45 1\n"
	  "R cpu0 0 30-45\nR cpu1 7 40-45\n"
	  "D lost 0 packets 0 gaps 0 backward 0 mismatches 1 broken 0 open 0 no-cpu 0\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "perf's records tell the processes of threads",
	  FTRACES,
	  "TD",
	  "0 3 pcomm 103 90 main\n"
	  "5 0 switch 0 0 7\n"
	  "6 0 psample 7 6\n"
	  "10 0 pfork 8 8 6\n"
	  "11 0 fork 7 7 8 8\n"
	  "12 0 fork 7 7 9 6\n"
	  "13 0 pfork 9 6 6\n"
	  "15 0 psample 9 5\n"
	  "20 3 gap lost 7 19\n",
	  "T 103 pid 90 ppid -1 'main' prio -1\nT 7 pid 6 ppid -1 't7' prio 20\n"
	  "T 8 pid 8 ppid 6 't8' prio -1\nT 9 pid 6 ppid -1 't9' prio -1\n"
	  "D lost 7 packets 0 gaps 0 backward 0 mismatches 0 broken 0 open 0 no-cpu 0\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a thread that runs elsewhere has left the CPU before",
	  ANY,
	  "RD",
	  "0 0 switch 0 0 7\n"
	  "10 0 irq+ 1\n"
	  "20 1 switch 0 0 7\n"
	  "30 1 other\n",
	  "R cpu0 7 0-10\nR cpu1 7 20-30\n"
	  "D lost 0 packets 0 gaps 0 backward 0 mismatches 1 broken 0 open 0 no-cpu 0\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "the window cuts what is told, not what is known",
	  ANY,
	  "RWK",
	  "0 0 switch 0 0 7\n"
	  "2 0 enter read\n"
	  "8 0 switch 7 1 0\n"
	  "9 0 waking 7 0\n"
	  "15 0 switch 0 0 7\n"
	  "16 0 exit read 4\n"
	  "17 0 enter write\n"
	  "22 0 exit write 1\n"
	  "25 0 switch 7 1 0\n",
	  "R cpu0 0 10-15\nW 7 9-15\nK 7 read 2-16 4\nR cpu0 7 15-20\n",
	  { 10, 20 },
	  INT64_MIN },
	{ "threads of numbers beyond what a kernel gives are told apart, too",
	  ANY,
	  "R",
	  "0 0 switch 0 0 4194303\n10 0 switch 4194303 1 4194304\n"
	  "20 0 switch 4194304 1 2000000000\n30 0 switch 2000000000 1 4194304\n"
	  "40 0 switch 4194304 1 4194303\n50 0 switch 4194303 1 2000000000\n",
	  "R cpu0 4194303 0-10\nR cpu0 4194304 10-20\nR cpu0 2000000000 20-30\n"
	  "R cpu0 4194304 30-40\nR cpu0 4194303 40-50\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "a thread that takes over a number that no kernel gives",
	  LTTNGS,
	  "RB",
	  "0 0 switch 0 0 5000000\n5 0 fork 5000000 5000000 5000001 5000000\n"
	  "10 0 switch 5000000 1 5000001\n20 0 exec 5000000 5000001 /x\n"
	  "30 0 switch 5000000 1 5000001\n40 0 switch 5000001 1 0\n",
	  "B 5000001 of 5000000 5\nR cpu0 5000000 0-10\nB 5000000 gone 20\n"
	  "R cpu0 5000000 10-30\nR cpu0 5000001 30-40\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "events of packets that name no CPU are counted",
	  ANY,
	  "RD",
	  "0 - switch 0 0 7\n10 - switch 7 1 0\n",
	  "D lost 0 packets 0 gaps 0 backward 0 mismatches 0 broken 0 open 0 no-cpu 2\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "what lies behind a step back in time is told, but no time twice",
	  NOT_CURRENT,
	  "RCK",
	  "100 0 switch 0 0 7\n110 0 enter read\n120 0 switch 7 0 8\n50 0 switch 0 0 7\n"
	  "60 0 enter read\n70 0 exit read 3\n80 0 switch 7 1 8\n130 0 switch 8 1 7\n"
	  "140 0 exit read 5\n150 0 other\n",
	  "R cpu0 7 100-120\nC cpu0 busy 100-120\nK 7 read 60-70 3\nR cpu0 8 120-130\n"
	  "R cpu0 7 130-150\nC cpu0 busy 120-150\n",
	  { 0, 0 },
	  INT64_MIN },
	{ "time that runs backward gives no negative times",
	  ANY,
	  "RWK",
	  "50 0 switch 0 0 7\n"
	  "60 0 enter read\n"
	  "40 0 exit read 0\n"
	  "45 0 switch 7 1 0\n"
	  "44 0 waking 7 0\n"
	  "42 0 switch 0 0 7\n"
	  "70 0 other\n",
	  "R cpu0 7 50-60\n"
	  "R cpu0 7 60-70\n",
	  { 0, 0 },
	  INT64_MIN },
};

static const char *const flavour_names[N_FLAVOURS] = { "lttng", "old lttng", "ftrace",
						       "ftrace with tid" };

TEST(every_rule_with_every_tracer)
{
	static struct maker m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rule *c = &cases[i];
		const bool all = !c->window.from_ns && !c->window.to_ns;
		const struct window w = all ? (struct window){ INT64_MIN, INT64_MAX } : c->window;

		for (int f = 0; f < N_FLAVOURS; f++) {
			if (!(c->flavours >> f & 1))
				continue;
			maker_init(&m, (enum flavour)f, c->begin_ns, c->events);
			for (size_t batch = 1; batch < 40; batch = 2 * batch + 1) {
				struct told told = { .want = c->want };

				EXPECT_EQ(run(&m, w, batch, &told), 0);
				if (strcmp(strbuf_text(&told.text), c->told) != 0)
					printf("# %s (%s, batches of %zu)\n", c->name,
					       flavour_names[f], batch);
				EXPECT_STR(strbuf_text(&told.text), c->told);
				const bool same = !strcmp(strbuf_text(&told.text), c->told);
				strbuf_fini(&told.text);
				if (!same)
					break;
			}
			maker_fini(&m);
		}
	}
}

static struct maker small;

static int run_without_memory(void)
{
	struct told told = { .want = "RK" };
	int r = run(&small, (struct window){ INT64_MIN, INT64_MAX }, 3, &told);

	strbuf_fini(&told.text);
	return r;
}

TEST(out_of_memory)
{
	maker_init(&small, LTTNG, INT64_MIN,
		   "0 0 switch 0 0 7\n1 0 enter read\n2 0 fork 7 7 8 8\n3 1 switch 0 0 8\n"
		   "4 0 exec 9 7 /x\n5 0 exit read 0\n6 0 switch 9 1 0\n");
	test_oom(run_without_memory);
	maker_fini(&small);
}
