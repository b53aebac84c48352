/* SPDX-License-Identifier: MIT */
/** Prints help on the terminal: the overview, one command, and lists for the build and the tests.
 */
#include "cmd/help.h"

#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "cmd/command.h"

enum { WIDTH = 90, HELP_AT = 30 }; /* columns; the help of an option begins at HELP_AT */

const struct command *help_find(const char *name)
{
	for (const struct command *const *c = cmd_all; *c; c++) {
		if (!strcmp((*c)->name, name))
			return *c;
	}
	return NULL;
}

static const struct command *find_near(const char *name)
{
	const struct command *best = NULL;
	unsigned least = NEAR_NOT;

	for (const struct command *const *c = cmd_all; *c; c++) {
		unsigned distance = near_distance(name, (*c)->name);

		if (distance < least) {
			least = distance;
			best = *c;
		}
	}
	return best;
}

void help_overview(FILE *f)
{
	fputs("Usage: sonde VERB [options] ...\n\n"
	      "Tells where the time of a Linux system goes, and why.\n\nVerbs:\n",
	      f);
	for (const struct command *const *c = cmd_all; *c; c++)
		fprintf(f, "  %-10s %s\n", (*c)->name, (*c)->summary);
	fputs("  help       Show this, or with a verb, what it does\n\n"
	      "'sonde VERB --help' tells more about each; 'sonde --version' what was built in.\n",
	      f);
}

/* Prints @len letters of @text from column @from on, broken at spaces before column WIDTH. */
static void print_wrapped(const char *text, size_t len, int from)
{
	const char *end = text + len;
	int column = from;

	while (text < end) {
		int n = 0;

		while (text + n < end && text[n] != ' ' && text[n] != '\n')
			n++;
		if (column > from && column + 1 + n > WIDTH) {
			printf("\n%*s", from, "");
			column = from;
		} else if (column > from) {
			putchar(' ');
			column++;
		}
		printf("%.*s", n, text);
		column += n;
		text += n;
		while (text < end && (*text == ' ' || *text == '\n'))
			text++;
	}
	putchar('\n');
}

/* Paragraphs, a line each; indented lines stay as they are. */
static void print_about(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (*text == ' ')
			printf("%.*s\n", (int)len, text);
		else
			print_wrapped(text, len, 0);
		text += len + (text[len] == '\n');
	}
}

static void print_option(const struct cmd_option *o)
{
	char left[80];
	int len;

	if (o->key < 256)
		len = snprintf(left, sizeof(left), "  -%c, --%s%s%s", o->key, o->name,
			       o->arg ? " " : "", o->arg ? o->arg : "");
	else
		len = snprintf(left, sizeof(left), "      --%s%s%s", o->name, o->arg ? " " : "",
			       o->arg ? o->arg : "");
	if (len > HELP_AT - 2)
		printf("%s\n%*s", left, HELP_AT, "");
	else
		printf("%-*s", HELP_AT, left);
	print_wrapped(o->help, strlen(o->help), HELP_AT);
}

void help_command(const struct command *cmd)
{
	static const struct cmd_option help = { 'h', "help", NULL, "Show this." };

	printf("Usage: sonde %s [options]%s%s\n\n%s.\n", cmd->name,
	       cmd->args && *cmd->args ? " " : "", cmd->args ? cmd->args : "", cmd->summary);
	if (cmd->about) {
		putchar('\n');
		print_about(cmd->about);
	}
	printf("\nOptions:\n");
	for (const struct cmd_option *o = cmd->options; o && o->name; o++)
		print_option(o);
	print_option(&help);
	if (cmd->examples)
		printf("\nExamples:\n");
	for (const struct cmd_example *e = cmd->examples; e && e->line; e++)
		printf("  %s\n      %s\n", e->line, e->what);
}

static void print_examples(void)
{
	for (const struct command *const *c = cmd_all; *c; c++) {
		for (const struct cmd_example *e = (*c)->examples; e && e->line; e++) {
			if (e->test)
				puts(e->line);
		}
	}
}

static void print_verbs(void)
{
	for (const struct command *const *c = cmd_all; *c; c++)
		puts((*c)->name);
}

int help_unknown(const char *name)
{
	const struct command *near = find_near(name);

	if (*name == '-') {
		const bool version = near_distance(name, "--version") != NEAR_NOT;

		fprintf(stderr, "sonde: unknown option '%s'; ", name);
		fputs(version ? "did you mean '--version'?\n"
			      : "options stand behind the verb: sonde VERB [options]\n",
		      stderr);
		fprintf(stderr, "Try 'sonde --help'.\n");
		return CMD_USAGE;
	}
	fprintf(stderr, "sonde: unknown verb '%s'", name);
	if (near)
		fprintf(stderr, "; did you mean '%s'?", near->name);
	fprintf(stderr, "\nTry 'sonde --help'.\n");
	return CMD_USAGE;
}

int help_run(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const struct command *cmd = NULL;

	if (argc > 2) {
		cmd = help_find(argv[2]);
		if (!cmd)
			return help_unknown(argv[2]);
	}
	if (!*what || !strcmp(what, "help") || !strcmp(what, "--help"))
		help_overview(stdout);
	else if (!strcmp(what, "--verbs"))
		print_verbs();
	else if (!strcmp(what, "--examples"))
		print_examples();
	else if (!strcmp(what, "--man"))
		help_man(cmd);
	else if (!strcmp(what, "--completion"))
		help_completion();
	else if (help_find(what))
		help_command(help_find(what));
	else
		return help_unknown(what);
	return CMD_OK;
}
