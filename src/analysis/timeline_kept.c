/* SPDX-License-Identifier: MIT */
/** Where the index of a trace is kept, and what it was made of. */
#include "analysis/timeline_kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sonde/err.h>

#include "analysis/timeline.h"
#include "base/mem.h"
#include "state/format.h"

/* Raised whenever the model's rules or what is kept of them change: older files are made anew. */
#define RULES "kernel 4"

bool timeline_fits(const struct sonde_trace *trace)
{
	for (size_t i = 0; trace->path && i < trace->n_streams; i++) {
		const struct sonde_stream_class *sc = trace->streams[i];

		for (size_t e = 0; e < sc->n_events; e++) {
			const char *colon = strrchr(sc->events[e]->name, ':');

			if (!strcmp(colon ? colon + 1 : sc->events[e]->name, "sched_switch"))
				return true;
		}
	}
	return false;
}

/* Times that are shown on another host's clock make another index; 0: they are not. */
static uint64_t clock_sum(const struct sonde_trace *trace)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < trace->n_clocks; i++) {
		const struct sonde_clock_map *map = trace->clocks[i]->map;
		const int64_t numbers[] = { map ? map->from_ns : 0, map ? map->to_ns : 0,
					    map ? map->to_frac : 0, map ? map->rate : 0 };

		sum += map ? format_sum(numbers, sizeof(numbers)) : 0;
	}
	return sum;
}

/* A recording put together of several folders has another index than its parts; 0: it is one. */
static uint64_t parts_sum(const struct sonde_trace *trace)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < trace->n_parts; i++) {
		sonde_auto(mem_freep) char *real = realpath(trace->parts[i], NULL);
		const char *whole = real ? real : trace->parts[i];

		sum += format_sum(whole, strlen(whole)); // they come in any order
	}
	return sum;
}

/* Of all files that the trace consists of. */
static int print_of(const struct sonde_trace *trace, struct store_print *ret)
{
	struct store_print whole, part;
	int r = store_print_folder(trace->path, RULES, &whole);

	for (size_t i = 0; i < trace->n_parts && r >= 0; i++) {
		r = store_print_folder(trace->parts[i], RULES, &part);
		for (size_t k = 0; k < MEM_LEN(whole.words) && r >= 0; k++)
			whole.words[k] += part.words[k];
	}
	if (r >= 0)
		*ret = whole;
	return r;
}

/*
 * Where the store of a trace is kept; owned, NULL: no memory. Makes the folder, if @ret_made wants
 * to know how that went.
 */
static char *path_of(const struct sonde_trace *trace, const char *cache, int *ret_made)
{
	sonde_auto(mem_freep) char *real = realpath(trace->path, NULL);
	sonde_auto(mem_freep) char *folder = NULL;
	const char *whole = real ? real : trace->path;
	const uint64_t other = clock_sum(trace) + parts_sum(trace);
	const uint64_t where = format_sum(whole, strlen(whole));
	char name[64] = "", shown_on[32] = "", *path = NULL;

	if (other)
		(void)snprintf(shown_on, sizeof(shown_on), "-%016" PRIx64, other);
	if (cache)
		(void)snprintf(name, sizeof(name), "%016" PRIx64 ".", where);
	if (asprintf(&folder, cache ? "%s" : "%s/.sonde", cache ? cache : trace->path) < 0) {
		folder = NULL;
		return NULL;
	}
	if (ret_made && mkdir(folder, 0755) != 0 && errno != EEXIST)
		*ret_made = sonde_fail_errno(-errno, "cannot make '%s'", folder);
	if (asprintf(&path, "%s/%skernel%s", folder, name, shown_on) < 0)
		return NULL;
	return path;
}

int timeline_open(const struct sonde_trace *trace, const char *cache, struct store **ret)
{
	struct store_print print = { { 0 } };

	if (!trace->path)
		return sonde_fail(-ENOENT, "a trace without a folder has no index");
	int r = print_of(trace, &print);
	if (r < 0)
		return r;
	sonde_auto(mem_freep) char *path = path_of(trace, cache, NULL);
	if (!path)
		return sonde_fail(-ENOMEM, "out of memory for a path");
	return store_open(path, &print, ret);
}

void timeline_note_unkept(const struct sonde_trace *trace, const struct timeline_where *where,
			  const char *why)
{
	char text[600];

	(void)snprintf(text, sizeof(text), "the index of '%s' cannot be kept (%s)%s", trace->path,
		       why, where->cache ? "" : "; --cache DIR names another place");
	if (where->note)
		where->note(where->note_arg, text);
}

int timeline_create(const struct sonde_trace *trace, const struct timeline_where *where,
		    struct store **ret)
{
	struct store_print print = { { 0 } };
	int r = trace->path ? print_of(trace, &print) : 0;

	if (r >= 0 && trace->path) {
		int made = 0;
		sonde_auto(mem_freep) char *path = path_of(trace, where->cache, &made);

		r = !path ? -ENOMEM : made < 0 ? made : store_create(path, &print, ret);
		if (r >= 0)
			return r;
	}
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		timeline_note_unkept(trace, where, sonde_err_str());
	return store_create(NULL, &print, ret);
}
