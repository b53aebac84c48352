/* SPDX-License-Identifier: MIT */
/** sonde record --for: from scripts to events, samples and names. */
#include "cmd/record_for.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/record_script.h"
#include "cmd/script_arg.h"
#include "cmd/script_d.h"
#include "ctf/metadata.h"
#include "lang/gen/compile.h"
#include "lang/live/live.h"
#include "lang/recorded/context.h"
#include "lang/recorded/recorded.h"
#include "lang/syntax/parse.h"
#include "model/plan.h"
#include "record/plan.h"

struct for_script {
	struct script_arg arg;
	struct command_words words; /* its parameters, behind the first */
	struct script_d d;
	struct diag diag;
	struct arena arena;
	struct script_ast ast;
	struct recorded_needs needs;
};

static void script_fini(struct for_script *s)
{
	diag_fini(&s->diag);
	script_d_fini(&s->d);
	script_arg_fini(&s->arg);
	command_words_fini(&s->words);
	arena_fini(&s->arena);
	free(s);
}

void record_for_fini(struct record_for *f)
{
	for (size_t i = 0; i < f->n; i++)
		script_fini(f->all[i]);
	free(f->all);
	free(f->events);
	recorded_capture_fini(&f->capture);
	arena_fini(&f->arena);
	*f = (struct record_for){ 0 };
}

static int read_script(struct for_script *s, const char *what)
{
	// A file whose name has blanks is no script with parameters.
	if (access(what, R_OK) == 0)
		return script_arg_read(&s->arg, what);
	int r = command_words_split(&s->words, what);

	return r < 0 ? r : script_arg_read(&s->arg, s->words.argv[0]);
}

static const char *const *params_of(const struct for_script *s)
{
	return s->words.n ? (const char *const *)s->words.argv + 1 : NULL;
}

static size_t n_params_of(const struct for_script *s)
{
	return s->words.n ? s->words.n - 1 : 0;
}

/* A tree is compiled once: what is noted in it belongs to that script. */
static int parse_into(struct for_script *s, struct diag *d, struct arena *arena,
		      struct script_ast *ret)
{
	const struct script_d_how how = { .params = params_of(s),
					  .n_params = n_params_of(s),
					  .is_recorded = true };

	d->name = s->arg.name;
	d->text = s->arg.text;
	d->text_len = s->arg.len;
	int r = script_d_look(&s->d, &s->arg);
	if (r < 0)
		return r;
	return s->d.is_d ? script_d_parse(&s->d, d, arena, &how, ret)
			 : parse_bt(d, arena, how.params, how.n_params, ret);
}

static int parse(struct for_script *s)
{
	int r = parse_into(s, &s->diag, &s->arena, &s->ast);

	return r < 0 ? r : recorded_context(&s->arena, &s->ast);
}

int record_for_add(struct record_for *f, const char *what)
{
	int r = mem_grow(&f->all, &f->cap, f->n + 1);

	if (r < 0)
		return r;
	struct for_script *s = calloc(1, sizeof(*s));
	if (!s)
		return sonde_fail(-ENOMEM, "out of memory");
	f->all[f->n++] = s;
	return read_script(s, what);
}

void record_for_stacks(struct record_for *f, const char *event)
{
	for (size_t i = 0; i < f->n_stacks; i++) {
		if (!strcmp(f->stacks[i], event))
			return;
	}
	sonde_check(f->n_stacks + 1 < MEM_LEN(f->stacks)); // NULL ends them
	f->stacks[f->n_stacks++] = event;
}

static void tell(struct for_script *s)
{
	if (s->diag.out.len)
		(void)!write(STDERR_FILENO, s->diag.out.data, s->diag.out.len);
	strbuf_fini(&s->diag.out);
}

static int add_events(struct record_for *f, const struct recorded_needs *n)
{
	int r = mem_grow(&f->events, &f->cap_events, f->n_events + n->n_events + 1);

	// One that is not there is the compiler's to tell: with others beside it is no mistake.
	for (size_t i = 0; !r && i < n->n_events; i++) {
		if (n->events[i].attach)
			continue; // it is made
		f->events[f->n_events++] = (struct record_event){ .glob = n->events[i].glob,
								  .may_lack = true,
								  .whole = true };
	}
	return r;
}

