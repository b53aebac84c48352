/* SPDX-License-Identifier: MIT */
/** Runs a fuzz target over the files of its corpus, whole and cut short, as a plain test (TAP). */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 100000, MOST_LEN = 1 << 24, CUTS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A copy of exactly @len bytes, so that reading behind them is found. */
static void run(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len); // its result has no meaning here
	free(copy);
}

/* NULL with errno where the file cannot be read. */
static uint8_t *read_file(const char *folder, const char *name, size_t *ret_len)
{
	char path[4096];
	uint8_t *data = NULL;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (!f)
		return NULL;
	data = malloc(MOST_LEN);
	if (data)
		*ret_len = fread(data, 1, MOST_LEN, f);
	fclose(f);
	return data;
}

static int replay(const char *folder, const char *name)
{
	size_t len = 0;
	uint8_t *data = read_file(folder, name, &len);

	if (!data)
		return -errno;
	run(data, len);
	for (size_t i = 0; i < CUTS && i < len; i++)
		run(data, len <= CUTS ? i : len / CUTS * i + len % CUTS);
	free(data);
	return 0;
}

static int is_shown(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **list;
	int bad = 0;
	const char *folder = argc == 2 ? argv[1] : ".";
	int n = scandir(folder, &list, is_shown, alphasort);

	if (n <= 0 || n > MOST_FILES) {
		printf("1..1\nnot ok 1 - corpus folder '%s' has files\n", folder);
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		int r = replay(folder, list[i]->d_name);

		printf("%sok %d - %s\n", r < 0 ? "not " : "", i + 1, list[i]->d_name);
		fflush(stdout);
		bad += r < 0;
		free(list[i]);
	}
	free(list);
	return bad != 0;
}
