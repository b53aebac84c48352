#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The guest's own memory, read by sonde crash /proc/kcore while it runs. Prints TAP.

usage: kcore.py SONDE
"""
import json
import os
import re
import sys

import guest

# All but the shell's own processes sleep: what both say of these must be the same.
START = '''
for i in 1 2 3; do setsid sleep 10000$i </dev/null >/dev/null 2>&1 & done
echo 'sonde: a line of its own' >/dev/kmsg
sleep 1
'''
TELL = r"for p in /proc/[0-9]*/task/[0-9]*; do echo ${p##*/} $(cat $p/comm); done"
STEPS = [
    ('start', START),
    ('before', TELL),
    ('ps', 'sonde crash /proc/kcore ps --json'),
    ('after', TELL),
    ('bt', 'sonde crash /proc/kcore bt --json $(pidof sleep)'),
    ('log', 'sonde crash /proc/kcore log'),
    ('report', 'sonde crash /proc/kcore'),
    ('read', 'sonde crash /proc/kcore sym linux_banner; sonde crash /proc/kcore read linux_banner 64'),
    ('thin', 'sonde crash /proc/kcore thin "bt $(pidof sleep)" ps -o /tmp/small >&2 && '
             'sonde crash /tmp/small ps --json'),
]


def tasks(out):
    return dict(line.split(' ', 1) for line in out.splitlines() if ' ' in line)


def listed(out):
    return {str(t['tid']): t['comm'] for t in json.loads(out)['tasks']}


def check_ps(said, out='ps'):
    """Who was there before and after is listed, by its name; nobody else is but who came or went."""
    before, after, got = tasks(said['before'].out), tasks(said['after'].out), listed(said[out].out)
    # /proc has more of kernel threads' names than their tasks; busy ones change theirs.
    both = {t: c[:15] for t, c in before.items() if after.get(t) == c and not c.startswith('kworker')}
    missing = {t: (c, got.get(t)) for t, c in both.items() if got.get(t) != c}
    if len(both) < 20:
        return f'only {len(both)} tasks stayed'
    return f'missing or wrong: {missing}' if missing else ''


def check_bt(said):
    stacks = json.loads(said['bt'].out)
    asleep = [s for s in stacks if s['comm'] == 'sleep' and
              any('nanosleep' in (f.get('symbol') or '') for f in s['frames'])]
    return '' if len(asleep) == 3 else f'{len(asleep)} of 3 sleep: {said["bt"].out[:2000]}'


def check_log(said):
    return '' if 'sonde: a line of its own' in said['log'].out else said['log'].out[-1000:]


def check_report(said):
    out = said['report'].out
    wanted = (r'^Kernel +Linux 6\.', r'^Host +guest', r'^Dump .*live: values may change', r'^Panic +none')
    return '\n'.join(f'not there: {w}\n{out}' for w in wanted if not re.search(w, out, re.M))


def check_live(said):
    """Each verb says whose memory it is."""
    silent = [name for name in ('ps', 'bt', 'log', 'report') if 'running system' not in said[name].err]
    return f'not said by: {silent}' if silent else ''


def check_read(said):
    return '' if 'Linux version' in said['read'].out else said['read'].out


def check_thin(said):
    return check_ps(said, 'thin')


CHECKS = [check_ps, check_bt, check_log, check_report, check_live, check_read, check_thin]


def main():
    try:
        kernel = guest.find_kernel()
        image = guest.Image()
        image.program(os.path.abspath(sys.argv[1]), '/usr/bin/sonde')
        g = guest.Guest(image, kernel, memory=640)
    except guest.GuestError as e:
        print(f'1..0 # SKIP {e}')
        return 0
    for name, shell in STEPS:
        g.step(name, shell, timeout=120)
    said = {}
    try:
        for r in g.run():
            said[r.name] = r._replace(out=r.out.decode(errors='replace'), err=r.err.decode(errors='replace'))
            if r.status:
                print(f"# {r.name}: status {r.status}: {said[r.name].err}")
    except guest.GuestError as e:
        if str(e).startswith('no '):
            print(f'1..0 # SKIP {e}')
            return 0
        print(f'Bail out! {e}')
        return 1
    failed = 0
    for i, check in enumerate(CHECKS, 1):
        try:
            words = check(said)
        except (KeyError, ValueError) as e:
            words = repr(e)
        failed += bool(words)
        print(f"{'not ok' if words else 'ok'} {i} - {check.__name__[6:]}")
        for line in words.splitlines()[:40]:
            print('#   ' + line)
    print(f'1..{len(CHECKS)}')
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
