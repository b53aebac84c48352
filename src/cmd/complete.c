/* SPDX-License-Identifier: MIT */
/** Completion for bash, made from the command tables. */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/help.h"

/* The words that come behind one verb: options, those with a value, words of the first argument. */
static void print_verb(const struct command *cmd)
{
	printf("\t%s)\n\t\toptions=\"--help", cmd->name);
	for (const struct cmd_option *o = cmd->options; o && o->name; o++)
		printf(" --%s", o->name);
	printf("\"\n\t\tvalued=\"");
	for (const struct cmd_option *o = cmd->options; o && o->name; o++) {
		if (o->arg && o->key < 256)
			printf(" -%c --%s", o->key, o->name);
		else if (o->arg)
			printf(" --%s", o->name);
	}
	printf("\"\n\t\twords=\"%s\"\n\t\t;;\n", cmd->words ? cmd->words : "");
}

void help_completion(void)
{
	puts("# bash completion for sonde; made from its command tables.\n"
	     "_sonde()\n{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	     "\tlocal options= valued= words=\n"
	     "\tCOMPREPLY=()\n"
	     "\tif [ \"$COMP_CWORD\" = 1 ]; then");
	printf("\t\tCOMPREPLY=($(compgen -W \"help --help --version");
	for (const struct command *const *c = cmd_all; *c; c++)
		printf(" %s", (*c)->name);
	puts("\" -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in");
	for (const struct command *const *c = cmd_all; *c; c++)
		print_verb(*c);
	printf("\thelp)\n\t\twords=\"");
	for (const struct command *const *c = cmd_all; *c; c++)
		printf("%s%s", c == cmd_all ? "" : " ", (*c)->name);
	puts("\"\n\t\t;;\n\tesac\n"
	     "\tcase \" $valued \" in\n"
	     "\t*\" $prev \"*) COMPREPLY=($(compgen -f -- \"$cur\")) && return ;;\n"
	     "\tesac\n"
	     "\tcase $cur in\n"
	     "\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")) ;;\n"
	     "\t*)\n"
	     "\t\tif [ -n \"$words\" ] && [ \"$COMP_CWORD\" = 2 ]; then\n"
	     "\t\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	     "\t\telse\n"
	     "\t\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	     "\t\tfi\n"
	     "\t\t;;\n"
	     "\tesac\n"
	     "}\n"
	     "complete -o filenames -F _sonde sonde");
}
