/* SPDX-License-Identifier: MIT */
/** Loads programs; asks the verifier again for its words when it refused one. */
#include "bpf/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sonde/err.h>

#include "base/check.h"
#include "bpf/info.h"
#include "bpf/map_state.h"
#include "bpf/sys.h"
#include "bpf/verdict.h"

enum { TRIES = 5, LOG_LEN = 16 << 20 };

static const char license[] = "GPL";

static void put_maps(struct bpf_insn *insns, const struct bpf_code *code,
		     const struct bpf_maps *maps)
{
	for (size_t i = 0; i < code->n_relocs; i++) {
		const struct bpf_reloc *r = &code->relocs[i];

		sonde_check(r->insn + 1 < code->n_insns);
		insns[r->insn].imm = bpf_maps_fd(maps, r->map);
	}
}

static union bpf_attr load_attr(const struct bpf_load *how, const struct bpf_insn *insns, size_t n)
{
	union bpf_attr a = sys_attr();

	a.prog_type = how->type;
	a.expected_attach_type = how->attach_type;
	a.insns = (uint64_t)(uintptr_t)insns;
	a.insn_cnt = (uint32_t)n;
	a.license = (uint64_t)(uintptr_t)license;
	a.prog_flags = how->sleepable ? BPF_F_SLEEPABLE : 0;
	a.attach_btf_id = how->attach_btf_id;
	a.attach_btf_obj_fd = how->attach_btf_fd > 0 ? (uint32_t)how->attach_btf_fd : 0;
	bpf_name(how->name, a.prog_name);
	return a;
}

/* A signal may cut the verifier short. */
static int load_patiently(union bpf_attr *a)
{
	int r = -EAGAIN;

	for (int i = 0; i < TRIES && r == -EAGAIN; i++)
		r = sys_bpf(BPF_PROG_LOAD, a);
	return r;
}

struct log {
	char *text; /* owned mapping of LOG_LEN */
};

static void log_fini(struct log *l)
{
	if (l->text)
		munmap(l->text, LOG_LEN);
}

/* Memory that is only taken as far as the verifier writes; the kernel wants it in one piece. */
static int log_init(struct log *l)
{
	void *at = mmap(NULL, LOG_LEN, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return sonde_fail(-ENOMEM, "out of memory for the verifier's words");
	l->text = at;
	return 0;
}

/* Loads what was refused with @err once more, now with lines and a log. */
static int ask_why(int err, const struct bpf_load *how, const struct bpf_code *code,
		   union bpf_attr *a, struct verdict *ret)
{
	sonde_auto(log_fini) struct log log = { 0 };
	sonde_auto(bpf_info_fini) struct bpf_info info = { .fd = -1 };

	int r = log_init(&log);
	if (r < 0)
		return r;
	// Without lines the words are still worth having.
	if (bpf_info_make(&info, code, /* with_lines= */ true) == 0)
		bpf_info_put(&info, a);
	a->log_level = 1;
	a->log_buf = (uint64_t)(uintptr_t)log.text;
	a->log_size = LOG_LEN;
	r = load_patiently(a);
	if (r >= 0) {
		close(r);
		return sonde_fail(err, "program '%s': refused once, and then not", how->name);
	}
	return verdict_read(log.text, code, ret);
}

static int refused(int err, const struct bpf_load *how, struct verdict *v)
{
	if (v->reason[0] && v->lacks)
		return sonde_fail(-ENOTSUP, "this kernel cannot run program '%s': %s", how->name,
				  v->reason);
	if (v->reason[0])
		return sonde_fail(err, "the kernel refuses program '%s': %s", how->name, v->reason);
	if (err == -EINVAL)
		return sonde_fail(-ENOTSUP,
				  "this kernel has no programs of type %u (attach type %u), or not "
				  "for BTF id %u: program '%s'",
				  how->type, how->attach_type, how->attach_btf_id, how->name);
	return sys_bpf_failed(err, "load program '%s'", how->name);
}

static int explain(int err, const struct bpf_load *how, const struct bpf_code *code,
		   union bpf_attr *a, struct strbuf *ret_log, uint32_t *ret_line)
{
	struct verdict v = { .log = ret_log };

	int r = ask_why(err, how, code, a, &v);
	if (r < 0)
		return r;
	*ret_line = v.line;
	return refused(err, how, &v);
}

int bpf_load(const struct bpf_load *how, const struct bpf_code *code, const struct bpf_maps *maps,
	     struct strbuf *ret_log, uint32_t *ret_line, int *ret_fd)
{
	sonde_auto(bpf_info_fini) struct bpf_info info = { .fd = -1 };
	sonde_auto(mem_freep) struct bpf_insn *insns = NULL;
	size_t len;

	sonde_check(code->n_insns);
	if (code->n_insns > UINT32_MAX || !mem_mul(code->n_insns, sizeof(*insns), &len))
		return sonde_fail(-E2BIG, "program '%s': too long", how->name);
	insns = malloc(len);
	if (!insns)
		return sonde_fail(-ENOMEM, "program '%s': out of memory", how->name);
	memcpy(insns, code->insns, len);
	put_maps(insns, code, maps);

	union bpf_attr a = load_attr(how, insns, code->n_insns);
	// Functions that helpers call back are only taken with their types.
	if (code->n_fns > 1) {
		int r = bpf_info_make(&info, code, /* with_lines= */ false);
		if (r < 0)
			return sonde_wrap(r, "program '%s'", how->name);
		bpf_info_put(&info, &a);
	}
	int fd = load_patiently(&a);
	if (fd < 0)
		return explain(fd, how, code, &a, ret_log, ret_line);
	*ret_fd = fd;
	return 0;
}

int bpf_run_once(int prog_fd, const uint64_t *ctx, size_t n, uint32_t *ret)
{
	union bpf_attr a = sys_attr();

	a.test.prog_fd = (uint32_t)prog_fd;
	a.test.ctx_in = (uint64_t)(uintptr_t)ctx;
	a.test.ctx_size_in = (uint32_t)(n * sizeof(*ctx));
	int r = sys_bpf(BPF_PROG_TEST_RUN, &a);
	if (r < 0)
		return sys_bpf_failed(r, "run a program once");
	*ret = a.test.retval;
	return 0;
}

int bpf_prog_missed(int prog_fd, uint64_t *ret)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr a = sys_attr();

	a.info.bpf_fd = (uint32_t)prog_fd;
	a.info.info_len = sizeof(info);
	a.info.info = (uint64_t)(uintptr_t)&info;
	int r = sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a);
	if (r < 0)
		return sys_bpf_failed(r, "ask for a program's misses");
	*ret = info.recursion_misses;
	return 0;
}
