# D's providers, as DTrace's guide teaches them. What they count is compared with bpftrace by ../d_compare.py.

== system calls: latency with self->ts
script-d:
    #pragma D option quiet
    syscall::getppid:entry { self->ts = timestamp; }
    syscall::getppid:return / self->ts / {
        this->d = timestamp - self->ts;
        @n[execname] = count(); @d[execname] = quantize(this->d); self->ts = 0;
    }
    END { printa("%s %@d\n", @n); printa(@d); }
trigger: perl -e 'getppid() for 1..5000'
match:
    ^perl 5000$
    ^  perl +
    ^ +value  ------------- Distribution ------------- count
check:
    part = out[out.index('  perl'):]
    part = part[:part.index('\n\n') if '\n\n' in part else None]
    total = sum(int(n) for n in re.findall(r'\| +(\d+) +$|@ +(\d+) +$', part, re.M) for n in n if n) \
        if False else sum(int(m) for m in re.findall(r'(\d+) +$', part, re.M))
    assert total == 5000, (total, part)

== system calls: arguments, results, errno, strings of the program
command:
    "$SONDE" run -q -c '/bin/cat /nonexistent/file' -n '
        syscall::openat:entry / pid == $target / { self->path = arg1; self->flags = arg2; }
        syscall::openat:return / self->path / {
            this->path = copyinstr(self->path);
            printf("%s %s %d %d\n", probefunc, this->path, arg0, errno); self->path = 0; }'
stderr-match: No such file
match: ^openat /nonexistent/file -2 2$

== system calls: entry and return by one description, names as strings
command:
    "$SONDE" run -q -c 'perl -e 1' -n '
        syscall::exit_group: / pid == $target / { printf("%s:%s:%s %d\n", probeprov, probefunc, probename, strlen(strjoin(probefunc, probename))); }
        syscall::brk:, syscall::mmap:return / pid == $target && probefunc != "brk" / { @[probefunc, probename] = count(); }'
match:
    ^syscall:exit_group:entry 15$
    ^  mmap +return +\d+$
never: brk

== processes: create, exec, exit
script-d:
    #pragma D option quiet
    proc:::create { printf("create %s\n", args[0]->pr_pid > 0 && args[0]->pr_ppid == pid ? execname : "?"); }
    proc:::exec { printf("exec %s\n", stringof(args[0])); }
    proc:::exec-success { printf("success %s [%s] %d\n", execname, curpsinfo->pr_psargs, curpsinfo->pr_pid == pid); }
    proc:::exec-failure { printf("failure %d\n", args[0]); }
    proc:::start / curpsinfo->pr_ppid > 0 / { @started = count(); }
    proc:::exit { printf("exit %s %d\n", execname, args[0]); }
trigger:
    sh -c '/bin/expr 1 + 2; /bin/nonexistent; exit 0'
    sh -c 'kill -9 $$'
match:
    ^create sh$
    ^exec /bin/expr$
    ^success expr \[/bin/expr 1 \+ 2\] 1$
    ^exit expr 1$
    ^exit sh 2$
check:
    assert int(re.search(r'^ +(\d+)$', out, re.M).group(1)) >= 2, out

== threads
needs: cc
command:
    cat >threads.c <<'END'
    #include <pthread.h>
    static void *nothing(void *arg) { return arg; }
    int main(void)
    {
        for (int i = 0; i < 5; i++) {
            pthread_t t;
            pthread_create(&t, 0, nothing, 0);
            pthread_join(t, 0);
        }
        return 0;
    }
    END
    cc -o threads threads.c -lpthread || exit 99
    "$SONDE" run -q -c ./threads -n '
        proc:::lwp-create / pid == $target / { @["create"] = count(); }
        proc:::lwp-start / pid == $target && curlwpsinfo->pr_lwpid == tid / { @["start"] = count(); }
        proc:::lwp-exit / pid == $target / { @["exit"] = count(); }'
match:
    ^  create +5$
    ^  start +5$
    ^  exit +6$

== signals
script-d:
    #pragma D option quiet
    proc:::signal-send / args[2] == 10 / { printf("send %d to %s by %s\n", args[2], args[1]->pr_fname, execname); }
    proc:::signal-handle / args[0] == 10 / { printf("handle %d in %s\n", args[0], execname); }
    proc:::signal-discard / args[2] == 18 / { @discarded = count(); }
trigger:
    sh -c 'trap "echo got" USR1; kill -USR1 $$; sleep 0.1'
    sh -c 'kill -CONT $$'
match:
    ^send 10 to sh by sh$
    ^handle 10 in sh$

