/* SPDX-License-Identifier: MIT */
/** Reads what savecore(8) wrote of a dump device's header. */
#include "crash/freebsd/header.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/time_text.h"
#include "crash/dump/device.h"

enum { FILE_MOST = 16384, PATH_MOST = 4096 };

void bsd_dump_header_fini(struct bsd_dump_header *h)
{
	strbuf_fini(&h->text);
}

static void keep(const char *text, size_t most, char *ret, size_t cap)
{
	(void)snprintf(ret, cap, "%.*s", (int)strnlen(text, most), text);
}

int bsd_dump_header_of(const uint8_t *raw, struct bsd_dump_header *ret)
{
	static const char *const packings[] = { "none", "gzip", "zstd" };
	struct device_header h;
	char time[TIME_TEXT_MOST] = "?";

	if (!device_header_read(raw, &h))
		return 0;
	keep(h.hostname, DEVICE_HOSTNAME, ret->hostname, sizeof(ret->hostname));
	keep(h.version, DEVICE_VERSION, ret->version, sizeof(ret->version));
	keep(h.panic, DEVICE_PANIC, ret->panic, sizeof(ret->panic));
	ret->time = h.time;
	if (h.time < INT64_MAX / 1000000000)
		time_text((int64_t)(h.time * 1000000000), time);
	// As savecore(8) would have written it.
	strbuf_fmt(&ret->text,
		   "  Architecture: %.*s\n  Architecture Version: %" PRIu32 "\n"
		   "  Dump Length: %" PRIu64 "\n  Blocksize: %" PRIu32 "\n  Compression: %s\n"
		   "  Dumptime: %s\n  Hostname: %s\n  Magic: FreeBSD Kernel Dump\n"
		   "  Version String: %s\n  Panic String: %s\n  Header Parity: %s\n",
		   (int)strnlen(h.arch, DEVICE_ARCH), h.arch, h.arch_version, h.length,
		   h.block_size, packings[h.packing], time, ret->hostname, ret->version, ret->panic,
		   h.parity_right ? "right" : "wrong: what it says may be so too");
	return strbuf_ok(&ret->text);
}

/* "dir/vmcore.3.zst" has "dir/info.3". */
static bool name_beside(const char *path, char *ret, size_t cap)
{
	static const char head[] = "vmcore.";
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (strncmp(name, head, sizeof(head) - 1) != 0)
		return false;
	name += sizeof(head) - 1;
	int n = snprintf(ret, cap, "%.*sinfo.%.*s", slash ? (int)(slash + 1 - path) : 0, path,
			 (int)strcspn(name, "."), name);
	return n > 0 && (size_t)n < cap;
}

/* Takes the value of the line "  Key: value" that begins at @line; others follow it indented less
 * or not at all: they are of the value too. */
static void take(const char *line, const char *key, char *ret, size_t cap)
{
	size_t n = strlen(key);

	if (!strncmp(line, key, n) && line[n] == ':')
		(void)snprintf(ret, cap, "%.*s",
			       (int)strcspn(line + n + 1 + (line[n + 1] == ' '), "\n"),
			       line + n + 1 + (line[n + 1] == ' '));
}

static void look(struct bsd_dump_header *h, const char *text)
{
	for (const char *line = text; *line;) {
		const char *at = line + strspn(line, " \t");

		take(at, "Hostname", h->hostname, sizeof(h->hostname));
		take(at, "Version String", h->version, sizeof(h->version));
		take(at, "Panic String", h->panic, sizeof(h->panic));
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}

int bsd_dump_header_beside(const char *path, struct bsd_dump_header *ret)
{
	char name[PATH_MOST];

	if (!name_beside(path, name, sizeof(name)))
		return 0;
	sonde_auto(mem_closep) int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	sonde_auto(mem_freep) char *text = fd < 0 ? NULL : malloc(FILE_MOST + 1);
	if (fd < 0)
		return 0;
	if (!text)
		return sonde_fail(-ENOMEM, "out of memory");
	ssize_t n = read(fd, text, FILE_MOST);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (strlen(text) != (size_t)n || !strstr(text, "Dump Length:"))
		return 0;
	look(ret, text);
	strbuf_add(&ret->text, text, (size_t)n);
	return strbuf_ok(&ret->text);
}
