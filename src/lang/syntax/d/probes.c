/* SPDX-License-Identifier: MIT */
/** Probe descriptions of D to attach points of bt. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/glob.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "lang/syntax/d/lower.h"
#include "sym/probe/objects.h"
#include "sym/syscall_names.h"

/* Rows of what no table lists. */
static const struct d_row row_begin = { .provider = "dtrace", .how = D_HOW_BEGIN };
static const struct d_row row_error = { .provider = "dtrace", .how = D_HOW_ERROR };
static const struct d_row row_timer = { .provider = "profile", .how = D_HOW_TIMER };
static const struct d_row row_call = { .provider = "syscall", .how = D_HOW_SYSCALL_ENTRY };
static const struct d_row row_call_return = { .provider = "syscall", .how = D_HOW_SYSCALL_RETURN };
static const struct d_row row_fbt = { .provider = "fbt", .how = D_HOW_FBT_ENTRY };
static const struct d_row row_fbt_return = { .provider = "fbt", .how = D_HOW_FBT_RETURN };
static const struct d_row row_pid = { .provider = "pid", .how = D_HOW_PID_ENTRY };
static const struct d_row row_pid_return = { .provider = "pid", .how = D_HOW_PID_RETURN };
static const struct d_row row_sdt = { .provider = "sdt", .how = D_HOW_PID_ENTRY };
static const struct d_row row_usdt = { .provider = "usdt", .how = D_HOW_USDT };

/** One description on its way. */
struct match {
	struct d_lower *l;
	const struct d_clause *clause;
	const struct d_probe *probe;
	bool found;
};

static int add_clause(struct d_lower *l, struct d_place *p, const struct d_clause *c)
{
	// A clause runs once for a place, however many of its descriptions name it.
	if (p->n_clauses && p->clauses[p->n_clauses - 1] == c)
		return 0;
	if (p->n_clauses == p->cap_clauses) {
		const size_t cap = p->cap_clauses ? 2 * p->cap_clauses : 4;
		const struct d_clause **more = arena_array(l->p->arena, cap, sizeof(*more));
		if (!more)
			return -ENOMEM;
		if (p->n_clauses)
			memcpy(more, p->clauses, p->n_clauses * sizeof(*more));
		p->clauses = more;
		p->cap_clauses = cap;
	}
	p->clauses[p->n_clauses++] = c;
	return 0;
}

/* The place @p for the clause; the one that is there already gets it, too. */
static int add(struct match *m, const struct d_place *p)
{
	struct d_lower *l = m->l;

	m->found = true;
	for (struct d_place *at = l->places; at; at = at->next)
		if (at->row == p->row && at->process == p->process &&
		    !strcmp(at->attach, p->attach))
			return add_clause(l, at, m->clause);
	struct d_place *copy = parser_new(l->p, struct d_place);
	if (!copy)
		return -ENOMEM;
	*copy = *p;
	copy->probe = m->probe;
	*l->places_end = copy;
	l->places_end = &copy->next;
	return add_clause(l, copy, m->clause);
}

static const char *text(struct d_lower *l, const char *fmt, ...) SONDE_PRINTF(2, 3);
static const char *text(struct d_lower *l, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	const int n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	const char *ret = arena_strndup(l->p->arena, buf,
					n < 0			  ? 0
					: (size_t)n < sizeof(buf) ? (size_t)n
								  : sizeof(buf) - 1);
	if (!ret)
		l->p->r = -ENOMEM;
	return ret;
}

/* "" matches all. */
static bool matches(const char *pattern, const char *name)
{
	return !*pattern || glob_match(pattern, name);
}

static bool provider_is(const struct match *m, const char *name)
{
	return matches(m->probe->parts[D_PROVIDER], name);
}

/* --- dtrace --- */

static int begin_end(struct match *m)
{
	static const char *const names[] = { "BEGIN", "END", "ERROR" };
	const char *const *parts = m->probe->parts;
	int r = 0;

	if (!provider_is(m, "dtrace") || *parts[D_MODULE] || *parts[D_FUNCTION])
		return 0;
	// Without a provider only the name itself: ":::" is about events.
	const bool is_open = !*parts[D_PROVIDER] && (!*parts[D_NAME] || glob_is(parts[D_NAME]));
	for (size_t i = 0; !r && !is_open && i < MEM_LEN(names); i++) {
		if (!matches(parts[D_NAME], names[i]))
			continue;
		const struct d_place p = {
			.row = i == 2 ? &row_error : &row_begin,
			.attach = names[i],
			.names = { "dtrace", "", "", names[i] },
		};
		r = add(m, &p);
	}
	return r;
}

