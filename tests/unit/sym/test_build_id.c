/* SPDX-License-Identifier: MIT */
/** Tests build-ids: hex, notes of any bytes, files. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sym/build_id.h"
#include "test.h"

TEST(hex_there_and_back)
{
	static const char *const good[] = { "00", "0123456789abcdef",
					    "48dc540c8b76393804ca8088dbfa7d42911a9444" };
	static const char *const bad[] = {
		"", "0", "0g", "AB", "012", "48dc540c8b76393804ca8088dbfa7d42911a944400"
	};
	struct build_id id = { 0 };
	char hex[BUILD_ID_HEX];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		EXPECT(build_id_parse(good[i], strlen(good[i]), &id));
		build_id_hex(&id, hex);
		EXPECT_STR(hex, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT(!build_id_parse(bad[i], strlen(bad[i]), &id));

	struct build_id none = { 0 };
	EXPECT(!build_id_same(&none, &none));
	EXPECT(build_id_same(&id, &id));
}

/* Two notes: "Linux" of 4 bytes, then the build-id 0xaa 0xbb 0xcc. */
static const uint8_t notes[] = {
	6, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0, 0, 'L', 'i', 'n', 'u', 'x', 0, 0,    0,    9,	  9,
	9, 9, 4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0,	 0,   'G', 'N', 'U', 0, 0xaa, 0xbb, 0xcc, 0,
};

TEST(notes)
{
	struct build_id id = { 0 };

	EXPECT(build_id_from_notes((struct sonde_span){ notes, sizeof(notes) }, &id));
	EXPECT_EQ(id.len, 3);
	EXPECT_EQ(id.data[2], 0xcc);
	// Without the padding it is still whole; any shorter it is not.
	for (size_t n = 0; n < sizeof(notes); n++) {
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, notes, n);
		EXPECT_EQ(build_id_from_notes((struct sonde_span){ copy, n }, &id),
			  n >= sizeof(notes) - 1);
		free(copy);
	}
}

TEST(any_notes)
{
	uint8_t bytes[sizeof(notes)];
	struct build_id id = { 0 };
	uint32_t seed = 7;

	for (int i = 0; i < 100000; i++) {
		memcpy(bytes, notes, sizeof(notes));
		for (int k = 0; k < 3; k++) {
			seed = seed * 1664525 + 1013904223;
			bytes[(seed >> 8) % sizeof(bytes)] = (uint8_t)(seed >> 24);
		}
		(void)build_id_from_notes((struct sonde_span){ bytes, sizeof(bytes) }, &id);
		EXPECT(id.len <= BUILD_ID_MOST);
	}
}

TEST(no_elf_file)
{
	struct build_id id;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	EXPECT(!build_id_read(fd, &id));
	close(fd);
	EXPECT(!build_id_read(-1, &id));
}
