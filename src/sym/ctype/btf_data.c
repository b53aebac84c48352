/* SPDX-License-Identifier: MIT */
/**
 * Reads BTF. The kernel's is mapped where it lets one (since 6.16), as copying 5 MB is dear. It is
 * a header, types of 12 bytes each with a body whose length its kind tells, and strings:
 *
 *     header | type 1 | type 2 ... | "\0name\0name\0"
 */
#include "sym/ctype/btf_data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"

enum {
	AT_SHIFT = 27,
	AT_MASK = (1 << AT_SHIFT) - 1,
	LEN_MOST = 1 << 29, /* so that a place / 4 leaves room for the kind */
};

/* Bytes of a type's body: at all, and for each of its elements. */
static const struct {
	uint8_t fixed, each;
} bodies[NR_BTF_KINDS] = {
	[BTF_KIND_INT] = { 4, 0 },
	[BTF_KIND_ARRAY] = { sizeof(struct btf_array), 0 },
	[BTF_KIND_STRUCT] = { 0, sizeof(struct btf_member) },
	[BTF_KIND_UNION] = { 0, sizeof(struct btf_member) },
	[BTF_KIND_ENUM] = { 0, sizeof(struct btf_enum) },
	[BTF_KIND_FUNC_PROTO] = { 0, sizeof(struct btf_param) },
	[BTF_KIND_VAR] = { sizeof(struct btf_var), 0 },
	[BTF_KIND_DATASEC] = { 0, sizeof(struct btf_var_secinfo) },
	[BTF_KIND_DECL_TAG] = { sizeof(struct btf_decl_tag), 0 },
	[BTF_KIND_ENUM64] = { 0, sizeof(struct btf_enum64) },
};
_Static_assert(NR_BTF_KINDS == BTF_KIND_ENUM64 + 1, "a kind without a body");

void btf_data_fini(struct btf_data *d)
{
	paged_free(d->pages);
	if (d->is_mapped)
		munmap(d->bytes, d->len);
	else if (!d->is_lent)
		free(d->bytes);
	free(d->at);
	*d = (struct btf_data){ 0 };
}

static bool want(struct btf_data *d, const void *from, size_t n)
{
	return !d->pages || paged_want(d->pages, (size_t)((const uint8_t *)from - d->bytes), n);
}

/* Fills @at up to type @last. Hot: the kernel has 150,000 types and more. */
static int scan(struct btf_data *d, uint32_t last)
{
	const uint32_t len = d->types_len;
	uint32_t n = d->n, off = d->scanned;

	while (len - off >= sizeof(struct btf_type) && n <= last) {
		const struct btf_type *t = (const struct btf_type *)(const void *)(d->types + off);

		if (!want(d, t, sizeof(*t)))
			break;
		uint32_t kind = btf_kind(t);
		if (kind == BTF_KIND_UNKN || kind >= NR_BTF_KINDS)
			return sonde_fail(-EBADMSG, "BTF: type %u is of the unknown kind %u",
					  d->first + n, kind);
		uint32_t size =
			(uint32_t)sizeof(*t) + bodies[kind].fixed + bodies[kind].each * btf_n(t);
		if (size > len - off)
			break;
		d->at[n++] = off / 4 | kind << AT_SHIFT;
		off += size;
	}
	d->n = n;
	d->scanned = off;
	if (n > last)
		return 0;
	d->is_scanned = true;
	if (off != len)
		return sonde_fail(-EBADMSG, "BTF: type %u is cut off", d->first + n);
	return 0;
}

bool btf_data_reach(struct btf_data *d, uint32_t i)
{
	if (scan(d, i) < 0) {
		d->is_scanned = true;
		d->is_broken = !btf_data_ran_out(d);
	}
	return i < d->n;
}

bool btf_data_broken(const struct btf_data *d)
{
	return d->is_broken || (d->pages && paged_failed(d->pages) < 0 && !btf_data_ran_out(d));
}

bool btf_data_ran_out(const struct btf_data *d)
{
	return d->pages && paged_failed(d->pages) == -ENOMEM;
}

static int check_header(struct btf_data *d)
{
	struct btf_header h;

	if (d->len < sizeof(h) || d->len > LEN_MOST)
		return sonde_fail(-EBADMSG, "BTF of %zu bytes", d->len);
	if (!want(d, d->bytes, sizeof(h)))
		return btf_data_ran_out(d) ? sonde_fail(-ENOMEM, "BTF: out of memory")
					   : sonde_fail(-EBADMSG, "BTF: its header cannot be read");
	memcpy(&h, d->bytes, sizeof(h));
	if (h.magic != BTF_MAGIC || h.version != BTF_VERSION)
		return sonde_fail(-EBADMSG,
				  "no BTF, or of another machine: magic 0x%04x, version %u",
				  h.magic, h.version);
	if (h.hdr_len < sizeof(h) || h.hdr_len > d->len)
		return sonde_fail(-EBADMSG, "BTF: header of %u bytes", h.hdr_len);
	size_t left = d->len - h.hdr_len;
	if (h.type_off > left || h.type_len > left - h.type_off || h.str_off > left ||
	    h.str_len > left - h.str_off || (h.hdr_len + h.type_off) % 4 || h.type_len % 4)
		return sonde_fail(-EBADMSG, "BTF: sections outside of its %zu bytes", d->len);
	d->types = d->bytes + h.hdr_len + h.type_off;
	d->types_len = h.type_len;
	d->strs = (const char *)d->bytes + h.hdr_len + h.str_off;
	d->strs_len = h.str_len;
	if (h.str_len && (!want(d, d->strs + h.str_len - 1, 1) || d->strs[h.str_len - 1]))
		return sonde_fail(-EBADMSG, "BTF: its last name has no end");
	return 0;
}

