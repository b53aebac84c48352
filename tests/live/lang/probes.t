# Each kind of probe that any kernel has, and what it brings.

== a system call's event with its arguments
script:
    tracepoint:syscalls:sys_enter_openat /comm == "cat"/ { printf("%s\n", str(args->filename)); }
trigger:
    cat /etc/hostname /nonexistent/a >/dev/null 2>&1
match:
    ^/etc/hostname$
    ^/nonexistent/a$

== its result
script:
    tracepoint:syscalls:sys_exit_openat /comm == "cat" && args->ret < 0/ { @[args->ret] = count(); }
trigger:
    cat /nonexistent/a /nonexistent/b >/dev/null 2>&1
match:
    ^@\[-2\]: [1-9]\d*$

== arguments that are ints have their sign, whatever the program left above them
needs: python
oracle: no, it shows the whole register
script:
    tracepoint:syscalls:sys_enter_openat /comm == "cat" && args->dfd == -100/ { @dfd = max(args->dfd); }
    tracepoint:syscalls:sys_enter_connect /comm == "unsocket"/ { @fd[args->fd, args->fd < 0] = count(); }
    tracepoint:syscalls:sys_enter_pread64 /comm == "unsocket"/ { @pos[args->pos] = count(); }
trigger:
    cat /etc/hostname >/dev/null
    python3 -c 'import ctypes
    c = ctypes.CDLL(None)
    c.prctl(15, b"unsocket", 0, 0, 0)
    c.connect(ctypes.c_uint(2**32 - 1), 0, 0)
    c.connect(ctypes.c_long(-1), 0, 0)
    c.pread(-1, 0, 0, ctypes.c_long(-5))'
match:
    ^@dfd: -100$
    ^@fd\[-1, 1\]: 2$
    ^@pos\[-5\]: 1$

== calls whose functions have other names
script:
    tracepoint:syscalls:sys_enter_newuname /comm == "uname"/ { @[comm] = count(); }
    tracepoint:syscalls:sys_enter_new*stat* /comm == "ls"/ { @stat = count(); }
trigger:
    ls -l /etc/hostname /etc >/dev/null
    uname >/dev/null
match:
    ^@\[uname\]: 1$
    ^@stat: [1-9]

