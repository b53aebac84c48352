/* SPDX-License-Identifier: MIT */
/** xz by liblzma. */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <lzma.h>
#include <stdlib.h>

#include <sonde/err.h>

#include "base/library.h"
#include "base/mem.h"
#include "crash/dump/packing.h"

/* xz -9 wants 65 MiB; what wants more than this is refused. */
static const uint64_t most_memory = (uint64_t)1 << 30;

static const char *const xz_files[] = { "liblzma.so.5", NULL };

struct xz {
	void *library;
	__typeof__(&lzma_stream_decoder) decoder;
	__typeof__(&lzma_code) code;
	__typeof__(&lzma_end) end;
	__typeof__(&lzma_memusage) memusage;
	lzma_stream stream;
	lzma_block block; /* of a part: the decoder goes on using it */
};

static void xz_end(void *state)
{
	struct xz *x = state;

	if (!x)
		return;
	if (x->library) {
		x->end(&x->stream);
		dlclose(x->library);
	}
	free(x);
}
SONDE_DEFINE_AUTO(struct xz *, xz_end)

static int xz_words(struct xz *x, lzma_ret r)
{
	switch (r) {
	case LZMA_MEM_ERROR: return sonde_fail(-ENOMEM, "out of memory");
	case LZMA_MEMLIMIT_ERROR:
		return sonde_fail(-ENOMEM,
				  "needs %" PRIu64 " MiB of memory to unpack, %" PRIu64
				  " are allowed",
				  x->memusage(&x->stream) >> 20, most_memory >> 20);
	case LZMA_OPTIONS_ERROR:
		return sonde_fail(-ENOTSUP, "uses options that liblzma does not know");
	default: return sonde_fail(-EBADMSG, "data is damaged (liblzma: %d)", (int)r);
	}
}

static int xz_begin(void **ret)
{
	sonde_auto(xz_endp) struct xz *x = calloc(1, sizeof(*x));
	if (!x)
		return sonde_fail(-ENOMEM, "out of memory");

	const struct library_symbol symbols[] = {
		{ "lzma_stream_decoder", (void **)&x->decoder },
		{ "lzma_code", (void **)&x->code },
		{ "lzma_end", (void **)&x->end },
		{ "lzma_memusage", (void **)&x->memusage },
		{ NULL, NULL },
	};
	int r = library_open(xz_files, symbols, &x->library);
	if (r < 0)
		return r;
	lzma_ret lr = x->decoder(&x->stream, most_memory, 0);
	if (lr != LZMA_OK)
		return xz_words(x, lr);
	*ret = sonde_take(x);
	return 0;
}

static int xz_step(void *state, struct packing_io *io)
{
	struct xz *x = state;

	x->stream.next_in = io->in;
	x->stream.avail_in = io->n_in;
	x->stream.next_out = io->out;
	x->stream.avail_out = io->n_out;
	lzma_ret r = x->code(&x->stream, LZMA_RUN);
	io->in = x->stream.next_in;
	io->n_in = x->stream.avail_in;
	io->out = x->stream.next_out;
	io->n_out = x->stream.avail_out;
	if (r == LZMA_STREAM_END)
		return 1;
	return r == LZMA_OK || r == LZMA_BUF_ERROR ? 0 : xz_words(x, r);
}

/* What lists blocks and begins one; liblzma has had all of it since 5.4. */
struct xz_parts {
	__typeof__(&lzma_file_info_decoder) file_info;
	__typeof__(&lzma_index_iter_init) iter_init;
	__typeof__(&lzma_index_iter_next) iter_next;
	__typeof__(&lzma_index_end) index_end;
	__typeof__(&lzma_block_header_decode) header_decode;
	__typeof__(&lzma_block_decoder) block_decoder;
	__typeof__(&lzma_raw_decoder_memusage) filters_memusage;
	__typeof__(&lzma_filters_free) filters_free;
};

static int xz_open_parts(struct xz_parts *ret, void **ret_library)
{
	const struct library_symbol symbols[] = {
		{ "lzma_file_info_decoder", (void **)&ret->file_info },
		{ "lzma_index_iter_init", (void **)&ret->iter_init },
		{ "lzma_index_iter_next", (void **)&ret->iter_next },
		{ "lzma_index_end", (void **)&ret->index_end },
		{ "lzma_block_header_decode", (void **)&ret->header_decode },
		{ "lzma_block_decoder", (void **)&ret->block_decoder },
		{ "lzma_raw_decoder_memusage", (void **)&ret->filters_memusage },
		{ "lzma_filters_free", (void **)&ret->filters_free },
		{ NULL, NULL },
	};

	return library_open(xz_files, symbols, ret_library);
}