/* --- profile --- */

/* "997", "10ms", "5sec" behind "tick-": bt's unit and number; false: it is none. */
static bool take_rate(const char *s, const char **ret_unit, uint64_t *ret)
{
	static const struct {
		const char *name, *unit;
		uint64_t times, divided;
	} units[] = {
		{ "", "hz", 1, 1 },	   { "hz", "hz", 1, 1 },     { "ns", "us", 1, 1000 },
		{ "nsec", "us", 1, 1000 }, { "us", "us", 1, 1 },     { "usec", "us", 1, 1 },
		{ "ms", "ms", 1, 1 },	   { "msec", "ms", 1, 1 },   { "s", "s", 1, 1 },
		{ "sec", "s", 1, 1 },	   { "m", "s", 60, 1 },	     { "min", "s", 60, 1 },
		{ "h", "s", 3600, 1 },	   { "hour", "s", 3600, 1 }, { "d", "s", 86400, 1 },
		{ "day", "s", 86400, 1 },
	};
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	const unsigned long long n = strtoull(s, &end, 10);
	if (errno || n > UINT32_MAX)
		return false;
	for (size_t i = 0; i < MEM_LEN(units); i++) {
		if (strcasecmp(units[i].name, end) != 0)
			continue;
		*ret_unit = units[i].unit;
		*ret = n * units[i].times / units[i].divided;
		return true;
	}
	return false;
}

static int timer(struct match *m)
{
	const char *const *parts = m->probe->parts;
	const bool is_tick = !strncmp(parts[D_NAME], "tick-", 5);
	const char *unit = NULL;
	uint64_t n = 0;

	if (!provider_is(m, "profile") || *parts[D_MODULE] || *parts[D_FUNCTION] ||
	    (!is_tick && strncmp(parts[D_NAME], "profile-", 8) != 0))
		return 0;
	if (!take_rate(parts[D_NAME] + (is_tick ? 5 : 8), &unit, &n) || !n)
		n = 0;
	if (!n) {
		d_error(m->l, m->probe->pos, "D_PDESC_INVAL",
			"'%s' is no rate, as in 'tick-10ms' and 'profile-997'", m->probe->text);
		m->found = true;
		return 0;
	}
	const struct d_place p = {
		.row = &row_timer,
		.attach = text(m->l, "%s:%s:%llu", is_tick ? "interval" : "profile", unit,
			       (unsigned long long)n),
		.names = { "profile", "", "", parts[D_NAME] },
	};
	return p.attach ? add(m, &p) : -ENOMEM;
}

/* --- tables --- */

static int table(struct match *m)
{
	const char *const *parts = m->probe->parts;
	int r = 0;

	// What names a function is about that alone.
	if (*parts[D_FUNCTION] && !glob_is(parts[D_FUNCTION]))
		return 0;
	for (const struct d_row *row = d_rows; row->provider && !r; row++) {
		if (!provider_is(m, row->provider) || !matches(parts[D_NAME], row->name) ||
		    !matches(parts[D_MODULE], "vmlinux"))
			continue;
		const char *attach = row->attach[m->l->world];
		if (!attach) {
			d_error(m->l, m->probe->pos, "not-here", "'%s:::%s' cannot be had here",
				row->provider, row->name);
			m->found = true;
			continue;
		}
		const struct d_place p = {
			.row = row,
			.attach = attach,
			.names = { row->provider, "vmlinux", "", row->name },
		};
		r = add(m, &p);
	}
	return r;
}

/* --- functions --- */

static bool is_syscall(const char *name)
{
	struct utsname u;
	uint32_t nr;

	return uname(&u) == 0 && syscall_number(syscall_abi(u.machine), name, &nr);
}

static int syscall_one(struct match *m, bool is_return)
{
	const char *func = m->probe->parts[D_FUNCTION];
	const struct d_place p = {
		.row = is_return ? &row_call_return : &row_call,
		.attach = text(m->l, "tracepoint:syscalls:sys_%s_%s", is_return ? "exit" : "enter",
			       *func ? func : "*"),
		.names = { "syscall", "vmlinux", NULL, is_return ? "return" : "entry" },
	};

	return p.attach ? add(m, &p) : -ENOMEM;
}

static int syscalls(struct match *m)
{
	const char *const *parts = m->probe->parts;
	int r = 0;

	if (!provider_is(m, "syscall") || !matches(parts[D_MODULE], "vmlinux"))
		return 0;
	if (!*parts[D_PROVIDER] && !is_syscall(parts[D_FUNCTION]))
		return 0;
	if (matches(parts[D_NAME], "entry"))
		r = syscall_one(m, false);
	if (!r && matches(parts[D_NAME], "return"))
		r = syscall_one(m, true);
	return r;
}

