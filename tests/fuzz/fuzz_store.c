/* SPDX-License-Identifier: MIT */
/**
 * Fuzzes opening an index: the file as it is, and the same with its checksums made right, so that
 * what lies behind them is reached. Then all is asked for.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "state/format.h"
#include "state/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int ask_track(struct store *s, uint32_t t, const struct store_track *track)
{
	struct store_cell cells[20];
	struct store_segment segs[20];
	struct store_totals totals;
	int64_t at = INT64_MIN;
	size_t n = 1;

	int r = store_at(s, t, track->begin_ns, &segs[0]);
	if (r >= 0 && track->begin_ns < track->end_ns)
		r = store_row(s, t, track->begin_ns, track->end_ns, cells, 20);
	if (r >= 0)
		r = store_row(s, t, INT64_MIN, INT64_MAX, cells, 20);
	if (r >= 0)
		r = store_sum(s, t, track->begin_ns, track->end_ns, &totals);
	for (int i = 0; i < 100 && r >= 0 && n; i++) {
		r = store_read(s, t, at, INT64_MAX, segs, 20, &n);
		at = n ? segs[n - 1].end_ns : at;
	}
	return r;
}

static void ask(struct store *s)
{
	for (uint32_t t = 0; t < store_n_tracks(s) && t < 20; t++) {
		struct store_track track;

		if (store_get_track(s, t, &track) < 0)
			abort();
		const int r = ask_track(s, t, &track);
		if (strlen(store_text(s, track.name)) > 1 << 20 ||
		    (r < 0 && r != -EBADMSG && r != -EINVAL))
			abort();
	}
}

/* Sums of whatever looks like a node, of texts and tracks, and of the header. */
static void mend(uint8_t *file, size_t len)
{
	struct format_header *h = (void *)file;
	size_t end;

	memcpy(h->magic, FORMAT_MAGIC, sizeof(h->magic));
	h->version = FORMAT_VERSION;
	h->endian = FORMAT_ENDIAN;
	h->len = len;
	h->print = (struct store_print){ { 0 } };
	for (size_t at = FORMAT_PAGE; at + sizeof(struct format_node) <= len; at += FORMAT_ALIGN) {
		struct format_node *n = (void *)(file + at);
		const size_t size = format_len(n->level, n->n, n->n_states);

		if (n->n && n->n <= format_most(n->level) && n->level < FORMAT_LEVELS &&
		    at + size <= len)
			n->sum = format_sum(file + at + 8, size - 8);
	}
	h->tracks_sum = 0;
	for (uint64_t i = 0; i < h->n_tracks && i < 100; i++) {
		const size_t size = sizeof(struct format_track);

		if (!mem_add(h->tracks_at, (i + 1) * size, &end) || end > len)
			break;
		h->tracks_sum =
			h->tracks_sum * 31 + format_sum(file + h->tracks_at + i * size, size);
	}
	h->sum = format_sum(h, offsetof(struct format_header, sum));
}

static void open_bytes(const uint8_t *data, size_t len)
{
	const struct store_print print = { { 0 } };
	struct store *s = NULL;
	char path[32];
	const int fd = memfd_create("store", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (store_open(path, &print, &s) >= 0) {
		ask(s);
		store_free(s);
	}
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *file = malloc(len + FORMAT_PAGE);

	if (!file)
		abort();
	memcpy(file, data, len);
	open_bytes(file, len);
	if (len < FORMAT_PAGE) {
		memset(file + len, 0, FORMAT_PAGE);
		len = FORMAT_PAGE;
	}
	mend(file, len);
	open_bytes(file, len);
	free(file);
	return 0;
}
