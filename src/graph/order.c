/* SPDX-License-Identifier: MIT */
/** Which of two events of equal time comes first. */
#include "graph/order.h"

int order_tie(const struct sonde_event *a, const struct sonde_event *b)
{
	(void)a;
	(void)b;
	return 0;
}