/* Whether args[] is used: then the function is attached by its types. */
static bool uses_args(const struct ast *x)
{
	for (; x; x = x->next) {
		switch (x->kind) {
		case AST_NAME:
			if (!strcmp(x->u.name, "args"))
				return true;
			break;
		case AST_EXPR:
		case AST_UNARY:
		case AST_ASSIGN:
		case AST_BINARY:
		case AST_INDEX:
			if (uses_args(x->u.op.a) || uses_args(x->u.op.b))
				return true;
			break;
		case AST_IF:
		case AST_TERNARY:
			if (uses_args(x->u.cond.cond) || uses_args(x->u.cond.yes) ||
			    uses_args(x->u.cond.no))
				return true;
			break;
		case AST_BLOCK:
		case AST_TUPLE:
			if (uses_args(x->u.list.first))
				return true;
			break;
		case AST_CALL:
			if (uses_args(x->u.call.args))
				return true;
			break;
		case AST_MAP:
			if (uses_args(x->u.map.keys))
				return true;
			break;
		case AST_MEMBER:
			if (uses_args(x->u.member.x))
				return true;
			break;
		case AST_CAST:
			if (uses_args(x->u.cast.x))
				return true;
			break;
		default: break;
		}
	}
	return false;
}

static int fbt_one(struct match *m, bool is_return)
{
	const char *const *parts = m->probe->parts;
	const char *mod = parts[D_MODULE], *func = parts[D_FUNCTION];
	const bool typed = uses_args(m->clause->pred) || uses_args(m->clause->body);
	const bool in_module = *mod && !glob_match(mod, "vmlinux") && !glob_match(mod, "kernel");
	const struct d_place p = {
		.row = is_return ? &row_fbt_return : &row_fbt,
		.attach = text(m->l, "%s:%s%s%s",
			       typed	   ? (is_return ? "fexit" : "fentry")
			       : is_return ? "kretprobe"
					   : "kprobe",
			       in_module ? mod : "", in_module ? ":" : "", *func ? func : "*"),
		.names = { "fbt", in_module ? mod : "vmlinux", NULL,
			   is_return ? "return" : "entry" },
	};

	return p.attach ? add(m, &p) : -ENOMEM;
}

static int fbt(struct match *m)
{
	const char *const *parts = m->probe->parts;
	int r = 0;

	if (!provider_is(m, "fbt") || (!*parts[D_PROVIDER] && (m->found || !*parts[D_FUNCTION])))
		return 0;
	if (matches(parts[D_NAME], "entry"))
		r = fbt_one(m, false);
	if (!r && matches(parts[D_NAME], "return"))
		r = fbt_one(m, true);
	return r;
}

/* sdt:GROUP::EVENT: an event of the kernel, with what its code has at hand. */
static int sdt(struct match *m)
{
	const char *const *parts = m->probe->parts;

	if (strcmp(parts[D_PROVIDER], "sdt") != 0 || !*parts[D_NAME])
		return 0;
	char *event = arena_strndup(m->l->p->arena, parts[D_NAME], strlen(parts[D_NAME]));
	for (char *c = event; c && *c; c++)
		*c = *c == '-' ? '_' : *c;
	const struct d_place p = {
		.row = &row_sdt,
		.attach = event ? text(m->l, "rawtracepoint:%s", event) : NULL,
		.names = { "sdt", parts[D_MODULE], "", parts[D_NAME] },
	};
	return p.attach ? add(m, &p) : -ENOMEM;
}

/* --- programs --- */

/* Splits "pid123" into the name and the number; 0: there is none. */
static pid_t provider_pid(const char *provider, size_t *ret_len)
{
	size_t len = strlen(provider);

	while (len && isdigit((unsigned char)provider[len - 1]))
		len--;
	*ret_len = len;
	const unsigned long n = strtoul(provider + len, NULL, 10);
	return n <= INT32_MAX ? (pid_t)n : 0;
}

/* The file of a process's program. */
static const char *program_of(struct match *m, pid_t pid)
{
	const struct d_options *opt = m->l->dp->opt;
	char link[64], path[4096];

	if (pid == opt->target && opt->program)
		return opt->program;
	(void)snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	const ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0) {
		d_error(m->l, m->probe->pos, "D_PROC_GRAB", "there is no process %d", (int)pid);
		return NULL;
	}
	path[n] = '\0';
	return text(m->l, "%s", path);
}

