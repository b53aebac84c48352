/* SPDX-License-Identifier: MIT */
/** A script as text: definitions, settings, probes and their statements. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "lang/syntax/print.h"

static void add(struct printer *p, const char *s)
{
	strbuf_str(p->out, s);
}

static void indent(struct printer *p)
{
	for (unsigned i = 0; i < p->indent; i++)
		add(p, "\t");
}

static void print_block(struct printer *p, const struct ast *block);

/* A chain of else if in a loop. */
static void print_if(struct printer *p, const struct ast *s)
{
	for (;;) {
		add(p, "if (");
		print_expr(p, s->u.cond.cond);
		add(p, ") ");
		print_block(p, s->u.cond.yes);
		s = s->u.cond.no;
		if (!s)
			return;
		add(p, " else ");
		if (s->kind != AST_IF) {
			print_block(p, s);
			return;
		}
	}
}

static void print_for(struct printer *p, const struct ast *s)
{
	if (s->u.foreach.var2)
		strbuf_fmt(p->out, "for (($%s, $%s) : ", s->u.foreach.var, s->u.foreach.var2);
	else
		strbuf_fmt(p->out, "for ($%s : ", s->u.foreach.var);
	if (s->u.foreach.map) {
		print_expr(p, s->u.foreach.map);
	} else {
		print_expr(p, s->u.foreach.begin);
		add(p, "..");
		print_expr(p, s->u.foreach.end);
	}
	add(p, ") ");
	print_block(p, s->u.foreach.body);
}

static void print_decl(struct printer *p, const struct ast *s)
{
	strbuf_fmt(p->out, "let $%s", s->u.decl.name);
	if (s->u.decl.type) {
		add(p, ": ");
		print_type(p, s->u.decl.type);
		print_dims(p, s->u.decl.type);
	}
	if (s->u.decl.init) {
		add(p, " = ");
		print_expr(p, s->u.decl.init);
	}
	add(p, ";");
}

static void print_assign(struct printer *p, const struct ast *s)
{
	static const char *const texts[] = {
		[OP_NONE] = "", [OP_ADD] = "+",	 [OP_SUB] = "-",  [OP_MUL] = "*",
		[OP_DIV] = "/", [OP_MOD] = "%",	 [OP_AND] = "&",  [OP_OR] = "|",
		[OP_XOR] = "^", [OP_SHL] = "<<", [OP_SHR] = ">>",
	};

	print_expr(p, s->u.op.a);
	strbuf_fmt(p->out, " %s= ", texts[s->u.op.op]);
	print_expr(p, s->u.op.b);
	add(p, ";");
}

static void print_loop(struct printer *p, const char *word, const struct ast *s)
{
	strbuf_fmt(p->out, "%s (", word);
	print_expr(p, s->u.loop.cond);
	add(p, ") ");
	print_block(p, s->u.loop.body);
}

/* A clause of D, as an if in a block. */
static void print_clause(struct printer *p, const struct ast *s)
{
	if (s->u.clause.pred) {
		add(p, "if (");
		print_expr(p, s->u.clause.pred);
		add(p, ") ");
	}
	const struct ast block = { .kind = AST_BLOCK, .u.list.first = s->u.clause.first };
	print_block(p, &block);
}

static void print_stmt(struct printer *p, const struct ast *s)
{
	switch (s->kind) {
	case AST_BLOCK: print_block(p, s); break;
	case AST_CLAUSE: print_clause(p, s); break;
	case AST_IF: print_if(p, s); break;
	case AST_WHILE: print_loop(p, "while", s); break;
	case AST_UNROLL: print_loop(p, "unroll", s); break;
	case AST_FOR: print_for(p, s); break;
	case AST_DECL: print_decl(p, s); break;
	case AST_ASSIGN: print_assign(p, s); break;
	case AST_BREAK: add(p, "break;"); break;
	case AST_CONTINUE: add(p, "continue;"); break;
	case AST_RETURN:
		add(p, s->u.op.a ? "return " : "return");
		if (s->u.op.a)
			print_expr(p, s->u.op.a);
		add(p, ";");
		break;
	default:
		print_expr(p, s->u.op.a);
		add(p, ";");
		break;
	}
}

static void print_block(struct printer *p, const struct ast *block)
{
	add(p, "{\n");
	p->indent++;
	for (const struct ast *s = block->u.list.first; s; s = s->next) {
		indent(p);
		print_stmt(p, s);
		add(p, "\n");
	}
	p->indent--;
	indent(p);
	add(p, "}");
}

static void print_body(struct printer *p, const struct ast_def *def);

