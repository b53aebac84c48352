/* SPDX-License-Identifier: MIT */
/** Real metadata, of the corpus that SONDE_CORPUS names: read or refused, and printed back. */
#include <errno.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "ctf/metadata.h"
#include "ctf/tsdl_print.h"
#include "same_trace.h"
#include "test.h"

extern char **environ;

/** What is said about metadata that must be refused: the first line, from its place on. */
static const struct {
	const char *folder, *words;
} refused[] = {
	{ "/ctf-fail/fail1/", ":15:10: major version is not 1" },
	{ "/ctf-fail/fail2/", ":9:16: unknown escape in a literal" },
	{ "/ctf-fail/integer-range/", ":7:10: integer does not fit in 64 bits" },
	{ "/ctf-fail/invalid-sequence-length-field-class/",
	  ":23:13: length 'len' is no unsigned integer" },
	{ "/ctf-fail/invalid-variant-selector-field-class/",
	  ":23:11: tag 'selector' is no enumeration" },
	{ "/ctf-fail/lttng-modules-2.0-pre1/",
	  ": metadata packet at byte 0: version 116.121, wanted 1.8" },
	{ "/ctf-fail/metadata-syntax-error/", ":3:58: ']', wanted a name" },
	{ "/ctf-fail/packet-based-metadata/",
	  ": metadata packet at byte 0: version 116.121, wanted 1.8" },
	{ "/ctf-fail/smalltrace/", ":6:10: major version is not 1" },
};

static unsigned n_read, n_refused;

static void expect_refused(const char *path, int r)
{
	for (size_t i = 0; i < MEM_LEN(refused); i++) {
		char wanted[512], said[512];

		if (!strstr(path, refused[i].folder))
			continue;
		(void)snprintf(wanted, sizeof(wanted), "%s%s", path, refused[i].words);
		(void)snprintf(said, sizeof(said), "%.*s", (int)strcspn(sonde_err_str(), "\n"),
			       sonde_err_str());
		EXPECT_EQ(r, -EBADMSG);
		EXPECT_STR(said, wanted);
		n_refused++;
		return;
	}
	if (r < 0)
		test_failed(__FILE__, __LINE__, "%s", sonde_err_str());
	else
		n_read++;
}

static void check_bytes(const char *path, struct sonde_span bytes)
{
	struct arena a = { 0 };
	struct strbuf out = { 0 };
	struct sonde_trace *t = NULL, *again = NULL;

	int r = ctf_metadata_parse(path, bytes, &a, &t);
	expect_refused(path, r);
	if (r == 0) {
		EXPECT_EQ(tsdl_print(t, &out), 0);
		EXPECT_EQ(ctf_metadata_parse(
				  path, (struct sonde_span){ (const uint8_t *)out.data, out.len },
				  &a, &again),
			  0);
		if (!again || !same_trace(t, again))
			test_failed(__FILE__, __LINE__, "%s does not print back", path);
	}
	strbuf_fini(&out);
	arena_fini(&a);
}

static int visit(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	if (flag != FTW_F || strcmp(path + at->base, "metadata") != 0)
		return 0;
	const size_t len = (size_t)st->st_size;
	uint8_t *data = malloc(len ? len : 1);
	FILE *f = fopen(path, "rb");
	EXPECT(data && f && fread(data, 1, len, f) == len);
	if (f)
		fclose(f);
	if (data)
		check_bytes(path, (struct sonde_span){ data, len });
	free(data);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

/** Unpacks the metadata files of one archive. Returns false where tar fails. */
static bool unpack(const char *folder, const char *name, const char *into)
{
	char path[4096];
	pid_t pid;
	int status = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	const char *const argv[] = { "tar", "-xJf",	   path,	 "-C",
				     into,  "--wildcards", "*/metadata", NULL };
	if (posix_spawnp(&pid, "tar", NULL, NULL, (char *const *)argv, environ) != 0)
		return false;
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(corpus)
{
	static const char *const archives[] = { "bug446190",   "ctf-fail",   "ctf-succeed",
						"cyg-profile", "kernel-4.4", "kernel-6.2",
						"mpi",	       "odd-ctf",    "scp" };
	const char *corpus = getenv("SONDE_CORPUS");
	char into[] = "/tmp/sonde-corpus-XXXXXX";

	if (!corpus)
		return test_skip("SONDE_CORPUS is not set");
	EXPECT(mkdtemp(into) != NULL);
	for (size_t i = 0; i < MEM_LEN(archives); i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "%s.tar.xz", archives[i]);
		if (!unpack(corpus, name, into))
			test_failed(__FILE__, __LINE__, "cannot unpack %s", name);
	}
	EXPECT_EQ(nftw(into, visit, 16, FTW_PHYS), 0);
	EXPECT_EQ(nftw(into, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	EXPECT_EQ(n_refused, MEM_LEN(refused));
	EXPECT(n_read > 40);
	printf("# %u read, %u refused\n", n_read, n_refused);
}
