/* SPDX-License-Identifier: MIT */
/** What a dump's file is wrapped in, taken off: packings, a dump device, makedumpfile's
 * flattened form. */
#include "crash/dump/layers.h"

#include <sonde/err.h>

#include "base/mem.h"
#include "crash/dump/device.h"
#include "crash/dump/flat.h"
#include "crash/dump/packing.h"
#include "crash/dump/units.h"
#include "crash/dump/unpack.h"

static int unpack(struct bytes **b)
{
	if (!(*b)->map)
		return 0; // it must lie in memory to be unpacked
	const struct packing *how = packing_of((*b)->map, (*b)->len);

	if (!how)
		return 0;
	int r = units_open(*b, how, UNITS_BUDGET, b);
	return r == 0 ? unpack_whole(*b, how, b) : r;
}

/* What @b has inside instead of itself: unpacked, put in order, taken from a dump device, on which
 * it may be packed too. */
static int look_inside(struct bytes **b)
{
	int r = unpack(b);

	if (r >= 0 && device_known(*b)) {
		r = device_open(*b, b);
		uint8_t *header = r == 0 ? sonde_take((*b)->device) : NULL;
		if (r == 0 && (*b)->map)
			r = unpack(b);
		if (header)
			(*b)->device = header;
	}
	if (r < 0)
		return r;
	return flat_known(*b) ? flat_open(*b, b) : 0;
}

int layers_open(const char *path, struct bytes **ret)
{
	sonde_auto(bytes_closep) struct bytes *b = NULL;

	int r = bytes_map(path, &b);
	if (r == 0 && !b->live)
		r = look_inside(&b);
	if (r < 0)
		return sonde_wrap(r, "'%s'", path);
	*ret = sonde_take(b);
	return 0;
}
