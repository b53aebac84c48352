/* SPDX-License-Identifier: MIT */
/** Durations put together: how many, how long, how far apart. */
#include "analysis/spread.h"

#include <math.h>

#include "base/table.h"

static void add_squares(struct spread *s, unsigned __int128 squares)
{
	if (__builtin_add_overflow(s->squares, squares, &s->squares))
		s->squares = ~(unsigned __int128)0;
}

void spread_add(struct spread *s, int64_t ns, int64_t end_ns)
{
	if (!s->n || ns < s->least_ns)
		s->least_ns = ns;
	if (!s->n || ns > s->most_ns) {
		s->most_ns = ns;
		s->most_at_ns = end_ns;
	}
	s->n++;
	s->sum += (unsigned __int128)ns;
	add_squares(s, (unsigned __int128)ns * (unsigned __int128)ns);
}

void spread_merge(struct spread *s, const struct spread *add)
{
	if (!add->n)
		return;
	if (!s->n || add->least_ns < s->least_ns)
		s->least_ns = add->least_ns;
	if (!s->n || add->most_ns > s->most_ns) {
		s->most_ns = add->most_ns;
		s->most_at_ns = add->most_at_ns;
	}
	s->n += add->n;
	s->sum += add->sum;
	add_squares(s, add->squares);
}

int64_t spread_total(const struct spread *s)
{
	return s->sum > INT64_MAX ? INT64_MAX : (int64_t)s->sum;
}

double spread_mean(const struct spread *s)
{
	return s->n ? (double)((long double)s->sum / (long double)s->n) : 0;
}

double spread_deviation(const struct spread *s)
{
	const long double n = (long double)s->n, sum = (long double)s->sum;
	const long double var = ((long double)s->squares - sum * sum / n) / (n - 1);

	return var > 0 ? (double)sqrtl(var) : 0;
}

void spread_cells(const struct spread *s, struct table *t)
{
	table_int(t, (int64_t)s->n);
	if (!s->n) {
		for (int i = 0; i < 5; i++)
			table_none(t);
		return;
	}
	table_int(t, spread_total(s));
	table_int(t, s->least_ns);
	table_real(t, spread_mean(s));
	table_int(t, s->most_ns);
	if (s->n > 1)
		table_real(t, spread_deviation(s));
	else
		table_none(t);
}
