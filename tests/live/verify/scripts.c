/* SPDX-License-Identifier: MIT */
/** Scripts that the kernel's verifier must take. */
#include "scripts.h"

#define SWITCH "tracepoint:sched:sched_switch "
#define ENTER  "tracepoint:raw_syscalls:sys_enter "
#define OWN    "uprobe:/proc/self/exe:test_register "

const char *const scripts_builtins[] = {
	"BEGIN { @ = pid; @a = tid; @b = uid; @c = gid; @d = nsecs; @e = elapsed; @f = cpu; }",
	"BEGIN { @ = rand; @a = cgroup; @b = ncpus; @c = numaid; @d = ppid; @e = cpid; @f = "
	"jiffies; }",
	ENTER "{ @[comm, username, pcomm, probe] = count(); }",
	ENTER "{ @ = curtask; @a = curtask->pid; @b = curtask->real_parent->comm; @c = ctx; }",
	SWITCH "{ @[kstack] = count(); @u[ustack] = count(); }",
	SWITCH "{ @[kstack(3), ustack(perf, 5)] = count(); @r[kstack(raw)] = count(); }",
	"profile:hz:99 { @[kstack, ustack, comm] = count(); @a = reg(\"ip\"); }",
	"interval:s:1 { @[cpu] = nsecs; @k = kstack; }",
	"software:faults:100 { @[comm, kstack(1)] = count(); }",
	OWN "{ @[func, arg0, arg1, arg5, sarg0, sarg3] = count(); @r = reg(\"sp\"); @u = ustack; }",
	"uretprobe:/proc/self/exe:test_register { @[retval, func] = count(); }",
	"iter:task { printf(\"%d %s %d\\n\", ctx.task->pid, ctx.task->comm, ctx.task->tgid); }",
	"iter:task_file { printf(\"%d %d\\n\", ctx.task->pid, ctx.fd); }",
	"BEGIN { print((pid, comm, nsecs, username, kstack, ustack, probe, cgroup)); }",
	"BEGIN { if (comm) { print(1); } if (username) { print(2); } if (!curtask) { print(3); } }",
	"END { print(elapsed); }",
	NULL,
};

const char *const scripts_arguments[] = {
	SWITCH
	"{ @[args.prev_comm, args.next_comm, args.prev_pid] = count(); @s = args.prev_state; }",
	SWITCH "/ args.prev_comm == \"bash\" && args.next_pid > 0 / { @ = args.next_prio; }",
	SWITCH "{ printf(\"%s %d -> %s\\n\", args.prev_comm, args.prev_pid, args.next_comm); }",
	"tracepoint:sched:sched_process_exec { @[str(args.filename)] = count(); @p = args.pid; }",
	"tracepoint:sched:sched_process_exec { printf(\"%s %s\\n\", args.filename, comm); }",
	ENTER "{ @[args.id] = count(); @a = args.args[1]; @b[args.args[cpu]] = count(); }",
	ENTER "/ args.args[0] < 100 && args.args[3] == 42 / { @ = sum(args.args[2]); }",
	"tracepoint:raw_syscalls:sys_exit / args.ret < 0 / { @[args.id, args.ret] = count(); }",
	"tracepoint:syscalls:sys_enter_read { @[args.fd, args.buf] = sum(args.count); }",
	"tracepoint:syscalls:sys_exit_read { @ = hist(args.ret); @n[probe] = count(); }",
	"tracepoint:syscalls:sys_enter_openat { @[str(args.filename)] = count(); }",
	"tracepoint:syscalls:sys_enter_* { @[probe] = count(); }",
	"tracepoint:syscalls:sys_exit_* { @[probe] = count(); @r = hist(args.ret); }",
	"tracepoint:syscalls:sys_enter_execve { join(args.argv); join(args.argv, \",\"); }",
	"rawtracepoint:sched_switch { @[arg0, arg1, arg2] = count(); }",
	"rawtracepoint:sched_switch { @[args.prev->comm, args.next->pid] = count(); }",
	"rawtracepoint:sched_switch { $p = args.prev; @ = $p->real_parent->real_parent->pid; }",
	"rawtracepoint:sys_enter { $r = (struct pt_regs *)arg0; @[arg1] = count(); @ip = $r->ip; }",
	"tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @q[args.pid] = nsecs; "
	"}",
	"tracepoint:timer:hrtimer_expire_entry { @[ksym(args.function)] = count(); }",
	"tracepoint:irq:irq_handler_entry { @[args.irq, str(args.name)] = count(); }",
	"tracepoint:kmem:kmalloc { @[args.bytes_req] = count(); @s = sum(args.bytes_alloc); }",
	NULL,
};

