/* SPDX-License-Identifier: MIT */
/** Tests how maps are printed and cleared at a tick, on buffers that stand in for the kernel's. */
#include <stdio.h>
#include <stdlib.h>

#include "lang/engine/parts.h"
#include "test.h"

enum { BUFFERS = 4, KEYS = 4, CPUS = 2 };

/* What the kernel would hold: counts by key and CPU; 0 on all CPUs: the key is not there. */
static uint64_t buffers[BUFFERS][KEYS][CPUS];
static int n_quiesce, n_fail;

unsigned bpf_possible_cpus(void)
{
	return CPUS;
}

void bpf_quiesce(void)
{
	n_quiesce++;
}

int bpf_maps_each(struct bpf_maps *m, size_t map,
		  int (*f)(void *arg, const void *key, const void *val), void *arg)
{
	(void)m;
	if (n_fail && !--n_fail)
		return -ENOMEM;
	for (uint64_t key = 0; key < KEYS; key++) {
		const uint64_t *v = buffers[map][key];

		if (!v[0] && !v[1])
			continue;
		int r = f(arg, &key, v);
		if (r)
			return r;
	}
	return 0;
}

int bpf_maps_clear(struct bpf_maps *m, size_t map)
{
	(void)m;
	memset(buffers[map], 0, sizeof(buffers[map]));
	return 0;
}

int bpf_maps_update(struct bpf_maps *m, size_t map, const void *key, const void *val)
{
	uint64_t k;

	(void)m;
	memcpy(&k, key, sizeof(k));
	memcpy(buffers[map][k], val, sizeof(buffers[map][k]));
	return 0;
}

size_t bpf_maps_row_len(const struct bpf_maps *m, size_t map)
{
	(void)m;
	(void)map;
	return sizeof(buffers[0][0]);
}

int engine_task_each(struct engine *e, const struct script_map *m,
		     int (*f)(void *arg, const void *key, const void *val), void *arg)
{
	(void)m;
	return bpf_maps_each(e->maps, 0, f, arg);
}

int engine_task_clear(struct engine *e, const struct script_map *m)
{
	(void)m;
	return bpf_maps_clear(e->maps, 0);
}

void engine_look_at_signals(struct engine *e)
{
	(void)e;
}

/* An engine around one map, @x[int] = count(), with its state in the "kernel". */
struct made {
	struct script script;
	struct script_map map;
	struct type val;
	struct epoch_state epoch;
	struct engine_options opt;
	struct sonde_out out;
	struct engine e;
	struct site site;
};

static void make(struct made *t, uint32_t n_epochs)
{
	memset(t, 0, sizeof(*t));
	memset(buffers, 0, sizeof(buffers));
	n_quiesce = n_fail = 0;
	t->val = (struct type){ .kind = TYPE_COUNT, .size = 8, .align = 8 };
	t->map = (struct script_map){ .name = "x",
				      .key = &type_u64,
				      .val = &t->val,
				      .store = STORE_PERCPU_HASH,
				      .n_epochs = n_epochs,
				      .outer = -1,
				      .site = -1 };
	t->script.maps = &t->map;
	t->script.n_maps = 1;
	t->opt.out = &t->out;
	t->e.opt = &t->opt;
	t->e.script = &t->script;
	t->e.epochs = &t->epoch;
	EXPECT_EQ(out_init(&t->out, -1), 0);
	t->e.printer = (struct printer){ .script = &t->script, .out = &t->out };
	EXPECT_EQ(engine_maps_init(&t->e), 0);
}

static void end(struct made *t)
{
	engine_maps_fini(&t->e);
	printer_fini(&t->e.printer);
	out_fini(&t->out);
}

/* The kernel counts @n times. */
static void count(struct made *t, uint64_t key, uint64_t n)
{
	buffers[t->epoch.epoch % t->map.n_epochs][key][key % CPUS] += n;
}

/* What the tick's program writes into its record; it goes on to the next buffer if one is free. */
static uint32_t tick(struct made *t)
{
	const uint32_t epoch = t->epoch.epoch;

	if (epoch + 1 - t->epoch.drained >= t->map.n_epochs) {
		t->epoch.late++;
		return epoch | EPOCH_OPEN;
	}
	t->epoch.epoch++;
	return epoch;
}

static void print(struct made *t, uint32_t epoch)
{
	EXPECT_EQ(engine_map_print(&t->e, &t->site, epoch), 0);
}

static void clear(struct made *t, uint32_t epoch)
{
	EXPECT_EQ(engine_map_clear(&t->e, &t->site, epoch), 0);
}

/* What was printed since the last time, without blank lines. */
static const char *printed(struct made *t)
{
	static char ret[512];
	size_t n = 0;

	for (size_t i = 0; i < t->out.len && n + 1 < sizeof(ret); i++) {
		if (t->out.buf[i] != '\n')
			ret[n++] = t->out.buf[i];
		else if (n && ret[n - 1] != ';')
			ret[n++] = ';';
	}
	ret[n] = '\0';
	t->out.len = 0;
	return ret;
}

TEST(a_tick_prints_what_came_before_it)
{
	struct made t;

	make(&t, 4);
	count(&t, 1, 20);
	uint32_t a = tick(&t);
	count(&t, 1, 7); // before the reader wakes up
	print(&t, a);
	clear(&t, a);
	EXPECT_STR(printed(&t), "@x[1]: 20;");
	count(&t, 1, 13);
	a = tick(&t);
	count(&t, 2, 1);
	print(&t, a);
	EXPECT_STR(printed(&t), "@x[1]: 20;");
	end(&t);
}