== all system calls are one program, which knows their names
script:
    tracepoint:syscalls:sys_enter_* /comm == "dd"/ { @[probe] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=1 count=777 2>/dev/null
match:
    @\[tracepoint:syscalls:sys_enter_read\]: 7[78]\d$
check:
    writes = int(re.search(r'sys_enter_write\]: (\d+)$', out, re.M).group(1))
    assert 777 <= writes < 790, writes
    assert 'sys_enter_exit_group]: 1\n' in out, out

== and so are their results
script:
    tracepoint:syscalls:sys_exit_* /comm == "dd" && args->ret == 13/ { @[probe] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=13 count=55 2>/dev/null
match:
    ^@\[tracepoint:syscalls:sys_exit_(read|write)\]: 55$
    ^@\[tracepoint:syscalls:sys_exit_(read|write)\]: 55$

== a wildcard in the middle
script:
    t:syscalls:sys_*_write /comm == "dd"/ { @[probe] = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=1 count=44 2>/dev/null
match:
    ^@\[tracepoint:syscalls:sys_(enter|exit)_write\]: 4[4-9]$
    ^@\[tracepoint:syscalls:sys_(enter|exit)_write\]: 4[4-9]$

== any system call by number
script:
    tracepoint:raw_syscalls:sys_enter /comm == "dd"/ { @[args->id] = count(); }
    tracepoint:raw_syscalls:sys_exit /comm == "dd" && args->ret == 21/ { @r = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=21 count=66 2>/dev/null
match:
    ^@\[\d+\]: 6[6-9]$
    ^@r: 132$

== fields of a record
script:
    tracepoint:sched:sched_process_exec { printf("%s by %d\n", str(args->filename), args->pid); }
trigger:
    sh -c 'echo $$ >&3; exec /bin/true' 3>/dev/null
match:
    ^/\S*true by [1-9]\d*$

== several events of one shape
script:
    tracepoint:sched:sched_wakeup*, tracepoint:sched:sched_waking { @[probe] = count(); }
trigger: sleep 0.05
match:
    ^@\[tracepoint:sched:sched_wak(eup|eup_new|ing)\]: [1-9]
    ^@\[tracepoint:sched:sched_wak(eup|eup_new|ing)\]: [1-9]

== raw tracepoints
oracle: no, it does not take its name
script:
    rawtracepoint:sched_switch { @ = count(); }
    rawtracepoint:sys_enter /comm == "dd"/ { @n = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=1 count=88 2>/dev/null
match:
    ^@: [1-9]
    ^@n: [1-9]\d\d$

== arguments of a raw tracepoint by name
oracle: no, newer than 0.17
script:
    rawtracepoint:sched_switch /args.next->tgid == $1/ { @[args.next->comm] = count(); }
params: 1
trigger: kill -0 1; sleep 0.1
exit: 0

== functions of a library
params: "$(bash -c 'grep -m 1 -o "/[^ ]*libc[.]so[.]6" /proc/$$/maps; :')"
script:
    uprobe:$1:fork /comm == "probed"/ { @ = count(); }
    uretprobe:$1:fork /comm == "probed"/ { @r[(int32)retval > 0] = count(); }
trigger:
    ln -sf /bin/bash probed
    ./probed -c 'for i in 1 2 3; do /bin/true; done; :'
match:
    ^@: 3$
    ^@r\[0\]: 3$
    ^@r\[1\]: 3$

== functions by wildcard, each with its name
script:
    uprobe:/bin/bash:echo_b*ltin /comm == "probed"/ { @b[probe] = count(); }
trigger:
    ln -sf /bin/bash probed
    ./probed -c 'echo a; echo b' >/dev/null
match:
    ^@b\[uprobe:/\S*bash:echo_builtin\]: 2$

== a place inside of a function
script:
    uprobe:/bin/bash:echo_builtin+4 /comm == "probed"/ { @ = count(); }
trigger:
    ln -sf /bin/bash probed
    ./probed -c 'echo a; echo b; echo c' >/dev/null
match:
    ^@: 3$
oracle: no, it disassembles and looks for the begin of an instruction

== one process alone
command:
    bash -c 'until [ -e go ]; do sleep 0.05; done; for i in 1 2 3; do echo; done; :' >/dev/null &
    "$SONDE" run -p $! -e 'u:/bin/bash:echo_builtin { @ = count(); }' >one &
    until grep -q Attaching one 2>/dev/null; do sleep 0.05; done
    bash -c 'echo; echo; echo; echo' >/dev/null
    touch go
    wait
    cat one
match:
    ^@: 3$

== counters of the kernel
script:
    software:page-faults:1 /comm == "dd"/ { @faults = count(); }
    software:cs:1 { @switches = count(); }
    software:cpu-clock:1000000 { @clock = count(); }
trigger:
    dd if=/dev/zero of=/dev/null bs=1M count=50 2>/dev/null
match:
    ^@clock: [1-9]
    ^@faults: [1-9]
    ^@switches: [1-9]

== a profile comes on each cpu, an interval once for all
# However busy the machine is: until each CPU had its share, of which no time gives more.
needs: speed
timeout: 60
script:
    profile:hz:50 {
    	@p[cpu] = count();
    	@n[cpu]++;
    	if (@n[cpu] == 20) { @done++; }
    	if (@done >= $1) { exit(); }
    }
    interval:ms:20 { @i[cpu] = count(); }
    interval:s:30 { exit(); }
    END { printf("elapsed %d on %d\n", elapsed / 1000000, $1); clear(@n); clear(@done); }
params: $(getconf _NPROCESSORS_ONLN)
check:
    p = [int(n) for n in re.findall(r'^@p\[\d+\]: (\d+)$', out, re.M)]
    i = [int(n) for n in re.findall(r'^@i\[\d+\]: (\d+)$', out, re.M)]
    elapsed, cpus = map(int, re.search(r'^elapsed (\d+) on (\d+)$', out, re.M).groups())
    most = elapsed // 20 + 2
    assert len(p) == cpus and all(1 <= n <= most for n in p), (p, i, most)
    assert 1 <= sum(i) <= most, (p, i, most)

== units without a colon
tries: 3
oracle: no, newer than 0.17
script:
    interval:10ms { @ = count(); }
    interval:1s { exit(); }
check:
    assert 60 <= int(re.search(r'^@: (\d+)$', out, re.M).group(1)) <= 101

== tasks of the kernel, one by one
script:
    iter:task { printf("%s:%d\n", ctx->task->comm, ctx->task->pid); }
oracle: no, it wants nothing beside the iterator to end by
match:
    ^kthreadd:2$

== files of tasks
oracle: no, its iterators end in another way
script:
    iter:task_file /ctx->task->tgid == cpid || ctx->fd == 0/ { @[ctx->fd] = count(); }
match:
    ^@\[0\]: [1-9]

== a signal to the run itself
oracle: no, newer than 0.17
script:
    self:signal:SIGUSR1 { printf("got it\n"); exit(); }
command:
    "$SONDE" run -e 'self:signal:SIGUSR1 { printf("got it\n"); exit(); }' >one &
    until grep -q Attaching one 2>/dev/null; do sleep 0.05; done
    kill -USR1 $!; wait $!
    cat one
match:
    ^got it$

== unknown places are explained
oracle: no
command:
    for p in t:sched:sched_swich u:bash:readlin s:page-falt:1 iter:tsk rt:sched_swich zz:x; do
    	"$SONDE" run -e "$p { exit(); }" 2>&1 | head -n 1
    done
stdout:
    -e:1:1: error: no tracepoint 'sched_swich' in the group 'sched'; did you mean 'sched_switch'? [unknown-event]
    -e:1:1: error: no function 'readlin' in '/usr/bin/bash'; did you mean 'readline'? [unknown-function]
    -e:1:1: error: no software event 'page-falt'; did you mean 'page-faults'? [unknown-event]
    -e:1:1: error: this kernel has no iterator 'tsk'; did you mean 'task'? [unknown-iterator]
    -e:1:1: error: no raw tracepoint 'sched_swich'; did you mean 'sched_switch'? [unknown-event]
    -e:1:1: error: unknown kind of probe 'zz' [unknown-probe-type]

== points that are not there
oracle: no, 0.17 has no such setting
command:
    go() { "$SONDE" run -q -e "$1" 2>err; echo "$? $(grep -c warning: err) $(grep -c error: err)"; }
    two='tracepoint:sched:sched_switch, tracepoint:sched:nothing'
    go "$two { exit(); }"
    go "config = { missing_probes = error } $two { exit(); }"
    go "config = { missing_probes = warn } $two { exit(); } uprobe:/nothing:f { exit(); }"
    go "config = { missing_probes = ignore } $two { exit(); } tracepoint:none:* { exit(); }"
    go "config = { missing_probes = ignore } tracepoint:none:* { exit(); }"
match:
    ^0 1 0$
    ^1 0 1$
    ^0 2 0$
    ^0 0 0$
    ^1 0 1$

== what other tools call a tracepoint
args: -q
oracle: no, other words
exit: 1
script:
    sched:sched_switch { exit(); }
stderr-match:
    unknown kind of probe 'sched'; did you mean 'tracepoint:sched:\.\.\.'