const char *const scripts_functions[] = {
	"BEGIN { @a = str(0); @b = str(0, 10); @c = str(kptr(0)); @d = str(uptr(0), pid); }",
	"BEGIN { @a = buf(0, 10); @b = buf(curtask->comm); @c = buf(uptr(0), pid); print(buf(0, "
	"1)); }",
	"BEGIN { @a = ksym(5); @b = usym(5); @c = kaddr(\"vfs_read\"); @[ksym(nsecs)] = count(); }",
	OWN "{ @u[usym(arg0)] = count(); @s = str(arg0); }",
	"BEGIN { @a = ntop(5); @b = ntop(2, 5); @c = ntop(pton(\"::1\")); @[ntop(pid)] = count(); "
	"}",
	"BEGIN { @a = pton(\"1.2.3.4\"); @b = pton(\"::1\"); @c = pton(\"::1\")[pid]; }",
	"BEGIN { @a = macaddr(curtask->comm); @[macaddr(curtask->comm)] = count(); }",
	"BEGIN { print(strftime(\"%H:%M\", nsecs)); @ = strftime(\"%S\", nsecs); time(\"%s\"); "
	"time(); }",
	"BEGIN { @a = nsecs(monotonic); @b = nsecs(boot); @c = nsecs(tai); @d = nsecs(sw_tai); }",
	"BEGIN { @a = bswap((uint16)pid); @b = bswap(pid); @c = bswap(nsecs); @d = "
	"bswap((uint8)1); }",
	"BEGIN { @ = cgroup_path(cgroup); @g = cgroupid(\"/sys/fs/cgroup\"); @e = strerror(pid); }",
	"BEGIN { signal(\"CONT\"); signal(pid); system(\"true\"); cat(\"/proc/%d/comm\", pid); }",
	"BEGIN { assert(pid > 0, \"a process\"); assert(comm == \"x\", \"text\"); exit(pid); }",
	"BEGIN { errorf(\"%d\\n\", pid); warnf(\"%s\\n\", comm); print(len(comm)); "
	"print(strlen(comm)); }",
	"BEGIN { print(sizeof(struct task_struct)); print(offsetof(struct task_struct, comm)); }",
	"BEGIN { @x[1] = 1; @ = len(@x); if (has_key(@x, pid)) { delete(@x[pid]); } delete(@x, 5); "
	"}",
	"BEGIN { @s = kstack; @n = len(@s) + len(kstack) + len(ustack(3)); }",
	"BEGIN { print(-7 / 2); $a = (int64)pid; print($a / -3); print($a % 5); print($a / $a); }",
	"BEGIN { print(pid > 1 ? \"many\" : \"one\"); print(pid ? (1, \"a\") : (2, \"bcd\")); }",
	"BEGIN { @ = (uint8)pid + (int16)tid - (uint32)uid; @c = (bool)1; @s = ~pid & !gid | -cpu; "
	"}",
	"iter:task { @[ctx.task->comm] = count(); }",
	NULL,
};

const char *const scripts_strings[] = {
	"BEGIN / comm == \"bash\" / { @ = comm != \"a string that is longer than the name\"; }",
	"BEGIN { $a = str(0); $b = str(1); if ($a == $b) { print(1); } if ($a == comm) { print(2); "
	"} }",
	"BEGIN { @a = strncmp(comm, \"bash\", 2); @b = strncmp(comm, pcomm, 16); @c = "
	"strncmp(\"a\", comm, 0); }",
	"BEGIN { @a = strcontains(comm, \"a\"); @b = strcontains(str(0), \"needle in it\"); }",
	"BEGIN { @a = strncmp(str(0), str(1), 33); @b = strncmp(str(0), str(1), 64); }",
	"BEGIN { $s = comm; $s = \"a longer text than the name is\"; @a = $s; @[$s] = count(); }",
	"BEGIN { $t = (comm, \"abc\"); $t = ($t.1, $t.0); @[$t] = count(); print($t.0); }",
	"BEGIN { @a = comm[0]; @b = comm[pid]; $s = str(0); @c = $s[3]; @d = str(5)[cpu]; }",
	"BEGIN { @a[\"x\"] = \"y\"; @a[comm] = comm; @b = @a[\"x\"]; @c[@a[comm]] = count(); }",
	"BEGIN { @ = str($1); @b = $# > 1 ? str($2) : \"none\"; @c = comm == str($1); }",
	"BEGIN { @s = str(str(comm, 3), 2); @n = strlen(str(comm, pid)); }",
	SWITCH "/ strncmp(args.next_comm, \"kworker\", 7) / { @[args.next_comm] = count(); }",
	SWITCH "{ if (args.prev_comm == args.next_comm) { @ = count(); } }",
	"BEGIN { @ = (string[5])comm; @b = (string[64])comm; let $s: string[16] = \"x\"; @c = $s; "
	"}",
	"tracepoint:sched:sched_process_exec / str(args.filename) == \"/bin/true\" / { @ = "
	"count(); }",
	NULL,
};

