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
	if (d->is_mapped)
		munmap(d->bytes, d->len);
	else if (!d->is_lent)
		free(d->bytes);
	free(d->at);
	*d = (struct btf_data){ 0 };
}

/* Fills @at. Hot: the kernel has 150,000 types and more. */
static int scan(struct btf_data *d)
{
	const uint32_t len = d->types_len;
	uint32_t n = 0, off = 0;

	while (len - off >= sizeof(struct btf_type)) {
		const struct btf_type *t = (const struct btf_type *)(const void *)(d->types + off);
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
	if (off != len)
		return sonde_fail(-EBADMSG, "BTF: type %u is cut off", d->first + n);
	d->n = n;
	return 0;
}

static int check_header(struct btf_data *d)
{
	struct btf_header h;

	if (d->len < sizeof(h) || d->len > LEN_MOST)
		return sonde_fail(-EBADMSG, "BTF of %zu bytes", d->len);
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
	if (h.str_len && d->strs[h.str_len - 1])
		return sonde_fail(-EBADMSG, "BTF: its last name has no end");
	return 0;
}

/* Checks the bytes in @d, which owns them also if this fails. */
static int open_bytes(struct btf_data *d, const struct btf_data *base)
{
	d->base = base;
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
	return scan(d);
}

static int finish(struct btf_data *d, const struct btf_data *base, struct btf_data *ret)
{
	int r = open_bytes(d, base);

	if (r < 0) {
		btf_data_fini(d);
		return r;
	}
	*ret = *d;
	return 0;
}

int btf_data_copy(const void *bytes, size_t len, const struct btf_data *base, struct btf_data *ret)
{
	struct btf_data d = { .bytes = malloc(len ? len : 1), .len = len };

	if (!d.bytes)
		return sonde_fail(-ENOMEM, "BTF: out of memory");
	memcpy(d.bytes, bytes, len);
	return finish(&d, base, ret);
}

int btf_data_lend(const void *bytes, size_t len, const struct btf_data *base, struct btf_data *ret)
{
	// Nothing writes to bytes that are not owned.
	struct btf_data d = { .bytes = (uint8_t *)(uintptr_t)bytes, .len = len, .is_lent = true };

	if ((uintptr_t)bytes % 4)
		return sonde_fail(-EBADMSG, "BTF at an odd place");
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

int btf_data_read(const char *path, const struct btf_data *base, struct btf_data *ret)
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

const struct btf_type *btf_data_type(const struct btf_data *d, uint32_t id)
{
	while (id < d->first && d->base)
		d = d->base;
	if (id < d->first || id - d->first >= d->n)
		return NULL;
	uint32_t off = (d->at[id - d->first] & AT_MASK) * 4;
	return (const struct btf_type *)(const void *)(d->types + off);
}

const char *btf_data_str(const struct btf_data *d, uint32_t off)
{
	// A module's names come behind those of the kernel.
	if (d->base && off < d->base->strs_len)
		d = d->base;
	else if (d->base)
		off -= d->base->strs_len;
	return off < d->strs_len ? d->strs + off : "";
}
