/* SPDX-License-Identifier: MIT */
/** Runs a script's programs over the objects of a dump. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/u64map.h"
#include "crash/debug/debug.h"
#include "crash/script/parts.h"
#include "lang/recorded/outcome.h"

enum { WHY_MOST = 256 };

struct dead {
	const struct dead_options *opt;
	struct crash_core *core;
	struct machine *machine;     /* owned */
	struct machine_prog **progs; /* owned; by index of script.progs */
	struct outcome outcome;
	struct names names;
	struct crash_tasks tasks; /* owned */
	bool has_tasks;
	const struct crash_task *task; /* that the walk is at; NULL: none */
	struct machine_prog *prog;     /* of the walk */
	uint64_t end_ns;	       /* when the machine died, since its boot */
	uint64_t missing, missing_at; /* reads of what is not in the dump, and where the last was */
	char why[WHY_MOST];	      /* of the first one, in words */
	struct u64map exact;	      /* addresses in stacks that return to nobody, with lines */
};

// --- what the machine asks ---

static bool is_of_kernel(uint64_t addr)
{
	return addr >> 63;
}

static int read_at(struct dead *d, uint64_t addr, void *ret, size_t len)
{
	const struct crash_system *system = d->core->system;

	if (is_of_kernel(addr) || d->core->about->arch == DUMP_I386)
		return system->read(d->core, addr, ret, len);
	return d->task ? system->read_user(d->core, d->task, addr, ret, len) : -EFAULT;
}

/* Texts are read beyond their ends, and when that fails again from the same place, but less. */
static void note_missing(struct dead *d, uint64_t addr, size_t len)
{
	uint8_t first;

	if (d->missing_at == addr)
		return;
	if (!d->missing) {
		(void)crash_fail_read(-ENODATA, addr);
		(void)snprintf(d->why, sizeof(d->why), "%s", sonde_err_str());
	}
	if (len > 8 && !read_at(d, addr, &first, 1))
		return;
	d->missing_at = addr;
	d->missing++;
}

static bool read_memory(void *arg, uint64_t addr, void *ret, size_t len)
{
	struct dead *d = arg;

	int r = read_at(d, addr, ret, len);
	if (r == -ENODATA)
		note_missing(d, addr, len);
	return r == 0;
}

/* What a script has seen as 0 or as an empty text. */
static void tell_missing(const struct dead *d)
{
	char line[WHY_MOST + 96];

	if (!d->missing || !d->opt->note)
		return;
	(void)snprintf(line, sizeof(line),
		       "%" PRIu64 " reads gave 0 or no text, as that memory is not in the dump; %s",
		       d->missing, d->why);
	d->opt->note(d->opt->note_arg, line);
}

static int64_t user_stack(const struct dead *d, uint64_t *ret, uint32_t n, uint64_t skip)
{
	uint64_t frames[CRASH_FRAMES_MOST];
	const struct crash_system *system = d->core->system;
	int found = system->user_stack
			    ? system->user_stack(d->core, d->task, frames, CRASH_FRAMES_MOST)
			    : -ENODATA;
	uint32_t put = 0;

	if (found < 0)
		return -EFAULT;
	for (uint64_t i = skip; i < (uint64_t)found && put < n; i++)
		ret[put++] = frames[i];
	return (int64_t)put * 8;
}

static int64_t stack(void *arg, const struct machine_now *now, uint64_t *ret, uint32_t n,
		     uint64_t flags)
{
	struct dead *d = arg;
	struct crash_stack s = { 0 };
	size_t frames = 0;

	(void)now;
	if (!d->task)
		return -EFAULT;
	if (flags & BPF_F_USER_STACK)
		return user_stack(d, ret, n, flags & BPF_F_SKIP_FIELD_MASK);
	if (d->core->system->stack(d->core, d->task, &s) < 0) {
		crash_stack_fini(&s);
		return -EFAULT;
	}
	for (size_t i = flags & BPF_F_SKIP_FIELD_MASK; i < s.n && frames < n; i++) {
		if (s.frames[i].inlined)
			continue;
		ret[frames++] = s.frames[i].pc;
		if (s.frames[i].exact && d->names.lines && !d->outcome.err)
			d->outcome.err = u64map_put(&d->exact, s.frames[i].pc, 1);
	}
	crash_stack_fini(&s);
	return (int64_t)frames * 8;
}

