/* SPDX-License-Identifier: MIT */
/** Builds the description of a trace that is about to be written. */
#include "ctf/describe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include <sonde/err.h>

#include "model/bits.h"

int describe_ok(const struct describe *d)
{
	return d->failed ? sonde_fail(-ENOMEM, "trace description: out of memory") : 0;
}

static void *desc_alloc(struct describe *d, size_t len)
{
	void *p = arena_alloc(d->arena, len);

	if (!p)
		d->failed = true;
	return p;
}

static const char *desc_str(struct describe *d, const char *s)
{
	char *p = arena_strndup(d->arena, s, strlen(s));

	if (!p)
		d->failed = true;
	return p;
}

/* Room for one more behind the @n elements of @arr, which grows at powers of two. */
static void *desc_more(struct describe *d, const void *arr, size_t n, size_t size)
{
	if (n && (n & (n - 1)))
		return (void *)arr;
	void *p = arena_array(d->arena, n ? 2 * n : 1, size);
	if (!p)
		d->failed = true;
	else if (n)
		memcpy(p, arr, n * size);
	return p;
}

static struct sonde_type *new_type(struct describe *d, enum sonde_kind kind)
{
	struct sonde_type *t = desc_alloc(d, sizeof(*t));

	if (t) {
		t->kind = kind;
		t->align = 1;
		t->fixed_len = -1;
	}
	return t;
}

static struct sonde_type *new_int(struct describe *d, unsigned len, uint8_t base, bool is_signed)
{
	struct sonde_type *t = new_type(d, SONDE_INT);

	if (t) {
		t->align = len;
		t->fixed_len = len;
		t->u.integer = (struct sonde_int){
			.len = (uint8_t)len,
			.base = base,
			.is_signed = is_signed,
			.big_endian = d->trace.big_endian,
		};
	}
	return t;
}

struct sonde_type *describe_int(struct describe *d, unsigned len, bool is_signed)
{
	return new_int(d, len, 10, is_signed);
}

struct sonde_type *describe_hex(struct describe *d, unsigned len)
{
	return new_int(d, len, 16, false);
}

struct sonde_type *describe_time(struct describe *d)
{
	struct sonde_type *t = new_int(d, 64, 10, false);

	if (t)
		t->u.integer.clock = d->clock;
	return t;
}

struct sonde_type *describe_string(struct describe *d)
{
	struct sonde_type *t = new_type(d, SONDE_STRING);

	if (t) {
		t->align = 8;
		t->u.string.encoding = SONDE_ENC_UTF8;
	}
	return t;
}

static struct sonde_type *new_char(struct describe *d)
{
	struct sonde_type *t = new_int(d, 8, 10, false);

	if (t)
		t->u.integer.encoding = SONDE_ENC_UTF8;
	return t;
}

struct sonde_type *describe_array(struct describe *d, struct sonde_type *elem, uint64_t n)
{
	struct sonde_type *t = new_type(d, SONDE_ARRAY);

	if (!t || !elem)
		return NULL;
	t->align = elem->align;
	t->u.array.elem = elem;
	t->u.array.n = n;
	if (elem->fixed_len >= 0 && !n)
		t->fixed_len = 0;
	else if (elem->fixed_len >= 0)
		t->fixed_len =
			(int64_t)((n - 1) * bits_align((uint64_t)elem->fixed_len, elem->align)) +
			elem->fixed_len;
	return t;
}

struct sonde_type *describe_text(struct describe *d, uint64_t n)
{
	struct sonde_type *t = describe_array(d, new_char(d), n);

	if (t)
		t->u.array.is_text = true;
	return t;
}

struct sonde_type *describe_sequence(struct describe *d, struct sonde_type *elem,
				     struct sonde_type *length)
{
	struct sonde_type *t = new_type(d, SONDE_SEQUENCE);

	if (!t || !elem || !length)
		return NULL;
	if (!length->save)
		length->save = ++d->trace.n_slots;
	t->align = elem->align;
	t->ref = length->save;
	t->u.array.elem = elem;
	return t;
}

struct sonde_type *describe_text_sequence(struct describe *d, struct sonde_type *length)
{
	struct sonde_type *t = describe_sequence(d, new_char(d), length);

	if (t)
		t->u.array.is_text = true;
	return t;
}

struct sonde_type *describe_struct(struct describe *d)
{
	struct sonde_type *t = new_type(d, SONDE_STRUCT);

