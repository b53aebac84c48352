#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records threads that block and are woken in known places, and folds their stacks; prints TAP.

usage: flame.py SONDE CONVOY     (CONVOY: the program of tests/live/convoy.c)
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sonde, convoy = (os.path.abspath(p) for p in sys.argv[1:3])
TRIES = 4
n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)[:2000]}")


def skipped(name, why):
    global n
    n += 1
    print(f'ok {n} - {name} # SKIP {why}')


def run(*args):
    return subprocess.run([sonde, *args], check=True, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.PIPE).stdout


def report(*args):
    return json.loads(run('report', *args, '--json', 'trace'))


def folded(*args):
    """The sums of stacks; none where nothing of what was asked for blocked."""
    p = subprocess.run([sonde, 'flame', '--folded', *args], check=False, stdout=subprocess.PIPE,
                       text=True, stderr=subprocess.PIPE)
    if p.returncode and 'nothing that was asked for' not in p.stderr:
        raise RuntimeError(p.stderr)
    lines = [line.rsplit(' ', 1) for line in p.stdout.split('\n') if line]
    return {stack: int(ns) for stack, ns in lines}


def total(stacks, *frames):
    """The sum of the stacks that have all these frames."""
    return sum(ns for stack, ns in stacks.items() if all(f in stack.split(';') for f in frames))


def record(*options):
    """The load's own words; None: it was told. True: every switch of its threads is there."""
    p = subprocess.run([sonde, 'record', '--force', '-o', 'trace', '--off-cpu', '--locks', *options,
                        '--', convoy], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       check=False)
    if p.returncode:
        result('recorded', False, p.stderr)
        return None, False
    load = json.loads(p.stdout)
    sched = report('sched', '-p', str(load['pid']))
    return load, not sched['missing_switches'] and not sched['lost_events']


def check_off_cpu(load, whole):
    pid, many, hold = str(load['pid']), load['waiters'], load['hold_ns']
    off = folded('--off-cpu', '-p', pid, 'trace')
    blocked = sum(t['blocked_ns'] for t in report('states', '-p', pid)['threads'])
    result('off-CPU: as much as the states say', sum(off.values()) == blocked > 0,
           (sum(off.values()), blocked))
    # main holds the mutex, waits before and behind its requeue, and until the page comes.
    holds = 4 if 'inode_holder' in load else 3
    places = [('the holder sleeps', ('main', 'do_nanosleep'), holds * hold),
              ('waiters for its mutex', ('__lll_lock_wait', 'futex_do_wait'), many * hold)]
    if 'inode_holder' in load:
        places += [('the holder of an inode', ('handle_userfault',), hold),
                   ('waiters for that', ('rwsem_down_write_slowpath',), many * hold)]
    names = {f for stack in off for f in stack.split(';')}
    for what, frames, least in places:
        what = f'off-CPU: {what}'
        if not whole:
            skipped(what, 'switches are missing from the trace')
        elif not names & set(frames):
            skipped(what, 'this system calls it otherwise')
        else:
            result(what, total(off, *[f for f in frames if f in names]) >= least, off)
    check_windows(pid, off)
    wakes = folded('--wakeup', '-p', pid, 'trace')
    result('wake-ups: the same sum', sum(wakes.values()) == sum(off.values()))
    return off, wakes


def check_wakers(load, wakes, whole):
    many, hold = load['waiters'], load['hold_ns']
    up = {s: ns for s, ns in wakes.items() if '__lll_lock_wait' in s.split(';--;')[0]}
    if not whole or not up:
        skipped('wake-ups: who unlocks a mutex', 'switches or names are missing')
        return
    ends = [s.split(';--;')[1].split(';') for s in up if ';--;' in s]
    result('wake-ups: who unlocks a mutex, upside down',
           sum(up.values()) >= many * hold and len(ends) == len(up) and
           all(e[-1] == 'convoy' and any('wake' in f for f in e[:4]) for e in ends), up)
    timers = [s for s in wakes if 'do_nanosleep' in s.split(';--;')[0]]
    ended = [s for s in timers if s.endswith(';interrupt')]
    if os.uname().machine != 'x86_64' and not ended:
        skipped('wake-ups: an interrupt ends a sleep', 'its begin has another name here')
        return
    result('wake-ups: an interrupt ends a sleep, and nothing that it interrupted is shown',
           ended and all(';--;' in s for s in ended), timers)


