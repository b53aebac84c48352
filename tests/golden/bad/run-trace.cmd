# All that the language has, over traces: a value, or before the run the words why there is none.
try() {
	printf "%s\n" "--- $*"
	timeout 20 sonde run -t "$trace" -e "$*" 2>&1 | head -"${lines:-1}"
}
trace=examples/sonde-trace
for name in pid tid ppid uid gid username comm pcomm cpu ncpus numaid nsecs elapsed jiffies kstack ustack \
	arg0 sarg0 args retval 'func' probe curtask cgroup ctx cpid '$1' '$#'; do
	try "tracepoint:sched:sched_waking { print($name); exit(); }"
done
for name in pid tid comm cpu kstack ustack probe; do
	try "BEGIN { print($name); exit(); }"
	try "interval:ms:1 { print($name); exit(); }"
done
for call in 'join(args.pid)' 'cat("/etc/passwd")' 'print(str(5))' 'print(buf(5, 3))' 'print(str(args.pid))' \
	'print(str(args.comm))' 'print(buf(args.comm))' 'print(reg("ip"))' 'print(path(5))' 'print(ksym(5))' \
	'print(usym(5))' 'print(kaddr("x"))' 'print(uaddr("x"))' 'print(nsecs(boot))' 'skboutput("x", 1, 2, 3)' \
	'print(cgroupid("/"))' 'print(cgroup_path(1))' 'print(strerror(2))' 'signal("KILL")' 'system("echo x")' \
	'print(*(uint32 *)5)' 'print(((struct task_struct *)5)->pid)' 'print(sizeof(struct task_struct))' \
	'print(TCP_CLOSE)' 'print(kstack(3))' 'print(ustack(perf))' 'print(strftime("%H:%M:%S", nsecs))' \
	'time("%H:%M:%S\n")' 'print(ntop(0x0100007f))' 'print(macaddr("abcdef"))' 'print(bswap((uint16)1))' \
	'print(len(args.comm))' 'print(strncmp(args.comm, "k", 1))' 'print(args.comm[0])' 'print(args.comm.x)'; do
	try "tracepoint:sched:sched_waking { $call; exit(); }"
done
for point in 'kprobe:vfs_read' 'fentry:vfs_read' 'watchpoint:0x10:8:w' 'iter:task' 'self:signal:SIGUSR1' \
	'software:page-faults:1' 'hardware:cache-misses' 'uprobe:libc:malloc' 'usdt:/bin/sh:x' 'interval:s' 'interval:s:0' \
	'interval:x:1' 'interval:1s' 'profile:hz:99' 'rawtracepoint:sched_switch' 'event:nothing' 'tracepoint:sched:*'; do
	try "$point { print(1); exit(); }"
done
# A trace whose events tell a process each, but no thread and no name; and one without a clock.
trace=data/shapes
for name in pid tid comm kstack cpu; do
	try "event:bare { print($name); exit(); }"
done
trace=data/clockless
for name in nsecs elapsed cpu pid; do
	try "event:a { print($name); exit(); }"
	try "BEGIN { print($name); exit(); }"
done
try 'interval:s:1 { print(1); }'
try 'event:a { print(args.v); }'
timeout 20 sonde run -t examples/sonde-trace -c true -e 'BEGIN { exit(); }'
timeout 20 sonde run -t examples/sonde-trace -p 1 -e 'BEGIN { exit(); }'
