/* SPDX-License-Identifier: MIT */
/** What the files of recorded worlds share. Only they include it. */
#ifndef LANG_RECORDED_PARTS_H
#define LANG_RECORDED_PARTS_H

#include "base/arena.h"
#include "base/u64map.h"
#include "lang/recorded/recorded.h"
#include "model/field.h"
#include "model/part.h"
#include "sym/history.h"
#include "sym/syscall_args.h"

/** A field that programs ask for by number: MACHINE_FIELD, MACHINE_PART. */
struct rec_field {
	struct field_ref ref;  /* of the top-level member, without those of its parts .. */
	struct part_path path; /* .. and the way to what is meant */
	/** REC_CONST: @value; REC_SHOWN: as a text; numbers of structures and the like have no
	 * other form. */
	enum { REC_INT, REC_TEXT, REC_INTS, REC_SHOWN, REC_CONST } kind;
	uint8_t signed_len; /* bytes of a system call's argument that has a sign; or 0 */
	uint32_t n_at;	    /* elements on the way */
	int64_t value;	    /* of REC_CONST */
};

/** Texts that programs read when they have asked for them; the oldest ones are overwritten. */
struct rec_texts {
	char *room; /* owned; NULL: none was needed so far */
	size_t at;
};

/** A place where a script's probe can be: an event class, or a tick. */
struct rec_place {
	struct probe probe;		     /* first: a struct probe * is a struct rec_place * */
	const struct sonde_event_class *cls; /* NULL: a tick, or BEGIN and END */
	uint64_t period_ns;		     /* of a tick */
	const struct rec_place *first;	     /* of all that the attach point names, by next */
	uint32_t ctx_len;		     /* bytes of the payload that are always there */
	bool is_plain;			     /* a class of whose events nothing is asked */
	uint32_t number;		     /* among those that share a program */
};

struct rec_world {
	struct world world; /* first, likewise */
	struct sonde_trace *const *traces;
	size_t n_traces;
	struct arena arena;
	struct rec_field *fields; /* owned; by number */
	size_t n_fields, cap_fields;
	bool is_looked_at, has_switches, has_names; /* events that tell of threads */
	struct part_walk walk;
	struct rec_texts texts;
};

/* world.c */

/**
 * The same events and fields for another thread, which reads the same traces by itself: @traces. To
 * be ended with rec_world_twin_fini(). -EBADMSG: they are not the same; -ENOMEM.
 */
SONDE_MUST_CHECK int rec_world_twin(const struct rec_world *w, struct sonde_trace *const *traces,
				    size_t n, struct rec_world *ret);
void rec_world_twin_fini(struct rec_world *w);

/* field.c */

/** Makes @place one of @cls, with its fields as probes have them. -ENOMEM. */
SONDE_MUST_CHECK int rec_fields(struct rec_world *w, struct arena *arena,
				const struct sonde_event_class *cls, struct rec_place *place);
uint64_t rec_field_get(struct rec_world *w, const struct sonde_event *e, uint32_t index);
uint64_t rec_field_len(struct rec_world *w, const struct sonde_event *e, uint32_t index);
uint64_t rec_part_get(struct rec_world *w, const struct sonde_event *e, uint32_t index,
		      const uint64_t *at);
/** world_ops.part. */
const struct probe_field *rec_part(struct world *w, struct arena *arena,
				   const struct probe_field *f, const char *member,
				   const char **ret_why);

/* text.c */

/** The address of a copy with a 0 behind it, of at most REC_TEXT_MOST bytes; 0: no memory. */
uint64_t rec_text_keep(struct rec_texts *t, const void *text, size_t len);
/** The text of a value of any type, which is at the place of the walk; address as above. */
uint64_t rec_text_show(struct rec_texts *t, struct part_walk *w, const struct sonde_type *type);
/** For probe_read; false: it is none of these texts. */
bool rec_text_read(const struct rec_texts *t, uint64_t addr, void *ret, size_t len);

/* place.c */

/** The full name of a provider that traces have, as "t" is of "tracepoint"; NULL: they have not. */
const char *rec_provider(const char *name);
/** Of "UNIT:N" ("s:1", "ms:200") or "NUNIT" behind the provider. */
bool rec_period(const struct ast_attach *ap, uint64_t *ret_ns);

