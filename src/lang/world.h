/* SPDX-License-Identifier: MIT */
/**
 * What a script runs against: the live kernel, a recorded trace, a crash dump. The compiler asks a
 * world which probes there are, what they give and where the types of memory come from; it knows
 * nothing else of it.
 */
#ifndef LANG_WORLD_H
#define LANG_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/def.h>

#include "base/arena.h"
#include "base/mem.h"
#include "bpf/attach.h"
#include "lang/syntax/ast.h"
#include "sym/ctype.h"
#include "sym/probe/usdt.h"

struct diag;

/** How a program reaches what its event brings. */
enum probe_args {
	ARGS_NONE,
	ARGS_FORMAT,  /* a tracepoint record: fields at offsets from the context */
	ARGS_RAW,     /* numbers: u64 each, from the context on (raw_tp) */
	ARGS_TYPED,   /* the same, verified by BTF: pointers may be followed without a helper */
	ARGS_SYSCALL, /* raw_tp sys_enter or sys_exit, shown as syscalls:sys_..._NAME has it */
	ARGS_REGS,    /* struct pt_regs: arg0 ..., retval, reg() */
	ARGS_USDT,    /* the same, and where a marker's arguments are */
	ARGS_PERF,    /* struct bpf_perf_event_data */
	ARGS_ITER,    /* pointers in the iterator's context */
};

/** A field of a tracepoint's record, or an argument by name. */
struct probe_field {
	const char *name;
	const struct ctype *type;
	/** ARGS_FORMAT, _SYSCALL: in the record; ARGS_RAW, _TYPED: @off is the index of the number;
	 * ARGS_ITER: in the context. */
	uint32_t off, len;
	bool is_signed;
	enum {
		FIELD_FIXED,
		FIELD_DATA_LOC, /* u32 at @off: length << 16 | offset */
		FIELD_REL_LOC,	/* the same, from behind it */
		FIELD_CALL, /* by the machine's MACHINE_FIELD with @off: a number, or an address */
		FIELD_PART, /* the same by MACHINE_PART, with the numbers of elements on the way */
	} place;
	/** It has members or elements that are fields of their own, by world_ops.part. */
	bool has_parts;
	/** Of a sequence that is seen as a text: the same as the address of its elements. */
	const struct probe_field *bytes;
};

enum { PROBE_CALLS_MOST = 1024 };

/** One place to attach to, as a script's attach point named it after wildcards. */
struct probe {
	const char *name; /* the built-in `probe`: "kprobe:vfs_read" */
	const char *func; /* the built-in `func`; NULL: asked at run time */
	enum probe_args args;
	bool is_return; /* retval instead of arguments */
	bool is_syscall_exit;
	const struct probe_field *fields;
	size_t n_fields;
	const char *no_args;	   /* why there are no @fields; NULL: nothing more is known */
	const struct ctype *proto; /* of the function, where known; else NULL */
	struct ctypes *types;	   /* of the program or module, besides the world's; may be NULL */
	const struct usdt_arg *usdt;
	size_t n_usdt;
	uint32_t prog_type, attach_type; /* BPF_PROG_TYPE_..., BPF_TRACE_... */
	uint32_t btf_id;		 /* what to attach to, of BPF_PROG_TYPE_TRACING */
	int btf_fd;
	bool sleepable;
	struct attach_spec attach;
	/**
	 * ARGS_SYSCALL: numbers of the calls that count, in order; all other events are left out,
	 * and those of 32-bit tasks, whose numbers mean other calls. NULL: every event counts.
	 */
	const uint32_t *syscalls;
	size_t n_syscalls;
	/** Another way to have the call's number: this field of the event. NULL: by the registers.
	 */
	const struct probe_field *nr_field;
	/** The helper function that gives the number of the place, one of @syscalls, where places
	 * of @same are asked for their names; 0: the number is that of a call. */
	int nr_call;
	/** Names of the places of @syscalls, where the script asks for them and there are several;
	 * the numbers are then below PROBE_CALLS_MOST. NULL: @name is the name of all. */
	const char *const *syscall_names;
	/** Further places that the same program, compiled once, attaches to. */
	const struct probe *same; /* a list by @next */
	const struct probe *next;
};

/** What the compiler found out of a probe's body, before it asks for the way to attach it. */
struct probe_wants {
	bool fields; /* args.x */
	bool regs;   /* arg0, retval, reg(), kstack of the registers */
	bool name;   /* probe, func: a program for each place */
	const char *const *field_names;
	size_t n_field_names;
};

struct world {
	const char *name; /* "live", "recorded", "dead" */
	/** Records are acted on while the program waits: maps need no second buffer, nor task
	 * storage. */
	bool is_synchronous;
	/** It can run a program once for several events: script_prog.repeats. */
	bool repeats;
	/** The namespace that the numbers of processes are of; 0: the machine's own. */
	uint64_t pid_ns_dev, pid_ns_ino;
	const struct world_ops *ops;
};

struct world_ops {
	/**
	 * The places that @ap names, as a list in *@ret, in @arena. -EINVAL: @d says why there is
	 * none. Called once to know the types (@wants NULL: only the first place is given, with all
	 * its fields), and once more when the body was looked at.
	 */
	int (*probes)(struct world *w, struct diag *d, struct arena *arena,
		      const struct ast_attach *ap, const struct probe_wants *wants,
		      const struct probe **ret);
	/**
	 * The member of @f with that name, or, with NULL, an element of it; as FIELD_PART, whose
	 * numbers of elements are those of all elements from the field on. NULL: there is none, and
	 * *@ret_why says why; or no memory, where that is NULL.
	 */
	const struct probe_field *(*part)(struct world *w, struct arena *arena,
					  const struct probe_field *f, const char *member,
					  const char **ret_why);
	/** The kernel's types; NULL: there are none, *@ret_why then says it. */
	struct ctypes *(*types)(struct world *w, const char **ret_why);
	/**
	 * NULL: the world has it; else why a built-in or function cannot be had here, in the
	 * program of place @at (NULL: anywhere). "memory" is what lies at any address; "nsecs()"
	 * the function of that name.
	 */
	const char *(*lacks)(struct world *w, const struct probe *at, const char *builtin);
	/** Address of a kernel symbol, or of @path's in user space; 0: not known. */
	uint64_t (*address)(struct world *w, const char *path, const char *symbol);
	/** Whether the kernel has this helper function (BPF_FUNC_...). */
	bool (*has_helper)(struct world *w, int helper);
	/** BTF id of a kfunc; 0: there is none. */
	uint32_t (*kfunc)(struct world *w, const char *name);
	void (*free)(struct world *w);
};

static inline void world_free(struct world *w)
{
	if (w)
		w->ops->free(w);
}
SONDE_DEFINE_AUTO(struct world *, world_free)

#endif
