/* SPDX-License-Identifier: MIT */
/** Functions built for a test, and what became of them as text. */
#include "fn_text.h"

#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/strbuf.h"
#include "test.h"

enum { NUMBER_LEN = 6 }; /* "   0: " */

struct fn *fn_begin(struct unit **ret)
{
	struct unit *u = NULL;

	if (unit_new(&u) < 0)
		abort();
	*ret = u;
	return unit_fn(u, 1);
}

struct bpf_code fn_finish(struct unit *u)
{
	struct bpf_code c = { 0 };

	int r = unit_finish(u, &c);
	if (r < 0)
		test_failed(__FILE__, __LINE__, "%d: %s", r, sonde_err_str());
	unit_free(u);
	return c;
}

void fn_expect_text(const char *file, int line, const struct bpf_code *c, const char *wanted)
{
	struct strbuf text = { 0 }, got = { 0 };

	bpf_code_print(c, &text);
	for (const char *s = strbuf_text(&text); *s;) {
		size_t len = strcspn(s, "\n") + 1;
		strbuf_add(&got, s + NUMBER_LEN, len - NUMBER_LEN);
		s += len;
	}
	if (strcmp(strbuf_text(&got), wanted))
		test_failed(file, line, "made:\n%swanted:\n%s", strbuf_text(&got), wanted);
	strbuf_fini(&text);
	strbuf_fini(&got);
}

void fn_expect(const char *file, int line, struct unit *u, const char *wanted)
{
	struct bpf_code c = fn_finish(u);

	fn_expect_text(file, line, &c, wanted);
	bpf_code_fini(&c);
}

void fn_expect_failure(const char *file, int line, struct unit *u, int err, const char *words)
{
	struct bpf_code c = { 0 };

	int r = unit_finish(u, &c);
	unit_free(u);
	if (r != err || c.insns)
		test_failed(file, line, "returned %d, wanted %d", r, err);
	else if (strcmp(sonde_err_str(), words))
		test_failed(file, line, "'%s', wanted '%s'", sonde_err_str(), words);
	bpf_code_fini(&c);
}

struct val fn_unknown(struct fn *f)
{
	return FN_CALL0(f, BPF_FUNC_ktime_get_ns);
}
