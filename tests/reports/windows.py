#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What reports say of windows and of several hosts in which little happens; prints TAP.

usage: windows.py SONDE TOP
"""
import json
import os
import subprocess
import sys
import tempfile

from ktrace import Trace

sonde = os.path.abspath(sys.argv[1])
n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)[:2000]}")


def run(*args, status=0):
    p = subprocess.run([sonde, 'report', *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       check=False, text=True, env={**os.environ, 'TZ': 'UTC0'})
    if p.returncode != status:
        result(f'report {" ".join(args)}: status {p.returncode}', False, p.stderr)
    return p.stdout, p.stderr


def host(name, number, calls):
    """A thread that runs from 1 to 30 ms and makes that many calls of 0.1 ms."""
    t = Trace(host=name, uuid='00000000-0000-0000-0000-%012x' % number).name(10, name)
    t.kinds = {k: v for k, v in t.kinds.items() if k == 'sched_switch'}
    t.at(1).switch(0, 0, 10)
    for i in range(calls):
        t.at(2 + i).enter('read').at(2.1 + i).leave('read', -11 if i else 0)
    return t.at(30).switch(10, 1, 0)


def late():
    """A call is there before the first switch is."""
    return Trace().at(1).enter('read').at(2).leave('read').at(20).switch(0, 0, 10).at(30).switch(10, 1, 0)


def windows():
    for report in 'cpu', 'sched', 'anomalies':
        _, words = run(report, 'late', '--to', '+10ms', status=1)
        result(f'{report}: switches that came later are not said to be missing',
               'there are no sched_switch events in that time' in words, words)
    for report in 'wakeups', 'irq', 'block':
        _, words = run(report, 'one', status=1)
        result(f'{report}: events that nobody recorded are named, with how to record them',
               'to record them: sonde record -e' in words, words)
    out, _ = run('syscalls', 'one', '--from', '+25ms')
    result('a table without rows says so of the window', 'none in this window' in out and
           'CALL' not in out, out)
    out, _ = run('cpu', 'one', '--pid', '999')
    result('and of what was asked for', out.count('none of what was asked for in this trace') == 2,
           out)
    none = json.loads(run('syscalls', 'one', '--json', '--from', '+25ms')[0])
    result('in JSON it has none', none['calls'] == [], none)


def hosts():
    out, _ = run('syscalls', 'one', 'two')
    rows = [line.split() for line in out.splitlines() if ' read ' in line]
    result('calls are told apart by host', 'HOST' in out and
           sorted(r[:3] for r in rows) == [['one', 'read', '2'], ['two', 'read', '4']], out)
    got = json.loads(run('syscalls', '--json', 'one', 'two')[0])
    result('in JSON too, and the sums are of both', got['total']['count'] == 6 and
           sorted((c['host'], c['errors']) for c in got['calls']) == [('one', 1), ('two', 3)], got)
    out, _ = run('syscalls', '--per-process', 'one', 'two')
    result('processes have their host', 'one (10) on one: ' in out and 'two (10) on two: ' in out,
           out)
    got = json.loads(run('cpu', '--json', '--intervals', '2', '--from', '+0ms', '--to', '+29ms',
                         'one', 'two')[0])
    result('so have intervals', [(i['host'], i['busy_ns']) for i in got['intervals']] ==
           [(h, 145 * 10**5) for h in ('one', 'one', 'two', 'two')], got['intervals'])
    out, _ = run('syscalls', 'one')
    result('one host needs no name', 'HOST' not in out and ' on one' not in out, out)


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    host('one', 1, 2).write('one')
    host('two', 2, 4).write('two')
    late().write('late')
    windows()
    hosts()
print(f'1..{n}')
sys.exit(failed > 0)
