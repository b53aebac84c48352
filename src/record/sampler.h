/* SPDX-License-Identifier: MIT */
/** Samples of where the CPUs are, with kernel and user stacks, by perf events. */
#ifndef RECORD_SAMPLER_H
#define RECORD_SAMPLER_H

#include "record/source.h"

extern const struct record_source source_samples;

#endif
