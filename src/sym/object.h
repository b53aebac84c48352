/* SPDX-License-Identifier: MIT */
/** The mapped files themselves, opened once: only the very file that a process had mapped. */
#ifndef SYM_OBJECT_H
#define SYM_OBJECT_H

#include <sys/types.h>

#include "sym/dso.h"
#include "sym/elf_file.h"
#include "sym/procs.h"
#include "sym/unwind.h"

enum object_state {
	OBJECT_UNKNOWN,	 /* not looked for so far */
	OBJECT_FOUND,	 /* @elf is it */
	OBJECT_GONE,	 /* no file of that path, or no ELF file */
	OBJECT_REPLACED, /* the file of that path is another one */
	OBJECT_NO_FILE,	 /* never was a file */
};

struct object {
	enum object_state state;
	struct elf_file *elf; /* owned; where found */
	struct cfi *cfi;      /* owned; where it was asked for, by object_cfi() */
	bool no_cfi;
};

/** All of a table of mapped files, by their index there. */
struct objects {
	const struct dsos *dsos; /* borrowed */
	bool live;		 /* this kernel runs what was mapped: its vdso is ours */
	bool closes;		 /* read the functions at once, and keep no file open */
	size_t n_open;
	struct object *all; /* owned */
	size_t n, cap;
};

enum { OBJECTS_OPEN_MOST = 400 };

void objects_fini(struct objects *o);

/** Closes an object's file; its state stays. */
void objects_close(struct objects *o, struct object *ob);

/**
 * The object of a mapped file. The first time it is looked for: in the running process @pid (0:
 * none) which has it mapped as @map, then by its path. A file without a build-id is found only in a
 * live process, or by its inode when live. While OBJECTS_OPEN_MOST are open, further ones stay
 * OBJECT_UNKNOWN. Returns 0 or -ENOMEM; lent until the next call.
 */
SONDE_MUST_CHECK int objects_get(struct objects *o, const struct map *map, pid_t pid,
				 struct object **ret);

/** How to walk stacks through an open object; *@ret NULL: no way. Returns 0 or -ENOMEM. */
SONDE_MUST_CHECK int object_cfi(struct object *ob, struct cfi **ret);

/** The build-id of what is mapped in a live process, to be told by its events. */
bool object_live_id(pid_t pid, uint64_t start, uint64_t end, const char *path, uint64_t ino,
		    struct build_id *ret);

/** For people: "found", "gone", "replaced", "no-file". */
const char *object_state_name(enum object_state state);

#endif
