#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Made-up traces with one known fault each: it is found, and is the worst; prints TAP.

usage: anomalies.py SONDE SOURCE
"""
import json
import os
import random
import subprocess
import sys
import tempfile

from ktrace import Trace

sonde = os.path.abspath(sys.argv[1])
MS = 1000000
DISK = 8 << 20
n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)[:2000]}")


def run(*args, status=0):
    p = subprocess.run([sonde, 'report', 'anomalies', *args], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, check=False)
    if p.returncode != status:
        result(f'{" ".join(args)}: status {p.returncode}', False, p.stderr)
    return p.stdout.decode(errors='replace')


def odd(*args):
    return json.loads(run('--json', *args))['anomalies']


def healthy(host='box', uuid='00112233-4455-6677-8899-aabbccddeeff', seed=1):
    """Two CPUs for two seconds: threads that are woken, run, sleep, call and read from a disk; all
    of it takes about as long each time."""
    t = Trace(host, uuid=uuid)
    rnd = random.Random(seed)
    for tid, name in (10, 'alpha'), (11, 'beta'), (12, 'gamma'), (13, 'delta'):
        t.name(tid, name)
    for cpu in 0, 1:
        at, a, b = 0.01 * cpu, 10 + 2 * cpu, 11 + 2 * cpu
        while at < 2000:
            short = rnd.uniform(0.01, 0.02)
            t.at(at, cpu).waking(a)
            t.at(at + short, cpu).switch(0, 0, a)
            t.at(at + .1, cpu).enter('getdents64').at(at + .2 + short, cpu).leave('getdents64')
            t.at(at + .3, cpu).event('irq_handler_entry', 14 + cpu)
            t.at(at + .3 + short, cpu).event('irq_handler_exit', 14 + cpu, 1)
            t.at(at + .4, cpu).event('irq_softirq_entry', 3)
            t.at(at + .4 + short, cpu).event('irq_softirq_exit', 3)
            t.at(at + .5, cpu).waking(b).at(at + .6 + short, cpu).switch(a, 0, b)
            t.at(at + .7, cpu).enter('fsync')
            t.at(at + .8, cpu).event('block_rq_issue', DISK, round(at * 1000) + cpu, 8, 4096, b, 1)
            t.at(at + .9, cpu).switch(b, 2, a).at(at + 1, cpu).switch(a, 1, 0)
            t.at(at + 2 + short, cpu).event('block_rq_complete', DISK, round(at * 1000) + cpu, 8, 1)
            t.at(at + 2.1 + short, cpu).waking(b)
            t.at(at + 2.2 + short, cpu).switch(0, 0, b).leave('fsync')
            t.at(at + 2.4, cpu).switch(b, 1, 0)
            at += 5
    return t


def is_worst(name, kind, want, *args, trace=None, count=None):
    """The worst is of this kind, has these values, and its command works as it is."""
    trace.write(name)
    got = odd(name, *args)
    first = got[0] if got else {'kind': 'nothing'}
    wrong = {k: (first.get(k), v) for k, v in want.items() if first.get(k) != v}
    result(f'{name}: it is found', first['kind'] == kind and not wrong, (wrong, got[:3]))
    if count is not None:
        result(f'{name}: and nothing else is odd', len(got) == count, got[:4])
    commands(name, got)
    return got


def commands(name, finds):
    bad = []
    for f in finds[:10]:
        p = subprocess.run(f['command'].replace('sonde ', f"'{sonde}' ", 1), shell=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if p.returncode or len(p.stdout) < 40:
            bad.append((f['command'], p.returncode, p.stderr))
    result(f'{name}: the commands that show more work', not bad, bad)


def nothing():
    healthy().write('healthy')
    result('a healthy trace has nothing odd', odd('healthy') == [], odd('healthy')[:3])
    text = run('healthy')
    result('and says so', text.endswith('\nNothing odd.\n'), text)


def blocked():
    t = healthy().name(30, 'writer')
    t.at(100.01, 2).switch(0, 0, 30).enter('fsync').at(101, 2).switch(30, 2, 0)
    t.at(501, 2).waking(30).at(501.02, 2).switch(0, 0, 30).leave('fsync')
    t.at(502, 2).switch(30, 1, 0)
    got = is_worst('fsync', 'blocked', {'tid': 30, 'thread': 'writer', 'longest_ns': 400 * MS,
                                        'count': 1}, trace=t, count=1)
    result('fsync: what is lost is what is above the usual', 398 * MS < got[0]['lost_ns'] < 400 * MS
           and 'in fsync' in got[0]['text'] and MS < got[0]['usual_ns'] < 1.5 * MS, got[0])
    t = healthy().name(30, 'reader')
    t.at(100.01, 2).switch(0, 0, 30).at(101, 2).switch(30, 1, 0)
    t.at(901, 2).waking(30).at(901.02, 2).switch(0, 0, 30).at(902, 2).switch(30, 1, 0)
    t.write('asleep')
    result('a sleep that others end is not odd', odd('asleep') == [], odd('asleep'))


def preempted():
    """A hog of a higher priority takes the CPU from what runs, three times."""
    t = healthy().name(40, 'hog', -51).name(41, 'victim')
    t.at(0, 2).switch(0, 0, 41)
    for at in 100, 400, 700:
        t.at(at, 2).waking(40).at(at + .01, 2).switch(41, 0, 40)
        t.at(at + 100.01, 2).switch(40, 1, 41)
    t.at(1000, 2).switch(41, 1, 0)
    got = is_worst('hog', 'hog', {'by_tid': 40, 'by_thread': 'hog', 'tid': 41, 'count': 3,
                                        'cpu': 2}, trace=t, count=1)
    result('hog: the loss is that of all three', 299 * MS < got[0]['lost_ns'] <= 300 * MS, got[0])
    result('hog: -p of who waited, and of who took it, show it', odd('hog', '-p', '40') ==
           odd('hog', '-p', '41') == got and odd('hog', '-p', '10') == [], got)
    result('hog: a window has one of them',
           odd('hog', '--from', '+350ms', '--to', '+600ms')[0]['count'] == 1)
    t.at(1200, 2).waking(41).at(1200.1, 2).switch(0, 0, 41)
    t.at(1300, 2).waking(40).at(1300.1, 2).switch(41, 0, 40).at(1900, 2).enter('getpid')
    got = is_worst('starved', 'hog', {'by_tid': 40, 'count': 4}, trace=t)
    result('starved: who still waits at the end is told', got[0]['longest_ns'] > 599 * MS, got[0])


def late():
    t = healthy().name(50, 'sleepy')
    t.at(0, 2).switch(0, 0, 51).at(200, 2).waking(50)
    for i in range(51, 54):
        t.at(180 + 30 * (i - 50), 2).switch(i, 1, i + 1)
    t.at(290, 2).switch(54, 1, 50).at(291, 2).switch(50, 1, 0)
    got = is_worst('late', 'late', {'tid': 50, 'longest_ns': 90 * MS, 'cpu': 2}, trace=t, count=1)
    result('late: nobody is to blame', got[0]['by_tid'] is None, got)
    t = healthy().name(50, 'rcu').name(51, 'hog').name(52, 'victim')
    t.at(0, 2).switch(0, 0, 52).at(100, 2).waking(50).waking(51).at(100.1, 2).switch(52, 0, 50)
    t.at(100.2, 2).switch(50, 1, 51).at(400, 2).switch(51, 1, 52).at(401, 2).switch(52, 1, 0)
    is_worst('behind', 'hog', {'tid': 52, 'by_tid': 51, 'count': 1}, trace=t, count=1)
    t = healthy()
    for i in range(60, 65):
        at = 100 * (i - 59)
        t.name(i, 'same').name(51, 'hog')
        t.at(at, 2).switch(0, 0, i).at(at + 1, 2).switch(i, 0, 51).at(at + 51, 2).switch(51, 1, i)
        t.at(at + 52, 2).enter('fsync').switch(i, 2, 0).at(at + 90, 2).waking(i)
        t.at(at + 90.1, 2).switch(0, 0, i).leave('fsync').at(at + 91, 2).switch(i, 1, 0)
    got = is_worst('same', 'hog', {'by_tid': 51, 'count': 5, 'threads': 1}, trace=t, count=2)
    result('same: threads of one name are one line', got[1]['kind'] == 'blocked' and
           got[1]['threads'] == 5 and 'and 4 more of that name' in got[1]['text'], got)
    t = healthy().name(50, 'sleepy').name(51, 'busy')
    t.at(0, 2).switch(0, 0, 51).at(0, 3).switch(51, 1, 0)
    t.at(200, 2).waking(50).at(290, 2).switch(51, 1, 50).at(291, 2).switch(50, 1, 0)
    got = is_worst('idle', 'idle', {'tid': 50, 'lost_ns': 90 * MS}, trace=t, count=2)
    result('idle: and it waited for who had its own', got[1]['kind'] == 'hog' and
           (got[1]['tid'], got[1]['by_tid']) == (50, 51), got)


def queue():
    t = healthy()
    for i in range(40):
        t.at(500 + i / 1000, 2).waking(100 + i, 2)
    t.at(0, 2).switch(0, 0, 99)
    last = 99
    for i in range(40):
        t.at(515 + i / 100, 2).switch(last, 1, 100 + i)
        last = 100 + i
    got = is_worst('spike', 'queue', {'count': 2}, trace=t, count=1)
    result('spike: some forty waited at once', '40 threads' in got[0]['text'] and
           500 * MS < got[0]['lost_ns'] < 700 * MS, got)


def calls():
    t = healthy().name(60, 'lister')
    t.at(300, 2).switch(0, 0, 60).at(301, 2).enter('getdents64').at(381, 2).leave('getdents64')
    t.at(382, 2).switch(60, 1, 0)
    is_worst('call', 'call', {'tid': 60, 'longest_ns': 80 * MS}, trace=t, count=1)
    t = healthy().name(60, 'waiter')
    t.at(300, 2).switch(0, 0, 60).at(301, 2).enter('epoll_wait').at(302, 2).switch(60, 1, 0)
    t.at(900, 2).waking(60).at(900.1, 2).switch(0, 0, 60).leave('epoll_wait')
    t.at(901, 2).switch(60, 1, 0).write('waits')
    result('a call that waits for others is not odd', odd('waits') == [], odd('waits'))


def disks():
    t = healthy()
    t.at(300.4, 1).event('block_rq_issue', DISK, 77, 8, 4096, 12, 1)
    t.at(450.4, 1).event('block_rq_complete', DISK, 77, 8, 1)
    got = is_worst('disk', 'request', {'longest_ns': 150 * MS, 'tid': 12}, trace=t, count=1)
    result('disk: it is named', '8:0' in got[0]['text'] and 'read' not in got[0]['text'], got)


def interrupts():
    t = healthy()
    for i in range(1000):
        t.at(600 + i / 100, 2).event('irq_handler_entry', 99)
        t.at(600 + i / 100 + .006, 2).event('irq_handler_exit', 99, 1)
    t.at(599, 2).switch(10, 1, 0)
    got = is_worst('storm', 'irq', {'count': 1000, 'cpu': 2}, trace=t, count=1)
    result('storm: its time is told', 5.9 * MS < got[0]['lost_ns'] < 6.1 * MS and
           'interrupt 99' in got[0]['text'], got)
    t = healthy()
    t.at(599, 2).switch(10, 1, 0).at(600, 2).event('irq_softirq_entry', 3)
    t.at(640, 2).event('irq_softirq_exit', 3)
    is_worst('softirq', 'softirq', {'longest_ns': 40 * MS, 'count': 1}, trace=t, count=1)


def convoy():
    """Eight threads take turns at one mutex; each holds it for 5 ms. Others wait for work."""
    t = healthy()
    t.at(0, 2).switch(0, 0, 70)
    tids = list(range(71, 79))
    for tid in tids:
        t.pids[tid] = 70
        t.at(100 + tid / 100, 2).fork(70, tid, 70).waking(tid)
    last = 70
    for i, tid in enumerate(tids):
        t.at(110 + i, 2).switch(last, 1, tid).enter('futex', 0x1000, 128, 2)
        last = tid
    t.at(120, 2).switch(last, 1, 70)
    for i, tid in enumerate(tids):
        t.at(125 + 5 * i, 2).waking(tid).at(125.1 + 5 * i, 2).switch(70, 1, tid).leave('futex')
        t.at(126 + 5 * i, 2).enter('futex', 0x2000, 128, 0).switch(tid, 1, 70)
    for tid in tids:
        t.at(1700 + tid / 100, 2).waking(tid).at(1700.001 + tid / 100, 2).switch(70, 1, tid)
        t.at(1700.002 + tid / 100, 2).leave('futex').at(1700.003 + tid / 100, 2).switch(tid, 1, 70)
    got = is_worst('convoy', 'convoy', {'count': 8, 'pid': 70}, trace=t, count=1)
    result('convoy: the lock and all waits are told', '0x1000' in got[0]['text'] and
           got[0]['lost_ns'] > 200 * MS, got)
    t = healthy()
    t.at(0, 2).switch(0, 0, 70).at(500, 2).event('lock_contention_begin', 0xffff888000001000, 16)
    t.at(501, 2).switch(70, 2, 0).at(650, 2).waking(70).at(650.1, 2).switch(0, 0, 70)
    t.at(650.2, 2).event('lock_contention_end', 0xffff888000001000, 0)
    t.write('mutex')
    got = odd('mutex')
    result('mutex: a lock of the kernel', {f['kind'] for f in got} == {'blocked', 'lock'} and
           'lock 0xffff888000001000' in [f for f in got if f['kind'] == 'lock'][0]['text'], got)


def losses():
    t = healthy()
    t.events = [e for e in t.events if e[2] != 0 or not 1000 * MS < e[0] < 1300 * MS]
    t.at(1300, 0).lose(1234)
    got = is_worst('lossy', 'lost', {'count': 1234}, trace=t)
    # From the packet before to the end of the one that counts them: it does not say more.
    result('lossy: how long the hole may be', 990 * MS < got[0]['lost_ns'] < 1000 * MS, got)
    result('lossy: nothing is made up of it', len(got) == 1, got)


def hosts():
    healthy().write('one')
    t = healthy('other', '99112233-4455-6677-8899-aabbccddeeff', seed=2).name(40, 'hog').name(41, 'v')
    t.at(0, 2).switch(0, 0, 41).at(100, 2).waking(40).at(100.1, 2).switch(41, 0, 40)
    t.at(300, 2).switch(40, 1, 41).at(301, 2).switch(41, 1, 0).write("two 'hosts'")
    got = odd('one', "two 'hosts'")
    result('two hosts: the fault is of the right one', len(got) == 1 and got[0]['host'] == 'other' and
           got[0]['by_tid'] == 40, got)
    commands('two hosts', got)
    text = run('one', "two 'hosts'")
    result('two hosts: each line names its host', 'other: hog (40)' in text, text)


def hostile():
    for i, name in enumerate([b'<&>"\'', b'a\nb', b'\xff\xfe', b'\x1b[31m', b'$(rm -rf)', b'%s%n']):
        t = healthy().name(40, name).name(41, name)
        t.at(0, 2).switch(0, 0, 41).at(100, 2).waking(40).at(100.1, 2).switch(41, 0, 40)
        t.at(300, 2).switch(40, 1, 41).at(301, 2).switch(41, 1, 0).write(f'$(x)\n`{i}`')
        got = odd(f'$(x)\n`{i}`')
        text = run(f'$(x)\n`{i}`')
        result(f'hostile names: {name}', len(got) == 1 and
               all(c == '\n' or c >= ' ' for c in text), (got, text))
        p = subprocess.run(['bash', '-c', got[0]['command'].replace('sonde ', f"'{sonde}' ", 1)],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        result('hostile names: the command works', not p.returncode, (got[0]['command'], p.stderr))


def damaged():
    t = healthy().name(40, 'hog').name(41, 'v')
    t.write('cut')
    whole = os.path.getsize('cut/cpu_1')
    bad = []
    for size in range(0, whole, whole // 40):
        t.write('cut')
        with open('cut/cpu_1', 'r+b') as f:
            f.truncate(size)
        p = subprocess.run([sonde, 'report', 'anomalies', '--json', 'cut'], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, check=False)
        kinds = {f['kind'] for f in json.loads(p.stdout)['anomalies']} if not p.returncode else set()
        if p.returncode not in (0, 1) or kinds - {'lost'}:
            bad.append((size, p.returncode, kinds))
    result('a trace that was cut: no crash, and nothing odd but that', not bad, bad)
    t = Trace()
    t.at(0).enter('read').at(1).leave('read').write('calls')
    run('calls', status=1)


def far():
    """Times at both ends of what can be."""
    t = Trace()
    t.at(0).switch(0, 0, 10).at(1).waking(11).at(2).switch(10, 0, 11).at(7e12).switch(11, 1, 10)
    t.at(7.1e12).event('irq_handler_entry', 1).at(7.2e12).event('irq_handler_exit', 1, 1)
    t.write('far')
    got = odd('far')
    result('a wait of centuries is found', got and got[0]['lost_ns'] > 6e18, got)


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    nothing()
    for fault in (blocked, preempted, late, queue, calls, disks, interrupts, convoy, losses, hosts,
                  hostile, damaged, far):
        fault()
    os.chdir('/')
print(f'1..{n}')
sys.exit(failed > 0)