const char *const scripts_aggregations[] = {
	ENTER "{ @a = count(); @b = sum(pid); @c = avg(pid); @d = min(pid); @e = max(pid); @f = "
	      "stats(pid); }",
	ENTER
	"{ @a[comm] = count(); @b[comm] = sum(pid); @c[comm] = avg(-1); @d[comm] = min(-pid); }",
	ENTER "{ @[comm, pid] = hist(nsecs); @l[comm] = lhist(nsecs, 0, 1000, 10); @h = hist(5); }",
	ENTER
	"{ @a = hist(nsecs, 0); @b = hist(nsecs, 1); @c = hist(nsecs, 3); @d = hist(-1, 5); }",
	ENTER "{ @ = lhist(args.id, 0, 1000, 1); @b = lhist((int8)-5, 0, 100, 7); }",
	ENTER "{ @[kstack] = stats(nsecs); @u[ustack(5), comm] = avg(nsecs); }",
	ENTER "{ @c = count(); if (@c > 10) { clear(@c); } @s = sum(1); print((@s, @c)); }",
	ENTER
	"{ @a[tid] = avg(1); @m[tid] = min(pid); if (@a[tid] > 1 && @m[tid] < 5) { print(1); } }",
	"BEGIN { @x[1] = count(); for ($kv : @x) { print($kv.1); } for (($k, $v) : @x) { @s = "
	"sum($v); } }",
	"interval:ms:10 { @[\"n\"] = count(); } interval:ms:200 { print(@); clear(@); }",
	"interval:s:1 { @h = hist(5); print(@h); clear(@h); print(@h); zero(@h); } END { "
	"clear(@h); }",
	ENTER
	"{ @[comm] = hist(5); } interval:s:1 { print(@, 5); print(@, 5, 1000); clear(@); exit(); }",
	"interval:s:1 { @a[1] = sum(1); @b = max(2); if (pid) { print(@a); } else { clear(@a); } "
	"delete(@b); }",
	ENTER "{ @[args.id] = stats((int32)args.args[0]); } END { print(@); }",
	NULL,
};

