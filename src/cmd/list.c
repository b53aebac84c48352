/* SPDX-License-Identifier: MIT */
/** sonde list: where probes can be put, what they bring, and which scripts are ready. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/glob.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/out.h"
#include "base/strbuf.h"
#include "base/table.h"
#include "cmd/all.h"
#include "cmd/record_for.h"
#include "cmd/terminal.h"
#include "cmd/tool_find.h"
#include "lang/live/live.h"

enum { KEY_JSON = 256, KEY_TOOLS };

struct list_cmd {
	bool json, tools, details, told;
	pid_t pid;
	struct sonde_out out;
	struct json j;
	size_t n;
	struct world *live; /* owned */
	struct table table; /* of --tools */
	struct arena arena;
};

static const struct cmd_option options[] = {
	{ 'v', "verbose", NULL,
	  "With what each probe brings: fields, arguments, the members of a struct; with --tools, "
	  "whether a script also runs over what 'sonde record --for' records, and why not." },
	{ 'p', "pid", "PID", "Look for programs and libraries as process PID has them." },
	{ KEY_TOOLS, "tools", NULL, "List the ready scripts, which 'sonde run NAME' starts." },
	{ KEY_JSON, "json", NULL, "Write JSON." },
	{ 0 },
};

static const struct cmd_example examples[] = {
	{ "sonde list 'tracepoint:sched:*'", "The scheduler's events.", false },
	{ "sonde list -v t:sched:sched_switch", "One event with its fields.", false },
	{ "sonde list 'uprobe:bash:readline*'", "Functions of a program.", false },
	{ "sonde list -v 'struct path'", "A type of the kernel.", false },
	{ "sonde list 'software:*'", "Counters of the kernel, for a probe each so many events.",
	  true },
	{ 0 },
};

static int list_set(void *state, int key, const char *value)
{
	struct list_cmd *s = state;
	char *end;

	switch (key) {
	case 'v': s->details = true; break;
	case KEY_JSON: s->json = true; break;
	case KEY_TOOLS: s->tools = true; break;
	default: {
		errno = 0;
		const long pid = strtol(value, &end, 10);
		if (errno || *end || end == value || pid < 1 || pid > INT32_MAX)
			return sonde_fail(-EINVAL, "'%s' is no process id", value);
		s->pid = (pid_t)pid;
	}
	}
	return 0;
}

static void list_fini(void *state)
{
	struct list_cmd *s = state;

	world_free(s->live);
	arena_fini(&s->arena);
}

/* "char comm[16]": C writes the dimensions behind the name. */
static void declare(const struct ctype *t, const char *name, struct strbuf *ret)
{
	struct strbuf type = { 0 };

	ctype_print(t, &type);
	const char *text = strbuf_text(&type);
	const size_t base = t->kind == CT_ARRAY ? strcspn(text, "[") : strlen(text);
	strbuf_add(ret, text, base);
	if (base && text[base - 1] != '*' && *name)
		strbuf_str(ret, " ");
	strbuf_str(ret, name);
	strbuf_str(ret, text + base);
	ret->failed |= type.failed;
	strbuf_fini(&type);
}

static void print_text(struct list_cmd *s, const struct live_place *p)
{
	struct strbuf text = { 0 };
	const struct probe *probe = p->probe;

	strbuf_str(&text, p->name);
	if (p->help)
		strbuf_fmt(&text, "%*s %s", (int)(40 - strlen(p->name) % 40), "", p->help);
	strbuf_str(&text, "\n");
	for (size_t i = 0; probe && i < probe->n_fields; i++) {
		strbuf_str(&text, "    ");
		declare(probe->fields[i].type, probe->fields[i].name, &text);
		strbuf_str(&text, "\n");
	}
	for (size_t i = 0; probe && i < probe->n_usdt; i++) {
		const int8_t len = probe->usdt[i].len;
		strbuf_fmt(&text, "    %sint%d arg%zu\n", len < 0 ? "" : "u", abs(len) * 8, i);
	}
	if (probe && probe->proto && probe->is_return) {
		strbuf_str(&text, "    ");
		declare(ctype_elem(probe->proto), "retval", &text);
		strbuf_str(&text, "\n");
	}
	if (strbuf_ok(&text) < 0)
		s->out.err = s->out.err ? s->out.err : -ENOMEM;
	out_add(&s->out, strbuf_text(&text), text.len);
	strbuf_fini(&text);
}

