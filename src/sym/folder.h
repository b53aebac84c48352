/* SPDX-License-Identifier: MIT */
/**
 * The symbol folder of a trace: the names of what its samples hit, so that it can be read
 *elsewhere.
 *
 *	TRACE/sonde/kernel	"sonde kernel 1", then lines
 *				"release R", "build-id HEX", "boot-id UUID", "hidden" where the
 *				kernel hid its addresses, "f START LEN NAME"
 *	TRACE/sonde/user	"sonde user 1", then for each file
 *				"file BUILD-ID MAJ:MIN:INO:GEN STATE PATH" ("-" for no build-id)
 *				and its functions, by file offset: "f START LEN NAME"
 *
 * Numbers of functions are hexadecimal, those of files decimal.
 */
#ifndef SYM_FOLDER_H
#define SYM_FOLDER_H

#include <sonde/span.h>

#include "base/strbuf.h"
#include "sym/dso.h"
#include "sym/symtab.h"

#define FOLDER_NAME   "sonde"
#define FOLDER_KERNEL "kernel"
#define FOLDER_USER   "user"

/** What the folder says of one file. */
struct folder_file {
	uint32_t dso; /* in the folder's dsos, where those with a build-id have no path */
	struct symtab functions;
};

struct folder {
	bool has_kernel, has_user; /* the part was there */
	bool hidden;		   /* the kernel's addresses were hidden */
	char release[80], boot_id[40];
	struct build_id kernel_id;
	struct symtab kernel;
	struct dsos dsos;
	struct folder_file *files; /* owned; by index of dsos */
	size_t n_files, cap_files;
};

enum { FOLDER_BYTES_MOST = 1 << 28 };

/** Reads the folder of the trace in @dir. A missing one is empty; -EBADMSG: what it says, -ENOMEM.
 */
SONDE_MUST_CHECK int folder_load(struct folder *f, const char *dir);
void folder_fini(struct folder *f);

/** Parses one part; @path is for messages. For folder_load() and tests. */
SONDE_MUST_CHECK int folder_parse(struct folder *f, const char *path, struct sonde_span text);
/** After the last part. */
SONDE_MUST_CHECK int folder_finish(struct folder *f);

/** The functions of a file, or NULL: the folder does not know it. */
const struct symtab *folder_functions(const struct folder *f, const struct dso *d);

/** The lines of the format above. */
void folder_print_kernel_head(struct strbuf *b, const struct folder *f);
void folder_print_user_head(struct strbuf *b);
void folder_print_file(struct strbuf *b, const struct dso *d, const char *state);
void folder_print_function(struct strbuf *b, uint64_t start, uint64_t len, const char *name);

/** Puts the text into the folder of the trace in @dir, made if need be; seen whole or not at all.
 */
SONDE_MUST_CHECK int folder_save(const char *dir, const char *part, const struct strbuf *text);

/** This boot's id, 36 characters; false: not known. */
bool folder_boot_id(char ret[40]);

#endif