static void take_record(void *arg, const void *data, size_t len)
{
	struct dead *d = arg;

	outcome_take(&d->outcome, data, len);
}

static const struct machine_ops ops = {
	.read = read_memory,
	.stack = stack,
	.record = take_record,
};

// --- names ---

static void put_address(uint64_t addr, struct strbuf *ret)
{
	strbuf_fmt(ret, "0x%" PRIx64, addr);
}

static void ksym(void *arg, uint64_t addr, bool with_offset, struct strbuf *ret)
{
	const struct dead *d = arg;
	struct crash_symbol s;

	if (!d->core->system->symbol_at(d->core, addr, &s) || !s.name) {
		put_address(addr, ret);
		return;
	}
	strbuf_str(ret, s.name);
	if (with_offset)
		strbuf_fmt(ret, "+%" PRIu64, addr - s.start);
}

static void kmod(void *arg, uint64_t addr, struct strbuf *ret)
{
	const struct dead *d = arg;
	struct crash_symbol s;
	bool found = d->core->system->symbol_at(d->core, addr, &s);

	strbuf_str(ret, found && s.module ? s.module : "vmlinux");
}

static void usym(void *arg, uint32_t pid, uint64_t addr, bool with_offset, bool with_module,
		 struct strbuf *ret)
{
	const struct dead *d = arg;
	const struct crash_system *system = d->core->system;

	(void)with_offset; // without names of functions all is one
	for (size_t i = 0; system->user_name && i < d->tasks.n; i++) {
		if (d->tasks.all[i].pid != pid)
			continue;
		if (system->user_name(d->core, &d->tasks.all[i], addr, ret))
			return;
		break;
	}
	put_address(addr, ret);
	if (with_module)
		strbuf_str(ret, " ([unknown])");
}

static void number(void *arg, uint64_t id, struct strbuf *ret)
{
	(void)arg;
	strbuf_fmt(ret, "%" PRIu64, id);
}

static void user(void *arg, uint32_t uid, struct strbuf *ret)
{
	number(arg, uid, ret);
}

static size_t frames_of(void *arg, uint64_t id, uint64_t *ret)
{
	const struct dead *d = arg;

	return outcome_frames(d->opt->script, d->machine, id, ret);
}

/* As bt has them. */
static size_t lines(void *arg, uint64_t addr, const struct line_frame **ret)
{
	const struct dead *d = arg;
	struct crash_symbol s;
	uint32_t is_exact = 0;

	if (!d->core->system->symbol_at(d->core, addr, &s) || !s.name)
		return 0;
	(void)u64map_get(&d->exact, addr, &is_exact); // else it is a return address
	return crash_debug_at(d->core, s.module, is_exact ? addr : addr - 1, ret);
}

static int64_t wall(void *arg, uint64_t ns)
{
	(void)arg;
	return (int64_t)ns;
}

// --- the run ---

static int last_time(void *arg, const struct crash_message *m)
{
	uint64_t *last = arg;

	if (m->has_ns && m->ns > *last)
		*last = m->ns;
	return 0;
}

static int load(struct dead *d)
{
	const struct script *s = d->opt->script;
	struct strbuf log = { 0 };
	int r = 0;

	d->progs = calloc(s->n_progs + 1, sizeof(struct machine_prog *));
	if (!d->progs)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; !r && i < s->n_progs; i++) {
		r = machine_load(d->machine, &s->progs[i].code, sizeof(uint64_t) * WALK_WORDS,
				 d->opt->how, &log, &d->progs[i]);
		if (r < 0)
			r = sonde_fail(r, "probe '%s': %s", s->progs[i].probe->name,
				       strbuf_text(&log));
	}
	strbuf_fini(&log);
	return r;
}