	if (t)
		t->fixed_len = 0;
	return t;
}

void describe_exact_member(struct describe *d, struct sonde_type *st, const char *name,
			   struct sonde_type *type)
{
	if (!st || !type) {
		d->failed = true;
		return;
	}
	const size_t n = st->u.structure.n_members;
	struct sonde_member *members =
		desc_more(d, st->u.structure.members, n, sizeof(struct sonde_member));
	const char *copy = desc_str(d, name);
	if (!members || !copy)
		return;
	members[n] = (struct sonde_member){
		.name = copy,
		.shown = copy[0] == '_' ? copy + 1 : copy,
		.type = type,
	};
	st->u.structure.members = members;
	st->u.structure.n_members = n + 1;
	if (type->align > st->align)
		st->align = type->align;
	if (st->fixed_len >= 0 && type->fixed_len >= 0)
		st->fixed_len =
			(int64_t)bits_align((uint64_t)st->fixed_len, type->align) + type->fixed_len;
	else
		st->fixed_len = -1;
}

void describe_member(struct describe *d, struct sonde_type *st, const char *name,
		     struct sonde_type *type)
{
	char escaped[256];

	// Longer names than a kernel's or ours are cut: they cannot come from there.
	(void)snprintf(escaped, sizeof(escaped), "_%s", name);
	describe_exact_member(d, st, escaped, type);
}

static void *mutable_push(struct describe *d, void *arr, size_t *n, void *item)
{
	void **grown = desc_more(d, arr, *n, sizeof(*grown));

	if (!grown || !item) {
		d->failed = true;
		return arr;
	}
	grown[(*n)++] = item;
	return grown;
}

/* CLOCK_REALTIME - CLOCK_MONOTONIC: the tightest of several sandwiches counts. */
static int64_t measure_offset(void)
{
	int64_t best = INT64_MAX, offset = 0;

	for (int i = 0; i < 32; i++) {
		struct timespec a, real, b;

		(void)clock_gettime(CLOCK_MONOTONIC, &a);
		(void)clock_gettime(CLOCK_REALTIME, &real);
		(void)clock_gettime(CLOCK_MONOTONIC, &b);
		int64_t from = a.tv_sec * 1000000000 + a.tv_nsec;
		int64_t to = b.tv_sec * 1000000000 + b.tv_nsec;
		if (to - from >= best)
			continue;
		best = to - from;
		offset = real.tv_sec * 1000000000 + real.tv_nsec - (from + (to - from) / 2);
	}
	return offset;
}

/* The id of this boot: traces of one boot share their clock. */
static void boot_id(struct sonde_clock *c)
{
	char text[64] = { 0 };
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned n = 0;

	if (!f)
		return;
	if (fgets(text, sizeof(text), f)) {
		for (const char *p = text; *p && n < 16; p++) {
			unsigned v;
			if (*p == '-' || sscanf(p, "%2x", &v) != 1)
				continue;
			c->uuid[n++] = (uint8_t)v;
			p++;
		}
	}
	(void)fclose(f);
	c->has_uuid = n == 16;
}

static void add_clock(struct describe *d)
{
	struct sonde_clock *c = desc_alloc(d, sizeof(*c));
	const struct sonde_clock **list = desc_alloc(d, sizeof(*list));

	if (!c || !list)
		return;
	int64_t offset = measure_offset();
	int64_t s = offset / 1000000000;
	if (offset < 0 && offset % 1000000000)
		s--;
	c->name = "monotonic";
	c->description = "CLOCK_MONOTONIC";
	c->freq = 1000000000;
	c->offset_s = s;
	c->offset = (uint64_t)(offset - s * 1000000000);
	c->absolute = true;
	c->is_unix = true;
	boot_id(c);
	list[0] = c;
	d->clock = c;
	d->trace.clocks = list;
	d->trace.n_clocks = 1;
}

void describe_trace(struct describe *d, const uint8_t uuid[16])
{
	d->trace = (struct sonde_trace){
		.has_uuid = true,
		.big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
	};
	memcpy(d->trace.uuid, uuid, 16);
	add_clock(d);

	struct sonde_type *h = describe_struct(d);
	describe_exact_member(d, h, "magic", describe_hex(d, 32));
	describe_exact_member(d, h, "uuid", describe_array(d, describe_int(d, 8, false), 16));
	describe_exact_member(d, h, "stream_id", describe_int(d, 32, false));
	d->trace.packet_header = h;
}

