/* SPDX-License-Identifier: MIT */
/** Packets that scripts put into files. */
#include "lang/engine/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "base/mem.h"

enum { MAGIC_NS = 0xa1b23c4d, LINK_RAW_IP = 101, SNAP = 65535, BILLION = 1000000000 };

struct file_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t reserved[2], snap, link;
};

struct packet_head {
	uint32_t s, ns, len, whole;
};

static int failed(const char *path)
{
	return sonde_fail_errno(errno ? -errno : -EIO, "cannot write '%s'", path);
}

static int open_file(struct packet_files *files, const char *path, FILE **ret)
{
	const struct file_head head = {
		.magic = MAGIC_NS, .major = 2, .minor = 4, .snap = SNAP, .link = LINK_RAW_IP
	};

	for (size_t i = 0; i < files->n; i++) {
		if (!strcmp(files->all[i].path, path)) {
			*ret = files->all[i].f;
			return 0;
		}
	}
	int r = mem_grow(&files->all, &files->cap, files->n + 1);
	if (r < 0)
		return r;
	FILE *f = fopen(path, "we");
	if (!f)
		return failed(path);
	files->all[files->n++] = (struct packet_file){ path, f };
	*ret = f;
	return fwrite(&head, sizeof(head), 1, f) == 1 ? 0 : failed(path);
}

int packet_write(struct packet_files *files, const char *path, int64_t wall_ns, const void *data,
		 size_t len)
{
	const struct packet_head head = { (uint32_t)(wall_ns / BILLION),
					  (uint32_t)(wall_ns % BILLION), (uint32_t)len,
					  (uint32_t)len };
	FILE *f = NULL;

	int r = open_file(files, path, &f);
	if (r < 0)
		return r;
	if (fwrite(&head, sizeof(head), 1, f) != 1 || (len && fwrite(data, len, 1, f) != 1))
		return failed(path);
	return 0;
}

int packet_close(struct packet_files *files)
{
	int r = 0;

	for (size_t i = 0; i < files->n; i++)
		if (fclose(files->all[i].f) != 0 && !r)
			r = failed(files->all[i].path);
	free(files->all);
	*files = (struct packet_files){ 0 };
	return r;
}
