#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs scripts about kernel functions live and over a recording made for them, in the guest, of one
load: both must print the same. Prints TAP.

usage: record.py SONDE
"""
import os
import re
import sys

import cases
import guest

# Name, script, what it must print of the load.
SCRIPTS = [
    ('arguments in memory', r'''
kprobe:tcp_connect / comm == "python3" / {
	$sk = (struct sock *)arg0;
	$family = $sk->__sk_common.skc_family;
	if ($family == AF_INET) {
		$to = ntop($sk->__sk_common.skc_daddr);
	} else {
		$to = ntop($sk->__sk_common.skc_v6_daddr.in6_u.u6_addr8);
	}
	$port = $sk->__sk_common.skc_dport;
	printf("%s %d %d %d\n", $to, bswap($port) == 7777, $family, pid == tid);
	@by[comm, uid, curtask->group_leader->comm] = count();
}''', [r'^127\.0\.0\.1 1 2 1$', r'^@by\[python3, 0, python3\]: 3$']),
    ('functions by a pattern', r'''
kprobe:vfs_rea*, kprobe:vfs_writ* / comm == "python3" / { @calls[func] = count(); @at[probe, comm] = count(); }
kretprobe:vfs_write / comm == "python3" / { @result[retval] = count(); printf("%d\n", retval); }
fentry:vfs_write / comm == "python3" / { @sizes[args.count] = count(); }''',
     [r'^@calls\[vfs_write\]: \d+$', r'^@at\[kprobe:vfs_write, python3\]: \d+$', r'^@result\[77\]: 1$', r'^77$', r'^@sizes\[77\]: 1$']),
    ('addresses of texts', r'''
kprobe:do_sys_openat2 / comm == "python3" / { @path[tid] = arg1; }
kretprobe:do_sys_openat2 / @path[tid] / {
	@opened[str(@path[tid]), (int32)retval] = count();
	delete(@path[tid]);
}''', [r'^@opened\[/nonexistent/record, -2\]: 1$']),
]

LOAD = r'''
import os
import socket

# Strings are in memory when the kernel reads them: a probe reads before it.
path = "/nonexistent/record"
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 7777))
s.listen(5)
for i in range(3):
    c = socket.create_connection(("127.0.0.1", 7777))
    d, _ = s.accept()
    c.close()
    d.close()
with open("/tmp/written", "wb", 0) as f:
    f.write(b"x" * 77)
try:
    open(path)
except OSError:
    pass
'''

# Each in the background until it is attached; then the recording, and all of them over it.
STEP = '''cd /tmp
for n in {all}; do sonde run /script$n.bt >live$n 2>err$n & echo $! >pid$n; done
for n in {all}; do i=0; while [ $i -lt 600 ] && ! grep -q Attaching live$n; do sleep 0.1; i=$((i+1)); done; done
sonde record -o t {wanted} -- python3 /load.py 2>record || {{ cat record; exit 1; }}
for n in {all}; do kill -INT $(cat pid$n); done
wait
cat record
for n in {all}; do
	sonde run -t t /script$n.bt >trace$n 2>&1
	echo "== $n live"; cat err$n live$n; echo "== $n trace"; cat trace$n
done
'''


def parts(out):
    """The outputs by their heads."""
    found = re.split(r'^== (\d+ \w+)$', out, flags=re.M)
    return dict(zip(found[1::2], found[2::2]))


def lines(text):
    return sorted(line for line in text.splitlines() if line and not line.startswith('Attaching'))


def tell(result):
    out = result.out.decode(errors='replace')
    if result.status or result.timed_out:
        print(f'Bail out! status {result.status}: {out[-600:]}')
        return 1
    got, bad = parts(out), 0
    for n, (name, _, wanted) in enumerate(SCRIPTS):
        live, trace = lines(got.get(f'{n} live', '')), lines(got.get(f'{n} trace', ''))
        wrong = [f'not found: {w}' for w in wanted if not any(re.search(w, line) for line in trace)]
        wrong += [f'live only: {x}' for x in live if x not in trace] + [f'trace only: {x}' for x in trace if x not in live]
        bad += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {n + 1} - {name}")
        for line in wrong:
            print(f'# {line}')
    return 1 if bad else 0


def main():
    try:
        kernel = guest.find_kernel()
        image = cases.image_of(os.path.abspath(sys.argv[1]), kernel, [], has_peer=False)
        for n, (_, script, _) in enumerate(SCRIPTS):
            image.text(f'script{n}.bt', script)
        image.text('load.py', LOAD)
        everything = range(len(SCRIPTS))
        g = guest.Guest(image, kernel, memory=640)
        g.step('record', STEP.format(all=' '.join(map(str, everything)),
                                     wanted=' '.join(f'--for /script{n}.bt' for n in everything)), timeout=300)
        print(f'1..{len(SCRIPTS)}')
        for result in g.run():
            return tell(result)
    except guest.GuestError as e:
        if str(e).startswith('no ') or 'guest-kernel:' in str(e):
            print(f'1..0 # SKIP {e}')
            return 0
        print('Bail out! ' + str(e).replace('\n', '\n# '))
    return 1


sys.exit(main())
