/* SPDX-License-Identifier: MIT */
/** Sockets of a dead kernel: their kinds, states, addresses and queues, named as ss(8) does. */
#ifndef CRASH_LINUX_FILE_SOCKET_H
#define CRASH_LINUX_FILE_SOCKET_H

#include "crash/linux/kernel.h"

enum { SOCKET_ADDRESS = 128, SOCKET_FIELDS = 48 };

struct socket_fields {
	struct kfield f[SOCKET_FIELDS];
};

struct socket_about {
	const char *type;  /* "tcp", "u_str" ... */
	const char *state; /* "LISTEN", "ESTAB" ... */
	char local[SOCKET_ADDRESS], peer[SOCKET_ADDRESS];
	uint64_t receive_queue, send_queue; /* of what listens: connections, and how many may be */
	uint64_t inode;			    /* 0: it has none, as what nobody has open */
	uint64_t net;			    /* its struct net */
};

/** -ENOTSUP (sonde_fail()): this kernel's types do not tell. */
SONDE_MUST_CHECK int socket_fields_find(struct linux_kernel *k, struct socket_fields *ret);

/** The struct sock of a struct file that is a socket; 0: it has none. */
uint64_t socket_of_file(struct linux_kernel *k, const struct socket_fields *f, uint64_t file);
/** What the struct sock @sk is. False: it is not in the dump. */
bool socket_about(struct linux_kernel *k, const struct socket_fields *f, uint64_t sk,
		  struct socket_about *ret);

/**
 * Calls @f with each struct sock in the kernel's tables of TCP and UDP, among them those that no
 * process has open (any more), until it returns other than 0, which is returned. *@ret_cut: why
 * there may be more, or NULL.
 */
SONDE_MUST_CHECK int socket_tables(struct linux_kernel *k, int (*f)(void *arg, uint64_t sk),
				   void *arg, const char **ret_cut);

#endif
