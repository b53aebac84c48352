/* SPDX-License-Identifier: MIT */
/** The built-in values and functions of the language, as tables. */
#ifndef LANG_BUILTIN_H
#define LANG_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lang/check/type.h"

struct check;
struct ast;

enum builtin_id {
	B_PID,
	B_TID,
	B_UID,
	B_GID,
	B_USERNAME,
	B_NSECS,
	B_ELAPSED,
	B_CPU,
	B_COMM,
	B_KSTACK,
	B_USTACK,
	B_ARG,
	B_SARG,
	B_ARGS,
	B_RETVAL,
	B_FUNC,
	B_PROBE,
	B_CURTASK,
	B_RAND,
	B_CGROUP,
	B_CTX,
	B_NCPUS,
	B_NUMAID,
	B_PPID,
	B_CPID,
	B_JIFFIES,
	B_PCOMM,
	/* from here on of D alone */
	B_PROBEPROV,
	B_PROBEMOD,
	B_PROBEFUNC,
	B_PROBENAME,
	B_PROBEID,
	B_WALLTIMESTAMP,
	B_FAULT_KIND,
	B_FAULT_ADDR,
	B_CALLER,
	B_UCALLER,
};

struct builtin {
	const char *name;
	enum builtin_id id;
	const struct type *type; /* NULL: depends */
	const char *help;
};

static inline bool builtin_is_of_d(const struct builtin *b)
{
	return b->id >= B_PROBEPROV;
}

/** NULL: there is none of that name. Of argN and sargN *@ret_n is N. */
const struct builtin *builtin_find(const char *name, bool is_d, int64_t *ret_n);
/** All, ending with a NULL name. */
extern const struct builtin builtin_all[];

enum func_id {
	F_PRINTF,
	F_ERRORF,
	F_WARNF,
	F_PRINT,
	F_CLEAR,
	F_ZERO,
	F_DELETE,
	F_LEN,
	F_HAS_KEY,
	F_COUNT,
	F_SUM,
	F_AVG,
	F_MIN,
	F_MAX,
	F_STATS,
	F_HIST,
	F_LHIST,
	F_STR,
	F_BUF,
	F_JOIN,
	F_KSYM,
	F_USYM,
	F_KADDR,
	F_UADDR,
	F_NTOP,
	F_PTON,
	F_KSTACK,
	F_USTACK,
	F_STRFTIME,
	F_TIME,
	F_STRNCMP,
	F_STRCONTAINS,
	F_NSECS,
	F_BSWAP,
	F_SIGNAL,
	F_EXIT,
	F_CAT,
	F_SYSTEM,
	F_REG,
	F_MACADDR,
	F_CGROUPID,
	F_CGROUP_PATH,
	F_PATH,
	F_SKBOUTPUT,
	F_ASSERT,
	F_STRERROR,
	F_OVERRIDE,
	F_KPTR,
	F_UPTR,
	F_STRLEN,
	F_PERCPU_KADDR,
	F_FAIL,
	F_PPID,
	F_EMIT,
	/* of D alone */
	F_TRACE,
	F_TRACEMEM,
	F_PRINTA,
	F_TRUNC,
	F_NORMALIZE,
	F_DENORMALIZE,
	F_FREOPEN,
	F_STDDEV,
	F_QUANTIZE,
	F_LQUANTIZE,
	F_LLQUANTIZE,
	F_STRINGOF,
	F_COPYINSTR,
	F_STRJOIN,
	F_SUBSTR,
	F_INDEX,
	F_RINDEX,
	F_STRCHR,
	F_STRRCHR,
	F_STRSTR,
	F_BASENAME,
	F_DIRNAME,
	F_LLTOSTR,
	F_PROGENYOF,
	F_RWBS_WRITES,
	F_PSARGS,
	F_FILE_PATH,
	F_TASK_CPU,
	F_TASK_PID,
	F_TASK_TID,
	F_SPECULATION,
	F_SPECULATE,
	F_COMMIT,
	F_DISCARD,
	F_UREG,
	F_TASK_DIR,
	F_FILE_MOUNT,
	F_D_PATH,
	F_TOUPPER,
	F_TOLOWER,
	F_STRTOLL,
	F_STRTOK,
};

struct func {
	const char *name;
	enum func_id id;
	uint8_t least, most; /* arguments */
	bool is_agg;	     /* only as @x = f(); */
	bool no_value;	     /* only as a statement */
	bool unsafe;	     /* only with --unsafe */
	/** Checks the arguments, which are checked as expressions already, and sets x->type. */
	void (*check)(struct check *c, struct ast *x);
	const char *args, *help;
};

const struct func *func_find(const char *name, bool is_d);
extern const struct func func_all[];
/** Those of D alone: the front end calls them so, whatever they are in a script. */
extern const struct func func_all_d[];

#endif
