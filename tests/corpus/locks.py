#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares report locks on real LTTng traces with a computation over babeltrace2's text; prints TAP.

usage: locks.py SONDE SCRATCH     (SONDE_CORPUS names the folder with the traces)
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

sonde, scratch = sys.argv[1:3]
corpus = os.environ.get('SONDE_CORPUS')
if not corpus:
    print('1..0 # SKIP SONDE_CORPUS names no folder')
    sys.exit(0)
if not shutil.which('babeltrace2'):
    print('1..0 # SKIP there is no babeltrace2')
    sys.exit(0)
LINE = re.compile(r'\[(\d+)\.(\d{9})\] \(\S+\) \S+ ([\w:]+): \{ cpu_id = (\d+) \}, (?:\{[^}]*\}, )?\{ ?(.*)')
INT = re.compile(r'(\w+) = (?:\( )?(?:"[^"]*" : container = )?(-?(?:0x[0-9A-Fa-f]+|\d+))')
EAGAIN = 11


def trace(name):
    folder = os.path.join(scratch, name)
    if not os.path.isdir(folder):
        with tarfile.open(os.path.join(corpus, name + '.tar.xz')) as t:
            t.extractall(scratch)
    inner = os.path.join(folder, 'kernel')
    return inner if os.path.isdir(inner) else folder


def waits(folder):
    """(tid, pid, address, shared, begin, end, ret, waker) of each wait in a futex."""
    text = subprocess.run(['babeltrace2', '--clock-seconds', '--clock-gmt', folder], check=True,
                          stdout=subprocess.PIPE, errors='replace', text=True).stdout
    current, pid, began, waker = {}, {}, {}, {}
    irqs = {}
    for line in text.split('\n'):
        m = LINE.match(line)
        if not m:
            continue
        at, name, cpu = int(m[1]) * 10**9 + int(m[2]), m[3], int(m[4])
        f = {k: int(v, 16 if "x" in v else 10) for k, v in INT.findall(m[5])}
        tid = current.get(cpu)
        if name == 'sched_switch':
            current[cpu] = f['next_tid']
            irqs[cpu] = 0
        elif name == 'lttng_statedump_process_state':
            pid.setdefault(f['tid'], f['pid'])
        elif name == 'sched_process_fork':
            pid[f['child_tid']], pid[f['parent_tid']] = f['child_pid'], f['parent_pid']
        elif name in ('irq_handler_entry', 'irq_softirq_entry'):
            irqs[cpu] = irqs.get(cpu, 0) + 1
        elif name in ('irq_handler_exit', 'irq_softirq_exit'):
            irqs[cpu] = max(irqs.get(cpu, 0) - 1, 0)
        elif name == 'sched_waking':
            waker[f['tid']] = tid if tid and not irqs.get(cpu) and tid != f['tid'] else None
        elif name == 'syscall_entry_futex' and tid:
            if f['op'] & 127 in (0, 6, 9, 11, 13):
                began[tid] = (f['uaddr'], not f['op'] & 128, at)
                waker[tid] = None
        elif name == 'syscall_exit_futex' and tid in began:
            addr, shared, begin = began.pop(tid)
            if f['ret'] != -EAGAIN:
                yield tid, pid.get(tid), addr, shared, begin, at, f['ret'], \
                    waker.get(tid) if f['ret'] >= 0 else None


def sums(rows, key):
    out = {}
    for row in rows:
        k = key(row)
        if k is None:
            continue
        n, total, most = out.get(k, (0, 0, 0))
        ns = row[5] - row[4]
        out[k] = n + 1, total + ns, max(most, ns)
    return out


def got(rows, key):
    return {key(r): (r['waits'], r['wait_total_ns'], r['wait_max_ns']) for r in rows}


n = failed = 0


def same(what, have, want):
    global n, failed
    n += 1
    wrong = {k for k in have.keys() | want.keys() if have.get(k) != want.get(k)}
    failed += bool(wrong) or not want
    print(f"{'not ok' if wrong or not want else 'ok'} {n} - {what}: {len(want)} rows")
    for k in sorted(wrong, key=str)[:10]:
        print(f'# {k}: {have.get(k)}, wanted {want.get(k)}')


for name in 'kernel-6.2', 'kernel-4.4':
    rows = list(waits(trace(name)))
    p = subprocess.run([sonde, 'report', 'locks', '--json', trace(name)], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    have = json.loads(p.stdout)
    same(f'{name}: by lock', got(have['locks'], lambda r: (r['pid'], r['lock'])),
         sums(rows, lambda r: (r[1], hex(r[2]))))
    same(f'{name}: by thread', got(have['threads'], lambda r: r['tid']), sums(rows, lambda r: r[0]))
    same(f'{name}: by holder', got(have['holders'], lambda r: (r['tid'], r['lock'])),
         sums(rows, lambda r: (r[7], hex(r[2])) if r[7] else None))
print(f'1..{n}')
sys.exit(failed > 0)