static void print_json(struct list_cmd *s, const struct live_place *p)
{
	const struct probe *probe = p->probe;

	json_object(&s->j, NULL);
	json_str(&s->j, "name", p->name);
	if (p->help)
		json_str(&s->j, "help", p->help);
	if (probe) {
		json_array(&s->j, "fields");
		for (size_t i = 0; i < probe->n_fields; i++) {
			struct strbuf type = { 0 };
			ctype_print(probe->fields[i].type, &type);
			json_object(&s->j, NULL);
			json_str(&s->j, "name", probe->fields[i].name);
			json_str(&s->j, "type", strbuf_text(&type));
			json_end_object(&s->j);
			strbuf_fini(&type);
		}
		json_end_array(&s->j);
	}
	json_end_object(&s->j);
}

static int print_place(void *arg, const struct live_place *p)
{
	struct list_cmd *s = arg;

	s->n++;
	if (s->json)
		print_json(s, p);
	else
		print_text(s, p);
	return s->out.err;
}

/* "struct path" and its members, as C declares them. */
static int print_type(struct list_cmd *s, struct ctypes *types, const char *name)
{
	const struct ctype *t = NULL;
	struct strbuf text = { 0 };
	size_t n = 0;

	int r = ctypes_find(types, name, &t);
	if (r < 0)
		return r;
	const struct cmember *m = ctype_members(t, &n);
	strbuf_fmt(&text, "%s {\n", name);
	for (size_t i = 0; i < n; i++) {
		strbuf_str(&text, "\t");
		if (t->kind == CT_ENUM)
			strbuf_fmt(&text, "%s = %lld,", m[i].name, (long long)m[i].value);
		else
			declare(m[i].type, m[i].name, &text);
		if (t->kind != CT_ENUM && m[i].bit_size)
			strbuf_fmt(&text, " : %u", m[i].bit_size);
		if (t->kind != CT_ENUM)
			strbuf_fmt(&text, "; /* at %llu */",
				   (unsigned long long)(m[i].bit_off / 8));
		strbuf_str(&text, "\n");
	}
	strbuf_fmt(&text, "}; /* %llu bytes */\n", (unsigned long long)t->size);
	out_add(&s->out, strbuf_text(&text), text.len);
	r = strbuf_ok(&text);
	strbuf_fini(&text);
	s->n++;
	return r;
}

struct type_list {
	struct list_cmd *s;
	struct ctypes *types;
	const char *kind, *pattern; /* "struct", "*" */
};

static int see_type(void *arg, const char *tag)
{
	const struct type_list *l = arg;
	const struct ctype *t = NULL;
	char name[256];

	if (!glob_match(l->pattern, tag))
		return 0;
	int n = snprintf(name, sizeof(name), "%s %s", l->kind, tag);
	if (n < 0 || (size_t)n >= sizeof(name))
		return 0;
	// Tags of structs and unions come together.
	int r = ctypes_find(l->types, name, &t);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (l->s->details)
		return print_type(l->s, l->types, name);
	const struct live_place place = { .name = name };
	return print_place(l->s, &place);
}

/* Types of the kernel: "struct path", "enum pid_type". */
static int list_types(struct list_cmd *s, const char *name)
{
	const char *why = "", *blank = strchr(name, ' ');
	const struct type_list l = {
		.s = s,
		.types = s->live->ops->types(s->live, &why),
		.kind = *name == 's' ? "struct" : "union",
		.pattern = blank + 1,
	};

	if (!l.types)
		return sonde_fail(-ENOTSUP, "%s", why);
	if (!glob_is(name))
		return print_type(s, l.types, name);
	if (*name == 'e')
		return sonde_fail(-EINVAL, "'%s': enums are shown by name alone", name);
	return ctypes_each_struct(l.types, see_type, (void *)&l);
}

static bool is_type(const char *pattern)
{
	return !strncmp(pattern, "struct ", 7) || !strncmp(pattern, "union ", 6) ||
	       !strncmp(pattern, "enum ", 5);
}

static int list_probes(struct list_cmd *s, const char *pattern)
{
	const struct live_options opt = { .pid = s->pid };

	int r = live_world_new(&opt, &s->live);
	if (r < 0)
		return r;
	if (s->json) {
		json_init(&s->j, &s->out);
		json_array(&s->j, NULL);
	}
	if (pattern && is_type(pattern))
		r = list_types(s, pattern);
	else
		r = live_each_place(s->live, pattern, s->details, print_place, s);
	if (s->json)
		json_end_array(&s->j);
	const int flushed = out_flush(&s->out);
	if (flushed < 0 || r < 0)
		return flushed < 0 ? flushed : r;
	if (!s->n)
		return sonde_fail(-ENOENT, "nothing matches '%s'", pattern ? pattern : "*");
	return r;
}

