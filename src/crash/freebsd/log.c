/* SPDX-License-Identifier: MIT */
/** FreeBSD's message buffer, a ring of text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/dump/minidump.h"
#include "crash/freebsd/kernel.h"

enum { MAGIC = 0x063062, RING_MOST = 256 << 20 };

/** The ring: @len bytes, of which the next to be written is at @write. */
struct ring {
	const char *text;
	char *owned; /* or NULL */
	size_t len, write;
	bool write_known;
};

/** struct msgbuf: a pointer to the text, then u32: magic, size, where to write, where to read. */
static bool read_head(struct freebsd_kernel *k, uint64_t *ret_text, uint64_t *ret_len,
		      uint64_t *ret_write)
{
	uint64_t at, head, magic;

	return freebsd_symbol(k, "msgbufp", &at) && freebsd_pointer(k, at, &head) == 0 &&
	       freebsd_pointer(k, head, ret_text) == 0 &&
	       crash_read_uint(k->core, head + k->pointer, 4, &magic) == 0 && magic == MAGIC &&
	       crash_read_uint(k->core, head + k->pointer + 4, 4, ret_len) == 0 &&
	       crash_read_uint(k->core, head + k->pointer + 8, 4, ret_write) == 0 && *ret_len;
}

static int find_ring(struct freebsd_kernel *k, struct ring *ret)
{
	struct ring g = { 0 };
	uint64_t at = 0, len = 0, write = 0;
	bool known = read_head(k, &at, &len, &write);

	if (k->minidump)
		g.text = minidump_messages(k->core->dump, &g.len);
	if (!g.text && known && len <= RING_MOST) {
		g.owned = malloc(len);
		if (!g.owned)
			return sonde_fail(-ENOMEM, "out of memory");
		if (freebsd_read(k->core, at, g.owned, len) == 0) {
			g.text = g.owned;
			g.len = len;
		} else {
			free(g.owned);
			g.owned = NULL;
		}
	}
	if (!g.text)
		return sonde_fail(-ENODATA, "the dump has no message buffer that could be found%s",
				  k->has_symbols ? "" : ": name the kernel's file behind the dump");
	if (known && len <= g.len && len) {
		g.len = len;
		g.write = write % len;
		g.write_known = true;
	} else {
		// Until it is full there is nothing behind the last text.
		const char *end = memchr(g.text, 0, g.len);

		g.write = end ? (size_t)(end - g.text) : 0;
	}
	*ret = g;
	return 0;
}

/* "<6>text": the level in front. */
static void show(struct crash_message *m, char *line, size_t len)
{
	*m = (struct crash_message){ .level = 6, .text = line, .len = len };
	if (len >= 3 && line[0] == '<') {
		char *end;
		unsigned long level = strtoul(line + 1, &end, 10);

		if (end > line + 1 && end < line + len && *end == '>') {
			m->level = level & 7;
			m->text = end + 1;
			m->len = len - (size_t)(end + 1 - line);
		}
	}
}

int freebsd_log(struct crash_core *c, int (*f)(void *arg, const struct crash_message *m), void *arg)
{
	struct ring g = { 0 };
	int r = find_ring(freebsd_of(c), &g);

	if (r < 0)
		return r;
	char *line = malloc(g.len + 1);
	if (!line) {
		free(g.owned);
		return sonde_fail(-ENOMEM, "out of memory");
	}
	size_t n = 0;
	for (size_t i = 0; i <= g.len && r == 0; i++) {
		char b = i < g.len ? g.text[(g.write + i) % g.len] : '\n';

		if (b && b != '\n') {
			line[n++] = b;
		} else if (b && n) {
			struct crash_message m;

			line[n] = '\0';
			show(&m, line, n);
			r = f(arg, &m);
			n = 0;
		}
	}
	free(line);
	free(g.owned);
	return r;
}
