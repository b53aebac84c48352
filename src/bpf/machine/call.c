/* SPDX-License-Identifier: MIT */
/**
 * Helper functions, as Linux describes them in bpf-helpers(7). The verifier saw to it that
 * addresses and lengths fit; what it cannot know is looked at here.
 */
#include "bpf/machine/call.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "bpf/machine/map.h"

enum {
	LOOPS_MOST = 1 << 23, /* BPF_MAX_LOOPS of the kernel */
	JIFFY_NS = 4000000,   /* of the usual 250 Hz */
	STR_STEP = 64,
};

typedef uint64_t u64;

/* Addresses in registers are numbers. */
static void *ptr(u64 addr)
{
	return (void *)(uintptr_t)addr;
}

static struct machine_map *map_in(u64 addr)
{
	return ptr(addr);
}

static u64 error(int err)
{
	return (u64)(int64_t)err;
}

/* --- maps --- */

static u64 lookup(u64 map, u64 key, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)c, (void)d, (void)e, (void)m;
	return (uintptr_t)map_find(map_in(map), ptr(key));
}

static u64 lookup_percpu(u64 map, u64 key, u64 cpu, u64 d, u64 e, struct machine *m)
{
	(void)d, (void)e, (void)m;
	return (uint32_t)cpu ? 0 : (uintptr_t)map_find(map_in(map), ptr(key));
}

static u64 update(u64 map, u64 key, u64 val, u64 flags, u64 e, struct machine *m)
{
	(void)e;
	return error(map_update(m, map_in(map), ptr(key), ptr(val), flags));
}

static u64 delete (u64 map, u64 key, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)c, (void)d, (void)e, (void)m;
	return error(map_delete(map_in(map), ptr(key)));
}

/* --- calling back --- */

u64 machine_call(struct machine *m, u64 fn, const u64 args[static 5])
{
	const struct machine_prog *p = m->prog;

	if (fn >= p->n_fns || m->fp - FRAME_LEN == m->stack) {
		m->faults++;
		return 1;
	}
	m->budget -= p->fns[fn].cost;
	if (m->budget < 0)
		return 1;
	m->fp -= FRAME_LEN;
	const u64 r = p->native ? p->native[fn](args[0], args[1], args[2], args[3], args[4], m)
				: interp_run(p, p->fns[fn].insn, args, m);
	m->fp += FRAME_LEN;
	return m->budget < 0 ? 1 : r;
}

static u64 loop(u64 n, u64 fn, u64 arg, u64 flags, u64 e, struct machine *m)
{
	(void)e;
	n = (uint32_t)n;
	if (flags)
		return error(-EINVAL);
	if (n > LOOPS_MOST)
		return error(-E2BIG);
	for (u64 i = 0; i < n; i++) {
		if (machine_call(m, fn, (u64[5]){ i, arg }))
			return i + 1;
	}
	return n;
}

static u64 each_of_hash(const struct machine_map *map, u64 fn, u64 arg, struct machine *m)
{
	struct hash_walk w = { 0 };
	const void *key;
	void *val;
	u64 n = 0;

	while (hash_next(map->hash, &w, &key, &val)) {
		n++;
		if (machine_call(m, fn,
				 (u64[5]){ (uintptr_t)map, (uintptr_t)key, (uintptr_t)val, arg }))
			break;
	}
	return n;
}

static u64 each(u64 map, u64 fn, u64 arg, u64 flags, u64 e, struct machine *m)
{
	const struct machine_map *mm = map_in(map);
	uint32_t *key = &m->keys[(m->stack + sizeof(m->stack) - m->fp) / FRAME_LEN];
	u64 n = 0;

	(void)e;
	if (flags)
		return error(-EINVAL);
	if (mm->kind == MAP_HASH)
		return each_of_hash(mm, fn, arg, m);
	while (n < mm->spec->max_entries) {
		uint8_t *val = mm->values + n * mm->stride;

		*key = (uint32_t)n++;
		if (machine_call(m, fn, (u64[5]){ map, (uintptr_t)key, (uintptr_t)val, arg }))
			break;
	}
	return n;
}