static int merge(struct record_for *f, struct for_script *s)
{
	struct recorded_needs *all = &f->needs;

	all->threads |= s->needs.threads;
	if (all->sample_ns && s->needs.sample_ns && all->sample_ns != s->needs.sample_ns)
		return diag_error(&s->diag, s->needs.sample_pos, "not-recorded",
				  "samples are recorded at one rate, and another script needs "
				  "another");
	if (s->needs.sample_ns)
		all->sample_ns = s->needs.sample_ns;
	return add_events(f, &s->needs);
}

/* What needs more than the events' records, which are then not taken themselves. */
static int add_capture(struct record_for *f)
{
	const struct recorded_needs **all = arena_array(&f->arena, f->n + 1, sizeof(*all));

	if (!all)
		return sonde_fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < f->n; i++)
		all[i] = &f->all[i]->needs;
	int r = f->n_stacks ? recorded_whole(&f->arena, f->stacks, &f->with_stacks) : 0;
	all[f->n] = &f->with_stacks;
	if (!r)
		r = recorded_capture(&f->arena, all, f->n + (f->n_stacks > 0), &f->capture);
	if (!r)
		r = mem_grow(&f->events, &f->cap_events, f->n_events + f->capture.n + 1);
	for (size_t i = 0; !r && i < f->capture.n; i++)
		f->events[f->n_events++] =
			(struct record_event){ .glob = f->capture.events[i].glob, .is_made = true };
	return r;
}

/* Whether events are made with what @n asks of the running system. */
static bool asks_system(const struct recorded_needs *n)
{
	for (size_t i = 0; i < n->n_events; i++)
		if (n->events[i].n_contexts || n->events[i].attach)
			return true;
	return false;
}

/* What is wrong with that is told in the script's own lines, rather than in those made of it. */
static int compile_live(struct for_script *s)
{
	const struct live_options live = { 0 };
	const struct compile_options how = { .params = params_of(s), .n_params = n_params_of(s) };
	sonde_auto(world_freep) struct world *w = NULL;
	sonde_auto(script_freep) struct script *script = NULL;
	struct arena arena = { 0 };
	struct script_ast ast;
	struct diag d = { 0 };

	int r = live_world_new(&live, &w);
	if (!r)
		r = parse_into(s, &d, &arena, &ast);
	if (!r)
		r = compile_script(&d, w, &ast, &how, &script);
	if (d.n_errors) { // its warnings come once more
		strbuf_add(&s->diag.out, d.out.data, d.out.len);
		s->diag.n_errors += d.n_errors;
	}
	script_free(sonde_take(script)); // it lies in the arena
	diag_fini(&d);
	arena_fini(&arena);
	return r;
}

int record_for_find(struct record_for *f, bool tells)
{
	int result = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct for_script *s = f->all[i];
		int r = parse(s);

		if (!r)
			r = recorded_needs(&s->diag, &s->arena, &s->ast, &s->needs);
		if (!r && asks_system(&s->needs))
			r = compile_live(s);
		if (!r)
			r = merge(f, s);
		if (tells)
			tell(s);
		if (r < 0 && (r != -EINVAL || !s->diag.n_errors))
			return r;
		result = r < 0 ? r : result;
	}
	return result < 0 ? result : add_capture(f);
}

static int compile(struct for_script *s, struct sonde_trace *trace)
{
	const struct compile_options how = { .params = params_of(s), .n_params = n_params_of(s) };
	sonde_auto(world_freep) struct world *w = NULL;
	sonde_auto(script_freep) struct script *script = NULL;

	int r = recorded_world_new(&trace, 1, &w);
	return r < 0 ? r : compile_script(&s->diag, w, &s->ast, &how, &script);
}

