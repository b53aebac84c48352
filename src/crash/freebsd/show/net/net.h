/* SPDX-License-Identifier: MIT */
/** The network of a dead FreeBSD: its variables, addresses, and names of its interfaces. */
#ifndef CRASH_FREEBSD_SHOW_NET_NET_H
#define CRASH_FREEBSD_SHOW_NET_NET_H

#include "crash/freebsd/show/show.h"

/** Families of addresses. */
enum { BSD_INET = 2, BSD_LINK = 18, BSD_INET6 = 28 };

/**
 * A variable of the first network stack. Kernels with VIMAGE have several of these, whose variables
 * lie at a distance from their symbols. False: there is none.
 */
bool bsd_net_var(struct bsd_show *s, const char *name, uint64_t *ret);

/**
 * The address in the struct sockaddr at @va, as people write it; "?" where it is not in the dump.
 * @mask: another one, whose bits are counted: "10.0.0.0/8"; 0: none.
 */
const char *bsd_address(struct bsd_show *s, uint64_t va, uint64_t mask);

/** The interface whose struct is at @va: "em0". */
const char *bsd_interface_name(struct bsd_show *s, uint64_t va);

#endif