== time on the CPU, sampled and summed
needs: cc
command:
    cat >burn.c <<'END'
    #include <time.h>
    int main(void) { for (volatile long i = 0; i % 100000 || clock() < 2 * CLOCKS_PER_SEC; i++) ; return 0; }
    END
    cc -O0 -o burn burn.c || exit 99
    "$SONDE" run -q -c ./burn -n '
        BEGIN { begin = timestamp; }
        sched:::on-cpu / pid == $target / { self->on = timestamp; }
        sched:::off-cpu / self->on / { @on["on"] = sum(timestamp - self->on); self->on = 0; }
        profile:::profile-499 / pid == $target / { @samples = count(); @mode[arg1 ? "user" : "kernel"] = count(); }
        proc:::exit / pid == $target / { this->v = vtimestamp; @v["ran"] = max(this->v); }
        END { printa("samples %@d\n", @samples); printa("%s %@d\n", @mode); printa("%s %@d\n", @on); printa("%s %@d\n", @v); }'
timeout: 30
check:
    n = {k: int(v) for k, v in re.findall(r'^(\w+) (\d+)$', out, re.M)}
    assert n['user'] > n.get('kernel', 0), n
    # both clocks tell the same, as far as they can
    assert 1.8e9 < n['on'] < 3e9, n
    assert abs(n['samples'] / 499 - n['on'] / 1e9) < 0.4, n
    assert abs(n['ran'] - n['on']) < 0.3e9, n

== the scheduler's other probes
script-d:
    #pragma D option quiet
    sched:::wakeup / args[1]->pr_fname == "sleep" / { @["wakeup"] = count(); }
    sched:::enqueue / args[2]->cpu_id >= 0 && args[0]->pr_lwpid > 0 / { @["enqueue"] = count(); }
    sched:::dequeue / args[1]->pr_fname == "sleep" / { @["dequeue"] = count(); }
    sched:::sleep / execname == "sleep" / { @["sleep"] = count(); }
    sched:::off-cpu / execname == "sleep" && args[1]->pr_fname != "sleep" / { @["off"] = count(); }
    sched:::tick / args[1]->pr_pid == pid / { @["tick"] = count(); }
    sched:::preempt, sched:::change-pri { @["others"] = count(); }
    sched:::enqueue / all / { @["in"] = count(); }
    sched:::dequeue / all / { @["out"] = count(); }
    tick-50ms { all = 1; }
trigger: sleep 0.2; sleep 0.2
check:
    n = {k: int(v) for k, v in re.findall(r'^  (\w+) +(\d+)$', out, re.M)}
    assert n['wakeup'] >= 2 and n['sleep'] >= 2 and n['dequeue'] >= 2 and n['off'] >= 2, n
    assert n['tick'] > 20 and n['enqueue'] >= n['wakeup'], n
    # who is preempted comes into the queue again
    assert abs(n['in'] - n['out']) <= 10 + n['in'] / 10, n

== a priority that is lent
needs: cc
command:
    cat >pi.c <<'END'
    #include <pthread.h>
    #include <sched.h>
    #include <unistd.h>
    static pthread_mutex_t m;
    static void *wait_for_it(void *arg) { pthread_mutex_lock(&m); pthread_mutex_unlock(&m); return arg; }
    int main(void)
    {
        pthread_mutexattr_t a; pthread_attr_t t; pthread_t id; struct sched_param p = { 5 };
        pthread_mutexattr_init(&a); pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT); pthread_mutex_init(&m, &a);
        pthread_attr_init(&t); pthread_attr_setinheritsched(&t, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&t, SCHED_FIFO); pthread_attr_setschedparam(&t, &p);
        pthread_mutex_lock(&m);
        if (pthread_create(&id, &t, wait_for_it, 0)) return 1;
        usleep(200000);
        pthread_mutex_unlock(&m);
        return pthread_join(id, 0);
    }
    END
    cc -o pi pi.c -lpthread || exit 99
    "$SONDE" run -q -c ./pi -n 'sched:::change-pri / args[1]->pr_pid == $target / {
        printf("%s: %d to %d\n", args[1]->pr_fname, args[0]->pr_pri, args[2]); }'
match:
    ^pi: 1[0-3]\d to 94$
    ^pi: 94 to 1[0-3]\d$

== memory of a program
command:
    "$SONDE" run -q -c 'perl -e "open F, q(>/dev/null); syswrite F, pack(q(LLSSQ), 7, 9, 3, 4, 5)"' -n '
        struct head { uint32_t a, b; uint16_t c; };
        syscall::write:entry / pid == $target / {
            printf("%d %d ", *(int *)copyin(arg1, 4), *(uint64_t *)copyin(arg1 + 12, 8));
            this->h = (struct head *)copyin(arg1, sizeof(struct head));
            printf("%d %d %d\n", this->h->a, this->h->b, this->h->c);
            tracemem(copyin(arg1, 16), 4);
        }
        syscall::execve:entry / pid == $target / { printf("%s\n", copyinstr(*(uint64_t *)copyin(arg1, 8))); }'
