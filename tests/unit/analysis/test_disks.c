/* SPDX-License-Identifier: MIT */
/** Tests where disks get their names from: the recording's environment, or events of the trace. */
#include "analysis/kernel.h"

#include <errno.h>

#include "base/check.h"
#include "events.h"
#include "test.h"

enum { MIB_MINORS = 1 << 20 };

static const struct kernel_watch watch = { .ran = NULL };

/* What a trace with that environment and these events calls a disk; made once more for each. */
static const char *name_of(const char *disks, const char *events, uint32_t dev)
{
	static char name[KERNEL_DISK_MOST];
	static struct maker m;
	struct kernel_host *const *hosts;
	struct kernel *k = NULL;

	maker_init(&m, LTTNG, INT64_MIN, events);
	m.env[m.trace.n_env++] = (struct sonde_env){ "disks", disks, 0 };
	sonde_check(kernel_new(&watch, NULL, INT64_MIN, INT64_MAX, &k) == 0);
	EXPECT_EQ(kernel_consume(k, &(struct sonde_batch){ m.events, m.n_events }), 0);
	sonde_check(kernel_hosts(k, &hosts) == 1);
	kernel_disk_name(hosts[0], dev, name);
	kernel_free(k);
	maker_fini(&m);
	return name;
}

TEST(the_environment_names_disks)
{
	static const char some[] = "0 0 switch 0 0 7\n";
	static const struct {
		const char *disks;
		uint32_t dev;
		const char *want;
	} cases[] = {
		{ "254:0=vda 254:1=vda1", 254 * MIB_MINORS, "vda" },
		{ "254:0=vda 254:1=vda1", 254 * MIB_MINORS + 1, "vda1" },
		{ "254:0=vda 254:1=vda1", 254 * MIB_MINORS + 2, "254:2" },
		{ "8:0=sda 8:0=sdb", 8 * MIB_MINORS, "sda" },
		{ "", 8 * MIB_MINORS, "8:0" },
		{ "8:0= 8:16=sdb", 8 * MIB_MINORS, "8:0" },
		{ "8:0= 8:16=sdb", 8 * MIB_MINORS + 16, "sdb" },
		{ "8:0 =sda 8 :0=sda :0=sda 8:=sda x=sda 8:0", 8 * MIB_MINORS, "8:0" },
		{ "4104:0=far 8:1048576=far 8:-1=far 99999999999999999999:0=far", 8 * MIB_MINORS,
		  "8:0" },
		{ "  8:0=sda  ", 8 * MIB_MINORS, "sda" },
		{ "8:0=a-name-that-is-longer-than-any-disk-has", 8 * MIB_MINORS,
		  "a-name-that-is-longer-than-any-" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		EXPECT_STR(name_of(cases[i].disks, some, cases[i].dev), cases[i].want);
}

static struct maker without_memory;

static int consume_once(void)
{
	struct kernel *k = NULL;
	int r = kernel_new(&watch, NULL, INT64_MIN, INT64_MAX, &k);

	if (r >= 0)
		r = kernel_consume(
			k, &(struct sonde_batch){ without_memory.events, without_memory.n_events });
	kernel_free(k);
	return r;
}

TEST(out_of_memory)
{
	maker_init(&without_memory, LTTNG, INT64_MIN, "0 0 switch 0 0 7\n");
	without_memory.env[without_memory.trace.n_env++] =
		(struct sonde_env){ "disks",
				    "8:0=a 8:1=b 8:2=c 8:3=d 8:4=e 8:5=f 8:6=g 8:7=h 8:8=i", 0 };
	test_oom(consume_once);
	maker_fini(&without_memory);
}