static int start(struct dead *d)
{
	const struct script *s = d->opt->script;

	int r = machine_new(s->bpf_maps, s->n_bpf_maps, &ops, d, &d->machine);
	if (r < 0)
		return r;
	// A file that somebody named is to be seen in what comes out; else a script prints what it
	// prints live.
	d->names = (struct names){ d,	 ksym,	 usym,
				   user, number, frames_of,
				   wall, kmod,	 d->core->kernel_path ? lines : NULL };
	r = outcome_init(&d->outcome, s, d->machine,
			 &(struct outcome_to){ &d->names, d->opt->out, d->opt->format, d->opt->note,
					       d->opt->note_arg });
	if (r == 0)
		r = load(d);
	// Without messages nobody knows how long it ran: 0.
	(void)!d->core->system->log(d->core, last_time, &d->end_ns);
	machine_now(d->machine)->ts_ns = d->end_ns;
	d->outcome.globals->start_ns = d->end_ns;
	return r;
}

static void fini(struct dead *d)
{
	for (size_t i = 0; d->progs && i < d->opt->script->n_progs; i++)
		machine_prog_free(d->progs[i]);
	free(d->progs);
	if (d->machine)
		outcome_fini(&d->outcome);
	machine_free(d->machine);
	u64map_fini(&d->exact);
	crash_tasks_fini(&d->tasks);
}

static void run_named(struct dead *d, const char *name)
{
	static const uint64_t none[WALK_WORDS];
	const struct script *s = d->opt->script;

	for (size_t i = 0; i < s->n_progs; i++)
		if (!strcmp(s->progs[i].probe->name, name))
			(void)machine_run(d->progs[i], none); // probes give nothing back
}

static int visit(void *arg, const struct walk_at *at)
{
	struct dead *d = arg;
	const struct crash_task *t = at->task;
	struct machine_now *now = machine_now(d->machine);

	*now = (struct machine_now){
		.ts_ns = d->end_ns,
		.pid_tgid = (uint64_t)t->pid << 32 | (uint32_t)t->tid,
		.uid_gid = t->uid == CRASH_UNKNOWN ? 0 : t->uid,
		.cpu = t->cpu < 0 ? 0 : (uint32_t)t->cpu,
	};
	memcpy(now->comm, t->comm, strnlen(t->comm, sizeof(now->comm) - 1));
	d->task = t;
	(void)machine_run(d->prog, at->ctx);
	d->task = NULL;
	*now = (struct machine_now){ .ts_ns = d->end_ns };
	if (d->outcome.err < 0)
		return d->outcome.err;
	return d->outcome.globals->exiting != 0;
}

static int walk_all(struct dead *d)
{
	const struct script *s = d->opt->script;
	int r = 0;

	for (size_t i = 0; i < s->n_progs && r == 0; i++) {
		const struct dead_place *p = (const struct dead_place *)s->progs[i].probe;

		if (!p->walk)
			continue;
		if (!d->has_tasks) {
			r = d->core->system->tasks(d->core, &d->tasks);
			if (r < 0)
				return r;
			d->has_tasks = true;
		}
		d->prog = d->progs[i];
		r = p->walk->each(d->core, &d->tasks, visit, d);
	}
	if (d->tasks.cut && d->opt->note)
		d->opt->note(d->opt->note_arg, d->tasks.cut);
	return r < 0 ? r : 0;
}

static int run(struct dead *d, int *ret_status)
{
	int r = start(d);
	if (r < 0)
		return r;
	run_named(d, "BEGIN");
	r = d->outcome.globals->exiting ? 0 : walk_all(d);
	if (r < 0)
		return r;
	d->outcome.globals->exiting = 1;
	run_named(d, "END");
	tell_missing(d);
	r = outcome_show(&d->outcome);
	return outcome_finish(&d->outcome, r, ret_status);
}

int dead_run(const struct dead_options *opt, int *ret_status)
{
	struct dead d = { .opt = opt, .core = ((struct dead_world *)opt->world)->core };

	int r = run(&d, ret_status);
	fini(&d);
	return r;
}
