/* SPDX-License-Identifier: MIT */
/** Lengths and tags to the fields they name (CTF 1.8.3, section 7.3.2), and slots. */
#include <errno.h>
#include <string.h>

#include "base/near.h"
#include "ctf/tsdl_type.h"

#define SLOT_LOCAL (UINT32_C(1) << 31)

static const struct {
	const char *path;
	unsigned n_words;
	enum sonde_scope scope;
} absolutes[] = {
	{ "trace.packet.header", 3, SONDE_SCOPE_PACKET_HEADER },
	{ "stream.packet.context", 3, SONDE_SCOPE_PACKET_CONTEXT },
	{ "stream.event.header", 3, SONDE_SCOPE_EVENT_HEADER },
	{ "stream.event.context", 3, SONDE_SCOPE_STREAM_CONTEXT },
	{ "event.context", 2, SONDE_SCOPE_EVENT_CONTEXT },
	{ "event.fields", 2, SONDE_SCOPE_PAYLOAD },
};

/** How much alike a member's and a wanted name must be. */
enum likeness { SAME_NAME, SAME_BUT_UNDERSCORE };

static const char *bare(const char *name)
{
	return name + (*name == '_');
}

static bool is_like(const char *a, const char *b, enum likeness like)
{
	return a == b ||
	       (like == SAME_BUT_UNDERSCORE && (!strcmp(bare(a), b) || !strcmp(a, bare(b))));
}

/** Follows @words down from @t through structures. The latest of several members wins. */
static struct sonde_type *descend(struct build *b, const struct sonde_type *t,
				  const char *const *words, size_t n, enum likeness like)
{
	for (size_t i = 0; i < n; i++) {
		if (!t || t->kind != SONDE_STRUCT)
			return NULL;
		size_t at = t->u.structure.n_members;
		while (at > 0 && !is_like(t->u.structure.members[at - 1].name, words[i], like))
			at--;
		b->work += (t->u.structure.n_members - at) * (like == SAME_NAME ? 1 : 16);
		if (!at)
			return NULL;
		t = t->u.structure.members[at - 1].type;
	}
	return (struct sonde_type *)t; // ours, under construction
}

static bool find_relative(struct build *b, const struct ast_expr *path, enum likeness like,
			  struct ref *ret)
{
	const char *const *words = (const char *const *)path->words;

	for (const struct open_struct *o = b->open; o; o = o->outer) {
		*ret = (struct ref){ descend(b, o->type, words, path->n_words, like), b->scope };
		if (ret->type)
			return true;
	}
	for (int s = (int)b->scope - 1; s >= 0; s--) {
		*ret = (struct ref){ descend(b, b->roots[s], words, path->n_words, like),
				     (enum sonde_scope)s };
		if (ret->type)
			return true;
	}
	return false;
}

static bool find_absolute(struct build *b, const struct ast_expr *path, enum likeness like,
			  struct ref *ret)
{
	for (size_t i = 0; i < MEM_LEN(absolutes); i++) {
		const size_t skip = absolutes[i].n_words, len = strlen(absolutes[i].path);

		if (path->n_words <= skip || strncmp(path->str, absolutes[i].path, len) != 0 ||
		    path->str[len] != '.')
			continue;
		const struct sonde_type *root = b->roots[absolutes[i].scope];
		if (absolutes[i].scope == b->scope) {
			const struct open_struct *o = b->open;

			while (o && o->outer)
				o = o->outer;
			root = o ? o->type : NULL;
		}
		ret->type = descend(b, root, (const char *const *)path->words + skip,
				    path->n_words - skip, like);
		ret->scope = absolutes[i].scope;
		return ret->type;
	}
	return false;
}

int ref_find(struct build *b, const struct ast_expr *path, const char *what, struct ref *ret)
{
	for (enum likeness like = SAME_NAME; like <= SAME_BUT_UNDERSCORE; like++) {
		if (find_absolute(b, path, like, ret) || find_relative(b, path, like, ret))
			return 0;
	}

	const char *best = NULL;
	unsigned least = NEAR_NOT;
	for (const struct open_struct *o = b->open; o && path->n_words == 1; o = o->outer) {
		for (size_t i = 0; i < o->type->u.structure.n_members; i++) {
			const char *name = o->type->u.structure.members[i].name;
			unsigned d = near_distance(path->str, name);

			if (d < least) {
				least = d;
				best = name;
			}
		}
	}
	return tsdl_error(&b->x->text, path->pos, "no field '%s' before this to be %s%s%s%s",
			  path->str, what, best ? "; did you mean '" : "", best ? best : "",
			  best ? "'?" : "");
}

static int patch_add(struct slots *s, uint32_t *at)
{
	int r = mem_grow(&s->patches, &s->cap_patches, s->n_patches + 1);
	if (r == 0)
		s->patches[s->n_patches++] = at;
	return r;
}

int ref_bind(struct build *b, const struct ast_expr *path, const struct ref *ref, uint32_t *slot)
{
	struct slots *s = &b->slots;
	const bool local = ref->scope >= SONDE_SCOPE_EVENT_CONTEXT;
	struct sonde_type *t = ref->type;
	int r = 0;

	if (!t->save) {
		if (s->n_outer + s->most_local >= TSDL_SLOTS_MAX)
			return tsdl_error(&b->x->text, path->pos,
					  "more than %d fields that lengths and tags refer to",
					  TSDL_SLOTS_MAX);
		t->save = local ? SLOT_LOCAL | ++s->n_local : ++s->n_outer;
		if (s->n_local > s->most_local)
			s->most_local = s->n_local;
		if (local)
			r = patch_add(s, &t->save);
	}
	*slot = t->save;
	return r == 0 && local ? patch_add(s, slot) : r;
}

void slots_next_event(struct slots *s)
{
	s->n_local = 0;
}

uint32_t slots_finish(struct slots *s)
{
	for (size_t i = 0; i < s->n_patches; i++)
		*s->patches[i] = (*s->patches[i] & ~SLOT_LOCAL) + s->n_outer;
	s->n_patches = 0;
	return s->n_outer + s->most_local;
}

void slots_fini(struct slots *s)
{
	free(s->patches);
	*s = (struct slots){ 0 };
}