/** One attach point on its way to a list of places. */
struct rec_search {
	struct rec_world *w;
	struct diag *d;
	struct arena *arena;
	const struct ast_attach *ap;
	const struct probe_wants *wants;
	const char *provider, *group, *name;
	struct rec_place *first, *last;
	uint32_t n_shared; /* that share the first one's program, with it */
	bool no_memory;
};
struct rec_place *rec_place_add(struct rec_search *s, const char *name);
void rec_place_add_class(struct rec_search *s, const struct sonde_event_class *cls);
int rec_probes(struct world *w, struct diag *d, struct arena *arena, const struct ast_attach *ap,
	       const struct probe_wants *wants, const struct probe **ret);

/* group.c */

/** The probe of an event in the kernel, where its trace tells. */
struct rec_told {
	char group[64];
	const char *name;
};
bool rec_is_of_kernel(const struct sonde_event_class *cls);
bool rec_told(const struct sonde_event_class *cls, struct rec_told *ret);
/** Whether an event is of a group that @group names; where its trace does not tell, by its name. */
bool rec_group_has(const char *group, const struct sonde_event_class *cls);

/* lacks.c */

/** world_ops.lacks. */
const char *rec_lacks(struct world *w, const struct probe *at, const char *name);
/** The frames that events of a class have. False: none. */
bool rec_stack_field(const struct sonde_event_class *cls, bool user, struct field_ref *ret);
/** Whether any event has a time. */
bool rec_has_time(const struct rec_world *w);

/* syscall.c */

/** The call's name where @cls is an event of one system call; else NULL. */
const char *rec_call_of(const char *cls, bool is_exit);
/** "#0" ...: the fields that are a call's arguments by their places, as D's args[N] asks for them.
 */
extern const char *const rec_nth_names[SYSCALL_ARGS_MOST];
/**
 * Finds the arguments among the fields of such an event: they get their signs, which the kernel
 * leaves out, and become fields by their places besides. Room for SYSCALL_ARGS_MOST more.
 */
void rec_call_args(struct rec_world *w, struct rec_place *p);
/** Whether a probe's name is that of a call's events, in ftrace's or LTTng's words. */
bool rec_is_of_call(const char *name);
/** Whether @cls stands in for events @name of all calls, as its trace has none. */
bool rec_is_of_all_calls(const char *name, const struct sonde_event_class *cls);
/** Gives the events of one call that stand in for those of all the call's number. -ENOMEM. */
SONDE_MUST_CHECK int rec_call_number(struct rec_search *s, struct rec_place *p);
/** Adds the places that @cls has for events of calls. */
void rec_syscall_match(struct rec_search *s, const struct sonde_event_class *cls);

/** Who runs. */
struct rec_thread {
	uint32_t tid, pid;
	bool has_pid;
	uint8_t guessed; /* enum rec_guessed: what is so only if guesses hold */
	char comm[16];
};

/** What a class tells of who runs; found once. */
struct rec_teller {
	enum { REC_TELLS_NOTHING, REC_SWITCH, REC_FORK, REC_EXEC, REC_NAME } tells;
	bool is_simple;	     /* of its own, events tell at most a plain tid */
	bool has_name_alone; /* its events tell nothing of their thread but its name */
	bool has_long_comm;  /* own_comm is an array at a fixed place, not shorter than a name */
	struct field_ref own_tid, own_pid, own_comm; /* whose event it is, where it says so */
	struct field_ref first_tid; /* the same, asked only while the CPU's thread is not known */
	struct field_ref tid, pid, comm; /* whom it is about */
	struct field_ref parent;	 /* whose name it has */
	/** Of a trace that is one process's own, as LTTng has them for programs. */
	struct sonde_span trace_comm; /* borrowed; empty: none */
	uint32_t trace_pid;	      /* 0: none */
};

enum { REC_RECENT = 64, REC_CPUS_MOST = 1 << 14, REC_THREADS_MOST = 1 << 20 };

