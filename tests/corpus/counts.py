#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads whole real traces and windows of them; prints TAP.

usage: counts.py SONDE SCRATCH

SONDE_CORPUS names the folder with the traces. Without it, all is skipped. The counts are those
of the readers that made or came with the traces; a window must show what the whole shows of it.
"""
import json
import os
import subprocess
import sys
import tarfile

sonde, scratch = sys.argv[1], os.path.join(sys.argv[2], 'counts')
corpus = os.environ.get('SONDE_CORPUS')
if not corpus:
    print('1..0 # SKIP SONDE_CORPUS names no folder')
    sys.exit(0)

# Archive, folder in it, events, lost events.
COUNTS = [
    ('kernel-6.2', 'kernel', 101669, 0),
    ('kernel-4.4', 'kernel', 134500, 0),
    ('bug446190', '', 31556, 0),
    ('scp', 'scp_src', 110771, 0),
    ('scp', 'scp_dest', 85729, 0),
    ('scp', '', 110771 + 85729, 0),
    ('odd-ctf', 'flipping-endianness', 14310, 0),
    ('odd-ctf', 'funky_trace', 100002, 0),
    ('odd-ctf', 'hello-lost', 32300, 967700),
    ('odd-ctf', 'ctf-sequence-empty', 10, 0),
    ('cyg-profile', 'glxgears-cyg-profile', 4977, 0),
    ('mpi', 'mpi_allreduce', 891, 0),
    ('mpi', 'mpi_gather', 682, 0),
    ('ctf-succeed', 'lttng-tracefile-rotation', 12305, 0),
    ('ctf-succeed', 'session-rotation', 266, 0),
    ('ctf-succeed', 'multi-domains', 4272, 728),
]
WINDOWS = [(0.0, 0.01), (0.3, 0.301), (0.5, 0.75), (0.99, 1.0), (0.123456, 0.123789)]


def folder(archive, inner):
    path = os.path.join(scratch, archive)
    if not os.path.isdir(path):
        with tarfile.open(os.path.join(corpus, archive + '.tar.xz')) as t:
            t.extractall(scratch)
    return os.path.join(path, inner) if inner else path


def run(*args):
    return subprocess.run([sonde, *args], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).stdout


def lines_of(path, *args):
    """(time in ns, line) of each event."""
    out = run('cat', '--clock-seconds', '--no-delta', *args, path).split(b'\n')
    # A field's text may hold newlines: only lines with a time begin an event.
    return [(int(line[1:line.index(b']')].replace(b'.', b'')), line) for line in out
            if line[:1] == b'[' and b']' in line[:30]]


def windows(path):
    whole = lines_of(path)
    first, last = min(whole)[0], max(whole)[0]
    wrong = []
    for a, b in WINDOWS:
        lo, hi = (int(first + x * (last - first)) for x in (a, b))
        want = [line for t, line in whole if lo <= t <= hi]
        got = [line for _, line in lines_of(path, '--from', '%d.%09d' % divmod(lo, 10**9),
                                            '--to', '%d.%09d' % divmod(hi, 10**9))]
        if got != want or not want:
            wrong.append(f'window {a}..{b}: {len(got)} events, wanted {len(want)}')
    return wrong


n = failed = 0


def test(name, wrong):
    global n, failed
    n += 1
    failed += bool(wrong)
    print(f"{'not ok' if wrong else 'ok'} {n} - {name}")
    for w in wrong:
        print('#', w)


for archive, inner, events, lost in COUNTS:
    got = json.loads(run('stats', '--json', folder(archive, inner)))
    want = {'events': events, 'lost_events': lost, 'lost_packets': 0, 'cut_packets': 0}
    test(f'counts of {archive}/{inner}', [f'{k}: {got[k]}, wanted {v}' for k, v in want.items()
                                          if got[k] != v])
for archive, inner in [('kernel-6.2', 'kernel'), ('kernel-4.4', 'kernel'), ('scp', 'scp_dest')]:
    test(f'windows of {archive}/{inner}', windows(folder(archive, inner)))
print(f'1..{n}')
sys.exit(failed > 0)