/* --- what is now --- */

static u64 time_ns(u64 a, u64 b, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return m->now.ts_ns;
}

static u64 jiffies(u64 a, u64 b, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return m->now.ts_ns / JIFFY_NS;
}

static u64 pid_tgid(u64 a, u64 b, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return m->now.pid_tgid;
}

static u64 uid_gid(u64 a, u64 b, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return m->now.uid_gid;
}

static u64 cpu(u64 a, u64 b, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return m->now.cpu;
}

static u64 zero(u64 a, u64 b, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)m;
	return 0;
}

static u64 comm(u64 buf, u64 size, u64 c, u64 d, u64 e, struct machine *m)
{
	char *to = ptr(buf);
	const size_t n = size < sizeof(m->now.comm) ? size : sizeof(m->now.comm);

	(void)c, (void)d, (void)e;
	if (!size)
		return error(-EINVAL);
	memcpy(to, m->now.comm, n);
	memset(to + n, 0, size - n);
	if (n < sizeof(m->now.comm))
		to[n - 1] = '\0';
	return 0;
}

/* Numbers that come again in each run, by xorshift64*. */
static u64 random32(u64 a, u64 b, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return m->random * 0x2545f4914f6cdd1dULL >> 32;
}

static u64 field(u64 ctx, u64 index, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)ctx, (void)c, (void)d, (void)e;
	return m->ops->field ? m->ops->field(m->arg, &m->now, (uint32_t)index) : 0;
}

static u64 field_len(u64 ctx, u64 index, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)ctx, (void)c, (void)d, (void)e;
	return m->ops->field_len ? m->ops->field_len(m->arg, &m->now, (uint32_t)index) : 0;
}

static u64 part(u64 ctx, u64 index, u64 c, u64 d, u64 e, struct machine *m)
{
	const u64 at[MACHINE_PART_PLACES] = { c, d, e };

	(void)ctx;
	return m->ops->part ? m->ops->part(m->arg, &m->now, (uint32_t)index, at) : 0;
}

static u64 place(u64 a, u64 b, u64 c, u64 d, u64 e, struct machine *m)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return m->now.place;
}

/* --- records --- */

static u64 reserve(u64 ring, u64 len, u64 flags, u64 d, u64 e, struct machine *m)
{
	(void)ring, (void)d, (void)e;
	if (flags || m->n_records == RECORDS_MOST || len > m->record_len)
		return 0;
	m->records[m->n_records].len = len;
	return (uintptr_t)m->records[m->n_records++].data;
}

/* Records that are still reserved keep their place; false: @rec is none of them. */
static bool take_record(struct machine *m, u64 rec, struct record *ret)
{
	for (uint32_t i = m->n_records; i-- > 0;) {
		if ((uintptr_t)m->records[i].data != rec)
			continue;
		*ret = m->records[i];
		m->records[i] = m->records[--m->n_records];
		m->records[m->n_records] = *ret;
		return true;
	}
	return false;
}

static u64 submit(u64 rec, u64 flags, u64 c, u64 d, u64 e, struct machine *m)
{
	struct record r;

	(void)flags, (void)c, (void)d, (void)e;
	if (take_record(m, rec, &r) && m->ops->record)
		m->ops->record(m->arg, r.data, r.len);
	return 0;
}

static u64 discard(u64 rec, u64 flags, u64 c, u64 d, u64 e, struct machine *m)
{
	struct record r;

	(void)flags, (void)c, (void)d, (void)e;
	(void)take_record(m, rec, &r); // what is none need not be given back
	return 0;
}

static u64 output(u64 ring, u64 data, u64 len, u64 flags, u64 e, struct machine *m)
{
	(void)ring, (void)flags, (void)e;
	if (m->ops->record)
		m->ops->record(m->arg, ptr(data), len);
	return 0;
}

/* --- memory of others --- */

