/* SPDX-License-Identifier: MIT */
/** sonde crash CORE search: where a value or a text is in memory. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "crash/verbs/all.h"

enum { FOUND = 100, TEXT_MOST = 256 };

struct searching {
	struct crash_run *run;
	uint8_t what[TEXT_MOST];
	size_t len, step, n, most;
};

static void found(struct searching *s, uint64_t pa)
{
	s->n++;
	out_fmt(s->run->out, "physical 0x%" PRIx64 "\n", pa);
}

/* What lies over a page's end is found where pages are read with some of the next one. */
static void look(struct searching *s, uint64_t pa, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i + s->len <= n && s->n < s->most; i += s->step) {
		const uint8_t *at =
			s->step > 1 ? bytes + i : memmem(bytes + i, n - i, s->what, s->len);

		if (!at)
			return;
		if (s->step == 1)
			i = (size_t)(at - bytes);
		if (s->step == 1 || !memcmp(at, s->what, s->len))
			found(s, pa + i);
	}
}

static int run_over(struct searching *s, struct dump *d)
{
	const size_t size = dump_about(d)->page_size;
	uint8_t *bytes = malloc(size + TEXT_MOST);
	uint64_t at = 0, len;

	if (!bytes)
		return sonde_fail(-ENOMEM, "out of memory");
	while (s->n < s->most && (len = dump_next(d, at, &at)) != 0) {
		uint64_t end = at + len;

		while (at < end && s->n < s->most) {
			size_t n = end - at < size ? (size_t)(end - at) : size - at % size;
			size_t more = s->len - 1;

			if (dump_read(d, at, bytes, n) < 0) {
				at += n;
				continue;
			}
			if (s->step > 1 || dump_read(d, at + n, bytes + n, more) < 0)
				more = 0;
			look(s, at, bytes, n + more);
			at += n;
		}
		if (at < end || !end)
			break;
	}
	free(bytes);
	return 0;
}

static int run(struct crash_run *r)
{
	struct searching s = { .run = r, .most = r->args->limit ? r->args->limit : FOUND };
	uint64_t v = 0;

	if (r->argc != 1 || !*r->argv[0] || strlen(r->argv[0]) > TEXT_MOST)
		return sonde_fail(-EINVAL, "search wants a value, or a text behind '='");
	if (*r->argv[0] == '=') {
		s.len = strlen(r->argv[0] + 1);
		s.step = 1;
		memcpy(s.what, r->argv[0] + 1, s.len);
		if (!s.len)
			return sonde_fail(-EINVAL, "an empty text is everywhere");
	} else {
		int err = crash_address(r->core, r->argv[0], &v);

		if (err < 0)
			return err;
		memcpy(s.what, &v, sizeof(v));
		s.len = s.step = sizeof(v);
	}
	int err = run_over(&s, r->core->dump);
	if (!err && s.n >= s.most)
		r->note("there may be more; --limit N shows N");
	return err;
}

const struct crash_verb crash_search = {
	.name = "search",
	.args = "ADDR|=TEXT",
	.summary = "Where in memory a word is, or a text",
	.run = run,
};