const char *const scripts_maps[] = {
	ENTER "{ @start[tid] = nsecs; } tracepoint:raw_syscalls:sys_exit / @start[tid] / { @ = "
	      "hist(nsecs - @start[tid]); delete(@start[tid]); }",
	ENTER "{ @n[tid]++; @m[tid] += 5; @o[tid] = pid; delete(@o[tid]); }",
	"BEGIN { @a++; ++@b; @c--; $x = @d++; $y = --@e; @f[1]++; $z = @g[comm]++; print(($x, $y, "
	"$z)); }",
	"BEGIN { @a += 1; @a -= 2; @a *= 3; @a /= 4; @a %= 5; @a &= 6; @a |= 7; @a ^= 8; @a <<= 1; "
	"@a >>= 2; }",
	"BEGIN { @a[1] += 1; @a[1] *= 3; @a[2] /= 4; @a[2] %= pid; @a[3] <<= 1; @a[4] >>= pid; "
	"@a[5] ^= 1; }",
	"BEGIN { @[1, \"a\", comm, (2, 3)] = (4, \"b\"); @x = @[1, \"a\", comm, (2, 3)]; "
	"print(@x.1); }",
	"BEGIN { @t = (1, (2, \"x\"), (comm, (3, 4))); print(@t.2.1.0); print(@t.1); @u = @t; }",
	"BEGIN { @p = curtask; print(@p->comm); @q[1] = curtask->real_parent; print(@q[1]->pid); "
	"@p++; }",
	"BEGIN { @a = curtask->comm; @b = curtask->se; @c = @b.vruntime; print(sizeof(@b)); }",
	"let @l = lruhash(10); let @h = hash(5); let @p = percpuhash(7); BEGIN { @l[1] = 2; @h[1] "
	"= 2; @p[1] = count(); }",
	"config = { max_map_keys = 100000 } BEGIN { @[pid, comm, nsecs] = kstack; }",
	"BEGIN { @s = \"x\"; clear(@s); zero(@s); delete(@s); @n = 1; zero(@n); clear(@n); "
	"print(@n); print(@s); }",
	"BEGIN { @k[kstack] = ustack; @k2[ustack, kstack(2)] = ksym(5); @k3[@k[kstack]] = 1; }",
	"BEGIN { @a[1] = 1; @b[@a[1]] = @a[@a[1]]; @c[@b[@a[1]]]++; print(@a[@b[1]]); }",
	"BEGIN { @x[1] = (1, \"abc\"); if (@x[1].1 == \"abc\") { @x[1] = (@x[1].0 + 1, @x[2].1); } "
	"}",
	"BEGIN { @u = username; @[username] = count(); @t = strftime(\"%H\", nsecs); @b[1] = "
	"buf(0, 30); }",
	"BEGIN { @[nsecs] = nsecs; for (($k, $v) : @) { if ($k < nsecs - 5) { delete(@[$k]); } } }",
	"BEGIN { @[1] = 1; print(@[1]); print(@); print(len(@)); print(has_key(@, 1)); }",
	NULL,
};

const char *const scripts_statements[] = {
	"BEGIN { $i = 0; while ($i < 100) { $i++; if ($i == 5) { continue; } if ($i > 50) { break; "
	"} @[$i] = $i; } }",
	"BEGIN { for ($i : 0..10) { for ($j : $i..20) { @[$i, $j]++; if ($j == 15) { break; } } } "
	"}",
	"BEGIN { @x[1] = 1; for ($kv : @x) { @y[$kv.1, $kv.0] = $kv; } for (($k, $v) : @y) { "
	"print($v.0); } }",
	"BEGIN { @x[comm] = (1, \"a\"); for (($k, $v) : @x) { if ($k == \"a\") { return; } "
	"@z[$v.1] = $k; } }",
	"BEGIN { unroll (10) { @++; } unroll ($1) { @a++; } unroll (3) { unroll (3) { @b[pid] = "
	"comm; } } }",
	"BEGIN { for ($i : 0..3) { for ($j : 0..3) { for ($k : 0..3) { for ($l : 0..3) { for ($m : "
	"0..3) { @ += $i + $j + $k + $l + $m; } } } } } }",
	"BEGIN { for ($a : 0..2) { for ($b : 0..2) { for ($c : 0..2) { for ($d : 0..2) { for ($e : "
	"0..2) { for ($f : 0..2) { for ($g : 0..2) { @[$a, $g] = $b + $c + $d + $e + $f; } } } } } "
	"} } }",
	"BEGIN { $s = \"\"; for ($i : 0..5) { $s = comm; if ($i == 3) { $s = \"three\"; } @[$s] = "
	"$i; } print($s); }",
	"BEGIN { @x[1] = kstack; for ($kv : @x) { printf(\"%s %d\\n\", $kv.1, $kv.0); } }",
	"BEGIN { @x[1] = 1; @y[2] = 2; for ($a : @x) { for ($b : @y) { @s += $a.1 * $b.1; "
	"delete(@y[$b.0]); } } }",
	"BEGIN { let $x; let $y = 5; { let $y = 6; $x = $y; } if ($x == 6) { let $y = comm; @ = "
	"$y; } $x++; }",
	"BEGIN { if (pid == 1) { @ = 1; } else if (pid == 2) { @ = 2; } else if (comm == \"x\") { "
	"@ = 3; } else { @ = 4; } return; }",
	"BEGIN { $n = 0; while ($n < 10) { $n++; $m = 0; while ($m < 10) { $m++; if ($m * $n == "
	"42) { exit(42); } } } }",
	"BEGIN { $a = 1; $b = 2; $c = 3; $d = 4; $e = 5; $f = 6; $g = 7; $h = 8; $i = 9; $j = 10; "
	"for ($k : 0..3) { $a += $b; $c += $d; $e += $f; $g += $h; $i += $j; } print(($a, $c, $e, "
	"$g, $i)); }",
	"BEGIN { pid ? print(1) : print(comm); 1; @x; comm; (1, comm); @x = 1; nsecs + 1; "
	"curtask->comm; }",
	"BEGIN { for ($i : -5..pid) { if ($i > 3) { return; } @[$i] = count(); } }",
	ENTER "{ $p = curtask; $i = 0; while ($p->pid > 1 && $i < 20) { $p = $p->real_parent; "
	      "$i++; } @[$i] = count(); }",
	SWITCH "{ $i = 0; while ($i < 16) { if (args.prev_comm[$i] == 0) { break; } $i++; } @ = "
	       "hist($i); }",
	NULL,
};

