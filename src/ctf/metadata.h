/* SPDX-License-Identifier: MIT */
/** A CTF 1.8 trace's metadata: packetised or plain TSDL text in, a described trace out. */
#ifndef CTF_METADATA_H
#define CTF_METADATA_H

#include <sonde/span.h>
#include <sonde/type.h>

#include "base/arena.h"

/**
 * Reads the bytes of a metadata file (plain text, or packets of either byte order) into a
 * description whose memory comes from @arena. @path is for messages only.
 *
 * Returns 0; -EBADMSG with "path:line:column: what is wrong", the source line and a caret; -ENOMEM.
 * All class plans are NULL. Every size that comes from the text has a limit.
 */
SONDE_MUST_CHECK int ctf_metadata_parse(const char *path, struct sonde_span bytes,
					struct arena *arena, struct sonde_trace **ret);

#endif