static bool read_other(const struct machine *m, u64 addr, void *ret, size_t len)
{
	return m->ops->read && addr + len >= addr && m->ops->read(m->arg, addr, ret, len);
}

static u64 read_mem(u64 dst, u64 size, u64 src, u64 d, u64 e, struct machine *m)
{
	(void)d, (void)e;
	if (!size)
		return 0;
	if (machine_readable(m, src) >= size) {
		memmove(ptr(dst), ptr(src), size);
		return 0;
	}
	if (read_other(m, src, ptr(dst), size))
		return 0;
	memset(ptr(dst), 0, size);
	return error(-EFAULT);
}

/* Up to @n bytes with the 0 that ends them; how many, or 0: not all that is wanted can be read. */
static size_t copy_text(const struct machine *m, char *to, u64 src, size_t n)
{
	const size_t here = machine_readable(m, src), some = here < n ? here : n;
	const void *end = some ? memchr(ptr(src), 0, some) : NULL;
	size_t done = end ? (size_t)((const char *)end - (const char *)ptr(src)) + 1 : some;

	if (some)
		memmove(to, ptr(src), done);
	if (end || done == n)
		return done;
	while (done < n) {
		const size_t step = n - done < STR_STEP ? n - done : STR_STEP;
		char part[STR_STEP]; // what is behind the 0 stays out, as in the kernel
		size_t got = read_other(m, src + done, part, step) ? step : 0;

		if (!got && !read_other(m, src + done, part, got = 1))
			return 0;
		end = memchr(part, 0, got);
		if (end)
			got = (size_t)((const char *)end - part) + 1;
		memcpy(to + done, part, got);
		done += got;
		if (end)
			return done;
	}
	return done;
}

static u64 read_text(u64 dst, u64 size, u64 src, u64 d, u64 e, struct machine *m)
{
	char *to = ptr(dst);

	(void)d, (void)e;
	if (!size)
		return 0;
	// The last byte becomes 0 whatever is there, which may be what cannot be read.
	const size_t got = size == 1 ? 0 : copy_text(m, to, src, size - 1);
	if (!got && size > 1) {
		memset(to, 0, size);
		return error(-EFAULT);
	}
	if (got && to[got - 1] == '\0')
		return got;
	to[got] = '\0';
	return got + 1;
}

static u64 load8(const void *p)
{
	u64 r;

	memcpy(&r, p, sizeof(r));
	return r;
}

/* The highest bit of the first byte that is 0, and maybe of some behind it; 0: there is none. */
static u64 zero_bytes(u64 v)
{
	const u64 ones = 0x0101010101010101, highs = 0x8080808080808080;

	return (v - ones) & ~v & highs;
}

/* The bytes up to that with the lowest of @bits; all of them, if there is none. */
static u64 up_to(u64 bits)
{
	return ((bits & -bits) << 1) - 1;
}

/* read_text() of 16 bytes, as names of threads have: without branches on where they end. */
static u64 read_text16(u64 dst, u64 size, u64 src, u64 d, u64 e, struct machine *m)
{
	const u64 off = src - (uintptr_t)m->now.mem;
	u64 a, b, *to = ptr(dst);

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || off >= m->now.mem_len ||
	    m->now.mem_len - off < 2 * sizeof(a))
		return read_text(dst, size, src, d, e, m);
	a = load8(ptr(src));
	b = load8(ptr(src + sizeof(a))) & UINT64_MAX >> 8; // the last byte becomes 0
	const u64 in_a = zero_bytes(a), in_b = zero_bytes(b);
	const u64 mask_a = up_to(in_a), mask_b = in_a ? 0 : up_to(in_b);
	const unsigned last = (unsigned)__builtin_ctzll(in_a ? in_a : in_b) / 8;
	a = (a & mask_a) | (load8(to) & ~mask_a);
	b = (b & mask_b) | (load8(to + 1) & ~mask_b);
	memcpy(to, &a, sizeof(a));
	memcpy(to + 1, &b, sizeof(b));
	return last + (in_a ? 1 : 1 + sizeof(a));
}