/* The module's file: a.out is the program itself, as is its own name. */
static const char *object_of(struct match *m, pid_t pid)
{
	const char *mod = m->probe->parts[D_MODULE];
	if (strchr(mod, '/'))
		return mod;
	const char *program = program_of(m, pid);
	if (!program)
		return NULL;
	const char *slash = strrchr(program, '/');
	const bool is_own = !strcmp(mod, slash ? slash + 1 : program);
	return !*mod || is_own || !strcmp(mod, "a.out") ? program : mod;
}

/* All files of the process, for a function that may be in any. */
static const char *objects_of(struct match *m, pid_t pid, const char *program)
{
	sonde_auto(strbuf_fini) struct strbuf b = { 0 };

	if (*m->probe->parts[D_MODULE] || !*m->probe->parts[D_FUNCTION])
		return program;
	if (program_objects(program, pid, &b) < 0) {
		m->l->p->r = -ENOMEM;
		return NULL;
	}
	return text(m->l, "%s", strbuf_text(&b));
}

/* "uprobe:/a:f,uprobe:/b:f" of the files "/a,/b": of the one probe, each that is there. */
static const char *attach_all(struct match *m, const char *kind, const char *files,
			      const char *func)
{
	sonde_auto(strbuf_fini) struct strbuf b = { 0 };

	for (const char *at = files; *at; at += strspn(at, ",")) {
		const size_t len = strcspn(at, ",");
		strbuf_fmt(&b, "%s%s:%.*s:%s", b.len ? "," : "", kind, (int)len, at, func);
		at += len;
	}
	return strbuf_ok(&b) < 0 ? NULL : text(m->l, "%s", strbuf_text(&b));
}

static int pid_one(struct match *m, pid_t pid, const char *files, bool is_return)
{
	const char *func = m->probe->parts[D_FUNCTION], *mod = m->probe->parts[D_MODULE];
	const struct d_place p = {
		.row = is_return ? &row_pid_return : &row_pid,
		.process = pid,
		.attach = attach_all(m, is_return ? "uretprobe" : "uprobe", files,
				     *func ? func : "*"),
		.names = { m->probe->parts[D_PROVIDER],
			   *mod			? mod
			   : strchr(files, ',') ? ""
						: "a.out",
			   NULL, is_return ? "return" : "entry" },
	};

	return p.attach ? add(m, &p) : -ENOMEM;
}

/* pid123:a.out:main:1c: an offset in the function, in hexadecimal. */
static int pid_offset(struct match *m, pid_t pid, const char *path)
{
	const char *const *parts = m->probe->parts;
	const struct d_place p = {
		.row = &row_pid,
		.process = pid,
		.attach = text(m->l, "uprobe:%s:%s+0x%s", path, parts[D_FUNCTION], parts[D_NAME]),
		.names = { parts[D_PROVIDER], parts[D_MODULE], NULL, parts[D_NAME] },
	};

	return p.attach ? add(m, &p) : -ENOMEM;
}

static int pid_probes(struct match *m)
{
	const char *const *parts = m->probe->parts;
	size_t len;
	const pid_t pid = provider_pid(parts[D_PROVIDER], &len);

	if (!pid || len != 3 || strncmp(parts[D_PROVIDER], "pid", 3) != 0)
		return 0;
	m->found = true; // what is wrong is told
	const char *path = object_of(m, pid);
	if (!path)
		return m->l->p->r;
	if (*parts[D_NAME] && !parts[D_NAME][strspn(parts[D_NAME], "0123456789abcdef")] &&
	    *parts[D_FUNCTION])
		return pid_offset(m, pid, path);
	path = objects_of(m, pid, path);
	if (!path)
		return m->l->p->r;
	int r = 0;
	const bool entry = matches(parts[D_NAME], "entry"), ret = matches(parts[D_NAME], "return");
	if (!entry && !ret)
		d_error(m->l, m->probe->pos, "D_PROC_NAME",
			"'%s' is no probe of a function: entry, return, or an offset",
			parts[D_NAME]);
	if (entry)
		r = pid_one(m, pid, path, false);
	if (!r && ret)
		r = pid_one(m, pid, path, true);
	return r;
}

