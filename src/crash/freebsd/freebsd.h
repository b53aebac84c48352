/* SPDX-License-Identifier: MIT */
/** FreeBSD among the systems. */
#ifndef CRASH_FREEBSD_FREEBSD_H
#define CRASH_FREEBSD_FREEBSD_H

struct crash_system;
extern const struct crash_system crash_freebsd;

#endif