/* Checks the bytes in @d, which owns them also if this fails. */
static int open_bytes(struct btf_data *d, struct btf_data *base)
{
	d->base = base;
	if (base)
		(void)btf_data_has(base, UINT32_MAX); // no: but then all of them are known
	d->first = base ? base->first + base->n : 1;
	int r = check_header(d);
	if (r < 0)
		return r;
	// More than there can be; what is not written to costs nothing.
	size_t most = d->types_len / sizeof(struct btf_type) + 1;
	d->at = malloc(most * sizeof(*d->at));
	if (!d->at)
		return sonde_fail(-ENOMEM, "BTF: out of memory");
	if (most > INT32_MAX - d->first)
		return sonde_fail(-EBADMSG, "BTF: too many types");
	d->cap = (uint32_t)most;
	if (d->pages)
		return 0;
	r = scan(d, UINT32_MAX);
	d->cap = d->n;
	return r;
}

static int finish(struct btf_data *d, struct btf_data *base, struct btf_data *ret)
{
	int r = open_bytes(d, base);

	if (r < 0) {
		btf_data_fini(d);
		return r;
	}
	*ret = *d;
	return 0;
}

int btf_data_copy(const void *bytes, size_t len, struct btf_data *base, struct btf_data *ret)
{
	struct btf_data d = { .bytes = malloc(len ? len : 1), .len = len };

	if (!d.bytes)
		return sonde_fail(-ENOMEM, "BTF: out of memory");
	memcpy(d.bytes, bytes, len);
	return finish(&d, base, ret);
}

int btf_data_lend(const void *bytes, size_t len, struct btf_data *base, struct btf_data *ret)
{
	// Nothing writes to bytes that are not owned.
	struct btf_data d = { .bytes = (uint8_t *)(uintptr_t)bytes, .len = len, .is_lent = true };

	if ((uintptr_t)bytes % 4)
		return sonde_fail(-EBADMSG, "BTF at an odd place");
	return finish(&d, base, ret);
}

int btf_data_page(const struct paged_from *from, struct btf_data *base, struct btf_data *ret)
{
	struct btf_data d = { .len = from->len, .is_lent = true };

	if (from->in_page % 4)
		return sonde_fail(-EBADMSG, "BTF at an odd place");
	int r = paged_new(from, &d.pages);
	if (r < 0)
		return r;
	d.bytes = paged_bytes(d.pages);
	return finish(&d, base, ret);
}

static int read_whole(int fd, const char *path, struct btf_data *d)
{
	size_t n = 0;

	d->bytes = malloc(d->len ? d->len : 1);
	if (!d->bytes)
		return sonde_fail(-ENOMEM, "'%s': out of memory", path);
	while (n < d->len) {
		ssize_t got = read(fd, d->bytes + n, d->len - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return sonde_fail_errno(-errno, "cannot read '%s'", path);
		if (!got)
			break;
		n += (size_t)got;
	}
	d->len = n;
	return 0;
}

int btf_data_read(const char *path, struct btf_data *base, struct btf_data *ret)
{
	struct btf_data d = { 0 };
	struct stat st;

	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return sonde_fail_errno(-errno, "cannot open '%s'", path);
	if (st.st_size <= 0 || st.st_size > LEN_MOST)
		return sonde_fail(-EBADMSG, "'%s' has %lld bytes", path, (long long)st.st_size);
	d.len = (size_t)st.st_size;
	void *map = mmap(NULL, d.len, PROT_READ, MAP_PRIVATE, fd, 0);
	d.is_mapped = map != MAP_FAILED;
	if (d.is_mapped)
		d.bytes = map;
	int r = d.is_mapped ? 0 : read_whole(fd, path, &d);
	if (r < 0) {
		btf_data_fini(&d);
		return r;
	}
	r = finish(&d, base, ret);
	return r < 0 ? sonde_wrap(r, "'%s'", path) : 0;
}

const struct btf_type *btf_data_type(struct btf_data *d, uint32_t id)
{
	while (id < d->first && d->base)
		d = d->base;
	if (id < d->first || !btf_data_has(d, id - d->first))
		return NULL;
	uint32_t off = (d->at[id - d->first] & AT_MASK) * 4;
	const struct btf_type *t = (const struct btf_type *)(const void *)(d->types + off);
	if (d->pages) {
		uint32_t kind = d->at[id - d->first] >> AT_SHIFT;

		if (!want(d, t,
			  sizeof(*t) + bodies[kind].fixed + (size_t)bodies[kind].each * btf_n(t)))
			return NULL;
	}
	return t;
}

const char *btf_data_str(struct btf_data *d, uint32_t off)
{
	// A module's names come behind those of the kernel.
	if (d->base && off < d->base->strs_len)
		d = d->base;
	else if (d->base)
		off -= d->base->strs_len;
	if (off >= d->strs_len)
		return "";
	const char *s = d->strs + off;
	return !d->pages || paged_want_text(d->pages, (size_t)((const uint8_t *)s - d->bytes)) ? s
											       : "";
}
