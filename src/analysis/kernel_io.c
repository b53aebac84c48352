/* SPDX-License-Identifier: MIT */
/** Block requests of the kernel model: what their events tell, and the names of disks. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/kernel_state.h"
#include "base/mem.h"

enum { IO_DEV, IO_SECTOR, IO_SECTORS, IO_BYTES, IO_FLAGS, IO_TID };
enum { DISK_DEV, DISK_NAME };
enum { MINOR_BITS = 20, MINOR_MOST = (1 << MINOR_BITS) - 1 };

/* rwbs of LTTng: linux/blktrace_api.h's letters as bits. */
enum { FLAG_WRITE = 1, FLAG_DISCARD = 2, FLAG_READ = 4, FLAG_FLUSH = 0x100 };

static int64_t get(const struct kernel_event *ev, const struct sonde_event *e, int field,
		   int64_t otherwise)
{
	int64_t v = otherwise;

	(void)kernel_int(e, &ev->ints[field], &ev->fields[field], &v);
	return v;
}

/* The letters of ftrace as bits. */
static int64_t flags_of_text(struct sonde_span text)
{
	int64_t flags = 0;

	for (size_t i = 0; i < text.len; i++) {
		switch (text.data[i]) {
		case 'R': flags |= FLAG_READ; break;
		case 'W': flags |= FLAG_WRITE; break;
		case 'D': flags |= FLAG_DISCARD; break;
		case 'F': flags |= FLAG_FLUSH; break;
		default: break;
		}
	}
	return flags;
}

static enum kernel_io_op op_of(const struct kernel_event *ev, const struct sonde_event *e,
			       int64_t n_sectors)
{
	struct sonde_span text;
	const int64_t flags = field_text(e, &ev->fields[IO_FLAGS], &text) ? flags_of_text(text)
									  : get(ev, e, IO_FLAGS, 0);

	// A write may be told to flush before it; the flush alone is such a one of no sectors.
	if (flags & FLAG_FLUSH && !n_sectors)
		return KERNEL_IO_FLUSH;
	if (flags & FLAG_DISCARD)
		return KERNEL_IO_DISCARD;
	if (flags & FLAG_WRITE)
		return KERNEL_IO_WRITE;
	return flags & FLAG_READ ? KERNEL_IO_READ : KERNEL_IO_OTHER;
}

static void tell(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		 struct kernel_cpu *c, enum kernel_io_step step)
{
	enum { SECTOR_BYTES = 512 };
	const int64_t tid = get(ev, e, IO_TID, -1);
	const int64_t n_sectors = get(ev, e, IO_SECTORS, 0);
	struct kernel_io io = {
		.step = step,
		.op = op_of(ev, e, n_sectors),
		.dev = (uint32_t)get(ev, e, IO_DEV, 0),
		.sector = get(ev, e, IO_SECTOR, 0),
		.n_sectors = n_sectors,
		.at_ns = e->ts_ns,
		.thread = tid > 0 ? kernel_thread(k, c, tid) : c->current,
	};
	int64_t bytes = get(ev, e, IO_BYTES, 0);

	// Requests of files tell 0 to some tracers.
	if (bytes <= 0 && __builtin_mul_overflow(io.n_sectors, (int64_t)SECTOR_BYTES, &bytes))
		bytes = 0;
	io.bytes = bytes > 0 ? bytes : 0;
	// Commands to devices that are no disks have none.
	if (io.dev)
		k->watch->io(k->arg, c, &io);
}

static void on_insert(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		      struct kernel_cpu *c)
{
	tell(k, ev, e, c, KERNEL_IO_INSERT);
}

static void on_issue(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		     struct kernel_cpu *c)
{
	tell(k, ev, e, c, KERNEL_IO_ISSUE);
}

static void on_complete(struct kernel *k, const struct kernel_event *ev,
			const struct sonde_event *e, struct kernel_cpu *c)
{
	tell(k, ev, e, c, KERNEL_IO_COMPLETE);
}

