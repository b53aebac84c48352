/* SPDX-License-Identifier: MIT */
/** What a script finds in a dump: places, types, symbols, and what it cannot have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/script/parts.h"
#include "lang/syntax/diag.h"

static const char past[] = "nothing can be done to what is over";
static const char of_machine[] = "it is of the machine that runs, and no dump has it";
static const char no_event[] = "a walk over objects is no event";

static const struct {
	const char *name, *why;
} never[] = {
	{ "curtask", "name the thread that a walk is at, as ctx->task" },
	{ "cgroup", "structs of the kernel tell it" },
	{ "numaid", of_machine },
	{ "username", of_machine },
	{ "ppid", "structs of the kernel tell it, as ctx->task->real_parent->tgid" },
	{ "pcomm", "structs of the kernel tell it, as ctx->task->real_parent->comm" },
	{ "func", no_event },
	{ "retval", no_event },
	{ "caller", no_event },
	{ "ucaller", "ustack tells it" },
	{ "uaddr", "a dump of the kernel has no symbols of programs" },
	{ "reg", no_event },
	{ "path", "structs of the kernel tell names: ctx->file->f_path.dentry->d_name.name" },
	{ "cgroup_path", of_machine },
	{ "cgroupid", of_machine },
	{ "ncpus", of_machine },
	{ "cpid", "there is no command beside a dump" },
	{ "cat", "a file of this machine is none of the dead one" },
	{ "time", "a dump has the time since its boot, as nsecs" },
	{ "strftime", "a dump has the time since its boot, as nsecs" },
	{ "signal", past },
	{ "system", past },
	{ "skboutput", past },
	{ "freopen", of_machine },
	{ "nsecs()", "a dump has one time, which 'nsecs' is" },
};

/* Of whom a walk is. */
static const char *const of_thread[] = { "pid",	   "tid",    "comm", "uid", "gid",
					 "kstack", "ustack", "cpu",  "ctx" };

const char *dead_lacks(struct world *w, const struct probe *at, const char *name)
{
	const struct dead_place *p = (const struct dead_place *)at;

	if (!strcmp(name, "ustack") && !((struct dead_world *)w)->core->system->user_stack)
		return "this system's dumps have no memory of programs";
	for (size_t i = 0; i < MEM_LEN(never); i++)
		if (!strcmp(name, never[i].name))
			return never[i].why;
	for (size_t i = 0; p && !p->walk && i < MEM_LEN(of_thread); i++)
		if (!strcmp(name, of_thread[i]))
			return "it is of the thread that a walk is at, as of iter:task";
	return NULL;
}

static struct ctypes *types(struct world *w, const char **ret_why)
{
	struct crash_core *c = ((struct dead_world *)w)->core;
	struct ctypes *found = crash_types(c);

	if (!found)
		*ret_why = "the dump has no types, and no kernel's file with debug information was "
			   "named";
	return found;
}

static uint64_t address(struct world *w, const char *path, const char *symbol)
{
	struct crash_core *c = ((struct dead_world *)w)->core;
	struct crash_symbol s;

	return !path && c->system->symbol_named(c, symbol, &s) ? s.start : 0;
}

static bool has_helper(struct world *w, int helper)
{
	(void)w, (void)helper;
	return false; // only asked for what makes things cheaper in the kernel
}

/** A search for the places of one attach point. */
struct search {
	struct dead_world *w;
	struct diag *d;
	struct arena *arena;
	const struct ast_attach *ap;
};

static int fail_place(struct search *s)
{
	return diag_error(
		s->d, s->ap->pos, "not-here",
		"'%s': nothing happens in a dump; it has BEGIN, END, iter:task%s", s->ap->text,
		s->w->core->system->kind == DUMP_LINUX ? ", iter:task_file and iter:task_vma" : "");
}

static const struct walk *find_walk(struct search *s)
{
	if (s->ap->n_parts != 2 ||
	    (strcmp(s->ap->parts[0], "iter") != 0 && strcmp(s->ap->parts[0], "it") != 0))
		return NULL;
	for (const struct walk *walk = walks; walk->name; walk++)
		if (!strcmp(walk->name, s->ap->parts[1]) &&
		    (!walk->linux_only || s->w->core->system->kind == DUMP_LINUX))
			return walk;
	return NULL;
}

/* A pointer to the struct, of which nothing is known where the dump has no types. */
static const struct ctype *pointer_to(struct search *s, const char *name)
{
	struct ctypes *db = s->w->core->system->types(s->w->core, NULL);
	const struct ctype *to = NULL;

	if (s->w->core->system->kind == DUMP_FREEBSD && !strcmp(name, "struct task_struct"))
		name = "struct thread";
	if (db && ctypes_find(db, name, &to) < 0)
		to = NULL;
	if (!to) {
		struct ctype *unknown = ctype_new(s->arena, CT_STRUCT, name + strlen("struct "), 0);

		if (!unknown)
			return NULL;
		unknown->is_forward = true;
		to = unknown;
	}
	return ctype_ptr(s->arena, (struct ctype *)(uintptr_t)to);
}

static int add_fields(struct search *s, struct dead_place *p)
{
	const size_t most = MEM_LEN(p->walk->fields);
	struct probe_field *fields = arena_array(s->arena, most, sizeof(*fields));
	size_t n = 0;

	if (!fields)
		return -ENOMEM;
	for (; n < most && p->walk->fields[n].name; n++) {
		const char *type = p->walk->fields[n].type;

		fields[n] = (struct probe_field){ .name = p->walk->fields[n].name,
						  .off = 8 * p->walk->fields[n].at,
						  .len = type ? 8 : 4,
						  .type = type ? pointer_to(s, type)
							       : ctype_basic("unsigned int") };
		if (!fields[n].type)
			return -ENOMEM;
	}
	p->probe.fields = fields;
	p->probe.n_fields = n;
	p->probe.args = ARGS_ITER;
	return 0;
}

static int probes(struct world *w, struct diag *d, struct arena *arena, const struct ast_attach *ap,
		  const struct probe_wants *wants, const struct probe **ret)
{
	struct search s = { (struct dead_world *)w, d, arena, ap };
	struct dead_place *p = arena_new(arena, struct dead_place);
	bool is_end = ap->n_parts == 1 &&
		      (!strcmp(ap->parts[0], "BEGIN") || !strcmp(ap->parts[0], "END"));

	(void)wants;
	if (!p)
		return -ENOMEM;
	p->walk = find_walk(&s);
	if (!p->walk && !is_end)
		return fail_place(&s);
	p->probe.name = is_end ? arena_strndup(arena, ap->parts[0], strlen(ap->parts[0]))
			       : arena_strndup(arena, ap->text, strlen(ap->text));
	if (!p->probe.name)
		return -ENOMEM;
	int r = p->walk ? add_fields(&s, p) : 0;
	if (r == 0)
		*ret = &p->probe;
	return r;
}

static void world_fini(struct world *w)
{
	free(w);
}

static const struct world_ops ops = {
	.probes = probes,
	.types = types,
	.lacks = dead_lacks,
	.address = address,
	.has_helper = has_helper,
	.free = world_fini,
};

int dead_world_new(struct crash_core *c, struct world **ret)
{
	struct dead_world *w = calloc(1, sizeof(*w));

	if (!w)
		return sonde_fail(-ENOMEM, "out of memory");
	w->world = (struct world){ .name = "dead", .is_synchronous = true, .ops = &ops };
	w->core = c;
	*ret = &w->world;
	return 0;
}
