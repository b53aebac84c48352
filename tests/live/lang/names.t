# Names of what the kernel gives as numbers: code, users, groups, times.

== kernel stacks have names
script:
    tracepoint:sched:sched_process_exit /comm == "ending"/ { @[kstack] = count(); }
trigger:
    ln -sf /bin/true ending
    ./ending
match:
    ^@\[
    ^    do_exit\+\d+$
    ^    do_group_exit\+\d+$
    ^\]: 1$

== a kernel symbol
needs: python
command:
    addr=$(sed -n 's/^\([0-9a-f]*\) [Tt] do_exit$/0x\1/p' /proc/kallsyms | head -n 1)
    "$SONDE" run -q -e "BEGIN { printf(\"%s %s\n\", ksym($addr), ksym($addr + 5)); printf(\"%s\n\", ksym(1)); exit(); }"
match:
    ^do_exit do_exit
    ^0x1$

== user stacks of a program that ended and was deleted
needs: cc
oracle: no, it has no names then
command:
    cat >prog.c <<'END'
    #include <unistd.h>
    __attribute__((noinline)) int inner_fn(int n) { return getppid() + n; }
    __attribute__((noinline)) int outer_fn(int n) { return inner_fn(n) * 2; }
    int main(void) { return outer_fn(1) == 99; }
    END
    cc -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -o sonde-prog prog.c || exit 99
    "$SONDE" run -e 'tracepoint:syscalls:sys_enter_getppid /comm == "sonde-prog"/ { @[ustack] = count(); @p[ustack(perf)] = count(); }' >one &
    pid=$!
    until grep -q Attaching one 2>/dev/null; do sleep 0.05; done
    ./sonde-prog
    sleep 1
    rm sonde-prog
    kill -INT $pid
    wait $pid
    cat one
match:
    ^@\[$
    ^    outer_fn\+\d+$
    ^    main\+\d+$
    ^\]: 1$
    ^\s+[0-9a-f]+ outer_fn\+\d+ \(.*/sonde-prog\)$

== users, groups and times
args: -q
script:
    BEGIN {
        printf("user %s\n", username);
        printf("time %s\n", strftime("%Y-%m-%d %H:%M:%S", nsecs));
        printf("group %s\n", cgroup_path(cgroup));
        time("now %Y-%m-%d %H:%M:%S\n");
        exit();
    }
check:
    import datetime, os
    assert 'user root\n' in out
    then = datetime.datetime.fromtimestamp(os.path.getmtime(folder + '/stdout'))
    for name in 'time', 'now':
        at = datetime.datetime.fromisoformat(re.search(name + r' (.*)', out).group(1))
        assert abs((then - at).total_seconds()) < 30, (name, at, then)
    assert re.search(r'^group unified:/|^group \d+$', out, re.M)

== several stacks in the first event of a timer
args: -q
oracle: no, it counts nothing
script:
    profile:hz:999 {
        @a[kstack(1)] = count(); @b[kstack(2)] = count(); @c[ustack(1)] = count();
        @d[ustack(2)] = count(); @e[kstack(3), ustack(3)] = count();
        @n++;
        if (@n == 4) { clear(@a); clear(@b); clear(@c); clear(@d); clear(@e); exit(); }
    }
trigger: i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done
signal: none

== names of a program that has just ended
needs: cc
oracle: no, it has none
command:
    cat >prog.c <<'END'
    #include <unistd.h>
    __attribute__((noinline)) int brief_fn(int n) { __asm__(""); return n; }
    int main(void) { return brief_fn(1) + getppid() == 0; }
    END
    cc -O1 -o sonde-prog prog.c || exit 99
    for i in 1 2 3 4 5 6; do
        "$SONDE" run -q -c ./sonde-prog -e 'uprobe:./sonde-prog:brief_fn { @[usym(reg("ip"))] = count(); }'
    done | sort | uniq -c
match:
    ^ *6 @\[brief_fn\]: 1$
never:
    0x

== exec watchpoints anywhere in code
needs: cc
command:
    cat >prog.c <<'END'
    long n;
    __attribute__((noinline)) long odd(long by) { n += by; return n; }
    __attribute__((naked, aligned(16), used)) void at_one(void) { __asm__("nop\n.globl place\nplace: nop\nret"); }
    int main(void) { for (int i = 0; i < 3; i++) at_one(); return odd(3) == 0; }
    END
    cc -O1 -no-pie -o sonde-prog prog.c || exit 99
    at=$(nm sonde-prog | sed -n 's/^\([0-9a-f]*\) T place$/0x\1/p')
    "$SONDE" run -q -c ./sonde-prog -e "watchpoint:$at:8:x { @ = count(); }" || exit 1
    "$SONDE" run -q -e 'iter:cgroup { @ = max(ctx.cgroup != 0); }'
stdout:

    @: 3


    @: 1

== in a container processes have its numbers
needs: cc
oracle: no, 0.17 has the kernel's
command:
    cat >prog.c <<'END'
    #include <unistd.h>
    __attribute__((noinline)) int inside_fn(int n) { __asm__(""); return n; }
    int main(void) { usleep(300000); return inside_fn(1) + getppid() < 0; }
    END
    cc -O1 -o sonde-prog prog.c || exit 99
    unshare -pf --mount-proc "$SONDE" run -q -c ./sonde-prog -e '
        uprobe:./sonde-prog:inside_fn { @[usym(reg("ip")), pid == cpid, pid < 10, tid == pid] = count(); }'
    mkdir there
    unshare -m sh -c 'mount --bind . there && exec there/sonde-prog' &
    pid=$!
    sleep 0.1
    "$SONDE" run -q -p $pid -e "uprobe:$PWD/there/sonde-prog:inside_fn { @there[usym(reg(\"ip\"))] = count(); }"
stdout:


    @[inside_fn, 1, 1, 1]: 1


    @there[inside_fn]: 1

== stacks of a program that became another one
needs: cc
oracle: no, it has no names then
command:
    cat >prog.c <<'END'
    #include <unistd.h>
    __attribute__((noinline)) int early_fn(int n) { return getppid() + n; }
    int main(void)
    {
        if (early_fn(1) > 0)
            execl("/bin/true", "true", (char *)0);
        return 1;
    }
    END
    cc -O1 -fno-omit-frame-pointer -o sonde-prog prog.c || exit 99
    "$SONDE" run -q -c ./sonde-prog -e 'tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { @[ustack] = count(); }
        tracepoint:syscalls:sys_enter_execve /comm == "sonde-prog"/ { @e[ustack(1)] = count(); }'
match:
    ^    main\+\d+$
    ^    execve\+\d+$
