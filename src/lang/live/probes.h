/* SPDX-License-Identifier: MIT */
/** Attach points to places: what the providers share. Only files of this folder include it. */
#ifndef LANG_LIVE_PROBES_H
#define LANG_LIVE_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/arena.h"
#include "lang/live/live.h"
#include "lang/syntax/diag.h"
#include "lang/world.h"

struct kernel_funcs;
struct live_file;
struct listing;
struct lookup;

/** What was opened so far. */
/** A kernel symbol that was asked for; 0: there is none of that name. */
struct live_symbol {
	const char *name;
	uint64_t addr;
	struct live_symbol *next;
};

struct live {
	struct world world; /* first: a struct world * is a struct live * */
	struct live_options opt;
	struct arena arena; /* for what lives as long as the world */
	/* the kernel's types */
	struct ctypes *own_types; /* owned; NULL where they are borrowed or not open */
	struct ctypes *types;
	const char *types_why; /* why there are none, when asked before */
	bool types_tried;
	struct live_module *modules; /* types of modules, a list */
	/* the kernel's functions */
	struct kernel_funcs *own_funcs; /* owned, likewise */
	const struct kernel_funcs *funcs;
	struct live_file *files;     /* programs and libraries, a list */
	const char *dynamic;	     /* tracefs's dynamic_events; NULL: not read yet */
	struct live_symbol *symbols; /* addresses that were asked for, a list */
	bool is_release_known;
	unsigned release; /* of the kernel: major << 16 | minor */
};

/** The kernel's types, opened when first asked for; NULL: live->types_why. */
struct ctypes *live_types(struct live *live);

/** The kernel's functions, opened when first asked for. */
SONDE_MUST_CHECK int live_funcs(struct live *live, const struct kernel_funcs **ret);

/** world_ops.address. */
uint64_t live_address(struct world *w, const char *path, const char *symbol);

/** One attach point on its way to a list of places. */
struct lookup {
	struct live *live;
	struct diag *d;
	struct arena *arena;
	const struct ast_attach *ap;
	const struct probe_wants *wants; /* never NULL */
	bool is_first;			 /* only the first place is wanted, with all its fields */
	const struct provider *provider;
	struct probe *first, *last;
	size_t n_places; /* that were added, one by one or to a group */
	/** The last one of each list of places that one program serves. */
	struct lookup_group {
		struct probe *head, *tail;
	} * groups;
	size_t n_groups, cap_groups;
};

/** The nearest of the names seen so far; starts as all zero but @word. */
struct nearest {
	const char *word;
	unsigned distance; /* 0: none seen */
	char name[128], words[160];
};
void nearest_see(struct nearest *n, const char *name);
/** "; did you mean 'NAME'?", or "" where none is near; lent. */
const char *nearest_words(struct nearest *n);

/** Kinds of places, by their name in scripts. */
struct provider {
	const char *name;
	const char *others[3]; /* short and older names, as far as there are */
	const char *usage;     /* "tracepoint:GROUP:NAME" */
	const char *help;      /* what it is, in a few words */
	unsigned min, max;     /* parts behind the provider's name */
	int (*find)(struct lookup *l);
	/** Gives what `list` shows; NULL: @usage and @help. */
	int (*list)(struct listing *l);
	enum {
		LIST_ALWAYS,
		LIST_NAMED, /* only where the pattern names the provider */
		LIST_PATH,  /* only where it names a program too */
	} when;
};

/** Ends with .name == NULL. */
extern const struct provider providers[];

/** By its name or one of its others; NULL: there is none. */
const struct provider *provider_find(const char *name);

/** What may have been meant by a provider that there is not, as of nearest_words(). */
const char *provider_nearest(struct nearest *n);

/** world_ops.probes. */
int live_probes(struct world *w, struct diag *d, struct arena *arena, const struct ast_attach *ap,
		const struct probe_wants *wants, const struct probe **ret);

int find_begin(struct lookup *l);
int find_self(struct lookup *l);
int find_interval(struct lookup *l);
int find_profile(struct lookup *l);
int find_tracepoint(struct lookup *l);
int find_rawtracepoint(struct lookup *l);
int find_kprobe(struct lookup *l);
int find_kretprobe(struct lookup *l);
int find_fentry(struct lookup *l);
int find_fexit(struct lookup *l);
int find_uprobe(struct lookup *l);
int find_uretprobe(struct lookup *l);
int find_usdt(struct lookup *l);
int find_software(struct lookup *l);
int find_hardware(struct lookup *l);
int find_watchpoint(struct lookup *l);
int find_iter(struct lookup *l);

/** A `list` on its way. */
struct listing {
	struct live *live;
	const struct provider *provider;
	struct strbuf pattern;	  /* of whole names */
	const char *const *parts; /* the pattern's, behind the provider's name; may be none */
	size_t n_parts;
	bool details;
	size_t n_given;
	int err; /* -EPERM, -EACCES: what could not be read, and @why */
	char why[256];
	int (*f)(void *arg, const struct live_place *place);
	void *arg;
};

/**
 * Gives the place of the provider whose further parts are @a, @b and @c (NULL: fewer), if it
 * matches the pattern. 0, or what ends the list.
 */
int listing_give(struct listing *l, const char *a, const char *b, const char *c);

/** The program that the pattern names, lent until world_free(); the pattern then has its path. */
SONDE_MUST_CHECK int listing_program(struct listing *l, struct live_file **ret);

int list_tracepoint(struct listing *l);
int list_rawtracepoint(struct listing *l);
int list_kprobe(struct listing *l);
int list_fentry(struct listing *l);
int list_user(struct listing *l);
int list_usdt(struct listing *l);
int list_software(struct listing *l);
int list_hardware(struct listing *l);
int list_iter(struct listing *l);

/** Says what is wrong, at the attach point. Returns -EINVAL. */
#define lookup_error(l, tag, ...) diag_error((l)->d, (l)->ap->pos, tag, __VA_ARGS__)

/** Says a failure's words at the attach point, and returns -EINVAL; -ENOMEM stays what it is. */
int lookup_failed(struct lookup *l, int err, const char *tag);

/** Adds a place: a copy in the arena, in *@ret if that is not NULL. -ENOMEM. */
SONDE_MUST_CHECK int lookup_add(struct lookup *l, const struct probe *p);

/** The same, where a program that serves an earlier place can serve it too: behind that one. */
SONDE_MUST_CHECK int lookup_add_same(struct lookup *l, const struct probe *p);

/** Whether those fields that the program reads lie in the same way in both. */
bool lookup_same_fields(const struct lookup *l, const struct probe *a, const struct probe *b);

/** Text in the arena; NULL (sonde_fail(-ENOMEM)). */
const char *lookup_text(struct lookup *l, const char *fmt, ...) SONDE_PRINTF(2, 3);

#endif
