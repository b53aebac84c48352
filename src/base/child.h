/* SPDX-License-Identifier: MIT */
/** A command that is looked at: forked early, held until all is armed, then executed. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include <sonde/def.h>

/** In the caller's storage. */
struct child {
	pid_t pid; /* 0: none */
	int pidfd; /* readable when it has ended */
	int go_fd, error_fd;
	bool ended;
	int status; /* as exit statuses go: 0 .. 255, 128 + signal */
};

/** Whether @argv[0] is a program that can be run: 0, -ENOENT, -EACCES (sonde_fail()). */
SONDE_MUST_CHECK int child_check(char *const *argv);

/** Forks; the child waits for child_go() with this process's signal mask undone to @old_mask. */
SONDE_MUST_CHECK int child_hold(struct child *c, char *const *argv, const void *old_mask);
/** Lets it run @argv. Returns a negative errno if that cannot be executed. */
SONDE_MUST_CHECK int child_go(struct child *c);
/** Sends it a signal, if it runs. */
void child_signal(struct child *c, int sig);
/** Fetches its status; with @wait waits for its end. */
void child_reap(struct child *c, bool wait);
/** Ends a child that still waits; frees what belongs to it. One that runs goes on. */
void child_fini(struct child *c);

#endif
