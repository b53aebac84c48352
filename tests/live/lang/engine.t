# The run itself: begin and end, signals, -c, -p, statuses, output in JSON, losses.

== begin prints and exits
script:
    BEGIN { printf("hello %d\n", 42); exit(); }
stdout:
    Attaching 1 probe...
    hello 42

== end runs after exit, then the maps are printed
script:
    BEGIN { @x = 7; exit(); }
    END { printf("the end\n"); }
match:
    Attaching 2 probes\.\.\.
    the end
    @x: 7

== several maps come in the order of their names
script:
    BEGIN { @b = 2; @a = 1; @c[1] = 3; exit(); }
stdout:
    Attaching 1 probe...


    @a: 1
    @b: 2
    @c[1]: 3

== quiet says nothing but what the script prints
args: -q
script:
    BEGIN { printf("x\n"); exit(); }
stdout: x

== exit has a status
oracle: no, newer than 0.17
script:
    BEGIN { exit(7); }
exit: 7
stdout: Attaching 1 probe...

== count by comm
script:
    tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }
trigger: dd if=/dev/zero of=/dev/null bs=1 count=2000
check:
    assert int(re.search(r'^@\[dd\]: (\d+)$', out, re.M).group(1)) >= 4000

== ctrl-c prints the maps
script:
    BEGIN { @n = 5; }
    interval:s:100 { @n = 6; }
signal: INT
match:
    ^@n: 5$

== sigterm ends like ctrl-c
script:
    BEGIN { @n = 5; }
    interval:s:100 { @n = 6; }
    END { printf("end\n"); }
signal: TERM
match:
    ^end$
    ^@n: 5$

== the tick prints what came up to the tick
script:
    interval:ms:10 { @["count"] = count(); }
    interval:ms:200 { print(@); clear(@); }
    interval:ms:2100 { exit(); }
check:
    counts = [int(n) for n in re.findall(r'^@\[count\]: (\d+)$', out, re.M)]
    assert len(counts) >= 10, counts
    assert all(19 <= n <= 21 for n in counts[1:10]), counts

== a command is held until all is attached
args: -c '/bin/echo from the child'
script:
    tracepoint:sched:sched_process_exec /pid == cpid/ { printf("exec\n"); }
match:
    ^exec$
    ^from the child$
oracle: no

== a command's end ends the run, its status does not count
args: -c '/bin/sh -c "exit 3"'
oracle: no, it knows no quotes
script:
    BEGIN { @ = 1; }
match:
    ^@: 1$
exit: 0

== a command that is not there
args: -c /nonexistent/command
script:
    BEGIN { exit(); }
exit: 1
stderr-match:
    cannot run '/nonexistent/command'
oracle: no

== a process's end ends the run
command:
    sleep 1 &
    "$SONDE" run -p $! -e 'BEGIN { @ = 1; } END { printf("gone\n"); }'
match:
    ^gone$
    ^@: 1$
timeout: 10

== a process that is not there
args: -p 4194300
script:
    BEGIN { exit(); }
exit: 1
stderr-match:
    4194300
oracle: no

== json lines
args: -f json
script:
    BEGIN { printf("hi\n"); @x[1] = 2; @c = count(); exit(); }
json: yes
check:
    kinds = [v['type'] for v in json]
    assert kinds[:2] == ['attached_probes', 'printf'], kinds
    assert json[0]['data'] == {'probes': 1}
    assert json[1]['data'] == 'hi\n'
    maps = [v['data'] for v in json if v['type'] == 'map']
    assert {'@x': {'1': 2}} in maps and {'@c': 1} in maps, maps
oracle: no, blank lines

== losses are counted exactly
oracle: no
script:
    tracepoint:syscalls:sys_enter_getppid /comm == "perl"/ {
        @n = count();
        printf("%s %d\n", str($1, 200), pid);
    }
params: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
trigger:
    kill -STOP $PID
    perl -e 'getppid() for 1..300000'
    kill -CONT $PID
stderr-match:
    ^lost [\d,]+ events in the last second$
    ^lost [\d,]+ events of printf at line 3
timeout: 60
check:
    total = int(re.search(r'^@n: (\d+)$', out, re.M).group(1))
    shown = len(re.findall(r'^x+ \d+$', out, re.M))
    lost = int(re.search(r'lost ([\d,]+) events of printf at line 3', err).group(1).replace(',', ''))
    assert total == 300000 and lost > 0 and shown + lost == total, (shown, lost, total)

== a flood is printed without loss
script:
    tracepoint:syscalls:sys_enter_getppid /comm == "perl"/ { @n = count(); printf("%d\n", pid); }
trigger: perl -e 'getppid() for 1..1000000'
timeout: 60
oracle: no
check:
    total = int(re.search(r'^@n: (\d+)$', out, re.M).group(1))
    shown = len(re.findall(r'^\d+$', out, re.M))
    assert total == shown == 1000000, (shown, total)

== a full map says what it refused
oracle: no
script:
    config = { max_map_keys = 16 }
    tracepoint:syscalls:sys_enter_getppid /comm == "perl"/ { @x[nsecs] = 1; }
trigger: perl -e 'getppid() for 1..100'
check:
    assert len(re.findall(r'^@x\[\d+\]: 1$', out, re.M)) == 16
stderr-match:
    map @x was full \(16 keys\): 84 updates lost; .*max_map_keys

== nothing stays attached after sigkill
needs: python
command:
    "$SONDE" run -e 'tracepoint:syscalls:sys_enter_getppid { @ = count(); }
        interval:ms:10 { print(@); } END { printf("end"); }' >one &
    pid=$!
    until grep -q Attaching one 2>/dev/null; do sleep 0.05; done
    cat /proc/$pid/fdinfo/* | sed -n 's/^prog_id:[^0-9]*//p' >ids
    kill -9 $pid
    wait $pid
    python3 - <<'END'
    import ctypes, struct, time
    libc, ids = ctypes.CDLL(None), [int(n) for n in open('ids')]
    def is_there(number):
        attr = ctypes.create_string_buffer(struct.pack('=IIII', number - 1, 0, 0, 0), 144)
        libc.syscall(321, 11, attr, 144)  # BPF_PROG_GET_NEXT_ID
        return struct.unpack_from('=I', attr, 4)[0] == number
    for _ in range(50):
        if not any(map(is_there, ids)):
            break
        time.sleep(0.1)
    print(len(set(ids)), 'programs,', sum(map(is_there, ids)), 'left')
    END
match: ^3 programs, 0 left$
stderr-match: .
