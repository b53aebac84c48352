# The scripts of Debian's bpftrace package, each with a load that makes it show something.
#
#   where     here, guest or both: the kernels whose probes allow it
#   trigger   the load
#   rows      what a line below the head looks like, one regular expression a line
#   must      what both outputs must have, because the load does it; must-guest: in the guest
#   same      what is caught by its groups must be the same list in both outputs
#   why       why it does not run on the kernel of here
#   change    words of the script that are replaced first: no such functions are in the kernel
#   peers     words that are replaced for bpftrace alone, which else does not run the script
#   settle    seconds for bpftrace to attach
#   torn      yes: a line is made of several records, and those of other CPUs may come between
#   ignore    'maps': what is left in them at the end is others' doing

== bashreadline
where: both
trigger:
    python3 - <<'END'
    import os, pty, time
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp('bash', ['bash', '--norc', '-i'])
    time.sleep(0.5)
    for line in (b'echo compat one\n', b'echo compat two\n', b'exit\n'):
        os.write(fd, line)
        time.sleep(0.3)
    END
rows: ^\d\d:\d\d:\d\d +\d+ +\S.*$
same: ^\d\d:\d\d:\d\d +\d+ +(echo compat .*)$

== biolatency
where: guest
trigger: for i in 1 2 3 4 5 6 7 8; do dd if=/dev/zero of=/dev/nullb0 bs=4096 count=4 conv=fsync; done
must: ^@usecs:
change:
    blk_account_io_start => blk_mq_start_request
    blk_account_io_done => __blk_mq_free_request
why: kprobe

== biosnoop
where: guest
trigger: dd if=/dev/nullb0 of=/dev/null bs=4096 count=8 iflag=direct
rows: ^\d+ +\S* +\S+ +\d+ +\d+$
must: ^\d+ +nullb0 +dd +\d+ +\d+$
change:
    blk_account_io_start => blk_mq_start_request
    blk_account_io_done => __blk_mq_free_request
why: kprobe

