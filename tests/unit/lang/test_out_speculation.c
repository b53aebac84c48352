/* SPDX-License-Identifier: MIT */
/** Speculations: what is held, shown and forgotten, whatever order records and ends come in. */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "lang/out/speculation.h"

struct shown {
	char text[64];
	size_t len;
	int r;
};

static int show(void *arg, const void *record, size_t len)
{
	struct shown *s = arg;

	EXPECT(s->len + len < sizeof(s->text));
	memcpy(s->text + s->len, record, len);
	s->len += len;
	return s->r;
}

static const struct ast_d d = { .spec_len = 24 };
static const struct script script = { .d = &d, .n_specs = 2 };

/* Two speculations of up to 24 bytes each. */
struct rig {
	struct speculations s;
	struct shown shown;
};

static void rig_fini(struct rig *r)
{
	speculations_fini(&r->s);
}

static struct rig rig(void)
{
	struct rig r = { 0 };

	EXPECT_EQ(speculations_init(&r.s, &script), 0);
	return r;
}

static uint64_t mark(uint32_t number, uint32_t round)
{
	return (uint64_t)round << 32 | number;
}

static void take(struct rig *r, uint64_t m, const char *text)
{
	EXPECT_EQ(speculations_take(&r->s, m, text, strlen(text), show, &r->shown), 0);
}

static void end(struct rig *r, uint64_t m, bool commit)
{
	EXPECT_EQ(speculations_end(&r->s, m, commit, show, &r->shown), 0);
}

TEST(committed_ones_are_shown_in_order)
{
	sonde_auto(rig_fini) struct rig r = rig();

	take(&r, mark(1, 1), "a");
	take(&r, mark(2, 1), "x");
	take(&r, mark(1, 1), "b");
	EXPECT_STR(r.shown.text, "");
	end(&r, mark(1, 1), true);
	EXPECT_STR(r.shown.text, "ab");
	end(&r, mark(1, 1), true);
	end(&r, mark(2, 1), false);
	end(&r, mark(2, 1), true);
	EXPECT_STR(r.shown.text, "ab");
	EXPECT_EQ(r.s.dropped, 0);
}

TEST(late_records_go_the_way_of_the_others)
{
	sonde_auto(rig_fini) struct rig r = rig();

	take(&r, mark(1, 1), "a");
	end(&r, mark(1, 1), true);
	take(&r, mark(1, 1), "b");
	EXPECT_STR(r.shown.text, "ab");
	take(&r, mark(1, 3), "c");
	end(&r, mark(1, 3), false);
	take(&r, mark(1, 3), "d");
	EXPECT_STR(r.shown.text, "ab");
	EXPECT_EQ(r.s.dropped, 0);
}

TEST(a_round_whose_end_is_missing_is_not_mixed_with_the_next)
{
	sonde_auto(rig_fini) struct rig r = rig();

	take(&r, mark(1, 1), "a");
	take(&r, mark(1, 3), "b");
	end(&r, mark(1, 3), true);
	EXPECT_STR(r.shown.text, "b");
	take(&r, mark(1, 1), "late");
	end(&r, mark(1, 1), true);
	EXPECT_STR(r.shown.text, "b");
	EXPECT_EQ(r.s.dropped, 1);
	take(&r, mark(1, INT32_MAX), "");
	take(&r, mark(1, UINT32_MAX - 1), "c"); // rounds begin anew
	take(&r, mark(1, 1), "d");
	end(&r, mark(1, 1), true);
	EXPECT_STR(r.shown.text, "bd");
}

TEST(what_finds_no_room_is_counted)
{
	sonde_auto(rig_fini) struct rig r = rig();

	take(&r, mark(2, 1), "eight...");
	take(&r, mark(2, 1), "eight...");
	EXPECT_EQ(r.s.dropped, 0);
	take(&r, mark(2, 1), "n");
	take(&r, mark(0, 1), "n");
	take(&r, mark(3, 1), "n");
	EXPECT_EQ(r.s.dropped, 3);
	end(&r, mark(0, 1), true);
	end(&r, mark(3, 1), true);
	end(&r, mark(2, 1), true);
	EXPECT_STR(r.shown.text, "eight...eight...");
}

TEST(failures_come_through)
{
	sonde_auto(rig_fini) struct rig r = rig();

	take(&r, mark(1, 1), "a");
	take(&r, mark(1, 1), "b");
	r.shown.r = -EIO;
	EXPECT_EQ(speculations_end(&r.s, mark(1, 1), true, show, &r.shown), -EIO);
	EXPECT_STR(r.shown.text, "a");
}

static int hold_one(void)
{
	sonde_auto(rig_fini) struct rig r = { 0 };

	int e = speculations_init(&r.s, &script);
	if (!e)
		e = speculations_take(&r.s, mark(1, 1), "a", 1, show, &r.shown);
	return e;
}

TEST(no_memory_is_an_ordinary_failure)
{
	test_oom(hold_one);
}
