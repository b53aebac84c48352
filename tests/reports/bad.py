#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Made-up traces of events that contradict each other: no report fails, and all of them add up;
prints TAP.

usage: bad.py SONDE SOURCE
"""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

from ktrace import Trace

sonde = os.path.abspath(sys.argv[1])
SEEDS = *range(8), 60
DEEP = 3000
REPORTS = [['cpu'], ['syscalls'], ['sched'], ['wakeups'], ['irq'], ['block'], ['locks'], ['files'],
           ['states', '--cache', 'index'], ['boot'], ['anomalies']]
n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)[:2000]}")


class Bad(Trace):
    """Events stay in the order they were made in, also where time goes back."""

    def stream(self, ids, cpu):
        events = [e for e in self.events if e[2] == cpu]
        out, discarded = b'', 0
        for seq in range(0, len(events), 40):
            out += self.packet(ids, cpu, seq // 40, events[seq:seq + 40], discarded)
            discarded += seq % 3
        return out


def random_events(seed):
    """Exits without entries, numbers that are two threads', unknown CPUs, threads that run twice."""
    rnd = random.Random(seed)
    t = Bad()
    for cpu in range(3):
        ns = 0
        for _ in range(300):
            ns = max(0, ns + rnd.choice([0, 1000, 5000, 100000, 30000000,
                                         3000 if seed % 3 else -50000]))
            t.at(ns / 1e6, cpu)
            a, b = (rnd.choice([0, 0, 1, 2, 3, 4, 5, 6, -1, 2**31 - 1]) for _ in range(2))
            lock = 0x1000 * rnd.randrange(3)
            rnd.choice([
                lambda: t.switch(a, rnd.choice([0, 1, 2, 16, 64, -1]), b),
                lambda: t.switch(a, rnd.choice([0, 1, 2]), b),
                lambda: t.waking(a, rnd.choice([0, 1, 2, -1, 9999])),
                lambda: t.event('sched_process_fork', b'x', a, rnd.choice([a, b]), b'y', b,
                                rnd.choice([a, b])),
                lambda: t.exec(a, '/bin/a'),
                lambda: t.event('sched_process_exit', b'x', a, 20),
                lambda: t.event('irq_handler_entry', rnd.randrange(-1, 40)),
                lambda: t.event('irq_handler_exit', rnd.randrange(-1, 40), 1),
                lambda: t.event('irq_softirq_raise', rnd.randrange(-1, 12)),
                lambda: t.event('irq_softirq_entry', rnd.randrange(-1, 12)),
                lambda: t.event('irq_softirq_exit', rnd.randrange(-1, 12)),
                lambda: t.event('block_rq_issue', 8 << 20, rnd.randrange(4), 8, 4096, a, 1),
                lambda: t.event('block_rq_complete', 8 << 20, rnd.randrange(4), 8, 1),
                lambda: t.enter(rnd.choice(['read', 'close', 'openat', 'wait4'])),
                lambda: t.leave(rnd.choice(['read', 'close', 'openat']), rnd.randrange(-200, 9)),
                lambda: t.event('syscall_entry_futex', lock, rnd.choice([0, 128, 129]), 2),
                lambda: t.event('syscall_exit_futex', 0),
                lambda: t.event('lock_contention_begin', lock, rnd.choice([1, 16, 32])),
                lambda: t.event('lock_contention_end', lock, 0)])()
    return t


def deep_tree():
    """Each process makes the next, waits for it, and goes on when that one did."""
    t = Trace()
    us = 0
    for tid in range(10, 10 + DEEP):
        us += 10
        t.at(us / 1e3).fork(tid, tid + 1)
        t.at((us + 5) / 1e3).switch(tid, 1, tid + 1)
    for tid in range(9 + DEEP, 9, -1):
        us += 10
        t.at(us / 1e3).waking(tid)
        t.at((us + 5) / 1e3).switch(tid + 1, 1, tid)
    t.at((us + 10) / 1e3).switch(10, 1, 0)
    return t


class Early(Trace):
    """Its packets begin long before their first events, as LTTng's do."""

    def packet(self, ids, cpu, seq, events, discarded):
        out = super().packet(ids, cpu, seq, events, discarded)
        return out[:24] + struct.pack('<Q', 0) + out[32:]