static int usdt(struct match *m)
{
	const char *const *parts = m->probe->parts;
	size_t len;
	const pid_t pid = provider_pid(parts[D_PROVIDER], &len);

	if (m->found || !pid || !len)
		return 0;
	m->found = true; // what is wrong is told
	const char *path = object_of(m, pid);
	if (!path)
		return m->l->p->r;
	struct strbuf marker = { 0 };
	for (const char *c = parts[D_NAME]; *c; c++)
		strbuf_str(&marker, *c == '-' ? "__" : (char[]){ *c, '\0' });
	const struct d_place p = {
		.row = &row_usdt,
		.process = pid,
		.attach = text(m->l, "usdt:%s:%.*s:%s", path, (int)len, parts[D_PROVIDER],
			       marker.len ? strbuf_text(&marker) : "*"),
		.names = { parts[D_PROVIDER], *parts[D_MODULE] ? parts[D_MODULE] : "a.out", "",
			   *parts[D_NAME] ? parts[D_NAME] : NULL },
	};
	strbuf_fini(&marker);
	return p.attach ? add(m, &p) : -ENOMEM;
}

static int find(struct match *m)
{
	static int (*const ways[])(struct match *) = { begin_end, timer, table,	     syscalls,
						       fbt,	  sdt,	 pid_probes, usdt };
	const unsigned errors = m->l->p->d->n_errors;
	int r = 0;

	for (size_t i = 0; !r && i < MEM_LEN(ways); i++)
		r = ways[i](m);
	if (!r && !m->found && m->l->p->d->n_errors == errors && !m->l->dp->d.zero_probes)
		d_error(m->l, m->probe->pos, "D_PDESC_ZERO", "'%s' matches no probe",
			m->probe->text);
	return r;
}

int d_find_places(struct d_lower *l)
{
	int r = 0;

	for (const struct d_clause *c = l->dp->tree.clauses; c && !r; c = c->next)
		for (const struct d_probe *p = c->probes; p && !r; p = p->next)
			r = find(&(struct match){ l, c, p, false });
	return r;
}

/* --- attach points --- */

static bool split(struct d_lower *l, const char *from, size_t len, struct ast_attach *a)
{
	const char *parts[16];
	size_t n = 0;

	a->text = arena_strndup(l->p->arena, from, len);
	for (const char *end = from + len; a->text && n < MEM_LEN(parts);) {
		const char *colon = memchr(from, ':', (size_t)(end - from));
		const char *to = colon ? colon : end;

		parts[n] = arena_strndup(l->p->arena, from, (size_t)(to - from));
		if (!parts[n++])
			break;
		if (!colon)
			break;
		from = colon + 1;
	}
	const char **copy = arena_array(l->p->arena, n ? n : 1, sizeof(*copy));
	if (!copy || !n || !parts[n - 1]) {
		l->p->r = -ENOMEM;
		return false;
	}
	memcpy(copy, parts, n * sizeof(*copy));
	a->parts = copy;
	a->n_parts = n;
	return true;
}

struct ast_attach *d_attach(struct d_lower *l, const struct d_place *place)
{
	struct ast_attach *first = NULL, **end = &first;
	struct ast_d_names *names = parser_new(l->p, struct ast_d_names);

	if (!names)
		return NULL;
	*names = place->names;
	for (const char *at = place->attach; *at; at += strspn(at, ",")) {
		const size_t len = strcspn(at, ",");
		struct ast_attach *a = parser_new(l->p, struct ast_attach);
		if (!a || !split(l, at, len, a))
			return NULL;
		a->pos = place->probe->pos;
		a->d = names;
		*end = a;
		end = &a->next;
		at += len;
	}
	return first;
}

const char *d_probe_name(struct arena *arena, const struct ast_attach *ap, const char *place)
{
	// The last ones are LTTng's.
	static const char *const before[] = { "sys_enter_", "sys_exit_", "compat_",
					      "syscall_entry_", "syscall_exit_" };
	const struct ast_d_names *n = ap->d;
	const char *tail = strrchr(place, ':');
	struct strbuf b = { 0 };
	const char *ret = NULL;

	tail = tail ? tail + 1 : place;
	for (size_t i = 0; i < MEM_LEN(before) && !strcmp(n->provider, "syscall"); i++)
		if (!strncmp(tail, before[i], strlen(before[i])))
			tail += strlen(before[i]);
	strbuf_fmt(&b, "%s:%s:%s:%s", n->provider, n->module ? n->module : "",
		   n->function ? n->function : tail, n->name ? n->name : tail);
	if (strbuf_ok(&b) >= 0)
		ret = arena_strndup(arena, b.data, b.len);
	strbuf_fini(&b);
	return ret;
}

const char *d_name_part(const char *name, unsigned part, size_t *ret_len)
{
	for (; part; part--) {
		const char *colon = strchr(name, ':');
		name = colon ? colon + 1 : name + strlen(name);
	}
	*ret_len = strcspn(name, ":");
	return name;
}
