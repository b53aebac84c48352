# What the scripts of bpftrace's package rely on.

== a variable keeps the size of a small number
script:
    struct pair { uint16_t port; uint16_t other; }
    BEGIN {
    	@swapped = bswap((uint16)0x1234);
    	$port = (uint16)0x1234;
    	$port = bswap($port);
    	printf("%x %x\n", @swapped, $port);
    	$n = (uint16)65535;
    	$n++;
    	printf("%d\n", $n);
    	exit();
    }
oracle: no, it takes no cast to uint16 there
match:
    ^3412 3412$
    ^65536$

== what END clears is not printed, of threads that live on either
script:
    tracepoint:raw_syscalls:sys_enter /comm == "sleep"/ { @begin[tid] = nsecs; @calls[tid, 1] = count(); }
    END { clear(@begin); clear(@calls); printf("end\n"); }
trigger:
    sleep 3 &
    sleep 0.3
match: ^end$
never: ^@

== a list in which some points match nothing
script:
    tracepoint:sched:sched_no_such*, tracepoint:syscalls:sys_enter_getppid
    /comm == "perl"/ { printf("%s\n", probe); exit(); }
trigger: perl -e 'getppid()'
signal: none
oracle: no, nothing is said
match: ^tracepoint:syscalls:sys_enter_getppid$
stderr-match: warning: .*sched_no_such

== a list of points that match nothing
script:
    tracepoint:sched:sched_no_such*, tracepoint:sched:sched_none* { printf("x\n"); }
oracle: no, it has other words
exit: 1
stderr-match: error: none of these points is there
