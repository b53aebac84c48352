/* SPDX-License-Identifier: MIT */
/**
 * LTTng's packet index. All numbers are big-endian.
 *
 *   magic 32, major 32, minor 32, bytes of an entry 32
 *   entries of 64-bit numbers: offset in bytes, packet size in bits, content size in bits,
 *   begin, end, events discarded, stream class; since 1.1 stream and sequence number, too
 *
 * Source: lttng-tools, doc of the CTF index in its header ctf-index; read for the layout.
 */
#include "ctf/index.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "model/bits.h"

enum { HEADER_LEN = 16, ENTRY_LEAST = 7 * 8, ENTRY_MOST = 4096 };
#define INDEX_MAGIC UINT32_C(0xc1f1dcc1)

static uint64_t number(const struct packet_index *x, uint64_t at, unsigned len)
{
	return bits_u64(x->map.data + at, 0, len * 8, true);
}

struct index_entry index_at(const struct packet_index *x, size_t i)
{
	const uint64_t at = HEADER_LEN + i * x->len_entry;

	return (struct index_entry){
		.off = number(x, at, 8),
		.len = number(x, at + 8, 8) / 8,
		.begin = number(x, at + 24, 8),
		.end = number(x, at + 32, 8),
	};
}

/* Do the packets lie one behind the other, and cover @len bytes? */
static bool covers(const struct packet_index *x, uint64_t len)
{
	uint64_t off = 0;

	for (size_t i = 0; i < x->n; i++) {
		const struct index_entry e = index_at(x, i);

		if (e.off != off || !e.len || e.len > len - off || e.begin > e.end)
			return false;
		off += e.len;
	}
	return off == len;
}

static int check(struct packet_index *x, uint64_t len)
{
	if (x->map.len < HEADER_LEN || number(x, 0, 4) != INDEX_MAGIC || number(x, 4, 4) != 1)
		return -EBADMSG;
	const uint64_t entry = number(x, 12, 4), room = x->map.len - HEADER_LEN;
	if (entry < ENTRY_LEAST || entry > ENTRY_MOST || room % entry)
		return -EBADMSG;
	x->len_entry = entry;
	x->n = room / entry;
	return x->n && covers(x, len) ? 0 : -EBADMSG;
}

int index_open(const char *path, uint64_t len, struct packet_index *ret)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char file[4096];
	int n = snprintf(file, sizeof(file), "%.*sindex/%s.idx", (int)(name - path), path, name);
	if (n < 0 || (size_t)n >= sizeof(file))
		return -ENOENT;

	struct packet_index x = { .n = 0 };
	if (file_map(file, &x.map) < 0)
		return -ENOENT; // none that can be read, which is as good as none
	int r = check(&x, len);
	if (r < 0) {
		index_close(&x);
		return r;
	}
	*ret = x;
	return 0;
}

void index_close(struct packet_index *x)
{
	file_unmap(&x->map);
	*x = (struct packet_index){ 0 };
}
