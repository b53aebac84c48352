/* SPDX-License-Identifier: MIT */
/** Programs that run once, that are refused, that this kernel lacks. */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "asm.h"
#include "test.h"

static const struct bpf_load raw_tp = { .name = "refused", .type = BPF_PROG_TYPE_RAW_TRACEPOINT };

TEST(runs_once)
{
	struct bpf_insn in[] = {
		I_LDX(BPF_DW, 0, 1, 8),
		I_EXIT,
	};
	struct bpf_code code = ASM(in);
	const uint64_t ctx[] = { 1, 4711 };
	uint32_t ret = 0;
	uint64_t missed = 99;

	if (!asm_may())
		return;
	sonde_auto(mem_closep) int fd = asm_load(raw_tp.type, 0, 0, &code, NULL);
	EXPECT_EQ(bpf_run_once(fd, ctx, 2, &ret), 0);
	EXPECT_EQ(ret, 4711);
	EXPECT_EQ(bpf_run_once(fd, ctx, 1, &ret), -EINVAL);
	EXPECT_EQ(bpf_prog_missed(fd, &missed), 0);
	EXPECT_EQ(missed, 0);
	EXPECT_EQ(bpf_run_once(-1, ctx, 1, &ret), -EBADF);
	EXPECT(bpf_prog_missed(-1, &missed) < 0);
}

/* A pointer that may be NULL is followed, in line 3. */
static struct bpf_insn bad[] = {
	I_MAP(1, 0),
	I_ST(BPF_W, 10, -4, 0),
	I_MOV_REG(2, 10),
	I_ALU(BPF_ADD, 2, -4),
	I_CALL(BPF_FUNC_map_lookup_elem),
	I_LDX(BPF_DW, 0, 0, 0),
	I_EXIT,
};
static struct bpf_line_info_ bad_lines[] = { { 0, 1, 1 }, { 1, 1, 2 }, { 2, 2, 7 }, { 6, 3, 5 } };

static const struct bpf_map_spec hash[] = { { .name = "h",
					      .type = BPF_MAP_TYPE_HASH,
					      .key_len = 4,
					      .val_len = 8,
					      .max_entries = 8,
					      .inner = -1 } };

TEST(a_refusal_names_the_line)
{
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	struct bpf_code code = ASM(bad);
	struct strbuf log = { 0 };
	uint32_t line = 99;
	int fd = -1;

	if (!asm_may())
		return;
	EXPECT_EQ(bpf_maps_new(hash, 1, &m), 0);
	code.lines = bad_lines;
	code.n_lines = MEM_LEN(bad_lines);
	EXPECT_EQ(bpf_load(&raw_tp, &code, m, &log, &line, &fd), -EACCES);
	EXPECT_EQ(fd, -1);
	EXPECT_EQ(line, 3);
	EXPECT_STR(sonde_err_str(), "the kernel refuses program 'refused': R0 invalid mem access "
				    "'map_value_or_null'");
	EXPECT(strstr(strbuf_text(&log), "\n; line 3, column 5"));
	EXPECT(strstr(strbuf_text(&log), "\nR0 invalid mem access"));
	strbuf_fini(&log);
}

TEST(a_refusal_without_lines)
{
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	struct bpf_code code = ASM(bad);
	struct strbuf log = { 0 };
	uint32_t line = 99;
	int fd = -1;

	if (!asm_may())
		return;
	EXPECT_EQ(bpf_maps_new(hash, 1, &m), 0);
	EXPECT_EQ(bpf_load(&raw_tp, &code, m, &log, &line, &fd), -EACCES);
	EXPECT_EQ(line, 0);
	strbuf_fini(&log);
}

static int load_bad(void)
{
	sonde_auto(bpf_maps_freep) struct bpf_maps *m = NULL;
	struct bpf_code code = ASM(bad);
	struct strbuf log = { 0 };
	uint32_t line;
	int fd;

	code.lines = bad_lines;
	code.n_lines = MEM_LEN(bad_lines);
	int r = bpf_maps_new(hash, 1, &m);
	if (r < 0)
		return r;
	r = bpf_load(&raw_tp, &code, m, &log, &line, &fd);
	strbuf_fini(&log);
	return r == -EACCES ? 0 : r;
}

TEST(out_of_memory)
{
	if (asm_may())
		test_oom(load_bad);
}

static int refuse(const struct bpf_load *how, struct bpf_insn *insns, size_t n)
{
	struct bpf_code code = asm_code(insns, n);
	struct strbuf log = { 0 };
	uint32_t line;
	int fd = -1;

	int r = bpf_load(how, &code, NULL, &log, &line, &fd);
	if (r >= 0)
		close(fd);
	strbuf_fini(&log);
	return r;
}

TEST(what_the_kernel_lacks)
{
	struct bpf_insn helper[] = { I_CALL(9999), I_MOV(0, 0), I_EXIT };
	struct bpf_insn fine[] = { I_MOV(0, 0), I_EXIT };
	struct bpf_load how = raw_tp;

	if (!asm_may())
		return;
	EXPECT_EQ(refuse(&how, helper, MEM_LEN(helper)), -ENOTSUP);
	EXPECT(strstr(sonde_err_str(), "this kernel cannot run program 'refused': invalid func"));
	how.type = 999;
	EXPECT_EQ(refuse(&how, fine, MEM_LEN(fine)), -ENOTSUP);
	EXPECT(strstr(sonde_err_str(), "no programs of type 999"));
}

/* So many lines of words that only the last ones can be kept. */
TEST(the_end_of_a_long_log)
{
	enum { N = 3000 };
	struct bpf_insn in[N + 2];

	if (!asm_may())
		return;
	for (int i = 0; i < N; i++)
		in[i] = I_MOV(0, i);
	in[N] = I_LDX(BPF_DW, 0, 0, 0);
	in[N + 1] = I_EXIT;

	struct bpf_code code = ASM(in);
	struct bpf_line_info_ lines[] = { { 0, 1, 1 }, { N, 7, 1 } };
	struct strbuf log = { 0 };
	uint32_t line = 0, n = 0;
	int fd = -1;
	code.lines = lines;
	code.n_lines = 2;
	EXPECT_EQ(bpf_load(&raw_tp, &code, NULL, &log, &line, &fd), -EACCES);
	EXPECT_EQ(line, 7);
	for (const char *c = strbuf_text(&log); *c; c++)
		n += *c == '\n';
	EXPECT_EQ(n, 15);
	strbuf_fini(&log);
}

TEST(without_rights_it_says_which)
{
	struct bpf_insn fine[] = { I_MOV(0, 0), I_EXIT };
	int status = -1;

	if (!asm_may())
		return;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		bool right = syscall(SYS_setresuid, 65534, 65534, 65534) == 0 &&
			     refuse(&raw_tp, fine, MEM_LEN(fine)) == -EPERM &&
			     strstr(sonde_err_str(), "not permitted to load program 'refused': "
						     "this needs root, or the capability CAP_BPF "
						     "and CAP_PERFMON");
		_exit(!right);
	}
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT_EQ(status, 0);
}
