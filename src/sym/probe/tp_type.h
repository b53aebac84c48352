/* SPDX-License-Identifier: MIT */
/** The C type of an event's field, from its text and what the kernel says of its size. */
#ifndef SYM_PROBE_TP_TYPE_H
#define SYM_PROBE_TP_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "sym/ctype.h"

struct tp_type_text {
	const char *text; /* "const char *", "unsigned long", "char[]" */
	size_t text_len;
	uint32_t len; /* bytes in the record */
	bool is_signed;
	bool is_array;	 /* "[N]" stood behind the name */
	bool is_dynamic; /* its bytes are elsewhere */
	bool is_user;	 /* pointers are of user space */
};

/** *@ret is never NULL on success; what is not known is a number or bytes. -ENOMEM. */
SONDE_MUST_CHECK int tp_type_parse(struct arena *arena, struct ctypes *db,
				   const struct tp_type_text *t, const struct ctype **ret);

#endif
