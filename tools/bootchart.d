#!/usr/sbin/dtrace -s
/* SPDX-License-Identifier: MIT */
/* What was started when, until when did it live, and who had the CPUs meanwhile? */
/* MS create PID PARENT NAME, MS exec PID ARGUMENTS, MS exit PID NAME: as it happens. */
/* At the end cpu SAMPLE PID NAME US: microseconds on a CPU in each fifth of a second. */

#pragma D option quiet
#pragma D option aggsortkey
#pragma D option aggsize=64m

inline int SAMPLE = 200000000;

BEGIN
{
	begin = timestamp;
	printf("sample %d\n", SAMPLE);
}

proc:::create
{
	printf("%d create %d %d %s\n", (timestamp - begin) / 1000000, args[0]->pr_pid, pid, execname);
}

proc:::exec-success
{
	printf("%d exec %d %s\n", (timestamp - begin) / 1000000, pid, curpsinfo->pr_psargs);
}

proc:::exit
{
	printf("%d exit %d %s\n", (timestamp - begin) / 1000000, pid, execname);
}

sched:::on-cpu
{
	self->on = timestamp;
}

sched:::off-cpu
/ self->on /
{
	@cpu[(timestamp - begin) / SAMPLE, pid, execname] = sum(timestamp - self->on);
	self->on = 0;
}

END
{
	normalize(@cpu, 1000);
	printa("cpu %d %d %s %@d\n", @cpu);
}
