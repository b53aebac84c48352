/* SPDX-License-Identifier: MIT */
/** Which kernel events a recording takes, described from the kernel's own format files. */
#include "record/kernel_events.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <traceevent/event-parse.h>

#include <sonde/err.h>

#include "base/mem.h"

enum { FORMAT_LEN_MOST = 1 << 20 /* bytes of a format file */ };

void kernel_events_fini(struct kernel_events *k)
{
	free(k->classes);
	event_list_fini(&k->list);
	tep_free(k->tep);
	*k = (struct kernel_events){ 0 };
}

int kernel_events_read(const char *path, char **ret, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	size_t cap = 0, len = 0;
	sonde_auto(mem_freep) char *text = NULL;
	int r = 0;

	if (!f)
		return sonde_fail_errno(-errno, "'%s'", path);
	for (;;) {
		r = mem_grow(&text, &cap, len + 4097);
		if (r < 0)
			break;
		size_t n = fread(text + len, 1, 4096, f);
		len += n;
		if (!n)
			break;
		if (len > FORMAT_LEN_MOST) {
			r = sonde_fail(-EMSGSIZE, "'%s' is too long", path);
			break;
		}
	}
	(void)fclose(f);
	if (r < 0)
		return r;
	text[len] = '\0';
	*ret = sonde_take(text);
	*ret_len = len;
	return 0;
}

/* The class of one picked event. An event that cannot be described is still recorded, as bytes. */
static int describe_pick(struct kernel_events *k, const char *top, struct recording *rec,
			 const struct event_pick *e)
{
	char path[PATH_MAX];
	sonde_auto(mem_freep) char *text = NULL;
	size_t len = 0;

	(void)snprintf(path, sizeof(path), "%s/events/%s/%s/format", top, e->system, e->name);
	int r = kernel_events_read(path, &text, &len);
	if (r < 0)
		return r;
	(void)tep_parse_event(k->tep, text, len, e->system);
	const struct tep_event *ev = tep_find_event_by_name(k->tep, e->system, e->name);
	if (!ev || ev->id < 0 || ev->id > UINT16_MAX) {
		recording_note(rec, "event '%s:%s' is recorded as bytes: unknown format", e->system,
			       e->name);
		return 0;
	}
	const size_t id = (size_t)ev->id;
	if (id >= k->n_classes) {
		r = mem_grow(&k->classes, &k->cap, id + 1);
		if (r < 0)
			return r;
		memset(k->classes + k->n_classes, 0, (id + 1 - k->n_classes) * sizeof(*k->classes));
		k->n_classes = id + 1;
	}
	r = kernel_describe_event(rec->desc, k->stream_class, ev, e->shown, &k->classes[id]);
	if (r == -ENOTSUP) {
		recording_note(rec, "recorded as bytes: %s", sonde_err_str());
		return 0;
	}
	return r;
}

int kernel_events_open(struct kernel_events *k, const char *top, struct recording *rec)
{
	k->tep = tep_alloc();
	if (!k->tep)
		return sonde_fail(-ENOMEM, "kernel events: out of memory");
	int r = event_list_read(&k->list, top, rec->arena);
	if (!r)
		r = event_list_pick(&k->list, rec->opts);
	if (r < 0)
		return r;
	k->stream_class =
		describe_stream(rec->desc, RECORD_STREAM_KERNEL, describe_event_header(rec->desc),
				kernel_describe_context(rec->desc));
	kernel_describe_raw(rec->desc, k->stream_class);
	for (size_t i = 0; i < k->list.n && !r; i++) {
		if (k->list.events[i].picked)
			r = describe_pick(k, top, rec, &k->list.events[i]);
	}
	return r;
}