def report(*args):
    p = subprocess.run([sonde, 'report', *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, errors='replace', check=False, timeout=250)
    return p.returncode, p.stdout, p.stderr


def negatives(value, name=''):
    """Durations that are none."""
    if isinstance(value, dict):
        return [x for k, v in value.items() for x in negatives(v, k)]
    if isinstance(value, list):
        return [x for v in value for x in negatives(v, name)]
    return [(name, value)] if isinstance(value, (int, float)) and value < 0 and \
        name.endswith('_ns') else []


def sum_faults(path):
    at, wrong = path['begin_ns'], []
    for s in path['path']:
        if s['begin_ns'] != at or s['end_ns'] - s['begin_ns'] != s['ns']:
            wrong.append(s)
        at = s['end_ns']
    whole = path['end_ns'] - path['begin_ns']
    for key in 'by_state', 'by_host', 'by_thread', 'by_program':
        if sum(x['ns'] for x in path[key]) != whole:
            wrong.append(key)
    if at != path['end_ns'] or path['segments_ns'] + path['hops_ns'] != path['duration_ns'] or \
       path['duration_ns'] != whole or not path['adds_up']:
        wrong.append('the whole')
    return wrong


def busy_faults(r):
    """What CPUs did is not longer than the time was."""
    whole = r['end_ns'] - r['begin_ns']
    return [c for c in r.get('cpus', []) if 'idle_ns' in c and
            sum(c[k] for k in ('busy_ns', 'idle_ns', 'unknown_ns')) > whole]


def try_random(seed):
    random_events(seed).write('bad')
    wrong = []
    for args in REPORTS:
        status, out, err = report(*args, '--json', 'bad')
        # A tree may have nobody in it.
        if status and not (args == ['boot'] and 'did anything then' in err):
            wrong.append((args, status, err[-200:]))
        if status:
            continue
        r = json.loads(out)
        wrong += [(args, x) for x in negatives(r)]
        if args == ['cpu']:
            wrong += busy_faults(r)
        status, out, err = report(*args, 'bad')
        if status:
            wrong.append((args, 'as a table', status, err[-200:]))
    result(f'random events, seed {seed}: no report fails, nothing takes less than no time',
           not wrong, wrong[:5])
    paths, wrong = 0, []
    for tid in range(1, 7):
        status, out, err = report('critical-path', '--tid', str(tid), '--json', 'bad')
        if status:
            if status != 1:
                wrong.append((tid, status, err[-200:]))
            continue
        paths += 1
        wrong += [(tid, x) for x in sum_faults(json.loads(out))]
    result(f'random events, seed {seed}: critical paths add up', paths and not wrong,
           (paths, wrong[:5]))


def try_deep():
    deep_tree().write('deep')
    status, out, err = report('critical-path', '--tid', '10', '--json', 'deep')
    path = json.loads(out) if not status else {'tree': []}
    result('a tree of many processes, each below another: the path adds up',
           not status and not sum_faults(path), err or sum_faults(path)[:5])
    depths = [t['depth'] for t in path['tree']]
    whole = [t['total_ns'] for t in path['tree']]
    result('each is below who made it', depths == list(range(DEEP + 1)), depths[:20])
    rest = [sum(t['self_ns'] for t in path['tree'][i:]) for i in (0, 1, DEEP // 2, DEEP)]
    result('each has the time of all below it',
           rest == [whole[i] for i in (0, 1, DEEP // 2, DEEP)] and whole[0] == path['duration_ns'],
           (rest, whole[:3]))
    status, out, err = report('critical-path', '--tid', '10', '-n', '3', 'deep')
    rows = out.split('\nBy thread')[0].split('\nBy program\n')[-1].split('\n')
    result('programs of as many names are told apart', not status and
           f'... and {DEEP - 2} more (--limit 0 shows all)' in rows[-2], (err, rows))


def by_thread(path):
    return {t['tid']: t['ns'] for t in path['by_thread']}


def try_windows():
    """A window in the middle of a wait shows what was waited for, of which the end is not in it."""
    status, out, err = report('critical-path', '--tid', '10', '--json', 'deep')
    whole = json.loads(out)
    begin, end = whole['begin_ns'], whole['end_ns']
    at = [begin + (end - begin) * i // 7 for i in range(8)]
    total, wrong = {}, [err] if status else []
    for window in zip(at, at[1:]):
        times = ['%d.%09d' % divmod(x, 10**9) for x in window]
        status, out, err = report('critical-path', '--tid', '10', '--json', '--from', times[0],
                                  '--to', times[1], 'deep')
        if status:
            wrong.append(err)
            continue
        part = json.loads(out)
        wrong += sum_faults(part)
        if (part['begin_ns'], part['end_ns']) != window:
            wrong.append((part['begin_ns'], part['end_ns'], window))
        for tid, ns in by_thread(part).items():
            total[tid] = total.get(tid, 0) + ns
    result('paths of windows one behind the other are the whole path',
           not wrong and total == by_thread(whole), wrong[:3])


def try_hosts():
    """A host whose trace begins later than another's: what it did before is not known."""
    Trace('one').at(0).switch(0, 0, 10).at(2000).switch(10, 1, 0).write('one')
    two = Early('two', uuid='00112233-4455-6677-8899-aabbccddee00')
    two.at(1500).waking(30).at(1501).switch(20, 1, 30).at(1502).switch(30, 1, 0).write('two')
    status, out, err = report('cpu', '--json', 'one', 'two')
    cpus = {c['host']: c for c in json.loads(out)['cpus']} if not status else {}
    two = cpus.get('two', {})
    result('what a host did before its trace begins is not known', two.get('busy_ns') == 2000000 and
           two['unknown_ns'] == 1998000000, (err, two))


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    for s in SEEDS:
        try_random(s)
    try_deep()
    try_windows()
    try_hosts()
print(f'1..{n}')
sys.exit(failed > 0)