def check_windows(pid, off):
    """Two halves of the time add up, stack by stack."""
    r = report('cpu')
    middle = (r['begin_ns'] + r['end_ns']) // 2
    at = f'{middle // 10**9}.{middle % 10**9:09}'
    parts = [folded('--off-cpu', '-p', pid, '--to', at, 'trace'),
             folded('--off-cpu', '-p', pid, '--from', at, 'trace')]
    both = {s: sum(p.get(s, 0) for p in parts) for s in parts[0].keys() | parts[1].keys()}
    result('off-CPU: two halves add up', both == off,
           {s: (both.get(s), off.get(s)) for s in both.keys() | off.keys()
            if both.get(s) != off.get(s)})
    cpus = [folded('--off-cpu', '-p', pid, '-C', str(c['cpu']), 'trace')
            for c in r['cpus']]
    sums = sum(sum(c.values()) for c in cpus)
    result('off-CPU: all CPUs add up', sums == sum(off.values()), (sums, sum(off.values())))


def check_locks(load):
    pid, hold = str(load['pid']), load['hold_ns']
    locks = folded('--locks', '-p', pid, 'trace')
    want = sum(x['wait_total_ns'] for x in report('locks', '-p', pid)['locks'])
    result('locks: as much as the report says', sum(locks.values()) == want > 0,
           (sum(locks.values()), want))
    # The kernel waits for locks of its own on the way.
    mutex = {s: ns for s, ns in locks.items()
             if '__lll_lock_wait' in s.split(';') and s.endswith(';futex')}
    if not mutex:
        skipped('locks: the stack of those that wait for the mutex', 'the C library has no names')
        return
    result('locks: the stack of those that wait for the mutex',
           sum(mutex.values()) >= load['waiters'] * hold and
           all(s.startswith('convoy;') for s in mutex), locks)


def check_diff(off):
    for kind in '--off-cpu', '--wakeup', '--locks':
        same = run('flame', '--diff', '--folded', kind, 'trace', 'trace')
        result(f'{kind}: a trace does not differ from itself', same == '', same)
    with open('empty.folded', 'w', encoding='utf-8'):
        pass
    with open('off.folded', 'w', encoding='utf-8') as f:
        f.write(''.join(f'{s} {ns}\n' for s, ns in off.items()))
    new = run('flame', '--diff', '--folded', '--off-cpu', 'empty.folded', 'off.folded')
    result('what is new was 0 before', sorted(new.split('\n')[:-1]) ==
           sorted(f'{s} 0 {ns}' for s, ns in off.items()), new)


def check_pictures():
    for kind in '--off-cpu', '--wakeup', '--locks', '--diff':
        args = ['--off-cpu', 'trace', 'trace'] if kind == '--diff' else ['trace']
        run('flame', kind, '-o', 'picture.svg', *args)
        root = xml.etree.ElementTree.parse('picture.svg').getroot()
        frames = root.find('.//*[@id="frames"]')
        titles = [t.text for t in frames.iter('{http://www.w3.org/2000/svg}title')]
        result(f'{kind}: a picture of {len(titles)} frames, in units of time',
               frames.get('data-unit') == 'ns' and len(titles) > 5 and
               not any(re.search(r'\d samples?\b', t) for t in titles), titles[:5])


def check_one_process():
    """Only one process: switches to it and wake-ups of it are told by others."""
    p = subprocess.Popen([convoy], stdout=subprocess.PIPE, text=True)
    q = subprocess.run([sonde, 'record', '--force', '-o', 'one', '--off-cpu', '--no-samples',
                        '--no-events', '-d', '0.2', '-p', str(p.pid)], stderr=subprocess.PIPE,
                       text=True, check=False)
    p.communicate()
    if q.returncode:
        skipped('of one process only', 'it had ended before')
        return
    stats = json.loads(run('stats', '--json', 'one'))
    try:
        off = folded('--off-cpu', 'one')
    except RuntimeError as e:
        skipped('of one process only', str(e).strip())
        return
    if not off:
        skipped('of one process only', 'nothing of it was seen to block')
        return
    result('of one process only', off and all(s.startswith('convoy;') for s in off) and
           stats['lost_events'] == 0, off)


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    p = subprocess.run([sonde, 'record', '--force', '-o', 'try', '-d', '0.05', '--off-cpu'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        why = p.stderr.strip().split('\n')[0]
        print(f'1..0 # SKIP {why}')
        sys.exit(0)
    load, whole = record()
    for _ in range(TRIES - 1):
        if whole or not load:
            break
        load, whole = record()
    if load:
        off, wakes = check_off_cpu(load, whole)
        check_wakers(load, wakes, whole)
        check_locks(load)
        check_diff(off)
        check_pictures()
    check_one_process()
    os.chdir('/')
print(f'1..{n}')
sys.exit(failed > 0)
