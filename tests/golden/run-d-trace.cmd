# Scripts in D over a trace: its ticks, providers, variables, aggregations; both machines.
for how in "" --interpreter; do
timeout 20 sonde run $how -t examples/sonde-trace --d -e '#pragma D option quiet
profile:::tick-10ms { @count["count"] = count(); }
profile:::tick-200ms { printa(@count); clear(@count); }'
timeout 20 sonde run $how -t examples/sonde-trace --d -q -e '
dtrace:::BEGIN { begin = timestamp; }
proc:::create { printf("%d us: %s (%d) creates %d\n", (timestamp - begin) / 1000, execname, pid, args[0]->pr_pid); }
proc:::exec-success { printf("%d us: %s runs %s\n", (timestamp - begin) / 1000, execname, curpsinfo->pr_psargs); }
proc:::exit { @ends[execname] = count(); }
syscall:::entry { self->ts = timestamp; @calls[probefunc] = count(); }
syscall:::return / self->ts / { @ns[execname] = quantize(timestamp - self->ts); @sum = sum(timestamp - self->ts); self->ts = 0; }
syscall::read:return / arg1 > 0 / { @read = lquantize(arg1, 0, 1000, 100); @dev = stddev(arg1); }
syscall::write:entry { @wrote[arg0] = sum(arg2); }
sched:::on-cpu { self->on = timestamp; }
sched:::off-cpu / self->on / { @on[execname] = sum(timestamp - self->on); self->on = 0; }
sched:::wakeup { @woken[execname, args[1]->pr_fname] = count(); }
io:::start { @io[args[1]->dev_statname, args[0]->b_flags & B_WRITE ? "W" : "R"] = sum(args[0]->b_bcount); }
profile:::profile-997 / execname != "swapper" / { @samples[execname] = count(); }
END { trunc(@calls, 3); trunc(@woken, -2); trunc(@on, 3); normalize(@on, 1000); printa("%-16s %@8d us\n", @on); printf("%s\n", probename); }'
done
# Calls that fail, and what went before: the same as live.
for how in "" --interpreter; do
timeout 20 sonde run $how -t data/kernel --d -x nspec=8 -e '
syscall:::entry { self->s = speculation(); }
syscall:::entry / self->s / { speculate(self->s); printf("%s by %s", probefunc, execname); }
syscall:::return / self->s && errno / { speculate(self->s); trace(errno); }
syscall:::return / self->s && errno == 2 / { commit(self->s); self->s = 0; }
syscall:::return / self->s / { discard(self->s); self->s = 0; }'
timeout 20 sonde run $how -t data/kernel --d -q -e '
BEGIN { printf("%s %s", strtok(",a,bc", ","), strtok(NULL, ",")); printf(" %s %d %s %d\n", toupper("xY1"), strtoll("-0x1f", 16), lltostr(5, 2), "a" < "b"); exit(0); }'
timeout 20 sonde run $how -t data/kernel --d -q -x specsize=200 -e '
syscall:::entry { x = speculation(); } syscall:::entry { speculate(1); printf("%s\n", execname); } END { commit(1); }'
done
timeout 20 sonde run -t examples/sonde-trace --d -e 'sched:::off-cpu / pid == 0 / { @ = count(); } tick-1s { trace(1); exit(2); }'
timeout 20 sonde run -t examples/sonde-trace --d -e 'fbt::vfs_read:entry { } proc:::lwp-create { } BEGIN { trace(curthread); fds[0].fi_name; }'
timeout 20 sonde run -t examples/sonde-trace -q bootchart | head -30
# LTTng's events have other names: next_tid, syscall_entry_read, rwbs as bits.
timeout 20 sonde run -t data/kernel --d -q -x zdefs -e '
sched:::on-cpu { self->on = timestamp; @runs[execname, pid] = count(); }
sched:::off-cpu / self->on / { @on[execname] = sum(timestamp - self->on); self->on = 0; }
sched:::wakeup { @woken[args[1]->pr_fname, args[1]->pr_pid] = count(); }
sched:::enqueue { @in[args[2]->cpu_id] = count(); }
sched:::dequeue { @out[args[2]->cpu_id] = count(); }
syscall:::entry { @calls[probefunc, probename] = count(); }
io:::start { @io[args[1]->dev_statname, args[0]->b_flags & B_WRITE ? "W" : "R"] = sum(args[0]->b_bcount); }'
# Arguments of calls by their places among all of the call's, of which the event may lack some.
timeout 20 sonde run -t data/kernel --d -q -e 'syscall::read:entry { @[arg0] = count(); }'
timeout 20 sonde run -t data/kernel --d -q -e 'syscall::read:entry { @[arg1] = count(); }'
