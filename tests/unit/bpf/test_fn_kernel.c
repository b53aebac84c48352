/* SPDX-License-Identifier: MIT */
/** The program builder against the kernel: random functions do there what they do here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "bpf/fn.h"
#include "fn_random.h"
#include "test.h"

enum { RUNS = 300, RUN_MOST = 100000, LOG_LEN = 1 << 16 };

/* The two maps of fn_random.h. */
struct maps {
	int fd[2];
};

static int maps_make(struct maps *m)
{
	m->fd[0] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "result", 4, sizeof(struct random_result), 1,
				  NULL);
	m->fd[1] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "element", 4, 8, 1, NULL);
	return m->fd[0] < 0 || m->fd[1] < 0 ? -1 : 0;
}

static void maps_close(struct maps *m)
{
	close(m->fd[0]);
	close(m->fd[1]);
}

static int load(struct bpf_code *c, const struct maps *m, char *log)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);

	for (size_t i = 0; i < c->n_relocs; i++)
		c->insns[c->relocs[i].insn].imm = m->fd[c->relocs[i].map];
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "random", "GPL", c->insns, c->n_insns,
			       &opts);
	if (fd >= 0 || errno == E2BIG || errno == EPERM)
		return fd >= 0 ? fd : -errno;
	opts.log_buf = log;
	opts.log_size = LOG_LEN;
	opts.log_level = 1;
	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "random", "GPL", c->insns, c->n_insns,
			   &opts);
	return fd >= 0 ? fd : -errno;
}

static int run(int prog, uint64_t *inputs, const struct maps *m, struct random_result *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = inputs,
		    .ctx_size_in = RANDOM_INPUTS * sizeof(*inputs));
	static const struct random_result zero;
	uint32_t key = 0;
	uint64_t none = 0;

	bpf_map_update_elem(m->fd[0], &key, &zero, 0);
	bpf_map_update_elem(m->fd[1], &key, &none, 0);
	int r = bpf_prog_test_run_opts(prog, &opts);
	if (r < 0)
		return r;
	bpf_map_lookup_elem(m->fd[0], &key, ret);
	bpf_map_lookup_elem(m->fd[1], &key, &ret->element);
	return opts.retval ? -EINVAL : 0;
}

static void print_code(const struct bpf_code *c)
{
	struct strbuf b = { 0 };

	bpf_code_print(c, &b);
	printf("%s", strbuf_text(&b));
	strbuf_fini(&b);
}

static void print_difference(const struct random_result *want, const struct random_result *got)
{
	const uint8_t *w = (const uint8_t *)want, *g = (const uint8_t *)got;

	for (unsigned i = 0; i < RANDOM_VARS; i++) {
		if (want->vars[i] != got->vars[i])
			printf("# variable %u: %llx, wanted %llx\n", i,
			       (unsigned long long)got->vars[i], (unsigned long long)want->vars[i]);
	}
	for (unsigned i = sizeof(want->vars); i < sizeof(*want); i++) {
		if (w[i] != g[i])
			printf("# byte %u: %02x, wanted %02x\n", i, g[i], w[i]);
	}
}

static void compare(const struct random_fn *r, int prog, const struct maps *m, uint64_t seed)
{
	uint64_t state = ~seed, inputs[RANDOM_INPUTS];
	struct random_result want, got;

	for (unsigned n = 0; n < 4; n++) {
		for (unsigned i = 0; i < RANDOM_INPUTS; i++)
			inputs[i] = random_next(&state) >> (n * 20 % 64);
		random_fn_eval(r, inputs, &want);
		int err = run(prog, inputs, m, &got);
		if (err < 0)
			test_failed(__FILE__, __LINE__, "seed %llu: run: %d",
				    (unsigned long long)seed, err);
		else if (memcmp(&want, &got, sizeof(want))) {
			print_difference(&want, &got);
			test_failed(__FILE__, __LINE__, "seed %llu, input %u: another result",
				    (unsigned long long)seed, n);
		}
	}
}

/* Returns 1 if the kernel took it, 0 if it or its frame is too large, -EPERM without rights. */
static int try(uint64_t seed, const struct maps *m, char *log)
{
	static struct random_fn r;
	struct unit *u = NULL;
	struct bpf_code c = { 0 };

	if (unit_new(&u) < 0)
		return -ENOMEM;
	random_fn_make(&r, seed);
	random_fn_build(&r, unit_fn(u, 1));
	int err = unit_finish(u, &c);
	unit_free(u);
	if (err < 0) {
		printf("# seed %llu: %s\n", (unsigned long long)seed, sonde_err_str());
		return err == -E2BIG ? 0 : err;
	}
	log[0] = '\0';
	int prog = load(&c, m, log);
	if (prog < 0 && prog != -E2BIG && prog != -EPERM) {
		print_code(&c);
		test_failed(__FILE__, __LINE__, "seed %llu: load: %d\n%s", (unsigned long long)seed,
			    prog, log);
	}
	bpf_code_fini(&c);
	if (prog < 0)
		return prog == -E2BIG ? 0 : prog;
	compare(&r, prog, m, seed);
	close(prog);
	return 1;
}