static struct sonde_env *add_env(struct describe *d, const char *name)
{
	struct sonde_env *env = desc_more(d, d->trace.env, d->trace.n_env, sizeof(*env));

	if (!env)
		return NULL;
	env[d->trace.n_env].name = desc_str(d, name);
	d->trace.env = env;
	return &env[d->trace.n_env++];
}

void describe_env_str(struct describe *d, const char *name, const char *value)
{
	struct sonde_env *e = add_env(d, name);

	if (e)
		e->str = desc_str(d, value);
}

void describe_env_int(struct describe *d, const char *name, int64_t value)
{
	struct sonde_env *e = add_env(d, name);

	if (e)
		e->num = value;
}

/* The machine's model, or what runs it. */
static void env_product(struct describe *d)
{
	static const char *const paths[] = {
		"/sys/class/dmi/id/product_name",
		"/sys/firmware/devicetree/base/model",
	};

	for (size_t i = 0; i < MEM_LEN(paths); i++) {
		char text[128] = { 0 };
		FILE *f = fopen(paths[i], "re");
		if (!f)
			continue;
		bool got = fgets(text, sizeof(text), f) != NULL;
		(void)fclose(f);
		text[strcspn(text, "\n")] = '\0';
		if (got && text[0]) {
			describe_env_str(d, "product", text);
			return;
		}
	}
	describe_env_str(d, "product", "unknown");
}

void describe_env_host(struct describe *d)
{
	struct utsname u;
	int major = 0, minor = 0;

	(void)sscanf(SONDE_VERSION, "%d.%d", &major, &minor);
	if (uname(&u) < 0)
		u = (struct utsname){ .sysname = "Linux" };
	describe_env_str(d, "hostname", u.nodename);
	describe_env_str(d, "domain", "kernel");
	describe_env_str(d, "sysname", u.sysname);
	describe_env_str(d, "kernel_release", u.release);
	describe_env_str(d, "kernel_version", u.version);
	describe_env_str(d, "architecture", u.machine);
	describe_env_str(d, "tracer_name", "sonde");
	describe_env_int(d, "tracer_major", major);
	describe_env_int(d, "tracer_minor", minor);
	env_product(d);
}

static struct sonde_type *packet_context(struct describe *d)
{
	struct sonde_type *c = describe_struct(d);

	describe_exact_member(d, c, "timestamp_begin", describe_time(d));
	describe_exact_member(d, c, "timestamp_end", describe_time(d));
	describe_exact_member(d, c, "content_size", describe_int(d, 64, false));
	describe_exact_member(d, c, "packet_size", describe_int(d, 64, false));
	describe_exact_member(d, c, "packet_seq_num", describe_int(d, 64, false));
	describe_exact_member(d, c, "events_discarded", describe_int(d, 64, false));
	describe_exact_member(d, c, "cpu_id", describe_int(d, 32, false));
	return c;
}

struct sonde_type *describe_event_header(struct describe *d)
{
	struct sonde_type *h = describe_struct(d);

	describe_exact_member(d, h, "timestamp", describe_time(d));
	describe_exact_member(d, h, "id", describe_int(d, 16, false));
	return h;
}

struct sonde_stream_class *describe_stream(struct describe *d, uint64_t id,
					   struct sonde_type *event_header,
					   struct sonde_type *event_context)
{
	struct sonde_stream_class *s = desc_alloc(d, sizeof(*s));

	if (!s)
		return NULL;
	s->trace = &d->trace;
	s->id = id;
	s->has_id = true;
	s->clock = d->clock;
	s->packet_context = packet_context(d);
	s->event_header = event_header;
	s->event_context = event_context;
	d->trace.streams = mutable_push(d, d->trace.streams, &d->trace.n_streams, s);
	return s;
}

struct sonde_event_class *describe_event(struct describe *d, struct sonde_stream_class *stream,
					 const char *name, uint64_t id, struct sonde_type *payload)
{
	struct sonde_event_class *e = desc_alloc(d, sizeof(*e));

	if (!e || !stream) {
		d->failed = true;
		return NULL;
	}
	e->stream_class = stream;
	e->name = desc_str(d, name);
	e->id = id;
	e->loglevel = -1;
	e->payload = payload;
	stream->events = mutable_push(d, stream->events, &stream->n_events, e);
	return e;
}