static struct kernel_disk *find_disk(const struct kernel_host *h, uint32_t dev)
{
	for (size_t i = 0; i < h->n_disks; i++) {
		if (h->disks[i].dev == dev)
			return &h->disks[i];
	}
	return NULL;
}

/* The first name holds; what has none goes by its numbers. */
static void name_disk(struct kernel *k, struct kernel_host *h, uint32_t dev, struct sonde_span name)
{
	enum { DISKS_MOST = 4096 };

	if (!name.len || find_disk(h, dev) || h->n_disks >= DISKS_MOST)
		return;
	if (mem_grow(&h->disks, &h->cap_disks, h->n_disks + 1) < 0) {
		k->err = -ENOMEM;
		return;
	}
	struct kernel_disk *d = &h->disks[h->n_disks++];
	*d = (struct kernel_disk){ .dev = dev };
	memcpy(d->name, name.data, name.len < sizeof(d->name) ? name.len : sizeof(d->name) - 1);
}

static void on_disk(struct kernel *k, const struct kernel_event *ev, const struct sonde_event *e,
		    struct kernel_cpu *c)
{
	struct sonde_span name;

	if (field_text(e, &ev->fields[DISK_NAME], &name))
		name_disk(k, c->host, (uint32_t)get(ev, e, DISK_DEV, 0), name);
}

/* A number of at most @most in front of @end; false: there is none. */
static bool take_number(const char **text, char end, unsigned long most, unsigned long *ret)
{
	char *behind;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*ret = strtoul(*text, &behind, 10);
	if (errno || *behind != end || *ret > most)
		return false;
	*text = behind + 1;
	return true;
}

void kernel_disks_told(struct kernel *k, struct kernel_host *h)
{
	const struct sonde_env *e = sonde_trace_env(h->trace, "disks");
	const char *text = e && e->str ? e->str : "";
	unsigned long major, minor;

	while (*text) {
		const char *word = text;
		const size_t len = strcspn(text, " ");

		text += len + (text[len] == ' ');
		if (!take_number(&word, ':', 0xfff, &major) ||
		    !take_number(&word, '=', MINOR_MOST, &minor) || word >= text)
			continue;
		const struct sonde_span name = { (const uint8_t *)word, strcspn(word, " ") };
		name_disk(k, h, (uint32_t)(major << MINOR_BITS | minor), name);
	}
}

void kernel_disk_name(const struct kernel_host *h, uint32_t dev, char ret[KERNEL_DISK_MOST])
{
	const struct kernel_disk *d = find_disk(h, dev);

	// The kernel's own numbers: 12 bits for what drives it, 20 for which one it is.
	if (d)
		memcpy(ret, d->name, KERNEL_DISK_MOST);
	else
		(void)snprintf(ret, KERNEL_DISK_MOST, "%" PRIu32 ":%" PRIu32, dev >> MINOR_BITS,
			       dev & MINOR_MOST);
}

static const struct kernel_rule io_rules[] = {
	{ { "block_rq_insert" },
	  on_insert,
	  0,
	  3,
	  { { "dev" }, { "sector" }, { "nr_sector" }, { "bytes" }, { "rwbs" }, { "tid" } } },
	{ { "block_rq_issue" },
	  on_issue,
	  KERNEL_HAS_IO,
	  3,
	  { { "dev" }, { "sector" }, { "nr_sector" }, { "bytes" }, { "rwbs" }, { "tid" } } },
	{ { "block_rq_complete" },
	  on_complete,
	  0,
	  3,
	  { { "dev" }, { "sector" }, { "nr_sector" }, { NULL }, { "rwbs" } } },
	{ { "lttng_statedump_block_device" }, on_disk, 0, 2, { { "dev" }, { "diskname" } } },
};

const struct kernel_rule *kernel_io_rules(size_t *ret_n)
{
	*ret_n = MEM_LEN(io_rules);
	return io_rules;
}
