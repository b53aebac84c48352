/* SPDX-License-Identifier: MIT */
/** Finds the dump on a FreeBSD dump device. */
#include "crash/dump/device.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

/*
 * All numbers are big-endian. At the device's very end:
 *
 *   header, filled up to a block | key | dump | header, filled up to a block
 *
 * byte   0 magic[20]   20 arch[12]   32 version   36 arch's version   40 length   48 time
 * then, first version:  56 block size   60 host[64]   124 kernel[192]   316 panic[192]
 * later ones:           56 key size   60 block size   64 host[64]   128 kernel[192]
 *                       320 panic[175]   495 packing   496 extent: bytes that are used
 * and at 508 what makes all words' exclusive or 0.
 * Source: FreeBSD, sys/sys/kerneldump.h; sbin/savecore.
 */

static const char magic[20] = "FreeBSD Kernel Dump";

struct device {
	struct bytes base;
	struct bytes *outer; /* owned */
	uint64_t off;	     /* of the dump in it */
};

static uint32_t get32(const uint8_t *raw, unsigned off)
{
	uint32_t v;

	memcpy(&v, raw + off, sizeof(v));
	return be32toh(v);
}

static uint64_t get64(const uint8_t *raw, unsigned off)
{
	uint64_t v;

	memcpy(&v, raw + off, sizeof(v));
	return be64toh(v);
}

static bool parity_right(const uint8_t *raw)
{
	uint32_t all = 0;

	for (unsigned off = 0; off < DEVICE_HEADER; off += 4)
		all ^= get32(raw, off);
	return !all;
}

bool device_header_read(const uint8_t *raw, struct device_header *ret)
{
	const char *text = (const char *)raw;

	if (memcmp(raw, magic, sizeof(magic)) != 0)
		return false;
	uint32_t version = get32(raw, 32);
	const unsigned later = version > 1 ? 4 : 0;
	struct device_header h = {
		.arch = text + 20,
		.hostname = text + 60 + later,
		.version = text + 124 + later,
		.panic = text + 316 + later,
		.header_version = version,
		.arch_version = get32(raw, 36),
		.length = get64(raw, 40),
		.time = get64(raw, 48),
		.block_size = get32(raw, 56 + later),
		.parity_right = parity_right(raw),
	};
	if (later) {
		h.key_size = get32(raw, 56);
		h.packing = raw[495] <= 2 ? raw[495] : 0;
		h.extent = h.packing ? get64(raw, 496) : 0;
	}
	*ret = h;
	return true;
}

static int device_read(struct bytes *b, uint64_t off, void *ret, size_t n)
{
	const struct device *d = (const struct device *)b;

	return bytes_read(d->outer, d->off + off, ret, n);
}

static const uint8_t *device_lend(struct bytes *b, uint64_t off, size_t n)
{
	const struct device *d = (const struct device *)b;

	return bytes_lend(d->outer, d->off + off, n);
}

static void device_close(struct bytes *b)
{
	bytes_close(((struct device *)b)->outer);
}

static const struct bytes_class device_class = {
	.read = device_read,
	.lend = device_lend,
	.close = device_close,
};

static bool header_at(struct bytes *b, uint64_t off, uint8_t *raw)
{
	if (b->len < DEVICE_HEADER || off > b->len - DEVICE_HEADER)
		return false;
	return !bytes_read(b, off, raw, DEVICE_HEADER) && !memcmp(raw, magic, sizeof(magic));
}

/* A device's last block has the header at its begin; blocks are of 512 or 4096 bytes. */
static bool find_header(struct bytes *b, uint8_t *raw, uint64_t *ret_off)
{
	static const unsigned blocks[] = { DEVICE_HEADER, 4096 };

	*ret_off = 0;
	if (header_at(b, 0, raw))
		return true;
	for (size_t i = 0; i < MEM_LEN(blocks); i++) {
		if (b->len < blocks[i])
			continue;
		*ret_off = b->len - blocks[i];
		if (header_at(b, *ret_off, raw))
			return true;
	}
	return false;
}

bool device_known(struct bytes *b)
{
	uint8_t raw[DEVICE_HEADER];
	uint64_t off;

	return find_header(b, raw, &off);
}

/* Where the dump is, and how long: behind a header at the begin, before one at the end. */
static int find_dump(struct device *d)
{
	struct device_header h;
	uint64_t at, outer_len = d->outer->len;

	if (!find_header(d->outer, d->base.device, &at) || !device_header_read(d->base.device, &h))
		return sonde_fail(-EBADMSG, "dump device without a header");
	if (h.key_size)
		return sonde_fail(-ENOTSUP, "the dump on the device is encrypted: decryptcore(8) "
					    "of FreeBSD makes one that can be read");
	uint64_t len = h.packing ? h.extent : h.length;
	uint64_t block = h.block_size >= DEVICE_HEADER && h.block_size <= 65536 ? h.block_size
										: DEVICE_HEADER;
	if (at && (len > at || block > at - len))
		return sonde_fail(-EBADMSG,
				  "dump of %" PRIu64 " bytes on a device of %" PRIu64 " bytes", len,
				  outer_len);
	d->off = at ? at - len : block;
	if (d->off >= outer_len)
		return sonde_fail(-EBADMSG, "ends within its header");
	uint64_t there = outer_len - d->off;
	d->base.len = len < there ? len : there;
	if (!d->base.len)
		return sonde_fail(-EBADMSG, "nothing is on the dump device");
	if (len > there &&
	    asprintf(&d->base.cut,
		     "the dump's header tells of %" PRIu64 " bytes, %" PRIu64 " are there", len,
		     there) < 0) {
		d->base.cut = NULL;
		return sonde_fail(-ENOMEM, "out of memory");
	}
	return 0;
}

int device_open(struct bytes *device, struct bytes **ret)
{
	struct device *d = calloc(1, sizeof(*d));

	if (!d)
		return sonde_fail(-ENOMEM, "out of memory");
	d->outer = device;
	d->base.device = malloc(DEVICE_HEADER);
	int r = d->base.device ? find_dump(d) : sonde_fail(-ENOMEM, "out of memory");
	if (r < 0) {
		free(d->base.device);
		free(d->base.cut);
		free(d);
		return r;
	}
	d->base.class = &device_class;
	d->base.map = device->map ? device->map + d->off : NULL;
	d->base.path = sonde_take(device->path);
	d->base.packing = device->packing;
	d->base.spilled = device->spilled;
	if (device->cut) {
		free(d->base.cut);
		d->base.cut = sonde_take(device->cut);
	}
	*ret = &d->base;
	return 0;
}
