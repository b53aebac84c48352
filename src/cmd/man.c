/* SPDX-License-Identifier: MIT */
/** Man pages, from the command tables into scdoc's language (see scdoc(5)). */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/help.h"

/* Prints @len letters with what means something to scdoc escaped. */
static void print_escaped(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (strchr("*_\\`#|[]<>-.~", s[i]))
			putchar('\\');
		putchar(s[i]);
	}
}

static void print_text(const char *s)
{
	print_escaped(s, strlen(s));
}

/* Prints paragraphs, which end with a full stop or colon; indented lines stay as they are. */
static void print_about(const char *text)
{
	bool literal = false;

	while (*text) {
		size_t len = strcspn(text, "\n");
		bool indented = len && isspace((unsigned char)*text);

		if (indented != literal && len) {
			puts(literal ? "```\n" : "\n```");
			literal = indented;
		}
		if (literal)
			printf("%.*s", (int)len, text);
		else
			print_escaped(text, len);
		puts(!literal && len && strchr(".:", text[len - 1]) ? "\n" : "");
		text += len + (text[len] == '\n');
	}
	if (literal)
		puts("```");
}

static void print_option(const struct cmd_option *o)
{
	putchar('*');
	if (o->key < 256)
		printf("-%c*, *", o->key);
	printf("--");
	print_text(o->name);
	putchar('*');
	if (o->arg) {
		printf(" _");
		print_text(o->arg);
		putchar('_');
	}
	printf("\n\t");
	print_text(o->help);
	printf("\n\n");
}

/* The options and examples alone, for the end of a page. */
static void print_tables(const struct command *cmd)
{
	static const struct cmd_option help = { 'h', "help", NULL, "Show the options." };

	printf("\n# OPTIONS\n\n");
	for (const struct cmd_option *o = cmd->options; o && o->name; o++)
		print_option(o);
	print_option(&help);
	if (!cmd->examples)
		return;
	printf("# EXAMPLES\n\n");
	for (const struct cmd_example *e = cmd->examples; e->line; e++) {
		print_text(e->what);
		printf("\n\n```\n%s\n```\n\n", e->line);
	}
}

static void print_verbs(void)
{
	for (const struct command *const *c = cmd_all; *c; c++) {
		printf("*sonde-%s*(1)\n\t", (*c)->name);
		print_text((*c)->summary);
		printf(".\n\n");
	}
}

void help_man(const struct command *cmd)
{
	if (!cmd) {
		print_verbs();
		return;
	}
	printf("sonde-%s(1)\n\n# NAME\n\nsonde-%s - ", cmd->name, cmd->name);
	printf("%c", tolower((unsigned char)cmd->summary[0]));
	print_text(cmd->summary + 1);
	printf("\n\n# SYNOPSIS\n\n*sonde %s* [options] ", cmd->name);
	print_text(cmd->args ? cmd->args : "");
	printf("\n\n# DESCRIPTION\n\n");
	if (cmd->about)
		print_about(cmd->about);
	else {
		print_text(cmd->summary);
		printf(".\n");
	}
	print_tables(cmd);
	printf("# EXIT STATUS\n\n"
	       "0: done. 1: the work failed. 2: the arguments are wrong.%s\n\n"
	       "# SEE ALSO\n\n*sonde*(1)\n",
	       cmd->args && strstr(cmd->args, "CMD") ? " With CMD: its own." : "");
}
