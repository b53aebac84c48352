# Probes of kernel functions. Many kernels of virtual machines refuse them: the guest runs these.

== kprobe counts calls, told apart by an argument
needs: kprobe
script:
    kprobe:vfs_write /comm == "dd" && arg2 == 7/ { @[arg2] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=7 count=50 2>/dev/null
match:
    ^Attaching 1 probe\.\.\.$
    ^@\[7\]: 50$

== kretprobe has what the function returned
needs: kprobe
script:
    kretprobe:vfs_write /comm == "dd" && retval == 9/ { @[retval] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=9 count=40 2>/dev/null
match:
    ^@\[9\]: 40$

== a function that fails returns a negative errno
needs: kprobe
script:
    kretprobe:do_sys_openat2 /comm == "cat" && (int32)retval < 0/ { @[(int32)retval] = count(); }
trigger:
    cat /nonexistent
    cat /nonexistent
match:
    ^@\[-2\]: [2-9]

== kprobe and kretprobe make a pair by thread
needs: kprobe
script:
    kprobe:do_nanosleep /comm == "sleep"/ { @begin[tid] = nsecs; }
    kretprobe:do_nanosleep /@begin[tid] != 0/ {
    	printf("%s slept %d ms\n", comm, (nsecs - @begin[tid]) / 1000000);
    	delete(@begin[tid]);
    }
trigger:
    sleep 0.3
check:
    # Others may sleep meanwhile, and shorter.
    ms = max(map(int, re.findall(r'^sleep slept (\d+) ms$', out, re.M)))
    assert 300 <= ms < 3000, out
    assert '@begin[' not in out

== arguments are pointers to structures with BTF's types
needs: kprobe
script:
    kprobe:vfs_open /comm == "cat"/ {
    	printf("open %s\n", str(((struct path *)arg0)->dentry->d_name.name));
    }
trigger:
    cat /proc/cmdline
match:
    ^open cmdline$

== a list of functions shares one body
needs: kprobe
script:
    kprobe:vfs_read, kprobe:vfs_write /comm == "dd" && arg2 == 11/ { @[func] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=11 count=30 2>/dev/null
match:
    ^Attaching 2 probes\.\.\.$
    ^@\[vfs_(read|write)\]: 30$
    ^@\[vfs_(read|write)\]: 30$

== a wildcard attaches to all functions it matches
needs: kprobe
timeout: 60
script:
    kprobe:vfs_* /comm == "dd"/ { @[func] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=11 count=30 2>/dev/null
check:
    n = int(re.search(r'^Attaching (\d+) probes', out, re.M).group(1))
    assert n > 30, n
    calls = dict(re.findall(r'^@\[(\w+)\]: (\d+)$', out, re.M))
    assert all(f.startswith('vfs_') for f in calls), calls
    assert int(calls['vfs_read']) >= 30 and int(calls['vfs_write']) >= 30, calls

== the built-in probe names each place of a wildcard
needs: kprobe
timeout: 60
script:
    kprobe:vfs_w* /comm == "dd" && arg2 == 13/ { @[probe] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=13 count=20 2>/dev/null
match:
    ^@\[kprobe:vfs_write\]: 20$

== a wildcard of kretprobes
needs: kprobe
oracle: no, it names the caller
timeout: 60
script:
    kretprobe:vfs_w* /comm == "dd" && retval == 15/ { @[func] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=15 count=20 2>/dev/null
match:
    ^@\[vfs_write\]: 20$

== an offset into a function
needs: kprobe
script:
    kprobe:vfs_write+5 /comm == "dd" && arg2 == 17/ { @ = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=17 count=20 2>/dev/null
match:
    ^@: 20$

== an offset that is no instruction is refused
needs: kprobe
oracle: no, its own words
exit: 1
script:
    kprobe:vfs_write+1 { @ = count(); }
stderr-match:
    vfs_write

== a function of a module, by name alone
needs: kprobe
script:
    kprobe:dummy_xmit { @[func] = count(); }
trigger:
    modprobe dummy 2>/dev/null
    ip link add dummy7 type dummy 2>/dev/null || true
    ip addr add 10.93.7.1/24 dev dummy7 && ip link set dummy7 up
    ping -c 1 -W 1 10.93.7.2
    ip link del dummy7
match:
    ^@\[dummy_xmit\]: \d+$

== a function of a module that is named
needs: kprobe
oracle: no, newer than 0.17
script:
    kprobe:dummy:dummy_xmit { @[probe] = count(); }
trigger:
    ip link add dummy8 type dummy 2>/dev/null || true
    ip addr add 10.93.8.1/24 dev dummy8 && ip link set dummy8 up
    ping -c 1 -W 1 10.93.8.2
    ip link del dummy8
match:
    ^@\[kprobe:dummy:dummy_xmit\]: \d+$

== the kernel's stack at a kprobe begins with its function
needs: kprobe
script:
    kprobe:vfs_write /comm == "dd" && arg2 == 19/ { @[kstack] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=19 count=8 2>/dev/null
match:
    ^@\[
    ^    vfs_write\+\d+$
    ^    ksys_write\+\d+$
    ^    do_syscall_64\+\d+$
    ^\]: 8$

== frames of a stack can be limited
needs: kprobe
script:
    kprobe:vfs_write /comm == "dd" && arg2 == 21/ { @[kstack(2)] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=21 count=8 2>/dev/null
match:
    ^@\[
    ^    vfs_write\+\d+
    ^    ksys_write\+\d+
    ^\]: 8$
never:
    do_syscall_64

== a stack in perf's form, printed at once
needs: kprobe
script:
    kprobe:vfs_write /comm == "dd" && arg2 == 23/ { printf("%s\n", kstack(perf, 3)); exit(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=23 count=3 2>/dev/null
match:
    ^\s+[0-9a-f]{16} vfs_write\+\d+$
    ^\s+[0-9a-f]{16} ksys_write\+\d+$

== registers by name
needs: kprobe
script:
    kprobe:vfs_write /comm == "dd" && reg("dx") == 25/ { @[reg("dx") == arg2, ksym(reg("ip"))] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=25 count=12 2>/dev/null
match:
    ^@\[1, vfs_write\]: 12$

== user memory is read through a pointer argument
needs: kprobe
script:
    kprobe:do_sys_openat2 /comm == "cat"/ { @[str(uptr(arg1))] = count(); }
trigger:
    cat /proc/cmdline /nonexistent/file
match:
    ^@\[/nonexistent/file\]: 1$

== user memory is known by its address
needs: kprobe
oracle: no, it wants uptr()
script:
    kprobe:do_sys_openat2 /comm == "cat"/ { @[str(arg1)] = count(); }
trigger:
    cat /proc/cmdline /nonexistent/file
match:
    ^@\[/nonexistent/file\]: 1$

== a kprobe and a tracepoint share a map
needs: kprobe
script:
    kprobe:do_nanosleep /comm == "sleep"/ { @[tid] = 1; }
    tracepoint:sched:sched_process_exit /@[tid] == 1/ { printf("%s ends\n", comm); delete(@[tid]); }
trigger:
    sleep 0.2
match:
    ^sleep ends$
never:
    ^@\[\d+\]

== a probe ends the run
needs: kprobe
script:
    kprobe:do_nanosleep /comm == "sleep"/ { printf("asleep\n"); exit(); }
    END { printf("end\n"); }
trigger:
    sleep 0.5
match:
    ^asleep$
    ^end$

== fentry has arguments by their names
needs: kprobe
script:
    kfunc:vfs_write /comm == "dd" && args->count == 27/ { @[args->count] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=27 count=31 2>/dev/null
match:
    ^@\[27\]: 31$

== fentry by its newer name, with a dot
needs: kprobe
oracle: no, newer than 0.17
script:
    fentry:vfs_write /comm == "dd" && args.count == 29/ { @[args.count, func] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=29 count=31 2>/dev/null
match:
    ^@\[29, vfs_write\]: 31$

== fexit has arguments and result
needs: kprobe
script:
    kretfunc:vfs_write /comm == "dd" && args->count == 45/ { @[args->count, retval] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=45 count=31 2>/dev/null
match:
    ^@\[45, 45\]: 31$

== fexit by its newer name
needs: kprobe
oracle: no, newer than 0.17
script:
    fexit:vfs_write /comm == "dd" && args.count == 35/ { @[retval] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=35 count=31 2>/dev/null
match:
    ^@\[35\]: 31$

== fentry follows pointers of kernel structures
needs: kprobe
script:
    kfunc:vfs_open /comm == "cat"/ { printf("open %s %d\n", str(args->path->dentry->d_name.name), args->file->f_flags & 3); }
trigger:
    cat /proc/cmdline
match:
    ^open cmdline 0$

== fentry and fexit make a pair by thread
needs: kprobe
script:
    kfunc:vfs_write /comm == "dd" && args->count == 37/ { @begin[tid] = nsecs; }
    kretfunc:vfs_write /@begin[tid] != 0/ { @us = hist((nsecs - @begin[tid]) / 1000); delete(@begin[tid]); }
trigger:
    dd if=/dev/zero of=/dev/null bs=37 count=64 2>/dev/null
check:
    counts = re.findall(r'^\[.*?[\])]\s+(\d+) \|', out, re.M)
    assert sum(map(int, counts)) == 64, counts

== a wildcard of fentry
needs: kprobe
timeout: 60
script:
    kfunc:vfs_rea* /comm == "dd"/ { @[probe] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=39 count=30 2>/dev/null
check:
    calls = dict(re.findall(r'^@\[(?:kfunc|fentry):(?:vmlinux:)?(\w+)\]: (\d+)$', out, re.M))
    assert int(calls['vfs_read']) >= 30, calls

== fentry of a module's function
needs: kprobe
oracle: no, it has no func there
script:
    kfunc:dummy:dummy_xmit { @[func] = count(); }
trigger:
    ip link add dummy9 type dummy 2>/dev/null || true
    ip addr add 10.93.9.1/24 dev dummy9 && ip link set dummy9 up
    ping -c 1 -W 1 10.93.9.2
    ip link del dummy9
match:
    ^@\[dummy_xmit\]: \d+$

== the kernel's stack at fentry and fexit
needs: kprobe
script:
    kfunc:vfs_write /comm == "dd" && args->count == 41/ { @in[kstack(4)] = count(); }
    kretfunc:vfs_write /comm == "dd" && args->count == 41/ { @out[kstack(4)] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=41 count=6 2>/dev/null
match:
    ^@in\[
    ^    vfs_write\+\d+$
    ^    ksys_write\+\d+$
    ^@out\[
    ^    ksys_write\+\d+$
    ^\]: 6$

== print at a tick while a kprobe counts
needs: kprobe
script:
    kprobe:vfs_write /comm == "dd" && arg2 == 43/ { @ = count(); }
    interval:ms:200 { if (@ != 0) { print(@); clear(@); @done = 1; } }
    interval:ms:900 { if (@done == 1) { exit(); } }
oracle: no, it cannot compare a count
trigger:
    dd if=/dev/zero of=/dev/null bs=43 count=60 2>/dev/null
    sleep 1.5
signal: none
check:
    assert sum(map(int, re.findall(r'^@: (\d+)$', out, re.M))) == 60

== a function that is not there
needs: kprobe
oracle: no, its own words
exit: 1
script:
    kprobe:vfs_wriet { @ = count(); }
stderr-match:
    vfs_wriet
    vfs_write

== a wildcard that matches nothing
needs: kprobe
oracle: no, its own words
exit: 1
script:
    kprobe:no_such_function_* { @ = count(); }
stderr-match:
    no_such_function_\*

== a function that may not be probed
needs: kprobe
oracle: no, its own words
exit: 1
script:
    kprobe:do_int3 { @ = count(); }
stderr-match:
    do_int3

== nothing stays attached
needs: kprobe
oracle: no, tracefs is looked at
command:
    cat >k.bt <<END
    kprobe:vfs_read, kretprobe:vfs_write { @ = count(); }
    fentry:vfs_open { @o = count(); }
    END
    "$SONDE" run k.bt >k.out 2>&1 &
    pid=$!
    until grep -q Attaching k.out; do sleep 0.05; kill -0 $pid || break; done
    sleep 0.5
    kill -KILL $pid
    wait $pid 2>/dev/null
    sleep 0.5
    wc -l </sys/kernel/tracing/kprobe_events
    grep -c . /sys/kernel/tracing/enabled_functions
    true
check:
    lines = out.split()
    assert lines and lines[0] == '0', out
