# A script over a trace: events by name, threads, fields, ticks in the trace's time, both machines.
for how in "" --interpreter; do
timeout 20 sonde run $how -t examples/sonde-trace -e '
BEGIN { printf("begins at %s\n", strftime("%H:%M:%S.%f", nsecs)); }
tracepoint:sched:sched_process_exec { printf("%8d us %s (%d) runs %s\n", elapsed / 1000, comm, pid, args.filename); }
tracepoint:sched:sched_switch { @switches[args.next_comm] = count(); @by[cpu, comm] = count(); }
tracepoint:syscalls:sys_exit_read /args.ret > 0/ { @read = hist(args.ret); @bytes = sum(args.ret); }
tracepoint:raw_syscalls:sys_enter { @start[tid] = nsecs; @calls[args.id] = count(); }
tracepoint:raw_syscalls:sys_exit /@start[tid]/ { @us[comm] = avg((nsecs - @start[tid]) / 1000); delete(@start[tid]); }
event:* { @all = count(); }
interval:ms:500 { printf("tick\n"); print(@all); clear(@all); }
END { clear(@start); printf("end\n"); }'
done
timeout 20 sonde run -t examples/sonde-trace -e 'tracepoint:sched:sched_swich { @ = count(); } kprobe:vfs_read { @ = curtask; }'
timeout 20 sonde run -t examples/sonde-trace -e 'tracepoint:sched:sched_switch { @ = count(); if (args.next_prio == 120) { exit(3); } }'