TEST(random_functions_do_the_same_in_the_kernel)
{
	const char *given = getenv("FN_SEED"), *runs = getenv("FN_RUNS");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 1;
	unsigned long n = runs ? strtoul(runs, NULL, 0) : given ? 1 : RUNS;
	struct maps m;
	unsigned taken = 0;

	char *log = geteuid() == 0 ? malloc(LOG_LEN) : NULL;
	if (!log || maps_make(&m) < 0) {
		free(log);
		test_skip("needs the right to load eBPF programs");
		return;
	}
	for (unsigned long i = 0; i < n; i++) {
		int r = try(seed + i, &m, log);
		if (r == -EPERM) {
			test_skip("needs the right to load eBPF programs");
			break;
		}
		EXPECT(r >= 0);
		taken += r > 0;
	}
	printf("# the kernel took %u of %lu\n", taken, n);
	maps_close(&m);
	free(log);
}

/* The kernel calls back only functions that it knows the types of. */
static int make_btf(const struct bpf_code *c, struct bpf_func_info *infos)
{
	struct btf *btf = btf__new_empty();
	if (!btf)
		return -1;
	int num = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);

	for (size_t i = 0; i < c->n_fns; i++) {
		char name[32];
		int proto = btf__add_func_proto(btf, num);
		for (uint32_t k = 0; k < c->fns[i].n_args; k++)
			btf__add_func_param(btf, "a", num);
		snprintf(name, sizeof(name), "f%zu", i);
		int id = btf__add_func(btf, name, BTF_FUNC_STATIC, proto);
		infos[i] = (struct bpf_func_info){ c->fns[i].insn, (uint32_t)id };
	}
	uint32_t len;
	const void *raw = btf__raw_data(btf, &len);
	int fd = raw ? bpf_btf_load(raw, len, NULL) : -1;
	btf__free(btf);
	return fd;
}

static int load_with_callbacks(const struct bpf_code *c, char *log)
{
	struct bpf_func_info infos[8];
	int btf = make_btf(c, infos);
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_btf_fd = (uint32_t)btf, .func_info = infos,
		    .func_info_cnt = (uint32_t)c->n_fns, .func_info_rec_size = sizeof(infos[0]),
		    .log_buf = log, .log_size = LOG_LEN, .log_level = 1);
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "loops", "GPL", c->insns, c->n_insns,
			       &opts);

	close(btf);
	return fd;
}

/* Sums 0 ... 99 in the caller's frame; the callback spills, too. */
static void build_loop(struct unit *u)
{
	struct fn *f = unit_fn(u, 1), *body = unit_fn(u, 2);
	struct val frame = fn_slot(f, 24), ctx = fn_arg(body, 1), all[8], sum = val_imm(0);

	fn_zero(f, frame, 0, 24, 8);
	struct val n = FN_CALL(f, BPF_FUNC_loop, val_imm(100), val_fn(fn_index(body)),
			       val_at(frame, 8), val_imm(0));
	fn_exit(f, fn_op(f, FN_ADD, n, fn_load(f, 8, false, frame, 8)));

	for (int i = 0; i < 8; i++)
		all[i] = fn_op(body, FN_MUL, fn_arg(body, 0), val_imm(i));
	FN_CALL0(body, BPF_FUNC_ktime_get_ns);
	for (int i = 0; i < 8; i++)
		sum = fn_op(body, FN_ADD, sum, all[i]);
	sum = fn_op(body, FN_ADD, fn_load(body, 8, false, ctx, 0), sum);
	fn_store(body, 8, ctx, 0, sum);
	fn_exit(body, val_imm(0));
}

TEST(the_kernel_calls_back)
{
	struct unit *u = NULL;
	struct bpf_code c = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	char *log = geteuid() == 0 ? malloc(LOG_LEN) : NULL;
	if (!log || unit_new(&u) < 0) {
		free(log);
		test_skip("needs the right to load eBPF programs");
		return;
	}
	build_loop(u);
	EXPECT_EQ(unit_finish(u, &c), 0);
	unit_free(u);
	log[0] = '\0';
	int fd = load_with_callbacks(&c, log);
	if (fd < 0 && errno == EPERM) {
		test_skip("needs the right to load eBPF programs");
	} else if (fd < 0) {
		print_code(&c);
		test_failed(__FILE__, __LINE__, "load: %d\n%s", -errno, log);
	} else {
		EXPECT_EQ(bpf_prog_test_run_opts(fd, &opts), 0);
		EXPECT_EQ(opts.retval, 28 * 4950 + 100);
		close(fd);
	}
	bpf_code_fini(&c);
	free(log);
}