static u64 stack(u64 ctx, u64 buf, u64 size, u64 flags, u64 e, struct machine *m)
{
	const uint32_t n = (uint32_t)(size / sizeof(u64));
	int64_t got = -EINVAL;

	(void)ctx, (void)e;
	if (size % sizeof(u64) == 0 && buf % sizeof(u64) == 0)
		got = m->ops->stack ? m->ops->stack(m->arg, &m->now, ptr(buf), n, flags) : -EFAULT;
	if (got > (int64_t)size)
		got = (int64_t)size;
	if (got < 0 && size)
		memset(ptr(buf), 0, size);
	return (u64)got;
}

static u64 compare(u64 a, u64 size, u64 b, u64 d, u64 e, struct machine *m)
{
	const size_t there = machine_readable(m, b), n = size < there ? size : there;

	(void)d, (void)e;
	if (!n)
		return size ? error(-EFAULT) : 0;
	return (u64)(int64_t)strncmp(ptr(a), ptr(b), n);
}

/* --- the table --- */

#define READ(what, fn, ret)                                                \
	{                                                                  \
		what, fn, { ARG_OUT, ARG_SIZE, ARG_ANY }, ret, INLINE_NONE \
	}

static const struct helper own[] = {
	{ "machine_field", field, { ARG_ANY, ARG_ANY }, RESULT_ANY, INLINE_NONE },
	{ "machine_field_len", field_len, { ARG_ANY, ARG_ANY }, RESULT_ANY, INLINE_NONE },
	{ "machine_part",
	  part,
	  { ARG_ANY, ARG_ANY, ARG_ANY, ARG_ANY, ARG_ANY },
	  RESULT_ANY,
	  INLINE_NONE },
	{ "machine_place", place, { 0 }, RESULT_ANY, INLINE_PLACE },
};