static const struct table_column tool_columns[] = {
	{ "name", "Name", TABLE_TEXT },
	{ "about", "What it tells", TABLE_TEXT },
	{ "path", NULL, TABLE_TEXT },
};

static const struct table_column tool_details[] = {
	{ "name", "Name", TABLE_TEXT },
	{ "runs", "Runs", TABLE_TEXT },
	{ "about", "What it tells", TABLE_TEXT },
	{ "path", NULL, TABLE_TEXT },
	{ "why_not", "Why not over a trace", TABLE_TEXT },
};

enum { WHY_MOST = 200 };

/* Where a ready script runs. What a trace has, only the kernel's own formats tell. */
static int find_where(struct list_cmd *s, const struct tool *t, const char **ret_runs,
		      char why[WHY_MOST])
{
	int r = record_for_try(t->path, why, WHY_MOST);

	*ret_runs = r ? "live" : "live, trace";
	if (!r || r == -EINVAL || r == -ENOMEM)
		return r == -ENOMEM ? r : 0;
	if (!s->told)
		cmd_note(NULL, sonde_err_str());
	s->told = true;
	*ret_runs = "live, ?";
	return 0;
}

static int add_tool(void *arg, const struct tool *t)
{
	struct list_cmd *s = arg;
	char why[WHY_MOST] = "";
	const char *runs = NULL;
	const int r = s->details ? find_where(s, t, &runs, why) : 0;
	const char *texts[] = { t->name, runs, t->about, t->path, s->details ? why : NULL };

	if (r < 0)
		return r;
	for (size_t i = 0; i < MEM_LEN(texts); i++) {
		if (!texts[i])
			continue;
		const char *copy = arena_strndup(&s->arena, texts[i], strlen(texts[i]));
		if (!copy)
			return -ENOMEM;
		table_str(&s->table, copy);
	}
	return 0;
}

static int list_tools(struct list_cmd *s)
{
	if (s->details)
		table_init(&s->table, tool_details, MEM_LEN(tool_details));
	else
		table_init(&s->table, tool_columns, MEM_LEN(tool_columns));
	int r = tool_each(add_tool, s);
	if (r >= 0 && s->json) {
		json_init(&s->j, &s->out);
		json_object(&s->j, NULL);
		r = table_json(&s->table, &s->j, "tools");
		json_end_object(&s->j);
	} else if (r >= 0) {
		r = table_print(&s->table, &s->out, 0, terminal_width(STDOUT_FILENO));
	}
	table_fini(&s->table);
	return r < 0 ? r : out_flush(&s->out);
}

static int list_run(void *state, int argc, char **argv)
{
	struct list_cmd *s = state;

	if (argc > 1 || (argc && s->tools)) {
		(void)sonde_fail(-EINVAL, "unexpected argument '%s'", argv[argc - 1]);
		return cmd_usage(&cmd_list);
	}
	int r = out_init(&s->out, STDOUT_FILENO);
	if (r >= 0) {
		r = s->tools ? list_tools(s) : list_probes(s, argc ? argv[0] : NULL);
		out_fini(&s->out);
	}
	if (r == -EPIPE)
		return CMD_OK;
	if (r == -EINVAL)
		return cmd_usage(&cmd_list);
	return r < 0 ? cmd_failed(&cmd_list) : CMD_OK;
}

const struct command cmd_list = {
	.name = "list",
	.args = "[PATTERN]",
	.words = "tracepoint: rawtracepoint: kprobe: fentry: uprobe: usdt: software: hardware: "
		 "iter:",
	.summary = "List probes, what they bring, types of the kernel, and ready scripts",
	.about =
		"PATTERN is what a script's attach point may be, * and ? stand for any text and "
		"any letter; without a colon or a wildcard it may be any part of a name. uprobe "
		"and usdt need the program: 'uprobe:bash:*'. \"struct NAME\" and \"enum NAME\" are "
		"types of the kernel. What this kernel refuses is left out, or told where only it "
		"was asked for.",
	.options = options,
	.examples = examples,
	.state_size = sizeof(struct list_cmd),
	.set = list_set,
	.run = list_run,
	.fini = list_fini,
};