match:
    ^perl$
    ^7 5 7 9 3$
    ^ +0: 07 00 00 00 +\.\.\.\.

== disks: I/O by device and size
script-d:
    #pragma D option quiet
    io:::start / execname == "dd" / {
        @size[args[1]->dev_statname] = quantize(args[0]->b_bcount);
        @n["start", args[0]->b_flags & B_READ ? "R" : "W", args[1]->dev_major > 0] = sum(args[0]->b_bcount);
    }
    io:::done / args[0]->b_bcount == 8192 / { @n["done", "W", 1] = sum(args[0]->b_bcount); }
    END { printa("%s %s %d %@d\n", @n); printa(@size); }
trigger:
    dd if=/dev/zero of=direct bs=8192 count=10 oflag=direct 2>/dev/null
needs: disk
match:
    ^start W 1 81920$
    ^ +8192 \|@+ +[1-3]\d +$
check:
    assert int(re.search(r'^done W 1 (\d+)$', out, re.M).group(1)) >= 81920, out

== page faults
script-d:
    #pragma D option quiet
    vminfo:::as_fault / execname == "perl" / { @f["faults"] = sum(arg0); }
    vminfo:::maj_fault { @m["major"] = count(); }
trigger: perl -e '$x = "a" x 4000000;'
check:
    assert int(re.search(r'^  faults +(\d+)$', out, re.M).group(1)) >= 500, out

== locks of the kernel
tries: 3
script-d:
    #pragma D option quiet
    lockstat:::adaptive-block, lockstat:::adaptive-spin, lockstat:::spin-spin, lockstat:::rw-block, lockstat:::rw-spin
    / arg0 && arg1 > 0 / { @["waits"] = count(); @ns = max(arg1); }
trigger:
    for i in 1 2 3 4 5 6; do
        perl -e 'for (1..3000) { $p = fork(); exit unless $p; waitpid($p, 0) } ' &
        pids="$pids $!"
    done
    sleep 2
    kill $pids 2>/dev/null
    wait
timeout: 40
stderr-match: ^
check:
    # waits within the program itself are left out, and told on standard error
    m = re.search(r'^  waits +(\d+)$', out, re.M)
    assert m and int(m.group(1)) > 0, out

== files by descriptor
command:
    echo content >some-file
    "$SONDE" run -q -c '/bin/sh -c "while read x; do :; done <some-file"' -n '
        syscall::read:entry / pid == $target && fds[arg0].fi_name == "some-file" / {
            printf("%s|%s|%d|%s|%d\n", fds[arg0].fi_pathname, fds[arg0].fi_dirname, fds[arg0].fi_offset, basename(fds[arg0].fi_pathname), fds[arg0].fi_oflags & 3); }'
    pwd
check:
    lines = out.splitlines()
    here = lines[-1]
    assert re.match(re.escape(f'{here}/some-file|{here}|0|some-file|0'), lines[0]), lines

== functions of a process
needs: cc
command:
    cat >prog.c <<'END'
    __attribute__((noinline)) long twice(long n, const char *s) { return n * 2 + (s[0] == 0); }
    static char texts[2][5]; /* what was never touched is not there to read */
    int main(void)
    {
        __builtin_memcpy(texts, "text\0more", 10);
        return twice(21, texts[0]) + twice(4, texts[1]) == 0;
    }
    END
    cc -O1 -o d-prog prog.c || exit 99
    "$SONDE" run -q -c ./d-prog -n '
        pid$target:a.out:twice:entry { self->n = arg0; printf("%s %d %s\n", probefunc, arg0, copyinstr(arg1)); }
        pid$target:a.out:twice:return / self->n / { printf("%s = %d\n", probemod, arg1); self->n = 0; }'
stdout:
    twice 21 text
    a.out = 42
    twice 4 more
    a.out = 8

== functions of a library
command:
    "$SONDE" run -q -c 'perl -e 1' -n '
        pid$target:libc:malloc:entry { self->size = arg0; }
        pid$target:libc:malloc:return / self->size / { @["sizes"] = quantize(self->size); self->size = 0; @n["calls"] = count(); }'
    # the same without a process: nothing is there to look at
    "$SONDE" run -q -n 'pid$target:libc:malloc:entry { }' 2>&1 | head -1
match:
    D_MACRO_UNDEF
check:
    assert int(re.search(r'^  calls +(\d+)$', out, re.M).group(1)) > 5, out