TEST(without_a_clear_counts_go_on)
{
	struct made t;

	make(&t, 4);
	for (int i = 1; i <= 10; i++) {
		count(&t, 3, 5);
		uint32_t a = tick(&t);
		count(&t, 2, 1);
		print(&t, a);
	}
	EXPECT(strstr(printed(&t), "@x[3]: 50;"));
	end(&t);
}

TEST(several_ticks_before_the_reader)
{
	struct made t;
	uint32_t at[3];

	make(&t, 4);
	for (int i = 0; i < 3; i++) {
		count(&t, 1, 10 + (uint64_t)i);
		at[i] = tick(&t);
	}
	count(&t, 1, 99);
	for (int i = 0; i < 3; i++) {
		print(&t, at[i]);
		clear(&t, at[i]);
	}
	EXPECT_STR(printed(&t), "@x[1]: 10;@x[1]: 11;@x[1]: 12;");
	EXPECT_EQ(n_quiesce, 1);
	EXPECT_EQ(t.epoch.late, 0);
	end(&t);
}

TEST(flips_of_print_and_of_clear)
{
	struct made t;

	make(&t, 4);
	count(&t, 1, 10);
	uint32_t p = tick(&t);
	count(&t, 1, 1); // between the two
	uint32_t c = tick(&t);
	count(&t, 1, 5);
	print(&t, p);
	clear(&t, c);
	EXPECT_STR(printed(&t), "@x[1]: 10;");
	print(&t, tick(&t));
	EXPECT_STR(printed(&t), "@x[1]: 5;");
	end(&t);
}

TEST(a_late_tick_acts_when_it_is_read)
{
	struct made t;
	uint32_t at[5];

	make(&t, 2);
	for (int i = 0; i < 3; i++) {
		count(&t, 1, 10);
		at[i] = tick(&t);
	}
	EXPECT_EQ(t.epoch.late, 2);
	EXPECT_EQ(at[1], 1 | EPOCH_OPEN);
	print(&t, at[0]);
	clear(&t, at[0]);
	EXPECT_STR(printed(&t), "@x[1]: 10;");
	print(&t, at[1]); // as it is now, with what came behind the tick
	clear(&t, at[1]);
	EXPECT_STR(printed(&t), "@x[1]: 20;");
	print(&t, at[2]);
	clear(&t, at[2]);
	EXPECT_STR(printed(&t), "");
	count(&t, 1, 3);
	print(&t, tick(&t));
	EXPECT_STR(printed(&t), "@x[1]: 3;");
	end(&t);
}

TEST(a_late_clear_spares_what_a_later_tick_closed)
{
	struct made t;

	make(&t, 2);
	count(&t, 1, 1);
	uint32_t a = tick(&t);
	count(&t, 1, 2);
	uint32_t late = tick(&t);
	EXPECT_EQ(late, 1 | EPOCH_OPEN);
	print(&t, a); // there is room again
	count(&t, 1, 4);
	uint32_t b = tick(&t);
	EXPECT_EQ(b, 1);
	(void)printed(&t);
	clear(&t, late);
	print(&t, b);
	EXPECT_STR(printed(&t), "@x[1]: 6;");
	end(&t);
}

TEST(one_buffer_is_printed_as_it_is)
{
	struct made t;

	make(&t, 1);
	count(&t, 1, 4);
	buffers[0][1][0] = 3; // on another CPU
	print(&t, 0);
	EXPECT_STR(printed(&t), "@x[1]: 7;");
	clear(&t, 0);
	print(&t, 0);
	EXPECT_STR(printed(&t), "");
	end(&t);
}

TEST(zero_keeps_the_keys)
{
	struct made t;

	make(&t, 4);
	count(&t, 1, 4);
	uint32_t a = tick(&t);
	print(&t, a);
	EXPECT_EQ(engine_map_zero(&t.e, &t.site, a), 0);
	EXPECT_STR(printed(&t), "@x[1]: 4;");
	count(&t, 2, 1);
	print(&t, tick(&t));
	EXPECT_STR(printed(&t), "@x[1]: 0;@x[2]: 1;");
	end(&t);
}

TEST(the_end_prints_all_buffers)
{
	struct made t;

	make(&t, 4);
	t.script.print_maps_on_exit = true;
	count(&t, 1, 4);
	(void)tick(&t); // a clear whose record was lost, say
	count(&t, 1, 5);
	EXPECT_EQ(engine_maps_print(&t.e), 0);
	EXPECT_STR(printed(&t), "@x[1]: 9;");
	end(&t);
}

TEST(what_threads_carry_is_read_and_cleared)
{
	struct made t;

	make(&t, 1);
	t.map.store = STORE_TASK;
	t.map.val = &type_u64;
	buffers[0][2][0] = 17;
	print(&t, 0);
	EXPECT_STR(printed(&t), "@x[2]: 17;");
	clear(&t, 0);
	print(&t, 0);
	EXPECT_STR(printed(&t), "");
	end(&t);
}

TEST(numbers_go_around)
{
	struct made t;

	make(&t, 4);
	t.epoch.epoch = t.epoch.drained = UINT32_MAX >> 1; // bit 31 is no part of the number
	t.e.map_states[0].quiet = t.epoch.epoch;
	count(&t, 1, 4);
	uint32_t a = tick(&t);
	print(&t, a);
	EXPECT_STR(printed(&t), "@x[1]: 4;");
	end(&t);
}

TEST(a_failed_read_loses_nothing)
{
	struct made t;

	make(&t, 4);
	count(&t, 1, 4);
	uint32_t a = tick(&t);
	n_fail = 1;
	EXPECT_EQ(engine_map_print(&t.e, &t.site, a), -ENOMEM);
	EXPECT_EQ(t.epoch.drained, 0);
	print(&t, a);
	EXPECT_STR(printed(&t), "@x[1]: 4;");
	end(&t);
}
