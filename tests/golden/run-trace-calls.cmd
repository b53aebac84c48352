# System calls by their names where the trace has one event for all calls; arguments by name.
for how in "" --interpreter; do
timeout 20 sonde run $how -t examples/sonde-trace -e '
tracepoint:syscalls:sys_enter_openat { @flags[args.dfd, args.flags] = count(); @nr[args.__syscall_nr] = count(); }
t:syscalls:sys_enter_read, t:syscalls:sys_enter_write { @fd[probe, args.fd] = sum(args.count); }
tracepoint:syscalls:sys_enter_p?ead64 / args.pos > 0 / { @pos[probe] = max(args.pos); }
tracepoint:syscalls:sys_enter_new*stat* { @stat[probe] = count(); }
tracepoint:syscalls:syscall_exit_read { @lttng = sum(args.ret); }
tracepoint:syscalls:sys_exit_read { @ours = sum(args.ret); }
tracepoint:syscalls:sys_exit_* / args.ret < 0 / { @fails[probe, args.ret] = count(); }
tracepoint:syscalls:sys_enter_* { @all = count(); }
tracepoint:raw_syscalls:sys_enter { @raw = count(); @third = sum(args.args[2] & 0xff); }'
done
timeout 20 sonde run -t examples/sonde-trace -e '
tracepoint:syscalls:sys_enter_openat { print(args.file); }
tracepoint:syscalls:sys_enter_close { print(args.count); }
tracepoint:syscalls:sys_enter_oppenat { print(1); }
tracepoint:syscalls:sys_exit_openat { print(args.dfd); }'
# The number of the call where the trace has an event for each; 257 is openat.
timeout 20 sonde run -t data/kernel -e '
tracepoint:raw_syscalls:sys_enter { @enter[args.id] = count(); }
tracepoint:raw_syscalls:sys_exit { @exit[args.id, args.ret] = count(); }'
# Scripts that only count run once for several events, but not for those of several calls.
for how in "" --interpreter; do
timeout 20 sonde run $how -t examples/sonde-trace -e 'tracepoint:syscalls:sys_enter_read { @ = count(); }'
timeout 20 sonde run $how -t examples/sonde-trace -e 'tracepoint:syscalls:sys_exit_wait4 { @[comm] = count(); } t:syscalls:sys_*_openat { @[probe] = count(); }'
done
# One mistake is told once: the map may be set where the probe is not.
timeout 20 sonde run -t examples/sonde-trace -e 'kprobe:vfs_read { @x[tid] = 1; } END { clear(@x); }'