== biostacks
where: guest
trigger: dd if=/dev/nullb0 of=/dev/null bs=4096 count=8 iflag=direct
must:
    ^@usecs\[
    ^    blk_mq_start_request\+\d+
    ^    do_syscall_64\+\d+
change:
    blk_mq_start_request => __blk_mq_free_request
    blk_account_io_start => blk_mq_start_request
why: kprobe

== bitesize
where: both
trigger:
    if [ -b /dev/nullb0 ]; then
    	dd if=/dev/nullb0 of=/dev/null bs=4096 count=8 iflag=direct
    else
    	dd if=/dev/zero of=file bs=4096 count=8 oflag=direct
    fi
must: ^@\[dd\]: $

== capable
where: guest
trigger: nice -n -5 true
rows: ^\d\d:\d\d:\d\d +\d+ +\d+ +.{16} \d+ +CAP_\w+ +\d+$
must: ^\d\d:\d\d:\d\d +0 +\d+ +nice +23 +CAP_SYS_NICE +\d+$
why: kprobe

== cpuwalk
where: both
trigger: perl -e '$t = time + 2; 1 while time < $t'
must: ^@cpu: $

== dcsnoop
where: guest
ignore: maps
trigger: cat /proc/cmdline /compat-$$
rows: ^\d+ +\d+ +\S.* [RM] \S*$
must:
    ^\d+ +\d+ +cat +R compat-\d+$
    ^\d+ +\d+ +cat +M compat-\d+$
why: kprobe

== execsnoop
where: both
trigger:
    /bin/echo compat one
    /bin/echo compat two three
torn: yes
rows: ^\d+ +\d+ +(\S.*)?$
same: ^(?:.* )?(/bin/echo compat .*)$

== gethostlatency
where: both
trigger:
    getent ahosts localhost
    getent ahosts 127.0.0.1
rows: ^\d\d:\d\d:\d\d +\d+ +.{16} +-?\d+ \S+$
same: ^\d\d:\d\d:\d\d +\d+ +(getent) +-?\d+ (\S+)$

== killsnoop
where: both
ignore: maps
trigger: perl -e 'kill 0, $$; kill 0, 999999; kill 28, $$'
rows: ^\d\d:\d\d:\d\d +\d+ +.{16} +\d+ +-?\d+ +-?\d+$
same: ^\d\d:\d\d:\d\d +\d+ +(perl) +(0|28) +\d+ +(-?\d+)$

== loads
where: guest
trigger: sleep 2.5
rows: ^\d\d:\d\d:\d\d +load averages: \d+\.\d{3} \d+\.\d{3} \d+\.\d{3}$
must: ^\d\d:\d\d:\d\d +load averages:
why: the kernel's list of symbols has no 'avenrun' here

== mdflush
where: guest
trigger:
    echo md_compat >/sys/module/md_mod/parameters/new_array
    cd /sys/block/md_compat/md || exit
    echo none >metadata_version
    echo raid1 >level
    echo 2 >raid_disks
    for disk in nullb0 nullb1; do cat /sys/block/$disk/dev >new_dev; done
    echo 65536 | tee dev-nullb0/size dev-nullb1/size component_size
    echo 0 >dev-nullb0/slot
    echo 1 >dev-nullb1/slot
    echo active >array_state
    dd if=/dev/zero of=/dev/md_compat bs=4096 count=4 conv=fsync
    echo clear >array_state
    sleep 0.2
rows: ^\d\d:\d\d:\d\d +\d+ +.{16} \S+$
must: ^\d\d:\d\d:\d\d +\d+ +\S+ +md_compat$
why: kprobe

== naptime
where: both
trigger: perl -e '$t = pack("qq", 0, 250000000); syscall(35, $t, 0) for 1, 2'
rows: ^\d\d:\d\d:\d\d +\d+ +.{16} \d+ +.{16} \d+\.\d{3}$
same: ^\d\d:\d\d:\d\d +\d+ +\S+ +\d+ +(perl) +(\d+\.\d{3})$

== oomkill
where: guest
trigger:
    group=/sys/fs/cgroup/compat
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control
    mkdir $group
    echo 8M >$group/memory.max
    echo 0 >$group/memory.swap.max
    sh -c "echo \$\$ >$group/cgroup.procs; exec perl -e '\$x = \"x\" x 32e6'"
    rmdir $group
rows: ^\d\d:\d\d:\d\d +Triggered by PID \d+ \(".*"\), OOM kill of PID \d+ \(".*"\), \d+ pages, loadavg: [\d. /]+$
must: ^\d\d:\d\d:\d\d +Triggered by PID \d+ \("perl"\), OOM kill of PID \d+ \("perl"\), \d+ pages, loadavg: [\d. /]+$
why: kprobe

== opensnoop
where: both
trigger: cat /nonexistent/compat-file /proc/cmdline
rows: ^\d+ +\S.* +-?\d+ +\d+ .*$
same: ^\d+ +(cat) +-?\d+ +(\d+) (/nonexistent/compat-file|/proc/cmdline)$

== pidpersec
where: both
ignore: maps
trigger:
    for i in 1 2 3 4 5; do /bin/true; done
    sleep 2.2
rows: ^\d\d:\d\d:\d\d +PIDs/sec: @: \d+$
must: ^\d\d:\d\d:\d\d +PIDs/sec: @: \d+$

== runqlat
where: both
peers:
    #include <linux/sched.h> =>
    TASK_RUNNING => 0
trigger: perl -e '$t = time + 2; 1 while time < $t'
must: ^@usecs: $

== runqlen
where: guest
trigger: perl -e '$t = time + 2; 1 while time < $t'
must: ^@runqlen: $
why: its struct cfs_rq has no field nr_running

== setuids
where: both
trigger: perl -e 'syscall(105, 0); syscall(122, 0); syscall(117, 0, 0, 0); syscall(117, 65534, 65534, 65534); syscall(105, 0)'
rows: ^\d\d:\d\d:\d\d +\d+ +.{16} \d+ +set\w+ +\w+=.* \(.*\)$
same: ^\d\d:\d\d:\d\d +\d+ +(perl) +(\d+) +(set\w+ +.*)$

== ssllatency
where: both
trigger:
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=compat -days 1
    openssl s_server -key key.pem -cert cert.pem -accept 44330 -www &
    sleep 1
    echo | openssl s_client -connect 127.0.0.1:44330
    kill $!
must:
    ^@hist\[\S+\]: $
    ^@statF\[\S+\]: count \d+, average \d+, total \d+$

== sslsnoop
where: both
trigger:
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=compat -days 1
    openssl s_server -key key.pem -cert cert.pem -accept 44331 -www &
    sleep 1
    echo | openssl s_client -connect 127.0.0.1:44331
    kill $!
rows: ^\d+ +\d+ +\S+ +\d+ +-?\d+ \S+$
must: ^\d+ +\d+ +openssl +\d+ +-?\d+ \S+$

== statsnoop
where: both
trigger: perl -e '($n, $p, $b) = ("/nonexistent/compat", "/proc", " " x 200); syscall(4, $n, $b); syscall(4, $p, $b); syscall(137, $p, $b)'
rows: ^\d+ +\S.* +-?\d+ .*$
same: ^\d+ +(perl) +(-?\d+) (/nonexistent/compat|/proc)$

== swapin
where: guest
trigger:
    group=/sys/fs/cgroup/compat
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control
    mkswap /dev/nullb1 && swapon /dev/nullb1
    mkdir $group
    echo 8M >$group/memory.max
    sh -c "echo \$\$ >$group/cgroup.procs; exec perl -e '\$x = \"x\" x 24e6; substr(\$x, \$_ * 4096, 1) = 1 for 0 .. 5000'"
    sleep 1.2
    swapoff /dev/nullb1
    rmdir $group
rows: ^\d\d:\d\d:\d\d$
must: ^@\[perl, \d+\]: \d+$
why: kprobe

== syncsnoop
where: both
trigger:
    perl -e 'syscall(162); open F, ">", "file"; syscall(74, fileno F); syscall(75, fileno F)'
rows: ^\d\d:\d\d:\d\d +\d+ +.{16} tracepoint:syscalls:sys_enter_\w+$
same: ^\d\d:\d\d:\d\d +\d+ +(perl) +(tracepoint:syscalls:sys_enter_\w+)$

== syscount
where: both
trigger: perl -e 'getppid() for 1 .. 30000'
must:
    ^Top 10 syscalls IDs:$
    ^@syscall\[110\]: \d{5,}$
    ^@process\[perl\]: \d{5,}$

== tcpaccept
where: guest
trigger: CONNECT
rows: ^\d\d:\d\d:\d\d +\d+ +.{14} \S+ +\d+ +\S+ +\d+ +\d+/\d+$
must: ^\d\d:\d\d:\d\d +\d+ +python3 +127\.0\.0\.1 +\d+ +127\.0\.0\.1 +44332 +\d+/\d+$
why: kprobe

== tcpconnect
where: guest
trigger: CONNECT
rows: ^\d\d:\d\d:\d\d +\d+ +.{16} \S+ +\d+ +\S+ +\d+$
must: ^\d\d:\d\d:\d\d +\d+ +python3 +127\.0\.0\.1 +\d+ +127\.0\.0\.1 +44332 *$
why: kprobe

== tcpdrop
where: both
peers:
    #include <linux/socket.h> =>
    #include <net/sock.h> =>
    #include <sys/socket.h> =>
    SKB_DROP_REASON_NOT_SPECIFIED => 2
    AF_INET => 2
    AF_INET6 => 10
trigger:
    if [ -e /sys/class/net/dummy0 ]; then # a neighbour that does not answer
    	ip link set dummy0 arp on
    	ip addr add 10.94.2.1/24 dev dummy0
    	ip link set dummy0 up
    	timeout 5 nc 10.94.2.2 80
    	ip addr del 10.94.2.1/24 dev dummy0
    	ip link set dummy0 arp off
    else
    	perl -MIO::Socket::INET -e 'IO::Socket::INET->new("127.0.0.1:1")'
    fi
rows: ^\d\d:\d\d:\d\d +\d+ +.{16} +\S+:\d+ +\S+:\d+ +\w+ *$
must-guest:
    ^\d\d:\d\d:\d\d +\d+ +\S+ +10\.94\.2\.1:\d+ +10\.94\.2\.2:80 +SYN_SENT *$
    ^ +kfree_skb_reason\+\d+$

== tcplife
where: guest
trigger: CONNECT
rows: ^\d+ +\S+ +\S+ +\d+ +\S+ +\d+ +\d+ +\d+ +\d+$
must: ^\d+ +python3 +127\.0\.0\.1 +\d+ +127\.0\.0\.1 +44332 +\d+ +\d+ +\d+$
why: kprobe

== tcpretrans
where: guest
trigger:
    ip addr add 10.94.1.1/24 dev dummy0
    ip link set dummy0 up
    timeout 2.5 nc 10.94.1.2 80
    ip addr del 10.94.1.1/24 dev dummy0
rows: ^\d\d:\d\d:\d\d +\d+ +\S+:\d+ +\S+:\d+ +\w+ *$
must: ^\d\d:\d\d:\d\d +\d+ +10\.94\.1\.1:\d+ +10\.94\.1\.2:80 +SYN_SENT *$
why: kprobe

== tcpsynbl
where: guest
trigger: CONNECT
must: ^@backlog\[\d+\]: $
why: kprobe

== threadsnoop
where: both
peers: libpthread => libc
trigger:
    python3 - <<'END'
    import threading
    for _ in range(2):
        t = threading.Thread(target=lambda: None)
        t.start()
        t.join()
    END
rows: ^\d+ +\d+ +.{16} \S+$
must: ^\d+ +\d+ +python3 +\S+$

== undump
where: guest
trigger:
    python3 - <<'END'
    import socket
    a, b = socket.socketpair()
    a.send(b'compat\x01bytes')
    b.recv(100)
    END
rows: ^\d\d:\d\d:\d\d +.{16} \d+ +\d+ +.*$
same: ^\d\d:\d\d:\d\d +(python3) +\d+ +(\d+) +(.*)$
why: kprobe

== vfscount
where: guest
trigger: dd if=/dev/zero of=/dev/null bs=7 count=5000
must:
    ^@\[vfs_read\]: \d+$
    ^@\[vfs_write\]: \d+$
why: kprobe
settle: 6

== vfsstat
where: guest
trigger:
    dd if=/dev/zero of=/dev/null bs=7 count=5000
    sleep 1.5
rows: ^\d\d:\d\d:\d\d$
must: ^@\[vfs_write\]: \d+$
why: kprobe

== writeback
where: both
trigger:
    dd if=/dev/zero of=file bs=4096 count=50
    sync
    if [ -b /dev/nullb0 ]; then
    	mke2fs /dev/nullb0 2000
    	mkdir mnt
    	mount -t ext4 /dev/nullb0 mnt && dd if=/dev/zero of=mnt/file bs=4096 count=50
    	sync
    	umount mnt
    fi
rows: ^\d\d:\d\d:\d\d +\S+ +\d+ +\S* +\d+\.\d{3}$
must: ^\d\d:\d\d:\d\d +\S+ +\d+ +sync +\d+\.\d{3}$

== xfsdist
where: guest
trigger:
    gunzip -c /cases/xfs.gz >/dev/nullb0
    mkdir mnt
    mount -t xfs /dev/nullb0 mnt
    dd if=/dev/zero of=mnt/file bs=4096 count=50 conv=fsync
    cat mnt/file | wc -c
    umount mnt
must:
    ^@us\[xfs_file_write_iter\]: $
why: kprobe
