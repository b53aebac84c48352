# Built-in values and functions that no other case here shows, each with what it must give.

== who runs, and on what
oracle: no, some are newer than 0.17
script:
    BEGIN {
    	printf("%d %d %s %s %s\n", uid, gid, username, comm, pcomm);
    	printf("%d %d %d\n", curtask->tgid == pid, curtask->pid == tid, ppid == curtask->real_parent->tgid);
    	printf("%d %d %d\n", cpu < ncpus, numaid, kptr(curtask)->tgid == pid);
    	$j = jiffies;
    	printf("%d %d\n", $j > 0 && jiffies >= $j, elapsed < nsecs);
    	$r = rand;
    	printf("%d\n", $r != rand || $r != rand || $r != rand);
    	printf("%d %s\n", cgroupid("/sys/fs/cgroup") > 0, probe);
    	exit();
    }
args: -q
match:
    ^0 0 root sonde sonde$
    ^1 1 1$
    ^1 0 1$
    ^1 1$
    ^1$
    ^1 BEGIN$

== texts, bytes and addresses
oracle: no, some are newer than 0.17
script:
    BEGIN {
    	printf("%r|%r\n", buf("a\x01b", 3), buf("xyz", 2));
    	printf("%s %s\n", strerror(2), strerror(13));
    	printf("%s %s\n", ntop(0x0100007f), ntop(pton("fe80::1:2")));
    	printf("%s\n", ntop(2, pton("10.1.2.3")));
    	printf("%s\n", macaddr((uint8[6])0xff0102030405));
    	printf("%s\n", ksym(kaddr("do_exit")));
    	printf("%x %x %d\n", bswap((uint16)0x1234), bswap((uint32)0x12345678), strlen("four"));
    	exit();
    }
args: -q
stdout:
    a\x01b|xy
    No such file or directory Permission denied
    127.0.0.1 fe80::1:2
    10.1.2.3
    05:04:03:02:01:FF
    do_exit
    3412 78563412 4


== maps and aggregations
oracle: no, has_key() is newer than 0.17
script:
    BEGIN {
    	@m[1, "x"] = 5; @m[2, "y"] = 6;
    	printf("%d %d %d\n", has_key(@m, (1, "x")), has_key(@m, (3, "x")), len(@m));
    	delete(@m[1, "x"]); delete(@m, (2, "y"));
    	printf("%d\n", len(@m));
    	@avg = avg(2); @avg = avg(5);
    	@stats = stats(2); @stats = stats(6);
    	@min = min(5); @min = min(-3);
    	@max = max(5); @max = max(9);
    	@sum = sum(5); @sum = sum(-7);
    	@lhist = lhist(3, 0, 10, 5); @lhist = lhist(-1, 0, 10, 5); @lhist = lhist(10, 0, 10, 5);
    	@count[1] = count(); zero(@count);
    	exit();
    }
args: -q
stdout:
    1 0 2
    0


    @avg: 3

    @count[1]: 0
    @lhist: 
    (..., 0)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
    [0, 5)                 1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
    [5, 10)                0 |                                                    |
    [10, ...)              1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

    @max: 9
    @min: -3
    @stats: count 2, average 4, total 8

    @sum: -2

== the words of a command
script:
    tracepoint:syscalls:sys_enter_execve / str(args->filename) == "/bin/true" / { join(args->argv); }
trigger: /bin/true of two words
match:
    ^/bin/true of two words$

== with what is between them
oracle: no, it is newer than 0.17
script:
    tracepoint:syscalls:sys_enter_execve / str(args.filename) == "/bin/true" / { join(args.argv, ","); }
trigger: /bin/true of two words
match:
    ^/bin/true,of,two,words$

== warnings and errors of the script's own
oracle: no, they are newer than 0.17
script:
    BEGIN { warnf("low: %d", 3); errorf("bad: %s", "x"); printf("on\n"); exit(); }
args: -q
match:
    ^on$
stderr-match:
    WARNING: low: 3$
    ERROR: bad: x$

== an event of the script's own is shown where no trace is recorded
oracle: no, it has none
script:
    BEGIN { emit("app:step", n = (uint8)7, text = "a \"b\"", at = (1, 2)); exit(); }
args: -q
stdout:
    app:step: { n = 7, text = "a \"b\"", at = (1, 2) }


== arguments on the stack
needs: cc
command:
    cat >prog.c <<'END'
    __attribute__((noipa)) long many(long a, long b, long c, long d, long e, long f, long g, long h) { return a + g + h; }
    int main(void) { return many(1, 2, 3, 4, 5, 6, 77, 88) == 0; }
    END
    cc -O1 -o prog prog.c || exit 99
    "$SONDE" run -q -c ./prog -e 'uprobe:./prog:many { printf("%d %d %d %d\n", arg0, arg5, sarg0, sarg1); }'
match:
    ^1 6 77 88$
