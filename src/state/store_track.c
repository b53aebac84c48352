/* SPDX-License-Identifier: MIT */
/** The tracks, texts and counts of a store. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "state/store_state.h"

int store_add_track(struct store *s, const struct store_track *track, uint32_t *ret)
{
	const uint32_t i = (uint32_t)s->head.n_tracks;

	sonde_check(s->is_built && track->n_states && track->n_states <= STORE_STATES_MOST);
	if (i >= STORE_TRACKS_MOST)
		return sonde_fail(-E2BIG, "more than %d tracks", STORE_TRACKS_MOST);
	int r = spill_room(&s->built_mem, &s->built, (size_t)i + 1);
	if (r >= 0)
		r = spill_room(&s->edges_mem, &s->edges, (size_t)i + 1);
	if (r < 0)
		return r;
	store_edge_of(s, i)->n_states = (uint8_t)track->n_states;
	store_track_of(s, i)->rec = (struct format_track){
		.id = track->id,
		.aux = track->aux,
		.kind = track->kind,
		.group = track->group,
		.parent = track->parent,
		.name = track->name,
		.n_states = track->n_states,
	};
	s->head.n_tracks++;
	*ret = i;
	return 0;
}

void store_set_track(struct store *s, uint32_t track, const struct store_track *to)
{
	sonde_check(s->is_built && track < s->head.n_tracks);
	struct format_track *rec = &store_track_of(s, track)->rec;

	rec->id = to->id;
	rec->aux = to->aux;
	rec->parent = to->parent;
	rec->name = to->name;
}

int store_add_text(struct store *s, const char *text, size_t len, uint32_t *ret)
{
	len = strnlen(text, len < STORE_TEXT_MOST ? len : STORE_TEXT_MOST - 1);
	uint64_t key = format_sum(text, len);
	uint32_t i;

	sonde_check(s->is_built);
	for (; u64map_get(&s->text_of, key, &i); key++) {
		if (!strncmp(s->texts[i], text, len) && !s->texts[i][len]) {
			*ret = i + 1;
			return 0;
		}
	}
	if (s->n_texts >= STORE_TEXTS_MOST)
		return sonde_fail(-E2BIG, "more than %d names", STORE_TEXTS_MOST);
	const char *copy = arena_strndup(&s->arena, text, len);
	if (!copy || mem_grow(&s->texts, &s->cap_texts, s->n_texts + 1) < 0 ||
	    u64map_put(&s->text_of, key, (uint32_t)s->n_texts) < 0)
		return -ENOMEM;
	s->texts[s->n_texts++] = copy;
	*ret = (uint32_t)s->n_texts;
	return 0;
}

void store_set_count(struct store *s, unsigned which, uint64_t count)
{
	sonde_check(s->is_built && which < STORE_COUNTS);
	s->head.counts[which] = count;
}

uint64_t store_count(const struct store *s, unsigned which)
{
	sonde_check(which < STORE_COUNTS);
	return s->head.counts[which];
}

uint64_t store_cut(const struct store *s)
{
	return s->head.cut;
}

/* Of a track that there is. */
static const struct format_track *record_of(const struct store *s, uint32_t track)
{
	return s->is_built ? &store_track_of(s, track)->rec : &s->tracks[track];
}

const struct format_track *store_record(const struct store *s, uint32_t track)
{
	return track < s->head.n_tracks ? record_of(s, track) : NULL;
}

void store_span(const struct store *s, uint32_t track, int64_t *ret_begin_ns, int64_t *ret_end_ns)
{
	const struct format_track *rec = record_of(s, track);

	*ret_begin_ns = rec->begin_ns;
	*ret_end_ns = s->is_built ? store_edge_of(s, track)->end_ns : rec->end_ns;
}

uint64_t store_n_known(struct store *s, uint32_t track)
{
	const bool open = s->is_built && store_edge_of(s, track)->n;
	const struct node leaf = open ? store_open_node(s, track, 0) : (struct node){ .n = 0 };
	uint64_t n = record_of(s, track)->n_known;

	for (unsigned i = 0; i < leaf.n;) {
		uint32_t state, value;
		uint64_t ns;

		i += format_unpack(leaf.items + i, leaf.n - i, &ns, &state, &value);
		n += state != 0;
	}
	return n;
}

uint32_t store_n_tracks(struct store *s)
{
	store_lock(s);
	const uint32_t n = (uint32_t)s->head.n_tracks;
	store_unlock(s);
	return n;
}

int store_get_track(struct store *s, uint32_t track, struct store_track *ret)
{
	store_lock(s);
	const struct format_track *rec = store_record(s, track);
	if (rec) {
		*ret = (struct store_track){
			.kind = rec->kind,
			.group = rec->group,
			.id = rec->id,
			.aux = rec->aux,
			.parent = rec->parent,
			.name = rec->name,
			.n_states = rec->n_states,
			.n_segments = store_n_known(s, track),
		};
		store_span(s, track, &ret->begin_ns, &ret->end_ns);
	}
	store_unlock(s);
	return rec ? 0 : sonde_fail(-EINVAL, "there is no track %u", track);
}

const char *store_text(struct store *s, uint32_t text)
{
	store_lock(s);
	const char *t = text && text <= s->n_texts ? s->texts[text - 1] : "";
	store_unlock(s);
	return t;
}
