/* SPDX-License-Identifier: MIT */
/** Names of the disks of this machine, for whoever reads the trace elsewhere. */
#ifndef RECORD_DISKS_H
#define RECORD_DISKS_H

struct describe;

/** Where @d has events of block devices: "254:0=vda 254:1=vda1" as "disks" of the environment. */
void disks_describe(struct describe *d);

#endif
