/* SPDX-License-Identifier: MIT */
/** The kernel's events as a source of recordings. */
#ifndef RECORD_KERNEL_H
#define RECORD_KERNEL_H

#include "record/source.h"

extern const struct record_source source_kernel;

#endif
