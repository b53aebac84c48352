# The probes of a script, as bpftrace -l and dtrace -l tell them; nothing is run.
cat >own.bt <<'EOF'
BEGIN { printf("not run\n"); }
tracepoint:sched:sched_process_*, t:syscalls:sys_enter_read { $n = pid; @[$n] = count(); }
EOF
cat >own.d <<'EOF'
syscall::read:entry { printf("not run"); }
EOF
timeout 20 sonde run -l -t examples/sonde-trace own.bt
timeout 20 sonde run -l -t examples/sonde-trace own.d
