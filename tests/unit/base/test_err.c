/* SPDX-License-Identifier: MIT */
/** Tests the failure chain. */
#include <errno.h>

#include <sonde/err.h>

#include "test.h"

TEST(fail_and_wrap)
{
	EXPECT_EQ(sonde_fail(-EBADMSG, "bad magic 0x%08x", 0x1234), -EBADMSG);
	EXPECT_STR(sonde_err_str(), "bad magic 0x00001234");
	EXPECT_EQ(sonde_wrap(-EBADMSG, "packet '%s'", "x"), -EBADMSG);
	EXPECT_STR(sonde_err_str(), "packet 'x': bad magic 0x00001234");
	EXPECT_EQ(sonde_fail_errno(-ENOENT, "cannot open '%s'", "y"), -ENOENT);
	EXPECT_STR(sonde_err_str(), "cannot open 'y': No such file or directory");
}

TEST(too_long_is_cut)
{
	(void)sonde_fail(-EINVAL, "end");
	for (int i = 0; i < 1000; i++)
		(void)sonde_wrap(-EINVAL, "0123456789");
	EXPECT_EQ(strlen(sonde_err_str()), 4095);
	EXPECT(!strncmp(sonde_err_str(), "0123456789: 0123456789", 22));
}
