/* SPDX-License-Identifier: MIT */
/** Describes and writes samples, maps, names, forks and exits. */
#include "record/sample_events.h"

#include <string.h>

#include "base/mem.h"
#include "record/source.h"

enum event_id { ID_SAMPLE, ID_MMAP, ID_COMM, ID_FORK, ID_EXIT, ID_FORGET };

/* Of a stream of its own. */
enum { ID_CALL };

/* The header is u64 time and u16 id; a payload begins at the alignment of its widest member. */
enum { HEADER_LEN = 10, AT_ALIGN_4 = 12, AT_ALIGN_8 = 16, CHAIN_MOST = 4096 };
/* Behind the context, of 8 bytes: arguments, number, lengths and what aligns them. */
enum { AT_CALL = 24, CALL_LEN = 64 };

static void describe_pid(struct describe *d, struct sonde_type *st, const char *name)
{
	describe_member(d, st, name, describe_int(d, 32, true));
}

static void describe_sample(struct describe *d, struct sonde_stream_class *sc)
{
	struct sonde_type *p = describe_struct(d);
	struct sonde_type *n_kernel = describe_int(d, 32, false);
	struct sonde_type *n_user = describe_int(d, 32, false);

	describe_member(d, p, "ip", describe_hex(d, 64));
	describe_pid(d, p, "pid");
	describe_pid(d, p, "tid");
	describe_member(d, p, "period", describe_int(d, 64, false));
	describe_member(d, p, "kernel_length", n_kernel);
	describe_member(d, p, "user_length", n_user);
	describe_member(d, p, "kernel", describe_sequence(d, describe_hex(d, 64), n_kernel));
	describe_member(d, p, "user", describe_sequence(d, describe_hex(d, 64), n_user));
	describe_event(d, sc, "perf:sample", ID_SAMPLE, p);
}

static void describe_mmap(struct describe *d, struct sonde_stream_class *sc)
{
	static const char *const hex[] = { "addr", "len", "pgoff" };
	struct sonde_type *p = describe_struct(d);

	describe_pid(d, p, "pid");
	describe_pid(d, p, "tid");
	for (size_t i = 0; i < MEM_LEN(hex); i++)
		describe_member(d, p, hex[i], describe_hex(d, 64));
	describe_member(d, p, "maj", describe_int(d, 32, false));
	describe_member(d, p, "min", describe_int(d, 32, false));
	describe_member(d, p, "ino", describe_int(d, 64, false));
	describe_member(d, p, "ino_generation", describe_int(d, 64, false));
	describe_member(d, p, "prot", describe_hex(d, 32));
	describe_member(d, p, "flags", describe_hex(d, 32));
	describe_member(d, p, "build_id", describe_string(d));
	describe_member(d, p, "filename", describe_string(d));
	describe_event(d, sc, "perf:mmap2", ID_MMAP, p);
}

static void describe_task(struct describe *d, struct sonde_stream_class *sc, const char *name,
			  enum event_id id)
{
	struct sonde_type *p = describe_struct(d);

	describe_pid(d, p, "pid");
	describe_pid(d, p, "ppid");
	describe_pid(d, p, "tid");
	describe_pid(d, p, "ptid");
	describe_event(d, sc, name, id, p);
}

void sample_events_describe(struct describe *d)
{
	struct sonde_stream_class *sc =
		describe_stream(d, RECORD_STREAM_SAMPLES, describe_event_header(d), NULL);
	struct sonde_type *comm = describe_struct(d), *forget = describe_struct(d);

	describe_sample(d, sc);
	describe_mmap(d, sc);
	describe_pid(d, comm, "pid");
	describe_pid(d, comm, "tid");
	describe_member(d, comm, "exec", describe_int(d, 32, false));
	describe_member(d, comm, "comm", describe_string(d));
	describe_event(d, sc, "perf:comm", ID_COMM, comm);
	describe_task(d, sc, "perf:fork", ID_FORK);
	describe_task(d, sc, "perf:exit", ID_EXIT);
	describe_member(d, forget, "lost", describe_int(d, 64, false));
	describe_event(d, sc, "perf:forget", ID_FORGET, forget);
}