struct rec_threads {
	struct arena arena;
	struct rec_thread **all; /* owned */
	size_t n, cap;
	struct u64map by_tid;
	struct rec_thread **on_cpu; /* owned; who runs there; NULL: not known */
	size_t n_cpus;
	struct rec_thread *recent[REC_RECENT]; /* by tid; found without the table */
	struct rec_thread unknown, idle;       /* the first: only what its event tells is known */
	int32_t idle_cpu;
	uint64_t changes;	     /* how often what is known may have changed */
	bool has_forks;		     /* events tell for each new thread which process it is of */
	struct rec_guesses *guesses; /* owned; NULL: all that is known is so */
};

/* guess.c: what a run that begins in the middle of a trace takes for granted */

enum rec_guessed { REC_GUESS_PID = 1, REC_GUESS_COMM = 2 };

/** Makes @to, which is empty, know what @from knows. -ENOMEM. */
SONDE_MUST_CHECK int rec_threads_copy(struct rec_threads *to, const struct rec_threads *from);
/** From now on what @t knows is a guess: whatever of it is used is noted. -ENOMEM. */
SONDE_MUST_CHECK int rec_guesses_begin(struct rec_threads *t);
/** Notes that what is guessed of @th is used. */
void rec_guess_used(struct rec_threads *t, struct rec_thread *th);
/** What @th, of a run that took things for granted, was before that, as @real knows. */
struct rec_thread rec_guess_of(const struct rec_thread *th, const struct rec_threads *real);
/** The thread that @cpu is guessed to run, of which nothing is known since; NULL: none. */
struct rec_thread *rec_guess_of_cpu(struct rec_threads *t, int32_t cpu);
/** The same for has_forks. */
bool rec_guess_forks(struct rec_threads *t);
/** Whether all that @t used is what @real, which has seen all events before, knows. */
bool rec_guesses_hold(const struct rec_threads *t, const struct rec_threads *real);
void rec_guesses_free(struct rec_guesses *g);

/* names.c */

struct rec_names {
	struct names names; /* for the printer */
	struct history history;
	struct rec_world *world; /* borrowed, as the next two */
	const struct script *script;
	struct machine *machine;
	const struct sonde_trace *now; /* whose event programs look at; NULL: of none */
	bool has_user;		       /* the script shows addresses of processes */
};
/** @n->history's note may be set before. @n stays where it is. */
void rec_names_init(struct rec_names *n, struct rec_world *w, const struct script *s,
		    struct machine *m);
void rec_names_fini(struct rec_names *n);
/** What an event tells of processes, before programs look at it. 0 or -ENOMEM. */
SONDE_MUST_CHECK int rec_names_take(struct rec_names *n, const struct sonde_event *e);

/* thread.c */

void rec_threads_fini(struct rec_threads *t);
/** The thread @tid, a new one where there is none. NULL: too many of them, out of memory. */
struct rec_thread *rec_thread_get(struct rec_threads *t, int64_t tid);
/** Says that it runs on @cpu. -ENOMEM. */
SONDE_MUST_CHECK int rec_threads_set_current(struct rec_threads *t, int32_t cpu,
					     struct rec_thread *th);
enum rec_who { REC_WHO_PROCESS, REC_WHO_THREAD, REC_WHO_NAME };
/** Whether anything tells whose events of a class are. */
bool rec_threads_can_tell(struct rec_world *w, const struct sonde_event_class *cls,
			  enum rec_who what);
/** What events of @cls tell; lives as long as the arena. NULL: out of memory. */
struct rec_teller *rec_teller_new(struct arena *arena, const struct sonde_event_class *cls);
/** Whether they tell of threads; *@ret_before: what they tell is so when programs see them. */
bool rec_teller_teaches(const struct rec_teller *r, bool *ret_before);
/** Whose event this is, of the class of @r; never NULL. */
struct rec_thread *rec_threads_of(struct rec_threads *t, const struct rec_teller *r,
				  const struct sonde_event *e);
/** What it changes, after the programs saw it, or before that. 0 or -ENOMEM. */
SONDE_MUST_CHECK int rec_threads_learn(struct rec_threads *t, const struct rec_teller *r,
				       const struct sonde_event *e);

#endif
