/* SPDX-License-Identifier: MIT */
/**
 * What can be shown of a dead FreeBSD: sections, of which each is one that crashinfo(8) has.
 *
 * A section either shows what the dump has, or says what it lacks.
 */
#ifndef CRASH_FREEBSD_SHOW_SHOW_H
#define CRASH_FREEBSD_SHOW_SHOW_H

#include "base/strbuf.h"
#include "crash/freebsd/facts.h"
#include "crash/verbs/page.h"

/** A report at work. */
struct bsd_show {
	struct page page;
	struct freebsd_kernel *k;
	struct ctypes *types; /* NULL: none are known */
	struct crash_tasks tasks;
	const struct crash_args *args;
	struct strbuf lacks; /* lines: sections and what they lack */
	unsigned n_lacks;
};

/** Shows one section. What cannot be read is no failure: bsd_lack() takes it. */
typedef int bsd_section(struct bsd_show *s);

/** Notes that "vmstat -m", or whatever @what is, cannot be shown, and why. */
void bsd_lack(struct bsd_show *s, const char *what, const char *why);
/** True where there are types; else says that @what needs some. */
bool bsd_has_types(struct bsd_show *s, const char *what);
/** Text in the core's memory, for cells of tables; "?" where there is no memory. */
const char *bsd_keep(struct bsd_show *s, const char *fmt, ...) SONDE_PRINTF(2, 3);
/** Text at @va, kept the same way; "?" where none is. */
const char *bsd_keep_text(struct bsd_show *s, uint64_t va);

/** Lines of text under a title, without what could change a terminal. */
void bsd_lines(struct bsd_show *s, const char *key, const char *title, const char *text,
	       size_t len);

/** Is given a number: the name of its member, its index where that is an array, else -1. */
typedef void bsd_number_fn(void *arg, const char *name, int index, uint64_t v);
/** Gives all numbers of the struct of @type at @va. False: it is not known, or cut in the dump. */
bool bsd_numbers(struct bsd_show *s, const char *type, uint64_t va, bsd_number_fn *f, void *arg);

bsd_section bsd_head, bsd_header, bsd_crash, bsd_cpus, bsd_threads;
bsd_section bsd_vm, bsd_malloc, bsd_zones, bsd_interrupts, bsd_tables, bsd_swap;
bsd_section bsd_disks, bsd_ipc, bsd_nfs, bsd_protocols, bsd_interfaces, bsd_routes, bsd_sockets;
bsd_section bsd_files;
bsd_section bsd_messages, bsd_config, bsd_capture;

/** Ends with NULL. */
extern const struct crash_verb *const freebsd_verbs[];

#endif