void sample_calls_describe(struct describe *d)
{
	static const char *const args[] = { "uaddr", "op", "val", "utime", "uaddr2", "val3" };
	struct sonde_type *context = describe_struct(d), *p = describe_struct(d);
	struct sonde_type *n_kernel = describe_int(d, 32, false);
	struct sonde_type *n_user = describe_int(d, 32, false);

	describe_pid(d, context, "pid");
	describe_pid(d, context, "tid");
	struct sonde_stream_class *sc =
		describe_stream(d, RECORD_STREAM_CALLS, describe_event_header(d), context);
	for (size_t i = 0; i < MEM_LEN(args); i++) {
		const bool is_addr = strchr(args[i], 'u') != NULL;

		describe_member(d, p, args[i],
				is_addr ? describe_hex(d, 64) : describe_int(d, 64, true));
	}
	describe_pid(d, p, "__syscall_nr");
	describe_member(d, p, "callstack_kernel_length", n_kernel);
	describe_member(d, p, "callstack_user_length", n_user);
	describe_member(d, p, "callstack_kernel",
			describe_sequence(d, describe_hex(d, 64), n_kernel));
	describe_member(d, p, "callstack_user", describe_sequence(d, describe_hex(d, 64), n_user));
	describe_event(d, sc, "sys_enter_futex", ID_CALL, p);
}

bool sample_call_read(struct sonde_span raw, struct sample_call *ret)
{
	enum { AT_NR = 8, AT_ARGS = 16 }; /* the kernel's struct syscall_trace_enter */

	if (raw.len < AT_ARGS + sizeof(ret->args))
		return false;
	memcpy(&ret->nr, raw.data + AT_NR, sizeof(ret->nr));
	memcpy(ret->args, raw.data + AT_ARGS, sizeof(ret->args));
	return true;
}

static uint8_t *put(uint8_t *p, const void *data, size_t len)
{
	memcpy(p, data, len);
	return p + len;
}

static uint8_t *put_u32(uint8_t *p, uint32_t v)
{
	return put(p, &v, sizeof(v));
}

static uint8_t *put_u64(uint8_t *p, uint64_t v)
{
	return put(p, &v, sizeof(v));
}

/* Text up to its first 0, and a 0. */
static uint8_t *put_str(uint8_t *p, const char *s, size_t len)
{
	len = strnlen(s, len);
	p = put(p, s, len);
	*p++ = 0;
	return p;
}

/* Begins an event of @len bytes; NULL: the stream has failed. */
static uint8_t *begin(struct writer_stream *s, size_t len, uint64_t time, unsigned id,
		      size_t payload_at)
{
	uint16_t id16 = (uint16_t)id;
	uint8_t *p = writer_reserve(s, len);

	if (!p)
		return NULL;
	memset(p, 0, payload_at);
	put(put_u64(p, time), &id16, sizeof(id16));
	return p + payload_at;
}

int sample_write(struct writer_stream *s, const struct sample *e)
{
	const uint32_t nk = e->n_kernel < CHAIN_MOST ? e->n_kernel : (uint32_t)CHAIN_MOST;
	const uint32_t nu = e->n_user < CHAIN_MOST ? e->n_user : (uint32_t)CHAIN_MOST;
	const size_t len = AT_ALIGN_8 + 32 + 8 * ((size_t)nk + nu);
	uint8_t *p = begin(s, len, e->time, ID_SAMPLE, AT_ALIGN_8);

	if (!p)
		return s->err;
	p = put_u64(p, e->ip);
	p = put_u32(p, (uint32_t)e->pid);
	p = put_u32(p, (uint32_t)e->tid);
	p = put_u64(p, e->period);
	p = put_u32(p, nk);
	p = put_u32(p, nu);
	if (nk)
		p = put(p, e->kernel, 8 * (size_t)nk);
	if (nu)
		put(p, e->user, 8 * (size_t)nu);
	writer_commit(s, e->time, len);
	return 0;
}