== markers
needs: cc
command:
    cat >prog.c <<'END'
    int main(void)
    {
        for (long i = 1; i <= 3; i++)
            __asm__ __volatile__("990: nop\n.pushsection .note.stapsdt,\"\",%%note\n.balign 4\n"
                ".4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n"
                "993: .8byte 990b\n.8byte 0\n.8byte 0\n"
                ".asciz \"prov\"\n.asciz \"some__mark\"\n.asciz \"-8@%%rbx\"\n"
                "994: .balign 4\n.popsection" : : "b"(i * 100) : "memory");
        return 0;
    }
    END
    cc -O1 -o d-prog prog.c || exit 99
    "$SONDE" run -q -c ./d-prog -n 'prov$target:::some-mark { @[probename, probeprov == strjoin("prov", lltostr($target))] = sum(arg0); }'
match: ^  some-mark +1 +600$

== stacks
command:
    "$SONDE" run -q -c 'perl -e "print 1"' -n '
        syscall::write:entry / pid == $target / { stack(2); ustack(2); @[ustack(1)] = count(); @k[func(caller)] = count(); }'
match:
    ^              vmlinux`\w+\+0x[0-9a-f]+$
    ^              libc\.so\.6`\w*write\+0x[0-9a-f]+$
    ^ +1$

== functions and modules as keys
command:
    cat >keys.d <<'END'
    syscall::getppid:entry / pid == $target / { @k[mod(caller)] = count(); }
    profile:::profile-997 / pid == $target && arg1 / { @u[umod(arg1)] = count(); @f[ufunc(arg1)] = count(); }
    profile:::profile-997 / pid == $target && arg0 / { @m[mod(arg0)] = count(); }
    END
    load='getppid() for 1 .. 5000; for (1 .. 300000) { $x += $_ }'
    "$SONDE" run -q -c "perl -e '$load'" keys.d
    "$SONDE" run -f json -q -c "perl -e '$load'" --d -s keys.d >json
    sed 's/^/json /' json
timeout: 60
match:
    ^  perl +\d+$
    ^  perl`\w+ +\d+$
check:
    import json as j
    assert re.search(r'^  vmlinux +50\d\d$', out, re.M), out
    modules = [l for l in out.splitlines() if re.match(r'  (perl|libc.so.6|vmlinux) ', l)]
    assert len(modules) == len(set(modules)) and len(modules) >= 3, modules
    for line in re.findall(r'^json (.*)', out, re.M):
        j.loads(line, object_pairs_hook=lambda p: len(p) == len(dict(p)) or 1 / 0)
        assert '"@u"' not in line or '"perl": ' in line, line

== children of a process, and of the command
command:
    "$SONDE" run -q -c '/bin/sh -c "/bin/expr 1; /bin/expr 2"' -n '
        proc:::exec-success / progenyof($target) / { @[execname] = count(); }'
match: ^  expr +2$

== functions of the kernel, with types
needs: kprobe
script-d:
    #pragma D option quiet
    fbt::vfs_read:entry / execname == "dd" / { self->ts = timestamp; @["entry", probemod] = sum(arg2 > 0); }
    fbt::vfs_read:return / self->ts / { @["return", "vmlinux"] = sum((int64_t)arg1 >= 0); self->ts = 0; }
    fbt:vmlinux:vfs_read:entry / execname == "dd" / { @args["count"] = sum(args[2]); }
    fbt::vfs_read:return / execname == "dd" / { @args["result"] = sum(args[1]); }
trigger: dd if=/dev/zero of=/dev/null bs=100 count=500 2>/dev/null
match:
    ^  entry +vmlinux +5\d\d$
    ^  return +vmlinux +5\d\d$

== a function of the kernel by its name alone
needs: kprobe
command:
    "$SONDE" run --d -q -f 'vfs_read / pid == $target / { @[probefunc, probename] = count(); }' \
        -c 'perl -e "open F, q(/proc/self/stat); sysread F, $x, 1 for 1 .. 20"'
match:
    ^  vfs_read +entry +[2-5]\d$
    ^  vfs_read +return +[2-5]\d$

== what DTrace's boot chart shows
command:
    "$SONDE" run bootchart >chart &
    pid=$!
    until grep -q '^sample' chart 2>/dev/null; do sleep 0.05; done
    sh -c '/bin/expr 1 + 1 >/dev/null'
    perl -e 'do { ($u, $s) = times } while $u + $s < 1.2'
    sleep 0.2
    kill -INT $pid
    wait $pid
    cat chart
timeout: 30
match:
    ^\d+ create \d+ \d+ sh$
    ^\d+ exec \d+ /bin/expr 1 \+ 1$
    ^\d+ exit \d+ expr$
    ^cpu \d+ \d+ .* \d+$
check:
    pid = re.search(r'^\d+ exec (\d+) perl -e do', out, re.M).group(1)
    on = sum(int(n) for n in re.findall(rf'^cpu \d+ {pid} perl (\d+)$', out, re.M))
    assert 1100000 < on < 1800000, on
    samples = [int(n) for n in re.findall(r'^cpu (\d+) ', out, re.M)]
    assert samples == sorted(samples) and len(set(samples)) >= 5, samples[:50]
