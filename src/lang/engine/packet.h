/* SPDX-License-Identifier: MIT */
/**
 * Packets that scripts put into files: pcap, with times in ns and packets that begin with their IP
 * header (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html).
 */
#ifndef LANG_ENGINE_PACKET_H
#define LANG_ENGINE_PACKET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <sonde/def.h>

/** Files that are open; all zero: none. */
struct packet_files {
	struct packet_file {
		const char *path; /* borrowed from the script */
		FILE *f;
	} * all; /* owned */
	size_t n, cap;
};

/** Appends a packet that was seen at @wall_ns to the file @path, made anew by its first packet. */
SONDE_MUST_CHECK int packet_write(struct packet_files *files, const char *path, int64_t wall_ns,
				  const void *data, size_t len);
/** Writes what is buffered, and closes all. The first failure. */
SONDE_MUST_CHECK int packet_close(struct packet_files *files);

#endif