/* "struct x { ... } *name[2] : 3", without the ';'. */
static void print_field(struct printer *p, const struct ast_field *f, const char *name)
{
	static const char *const tags[] = {
		[AST_DEF_STRUCT] = "struct", [AST_DEF_UNION] = "union", [AST_DEF_ENUM] = "enum"
	};

	if (f->def && f->def->kind < MEM_LEN(tags)) {
		strbuf_fmt(p->out, "%s ", tags[f->def->kind]);
		if (*f->def->name)
			strbuf_fmt(p->out, "%s ", f->def->name);
		print_body(p, f->def);
		for (unsigned i = 0; i < f->type->n_ptrs; i++)
			add(p, i ? "*" : " *");
	} else {
		print_type(p, f->type);
	}
	if (*name)
		strbuf_fmt(p->out, "%s%s", f->type->n_ptrs ? "" : " ", name);
	print_dims(p, f->type);
	// A nameless field is a struct or union inside, or bits.
	if (f->bits || (!*name && !f->def))
		strbuf_fmt(p->out, " : %" PRIu32, f->bits);
}

/* "{ ... }" with the attributes behind. */
static void print_body(struct printer *p, const struct ast_def *def)
{
	add(p, "{\n");
	p->indent++;
	for (const struct ast_field *f = def->fields; f; f = f->next) {
		indent(p);
		if (def->kind == AST_DEF_ENUM) {
			strbuf_fmt(p->out, "%s = %" PRId64 ",\n", f->name, f->value);
		} else {
			print_field(p, f, f->name);
			add(p, ";\n");
		}
	}
	p->indent--;
	indent(p);
	add(p, def->packed ? "} __attribute__((packed))" : "}");
}

static void print_def(struct printer *p, const struct ast_def *def)
{
	static const char *const tags[] = { "struct", "union", "enum" };

	if (def->kind == AST_DEF_TYPEDEF) {
		add(p, "typedef ");
		print_field(p, def->fields, def->name);
	} else {
		strbuf_fmt(p->out, "%s %s%s", tags[def->kind], def->name, *def->name ? " " : "");
		print_body(p, def);
	}
	add(p, ";\n");
}

static bool is_plain(const char *value)
{
	size_t digits = strspn(value, "0123456789");
	size_t words = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				     "0123456789");

	// Numbers as the parser writes them; words; the rest needs quotes.
	if (value[digits] == '\0')
		return digits == 1 || (digits > 1 && digits < 20 && *value != '0');
	return digits == 0 && words && value[words] == '\0';
}

static void print_settings(struct printer *p, const struct ast_setting *s)
{
	if (!s)
		return;
	add(p, "config = {\n");
	for (; s; s = s->next) {
		strbuf_fmt(p->out, "\t%s = ", s->name);
		if (is_plain(s->value))
			add(p, s->value);
		else
			print_string(p, s->value, strlen(s->value));
		add(p, ";\n");
	}
	add(p, "}\n");
}

static void print_probe(struct printer *p, const struct ast_probe *probe)
{
	for (const struct ast_attach *a = probe->attach; a; a = a->next)
		strbuf_fmt(p->out, "%s%s", a->text, a->next ? ",\n" : "\n");
	if (probe->pred) {
		add(p, "/ ");
		print_expr(p, probe->pred);
		add(p, " /\n");
	}
	print_block(p, probe->body);
	add(p, "\n");
}

static bool is_behind(struct pos a, struct pos b)
{
	return a.line > b.line || (a.line == b.line && a.col > b.col);
}

void ast_print(const struct script_ast *s, struct strbuf *ret)
{
	sonde_auto(ast_print_fini) struct printer p = { .out = ret };

	for (const struct ast_include *i = s->includes; i; i = i->next) {
		bool has_quotes = strchr(i->path, '>');

		strbuf_fmt(ret, "#include %c%s%c\n", has_quotes ? '"' : '<', i->path,
			   has_quotes ? '"' : '>');
	}
	print_settings(&p, s->settings);
	for (const struct ast_map_decl *m = s->maps; m; m = m->next)
		strbuf_fmt(ret, "let @%s = %s(%" PRIu64 ");\n", m->name, m->kind, m->max_entries);

	// In the script's order, as a typedef changes what the probes behind it say.
	const struct ast_def *def = s->defs;
	for (const struct ast_probe *probe = s->probes; probe; probe = probe->next) {
		for (; def && !is_behind(def->pos, probe->pos); def = def->next)
			print_def(&p, def);
		print_probe(&p, probe);
	}
	for (; def; def = def->next)
		print_def(&p, def);
}