static const struct helper helpers[] = {
	[BPF_FUNC_map_lookup_elem] = { "map_lookup_elem",
				       lookup,
				       { ARG_TABLE, ARG_KEY },
				       RESULT_VALUE,
				       INLINE_LOOKUP },
	[BPF_FUNC_map_update_elem] = { "map_update_elem",
				       update,
				       { ARG_TABLE, ARG_KEY, ARG_VALUE, ARG_ANY },
				       RESULT_ANY,
				       INLINE_NONE },
	[BPF_FUNC_map_delete_elem] = { "map_delete_elem",
				       delete,
				       { ARG_TABLE, ARG_KEY },
				       RESULT_ANY,
				       INLINE_NONE },
	[BPF_FUNC_map_lookup_percpu_elem] = { "map_lookup_percpu_elem",
					      lookup_percpu,
					      { ARG_TABLE, ARG_KEY, ARG_ANY },
					      RESULT_VALUE,
					      INLINE_NONE },
	[BPF_FUNC_for_each_map_elem] = { "for_each_map_elem",
					 each,
					 { ARG_TABLE, ARG_EACH_FN, ARG_ANY, ARG_ANY },
					 RESULT_ANY,
					 INLINE_NONE },
	[BPF_FUNC_loop] = { "loop",
			    loop,
			    { ARG_ANY, ARG_LOOP_FN, ARG_ANY, ARG_ANY },
			    RESULT_ANY,
			    INLINE_NONE },
	[BPF_FUNC_ktime_get_ns] = { "ktime_get_ns", time_ns, { 0 }, RESULT_ANY, INLINE_TIME },
	[BPF_FUNC_ktime_get_boot_ns] = { "ktime_get_boot_ns",
					 time_ns,
					 { 0 },
					 RESULT_ANY,
					 INLINE_TIME },
	[BPF_FUNC_ktime_get_tai_ns] = { "ktime_get_tai_ns",
					time_ns,
					{ 0 },
					RESULT_ANY,
					INLINE_TIME },
	[BPF_FUNC_ktime_get_coarse_ns] = { "ktime_get_coarse_ns",
					   time_ns,
					   { 0 },
					   RESULT_ANY,
					   INLINE_TIME },
	[BPF_FUNC_jiffies64] = { "jiffies64", jiffies, { 0 }, RESULT_ANY, INLINE_NONE },
	[BPF_FUNC_get_current_pid_tgid] = { "get_current_pid_tgid",
					    pid_tgid,
					    { 0 },
					    RESULT_ANY,
					    INLINE_PID_TGID },
	[BPF_FUNC_get_current_uid_gid] = { "get_current_uid_gid",
					   uid_gid,
					   { 0 },
					   RESULT_ANY,
					   INLINE_UID_GID },
	[BPF_FUNC_get_smp_processor_id] = { "get_smp_processor_id",
					    cpu,
					    { 0 },
					    RESULT_ANY,
					    INLINE_CPU },
	[BPF_FUNC_get_numa_node_id] = { "get_numa_node_id", zero, { 0 }, RESULT_ANY, INLINE_ZERO },
	[BPF_FUNC_get_current_comm] = { "get_current_comm",
					comm,
					{ ARG_OUT, ARG_SIZE },
					RESULT_ANY,
					INLINE_COMM },
	[BPF_FUNC_get_prandom_u32] = { "get_prandom_u32",
				       random32,
				       { 0 },
				       RESULT_ANY,
				       INLINE_NONE },
	[BPF_FUNC_ringbuf_reserve] = { "ringbuf_reserve",
				       reserve,
				       { ARG_RING, ARG_LEN, ARG_ANY },
				       RESULT_RECORD,
				       INLINE_NONE },
	[BPF_FUNC_ringbuf_submit] = { "ringbuf_submit",
				      submit,
				      { ARG_RECORD, ARG_ANY },
				      RESULT_ANY,
				      INLINE_NONE },
	[BPF_FUNC_ringbuf_discard] = { "ringbuf_discard",
				       discard,
				       { ARG_RECORD, ARG_ANY },
				       RESULT_ANY,
				       INLINE_NONE },
	[BPF_FUNC_ringbuf_output] = { "ringbuf_output",
				      output,
				      { ARG_RING, ARG_IN, ARG_SIZE, ARG_ANY },
				      RESULT_ANY,
				      INLINE_NONE },
	[BPF_FUNC_probe_read] = READ("probe_read", read_mem, RESULT_ANY),
	[BPF_FUNC_probe_read_kernel] = READ("probe_read_kernel", read_mem, RESULT_ANY),
	[BPF_FUNC_probe_read_user] = READ("probe_read_user", read_mem, RESULT_ANY),
	[BPF_FUNC_probe_read_str] = READ("probe_read_str", read_text, RESULT_LEN),
	[BPF_FUNC_probe_read_kernel_str] = READ("probe_read_kernel_str", read_text, RESULT_LEN),
	[BPF_FUNC_probe_read_user_str] = READ("probe_read_user_str", read_text, RESULT_LEN),
	[BPF_FUNC_get_stack] = { "get_stack",
				 stack,
				 { ARG_ANY, ARG_OUT, ARG_SIZE, ARG_ANY },
				 RESULT_ANY,
				 INLINE_NONE },
	[BPF_FUNC_strncmp] = { "strncmp",
			       compare,
			       { ARG_IN, ARG_SIZE, ARG_ANY },
			       RESULT_ANY,
			       INLINE_NONE },
};
#undef READ

const struct helper *helper_find(int32_t id)
{
	const uint32_t i = (uint32_t)id, first = MACHINE_FIELD;

	if (i >= first && i - first < MEM_LEN(own))
		return &own[i - first];
	return i < MEM_LEN(helpers) && helpers[i].f ? &helpers[i] : NULL;
}

machine_fn *helper_fit(const struct helper *h, const struct insn_note *note)
{
	return h->f == read_text && !note->is_several && note->size == 16 ? read_text16 : h->f;
}
