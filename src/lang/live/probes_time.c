/* SPDX-License-Identifier: MIT */
/** BEGIN, END, self, interval and profile: places that no other program reaches. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "lang/live/number.h"
#include "lang/live/probes.h"

int find_begin(struct lookup *l)
{
	return lookup_add(l, &(struct probe){
				     .name = l->provider->name,
				     .args = ARGS_NONE,
				     .prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
				     .attach = { .kind = ATTACH_NONE, .pid = -1, .cpu = -1 },
			     });
}

int find_self(struct lookup *l)
{
	if (strcmp(l->ap->parts[1], "signal") || strcmp(l->ap->parts[2], "SIGUSR1"))
		return lookup_error(l, "bad-attach-point", "'%s' is not of the form %s",
				    l->ap->text, l->provider->usage);
	return lookup_add(l, &(struct probe){
				     .name = "self:signal:SIGUSR1",
				     .args = ARGS_NONE,
				     .prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
				     .attach = { .kind = ATTACH_NONE, .pid = -1, .cpu = -1 },
			     });
}

/* A time between events, or how many a second. */
struct rate {
	uint64_t period_ns, hz; /* one of them is 0 */
};

enum { HZ_MOST = 1000000 };

static const struct unit {
	const char *name;
	uint64_t ns; /* 0: per second */
} units[] = {
	{ "s", 1000000000 },
	{ "ms", 1000000 },
	{ "us", 1000 },
	{ "hz", 0 },
};

static const struct unit *unit_find(const char *name)
{
	for (size_t i = 0; i < MEM_LEN(units); i++) {
		if (!strcmp(units[i].name, name))
			return &units[i];
	}
	return NULL;
}

/* Reads "UNIT:N", "NUNIT" or, where there is a unit to go without, "N". */
static int read_rate(struct lookup *l, const char *unit_name, struct rate *ret)
{
	const struct ast_attach *ap = l->ap;
	const char *text = ap->parts[ap->n_parts - 1], *end;
	uint64_t n;

	if (ap->n_parts == 3)
		unit_name = ap->parts[1];
	if (!number_read(text, &n, &end))
		return lookup_error(l, "bad-attach-point", "'%s' is no number, in %s", text,
				    l->provider->usage);
	if (*end && ap->n_parts == 2)
		unit_name = end;
	else if (*end)
		return lookup_error(l, "bad-attach-point", "'%s' is no number, in %s", text,
				    l->provider->usage);
	if (!unit_name)
		return lookup_error(l, "bad-attach-point", "'%s' has no unit: s, ms, us or hz",
				    ap->text);
	const struct unit *u = unit_find(unit_name);
	if (!u)
		return lookup_error(l, "bad-attach-point",
				    "unknown unit '%s': there are s, ms, us and hz", unit_name);
	if (!n)
		return lookup_error(l, "bad-attach-point", "'%s' never comes: it is 0", ap->text);
	if (u->ns ? n > INT64_MAX / u->ns : n > HZ_MOST)
		return lookup_error(l, "bad-attach-point", "%s %s is too much", text, u->name);
	*ret = (struct rate){ .period_ns = n * u->ns, .hz = u->ns ? 0 : n };
	return 0;
}

static int add_rate(struct lookup *l, const struct rate *rate, int cpu, pid_t pid)
{
	const struct ast_attach *ap = l->ap;
	const char *name =
		ap->n_parts == 3
			? lookup_text(l, "%s:%s:%s", l->provider->name, ap->parts[1], ap->parts[2])
			: lookup_text(l, "%s:%s", l->provider->name, ap->parts[1]);

	if (!name)
		return -ENOMEM;
	return lookup_add(l, &(struct probe){
				     .name = name,
				     .args = ARGS_PERF,
				     .prog_type = BPF_PROG_TYPE_PERF_EVENT,
				     .attach = {
					     .kind = ATTACH_PERF,
					     .pid = pid,
					     .cpu = cpu,
					     .perf_type = PERF_TYPE_SOFTWARE,
					     .perf_config = PERF_COUNT_SW_CPU_CLOCK,
					     .period = rate->period_ns,
					     .freq = rate->hz,
				     },
			     });
}

/* The first CPU that is online; CPU 0 may not be. */
static int some_cpu(void)
{
	char text[32] = "";
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");

	if (f) {
		if (!fgets(text, sizeof(text), f))
			text[0] = '\0';
		(void)fclose(f);
	}
	uint64_t cpu = 0;
	const char *end;
	return number_read(text, &cpu, &end) && cpu < INT32_MAX ? (int)cpu : 0;
}

int find_interval(struct lookup *l)
{
	struct rate rate;
	int r = read_rate(l, NULL, &rate);

	return r < 0 ? r : add_rate(l, &rate, some_cpu(), -1);
}

int find_profile(struct lookup *l)
{
	struct rate rate;
	int r = read_rate(l, "hz", &rate);

	return r < 0 ? r : add_rate(l, &rate, -1, l->live->opt.pid > 0 ? l->live->opt.pid : -1);
}
