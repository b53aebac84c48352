/* SPDX-License-Identifier: MIT */
/** All that a boot chart shows: the tree of processes, its rows, disks and the critical path. */
#ifndef ANALYSIS_BOOT_BOOT_H
#define ANALYSIS_BOOT_BOOT_H

#include "analysis/boot/rows.h"
#include "analysis/path/sums.h"
#include "analysis/requests.h"

struct strbuf;
struct sonde_out;

struct boot {
	struct exec_build *build; /* owned */
	struct boot_tree tree;
	struct boot_rows rows;
	struct requests requests;
	struct request *done; /* owned: block requests in the window, in order of their ends */
	size_t n_done, cap_done;
	uint64_t n_more;  /* that many are not kept */
	bool has_io;	  /* any step of one was seen */
	struct path path; /* that of the root; empty where it has none */
	struct sums sums; /* likewise */
	uint32_t root;	  /* whose path it is, or BOOT_NONE: there are several, all are shown */
	int64_t from_ns, to_ns;
};

/** Draws it as SVG. Returns 0 or -ENOMEM; failures of writing stay in @out. */
SONDE_MUST_CHECK int boot_svg(const struct boot *b, struct sonde_out *out);

/** Writes all of it as XML: docs/boot.md. Likewise. */
SONDE_MUST_CHECK int boot_xml(const struct boot *b, struct sonde_out *out);

/** "make (17) on box", "3 hosts". */
void boot_title(const struct boot *b, struct strbuf *text);

#endif
