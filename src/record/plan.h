/* SPDX-License-Identifier: MIT */
/** What a recording would hold, before it is made. */
#ifndef RECORD_PLAN_H
#define RECORD_PLAN_H

#include "base/strbuf.h"
#include "record/source.h"

/** The metadata that the trace of @opts would have, as TSDL. Touches nothing. */
SONDE_MUST_CHECK int record_plan(const struct record_opts *opts, struct strbuf *ret);

#endif
