/* SPDX-License-Identifier: MIT */
/** Reads and compiles the scripts of sonde record. */
#include "cmd/record_script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/out.h"
#include "cmd/script_arg.h"
#include "cmd/script_d.h"
#include "lang/engine/names.h"
#include "lang/gen/compile.h"
#include "lang/live/live.h"
#include "lang/syntax/parse.h"
#include "lang/world.h"

struct record_script_state {
	const char *what; /* borrowed from the arguments */
	bool is_text, asks;
	struct script_arg arg;
	struct diag diag, follow;
	struct arena arena;
	struct world *world; /* owned */
	struct script *script;
	struct sonde_out out;
};

static void state_free(struct record_script_state *s)
{
	script_free(s->script);
	world_free(s->world);
	diag_fini(&s->diag);
	diag_fini(&s->follow);
	arena_fini(&s->arena);
	script_arg_fini(&s->arg);
	out_fini(&s->out);
	free(s);
}

void record_scripts_fini(struct record_scripts *s)
{
	for (size_t i = 0; i < s->n; i++)
		state_free(s->all[i]);
	free(s->all);
	free(s->list);
	*s = (struct record_scripts){ 0 };
}

static int read_script(struct script_arg *a, const char *what, bool is_text)
{
	if (!is_text)
		return script_arg_read(a, what);
	*a = (struct script_arg){ .name = "-E", .text = strdup(what), .len = strlen(what) };
	return a->text ? 0 : sonde_fail(-ENOMEM, "out of memory");
}

int record_scripts_add(struct record_scripts *s, const char *what, bool is_text)
{
	int r = mem_grow(&s->all, &s->cap, s->n + 1);

	if (r < 0)
		return r;
	struct record_script_state *one = calloc(1, sizeof(*one));
	if (!one)
		return sonde_fail(-ENOMEM, "out of memory");
	one->what = what;
	one->is_text = is_text;
	s->all[s->n++] = one;
	return 0;
}

/* Says what is wrong with the script, or may be. */
static bool tell(struct record_script_state *s)
{
	const bool some = s->diag.n_errors != 0;

	if (s->diag.out.len)
		(void)!write(STDERR_FILENO, s->diag.out.data, s->diag.out.len);
	strbuf_fini(&s->diag.out);
	s->diag.n_errors = 0;
	return some;
}

bool record_scripts_tell(struct record_scripts *s)
{
	bool some = false;

	for (size_t i = 0; i < s->n; i++)
		some |= tell(s->all[i]);
	return some;
}

static bool is_d(const struct script_arg *a)
{
	const size_t len = a->path ? strlen(a->path) : 0;

	return (len > 2 && !strcmp(a->path + len - 2, ".d")) || d_is_script(a->text, a->len);
}

static uint32_t ring_len(size_t buffer)
{
	const uint32_t least = 1 << 16, most = 1 << 30, usual = 1 << 24;
	uint32_t n = least;

	while (buffer && n < buffer && n < most)
		n *= 2;
	return buffer ? n : usual;
}

#define ONLY_MAP AST_OWN_MAP "only"

const char record_scripts_only[] = ONLY_MAP;

void record_scripts_asks(struct record_scripts *s)
{
	s->all[s->n - 1]->asks = true;
}

/* Probes that follow the processes of -p and what they fork, as the kernel's tracing does. */
static const char follow_text[] =
	"rawtracepoint:sched_process_fork / @" ONLY_MAP "[pid] /"
	"{ @" ONLY_MAP "[args.child->tgid] = 1; }"
	"rawtracepoint:sched_process_exit / args.p->signal->live.counter == 0 /"
	"{ delete(@" ONLY_MAP "[pid]); }"
	"let @" ONLY_MAP " = hash(65536);";

/* Appends them to the script's own. */
static int follow_pids(struct record_script_state *s, const struct record_opts *opts,
		       struct script_ast *ast)
{
	struct strbuf text = { 0 };
	struct script_ast more = { 0 };

	strbuf_str(&text, follow_text);
	strbuf_str(&text, "BEGIN {");
	for (size_t i = 0; i < opts->n_pids; i++)
		strbuf_fmt(&text, "@" ONLY_MAP "[%d] = 1;", (int)opts->pids[i]);
	strbuf_str(&text, "}");
	int r = strbuf_ok(&text);
	s->follow = (struct diag){ .name = "-p", .text = strbuf_text(&text), .text_len = text.len };
	if (!r)
		r = parse_bt(&s->follow, &s->arena, NULL, 0, &more);
	strbuf_fini(&text);
	s->follow.text = NULL;
	if (r < 0)
		return r;
	struct ast_probe **probes = &ast->probes;
	while (*probes)
		probes = &(*probes)->next;
	*probes = more.probes;
	struct ast_map_decl **maps = &ast->maps;
	while (*maps)
		maps = &(*maps)->next;
	*maps = more.maps;
	return 0;
}

static int compile(struct record_script_state *s, const struct record_opts *opts)
{
	const struct compile_options how = {
		.pid = opts->n_pids == 1 ? opts->pids[0] : 0,
		.has_child = opts->argv != NULL,
		.only_map = opts->n_pids && !s->asks ? ONLY_MAP : NULL,
		.any_event_names = s->asks,
		.ring_len = ring_len(opts->buffer_bytes),
	};
	const struct live_options live = { .pid = how.pid };
	struct script_ast ast;

	int r = read_script(&s->arg, s->what, s->is_text);
	if (r < 0)
		return r;
	if (is_d(&s->arg))
		return sonde_fail(-ENOTSUP, "'%s' is in D, which has no emit()", s->arg.name);
	s->diag.name = s->arg.name;
	s->diag.text = s->arg.text;
	s->diag.text_len = s->arg.len;
	r = out_init(&s->out, STDOUT_FILENO);
	if (!r)
		r = parse_bt(&s->diag, &s->arena, NULL, 0, &ast);
	if (!r && opts->n_pids)
		r = follow_pids(s, opts, &ast);
	if (!r)
		r = live_world_new(&live, &s->world);
	return r < 0 ? r : compile_script(&s->diag, s->world, &ast, &how, &s->script);
}

int record_scripts_compile(struct record_scripts *s, struct record_opts *opts)
{
	s->list = calloc(s->n + 1, sizeof(*s->list));
	if (!s->list)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < s->n; i++) {
		struct record_script_state *one = s->all[i];

		int r = compile(one, opts);
		if (tell(one))
			s->told = true;
		if (r < 0)
			return r;
		// Whose code it is must be known, also without samples.
		if (script_has_user_code(one->script))
			opts->follow_tasks = true;
		s->list[i] = (struct record_script){
			.name = one->arg.name,
			.script = one->script,
			.world = one->world,
			.diag = &one->diag,
			.out = &one->out,
		};
	}
	opts->scripts = s->list;
	opts->n_scripts = s->n;
	return 0;
}
