/* SPDX-License-Identifier: MIT */
/** System calls that have to do with files: what each does, and its arguments in events. */
#ifndef ANALYSIS_FILES_CALLS_H
#define ANALYSIS_FILES_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/event.h>
#include <sonde/span.h>

struct kernel;

enum fd_kind {
	FD_NONE,
	FD_OPEN,	/* @path, at @fd; returns a descriptor */
	FD_MAKE,	/* returns a descriptor of a @word */
	FD_PAIR,	/* makes two, told at its return */
	FD_CLOSE,	/* @fd */
	FD_CLOSE_RANGE, /* @fd to @fd2 */
	FD_DUP,		/* returns another one for @fd */
	FD_DUP_TO,	/* makes @fd2 one for @fd */
	FD_FCNTL,	/* command @fd2 on @fd, with @flags */
	FD_IOCTL,	/* likewise */
	FD_READ,	/* @fd */
	FD_WRITE,	/* @fd */
	FD_COPY,	/* from @fd to @fd2 */
	FD_SYNC,	/* @fd */
	FD_FORK,
	FD_EXEC,
	FD_UNSHARE,
	FD_EXIT,   /* of the whole process */
	FD_CHDIR,  /* to @path */
	FD_FCHDIR, /* to @fd */
	FD_ASYNC,  /* hands requests over, which are done later */
};

/** What is known of a kind of call. */
struct fd_rule;

enum fd_kind fd_rule_kind(const struct fd_rule *rule);
/** "socket": what its descriptors are of. */
const char *fd_rule_word(const struct fd_rule *rule);
/** Whether it returns a number of bytes; else that of messages. */
bool fd_rule_sized(const struct fd_rule *rule);
/** Whether its descriptors are closed at an exec: 1, 0; -1: the flags are not known. */
int fd_rule_cloexec(const struct fd_rule *rule, bool has_flags, uint64_t flags);

/** A call as it was entered; numbers that the event does not tell are not @has. */
struct fd_call {
	const struct fd_rule *rule;
	bool has_fd, has_fd2, has_flags;
	int32_t fd, fd2;
	uint64_t flags;
	struct sonde_span path; /* lent as the event is; .data NULL: not told */
};

/** Remembers what calls and which classes of events are of which kind. */
struct fd_calls;

SONDE_MUST_CHECK int fd_calls_new(struct fd_calls **ret);
void fd_calls_free(struct fd_calls *c);

/** The rule of a call of the kernel model. 1; 0: it has none; or -ENOMEM. */
SONDE_MUST_CHECK int fd_calls_rule(struct fd_calls *c, const struct kernel *k, uint32_t call,
				   const struct fd_rule **ret);

/** Reads what @e, which enters the call of that rule, tells of it. 0 or -ENOMEM. */
SONDE_MUST_CHECK int fd_calls_read(struct fd_calls *c, const struct fd_rule *rule,
				   const struct sonde_event *e, struct fd_call *ret);

/** The two descriptors that @e, the return of an FD_PAIR, tells. False: it does not. */
bool fd_calls_pair(const struct sonde_event *e, int32_t ret[2]);

#endif
