/* SPDX-License-Identifier: MIT */
/** Names of addresses, users, cgroups and times on the running system. */
#ifndef LANG_NAMES_H
#define LANG_NAMES_H

#include <stdbool.h>
#include <sys/types.h>

#include <sonde/def.h>

#include "bpf/map.h"
#include "lang/gen/script.h"
#include "lang/out/printer.h"

struct live_names;

/**
 * Names for what @script prints, whose stacks lie in @maps; both borrowed. Where it prints user
 * addresses, processes (all, or @pid alone if not 0) are followed from here on, so that those
 * which end are known all the same; their forks and programs wait in rings until
 * live_names_drain().
 */
SONDE_MUST_CHECK int live_names_new(const struct script *script, struct bpf_maps *maps, pid_t pid,
				    struct live_names **ret);
void live_names_free(struct live_names *n);
SONDE_DEFINE_AUTO(struct live_names *, live_names_free)

/** For the printer; lent. */
const struct names *live_names(const struct live_names *n);

/** Takes in what processes did meanwhile; cheap if nothing. To be called some times a second. */
void live_names_drain(struct live_names *n);

/** Whether values of the script have user addresses. */
bool script_has_user_code(const struct script *s);

#endif
