/* SPDX-License-Identifier: MIT */
/** What a store was made of: the files of a folder, and the rules that read them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "state/format.h"

static void add(struct store_print *p, const void *data, size_t len)
{
	uint64_t sum = format_sum(data, len);

	// Of any order: folders have none.
	for (size_t i = 0; i < MEM_LEN(p->words); i++) {
		p->words[i] += sum;
		sum = format_sum(&sum, sizeof(sum));
	}
}

int store_print_folder(const char *path, const char *rules, struct store_print *ret)
{
	DIR *dir = opendir(path);
	struct store_print p = { { 0 } };

	if (!dir)
		return sonde_fail_errno(-errno, "cannot open folder '%s'", path);
	add(&p, rules, strlen(rules));
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		struct stat st;

		if (e->d_name[0] == '.' || fstatat(dirfd(dir), e->d_name, &st, 0) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		const uint64_t file[] = {
			format_sum(e->d_name, strlen(e->d_name)),
			(uint64_t)st.st_size,
			(uint64_t)st.st_mtim.tv_sec,
			(uint64_t)st.st_mtim.tv_nsec,
			(uint64_t)st.st_ino,
		};
		add(&p, file, sizeof(file));
	}
	(void)closedir(dir); // it was only read
	*ret = p;
	return 0;
}