static int compile_all(struct record_for *f, struct sonde_trace *trace, bool tells)
{
	int result = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct for_script *s = f->all[i];
		int r = compile(s, trace);

		if (tells)
			tell(s);
		if (r < 0 && (r != -EINVAL || !s->diag.n_errors))
			return r;
		result = r < 0 ? r : result;
	}
	return result;
}

/* The compiler knows only what would be recorded; what is near to a wrong name, the kernel does. */
static void tell_near(const struct record_for *f)
{
	struct strbuf text = { 0 };

	for (size_t i = 0; i < f->n_events; i++) {
		struct record_event e = f->events[i];
		const struct record_opts opts = { .events = &e, .n_events = 1 };

		if (e.is_made)
			continue;
		e.may_lack = false;
		if (record_plan(&opts, &text) == -EINVAL)
			cmd_note(NULL, sonde_err_str());
		strbuf_fini(&text);
	}
}

/* The trace that metadata describes, with what it takes to find all fields. */
static int read_metadata(const struct strbuf *text, struct arena *arena, struct sonde_trace **ret)
{
	const struct sonde_span span = { (const uint8_t *)strbuf_text(text), text->len };
	int r = ctf_metadata_parse("metadata", span, arena, ret);

	for (size_t i = 0; !r && i < (*ret)->n_streams; i++) {
		struct plan_header *header;
		r = plan_stream_class(arena, *ret, (*ret)->streams[i], &header);
	}
	return r;
}

int record_for_check(struct record_for *f, const struct record_opts *opts, bool tells)
{
	struct arena arena = { 0 };
	struct strbuf text = { 0 };
	struct sonde_trace *trace = NULL;

	int r = record_plan(opts, &text);
	if (!r)
		r = read_metadata(&text, &arena, &trace);
	if (!r)
		r = compile_all(f, trace, tells);
	if (r == -EINVAL && tells)
		tell_near(f);
	strbuf_fini(&text);
	arena_fini(&arena);
	return r;
}

void record_for_set(const struct record_for *f, struct record_opts *opts)
{
	const uint64_t second = 1000000000, ns = f->needs.sample_ns;

	opts->events = f->events;
	opts->n_events = f->n_events;
	opts->no_usual = true;
	opts->sample_ns = ns;
	opts->sample_hz = ns > second ? 1 : (uint32_t)(ns ? second / ns : 0);
	opts->follow_tasks = f->needs.threads || ns;
}

/* The first of the words in "x.bt:3:9: error: words [tag]\n". */
static void first_words(const struct for_script *s, char *ret, size_t cap)
{
	static const char mark[] = "error: ";
	const char *text = s->diag.out.len ? s->diag.out.data : "", *at = strstr(text, mark);

	at = at ? at + sizeof(mark) - 1 : text;
	const size_t line = strcspn(at, "\n");
	const char *tag = memchr(at, '[', line);
	size_t len = tag && tag > at ? (size_t)(tag - at - 1) : line;
	while (tag && (tag = memchr(tag + 1, '[', (size_t)(at + line - tag - 1))))
		len = (size_t)(tag - at - 1); // the last one is the tag
	(void)snprintf(ret, cap, "%.*s", (int)len, at);
}

int record_for_try(const char *script, char *ret_why, size_t cap)
{
	struct record_for f = { 0 };
	struct record_scripts beside = { 0 };
	struct record_opts opts = { 0 };

	int r = record_for_add(&f, script);
	if (!r)
		r = record_for_find(&f, /* tells= */ false);
	if (!r && f.capture.n)
		r = record_scripts_add(&beside, strbuf_text(&f.capture.script),
				       /* is_text= */ true);
	if (!r) {
		record_for_set(&f, &opts);
		r = record_scripts_compile(&beside, &opts);
	}
	if (!r)
		r = record_for_check(&f, &opts, /* tells= */ false);
	if (r == -EINVAL)
		first_words(f.all[0], ret_why, cap);
	record_scripts_fini(&beside);
	record_for_fini(&f);
	return r;
}