int sample_write_call(struct writer_stream *s, const struct sample *e,
		      const struct sample_call *call)
{
	const uint32_t nk = e->n_kernel < CHAIN_MOST ? e->n_kernel : (uint32_t)CHAIN_MOST;
	const uint32_t nu = e->n_user < CHAIN_MOST ? e->n_user : (uint32_t)CHAIN_MOST;
	const size_t stacks = 8 * ((size_t)nk + nu), len = AT_CALL + CALL_LEN + stacks;
	uint8_t *p = begin(s, len, e->time, ID_CALL, AT_ALIGN_4);

	if (!p)
		return s->err;
	p = put_u32(p, (uint32_t)e->pid);
	p = put_u32(p, (uint32_t)e->tid);
	p = put_u32(p, 0); // the payload is aligned to its widest
	p = put(p, call->args, sizeof(call->args));
	p = put_u32(p, (uint32_t)call->nr);
	p = put_u32(p, nk);
	p = put_u32(p, nu);
	p = put_u32(p, 0); // sequences are aligned to their elements
	if (nk)
		p = put(p, e->kernel, 8 * (size_t)nk);
	if (nu)
		put(p, e->user, 8 * (size_t)nu);
	writer_commit(s, e->time, len);
	return 0;
}

int sample_write_map(struct writer_stream *s, uint64_t time, const struct sample_map *e)
{
	char id[BUILD_ID_HEX];
	const size_t path_len = strlen(e->file->path);

	build_id_hex(&e->file->id, id);
	if (!id[0])
		memcpy(id, "-", 2); // babeltrace2 shows an earlier text for an empty one
	const size_t len = AT_ALIGN_8 + 64 + strlen(id) + 1 + path_len + 1;
	uint8_t *p = begin(s, len, time, ID_MMAP, AT_ALIGN_8);

	if (!p)
		return s->err;
	p = put_u32(p, (uint32_t)e->pid);
	p = put_u32(p, (uint32_t)e->tid);
	p = put_u64(p, e->addr);
	p = put_u64(p, e->len);
	p = put_u64(p, e->off);
	p = put_u32(p, e->file->maj);
	p = put_u32(p, e->file->min);
	p = put_u64(p, e->file->ino);
	p = put_u64(p, e->file->gen);
	p = put_u32(p, e->prot);
	p = put_u32(p, e->flags);
	p = put_str(p, id, sizeof(id));
	put_str(p, e->file->path, path_len);
	writer_commit(s, time, len);
	return 0;
}

int sample_write_comm(struct writer_stream *s, uint64_t time, const struct sample_task *e)
{
	const size_t comm_len = strnlen(e->comm, e->comm_len);
	const size_t len = AT_ALIGN_4 + 12 + comm_len + 1;
	uint8_t *p = begin(s, len, time, ID_COMM, AT_ALIGN_4);

	if (!p)
		return s->err;
	p = put_u32(p, (uint32_t)e->pid);
	p = put_u32(p, (uint32_t)e->tid);
	p = put_u32(p, e->exec);
	put_str(p, e->comm, comm_len);
	writer_commit(s, time, len);
	return 0;
}

static int write_task(struct writer_stream *s, uint64_t time, const struct sample_task *e,
		      enum event_id id)
{
	const size_t len = AT_ALIGN_4 + 16;
	uint8_t *p = begin(s, len, time, id, AT_ALIGN_4);

	if (!p)
		return s->err;
	p = put_u32(p, (uint32_t)e->pid);
	p = put_u32(p, (uint32_t)e->ppid);
	p = put_u32(p, (uint32_t)e->tid);
	put_u32(p, (uint32_t)e->ptid);
	writer_commit(s, time, len);
	return 0;
}

int sample_write_fork(struct writer_stream *s, uint64_t time, const struct sample_task *e)
{
	return write_task(s, time, e, ID_FORK);
}

int sample_write_exit(struct writer_stream *s, uint64_t time, const struct sample_task *e)
{
	return write_task(s, time, e, ID_EXIT);
}

int sample_write_forget(struct writer_stream *s, uint64_t time, uint64_t n)
{
	uint8_t *p = begin(s, AT_ALIGN_8 + 8, time, ID_FORGET, AT_ALIGN_8);

	if (!p)
		return s->err;
	put_u64(p, n);
	writer_commit(s, time, AT_ALIGN_8 + 8);
	return 0;
}
