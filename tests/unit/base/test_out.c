/* SPDX-License-Identifier: MIT */
/** Tests output buffers. */
#include "base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

TEST(bytes_arrive_in_order)
{
	struct sonde_out o;
	char path[] = "/tmp/sonde-test-XXXXXX";
	int fd = mkstemp(path);
	EXPECT(fd >= 0);
	unlink(path);
	EXPECT_EQ(out_init(&o, fd), 0);

	static char big[OUT_RESERVE_MOST + 1];
	memset(big, 'x', sizeof(big));
	out_str(&o, "ab");
	out_add(&o, big, sizeof(big));
	for (int i = 0; i < 100000; i++)
		out_fmt(&o, "%06d\n", i);
	EXPECT_EQ(out_flush(&o), 0);
	EXPECT_EQ(o.total, 2 + sizeof(big) + 700000);

	char tail[8] = { 0 };
	EXPECT_EQ(pread(fd, tail, 7, (off_t)o.total - 7), 7);
	EXPECT_STR(tail, "099999\n");
	out_fini(&o);
	close(fd);
}

TEST(a_failed_write_is_told)
{
	struct sonde_out o;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	EXPECT(fd >= 0);
	EXPECT_EQ(out_init(&o, fd), 0);
	out_str(&o, "x");
	EXPECT_EQ(out_flush(&o), -ENOSPC);
	EXPECT_EQ(out_flush(&o), -ENOSPC);
	out_fini(&o);
	close(fd);
}