/* The indexes of all streams, which stand at their ends; NULL: the file is not whole. */
static lzma_index *read_index(struct xz *x, const struct xz_parts *p, const struct sonde_span *all)
{
	lzma_index *index = NULL;
	lzma_stream *s = &x->stream;

	if (p->file_info(s, &index, most_memory, all->len) != LZMA_OK)
		return NULL;
	s->next_in = all->data;
	s->avail_in = all->len;
	lzma_ret r;
	while ((r = x->code(s, LZMA_RUN)) == LZMA_OK || r == LZMA_SEEK_NEEDED) {
		if (r == LZMA_OK && !s->avail_in)
			break;
		if (r == LZMA_SEEK_NEEDED && s->seek_pos > all->len)
			break;
		if (r == LZMA_SEEK_NEEDED) {
			s->next_in = all->data + s->seek_pos;
			s->avail_in = all->len - s->seek_pos;
		}
	}
	return r == LZMA_STREAM_END ? index : NULL;
}

static int take_blocks(const struct xz_parts *p, const lzma_index *index, struct packing_parts *ret)
{
	sonde_auto(mem_freep) struct packing_unit *units = NULL;
	size_t n = 0, cap = 0;
	lzma_index_iter i;

	p->iter_init(&i, index);
	while (!p->iter_next(&i, LZMA_INDEX_ITER_NONEMPTY_BLOCK)) {
		int r = mem_grow(&units, &cap, n + 1);
		if (r < 0)
			return r;
		units[n++] = (struct packing_unit){
			.in = i.block.compressed_file_offset,
			.in_len = i.block.total_size,
			.out = i.block.uncompressed_file_offset,
			.out_len = i.block.uncompressed_size,
			.kind = i.stream.flags->check,
		};
	}
	ret->units = sonde_take(units);
	ret->n = n;
	return 0;
}

static int xz_list(const struct sonde_span *all, uint64_t budget, struct packing_parts *ret)
{
	(void)budget;
	struct xz_parts p = { 0 };
	void *library = NULL, *state = NULL;

	int r = xz_begin(&state);
	if (r < 0)
		return r;
	if (xz_open_parts(&p, &library) < 0) {
		xz_end(state);
		return 0; // an older one: unpacked as a whole
	}
	lzma_index *index = read_index(state, &p, all);
	if (index) {
		r = take_blocks(&p, index, ret);
		p.index_end(index, NULL);
	}
	xz_end(state);
	dlclose(library);
	return r;
}

/* The block's filters are only needed until the decoder has taken them over. */
static int begin_block(struct xz *x, const struct xz_parts *p, const uint8_t *in,
		       const struct packing_unit *unit, size_t *ret_skip)
{
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	lzma_block *block = &x->block;

	*block = (lzma_block){ .version = 1, .check = (lzma_check)unit->kind, .filters = filters };
	block->header_size = unit->in_len ? lzma_block_header_size_decode(in[0]) : 0;
	if (!unit->in_len || !in[0] || block->header_size > unit->in_len)
		return xz_words(x, LZMA_DATA_ERROR);
	lzma_ret r = p->header_decode(block, NULL, in);
	if (r != LZMA_OK)
		return xz_words(x, r);
	bool fits = p->filters_memusage(filters) <= most_memory;
	if (fits)
		r = p->block_decoder(&x->stream, block);
	p->filters_free(filters, NULL);
	block->filters = NULL;
	if (!fits)
		return sonde_fail(-ENOMEM, "needs more than %" PRIu64 " MiB of memory to unpack",
				  most_memory >> 20);
	*ret_skip = block->header_size;
	return r == LZMA_OK ? 0 : xz_words(x, r);
}

static int xz_begin_unit(const struct sonde_span *all, const struct packing_parts *parts,
			 const struct packing_unit *unit, void **ret, size_t *ret_skip)
{
	(void)parts;
	struct xz_parts p = { 0 };
	void *library = NULL, *state = NULL;

	int r = xz_begin(&state);
	if (r < 0)
		return r;
	r = xz_open_parts(&p, &library);
	if (r == 0)
		r = begin_block(state, &p, all->data + unit->in, unit, ret_skip);
	if (library)
		dlclose(library); // the state holds it, too
	if (r < 0)
		xz_end(state);
	else
		*ret = state;
	return r;
}

const struct packing packing_xz = {
	.name = "xz",
	.magic = { 0xfd, '7', 'z', 'X', 'Z', 0 },
	.n_magic = 6,
	.begin = xz_begin,
	.step = xz_step,
	.end = xz_end,
	.list = xz_list,
	.begin_unit = xz_begin_unit,
};