const char *const scripts_output[] = {
	"BEGIN { printf(\"%d %i %u %x %X %o %c %p %s\\n\", 1, -1, pid, pid, pid, pid, 65, curtask, "
	"comm); }",
	"BEGIN { printf(\"%5d %-5d %05d %lld %.3s %10s %%\\n\", 1, 2, 3, nsecs, comm, comm); }",
	"BEGIN { printf(\"%s %s %s %s %s\\n\", kstack, ustack, ksym(5), usym(5), username); }",
	"BEGIN { printf(\"%s %s %r %rx %s\\n\", ntop(5), macaddr(curtask->comm), buf(0, 16), "
	"buf(0, 4), probe); }",
	"BEGIN { printf(\"%s\\n\", curtask->comm); printf(\"%s %d\\n\", (1, comm), @x); @x = 1; "
	"printf(\"plain\\n\"); }",
	"BEGIN { @s = \"x\"; @k[1] = kstack; printf(\"%s %s %s\\n\", @s, @k[1], @k[2]); "
	"print(@k[1]); print(@s); }",
	"BEGIN { print(1); print(comm); print((1, comm)); print(kstack); print(buf(0, 5)); "
	"print(*curtask); }",
	"BEGIN { print(curtask->se); print(curtask->comm); print((struct list_head *)5); "
	"print(pton(\"::1\")); }",
	"BEGIN { printf(\"%d\\n\", len(@m)); @m[1] = 1; printf(\"%d %d\\n\", @m[1]++, has_key(@m, "
	"1)); }",
	"BEGIN { printf(\"%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d\\n\", 1, 2, 3, 4, 5, 6, 7, 8, "
	"9, pid, tid, uid, gid, cpu, 15, 16, 17, 18, 19, 20); }",
	"BEGIN { printf(\"%s %s %s %s %s %s\\n\", str(0), str(1), str(2), str(3), str(4), str(5)); "
	"}",
	OWN "{ printf(\"%s %d %x\\n\", str(arg0), arg1, arg2); printf(\"%s\\n\", (uint8 *)arg0); }",
	"interval:s:1 { time(\"%H:%M:%S\\n\"); print(@c); @c[1] = count(); printf(\"%d\\n\", pid); "
	"exit(); }",
	"BEGIN { printf(\"%s\\n\", pid > 1 ? \"yes\" : \"no\"); printf(\"%d\\n\", pid > 1 && comm "
	"== \"x\" || !uid); }",
	NULL,
};

#define LONG "config = { max_strlen = 1024 } "

const char *const scripts_large[] = {
	LONG "BEGIN { @ = str(0); @b[1] = str(1); $s = str(2); printf(\"%s %s\\n\", str(3), $s); "
	     "print(str(4)); }",
	LONG "BEGIN { $a = str(0); $b = str(1); @ = $a == $b; @c = strncmp($a, $b, 1000); @d = "
	     "strcontains($a, \"needle\"); }",
	LONG "BEGIN { @ = (str(0), str(1), str(2)); $t = @; $t = ($t.1, $t.0, $t.2); print($t); "
	     "print(@.2); }",
	LONG
	"BEGIN { for ($i : 0..10) { $s = str($i); if (strcontains($s, \"x\")) { @[$i] = $s; } } }",
	LONG "tracepoint:sched:sched_process_exec { @[comm] = args.filename; printf(\"%s\\n\", "
	     "args.filename); }",
	LONG "BEGIN { @ = strcontains(str(0), \"a\") + strcontains(str(1), \"bc\") + "
	     "strcontains(str(2), \"def\") + strcontains(str(3), \"ghij\") + strcontains(str(4), "
	     "\"klmno\"); }",
	LONG "BEGIN { @ = strcontains(str(0), \"a needle that is some 40 letters long, or more\"); "
	     "@l = strlen(str(0)); }",
	LONG "BEGIN { @ = strcontains(str(0), str(1)); @a = strcontains(comm, pcomm); }",
	"config = { max_strlen = 500 } BEGIN { @[str(0)] = count(); @x[str(0, 200), str(1, 200)] = "
	"sum(1); }",
	"BEGIN { @ = buf(0, 1000); @b = buf(uptr(0), 1024); printf(\"%r\\n\", buf(0, 1000)); @c[1] "
	"= *curtask; }",
	"BEGIN { $a = comm; $b = comm; $c = comm; $d = comm; $e = comm; $f = comm; $g = comm; $h = "
	"comm; $i = comm; $j = comm; $k = comm; $l = comm; $m = comm; $n = comm; $o = comm; $p = "
	"comm; @ = ($a, $b, $c, $d, $e, $f, $g, $h); @two = ($i, $j, $k, $l, $m, $n, $o, $p); }",
	"BEGIN { "
	"@[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32] "
	"= pid; }",
	"BEGIN { $v0 = pid; $v1 = tid; $v2 = uid; $v3 = gid; $v4 = cpu; $v5 = nsecs; $v6 = rand; "
	"$v7 = ppid; $v8 = cgroup; $v9 = elapsed; @a = comm; @b = kstack; print(($v0, $v1, $v2, "
	"$v3, $v4, $v5, $v6, $v7, $v8, $v9)); }",
	"BEGIN { @ = lhist(nsecs, 0, 1000, 1); @h = hist(nsecs, 5); @k[kstack, ustack, comm, pid, "
	"tid] = hist(1, 5); }",
	"BEGIN { unroll (100) { @a[rand] = nsecs; @b = comm; printf(\"%d %s\\n\", pid, comm); } }",
	"BEGIN { unroll (20) { @a = strcontains(comm, \"abc\"); @b = comm == \"abcdefgh\"; @c = "
	"pid / (int64)-tid; } }",
	"BEGIN { unroll (50) { if (comm == \"x\" && pid > 5 || uid == 7) { @++; } else if (gid) { "
	"@b++; } } }",
	"BEGIN { $n = 0; unroll (200) { $n = $n * 31 + pid; } @ = $n; }",
	"BEGIN { unroll (30) { @h = hist(nsecs); @l = lhist(nsecs, 0, 100, 1); @s[comm] = "
	"stats(pid); } }",
	NULL,
};

const char *const scripts_kprobe[] = {
	"kprobe:vfs_read { @[comm, arg0, arg1, arg2] = count(); @s = sarg0; @f[func] = count(); }",
	"kretprobe:vfs_read { @[retval] = count(); @h = hist(retval); @f[func, probe] = count(); }",
	"kprobe:vfs_read { @start[tid] = nsecs; } kretprobe:vfs_read / @start[tid] / { @ = "
	"hist(nsecs - @start[tid]); delete(@start[tid]); }",
	"kprobe:vfs_read { $f = (struct file *)arg0; @[str($f->f_path.dentry->d_name.name)] = "
	"count(); }",
	"kprobe:tcp_sendmsg { $s = (struct sock *)arg0; @[ntop($s->__sk_common.skc_daddr), "
	"bswap($s->__sk_common.skc_dport)] = sum(arg2); }",
	"kprobe:vfs_read { @[kstack, ustack] = count(); printf(\"%s\\n\", kstack(5)); @r = "
	"reg(\"di\"); }",
	"kprobe:do_nanosleep { @[args.mode] = count(); }",
	NULL,
};

const char *const scripts_fentry[] = {
	"fentry:vfs_read { @[args.count, args.file->f_flags] = count(); }",
	"fentry:filp_close { @p = path(args.filp->f_path); printf(\"%s\\n\", "
	"path(args.filp->f_path)); }",
	"fexit:vfs_read { @[retval] = count(); @n = sum(args.count); @f = func; }",
	"fentry:vfs_read { @[str(args.file->f_path.dentry->d_name.name)] = count(); }",
	"fexit:vfs_read / retval < 0 / { @e[strerror(-retval)] = count(); @[kstack] = count(); }",
	NULL,
};
